/*
 * One turn of a case: who does what at which step.
 *
 * The table says at which kinds of steps an action is done and by whom; the programme's own steps
 * say in which order these come. So a new announcement needs no new C: its steps have kinds. An
 * action that the rules forbid leaves no trace in the case and is answered with the rule, its
 * source and its words.
 *
 * A turn writes its effect in parts (days, documents, decisions...), which are joined into one
 * object at the end. Merging is the only way a case changes, here and when it is made again from
 * its events, so the two cannot differ.
 */
#include <stdio.h>

#include "core/check.h"
#include "core/mem.h"
#include "programme/case.h"
#include "programme/day.h"
#include "programme/verbs.h"
#include "programme/words.h"

enum { NAME_BYTES = 512, DAY_S = 86400 };

static const char *const PARTS[] = {"", "facts", "cost", "documents", "decisions", "options",
    "evaluators", "declared", "sheets", "days", "insurance", "amounts", "done"};
_Static_assert(sizeof PARTS / sizeof PARTS[0] == PART_COUNT, "one name per part");

#define OFFICER   CASE_OFFICER
#define COMPANY   0
#define JUDGES    CASE_EVALUATOR
#define APPLICANT (CASE_APPLICANT | CASE_OFFICER)

static const struct case_action ACTIONS[] = {
    {"apply", "apply", APPLICANT, false, false, act_apply, "type name facts cost documents"},
    {"file", "*", COMPANY, true, false, act_file, "documents"},
    {"decide", "screen", OFFICER, false, false, act_decide, "rule holds"},
    {"option", "*", OFFICER, true, false, act_option, "name value"},
    {"screen", "screen", OFFICER, false, false, act_screen, ""},
    {"refuse", "screen visit score select match plan cost agree", OFFICER, true, false, act_refuse,
        ""},
    {"assign", "screen visit score select check judge level", OFFICER, false, false, act_assign,
        "evaluator"},
    {"declare", "screen visit score select check judge level", JUDGES, false, false, act_declare,
        "conflict"},
    {"sheet", "visit score", JUDGES, false, false, act_sheet, "grades checks"},
    {"visit", "visit", OFFICER, false, false, act_visit, "result"},
    {"score", "score", OFFICER, false, false, act_score, "bonus score"},
    {"match", "match", COMPANY, false, false, act_match, "expert"},
    {"plan", "plan", COMPANY, false, false, act_plan, "documents"},
    {"cost", "cost", OFFICER, false, false, act_cost, "cost_review"},
    {"revise", "cost agree", COMPANY, false, false, act_revise, "documents"},
    {"agree", "agree", OFFICER, false, false, act_agree, "amount"},
    {"request", "request", COMPANY, false, false, act_request, "documents insurance"},
    {"pay", "pay", OFFICER, false, false, act_pay, "amount"},
    {"change", "request pay run check report", OFFICER, false, false, act_change, "what"},
    {"extend", "request pay run check report", OFFICER, false, false, act_extend, "months"},
    {"run", "run", COMPANY, false, false, act_run, ""},
    {"check", "check", OFFICER, false, false, act_check, "result"},
    {"skip", "check visit level", OFFICER, false, false, act_skip, ""},
    {"report", "report", COMPANY, false, false, act_report, "documents"},
    {"judge", "judge", OFFICER, false, false, act_judge, "verdict"},
    {"level", "level", OFFICER, false, false, act_level, "system_level company_level security"},
    {"certify", "certify", OFFICER, false, false, act_certify, "certificate"},
    {"settle", "settle", OFFICER, false, false, act_settle, "spent"},
    {"close", "follow", OFFICER, false, false, act_close, ""},
    {"withdraw", "screen visit score select match plan cost agree", APPLICANT, true, false,
        act_withdraw, ""},
    {"cancel", "*", OFFICER, true, false, act_cancel, ""},
    {"object", "*", APPLICANT, true, true, act_object, "text"},
    {"resolve", "*", OFFICER, true, true, act_resolve, "text"},
    {"clawback", "*", OFFICER, false, true, act_clawback, "cause"},
    {"returned", "*", OFFICER, false, true, act_returned, "amount"},
};

const struct case_action *case_action_at(size_t index) {
    return index < sizeof ACTIONS / sizeof ACTIONS[0] ? &ACTIONS[index] : NULL;
}

static const struct case_action *action_find(struct str name) {
    const struct case_action *action = NULL;
    for (size_t i = 0; (action = case_action_at(i)) != NULL; i++) {
        if (str_eq(str_of(action->name), name)) {
            return action;
        }
    }
    return NULL;
}

/* ---- Steps ---- */

struct str step_kind(const struct json_in *step) {
    return json_in_text(json_in_get(step, "kind"));
}

struct str step_id(const struct json_in *step) {
    return json_in_text(json_in_get(step, "id"));
}

static bool is_one_of(struct str word, const char *words) {
    struct str rest = str_of(words);
    while (rest.size > 0) {
        if (str_eq(str_cut(&rest, ' '), word)) {
            return true;
        }
    }
    return false;
}

const struct json_in *step_of_kind(
    const struct json_in *root, const char *kind, const struct json_in *after) {
    const struct json_in *steps = json_in_get(root, "steps");
    bool behind = after == NULL;
    for (size_t i = 0; i < json_in_count(steps); i++) {
        const struct json_in *step = json_in_at(steps, i);
        if (behind && str_eq(step_kind(step), str_of(kind))) {
            return step;
        }
        behind = behind || step == after;
    }
    return NULL;
}

bool step_is_before(
    const struct json_in *root, const struct json_in *step, const struct json_in *other) {
    const struct json_in *steps = json_in_get(root, "steps");
    for (size_t i = 0; i < json_in_count(steps); i++) {
        const struct json_in *one = json_in_at(steps, i);
        if (one == step || one == other) {
            return one == step && step != other;
        }
    }
    return false;
}

/* The next one that is a case's; NULL: that was the last. */
const struct json_in *step_behind(const struct json_in *root, const struct json_in *step) {
    const struct json_in *steps = json_in_get(root, "steps");
    bool behind = false;
    for (size_t i = 0; i < json_in_count(steps); i++) {
        const struct json_in *one = json_in_at(steps, i);
        if (behind && !str_eq(step_kind(one), STR("announce"))) {
            return one;
        }
        behind = behind || one == step;
    }
    return NULL;
}

bool case_action_fits(const struct case_action *action, const struct json_in *step) {
    return action->kinds[0] == '*' || is_one_of(step_kind(step), action->kinds);
}

/* Who files: the companies that the step names; where it names none, the agency does. */
static uint32_t roles_of_step(const struct json_in *step) {
    const struct json_in *by = json_in_get(step, "by");
    uint32_t roles = CASE_OFFICER;
    for (size_t i = 0; i < json_in_count(by); i++) {
        struct str who = json_in_text(json_in_at(by, i));
        if (is_one_of(who, "adopter applicant host partner company")) {
            roles |= CASE_APPLICANT;
        }
        if (is_one_of(who, "supplier solution consulting consultant meister robot")) {
            roles |= CASE_SUPPLIER;
        }
    }
    return roles;
}

uint32_t case_action_roles(const struct case_action *action, const struct json_in *step) {
    if (action->roles != COMPANY) {
        return action->roles;
    }
    if (str_eq(str_of(action->name), STR("file")) || str_eq(str_of(action->name), STR("revise"))) {
        return CASE_OFFICER | CASE_APPLICANT | CASE_SUPPLIER;
    }
    return roles_of_step(step);
}

/* ---- Telling ---- */

struct json *turn_effect(struct turn *turn, enum part part) {
    struct buf *buf = &turn->parts[part];
    if (buf->max == 0) {
        buf_init(buf, CASE_TURN_BYTES);
        json_init(&turn->effects[part], buf);
        json_object_begin(&turn->effects[part]);
    }
    return &turn->effects[part];
}

void turn_step_ends(struct turn *turn) {
    char day[DAY_TEXT_MAX];
    size_t size = day_text(turn->today, day);
    struct json *json = turn_effect(turn, PART_DONE);
    json_key_str(json, step_id(turn->step));
    json_str(json, (struct str){day, size});
    turn->to_step = step_behind(turn->root, turn->step);
    turn->ended = turn->to_step == NULL;
}

void turn_goes_back(struct turn *turn, const struct json_in *step) {
    turn->to_step = step;
}

void turn_state(struct turn *turn, const char *state) {
    json_put_str(turn_effect(turn, PART_TOP), "state", str_of(state));
}

void turn_day(struct turn *turn, const char *name) {
    char day[DAY_TEXT_MAX];
    size_t size = day_text(turn->today, day);
    json_put_str(turn_effect(turn, PART_DAYS), name, (struct str){day, size});
}

void turn_refuse_step(struct turn *turn, enum msg_id msg, const struct arg *args) {
    answer_refuse_case(&turn->answer, turn->step, msg, args);
}

static struct str name_in(const struct json_in *element, enum lang lang) {
    struct str own = json_in_text(json_in_get(element, lang == LANG_KO ? "ko" : "en"));
    return own.size > 0 ? own : json_in_text(json_in_get(element, lang == LANG_KO ? "en" : "ko"));
}

void turn_refuse_named(struct turn *turn, const struct json_in *rule, const struct json_in *named,
    enum msg_id msg, const struct arg *args) {
    struct arg own[ERR_ARGS_MAX + 1] = {{0}};
    struct buf words[2];
    struct str source = json_in_text(json_in_get(rule, "src"));
    for (size_t i = 0; i < ERR_ARGS_MAX && args[i].kind != ARG_KIND_NONE; i++) {
        own[i] = args[i];
    }
    for (int i = 0; i < 2; i++) {
        enum lang lang = i == 0 ? LANG_KO : LANG_EN;
        buf_init(&words[i], ERR_TEXT_MAX * 4);
        own[0] = A_STR(name_in(named, lang));
        msg_render(msg, own, lang, &words[i]);
    }
    answer_refuse_said(&turn->answer, json_in_text(json_in_get(rule, "id")),
        source.size > 0 ? source : programme_text(turn->programme, "src"), buf_str(&words[0]),
        buf_str(&words[1]));
    buf_fini(&words[0]);
    buf_fini(&words[1]);
}

void turn_refuse_all(struct turn *turn, const struct json_in *answer) {
    const struct json_in *refused = json_in_get(answer, "refused");
    for (size_t i = 0; i < json_in_count(refused); i++) {
        if (turn->answer.refused.size > 0) {
            buf_put_char(&turn->answer.refused, ',');
        }
        json_in_put(json_in_at(refused, i), &turn->answer.refused);
        turn->answer.refused_count++;
    }
}

int turn_ask(struct turn *turn, const char *verb, struct str input, bool binding,
    struct json_in **ret_answer, struct err *err) {
    AUTO_JSON_IN struct json_in *asked = NULL;
    AUTO_BUF struct buf out;
    buf_init(&out, ANSWER_BYTES_MAX);
    const struct verb *question = verb_find(str_of(verb));
    int rc = question ? json_in_parse(input, &asked, err)
                      : err_set(err, ERR_UNSUPPORTED, SAY_DESK(DESK_QUESTION), ARGS(A_CSTR(verb)));
    struct str type = json_in_text(json_in_get(turn->type, "id"));
    rc = rc < 0 ? rc : verb_ask(question, turn->programme, type, asked, &out, err);
    rc = rc < 0 ? rc : json_in_parse(buf_str(&out), ret_answer, err);
    if (rc < 0) {
        return rc;
    }
    if (!str_eq(str_of(verb), STR("deadlines"))) { // Asked at every turn; told where it decides.
        if (turn->asked.size > 0) {
            buf_put_char(&turn->asked, ',');
        }
        buf_printf(&turn->asked, "\"%s\":{\"input\":", verb);
        buf_put_str(&turn->asked, input);
        buf_put_str(&turn->asked, STR(",\"answer\":"));
        buf_put_str(&turn->asked, buf_str(&out));
        buf_put_char(&turn->asked, '}');
    }
    if (binding) {
        turn_refuse_all(turn, *ret_answer);
    }
    return 0;
}

void case_moment_text(int64_t second, char to[CASE_MOMENT_MAX]) {
    char day[DAY_TEXT_MAX];
    int rest = (int)(second % DAY_S);
    (void)day_text((int32_t)(second / DAY_S), day);
    (void)snprintf(
        to, CASE_MOMENT_MAX, "%.10sT%02d:%02d:%02d", day, rest / 3600, rest / 60 % 60, rest % 60);
}

/* ---- Looking ---- */

const struct json_in *turn_of(const struct turn *turn, const char *part) {
    return json_in_get(turn->state, part);
}

struct str turn_word(const struct turn *turn, const char *name) {
    return json_in_text(json_in_get(turn->input, name));
}

struct str case_state_text(const struct json_in *state, const char *name) {
    return json_in_text(json_in_get(state, name));
}

/* ---- Merging ---- */

static void put_member(struct buf *to, struct str name, struct str raw) {
    struct json json;
    AUTO_BUF struct buf key;
    buf_init(&key, NAME_BYTES * 8);
    json_init(&json, &key);
    json_str(&json, name);
    if (to->size > 0 && to->data[to->size - 1] != '{') {
        buf_put_char(to, ',');
    }
    buf_put_str(to, buf_str(&key));
    buf_put_char(to, ':');
    buf_put_str(to, raw);
}

static void put_value(struct buf *to, struct str name, const struct json_in *value) {
    AUTO_BUF struct buf raw;
    buf_init(&raw, CASE_TURN_BYTES);
    json_in_put(value, &raw);
    put_member(to, name, buf_str(&raw));
}

/* Members of the old object that the new one does not name, then those of the new one. */
static void merge_inner(const struct json_in *old, const struct json_in *new, struct buf *to) {
    size_t at = 0;
    struct str name = STR_NONE;
    const struct json_in *value = NULL;
    buf_put_char(to, '{');
    while (json_in_next(old, &at, &name, &value)) {
        if (!json_in_find(new, name)) {
            put_value(to, name, value);
        }
    }
    for (at = 0; json_in_next(new, &at, &name, &value);) {
        put_value(to, name, value);
    }
    buf_put_char(to, '}');
}

void case_fold(const struct json_in *state, const struct json_in *effect, struct buf *to) {
    size_t at = 0;
    struct str name = STR_NONE;
    const struct json_in *value = NULL;
    buf_put_char(to, '{');
    while (json_in_next(state, &at, &name, &value)) {
        if (!json_in_find(effect, name)) {
            put_value(to, name, value);
        }
    }
    for (at = 0; json_in_next(effect, &at, &name, &value);) {
        const struct json_in *old = json_in_find(state, name);
        if (json_in_kind(value) != JSON_KIND_OBJECT || json_in_kind(old) != JSON_KIND_OBJECT) {
            put_value(to, name, value);
            continue;
        }
        AUTO_BUF struct buf inner;
        buf_init(&inner, CASE_TURN_BYTES);
        merge_inner(old, value, &inner);
        put_member(to, name, buf_str(&inner));
    }
    buf_put_char(to, '}');
}

/* ---- Deadlines ---- */

void turn_put_raw(struct json *json, const char *key, const struct json_in *value) {
    if (value) {
        json_put_value(json, key, value);
    }
}

/* The days of the case as the question `deadlines` reads them. */
static void put_days(const struct json_in *state, struct buf *to) {
    struct json json;
    json_init(&json, to);
    json_object_begin(&json);
    size_t at = 0;
    struct str name = STR_NONE;
    const struct json_in *value = NULL;
    const struct json_in *days = json_in_get(state, "days");
    while (json_in_next(days, &at, &name, &value)) {
        if (is_one_of(name, "agreement selection_notice cost_review_result report_filed "
                            "success_verdict")) {
            json_key_str(&json, name);
            json_str(&json, json_in_text(value));
        }
    }
    for (size_t i = 0; i < 2; i++) {
        const char *part = (const char *const[]){"extension_months", "options"}[i];
        if (json_in_count(json_in_get(state, part)) > 0) {
            json_put_value(&json, part, json_in_get(state, part));
        }
    }
    json_object_end(&json);
}

/* All deadlines of a case, as the question answers them. */
int case_days(const struct programme *programme, const struct json_in *state,
    struct json_in **ret_answer, struct err *err) {
    AUTO_BUF struct buf input;
    AUTO_BUF struct buf out;
    AUTO_JSON_IN struct json_in *asked = NULL;
    buf_init(&input, CASE_TURN_BYTES);
    buf_init(&out, ANSWER_BYTES_MAX);
    put_days(state, &input);
    int rc = json_in_parse(buf_str(&input), &asked, err);
    rc = rc < 0 ? rc
                : verb_ask(verb_find(STR("deadlines")), programme, case_state_text(state, "type"),
                      asked, &out, err);
    return rc < 0 ? rc : json_in_parse(buf_str(&out), ret_answer, err);
}

static int deadline_of(const struct programme *programme, const struct json_in *state,
    struct str id, int32_t *ret_day, struct err *err) {
    AUTO_JSON_IN struct json_in *answer = NULL;
    if (id.size == 0 || !json_in_get(state, "days")) {
        return 0;
    }
    int rc = case_days(programme, state, &answer, err);
    if (rc < 0) {
        return rc;
    }
    return day_parse(json_in_text(json_in_find(answer, id)), ret_day) ? 1 : 0;
}

int turn_deadline(struct turn *turn, struct str id, int32_t *ret_day, struct err *err) {
    return deadline_of(turn->programme, turn->state, id, ret_day, err);
}

static const struct json_in *step_of_state(
    const struct json_in *root, const struct json_in *state) {
    return list_find(json_in_get(root, "steps"), case_state_text(state, "step"));
}

int case_due(const struct programme *programme, const struct json_in *state, int32_t *ret_day,
    struct err *err) {
    const struct json_in *step = step_of_state(programme_root(programme), state);
    if (!str_eq(case_state_text(state, "state"), STR("open"))) {
        return 0;
    }
    return deadline_of(programme, state, json_in_text(json_in_get(step, "deadline")), ret_day, err);
}

/* Where a miss does not end the matter by itself, an officer may take what comes late, with a
 * reason: the decision and the deadline stand in the record. */
static bool takes_late(const struct turn *turn, const struct json_in *rule) {
    struct str miss = json_in_text(json_in_get(rule, "on_miss"));
    struct str at_step = json_in_text(json_in_get(turn->step, "on_miss"));
    struct str id = json_in_text(json_in_get(rule, "id"));
    bool of_step = str_eq(id, json_in_text(json_in_get(turn->step, "deadline"))) ||
                   str_eq(id, STR("revised_plan_due"));
    return of_step && !str_eq(miss, STR("cancel")) && !str_eq(at_step, STR("cancel")) &&
           (turn->actor->roles & CASE_OFFICER) != 0 && turn->reason.size > 0 &&
           json_in_true(json_in_get(turn->input, "accept_late"));
}

int turn_check_due(struct turn *turn, struct str id, struct err *err) {
    int32_t due = 0;
    int rc = turn_deadline(turn, id, &due, err);
    if (rc > 0 && turn->today > due) {
        const struct json_in *rule = programme_find(turn->programme, "deadlines", id);
        if (takes_late(turn, rule)) {
            char day[DAY_TEXT_MAX];
            (void)day_text(due, day);
            answer_note(&turn->answer, id, json_in_text(json_in_get(rule, "src")),
                SAY_DESK(CASE_LATE_TAKEN), ARGS(A_CSTR(day), A_STR(turn->reason)));
            return 0;
        }
        char last[DAY_TEXT_MAX];
        char today[DAY_TEXT_MAX];
        (void)day_text(due, last);
        (void)day_text(turn->today, today);
        rule = rule ? rule : turn->step;
        turn_refuse_named(
            turn, rule, rule, SAY_DESK(CASE_LATE), ARGS(NO_NAME, A_CSTR(last), A_CSTR(today)));
    }
    return rc < 0 ? rc : 0;
}

/* ---- One turn ---- */

static void join_parts(struct turn *turn, struct buf *to) {
    struct json *top = turn_effect(turn, PART_TOP);
    for (size_t i = PART_TOP + 1; i < PART_COUNT; i++) {
        if (turn->parts[i].max > 0) {
            json_object_end(&turn->effects[i]);
            json_key(top, PARTS[i]);
            json_raw(top, buf_str(&turn->parts[i]));
        }
    }
    json_object_end(top);
    buf_put_str(to, buf_str(&turn->parts[PART_TOP]));
}

/* The effect, and the case after it; its due day is found from that case and joins the effect. */
static int conclude(const struct programme *programme, const struct json_in *state,
    struct str effect, struct case_outcome *outcome, struct err *err) {
    AUTO_JSON_IN struct json_in *change = NULL;
    AUTO_JSON_IN struct json_in *after = NULL;
    AUTO_JSON_IN struct json_in *dated = NULL;
    AUTO_JSON_IN struct json_in *when = NULL;
    AUTO_BUF struct buf text;
    buf_init(&text, CASE_TURN_BYTES);
    int32_t due = 0;
    int rc = json_in_parse(effect, &change, err);
    if (rc >= 0) {
        case_fold(state, change, &text);
        rc = json_in_parse(buf_str(&text), &after, err);
    }
    rc = rc < 0 ? rc : case_due(programme, after, &due, err);
    if (rc < 0) {
        return rc;
    }
    char day[DAY_TEXT_MAX] = "";
    if (rc > 0) {
        (void)day_text(due, day);
    }
    AUTO_BUF struct buf last;
    buf_init(&last, 64);
    buf_printf(&last, "{\"due\":\"%s\"}", day);
    rc = json_in_parse(buf_str(&last), &when, err);
    if (rc >= 0) {
        case_fold(change, when, &outcome->effect);
        rc = json_in_parse(buf_str(&outcome->effect), &dated, err);
    }
    if (rc >= 0) {
        case_fold(state, dated, &outcome->state);
    }
    return rc;
}

int case_put(const struct programme *programme, const struct json_in *state, struct str effect,
    struct case_outcome *outcome, struct err *err) {
    return conclude(programme, state, effect, outcome, err);
}

void case_outcome_init(struct case_outcome *outcome) {
    *outcome = (struct case_outcome){.role = STR_NONE};
    buf_init(&outcome->answer, ANSWER_BYTES_MAX);
    buf_init(&outcome->effect, CASE_TURN_BYTES);
    buf_init(&outcome->state, CASE_TURN_BYTES);
}

void case_outcome_fini(struct case_outcome *outcome) {
    buf_fini(&outcome->answer);
    buf_fini(&outcome->effect);
    buf_fini(&outcome->state);
}

static bool has_ended(struct str state) {
    return is_one_of(state, "refused cancelled withdrawn closed failed clawback clawed_back");
}

/* The right time and the right place. */
static int check_place(const struct turn *turn, const struct case_action *action, struct err *err) {
    struct str state = case_state_text(turn->state, "state");
    if (!turn->state) {
        return 0;
    }
    if (has_ended(state) ? !action->ends : str_eq(state, STR("waiting")) && !action->waits) {
        return err_set(
            err, ERR_CONFLICT, SAY_DESK(CASE_STATE), ARGS(A_CSTR(action->name), A_STR(state)));
    }
    if (!case_action_fits(action, turn->step)) {
        return err_set(err, ERR_CONFLICT, SAY_DESK(CASE_STEP),
            ARGS(A_CSTR(action->name), A_STR(name_in(turn->step, turn->actor->lang)),
                A_STR(step_id(turn->step))));
    }
    return 0;
}

/* Who does it: the narrowest of the actor's roles that may. */
static int check_actor(const struct turn *turn, const struct case_action *action,
    struct str *ret_role, struct err *err) {
    static const uint32_t ORDER[] = {CASE_EVALUATOR, CASE_APPLICANT, CASE_SUPPLIER, CASE_OFFICER};
    uint32_t may = case_action_roles(action, turn->step) & turn->actor->roles;
    for (size_t i = 0; i < sizeof ORDER / sizeof ORDER[0]; i++) {
        if ((may & ORDER[i]) != 0) {
            *ret_role = str_of(case_role_name(ORDER[i]));
            return 0;
        }
    }
    return err_set(err, ERR_FORBIDDEN, SAY_DESK(CASE_ACTOR), ARGS(A_CSTR(action->name)));
}

/* What is done a day before what happened already would make a case that never was. */
static int check_time(const struct turn *turn, struct err *err) {
    int64_t before = 0;
    bool has_time = false;
    if (turn->state && moment_parse(case_state_text(turn->state, "at"), &before, &has_time) &&
        turn->today < (int32_t)(before / DAY_S)) {
        return err_set(err, ERR_CONFLICT, SAY_DESK(CASE_BEFORE),
            ARGS(A_STR(case_state_text(turn->state, "at"))));
    }
    return 0;
}

static void turn_finish(struct turn *turn, struct case_outcome *outcome) {
    char at[CASE_MOMENT_MAX];
    case_moment_text(turn->second, at);
    json_put_str(turn_effect(turn, PART_TOP), "at", str_of(at));
    if (turn->to_step) {
        json_put_str(turn_effect(turn, PART_TOP), "step", step_id(turn->to_step));
    }
    if (turn->ended) {
        turn_state(turn, "closed");
    }
    outcome->refused = turn->answer.refused_count > 0;
    json_key(&turn->answer.json, "asked");
    json_object_begin(&turn->answer.json);
    if (turn->asked.size > 0) {
        json_raw(&turn->answer.json, buf_str(&turn->asked));
    }
    json_object_end(&turn->answer.json);
    answer_end(&turn->answer);
}

static void turn_fini(struct turn *turn) {
    for (size_t i = 0; i < PART_COUNT; i++) {
        buf_fini(&turn->parts[i]);
    }
    buf_fini(&turn->asked);
}

static int turn_run(struct turn *turn, const struct case_action *action,
    const struct case_told *told, struct case_outcome *outcome, struct err *err) {
    int rc = check_place(turn, action, err);
    rc = rc < 0 ? rc : check_actor(turn, action, &outcome->role, err);
    rc = rc < 0 ? rc : check_time(turn, err);
    if (rc < 0) {
        return rc;
    }
    answer_begin(&turn->answer, &outcome->answer, turn->programme, turn->type);
    rc = action->run(turn, err);
    if (rc < 0) {
        answer_drop(&turn->answer);
        buf_clear(&outcome->answer);
        return rc;
    }
    turn_finish(turn, outcome);
    if (outcome->refused) {
        return 0;
    }
    AUTO_BUF struct buf effect;
    buf_init(&effect, CASE_TURN_BYTES);
    join_parts(turn, &effect);
    return conclude(turn->programme, told->state, buf_str(&effect), outcome, err);
}

int case_turn(const struct case_told *told, struct case_outcome *outcome, struct err *err) {
    const struct case_action *action = action_find(told->action);
    bool opens = action && str_eq(told->action, STR("apply"));
    if (!action || opens != (told->state == NULL)) {
        return err_set(err, ERR_INVALID, SAY_DESK(CASE_ACTION), ARGS(A_STR(told->action)));
    }
    struct turn turn = {.programme = told->programme,
        .root = programme_root(told->programme),
        .state = told->state,
        .input = told->input,
        .actor = told->actor,
        .reason = told->reason,
        .second = told->second,
        .today = (int32_t)(told->second / DAY_S),
        .budget_known = told->budget_known,
        .budget_left = told->budget_left,
        .evaluator_organisation = told->evaluator_organisation};
    struct str type = told->state ? case_state_text(told->state, "type")
                                  : json_in_text(json_in_get(told->input, "type"));
    int rc = programme_type(told->programme, type, &turn.type, err);
    turn.step = told->state ? step_of_state(turn.root, told->state)
                            : step_of_kind(turn.root, "apply", NULL);
    if (rc >= 0 && !turn.step) {
        rc = err_set(err, ERR_CONFLICT, SAY_DESK(CASE_NO_STEPS),
            ARGS(A_STR(name_in(turn.root, told->actor->lang))));
    }
    buf_init(&turn.asked, ANSWER_BYTES_MAX);
    rc = rc < 0 ? rc : turn_run(&turn, action, told, outcome, err);
    turn_fini(&turn);
    return rc;
}
