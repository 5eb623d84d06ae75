#ifndef DEVICE_RTT_H
#define DEVICE_RTT_H
/*
 * Percentiles of round-trip times over the last one to two minutes. Two histograms take turns; the
 * older one is forgotten each minute. Plain value; one owner.
 */
#include <stdint.h>

enum { RTT_BUCKETS = 256, RTT_WINDOW_S = 60 };

struct rtt {
    uint32_t counts[2][RTT_BUCKETS];
    int current;
    int64_t turned_ns; // Monotonic time of the last turn.
};

void rtt_add(struct rtt *rtt, int64_t now_ns, int64_t duration_ns);
/* `permille` 500: the median. Microseconds, exact to 1/8; 0 when there is nothing. */
uint32_t rtt_percentile_us(const struct rtt *rtt, uint32_t permille);

#endif
