/*
 * Exact duplicates.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tests/refine/support_refine.h"

static bool is_omitted(struct sample row) {
    return (row.flags & SAMPLE_DROP) != 0;
}

static void the_same_time_value_and_status_is_omitted_and_counted(void **state) {
    (void)state;
    struct bench bench;
    bench_init(&bench);
    assert_false(is_omitted(bench_run_f64(&bench, 1, 5)));
    assert_true(is_omitted(bench_run_f64(&bench, 1, 5)));
    assert_true(is_omitted(bench_run_f64(&bench, 1, 5)));
    assert_false(is_omitted(bench_run_f64(&bench, 2, 5))); // Another time.
    assert_false(is_omitted(bench_run_f64(&bench, 2, 6))); // Another value.
    bench_batch(&bench, BENCH_DEVICE);
    struct sample *row = bench_f64(&bench, 2, 6);
    row->status = (uint32_t)STATUS_UNCERTAIN;
    refine_run(bench.refine, bench.batch);
    assert_false(is_omitted(*row)); // Another status.
    assert_int_equal(bench_counts(&bench, STAGE_DUPLICATE).omitted, 2);
    struct stage_counts counts;
    refine_tag_counts(bench.refine, 1, &counts);
    assert_int_equal(counts.in, 6);
    assert_int_equal(counts.omitted, 2);
    bench_fini(&bench);
}

static void values_are_compared_by_their_bits(void **state) {
    (void)state;
    struct bench bench;
    bench_init(&bench);
    assert_false(is_omitted(bench_run_f64(&bench, 1, (double)NAN)));
    assert_true(is_omitted(bench_run_f64(&bench, 1, (double)NAN)));
    assert_false(is_omitted(bench_run_f64(&bench, 2, 0.0)));
    assert_false(is_omitted(bench_run_f64(&bench, 2, -0.0)));
    bench_fini(&bench);
}

static void duplicates_within_a_batch_are_found(void **state) {
    (void)state;
    struct bench bench;
    bench_init(&bench);
    bench_batch(&bench, 0);
    struct sample *first = bench_f64(&bench, 1, 5);
    struct sample *second = bench_f64(&bench, 1, 5);
    struct sample *third = bench_f64(&bench, 2, 5);
    refine_run(bench.refine, bench.batch);
    assert_false(is_omitted(*first));
    assert_true(is_omitted(*second));
    assert_false(is_omitted(*third));
    bench_fini(&bench);
}

static void late_rows_are_left_to_the_historian(void **state) {
    (void)state;
    struct bench bench;
    bench_init(&bench);
    (void)bench_run_f64(&bench, 2, 5);
    assert_false(is_omitted(bench_run_f64(&bench, 1, 5)));
    assert_false(is_omitted(bench_run_f64(&bench, 1, 5)));
    assert_true(is_omitted(bench_run_f64(&bench, 2, 5))); // Still remembered.
    bench_fini(&bench);
}

static void a_correction_is_never_a_duplicate(void **state) {
    (void)state;
    struct bench bench;
    bench_init(&bench);
    (void)bench_run_f64(&bench, 1, 5);
    bench_batch(&bench, 0);
    struct sample *row = bench_f64(&bench, 1, 5);
    row->flags = SAMPLE_CORRECTION;
    refine_run(bench.refine, bench.batch);
    assert_false(is_omitted(*row));
    bench_fini(&bench);
}

static void texts_are_compared_whole_and_long_ones_kept(void **state) {
    (void)state;
    char longest[49];
    memset(longest, 'x', 48);
    longest[48] = '\0';
    char too_long[50];
    memset(too_long, 'x', 49);
    too_long[49] = '\0';
    const struct {
        const char *first;
        const char *second;
        bool omitted;
    } cases[] = {
        {"stop", "stop", true},
        {"stop", "stopp", false},
        {"stop", "sto", false},
        {"", "", true},
        {longest, longest, true},
        {too_long, too_long, false},
        {"", too_long, false},
        {too_long, "", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct bench bench;
        bench_init(&bench);
        bench.tag->type = TYPE_TEXT;
        (void)bench_text(&bench, 1, cases[i].first);
        struct sample *second = bench_text(&bench, 1, cases[i].second);
        refine_run(bench.refine, bench.batch);
        assert_int_equal(is_omitted(*second), cases[i].omitted);
        bench_fini(&bench);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_same_time_value_and_status_is_omitted_and_counted),
        cmocka_unit_test(values_are_compared_by_their_bits),
        cmocka_unit_test(duplicates_within_a_batch_are_found),
        cmocka_unit_test(late_rows_are_left_to_the_historian),
        cmocka_unit_test(a_correction_is_never_a_duplicate),
        cmocka_unit_test(texts_are_compared_whole_and_long_ones_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
