/*
 * Round-trip histogram with logarithmic buckets: eight per octave of microseconds, so 256 buckets
 * cover everything up to 71 minutes with an error below 1/8, in 2 KB and without sorting. Below 8
 * us each microsecond has its own bucket.
 */
#include "device/rtt.h"

#include "core/clock.h"

enum { SUB_BITS = 3, SUB = 1 << SUB_BITS };

static uint32_t bucket_of(uint64_t us) {
    if (us < SUB) {
        return (uint32_t)us;
    }
    uint32_t octave = 63u - (uint32_t)__builtin_clzll(us);
    uint32_t sub = (uint32_t)(us >> (octave - SUB_BITS)) & (SUB - 1);
    uint32_t bucket = (octave - SUB_BITS + 1) * SUB + sub;
    return bucket < RTT_BUCKETS ? bucket : RTT_BUCKETS - 1;
}

/* The upper end of a bucket. */
static uint32_t bucket_us(uint32_t bucket) {
    if (bucket < SUB) {
        return bucket;
    }
    uint32_t shift = bucket / SUB - 1;
    uint64_t end = (uint64_t)(SUB + bucket % SUB + 1) << shift;
    return end > UINT32_MAX ? UINT32_MAX : (uint32_t)end;
}

void rtt_add(struct rtt *rtt, int64_t now_ns, int64_t duration_ns) {
    if (now_ns - rtt->turned_ns >= RTT_WINDOW_S * NS_PER_S) {
        rtt->current = 1 - rtt->current;
        rtt->turned_ns = now_ns;
        for (uint32_t i = 0; i < RTT_BUCKETS; i++) {
            rtt->counts[rtt->current][i] = 0;
        }
    }
    uint64_t us = duration_ns > 0 ? (uint64_t)(duration_ns / NS_PER_US) : 0;
    rtt->counts[rtt->current][bucket_of(us)]++;
}

uint32_t rtt_percentile_us(const struct rtt *rtt, uint32_t permille) {
    uint64_t total = 0;
    for (uint32_t i = 0; i < RTT_BUCKETS; i++) {
        total += (uint64_t)rtt->counts[0][i] + rtt->counts[1][i];
    }
    if (total == 0) {
        return 0;
    }
    uint64_t rank = (total * permille + 999) / 1000;
    uint64_t below = 0;
    for (uint32_t i = 0; i < RTT_BUCKETS; i++) {
        below += (uint64_t)rtt->counts[0][i] + rtt->counts[1][i];
        if (below >= rank) {
            return bucket_us(i);
        }
    }
    return bucket_us(RTT_BUCKETS - 1);
}
