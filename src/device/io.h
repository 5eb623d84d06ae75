#ifndef DEVICE_IO_H
#define DEVICE_IO_H
/*
 * What a driver sees of the link (driver.h, io_*): buffered receiving under the deadline of the
 * request, private memory, settings of the device in hand. Owned by the link's thread.
 */
#include "core/clock.h"
#include "device/device.h"
#include "device/driver.h"
#include "device/link.h"
#include "device/rtt.h"

struct driver_io {
    struct link *link;
    const struct clock *clock;
    const struct driver_settings *settings; // Of the device that is polled.
    void *private;
    const struct sample_port *port; // For bookmarks; NULL: there are none.
    struct str device;              // Of the device that is polled.
    struct str address;
    short watch_events; // 0: readable.
    int64_t wake_ns;    // Monotonic; receive is called then.
    uint64_t unclaimed; // Since the last report.
    int64_t deadline_ns;
    int64_t answered_wall_ns; // Wall time of the last answer.
    uint64_t requests;
    struct rtt *rtt; // Where round trips are counted; NULL: nowhere.
    size_t in_start;
    size_t in_size;
    uint8_t in[IO_BUFFER_BYTES];
};

/* Before each call into the driver: fresh deadline. */
void io_begin(struct driver_io *io);
/* After the link was opened or closed: nothing is buffered. */
void io_reset(struct driver_io *io);

#endif
