/*
 * A log-linear histogram of microseconds: below 8 us a bucket each, above eight buckets for each
 * power of two. Sorting samples would need memory that grows; a moving window would forget the
 * night before the acceptance test that asks.
 */
#include "plant/lag.h"

#include "core/clock.h"

static uint32_t bucket_of(uint64_t us) {
    if (us < 8) {
        return (uint32_t)us;
    }
    uint32_t octave = 63 - (uint32_t)__builtin_clzll(us); // >= 3
    uint32_t bucket = (octave - 2) * 8 + (uint32_t)((us >> (octave - 3)) & 7);
    return bucket < LAG_BUCKETS ? bucket : LAG_BUCKETS - 1;
}

/* The first microsecond above a bucket. */
static uint64_t end_of(uint32_t bucket) {
    return bucket < 8 ? bucket + 1 : (uint64_t)(8 + (bucket & 7) + 1) << (bucket / 8 - 1);
}

void lag_add(struct lag *lag, int64_t duration_ns) {
    lag->counts[bucket_of(duration_ns > 0 ? (uint64_t)duration_ns / NS_PER_US : 0)]++;
    lag->total++;
}

int64_t lag_percentile_ns(const struct lag *lag, uint32_t permille) {
    uint64_t seen = 0;
    for (uint32_t i = 0; i < LAG_BUCKETS; i++) {
        seen += lag->counts[i];
        if (lag->counts[i] > 0 && seen * 1000 >= lag->total * permille) {
            return (int64_t)end_of(i) * NS_PER_US;
        }
    }
    return 0;
}
