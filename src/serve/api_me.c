/*
 * What people do about themselves: their name and how to reach them, their password, their second
 * factor, where they are signed in. Only a session may call; whoever holds one needs the password
 * again for what could shut its owner out.
 *
 * A password or code asked for here counts as a try of the account like one at the door: a stolen
 * session is no way to guess.
 */
#include "serve/call.h"

#include <string.h>

#include "core/json_in.h"
#include "core/limits.h"
#include "ledger/people.h"
#include "serve/server.h"
#include "serve/sign_in.h"
#include "serve/view.h"

/* ---- Who I am ---- */

struct me {
    struct call *call;
    struct user_facts user;
    int64_t recovery_left;
};

static int me_read(struct ledger_tx *tx, void *context, struct err *err) {
    struct me *me = context;
    struct str id = str_of(me->call->principal.id);
    int rc = user_get(tx, id, &me->call->http->arena, &me->user, err);
    return rc < 0 ? rc : second_left(tx, id, &me->recovery_left, err);
}

static int answer_me(struct call *call, struct err *err) {
    struct me me = {.call = call};
    int rc = ledger_read(home_hub(call->server->home), me_read, &me, err);
    if (rc < 0) {
        return rc;
    }
    struct json json;
    call_json(call, 200, &json);
    json_object_begin(&json);
    json_put_str(&json, "id", me.user.id);
    json_put_str(&json, "login", me.user.login);
    json_put_str(&json, "display", me.user.display);
    json_put_bool(&json, "admin", me.user.admin);
    json_put_bool(&json, "second_factor", me.user.second_factor);
    json_put_i64(&json, "recovery_left", me.recovery_left);
    json_key(&json, "organisation");
    view_organisation(&json, &me.user);
    json_put_str(&json, "email", me.user.email);
    json_put_str(&json, "phone", me.user.phone);
    json_put_str(&json, "language", me.user.language);
    json_put_time(&json, "created", me.user.created_ns);
    json_object_end(&json);
    return 0;
}

int api_me(struct call *call, struct err *err) {
    return answer_me(call, err);
}

struct me_change {
    struct call *call;
    const struct json_in *body;
};

static int me_change_store(struct ledger_tx *tx, void *context, struct err *err) {
    const struct me_change *change = context;
    struct str id = str_of(change->call->principal.id);
    struct user_facts user;
    int rc = user_get(tx, id, &change->call->http->arena, &user, err);
    if (rc < 0) {
        return rc;
    }
    struct user_contact contact = {user.display, user.email, user.phone, user.language};
    rc = json_in_str(change->body, "display", LIMIT_DISPLAY_BYTES, &contact.display, err);
    rc = rc < 0 ? rc : json_in_str(change->body, "email", EMAIL_BYTES, &contact.email, err);
    rc = rc < 0 ? rc : json_in_str(change->body, "phone", PHONE_BYTES, &contact.phone, err);
    rc = rc < 0 ? rc : json_in_str(change->body, "language", 8, &contact.language, err);
    if (rc >= 0 && contact.language.size > 0 && !str_eq(contact.language, STR("ko")) &&
        !str_eq(contact.language, STR("en"))) {
        return err_set(err, ERR_INVALID, MSG_SERVE_LANGUAGE, ARGS(A_STR(contact.language)));
    }
    rc = rc < 0 ? rc : user_contact_put(tx, id, &contact, err);
    return rc < 0 ? rc : people_audit(tx, change->call, "user.change", id, err);
}

int api_me_put(struct call *call, struct err *err) {
    static const char *const MEMBERS[] = {"display", "email", "phone", "language", NULL};
    AUTO_JSON_IN struct json_in *body = NULL;
    int rc = json_in_parse(call->http->request.body, &body, err);
    rc = rc < 0 ? rc : json_in_only(body, MEMBERS, err);
    struct me_change change = {call, body};
    rc = rc < 0 ? rc : ledger_write(home_hub(call->server->home), me_change_store, &change, err);
    return rc < 0 ? rc : answer_me(call, err);
}

/* ---- Password ---- */

struct password_change {
    struct call *call;
    char stored[PASSWORD_HASH_MAX];
    char hash[PASSWORD_HASH_MAX];
};

static int read_hash(struct ledger_tx *tx, void *context, struct err *err) {
    struct password_change *change = context;
    return user_hash(tx, str_of(change->call->principal.id), change->stored, err);
}

/* Whether this is the caller's password; 403 in words when not. */
static int need_password(struct call *call, struct str password, struct err *err) {
    struct password_change change = {.call = call};
    struct str login = str_of(call->principal.name);
    int rc = sign_in_count_account(call, login, err);
    rc = rc < 0 ? rc : ledger_read(home_hub(call->server->home), read_hash, &change, err);
    rc = rc < 0 ? rc : auth_password_matches(&call->server->auth, change.stored, password, err);
    if (rc == 0) {
        return err_set(err, ERR_FORBIDDEN, MSG_SERVE_PASSWORD_OLD, NO_ARGS);
    }
    return rc < 0 ? rc : 0;
}

static int password_store(struct ledger_tx *tx, void *context, struct err *err) {
    const struct password_change *change = context;
    const struct principal *who = &change->call->principal;
    int rc = user_password_put(tx, str_of(who->id), change->hash, str_of(who->session), err);
    return rc < 0 ? rc : people_audit(tx, change->call, "user.password", str_of(who->id), err);
}

int api_me_password(struct call *call, struct err *err) {
    static const char *const MEMBERS[] = {"old", "new", NULL};
    AUTO_JSON_IN struct json_in *body = NULL;
    struct str old = STR_NONE;
    struct str new = STR_NONE;
    struct password_change change = {.call = call};
    struct str login = str_of(call->principal.name);
    int rc = json_in_parse(call->http->request.body, &body, err);
    rc = rc < 0 ? rc : json_in_only(body, MEMBERS, err);
    rc = rc < 0 ? rc : json_in_need_str(body, "old", PASSWORD_BYTES, &old, err);
    rc = rc < 0 ? rc : json_in_need_str(body, "new", PASSWORD_BYTES, &new, err);
    rc = rc < 0 ? rc : need_password(call, old, err);
    if (rc < 0) {
        return rc;
    }
    sign_in_forgive(call, login);
    rc = auth_password_check(login, new, err);
    rc = rc < 0 ? rc : auth_password_hash(&call->server->auth, new, change.hash, err);
    rc = rc < 0 ? rc : ledger_write(home_hub(call->server->home), password_store, &change, err);
    if (rc < 0) {
        return rc;
    }
    stream_hub_recheck(call->server->streams);
    call_empty(call, 204);
    return 0;
}

/* ---- The second factor ---- */

struct second {
    struct call *call;
    struct str code;
    uint8_t key[HOME_KEY_BYTES];
    bool has_key;
    char secret[SECOND_TEXT_MAX];
    char codes[SECOND_CODES][SECOND_CODE_MAX];
};

/* Whether it is in force must be as said. */
static int need_second(
    struct ledger_tx *tx, const struct second *second, bool on, struct err *err) {
    struct user_facts user;
    int rc =
        user_get(tx, str_of(second->call->principal.id), &second->call->http->arena, &user, err);
    if (rc >= 0 && user.second_factor != on) {
        return err_set(err, ERR_CONFLICT, on ? MSG_SERVE_SECOND_OFF : MSG_SERVE_SECOND_ON, NO_ARGS);
    }
    return rc;
}

static int second_begin_store(struct ledger_tx *tx, void *context, struct err *err) {
    struct second *second = context;
    struct str id = str_of(second->call->principal.id);
    int rc = need_second(tx, second, false, err);
    rc = rc < 0 ? rc : home_second_key(second->call->server->home, true, second->key, err);
    rc = rc < 0 ? rc : second_begin(tx, id, second->key, second->secret, err);
    memset(second->key, 0, sizeof second->key);
    return rc;
}

/* Letters of a login name that an address must not hold bare. */
static void put_escaped(struct buf *to, const char *login) {
    for (const char *c = login; *c != '\0'; c++) {
        if (*c == '@' || *c == '+') {
            buf_printf(to, "%%%02X", (unsigned)*c);
        } else {
            buf_put_char(to, *c);
        }
    }
}

int api_totp_begin(struct call *call, struct err *err) {
    static const char *const MEMBERS[] = {"password", NULL};
    AUTO_JSON_IN struct json_in *body = NULL;
    struct second second = {.call = call};
    struct str password = STR_NONE;
    int rc = json_in_parse(call->http->request.body, &body, err);
    rc = rc < 0 ? rc : json_in_only(body, MEMBERS, err);
    rc = rc < 0 ? rc : json_in_need_str(body, "password", PASSWORD_BYTES, &password, err);
    rc = rc < 0 ? rc : need_password(call, password, err);
    if (rc < 0) {
        return rc;
    }
    sign_in_forgive(call, str_of(call->principal.name));
    rc = ledger_write(home_hub(call->server->home), second_begin_store, &second, err);
    if (rc < 0) {
        return rc;
    }
    AUTO_BUF struct buf uri;
    buf_init(&uri, 512);
    buf_put_str(&uri, STR("otpauth://totp/Maru:"));
    put_escaped(&uri, call->principal.name);
    buf_printf(&uri, "?secret=%s&issuer=Maru&algorithm=SHA1&digits=6&period=30", second.secret);
    struct json json;
    call_json(call, 200, &json);
    json_object_begin(&json);
    json_put_str(&json, "secret", str_of(second.secret));
    json_put_str(&json, "uri", buf_str(&uri));
    json_object_end(&json);
    return 0;
}

static int second_confirm_store(struct ledger_tx *tx, void *context, struct err *err) {
    struct second *second = context;
    struct str id = str_of(second->call->principal.id);
    int rc = need_second(tx, second, false, err);
    rc = rc < 0 ? rc : second_confirm(tx, id, second->key, second->code, second->codes, err);
    /* Whoever came in without it comes in anew. */
    rc = rc < 0 ? rc : session_end_all(tx, id, str_of(second->call->principal.session), err);
    return rc < 0 ? rc : people_audit(tx, second->call, "second_factor.begin", id, err);
}

int api_totp_confirm(struct call *call, struct err *err) {
    static const char *const MEMBERS[] = {"code", NULL};
    AUTO_JSON_IN struct json_in *body = NULL;
    struct second second = {.call = call};
    struct str login = str_of(call->principal.name);
    int rc = json_in_parse(call->http->request.body, &body, err);
    rc = rc < 0 ? rc : json_in_only(body, MEMBERS, err);
    rc = rc < 0 ? rc : json_in_need_str(body, "code", CODE_BYTES, &second.code, err);
    rc = rc < 0 ? rc : sign_in_count_account(call, login, err);
    rc = rc < 0 ? rc : home_second_key(call->server->home, true, second.key, err);
    rc = rc < 0 ? rc
                : ledger_write(home_hub(call->server->home), second_confirm_store, &second, err);
    memset(second.key, 0, sizeof second.key);
    if (rc < 0) {
        return rc;
    }
    sign_in_forgive(call, login);
    stream_hub_recheck(call->server->streams);
    struct json json;
    call_json(call, 200, &json);
    json_object_begin(&json);
    json_key(&json, "recovery");
    json_array_begin(&json);
    for (size_t i = 0; i < SECOND_CODES; i++) {
        json_str(&json, str_of(second.codes[i]));
    }
    json_array_end(&json);
    json_object_end(&json);
    return 0;
}

static int second_end_store(struct ledger_tx *tx, void *context, struct err *err) {
    struct second *second = context;
    struct str id = str_of(second->call->principal.id);
    int rc = need_second(tx, second, true, err);
    const uint8_t *key = second->has_key ? second->key : NULL;
    rc = rc < 0 ? rc : sign_in_spend_code(tx, second->call, id, key, second->code, err);
    rc = rc < 0 ? rc : second_end(tx, id, err);
    return rc < 0 ? rc : people_audit(tx, second->call, "second_factor.end", id, err);
}

int api_totp_end(struct call *call, struct err *err) {
    static const char *const MEMBERS[] = {"password", "code", NULL};
    AUTO_JSON_IN struct json_in *body = NULL;
    struct second second = {.call = call};
    struct str password = STR_NONE;
    int rc = json_in_parse(call->http->request.body, &body, err);
    rc = rc < 0 ? rc : json_in_only(body, MEMBERS, err);
    rc = rc < 0 ? rc : json_in_need_str(body, "password", PASSWORD_BYTES, &password, err);
    rc = rc < 0 ? rc : json_in_need_str(body, "code", CODE_BYTES, &second.code, err);
    rc = rc < 0 ? rc : need_password(call, password, err);
    if (rc < 0) {
        return rc;
    }
    struct err no_key = ERR_INIT; // Without the key a recovery code is still good.
    second.has_key = home_second_key(call->server->home, false, second.key, &no_key) >= 0;
    rc = ledger_write(home_hub(call->server->home), second_end_store, &second, err);
    memset(second.key, 0, sizeof second.key);
    if (rc < 0) {
        return rc;
    }
    sign_in_forgive(call, str_of(call->principal.name));
    call_empty(call, 204);
    return 0;
}

/* ---- Sessions ---- */

struct session_list {
    struct call *call;
    struct json json;
};

static int put_session(void *context, const struct session_facts *session, struct err *err) {
    (void)err;
    struct session_list *list = context;
    struct json *json = &list->json;
    json_object_begin(json);
    json_put_str(json, "id", session->id);
    json_put_bool(json, "current", str_eq(session->id, str_of(list->call->principal.session)));
    json_put_time(json, "created", session->created_ns);
    json_put_time(json, "seen", session->seen_ns);
    json_put_time(json, "until", session->expires_ns);
    json_put_str(json, "address", session->address);
    json_put_str(json, "agent", session->agent);
    json_object_end(json);
    return 0;
}

static int sessions_read(struct ledger_tx *tx, void *context, struct err *err) {
    struct session_list *list = context;
    return session_each(tx, str_of(list->call->principal.id), put_session, list, err);
}

int api_me_sessions(struct call *call, struct err *err) {
    struct session_list list = {.call = call};
    call_json(call, 200, &list.json);
    view_items_begin(&list.json);
    int rc = ledger_read(home_hub(call->server->home), sessions_read, &list, err);
    view_items_end(&list.json);
    return rc;
}

static int session_end_store(struct ledger_tx *tx, void *context, struct err *err) {
    struct call *call = context;
    const struct principal *who = &call->principal;
    bool all = call->args[0].size == 0;
    int rc = all ? session_end_all(tx, str_of(who->id), str_of(who->session), err)
                 : session_end_named(tx, str_of(who->id), call->args[0], err);
    return rc < 0 ? rc
                  : people_audit(tx, call, all ? "session.end_others" : "session.end_one",
                        str_of(who->id), err);
}

int api_me_session_end(struct call *call, struct err *err) {
    int rc = ledger_write(home_hub(call->server->home), session_end_store, call, err);
    if (rc < 0) {
        return rc;
    }
    stream_hub_recheck(call->server->streams);
    call_empty(call, 204);
    return 0;
}

int api_me_sessions_end(struct call *call, struct err *err) {
    return api_me_session_end(call, err);
}
