#ifndef PLANT_CARE_H
#define PLANT_CARE_H
/*
 * What a plant does by itself once in a while: letting samples go that are older than their tag's
 * retention, and computing the quality of the day that ended. Private to the room; one thread of
 * its own.
 */
#include "core/thread.h"
#include "plant/plant.h"

struct care;

/* Starts the thread: a first round after a minute, then one every hour. */
struct care *care_start(struct plant *plant);
void care_stop(struct care *care); // NULL is allowed.

/* The moment before which samples may go: `days` whole days before the start of today in the
 * plant's zone, so that it moves once a day and a day goes as a whole. */
int64_t care_horizon_ns(int64_t now_ns, uint32_t days, const struct zone *zone);
/* One round now. Count of tags whose horizon moved, or negative. `moved` holds one entry for each
 * tag number below `capacity`: the horizon told last. Ends early when `stop` (may be NULL) is
 * raised. */
int care_round(struct plant *plant, int64_t *moved, uint32_t capacity, const struct stop_flag *stop,
    struct err *err);

#endif
