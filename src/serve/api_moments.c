/*
 * The value of each tag at each of some moments: the newest good one at or before it, with its age,
 * or a straight line to the next. For whoever compares what stood when: before and after a change,
 * at the ends of a shift, at the times of a paper record.
 */
#include "serve/call.h"

#include <math.h>
#include <string.h>

#include "historian/aggregate.h"
#include "serve/samples.h"
#include "serve/server.h"
#include "serve/sight.h"
#include "serve/view.h"

struct moments {
    struct json json;
    struct str name; // Of the present tag.
    int64_t from_ns; // Of it: nothing older is given.
    const struct zone *shown_zone;
};

static void put_time(struct moments *moments, const char *key, int64_t time_ns) {
    char text[TIME_TEXT_MAX];
    size_t size = time_format(time_ns, moments->shown_zone, text);
    json_put_str(&moments->json, key, (struct str){text, size});
}

static void put_value(struct json *json, const struct hist_moment *moment) {
    json_key(json, "value");
    switch (moment->type) {
    case TYPE_F64: json_f64(json, moment->f64); break;
    case TYPE_I64: json_i64(json, moment->i64); break;
    case TYPE_BOOL: json_bool(json, moment->i64 != 0); break;
    case TYPE_TEXT: json_str(json, moment->text); break;
    }
}

static int put_moment(
    void *context, uint32_t tag, const struct hist_moment *moment, struct err *err) {
    (void)tag; // Asked one tag at a time.
    (void)err;
    struct moments *moments = context;
    struct json *json = &moments->json;
    json_object_begin(json);
    json_put_str(json, "tag", moments->name);
    put_time(moments, "time", moment->time_ns);
    bool given = moment->time_ns >= moments->from_ns;
    if (given && moment->has_value) {
        put_value(json, moment);
        json_put_str(json, "quality", str_of(quality_name(status_quality(moment->status))));
        json_put_i64(json, "status", moment->status);
        put_time(moments, "value_time", moment->value_ns);
        json_put_i64(json, "age_ms", (moment->time_ns - moment->value_ns) / NS_PER_MS);
    } else {
        json_put_null(json, "value");
        json_put_null(json, "quality");
        json_put_null(json, "status");
        json_put_null(json, "value_time");
        json_put_null(json, "age_ms");
    }
    json_put_bool(json, "interpolated", given && moment->interpolated);
    json_put_bool(json, "interrupted", given && moment->interrupted);
    json_object_end(json);
    return 0;
}

static int read_times(const struct call *call, int64_t *times_ns, uint32_t *ret_count) {
    const struct zone *zone = plant_zone(call->plant);
    *ret_count = 0;
    for (uint32_t i = 0; i < call->query.count; i++) {
        const struct query_param *param = &call->query.params[i];
        char meant[QUERY_TIME_MAX];
        if (!str_eq(param->name, STR("time"))) {
            continue;
        }
        int rc = time_parse_query(query_time(param->value, meant), zone, call->now_ns,
            &times_ns[*ret_count], NULL); // The words were given when the form was checked.
        if (rc < 0) {
            return rc;
        }
        ++*ret_count;
    }
    return 0;
}

static int put_tags(struct call *call, struct moments *moments, const struct call_tags *tags,
    struct hist_moment_query *query, struct err *err) {
    for (uint32_t i = 0; i < call->query.count; i++) {
        const struct query_param *param = &call->query.params[i];
        if (!str_eq(param->name, STR("tag"))) {
            continue;
        }
        struct seen_tag seen;
        int rc = call_tags_find(tags, param->value, &seen, err);
        rc = rc < 0 ? rc : seen_tag_need_values(&seen, err);
        if (rc < 0) {
            return rc;
        }
        moments->name = seen.name;
        moments->from_ns = seen.from_ns;
        query->tags = &seen.tag->number;
        query->tag_count = 1;
        rc = hist_moments(plant_historian(call->plant), query, put_moment, moments, err);
        if (rc < 0) {
            return rc;
        }
    }
    return 0;
}

/* A moment before the oldest raw values has no answer, or one that may not be the last. */
static void put_expired(struct call *call, struct moments *moments, const struct call_tags *tags,
    const struct hist_moment_query *query) {
    struct samples_expired expired = {
        .json = &moments->json, .zone = moments->shown_zone, .lang = call->lang};
    int64_t from_ns = INT64_MAX;
    for (uint32_t i = 0; i < query->time_count; i++) {
        from_ns = query->times_ns[i] < from_ns ? query->times_ns[i] : from_ns;
    }
    for (uint32_t i = 0; i < call->query.count; i++) {
        const struct query_param *param = &call->query.params[i];
        struct seen_tag seen;
        struct hist_horizon horizon;
        if (!tags->sight && str_eq(param->name, STR("tag")) &&
            call_tags_find(tags, param->value, &seen, NULL) >= 0 &&
            retention_gap(call->plant, seen.tag->number,
                from_ns > seen.from_ns ? from_ns : seen.from_ns, INT64_MAX, &horizon)) {
            samples_expired_put(&expired, seen.name, &horizon);
        }
    }
    samples_expired_end(&expired);
}

int api_moments(struct call *call, struct err *err) {
    AUTO_CALL_TAGS struct call_tags tags = {0};
    int64_t times_ns[QUERY_PARAMS_MAX];
    struct hist_moment_query query = {.times_ns = times_ns};
    struct zone *own_zone = NULL;
    struct str word = STR_NONE;
    int rc = call_tags_open(call, &tags, err);
    rc = rc < 0 ? rc : read_times(call, times_ns, &query.time_count);
    if (rc >= 0 && call_param(call, "interpolate", &word)) {
        rc = interpolation_of_name(word, &query.interpolation, err);
    }
    if (rc >= 0 && call_param(call, "tz", &word)) {
        rc = zone_load(word, &own_zone, err);
    }
    if (rc >= 0) {
        struct moments moments = {.shown_zone = own_zone};
        call_json(call, 200, &moments.json);
        json_object_begin(&moments.json);
        json_key(&moments.json, "items");
        json_array_begin(&moments.json);
        rc = put_tags(call, &moments, &tags, &query, err);
        json_array_end(&moments.json);
        put_expired(call, &moments, &tags, &query);
        json_object_end(&moments.json);
    }
    zone_free(own_zone);
    return rc;
}
