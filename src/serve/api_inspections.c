/*
 * Quality over HTTP: what is to be inspected, what was, what did not conform and what is done about
 * it, and entries that wait for somebody to say whether they are right. Everything is told by
 * events (POST events); here it is only looked at.
 */
#include "core/clock.h"
#include "core/limits.h"
#include "papers/attachment.h"
#include "production/inspections.h"
#include "production/words.h"
#include "serve/call.h"
#include "serve/sent_file.h"
#include "serve/server.h"
#include "serve/view.h"

enum { LIST_DEFAULT = 100 };

struct asking {
    struct call *call;
    struct json json;
    struct inspection_due_query due;
    struct inspection_query inspections;
    struct nonconformance_query nonconformances;
    struct str state;
    uint64_t limit;
    int64_t number;
    int64_t next;
};

static void take_texts(const struct call *call, const char *const *names, struct str **to) {
    for (size_t i = 0; names[i] != NULL; i++) {
        *to[i] = STR_NONE;
        (void)call_param(call, names[i], to[i]);
    }
}

static int take_page(
    struct call *call, uint64_t *ret_before, uint64_t *ret_limit, struct err *err) {
    *ret_before = INT64_MAX;
    *ret_limit = LIST_DEFAULT;
    int rc = call_param_count(call, "before", INT64_MAX, ret_before, err);
    return rc < 0 ? rc : call_param_count(call, "limit", INSPECTION_LIST_MAX, ret_limit, err);
}

/* A page of a list: what `read` adds to its array. */
static int answer_page(struct asking *asking, ledger_fn read, struct err *err) {
    call_json(asking->call, 200, &asking->json);
    view_items_begin(&asking->json);
    int rc = ledger_read(plant_ledger(asking->call->plant), read, asking, err);
    view_items_page_end(&asking->json, asking->next);
    return rc < 0 ? rc : 0;
}

static int answer_one(struct asking *asking, enum msg_id unknown, ledger_fn read, struct err *err) {
    if (!str_to_i64(asking->call->args[1], &asking->number)) {
        return err_set(err, ERR_NOT_FOUND, unknown, ARGS(A_STR(asking->call->args[1])));
    }
    call_json(asking->call, 200, &asking->json);
    int rc = ledger_read(plant_ledger(asking->call->plant), read, asking, err);
    return rc < 0 ? rc : 0;
}

/* ---- Inspections ---- */

static int read_due(struct ledger_tx *tx, void *context, struct err *err) {
    struct asking *asking = context;
    return inspection_put_due(tx, &asking->due, &asking->json, err);
}

int api_inspections_due(struct call *call, struct err *err) {
    struct asking asking = {.call = call, .due = {.now_ns = call->now_ns}};
    take_texts(call, (const char *const[]){"lot", "operation", NULL},
        (struct str *[]){&asking.due.lot, &asking.due.operation});
    return answer_page(&asking, read_due, err);
}

static int read_inspections(struct ledger_tx *tx, void *context, struct err *err) {
    struct asking *asking = context;
    return inspection_put_list(tx, &asking->inspections, &asking->json, &asking->next, err);
}

int api_inspections(struct call *call, struct err *err) {
    struct asking asking = {
        .call = call, .inspections = {.from_ns = INT64_MIN, .to_ns = INT64_MAX}};
    struct inspection_query *query = &asking.inspections;
    uint64_t before = 0;
    const struct zone *zone = plant_zone(call->plant);
    take_texts(call, (const char *const[]){"kind", "item", "lot", "operation", "result", NULL},
        (struct str *[]){
            &query->kind, &query->item, &query->lot, &query->operation, &query->result});
    int rc = take_page(call, &before, &asking.limit, err);
    rc = rc < 0 ? rc : call_param_time(call, "from", zone, &query->from_ns, err);
    rc = rc < 0 ? rc : call_param_time(call, "to", zone, &query->to_ns, err);
    if (rc < 0) {
        return rc;
    }
    query->before = (int64_t)before;
    query->limit = (uint32_t)asking.limit;
    return answer_page(&asking, read_inspections, err);
}

static int read_inspection(struct ledger_tx *tx, void *context, struct err *err) {
    struct asking *asking = context;
    return inspection_put(tx, asking->number, &asking->json, err);
}

int api_inspection(struct call *call, struct err *err) {
    struct asking asking = {.call = call};
    return answer_one(&asking, SAY(PRODUCTION_INSPECT_UNKNOWN), read_inspection, err);
}

/* ---- Non-conformities ---- */

static int read_nonconformances(struct ledger_tx *tx, void *context, struct err *err) {
    struct asking *asking = context;
    return nonconformance_put_list(tx, &asking->nonconformances, &asking->json, &asking->next, err);
}

int api_nonconformances(struct call *call, struct err *err) {
    struct asking asking = {.call = call};
    struct nonconformance_query *query = &asking.nonconformances;
    uint64_t before = 0;
    take_texts(call, (const char *const[]){"state", "lot", NULL},
        (struct str *[]){&query->state, &query->lot});
    int rc = take_page(call, &before, &asking.limit, err);
    if (rc < 0) {
        return rc;
    }
    query->before = (int64_t)before;
    query->limit = (uint32_t)asking.limit;
    return answer_page(&asking, read_nonconformances, err);
}

static int read_nonconformance(struct ledger_tx *tx, void *context, struct err *err) {
    struct asking *asking = context;
    return nonconformance_put(tx, asking->number, &asking->json, err);
}

int api_nonconformance(struct call *call, struct err *err) {
    struct asking asking = {.call = call};
    return answer_one(&asking, SAY(PRODUCTION_NC_UNKNOWN), read_nonconformance, err);
}

static int read_actions(struct ledger_tx *tx, void *context, struct err *err) {
    struct asking *asking = context;
    return action_put_list(tx, asking->state, (uint32_t)asking->limit, &asking->json, err);
}

int api_corrective_actions(struct call *call, struct err *err) {
    struct asking asking = {.call = call, .limit = LIST_DEFAULT};
    take_texts(call, (const char *const[]){"state", NULL}, (struct str *[]){&asking.state});
    int rc = call_param_count(call, "limit", INSPECTION_LIST_MAX, &asking.limit, err);
    return rc < 0 ? rc : answer_page(&asking, read_actions, err);
}

/* ---- Their files ---- */

static int take_number(
    const struct call *call, int arg, enum msg_id unknown, int64_t *ret_number, struct err *err) {
    return str_to_i64(call->args[arg], ret_number)
               ? 0
               : err_set(err, ERR_NOT_FOUND, unknown, ARGS(A_STR(call->args[arg])));
}

int api_attachment_new(struct call *call, struct err *err) {
    struct asking asking = {.call = call};
    struct attachment file = {
        .name = STR_NONE, .bytes = call->http->request.body, .actor = str_of(call->principal.id)};
    int64_t number = 0;
    (void)call_param(call, "name", &file.name);
    int rc = take_number(call, 1, SAY(PRODUCTION_NC_UNKNOWN), &file.nonconformance, err);
    rc = rc < 0 ? rc : attachment_add(call->plant, &file, &number, err);
    if (rc < 0) {
        return rc;
    }
    asking.number = file.nonconformance;
    call_json(call, 201, &asking.json);
    rc = ledger_read(plant_ledger(call->plant), read_nonconformance, &asking, err);
    return rc < 0 ? rc : 0;
}

int api_attachment_file(struct call *call, struct err *err) {
    int64_t nonconformance = 0;
    int64_t number = 0;
    int fd = -1;
    uint64_t size = 0;
    struct str name = STR_NONE;
    int rc = take_number(call, 1, SAY(PRODUCTION_NC_UNKNOWN), &nonconformance, err);
    rc = rc < 0 ? rc : take_number(call, 2, SAY(PRODUCTION_ATTACHMENT_GONE), &number, err);
    rc = rc < 0 ? rc
                : attachment_open(call->plant, nonconformance, number, &call->http->arena, &name,
                      &fd, &size, err);
    if (rc >= 0) {
        sent_file_answer(call, fd, size, name);
    }
    return rc < 0 ? rc : 0;
}

int api_attachment_remove(struct call *call, struct err *err) {
    int64_t nonconformance = 0;
    int64_t number = 0;
    int rc = take_number(call, 1, SAY(PRODUCTION_NC_UNKNOWN), &nonconformance, err);
    rc = rc < 0 ? rc : take_number(call, 2, SAY(PRODUCTION_ATTACHMENT_GONE), &number, err);
    rc = rc < 0 ? rc
                : attachment_remove(
                      call->plant, nonconformance, number, str_of(call->principal.id), err);
    if (rc >= 0) {
        call_empty(call, 204);
    }
    return rc < 0 ? rc : 0;
}

/* ---- Doubtful entries ---- */

static int read_doubts(struct ledger_tx *tx, void *context, struct err *err) {
    struct asking *asking = context;
    return doubt_put_list(
        tx, asking->state, asking->call->lang, (uint32_t)asking->limit, &asking->json, err);
}

int api_doubtful_events(struct call *call, struct err *err) {
    struct asking asking = {.call = call, .limit = LIST_DEFAULT};
    take_texts(call, (const char *const[]){"state", NULL}, (struct str *[]){&asking.state});
    int rc = call_param_count(call, "limit", INSPECTION_LIST_MAX, &asking.limit, err);
    return rc < 0 ? rc : answer_page(&asking, read_doubts, err);
}
