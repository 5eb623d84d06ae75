/*
 * Numbers: borders by table, and random numbers against the C library, which is correctly rounded.
 */
#include <locale.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/random.h"
#include "core/text.h"

enum { RANDOM_ROUNDS = 15000, LONG_ROUNDS = 2000 };

static uint64_t bits_of(double value) {
    uint64_t bits = 0;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

static double of_bits(uint64_t bits) {
    double value = 0;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static void whole_integers_are_read_to_their_limits(void **state) {
    (void)state;
    static const struct {
        const char *text;
        bool ok;
        int64_t value;
    } CASES[] = {
        {"0", true, 0},
        {"-0", true, 0},
        {"007", true, 7},
        {"-12", true, -12},
        {"9223372036854775807", true, INT64_MAX},
        {"9223372036854775808", false, 0},
        {"-9223372036854775808", true, INT64_MIN},
        {"-9223372036854775809", false, 0},
        {"18446744073709551616", false, 0},
        {"99999999999999999999999", false, 0},
        {"0000000000000000000000000012", true, 12},
        {"", false, 0},
        {"-", false, 0},
        {"+1", false, 0},
        {"--1", false, 0},
        {" 1", false, 0},
        {"1 ", false, 0},
        {"1.0", false, 0},
        {"1e3", false, 0},
        {"0x10", false, 0},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        int64_t value = 77;
        assert_int_equal(str_to_i64(str_of(CASES[i].text), &value), CASES[i].ok);
        assert_true(value == (CASES[i].ok ? CASES[i].value : 77)); // Untouched on failure.
    }
    uint64_t big = 0;
    assert_true(str_to_u64(STR("18446744073709551615"), &big));
    assert_true(big == UINT64_MAX);
    assert_false(str_to_u64(STR("18446744073709551616"), &big));
    assert_false(str_to_u64(STR("-1"), &big));
}

static void integers_are_written_to_their_limits(void **state) {
    (void)state;
    char text[24];
    assert_int_equal(i64_to_text(0, text), 1);
    assert_string_equal(text, "0");
    assert_int_equal(i64_to_text(INT64_MIN, text), 20);
    assert_string_equal(text, "-9223372036854775808");
    assert_int_equal(i64_to_text(INT64_MAX, text), 19);
    assert_string_equal(text, "9223372036854775807");
    assert_int_equal(i64_to_text(-10, text), 3);
    assert_string_equal(text, "-10");
}

static void only_whole_decimal_texts_are_numbers(void **state) {
    (void)state;
    static const char *const RIGHT[] = {"0", "-0", "+1", "1.", ".5", "-.5", "1e5", "1E+05", "1e-5",
        "1.5e0", "00012.500", "0e999999999999", "1e-999999999999999999999", "5e-324",
        "123456789012", "1.7976931348623157e308"};
    for (size_t i = 0; i < sizeof RIGHT / sizeof RIGHT[0]; i++) {
        double value = -1;
        assert_true(str_to_f64(str_of(RIGHT[i]), &value));
        assert_true(bits_of(value) == bits_of(strtod(RIGHT[i], NULL)));
    }
    static const char *const WRONG[] = {"", " ", " 1", "1 ", "+", "-", ".", "-.", "e5", ".e5", "1e",
        "1e+", "1e5.0", "1.2.3", "0x10", "1,5", "1_000", "NaN", "-nan", "+inf", "infinity", "INF",
        "1f", "--1", "+-1", "1\n", "1e400", "-1e309", "1.7976931348623159e308", "٣", "1d5", "1e 5"};
    for (size_t i = 0; i < sizeof WRONG / sizeof WRONG[0]; i++) {
        double value = 77;
        assert_false(str_to_f64(str_of(WRONG[i]), &value));
        assert_true(value == 77);
    }
    assert_false(str_to_f64((struct str){"1\0", 2}, &(double){0}));
    assert_true(str_to_f64((struct str){"1\0", 1}, &(double){0}));
}

static void words_for_no_number_and_infinity_are_read(void **state) {
    (void)state;
    double value = 0;
    assert_true(str_to_f64(STR("nan"), &value) && isnan(value));
    assert_true(str_to_f64(STR("inf"), &value) && value == (double)INFINITY);
    assert_true(str_to_f64(STR("-inf"), &value) && value == -(double)INFINITY);
}

/* A random decimal text: up to `digits_max` digits, a point anywhere, maybe an exponent. */
static size_t random_decimal(struct random *random, size_t digits_max, char *to) {
    size_t used = 0;
    if (random_below(random, 2) == 0) {
        to[used++] = '-';
    }
    size_t digits = 1 + random_below(random, digits_max);
    size_t point = random_below(random, digits + 1);
    for (size_t i = 0; i < digits; i++) {
        if (i == point) {
            to[used++] = '.';
        }
        to[used++] = (char)('0' + random_below(random, 10));
    }
    if (random_below(random, 2) == 0) {
        int exponent = (int)random_below(random, random_below(random, 2) ? 60 : 660);
        used += (size_t)snprintf(to + used, 8, "e%d", exponent - (int)(digits / 2) - 30);
    }
    to[used] = '\0';
    return used;
}

static void random_decimals_are_rounded_like_the_library(void **state) {
    (void)state;
    struct random random;
    random_seed(&random, 20250131);
    for (int i = 0; i < RANDOM_ROUNDS; i++) {
        char text[64];
        size_t size = random_decimal(&random, i % 3 == 0 ? 30 : 19, text);
        double want = strtod(text, NULL);
        double got = 0;
        bool ok = str_to_f64((struct str){text, size}, &got);
        assert_int_equal(ok, !isinf(want));
        if (ok && bits_of(got) != bits_of(want)) {
            fail_msg("%s: %a, want %a", text, got, want);
        }
    }
}

/* The exact decimal text of the middle between two doubles, up to 767 digits long. */
static void halves_are_rounded_to_even_and_a_last_digit_decides(void **state) {
    (void)state;
    struct random random;
    random_seed(&random, 7);
    for (int i = 0; i < LONG_ROUNDS; i++) {
        double low = of_bits(random_u64(&random) >> 2 | (i % 2 ? 0x3000000000000000 : 0));
        if (!isfinite(low) || low == 0) {
            continue;
        }
        double high = nextafter(low, (double)INFINITY);
        char text[1200];
        long double middle = ((long double)low + (long double)high) / 2;
        int size = snprintf(text, sizeof text, "%.*Le", i % 2 ? 40 : 780, middle);
        char *exponent = strchr(text, 'e');
        assert_non_null(exponent);
        for (int change = 0; change < 2; change++) {
            double got = 0;
            assert_true(str_to_f64((struct str){text, (size_t)size}, &got));
            if (bits_of(got) != bits_of(strtod(text, NULL))) {
                fail_msg("%s: %a", text, got);
            }
            exponent[-1] = '1'; // The last of the zeros, far behind the middle's own digits.
        }
    }
}

static void digits_beyond_the_buffer_still_count(void **state) {
    (void)state;
    enum { ZEROS = 3000 };
    static char text[ZEROS + 64];
    // 2^53 + 1 is the middle between two doubles; a non-zero digit far behind tips it up.
    size_t used = (size_t)snprintf(text, sizeof text, "9007199254740993.");
    memset(text + used, '0', ZEROS);
    used += ZEROS;
    double value = 0;
    assert_true(str_to_f64((struct str){text, used}, &value));
    assert_true(value == 9007199254740992.0);
    text[used++] = '1';
    assert_true(str_to_f64((struct str){text, used}, &value));
    assert_true(value == 9007199254740994.0);
    // A long run of zeros before the digits, balanced by the exponent.
    memset(text, '0', ZEROS);
    text[1] = '.';
    used = ZEROS + (size_t)snprintf(text + ZEROS, 64, "125e%d", ZEROS);
    assert_true(str_to_f64((struct str){text, used}, &value));
    assert_true(value == 12.5);
}

static void numbers_do_not_depend_on_the_locale(void **state) {
    (void)state;
    static const char *const COMMA[] = {"de_DE.UTF-8", "fr_FR.UTF-8", "de_DE"};
    for (size_t i = 0; i < sizeof COMMA / sizeof COMMA[0]; i++) {
        (void)setlocale(LC_ALL, COMMA[i]); // Where it is not installed, nothing changes.
        double value = 0;
        assert_true(str_to_f64(STR("1.5e-30"), &value) && value == 1.5e-30);
        assert_true(str_to_f64(STR("1234567890.1234567890123456789"), &value));
        assert_false(str_to_f64(STR("1,5"), &value));
        char text[32];
        (void)f64_to_text(1.5e-30, text);
        assert_string_equal(text, "1.5e-30");
    }
    (void)setlocale(LC_ALL, "C");
}

static void doubles_are_written_short(void **state) {
    (void)state;
    static const struct {
        double value;
        const char *text;
    } CASES[] = {
        {0.0, "0"},
        {-0.0, "-0"},
        {1, "1"},
        {-1, "-1"},
        {0.1, "0.1"},
        {0.3, "0.3"},
        {0.1 + 0.2, "0.30000000000000004"},
        {23.4, "23.4"},
        {1.0 / 3, "0.3333333333333333"},
        {2.0 / 3, "0.6666666666666666"},
        {(double)23.4f, "23.399999618530273"},
        {100, "100"},
        {1234567.891, "1234567.891"},
        {999999999999999, "999999999999999"},
        {1e15, "1e+15"},
        {1e300, "1e+300"},
        {0.0001, "0.0001"},
        {0.00012345, "0.00012345"},
        {0.00001, "1e-05"},
        {5e-324, "5e-324"},
        {1.7976931348623157e308, "1.7976931348623157e+308"},
        {2.2250738585072014e-308, "2.2250738585072014e-308"},
        {9007199254740992, "9007199254740992"},
        {0.5, "0.5"},
        {0.25, "0.25"},
        {0.9999999999999999, "0.9999999999999999"},
        {1.0000000000000002, "1.0000000000000002"},
        {562949953421311.9, "562949953421311.9"},
        {562949953421312.1, "562949953421312.1"},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        char text[32];
        size_t size = f64_to_text(CASES[i].value, text);
        assert_string_equal(text, CASES[i].text);
        assert_int_equal(size, strlen(text));
    }
    char text[32];
    assert_int_equal(f64_to_text((double)NAN, text), 3);
    assert_string_equal(text, "nan");
    assert_int_equal(f64_to_text((double)INFINITY, text), 3);
    assert_int_equal(f64_to_text(-(double)INFINITY, text), 4);
    assert_string_equal(text, "-inf");
}

/* Significant digits of a text without leading and trailing zeros. */
static size_t digit_count(const char *text) {
    size_t count = 0;
    size_t zeros = 0;
    for (; *text != '\0' && *text != 'e'; text++) {
        if (*text == '0') {
            zeros += count > 0;
        } else if (*text >= '1' && *text <= '9') {
            count += zeros + 1;
            zeros = 0;
        }
    }
    return count;
}

static void check_shortest(double value) {
    char text[32];
    size_t size = f64_to_text(value, text);
    assert_true(size < sizeof text && text[size] == '\0');
    double library = strtod(text, NULL);
    double ours = 0;
    assert_true(str_to_f64((struct str){text, size}, &ours));
    if (bits_of(library) != bits_of(value) || bits_of(ours) != bits_of(value)) {
        fail_msg("%a became %s", value, text);
    }
    char shortest[40];
    for (int digits = 0; digits < 17; digits++) {
        (void)snprintf(shortest, sizeof shortest, "%.*e", digits, value);
        if (bits_of(strtod(shortest, NULL)) == bits_of(value)) {
            break;
        }
    }
    bool far = fabs(value) < 1e-4 || fabs(value) >= 1e15;
    if (!far && digit_count(text) > digit_count(shortest)) {
        fail_msg("%s is longer than %s", text, shortest);
    }
}

static void random_doubles_read_back_and_are_shortest(void **state) {
    (void)state;
    struct random random;
    random_seed(&random, 42);
    for (int i = 0; i < RANDOM_ROUNDS; i++) {
        double any = of_bits(random_u64(&random));
        if (isfinite(any)) {
            check_shortest(any);
        }
        double scale = ldexp(1, (int)random_below(&random, 64) - 14);
        check_shortest(random_unit(&random) * scale);
        check_shortest((double)(float)(random_unit(&random) * 1000));
        check_shortest((double)random_below(&random, 1000000000) / 1000);
        check_shortest(scale); // Powers of two: the gap below is smaller.
        check_shortest(nextafter(scale, 0));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whole_integers_are_read_to_their_limits),
        cmocka_unit_test(integers_are_written_to_their_limits),
        cmocka_unit_test(only_whole_decimal_texts_are_numbers),
        cmocka_unit_test(words_for_no_number_and_infinity_are_read),
        cmocka_unit_test(random_decimals_are_rounded_like_the_library),
        cmocka_unit_test(halves_are_rounded_to_even_and_a_last_digit_decides),
        cmocka_unit_test(digits_beyond_the_buffer_still_count),
        cmocka_unit_test(numbers_do_not_depend_on_the_locale),
        cmocka_unit_test(doubles_are_written_short),
        cmocka_unit_test(random_doubles_read_back_and_are_shortest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
