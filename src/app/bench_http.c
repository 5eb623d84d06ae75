/*
 * maru bench http: line protocol over HTTP, durable when answered. Two clients in this process send
 * bodies of 10,000 lines that were prepared before the clock started, over one kept connection
 * each, and wait for the 204 of each. The client's own CPU time is measured and reported apart; on
 * a small machine it competes with the server all the same, so the figure is a lower bound.
 *
 * The load is the field's: 1,000 tags at 1 Hz, all tags at t, then all at t + 1 s.
 */
#include <errno.h>
#include <math.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "app/bench.h"
#include "core/json.h"
#include "core/mem.h"
#include "core/random.h"
#include "core/thread.h"
#include "serve/serve.h"

enum {
    CLIENTS = 2,
    TAGS = 1000,
    BODY_LINES = 10000,
    BODY_MAX = 1 << 20,
    BODIES = 400, // Of all clients together; a tenth when quick.
    ANSWER_MAX = 4096,
};

struct client {
    struct thread thread;
    uint16_t port;
    const char *token;
    struct buf *bodies;
    uint32_t body_count;
    int64_t cpu_ns;
    uint32_t accepted;
    struct err err;
};

struct rig {
    char dir[LIMIT_PATH_BYTES];
    struct home *home;
    struct server *server;
    char token[SECRET_TEXT_MAX];
};

/* ---- The client ---- */

static int64_t thread_cpu_ns(void) {
    struct timespec t;
    /* tidy:call: the CPU time of a thread is no clock that a test could inject. */
    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (int64_t)t.tv_sec * NS_PER_S + t.tv_nsec;
}

static int send_all(int fd, const void *data, size_t size) {
    const char *next = data;
    while (size > 0) {
        ssize_t sent = send(fd, next, size, MSG_NOSIGNAL);
        if (sent <= 0) {
            return -1;
        }
        next += sent;
        size -= (size_t)sent;
    }
    return 0;
}

/* Reads one answer without a body; its status, or -1. */
static int receive_status(int fd) {
    char answer[ANSWER_MAX];
    size_t size = 0;
    while (size < sizeof answer - 1) {
        ssize_t got = recv(fd, answer + size, sizeof answer - 1 - size, 0);
        if (got <= 0) {
            return -1;
        }
        size += (size_t)got;
        answer[size] = '\0';
        if (strstr(answer, "\r\n\r\n") != NULL) {
            int64_t status = 0;
            struct str line = {answer, size};
            (void)str_cut(&line, ' ');
            return str_to_i64(str_cut(&line, ' '), &status) ? (int)status : -1;
        }
    }
    return -1;
}

static int connect_client(uint16_t port) {
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in to = {.sin_family = AF_INET,
        .sin_port = htons(port),
        .sin_addr = {.s_addr = htonl(INADDR_LOOPBACK)}};
    int on = 1;
    if (fd >= 0 && (connect(fd, (const struct sockaddr *)&to, sizeof to) != 0 ||
                       setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) != 0)) {
        file_close(fd);
        fd = -1;
    }
    return fd;
}

static void client_run(void *context) {
    struct client *client = context;
    int64_t cpu_start = thread_cpu_ns();
    AUTO_CLOSE int fd = connect_client(client->port);
    for (uint32_t i = 0; i < client->body_count; i++) {
        const struct buf *body = &client->bodies[i * CLIENTS];
        char head[512];
        int size = snprintf(head, sizeof head,
            "POST /write?plant=bench&precision=ms HTTP/1.1\r\nHost: 127.0.0.1\r\n"
            "Authorization: Bearer %s\r\nContent-Length: %zu\r\n\r\n",
            client->token, body->size);
        if (fd < 0 || send_all(fd, head, (size_t)size) != 0 ||
            send_all(fd, body->data, body->size) != 0) {
            (void)err_set_errno(&client->err, errno, STR("bench http"));
            break;
        }
        int status = receive_status(fd);
        if (status != 204) {
            (void)err_set(&client->err, ERR_REFUSED, MSG_BENCH_HTTP, ARGS(A_INT(status)));
            break;
        }
        client->accepted++;
    }
    client->cpu_ns = thread_cpu_ns() - cpu_start;
}

/* ---- The load ---- */

static void fill_bodies(struct buf *bodies, uint32_t count) {
    struct random random;
    random_seed(&random, 42);
    int64_t ms = 1735689600000;
    double level[TAGS];
    for (int i = 0; i < TAGS; i++) {
        level[i] = 20 + floor(random_unit(&random) * 2300) / 10;
    }
    for (uint32_t b = 0; b < count; b++) {
        buf_init(&bodies[b], BODY_MAX);
        for (int line = 0; line < BODY_LINES; line++) {
            int tag = line % TAGS;
            level[tag] += round((random_unit(&random) - 0.5) * 4) / 10;
            buf_printf(&bodies[b], "m%d value=%.1f %lld\n", tag, level[tag],
                (long long)(ms + line / TAGS * 1000));
        }
        ms += (int64_t)BODY_LINES / TAGS * 1000;
    }
}

/* ---- The rig ---- */

static int make_token(struct ledger_tx *tx, void *context, struct err *err) {
    struct rig *rig = context;
    struct token_wish wish = {.label = STR("bench"),
        .role = ROLE_OWNER,
        .scopes = SCOPE_WRITE | SCOPE_READ,
        .plant = STR_NONE,
        .created_by = STR_NONE};
    char id[40];
    return token_new(tx, &wish, id, rig->token, err);
}

static int rig_open(struct rig *rig, const struct bench_options *options, struct err *err) {
    const char *base = options->dir != NULL ? options->dir : getenv("TMPDIR");
    (void)snprintf(rig->dir, sizeof rig->dir, "%s/maru-bench-XXXXXX",
        base != NULL && base[0] != '\0' ? base : "/tmp");
    if (mkdtemp(rig->dir) == NULL) {
        return err_set_errno(err, errno, str_of(rig->dir));
    }
    int status = home_create(rig->dir, STR("bench"), STR_NONE, STR("UTC"), err);
    struct home_options with = {.dir = rig->dir, .exclusive = true};
    if (status >= 0) {
        status = home_open(&with, &rig->home, err);
    }
    if (status >= 0) {
        status = ledger_write(home_hub(rig->home), make_token, rig, err);
    }
    struct serve_options serving = {
        .home = rig->home, .address = "127.0.0.1", .limits = {.requests_per_s = 1000000}};
    return status < 0 ? status : serve_start(&serving, &rig->server, err);
}

static void rig_close(struct rig *rig) {
    serve_stop(rig->server);
    home_close(rig->home);
    struct err ignored = ERR_INIT;
    (void)dir_remove_all(rig->dir, &ignored); // A temporary folder; a leftover harms nobody.
}

static int measure(struct rig *rig, struct client *clients, double *ret_seconds, struct err *err) {
    int64_t start = clock_mono_ns(clock_system());
    for (int i = 0; i < CLIENTS; i++) {
        clients[i].port = serve_port(rig->server);
        clients[i].token = rig->token;
        thread_start(&clients[i].thread, "bench-client", client_run, &clients[i]);
    }
    for (int i = 0; i < CLIENTS; i++) {
        thread_join(&clients[i].thread);
    }
    *ret_seconds = (double)(clock_mono_ns(clock_system()) - start) / 1e9;
    for (int i = 0; i < CLIENTS; i++) {
        if (clients[i].err.code != ERR_OK) {
            *err = clients[i].err;
            return -(int)err->code;
        }
    }
    return 0;
}

int bench_http_measure(
    const struct bench_options *options, struct bench_http_figures *ret_figures, struct err *err) {
    uint32_t count = options->quick ? BODIES / 10 : BODIES;
    AUTO_FREE struct buf *bodies = MEM_ARRAY(struct buf, count);
    AUTO_FREE struct rig *rig = MEM_NEW(struct rig);
    fill_bodies(bodies, count);
    struct client clients[CLIENTS] = {0};
    for (uint32_t i = 0; i < CLIENTS; i++) {
        clients[i].bodies = bodies + i; // By turns, as time goes on for both.
        clients[i].body_count = count / CLIENTS;
    }
    double seconds = 0;
    int status = rig_open(rig, options, err);
    if (status >= 0) {
        status = measure(rig, clients, &seconds, err);
    }
    rig_close(rig);
    for (uint32_t i = 0; i < count; i++) {
        buf_fini(&bodies[i]);
    }
    if (status < 0) {
        return status;
    }
    *ret_figures = (struct bench_http_figures){
        .points = (double)(clients[0].accepted + clients[1].accepted) * BODY_LINES,
        .seconds = seconds,
        .client_cpu_s = (double)(clients[0].cpu_ns + clients[1].cpu_ns) / 1e9};
    return 0;
}

int bench_http(const struct bench_options *options, struct buf *json_out, struct err *err) {
    struct bench_http_figures figures;
    int status = bench_http_measure(options, &figures, err);
    if (status < 0) {
        return status;
    }
    struct json json;
    json_init(&json, json_out);
    json_object_begin(&json);
    json_put_f64(&json, "http_mpts_s", figures.points / figures.seconds / 1e6);
    json_put_f64(&json, "points", figures.points);
    json_put_f64(&json, "client_cpu_s", figures.client_cpu_s);
    json_put_f64(&json, "seconds", figures.seconds);
    json_object_end(&json);
    return 0;
}
