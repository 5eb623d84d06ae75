#ifndef PLANT_LAG_H
#define PLANT_LAG_H
/*
 * Percentiles of how long batches took from a machine's answer to the disk, since the start: a
 * histogram of eight buckets an octave, so a percentile is exact to 1/8. Private to the room; a
 * plain value with one owner.
 */
#include <stdint.h>

enum { LAG_BUCKETS = 320 }; // Up to 2^40 us; longer ones count as that.

struct lag {
    uint64_t counts[LAG_BUCKETS];
    uint64_t total;
};

void lag_add(struct lag *lag, int64_t duration_ns);
/* `permille` 500: the median. The upper end of its bucket; 0 when there is nothing. */
int64_t lag_percentile_ns(const struct lag *lag, uint32_t permille);

#endif
