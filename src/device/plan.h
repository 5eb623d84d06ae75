#ifndef DEVICE_PLAN_H
#define DEVICE_PLAN_H
/*
 * What one link has to collect: its devices with their points, groups and state of each point.
 * Made from the catalogue by the thread that applies it, then given to the link's thread, which
 * owns it from then on.
 */
#include <stdbool.h>
#include <stdint.h>

#include "core/mem.h"
#include "device/driver.h"
#include "device/group.h"
#include "device/health.h"
#include "model/tag.h"

/* A station behind the link. */
struct plan_unit {
    uint32_t number;
    uint32_t first; // Point.
    uint32_t count;
    uint32_t failures;   // Silent so many times in a row.
    int64_t next_try_ns; // Monotonic; while silent.
};

/* The status a point had last; POINT_NEVER before the first result. */
#define POINT_NEVER UINT32_MAX

/* A tag whose source cannot be understood. */
struct plan_broken {
    uint32_t tag;
    enum value_type type;
};

struct device_plan {
    uint32_t number;
    struct str id;
    struct str address;
    int64_t period_ns;
    int64_t phase_ns; // Polls are due at phase + k * period of monotonic time.
    int64_t due_ns;
    const struct driver *driver;
    struct driver_settings settings;
    struct point *points;
    uint32_t *last_status; // Of each point.
    uint64_t *seen;        // Poll number in which the point had its last result.
    uint32_t point_count;
    uint32_t bad_count; // Points whose last status is not good.
    struct plan_unit *units;
    uint32_t unit_count;
    struct plan_broken *broken;
    uint32_t broken_count;
    bool broken_told;
    struct err broken_error; // Words for the first of them.
    struct group_set groups;
    struct rtt rtt;
    struct health *health; // Borrowed from the set.
    uint64_t polls;
    uint64_t overruns;  // Not yet reported.
    uint64_t signature; // Of everything in the catalogue that matters here.
    struct arena arena;
};

struct link_plan {
    char *address;
    const struct driver *driver; // One for all devices.
    int64_t link_options[LINK_OPTION_COUNT];
    struct device_plan **devices;
    uint32_t device_count;
    uint32_t alone; // The number of its only device, where the driver shares no link; else 0.
    int64_t
        session[DRIVER_OPTIONS_MAX]; // Options of the session, as all devices have them; else 0.
    uint64_t signature;
};

/* Whether each device of this driver has a link of its own, whatever its address. */
bool plan_is_alone(const struct driver *driver);
/* The link for a plan: of the address's kind, or the driver's own. */
struct link *plan_link_new(const struct driver *driver, struct str address,
    const int64_t *link_options, const struct clock *clock, int stop_fd);

/* The tags of a catalogue that are collected, sorted by device, so that each plan finds its own at
 * once. Borrows the catalogue. */
struct plan_index {
    const struct tag **tags;
    uint32_t count;
};
void plan_index_init(struct plan_index *index, const struct catalogue *catalogue);
void plan_index_fini(struct plan_index *index);

/* The plan of one device, or NULL with words when its line is wrong. Tags with a wrong source go to
 * `broken`. A plan borrows nothing. */
struct device_plan *device_plan_of(
    const struct plan_index *index, const struct device *device, struct err *err);
/* The same for a single device. */
struct device_plan *device_plan_new(
    const struct catalogue *catalogue, const struct device *device, struct err *err);
void device_plan_free(struct device_plan *plan); // NULL is allowed.
/* A change of health with this state and the plan's own figures. */
struct health_change device_plan_change(const struct device_plan *plan, enum link_state state);

/* An empty plan for the address of its first device. */
struct link_plan *link_plan_new(const struct device_plan *first);
/* Whether the device belongs on this link: one address, and (of one driver) one session. False: it
 * has another link. True with another driver, which link_plan_add refuses with words. */
bool link_plan_fits(const struct link_plan *plan, const struct device_plan *device);
/* Takes the device in, which then belongs to the plan. ERR_CONFLICT when it cannot share. */
int link_plan_add(struct link_plan *plan, struct device_plan *device, struct err *err);
void link_plan_free(struct link_plan *plan); // NULL is allowed.

#endif
