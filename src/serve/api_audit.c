/*
 * The audit chains, newest first: of one plant (changes of tags, devices, counts) and of the hub
 * (sign-ins, users, refusals). Read only; what erased entries held is gone, the entry stays.
 */
#include "serve/call.h"

#include "serve/server.h"
#include "serve/view.h"

enum { AUDIT_DEFAULT = 100, AUDIT_MAX = 1000 };

struct audit_request {
    int64_t before;
    uint32_t max;
    struct arena *arena;
    struct audit_entry *entries;
    int count;
};

static int audit_read(struct ledger_tx *tx, void *context, struct err *err) {
    struct audit_request *request = context;
    request->count =
        audit_list(tx, request->before, request->entries, request->max, request->arena, err);
    return request->count < 0 ? request->count : 0;
}

static void put_entry(struct json *json, const struct audit_entry *entry) {
    json_object_begin(json);
    json_put_i64(json, "sequence", entry->sequence);
    json_put_time(json, "time", entry->time_ns);
    json_put_str(json, "actor", entry->actor);
    json_put_str(json, "action", entry->action);
    json_put_str(json, "subject", entry->subject);
    if (entry->erased) {
        json_put_null(json, "payload");
    } else {
        json_put_str(json, "payload", entry->payload);
    }
    json_object_end(json);
}

static int answer_audit(struct call *call, struct ledger *ledger, struct err *err) {
    uint64_t before = INT64_MAX;
    uint64_t limit = AUDIT_DEFAULT;
    int rc = call_param_count(call, "before", INT64_MAX, &before, err);
    if (rc >= 0) {
        rc = call_param_count(call, "limit", AUDIT_MAX, &limit, err);
    }
    if (rc < 0) {
        return rc;
    }
    struct audit_request request = {
        .before = (int64_t)before, .max = (uint32_t)limit, .arena = &call->http->arena};
    request.entries = ARENA_ARRAY(request.arena, struct audit_entry, limit);
    rc = ledger_read(ledger, audit_read, &request, err);
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
    view_items_page_end(&json, more ? request.entries[request.count - 1].sequence : 0);
    return 0;
}

int api_audit(struct call *call, struct err *err) {
    return answer_audit(call, plant_ledger(call->plant), err);
}

int api_hub_audit(struct call *call, struct err *err) {
    return answer_audit(call, home_hub(call->server->home), err);
}
