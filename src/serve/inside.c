/*
 * Requests from inside: what a supporter asks is answered as if they stood in the factory.
 *
 * The handlers are called directly, not over a socket to ourselves: a session made for the purpose
 * could be stolen, would need a certificate of ours to be trusted by us, and would count towards a
 * client's rates. An exchange without a connection is enough, because handlers see only its
 * request, its arena and its response; http_header is asked by none of those listed here.
 *
 * The list names what may be reached, not what may not, so a route of tomorrow is out of reach
 * until somebody has thought about it. Left out are people and their rights, tokens, the audit
 * chain, consents and what left the plant, papers and their registers, retention and corrections of
 * values (both are the factory's decisions), the computer's own settings, remote support itself,
 * and streams, which do not end.
 */
#include "serve/inside.h"

#include <string.h>

#include "serve/call.h"
#include "serve/server.h"
#include "wire/support.h"

static const enum route_index ALLOWED[] = {ROUTE_PLANTS, ROUTE_TAGS, ROUTE_TAG_GET, ROUTE_TAG_PUT,
    ROUTE_TAG_PREVIEW, ROUTE_REFINE_RULES, ROUTE_DEVICES, ROUTE_DEVICE_GET, ROUTE_DEVICE_PUT,
    ROUTE_DRIVERS, ROUTE_DEVICE_CHECK, ROUTE_DOCTOR, ROUTE_BROWSE, ROUTE_ASSETS, ROUTE_SAMPLES,
    ROUTE_MOMENTS, ROUTE_SERIES, ROUTE_JOIN, ROUTE_QUALITY, ROUTE_QUALITY_RUN, ROUTE_REREFINEMENTS,
    ROUTE_REREFINE, ROUTE_FLOW, ROUTE_FLOW_HISTORY, ROUTE_FLOW_TAGS, ROUTE_FLOW_REFUSED,
    ROUTE_PLANT_HEALTH, ROUTE_RETENTION, ROUTE_COUNTS, ROUTE_IMPORT, ROUTE_IMPORTS,
    ROUTE_IMPORT_GET, ROUTE_IMPORT_CANCEL, ROUTE_IMPORT_REJECTED, ROUTE_IMPORT_PREVIEW,
    ROUTE_EXPORT, ROUTE_CORRECTIONS, ROUTE_SUMMARY, ROUTE_ANNOTATIONS, ROUTE_ANNOTATION_NEW,
    ROUTE_INDICATORS, ROUTE_INDICATOR_VALUES, ROUTE_MEASURE};

static bool is_allowed(const struct route *route) {
    for (size_t i = 0; i < sizeof ALLOWED / sizeof ALLOWED[0]; i++) {
        if (route == route_at(ALLOWED[i])) {
            return true;
        }
    }
    return false;
}

static int find_route(struct call *call, struct err *err) {
    const struct http_request *request = &call->http->request;
    struct route_match match = route_find(request->method, request->path);
    if (!match.route || !is_allowed(match.route)) {
        return err_set(err, ERR_FORBIDDEN, MSG_SUPPORT_ROUTE, ARGS(A_STR(request->path)));
    }
    call->route = match.route;
    memcpy(call->args, match.args, sizeof match.args);
    return 0;
}

static int check_body(
    const struct call *call, const struct inside_request *request, struct err *err) {
    struct str rest = request->type;
    if (call->route->body == BODY_JSON &&
        !str_eq_nocase(str_trim(str_cut(&rest, ';')), STR("application/json"))) {
        return err_set(err, ERR_UNSUPPORTED, MSG_SERVE_BODY_JSON, NO_ARGS);
    }
    if (call->route->body == BODY_NONE && request->body.size > 0) {
        return err_set(err, ERR_LIMIT, MSG_SERVE_BODY_TOO_LONG, ARGS(A_INT(0)));
    }
    return 0;
}

/* Makes a long answer whole. */
static int drain(struct http_response *response, struct err *err) {
    struct http_source *source = &response->source;
    int rc = source->fill ? HTTP_MORE : HTTP_END;
    while (rc == HTTP_MORE && !response->body.overflow) {
        rc = source->fill(source->state, &response->body, err);
    }
    if (source->free) {
        source->free(source->state);
    }
    *source = (struct http_source){0};
    if (rc >= 0 && (rc == HTTP_PARK || response->body.overflow)) {
        return err_set(
            err, ERR_LIMIT, MSG_SUPPORT_ANSWER_LONG, ARGS(A_INT(response->body.max >> 10)));
    }
    return rc < 0 ? rc : 0;
}

static int run(struct call *call, const struct inside_request *request, enum inside_kind *ret_kind,
    struct err *err) {
    int rc = find_route(call, err);
    rc = rc < 0 ? rc : call_check_known(call, err);
    rc = rc < 0 ? rc : check_body(call, request, err);
    rc = rc < 0 ? rc : call_params_check(call, err);
    bool changes = rc >= 0 && call->route->right != RIGHT_READ;
    if (changes) {
        rc = request->before_change(request->context, call, err);
    }
    if (rc < 0) {
        return rc;
    }
    *ret_kind = changes ? INSIDE_CHANGE : INSIDE_READ;
    rc = call->route->handler(call, err);
    return rc < 0 ? rc : drain(&call->http->response, err);
}

static void take_answer(struct http_response *response, struct inside_answer *answer) {
    struct str body = response->fixed.size > 0 ? response->fixed : buf_str(&response->body);
    buf_put_str(&answer->body, body);
    answer->status = response->status;
    (void)str_copy_z(str_of(response->content_type ? response->content_type : ""), answer->type,
        sizeof answer->type);
    for (uint32_t i = 0; i < response->header_count; i++) {
        if (strcmp(response->headers[i].name, "Content-Disposition") == 0) {
            (void)str_copy_z(str_of(response->headers[i].value), answer->disposition,
                sizeof answer->disposition);
        }
    }
}

void inside_ask(
    struct server *server, const struct inside_request *request, struct inside_answer *answer) {
    struct http_exchange *exchange = MEM_NEW(struct http_exchange);
    arena_init(&exchange->arena, HTTP_ARENA_BYTES);
    buf_init(&exchange->response.body, answer->body.max);
    struct str query = request->target;
    exchange->begin_ns = clock_mono_ns(server->clock);
    exchange->request = (struct http_request){
        .method = request->method, .path = str_cut(&query, '?'), .body = request->body};
    exchange->request.query = query.data ? query : STR_NONE;
    struct call *call = ARENA_NEW(&exchange->arena, struct call);
    call->server = server;
    call->http = exchange;
    call->principal = *request->principal;
    call->known = true;
    call->outsider = true;
    call->lang = accept_language(request->language);
    call->now_ns = clock_wall_ns(server->clock);
    call->plant_asked = STR_NONE;
    struct err err = ERR_INIT;
    enum inside_kind kind = INSIDE_REFUSED;
    int rc = run(call, request, &kind, &err);
    if (rc < 0 && !call->answered) {
        if (exchange->response.body.overflow) {
            buf_clear(&exchange->response.body);
        }
        problem_answer(exchange, call->lang, call->status, &err, NULL, 0);
    }
    (void)drain(&exchange->response, &err); // Of a handler that refused by itself: nothing is open.
    answer->kind = kind;
    take_answer(&exchange->response, answer);
    buf_fini(&exchange->response.body);
    arena_fini(&exchange->arena);
    mem_free(exchange);
}
