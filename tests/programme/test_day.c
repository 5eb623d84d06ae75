/* Days, months and Korea's public holidays. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "programme/day.h"

static int32_t day(const char *text) {
    int32_t found = 0;
    assert_true(day_parse(str_of(text), &found));
    return found;
}

static const char *text_of(int32_t number, char to[DAY_TEXT_MAX]) {
    (void)day_text(number, to);
    return to;
}

static void every_day_reads_back(void **state) {
    (void)state;
    int week = day_of_week(day_make(1900, 1, 1));
    assert_int_equal(0, week); // A Monday.
    for (int32_t at = day_make(1900, 1, 1); at <= day_make(2199, 12, 31); at++) {
        int year = 0;
        int month = 0;
        int of_month = 0;
        char text[DAY_TEXT_MAX];
        day_parts(at, &year, &month, &of_month);
        assert_int_equal(at, day_make(year, month, of_month));
        assert_int_equal(at, day(text_of(at, text)));
        assert_int_equal(week, day_of_week(at));
        week = (week + 1) % 7;
    }
    assert_int_equal(0, day_make(1970, 1, 1));
}

static void what_is_no_date_is_refused(void **state) {
    (void)state;
    static const char *const WRONG[] = {"", "2024-4-15", "2024-13-01", "2023-02-29", "2024-02-30",
        "24-04-15", "2024-04-15x", "2024-04-15T", "2024-04-15T25:00", "1899-12-31", "2200-01-01"};
    for (size_t i = 0; i < sizeof WRONG / sizeof WRONG[0]; i++) {
        int32_t found = 0;
        assert_false(day_parse(str_of(WRONG[i]), &found));
    }
}

static void months_end_on_the_day_or_the_last_one(void **state) {
    (void)state;
    static const struct {
        const char *from;
        int months;
        const char *to;
    } CASES[] = {{"2023-01-16", 9, "2023-10-16"}, {"2023-10-16", -1, "2023-09-16"},
        {"2024-01-31", 1, "2024-02-29"}, {"2023-01-31", 1, "2023-02-28"},
        {"2024-02-29", 12, "2025-02-28"}, {"2023-10-20", 60, "2028-10-20"},
        {"2023-03-31", -1, "2023-02-28"}, {"2023-12-15", 1, "2024-01-15"},
        {"2024-01-15", -1, "2023-12-15"}};
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        char text[DAY_TEXT_MAX];
        assert_string_equal(
            CASES[i].to, text_of(day_add_months(day(CASES[i].from), CASES[i].months), text));
    }
}

static void moments_are_korean_time(void **state) {
    (void)state;
    static const struct {
        const char *text;
        const char *same;
    } CASES[] = {{"2022-12-29T17:00", "2022-12-29T17:00:00"},
        {"2022-12-29T17:00:00+09:00", "2022-12-29T17:00:00"},
        {"2022-12-29T08:00:00Z", "2022-12-29T17:00:00"},
        {"2022-12-29 17:00:00", "2022-12-29T17:00:00"},
        {"2022-12-29T17:00:00.5", "2022-12-29T17:00:01"}}; // Later than the closing second.
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        int64_t one = 0;
        int64_t other = 1;
        bool has_time = false;
        assert_true(moment_parse(str_of(CASES[i].text), &one, &has_time));
        assert_true(has_time);
        assert_true(moment_parse(str_of(CASES[i].same), &other, &has_time));
        assert_int_equal(other, one);
    }
    int64_t midnight = 0;
    bool has_time = true;
    assert_true(moment_parse(STR("1970-01-02"), &midnight, &has_time));
    assert_false(has_time);
    assert_int_equal(86400, midnight);
}

static void days_off_are_passed(void **state) {
    (void)state;
    static const struct {
        const char *from;
        const char *to;
    } CASES[] = {{"2024-06-15", "2024-06-17"}, {"2023-07-24", "2023-07-24"},
        {"2023-09-28", "2023-10-04"}, // 추석, a day given in between, 개천절.
        {"2024-02-09", "2024-02-13"}, // 설날 with its substitute.
        {"2024-04-10", "2024-04-11"}, // An election.
        {"2026-05-24", "2026-05-26"}, {"2028-10-02", "2028-10-06"}};
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        char text[DAY_TEXT_MAX];
        assert_string_equal(CASES[i].to, text_of(day_roll(day(CASES[i].from), NULL), text));
    }
    struct err err = ERR_INIT;
    AUTO_JSON_IN struct json_in *more = NULL;
    assert_int_equal(0, json_in_parse(STR("{\"holidays\":[\"2024-06-17\"]}"), &more, &err));
    char text[DAY_TEXT_MAX];
    assert_string_equal(
        "2024-06-18", text_of(day_roll(day("2024-06-15"), json_in_get(more, "holidays")), text));
    int first = 0;
    int last = 0;
    holidays_known(&first, &last);
    assert_true(first <= 2018 && last >= 2030);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_day_reads_back),
        cmocka_unit_test(what_is_no_date_is_refused),
        cmocka_unit_test(months_end_on_the_day_or_the_last_one),
        cmocka_unit_test(moments_are_korean_time),
        cmocka_unit_test(days_off_are_passed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
