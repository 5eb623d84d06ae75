#ifndef SERVE_DESK_H
#define SERVE_DESK_H
/*
 * The desk of remote support: where requests for factories wait until these ask for them, and
 * answers until whoever asked takes them. Nothing is stored: what is not taken goes after seconds.
 * Both sides wait without a thread, as parked answers. Any thread.
 */
#include "core/clock.h"
#include "serve/http.h"
#include "wire/support.h"

struct desk;

enum {
    DESK_LINES_MAX = 16,         // Factories connected at once.
    DESK_WAITING_MAX = 32,       // Requests to one factory that wait; refused beyond.
    DESK_BYTES_MAX = 64 << 20,   // Of all bodies that wait; refused beyond.
    DESK_SMALL_BYTES = 64 << 10, // Answers up to here are kept beyond that, too.
    DESK_POLL_S = 20,            // So long a factory waits for a request, then it asks again.
    DESK_ANSWER_S = 30,          // So long a supporter waits for an answer.
    DESK_AWAY_S = 10,            // A factory that did not ask for so long is not connected.
};

struct desk *desk_new(const struct clock *clock);
/* Ends all waiting; those who wait are told. */
void desk_end(struct desk *desk);
void desk_free(struct desk *desk); // After http_stop. NULL is allowed.

/* A factory brings answers and waits for requests: makes the source of its answer. Unknown answers
 * are passed over. ERR_BUSY: too many factories. */
struct desk_poll {
    struct http_exchange *exchange;
    struct str line; // The case's id.
    const struct support_answers *answers;
};
int desk_poll(struct desk *desk, const struct desk_poll *poll, struct http_source *ret_source,
    struct err *err);

/* A supporter asks: makes the source of the answer, which is a line of JSON {"status","type",
 * "disposition"} and the body. ERR_UNREACHABLE: the factory is not connected; ERR_BUSY. */
struct desk_ask {
    struct http_exchange *exchange;
    struct str line;
    enum lang lang;
    struct support_request request; // Without an id; copied.
};
int desk_ask(
    struct desk *desk, const struct desk_ask *ask, struct http_source *ret_source, struct err *err);

/* Whether the factory of a case asks for requests. */
bool desk_is_connected(struct desk *desk, struct str line);
/* The case is over: the factory is told, those who wait as well. */
void desk_close(struct desk *desk, struct str line);

#endif
