/*
 * SQLite files of loggers and of programs on the same computer. Opened with mode=ro: Maru cannot
 * write a byte of them; where the other program writes in WAL mode, the file's -shm must be
 * readable too. A reading that waits for the writer or takes too long ends at the deadline and at
 * a stop, which the progress handler watches; SQLite has no descriptor to wait on.
 *
 * SQLite compares by storage class, so a mark goes in as what it is: an integer, a real, a text.
 */
#include "device/drivers/sqlpoll.h"

#include <poll.h>
#include <stdio.h>

#include <sqlite3.h>

#include "core/mem.h"

enum { PROGRESS_STEPS = 1000, REAL_BYTES = 32, URI_BYTES = 2048 };

struct sql_session {
    sqlite3 *file;
    sqlite3_stmt *statement;
    struct driver_io *io; // During a call.
    struct sql_column columns[SQL_COLUMNS_MAX];
    struct str cells[SQL_COLUMNS_MAX];
    char reals[SQL_COLUMNS_MAX][REAL_BYTES];
};

static int watch(void *context) {
    const struct sql_session *session = context;
    struct pollfd stop = {.fd = io_stop_fd(session->io), .events = POLLIN};
    return io_mono_ns(session->io) > io_deadline_ns(session->io) || poll(&stop, 1, 0) > 0;
}

static int failed(struct sql_session *session, int code, struct err *err) {
    struct str words = str_of(sqlite3_errmsg(session->file));
    const struct arg *args = ARGS(A_STR(words));
    switch (code & 0xff) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED: return err_set(err, ERR_DEVICE, MSG_SQLPOLL_BUSY, args);
    case SQLITE_INTERRUPT: return err_set(err, ERR_DEVICE, MSG_SQLPOLL_SLOW, args);
    case SQLITE_CANTOPEN:
    case SQLITE_PERM:
    case SQLITE_AUTH:
    case SQLITE_NOTADB: return err_set(err, ERR_UNREACHABLE, MSG_SQLPOLL_FILE, args);
    case SQLITE_IOERR:
    case SQLITE_CORRUPT: return err_set(err, ERR_CLOSED, MSG_SQLPOLL_LOST, args);
    default: break;
    }
    enum msg_id id = str_starts(words, STR("no such table"))    ? MSG_SQLPOLL_NO_TABLE
                     : str_starts(words, STR("no such column")) ? MSG_SQLPOLL_NO_COLUMN
                                                                : MSG_SQLPOLL_FAILED;
    return err_set(err, ERR_DEVICE, id, args);
}

static void lite_close(struct sql_session *session) {
    (void)sqlite3_finalize(session->statement);
    (void)sqlite3_close(session->file);
    mem_free(session);
}

/* As a URI, where ? # % would mean something. */
static bool put_uri(struct buf *out, const char *path) {
    buf_put_str(out, STR("file:"));
    for (const char *c = path; *c != '\0'; c++) {
        if (*c == '?' || *c == '#' || *c == '%') {
            buf_printf(out, "%%%02x", (unsigned)*c);
        } else {
            buf_put_char(out, *c);
        }
    }
    buf_put_str(out, STR("?mode=ro"));
    return !out->overflow;
}

static int lite_open(struct driver_io *io, const struct sql_address *address,
    struct sql_session **ret_session, struct err *err) {
    struct sql_session *session = MEM_NEW(struct sql_session);
    session->io = io;
    AUTO_BUF struct buf uri;
    buf_init(&uri, URI_BYTES);
    (void)put_uri(&uri, address->database); // Thrice as long as a path at the most: it fits.
    int64_t stamp = io_request_sent(io);
    int code = sqlite3_open_v2(buf_z(&uri), &session->file,
        SQLITE_OPEN_READONLY | SQLITE_OPEN_URI | SQLITE_OPEN_NOMUTEX, NULL);
    if (code == SQLITE_OK) {
        (void)sqlite3_limit(session->file, SQLITE_LIMIT_ATTACHED, 0); // This file and no other.
        (void)sqlite3_busy_timeout(session->file, (int)io_settings(io)->link[LINK_TIMEOUT_MS] / 2);
        sqlite3_progress_handler(session->file, PROGRESS_STEPS, watch, session);
        code = sqlite3_exec(
            session->file, "PRAGMA query_only=1; SELECT 1 FROM sqlite_master", NULL, NULL, NULL);
    }
    if (code != SQLITE_OK) {
        int result = failed(session, code, err);
        (void)err_context(err, MSG_SQLPOLL_OPENING, ARGS(A_CSTR(address->database)));
        lite_close(session);
        return result == -ERR_DEVICE ? -ERR_UNREACHABLE : result;
    }
    io_request_answered(io, stamp);
    *ret_session = session;
    return 0;
}

static int bind_one(sqlite3_stmt *statement, int number, struct str text, enum sql_mark mark) {
    int64_t whole = 0;
    double real = 0;
    if (mark == SQL_MARK_INTEGER && str_to_i64(text, &whole)) {
        return sqlite3_bind_int64(statement, number, whole);
    }
    if ((mark == SQL_MARK_INTEGER || mark == SQL_MARK_DECIMAL) && str_to_f64(text, &real)) {
        return sqlite3_bind_double(statement, number, real);
    }
    return sqlite3_bind_text(statement, number, text.data, (int)text.size, SQLITE_TRANSIENT);
}

static void lite_end(struct sql_session *session, struct driver_io *io) {
    (void)io;
    (void)sqlite3_finalize(session->statement);
    session->statement = NULL;
}

static int lite_begin(struct sql_session *session, struct driver_io *io,
    const struct sql_call *call, struct err *err) {
    session->io = io;
    int64_t stamp = io_request_sent(io);
    int code = sqlite3_prepare_v2(
        session->file, call->text.data, (int)call->text.size, &session->statement, NULL);
    for (uint32_t i = 0; code == SQLITE_OK && i < call->bind_count; i++) {
        struct str text = call->binds[i] == SQL_BIND_SINCE ? call->since : call->bound;
        code = bind_one(session->statement, (int)i + 1, text, call->mark);
    }
    if (code != SQLITE_OK) {
        return failed(session, code, err);
    }
    if (sqlite3_column_count(session->statement) > SQL_COLUMNS_MAX) {
        return err_set(err, ERR_DEVICE, MSG_SQLPOLL_WIDE,
            ARGS(A_INT(sqlite3_column_count(session->statement)), A_INT(SQL_COLUMNS_MAX)));
    }
    io_request_answered(io, stamp);
    return 0;
}

static struct str cell_of(struct sql_session *session, int i) {
    int type = sqlite3_column_type(session->statement, i);
    if (type == SQLITE_NULL) {
        return (struct str){NULL, 0};
    }
    if (type == SQLITE_FLOAT) { // Its own text has 15 digits only.
        double value = sqlite3_column_double(session->statement, i);
        size_t size = f64_to_text(value, session->reals[i]);
        return (struct str){session->reals[i], size};
    }
    const void *bytes = type == SQLITE_BLOB ? sqlite3_column_blob(session->statement, i)
                                            : sqlite3_column_text(session->statement, i);
    size_t size = (size_t)sqlite3_column_bytes(session->statement, i);
    return bytes == NULL ? STR_NONE : (struct str){bytes, size};
}

static int lite_next(
    struct sql_session *session, struct driver_io *io, struct sql_row *ret_row, struct err *err) {
    session->io = io;
    int code = sqlite3_step(session->statement);
    if (code == SQLITE_DONE) {
        lite_end(session, io);
        return 0;
    }
    if (code != SQLITE_ROW) {
        return failed(session, code, err);
    }
    int count = sqlite3_column_count(session->statement);
    for (int i = 0; i < count; i++) {
        int type = sqlite3_column_type(session->statement, i);
        session->columns[i] =
            (struct sql_column){.name = str_of(sqlite3_column_name(session->statement, i)),
                .is_number = type == SQLITE_INTEGER || type == SQLITE_FLOAT};
        session->cells[i] = cell_of(session, i);
    }
    *ret_row = (struct sql_row){session->columns, session->cells, (uint32_t)count};
    return 1;
}

const struct sql_engine sql_engine_sqlite = {.open = lite_open,
    .begin = lite_begin,
    .next = lite_next,
    .end = lite_end,
    .close = lite_close};
