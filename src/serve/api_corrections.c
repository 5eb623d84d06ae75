/*
 * Corrections over HTTP: one at a time by a person in front of a value; many come as a table
 * (api_import.c). The list shows the old value beside the new one, who, when and why.
 */
#include "core/json_in.h"
#include "core/limits.h"
#include "plant/correct.h"
#include "serve/call.h"
#include "serve/server.h"
#include "serve/view.h"

enum { LIST_DEFAULT = 100, LIST_MAX = 1000 };

static void put_entry(
    struct json *json, const struct catalogue *catalogue, const struct correction_entry *entry) {
    const struct tag *tag = catalogue_tag(catalogue, entry->tag);
    json_object_begin(json);
    json_put_i64(json, "number", entry->number);
    json_put_str(json, "tag", tag != NULL ? tag->name : STR_NONE);
    json_put_time(json, "time", entry->time_ns);
    json_put_str(json, "old_value", entry->old_value);
    json_put_str(json, "old_quality", str_of(quality_name(status_quality(entry->old_status))));
    json_put_str(json, "value", entry->value);
    json_put_bool(json, "bad", entry->bad);
    json_put_str(json, "reason", entry->reason);
    json_put_str(json, "actor", entry->actor);
    json_put_time(json, "entered", entry->entered_ns);
    json_put_bool(json, "applied", entry->applied);
    json_object_end(json);
}

static int list(struct call *call, struct correction_query query, uint32_t max,
    struct correction_entry **ret_entries, struct err *err) {
    *ret_entries = ARENA_ARRAY(&call->http->arena, struct correction_entry, max);
    return correction_list(call->plant, &query, *ret_entries, max, &call->http->arena, err);
}

int api_corrections(struct call *call, struct err *err) {
    uint64_t before = INT64_MAX;
    uint64_t limit = LIST_DEFAULT;
    struct correction_query query = {.tag = 0};
    struct str name = STR_NONE;
    AUTO_CATALOGUE struct catalogue *catalogue = plant_catalogue(call->plant);
    int rc = call_param_count(call, "before", INT64_MAX, &before, err);
    rc = rc < 0 ? rc : call_param_count(call, "limit", LIST_MAX, &limit, err);
    if (rc >= 0 && call_param(call, "tag", &name)) {
        const struct tag *tag = catalogue_find(catalogue, name);
        if (tag == NULL) {
            return err_set(err, ERR_NOT_FOUND, MSG_CORRECT_NO_TAG, ARGS(A_STR(name)));
        }
        query.tag = tag->number;
    }
    query.before = (int64_t)before;
    struct correction_entry *entries = NULL;
    int count = rc < 0 ? rc : list(call, query, (uint32_t)limit, &entries, err);
    if (count < 0) {
        return count;
    }
    struct json json;
    call_json(call, 200, &json);
    view_items_begin(&json);
    for (int i = 0; i < count; i++) {
        put_entry(&json, catalogue, &entries[i]);
    }
    bool more = count == (int)limit;
    view_items_page_end(&json, more ? entries[count - 1].number : 0);
    return 0;
}

static int read_body(
    struct call *call, const struct json_in *body, struct correction *correction, struct err *err) {
    static const char *const MEMBERS[] = {"tag", "time", "value", "bad", "reason", NULL};
    struct str time = STR_NONE;
    double number = 0;
    int64_t whole = 0;
    bool flag = false;
    correction->value = STR_NONE;
    int rc = json_in_only(body, MEMBERS, err);
    rc = rc < 0 ? rc : json_in_need_str(body, "tag", LIMIT_TAG_NAME_BYTES, &correction->tag, err);
    rc = rc < 0 ? rc : json_in_need_str(body, "time", 64, &time, err);
    rc = rc < 0 ? rc
                : json_in_need_str(body, "reason", CORRECTION_REASON_MAX, &correction->reason, err);
    rc = rc < 0 ? rc : json_in_bool(body, "bad", &correction->bad, err);
    if (rc < 0) {
        return rc;
    }
    if (!time_parse(time, plant_zone(call->plant), &correction->time_ns)) {
        return err_set(err, ERR_INVALID, MSG_TIME_EXPECTED, ARGS(A_STR(time)));
    }
    if (json_in_has(body, "value") == correction->bad) {
        return err_set(err, ERR_INVALID, MSG_SERVE_CORRECTION_VALUE, NO_ARGS);
    }
    if (correction->bad) {
        return 0;
    }
    /* A number, a switch, or a text. */
    char *text = arena_alloc(&call->http->arena, 32);
    if (json_in_i64(body, "value", &whole, NULL) > 0) {
        correction->value = (struct str){text, i64_to_text(whole, text)};
    } else if (json_in_f64(body, "value", &number, NULL) > 0) {
        correction->value = (struct str){text, f64_to_text(number, text)};
    } else if (json_in_bool(body, "value", &flag, NULL) > 0) {
        correction->value = flag ? STR("true") : STR("false");
    } else {
        rc = json_in_str(body, "value", LIMIT_TEXT_VALUE_BYTES, &correction->value, err);
    }
    return rc < 0 ? rc : 0;
}

int api_correct(struct call *call, struct err *err) {
    AUTO_JSON_IN struct json_in *body = NULL;
    struct correction correction = {.bad = false};
    struct correction_found found;
    uint32_t stored = 0;
    int rc = json_in_parse(call->http->request.body, &body, err);
    rc = rc < 0 ? rc : read_body(call, body, &correction, err);
    rc = rc < 0 ? rc : correction_find(call->plant, &correction, &call->http->arena, &found, err);
    rc = rc < 0
             ? rc
             : correction_apply(call->plant, &found, 1, str_of(call->principal.id), &stored, err);
    struct correction_entry *entries = NULL;
    struct correction_query query = {.before = INT64_MAX, .tag = rc < 0 ? 0 : found.tag};
    int count = rc < 0 ? rc : list(call, query, LIST_MAX, &entries, err);
    if (count < 0) {
        return count;
    }
    AUTO_CATALOGUE struct catalogue *catalogue = plant_catalogue(call->plant);
    for (int i = 0; i < count; i++) {
        if (entries[i].time_ns == correction.time_ns) {
            struct json json;
            call_json(call, 200, &json);
            put_entry(&json, catalogue, &entries[i]);
            return 0;
        }
    }
    call_empty(call, 204); // It stands already, corrected long ago.
    return 0;
}
