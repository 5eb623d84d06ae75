/*
 * Turns of a case over a small programme of its own: every step has its wrong turns, refused with
 * the rule and its source, and nothing of them stays; merging the effects makes the case again.
 */
#include <stdio.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "core/mem.h"
#include "core/random.h"
#include "programme/case.h"
#include "programme/day.h"

static const char PROGRAMME[] =
    "{\"format\":1,\"id\":\"small-2024\",\"kind\":\"programme\",\"ko\":\"작은 "
    "사업\",\"state\":\"open\","
    "\"sources\":{\"900\":{\"title\":\"t\"}},"
    "\"window\":{\"opens\":\"2024-01-02\",\"closes\":\"2024-03-29T17:00\",\"rolling\":false,"
    "\"src\":\"900 W\"},"
    "\"types\":[{\"id\":\"main\",\"ko\":\"기본\",\"base\":\"total_cost\",\"rate\":\"0.5\","
    "\"cap\":10000000,\"term\":{\"months\":6,\"extension_max\":3},\"src\":\"900 T\"}],"
    "\"documents\":[{\"id\":\"form\",\"ko\":\"신청서\",\"stage\":\"application\",\"src\":\"900 "
    "D1\"},"
    "{\"id\":\"tax\",\"ko\":\"완납증명서\",\"stage\":\"application\",\"max_age_months\":3,\"src\":"
    "\"900 D2\"},"
    "{\"id\":\"bank\",\"ko\":\"통장사본\",\"stage\":\"payment\",\"src\":\"900 D3\"}],"
    "\"steps\":[{\"no\":1,\"id\":\"announce\",\"kind\":\"announce\",\"ko\":\"공고\",\"by\":["
    "\"centre\"]},"
    "{\"no\":2,\"id\":\"apply\",\"kind\":\"apply\",\"ko\":\"신청\",\"by\":[\"adopter\"],\"src\":"
    "\"900 S2\"},"
    "{\"no\":3,\"id\":\"screen\",\"kind\":\"visit\",\"ko\":\"현장\",\"by\":[\"centre\"],\"src\":"
    "\"900 S3\"},"
    "{\"no\":4,\"id\":\"agree\",\"kind\":\"agree\",\"ko\":\"협약\",\"by\":[\"centre\"],\"src\":"
    "\"900 S4\"},"
    "{\"no\":5,\"id\":\"request\",\"kind\":\"request\",\"ko\":\"청구\",\"by\":[\"adopter\"],"
    "\"documents\":\"payment\",\"deadline\":\"payment_request_due\",\"src\":\"900 S5\"},"
    "{\"no\":6,\"id\":\"pay\",\"kind\":\"pay\",\"ko\":\"지급\",\"by\":[\"centre\"],\"src\":\"900 "
    "S6\"},"
    "{\"no\":7,\"id\":\"check\",\"kind\":\"check\",\"ko\":\"점검\",\"by\":[\"centre\"],\"src\":"
    "\"900 S7\"},"
    "{\"no\":8,\"id\":\"report\",\"kind\":\"report\",\"ko\":\"보고\",\"by\":[\"adopter\"],"
    "\"deadline\":\"report_due\",\"src\":\"900 S8\"},"
    "{\"no\":9,\"id\":\"judge\",\"kind\":\"judge\",\"ko\":\"평가\",\"by\":[\"centre\"],\"src\":"
    "\"900 S9\"}],"
    "\"deadlines\":[{\"id\":\"payment_request_due\",\"from\":\"agreement\",\"days\":14,\"roll\":"
    "true,"
    "\"ko\":\"지원금 신청\",\"src\":\"900 L1\"},"
    "{\"id\":\"report_due\",\"from\":\"agreement_end\",\"months\":-1,\"ko\":\"보고서\",\"src\":"
    "\"900 L2\"},"
    "{\"id\":\"change_due\",\"from\":\"agreement_end\",\"months\":-1,\"ko\":\"변경\",\"src\":\"900 "
    "L3\"}],"
    "\"insurance\":{\"tail_months\":3,\"holders\":[\"adopter\"],\"src\":\"900 I\"},"
    "\"clawback\":{\"amount\":\"full\",\"causes\":[{\"id\":\"stopped\",\"ko\":\"중단\","
    "\"party\":\"either\",\"src\":\"900 C\"}],\"src\":\"900 C\"}}";

struct desk {
    struct programme *programme;
    struct json_in *state;
    struct buf folded; // The effects merged one after the other.
    char answer[16384];
    bool refused;
};

static const struct case_actor OFFICER = {
    .user = {"officer", 7}, .organisation = {"agency", 6}, .roles = CASE_OFFICER};
static const struct case_actor COMPANY = {
    .user = {"kim", 3}, .organisation = {"hanbit", 6}, .roles = CASE_APPLICANT};
static const struct case_actor JUDGE = {
    .user = {"lee", 3}, .organisation = {"univ", 4}, .roles = CASE_EVALUATOR};

static int64_t second_of(const char *at) {
    int64_t second = 0;
    bool has_time = false;
    assert_true(moment_parse(str_of(at), &second, &has_time));
    return second;
}

/* Merges an effect by itself, as replaying does. */
static void fold(struct desk *desk, struct str effect) {
    struct json_in *before = NULL;
    struct json_in *change = NULL;
    struct err err = ERR_INIT;
    struct buf next;
    buf_init(&next, CASE_TURN_BYTES);
    if (desk->folded.size > 0) {
        assert_int_equal(json_in_parse(buf_str(&desk->folded), &before, &err), 0);
    }
    assert_int_equal(json_in_parse(effect, &change, &err), 0);
    case_fold(before, change, &next);
    buf_clear(&desk->folded);
    buf_put_str(&desk->folded, buf_str(&next));
    buf_fini(&next);
    json_in_free(before);
    json_in_free(change);
}

/* The error's code, negative; 0: done or refused by the rules. */
static int turn_as(struct desk *desk, const struct case_actor *actor, const char *at,
    const char *action, const char *body) {
    struct json_in *input = NULL;
    struct err err = ERR_INIT;
    struct case_outcome outcome;
    case_outcome_init(&outcome);
    assert_int_equal(json_in_parse(str_of(body), &input, &err), 0);
    struct case_told told = {.programme = desk->programme,
        .state = desk->state,
        .input = input,
        .actor = actor,
        .action = str_of(action),
        .reason = json_in_text(json_in_get(input, "reason")),
        .second = second_of(at),
        .evaluator_organisation = STR_NONE};
    int rc = case_turn(&told, &outcome, &err);
    desk->refused = rc == 0 && outcome.refused;
    (void)str_copy_z(buf_str(&outcome.answer), desk->answer, sizeof desk->answer);
    if (rc == 0 && !outcome.refused) {
        fold(desk, buf_str(&outcome.effect));
        assert_string_equal(buf_z(&desk->folded), buf_z(&outcome.state));
        json_in_free(desk->state);
        desk->state = NULL;
        assert_int_equal(json_in_parse(buf_str(&outcome.state), &desk->state, &err), 0);
    }
    case_outcome_fini(&outcome);
    json_in_free(input);
    return rc;
}

static void done(struct desk *desk, const struct case_actor *actor, const char *at,
    const char *action, const char *body) {
    int rc = turn_as(desk, actor, at, action, body);
    if (rc != 0 || desk->refused) {
        fail_msg("%s: %d %s", action, rc, desk->answer);
    }
}

/* Refused by the rules, with this source; the case is as before. */
static void refused(struct desk *desk, const struct case_actor *actor, const char *at,
    const char *action, const char *body, const char *source) {
    struct buf before;
    struct buf after;
    buf_init(&before, CASE_TURN_BYTES);
    buf_init(&after, CASE_TURN_BYTES);
    json_in_put(desk->state, &before);
    int rc = turn_as(desk, actor, at, action, body);
    json_in_put(desk->state, &after);
    if (rc != 0 || !desk->refused || !strstr(desk->answer, source)) {
        fail_msg("%s %s: %d, not refused by %s: %s", action, body, rc, source, desk->answer);
    }
    assert_string_equal(buf_z(&before), buf_z(&after));
    buf_fini(&before);
    buf_fini(&after);
}

static int open_desk(void **state) {
    struct desk *desk = MEM_NEW(struct desk);
    struct err err = ERR_INIT;
    buf_init(&desk->folded, CASE_TURN_BYTES);
    assert_int_equal(programme_parse(STR(PROGRAMME), &desk->programme, &err), 0);
    *state = desk;
    return 0;
}

static int close_desk(void **state) {
    struct desk *desk = *state;
    json_in_free(desk->state);
    programme_free(desk->programme);
    buf_fini(&desk->folded);
    mem_free(desk);
    return 0;
}

#define APPLY(documents, cost)                                                                     \
    "{\"type\":\"main\",\"name\":\"한빛\",\"documents\":[" documents "],\"cost\":{" cost           \
    "},\"facts\":{\"factory\":\"인천\"}}"
#define FORM   "{\"id\":\"form\"}"
#define TAX(d) "{\"id\":\"tax\",\"issued\":\"" d "\"}"
#define COST   "\"total_cost\":14000000"

static const char *text(const struct desk *desk, const char *name) {
    static char to[64];
    (void)str_copy_z(case_state_text(desk->state, name), to, sizeof to);
    return to;
}

static int64_t amount(const struct desk *desk, const char *name) {
    int64_t won = -1;
    (void)json_in_whole(json_in_get(json_in_get(desk->state, "amounts"), name), &won);
    return won;
}

static void an_application_needs_its_window_and_its_documents(void **state) {
    struct desk *desk = *state;
    const char *good = APPLY(FORM "," TAX("2023-12-10"), COST);
    refused(desk, &COMPANY, "2024-01-01T23:59", "apply", good, "900 W");
    refused(desk, &COMPANY, "2024-03-29T17:00:01", "apply", APPLY(FORM "," TAX("2024-03-10"), COST),
        "900 W");
    refused(desk, &COMPANY, "2024-01-10T10:00", "apply", APPLY(FORM, COST), "900 D2");
    refused(desk, &COMPANY, "2024-01-10T10:00", "apply", APPLY(FORM ",{\"id\":\"tax\"}", COST),
        "900 D2");
    refused(desk, &COMPANY, "2024-03-11T10:00", "apply", good, "900 D2"); // A day too old.
    refused(desk, &COMPANY, "2024-03-10T10:00", "apply",
        APPLY(FORM "," TAX("2023-12-10") ",{\"id\":\"poem\"}", COST), "poem");
    assert_int_equal(turn_as(desk, &JUDGE, "2024-03-10T10:00", "apply", good), -ERR_FORBIDDEN);
    done(desk, &COMPANY, "2024-03-10T10:00", "apply", good);
    assert_string_equal(text(desk, "step"), "screen");
    assert_string_equal(text(desk, "organisation"), "hanbit");
    assert_int_equal(amount(desk, "requested"), 7000000);
    assert_int_equal(turn_as(desk, &COMPANY, "2024-03-10T10:00", "apply", good), -ERR_INVALID);
}

static void at_the_closing_hour_it_is_taken(void **state) {
    struct desk *desk = *state;
    done(desk, &COMPANY, "2024-03-29T17:00:00", "apply", APPLY(FORM "," TAX("2024-01-10"), COST));
}

static void apply(struct desk *desk) {
    done(desk, &COMPANY, "2024-01-10T10:00", "apply", APPLY(FORM "," TAX("2024-01-02"), COST));
}

static void evaluators_have_no_part_in_it(void **state) {
    struct desk *desk = *state;
    apply(desk);
    const char *at = "2024-01-20T10:00";
    refused(desk, &OFFICER, at, "assign", "{\"evaluator\":\"lee\",\"organisation\":\"hanbit\"}",
        "900 S3");
    assert_int_equal(
        turn_as(desk, &COMPANY, at, "assign", "{\"evaluator\":\"kim\"}"), -ERR_FORBIDDEN);
    refused(desk, &JUDGE, at, "declare", "{\"conflict\":false}", "900 S3"); // Not assigned.
    done(desk, &OFFICER, at, "assign", "{\"evaluator\":\"lee\",\"organisation\":\"univ\"}");
    refused(desk, &JUDGE, at, "sheet", "{\"score\":80}", "900 S3"); // Declared nothing yet.
    done(desk, &JUDGE, at, "declare", "{\"conflict\":true,\"reason\":\"cousin\"}");
    refused(desk, &JUDGE, at, "sheet", "{\"score\":80}", "900 S3");
    done(desk, &JUDGE, at, "declare", "{\"conflict\":false}");
    done(desk, &JUDGE, at, "sheet", "{\"score\":80}");
    refused(desk, &JUDGE, at, "sheet", "{\"score\":90}", "900 S3"); // Once.
}

static void agree(struct desk *desk) {
    apply(desk);
    done(desk, &OFFICER, "2024-01-20T10:00", "visit", "{\"result\":\"pass\"}");
    done(desk, &OFFICER, "2024-02-01T10:00", "agree", "{}");
}

static void money_stays_within_what_the_rules_give(void **state) {
    struct desk *desk = *state;
    apply(desk);
    assert_int_equal(turn_as(desk, &OFFICER, "2024-01-20T10:00", "agree", "{}"), -ERR_CONFLICT);
    assert_int_equal(turn_as(desk, &OFFICER, "2024-01-20T10:00", "visit", "{\"result\":\"maybe\"}"),
        -ERR_INVALID);
    done(desk, &OFFICER, "2024-01-20T10:00", "visit", "{\"result\":\"pass\"}");
    assert_int_equal(turn_as(desk, &OFFICER, "2024-01-19T10:00", "agree", "{}"), -ERR_CONFLICT);
    assert_int_equal(turn_as(desk, &COMPANY, "2024-02-01T10:00", "agree", "{}"), -ERR_FORBIDDEN);
    refused(desk, &OFFICER, "2024-02-01T10:00", "agree", "{\"amount\":7000001}", "900 T");
    done(desk, &OFFICER, "2024-02-01T10:00", "agree", "{\"amount\":7000000}");
    assert_string_equal(text(desk, "due"), "2024-02-15");
    assert_int_equal(amount(desk, "agreed"), 7000000);
    const char *request = "{\"documents\":[{\"id\":\"bank\"}],"
                          "\"insurance\":[{\"holder\":\"adopter\",\"until\":\"2024-11-01\"}]}";
    refused(desk, &COMPANY, "2024-02-16T10:00", "request", request, "900 L1");
    refused(desk, &COMPANY, "2024-02-15T10:00", "request",
        "{\"insurance\":[{\"holder\":\"adopter\",\"until\":\"2024-11-01\"}]}", "900 D3");
    refused(desk, &COMPANY, "2024-02-15T10:00", "request", "{\"documents\":[{\"id\":\"bank\"}]}",
        "900 I");
    refused(desk, &COMPANY, "2024-02-15T10:00", "request",
        "{\"documents\":[{\"id\":\"bank\"}],"
        "\"insurance\":[{\"holder\":\"adopter\",\"until\":\"2024-10-31\"}]}",
        "900 I");
    done(desk, &COMPANY, "2024-02-15T10:00", "request", request);
    refused(desk, &OFFICER, "2024-02-20T10:00", "pay", "{\"amount\":7000001}", "900 S6");
    done(desk, &OFFICER, "2024-02-20T10:00", "pay", "{\"amount\":3000000}");
    assert_string_equal(text(desk, "step"), "pay"); // The rest is still to be paid.
    done(desk, &OFFICER, "2024-02-21T10:00", "pay", "{}");
    assert_int_equal(amount(desk, "paid"), 7000000);
    assert_string_equal(text(desk, "step"), "check");
}

static void pay(struct desk *desk) {
    agree(desk);
    done(desk, &COMPANY, "2024-02-10T10:00", "request",
        "{\"documents\":[{\"id\":\"bank\"}],"
        "\"insurance\":[{\"holder\":\"adopter\",\"until\":\"2024-12-31\"}]}");
    done(desk, &OFFICER, "2024-02-20T10:00", "pay", "{}");
}

static void changes_and_extensions_have_their_limits(void **state) {
    struct desk *desk = *state;
    pay(desk); // Agreed on 2024-02-01: ends on 2024-08-01.
    assert_int_equal(turn_as(desk, &OFFICER, "2024-03-01T10:00", "change", "{\"what\":\"PM\"}"),
        -ERR_INVALID); // No reason.
    refused(desk, &OFFICER, "2024-07-02T10:00", "change", "{\"what\":\"PM\",\"reason\":\"left\"}",
        "900 L3");
    done(desk, &OFFICER, "2024-07-01T10:00", "change", "{\"what\":\"PM\",\"reason\":\"left\"}");
    refused(desk, &OFFICER, "2024-07-01T10:00", "extend", "{\"months\":4,\"reason\":\"parts\"}",
        "900 T");
    refused(desk, &OFFICER, "2024-08-02T10:00", "extend", "{\"months\":1,\"reason\":\"parts\"}",
        "900 S7");
    done(desk, &OFFICER, "2024-07-01T10:00", "extend", "{\"months\":2,\"reason\":\"parts\"}");
    refused(desk, &OFFICER, "2024-07-01T10:00", "extend", "{\"months\":2,\"reason\":\"parts\"}",
        "900 T");
    done(desk, &OFFICER, "2024-07-02T10:00", "check", "{\"result\":\"fault\",\"reason\":\"dust\"}");
    assert_string_equal(text(desk, "step"), "check");
    refused(desk, &OFFICER, "2024-07-02T10:00", "skip", "{\"reason\":\"no time\"}", "900 S7");
    done(desk, &OFFICER, "2024-07-03T10:00", "check", "{\"result\":\"ok\"}");
    assert_string_equal(text(desk, "due"), "2024-09-01"); // The agreement's day + 8 months - 1.
}

static void a_verdict_ends_it_or_sends_it_back(void **state) {
    struct desk *desk = *state;
    pay(desk);
    done(desk, &OFFICER, "2024-05-01T10:00", "check", "{\"result\":\"ok\"}");
    refused(desk, &COMPANY, "2024-07-02T10:00", "report", "{}", "900 L2");
    done(desk, &COMPANY, "2024-07-01T10:00", "report", "{}");
    assert_int_equal(
        turn_as(desk, &COMPANY, "2024-07-02T10:00", "judge", "{\"verdict\":\"success\"}"),
        -ERR_FORBIDDEN);
    done(desk, &OFFICER, "2024-07-01T10:00", "judge",
        "{\"verdict\":\"supplement\",\"reason\":\"figures\"}");
    assert_string_equal(text(desk, "step"), "report");
    done(desk, &COMPANY, "2024-07-01T12:00", "report", "{}");
    done(desk, &OFFICER, "2024-07-05T10:00", "judge", "{\"verdict\":\"success\"}");
    assert_string_equal(text(desk, "state"), "closed");
    assert_int_equal(
        turn_as(desk, &OFFICER, "2024-07-06T10:00", "cancel", "{\"reason\":\"x\"}"), -ERR_CONFLICT);
}

static void money_comes_back_and_no_more_than_was_paid(void **state) {
    struct desk *desk = *state;
    pay(desk);
    const char *at = "2024-05-01T10:00";
    assert_int_equal(turn_as(desk, &COMPANY, at, "cancel", "{\"reason\":\"x\"}"), -ERR_FORBIDDEN);
    done(desk, &OFFICER, at, "cancel", "{\"reason\":\"stopped\"}");
    assert_true(
        turn_as(desk, &OFFICER, at, "clawback", "{\"cause\":\"weather\",\"reason\":\"x\"}") < 0);
    done(desk, &OFFICER, at, "clawback", "{\"cause\":\"stopped\",\"reason\":\"closed down\"}");
    assert_string_equal(text(desk, "state"), "clawback");
    assert_int_equal(amount(desk, "clawback"), 7000000);
    refused(
        desk, &OFFICER, at, "returned", "{\"amount\":7000001,\"through\":\"voluntary\"}", "900");
    done(desk, &OFFICER, at, "returned", "{\"amount\":2000000,\"through\":\"voluntary\"}");
    done(desk, &OFFICER, at, "returned", "{\"amount\":5000000,\"through\":\"guarantee\"}");
    assert_string_equal(text(desk, "state"), "clawed_back");
}

#define REQUEST                                                                                    \
    "{\"documents\":[{\"id\":\"bank\"}],"                                                          \
    "\"insurance\":[{\"holder\":\"adopter\",\"until\":\"2025-12-31\"}]}"

/* Whatever is told in whatever order: what is kept adds up, and effects alone make the case. */
static void random_walks_keep_the_sums_and_replay(void **state) {
    struct desk *desk = *state;
    static const char *const BODIES[] = {"{}", "{\"reason\":\"r\",\"text\":\"t\"}",
        "{\"result\":\"pass\",\"verdict\":\"success\",\"reason\":\"r\"}",
        "{\"result\":\"ok\",\"verdict\":\"supplement\",\"reason\":\"r\"}",
        "{\"amount\":3000000,\"through\":\"voluntary\",\"reason\":\"r\"}",
        "{\"months\":1,\"what\":\"w\",\"reason\":\"r\"}", REQUEST,
        "{\"cause\":\"stopped\",\"reason\":\"r\"}", "{\"evaluator\":\"lee\",\"conflict\":false}"};
    static const struct case_actor *const ACTORS[] = {&OFFICER, &COMPANY, &JUDGE};
    struct random random;
    random_seed(&random, 7);
    uint32_t taken = 0;
    for (int walk = 0; walk < 40; walk++) {
        json_in_free(desk->state);
        desk->state = NULL;
        buf_clear(&desk->folded);
        apply(desk);
        for (int i = 0; i < 80; i++) {
            char at[32];
            size_t count = 0;
            while (case_action_at(count)) {
                count++;
            }
            const struct case_action *action = case_action_at(1 + random_below(&random, count - 1));
            (void)snprintf(at, sizeof at, "2024-0%d-%02dT10:00", 1 + i / 20, 12 + i % 17);
            (void)turn_as(desk, ACTORS[random_below(&random, 3)], at, action->name,
                BODIES[random_below(&random, sizeof BODIES / sizeof BODIES[0])]);
            taken += !desk->refused;
            int64_t paid = amount(desk, "paid");
            int64_t agreed = amount(desk, "agreed");
            assert_true(agreed <= 7000000 && paid >= 0 && (paid == 0 || paid <= agreed));
            assert_true(amount(desk, "returned") <= paid && amount(desk, "clawback") <= paid);
        }
    }
    assert_true(taken > 100);
}

#define DESK_TEST(name) cmocka_unit_test_setup_teardown(name, open_desk, close_desk)

int main(void) {
    const struct CMUnitTest tests[] = {
        DESK_TEST(an_application_needs_its_window_and_its_documents),
        DESK_TEST(at_the_closing_hour_it_is_taken),
        DESK_TEST(evaluators_have_no_part_in_it),
        DESK_TEST(money_stays_within_what_the_rules_give),
        DESK_TEST(changes_and_extensions_have_their_limits),
        DESK_TEST(a_verdict_ends_it_or_sends_it_back),
        DESK_TEST(money_comes_back_and_no_more_than_was_paid),
        DESK_TEST(random_walks_keep_the_sums_and_replay),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
