/*
 * Requests that two readers could understand differently, and clients that hold on without giving
 * or taking: raw bytes against the real server. Behind each doubtful request stands a second one;
 * it must never be answered as a request of its own.
 */
#include "support_server.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "core/clock.h"

#define SECOND "GET /healthz HTTP/1.1\r\nHost: localhost\r\nX-Second: 1\r\n\r\n"

static struct rig rig;

static int open_plain(void **state) {
    (void)state;
    rig_open(&rig, NULL, false);
    return 0;
}

static int open_impatient(void **state) {
    (void)state;
    struct serve_limits limits = {
        .header_wait_s = 1, .idle_wait_s = 2, .requests_per_s = 100000, .connections_per_ip = 200};
    rig_open(&rig, &limits, false);
    return 0;
}

static int close_rig(void **state) {
    (void)state;
    rig_close(&rig);
    return 0;
}

/* All that comes until the server closes, or `wait_ms` pass without a byte. */
static bool read_all(int fd, int wait_ms, struct buf *to) {
    char piece[4096];
    long size = 0;
    while ((size = client_read(fd, piece, sizeof piece, wait_ms)) > 0) {
        buf_put(to, piece, (size_t)size);
    }
    return size == 0;
}

static int count_of(struct buf *text, const char *what) {
    int count = 0;
    for (const char *at = strstr(buf_z(text), what); at; at = strstr(at + 1, what)) {
        count++;
    }
    return count;
}

struct doubtful {
    const char *what;
    const char *head; // Behind the request line and Host.
    const char *body;
};

/* Refused (413 for a length that is none), and the connection ends: what stands behind is nobody's
 * request. */
static void expect_refused(const struct doubtful *one, const char *version) {
    char request[2048];
    int size = snprintf(request, sizeof request,
        "POST /write HTTP/%s\r\nHost: localhost\r\nAuthorization: Bearer %s\r\n%s\r\n%s" SECOND,
        version, rig.operator_, one->head, one->body);
    int fd = client_connect(rig.port);
    client_send(fd, request, (size_t)size);
    struct buf all;
    buf_init(&all, 1 << 20);
    bool closed = read_all(fd, 5000, &all);
    if (!closed || count_of(&all, "HTTP/1.1 2") > 0 || count_of(&all, "\"status\":\"ok\"") > 0 ||
        (all.size > 0 && !str_starts(buf_str(&all), STR("HTTP/1.1 4")) &&
            !str_starts(buf_str(&all), STR("HTTP/1.0 4")))) {
        fail_msg("%s: closed %d, answer: %s", one->what, closed, buf_z(&all));
    }
    buf_fini(&all);
    (void)close(fd);
}

static void a_request_of_two_meanings_is_refused_and_nothing_behind_it_is_read(void **state) {
    (void)state;
    static const struct doubtful CASES[] = {
        {"two lengths", "Content-Length: 5\r\nContent-Length: 60\r\n", "hello"},
        {"the same length twice", "Content-Length: 5\r\nContent-Length: 5\r\n", "hello"},
        {"a list of lengths", "Content-Length: 5, 5\r\n", "hello"},
        {"length and chunks", "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"},
        {"chunks and length", "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", "0\r\n\r\n"},
        {"two encodings", "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n",
            "0\r\n\r\n"},
        {"a list of encodings", "Transfer-Encoding: gzip, chunked\r\n", "0\r\n\r\n"},
        {"an encoding that looks like chunked", "Transfer-Encoding: xchunked\r\n", "0\r\n\r\n"},
        {"a quoted encoding", "Transfer-Encoding: \"chunked\"\r\n", "0\r\n\r\n"},
        {"identity", "Transfer-Encoding: identity\r\n", "hello"},
        {"an encoding behind a vertical tab", "Transfer-Encoding: \vchunked\r\n", "0\r\n\r\n"},
        {"a blank before the colon", "Transfer-Encoding : chunked\r\n", "0\r\n\r\n"},
        {"a blank before the length's colon", "Content-Length : 5\r\n", "hello"},
        {"a length with a sign", "Content-Length: +5\r\n", "hello"},
        {"a negative length", "Content-Length: -5\r\n", "hello"},
        {"a hexadecimal length", "Content-Length: 0x5\r\n", "hello"},
        {"a length with words", "Content-Length: 5 bytes\r\n", "hello"},
        {"a length beyond 64 bits", "Content-Length: 18446744073709551621\r\n", "hello"},
        {"a name with a control character", "X\x01: 1\r\nContent-Length: 5\r\n", "hello"},
        {"a value with a control character", "X-A: a\x01z\r\nContent-Length: 5\r\n", "hello"},
        {"a carriage return within a value", "X-A: a\rContent-Length: 60\r\n", "hello"},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        expect_refused(&CASES[i], "1.1");
    }
    static const struct doubtful OLD = {
        "chunks in HTTP/1.0", "Transfer-Encoding: chunked\r\n", "0\r\n\r\n"};
    expect_refused(&OLD, "1.0");
}

/* The library ends a value at a NUL, for us and for itself: what stands behind it is no host, no
 * length and no request, and each request sent is answered once at most. */
static void what_stands_behind_a_nul_has_no_meaning(void **state) {
    (void)state;
    static const struct {
        const char *bytes;
        size_t size;
        const char *never; // In no answer.
    } CASES[] = {
#define BYTES(text) text, sizeof(text) - 1
        {BYTES("GET /healthz HTTP/1.1\r\nHost: evil.example\0localhost\r\n\r\n"),
            "\"status\":\"ok\""},
        {BYTES("GET /api/v1/plants HTTP/1.1\r\nHost: localhost\r\nX-A: \0\r\n"
               "Authorization: Bearer maru_x\0\r\n\r\n"),
            "\"items\""},
        {BYTES("POST /write HTTP/1.1\r\nHost: localhost\r\nContent-Length: "
               "\0005\r\n\r\nhello" SECOND),
            "\"status\":\"ok\""},
        {BYTES(
             "POST /write HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\0, identity\r\n"
             "Content-Length: 5\r\n\r\n0\r\n\r\n" SECOND),
            "\"status\":\"ok\""},
        {BYTES("GET /nothing\0/healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"), "\"status\":\"ok\""},
#undef BYTES
    };
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        int fd = client_connect(rig.port);
        client_send(fd, CASES[i].bytes, CASES[i].size);
        struct buf all;
        buf_init(&all, 1 << 20);
        bool closed = read_all(fd, 20000, &all);
        if (!closed || strstr(buf_z(&all), CASES[i].never)) {
            fail_msg("NUL case %zu: closed %d, %s", i, closed, buf_z(&all));
        }
        buf_fini(&all);
        (void)close(fd);
    }
}

/* RFC 9112 section 5.2: a folded line is refused, or read as one line; never as a line of its own.
 */
static void a_folded_line_is_no_header_of_its_own(void **state) {
    (void)state;
    static const char *const FOLDED[] = {
        "GET /healthz HTTP/1.1\r\nHost: localhost\r\nX-A: 1\r\n Content-Length: 60\r\n\r\n" SECOND,
        "GET /healthz HTTP/1.1\r\nHost: localhost\r\nX-A: 1\r\n\tTransfer-Encoding: "
        "chunked\r\n\r\n" SECOND};
    for (size_t i = 0; i < 2; i++) {
        int fd = client_connect(rig.port);
        client_send(fd, FOLDED[i], strlen(FOLDED[i]));
        struct buf all;
        buf_init(&all, 1 << 20);
        (void)read_all(fd, 1500, &all);
        bool refused = str_starts(buf_str(&all), STR("HTTP/1.1 400")) || all.size == 0;
        int answers = count_of(&all, "HTTP/1.1 ");
        assert_true(refused ? answers <= 1 : answers == 2); // Two requests were sent.
        buf_fini(&all);
        (void)close(fd);
    }
    /* A folded name of the host is judged whole. */
    const char host[] = "GET /healthz HTTP/1.1\r\nHost: localhost\r\n .evil.example\r\n\r\n";
    int fd = client_connect(rig.port);
    client_send(fd, host, sizeof host - 1);
    struct buf all;
    buf_init(&all, 1 << 20);
    (void)read_all(fd, 1500, &all);
    assert_null(strstr(buf_z(&all), "\"status\":\"ok\""));
    buf_fini(&all);
    (void)close(fd);
}

/* RFC 9112 section 2.2 allows bare line feeds as line ends; then they end lines for all checks. */
static void a_header_behind_a_bare_line_feed_is_seen(void **state) {
    (void)state;
    static const struct doubtful CASES[] = {
        {"chunked behind LF", "Content-Length: 5\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"},
        {"a length behind LF", "X-A: 1\nContent-Length: 5\r\nContent-Length: 60\r\n", "hello"},
        {"a host behind LF", "X-A: 1\nHost: evil.example\r\nContent-Length: 0\r\n", ""}};
    for (size_t i = 0; i < 2; i++) {
        expect_refused(&CASES[i], "1.1");
    }
    char request[512];
    int size = snprintf(request, sizeof request,
        "GET /healthz HTTP/1.1\r\nHost: localhost\r\n%s\r\n", CASES[2].head);
    int fd = client_connect(rig.port);
    client_send(fd, request, (size_t)size);
    AUTO_ANSWER struct answer answer;
    client_read_answer(fd, false, &answer);
    assert_int_equal(answer.status, 400); // Host stands twice.
    (void)close(fd);
}

static void broken_chunks_end_the_connection(void **state) {
    (void)state;
    static const char *const BODIES[] = {"-1\r\nhello\r\n0\r\n\r\n", "0x5\r\nhello\r\n0\r\n\r\n",
        "FFFFFFFFFFFFFFFFF\r\nhello\r\n0\r\n\r\n", "zz\r\nhello\r\n0\r\n\r\n",
        "5\r\nhelloXX0\r\n\r\n", " 5\r\nhello\r\n0\r\n\r\n", "\r\n5\r\nhello\r\n0\r\n\r\n",
        "5 5\r\nhello\r\n0\r\n\r\n"};
    for (size_t i = 0; i < sizeof BODIES / sizeof BODIES[0]; i++) {
        char request[1024];
        int size = snprintf(request, sizeof request,
            "POST /write HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer %s\r\n"
            "Transfer-Encoding: chunked\r\n\r\n%s" SECOND,
            rig.operator_, BODIES[i]);
        int fd = client_connect(rig.port);
        client_send(fd, request, (size_t)size);
        struct buf all;
        buf_init(&all, 1 << 20);
        bool closed = read_all(fd, 20000, &all);
        if (!closed || count_of(&all, "\"status\":\"ok\"") > 0) {
            fail_msg("chunks %zu: closed %d, %s", i, closed, buf_z(&all));
        }
        buf_fini(&all);
        (void)close(fd);
    }
}

/* The body of a GET is no request either. */
static void the_body_of_a_request_without_one_is_swallowed(void **state) {
    (void)state;
    char request[512];
    int size = snprintf(request, sizeof request,
        "GET /api/v1/session HTTP/1.1\r\nHost: localhost\r\nContent-Length: %zu\r\n\r\n" SECOND,
        strlen(SECOND));
    int fd = client_connect(rig.port);
    client_send(fd, request, (size_t)size);
    struct buf all;
    buf_init(&all, 1 << 20);
    (void)read_all(fd, 1500, &all);
    assert_int_equal(count_of(&all, "HTTP/1.1 "), 1);
    assert_int_equal(count_of(&all, "\"status\":\"ok\""), 0);
    buf_fini(&all);
    (void)close(fd);
}

static void very_many_or_very_long_headers_are_refused(void **state) {
    (void)state;
    struct buf request;
    buf_init(&request, 4 << 20);
    buf_put_str(&request, STR("GET /healthz HTTP/1.1\r\nHost: localhost\r\n"));
    for (int i = 0; i < 20000; i++) {
        buf_printf(&request, "X-%d: %d\r\n", i, i);
    }
    buf_put_str(&request, STR("\r\n"));
    int fd = client_connect(rig.port);
    (void)client_try_send(fd, request.data, request.size); // It may close before all is sent.
    struct buf all;
    buf_init(&all, 1 << 20);
    (void)read_all(fd, 5000, &all);
    assert_null(strstr(buf_z(&all), "\"status\":\"ok\""));
    (void)close(fd);
    buf_clear(&request);
    buf_put_str(&request, STR("GET /healthz?"));
    for (int i = 0; i < 100000; i++) {
        buf_put_char(&request, 'a');
    }
    buf_put_str(&request, STR(" HTTP/1.1\r\nHost: localhost\r\n\r\n"));
    fd = client_connect(rig.port);
    (void)client_try_send(fd, request.data, request.size);
    buf_clear(&all);
    (void)read_all(fd, 5000, &all);
    assert_null(strstr(buf_z(&all), "\"status\":\"ok\""));
    (void)close(fd);
    buf_fini(&all);
    buf_fini(&request);
}

/* ---- Slow ones ---- */

/* Many that send a header byte by byte: each is cut off, others are answered meanwhile. */
static void slow_headers_are_cut_off_and_hold_nobody_up(void **state) {
    (void)state;
    enum { SLOW = 60 };
    int fds[SLOW];
    int64_t begin = clock_mono_ns(clock_system());
    for (int i = 0; i < SLOW; i++) {
        fds[i] = client_connect(rig.port);
        client_send(fds[i], "GET /healthz HTTP/1.1\r\nX-Slow: ", 31);
    }
    int open = SLOW;
    while (open > 0) {
        AUTO_ANSWER struct answer answer;
        rig_ask(&rig, "GET", "/healthz", NULL, STR_NONE, &answer);
        assert_int_equal(answer.status, 200);
        for (int i = 0; i < SLOW; i++) {
            char piece[256];
            if (fds[i] >= 0 && (!client_try_send(fds[i], "a", 1) ||
                                   client_read(fds[i], piece, sizeof piece, 1) == 0)) {
                (void)close(fds[i]);
                fds[i] = -1;
                open--;
            }
        }
        assert_true(clock_mono_ns(clock_system()) - begin < 15 * NS_PER_S);
    }
}

/* A reader of a download that stops reading is dropped, and what it held is given back. */
static void a_stuck_reader_is_dropped(void **state) {
    (void)state;
    struct buf lines;
    buf_init(&lines, 9 << 20);
    for (int i = 0; lines.size < (8 << 20); i++) {
        buf_printf(&lines, "stuck value=%d %d\n", i, i);
    }
    AUTO_ANSWER struct answer written;
    rig_ask(&rig, "POST", "/write", rig.operator_, buf_str(&lines), &written);
    assert_int_equal(written.status, 204);
    buf_fini(&lines);
    int fd = client_connect(rig.port);
    int small = 4096;
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof small), 0);
    char request[512];
    int size = snprintf(request, sizeof request,
        "GET /api/v1/plants/p1/samples?tag=stuck&format=csv HTTP/1.1\r\nHost: localhost\r\n"
        "Authorization: Bearer %s\r\n\r\n",
        rig.viewer);
    client_send(fd, request, (size_t)size);
    /* Nothing is read. The server's count of connections falls to the asker's own. */
    int64_t begin = clock_mono_ns(clock_system());
    bool dropped = false;
    while (!dropped) {
        AUTO_ANSWER struct answer metrics;
        rig_ask(&rig, "GET", "/metrics", NULL, STR_NONE, &metrics);
        assert_int_equal(metrics.status, 200);
        dropped = strstr(buf_z(&metrics.body), "maru_http_connections 1\n") != NULL;
        assert_true(clock_mono_ns(clock_system()) - begin < 20 * NS_PER_S);
    }
    (void)close(fd);
}

/* The same of a live stream: events come, nobody takes them. */
static void a_stuck_reader_of_a_stream_is_dropped(void **state) {
    (void)state;
    enum { TAGS = 600 };
    struct buf lines;
    buf_init(&lines, 1 << 20);
    int fd = client_connect(rig.port);
    int small = 4096;
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof small), 0);
    char request[512];
    int size = snprintf(request, sizeof request,
        "GET /api/v1/plants/p1/stream HTTP/1.1\r\nHost: localhost\r\n"
        "Authorization: Bearer %s\r\n\r\n",
        rig.viewer);
    client_send(fd, request, (size_t)size);
    int64_t begin = clock_mono_ns(clock_system());
    bool dropped = false;
    for (int round = 1; !dropped; round++) {
        buf_clear(&lines);
        for (int i = 0; i < TAGS; i++) {
            buf_printf(&lines, "stuck.tag%d value=%d\n", i, round);
        }
        AUTO_ANSWER struct answer written;
        rig_ask(&rig, "POST", "/write", rig.operator_, buf_str(&lines), &written);
        assert_int_equal(written.status, 204);
        AUTO_ANSWER struct answer metrics;
        rig_ask(&rig, "GET", "/metrics", NULL, STR_NONE, &metrics);
        dropped = strstr(buf_z(&metrics.body), "maru_http_connections 1\n") != NULL && round > 1;
        assert_true(clock_mono_ns(clock_system()) - begin < 60 * NS_PER_S);
    }
    assert_true(clock_mono_ns(clock_system()) - begin > 2 * NS_PER_S); // It had been a stream.
    buf_fini(&lines);
    (void)close(fd);
}

int main(void) {
#define TEST(name, open) cmocka_unit_test_setup_teardown(name, open, close_rig)
    const struct CMUnitTest tests[] = {
        TEST(a_request_of_two_meanings_is_refused_and_nothing_behind_it_is_read, open_plain),
        TEST(what_stands_behind_a_nul_has_no_meaning, open_impatient),
        TEST(a_folded_line_is_no_header_of_its_own, open_plain),
        TEST(a_header_behind_a_bare_line_feed_is_seen, open_plain),
        TEST(broken_chunks_end_the_connection, open_impatient),
        TEST(the_body_of_a_request_without_one_is_swallowed, open_plain),
        TEST(very_many_or_very_long_headers_are_refused, open_plain),
        TEST(slow_headers_are_cut_off_and_hold_nobody_up, open_impatient),
        TEST(a_stuck_reader_is_dropped, open_impatient),
        TEST(a_stuck_reader_of_a_stream_is_dropped, open_impatient),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
