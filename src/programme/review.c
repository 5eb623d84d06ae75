/*
 * Reasons of a review. A "no" needs a fact that was given and a rule that forbids it; everything
 * else that is open goes to a person. Each reason carries the rule's own words, its source, and a
 * sentence about this case (`why`), because "not eligible" alone can be defended before nobody. A
 * refusal says both in one, since lists of refusals are read without the reasons.
 */
#include "programme/review.h"

const char *review_word(enum truth result) {
    return result == TRUTH_YES ? "yes" : result == TRUTH_NO ? "no" : "person";
}

/* Where a rule or table says that the announcement contradicts itself. */
static void tell_notes(struct answer *answer, const struct json_in *element) {
    const struct json_in *notes = json_in_get(element, "notes");
    answer_discrepancy(answer, json_in_text(json_in_get(element, "note")));
    for (size_t i = 0; i < json_in_count(notes); i++) {
        answer_discrepancy(answer, json_in_text(json_in_at(notes, i)));
    }
}

static struct str source_of(const struct review *review, const struct reason *reason) {
    struct str source = json_in_text(json_in_get(reason->rule, "src"));
    source = source.size > 0 ? source : json_in_text(json_in_get(reason->table, "src"));
    return source.size > 0 ? source : programme_text(review->programme, "src");
}

static struct str id_of(const struct reason *reason) {
    struct str id = json_in_text(json_in_get(reason->rule, "id"));
    return id.size > 0 ? id : str_of(reason->id);
}

void said_init(struct said *said) {
    buf_init(&said->ko, REVIEW_TEXT_BYTES);
    buf_init(&said->en, REVIEW_TEXT_BYTES);
}

void said_fini(struct said *said) {
    buf_fini(&said->ko);
    buf_fini(&said->en);
}

static void put_text(struct buf *out, struct str name, const struct buf *why) {
    buf_put_str(out, name);
    buf_put_str(out, name.size > 0 && why->size > 0 ? STR(": ") : STR_NONE);
    buf_put_str(out, buf_str(why));
}

/* A refusal says the rule in its own words and, behind it, what this case has against it. */
static void refuse(struct review *review, const struct reason *reason, const struct said *why) {
    struct str ko = json_in_text(json_in_get(reason->rule, "ko"));
    struct str en = json_in_text(json_in_get(reason->rule, "en"));
    bool names_itself = reason->table != NULL; // Kinds of cost stand in the sentence already.
    struct said words;
    said_init(&words);
    put_text(&words.ko, names_itself ? STR_NONE : ko.size > 0 ? ko : en, &why->ko);
    put_text(&words.en, names_itself ? STR_NONE : en.size > 0 ? en : ko, &why->en);
    answer_refuse_said(review->answer, id_of(reason), source_of(review, reason), buf_str(&words.ko),
        buf_str(&words.en));
    said_fini(&words);
}

static void put_missing(struct json *json, const struct reason *reason) {
    uint32_t count =
        reason->result == TRUTH_UNKNOWN && reason->trace ? reason->trace->missing_count : 0;
    json_key(json, "missing");
    json_array_begin(json);
    for (uint32_t i = 0; i < count; i++) {
        json_str(json, reason->trace->missing[i]);
    }
    json_array_end(json);
}

void review_put(struct review *review, const struct reason *reason) {
    struct json *json = review->reasons;
    struct said own;
    said_init(&own);
    const struct said *why = reason->said ? reason->said : &own;
    if (!reason->said && reason->why != MSG_NONE) {
        msg_render(reason->why, reason->args, LANG_KO, &own.ko);
        msg_render(reason->why, reason->args, LANG_EN, &own.en);
    }
    review->has_no = review->has_no || reason->result == TRUTH_NO;
    review->has_open = review->has_open || reason->result == TRUTH_UNKNOWN;
    json_object_begin(json);
    json_put_str(json, "rule", id_of(reason));
    json_put_str(json, "kind", str_of(reason->kind));
    json_put_str(json, "result", str_of(review_word(reason->result)));
    json_put_str(json, "source", source_of(review, reason));
    struct str ko = json_in_text(json_in_get(reason->rule, "ko"));
    struct str en = json_in_text(json_in_get(reason->rule, "en"));
    json_put_str(json, "ko", ko.size > 0 ? ko : en.size > 0 ? en : buf_str(&why->ko));
    json_put_str(json, "en", en.size > 0 ? en : ko.size > 0 ? ko : buf_str(&why->en));
    json_key(json, "why");
    json_object_begin(json);
    json_put_str(json, "ko", buf_str(&why->ko));
    json_put_str(json, "en", buf_str(&why->en));
    json_object_end(json);
    put_missing(json, reason);
    json_object_end(json);
    if (reason->result == TRUTH_NO) {
        refuse(review, reason, why);
    }
    tell_notes(review->answer, reason->rule);
    said_fini(&own);
}

bool review_applies(const struct review *review, const struct json_in *rule) {
    const struct json_in *types = json_in_get(rule, "types");
    struct str type = json_in_text(json_in_get(review->type, "id"));
    for (size_t i = 0; i < json_in_count(types); i++) {
        if (str_eq(json_in_text(json_in_at(types, i)), type)) {
            return true;
        }
    }
    return json_in_count(types) == 0;
}
