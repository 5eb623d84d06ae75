/* Eligibility: rules, parties, windows, documents and cost items, each with its reason. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "core/buf.h"
#include "support_ask.h"

#define HEAD "{\"format\":1,\"id\":\"p\",\"kind\":\"programme\",\"ko\":\"시험\",\"state\":\"open\","
#define WARRANTY                                                                                   \
    "{\"id\":\"warranty\",\"kind\":\"require\",\"ko\":\"보증\",\"en\":\"Warranty over\","        \
    "\"note\":\"D-19\",\"src\":\"002 L99\",\"test\":{\"first\":["                                  \
    "{\"fact\":\"warranty_until\",\"before\":\"$applied_at\"},"                                    \
    "{\"fact\":\"applied_at\",\"after\":\"$intensive_ended\",\"plus\":{\"years\":1}}]},"           \
    "\"say\":{\"ko\":\"{limit|warranty_until}까지 보증\","                                     \
    "\"en\":\"the warranty runs through {limit|warranty_until}\"}}"

static const char RULES[] = HEAD
    "\"discrepancies\":[{\"id\":\"D-19\",\"where\":\"w\",\"ko\":\"다름\",\"en\":\"differs\"}],"
    "\"types\":[{\"id\":\"a\",\"ko\":\"가\"},{\"id\":\"b\",\"ko\":\"나\",\"sizes\":[\"소기업\"]}],"
    "\"rules\":[" WARRANTY
    ",{\"id\":\"closed\",\"kind\":\"exclude\",\"ko\":\"휴·폐업\",\"en\":\"Closed\","
    "\"who\":[\"adopter\",\"supplier\"],\"src\":\"L1\"},"
    "{\"id\":\"only_b\",\"kind\":\"require\",\"ko\":\"나만\",\"types\":[\"b\"],\"src\":\"L2\"},"
    "{\"id\":\"old\",\"kind\":\"require\",\"ko\":\"3년\",\"who\":[\"solution\"],\"src\":\"L3\","
    "\"test\":{\"fact\":\"founded\",\"on_or_before\":\"2020-01-01\"}}]}";

static const char *rule_result(const struct json_in *answer, const char *rule) {
    return text_in(entry_of(answer, "reasons", "rule", rule), "result");
}

static void check(const char *programme, const char *type, const char *input, const char *rule,
    const char *expected) {
    struct json_in *answer = ask_one(ask_eligible, programme, type, input);
    if (strcmp(expected, rule_result(answer, rule)) != 0) {
        print_error("%s: %s of %s\n", rule, rule_result(answer, rule), input);
    }
    assert_string_equal(expected, rule_result(answer, rule));
    json_in_free(answer);
}

static void a_refusal_names_rule_source_and_case(void **state) {
    (void)state;
    struct json_in *answer = ask_one(ask_eligible, RULES, "a",
        "{\"applied_at\":\"2024-03-15\",\"intensive_ended\":\"2023-03-31\",\"closed\":false}");
    assert_string_equal("no", text_in(answer, "result"));
    const struct json_in *refused = entry_of(answer, "refused", "rule", "warranty");
    assert_non_null(refused);
    assert_string_equal("002 L99", text_in(refused, "source"));
    assert_string_equal(
        "Warranty over: the warranty runs through 2024-03-31", text_in(refused, "en"));
    assert_string_equal("보증: 2024-03-31까지 보증", text_in(refused, "ko"));
    assert_true(mentions(answer, "notes", "D-19"));
    json_in_free(answer);
    check(RULES, "a", "{\"applied_at\":\"2024-04-01\",\"intensive_ended\":\"2023-03-31\"}",
        "warranty", "yes");
    check(RULES, "a", "{\"applied_at\":\"2024-03-31\",\"warranty_until\":\"2024-03-31\"}",
        "warranty", "no");
    check(RULES, "a", "{\"applied_at\":\"2024-03-31\"}", "warranty", "person");
    check(RULES, "a", "{\"warranty\":true}", "warranty", "yes"); // Said outright.
    check(RULES, "a", "{\"warranty\":false}", "warranty", "no");
}

static void each_party_of_the_role_is_asked(void **state) {
    (void)state;
    check(RULES, "a", "{}", "closed", "person");
    check(RULES, "a", "{\"closed\":false}", "closed", "person"); // The supplier is not known.
    check(RULES, "a", "{\"closed\":true}", "closed", "no");
    check(RULES, "a",
        "{\"closed\":false,\"consortium\":[{\"role\":\"공급기업\",\"closed\":false}]}", "closed",
        "yes");
    check(RULES, "a", "{\"closed\":false,\"supplier\":{\"closed\":false}}", "closed", "yes");
    check(RULES, "a", "{\"closed\":false,\"consortium\":[{\"role\":\"공급기업\",\"closed\":true}]}",
        "closed", "no");
    check(RULES, "a", "{\"closed\":false,\"consortium\":[\"supplier\"]}", "closed", "person");
    check(RULES, "a", "{\"closed\":false,\"consortium\":[\"adopter\"]}", "closed", "yes");
    check(RULES, "a", "{\"closed\":false,\"consortium\":[{\"role\":\"adopter\",\"closed\":true}]}",
        "closed", "no");
    check(RULES, "a", "{\"consortium\":[\"adopter\"]}", "old", "person"); // Nobody to ask.
    // One supplier answers for the solution; where solution firms take part, they do.
    check(RULES, "a", "{\"consortium\":[{\"role\":\"supplier\",\"founded\":\"2019-12-31\"}]}",
        "old", "yes");
    check(RULES, "a",
        "{\"consortium\":[{\"role\":\"솔루션기업\",\"founded\":\"2020-01-02\"},"
        "{\"role\":\"supplier\",\"founded\":\"2000-01-01\"}]}",
        "old", "no");
}

static void rules_of_other_types_are_not_asked(void **state) {
    (void)state;
    struct json_in *answer = ask_one(ask_eligible, RULES, "a", "{}");
    assert_null(entry_of(answer, "reasons", "rule", "only_b"));
    assert_null(entry_of(answer, "reasons", "rule", "size"));
    json_in_free(answer);
    check(RULES, "b", "{\"only_b\":true}", "only_b", "yes");
    check(RULES, "b", "{\"company_size\":\"소기업\"}", "size", "yes");
    check(RULES, "b", "{\"company_size\":\"medium\"}", "size", "no");
    check(RULES, "b", "{\"company_size\":\"중소기업\"}", "size", "person");
    check(RULES, "b", "{}", "size", "person");
    answer = ask_one(ask_eligible, RULES, NULL, "{}");
    assert_null(entry_of(answer, "reasons", "rule", "only_b"));
    assert_true(mentions(answer, "notes", "no support type was named"));
    json_in_free(answer);
}

static void what_is_missing_stands_in_the_reason(void **state) {
    (void)state;
    struct json_in *answer = ask_one(ask_eligible, RULES, "a", "{\"closed\":false}");
    assert_string_equal("person", text_in(answer, "result"));
    assert_true(is_json(
        json_in_get(entry_of(answer, "reasons", "rule", "closed"), "missing"), "[\"consortium\"]"));
    assert_int_equal(0, json_in_count(json_in_get(answer, "refused")));
    json_in_free(answer);
}

#define WINDOW(text) HEAD "\"types\":[{\"id\":\"a\",\"ko\":\"가\"}],\"window\":" text "}"
#define FIXED                                                                                      \
    WINDOW("{\"opens\":\"2022-12-20\",\"closes\":\"2022-12-29T17:00\",\"src\":\"001 §3\"}")
#define ROLLING WINDOW("{\"opens\":\"2024-01-19\",\"rolling\":true}")
#define DATES   WINDOW("{\"opens\":\"2020-02-13\",\"closes\":\"2020-03-31\"}")

static void the_window_admits_its_last_second(void **state) {
    (void)state;
    static const struct {
        const char *programme;
        const char *applied;
        const char *expected;
    } CASES[] = {{FIXED, "2022-12-29T16:59:59", "yes"}, {FIXED, "2022-12-29T17:00:00", "yes"},
        {FIXED, "2022-12-29T17:00", "yes"}, {FIXED, "2022-12-29T17:00:01", "no"},
        {FIXED, "2022-12-29T17:00:00.5", "no"}, {FIXED, "2022-12-29T08:00:00Z", "yes"},
        {FIXED, "2022-12-29T08:00:01Z", "no"}, {FIXED, "2022-12-29", "person"},
        {FIXED, "2022-12-28", "yes"}, {FIXED, "2022-12-30", "no"}, {FIXED, "2022-12-19", "no"},
        {FIXED, "2022-12-20", "yes"}, {ROLLING, "2030-01-01", "yes"}, {ROLLING, "2024-01-18", "no"},
        {DATES, "2020-03-27", "yes"}, {DATES, "2020-03-31T23:59:59", "yes"},
        {DATES, "2020-04-01", "no"}};
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        struct buf input;
        buf_init(&input, 128);
        buf_printf(&input, "{\"applied_at\":\"%s\"}", CASES[i].applied);
        check(CASES[i].programme, "a", buf_z(&input), "window", CASES[i].expected);
        buf_fini(&input);
    }
    check(FIXED, "a", "{}", "window", "person");
    check(
        ROLLING, "a", "{\"applied_at\":\"2024-02-01\",\"budget_exhausted\":true}", "window", "no");
}

static void what_is_not_open_takes_no_application(void **state) {
    (void)state;
    static const char *const STATES[] = {"details_pending", "continuing"};
    for (size_t i = 0; i < 2; i++) {
        struct buf programme;
        buf_init(&programme, 256);
        buf_printf(&programme,
            "{\"format\":1,\"id\":\"p\",\"kind\":\"programme\",\"ko\":\"x\",\"state\":\"%s\","
            "\"types\":[{\"id\":\"a\",\"ko\":\"x\"}]}",
            STATES[i]);
        struct json_in *answer = ask_one(ask_eligible, buf_z(&programme), "a", "{}");
        buf_fini(&programme);
        assert_string_equal("no", text_in(answer, "result"));
        assert_non_null(entry_of(answer, "refused", "rule", "state"));
        json_in_free(answer);
    }
}

static const char PAPERS[] = HEAD "\"types\":[{\"id\":\"a\",\"ko\":\"가\"}],\"documents\":["
                                  "{\"id\":\"reg\",\"ko\":\"사업자등록증명원\",\"en\":"
                                  "\"Registration\",\"max_age_months\":3,\"copies\":1,"
                                  "\"src\":\"L115\"},{\"id\":\"plan\",\"ko\":\"계획서\"},"
                                  "{\"id\":\"cert\",\"ko\":\"인증서\",\"only_if\":\"해당시\"},"
                                  "{\"id\":\"policy\",\"ko\":\"증권\",\"stage\":\"payment\"}]}";

static void a_document_is_good_through_its_last_day(void **state) {
    (void)state;
#define FILED "{\"applied_at\":\"2024-04-15\",\"documents\":"
    struct json_in *answer = ask_one(
        ask_eligible, PAPERS, "a", FILED "[{\"id\":\"reg\",\"issued\":\"2024-01-14\"},\"plan\"]}");
    const struct json_in *refused = entry_of(answer, "refused", "rule", "reg");
    assert_non_null(refused);
    assert_non_null(strstr(text_in(refused, "en"), "good through 2024-04-14"));
    assert_non_null(strstr(text_in(refused, "en"), "Registration"));
    assert_null(entry_of(answer, "reasons", "rule", "cert"));
    assert_null(entry_of(answer, "reasons", "rule", "policy"));
    assert_string_equal("no", text_in(answer, "result"));
    json_in_free(answer);
    check(PAPERS, "a", FILED "[{\"id\":\"reg\",\"issued\":\"2024-01-15\"}]}", "reg", "yes");
    check(PAPERS, "a", FILED "[{\"id\":\"사업자등록증명원\",\"issued\":\"2024-04-15\"}]}", "reg",
        "yes");
    check(PAPERS, "a", FILED "[{\"id\":\"reg\",\"issued\":\"2024-04-16\"}]}", "reg", "person");
    check(PAPERS, "a", FILED "[\"reg\"]}", "reg", "person"); // No day of issue.
    check(PAPERS, "a", "{\"documents\":[{\"id\":\"reg\",\"issued\":\"2024-01-14\"}]}", "reg",
        "person");
    check(PAPERS, "a", FILED "[{\"id\":\"reg\",\"issued\":\"2024-04-01\",\"copies\":0}]}", "reg",
        "no");
    check(PAPERS, "a", FILED "[{\"id\":\"plan\",\"readable\":false}]}", "plan", "no");
    check(PAPERS, "a", FILED "[]}", "plan", "person");
    check(PAPERS, "a", FILED "[],\"documents_complete\":true}", "plan", "no");
    check(PAPERS, "a", FILED "[\"plan\"],\"documents_complete\":true}", "plan", "yes");
    answer = ask_one(ask_eligible, PAPERS, "a", FILED "[\"policy\"]}");
    assert_true(mentions(answer, "notes", "policy"));
    json_in_free(answer);
}

static void everything_known_and_good_is_yes(void **state) {
    (void)state;
    struct json_in *answer = ask_one(
        ask_eligible, PAPERS, "a", FILED "[{\"id\":\"reg\",\"issued\":\"2024-04-01\"},\"plan\"]}");
    assert_string_equal("yes", text_in(answer, "result"));
    json_in_free(answer);
}

static const char COSTS[] =
    HEAD "\"types\":[{\"id\":\"a\",\"ko\":\"가\"}],\"costs\":{\"src\":\"002 §2\",\"allowed\":["
         "{\"id\":\"upgrade\",\"ko\":\"업그레이드\",\"en\":\"Upgrades\",\"words\":[\"upgrade\","
         "\"모듈 추가\"]}],"
         "\"refused\":[{\"id\":\"rental\",\"ko\":\"임대\",\"en\":\"Rent\",\"words\":[\"rental\","
         "\"licence\"],\"except\":[\"perpetual\"]},"
         "{\"id\":\"unrelated\",\"ko\":\"무관\",\"en\":\"Unrelated\",\"words\":[\"office\"]}]}}";

static void each_cost_item_is_answered(void **state) {
    (void)state;
    struct json_in *answer = ask_one(ask_eligible, COSTS, "a",
        "{\"cost_items\":[\"MES Upgrade\",{\"name\":\"1-year licence\"},\"office printer upgrade\","
        "{\"kind\":\"rental\",\"name\":\"upgrade of a rented truck\"},\"a "
        "press\",{\"id\":\"upgrade\"}]}");
    static const char *const EXPECTED[] = {
        "allowed", "refused", "refused", "refused", "person", "allowed"};
    const struct json_in *items = json_in_get(answer, "cost_items");
    assert_int_equal(6, json_in_count(items));
    for (size_t i = 0; i < 6; i++) {
        assert_string_equal(EXPECTED[i], text_in(json_in_at(items, i), "result"));
    }
    assert_int_equal(3, json_in_count(json_in_get(answer, "refused")));
    assert_string_equal("no", text_in(answer, "result"));
    json_in_free(answer);
    answer = ask_one(ask_eligible, COSTS, "a", "{\"cost_items\":[\"a perpetual licence\"]}");
    assert_string_equal("person", text_in(answer, "result"));
    json_in_free(answer);
    answer = ask_one(ask_eligible, COSTS, "a", "{\"cost_items\":[\"a press\"]}");
    assert_string_equal("person", text_in(answer, "result"));
    json_in_free(answer);
}

static void a_date_that_is_none_is_refused(void **state) {
    (void)state;
    struct programme *programme = programme_from(PAPERS);
    int code = 0;
    assert_null(ask_with(ask_eligible, programme, "a", "{\"applied_at\":\"2024-02-30\"}", &code));
    assert_int_equal(ERR_INVALID, code);
    programme_free(programme);
}

static void one_supplier_brings_only_so_many(void **state) {
    (void)state;
    static const char PROGRAMME[] = HEAD
        "\"types\":[{\"id\":\"a\",\"ko\":\"가\"}],\"consortium\":{\"supplier_adopters_max\":3}}";
    check(PROGRAMME, "a", "{\"supplier_adopters\":3}", "supplier_adopters", "yes");
    check(PROGRAMME, "a", "{\"supplier_adopters\":4}", "supplier_adopters", "no");
    check(PROGRAMME, "a", "{}", "supplier_adopters", "person");
    check(PROGRAMME, "a", "{\"consortium\":{\"adopters\":4,\"supplier\":1}}", "supplier_adopters",
        "no");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_refusal_names_rule_source_and_case),
        cmocka_unit_test(each_party_of_the_role_is_asked),
        cmocka_unit_test(rules_of_other_types_are_not_asked),
        cmocka_unit_test(what_is_missing_stands_in_the_reason),
        cmocka_unit_test(the_window_admits_its_last_second),
        cmocka_unit_test(what_is_not_open_takes_no_application),
        cmocka_unit_test(a_document_is_good_through_its_last_day),
        cmocka_unit_test(everything_known_and_good_is_yes),
        cmocka_unit_test(each_cost_item_is_answered),
        cmocka_unit_test(a_date_that_is_none_is_refused),
        cmocka_unit_test(one_supplier_brings_only_so_many),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
