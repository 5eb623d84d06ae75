/*
 * Beginning a session.
 *
 * The second factor is asked for before a session exists, in the transaction that makes it: a code
 * that was spent and a session that was made are one thing. A secret of a session that the browser
 * sent along is never taken over; that session ends (session fixation, OWASP ASVS 3.2.1).
 *
 * Tries are counted by network and by account within a network, and more loosely by account alone,
 * so that a stranger elsewhere cannot shut anybody out. The account's count does not ask whether
 * the account exists, so that being locked tells nothing. Wrong codes are counted by person in a
 * table that only those reach who know a password, so no flood of tries makes it forget. All of it
 * is in memory only: a restart forgives.
 */
#include "serve/sign_in.h"

#include <string.h>

#include "ledger/people.h"
#include "serve/server.h"
#include "serve/view.h"

int people_audit_by(struct ledger_tx *tx, const struct call *call, struct str actor,
    const char *action, struct str subject, struct err *err) {
    char address[ADDRESS_TEXT_BYTES];
    auth_address_text(&call->http->request.address, address);
    return audit_append(tx, actor, str_of(action), subject, str_of(address), err);
}

int people_audit(struct ledger_tx *tx, const struct call *call, const char *action,
    struct str subject, struct err *err) {
    return people_audit_by(tx, call, str_of(call->principal.id), action, subject, err);
}

/* ---- The answer that tells who is signed in ---- */

struct user_view {
    struct str id;
    struct arena *arena;
    bool owner_exists;
    bool found;
    struct user_facts user;
};

static int read_user_view(struct ledger_tx *tx, void *context, struct err *err) {
    struct user_view *view = context;
    int rc = hub_owner_exists(tx, &view->owner_exists, err);
    if (rc >= 0 && view->id.size > 0) {
        rc = user_get(tx, view->id, view->arena, &view->user, err);
        view->found = rc >= 0;
    }
    return rc < 0 && rc != -ERR_NOT_FOUND ? rc : 0;
}

static void put_user(struct json *json, const struct principal *principal,
    const struct user_view *view, enum role first) {
    json_object_begin(json);
    json_put_str(json, "id", str_of(principal->id));
    json_put_str(json, "login", str_of(principal->name));
    json_put_str(json, "display", view->found ? view->user.display : str_of(principal->display));
    if (first != ROLE_NONE) {
        json_put_str(json, "role", str_of(role_name(first)));
    } else {
        json_put_null(json, "role");
    }
    json_put_bool(json, "admin", principal->admin);
    json_put_bool(json, "second_factor", view->found && view->user.second_factor);
    json_key(json, "organisation");
    if (view->found) {
        view_organisation(json, &view->user);
    } else {
        json_null(json);
    }
    json_object_end(json);
}

int answer_session(struct call *call, const struct principal *principal, struct err *err) {
    struct server *server = call->server;
    struct user_view view = {.arena = &call->http->arena, .id = STR_NONE};
    enum role roles[HOME_PLANTS_MAX] = {ROLE_NONE};
    enum role first = ROLE_NONE;
    uint32_t count = home_plant_count(server->home);
    if (principal) {
        view.id = principal->is_session ? str_of(principal->id) : STR_NONE;
        call->principal = *principal;
        call->known = true;
    }
    int rc = ledger_read(home_hub(server->home), read_user_view, &view, err);
    for (uint32_t i = 0; rc >= 0 && i < count && principal; i++) {
        rc = call_role_in(call, home_plant_at(server->home, i), &roles[i], err);
        first = first == ROLE_NONE ? roles[i] : first;
    }
    if (rc < 0) {
        return rc;
    }
    struct json json;
    call_json(call, 200, &json);
    json_object_begin(&json);
    json_key(&json, "user");
    if (principal) {
        put_user(&json, principal, &view, first);
        json_key(&json, "plants");
        json_array_begin(&json);
        for (uint32_t i = 0; i < count; i++) {
            if (roles[i] != ROLE_NONE) {
                view_plant(&json, home_plant_at(server->home, i), roles[i]);
            }
        }
        json_array_end(&json);
    } else {
        json_null(&json);
    }
    json_put_bool(&json, "setup_needed", !view.owner_exists && !server->options.demo);
    json_put_bool(&json, "demo", server->options.demo);
    json_put_str(&json, "version", str_of(MARU_VERSION));
    json_put_str(&json, "epoch", str_of(server->epoch));
    json_object_end(&json);
    return 0;
}

void set_session_cookie(struct call *call, const char *secret, int64_t lifetime_s) {
    AUTO_BUF struct buf cookie = {0};
    buf_init(&cookie, 256);
    buf_printf(&cookie, SESSION_COOKIE "=%s; Path=/; HttpOnly; SameSite=Strict; Max-Age=%lld%s",
        secret, (long long)lifetime_s, call->server->options.tls ? "; Secure" : "");
    http_answer_header(call->http, "Set-Cookie", buf_str(&cookie));
}

/* ---- Tries ---- */

int sign_in_count_try(struct call *call, struct err *err) {
    uint32_t wait_s = 0;
    int rc = auth_login_try(&call->server->auth, &call->http->request.address,
        clock_mono_ns(call->server->clock), &wait_s, err);
    if (rc < 0) {
        call->status = 429;
        call->retry_after_s = wait_s;
    }
    return rc;
}

int sign_in_count_account(struct call *call, struct str login, struct err *err) {
    uint32_t wait_s = 0;
    int rc = auth_account_try(&call->server->auth, login, &call->http->request.address,
        clock_mono_ns(call->server->clock), &wait_s, err);
    if (rc < 0) {
        call->status = 429;
        call->retry_after_s = wait_s;
    }
    return rc;
}

void sign_in_forgive(struct call *call, struct str login) {
    auth_account_forgive(&call->server->auth, login, &call->http->request.address,
        clock_mono_ns(call->server->clock));
}

int sign_in_spend_code(struct ledger_tx *tx, struct call *call, struct str user_id,
    const uint8_t *key, struct str code, struct err *err) {
    struct auth *auth = &call->server->auth;
    int64_t now_ns = clock_mono_ns(call->server->clock);
    uint32_t wait_s = 0;
    int rc = auth_code_try(auth, user_id, now_ns, &wait_s, err);
    if (rc < 0) {
        call->status = 429;
        call->retry_after_s = wait_s;
        return rc;
    }
    rc = second_spend(tx, user_id, key, code, err);
    if (rc != -ERR_FORBIDDEN) {
        auth_code_forgive(auth, user_id, now_ns);
    }
    return rc;
}

/* ---- The session ---- */

static int ask_second(struct ledger_tx *tx, struct sign_in *in, struct err *err) {
    AUTO_ARENA struct arena arena;
    arena_init(&arena, 0);
    struct user_facts user;
    int rc = user_get(tx, str_of(in->user_id), &arena, &user, err);
    if (rc < 0 || !user.second_factor) {
        return rc;
    }
    if (in->code.size == 0) {
        return err_set(err, ERR_UNAUTHENTICATED, MSG_SERVE_SECOND_FACTOR, NO_ARGS);
    }
    const uint8_t *key = in->has_key ? in->key : NULL;
    rc = sign_in_spend_code(tx, in->call, str_of(in->user_id), key, in->code, err);
    return rc == -ERR_FORBIDDEN ? err_set(err, ERR_UNAUTHENTICATED, MSG_LEDGER_CODE_WRONG, NO_ARGS)
                                : rc;
}

static int sign_in_store(struct ledger_tx *tx, void *context, struct err *err) {
    struct sign_in *in = context;
    struct call *call = in->call;
    char address[ADDRESS_TEXT_BYTES];
    auth_address_text(&call->http->request.address, address);
    int rc = in->before ? in->before(tx, in, err) : 0;
    if (rc >= 0) {
        rc = ask_second(tx, in, err);
    }
    if (rc >= 0 && call->known && call->principal.is_session) {
        rc = session_end(tx, call->secret, err);
    }
    if (rc >= 0) {
        struct session_wish wish = {.user_id = str_of(in->user_id),
            .lifetime_ns = SESSION_LIFETIME_S * NS_PER_S,
            .address = str_of(address),
            .agent = http_header(call->http, "User-Agent")};
        rc = session_new(tx, &wish, in->secret, err);
    }
    return rc < 0 ? rc
                  : people_audit_by(
                        tx, call, str_of(in->user_id), in->action, str_of(in->user_id), err);
}

int sign_in_answer(struct call *call, struct sign_in *in, struct err *err) {
    struct ledger *hub = home_hub(call->server->home);
    struct err no_key = ERR_INIT; // Without the key a recovery code is still good.
    in->call = call;
    in->has_key = home_second_key(call->server->home, false, in->key, &no_key) >= 0;
    int rc = ledger_write(hub, sign_in_store, in, err);
    memset(in->key, 0, sizeof in->key);
    if (rc < 0) {
        return rc;
    }
    struct principal principal;
    struct auth_secret secret = {str_of(in->secret), true};
    rc = auth_check(hub, &secret, STR_NONE, &principal, err);
    if (rc <= 0) {
        return rc < 0 ? rc : err_set(err, ERR_UNAUTHENTICATED, MSG_SERVE_AUTH_EXPIRED, NO_ARGS);
    }
    set_session_cookie(call, in->secret, SESSION_LIFETIME_S);
    return answer_session(call, &principal, err);
}
