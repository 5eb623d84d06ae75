#ifndef PROGRAMME_TERM_H
#define PROGRAMME_TERM_H
/*
 * The term of an agreement: agreement + (term + extensions granted), convention C-8. Each request
 * for an extension is judged in turn. Private to the room.
 */
#include "programme/answer.h"
#include "programme/day.h"

struct term {
    int32_t agreement; // DAY_NONE: not given.
    int32_t end;       // DAY_NONE: not known.
    int months;        // Of the term alone; 0: the programme states none.
    int extended;      // Months granted.
};

enum { EXTENSIONS_MAX = 24 };

/* Reads `agreement` and `extension_months` of the input; what passes the maximum is refused in the
 * answer. `type` may be NULL where all types have one term. `derivation`: objects, behind each
 * other, or NULL. ERR_INVALID: no such date or number of months. */
int term_of(const struct programme *programme, const struct json_in *type,
    const struct json_in *input, struct answer *answer, struct buf *derivation,
    struct term *ret_term, struct err *err);

/* One line of a derivation: how a day follows from another. */
struct day_step {
    struct str id;
    int32_t from; // DAY_NONE: from nothing.
    int32_t day;
    int32_t unrolled; // DAY_NONE: not moved by days off.
    struct str source;
    enum msg_id msg;
    const struct arg *args;
};
void day_step_put(struct buf *derivation, const struct day_step *step);
void json_put_day(struct json *json, const char *key, int32_t day); // null for DAY_NONE.

#endif
