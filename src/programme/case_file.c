/*
 * What companies file: the application, documents, plan, payment request, report; and what they may
 * say besides: withdraw, object.
 *
 * An officer may enter what reached the agency on paper, on the day it came, and says why. What a
 * rule asks of a document is asked on the day it is filed: it is there, and young enough.
 */
#include "core/check.h"
#include "programme/case.h"
#include "programme/day.h"
#include "programme/won.h"
#include "programme/words.h"

enum { DAY_S = 86400, WORD_BYTES = 300, DOCUMENTS_MAX = 100 };

/* ---- Documents ---- */

static const struct json_in *given_document(const struct turn *turn, struct str id) {
    return list_find(json_in_get(turn->input, "documents"), id);
}

static void check_age(struct turn *turn, const struct json_in *rule, const struct json_in *given) {
    int64_t months = 0;
    int32_t issued = 0;
    if (!json_in_whole(json_in_get(rule, "max_age_months"), &months)) {
        return;
    }
    if (!day_parse(json_in_text(json_in_get(given, "issued")), &issued)) {
        turn_refuse_named(turn, rule, rule, SAY_DESK(CASE_DOCUMENT_ISSUED), ARGS(NO_NAME));
        return;
    }
    if (turn->today > day_add_months(issued, (int)months)) {
        char day[DAY_TEXT_MAX];
        char today[DAY_TEXT_MAX];
        (void)day_text(issued, day);
        (void)day_text(turn->today, today);
        turn_refuse_named(turn, rule, rule, SAY_DESK(CASE_DOCUMENT_OLD),
            ARGS(NO_NAME, A_CSTR(day), A_CSTR(today), A_INT(months)));
    }
}

static int enter_documents(struct turn *turn, struct err *err) {
    const struct json_in *given = json_in_get(turn->input, "documents");
    if (json_in_count(given) > DOCUMENTS_MAX) {
        return err_set(err, ERR_LIMIT, SAY_DESK(PROGRAMME_SIZE), ARGS(A_INT(DOCUMENTS_MAX)));
    }
    for (size_t i = 0; i < json_in_count(given); i++) {
        const struct json_in *one = json_in_at(given, i);
        struct str id = json_in_text(json_in_get(one, "id"));
        const struct json_in *rule = programme_find(turn->programme, "documents", id);
        if (!rule && !str_starts(id, STR("other"))) {
            answer_refuse(
                &turn->answer, id, STR_NONE, SAY_DESK(CASE_DOCUMENT_UNKNOWN), ARGS(A_STR(id)));
            continue;
        }
        struct json *json = turn_effect(turn, PART_DOCUMENTS);
        json_key_str(json, id);
        json_str(json, json_in_text(json_in_get(one, "issued")));
        check_age(turn, rule, one);
    }
    return 0;
}

int turn_documents(struct turn *turn, struct str stage, struct err *err) {
    const struct json_in *rules = json_in_get(turn->root, "documents");
    const struct json_in *filed = turn_of(turn, "documents");
    for (size_t i = 0; i < json_in_count(rules) && stage.size > 0; i++) {
        const struct json_in *rule = json_in_at(rules, i);
        struct str id = json_in_text(json_in_get(rule, "id"));
        bool needed = str_eq(json_in_text(json_in_get(rule, "stage")), stage) &&
                      !json_in_get(rule, "only_if");
        if (needed && !given_document(turn, id) && !json_in_find(filed, id)) {
            turn_refuse_named(turn, rule, rule, SAY_DESK(CASE_DOCUMENT_MISSING), ARGS(NO_NAME));
        }
    }
    return enter_documents(turn, err);
}

/* ---- Money and eligibility ---- */

static void copy_members(struct json *to, const struct json_in *from, const struct json_in *but) {
    size_t at = 0;
    struct str name = STR_NONE;
    const struct json_in *value = NULL;
    while (json_in_next(from, &at, &name, &value)) {
        if (!json_in_find(but, name)) {
            json_key_str(to, name);
            json_value(to, value);
        }
    }
}

void turn_put_members(struct json *to, const struct json_in *from) {
    copy_members(to, from, NULL);
}

int turn_grant(struct turn *turn, const char *to, int64_t *ret_grant, struct err *err) {
    AUTO_JSON_IN struct json_in *answer = NULL;
    AUTO_BUF struct buf input;
    buf_init(&input, CASE_TURN_BYTES);
    const struct json_in *told = json_in_get(turn->input, "cost");
    struct json json;
    json_init(&json, &input);
    json_object_begin(&json);
    copy_members(&json, turn_of(turn, "cost"), told);
    copy_members(&json, told, NULL);
    json_object_end(&json);
    if (told) {
        copy_members(turn_effect(turn, PART_COST), told, NULL);
    }
    int rc = turn_ask(turn, "subsidy", buf_str(&input), true, &answer, err);
    if (rc < 0) {
        return rc;
    }
    if (!json_in_whole(json_in_get(answer, "grant"), ret_grant)) {
        if (turn->answer.refused_count == 0) {
            turn_refuse_step(turn, SAY_DESK(CASE_COST_UNKNOWN), NO_ARGS);
        }
        return 0;
    }
    json_put_i64(turn_effect(turn, PART_AMOUNTS), to, *ret_grant);
    return 1;
}

int turn_eligible(struct turn *turn, struct json_in **ret_answer, struct err *err) {
    AUTO_BUF struct buf input;
    buf_init(&input, CASE_TURN_BYTES);
    struct json json;
    const struct json_in *facts =
        turn->state ? turn_of(turn, "facts") : json_in_get(turn->input, "facts");
    struct str received = turn->state ? case_state_text(turn->state, "received") : STR_NONE;
    char today[DAY_TEXT_MAX];
    (void)day_text(turn->today, today);
    json_init(&json, &input);
    json_object_begin(&json);
    AUTO_JSON_IN struct json_in *own = NULL;
    int rc = json_in_parse(STR("{\"applied_at\":1,\"documents\":1}"), &own, err);
    if (rc < 0) {
        return rc;
    }
    copy_members(&json, facts, own);
    json_put_str(&json, "applied_at", received.size > 0 ? received : str_of(today));
    json_key(&json, "documents");
    json_array_begin(&json);
    const struct json_in *filed = turn_of(turn, "documents");
    const struct json_in *value = NULL;
    struct str name = STR_NONE;
    for (size_t at = 0; json_in_next(filed, &at, &name, &value);) {
        json_object_begin(&json);
        json_put_str(&json, "id", name);
        if (json_in_text(value).size > 0) {
            json_put_str(&json, "issued", json_in_text(value));
        }
        json_object_end(&json);
    }
    const struct json_in *given = turn->state ? NULL : json_in_get(turn->input, "documents");
    for (size_t i = 0; i < json_in_count(given); i++) {
        AUTO_BUF struct buf raw;
        buf_init(&raw, CASE_TURN_BYTES);
        json_object_begin(&json);
        json_put_str(&json, "id", json_in_text(json_in_get(json_in_at(given, i), "id")));
        struct str issued = json_in_text(json_in_get(json_in_at(given, i), "issued"));
        if (issued.size > 0) {
            json_put_str(&json, "issued", issued);
        }
        json_object_end(&json);
    }
    json_array_end(&json);
    json_object_end(&json);
    return turn_ask(turn, "eligible", buf_str(&input), false, ret_answer, err);
}

/* ---- The application ---- */

/* When applications are taken: the programme's state and its window (conventions C-6, C-12). */
static void check_window(struct turn *turn) {
    const struct json_in *window = json_in_get(turn->root, "window");
    struct str state = programme_text(turn->programme, "state");
    int64_t opens = 0;
    int64_t closes = 0;
    bool has_time = false;
    if (str_eq(state, STR("details_pending")) || str_eq(state, STR("continuing"))) {
        turn_refuse_named(turn, window, turn->root,
            str_eq(state, STR("continuing")) ? SAY_DESK(CASE_CONTINUING) : SAY_DESK(CASE_NO_STEPS),
            ARGS(NO_NAME));
        return;
    }
    struct str from = json_in_text(json_in_get(window, "opens"));
    struct str to = json_in_text(json_in_get(window, "closes"));
    if (moment_parse(from, &opens, &has_time) && turn->second < opens) {
        answer_refuse_case(&turn->answer, window, SAY_DESK(CASE_WINDOW_OPENS), ARGS(A_STR(from)));
    }
    if (moment_parse(to, &closes, &has_time) &&
        turn->second > (has_time ? closes : closes + DAY_S - 1)) {
        answer_convention(&turn->answer, 12);
        answer_refuse_case(&turn->answer, window, SAY_DESK(CASE_WINDOW_CLOSED), ARGS(A_STR(to)));
    }
}

static int put_applicant(struct turn *turn, struct err *err) {
    struct json *top = turn_effect(turn, PART_TOP);
    struct str name = turn_word(turn, "name");
    if (name.size == 0 || name.size > WORD_BYTES - 50) {
        return err_set(err, ERR_INVALID, SAY_DESK(CASE_NEEDS), ARGS(A_CSTR("name")));
    }
    char received[CASE_MOMENT_MAX];
    case_moment_text(turn->second, received);
    json_put_str(top, "programme", programme_id(turn->programme));
    json_put_str(top, "type", json_in_text(json_in_get(turn->type, "id")));
    json_put_str(top, "state", STR("open"));
    json_put_str(top, "name", name);
    bool enters = (turn->actor->roles & CASE_OFFICER) != 0; // For a company, as told.
    json_put_str(
        top, "organisation", enters ? turn_word(turn, "organisation") : turn->actor->organisation);
    json_put_str(top, "corporation", turn_word(turn, "corporation"));
    json_put_str(top, "received", str_of(received));
    json_put_i64(turn_effect(turn, PART_AMOUNTS), "paid", 0);
    json_put_i64(turn_effect(turn, PART_AMOUNTS), "returned", 0);
    if (json_in_get(turn->input, "facts")) {
        copy_members(turn_effect(turn, PART_FACTS), json_in_get(turn->input, "facts"), NULL);
    }
    return 0;
}

/* A window that is open until the budget is exhausted ends where what is left does not reach. */
static void check_budget(struct turn *turn, int64_t grant) {
    const struct json_in *window = json_in_get(turn->root, "window");
    if (json_in_true(json_in_get(window, "rolling")) && turn->budget_known &&
        (turn->budget_left <= 0 || grant > turn->budget_left)) {
        answer_refuse_case(&turn->answer, window, SAY_DESK(CASE_BUDGET),
            ARGS(A_INT(turn->budget_left), A_INT(grant)));
    }
}

int act_apply(struct turn *turn, struct err *err) {
    int64_t grant = 0;
    check_window(turn);
    int rc = put_applicant(turn, err);
    rc = rc < 0 ? rc : turn_documents(turn, STR("application"), err);
    if (rc >= 0 && json_in_get(turn->input, "cost")) {
        rc = turn_grant(turn, "requested", &grant, err);
    }
    check_budget(turn, grant);
    /* Where no step reviews the requirements, what is plainly not met is not taken at all. */
    if (rc >= 0 && !step_of_kind(turn->root, "screen", NULL)) {
        AUTO_JSON_IN struct json_in *eligible = NULL;
        rc = turn_eligible(turn, &eligible, err);
        if (rc >= 0 && str_eq(json_in_text(json_in_get(eligible, "result")), STR("no"))) {
            turn_refuse_all(turn, eligible);
        }
    }
    if (rc >= 0) {
        turn_step_ends(turn);
    }
    return rc < 0 ? rc : 0;
}

int act_file(struct turn *turn, struct err *err) {
    if (json_in_count(json_in_get(turn->input, "documents")) == 0) {
        return err_set(err, ERR_INVALID, SAY_DESK(CASE_NEEDS), ARGS(A_CSTR("documents")));
    }
    return turn_documents(turn, STR_NONE, err);
}

/* ---- Later filings ---- */

static struct str own_deadline(const struct turn *turn) {
    return json_in_text(json_in_get(turn->step, "deadline"));
}

static int file_step(struct turn *turn, const char *day, struct err *err) {
    int rc = turn_check_due(turn, own_deadline(turn), err);
    struct str stage = json_in_text(json_in_get(turn->step, "documents"));
    rc = rc < 0 ? rc : turn_documents(turn, stage, err);
    if (rc >= 0) {
        turn_day(turn, day);
        turn_step_ends(turn);
    }
    return rc;
}

int act_plan(struct turn *turn, struct err *err) {
    return file_step(turn, "plan_filed", err);
}

int act_revise(struct turn *turn, struct err *err) {
    int rc = turn_check_due(turn, STR("revised_plan_due"), err);
    rc = rc < 0 ? rc : turn_documents(turn, STR_NONE, err);
    if (rc >= 0) {
        turn_day(turn, "revised_plan_filed");
    }
    return rc;
}

int act_report(struct turn *turn, struct err *err) {
    return file_step(turn, "report_filed", err);
}

/* Whether somebody in this role takes part; the adopter always does. */
static bool takes_part(const struct turn *turn, struct str role) {
    const struct json_in *all = json_in_get(turn_of(turn, "facts"), "consortium");
    bool known = false;
    for (size_t i = 0; i < json_in_count(all); i++) {
        struct str one = json_in_text(json_in_get(json_in_at(all, i), "role"));
        known = known || str_eq(one, role);
    }
    return known || str_eq(role, STR("adopter")) || json_in_count(all) == 0;
}

struct role_words {
    const char *role;
    enum msg_id words;
};
static const struct role_words ROLES[] = {{"adopter", SAY_DESK(SHOW_BY_ADOPTER)},
    {"supplier", SAY_DESK(SHOW_BY_SUPPLIER)}, {"solution", SAY_DESK(SHOW_BY_SOLUTION)},
    {"consulting", SAY_DESK(SHOW_BY_CONSULTING)}, {"host", SAY_DESK(SHOW_BY_HOST)},
    {"partner", SAY_DESK(SHOW_BY_PARTNER)}, {"meister", SAY_DESK(SHOW_BY_MEISTER)}};

static void party_words(struct str role, enum lang lang, struct buf *to) {
    for (size_t i = 0; i < sizeof ROLES / sizeof ROLES[0]; i++) {
        if (str_eq(role, str_of(ROLES[i].role))) {
            msg_render(ROLES[i].words, NO_ARGS, lang, to);
            return;
        }
    }
    buf_put_str(to, role);
}

/* The holder by name, in the language of each sentence. */
static void refuse_policy(struct turn *turn, const struct json_in *rule, struct str holder,
    enum msg_id msg, const struct arg *args) {
    struct arg own[ERR_ARGS_MAX + 1] = {{0}};
    struct buf words[2];
    for (size_t i = 1; i < ERR_ARGS_MAX && args[i].kind != ARG_KIND_NONE; i++) {
        own[i] = args[i];
    }
    for (int i = 0; i < 2; i++) {
        AUTO_BUF struct buf name;
        enum lang lang = i == 0 ? LANG_KO : LANG_EN;
        buf_init(&name, WORD_BYTES);
        buf_init(&words[i], ERR_TEXT_MAX * 4);
        party_words(holder, lang, &name);
        own[0] = A_STR(buf_str(&name));
        msg_render(msg, own, lang, &words[i]);
    }
    answer_refuse_said(&turn->answer, STR("insurance"), json_in_text(json_in_get(rule, "src")),
        buf_str(&words[0]), buf_str(&words[1]));
    buf_fini(&words[0]);
    buf_fini(&words[1]);
}

static void check_policy(
    struct turn *turn, const struct json_in *rule, struct str holder, bool known, int32_t needed) {
    const struct json_in *policies = json_in_get(turn->input, "insurance");
    for (size_t i = 0; i < json_in_count(policies); i++) {
        const struct json_in *policy = json_in_at(policies, i);
        int32_t until = 0;
        if (!str_eq(json_in_text(json_in_get(policy, "holder")), holder) ||
            !day_parse(json_in_text(json_in_get(policy, "until")), &until)) {
            continue;
        }
        char day[DAY_TEXT_MAX];
        char last[DAY_TEXT_MAX];
        (void)day_text(until, day);
        (void)day_text(needed, last);
        if (known && until < needed) {
            refuse_policy(turn, rule, holder, SAY_DESK(CASE_INSURANCE_SHORT),
                ARGS(NO_NAME, A_CSTR(day), A_CSTR(last)));
        }
        struct json *json = turn_effect(turn, PART_INSURANCE);
        json_key_str(json, holder);
        json_str(json, str_of(day));
        return;
    }
    refuse_policy(turn, rule, holder, SAY_DESK(CASE_INSURANCE_MISSING), ARGS(NO_NAME));
}

/* One policy for each holder, each long enough: to the deadline `insurance_until` where the
 * programme has one, else to the agreement's end and its tail. */
static int check_insurance(struct turn *turn, struct err *err) {
    const struct json_in *rule = json_in_get(turn->root, "insurance");
    const struct json_in *holders = json_in_get(rule, "holders");
    int64_t tail = 0;
    int32_t needed = 0;
    int rc = turn_deadline(turn, STR("insurance_until"), &needed, err);
    if (rc == 0) {
        rc = turn_deadline(turn, STR("agreement_end"), &needed, err);
        (void)json_in_whole(json_in_get(rule, "tail_months"), &tail);
        needed = rc > 0 ? day_add_months(needed, (int)tail) : 0;
    }
    bool known = rc > 0;
    for (size_t i = 0; i < json_in_count(holders) && rc >= 0; i++) {
        struct str holder = json_in_text(json_in_at(holders, i));
        if (takes_part(turn, holder)) {
            check_policy(turn, rule, holder, known, needed);
        }
    }
    return rc < 0 ? rc : 0;
}

int act_request(struct turn *turn, struct err *err) {
    int rc = check_insurance(turn, err);
    return rc < 0 ? rc : file_step(turn, "payment_request_filed", err);
}

int act_withdraw(struct turn *turn, struct err *err) {
    (void)err;
    turn_day(turn, "withdrawn");
    turn_state(turn, "withdrawn");
    return 0;
}

int act_object(struct turn *turn, struct err *err) {
    if (turn_word(turn, "text").size == 0) {
        return err_set(err, ERR_INVALID, SAY_DESK(CASE_NEEDS), ARGS(A_CSTR("text")));
    }
    json_put_bool(turn_effect(turn, PART_TOP), "objection", true);
    return 0;
}
