/*
 * Increments of counters.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/refine/support_refine.h"

struct step {
    double value;
    double increment; // NaN: none is told.
};

static void run_steps(
    const char *rules, enum value_type type, const struct step *steps, int count) {
    struct bench bench;
    bench_init(&bench);
    bench.tag->kind = KIND_COUNTER;
    bench.tag->type = type;
    bench.catalogue->tags[1].type = type;
    bench.tag->refine = str_of(rules);
    for (int i = 0; i < count; i++) {
        (void)bench_run_f64(&bench, i + 1, steps[i].value);
        const struct sample *made = bench_made(&bench);
        assert_int_equal(made == NULL, isnan(steps[i].increment));
        if (made != NULL) {
            assert_int_equal(made->tag, 2);
            assert_int_equal(made->time_ns, i + 1);
            assert_true(fabs(sample_number(made) - steps[i].increment) < 1e-9);
        }
    }
    bench_fini(&bench);
}

#define NONE_TOLD ((double)NAN)

static void a_rise_is_told_and_a_fall_is_a_reset(void **state) {
    (void)state;
    static const struct step STEPS[] = {{100, NONE_TOLD}, {103, 3}, {103, NONE_TOLD}, {104, 1},
        {2, 2}, {5, 3}, {-1, NONE_TOLD}, {6, 1}, {0, NONE_TOLD}, {1, 1}};
    run_steps("increment=t2", TYPE_I64, STEPS, 10);
    static const struct step REAL[] = {{1.5, NONE_TOLD}, {2.25, 0.75}, {0.5, 0.5}};
    run_steps("increment=t2", TYPE_F64, REAL, 3);
}

static void a_roll_over_goes_on(void **state) {
    (void)state;
    static const struct step STEPS[] = {
        {65530, NONE_TOLD}, {65535, 5}, {4, 5}, {65000, 64996}, {30000, 30536}, {20000, 20000}};
    run_steps("increment=t2 counter_max=65535", TYPE_I64, STEPS, 6);
    run_steps("increment=t2 counter_max=65535", TYPE_F64, STEPS, 6);
}

static void the_sum_of_increments_is_what_the_counter_counted(void **state) {
    (void)state;
    struct bench bench;
    bench_init(&bench);
    bench.tag->kind = KIND_COUNTER;
    bench.tag->type = TYPE_I64;
    bench.catalogue->tags[1].type = TYPE_I64;
    bench.tag->refine = STR("increment=t2 counter_max=255");
    uint32_t seed = 7;
    int64_t total = 0;
    int64_t sum = 0;
    for (int i = 0; i < 5000; i++) {
        seed = seed * 1664525u + 1013904223u;
        total += i == 0 ? 0 : seed >> 26; // 0..63: less than half of the range.
        (void)bench_run_i64(&bench, i + 1, total % 256);
        const struct sample *made = bench_made(&bench);
        sum += made != NULL ? made->value.i64 : 0;
    }
    assert_int_equal(sum, total);
    bench_fini(&bench);
}

static void after_a_refusal_the_increment_is_told_again(void **state) {
    (void)state;
    struct bench bench;
    bench_init(&bench);
    bench.tag->kind = KIND_COUNTER;
    bench.tag->refine = STR("increment=t2");
    (void)bench_run_f64(&bench, 1, 10);
    struct sample stored = bench.batch->rows[0];
    (void)bench_run_f64(&bench, 2, 15);
    assert_true(bench_made(&bench)->value.f64 == 5);
    refine_seed(bench.refine, &stored, STR_NONE); // The store refused the second batch.
    (void)bench_run_f64(&bench, 2, 15);
    assert_true(bench_made(&bench)->value.f64 == 5);
    bench_fini(&bench);
}

static void only_a_counter_of_numbers_has_increments(void **state) {
    (void)state;
    struct tag tag = {.name = STR("a"), .type = TYPE_F64, .refine = STR("increment=b")};
    struct err err = ERR_INIT;
    assert_int_equal(refine_check(&tag, &err), -ERR_INVALID);
    assert_int_equal(err.notes[0].msg, MSG_REFINE_RULE_KIND);
    tag.kind = KIND_COUNTER;
    assert_int_equal(refine_check(&tag, &err), 0);
    tag.type = TYPE_TEXT;
    assert_int_equal(refine_check(&tag, &err), -ERR_INVALID);
    tag.type = TYPE_F64;
    tag.refine = STR("increment=b swing=1");
    tag.dead_band = (double)NAN;
    assert_int_equal(refine_check(&tag, &err), -ERR_INVALID);
    assert_int_equal(err.notes[0].msg, MSG_REFINE_RULE_EXCLUDES);
    tag.refine = STR("counter_max=5"); // For the counted total alone.
    assert_int_equal(refine_check(&tag, &err), 0);
    assert_true(refine_counter_max(&tag) == 5);
    tag.kind = KIND_STATE;
    assert_int_equal(refine_check(&tag, &err), -ERR_INVALID);
}

int main(void) {
    const struct CMUnitTest TESTS[] = {
        cmocka_unit_test(a_rise_is_told_and_a_fall_is_a_reset),
        cmocka_unit_test(a_roll_over_goes_on),
        cmocka_unit_test(the_sum_of_increments_is_what_the_counter_counted),
        cmocka_unit_test(after_a_refusal_the_increment_is_told_again),
        cmocka_unit_test(only_a_counter_of_numbers_has_increments),
    };
    return cmocka_run_group_tests(TESTS, NULL, NULL);
}
