#ifndef TESTS_DEVICE_SUPPORT_DEVICE_H
#define TESTS_DEVICE_SUPPORT_DEVICE_H
/*
 * What the tests of the room share: catalogues from a few lines, a port that keeps what it was
 * given, a poller on a link of the test's own, and a TCP server that behaves as told.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <string.h>

#include <cmocka.h>

#include "core/thread.h"
#include "device/device.h"
#include "device/link.h"
#include "device/plan.h"
#include "device/poll.h"

/* A deadline no healthy run comes near. */
#define PATIENCE_NS (20 * NS_PER_S)

struct device_line {
    const char *id;
    const char *driver;
    const char *address;
    const char *options;
    int64_t period_ms;
};
struct tag_line {
    const char *name;
    const char *device;
    const char *source;
};
/* Devices and tags numbered from 1 in the order given; ended by a NULL id and name. */
struct catalogue *make_catalogue(const struct device_line *devices, const struct tag_line *tags);

enum { BOX_TAGS = 2304, BOX_ROWS = 65536, BOX_BOOKMARKS = 96, BOX_BOOKMARK_BYTES = 4097 };
struct box_row {
    struct sample row;
    char text[256];
    int64_t request_ns;
    int64_t reply_ns;
};
/* Keeps every row it is given. Any thread. */
struct box {
    struct mutex lock;
    struct cond changed;
    struct box_row *rows;
    uint32_t count;
    struct box_row last[BOX_TAGS];
    uint32_t counts[BOX_TAGS];
    uint32_t good_counts[BOX_TAGS];
    struct batch *spare;
    bool dry;         // Gives no batches: back-pressure. Refuses durable ones for want of space.
    uint32_t submits; // Durable batches taken.
    char bookmarks[BOX_BOOKMARKS][3][BOX_BOOKMARK_BYTES]; // Device, key, value.
    uint32_t refused;                                     // Batches asked for while dry.
};
void box_init(struct box *box);
void box_fini(struct box *box);
struct sample_port box_port(struct box *box);
/* Waits until the tag's newest row has this status. */
bool box_wait_status(struct box *box, uint32_t tag, enum status status);
/* Waits until `count` more good rows of the tag came than now. */
bool box_wait_good(struct box *box, uint32_t tag, uint32_t count);
/* Waits until a batch was asked for in vain. */
bool box_wait_refused(struct box *box);
struct box_row box_last(struct box *box, uint32_t tag);
uint32_t box_count(struct box *box, uint32_t tag);

/* Waits until the device's health has the state. */
bool wait_state(struct device_set *set, uint32_t device, enum link_state state);
/* English words of an error. Static buffer. */
const char *words_of(const struct err *err);

/* A poller with one device, driven by hand. */
struct rig {
    struct box box;
    struct catalogue *catalogue;
    struct device_plan *plan;
    struct health *health;
    struct poller poller;
    const struct clock *clock;
};
/* `link` NULL: made from the device's address. */
void rig_init(struct rig *rig, const struct device_line *device, const struct tag_line *tags,
    struct link *link);
void rig_fini(struct rig *rig);
int rig_connect(struct rig *rig, struct err *err);
int rig_poll(struct rig *rig, struct err *err);

/* A link whose answers come from a function. */
struct memory_link {
    struct link link;
    /* Called with what was sent; appends the answer to `answer`. */
    void (*respond)(void *context, const uint8_t *data, size_t size, struct buf *answer);
    void *context;
    struct buf answer;
    size_t piece; // At most so many bytes in one receive; 0: all.
    bool closes;  // When the answer is used up, the other side closes instead of being silent.
    uint32_t opens;
    uint32_t sends;
};
struct memory_link *memory_link_new(
    void (*respond)(void *context, const uint8_t *data, size_t size, struct buf *answer),
    void *context);

#endif
