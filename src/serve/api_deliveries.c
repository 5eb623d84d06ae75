/*
 * Delivery notes and outsourced work over HTTP. Both are made by events (POST events); here they
 * are read, and notes printed: printing is counted, so that every paper but the first says that it
 * is a copy.
 */
#include "ledger/people.h"
#include "papers/delivery.h"
#include "plant/home.h"
#include "production/words.h"
#include "serve/call.h"
#include "serve/server.h"
#include "serve/view.h"

enum { LIST_DEFAULT = 100 };

struct asking {
    struct call *call;
    struct json json;
    struct delivery_query deliveries;
    struct outsourcing_query outsourcings;
    struct delivery_paper *paper;
    int64_t next;
};

static int read_deliveries(struct ledger_tx *tx, void *context, struct err *err) {
    struct asking *asking = context;
    return deliveries_put_list(tx, &asking->deliveries, &asking->json, &asking->next, err);
}

static int take_page(
    struct call *call, uint64_t max, int64_t *ret_before, uint32_t *ret_limit, struct err *err) {
    uint64_t before = INT64_MAX;
    uint64_t limit = LIST_DEFAULT;
    int rc = call_param_count(call, "before", INT64_MAX, &before, err);
    rc = rc < 0 ? rc : call_param_count(call, "limit", max, &limit, err);
    *ret_before = (int64_t)before;
    *ret_limit = (uint32_t)limit;
    return rc < 0 ? rc : 0;
}

int api_deliveries(struct call *call, struct err *err) {
    struct asking asking = {.call = call};
    struct delivery_query *query = &asking.deliveries;
    query->partner = query->kind = STR_NONE;
    (void)call_param(call, "partner", &query->partner);
    (void)call_param(call, "kind", &query->kind);
    int rc = take_page(call, DELIVERIES_PAGE_MAX, &query->before, &query->limit, err);
    if (rc < 0) {
        return rc;
    }
    call_json(call, 200, &asking.json);
    view_items_begin(&asking.json);
    rc = ledger_read(plant_ledger(call->plant), read_deliveries, &asking, err);
    view_items_page_end(&asking.json, asking.next);
    return rc < 0 ? rc : 0;
}

static int read_delivery(struct ledger_tx *tx, void *context, struct err *err) {
    struct asking *asking = context;
    return delivery_put(tx, asking->call->args[1], &asking->json, err);
}

int api_delivery(struct call *call, struct err *err) {
    struct asking asking = {.call = call};
    call_json(call, 200, &asking.json);
    int rc = ledger_read(plant_ledger(call->plant), read_delivery, &asking, err);
    return rc < 0 ? rc : 0;
}

/* ---- Printing ---- */

/* Counted first: two who print at once never hold two originals. */
static int count_and_read(struct ledger_tx *tx, void *context, struct err *err) {
    struct asking *asking = context;
    struct call *call = asking->call;
    int rc =
        delivery_printed(tx, call->args[1], str_of(call->principal.id), &asking->paper->times, err);
    return rc < 0
               ? rc
               : delivery_get(tx, call->args[1], &call->http->arena, &asking->paper->delivery, err);
}

struct owner {
    struct call *call;
    struct delivery_paper *paper;
};

static int read_owner(struct ledger_tx *tx, void *context, struct err *err) {
    struct owner *owner = context;
    struct organisation organisation;
    int rc = organisation_of_plant(
        tx, plant_id(owner->call->plant), &owner->call->http->arena, &organisation, err);
    if (rc >= 0) {
        owner->paper->own_name = organisation.name;
        owner->paper->own_business = organisation.number;
    }
    return rc == -ERR_NOT_FOUND ? 0 : rc;
}

int api_delivery_print(struct call *call, struct err *err) {
    struct delivery_paper *paper = ARENA_NEW(&call->http->arena, struct delivery_paper);
    struct asking asking = {.call = call, .paper = paper};
    struct owner owner = {.call = call, .paper = paper};
    paper->lang = call->lang;
    int rc = ledger_read(home_hub(call->server->home), read_owner, &owner, err);
    if (paper->own_name.size == 0) {
        paper->own_name = plant_display(call->plant);
    }
    rc = rc < 0 ? rc : call_long_begin(call, err);
    if (rc < 0) {
        return rc;
    }
    rc = ledger_write(plant_ledger(call->plant), count_and_read, &asking, err);
    struct http_response *response = &call->http->response;
    rc = rc < 0 ? rc : delivery_pdf(paper, &call->http->arena, &response->body, err);
    call_long_end(call);
    if (rc >= 0) {
        response->status = 200;
        response->content_type = "application/pdf";
    }
    return rc;
}

/* ---- Outsourced work ---- */

static int read_outsourcings(struct ledger_tx *tx, void *context, struct err *err) {
    struct asking *asking = context;
    int rc = outsourcings_put_list(tx, &asking->outsourcings, &asking->json, &asking->next, err);
    json_array_end(&asking->json);
    json_key(&asking->json, "stock");
    json_array_begin(&asking->json);
    rc = rc < 0 ? rc : outsourcings_put_stock(tx, &asking->json, err);
    return rc;
}

int api_outsourcings(struct call *call, struct err *err) {
    struct asking asking = {.call = call};
    struct outsourcing_query *query = &asking.outsourcings;
    query->partner = query->state = STR_NONE;
    (void)call_param(call, "partner", &query->partner);
    (void)call_param(call, "state", &query->state);
    int rc = take_page(call, OUTSOURCINGS_PAGE_MAX, &query->before, &query->limit, err);
    if (rc < 0) {
        return rc;
    }
    call_json(call, 200, &asking.json);
    view_items_begin(&asking.json); // Its array and that of the stock.
    rc = ledger_read(plant_ledger(call->plant), read_outsourcings, &asking, err);
    view_items_page_end(&asking.json, asking.next);
    return rc < 0 ? rc : 0;
}
