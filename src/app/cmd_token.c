/*
 * maru token HOME --role ROLE: makes an API token and prints it, once. Whoever holds the folder is
 * its owner, so no password is asked. The ledger keeps only the token's hash.
 */
#include "app/command.h"
#include "core/json.h"
#include "core/time.h"

struct wish {
    struct token_wish token;
    char secret[SECRET_TEXT_MAX];
};

static int read_scopes(const char *text, uint32_t *ret_scopes, struct err *err) {
    struct str rest = str_of(text);
    uint32_t scopes = 0;
    while (rest.size > 0) {
        struct str word = str_cut(&rest, ',');
        uint32_t bit = str_eq(word, STR("read"))    ? (uint32_t)SCOPE_READ
                       : str_eq(word, STR("write")) ? (uint32_t)SCOPE_WRITE
                       : str_eq(word, STR("sql"))   ? (uint32_t)SCOPE_SQL
                                                    : 0;
        if (bit == 0) {
            return err_set(err, ERR_USAGE, MSG_TOKEN_SCOPE, ARGS(A_STR(word)));
        }
        scopes |= bit;
    }
    *ret_scopes = scopes;
    return 0;
}

static int read_wish(struct call *call, struct wish *wish, struct err *err) {
    const char *role = call_value(call, "--role");
    if (role == NULL || !role_of_name(str_of(role), &wish->token.role)) {
        return err_set(err, ERR_USAGE, MSG_TOKEN_ROLE, ARGS(A_CSTR(role != NULL ? role : "")));
    }
    const char *scope = call_value(call, "--scope");
    /* Without --scope a token can do what its role can do, SQL aside. */
    wish->token.scopes = wish->token.role == ROLE_VIEWER || wish->token.role == ROLE_AUDITOR
                             ? (uint32_t)SCOPE_READ
                             : (uint32_t)(SCOPE_READ | SCOPE_WRITE);
    int status = scope != NULL ? read_scopes(scope, &wish->token.scopes, err) : 0;
    const char *ttl = call_value(call, "--ttl");
    if (status >= 0 && ttl != NULL) {
        status = call_usage(duration_parse(str_of(ttl), &wish->token.lifetime_ns, err), err);
    }
    if (status >= 0 && (wish->token.scopes & SCOPE_WRITE) != 0 &&
        (wish->token.role == ROLE_VIEWER || wish->token.role == ROLE_AUDITOR)) {
        return err_set(
            err, ERR_USAGE, MSG_TOKEN_NO_WRITE, ARGS(A_CSTR(role_name(wish->token.role))));
    }
    const char *name = call_value(call, "--name");
    wish->token.label = name != NULL ? str_of(name) : STR("maru token");
    return status;
}

static int make(struct ledger_tx *tx, void *context, struct err *err) {
    struct wish *wish = context;
    char id[40];
    int status = token_new(tx, &wish->token, id, wish->secret, err);
    return status < 0 ? status
                      : audit_append(tx, STR("cli"), STR("token.create"), wish->token.label,
                            str_of(role_name(wish->token.role)), err);
}

/* ---- Listing and withdrawing ---- */

static void put_scopes(struct buf *to, uint32_t scopes) {
    static const struct {
        uint32_t bit;
        const char *name;
    } NAMES[] = {{SCOPE_READ, "read"}, {SCOPE_WRITE, "write"}, {SCOPE_SQL, "sql"}};
    bool first = true;
    for (size_t i = 0; i < sizeof NAMES / sizeof NAMES[0]; i++) {
        if ((scopes & NAMES[i].bit) != 0) {
            buf_printf(to, "%s%s", first ? "" : ",", NAMES[i].name);
            first = false;
        }
    }
}

struct listing {
    struct call *call;
    struct json json;
};

static int put_token(void *context, const struct token_facts *token, struct err *err) {
    struct listing *list = context;
    AUTO_BUF struct buf scopes;
    buf_init(&scopes, 64);
    put_scopes(&scopes, token->scopes);
    if (!list->call->json) {
        struct buf *out = &list->call->out;
        buf_printf(
            out, "%.*s  %-9.*s  %-14s  ", STR_ARG(token->id), STR_ARG(token->role), buf_z(&scopes));
        if (token->expires_ns > 0) {
            char end[TIME_TEXT_MAX];
            (void)time_format(token->expires_ns, NULL, end);
            buf_put_str(out, str_of(end));
        } else {
            buf_put_char(out, '-');
        }
        buf_printf(out, "  %-12.*s  %.*s\n",
            STR_ARG(token->plant.size > 0 ? token->plant : STR("*")), STR_ARG(token->label));
        return call_flush(list->call, false, err);
    }
    struct json *json = &list->json;
    json_object_begin(json);
    json_put_str(json, "id", token->id);
    json_put_str(json, "label", token->label);
    json_put_str(json, "role", token->role);
    json_put_str(json, "scopes", buf_str(&scopes));
    if (token->plant.size > 0) {
        json_put_str(json, "plant", token->plant);
    } else {
        json_put_null(json, "plant"); // Every plant of the folder.
    }
    json_put_time(json, "created", token->created_ns);
    if (token->expires_ns > 0) {
        json_put_time(json, "expires", token->expires_ns);
    } else {
        json_put_null(json, "expires");
    }
    json_object_end(json);
    return 0;
}

static int list_all(struct ledger_tx *tx, void *context, struct err *err) {
    return token_each(tx, STR_NONE, put_token, context, err);
}

static int list(struct call *call, struct err *err) {
    struct listing listing = {.call = call};
    json_init(&listing.json, &call->out);
    if (call->json) {
        json_object_begin(&listing.json);
        json_key(&listing.json, "items");
        json_array_begin(&listing.json);
    }
    int status = ledger_read(home_hub(call->home), list_all, &listing, err);
    if (call->json) {
        json_array_end(&listing.json);
        json_object_end(&listing.json);
        buf_put_char(&call->out, '\n');
    }
    return status < 0 ? status : EXIT_DONE;
}

static int revoke_one(struct ledger_tx *tx, void *context, struct err *err) {
    struct str id = str_of(context);
    int status = token_revoke(tx, id, STR_NONE, err);
    return status < 0 ? status
                      : audit_append(tx, STR("cli"), STR("token.revoke"), id, STR_NONE, err);
}

static int revoke(struct call *call, const char *id, struct err *err) {
    char copy[64];
    (void)str_copy_z(str_of(id), copy, sizeof copy); // A longer one is no id.
    int status = ledger_write(home_hub(call->home), revoke_one, copy, err);
    if (status < 0) {
        return status;
    }
    if (call->json) {
        struct json json;
        json_init(&json, &call->out);
        json_object_begin(&json);
        json_put_str(&json, "revoked", str_of(copy));
        json_object_end(&json);
        buf_put_char(&call->out, '\n');
    } else {
        call_say(call, MSG_TOKEN_REVOKED, ARGS(A_CSTR(copy)));
    }
    return EXIT_DONE;
}

int cmd_token(struct call *call, struct err *err) {
    if (call_value(call, "--list") != NULL) {
        return list(call, err);
    }
    if (call_value(call, "--revoke") != NULL) {
        return revoke(call, call_value(call, "--revoke"), err);
    }
    struct wish wish = {.token = {.plant = STR_NONE, .created_by = STR_NONE}};
    int status = read_wish(call, &wish, err);
    if (status >= 0) {
        status = ledger_write(home_hub(call->home), make, &wish, err);
    }
    if (status < 0) {
        return status;
    }
    if (call->json) {
        struct json json;
        json_init(&json, &call->out);
        json_object_begin(&json);
        json_put_str(&json, "token", str_of(wish.secret));
        json_put_str(&json, "role", str_of(role_name(wish.token.role)));
        json_object_end(&json);
    } else {
        buf_put_str(&call->out, str_of(wish.secret));
    }
    buf_put_char(&call->out, '\n');
    return EXIT_DONE;
}
