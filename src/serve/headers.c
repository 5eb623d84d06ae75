/*
 * What a browser is told with every answer.
 *
 * Content-Security-Policy: pages may load from this server only, no script and no style element may
 * stand inside a page, nothing may frame one. Style attributes are allowed, because the charts and
 * virtual lists place things by them. Answers of the interface may do nothing at all, so that a
 * stored text that a browser takes for a page runs nothing. Cross-Origin-Opener-Policy and
 * Cross-Origin-Resource-Policy keep windows and documents of other sites apart (Fetch and HTML
 * standards); Permissions-Policy switches off what no page of ours uses.
 *
 * Strict-Transport-Security (RFC 6797) is only said where the operator brought a certificate: with
 * our own authority a computer that does not trust it would be locked out, because browsers let
 * nobody past the warning then. It is never said without TLS (section 7.2).
 *
 * A request without TLS on the port of TLS: pages are sent to https:// with 307, which browsers do
 * not remember, so that switching TLS off later locks nobody out. Everything else is refused with
 * 426 (RFC 9110 section 15.5.22): a program that sends its token readable must be told, not helped.
 * The authority's certificate and the two routes that watchers ask are answered without TLS.
 */
#include "serve/headers.h"

#include <string.h>

#include "serve/call.h"
#include "serve/server.h"
#include "upkeep/tls.h"

const char CSP_PAGES[] =
    "default-src 'none'; script-src 'self'; style-src 'self'; style-src-attr 'unsafe-inline'; "
    "img-src 'self' data:; font-src 'self'; connect-src 'self'; manifest-src 'self'; "
    "worker-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";
static const char CSP_NOTHING[] =
    "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
static const char PERMISSIONS[] =
    "accelerometer=(), autoplay=(), camera=(self), display-capture=(), encrypted-media=(), "
    "geolocation=(), gyroscope=(), magnetometer=(), microphone=(), midi=(), payment=(), "
    "publickey-credentials-get=(), usb=()";

static bool stands(const struct http_exchange *exchange, const char *name) {
    for (uint32_t i = 0; i < exchange->response.header_count; i++) {
        if (strcmp(exchange->response.headers[i].name, name) == 0) {
            return true;
        }
    }
    return false;
}

static bool is_trusted_certificate(const struct server *server) {
    struct tls_facts facts;
    if (server->options.tls == NULL) {
        return false;
    }
    tls_store_facts(server->options.tls, &facts);
    return !facts.own;
}

void headers_common(const struct server *server, struct http_exchange *exchange) {
    http_answer_header(exchange, "X-Content-Type-Options", STR("nosniff"));
    http_answer_header(exchange, "Referrer-Policy", STR("no-referrer"));
    http_answer_header(exchange, "X-Frame-Options", STR("DENY"));
    http_answer_header(exchange, "Permissions-Policy", str_of(PERMISSIONS));
    http_answer_header(exchange, "Cross-Origin-Opener-Policy", STR("same-origin"));
    http_answer_header(exchange, "Cross-Origin-Resource-Policy", STR("same-origin"));
    if (!stands(exchange, "Content-Security-Policy")) {
        http_answer_header(exchange, "Content-Security-Policy", str_of(CSP_NOTHING));
    }
    if (!stands(exchange, "Cache-Control")) {
        http_answer_header(exchange, "Cache-Control", STR("no-store"));
    }
    if (!exchange->request.plain && is_trusted_certificate(server)) {
        http_answer_header(exchange, "Strict-Transport-Security", STR("max-age=15552000"));
    }
}

/* ---- Without TLS ---- */

int plain_turn_away(struct call *call, struct err *err) {
    static const char *const OPEN[] = {"/maru-ca.crt", "/healthz", "/readyz"};
    struct http_exchange *exchange = call->http;
    const struct http_request *request = &exchange->request;
    bool is_read = request->method == HTTP_GET || request->method == HTTP_HEAD;
    if (!request->plain) {
        return 0;
    }
    for (size_t i = 0; is_read && i < sizeof OPEN / sizeof OPEN[0]; i++) {
        if (str_eq(request->path, str_of(OPEN[i]))) {
            return 0;
        }
    }
    if (!is_read || http_header(exchange, "Authorization").size > 0) {
        call->status = 426; // Its header comes with those of refusals.
        return err_set(err, ERR_UNSUPPORTED, MSG_SERVE_PLAIN, NO_ARGS);
    }
    struct buf where;
    buf_init(&where, HTTP_HEADER_BYTES + 16);
    // "@evil.example" behind the host would make the host a user name of another site.
    bool is_path = request->path.size > 0 && request->path.data[0] == '/';
    struct str path = is_path ? request->path : STR("/");
    buf_printf(&where, "https://%.*s%.*s", STR_ARG(http_header(exchange, "Host")), STR_ARG(path));
    if (request->query.size > 0) {
        buf_printf(&where, "?%.*s", STR_ARG(request->query));
    }
    exchange->response.status = 307;
    http_answer_header(exchange, "Location", buf_str(&where));
    buf_fini(&where);
    return 1;
}
