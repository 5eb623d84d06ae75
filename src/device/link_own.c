/*
 * The link of a driver that owns its socket or file (a message library, a database client, a
 * folder). It moves no bytes; it exists so that sessions are opened, closed and counted in one way
 * for all. Its descriptor is the driver's, only lent for watching.
 */
#include "core/mem.h"
#include "device/link.h"

static int own_open(struct link *link, int64_t deadline_ns, struct err *err) {
    (void)deadline_ns;
    (void)err;
    link->fd = -1;
    return 0;
}

static void own_close(struct link *link) {
    link->fd = -1;
}

static int own_send(
    struct link *link, const void *data, size_t size, int64_t deadline_ns, struct err *err) {
    (void)link;
    (void)data;
    (void)size;
    (void)deadline_ns;
    return err_set(err, ERR_UNSUPPORTED, MSG_NONE, NO_ARGS);
}

static int own_receive(
    struct link *link, void *data, size_t capacity, int64_t deadline_ns, struct err *err) {
    (void)link;
    (void)data;
    (void)capacity;
    (void)deadline_ns;
    return err_set(err, ERR_UNSUPPORTED, MSG_NONE, NO_ARGS);
}

static void own_free(struct link *link) {
    mem_free(link);
}

static const struct link_ops OWN_OPS = {.name = "own",
    .open = own_open,
    .close = own_close,
    .send = own_send,
    .receive = own_receive,
    .free = own_free};

struct link *link_own_new(const struct clock *clock, int stop_fd) {
    struct link *link = MEM_NEW(struct link);
    *link = (struct link){.ops = &OWN_OPS, .clock = clock, .fd = -1, .stop_fd = stop_fd};
    return link;
}
