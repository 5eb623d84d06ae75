/*
 * The wrapper over libmicrohttpd (0.9.75): the only file that includes its header.
 *
 * The library's own threads (epoll, HTTP_IO_THREADS) only move bytes. As soon as a request is
 * whole, its connection is suspended and handed to a worker through a bounded queue; the worker
 * makes the answer and resumes the connection, and the I/O thread queues it. So a commit that waits
 * for the disk or a query of seconds never holds up another connection. Rejected: a thread per
 * connection (256 stacks; slow readers hold them) and answering on the I/O threads (one slow
 * query stops half of all connections).
 *
 * Long answers are pulled: when the library has sent what there was, the connection is suspended
 * and a worker asks the source for the next piece of about 64 KB. A reader that does not read is
 * simply not asked for, and after HTTP_IDLE_WAIT_S its connection is closed. A live stream is the
 * same with HTTP_PARK: it stays suspended, without a thread, until http_wake.
 *
 * The library's idle time-out starts again with every byte, so a client that sends one byte a
 * second would stay for ever; the watch thread therefore closes connections whose header or body
 * misses a deadline (it shuts the socket down; the library notices and closes it).
 *
 * A refused body is read and thrown away before the answer unless the client asked first
 * (Expect: 100-continue): a close with unread bytes makes the kernel send a reset, and the client
 * would see that instead of the reason.
 */
#include "serve/http.h"

#include <netinet/in.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <microhttpd.h>

#include "core/check.h"
#include "core/file.h"
#include "core/queue.h"
#include "core/thread.h"
#include "serve/front.h"
#include "serve/rate.h"
#include "upkeep/tls.h"

enum {
    CONNECTION_MEMORY_BYTES = 64 * 1024, // The library's per connection: header and I/O buffers.
    WATCH_PERIOD_MS = 250,
    DRAIN_WAIT_S = 3,          // At stop: for answers that are being sent.
    DISCARD_BYTES = 256 << 20, // Of a refused body; then the connection is broken off.
};
/* RFC 9325: TLS 1.2 at least; the server's order decides. */
#define TLS_PRIORITIES "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2:%SERVER_PRECEDENCE"

enum phase {
    PHASE_HEADER, // The header is coming.
    PHASE_ADMIT,  // A worker decides whether the body may come.
    PHASE_BODY,
    PHASE_DISCARD, // Refused; the body is thrown away first.
    PHASE_HANDLE,  // A worker makes the answer.
    PHASE_ANSWER,  // The answer stands; the I/O thread queues it.
    PHASE_SENDING,
};

enum wake_state { WAKE_RUNNING, WAKE_PARKED };

/* One TCP connection, for the watch thread. */
struct connection {
    struct connection *next;
    struct connection *previous;
    int fd;
    _Atomic int64_t deadline_mono_ns; // INT64_MAX: none.
    struct http_address address;
    struct http *http;
    bool plain; // Without TLS although it is served.
};

struct exchange {
    struct http_exchange shared; // First: the application sees this part.
    struct http *http;
    struct MHD_Connection *mhd;
    struct connection *connection;
    enum phase phase;
    bool admitted;
    bool keep_refusal; // The response is a refusal made before the body.
    bool length_known;
    uint64_t length; // Content-Length.
    uint64_t received;
    size_t body_max;
    size_t body_reserved; // Counted in http->body_bytes.
    int64_t body_begin_ns;
    struct buf body;
    size_t sent; // Of the present piece.
    int fill;    // What the source said last.
    _Atomic int wake;
    char *target; // Request target as sent.
};

struct job {
    struct exchange *exchange;
};

struct http {
    struct http_options options;
    struct MHD_Daemon *daemon;
    struct MHD_Daemon *plain; // Where TLS is served: for connections that came without.
    struct front *front;      // Accepts for both of them.
    struct queue *jobs;
    struct thread workers[HTTP_WORKERS];
    struct worker {
        struct http *http;
        uint32_t index;
    } worker_contexts[HTTP_WORKERS];
    struct thread watch;
    struct stop_flag watch_stop;
    struct rate_table *rates;
    uint16_t port;
    struct mutex mutex; // Of the four below.
    struct cond changed;
    uint32_t suspended;
    uint32_t exchanges;
    bool stopping;
    struct connection *connections;
    struct mutex watch_mutex; // Of `connections`.
    _Atomic uint32_t connection_count;
    _Atomic uint64_t accepted;
    _Atomic uint64_t timed_out;
    _Atomic uint64_t refused_rate;
    _Atomic uint64_t body_bytes; // Reserved by bodies being received.
};

static int64_t now_ns(const struct http *http) {
    return clock_mono_ns(http->options.clock);
}

/* ---- Handing connections between I/O threads and workers ---- */

/* False when the server stops: the caller must then not give the exchange away. */
static bool exchange_suspend(struct exchange *x) {
    struct http *http = x->http;
    mutex_lock(&http->mutex);
    bool ok = !http->stopping;
    if (ok) {
        http->suspended++;
        MHD_suspend_connection(x->mhd);
    }
    mutex_unlock(&http->mutex);
    return ok;
}

/* Gives the exchange back to its I/O thread; it may be gone when this returns. */
static void exchange_resume(struct exchange *x) {
    struct http *http = x->http;
    MHD_resume_connection(x->mhd);
    mutex_lock(&http->mutex);
    http->suspended--;
    cond_broadcast(&http->changed);
    mutex_unlock(&http->mutex);
}

static void exchange_queue_job(struct exchange *x) {
    struct job job = {x};
    // Each connection has one job at most and the queue has room for all connections.
    int rc = queue_push(x->http->jobs, &job, 0);
    CHECK(rc == 0);
}

bool http_wake(struct http_exchange *exchange) {
    struct exchange *x = (struct exchange *)exchange;
    int parked = WAKE_PARKED;
    if (!atomic_compare_exchange_strong(&x->wake, &parked, WAKE_RUNNING)) {
        return false;
    }
    exchange_queue_job(x);
    return true;
}

bool http_peer_closed(const struct http_exchange *exchange) {
    const struct exchange *x = (const struct exchange *)exchange;
    char byte = 0;
    // A parked exchange keeps its connection open, so the descriptor is still its own.
    return atomic_load(&x->wake) == WAKE_PARKED && x->connection && x->connection->fd >= 0 &&
           recv(x->connection->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 0;
}

/* ---- Workers ---- */

/* Asks the source until a piece is full. True: resume the connection; false: parked. */
static bool source_fill(struct exchange *x) {
    struct http_response *response = &x->shared.response;
    struct err err = ERR_INIT;
    for (;;) {
        x->fill = response->source.fill(response->source.state, &response->body, &err);
        if (x->fill == HTTP_MORE && response->body.size < HTTP_PIECE_BYTES) {
            continue;
        }
        if (response->body.overflow) {
            x->fill = -ERR_LIMIT;
        }
        if (x->fill == HTTP_PARK && response->body.size == 0) {
            atomic_store(&x->wake, WAKE_PARKED); // From here on http_wake may take it.
            return false;
        }
        return true;
    }
}

/* Makes the first piece before the header is sent: a short answer gets a length, and an early
 * failure a sentence instead of a broken connection. */
static void source_begin(struct exchange *x) {
    struct http_response *response = &x->shared.response;
    struct err err = ERR_INIT;
    do {
        x->fill = response->source.fill(response->source.state, &response->body, &err);
    } while (x->fill == HTTP_MORE && response->body.size < HTTP_PIECE_BYTES);
    if (x->fill < 0) {
        x->http->options.app.fail(x->http->options.app.context, &x->shared, &err);
        x->fill = HTTP_END;
    } else if (x->fill == HTTP_END) {
        response->source.free(response->source.state);
        response->source = (struct http_source){0};
    }
}

static void worker_refill(struct exchange *x) {
    buf_clear(&x->shared.response.body);
    x->sent = 0;
    if (source_fill(x)) {
        exchange_resume(x);
    }
}

static void worker_handle(struct exchange *x) {
    const struct http_app *app = &x->http->options.app;
    struct http_exchange *shared = &x->shared;
    if (!x->admitted) {
        x->admitted = true;
        size_t body_max = 0;
        if (!app->admit(app->context, shared, &body_max)) {
            x->phase = PHASE_ANSWER;
            exchange_resume(x);
            return;
        }
        if (x->body.size > body_max) {
            app->refuse(app->context, shared, HTTP_REFUSE_BODY);
            x->phase = PHASE_ANSWER;
            exchange_resume(x);
            return;
        }
    }
    shared->request.body = buf_str(&x->body);
    app->handle(app->context, shared);
    buf_fini(&x->body);
    shared->request.body = STR_NONE;
    if (shared->response.source.fill && shared->request.method != HTTP_HEAD) {
        source_begin(x);
    }
    x->phase = PHASE_ANSWER;
    exchange_resume(x);
}

static void worker_admit(struct exchange *x) {
    const struct http_app *app = &x->http->options.app;
    x->admitted = true;
    if (!app->admit(app->context, &x->shared, &x->body_max)) {
        x->keep_refusal = true;
    } else if (x->length_known && x->length > x->body_max) {
        app->refuse(app->context, &x->shared, HTTP_REFUSE_BODY);
        x->keep_refusal = true;
    }
    exchange_resume(x);
}

static void worker_run(void *context) {
    struct worker *worker = context;
    struct job job;
    while (queue_pop(worker->http->jobs, &job, INT64_MAX) == 0) {
        struct exchange *x = job.exchange;
        x->shared.worker = worker->index;
        switch (x->phase) {
        case PHASE_ADMIT: worker_admit(x); break;
        case PHASE_HANDLE: worker_handle(x); break;
        case PHASE_SENDING: worker_refill(x); break;
        case PHASE_HEADER:
        case PHASE_BODY:
        case PHASE_DISCARD:
        case PHASE_ANSWER: NEVER(true); break;
        }
    }
}

/* ---- Answers ---- */

static ssize_t answer_read(void *context, uint64_t position, char *to, size_t max) {
    (void)position; // Pieces come in order.
    struct exchange *x = context;
    struct buf *body = &x->shared.response.body;
    if (x->sent < body->size) {
        size_t size = body->size - x->sent < max ? body->size - x->sent : max;
        memcpy(to, body->data + x->sent, size);
        x->sent += size;
        return (ssize_t)size;
    }
    if (x->fill == HTTP_END) {
        return MHD_CONTENT_READER_END_OF_STREAM;
    }
    if (x->fill < 0 || !exchange_suspend(x)) {
        return MHD_CONTENT_READER_END_WITH_ERROR;
    }
    exchange_queue_job(x);
    return 0;
}

static struct MHD_Response *answer_make(struct exchange *x) {
    struct http_response *response = &x->shared.response;
    if (response->source.fill) {
        return MHD_create_response_from_callback(
            MHD_SIZE_UNKNOWN, CONNECTION_MEMORY_BYTES, answer_read, x, NULL);
    }
    struct str body = response->fixed.size > 0 ? response->fixed : buf_str(&response->body);
    // PERSISTENT: the bytes live in the exchange, which outlives the sending.
    union {
        const char *in;
        void *out;
    } data = {.in = body.data}; // The library's type is not const; it only reads.
    return MHD_create_response_from_buffer(body.size, data.out, MHD_RESPMEM_PERSISTENT);
}

/* Queues the answer; MHD_NO when the library cannot take one in this state. */
static enum MHD_Result answer_queue(struct exchange *x) {
    struct http_response *response = &x->shared.response;
    struct MHD_Response *mhd = answer_make(x);
    if (!mhd) {
        return MHD_NO;
    }
    if (response->content_type) {
        (void)MHD_add_response_header(mhd, MHD_HTTP_HEADER_CONTENT_TYPE, response->content_type);
    }
    for (uint32_t i = 0; i < response->header_count; i++) {
        // Refused only for line breaks, which the application never puts in.
        (void)MHD_add_response_header(mhd, response->headers[i].name, response->headers[i].value);
    }
    enum MHD_Result result = MHD_queue_response(x->mhd, (unsigned)response->status, mhd);
    MHD_destroy_response(mhd);
    if (result == MHD_YES) {
        x->phase = PHASE_SENDING;
    }
    return result;
}

static void deadline_set(struct exchange *x, int64_t deadline_mono_ns) {
    if (x->connection) {
        atomic_store(&x->connection->deadline_mono_ns, deadline_mono_ns);
    }
}

static void body_release(struct exchange *x) {
    atomic_fetch_sub(&x->http->body_bytes, x->body_reserved);
    x->body_reserved = 0;
}

static void exchange_refuse(struct exchange *x, enum http_refusal why) {
    const struct http_app *app = &x->http->options.app;
    app->refuse(app->context, &x->shared, why);
    x->keep_refusal = true;
}

/* Answers a refusal: at once where the client waits for our word, else behind its body. */
static enum MHD_Result exchange_answer_refusal(struct exchange *x, bool has_body) {
    buf_fini(&x->body);
    body_release(x);
    bool asked_first = http_header(&x->shared, MHD_HTTP_HEADER_EXPECT).size > 0;
    if ((has_body && asked_first) || x->length > DISCARD_BYTES) {
        x->phase = PHASE_ANSWER;
        return answer_queue(x);
    }
    x->phase = PHASE_DISCARD;
    return MHD_YES;
}

/* ---- The request as it comes ---- */

static enum http_method method_of(const char *name) {
    static const struct {
        const char *name;
        enum http_method method;
    } METHODS[] = {{"GET", HTTP_GET}, {"HEAD", HTTP_HEAD}, {"POST", HTTP_POST}, {"PUT", HTTP_PUT},
        {"DELETE", HTTP_DELETE}};
    for (size_t i = 0; i < sizeof METHODS / sizeof METHODS[0]; i++) {
        if (strcmp(METHODS[i].name, name) == 0) {
            return METHODS[i].method;
        }
    }
    return HTTP_METHOD_OTHER;
}

static size_t header_bytes(struct MHD_Connection *mhd) {
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE);
    return info ? info->header_size : 0;
}

/* ---- Is it clear where the request ends? ---- */

/* What two readers could understand differently is refused: a proxy before us that sees another end
 * of the request than we do would let one client answer for another (request smuggling). */
struct framing {
    uint32_t lengths;
    uint32_t encodings;
    bool clear;
};

/* RFC 9110 section 5.6.2. */
static bool is_token(const char *text, size_t size) {
    for (size_t i = 0; i < size; i++) {
        unsigned char c = (unsigned char)text[i];
        bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (!is_letter && (c == '\0' || !strchr("!#$%&'*+-.^_`|~", c))) {
            return false;
        }
    }
    return size > 0;
}

/* RFC 9110 section 5.5: no control characters; blanks and tabs may stand. */
static bool is_field_value(const char *text, size_t size) {
    for (size_t i = 0; i < size; i++) {
        unsigned char c = (unsigned char)text[i];
        if ((c < 0x20 && c != '\t') || c == 0x7F) {
            return false;
        }
    }
    return true;
}

static enum MHD_Result look_at_header(void *context, enum MHD_ValueKind kind, const char *name,
    size_t name_size, const char *value, size_t value_size) {
    (void)kind;
    struct framing *framing = context;
    struct str key = {name, name_size};
    struct str text = {value ? value : "", value ? value_size : 0};
    uint64_t number = 0;
    bool good = is_token(name, name_size) && is_field_value(text.data, text.size);
    if (str_eq_nocase(key, STR(MHD_HTTP_HEADER_CONTENT_LENGTH))) {
        framing->lengths++;
        good = good && str_to_u64(text, &number); // Digits alone.
    } else if (str_eq_nocase(key, STR(MHD_HTTP_HEADER_TRANSFER_ENCODING))) {
        framing->encodings++;
        good = good && str_eq_nocase(text, STR("chunked"));
    }
    framing->clear = framing->clear && good;
    return MHD_YES;
}

/* RFC 9112 sections 6.1 and 6.3. */
static bool framing_is_clear(struct exchange *x, const char *version) {
    struct framing framing = {.clear = true};
    (void)MHD_get_connection_values_n(x->mhd, MHD_HEADER_KIND, look_at_header, &framing);
    bool is_old = strcmp(version, MHD_HTTP_VERSION_1_1) != 0;
    return framing.clear && framing.lengths + framing.encodings <= 1 &&
           !(is_old && framing.encodings > 0);
}

/* Refusals that need no worker. True: refused. */
static bool exchange_check(struct exchange *x, bool has_body) {
    struct http *http = x->http;
    uint32_t wait_s = 0;
    // An IPv6 client owns a /64 and could use a new address for each request.
    const struct http_address *address = &x->shared.request.address;
    static const uint8_t MAPPED[12] = {[10] = 0xFF, [11] = 0xFF};
    size_t key_size = memcmp(address->bytes, MAPPED, sizeof MAPPED) == 0 ? 16 : 8;
    if (!rate_take(http->rates, address->bytes, key_size, now_ns(http), &wait_s)) {
        atomic_fetch_add(&http->refused_rate, 1);
        exchange_refuse(x, HTTP_REFUSE_RATE);
        char text[16];
        (void)i64_to_text(wait_s, text);
        http_answer_header(&x->shared, MHD_HTTP_HEADER_RETRY_AFTER, str_of(text));
    } else if (header_bytes(x->mhd) > HTTP_HEADER_BYTES) {
        exchange_refuse(x, HTTP_REFUSE_HEADER);
    } else if (has_body && x->length_known && x->length > http->options.body_bytes) {
        exchange_refuse(x, HTTP_REFUSE_BODY);
    } else if (has_body && atomic_load(&http->body_bytes) +
                                   (x->length_known ? x->length : HTTP_CHUNKED_BODY_BYTES) >
                               HTTP_BODIES_BYTES) {
        exchange_refuse(x, HTTP_REFUSE_BUSY);
    }
    return x->keep_refusal;
}

/* Gives the exchange to a worker. */
static enum MHD_Result exchange_give(struct exchange *x, enum phase phase) {
    x->phase = phase;
    deadline_set(x, INT64_MAX);
    if (!exchange_suspend(x)) {
        return MHD_NO; // Stopping: the connection is closed.
    }
    exchange_queue_job(x);
    return MHD_YES;
}

static void body_begin(struct exchange *x) {
    x->phase = PHASE_BODY;
    x->body_begin_ns = now_ns(x->http);
    buf_init(&x->body, x->length_known ? (size_t)x->length : HTTP_CHUNKED_BODY_BYTES);
    if (x->length_known) {
        (void)buf_reserve(&x->body, (size_t)x->length); // Bounded by options.body_bytes.
    }
    x->body_reserved = x->body.max;
    atomic_fetch_add(&x->http->body_bytes, x->body_reserved);
}

static enum MHD_Result exchange_first(struct exchange *x, const char *method, const char *version) {
    x->shared.request.method = method_of(method);
    if (!framing_is_clear(x, version)) {
        exchange_refuse(x, HTTP_REFUSE_FRAMING);
        http_answer_header(&x->shared, MHD_HTTP_HEADER_CONNECTION, STR("close"));
        return answer_queue(x); // Nothing behind it is read as a request.
    }
    struct str length = http_header(&x->shared, MHD_HTTP_HEADER_CONTENT_LENGTH);
    bool chunked = http_header(&x->shared, MHD_HTTP_HEADER_TRANSFER_ENCODING).size > 0;
    x->length_known = !chunked && str_to_u64(length, &x->length);
    bool has_body = chunked || x->length > 0;
    x->body_begin_ns = now_ns(x->http); // A body that is thrown away has a pace to keep as well.
    if (exchange_check(x, has_body)) {
        return exchange_answer_refusal(x, has_body);
    }
    if (!has_body) {
        x->phase = PHASE_BODY; // An answer given in this very call would end the connection.
        x->length_known = true;
        return MHD_YES;
    }
    deadline_set(x, now_ns(x->http) + x->http->options.header_wait_s * NS_PER_S);
    if (x->length_known && x->length > HTTP_SMALL_BODY_BYTES) {
        return exchange_give(x, PHASE_ADMIT);
    }
    body_begin(x);
    return MHD_YES;
}

static void body_add(struct exchange *x, const char *data, size_t size) {
    x->received += size;
    deadline_set(x, x->body_begin_ns + x->http->options.header_wait_s * NS_PER_S +
                        (int64_t)(x->received / HTTP_BODY_BYTES_PER_S) * NS_PER_S);
    if (x->phase != PHASE_BODY) {
        return;
    }
    buf_put(&x->body, data, size);
    if (x->body.overflow) {
        exchange_refuse(x, x->length_known ? HTTP_REFUSE_BODY : HTTP_REFUSE_LENGTH);
        buf_fini(&x->body);
        body_release(x);
        x->phase = PHASE_DISCARD;
    }
}

/* Back from a worker that decided about the body. */
static enum MHD_Result exchange_after_admit(struct exchange *x) {
    deadline_set(x, now_ns(x->http) + x->http->options.header_wait_s * NS_PER_S);
    if (!x->keep_refusal) {
        body_begin(x);
        return MHD_YES;
    }
    bool asked_first = http_header(&x->shared, MHD_HTTP_HEADER_EXPECT).size > 0;
    if (asked_first && answer_queue(x) == MHD_YES) {
        return MHD_YES;
    }
    x->phase = PHASE_DISCARD;
    x->body_begin_ns = now_ns(x->http);
    return MHD_YES;
}

static enum MHD_Result exchange_more(struct exchange *x, const char *data, size_t *size) {
    if (x->phase == PHASE_ADMIT) {
        (void)exchange_after_admit(x);
        if (x->phase == PHASE_SENDING) {
            return MHD_YES;
        }
    }
    if (*size > 0) {
        body_add(x, data, *size);
        *size = 0;
        return x->received > DISCARD_BYTES ? MHD_NO : MHD_YES;
    }
    if (x->length_known && x->received < x->length) {
        return MHD_YES; // The library asks again after a pause; the body is not there yet.
    }
    switch (x->phase) {
    case PHASE_BODY: body_release(x); return exchange_give(x, PHASE_HANDLE);
    case PHASE_DISCARD: x->phase = PHASE_ANSWER; return answer_queue(x);
    case PHASE_ANSWER: return answer_queue(x);
    case PHASE_SENDING: return MHD_YES;
    case PHASE_HEADER:
    case PHASE_ADMIT:
    case PHASE_HANDLE: return MHD_NO;
    }
    return MHD_NO;
}

static enum MHD_Result on_access(void *context, struct MHD_Connection *mhd, const char *url,
    const char *method, const char *version, const char *data, size_t *size, void **request) {
    (void)context;
    (void)mhd;
    (void)url; // The target as sent was kept by on_target.
    struct exchange *x = *request;
    if (!x) {
        return MHD_NO;
    }
    if (x->phase == PHASE_HEADER) {
        return exchange_first(x, method, version);
    }
    return exchange_more(x, data, size);
}

/* ---- Beginning and end of requests and connections ---- */

static void *on_target(void *context, const char *target, struct MHD_Connection *mhd) {
    struct http *http = context;
    struct exchange *x = MEM_NEW(struct exchange);
    x->http = http;
    x->mhd = mhd;
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    x->connection = info ? info->socket_context : NULL;
    arena_init(&x->shared.arena, HTTP_ARENA_BYTES);
    buf_init(&x->shared.response.body, HTTP_ANSWER_BYTES);
    buf_init(&x->body, 0);
    x->shared.begin_ns = now_ns(http);
    // The library bounds the target by its connection memory.
    struct str whole = str_of(target);
    x->target = mem_copy_z(whole);
    struct str kept = {x->target, whole.size};
    x->shared.request.path = str_cut(&kept, '?');
    x->shared.request.query = kept.data ? kept : STR_NONE;
    if (x->connection) {
        x->shared.request.address = x->connection->address;
        x->shared.request.plain = x->connection->plain;
    }
    mutex_lock(&http->mutex);
    http->exchanges++;
    mutex_unlock(&http->mutex);
    return x;
}

static void on_completed(void *context, struct MHD_Connection *mhd, void **request,
    enum MHD_RequestTerminationCode why) {
    (void)mhd;
    (void)why;
    struct http *http = context;
    struct exchange *x = *request;
    if (!x) {
        return;
    }
    *request = NULL;
    http->options.app.done(http->options.app.context, &x->shared);
    if (x->shared.response.source.free) {
        x->shared.response.source.free(x->shared.response.source.state);
    }
    deadline_set(
        x, now_ns(http) + (http->options.idle_wait_s + http->options.header_wait_s) * NS_PER_S);
    body_release(x);
    buf_fini(&x->body);
    buf_fini(&x->shared.response.body);
    arena_fini(&x->shared.arena);
    mem_free(x->target);
    mem_free(x);
    mutex_lock(&http->mutex);
    http->exchanges--;
    cond_broadcast(&http->changed);
    mutex_unlock(&http->mutex);
}

static struct http_address address_of(const struct sockaddr *from) {
    struct http_address address = {{0}};
    if (from && from->sa_family == AF_INET) {
        struct sockaddr_in in;
        memcpy(&in, from, sizeof in);
        address.bytes[10] = 0xFF;
        address.bytes[11] = 0xFF;
        memcpy(address.bytes + 12, &in.sin_addr, 4);
    } else if (from && from->sa_family == AF_INET6) {
        struct sockaddr_in6 in6;
        memcpy(&in6, from, sizeof in6);
        memcpy(address.bytes, &in6.sin6_addr, 16);
    }
    return address;
}

static void connection_open(
    struct http *http, struct MHD_Connection *mhd, bool plain, void **socket_context) {
    struct connection *connection = MEM_NEW(struct connection);
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CONNECTION_FD);
    connection->fd = info ? info->connect_fd : -1;
    info = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    connection->address = address_of(info ? info->client_addr : NULL);
    connection->http = http;
    connection->plain = plain;
    atomic_store(
        &connection->deadline_mono_ns, now_ns(http) + http->options.header_wait_s * NS_PER_S);
    atomic_fetch_add(&http->accepted, 1);
    atomic_fetch_add(&http->connection_count, 1);
    mutex_lock(&http->watch_mutex);
    connection->next = http->connections;
    if (connection->next) {
        connection->next->previous = connection;
    }
    http->connections = connection;
    mutex_unlock(&http->watch_mutex);
    *socket_context = connection;
}

static void connection_close(struct http *http, void **socket_context) {
    struct connection *connection = *socket_context;
    if (!connection) {
        return;
    }
    // Under the lock, so that the watch thread never touches a descriptor that was closed.
    mutex_lock(&http->watch_mutex);
    if (connection->previous) {
        connection->previous->next = connection->next;
    } else {
        http->connections = connection->next;
    }
    if (connection->next) {
        connection->next->previous = connection->previous;
    }
    mutex_unlock(&http->watch_mutex);
    atomic_fetch_sub(&http->connection_count, 1);
    mem_free(connection);
    *socket_context = NULL;
}

static void on_connection(void *context, struct MHD_Connection *mhd, void **socket_context,
    enum MHD_ConnectionNotificationCode what) {
    if (what == MHD_CONNECTION_NOTIFY_STARTED) {
        connection_open(context, mhd, false, socket_context);
    } else {
        connection_close(context, socket_context);
    }
}

static void on_plain_connection(void *context, struct MHD_Connection *mhd, void **socket_context,
    enum MHD_ConnectionNotificationCode what) {
    if (what == MHD_CONNECTION_NOTIFY_STARTED) {
        connection_open(context, mhd, true, socket_context);
    } else {
        connection_close(context, socket_context);
    }
}

static void watch_run(void *context) {
    struct http *http = context;
    int64_t next = now_ns(http);
    do {
        int64_t now = now_ns(http);
        next = now + WATCH_PERIOD_MS * NS_PER_MS;
        mutex_lock(&http->watch_mutex);
        for (struct connection *c = http->connections; c; c = c->next) {
            if (atomic_load(&c->deadline_mono_ns) < now && c->fd >= 0) {
                atomic_store(&c->deadline_mono_ns, INT64_MAX);
                atomic_fetch_add(&http->timed_out, 1);
                (void)shutdown(c->fd, SHUT_RDWR); // Fails only when it is closed already.
            }
        }
        mutex_unlock(&http->watch_mutex);
    } while (!stop_flag_wait(&http->watch_stop, next));
}

/* ---- Start and stop ---- */

/* The library's handshake asks which certificate to show (gnutls_certificate_retrieve_function2).
 * Its session points at its connection, whose own pointer is ours. */
static int on_certificate(void *session, const void *names, int name_count, const void *algorithms,
    int algorithm_count, void *ret_chain, unsigned *ret_count, void *ret_key) {
    (void)names;
    (void)name_count;
    (void)algorithms;
    (void)algorithm_count;
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(tls_session_pointer(session), MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    const struct connection *connection = info ? info->socket_context : NULL;
    if (!connection) {
        return -1;
    }
    tls_store_lend(connection->http->options.tls, ret_chain, ret_count, ret_key);
    return 0;
}

/* Where TLS is served two daemons stand behind one front: `tls` for those who greet with TLS. */
static struct MHD_Daemon *daemon_new(struct http *http, int fd, bool tls) {
    const struct http_options *options = &http->options;
    unsigned flags = MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME;
    flags |= fd < 0 ? MHD_USE_NO_LISTEN_SOCKET : 0;
    flags |= tls ? MHD_USE_TLS : 0;
    const struct MHD_OptionItem own[2] = {
        {fd < 0 ? MHD_OPTION_END : MHD_OPTION_LISTEN_SOCKET, fd, NULL}, {MHD_OPTION_END, 0, NULL}};
    // The library's threads inherit the mask; signals belong to the main thread.
    sigset_t all;
    sigset_t before;
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    struct MHD_Daemon *daemon = MHD_start_daemon(flags, 0, NULL, NULL, on_access, http,
        MHD_OPTION_THREAD_POOL_SIZE, (unsigned)HTTP_IO_THREADS, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
        (size_t)CONNECTION_MEMORY_BYTES, MHD_OPTION_CONNECTION_LIMIT,
        (unsigned)options->connections, MHD_OPTION_PER_IP_CONNECTION_LIMIT,
        (unsigned)options->connections_per_ip, MHD_OPTION_CONNECTION_TIMEOUT,
        (unsigned)options->idle_wait_s, MHD_OPTION_NOTIFY_COMPLETED, on_completed, http,
        MHD_OPTION_NOTIFY_CONNECTION, tls || fd >= 0 ? on_connection : on_plain_connection, http,
        MHD_OPTION_URI_LOG_CALLBACK, on_target, http, MHD_OPTION_ARRAY, own,
        tls ? MHD_OPTION_HTTPS_PRIORITIES : MHD_OPTION_END, TLS_PRIORITIES,
        MHD_OPTION_HTTPS_CERT_CALLBACK, on_certificate, MHD_OPTION_END);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    return daemon;
}

static void front_give(
    void *context, int fd, bool tls, const struct sockaddr *from, socklen_t size) {
    struct http *http = context;
    // Closes the descriptor itself where it takes no more.
    (void)MHD_add_connection(tls ? http->daemon : http->plain, fd, from, size);
}

static int daemon_start(struct http *http, int fd, struct err *err) {
    if (!http->options.tls) {
        http->daemon = daemon_new(http, fd, false);
    } else {
        http->daemon = daemon_new(http, -1, true);
        http->plain = http->daemon ? daemon_new(http, -1, false) : NULL;
    }
    if (!http->daemon || (http->options.tls && !http->plain)) {
        if (http->daemon) {
            MHD_stop_daemon(http->daemon);
        }
        return err_set(err, ERR_INTERNAL, MSG_SERVE_START_FAILED, NO_ARGS);
    }
    if (http->options.tls) {
        http->front = front_start(&(struct front_options){.fd = fd,
            .wait_s = http->options.header_wait_s,
            .clock = http->options.clock,
            .context = http,
            .give = front_give});
    }
    return 0;
}

static void http_free(struct http *http) {
    queue_close(http->jobs);
    for (uint32_t i = 0; i < HTTP_WORKERS; i++) {
        thread_join(&http->workers[i]);
    }
    stop_flag_raise(&http->watch_stop);
    thread_join(&http->watch);
    queue_free(http->jobs);
    stop_flag_fini(&http->watch_stop);
    rate_free(http->rates);
    cond_fini(&http->changed);
    mutex_fini(&http->mutex);
    mutex_fini(&http->watch_mutex);
    mem_free(http);
}

int http_start(const struct http_options *options, struct http **ret_http, struct err *err) {
    int fd = -1;
    uint16_t port = 0;
    int rc = front_listen(options->address, options->port, &fd, &port, err);
    if (rc < 0) {
        return rc;
    }
    struct http *http = MEM_NEW(struct http);
    http->options = *options;
    http->options.header_wait_s =
        options->header_wait_s ? options->header_wait_s : HTTP_HEADER_WAIT_S;
    http->options.idle_wait_s = options->idle_wait_s ? options->idle_wait_s : HTTP_IDLE_WAIT_S;
    http->port = port;
    mutex_init(&http->mutex);
    mutex_init(&http->watch_mutex);
    cond_init(&http->changed);
    stop_flag_init(&http->watch_stop);
    http->jobs = queue_new(sizeof(struct job), options->connections + HTTP_WORKERS);
    http->rates = rate_new(options->requests_per_s, 2.0 * options->requests_per_s);
    rc = daemon_start(http, fd, err);
    if (rc < 0) {
        file_close(fd);
        http_free(http);
        return rc;
    }
    for (uint32_t i = 0; i < HTTP_WORKERS; i++) {
        http->worker_contexts[i] = (struct worker){http, i};
        thread_start(&http->workers[i], "http-worker", worker_run, &http->worker_contexts[i]);
    }
    thread_start(&http->watch, "http-watch", watch_run, http);
    *ret_http = http;
    return 0;
}

void http_stop(struct http *http) {
    if (!http) {
        return;
    }
    /* Not MHD_quiesce_daemon: in 0.9.75 it takes the listening socket out of epoll while an I/O
     * thread may be doing the same, and the library aborts the process. What comes now is refused
     * by `stopping`; MHD_stop_daemon closes the socket. */
    mutex_lock(&http->mutex);
    http->stopping = true;
    while (http->suspended > 0) { // Jobs end by themselves: every wait in them has a deadline.
        (void)cond_wait_until(&http->changed, &http->mutex, INT64_MAX);
    }
    int64_t deadline = now_ns(http) + DRAIN_WAIT_S * NS_PER_S;
    while (http->exchanges > 0 && cond_wait_until(&http->changed, &http->mutex, deadline)) {
    }
    mutex_unlock(&http->mutex);
    front_stop(http->front); // Before the daemons it gives to, and when nobody asks it any more.
    MHD_stop_daemon(http->daemon);
    if (http->plain) {
        MHD_stop_daemon(http->plain);
    }
    http_free(http);
}

uint16_t http_port(const struct http *http) {
    return http->port;
}

void http_status(struct http *http, struct http_status *ret_status) {
    *ret_status = (struct http_status){
        .connections = atomic_load(&http->connection_count),
        .accepted = atomic_load(&http->accepted),
        .timed_out = atomic_load(&http->timed_out) + (http->front ? front_dropped(http->front) : 0),
        .refused_rate = atomic_load(&http->refused_rate),
    };
}

struct str http_header(const struct http_exchange *exchange, const char *name) {
    const struct exchange *x = (const struct exchange *)exchange;
    return str_of(MHD_lookup_connection_value(x->mhd, MHD_HEADER_KIND, name));
}

struct header_tally {
    const char *name;
    uint32_t count;
};

static enum MHD_Result tally_header(
    void *context, enum MHD_ValueKind kind, const char *name, const char *value) {
    (void)kind;
    (void)value;
    struct header_tally *tally = context;
    tally->count += str_eq_nocase(str_of(name), str_of(tally->name));
    return MHD_YES;
}

uint32_t http_header_count(const struct http_exchange *exchange, const char *name) {
    const struct exchange *x = (const struct exchange *)exchange;
    struct header_tally tally = {.name = name};
    (void)MHD_get_connection_values(x->mhd, MHD_HEADER_KIND, tally_header, &tally);
    return tally.count;
}

void http_answer_header(struct http_exchange *exchange, const char *name, struct str value) {
    struct http_response *response = &exchange->response;
    if (response->header_count < HTTP_HEADERS_MAX) {
        struct http_header *header = &response->headers[response->header_count];
        header->name = name;
        header->value = arena_copy(&exchange->arena, value).data;
        response->header_count++;
    }
}

void http_answer_reset(struct http_exchange *exchange) {
    struct http_response *response = &exchange->response;
    if (response->source.free) {
        response->source.free(response->source.state);
    }
    response->source = (struct http_source){0};
    response->fixed = STR_NONE;
    response->header_count = 0;
    response->content_type = NULL;
    response->status = 0;
    buf_clear(&response->body);
}
