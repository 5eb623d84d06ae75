/*
 * maru indicators HOME: the performance indicators with their newest results, as CSV or JSON. What
 * the percentages mean is told in plant/indicator.h; months are brought up to date first.
 */
#include <math.h>

#include "app/command.h"
#include "core/json.h"
#include "plant/indicator.h"

enum { MONTHS_READ = 36, MONTHS_COMPUTED = 2000 };

struct listing {
    struct call *call;
    struct plant *plant;
    struct arena arena;
    struct json json;
};

static void put_number(struct buf *out, double value) {
    buf_put_char(out, ',');
    if (!isnan(value)) {
        buf_put_f64(out, value);
    }
}

/* A cell of CSV (RFC 4180). */
static void put_cell(struct buf *out, struct str text) {
    buf_put_char(out, '"');
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] == '"') {
            buf_put_char(out, '"');
        }
        buf_put_char(out, text.data[i]);
    }
    buf_put_char(out, '"');
}

static void put_csv(
    struct buf *out, const struct indicator *row, const struct indicator_figures *f) {
    buf_put_i64(out, row->number);
    buf_put_char(out, ',');
    buf_put_str(out, row->effect);
    buf_put_char(out, ',');
    put_cell(out, row->name);
    buf_put_char(out, ',');
    put_cell(out, row->unit);
    put_number(out, row->baseline);
    put_number(out, row->target);
    buf_put_char(out, ',');
    buf_put_str(out, f->has_result ? f->result.month : STR_NONE);
    put_number(out, f->result.value);
    put_number(out, f->improvement);
    put_number(out, f->achievement);
    buf_put_char(out, '\n');
}

static void put_member(struct json *json, const char *key, double value) {
    if (isnan(value)) {
        json_put_null(json, key);
    } else {
        json_put_f64(json, key, value);
    }
}

static void put_json(
    struct json *json, const struct indicator *row, const struct indicator_figures *f) {
    json_object_begin(json);
    json_put_i64(json, "number", row->number);
    json_put_str(json, "effect", row->effect);
    json_put_str(json, "name", row->name);
    json_put_str(json, "unit", row->unit);
    json_put_str(json, "better", row->lower_is_better ? STR("lower") : STR("higher"));
    put_member(json, "weight", row->weight);
    put_member(json, "baseline", row->baseline);
    put_member(json, "target", row->target);
    json_put_str(json, "formula", row->formula);
    json_put_str(json, "month", f->has_result ? f->result.month : STR_NONE);
    put_member(json, "result", f->result.value);
    put_member(json, "improvement", f->improvement);
    json_put_str(json, "improvement_words", f->improvement_words);
    put_member(json, "achievement", f->achievement);
    json_put_str(json, "achievement_words", f->achievement_words);
    json_object_end(json);
}

static int put_all(struct ledger_tx *tx, void *context, struct err *err) {
    struct listing *listing = context;
    struct indicator *rows = ARENA_ARRAY(&listing->arena, struct indicator, INDICATOR_ROWS_MAX);
    struct indicator_value values[MONTHS_READ];
    char month[INDICATOR_MONTH_BYTES];
    indicator_month_of(listing->plant, clock_wall_ns(plant_clock(listing->plant)), month);
    int count = indicator_list(tx, &listing->arena, rows, INDICATOR_ROWS_MAX, err);
    int status = count;
    for (int i = 0; i < count && status >= 0; i++) {
        struct indicator_figures f;
        status = indicator_values(tx, rows[i].number, &listing->arena, values, MONTHS_READ, err);
        if (status < 0) {
            return status;
        }
        indicator_figures(
            &rows[i], values, status, str_of(month), listing->call->lang, &listing->arena, &f);
        if (listing->call->json) {
            put_json(&listing->json, &rows[i], &f);
        } else {
            put_csv(&listing->call->out, &rows[i], &f);
        }
        status = call_flush(listing->call, false, err);
    }
    return status < 0 ? status : 0;
}

int cmd_indicators(struct call *call, struct err *err) {
    struct listing listing = {.call = call};
    int status = call_plant(call, &listing.plant, err);
    status = status < 0 ? status : indicator_refresh(listing.plant, 0, MONTHS_COMPUTED, NULL, err);
    if (status < 0) {
        return status;
    }
    arena_init(&listing.arena, 0);
    json_init(&listing.json, &call->out);
    if (call->json) {
        json_object_begin(&listing.json);
        json_key(&listing.json, "items");
        json_array_begin(&listing.json);
    } else {
        buf_put_str(&call->out, STR("number,effect,name,unit,baseline,target,month,result,"
                                    "improvement,achievement\n"));
    }
    status = ledger_read(plant_ledger(listing.plant), put_all, &listing, err);
    if (call->json && status >= 0) {
        json_array_end(&listing.json);
        json_object_end(&listing.json);
        buf_put_char(&call->out, '\n');
    }
    arena_fini(&listing.arena);
    return status < 0 ? status : EXIT_DONE;
}
