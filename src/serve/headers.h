#ifndef SERVE_HEADERS_H
#define SERVE_HEADERS_H
/*
 * The headers that stand on every answer, and what is answered to a request that came without TLS
 * where TLS is served. Any thread that owns the exchange.
 */
#include "serve/http.h"

struct call;
struct server;

/* For pages; the interface's answers get a stricter one (CSP_NOTHING), unless one stands already.
 */
extern const char CSP_PAGES[];
void headers_common(const struct server *server, struct http_exchange *exchange);

/* 1: it came without TLS and must not be served: the answer is set. 0: go on. */
int plain_turn_away(struct call *call, struct err *err);

#endif
