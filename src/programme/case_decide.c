/*
 * What the agency decides before there is an agreement: requirements, evaluators, scores, the
 * match, the cost.
 *
 * A rule that the facts cannot answer is a person's: the case goes on only when an officer has
 * answered it, with a reason. An evaluator of a party's organisation is never assigned; one who
 * declares a conflict sends no sheet; whoever has not declared anything neither.
 */
#include <stdlib.h>

#include "programme/case.h"
#include "programme/day.h"
#include "programme/won.h"
#include "programme/words.h"

enum { WORD_BYTES = 300, TRIM_FROM = 5 };

int need_reason(const struct turn *turn, struct err *err) {
    return turn->reason.size > 0 ? 0 : err_set(err, ERR_INVALID, SAY_DESK(CASE_REASON), NO_ARGS);
}

/* ---- Requirements ---- */

static const struct json_in *reasons_of(const struct json_in *answer) {
    return json_in_get(answer, "reasons");
}

static struct str answer_of(const struct json_in *reason) {
    struct str result = json_in_text(json_in_get(reason, "answer"));
    return result.size > 0 ? result : json_in_text(json_in_get(reason, "result"));
}

static struct str rule_of(const struct json_in *reason) {
    struct str id = json_in_text(json_in_get(reason, "rule"));
    return id.size > 0 ? id : json_in_text(json_in_get(reason, "id"));
}

static struct str source_of(const struct json_in *reason) {
    struct str source = json_in_text(json_in_get(reason, "source"));
    return source.size > 0 ? source : json_in_text(json_in_get(reason, "src"));
}

int act_decide(struct turn *turn, struct err *err) {
    bool holds = json_in_true(json_in_get(turn->input, "holds"));
    struct str rule = turn_word(turn, "rule");
    if (rule.size == 0 || json_in_kind(json_in_get(turn->input, "holds")) != JSON_KIND_BOOL) {
        return err_set(err, ERR_INVALID, SAY_DESK(CASE_NEEDS),
            ARGS(A_CSTR(rule.size == 0 ? "rule" : "holds")));
    }
    AUTO_JSON_IN struct json_in *answer = NULL;
    int rc = need_reason(turn, err);
    rc = rc < 0 ? rc : turn_eligible(turn, &answer, err);
    if (rc < 0) {
        return rc;
    }
    const struct json_in *reasons = reasons_of(answer);
    bool pending = false;
    for (size_t i = 0; i < json_in_count(reasons); i++) {
        const struct json_in *one = json_in_at(reasons, i);
        pending = pending || (str_eq(rule_of(one), rule) && str_eq(answer_of(one), STR("person")));
    }
    if (!pending) {
        turn_refuse_step(turn, SAY_DESK(CASE_NOT_PENDING), ARGS(A_STR(rule)));
        return 0;
    }
    struct json *json = turn_effect(turn, PART_DECISIONS);
    json_key_str(json, rule);
    json_object_begin(json);
    json_put_bool(json, "holds", holds);
    json_put_str(json, "reason", turn->reason);
    json_put_str(json, "by", turn->actor->user);
    json_object_end(json);
    return 0;
}

int act_option(struct turn *turn, struct err *err) {
    struct str name = turn_word(turn, "name");
    const struct json_in *value = json_in_get(turn->input, "value");
    int rc = need_reason(turn, err);
    if (rc < 0 || name.size == 0 || !value) {
        return rc < 0 ? rc
                      : err_set(err, ERR_INVALID, SAY_DESK(CASE_NEEDS),
                            ARGS(A_CSTR(name.size == 0 ? "name" : "value")));
    }
    const struct json_in *list = json_in_get(turn->root, "discrepancies");
    AUTO_BUF struct buf choices;
    buf_init(&choices, 4096);
    bool combines = str_eq(name, STR("trim")) || str_eq(name, STR("bonus_counts"));
    bool known = (combines || str_eq(name, STR("holiday_roll"))) &&
                 json_in_kind(value) == JSON_KIND_BOOL; // Conventions C-6, C-9 and C-14.
    if (combines && json_in_count(turn_of(turn, "sheets")) > 0) {
        answer_refuse(&turn->answer, STR("C-14"), STR("docs/PROGRAMME.md"),
            SAY_DESK(CASE_SHEETS_BEGUN), NO_ARGS);
    }
    for (size_t i = 0; i < json_in_count(list) && !known; i++) {
        const struct json_in *option = json_in_get(json_in_at(list, i), "option");
        const struct json_in *values = json_in_get(option, "values");
        for (size_t k = 0; str_eq(json_in_text(json_in_get(option, "name")), name) &&
                           k < json_in_count(values) && !known;
             k++) {
            struct str choice = json_in_text(json_in_at(values, k));
            known = str_eq(choice, json_in_text(value));
            buf_put_str(&choices, choices.size > 0 ? STR(", ") : STR_NONE);
            buf_put_str(&choices, choice);
        }
    }
    if (!known) {
        return err_set(
            err, ERR_INVALID, SAY_DESK(CASE_CHOICE), ARGS(A_STR(name), A_STR(buf_str(&choices))));
    }
    struct json *json = turn_effect(turn, PART_OPTIONS);
    json_key_str(json, name);
    json_value(json, value);
    return 0;
}

/* Rules that are no, or a person's and not decided, or decided against. */
static void refuse_reasons(struct turn *turn, const struct json_in *answer) {
    const struct json_in *reasons = reasons_of(answer);
    for (size_t i = 0; i < json_in_count(reasons); i++) {
        const struct json_in *one = json_in_at(reasons, i);
        const struct json_in *decided = json_in_find(turn_of(turn, "decisions"), rule_of(one));
        if (!str_eq(answer_of(one), STR("person"))) {
            continue;
        }
        if (!decided) {
            answer_refuse(
                &turn->answer, rule_of(one), source_of(one), SAY_DESK(CASE_PERSON), NO_ARGS);
        } else if (!json_in_true(json_in_get(decided, "holds"))) {
            answer_refuse(&turn->answer, rule_of(one), source_of(one), SAY_DESK(CASE_DECIDED_NOT),
                ARGS(A_STR(json_in_text(json_in_get(decided, "reason")))));
        }
    }
}

int act_screen(struct turn *turn, struct err *err) {
    AUTO_JSON_IN struct json_in *answer = NULL;
    int rc = turn_eligible(turn, &answer, err);
    if (rc < 0) {
        return rc;
    }
    if (str_eq(json_in_text(json_in_get(answer, "result")), STR("no"))) {
        turn_refuse_all(turn, answer);
        if (turn->answer.refused_count == 0) {
            turn_refuse_step(turn, SAY_DESK(CASE_INELIGIBLE), NO_ARGS);
        }
    }
    refuse_reasons(turn, answer);
    turn_step_ends(turn);
    return 0;
}

int act_refuse(struct turn *turn, struct err *err) {
    int rc = need_reason(turn, err);
    if (rc >= 0) {
        turn_day(turn, "refused");
        turn_state(turn, "refused");
    }
    return rc;
}

/* ---- Evaluators ---- */

/* Whether the organisation is a party of the application, by id, name or number. */
static bool is_party(const struct turn *turn, struct str organisation, struct str name) {
    const struct json_in *all = json_in_get(turn_of(turn, "facts"), "consortium");
    struct str own = case_state_text(turn->state, "organisation");
    if ((organisation.size > 0 && str_eq(organisation, own)) ||
        (name.size > 0 && str_eq(name, case_state_text(turn->state, "name")))) {
        return true;
    }
    for (size_t i = 0; i < json_in_count(all); i++) {
        const struct json_in *one = json_in_at(all, i);
        struct str id = json_in_text(json_in_get(one, "organisation"));
        struct str called = json_in_text(json_in_get(one, "name"));
        if ((organisation.size > 0 && str_eq(organisation, id)) ||
            (name.size > 0 && str_eq(name, called))) {
            return true;
        }
    }
    return false;
}

int act_assign(struct turn *turn, struct err *err) {
    struct str evaluator = turn_word(turn, "evaluator");
    struct str known = turn->evaluator_organisation;
    struct str organisation = known.size > 0 ? known : turn_word(turn, "organisation");
    struct str name = turn_word(turn, "organisation_name");
    if (evaluator.size == 0 || evaluator.size > 64) {
        return err_set(err, ERR_INVALID, SAY_DESK(CASE_NEEDS), ARGS(A_CSTR("evaluator")));
    }
    if (is_party(turn, organisation, name)) {
        turn_refuse_step(turn, SAY_DESK(CASE_EVALUATOR_CONFLICT), NO_ARGS);
    }
    struct json *json = turn_effect(turn, PART_EVALUATORS);
    json_key_str(json, evaluator);
    json_object_begin(json);
    json_put_str(json, "organisation", organisation);
    json_put_str(json, "organisation_name", name);
    json_object_end(json);
    return 0;
}

/* For whom a sheet or a declaration is: an evaluator for themselves. */
static struct str evaluator_of(const struct turn *turn) {
    return turn->actor->user;
}

int act_declare(struct turn *turn, struct err *err) {
    struct str who = evaluator_of(turn);
    if (json_in_kind(json_in_get(turn->input, "conflict")) != JSON_KIND_BOOL) {
        return err_set(err, ERR_INVALID, SAY_DESK(CASE_NEEDS), ARGS(A_CSTR("conflict")));
    }
    if (!json_in_find(turn_of(turn, "evaluators"), who)) {
        turn_refuse_step(turn, SAY_DESK(CASE_EVALUATOR_NOT), NO_ARGS);
    }
    bool conflict = json_in_true(json_in_get(turn->input, "conflict"));
    struct json *json = turn_effect(turn, PART_DECLARED);
    json_key_str(json, who);
    json_str(json, conflict ? STR("yes") : STR("no"));
    return 0;
}

/* A sheet that cannot be added up is refused on the day it is filed. */
static int try_sheet(struct turn *turn, struct err *err) {
    AUTO_JSON_IN struct json_in *answer = NULL;
    AUTO_BUF struct buf input;
    buf_init(&input, CASE_TURN_BYTES);
    struct json json;
    json_init(&json, &input);
    json_object_begin(&json);
    turn_put_raw(&json, "grades", json_in_get(turn->input, "grades"));
    turn_put_raw(&json, "checks", json_in_get(turn->input, "checks"));
    json_object_end(&json);
    int rc = json_in_get(turn->root, "sheet")
                 ? turn_ask(turn, "score", buf_str(&input), false, &answer, err)
                 : 0;
    if (answer && !json_in_get(answer, "items")) {
        turn_refuse_all(turn, answer);
    }
    return rc;
}

int act_sheet(struct turn *turn, struct err *err) {
    struct str who = evaluator_of(turn);
    struct str declared = json_in_text(json_in_find(turn_of(turn, "declared"), who));
    if (!json_in_find(turn_of(turn, "evaluators"), who)) {
        turn_refuse_step(turn, SAY_DESK(CASE_EVALUATOR_NOT), NO_ARGS);
    } else if (declared.size == 0) {
        turn_refuse_step(turn, SAY_DESK(CASE_EVALUATOR_FIRST), NO_ARGS);
    } else if (str_eq(declared, STR("yes"))) {
        turn_refuse_step(turn, SAY_DESK(CASE_EVALUATOR_DECLARED), NO_ARGS);
    } else if (json_in_find(turn_of(turn, "sheets"), who)) {
        turn_refuse_step(turn, SAY_DESK(CASE_SHEET_TWICE), NO_ARGS);
    }
    struct json *json = turn_effect(turn, PART_SHEETS);
    json_key_str(json, who);
    json_object_begin(json);
    turn_put_raw(json, "grades", json_in_get(turn->input, "grades"));
    turn_put_raw(json, "checks", json_in_get(turn->input, "checks"));
    turn_put_raw(json, "score", json_in_get(turn->input, "score"));
    turn_put_raw(json, "comment", json_in_get(turn->input, "comment"));
    json_object_end(json);
    return turn->answer.refused_count > 0 ? 0 : try_sheet(turn, err);
}

/* ---- Scores ---- */

/* The sheets as the question `score` takes them. */
static void put_sheets(struct turn *turn, struct json *json) {
    const struct json_in *sheets = turn_of(turn, "sheets");
    const struct json_in *sheet = NULL;
    struct str who = STR_NONE;
    json_key(json, "sheets");
    json_array_begin(json);
    for (size_t at = 0; json_in_next(sheets, &at, &who, &sheet);) {
        json_object_begin(json);
        json_put_str(json, "evaluator", who);
        turn_put_raw(json, "grades", json_in_get(sheet, "grades"));
        turn_put_raw(json, "checks", json_in_get(sheet, "checks"));
        json_object_end(json);
    }
    json_array_end(json);
}

static bool is_pass(struct str verdict) {
    return verdict.size == 0 || str_eq(verdict, STR("pass")) || str_eq(verdict, STR("yes")) ||
           str_eq(verdict, STR("적합")) || str_eq(verdict, STR("selected")) ||
           str_eq(verdict, STR("합격"));
}

static void put_score(struct turn *turn, double total) {
    json_put_f64(turn_effect(turn, PART_TOP), "score", total);
}

/* Below the mark the case is over; the score stands in its record. */
static void judge_score(struct turn *turn, double total, struct str verdict) {
    double mark = 0;
    bool has_mark = json_in_number(json_in_get(json_in_get(turn->root, "pass"), "mark"), &mark);
    put_score(turn, total);
    if (!is_pass(verdict) || (has_mark && total < mark)) {
        turn_day(turn, "refused");
        turn_state(turn, "refused");
        answer_note(&turn->answer, STR("pass"),
            json_in_text(json_in_get(json_in_get(turn->root, "pass"), "src")),
            SAY_DESK(CASE_BELOW_MARK), ARGS(A_REAL(total), A_REAL(mark)));
        return;
    }
    turn_step_ends(turn);
}

static int score_sheets(struct turn *turn, struct err *err) {
    AUTO_JSON_IN struct json_in *answer = NULL;
    AUTO_BUF struct buf input;
    buf_init(&input, CASE_TURN_BYTES);
    struct json json;
    json_init(&json, &input);
    json_object_begin(&json);
    put_sheets(turn, &json);
    turn_put_raw(&json, "bonus", json_in_get(turn->input, "bonus"));
    turn_put_raw(&json, "options", turn_of(turn, "options"));
    json_put_str(&json, "applied_at", case_state_text(turn->state, "received"));
    json_object_end(&json);
    int rc = turn_ask(turn, "score", buf_str(&input), false, &answer, err);
    double total = 0;
    if (rc >= 0 && !json_in_number(json_in_get(answer, "total"), &total)) {
        turn_refuse_all(turn, answer);
        turn_refuse_step(turn, SAY_DESK(CASE_SCORE_NEEDS), NO_ARGS);
        return 0;
    }
    if (rc >= 0) {
        judge_score(turn, total, json_in_text(json_in_get(answer, "verdict")));
    }
    return rc;
}

/* Points that evaluators filed where no sheet is printed; without one of the highest and one of the
 * lowest where that was chosen and there are five or more. */
struct entered {
    double sum;
    double low;
    double high;
    int count;
};

static struct entered entered_points(struct turn *turn) {
    const struct json_in *sheets = turn_of(turn, "sheets");
    const struct json_in *sheet = NULL;
    struct str who = STR_NONE;
    struct entered all = {.count = 0};
    double one = 0;
    for (size_t at = 0; json_in_next(sheets, &at, &who, &sheet);) {
        if (json_in_number(json_in_get(sheet, "score"), &one)) {
            all.low = all.count == 0 || one < all.low ? one : all.low;
            all.high = all.count == 0 || one > all.high ? one : all.high;
            all.sum += one;
            all.count++;
        }
    }
    if (json_in_true(json_in_get(turn_of(turn, "options"), "trim")) && all.count > 0) {
        if (all.count < TRIM_FROM) {
            answer_note(&turn->answer, STR("trim"), STR_NONE, SAY_DESK(SCORE_TRIM_FEW), NO_ARGS);
        } else {
            all.sum -= all.low + all.high;
            all.count -= 2;
        }
    }
    return all;
}

/* Without a printed sheet the committee's points are entered: the mean of what evaluators filed, or
 * the figure of the record that the officer gives. */
static int score_entered(struct turn *turn, struct err *err) {
    struct entered all = entered_points(turn);
    double total = 0;
    bool given = json_in_number(json_in_get(turn->input, "score"), &total);
    if (!given && all.count == 0) {
        turn_refuse_step(turn, SAY_DESK(CASE_SCORE_NEEDS), NO_ARGS);
        return 0;
    }
    if (all.count > 0) { // Two decimals (convention C-14).
        answer_convention(&turn->answer, 14);
        total = (double)(int64_t)(all.sum / all.count * 100 + 0.5) / 100;
    } else if (total < 0 || total > 100) {
        return err_set(err, ERR_INVALID, SAY_DESK(CASE_NEEDS), ARGS(A_CSTR("score")));
    }
    judge_score(turn, total, STR_NONE);
    return 0;
}

/* What only the evaluation tells, and ties look at. */
static void take_ties(struct turn *turn) {
    static const char *const NAMES[] = {"history", "fit"};
    for (size_t i = 0; i < sizeof NAMES / sizeof NAMES[0]; i++) {
        if (json_in_get(turn->input, NAMES[i])) {
            turn_put_raw(
                turn_effect(turn, PART_FACTS), NAMES[i], json_in_get(turn->input, NAMES[i]));
        }
    }
}

int act_score(struct turn *turn, struct err *err) {
    take_ties(turn);
    bool has_sheet = json_in_get(turn->root, "sheet") != NULL;
    if (has_sheet && json_in_count(turn_of(turn, "sheets")) == 0) {
        turn_refuse_step(turn, SAY_DESK(CASE_SCORE_NEEDS), NO_ARGS);
        return 0;
    }
    return has_sheet ? score_sheets(turn, err) : score_entered(turn, err);
}

int act_visit(struct turn *turn, struct err *err) {
    bool scores_here = json_in_get(turn->root, "sheet") &&
                       !step_of_kind(turn->root, "score", NULL) &&
                       !step_of_kind(turn->root, "visit", turn->step);
    if (scores_here) {
        return act_score(turn, err);
    }
    struct str result = turn_word(turn, "result");
    if (!str_eq(result, STR("pass")) && !str_eq(result, STR("fail"))) {
        return err_set(
            err, ERR_INVALID, SAY_DESK(CASE_CHOICE), ARGS(A_CSTR("result"), A_CSTR("pass, fail")));
    }
    double score = 0;
    if (json_in_number(json_in_get(turn->input, "score"), &score)) {
        put_score(turn, score);
    }
    if (str_eq(result, STR("fail"))) {
        return act_refuse(turn, err);
    }
    turn_step_ends(turn);
    return 0;
}

/* ---- Match and cost ---- */

int act_match(struct turn *turn, struct err *err) {
    struct str expert = turn_word(turn, "expert");
    if (expert.size == 0) {
        return err_set(err, ERR_INVALID, SAY_DESK(CASE_NEEDS), ARGS(A_CSTR("expert")));
    }
    json_put_str(turn_effect(turn, PART_TOP), "expert", expert);
    turn_step_ends(turn);
    return 0;
}

int act_cost(struct turn *turn, struct err *err) {
    int64_t grant = 0;
    int64_t before = 0;
    int rc = turn_grant(turn, "reviewed", &grant, err);
    if (rc <= 0) {
        return rc;
    }
    if (json_in_whole(json_in_get(turn_of(turn, "amounts"), "requested"), &before) &&
        grant > before) { // A review only lowers.
        answer_refuse_case(
            &turn->answer, turn->type, SAY_DESK(CASE_OVER), ARGS(A_INT(grant), A_INT(before)));
    }
    turn_day(turn, "cost_review_result");
    turn_step_ends(turn);
    return 0;
}
