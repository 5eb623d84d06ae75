/*
 * Valid range.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tests/refine/support_refine.h"

/* */
static void a_value_outside_its_range_is_kept_and_marked(void **state) {
    (void)state;
    const double none = (double)NAN;
    const struct {
        double min;
        double max;
        double value;
        bool outside;
    } cases[] = {
        {0, 100, 0, false},
        {0, 100, 100, false},
        {0, 100, nextafter(0, -1), true},
        {0, 100, nextafter(100, 200), true},
        {none, 100, -1e300, false},
        {none, 100, 101, true},
        {0, none, 1e300, false},
        {0, none, -1, true},
        {none, none, 1e300, false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        for (uint32_t source = 0; source <= BENCH_DEVICE; source++) {
            struct bench bench;
            bench_init(&bench);
            bench.tag->min = cases[i].min;
            bench.tag->max = cases[i].max;
            bench_batch(&bench, source);
            struct sample *row = bench_f64(&bench, 1, cases[i].value);
            refine_run(bench.refine, bench.batch);
            assert_true(row->value.f64 == cases[i].value);
            assert_int_equal(row->status, cases[i].outside ? 0x40940000u : 0);
            assert_int_equal(row->flags & SAMPLE_DROP, 0);
            assert_int_equal(bench_counts(&bench, STAGE_RANGE).marked, cases[i].outside);
            bench_fini(&bench);
        }
    }
}

static void the_range_is_in_the_unit_after_scaling(void **state) {
    (void)state;
    struct bench bench;
    bench_init(&bench);
    bench.tag->scale = 0.1;
    bench.tag->max = 100;
    assert_int_equal(bench_run_f64(&bench, 1, 1000).status, 0);
    assert_int_equal(bench_run_f64(&bench, 2, 1001).status, 0x40940000u);
    bench_fini(&bench);
}

static void a_whole_number_has_a_range_too(void **state) {
    (void)state;
    struct bench bench;
    bench_init(&bench);
    bench.tag->type = TYPE_I64;
    bench.tag->min = 0;
    assert_int_equal(bench_run_i64(&bench, 1, -1).status, 0x40940000u);
    assert_int_equal(bench_run_i64(&bench, 2, 0).status, 0);
    bench_fini(&bench);
}

static void what_is_uncertain_already_keeps_its_reason(void **state) {
    (void)state;
    struct bench bench;
    bench_init(&bench);
    bench.tag->max = 1;
    struct sample *row = bench_f64(&bench, 1, 2);
    row->status = (uint32_t)STATUS_UNCERTAIN_LAST_USABLE;
    refine_run(bench.refine, bench.batch);
    assert_int_equal(row->status, (uint32_t)STATUS_UNCERTAIN_LAST_USABLE);
    bench_fini(&bench);
}

static void texts_have_no_range(void **state) {
    (void)state;
    struct bench bench;
    bench_init(&bench);
    bench.tag->type = TYPE_TEXT;
    bench.tag->min = 5;
    struct sample *row = bench_text(&bench, 1, "1");
    refine_run(bench.refine, bench.batch);
    assert_int_equal(row->status, 0);
    bench_fini(&bench);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_value_outside_its_range_is_kept_and_marked),
        cmocka_unit_test(the_range_is_in_the_unit_after_scaling),
        cmocka_unit_test(a_whole_number_has_a_range_too),
        cmocka_unit_test(what_is_uncertain_already_keeps_its_reason),
        cmocka_unit_test(texts_have_no_range),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
