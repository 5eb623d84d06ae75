/*
 * The driver's window to the link.
 *
 * One read takes all that is there, so a frame costs one wait and one read however many pieces the
 * driver parses it in; what is left stays for the next call. A receive that times out takes
 * nothing, so a driver may look for the rest of a frame later without losing its beginning.
 *
 * The deadline belongs to requests, not to calls: io_request_sent and io_request_answered move it.
 * Bytes that are no answer (noise, a late answer to an older request) do not.
 */
#include "device/io.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "core/check.h"

static int64_t timeout_ns(const struct driver_io *io) {
    return io->settings->link[LINK_TIMEOUT_MS] * NS_PER_MS;
}

void io_begin(struct driver_io *io) {
    io->deadline_ns = clock_mono_ns(io->clock) + timeout_ns(io);
}

static void forget_input(struct driver_io *io) {
    io->in_start = 0;
    io->in_size = 0;
}

void io_reset(struct driver_io *io) {
    forget_input(io);
    io->watch_events = 0;
    io->wake_ns = INT64_MAX;
}

/* Gives a time-out its words; others have them. */
static int no_answer(const struct driver_io *io, int result, struct err *err) {
    if (result == -ERR_TIMEOUT) {
        return err_set(err, ERR_TIMEOUT, MSG_DEVICE_NO_ANSWER,
            ARGS(A_INT(io->settings->link[LINK_TIMEOUT_MS])));
    }
    return result;
}

int io_send(struct driver_io *io, const void *data, size_t size, struct err *err) {
    return no_answer(io, io->link->ops->send(io->link, data, size, io->deadline_ns, err), err);
}

/* Reads once from the link behind what is buffered. What is there already is taken a little after
 * the deadline too (we may have been late ourselves), but whoever never stops sending things that
 * are no answer is timed out like one who is silent. */
static int fill(struct driver_io *io, struct err *err) {
    if (clock_mono_ns(io->clock) > io->deadline_ns + timeout_ns(io)) {
        return no_answer(io, -ERR_TIMEOUT, err);
    }
    if (io->in_start > 0) {
        memmove(io->in, io->in + io->in_start, io->in_size);
        io->in_start = 0;
    }
    int got = io->link->ops->receive(
        io->link, io->in + io->in_size, sizeof io->in - io->in_size, io->deadline_ns, err);
    if (got > 0) {
        io->in_size += (size_t)got;
    }
    return no_answer(io, got, err);
}

static void take(struct driver_io *io, void *data, size_t size) {
    memcpy(data, io->in + io->in_start, size);
    io->in_start += size;
    io->in_size -= size;
    if (io->in_size == 0) {
        io->in_start = 0;
    }
}

int io_receive(struct driver_io *io, void *data, size_t size, struct err *err) {
    CHECK(size <= sizeof io->in);
    while (io->in_size < size) {
        int got = fill(io, err);
        if (got < 0) {
            return got;
        }
    }
    take(io, data, size);
    return 0;
}

int io_receive_some(struct driver_io *io, void *data, size_t capacity, struct err *err) {
    if (io->in_size == 0) {
        int got = fill(io, err);
        if (got < 0) {
            return got;
        }
    }
    size_t size = capacity < io->in_size ? capacity : io->in_size;
    take(io, data, size);
    return (int)size;
}

int io_drain(struct driver_io *io, uint32_t silence_us, struct err *err) {
    forget_input(io);
    /* A line that never falls silent must not hold us for ever. */
    int64_t give_up_ns = clock_mono_ns(io->clock) + timeout_ns(io);
    for (;;) {
        int64_t until_ns = clock_mono_ns(io->clock) + (int64_t)silence_us * NS_PER_US;
        int got = io->link->ops->receive(io->link, io->in, sizeof io->in, until_ns, err);
        if (got == -ERR_TIMEOUT) {
            err_clear(err);
            return 0;
        }
        if (got < 0) {
            return got;
        }
        if (clock_mono_ns(io->clock) > give_up_ns) {
            return 0;
        }
    }
}

void *io_private(struct driver_io *io) {
    return io->private;
}

const struct driver_settings *io_settings(const struct driver_io *io) {
    return io->settings;
}

bool io_is_serial(const struct driver_io *io) {
    return io->link->ops->serial;
}

bool io_is_datagram(const struct driver_io *io) {
    return io->link->ops->datagram;
}

uint32_t io_characters_us(const struct driver_io *io, uint32_t characters_x10) {
    uint64_t ns = (uint64_t)io->link->character_ns * characters_x10 / 10;
    return (uint32_t)((ns + NS_PER_US - 1) / NS_PER_US);
}

int64_t io_request_sent(struct driver_io *io) {
    int64_t now_ns = clock_mono_ns(io->clock);
    io->requests++;
    io->deadline_ns = now_ns + timeout_ns(io);
    return now_ns;
}

void io_request_answered(struct driver_io *io, int64_t stamp) {
    int64_t now_ns = clock_mono_ns(io->clock);
    io->deadline_ns = now_ns + timeout_ns(io);
    io->answered_wall_ns = clock_wall_ns(io->clock);
    if (io->rtt != NULL) {
        rtt_add(io->rtt, now_ns, now_ns - stamp);
    }
}

int io_receive_ready(struct driver_io *io, void *data, size_t capacity, struct err *err) {
    if (io->in_size == 0) {
        int got =
            io->link->ops->receive(io->link, io->in, sizeof io->in, clock_mono_ns(io->clock), err);
        if (got == -ERR_TIMEOUT) {
            err_clear(err);
            return 0;
        }
        if (got < 0) {
            return got;
        }
        io->in_start = 0;
        io->in_size = (size_t)got;
    }
    size_t size = capacity < io->in_size ? capacity : io->in_size;
    take(io, data, size);
    return (int)size;
}

struct str io_device(const struct driver_io *io) {
    return io->device;
}

struct str io_address(const struct driver_io *io) {
    return io->address;
}

void io_ip4_tails(const struct driver_io *io, uint8_t *ret_ours, uint8_t *ret_theirs) {
    struct sockaddr_in ours = {0};
    struct sockaddr_in theirs = {0};
    socklen_t ours_size = sizeof ours;
    socklen_t theirs_size = sizeof theirs;
    *ret_ours = 0;
    *ret_theirs = 0;
    if (getsockname(io->link->fd, (struct sockaddr *)&ours, &ours_size) == 0 &&
        getpeername(io->link->fd, (struct sockaddr *)&theirs, &theirs_size) == 0 &&
        ours.sin_family == AF_INET) {
        *ret_ours = (uint8_t)ntohl(ours.sin_addr.s_addr);
        *ret_theirs = (uint8_t)ntohl(theirs.sin_addr.s_addr);
    }
}

int64_t io_mono_ns(const struct driver_io *io) {
    return clock_mono_ns(io->clock);
}

int64_t io_wall_ns(const struct driver_io *io) {
    return clock_wall_ns(io->clock);
}

int64_t io_deadline_ns(const struct driver_io *io) {
    return io->deadline_ns;
}

int io_stop_fd(const struct driver_io *io) {
    return io->link->stop_fd;
}

int io_wait(struct driver_io *io, int fd, short events, struct err *err) {
    struct pollfd fds[2] = {
        {.fd = fd, .events = events}, {.fd = io->link->stop_fd, .events = POLLIN}};
    for (;;) {
        int64_t left_ns = io->deadline_ns - clock_mono_ns(io->clock);
        left_ns = left_ns > 0 ? left_ns : 0;
        struct timespec timeout = {.tv_sec = left_ns / NS_PER_S, .tv_nsec = left_ns % NS_PER_S};
        int ready = ppoll(fds, 2, &timeout, NULL);
        if (ready > 0 && fds[1].revents != 0) {
            return err_set(err, ERR_CANCELLED, MSG_DEVICE_STOPPING, NO_ARGS);
        }
        if (ready > 0) {
            return 0;
        }
        if (ready == 0) {
            return no_answer(io, -ERR_TIMEOUT, err);
        }
        if (errno != EINTR) {
            return err_set(
                err, ERR_IO, MSG_DEVICE_LINK_BROKEN, ARGS(A_CSTR(link_errno_name(errno))));
        }
    }
}

void io_watch(struct driver_io *io, int fd, short events) {
    io->link->fd = fd;
    io->watch_events = events;
}

void io_wake_at(struct driver_io *io, int64_t mono_ns) {
    io->wake_ns = mono_ns;
}

int io_bookmark_get(struct driver_io *io, struct str key, struct buf *out, struct err *err) {
    if (io->port == NULL || io->port->bookmark_get == NULL) {
        return -(int)ERR_NOT_FOUND;
    }
    return io->port->bookmark_get(io->port->context, io->device, key, out, err);
}

int io_bookmark_put(struct driver_io *io, struct str key, struct str value, struct err *err) {
    if (io->port == NULL || io->port->bookmark_put == NULL) {
        return 0;
    }
    return io->port->bookmark_put(io->port->context, io->device, key, value, err);
}

void io_arrived(struct driver_io *io) {
    int64_t now_ns = clock_wall_ns(io->clock);
    io->answered_wall_ns = now_ns > io->answered_wall_ns ? now_ns : io->answered_wall_ns + 1;
}

void io_unclaimed(struct driver_io *io, uint64_t count) {
    io->unclaimed += count;
}
