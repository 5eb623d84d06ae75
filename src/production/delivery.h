#ifndef PRODUCTION_DELIVERY_H
#define PRODUCTION_DELIVERY_H
/*
 * A delivery note is made in the event that takes its goods out. Private to the room.
 */
#include "production/event_handler.h"

enum { NOTE_CODE_MAX = 32 };
struct note_wish {
    const char *kind; // "customer", "supply"
    int64_t partner;
    int64_t outsourcing; // 0: none.
    int64_t after;       // Moves of this event with numbers above.
    int64_t from_ns;     // Moves since then.
    bool in_part;        // More than a note can have: the oldest; else it is refused.
};
/* PREFIX-YYMMDD-N of the event's day, the next free one of the table. */
int note_code(struct event *event, const char *table, const char *prefix, char to[NOTE_CODE_MAX],
    struct err *err);
/* Lists what this event took out. *ret_lines 0: nothing, and no note was made. */
int note_make(struct event *event, const struct note_wish *wish, struct str code,
    int64_t *ret_lines, struct err *err);
/* The newest move. */
int moves_end(struct event *event, int64_t *ret_number, struct err *err);

#endif
