#ifndef PLANT_CARE_H
#define PLANT_CARE_H
/*
 * What a plant does by itself once in a while: letting samples go that are older than their tag's
 * retention, and computing the quality of the day that ended. Private to the room; one thread of
 * its own.
 */
#include "core/thread.h"
#include "plant/outlook.h"
#include "plant/plant.h"

struct care;

/* Starts the thread: a first round after a minute, then one every hour. */
struct care *care_start(struct plant *plant);
void care_stop(struct care *care); // NULL is allowed.

/* What the history takes and will take, as of the last look; false: there was none yet. */
bool care_outlook(struct care *care, struct outlook *ret_outlook);

/* Words of the last failure to let old samples go; code ERR_OK: none. Any thread. */
void care_error(struct care *care, struct err *ret_error);
/* Whether the wall clock may decide what is old. A clock that is set years ahead by mistake (a dead
 * battery, a wrong time server) would let everything go at once, and that is not undone by setting
 * it back. So after a leap ahead nothing goes for a day of running; a plant that was off for more
 * than a week waits that day as well, because its clock cannot be told from a wrong one. */
struct care_clock {
    int64_t wall_ns; // At the last look; at first the newest stored sample, or 0.
    int64_t mono_ns; // 0: no look yet.
    int64_t wait_until_mono_ns;
};
bool care_clock_holds(struct care_clock *clock, int64_t wall_ns, int64_t mono_ns);

#endif
