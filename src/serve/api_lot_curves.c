/*
 * The curves of a lot: what the machines told while it was made. Its runs say when which machine
 * worked on it, pauses left out; the machine's tags are those whose name has the equipment's id
 * among its parts. Figures are of all runs together; points are as fine as a chart needs them, from
 * the same buckets, so that a lot that took a week costs what one of an hour does.
 */
#include <math.h>

#include "production/lots.h"
#include "serve/call.h"
#include "serve/server.h"
#include "serve/view.h"

enum { CURVES_MAX = 64, POINTS = 300 };

struct curves {
    struct call *call;
    struct json json;
    struct lot_run *runs;
    int run_count;
    int64_t every_ns;
    struct hist_bucket all; // Of the present tag: count, bad_count, min, max, sum.
};

static int read_runs(struct ledger_tx *tx, void *context, struct err *err) {
    struct curves *curves = context;
    int64_t lot = 0;
    int rc = lot_find(tx, curves->call->args[1], &lot, err);
    if (rc >= 0) {
        curves->runs = ARENA_ARRAY(&curves->call->http->arena, struct lot_run, LOT_RUNS_MAX);
        rc = lot_runs(tx, lot, &curves->call->http->arena, curves->runs, err);
        curves->run_count = rc < 0 ? 0 : rc;
    }
    return rc < 0 ? rc : 0;
}

static struct str asset_id(const struct catalogue *catalogue, int64_t number) {
    for (uint32_t i = 0; i < catalogue->asset_count; i++) {
        if (catalogue->assets[i].number == (uint32_t)number) {
            return catalogue->assets[i].id;
        }
    }
    return STR_NONE;
}

/* The id is one of the parts of the name before its last: line1.press1.temp. */
static bool is_of(const struct tag *tag, struct str id) {
    struct str rest = tag->name;
    while (id.size > 0 && rest.data != NULL) {
        struct str part = str_cut(&rest, '.');
        if (rest.data != NULL && str_eq(part, id)) {
            return true;
        }
    }
    return false;
}

static bool has_curve(const struct tag *tag) {
    return (tag->type == TYPE_F64 || tag->type == TYPE_I64) &&
           (tag->kind == KIND_MEASUREMENT || tag->kind == KIND_SETPOINT);
}

static int put_point(
    void *context, uint32_t tag, const struct hist_bucket *bucket, struct err *err) {
    (void)tag;
    (void)err;
    struct curves *curves = context;
    struct hist_bucket *all = &curves->all;
    all->bad_count += bucket->bad_count;
    if (bucket->count == 0) {
        return 0;
    }
    all->min = all->count == 0 || bucket->min < all->min ? bucket->min : all->min;
    all->max = all->count == 0 || bucket->max > all->max ? bucket->max : all->max;
    all->sum += bucket->sum + bucket->sum_low;
    all->count += bucket->count;
    json_array_begin(&curves->json);
    json_i64(&curves->json, view_ms(bucket->start_ns));
    json_f64(&curves->json, bucket->min);
    json_f64(&curves->json, (bucket->sum + bucket->sum_low) / (double)bucket->count);
    json_f64(&curves->json, bucket->max);
    json_array_end(&curves->json);
    return 0;
}

static int put_curve(struct curves *curves, const struct catalogue *catalogue,
    const struct tag *tag, struct err *err) {
    struct json *json = &curves->json;
    double nothing = (double)NAN;
    int rc = 0;
    curves->all = (struct hist_bucket){.count = 0};
    json_object_begin(json);
    json_put_str(json, "tag", tag->name);
    json_put_str(json, "display", tag->display);
    json_put_str(json, "unit", tag->unit);
    view_put_optional(json, "lower", tag->min);
    view_put_optional(json, "upper", tag->max);
    json_key(json, "points");
    json_array_begin(json);
    for (int i = 0; i < curves->run_count && rc >= 0; i++) {
        const struct lot_run *run = &curves->runs[i];
        const struct hist_bucket_query query = {.tags = &tag->number,
            .tag_count = 1,
            .from_ns = run->begin_ns,
            .to_ns = run->end_ns,
            .every_ns = curves->every_ns,
            .zone = plant_zone(curves->call->plant)};
        if (run->end_ns > run->begin_ns && is_of(tag, asset_id(catalogue, run->asset))) {
            rc = hist_buckets(plant_historian(curves->call->plant), &query, put_point, curves, err);
        }
    }
    json_array_end(json);
    bool any = curves->all.count > 0;
    json_put_i64(json, "count", (int64_t)curves->all.count);
    json_put_i64(json, "bad", (int64_t)curves->all.bad_count);
    view_put_optional(json, "min", any ? curves->all.min : nothing);
    view_put_optional(json, "avg", any ? curves->all.sum / (double)curves->all.count : nothing);
    view_put_optional(json, "max", any ? curves->all.max : nothing);
    json_object_end(json);
    return rc;
}

static bool is_asked(
    const struct curves *curves, const struct catalogue *catalogue, const struct tag *tag) {
    for (int i = 0; has_curve(tag) && i < curves->run_count; i++) {
        if (is_of(tag, asset_id(catalogue, curves->runs[i].asset))) {
            return true;
        }
    }
    return false;
}

/* Runs that go on end now; how fine the points are follows from how long all took. */
static void settle_runs(struct curves *curves) {
    int64_t length_ns = 0;
    for (int i = 0; i < curves->run_count; i++) {
        struct lot_run *run = &curves->runs[i];
        run->end_ns = run->end_ns == INT64_MAX ? curves->call->now_ns : run->end_ns;
        length_ns += run->end_ns > run->begin_ns ? run->end_ns - run->begin_ns : 0;
    }
    int64_t every_s = length_ns / POINTS / NS_PER_S;
    curves->every_ns = (every_s > 0 ? every_s : 1) * NS_PER_S;
}

static void put_runs(struct curves *curves, const struct catalogue *catalogue) {
    struct json *json = &curves->json;
    json_key(json, "runs");
    json_array_begin(json);
    for (int i = 0; i < curves->run_count; i++) {
        json_object_begin(json);
        json_put_i64(json, "run", curves->runs[i].run);
        json_put_str(json, "machine", asset_id(catalogue, curves->runs[i].asset));
        json_put_time(json, "begin", curves->runs[i].begin_ns);
        json_put_time(json, "end", curves->runs[i].end_ns);
        json_object_end(json);
    }
    json_array_end(json);
}

int api_lot_curves(struct call *call, struct err *err) {
    AUTO_CATALOGUE struct catalogue *catalogue = plant_catalogue(call->plant);
    struct curves curves = {.call = call};
    int rc = ledger_read(plant_ledger(call->plant), read_runs, &curves, err);
    if (rc < 0) {
        return rc;
    }
    settle_runs(&curves);
    call_json(call, 200, &curves.json);
    json_object_begin(&curves.json);
    json_put_str(&curves.json, "lot", call->args[1]);
    json_put_i64(&curves.json, "every_s", curves.every_ns / NS_PER_S);
    put_runs(&curves, catalogue);
    json_key(&curves.json, "items");
    json_array_begin(&curves.json);
    uint32_t count = 0;
    for (uint32_t i = 0; i < catalogue->tag_count && count < CURVES_MAX && rc >= 0; i++) {
        if (is_asked(&curves, catalogue, &catalogue->tags[i])) {
            rc = put_curve(&curves, catalogue, &catalogue->tags[i], err);
            count++;
        }
    }
    json_array_end(&curves.json);
    json_put_null(&curves.json, "next");
    json_object_end(&curves.json);
    return rc < 0 ? rc : 0;
}
