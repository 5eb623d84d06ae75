#ifndef DEVICE_WORKER_H
#define DEVICE_WORKER_H
/*
 * The thread of one link: keeps the session, polls each device when it is due, reconnects with
 * growing delay. Created, re-planned and ended by the device set.
 */
#include "device/device.h"
#include "device/plan.h"

struct worker;

/* Takes the plan (with the devices' health set) and starts the thread. */
struct worker *worker_new(
    struct link_plan *plan, const struct device_set_options *options, uint64_t seed);
/* What the running thread collects; only for the thread that applies plans. */
const char *worker_address(const struct worker *worker);
uint64_t worker_signature(const struct worker *worker);
/* True when this plan can be swapped in without a new link. */
bool worker_can_adopt(const struct worker *worker, const struct link_plan *plan);
/* Gives the thread a new plan; devices that did not change keep what they learned. */
void worker_adopt(struct worker *worker, struct link_plan *plan);
void worker_stop(struct worker *worker); // Asks the thread to end; does not wait.
void worker_free(struct worker *worker); // Waits for its end.

#endif
