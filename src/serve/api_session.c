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

#include "core/json_in.h"
#include "core/limits.h"
#include "core/random.h"
#include "ledger/people.h"
#include "serve/server.h"
#include "serve/sign_in.h"

#define DEMO_LOGIN "demo"

int api_session_get(struct call *call, struct err *err) {
    return answer_session(call, call->known ? &call->principal : NULL, err);
}

/* ---- With a password ---- */

struct refusal {
    struct call *call;
    const char *user_id;
};

static int failed_try_store(struct ledger_tx *tx, void *context, struct err *err) {
    const struct refusal *refusal = context;
    struct str id = str_of(refusal->user_id);
    return people_audit_by(
        tx, refusal->call, id.size > 0 ? id : STR("unknown"), "session.refused", id, err);
}

static void tell_refusal(struct call *call, const char *user_id) {
    struct refusal refusal = {call, user_id};
    struct err audit_err = ERR_INIT;
    // Told to the owner where it can be; the refusal itself must not depend on it.
    (void)ledger_write(home_hub(call->server->home), failed_try_store, &refusal, &audit_err);
}

struct user_lookup {
    struct str login;
    struct user_key key;
    bool found;
};

static int user_lookup_run(struct ledger_tx *tx, void *context, struct err *err) {
    struct user_lookup *lookup = context;
    int rc = user_find(tx, lookup->login, &lookup->key, err);
    lookup->found = rc >= 0;
    return rc == -ERR_NOT_FOUND || rc == -ERR_INVALID ? 0 : rc;
}

static int check_password(
    struct call *call, struct user_lookup *lookup, struct str password, struct err *err) {
    struct ledger *hub = home_hub(call->server->home);
    int rc = ledger_read(hub, user_lookup_run, lookup, err);
    if (rc >= 0) {
        err_clear(err);
        rc = auth_password_matches(
            &call->server->auth, lookup->found ? lookup->key.hash : NULL, password, err);
    }
    if (rc != 0) {
        return rc;
    }
    tell_refusal(call, lookup->key.id);
    return err_set(err, ERR_UNAUTHENTICATED, MSG_SERVE_LOGIN_WRONG, NO_ARGS);
}

int api_session_begin(struct call *call, struct err *err) {
    static const char *const MEMBERS[] = {"login", "password", "code", NULL};
    AUTO_JSON_IN struct json_in *body = NULL;
    struct user_lookup lookup = {.login = STR_NONE};
    struct str password = STR_NONE;
    struct sign_in in = {.action = "session.begin", .code = STR_NONE};
    int rc = json_in_parse(call->http->request.body, &body, err);
    if (rc >= 0) {
        rc = json_in_only(body, MEMBERS, err);
    }
    if (rc >= 0) {
        rc = json_in_need_str(body, "login", LOGIN_BYTES, &lookup.login, err);
    }
    if (rc >= 0) {
        rc = json_in_need_str(body, "password", PASSWORD_BYTES, &password, err);
    }
    if (rc >= 0) {
        rc = json_in_str(body, "code", CODE_BYTES, &in.code, err);
    }
    if (rc >= 0) {
        rc = sign_in_count_try(call, err);
    }
    if (rc >= 0) {
        rc = sign_in_count_account(call, lookup.login, err);
    }
    if (rc >= 0) {
        rc = check_password(call, &lookup, password, err);
    }
    if (rc < 0) {
        return rc;
    }
    memcpy(in.user_id, lookup.key.id, sizeof in.user_id);
    rc = sign_in_answer(call, &in, err);
    bool wrong_code = rc == -ERR_UNAUTHENTICATED && in.code.size > 0;
    if (wrong_code) {
        tell_refusal(call, lookup.key.id);
    } else {
        sign_in_forgive(call, lookup.login);
    }
    return rc;
}

/* ---- With a link ---- */

struct link_entry {
    struct str purpose;
    struct str secret;
    struct str login;
    struct str display;
    struct str organisation; // The name of the first one; empty: as it is.
    const char *hash;
    bool only_first; // Refused when an owner exists.
    bool reset;      // The link sets an owner's password, whoever that was before.
};

/* The user of the login, made as owner when there is none; with `reset` made owner anyway. */
static int find_or_make_user(
    struct ledger_tx *tx, const struct link_entry *entry, struct sign_in *in, struct err *err) {
    struct user_key key;
    int rc = entry->reset ? user_owner_reset(tx, entry->login, entry->hash, in->user_id, err)
                          : user_find(tx, entry->login, &key, err);
    if (rc >= 0 && !entry->reset) {
        memcpy(in->user_id, key.id, sizeof in->user_id);
    }
    if (rc != -ERR_NOT_FOUND) {
        return rc;
    }
    err_clear(err);
    return user_create(tx, entry->login, entry->display, ROLE_OWNER, entry->hash, in->user_id, err);
}

static int name_organisation(struct ledger_tx *tx, struct str name, struct err *err) {
    AUTO_ARENA struct arena arena;
    arena_init(&arena, 0);
    char id[40];
    struct organisation first;
    int rc = organisation_first(tx, id, err);
    rc = rc < 0 ? rc : organisation_get(tx, str_of(id), &arena, &first, err);
    if (rc < 0) {
        return rc;
    }
    first.name = name;
    return organisation_change(tx, &first, err);
}

static int link_before(struct ledger_tx *tx, struct sign_in *in, struct err *err) {
    const struct link_entry *entry = in->context;
    bool exists = false;
    int rc = entry->only_first ? hub_owner_exists(tx, &exists, err) : 0;
    if (exists) {
        return err_set(err, ERR_CONFLICT, MSG_SERVE_SETUP_DONE, NO_ARGS);
    }
    if (rc >= 0) {
        rc = hub_link_spend(tx, entry->purpose, entry->secret, err);
    }
    if (rc >= 0) {
        rc = find_or_make_user(tx, entry, in, err);
    }
    return rc < 0 || entry->organisation.size == 0
               ? rc
               : name_organisation(tx, entry->organisation, err);
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
        rc = sign_in_count_try(call, err);
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
    struct link_entry entry = {.purpose = check.purpose,
        .secret = check.secret,
        .login = STR(DEMO_LOGIN),
        .display = call->lang == LANG_EN ? STR("Demo") : STR("데모"),
        .organisation = STR_NONE,
        .hash = hash};
    struct sign_in in = {
        .before = link_before, .context = &entry, .code = STR_NONE, .action = "session.link"};
    return sign_in_answer(call, &in, err);
}

static int read_setup(struct call *call, struct json_in *body, struct link_entry *entry,
    struct str *password, struct err *err) {
    static const char *const MEMBERS[] = {
        "secret", "login", "password", "display", "organisation", NULL};
    int rc = json_in_only(body, MEMBERS, err);
    if (rc >= 0) {
        rc = json_in_need_str(body, "secret", LINK_BYTES, &entry->secret, err);
    }
    if (rc >= 0) {
        rc = json_in_need_str(body, "login", LOGIN_BYTES, &entry->login, err);
    }
    if (rc >= 0) {
        rc = json_in_need_str(body, "password", PASSWORD_BYTES, password, err);
    }
    if (rc >= 0) {
        rc = json_in_str(body, "display", LIMIT_DISPLAY_BYTES, &entry->display, err);
    }
    if (rc >= 0) {
        rc = json_in_str(body, "organisation", LIMIT_DISPLAY_BYTES, &entry->organisation, err);
    }
    return rc < 0 ? rc : sign_in_count_try(call, err);
}

int api_setup(struct call *call, struct err *err) {
    AUTO_JSON_IN struct json_in *body = NULL;
    struct link_entry entry = {.display = STR_NONE, .organisation = STR_NONE, .only_first = true};
    struct sign_in in = {
        .before = link_before, .context = &entry, .code = STR_NONE, .action = "owner.create"};
    struct str password = STR_NONE;
    int rc = json_in_parse(call->http->request.body, &body, err);
    if (rc >= 0) {
        rc = read_setup(call, body, &entry, &password, err);
    }
    struct link_check check = {.purpose = STR(LINK_SETUP), .secret = entry.secret};
    if (rc >= 0) {
        rc = check_link(call, &check, err);
    }
    if (rc == -ERR_FORBIDDEN) { // Or it sets an owner's password anew.
        err_clear(err);
        check.purpose = STR(LINK_RESET);
        entry.only_first = false;
        entry.reset = true;
        in.action = "owner.reset";
        rc = check_link(call, &check, err);
    }
    if (rc < 0) {
        return rc;
    }
    char hash[PASSWORD_HASH_MAX];
    if (check.owner_exists && !entry.reset) {
        return err_set(err, ERR_CONFLICT, MSG_SERVE_SETUP_DONE, NO_ARGS);
    }
    rc = auth_login_check(entry.login, err);
    if (rc >= 0) {
        rc = auth_password_check(entry.login, password, err);
    }
    if (rc >= 0) {
        rc = auth_password_hash(&call->server->auth, password, hash, err);
    }
    if (rc < 0) {
        return rc;
    }
    entry.purpose = check.purpose;
    entry.hash = hash;
    return sign_in_answer(call, &in, err);
}

/* ---- Signing out ---- */

static int session_end_store(struct ledger_tx *tx, void *context, struct err *err) {
    const struct call *call = context;
    int rc = session_end(tx, call->secret, err);
    if (rc >= 0) {
        rc = people_audit(tx, call, "session.end", str_of(call->principal.id), err);
    }
    return rc;
}

int api_session_end(struct call *call, struct err *err) {
    if (call->known && call->principal.is_session) {
        int rc = ledger_write(home_hub(call->server->home), session_end_store, call, err);
        if (rc < 0) {
            return rc;
        }
        stream_hub_recheck(call->server->streams);
    }
    set_session_cookie(call, "", 0);
    call_empty(call, 204);
    return 0;
}
