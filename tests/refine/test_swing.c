/*
 * The swinging door, and what it promises.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/clock.h"
#include "tests/refine/support_refine.h"

enum { POINTS_MAX = 4000 };

struct curve {
    struct sample points[POINTS_MAX];
    int count;
};

static void keep_rows(const struct bench *bench, struct curve *stored) {
    for (uint32_t i = 0; i < bench->batch->count; i++) {
        if ((bench->batch->rows[i].flags & SAMPLE_DROP) == 0) {
            stored->points[stored->count++] = bench->batch->rows[i];
        }
    }
}

static void send(struct bench *bench, int64_t time_ns, double value, struct curve *stored) {
    (void)bench_run_f64(bench, time_ns, value);
    /* What was made is older than the row that came. */
    assert_true(bench->batch->made <= 1);
    if (bench->batch->made == 1 && (bench->batch->rows[0].flags & SAMPLE_DROP) == 0) {
        struct sample swap = bench->batch->rows[0];
        bench->batch->rows[0] = bench->batch->rows[1];
        bench->batch->rows[1] = swap;
    }
    keep_rows(bench, stored);
}

/* The straight line between the stored points around a time. */
static double line_at(const struct curve *stored, int64_t time_ns) {
    for (int i = 0; i < stored->count; i++) {
        const struct sample *b = &stored->points[i];
        if (b->time_ns >= time_ns) {
            if (b->time_ns == time_ns) {
                return b->value.f64;
            }
            assert_true(i > 0);
            const struct sample *a = b - 1;
            double share = (double)(time_ns - a->time_ns) / (double)(b->time_ns - a->time_ns);
            return a->value.f64 + (b->value.f64 - a->value.f64) * share;
        }
    }
    fail_msg("a point behind the last stored one");
    return 0;
}

static double random_of(uint32_t *seed) {
    *seed = *seed * 1664525u + 1013904223u;
    return (double)(*seed >> 8) / (double)(1 << 24);
}

static double shape(int kind, int i, uint32_t *seed, double last) {
    switch (kind) {
    case 0: return last + random_of(seed) - 0.5;               // A walk.
    case 1: return 20 * sin(i * 0.01) + 0.2 * random_of(seed); // A slow wave in noise.
    case 2: return i % 100 < 50 ? 10 : 0;                      // Steps.
    case 3: return 0.37 * i;                                   // A ramp.
    case 4: return random_of(seed) * 100;                      // Noise alone.
    default: return 1e9 + 0.001 * (i % 7) + (i % 301 == 0 ? 500 : 0);
    }
}

/* */
static void every_omitted_point_is_within_the_promised_error(void **state) {
    (void)state;
    static const double ERRORS[] = {0.01, 0.5, 3, 200};
    static struct curve stored;
    static double values[POINTS_MAX];
    static int64_t times[POINTS_MAX];
    int omitted = 0;
    for (int c = 0; c < 24; c++) {
        struct bench bench;
        bench_init(&bench);
        static const char *const RULES[] = {"swing=0.01 swing_s=3600", "swing=0.5 swing_s=40",
            "swing=3 swing_s=86400", "swing=200"};
        bench.tag->refine = str_of(RULES[c % 4]);
        uint32_t seed = (uint32_t)c + 1;
        stored.count = 0;
        int64_t now_ns = 0;
        for (int i = 0; i < 1500; i++) {
            now_ns += (int64_t)((0.05 + random_of(&seed)) * (double)NS_PER_S);
            times[i] = now_ns;
            values[i] = shape(c / 4, i, &seed, i > 0 ? values[i - 1] : 0);
            send(&bench, times[i], values[i], &stored);
        }
        bench_batch(&bench, 0);
        assert_false(refine_flush(bench.refine, bench.batch));
        keep_rows(&bench, &stored);
        assert_int_equal(stored.points[0].time_ns, times[0]);
        assert_int_equal(stored.points[stored.count - 1].time_ns, times[1499]);
        for (int i = 0; i < 1500; i++) {
            double error = fabs(line_at(&stored, times[i]) - values[i]);
            assert_true(error <= ERRORS[c % 4] * (1 + 1e-9) + fabs(values[i]) * 1e-15);
        }
        for (int i = 1; i < stored.count; i++) {
            assert_true(stored.points[i].time_ns > stored.points[i - 1].time_ns);
        }
        assert_int_equal(bench_counts(&bench, STAGE_SWING).omitted, 1500 - stored.count);
        omitted += 1500 - stored.count;
        bench_fini(&bench);
    }
    assert_true(omitted > 10000); // It does omit.
}

static void a_straight_line_is_two_points_and_one_per_silence(void **state) {
    (void)state;
    static struct curve stored;
    stored.count = 0;
    struct bench bench;
    bench_init(&bench);
    bench.tag->refine = STR("swing=0.001 swing_s=100");
    for (int i = 0; i <= 1000; i++) {
        send(&bench, i * NS_PER_S, 2.0 * i, &stored);
    }
    assert_int_equal(stored.count, 11);
    for (int i = 0; i < 11; i++) {
        assert_int_equal(stored.points[i].time_ns, i * 100 * NS_PER_S);
    }
    bench_fini(&bench);
}

static void what_is_held_back_comes_out_by_time_at_the_end_and_when_the_rule_goes(void **state) {
    (void)state;
    struct bench bench;
    bench_init(&bench);
    bench.tag->refine = STR("swing=1 swing_s=10");
    (void)bench_run_f64(&bench, 0, 0);
    assert_int_equal(bench_run_f64(&bench, NS_PER_S, 0.5).flags, SAMPLE_DROP);
    bench_batch(&bench, 0);
    assert_false(refine_tick(bench.refine, 10 * NS_PER_S - 1, bench.batch));
    assert_int_equal(bench.batch->count, 0);
    assert_false(refine_tick(bench.refine, 10 * NS_PER_S, bench.batch));
    assert_int_equal(bench.batch->count, 1);
    assert_true(bench.batch->rows[0].time_ns == NS_PER_S && bench.batch->rows[0].value.f64 == 0.5);
    assert_int_equal(bench_run_f64(&bench, 11 * NS_PER_S - 1, 0.6).flags, SAMPLE_DROP);
    bench_batch(&bench, 0);
    assert_false(refine_flush(bench.refine, bench.batch));
    assert_int_equal(bench.batch->count, 1);
    assert_int_equal(bench_run_f64(&bench, 12 * NS_PER_S, 0.7).flags, SAMPLE_DROP);
    bench.tag->refine = STR_NONE;
    refine_use(bench.refine, bench.catalogue);
    assert_true(refine_ticks(bench.refine));
    bench_batch(&bench, 0);
    assert_false(refine_tick(bench.refine, 12 * NS_PER_S, bench.batch));
    assert_int_equal(bench.batch->count, 1);
    assert_true(bench.batch->rows[0].value.f64 == 0.7);
    refine_use(bench.refine, bench.catalogue);
    assert_false(refine_ticks(bench.refine));
    bench_fini(&bench);
}

static void another_status_and_a_gap_end_the_line(void **state) {
    (void)state;
    struct bench bench;
    bench_init(&bench);
    bench.tag->max = 50;
    bench.tag->refine = STR("swing=100 swing_s=1000 gap=2 period_s=1");
    (void)bench_run_f64(&bench, 0, 49);
    assert_int_equal(bench_run_f64(&bench, NS_PER_S, 49).flags, SAMPLE_DROP);
    assert_int_equal(bench_run_f64(&bench, 2 * NS_PER_S, 51).flags, 0);
    assert_int_equal(bench_made(&bench)->time_ns, NS_PER_S);
    assert_int_equal(bench_run_f64(&bench, 3 * NS_PER_S, 52).flags, SAMPLE_DROP);
    assert_int_equal(bench_run_f64(&bench, 9 * NS_PER_S, 52).flags, 0);
    assert_int_equal(bench.batch->made, 2); // The mark of the gap and what was held back.
    assert_int_equal(bench_run_f64(&bench, 10 * NS_PER_S, 52).flags, SAMPLE_DROP);
    bench_batch(&bench, 0);
    assert_false(refine_tick(bench.refine, 13 * NS_PER_S, bench.batch));
    assert_int_equal(bench.batch->count, 2);
    bench_fini(&bench);
}

/* Stages walk the whole batch one after the other: what one tells another must be of the row. */
static void a_gap_inside_a_batch_ends_the_line_at_its_row(void **state) {
    (void)state;
    static const int64_t SECONDS[] = {0, 1, 2, 9, 10, 11};
    struct bench bench;
    bench_init(&bench);
    bench.tag->refine = STR("swing=100 swing_s=1000 gap=2 period_s=1");
    for (int i = 0; i < 6; i++) {
        (void)bench_f64(&bench, SECONDS[i] * NS_PER_S, i);
    }
    refine_reserve(bench.refine, bench.batch);
    refine_run(bench.refine, bench.batch);
    static const bool OMITTED[] = {false, true, true, false, true, true};
    for (int i = 0; i < 6; i++) {
        assert_int_equal((bench.batch->rows[i].flags & SAMPLE_DROP) != 0, OMITTED[i]);
        assert_int_equal(bench.batch->rows[i].reserved, 0);
    }
    assert_int_equal(bench.batch->made, 2);
    assert_int_equal(bench.batch->rows[6].time_ns, 3 * NS_PER_S); // The mark.
    assert_int_equal(bench.batch->rows[7].time_ns, 2 * NS_PER_S); // Held back till then.
    bench_fini(&bench);
}

static void imports_late_samples_and_corrections_pass(void **state) {
    (void)state;
    struct bench bench;
    bench_init(&bench);
    bench.tag->refine = STR("swing=100");
    (void)bench_run_f64(&bench, 10 * NS_PER_S, 1);
    assert_int_equal(bench_run_f64(&bench, 9 * NS_PER_S, 1).flags, SAMPLE_LATE);
    bench_batch(&bench, 0);
    (void)bench_f64(&bench, 11 * NS_PER_S, 1);
    refine_reserve(bench.refine, bench.batch);
    refine_run(bench.refine, bench.batch);
    assert_int_equal(bench.batch->rows[0].flags, 0);
    bench_fini(&bench);
}

static void it_does_not_go_with_a_dead_band(void **state) {
    (void)state;
    struct tag tag = {
        .name = STR("a"), .type = TYPE_F64, .refine = STR("swing=1"), .dead_band = (double)NAN};
    assert_int_equal(refine_check(&tag, NULL), 0);
    tag.dead_band = 0;
    assert_int_equal(refine_check(&tag, NULL), -ERR_INVALID);
    tag.dead_band = (double)NAN;
    tag.refine = STR("swing_s=5");
    assert_int_equal(refine_check(&tag, NULL), -ERR_INVALID);
}

int main(void) {
    const struct CMUnitTest TESTS[] = {
        cmocka_unit_test(every_omitted_point_is_within_the_promised_error),
        cmocka_unit_test(a_straight_line_is_two_points_and_one_per_silence),
        cmocka_unit_test(what_is_held_back_comes_out_by_time_at_the_end_and_when_the_rule_goes),
        cmocka_unit_test(another_status_and_a_gap_end_the_line),
        cmocka_unit_test(a_gap_inside_a_batch_ends_the_line_at_its_row),
        cmocka_unit_test(imports_late_samples_and_corrections_pass),
        cmocka_unit_test(it_does_not_go_with_a_dead_band),
    };
    return cmocka_run_group_tests(TESTS, NULL, NULL);
}
