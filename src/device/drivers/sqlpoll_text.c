/*
 * Addresses and statements. A table and a whole SELECT are asked in the same way: the source stands
 * as a derived table `maru`, so that mark, bound and order are ours in both. Two statements make a
 * poll: the first asks for the mark of the batch's last row (the bound), the second takes all rows
 * from the last mark up to and with the bound. Rows that share the bound's mark come whole, so none
 * falls between two batches; rows that were added behind our back with the last mark are seen,
 * because the second statement begins with it again.
 *
 * Whether a row's mark *equals* is asked of the database, not of its text: a collation may hold "a"
 * and "A" for equal. A NULL mark has no place in the order; such rows are never taken.
 */
#include "device/drivers/sqlpoll.h"

#include <string.h>

#include "core/limits.h"

/* ---- Addresses ---- */

static bool copy_part(struct str part, char *to, size_t capacity) {
    if (part.size >= capacity || memchr(part.data, 0, part.size) != NULL) {
        return false;
    }
    (void)str_copy_z(part, to, capacity);
    return true;
}

static bool parse_server(struct str rest, struct sql_address *address) {
    size_t slash = str_find(rest, '/');
    struct str server = str_slice(rest, 0, slash);
    struct str database = str_slice(rest, slash + 1, rest.size);
    struct str host = server;
    struct str port = STR_NONE;
    if (server.size > 0 && server.data[0] == '[') { // [::1]:5432
        size_t end = str_find(server, ']');
        host = str_slice(server, 1, end);
        port = str_slice(server, end + 1, server.size);
    } else {
        size_t colon = str_find(server, ':');
        host = str_slice(server, 0, colon);
        port = str_slice(server, colon, server.size);
    }
    uint64_t number = 0;
    bool has_port = port.size > 0;
    if (has_port &&
        (!str_starts(port, STR(":")) || !str_to_u64(str_slice(port, 1, port.size), &number) ||
            number == 0 || number > 65535)) {
        return false;
    }
    struct str fallback = address->kind == SQL_MYSQL ? STR("3306") : STR("5432");
    port = has_port ? str_slice(port, 1, port.size) : fallback;
    bool plain = str_find(host, '@') == host.size && str_find(host, ' ') == host.size &&
                 str_find(database, '?') == database.size;
    return plain && host.size > 0 && database.size > 0 &&
           copy_part(host, address->host, sizeof address->host) &&
           copy_part(port, address->port, sizeof address->port) &&
           copy_part(database, address->database, sizeof address->database);
}

int sql_address_parse(struct str address, struct sql_address *ret_address, struct err *err) {
    static const struct {
        const char *scheme;
        enum sql_kind kind;
    } SCHEMES[] = {{"postgresql://", SQL_POSTGRESQL}, {"postgres://", SQL_POSTGRESQL},
        {"mysql://", SQL_MYSQL}, {"mariadb://", SQL_MYSQL}, {"sqlite:", SQL_SQLITE}};
    for (size_t i = 0; i < sizeof SCHEMES / sizeof SCHEMES[0]; i++) {
        struct str scheme = str_of(SCHEMES[i].scheme);
        if (!str_starts(address, scheme)) {
            continue;
        }
        struct sql_address parsed = {.kind = SCHEMES[i].kind};
        struct str rest = str_slice(address, scheme.size, address.size);
        bool good = parsed.kind == SQL_SQLITE
                        ? str_starts(rest, STR("/")) && rest.size > 1 &&
                              copy_part(rest, parsed.database, sizeof parsed.database)
                        : parse_server(rest, &parsed);
        if (!good) {
            break;
        }
        *ret_address = parsed;
        return 0;
    }
    return err_set(err, ERR_INVALID, MSG_SQLPOLL_ADDRESS, ARGS(A_STR(address)));
}

/* ---- Pieces of statements ---- */

void sql_statement_init(struct sql_statement *statement, enum sql_kind kind) {
    *statement = (struct sql_statement){.kind = kind};
    buf_init(&statement->text, SQL_STATEMENT_MAX);
}

void sql_statement_fini(struct sql_statement *statement) {
    buf_fini(&statement->text);
}

void sql_put(struct sql_statement *statement, const char *text) {
    buf_put_str(&statement->text, str_of(text));
}

void sql_put_name(struct sql_statement *statement, struct str name) {
    char quote = statement->kind == SQL_MYSQL ? '`' : '"';
    buf_put_char(&statement->text, quote);
    for (size_t i = 0; i < name.size; i++) {
        if (name.data[i] == quote) {
            buf_put_char(&statement->text, quote);
        }
        buf_put_char(&statement->text, name.data[i]);
    }
    buf_put_char(&statement->text, quote);
}

void sql_put_bind(struct sql_statement *statement, enum sql_bind bind) {
    if (statement->bind_count == SQL_BINDS_MAX) {
        statement->text.overflow = true; // Told as a statement that is too long.
        return;
    }
    statement->binds[statement->bind_count++] = bind;
    if (statement->kind == SQL_POSTGRESQL) {
        buf_printf(&statement->text, "$%u", statement->bind_count);
    } else {
        buf_put_char(&statement->text, '?');
    }
}

static bool is_word(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           (c & 0x80) != 0;
}

/* The end of what begins at `at` and is no code: a text, a quoted name, a comment; else `at`. */
static size_t skip_quoted(struct str query, size_t at) {
    char c = query.data[at];
    char second = at + 1 < query.size ? query.data[at + 1] : '\0';
    if (c == '-' && second == '-') {
        while (at < query.size && query.data[at] != '\n') {
            at++;
        }
        return at;
    }
    if (c == '/' && second == '*') {
        for (at += 2; at + 1 < query.size; at++) {
            if (query.data[at] == '*' && query.data[at + 1] == '/') {
                return at + 2;
            }
        }
        return query.size;
    }
    if (c != '\'' && c != '"' && c != '`') {
        return at;
    }
    for (at++; at < query.size; at++) { // A doubled quote ends one text and begins the next.
        if (query.data[at] == c) {
            return at + 1;
        }
    }
    return query.size;
}

/* `:since` stands at `at`, and is neither part of a word nor of a cast (x::since). */
static bool is_since(struct str query, size_t at) {
    struct str word = STR(":since");
    bool behind = at + word.size < query.size && is_word(query.data[at + word.size]);
    bool before = at > 0 && (query.data[at - 1] == ':' || is_word(query.data[at - 1]));
    return !behind && !before && str_starts(str_slice(query, at, query.size), word);
}

static struct str query_of(const struct driver_settings *settings) {
    struct str query = str_trim(settings->texts[SQLPOLL_QUERY]);
    while (query.size > 0 && query.data[query.size - 1] == ';') {
        query = str_trim(str_slice(query, 0, query.size - 1));
    }
    return query;
}

static void put_query(struct sql_statement *statement, struct str query) {
    for (size_t at = 0; at < query.size;) {
        size_t end = skip_quoted(query, at);
        if (end > at) {
            buf_put(&statement->text, query.data + at, end - at);
            at = end;
        } else if (is_since(query, at)) {
            sql_put_bind(statement, SQL_BIND_SINCE);
            at += sizeof ":since" - 1;
        } else {
            buf_put_char(&statement->text, query.data[at++]);
        }
    }
}

void sql_put_source(struct sql_statement *statement, const struct driver_settings *settings) {
    struct str table = settings->texts[SQLPOLL_TABLE];
    if (table.size == 0) {
        sql_put(statement, "(");
        put_query(statement, query_of(settings));
        sql_put(statement, "\n)"); // The line end ends a comment at the query's end.
        return;
    }
    for (bool first = true; table.size > 0; first = false) {
        sql_put(statement, first ? "" : ".");
        sql_put_name(statement, str_cut(&table, '.'));
    }
}

/* A query is one SELECT (or WITH), and no `;` stands in it outside of texts. */
static bool is_one_select(struct str query) {
    struct str head = str_slice(query, 0, 6);
    bool reads =
        str_eq_nocase(head, STR("select")) || str_eq_nocase(str_slice(query, 0, 4), STR("with"));
    for (size_t at = 0; reads && at < query.size;) {
        size_t end = skip_quoted(query, at);
        if (end == at && (query.data[at] == ';' || query.data[at] == '\0')) {
            return false;
        }
        at = end > at ? end : at + 1;
    }
    return reads;
}

int sql_check(const struct driver_settings *settings, enum sql_kind kind, struct err *err) {
    struct str table = settings->texts[SQLPOLL_TABLE];
    struct str query = query_of(settings);
    if ((table.size > 0) == (query.size > 0) || settings->texts[SQLPOLL_MARK].size == 0) {
        return err_set(err, ERR_INVALID, MSG_SQLPOLL_OPTIONS, NO_ARGS);
    }
    if (query.size > 0 && !is_one_select(query)) {
        return err_set(err, ERR_INVALID, MSG_SQLPOLL_QUERY, NO_ARGS);
    }
    for (struct str rest = table; rest.size > 0;) {
        if (str_cut(&rest, '.').size == 0) {
            return err_set(err, ERR_INVALID, MSG_SQLPOLL_TABLE, ARGS(A_STR(table)));
        }
    }
    if (settings->texts[SQLPOLL_START].size >= SQL_MARK_BYTES) {
        return err_set(err, ERR_LIMIT, MSG_SQLPOLL_MARK_LONG, ARGS(A_INT(SQL_MARK_BYTES - 1)));
    }
    struct sql_statement statement; // Long statements are refused here, not at the first poll.
    sql_statement_init(&statement, kind);
    sql_statement_rows(&statement, settings, true);
    bool fits = !statement.text.overflow;
    sql_statement_fini(&statement);
    return fits ? 0
                : err_set(err, ERR_LIMIT, MSG_SQLPOLL_LONG,
                      ARGS(A_INT(SQL_STATEMENT_MAX), A_INT(SQL_BINDS_MAX)));
}

/* ---- Statements ---- */

static void put_mark(struct sql_statement *statement, const struct driver_settings *settings) {
    sql_put(statement, "maru.");
    sql_put_name(statement, settings->texts[SQLPOLL_MARK]);
}

void sql_statement_bound(
    struct sql_statement *statement, const struct driver_settings *settings, bool has_since) {
    sql_put(statement, "SELECT max(bound.m) FROM (SELECT ");
    put_mark(statement, settings);
    sql_put(statement, " AS m FROM ");
    sql_put_source(statement, settings);
    sql_put(statement, " AS maru WHERE ");
    put_mark(statement, settings);
    if (has_since) {
        sql_put(statement, " > ");
        sql_put_bind(statement, SQL_BIND_SINCE);
    } else {
        sql_put(statement, " IS NOT NULL");
    }
    sql_put(statement, " ORDER BY ");
    put_mark(statement, settings);
    buf_printf(
        &statement->text, " LIMIT %lld) AS bound", (long long)settings->values[SQLPOLL_BATCH]);
}

static void put_equals(
    struct sql_statement *statement, const struct driver_settings *settings, enum sql_bind bind) {
    sql_put(statement, "CASE WHEN ");
    put_mark(statement, settings);
    sql_put(statement, " = ");
    sql_put_bind(statement, bind);
    sql_put(statement, " THEN 1 ELSE 0 END, ");
}

void sql_statement_rows(
    struct sql_statement *statement, const struct driver_settings *settings, bool has_since) {
    sql_put(statement, "SELECT ");
    if (has_since) {
        put_equals(statement, settings, SQL_BIND_SINCE);
    } else {
        sql_put(statement, "0, ");
    }
    put_equals(statement, settings, SQL_BIND_BOUND);
    sql_put(statement, "maru.* FROM ");
    sql_put_source(statement, settings);
    sql_put(statement, " AS maru WHERE ");
    if (has_since) {
        put_mark(statement, settings);
        sql_put(statement, " >= ");
        sql_put_bind(statement, SQL_BIND_SINCE);
        sql_put(statement, " AND ");
    }
    put_mark(statement, settings);
    sql_put(statement, " <= ");
    sql_put_bind(statement, SQL_BIND_BOUND);
    sql_put(statement, " ORDER BY ");
    put_mark(statement, settings);
}
