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

/* Options that every device has, whatever its driver; the framework acts on them. */
enum link_option {
    LINK_TIMEOUT_MS = 0, // For each request.
    LINK_HOLD,           // 0: the connection is released between polls.
    LINK_BAUD,
    LINK_PARITY, // 0 none, 1 even, 2 odd.
    LINK_DATA,
    LINK_STOP,
    LINK_OPTION_COUNT
};

struct driver_settings {
    int64_t values[DRIVER_OPTIONS_MAX]; // In the order of driver->options.
    int64_t link[LINK_OPTION_COUNT];
    bool serial; // The device hangs on a serial line, where every byte costs time.
};

/* A parsed address. `space`, `unit`, `start`, `length` are what the framework groups by: points of
 * the same (unit, space) lying near each other are read together. `detail` is the driver's own. */
struct point {
    uint32_t tag;                 // Number in the catalogue; set by the framework.
    uint32_t space;               // Table or area, in the driver's numbering.
    uint32_t unit;                // Station behind the link (Modbus unit); 0 where there is none.
    uint32_t start;               // First cell (register, bit, byte) in that space.
    uint32_t length;              // Cells.
    uint32_t detail[4];           // Format, bit, word order...: the driver's.
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
/* Receives exactly `size` bytes before the deadline. ERR_TIMEOUT, ERR_CLOSED. On a time-out nothing
 * is taken: what came stays and the next call sees it. At most IO_BUFFER_BYTES. */
int io_receive(struct driver_io *io, void *data, size_t size, struct err *err);
/* Receives at least one and at most `capacity` bytes. Count, or negative. Where io_is_datagram, a
 * call with IO_BUFFER_BYTES of room that follows no half-taken message gives one whole datagram. */
int io_receive_some(struct driver_io *io, void *data, size_t capacity, struct err *err);
/* Reads and throws away what is waiting, then waits for `silence_us` of quiet (serial resync). */
int io_drain(struct driver_io *io, uint32_t silence_us, struct err *err);
enum { IO_BUFFER_BYTES = 4096 };

/* The driver's own memory: zero when the link is made, kept over reconnections. */
void *io_private(struct driver_io *io);
const struct driver_settings *io_settings(const struct driver_io *io);
bool io_is_serial(const struct driver_io *io);
bool io_is_datagram(const struct driver_io *io); // One message a datagram: "udp:host:port".
/* Time that `characters_x10` / 10 characters take on the line (35: the 3.5 of Modbus); 0 on TCP. */
uint32_t io_characters_us(const struct driver_io *io, uint32_t characters_x10);
/* Counts a request that is about to be sent and starts its deadline; returns its stamp. */
int64_t io_request_sent(struct driver_io *io);
/* The answer to the request with that stamp is here: counts its round trip, takes the time that
 * the following sink calls give their values, and starts the deadline of the next in flight. */
void io_request_answered(struct driver_io *io, int64_t stamp);

/* Results of read_groups, point by point: value and status. The framework stamps time and tag. */
struct point_sink;
void sink_f64(struct point_sink *sink, const struct point *point, double value);
void sink_i64(struct point_sink *sink, const struct point *point, int64_t value);
void sink_bool(struct point_sink *sink, const struct point *point, bool value);
void sink_text(struct point_sink *sink, const struct point *point, struct str value);
/* This point cannot be read now; others can. `what` (may be NULL) says why, in words. */
void sink_bad(
    struct point_sink *sink, const struct point *point, enum status status, const struct err *what);
/* Or for a whole group at once: */
/* It could not be read this time (device busy, device failure). */
void sink_group_failed(struct point_sink *sink, const struct point_group *group, enum status status,
    const struct err *what);
/* The device says that this range does not exist as a whole. The framework splits the group, asks
 * the halves, and remembers; a single point that is refused gets STATUS_BAD_CONFIGURATION and is
 * asked again rarely. */
void sink_group_refused(
    struct point_sink *sink, const struct point_group *group, const struct err *what);
/* The unit of these groups gives no answer (STATUS_BAD_TIMEOUT, or the gateway says so), but the
 * session is good for other units. All groups of the call that have no result yet fail with it;
 * the framework asks the unit again with growing delay. */
void sink_unit_silent(struct point_sink *sink, enum status status, const struct err *what);

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
    /* After the link is connected: handshake. May be NULL. */
    int (*open)(struct driver_io *io, struct err *err);
    /* Reads `count` groups of one unit, pipelined where the device allows, and gives each point or
     * group to the sink. Returns negative only when the session is of no more use; then the
     * framework closes the link and reconnects. */
    int (*read_groups)(struct driver_io *io, const struct point_group *groups, uint32_t count,
        struct point_sink *sink, struct err *err);
    /* Writes one point. NULL: the protocol cannot. ERR_DEVICE: refused, session good. */
    int (*write)(struct driver_io *io, const struct point *point, const struct sample *value,
        struct err *err);
    /* Before the link is closed: farewell. May be NULL. */
    void (*close)(struct driver_io *io);
};

/* All drivers of drivers.def. */
const struct driver *driver_find(struct str name); // NULL: unknown.
const struct driver *driver_at(size_t index);      // NULL past the end.

#endif
