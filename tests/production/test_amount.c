/* Decimals of millionths: what is read, what is refused, and back again. */
#include "production/amount.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "core/hash.h"

static void what_people_write_is_read_exactly(void **state) {
    (void)state;
    static const struct {
        const char *text;
        int64_t u;
    } CASES[] = {{"0", 0}, {"-0", 0}, {"1", 1000000}, {"007", 7000000}, {"1200", 1200000000},
        {"1,200", 1200000000}, {"12,345,678.5", 12345678500000}, {"0.1", 100000}, {".5", 500000},
        {"5.", 5000000}, {"+3", 3000000}, {"-3.000001", -3000001}, {"0.0000010000", 1},
        {"1e-05", 10}, {"1E-6", 1}, {"1.5e3", 1500000000}, {"2e+2", 200000000}, {"0e30", 0},
        {"10e-7", 1}, {"１２，３４５．５", 12345500000}, {"－３", -3000000},
        {"9000000000000", AMOUNT_MAX_U}, {"9223372036854.775807", INT64_MAX},
        {"-9223372036854.775808", INT64_MIN}};
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        int64_t u = 4711;
        if (!amount_parse(str_of(CASES[i].text), &u) || u != CASES[i].u) {
            fail_msg("\"%s\" gives %lld", CASES[i].text, (long long)u);
        }
    }
}

static void what_is_no_amount_is_refused(void **state) {
    (void)state;
    static const char *const CASES[] = {"", "-", "+", ".", ",", "-.", "e3", "1e", "1e+", "1e+-3",
        "1e3.5", "0.0000001", "1.2345678", "1e-7", "12,34", "1,2345", "1234,567", ",123", "1,",
        "1,234,", "1.5,000", "1 200", " 1", "1 ", "1.2.3", "--1", "0x10", "nan", "inf", "1개",
        "9223372036854.775808", "-9223372036854.775809", "1e13", "1e41",
        "100000000000000000000000000000000000000000000000000000000000000000000000000", "\xef\xbc",
        "1\xef\xbc\x80", "一"};
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        int64_t u = 4711;
        if (amount_parse(str_of(CASES[i]), &u) || u != 4711) {
            fail_msg("\"%s\" gives %lld", CASES[i], (long long)u);
        }
    }
}

/* Spread over all sizes: a random number shifted by a random count. */
static void what_is_written_reads_back(void **state) {
    (void)state;
    for (uint64_t i = 0; i < 200000; i++) {
        uint64_t random = hash64(&i, sizeof i);
        int64_t u = (int64_t)(random >> (i % 64));
        u = i % 3 == 0 ? -u : u;
        u = i % 5 == 0 && u < INT64_MAX / AMOUNT_UNIT && u > INT64_MIN / AMOUNT_UNIT
                ? u * AMOUNT_UNIT
                : u;
        char text[AMOUNT_TEXT_MAX];
        size_t size = amount_text(u, text);
        int64_t back = 0;
        assert_true(size < AMOUNT_TEXT_MAX);
        if (!amount_parse((struct str){text, size}, &back) || back != u) {
            fail_msg("%lld as \"%s\" gives %lld", (long long)u, text, (long long)back);
        }
    }
}

static void the_text_is_the_shortest(void **state) {
    (void)state;
    static const struct {
        int64_t u;
        const char *text;
    } CASES[] = {{0, "0"}, {1, "0.000001"}, {-1, "-0.000001"}, {500000, "0.5"},
        {1200000000, "1200"}, {1010000, "1.01"}, {INT64_MAX, "9223372036854.775807"},
        {INT64_MIN, "-9223372036854.775808"}};
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        struct buf out;
        buf_init(&out, 64);
        amount_put(&out, CASES[i].u);
        assert_string_equal(buf_z(&out), CASES[i].text);
        buf_fini(&out);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(what_people_write_is_read_exactly),
        cmocka_unit_test(what_is_no_amount_is_refused),
        cmocka_unit_test(what_is_written_reads_back), cmocka_unit_test(the_text_is_the_shortest)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
