/*
 * Problem documents (RFC 9457): an error with words becomes JSON in the reader's language.
 *
 * `type` is a path of our own (/problems/<code>), stable for programs; `title` the general words of
 * the code, `detail` the whole sentence with its contexts. Lists of bad lines stand in `errors`.
 * The status follows from the code alone, so that a handler need not think in HTTP.
 */
#include "serve/call.h"

#include <string.h>

#include "core/check.h"
#include "production/words.h"

int problem_status(enum err_code code) {
    switch (code) {
    case ERR_OK: return 200;
    case ERR_INVALID:
    case ERR_USAGE:
    case ERR_TYPE:
    case ERR_RANGE:
    case ERR_FRAME:
    case ERR_VERSION:
    case ERR_LIMIT:
    case ERR_UNSUPPORTED: return 400;
    case ERR_UNAUTHENTICATED: return 401;
    case ERR_FORBIDDEN: return 403;
    case ERR_NOT_FOUND: return 404;
    case ERR_EXISTS:
    case ERR_CONFLICT: return 409;
    case ERR_BUSY:
    case ERR_AGAIN:
    case ERR_LOCKED:
    case ERR_CLOSED:
    case ERR_CANCELLED: return 503;
    case ERR_TIMEOUT: return 504;
    case ERR_REFUSED:
    case ERR_UNREACHABLE:
    case ERR_DEVICE: return 502;
    case ERR_SPACE: return 507;
    case ERR_IO:
    case ERR_CORRUPT:
    case ERR_PARTIAL:
    case ERR_DATABASE:
    case ERR_INTERNAL:
    case ERR_CODE_COUNT: break;
    }
    return 500;
}

static void code_text(enum err_code code, char *to, size_t size) {
    size_t used = str_copy_z(str_of(err_code_name(code)), to, size);
    for (size_t i = 0; i < used; i++) {
        if (to[i] >= 'A' && to[i] <= 'Z') {
            to[i] = (char)(to[i] - 'A' + 'a');
        }
    }
}

static void put_detail(struct json *json, const struct err *err, enum lang lang) {
    AUTO_BUF struct buf words = {0};
    buf_init(&words, 8192);
    err_render(err, lang, &words);
    json_put_str(json, "detail", buf_str(&words));
}

static void put_lines(
    struct json *json, enum lang lang, const struct problem_line *lines, uint32_t line_count) {
    json_key(json, "errors");
    json_array_begin(json);
    for (uint32_t i = 0; i < line_count; i++) {
        json_object_begin(json);
        json_put_i64(json, "line", (int64_t)lines[i].line);
        if (lines[i].column > 0) {
            json_put_i64(json, "column", (int64_t)lines[i].column);
        }
        put_detail(json, &lines[i].err, lang);
        json_object_end(json);
    }
    json_array_end(json);
}

static void retry_header(struct http_exchange *exchange) {
    if (exchange->response.status == 503 || exchange->response.status == 507) {
        http_answer_header(exchange, "Retry-After", STR("2"));
    }
}

void problem_answer_plain(
    struct http_exchange *exchange, enum lang lang, int status, const struct err *err) {
    enum err_code error = err->code == ERR_OK ? ERR_INTERNAL : err->code;
    http_answer_reset(exchange);
    struct http_response *response = &exchange->response;
    response->status = status ? status : problem_status(error);
    response->content_type = "text/plain; charset=utf-8";
    err_render(err, lang, &response->body);
    buf_put_char(&response->body, '\n');
    retry_header(exchange);
}

void problem_answer(struct http_exchange *exchange, enum lang lang, int status,
    const struct err *err, const struct problem_line *lines, uint32_t line_count) {
    enum err_code error = err->code == ERR_OK ? ERR_INTERNAL : err->code;
    char code[32];
    code_text(error, code, sizeof code);
    if (error == ERR_UNAUTHENTICATED && err->notes[0].msg == MSG_SERVE_SECOND_FACTOR) {
        (void)str_copy_z(STR("second_factor"), code, sizeof code); // The page asks for the code.
    }
    if (error == ERR_CONFLICT && err->notes[0].msg == SAY(PRODUCTION_DOUBT)) {
        (void)str_copy_z(STR("doubtful"), code, sizeof code); // The page asks whether it is right.
    }
    http_answer_reset(exchange);
    struct http_response *response = &exchange->response;
    response->status = status ? status : problem_status(error);
    response->content_type = "application/problem+json; charset=utf-8";
    struct json json;
    json_init(&json, &response->body);
    json_object_begin(&json);
    char type[64] = "/problems/";
    (void)str_copy_z(str_of(code), type + strlen(type), sizeof type - strlen(type));
    json_put_str(&json, "type", str_of(type));
    json_put_str(&json, "title", str_of(err_code_words(error, lang)));
    json_put_i64(&json, "status", response->status);
    put_detail(&json, err, lang);
    json_put_str(&json, "code", str_of(code));
    if (line_count > 0) {
        put_lines(&json, lang, lines, line_count);
    }
    json_object_end(&json);
    if (response->status == 401) {
        http_answer_header(exchange, "WWW-Authenticate", STR("Bearer realm=\"maru\""));
    }
    retry_header(exchange);
}
