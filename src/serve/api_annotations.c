/*
 * Annotations over HTTP: what people wrote beside the curves. Given newest first in pages, so that
 * a chart of a year with many notes begins with those that matter most. Whoever may write enters
 * and removes them; both stand in the audit chain.
 */
#include "core/json_in.h"
#include "core/limits.h"
#include "core/time.h"
#include "ledger/annotations.h"
#include "serve/call.h"
#include "serve/server.h"
#include "serve/view.h"

enum { LIST_DEFAULT = 500, LIST_MAX = 2000, TIME_BYTES = 64 };

struct access {
    struct call *call;
    struct annotation_query query;
    struct annotation row; // The one that is entered, got or removed.
    struct annotation *rows;
    uint32_t max;
    int count;
};

static void put_row(
    struct json *json, const struct catalogue *catalogue, const struct annotation *row) {
    const struct tag *tag = row->tag != 0 ? catalogue_tag(catalogue, row->tag) : NULL;
    json_object_begin(json);
    json_put_i64(json, "number", row->number);
    json_put_time(json, "begin", row->begin_ns);
    json_put_time(json, "end", row->end_ns);
    if (tag != NULL) {
        json_put_str(json, "tag", tag->name);
    } else {
        json_put_null(json, "tag");
    }
    json_put_str(json, "text", row->text);
    json_put_str(json, "actor", row->actor);
    json_put_str(json, "author", row->author);
    json_put_time(json, "entered", row->entered_ns);
    json_object_end(json);
}

static int find_tag(
    const struct catalogue *catalogue, struct str name, uint32_t *ret_tag, struct err *err) {
    const struct tag *tag = catalogue_find(catalogue, name);
    if (tag == NULL) {
        return err_set(err, ERR_NOT_FOUND, MSG_SERVE_TAG_UNKNOWN, ARGS(A_STR(name)));
    }
    *ret_tag = tag->number;
    return 0;
}

/* ---- Reading ---- */

static int read_rows(struct ledger_tx *tx, void *context, struct err *err) {
    struct access *access = context;
    access->count = annotation_list(
        tx, &access->query, &access->call->http->arena, access->rows, access->max, err);
    return access->count < 0 ? access->count : 0;
}

static int read_query(struct call *call, const struct catalogue *catalogue,
    struct annotation_query *query, uint64_t *ret_limit, struct err *err) {
    const struct zone *zone = plant_zone(call->plant);
    uint64_t before = INT64_MAX;
    struct str name = STR_NONE;
    *query = (struct annotation_query){.from_ns = INT64_MIN, .to_ns = INT64_MAX};
    int rc = call_param_time(call, "from", zone, &query->from_ns, err);
    rc = rc < 0 ? rc : call_param_time(call, "to", zone, &query->to_ns, err);
    rc = rc < 0 ? rc : call_param_count(call, "before", INT64_MAX, &before, err);
    rc = rc < 0 ? rc : call_param_count(call, "limit", LIST_MAX, ret_limit, err);
    if (rc >= 0 && call_param(call, "tag", &name)) {
        rc = find_tag(catalogue, name, &query->tag, err);
    }
    query->before = (int64_t)before;
    return rc < 0 ? rc : 0;
}

int api_annotations(struct call *call, struct err *err) {
    AUTO_CATALOGUE struct catalogue *catalogue = plant_catalogue(call->plant);
    struct access access = {.call = call};
    uint64_t limit = LIST_DEFAULT;
    int rc = read_query(call, catalogue, &access.query, &limit, err);
    if (rc < 0) {
        return rc;
    }
    access.max = (uint32_t)limit;
    access.rows = ARENA_ARRAY(&call->http->arena, struct annotation, access.max);
    rc = ledger_read(plant_ledger(call->plant), read_rows, &access, err);
    if (rc < 0) {
        return rc;
    }
    struct json json;
    call_json(call, 200, &json);
    view_items_begin(&json);
    for (int i = 0; i < access.count; i++) {
        put_row(&json, catalogue, &access.rows[i]);
    }
    bool more = access.count > 0 && access.count == (int)limit;
    view_items_page_end(&json, more ? access.rows[access.count - 1].number : 0);
    return 0;
}

/* ---- Writing ---- */

static int read_time(struct call *call, struct str text, int64_t *ret_time_ns, struct err *err) {
    return time_parse(text, plant_zone(call->plant), ret_time_ns)
               ? 0
               : err_set(err, ERR_INVALID, MSG_TIME_EXPECTED, ARGS(A_STR(text)));
}

static int read_body(struct call *call, const struct json_in *body,
    const struct catalogue *catalogue, struct annotation *row, struct err *err) {
    static const char *const MEMBERS[] = {"begin", "end", "tag", "text", NULL};
    struct str begin = STR_NONE;
    struct str end = STR_NONE;
    struct str name = STR_NONE;
    int rc = json_in_only(body, MEMBERS, err);
    rc = rc < 0 ? rc : json_in_need_str(body, "begin", TIME_BYTES, &begin, err);
    rc = rc < 0 ? rc : json_in_str(body, "end", TIME_BYTES, &end, err);
    rc = rc < 0 ? rc : json_in_str(body, "tag", LIMIT_TAG_NAME_BYTES, &name, err);
    rc = rc < 0 ? rc : json_in_need_str(body, "text", ANNOTATION_TEXT_MAX, &row->text, err);
    rc = rc < 0 ? rc : read_time(call, begin, &row->begin_ns, err);
    row->end_ns = row->begin_ns;
    if (rc >= 0 && end.size > 0) {
        rc = read_time(call, end, &row->end_ns, err);
    }
    if (rc >= 0 && name.size > 0) {
        rc = find_tag(catalogue, name, &row->tag, err);
    }
    row->text = str_trim(row->text);
    return rc < 0 ? rc : 0;
}

static int enter_row(struct ledger_tx *tx, void *context, struct err *err) {
    struct access *access = context;
    int64_t number = 0;
    int rc = annotation_enter(tx, &access->row, &number, err);
    return rc < 0 ? rc : annotation_get(tx, number, &access->call->http->arena, &access->row, err);
}

int api_annotation_new(struct call *call, struct err *err) {
    AUTO_CATALOGUE struct catalogue *catalogue = plant_catalogue(call->plant);
    AUTO_JSON_IN struct json_in *body = NULL;
    struct access access = {.call = call,
        .row = {.actor = str_of(call->principal.id), .author = str_of(call->principal.display)}};
    int rc = json_in_parse(call->http->request.body, &body, err);
    rc = rc < 0 ? rc : read_body(call, body, catalogue, &access.row, err);
    rc = rc < 0 ? rc : ledger_write(plant_ledger(call->plant), enter_row, &access, err);
    if (rc < 0) {
        return rc;
    }
    struct json json;
    call_json(call, 201, &json);
    put_row(&json, catalogue, &access.row);
    return 0;
}

static int remove_row(struct ledger_tx *tx, void *context, struct err *err) {
    struct access *access = context;
    return annotation_remove(tx, access->row.number, str_of(access->call->principal.id), err);
}

int api_annotation_remove(struct call *call, struct err *err) {
    struct access access = {.call = call};
    if (!str_to_i64(call->args[1], &access.row.number)) {
        return err_set(err, ERR_NOT_FOUND, MSG_ANNOTATION_UNKNOWN, ARGS(A_STR(call->args[1])));
    }
    int rc = ledger_write(plant_ledger(call->plant), remove_row, &access, err);
    if (rc < 0) {
        return rc;
    }
    call_empty(call, 204);
    return 0;
}
