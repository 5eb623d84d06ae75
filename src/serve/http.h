#ifndef SERVE_HTTP_H
#define SERVE_HTTP_H
/*
 * HTTP/1.1 without a word about Maru: connections, limits, bodies, answers. http.c alone includes
 * libmicrohttpd. A request is read by one of a few I/O threads and answered on a worker thread; an
 * answer that is long or never ends is made piece by piece, whenever the reader has taken the
 * last piece, so a slow reader holds one buffer and no thread.
 *
 * An exchange belongs to one thread at a time: I/O, then a worker, then I/O again. Its arena lives
 * until the answer is sent.
 */
#include <stdbool.h>
#include <stdint.h>

#include "core/buf.h"
#include "core/clock.h"
#include "core/err.h"
#include "core/mem.h"

enum {
    HTTP_WORKERS = 8,                  // Requests worked on at once; more wait in a queue.
    HTTP_IO_THREADS = 2,               // Connections are spread over them.
    HTTP_HEADER_BYTES = 16 * 1024,     // Request line and headers; 431 beyond.
    HTTP_SMALL_BODY_BYTES = 64 * 1024, // Bodies up to here are read before the right is checked.
    HTTP_CHUNKED_BODY_BYTES = 8 << 20, // Bodies without a length; 411 beyond.
    HTTP_BODIES_BYTES = 192 << 20,     // All bodies being received at once; 503 beyond.
    HTTP_ANSWER_BYTES = 128 << 20,     // One answer, or one piece of it, in memory.
    HTTP_HEADERS_MAX = 20,             // Of one answer.
    HTTP_PIECE_BYTES = 64 * 1024,      // A source is asked again when this much was taken.
    HTTP_ARENA_BYTES = 64 << 20,       // What arena_try may take for one request.
    HTTP_HEADER_WAIT_S = 15,           // From the connection to the end of the first header.
    HTTP_IDLE_WAIT_S = 30,             // Without a byte in either direction.
    HTTP_BODY_BYTES_PER_S = 4096,      // A body must come at least this fast, after a start.
};

struct http;
struct tls_store;

enum http_method { HTTP_GET, HTTP_HEAD, HTTP_POST, HTTP_PUT, HTTP_DELETE, HTTP_METHOD_OTHER };

/* IPv6, or IPv4 mapped into it. Rates count an IPv6 client by its /64: one subscriber's share. */
struct http_address {
    uint8_t bytes[16];
};

struct http_request {
    enum http_method method;
    struct str path;  // As sent: still percent-encoded, without the query.
    struct str query; // As sent, behind '?'.
    struct str body;
    struct http_address address;
    bool plain; // Came without TLS although TLS is served.
};

/* The rest of an answer's body. `fill` appends a piece: HTTP_MORE, HTTP_END, HTTP_PARK (nothing at
 * present; http_wake asks again) or a negative error, which breaks the connection so that a cut
 * answer cannot pass for a whole one. Called by workers, one at a time. */
enum http_fill { HTTP_END = 0, HTTP_MORE = 1, HTTP_PARK = 2 };
struct http_source {
    void *state;
    int (*fill)(void *state, struct buf *out, struct err *err);
    void (*free)(void *state); // Once, after the last fill, by any thread.
};

struct http_header {
    const char *name;
    const char *value; // In the exchange's arena or constant.
};

struct http_response {
    int status;
    const char *content_type; // NULL: no body.
    struct http_header headers[HTTP_HEADERS_MAX];
    uint32_t header_count;
    struct buf body;  // The whole body, or its beginning when there is a source.
    struct str fixed; // Instead of `body`: bytes that never go away.
    struct http_source source;
};

struct http_exchange {
    struct http_request request;
    struct http_response response;
    struct arena arena;
    uint32_t worker;  // Which worker is running: index of its scratch memory.
    int64_t begin_ns; // Monotonic.
    void *user;       // The application's, kept from `admit` to `done`.
};

enum http_refusal {
    HTTP_REFUSE_FRAMING, // 400: headers leave open where the request ends. The connection ends.
    HTTP_REFUSE_HEADER,  // 431
    HTTP_REFUSE_BODY,    // 413
    HTTP_REFUSE_LENGTH,  // 411
    HTTP_REFUSE_RATE,    // 429
    HTTP_REFUSE_BUSY,    // 503: too many bodies at once.
};

/* What the application does. `refuse` runs on an I/O thread and must not wait. */
struct http_app {
    void *context;
    void (*refuse)(void *context, struct http_exchange *exchange, enum http_refusal why);
    /* Worker, before a large body is read: true lets it go on with at most *ret_body_max bytes;
     * false: the response is set and is the answer. */
    bool (*admit)(void *context, struct http_exchange *exchange, size_t *ret_body_max);
    void (*handle)(void *context, struct http_exchange *exchange); // Worker: sets the response.
    /* Worker: the source failed before anything was sent; sets another response. */
    void (*fail)(void *context, struct http_exchange *exchange, const struct err *err);
    void (*done)(void *context, struct http_exchange *exchange); // Sent or broken off.
};

struct http_options {
    struct http_app app;
    const struct clock *clock;
    const char *address;
    uint16_t port;
    uint32_t connections;
    uint32_t connections_per_ip;
    uint32_t body_bytes;
    uint32_t requests_per_s;
    uint32_t header_wait_s; // 0: HTTP_HEADER_WAIT_S
    uint32_t idle_wait_s;   // 0: HTTP_IDLE_WAIT_S
    struct tls_store *tls;  // Serves HTTPS with it; NULL: plain HTTP.
};

struct http_status {
    uint32_t connections;
    uint64_t accepted;
    uint64_t timed_out; // Closed for sending a header or body too slowly.
    uint64_t refused_rate;
};

int http_start(const struct http_options *options, struct http **ret_http, struct err *err);
/* Takes no new requests, waits for those that run, closes all connections. Parked sources must
 * have been woken to their end before. */
void http_stop(struct http *http);
uint16_t http_port(const struct http *http);
void http_status(struct http *http, struct http_status *ret_status);

/* Asks a parked source again. False when it was not parked (it is running, or sending). Safe as
 * long as the source was not freed. */
bool http_wake(struct http_exchange *exchange);

/* Whether the client of a parked source has closed its connection; the library does not look at
 * suspended connections. Under the same condition as http_wake. */
bool http_peer_closed(const struct http_exchange *exchange);

/* The value of a request header, or the empty text. Workers only. */
struct str http_header(const struct http_exchange *exchange, const char *name);
uint32_t http_header_count(const struct http_exchange *exchange, const char *name);
/* Adds a header to the answer; beyond the maximum it is dropped. */
void http_answer_header(struct http_exchange *exchange, const char *name, struct str value);
/* Drops what the response holds so far, for answering with an error instead. */
void http_answer_reset(struct http_exchange *exchange);

#endif
