/*
 * Numbered migrations and structural checks.
 *
 * The schema's number stands in the file's user_version, the kind of ledger in its application_id,
 * so that a hub and a plant's ledger cannot be exchanged by a slip of the hand. Each migration runs
 * in one transaction together with its new number: a kill leaves the file at one number or the
 * next, never between. A file with a higher number than we know is refused untouched, because an
 * older program cannot know what it would break.
 *
 * The scripts are files of schema/, built in by cmake/ledger_schema.cmake. A migration that was
 * released is never edited; a change is a new number.
 */
#include "ledger/migrate.h"

#include "core/buf.h"
#include "core/check.h"

struct migration {
    enum ledger_kind kind;
    int64_t number;
    const char *name;
    const char *sql;
};

static const struct migration MIGRATIONS[] = {
#define MIGRATION(kind, number, name, sql) {LEDGER_##kind, (number), (name), (sql)},
#include "ledger/schema.inc"
#undef MIGRATION
};
enum { MIGRATION_COUNT = sizeof MIGRATIONS / sizeof MIGRATIONS[0] };

/* "MARh" and "MARp" in ASCII. */
static const int64_t APPLICATION_IDS[] = {[LEDGER_HUB] = 0x4d415268, [LEDGER_PLANT] = 0x4d415270};

int64_t migrate_newest(enum ledger_kind kind) {
    int64_t newest = 0;
    for (size_t i = 0; i < MIGRATION_COUNT; i++) {
        if (MIGRATIONS[i].kind == kind) {
            newest = MIGRATIONS[i].number;
        }
    }
    return newest;
}

static int run_migration(struct db *db, const struct migration *migration, struct err *err) {
    AUTO_BUF struct buf numbers;
    buf_init(&numbers, 256);
    buf_printf(&numbers, "PRAGMA user_version=%lld; PRAGMA application_id=%lld;",
        (long long)migration->number, (long long)APPLICATION_IDS[migration->kind]);
    int result = db_script(db, "BEGIN IMMEDIATE", err);
    if (result == 0) {
        result = db_script(db, migration->sql, err);
    }
    if (result == 0) {
        result = check_foreign_keys(db, err);
    }
    if (result == 0) {
        result = db_script(db, buf_z(&numbers), err);
    }
    db_statements_end(db);
    if (result == 0) {
        result = db_script(db, "COMMIT", err);
    }
    if (result < 0) {
        if (db_in_transaction(db)) {
            (void)db_script(db, "ROLLBACK", NULL); // The first error is the one to tell.
        }
        return err_context(
            err, MSG_LEDGER_MIGRATION, ARGS(A_CSTR(db_path(db)), A_CSTR(migration->name)));
    }
    return 0;
}

/* A file without number and tables is new; anything else must carry our mark. */
static int check_kind(struct db *db, enum ledger_kind kind, int64_t version, struct err *err) {
    int64_t id = 0;
    int64_t tables = 0;
    int result = db_number(db, "PRAGMA application_id", &id, err);
    if (result == 0) {
        result = db_number(db, "SELECT count(*) FROM sqlite_schema", &tables, err);
    }
    if (result < 0) {
        return result;
    }
    bool is_new = version == 0 && id == 0 && tables == 0;
    if (!is_new && id != APPLICATION_IDS[kind]) {
        return err_set(err, ERR_INVALID, MSG_LEDGER_NOT_OURS, ARGS(A_CSTR(db_path(db))));
    }
    return 0;
}

int migrate(struct db *db, enum ledger_kind kind, struct err *err) {
    int64_t version = 0;
    int result = db_number(db, "PRAGMA user_version", &version, err);
    if (result == 0) {
        result = check_kind(db, kind, version, err);
    }
    if (result < 0) {
        return result;
    }
    if (version > migrate_newest(kind)) {
        return err_set(err, ERR_VERSION, MSG_LEDGER_NEWER,
            ARGS(A_CSTR(db_path(db)), A_INT(version), A_INT(migrate_newest(kind))));
    }
    for (size_t i = 0; i < MIGRATION_COUNT; i++) {
        if (MIGRATIONS[i].kind == kind && MIGRATIONS[i].number > version) {
            result = run_migration(db, &MIGRATIONS[i], err);
            if (result < 0) {
                return result;
            }
        }
    }
    db_statements_end(db);
    return 0;
}

int check_structure(struct db *db, bool whole, struct err *err) {
    struct ledger_stmt *stmt = NULL;
    const char *sql = whole ? "PRAGMA integrity_check(1)" : "PRAGMA quick_check(1)";
    int result = db_prepare(db, sql, &stmt, err);
    if (result == 0) {
        result = ledger_step(stmt, err);
    }
    if (result < 0) {
        return result;
    }
    struct str finding = result == 1 ? ledger_column_str(stmt, 0) : STR_NONE;
    if (!str_eq(finding, STR("ok"))) {
        result = err_set(
            err, ERR_CORRUPT, MSG_LEDGER_DAMAGED, ARGS(A_CSTR(db_path(db)), A_STR(finding)));
    }
    db_statements_end(db);
    return result < 0 ? result : 0;
}

int check_foreign_keys(struct db *db, struct err *err) {
    struct ledger_stmt *stmt = NULL;
    int result = db_prepare(db, "PRAGMA foreign_key_check", &stmt, err);
    if (result == 0) {
        result = ledger_step(stmt, err);
    }
    if (result <= 0) {
        return result;
    }
    return err_set(err, ERR_CORRUPT, MSG_LEDGER_FOREIGN_KEY,
        ARGS(A_CSTR(db_path(db)), A_INT(ledger_column_i64(stmt, 1)),
            A_STR(ledger_column_str(stmt, 0)), A_STR(ledger_column_str(stmt, 2))));
}
