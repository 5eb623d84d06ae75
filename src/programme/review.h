#ifndef PROGRAMME_REVIEW_H
#define PROGRAMME_REVIEW_H
/*
 * One answer to "may one apply" in the making: the parts of the review (rules, window, documents,
 * cost items) put their reasons here. One owner, for the length of a question. Private to the room.
 */
#include "programme/answer.h"
#include "programme/facts.h"

enum { REVIEW_TEXT_BYTES = 4096 };

struct review {
    const struct programme *programme;
    const struct json_in *type; // NULL: none was named.
    struct facts facts;
    struct answer *answer;
    struct json *reasons;
    struct buf items; // Answers to cost items, as JSON.
    bool has_no;
    bool has_open;
};

/* What one case says, in both languages. */
struct said {
    struct buf ko;
    struct buf en;
};
void said_init(struct said *said);
void said_fini(struct said *said);

/* A reason: a rule (or document, window, cost kind), its result, and a sentence of ours. */
struct reason {
    const struct json_in *rule; // Its id, words and source; may lack all of them.
    const char *id;             // Where the rule has none.
    const char *kind;
    enum truth result; // YES: nothing against it.
    enum msg_id why;   // MSG_NONE: the rule's words say all.
    const struct arg *args;
    const struct trace *trace;   // NULL: no facts are missing.
    const struct json_in *table; // Has the source where the rule has none; may be NULL.
    const struct said *said;     // Instead of `why`: words that are there already.
};

/* Writes the reason, refuses where it is no, and tells the contradictions it rests on. */
void review_put(struct review *review, const struct reason *reason);
/* Whether a rule or document is for the type in question. */
bool review_applies(const struct review *review, const struct json_in *rule);
const char *review_word(enum truth result); // "yes", "no", "person"

void review_rules(struct review *review);
void review_documents(struct review *review, struct str applied);
int review_costs(struct review *review, struct err *err); // ERR_LIMIT.

#endif
