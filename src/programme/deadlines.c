/*
 * The days that follow from what happened: the term and its extensions, then each deadline of the
 * programme whose starting event is known. What was filed may be given beside it
 * (payment_request_filed, plan_filed, ...): a day late is refused with what the programme says
 * happens then. Days of applicants move past days off (C-6), printed terms never do.
 */
#include "programme/term.h"
#include "programme/verbs.h"
#include "programme/words.h"

struct plan {
    const struct programme *programme;
    const struct json_in *input;
    struct answer *answer;
    struct buf steps;
    struct term term;
    bool rolls;
};

static const char *const EVENTS[] = {
    "selection_notice", "cost_review_result", "report_filed", "success_verdict", NULL};

/* When the event was: 1, 0 when that is not known. */
static int event_day(struct plan *plan, struct str name, int32_t *ret_day, struct err *err) {
    int32_t day = str_eq(name, STR("agreement"))       ? plan->term.agreement
                  : str_eq(name, STR("agreement_end")) ? plan->term.end
                                                       : DAY_NONE;
    if (day != DAY_NONE) {
        *ret_day = day;
        return 1;
    }
    for (size_t i = 0; EVENTS[i]; i++) {
        if (str_eq(name, str_of(EVENTS[i]))) {
            return day_of_input(plan->input, EVENTS[i], ret_day, err);
        }
    }
    return 0;
}

static int32_t moved(struct plan *plan, const struct json_in *rule, int32_t from) {
    static const struct {
        const char *name;
        int days;
        int months;
        int convention;
    } UNITS[] = {{"days", 1, 0, 4}, {"weeks", 7, 0, 4}, {"months", 0, 1, 5}, {"years", 0, 12, 5}};
    int32_t day = from;
    for (size_t i = 0; i < sizeof UNITS / sizeof UNITS[0]; i++) {
        int64_t count = 0;
        if (json_in_whole(json_in_get(rule, UNITS[i].name), &count)) {
            day = UNITS[i].months != 0 ? day_add_months(day, (int)count * UNITS[i].months)
                                       : day + (int32_t)count * UNITS[i].days;
            answer_convention(plan->answer, count < 0 ? 7 : UNITS[i].convention);
        }
    }
    return day;
}

/* The day on which it was done, where the input says so: "report_due" was done at "report_filed".
 */
static int done_day(
    struct plan *plan, struct str id, int32_t *ret_day, const char **ret_name, struct err *err) {
    static const struct {
        const char *id;
        const char *filed;
    } DONE[] = {{"payment_request_due", "payment_request_filed"}, {"plan_due", "plan_filed"},
        {"revised_plan_due", "revised_plan_filed"}, {"change_due", "change_filed"},
        {"report_due", "report_filed"}, {"final_evaluation_due", "final_evaluation_held"}};
    for (size_t i = 0; i < sizeof DONE / sizeof DONE[0]; i++) {
        if (str_eq(id, str_of(DONE[i].id))) {
            *ret_name = DONE[i].filed;
            return day_of_input(plan->input, DONE[i].filed, ret_day, err);
        }
    }
    return 0;
}

static void late(struct plan *plan, const struct json_in *rule, int32_t due, int32_t done) {
    char last[DAY_TEXT_MAX];
    char when[DAY_TEXT_MAX];
    (void)day_text(due, last);
    (void)day_text(done, when);
    struct str miss = json_in_text(json_in_get(rule, "on_miss"));
    answer_refuse_case(plan->answer, rule,
        str_eq(miss, STR("cancel"))       ? SAY_DESK(DEADLINE_LATE_CANCEL)
        : str_eq(miss, STR("may_cancel")) ? SAY_DESK(DEADLINE_LATE_MAY)
                                          : SAY_DESK(DEADLINE_LATE),
        ARGS(A_CSTR(when), A_CSTR(last)));
}

static void check_years(struct plan *plan, int32_t day) {
    int first = 0;
    int last = 0;
    int year = 0;
    int month = 0;
    int of_month = 0;
    holidays_known(&first, &last);
    day_parts(day, &year, &month, &of_month);
    if (year < first || year > last) {
        answer_note(plan->answer, STR("holidays"), STR("share/holidays.json"),
            SAY_DESK(DEADLINE_YEARS), ARGS(A_INT(first), A_INT(last)));
    }
}

static int deadline(struct plan *plan, const struct json_in *rule, struct err *err) {
    struct str id = json_in_text(json_in_get(rule, "id"));
    struct str from_name = json_in_text(json_in_get(rule, "from"));
    int32_t from = 0;
    int status = event_day(plan, from_name, &from, err);
    if (status <= 0) {
        return status;
    }
    int32_t day = moved(plan, rule, from);
    int32_t unrolled = DAY_NONE;
    if (json_in_true(json_in_get(rule, "roll"))) {
        answer_convention(plan->answer, 6);
        int32_t worked = day_roll(day, json_in_get(plan->input, "holidays"));
        check_years(plan, day);
        if (plan->rolls && worked != day) {
            unrolled = day;
            day = worked;
        }
    }
    char text[DAY_TEXT_MAX];
    json_key_str(&plan->answer->json, id);
    json_str(&plan->answer->json, (struct str){text, day_text(day, text)});
    char counted_from[DAY_TEXT_MAX];
    (void)day_text(from, counted_from);
    struct day_step step = {id, from, day, unrolled, json_in_text(json_in_get(rule, "src")),
        unrolled == DAY_NONE ? SAY_DESK(DEADLINE_STEP) : SAY_DESK(DEADLINE_STEP_ROLLED),
        ARGS(A_CSTR(counted_from))};
    day_step_put(&plan->steps, &step);
    int32_t done = 0;
    const char *name = NULL;
    status = done_day(plan, id, &done, &name, err);
    if (status > 0 && done > day) {
        late(plan, rule, day, done);
    }
    return status < 0 ? status : 0;
}

/* A policy that ends before it must. */
static int insurance(struct plan *plan, struct err *err) {
    int32_t held = 0;
    int status = day_of_input(plan->input, "policy_until", &held, err);
    const struct json_in *rule = json_in_get(programme_root(plan->programme), "insurance");
    int64_t tail = 0;
    if (status <= 0 || !rule || plan->term.end == DAY_NONE) {
        return status;
    }
    (void)json_in_whole(json_in_get(rule, "tail_months"), &tail);
    int32_t needed = day_add_months(plan->term.end, (int)tail);
    if (held < needed) {
        char must[DAY_TEXT_MAX];
        char ends[DAY_TEXT_MAX];
        (void)day_text(needed, must);
        (void)day_text(held, ends);
        answer_refuse(plan->answer, STR("insurance"), json_in_text(json_in_get(rule, "src")),
            SAY_DESK(DEADLINE_POLICY), ARGS(A_CSTR(ends), A_CSTR(must)));
    }
    return 0;
}

/* The printed period of the whole programme may end before an agreement does (D-14). */
static void warn_period(struct plan *plan) {
    const struct json_in *period = json_in_get(programme_root(plan->programme), "period");
    struct str to = json_in_text(json_in_get(period, "to"));
    char end[DAY_TEXT_MAX];
    if (to.size != 7 || plan->term.end == DAY_NONE) {
        return;
    }
    struct str month = str_slice((struct str){end, day_text(plan->term.end, end)}, 0, 7);
    if (str_cmp(month, to) > 0) {
        answer_note(plan->answer, STR("period"), json_in_text(json_in_get(period, "src")),
            SAY_DESK(DEADLINE_PERIOD), ARGS(A_STR(to), A_CSTR(end)));
        answer_discrepancy(plan->answer, json_in_text(json_in_get(period, "note")));
    }
}

int ask_deadlines(const struct programme *programme, const struct json_in *type,
    const struct json_in *input, struct answer *answer, struct err *err) {
    const struct json_in *roll = json_in_get(json_in_get(input, "options"), "holiday_roll");
    struct plan plan = {.programme = programme,
        .input = input,
        .answer = answer,
        .rolls = !roll || json_in_true(roll) || str_eq(json_in_text(roll), STR("on"))};
    buf_init(&plan.steps, ANSWER_BYTES_MAX);
    int status = term_of(programme, type, input, answer, &plan.steps, &plan.term, err);
    if (status >= 0 && plan.term.end != DAY_NONE) {
        json_put_day(&answer->json, "agreement_end", plan.term.end);
    }
    const struct json_in *rules = json_in_get(programme_root(programme), "deadlines");
    for (size_t i = 0; i < json_in_count(rules) && status >= 0; i++) {
        status = deadline(&plan, json_in_at(rules, i), err);
    }
    status = status < 0 ? status : insurance(&plan, err);
    if (status >= 0) {
        warn_period(&plan);
        json_key(&answer->json, "steps");
        json_array_begin(&answer->json);
        if (plan.steps.size > 0) {
            json_raw(&answer->json, buf_str(&plan.steps));
        }
        json_array_end(&answer->json);
    }
    buf_fini(&plan.steps);
    return status < 0 ? status : 0;
}
