/*
 * Organisations and people, as admins of the home manage them, and as owners and managers see those
 * who come into their plants. Nothing here opens a plant.
 *
 * An admin may set somebody's password anew and so come in as them; that cannot be kept from
 * whoever manages accounts, but it is told: to the audit chain, and to the person, whose password
 * is another one.
 */
#include "serve/call.h"

#include <string.h>

#include "core/json_in.h"
#include "core/limits.h"
#include "ledger/people.h"
#include "serve/server.h"
#include "serve/sign_in.h"
#include "serve/view.h"

static const int64_t RESET_LIFETIME_NS = 24 * 3600 * NS_PER_S;
enum { KIND_BYTES = 32 };

/* ---- Organisations ---- */

static void put_organisation(struct json *json, const struct organisation *organisation) {
    json_object_begin(json);
    json_put_str(json, "id", organisation->id);
    json_put_str(json, "kind", organisation->kind);
    json_put_str(json, "name", organisation->name);
    json_put_str(json, "number", organisation->number);
    json_put_bool(json, "disabled", organisation->disabled);
    json_put_time(json, "created", organisation->created_ns);
    json_object_end(json);
}

struct people_list {
    struct call *call;
    struct json json;
};

static int put_organisation_item(
    void *context, const struct organisation *organisation, struct err *err) {
    (void)err;
    struct people_list *list = context;
    put_organisation(&list->json, organisation);
    return 0;
}

/* Whose eyes a list is for: an admin sees all. */
static struct str seen_by(const struct call *call) {
    return call->principal.admin ? STR_NONE : str_of(call->principal.id);
}

static int organisations_read(struct ledger_tx *tx, void *context, struct err *err) {
    struct people_list *list = context;
    return organisation_each(tx, seen_by(list->call), put_organisation_item, list, err);
}

int api_organisations(struct call *call, struct err *err) {
    struct people_list list = {.call = call};
    call_json(call, 200, &list.json);
    view_items_begin(&list.json);
    int rc = ledger_read(home_hub(call->server->home), organisations_read, &list, err);
    view_items_end(&list.json);
    return rc;
}

struct organisation_change {
    struct call *call;
    const struct json_in *body;
    struct organisation organisation;
    char id[40];
};

static int organisation_fill(struct organisation_change *change, struct err *err) {
    struct organisation *to = &change->organisation;
    int rc = json_in_str(change->body, "name", LIMIT_DISPLAY_BYTES, &to->name, err);
    rc = rc < 0 ? rc : json_in_str(change->body, "kind", KIND_BYTES, &to->kind, err);
    rc = rc < 0 ? rc
                : json_in_str(change->body, "number", ORGANISATION_NUMBER_BYTES, &to->number, err);
    return rc < 0 ? rc : json_in_bool(change->body, "disabled", &to->disabled, err);
}

static int organisation_store(struct ledger_tx *tx, void *context, struct err *err) {
    struct organisation_change *change = context;
    struct arena *arena = &change->call->http->arena;
    struct str id = change->call->args[0];
    bool is_new = id.size == 0;
    int rc = is_new ? 0 : organisation_get(tx, id, arena, &change->organisation, err);
    rc = rc < 0 ? rc : organisation_fill(change, err);
    if (rc >= 0 && is_new) {
        rc = organisation_new(tx, &change->organisation, change->id, err);
        id = str_of(change->id);
    } else if (rc >= 0) {
        rc = organisation_change(tx, &change->organisation, err);
    }
    rc = rc < 0 ? rc : organisation_get(tx, id, arena, &change->organisation, err);
    return rc < 0 ? rc
                  : people_audit(tx, change->call,
                        is_new ? "organisation.create" : "organisation.change", id, err);
}

static int organisation_take(struct call *call, int status, struct err *err) {
    static const char *const MEMBERS[] = {"name", "kind", "number", "disabled", NULL};
    AUTO_JSON_IN struct json_in *body = NULL;
    int rc = json_in_parse(call->http->request.body, &body, err);
    rc = rc < 0 ? rc : json_in_only(body, MEMBERS, err);
    struct organisation_change change = {.call = call,
        .body = body,
        .organisation = {.kind = STR("manufacturer"), .name = STR_NONE, .number = STR_NONE}};
    if (rc >= 0 && call->args[0].size == 0) {
        rc = json_in_need_str(body, "name", LIMIT_DISPLAY_BYTES, &change.organisation.name, err);
    }
    rc = rc < 0 ? rc : ledger_write(home_hub(call->server->home), organisation_store, &change, err);
    if (rc < 0) {
        return rc;
    }
    stream_hub_recheck(call->server->streams);
    struct json json;
    call_json(call, status, &json);
    put_organisation(&json, &change.organisation);
    return 0;
}

int api_organisation_new(struct call *call, struct err *err) {
    return organisation_take(call, 201, err);
}

int api_organisation_put(struct call *call, struct err *err) {
    return organisation_take(call, 200, err);
}

/* ---- People ---- */

static void put_user(const struct call *call, struct json *json, const struct user_facts *user) {
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
    json_put_time(json, "created", user->created_ns);
    /* When somebody was last at work, also next door, is for admins. */
    view_put_time(json, "seen", call->principal.admin ? user->seen_ns : 0);
    json_object_end(json);
}

static int put_user_item(void *context, const struct user_facts *user, struct err *err) {
    (void)err;
    struct people_list *list = context;
    put_user(list->call, &list->json, user);
    return 0;
}

static int users_read(struct ledger_tx *tx, void *context, struct err *err) {
    struct people_list *list = context;
    return user_each(tx, seen_by(list->call), put_user_item, list, err);
}

int api_users(struct call *call, struct err *err) {
    struct people_list list = {.call = call};
    call_json(call, 200, &list.json);
    view_items_begin(&list.json);
    int rc = ledger_read(home_hub(call->server->home), users_read, &list, err);
    view_items_end(&list.json);
    return rc;
}

struct user_change {
    struct call *call;
    const struct json_in *body;
    struct user_facts user;
};

static int user_store(struct ledger_tx *tx, void *context, struct err *err) {
    struct user_change *change = context;
    struct arena *arena = &change->call->http->arena;
    struct str id = change->call->args[0];
    int rc = user_get(tx, id, arena, &change->user, err);
    if (rc < 0) {
        return rc;
    }
    const struct user_facts *user = &change->user;
    struct user_contact contact = {user->display, user->email, user->phone, user->language};
    bool admin = user->admin;
    bool disabled = user->disabled;
    rc = json_in_str(change->body, "display", LIMIT_DISPLAY_BYTES, &contact.display, err);
    rc = rc < 0 ? rc : json_in_bool(change->body, "admin", &admin, err);
    rc = rc < 0 ? rc : json_in_bool(change->body, "disabled", &disabled, err);
    rc = rc < 0 ? rc : user_contact_put(tx, id, &contact, err);
    rc = rc < 0 ? rc : user_state_put(tx, id, admin, disabled, err);
    const char *action = disabled && !user->disabled   ? "user.disable"
                         : !disabled && user->disabled ? "user.enable"
                         : admin && !user->admin       ? "admin.give"
                         : !admin && user->admin       ? "admin.take"
                                                       : "user.change";
    rc = rc < 0 ? rc : user_get(tx, id, arena, &change->user, err);
    return rc < 0 ? rc : people_audit(tx, change->call, action, id, err);
}

int api_user_put(struct call *call, struct err *err) {
    static const char *const MEMBERS[] = {"display", "admin", "disabled", NULL};
    AUTO_JSON_IN struct json_in *body = NULL;
    int rc = json_in_parse(call->http->request.body, &body, err);
    rc = rc < 0 ? rc : json_in_only(body, MEMBERS, err);
    struct user_change change = {.call = call, .body = body};
    rc = rc < 0 ? rc : ledger_write(home_hub(call->server->home), user_store, &change, err);
    if (rc < 0) {
        return rc;
    }
    stream_hub_recheck(call->server->streams);
    struct json json;
    call_json(call, 200, &json);
    put_user(call, &json, &change.user);
    return 0;
}

static int erase_store(struct ledger_tx *tx, void *context, struct err *err) {
    struct call *call = context;
    struct str id = call->args[0];
    bool self = str_eq(id, str_of(call->principal.id));
    /* Told before when it is oneself: the payload, one's address, goes with the rest. */
    int rc = self ? people_audit(tx, call, "user.erase", id, err) : 0;
    rc = rc < 0 ? rc : user_erase(tx, id, err);
    return rc < 0 || self ? rc : people_audit(tx, call, "user.erase", id, err);
}

static int sessions_end_store(struct ledger_tx *tx, void *context, struct err *err) {
    struct call *call = context;
    struct user_facts user;
    int rc = user_get(tx, call->args[0], &call->http->arena, &user, err);
    rc = rc < 0 ? rc : session_end_all(tx, call->args[0], STR_NONE, err);
    return rc < 0 ? rc : people_audit(tx, call, "user.sign_out", call->args[0], err);
}

static int change_and_recheck(struct call *call, ledger_fn fn, struct err *err) {
    int rc = ledger_write(home_hub(call->server->home), fn, call, err);
    if (rc < 0) {
        return rc;
    }
    stream_hub_recheck(call->server->streams);
    call_empty(call, 204);
    return 0;
}

int api_user_erase(struct call *call, struct err *err) {
    return change_and_recheck(call, erase_store, err);
}

int api_user_sessions_end(struct call *call, struct err *err) {
    return change_and_recheck(call, sessions_end_store, err);
}

/* ---- A new password for somebody ---- */

struct reset {
    struct call *call;
    bool second_factor; // Is taken off as well, when the link is spent.
    char secret[SECRET_TEXT_MAX];
};

/* An admin may; so may the owner of all the plants the person has to do with. To whom the person
 * is out of sight, there is nobody. */
static int may_reset(struct ledger_tx *tx, const struct call *call, struct err *err) {
    struct str id = call->args[0];
    struct str by = str_of(call->principal.id);
    bool good = call->principal.admin;
    bool seen = false;
    int rc = good ? 0 : user_is_owned(tx, id, by, &good, err);
    if (rc < 0 || good) {
        return rc;
    }
    rc = user_is_seen(tx, id, by, &seen, err);
    if (rc < 0) {
        return rc;
    }
    return seen ? err_set(err, ERR_FORBIDDEN, MSG_SERVE_RESET_NOT_YOURS, NO_ARGS)
                : err_set(err, ERR_NOT_FOUND, MSG_LEDGER_USER_UNKNOWN, NO_ARGS);
}

static int reset_store(struct ledger_tx *tx, void *context, struct err *err) {
    struct reset *reset = context;
    struct call *call = reset->call;
    struct user_facts user;
    int rc = may_reset(tx, call, err);
    rc = rc < 0 ? rc : user_get(tx, call->args[0], &call->http->arena, &user, err);
    rc = rc < 0 ? rc
                : reset_link_new(tx, call->args[0], RESET_LIFETIME_NS, reset->second_factor,
                      reset->secret, err);
    return rc < 0 ? rc
                  : people_audit(tx, call, reset->second_factor ? "user.reset_both" : "user.reset",
                        call->args[0], err);
}

int api_user_reset(struct call *call, struct err *err) {
    static const char *const MEMBERS[] = {"second_factor", NULL};
    AUTO_JSON_IN struct json_in *body = NULL;
    struct reset reset = {.call = call};
    int rc = json_in_parse(call->http->request.body, &body, err);
    rc = rc < 0 ? rc : json_in_only(body, MEMBERS, err);
    rc = rc < 0 ? rc : json_in_bool(body, "second_factor", &reset.second_factor, err);
    rc = rc < 0 ? rc : ledger_write(home_hub(call->server->home), reset_store, &reset, err);
    if (rc < 0) {
        return rc;
    }
    char link[16 + SECRET_TEXT_MAX] = "/reset#";
    (void)str_copy_z(str_of(reset.secret), link + strlen(link), sizeof link - strlen(link));
    struct json json;
    call_json(call, 200, &json);
    json_object_begin(&json);
    json_put_str(&json, "link", str_of(link));
    json_put_time(&json, "until", call->now_ns + RESET_LIFETIME_NS);
    json_object_end(&json);
    return 0;
}

struct reset_entry {
    struct str secret;
    char user_id[40];
    char hash[PASSWORD_HASH_MAX];
    struct user_facts user;
    struct call *call;
};

static int reset_look(struct ledger_tx *tx, void *context, struct err *err) {
    struct reset_entry *entry = context;
    int rc = reset_link_find(tx, entry->secret, false, entry->user_id, err);
    return rc < 0
               ? rc
               : user_get(tx, str_of(entry->user_id), &entry->call->http->arena, &entry->user, err);
}

static int reset_before(struct ledger_tx *tx, struct sign_in *in, struct err *err) {
    struct reset_entry *entry = in->context;
    int rc = reset_link_find(tx, entry->secret, true, in->user_id, err);
    return rc < 0 ? rc : user_password_put(tx, str_of(in->user_id), entry->hash, STR_NONE, err);
}

int api_reset(struct call *call, struct err *err) {
    static const char *const MEMBERS[] = {"secret", "password", "code", NULL};
    AUTO_JSON_IN struct json_in *body = NULL;
    struct reset_entry entry = {.call = call};
    struct str password = STR_NONE;
    struct sign_in in = {.before = reset_before,
        .context = &entry,
        .action = "user.password_link",
        .code = STR_NONE};
    int rc = json_in_parse(call->http->request.body, &body, err);
    rc = rc < 0 ? rc : json_in_only(body, MEMBERS, err);
    rc = rc < 0 ? rc : json_in_need_str(body, "secret", LINK_BYTES, &entry.secret, err);
    rc = rc < 0 ? rc : json_in_need_str(body, "password", PASSWORD_BYTES, &password, err);
    rc = rc < 0 ? rc : json_in_str(body, "code", CODE_BYTES, &in.code, err);
    rc = rc < 0 ? rc : sign_in_count_try(call, err);
    rc = rc < 0 ? rc : ledger_read(home_hub(call->server->home), reset_look, &entry, err);
    rc = rc < 0 ? rc : auth_password_check(entry.user.login, password, err);
    rc = rc < 0 ? rc : auth_password_hash(&call->server->auth, password, entry.hash, err);
    rc = rc < 0 ? rc : sign_in_answer(call, &in, err); // Counts a wrong code.
    if (rc >= 0) {
        stream_hub_recheck(call->server->streams);
    }
    return rc;
}
