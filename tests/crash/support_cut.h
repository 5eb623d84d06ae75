#ifndef TESTS_CRASH_SUPPORT_CUT_H
#define TESTS_CRASH_SUPPORT_CUT_H
/*
 * Cutting a recorded life: a day's work that does everything a history does, and the trial of one
 * state that a cut could leave of it.
 */
#include "support_life.h"

struct place {
    char top[128];
    char live[160]; // Recorded.
    char cut[160];  // What a cut left.
    char again[160];
};
void place_new(struct place *place);
void place_free(struct place *place);

/* Everything that a history does, once or twice, over three openings. Fails the test when something
 * fails, unless a fault struck; then it closes and returns. */
void life_day(struct life *life, const char *dir);
/* One step of it: a append, s seal, m merge, o and c positions of consumers, x and X expiries. */
int life_step(struct life *life, struct historian *historian, char step);
void life_appends(struct life *life, struct historian *historian, uint32_t count);

/* Tells states apart, so that the same one is not opened twice with the same expectations. */
struct seen {
    uint64_t *sums;
    uint32_t count;
    uint32_t capacity;
};
void seen_free(struct seen *seen);

/* Opens what the cut leaves and judges it. */
void cut_try(
    struct life *life, const struct place *place, const struct disk_cut *cut, struct seen *seen);
/* A cut anywhere from operation `from` on. */
void cut_random(struct life *life, uint32_t from, struct random *random, struct disk_cut *ret_cut);
uint64_t cuts_tried(void); // States opened so far by this program.

#endif
