/*
 * Joined rows as CSV and JSON, for the command line and HTTP alike. JSON rows are written as they
 * come instead of as one array a column: a join may have ten million rows, and no column of them
 * would have to be held until the others are done.
 *
 * A text field that begins with = + - @ or a tab is given with an apostrophe before it (CSV only):
 * spreadsheets would take it for a formula.
 */
#include <math.h>

#include "core/json.h"
#include "historian/join.h"

static void csv_text(struct buf *out, struct str text) {
    bool is_formula = text.size > 0 && str_find(STR("=+-@\t"), text.data[0]) < 5;
    bool is_quoted = false;
    for (size_t i = 0; i < text.size && !is_quoted; i++) {
        char c = text.data[i];
        is_quoted = c == ',' || c == '"' || c == '\n' || c == '\r';
    }
    if (is_quoted) {
        buf_put_char(out, '"');
    }
    if (is_formula) {
        buf_put_char(out, '\'');
    }
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] == '"') {
            buf_put_char(out, '"');
        }
        buf_put_char(out, text.data[i]);
    }
    if (is_quoted) {
        buf_put_char(out, '"');
    }
}

static bool is_shown(const struct join_cell *cell) {
    return cell->has_value && cell->type != 0 && !(cell->type == TYPE_F64 && isnan(cell->f64));
}

static void csv_cell(struct buf *out, const struct join_cell *cell) {
    buf_put_char(out, ',');
    if (!is_shown(cell)) {
        return;
    }
    switch (cell->type) {
    case TYPE_F64: buf_put_f64(out, cell->f64); break;
    case TYPE_I64: buf_put_i64(out, cell->i64); break;
    case TYPE_BOOL: buf_put_str(out, cell->i64 != 0 ? STR("true") : STR("false")); break;
    case TYPE_TEXT: csv_text(out, cell->text); break;
    }
}

static void json_cell(struct json *json, const struct join_cell *cell) {
    if (!is_shown(cell)) {
        json_null(json);
        return;
    }
    switch (cell->type) {
    case TYPE_F64: json_f64(json, cell->f64); break;
    case TYPE_I64: json_i64(json, cell->i64); break;
    case TYPE_BOOL: json_bool(json, cell->i64 != 0); break;
    case TYPE_TEXT: json_str(json, cell->text); break;
    }
}

void join_text_head(struct join_text *text, const struct str *names) {
    if (!text->as_json) {
        buf_put_str(text->out, STR("time"));
        for (uint32_t i = 0; i < text->tag_count; i++) {
            buf_put_char(text->out, ',');
            buf_put_str(text->out, names[i]); // Identifiers and dots: nothing to quote.
        }
        buf_put_str(text->out, text->with_lot ? STR(",lot\n") : STR("\n"));
        return;
    }
    struct json json;
    buf_put_str(text->out, STR("{\"columns\":"));
    json_init(&json, text->out);
    json_array_begin(&json);
    json_str(&json, STR("time"));
    for (uint32_t i = 0; i < text->tag_count; i++) {
        json_str(&json, names[i]);
    }
    if (text->with_lot) {
        json_str(&json, STR("lot"));
    }
    json_array_end(&json);
    buf_put_str(text->out, STR(",\"rows\":["));
}

void join_text_row(struct join_text *text, const struct join_row *row) {
    char time[TIME_TEXT_MAX];
    struct str when = {time, time_format(row->time_ns, text->zone, time)};
    if (!text->as_json) {
        buf_put_str(text->out, when);
        for (uint32_t i = 0; i < text->tag_count; i++) {
            csv_cell(text->out, &row->cells[i]);
        }
        if (text->with_lot) {
            csv_cell(text->out, row->lot);
        }
        buf_put_char(text->out, '\n');
        return;
    }
    struct json json;
    buf_put_str(text->out, text->has_row ? STR(",") : STR_NONE);
    text->has_row = true;
    json_init(&json, text->out);
    json_array_begin(&json);
    json_str(&json, when);
    for (uint32_t i = 0; i < text->tag_count; i++) {
        json_cell(&json, &row->cells[i]);
    }
    if (text->with_lot) {
        json_cell(&json, row->lot);
    }
    json_array_end(&json);
}

void join_text_foot(struct join_text *text) {
    if (text->as_json) {
        buf_put_str(text->out, STR("]}\n"));
    }
}
