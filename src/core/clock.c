/*
 * The system clock and the clock of tests.
 *
 * Wall time comes from CLOCK_REALTIME and may step when the machine is synchronised; deadlines and
 * rates use CLOCK_MONOTONIC, which does not. Both are vDSO calls of about 20 ns. The fake clock
 * starts its monotonic time at one hour, so that "long ago" is a positive number in tests too.
 */
#include "core/clock.h"

#include <stddef.h>
#include <time.h>

#include "core/check.h"

static int64_t clock_read(clockid_t id) {
    struct timespec now = {0};
    CHECK(clock_gettime(id, &now) == 0);
    return (int64_t)now.tv_sec * NS_PER_S + now.tv_nsec;
}

static int64_t system_wall_ns(const struct clock *clock) {
    (void)clock; // Stateless.
    return clock_read(CLOCK_REALTIME);
}

static int64_t system_mono_ns(const struct clock *clock) {
    (void)clock; // Stateless.
    return clock_read(CLOCK_MONOTONIC);
}

const struct clock *clock_system(void) {
    static const struct clock system_clock = {.wall_ns = system_wall_ns, .mono_ns = system_mono_ns};
    return &system_clock;
}

static const struct clock_fake *fake_of(const struct clock *clock) {
    _Static_assert(offsetof(struct clock_fake, clock) == 0, "the clock is the first member");
    return (const struct clock_fake *)(const void *)clock;
}

static int64_t fake_wall_ns(const struct clock *clock) {
    return fake_of(clock)->wall_ns;
}

static int64_t fake_mono_ns(const struct clock *clock) {
    return fake_of(clock)->mono_ns;
}

void clock_fake_init(struct clock_fake *fake, int64_t wall_ns) {
    fake->clock = (struct clock){.wall_ns = fake_wall_ns, .mono_ns = fake_mono_ns};
    fake->wall_ns = wall_ns;
    fake->mono_ns = 3600 * NS_PER_S;
}

void clock_fake_advance(struct clock_fake *fake, int64_t duration_ns) {
    CHECK(duration_ns >= 0);
    fake->wall_ns += duration_ns;
    fake->mono_ns += duration_ns;
}
