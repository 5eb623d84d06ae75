/*
 * Where data stops, in three questions: how much came a minute and from whom, of which tags the
 * rules marked or left out most, and what was refused in which words. In memory since the start
 * (plant/journal.h); samples that were marked stand in the history with their reason.
 */
#include "serve/call.h"

#include <stdlib.h>

#include "plant/journal.h"
#include "serve/view.h"

enum { POINTS = 120, MINUTES_DEFAULT = 60, TAGS_DEFAULT = 50, TAGS_MAX = 1000 };

/* ---- Minutes ---- */

struct series {
    struct journal_minute minutes[JOURNAL_MINUTES];
    uint32_t count;
    uint32_t step; // Minutes of a point.
};

static uint64_t sum_of(const struct series *series, uint32_t from, size_t field) {
    uint64_t sum = 0;
    for (uint32_t i = from; i < from + series->step && i < series->count; i++) {
        const uint8_t *minute = (const uint8_t *)&series->minutes[i];
        sum += *(const uint32_t *)(const void *)(minute + field);
    }
    return sum;
}

static void put_series(
    struct json *json, const char *key, const struct series *series, size_t field) {
    json_key(json, key);
    json_array_begin(json);
    for (uint32_t i = 0; i < series->count; i += series->step) {
        json_i64(json, (int64_t)sum_of(series, i, field));
    }
    json_array_end(json);
}

static void put_sources(struct json *json, struct call *call, struct series *series) {
    AUTO_CATALOGUE struct catalogue *catalogue = plant_catalogue(call->plant);
    json_key(json, "sources");
    json_array_begin(json);
    for (uint32_t i = 0; i < catalogue->device_count; i++) {
        const struct device *device = &catalogue->devices[i];
        int64_t from_ns = 0;
        journal_minutes(
            plant_journal(call->plant), device->number, series->count, series->minutes, &from_ns);
        json_object_begin(json);
        json_put_str(json, "id", device->id);
        put_series(json, "in", series, offsetof(struct journal_minute, in));
        json_object_end(json);
    }
    json_array_end(json);
}

int api_flow_history(struct call *call, struct err *err) {
    uint64_t minutes = MINUTES_DEFAULT;
    int rc = call_param_count(call, "minutes", JOURNAL_MINUTES, &minutes, err);
    if (rc < 0) {
        return rc;
    }
    minutes = minutes > 0 ? minutes : 1;
    struct series *series = ARENA_ARRAY(&call->http->arena, struct series, 1);
    series->step = (uint32_t)(minutes + POINTS - 1) / POINTS;
    series->count = (uint32_t)minutes / series->step * series->step; // Whole points.
    int64_t from_ns = 0;
    struct journal *journal = plant_journal(call->plant);
    journal_minutes(journal, 0, series->count, series->minutes, &from_ns);
    struct json json;
    call_json(call, 200, &json);
    json_object_begin(&json);
    json_put_time(&json, "from", from_ns);
    json_put_i64(&json, "step_s", (int64_t)series->step * 60);
    json_put_i64(&json, "known_minutes", journal_age(journal));
    put_series(&json, "in", series, offsetof(struct journal_minute, in));
    put_series(&json, "kept", series, offsetof(struct journal_minute, kept));
    put_series(&json, "omitted", series, offsetof(struct journal_minute, omitted));
    put_series(&json, "refused", series, offsetof(struct journal_minute, refused));
    put_sources(&json, call, series);
    json_object_end(&json);
    return 0;
}

/* ---- Tags ---- */

struct tag_flow {
    const struct tag *tag;
    struct stage_counts counts;
};

static int most_marked(const void *left, const void *right) {
    const struct tag_flow *a = left;
    const struct tag_flow *b = right;
    if (a->counts.marked != b->counts.marked) {
        return a->counts.marked > b->counts.marked ? -1 : 1;
    }
    if (a->counts.omitted != b->counts.omitted) {
        return a->counts.omitted > b->counts.omitted ? -1 : 1;
    }
    return a->tag->number < b->tag->number ? -1 : 1;
}

static void put_tag(struct json *json, const struct call *call, const struct tag_flow *flow) {
    struct live_value value = {0};
    struct view_moment moment = {.now_ns = call->now_ns, .lang = call->lang};
    bool known = live_read(plant_live(call->plant), flow->tag->number, &value);
    json_object_begin(json);
    json_key(json, "tag");
    view_tag(json, flow->tag, known ? &value : NULL, &moment);
    json_put_i64(json, "in", (int64_t)flow->counts.in);
    json_put_i64(json, "changed", (int64_t)flow->counts.changed);
    json_put_i64(json, "marked", (int64_t)flow->counts.marked);
    json_put_i64(json, "omitted", (int64_t)flow->counts.omitted);
    json_put_i64(json, "made", (int64_t)flow->counts.made);
    json_object_end(json);
}

int api_flow_tags(struct call *call, struct err *err) {
    uint64_t limit = TAGS_DEFAULT;
    int rc = call_param_count(call, "limit", TAGS_MAX, &limit, err);
    if (rc < 0) {
        return rc;
    }
    AUTO_CATALOGUE struct catalogue *catalogue = plant_catalogue(call->plant);
    AUTO_FREE struct tag_flow *flows = MEM_ARRAY(struct tag_flow, catalogue->tag_count + 1);
    uint32_t count = 0;
    for (uint32_t i = 0; i < catalogue->tag_count; i++) {
        struct tag_flow *flow = &flows[count];
        flow->tag = &catalogue->tags[i];
        refine_tag_counts(plant_refine(call->plant), flow->tag->number, &flow->counts);
        count += flow->counts.marked > 0 || flow->counts.omitted > 0;
    }
    qsort(flows, count, sizeof *flows, most_marked);
    struct json json;
    call_json(call, 200, &json);
    json_object_begin(&json);
    json_put_i64(&json, "found", count);
    json_key(&json, "items");
    json_array_begin(&json);
    for (uint32_t i = 0; i < count && i < limit; i++) {
        put_tag(&json, call, &flows[i]);
    }
    json_array_end(&json);
    json_object_end(&json);
    return 0;
}

/* ---- Refusals ---- */

static const struct device *device_of(const struct catalogue *catalogue, uint32_t number) {
    for (uint32_t i = 0; i < catalogue->device_count && number > 0; i++) {
        if (catalogue->devices[i].number == number) {
            return &catalogue->devices[i];
        }
    }
    return NULL;
}

int api_flow_refused(struct call *call, struct err *err) {
    (void)err;
    AUTO_CATALOGUE struct catalogue *catalogue = plant_catalogue(call->plant);
    struct journal_refusal *refusals =
        ARENA_ARRAY(&call->http->arena, struct journal_refusal, JOURNAL_REFUSALS);
    uint32_t count = journal_refusals(plant_journal(call->plant), refusals, JOURNAL_REFUSALS);
    struct json json;
    call_json(call, 200, &json);
    json_object_begin(&json);
    json_key(&json, "items");
    json_array_begin(&json);
    for (uint32_t i = 0; i < count; i++) {
        const struct device *device = device_of(catalogue, refusals[i].source);
        json_object_begin(&json);
        json_put_time(&json, "time", refusals[i].time_ns);
        json_put_str(
            &json, "door", refusals[i].door == JOURNAL_DEVICE ? STR("device") : STR("sender"));
        json_key(&json, "device");
        if (device != NULL) {
            json_str(&json, device->id);
        } else {
            json_null(&json);
        }
        json_put_i64(&json, "rows", refusals[i].rows);
        view_put_error(&json, "words", &refusals[i].what, call->lang);
        json_object_end(&json);
    }
    json_array_end(&json);
    json_object_end(&json);
    return 0;
}
