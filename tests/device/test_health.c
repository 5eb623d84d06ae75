/* Health: "up" is shown only where a fresh value proves it. */
#include "support_device.h"

#include "device/health.h"

#define BEGIN_NS (1700000000LL * NS_PER_S)

static void up_turns_stale_two_periods_after_the_last_good_value(void **state) {
    (void)state;
    struct clock_fake fake;
    clock_fake_init(&fake, BEGIN_NS);
    struct health *health = health_new(7);
    struct device_health copy;
    assert_false(health_copy(health, &fake.clock, &copy));
    health_start(health, NS_PER_S, &fake.clock);
    assert_true(health_copy(health, &fake.clock, &copy));
    assert_int_equal(LINK_CONNECTING, copy.state);
    health_add(
        health, &(struct health_change){.state = LINK_UP, .good = true, .samples = 3}, &fake.clock);
    clock_fake_advance(&fake, 2 * NS_PER_S);
    assert_true(health_copy(health, &fake.clock, &copy));
    assert_int_equal(LINK_UP, copy.state);
    assert_int_equal(3, copy.samples);
    assert_int_equal(7, copy.device);
    clock_fake_advance(&fake, 500 * NS_PER_MS);
    assert_true(health_copy(health, &fake.clock, &copy));
    assert_int_equal(LINK_STALE, copy.state);
    assert_int_equal(BEGIN_NS + 2 * NS_PER_S, copy.since_ns); // When it began, not when asked.
    health_free(health);
}

static void a_session_without_any_good_value_is_not_up(void **state) {
    (void)state;
    struct clock_fake fake;
    clock_fake_init(&fake, BEGIN_NS);
    clock_fake_advance(&fake, 10 * NS_PER_S);
    struct health *health = health_new(1);
    health_start(health, NS_PER_S, &fake.clock);
    health_add(health, &(struct health_change){.state = LINK_UP}, &fake.clock);
    struct device_health copy;
    assert_true(health_copy(health, &fake.clock, &copy));
    assert_int_equal(LINK_STALE, copy.state);
    assert_int_equal(0, copy.last_good_ns);
    health_free(health);
}

static void the_last_error_stays_with_its_time(void **state) {
    (void)state;
    struct clock_fake fake;
    clock_fake_init(&fake, BEGIN_NS);
    struct health *health = health_new(1);
    health_start(health, NS_PER_S, &fake.clock);
    struct err err = ERR_INIT;
    (void)err_set(&err, ERR_TIMEOUT, MSG_DEVICE_NO_ANSWER, ARGS(A_INT(500)));
    health_add(health, &(struct health_change){.state = LINK_DOWN, .error = &err}, &fake.clock);
    clock_fake_advance(&fake, NS_PER_S);
    health_add(health, &(struct health_change){.state = LINK_UP, .good = true}, &fake.clock);
    struct device_health copy;
    assert_true(health_copy(health, &fake.clock, &copy));
    assert_int_equal(LINK_UP, copy.state);
    assert_int_equal(BEGIN_NS + NS_PER_S, copy.since_ns);
    assert_int_equal(ERR_TIMEOUT, copy.last_error.code);
    assert_int_equal(BEGIN_NS, copy.last_error_ns);
    health_stop(health);
    assert_false(health_copy(health, &fake.clock, &copy));
    health_free(health);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(up_turns_stale_two_periods_after_the_last_good_value),
        cmocka_unit_test(a_session_without_any_good_value_is_not_up),
        cmocka_unit_test(the_last_error_stays_with_its_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
