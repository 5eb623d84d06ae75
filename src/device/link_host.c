/*
 * "host:port": what the kinds on a network (TCP, UDP) share. The form of an address is checked
 * without asking anybody; a name is looked up when the link is opened, each time, because a machine
 * may get another address.
 *
 * A name that is no number is looked up with getaddrinfo, which cannot be given a deadline; only
 * the link's own thread waits for it.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include "core/mem.h"
#include "device/link.h"

enum {
    LABEL_BYTES_MAX = 63, // RFC 1035 clause 2.3.4.
};

/* Splits host and port; false when there is no good port or no host. */
static bool split(struct str address, struct str *ret_host, struct str *ret_port) {
    size_t colon = address.size;
    while (colon > 0 && address.data[colon - 1] != ':') {
        colon--;
    }
    if (colon == 0) {
        return false;
    }
    struct str host = str_slice(address, 0, colon - 1);
    struct str port = str_slice(address, colon, address.size);
    if (host.size >= 2 && host.data[0] == '[' && host.data[host.size - 1] == ']') {
        host = str_slice(host, 1, host.size - 1);
    }
    uint64_t number = 0;
    if (host.size == 0 || host.size >= LINK_HOST_BYTES || !str_to_u64(port, &number) ||
        number == 0 || number > 65535 || port.size >= LINK_PORT_BYTES) {
        return false;
    }
    *ret_host = host;
    *ret_port = port;
    return true;
}

/* One label of a name: letters, digits, '-' and '_' inside, no '-' at the ends. */
static bool label_is_good(struct str label) {
    if (label.size == 0 || label.size > LABEL_BYTES_MAX || label.data[0] == '-' ||
        label.data[label.size - 1] == '-') {
        return false;
    }
    for (size_t i = 0; i < label.size; i++) {
        char c = label.data[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        if (!letter && !(c >= '0' && c <= '9') && c != '-' && c != '_') {
            return false;
        }
    }
    return true;
}

/* A name as RFC 1123 clause 2.1 has it, and '_', which some networks use. What ends in a label of
 * digits alone was meant as an IPv4 address. */
static bool host_is_name(struct str host) {
    struct str rest = host;
    struct str label = STR_NONE;
    while (rest.size > 0) {
        label = str_cut(&rest, '.');
        if (!label_is_good(label)) {
            return false;
        }
    }
    uint64_t number = 0;
    return host.data[host.size - 1] != '.' && !str_to_u64(label, &number);
}

static bool host_is_good(struct str host) {
    char text[LINK_HOST_BYTES];
    struct in_addr ip4;
    struct in6_addr ip6;
    (void)str_copy_z(host, text, sizeof text); // split saw that it fits.
    if (inet_pton(AF_INET, text, &ip4) == 1 || host_is_name(host)) {
        return true;
    }
    size_t scope = str_find(host, '%'); // "fe80::1%eth0": the interface is behind it.
    text[scope] = '\0';
    bool scoped = scope < host.size;
    return inet_pton(AF_INET6, text, &ip6) == 1 &&
           (!scoped || label_is_good(str_slice(host, scope + 1, host.size)));
}

int link_host_check(struct str address, struct err *err) {
    struct str host;
    struct str port;
    if (str_find(address, '/') != address.size) {
        return err_set(err, ERR_INVALID, MSG_DEVICE_ADDRESS_HOST, ARGS(A_STR(address)));
    }
    if (!split(address, &host, &port)) {
        return err_set(err, ERR_INVALID, MSG_DEVICE_ADDRESS_PORT, ARGS(A_STR(address)));
    }
    if (!host_is_good(host)) {
        return err_set(err, ERR_INVALID, MSG_DEVICE_ADDRESS_HOST, ARGS(A_STR(host)));
    }
    return 0;
}

void link_host_init(struct link_host *host, struct str address) {
    struct str name = STR_NONE;
    struct str port = STR_NONE;
    host->address = mem_copy_z(address);
    (void)split(address, &name, &port); // link_check was asked before.
    (void)str_copy_z(name, host->host, sizeof host->host);
    (void)str_copy_z(port, host->port, sizeof host->port);
}

void link_host_fini(struct link_host *host) {
    mem_free(host->address);
    host->address = NULL;
}

int link_host_find(
    const struct link_host *host, int socket_type, struct addrinfo **ret_list, struct err *err) {
    struct addrinfo hints = {.ai_family = AF_UNSPEC,
        .ai_socktype = socket_type,
        .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV};
    int failed = getaddrinfo(host->host, host->port, &hints, ret_list);
    if (failed != 0) {
        hints.ai_flags = AI_NUMERICSERV;
        failed = getaddrinfo(host->host, host->port, &hints, ret_list);
    }
    if (failed != 0) {
        return err_set(err, ERR_UNREACHABLE, MSG_DEVICE_HOST_UNKNOWN, ARGS(A_CSTR(host->host)));
    }
    return 0;
}

int link_host_words(const struct link_host *host, int errno_value, struct err *err) {
    if (errno_value == ECONNREFUSED) {
        return err_set(err, ERR_REFUSED, MSG_DEVICE_CONNECT_REFUSED, ARGS(A_CSTR(host->address)));
    }
    if (errno_value == EHOSTUNREACH || errno_value == ENETUNREACH) {
        return err_set(
            err, ERR_UNREACHABLE, MSG_DEVICE_CONNECT_NO_ROUTE, ARGS(A_CSTR(host->address)));
    }
    return err_set(err, ERR_UNREACHABLE, MSG_DEVICE_CONNECT_UNREACHABLE,
        ARGS(A_CSTR(host->address), A_CSTR(link_errno_name(errno_value))));
}

bool link_host_is_self(int fd) {
    struct sockaddr_storage here = {0};
    struct sockaddr_storage there = {0};
    socklen_t here_size = sizeof here;
    socklen_t there_size = sizeof there;
    return getsockname(fd, (struct sockaddr *)&here, &here_size) == 0 &&
           getpeername(fd, (struct sockaddr *)&there, &there_size) == 0 &&
           here_size == there_size && memcmp(&here, &there, here_size) == 0;
}
