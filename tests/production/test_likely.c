/*
 * The five likeliest reasons of a stop.
 */
#include "production/likely.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define DAY 86400000000000LL
#define NOW (1000 * DAY)

static void often_and_lately_comes_first(void **state) {
    (void)state;
    const struct likely_stop past[] = {
        {NOW - 1 * DAY, 3, true},
        {NOW - 2 * DAY, 7, true},
        {NOW - 3 * DAY, 7, true},
        {NOW - 200 * DAY, 9, true},
        {NOW - 201 * DAY, 9, true},
        {NOW - 202 * DAY, 9, true},
    };
    int64_t reasons[LIKELY_MAX];
    assert_int_equal(likely_reasons(past, 6, NOW, reasons), 3);
    assert_int_equal(reasons[0], 7);
    assert_int_equal(reasons[1], 3);
    assert_int_equal(reasons[2], 9);
}

static void the_own_machine_weighs_five_times_as_much(void **state) {
    (void)state;
    const struct likely_stop past[] = {{NOW - DAY, 1, false}, {NOW - DAY, 1, false},
        {NOW - DAY, 1, false}, {NOW - DAY, 1, false}, {NOW - DAY, 2, true}};
    int64_t reasons[LIKELY_MAX];
    assert_int_equal(likely_reasons(past, 5, NOW, reasons), 2);
    assert_int_equal(reasons[0], 2);
}

static void five_are_given_and_equals_by_the_last(void **state) {
    (void)state;
    struct likely_stop past[8];
    for (int i = 0; i < 8; i++) {
        past[i] = (struct likely_stop){NOW + i, 10 + i, true}; // Clocks may be ahead.
    }
    int64_t reasons[LIKELY_MAX];
    assert_int_equal(likely_reasons(past, 8, NOW, reasons), LIKELY_MAX);
    for (int i = 0; i < LIKELY_MAX; i++) {
        assert_int_equal(reasons[i], 17 - i);
    }
    assert_int_equal(likely_reasons(past, 0, NOW, reasons), 0);
}

static void a_long_past_is_cut(void **state) {
    (void)state;
    static struct likely_stop past[LIKELY_PAST_MAX + 10];
    for (int i = 0; i < LIKELY_PAST_MAX + 10; i++) {
        past[i] = (struct likely_stop){NOW - i, i, true};
    }
    int64_t reasons[LIKELY_MAX];
    assert_int_equal(likely_reasons(past, LIKELY_PAST_MAX + 10, NOW, reasons), LIKELY_MAX);
    assert_int_equal(reasons[0], 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(often_and_lately_comes_first),
        cmocka_unit_test(the_own_machine_weighs_five_times_as_much),
        cmocka_unit_test(five_are_given_and_equals_by_the_last),
        cmocka_unit_test(a_long_past_is_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
