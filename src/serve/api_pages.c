/*
 * Pages: one page app, so every path that is neither a file nor the interface's own gives
 * index.html and the app shows what the address says.
 *
 * Files are embedded compressed; browsers of the last twenty years take gzip. A client that says
 * nothing about encodings gets the plain bytes where they are embedded too (index.html) and gzip
 * otherwise, which RFC 9110 section 12.5.3 allows. Names with a hash may be kept for a year; the
 * others are asked for again each time and answered 304 by their tag.
 */
#include "serve/api_pages.h"

#include <string.h>

#include "serve/call.h"
#include "serve/headers.h"

bool pages_owns_path(struct str path) {
    static const char *const OWN[] = {
        "/api", "/write", "/healthz", "/readyz", "/metrics", "/maru-ca.crt"};
    for (size_t i = 0; i < sizeof OWN / sizeof OWN[0]; i++) {
        struct str own = str_of(OWN[i]);
        if (str_starts(path, own) && (path.size == own.size || path.data[own.size] == '/')) {
            return false;
        }
    }
    return true;
}

static const struct page_asset *asset_find(struct str path) {
    for (const struct page_asset *asset = PAGE_ASSETS; asset->path; asset++) {
        if (str_eq(str_of(asset->path), path)) {
            return asset;
        }
    }
    return NULL;
}

/* A file name has a dot in its last segment; a page's address has none. */
static bool names_file(struct str path) {
    struct str rest = path;
    struct str last = STR_NONE;
    while (rest.data && rest.size > 0) {
        last = str_cut(&rest, '/');
    }
    return str_find(last, '.') < last.size;
}

static bool accepts_gzip(struct str header) {
    struct str rest = header;
    while (rest.size > 0) {
        struct str parameters = str_cut(&rest, ',');
        struct str coding = str_trim(str_cut(&parameters, ';'));
        struct str weight = str_trim(parameters.data ? parameters : STR_NONE);
        bool named = str_eq_nocase(coding, STR("gzip")) || str_eq(coding, STR("*"));
        if (named) {
            return !str_eq(weight, STR("q=0")) && !str_starts(weight, STR("q=0.000"));
        }
    }
    return false;
}

static bool tag_matches(struct str header, const char *etag) {
    struct str rest = header;
    while (rest.size > 0) {
        struct str one = str_trim(str_cut(&rest, ','));
        if (str_starts(one, STR("W/"))) {
            one = str_slice(one, 2, one.size);
        }
        if (str_eq(one, str_of(etag)) || str_eq(one, STR("*"))) {
            return true;
        }
    }
    return false;
}

static void asset_answer(struct call *call, const struct page_asset *asset) {
    struct http_exchange *exchange = call->http;
    struct http_response *response = &exchange->response;
    http_answer_header(exchange, "ETag", str_of(asset->etag));
    http_answer_header(exchange, "Vary", STR("Accept-Encoding"));
    http_answer_header(exchange, "Cache-Control",
        asset->immutable ? STR("public, max-age=31536000, immutable") : STR("no-cache"));
    http_answer_header(exchange, "Content-Security-Policy", str_of(CSP_PAGES));
    if (tag_matches(http_header(exchange, "If-None-Match"), asset->etag)) {
        response->status = 304;
        return;
    }
    response->status = 200;
    response->content_type = asset->mime;
    struct str encodings = http_header(exchange, "Accept-Encoding");
    bool plain = asset->data && (!asset->gzip || !accepts_gzip(encodings));
    if (!plain) {
        http_answer_header(exchange, "Content-Encoding", STR("gzip"));
    }
    response->fixed = plain ? (struct str){(const char *)asset->data, asset->size}
                            : (struct str){(const char *)asset->gzip, asset->gzip_size};
}

int api_page(struct call *call, struct err *err) {
    const struct http_request *request = &call->http->request;
    if (request->method != HTTP_GET && request->method != HTTP_HEAD) {
        call->status = 405;
        return err_set(err, ERR_UNSUPPORTED, MSG_SERVE_METHOD, NO_ARGS);
    }
    struct str path = STR_NONE;
    int rc = query_decode(request->path, false, &call->http->arena, &path, err);
    if (rc < 0) {
        return rc;
    }
    const struct page_asset *asset = asset_find(path);
    if (!asset && names_file(path)) {
        return err_set(err, ERR_NOT_FOUND, MSG_SERVE_PATH_UNKNOWN, ARGS(A_STR(path)));
    }
    if (!asset) {
        asset = asset_find(STR("/index.html"));
    }
    if (!asset) {
        return err_set(err, ERR_NOT_FOUND, MSG_SERVE_NO_PAGES, NO_ARGS);
    }
    asset_answer(call, asset);
    return 0;
}
