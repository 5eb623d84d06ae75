/*
 * The table of questions. A question that looks at dates, money or lists reads them itself; what no
 * question reads is told in the notes, because a member with a slip in its name would otherwise be
 * a fact that nobody missed.
 */
#include "programme/verbs.h"

#include "programme/words.h"

static const char *const SUBSIDY_KEYS[] = {"total_cost", "cash_contribution", "pm_labour",
    "supply_price", "vat", "quotation", "cost_review", "cost_consent", "rate", "sme_at_maximum",
    "regional_win_win", "company_size", "host_cash", "requested", "companies", NULL};
static const char *const DEADLINES_KEYS[] = {"agreement", "extension_months", "selection_notice",
    "cost_review_result", "report_filed", "success_verdict", "holidays", "options",
    "payment_request_filed", "plan_filed", "revised_plan_filed", "change_filed",
    "final_evaluation_held", "policy_until", NULL};
static const char *const CLAWBACK_KEYS[] = {"paid", "cause", "date", "agreement", "success_verdict",
    "factory_from", "factory_to", "party", "cause_party", "at_fault", "extension_months",
    "returned", NULL};
static const char *const SCORE_KEYS[] = {
    "grades", "checks", "bonus", "applied_at", "sheets", "options", NULL};
static const char *const RANK_KEYS[] = {"applications", "options", "slots", NULL};

static const char *const LEVEL_KEYS[] = {"system_level", "company_level", "target_level",
    "security", "areas", "total_score", "bands", "confirmed_on", "options", NULL};
static const char *const WORKLOG_KEYS[] = {"log", NULL};

/* Rules may ask any fact: `eligible` has no closed list. */
static const struct verb VERBS[] = {
    {"subsidy", true, ask_subsidy, SUBSIDY_KEYS}, {"eligible", false, ask_eligible, NULL},
    {"score", false, ask_score, SCORE_KEYS}, {"rank", false, ask_rank, RANK_KEYS},
    {"deadlines", false, ask_deadlines, DEADLINES_KEYS},
    {"clawback", false, ask_clawback, CLAWBACK_KEYS}, {"level", false, ask_level, LEVEL_KEYS},
    {"worklog", true, ask_worklog, WORKLOG_KEYS},
    {"settle", true, ask_settle, NULL}, // Takes the facts of the grant, too.
};

const struct verb *verb_at(size_t index) {
    return index < sizeof VERBS / sizeof VERBS[0] ? &VERBS[index] : NULL;
}

const struct verb *verb_find(struct str name) {
    const struct verb *verb = NULL;
    for (size_t i = 0; (verb = verb_at(i)) != NULL; i++) {
        if (str_eq(str_of(verb->name), name)) {
            return verb;
        }
    }
    return NULL;
}

static bool is_key(const char *const *keys, struct str name) {
    for (; *keys; keys++) {
        if (str_eq(str_of(*keys), name)) {
            return true;
        }
    }
    return false;
}

static void tell_unused(
    const struct verb *verb, const struct json_in *input, struct answer *answer) {
    size_t at = 0;
    struct str name = STR_NONE;
    const struct json_in *value = NULL;
    while (verb->keys && json_in_next(input, &at, &name, &value)) {
        if (!is_key(verb->keys, name)) {
            answer_note(
                answer, STR("unused"), STR_NONE, SAY_DESK(PROGRAMME_UNUSED), ARGS(A_STR(name)));
        }
    }
}

int verb_ask(const struct verb *verb, const struct programme *programme, struct str type,
    const struct json_in *input, struct buf *out, struct err *err) {
    const struct json_in *found = NULL;
    int status = programme_type(programme, type, &found, err);
    if (status < 0) {
        bool may = type.size == 0 && !verb->needs_type && status == -ERR_USAGE;
        if (!may) {
            return status;
        }
        err_clear(err);
        found = NULL;
    }
    size_t before = out->size;
    struct answer answer;
    answer_begin(&answer, out, programme, found);
    status = verb->ask(programme, found, input, &answer, err);
    if (status < 0) {
        answer_drop(&answer);
        out->size = before;
        return status;
    }
    tell_unused(verb, input, &answer);
    answer_end(&answer);
    return 0;
}
