/* UDP links on loopback: a datagram is a message. */
#include "support_device.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "device/io.h"

static const int64_t no_options[LINK_OPTION_COUNT] = {[LINK_TIMEOUT_MS] = 1000};

static int64_t soon(int64_t ns) {
    return clock_mono_ns(clock_system()) + ns;
}

/* The machine's side and an open link to it. */
struct wire {
    int other;
    char address[40];
    struct stop_flag stop;
    struct link *link;
};

static void wire_init(struct wire *wire) {
    wire->other = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in name = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof name;
    assert_int_equal(0, bind(wire->other, (struct sockaddr *)&name, sizeof name));
    assert_int_equal(0, getsockname(wire->other, (struct sockaddr *)&name, &size));
    (void)snprintf(
        wire->address, sizeof wire->address, "udp:127.0.0.1:%u", (unsigned)ntohs(name.sin_port));
    stop_flag_init(&wire->stop);
    wire->link = link_new(str_of(wire->address), no_options, clock_system(), wire->stop.event_fd);
    struct err err = ERR_INIT;
    assert_int_equal(0, link_open(wire->link, soon(PATIENCE_NS), &err));
}

static void wire_fini(struct wire *wire) {
    link_free(wire->link);
    (void)close(wire->other);
    stop_flag_fini(&wire->stop);
}

static int wire_receive(struct wire *wire, void *data, size_t capacity, int64_t ns) {
    struct err err = ERR_INIT;
    return wire->link->ops->receive(wire->link, data, capacity, soon(ns), &err);
}

/* One datagram to the machine, which then knows where to answer. */
static void wire_send(struct wire *wire, const void *data, size_t size) {
    struct err err = ERR_INIT;
    assert_int_equal(0, wire->link->ops->send(wire->link, data, size, soon(PATIENCE_NS), &err));
    static char seen[65536];
    struct sockaddr_in from;
    socklen_t from_size = sizeof from;
    assert_int_equal(
        size, recvfrom(wire->other, seen, sizeof seen, 0, (struct sockaddr *)&from, &from_size));
    assert_memory_equal(data, seen, size);
    assert_int_equal(0, connect(wire->other, (struct sockaddr *)&from, from_size));
}

static void a_receive_gives_one_datagram_whole(void **state) {
    (void)state;
    struct wire wire;
    wire_init(&wire);
    wire_send(&wire, "ping", 4);
    assert_int_equal(3, send(wire.other, "one", 3, 0));
    assert_int_equal(6, send(wire.other, "second", 6, 0));
    char bytes[16];
    assert_int_equal(3, wire_receive(&wire, bytes, sizeof bytes, PATIENCE_NS));
    assert_memory_equal("one", bytes, 3);
    assert_int_equal(6, wire_receive(&wire, bytes, sizeof bytes, PATIENCE_NS));
    assert_memory_equal("second", bytes, 6);
    wire_fini(&wire);
}

static void an_empty_datagram_and_one_too_long_are_no_answer(void **state) {
    (void)state;
    struct wire wire;
    wire_init(&wire);
    wire_send(&wire, "ping", 4);
    assert_int_equal(0, send(wire.other, "", 0, 0));
    assert_int_equal(9, send(wire.other, "too long.", 9, 0));
    assert_int_equal(8, send(wire.other, "it fits.", 8, 0));
    char bytes[8];
    assert_int_equal(8, wire_receive(&wire, bytes, sizeof bytes, PATIENCE_NS));
    assert_memory_equal("it fits.", bytes, 8);
    assert_int_equal(0, send(wire.other, "", 0, 0));
    assert_int_equal(-ERR_TIMEOUT, wire_receive(&wire, bytes, sizeof bytes, 0));
    wire_fini(&wire);
}

static void a_wait_ends_at_its_deadline_and_with_the_stop(void **state) {
    (void)state;
    struct wire wire;
    wire_init(&wire);
    char bytes[8];
    int64_t deadline_ns = soon(20 * NS_PER_MS);
    assert_int_equal(-ERR_TIMEOUT, wire_receive(&wire, bytes, sizeof bytes, 20 * NS_PER_MS));
    assert_true(clock_mono_ns(clock_system()) >= deadline_ns);
    stop_flag_raise(&wire.stop);
    assert_int_equal(-ERR_CANCELLED, wire_receive(&wire, bytes, sizeof bytes, PATIENCE_NS));
    wire_fini(&wire);
}

static void a_port_where_nobody_listens_is_told_at_once_and_can_be_tried_again(void **state) {
    (void)state;
    struct wire wire;
    wire_init(&wire);
    struct sockaddr_in name;
    socklen_t size = sizeof name;
    assert_int_equal(0, getsockname(wire.other, (struct sockaddr *)&name, &size));
    (void)close(wire.other);
    struct err err = ERR_INIT;
    char bytes[8];
    assert_int_equal(0, wire.link->ops->send(wire.link, "ping", 4, soon(PATIENCE_NS), &err));
    assert_int_equal(
        -ERR_CLOSED, wire.link->ops->receive(wire.link, bytes, 8, soon(PATIENCE_NS), &err));
    assert_int_equal(MSG_DEVICE_LINK_PORT_CLOSED, err.notes[0].msg);
    link_close(wire.link);
    assert_int_equal(-1, wire.link->fd);
    wire.other = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    assert_int_equal(0, bind(wire.other, (struct sockaddr *)&name, size));
    assert_int_equal(0, link_open(wire.link, soon(PATIENCE_NS), &err));
    wire_send(&wire, "ping", 4);
    assert_int_equal(4, send(wire.other, "pong", 4, 0));
    assert_int_equal(4, wire_receive(&wire, bytes, 8, PATIENCE_NS));
    wire_fini(&wire);
}

static void a_stranger_cannot_answer(void **state) {
    (void)state;
    struct wire wire;
    wire_init(&wire);
    struct sockaddr_in name;
    socklen_t size = sizeof name;
    assert_int_equal(0, getsockname(wire.link->fd, (struct sockaddr *)&name, &size));
    int stranger = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    assert_int_equal(3, sendto(stranger, "lie", 3, 0, (struct sockaddr *)&name, size));
    char bytes[8];
    assert_int_equal(-ERR_TIMEOUT, wire_receive(&wire, bytes, sizeof bytes, 20 * NS_PER_MS));
    (void)close(stranger);
    wire_fini(&wire);
}

static void the_drivers_window_keeps_the_border_of_messages(void **state) {
    (void)state;
    struct wire wire;
    wire_init(&wire);
    static struct driver_io io;
    struct driver_settings settings = {.link = {[LINK_TIMEOUT_MS] = 1000}};
    io = (struct driver_io){.link = wire.link, .clock = clock_system(), .settings = &settings};
    io_begin(&io);
    assert_true(io_is_datagram(&io));
    wire_send(&wire, "ping", 4);
    assert_int_equal(5, send(wire.other, "first", 5, 0));
    assert_int_equal(4, send(wire.other, "next", 4, 0));
    static char bytes[IO_BUFFER_BYTES];
    struct err err = ERR_INIT;
    assert_int_equal(5, io_receive_some(&io, bytes, sizeof bytes, &err));
    assert_int_equal(4, io_receive_some(&io, bytes, sizeof bytes, &err));
    assert_memory_equal("next", bytes, 4);
    wire_fini(&wire);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_receive_gives_one_datagram_whole),
        cmocka_unit_test(an_empty_datagram_and_one_too_long_are_no_answer),
        cmocka_unit_test(a_wait_ends_at_its_deadline_and_with_the_stop),
        cmocka_unit_test(a_port_where_nobody_listens_is_told_at_once_and_can_be_tried_again),
        cmocka_unit_test(a_stranger_cannot_answer),
        cmocka_unit_test(the_drivers_window_keeps_the_border_of_messages),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
