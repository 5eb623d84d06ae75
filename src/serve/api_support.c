/*
 * The factory's side of remote support: who wants in, the approval, what lasts, the end.
 *
 * Everybody of the plant may see that somebody is helping, who, and until when; only the owner lets
 * them in, in person and not by a token, and owner or manager sends them away.
 */
#include "serve/call.h"

#include "core/json_in.h"
#include "core/limits.h"
#include "ledger/support.h"
#include "serve/server.h"
#include "serve/support.h"
#include "serve/view.h"

enum { ROLE_BYTES = 36 };

static void put_counts(struct json *json, const struct support_counts *counts) {
    json_put_i64(json, "reads", counts->reads);
    json_put_i64(json, "changes", counts->changes);
    json_put_i64(json, "refused", counts->refused);
}

static int put_visit(void *context, const struct support_visit *visit, struct err *err) {
    (void)err;
    struct json *json = context;
    json_object_begin(json);
    json_put_str(json, "id", visit->id);
    json_put_str(json, "organisation", visit->organisation);
    json_put_str(json, "name", visit->name);
    json_put_str(json, "note", visit->note);
    json_put_str(json, "desk", visit->desk);
    json_put_str(json, "role", str_of(role_name(visit->role)));
    json_put_str(json, "approved_by", visit->approved_by);
    json_put_time(json, "begun", visit->begun_ns);
    json_put_time(json, "until", visit->until_ns);
    view_put_time(json, "ended", visit->ended_ns);
    if (visit->ended_by.size > 0) {
        json_put_str(json, "ended_by", visit->ended_by);
    } else {
        json_put_null(json, "ended_by");
    }
    put_counts(json, &visit->counts);
    json_object_end(json);
    return 0;
}

struct visits {
    struct call *call;
    struct json json;
};

static int visits_read(struct ledger_tx *tx, void *context, struct err *err) {
    struct visits *visits = context;
    return support_visit_each(tx, plant_id(visits->call->plant), put_visit, &visits->json, err);
}

static void put_now(struct call *call, struct json *json) {
    struct support_facts facts;
    if (!support_now(call->server->support, call->plant, &facts)) {
        json_put_null(json, "now");
        return;
    }
    json_key(json, "now");
    json_object_begin(json);
    json_put_str(json, "id", str_of(facts.id));
    json_put_str(json, "organisation", str_of(facts.organisation));
    json_put_str(json, "name", str_of(facts.name));
    json_put_str(json, "desk", str_of(facts.desk));
    json_put_str(json, "role", str_of(role_name(facts.role)));
    json_put_time(json, "until", facts.until_ns);
    json_put_bool(json, "connected", facts.connected);
    view_put_error(json, "trouble", &facts.trouble, call->lang);
    put_counts(json, &facts.counts);
    json_object_end(json);
}

static int answer(struct call *call, int status, struct err *err) {
    struct visits visits = {.call = call};
    call_json(call, status, &visits.json);
    json_object_begin(&visits.json);
    put_now(call, &visits.json);
    json_key(&visits.json, "items");
    json_array_begin(&visits.json);
    int rc = ledger_read(home_hub(call->server->home), visits_read, &visits, err);
    json_array_end(&visits.json);
    json_object_end(&visits.json);
    return rc < 0 ? rc : 0;
}

int api_support(struct call *call, struct err *err) {
    return answer(call, 200, err);
}

static int read_link(const struct json_in *body, struct support_link *ret_link, struct err *err) {
    struct str text = STR_NONE;
    int rc = json_in_need_str(body, "link", SUPPORT_LINK_BYTES, &text, err);
    return rc < 0 ? rc : support_link_read(text, ret_link, err);
}

/* Asking the desk holds a worker for seconds. */
static int look(struct call *call, const struct support_link *link, struct support_offer *ret_offer,
    struct err *err) {
    int rc = call_long_begin(call, err);
    if (rc >= 0) {
        rc = support_look(call->server->support, link, &call->http->arena, ret_offer, err);
        call_long_end(call);
    }
    return rc;
}

int api_support_look(struct call *call, struct err *err) {
    static const char *const MEMBERS[] = {"link", NULL};
    AUTO_JSON_IN struct json_in *body = NULL;
    struct support_link link;
    struct support_offer offer;
    int rc = json_in_parse(call->http->request.body, &body, err);
    rc = rc < 0 ? rc : json_in_only(body, MEMBERS, err);
    rc = rc < 0 ? rc : read_link(body, &link, err);
    rc = rc < 0 ? rc : look(call, &link, &offer, err);
    if (rc < 0) {
        call->status = rc == -ERR_FORBIDDEN ? 409 : 0; // Not a right of the caller's.
        return rc;
    }
    struct json json;
    call_json(call, 200, &json);
    json_object_begin(&json);
    json_put_str(&json, "organisation", offer.organisation);
    json_put_str(&json, "name", offer.name);
    json_put_str(&json, "factory", offer.factory);
    json_put_str(&json, "note", offer.note);
    json_put_str(&json, "desk", link.base);
    if (link.fingerprint[0]) {
        json_put_str(&json, "authority_sha256", str_of(link.fingerprint));
    } else {
        json_put_null(&json, "authority_sha256");
    }
    json_put_time(&json, "until", call->now_ns + offer.seconds * NS_PER_S);
    json_object_end(&json);
    return 0;
}

static int read_approval(
    const struct json_in *body, struct support_approval *approval, struct err *err) {
    struct str role = STR_NONE;
    int rc = json_in_need_str(body, "name", LIMIT_DISPLAY_BYTES, &approval->name, err);
    rc = rc < 0
             ? rc
             : json_in_str(body, "organisation", LIMIT_DISPLAY_BYTES, &approval->organisation, err);
    rc = rc < 0 ? rc : json_in_str(body, "note", SUPPORT_NOTE_BYTES, &approval->note, err);
    rc = rc < 0 ? rc : json_in_need_str(body, "role", ROLE_BYTES, &role, err);
    rc = rc < 0 ? rc : support_role_read(role, &approval->role, err);
    rc = rc < 0 ? rc : json_in_i64(body, "minutes", &approval->minutes, err);
    if (rc >= 0 &&
        (approval->minutes < SUPPORT_MINUTES_MIN || approval->minutes > SUPPORT_MINUTES_MAX)) {
        return err_set(err, ERR_RANGE, MSG_SUPPORT_MINUTES,
            ARGS(A_INT(SUPPORT_MINUTES_MIN), A_INT(SUPPORT_MINUTES_MAX)));
    }
    return rc;
}

int api_support_begin(struct call *call, struct err *err) {
    static const char *const MEMBERS[] = {
        "link", "organisation", "name", "note", "role", "minutes", NULL};
    AUTO_JSON_IN struct json_in *body = NULL;
    struct support_link link;
    struct support_approval approval = {.link = &link,
        .organisation = STR_NONE,
        .name = STR_NONE,
        .note = STR_NONE,
        .plant = call->plant,
        .approved_by = str_of(call->principal.id)};
    int rc = json_in_parse(call->http->request.body, &body, err);
    rc = rc < 0 ? rc : json_in_only(body, MEMBERS, err);
    rc = rc < 0 ? rc : read_link(body, &link, err);
    rc = rc < 0 ? rc : read_approval(body, &approval, err);
    rc = rc < 0 ? rc : call_long_begin(call, err);
    if (rc >= 0) {
        rc = support_begin(call->server->support, &approval, err);
        call_long_end(call);
        call->status = rc == -ERR_FORBIDDEN ? 409 : 0;
    }
    return rc < 0 ? rc : answer(call, 201, err);
}

int api_support_stop(struct call *call, struct err *err) {
    int rc = support_stop(call->server->support, call->plant, str_of(call->principal.id), err);
    if (rc >= 0) {
        call_empty(call, 204);
    }
    return rc;
}
