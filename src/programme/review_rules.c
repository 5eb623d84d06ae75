/*
 * The rules of a programme, asked of the parties they name.
 *
 * Facts of the adopter stand at the top of the input, those of others in `consortium`. Of several
 * parties of a role the worst answer counts. Where a test is not known the fact of the rule's own
 * id may say it outright. Where parties are listed and none has the role, an exclusion has nobody
 * to exclude, and a requirement goes to a person.
 */
#include "programme/day.h"
#include "programme/lexicon.h"
#include "programme/review.h"
#include "programme/words.h"

/* The rule's test, else the fact of its own id; where the test is not known the fact of that id
 * may say it outright. */
static enum truth ask(const struct review *review, const struct json_in *rule,
    const struct json_in *party, struct trace *trace) {
    const struct json_in *test = json_in_get(rule, "test");
    struct str id = json_in_text(json_in_get(rule, "id"));
    enum truth result = TRUTH_UNKNOWN;
    if (test) {
        result = facts_test(&review->facts, party, test, trace);
    }
    bool yes = false;
    const struct json_in *outright = facts_find(&review->facts, party, id);
    if (result == TRUTH_UNKNOWN && lexicon_yes(outright, &yes)) {
        result = yes ? TRUTH_YES : TRUTH_NO;
        trace->seen[0].path = id;
        trace->seen[0].value = outright;
        trace->seen[0].limit = DAY_NONE;
        trace->seen_count = 1;
    } else if (result == TRUTH_UNKNOWN && trace->missing_count == 0) {
        trace->missing[trace->missing_count++] = id;
    }
    bool exclude = str_eq(json_in_text(json_in_get(rule, "kind")), STR("exclude"));
    return exclude ? (enum truth)(-(int)result) : result;
}

/* A supplier is whoever supplies: solution and consulting firms are suppliers, and one supplier
 * alone answers for both. */
static bool is_in_role(struct str wanted, struct str role) {
    struct str one = lexicon_role(wanted);
    struct str other = lexicon_role(role);
    bool firm_wanted = str_eq(one, STR("solution")) || str_eq(one, STR("consulting"));
    bool firm = str_eq(other, STR("solution")) || str_eq(other, STR("consulting"));
    return other.size > 0 && (str_eq(one, other) || (str_eq(one, STR("supplier")) && firm) ||
                                 (firm_wanted && str_eq(other, STR("supplier"))));
}

/* Asks each party of the role; 0: there is none. The worst answer counts. */
static uint32_t ask_parties(const struct review *review, const struct json_in *rule,
    struct str role, enum truth *ret_result, struct trace *trace) {
    const struct json_in *list = json_in_get(review->facts.given, "consortium");
    enum truth worst = TRUTH_YES;
    uint32_t asked = 0;
    bool exact = false; // Where firms of this very role take part, others do not stand in.
    for (size_t i = 0; i < json_in_count(list); i++) {
        const struct json_in *party = json_in_at(list, i);
        exact = exact || lexicon_same(role, json_in_text(json_in_get(party, "role")));
    }
    for (size_t i = 0; i < json_in_count(list); i++) {
        const struct json_in *party = json_in_at(list, i);
        struct str its = json_in_text(json_in_get(party, "role"));
        bool stands_in = !exact || lexicon_same(role, its) || lexicon_same(role, STR("supplier"));
        if (is_in_role(role, its) && stands_in) {
            enum truth one = ask(review, rule, party, trace);
            worst = one < worst ? one : worst;
            asked++;
        }
    }
    const struct json_in *own = json_in_find(review->facts.given, lexicon_role(role));
    if (asked == 0 && json_in_kind(own) == JSON_KIND_OBJECT) { // {"supplier": {...}}
        worst = ask(review, rule, own, trace);
        asked = 1;
    }
    *ret_result = worst;
    return asked;
}

/* The adopter's facts stand at the top; elements for adopters may add theirs. */
static enum truth ask_adopter(
    const struct review *review, const struct json_in *rule, struct trace *trace) {
    enum truth top = ask(review, rule, NULL, trace);
    const struct json_in *list = json_in_get(review->facts.given, "consortium");
    bool all_known = true;
    enum truth worst = TRUTH_YES;
    uint32_t known = 0;
    for (size_t i = 0; i < json_in_count(list); i++) {
        const struct json_in *party = json_in_at(list, i);
        if (lexicon_same(json_in_text(json_in_get(party, "role")), STR("adopter"))) {
            struct trace unused = {0};
            enum truth one = ask(review, rule, party, &unused);
            if (one == TRUTH_NO) {
                return TRUTH_NO;
            }
            all_known = all_known && one != TRUTH_UNKNOWN;
            known += one != TRUTH_UNKNOWN;
        }
    }
    return top == TRUTH_UNKNOWN && known > 0 && all_known ? worst : top;
}

static enum truth ask_all(const struct review *review, const struct json_in *rule,
    struct trace *trace, bool *ret_no_party) {
    const struct json_in *who = json_in_get(rule, "who");
    bool listed = json_in_kind(json_in_get(review->facts.given, "consortium")) == JSON_KIND_LIST;
    bool exclude = str_eq(json_in_text(json_in_get(rule, "kind")), STR("exclude"));
    enum truth result = TRUTH_YES;
    uint32_t absent = 0;
    for (size_t i = 0; i < json_in_count(who); i++) {
        struct str role = json_in_text(json_in_at(who, i));
        enum truth one = TRUTH_YES;
        if (lexicon_same(role, STR("adopter"))) {
            one = ask_adopter(review, rule, trace);
        } else if (lexicon_role(role).size == 0) { // The project as a whole.
            one = ask(review, rule, NULL, trace);
        } else if (ask_parties(review, rule, role, &one, trace) == 0) {
            bool yes = false; // The fact may stand at the top, when nobody else has it.
            const struct json_in *outright =
                json_in_count(who) == 1
                    ? json_in_find(review->facts.given, json_in_text(json_in_get(rule, "id")))
                    : NULL;
            bool top = lexicon_yes(outright, &yes);
            one = top                 ? ask(review, rule, NULL, trace)
                  : listed && exclude ? TRUTH_YES
                                      : TRUTH_UNKNOWN;
            absent += !top && listed;
            if (one == TRUTH_UNKNOWN && !top && trace->missing_count < TRACE_MAX) {
                trace->missing[trace->missing_count++] = STR("consortium");
            }
        }
        result = one < result ? one : result;
    }
    *ret_no_party = absent > 0 && absent == json_in_count(who);
    return json_in_count(who) == 0 ? ask(review, rule, NULL, trace) : result;
}

/* The value of a placeholder: the first of `a|b` that was seen; `limit` is the day that a fact was
 * compared with after time had been added. */
static bool put_placeholder(const struct trace *trace, struct str names, struct buf *out) {
    while (names.data != NULL) {
        struct str name = str_cut(&names, '|');
        for (uint32_t i = 0; i < trace->seen_count; i++) {
            char text[DAY_TEXT_MAX];
            int32_t limit = trace->seen[i].limit;
            if (str_eq(name, STR("limit")) && limit != DAY_NONE) {
                buf_put_str(out, (struct str){text, day_text(limit, text)});
                return true;
            }
            struct str value = json_in_text(trace->seen[i].value);
            if (str_eq(name, trace->seen[i].path) && value.size > 0) {
                buf_put_str(out, value);
                return true;
            }
        }
    }
    return false;
}

/* A rule's own sentence about a case: "the warranty runs through {limit|warranty_until}". */
static bool put_say(struct str words, const struct trace *trace, struct buf *out) {
    bool whole = words.size > 0;
    while (words.data != NULL && whole) {
        buf_put_str(out, str_cut(&words, '{'));
        if (words.data != NULL) {
            whole = put_placeholder(trace, str_cut(&words, '}'), out);
        }
    }
    return whole;
}

static bool say(const struct json_in *rule, const struct trace *trace, struct said *said) {
    const struct json_in *words = json_in_get(rule, "say");
    return put_say(json_in_text(json_in_get(words, "ko")), trace, &said->ko) &&
           put_say(json_in_text(json_in_get(words, "en")), trace, &said->en);
}

static void review_rule(struct review *review, const struct json_in *rule) {
    struct trace trace = {0};
    bool no_party = false;
    enum truth result = ask_all(review, rule, &trace, &no_party);
    AUTO_BUF struct buf text;
    buf_init(&text, REVIEW_TEXT_BYTES);
    enum msg_id why = no_party ? SAY_DESK(RULE_NO_PARTY) : MSG_NONE;
    if (result == TRUTH_UNKNOWN && !no_party) {
        trace_put_missing(&trace, &text);
        why = SAY_DESK(RULE_UNKNOWN);
    } else if (trace.seen_count > 0) {
        trace_put_seen(&trace, &text);
        why = SAY_DESK(RULE_SEEN);
    }
    struct said said;
    said_init(&said);
    bool has_said = result == TRUTH_NO && say(rule, &trace, &said);
    struct str kind = json_in_text(json_in_get(rule, "kind"));
    review_put(review, &(struct reason){.rule = rule,
                           .id = "rule",
                           .kind = str_eq(kind, STR("exclude")) ? "exclude" : "require",
                           .result = result,
                           .why = why,
                           .args = ARGS(A_STR(buf_str(&text))),
                           .trace = &trace,
                           .said = has_said ? &said : NULL});
    said_fini(&said);
    if (trace.region) {
        answer_convention(review->answer, 13);
    }
}

void review_rules(struct review *review) {
    const struct json_in *rules = json_in_get(programme_root(review->programme), "rules");
    bool left_out = false;
    for (size_t i = 0; i < json_in_count(rules); i++) {
        const struct json_in *rule = json_in_at(rules, i);
        if (review_applies(review, rule)) {
            review_rule(review, rule);
        } else {
            left_out = left_out || !review->type;
        }
    }
    if (left_out) {
        answer_note(review->answer, STR("type"), STR_NONE, SAY_DESK(RULE_TYPE_OPEN), NO_ARGS);
    }
}
