/*
 * Copies, digests, erasures and order of a ledger's file.
 *
 * Each function takes a connection of its own: it may take long, and the pool's readers and the
 * writer have their callers waiting. A copy is one read transaction in WAL mode, so the writer goes
 * on. A digest reads `SELECT * FROM t NOT INDEXED` of every table: rows come in order of their key
 * whatever indexes there are, so VACUUM or a restored page layout changes nothing.
 *
 * Order. REINDEX takes the write lock for one index at a time, ANALYZE looks at a bounded number of
 * rows (analysis_limit). VACUUM is one long transaction: it runs only where it gives back a tenth
 * of a file that is small enough to be rewritten within a second or two; a writer that meets it
 * waits at most BUSY_TIMEOUT_MS.
 */
#include "ledger/upkeep.h"

#include <string.h>

#include "core/buf.h"
#include "core/file.h"
#include "ledger/db.h"

enum {
    COPY_CACHE_KIB = 2048,
    TABLES_MAX = 256, // Ours has some twenty; beyond, the digest refuses.
    NAME_MAX_BYTES = 128,
    ANALYSIS_ROWS = 1000,
    FREE_SHARE = 10, // A file is rewritten when a tenth of it is free.
};

static int open_own(
    const char *path, bool query_only, bool may_attach, struct db **ret_db, struct err *err) {
    struct db_options options = {.path = path,
        .query_only = query_only,
        .may_attach = may_attach,
        .cache_kib = COPY_CACHE_KIB};
    return db_open(&options, ret_db, err);
}

int ledger_file_copy(const char *path, const char *to_path, struct err *err) {
    struct db *db = NULL;
    int status = open_own(path, true, false, &db, err);
    if (status >= 0) {
        status = db_copy(db, to_path, err);
    }
    db_close(db);
    return status < 0 ? err_context(err, MSG_LEDGER_COPY, ARGS(A_CSTR(path))) : 0;
}

int ledger_copy(struct ledger *ledger, const char *to_path, struct err *err) {
    return ledger_file_copy(ledger_path(ledger), to_path, err);
}

/* ---- Digest ---- */

struct names {
    uint32_t count;
    char name[TABLES_MAX][NAME_MAX_BYTES];
};

static int read_names(struct db *db, const char *sql, struct names *ret_names, struct err *err) {
    struct ledger_stmt *stmt = NULL;
    int status = db_prepare(db, sql, &stmt, err);
    ret_names->count = 0;
    while (status >= 0 && (status = ledger_step(stmt, err)) == 1) {
        struct str name = ledger_column_str(stmt, 0);
        if (ret_names->count == TABLES_MAX || name.size >= NAME_MAX_BYTES ||
            str_find(name, '"') < name.size) {
            return err_set(err, ERR_LIMIT, MSG_LEDGER_TOO_BIG, NO_ARGS);
        }
        (void)str_copy_z(name, ret_names->name[ret_names->count++], NAME_MAX_BYTES);
    }
    return status;
}

static void add_value(struct digest *digest, const struct db_value *value) {
    digest_add(digest, &value->type, 1);
    if (value->type == 'i') {
        digest_add_u64(digest, (uint64_t)value->integer);
    } else if (value->type == 'f') {
        uint64_t bits = 0;
        memcpy(&bits, &value->real, sizeof bits);
        digest_add_u64(digest, bits);
    } else if (value->type == 't' || value->type == 'b') {
        digest_add_str(digest, (struct str){value->bytes, value->size});
    }
}

static int add_table(struct db *db, const char *name, struct digest *digest, struct err *err) {
    AUTO_BUF struct buf sql;
    buf_init(&sql, 512);
    buf_printf(&sql, "SELECT * FROM \"%s\" NOT INDEXED", name);
    struct ledger_stmt *stmt = NULL;
    int status = db_prepare(db, buf_z(&sql), &stmt, err);
    digest_add_str(digest, str_of(name));
    uint64_t rows = 0;
    while (status >= 0 && (status = ledger_step(stmt, err)) == 1) {
        int columns = db_column_count(stmt);
        for (int i = 0; i < columns; i++) {
            struct db_value value = db_column_value(stmt, i);
            add_value(digest, &value);
        }
        rows++;
    }
    digest_add_u64(digest, rows);
    return status;
}

static int read_audit_head(struct db *db, struct audit_head *ret_head, struct err *err) {
    struct ledger_stmt *stmt = NULL;
    *ret_head = (struct audit_head){.sequence = 0};
    int status = db_prepare(
        db, "SELECT sequence, hash FROM audit ORDER BY sequence DESC LIMIT 1", &stmt, err);
    if (status >= 0) {
        status = ledger_step(stmt, err);
    }
    if (status == 1) {
        ret_head->sequence = ledger_column_i64(stmt, 0);
        if (!db_column_bytes(stmt, 1, ret_head->hash, DIGEST_BYTES)) {
            status =
                err_set(err, ERR_CORRUPT, MSG_LEDGER_AUDIT_HASH, ARGS(A_INT(ret_head->sequence)));
        }
    }
    return status < 0 ? status : 0;
}

static int digest_open(
    struct db *db, uint8_t ret_digest[DIGEST_BYTES], struct audit_head *ret_head, struct err *err) {
    AUTO_FREE struct names *names = MEM_NEW(struct names);
    struct digest digest;
    digest_init(&digest);
    int status = read_names(db,
        "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
        " ORDER BY name",
        names, err);
    for (uint32_t i = 0; i < names->count && status >= 0; i++) {
        status = add_table(db, names->name[i], &digest, err);
    }
    if (status >= 0 && ret_head != NULL) {
        status = read_audit_head(db, ret_head, err);
    }
    if (status >= 0) {
        digest_end(&digest, ret_digest);
    }
    db_statements_end(db);
    return status < 0 ? status : 0;
}

int ledger_file_digest(const char *path, uint8_t ret_digest[DIGEST_BYTES],
    struct audit_head *ret_head, struct err *err) {
    struct db *db = NULL;
    int status = open_own(path, true, false, &db, err);
    if (status >= 0) {
        status = digest_open(db, ret_digest, ret_head, err);
    }
    db_close(db);
    return status < 0 ? err_context(err, MSG_VERIFY_IN, ARGS(A_CSTR(path))) : 0;
}

int ledger_file_tag_newest(const char *path, uint32_t *ret_number, struct err *err) {
    struct db *db = NULL;
    int64_t number = 0;
    int status = open_own(path, true, false, &db, err);
    if (status >= 0) {
        status = db_number(db, "SELECT coalesce(max(number), 0) FROM tags", &number, err);
        db_statements_end(db);
    }
    db_close(db);
    *ret_number = (uint32_t)number;
    return status;
}

int ledger_tag_newest(struct ledger *ledger, uint32_t *ret_number, struct err *err) {
    return ledger_file_tag_newest(ledger_path(ledger), ret_number, err);
}

int ledger_file_tags(const char *path,
    int (*each)(void *context, uint32_t number, struct str name, struct err *err), void *context,
    struct err *err) {
    struct db *db = NULL;
    struct ledger_stmt *stmt = NULL;
    int status = open_own(path, true, false, &db, err);
    if (status >= 0) {
        status = db_prepare(db, "SELECT number, name FROM tags ORDER BY name", &stmt, err);
    }
    while (status >= 0 && (status = ledger_step(stmt, err)) == 1) {
        uint32_t number = (uint32_t)ledger_column_i64(stmt, 0);
        status = each(context, number, ledger_column_str(stmt, 1), err);
    }
    if (db != NULL) {
        db_statements_end(db);
    }
    db_close(db);
    return status;
}

/* ---- Erasures ---- */

int audit_erasures(struct ledger_tx *tx,
    int (*each)(void *context, const struct erasure *erasure, struct err *err), void *context,
    struct err *err) {
    struct ledger_stmt *stmt = NULL;
    int status = ledger_prepare(tx,
        "SELECT a.sequence, a.hash FROM audit a LEFT JOIN audit_payload p"
        " ON p.sequence = a.sequence WHERE p.sequence IS NULL ORDER BY a.sequence",
        &stmt, err);
    while (status >= 0 && (status = ledger_step(stmt, err)) == 1) {
        struct erasure erasure = {.sequence = ledger_column_i64(stmt, 0)};
        if (db_column_bytes(stmt, 1, erasure.hash, DIGEST_BYTES)) {
            status = each(context, &erasure, err);
        }
    }
    return status;
}

int audit_erase_entry(struct ledger_tx *tx, const struct erasure *erasure, struct err *err) {
    struct ledger_stmt *stmt = NULL;
    int status = ledger_prepare(tx,
        "DELETE FROM audit_payload WHERE sequence = ?1"
        " AND EXISTS (SELECT 1 FROM audit WHERE sequence = ?1 AND hash = ?2)",
        &stmt, err);
    if (status < 0) {
        return status;
    }
    ledger_bind_i64(stmt, 1, erasure->sequence);
    ledger_bind_blob(stmt, 2, erasure->hash, DIGEST_BYTES);
    status = ledger_step(stmt, err);
    if (status < 0) {
        return status;
    }
    bool erased = db_changes(tx->db) > 0;
    tx->erased = tx->erased || erased;
    return erased;
}

/* ---- Order ---- */

static int read_sizes(struct db *db, uint64_t *ret_bytes, uint64_t *ret_free, struct err *err) {
    int64_t page = 0;
    int64_t pages = 0;
    int64_t unused = 0;
    int status = db_number(db, "PRAGMA page_size", &page, err);
    status = status < 0 ? status : db_number(db, "PRAGMA page_count", &pages, err);
    status = status < 0 ? status : db_number(db, "PRAGMA freelist_count", &unused, err);
    *ret_bytes = (uint64_t)(page * pages);
    *ret_free = (uint64_t)(page * unused);
    return status;
}

static int reindex(struct db *db, struct ledger_order *order, struct err *err) {
    AUTO_FREE struct names *names = MEM_NEW(struct names);
    int status = read_names(db,
        "SELECT name FROM sqlite_schema WHERE type = 'index' AND sql IS NOT NULL ORDER BY name",
        names, err);
    db_statements_end(db);
    for (uint32_t i = 0; i < names->count && status >= 0; i++) {
        AUTO_BUF struct buf sql;
        buf_init(&sql, 512);
        buf_printf(&sql, "REINDEX \"%s\"", names->name[i]);
        status = db_script(db, buf_z(&sql), err);
        order->indexes++;
    }
    return status;
}

static int put_in_order(
    struct db *db, uint64_t vacuum_max_bytes, struct ledger_order *order, struct err *err) {
    AUTO_BUF struct buf sql;
    buf_init(&sql, 128);
    buf_printf(&sql, "PRAGMA analysis_limit=%d; ANALYZE; PRAGMA optimize;", ANALYSIS_ROWS);
    int status = read_sizes(db, &order->bytes_before, &order->free_bytes_before, err);
    status = status < 0 ? status : reindex(db, order, err);
    status = status < 0 ? status : db_script(db, buf_z(&sql), err);
    bool worth = order->free_bytes_before * FREE_SHARE >= order->bytes_before &&
                 order->bytes_before <= vacuum_max_bytes;
    if (status >= 0 && worth) {
        status = db_script(db, "VACUUM", err);
        order->rewritten = status >= 0;
    }
    if (status >= 0) {
        (void)db_checkpoint(db, NULL); // A reader may be in the way; the next checkpoint does it.
    }
    uint64_t unused = 0;
    return status < 0 ? status : read_sizes(db, &order->bytes_after, &unused, err);
}

int ledger_optimize(struct ledger *ledger, uint64_t vacuum_max_bytes,
    struct ledger_order *ret_order, struct err *err) {
    struct db *db = NULL;
    struct ledger_order order = {.indexes = 0};
    int status = open_own(ledger_path(ledger), false, true, &db, err);
    if (status >= 0) {
        status = put_in_order(db, vacuum_max_bytes, &order, err);
        db_statements_end(db);
    }
    db_close(db);
    if (status >= 0) {
        *ret_order = order;
    }
    return status;
}
