/*
 * Late samples.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tests/refine/support_refine.h"

static void only_what_is_older_than_the_newest_is_late(void **state) {
    (void)state;
    struct bench bench;
    bench_init(&bench);
    static const struct {
        int64_t time_ns;
        bool late;
    } STEPS[] = {{1000, false}, {999, true}, {1000, false}, {1001, false}, {1000, true},
        {INT64_MAX, false}, {INT64_MIN, true}, {INT64_MAX, false}};
    for (size_t i = 0; i < sizeof STEPS / sizeof STEPS[0]; i++) {
        struct sample row = bench_run_f64(&bench, STEPS[i].time_ns, (double)i);
        assert_int_equal((row.flags & SAMPLE_LATE) != 0, STEPS[i].late);
        assert_int_equal(row.flags & SAMPLE_DROP, 0);
        assert_int_equal(row.status, 0);
    }
    assert_int_equal(bench_counts(&bench, STAGE_LATE).marked, 3);
    bench_fini(&bench);
}

static void the_first_sample_of_a_tag_is_never_late(void **state) {
    (void)state;
    struct bench bench;
    bench_init(&bench);
    assert_int_equal(bench_run_f64(&bench, INT64_MIN, 1).flags, 0);
    bench_fini(&bench);
}

static void lateness_is_of_the_tag_alone(void **state) {
    (void)state;
    struct bench bench;
    bench_init(&bench);
    (void)bench_f64(&bench, 1000, 1);
    struct sample *other = bench_f64(&bench, 500, 1);
    other->tag = 2;
    struct sample *same = bench_f64(&bench, 500, 1);
    refine_run(bench.refine, bench.batch);
    assert_int_equal(other->flags & SAMPLE_LATE, 0);
    assert_int_equal(same->flags & SAMPLE_LATE, SAMPLE_LATE);
    bench_fini(&bench);
}

static void beyond_the_limit_a_device_value_is_uncertain(void **state) {
    (void)state;
    static const struct {
        uint32_t source;
        int64_t limit_ns;
        int64_t time_ns;
        uint32_t status;
    } CASES[] = {
        {BENCH_DEVICE, 10, 990, 0},
        {BENCH_DEVICE, 10, 989, (uint32_t)STATUS_UNCERTAIN},
        {BENCH_DEVICE, 0, INT64_MIN, 0},
        {BENCH_DEVICE, INT64_MAX, INT64_MIN, (uint32_t)STATUS_UNCERTAIN},
        {0, 10, 1, 0},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        struct bench bench;
        bench_init(&bench);
        bench.tag->late_limit_ns = CASES[i].limit_ns;
        (void)bench_run_f64(&bench, 1000, 1);
        bench_batch(&bench, CASES[i].source);
        struct sample *row = bench_f64(&bench, CASES[i].time_ns, 2);
        refine_run(bench.refine, bench.batch);
        assert_int_equal(row->status, CASES[i].status);
        assert_int_equal(row->flags, SAMPLE_LATE);
        bench_fini(&bench);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_what_is_older_than_the_newest_is_late),
        cmocka_unit_test(the_first_sample_of_a_tag_is_never_late),
        cmocka_unit_test(lateness_is_of_the_tag_alone),
        cmocka_unit_test(beyond_the_limit_a_device_value_is_uncertain),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
