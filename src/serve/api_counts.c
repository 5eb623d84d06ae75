/*
 * Totals of counter tags, as the ledger's stroke consumer counted them: each increment exactly
 * once, through restarts of the machine and of Maru. Read in one snapshot, so that the figures of
 * one answer belong together.
 */
#include "serve/call.h"

#include <math.h>

#include "serve/server.h"
#include "serve/view.h"

struct counts_request {
    const struct catalogue *catalogue;
    struct json *json;
};

static void put_count(struct json *json, const struct tag *tag, const struct count_row *row) {
    json_object_begin(json);
    json_put_str(json, "tag", tag->name);
    json_put_i64(json, "total", row->total);
    view_put_optional(json, "last_value", row->last_value);
    view_put_time(json, "last_time", row->last_time_ns);
    json_put_i64(json, "resets", row->resets);
    json_object_end(json);
}

static int counts_read(struct ledger_tx *tx, void *context, struct err *err) {
    struct counts_request *request = context;
    for (uint32_t i = 0; i < request->catalogue->tag_count; i++) {
        const struct tag *tag = &request->catalogue->tags[i];
        if (tag->kind != KIND_COUNTER) {
            continue;
        }
        struct count_row row = {.tag = tag->number, .last_value = (double)NAN};
        int rc = count_get(tx, tag->number, &row, err);
        if (rc < 0 && rc != -ERR_NOT_FOUND) {
            return rc;
        }
        put_count(request->json, tag, &row);
    }
    return 0;
}

int api_counts(struct call *call, struct err *err) {
    AUTO_CATALOGUE struct catalogue *catalogue = plant_catalogue(call->plant);
    struct json json;
    call_json(call, 200, &json);
    view_items_begin(&json);
    struct counts_request request = {catalogue, &json};
    int rc = ledger_read(plant_ledger(call->plant), counts_read, &request, err);
    if (rc < 0) {
        return rc;
    }
    view_items_end(&json);
    return 0;
}
