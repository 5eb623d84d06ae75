/*
 * Token buckets: burst, earning, keys apart, clocks that stand still.
 */
#include "serve/rate.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "core/clock.h"
#include "core/hash.h"

static uint32_t take_many(struct rate_table *table, uint32_t key, int64_t now_ns, uint32_t tries) {
    uint32_t taken = 0;
    for (uint32_t i = 0; i < tries; i++) {
        taken += rate_take(table, &key, sizeof key, now_ns, NULL);
    }
    return taken;
}

static void the_burst_is_given_at_once_and_then_the_rate(void **state) {
    (void)state;
    struct rate_table *table = rate_new(10, 20);
    assert_int_equal(take_many(table, 1, 0, 100), 20);
    assert_int_equal(take_many(table, 1, NS_PER_S, 100), 10);
    assert_int_equal(take_many(table, 1, NS_PER_S, 100), 0);
    assert_int_equal(take_many(table, 1, 100 * NS_PER_S, 100), 20); // Never more than the burst.
    rate_free(table);
}

static void keys_do_not_share(void **state) {
    (void)state;
    struct rate_table *table = rate_new(1, 2);
    assert_int_equal(take_many(table, 1, 0, 5), 2);
    assert_int_equal(take_many(table, 2, 0, 5), 2);
    rate_free(table);
}

static void the_wait_tells_when_a_token_will_be_there(void **state) {
    (void)state;
    struct rate_table *table = rate_new(10.0 / 60.0, 1); // Ten a minute.
    uint32_t key = 7;
    uint32_t wait_s = 0;
    assert_true(rate_take(table, &key, sizeof key, 0, &wait_s));
    assert_false(rate_take(table, &key, sizeof key, 0, &wait_s));
    assert_int_equal(wait_s, 6);
    assert_false(rate_take(table, &key, sizeof key, 5 * NS_PER_S, &wait_s));
    assert_true(rate_take(table, &key, sizeof key, 6 * NS_PER_S + NS_PER_MS, &wait_s));
    rate_free(table);
}

static void a_clock_that_goes_back_gives_nothing(void **state) {
    (void)state;
    struct rate_table *table = rate_new(10, 1);
    assert_int_equal(take_many(table, 1, 10 * NS_PER_S, 2), 1);
    assert_int_equal(take_many(table, 1, 0, 2), 0);
    rate_free(table);
}

static void many_keys_do_not_break_the_table(void **state) {
    (void)state;
    struct rate_table *table = rate_new(1, 3);
    for (uint32_t key = 0; key < 100000; key++) {
        assert_int_equal(take_many(table, key, key, 1), 1);
    }
    rate_free(table);
}

/* Keys that an attacker found to share a set with the victim, in a table like ours whose hash has
 * no secret: sixteen of them, each used once, made the empty bucket be forgotten. */
static void nobody_can_choose_keys_that_make_another_one_forgotten(void **state) {
    (void)state;
    uint32_t victim = 1;
    uint64_t set = (hash64(&victim, sizeof victim) | 1) % 1024;
    uint32_t met[64];
    uint32_t count = 0;
    for (uint32_t key = 2; count < 64; key++) {
        if ((hash64(&key, sizeof key) | 1) % 1024 == set) {
            met[count++] = key;
        }
    }
    uint32_t forgotten = 0;
    for (int round = 0; round < 20; round++) {
        struct rate_table *table = rate_new(1e-6, 3);
        assert_int_equal(take_many(table, victim, 0, 5), 3);
        for (uint32_t i = 0; i < count; i++) {
            (void)take_many(table, met[i], 0, 4);
        }
        forgotten += take_many(table, victim, 0, 1);
        rate_free(table);
    }
    assert_in_range(forgotten, 0, 1); // By chance, once in ten thousand rounds.
}

static void all_sets_are_used(void **state) {
    (void)state;
    struct rate_table *table = rate_new(1e-6, 1);
    for (uint32_t key = 0; key < 3000; key++) {
        (void)take_many(table, key, 0, 1);
    }
    uint32_t kept = 0;
    for (uint32_t key = 0; key < 3000; key++) {
        kept += take_many(table, key, 0, 1) == 0;
    }
    assert_in_range(kept, 2048, 3000); // Of half the sets at most 2,048 can be kept.
    rate_free(table);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_burst_is_given_at_once_and_then_the_rate),
        cmocka_unit_test(keys_do_not_share),
        cmocka_unit_test(the_wait_tells_when_a_token_will_be_there),
        cmocka_unit_test(a_clock_that_goes_back_gives_nothing),
        cmocka_unit_test(nobody_can_choose_keys_that_make_another_one_forgotten),
        cmocka_unit_test(all_sets_are_used),
        cmocka_unit_test(many_keys_do_not_break_the_table),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
