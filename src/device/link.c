/*
 * Choosing the kind of a link by its address, and what kinds with a descriptor share.
 *
 * Descriptors do not block (a TCP read may for milliseconds); every wait is one ppoll on the
 * descriptor and the stop descriptor with a nanosecond deadline, so a stop is seen at once and a
 * request never outlives its time. A receive waits first and reads then: after a request there is
 * never anything to read yet, and a try before the wait would cost a system call per request for
 * nothing.
 */
#include "device/link.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "core/check.h"
#include "core/mem.h"

enum { KEEPALIVE_IDLE_S = 2, KEEPALIVE_INTERVAL_S = 1, KEEPALIVE_COUNT = 3 };

enum { CAPTURE_PREFIX_BYTES = 8, UDP_PREFIX_BYTES = 4 }; // "capture:", "udp:"

bool link_is_serial(struct str address) {
    return address.size > 0 && address.data[0] == '/';
}

bool link_is_datagram(struct str address) {
    return str_starts(address, STR("udp:"));
}

int link_check(struct str address, struct err *err) {
    if (address.size == 0) {
        return err_set(err, ERR_INVALID, MSG_DEVICE_ADDRESS_EMPTY, NO_ARGS);
    }
    if (link_is_serial(address) || str_starts(address, STR("capture:"))) {
        return 0;
    }
    if (link_is_datagram(address)) {
        return link_host_check(str_slice(address, UDP_PREFIX_BYTES, address.size), err);
    }
    return link_host_check(address, err);
}

struct link *link_new(
    struct str address, const int64_t *options, const struct clock *clock, int stop_fd) {
    struct link *link = NULL;
    if (str_starts(address, STR("capture:"))) {
        link = link_replay_new(str_slice(address, CAPTURE_PREFIX_BYTES, address.size));
    } else if (link_is_serial(address)) {
        link = link_serial_new(address, options);
    } else if (link_is_datagram(address)) {
        link = link_udp_new(str_slice(address, UDP_PREFIX_BYTES, address.size));
    } else {
        link = link_tcp_new(address);
    }
    link->clock = clock;
    link->stop_fd = stop_fd;
    link->fd = -1;
    return link;
}

void link_free(struct link *link) {
    if (link != NULL) {
        link->ops->close(link);
        link->ops->free(link);
    }
}

int link_open(struct link *link, int64_t deadline_ns, struct err *err) {
    CHECK(!link->is_open); // Never two sockets to one device.
    int result = link->ops->open(link, deadline_ns, err);
    link->is_open = result == 0;
    return result;
}

void link_close(struct link *link) {
    link->ops->close(link);
    link->is_open = false;
}

int link_fd_wait(struct link *link, short events, int64_t deadline_ns, struct err *err) {
    struct pollfd fds[2] = {
        {.fd = link->fd, .events = events}, {.fd = link->stop_fd, .events = POLLIN}};
    for (;;) {
        int64_t left_ns = deadline_ns - clock_mono_ns(link->clock);
        if (left_ns < 0) {
            left_ns = 0;
        }
        struct timespec timeout = {.tv_sec = left_ns / NS_PER_S, .tv_nsec = left_ns % NS_PER_S};
        int ready = ppoll(fds, 2, &timeout, NULL);
        if (ready < 0 && errno != EINTR) {
            return err_set_errno(err, errno, STR("poll"));
        }
        if (ready > 0 && fds[1].revents != 0) {
            return err_set(err, ERR_CANCELLED, MSG_DEVICE_STOPPING, NO_ARGS);
        }
        if (ready > 0) {
            return 0;
        }
        if (ready == 0) {
            return err_set(err, ERR_TIMEOUT, MSG_NONE, NO_ARGS); // The caller knows the words.
        }
    }
}

const char *link_errno_name(int errno_value) {
    const char *name = strerrorname_np(errno_value);
    return name != NULL ? name : "?";
}

int link_fd_broken(int errno_value, struct err *err) {
    if (errno_value == ECONNRESET || errno_value == EPIPE) {
        return err_set(err, ERR_CLOSED, MSG_DEVICE_LINK_RESET, NO_ARGS);
    }
    if (errno_value == ETIMEDOUT || errno_value == EHOSTUNREACH || errno_value == ENETUNREACH) {
        return err_set(err, ERR_CLOSED, MSG_DEVICE_LINK_LOST, NO_ARGS);
    }
    if (errno_value == ECONNREFUSED) { // ICMP's answer to a datagram.
        return err_set(err, ERR_CLOSED, MSG_DEVICE_LINK_PORT_CLOSED, NO_ARGS);
    }
    return err_set(
        err, ERR_CLOSED, MSG_DEVICE_LINK_BROKEN, ARGS(A_CSTR(link_errno_name(errno_value))));
}

int link_fd_send(
    struct link *link, const void *data, size_t size, int64_t deadline_ns, struct err *err) {
    const uint8_t *from = data;
    while (size > 0) {
        ssize_t done = link->ops->serial ? write(link->fd, from, size)
                                         : send(link->fd, from, size, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (done > 0) {
            from += done;
            size -= (size_t)done;
            continue;
        }
        if (done < 0 && errno != EAGAIN && errno != EINTR) {
            return link_fd_broken(errno, err);
        }
        int waited = link_fd_wait(link, POLLOUT, deadline_ns, err);
        if (waited < 0) {
            return waited;
        }
    }
    return 0;
}

int link_fd_read(struct link *link, void *data, size_t capacity, struct err *err) {
    ssize_t got = read(link->fd, data, capacity);
    if (got > 0) {
        return (int)got;
    }
    if (got == 0) {
        return err_set(err, ERR_CLOSED, MSG_DEVICE_LINK_CLOSED, NO_ARGS);
    }
    return errno == EAGAIN || errno == EINTR ? 0 : link_fd_broken(errno, err);
}

int link_fd_receive(
    struct link *link, void *data, size_t capacity, int64_t deadline_ns, struct err *err) {
    int got = 0;
    while (got == 0) {
        int waited = link_fd_wait(link, POLLIN, deadline_ns, err);
        if (waited < 0) {
            return waited;
        }
        got = link_fd_read(link, data, capacity, err);
    }
    return got;
}

void link_fd_keep_alive(int fd) {
    /* Each only tunes; a system that refuses one still works. */
    int one = 1;
    int idle = KEEPALIVE_IDLE_S;
    int interval = KEEPALIVE_INTERVAL_S;
    int count = KEEPALIVE_COUNT;
    (void)setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &one, sizeof one);
    (void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof idle);
    (void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &interval, sizeof interval);
    (void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &count, sizeof count);
}

void link_fd_close(struct link *link) {
    if (link->fd >= 0) {
        (void)close(link->fd); // Nothing is written that could be lost.
        link->fd = -1;
    }
}
