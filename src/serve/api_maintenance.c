/*
 * Maintenance over HTTP: what is due, moulds, repairs, failures, spare parts. What was done is told
 * by events (api_events.c); these answers are computed when they are asked for, in one snapshot.
 */
#include "core/clock.h"
#include "production/maintain.h"
#include "serve/call.h"
#include "serve/view.h"

#define DAY_NS (86400 * NS_PER_S)

enum { LIST_DEFAULT = 100, FIGURES_DAYS = 90 };

struct asking {
    struct call *call;
    struct json json;
    struct care_ask care;
    struct maintain_query query;
    int64_t next;
};

static struct asking asking_of(struct call *call) {
    return (struct asking){.call = call,
        .care = {.zone = plant_zone(call->plant), .now_ns = call->now_ns},
        .query = {.machine = STR_NONE,
            .mould = STR_NONE,
            .from_ns = INT64_MIN,
            .to_ns = INT64_MAX,
            .now_ns = call->now_ns,
            .before = INT64_MAX,
            .limit = LIST_DEFAULT}};
}

/* machine, mould, from, to, limit, before, open, as far as the route has them. */
static int take_query(struct asking *asking, struct err *err) {
    const struct call *call = asking->call;
    struct maintain_query *query = &asking->query;
    const struct zone *zone = asking->care.zone;
    uint64_t limit = query->limit;
    uint64_t before = INT64_MAX;
    (void)call_param(call, "machine", &query->machine);
    (void)call_param(call, "mould", &query->mould);
    query->only_open = call_param_flag(call, "open");
    int rc = call_param_time(call, "from", zone, &query->from_ns, err);
    rc = rc < 0 ? rc : call_param_time(call, "to", zone, &query->to_ns, err);
    rc = rc < 0 ? rc : call_param_count(call, "limit", MAINTAIN_LIST_MAX, &limit, err);
    rc = rc < 0 ? rc : call_param_count(call, "before", INT64_MAX, &before, err);
    query->limit = (uint32_t)limit;
    query->before = (int64_t)before;
    return rc < 0 ? rc : 0;
}

static int answer(struct asking *asking, ledger_fn fn, struct err *err) {
    call_json(asking->call, 200, &asking->json);
    view_items_begin(&asking->json);
    int rc = ledger_read(plant_ledger(asking->call->plant), fn, asking, err);
    view_items_page_end(&asking->json, asking->next);
    return rc < 0 ? rc : 0;
}

static int read_due(struct ledger_tx *tx, void *context, struct err *err) {
    struct asking *asking = context;
    return maintain_put_due(tx, &asking->care, &asking->json, err);
}

int api_care_due(struct call *call, struct err *err) {
    struct asking asking = asking_of(call);
    return answer(&asking, read_due, err);
}

static int read_moulds(struct ledger_tx *tx, void *context, struct err *err) {
    struct asking *asking = context;
    return maintain_put_moulds(tx, &asking->care, &asking->json, err);
}

int api_care_moulds(struct call *call, struct err *err) {
    struct asking asking = asking_of(call);
    return answer(&asking, read_moulds, err);
}

static int read_repairs(struct ledger_tx *tx, void *context, struct err *err) {
    struct asking *asking = context;
    return maintain_put_repairs(tx, &asking->query, &asking->json, &asking->next, err);
}

int api_care_repairs(struct call *call, struct err *err) {
    struct asking asking = asking_of(call);
    int rc = take_query(&asking, err);
    return rc < 0 ? rc : answer(&asking, read_repairs, err);
}

static int read_log(struct ledger_tx *tx, void *context, struct err *err) {
    struct asking *asking = context;
    return maintain_put_log(tx, &asking->query, &asking->json, err);
}

int api_care_log(struct call *call, struct err *err) {
    struct asking asking = asking_of(call);
    int rc = take_query(&asking, err);
    return rc < 0 ? rc : answer(&asking, read_log, err);
}

static int read_spares(struct ledger_tx *tx, void *context, struct err *err) {
    struct asking *asking = context;
    return maintain_put_spares(tx, &asking->json, err);
}

int api_care_spares(struct call *call, struct err *err) {
    struct asking asking = asking_of(call);
    return answer(&asking, read_spares, err);
}

/* ---- Failures ---- */

static int read_machines(struct ledger_tx *tx, void *context, struct err *err) {
    struct asking *asking = context;
    return maintain_put_machines(tx, &asking->query, &asking->json, err);
}

/* Running time of many machines over months holds a worker. */
int api_care_machines(struct call *call, struct err *err) {
    struct asking asking = asking_of(call);
    asking.query.from_ns = call->now_ns - FIGURES_DAYS * DAY_NS;
    asking.query.to_ns = call->now_ns;
    int rc = take_query(&asking, err);
    rc = rc < 0 ? rc : call_long_begin(call, err);
    if (rc < 0) {
        return rc;
    }
    call_json(call, 200, &asking.json);
    view_items_begin(&asking.json);
    rc = ledger_read(plant_ledger(call->plant), read_machines, &asking, err);
    json_array_end(&asking.json);
    json_put_null(&asking.json, "next");
    json_put_time(&asking.json, "from", asking.query.from_ns);
    json_put_time(&asking.json, "to", asking.query.to_ns);
    json_object_end(&asking.json);
    call_long_end(call);
    return rc < 0 ? rc : 0;
}
