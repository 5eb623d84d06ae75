/*
 * The limits: header, body, rate, connections, slowness; bodies in chunks and with Expect; many
 * requests on one connection; HEAD.
 */
#include "support_server.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "core/clock.h"

#define HEALTH "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"

static struct rig rig;

static void open_with(struct serve_limits limits) {
    if (limits.requests_per_s == 0) {
        limits.requests_per_s = 100000;
    }
    rig_open(&rig, &limits, false);
}

static int close_rig(void **state) {
    (void)state;
    rig_close(&rig);
    return 0;
}

static int open_plain(void **state) {
    (void)state;
    open_with((struct serve_limits){0});
    return 0;
}

static int open_small_body(void **state) {
    (void)state;
    open_with((struct serve_limits){.body_bytes = 200000});
    return 0;
}

static int open_impatient(void **state) {
    (void)state;
    open_with((struct serve_limits){.header_wait_s = 1, .idle_wait_s = 2});
    return 0;
}

static int open_slow_rate(void **state) {
    (void)state;
    open_with((struct serve_limits){.requests_per_s = 5});
    return 0;
}

static int open_few(void **state) {
    (void)state;
    open_with((struct serve_limits){.connections = 8, .connections_per_ip = 4});
    return 0;
}

static void make_lines(struct buf *lines, size_t bytes) {
    buf_init(lines, bytes + 100);
    for (int i = 0; lines->size < bytes; i++) {
        buf_printf(lines, "big value=%d %d\n", i, i);
    }
}

static void a_header_that_is_too_long_is_431(void **state) {
    (void)state;
    static const size_t SIZES[] = {8 * 1024, 20 * 1024, 300 * 1024};
    static const int WANTED[] = {200, 431, 431};
    for (size_t i = 0; i < 3; i++) {
        struct buf header;
        buf_init(&header, 1 << 20);
        buf_put_str(&header, STR("X-Long: "));
        for (size_t n = 0; n < SIZES[i]; n++) {
            buf_put_char(&header, 'a');
        }
        buf_put_str(&header, STR("\r\n"));
        struct question question = {
            .port = rig.port, .target = "/healthz", .headers = buf_z(&header)};
        AUTO_ANSWER struct answer answer;
        client_ask(&question, &answer);
        assert_int_equal(answer.status, WANTED[i]);
        buf_fini(&header);
    }
}

static void a_body_over_the_limit_is_413_in_words(void **state) {
    (void)state;
    struct buf lines;
    make_lines(&lines, 300000);
    AUTO_ANSWER struct answer whole;
    rig_ask(&rig, "POST", "/write", rig.operator_, buf_str(&lines), &whole);
    assert_int_equal(whole.status, 413);
    assert_non_null(strstr(buf_z(&whole.body), "at most 200000 bytes"));
    char headers[128];
    (void)snprintf(headers, sizeof headers, "Authorization: Bearer %s\r\n", rig.operator_);
    struct question question = {.port = rig.port,
        .method = "POST",
        .target = "/write",
        .headers = headers,
        .body = buf_str(&lines),
        .chunked = true};
    AUTO_ANSWER struct answer chunked;
    client_ask(&question, &chunked);
    assert_int_equal(chunked.status, 413);
    AUTO_ANSWER struct answer json;
    rig_ask(&rig, "POST", "/api/v1/session", NULL, str_slice(buf_str(&lines), 0, 100000), &json);
    assert_int_equal(json.status, 413); // A JSON body has a limit of its own.
    AUTO_ANSWER struct answer get;
    rig_ask(&rig, "GET", "/healthz", NULL, STR("x"), &get);
    assert_int_equal(get.status, 413);
    buf_fini(&lines);
    AUTO_ANSWER struct answer tags;
    rig_get(&rig, "/api/v1/plants/p1/tags?prefix=big", 200, &tags);
    assert_non_null(strstr(buf_z(&tags.body), "\"items\":[]")); // Nothing was stored.
}

/* The refusal stands behind the body: who sends slowly must not lose it to a deadline long past. */
static void a_refused_body_may_take_its_time(void **state) {
    (void)state;
    struct buf lines;
    make_lines(&lines, 300000);
    char request[256];
    int size = snprintf(request, sizeof request,
        "POST /write HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer %s\r\n"
        "Content-Length: %zu\r\n\r\n",
        rig.operator_, lines.size);
    int fd = client_connect(rig.port);
    client_send(fd, request, (size_t)size);
    client_send(fd, lines.data, 100000);
    (void)poll(NULL, 0, 1500); // More than a round of the watch.
    assert_true(client_try_send(fd, lines.data + 100000, lines.size - 100000));
    AUTO_ANSWER struct answer late;
    client_read_answer(fd, false, &late);
    assert_int_equal(late.status, 413);
    (void)close(fd);
    buf_fini(&lines);
}

static void a_large_body_without_a_right_is_refused_before_it_is_kept(void **state) {
    (void)state;
    struct buf lines;
    make_lines(&lines, 1000000);
    AUTO_ANSWER struct answer nobody;
    rig_ask(&rig, "POST", "/write", NULL, buf_str(&lines), &nobody);
    assert_int_equal(nobody.status, 401);
    AUTO_ANSWER struct answer viewer;
    rig_ask(&rig, "POST", "/write", rig.viewer, buf_str(&lines), &viewer);
    assert_int_equal(viewer.status, 403);
    buf_fini(&lines);
}

static void expect_100_continue_asks_before_the_body_is_sent(void **state) {
    (void)state;
    char request[512];
    int size = snprintf(request, sizeof request,
        "POST /write HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\n"
        "Authorization: Bearer %s\r\nContent-Length: 200000000\r\n\r\n",
        rig.operator_);
    int fd = client_connect(rig.port);
    client_send(fd, request, (size_t)size);
    AUTO_ANSWER struct answer refused;
    client_read_answer(fd, false, &refused);
    assert_int_equal(refused.status, 413); // Without a byte of the body.
    (void)close(fd);
    struct buf lines;
    make_lines(&lines, 500000);
    size = snprintf(request, sizeof request,
        "POST /write HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\n"
        "Authorization: Bearer %s\r\nContent-Length: %zu\r\n\r\n",
        rig.operator_, lines.size);
    fd = client_connect(rig.port);
    client_send(fd, request, (size_t)size);
    AUTO_ANSWER struct answer go;
    client_read_answer(fd, false, &go);
    assert_int_equal(go.status, 100);
    client_send(fd, lines.data, lines.size);
    AUTO_ANSWER struct answer done;
    client_read_answer(fd, false, &done);
    assert_int_equal(done.status, 204);
    (void)close(fd);
    buf_fini(&lines);
}

static void bodies_come_whole_in_chunks_and_small_pieces(void **state) {
    (void)state;
    char headers[128];
    (void)snprintf(headers, sizeof headers, "Authorization: Bearer %s\r\n", rig.operator_);
    struct question question = {.port = rig.port,
        .method = "POST",
        .target = "/write",
        .headers = headers,
        .body = STR("chunk value=1 1\nchunk value=2 2\n"),
        .chunked = true};
    AUTO_ANSWER struct answer chunked;
    client_ask(&question, &chunked);
    assert_int_equal(chunked.status, 204);
    char request[512];
    const char body[] = "piece value=7 7\n";
    int size = snprintf(request, sizeof request,
        "POST /write HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer %s\r\n"
        "Content-Length: %zu\r\n\r\n%s",
        rig.operator_, strlen(body), body);
    int fd = client_connect(rig.port);
    for (int i = 0; i < size; i++) {
        client_send(fd, request + i, 1);
    }
    AUTO_ANSWER struct answer pieces;
    client_read_answer(fd, false, &pieces);
    assert_int_equal(pieces.status, 204);
    (void)close(fd);
    AUTO_ANSWER struct answer rows;
    rig_get(&rig, "/api/v1/plants/p1/samples?tag=chunk&tag=piece&format=csv", 200, &rows);
    assert_non_null(strstr(buf_z(&rows.body), "piece,1970-01-01T00:00:00.000000007Z,7,good"));
    assert_non_null(strstr(buf_z(&rows.body), "chunk,1970-01-01T00:00:00.000000002Z,2,good"));
}

static void one_connection_carries_many_requests(void **state) {
    (void)state;
    int fd = client_connect(rig.port);
    for (int i = 0; i < 50; i++) {
        client_send(fd, HEALTH, strlen(HEALTH));
        AUTO_ANSWER struct answer answer;
        client_read_answer(fd, false, &answer);
        assert_int_equal(answer.status, 200);
        assert_string_equal(buf_z(&answer.body), "{\"status\":\"ok\"}");
    }
    (void)close(fd);
}

static void head_has_no_body(void **state) {
    (void)state;
    static const char *const TARGETS[] = {"/", "/healthz", "/api/v1/plants/p1/tags",
        "/api/v1/plants/p1/samples?tag=line1.press1.temp&format=csv"};
    for (size_t i = 0; i < sizeof TARGETS / sizeof TARGETS[0]; i++) {
        AUTO_ANSWER struct answer answer;
        rig_ask(&rig, "HEAD", TARGETS[i], rig.viewer, STR_NONE, &answer);
        assert_int_equal(answer.status, 200);
    }
    AUTO_ANSWER struct answer stream;
    rig_ask(&rig, "HEAD", "/api/v1/plants/p1/stream", rig.viewer, STR_NONE, &stream);
    assert_int_equal(stream.status, 405);
}

static void too_many_requests_are_429_with_a_wait(void **state) {
    (void)state;
    int refused = 0;
    for (int i = 0; i < 30; i++) {
        AUTO_ANSWER struct answer answer;
        rig_ask(&rig, "GET", "/healthz", NULL, STR_NONE, &answer);
        if (answer.status == 429) {
            int64_t wait = 0;
            assert_true(str_to_i64(answer_header(&answer, "Retry-After"), &wait));
            assert_in_range(wait, 1, 2);
            refused++;
        } else {
            assert_int_equal(answer.status, 200);
        }
    }
    assert_in_range(refused, 5, 20); // Ten at once, then five a second.
}

static void more_connections_than_allowed_wait_or_are_closed(void **state) {
    (void)state;
    int fds[12];
    for (int i = 0; i < 12; i++) {
        fds[i] = client_connect(rig.port);
    }
    int answered = 0;
    for (int i = 0; i < 12; i++) {
        char piece[256];
        if (client_try_send(fds[i], HEALTH, strlen(HEALTH)) &&
            client_read(fds[i], piece, sizeof piece, 300) > 0) {
            answered++;
        }
    }
    assert_in_range(answered, 1, 4);
    for (int i = 0; i < 12; i++) {
        (void)close(fds[i]);
    }
    // With the others gone it serves again.
    int status = 0;
    int64_t end = clock_mono_ns(clock_system()) + 10 * NS_PER_S;
    while (status != 200 && clock_mono_ns(clock_system()) < end) {
        AUTO_ANSWER struct answer answer;
        rig_ask(&rig, "GET", "/healthz", NULL, STR_NONE, &answer);
        status = answer.status;
    }
    assert_int_equal(status, 200);
}

/* Sends the bytes one by one, slower than allowed, until the server closes. */
static void dribble(const char *bytes, size_t size) {
    int fd = client_connect(rig.port);
    int64_t begin = clock_mono_ns(clock_system());
    size_t at = 0;
    char piece[256];
    for (;;) {
        if (!client_try_send(fd, bytes + at % size, 1)) {
            break;
        }
        at++;
        if (client_read(fd, piece, sizeof piece, 100) == 0) {
            break;
        }
        assert_true(clock_mono_ns(clock_system()) - begin < 15 * NS_PER_S);
    }
    (void)close(fd);
}

static void a_header_that_drips_in_is_cut_off(void **state) {
    (void)state;
    dribble(
        "GET /healthz?a=aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
        160);
    AUTO_ANSWER struct answer metrics;
    rig_ask(&rig, "GET", "/metrics", NULL, STR_NONE, &metrics);
    assert_non_null(strstr(buf_z(&metrics.body), "maru_http_timed_out_total 1"));
}

static void a_body_that_drips_in_is_cut_off(void **state) {
    (void)state;
    char request[512];
    int size = snprintf(request, sizeof request,
        "POST /write HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer %s\r\n"
        "Content-Length: 50000\r\n\r\n",
        rig.operator_);
    int fd = client_connect(rig.port);
    client_send(fd, request, (size_t)size);
    int64_t begin = clock_mono_ns(clock_system());
    char piece[256];
    while (client_try_send(fd, "#", 1) && client_read(fd, piece, sizeof piece, 100) != 0) {
        assert_true(clock_mono_ns(clock_system()) - begin < 15 * NS_PER_S);
    }
    (void)close(fd);
}

static void an_idle_connection_is_closed(void **state) {
    (void)state;
    int fd = client_connect(rig.port);
    client_send(fd, HEALTH, strlen(HEALTH));
    AUTO_ANSWER struct answer answer;
    client_read_answer(fd, false, &answer);
    char piece[16];
    assert_int_equal(client_read(fd, piece, sizeof piece, 10000), 0);
    (void)close(fd);
}

static void rubbish_does_no_harm(void **state) {
    (void)state;
    static const char *const REQUESTS[] = {"\r\n\r\n", "GET\r\n\r\n", "GET / HTTP/9.9\r\n\r\n",
        "FROB / HTTP/1.1\r\nHost: localhost\r\n\r\n",
        "GET /%zz HTTP/1.1\r\nHost: localhost\r\n\r\n",
        "GET /../../etc/passwd HTTP/1.1\r\nHost: localhost\r\n\r\n",
        "GET /api/v1/plants/%00/tags HTTP/1.1\r\nHost: localhost\r\n\r\n",
        "POST /write HTTP/1.1\r\nHost: localhost\r\nContent-Length: -5\r\n\r\n",
        "POST /write HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999999999999999999\r\n\r\n",
        "POST /write HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        "GET / HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: \xff\r\n\r\n"};
    for (size_t i = 0; i < sizeof REQUESTS / sizeof REQUESTS[0]; i++) {
        int fd = client_connect(rig.port);
        client_send(fd, REQUESTS[i], strlen(REQUESTS[i]));
        char piece[4096];
        (void)client_read(fd, piece, sizeof piece, 500); // An answer or a close; both are fine.
        (void)close(fd);
    }
    AUTO_ANSWER struct answer answer;
    rig_ask(&rig, "GET", "/healthz", NULL, STR_NONE, &answer);
    assert_int_equal(answer.status, 200);
}

/* A download that nobody reads holds no worker: more of them than there are workers. */
static void unread_downloads_hold_no_worker(void **state) {
    (void)state;
    struct buf lines;
    make_lines(&lines, 4000000);
    AUTO_ANSWER struct answer written;
    rig_ask(&rig, "POST", "/write", rig.operator_, buf_str(&lines), &written);
    assert_int_equal(written.status, 204);
    buf_fini(&lines);
    int fds[20];
    for (int i = 0; i < 20; i++) {
        char request[512];
        int size = snprintf(request, sizeof request,
            "GET /api/v1/plants/p1/samples?tag=big&format=csv HTTP/1.1\r\nHost: localhost\r\n"
            "Authorization: Bearer %s\r\n\r\n",
            rig.viewer);
        fds[i] = client_connect(rig.port);
        client_send(fds[i], request, (size_t)size);
    }
    int64_t begin = clock_mono_ns(clock_system());
    AUTO_ANSWER struct answer answer;
    rig_get(&rig, "/api/v1/plants/p1/tags", 200, &answer);
    assert_true(clock_mono_ns(clock_system()) - begin < 10 * NS_PER_S);
    AUTO_ANSWER struct answer one;
    client_read_answer(fds[7], false, &one);
    assert_true(one.whole);
    assert_true(str_starts(buf_str(&one.body), STR("tag,time,value,quality\nbig,1970")));
    for (int i = 0; i < 20; i++) {
        (void)close(fds[i]);
    }
}

int main(void) {
#define TEST(name, open) cmocka_unit_test_setup_teardown(name, open, close_rig)
    const struct CMUnitTest tests[] = {
        TEST(a_header_that_is_too_long_is_431, open_plain),
        TEST(a_body_over_the_limit_is_413_in_words, open_small_body),
        TEST(a_refused_body_may_take_its_time, open_small_body),
        TEST(a_large_body_without_a_right_is_refused_before_it_is_kept, open_plain),
        TEST(expect_100_continue_asks_before_the_body_is_sent, open_plain),
        TEST(bodies_come_whole_in_chunks_and_small_pieces, open_plain),
        TEST(one_connection_carries_many_requests, open_plain),
        TEST(head_has_no_body, open_plain),
        TEST(too_many_requests_are_429_with_a_wait, open_slow_rate),
        TEST(more_connections_than_allowed_wait_or_are_closed, open_few),
        TEST(a_header_that_drips_in_is_cut_off, open_impatient),
        TEST(a_body_that_drips_in_is_cut_off, open_impatient),
        TEST(an_idle_connection_is_closed, open_impatient),
        TEST(rubbish_does_no_harm, open_plain),
        TEST(unread_downloads_hold_no_worker, open_plain),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
