#ifndef DEVICE_HEALTH_H
#define DEVICE_HEALTH_H
/*
 * Health of one device. The link's thread writes at the end of each poll, any thread copies; a lock
 * of its own stands between them and is held for the copy only (docs/THREADS.md). The set owns it.
 */
#include "core/clock.h"
#include "core/thread.h"
#include "device/rtt.h"
#include "model/event.h"

struct health {
    struct mutex lock; // Guards what follows.
    struct device_health values;
    int64_t period_ns;
    int64_t good_mono_ns;   // Of the last good answer; 0: never. Age is not a matter of wall time.
    int64_t percentiles_ns; // Monotonic time at which they were last worked out.
    bool running;
};

/* What one poll (or one failed connection) adds. */
struct health_change {
    enum link_state state; // As the thread sees it: CONNECTING, UP, DOWN.
    bool good;             // At least one fresh good value.
    uint64_t polls;
    uint64_t requests;
    uint64_t failures;
    uint64_t timeouts;
    uint64_t connects;
    uint64_t samples;
    uint64_t overruns;
    uint64_t waits;
    uint64_t unclaimed;
    uint32_t points;
    uint32_t points_bad;
    uint32_t groups;
    uint32_t open_sockets;
    int64_t next_try_ns;
    const struct rtt *rtt;   // Or NULL.
    const struct err *error; // Or NULL: none new.
};

struct health *health_new(uint32_t device);
void health_free(struct health *health);
/* Begins (again) for a device with this period; keeps the counts. */
void health_start(struct health *health, int64_t period_ns, const struct clock *clock);
void health_stop(struct health *health);
void health_add(
    struct health *health, const struct health_change *change, const struct clock *clock);
/* A copy with the state as it is now: UP turns STALE when no fresh value came for two periods. */
bool health_copy(
    struct health *health, const struct clock *clock, struct device_health *ret_health);

#endif
