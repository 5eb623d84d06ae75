/*
 * What handlers share: reading checked parameters and beginning answers.
 *
 * All parameters of a request are checked against the route's table before its handler runs:
 * unknown names (with the known ones in the words), doubled ones that may stand once only, missing
 * ones, and values of the wrong form. A typing mistake must not look like an answer.
 */
#include "serve/call.h"

#include "core/time.h"
#include "ledger/grant.h"
#include "ledger/people.h"
#include "serve/server.h"

bool call_param(const struct call *call, const char *name, struct str *ret_value) {
    return query_find(&call->query, str_of(name), ret_value);
}

static int in_param(struct err *err, const char *name) {
    return err_context(err, MSG_SERVE_PARAM_CONTEXT, ARGS(A_CSTR(name)));
}

int call_param_time(const struct call *call, const char *name, const struct zone *zone,
    int64_t *ret_time_ns, struct err *err) {
    struct str text;
    if (!call_param(call, name, &text)) {
        return 0;
    }
    char meant[QUERY_TIME_MAX];
    int rc = time_parse_query(query_time(text, meant), zone, call->now_ns, ret_time_ns, err);
    return rc < 0 ? in_param(err, name) : 1;
}

int call_param_duration(
    const struct call *call, const char *name, int64_t *ret_duration_ns, struct err *err) {
    struct str text;
    if (!call_param(call, name, &text)) {
        return 0;
    }
    int rc = duration_parse(text, ret_duration_ns, err);
    return rc < 0 ? in_param(err, name) : 1;
}

int call_param_count(
    const struct call *call, const char *name, uint64_t max, uint64_t *ret_count, struct err *err) {
    struct str text;
    if (!call_param(call, name, &text)) {
        return 0;
    }
    uint64_t count = 0;
    if (!str_to_u64(text, &count)) {
        (void)err_set(err, ERR_INVALID, MSG_NUMBER_EXPECTED, ARGS(A_STR(text)));
        return in_param(err, name);
    }
    if (count < 1 || count > max) {
        return err_set(
            err, ERR_RANGE, MSG_SERVE_PARAM_RANGE, ARGS(A_CSTR(name), A_STR(text), A_INT(max)));
    }
    *ret_count = count;
    return 1;
}

bool call_param_flag(const struct call *call, const char *name) {
    struct str text;
    return call_param(call, name, &text) && str_eq(text, STR("1"));
}

static const struct param_spec *spec_find(const struct param_spec *specs, struct str name) {
    for (const struct param_spec *spec = specs; spec->name; spec++) {
        if (str_eq(str_of(spec->name), name)) {
            return spec;
        }
    }
    return NULL;
}

static int param_unknown(const struct call *call, struct str name, struct err *err) {
    char known[256] = "";
    size_t size = 0;
    for (const struct param_spec *spec = call->route->params; spec->name; spec++) {
        if (size > 0) {
            size += str_copy_z(STR(", "), known + size, sizeof known - size);
        }
        size += str_copy_z(str_of(spec->name), known + size, sizeof known - size);
    }
    if (size == 0) {
        return err_set(err, ERR_INVALID, MSG_SERVE_PARAM_NONE, ARGS(A_STR(name)));
    }
    return err_set(err, ERR_INVALID, MSG_SERVE_PARAM_UNKNOWN, ARGS(A_STR(name), A_CSTR(known)));
}

static bool choice_is(const char *choices, struct str value) {
    struct str rest = str_of(choices);
    while (rest.size > 0) {
        if (str_eq(str_cut(&rest, '|'), value)) {
            return true;
        }
    }
    return false;
}

static int param_check_form(
    const struct call *call, const struct param_spec *spec, struct str value, struct err *err) {
    int64_t ignored = 0;
    uint64_t count = 0;
    char meant[QUERY_TIME_MAX];
    int rc = 0;
    switch (spec->kind) {
    case PARAM_TEXT: return 0;
    case PARAM_TIME:
        rc = time_parse_query(query_time(value, meant), NULL, call->now_ns, &ignored, err);
        break;
    case PARAM_DURATION: rc = duration_parse(value, &ignored, err); break;
    case PARAM_COUNT:
        if (!str_to_u64(value, &count)) {
            rc = err_set(err, ERR_INVALID, MSG_NUMBER_EXPECTED, ARGS(A_STR(value)));
        }
        break;
    case PARAM_FLAG:
        if (!str_eq(value, STR("1")) && !str_eq(value, STR("0"))) {
            rc = err_set(
                err, ERR_INVALID, MSG_SERVE_PARAM_CHOICE, ARGS(A_STR(value), A_CSTR("0|1")));
        }
        break;
    case PARAM_CHOICE:
        if (!choice_is(spec->choices, value)) {
            rc = err_set(err, ERR_INVALID, MSG_SERVE_PARAM_CHOICE,
                ARGS(A_STR(value), A_CSTR(spec->choices)));
        }
        break;
    }
    return rc < 0 ? in_param(err, spec->name) : 0;
}

int call_params_check(const struct call *call, struct err *err) {
    const struct query *query = &call->query;
    for (uint32_t i = 0; i < query->count; i++) {
        const struct query_param *param = &query->params[i];
        const struct param_spec *spec = spec_find(call->route->params, param->name);
        if (!spec) {
            return param_unknown(call, param->name, err);
        }
        struct str first = STR_NONE;
        (void)query_find(query, param->name, &first);
        if (!spec->repeated && first.data != param->value.data) {
            return err_set(err, ERR_INVALID, MSG_SERVE_PARAM_TWICE, ARGS(A_STR(param->name)));
        }
        int rc = param_check_form(call, spec, param->value, err);
        if (rc < 0) {
            return rc;
        }
    }
    for (const struct param_spec *spec = call->route->params; spec->name; spec++) {
        struct str value;
        if (spec->required && !query_find(query, str_of(spec->name), &value)) {
            return err_set(err, ERR_INVALID, MSG_SERVE_PARAM_MISSING, ARGS(A_CSTR(spec->name)));
        }
    }
    return 0;
}

void call_json(struct call *call, int status, struct json *ret_json) {
    struct http_response *response = &call->http->response;
    response->status = status;
    response->content_type = "application/json; charset=utf-8";
    json_init(ret_json, &response->body);
}

void call_empty(struct call *call, int status) {
    call->http->response.status = status;
}

void call_source(struct call *call, const char *content_type, struct http_source source) {
    struct http_response *response = &call->http->response;
    response->status = 200;
    response->content_type = content_type;
    response->source = source;
}

/* ---- The wall ---- */

struct role_ask {
    struct str user;
    struct str plant;
    struct str organisation;
    enum role role;
};

static int role_read(struct ledger_tx *tx, void *context, struct err *err) {
    struct role_ask *ask = context;
    bool stands = false;
    int rc = access_role(tx, ask->user, ask->plant, &ask->role, err);
    if (rc >= 0 && ask->role == ROLE_NONE) {
        rc = grant_stands(tx, ask->plant, ask->organisation, &stands, err);
        ask->role = rc >= 0 && stands ? ROLE_GRANTEE : ROLE_NONE;
    }
    return rc;
}

int call_role_in(
    struct call *call, const struct plant *plant, enum role *ret_role, struct err *err) {
    const struct principal *who = &call->principal;
    struct role_ask ask = {str_of(who->id), plant_id(plant), str_of(who->organisation), ROLE_NONE};
    int rc = 0;
    if (call->known && who->is_session) {
        rc = ledger_read(home_hub(call->server->home), role_read, &ask, err);
    } else if (call->known &&
               (who->plant[0] == '\0' || str_eq(str_of(who->plant), plant_id(plant)))) {
        ask.role = who->role;
    }
    if (rc >= 0) {
        *ret_role = ask.role;
    }
    return rc < 0 ? rc : 0;
}

int call_may_read(struct call *call, const struct plant *plant, bool *ret_may, struct err *err) {
    enum role role = ROLE_NONE;
    int rc = call_role_in(call, plant, &role, err);
    if (rc >= 0) {
        *ret_may = right_allows(RIGHT_READ, role, call->principal.scopes);
    }
    return rc;
}

int call_long_begin(struct call *call, struct err *err) {
    if (atomic_fetch_add(&call->server->long_calls, 1) >= CALL_LONG_MAX) {
        call_long_end(call);
        call->retry_after_s = 5;
        return err_set(err, ERR_BUSY, MSG_SERVE_LONG_BUSY, ARGS(A_INT(CALL_LONG_MAX)));
    }
    return 0;
}

void call_long_end(struct call *call) {
    atomic_fetch_sub(&call->server->long_calls, 1);
}

void call_catalogue_unref(struct catalogue **catalogue) {
    catalogue_unref(*catalogue);
}
