/*
 * Rows of a table that another system writes: an MES, a tester, a SCADA's archive. Each period the
 * rows behind the last mark are taken, in the order of the mark (a number that grows, a time of
 * writing), and given to the tags by column. Nothing is written there: sessions are read-only.
 *
 * The place (mark, and which of the rows that share it were taken: sqlpoll_place.c) moves when the
 * rows are durable, in acknowledge. Killed between the two, the same rows come again: with a time
 * column they are recognised and stored once, without one they are stored again, as the help says.
 *
 * What a mark cannot give is not pretended: a row that is committed late with a smaller mark than
 * one already taken is not seen (docs/KNOWN_LIMITS.md). The statements are in sqlpoll_text.c, the
 * three databases in sqlpoll_pg.c, sqlpoll_my.c and sqlpoll_lite.c.
 */
#include "device/drivers/sqlpoll.h"

#include <string.h>

#include "core/mem.h"

enum { FLAGS = 2, TIME_BYTES = 64, NO_COLUMN = 0 };

/* One poll under way. */
struct taking {
    struct driver_io *io;
    struct sqlpoll_private *own;
    const struct point_group *all;
    struct point_sink *sink;
    uint32_t *columns; // Of each point: index + 1 in the row, NO_COLUMN: it has none.
    uint32_t time_column;
    bool laid_out;
    bool *used; // Of each remembered tie: it was met again.
    uint64_t rows;
    uint64_t bad_cells;
    struct err first_bad;
};

const struct sql_engine *sql_engine_of(enum sql_kind kind) {
    switch (kind) {
    case SQL_POSTGRESQL: return &sql_engine_postgresql;
    case SQL_MYSQL: return &sql_engine_mysql;
    case SQL_SQLITE: break;
    }
    return &sql_engine_sqlite;
}

/* ---- Settings ---- */

static int sqlpoll_parse_address(struct str source, const struct driver_settings *settings,
    struct point *ret_point, struct err *err) {
    (void)settings;
    struct cell_source parsed;
    int result = cell_source_parse(source, &parsed, err);
    if (result < 0) {
        return result;
    }
    ret_point->length = 1; // One statement holds all points.
    ret_point->detail[0] = parsed.type;
    ret_point->natural_type = parsed.type;
    return 0;
}

static struct driver_span sqlpoll_span(const struct driver_settings *settings, uint32_t space) {
    (void)settings;
    (void)space;
    return (struct driver_span){.max_length = 1};
}

static struct str zone_wanted(const struct driver_settings *settings) {
    struct str name = settings->texts[SQLPOLL_ZONE];
    return name.size > 0 ? name : STR("Asia/Seoul");
}

static int sqlpoll_check_address(
    struct str address, const struct driver_settings *settings, struct err *err) {
    struct sql_address parsed;
    int result = sql_address_parse(address, &parsed, err);
    result = result < 0 ? result : sql_check(settings, parsed.kind, err);
    if (result < 0) {
        return result;
    }
    struct zone *zone = NULL;
    result = zone_load(zone_wanted(settings), &zone, err);
    zone_free(zone);
    return result;
}

/* ---- Rows ---- */

static uint32_t find_column(const struct sql_row *row, struct str name) {
    for (uint32_t i = FLAGS; i < row->count; i++) {
        if (str_eq_nocase(row->columns[i].name, name)) {
            return i + 1;
        }
    }
    return NO_COLUMN;
}

static void lay_out(struct taking *taking, const struct sql_row *row) {
    for (uint32_t i = 0; i < taking->all->count; i++) {
        const struct point *point = &taking->all->points[i];
        struct cell_source source;
        (void)cell_source_parse(point->source, &source, NULL); // It was good before.
        bool numbered = source.number > 0 && source.number + FLAGS <= row->count;
        taking->columns[i] = numbered             ? source.number + FLAGS
                             : source.number == 0 ? find_column(row, source.column)
                                                  : NO_COLUMN;
        if (taking->columns[i] == NO_COLUMN) {
            struct err words = ERR_INIT;
            (void)err_set(&words, ERR_NOT_FOUND, MSG_SQLPOLL_COLUMN, ARGS(A_STR(source.column)));
            sink_bad(taking->sink, point, STATUS_BAD_CONFIGURATION, &words);
        }
    }
    struct str time = io_settings(taking->io)->texts[SQLPOLL_TIME];
    taking->time_column = time.size > 0 ? find_column(row, time) : NO_COLUMN;
    if (time.size > 0 && taking->time_column == NO_COLUMN) {
        struct err words = ERR_INIT;
        (void)err_set(&words, ERR_NOT_FOUND, MSG_SQLPOLL_COLUMN, ARGS(A_STR(time)));
        sink_warn(taking->sink, &words);
    }
    taking->laid_out = true;
}

static void note_cell(struct taking *taking, struct str column, struct str text) {
    taking->bad_cells++;
    if (taking->first_bad.code == ERR_OK) {
        (void)err_set(&taking->first_bad, ERR_INVALID, MSG_FOLDER_CELL,
            ARGS(A_STR(column), A_STR(str_slice(text, 0, TIME_BYTES))));
    }
}

/* Tells the sink the row's time. One that cannot be read does not cost the row: its values are
 * stored with our time and are uncertain. */
static void tell_time(struct taking *taking, const struct sql_row *row) {
    io_arrived(taking->io); // Rows without a time of their own do not share ours: one would remain.
    sink_time(taking->sink, 0);
    sink_quality(taking->sink, STATUS_GOOD);
    if (io_settings(taking->io)->texts[SQLPOLL_TIME].size == 0) {
        return;
    }
    int64_t time_ns = 0;
    struct str cell = STR_NONE;
    AUTO_BUF struct buf text;
    buf_init(&text, TIME_BYTES);
    if (taking->time_column != NO_COLUMN) {
        const struct sql_column *column = &row->columns[taking->time_column - 1];
        cell = row->cells[taking->time_column - 1];
        bool offset = str_ends(cell, STR("+00"));
        buf_put_str(&text, offset ? str_slice(cell, 0, cell.size - 3) : cell);
        buf_put_str(&text, offset || column->is_utc ? STR("Z") : STR_NONE);
    }
    if (!text.overflow && cell_time(buf_str(&text), taking->own->zone, 0, &time_ns)) {
        sink_time(taking->sink, time_ns);
        return;
    }
    sink_quality(taking->sink, STATUS_UNCERTAIN);
    note_cell(taking, io_settings(taking->io)->texts[SQLPOLL_TIME],
        cell.data == NULL ? STR("NULL") : cell);
}

static void give_row(struct taking *taking, const struct sql_row *row) {
    tell_time(taking, row);
    for (uint32_t i = 0; i < taking->all->count; i++) {
        const struct point *point = &taking->all->points[i];
        if (taking->columns[i] == NO_COLUMN || row->cells[taking->columns[i] - 1].data == NULL) {
            continue; // NULL: there is no value.
        }
        struct str cell = row->cells[taking->columns[i] - 1];
        enum value_type type = (enum value_type)point->detail[0];
        if (type == TYPE_TEXT && cell.size == 0) {
            continue;
        }
        if (!cell_give(taking->sink, point, type, cell, NULL)) {
            note_cell(taking, point->source, cell);
        }
    }
    taking->rows++;
}

/* The row was taken before: it is one of the remembered ones, each of which counts once. */
static bool was_taken(struct taking *taking, uint64_t hash) {
    const struct sql_place *place = &taking->own->place;
    uint32_t low = 0;
    for (uint32_t high = place->tie_count; low < high;) {
        uint32_t middle = low + (high - low) / 2;
        if (place->ties[middle] < hash) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    for (; low < place->tie_count && place->ties[low] == hash; low++) {
        if (!taking->used[low]) {
            taking->used[low] = true;
            return true;
        }
    }
    return false;
}

static bool is_one(struct str cell) {
    return cell.data != NULL && cell.size == 1 && cell.data[0] == '1';
}

static int take_row(struct taking *taking, const struct sql_row *row, struct err *err) {
    if (!taking->laid_out) {
        lay_out(taking, row);
    }
    bool at_since = is_one(row->cells[0]);
    bool at_bound = is_one(row->cells[1]);
    uint64_t hash = at_since || at_bound ? sql_row_hash(row, FLAGS) : 0;
    if (at_bound && !sql_place_add(&taking->own->pending, hash)) {
        return err_set(err, ERR_LIMIT, MSG_SQLPOLL_TIES,
            ARGS(A_INT(SQL_TIES_MAX), A_STR(buf_str(&taking->own->pending.mark)),
                A_STR(io_settings(taking->io)->texts[SQLPOLL_MARK])));
    }
    if (!at_since || !was_taken(taking, hash)) {
        give_row(taking, row);
    }
    return 0;
}

/* ---- A poll ---- */

/* What stands for "the last mark" where nothing was taken yet. */
static struct str first_mark(const struct driver_settings *settings) {
    struct str start = settings->texts[SQLPOLL_START];
    if (start.size > 0) {
        return start;
    }
    switch ((enum sql_mark)settings->values[SQLPOLL_MARK_TYPE]) {
    case SQL_MARK_INTEGER: return STR("-2147483648"); // For :since alone; fits an integer column.
    case SQL_MARK_DECIMAL: return STR("-9223372036854775808");
    case SQL_MARK_TIMESTAMP: return STR("1000-01-01 00:00:00");
    case SQL_MARK_TEXT: break;
    }
    return STR_NONE;
}

static struct sql_call call_of(const struct driver_settings *settings,
    const struct sql_statement *statement, struct str since, struct str bound) {
    return (struct sql_call){.text = buf_str(&statement->text),
        .binds = statement->binds,
        .bind_count = statement->bind_count,
        .since = since,
        .bound = bound,
        .mark = (enum sql_mark)settings->values[SQLPOLL_MARK_TYPE]};
}

/* Asks for the bound; leaves it in pending.mark, which stays empty where there is nothing. */
static int ask_bound(struct driver_io *io, struct str since, bool has_since, struct err *err) {
    struct sqlpoll_private *own = io_private(io);
    struct sql_statement statement;
    sql_statement_init(&statement, own->address.kind);
    sql_statement_bound(&statement, io_settings(io), has_since);
    struct sql_call call = call_of(io_settings(io), &statement, since, since);
    struct sql_row row;
    own->pending.has_mark = false;
    int result = own->engine->begin(own->session, io, &call, err);
    result = result < 0 ? result : own->engine->next(own->session, io, &row, err);
    if (result > 0 && row.count == 1 && row.cells[0].data != NULL) {
        buf_put_str(&own->pending.mark, row.cells[0]);
        own->pending.has_mark = true;
    }
    own->engine->end(own->session, io);
    sql_statement_fini(&statement);
    if (result >= 0 && !own->pending.has_mark && has_since) {
        buf_put_str(&own->pending.mark, since);
        own->pending.has_mark = true;
    }
    if (own->pending.mark.overflow) {
        return err_set(err, ERR_DEVICE, MSG_SQLPOLL_MARK_LONG, ARGS(A_INT(SQL_MARK_BYTES)));
    }
    return result < 0 ? result : 0;
}

static int take_rows(struct taking *taking, struct str since, bool has_since, struct err *err) {
    struct sqlpoll_private *own = taking->own;
    struct sql_statement statement;
    sql_statement_init(&statement, own->address.kind);
    sql_statement_rows(&statement, io_settings(taking->io), has_since);
    struct sql_call call =
        call_of(io_settings(taking->io), &statement, since, buf_str(&own->pending.mark));
    struct sql_row row;
    int result = own->engine->begin(own->session, taking->io, &call, err);
    while (result == 0 && (result = own->engine->next(own->session, taking->io, &row, err)) > 0) {
        result = take_row(taking, &row, err);
    }
    own->engine->end(own->session, taking->io);
    sql_statement_fini(&statement);
    return result;
}

static void begin_pending(struct sqlpoll_private *own) {
    own->has_pending = false;
    own->pending.tie_count = 0;
    own->pending.generation = own->place.generation;
    buf_clear(&own->pending.mark);
}

static int poll_table(struct taking *taking, struct err *err) {
    struct sqlpoll_private *own = taking->own;
    const struct driver_settings *settings = io_settings(taking->io);
    begin_pending(own);
    bool has_since = own->place.has_mark || settings->texts[SQLPOLL_START].size > 0;
    struct str since = own->place.has_mark ? buf_str(&own->place.mark) : first_mark(settings);
    int result = ask_bound(taking->io, since, has_since, err);
    if (result < 0 || !own->pending.has_mark) {
        return result;
    }
    result = take_rows(taking, since, has_since, err);
    sql_place_sort(&own->pending);
    own->has_pending =
        result == 0 && (taking->rows > 0 || !own->place.has_mark ||
                           !str_eq(buf_str(&own->pending.mark), buf_str(&own->place.mark)));
    return result;
}

static int sqlpoll_read_groups(struct driver_io *io, const struct point_group *groups,
    uint32_t count, struct point_sink *sink, struct err *err) {
    struct sqlpoll_private *own = io_private(io);
    if (count == 0) {
        return 0;
    }
    struct taking taking = {.io = io,
        .own = own,
        .all = &groups[0],
        .sink = sink,
        .columns = MEM_ARRAY(uint32_t, (size_t)groups[0].count + 1),
        .used = MEM_ARRAY(bool, (size_t)own->place.tie_count + 1),
        .first_bad = ERR_INIT};
    struct err words = ERR_INIT;
    int result = poll_table(&taking, &words);
    sink_time(sink, 0);
    sink_quality(sink, STATUS_GOOD);
    mem_free(taking.columns);
    mem_free(taking.used);
    if (taking.bad_cells > 0) {
        (void)err_context(&taking.first_bad, MSG_SQLPOLL_BAD_CELLS,
            ARGS(A_INT(taking.bad_cells), A_INT(taking.rows)));
        sink_warn(sink, &taking.first_bad);
    }
    if (result == -ERR_DEVICE && taking.rows == 0) { // Refused, and the session is good.
        own->has_pending = false;
        sink_group_failed(sink, &groups[0], STATUS_BAD_DEVICE_FAILURE, &words);
        return 0;
    }
    if (result < 0) {
        own->has_pending = false;
        if (err != NULL) {
            *err = words;
        }
        return result;
    }
    sink_alive(sink);
    return 0;
}

static int sqlpoll_acknowledge(struct driver_io *io, struct err *err) {
    struct sqlpoll_private *own = io_private(io);
    if (!own->has_pending) {
        return 0;
    }
    int result = sql_place_save(&own->pending, io, err);
    if (result < 0) {
        return result;
    }
    struct sql_place old = own->place;
    own->place = own->pending;
    own->pending = old;
    own->has_pending = false;
    return 0;
}

static void sqlpoll_close(struct driver_io *io) {
    struct sqlpoll_private *own = io_private(io);
    if (own->session != NULL) {
        own->engine->close(own->session);
    }
    sql_place_fini(&own->place);
    sql_place_fini(&own->pending);
    zone_free(own->zone);
    *own = (struct sqlpoll_private){0};
}

static int sqlpoll_open(struct driver_io *io, struct err *err) {
    struct sqlpoll_private *own = io_private(io);
    *own = (struct sqlpoll_private){0};
    sql_place_init(&own->place);
    sql_place_init(&own->pending);
    int result = sql_address_parse(io_address(io), &own->address, err);
    own->engine = sql_engine_of(own->address.kind);
    result = result < 0 ? result : zone_load(zone_wanted(io_settings(io)), &own->zone, err);
    result = result < 0 ? result : sql_place_load(&own->place, io, err);
    result = result < 0 ? result : own->engine->open(io, &own->address, &own->session, err);
    if (result < 0) {
        sqlpoll_close(io);
    }
    return result;
}

static const struct driver_option sqlpoll_options[] = {
    [SQLPOLL_USER] = {.name = "user",
        .help_en = "Who signs in; a user with the right to read only is enough.",
        .help_ko = "로그인할 사용자입니다. 읽기 권한만 있으면 됩니다.",
        .is_text = true},
    [SQLPOLL_PASSWORD] = {.name = "password",
        .help_en = "The user's password.",
        .help_ko = "사용자의 암호입니다.",
        .is_text = true,
        .is_secret = true},
    [SQLPOLL_TABLE] = {.name = "table",
        .help_en = "The table or view, with its schema where needed: public.measure.",
        .help_ko = "테이블 또는 뷰 이름입니다. 필요하면 스키마를 붙입니다. 예: public.measure",
        .is_text = true},
    [SQLPOLL_QUERY] = {.name = "query",
        .help_en = "Instead of a table one whole SELECT; :since stands for the last mark "
                   "(WHERE id >= :since; with > rows that share the last mark may be missed).",
        .help_ko = "테이블 대신 쓸 SELECT 문 전체입니다. :since는 마지막 표시 값입니다"
                   "(WHERE id >= :since. >를 쓰면 표시 값이 같은 행이 빠질 수 있습니다).",
        .is_text = true},
    [SQLPOLL_MARK] = {.name = "mark",
        .help_en = "The column that grows with each row (id, time of writing); give it an index. "
                   "Rows where it is NULL are not taken.",
        .help_ko = "행마다 커지는 열입니다(id, 기록 시각). 인덱스가 있어야 빠릅니다. 이 열이 "
                   "NULL인 행은 가져오지 않습니다.",
        .is_text = true},
    [SQLPOLL_MARK_TYPE] = {.name = "mark_type",
        .help_en = "What the mark is.",
        .help_ko = "표시 열의 종류입니다.",
        .words = "integer,decimal,timestamp,text"},
    [SQLPOLL_START] = {.name = "start",
        .help_en = "The mark to begin with; the whole table when not given.",
        .help_ko = "처음 가져올 표시 값입니다. 없으면 테이블 전체를 가져옵니다.",
        .is_text = true},
    [SQLPOLL_TIME] = {.name = "time",
        .help_en = "The column with the time of the values. Without it they have the time of "
                   "arrival, and rows that come again after a power failure are stored again.",
        .help_ko = "값의 시각이 있는 열입니다. 없으면 가져온 시각을 쓰며, 정전 뒤 다시 가져온 행은 "
                   "한 번 더 저장됩니다.",
        .is_text = true},
    [SQLPOLL_ZONE] = {.name = "zone",
        .help_en = "Time zone of times without an offset; Asia/Seoul when not given.",
        .help_ko = "시간대 표시가 없는 시각의 시간대입니다(없으면 Asia/Seoul).",
        .is_text = true},
    [SQLPOLL_BATCH] = {.name = "batch",
        .help_en = "Rows a poll; rows that share the last one's mark come with it.",
        .help_ko = "한 번에 가져올 행 수입니다. 마지막 행과 표시 값이 같은 행은 함께 가져옵니다.",
        .fallback = 1000,
        .min = 1,
        .max = 50000},
    [SQLPOLL_SSLMODE] = {.name = "sslmode",
        .help_en = "Encryption; verify also checks the server's certificate and name.",
        .help_ko = "암호화 방식입니다. verify는 서버 인증서와 이름도 확인합니다.",
        .words = "prefer,disable,require,verify"},
    [SQLPOLL_CA] = {.name = "ca",
        .help_en = "File with the certificates to trust.",
        .help_ko = "신뢰할 인증서 파일입니다.",
        .is_text = true,
        .is_file = true},
    {.name = NULL},
};

const struct driver driver_sqlpoll;
const struct driver driver_sqlpoll = {
    .name = "sqlpoll",
    .help_en =
        "New rows of another system's table: PostgreSQL (postgresql://host:5432/db), MariaDB "
        "or MySQL (mysql://host:3306/db), SQLite (sqlite:/path/file.db). A source is a "
        "column and a type (temp, \"Cycle Time\" i64, #3 text). mark names the column that "
        "grows; nothing is written there.",
    .help_ko =
        "다른 시스템의 테이블에 새로 쌓이는 행을 가져옵니다. PostgreSQL(postgresql://호스트:"
        "5432/db), MariaDB·MySQL(mysql://호스트:3306/db), SQLite(sqlite:/경로/파일.db)를 "
        "지원합니다. 태그 주소는 열 이름과 형식(온도, \"Cycle Time\" i64, #3 text)이며, mark에 "
        "행마다 커지는 열을 적습니다. 상대 데이터베이스에는 아무것도 쓰지 않습니다.",
    .options = sqlpoll_options,
    .private_bytes = sizeof(struct sqlpoll_private),
    .events = true,
    .check_address = sqlpoll_check_address,
    .parse_address = sqlpoll_parse_address,
    .span = sqlpoll_span,
    .open = sqlpoll_open,
    .read_groups = sqlpoll_read_groups,
    .acknowledge = sqlpoll_acknowledge,
    .close = sqlpoll_close,
    .browse = sqlpoll_browse,
    .diagnose = sqlpoll_diagnose,
};
