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

#include <string.h>

#include "core/check.h"

static int64_t timeout_ns(const struct driver_io *io) {
    return io->settings->link[LINK_TIMEOUT_MS] * NS_PER_MS;
}

void io_begin(struct driver_io *io) {
    io->deadline_ns = clock_mono_ns(io->clock) + timeout_ns(io);
}

void io_reset(struct driver_io *io) {
    io->in_start = 0;
    io->in_size = 0;
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

/* Reads once from the link behind what is buffered. */
static int fill(struct driver_io *io, struct err *err) {
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
    io_reset(io);
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
