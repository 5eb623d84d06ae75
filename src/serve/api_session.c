/*
 * Signing in and out, and the first owner.
 *
 * No password exists before somebody sets one: `run` prints a one-time link whose secret stands
 * behind '#', where it reaches no server log and no Referer; the page sends it here. Whoever reads
 * the program's output is the owner of the folder anyway. The demo prints a link that signs in.
 *
 * Password work (Argon2id) is done before the transaction and within the gate of auth.c; every way
 * in counts towards the ten tries a minute of an address. A failed try is written into the audit
 * chain as well: it is what an owner looks for after a bad night.
 */
#include "serve/call.h"

#include <string.h>

#include "core/limits.h"
#include "core/random.h"
#include "serve/json_in.h"
#include "serve/server.h"
#include "serve/view.h"

enum { LOGIN_BYTES = 63, PASSWORD_BYTES = 256 };
#define DEMO_LOGIN "demo"

struct sign_in {
    struct str link_purpose; // Empty: with a password.
    struct str link_secret;
    struct str login;
    struct str display;
    const char *new_hash; // Creates the user with it when there is none.
    bool only_first;      // Refused when an owner exists.
    bool reset;           // The link sets an owner's password, whoever that was before.
    const char *action;   // For the audit chain.
    char user_id[40];
    char secret[SECRET_TEXT_MAX];
};

/* ---- The answer that tells who is signed in ---- */

struct user_view {
    struct str id;
    struct arena *arena;
    bool owner_exists;
    struct str display;
};

static int read_user_view(struct ledger_tx *tx, void *context, struct err *err) {
    struct user_view *view = context;
    int rc = hub_owner_exists(tx, &view->owner_exists, err);
    if (rc >= 0 && view->id.size > 0) {
        rc = user_display(tx, view->id, view->arena, &view->display, err);
    }
    return rc < 0 && rc != -ERR_NOT_FOUND ? rc : 0;
}

static int answer_session(struct call *call, const struct principal *principal, struct err *err) {
    struct server *server = call->server;
    struct user_view view = {.arena = &call->http->arena, .id = STR_NONE, .display = STR_NONE};
    if (principal) {
        view.id = str_of(principal->id);
        view.display = str_of(principal->name);
    }
    int rc = ledger_read(home_hub(server->home), read_user_view, &view, err);
    if (rc < 0) {
        return rc;
    }
    struct json json;
    call_json(call, 200, &json);
    json_object_begin(&json);
    json_key(&json, "user");
    if (principal) {
        json_object_begin(&json);
        json_put_str(&json, "login", str_of(principal->name));
        json_put_str(&json, "display", view.display);
        json_put_str(&json, "role", str_of(role_name(principal->role)));
        json_object_end(&json);
        json_key(&json, "plants");
        json_array_begin(&json);
        for (uint32_t i = 0; i < home_plant_count(server->home); i++) {
            view_plant(&json, home_plant_at(server->home, i));
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

int api_session_get(struct call *call, struct err *err) {
    return answer_session(call, call->known ? &call->principal : NULL, err);
}

/* ---- Signing in ---- */

static void set_cookie(struct call *call, const char *secret, int64_t lifetime_s) {
    AUTO_BUF struct buf cookie = {0};
    buf_init(&cookie, 256);
    buf_printf(&cookie, SESSION_COOKIE "=%s; Path=/; HttpOnly; SameSite=Strict; Max-Age=%lld%s",
        secret, (long long)lifetime_s,
        call->server->options.tls ? "; Secure" : "");
    http_answer_header(call->http, "Set-Cookie", buf_str(&cookie));
}

static int find_or_make_user(struct ledger_tx *tx, struct sign_in *in, struct err *err) {
    if (in->reset) {
        int rc = user_owner_reset(tx, in->login, in->new_hash, in->user_id, err);
        if (rc != -ERR_NOT_FOUND) {
            return rc;
        }
        err_clear(err);
        return user_create(tx, in->login, in->display, ROLE_OWNER, in->new_hash, in->user_id, err);
    }
    char hash[PASSWORD_HASH_MAX];
    enum role role = ROLE_NONE;
    int rc = user_find(tx, in->login, in->user_id, hash, &role, err);
    if (rc != -ERR_NOT_FOUND || !in->new_hash) {
        return rc;
    }
    err_clear(err);
    return user_create(tx, in->login, in->display, ROLE_OWNER, in->new_hash, in->user_id, err);
}

/* One transaction: spends the link, makes the user when asked, begins a session, tells the audit
 * chain. */
static int sign_in_store(struct ledger_tx *tx, void *context, struct err *err) {
    struct sign_in *in = context;
    bool exists = false;
    int rc = in->only_first ? hub_owner_exists(tx, &exists, err) : 0;
    if (exists) {
        return err_set(err, ERR_CONFLICT, MSG_SERVE_SETUP_DONE, NO_ARGS);
    }
    if (rc >= 0 && in->link_purpose.size > 0) {
        rc = hub_link_spend(tx, in->link_purpose, in->link_secret, err);
    }
    if (rc >= 0) {
        rc = find_or_make_user(tx, in, err);
    }
    if (rc >= 0) {
        rc = session_new(tx, str_of(in->user_id), SESSION_LIFETIME_S * NS_PER_S, in->secret, err);
    }
    if (rc >= 0) {
        rc = audit_append(
            tx, str_of(in->user_id), str_of(in->action), str_of(in->user_id), STR_NONE, err);
    }
    return rc;
}

static int sign_in_answer(struct call *call, struct sign_in *in, struct err *err) {
    struct ledger *hub = home_hub(call->server->home);
    int rc = ledger_write(hub, sign_in_store, in, err);
    if (rc < 0) {
        return rc;
    }
    struct principal principal;
    rc = auth_check(hub, str_of(in->secret), true, &principal, err);
    if (rc < 0) {
        return rc;
    }
    set_cookie(call, in->secret, SESSION_LIFETIME_S);
    return answer_session(call, &principal, err);
}

/* Counts a try of this address; 429 beyond the limit. */
static int count_try(struct call *call, struct err *err) {
    uint32_t wait_s = 0;
    int rc = auth_login_try(&call->server->auth, &call->http->request.address,
        clock_mono_ns(call->server->clock), &wait_s, err);
    if (rc < 0) {
        call->status = 429;
        call->retry_after_s = wait_s;
    }
    return rc;
}

static int failed_try_store(struct ledger_tx *tx, void *context, struct err *err) {
    const char *user_id = context;
    return audit_append(tx, str_of(user_id[0] ? user_id : "unknown"), STR("session.refused"),
        str_of(user_id), STR_NONE, err);
}

struct user_lookup {
    struct str login;
    char id[40];
    char hash[PASSWORD_HASH_MAX];
    enum role role;
    bool found;
};

static int user_lookup_run(struct ledger_tx *tx, void *context, struct err *err) {
    struct user_lookup *lookup = context;
    int rc = user_find(tx, lookup->login, lookup->id, lookup->hash, &lookup->role, err);
    lookup->found = rc >= 0;
    return rc == -ERR_NOT_FOUND || rc == -ERR_INVALID ? 0 : rc;
}

static int check_password(
    struct call *call, struct str login, struct str password, struct err *err) {
    struct ledger *hub = home_hub(call->server->home);
    struct user_lookup lookup = {.login = login};
    int rc = ledger_read(hub, user_lookup_run, &lookup, err);
    if (rc >= 0) {
        rc = auth_password_matches(
            &call->server->auth, lookup.found ? lookup.hash : NULL, password, err);
    }
    if (rc != 0) {
        return rc;
    }
    struct err audit_err = ERR_INIT;
    // Told to the owner where it can be; the refusal itself must not depend on it.
    (void)ledger_write(hub, failed_try_store, lookup.id, &audit_err);
    return err_set(err, ERR_UNAUTHENTICATED, MSG_SERVE_LOGIN_WRONG, NO_ARGS);
}

int api_session_begin(struct call *call, struct err *err) {
    static const char *const MEMBERS[] = {"login", "password", NULL};
    AUTO_JSON_IN struct json_in *body = NULL;
    struct str login = STR_NONE;
    struct str password = STR_NONE;
    int rc = json_in_parse(call->http->request.body, &body, err);
    if (rc >= 0) {
        rc = json_in_only(body, MEMBERS, err);
    }
    if (rc >= 0) {
        rc = json_in_need_str(body, "login", LOGIN_BYTES, &login, err);
    }
    if (rc >= 0) {
        rc = json_in_need_str(body, "password", PASSWORD_BYTES, &password, err);
    }
    if (rc >= 0) {
        rc = count_try(call, err);
    }
    if (rc >= 0) {
        rc = check_password(call, login, password, err);
    }
    if (rc < 0) {
        return rc;
    }
    struct sign_in in = {.login = login, .action = "session.begin", .link_purpose = STR_NONE};
    return sign_in_answer(call, &in, err);
}

struct link_check {
    struct str purpose;
    struct str secret;
    bool valid;
    bool owner_exists;
};

static int link_check_run(struct ledger_tx *tx, void *context, struct err *err) {
    struct link_check *check = context;
    check->valid = hub_link_is_valid(tx, check->purpose, check->secret);
    return hub_owner_exists(tx, &check->owner_exists, err);
}

/* Looks at a link before the costly password work; spending it comes in the transaction. */
static int check_link(struct call *call, struct link_check *check, struct err *err) {
    int rc = ledger_read(home_hub(call->server->home), link_check_run, check, err);
    if (rc >= 0 && !check->valid) {
        return err_set(err, ERR_FORBIDDEN, MSG_SERVE_LINK_SPENT, NO_ARGS);
    }
    return rc;
}

int api_session_link(struct call *call, struct err *err) {
    static const char *const MEMBERS[] = {"secret", NULL};
    AUTO_JSON_IN struct json_in *body = NULL;
    struct link_check check = {.purpose = STR(LINK_SIGNIN), .secret = STR_NONE};
    int rc = json_in_parse(call->http->request.body, &body, err);
    if (rc >= 0) {
        rc = json_in_only(body, MEMBERS, err);
    }
    if (rc >= 0) {
        rc = json_in_need_str(body, "secret", 2 * SECRET_TEXT_MAX, &check.secret, err);
    }
    if (rc >= 0) {
        rc = count_try(call, err);
    }
    if (rc >= 0) {
        rc = check_link(call, &check, err);
    }
    if (rc < 0) {
        return rc;
    }
    // The demo's user has a password that nobody knows: only links lead in.
    struct random random;
    char unknown[40];
    char hash[PASSWORD_HASH_MAX];
    random_seed_system(&random);
    uuid_v7(&random, call->now_ns, unknown);
    rc = auth_password_hash(&call->server->auth, str_of(unknown), hash, err);
    if (rc < 0) {
        return rc;
    }
    struct sign_in in = {.link_purpose = check.purpose,
        .link_secret = check.secret,
        .login = STR(DEMO_LOGIN),
        .display = call->lang == LANG_EN ? STR("Demo") : STR("데모"),
        .new_hash = hash,
        .action = "session.link"};
    return sign_in_answer(call, &in, err);
}

int api_setup(struct call *call, struct err *err) {
    static const char *const MEMBERS[] = {"secret", "login", "password", "display", NULL};
    AUTO_JSON_IN struct json_in *body = NULL;
    struct link_check check = {.purpose = STR(LINK_SETUP), .secret = STR_NONE};
    struct sign_in in = {.display = STR_NONE, .only_first = true, .action = "owner.create"};
    struct str password = STR_NONE;
    int rc = json_in_parse(call->http->request.body, &body, err);
    if (rc >= 0) {
        rc = json_in_only(body, MEMBERS, err);
    }
    if (rc >= 0) {
        rc = json_in_need_str(body, "secret", 2 * SECRET_TEXT_MAX, &check.secret, err);
    }
    if (rc >= 0) {
        rc = json_in_need_str(body, "login", LOGIN_BYTES, &in.login, err);
    }
    if (rc >= 0) {
        rc = json_in_need_str(body, "password", PASSWORD_BYTES, &password, err);
    }
    if (rc >= 0) {
        rc = json_in_str(body, "display", LIMIT_DISPLAY_BYTES, &in.display, err);
    }
    if (rc >= 0) {
        rc = count_try(call, err);
    }
    if (rc >= 0) {
        rc = check_link(call, &check, err);
    }
    if (rc == -ERR_FORBIDDEN) { // Or it sets an owner's password anew.
        err_clear(err);
        check.purpose = STR(LINK_RESET);
        in.only_first = false;
        in.reset = true;
        in.action = "owner.reset";
        rc = check_link(call, &check, err);
    }
    if (rc < 0) {
        return rc;
    }
    char hash[PASSWORD_HASH_MAX];
    if (check.owner_exists && !in.reset) {
        return err_set(err, ERR_CONFLICT, MSG_SERVE_SETUP_DONE, NO_ARGS);
    }
    rc = auth_login_check(in.login, err);
    if (rc >= 0) {
        rc = auth_password_check(in.login, password, err);
    }
    if (rc >= 0) {
        rc = auth_password_hash(&call->server->auth, password, hash, err);
    }
    if (rc < 0) {
        return rc;
    }
    in.link_purpose = check.purpose;
    in.link_secret = check.secret;
    in.new_hash = hash;
    return sign_in_answer(call, &in, err);
}

/* ---- Signing out ---- */

static int session_end_store(struct ledger_tx *tx, void *context, struct err *err) {
    const struct call *call = context;
    int rc = session_end(tx, call->secret, err);
    if (rc >= 0) {
        rc = audit_append(tx, str_of(call->principal.id), STR("session.end"),
            str_of(call->principal.id), STR_NONE, err);
    }
    return rc;
}

int api_session_end(struct call *call, struct err *err) {
    if (call->known && call->principal.is_session) {
        int rc = ledger_write(home_hub(call->server->home), session_end_store, call, err);
        if (rc < 0) {
            return rc;
        }
    }
    set_cookie(call, "", 0);
    call_empty(call, 204);
    return 0;
}
