/*
 * Dead-band.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "core/clock.h"
#include "tests/refine/support_refine.h"

static bool is_omitted(struct sample row) {
    return (row.flags & SAMPLE_DROP) != 0;
}

struct step {
    double value;
    bool omitted;
};

static void run_steps(double dead_band, const struct step *steps, size_t count) {
    struct bench bench;
    bench_init(&bench);
    bench.tag->dead_band = dead_band;
    uint64_t omitted = 0;
    for (size_t i = 0; i < count; i++) {
        struct sample row = bench_run_f64(&bench, (int64_t)i, steps[i].value);
        assert_int_equal(is_omitted(row), steps[i].omitted);
        omitted += steps[i].omitted;
    }
    assert_int_equal(bench_counts(&bench, STAGE_DEADBAND).omitted, omitted);
    struct stage_counts counts;
    refine_tag_counts(bench.refine, 1, &counts);
    assert_int_equal(counts.omitted, omitted);
    bench_fini(&bench);
}

static void without_a_dead_band_every_sample_is_kept(void **state) {
    (void)state;
    static const struct step STEPS[] = {{1, false}, {1, false}, {1, false}};
    run_steps((double)NAN, STEPS, 3);
}

static void a_dead_band_of_zero_omits_what_did_not_change(void **state) {
    (void)state;
    static const struct step STEPS[] = {
        {1, false}, {1, true}, {1.0000001, false}, {1.0000001, true}, {1, false}};
    run_steps(0, STEPS, 5);
}

static void a_change_of_the_dead_band_is_kept_and_a_smaller_one_omitted(void **state) {
    (void)state;
    static const struct step STEPS[] = {
        {10, false}, {10.4, true}, {9.6, true}, {10.5, false}, {10.1, true}, {10, false}};
    run_steps(0.5, STEPS, sizeof STEPS / sizeof STEPS[0]);
}

static void a_slow_drift_is_kept_when_it_has_summed_up(void **state) {
    (void)state;
    static const struct step STEPS[] = {{0, false}, {0.25, true}, {0.5, true}, {0.75, true},
        {1, false}, {1.25, true}, {1.75, true}, {2, false}};
    run_steps(1, STEPS, sizeof STEPS / sizeof STEPS[0]);
}

static void a_broken_sensor_breaks_through(void **state) {
    (void)state;
    static const struct step STEPS[] = {
        {5, false}, {(double)NAN, false}, {(double)NAN, true}, {5, false}, {5, true}};
    run_steps(100, STEPS, sizeof STEPS / sizeof STEPS[0]);
}

static void another_status_is_always_kept(void **state) {
    (void)state;
    struct bench bench;
    bench_init(&bench);
    bench.tag->dead_band = 100;
    bench.tag->max = 50;
    assert_false(is_omitted(bench_run_f64(&bench, 1, 49)));
    assert_false(is_omitted(bench_run_f64(&bench, 2, 51)));
    assert_true(is_omitted(bench_run_f64(&bench, 3, 52)));
    assert_false(is_omitted(bench_run_f64(&bench, 4, 49)));
    bench_fini(&bench);
}

static void one_sample_per_silence_is_kept(void **state) {
    (void)state;
    static const struct {
        int64_t set_ns;
        int64_t silence_ns;
    } CASES[] = {{0, 600 * NS_PER_S}, {60 * NS_PER_S, 60 * NS_PER_S}};
    for (size_t i = 0; i < 2; i++) {
        struct bench bench;
        bench_init(&bench);
        bench.tag->dead_band = 0;
        bench.tag->max_silence_ns = CASES[i].set_ns;
        assert_false(is_omitted(bench_run_f64(&bench, 1000, 5)));
        assert_true(is_omitted(bench_run_f64(&bench, 1000 + CASES[i].silence_ns - 1, 5)));
        assert_false(is_omitted(bench_run_f64(&bench, 1000 + CASES[i].silence_ns, 5)));
        assert_true(is_omitted(bench_run_f64(&bench, 1001 + CASES[i].silence_ns, 5)));
        assert_false(is_omitted(bench_run_f64(&bench, INT64_MAX, 5)));
        bench_fini(&bench);
    }
}

static void imports_corrections_and_late_rows_are_not_thinned_out(void **state) {
    (void)state;
    struct bench bench;
    bench_init(&bench);
    bench.tag->dead_band = 10;
    assert_false(is_omitted(bench_run_f64(&bench, 1000, 5)));
    bench_batch(&bench, 0);
    struct sample *imported = bench_f64(&bench, 1001, 5);
    refine_run(bench.refine, bench.batch);
    assert_false(is_omitted(*imported));
    bench_batch(&bench, BENCH_DEVICE);
    struct sample *correction = bench_f64(&bench, 1002, 5);
    correction->flags = SAMPLE_CORRECTION;
    refine_run(bench.refine, bench.batch);
    assert_false(is_omitted(*correction));
    assert_false(is_omitted(bench_run_f64(&bench, 999, 5)));
    assert_true(is_omitted(bench_run_f64(&bench, 1003, 6)));
    bench_fini(&bench);
}

static void whole_numbers_far_apart_do_not_wrap(void **state) {
    (void)state;
    struct bench bench;
    bench_init(&bench);
    bench.tag->type = TYPE_I64;
    bench.tag->dead_band = 2;
    assert_false(is_omitted(bench_run_i64(&bench, 1, INT64_MAX)));
    assert_false(is_omitted(bench_run_i64(&bench, 2, INT64_MIN)));
    assert_true(is_omitted(bench_run_i64(&bench, 3, INT64_MIN + 1)));
    assert_false(is_omitted(bench_run_i64(&bench, 4, INT64_MIN + 2)));
    bench_fini(&bench);
}

static void an_unchanged_text_is_omitted(void **state) {
    (void)state;
    struct bench bench;
    bench_init(&bench);
    bench.tag->type = TYPE_TEXT;
    bench.tag->dead_band = 0;
    struct sample *first = bench_text(&bench, 1, "운전");
    struct sample *same = bench_text(&bench, 2, "운전");
    struct sample *other = bench_text(&bench, 3, "정지");
    refine_run(bench.refine, bench.batch);
    assert_false(is_omitted(*first));
    assert_true(is_omitted(*same));
    assert_false(is_omitted(*other));
    bench_fini(&bench);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_a_dead_band_every_sample_is_kept),
        cmocka_unit_test(a_dead_band_of_zero_omits_what_did_not_change),
        cmocka_unit_test(a_change_of_the_dead_band_is_kept_and_a_smaller_one_omitted),
        cmocka_unit_test(a_slow_drift_is_kept_when_it_has_summed_up),
        cmocka_unit_test(a_broken_sensor_breaks_through),
        cmocka_unit_test(another_status_is_always_kept),
        cmocka_unit_test(one_sample_per_silence_is_kept),
        cmocka_unit_test(imports_corrections_and_late_rows_are_not_thinned_out),
        cmocka_unit_test(whole_numbers_far_apart_do_not_wrap),
        cmocka_unit_test(an_unchanged_text_is_omitted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
