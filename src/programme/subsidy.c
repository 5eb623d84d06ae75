/*
 * What a programme pays of a project, step by step in won.
 *
 * The order is that of the announcements: what the base is, what the review of costs leaves of it,
 * the rate, the cap of the support type, a lower request, then who bears the rest. Each step is
 * told with the line it comes from, because an officer defends each won before an auditor.
 * Where something is refused as a whole (a rate above the printed one, a company of the wrong size)
 * no amounts are given at all: a figure beside a refusal would be copied into a letter.
 */
#include "programme/lexicon.h"
#include "programme/verbs.h"
#include "programme/won.h"
#include "programme/words.h"

#define NOT_GIVEN INT64_C(-1)
/* 1,234,567 in a sentence; the digits live as long as the block around. */
#define A_WON(won) A_STR(won_words(won, (char[32]){0}))

struct subsidy {
    const struct programme *programme;
    const struct json_in *type;
    const struct json_in *input;
    struct answer *answer;
    struct buf steps; // Objects, behind each other.
    struct str source;
    bool refused; // As a whole.
    int64_t total;
    int64_t vat;
    int64_t labour;
    int64_t base;
    int64_t grant;
    int64_t company;
    int64_t host;
    int64_t sme;
    int64_t government;
    int64_t local;
    int64_t labour_limit;
};

static struct str won_words(int64_t won, char to[32]) {
    return (struct str){to, won_text(won, to)};
}

static void step(struct subsidy *s, const char *id, int64_t won, struct str source, enum msg_id msg,
    const struct arg *args) {
    if (s->steps.size > 0) {
        buf_put_char(&s->steps, ',');
    }
    struct json json;
    json_init(&json, &s->steps);
    json_object_begin(&json);
    json_put_str(&json, "id", str_of(id));
    json_put_i64(&json, "won", won);
    json_put_str(&json, "source", source);
    answer_put_words(&json, msg, args);
    json_object_end(&json);
}

static void refuse(struct subsidy *s, const char *rule, struct str source, enum msg_id msg,
    const struct arg *args) {
    answer_refuse(s->answer, str_of(rule), source, msg, args);
    s->refused = true;
}

/* A won member that may be missing. */
static int amount(struct subsidy *s, const char *name, int64_t *ret_won, struct err *err) {
    *ret_won = NOT_GIVEN;
    return won_of(s->input, name, ret_won, err);
}

static bool says_yes(const struct json_in *value) {
    bool yes = false;
    return lexicon_yes(value, &yes) && yes;
}

static int needs(const char *name, struct err *err) {
    return err_set(err, ERR_INVALID, SAY_DESK(SUBSIDY_NEEDS), ARGS(A_CSTR(name)));
}

/* What is known of total, price and VAT agrees; of two the third follows. */
static int vat_beside(struct subsidy *s, int64_t total, int64_t price, struct err *err) {
    if (total == NOT_GIVEN || price == NOT_GIVEN) {
        return 0;
    }
    if (price > total) {
        return err_set(err, ERR_INVALID, SAY_DESK(SUBSIDY_PART), ARGS(A_CSTR("supply_price")));
    }
    if (s->vat != NOT_GIVEN && s->vat != total - price) {
        return err_set(err, ERR_INVALID, SAY_DESK(SUBSIDY_TOTAL),
            ARGS(A_WON(total), A_WON(price), A_WON(s->vat)));
    }
    s->vat = total - price;
    return 0;
}

/* The cost on which the rate works, before the review. */
static int cost_of_project(struct subsidy *s, struct str base, struct err *err) {
    int64_t total = NOT_GIVEN;
    int64_t quotation = NOT_GIVEN;
    int64_t price = NOT_GIVEN;
    int status = amount(s, "total_cost", &total, err);
    if (status == 0 && str_eq(base, STR("cost"))) {
        status = amount(s, "cost", &total, err);
    }
    status = status < 0 ? status : amount(s, "quotation", &quotation, err);
    status = status < 0 ? status : amount(s, "supply_price", &price, err);
    status = status < 0 ? status : amount(s, "vat", &s->vat, err);
    if (status < 0) {
        return status;
    }
    bool without_vat = str_eq(base, STR("supply_price"));
    status = vat_beside(s, total, price, err);
    if (status < 0) {
        return status;
    }
    if (without_vat && price == NOT_GIVEN && total != NOT_GIVEN && s->vat != NOT_GIVEN) {
        if (s->vat > total) {
            return err_set(err, ERR_INVALID, SAY_DESK(SUBSIDY_PART), ARGS(A_CSTR("vat")));
        }
        price = total - s->vat;
    }
    s->total = without_vat ? price : total != NOT_GIVEN ? total : quotation;
    if (s->total == NOT_GIVEN) {
        s->total = price != NOT_GIVEN ? price : quotation;
    }
    if (s->total == NOT_GIVEN) {
        return needs(without_vat ? "supply_price" : "total_cost", err);
    }
    s->base = s->total;
    step(s, "cost", s->total, s->source,
        without_vat ? SAY_DESK(SUBSIDY_STEP_PRICE) : SAY_DESK(SUBSIDY_STEP_COST), NO_ARGS);
    return 0;
}

/* A review only lowers; where the programme asks for consent, not without it. */
static int review(struct subsidy *s, struct err *err) {
    int64_t reviewed = NOT_GIVEN;
    int status = amount(s, "cost_review", &reviewed, err);
    if (status < 0 || reviewed == NOT_GIVEN) {
        return status;
    }
    if (reviewed >= s->base) {
        step(s, "cost_review", s->base, s->source, SAY_DESK(SUBSIDY_STEP_REVIEW_KEEPS), NO_ARGS);
        return 0;
    }
    struct str consent = json_in_text(json_in_get(s->type, "consent"));
    if (consent.size > 0 && !says_yes(json_in_get(s->input, "cost_consent"))) {
        struct str source =
            json_in_text(json_in_get(json_in_get(programme_root(s->programme), "sheet"), "src"));
        answer_refuse(s->answer, consent, source, SAY_DESK(SUBSIDY_NO_CONSENT),
            ARGS(A_WON(reviewed), A_WON(s->base)));
        s->refused = true;
        return 0;
    }
    s->base = reviewed;
    s->total = reviewed;
    step(s, "cost_review", s->base, s->source, SAY_DESK(SUBSIDY_STEP_REVIEW), NO_ARGS);
    return 0;
}

static int cash_base(struct subsidy *s, struct err *err) {
    int64_t cash = NOT_GIVEN;
    int status = amount(s, "cash_contribution", &cash, err);
    if (status < 0) {
        return status;
    }
    if (cash == NOT_GIVEN) {
        return needs("cash_contribution", err);
    }
    int64_t labour = s->labour == NOT_GIVEN ? 0 : s->labour;
    if (labour > cash) {
        return err_set(err, ERR_INVALID, SAY_DESK(SUBSIDY_PART), ARGS(A_CSTR("pm_labour")));
    }
    s->total = cash;
    s->base = cash - labour;
    step(s, "cash", cash, s->source, SAY_DESK(SUBSIDY_STEP_CASH), NO_ARGS);
    if (labour > 0) {
        step(s, "labour", s->base, s->source, SAY_DESK(SUBSIDY_STEP_LABOUR), ARGS(A_WON(labour)));
    }
    return 0;
}

/* The rate that holds; RATE_ONE where the announcement states none. Refuses what is above it. */
static int rate_for(struct subsidy *s, int32_t *ret_rate, struct err *err) {
    int32_t rate = RATE_ONE;
    int32_t lowest = 0;
    int32_t asked = 0;
    char most[16];
    const struct json_in *wish = json_in_get(s->input, "rate");
    if (wish && !rate_of(wish, &asked)) {
        return err_set(err, ERR_INVALID, SAY_DESK(SUBSIDY_RATE), NO_ARGS);
    }
    bool ranged = rate_of(json_in_get(s->type, "rate_max"), &rate);
    bool stated = rate_of(json_in_get(s->type, "rate"), &rate) || ranged;
    if (ranged) {
        (void)rate_of(json_in_get(s->type, "rate_min"), &lowest);
    }
    size_t size = rate_text(rate, most);
    struct str limit = {most, size};
    const struct json_in *variable = json_in_get(s->type, "rate_variable");
    if (!wish) {
        if (ranged) {
            refuse(s, "rate", s->source, SAY_DESK(SUBSIDY_RATE_WHICH), ARGS(A_STR(limit)));
        }
    } else if (asked > rate && !variable) {
        refuse(s, "rate", s->source, SAY_DESK(SUBSIDY_RATE_ABOVE), ARGS(A_STR(limit)));
    } else if (asked < lowest) {
        char least[16];
        size_t least_size = rate_text(lowest, least);
        refuse(s, "rate", s->source, SAY_DESK(SUBSIDY_RATE_BELOW),
            ARGS(A_STR(((struct str){least, least_size}))));
    } else {
        if (asked != rate && !ranged) {
            answer_note(s->answer, STR("rate"),
                variable ? json_in_text(json_in_get(variable, "src")) : s->source,
                SAY_DESK(SUBSIDY_RATE_SET), ARGS(A_STR(limit)));
        }
        rate = asked;
    }
    *ret_rate = stated || wish ? rate : RATE_ONE;
    return 0;
}

static int granted(struct subsidy *s, struct err *err) {
    int32_t rate = RATE_ONE;
    int64_t cap = WON_MAX;
    int64_t requested = NOT_GIVEN;
    int status = rate_for(s, &rate, err);
    status = status < 0 ? status : amount(s, "requested", &requested, err);
    if (status < 0 || s->refused) {
        return status;
    }
    int64_t raw = won_of_rate(s->base, rate);
    char text[16];
    size_t size = rate_text(rate, text);
    step(s, "rate", raw, s->source, SAY_DESK(SUBSIDY_STEP_RATE),
        ARGS(A_STR(((struct str){text, size})), A_WON(s->base)));
    if (s->base > 0 &&
        won_of_rate(s->base, rate) * (__int128)RATE_ONE != (__int128)s->base * rate) {
        answer_convention(s->answer, 1);
    }
    s->grant = raw;
    if (json_in_whole(json_in_get(s->type, "cap"), &cap) && raw >= cap) {
        s->grant = cap;
        step(s, "cap", cap, s->source,
            raw > cap ? SAY_DESK(SUBSIDY_STEP_CAP) : SAY_DESK(SUBSIDY_STEP_CAP_MET), NO_ARGS);
        answer_convention(s->answer, 2);
    }
    if (requested != NOT_GIVEN && requested < s->grant) {
        s->grant = requested;
        step(s, "requested", requested, s->source, SAY_DESK(SUBSIDY_STEP_REQUESTED), NO_ARGS);
    }
    answer_convention(s->answer, 3);
    return 0;
}

/* Won of a share, rounded up where it is a minimum. */
static int64_t share(const struct subsidy *s, const char *name, bool up) {
    int32_t rate = 0;
    if (!rate_of(json_in_get(json_in_get(s->type, "shares"), name), &rate)) {
        return NOT_GIVEN;
    }
    int64_t won = won_of_rate(s->total, rate);
    bool fraction = (__int128)won * RATE_ONE != (__int128)s->total * rate;
    return won + (up && fraction ? 1 : 0);
}

/* Win-win programmes: government, host and small company. */
static int shared(struct subsidy *s, struct err *err) {
    int64_t host_min = share(s, "host_min", true);
    int64_t sme_max = share(s, "sme_max", false);
    int64_t rest = s->total - s->grant;
    s->government = s->grant;
    int64_t cash = NOT_GIVEN;
    int status = amount(s, "host_cash", &cash, err);
    if (status < 0) {
        return status;
    }
    if (sme_max != NOT_GIVEN) {
        s->sme = sme_max < rest - host_min ? sme_max : rest - host_min;
        s->host = rest - s->sme;
        if (cash != NOT_GIVEN) {
            if (cash < s->host || cash > rest) {
                refuse(s, "host", s->source, SAY_DESK(SUBSIDY_HOST),
                    ARGS(A_WON(s->host), A_WON(rest)));
                return 0;
            }
            s->host = cash;
            s->sme = rest - cash;
        }
        step(s, "host", s->host, s->source, SAY_DESK(SUBSIDY_STEP_HOST_MIN), ARGS(A_WON(host_min)));
        step(s, "sme", s->sme, s->source, SAY_DESK(SUBSIDY_STEP_SME_MAX), ARGS(A_WON(sme_max)));
    } else {
        bool free = share(s, "sme", false) == 0;
        s->host = free ? rest : share(s, "host", false);
        s->sme = rest - s->host;
        step(s, "host", s->host, s->source, SAY_DESK(SUBSIDY_STEP_HOST), NO_ARGS);
        step(s, "sme", s->sme, s->source, SAY_DESK(SUBSIDY_STEP_SME), NO_ARGS);
    }
    s->company = s->sme;
    return 0;
}

/* What of the adopter's own project management may stand in the cost. */
static void labour_limit(struct subsidy *s) {
    const struct json_in *rule = json_in_get(s->type, "labour");
    int32_t rate = 0;
    int64_t cap = 0;
    if (!rule || !rate_of(json_in_get(rule, "share"), &rate) ||
        !json_in_whole(json_in_get(rule, "cap"), &cap)) {
        return;
    }
    struct str source = json_in_text(json_in_get(rule, "src"));
    int64_t raw = won_of_rate(s->company, rate);
    s->labour_limit = raw < cap ? raw : cap;
    char text[16];
    size_t size = rate_text(rate, text);
    step(s, "labour_limit", s->labour_limit, source, SAY_DESK(SUBSIDY_STEP_LABOUR_LIMIT),
        ARGS(A_STR(((struct str){text, size})), A_WON(s->company), A_WON(cap)));
    if (s->labour != NOT_GIVEN && s->labour > s->labour_limit) {
        answer_refuse(s->answer, STR("labour"), source, SAY_DESK(SUBSIDY_LABOUR_OVER),
            ARGS(A_WON(s->labour), A_WON(s->labour_limit)));
    }
}

static int64_t fixed_won(const struct json_in *fixed, const char *name) {
    int64_t won = NOT_GIVEN;
    (void)json_in_whole(json_in_get(fixed, name), &won);
    return won;
}

static int fixed_amounts(struct subsidy *s, const struct json_in *fixed, struct err *err) {
    s->total = s->base = fixed_won(fixed, "total");
    s->grant = fixed_won(fixed, "grant");
    s->company = fixed_won(fixed, "company");
    s->government = fixed_won(fixed, "government");
    s->local = fixed_won(fixed, "local");
    step(s, "fixed", s->grant, s->source, SAY_DESK(SUBSIDY_STEP_FIXED), ARGS(A_WON(s->total)));
    int64_t companies = 0;
    int status = won_of(s->input, "companies", &companies, err);
    const struct json_in *meisters = json_in_get(programme_root(s->programme), "meisters");
    int64_t most = fixed_won(meisters, "companies");
    if (status > 0 && meisters) {
        if (companies > most) {
            refuse(s, "companies", json_in_text(json_in_get(meisters, "src")),
                SAY_DESK(SUBSIDY_COMPANIES), ARGS(A_INT(most)));
        } else {
            step(s, "meister_pay", companies * s->total, json_in_text(json_in_get(meisters, "src")),
                SAY_DESK(SUBSIDY_STEP_MEISTER),
                ARGS(A_INT(companies), A_INT(companies * fixed_won(meisters, "days_per_company"))));
        }
    }
    return status < 0 ? status : 0;
}

static int compute(struct subsidy *s, struct err *err) {
    const struct json_in *fixed = json_in_get(s->type, "fixed");
    if (fixed) {
        return fixed_amounts(s, fixed, err);
    }
    struct str base = json_in_text(json_in_get(s->type, "base"));
    int status = str_eq(base, STR("cash_without_labour")) ? cash_base(s, err)
                                                          : cost_of_project(s, base, err);
    status = status < 0 ? status : review(s, err);
    status = status < 0 || s->refused ? status : granted(s, err);
    if (status < 0 || s->refused) {
        return status;
    }
    s->company = s->total - s->grant;
    if (json_in_get(s->type, "shares")) {
        status = shared(s, err);
    }
    bool vat_apart = str_eq(base, STR("supply_price")) ||
                     (s->vat != NOT_GIVEN && !json_in_get(s->input, "total_cost") &&
                         !json_in_get(s->input, "quotation"));
    labour_limit(s);
    if (vat_apart && s->vat != NOT_GIVEN) {
        s->company += s->vat;
        step(s, "vat", s->vat, s->source, SAY_DESK(SUBSIDY_STEP_VAT), NO_ARGS);
    }
    s->vat = vat_apart ? s->vat : NOT_GIVEN; // Inside the total: nobody bears it besides.
    if (!s->refused) {
        step(s, "company", s->company, s->source, SAY_DESK(SUBSIDY_STEP_COMPANY), NO_ARGS);
    }
    return status;
}

/* The type's variant for companies of a win-win regional job scheme, and its sizes. */
static void choose(struct subsidy *s) {
    const struct json_in *raised = json_in_get(s->type, "raised");
    struct str when = json_in_text(json_in_get(raised, "when"));
    if (raised && says_yes(json_in_find(s->input, when))) {
        struct str id = json_in_text(json_in_get(raised, "type"));
        const struct json_in *other = programme_find(s->programme, "types", id);
        s->type = other ? other : s->type;
        s->source = json_in_text(json_in_get(s->type, "src"));
        answer_note(s->answer, STR("raised"), s->source, SAY_DESK(SUBSIDY_RAISED), ARGS(A_STR(id)));
    }
    const struct json_in *sizes = json_in_get(s->type, "sizes");
    struct str size = json_in_text(json_in_get(s->input, "company_size"));
    struct str source = json_in_text(json_in_get(s->type, "size_src"));
    uint32_t allowed = 0;
    for (size_t i = 0; i < json_in_count(sizes); i++) {
        allowed |= lexicon_sizes(json_in_text(json_in_at(sizes, i)));
    }
    uint32_t asked = lexicon_sizes(size);
    bool fits = !sizes || (asked != 0 && (asked & ~allowed) == 0);
    if (sizes && size.size == 0) {
        answer_note(s->answer, STR("size"), source, SAY_DESK(SUBSIDY_SIZE_UNKNOWN),
            ARGS(A_STR(json_in_text(json_in_at(sizes, 0)))));
    } else if (!fits) {
        refuse(s, "size", source, SAY_DESK(SUBSIDY_SIZE),
            ARGS(A_STR(json_in_text(json_in_at(sizes, 0))), A_STR(size)));
    }
    const struct json_in *notes = json_in_get(s->type, "notes");
    for (size_t i = 0; i < json_in_count(notes); i++) {
        answer_discrepancy(s->answer, json_in_text(json_in_at(notes, i)));
    }
}

static void put(struct subsidy *s, const char *name, int64_t won) {
    if (s->refused || won == NOT_GIVEN) {
        json_put_null(&s->answer->json, name);
    } else {
        json_put_i64(&s->answer->json, name, won);
    }
}

int ask_subsidy(const struct programme *programme, const struct json_in *type,
    const struct json_in *input, struct answer *answer, struct err *err) {
    struct subsidy s = {.programme = programme,
        .type = type,
        .input = input,
        .answer = answer,
        .source = json_in_text(json_in_get(type, "src")),
        .vat = NOT_GIVEN,
        .host = NOT_GIVEN,
        .sme = NOT_GIVEN,
        .government = NOT_GIVEN,
        .local = NOT_GIVEN,
        .labour_limit = NOT_GIVEN};
    buf_init(&s.steps, ANSWER_BYTES_MAX);
    int status = amount(&s, "pm_labour", &s.labour, err);
    if (status >= 0) {
        choose(&s);
        status = s.refused ? 0 : compute(&s, err);
    }
    if (status >= 0) {
        put(&s, "base", s.base);
        put(&s, "grant", s.grant);
        put(&s, "company", s.company);
        put(&s, "vat_borne", s.vat);
        put(&s, "host", s.host);
        put(&s, "sme", s.sme);
        put(&s, "government", s.government);
        put(&s, "local", s.local);
        put(&s, "labour_limit", s.labour_limit);
        json_key(&answer->json, "steps");
        json_array_begin(&answer->json);
        if (s.steps.size > 0) {
            json_raw(&answer->json, buf_str(&s.steps));
        }
        json_array_end(&answer->json);
    }
    buf_fini(&s.steps);
    return status < 0 ? status : 0;
}
