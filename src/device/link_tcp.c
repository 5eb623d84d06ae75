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
 * Most answers come within milliseconds, so the first receive after a send waits for them in the
 * read itself, up to ANSWER_WAIT_MS: one system call instead of a ppoll and a read. What takes
 * longer is waited for with the stop descriptor in view, as everything else is.
 *
 * A connection to a free port of this machine may by chance meet itself (both ends the same port:
 * RFC 9293 simultaneous open); that is recognised and refused.
 */
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/mem.h"
#include "device/link.h"

enum { ANSWER_WAIT_MS = 20 };

struct link_tcp {
    struct link link;
    struct link_host host;
    uint32_t reads; // Since the last send.
};

static void set_options(int fd) {
    /* Each only tunes; a system that refuses one still works. */
    int one = 1;
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    link_fd_keep_alive(fd);
}

/* Waits for a connect in progress and takes its result. */
static int connect_finish(
    struct link_tcp *tcp, int64_t started_ns, int64_t deadline_ns, struct err *err) {
    int waited = link_fd_wait(&tcp->link, POLLOUT, deadline_ns, err);
    if (waited == -ERR_TIMEOUT) {
        int64_t ms = (clock_mono_ns(tcp->link.clock) - started_ns) / NS_PER_MS;
        return err_set(err, ERR_TIMEOUT, MSG_DEVICE_CONNECT_TIMEOUT,
            ARGS(A_CSTR(tcp->host.address), A_INT(ms)));
    }
    if (waited < 0) {
        return waited;
    }
    int failed = 0;
    socklen_t size = sizeof failed;
    if (getsockopt(tcp->link.fd, SOL_SOCKET, SO_ERROR, &failed, &size) != 0) {
        failed = errno;
    }
    return failed == 0 ? 0 : link_host_words(&tcp->host, failed, err);
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
                                      : link_host_words(&tcp->host, errno, err);
    }
    if (result == 0 && link_host_is_self(tcp->link.fd)) {
        result =
            err_set(err, ERR_REFUSED, MSG_DEVICE_CONNECT_SELF, ARGS(A_CSTR(tcp->host.address)));
    }
    if (result < 0) {
        link_fd_close(&tcp->link);
    }
    return result;
}

/* Reads wait a little from now on; sends never do (MSG_DONTWAIT). Where the system refuses, reads
 * do not wait either and all goes through ppoll. */
static void let_reads_wait(int fd) {
    struct timeval wait = {.tv_usec = ANSWER_WAIT_MS * 1000};
    int flags = fcntl(fd, F_GETFL);
    if (flags >= 0 && setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait) == 0) {
        (void)fcntl(fd, F_SETFL, flags & ~O_NONBLOCK); // Only speed.
    }
}

static int tcp_open(struct link *link, int64_t deadline_ns, struct err *err) {
    struct link_tcp *tcp = (struct link_tcp *)link;
    struct addrinfo *list = NULL;
    int found = link_host_find(&tcp->host, SOCK_STREAM, &list, err);
    if (found < 0) {
        return found;
    }
    int result = -ERR_UNREACHABLE;
    for (const struct addrinfo *info = list; info != NULL; info = info->ai_next) {
        result = connect_one(tcp, info, deadline_ns, err);
        if (result == 0 || result == -ERR_CANCELLED) {
            break;
        }
    }
    freeaddrinfo(list);
    if (result == 0) {
        tcp->reads = 1; // Nothing was asked yet.
        let_reads_wait(tcp->link.fd);
    }
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
    if (tcp->reads++ > 0) {
        int one = 1;
        (void)setsockopt(link->fd, IPPROTO_TCP, TCP_QUICKACK, &one, sizeof one); // Only speed.
    } else if (deadline_ns - clock_mono_ns(link->clock) > ANSWER_WAIT_MS * NS_PER_MS) {
        int got = link_fd_read(link, data, capacity, err);
        if (got != 0) {
            return got;
        }
    }
    return link_fd_receive(link, data, capacity, deadline_ns, err);
}

static void tcp_free(struct link *link) {
    struct link_tcp *tcp = (struct link_tcp *)link;
    link_host_fini(&tcp->host);
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
    link_host_init(&tcp->host, address);
    return &tcp->link;
}
