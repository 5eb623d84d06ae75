#ifndef PROGRAMME_ANSWER_H
#define PROGRAMME_ANSWER_H
/*
 * What a question about a programme is answered with: a JSON object whose members the question
 * writes, and behind them `notes` (discrepancies, conventions used) and `refused` (rule, source
 * line, plain words in both languages). One owner.
 *
 *     answer_begin(&answer, &out, programme, type);
 *     json_put_i64(&answer.json, "grant", 13000000);
 *     answer_convention(&answer, 3);
 *     answer_end(&answer);
 */
#include "core/json.h"
#include "programme/programme.h"

enum { ANSWER_BYTES_MAX = 16 << 20, ANSWER_NOTES_MAX = 64 };

struct answer {
    struct json json;
    struct buf *out;
    struct buf notes;   // Objects, behind each other.
    struct buf refused; // The same.
    const struct programme *programme;
    uint32_t refused_count;
    uint64_t conventions; // Bits: each is told once.
    uint64_t told;        // Bits by discrepancy number.
};

/* Opens the object and writes `programme` and, where `type` is not NULL, `type`. */
void answer_begin(struct answer *answer, struct buf *out, const struct programme *programme,
    const struct json_in *type);
/* Writes notes and refusals and closes the object. */
void answer_end(struct answer *answer);
/* Without writing anything more: after an error. */
void answer_drop(struct answer *answer);

/* Notes: convention C-n of docs/PROGRAMME.md; a discrepancy of the programme by its id; own words.
 */
void answer_convention(struct answer *answer, int number);
void answer_discrepancy(struct answer *answer, struct str id);
void answer_note(struct answer *answer, struct str id, struct str source, enum msg_id msg,
    const struct arg *args);

/* Refusals: of something in the programme that has `id`, `ko`, `en` and `src` (a rule, a document,
 * a type); or in own words. */
void answer_refuse_by(struct answer *answer, const struct json_in *rule);
void answer_refuse(struct answer *answer, struct str rule, struct str source, enum msg_id msg,
    const struct arg *args);
/* In words that are there already, in both languages. */
void answer_refuse_said(
    struct answer *answer, struct str rule, struct str source, struct str ko, struct str en);
/* Both at once: the rule's id and source, and our sentence about this case. */
void answer_refuse_case(
    struct answer *answer, const struct json_in *rule, enum msg_id msg, const struct arg *args);

/* `{"ko": ..., "en": ...}` members of the open object, from the catalogue. */
void answer_put_words(struct json *json, enum msg_id msg, const struct arg *args);
/* The same, where the first argument is an element's name in the language of the sentence. */
void answer_put_named(
    struct json *json, const struct json_in *element, enum msg_id msg, const struct arg *args);
void answer_refuse_named(struct answer *answer, const struct json_in *element, struct str source,
    enum msg_id msg, const struct arg *args);
/* The same from an element of the programme; a missing language gets the other one's words. */
void answer_put_names(struct json *json, const struct json_in *element);

#endif
