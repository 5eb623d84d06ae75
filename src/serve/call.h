#ifndef SERVE_CALL_H
#define SERVE_CALL_H
/*
 * One call of a handler: who asks, of which plant, with which parameters, and where the answer
 * goes. Made by serve.c on a worker's stack; borrowed by the handler. Handlers return 0 with the
 * response set, or a negative error that becomes a problem document.
 */
#include "core/json.h"
#include "plant/plant.h"
#include "serve/http.h"
#include "serve/query.h"
#include "serve/route.h"

struct server;

struct call {
    struct server *server;
    struct http_exchange *http;
    const struct route *route;
    struct str args[ROUTE_ARGS_MAX]; // Decoded {plant}, {name}; of a plant's route it is args[0].
    struct query query;
    struct plant *plant;    // Of {plant}, or of `plant` of /write; NULL on routes without.
    struct str plant_asked; // Its id as asked for; empty: none.
    struct principal principal;
    bool known; // The principal is valid.
    bool by_cookie;
    bool outsider; // Remote support (serve/inside.h): some things are the factory's alone.
    struct str secret; // The caller's session or token secret.
    enum lang lang;
    int64_t now_ns;         // Wall time of the request.
    int status;             // When not 0, the status instead of the error's usual one.
    bool answered;          // The handler wrote its own refusal.
    uint32_t retry_after_s; // When not 0, told with a refusal.
};

/* ---- Parameters; all were checked against the route's table before ---- */

bool call_param(const struct call *call, const char *name, struct str *ret_value);
/* 1 and the value; 0 when absent; negative with words. */
int call_param_time(const struct call *call, const char *name, const struct zone *zone,
    int64_t *ret_time_ns, struct err *err);
int call_param_duration(
    const struct call *call, const char *name, int64_t *ret_duration_ns, struct err *err);
int call_param_count(
    const struct call *call, const char *name, uint64_t max, uint64_t *ret_count, struct err *err);
bool call_param_flag(const struct call *call, const char *name);
/* Checks the query against the route's table: unknown, doubled, missing, malformed. */
int call_params_check(const struct call *call, struct err *err);

/* ---- Answers ---- */

/* A JSON answer: begins writing into the response's body. */
void call_json(struct call *call, int status, struct json *ret_json);
/* An answer without a body. */
void call_empty(struct call *call, int status);
void call_source(struct call *call, const char *content_type, struct http_source source);
/* The sentence alone, for a person who opened a page. */
void problem_answer_plain(
    struct http_exchange *exchange, enum lang lang, int status, const struct err *err);
/* Writes a problem document (RFC 9457). */
struct problem_line {
    uint64_t line;   // From 1; 0: not of a line.
    uint64_t column; // From 1; 0: unknown.
    struct err err;
};
void problem_answer(struct http_exchange *exchange, enum lang lang, int status,
    const struct err *err, const struct problem_line *lines, uint32_t line_count);
int problem_status(enum err_code code);

/* ---- The wall ---- */

/* Whether the caller may read this plant: what tells of several plants asks for each. */
int call_may_read(struct call *call, const struct plant *plant, bool *ret_may, struct err *err);
/* The caller's role in a plant; ROLE_NONE: to them there is no such plant; ROLE_GRANTEE: only what
 * was granted to their organisation (serve/sight.h). */
int call_role_in(
    struct call *call, const struct plant *plant, enum role *ret_role, struct err *err);

/* Checks 4 and 5 of serve.c, and that the target can be read, for a caller who is known: route,
 * args, server, http and principal are set. Refusals are audited. */
int call_check_known(struct call *call, struct err *err);

/* ---- Work that may hold a worker for long ---- */

enum { CALL_LONG_MAX = HTTP_WORKERS - 3 }; // Beyond: ERR_BUSY. The others keep answering.
/* Before such work, and after it when it was let in. */
int call_long_begin(struct call *call, struct err *err);
void call_long_end(struct call *call);

/* ---- Catalogue for the length of a scope ---- */
void call_catalogue_unref(struct catalogue **catalogue);
#define AUTO_CATALOGUE __attribute__((cleanup(call_catalogue_unref)))

/* ---- Handlers, one file a noun ---- */
#define ROUTE(id, method, path, right, handler, ...)                                               \
    int handler(struct call *call, struct err *err);
#include "serve/routes.def"
#undef ROUTE

#endif
