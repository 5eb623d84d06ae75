/*
 * Cases over HTTP: applying, the queue, one case, acting, exporting.
 *
 * What the rules forbid is no failure of the server: it is 422 with the rules' own words and
 * sources, and nothing was done. Whoever may not see a case hears the same as of one that is not
 * there.
 */
#include "core/json_in.h"
#include "core/mem.h"
#include "programme/answer.h"
#include "programme/cases.h"
#include "programme/words.h"
#include "serve/desk_rights.h"
#include "serve/server.h"
#include "serve/view.h"

enum { ACTION_BYTES = 32, DETAIL_BYTES = 8192 };

struct acting {
    struct call *call;
    struct case_wish wish;
    struct case_done done;
};

static struct ledger *hub_of(const struct call *call) {
    return home_hub(call->server->home);
}

/* ---- One case ---- */

struct looking {
    struct call *call;
    struct json *json;
    struct str id;
    bool whole;
};

static int look_read(struct ledger_tx *tx, void *context, struct err *err) {
    struct looking *looking = context;
    struct call *call = looking->call;
    struct case_actor actor;
    struct str programme = STR_NONE;
    bool all = false;
    int rc = cases_programme(tx, looking->id, &call->http->arena, &programme, err);
    rc = rc < 0 ? rc : desk_actor(tx, call, programme, &actor, &all, err);
    struct case_look look = {
        .id = looking->id, .actor = &actor, .now_ns = call->now_ns, .whole = looking->whole};
    if (rc >= 0 && looking->whole && (actor.roles & (CASE_OFFICER | CASE_AUDITOR)) == 0) {
        return err_set(err, ERR_NOT_FOUND, SAY_DESK(CASE_UNKNOWN), NO_ARGS);
    }
    return rc < 0 ? rc : cases_write(tx, &look, looking->json, err);
}

static int answer_case(struct call *call, bool whole, struct err *err) {
    struct json json;
    struct looking looking = {.call = call, .json = &json, .id = call->args[0], .whole = whole};
    call_json(call, 200, &json);
    return ledger_read(hub_of(call), look_read, &looking, err);
}

int api_case_get(struct call *call, struct err *err) {
    return answer_case(call, false, err);
}

int api_case_export(struct call *call, struct err *err) {
    return answer_case(call, true, err);
}

/* ---- The queue ---- */

struct queueing {
    struct call *call;
    struct json json;
    struct case_query query;
    struct case_actor actor;
    struct str next;
};

static int queue_read(struct ledger_tx *tx, void *context, struct err *err) {
    struct queueing *queueing = context;
    int rc = desk_actor(tx, queueing->call, STR_NONE, &queueing->actor, &queueing->query.all, err);
    queueing->query.actor = &queueing->actor;
    return rc < 0 ? rc
                  : cases_list(tx, &queueing->query, &queueing->json, &queueing->call->http->arena,
                        &queueing->next, err);
}

int api_cases(struct call *call, struct err *err) {
    struct queueing queueing = {.call = call, .next = STR_NONE};
    struct case_query *query = &queueing.query;
    uint64_t limit = CASE_LIST_USUAL;
    *query = (struct case_query){.programme = STR_NONE,
        .step = STR_NONE,
        .state = STR_NONE,
        .due_before = STR_NONE,
        .q = STR_NONE,
        .cursor = STR_NONE};
    (void)call_param(call, "programme", &query->programme);
    (void)call_param(call, "step", &query->step);
    (void)call_param(call, "state", &query->state);
    (void)call_param(call, "due_before", &query->due_before);
    (void)call_param(call, "q", &query->q);
    (void)call_param(call, "cursor", &query->cursor);
    int rc = call_param_count(call, "limit", CASE_LIST_MAX, &limit, err);
    query->limit = (uint32_t)limit;
    if (rc < 0) {
        return rc;
    }
    call_json(call, 200, &queueing.json);
    view_items_begin(&queueing.json);
    rc = ledger_read(hub_of(call), queue_read, &queueing, err);
    view_items_page_end_at(&queueing.json, queueing.next);
    return rc;
}

/* ---- Acting ---- */

/* 422: what the rules refuse, in their own words. */
static int answer_refused(struct call *call, struct str told, struct err *err) {
    AUTO_JSON_IN struct json_in *answer = NULL;
    AUTO_BUF struct buf detail;
    AUTO_BUF struct buf lists;
    int rc = json_in_parse(told, &answer, err);
    if (rc < 0) {
        return rc;
    }
    const struct json_in *refused = json_in_get(answer, "refused");
    const char *lang = call->lang == LANG_EN ? "en" : "ko";
    buf_init(&detail, DETAIL_BYTES);
    buf_init(&lists, ANSWER_BYTES_MAX);
    for (size_t i = 0; i < json_in_count(refused); i++) {
        buf_put_str(&detail, i > 0 ? STR("; ") : STR_NONE);
        buf_put_str(&detail, json_in_text(json_in_get(json_in_at(refused, i), lang)));
    }
    struct err words = ERR_INIT;
    AUTO_BUF struct buf sentence;
    buf_init(&sentence, 2 * DETAIL_BYTES);
    (void)err_set(&words, ERR_CONFLICT, SAY_DESK(DESK_REFUSED), ARGS(A_STR(buf_str(&detail))));
    err_render(&words, call->lang, &sentence);
    AUTO_BUF struct buf title;
    buf_init(&title, DETAIL_BYTES);
    msg_render(SAY_DESK(DESK_REFUSED_TITLE), NO_ARGS, call->lang, &title);
    struct json json;
    call_json(call, 422, &json);
    call->http->response.content_type = "application/problem+json; charset=utf-8";
    json_object_begin(&json);
    json_put_str(&json, "type", STR("/problems/refused"));
    json_put_str(&json, "title", buf_str(&title));
    json_put_i64(&json, "status", 422);
    json_put_str(&json, "detail", buf_str(&sentence));
    json_put_str(&json, "code", STR("refused"));
    for (size_t i = 0; i < 3; i++) {
        const char *name = (const char *const[]){"refused", "notes", "asked"}[i];
        buf_clear(&lists);
        json_in_put(json_in_get(answer, name), &lists);
        json_key(&json, name);
        json_raw(&json, buf_str(&lists));
    }
    json_object_end(&json);
    return 0;
}

static int act_store(struct ledger_tx *tx, void *context, struct err *err) {
    struct acting *acting = context;
    struct call *call = acting->call;
    struct str programme = json_in_text(json_in_get(acting->wish.input, "programme"));
    bool all = false;
    bool sees = true;
    int rc = 0;
    if (acting->wish.id.size > 0) {
        rc = cases_programme(tx, acting->wish.id, &call->http->arena, &programme, err);
    }
    rc = rc < 0 ? rc : desk_actor(tx, call, programme, &acting->wish.actor, &all, err);
    if (rc >= 0 && acting->wish.id.size > 0) {
        rc = cases_may_see(tx, acting->wish.id, &acting->wish.actor, &sees, err);
    }
    if (rc >= 0 && !sees) {
        return err_set(err, ERR_NOT_FOUND, SAY_DESK(CASE_UNKNOWN), NO_ARGS);
    }
    return rc < 0 ? rc : cases_act(tx, &acting->wish, &acting->done, err);
}

static int answer_done(struct acting *acting, int status, struct err *err) {
    struct call *call = acting->call;
    const struct case_done *done = &acting->done;
    if (done->refused) {
        return answer_refused(call, buf_str(&done->answer), err);
    }
    struct json json;
    struct looking looking = {.call = call, .json = &json, .id = str_of(done->id)};
    call_json(call, done->again ? 200 : status, &json);
    json_object_begin(&json);
    json_put_i64(&json, "sequence", done->sequence);
    json_put_bool(&json, "again", done->again);
    json_key(&json, "answer");
    json_raw(&json, buf_str(&done->answer));
    json_key(&json, "case");
    int rc = ledger_read(hub_of(call), look_read, &looking, err);
    json_object_end(&json);
    return rc;
}

static int act(struct call *call, struct str id, struct err *err) {
    AUTO_JSON_IN struct json_in *body = NULL;
    struct acting acting = {.call = call};
    struct str action = STR("apply");
    int64_t expected = 0;
    struct str key = str_trim(http_header(call->http, "Idempotency-Key"));
    int rc = json_in_parse(call->http->request.body, &body, err);
    if (rc >= 0 && id.size > 0) {
        rc = json_in_need_str(body, "action", ACTION_BYTES, &action, err);
    }
    rc = rc < 0 ? rc : json_in_i64(body, "sequence", &expected, err);
    if (rc >= 0 && key.size > CASE_KEY_BYTES) {
        rc = err_set(err, ERR_INVALID, SAY_DESK(CASE_NEEDS), ARGS(A_CSTR("Idempotency-Key")));
    }
    if (rc < 0) {
        return rc;
    }
    acting.wish = (struct case_wish){.id = id,
        .action = action,
        .input = body,
        .key = key,
        .now_ns = call->now_ns,
        .expected = expected};
    buf_init(&acting.done.answer, ANSWER_BYTES_MAX);
    rc = ledger_write(hub_of(call), act_store, &acting, err);
    rc = rc < 0 ? rc : answer_done(&acting, id.size > 0 ? 200 : 201, err);
    buf_fini(&acting.done.answer);
    return rc;
}

int api_case_new(struct call *call, struct err *err) {
    return act(call, STR_NONE, err);
}

int api_case_act(struct call *call, struct err *err) {
    return act(call, call->args[0], err);
}
