/*
 * What a range of a tag holds in a few figures: how many values, how many of them bad, the least,
 * the average, the greatest, the first and the last. One bucket over the whole range, which the
 * historian answers from roll-ups and block statistics where it can: a year of seconds costs what a
 * chart of it does. Text has a count only.
 */
#include "serve/call.h"

#include <math.h>

#include "serve/server.h"
#include "serve/view.h"

enum { SUMMARY_TAGS_MAX = 64 };
#define RANGE_DEFAULT_NS (3600 * NS_PER_S)

static int take_bucket(
    void *context, uint32_t tag, const struct hist_bucket *bucket, struct err *err) {
    (void)tag;
    (void)err;
    struct hist_bucket *kept = context;
    *kept = *bucket;
    return 0;
}

static void put_figures(struct json *json, const struct hist_bucket *bucket, bool is_text) {
    bool numbers = bucket->count > 0 && !is_text;
    double nothing = (double)NAN;
    view_put_optional(json, "min", numbers ? bucket->min : nothing);
    view_put_optional(
        json, "avg", numbers ? (bucket->sum + bucket->sum_low) / (double)bucket->count : nothing);
    view_put_optional(json, "max", numbers ? bucket->max : nothing);
    view_put_optional(json, "first", numbers ? bucket->first : nothing);
    view_put_optional(json, "last", numbers ? bucket->last : nothing);
    if (bucket->count > 0) {
        json_put_time(json, "first_time", bucket->first_ns);
        json_put_time(json, "last_time", bucket->last_ns);
    } else {
        json_put_null(json, "first_time");
        json_put_null(json, "last_time");
    }
}

static int put_tag(struct call *call, struct json *json, const struct tag *tag,
    struct hist_bucket_query query, struct err *err) {
    struct hist_bucket bucket = {.count = 0};
    query.tags = &tag->number;
    query.tag_count = 1;
    int rc = query.to_ns <= query.from_ns
                 ? 0
                 : hist_buckets(plant_historian(call->plant), &query, take_bucket, &bucket, err);
    if (rc < 0) {
        return rc;
    }
    json_object_begin(json);
    json_put_str(json, "tag", tag->name);
    json_put_str(json, "unit", tag->unit);
    json_put_i64(json, "count", (int64_t)bucket.count);
    json_put_i64(json, "bad", (int64_t)bucket.bad_count);
    json_put_bool(json, "partial", bucket.partial);
    put_figures(json, &bucket, tag->type == TYPE_TEXT);
    json_object_end(json);
    return 0;
}

static int put_tags(struct call *call, struct json *json, const struct catalogue *catalogue,
    struct hist_bucket_query query, struct err *err) {
    uint32_t count = 0;
    for (uint32_t i = 0; i < call->query.count; i++) {
        struct str name = call->query.params[i].value;
        if (!str_eq(call->query.params[i].name, STR("tag"))) {
            continue;
        }
        const struct tag *tag = catalogue_find(catalogue, name);
        if (!tag) {
            return err_set(err, ERR_NOT_FOUND, MSG_SERVE_TAG_UNKNOWN, ARGS(A_STR(name)));
        }
        if (count++ == SUMMARY_TAGS_MAX) {
            return err_set(err, ERR_LIMIT, MSG_SERVE_SERIES_TAGS, ARGS(A_INT(SUMMARY_TAGS_MAX)));
        }
        int rc = put_tag(call, json, tag, query, err);
        if (rc < 0) {
            return rc;
        }
    }
    return 0;
}

int api_summary(struct call *call, struct err *err) {
    AUTO_CATALOGUE struct catalogue *catalogue = plant_catalogue(call->plant);
    const struct zone *zone = plant_zone(call->plant);
    struct hist_bucket_query query = {.zone = zone, .to_ns = call->now_ns};
    int rc = call_param_time(call, "to", zone, &query.to_ns, err);
    query.from_ns = query.to_ns - RANGE_DEFAULT_NS;
    rc = rc < 0 ? rc : call_param_time(call, "from", zone, &query.from_ns, err);
    if (rc < 0) {
        return rc;
    }
    struct json json;
    call_json(call, 200, &json);
    json_object_begin(&json);
    json_put_time(&json, "from", query.from_ns);
    json_put_time(&json, "to", query.to_ns);
    json_key(&json, "items");
    json_array_begin(&json);
    rc = put_tags(call, &json, catalogue, query, err);
    if (rc < 0) {
        return rc;
    }
    json_array_end(&json);
    json_object_end(&json);
    return 0;
}
