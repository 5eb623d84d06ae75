/* The other side of a network link: the form of "host:port", and how names are found. */
#include "support_device.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

static void hosts_are_checked_by_their_form(void **state) {
    (void)state;
    static const struct {
        const char *address;
        enum msg_id msg; // MSG_NONE: good.
    } cases[] = {
        {"10.0.0.1:1", MSG_NONE},
        {"a:65535", MSG_NONE},
        {"press_2.hall-a:2004", MSG_NONE},
        {"[fe80::1%eth0]:2004", MSG_NONE},
        {"10.0.0.300:1", MSG_DEVICE_ADDRESS_HOST},
        {"-a:1", MSG_DEVICE_ADDRESS_HOST},
        {"a..b:1", MSG_DEVICE_ADDRESS_HOST},
        {"a b:1", MSG_DEVICE_ADDRESS_HOST},
        {"http://a:1", MSG_DEVICE_ADDRESS_HOST},
        {"a:70000", MSG_DEVICE_ADDRESS_PORT},
        {"a", MSG_DEVICE_ADDRESS_PORT},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct err err = ERR_INIT;
        int result = link_host_check(str_of(cases[i].address), &err);
        assert_int_equal(cases[i].msg == MSG_NONE ? 0 : -ERR_INVALID, result);
        assert_int_equal(cases[i].msg, err.notes[0].msg);
    }
}

static void a_number_is_found_without_the_network(void **state) {
    (void)state;
    struct link_host host;
    link_host_init(&host, STR("[::1]:2005"));
    assert_string_equal("::1", host.host);
    assert_string_equal("2005", host.port);
    struct addrinfo *list = NULL;
    struct err err = ERR_INIT;
    assert_int_equal(0, link_host_find(&host, SOCK_DGRAM, &list, &err));
    assert_int_equal(AF_INET6, list->ai_family);
    assert_int_equal(SOCK_DGRAM, list->ai_socktype);
    freeaddrinfo(list);
    link_host_fini(&host);
    link_host_init(&host, STR("a..b:1")); // An empty label is refused before anybody is asked.
    assert_int_equal(-ERR_UNREACHABLE, link_host_find(&host, SOCK_STREAM, &list, &err));
    assert_int_equal(MSG_DEVICE_HOST_UNKNOWN, err.notes[0].msg);
    link_host_fini(&host);
}

static void each_fault_of_a_connection_has_its_words(void **state) {
    (void)state;
    static const struct {
        int fault;
        enum msg_id msg;
        int result;
    } cases[] = {
        {ECONNREFUSED, MSG_DEVICE_CONNECT_REFUSED, -ERR_REFUSED},
        {EHOSTUNREACH, MSG_DEVICE_CONNECT_NO_ROUTE, -ERR_UNREACHABLE},
        {ENETUNREACH, MSG_DEVICE_CONNECT_NO_ROUTE, -ERR_UNREACHABLE},
        {EIO, MSG_DEVICE_CONNECT_UNREACHABLE, -ERR_UNREACHABLE},
    };
    struct link_host host;
    link_host_init(&host, STR("plc:2004"));
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct err err = ERR_INIT;
        assert_int_equal(cases[i].result, link_host_words(&host, cases[i].fault, &err));
        assert_int_equal(cases[i].msg, err.notes[0].msg);
        assert_non_null(strstr(words_of(&err), "plc:2004"));
    }
    link_host_fini(&host);
}

static void a_socket_that_met_itself_is_known(void **state) {
    (void)state;
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in name = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof name;
    assert_int_equal(0, bind(fd, (struct sockaddr *)&name, sizeof name));
    assert_false(link_host_is_self(fd)); // Not connected at all.
    assert_int_equal(0, getsockname(fd, (struct sockaddr *)&name, &size));
    assert_int_equal(0, connect(fd, (struct sockaddr *)&name, size));
    assert_true(link_host_is_self(fd));
    (void)close(fd);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hosts_are_checked_by_their_form),
        cmocka_unit_test(a_number_is_found_without_the_network),
        cmocka_unit_test(each_fault_of_a_connection_has_its_words),
        cmocka_unit_test(a_socket_that_met_itself_is_known),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
