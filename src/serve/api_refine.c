/*
 * Refine rules for forms, and their preview.
 *
 * The preview reads a tag's recent history, runs candidate rules over it in a refine of its own,
 * and tells for each row what came, what would be shown, with which status, whether it would be
 * stored, and which stages did something. Nothing is stored and nothing of the plant's own refine
 * is touched.
 *
 * What came is read from the companion with raw values where the tag keeps them; else from the tag
 * itself, with its present scale and unit undone and the marks of checks taken away (a check marks
 * good samples only, so they were good before). PREVIEW_ROWS newest rows are enough to judge a
 * rule, and keep an answer under a megabyte.
 */
#include <math.h>

#include "core/check.h"
#include "core/json_in.h"
#include "core/limits.h"
#include "core/mem.h"
#include "serve/api_tags.h"
#include "serve/call.h"
#include "serve/view.h"

enum {
    PREVIEW_ROWS = 5000,
    PREVIEW_TEXT_BYTES = 512 * 1024,
    PREVIEW_HOURS = 24,
    PREVIEW_HOURS_MAX = 24 * 366,
};

/* ---- The rules ---- */

static void put_rules(struct json *json, enum lang lang) {
    json_key(json, "rules");
    json_array_begin(json);
    const struct refine_rule *rule = NULL;
    for (uint32_t i = 0; (rule = refine_rule(i)) != NULL; i++) {
        json_object_begin(json);
        json_put_str(json, "name", str_of(rule->name));
        json_put_str(json, "kind", str_of(rule->kind));
        json_put_f64(json, "min", rule->min);
        json_put_f64(json, "max", rule->max);
        json_put_str(json, "help", str_of(rule->help[lang == LANG_EN ? LANG_EN : LANG_KO]));
        json_object_end(json);
    }
    json_array_end(json);
}

int api_refine_rules(struct call *call, struct err *err) {
    (void)err;
    struct json json;
    call_json(call, 200, &json);
    json_object_begin(&json);
    put_rules(&json, call->lang);
    json_key(&json, "stages");
    json_array_begin(&json);
    for (int i = 0; i < STAGE_COUNT; i++) {
        json_object_begin(&json);
        json_put_str(&json, "id", str_of(refine_stage_name((enum refine_stage)i)));
        json_put_str(&json, "words", str_of(refine_stage_words((enum refine_stage)i, call->lang)));
        json_object_end(&json);
    }
    json_array_end(&json);
    json_object_end(&json);
    return 0;
}

/* ---- The preview ---- */

/* The newest rows that were read, as a ring. */
struct recent {
    struct batch *batch;
    const struct tag *present;
    bool is_raw;
    uint32_t next; // Where the next row goes when the ring is full.
    bool is_cut;   // Older rows were left out.
};

/* Marks that checks of refine give: before them the sample was good. */
static bool is_check_mark(uint32_t status) {
    uint32_t code = status & 0xFFFF0000u;
    return code == (uint32_t)STATUS_UNCERTAIN ||
           code == (uint32_t)STATUS_UNCERTAIN_SENSOR_NOT_ACCURATE ||
           code == (uint32_t)STATUS_UNCERTAIN_ENGINEERING_UNITS_EXCEEDED;
}

static struct sample row_of(const struct hist_rows *rows, uint32_t index) {
    struct sample row = {.time_ns = rows->time_ns[index],
        .type = (uint8_t)rows->type,
        .status = rows->status != NULL ? rows->status[index] : 0};
    if (rows->f64 != NULL) {
        row.value.f64 = rows->f64[index];
    } else if (rows->i64 != NULL) {
        row.value.i64 = rows->i64[index];
    }
    return row;
}

static void take_row(struct recent *recent, const struct hist_rows *rows, uint32_t index) {
    struct sample row = row_of(rows, index);
    struct batch *batch = recent->batch;
    if (row.status == (uint32_t)STATUS_BAD_NO_DATA) {
        return; // A gap's mark: the rules make their own.
    }
    if (!recent->is_raw) {
        (void)refine_undo(recent->present, &row); // Without scale and unit it is raw already.
        row.status = is_check_mark(row.status) ? 0 : row.status;
    }
    if (row.type == TYPE_TEXT) {
        if (!batch_add_text(batch, 0, row.time_ns, rows->text[index])) {
            recent->is_cut = true; // Full: from here on anew, so that the newest are there.
            batch_clear(batch);
            batch->source = 1;
            CHECK(batch_add_text(batch, 0, row.time_ns, rows->text[index]));
        }
        batch->rows[batch->count - 1].status = row.status;
    } else if (batch->count < PREVIEW_ROWS) {
        *batch_add(batch) = row;
    } else {
        batch->rows[recent->next] = row;
        recent->next = (recent->next + 1) % PREVIEW_ROWS;
        recent->is_cut = true;
    }
}

/* Turns the ring so that the oldest row stands first. */
static void turn(struct recent *recent, struct arena *arena) {
    struct batch *batch = recent->batch;
    if (recent->next == 0) {
        return;
    }
    struct sample *rows = ARENA_ARRAY(arena, struct sample, batch->count);
    for (uint32_t i = 0; i < batch->count; i++) {
        rows[i] = batch->rows[(recent->next + i) % batch->count];
    }
    for (uint32_t i = 0; i < batch->count; i++) {
        batch->rows[i] = rows[i];
    }
}

static int read_recent(
    struct call *call, uint32_t tag, int64_t from_ns, struct recent *recent, struct err *err) {
    struct hist_scan *scan = NULL;
    struct hist_scan_options options = {.tag = tag, .from_ns = from_ns, .to_ns = INT64_MAX};
    int rc = hist_scan_open(plant_historian(call->plant), &options, &scan, err);
    struct hist_rows rows;
    while (rc >= 0 && (rc = hist_scan_next(scan, &rows, err)) > 0) {
        for (uint32_t i = 0; i < rows.count; i++) {
            take_row(recent, &rows, i);
        }
    }
    hist_scan_close(scan);
    turn(recent, &call->http->arena);
    return rc;
}

/* Whether the row's value is shown as one. */
static void put_value(struct json *json, const struct batch *batch, const struct sample *row) {
    if (!view_has_value(row->status, row->type == TYPE_F64 ? row->value.f64 : 0)) {
        json_null(json);
        return;
    }
    switch (row->type) {
    case TYPE_F64: json_f64(json, row->value.f64); break;
    case TYPE_I64: json_i64(json, row->value.i64); break;
    case TYPE_BOOL: json_bool(json, row->value.i64 != 0); break;
    default: json_str(json, batch_text(batch, row)); break;
    }
}

static void put_values(struct json *json, const char *key, const struct batch *batch,
    const struct sample *rows, uint32_t count) {
    json_key(json, key);
    json_array_begin(json);
    for (uint32_t i = 0; i < count; i++) {
        put_value(json, batch, &rows[i]);
    }
    json_array_end(json);
}

static void put_columns(struct json *json, const struct batch *batch, uint32_t count,
    const struct refine_preview *preview) {
    json_key(json, "t");
    json_array_begin(json);
    for (uint32_t i = 0; i < count; i++) {
        json_i64(json, view_ms(batch->rows[i].time_ns));
    }
    json_array_end(json);
    put_values(json, "v", batch, batch->rows, count);
    json_key(json, "status");
    json_array_begin(json);
    for (uint32_t i = 0; i < count; i++) {
        json_i64(json, batch->rows[i].status);
    }
    json_array_end(json);
    json_key(json, "stored");
    json_array_begin(json);
    for (uint32_t i = 0; i < count; i++) {
        json_bool(json, (batch->rows[i].flags & SAMPLE_DROP) == 0);
    }
    json_array_end(json);
    json_key(json, "effects");
    json_array_begin(json);
    for (uint32_t i = 0; i < count; i++) {
        json_i64(json, preview->effects[i]);
    }
    json_array_end(json);
}

static void put_stages(struct json *json, const struct refine_preview *preview, enum lang lang) {
    json_key(json, "stages");
    json_array_begin(json);
    for (int i = 0; i < STAGE_COUNT; i++) {
        view_stage(json, (enum refine_stage)i, &preview->stages[i], lang);
    }
    json_array_end(json);
}

static void put_made(struct json *json, const struct batch *batch, uint32_t from,
    const struct refine_preview *preview) {
    json_key(json, "made");
    json_array_begin(json);
    for (uint32_t i = from; i < batch->count; i++) {
        const struct sample *row = &batch->rows[i];
        json_object_begin(json);
        json_put_str(json, "tag", preview->catalogue->tags[row->tag - 1].name);
        json_put_i64(json, "t", view_ms(row->time_ns));
        json_key(json, "v");
        put_value(json, batch, row);
        json_put_i64(json, "status", row->status);
        json_object_end(json);
    }
    json_array_end(json);
}

static int answer_preview(struct call *call, const struct tag *candidate,
    const struct device *device, const struct recent *recent, struct err *err) {
    struct batch *batch = recent->batch;
    uint32_t count = batch->count;
    struct arena *arena = &call->http->arena;
    struct sample *before = ARENA_ARRAY(arena, struct sample, count > 0 ? count : 1);
    for (uint32_t i = 0; i < count; i++) {
        before[i] = batch->rows[i];
    }
    struct refine_preview preview;
    int rc = refine_preview(candidate, device, batch, arena, &preview, err);
    if (rc < 0) {
        return rc;
    }
    struct json json;
    call_json(call, 200, &json);
    json_object_begin(&json);
    json_put_str(&json, "tag", candidate->name);
    json_put_str(&json, "from", recent->is_raw ? STR("raw") : STR("stored"));
    json_put_bool(&json, "cut", recent->is_cut);
    put_values(&json, "raw", batch, before, count);
    put_columns(&json, batch, count, &preview);
    put_stages(&json, &preview, call->lang);
    put_made(&json, batch, count, &preview);
    json_object_end(&json);
    catalogue_unref(preview.catalogue);
    return 0;
}

/* The candidate: the tag as it is, changed by what the body says. */
static int read_candidate(
    const struct json_in *body, struct tag *tag, int64_t *ret_hours, struct err *err) {
    enum value_type type = tag->type;
    *ret_hours = PREVIEW_HOURS;
    int rc = json_in_i64(body, "hours", ret_hours, err);
    if (rc >= 0 && (*ret_hours < 1 || *ret_hours > PREVIEW_HOURS_MAX)) {
        rc = err_set(err, ERR_RANGE, MSG_SERVE_PREVIEW_HOURS,
            ARGS(A_INT(*ret_hours), A_INT(PREVIEW_HOURS_MAX)));
    }
    rc = rc < 0 ? rc : tag_read(body, tag, err);
    if (rc >= 0 && tag->type != type) {
        return err_set(err, ERR_CONFLICT, MSG_SERVE_TAG_TYPE, ARGS(A_STR(tag->name)));
    }
    return rc;
}

int api_tag_preview(struct call *call, struct err *err) {
    static const char *const MEMBERS[] = {"hours", "unit", "kind", "scale", "offset", "min", "max",
        "dead_band", "refine", "keep_raw", NULL};
    AUTO_CATALOGUE struct catalogue *catalogue = plant_catalogue(call->plant);
    AUTO_JSON_IN struct json_in *body = NULL;
    const struct tag *present = catalogue_find(catalogue, call->args[1]);
    if (!present) {
        return err_set(err, ERR_NOT_FOUND, MSG_SERVE_TAG_UNKNOWN, ARGS(A_STR(call->args[1])));
    }
    int rc = json_in_parse(call->http->request.body, &body, err);
    rc = rc < 0 ? rc : json_in_only(body, MEMBERS, err);
    struct tag candidate = *present;
    int64_t hours = 0;
    rc = rc < 0 ? rc : read_candidate(body, &candidate, &hours, err);
    if (rc < 0) {
        return rc;
    }
    rc = call_long_begin(call, err); // A year of rows is read.
    if (rc < 0) {
        return rc;
    }
    AUTO_BATCH struct batch *batch = batch_new(PREVIEW_ROWS, PREVIEW_TEXT_BYTES);
    batch->source = 1; // As if a device sent it.
    struct recent recent = {.batch = batch, .present = present};
    int64_t from_ns = call->now_ns - hours * 3600 * NS_PER_S;
    const struct tag *raw = present->keep_raw ? refine_raw_tag(catalogue, present) : NULL;
    if (raw != NULL) {
        recent.is_raw = true;
        rc = read_recent(call, raw->number, from_ns, &recent, err);
    }
    if (rc >= 0 && batch->count == 0) {
        recent.is_raw = false;
        rc = read_recent(call, present->number, from_ns, &recent, err);
    }
    call_long_end(call);
    const struct device *device = catalogue_device(catalogue, candidate.device);
    return rc < 0 ? rc : answer_preview(call, &candidate, device, &recent, err);
}
