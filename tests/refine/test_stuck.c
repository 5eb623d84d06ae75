/*
 * Stuck values.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/clock.h"
#include "tests/refine/support_refine.h"

enum { CONSTANT = 0x40930700 }; // UncertainSensorNotAccurate, limit bits "constant".

static uint32_t status_at(struct bench *bench, int64_t seconds, double value) {
    return bench_run_f64(bench, seconds * NS_PER_S, value).status;
}

static void longer_than_the_limit_is_marked_and_exactly_the_limit_is_not(void **state) {
    (void)state;
    struct bench bench;
    bench_init(&bench);
    bench.tag->refine = STR("stuck_s=10");
    assert_int_equal(status_at(&bench, 0, 5), 0);
    assert_int_equal(status_at(&bench, 10, 5), 0);
    assert_int_equal(status_at(&bench, 11, 5), CONSTANT);
    assert_int_equal(status_at(&bench, 12, 5), CONSTANT);
    assert_int_equal(status_at(&bench, 13, 5.1), 0);
    assert_int_equal(status_at(&bench, 14, 5), 0); // Counted anew.
    assert_int_equal(status_at(&bench, 24, 5), 0);
    assert_int_equal(status_at(&bench, 25, 5), CONSTANT);
    assert_int_equal(bench_counts(&bench, STAGE_STUCK).marked, 3);
    bench_fini(&bench);
}

static void a_bad_sample_ends_the_run_and_a_late_one_does_not(void **state) {
    (void)state;
    struct bench bench;
    bench_init(&bench);
    bench.tag->refine = STR("stuck_s=10");
    assert_int_equal(status_at(&bench, 0, 5), 0);
    assert_int_equal(status_at(&bench, 5, (double)NAN), (uint32_t)STATUS_BAD_SENSOR_FAILURE);
    assert_int_equal(status_at(&bench, 11, 5), 0);
    assert_int_equal(status_at(&bench, 3, 7), 0); // Late.
    assert_int_equal(status_at(&bench, 22, 5), CONSTANT);
    bench_fini(&bench);
}

static void what_the_store_refused_is_judged_anew(void **state) {
    (void)state;
    struct bench bench;
    bench_init(&bench);
    bench.tag->refine = STR("stuck_s=10");
    assert_int_equal(status_at(&bench, 100, 5), 0);
    struct sample stored = {.tag = 1, .type = TYPE_F64, .time_ns = 50 * NS_PER_S};
    refine_seed(bench.refine, &stored, STR_NONE); // The store refused the one of 100 s.
    assert_int_equal(status_at(&bench, 60, 5), 0);
    assert_int_equal(status_at(&bench, 71, 5), CONSTANT);
    bench_fini(&bench);
}

static void the_words_of_the_status_are_known(void **state) {
    (void)state;
    assert_string_equal(status_name(CONSTANT), "UncertainSensorNotAccurate");
    assert_int_equal(status_quality(CONSTANT), QUALITY_UNCERTAIN);
}

int main(void) {
    const struct CMUnitTest TESTS[] = {
        cmocka_unit_test(longer_than_the_limit_is_marked_and_exactly_the_limit_is_not),
        cmocka_unit_test(a_bad_sample_ends_the_run_and_a_late_one_does_not),
        cmocka_unit_test(what_the_store_refused_is_judged_anew),
        cmocka_unit_test(the_words_of_the_status_are_known),
    };
    return cmocka_run_group_tests(TESTS, NULL, NULL);
}
