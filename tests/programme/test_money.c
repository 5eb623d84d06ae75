/* Worked results of the announcements: grants, days and clawback, to the won and the day. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "programme/shelf.h"
#include "programme/verbs.h"
#include "support_examples.h"

#define EXAMPLES TEST_DATA "/programme_examples.json"

/* R-154 R-155 R-156 R-157 R-158 R-159 R-160 R-161 R-162 R-163 R-164 R-165 R-166 R-167 R-168
 * R-169 R-170 R-171 R-172 R-173 R-174 R-175 R-176 R-177. */
static void grants_are_computed_to_the_won(void **state) {
    (void)state;
    assert_true(run_examples(EXAMPLES, "subsidy") >= 35);
}

/* R-075 R-204 R-205 R-206 R-207 R-209 R-210 R-211 R-212 R-213 R-223 R-227 R-228 R-241. */
static void days_are_those_of_the_calendar(void **state) {
    (void)state;
    assert_true(run_examples(EXAMPLES, "deadlines") >= 14);
}

/* R-236 R-237 R-238 R-239 R-240. */
static void clawback_is_all_of_it_or_nothing(void **state) {
    (void)state;
    assert_true(run_examples(EXAMPLES, "clawback") >= 14);
}

/* R-055 R-057 R-253 R-258 R-259 R-260 R-263. */
static void what_runs_is_judged_by_what_was_promised(void **state) {
    (void)state;
    assert_true(run_examples(EXAMPLES, "level") >= 5);
    assert_true(run_examples(EXAMPLES, "worklog") >= 2);
    assert_true(run_examples(EXAMPLES, "settle") >= 2);
}

static int ask(const char *verb, const struct programme *programme, struct str type,
    const char *input, struct buf *answer, struct err *err) {
    AUTO_JSON_IN struct json_in *root = NULL;
    assert_int_equal(0, json_in_parse(str_of(input), &root, err));
    buf_clear(answer);
    return verb_ask(verb_find(str_of(verb)), programme, type, root, answer, err);
}

static void what_is_no_amount_or_day_is_an_error(void **state) {
    (void)state;
    static const struct {
        const char *verb;
        const char *programme;
        const char *type;
        const char *input;
    } CASES[] = {{"subsidy", "gyeonggi-as-2024", "as", "{\"total_cost\":-1}"},
        {"subsidy", "gyeonggi-as-2024", "as", "{\"total_cost\":1.5}"},
        {"subsidy", "gyeonggi-as-2024", "as", "{\"total_cost\":\"many\"}"},
        {"subsidy", "gyeonggi-as-2024", "as", "{\"total_cost\":1000000000000001}"},
        {"subsidy", "gyeonggi-as-2024", "as", "{}"},
        {"subsidy", "incheon-mfgdata-2022", "",
            "{\"total_cost\":90000000,\"supply_price\":88500000,\"vat\":8850000}"},
        {"subsidy", "incheon-mfgdata-2022", "", "{\"total_cost\":1,\"supply_price\":2}"},
        {"subsidy", "gyeonggi-as-2024", "no", "{\"total_cost\":1}"},
        {"subsidy", "bupyeong-2023", "", "{\"cash_contribution\":1}"},
        {"subsidy", "bupyeong-2023", "basic", "{\"cash_contribution\":5,\"pm_labour\":6}"},
        {"subsidy", "mss-2023-ai", "", "{\"total_cost\":1,\"rate\":\"half\"}"},
        {"subsidy", "mss-2023", "", "{\"total_cost\":1}"},
        {"deadlines", "bupyeong-2023", "", "{\"agreement\":\"2023-02-30\"}"},
        {"deadlines", "gyeonggi-as-2024", "",
            "{\"agreement\":\"2023-02-03\",\"extension_months\":[-1]}"},
        {"clawback", "bupyeong-2023", "", "{\"cause\":\"abandon_fault\"}"},
        {"clawback", "bupyeong-2023", "", "{\"paid\":1}"},
        {"clawback", "bupyeong-2023", "", "{\"paid\":1,\"cause\":\"rain\"}"},
        {"clawback", "bupyeong-2023", "",
            "{\"paid\":1,\"cause\":\"abandon_fault\",\"party\":\"x\"}"}};
    AUTO_BUF struct buf answer;
    buf_init(&answer, 1 << 20);
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        struct err err = ERR_INIT;
        struct programme *programme = NULL;
        assert_int_equal(0, shelf_find(str_of(CASES[i].programme), &programme, &err));
        assert_true(ask(CASES[i].verb, programme, str_of(CASES[i].type), CASES[i].input, &answer,
                        &err) < 0);
        assert_int_equal(0, answer.size);
        programme_free(programme);
    }
}

static uint64_t next(uint64_t *seed) {
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    return *seed;
}

static int64_t won(const struct json_in *answer, const char *name) {
    int64_t value = -1;
    (void)json_in_whole(json_in_get(answer, name), &value);
    return value;
}

/* Over all programmes and types: 0 <= grant <= cap, and what all bear adds up to the cost. */
static int grants_of(void *context, const struct programme *programme, struct err *err) {
    uint64_t *seed = context;
    const struct json_in *types = json_in_get(programme_root(programme), "types");
    AUTO_BUF struct buf answer;
    AUTO_BUF struct buf input;
    buf_init(&answer, 1 << 20);
    buf_init(&input, 1024);
    for (size_t i = 0; i < json_in_count(types) * 60; i++) {
        const struct json_in *type = json_in_at(types, i % json_in_count(types));
        int64_t cost = (int64_t)(next(seed) % (i % 3 == 0 ? 1000 : 900000000));
        int64_t part = cost > 0 ? (int64_t)(next(seed) % (uint64_t)cost) / 4 : 0;
        AUTO_JSON_IN struct json_in *root = NULL;
        buf_clear(&input);
        buf_printf(&input,
            "{\"total_cost\":%lld,\"cash_contribution\":%lld,\"supply_price\":%lld,"
            "\"pm_labour\":%lld,%s\"company_size\":\"small\"}",
            (long long)cost, (long long)cost, (long long)cost, (long long)part,
            json_in_get(type, "rate_min") ? "\"rate\":0.8," : ""); // Others have a printed one.
        assert_true(ask("subsidy", programme, json_in_text(json_in_get(type, "id")), buf_z(&input),
                        &answer, err) >= 0);
        assert_int_equal(0, json_in_parse(buf_str(&answer), &root, err));
        int64_t grant = won(root, "grant");
        int64_t cap = 0;
        assert_true(json_in_whole(json_in_get(type, "cap"), &cap));
        assert_true(grant >= 0 && grant <= cap);
        int64_t host = won(root, "host") > 0 ? won(root, "host") : 0;
        int64_t whole = json_in_get(type, "fixed") ? won(root, "base") : cost;
        assert_int_equal(whole, grant + won(root, "company") + host);
        assert_true(won(root, "company") >= 0 && host >= 0);
    }
    return 0;
}

static void a_grant_never_passes_its_cap_and_all_shares_add_up(void **state) {
    (void)state;
    uint64_t seed = UINT64_C(0x9e3779b97f4a7c15);
    struct err err = ERR_INIT;
    assert_int_equal(0, shelf_each(grants_of, &seed, &err));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(grants_are_computed_to_the_won),
        cmocka_unit_test(days_are_those_of_the_calendar),
        cmocka_unit_test(clawback_is_all_of_it_or_nothing),
        cmocka_unit_test(what_runs_is_judged_by_what_was_promised),
        cmocka_unit_test(what_is_no_amount_or_day_is_an_error),
        cmocka_unit_test(a_grant_never_passes_its_cap_and_all_shares_add_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
