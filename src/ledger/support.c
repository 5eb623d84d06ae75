/*
 * Remote support in the hub: cases of a desk, visits of a factory.
 *
 * A code is spent in one UPDATE that names all conditions, so that of two factories with the same
 * link one gets in. Code and key are forgotten when the case ends; what stays is who, when and how
 * long. A case opens nothing once the person who opened it may not sign in any more.
 */
#include "ledger/support.h"

#include <string.h>

#include "core/limits.h"
#include "ledger/input.h"
#include "ledger/run.h"
#include "ledger/secret.h"

#define CASE_COLUMNS                                                                               \
    "SELECT c.id, c.factory, c.note, c.opened_by,"                                                 \
    " coalesce(CASE WHEN u.display <> '' THEN u.display ELSE u.login END, ''),"                    \
    " coalesce(o.name, ''), c.plant, c.plant_display, c.role, c.ended_by, c.created_ns,"           \
    " c.code_until_ns, c.code IS NULL, c.connected_ns, c.until_ns, c.ended_ns"                     \
    " FROM support_cases c LEFT JOIN users u ON u.id = c.opened_by"                                \
    " LEFT JOIN organisations o ON o.id = u.organisation_id "

/* What can still be used at ?N: a code that nobody has taken up, or a visit that lasts. */
#define CASE_OPEN(now) "c.ended_ns IS NULL AND coalesce(c.until_ns, c.code_until_ns) > " now " "

static struct support_case case_row(struct ledger_stmt *stmt) {
    return (struct support_case){.id = ledger_column_str(stmt, 0),
        .factory = ledger_column_str(stmt, 1),
        .note = ledger_column_str(stmt, 2),
        .opened_by = ledger_column_str(stmt, 3),
        .name = ledger_column_str(stmt, 4),
        .organisation = ledger_column_str(stmt, 5),
        .plant = ledger_column_str(stmt, 6),
        .plant_display = ledger_column_str(stmt, 7),
        .role = ledger_column_str(stmt, 8),
        .ended_by = ledger_column_str(stmt, 9),
        .created_ns = ledger_column_i64(stmt, 10),
        .code_until_ns = ledger_column_i64(stmt, 11),
        .code_spent = ledger_column_i64(stmt, 12) != 0,
        .connected_ns = ledger_column_i64(stmt, 13), // NULL is 0.
        .until_ns = ledger_column_i64(stmt, 14),
        .ended_ns = ledger_column_i64(stmt, 15)};
}

static int open_count(struct ledger_tx *tx, int64_t *ret_count, struct err *err) {
    struct ledger_stmt *stmt = NULL;
    int rc = ledger_prepare(
        tx, "SELECT count(*) FROM support_cases c WHERE " CASE_OPEN("?1"), &stmt, err);
    if (rc < 0) {
        return rc;
    }
    ledger_bind_i64(stmt, 1, ledger_now_ns(tx));
    rc = ledger_step(stmt, err);
    if (rc > 0) {
        *ret_count = ledger_column_i64(stmt, 0);
    }
    return rc < 0 ? rc : 0;
}

static int wish_check(struct ledger_tx *tx, const struct support_wish *wish, struct err *err) {
    int64_t count = 0;
    int rc = input_text("factory", wish->factory, LIMIT_DISPLAY_BYTES, err);
    rc = rc < 0 ? rc : input_text("note", wish->note, SUPPORT_NOTE_BYTES, err);
    rc = rc < 0 ? rc : input_lifetime(wish->code_lifetime_ns, err);
    rc = rc < 0 ? rc : open_count(tx, &count, err);
    return rc < 0 || count < SUPPORT_OPEN_MAX
               ? rc
               : err_set(err, ERR_LIMIT, MSG_LEDGER_SUPPORT_FULL, ARGS(A_INT(SUPPORT_OPEN_MAX)));
}

int support_case_new(struct ledger_tx *tx, const struct support_wish *wish, char ret_id[40],
    char ret_code[SECRET_TEXT_MAX], struct err *err) {
    struct ledger_stmt *stmt = NULL;
    int rc = wish_check(tx, wish, err);
    rc = rc < 0 ? rc
                : ledger_prepare(tx,
                      "INSERT INTO support_cases"
                      " (id, factory, note, opened_by, created_ns, code, code_until_ns)"
                      " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
                      &stmt, err);
    if (rc < 0) {
        return rc;
    }
    char id[40];
    char code[SECRET_TEXT_MAX];
    uint8_t hash[HASH_BYTES];
    id_new(ledger_now_ns(tx), id);
    secret_new("", code);
    secret_hash("support code", str_of(code), hash);
    ledger_bind_str(stmt, 1, str_of(id));
    ledger_bind_str(stmt, 2, wish->factory);
    ledger_bind_str(stmt, 3, wish->note);
    ledger_bind_str(stmt, 4, wish->opened_by);
    ledger_bind_i64(stmt, 5, ledger_now_ns(tx));
    ledger_bind_blob(stmt, 6, hash, HASH_BYTES);
    ledger_bind_i64(stmt, 7, ledger_now_ns(tx) + wish->code_lifetime_ns);
    rc = ledger_step(stmt, err);
    if (rc == 0) {
        memcpy(ret_id, id, sizeof id);
        memcpy(ret_code, code, sizeof code);
    }
    return rc;
}

int support_case_each(struct ledger_tx *tx, struct str opened_by, support_case_fn each,
    void *context, struct err *err) {
    struct ledger_stmt *stmt = NULL;
    int rc = ledger_prepare(tx,
        CASE_COLUMNS "WHERE ?1 = '' OR c.opened_by = ?1 ORDER BY c.created_ns DESC, c.id DESC"
                     " LIMIT ?2",
        &stmt, err);
    if (rc < 0) {
        return rc;
    }
    ledger_bind_str(stmt, 1, opened_by);
    ledger_bind_i64(stmt, 2, SUPPORT_LISTED_MAX);
    while (rc >= 0 && (rc = ledger_step(stmt, err)) == 1) {
        struct support_case found = case_row(stmt);
        rc = each(context, &found, err);
    }
    return rc;
}

/* Steps once and copies the row; ERR_NOT_FOUND, without words, when there is none. */
static int case_take(
    struct ledger_stmt *stmt, struct arena *arena, struct support_case *ret_case, struct err *err) {
    int rc = ledger_step(stmt, err);
    if (rc <= 0) {
        return rc < 0 ? rc : -ERR_NOT_FOUND;
    }
    struct support_case found = case_row(stmt);
    struct str *const texts[] = {&found.id, &found.factory, &found.note, &found.opened_by,
        &found.name, &found.organisation, &found.plant, &found.plant_display, &found.role,
        &found.ended_by};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        *texts[i] = arena_copy(arena, *texts[i]);
    }
    *ret_case = found;
    return 0;
}

int support_case_get(struct ledger_tx *tx, struct str id, struct arena *arena,
    struct support_case *ret_case, struct err *err) {
    struct ledger_stmt *stmt = NULL;
    int rc = ledger_prepare(tx, CASE_COLUMNS "WHERE c.id = ?1", &stmt, err);
    if (rc < 0) {
        return rc;
    }
    ledger_bind_str(stmt, 1, id);
    rc = case_take(stmt, arena, ret_case, err);
    return rc != -ERR_NOT_FOUND ? rc
                                : err_set(err, ERR_NOT_FOUND, MSG_LEDGER_SUPPORT_UNKNOWN, NO_ARGS);
}

/* By a secret's hash (?1) at the present time (?2). ERR_NOT_FOUND is without words. */
static int case_by(struct ledger_tx *tx, const char *sql, const uint8_t hash[HASH_BYTES],
    struct arena *arena, struct support_case *ret_case, struct err *err) {
    struct ledger_stmt *stmt = NULL;
    int rc = ledger_prepare(tx, sql, &stmt, err);
    if (rc < 0) {
        return rc;
    }
    ledger_bind_blob(stmt, 1, hash, HASH_BYTES);
    ledger_bind_i64(stmt, 2, ledger_now_ns(tx));
    return case_take(stmt, arena, ret_case, err);
}

int support_case_by_code(struct ledger_tx *tx, struct str code, struct arena *arena,
    struct support_case *ret_case, struct err *err) {
    uint8_t hash[HASH_BYTES];
    secret_hash("support code", code, hash);
    int rc = case_by(tx,
        CASE_COLUMNS
        "WHERE c.code = ?1 AND c.connected_ns IS NULL AND " CASE_OPEN("?2") "AND " ACTIVE_USER,
        hash, arena, ret_case, err);
    return rc != -ERR_NOT_FOUND ? rc
                                : err_set(err, ERR_FORBIDDEN, MSG_LEDGER_SUPPORT_CODE, NO_ARGS);
}

int support_case_by_key(struct ledger_tx *tx, struct str key, struct arena *arena,
    struct support_case *ret_case, struct err *err) {
    uint8_t hash[HASH_BYTES];
    secret_hash("support key", key, hash);
    int rc = case_by(tx, CASE_COLUMNS "WHERE c.key = ?1 AND " CASE_OPEN("?2") "AND " ACTIVE_USER,
        hash, arena, ret_case, err);
    return rc != -ERR_NOT_FOUND ? rc
                                : err_set(err, ERR_FORBIDDEN, MSG_LEDGER_SUPPORT_OVER, NO_ARGS);
}

int support_case_connect(struct ledger_tx *tx, struct str code, const struct support_grant *grant,
    char ret_key[SECRET_TEXT_MAX], struct err *err) {
    AUTO_ARENA struct arena arena;
    arena_init(&arena, 0);
    struct support_case found;
    struct ledger_stmt *stmt = NULL;
    int rc = support_case_by_code(tx, code, &arena, &found, err);
    rc = rc < 0 ? rc : input_text("plant", grant->plant, LIMIT_ID_BYTES, err);
    rc = rc < 0 ? rc : input_text("plant_display", grant->plant_display, LIMIT_DISPLAY_BYTES, err);
    rc = rc < 0 ? rc : input_lifetime(grant->until_ns - ledger_now_ns(tx), err);
    rc = rc < 0 ? rc
                : ledger_prepare(tx,
                      "UPDATE support_cases SET code = NULL, key = ?2, plant = ?3,"
                      " plant_display = ?4, role = ?5, connected_ns = ?6, until_ns = ?7"
                      " WHERE id = ?1 AND connected_ns IS NULL AND ended_ns IS NULL",
                      &stmt, err);
    if (rc < 0) {
        return rc;
    }
    char key[SECRET_TEXT_MAX];
    uint8_t hash[HASH_BYTES];
    secret_new("", key);
    secret_hash("support key", str_of(key), hash);
    ledger_bind_str(stmt, 1, found.id);
    ledger_bind_blob(stmt, 2, hash, HASH_BYTES);
    ledger_bind_str(stmt, 3, grant->plant);
    ledger_bind_str(stmt, 4, grant->plant_display);
    ledger_bind_str(stmt, 5, str_of(role_name(grant->role)));
    ledger_bind_i64(stmt, 6, ledger_now_ns(tx));
    ledger_bind_i64(stmt, 7, grant->until_ns);
    rc = ledger_step(stmt, err);
    if (rc == 0 && db_changes(tx->db) != 1) {
        return err_set(err, ERR_FORBIDDEN, MSG_LEDGER_SUPPORT_CODE, NO_ARGS);
    }
    if (rc == 0) {
        memcpy(ret_key, key, sizeof key);
    }
    return rc;
}

int support_case_end(struct ledger_tx *tx, struct str id, const char *ended_by, struct err *err) {
    struct ledger_stmt *stmt = NULL;
    int rc = ledger_prepare(tx,
        "UPDATE support_cases SET ended_ns = ?2, ended_by = ?3, code = NULL, key = NULL"
        " WHERE id = ?1 AND ended_ns IS NULL",
        &stmt, err);
    if (rc < 0) {
        return rc;
    }
    ledger_bind_str(stmt, 1, id);
    ledger_bind_i64(stmt, 2, ledger_now_ns(tx));
    ledger_bind_str(stmt, 3, str_of(ended_by));
    rc = ledger_step(stmt, err);
    return rc < 0 ? rc : db_changes(tx->db) == 1;
}

/* ---- Visits ---- */

void support_visit_id(char ret_id[SUPPORT_VISIT_ID]) {
    static const char DIGITS[] = "0123456789abcdef";
    uint8_t bytes[SALT_BYTES];
    salt_new(bytes);
    size_t size = str_copy_z(STR("support:"), ret_id, SUPPORT_VISIT_ID);
    for (size_t i = 0; i < 8; i++) {
        ret_id[size++] = DIGITS[bytes[i] >> 4];
        ret_id[size++] = DIGITS[bytes[i] & 15];
    }
    ret_id[size] = '\0';
}

int support_texts_check(
    struct str organisation, struct str name, struct str note, struct err *err) {
    int rc = input_text("organisation", organisation, LIMIT_DISPLAY_BYTES, err);
    rc = rc < 0 ? rc : input_text("name", name, LIMIT_DISPLAY_BYTES, err);
    return rc < 0 ? rc : input_text("note", note, SUPPORT_NOTE_BYTES, err);
}

int support_visit_new(struct ledger_tx *tx, const struct support_visit *visit, struct err *err) {
    struct ledger_stmt *stmt = NULL;
    int rc = input_text("desk", visit->desk, SUPPORT_DESK_BYTES, err);
    rc = rc < 0 ? rc : support_texts_check(visit->organisation, visit->name, visit->note, err);
    rc = rc < 0 ? rc
                : ledger_prepare(tx,
                      "INSERT INTO support_visits (id, plant_id, role, desk, organisation, name,"
                      " note, approved_by, begun_ns, until_ns)"
                      " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
                      &stmt, err);
    if (rc < 0) {
        return rc;
    }
    const struct str texts[] = {visit->id, visit->plant, str_of(role_name(visit->role)),
        visit->desk, visit->organisation, visit->name, visit->note, visit->approved_by};
    int place = 0;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        ledger_bind_str(stmt, ++place, texts[i]);
    }
    ledger_bind_i64(stmt, ++place, visit->begun_ns);
    ledger_bind_i64(stmt, ++place, visit->until_ns);
    return ledger_step(stmt, err);
}

int support_visit_end(struct ledger_tx *tx, struct str id, const char *ended_by,
    const struct support_counts *counts, struct err *err) {
    struct ledger_stmt *stmt = NULL;
    int rc = ledger_prepare(tx,
        "UPDATE support_visits SET ended_ns = ?2, ended_by = ?3, reads = ?4, changes = ?5,"
        " refused = ?6 WHERE id = ?1 AND ended_ns IS NULL",
        &stmt, err);
    if (rc < 0) {
        return rc;
    }
    ledger_bind_str(stmt, 1, id);
    ledger_bind_i64(stmt, 2, ledger_now_ns(tx));
    ledger_bind_str(stmt, 3, str_of(ended_by));
    ledger_bind_i64(stmt, 4, counts->reads);
    ledger_bind_i64(stmt, 5, counts->changes);
    ledger_bind_i64(stmt, 6, counts->refused);
    rc = ledger_step(stmt, err);
    return rc < 0 ? rc : db_changes(tx->db) == 1;
}

static struct support_visit visit_row(struct ledger_stmt *stmt) {
    struct support_visit visit = {.id = ledger_column_str(stmt, 0),
        .plant = ledger_column_str(stmt, 1),
        .desk = ledger_column_str(stmt, 3),
        .organisation = ledger_column_str(stmt, 4),
        .name = ledger_column_str(stmt, 5),
        .note = ledger_column_str(stmt, 6),
        .approved_by = ledger_column_str(stmt, 7),
        .begun_ns = ledger_column_i64(stmt, 8),
        .until_ns = ledger_column_i64(stmt, 9),
        .ended_ns = ledger_column_i64(stmt, 10),
        .ended_by = ledger_column_str(stmt, 11),
        .counts = {
            ledger_column_i64(stmt, 12), ledger_column_i64(stmt, 13), ledger_column_i64(stmt, 14)}};
    (void)role_of_name(ledger_column_str(stmt, 2), &visit.role); // As the schema allows.
    return visit;
}

int support_visit_each(
    struct ledger_tx *tx, struct str plant, support_visit_fn each, void *context, struct err *err) {
    struct ledger_stmt *stmt = NULL;
    int rc = ledger_prepare(tx,
        "SELECT v.id, v.plant_id, v.role, v.desk, v.organisation, v.name, v.note, " GIVEN_BY(
            "v.approved_by") ", v.begun_ns, v.until_ns, v.ended_ns, v.ended_by, v.reads, v.changes,"
                             " v.refused FROM support_visits v WHERE (?1 = '' AND v.ended_ns IS"
                             " NULL) OR v.plant_id = ?1 ORDER BY v.begun_ns DESC, v.id LIMIT ?2",
        &stmt, err);
    if (rc < 0) {
        return rc;
    }
    ledger_bind_str(stmt, 1, plant);
    ledger_bind_i64(stmt, 2, SUPPORT_LISTED_MAX);
    while (rc >= 0 && (rc = ledger_step(stmt, err)) == 1) {
        struct support_visit visit = visit_row(stmt);
        rc = each(context, &visit, err);
    }
    return rc;
}

int support_approver_stands(
    struct ledger_tx *tx, struct str user_id, struct str plant, bool *ret_stands, struct err *err) {
    struct ledger_stmt *stmt = NULL;
    int result = ledger_prepare(tx,
        "SELECT 1 FROM users u JOIN access a ON a.user_id = u.id WHERE u.id = ?1"
        " AND a.plant_id = ?2 AND a.role = 'owner' AND " ACTIVE_USER
        " AND coalesce(a.until_ns, 9223372036854775807) > ?3",
        &stmt, err);
    if (result < 0) {
        return result;
    }
    ledger_bind_str(stmt, 1, user_id);
    ledger_bind_str(stmt, 2, plant);
    ledger_bind_i64(stmt, 3, ledger_now_ns(tx));
    result = ledger_step(stmt, err);
    *ret_stands = result == 1;
    return result < 0 ? result : 0;
}
