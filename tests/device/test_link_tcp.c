/* TCP links on loopback. */
#include "support_device.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

static const int64_t no_options[LINK_OPTION_COUNT] = {[LINK_TIMEOUT_MS] = 1000};

/* A bound socket; listening when asked. Returns its descriptor and writes the address. */
static int bound(bool listening, char *address, size_t capacity) {
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in name = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof name;
    assert_int_equal(0, bind(fd, (struct sockaddr *)&name, sizeof name));
    assert_int_equal(0, getsockname(fd, (struct sockaddr *)&name, &size));
    if (listening) {
        assert_int_equal(0, listen(fd, 4));
    }
    (void)snprintf(address, capacity, "127.0.0.1:%u", (unsigned)ntohs(name.sin_port));
    return fd;
}

static int64_t soon(int64_t ns) {
    return clock_mono_ns(clock_system()) + ns;
}

static void a_refused_connection_is_told_with_the_address_and_can_be_tried_again(void **state) {
    (void)state;
    char address[32];
    int fd = bound(false, address, sizeof address);
    struct link *link = link_new(str_of(address), no_options, clock_system(), -1);
    struct err err = ERR_INIT;
    assert_int_equal(-ERR_REFUSED, link_open(link, soon(PATIENCE_NS), &err));
    assert_non_null(strstr(words_of(&err), address));
    assert_int_equal(-1, link->fd); // No socket is left behind.
    assert_int_equal(0, listen(fd, 4));
    assert_int_equal(0, link_open(link, soon(PATIENCE_NS), &err));
    assert_true(link->fd >= 0);
    link_close(link);
    assert_int_equal(-1, link->fd);
    link_free(link);
    (void)close(fd);
}

static void bytes_go_both_ways(void **state) {
    (void)state;
    char address[32];
    int listener = bound(true, address, sizeof address);
    struct link *link = link_new(str_of(address), no_options, clock_system(), -1);
    struct err err = ERR_INIT;
    assert_int_equal(0, link_open(link, soon(PATIENCE_NS), &err));
    int other = accept(listener, NULL, NULL);
    char bytes[8] = {0};
    assert_int_equal(0, link->ops->send(link, "ping", 4, soon(PATIENCE_NS), &err));
    assert_int_equal(4, recv(other, bytes, 8, 0));
    for (int i = 0; i < 3; i++) { // Later receives acknowledge at once; nothing else changes.
        assert_int_equal(4, send(other, "pong", 4, 0));
        assert_int_equal(4, link->ops->receive(link, bytes, 8, soon(PATIENCE_NS), &err));
    }
    (void)close(other);
    assert_int_equal(-ERR_CLOSED, link->ops->receive(link, bytes, 8, soon(PATIENCE_NS), &err));
    link_free(link);
    (void)close(listener);
}

static void a_full_listener_costs_no_more_than_the_deadline(void **state) {
    (void)state;
    char address[32];
    int listener = bound(false, address, sizeof address);
    assert_int_equal(0, listen(listener, 0));
    struct link *links[8];
    int64_t begun_ns = clock_mono_ns(clock_system());
    struct err err = ERR_INIT;
    int result = 0;
    int count = 0;
    while (result == 0 && count < 8) { // The queue takes one or two.
        links[count] = link_new(str_of(address), no_options, clock_system(), -1);
        result = link_open(links[count++], soon(50 * NS_PER_MS), &err);
    }
    assert_int_equal(-ERR_TIMEOUT, result);
    assert_int_equal(MSG_DEVICE_CONNECT_TIMEOUT, err.notes[0].msg);
    assert_true(clock_mono_ns(clock_system()) - begun_ns < 5 * NS_PER_S);
    for (int i = 0; i < count; i++) {
        link_free(links[i]);
    }
    (void)close(listener);
}

static void a_name_that_is_not_found_is_told_in_the_readers_language(void **state) {
    (void)state;
    /* An empty label is refused before anybody on the network is asked. */
    struct link *link = link_new(STR("plc..1:502"), no_options, clock_system(), -1);
    struct err err = ERR_INIT;
    assert_int_equal(-ERR_UNREACHABLE, link_open(link, soon(PATIENCE_NS), &err));
    assert_int_equal(MSG_DEVICE_HOST_UNKNOWN, err.notes[0].msg);
    AUTO_BUF struct buf words;
    buf_init(&words, 1024);
    err_render(&err, LANG_KO, &words);
    assert_non_null(strstr(buf_z(&words), "plc..1"));
    assert_non_null(strstr(buf_z(&words), "IP 주소를 쓰십시오"));
    link_free(link);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_refused_connection_is_told_with_the_address_and_can_be_tried_again),
        cmocka_unit_test(bytes_go_both_ways),
        cmocka_unit_test(a_full_listener_costs_no_more_than_the_deadline),
        cmocka_unit_test(a_name_that_is_not_found_is_told_in_the_readers_language),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
