/*
 * UDP: "udp:host:port". A send is one datagram, a receive gives one datagram, whole.
 *
 * The socket is connected, so that the system passes on only what this peer sent and an ICMP "port
 * unreachable" (RFC 1122 clause 4.1.3.3) reaches us as an error of the next call: a switched-off
 * service shows at once and not as silence. Opening sends nothing, so a link that is open says
 * nothing about the machine; only an answer does.
 *
 * Each opening takes a fresh local port. What the machine still sends to the old one is answered by
 * the system, and a late answer cannot reach a later session.
 *
 * A datagram longer than the caller's room would be cut by the system without a word; it is no
 * answer to anything we ask and is thrown away whole, as is an empty one. Neither moves the
 * deadline, and a flood of them ends at it. Of a name's addresses the first IPv4 one is taken,
 * since no answer tells us to try the next and controllers speak IPv4; without one, the first.
 */
#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>

#include "core/mem.h"
#include "device/link.h"

struct link_udp {
    struct link link;
    struct link_host host;
};

static int connect_to(struct link_udp *udp, const struct addrinfo *info, struct err *err) {
    udp->link.fd = socket(info->ai_family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (udp->link.fd < 0) {
        return err_set_errno(err, errno, STR("socket"));
    }
    int result = 0;
    if (connect(udp->link.fd, info->ai_addr, info->ai_addrlen) != 0) {
        result = link_host_words(&udp->host, errno, err);
    } else if (link_host_is_self(udp->link.fd)) {
        result =
            err_set(err, ERR_REFUSED, MSG_DEVICE_CONNECT_SELF, ARGS(A_CSTR(udp->host.address)));
    }
    if (result < 0) {
        link_fd_close(&udp->link);
    }
    return result;
}

static int udp_open(struct link *link, int64_t deadline_ns, struct err *err) {
    (void)deadline_ns; // Nothing is waited for.
    struct link_udp *udp = (struct link_udp *)link;
    struct addrinfo *list = NULL;
    int result = link_host_find(&udp->host, SOCK_DGRAM, &list, err);
    if (result < 0) {
        return result;
    }
    const struct addrinfo *best = NULL;
    for (const struct addrinfo *info = list; info != NULL; info = info->ai_next) {
        if (best == NULL || (info->ai_family == AF_INET && best->ai_family != AF_INET)) {
            best = info;
        }
    }
    if (best != NULL) {
        result = connect_to(udp, best, err);
    } else {
        result =
            err_set(err, ERR_UNREACHABLE, MSG_DEVICE_HOST_UNKNOWN, ARGS(A_CSTR(udp->host.host)));
    }
    freeaddrinfo(list);
    return result;
}

/* Whole or not at all; a full socket buffer is waited for. */
static int udp_send(
    struct link *link, const void *data, size_t size, int64_t deadline_ns, struct err *err) {
    for (;;) {
        ssize_t done = send(link->fd, data, size, MSG_NOSIGNAL);
        if (done >= 0) {
            return 0;
        }
        if (errno != EAGAIN && errno != EINTR) {
            return link_fd_broken(errno, err);
        }
        int waited = link_fd_wait(link, POLLOUT, deadline_ns, err);
        if (waited < 0) {
            return waited;
        }
    }
}

static int udp_receive(
    struct link *link, void *data, size_t capacity, int64_t deadline_ns, struct err *err) {
    for (;;) {
        int waited = link_fd_wait(link, POLLIN, deadline_ns, err);
        if (waited < 0) {
            return waited;
        }
        ssize_t got = recv(link->fd, data, capacity, MSG_TRUNC); // The datagram's true size.
        if (got > 0 && (size_t)got <= capacity) {
            return (int)got;
        }
        if (got < 0 && errno != EAGAIN && errno != EINTR) {
            return link_fd_broken(errno, err);
        }
        if (clock_mono_ns(link->clock) >= deadline_ns) {
            return err_set(err, ERR_TIMEOUT, MSG_NONE, NO_ARGS); // The caller knows the words.
        }
    }
}

static void udp_free(struct link *link) {
    struct link_udp *udp = (struct link_udp *)link;
    link_host_fini(&udp->host);
    mem_free(udp);
}

static const struct link_ops udp_ops = {
    .name = "udp",
    .datagram = true,
    .open = udp_open,
    .close = link_fd_close,
    .send = udp_send,
    .receive = udp_receive,
    .free = udp_free,
};

struct link *link_udp_new(struct str address) {
    struct link_udp *udp = MEM_NEW(struct link_udp);
    udp->link.ops = &udp_ops;
    udp->link.fd = -1;
    link_host_init(&udp->host, address);
    return &udp->link;
}
