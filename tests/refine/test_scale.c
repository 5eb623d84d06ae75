/*
 * Scale and unit.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tests/refine/support_refine.h"

static void a_device_value_is_scaled_to_the_unit(void **state) {
    (void)state;
    static const struct {
        double scale;
        double offset;
        double in;
        double out;
    } CASES[] = {
        {1, 0, 21.5, 21.5},
        {0.1, 0, 215, 215 * 0.1},
        {2, -40, 10, -20},
        {-1, 0, 3, -3},
        {1, 5, 3, 8},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        struct bench bench;
        bench_init(&bench);
        bench.tag->scale = CASES[i].scale;
        bench.tag->offset = CASES[i].offset;
        struct sample row = bench_run_f64(&bench, 1, CASES[i].in);
        assert_true(row.value.f64 == CASES[i].out);
        assert_int_equal(row.status, 0);
        assert_int_equal(bench_counts(&bench, STAGE_SCALE).changed, CASES[i].in != CASES[i].out);
        bench_fini(&bench);
    }
}

static void finished_values_are_not_scaled_again(void **state) {
    (void)state;
    struct bench bench;
    bench_init(&bench);
    bench.tag->scale = 10;
    bench_batch(&bench, 0);
    struct sample *row = bench_f64(&bench, 1, 3);
    refine_run(bench.refine, bench.batch);
    assert_true(row->value.f64 == 3);
    bench_fini(&bench);
}

static void a_64_bit_counter_is_scaled_exactly_or_clamped_and_marked(void **state) {
    (void)state;
    static const struct {
        double scale;
        double offset;
        int64_t in;
        int64_t out;
        uint32_t status;
    } CASES[] = {
        {10, 1, 922337203685477579, 9223372036854775791, 0},
        {10, 0, 922337203685477581, INT64_MAX, (uint32_t)STATUS_BAD_OUT_OF_RANGE},
        {-10, 0, 922337203685477581, INT64_MIN, (uint32_t)STATUS_BAD_OUT_OF_RANGE},
        {-1, 0, INT64_MIN, INT64_MAX, (uint32_t)STATUS_BAD_OUT_OF_RANGE},
        {1, 0, INT64_MIN, INT64_MIN, 0},
        {0.5, 0, 4, 2, 0},
        {0.5, 0, 5, 2, (uint32_t)STATUS_BAD_CONFIGURATION},
        {0.5, 0.5, 5, 3, 0},
        {1e300, 0, 5, INT64_MAX, (uint32_t)STATUS_BAD_OUT_OF_RANGE},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        struct bench bench;
        bench_init(&bench);
        bench.tag->type = TYPE_I64;
        bench.tag->scale = CASES[i].scale;
        bench.tag->offset = CASES[i].offset;
        struct sample row = bench_run_i64(&bench, 1, CASES[i].in);
        assert_int_equal(row.value.i64, CASES[i].out);
        assert_int_equal(row.status, CASES[i].status);
        bench_fini(&bench);
    }
}

static void a_scale_that_leaves_the_doubles_is_marked(void **state) {
    (void)state;
    struct bench bench;
    bench_init(&bench);
    bench.tag->scale = 1e300;
    struct sample row = bench_run_f64(&bench, 1, 1e300);
    assert_true(isinf(row.value.f64));
    assert_int_equal(row.status, (uint32_t)STATUS_BAD_OUT_OF_RANGE);
    row = bench_run_f64(&bench, 2, (double)NAN);
    assert_int_equal(row.status, (uint32_t)STATUS_BAD_SENSOR_FAILURE);
    bench_fini(&bench);
}

static void truth_values_and_texts_have_no_scale(void **state) {
    (void)state;
    struct bench bench;
    bench_init(&bench);
    bench.tag->type = TYPE_BOOL;
    bench.tag->scale = 3;
    struct sample row = bench_run_i64(&bench, 1, 1);
    assert_int_equal(row.value.i64, 1);
    bench_fini(&bench);
    bench_init(&bench);
    bench.tag->type = TYPE_TEXT;
    bench.tag->scale = 3;
    struct sample *text = bench_text(&bench, 1, "7");
    refine_run(bench.refine, bench.batch);
    assert_true(str_eq(batch_text(bench.batch, text), STR("7")));
    bench_fini(&bench);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_device_value_is_scaled_to_the_unit),
        cmocka_unit_test(finished_values_are_not_scaled_again),
        cmocka_unit_test(a_64_bit_counter_is_scaled_exactly_or_clamped_and_marked),
        cmocka_unit_test(a_scale_that_leaves_the_doubles_is_marked),
        cmocka_unit_test(truth_values_and_texts_have_no_scale),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
