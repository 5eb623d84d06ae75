/*
 * Slips of the pen: each kind is found and named with what was meant, and what is usual, known or
 * inside its limits is never asked, for any numbers.
 */
#include "production/suspect.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "core/random.h"
#include "production/amount.h"
#include "production/inspect.h"

#define U ((int64_t)AMOUNT_UNIT)

static struct suspect_past past_of(const int64_t *all, uint32_t count) {
    struct suspect_past past = {.count = count};
    for (uint32_t i = 0; i < count; i++) {
        past.all_u[i] = all[i] * U;
    }
    return past;
}

static const int64_t RECEIPTS[] = {500, 480, 520, 1250, 500, 510, 1250, 1250, 500};
static const int64_t WEIGHTS[] = {86, 86, 85, 86, 87, 86};

static void quantities_are_compared_with_the_past(void **state) {
    (void)state;
    const struct suspect_past past = past_of(RECEIPTS, 9);
    const struct {
        int64_t value;
        enum suspect_kind kind;
        int64_t likely;
    } cases[] = {{500, SUSPECT_NONE, 0}, {900, SUSPECT_NONE, 0}, {300, SUSPECT_NONE, 0},
        {5000, SUSPECT_UNIT, 500}, {500000, SUSPECT_UNIT, 500}, {2150, SUSPECT_SWAPPED, 1250},
        {20, SUSPECT_OUTLIER, 0}, {5, SUSPECT_UNIT, 500}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct suspect found = suspect_amount(cases[i].value * U, &past);
        assert_int_equal(found.kind, cases[i].kind);
        if (cases[i].likely != 0) {
            assert_int_equal(found.likely_u, cases[i].likely * U);
        }
    }
    const struct suspect_past few = past_of(RECEIPTS, SUSPECT_PAST_MIN - 1);
    assert_int_equal(suspect_amount(900000 * U, &few).kind, SUSPECT_NONE);
}

static void counts_are_compared_with_what_should_lie_there(void **state) {
    (void)state;
    assert_int_equal(suspect_expected(100 * U, 100 * U).kind, SUSPECT_NONE);
    assert_int_equal(suspect_expected(92 * U, 100 * U).kind, SUSPECT_NONE);
    assert_int_equal(suspect_expected(0, 100 * U).kind, SUSPECT_NONE);
    assert_int_equal(suspect_expected(1000 * U, 100 * U).kind, SUSPECT_UNIT);
    assert_int_equal(suspect_expected(132 * U, 123 * U).kind, SUSPECT_SWAPPED);
    assert_string_equal(suspect_expected(2204622622, 1000 * U).factor, "2.2046"); // lb for kg
    assert_int_equal(suspect_expected(41 * U, 150 * U).kind, SUSPECT_OUTLIER);
    assert_int_equal(suspect_expected(1 * U, 4 * U).kind, SUSPECT_NONE); // Too little to ask.
}

static void measured_values_are_asked_outside_their_limits_only(void **state) {
    (void)state;
    const struct suspect_band band = {true, true, 85200000, 86800000};
    const struct suspect_past past = past_of(WEIGHTS, 6);
    const struct suspect_past none = {.count = 0};
    assert_int_equal(suspect_measure(86800000, &band, &past).kind, SUSPECT_NONE);
    assert_int_equal(suspect_measure(84900000, &band, &past).kind, SUSPECT_NONE); // Just bad.
    struct suspect unit = suspect_measure(860000000, &band, &none);
    assert_int_equal(unit.kind, SUSPECT_UNIT);
    assert_int_equal(unit.likely_u, 86000000);
    assert_int_equal(suspect_measure(68000000, &band, &none).kind, SUSPECT_SWAPPED); // 86.0
    assert_int_equal(suspect_measure(120000000, &band, &past).kind, SUSPECT_OUTLIER);
    const struct suspect_band dry = {.has_upper = true, .upper_u = 100000};
    const struct suspect_past wet = {.all_u = {42000, 38000, 45000, 51000, 47000}, .count = 5};
    assert_int_equal(suspect_measure(118000, &dry, &wet).kind, SUSPECT_NONE); // Just bad.
    assert_int_equal(suspect_measure(1180000, &dry, &wet).kind, SUSPECT_OUTLIER);
    const struct suspect_band open = {.has_upper = true, .upper_u = 10 * U};
    assert_int_equal(suspect_measure(11 * U, &open, &none).kind, SUSPECT_NONE); // Nobody knows.
}

/* Whatever is typed, nothing inside the limits or typed before is asked, and nothing overflows. */
static void the_usual_is_never_asked(void **state) {
    (void)state;
    struct random random;
    random_seed(&random, 7);
    for (int round = 0; round < 20000; round++) {
        struct suspect_past past = {.count = (uint32_t)(random_u64(&random) % 51)};
        for (uint32_t i = 0; i < past.count; i++) {
            past.all_u[i] = (int64_t)(random_u64(&random) % (uint64_t)AMOUNT_MAX_U) >>
                            (random_u64(&random) % 62);
        }
        int64_t value_u = (int64_t)random_u64(&random) >> (random_u64(&random) % 63);
        value_u = value_u > AMOUNT_MAX_U || value_u < -AMOUNT_MAX_U ? AMOUNT_MAX_U : value_u;
        struct suspect_band band = {true, true, value_u / 2, value_u};
        if (value_u < 0) {
            band = (struct suspect_band){true, true, value_u, value_u / 2};
        }
        assert_int_equal(suspect_measure(value_u, &band, &past).kind, SUSPECT_NONE);
        if (past.count > 0) {
            assert_int_equal(suspect_amount(past.all_u[0], &past).kind, SUSPECT_NONE);
        }
        struct suspect any = suspect_amount(value_u, &past);
        assert_true(any.kind != SUSPECT_UNIT || any.factor != NULL);
        (void)suspect_expected(value_u, past.count > 0 ? past.all_u[0] : 1);
    }
}

/* A value is inside exactly when it is neither below the lower nor above the upper limit, as typed
 * decimals; a limit that is not there lets everything pass. */
static void limits_are_inclusive(void **state) {
    (void)state;
    struct random random;
    random_seed(&random, 11);
    for (int round = 0; round < 20000; round++) {
        int64_t lower = (int64_t)(random_u64(&random) % 2000001) - 1000000;
        int64_t upper = lower + (int64_t)(random_u64(&random) % 1000);
        int64_t value = lower - 2 + (int64_t)(random_u64(&random) % 1005);
        struct inspect_limits limits = {.has_lower = random_u64(&random) % 4 != 0,
            .has_upper = random_u64(&random) % 4 != 0,
            .lower_u = lower,
            .upper_u = upper};
        bool below = limits.has_lower && value < lower;
        bool above = limits.has_upper && value > upper;
        assert_true(inspect_within(&limits, value) == (!below && !above));
        int64_t read_u = 0; // The table keeps doubles: six decimals come back as they were.
        assert_true(inspect_limit((double)lower / U, &read_u));
        assert_int_equal(read_u, lower);
        assert_true(inspect_value_of((double)(float)((double)lower / U), &read_u) || lower != 0);
    }
    int64_t u = 0;
    assert_false(inspect_limit(0.0 / 0.0, &u));
    assert_false(inspect_limit(1e10, &u));
    assert_false(inspect_limit(0.1234567, &u));
    assert_false(inspect_value_of(0.0 / 0.0, &u));
    assert_false(inspect_value_of(1.0 / 0.0, &u));
    assert_true(inspect_value_of((double)0.1F, &u)); // A gauge's float is on its limit.
    assert_int_equal(u, 100000);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(quantities_are_compared_with_the_past),
        cmocka_unit_test(counts_are_compared_with_what_should_lie_there),
        cmocka_unit_test(measured_values_are_asked_outside_their_limits_only),
        cmocka_unit_test(the_usual_is_never_asked),
        cmocka_unit_test(limits_are_inclusive),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
