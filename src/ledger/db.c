/*
 * SQLite behind one file: connections, their rules, statements and what their refusals mean.
 *
 * Rules of every connection. WAL with synchronous=FULL: a commit returns after its frames are
 * synced, so an acknowledged change survives power loss (sqlite.org/wal.html). Foreign keys on.
 * Defensive mode, untrusted schema, checked cells, no attached files: a damaged or foreign file
 * must not run code of its own (sqlite.org/security.html). Deleted content is overwritten
 * (secure_delete), because erasing personal data must erase it.
 *
 * Statements are kept per connection and found by their text: compiling one takes 10 to 50 us,
 * running it often less. A connection knows some forty texts; CACHE_MAX bounds those of rooms to
 * come. Within one transaction nothing is evicted, since its caller may still hold it.
 *
 * Words. SQLite's own sentence never stands alone: each refusal is told as what it means for the
 * plant (disk full, damaged, rule broken), with the original in brackets.
 */
#include "ledger/db.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#include <sqlite3.h>

#include "core/buf.h"
#include "core/check.h"
#include "core/file.h"
#include "core/hash.h"

enum {
    CACHE_MAX = 128,           // Statements kept between transactions.
    BUSY_TIMEOUT_MS = 5000,    // Another process, e.g. a backup tool, holds the file.
    LOG_KEEP_BYTES = 4 << 20,  // The log shrinks to this after a checkpoint.
    SQL_MAX_BYTES = 256 << 10, // One statement; ours have under 4 KB.
    PRIMARY_CODE_MASK = 0xff,  // SQLite's extended codes carry the primary one in the low byte.
};

struct ledger_stmt {
    struct db *db;
    sqlite3_stmt *handle;
    char *sql;
    uint64_t hash;
    uint64_t last_use;    // Of db->uses.
    uint64_t transaction; // db->transactions when it was last prepared.
    int bind_result;      // First refused bind; told by the next step.
    struct ledger_stmt *next;
};

struct db {
    sqlite3 *handle;
    char *path;
    struct ledger_stmt *statements;
    uint32_t statement_count;
    uint64_t uses;
    uint64_t transactions;
};

static bool is_space_error(int errno_value) {
    return errno_value == ENOSPC || errno_value == EDQUOT;
}

/* What a result code means for the plant. `text` is SQLite's sentence. */
static int db_error_of(
    const char *path, int code, int errno_value, const char *text, struct err *err) {
    const struct arg *path_only = ARGS(A_CSTR(path));
    const struct arg *both = ARGS(A_CSTR(path), A_CSTR(text));
    switch (code & PRIMARY_CODE_MASK) {
    case SQLITE_FULL: return err_set(err, ERR_SPACE, MSG_LEDGER_FULL, path_only);
    case SQLITE_IOERR:
        if (is_space_error(errno_value)) {
            return err_set(err, ERR_SPACE, MSG_LEDGER_FULL, path_only);
        }
        return err_set(err, ERR_IO, MSG_LEDGER_IO, both);
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB: return err_set(err, ERR_CORRUPT, MSG_LEDGER_DAMAGED, both);
    case SQLITE_CONSTRAINT: return err_set(err, ERR_CONFLICT, MSG_LEDGER_RULE, ARGS(A_CSTR(text)));
    case SQLITE_BUSY:
    case SQLITE_LOCKED: return err_set(err, ERR_BUSY, MSG_LEDGER_HELD, path_only);
    case SQLITE_READONLY:
    case SQLITE_PERM: return err_set(err, ERR_IO, MSG_LEDGER_READ_ONLY, path_only);
    case SQLITE_CANTOPEN: return err_set(err, ERR_IO, MSG_LEDGER_OPEN_FAILED, both);
    case SQLITE_TOOBIG: return err_set(err, ERR_LIMIT, MSG_LEDGER_TOO_BIG, NO_ARGS);
    case SQLITE_NOMEM: check_failed("memory for the ledger", __FILE__, __LINE__);
    default: return err_set(err, ERR_DATABASE, MSG_LEDGER_STATEMENT, both);
    }
}

static int db_error(const struct db *db, int code, struct err *err) {
    return db_error_of(
        db->path, code, sqlite3_system_errno(db->handle), sqlite3_errmsg(db->handle), err);
}

/* SQLite gives its log and index files the rights of the main file, so that one is made first. */
static int create_private(const char *path, struct err *err) {
    if (file_exists(path)) {
        return 0;
    }
    int fd = -1;
    int result = file_open(files_system(), path, FILE_CREATE_NEW, &fd, err);
    if (result < 0) {
        return result;
    }
    file_close(fd);
    AUTO_FREE char *dir = mem_copy_z(str_of(path));
    char *slash = strrchr(dir, '/');
    if (slash == NULL) {
        return dir_sync(files_system(), ".", err);
    }
    slash[slash == dir] = '\0'; // "/name" stands in "/".
    return dir_sync(files_system(), dir, err);
}

static void limit_connection(sqlite3 *handle, bool may_attach) {
    (void)sqlite3_extended_result_codes(handle, 1); // Cannot fail on an open connection.
    CHECK(sqlite3_busy_timeout(handle, BUSY_TIMEOUT_MS) == SQLITE_OK);
    CHECK(sqlite3_db_config(handle, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL) == SQLITE_OK);
    CHECK(sqlite3_db_config(handle, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL) == SQLITE_OK);
    CHECK(sqlite3_db_config(handle, SQLITE_DBCONFIG_ENABLE_FKEY, 1, NULL) == SQLITE_OK);
    CHECK(sqlite3_db_config(handle, SQLITE_DBCONFIG_DQS_DML, 0, NULL) == SQLITE_OK);
    CHECK(sqlite3_db_config(handle, SQLITE_DBCONFIG_DQS_DDL, 0, NULL) == SQLITE_OK);
    (void)sqlite3_limit(
        handle, SQLITE_LIMIT_ATTACHED, may_attach ? 1 : 0); // These return the former limit.
    (void)sqlite3_limit(handle, SQLITE_LIMIT_SQL_LENGTH, SQL_MAX_BYTES);
}

static int use_wal(struct db *db, struct err *err) {
    struct ledger_stmt *stmt = NULL;
    int result = db_prepare(db, "PRAGMA journal_mode=WAL", &stmt, err);
    if (result == 0) {
        result = ledger_step(stmt, err);
    }
    if (result < 0) {
        return result;
    }
    struct str mode = ledger_column_str(stmt, 0);
    if (!str_eq(mode, STR("wal"))) {
        return err_set(
            err, ERR_UNSUPPORTED, MSG_LEDGER_NO_WAL, ARGS(A_CSTR(db->path), A_STR(mode)));
    }
    db_statements_end(db);
    return 0;
}

static int set_rules(struct db *db, const struct db_options *options, struct err *err) {
    limit_connection(db->handle, options->may_attach);
    int result = use_wal(db, err);
    if (result < 0) {
        return result;
    }
    AUTO_BUF struct buf sql;
    buf_init(&sql, SQL_MAX_BYTES);
    buf_printf(&sql,
        "PRAGMA synchronous=FULL; PRAGMA cell_size_check=ON; PRAGMA secure_delete=ON;"
        "PRAGMA temp_store=MEMORY; PRAGMA journal_size_limit=%d; PRAGMA cache_size=-%d;"
        "PRAGMA query_only=%d;",
        LOG_KEEP_BYTES, options->cache_kib, options->query_only);
    return db_script(db, buf_z(&sql), err);
}

int db_open(const struct db_options *options, struct db **ret_db, struct err *err) {
    int result = create_private(options->path, err);
    if (result < 0) {
        return result;
    }
    struct db *db = MEM_NEW(struct db);
    db->path = mem_copy_z(str_of(options->path));
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX;
    int code = sqlite3_open_v2(options->path, &db->handle, flags, NULL);
    CHECK(db->handle != NULL); // NULL only without memory.
    result = code == SQLITE_OK ? set_rules(db, options, err) : db_error(db, code, err);
    if (result < 0) {
        db_close(db);
        return result;
    }
    *ret_db = db;
    return 0;
}

static void stmt_free(struct ledger_stmt *stmt) {
    (void)sqlite3_finalize(stmt->handle); // Repeats the error of the last step, told already.
    mem_free(stmt->sql);
    mem_free(stmt);
}

void db_close(struct db *db) {
    if (db == NULL) {
        return;
    }
    while (db->statements != NULL) {
        struct ledger_stmt *next = db->statements->next;
        stmt_free(db->statements);
        db->statements = next;
    }
    CHECK(sqlite3_close(db->handle) == SQLITE_OK); // No statement is left.
    mem_free(db->path);
    mem_free(db);
}

const char *db_path(const struct db *db) {
    return db->path;
}

static struct ledger_stmt *stmt_find(struct db *db, const char *sql, uint64_t hash) {
    for (struct ledger_stmt *stmt = db->statements; stmt != NULL; stmt = stmt->next) {
        if (stmt->hash == hash && strcmp(stmt->sql, sql) == 0) {
            return stmt;
        }
    }
    return NULL;
}

/* NULL when SQLite refuses the text; *ret_code tells why. */
static struct ledger_stmt *stmt_new(struct db *db, const char *sql, uint64_t hash, int *ret_code) {
    sqlite3_stmt *handle = NULL;
    *ret_code = sqlite3_prepare_v3(db->handle, sql, -1, SQLITE_PREPARE_PERSISTENT, &handle, NULL);
    if (*ret_code != SQLITE_OK) {
        return NULL;
    }
    CHECK(handle != NULL); // An empty statement is a mistake of ours.
    struct ledger_stmt *stmt = MEM_NEW(struct ledger_stmt);
    stmt->db = db;
    stmt->handle = handle;
    stmt->sql = mem_copy_z(str_of(sql));
    stmt->hash = hash;
    stmt->next = db->statements;
    db->statements = stmt;
    db->statement_count++;
    return stmt;
}

int db_prepare(struct db *db, const char *sql, struct ledger_stmt **ret_stmt, struct err *err) {
    uint64_t hash = hash64(sql, strlen(sql));
    struct ledger_stmt *stmt = stmt_find(db, sql, hash);
    if (stmt == NULL) {
        int code = SQLITE_OK;
        stmt = stmt_new(db, sql, hash, &code);
        if (stmt == NULL) {
            return db_error(db, code, err);
        }
    }
    (void)sqlite3_reset(stmt->handle); // Repeats the error of the last step, told already.
    (void)sqlite3_clear_bindings(stmt->handle);
    stmt->bind_result = SQLITE_OK;
    stmt->last_use = ++db->uses;
    stmt->transaction = db->transactions;
    *ret_stmt = stmt;
    return 0;
}

static void stmt_remove_oldest(struct db *db) {
    struct ledger_stmt **oldest = &db->statements;
    for (struct ledger_stmt **at = &db->statements; *at != NULL; at = &(*at)->next) {
        if ((*at)->last_use < (*oldest)->last_use) {
            oldest = at;
        }
    }
    struct ledger_stmt *stmt = *oldest;
    *oldest = stmt->next;
    stmt_free(stmt);
    db->statement_count--;
}

void db_statements_end(struct db *db) {
    for (struct ledger_stmt *stmt = db->statements; stmt != NULL; stmt = stmt->next) {
        if (stmt->transaction == db->transactions) {
            (void)sqlite3_reset(stmt->handle); // Repeats the error of the last step, told already.
        }
    }
    while (db->statement_count > CACHE_MAX) {
        stmt_remove_oldest(db);
    }
    db->transactions++;
}

int db_run(struct db *db, const char *sql, struct err *err) {
    struct ledger_stmt *stmt = NULL;
    int result = db_prepare(db, sql, &stmt, err);
    if (result == 0) {
        result = ledger_step(stmt, err);
        (void)sqlite3_reset(stmt->handle); // A row that nobody reads must not stay open.
    }
    return result < 0 ? result : 0;
}

int db_script(struct db *db, const char *sql, struct err *err) {
    int code = sqlite3_exec(db->handle, sql, NULL, NULL, NULL);
    return code == SQLITE_OK ? 0 : db_error(db, code, err);
}

int db_number(struct db *db, const char *sql, int64_t *ret_value, struct err *err) {
    struct ledger_stmt *stmt = NULL;
    int result = db_prepare(db, sql, &stmt, err);
    if (result == 0) {
        result = ledger_step(stmt, err);
    }
    if (result < 0) {
        return result;
    }
    *ret_value = result == 1 ? ledger_column_i64(stmt, 0) : 0;
    (void)sqlite3_reset(stmt->handle); // It succeeded.
    return 0;
}

bool db_in_transaction(const struct db *db) {
    return sqlite3_get_autocommit(db->handle) == 0;
}

int64_t db_changes(const struct db *db) {
    return sqlite3_changes64(db->handle);
}

int db_checkpoint(struct db *db, struct err *err) {
    int code = sqlite3_wal_checkpoint_v2(db->handle, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
    return code == SQLITE_OK ? 0 : db_error(db, code, err);
}

/* All pages in one step: one read transaction, so the copy is of one state and never starts over
 * because somebody wrote (sqlite.org/c3ref/backup_finish.html). The copy is synced by its user. */
int db_copy(struct db *db, const char *to_path, struct err *err) {
    int result = create_private(to_path, err);
    if (result < 0) {
        return result;
    }
    sqlite3 *to = NULL;
    int code = sqlite3_open_v2(to_path, &to, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);
    CHECK(to != NULL); // NULL only without memory.
    if (code == SQLITE_OK) {
        code = sqlite3_exec(to, "PRAGMA synchronous=OFF", NULL, NULL, NULL);
    }
    if (code == SQLITE_OK) {
        sqlite3_backup *backup = sqlite3_backup_init(to, "main", db->handle, "main");
        code = backup != NULL ? sqlite3_backup_step(backup, -1) : sqlite3_errcode(to);
        code = backup != NULL && code == SQLITE_DONE ? SQLITE_OK : code;
        int finished = sqlite3_backup_finish(backup);
        code = code == SQLITE_OK ? finished : code;
    }
    if (code != SQLITE_OK) {
        result = db_error_of(to_path, code, sqlite3_system_errno(to), sqlite3_errstr(code), err);
    }
    CHECK(sqlite3_close(to) == SQLITE_OK); // No statement is left.
    return result;
}

int db_limit_pages(struct db *db, int64_t pages, struct err *err) {
    enum { PAGES_ANY = 1073741823 }; // SQLite's default, 4 TB.
    AUTO_BUF struct buf sql;
    buf_init(&sql, 128);
    buf_printf(&sql, "PRAGMA max_page_count=%lld", (long long)(pages > 0 ? pages : PAGES_ANY));
    return db_script(db, buf_z(&sql), err);
}

int ledger_prepare(
    struct ledger_tx *tx, const char *sql, struct ledger_stmt **ret_stmt, struct err *err) {
    return db_prepare(tx->db, sql, ret_stmt, err);
}

static void bound(struct ledger_stmt *stmt, int code) {
    if (stmt->bind_result == SQLITE_OK) {
        stmt->bind_result = code;
    }
}

void ledger_bind_i64(struct ledger_stmt *stmt, int index, int64_t value) {
    bound(stmt, sqlite3_bind_int64(stmt->handle, index, value));
}

void ledger_bind_f64(struct ledger_stmt *stmt, int index, double value) {
    bound(stmt, isnan(value) ? sqlite3_bind_null(stmt->handle, index)
                             : sqlite3_bind_double(stmt->handle, index, value));
}

void ledger_bind_str(struct ledger_stmt *stmt, int index, struct str value) {
    const char *data = value.size > 0 ? value.data : ""; // NULL would bind NULL.
    bound(stmt,
        sqlite3_bind_text64(stmt->handle, index, data, value.size, SQLITE_TRANSIENT, SQLITE_UTF8));
}

void ledger_bind_blob(struct ledger_stmt *stmt, int index, const void *data, size_t size) {
    bound(stmt,
        sqlite3_bind_blob64(stmt->handle, index, size > 0 ? data : "", size, SQLITE_TRANSIENT));
}

void ledger_bind_null(struct ledger_stmt *stmt, int index) {
    bound(stmt, sqlite3_bind_null(stmt->handle, index));
}

int ledger_step(struct ledger_stmt *stmt, struct err *err) {
    if (stmt->bind_result != SQLITE_OK) {
        return db_error_of(
            stmt->db->path, stmt->bind_result, 0, sqlite3_errstr(stmt->bind_result), err);
    }
    int code = sqlite3_step(stmt->handle);
    if (code == SQLITE_ROW) {
        return 1;
    }
    int result = code == SQLITE_DONE ? 0 : db_error(stmt->db, code, err);
    (void)sqlite3_reset(stmt->handle); // Repeats the error just told.
    return result;
}

int64_t ledger_column_i64(struct ledger_stmt *stmt, int column) {
    return sqlite3_column_int64(stmt->handle, column);
}

double ledger_column_f64(struct ledger_stmt *stmt, int column) {
    return ledger_column_is_null(stmt, column) ? (double)NAN
                                               : sqlite3_column_double(stmt->handle, column);
}

struct str ledger_column_str(struct ledger_stmt *stmt, int column) {
    const unsigned char *text = sqlite3_column_text(stmt->handle, column);
    int size = sqlite3_column_bytes(stmt->handle, column);
    if (text == NULL || size <= 0) {
        return STR_NONE;
    }
    return (struct str){(const char *)text, (size_t)size};
}

bool ledger_column_is_null(struct ledger_stmt *stmt, int column) {
    return sqlite3_column_type(stmt->handle, column) == SQLITE_NULL;
}

struct str db_column_blob(struct ledger_stmt *stmt, int column) {
    const void *blob = sqlite3_column_blob(stmt->handle, column);
    int size = sqlite3_column_bytes(stmt->handle, column);
    return blob == NULL || size < 0 ? STR_NONE : (struct str){blob, (size_t)size};
}

bool db_column_bytes(struct ledger_stmt *stmt, int column, void *ret_bytes, size_t size) {
    const void *blob = sqlite3_column_blob(stmt->handle, column);
    int blob_size = sqlite3_column_bytes(stmt->handle, column);
    if (blob == NULL || blob_size < 0 || (size_t)blob_size != size) {
        return false;
    }
    memcpy(ret_bytes, blob, size);
    return true;
}

int db_column_count(struct ledger_stmt *stmt) {
    return sqlite3_column_count(stmt->handle);
}

struct db_value db_column_value(struct ledger_stmt *stmt, int column) {
    sqlite3_stmt *handle = stmt->handle;
    switch (sqlite3_column_type(handle, column)) {
    case SQLITE_INTEGER:
        return (struct db_value){.type = 'i', .integer = sqlite3_column_int64(handle, column)};
    case SQLITE_FLOAT:
        return (struct db_value){.type = 'f', .real = sqlite3_column_double(handle, column)};
    case SQLITE_TEXT: {
        const void *text = sqlite3_column_text(handle, column);
        return (struct db_value){
            .type = 't', .bytes = text, .size = (size_t)sqlite3_column_bytes(handle, column)};
    }
    case SQLITE_BLOB: {
        const void *blob = sqlite3_column_blob(handle, column);
        return (struct db_value){
            .type = 'b', .bytes = blob, .size = (size_t)sqlite3_column_bytes(handle, column)};
    }
    default: return (struct db_value){.type = 'n'};
    }
}

int64_t ledger_now_ns(const struct ledger_tx *tx) {
    return clock_wall_ns(tx->clock);
}
