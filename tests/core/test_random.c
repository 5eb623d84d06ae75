/*
 * Repeatable randomness and UUIDv7.
 */
#include "core/random.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "core/clock.h"

/* The first outputs from the state 1, 2, 3, 4, computed from the paper's definition elsewhere. */
static void the_generator_follows_its_definition(void **state) {
    (void)state;
    struct random random = {{1, 2, 3, 4}};
    assert_true(random_u64(&random) == 11520);
    assert_true(random_u64(&random) == 0);
    assert_true(random_u64(&random) == 1509978240);
    assert_true(random_u64(&random) == 1215971899390074240);
}

static void the_same_seed_gives_the_same_run(void **state) {
    (void)state;
    struct random a;
    struct random b;
    struct random c;
    random_seed(&a, 5);
    random_seed(&b, 5);
    random_seed(&c, 6);
    unsigned same = 0;
    for (int i = 0; i < 100; i++) {
        uint64_t value = random_u64(&a);
        assert_true(value == random_u64(&b));
        same += value == random_u64(&c);
    }
    assert_int_equal(same, 0);
}

static void system_seeds_differ(void **state) {
    (void)state;
    struct random a;
    struct random b;
    random_seed_system(&a);
    random_seed_system(&b);
    assert_memory_not_equal(&a, &b, sizeof a);
}

static void values_below_a_limit_are_even_and_below_it(void **state) {
    (void)state;
    struct random random;
    random_seed(&random, 9);
    unsigned counts[6] = {0};
    for (int i = 0; i < 60000; i++) {
        uint64_t value = random_below(&random, 6);
        assert_true(value < 6);
        counts[value]++;
    }
    for (size_t i = 0; i < 6; i++) {
        assert_in_range(counts[i], 9600, 10400); // More than four standard deviations.
    }
    assert_true(random_below(&random, 1) == 0);
    assert_true(random_below(&random, UINT64_MAX) < UINT64_MAX);
    bool high = false;
    for (int i = 0; i < 100; i++) {
        high = high || random_below(&random, (1ULL << 63) + 1) > (1ULL << 62);
    }
    assert_true(high);
}

static void units_lie_in_the_half_open_interval(void **state) {
    (void)state;
    struct random random;
    random_seed(&random, 10);
    double sum = 0;
    for (int i = 0; i < 10000; i++) {
        double unit = random_unit(&random);
        assert_true(unit >= 0 && unit < 1);
        sum += unit;
    }
    assert_true(sum > 4800 && sum < 5200);
}

static void uuids_carry_time_version_and_variant(void **state) {
    (void)state;
    struct random random;
    random_seed(&random, 11);
    char text[37];
    // RFC 9562 appendix A.6: 0x017F22E279B0 ms is 2022-02-22T19:22:22Z.
    uuid_v7(&random, 0x017F22E279B0 * NS_PER_MS + 999999, text);
    assert_int_equal(strlen(text), 36);
    assert_memory_equal(text, "017f22e2-79b0-7", 15);
    assert_int_equal(text[18], '-');
    assert_non_null(strchr("89ab", text[19]));
    for (size_t i = 0; i < 36; i++) {
        bool dash = i == 8 || i == 13 || i == 18 || i == 23;
        assert_int_equal(text[i] == '-', dash);
        assert_true(dash || strchr("0123456789abcdef", text[i]) != NULL);
    }
}

static void later_uuids_sort_later_and_none_repeats(void **state) {
    (void)state;
    struct random random;
    random_seed(&random, 12);
    char before[37];
    char now[37];
    uuid_v7(&random, -5, before);
    assert_memory_equal(before, "00000000-0000-7", 15);
    for (int64_t ms = 1; ms < 1000; ms++) {
        uuid_v7(&random, ms * NS_PER_MS, now);
        assert_true(strcmp(before, now) < 0);
        memcpy(before, now, sizeof now);
    }
    uuid_v7(&random, 999 * NS_PER_MS, now);
    assert_string_not_equal(before, now);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_generator_follows_its_definition),
        cmocka_unit_test(the_same_seed_gives_the_same_run),
        cmocka_unit_test(system_seeds_differ),
        cmocka_unit_test(values_below_a_limit_are_even_and_below_it),
        cmocka_unit_test(units_lie_in_the_half_open_interval),
        cmocka_unit_test(uuids_carry_time_version_and_variant),
        cmocka_unit_test(later_uuids_sort_later_and_none_repeats),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
