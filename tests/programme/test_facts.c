/* Tests over facts: three-valued logic, and what people write for the same thing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/buf.h"
#include "programme/facts.h"
#include "programme/lexicon.h"
#include "support_ask.h"

static const char PROGRAMME[] =
    "{\"format\":1,\"id\":\"p-2024\",\"kind\":\"programme\",\"ko\":\"시험 "
    "사업\",\"aliases\":[\"시험\"],"
    "\"announced\":\"2024-01-19\",\"region\":{\"names\":[\"부평\",\"Bupyeong\"]},"
    "\"window\":{\"opens\":\"2024-01-20\",\"closes\":\"2024-02-20T17:00\"},"
    "\"types\":[{\"id\":\"t\",\"ko\":\"유형\",\"level\":3}],"
    "\"discrepancies\":[{\"id\":\"D-01\",\"option\":{\"name\":\"tie\",\"values\":[\"a\",\"b\"],"
    "\"default\":\"a\"}}]}";

struct one {
    const char *input;
    const char *test;
    enum truth expected;
};

static enum truth answer_to(const char *input, const char *test, struct trace *trace) {
    struct programme *programme = programme_from(PROGRAMME);
    struct json_in *given = json_from(input);
    struct json_in *wrapped = json_from(test);
    struct err err = ERR_INIT;
    struct facts facts;
    const struct json_in *type = NULL;
    assert_int_equal(0, programme_type(programme, STR_NONE, &type, &err));
    assert_int_equal(0, facts_open(programme, type, given, &facts, &err));
    enum truth result = facts_test(&facts, NULL, json_in_get(wrapped, "t"), trace);
    facts_close(&facts);
    json_in_free(wrapped);
    json_in_free(given);
    programme_free(programme);
    return result;
}

static void check_all(const struct one *cases, size_t count) {
    for (size_t i = 0; i < count; i++) {
        struct trace trace = {0};
        enum truth result = answer_to(cases[i].input, cases[i].test, &trace);
        if (result != cases[i].expected) {
            print_error("%s of %s: %d\n", cases[i].test, cases[i].input, (int)result);
        }
        assert_int_equal(cases[i].expected, result);
        assert_true(result != TRUTH_UNKNOWN || trace.missing_count <= TRACE_MAX);
    }
}
#define CHECK_ALL(cases) check_all((cases), sizeof(cases) / sizeof(cases)[0])

static void what_is_not_given_is_not_known(void **state) {
    (void)state;
    static const struct one CASES[] = {
        {"{}", "{\"t\":{\"fact\":\"a\",\"is\":true}}", TRUTH_UNKNOWN},
        {"{\"a\":null}", "{\"t\":{\"fact\":\"a\",\"is\":true}}", TRUTH_UNKNOWN},
        {"{\"a\":true}", "{\"t\":{\"fact\":\"a\",\"is\":true}}", TRUTH_YES},
        {"{\"a\":false}", "{\"t\":{\"fact\":\"a\",\"is\":true}}", TRUTH_NO},
        {"{\"a\":\"예\"}", "{\"t\":{\"fact\":\"a\"}}", TRUTH_YES},
        {"{\"a\":\"없음\"}", "{\"t\":{\"fact\":\"a\"}}", TRUTH_NO},
        {"{\"a\":\"maybe\"}", "{\"t\":{\"fact\":\"a\"}}", TRUTH_UNKNOWN},
        {"{\"a\":\"x1\"}", "{\"t\":{\"fact\":\"a\",\"at_least\":1}}", TRUTH_UNKNOWN},
        {"{\"a\":\"2024-13-01\"}", "{\"t\":{\"fact\":\"a\",\"before\":\"2024-01-01\"}}",
            TRUTH_UNKNOWN},
        {"{}", "{\"t\":{\"not\":{\"fact\":\"a\"}}}", TRUTH_UNKNOWN},
        {"{\"b\":false}", "{\"t\":{\"all\":[{\"fact\":\"a\"},{\"fact\":\"b\"}]}}", TRUTH_NO},
        {"{\"b\":true}", "{\"t\":{\"all\":[{\"fact\":\"a\"},{\"fact\":\"b\"}]}}", TRUTH_UNKNOWN},
        {"{\"b\":true}", "{\"t\":{\"any\":[{\"fact\":\"a\"},{\"fact\":\"b\"}]}}", TRUTH_YES},
        {"{\"b\":false}", "{\"t\":{\"any\":[{\"fact\":\"a\"},{\"fact\":\"b\"}]}}", TRUTH_UNKNOWN},
        {"{\"b\":false}", "{\"t\":{\"if\":{\"fact\":\"b\"},\"then\":{\"fact\":\"a\"}}}", TRUTH_YES},
        {"{\"b\":true}", "{\"t\":{\"if\":{\"fact\":\"b\"},\"then\":{\"fact\":\"a\"}}}",
            TRUTH_UNKNOWN},
        {"{\"a\":false,\"b\":true}", "{\"t\":{\"if\":{\"fact\":\"b\"},\"then\":{\"fact\":\"a\"}}}",
            TRUTH_NO},
        {"{\"a\":true}", "{\"t\":{\"if\":{\"fact\":\"b\"},\"then\":{\"fact\":\"a\"}}}", TRUTH_YES},
        {"{\"b\":false}", "{\"t\":{\"first\":[{\"fact\":\"a\"},{\"fact\":\"b\"}]}}", TRUTH_NO},
        {"{}", "{\"t\":{\"first\":[{\"fact\":\"a\"},true]}}", TRUTH_YES},
        {"{}", "{\"t\":{}}", TRUTH_UNKNOWN}};
    CHECK_ALL(CASES);
}

static void comparisons_meet_their_limits(void **state) {
    (void)state;
    static const struct one CASES[] = {
        {"{\"a\":3}", "{\"t\":{\"fact\":\"a\",\"at_least\":3}}", TRUTH_YES},
        {"{\"a\":2.5}", "{\"t\":{\"fact\":\"a\",\"at_least\":3}}", TRUTH_NO},
        {"{\"a\":3}", "{\"t\":{\"fact\":\"a\",\"more_than\":3}}", TRUTH_NO},
        {"{\"a\":3}", "{\"t\":{\"fact\":\"a\",\"at_most\":3}}", TRUTH_YES},
        {"{\"a\":3}", "{\"t\":{\"fact\":\"a\",\"less_than\":3}}", TRUTH_NO},
        {"{\"a\":3}", "{\"t\":{\"fact\":\"a\",\"at_least\":1,\"at_most\":2}}", TRUTH_NO},
        {"{\"a\":{\"b\":4}}", "{\"t\":{\"fact\":\"a.b\",\"is\":4}}", TRUTH_YES},
        {"{\"d\":\"2024-03-31\"}", "{\"t\":{\"fact\":\"d\",\"on_or_before\":\"2024-03-31\"}}",
            TRUTH_YES},
        {"{\"d\":\"2024-03-31\"}", "{\"t\":{\"fact\":\"d\",\"before\":\"2024-03-31\"}}", TRUTH_NO},
        {"{\"d\":\"2024-03-31\"}", "{\"t\":{\"fact\":\"d\",\"on_or_after\":\"2024-03-31\"}}",
            TRUTH_YES},
        {"{\"d\":\"2024-03-31\"}", "{\"t\":{\"fact\":\"d\",\"after\":\"2024-03-31\"}}", TRUTH_NO},
        {"{\"d\":\"2024-04-30\"}",
            "{\"t\":{\"fact\":\"d\",\"on_or_before\":\"2024-03-31\",\"plus\":{\"months\":1}}}",
            TRUTH_YES},
        {"{\"d\":\"2024-05-01\"}",
            "{\"t\":{\"fact\":\"d\",\"on_or_before\":\"2024-03-31\",\"plus\":{\"months\":1}}}",
            TRUTH_NO},
        {"{\"d\":\"2021-01-19\"}",
            "{\"t\":{\"fact\":\"d\",\"on_or_before\":\"$@announced\",\"plus\":{\"years\":-3}}}",
            TRUTH_YES},
        {"{\"d\":\"2021-01-20\"}",
            "{\"t\":{\"fact\":\"d\",\"on_or_before\":\"$@announced\",\"plus\":{\"years\":-3}}}",
            TRUTH_NO},
        {"{\"d\":\"2024-02-20\"}", "{\"t\":{\"fact\":\"d\",\"on_or_before\":\"$@closes\"}}",
            TRUTH_YES},
        {"{\"a\":2}", "{\"t\":{\"fact\":\"a\",\"at_least\":\"$@type.level\"}}", TRUTH_NO},
        {"{\"d\":\"2024-02-20\",\"applied_at\":\"2024-02-19\"}",
            "{\"t\":{\"fact\":\"d\",\"after\":\"$applied_at\"}}", TRUTH_YES},
        {"{\"d\":\"2024-02-20\"}", "{\"t\":{\"fact\":\"d\",\"after\":\"$applied_at\"}}",
            TRUTH_UNKNOWN},
        {"{\"d\":\"2024-02-20\"}",
            "{\"t\":{\"fact\":\"d\",\"after\":\"2024-01-01\",\"plus\":{\"years\":99999}}}",
            TRUTH_UNKNOWN},
        {"{\"f\":\"인천 부평구 1\"}", "{\"t\":{\"fact\":\"f\",\"within\":\"region\"}}", TRUTH_YES},
        {"{\"f\":{\"address\":\"Incheon, bupyeong-gu\"}}",
            "{\"t\":{\"fact\":\"f\",\"within\":\"region\"}}", TRUTH_YES},
        {"{\"f\":\"서울\"}", "{\"t\":{\"fact\":\"f\",\"within\":\"region\"}}", TRUTH_NO},
        {"{\"f\":[\"부평구 1\",\"부평구 2\"]}", "{\"t\":{\"fact\":\"f\",\"within\":\"region\"}}",
            TRUTH_YES},
        {"{\"f\":[\"부평구 1\",\"서울\"]}", "{\"t\":{\"fact\":\"f\",\"within\":\"region\"}}",
            TRUTH_NO},
        {"{\"f\":\"MES cloud\"}", "{\"t\":{\"fact\":\"f\",\"has\":[\"CLOUD\",\"클라우드\"]}}",
            TRUTH_YES},
        {"{\"f\":[\"a\",\"b\"]}", "{\"t\":{\"fact\":\"f\",\"in\":[\"b\",\"c\"]}}", TRUTH_YES},
        {"{\"f\":[]}", "{\"t\":{\"fact\":\"f\",\"in\":[\"b\",\"c\"]}}", TRUTH_NO}};
    CHECK_ALL(CASES);
}

static void words_for_one_thing_are_one(void **state) {
    (void)state;
    static const struct one CASES[] = {
        {"{\"target_level\":\"중간1\"}", "{\"t\":{\"fact\":\"target_level\",\"at_least\":3}}",
            TRUTH_YES},
        {"{\"target_level\":\"level 2\"}",
            "{\"t\":{\"fact\":\"target_level\",\"at_least\":\"중간1\"}}", TRUTH_NO},
        {"{\"target_level\":\"고도\"}", "{\"t\":{\"fact\":\"target_level\",\"is\":5}}", TRUTH_YES},
        {"{\"target_level\":\"3\"}", "{\"t\":{\"fact\":\"target_level\",\"is\":\"중간 1\"}}",
            TRUTH_YES},
        {"{\"size\":\"small\"}", "{\"t\":{\"fact\":\"company_size\",\"in\":[\"소기업\"]}}",
            TRUTH_YES},
        {"{\"company_size\":\"중소기업\"}",
            "{\"t\":{\"fact\":\"company_size\",\"in\":[\"소기업\"]}}", TRUTH_UNKNOWN},
        {"{\"company_size\":\"중소기업\"}",
            "{\"t\":{\"fact\":\"company_size\",\"in\":[\"소기업\",\"중기업\"]}}", TRUTH_YES},
        {"{\"company_size\":\"대기업\"}",
            "{\"t\":{\"fact\":\"company_size\",\"in\":[\"소기업\",\"중기업\"]}}", TRUTH_NO},
        {"{\"consortium\":[\"도입기업\",\"adopter\",{\"role\":\"공급기업\"}]}",
            "{\"t\":{\"count\":\"consortium\",\"where\":{\"fact\":\"role\",\"is\":\"adopter\"},"
            "\"is\":2}}",
            TRUTH_YES},
        {"{\"consortium\":{\"adopters\":4,\"suppliers\":1}}",
            "{\"t\":{\"count\":\"consortium\",\"at_least\":5}}", TRUTH_YES},
        {"{\"consortium\":[{\"role\":\"adopter\",\"count\":3},\"supplier\"]}",
            "{\"t\":{\"count\":\"consortium\",\"at_least\":5}}", TRUTH_NO}};
    CHECK_ALL(CASES);
}

static void earlier_projects_are_understood(void **state) {
    (void)state;
    static const struct one CASES[] = {
        {"{\"past\":[2018]}",
            "{\"t\":{\"count\":\"past\",\"where\":{\"all\":[{\"fact\":\"year\",\"at_least\":2013},{"
            "\"fact\":\"year\",\"at_most\":2019}]},\"at_least\":1}}",
            TRUTH_YES},
        {"{\"past\":[\"2020\"]}",
            "{\"t\":{\"count\":\"past\",\"where\":{\"fact\":\"year\",\"at_most\":2019},\"at_"
            "least\":1}}",
            TRUTH_NO},
        {"{\"past\":[{\"program\":\"x\",\"selected\":2018}]}",
            "{\"t\":{\"count\":\"past\",\"where\":{\"all\":[{\"fact\":\"year\",\"is\":2018},{"
            "\"fact\":\"selected\"}]},\"at_least\":1}}",
            TRUTH_YES},
        {"{\"past\":[{\"id\":\"시험\",\"year\":2024}]}",
            "{\"t\":{\"count\":\"past\",\"where\":{\"fact\":\"programme\",\"is\":\"p-2024\"},"
            "\"is\":1}}",
            TRUTH_YES},
        {"{\"past\":[{\"type\":\"onepoint\",\"sessions\":2}]}",
            "{\"t\":{\"count\":\"past\",\"where\":{\"fact\":\"type\",\"is\":\"onepoint\"},\"at_"
            "most\":1}}",
            TRUTH_NO},
        {"{\"past\":[{\"type\":\"onepoint\",\"finished\":1}]}",
            "{\"t\":{\"count\":\"past\",\"where\":{\"fact\":\"finished\"},\"at_most\":1}}",
            TRUTH_YES},
        {"{\"past\":[{\"status\":\"수행중\",\"ends\":\"2020-06-15\"}]}",
            "{\"t\":{\"count\":\"past\",\"where\":{\"all\":[{\"fact\":\"running\"},{\"fact\":"
            "\"until\",\"on_or_after\":\"2020-06-01\"}]},\"is\":1}}",
            TRUTH_YES},
        {"{\"past\":[{\"programme\":\"a\"}]}",
            "{\"t\":{\"count\":\"past\",\"where\":{\"fact\":\"finished\"},\"at_least\":1}}",
            TRUTH_UNKNOWN},
        {"{\"past\":[{\"programme\":\"a\"}]}",
            "{\"t\":{\"count\":\"past\",\"where\":{\"fact\":\"finished\"},\"at_most\":1}}",
            TRUTH_YES},
        {"{\"past\":[]}", "{\"t\":{\"count\":\"past\",\"at_most\":0}}", TRUTH_YES},
        {"{}", "{\"t\":{\"count\":\"past\",\"at_most\":0}}", TRUTH_UNKNOWN},
        {"{\"experts\":2}", "{\"t\":{\"count\":\"experts\",\"at_least\":2}}", TRUTH_YES},
        {"{\"applied_at\":\"2020-06-01\",\"past\":[{\"until\":\"2020-06-01\"}]}",
            "{\"t\":{\"count\":\"past\",\"where\":{\"fact\":\"until\",\"on_or_after\":\"$^.applied_"
            "at\"},\"is\":1}}",
            TRUTH_YES},
        {"{\"limit\":3,\"past\":[{\"year\":2}]}",
            "{\"t\":{\"count\":\"past\",\"where\":{\"all\":[{\"fact\":\"^.limit\",\"is\":3},{"
            "\"fact\":\"year\",\"less_than\":\"$limit\"}]},\"is\":1}}",
            TRUTH_YES},
        {"{\"adopter\":{\"a\":true,\"size\":\"small\"},\"company_size\":\"large\"}",
            "{\"t\":{\"all\":[{\"fact\":\"a\"},{\"fact\":\"company_size\",\"is\":\"large\"}]}}",
            TRUTH_YES}};
    CHECK_ALL(CASES);
}

static void a_test_nests_only_so_deep(void **state) {
    (void)state;
    AUTO_BUF struct buf deep;
    buf_init(&deep, 1 << 20);
    buf_put_str(&deep, STR("{\"t\":"));
    for (int i = 0; i < 1000; i++) {
        buf_put_str(&deep, STR("{\"not\":"));
    }
    buf_put_str(&deep, STR("{\"fact\":\"a\"}"));
    for (int i = 0; i < 1001; i++) {
        buf_put_char(&deep, '}');
    }
    struct trace trace = {0};
    assert_int_equal(TRUTH_UNKNOWN, answer_to("{\"a\":true}", buf_z(&deep), &trace));
}

static void an_address_lies_in_a_region_by_its_words(void **state) {
    (void)state;
    static const struct {
        const char *names;
        const char *address;
        bool inside;
    } CASES[] = {{"[\"부평\",\"Bupyeong\"]", "인천광역시 부평구 청천동 1", true},
        {"[\"부평\"]", "부평", true}, {"[\"부평\"]", "인천광역시부평구청천동1", true},
        {"[\"부평\",\"Bupyeong\"]", "1 Street, Bupyeong-gu, Incheon", true},
        {"[\"부평\"]", "인천광역시 계양구 부평대로 1", false}, {"[\"부평\"]", "", false},
        {"[\"경기\"]", "경기도 화성시", true}, {"[\"경기\"]", "경기 화성시", true},
        {"[\"경기\"]", "경기화성시", true}, {"[\"경기\"]", "대구광역시 수성구 경기장로 1", false},
        {"[\"인천\"]", "(인천시) 남동구", true}, {"[\"인천\"]", "서울특별시 강남구", false},
        {"[]", "인천", false}, {"[\"\"]", "인천", false}};
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        struct buf text;
        buf_init(&text, 256);
        buf_printf(&text, "{\"n\":%s}", CASES[i].names);
        struct json_in *json = json_from(buf_z(&text));
        bool inside = lexicon_in_region(str_of(CASES[i].address), json_in_get(json, "n"));
        if (inside != CASES[i].inside) {
            print_error("%s in %s\n", CASES[i].address, CASES[i].names);
        }
        assert_int_equal(CASES[i].inside, inside);
        json_in_free(json);
        buf_fini(&text);
    }
}

static void what_is_missing_is_named_once(void **state) {
    (void)state;
    struct programme *programme = programme_from(PROGRAMME);
    struct json_in *input = json_from("{\"d\":\"2024-01-01\",\"c\":true}");
    struct json_in *test =
        json_from("{\"all\":[{\"fact\":\"a\"},{\"fact\":\"a\",\"is\":1},"
                  "{\"fact\":\"d\",\"before\":\"$applied_at\"},{\"fact\":\"c\"}]}");
    struct err err = ERR_INIT;
    struct facts facts;
    struct trace trace = {0};
    assert_int_equal(0, facts_open(programme, NULL, input, &facts, &err));
    assert_int_equal(TRUTH_UNKNOWN, facts_test(&facts, NULL, test, &trace));
    struct buf names;
    buf_init(&names, 256);
    trace_put_missing(&trace, &names);
    assert_string_equal(
        "a, applied_at", buf_z(&names)); // d is known; what it is compared with not.
    buf_clear(&names);
    trace_put_seen(&trace, &names);
    assert_string_equal("d: 2024-01-01, c: true", buf_z(&names));
    buf_fini(&names);
    facts_close(&facts);
    json_in_free(test);
    json_in_free(input);
    programme_free(programme);
}

/* Kleene: learning a fact never turns a decided answer. */
static void more_facts_never_turn_an_answer(void **state) {
    (void)state;
    static const char *const TESTS[] = {"{\"t\":{\"any\":[{\"all\":[{\"fact\":\"a\"},{\"fact\":"
                                        "\"b\"}]},{\"not\":{\"fact\":\"c\"}}]}}",
        "{\"t\":{\"if\":{\"any\":[{\"fact\":\"a\"},{\"fact\":\"d\"}]},\"then\":{\"all\":[{\"fact\":"
        "\"b\"},{\"fact\":\"c\"}]}}}",
        "{\"t\":{\"all\":[{\"not\":{\"all\":[{\"fact\":\"a\"},{\"fact\":\"c\"}]}},{\"any\":[{"
        "\"fact\":\"b\"},{\"fact\":\"d\"}]}]}}"};
    for (size_t t = 0; t < 3; t++) {
        for (unsigned code = 0; code < 81; code++) { // Each of a to d: not given, false, true.
            struct buf some;
            buf_init(&some, 256);
            buf_put_str(&some, STR("{\"x\":1"));
            unsigned rest = code;
            for (int f = 0; f < 4; f++, rest /= 3) {
                if (rest % 3 > 0) {
                    buf_printf(&some, ",\"%c\":%s", 'a' + f, rest % 3 == 1 ? "false" : "true");
                }
            }
            buf_put_char(&some, '}');
            struct trace trace = {0};
            enum truth known = answer_to(buf_z(&some), TESTS[t], &trace);
            for (unsigned full = 0; full < 16 && known != TRUTH_UNKNOWN; full++) {
                struct buf more;
                buf_init(&more, 256);
                buf_put_str(&more, STR("{\"x\":1"));
                rest = code;
                for (int f = 0; f < 4; f++, rest /= 3) {
                    bool yes = rest % 3 > 0 ? rest % 3 == 2 : (full >> f & 1U) != 0;
                    buf_printf(&more, ",\"%c\":%s", 'a' + f, yes ? "true" : "false");
                }
                buf_put_char(&more, '}');
                struct trace other = {0};
                assert_int_equal(known, answer_to(buf_z(&more), TESTS[t], &other));
                buf_fini(&more);
            }
            buf_fini(&some);
        }
    }
}

static void an_option_is_chosen_or_its_default(void **state) {
    (void)state;
    struct programme *programme = programme_from(PROGRAMME);
    struct json_in *chosen = json_from("{\"options\":{\"tie\":\"b\"}}");
    assert_true(str_eq(STR("a"), facts_option(programme, NULL, STR("tie"))));
    assert_true(str_eq(STR("b"), facts_option(programme, chosen, STR("tie"))));
    assert_int_equal(0, facts_option(programme, NULL, STR("none")).size);
    json_in_free(chosen);
    programme_free(programme);
}

static void an_input_is_an_object(void **state) {
    (void)state;
    struct programme *programme = programme_from(PROGRAMME);
    struct json_in *whole = json_from("{\"list\":[1]}");
    struct facts facts;
    struct err err = ERR_INIT;
    assert_int_equal(
        -ERR_INVALID, facts_open(programme, NULL, json_in_get(whole, "list"), &facts, &err));
    json_in_free(whole);
    programme_free(programme);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_not_given_is_not_known),
        cmocka_unit_test(comparisons_meet_their_limits),
        cmocka_unit_test(words_for_one_thing_are_one),
        cmocka_unit_test(earlier_projects_are_understood),
        cmocka_unit_test(a_test_nests_only_so_deep),
        cmocka_unit_test(an_address_lies_in_a_region_by_its_words),
        cmocka_unit_test(what_is_missing_is_named_once),
        cmocka_unit_test(more_facts_never_turn_an_answer),
        cmocka_unit_test(an_option_is_chosen_or_its_default),
        cmocka_unit_test(an_input_is_an_object),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
