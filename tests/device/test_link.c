/* Links: the form of addresses, and what kinds with a descriptor share. */
#include "support_device.h"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

static void addresses_are_checked_by_their_form(void **state) {
    (void)state;
    static const struct {
        const char *address;
        enum msg_id msg; // MSG_NONE: good.
    } cases[] = {
        {"127.0.0.1:502", MSG_NONE},
        {"plc-7.local:65535", MSG_NONE},
        {"[::1]:502", MSG_NONE},
        {"/dev/ttyUSB0", MSG_NONE},
        {"capture:x.cap", MSG_NONE},
        {"udp:192.168.0.10:2005", MSG_NONE},
        {"udp:[::1]:2005", MSG_NONE},
        {"udp:plc1.local", MSG_DEVICE_ADDRESS_PORT},
        {"udp:", MSG_DEVICE_ADDRESS_PORT},
        {"udp:udp:1.2.3.4:5", MSG_DEVICE_ADDRESS_HOST},
        {"", MSG_DEVICE_ADDRESS_EMPTY},
        {"127.0.0.1", MSG_DEVICE_ADDRESS_PORT},
        {"127.0.0.1:", MSG_DEVICE_ADDRESS_PORT},
        {"127.0.0.1:0", MSG_DEVICE_ADDRESS_PORT},
        {"127.0.0.1:65536", MSG_DEVICE_ADDRESS_PORT},
        {"127.0.0.1:5x", MSG_DEVICE_ADDRESS_PORT},
        {":502", MSG_DEVICE_ADDRESS_PORT},
        {"[]:502", MSG_DEVICE_ADDRESS_PORT},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct err err = ERR_INIT;
        int result = link_check(str_of(cases[i].address), &err);
        assert_int_equal(cases[i].msg == MSG_NONE ? 0 : -ERR_INVALID, result);
        assert_int_equal(cases[i].msg, err.notes[0].msg);
    }
}

struct pair {
    struct link link;
    int other;
    struct stop_flag stop;
};

static const struct link_ops pair_ops = {.name = "pair"};

static void pair_init(struct pair *pair) {
    int fds[2];
    assert_int_equal(0, socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds));
    stop_flag_init(&pair->stop);
    pair->link = (struct link){
        .ops = &pair_ops, .clock = clock_system(), .fd = fds[0], .stop_fd = pair->stop.event_fd};
    pair->other = fds[1];
}

static void pair_fini(struct pair *pair) {
    link_fd_close(&pair->link);
    (void)close(pair->other);
    stop_flag_fini(&pair->stop);
}

static int64_t soon(int64_t ns) {
    return clock_mono_ns(clock_system()) + ns;
}

static void a_receive_ends_at_its_deadline_with_bytes_or_with_the_stop(void **state) {
    (void)state;
    struct pair pair;
    pair_init(&pair);
    struct err err = ERR_INIT;
    char bytes[8];
    int64_t deadline_ns = soon(20 * NS_PER_MS);
    assert_int_equal(-ERR_TIMEOUT, link_fd_receive(&pair.link, bytes, 8, deadline_ns, &err));
    assert_true(clock_mono_ns(clock_system()) >= deadline_ns);
    assert_int_equal(3, write(pair.other, "abc", 3));
    assert_int_equal(3, link_fd_receive(&pair.link, bytes, 8, soon(PATIENCE_NS), &err));
    stop_flag_raise(&pair.stop);
    assert_int_equal(
        -ERR_CANCELLED, link_fd_receive(&pair.link, bytes, 8, soon(PATIENCE_NS), &err));
    pair_fini(&pair);
}

static void the_other_sides_end_is_closed(void **state) {
    (void)state;
    struct pair pair;
    pair_init(&pair);
    struct err err = ERR_INIT;
    char bytes[8];
    assert_int_equal(0, shutdown(pair.other, SHUT_RDWR));
    assert_int_equal(-ERR_CLOSED, link_fd_receive(&pair.link, bytes, 8, soon(PATIENCE_NS), &err));
    assert_int_equal(-ERR_CLOSED, link_fd_send(&pair.link, "x", 1, soon(PATIENCE_NS), &err));
    pair_fini(&pair);
}

static void a_send_that_nobody_reads_times_out(void **state) {
    (void)state;
    struct pair pair;
    pair_init(&pair);
    static const char bytes[4 << 20];
    struct err err = ERR_INIT;
    assert_int_equal(
        -ERR_TIMEOUT, link_fd_send(&pair.link, bytes, sizeof bytes, soon(20 * NS_PER_MS), &err));
    pair_fini(&pair);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(addresses_are_checked_by_their_form),
        cmocka_unit_test(a_receive_ends_at_its_deadline_with_bytes_or_with_the_stop),
        cmocka_unit_test(the_other_sides_end_is_closed),
        cmocka_unit_test(a_send_that_nobody_reads_times_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
