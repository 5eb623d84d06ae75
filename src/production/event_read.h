#ifndef PRODUCTION_EVENT_READ_H
#define PRODUCTION_EVENT_READ_H
/*
 * Reading the members of an event: which were given, and what their texts mean. Private to the
 * room.
 */
#include "production/event_handler.h"

struct event_value {
    struct str text;
    int64_t number;
    double real;
};

/* What was given, ordered by the fields of its type; in the arena. */
struct event_given {
    uint32_t type;
    uint32_t field_count;
    enum lang lang; // Of the words for members in refusals.
    struct event_value *values;
    uint32_t firsts[EVENT_FIELDS_MAX + 1];
};

/* Type, the caller's right to it, members and their number, without looking at what they mean.
 * ERR_INVALID, ERR_LIMIT, ERR_FORBIDDEN. */
int event_gather(const struct event_call *call, struct arena *arena, struct event_given *ret_given,
    struct err *err);
/* What every text means; codes are looked up. `now_ns` for words that name a time. */
int event_resolve(struct ledger_tx *tx, const struct zone *zone, struct arena *arena,
    struct event_given *given, struct err *err);
/* {"type":...,"member":"text",...}: the same for the same members in whatever order they came. */
void event_put_body(const struct event_given *given, struct buf *out);
/* Runs the handler of its type. */
int event_carry_out(struct event *event, struct err *err);

#endif
