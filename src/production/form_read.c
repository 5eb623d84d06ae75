/*
 * Sheets to be filled in and entries that were.
 *
 * An entry is shown with the words of its own version; a table of many entries has a column for
 * every field that the form has or ever had, because a field that was taken out last month is still
 * what was measured the month before.
 */
#include <math.h>

#include "core/time.h"
#include "production/form_load.h"
#include "production/master.h"
#include "production/sql.h"
#include "production/words.h"

/* ---- An empty sheet ---- */

static int find_ref(struct ledger_tx *tx, const char *sql, struct str code, enum msg_id unknown,
    int64_t *ret_number, struct err *err) {
    int rc = code.size == 0 ? 0 : sql_number(tx, sql, Q(Q_S(code)), 0, ret_number, err);
    return rc >= 0 && code.size > 0 && *ret_number == 0
               ? err_set(err, ERR_NOT_FOUND, unknown, ARGS(A_STR(code)))
               : rc;
}

static int find_place(struct ledger_tx *tx, const struct form_ask *ask,
    struct form_place *ret_place, struct err *err) {
    struct form_place place = {
        .day = ask->about.day, .shift = ask->about.shift, .time_ns = ask->now_ns};
    int rc = ask->about.machine.size == 0
                 ? 0
                 : master_find(tx, NOUN_MACHINES, ask->about.machine, &place.machine, err);
    rc = rc < 0 ? rc
                : find_ref(tx, "SELECT number FROM work_orders WHERE code = ?1", ask->about.order,
                      SAY(PRODUCTION_EVENT_NO_ORDER), &place.order, err);
    rc = rc < 0 ? rc
                : find_ref(tx, "SELECT number FROM lots WHERE code = ?1", ask->about.lot,
                      SAY(PRODUCTION_EVENT_NO_LOT), &place.lot, err);
    *ret_place = place;
    return rc;
}

static void put_text(struct json *json, const char *key, struct str text) {
    if (text.size == 0) {
        json_put_null(json, key);
    } else {
        json_put_str(json, key, text);
    }
}

static void put_real(struct json *json, const char *key, double value) {
    if (isnan(value)) {
        json_put_null(json, key);
    } else {
        json_put_f64(json, key, value);
    }
}

static void put_choices(struct json *json, const struct form_field *field) {
    json_key(json, "choices");
    json_array_begin(json);
    for (struct str rest = field->choices; field->kind == FORM_CHOICE && rest.data != NULL;) {
        json_str(json, str_trim(str_cut(&rest, '|')));
    }
    json_array_end(json);
}

struct sheet {
    const struct form_ask *ask;
    const struct form_frame *frame;
    struct json *json;
};

static int put_ready_value(struct ledger_tx *tx, const struct sheet *sheet,
    const struct form_field *field, struct err *err) {
    AUTO_BUF struct buf text;
    buf_init(&text, 4096);
    int rc = 0;
    if (field->kind >= FORM_GOOD) {
        int64_t value = 0;
        rc = form_auto(tx, sheet->frame, field->kind, sheet->ask->now_ns, &value, err);
        buf_printf(&text, "%lld", (long long)value);
    } else if (field->kind == FORM_TAG && sheet->ask->tag_text != NULL) {
        (void)sheet->ask->tag_text(sheet->ask->context, field->tag, &text);
    }
    put_text(sheet->json, "value", buf_str(&text));
    return rc;
}

static int put_field(struct ledger_tx *tx, const struct sheet *sheet,
    const struct form_field *field, struct err *err) {
    struct json *json = sheet->json;
    json_object_begin(json);
    json_put_str(json, "field", field->field);
    json_put_str(json, "name", field->name);
    json_put_str(json, "kind", str_of(form_kind_name(field->kind)));
    json_put_str(json, "unit", field->unit);
    put_real(json, "lower", field->lower);
    put_real(json, "upper", field->upper);
    put_choices(json, field);
    put_text(json, "tag", field->tag_name);
    json_put_bool(json, "needed", field->needed);
    put_text(json, "note", field->note);
    int rc = put_ready_value(tx, sheet, field, err);
    json_object_end(json);
    return rc;
}

static int put_frame(
    struct ledger_tx *tx, const struct form *form, const struct sheet *sheet, struct err *err) {
    struct json *json = sheet->json;
    const struct form_frame *frame = sheet->frame;
    int64_t version = 0;
    int64_t number = 0;
    int64_t entry = 0;
    int64_t outside = 0;
    struct ledger_stmt *stmt = NULL;
    int rc = form_version(tx, form, false, 0, &number, &version, err);
    rc = rc < 0 ? rc : form_filled(tx, form, frame, &entry, &outside, err);
    rc = rc < 0 ? rc
                : sql_first(tx,
                      "SELECT coalesce(a.id, ''), coalesce(a.display, '') FROM (SELECT ?1 AS n)"
                      " LEFT JOIN machines m ON m.number = n"
                      " LEFT JOIN assets a ON a.number = m.asset",
                      Q(Q_I(frame->machine)), &stmt, err);
    if (rc < 0) {
        return rc;
    }
    json_put_str(json, "form", form->code);
    json_put_str(json, "name", form->name);
    json_put_str(json, "every", form->every);
    put_text(json, "note", form->note);
    json_put_i64(json, "version", version);
    put_text(json, "machine", ledger_column_str(stmt, 0));
    put_text(json, "machine_name", ledger_column_str(stmt, 1));
    put_text(json, "order", sheet->ask->about.order);
    put_text(json, "lot", sheet->ask->about.lot);
    json_put_str(json, "day", str_of(frame->day_text));
    put_text(json, "shift", frame->shift);
    put_text(json, "shift_name", frame->shift_name);
    json_put_time(json, "from", frame->from_ns);
    json_put_time(json, "to", frame->to_ns);
    if (entry == 0) {
        json_put_null(json, "entry");
    } else {
        json_put_i64(json, "entry", entry);
    }
    return 0;
}

int form_put_sheet(struct ledger_tx *tx, struct str code, const struct form_ask *ask,
    struct arena *arena, struct json *json, struct err *err) {
    struct form form;
    struct form_place place;
    struct form_frame frame;
    int64_t number = 0;
    int rc = find_ref(tx, "SELECT number FROM forms WHERE code = ?1", code,
        SAY(PRODUCTION_FORM_UNKNOWN), &number, err);
    rc = rc < 0 ? rc : form_load(tx, number, arena, &form, err);
    rc = rc < 0 ? rc : find_place(tx, ask, &place, err);
    rc = rc < 0 ? rc : form_frame(tx, &form, &place, ask->zone, arena, &frame, err);
    struct sheet sheet = {.ask = ask, .frame = &frame, .json = json};
    rc = rc < 0 ? rc : put_frame(tx, &form, &sheet, err);
    if (rc < 0) {
        return rc;
    }
    json_key(json, "fields");
    json_array_begin(json);
    for (uint32_t i = 0; i < form.field_count && rc >= 0; i++) {
        rc = put_field(tx, &sheet, &form.fields[i], err);
    }
    json_array_end(json);
    return rc;
}

/* ---- Entries ---- */

static void put_column(struct json *json, const char *key, struct ledger_stmt *stmt, int column) {
    put_text(json, key,
        ledger_column_is_null(stmt, column) ? STR_NONE : ledger_column_str(stmt, column));
}

static void put_number(struct json *json, const char *key, struct ledger_stmt *stmt, int column) {
    if (ledger_column_is_null(stmt, column)) {
        json_put_null(json, key);
    } else {
        json_put_i64(json, key, ledger_column_i64(stmt, column));
    }
}

static int put_values(struct ledger_tx *tx, int64_t entry, struct json *json, struct err *err) {
    struct ledger_stmt *stmt = NULL;
    int rc = sql_begin(tx,
        "SELECT v.field, v.value, v.real, v.outside FROM form_values v"
        " JOIN form_entries e ON e.number = v.entry"
        " LEFT JOIN form_fields f ON f.form = e.form AND f.field = v.field"
        " WHERE v.entry = ?1 ORDER BY coalesce(f.line, 10000), v.field",
        Q(Q_I(entry)), &stmt, err);
    json_key(json, "values");
    json_array_begin(json);
    while (rc >= 0 && (rc = ledger_step(stmt, err)) > 0) {
        json_object_begin(json);
        put_column(json, "field", stmt, 0);
        put_column(json, "value", stmt, 1);
        put_real(json, "number", ledger_column_f64(stmt, 2));
        json_put_bool(json, "outside", ledger_column_i64(stmt, 3) != 0);
        json_object_end(json);
    }
    json_array_end(json);
    return rc;
}

static void put_entry(struct json *json, struct ledger_stmt *stmt) {
    json_put_i64(json, "number", ledger_column_i64(stmt, 0));
    put_column(json, "form", stmt, 1);
    put_column(json, "name", stmt, 2);
    json_put_i64(json, "version", ledger_column_i64(stmt, 3));
    json_put_time(json, "time", ledger_column_i64(stmt, 4));
    json_put_time(json, "entered", ledger_column_i64(stmt, 5));
    put_column(json, "day", stmt, 6);
    put_column(json, "shift", stmt, 7);
    put_column(json, "machine", stmt, 8);
    put_column(json, "machine_name", stmt, 9);
    put_column(json, "order", stmt, 10);
    put_column(json, "lot", stmt, 11);
    put_column(json, "worker", stmt, 12);
    put_column(json, "actor", stmt, 13);
    json_put_i64(json, "outside", ledger_column_i64(stmt, 14));
    put_number(json, "replaces", stmt, 15);
    put_number(json, "replaced_by", stmt, 16);
    put_column(json, "why", stmt, 17);
}

#define ENTRIES_SQL                                                                                \
    "SELECT e.number, f.code, f.name, v.version, e.time_ns, e.entered_ns, e.day, e.shift, a.id,"   \
    " a.display, w.code, l.code, k.name, e.actor, e.outside, e.replaces, e.replaced_by, e.why,"    \
    " CASE WHEN ?6 <> 0 THEN v.body END FROM form_entries e JOIN forms f ON f.number = e.form"     \
    " JOIN form_versions v ON v.number = e.version LEFT JOIN machines m ON m.number = e.machine"   \
    " LEFT JOIN assets a ON a.number = m.asset LEFT JOIN work_orders w ON w.number ="              \
    " e.work_order LEFT JOIN lots l ON l.number = e.lot LEFT JOIN workers k ON k.number ="         \
    " e.worker WHERE e.number < ?1 AND (?2 = '' OR f.code = ?2) AND (?3 = '' OR a.id = ?3)"        \
    " AND (?4 = '' OR e.day = ?4) AND (?6 = 0 OR e.number = ?6) AND (?7 = 0 OR e.replaced_by IS"   \
    " NULL) AND (?8 = '' OR w.code = ?8) AND (?9 = '' OR l.code = ?9)"                             \
    " ORDER BY e.number DESC LIMIT ?5"

int form_put_entries(struct ledger_tx *tx, const struct form_query *query, struct json *json,
    int64_t *ret_next, struct err *err) {
    struct ledger_stmt *stmt = NULL;
    int rc = sql_begin(tx, ENTRIES_SQL,
        Q(Q_I(query->before), Q_S(query->form), Q_S(query->machine), Q_S(query->day),
            Q_I(query->limit), Q_I(query->number), Q_I(query->no_replaced), Q_S(query->order),
            Q_S(query->lot)),
        &stmt, err);
    int count = 0;
    int64_t last = 0;
    while (rc >= 0 && (rc = ledger_step(stmt, err)) > 0) {
        last = ledger_column_i64(stmt, 0);
        json_object_begin(json);
        put_entry(json, stmt);
        if (query->number != 0) {
            json_key(json, "body");
            json_raw(json, ledger_column_str(stmt, 18));
        }
        rc = put_values(tx, last, json, err);
        json_object_end(json);
        count++;
    }
    *ret_next = count == (int)query->limit ? last : 0;
    return rc < 0 ? rc : count;
}

/* ---- One entry, for paper ---- */

static int read_lines(
    struct ledger_tx *tx, struct arena *arena, struct form_entry *entry, struct err *err) {
    struct ledger_stmt *stmt = NULL;
    int rc = sql_begin(tx,
        "SELECT j.value ->> 'name', j.value ->> 'kind', j.value ->> 'unit', j.value ->> 'lower',"
        " j.value ->> 'upper', coalesce(x.value, ''), coalesce(x.outside, 0) FROM form_entries e"
        " JOIN form_versions v ON v.number = e.version, json_each(v.body, '$.fields') j"
        " LEFT JOIN form_values x ON x.entry = e.number AND x.field = j.value ->> 'field'"
        " WHERE e.number = ?1 ORDER BY j.id",
        Q(Q_I(entry->number)), &stmt, err);
    entry->lines = ARENA_ARRAY(arena, struct form_line, FORM_FIELDS_MAX);
    while (rc >= 0 && entry->line_count < FORM_FIELDS_MAX && (rc = ledger_step(stmt, err)) > 0) {
        entry->lines[entry->line_count++] =
            (struct form_line){.name = arena_copy(arena, ledger_column_str(stmt, 0)),
                .kind = arena_copy(arena, ledger_column_str(stmt, 1)),
                .unit = arena_copy(arena, ledger_column_str(stmt, 2)),
                .lower = ledger_column_f64(stmt, 3),
                .upper = ledger_column_f64(stmt, 4),
                .value = arena_copy(arena, ledger_column_str(stmt, 5)),
                .outside = ledger_column_i64(stmt, 6) != 0};
    }
    return rc < 0 ? rc : 0;
}

int form_entry_get(struct ledger_tx *tx, int64_t number, struct arena *arena,
    struct form_entry *ret_entry, struct err *err) {
    struct ledger_stmt *stmt = NULL;
    int rc = sql_first(tx,
        "SELECT v.body ->> 'name', v.version, e.time_ns, e.day, e.shift,"
        " coalesce(nullif(a.display, ''), a.id, ''), coalesce(w.code, ''), coalesce(l.code, ''),"
        " coalesce(k.name, ''), coalesce(e.replaced_by, 0), e.why FROM form_entries e"
        " JOIN form_versions v ON v.number = e.version LEFT JOIN machines m ON m.number = e.machine"
        " LEFT JOIN assets a ON a.number = m.asset LEFT JOIN work_orders w ON w.number ="
        " e.work_order LEFT JOIN lots l ON l.number = e.lot LEFT JOIN workers k ON k.number ="
        " e.worker WHERE e.number = ?1",
        Q(Q_I(number)), &stmt, err);
    if (rc <= 0) {
        return rc < 0
                   ? rc
                   : err_set(err, ERR_NOT_FOUND, SAY(PRODUCTION_FORM_ENTRY), ARGS(A_INT(number)));
    }
    *ret_entry = (struct form_entry){.number = number,
        .name = arena_copy(arena, ledger_column_str(stmt, 0)),
        .version = ledger_column_i64(stmt, 1),
        .time_ns = ledger_column_i64(stmt, 2),
        .day = arena_copy(arena, ledger_column_str(stmt, 3)),
        .shift = arena_copy(arena, ledger_column_str(stmt, 4)),
        .machine = arena_copy(arena, ledger_column_str(stmt, 5)),
        .order = arena_copy(arena, ledger_column_str(stmt, 6)),
        .lot = arena_copy(arena, ledger_column_str(stmt, 7)),
        .worker = arena_copy(arena, ledger_column_str(stmt, 8)),
        .replaced_by = ledger_column_i64(stmt, 9),
        .why = arena_copy(arena, ledger_column_str(stmt, 10))};
    return read_lines(tx, arena, ret_entry, err);
}

/* ---- Entries as a table ---- */

enum { FIXED = 14, COLUMNS_MAX = FORM_FIELDS_MAX * 4 };

struct columns {
    struct str names[COLUMNS_MAX]; // Of fields; others are not put.
    uint32_t count;
};

static struct str say(enum msg_id id, enum lang lang, struct arena *arena) {
    AUTO_BUF struct buf words;
    buf_init(&words, 512);
    msg_render(id, NO_ARGS, lang, &words);
    return arena_copy(arena, buf_str(&words));
}

static int put_heading(struct ledger_tx *tx, int64_t form, const struct form_table *table,
    struct arena *arena, struct columns *columns, struct err *err) {
    static const enum msg_id HEADS[FIXED] = {SAY(PRODUCTION_H_ENTRY), SAY(PRODUCTION_H_TIME),
        SAY(PRODUCTION_F_DAY), SAY(PRODUCTION_M_SHIFT), SAY(PRODUCTION_F_MACHINE),
        SAY(PRODUCTION_M_ORDER), SAY(PRODUCTION_M_LOT), SAY(PRODUCTION_M_WORKER),
        SAY(PRODUCTION_H_ACTOR), SAY(PRODUCTION_H_VERSION), SAY(PRODUCTION_H_OUTSIDE),
        SAY(PRODUCTION_M_REPLACES), SAY(PRODUCTION_H_REPLACED), SAY(PRODUCTION_H_WHY)};
    struct str *cells = ARENA_ARRAY(arena, struct str, FIXED + COLUMNS_MAX);
    for (uint32_t i = 0; i < FIXED; i++) {
        cells[i] = say(HEADS[i], table->lang, arena);
    }
    struct ledger_stmt *stmt = NULL;
    int rc = sql_begin(tx,
        "SELECT x.field, coalesce(f.name, x.field) FROM (SELECT field FROM form_fields WHERE form ="
        " ?1 UNION SELECT v.field FROM form_values v JOIN form_entries e ON e.number = v.entry"
        " WHERE e.form = ?1) x LEFT JOIN form_fields f ON f.form = ?1 AND f.field = x.field"
        " ORDER BY coalesce(f.line, 10000), x.field LIMIT ?2",
        Q(Q_I(form), Q_I(COLUMNS_MAX)), &stmt, err);
    while (rc >= 0 && (rc = ledger_step(stmt, err)) > 0) {
        columns->names[columns->count] = arena_copy(arena, ledger_column_str(stmt, 0));
        cells[FIXED + columns->count++] = arena_copy(arena, ledger_column_str(stmt, 1));
    }
    return rc < 0 ? rc : table->row(table->context, cells, FIXED + columns->count, err);
}

static int read_values(struct ledger_tx *tx, int64_t entry, const struct columns *columns,
    struct str *cells, struct arena *arena, struct err *err) {
    struct ledger_stmt *stmt = NULL;
    int rc = sql_begin(
        tx, "SELECT field, value FROM form_values WHERE entry = ?1", Q(Q_I(entry)), &stmt, err);
    while (rc >= 0 && (rc = ledger_step(stmt, err)) > 0) {
        struct str field = ledger_column_str(stmt, 0);
        for (uint32_t i = 0; i < columns->count; i++) {
            if (str_eq(field, columns->names[i])) {
                cells[FIXED + i] = arena_copy(arena, ledger_column_str(stmt, 1));
            }
        }
    }
    return rc;
}

static int put_row(struct ledger_tx *tx, struct ledger_stmt *stmt, const struct form_table *table,
    const struct columns *columns, struct err *err) {
    AUTO_ARENA struct arena arena;
    arena_init(&arena, 0);
    struct str *cells = ARENA_ARRAY(&arena, struct str, FIXED + COLUMNS_MAX);
    for (int i = 0; i < FIXED; i++) {
        cells[i] = ledger_column_is_null(stmt, i) ? STR_NONE
                                                  : arena_copy(&arena, ledger_column_str(stmt, i));
    }
    char time[TIME_TEXT_MAX];
    cells[1] = arena_copy(
        &arena, (struct str){time, time_format(ledger_column_i64(stmt, 1), table->zone, time)});
    int rc = read_values(tx, ledger_column_i64(stmt, 0), columns, cells, &arena, err);
    return rc < 0 ? rc : table->row(table->context, cells, FIXED + columns->count, err);
}

int form_table_put(
    struct ledger_tx *tx, struct str code, const struct form_table *table, struct err *err) {
    AUTO_ARENA struct arena arena;
    arena_init(&arena, 0);
    int64_t form = 0;
    struct columns *columns = ARENA_NEW(&arena, struct columns);
    int rc = find_ref(tx, "SELECT number FROM forms WHERE code = ?1", code,
        SAY(PRODUCTION_FORM_UNKNOWN), &form, err);
    rc = rc < 0 ? rc : put_heading(tx, form, table, &arena, columns, err);
    struct ledger_stmt *stmt = NULL;
    rc = rc < 0 ? rc
                : sql_begin(tx,
                      "SELECT e.number, e.time_ns, e.day, e.shift, a.id, w.code, l.code, k.name,"
                      " e.actor, v.version, e.outside, e.replaces, e.replaced_by, e.why"
                      " FROM form_entries e JOIN form_versions v ON v.number = e.version"
                      " LEFT JOIN machines m ON m.number = e.machine"
                      " LEFT JOIN assets a ON a.number = m.asset"
                      " LEFT JOIN work_orders w ON w.number = e.work_order"
                      " LEFT JOIN lots l ON l.number = e.lot"
                      " LEFT JOIN workers k ON k.number = e.worker WHERE e.form = ?1"
                      " ORDER BY e.number",
                      Q(Q_I(form)), &stmt, err);
    while (rc >= 0 && (rc = ledger_step(stmt, err)) > 0) {
        rc = put_row(tx, stmt, table, columns, err);
    }
    return rc < 0 ? rc : 0;
}
