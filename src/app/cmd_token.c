/*
 * maru token HOME --role ROLE: makes an API token and prints it, once. Whoever holds the folder is
 * its owner, so no password is asked. The ledger keeps only the token's hash.
 */
#include "app/command.h"
#include "core/json.h"
#include "core/time.h"

struct wish {
    struct str label;
    enum role role;
    uint32_t scopes;
    int64_t lifetime_ns;
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
    if (role == NULL || !role_of_name(str_of(role), &wish->role)) {
        return err_set(err, ERR_USAGE, MSG_TOKEN_ROLE, ARGS(A_CSTR(role != NULL ? role : "")));
    }
    const char *scope = call_value(call, "--scope");
    /* Without --scope a token can do what its role can do, SQL aside. */
    wish->scopes = wish->role == ROLE_VIEWER || wish->role == ROLE_AUDITOR
                       ? (uint32_t)SCOPE_READ
                       : (uint32_t)(SCOPE_READ | SCOPE_WRITE);
    int status = scope != NULL ? read_scopes(scope, &wish->scopes, err) : 0;
    const char *ttl = call_value(call, "--ttl");
    if (status >= 0 && ttl != NULL) {
        status = call_usage(duration_parse(str_of(ttl), &wish->lifetime_ns, err), err);
    }
    if (status >= 0 && (wish->scopes & SCOPE_WRITE) != 0 &&
        (wish->role == ROLE_VIEWER || wish->role == ROLE_AUDITOR)) {
        return err_set(err, ERR_USAGE, MSG_TOKEN_NO_WRITE, ARGS(A_CSTR(role_name(wish->role))));
    }
    const char *name = call_value(call, "--name");
    wish->label = name != NULL ? str_of(name) : STR("maru token");
    return status;
}

static int make(struct ledger_tx *tx, void *context, struct err *err) {
    struct wish *wish = context;
    int status =
        token_new(tx, wish->label, wish->role, wish->scopes, wish->lifetime_ns, wish->secret, err);
    return status < 0 ? status
                      : audit_append(tx, STR("cli"), STR("token.create"), wish->label,
                            str_of(role_name(wish->role)), err);
}

int cmd_token(struct call *call, struct err *err) {
    struct wish wish = {.lifetime_ns = 0};
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
        json_put_str(&json, "role", str_of(role_name(wish.role)));
        json_object_end(&json);
    } else {
        buf_put_str(&call->out, str_of(wish.secret));
    }
    buf_put_char(&call->out, '\n');
    return EXIT_DONE;
}
