#ifndef DEVICE_POLL_H
#define DEVICE_POLL_H
/*
 * One session with the machine behind a link: connect, poll a device, give its samples to the
 * port. No thread of its own and no waiting between polls, so tests drive it step by step.
 */
#include "core/random.h"
#include "core/thread.h"
#include "device/device.h"
#include "device/io.h"
#include "device/plan.h"

struct poller {
    const struct clock *clock;
    struct stop_flag *stop; // NULL: never.
    struct sample_port port;
    const struct driver *driver;
    struct link *link; // Owned.
    struct driver_io io;
    struct random random;
    struct batch *rows;        // Of the running poll; given on in batches of the port.
    struct point_group *asked; // Scratch: groups of the running call.
    uint32_t *asked_index;     // Their numbers in the device's group set.
    uint8_t *outcomes;         // What became of each.
    uint32_t asked_capacity;
    uint32_t silent_calls; // Calls in a row that no unit answered.
    bool only_unit;        // The link serves a single unit: its silence holds up nobody.
    bool connected;
    int64_t connected_ns;  // Monotonic.
    uint64_t good_answers; // In this session.
};

struct poller_options {
    const struct clock *clock;
    struct stop_flag *stop;
    struct sample_port port;
    uint64_t seed;
    struct link *link; // Given away.
};

void poller_init(
    struct poller *poller, const struct driver *driver, const struct poller_options *options);
void poller_fini(struct poller *poller); // Disconnects.
/* Opens the link and lets the driver shake hands, with the settings of `device`. */
int poller_connect(struct poller *poller, const struct device_plan *device, struct err *err);
void poller_disconnect(struct poller *poller);
/* Asks all that is due of the device and gives the samples on. Negative: the session is lost (the
 * caller disconnects), with words. */
int poller_poll(struct poller *poller, struct device_plan *device, struct err *err);
/* Lets a driver with `receive` take what has come, makes it durable and has it acknowledged.
 * Negative as poller_poll. */
int poller_receive(struct poller *poller, struct device_plan *device, struct err *err);
/* The device cannot be reached: every point gets this status once. */
void poller_mark_bad(struct poller *poller, struct device_plan *device, enum status status);
/* Writes a value through the driver; the poller must be connected. */
int poller_write(struct poller *poller, const struct device_plan *device, const struct point *point,
    const struct sample *value, struct err *err);
/* True when every unit of the device was silent lately. */
bool poller_is_silent(const struct device_plan *device);

#endif
