#ifndef DEVICE_DRIVER_H
#define DEVICE_DRIVER_H
/*
 * The driver contract (docs/ADD_A_DRIVER.md): at most twelve functions. The framework owns socket,
 * deadlines, retry with jitter, grouping of neighbouring addresses and the driver's private
 * memory; a driver only knows bytes. All calls for one link come from that link's thread; a driver
 * has no state outside its private memory and no locks.
 *
 * Two kinds of drivers share it. A *polled* one is asked each period and answers for every point.
 * One with `events` gives values when they happen (messages, scans, new rows of a table): a point
 * without a value is not bad, each value may carry its source's own time, and what must not be
 * lost is acknowledged to its sender only after it is durable here.
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
    bool is_text;      // Any text, in `texts`; quoted where it has blanks: query="SELECT 1".
    bool is_secret;    // A text that is stored but never shown again.
    bool is_file;      // A text: a file of this computer (device/files.h).
    bool of_session;   // `open` tells the machine: only devices that agree on it share a link, and
                       // a change of it begins a new session. A number, no text.
};

enum { DRIVER_OPTIONS_MAX = 24 };

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
    int64_t values[DRIVER_OPTIONS_MAX];   // In the order of driver->options.
    struct str texts[DRIVER_OPTIONS_MAX]; // Of text options; empty: not given.
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
    struct str source; // The address as written; set by the framework, lives with the points.
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

/* The device line, for drivers that need more than bytes. */
struct str io_device(const struct driver_io *io);  // Its id.
struct str io_address(const struct driver_io *io); // As written.
/* The last bytes of our own and of the machine's IPv4 address; 0 where there is none. Protocols
 * make station numbers of them (FINS over UDP). */
void io_ip4_tails(const struct driver_io *io, uint8_t *ret_ours, uint8_t *ret_theirs);
int64_t io_mono_ns(const struct driver_io *io);
int64_t io_wall_ns(const struct driver_io *io);
int64_t io_deadline_ns(const struct driver_io *io); // Of the request, monotonic.
/* Readable when the program stops: libraries that wait must watch it, or wait in short slices. */
int io_stop_fd(const struct driver_io *io);
/* Waits until `fd` is ready for `events` of poll(2). ERR_TIMEOUT at the request's deadline,
 * ERR_CANCELLED when stopping. */
int io_wait(struct driver_io *io, int fd, short events, struct err *err);
/* What is there, without waiting: the count, 0 when nothing waits, negative when closed. */
int io_receive_ready(struct driver_io *io, void *data, size_t capacity, struct err *err);
/* For `receive`: the descriptor of a library that owns its socket (-1: none), the events of poll(2)
 * for which receive is to be called, and the monotonic time at which it is to be called at the
 * latest (INT64_MAX: at the next period). Both hold until they are set again or the link closes. */
void io_watch(struct driver_io *io, int fd, short events);
void io_wake_at(struct driver_io *io, int64_t mono_ns);
/* Small durable texts of the device: where a table, a file or a stream was left. get: the value is
 * added to `out`; -ERR_NOT_FOUND without words where there is none. put: durable on return; call it
 * in `acknowledge`. Keys of 1 to 512 bytes, values up to 4,096. An empty value removes the key. */
int io_bookmark_get(struct driver_io *io, struct str key, struct buf *out, struct err *err);
int io_bookmark_put(struct driver_io *io, struct str key, struct str value, struct err *err);
/* What follows came just now: the time of the next values, later than that of any before in this
 * call, so that two messages of one tag never share one. */
void io_arrived(struct driver_io *io);
/* Counts messages or rows that no tag asked for; shown with the device, so nothing is silent. */
void io_unclaimed(struct driver_io *io, uint64_t count);

/* Results of read_groups, point by point: value and status. The framework stamps time and tag. */
struct point_sink;
void sink_f64(struct point_sink *sink, const struct point *point, double value);
void sink_i64(struct point_sink *sink, const struct point *point, int64_t value);
void sink_bool(struct point_sink *sink, const struct point *point, bool value);
void sink_text(struct point_sink *sink, const struct point *point, struct str value);
/* The following values were taken by their source at that time (ns since 1970 UTC); 0: the answer's
 * arrival again. A time that no plant takes (model/sample.h) is not believed: the value is stored
 * with its arrival and STATUS_UNCERTAIN. Ends with the call. */
void sink_time(struct point_sink *sink, int64_t time_ns);
/* And have this status (not good: they keep their values). STATUS_GOOD again ends it. */
void sink_quality(struct point_sink *sink, enum status status);
/* The session is proven alive although there is no value (a ping was answered). */
void sink_alive(struct point_sink *sink);
/* Something came that could not be taken (a row, a file): shown with the device. */
void sink_warn(struct point_sink *sink, const struct err *what);
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

/* What a browse finds. Texts are borrowed for the call. */
struct browse_item {
    struct str source;  // Ready to be a tag's source; of a branch: what to browse under.
    struct str display; // As the machine calls it; may be empty.
    struct str unit;    // May be empty.
    struct str sample;  // A value seen now, as text; may be empty.
    enum value_type type;
    bool is_branch; // Has items of its own and no value.
};
struct browse_list;
/* False: the list is full, end the browse. */
bool browse_add(struct browse_list *list, const struct browse_item *item);

/* The connection doctor's report. `words` says what was found and what to do. */
enum verdict { VERDICT_GOOD = 0, VERDICT_NOTE, VERDICT_BAD };
struct diagnosis;
void diagnosis_add(struct diagnosis *diagnosis, enum verdict verdict, const struct err *words);
/* A reading of the same bytes in another form (word order, scale): the person picks the one that
 * looks right. `source` is the tag's source that gives it. */
void diagnosis_candidate(
    struct diagnosis *diagnosis, struct str source, struct str label, struct str value);

/* An option that people set wrongly and that makes the device refuse the greeting (slot of an S7):
 * the doctor tries these values and names the one that is greeted. */
struct driver_guess {
    uint32_t option;
    uint32_t count;
    int64_t values[8];
};

struct driver {
    const char *name;    // Registry name: "modbus".
    const char *help_en; // One paragraph: what it talks to, how an address looks.
    const char *help_ko;
    const struct driver_option *options; // Ends with a NULL name.
    size_t private_bytes;
    bool events; // Values come when they happen; a point without one is not bad.

    /* Not NULL: the driver (or its library) owns socket or file, and the address is this driver's
     * own (a URL, a folder); link kinds and captures do not apply, io_send and io_receive neither.
     * Such a device, and each one with `receive`, has a link of its own. Pure. */
    int (*check_address)(
        struct str address, const struct driver_settings *settings, struct err *err);
    /* Parses a tag's source. ERR_INVALID with words that name the faulty part. Pure. */
    int (*parse_address)(struct str source, const struct driver_settings *settings,
        struct point *ret_point, struct err *err);
    /* Grouping limits of a space. Pure. With events usually all points lie on one cell (start 0,
     * length 1), so that one group holds them all. */
    struct driver_span (*span)(const struct driver_settings *settings, uint32_t space);
    /* After the link is connected: handshake. May be NULL. What it allocates, `close` frees; when
     * it fails it frees itself. */
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

    /* Instead of read_groups, where data comes unasked: takes what has come, without waiting for
     * more. `all` holds every point of the device. Called once after open, then when the watched
     * descriptor (io_watch; else the link's own) is ready, at io_wake_at, and once a period. Change
     * of the points opens a new session. Only sink_bad of the failures may be used. */
    int (*receive)(struct driver_io *io, const struct point_group *all, struct point_sink *sink,
        struct err *err);
    /* What the last read_groups or receive gave is durable: confirm it to its sender, move the
     * bookmark. Never called for what is not durable; then the session is closed instead, and what
     * was not confirmed is expected again. May be NULL. */
    int (*acknowledge)(struct driver_io *io, struct err *err);
    /* Lists what could be collected, under a branch or (empty) from the top. May be NULL. */
    int (*browse)(
        struct driver_io *io, struct str under, struct browse_list *list, struct err *err);
    /* What only the protocol can find out, in an open session: who answers, which unit, which right
     * is missing; with a point, its readings in other forms. May be NULL. */
    int (*diagnose)(struct driver_io *io, const struct point *point, struct diagnosis *diagnosis,
        struct err *err);
    const struct driver_guess *guess; // May be NULL.
};

/* All drivers of drivers.def. */
const struct driver *driver_find(struct str name); // NULL: unknown.
const struct driver *driver_at(size_t index);      // NULL past the end.

#endif
