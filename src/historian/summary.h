#ifndef HISTORIAN_SUMMARY_H
#define HISTORIAN_SUMMARY_H
/*
 * Statistics of a set of rows: what blocks and roll-ups keep, and what buckets answer. Sums are
 * kept as an unevaluated pair of doubles (about 106 bits), so that cutting the rows differently
 * gives the same sum. Plain values; any thread.
 */
#include <stdint.h>

#include "historian/rows.h"

struct summary {
    uint64_t count; // Good and uncertain rows, texts too.
    uint64_t bad_count;
    uint64_t number_count; // Those of `count` that are numbers: min, max, sum have this many.
    double min;
    double max;
    double sum;
    double sum_low;
    double first; // NaN for texts.
    double last;
    int64_t first_ns;
    int64_t last_ns;
};

void summary_init(struct summary *summary);
/* Adds rows [from, to) of a run in time order; of several versions of one time the winner only. The
 * run must not cut a group of versions. */
void summary_add(struct summary *summary, const struct run *run, uint32_t from, uint32_t to);
/* Adds `other`, whose rows all lie at other times. */
void summary_merge(struct summary *summary, const struct summary *other);
/* Of versions of one time: does a row with flags `later` outrank one with `earlier`? */
static inline int version_wins(uint8_t later, uint8_t earlier) {
    return (later & SAMPLE_CORRECTION) != 0 || (earlier & SAMPLE_CORRECTION) == 0;
}

#endif
