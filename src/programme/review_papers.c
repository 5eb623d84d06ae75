/*
 * Documents and cost items.
 *
 * A document is good through the same day of the month, so many months after its issue, measured
 * on the day of the application (C-5). Of cost items the refused kinds go before the allowed ones:
 * an office printer is outside the build even where its upgrade would be an upgrade. An item that
 * says its kind is judged by that; one that fits nothing goes to the requirement review.
 */
#include "programme/day.h"
#include "programme/given.h"
#include "programme/lexicon.h"
#include "programme/review.h"
#include "programme/words.h"

enum { LIST_MAX = 1000 };

/* ---- Documents ---- */

static struct str document_name(const struct json_in *given) {
    struct str plain = json_in_text(given);
    return plain.size > 0 ? plain : json_in_text(given_any(given, "id document ko name"));
}

static bool is_document(const struct json_in *document, const struct json_in *given) {
    struct str name = document_name(given);
    return name.size > 0 && (str_eq(name, json_in_text(json_in_get(document, "id"))) ||
                                lexicon_same(name, json_in_text(json_in_get(document, "ko"))) ||
                                lexicon_same(name, json_in_text(json_in_get(document, "en"))));
}

static void put_document(struct review *review, const struct json_in *document, enum truth result,
    enum msg_id why, const struct arg *args) {
    struct trace missing = {.missing = {{"documents", 9}, {"applied_at", 10}}, .missing_count = 2};
    missing.missing_count -= json_in_get(review->facts.given, "applied_at") != NULL;
    review_put(review, &(struct reason){.rule = document,
                           .id = "document",
                           .kind = "document",
                           .result = result,
                           .why = why,
                           .args = args,
                           .trace = &missing});
}

static void review_age(struct review *review, const struct json_in *document,
    const struct json_in *given, struct str applied) {
    int64_t months = 0;
    int32_t issued = 0;
    int32_t filed = 0;
    bool aged = json_in_whole(json_in_get(document, "max_age_months"), &months) && months >= 0 &&
                months <= 1200;
    struct str day = json_in_text(given_any(given, "issued issued_on issued_at date"));
    if (!aged && day.size == 0) {
        put_document(review, document, TRUTH_YES, SAY_DESK(DOCUMENT_THERE), NO_ARGS);
        return;
    }
    if (!day_parse(day, &issued) || !day_parse(applied, &filed)) {
        put_document(review, document, aged ? TRUTH_UNKNOWN : TRUTH_YES,
            aged ? SAY_DESK(DOCUMENT_UNDATED) : SAY_DESK(DOCUMENT_THERE), NO_ARGS);
        return;
    }
    char last[DAY_TEXT_MAX] = "";
    struct str through = STR_NONE;
    if (aged) {
        int32_t good = day_add_months(issued, (int)months);
        through = good == DAY_NONE ? STR_NONE : (struct str){last, day_text(good, last)};
        answer_convention(review->answer, 5);
        if (good != DAY_NONE && filed > good) {
            put_document(review, document, TRUTH_NO, SAY_DESK(DOCUMENT_OLD),
                ARGS(A_STR(day), A_STR(through), A_STR(applied)));
            return;
        }
    }
    bool ahead = issued > filed;
    put_document(review, document, ahead ? TRUTH_UNKNOWN : TRUTH_YES,
        ahead  ? SAY_DESK(DOCUMENT_AHEAD)
        : aged ? SAY_DESK(DOCUMENT_GOOD)
               : SAY_DESK(DOCUMENT_THERE),
        ahead ? ARGS(A_STR(day), A_STR(applied)) : ARGS(A_STR(day), A_STR(through)));
}

static void review_given_document(struct review *review, const struct json_in *document,
    const struct json_in *given, struct str applied) {
    int64_t asked = 0;
    int64_t copies = 0;
    bool readable = true;
    struct str name = json_in_text(json_in_get(document, "id"));
    if (lexicon_yes(json_in_get(given, "readable"), &readable) && !readable) {
        put_document(review, document, TRUTH_NO, SAY_DESK(DOCUMENT_UNREADABLE), ARGS(A_STR(name)));
    } else if (json_in_whole(json_in_get(given, "copies"), &copies) &&
               json_in_whole(json_in_get(document, "copies"), &asked) && copies < asked) {
        put_document(review, document, TRUTH_NO, SAY_DESK(DOCUMENT_COPIES),
            ARGS(A_INT(copies), A_INT(asked)));
    } else {
        review_age(review, document, given, applied);
    }
}

static bool is_asked_now(const struct json_in *document) {
    struct str stage = json_in_text(json_in_get(document, "stage"));
    return stage.size == 0 || str_eq(stage, STR("application"));
}

static void review_document(
    struct review *review, const struct json_in *document, struct str applied) {
    const struct json_in *given = json_in_get(review->facts.given, "documents");
    struct str name = json_in_text(json_in_get(document, "id"));
    uint32_t found = 0;
    for (size_t i = 0; i < json_in_count(given); i++) {
        if (is_document(document, json_in_at(given, i))) {
            review_given_document(review, document, json_in_at(given, i), applied);
            found++;
        }
    }
    if (found > 0 || json_in_get(document, "only_if")) {
        return;
    }
    bool complete = false;
    (void)lexicon_yes(json_in_get(review->facts.given, "documents_complete"), &complete);
    put_document(review, document, complete ? TRUTH_NO : TRUTH_UNKNOWN,
        complete ? SAY_DESK(DOCUMENT_MISSING) : SAY_DESK(DOCUMENT_UNLISTED), ARGS(A_STR(name)));
}

void review_documents(struct review *review, struct str applied) {
    const struct json_in *list = json_in_get(programme_root(review->programme), "documents");
    for (size_t i = 0; i < json_in_count(list); i++) {
        if (is_asked_now(json_in_at(list, i)) && review_applies(review, json_in_at(list, i))) {
            review_document(review, json_in_at(list, i), applied);
        }
    }
    const struct json_in *given = json_in_get(review->facts.given, "documents");
    for (size_t g = 0; g < json_in_count(given); g++) {
        bool asked = false;
        for (size_t i = 0; i < json_in_count(list) && !asked; i++) {
            asked = is_asked_now(json_in_at(list, i)) &&
                    is_document(json_in_at(list, i), json_in_at(given, g));
        }
        if (!asked) {
            answer_note(review->answer, STR("documents"), STR_NONE, SAY_DESK(DOCUMENT_UNASKED),
                ARGS(A_STR(document_name(json_in_at(given, g)))));
        }
    }
}

/* ---- Cost items ---- */

static bool fits_kind(const struct json_in *kind, struct str name) {
    const struct json_in *except = json_in_get(kind, "except");
    for (size_t i = 0; i < json_in_count(except); i++) {
        if (lexicon_contains(name, json_in_text(json_in_at(except, i)))) {
            return false;
        }
    }
    const struct json_in *words = json_in_get(kind, "words");
    for (size_t i = 0; i < json_in_count(words); i++) {
        if (lexicon_contains(name, json_in_text(json_in_at(words, i)))) {
            return true;
        }
    }
    return lexicon_contains(name, json_in_text(json_in_get(kind, "ko"))) ||
           lexicon_contains(name, json_in_text(json_in_get(kind, "en")));
}

static const struct json_in *cost_kind(const struct json_in *list, struct str id, struct str name) {
    const struct json_in *found = id.size > 0 ? list_find(list, id) : NULL;
    for (size_t i = 0; i < json_in_count(list) && !found && name.size > 0; i++) {
        found = fits_kind(json_in_at(list, i), name) ? json_in_at(list, i) : NULL;
    }
    return found;
}

static struct str name_in(const struct json_in *kind, enum lang lang) {
    struct str ko = json_in_text(json_in_get(kind, "ko"));
    struct str en = json_in_text(json_in_get(kind, "en"));
    return (lang == LANG_KO && ko.size > 0) || en.size == 0 ? ko : en;
}

/* Kinds are called by their names in the language of the sentence. */
static void say_item(struct said *said, enum msg_id why, struct str name,
    const struct json_in *kind, const struct json_in *other) {
    for (int lang = LANG_KO; lang <= LANG_EN; lang++) {
        msg_render(why,
            ARGS(A_STR(name), A_STR(name_in(kind, (enum lang)lang)),
                A_STR(name_in(other, (enum lang)lang))),
            (enum lang)lang, lang == LANG_KO ? &said->ko : &said->en);
    }
}

static void put_item(struct review *review, struct str name, const struct json_in *kind,
    enum truth result, const struct said *said) {
    static const char *const WORDS[] = {"refused", "person", "allowed"};
    struct json json;
    if (review->items.size > 0) {
        buf_put_char(&review->items, ',');
    }
    json_init(&json, &review->items);
    json_object_begin(&json);
    json_put_str(&json, "item", name);
    json_put_str(&json, "result", str_of(WORDS[(int)result + 1]));
    if (kind) {
        json_put_str(&json, "rule", json_in_text(json_in_get(kind, "id")));
    } else {
        json_put_null(&json, "rule");
    }
    const struct json_in *costs = json_in_get(programme_root(review->programme), "costs");
    json_put_str(&json, "source", json_in_text(json_in_get(costs, "src")));
    json_put_str(&json, "ko", buf_str(&said->ko));
    json_put_str(&json, "en", buf_str(&said->en));
    json_object_end(&json);
}

static void review_item(struct review *review, const struct json_in *item) {
    const struct json_in *costs = json_in_get(programme_root(review->programme), "costs");
    const struct json_in *refused = json_in_get(costs, "refused");
    const struct json_in *allowed = json_in_get(costs, "allowed");
    struct str name = json_in_text(item);
    name = name.size > 0 ? name : json_in_text(given_any(item, "ko name item en"));
    struct str id = json_in_text(given_any(item, "kind id"));
    id = json_in_kind(item) == JSON_KIND_TEXT ? name : id;
    const struct json_in *against = cost_kind(refused, id, STR_NONE);
    const struct json_in *for_it = cost_kind(allowed, id, STR_NONE);
    if (!against && !for_it) {
        against = cost_kind(refused, STR_NONE, name);
        for_it = cost_kind(allowed, STR_NONE, name);
    }
    name = name.size > 0 ? name : id;
    enum truth result = against ? TRUTH_NO : for_it ? TRUTH_YES : TRUTH_UNKNOWN;
    const struct json_in *kind = against ? against : for_it;
    enum msg_id why = against && for_it ? SAY_DESK(COST_BOTH)
                      : against         ? SAY_DESK(COST_REFUSED)
                      : for_it          ? SAY_DESK(COST_ALLOWED)
                                        : SAY_DESK(COST_UNLISTED);
    struct said said;
    said_init(&said);
    say_item(&said, why, name, kind, for_it);
    put_item(review, name, kind, result, &said);
    struct trace open = {.missing = {name}, .missing_count = 1};
    review_put(review, &(struct reason){.rule = kind,
                           .id = "cost_item",
                           .kind = "cost_item",
                           .result = result,
                           .trace = &open,
                           .table = costs,
                           .said = &said});
    said_fini(&said);
}

int review_costs(struct review *review, struct err *err) {
    const struct json_in *items = json_in_get(review->facts.given, "cost_items");
    if (json_in_count(items) > LIST_MAX) {
        return err_set(
            err, ERR_LIMIT, SAY_DESK(SCORE_SHAPE), ARGS(A_CSTR("cost_items"), A_CSTR("[1..1000]")));
    }
    if (json_in_kind(items) == JSON_KIND_TEXT) {
        review_item(review, items);
    }
    for (size_t i = 0; json_in_kind(items) == JSON_KIND_LIST && i < json_in_count(items); i++) {
        review_item(review, json_in_at(items, i));
    }
    return 0;
}
