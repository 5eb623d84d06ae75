/*
 * From a request to its handler: the order of the checks is the security of the whole interface.
 *
 *   1. Host is ours                     421  a foreign name pointed at us (DNS rebinding)
 *      it came with TLS where we do     307, 426
 *   2. the route exists                 404, 405
 *   3. who asks                         401  where the route is not public
 *   4. the plant                        404  unknown, or the caller has no role in it: one answer
 *   5. the right                        403  from the same row of the table that serves
 *   6. X-Requested-With with a cookie   403  another site's page cannot send it (CSRF)
 *   7. type and size of the body        415, 413
 *   8. parameters                       400
 *
 * 1 to 7 run before a large body is read. To whom a plant gives no role, it does not exist; nobody
 * without a right learns whether a tag or a parameter exists. Refusals of known callers are written
 * into the audit chain of the hub, at most ten a minute for each of them, so that a broken script
 * cannot fill the disk.
 */
#include "serve/serve.h"

#include <string.h>

#include "core/check.h"
#include "core/log.h"
#include "core/random.h"
#include "serve/api_openapi.h"
#include "serve/api_pages.h"
#include "serve/api_write.h"
#include "serve/call.h"
#include "serve/desk.h"
#include "serve/factories.h"
#include "serve/headers.h"
#include "serve/jobs.h"
#include "serve/server.h"
#include "serve/support.h"
#include "wire/support.h"

/* A programme's document; a ranking of some thousand applications. */
enum { JSON_BODY_BYTES = HTTP_SMALL_BODY_BYTES, DESK_BODY_BYTES = 4 << 20 };

uint32_t server_plant_index(const struct server *server, const struct plant *plant) {
    uint32_t count = home_plant_count(server->home);
    for (uint32_t i = 0; i < count && i < HOME_PLANTS_MAX; i++) {
        if (home_plant_at(server->home, i) == plant) {
            return i;
        }
    }
    return 0;
}

/* ---- Refusals ---- */

/* Whether a person reads the refusal: a browser that opens a page. */
static bool is_for_eyes(const struct http_exchange *exchange) {
    return pages_owns_path(exchange->request.path) && accept_html(http_header(exchange, "Accept"));
}

static void fail(const struct server *server, struct http_exchange *exchange, enum lang lang,
    int status, const struct err *err) {
    if (is_for_eyes(exchange)) {
        problem_answer_plain(exchange, lang, status, err);
    } else {
        problem_answer(exchange, lang, status, err, NULL, 0);
    }
    headers_common(server, exchange);
}

static enum lang language_of(const struct http_exchange *exchange) {
    return accept_language(http_header(exchange, "Accept-Language"));
}

/* ---- Checks ---- */

static int denial_write(struct ledger_tx *tx, void *context, struct err *err) {
    const struct call *call = context;
    char right[128] = "";
    size_t size = str_copy_z(str_of(right_name(call->route->right)), right, sizeof right);
    if (str_is_id(call->plant_asked)) { // Which door was tried.
        size += str_copy_z(STR(" "), right + size, sizeof right - size);
        (void)str_copy_z(call->plant_asked, right + size, sizeof right - size);
    }
    return audit_append(tx, str_of(call->principal.id), STR("request.denied"),
        str_of(call->route->id), str_of(right), err);
}

static void audit_denial(struct call *call) {
    struct server *server = call->server;
    struct str id = str_of(call->principal.id);
    if (!rate_take(server->auth.denials, id.data, id.size, clock_mono_ns(server->clock), NULL)) {
        return;
    }
    struct err err = ERR_INIT;
    if (ledger_write(home_hub(server->home), denial_write, call, &err) < 0) {
        log_event(LOG_WARN, "serve", "denial-not-audited", NULL, &err);
    }
}

static int identify(struct call *call, struct str plant, struct err *err) {
    struct auth_result found;
    struct ledger *hub = home_hub(call->server->home);
    int rc = auth_identify(hub, call->http, plant, &found, err);
    if (rc < 0) {
        return rc;
    }
    call->known = rc == 1;
    call->principal = found.principal;
    call->by_cookie = found.by_cookie;
    call->secret = found.secret;
    if (!call->known && call->route->right != RIGHT_PUBLIC) {
        return err_set(err, ERR_UNAUTHENTICATED,
            found.presented ? MSG_SERVE_AUTH_EXPIRED : MSG_SERVE_AUTH_NEEDED, NO_ARGS);
    }
    return 0;
}

/* The plant that is meant where none is named: the only one the caller has to do with. */
static int only_plant(struct call *call, struct err *err) {
    struct home *home = call->server->home;
    uint32_t count = 0;
    for (uint32_t i = 0; i < home_plant_count(home); i++) {
        enum role role = ROLE_NONE;
        int rc = call_role_in(call, home_plant_at(home, i), &role, err);
        if (rc < 0) {
            return rc;
        }
        if (role != ROLE_NONE && role != ROLE_GRANTEE) {
            call->plant_asked = plant_id(home_plant_at(home, i));
            call->principal.role = role;
            count++;
        }
    }
    if (count > 1) {
        return err_set(err, ERR_USAGE, MSG_HOME_WHICH_PLANT, ARGS(A_INT(count)));
    }
    call->principal.role = count == 0 ? ROLE_NONE : call->principal.role;
    return 0;
}

/* Whether to the caller there is this route in the plant asked about. */
static bool has_route(const struct call *call) {
    enum role role = call->principal.role;
    return role != ROLE_NONE && (role != ROLE_GRANTEE || route_is_shared(call->route));
}

/* Step 4. Sets the plant of a route that has one, or refuses in the same words whether there is no
 * such plant, the caller has no role in it, or only a grant that this route is not for. */
static int check_plant(struct call *call, struct err *err) {
    bool of_plant = route_is_of_plant(call->route);
    if (!of_plant && call->route != route_at(ROUTE_WRITE)) {
        return 0;
    }
    if (!of_plant && call->plant_asked.size == 0) {
        int rc = only_plant(call, err);
        if (rc < 0) {
            return rc;
        }
    }
    int rc = home_plant(call->server->home, call->plant_asked, &call->plant, err);
    if (rc < 0 || !has_route(call)) {
        call->plant = NULL;
        err_clear(err);
        audit_denial(call);
        return err_set(err, ERR_NOT_FOUND, MSG_HOME_NO_PLANT, ARGS(A_STR(call->plant_asked)));
    }
    return 0;
}

/* The parts of the path, the parameters, and by these the plant that is asked about. */
static int read_target(struct call *call, struct err *err) {
    struct arena *arena = &call->http->arena;
    for (size_t i = 0; i < ROUTE_ARGS_MAX; i++) {
        if (call->args[i].size > 0) {
            int rc = query_decode(call->args[i], false, arena, &call->args[i], err);
            if (rc < 0) {
                return rc;
            }
        }
    }
    if (route_is_of_plant(call->route)) {
        call->plant_asked = call->args[0];
    }
    int rc = query_parse(call->http->request.query, arena, &call->query, err);
    if (rc >= 0 && call->route == route_at(ROUTE_WRITE)) {
        (void)call_param(call, "plant", &call->plant_asked); // Absent: the caller's only one.
    }
    return rc;
}

/* Step 5. */
static int check_right(struct call *call, struct err *err) {
    if (!route_allows(call->route, &call->principal)) {
        audit_denial(call);
        return err_set(err, ERR_FORBIDDEN, MSG_SERVE_RIGHT_MISSING,
            ARGS(A_CSTR(right_name(call->route->right)), A_CSTR(role_name(call->principal.role))));
    }
    return 0;
}

int call_check_known(struct call *call, struct err *err) {
    int rc = read_target(call, err);
    if (rc >= 0 && call->plant_asked.size > 0 &&
        !str_eq(call->plant_asked, str_of(call->principal.plant))) {
        call->principal.role = ROLE_NONE;
    }
    rc = rc < 0 ? rc : check_plant(call, err);
    return rc < 0 ? rc : check_right(call, err);
}

/* Steps 3 to 6. */
static int check_caller(struct call *call, struct err *err) {
    struct err bad = ERR_INIT;
    int readable = read_target(call, &bad);
    int rc = identify(call, call->plant_asked, err);
    if (rc >= 0 && readable < 0) {
        *err = bad;
        rc = readable;
    }
    if (rc >= 0) {
        rc = check_plant(call, err);
    }
    if (rc < 0) {
        return rc;
    }
    rc = check_right(call, err);
    if (rc < 0) {
        return rc;
    }
    if (call->known && call->by_cookie && call->route->method != HTTP_GET &&
        !str_eq(http_header(call->http, "X-Requested-With"), STR("maru"))) {
        return err_set(err, ERR_FORBIDDEN, MSG_SERVE_CSRF, NO_ARGS);
    }
    return 0;
}

static bool type_is_json(struct str header) {
    struct str rest = header;
    return str_eq_nocase(str_trim(str_cut(&rest, ';')), STR("application/json"));
}

/* Step 6, as far as the header tells. */
static int check_body_type(struct call *call, struct err *err) {
    if (call->route->body == BODY_JSON && !type_is_json(http_header(call->http, "Content-Type"))) {
        call->status = 415;
        return err_set(err, ERR_UNSUPPORTED, MSG_SERVE_BODY_JSON, NO_ARGS);
    }
    struct str encoding = http_header(call->http, "Content-Encoding");
    if (call->route->body != BODY_NONE && encoding.size > 0 &&
        !str_eq_nocase(encoding, STR("identity"))) {
        call->status = 415;
        return err_set(err, ERR_UNSUPPORTED, MSG_SERVE_BODY_ENCODING, ARGS(A_STR(encoding)));
    }
    return 0;
}

static int find_route(struct call *call, struct str *ret_args, struct err *err) {
    const struct http_request *request = &call->http->request;
    struct route_match match = route_find(request->method, request->path);
    if (!match.route && match.path_known) {
        call->status = 405;
        return err_set(err, ERR_UNSUPPORTED, MSG_SERVE_METHOD, NO_ARGS);
    }
    if (!match.route) {
        return err_set(err, ERR_NOT_FOUND, MSG_SERVE_PATH_UNKNOWN, ARGS(A_STR(request->path)));
    }
    if (match.route->answer == ANSWER_EVENTS && request->method == HTTP_HEAD) {
        call->status = 405; // A stream has no head worth asking for.
        return err_set(err, ERR_UNSUPPORTED, MSG_SERVE_METHOD, NO_ARGS);
    }
    call->route = match.route;
    memcpy(ret_args, match.args, sizeof match.args);
    return 0;
}

static int check_call(struct call *call, struct err *err) {
    struct str host = http_header(call->http, "Host");
    if (http_header_count(call->http, "Host") > 1) { // RFC 9112 section 3.2: which one is meant?
        return err_set(err, ERR_INVALID, MSG_SERVE_HOST_TWICE, NO_ARGS);
    }
    if (!host_is_ours(host, call->server->options.host_name)) {
        call->status = 421;
        return err_set(err, ERR_INVALID, MSG_SERVE_HOST, ARGS(A_STR(host)));
    }
    int rc = plain_turn_away(call, err);
    if (rc != 0 || pages_owns_path(call->http->request.path)) {
        return rc < 0 ? rc : 0;
    }
    rc = find_route(call, call->args, err);
    if (rc >= 0) {
        rc = check_caller(call, err);
    }
    if (rc >= 0 && call->route == route_at(ROUTE_SUPPORT_EXCHANGE)) {
        rc = support_check_key(call, err); // Its frames are large: only of whom we know.
    }
    return rc >= 0 ? check_body_type(call, err) : rc;
}

static size_t body_max(const struct call *call) {
    if (!call->route) {
        return 0;
    }
    switch (call->route->body) {
    case BODY_NONE: return 0;
    case BODY_JSON:
        return call->route == route_at(ROUTE_PROGRAMME_PUT) ||
                       call->route == route_at(ROUTE_PROGRAMME_ASK)
                   ? DESK_BODY_BYTES
                   : JSON_BODY_BYTES;
    case BODY_FRAME: return SUPPORT_FRAME_BYTES;
    case BODY_LINES:
    case BODY_FILE: break;
    }
    return call->server->options.limits.body_bytes;
}

static void refusal_headers(struct call *call) {
    if (call->retry_after_s > 0) {
        char text[24];
        (void)i64_to_text(call->retry_after_s, text);
        http_answer_header(call->http, "Retry-After", str_of(text));
    }
    if (call->status == 426) {
        http_answer_header(call->http, "Upgrade", STR("TLS/1.2, HTTP/1.1"));
    }
    if (call->status == 405) {
        char allowed[64] = "GET, HEAD"; // Of pages.
        if (!pages_owns_path(call->http->request.path)) {
            route_allowed(call->http->request.path, allowed);
        }
        http_answer_header(call->http, "Allow", str_of(allowed));
    }
}

static bool serve_admit(void *context, struct http_exchange *exchange, size_t *ret_body_max) {
    struct server *server = context;
    struct call *call = ARENA_NEW(&exchange->arena, struct call);
    exchange->user = call;
    call->server = server;
    call->http = exchange;
    call->lang = language_of(exchange);
    call->now_ns = clock_wall_ns(server->clock);
    call->plant_asked = STR_NONE;
    struct err err = ERR_INIT;
    if (check_call(call, &err) < 0) {
        fail(server, exchange, call->lang, call->status, &err);
        refusal_headers(call);
        return false;
    }
    if (exchange->response.status != 0) { // Turned away.
        headers_common(server, exchange);
        return false;
    }
    *ret_body_max = body_max(call);
    return true;
}

/* Whether the operator should hear of it: not of refusals that only say "later". */
static bool status_is_ours(int status) {
    return status >= 500 && status != 503;
}

static void serve_handle(void *context, struct http_exchange *exchange) {
    (void)context;
    struct call *call = exchange->user;
    struct err err = ERR_INIT;
    int rc = 0;
    if (call->known) { // Here on a worker: it may wait for the disk.
        auth_seen(home_hub(call->server->home), &call->principal, &exchange->request.address,
            call->now_ns);
    }
    if (!call->route) {
        rc = api_page(call, &err);
    } else {
        rc = call_params_check(call, &err);
        if (rc >= 0) {
            rc = call->route->handler(call, &err);
        }
    }
    if (rc >= 0 && exchange->response.body.overflow) {
        rc = err_set(&err, ERR_LIMIT, MSG_SERVE_ANSWER_TOO_LONG, NO_ARGS);
    }
    if (rc < 0 && !call->answered) {
        problem_answer(exchange, call->lang, call->status, &err, NULL, 0);
        refusal_headers(call);
        if (status_is_ours(exchange->response.status)) {
            log_event(LOG_ERROR, "serve", "request-failed",
                LOG_FIELDS({"path", A_STR(exchange->request.path)}), &err);
        }
    }
    headers_common(call->server, exchange);
}

static void serve_fail(void *context, struct http_exchange *exchange, const struct err *err) {
    (void)context;
    const struct call *call = exchange->user;
    fail(call->server, exchange, call->lang, 0, err);
}

static void serve_refuse(void *context, struct http_exchange *exchange, enum http_refusal why) {
    struct server *server = context;
    struct err err = ERR_INIT;
    int status = 503;
    switch (why) {
    case HTTP_REFUSE_FRAMING:
        (void)err_set(&err, ERR_INVALID, MSG_SERVE_FRAMING, NO_ARGS);
        status = 400;
        break;
    case HTTP_REFUSE_HEADER:
        status = 431;
        (void)err_set(&err, ERR_LIMIT, MSG_SERVE_HEADER_TOO_LONG, ARGS(A_INT(HTTP_HEADER_BYTES)));
        break;
    case HTTP_REFUSE_BODY:
        status = 413;
        (void)err_set(&err, ERR_LIMIT, MSG_SERVE_BODY_TOO_LONG,
            ARGS(A_INT(
                exchange->user ? body_max(exchange->user) : server->options.limits.body_bytes)));
        break;
    case HTTP_REFUSE_LENGTH:
        status = 411;
        (void)err_set(
            &err, ERR_LIMIT, MSG_SERVE_LENGTH_NEEDED, ARGS(A_INT(HTTP_CHUNKED_BODY_BYTES)));
        break;
    case HTTP_REFUSE_RATE:
        status = 429;
        (void)err_set(
            &err, ERR_LIMIT, MSG_SERVE_RATE, ARGS(A_INT(server->options.limits.requests_per_s)));
        break;
    case HTTP_REFUSE_BUSY: (void)err_set(&err, ERR_BUSY, MSG_SERVE_BUSY, NO_ARGS); break;
    }
    fail(server, exchange, language_of(exchange), status, &err);
}

static void serve_done(void *context, struct http_exchange *exchange) {
    struct server *server = context;
    const struct call *call = exchange->user;
    size_t index = call && call->route ? (size_t)(call->route - route_at(0)) : ROUTE_COUNT;
    int class = exchange->response.status / 100;
    class = class < 0 || class >= STATUS_CLASSES ? 0 : class;
    int64_t time_ns = clock_mono_ns(server->clock) - exchange->begin_ns;
    atomic_fetch_add(&server->requests[index].answers[class], 1);
    atomic_fetch_add(&server->requests[index].time_us, (uint64_t)(time_ns / NS_PER_US));
}

/* ---- Start and stop ---- */

static void limits_default(struct serve_limits *limits) {
    limits->connections = limits->connections ? limits->connections : SERVE_CONNECTIONS;
    limits->connections_per_ip =
        limits->connections_per_ip ? limits->connections_per_ip : SERVE_CONNECTIONS_PER_IP;
    limits->body_bytes = limits->body_bytes ? limits->body_bytes : SERVE_BODY_BYTES;
    limits->requests_per_s = limits->requests_per_s ? limits->requests_per_s : SERVE_REQUESTS_PER_S;
    limits->streams = limits->streams ? limits->streams : SERVE_STREAMS;
}

static void server_free(struct server *server) {
    support_free(server->support);
    desk_free(server->desk);
    jobs_free(server->jobs);
    stream_hub_free(server->streams);
    sights_free(server->sights);
    factories_free(server->factories);
    auth_fini(&server->auth);
    for (size_t i = 0; i < HTTP_WORKERS; i++) {
        write_scratch_free(server->write_scratch[i]);
    }
    buf_fini(&server->openapi_text[LANG_KO]);
    buf_fini(&server->openapi_text[LANG_EN]);
    mem_free(server);
}

static void epoch_make(char *to) {
    static const char DIGITS[] = "0123456789abcdef";
    struct random random;
    random_seed_system(&random);
    uint64_t bits = random_u64(&random);
    for (int i = 0; i < 16; i++) {
        to[i] = DIGITS[bits >> (60 - 4 * i) & 15];
    }
    to[16] = '\0';
}

static struct server *server_new(const struct serve_options *options) {
    struct server *server = MEM_NEW(struct server);
    server->options = *options;
    limits_default(&server->options.limits);
    server->home = options->home;
    server->clock = options->clock ? options->clock : clock_system();
    server->jobs = jobs_new(home_dir(server->home), server->clock);
    server->begin_wall_ns = clock_wall_ns(server->clock);
    epoch_make(server->epoch);
    for (int lang = 0; lang < 2; lang++) {
        buf_init(&server->openapi_text[lang], OPENAPI_BYTES_MAX);
        openapi_write((enum lang)lang, &server->openapi_text[lang]);
        server->openapi[lang] = buf_str(&server->openapi_text[lang]);
    }
    server->desk = desk_new(server->clock);
    server->support = support_new(server);
    server->factories = factories_new();
    server->sights = sights_new(home_hub(server->home));
    server->streams = stream_hub_new(
        server->clock, server->home, server->epoch, server->options.limits.streams, server->sights);
    return server;
}

int serve_start(const struct serve_options *options, struct server **ret_server, struct err *err) {
    struct server *server = server_new(options);
    int rc = auth_init(&server->auth, err);
    if (rc >= 0) {
        const struct serve_limits *limits = &server->options.limits;
        struct http_options http = {
            .app = {server, serve_refuse, serve_admit, serve_handle, serve_fail, serve_done},
            .clock = server->clock,
            .address = options->address,
            .port = options->port,
            .connections = limits->connections,
            .connections_per_ip = limits->connections_per_ip,
            .body_bytes = limits->body_bytes,
            .requests_per_s = limits->requests_per_s,
            .header_wait_s = limits->header_wait_s,
            .idle_wait_s = limits->idle_wait_s,
            .tls = options->tls,
        };
        rc = http_start(&http, &server->http, err);
    }
    if (rc < 0) {
        server_free(server);
        return rc;
    }
    *ret_server = server;
    return 0;
}

void serve_stop(struct server *server) {
    if (server) {
        support_end(server->support, "restart"); // Its requests run inside the server.
        stream_hub_end(server->streams);
        desk_end(server->desk);
        http_stop(server->http);
        server_free(server);
    }
}

uint16_t serve_port(const struct server *server) {
    return http_port(server->http);
}
