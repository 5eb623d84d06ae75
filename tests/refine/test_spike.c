/*
 * Spikes by Hampel's identifier, against the same sum done plainly.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tests/refine/support_refine.h"

static bool is_marked(struct bench *bench, int64_t time_ns, double value) {
    return bench_run_f64(bench, time_ns, value).status ==
           (uint32_t)STATUS_UNCERTAIN_SENSOR_NOT_ACCURATE;
}

static void a_spike_in_noise_is_marked_and_the_way_back_is_not(void **state) {
    (void)state;
    static const double NOISE[] = {10.0, 10.2, 9.9, 10.1, 9.8, 10.0, 10.1};
    struct bench bench;
    bench_init(&bench);
    bench.tag->refine = STR("spike=3");
    for (int i = 0; i < 7; i++) {
        assert_false(is_marked(&bench, i, NOISE[i]));
    }
    /* Median 10.0; deviations 0 .2 .1 .1 .2 0 .1: MAD 0.1, so the limit is 0.44478. */
    assert_false(is_marked(&bench, 7, 10.4447));
    assert_true(is_marked(&bench, 8, 11));
    assert_false(is_marked(&bench, 9, 10.0));
    assert_int_equal(bench_counts(&bench, STAGE_SPIKE).marked, 1);
    bench_fini(&bench);
}

static void a_true_step_is_believed_after_half_a_window(void **state) {
    (void)state;
    struct bench bench;
    bench_init(&bench);
    bench.tag->refine = STR("spike=3 spike_window=5 spike_min=0.5");
    for (int i = 0; i < 5; i++) {
        assert_false(is_marked(&bench, i, 1 + 0.01 * i));
    }
    assert_true(is_marked(&bench, 5, 20));
    assert_true(is_marked(&bench, 6, 20));
    int marked = 0;
    for (int i = 7; i < 20; i++) {
        marked += is_marked(&bench, i, 20);
    }
    assert_true(marked <= 1);
    bench_fini(&bench);
}

static void a_signal_that_stands_still_needs_spike_min(void **state) {
    (void)state;
    struct bench bench;
    bench_init(&bench);
    bench.tag->refine = STR("spike=3 spike_window=3");
    for (int i = 0; i < 3; i++) {
        assert_false(is_marked(&bench, i, 4));
    }
    assert_false(is_marked(&bench, 3, 400)); // MAD 0: nothing is known about noise.
    bench.tag->refine = STR("spike=3 spike_window=4 spike_min=1");
    for (int i = 4; i < 8; i++) {
        assert_false(is_marked(&bench, i, 4));
    }
    assert_false(is_marked(&bench, 8, 5));
    assert_true(is_marked(&bench, 9, 5.01));
    bench_fini(&bench);
}

static int compare(const void *a, const void *b) {
    double x = *(const double *)a;
    double y = *(const double *)b;
    return (x > y) - (x < y);
}

static double plain_median(const double *values, int count) {
    double sorted[61];
    for (int i = 0; i < count; i++) {
        sorted[i] = values[i];
    }
    qsort(sorted, (size_t)count, sizeof sorted[0], compare);
    return count % 2 == 1 ? sorted[count / 2] : sorted[count / 2 - 1] / 2 + sorted[count / 2] / 2;
}

/* The definition over the whole history, with the last `window` values before i. */
static bool plain_is_spike(const double *all, int i, int window, double factor) {
    if (i < window) {
        return false;
    }
    double center = plain_median(all + i - window, window);
    double away[61];
    for (int j = 0; j < window; j++) {
        away[j] = fabs(all[i - window + j] - center);
    }
    double limit = factor * 1.4826 * plain_median(away, window);
    return limit > 0 && fabs(all[i] - center) > limit;
}

/* */
static void the_stage_equals_the_definition(void **state) {
    (void)state;
    static const struct {
        const char *rules;
        int window;
    } CASES[] = {{"spike=2.5 spike_window=3", 3}, {"spike=2.5", 7},
        {"spike=2.5 spike_window=10", 10}, {"spike=2.5 spike_window=61", 61}};
    double values[600];
    uint32_t seed = 12345;
    for (int i = 0; i < 600; i++) {
        seed = seed * 1664525u + 1013904223u;
        values[i] = sin(i * 0.05) + (double)(seed >> 16) / 65536.0 + (i % 37 == 0 ? 4 : 0);
    }
    for (size_t c = 0; c < sizeof CASES / sizeof CASES[0]; c++) {
        struct bench bench;
        bench_init(&bench);
        bench.tag->refine = str_of(CASES[c].rules);
        int marked = 0;
        for (int i = 0; i < 600; i++) {
            bool spike = is_marked(&bench, i, values[i]);
            assert_int_equal(spike, plain_is_spike(values, i, CASES[c].window, 2.5));
            marked += spike;
        }
        assert_true(marked > 5 && marked < 300); // The test looks at both answers.
        bench_fini(&bench);
    }
}

int main(void) {
    const struct CMUnitTest TESTS[] = {
        cmocka_unit_test(a_spike_in_noise_is_marked_and_the_way_back_is_not),
        cmocka_unit_test(a_true_step_is_believed_after_half_a_window),
        cmocka_unit_test(a_signal_that_stands_still_needs_spike_min),
        cmocka_unit_test(the_stage_equals_the_definition),
    };
    return cmocka_run_group_tests(TESTS, NULL, NULL);
}
