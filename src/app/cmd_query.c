/*
 * maru query HOME TAG...: raw samples or aggregates, as CSV or JSON, streamed. A tag may hold `*`
 * for any run of characters. Ranges are [from, to); without them, everything.
 */
#include <math.h>
#include <string.h>

#include "app/query_join.h"
#include "app/query_moments.h"
#include "core/json.h"
#include "core/mem.h"
#include "core/time.h"
#include "historian/aggregate.h"
#include "plant/retention.h"

struct query {
    struct call *call;
    struct plant *plant;
    struct catalogue *catalogue;
    uint32_t *tags;
    uint32_t tag_count;
    int64_t from_ns;
    int64_t to_ns;
    int64_t every_ns;
    struct aggregates aggregates; // Count 0: raw samples.
    enum hist_interpolation interpolation;
    enum hist_fill fill;
    struct zone *own_zone; // Of --tz; NULL: output in UTC.
    bool as_json;
    bool versions;
    uint64_t left_out; // Buckets that cut what stayed of expired rows.
    struct json json;
};

/* ---- Reading the question ---- */

static bool has_tag(const struct query *q, uint32_t number) {
    for (uint32_t i = 0; i < q->tag_count; i++) {
        if (q->tags[i] == number) {
            return true;
        }
    }
    return false;
}

static int add_pattern(struct query *q, struct str pattern, struct err *err) {
    uint32_t before = q->tag_count;
    for (uint32_t i = 0; i < q->catalogue->tag_count; i++) {
        const struct tag *tag = &q->catalogue->tags[i];
        if (tag_name_fits(pattern, tag->name) && !has_tag(q, tag->number)) {
            q->tags[q->tag_count++] = tag->number;
        }
    }
    if (q->tag_count == before) {
        return err_set(err, ERR_NOT_FOUND, MSG_QUERY_NO_MATCH, ARGS(A_STR(pattern)));
    }
    return 0;
}

static int add_tag(struct query *q, struct str name, struct err *err) {
    if (str_find(name, '*') < name.size) {
        return add_pattern(q, name, err);
    }
    const struct tag *tag = catalogue_find(q->catalogue, name);
    if (tag == NULL) {
        return err_set(err, ERR_NOT_FOUND, MSG_QUERY_NO_TAG, ARGS(A_STR(name)));
    }
    if (!has_tag(q, tag->number)) {
        q->tags[q->tag_count++] = tag->number;
    }
    return 0;
}

/* --agg, --fill and --interpolate. */
static int read_aggregates(struct query *q, struct err *err) {
    const char *agg = call_value(q->call, "--agg");
    const char *fill = call_value(q->call, "--fill");
    const char *interpolate = call_value(q->call, "--interpolate");
    int status = fill != NULL ? fill_of_name(str_of(fill), &q->fill, err) : 0;
    if (status >= 0 && interpolate != NULL) {
        status = interpolation_of_name(str_of(interpolate), &q->interpolation, err);
    }
    if (status >= 0 && (agg != NULL || q->every_ns > 0)) {
        struct str list = agg != NULL ? str_of(agg) : STR("avg,min,max,count");
        status = aggregates_parse(list, &q->aggregates, err);
    }
    if (status >= 0 && fill != NULL && q->aggregates.count == 0) {
        return err_set(err, ERR_USAGE, MSG_QUERY_FILL, NO_ARGS);
    }
    return status;
}

static int read_range(struct query *q, struct err *err) {
    const struct zone *zone = q->own_zone != NULL ? q->own_zone : plant_zone(q->plant);
    int64_t now = clock_wall_ns(plant_clock(q->plant));
    const char *from = call_value(q->call, "--from");
    const char *to = call_value(q->call, "--to");
    q->from_ns = INT64_MIN;
    q->to_ns = INT64_MAX;
    int status = from != NULL ? time_parse_query(str_of(from), zone, now, &q->from_ns, err) : 0;
    if (status >= 0 && to != NULL) {
        status = time_parse_query(str_of(to), zone, now, &q->to_ns, err);
    }
    if (status >= 0 && q->from_ns > q->to_ns) {
        return err_set(err, ERR_USAGE, MSG_QUERY_RANGE, NO_ARGS);
    }
    return status;
}

static int read_form(struct query *q, struct err *err) {
    const char *format = call_value(q->call, "--format");
    q->as_json = q->call->json;
    if (format != NULL && str_eq(str_of(format), STR("json"))) {
        q->as_json = true;
    } else if (format != NULL && !str_eq(str_of(format), STR("csv"))) {
        return err_set(err, ERR_USAGE, MSG_QUERY_FORMAT, ARGS(A_CSTR(format)));
    }
    const char *tz = call_value(q->call, "--tz");
    int status = tz != NULL ? zone_load(str_of(tz), &q->own_zone, err) : 0;
    const char *every = call_value(q->call, "--every");
    if (status >= 0 && every != NULL) {
        status = duration_parse(str_of(every), &q->every_ns, err);
    }
    if (status >= 0) {
        status = read_aggregates(q, err);
    }
    q->versions = call_value(q->call, "--versions") != NULL;
    if (status >= 0 && q->versions && q->aggregates.count > 0) {
        return err_set(err, ERR_USAGE, MSG_QUERY_VERSIONS, NO_ARGS);
    }
    return status;
}

/* ---- Answers ---- */

static struct str tag_name(const struct query *q, uint32_t number) {
    return catalogue_tag(q->catalogue, number)->name;
}

static void put_number(struct query *q, const char *key, double value, bool whole) {
    if (q->as_json) {
        json_key(&q->json, key);
        if (isnan(value)) {
            json_null(&q->json); // Texts have no average.
        } else if (whole && fabs(value) < 9007199254740992.0) {
            json_i64(&q->json, (int64_t)value);
        } else {
            json_f64(&q->json, value);
        }
        return;
    }
    buf_put_char(&q->call->out, ',');
    if (isnan(value)) {
        return; // An empty field.
    }
    if (whole && fabs(value) < 9007199254740992.0) {
        buf_put_i64(&q->call->out, (int64_t)value);
    } else {
        buf_put_f64(&q->call->out, value);
    }
}

static void put_head(struct query *q, uint32_t tag, int64_t time_ns) {
    char time[TIME_TEXT_MAX];
    size_t size = time_format(time_ns, q->own_zone, time);
    if (q->as_json) {
        json_object_begin(&q->json);
        json_put_str(&q->json, "tag", tag_name(q, tag));
        json_put_str(&q->json, "time", (struct str){time, size});
    } else {
        buf_put_str(&q->call->out, tag_name(q, tag));
        buf_put_char(&q->call->out, ',');
        buf_put(&q->call->out, time, size);
    }
}

static int put_end(struct query *q, struct err *err) {
    if (q->as_json) {
        json_object_end(&q->json);
    } else {
        buf_put_char(&q->call->out, '\n');
    }
    return call_flush(q->call, false, err);
}

static int put_measured(
    struct query *q, uint32_t tag, const struct hist_measured *measured, struct err *err) {
    const struct hist_bucket *bucket = &measured->bucket;
    if (q->fill == HIST_FILL_NONE && !aggregates_tell(&q->aggregates, bucket)) {
        return 0;
    }
    enum value_type type = catalogue_tag(q->catalogue, tag)->type;
    bool whole_range = q->every_ns == 0 && bucket->count > 0;
    put_head(q, tag, whole_range ? bucket->first_ns : bucket->start_ns);
    for (uint32_t i = 0; i < q->aggregates.count; i++) {
        const struct aggregate *aggregate = &q->aggregates.items[i];
        put_number(q, aggregate->name, aggregate_value(aggregate, measured, type),
            aggregate_is_count(aggregate));
    }
    return put_end(q, err);
}

static int put_bucket(
    void *context, uint32_t tag, const struct hist_bucket *bucket, struct err *err) {
    if (bucket->partial) {
        struct query *q = context;
        q->left_out++; // Rows of it have expired, and what is left of them does not fit.
        return 0;
    }
    struct hist_measured measured = aggregate_bucket(bucket);
    return put_measured(context, tag, &measured, err);
}

/* Whether there is a value behind the status: a machine that did not answer said nothing, not 0. */
static bool has_value(const struct hist_rows *rows, uint32_t i) {
    uint32_t code = rows->status != NULL ? rows->status[i] : 0;
    bool lost = status_quality(code) == QUALITY_BAD && rows->f64 != NULL && isnan(rows->f64[i]);
    return status_has_value(code) && !lost;
}

static void put_csv_value(struct query *q, const struct hist_rows *rows, uint32_t i) {
    struct buf *out = &q->call->out;
    buf_put_char(out, ',');
    if (!has_value(rows, i)) {
        return;
    }
    if (rows->f64 != NULL) {
        buf_put_f64(out, rows->f64[i]);
    } else if (rows->text != NULL) {
        query_csv_text(out, rows->text[i]);
    } else if (rows->type == TYPE_BOOL) {
        buf_put_str(out, rows->i64[i] != 0 ? STR("true") : STR("false"));
    } else {
        buf_put_i64(out, rows->i64[i]);
    }
}

static void put_json_value(struct query *q, const struct hist_rows *rows, uint32_t i) {
    json_key(&q->json, "value");
    if (!has_value(rows, i)) {
        json_null(&q->json);
    } else if (rows->f64 != NULL) {
        json_f64(&q->json, rows->f64[i]);
    } else if (rows->text != NULL) {
        json_str(&q->json, rows->text[i]);
    } else if (rows->type == TYPE_BOOL) {
        json_bool(&q->json, rows->i64[i] != 0);
    } else {
        json_i64(&q->json, rows->i64[i]);
    }
}

static int put_rows(struct query *q, const struct hist_rows *rows, struct err *err) {
    for (uint32_t i = 0; i < rows->count; i++) {
        uint32_t code = rows->status != NULL ? rows->status[i] : 0;
        const char *quality = quality_name(status_quality(code));
        put_head(q, rows->tag, rows->time_ns[i]);
        if (q->as_json) {
            put_json_value(q, rows, i);
            json_put_str(&q->json, "quality", str_of(quality));
        } else {
            put_csv_value(q, rows, i);
            buf_put_char(&q->call->out, ',');
            buf_put_str(&q->call->out, str_of(quality));
        }
        int status = put_end(q, err);
        if (status < 0) {
            return status;
        }
    }
    return 0;
}

static int answer_raw(struct query *q, struct err *err) {
    for (uint32_t i = 0; i < q->tag_count; i++) {
        struct hist_scan_options options = {
            .tag = q->tags[i], .from_ns = q->from_ns, .to_ns = q->to_ns, .versions = q->versions};
        struct hist_scan *scan = NULL;
        int status = hist_scan_open(plant_historian(q->plant), &options, &scan, err);
        struct hist_rows rows;
        while (status >= 0 && (status = hist_scan_next(scan, &rows, err)) > 0) {
            status = put_rows(q, &rows, err);
        }
        hist_scan_close(scan);
        if (status < 0) {
            return status;
        }
    }
    return 0;
}

static int answer_buckets(struct query *q, struct err *err) {
    struct hist_bucket_query question = {.tags = q->tags,
        .tag_count = q->tag_count,
        .from_ns = q->from_ns,
        .to_ns = q->to_ns,
        .every_ns = q->every_ns,
        .zone = q->own_zone != NULL ? q->own_zone : plant_zone(q->plant)};
    return hist_buckets(plant_historian(q->plant), &question, put_bucket, q, err);
}

/* What needs rows, or is to be filled. */
static int answer_measures(struct query *q, struct err *err) {
    double *counter_max = MEM_ARRAY(double, q->tag_count + 1);
    for (uint32_t i = 0; i < q->tag_count; i++) {
        counter_max[i] = refine_counter_max(catalogue_tag(q->catalogue, q->tags[i]));
    }
    struct hist_measure_query question = {.tags = q->tags,
        .tag_count = q->tag_count,
        .counter_max = counter_max,
        .from_ns = q->from_ns,
        .to_ns = q->to_ns,
        .every_ns = q->every_ns,
        .zone = q->own_zone != NULL ? q->own_zone : plant_zone(q->plant),
        .what = q->aggregates.what,
        .interpolation = q->interpolation,
        .fill = q->fill,
        .percentile_count = q->aggregates.percentile_count,
        .parallel = true};
    memcpy(question.percentiles, q->aggregates.percentiles, sizeof question.percentiles);
    struct hist_measure *measure = NULL;
    struct hist_measured measured;
    uint32_t tag = 0;
    int status = hist_measure_open(plant_historian(q->plant), &question, &measure, err);
    while (status >= 0 && (status = hist_measure_next(measure, &tag, &measured, err)) > 0) {
        status = put_measured(q, tag, &measured, err);
    }
    hist_measure_close(measure);
    mem_free(counter_max);
    return status;
}

static void put_header(struct query *q) {
    if (q->as_json) {
        json_init(&q->json, &q->call->out);
        json_object_begin(&q->json);
        json_key(&q->json, "items");
        json_array_begin(&q->json);
        return;
    }
    struct buf *out = &q->call->out;
    buf_put_str(out, q->aggregates.count == 0 ? STR("tag,time,value,quality") : STR("tag,time"));
    for (uint32_t i = 0; i < q->aggregates.count; i++) {
        buf_put_char(out, ',');
        buf_put_str(out, str_of(q->aggregates.items[i].name));
    }
    buf_put_char(out, '\n');
}

static void put_expired(struct query *q, uint32_t tag, const struct hist_horizon *horizon) {
    char time[TIME_TEXT_MAX];
    size_t size = time_format(horizon->raw_ns, q->own_zone, time);
    json_object_begin(&q->json);
    json_put_str(&q->json, "tag", tag_name(q, tag));
    json_put_str(&q->json, "raw_from", (struct str){time, size});
    if (horizon->rollup_ns < horizon->raw_ns) {
        size = time_format(horizon->rollup_ns, q->own_zone, time);
        json_put_str(&q->json, "rollup_from", (struct str){time, size});
    } else {
        json_put_null(&q->json, "rollup_from");
    }
    json_object_end(&q->json);
}

/* What of the range has expired: a line of words for each tag, and in JSON the member "expired". */
static void tell_expired(struct query *q, int64_t from_ns, bool in_json) {
    bool begun = false;
    for (uint32_t i = 0; i < q->tag_count; i++) {
        struct hist_horizon horizon;
        if (!retention_gap(q->plant, q->tags[i], from_ns, q->to_ns, &horizon)) {
            continue;
        }
        struct err words = ERR_INIT;
        retention_gap_words(&horizon, tag_name(q, q->tags[i]), q->own_zone, &words);
        call_say_err(q->call, &words);
        if (in_json && !begun) {
            json_key(&q->json, "expired");
            json_array_begin(&q->json);
            begun = true;
        }
        if (in_json) {
            put_expired(q, q->tags[i], &horizon);
        }
    }
    if (begun) {
        json_array_end(&q->json);
    }
    if (q->left_out > 0) {
        call_say(q->call, MSG_QUERY_LEFT_OUT, ARGS(A_INT(q->left_out)));
    }
}

static void put_footer(struct query *q) {
    if (q->as_json) {
        json_array_end(&q->json);
    }
    tell_expired(q, q->from_ns, q->as_json);
    if (q->as_json) {
        json_object_end(&q->json);
        buf_put_char(&q->call->out, '\n');
    }
}

static int read_question(struct query *q, struct err *err) {
    int status = call_plant(q->call, &q->plant, err);
    if (status < 0 || (status = call_usage(read_form(q, err), err)) < 0 ||
        (status = call_usage(read_range(q, err), err)) < 0) {
        return status;
    }
    q->catalogue = plant_catalogue(q->plant);
    q->tags = MEM_ARRAY(uint32_t, q->catalogue->tag_count + 1);
    for (uint32_t i = 0; i < q->call->positional_count && status >= 0; i++) {
        status = add_tag(q, str_of(q->call->positionals[i]), err);
    }
    return status;
}

static int answer_join(const struct query *q, struct err *err) {
    struct join_question question = {.call = q->call,
        .plant = q->plant,
        .catalogue = q->catalogue,
        .tags = q->tags,
        .tag_count = q->tag_count,
        .from_ns = q->from_ns,
        .to_ns = q->to_ns,
        .every_ns = q->every_ns,
        .zone = q->own_zone,
        .as_json = q->as_json};
    return query_join(&question, err);
}

/* --at: the values at some moments. */
static int answer_moments(
    const struct query *q, const char *list, int64_t *ret_first_ns, struct err *err) {
    struct moment_question question = {.call = q->call,
        .plant = q->plant,
        .catalogue = q->catalogue,
        .tags = q->tags,
        .tag_count = q->tag_count,
        .list = str_of(list),
        .interpolation = q->interpolation,
        .zone = q->own_zone,
        .as_json = q->as_json};
    return query_moments(&question, ret_first_ns, err);
}

static int answer(struct query *q, struct err *err) {
    const char *moments = call_value(q->call, "--at");
    if (call_value(q->call, "--join") != NULL) {
        int joined = answer_join(q, err);
        tell_expired(q, q->from_ns, false);
        return joined;
    }
    if (moments != NULL) {
        int64_t first_ns = INT64_MAX;
        int told = answer_moments(q, moments, &first_ns, err);
        tell_expired(q, first_ns, false);
        return told;
    }
    put_header(q);
    bool measured = q->aggregates.what != 0 || q->fill != HIST_FILL_NONE;
    int status = measured                  ? answer_measures(q, err)
                 : q->aggregates.count > 0 ? answer_buckets(q, err)
                                           : answer_raw(q, err);
    if (status >= 0) {
        put_footer(q);
    }
    return status;
}

int cmd_query(struct call *call, struct err *err) {
    struct query q = {.call = call};
    int status = read_question(&q, err);
    if (status >= 0) {
        status = answer(&q, err);
    }
    catalogue_unref(q.catalogue);
    zone_free(q.own_zone);
    mem_free(q.tags);
    return status < 0 ? status : EXIT_DONE;
}
