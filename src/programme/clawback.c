/*
 * What is claimed back of a grant, and through whom. A cause claims all of it, never a part in
 * proportion to what was done; what is not returned by itself is recovered through the
 * guarantee policy. A broken duty to keep the results up is told, and whether to claim then
 * is the agency's recorded decision: the amount is null.
 */
#include <string.h>

#include "programme/lexicon.h"
#include "programme/term.h"
#include "programme/verbs.h"
#include "programme/won.h"
#include "programme/words.h"

#define NOT_DECIDED INT64_C(-1)

struct claim {
    const struct programme *programme;
    const struct json_in *input;
    struct answer *answer;
    struct term term;
    int64_t paid;
    int32_t date;    // DAY_NONE: not given.
    int32_t verdict; // DAY_NONE: not given.
    int64_t amount;
    bool breach;
    bool breach_known;
    struct str party;
    struct str source;
};

static void tell(struct claim *claim, const char *id, enum msg_id msg, const struct arg *args) {
    answer_note(claim->answer, str_of(id), claim->source, msg, args);
}

static bool in_region(const struct claim *claim, struct str address) {
    const struct json_in *root = programme_root(claim->programme);
    return lexicon_in_region(address, json_in_get(json_in_get(root, "region"), "names"));
}

/* The last day of the programme's own period ("2023-12"), where it prints no term; DAY_NONE: none.
 */
static int32_t period_end(const struct claim *claim) {
    struct str to =
        json_in_text(json_in_get(json_in_get(programme_root(claim->programme), "period"), "to"));
    char text[DAY_TEXT_MAX];
    int32_t first = DAY_NONE;
    if (claim->term.months > 0 || to.size != 7) {
        return DAY_NONE;
    }
    (void)str_copy_z(to, text, sizeof text);
    memcpy(text + to.size, "-01", 4);
    return day_parse(str_of(text), &first) ? day_add_months(first, 1) - 1 : DAY_NONE;
}

/* Whether the project had ended by the date; false in *ret_known: nobody can tell. A period may be
 * changed by the issuer, so it proves that a project still ran, never that one had ended. */
static bool had_ended(const struct claim *claim, bool *ret_known) {
    int32_t end = claim->verdict != DAY_NONE ? claim->verdict : claim->term.end;
    int32_t period = period_end(claim);
    bool running =
        end == DAY_NONE && period != DAY_NONE && claim->date != DAY_NONE && claim->date <= period;
    *ret_known = running || (end != DAY_NONE && claim->date != DAY_NONE);
    return *ret_known && !running && claim->date > end;
}

static void moved_away(struct claim *claim) {
    struct str to = json_in_text(json_in_get(claim->input, "factory_to"));
    struct str from = json_in_text(json_in_get(claim->input, "factory_from"));
    bool known = false;
    bool ended = had_ended(claim, &known);
    answer_convention(claim->answer, 13);
    claim->party = STR("adopter");
    if (to.size > 0 && (in_region(claim, to) || (from.size > 0 && !in_region(claim, from)))) {
        claim->amount = 0;
        tell(claim, "region", SAY_DESK(CLAWBACK_INSIDE), ARGS(A_STR(to)));
    } else if (ended) {
        claim->amount = 0;
        tell(claim, "ended", SAY_DESK(CLAWBACK_ENDED), NO_ARGS);
    } else if (to.size == 0 || !known) {
        claim->amount = NOT_DECIDED;
        tell(claim, "unknown", SAY_DESK(CLAWBACK_MOVE_UNKNOWN), NO_ARGS);
    }
}

static void upkeep(struct claim *claim, const struct json_in *duty) {
    int64_t years = 0;
    claim->source = json_in_text(json_in_get(duty, "src"));
    claim->party = STR("adopter");
    (void)json_in_whole(json_in_get(duty, "years"), &years);
    if (claim->verdict == DAY_NONE || claim->date == DAY_NONE) {
        claim->amount = NOT_DECIDED;
        claim->breach_known = false;
        tell(claim, "unknown", SAY_DESK(CLAWBACK_UPKEEP_UNKNOWN), NO_ARGS);
        return;
    }
    int32_t until = day_add_months(claim->verdict, (int)years * 12);
    char text[DAY_TEXT_MAX];
    (void)day_text(until, text);
    claim->breach = claim->date <= until && claim->date >= claim->verdict;
    claim->amount = claim->breach ? NOT_DECIDED : 0;
    answer_convention(claim->answer, 5);
    tell(claim, "upkeep",
        claim->breach ? SAY_DESK(CLAWBACK_UPKEEP) : SAY_DESK(CLAWBACK_UPKEEP_OVER),
        ARGS(A_CSTR(text)));
}

/* A verdict as a cause: only 실패 claims. 1: it was one. */
static int verdict_cause(struct claim *claim, struct str cause) {
    static const struct {
        const char *names[5];
        bool claims;
    } VERDICTS[] = {{{"성공", "success", "success_verdict", "successful"}, false},
        {{"보완", "supplement", "rework"}, false},
        {{"실패", "fail", "failure", "failed", "부적합"}, true}};
    for (size_t i = 0; i < sizeof VERDICTS / sizeof VERDICTS[0]; i++) {
        for (size_t k = 0; k < 5 && VERDICTS[i].names[k]; k++) {
            if (str_eq_nocase(cause, str_of(VERDICTS[i].names[k]))) {
                claim->amount = VERDICTS[i].claims ? claim->paid : 0;
                if (!VERDICTS[i].claims) {
                    tell(claim, "verdict", SAY_DESK(CLAWBACK_VERDICT), ARGS(A_STR(cause)));
                }
                return 1;
            }
        }
    }
    return 0;
}

/* A cause by its id or its announced words. */
static const struct json_in *cause_of(const struct json_in *causes, struct str named) {
    const struct json_in *found = list_find(causes, named);
    for (size_t i = 0; !found && i < json_in_count(causes); i++) {
        const struct json_in *cause = json_in_at(causes, i);
        found = lexicon_same(json_in_text(json_in_get(cause, "ko")), named) ? cause : NULL;
    }
    return found;
}

/* The duty whose breach is this cause; NULL: none. */
static const struct json_in *duty_of(const struct programme *programme, struct str cause) {
    const struct json_in *duties = json_in_get(programme_root(programme), "duties");
    for (size_t i = 0; i < json_in_count(duties); i++) {
        const struct json_in *duty = json_in_at(duties, i);
        if (str_eq(json_in_text(json_in_get(duty, "cause")), cause)) {
            return duty;
        }
    }
    return NULL;
}

static int unknown_cause(const struct claim *claim, struct str cause, struct err *err) {
    AUTO_BUF struct buf names;
    buf_init(&names, 1024);
    const struct json_in *causes =
        json_in_get(json_in_get(programme_root(claim->programme), "clawback"), "causes");
    for (size_t i = 0; i < json_in_count(causes); i++) {
        buf_put_str(&names, i > 0 ? STR(", ") : STR_NONE);
        buf_put_str(&names, json_in_text(json_in_get(json_in_at(causes, i), "id")));
    }
    return err_set(
        err, ERR_NOT_FOUND, SAY_DESK(CLAWBACK_CAUSE), ARGS(A_STR(cause), A_STR(buf_str(&names))));
}

static void by_cause(struct claim *claim, const struct json_in *cause) {
    struct str party = json_in_text(json_in_get(cause, "party"));
    claim->party = str_eq(party, STR("either")) ? STR_NONE : party;
    if (str_eq(json_in_text(json_in_get(cause, "id")), STR("factory_moved"))) {
        moved_away(claim);
        return;
    }
    bool known = false;
    if (claim->verdict != DAY_NONE && had_ended(claim, &known)) {
        claim->amount = 0;
        tell(claim, "ended", SAY_DESK(CLAWBACK_ENDED), NO_ARGS);
    }
}

static int judge(struct claim *claim, struct err *err) {
    const struct json_in *rules = json_in_get(programme_root(claim->programme), "clawback");
    struct str id = json_in_text(json_in_get(claim->input, "cause"));
    if (id.size == 0) {
        return err_set(err, ERR_INVALID, SAY_DESK(SUBSIDY_NEEDS), ARGS(A_CSTR("cause")));
    }
    claim->source = json_in_text(json_in_get(rules, "src"));
    const struct json_in *cause = cause_of(json_in_get(rules, "causes"), id);
    const struct json_in *duty = duty_of(claim->programme, id);
    claim->breach_known = true;
    if (duty) {
        upkeep(claim, duty);
    } else if (!rules) {
        claim->amount = NOT_DECIDED;
        claim->breach_known = false;
        tell(claim, "unstated", SAY_DESK(CLAWBACK_UNSTATED), NO_ARGS);
    } else if (cause) {
        by_cause(claim, cause);
    } else if (verdict_cause(claim, id) == 0) {
        return unknown_cause(claim, id, err);
    }
    return 0;
}

/* Who was at fault, where the input says so. */
static int read_party(struct claim *claim, struct err *err) {
    static const char *const NAMES[] = {"party", "cause_party", "at_fault"};
    for (size_t i = 0; i < sizeof NAMES / sizeof NAMES[0]; i++) {
        struct str text = json_in_text(json_in_get(claim->input, NAMES[i]));
        struct str role = lexicon_role(text);
        if (text.size > 0 && role.size == 0) {
            return err_set(err, ERR_INVALID, SAY_DESK(CLAWBACK_PARTY), ARGS(A_STR(text)));
        }
        if (role.size > 0) {
            claim->party = role;
            return 0;
        }
    }
    return 0;
}

static void put(struct claim *claim) {
    struct json *json = &claim->answer->json;
    if (claim->amount == NOT_DECIDED) {
        json_put_null(json, "amount");
    } else {
        json_put_i64(json, "amount", claim->amount);
    }
    json_put_str(
        json, "cause_party", claim->party.size > 0 ? claim->party : STR("adopter_or_supplier"));
    const struct json_in *returned = json_in_get(claim->input, "returned");
    int64_t back = 0;
    bool all = json_in_true(returned) || (json_in_whole(returned, &back) && back >= claim->amount);
    if (claim->amount > 0) {
        json_put_str(json, "through", all ? STR("voluntary_return") : STR("guarantee"));
        if (back > 0 && !all) {
            json_put_i64(json, "through_guarantee", claim->amount - back);
        }
    } else {
        json_put_null(json, "through");
    }
    if (claim->breach_known) {
        json_put_bool(json, "breach", claim->breach);
    } else {
        json_put_null(json, "breach");
    }
    json_put_str(json, "source", claim->source);
}

int ask_clawback(const struct programme *programme, const struct json_in *type,
    const struct json_in *input, struct answer *answer, struct err *err) {
    struct claim claim = {.programme = programme,
        .input = input,
        .answer = answer,
        .date = DAY_NONE,
        .verdict = DAY_NONE,
        .paid = NOT_DECIDED};
    int status = won_of(input, "paid", &claim.paid, err);
    if (status == 0) {
        status = err_set(err, ERR_INVALID, SAY_DESK(SUBSIDY_NEEDS), ARGS(A_CSTR("paid")));
    }
    status = status < 0 ? status : day_of_input(input, "date", &claim.date, err);
    status = status < 0 ? status : day_of_input(input, "success_verdict", &claim.verdict, err);
    status = status < 0 ? status : term_of(programme, type, input, answer, NULL, &claim.term, err);
    claim.amount = claim.paid;
    status = status < 0 ? status : judge(&claim, err);
    status = status < 0 ? status : read_party(&claim, err);
    if (status >= 0) {
        put(&claim);
    }
    return status < 0 ? status : 0;
}
