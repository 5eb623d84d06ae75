/*
 * Who may enter a plant, as its owners and managers see and change it. The last owner stays
 * (ledger/run.c). Somebody is added by invitation, or by id when the caller knows them already:
 * from another plant of theirs, from the same organisation, or as admin. Others do not exist here
 * either.
 */
#include "serve/roles.h"

#include <stdio.h>

#include "core/json_in.h"
#include "core/time.h"
#include "ledger/people.h"
#include "serve/server.h"
#include "serve/sign_in.h"
#include "serve/view.h"

enum { ROLE_BYTES = 16, TIME_BYTES = 64 };

/* ---- Roles (roles.h) ---- */

int role_read(const struct call *call, struct str text, enum role *ret_role, struct err *err) {
    (void)call;
    if (!role_of_name(text, ret_role) || *ret_role == ROLE_GRANTEE) {
        return err_set(err, ERR_INVALID, MSG_SERVE_ROLE_UNKNOWN, ARGS(A_STR(text)));
    }
    return 0;
}

int role_may_give(const struct call *call, enum role role, struct err *err) {
    bool plain = role == ROLE_VIEWER || role == ROLE_OPERATOR || role == ROLE_NONE;
    if (call->principal.role == ROLE_OWNER || plain) {
        return 0;
    }
    return err_set(err, ERR_FORBIDDEN, MSG_SERVE_ROLE_MANAGER, NO_ARGS);
}

struct str role_subject(
    struct str user_id, const struct call *call, enum role role, char to[ROLE_SUBJECT_MAX]) {
    (void)snprintf(to, ROLE_SUBJECT_MAX, "%.*s %.*s %s", STR_ARG(user_id),
        STR_ARG(plant_id(call->plant)), role_name(role));
    return str_of(to);
}

int days_read(const struct json_in *body, int64_t max, int64_t *ret_days, struct err *err) {
    int64_t days = *ret_days;
    int rc = json_in_i64(body, "days", &days, err);
    if (rc >= 0 && (days < 1 || days > max)) {
        return err_set(err, ERR_RANGE, MSG_SERVE_DAYS, ARGS(A_INT(days), A_INT(max)));
    }
    if (rc >= 0) {
        *ret_days = days;
    }
    return rc;
}

/* ---- The list ---- */

struct access_list {
    struct call *call;
    struct json json;
    struct str only; // One person's; empty: all.
    uint32_t count;
};

static int put_access(
    void *context, const struct access *access, const struct user_facts *user, struct err *err) {
    (void)err;
    struct access_list *list = context;
    struct json *json = &list->json;
    json_object_begin(json);
    json_key(json, "user");
    json_object_begin(json);
    json_put_str(json, "id", user->id);
    json_put_str(json, "login", user->login);
    json_put_str(json, "display", user->display);
    json_put_str(json, "email", user->email);
    json_key(json, "organisation");
    view_organisation(json, user);
    json_put_bool(json, "admin", user->admin);
    json_put_bool(json, "disabled", user->disabled);
    json_put_bool(json, "second_factor", user->second_factor);
    json_object_end(json);
    json_put_str(json, "role", str_of(role_name(access->role)));
    view_put_time(json, "until", access->until_ns);
    json_put_bool(json, "ended", access->until_ns != 0 && access->until_ns <= list->call->now_ns);
    json_put_str(json, "given_by", access->given_by);
    json_put_time(json, "created", access->created_ns);
    json_object_end(json);
    list->count++;
    return 0;
}

static int access_read(struct ledger_tx *tx, void *context, struct err *err) {
    struct access_list *list = context;
    return access_each(tx, plant_id(list->call->plant), list->only, put_access, list, err);
}

int api_access(struct call *call, struct err *err) {
    struct access_list list = {.call = call, .only = STR_NONE};
    call_json(call, 200, &list.json);
    view_items_begin(&list.json);
    int rc = ledger_read(home_hub(call->server->home), access_read, &list, err);
    view_items_end(&list.json);
    return rc;
}

/* ---- Changing ---- */

struct access_change {
    struct call *call;
    const struct json_in *body;
    struct access access;
};

struct access_look {
    struct access access;
    bool found;
};

static int note_access(
    void *context, const struct access *access, const struct user_facts *user, struct err *err) {
    (void)user;
    (void)err;
    struct access_look *look = context;
    look->access = *access;
    look->found = true;
    return 0;
}

/* Whether the caller knows this person: an admin, a colleague, or somebody of a plant they lead. */
static int need_known(struct ledger_tx *tx, const struct call *call, struct err *err) {
    struct user_facts user;
    bool seen = call->principal.admin;
    int rc = user_get(tx, call->args[1], &call->http->arena, &user, err);
    if (rc < 0 || seen || str_eq(user.organisation_id, str_of(call->principal.organisation))) {
        return rc;
    }
    rc = user_is_seen(tx, call->args[1], str_of(call->principal.id), &seen, err);
    return rc < 0 || seen ? rc : err_set(err, ERR_NOT_FOUND, MSG_LEDGER_USER_UNKNOWN, NO_ARGS);
}

static int read_until(struct access_change *change, struct err *err) {
    struct str text = STR_NONE;
    int rc = json_in_str(change->body, "until", TIME_BYTES, &text, err);
    if (rc == 0 && json_in_has(change->body, "until")) {
        change->access.until_ns = 0; // null: no end.
    }
    if (rc <= 0) {
        return rc;
    }
    if (!time_parse(text, plant_zone(change->call->plant), &change->access.until_ns) ||
        change->access.until_ns <= change->call->now_ns) {
        return err_set(err, ERR_INVALID, MSG_SERVE_UNTIL, ARGS(A_STR(text)));
    }
    return 0;
}

static int access_store(struct ledger_tx *tx, void *context, struct err *err) {
    struct access_change *change = context;
    const struct call *call = change->call;
    struct access_look look = {.found = false};
    struct str text = STR_NONE;
    int rc = need_known(tx, call, err);
    rc = rc < 0 ? rc
                : access_each(tx, plant_id(call->plant), call->args[1], note_access, &look, err);
    enum role before = look.found ? look.access.role : ROLE_NONE;
    change->access = (struct access){.user_id = call->args[1],
        .plant = plant_id(call->plant),
        .role = before,
        .until_ns = look.found ? look.access.until_ns : 0,
        .given_by = str_of(call->principal.id)};
    rc = rc < 0 ? rc : json_in_str(change->body, "role", ROLE_BYTES, &text, err);
    if (rc > 0) {
        rc = role_read(call, text, &change->access.role, err);
    }
    rc = rc < 0 ? rc : read_until(change, err);
    rc = rc < 0 ? rc : role_may_give(call, before, err);
    rc = rc < 0 ? rc : role_may_give(call, change->access.role, err);
    rc = rc < 0 ? rc : access_put(tx, &change->access, err);
    char subject[ROLE_SUBJECT_MAX];
    return rc < 0 ? rc
                  : people_audit(tx, call, "access.put",
                        role_subject(call->args[1], call, change->access.role, subject), err);
}

int api_access_put(struct call *call, struct err *err) {
    static const char *const MEMBERS[] = {"role", "until", NULL};
    AUTO_JSON_IN struct json_in *body = NULL;
    int rc = json_in_parse(call->http->request.body, &body, err);
    rc = rc < 0 ? rc : json_in_only(body, MEMBERS, err);
    struct access_change change = {.call = call, .body = body};
    rc = rc < 0 ? rc : ledger_write(home_hub(call->server->home), access_store, &change, err);
    if (rc < 0) {
        return rc;
    }
    stream_hub_recheck(call->server->streams);
    struct access_list list = {.call = call, .only = call->args[1]};
    call_json(call, 200, &list.json);
    return ledger_read(home_hub(call->server->home), access_read, &list, err);
}

static int access_remove_store(struct ledger_tx *tx, void *context, struct err *err) {
    struct call *call = context;
    struct access_look look = {.found = false};
    int rc = access_each(tx, plant_id(call->plant), call->args[1], note_access, &look, err);
    rc = rc < 0 ? rc : role_may_give(call, look.found ? look.access.role : ROLE_NONE, err);
    rc = rc < 0 ? rc : access_remove(tx, call->args[1], plant_id(call->plant), err);
    char subject[ROLE_SUBJECT_MAX];
    return rc < 0 ? rc
                  : people_audit(tx, call, "access.remove",
                        role_subject(call->args[1], call, look.access.role, subject), err);
}

int api_access_remove(struct call *call, struct err *err) {
    int rc = ledger_write(home_hub(call->server->home), access_remove_store, call, err);
    if (rc < 0) {
        return rc;
    }
    stream_hub_recheck(call->server->streams);
    call_empty(call, 204);
    return 0;
}
