/*
 * Quality scores of a day: what was computed is given; computing is asked for by POST, which needs
 * the right to configure because it writes and takes time with many tags. What the scores mean is
 * told in plant/quality.h and docs/HTTP.md.
 */
#include "serve/call.h"

#include "core/json_in.h"
#include "core/limits.h"
#include "plant/quality.h"
#include "serve/server.h"
#include "serve/view.h"

enum { QUALITY_DEFAULT = 1000, QUALITY_MAX = 10000 };

struct quality_request {
    struct str day;
    uint32_t after;
    uint32_t max;
    struct quality_row *rows;
    int count;
};

static int read_rows(struct ledger_tx *tx, void *context, struct err *err) {
    struct quality_request *request = context;
    request->count =
        quality_list(tx, request->day, request->after, request->rows, request->max, err);
    return request->count < 0 ? request->count : 0;
}

static void put_row(struct json *json, const struct tag *tag, const struct quality_row *row) {
    json_object_begin(json);
    json_put_str(json, "tag", tag->name);
    json_put_str(json, "day", str_of(row->day));
    json_put_f64(json, "score", row->score);
    view_put_optional(json, "gaps", row->gaps);
    view_put_optional(json, "stuck", row->stuck);
    view_put_optional(json, "in_range", row->in_range);
    view_put_optional(json, "duplicates", row->duplicates);
    view_put_optional(json, "clock", row->clock);
    json_put_i64(json, "rows", (int64_t)row->rows);
    json_put_f64(json, "gap_s", (double)row->gap_ns / (double)NS_PER_S);
    json_put_f64(json, "stuck_s", (double)row->stuck_ns / (double)NS_PER_S);
    json_put_i64(json, "outside", (int64_t)row->outside);
    json_put_i64(json, "repeated", (int64_t)row->repeated);
    json_put_i64(json, "late", (int64_t)row->late);
    json_put_time(json, "computed", row->computed_ns);
    json_object_end(json);
}

static void put_rows(struct call *call, const struct quality_request *request) {
    AUTO_CATALOGUE struct catalogue *catalogue = plant_catalogue(call->plant);
    struct json json;
    call_json(call, 200, &json);
    view_items_begin(&json);
    for (int i = 0; i < request->count; i++) {
        const struct tag *tag = catalogue_tag(catalogue, request->rows[i].tag);
        if (tag) {
            put_row(&json, tag, &request->rows[i]);
        }
    }
    bool more = request->count == (int)request->max;
    view_items_page_end(&json, more ? request->rows[request->count - 1].tag : 0);
}

int api_quality(struct call *call, struct err *err) {
    const int64_t day_ns = 86400 * NS_PER_S;
    char yesterday[QUALITY_DAY_TEXT];
    int64_t today_ns = time_bucket_start(call->now_ns, day_ns, plant_zone(call->plant), NULL);
    quality_day_of(call->plant, today_ns - day_ns / 2, yesterday);
    struct quality_request request = {.day = str_of(yesterday)};
    struct str cursor = STR_NONE;
    uint64_t limit = QUALITY_DEFAULT;
    uint64_t after = 0;
    int64_t begin_ns = 0;
    int64_t end_ns = 0;
    (void)call_param(call, "day", &request.day); // Absent: yesterday.
    int rc = quality_day_range(call->plant, request.day, &begin_ns, &end_ns, err);
    if (rc >= 0) {
        rc = call_param_count(call, "limit", QUALITY_MAX, &limit, err);
    }
    if (rc >= 0 && call_param(call, "cursor", &cursor) &&
        (!str_to_u64(cursor, &after) || after > LIMIT_TAGS)) {
        return err_set(err, ERR_INVALID, MSG_SERVE_CURSOR, ARGS(A_STR(cursor)));
    }
    if (rc < 0) {
        return rc;
    }
    request.after = (uint32_t)after;
    request.max = (uint32_t)limit;
    request.rows = ARENA_ARRAY(&call->http->arena, struct quality_row, limit);
    rc = ledger_read(plant_ledger(call->plant), read_rows, &request, err);
    if (rc >= 0) {
        put_rows(call, &request);
    }
    return rc;
}

int api_quality_run(struct call *call, struct err *err) {
    static const char *const MEMBERS[] = {"day", NULL};
    AUTO_JSON_IN struct json_in *body = NULL;
    struct str day = STR_NONE;
    int rc = json_in_parse(call->http->request.body, &body, err);
    rc = rc < 0 ? rc : json_in_only(body, MEMBERS, err);
    rc = rc < 0 ? rc : json_in_need_str(body, "day", QUALITY_DAY_TEXT, &day, err);
    rc = rc < 0 ? rc : call_long_begin(call, err);
    if (rc >= 0) {
        rc = quality_run(call->plant, day, false, NULL, err);
        call_long_end(call);
    }
    if (rc < 0) {
        return rc;
    }
    struct json json;
    call_json(call, 200, &json);
    json_object_begin(&json);
    json_put_str(&json, "day", day);
    json_put_i64(&json, "tags", rc);
    json_object_end(&json);
    return 0;
}
