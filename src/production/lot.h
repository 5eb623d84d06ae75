#ifndef PRODUCTION_LOT_H
#define PRODUCTION_LOT_H
/*
 * Lots: made with a number of their own, linked, held and released. Private to the room; inside the
 * transaction of an event.
 */
#include "production/event_handler.h"

struct lot_facts {
    int64_t number;
    struct str code;
    int64_t item;
    struct str state; // planned, open, held, scrapped
    int64_t partner;  // 0: none.
    struct str partner_lot;
    int64_t made_ns;    // 0: not yet.
    struct str expires; // 2026-01-31, or empty.
    struct str hold;    // Why.
};
/* Texts in the event's arena. ERR_NOT_FOUND. */
int lot_get(struct event *event, int64_t lot, struct lot_facts *ret_lot, struct err *err);

/* What a new lot is; the number is given. An empty code: by the pattern of the plant's setting
 * `lot_pattern`. made_ns 0: planned, to be made by work; else open. ERR_EXISTS: the code is taken.
 */
struct lot_wish {
    struct lot_facts facts; // Without number, state and hold.
    struct str machine;     // The id of its asset, for the pattern; may be empty.
    struct str note;
};
int lot_make(
    struct event *event, const struct lot_wish *wish, struct lot_facts *ret_lot, struct err *err);
/* A planned lot begins to be: made now. */
int lot_open(struct event *event, int64_t lot, struct err *err);

/* Whether it may be issued, used, shipped now: neither held, scrapped, expired nor only planned.
 * ERR_CONFLICT with a sentence that says what to do. */
int lot_check(struct event *event, const struct lot_facts *lot, struct err *err);
/* Refuses a scrapped lot alone. */
int lot_check_scrapped(const struct lot_facts *lot, struct err *err);
/* The day of the event in the plant's zone, 2026-01-31. */
enum { DAY_TEXT_MAX = 16 };
void event_day(const struct event *event, int64_t days_later, char to[DAY_TEXT_MAX]);

/* Enters an edge; what holds the parent holds the child from now on. ERR_CONFLICT: the child went
 * into the parent before. */
struct lot_edge {
    int64_t parent;
    int64_t child;
    const char *kind;
    int64_t quantity_u;
    int64_t operation; // 0: none.
};
int lot_link(struct event *event, const struct lot_edge *edge, struct err *err);
/* Takes so much of such edges back, the newest first; one of which nothing is left is no more. */
int lot_unlink(struct event *event, const struct lot_edge *edge, struct err *err);
/* Holds the lot and all that was made of it. `source`: the non-conformity that says so, 0:
 * somebody's hand; each takes back its own hold only. *ret_held: how many lots it newly reached. */
int lot_hold(struct event *event, const struct lot_facts *lot, int64_t source, struct str why,
    int64_t *ret_held, struct err *err);
/* Takes what this lot holds back; below 0: of every source. *ret_freed: lots that nothing else
 * holds. */
int lot_release(
    struct event *event, int64_t cause, int64_t source, int64_t *ret_freed, struct err *err);
/* Frees this lot alone, whatever holds it. */
int lot_release_alone(struct event *event, int64_t lot, struct err *err);

#endif
