/* Percentiles of round trips. */
#include "support_device.h"

#include "device/rtt.h"

static void percentiles_are_exact_to_an_eighth(void **state) {
    (void)state;
    struct rtt rtt = {0};
    for (int64_t us = 1; us <= 1000; us++) {
        rtt_add(&rtt, 1, us * NS_PER_US);
    }
    uint32_t p50 = rtt_percentile_us(&rtt, 500);
    uint32_t p99 = rtt_percentile_us(&rtt, 990);
    assert_true(p50 >= 500 && p50 <= 500 + 500 / 8 + 1);
    assert_true(p99 >= 990 && p99 <= 990 + 990 / 8 + 1);
}

static void nothing_gives_zero_and_extremes_stay_inside(void **state) {
    (void)state;
    struct rtt rtt = {0};
    assert_int_equal(0, rtt_percentile_us(&rtt, 500));
    rtt_add(&rtt, 1, -5);
    assert_int_equal(0, rtt_percentile_us(&rtt, 990));
    rtt_add(&rtt, 1, INT64_MAX);
    assert_true(rtt_percentile_us(&rtt, 990) > 1000000000);
}

static void old_round_trips_are_forgotten_after_two_minutes(void **state) {
    (void)state;
    struct rtt rtt = {0};
    rtt_add(&rtt, 0, 500 * NS_PER_MS);
    rtt_add(&rtt, 61 * NS_PER_S, NS_PER_US * 5);
    assert_true(rtt_percentile_us(&rtt, 990) > 400000);
    rtt_add(&rtt, 122 * NS_PER_S, NS_PER_US * 5);
    assert_true(rtt_percentile_us(&rtt, 990) < 10);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(percentiles_are_exact_to_an_eighth),
        cmocka_unit_test(nothing_gives_zero_and_extremes_stay_inside),
        cmocka_unit_test(old_round_trips_are_forgotten_after_two_minutes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
