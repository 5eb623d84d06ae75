/*
 * Tokens of one plant: how a gateway, an ERP or a spreadsheet comes in. Made by a person who is
 * signed in, never by a token, so that a leaked one cannot make others. The token is answered once;
 * what is kept is its hash and, for scope sql, a SCRAM verifier.
 */
#include "serve/roles.h"

#include "core/json_in.h"
#include "core/limits.h"
#include "ledger/people.h"
#include "serve/server.h"
#include "serve/sign_in.h"
#include "serve/view.h"

enum { DAYS_DEFAULT = 365, DAYS_MAX = 3650, SCOPES_MAX = 3, WORD_BYTES = 16 };
static const int64_t DAY_NS = 86400 * NS_PER_S;

static const struct {
    uint32_t bit;
    const char *name;
} SCOPES[] = {{SCOPE_READ, "read"}, {SCOPE_WRITE, "write"}, {SCOPE_SQL, "sql"}};

struct token_list {
    struct call *call;
    struct json json;
};

/* The members of a token, without the braces. */
static void put_members(struct json *json, const struct token_facts *token) {
    json_put_str(json, "id", token->id);
    json_put_str(json, "label", token->label);
    json_put_str(json, "role", token->role);
    json_key(json, "scopes");
    json_array_begin(json);
    for (size_t i = 0; i < sizeof SCOPES / sizeof SCOPES[0]; i++) {
        if ((token->scopes & SCOPES[i].bit) != 0) {
            json_str(json, str_of(SCOPES[i].name));
        }
    }
    json_array_end(json);
    json_put_str(json, "plant", token->plant);
    json_put_str(json, "created_by", token->created_by);
    json_put_time(json, "created", token->created_ns);
    view_put_time(json, "last_used", token->seen_ns);
    view_put_time(json, "until", token->expires_ns);
}

static int put_token(void *context, const struct token_facts *token, struct err *err) {
    (void)err;
    struct json *json = &((struct token_list *)context)->json;
    json_object_begin(json);
    put_members(json, token);
    json_object_end(json);
    return 0;
}

static int tokens_read(struct ledger_tx *tx, void *context, struct err *err) {
    struct token_list *list = context;
    return token_each(tx, plant_id(list->call->plant), put_token, list, err);
}

int api_tokens(struct call *call, struct err *err) {
    struct token_list list = {.call = call};
    call_json(call, 200, &list.json);
    view_items_begin(&list.json);
    int rc = ledger_read(home_hub(call->server->home), tokens_read, &list, err);
    view_items_end(&list.json);
    return rc;
}

/* ---- Making ---- */

struct making {
    struct call *call;
    struct token_wish wish;
    char id[40];
    char secret[SECRET_TEXT_MAX];
};

static int read_scopes(const struct json_in *body, struct making *making, struct err *err) {
    struct str names[SCOPES_MAX];
    bool looks_only = making->wish.role == ROLE_VIEWER || making->wish.role == ROLE_AUDITOR;
    int count = json_in_texts(body, "scopes", names, SCOPES_MAX, err);
    for (int i = 0; i < count; i++) {
        uint32_t bit = 0;
        for (size_t k = 0; k < sizeof SCOPES / sizeof SCOPES[0]; k++) {
            bit = str_eq(names[i], str_of(SCOPES[k].name)) ? SCOPES[k].bit : bit;
        }
        if (bit == 0) {
            return err_set(err, ERR_INVALID, MSG_SERVE_SCOPE_UNKNOWN, ARGS(A_STR(names[i])));
        }
        making->wish.scopes |= bit;
    }
    if (count == 0) { // What its role can do, SQL aside.
        making->wish.scopes = looks_only ? SCOPE_READ : SCOPE_READ | SCOPE_WRITE;
    }
    if (looks_only && (making->wish.scopes & SCOPE_WRITE) != 0) {
        return err_set(
            err, ERR_INVALID, MSG_SERVE_SCOPE_WRITE, ARGS(A_CSTR(role_name(making->wish.role))));
    }
    return count < 0 ? count : 0;
}

static int read_token(const struct json_in *body, struct making *making, struct err *err) {
    static const char *const MEMBERS[] = {"label", "role", "scopes", "days", NULL};
    struct str role = STR_NONE;
    int64_t days = DAYS_DEFAULT;
    int rc = json_in_only(body, MEMBERS, err);
    rc = rc < 0 ? rc
                : json_in_need_str(body, "label", LIMIT_DISPLAY_BYTES, &making->wish.label, err);
    rc = rc < 0 ? rc : json_in_need_str(body, "role", WORD_BYTES, &role, err);
    rc = rc < 0 ? rc : role_read(making->call, role, &making->wish.role, err);
    rc = rc < 0 ? rc : read_scopes(body, making, err);
    rc = rc < 0 ? rc : days_read(body, DAYS_MAX, &days, err);
    making->wish.lifetime_ns = days * DAY_NS;
    return rc < 0 ? rc : role_may_give(making->call, making->wish.role, err);
}

static int token_store(struct ledger_tx *tx, void *context, struct err *err) {
    struct making *making = context;
    int rc = token_new(tx, &making->wish, making->id, making->secret, err);
    char subject[ROLE_SUBJECT_MAX];
    return rc < 0 ? rc
                  : people_audit(tx, making->call, "token.create",
                        role_subject(str_of(making->id), making->call, making->wish.role, subject),
                        err);
}

int api_token_new(struct call *call, struct err *err) {
    AUTO_JSON_IN struct json_in *body = NULL;
    struct making making = {.call = call,
        .wish = {.plant = plant_id(call->plant), .created_by = str_of(call->principal.id)}};
    int rc = json_in_parse(call->http->request.body, &body, err);
    rc = rc < 0 ? rc : read_token(body, &making, err);
    rc = rc < 0 ? rc : ledger_write(home_hub(call->server->home), token_store, &making, err);
    if (rc < 0) {
        return rc;
    }
    struct token_facts facts = {.id = str_of(making.id),
        .label = making.wish.label,
        .role = str_of(role_name(making.wish.role)),
        .plant = making.wish.plant,
        .created_by = str_of(call->principal.display),
        .scopes = making.wish.scopes,
        .created_ns = call->now_ns,
        .expires_ns = call->now_ns + making.wish.lifetime_ns};
    struct json json;
    call_json(call, 201, &json);
    json_object_begin(&json);
    put_members(&json, &facts);
    json_put_str(&json, "token", str_of(making.secret)); // Here only.
    json_object_end(&json);
    return 0;
}

/* ---- Revoking ---- */

struct token_look {
    struct str id;
    enum role role; // ROLE_NONE: not of this plant.
};

static int note_token(void *context, const struct token_facts *token, struct err *err) {
    (void)err;
    struct token_look *look = context;
    if (str_eq(token->id, look->id)) {
        (void)role_of_name(token->role, &look->role); // As the schema allows.
    }
    return 0;
}

static int revoke_store(struct ledger_tx *tx, void *context, struct err *err) {
    struct call *call = context;
    struct token_look look = {call->args[1], ROLE_NONE};
    int rc = token_each(tx, plant_id(call->plant), note_token, &look, err);
    if (rc >= 0 && look.role == ROLE_NONE) {
        return err_set(err, ERR_NOT_FOUND, MSG_SERVE_TOKEN_UNKNOWN, NO_ARGS);
    }
    rc = rc < 0 ? rc : role_may_give(call, look.role, err);
    rc = rc < 0 ? rc : token_revoke(tx, call->args[1], plant_id(call->plant), err);
    return rc < 0 ? rc : people_audit(tx, call, "token.revoke", call->args[1], err);
}

int api_token_revoke(struct call *call, struct err *err) {
    int rc = ledger_write(home_hub(call->server->home), revoke_store, call, err);
    if (rc < 0) {
        return rc;
    }
    stream_hub_recheck(call->server->streams);
    call_empty(call, 204);
    return 0;
}
