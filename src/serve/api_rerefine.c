/*
 * Refining again over HTTP: asking (dry_run), doing, undoing, and the list of runs. It writes new
 * versions over what machines said, so it needs the right to configure; a run holds its worker
 * until it is done, one run a plant.
 */
#include "serve/call.h"

#include "core/json_in.h"
#include "core/limits.h"
#include "plant/rerefine.h"
#include "serve/server.h"
#include "serve/view.h"

enum { RUNS_DEFAULT = 100, RUNS_MAX = 1000, TIME_TEXT_BYTES = 64 };

struct runs_request {
    int64_t before;
    uint32_t max;
    struct arena *arena;
    struct rerefine_record *records;
    int count;
};

static int read_runs(struct ledger_tx *tx, void *context, struct err *err) {
    struct runs_request *request = context;
    request->count =
        rerefine_list(tx, 0, request->before, request->records, request->max, request->arena, err);
    return request->count < 0 ? request->count : 0;
}

static void put_optional_id(struct json *json, const char *key, int64_t id) {
    if (id != 0) {
        json_put_i64(json, key, id);
    } else {
        json_put_null(json, key);
    }
}

static void put_run(
    struct json *json, const struct catalogue *catalogue, const struct rerefine_record *record) {
    const struct tag *tag = catalogue_tag(catalogue, record->tag);
    json_object_begin(json);
    json_put_i64(json, "id", record->id);
    json_put_time(json, "time", record->time_ns);
    json_put_str(json, "actor", record->actor);
    json_put_str(json, "tag", tag ? tag->name : STR_NONE);
    json_put_time(json, "from", record->from_ns);
    json_put_time(json, "to", record->to_ns);
    json_put_str(json, "rule", record->rule);
    json_put_str(json, "rule_before", record->rule_before);
    json_put_i64(json, "rows", (int64_t)record->rows_read);
    json_put_i64(json, "changed", (int64_t)record->changed);
    json_put_i64(json, "omitted", (int64_t)record->omitted);
    json_put_i64(json, "corrected", (int64_t)record->corrected);
    json_put_i64(json, "skipped", (int64_t)record->skipped);
    put_optional_id(json, "undoes", record->undoes);
    put_optional_id(json, "undone_by", record->undone_by);
    json_put_bool(json, "finished", record->is_finished);
    json_object_end(json);
}

int api_rerefinements(struct call *call, struct err *err) {
    uint64_t before = INT64_MAX;
    uint64_t limit = RUNS_DEFAULT;
    int rc = call_param_count(call, "before", INT64_MAX, &before, err);
    rc = rc < 0 ? rc : call_param_count(call, "limit", RUNS_MAX, &limit, err);
    if (rc < 0) {
        return rc;
    }
    struct runs_request request = {
        .before = (int64_t)before, .max = (uint32_t)limit, .arena = &call->http->arena};
    request.records = ARENA_ARRAY(request.arena, struct rerefine_record, limit);
    rc = ledger_read(plant_ledger(call->plant), read_runs, &request, err);
    if (rc < 0) {
        return rc;
    }
    AUTO_CATALOGUE struct catalogue *catalogue = plant_catalogue(call->plant);
    struct json json;
    call_json(call, 200, &json);
    json_object_begin(&json);
    json_key(&json, "items");
    json_array_begin(&json);
    for (int i = 0; i < request.count; i++) {
        put_run(&json, catalogue, &request.records[i]);
    }
    json_array_end(&json);
    put_optional_id(
        &json, "next", request.count == (int)limit ? request.records[request.count - 1].id : 0);
    json_object_end(&json);
    return 0;
}

static int read_time(const struct call *call, const struct json_in *body, const char *name,
    int64_t *ret_time_ns, struct err *err) {
    struct str text = STR_NONE;
    int rc = json_in_need_str(body, name, TIME_TEXT_BYTES, &text, err);
    return rc < 0 ? rc
                  : time_parse_query(text, plant_zone(call->plant), call->now_ns, ret_time_ns, err);
}

static int run(struct call *call, const struct json_in *body, struct rerefine_report *report,
    struct err *err) {
    struct rerefine_options options = {.actor = str_of(call->principal.id)};
    int64_t undo = 0;
    int rc = json_in_bool(body, "dry_run", &options.dry_run, err);
    rc = rc < 0 ? rc : json_in_i64(body, "undo", &undo, err);
    if (rc > 0) {
        return rerefine_undo(call->plant, undo, &options, report, err);
    }
    rc = rc < 0 ? rc : json_in_need_str(body, "tag", LIMIT_TAG_NAME_BYTES, &options.tag, err);
    rc = rc < 0 ? rc : read_time(call, body, "from", &options.from_ns, err);
    rc = rc < 0 ? rc : read_time(call, body, "to", &options.to_ns, err);
    return rc < 0 ? rc : rerefine_run(call->plant, &options, report, err);
}

int api_rerefine(struct call *call, struct err *err) {
    static const char *const MEMBERS[] = {"tag", "from", "to", "dry_run", "undo", NULL};
    AUTO_JSON_IN struct json_in *body = NULL;
    struct rerefine_report report = {0};
    int rc = json_in_parse(call->http->request.body, &body, err);
    rc = rc < 0 ? rc : json_in_only(body, MEMBERS, err);
    rc = rc < 0 ? rc : call_long_begin(call, err);
    if (rc >= 0) {
        rc = run(call, body, &report, err);
        call_long_end(call);
    }
    if (rc < 0) {
        return rc;
    }
    struct json json;
    call_json(call, 200, &json);
    json_object_begin(&json);
    put_optional_id(&json, "id", report.id);
    json_put_i64(&json, "rows", (int64_t)report.rows_read);
    json_put_i64(&json, "from_raw", (int64_t)report.from_raw);
    json_put_i64(&json, "changed", (int64_t)report.changed);
    json_put_i64(&json, "omitted", (int64_t)report.omitted);
    json_put_i64(&json, "corrected", (int64_t)report.corrected);
    json_put_i64(&json, "skipped", (int64_t)report.skipped);
    json_object_end(&json);
    return 0;
}
