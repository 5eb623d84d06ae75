/*
 * The agent that counts: what `maru soak` compares with must be true, so it is asked by bytes.
 */
#include "sim/sim_mtconnect.h"

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/time.h"

struct hand_clock {
    struct clock clock;
    _Atomic int64_t now_ns;
};

static int64_t hand_ns(const struct clock *clock) {
    return atomic_load(&((const struct hand_clock *)(const void *)clock)->now_ns);
}

/* One request; the whole answer as a string. False: nobody answers. */
static bool ask(
    const struct sim_mtconnect *sim, const char *target, char *answer, size_t capacity) {
    struct sockaddr_in address = {.sin_family = AF_INET,
        .sin_port = htons(sim_mtconnect_port(sim)),
        .sin_addr = {.s_addr = htonl(INADDR_LOOPBACK)}};
    struct timeval patience = {.tv_sec = 5};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    char request[256];
    int size = snprintf(request, sizeof request, "GET %s HTTP/1.1\r\nHost: x\r\n\r\n", target);
    bool good = connect(fd, (struct sockaddr *)&address, sizeof address) == 0 &&
                send(fd, request, (size_t)size, MSG_NOSIGNAL) == size;
    size_t used = 0;
    answer[0] = '\0';
    while (good && strstr(answer, "</MTConnect") == NULL) {
        ssize_t got = recv(fd, answer + used, capacity - used - 1, 0);
        good = got > 0;
        used += good ? (size_t)got : 0;
        answer[used] = '\0';
    }
    (void)close(fd);
    return good;
}

static uint32_t count_of(const char *text, const char *what) {
    uint32_t count = 0;
    for (const char *at = text; (at = strstr(at, what)) != NULL; at++) {
        count++;
    }
    return count;
}

static void it_makes_what_it_says(void **state) {
    (void)state;
    struct hand_clock clock = {
        .clock = {.wall_ns = hand_ns, .mono_ns = hand_ns}, .now_ns = 1700000000000LL * NS_PER_MS};
    struct sim_mtconnect *sim = NULL;
    struct err err = ERR_INIT;
    assert_int_equal(sim_mtconnect_start(&clock.clock, 100, &sim, &err), 0);
    char text[8192];
    assert_true(ask(sim, "/current", text, sizeof text));
    assert_int_equal(count_of(text, "<PartCount"), 0); // Nothing before it is begun.
    assert_non_null(strstr(text, "nextSequence=\"1\""));
    sim_mtconnect_begin(sim);
    atomic_fetch_add(&clock.now_ns, 300 * NS_PER_MS);
    assert_int_equal(sim_mtconnect_made(sim), 30);
    assert_true(ask(sim, "/sample?from=1&count=20", text, sizeof text));
    assert_int_equal(count_of(text, "<PartCount"), 20);
    assert_non_null(strstr(text, "nextSequence=\"21\""));
    char time[TIME_TEXT_MAX];
    char seventh[128];
    int size = (int)time_format(sim_mtconnect_time_ns(sim, 7), NULL, time);
    assert_int_equal(sim_mtconnect_time_ns(sim, 7), 1700000000070LL * NS_PER_MS);
    (void)snprintf(
        seventh, sizeof seventh, "\"n3\" sequence=\"7\" timestamp=\"%.*s\">7<", size, time);
    assert_non_null(strstr(text, seventh));
    assert_true(ask(sim, "/sample?from=21&count=20", text, sizeof text));
    assert_int_equal(count_of(text, "<PartCount"), 10);
    assert_int_equal(sim_mtconnect_asked(sim), 21);
    assert_int_equal(sim_mtconnect_halt(sim), 30);
    atomic_fetch_add(&clock.now_ns, NS_PER_S);
    assert_int_equal(sim_mtconnect_made(sim), 30);
    assert_true(ask(sim, "/sample?from=31&count=20", text, sizeof text));
    assert_int_equal(count_of(text, "<PartCount"), 0);
    assert_true(ask(sim, "/sample?from=32&count=20", text, sizeof text));
    assert_non_null(strstr(text, "OUT_OF_RANGE"));
    assert_int_equal(sim_mtconnect_requests(sim), 3);
    sim_mtconnect_stop(sim);
}

static void a_cut_line_answers_nobody(void **state) {
    (void)state;
    struct sim_mtconnect *sim = NULL;
    struct err err = ERR_INIT;
    assert_int_equal(sim_mtconnect_start(clock_system(), 100, &sim, &err), 0);
    char text[8192];
    sim_mtconnect_cut(sim);
    assert_false(ask(sim, "/current", text, sizeof text));
    assert_int_equal(sim_mtconnect_mend(sim, &err), 0);
    assert_true(ask(sim, "/current", text, sizeof text));
    sim_mtconnect_stop(sim);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_makes_what_it_says),
        cmocka_unit_test(a_cut_line_answers_nobody),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
