/*
 * TCP: "host:port", "192.168.0.10:502", "[fe80::1]:502".
 *
 * The old connection is always closed before a new one is opened: many controllers serve only one
 * to four, and a client that leaks them locks itself out until a power cycle. Connecting is
 * non-blocking with a deadline; all addresses of a name are tried within it. TCP_NODELAY, because
 * requests are small and waiting for more is waiting for nothing; keep-alive, so that a machine
 * that was switched off is noticed even where nothing is asked for long.
 *
 * A client that waits for several answers must acknowledge the first one at once: a server with
 * Nagle's algorithm on (libmodbus's, and many controllers) holds the second until then, and a
 * delayed acknowledgement takes 40 ms. So from the second receive after a send on, TCP_QUICKACK is
 * set before waiting (it does not last). Requests one at a time never pay for it.
 *
 * A name that is no number is looked up with getaddrinfo, which cannot be given a deadline; only
 * this link's thread waits for it. A connection to a free port of this machine may by chance meet
 * itself (both ends the same port: RFC 9293 simultaneous open); that is recognised and refused.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/mem.h"
#include "device/link.h"

enum {
    KEEPALIVE_IDLE_S = 15,
    KEEPALIVE_INTERVAL_S = 5,
    KEEPALIVE_COUNT = 3,
    HOST_BYTES_MAX = 256, // RFC 1035 clause 2.3.4 allows 255.
    PORT_BYTES_MAX = 6,
    LABEL_BYTES_MAX = 63, // RFC 1035 clause 2.3.4.
};

struct link_tcp {
    struct link link;
    char *address; // As written, for words.
    char host[HOST_BYTES_MAX];
    char port[PORT_BYTES_MAX];
    uint32_t reads; // Since the last send.
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
    if (host.size == 0 || host.size >= HOST_BYTES_MAX || !str_to_u64(port, &number) ||
        number == 0 || number > 65535 || port.size >= PORT_BYTES_MAX) {
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
    char text[HOST_BYTES_MAX];
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

int link_tcp_check(struct str address, struct err *err) {
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

static void set_options(int fd) {
    /* Each only tunes; a system that refuses one still works. */
    int one = 1;
    int idle = KEEPALIVE_IDLE_S;
    int interval = KEEPALIVE_INTERVAL_S;
    int count = KEEPALIVE_COUNT;
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    (void)setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &one, sizeof one);
    (void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof idle);
    (void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &interval, sizeof interval);
    (void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &count, sizeof count);
}

/* True when both ends of the socket are the same. */
static bool is_self(int fd) {
    struct sockaddr_storage here = {0};
    struct sockaddr_storage there = {0};
    socklen_t here_size = sizeof here;
    socklen_t there_size = sizeof there;
    return getsockname(fd, (struct sockaddr *)&here, &here_size) == 0 &&
           getpeername(fd, (struct sockaddr *)&there, &there_size) == 0 &&
           here_size == there_size && memcmp(&here, &there, here_size) == 0;
}

static int connect_words(const struct link_tcp *tcp, int errno_value, struct err *err) {
    if (errno_value == ECONNREFUSED) {
        return err_set(err, ERR_REFUSED, MSG_DEVICE_CONNECT_REFUSED, ARGS(A_CSTR(tcp->address)));
    }
    if (errno_value == EHOSTUNREACH || errno_value == ENETUNREACH) {
        return err_set(
            err, ERR_UNREACHABLE, MSG_DEVICE_CONNECT_NO_ROUTE, ARGS(A_CSTR(tcp->address)));
    }
    return err_set(err, ERR_UNREACHABLE, MSG_DEVICE_CONNECT_UNREACHABLE,
        ARGS(A_CSTR(tcp->address), A_CSTR(link_errno_name(errno_value))));
}

/* Waits for a connect in progress and takes its result. */
static int connect_finish(
    struct link_tcp *tcp, int64_t started_ns, int64_t deadline_ns, struct err *err) {
    int waited = link_fd_wait(&tcp->link, POLLOUT, deadline_ns, err);
    if (waited == -ERR_TIMEOUT) {
        int64_t ms = (clock_mono_ns(tcp->link.clock) - started_ns) / NS_PER_MS;
        return err_set(
            err, ERR_TIMEOUT, MSG_DEVICE_CONNECT_TIMEOUT, ARGS(A_CSTR(tcp->address), A_INT(ms)));
    }
    if (waited < 0) {
        return waited;
    }
    int failed = 0;
    socklen_t size = sizeof failed;
    if (getsockopt(tcp->link.fd, SOL_SOCKET, SO_ERROR, &failed, &size) != 0) {
        failed = errno;
    }
    return failed == 0 ? 0 : connect_words(tcp, failed, err);
}

static int connect_one(
    struct link_tcp *tcp, const struct addrinfo *info, int64_t deadline_ns, struct err *err) {
    tcp->link.fd = socket(info->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (tcp->link.fd < 0) {
        return err_set_errno(err, errno, STR("socket"));
    }
    set_options(tcp->link.fd);
    int64_t started_ns = clock_mono_ns(tcp->link.clock);
    int result = 0;
    if (connect(tcp->link.fd, info->ai_addr, info->ai_addrlen) != 0) {
        result = errno == EINPROGRESS ? connect_finish(tcp, started_ns, deadline_ns, err)
                                      : connect_words(tcp, errno, err);
    }
    if (result == 0 && is_self(tcp->link.fd)) {
        result = err_set(err, ERR_REFUSED, MSG_DEVICE_CONNECT_SELF, ARGS(A_CSTR(tcp->address)));
    }
    if (result < 0) {
        link_fd_close(&tcp->link);
    }
    return result;
}

static int tcp_open(struct link *link, int64_t deadline_ns, struct err *err) {
    struct link_tcp *tcp = (struct link_tcp *)link;
    struct addrinfo hints = {.ai_family = AF_UNSPEC,
        .ai_socktype = SOCK_STREAM,
        .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV};
    struct addrinfo *list = NULL;
    int failed = getaddrinfo(tcp->host, tcp->port, &hints, &list);
    if (failed != 0) {
        hints.ai_flags = AI_NUMERICSERV;
        failed = getaddrinfo(tcp->host, tcp->port, &hints, &list);
    }
    if (failed != 0) {
        return err_set(err, ERR_UNREACHABLE, MSG_DEVICE_HOST_UNKNOWN, ARGS(A_CSTR(tcp->host)));
    }
    int result = -ERR_UNREACHABLE;
    for (const struct addrinfo *info = list; info != NULL; info = info->ai_next) {
        result = connect_one(tcp, info, deadline_ns, err);
        if (result == 0 || result == -ERR_CANCELLED) {
            break;
        }
    }
    freeaddrinfo(list);
    return result;
}

static int tcp_send(
    struct link *link, const void *data, size_t size, int64_t deadline_ns, struct err *err) {
    ((struct link_tcp *)link)->reads = 0;
    return link_fd_send(link, data, size, deadline_ns, err);
}

static int tcp_receive(
    struct link *link, void *data, size_t capacity, int64_t deadline_ns, struct err *err) {
    struct link_tcp *tcp = (struct link_tcp *)link;
    if (tcp->reads > 0) {
        int one = 1;
        (void)setsockopt(link->fd, IPPROTO_TCP, TCP_QUICKACK, &one, sizeof one); // Only speed.
    }
    tcp->reads++;
    return link_fd_receive(link, data, capacity, deadline_ns, err);
}

static void tcp_free(struct link *link) {
    struct link_tcp *tcp = (struct link_tcp *)link;
    mem_free(tcp->address);
    mem_free(tcp);
}

static const struct link_ops tcp_ops = {
    .name = "tcp",
    .open = tcp_open,
    .close = link_fd_close,
    .send = tcp_send,
    .receive = tcp_receive,
    .free = tcp_free,
};

struct link *link_tcp_new(struct str address) {
    struct link_tcp *tcp = MEM_NEW(struct link_tcp);
    tcp->link.ops = &tcp_ops;
    tcp->link.fd = -1;
    tcp->address = mem_copy_z(address);
    struct str host = STR_NONE;
    struct str port = STR_NONE;
    (void)split(address, &host, &port); // link_check was asked before.
    (void)str_copy_z(host, tcp->host, sizeof tcp->host);
    (void)str_copy_z(port, tcp->port, sizeof tcp->port);
    return &tcp->link;
}
