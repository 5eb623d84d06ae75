/*
 * Rate of change.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/clock.h"
#include "tests/refine/support_refine.h"

static bool is_marked(struct bench *bench, int64_t seconds, double value) {
    struct sample row = bench_run_f64(bench, seconds * NS_PER_S, value);
    assert_true(row.value.f64 == value || isnan(value)); // Only marked.
    return row.status == (uint32_t)STATUS_UNCERTAIN_SENSOR_NOT_ACCURATE;
}

static void begin(struct bench *bench) {
    bench_init(bench);
    bench->tag->refine = STR("rate=2");
}

static void faster_is_marked_and_exactly_as_fast_is_not(void **state) {
    (void)state;
    struct bench bench;
    begin(&bench);
    assert_false(is_marked(&bench, 10, 5));
    assert_false(is_marked(&bench, 11, 7));
    assert_false(is_marked(&bench, 13, 3));
    assert_true(is_marked(&bench, 14, 5.001));
    assert_int_equal(bench_counts(&bench, STAGE_RATE).marked, 1);
    bench_fini(&bench);
}

static void of_a_spike_only_the_spike_is_marked(void **state) {
    (void)state;
    struct bench bench;
    begin(&bench);
    assert_false(is_marked(&bench, 1, 5));
    assert_true(is_marked(&bench, 2, 50));
    assert_false(is_marked(&bench, 3, 6));
    bench_fini(&bench);
}

static void a_true_step_is_believed_after_the_time_it_needs(void **state) {
    (void)state;
    struct bench bench;
    begin(&bench);
    assert_false(is_marked(&bench, 1, 0));
    for (int64_t s = 2; s < 6; s++) {
        assert_true(is_marked(&bench, s, 10));
    }
    assert_false(is_marked(&bench, 6, 10));
    assert_false(is_marked(&bench, 7, 10));
    bench_fini(&bench);
}

static void late_bad_and_repeated_times_are_not_compared(void **state) {
    (void)state;
    struct bench bench;
    begin(&bench);
    assert_false(is_marked(&bench, 10, 5));
    assert_false(is_marked(&bench, 9, 500));          // Late.
    assert_false(is_marked(&bench, 10, 600));         // A new version.
    assert_false(is_marked(&bench, 11, (double)NAN)); // Bad already.
    assert_false(is_marked(&bench, 12, 6));
    bench_fini(&bench);
}

static void after_a_restart_the_stored_value_is_compared_with(void **state) {
    (void)state;
    struct bench bench;
    begin(&bench);
    refine_use(bench.refine, bench.catalogue);
    struct sample newest = {.tag = 1, .type = TYPE_F64, .time_ns = NS_PER_S, .value.f64 = 1};
    refine_seed(bench.refine, &newest, STR_NONE);
    assert_true(is_marked(&bench, 2, 50));
    bench_fini(&bench);
}

int main(void) {
    const struct CMUnitTest TESTS[] = {
        cmocka_unit_test(faster_is_marked_and_exactly_as_fast_is_not),
        cmocka_unit_test(of_a_spike_only_the_spike_is_marked),
        cmocka_unit_test(a_true_step_is_believed_after_the_time_it_needs),
        cmocka_unit_test(late_bad_and_repeated_times_are_not_compared),
        cmocka_unit_test(after_a_restart_the_stored_value_is_compared_with),
    };
    return cmocka_run_group_tests(TESTS, NULL, NULL);
}
