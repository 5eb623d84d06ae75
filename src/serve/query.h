#ifndef SERVE_QUERY_H
#define SERVE_QUERY_H
/*
 * The small languages of a request: percent-encoding, query strings, cookies, Accept-Language,
 * Host. Pure; all outside bytes of a request but its body pass here. Results live in the arena or
 * borrow the input.
 */
#include <stdbool.h>
#include <stdint.h>

#include "core/err.h"
#include "core/mem.h"

enum { QUERY_PARAMS_MAX = 128 };

struct query_param {
    struct str name;
    struct str value;
};

struct query {
    struct query_param params[QUERY_PARAMS_MAX];
    uint32_t count;
};

/* Decodes %XX (and + as a blank where `plus`). ERR_INVALID: a bad escape, a control character or
 * no UTF-8. */
int query_decode(
    struct str text, bool plus, struct arena *arena, struct str *ret_text, struct err *err);
/* "a=1&b=2". ERR_INVALID, ERR_LIMIT. */
int query_parse(struct str text, struct arena *arena, struct query *ret_query, struct err *err);
/* The first value of a name, or false. */
bool query_find(const struct query *query, struct str name, struct str *ret_value);
/* A time as it was meant: in a query a plus is a blank, so the offset of "...T12:00:00+09:00" comes
 * as " 09:00" from whoever did not write %2B. `to` takes the mended copy; other texts are given
 * back as they are. */
enum { QUERY_TIME_MAX = 40 };
struct str query_time(struct str value, char to[QUERY_TIME_MAX]);
/* The value of one cookie in a Cookie header, or the empty text (RFC 6265 section 4.2.1). */
struct str cookie_find(struct str header, struct str name);
/* Korean unless English is preferred (RFC 9110 section 12.5.4). */
enum lang accept_language(struct str header);
/* Whether an Accept header names text/html, as browsers do that open a page. */
bool accept_html(struct str header);
/* True when the Host header is an address, localhost or `own_name` (NULL: none): anything else is
 * a foreign name that was pointed at us (DNS rebinding). */
bool host_is_ours(struct str header, const char *own_name);

#endif
