/*
 * From the agreement to the end: money, changes, checks, verdict, settlement, and taking money
 * back.
 *
 * No sum is paid beyond what was agreed, none agreed beyond what the rules give. Whether a breach
 * of the upkeep duty leads to clawing back is the agency's to decide: the answer says so, and the
 * decision is told with its reason.
 */
#include "programme/case.h"
#include "programme/day.h"
#include "programme/lexicon.h"
#include "programme/verbs.h"
#include "programme/won.h"
#include "programme/words.h"

static int64_t amount_of(const struct turn *turn, const char *name) {
    int64_t amount = 0;
    (void)json_in_whole(json_in_get(turn_of(turn, "amounts"), name), &amount);
    return amount;
}

static bool is_one(struct str word, const char *const *choices) {
    for (; *choices; choices++) {
        if (str_eq(word, str_of(*choices))) {
            return true;
        }
    }
    return false;
}

static int need_choice(const struct turn *turn, const char *name, const char *const *choices,
    const char *told, struct err *err) {
    return is_one(turn_word(turn, name), choices)
               ? 0
               : err_set(err, ERR_INVALID, SAY_DESK(CASE_CHOICE), ARGS(A_CSTR(name), A_CSTR(told)));
}

/* ---- Agreement and payment ---- */

int act_agree(struct turn *turn, struct err *err) {
    int64_t grant = 0;
    int64_t amount = 0;
    int rc = turn_grant(turn, "ceiling", &grant, err);
    if (rc <= 0) {
        return rc;
    }
    rc = won_of(turn->input, "amount", &amount, err);
    if (rc < 0) {
        return rc;
    }
    amount = rc > 0 ? amount : grant;
    if (amount > grant) {
        answer_refuse_case(
            &turn->answer, turn->type, SAY_DESK(CASE_OVER), ARGS(A_INT(amount), A_INT(grant)));
    }
    int64_t reserved = amount_of(turn, "requested");
    if (turn->budget_known && amount - reserved > turn->budget_left) {
        turn_refuse_step(
            turn, SAY_DESK(CASE_BUDGET), ARGS(A_INT(turn->budget_left), A_INT(amount - reserved)));
    }
    json_put_i64(turn_effect(turn, PART_AMOUNTS), "agreed", amount);
    turn_day(turn, "agreement");
    turn_step_ends(turn);
    return 0;
}

int act_pay(struct turn *turn, struct err *err) {
    int64_t amount = 0;
    int64_t paid = amount_of(turn, "paid");
    int64_t agreed = amount_of(turn, "agreed");
    int rc = won_of(turn->input, "amount", &amount, err);
    if (rc < 0) {
        return rc;
    }
    amount = rc > 0 ? amount : agreed - paid;
    if (amount > agreed - paid) {
        turn_refuse_step(turn, SAY_DESK(CASE_OVER), ARGS(A_INT(amount), A_INT(agreed - paid)));
    }
    json_put_i64(turn_effect(turn, PART_AMOUNTS), "paid", paid + amount);
    turn_day(turn, "paid");
    if (paid + amount == agreed || json_in_true(json_in_get(turn->input, "last"))) {
        turn_step_ends(turn);
    }
    return 0;
}

/* ---- Changes while it runs ---- */

static int need_agreement(struct turn *turn) {
    if (!json_in_get(turn_of(turn, "days"), "agreement")) {
        turn_refuse_step(turn, SAY_DESK(CASE_NOT_AGREED), NO_ARGS);
    }
    return 0;
}

int act_change(struct turn *turn, struct err *err) {
    if (turn_word(turn, "what").size == 0) {
        return err_set(err, ERR_INVALID, SAY_DESK(CASE_NEEDS), ARGS(A_CSTR("what")));
    }
    int rc = need_reason(turn, err);
    (void)need_agreement(turn);
    rc = rc < 0 ? rc : turn_check_due(turn, STR("change_due"), err);
    if (rc >= 0) {
        turn_day(turn, "change_approved");
    }
    return rc;
}

static int check_extension(struct turn *turn, int64_t months, int64_t *ret_sum) {
    const struct json_in *term = json_in_get(turn->type, "term");
    const struct json_in *before = turn_of(turn, "extension_months");
    int64_t max = 0;
    int64_t sum = months;
    for (size_t i = 0; i < json_in_count(before); i++) {
        int64_t one = 0;
        (void)json_in_whole(json_in_at(before, i), &one);
        sum += one;
    }
    *ret_sum = sum;
    if (!json_in_whole(json_in_get(term, "extension_max"), &max)) {
        answer_refuse_case(&turn->answer, turn->type, SAY_DESK(CASE_EXTENSION_NONE), NO_ARGS);
    } else if (sum > max) {
        answer_refuse_case(
            &turn->answer, turn->type, SAY_DESK(CASE_EXTENSION), ARGS(A_INT(max), A_INT(sum)));
    }
    return 0;
}

int act_extend(struct turn *turn, struct err *err) {
    int64_t months = 0;
    int64_t sum = 0;
    if (!json_in_whole(json_in_get(turn->input, "months"), &months) || months < 1 || months > 60) {
        return err_set(err, ERR_INVALID, SAY_DESK(CASE_NEEDS), ARGS(A_CSTR("months")));
    }
    int rc = need_reason(turn, err);
    (void)need_agreement(turn);
    rc = rc < 0 ? rc : check_extension(turn, months, &sum);
    rc = rc < 0 ? rc : turn_check_due(turn, STR("agreement_end"), err); // Never once it has ended.
    if (rc < 0) {
        return rc;
    }
    struct json *top = turn_effect(turn, PART_TOP);
    const struct json_in *before = turn_of(turn, "extension_months");
    json_key(top, "extension_months");
    json_array_begin(top);
    for (size_t i = 0; i < json_in_count(before); i++) {
        int64_t one = 0;
        (void)json_in_whole(json_in_at(before, i), &one);
        json_i64(top, one);
    }
    json_i64(top, months);
    json_array_end(top);
    return 0;
}

int act_run(struct turn *turn, struct err *err) {
    (void)err;
    turn_step_ends(turn);
    return 0;
}

/* ---- Checks ---- */

static const char *const CHECKED[] = {"ok", "fault", NULL};

int act_check(struct turn *turn, struct err *err) {
    int rc = need_choice(turn, "result", CHECKED, "ok, fault", err);
    if (rc < 0) {
        return rc;
    }
    json_put_str(turn_effect(turn, PART_TOP), "checked", turn_word(turn, "result"));
    turn_day(turn, "checked");
    if (str_eq(turn_word(turn, "result"), STR("ok"))) {
        turn_step_ends(turn); // A fault keeps the case here until a later check finds none.
        return 0;
    }
    return need_reason(turn, err);
}

int act_skip(struct turn *turn, struct err *err) {
    if (!json_in_true(json_in_get(turn->step, "optional"))) {
        turn_refuse_step(turn, SAY_DESK(CASE_NOT_OPTIONAL), NO_ARGS);
    }
    turn_step_ends(turn);
    return need_reason(turn, err);
}

/* The word in the record for what an officer says in either language; empty: no verdict. */
static struct str verdict_of(struct str word) {
    static const char *const VERDICTS[][2] = {
        {"success", "성공"}, {"supplement", "보완"}, {"fail", "실패"}};
    for (size_t i = 0; i < sizeof VERDICTS / sizeof VERDICTS[0]; i++) {
        if (str_eq(word, str_of(VERDICTS[i][0])) || str_eq(word, str_of(VERDICTS[i][1]))) {
            return str_of(VERDICTS[i][0]);
        }
    }
    return STR_NONE;
}

int act_judge(struct turn *turn, struct err *err) {
    struct str verdict = verdict_of(turn_word(turn, "verdict"));
    if (verdict.size == 0) {
        return err_set(err, ERR_INVALID, SAY_DESK(CASE_CHOICE),
            ARGS(A_CSTR("verdict"), A_CSTR("success(성공), supplement(보완), fail(실패)")));
    }
    int rc = turn_check_due(turn, json_in_text(json_in_get(turn->step, "deadline")), err);
    if (rc < 0) {
        return rc;
    }
    json_put_str(turn_effect(turn, PART_TOP), "verdict", verdict);
    if (str_eq(verdict, STR("success"))) {
        turn_day(turn, "success_verdict");
        turn_step_ends(turn);
        return 0;
    }
    if (str_eq(verdict, STR("fail"))) {
        turn_day(turn, "failed");
        turn_state(turn, "failed");
    } else { // 보완: the report is filed again where there is one before the verdict.
        const struct json_in *report = step_of_kind(turn->root, "report", NULL);
        turn_goes_back(
            turn, report && step_is_before(turn->root, report, turn->step) ? report : turn->step);
    }
    return need_reason(turn, err);
}

/* Whether security is there: as told now, else as the application said. */
static bool level_security(const struct turn *turn, bool *ret_is) {
    const struct json_in *own = json_in_get(turn->input, "security");
    own = own ? own : json_in_get(turn_of(turn, "facts"), "security");
    bool built = false;
    bool linked = false;
    if (json_in_kind(own) != JSON_KIND_OBJECT) {
        return lexicon_yes(own, ret_is);
    }
    bool known = lexicon_yes(json_in_get(own, "built"), &built);
    known = lexicon_yes(json_in_get(own, "linked"), &linked) || known;
    *ret_is = built || linked;
    return known;
}

static void put_level_question(const struct turn *turn, const bool *security, struct buf *input) {
    static const char *const TOLD[] = {
        "system_level", "company_level", "areas", "total_score", "bands", "options"};
    const struct json_in *target = json_in_get(turn->input, "target_level");
    char today[DAY_TEXT_MAX];
    struct json json;
    (void)day_text(turn->today, today);
    json_init(&json, input);
    json_object_begin(&json);
    for (size_t i = 0; i < sizeof TOLD / sizeof TOLD[0]; i++) {
        turn_put_raw(&json, TOLD[i], json_in_get(turn->input, TOLD[i]));
    }
    turn_put_raw(&json, "target_level",
        target ? target : json_in_get(turn_of(turn, "facts"), "target_level"));
    if (security) {
        json_put_bool(&json, "security", *security);
    }
    json_put_str(&json, "confirmed_on", str_of(today));
    json_object_end(&json);
}

/* Whether the level is one that needs security: asked as if there were none, told to nobody. */
static int needs_security(const struct turn *turn, struct err *err) {
    AUTO_JSON_IN struct json_in *asked = NULL;
    AUTO_JSON_IN struct json_in *answer = NULL;
    AUTO_BUF struct buf input;
    AUTO_BUF struct buf out;
    buf_init(&input, CASE_TURN_BYTES);
    buf_init(&out, ANSWER_BYTES_MAX);
    put_level_question(turn, &(bool){false}, &input);
    int rc = json_in_parse(buf_str(&input), &asked, err);
    rc = rc < 0 ? rc
                : verb_ask(verb_find(STR("level")), turn->programme,
                      json_in_text(json_in_get(turn->type, "id")), asked, &out, err);
    rc = rc < 0 ? rc : json_in_parse(buf_str(&out), &answer, err);
    return rc < 0 ? rc : json_in_count(json_in_get(answer, "refused")) > 0;
}

static void keep_level(struct turn *turn, const struct json_in *answer) {
    static const char *const KEPT[] = {"system_level", "company_level", "target_met", "total_score",
        "band", "certificate_from", "certificate_until", "areas"};
    struct json *top = turn_effect(turn, PART_TOP);
    json_key(top, "level");
    json_object_begin(top);
    for (size_t i = 0; i < sizeof KEPT / sizeof KEPT[0]; i++) {
        turn_put_raw(top, KEPT[i], json_in_get(answer, KEPT[i]));
    }
    json_object_end(top);
}

/* Both scales as they were confirmed; what follows from them is the question's answer. */
int act_level(struct turn *turn, struct err *err) {
    AUTO_JSON_IN struct json_in *answer = NULL;
    AUTO_BUF struct buf input;
    buf_init(&input, CASE_TURN_BYTES);
    bool secure = false;
    if (!json_in_get(turn->input, "system_level") && !json_in_get(turn->input, "company_level")) {
        return err_set(err, ERR_INVALID, SAY_DESK(CASE_LEVEL_NEEDS), NO_ARGS);
    }
    bool known = level_security(turn, &secure);
    int rc = known ? 0 : needs_security(turn, err);
    if (rc != 0) {
        return rc < 0 ? rc : err_set(err, ERR_INVALID, SAY_DESK(CASE_LEVEL_SECURITY), NO_ARGS);
    }
    put_level_question(turn, known ? &secure : NULL, &input);
    rc = turn_ask(turn, "level", buf_str(&input), true, &answer, err);
    if (rc < 0) {
        return rc;
    }
    keep_level(turn, answer);
    turn_day(turn, "level_confirmed");
    turn_step_ends(turn);
    return 0;
}

/* Where a level was confirmed, the certificate's term is that of the confirmation. */
int act_certify(struct turn *turn, struct err *err) {
    static const char *const TERM[] = {"certificate_from", "certificate_until"};
    if (turn_word(turn, "certificate").size == 0) {
        return err_set(err, ERR_INVALID, SAY_DESK(CASE_NEEDS), ARGS(A_CSTR("certificate")));
    }
    struct json *top = turn_effect(turn, PART_TOP);
    json_put_str(top, "certificate", turn_word(turn, "certificate"));
    for (size_t i = 0; i < sizeof TERM / sizeof TERM[0]; i++) {
        turn_put_raw(top, TERM[i], json_in_get(turn_of(turn, "level"), TERM[i]));
    }
    turn_day(turn, "certified");
    turn_step_ends(turn);
    return 0;
}

/* The grant that the recognised cost gives, by the grant's own rules; what was paid beyond it. */
static int ask_settle_of(struct turn *turn, int64_t spent, int64_t *ret_back, struct err *err) {
    AUTO_JSON_IN struct json_in *answer = NULL;
    AUTO_BUF struct buf input;
    buf_init(&input, CASE_TURN_BYTES);
    struct json json;
    json_init(&json, &input);
    json_object_begin(&json);
    turn_put_members(&json, turn_of(turn, "cost"));
    json_put_i64(&json, "paid", amount_of(turn, "paid"));
    json_put_i64(&json, "recognised", spent);
    json_object_end(&json);
    int rc = turn_ask(turn, "settle", buf_str(&input), true, &answer, err);
    if (rc >= 0 && !json_in_whole(json_in_get(answer, "refund"), ret_back) &&
        turn->answer.refused_count == 0) {
        turn_refuse_step(turn, SAY_DESK(CASE_COST_UNKNOWN), NO_ARGS);
    }
    return rc;
}

/* What was paid beyond the grant of what was spent goes back. */
int act_settle(struct turn *turn, struct err *err) {
    int64_t spent = 0;
    int64_t paid = amount_of(turn, "paid");
    int rc = won_of(turn->input, "spent", &spent, err);
    if (rc <= 0) {
        return rc < 0 ? rc : err_set(err, ERR_INVALID, SAY_DESK(CASE_NEEDS), ARGS(A_CSTR("spent")));
    }
    int64_t back = 0;
    rc = ask_settle_of(turn, spent, &back, err);
    if (rc < 0) {
        return rc;
    }
    json_put_i64(turn_effect(turn, PART_AMOUNTS), "spent", spent);
    json_put_i64(turn_effect(turn, PART_AMOUNTS), "to_return", back < paid ? back : paid);
    turn_day(turn, "settled");
    turn_step_ends(turn);
    return 0;
}

int act_close(struct turn *turn, struct err *err) {
    (void)err;
    turn_day(turn, "closed");
    turn_step_ends(turn);
    return 0;
}

int act_cancel(struct turn *turn, struct err *err) {
    int rc = need_reason(turn, err);
    if (rc >= 0) {
        turn_day(turn, "cancelled");
        turn_state(turn, "cancelled");
    }
    return rc;
}

int act_resolve(struct turn *turn, struct err *err) {
    if (turn_word(turn, "text").size == 0) {
        return err_set(err, ERR_INVALID, SAY_DESK(CASE_NEEDS), ARGS(A_CSTR("text")));
    }
    json_put_bool(turn_effect(turn, PART_TOP), "objection", false);
    return need_reason(turn, err);
}

/* ---- Taking money back ---- */

static void put_word(struct turn *turn, struct json *json, const char *name) {
    if (turn_word(turn, name).size > 0) {
        json_put_str(json, name, turn_word(turn, name));
    }
}

static int ask_clawback_of(struct turn *turn, struct json_in **ret_answer, struct err *err) {
    AUTO_BUF struct buf input;
    buf_init(&input, CASE_TURN_BYTES);
    struct json json;
    json_init(&json, &input);
    json_object_begin(&json);
    json_put_i64(&json, "paid", amount_of(turn, "paid"));
    put_word(turn, &json, "cause");
    put_word(turn, &json, "factory_from");
    put_word(turn, &json, "factory_to");
    put_word(turn, &json, "party");
    put_word(turn, &json, "returned");
    char today[DAY_TEXT_MAX];
    (void)day_text(turn->today, today);
    json_put_str(
        &json, "date", turn_word(turn, "date").size > 0 ? turn_word(turn, "date") : str_of(today));
    for (size_t i = 0; i < 2; i++) {
        const char *name = (const char *const[]){"agreement", "success_verdict"}[i];
        struct str day = json_in_text(json_in_get(turn_of(turn, "days"), name));
        if (day.size > 0) {
            json_put_str(&json, name, day);
        }
    }
    const struct json_in *extensions = turn_of(turn, "extension_months");
    if (json_in_count(extensions) > 0) {
        json_put_value(&json, "extension_months", extensions);
    }
    json_object_end(&json);
    return turn_ask(turn, "clawback", buf_str(&input), true, ret_answer, err);
}

int act_clawback(struct turn *turn, struct err *err) {
    AUTO_JSON_IN struct json_in *answer = NULL;
    (void)need_agreement(turn);
    if (turn_word(turn, "cause").size == 0) {
        return err_set(err, ERR_INVALID, SAY_DESK(CASE_NEEDS), ARGS(A_CSTR("cause")));
    }
    int rc = need_reason(turn, err);
    rc = rc < 0 ? rc : ask_clawback_of(turn, &answer, err);
    if (rc < 0) {
        return rc;
    }
    int64_t paid = amount_of(turn, "paid");
    int64_t amount = 0;
    const struct json_in *decision = json_in_get(turn->input, "decision");
    bool told = json_in_whole(json_in_get(answer, "amount"), &amount);
    bool decided = json_in_kind(decision) == JSON_KIND_BOOL;
    json_put_str(turn_effect(turn, PART_TOP), "cause", turn_word(turn, "cause"));
    if (!told && !decided) {
        turn_refuse_step(turn, SAY_DESK(CASE_DECISION), NO_ARGS);
        return 0;
    }
    if (!told) {
        json_put_bool(turn_effect(turn, PART_TOP), "breach", true);
        amount = json_in_true(decision) ? paid : 0;
        rc = won_of(turn->input, "amount", &amount, err);
        if (rc < 0) {
            return rc;
        }
        amount = json_in_true(decision) ? amount : 0;
    }
    if (amount > paid) {
        turn_refuse_step(turn, SAY_DESK(CASE_OVER), ARGS(A_INT(amount), A_INT(paid)));
    }
    if (amount > 0) {
        json_put_i64(turn_effect(turn, PART_AMOUNTS), "clawback", amount);
        turn_day(turn, "clawback");
        turn_state(turn, "clawback");
    }
    return 0;
}

int act_returned(struct turn *turn, struct err *err) {
    int64_t amount = 0;
    int64_t wanted = amount_of(turn, "clawback");
    int64_t before = amount_of(turn, "returned");
    static const char *const THROUGH[] = {"voluntary", "guarantee", NULL};
    int rc = won_of(turn->input, "amount", &amount, err);
    if (rc == 0) {
        return err_set(err, ERR_INVALID, SAY_DESK(CASE_NEEDS), ARGS(A_CSTR("amount")));
    }
    rc = rc < 0 ? rc : need_choice(turn, "through", THROUGH, "voluntary, guarantee", err);
    if (rc < 0) {
        return rc;
    }
    wanted = wanted > 0 ? wanted : amount_of(turn, "to_return");
    if (amount > wanted - before) {
        turn_refuse_step(turn, SAY_DESK(CASE_OVER), ARGS(A_INT(amount), A_INT(wanted - before)));
    }
    json_put_i64(turn_effect(turn, PART_AMOUNTS), "returned", before + amount);
    json_put_str(turn_effect(turn, PART_TOP), "through", turn_word(turn, "through"));
    turn_day(turn, "returned");
    if (before + amount == amount_of(turn, "clawback")) {
        turn_state(turn, "clawed_back");
    }
    return 0;
}
