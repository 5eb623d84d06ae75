#ifndef DEVICE_DRIVER_H
#define DEVICE_DRIVER_H
/*
 * The driver contract (docs/ADD_A_DRIVER.md): at most twelve entries. The framework owns socket,
 * deadlines, retry with jitter, grouping of neighbouring addresses and the driver's private
 * memory; a driver only knows bytes. All calls for one link come from that link's thread; a driver
 * has no state outside its private memory and no locks.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/buf.h"
#include "core/err.h"
#include "core/text.h"
#include "model/sample.h"

/* One option of a device line: "unit=1 timeout_ms=1000". */
struct driver_option {
    const char *name;
    const char *help_en;
    const char *help_ko;
    int64_t fallback; // Options are integers or one of `words`.
    int64_t min;
    int64_t max;
    const char *words; // "abcd,cdab": the value is the index; NULL: an integer.
};

enum { DRIVER_OPTIONS_MAX = 16 };

/* Option values in the order of driver->options. */
struct driver_settings {
    int64_t values[DRIVER_OPTIONS_MAX];
};

/* A parsed address. `space`, `unit`, `start`, `length` are what the framework groups by: points of
 * the same (unit, space) lying near each other are read together. `detail` is the driver's own. */
struct point {
    uint32_t tag;    // Number in the catalogue; set by the framework.
    uint32_t space;  // Table or area, in the driver's numbering.
    uint32_t unit;   // Station behind the link (Modbus unit); 0 where there is none.
    uint32_t start;  // First cell (register, bit, byte) in that space.
    uint32_t length; // Cells.
    uint32_t detail[4]; // Format, bit, word order...: the driver's.
    enum value_type natural_type; // What decoding gives before conversion to the tag's type.
    bool writable;
};

/* A run of points read by one request. */
struct point_group {
    uint32_t unit;
    uint32_t space;
    uint32_t start;
    uint32_t length;
    const struct point *points; // Sorted by start.
    uint32_t count;
};

/* What the framework lends a driver for each call. */
struct driver_io;

/* Sends all bytes before the request's deadline. */
int io_send(struct driver_io *io, const void *data, size_t size, struct err *err);
/* Receives exactly `size` bytes before the deadline. ERR_TIMEOUT, ERR_CLOSED. */
int io_receive(struct driver_io *io, void *data, size_t size, struct err *err);
/* Receives at least one and at most `capacity` bytes. Count, or negative. */
int io_receive_some(struct driver_io *io, void *data, size_t capacity, struct err *err);
/* Reads and throws away what is waiting, then waits for `silence_ms` of quiet (serial resync). */
int io_drain(struct driver_io *io, uint32_t silence_ms, struct err *err);
void *io_private(struct driver_io *io);
const struct driver_settings *io_settings(struct driver_io *io);
bool io_is_serial(const struct driver_io *io);
/* Counts a wire request and, on its answer, its round-trip for the percentiles. */
void io_request_sent(struct driver_io *io);
void io_request_answered(struct driver_io *io);

/* Results of read_group, point by point: value and status. The framework stamps time and tag. */
struct point_sink;
void sink_f64(struct point_sink *sink, const struct point *point, double value);
void sink_i64(struct point_sink *sink, const struct point *point, int64_t value);
void sink_bool(struct point_sink *sink, const struct point *point, bool value);
void sink_text(struct point_sink *sink, const struct point *point, struct str value);
/* This point cannot be read now; others can. `what` (may be NULL) says why, in words. */
void sink_bad(struct point_sink *sink, const struct point *point, uint32_t status,
    const struct err *what);

/* How far neighbours may be grouped in one space. */
struct driver_span {
    uint32_t max_length; // Cells a request may ask.
    uint32_t max_gap;    // Unused cells worth reading to save a request.
};

struct driver {
    const char *name;    // Registry name: "modbus".
    const char *help_en; // One paragraph: what it talks to, how an address looks.
    const char *help_ko;
    const struct driver_option *options; // Ends with a NULL name.
    size_t private_bytes;

    /* Parses a tag's source. ERR_INVALID with words that name the faulty part. Pure. */
    int (*parse_address)(struct str source, const struct driver_settings *settings,
        struct point *ret_point, struct err *err);
    /* Grouping limits of a space. Pure. */
    struct driver_span (*span)(const struct driver_settings *settings, uint32_t space);
    /* After the link is connected: handshake; private memory is zeroed. May be NULL. */
    int (*open)(struct driver_io *io, struct err *err);
    /* Reads `count` groups, pipelined where the device allows, and gives each point to the sink.
     * A group that the device refuses marks its own points (sink_bad) and is no failure of the
     * call. Returns negative only when the session is of no more use; then the framework closes
     * the link and reconnects. ERR_TIMEOUT from a unit behind a gateway that leaves the session
     * usable must be handled by the driver (sink_bad with STATUS_BAD_TIMEOUT). */
    int (*read_groups)(struct driver_io *io, const struct point_group *groups, uint32_t count,
        struct point_sink *sink, struct err *err);
    /* Writes one point. NULL: the protocol cannot. */
    int (*write)(struct driver_io *io, const struct point *point, const struct sample *value,
        struct err *err);
    /* Before the link is closed: farewell. May be NULL. */
    void (*close)(struct driver_io *io);
};

/* All drivers of drivers.def. */
const struct driver *driver_find(struct str name); // NULL: unknown.
const struct driver *driver_at(size_t index);      // NULL past the end.

#endif
