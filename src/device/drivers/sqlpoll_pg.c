/*
 * PostgreSQL by libpq, loaded when the first such device connects: a plant without one needs no
 * package for it. Connecting, asking and reading never block; each wait ends at the request's
 * deadline or at a stop. Only the look-up of a host's name is the library's own and may wait for
 * the resolver. Rows come one by one (PQsetSingleRowMode), so a long answer needs no memory.
 *
 * The session is read-only by the server's own rule (default_transaction_read_only), and the server
 * ends a statement by itself after the same time that we wait (statement_timeout), so nothing goes
 * on running there for nobody. Times with a zone come in UTC.
 *
 * Errors are told apart by SQLSTATE (PostgreSQL manual, appendix A); libpq gives none for a
 * refused connection, where the server's words go into ours.
 */
#include "device/drivers/sqlpoll.h"

#include <dlfcn.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include <libpq-fe.h>

#include "core/mem.h"

enum { TIMESTAMPTZ_OID = 1184, BOOL_OID = 16, TIMEOUT_TEXT_BYTES = 160, NAME_BYTES = 256 };

/* FUNCTION(name) for all that is used. */
#define PQ_FUNCTIONS(FUNCTION)                                                                     \
    FUNCTION(PQconnectStartParams)                                                                 \
    FUNCTION(PQconnectPoll)                                                                        \
    FUNCTION(PQfinish)                                                                             \
    FUNCTION(PQstatus)                                                                             \
    FUNCTION(PQsocket)                                                                             \
    FUNCTION(PQerrorMessage)                                                                       \
    FUNCTION(PQconnectionNeedsPassword)                                                            \
    FUNCTION(PQconnectionUsedPassword)                                                             \
    FUNCTION(PQsetnonblocking)                                                                     \
    FUNCTION(PQsendQuery)                                                                          \
    FUNCTION(PQsendQueryParams)                                                                    \
    FUNCTION(PQsetSingleRowMode)                                                                   \
    FUNCTION(PQflush)                                                                              \
    FUNCTION(PQconsumeInput)                                                                       \
    FUNCTION(PQisBusy)                                                                             \
    FUNCTION(PQgetResult)                                                                          \
    FUNCTION(PQresultStatus)                                                                       \
    FUNCTION(PQresultErrorField)                                                                   \
    FUNCTION(PQclear)                                                                              \
    FUNCTION(PQntuples)                                                                            \
    FUNCTION(PQnfields)                                                                            \
    FUNCTION(PQfname)                                                                              \
    FUNCTION(PQftype)                                                                              \
    FUNCTION(PQgetvalue)                                                                           \
    FUNCTION(PQgetlength)                                                                          \
    FUNCTION(PQgetisnull)

#define FIELD(name) __typeof__(name) *name##_;
struct pq {
    PQ_FUNCTIONS(FIELD)
};

struct sql_session {
    void *library;
    struct pq pq;
    PGconn *connection;
    PGresult *result; // Of the row that is lent.
    bool busy;        // A statement has not ended.
    bool lost;        // It failed otherwise than by the server's word.
    int64_t stamp;
    bool answered;
    struct sql_column columns[SQL_COLUMNS_MAX];
    struct str cells[SQL_COLUMNS_MAX];
};

static int load(struct sql_session *session, struct err *err) {
    session->library = dlopen("libpq.so.5", RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    bool good = session->library != NULL;
#define TAKE(name)                                                                                 \
    session->pq.name##_ =                                                                          \
        good ? (__typeof__(name) *)(uintptr_t)dlsym(session->library, #name) : NULL;               \
    good = good && session->pq.name##_ != NULL;
    PQ_FUNCTIONS(TAKE)
    return good ? 0
                : err_set(err, ERR_UNSUPPORTED, MSG_SQLPOLL_LIBRARY,
                      ARGS(A_CSTR("libpq.so.5"), A_CSTR("libpq5")));
}

static void pg_close(struct sql_session *session) {
    if (session->result != NULL) {
        session->pq.PQclear_(session->result);
    }
    if (session->connection != NULL) {
        session->pq.PQfinish_(session->connection);
    }
    if (session->library != NULL) {
        (void)dlclose(session->library); // RTLD_NODELETE: what it started stays sound.
    }
    mem_free(session);
}

static int refused(struct sql_session *session, struct driver_io *io, struct err *err) {
    const struct pq *pq = &session->pq;
    struct str words = str_trim(str_of(pq->PQerrorMessage_(session->connection)));
    bool login = pq->PQconnectionNeedsPassword_(session->connection) != 0 ||
                 pq->PQconnectionUsedPassword_(session->connection) != 0;
    return login ? err_set(err, ERR_FORBIDDEN, MSG_SQLPOLL_LOGIN,
                       ARGS(A_STR(io_settings(io)->texts[SQLPOLL_USER]), A_STR(words)))
                 : err_set(err, ERR_UNREACHABLE, MSG_SQLPOLL_CONNECT,
                       ARGS(A_STR(io_address(io)), A_STR(words)));
}

static int connect_now(struct sql_session *session, struct driver_io *io,
    const struct sql_address *address, struct err *err) {
    static const char *const SSLMODES[] = {"prefer", "disable", "require", "verify-full"};
    const struct driver_settings *settings = io_settings(io);
    const struct pq *pq = &session->pq;
    AUTO_FREE char *user = mem_copy_z(settings->texts[SQLPOLL_USER]);
    AUTO_FREE char *password = mem_copy_z(settings->texts[SQLPOLL_PASSWORD]);
    AUTO_FREE char *ca = mem_copy_z(settings->texts[SQLPOLL_CA]);
    const char *const names[] = {"host", "port", "dbname", "user", "password", "sslmode",
        "sslrootcert", "client_encoding", "application_name", "passfile", NULL};
    /* The password comes from the device alone, never from a file of the user's. */
    const char *const values[] = {address->host, address->port, address->database, user, password,
        SSLMODES[settings->values[SQLPOLL_SSLMODE]], ca, "UTF8", "maru", "/dev/null", NULL};
    int64_t stamp = io_request_sent(io);
    session->connection = pq->PQconnectStartParams_(names, values, 0);
    if (session->connection == NULL || pq->PQstatus_(session->connection) == CONNECTION_BAD) {
        return refused(session, io, err);
    }
    PostgresPollingStatusType state = PGRES_POLLING_WRITING;
    while (state != PGRES_POLLING_OK) {
        if (state == PGRES_POLLING_FAILED) {
            return refused(session, io, err);
        }
        short events = state == PGRES_POLLING_READING ? POLLIN : POLLOUT;
        int result = io_wait(io, pq->PQsocket_(session->connection), events, err);
        if (result < 0) {
            return result;
        }
        state = pq->PQconnectPoll_(session->connection);
    }
    io_request_answered(io, stamp);
    return pq->PQsetnonblocking_(session->connection, 1) == 0 ? 0 : refused(session, io, err);
}

/* ---- Statements ---- */

static int lost(struct sql_session *session, struct err *err) {
    session->lost = true;
    struct str words = str_trim(str_of(session->pq.PQerrorMessage_(session->connection)));
    return err_set(err, ERR_CLOSED, MSG_SQLPOLL_LOST, ARGS(A_STR(words)));
}

static int failed(struct sql_session *session, const PGresult *result, struct err *err) {
    const struct pq *pq = &session->pq;
    struct str state = str_of(pq->PQresultErrorField_(result, PG_DIAG_SQLSTATE));
    struct str words = str_of(pq->PQresultErrorField_(result, PG_DIAG_MESSAGE_PRIMARY));
    const struct arg *args = ARGS(A_STR(words));
    if (state.size == 0 || str_starts(state, STR("57P")) || str_starts(state, STR("08"))) {
        return lost(session, err); // The server is going down, or the connection broke.
    }
    enum msg_id id = str_eq(state, STR("42501"))   ? MSG_SQLPOLL_FORBIDDEN
                     : str_eq(state, STR("42P01")) ? MSG_SQLPOLL_NO_TABLE
                     : str_eq(state, STR("42703")) ? MSG_SQLPOLL_NO_COLUMN
                     : str_eq(state, STR("57014")) ? MSG_SQLPOLL_SLOW
                     : str_starts(state, STR("22")) || str_eq(state, STR("42883"))
                         ? MSG_SQLPOLL_MARK_TYPE
                         : MSG_SQLPOLL_FAILED;
    return err_set(err, ERR_DEVICE, id, args);
}

/* The next result, NULL when the statement has ended. */
static int take_result(
    struct sql_session *session, struct driver_io *io, PGresult **ret_result, struct err *err) {
    const struct pq *pq = &session->pq;
    int fd = pq->PQsocket_(session->connection);
    int left = pq->PQflush_(session->connection);
    while (left > 0 || pq->PQisBusy_(session->connection) != 0) {
        int result = io_wait(io, fd, left > 0 ? POLLIN | POLLOUT : POLLIN, err);
        if (result < 0) {
            session->lost = true;
            return result;
        }
        if (pq->PQconsumeInput_(session->connection) == 0) {
            return lost(session, err);
        }
        left = left > 0 ? pq->PQflush_(session->connection) : 0;
    }
    if (left < 0) {
        return lost(session, err);
    }
    *ret_result = pq->PQgetResult_(session->connection);
    if (!session->answered) {
        session->answered = true;
        io_request_answered(io, session->stamp);
    }
    return 0;
}

static void drop_result(struct sql_session *session) {
    if (session->result != NULL) {
        session->pq.PQclear_(session->result);
        session->result = NULL;
    }
}

static int describe(struct sql_session *session, struct sql_row *ret_row, struct err *err) {
    const struct pq *pq = &session->pq;
    int count = pq->PQnfields_(session->result);
    if (count > SQL_COLUMNS_MAX) {
        return err_set(
            err, ERR_DEVICE, MSG_SQLPOLL_WIDE, ARGS(A_INT(count), A_INT(SQL_COLUMNS_MAX)));
    }
    for (int i = 0; i < count; i++) {
        static const Oid NUMBERS[] = {20, 21, 23, 700, 701, 1700}; // int8 int2 int4 float numeric
        Oid type = pq->PQftype_(session->result, i);
        struct sql_column *column = &session->columns[i];
        *column = (struct sql_column){
            .name = str_of(pq->PQfname_(session->result, i)), .is_utc = type == TIMESTAMPTZ_OID};
        for (size_t t = 0; t < sizeof NUMBERS / sizeof NUMBERS[0]; t++) {
            column->is_number = column->is_number || type == NUMBERS[t];
        }
        bool null = pq->PQgetisnull_(session->result, 0, i) != 0;
        session->cells[i] = null ? (struct str){NULL, 0}
                                 : (struct str){pq->PQgetvalue_(session->result, 0, i),
                                       (size_t)pq->PQgetlength_(session->result, 0, i)};
        if (type == BOOL_OID && !null) { // 't' and 'f' on the wire.
            session->cells[i] = session->cells[i].data[0] == 't' ? STR("true") : STR("false");
        }
    }
    *ret_row = (struct sql_row){session->columns, session->cells, (uint32_t)count};
    return 0;
}

static int pg_next(
    struct sql_session *session, struct driver_io *io, struct sql_row *ret_row, struct err *err) {
    const struct pq *pq = &session->pq;
    for (;;) {
        drop_result(session);
        int result = take_result(session, io, &session->result, err);
        if (result < 0) {
            return result;
        }
        if (session->result == NULL) {
            session->busy = false;
            return 0;
        }
        ExecStatusType status = pq->PQresultStatus_(session->result);
        if (status == PGRES_SINGLE_TUPLE) {
            result = describe(session, ret_row, err);
            return result < 0 ? result : 1;
        }
        if (status != PGRES_TUPLES_OK && status != PGRES_COMMAND_OK) {
            return failed(session, session->result, err);
        }
    }
}

static int pg_begin(struct sql_session *session, struct driver_io *io, const struct sql_call *call,
    struct err *err) {
    const struct pq *pq = &session->pq;
    AUTO_FREE char *text = mem_copy_z(call->text);
    AUTO_FREE char *since = mem_copy_z(call->since);
    AUTO_FREE char *bound = mem_copy_z(call->bound);
    const char *values[SQL_BINDS_MAX];
    for (uint32_t i = 0; i < call->bind_count; i++) {
        values[i] = call->binds[i] == SQL_BIND_SINCE ? since : bound;
    }
    session->stamp = io_request_sent(io);
    session->answered = false;
    if (pq->PQsendQueryParams_(
            session->connection, text, (int)call->bind_count, NULL, values, NULL, NULL, 0) == 0) {
        return lost(session, err);
    }
    session->busy = true;
    (void)pq->PQsetSingleRowMode_(session->connection); // Else the rows come as one: still right.
    return 0;
}

static void pg_end(struct sql_session *session, struct driver_io *io) {
    struct sql_row row;
    while (session->busy && !session->lost) { // At most the rest of a batch, under its deadline.
        if (pg_next(session, io, &row, NULL) < 0 && !session->lost && session->result == NULL) {
            break;
        }
    }
    drop_result(session);
}

static int set_up(struct sql_session *session, struct driver_io *io, struct err *err) {
    char text[TIMEOUT_TEXT_BYTES];
    (void)snprintf(text, sizeof text,
        "SET default_transaction_read_only = on; SET statement_timeout = %lld; "
        "SET TimeZone = 'UTC'; SET DateStyle = 'ISO'",
        (long long)io_settings(io)->link[LINK_TIMEOUT_MS]);
    session->stamp = io_request_sent(io);
    session->answered = false;
    if (session->pq.PQsendQuery_(session->connection, text) == 0) {
        return lost(session, err);
    }
    session->busy = true;
    struct sql_row row;
    int result = pg_next(session, io, &row, err);
    return result < 0 ? result : 0;
}

static int pg_open(struct driver_io *io, const struct sql_address *address,
    struct sql_session **ret_session, struct err *err) {
    struct sql_session *session = MEM_NEW(struct sql_session);
    int result = load(session, err);
    result = result < 0 ? result : connect_now(session, io, address, err);
    result = result < 0 ? result : set_up(session, io, err);
    if (result < 0) {
        pg_close(session);
        return result;
    }
    *ret_session = session;
    return 0;
}

const struct sql_engine sql_engine_postgresql = {
    .open = pg_open, .begin = pg_begin, .next = pg_next, .end = pg_end, .close = pg_close};
