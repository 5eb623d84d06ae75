#ifndef PRODUCTION_DOUBT_H
#define PRODUCTION_DOUBT_H
/*
 * Typed events that may be wrong: asked before they count, or (told without anybody there to ask)
 * kept until somebody decides. Private to the room; inside the transaction of an event.
 */
#include "production/event_handler.h"

/* Why an event is doubtful, as sentences; empty where it is not. */
struct doubt {
    struct buf en;
    struct buf ko;
    uint32_t count;
};
void doubt_init(struct doubt *doubt);
void doubt_fini(struct doubt *doubt);

/* Whether events of this type are looked at: those with the member `sure`. */
bool doubt_concerns(uint32_t type);
/* Looks at an event whose members were read, before anything of it is done. */
int doubt_look(struct event *event, struct str body, struct doubt *doubt, struct err *err);
/* Keeps it under its key; the answer says `doubtful`, its number. */
int doubt_keep(struct event *event, struct str key, struct str body, uint64_t digest,
    const struct doubt *doubt, struct err *err);
/* The kept one with this key: 1, or 0: there is none. Texts in the arena. */
struct doubt_kept {
    int64_t number;
    struct str type;
    struct str state;   // open, done, dropped.
    int64_t entered_ns; // When it was told first.
    uint64_t digest;
};
int doubt_find(struct ledger_tx *tx, struct arena *arena, struct str key,
    struct doubt_kept *ret_kept, struct err *err);
/* It was told again and done. */
int doubt_settle(struct event *event, int64_t number, struct err *err);

#endif
