#ifndef DEVICE_DRIVERS_SQLPOLL_H
#define DEVICE_DRIVERS_SQLPOLL_H
/*
 * Private to drivers/sqlpoll*.c: what the three databases have in common, the statements, and the
 * place in the table. All on the link's thread; a session is its opener's.
 */
#include "core/time.h"
#include "device/cell.h"
#include "device/driver.h"

enum sqlpoll_option {
    SQLPOLL_USER = 0,
    SQLPOLL_PASSWORD,
    SQLPOLL_TABLE,
    SQLPOLL_QUERY,
    SQLPOLL_MARK,
    SQLPOLL_MARK_TYPE,
    SQLPOLL_START,
    SQLPOLL_TIME,
    SQLPOLL_ZONE,
    SQLPOLL_BATCH,
    SQLPOLL_SSLMODE,
    SQLPOLL_CA,
};
enum sql_mark { SQL_MARK_INTEGER = 0, SQL_MARK_DECIMAL, SQL_MARK_TIMESTAMP, SQL_MARK_TEXT };
enum sql_sslmode { SQL_SSL_PREFER = 0, SQL_SSL_DISABLE, SQL_SSL_REQUIRE, SQL_SSL_VERIFY };
enum sql_kind { SQL_POSTGRESQL = 0, SQL_MYSQL, SQL_SQLITE };
enum {
    SQL_COLUMNS_MAX = 256,     // Of a row; more are refused in words.
    SQL_BINDS_MAX = 32,        // Parameters of one statement; more are refused.
    SQL_STATEMENT_MAX = 65536, // Bytes of one.
    SQL_MARK_BYTES = 1024,     // Of a mark's text; longer ones are refused.
    SQL_TIES_MAX = 16384,      // Rows that may share one mark; more are refused in words.
};

/* ---- sqlpoll_text.c: addresses and statements; pure ---- */

struct sql_address {
    enum sql_kind kind;
    char host[256];
    char port[8];
    char database[512]; // Of SQLite the path.
};
/* postgresql://host[:port]/db, postgres://, mysql://, mariadb://, sqlite:/path. ERR_INVALID. */
int sql_address_parse(struct str address, struct sql_address *ret_address, struct err *err);

/* What a parameter of a statement holds. */
enum sql_bind { SQL_BIND_SINCE = 0, SQL_BIND_BOUND };
struct sql_statement {
    struct buf text; // Up to SQL_STATEMENT_MAX.
    enum sql_kind kind;
    uint32_t bind_count;
    enum sql_bind binds[SQL_BINDS_MAX];
};
void sql_statement_init(struct sql_statement *statement, enum sql_kind kind);
void sql_statement_fini(struct sql_statement *statement);
/* An identifier, quoted; one with a NUL byte or none at all is refused. */
void sql_put_name(struct sql_statement *statement, struct str name);
void sql_put_bind(struct sql_statement *statement, enum sql_bind bind);
void sql_put(struct sql_statement *statement, const char *text);
/* The table (schema.table), or the whole SELECT in brackets with each :since outside of texts and
 * comments made a parameter. */
void sql_put_source(struct sql_statement *statement, const struct driver_settings *settings);
/* Table, query and mark are given as they must be. ERR_INVALID. */
int sql_check(const struct driver_settings *settings, enum sql_kind kind, struct err *err);
/* The mark of the `batch`-th row behind since (NULL: none is there). */
void sql_statement_bound(
    struct sql_statement *statement, const struct driver_settings *settings, bool has_since);
/* The rows from since to bound, both included, ordered; two columns stand before theirs: 1 where
 * the mark equals since, 1 where it equals the bound. */
void sql_statement_rows(
    struct sql_statement *statement, const struct driver_settings *settings, bool has_since);

/* ---- The databases: sqlpoll_pg.c, sqlpoll_my.c, sqlpoll_lite.c ---- */

struct sql_column {
    struct str name;
    bool is_utc;    // A time whose text is in UTC.
    bool is_number; // Told by the database; for browsing.
};
/* Of the row that was given last. A cell with data NULL is NULL. Lent until the next call. */
struct sql_row {
    const struct sql_column *columns;
    const struct str *cells;
    uint32_t count;
};
/* A statement to run; `since` and `bound` are texts of the mark's type. */
struct sql_call {
    struct str text;
    const enum sql_bind *binds;
    uint32_t bind_count;
    struct str since;
    struct str bound;
    enum sql_mark mark;
};
struct sql_session;
struct sql_engine {
    /* All may wait, until the request's deadline at the longest. -ERR_DEVICE: the server refused
     * the statement and the session is good; any other failure ends the session. */
    int (*open)(struct driver_io *io, const struct sql_address *address,
        struct sql_session **ret_session, struct err *err);
    int (*begin)(struct sql_session *session, struct driver_io *io, const struct sql_call *call,
        struct err *err);
    /* 1: a row; 0: no more, the statement has ended. */
    int (*next)(struct sql_session *session, struct driver_io *io, struct sql_row *ret_row,
        struct err *err);
    /* Ends a statement before its last row was taken, or after a failure. */
    void (*end)(struct sql_session *session, struct driver_io *io);
    void (*close)(struct sql_session *session);
};
extern const struct sql_engine sql_engine_postgresql;
extern const struct sql_engine sql_engine_mysql;
extern const struct sql_engine sql_engine_sqlite;
const struct sql_engine *sql_engine_of(enum sql_kind kind);

/* ---- sqlpoll_place.c: where the table was left ---- */

/* All rows before `mark` are durable here, and of those with it the ones whose hashes stand here
 * (sorted; the same row twice stands twice). */
struct sql_place {
    struct buf mark; // Empty and not has_mark: nothing was taken yet.
    bool has_mark;
    uint64_t *ties;
    uint32_t tie_count;
    uint32_t tie_capacity;
    uint32_t generation; // Which of two sets of bookmarks holds the ties.
};
void sql_place_init(struct sql_place *place);
void sql_place_fini(struct sql_place *place);
/* Where nothing is kept, or for another table or query, the place is the beginning. */
int sql_place_load(struct sql_place *place, struct driver_io *io, struct err *err);
int sql_place_save(struct sql_place *place, struct driver_io *io, struct err *err);
bool sql_place_add(struct sql_place *place, uint64_t hash); // False: SQL_TIES_MAX.
void sql_place_sort(struct sql_place *place);
/* Of a row from cell `from` on: FNV-1a, 64 bits. It is stored. */
uint64_t sql_row_hash(const struct sql_row *row, uint32_t from);

/* ---- sqlpoll_look.c ---- */

struct sqlpoll_private {
    struct sql_address address;
    const struct sql_engine *engine;
    struct sql_session *session;
    struct zone *zone;
    struct sql_place place;   // Durable.
    struct sql_place pending; // What acknowledge makes it.
    bool has_pending;
};
int sqlpoll_browse(
    struct driver_io *io, struct str under, struct browse_list *list, struct err *err);
int sqlpoll_diagnose(
    struct driver_io *io, const struct point *point, struct diagnosis *diagnosis, struct err *err);

#endif
