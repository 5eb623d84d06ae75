/*
 * A programme for people. The document of a programme is for programs; what an officer wants to
 * read of it is one page in the order of a procedure, with sources, in one language.
 */
#include "app/programme_text.h"

#include <stdio.h>
#include <string.h>

#include "programme/programme.h"
#include "programme/won.h"
#include "programme/words.h"

struct word {
    const char *id;
    enum msg_id msg;
};

static const struct word STATES[] = {{"open", SAY_DESK(SHOW_STATE_OPEN)},
    {"details_pending", SAY_DESK(SHOW_STATE_PENDING)},
    {"continuing", SAY_DESK(SHOW_STATE_CONTINUING)}, {.id = NULL}};
static const struct word BASES[] = {{"total_cost", SAY_DESK(SUBSIDY_STEP_COST)},
    {"cost", SAY_DESK(SHOW_COST)}, {"supply_price", SAY_DESK(SUBSIDY_STEP_PRICE)},
    {"cash_without_labour", SAY_DESK(SHOW_CASH)}, {.id = NULL}};
static const struct word STAGES[] = {{"application", SAY_DESK(SHOW_STAGE_APPLICATION)},
    {"payment", SAY_DESK(SHOW_STAGE_PAYMENT)}, {"plan", SAY_DESK(SHOW_STAGE_PLAN)},
    {"completion", SAY_DESK(SHOW_STAGE_COMPLETION)}, {.id = NULL}};
static const struct word PARTIES[] = {{"centre", SAY_DESK(SHOW_BY_CENTRE)},
    {"adopter", SAY_DESK(SHOW_BY_ADOPTER)}, {"agency", SAY_DESK(SHOW_BY_AGENCY)},
    {"ministry", SAY_DESK(SHOW_BY_MINISTRY)}, {"committee", SAY_DESK(SHOW_BY_COMMITTEE)},
    {"supplier", SAY_DESK(SHOW_BY_SUPPLIER)}, {"specialist", SAY_DESK(SHOW_BY_SPECIALIST)},
    {"host", SAY_DESK(SHOW_BY_HOST)}, {"partner", SAY_DESK(SHOW_BY_PARTNER)},
    {"operator", SAY_DESK(SHOW_BY_OPERATOR)}, {"chamber", SAY_DESK(SHOW_BY_CHAMBER)},
    {"consulting", SAY_DESK(SHOW_BY_CONSULTING)}, {"cost_body", SAY_DESK(SHOW_BY_COST_BODY)},
    {"auditor", SAY_DESK(SHOW_BY_AUDITOR)}, {"manpower", SAY_DESK(SHOW_BY_MANPOWER)},
    {"confirm_body", SAY_DESK(SHOW_BY_CONFIRM_BODY)}, {"meister", SAY_DESK(SHOW_BY_MEISTER)},
    {"assessor", SAY_DESK(SHOW_BY_ASSESSOR)}, {"solution", SAY_DESK(SHOW_BY_SOLUTION)},
    {"system", SAY_DESK(SHOW_BY_SYSTEM)}, {.id = NULL}};
static const struct word FROM[] = {{"agreement", SAY_DESK(SHOW_FROM_AGREEMENT)},
    {"agreement_end", SAY_DESK(SHOW_FROM_END)}, {"selection_notice", SAY_DESK(SHOW_FROM_NOTICE)},
    {"cost_review_result", SAY_DESK(SHOW_FROM_COST)}, {"report_filed", SAY_DESK(SHOW_FROM_REPORT)},
    {"success_verdict", SAY_DESK(SHOW_FROM_SUCCESS)}, {.id = NULL}};
static const struct word KEYS[] = {{"type", SAY_DESK(SHOW_KEY_TYPE)},
    {"score", SAY_DESK(SHOW_KEY_SCORE)}, {"received", SAY_DESK(SHOW_KEY_RECEIVED)},
    {"women_owned", SAY_DESK(SHOW_KEY_WOMEN)}, {"history", SAY_DESK(SHOW_KEY_HISTORY)},
    {"fit", SAY_DESK(SHOW_KEY_FIT)}, {.id = NULL}};

static struct str text_of(const struct json_in *element, const char *name) {
    return json_in_text(json_in_get(element, name));
}

struct str programme_words(const struct call *call, const struct json_in *element) {
    struct str ko = text_of(element, "ko");
    struct str en = text_of(element, "en");
    return (call->lang == LANG_KO && ko.size > 0) || en.size == 0 ? ko : en;
}

static void say(struct call *call, enum msg_id msg, const struct arg *args) {
    msg_render(msg, args, call->lang, &call->out);
}

static void put(struct call *call, const char *text) {
    buf_put_str(&call->out, str_of(text));
}

static void put_word(struct call *call, const struct word *words, struct str id) {
    for (; words->id; words++) {
        if (str_eq(str_of(words->id), id)) {
            say(call, words->msg, NO_ARGS);
            return;
        }
    }
    buf_put_str(&call->out, id);
}

/* Words of a list of ids, one behind the other. */
static void put_all(struct call *call, const struct word *words, const struct json_in *list) {
    for (size_t i = 0; i < json_in_count(list); i++) {
        put(call, i > 0 ? ", " : "");
        put_word(call, words, json_in_text(json_in_at(list, i)));
    }
}

void programme_put_state(struct call *call, struct str state) {
    put_word(call, STATES, state);
}

static void put_source(struct call *call, const struct json_in *element) {
    struct str source = text_of(element, "src");
    if (source.size > 0) {
        put(call, "  [");
        buf_put_str(&call->out, source);
        put(call, "]");
    }
    put(call, "\n");
}

static void heading(struct call *call, enum msg_id msg) {
    put(call, "\n");
    say(call, msg, NO_ARGS);
    put(call, "\n");
}

/* "label: " and what stands under it; nothing where that is empty. */
static void line(struct call *call, enum msg_id label, struct str text) {
    if (text.size > 0) {
        say(call, label, NO_ARGS);
        put(call, ": ");
        buf_put_str(&call->out, text);
        put(call, "\n");
    }
}

static bool whole(const struct json_in *element, const char *name, int64_t *ret_number) {
    return json_in_whole(json_in_get(element, name), ret_number);
}

/* A sentence with an amount or number of the element in it; nothing where it has none. */
static void part(
    struct call *call, const struct json_in *element, const char *name, enum msg_id msg) {
    int64_t number = 0;
    char text[32];
    if (whole(element, name, &number)) {
        put(call, "; ");
        say(call, msg, ARGS(A_STR(((struct str){text, won_text(number, text)}))));
    }
}

/* "20%" of a rate written "0.2". */
static bool percent(
    const struct json_in *element, const char *name, char to[32], struct str *ret_text) {
    double rate = 0;
    const struct json_in *value = json_in_get(element, name);
    if (!json_in_number(value, &rate) && !str_to_f64(json_in_text(value), &rate)) {
        return false;
    }
    *ret_text = (struct str){to, (size_t)snprintf(to, 32, "%.6g%%", rate * 100)};
    return true;
}

static void part_rate(struct call *call, const struct json_in *type) {
    char least[32];
    char most[32];
    struct str rate;
    struct str limit;
    if (percent(type, "rate_min", least, &rate) && percent(type, "rate_max", most, &limit)) {
        put(call, ": ");
        say(call, SAY_DESK(SHOW_RATES), ARGS(A_STR(rate), A_STR(limit)));
    } else if (percent(type, "rate", least, &rate)) {
        put(call, ": ");
        buf_put_str(&call->out, rate);
    }
}

static void put_share(
    struct call *call, const struct json_in *shares, const char *name, enum msg_id msg) {
    char text[32];
    struct str share;
    if (percent(shares, name, text, &share)) {
        put(call, "; ");
        say(call, msg, ARGS(A_STR(share)));
    }
}

static void put_type(struct call *call, const struct json_in *type) {
    const struct json_in *fixed = json_in_get(type, "fixed");
    const struct json_in *term = json_in_get(type, "term");
    const struct json_in *labour = json_in_get(type, "labour");
    const struct json_in *shares = json_in_get(type, "shares");
    put(call, "  ");
    buf_put_str(&call->out, text_of(type, "id"));
    put(call, "  ");
    buf_put_str(&call->out, programme_words(call, type));
    put_source(call, type);
    put(call, "    ");
    if (fixed) {
        say(call, SAY_DESK(SHOW_FIXED), NO_ARGS);
        part(call, fixed, "total", SAY_DESK(SHOW_TOTAL));
        part(call, fixed, "grant", SAY_DESK(SHOW_GRANT));
        part(call, fixed, "government", SAY_DESK(SHOW_GOVERNMENT_WON));
        part(call, fixed, "local", SAY_DESK(SHOW_LOCAL_WON));
        part(call, fixed, "company", SAY_DESK(SHOW_COMPANY_WON));
    } else {
        put_word(call, BASES, text_of(type, "base"));
        part_rate(call, type);
        part(call, type, "cap", SAY_DESK(SHOW_CAP));
    }
    put_share(call, shares, "government_max", SAY_DESK(SHOW_GOVERNMENT_MAX));
    put_share(call, shares, "host_min", SAY_DESK(SHOW_HOST_MIN));
    put_share(call, shares, "sme_max", SAY_DESK(SHOW_SME_MAX));
    put_share(call, shares, "government", SAY_DESK(SHOW_GOVERNMENT));
    put_share(call, shares, "host", SAY_DESK(SHOW_HOST));
    put_share(call, shares, "sme", SAY_DESK(SHOW_SME));
    put_share(call, labour, "share", SAY_DESK(SHOW_LABOUR));
    part(call, labour, "cap", SAY_DESK(SHOW_LABOUR_CAP));
    part(call, type, "slots",
        json_in_true(json_in_get(type, "slots_about")) ? SAY_DESK(SHOW_SLOTS_ABOUT)
                                                       : SAY_DESK(SHOW_SLOTS));
    part(call, term, "months", SAY_DESK(SHOW_TERM));
    part(call, term, "extension_max", SAY_DESK(SHOW_EXTENSION));
    put(call, "\n");
}

/* Lines "  mark id  words  [source]". */
static void put_rules(struct call *call, const struct json_in *rules) {
    for (size_t i = 0; i < json_in_count(rules); i++) {
        const struct json_in *rule = json_in_at(rules, i);
        bool excludes = str_eq(text_of(rule, "kind"), STR("exclude"));
        put(call, excludes ? "  - " : "  + ");
        buf_put_str(&call->out, programme_words(call, rule));
        const struct json_in *types = json_in_get(rule, "types");
        for (size_t k = 0; k < json_in_count(types); k++) {
            put(call, k == 0 ? "  (" : ", ");
            buf_put_str(&call->out, json_in_text(json_in_at(types, k)));
            put(call, k + 1 == json_in_count(types) ? ")" : "");
        }
        put_source(call, rule);
    }
}

static void put_plain(struct call *call, const struct json_in *list, const char *mark) {
    for (size_t i = 0; i < json_in_count(list); i++) {
        const struct json_in *one = json_in_at(list, i);
        put(call, mark);
        buf_put_str(&call->out, programme_words(call, one));
        put_source(call, one);
    }
}

static void put_documents(struct call *call, const struct json_in *documents) {
    for (size_t i = 0; i < json_in_count(documents); i++) {
        const struct json_in *one = json_in_at(documents, i);
        put(call, "  ");
        put_word(call, STAGES, text_of(one, "stage"));
        put(call, ": ");
        buf_put_str(&call->out, programme_words(call, one));
        part(call, one, "max_age_months", SAY_DESK(SHOW_AGE));
        if (json_in_get(one, "only_if")) {
            put(call, "; ");
            buf_put_str(&call->out, programme_words(call, json_in_get(one, "only_if")));
        }
        put_source(call, one);
    }
}

static void put_steps(struct call *call, const struct json_in *steps) {
    for (size_t i = 0; i < json_in_count(steps); i++) {
        const struct json_in *one = json_in_at(steps, i);
        int64_t number = 0;
        (void)whole(one, "no", &number);
        buf_printf(&call->out, "  %2lld. ", (long long)number);
        buf_put_str(&call->out, programme_words(call, one));
        put(call, " (");
        put_all(call, PARTIES, json_in_get(one, "by"));
        put(call, ")");
        if (json_in_true(json_in_get(one, "optional"))) {
            put(call, "; ");
            say(call, SAY_DESK(SHOW_OPTIONAL), NO_ARGS);
        }
        put_source(call, one);
    }
}

static void put_bonus(struct call *call, const struct json_in *bonus) {
    if (!bonus) {
        return;
    }
    put(call, "  ");
    say(call, SAY_DESK(SHOW_BONUS), NO_ARGS);
    part(call, bonus, "cap", SAY_DESK(SHOW_BONUS_CAP));
    put_source(call, bonus);
    const struct json_in *items = json_in_get(bonus, "items");
    for (size_t i = 0; i < json_in_count(items); i++) {
        const struct json_in *item = json_in_at(items, i);
        put(call, "    + ");
        buf_put_str(&call->out, programme_words(call, item));
        part(call, item, "points", SAY_DESK(SHOW_POINTS));
        part(call, item, "valid_years", SAY_DESK(SHOW_VALID_YEARS));
        put(call, "\n");
    }
}

static void put_sheet(struct call *call, const struct json_in *root) {
    const struct json_in *sheet = json_in_get(root, "sheet");
    const struct json_in *areas = json_in_get(sheet, "areas");
    for (size_t a = 0; a < json_in_count(areas); a++) {
        const struct json_in *area = json_in_at(areas, a);
        put(call, "  ");
        buf_put_str(&call->out, programme_words(call, area));
        part(call, area, "points", SAY_DESK(SHOW_POINTS));
        put_source(call, sheet);
        const struct json_in *items = json_in_get(area, "items");
        for (size_t i = 0; i < json_in_count(items); i++) {
            const struct json_in *item = json_in_at(items, i);
            put(call, "    ");
            buf_put_str(&call->out, programme_words(call, item));
            part(call, item, "points", SAY_DESK(SHOW_POINTS));
            const struct json_in *grades = json_in_get(item, "grades");
            for (size_t g = 0; g < json_in_count(grades); g++) {
                put(call, g == 0 ? " (" : "-");
                json_in_put(json_in_at(grades, g), &call->out);
                put(call, g + 1 == json_in_count(grades) ? ")" : "");
            }
            put(call, "\n");
        }
    }
    put_plain(call, json_in_get(sheet, "checks"), "  ? ");
    const struct json_in *pass = json_in_get(root, "pass");
    int64_t mark = 0;
    if (whole(pass, "mark", &mark)) {
        put(call, "  ");
        say(call, SAY_DESK(SHOW_PASS), ARGS(A_INT(mark)));
        put_source(call, pass);
    }
    put_bonus(call, json_in_get(root, "bonus"));
}

static void put_deadlines(struct call *call, const struct json_in *deadlines) {
    for (size_t i = 0; i < json_in_count(deadlines); i++) {
        const struct json_in *one = json_in_at(deadlines, i);
        int64_t months = 0;
        put(call, "  ");
        buf_put_str(&call->out, programme_words(call, one));
        put(call, ": ");
        put_word(call, FROM, text_of(one, "from"));
        part(call, one, "days", SAY_DESK(SHOW_DAYS));
        if (whole(one, "months", &months)) {
            put(call, "; ");
            say(call, months < 0 ? SAY_DESK(SHOW_MONTHS_BEFORE) : SAY_DESK(SHOW_MONTHS),
                ARGS(A_INT(months < 0 ? -months : months)));
        }
        part(call, one, "years", SAY_DESK(SHOW_YEARS));
        put_source(call, one);
    }
}

static void put_selection(struct call *call, const struct json_in *selection) {
    put(call, "  ");
    put_all(call, KEYS, json_in_get(selection, "keys"));
    if (json_in_count(json_in_get(selection, "ties")) > 0) {
        put(call, "; ");
        say(call, SAY_DESK(SHOW_TIES), NO_ARGS);
        put(call, ": ");
        put_all(call, KEYS, json_in_get(selection, "ties"));
    }
    part(call, selection, "quota", SAY_DESK(SHOW_SLOTS));
    put_source(call, selection);
}

static void put_discrepancies(struct call *call, const struct json_in *list) {
    for (size_t i = 0; i < json_in_count(list); i++) {
        const struct json_in *one = json_in_at(list, i);
        put(call, "  ");
        buf_put_str(&call->out, text_of(one, "id"));
        put(call, ": ");
        buf_put_str(&call->out, programme_words(call, one));
        put(call, "  [");
        buf_put_str(&call->out, text_of(one, "where"));
        put(call, "]\n    > ");
        buf_put_str(&call->out, programme_words(call, json_in_get(one, "default")));
        put(call, "\n");
    }
}

static void put_head(struct call *call, const struct json_in *root) {
    const struct json_in *window = json_in_get(root, "window");
    buf_put_str(&call->out, text_of(root, "id"));
    put(call, "  ");
    buf_put_str(&call->out, programme_words(call, root));
    put(call, "\n");
    say(call, SAY_DESK(SHOW_STATE), NO_ARGS);
    put(call, ": ");
    programme_put_state(call, text_of(root, "state"));
    put(call, "\n");
    line(call, SAY_DESK(SHOW_ISSUER), programme_words(call, json_in_get(root, "issuer")));
    line(call, SAY_DESK(SHOW_AGENCY), programme_words(call, json_in_get(root, "agency")));
    line(call, SAY_DESK(SHOW_NUMBER), text_of(root, "number"));
    line(call, SAY_DESK(SHOW_ANNOUNCED), text_of(root, "announced"));
    line(call, SAY_DESK(SHOW_WINDOW), text_of(window, "literal"));
    line(call, SAY_DESK(SHOW_PERIOD), text_of(json_in_get(root, "period"), "literal"));
    line(call, SAY_DESK(SHOW_REGION), programme_words(call, json_in_get(root, "region")));
    int64_t budget = 0;
    char text[32];
    if (whole(root, "budget", &budget)) {
        line(call, SAY_DESK(SHOW_BUDGET), (struct str){text, won_text(budget, text)});
    }
    const struct json_in *members = json_in_get(root, "members");
    for (size_t i = 0; i < json_in_count(members); i++) {
        put(call, i == 0 ? "\n" : "");
        put(call, "  ");
        buf_put_str(&call->out, json_in_text(json_in_at(members, i)));
        put(call, "\n");
    }
    const struct json_in *fields = json_in_get(json_in_get(root, "portfolio"), "fields");
    for (size_t i = 0; i < json_in_count(fields); i++) {
        const struct json_in *field = json_in_at(fields, i);
        put(call, i == 0 ? "\n  " : "  ");
        buf_put_str(&call->out, programme_words(call, field));
        part(call, field, "budget", SAY_DESK(SHOW_WON));
        put(call, "\n");
    }
}

static void put_costs(struct call *call, const struct json_in *costs) {
    put_plain(call, json_in_get(costs, "allowed"), "  + ");
    put_plain(call, json_in_get(costs, "refused"), "  - ");
    struct str unlisted = programme_words(call, json_in_get(costs, "unlisted"));
    if (unlisted.size > 0) {
        put(call, "  ? ");
        buf_put_str(&call->out, unlisted);
        put_source(call, costs);
    }
}

static void put_claims(struct call *call, const struct json_in *clawback) {
    put_plain(call, json_in_get(clawback, "causes"), "  ");
    struct str fallback = programme_words(call, json_in_get(clawback, "fallback"));
    if (fallback.size > 0) {
        put(call, "  > ");
        buf_put_str(&call->out, fallback);
        put_source(call, clawback);
    }
}

static void put_types(struct call *call, const struct json_in *types) {
    for (size_t i = 0; i < json_in_count(types); i++) {
        put_type(call, json_in_at(types, i));
    }
}

static void put_plain_list(struct call *call, const struct json_in *list) {
    put_plain(call, list, "  ");
}

int programme_put_text(struct call *call, const struct json_in *root, struct err *err) {
    static const struct {
        const char *member; // NULL: the whole programme, where it has a sheet or a bonus.
        enum msg_id heading;
        void (*put)(struct call *call, const struct json_in *list);
    } PARTS[] = {{"types", SAY_DESK(SHOW_TYPES), put_types},
        {"rules", SAY_DESK(SHOW_RULES), put_rules}, {"costs", SAY_DESK(SHOW_COSTS), put_costs},
        {"documents", SAY_DESK(SHOW_DOCUMENTS), put_documents},
        {"steps", SAY_DESK(SHOW_STEPS), put_steps}, {NULL, SAY_DESK(SHOW_SHEET), put_sheet},
        {"criteria", SAY_DESK(SHOW_CRITERIA), put_plain_list},
        {"selection", SAY_DESK(SHOW_SELECTION), put_selection},
        {"deadlines", SAY_DESK(SHOW_DEADLINES), put_deadlines},
        {"duties", SAY_DESK(SHOW_DUTIES), put_plain_list},
        {"clawback", SAY_DESK(SHOW_CLAWBACK), put_claims},
        {"discrepancies", SAY_DESK(SHOW_DISCREPANCIES), put_discrepancies}};
    put_head(call, root);
    int status = call_flush(call, false, err);
    for (size_t i = 0; i < sizeof PARTS / sizeof PARTS[0] && status >= 0; i++) {
        const char *member = PARTS[i].member;
        bool there = member ? json_in_kind(json_in_get(root, member)) != JSON_KIND_NONE
                            : json_in_get(root, "sheet") || json_in_get(root, "bonus");
        if (there) {
            heading(call, PARTS[i].heading);
            PARTS[i].put(call, member ? json_in_get(root, member) : root);
            status = call_flush(call, false, err);
        }
    }
    return status;
}
