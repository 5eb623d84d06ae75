/* Scores: printed values alone, exact sums and means, the bonus after its cap, verdicts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "core/buf.h"
#include "core/random.h"
#include "programme/points.h"
#include "support_ask.h"

#define HEAD "{\"format\":1,\"id\":\"p\",\"kind\":\"programme\",\"ko\":\"시험\","
static const char GRADED[] = HEAD
    "\"sheet\":{\"grades\":[\"우수\",\"양호\",\"보통\",\"다소 "
    "미흡\",\"미흡\"],\"src\":\"L1\",\"areas\":["
    "{\"id\":\"a1\",\"ko\":\"적정성\",\"points\":25,\"items\":["
    "{\"id\":\"i1\",\"ko\":\"기간\",\"points\":15,\"grades\":[15,12,9,6,3]},"
    "{\"id\":\"i2\",\"ko\":\"구체성\",\"points\":10,\"grades\":[10,8,6,4,2]}]}],"
    "\"checks\":[{\"id\":\"c1\",\"ko\":\"범위\"},{\"id\":\"c2\",\"ko\":\"동의\"}]},"
    "\"pass\":{\"mark\":15,\"checks\":true,\"src\":\"L2\"},"
    "\"bonus\":{\"cap\":5,\"src\":\"L3\",\"items\":[{\"id\":\"b1\",\"ko\":\"인증\",\"points\":5,"
    "\"document\":\"b1\"},{\"id\":\"b2\",\"ko\":\"단축\",\"points\":3,\"valid_years\":1},"
    "{\"id\":\"b3\",\"ko\":\"뿌리\",\"points\":3}]}}";
static const char PLAIN[] =
    HEAD "\"discrepancies\":[{\"id\":\"D-08\",\"where\":\"w\",\"ko\":\"합\",\"en\":\"sum\"}],"
         "\"sheet\":{\"total\":40,\"total_note\":\"D-08\",\"areas\":[{\"id\":\"a1\",\"ko\":\"가\","
         "\"points\":20,"
         "\"items\":[{\"id\":\"i1\",\"ko\":\"일\",\"points\":10},{\"id\":\"i2\",\"ko\":\"이\","
         "\"points\":10}]},"
         "{\"id\":\"a2\",\"ko\":\"나\",\"points\":20,\"items\":[{\"id\":\"i3\",\"ko\":\"삼\","
         "\"points\":15}]}]},"
         "\"pass\":{\"mark\":28}}";
#define CHECKS "\"checks\":{\"c1\":true,\"c2\":\"적합\"}"

static void check(const char *programme, const char *input, const char *items, const char *bonus,
    const char *total, const char *verdict) {
    struct json_in *answer = ask_one(ask_score, programme, NULL, input);
    bool good = is_json(json_in_get(answer, "items"), items) &&
                is_json(json_in_get(answer, "bonus"), bonus) &&
                is_json(json_in_get(answer, "total"), total) &&
                strcmp(text_in(answer, "verdict"), verdict) == 0;
    if (!good) {
        print_error("%s: verdict %s\n", input, text_in(answer, "verdict"));
    }
    assert_true(good);
    json_in_free(answer);
}

static void grades_are_words_or_printed_values(void **state) {
    (void)state;
    check(GRADED, "{\"grades\":{\"i1\":\"보통\",\"i2\":\"보통\"}," CHECKS "}", "15", "0", "15",
        "적합");
    check(GRADED, "{\"grades\":{\"기간\":9,\"i2\":\"6\"}," CHECKS "}", "15", "0", "15", "적합");
    check(GRADED, "{\"grades\":{\"i1\":\"다소미흡\",\"i2\":\"good\"}," CHECKS "}", "14", "0", "14",
        "부적합");
    check(GRADED, "{\"grades\":{\"i1\":{\"x\":1},\"i2\":6}," CHECKS "}", "null", "0", "null", "");
}

static void a_value_off_the_sheet_is_refused(void **state) {
    (void)state;
    struct json_in *answer =
        ask_one(ask_score, GRADED, NULL, "{\"grades\":{\"i1\":10,\"i2\":7}," CHECKS "}");
    assert_int_equal(2, json_in_count(json_in_get(answer, "refused")));
    assert_non_null(
        strstr(text_in(entry_of(answer, "refused", "rule", "i1"), "en"), "15-12-9-6-3"));
    assert_non_null(strstr(text_in(entry_of(answer, "refused", "rule", "i2"), "ko"), "10-8-6-4-2"));
    assert_true(is_json(json_in_get(answer, "total"), "null"));
    json_in_free(answer);
    check(PLAIN, "{\"grades\":{\"i1\":10.01,\"i2\":1,\"i3\":1}}", "null", "0", "null", "");
    check(PLAIN, "{\"grades\":{\"i1\":-1,\"i2\":1,\"i3\":1}}", "null", "0", "null", "");
    check(PLAIN, "{\"grades\":{\"i1\":1.005,\"i2\":1,\"i3\":1}}", "null", "0", "null", "");
    check(PLAIN, "{\"grades\":{\"i4\":1}}", "null", "0", "null", "");
    check(PLAIN, "{\"grades\":{\"i1\":1,\"일\":2,\"i2\":1,\"i3\":1}}", "null", "0", "null", "");
}

static void what_is_not_graded_is_not_zero(void **state) {
    (void)state;
    check(GRADED, "{\"grades\":{\"i1\":15}," CHECKS "}", "15", "0", "15", "");
    check(
        GRADED, "{\"grades\":{\"i1\":15,\"i2\":10},\"checks\":{\"c1\":true}}", "25", "0", "25", "");
    check(GRADED, "{\"grades\":{\"i1\":3,\"i2\":2},\"checks\":{\"c1\":true}}", "5", "0", "5",
        "부적합");
    check(GRADED, "{}", "null", "0", "null", "");
    struct json_in *answer = ask_one(ask_score, GRADED, NULL, "{\"grades\":{\"i1\":15}}");
    assert_true(mentions(answer, "refused", "구체성"));
    json_in_free(answer);
}

static void a_failed_check_decides(void **state) {
    (void)state;
    check(GRADED, "{\"grades\":{\"i1\":15,\"i2\":10},\"checks\":{\"c1\":true,\"c2\":false}}", "25",
        "0", "25", "부적합");
    check(GRADED, "{\"grades\":{\"i1\":15,\"i2\":10},\"checks\":{\"c1\":true,\"동의\":\"부적합\"}}",
        "25", "0", "25", "부적합");
    struct json_in *answer = ask_one(ask_score, GRADED, NULL,
        "{\"grades\":{\"i1\":15,\"i2\":10},\"checks\":{\"c1\":true,\"c2\":false,\"c9\":true}}");
    assert_non_null(entry_of(answer, "refused", "rule", "c2"));
    assert_non_null(entry_of(answer, "refused", "rule", "c9"));
    json_in_free(answer);
}

static void the_bonus_needs_its_evidence_and_its_cap(void **state) {
    (void)state;
#define SUM12 "\"grades\":{\"i1\":6,\"i2\":6}," CHECKS
    check(GRADED, "{" SUM12 ",\"bonus\":[{\"id\":\"b1\",\"attached\":true}]}", "12", "5", "17",
        "적합");
    check(GRADED, "{" SUM12 ",\"bonus\":[{\"id\":\"b1\",\"attached\":false}]}", "12", "0", "12",
        "부적합");
    check(GRADED, "{" SUM12 ",\"bonus\":[\"b1\"]}", "12", "0", "12", "부적합");
    check(GRADED, "{" SUM12 ",\"bonus\":[\"b3\"]}", "12", "3", "15", "적합");
    check(GRADED, "{" SUM12 ",\"bonus\":[\"b3\",\"뿌리\"]}", "12", "3", "15", "적합");
    check(GRADED, "{" SUM12 ",\"options\":{\"bonus_counts\":false},\"bonus\":[\"b3\"]}", "12", "3",
        "15", "부적합");
    check(GRADED, "{" SUM12 ",\"bonus\":[\"b2\",\"b3\"]}", "12", "5", "17", "적합");
    check(GRADED, "{" SUM12 ",\"bonus\":[\"b9\"]}", "12", "0", "12", "부적합");
#define SHORT(day)                                                                                 \
    "{\"applied_at\":\"" day "\",\"bonus\":[{\"id\":\"b2\",\"issued\":\"2019-02-20\"}]}"
    check(GRADED, SHORT("2020-02-20"), "null", "3", "null", "");
    check(GRADED, SHORT("2020-02-21"), "null", "0", "null", "");
    check(GRADED, SHORT("2019-02-19"), "null", "0", "null", "");
    check(GRADED, SHORT("2020-02-20T23:59"), "null", "3", "null", "");
}

static void a_sheet_that_does_not_add_up_is_told(void **state) {
    (void)state;
    struct json_in *answer =
        ask_one(ask_score, PLAIN, NULL, "{\"grades\":{\"i1\":10,\"i2\":10,\"i3\":15}}");
    assert_true(is_json(json_in_get(answer, "areas"), "{\"가\":20,\"나\":15}"));
    assert_true(is_json(json_in_get(answer, "per_item"), "{\"i1\":10,\"i2\":10,\"i3\":15}"));
    assert_true(is_json(json_in_get(answer, "total"), "35"));
    assert_string_equal("적합", text_in(answer, "verdict"));
    assert_true(mentions(answer, "notes", "D-08"));
    json_in_free(answer);
}

static void evaluators_are_combined_by_their_mean(void **state) {
    (void)state;
#define G(who, a, b, c)                                                                            \
    "{\"evaluator\":\"" who "\",\"grades\":{\"i1\":" a ",\"i2\":" b ",\"i3\":" c "}}"
    check(PLAIN,
        "{\"sheets\":[" G("가", "10", "10", "8") "," G("나", "10", "10", "8") "," G(
            "다", "10", "9", "8") "]}",
        "27.67", "0", "27.67", "부적합");
    check(PLAIN, "{\"sheets\":[" G("가", "10", "10", "8") "," G("나", "10", "10", "8") "]}", "28",
        "0", "28", "적합");
    check(PLAIN,
        "{\"options\":{\"trim\":true},\"sheets\":[" G("1", "10", "10", "15") "," G(
            "2", "0", "0", "0") "," G("3", "5", "5", "5") "," G("4", "5", "5", "6") "," G("5", "5",
            "5", "5.5") "]}",
        "15.5", "0", "15.5", "부적합");
    check(PLAIN,
        "{\"options\":{\"trim\":true},\"sheets\":[" G("1", "10", "10", "15") "," G(
            "2", "0", "0", "0") "]}",
        "17.5", "0", "17.5", "부적합");
    // One sheet was not submitted, another one has a wrong value.
    check(PLAIN,
        "{\"sheets\":[" G("1", "10", "10", "10") ",{\"submitted\":false,\"grades\":{\"i1\":99}}]}",
        "30", "0", "30", "적합");
    check(PLAIN, "{\"sheets\":[" G("1", "10", "10", "10") "," G("2", "99", "1", "1") "]}", "null",
        "0", "null", "");
    check(PLAIN, "{\"sheets\":[]}", "null", "0", "null", "");
}

static void one_evaluators_failed_check_decides(void **state) {
    (void)state;
    check(GRADED,
        "{\"sheets\":[{\"grades\":{\"i1\":15,\"i2\":10}," CHECKS "},"
        "{\"grades\":{\"i1\":15,\"i2\":10},\"checks\":{\"c1\":false,\"c2\":true}}]}",
        "25", "0", "25", "부적합");
}

static void without_sheet_or_mark_nothing_is_invented(void **state) {
    (void)state;
    static const char NONE[] =
        HEAD "\"bonus\":{\"cap\":5,\"items\":[{\"id\":\"x\",\"ko\":\"엑스\",\"points\":3},"
             "{\"id\":\"y\",\"ko\":\"와이\",\"points\":3},{\"id\":\"z\",\"ko\":\"제트\",\"points\":"
             "3}]}}";
    check(NONE, "{\"bonus\":[]}", "null", "0", "null", "");
    check(NONE, "{\"bonus\":[\"x\"]}", "null", "3", "null", "");
    check(NONE, "{\"bonus\":[\"x\",\"y\"]}", "null", "5", "null", "");
    check(NONE, "{\"grades\":{\"i1\":1},\"bonus\":[\"x\",\"y\",\"z\"]}", "null", "5", "null", "");
}

static void contradictory_input_is_refused(void **state) {
    (void)state;
    struct programme *programme = programme_from(PLAIN);
    static const char *const WRONG[] = {"{\"grades\":{\"i1\":1},\"sheets\":[]}",
        "{\"bonus\":\"x\"}", "{\"applied_at\":\"2020-02-30\"}",
        "{\"sheets\":[{\"evaluator\":\"e\",\"grades\":{}},{\"evaluator\":\"f\",\"grades\":{}},"
        "{\"evaluator\":\"e\",\"grades\":{}}]}"};
    for (size_t i = 0; i < 4; i++) {
        int code = 0;
        assert_null(ask_with(ask_score, programme, NULL, WRONG[i], &code));
        assert_int_equal(ERR_INVALID, code);
    }
    programme_free(programme);
}

static void no_score_passes_the_sheet_and_the_bonus_cap(void **state) {
    (void)state;
    struct programme *programme = programme_from(GRADED);
    static const int FIRST[] = {15, 12, 9, 6, 3};
    static const int SECOND[] = {10, 8, 6, 4, 2};
    static const char *const BONUS[] = {"{\"id\":\"b1\",\"attached\":true}", "\"b2\"", "\"b3\""};
    struct random random;
    random_seed(&random, 7);
    for (int round = 0; round < 400; round++) {
        uint32_t r = (uint32_t)random_below(&random, 1000);
        char input[512];
        (void)snprintf(input, sizeof input,
            "{\"grades\":{\"i1\":%d,\"i2\":%d},\"bonus\":[%s,%s,%s]," CHECKS "}", FIRST[r % 5],
            SECOND[r / 5 % 5], BONUS[r % 3], BONUS[r / 3 % 3], BONUS[r / 9 % 3]);
        int code = 0;
        struct json_in *answer = ask_with(ask_score, programme, NULL, input, &code);
        assert_non_null(answer);
        int64_t items = 0;
        int64_t total = 0;
        int64_t bonus = 0;
        assert_true(json_in_whole(json_in_get(answer, "items"), &items));
        assert_true(json_in_whole(json_in_get(answer, "bonus"), &bonus));
        assert_true(json_in_whole(json_in_get(answer, "total"), &total));
        assert_int_equal(FIRST[r % 5] + SECOND[r / 5 % 5], items);
        assert_true(bonus >= 0 && bonus <= 5 && total == items + bonus && total <= 30);
        assert_string_equal(total >= 15 ? "적합" : "부적합", text_in(answer, "verdict"));
        json_in_free(answer);
    }
    programme_free(programme);
}

static void points_are_exact_hundredths(void **state) {
    (void)state;
    static const struct {
        const char *json;
        int64_t expected; // INT64_MIN: refused.
        const char *text;
    } CASES[] = {{"[60]", 6000, "60"}, {"[59.99]", 5999, "59.99"}, {"[\"87.5\"]", 8750, "87.50"},
        {"[0.07]", 7, "0.07"}, {"[-3.05]", -305, "-3.05"}, {"[59.995]", INT64_MIN, ""},
        {"[1e300]", INT64_MIN, ""}, {"[\"x\"]", INT64_MIN, ""}, {"[true]", INT64_MIN, ""}};
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        struct buf whole;
        buf_init(&whole, 64);
        buf_printf(&whole, "{\"v\":%s}", CASES[i].json);
        struct json_in *json = json_from(buf_z(&whole));
        buf_fini(&whole);
        int64_t points = INT64_MIN;
        char text[POINTS_TEXT_MAX];
        assert_int_equal(CASES[i].expected != INT64_MIN,
            points_of(json_in_at(json_in_get(json, "v"), 0), &points));
        assert_int_equal(CASES[i].expected, points);
        if (points != INT64_MIN) {
            (void)points_text(points, text);
            assert_string_equal(CASES[i].text, text);
        }
        json_in_free(json);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(grades_are_words_or_printed_values),
        cmocka_unit_test(a_value_off_the_sheet_is_refused),
        cmocka_unit_test(what_is_not_graded_is_not_zero),
        cmocka_unit_test(a_failed_check_decides),
        cmocka_unit_test(the_bonus_needs_its_evidence_and_its_cap),
        cmocka_unit_test(a_sheet_that_does_not_add_up_is_told),
        cmocka_unit_test(evaluators_are_combined_by_their_mean),
        cmocka_unit_test(one_evaluators_failed_check_decides),
        cmocka_unit_test(without_sheet_or_mark_nothing_is_invented),
        cmocka_unit_test(contradictory_input_is_refused),
        cmocka_unit_test(no_score_passes_the_sheet_and_the_bonus_cap),
        cmocka_unit_test(points_are_exact_hundredths),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
