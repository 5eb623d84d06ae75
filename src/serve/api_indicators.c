/*
 * Performance indicators over HTTP. The list tells everything a table needs, with the figures
 * written out in words, so that page, paper and command cannot disagree. Asking for it brings
 * months up to date that are older than a minute, a few of them; the care of the plant does the
 * rest. The answer stands also when that work was refused because others are long at work.
 */
#include <math.h>

#include "core/json_in.h"
#include "core/limits.h"
#include "ledger/indicators.h"
#include "plant/indicator.h"
#include "serve/call.h"
#include "serve/server.h"

enum {
    MONTHS_LISTED = 24,
    MONTHS_MAX = 600,
    REVISIONS_MAX = 200,
    FRESH_S = 60,
    MONTHS_AT_ONCE = 12, // Computed while somebody waits.
    PREVIEW_MONTHS = 3,
    SHORT_BYTES = 16,
};

struct access {
    struct call *call;
    struct indicator *rows;
    struct indicator_value *values;
    struct indicator row;
    struct indicator_value value;
    int64_t number;
    int count;
    int value_count;
    const struct json_in *body;
    struct json json;
    struct indicator_mean mean;
};

/* ---- Answers ---- */

static void put_number(struct json *json, const char *key, double value) {
    if (isnan(value)) {
        json_put_null(json, key);
    } else {
        json_put_f64(json, key, value);
    }
}

static void put_definition(struct json *json, const struct indicator *row) {
    json_put_i64(json, "number", row->number);
    json_put_i64(json, "revision", row->revision);
    json_put_time(json, "changed", row->changed_ns);
    json_put_str(json, "actor", row->actor);
    json_put_str(json, "effect", row->effect);
    json_put_str(json, "name", row->name);
    json_put_str(json, "unit", row->unit);
    json_put_str(json, "better", row->lower_is_better ? STR("lower") : STR("higher"));
    json_put_f64(json, "weight", row->weight);
    put_number(json, "baseline", row->baseline);
    json_put_str(json, "baseline_from", row->baseline_from);
    json_put_str(json, "baseline_to", row->baseline_to);
    json_put_str(json, "baseline_source", row->baseline_source);
    put_number(json, "target", row->target);
    json_put_str(json, "target_date", row->target_date);
    json_put_str(json, "formula", row->formula);
    json_put_str(json, "since", row->since);
    json_put_str(json, "note", row->note);
}

static void put_point(
    struct json *json, const char *key, bool is_there, const struct indicator_value *value) {
    if (key != NULL) {
        json_key(json, key);
    }
    if (!is_there) {
        json_null(json);
        return;
    }
    json_object_begin(json);
    json_put_str(json, "month", value->month);
    put_number(json, "value", value->value);
    json_put_bool(json, "closed", value->closed);
    json_object_end(json);
}

static void present_month(const struct call *call, char to[INDICATOR_MONTH_BYTES]) {
    indicator_month_of(call->plant, clock_wall_ns(plant_clock(call->plant)), to);
}

/* One indicator with its months and figures. */
static int put_indicator(
    struct ledger_tx *tx, struct access *access, const struct indicator *row, struct err *err) {
    struct arena *arena = &access->call->http->arena;
    struct json *json = &access->json;
    char month[INDICATOR_MONTH_BYTES];
    struct indicator_figures f;
    int count = indicator_values(tx, row->number, arena, access->values, MONTHS_LISTED, err);
    if (count < 0) {
        return count;
    }
    present_month(access->call, month);
    indicator_figures(row, access->values, count, str_of(month), access->call->lang, arena, &f);
    indicator_mean_add(&access->mean, f.achievement, row->weight);
    json_object_begin(json);
    put_definition(json, row);
    put_point(json, "result", f.has_result, &f.result);
    put_point(json, "present", f.has_present, &f.present);
    put_number(json, "improvement", f.improvement);
    json_put_str(json, "improvement_words", f.improvement_words);
    put_number(json, "achievement", f.achievement);
    json_put_str(json, "achievement_words", f.achievement_words);
    json_key(json, "months");
    json_array_begin(json);
    for (int i = count - 1; i >= 0; i--) { // Oldest first, as a line is drawn.
        put_point(json, NULL, true, &access->values[i]);
    }
    json_array_end(json);
    json_object_end(json);
    return 0;
}

static struct access access_of(struct call *call) {
    return (struct access){.call = call,
        .values = ARENA_ARRAY(&call->http->arena, struct indicator_value, MONTHS_MAX)};
}

static int put_all(struct ledger_tx *tx, void *context, struct err *err) {
    struct access *access = context;
    access->count =
        indicator_list(tx, &access->call->http->arena, access->rows, INDICATOR_ROWS_MAX, err);
    int status = access->count < 0 ? access->count : 0;
    for (int i = 0; i < access->count && status >= 0; i++) {
        status = put_indicator(tx, access, &access->rows[i], err);
    }
    return status;
}

static void put_references(struct json *json, struct call *call) {
    json_key(json, "references");
    json_array_begin(json);
    for (size_t i = 0; i < sizeof INDICATOR_REFERENCES / sizeof INDICATOR_REFERENCES[0]; i++) {
        json_object_begin(json);
        json_put_str(json, "effect", str_of(INDICATOR_REFERENCES[i].effect));
        json_put_f64(json, "value", INDICATOR_REFERENCES[i].value);
        json_put_bool(json, "persons", INDICATOR_REFERENCES[i].persons);
        json_object_end(json);
    }
    json_array_end(json);
    AUTO_BUF struct buf words;
    buf_init(&words, 1024);
    msg_render(MSG_INDICATOR_REFERENCE, NO_ARGS, call->lang, &words);
    json_put_str(json, "references_source", buf_str(&words));
}

static void refresh(struct call *call) {
    if (call_long_begin(call, NULL) < 0) {
        call->retry_after_s = 0; // What is stored is answered.
        return;
    }
    struct err err = ERR_INIT;
    (void)indicator_refresh(call->plant, FRESH_S * NS_PER_S, MONTHS_AT_ONCE, NULL, &err);
    call_long_end(call);
}

int api_indicators(struct call *call, struct err *err) {
    struct access access = access_of(call);
    access.rows = ARENA_ARRAY(&call->http->arena, struct indicator, INDICATOR_ROWS_MAX);
    char month[INDICATOR_MONTH_BYTES];
    refresh(call);
    present_month(call, month);
    call_json(call, 200, &access.json);
    json_object_begin(&access.json);
    json_key(&access.json, "items");
    json_array_begin(&access.json);
    int rc = ledger_read(plant_ledger(call->plant), put_all, &access, err);
    if (rc < 0) {
        return rc;
    }
    json_array_end(&access.json);
    json_put_null(&access.json, "next");
    json_put_str(&access.json, "month", str_of(month));
    put_number(&access.json, "achievement", indicator_mean_value(&access.mean));
    json_put_i64(&access.json, "judged", access.mean.count);
    put_references(&access.json, call);
    json_object_end(&access.json);
    return 0;
}

/* ---- Definitions ---- */

static int take_number(struct call *call, int64_t *ret_number, struct err *err) {
    return str_to_i64(call->args[1], ret_number)
               ? 0
               : err_set(err, ERR_NOT_FOUND, MSG_INDICATOR_UNKNOWN, ARGS(A_STR(call->args[1])));
}

/* A member that is null takes the number away; one that is absent leaves it. */
static int take_f64(const struct json_in *body, const char *name, double *value, struct err *err) {
    if (json_in_has(body, name)) {
        *value = (double)NAN;
    }
    return json_in_f64(body, name, value, err);
}

static int take_members(const struct json_in *body, struct indicator *row, struct err *err) {
    static const char *const MEMBERS[] = {"effect", "name", "unit", "better", "weight", "baseline",
        "baseline_from", "baseline_to", "baseline_source", "target", "target_date", "formula",
        "since", "note", NULL};
    const struct {
        const char *name;
        size_t max;
        struct str *to;
    } TEXTS[] = {{"effect", SHORT_BYTES, &row->effect}, {"name", INDICATOR_NAME_MAX, &row->name},
        {"unit", INDICATOR_UNIT_MAX, &row->unit},
        {"baseline_from", SHORT_BYTES, &row->baseline_from},
        {"baseline_to", SHORT_BYTES, &row->baseline_to},
        {"baseline_source", INDICATOR_SOURCE_MAX, &row->baseline_source},
        {"target_date", SHORT_BYTES, &row->target_date},
        {"formula", INDICATOR_FORMULA_MAX, &row->formula}, {"since", SHORT_BYTES, &row->since},
        {"note", INDICATOR_NOTE_MAX, &row->note}};
    struct str better = row->lower_is_better ? STR("lower") : STR("higher");
    int rc = json_in_only(body, MEMBERS, err);
    for (size_t i = 0; i < sizeof TEXTS / sizeof TEXTS[0] && rc >= 0; i++) {
        rc = json_in_str(body, TEXTS[i].name, TEXTS[i].max, TEXTS[i].to, err);
    }
    rc = rc < 0 ? rc : json_in_f64(body, "weight", &row->weight, err);
    rc = rc < 0 ? rc : take_f64(body, "baseline", &row->baseline, err);
    rc = rc < 0 ? rc : take_f64(body, "target", &row->target, err);
    rc = rc < 0 ? rc : json_in_str(body, "better", SHORT_BYTES, &better, err);
    row->lower_is_better = str_eq(better, STR("lower"));
    if (rc >= 0 && !row->lower_is_better && !str_eq(better, STR("higher"))) {
        return err_set(err, ERR_INVALID, MSG_PAPERS_CHOICE,
            ARGS(A_CSTR("better"), A_STR(better), A_CSTR("higher|lower")));
    }
    return rc < 0 ? rc : 0;
}

static int read_row(struct ledger_tx *tx, void *context, struct err *err) {
    struct access *access = context;
    return indicator_get(tx, access->number, &access->call->http->arena, &access->row, err);
}

static int write_row(struct ledger_tx *tx, void *context, struct err *err) {
    struct access *access = context;
    return indicator_put(
        tx, &access->row, str_of(access->call->principal.id), &access->number, err);
}

static int answer_one(struct ledger_tx *tx, void *context, struct err *err) {
    struct access *access = context;
    int status = read_row(tx, access, err);
    return status < 0 ? status : put_indicator(tx, access, &access->row, err);
}

static int put(struct call *call, bool is_new, struct err *err) {
    AUTO_JSON_IN struct json_in *body = NULL;
    struct access access = access_of(call);
    struct indicator *row = &access.row;
    row->effect = row->name = row->unit = row->baseline_from = row->baseline_to = STR_NONE;
    row->baseline_source = row->target_date = row->formula = row->since = row->note = STR_NONE;
    row->weight = 1;
    row->baseline = row->target = (double)NAN;
    int rc = is_new ? 0 : take_number(call, &access.number, err);
    rc = rc < 0 || is_new ? rc : ledger_read(plant_ledger(call->plant), read_row, &access, err);
    rc = rc < 0 ? rc : json_in_parse(call->http->request.body, &body, err);
    rc = rc < 0 ? rc : take_members(body, row, err);
    rc = rc < 0 ? rc : indicator_check(call->plant, row, &call->http->arena, err);
    rc = rc < 0 ? rc : ledger_write(plant_ledger(call->plant), write_row, &access, err);
    if (rc < 0) {
        return rc;
    }
    refresh(call);
    call_json(call, is_new ? 201 : 200, &access.json);
    return ledger_read(plant_ledger(call->plant), answer_one, &access, err);
}

int api_indicator_new(struct call *call, struct err *err) {
    return put(call, true, err);
}

int api_indicator_put(struct call *call, struct err *err) {
    return put(call, false, err);
}

static int remove_row(struct ledger_tx *tx, void *context, struct err *err) {
    struct access *access = context;
    return indicator_remove(tx, access->number, str_of(access->call->principal.id), err);
}

int api_indicator_remove(struct call *call, struct err *err) {
    struct access access = {.call = call};
    int rc = take_number(call, &access.number, err);
    rc = rc < 0 ? rc : ledger_write(plant_ledger(call->plant), remove_row, &access, err);
    if (rc >= 0) {
        call_empty(call, 204);
    }
    return rc;
}

/* ---- Months ---- */

static void put_derivation(struct json *json, struct str derivation) {
    json_key(json, "derivation");
    if (derivation.size > 0) {
        json_raw(json, derivation);
    } else {
        json_null(json);
    }
}

static int read_months(struct ledger_tx *tx, void *context, struct err *err) {
    struct access *access = context;
    struct arena *arena = &access->call->http->arena;
    int status = read_row(tx, access, err);
    if (status >= 0) {
        access->count =
            indicator_revisions(tx, access->number, arena, access->rows, REVISIONS_MAX, err);
        access->value_count =
            indicator_values(tx, access->number, arena, access->values, MONTHS_MAX, err);
        status = access->count < 0 ? access->count : access->value_count;
    }
    return status < 0 ? status : 0;
}

int api_indicator_values(struct call *call, struct err *err) {
    struct access access = access_of(call);
    access.rows = ARENA_ARRAY(&call->http->arena, struct indicator, REVISIONS_MAX);
    int rc = take_number(call, &access.number, err);
    rc = rc < 0 ? rc : ledger_read(plant_ledger(call->plant), read_months, &access, err);
    if (rc < 0) {
        return rc;
    }
    struct json *json = &access.json;
    call_json(call, 200, json);
    json_object_begin(json);
    json_key(json, "values");
    json_array_begin(json);
    for (int i = 0; i < access.value_count; i++) {
        const struct indicator_value *one = &access.values[i];
        json_object_begin(json);
        json_put_str(json, "month", one->month);
        put_number(json, "value", one->value);
        json_put_bool(json, "closed", one->closed);
        json_put_i64(json, "revision", one->revision);
        put_derivation(json, one->derivation);
        json_put_str(json, "source", one->source);
        json_put_str(json, "file", one->file);
        json_put_str(json, "actor", one->actor);
        json_put_time(json, "entered", one->entered_ns);
        json_object_end(json);
    }
    json_array_end(json);
    json_key(json, "revisions");
    json_array_begin(json);
    for (int i = 0; i < access.count; i++) {
        json_object_begin(json);
        put_definition(json, &access.rows[i]);
        json_object_end(json);
    }
    json_array_end(json);
    json_object_end(json);
    return 0;
}

static int write_value(struct ledger_tx *tx, void *context, struct err *err) {
    struct access *access = context;
    return indicator_value_type(tx, &access->value, err);
}

int api_indicator_value_put(struct call *call, struct err *err) {
    static const char *const MEMBERS[] = {"month", "value", "source", "file", NULL};
    AUTO_JSON_IN struct json_in *body = NULL;
    struct access access = {
        .call = call, .value = {.value = (double)NAN, .actor = str_of(call->principal.id)}};
    struct indicator_value *value = &access.value;
    char month[INDICATOR_MONTH_BYTES];
    value->source = value->file = value->derivation = STR_NONE;
    int rc = take_number(call, &value->number, err);
    rc = rc < 0 ? rc : json_in_parse(call->http->request.body, &body, err);
    rc = rc < 0 ? rc : json_in_only(body, MEMBERS, err);
    rc = rc < 0 ? rc : json_in_need_str(body, "month", SHORT_BYTES, &value->month, err);
    rc = rc < 0 ? rc : json_in_f64(body, "value", &value->value, err);
    rc = rc < 0 ? rc : json_in_str(body, "source", INDICATOR_SOURCE_MAX, &value->source, err);
    rc = rc < 0 ? rc : json_in_str(body, "file", SHORT_BYTES, &value->file, err);
    present_month(call, month);
    if (rc >= 0 && indicator_month_is(value->month) && str_cmp(value->month, str_of(month)) > 0) {
        return err_set(err, ERR_INVALID, MSG_INDICATOR_FUTURE, ARGS(A_STR(value->month)));
    }
    rc = rc < 0 ? rc : ledger_write(plant_ledger(call->plant), write_value, &access, err);
    if (rc >= 0) {
        call_empty(call, 204);
    }
    return rc;
}

/* ---- A formula that is tried ---- */

static int preview(struct call *call, struct str formula, struct err *err) {
    char now[INDICATOR_MONTH_BYTES];
    char month[INDICATOR_MONTH_BYTES];
    struct json json;
    present_month(call, now);
    call_json(call, 200, &json);
    json_object_begin(&json);
    json_key(&json, "months");
    json_array_begin(&json);
    int rc = 0;
    for (int back = PREVIEW_MONTHS - 1; back >= 0 && rc >= 0; back--) {
        double value = (double)NAN;
        struct str derivation = STR_NONE;
        indicator_month_before(str_of(now), back, month);
        rc = indicator_compute(
            call->plant, formula, str_of(month), &call->http->arena, &value, &derivation, err);
        json_object_begin(&json);
        json_put_str(&json, "month", str_of(month));
        put_number(&json, "value", value);
        put_derivation(&json, derivation);
        json_object_end(&json);
    }
    json_array_end(&json);
    json_object_end(&json);
    return rc < 0 ? rc : 0;
}

int api_indicator_preview(struct call *call, struct err *err) {
    static const char *const MEMBERS[] = {"formula", NULL};
    AUTO_JSON_IN struct json_in *body = NULL;
    struct indicator draft = {.formula = STR_NONE, .since = STR_NONE};
    int rc = json_in_parse(call->http->request.body, &body, err);
    rc = rc < 0 ? rc : json_in_only(body, MEMBERS, err);
    rc =
        rc < 0 ? rc : json_in_need_str(body, "formula", INDICATOR_FORMULA_MAX, &draft.formula, err);
    rc = rc < 0 ? rc : indicator_check(call->plant, &draft, &call->http->arena, err);
    rc = rc < 0 ? rc : call_long_begin(call, err);
    if (rc >= 0) {
        rc = preview(call, draft.formula, err);
        call_long_end(call);
    }
    return rc;
}
