#ifndef SERVE_INSIDE_H
#define SERVE_INSIDE_H
/*
 * A request that did not come over a connection of ours: it is answered by the same table, the same
 * checks and the same handlers, on the caller's thread, for a principal that the caller vouches
 * for. Only what inside.c lists can be reached.
 */
#include "ledger/ledger.h"
#include "serve/route.h"

struct call;
struct server;

enum inside_kind { INSIDE_REFUSED, INSIDE_READ, INSIDE_CHANGE };

struct inside_request {
    const struct principal *principal; // No session: of one plant.
    enum http_method method;
    struct str target; // "/api/v1/...?..."
    struct str type;   // Content type of the body.
    struct str language;
    struct str body;
    void *context;
    /* Before a handler that may change something runs; a refusal keeps it from running. */
    int (*before_change)(void *context, const struct call *call, struct err *err);
};

struct inside_answer {
    enum inside_kind kind; // Refused: no handler ran.
    int status;
    char type[96];
    char disposition[160];
    struct buf body; // The caller's: as long as it may be. A longer answer is a refusal in words.
};

void inside_ask(
    struct server *server, const struct inside_request *request, struct inside_answer *answer);

#endif
