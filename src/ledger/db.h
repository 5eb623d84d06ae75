#ifndef LEDGER_DB_H
#define LEDGER_DB_H
/*
 * One SQLite connection with its cache of prepared statements. Private to the room; db.c alone
 * includes sqlite3.h. A connection is used by one thread at a time (its owner's: the writer
 * thread, or whoever took a reader from the pool), so SQLite's own locks are off.
 */
#include <stdbool.h>
#include <stdint.h>

#include "ledger/ledger.h"

struct db;

struct db_options {
    const char *path;
    bool query_only;   // Any change is refused.
    int32_t cache_kib; // Page cache.
    bool may_attach;   // VACUUM attaches a file of its own.
};

/* One transaction, as the functions of ledger.h see it. */
struct ledger_tx {
    struct db *db;
    const struct clock *clock;
    bool erased; // Something personal was erased: the log must not keep it either.
};

/* Opens (creating the file, 0600) and sets the connection's rules. */
int db_open(const struct db_options *options, struct db **ret_db, struct err *err);
void db_close(struct db *db); // NULL is allowed.
const char *db_path(const struct db *db);
/* Runs one statement through the cache, ignoring its rows: BEGIN, COMMIT, SAVEPOINT... */
int db_run(struct db *db, const char *sql, struct err *err);
/* Runs a script of several statements, uncached: migrations. */
int db_script(struct db *db, const char *sql, struct err *err);
/* The number in the first column of the first row ("PRAGMA user_version"). */
int db_number(struct db *db, const char *sql, int64_t *ret_value, struct err *err);
/* Resets all statements of the present transaction and trims the cache. Before COMMIT, ROLLBACK. */
void db_statements_end(struct db *db);
/* False when SQLite has taken the transaction back by itself (disk full, I/O error). */
bool db_in_transaction(const struct db *db);
/* Rows changed by the last statement. */
int64_t db_changes(const struct db *db);
/* Copies all of the log into the file and cuts the log to nothing. Outside transactions. */
int db_checkpoint(struct db *db, struct err *err);
/* Copies one state of the whole database into a new file, without holding up its writer. */
int db_copy(struct db *db, const char *to_path, struct err *err);
/* Tests: the file may not grow beyond this many pages (0: any), as on a full disk. */
int db_limit_pages(struct db *db, int64_t pages, struct err *err);

/* Prepare, bind nothing, step once, expect no row: for statements without parameters. */
int db_prepare(struct db *db, const char *sql, struct ledger_stmt **ret_stmt, struct err *err);
/* A blob of exactly `size` bytes, or false. */
bool db_column_bytes(struct ledger_stmt *stmt, int column, void *ret_bytes, size_t size);

/* A blob, borrowed until the next step. */
struct str db_column_blob(struct ledger_stmt *stmt, int column);

/* A value of any type: 'i', 'f', 't', 'b' or 'n'; texts and blobs borrowed until the next step. */
struct db_value {
    char type;
    int64_t integer;
    double real;
    const void *bytes;
    size_t size;
};
int db_column_count(struct ledger_stmt *stmt);
struct db_value db_column_value(struct ledger_stmt *stmt, int column);

#endif
