/*
 * The rule of counters: rises, resets, roll-overs and their borders.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "model/counter.h"

static void a_fall_is_a_reset_unless_the_range_explains_it(void **state) {
    (void)state;
    static const struct {
        int64_t last;
        int64_t value;
        double max;
        int64_t rise;
    } CASES[] = {
        {10, 10, 0, 0}, {10, 15, 0, 5}, {10, 4, 0, 4}, // A reset: 4 since it began again.
        {65530, 5, 65535, 11},                         // 65535 and then 0.
        {65535, 0, 65535, 1},                          // Just over the end.
        {40000, 10, 65535, 25546},                     // Below half of the range.
        {32768, 0, 65535, 32768},                      // Exactly half.
        {32767, 0, 65535, 0},                          // More than half: a reset to 0.
        {70000, 5, 65535, 5},                          // Beyond what was declared: no roll-over.
        {0, INT64_MAX, 0, INT64_MAX},                  // The longest way up.
        {INT64_MAX, 0, 9007199254740992.0, 0}          // A reset.
    };
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        assert_int_equal(
            counter_rise_i64(CASES[i].last, CASES[i].value, CASES[i].max), CASES[i].rise);
    }
    assert_true(counter_rise_f64(1.5, 2.25, 0) == 0.75);
    assert_true(counter_rise_f64(99.5, 1.5, 0) == 1.5);
    assert_true(counter_rise_f64(99.5, 1.5, 99.5) == 2.5);
}

static void only_what_can_be_a_count_is_one(void **state) {
    (void)state;
    assert_true(counter_is_count_i64(0));
    assert_false(counter_is_count_i64(-1));
    assert_true(counter_is_count_f64(COUNTER_MAX));
    assert_false(counter_is_count_f64(COUNTER_MAX + 2));
    assert_false(counter_is_count_f64(-0.5));
    assert_false(counter_is_count_f64((double)NAN));
    assert_false(counter_is_count_f64((double)INFINITY));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_fall_is_a_reset_unless_the_range_explains_it),
        cmocka_unit_test(only_what_can_be_a_count_is_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
