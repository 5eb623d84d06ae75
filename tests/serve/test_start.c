/*
 * Starting and stopping: addresses of both families, ports that are taken, certificates that are
 * not there, stopping in the middle of requests.
 */
#include "support_server.h"

#include <arpa/inet.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "core/thread.h"

static struct rig rig;

static int open_rig(void **state) {
    (void)state;
    rig_open(&rig, NULL, false);
    return 0;
}

static int close_rig(void **state) {
    (void)state;
    rig_close(&rig);
    return 0;
}

static int start(const char *address, uint16_t port, struct server **ret_server, struct err *err) {
    struct serve_options options = {.home = rig.home, .address = address, .port = port};
    return serve_start(&options, ret_server, err);
}

static void both_families_are_served(void **state) {
    (void)state;
    struct server *server = NULL;
    struct err err = ERR_INIT;
    if (start("::1", 0, &server, &err) < 0) {
        skip(); // A machine without IPv6.
    }
    int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in6 to = {.sin6_family = AF_INET6,
        .sin6_port = htons(serve_port(server)),
        .sin6_addr = in6addr_loopback};
    assert_int_equal(connect(fd, (const struct sockaddr *)&to, sizeof to), 0);
    const char request[] = "GET /healthz HTTP/1.1\r\nHost: [::1]\r\n\r\n";
    client_send(fd, request, sizeof request - 1);
    AUTO_ANSWER struct answer answer;
    client_read_answer(fd, false, &answer);
    assert_int_equal(answer.status, 200);
    (void)close(fd);
    serve_stop(server);
}

static void what_cannot_be_listened_on_is_refused_in_words(void **state) {
    (void)state;
    struct server *server = NULL;
    static const char *const WRONG[] = {"somewhere", "999.0.0.1", "", "127.0.0.1:80"};
    for (size_t i = 0; i < sizeof WRONG / sizeof WRONG[0]; i++) {
        struct err err = ERR_INIT;
        assert_int_equal(start(WRONG[i], 0, &server, &err), -ERR_INVALID);
        assert_int_equal(err.notes[0].msg, MSG_SERVE_LISTEN_ADDRESS);
    }
    struct err err = ERR_INIT;
    assert_true(start("127.0.0.1", rig.port, &server, &err) < 0); // Taken.
    assert_int_equal(err.notes[err.note_count - 1].msg, MSG_SERVE_LISTEN_FAILED);
}

struct asker {
    struct thread thread;
    _Atomic int stop;
    _Atomic int good;
    _Atomic int other;
};

static void asker_run(void *context) {
    struct asker *asker = context;
    char headers[128];
    (void)snprintf(headers, sizeof headers, "Authorization: Bearer %s\r\n", rig.operator_);
    while (!atomic_load(&asker->stop)) {
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(rig.port)};
        to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        char request[512];
        int size = snprintf(request, sizeof request,
            "POST /write HTTP/1.1\r\nHost: localhost\r\n%sContent-Length: 12\r\n\r\nstop value=1",
            headers);
        struct answer answer = {0};
        if (connect(fd, (const struct sockaddr *)&to, sizeof to) == 0 &&
            client_try_send(fd, request, (size_t)size)) {
            client_read_answer(fd, false, &answer);
        }
        (void)close(fd);
        atomic_fetch_add(answer.status == 204 ? &asker->good : &asker->other, 1);
        answer_fini(&answer);
    }
}

static void stopping_in_the_middle_of_requests_is_orderly(void **state) {
    (void)state;
    enum { ASKERS = 4, ROUNDS = 5 };
    static struct asker askers[ASKERS];
    for (int i = 0; i < ASKERS; i++) {
        askers[i] = (struct asker){0};
        thread_start(&askers[i].thread, "test-asker", asker_run, &askers[i]);
    }
    for (int round = 0; round < ROUNDS; round++) {
        int64_t begin = clock_mono_ns(clock_system());
        int before = atomic_load(&askers[0].good);
        while (atomic_load(&askers[0].good) < before + 5) {
            assert_true(clock_mono_ns(clock_system()) - begin < 20 * NS_PER_S);
        }
        uint16_t port = rig.port;
        serve_stop(rig.server);
        struct err err = ERR_INIT;
        assert_int_equal(start("127.0.0.1", port, &rig.server, &err), 0);
    }
    for (int i = 0; i < ASKERS; i++) {
        atomic_store(&askers[i].stop, 1);
    }
    for (int i = 0; i < ASKERS; i++) {
        thread_join(&askers[i].thread);
        assert_true(askers[i].good > 0);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(both_families_are_served, open_rig, close_rig),
        cmocka_unit_test_setup_teardown(
            what_cannot_be_listened_on_is_refused_in_words, open_rig, close_rig),
        cmocka_unit_test_setup_teardown(
            stopping_in_the_middle_of_requests_is_orderly, open_rig, close_rig),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
