/*
 * Looking at a database: its tables, their columns with a value of now, and for the connection
 * doctor whether the table may be read and its mark is indexed. All of it with the statements of
 * the standard's information_schema where a database has it, and with parameters, never with pasted
 * texts.
 */
#include "device/drivers/sqlpoll.h"

#include <string.h>

enum { SAMPLE_BYTES = 64, NAME_BYTES = 1024 };

static int begin(struct driver_io *io, const struct sql_statement *statement, struct str first,
    struct str second, struct err *err) {
    struct sqlpoll_private *own = io_private(io);
    struct sql_call call = {.text = buf_str(&statement->text),
        .binds = statement->binds,
        .bind_count = statement->bind_count,
        .since = first,
        .bound = second,
        .mark = SQL_MARK_TEXT};
    return own->engine->begin(own->session, io, &call, err);
}

static void put_column(struct buf *out, const struct sql_column *column) {
    bool plain = str_find(column->name, ' ') == column->name.size && column->name.size > 0 &&
                 column->name.data[0] != '#';
    const char *quote = plain ? "" : "\"";
    buf_printf(
        out, "%s%.*s%s%s", quote, STR_ARG(column->name), quote, column->is_number ? "" : " text");
}

/* One row always comes, of NULLs where the table is empty: it brings the names. */
static int browse_columns(struct driver_io *io, const struct driver_settings *settings,
    struct browse_list *list, struct err *err) {
    struct sqlpoll_private *own = io_private(io);
    struct sql_statement statement;
    sql_statement_init(&statement, own->address.kind);
    sql_put(&statement, "SELECT maru.* FROM (SELECT 1 AS one) AS one LEFT JOIN (SELECT * FROM ");
    sql_put_source(&statement, settings);
    sql_put(&statement, " AS source LIMIT 1) AS maru ON 1 = 1");
    struct sql_row row;
    struct str since = settings->texts[SQLPOLL_START];
    int result = begin(io, &statement, since.size > 0 ? since : STR("0"), STR_NONE, err);
    result = result < 0 ? result : own->engine->next(own->session, io, &row, err);
    bool goes_on = true;
    for (uint32_t i = 0; result > 0 && i < row.count && goes_on; i++) {
        AUTO_BUF struct buf source;
        buf_init(&source, NAME_BYTES);
        put_column(&source, &row.columns[i]);
        struct str cell = row.cells[i].data != NULL ? row.cells[i] : STR_NONE;
        cell = str_slice(cell, 0, SAMPLE_BYTES);
        struct browse_item item = {.source = buf_str(&source),
            .display = row.columns[i].name,
            .unit = STR_NONE,
            .sample = str_is_utf8(cell, NULL) ? cell : STR_NONE,
            .type = row.columns[i].is_number ? TYPE_F64 : TYPE_TEXT};
        goes_on = browse_add(list, &item);
    }
    own->engine->end(own->session, io);
    sql_statement_fini(&statement);
    return result < 0 ? result : 0;
}

static int browse_tables(struct driver_io *io, struct browse_list *list, struct err *err) {
    static const char SERVERS[] =
        "SELECT table_schema, table_name FROM information_schema.tables WHERE table_schema NOT IN "
        "('pg_catalog', 'information_schema', 'mysql', 'performance_schema', 'sys') "
        "ORDER BY 1, 2 LIMIT 2000";
    static const char FILES[] =
        "SELECT '', name FROM sqlite_master WHERE type IN ('table', 'view') "
        "AND name NOT LIKE 'sqlite%' ORDER BY 2 LIMIT 2000";
    struct sqlpoll_private *own = io_private(io);
    struct sql_statement statement;
    sql_statement_init(&statement, own->address.kind);
    sql_put(&statement, own->address.kind == SQL_SQLITE ? FILES : SERVERS);
    struct sql_row row;
    int result = begin(io, &statement, STR_NONE, STR_NONE, err);
    bool goes_on = true;
    while (
        result == 0 && goes_on && (result = own->engine->next(own->session, io, &row, err)) > 0) {
        AUTO_BUF struct buf name;
        buf_init(&name, NAME_BYTES);
        buf_printf(&name, "%.*s%s%.*s", STR_ARG(row.cells[0]), row.cells[0].size > 0 ? "." : "",
            STR_ARG(row.cells[1]));
        struct browse_item item = {.source = buf_str(&name),
            .display = buf_str(&name),
            .unit = STR_NONE,
            .sample = STR_NONE,
            .type = TYPE_TEXT,
            .is_branch = true};
        goes_on = browse_add(list, &item);
        result = 0;
    }
    own->engine->end(own->session, io);
    sql_statement_fini(&statement);
    return result < 0 ? result : 0;
}

int sqlpoll_browse(
    struct driver_io *io, struct str under, struct browse_list *list, struct err *err) {
    struct driver_settings settings = *io_settings(io);
    if (under.size > 0) {
        settings.texts[SQLPOLL_TABLE] = under;
        settings.texts[SQLPOLL_QUERY] = STR_NONE;
        return browse_columns(io, &settings, list, err);
    }
    int result = browse_columns(io, &settings, list, err);
    if (result == -ERR_DEVICE) {
        err_clear(err); // The table is wrong: the list of tables helps.
        result = 0;
    }
    return result < 0 ? result : browse_tables(io, list, err);
}

/* ---- The doctor ---- */

/* Some index begins with the mark: 1, 0, or negative. */
static int ask_index(struct driver_io *io, struct err *err) {
    static const char *const TEXTS[] = {
        [SQL_POSTGRESQL] =
            "SELECT 1 FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid "
            "AND a.attnum = i.indkey[0] WHERE i.indrelid = to_regclass(",
        [SQL_MYSQL] = "SELECT 1 FROM information_schema.statistics WHERE seq_in_index = 1 AND "
                      "concat(table_schema, '.', table_name) = ",
        [SQL_SQLITE] = "SELECT 1 FROM (SELECT i.name AS name FROM pragma_index_list(",
    };
    struct sqlpoll_private *own = io_private(io);
    const struct driver_settings *settings = io_settings(io);
    struct sql_statement name; // As the database writes it.
    struct sql_statement statement;
    enum sql_kind kind = own->address.kind;
    sql_statement_init(&name, kind);
    sql_statement_init(&statement, kind);
    struct str table = settings->texts[SQLPOLL_TABLE];
    if (kind == SQL_POSTGRESQL) {
        sql_put_source(&name, settings);
    } else {
        bool whole = kind == SQL_SQLITE || str_find(table, '.') < table.size;
        buf_printf(&name.text, "%s%s%.*s", whole ? "" : own->address.database, whole ? "" : ".",
            STR_ARG(table));
    }
    sql_put(&statement, TEXTS[kind]);
    sql_put_bind(&statement, SQL_BIND_SINCE);
    if (kind == SQL_SQLITE) {
        sql_put(&statement, ") AS l JOIN pragma_index_info(l.name) AS i ON i.seqno = 0 UNION ALL "
                            "SELECT name FROM pragma_table_info(");
        sql_put_bind(&statement, SQL_BIND_SINCE);
        sql_put(&statement, ") WHERE pk = 1) WHERE lower(name) = lower(");
    } else {
        sql_put(&statement, kind == SQL_POSTGRESQL ? "::text) AND lower(a.attname) = lower("
                                                   : " AND lower(column_name) = lower(");
    }
    sql_put_bind(&statement, SQL_BIND_BOUND);
    sql_put(&statement, kind == SQL_POSTGRESQL ? "::text)" : ")");
    struct sql_row row;
    int result = begin(io, &statement, buf_str(&name.text), settings->texts[SQLPOLL_MARK], err);
    result = result < 0 ? result : own->engine->next(own->session, io, &row, err);
    own->engine->end(own->session, io);
    sql_statement_fini(&name);
    sql_statement_fini(&statement);
    return result;
}

/* Reads one row as a poll would. */
static int ask_rows(struct driver_io *io, struct err *err) {
    struct sqlpoll_private *own = io_private(io);
    struct driver_settings settings = *io_settings(io);
    settings.values[SQLPOLL_BATCH] = 1;
    settings.texts[SQLPOLL_START] = STR_NONE;
    struct sql_statement statement;
    sql_statement_init(&statement, own->address.kind);
    sql_statement_bound(&statement, &settings, false);
    struct sql_call call = {.text = buf_str(&statement.text),
        .binds = statement.binds,
        .bind_count = statement.bind_count,
        .since = own->place.has_mark ? buf_str(&own->place.mark) : STR("0"),
        .bound = STR_NONE,
        .mark = (enum sql_mark)settings.values[SQLPOLL_MARK_TYPE]};
    struct sql_row row;
    int result = own->engine->begin(own->session, io, &call, err);
    result = result < 0 ? result : own->engine->next(own->session, io, &row, err);
    own->engine->end(own->session, io);
    sql_statement_fini(&statement);
    return result;
}

int sqlpoll_diagnose(
    struct driver_io *io, const struct point *point, struct diagnosis *diagnosis, struct err *err) {
    (void)point;
    const struct driver_settings *settings = io_settings(io);
    struct err words = ERR_INIT;
    (void)err_set(&words, ERR_DEVICE, MSG_SQLPOLL_SIGNED_IN, ARGS(A_STR(io_address(io))));
    diagnosis_add(diagnosis, VERDICT_GOOD, &words);
    int result = ask_rows(io, err);
    if (result == -ERR_DEVICE && err != NULL) {
        diagnosis_add(diagnosis, VERDICT_BAD, err);
        err_clear(err);
        return 0;
    }
    if (result < 0) {
        return result;
    }
    (void)err_set(&words, ERR_DEVICE, MSG_SQLPOLL_READABLE, NO_ARGS);
    diagnosis_add(diagnosis, VERDICT_GOOD, &words);
    if (settings->texts[SQLPOLL_TABLE].size == 0) {
        return 0; // A query has its own ways.
    }
    result = ask_index(io, err);
    if (result == -ERR_DEVICE) {
        err_clear(err); // The catalogue may not be read: nothing is known.
        return 0;
    }
    if (result == 0) {
        (void)err_set(
            &words, ERR_DEVICE, MSG_SQLPOLL_NO_INDEX, ARGS(A_STR(settings->texts[SQLPOLL_MARK])));
        diagnosis_add(diagnosis, VERDICT_NOTE, &words);
    }
    return result < 0 ? result : 0;
}
