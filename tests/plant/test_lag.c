/* Percentiles of the lag: exact to an eighth, over nine orders of magnitude, and nothing of
 * nothing. */
#include "plant/lag.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "core/clock.h"

static void a_percentile_is_exact_to_an_eighth(void **state) {
    (void)state;
    static const int64_t TIMES_US[] = {1, 7, 8, 9, 100, 1023, 1024, 99999, 1000000, 3600000000LL};
    for (size_t i = 0; i < sizeof TIMES_US / sizeof TIMES_US[0]; i++) {
        struct lag lag = {.total = 0};
        lag_add(&lag, TIMES_US[i] * NS_PER_US);
        int64_t got = lag_percentile_ns(&lag, 500) / NS_PER_US;
        assert_in_range(got, TIMES_US[i] + 1, TIMES_US[i] + TIMES_US[i] / 8 + 1);
    }
}

static void the_median_and_the_tail_differ(void **state) {
    (void)state;
    struct lag lag = {.total = 0};
    assert_int_equal(lag_percentile_ns(&lag, 500), 0);
    for (int i = 0; i < 980; i++) {
        lag_add(&lag, NS_PER_MS);
    }
    for (int i = 0; i < 20; i++) {
        lag_add(&lag, NS_PER_S);
    }
    lag_add(&lag, -5); // A clock that went back counts as nothing.
    assert_in_range(lag_percentile_ns(&lag, 500), NS_PER_MS, NS_PER_MS * 9 / 8 + NS_PER_US);
    assert_in_range(lag_percentile_ns(&lag, 990), NS_PER_S, NS_PER_S * 9 / 8 + NS_PER_US);
    lag_add(&lag, INT64_MAX);
    assert_true(lag_percentile_ns(&lag, 1000) > NS_PER_S);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_percentile_is_exact_to_an_eighth),
        cmocka_unit_test(the_median_and_the_tail_differ),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
