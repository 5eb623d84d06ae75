#ifndef CORE_CLOCK_H
#define CORE_CLOCK_H
/*
 * The injected clock. Wall time is nanoseconds since 1970 UTC and may step; monotonic time never
 * goes back. Waiting is done on queues, descriptors and conditions with monotonic deadlines.
 * The system clock may be shared by all threads; the fake clock too (it is atomic).
 */
#include <stdint.h>

struct clock {
    int64_t (*wall_ns)(const struct clock *clock);
    int64_t (*mono_ns)(const struct clock *clock);
};

const struct clock *clock_system(void);

/* A clock for tests: both times stand still until moved. Embed and pass &fake.clock. */
struct clock_fake {
    struct clock clock;
    _Atomic int64_t wall_ns;
    _Atomic int64_t mono_ns;
};
void clock_fake_init(struct clock_fake *fake, int64_t wall_ns);
void clock_fake_advance(struct clock_fake *fake, int64_t duration_ns);

static inline int64_t clock_wall_ns(const struct clock *clock) {
    return clock->wall_ns(clock);
}
static inline int64_t clock_mono_ns(const struct clock *clock) {
    return clock->mono_ns(clock);
}

#define NS_PER_US 1000LL
#define NS_PER_MS 1000000LL
#define NS_PER_S  1000000000LL

#endif
