/*
 * Programmes of the desk: the list, an agency's own files, calls, rankings, roles, and questions.
 *
 * A question is answered by the same functions as on the command line and in cases; nothing is
 * stored. What changes something is the programme's officers', and stands in the hub's audit chain.
 */
#include "core/json_in.h"
#include "core/mem.h"
#include "programme/cases.h"
#include "programme/check.h"
#include "programme/shelf.h"
#include "programme/verbs.h"
#include "programme/words.h"
#include "serve/desk_rights.h"
#include "serve/server.h"
#include "serve/view.h"

enum { ANSWER_MAX = 16 << 20, REASON_BYTES = 2000, ROLES_MAX = 8 };

static struct ledger *hub_of(const struct call *call) {
    return home_hub(call->server->home);
}

/* ---- The list ---- */

struct listing {
    struct call *call;
    struct ledger_tx *tx;
    struct json json;
};

static int put_one(void *context, struct str id, struct err *err) {
    struct listing *listing = context;
    struct programme_now now = {0};
    int rc = programme_newest(listing->tx, id, &now, err);
    rc = rc < 0 ? rc : programme_write(listing->tx, &now, false, &listing->json, err);
    programme_free(now.programme);
    return rc;
}

static int put_shipped(void *context, const struct programme *programme, struct err *err) {
    return put_one(context, programme_id(programme), err);
}

static int list_read(struct ledger_tx *tx, void *context, struct err *err) {
    struct listing *listing = context;
    listing->tx = tx;
    int rc = shelf_each(put_shipped, listing, err);
    return rc < 0 ? rc : programme_own_each(tx, put_one, listing, err);
}

int api_programmes(struct call *call, struct err *err) {
    struct listing listing = {.call = call};
    call_json(call, 200, &listing.json);
    view_items_begin(&listing.json);
    int rc = ledger_read(hub_of(call), list_read, &listing, err);
    view_items_end(&listing.json);
    return rc;
}

static int one_read(struct ledger_tx *tx, void *context, struct err *err) {
    struct listing *listing = context;
    struct programme_now now = {0};
    int rc = programme_newest(tx, listing->call->args[0], &now, err);
    rc = rc < 0 ? rc : programme_write(tx, &now, true, &listing->json, err);
    programme_free(now.programme);
    return rc;
}

static int answer_programme(struct call *call, int status, struct err *err) {
    struct listing listing = {.call = call};
    call_json(call, status, &listing.json);
    return ledger_read(hub_of(call), one_read, &listing, err);
}

int api_programme_get(struct call *call, struct err *err) {
    return answer_programme(call, 200, err);
}

/* ---- Questions ---- */

struct question {
    struct call *call;
    const struct verb *verb;
    struct str type;
    const struct json_in *input;
    struct buf *out;
};

static int question_ask(struct ledger_tx *tx, void *context, struct err *err) {
    struct question *question = context;
    struct programme_now now = {0};
    int rc = programme_newest(tx, question->call->args[0], &now, err);
    rc = rc < 0 ? rc
                : verb_ask(question->verb, now.programme, question->type, question->input,
                      question->out, err);
    programme_free(now.programme);
    return rc;
}

int api_programme_ask(struct call *call, struct err *err) {
    AUTO_JSON_IN struct json_in *input = NULL;
    AUTO_BUF struct buf out;
    buf_init(&out, ANSWER_MAX);
    struct question question = {
        .call = call, .verb = verb_find(call->args[1]), .type = STR_NONE, .out = &out};
    if (!question.verb) {
        return err_set(err, ERR_NOT_FOUND, SAY_DESK(DESK_QUESTION), ARGS(A_STR(call->args[1])));
    }
    (void)call_param(call, "type", &question.type);
    int rc = json_in_parse(call->http->request.body, &input, err);
    question.input = input;
    rc = rc < 0 ? rc : ledger_read(hub_of(call), question_ask, &question, err);
    if (rc < 0) {
        return rc;
    }
    struct json json;
    call_json(call, 200, &json);
    json_raw(&json, buf_str(&out));
    return 0;
}

/* ---- An agency's own file ---- */

struct change {
    struct call *call;
    const struct json_in *body;
    struct str json;
    struct str reason;
    int64_t number; // Expected version, or budget.
    struct buf *answer;
};

/* The first fault in words; what is only worth a look does not stop it. */
static int refuse_fault(void *context, const struct finding *finding, struct err *err) {
    (void)context;
    if (!finding->is_fault) {
        return 0;
    }
    (void)err_set(err, ERR_INVALID, finding->msg, finding->args);
    return err_context(err, SAY_DESK(DESK_FAULT), ARGS(A_STR(finding->where)));
}

static int put_store(struct ledger_tx *tx, void *context, struct err *err) {
    struct change *change = context;
    struct case_actor actor;
    int64_t version = 0;
    int rc = desk_need_officer(tx, change->call, change->call->args[0], false, &actor, err);
    struct programme *programme = NULL;
    rc = rc < 0 ? rc : programme_parse(change->json, &programme, err);
    if (rc < 0) {
        return rc;
    }
    if (!str_eq(programme_id(programme), change->call->args[0])) {
        rc = err_set(err, ERR_INVALID, SAY_DESK(DESK_STORED_ID),
            ARGS(A_STR(programme_id(programme)), A_STR(change->call->args[0])));
    }
    rc = rc < 0 ? rc : programme_check(programme, refuse_fault, NULL, err);
    programme_free(programme);
    return rc < 0 ? rc : programme_put(tx, change->json, change->number, actor.user, &version, err);
}

int api_programme_put(struct call *call, struct err *err) {
    struct str expected = str_trim(http_header(call->http, "If-Match"));
    struct change change = {.call = call, .json = call->http->request.body};
    if (expected.size >= 2 && expected.data[0] == '"') {
        expected = str_slice(expected, 1, expected.size - 1);
    }
    if (expected.size > 0 && !str_to_i64(expected, &change.number)) {
        return err_set(err, ERR_INVALID, SAY_DESK(CASE_NEEDS), ARGS(A_CSTR("If-Match")));
    }
    int rc = ledger_write(hub_of(call), put_store, &change, err);
    return rc < 0 ? rc : answer_programme(call, 200, err);
}

/* ---- Calls ---- */

static int announce_store(struct ledger_tx *tx, void *context, struct err *err) {
    struct change *change = context;
    struct case_actor actor;
    int rc = desk_need_officer(tx, change->call, change->call->args[0], false, &actor, err);
    return rc < 0 ? rc
                  : programme_announce(tx, change->call->args[0], change->number, actor.user, err);
}

int api_programme_announce(struct call *call, struct err *err) {
    static const char *const MEMBERS[] = {"budget_won", NULL};
    AUTO_JSON_IN struct json_in *body = NULL;
    struct change change = {.call = call, .number = -1};
    int rc = json_in_parse(call->http->request.body, &body, err);
    rc = rc < 0 ? rc : json_in_only(body, MEMBERS, err);
    rc = rc < 0 ? rc : json_in_i64(body, "budget_won", &change.number, err);
    if (rc > 0 && change.number < 0) {
        return err_set(err, ERR_INVALID, SAY_DESK(PROGRAMME_WON), ARGS(A_CSTR("budget_won")));
    }
    rc = rc < 0 ? rc : ledger_write(hub_of(call), announce_store, &change, err);
    return rc < 0 ? rc : answer_programme(call, 200, err);
}

static int close_store(struct ledger_tx *tx, void *context, struct err *err) {
    struct change *change = context;
    struct case_actor actor;
    int rc = desk_need_officer(tx, change->call, change->call->args[0], false, &actor, err);
    return rc < 0 ? rc
                  : programme_close(tx, change->call->args[0], change->reason, actor.user, err);
}

int api_programme_close(struct call *call, struct err *err) {
    static const char *const MEMBERS[] = {"reason", NULL};
    AUTO_JSON_IN struct json_in *body = NULL;
    struct change change = {.call = call, .reason = STR_NONE};
    int rc = json_in_parse(call->http->request.body, &body, err);
    rc = rc < 0 ? rc : json_in_only(body, MEMBERS, err);
    rc = rc < 0 ? rc : json_in_str(body, "reason", REASON_BYTES, &change.reason, err);
    rc = rc < 0 ? rc : ledger_write(hub_of(call), close_store, &change, err);
    return rc < 0 ? rc : answer_programme(call, 200, err);
}

/* ---- Rankings ---- */

static int select_store(struct ledger_tx *tx, void *context, struct err *err) {
    struct change *change = context;
    struct case_actor actor;
    int rc = desk_need_officer(tx, change->call, change->call->args[0], false, &actor, err);
    struct case_select wish = {.programme = change->call->args[0],
        .actor = actor,
        .reason = change->reason,
        .input = change->body,
        .now_ns = change->call->now_ns,
        .dry = change->number == 1};
    return rc < 0 ? rc : cases_select(tx, &wish, change->answer, err);
}

int api_programme_select(struct call *call, struct err *err) {
    static const char *const MEMBERS[] = {"options", "slots", "at", "reason", "dry_run", NULL};
    AUTO_JSON_IN struct json_in *body = NULL;
    AUTO_BUF struct buf answer;
    buf_init(&answer, ANSWER_MAX);
    bool dry = false;
    struct change change = {.call = call, .reason = STR_NONE, .answer = &answer};
    int rc = json_in_parse(call->http->request.body, &body, err);
    rc = rc < 0 ? rc : json_in_only(body, MEMBERS, err);
    rc = rc < 0 ? rc : json_in_str(body, "reason", REASON_BYTES, &change.reason, err);
    rc = rc < 0 ? rc : json_in_bool(body, "dry_run", &dry, err);
    change.body = body;
    change.number = dry;
    rc = rc < 0 ? rc : ledger_write(hub_of(call), select_store, &change, err);
    if (rc < 0) {
        return rc;
    }
    struct json json;
    call_json(call, 200, &json);
    json_raw(&json, buf_str(&answer));
    return 0;
}

/* ---- Roles ---- */

static int roles_read(struct ledger_tx *tx, void *context, struct err *err) {
    struct listing *listing = context;
    struct case_actor actor;
    int rc = desk_need_officer(tx, listing->call, listing->call->args[0], true, &actor, err);
    return rc < 0 ? rc : case_roles_write(tx, listing->call->args[0], &listing->json, err);
}

int api_programme_roles(struct call *call, struct err *err) {
    struct listing listing = {.call = call};
    call_json(call, 200, &listing.json);
    view_items_begin(&listing.json);
    int rc = ledger_read(hub_of(call), roles_read, &listing, err);
    view_items_end(&listing.json);
    return rc;
}

/* Officers and auditors are named by an admin; an officer names the others. */
static int roles_store(struct ledger_tx *tx, void *context, struct err *err) {
    struct change *change = context;
    struct case_actor actor;
    struct str programme = change->call->args[0];
    struct str user = change->call->args[1];
    uint32_t before = 0;
    bool all = false;
    int rc = desk_need_officer(tx, change->call, programme, false, &actor, err);
    rc = rc < 0 ? rc : desk_actor(tx, change->call, programme, &actor, &all, err);
    rc = rc < 0 ? rc : case_roles(tx, user, programme, &before, err);
    if (rc < 0) {
        return rc;
    }
    uint32_t wanted = (uint32_t)change->number;
    uint32_t changed = wanted ^ before;
    if (!all && ((changed & (CASE_OFFICER | CASE_AUDITOR)) != 0 || str_eq(programme, STR("*")))) {
        return err_set(err, ERR_FORBIDDEN, SAY_DESK(DESK_AUTHORITY), NO_ARGS);
    }
    for (uint32_t role = 1; role <= CASE_ROLES_ALL && rc >= 0; role <<= 1) {
        if ((changed & role) != 0) {
            rc = case_role_put(tx, user, programme, role, (wanted & role) != 0, actor.user, err);
        }
    }
    return rc;
}

int api_programme_roles_put(struct call *call, struct err *err) {
    static const char *const MEMBERS[] = {"roles", NULL};
    AUTO_JSON_IN struct json_in *body = NULL;
    struct str names[ROLES_MAX];
    struct change change = {.call = call};
    int rc = json_in_parse(call->http->request.body, &body, err);
    rc = rc < 0 ? rc : json_in_only(body, MEMBERS, err);
    int count = rc < 0 ? rc : json_in_texts(body, "roles", names, ROLES_MAX, err);
    if (count < 0) {
        return count;
    }
    for (int i = 0; i < count; i++) {
        uint32_t role = 0;
        if (!case_role_of_name(names[i], &role)) {
            return err_set(err, ERR_INVALID, SAY_DESK(DESK_ROLE), ARGS(A_STR(names[i])));
        }
        change.number |= role;
    }
    rc = ledger_write(hub_of(call), roles_store, &change, err);
    return rc < 0 ? rc : api_programme_roles(call, err);
}
