/*
 * Whether one may apply: every rule answered yes, no, or by a person. The answer is no as soon as
 * one reason is, and a person's as long as one reason is not known; rules, documents and cost items
 * are asked in files of their own. Here: the window, which admits its last second (C-12), the sizes
 * of a support type, and how many adopters a supplier brings.
 */
#include "programme/day.h"
#include "programme/lexicon.h"
#include "programme/review.h"
#include "programme/verbs.h"
#include "programme/words.h"

enum { WORDS_BYTES = 2048 };

/* ---- The window ---- */

static void put_window(struct review *review, enum truth result, enum msg_id why, struct str first,
    struct str second) {
    static const struct trace NO_TIME = {.missing = {{"applied_at", 10}}, .missing_count = 1};
    const struct json_in *window = json_in_get(programme_root(review->programme), "window");
    review_put(review, &(struct reason){.rule = window,
                           .id = "window",
                           .kind = "window",
                           .result = result,
                           .why = why,
                           .args = ARGS(A_STR(first), A_STR(second)),
                           .trace = &NO_TIME});
}

static void review_closing(struct review *review, struct str closes, struct str applied) {
    int64_t filed_s = 0;
    int64_t close_s = 0;
    bool filed_hour = false;
    bool close_hour = false;
    if (!moment_parse(closes, &close_s, &close_hour) ||
        !moment_parse(applied, &filed_s, &filed_hour)) {
        put_window(review, TRUTH_YES, SAY_DESK(WINDOW_GOOD), applied, STR_NONE);
        return;
    }
    int64_t close_day = close_s / 86400;
    int64_t filed_day = filed_s / 86400;
    if (close_hour) {
        answer_convention(review->answer, 12);
    }
    bool late = close_hour && filed_hour ? filed_s > close_s : filed_day > close_day;
    if (late) {
        put_window(review, TRUTH_NO, SAY_DESK(WINDOW_LATE), closes, applied);
    } else if (close_hour && !filed_hour && filed_day == close_day) {
        put_window(review, TRUTH_UNKNOWN, SAY_DESK(WINDOW_HOUR), closes, STR_NONE);
    } else {
        put_window(review, TRUTH_YES, SAY_DESK(WINDOW_GOOD), applied, STR_NONE);
    }
}

static void review_window(struct review *review, struct str applied) {
    const struct json_in *root = programme_root(review->programme);
    const struct json_in *window = json_in_get(root, "window");
    struct str state = programme_text(review->programme, "state");
    if (str_eq(state, STR("details_pending")) || str_eq(state, STR("continuing"))) {
        bool pending = str_eq(state, STR("details_pending"));
        review_put(
            review, &(struct reason){.rule = NULL,
                        .id = "state",
                        .kind = "window",
                        .result = TRUTH_NO,
                        .why = pending ? SAY_DESK(WINDOW_PENDING) : SAY_DESK(WINDOW_CONTINUING),
                        .args = NO_ARGS,
                        .trace = NULL});
        return;
    }
    if (!window) {
        return;
    }
    struct str opens = json_in_text(json_in_get(window, "opens"));
    int64_t first_s = 0;
    int64_t filed_s = 0;
    bool has_time = false;
    bool spent = false;
    if (lexicon_yes(json_in_get(review->facts.given, "budget_exhausted"), &spent) && spent) {
        put_window(review, TRUTH_NO, SAY_DESK(WINDOW_SPENT), STR_NONE, STR_NONE);
    } else if (applied.size == 0) {
        put_window(review, TRUTH_UNKNOWN, SAY_DESK(WINDOW_NO_TIME), STR_NONE, STR_NONE);
    } else if (moment_parse(opens, &first_s, &has_time) &&
               moment_parse(applied, &filed_s, &has_time) && filed_s < first_s) {
        put_window(review, TRUTH_NO, SAY_DESK(WINDOW_EARLY), opens, applied);
    } else {
        review_closing(review, json_in_text(json_in_get(window, "closes")), applied);
    }
}

/* ---- The type, and how many adopters a supplier brings ---- */

static void review_size(struct review *review) {
    const struct json_in *sizes = json_in_get(review->type, "sizes");
    if (json_in_count(sizes) == 0) {
        return;
    }
    struct str size = json_in_text(json_in_get(review->facts.given, "company_size"));
    uint32_t bits = lexicon_sizes(size);
    uint32_t wanted = 0;
    AUTO_BUF struct buf words;
    buf_init(&words, WORDS_BYTES);
    for (size_t i = 0; i < json_in_count(sizes); i++) {
        struct str one = json_in_text(json_in_at(sizes, i));
        wanted |= lexicon_sizes(one);
        buf_put_str(&words, i > 0 ? STR(", ") : STR_NONE);
        buf_put_str(&words, one);
    }
    enum truth result = bits == 0 || wanted == 0 ? TRUTH_UNKNOWN
                        : (bits & ~wanted) == 0  ? TRUTH_YES
                        : (bits & wanted) == 0   ? TRUTH_NO
                                                 : TRUTH_UNKNOWN;
    static const struct trace MISSING = {.missing = {{"company_size", 12}}, .missing_count = 1};
    struct arg args[ERR_ARGS_MAX + 1] = {A_STR(size), A_STR(buf_str(&words))};
    review_put(review, &(struct reason){.rule = NULL,
                           .id = "size",
                           .kind = "require",
                           .result = result,
                           .why = SAY_DESK(SIZE_FITS),
                           .args = args,
                           .trace = &MISSING});
}

static void review_supplier(struct review *review) {
    const struct json_in *root = programme_root(review->programme);
    const struct json_in *consortium = json_in_get(root, "consortium");
    const struct json_in *list = json_in_get(review->facts.given, "consortium");
    int64_t most = 0;
    int64_t adopters = 0;
    if (!json_in_whole(json_in_get(consortium, "supplier_adopters_max"), &most) ||
        programme_find(review->programme, "rules", STR("supplier_adopters"))) {
        return;
    }
    bool stated = json_in_whole(json_in_get(review->facts.given, "supplier_adopters"), &adopters);
    for (size_t i = 0; i < json_in_count(list) && !stated; i++) {
        const struct json_in *party = json_in_at(list, i);
        bool adopter = lexicon_same(json_in_text(json_in_get(party, "role")), STR("adopter"));
        adopters += adopter ? facts_weight(party) : 0;
    }
    static const struct trace MISSING = {
        .missing = {{"supplier_adopters", 17}}, .missing_count = 1};
    enum truth result = adopters > most                     ? TRUTH_NO
                        : stated || json_in_count(list) > 0 ? TRUTH_YES
                                                            : TRUTH_UNKNOWN;
    review_put(review, &(struct reason){.rule = NULL,
                           .id = "supplier_adopters",
                           .kind = "require",
                           .result = result,
                           .why = SAY_DESK(SUPPLIER_ADOPTERS),
                           .args = ARGS(A_INT(adopters), A_INT(most)),
                           .trace = &MISSING});
}

static int put_answer(struct review *review, struct err *err) {
    struct json *json = &review->answer->json;
    int32_t day = 0;
    int status = day_of_input(review->facts.given, "applied_at", &day, err);
    if (status < 0) {
        return status;
    }
    AUTO_BUF struct buf text; // Written aside, since the result stands in front of its reasons.
    struct json reasons;
    buf_init(&text, ANSWER_BYTES_MAX);
    json_init(&reasons, &text);
    review->reasons = &reasons;
    struct str applied = json_in_text(json_in_get(review->facts.given, "applied_at"));
    json_array_begin(&reasons);
    review_window(review, applied);
    review_rules(review);
    review_size(review);
    review_supplier(review);
    review_documents(review, applied);
    status = review_costs(review, err);
    json_array_end(&reasons);
    enum truth result = review->has_no ? TRUTH_NO : review->has_open ? TRUTH_UNKNOWN : TRUTH_YES;
    json_put_str(json, "result", str_of(review_word(result)));
    json_key(json, "reasons");
    json_raw(json, buf_str(&text));
    if (review->items.size > 0) {
        json_key(json, "cost_items");
        json_array_begin(json);
        json_raw(json, buf_str(&review->items));
        json_array_end(json);
    }
    return status;
}

int ask_eligible(const struct programme *programme, const struct json_in *type,
    const struct json_in *input, struct answer *answer, struct err *err) {
    struct review review = {.programme = programme, .type = type, .answer = answer};
    int status = facts_open(programme, type, input, &review.facts, err);
    if (status < 0) {
        return status;
    }
    buf_init(&review.items, ANSWER_BYTES_MAX);
    status = put_answer(&review, err);
    buf_fini(&review.items);
    facts_close(&review.facts);
    return status;
}
