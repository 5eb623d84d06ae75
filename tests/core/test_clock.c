/*
 * The clocks.
 */
#include "core/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void the_system_clock_runs(void **state) {
    (void)state;
    const struct clock *clock = clock_system();
    int64_t wall = clock_wall_ns(clock);
    assert_true(wall > 1600000000 * NS_PER_S);
    int64_t before = clock_mono_ns(clock);
    for (int i = 0; i < 1000; i++) {
        int64_t now = clock_mono_ns(clock);
        assert_true(now >= before);
        before = now;
    }
}

static void the_fake_clock_moves_only_when_moved(void **state) {
    (void)state;
    struct clock_fake fake;
    clock_fake_init(&fake, 1000);
    int64_t mono = clock_mono_ns(&fake.clock);
    assert_true(clock_wall_ns(&fake.clock) == 1000);
    assert_true(clock_wall_ns(&fake.clock) == 1000);
    assert_true(mono > 0);
    clock_fake_advance(&fake, 5 * NS_PER_MS);
    assert_true(clock_wall_ns(&fake.clock) == 1000 + 5 * NS_PER_MS);
    assert_true(clock_mono_ns(&fake.clock) == mono + 5 * NS_PER_MS);
    fake.wall_ns = -7; // A step of the wall clock leaves the monotonic time alone.
    assert_true(clock_wall_ns(&fake.clock) == -7);
    assert_true(clock_mono_ns(&fake.clock) == mono + 5 * NS_PER_MS);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_system_clock_runs),
        cmocka_unit_test(the_fake_clock_moves_only_when_moved),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
