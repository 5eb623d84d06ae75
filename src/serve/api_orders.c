/*
 * Orders over HTTP: what is to be made, what is made of it, what was sold and what is to be bought.
 * All of it is read; changes are events (api_events.c).
 */
#include <math.h>

#include "production/amount.h"
#include "production/cost.h"
#include "production/master.h"
#include "production/orders.h"
#include "production/words.h"
#include "serve/call.h"
#include "serve/server.h"
#include "serve/view.h"

enum { ORDERS_DEFAULT = 100 };

static void put_seconds(struct json *json, const char *key, int64_t length_ns) {
    view_put_optional(json, key, length_ns > 0 ? (double)length_ns / 1e9 : (double)NAN);
}

static void put_run(struct json *json, const struct order_step *step) {
    json_key(json, "run");
    if (!step->runs) {
        json_null(json);
        return;
    }
    json_object_begin(json);
    json_put_i64(json, "run", step->run.number);
    json_put_str(json, "phase", step->run.phase);
    json_put_time(json, "since", step->run.begin_ns);
    json_put_i64(json, "pieces", step->run.pieces);
    view_put_text(json, "worker", step->run.worker);
    view_put_text(json, "worker_name", step->run.worker_name);
    view_put_text(json, "mould", step->run.mould);
    json_object_end(json);
}

static void put_step(struct json *json, const struct order_step *step) {
    json_object_begin(json);
    json_put_i64(json, "step", step->step);
    json_put_str(json, "process", step->process);
    json_put_str(json, "process_name", step->process_name);
    view_put_text(json, "workcentre", step->workcentre);
    view_put_text(json, "machine", step->machine);
    view_put_text(json, "machine_name", step->machine_name);
    view_put_text(json, "partner", step->partner);
    json_put_str(json, "state", step->state);
    put_seconds(json, "cycle_s", step->cycle_ns);
    put_seconds(json, "setup_s", step->setup_ns);
    view_put_time(json, "begin", step->begin_ns);
    view_put_time(json, "end", step->end_ns);
    view_put_amount(json, "good", step->good_u);
    view_put_amount(json, "bad", step->bad_u);
    put_run(json, step);
    json_object_end(json);
}

static void put_order(struct json *json, const struct order_view *order) {
    json_object_begin(json);
    json_put_str(json, "order", order->code);
    json_put_str(json, "item", order->item);
    json_put_str(json, "item_name", order->item_name);
    json_put_str(json, "unit", order->unit);
    view_put_amount(json, "quantity", order->quantity_u);
    json_put_str(json, "due", order->due);
    json_put_i64(json, "priority", order->priority);
    json_put_str(json, "state", order->state);
    json_put_bool(json, "proposed", order->proposed);
    view_put_text(json, "sales", order->sales);
    view_put_text(json, "parent", order->parent);
    view_put_text(json, "lot", order->lot);
    json_put_str(json, "note", order->note);
    view_put_amount(json, "good", order->good_u);
    view_put_amount(json, "bad", order->bad_u);
    json_key(json, "operations");
    json_array_begin(json);
    for (uint32_t i = 0; i < order->step_count; i++) {
        put_step(json, &order->steps[i]);
    }
    json_array_end(json);
    json_object_end(json);
}

struct orders {
    struct orders_query query;
    struct arena *arena;
    struct order_view *rows;
    uint32_t max;
    int count;
    int64_t next;
};

static int read_orders(struct ledger_tx *tx, void *context, struct err *err) {
    struct orders *orders = context;
    orders->count = orders_list(
        tx, &orders->query, orders->arena, orders->rows, orders->max, &orders->next, err);
    return orders->count < 0 ? orders->count : 0;
}

static int ask(struct call *call, struct orders *orders, struct err *err) {
    orders->arena = &call->http->arena;
    orders->rows = ARENA_ARRAY(orders->arena, struct order_view, orders->max + 1);
    return ledger_read(plant_ledger(call->plant), read_orders, orders, err);
}

int api_orders(struct call *call, struct err *err) {
    uint64_t limit = ORDERS_DEFAULT;
    uint64_t cursor = 0;
    struct orders orders = {.query = {.state = STR("open")}};
    (void)call_param(call, "state", &orders.query.state);
    (void)call_param(call, "machine", &orders.query.machine);
    (void)call_param(call, "q", &orders.query.search);
    int rc = call_param_count(call, "cursor", INT64_MAX, &cursor, err);
    rc = rc < 0 ? rc : call_param_count(call, "limit", ORDERS_PAGE_MAX, &limit, err);
    orders.query.after = (int64_t)cursor;
    orders.max = (uint32_t)limit;
    rc = rc < 0 ? rc : ask(call, &orders, err);
    if (rc < 0) {
        return rc;
    }
    struct json json;
    call_json(call, 200, &json);
    view_items_begin(&json);
    for (int i = 0; i < orders.count; i++) {
        put_order(&json, &orders.rows[i]);
    }
    view_items_page_end(&json, orders.next);
    return 0;
}

int api_order(struct call *call, struct err *err) {
    struct orders orders = {.query = {.code = call->args[1]}, .max = 1};
    int rc = call->args[1].size == 0 ? 0 : ask(call, &orders, err);
    if (rc >= 0 && orders.count == 0) {
        rc = err_set(err, ERR_NOT_FOUND, SAY(PRODUCTION_ORDER_GONE), NO_ARGS);
    }
    if (rc < 0) {
        return rc;
    }
    struct json json;
    call_json(call, 200, &json);
    put_order(&json, &orders.rows[0]);
    return 0;
}

/* ---- Sales and purchases ---- */

struct page {
    struct arena *arena;
    struct str state;
    struct str today;
    int64_t from;
    struct sales_view *sales;
    struct purchase_view *purchases;
    uint32_t max;
    int count;
};

static int read_sales(struct ledger_tx *tx, void *context, struct err *err) {
    struct page *page = context;
    const struct sales_query query = {
        .state = page->state, .today = page->today, .before = page->from};
    page->count = sales_list(tx, &query, page->arena, page->sales, page->max, err);
    return page->count < 0 ? page->count : 0;
}

static int read_purchases(struct ledger_tx *tx, void *context, struct err *err) {
    struct page *page = context;
    page->count = purchases_list(tx, page->from, page->arena, page->purchases, page->max, err);
    return page->count < 0 ? page->count : 0;
}

static int read_page(struct call *call, const char *from, struct page *page, struct err *err) {
    uint64_t limit = ORDERS_DEFAULT;
    uint64_t at = (uint64_t)page->from;
    int rc = call_param_count(call, from, INT64_MAX, &at, err);
    rc = rc < 0 ? rc : call_param_count(call, "limit", ORDERS_PAGE_MAX, &limit, err);
    page->arena = &call->http->arena;
    page->from = (int64_t)at;
    page->max = (uint32_t)limit;
    return rc;
}

static void put_sales(struct json *json, const struct sales_view *sales) {
    json_object_begin(json);
    json_put_str(json, "sales", sales->code);
    json_put_str(json, "partner", sales->partner);
    json_put_str(json, "partner_name", sales->partner_name);
    json_put_str(json, "ordered", sales->ordered);
    json_put_str(json, "state", sales->state);
    json_put_str(json, "note", sales->note);
    json_key(json, "lines");
    json_array_begin(json);
    for (uint32_t i = 0; i < sales->line_count; i++) {
        const struct sales_line_view *line = &sales->lines[i];
        json_object_begin(json);
        json_put_i64(json, "line", line->line);
        json_put_str(json, "item", line->item);
        json_put_str(json, "item_name", line->item_name);
        json_put_str(json, "unit", line->unit);
        view_put_amount(json, "quantity", line->quantity_u);
        json_put_str(json, "due", line->due);
        if (line->price_u < 0) {
            json_put_null(json, "price");
        } else {
            view_put_amount(json, "price", line->price_u);
        }
        view_put_amount(json, "shipped", line->shipped_u);
        view_put_amount(json, "usable", line->usable_u);
        view_put_amount(json, "making", line->making_u);
        view_put_amount(json, "free", line->free_u);
        view_put_time(json, "ends", line->ends_ns);
        json_object_end(json);
    }
    json_array_end(json);
    json_object_end(json);
}

int api_sales(struct call *call, struct err *err) {
    char today[VIEW_DAY_MAX];
    struct page page = {
        .from = INT64_MAX, .today = view_day(call->now_ns, plant_zone(call->plant), today)};
    (void)call_param(call, "state", &page.state);
    int rc = read_page(call, "before", &page, err);
    if (rc < 0) {
        return rc;
    }
    page.sales = ARENA_ARRAY(page.arena, struct sales_view, page.max + 1);
    rc = ledger_read(plant_ledger(call->plant), read_sales, &page, err);
    if (rc < 0) {
        return rc;
    }
    struct json json;
    call_json(call, 200, &json);
    view_items_begin(&json);
    for (int i = 0; i < page.count; i++) {
        put_sales(&json, &page.sales[i]);
    }
    bool more = page.count > 0 && page.count == (int)page.max;
    view_items_page_end(&json, more ? page.sales[page.count - 1].number : 0);
    return 0;
}

int api_purchases(struct call *call, struct err *err) {
    struct page page = {.from = 0};
    int rc = read_page(call, "cursor", &page, err);
    if (rc < 0) {
        return rc;
    }
    page.purchases = ARENA_ARRAY(page.arena, struct purchase_view, page.max + 1);
    rc = ledger_read(plant_ledger(call->plant), read_purchases, &page, err);
    if (rc < 0) {
        return rc;
    }
    struct json json;
    call_json(call, 200, &json);
    view_items_begin(&json);
    for (int i = 0; i < page.count; i++) {
        const struct purchase_view *row = &page.purchases[i];
        json_object_begin(&json);
        json_put_i64(&json, "number", row->number);
        json_put_str(&json, "item", row->item);
        json_put_str(&json, "item_name", row->item_name);
        json_put_str(&json, "unit", row->unit);
        view_put_amount(&json, "quantity", row->quantity_u);
        json_put_str(&json, "due", row->due);
        view_put_text(&json, "partner", row->partner);
        view_put_text(&json, "order", row->order);
        json_put_str(&json, "state", row->state);
        json_object_end(&json);
    }
    bool more = page.count > 0 && page.count == (int)page.max;
    view_items_page_end(&json, more ? page.purchases[page.count - 1].number : 0);
    return 0;
}

/* ---- Costs ---- */

struct costs {
    struct cost_query query;
    struct str item; // Empty: all.
    struct arena *arena;
    struct cost_row *rows;
    uint32_t max;
    int count;
};

static int read_costs(struct ledger_tx *tx, void *context, struct err *err) {
    struct costs *costs = context;
    int rc = costs->item.size == 0
                 ? 0
                 : master_find(tx, NOUN_ITEMS, costs->item, &costs->query.item, err);
    costs->count =
        rc < 0 ? rc : costs_list(tx, &costs->query, costs->arena, costs->rows, costs->max, err);
    return costs->count < 0 ? costs->count : 0;
}

static void put_cost(struct json *json, const struct cost_row *row) {
    int64_t total_u = cost_total_u(&row->cost);
    double pieces = (double)row->cost.good_u / AMOUNT_UNIT;
    json_object_begin(json);
    json_put_str(json, "order", row->order);
    json_put_str(json, "item", row->item);
    json_put_str(json, "item_name", row->item_name);
    json_put_str(json, "unit", row->unit);
    view_put_amount(json, "material", row->cost.material_u);
    view_put_amount(json, "machine", row->cost.machine_u);
    view_put_amount(json, "labour", row->cost.labour_u);
    view_put_amount(json, "outsourced", row->cost.outsourced_u);
    view_put_amount(json, "total", total_u);
    view_put_amount(json, "good", row->cost.good_u);
    view_put_optional(
        json, "of_one", pieces > 0 ? (double)total_u / AMOUNT_UNIT / pieces : (double)NAN);
    view_put_amount(json, "scrap", row->cost.scrap_u);
    json_put_i64(json, "unpriced", row->cost.unpriced);
    json_object_end(json);
}

int api_costs(struct call *call, struct err *err) {
    uint64_t limit = ORDERS_DEFAULT;
    uint64_t cursor = 0;
    const struct zone *zone = plant_zone(call->plant);
    struct costs costs = {.query = {.to_ns = INT64_MAX, .now_ns = call->now_ns, .zone = zone},
        .arena = &call->http->arena};
    (void)call_param(call, "item", &costs.item);
    int rc = call_param_time(call, "from", zone, &costs.query.from_ns, err);
    rc = rc < 0 ? rc : call_param_time(call, "to", zone, &costs.query.to_ns, err);
    rc = rc < 0 ? rc : call_param_count(call, "cursor", INT64_MAX, &cursor, err);
    rc = rc < 0 ? rc : call_param_count(call, "limit", ORDERS_PAGE_MAX, &limit, err);
    costs.query.after = (int64_t)cursor;
    costs.max = (uint32_t)limit;
    costs.rows = ARENA_ARRAY(costs.arena, struct cost_row, costs.max + 1);
    rc = rc < 0 ? rc : ledger_read(plant_ledger(call->plant), read_costs, &costs, err);
    if (rc < 0) {
        return rc;
    }
    struct json json;
    call_json(call, 200, &json);
    view_items_begin(&json);
    for (int i = 0; i < costs.count; i++) {
        put_cost(&json, &costs.rows[i]);
    }
    bool more = costs.count > 0 && costs.count == (int)costs.max;
    view_items_page_end(&json, more ? costs.rows[costs.count - 1].number : 0);
    return 0;
}
