/*
 * MariaDB and MySQL by MariaDB's C connector, loaded when the first such device connects. Its
 * non-blocking calls (mysql_*_start, mysql_*_cont) are used throughout, so that each wait is ours:
 * it ends at the request's deadline or at a stop. Only the look-up of a host's name is the
 * library's own and may wait for the resolver.
 *
 * Marks are bound by their type: a BIGINT compared with a text would go through a double, and two
 * marks above 2^53 would be one. The session reads only (SET SESSION TRANSACTION READ ONLY), and
 * the server ends a statement by itself when we no longer wait. TIMESTAMP columns come in UTC,
 * DATETIME columns as they were written. Errors are told apart by number (MariaDB error codes).
 */
#include "device/drivers/sqlpoll.h"

#include <dlfcn.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include <mysql.h>

#include "core/limits.h"
#include "core/mem.h"

enum {
    CELL_BYTES = 256, // Longer cells are fetched once more, whole.
    LONG_BYTES = LIMIT_TEXT_VALUE_BYTES + 4096,
    STATEMENT_BYTES = 128,
    LIBRARY_TIMEOUT_S = 1, // For the farewell, which does not wait with us.
    LOST_ROUNDS = 64,      // Until a call that was given up has ended.
};

#define MY_FUNCTIONS(FUNCTION)                                                                     \
    FUNCTION(mysql_init)                                                                           \
    FUNCTION(mysql_options)                                                                        \
    FUNCTION(mysql_close)                                                                          \
    FUNCTION(mysql_errno)                                                                          \
    FUNCTION(mysql_error)                                                                          \
    FUNCTION(mysql_get_socket)                                                                     \
    FUNCTION(mysql_real_connect_start)                                                             \
    FUNCTION(mysql_real_connect_cont)                                                              \
    FUNCTION(mysql_real_query_start)                                                               \
    FUNCTION(mysql_real_query_cont)                                                                \
    FUNCTION(mysql_stmt_init)                                                                      \
    FUNCTION(mysql_stmt_prepare_start)                                                             \
    FUNCTION(mysql_stmt_prepare_cont)                                                              \
    FUNCTION(mysql_stmt_execute_start)                                                             \
    FUNCTION(mysql_stmt_execute_cont)                                                              \
    FUNCTION(mysql_stmt_fetch_start)                                                               \
    FUNCTION(mysql_stmt_fetch_cont)                                                                \
    FUNCTION(mysql_stmt_close)                                                                     \
    FUNCTION(mysql_stmt_close_start)                                                               \
    FUNCTION(mysql_stmt_close_cont)                                                                \
    FUNCTION(mysql_stmt_errno)                                                                     \
    FUNCTION(mysql_stmt_error)                                                                     \
    FUNCTION(mysql_stmt_param_count)                                                               \
    FUNCTION(mysql_stmt_bind_param)                                                                \
    FUNCTION(mysql_stmt_bind_result)                                                               \
    FUNCTION(mysql_stmt_fetch_column)                                                              \
    FUNCTION(mysql_stmt_result_metadata)                                                           \
    FUNCTION(mysql_num_fields)                                                                     \
    FUNCTION(mysql_fetch_field_direct)                                                             \
    FUNCTION(mysql_free_result)

#define FIELD(name) __typeof__(name) *name##_;
struct my {
    MY_FUNCTIONS(FIELD)
};

/* One cell's place; what does not fit is fetched into `whole`. */
struct my_cell {
    char bytes[CELL_BYTES];
    double real;
    unsigned long size;
    my_bool is_null;
    my_bool is_cut;
    struct buf whole;
};

struct sql_session {
    void *library;
    struct my my;
    MYSQL *server;
    MYSQL_STMT *statement;
    MYSQL_RES *names;
    bool lost;
    struct err wait_error; // Why the wait ended.
    uint32_t rounds;       // Since the session was lost.
    uint32_t count;
    struct sql_column columns[SQL_COLUMNS_MAX];
    struct str cells[SQL_COLUMNS_MAX];
    MYSQL_BIND binds[SQL_COLUMNS_MAX];
    struct my_cell places[SQL_COLUMNS_MAX];
};

/* The library's own beginning is not made for two threads at a time. */
static void begin_library(void) {
    void *library = dlopen("libmariadb.so.3", RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    if (library != NULL) {
        __typeof__(mysql_server_init) *begin =
            (__typeof__(mysql_server_init) *)(uintptr_t)dlsym(library, "mysql_server_init");
        if (begin != NULL) {
            (void)begin(0, NULL, NULL);
        }
        (void)dlclose(library);
    }
}

static int load(struct sql_session *session, struct err *err) {
    static pthread_once_t begun = PTHREAD_ONCE_INIT;
    (void)pthread_once(&begun, begin_library);
    session->library = dlopen("libmariadb.so.3", RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    bool good = session->library != NULL;
#define TAKE(name)                                                                                 \
    session->my.name##_ =                                                                          \
        good ? (__typeof__(name) *)(uintptr_t)dlsym(session->library, #name) : NULL;               \
    good = good && session->my.name##_ != NULL;
    MY_FUNCTIONS(TAKE)
    return good ? 0
                : err_set(err, ERR_UNSUPPORTED, MSG_SQLPOLL_LIBRARY,
                      ARGS(A_CSTR("libmariadb.so.3"), A_CSTR("libmariadb3")));
}

/* Waits for what a started call asks; what to continue it with. */
static int ready(struct sql_session *session, struct driver_io *io, int wanted) {
    short events = (short)(((wanted & MYSQL_WAIT_READ) != 0 ? POLLIN : 0) |
                           ((wanted & MYSQL_WAIT_WRITE) != 0 ? POLLOUT : 0) |
                           ((wanted & MYSQL_WAIT_EXCEPT) != 0 ? POLLPRI : 0));
    if (session->lost) {
        session->rounds++;
        return MYSQL_WAIT_TIMEOUT; // The call ends with an error.
    }
    if (io_wait(io, session->my.mysql_get_socket_(session->server), events, &session->wait_error) <
        0) {
        session->lost = true;
        return MYSQL_WAIT_TIMEOUT;
    }
    return wanted & (MYSQL_WAIT_READ | MYSQL_WAIT_WRITE | MYSQL_WAIT_EXCEPT);
}

static bool goes_on(const struct sql_session *session, int waiting) {
    return waiting != 0 && session->rounds < LOST_ROUNDS;
}

static int failed(struct sql_session *session, unsigned number, const char *text, struct err *err) {
    static const struct {
        unsigned number;
        enum msg_id id;
    } WORDS[] = {{1044, MSG_SQLPOLL_FORBIDDEN}, {1142, MSG_SQLPOLL_FORBIDDEN},
        {1143, MSG_SQLPOLL_FORBIDDEN}, {1146, MSG_SQLPOLL_NO_TABLE}, {1054, MSG_SQLPOLL_NO_COLUMN},
        {1969, MSG_SQLPOLL_SLOW}, {3024, MSG_SQLPOLL_SLOW}, {1205, MSG_SQLPOLL_BUSY},
        {1292, MSG_SQLPOLL_MARK_TYPE}, {1525, MSG_SQLPOLL_MARK_TYPE}};
    if (session->wait_error.code != ERR_OK) {
        if (err != NULL) {
            *err = session->wait_error;
        }
        return -(int)session->wait_error.code;
    }
    enum msg_id id = MSG_SQLPOLL_FAILED;
    for (size_t i = 0; i < sizeof WORDS / sizeof WORDS[0]; i++) {
        id = WORDS[i].number == number ? WORDS[i].id : id;
    }
    if (number >= 2000 && number < 3000) { // Of the client: the connection.
        session->lost = true;
        return err_set(err, ERR_CLOSED, MSG_SQLPOLL_LOST, ARGS(A_CSTR(text)));
    }
    return err_set(err, ERR_DEVICE, id, ARGS(A_CSTR(text)));
}

static void my_end(struct sql_session *session, struct driver_io *io) {
    const struct my *my = &session->my;
    if (session->names != NULL) {
        my->mysql_free_result_(session->names);
        session->names = NULL;
    }
    if (session->statement == NULL || session->lost) {
        return; // my_close puts the lost away.
    }
    my_bool result = 0;
    int waiting = my->mysql_stmt_close_start_(&result, session->statement);
    while (goes_on(session, waiting)) {
        waiting =
            my->mysql_stmt_close_cont_(&result, session->statement, ready(session, io, waiting));
    }
    session->statement = NULL;
}

static void my_close(struct sql_session *session) {
    if (session->names != NULL) {
        session->my.mysql_free_result_(session->names);
    }
    if (session->server != NULL) {
        session->my.mysql_close_(session->server); // Lets go of the statement.
    }
    if (session->statement != NULL) {
        (void)session->my.mysql_stmt_close_(session->statement);
    }
    for (uint32_t i = 0; i < SQL_COLUMNS_MAX; i++) {
        buf_fini(&session->places[i].whole);
    }
    if (session->library != NULL) {
        (void)dlclose(session->library); // RTLD_NODELETE: what it started stays sound.
    }
    mem_free(session);
}

/* ---- Opening ---- */

static void set_options(struct sql_session *session, struct driver_io *io, const char *ca) {
    const struct my *my = &session->my;
    const struct driver_settings *settings = io_settings(io);
    enum sql_sslmode mode = (enum sql_sslmode)settings->values[SQLPOLL_SSLMODE];
    unsigned seconds = LIBRARY_TIMEOUT_S;
    my_bool yes = 1;
    my_bool verify = mode == SQL_SSL_VERIFY;
    (void)my->mysql_options_(session->server, MYSQL_OPT_NONBLOCK, NULL);
    (void)my->mysql_options_(session->server, MYSQL_SET_CHARSET_NAME, "utf8mb4");
    unsigned no = 0; // The server asks for no files of ours.
    (void)my->mysql_options_(session->server, MYSQL_OPT_LOCAL_INFILE, &no);
    (void)my->mysql_options_(session->server, MYSQL_OPT_READ_TIMEOUT, &seconds);
    (void)my->mysql_options_(session->server, MYSQL_OPT_WRITE_TIMEOUT, &seconds);
    (void)my->mysql_options_(session->server, MYSQL_REPORT_DATA_TRUNCATION, &yes);
    (void)my->mysql_options_(session->server, MYSQL_OPT_SSL_VERIFY_SERVER_CERT, &verify);
    if (mode == SQL_SSL_REQUIRE || mode == SQL_SSL_VERIFY) {
        (void)my->mysql_options_(session->server, MYSQL_OPT_SSL_ENFORCE, &yes);
    }
    if (*ca != '\0' && mode != SQL_SSL_DISABLE) {
        (void)my->mysql_options_(session->server, MYSQL_OPT_SSL_CA, ca);
    }
}

static int connect_now(struct sql_session *session, struct driver_io *io,
    const struct sql_address *address, struct err *err) {
    const struct my *my = &session->my;
    const struct driver_settings *settings = io_settings(io);
    AUTO_FREE char *user = mem_copy_z(settings->texts[SQLPOLL_USER]);
    AUTO_FREE char *password = mem_copy_z(settings->texts[SQLPOLL_PASSWORD]);
    AUTO_FREE char *ca = mem_copy_z(settings->texts[SQLPOLL_CA]);
    uint64_t port = 0;
    (void)str_to_u64(str_of(address->port), &port);
    session->server = my->mysql_init_(NULL);
    if (session->server == NULL) {
        return err_set(err, ERR_LIMIT, MSG_SQLPOLL_FAILED, ARGS(A_CSTR("mysql_init")));
    }
    set_options(session, io, ca);
    int64_t stamp = io_request_sent(io);
    MYSQL *done = NULL;
    /* By name the library would take its own socket file, not the port. */
    const char *host = strcmp(address->host, "localhost") == 0 ? "127.0.0.1" : address->host;
    int waiting = my->mysql_real_connect_start_(
        &done, session->server, host, user, password, address->database, (unsigned)port, NULL, 0);
    while (goes_on(session, waiting)) {
        waiting = my->mysql_real_connect_cont_(&done, session->server, ready(session, io, waiting));
    }
    if (done != NULL) {
        io_request_answered(io, stamp);
        return 0;
    }
    unsigned number = my->mysql_errno_(session->server);
    const char *words = my->mysql_error_(session->server);
    if (session->wait_error.code != ERR_OK) {
        return failed(session, number, words, err);
    }
    bool login = number == 1045 || number == 1049 || number == 1044 || number == 1698;
    return login ? err_set(err, ERR_FORBIDDEN, MSG_SQLPOLL_LOGIN, ARGS(A_CSTR(user), A_CSTR(words)))
                 : err_set(err, ERR_UNREACHABLE, MSG_SQLPOLL_CONNECT,
                       ARGS(A_STR(io_address(io)), A_CSTR(words)));
}

static int run(
    struct sql_session *session, struct driver_io *io, const char *text, struct err *err) {
    const struct my *my = &session->my;
    int result = 0;
    int64_t stamp = io_request_sent(io);
    int waiting = my->mysql_real_query_start_(&result, session->server, text, strlen(text));
    while (goes_on(session, waiting)) {
        waiting = my->mysql_real_query_cont_(&result, session->server, ready(session, io, waiting));
    }
    if (result != 0) {
        return failed(
            session, my->mysql_errno_(session->server), my->mysql_error_(session->server), err);
    }
    io_request_answered(io, stamp);
    return 0;
}

static int set_up(struct sql_session *session, struct driver_io *io, struct err *err) {
    int result = run(session, io, "SET SESSION TRANSACTION READ ONLY", err);
    result = result < 0 ? result : run(session, io, "SET time_zone = '+00:00'", err);
    if (result < 0) {
        return result;
    }
    long long timeout_ms = (long long)io_settings(io)->link[LINK_TIMEOUT_MS];
    char text[STATEMENT_BYTES]; // MariaDB and MySQL differ here; one of the two is taken.
    (void)snprintf(text, sizeof text, "SET max_statement_time = %lld.%03lld", timeout_ms / 1000,
        timeout_ms % 1000);
    result = run(session, io, text, err);
    if (result == -ERR_DEVICE) {
        err_clear(err);
        (void)snprintf(text, sizeof text, "SET max_execution_time = %lld", timeout_ms);
        result = run(session, io, text, err);
    }
    return result;
}

static int my_open(struct driver_io *io, const struct sql_address *address,
    struct sql_session **ret_session, struct err *err) {
    struct sql_session *session = MEM_NEW(struct sql_session);
    for (uint32_t i = 0; i < SQL_COLUMNS_MAX; i++) {
        buf_init(&session->places[i].whole, LONG_BYTES);
    }
    int result = load(session, err);
    result = result < 0 ? result : connect_now(session, io, address, err);
    result = result < 0 ? result : set_up(session, io, err);
    if (result < 0) {
        my_close(session);
        return result;
    }
    *ret_session = session;
    return 0;
}

/* ---- Statements ---- */

static int statement_failed(struct sql_session *session, struct err *err) {
    return failed(session, session->my.mysql_stmt_errno_(session->statement),
        session->my.mysql_stmt_error_(session->statement), err);
}

static int prepare(struct sql_session *session, struct driver_io *io, const struct sql_call *call,
    struct err *err) {
    const struct my *my = &session->my;
    int result = 0;
    session->statement = my->mysql_stmt_init_(session->server);
    if (session->statement == NULL) {
        return err_set(err, ERR_LIMIT, MSG_SQLPOLL_FAILED, ARGS(A_CSTR("mysql_stmt_init")));
    }
    int waiting = my->mysql_stmt_prepare_start_(
        &result, session->statement, call->text.data, call->text.size);
    while (goes_on(session, waiting)) {
        waiting =
            my->mysql_stmt_prepare_cont_(&result, session->statement, ready(session, io, waiting));
    }
    if (result != 0) {
        return statement_failed(session, err);
    }
    if (my->mysql_stmt_param_count_(session->statement) != call->bind_count) {
        return err_set(err, ERR_DEVICE, MSG_SQLPOLL_QUESTION, NO_ARGS);
    }
    return 0;
}

static int execute(struct sql_session *session, struct driver_io *io, const struct sql_call *call,
    struct err *err) {
    static const enum enum_field_types TYPES[] = {[SQL_MARK_INTEGER] = MYSQL_TYPE_LONGLONG,
        [SQL_MARK_DECIMAL] = MYSQL_TYPE_NEWDECIMAL,
        [SQL_MARK_TIMESTAMP] = MYSQL_TYPE_STRING,
        [SQL_MARK_TEXT] = MYSQL_TYPE_STRING};
    const struct my *my = &session->my;
    MYSQL_BIND binds[SQL_BINDS_MAX] = {0};
    int64_t integers[SQL_BINDS_MAX];
    unsigned long sizes[SQL_BINDS_MAX];
    for (uint32_t i = 0; i < call->bind_count; i++) {
        struct str text = call->binds[i] == SQL_BIND_SINCE ? call->since : call->bound;
        bool whole = call->mark == SQL_MARK_INTEGER && str_to_i64(text, &integers[i]);
        sizes[i] = text.size;
        binds[i].buffer_type =
            call->mark == SQL_MARK_INTEGER && !whole ? MYSQL_TYPE_NEWDECIMAL : TYPES[call->mark];
        binds[i].buffer = whole ? (void *)&integers[i] : (void *)(uintptr_t)text.data;
        binds[i].buffer_length = text.size;
        binds[i].length = &sizes[i];
    }
    if (call->bind_count > 0 && my->mysql_stmt_bind_param_(session->statement, binds) != 0) {
        return statement_failed(session, err);
    }
    int result = 0;
    int waiting = my->mysql_stmt_execute_start_(&result, session->statement);
    while (goes_on(session, waiting)) {
        waiting =
            my->mysql_stmt_execute_cont_(&result, session->statement, ready(session, io, waiting));
    }
    return result != 0 ? statement_failed(session, err) : 0;
}

static int describe(struct sql_session *session, struct err *err) {
    const struct my *my = &session->my;
    session->names = my->mysql_stmt_result_metadata_(session->statement);
    session->count = session->names == NULL ? 0 : my->mysql_num_fields_(session->names);
    if (session->count > SQL_COLUMNS_MAX) {
        return err_set(
            err, ERR_DEVICE, MSG_SQLPOLL_WIDE, ARGS(A_INT(session->count), A_INT(SQL_COLUMNS_MAX)));
    }
    memset(session->binds, 0, sizeof session->binds);
    for (uint32_t i = 0; i < session->count; i++) {
        const MYSQL_FIELD *field = my->mysql_fetch_field_direct_(session->names, i);
        struct my_cell *place = &session->places[i];
        bool is_real = field->type == MYSQL_TYPE_DOUBLE;
        session->columns[i] = (struct sql_column){.name = str_of(field->name),
            .is_utc = field->type == MYSQL_TYPE_TIMESTAMP,
            .is_number = IS_NUM(field->type) != 0};
        session->binds[i] =
            (MYSQL_BIND){.buffer_type = is_real ? MYSQL_TYPE_DOUBLE : MYSQL_TYPE_STRING,
                .buffer = is_real ? (void *)&place->real : (void *)place->bytes,
                .buffer_length = is_real ? sizeof place->real : CELL_BYTES,
                .length = &place->size,
                .is_null = &place->is_null,
                .error = &place->is_cut};
    }
    return my->mysql_stmt_bind_result_(session->statement, session->binds) != 0
               ? statement_failed(session, err)
               : 0;
}

static int my_begin(struct sql_session *session, struct driver_io *io, const struct sql_call *call,
    struct err *err) {
    int64_t stamp = io_request_sent(io);
    int result = prepare(session, io, call, err);
    result = result < 0 ? result : execute(session, io, call, err);
    result = result < 0 ? result : describe(session, err);
    if (result == 0) {
        io_request_answered(io, stamp);
    }
    return result;
}

static struct str cell_of(struct sql_session *session, uint32_t i) {
    struct my_cell *place = &session->places[i];
    if (place->is_null) {
        return (struct str){NULL, 0};
    }
    if (session->binds[i].buffer_type == MYSQL_TYPE_DOUBLE) {
        return (struct str){place->bytes, f64_to_text(place->real, place->bytes)};
    }
    if (place->size <= CELL_BYTES) {
        return (struct str){place->bytes, place->size};
    }
    size_t size = place->size < LONG_BYTES ? place->size : LONG_BYTES; // Told as too long later.
    buf_clear(&place->whole);
    uint8_t *bytes = buf_reserve(&place->whole, size);
    unsigned long got = 0;
    my_bool cut = 0;
    MYSQL_BIND whole = {.buffer_type = MYSQL_TYPE_STRING,
        .buffer = bytes,
        .buffer_length = size,
        .length = &got,
        .is_null = &place->is_null,
        .error = &cut};
    if (bytes == NULL ||
        session->my.mysql_stmt_fetch_column_(session->statement, &whole, i, 0) != 0) {
        return STR_NONE;
    }
    return (struct str){(const char *)bytes, size};
}

static int my_next(
    struct sql_session *session, struct driver_io *io, struct sql_row *ret_row, struct err *err) {
    const struct my *my = &session->my;
    int result = 0;
    int waiting = my->mysql_stmt_fetch_start_(&result, session->statement);
    while (goes_on(session, waiting)) {
        waiting =
            my->mysql_stmt_fetch_cont_(&result, session->statement, ready(session, io, waiting));
    }
    if (result == MYSQL_NO_DATA) {
        my_end(session, io);
        return 0;
    }
    if (result != 0 && result != MYSQL_DATA_TRUNCATED) {
        return statement_failed(session, err);
    }
    for (uint32_t i = 0; i < session->count; i++) {
        session->cells[i] = cell_of(session, i);
    }
    *ret_row = (struct sql_row){session->columns, session->cells, session->count};
    return 1;
}

const struct sql_engine sql_engine_mysql = {
    .open = my_open, .begin = my_begin, .next = my_next, .end = my_end, .close = my_close};
