#ifndef APP_DEMO_PAST_H
#define APP_DEMO_PAST_H
/*
 * The demo's last hour: the simulated plant is run through it in fast motion before it goes live,
 * so that trends and strips show something from the first minute and go on without a seam. Main
 * thread.
 */
#include "plant/plant.h"
#include "sim/sim.h"

/* A clock that stands in the past until demo_clock_go_live, and is the system's from then on. */
struct demo_clock {
    struct clock clock; // Pass &demo_clock.clock.
    _Atomic int64_t behind_ns;
};

enum { DEMO_PAST_MINUTES = 60 };

void demo_clock_init(struct demo_clock *clock); // DEMO_PAST_MINUTES behind.
void demo_clock_go_live(struct demo_clock *clock);

/* Runs the plant from the clock's past to the present and stores what it gave. The clock is live
 * afterwards, also on failure. */
int demo_past_fill(
    struct plant *plant, struct sim_plant *sim, struct demo_clock *clock, struct err *err);

#endif
