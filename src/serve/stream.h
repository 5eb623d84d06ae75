#ifndef SERVE_STREAM_H
#define SERVE_STREAM_H
/*
 * Live values as server-sent events. A stream holds a connection and a small buffer but no thread:
 * one ticker wakes the streams that have something to say, and a worker writes their next event.
 */
#include "core/clock.h"
#include "plant/home.h"
#include "serve/auth.h"
#include "serve/http.h"
#include "serve/sight.h"

struct stream_hub;

struct stream_hub *stream_hub_new(const struct clock *clock, struct home *home, const char *epoch,
    uint32_t max_streams,
    struct sights *sights); // All borrowed.
/* Ends all streams and waits (seconds at most) for those that are not stuck in sending. */
void stream_hub_end(struct stream_hub *hub);
void stream_hub_free(struct stream_hub *hub); // After http_stop. NULL is allowed.
uint32_t stream_hub_count(struct stream_hub *hub);
/* Something about who may see what has changed: each stream asks again before its next event, and
 * that comes at once. */
void stream_hub_recheck(struct stream_hub *hub);

struct stream_options {
    struct http_exchange *exchange;
    struct plant *plant;
    struct str last_event; // "EPOCH-CHANGE" or empty.
    struct str secret;     // Asked again from time to time: a session or an access may end.
    bool is_session;
    struct str person;
    bool is_grantee; // Sees what was granted to `organisation`.
    struct str organisation;
    int64_t expires_ns;
};
/* Makes the answer's source. ERR_BUSY when there are too many streams; of grantees a quarter of
 * all, and STREAMS_OF_GRANTEE of one person, so that the plant's own people always find room. */
enum { STREAMS_OF_GRANTEE = 8 };
int stream_open(struct stream_hub *hub, const struct stream_options *options,
    struct http_source *ret_source, struct err *err);

#endif
