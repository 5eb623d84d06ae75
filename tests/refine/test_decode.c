/*
 * Decode: every pair of types, exact and not.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tests/refine/support_refine.h"

static const uint32_t GOOD = 0;
static const uint32_t OUT_OF_RANGE = (uint32_t)STATUS_BAD_OUT_OF_RANGE;
static const uint32_t MISMATCH = (uint32_t)STATUS_BAD_TYPE_MISMATCH;
static const uint32_t SENSOR = (uint32_t)STATUS_BAD_SENSOR_FAILURE;

static void a_double_becomes_a_whole_number_exactly_or_marked(void **state) {
    (void)state;
    const struct {
        double in;
        int64_t out;
        uint32_t status;
    } cases[] = {
        {0, 0, GOOD},
        {-5, -5, GOOD},
        {9007199254740992.0, 9007199254740992, GOOD},
        {9223372036854774784.0, 9223372036854774784, GOOD}, // The last below 2^63.
        {9223372036854775808.0, INT64_MAX, OUT_OF_RANGE},
        {-9223372036854775808.0, INT64_MIN, GOOD},
        {-9223372036854777856.0, INT64_MIN, OUT_OF_RANGE},
        {2.5, 2, OUT_OF_RANGE},
        {-0.75, -1, OUT_OF_RANGE},
        {1e300, INT64_MAX, OUT_OF_RANGE},
        {(double)INFINITY, INT64_MAX, SENSOR},
        {(double)NAN, 0, SENSOR},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct bench bench;
        bench_init(&bench);
        bench.tag->type = TYPE_I64;
        struct sample row = bench_run_f64(&bench, 1, cases[i].in);
        assert_int_equal(row.type, TYPE_I64);
        assert_int_equal(row.value.i64, cases[i].out);
        assert_int_equal(row.status, cases[i].status);
        assert_int_equal(bench_counts(&bench, STAGE_DECODE).changed, 1);
        assert_int_equal(bench_counts(&bench, STAGE_DECODE).marked, cases[i].status != GOOD);
        bench_fini(&bench);
    }
}

static void a_whole_number_becomes_a_double_exactly_or_marked(void **state) {
    (void)state;
    const struct {
        int64_t in;
        double out;
        uint32_t status;
    } cases[] = {
        {-7, -7, GOOD},
        {9007199254740992, 9007199254740992.0, GOOD},
        {9007199254740993, 9007199254740992.0, OUT_OF_RANGE}, // 2^53 + 1.
        {INT64_MIN, -9223372036854775808.0, GOOD},
        {INT64_MAX, 9223372036854775808.0, OUT_OF_RANGE},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct bench bench;
        bench_init(&bench);
        struct sample row = bench_run_i64(&bench, 1, cases[i].in);
        assert_int_equal(row.type, TYPE_F64);
        assert_true(row.value.f64 == cases[i].out);
        assert_int_equal(row.status, cases[i].status);
        bench_fini(&bench);
    }
}

static void only_zero_and_one_are_truth_values(void **state) {
    (void)state;
    const struct {
        enum value_type type;
        double in;
        int64_t out;
        uint32_t status;
    } cases[] = {
        {TYPE_F64, 0, 0, GOOD},
        {TYPE_F64, 1, 1, GOOD},
        {TYPE_F64, 0.5, 0, OUT_OF_RANGE},
        {TYPE_F64, -1, 1, OUT_OF_RANGE},
        {TYPE_I64, 0, 0, GOOD},
        {TYPE_I64, 1, 1, GOOD},
        {TYPE_I64, 2, 1, OUT_OF_RANGE},
        {TYPE_BOOL, 0, 0, GOOD},
        {TYPE_BOOL, 1, 1, GOOD},
        {TYPE_BOOL, 255, 1, OUT_OF_RANGE},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct bench bench;
        bench_init(&bench);
        bench.tag->type = TYPE_BOOL;
        struct sample *row = cases[i].type == TYPE_F64 ? bench_f64(&bench, 1, cases[i].in)
                                                       : bench_i64(&bench, 1, (int64_t)cases[i].in);
        row->type = (uint8_t)cases[i].type;
        refine_run(bench.refine, bench.batch);
        assert_int_equal(row->type, TYPE_BOOL);
        assert_int_equal(row->value.i64, cases[i].out);
        assert_int_equal(row->status, cases[i].status);
        bench_fini(&bench);
    }
}

static void a_number_for_a_text_tag_is_written_out(void **state) {
    (void)state;
    struct bench bench;
    bench_init(&bench);
    bench.tag->type = TYPE_TEXT;
    struct sample *real = bench_f64(&bench, 1, 0.1);
    struct sample *whole = bench_i64(&bench, 2, INT64_MIN);
    struct sample *text = bench_text(&bench, 3, "as it is");
    refine_run(bench.refine, bench.batch);
    assert_true(str_eq(batch_text(bench.batch, real), STR("0.1")));
    assert_true(str_eq(batch_text(bench.batch, whole), STR("-9223372036854775808")));
    assert_true(str_eq(batch_text(bench.batch, text), STR("as it is")));
    assert_int_equal(real->status | whole->status | text->status, GOOD);
    bench_fini(&bench);
}

static void a_number_without_room_for_its_text_is_marked(void **state) {
    (void)state;
    struct bench bench;
    bench_init(&bench);
    bench.tag->type = TYPE_TEXT;
    batch_free(bench.batch);
    bench.batch = batch_new(4, 3);
    bench_batch(&bench, BENCH_DEVICE);
    struct sample *fits = bench_f64(&bench, 1, 125);
    struct sample *fits_not = bench_f64(&bench, 2, 1);
    refine_run(bench.refine, bench.batch);
    assert_true(str_eq(batch_text(bench.batch, fits), STR("125")));
    assert_int_equal(fits_not->type, TYPE_TEXT);
    assert_int_equal(batch_text(bench.batch, fits_not).size, 0);
    assert_int_equal(fits_not->status, (uint32_t)STATUS_BAD_DATA_ENCODING);
    bench_fini(&bench);
}

static void a_text_for_a_number_tag_is_a_mismatch_that_keeps_the_number_in_it(void **state) {
    (void)state;
    static const struct {
        enum value_type type;
        const char *text;
        double value;
    } CASES[] = {
        {TYPE_F64, "12.5", 12.5},
        {TYPE_I64, "12", 12},
        {TYPE_I64, "stopped", 0},
        {TYPE_BOOL, "1", 1},
        {TYPE_BOOL, "on", 0},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        struct bench bench;
        bench_init(&bench);
        bench.tag->type = CASES[i].type;
        struct sample *row = bench_text(&bench, 1, CASES[i].text);
        refine_run(bench.refine, bench.batch);
        assert_int_equal(row->type, CASES[i].type);
        assert_true(sample_number(row) == CASES[i].value);
        assert_int_equal(row->status, MISMATCH);
        bench_fini(&bench);
    }
    struct bench bench;
    bench_init(&bench);
    struct sample *row = bench_text(&bench, 1, "running");
    refine_run(bench.refine, bench.batch);
    assert_true(isnan(row->value.f64));
    bench_fini(&bench);
}

static void nan_from_a_device_is_a_sensor_failure_and_is_kept(void **state) {
    (void)state;
    static const double VALUES[] = {(double)NAN, (double)INFINITY, -(double)INFINITY};
    for (size_t i = 0; i < 3; i++) {
        struct bench bench;
        bench_init(&bench);
        struct sample row = bench_run_f64(&bench, 1, VALUES[i]);
        assert_int_equal(row.status, SENSOR);
        assert_memory_equal(&row.value.f64, &VALUES[i], sizeof row.value.f64);
        bench_batch(&bench, 0);
        struct sample *imported = bench_f64(&bench, 2, VALUES[i]);
        refine_run(bench.refine, bench.batch);
        assert_int_equal(imported->status, GOOD);
        bench_fini(&bench);
    }
}

static void a_bad_status_from_the_device_passes_unchanged(void **state) {
    (void)state;
    struct bench bench;
    bench_init(&bench);
    bench.tag->type = TYPE_I64;
    bench.tag->max = 1;
    struct sample *row = bench_f64(&bench, 1, 2.5);
    row->status = (uint32_t)STATUS_BAD_COMMUNICATION;
    refine_run(bench.refine, bench.batch);
    assert_int_equal(row->status, (uint32_t)STATUS_BAD_COMMUNICATION);
    assert_int_equal(bench_counts(&bench, STAGE_DECODE).marked, 0);
    assert_int_equal(bench_counts(&bench, STAGE_RANGE).marked, 0);
    bench_fini(&bench);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_double_becomes_a_whole_number_exactly_or_marked),
        cmocka_unit_test(a_whole_number_becomes_a_double_exactly_or_marked),
        cmocka_unit_test(only_zero_and_one_are_truth_values),
        cmocka_unit_test(a_number_for_a_text_tag_is_written_out),
        cmocka_unit_test(a_number_without_room_for_its_text_is_marked),
        cmocka_unit_test(a_text_for_a_number_tag_is_a_mismatch_that_keeps_the_number_in_it),
        cmocka_unit_test(nan_from_a_device_is_a_sensor_failure_and_is_kept),
        cmocka_unit_test(a_bad_status_from_the_device_passes_unchanged),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
