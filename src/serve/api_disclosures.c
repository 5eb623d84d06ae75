/*
 * The book of what left the plant: who got which data, when, how de-identified, what for. Newest
 * first; `next` goes into `before`.
 */
#include "serve/call.h"

#include "ledger/disclosure.h"
#include "serve/server.h"
#include "serve/view.h"

enum { DISCLOSURES_DEFAULT = 100, DISCLOSURES_MAX = 1000 };

struct disclosure_request {
    struct str recipient;
    int64_t before;
    uint32_t max;
    struct arena *arena;
    struct deident_log_entry *entries;
    int count;
};

static int read_entries(struct ledger_tx *tx, void *context, struct err *err) {
    struct disclosure_request *request = context;
    request->count = deident_log_list(tx, request->recipient, request->before, request->entries,
        request->max, request->arena, err);
    return request->count < 0 ? request->count : 0;
}

static void put_tags(struct json *json, struct str tags) {
    json_key(json, "tags");
    json_array_begin(json);
    while (tags.size > 0) {
        struct str name = str_cut(&tags, ' ');
        if (name.size > 0) {
            json_str(json, name);
        }
    }
    json_array_end(json);
}

static void put_entry(struct json *json, const struct deident_log_entry *entry) {
    json_object_begin(json);
    json_put_i64(json, "number", entry->number);
    json_put_time(json, "time", entry->time_ns);
    json_put_str(json, "recipient", entry->recipient);
    json_put_str(json, "channel", entry->channel);
    json_put_str(json, "purpose", entry->purpose);
    json_put_str(json, "actor", entry->actor);
    json_put_str(json, "method", entry->method);
    put_tags(json, entry->tags);
    json_put_time(json, "from", entry->from_ns);
    json_put_time(json, "to", entry->to_ns);
    json_put_i64(json, "rows", (int64_t)entry->rows);
    json_object_end(json);
}

int api_disclosures(struct call *call, struct err *err) {
    uint64_t before = INT64_MAX;
    uint64_t limit = DISCLOSURES_DEFAULT;
    struct disclosure_request request = {.recipient = STR_NONE, .arena = &call->http->arena};
    (void)call_param(call, "recipient", &request.recipient); // Absent: all.
    int rc = call_param_count(call, "before", INT64_MAX, &before, err);
    rc = rc < 0 ? rc : call_param_count(call, "limit", DISCLOSURES_MAX, &limit, err);
    if (rc < 0) {
        return rc;
    }
    request.before = (int64_t)before;
    request.max = (uint32_t)limit;
    request.entries = ARENA_ARRAY(request.arena, struct deident_log_entry, limit);
    rc = ledger_read(plant_ledger(call->plant), read_entries, &request, err);
    if (rc < 0) {
        return rc;
    }
    struct json json;
    call_json(call, 200, &json);
    view_items_begin(&json);
    for (int i = 0; i < request.count; i++) {
        put_entry(&json, &request.entries[i]);
    }
    bool more = request.count == (int)limit;
    view_items_page_end(&json, more ? request.entries[request.count - 1].number : 0);
    return 0;
}
