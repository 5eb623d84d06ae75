#ifndef PRODUCTION_NONCONFORMANCE_H
#define PRODUCTION_NONCONFORMANCE_H
/*
 * Non-conformities as other events open and withdraw them. Private to the room; inside the
 * transaction of an event.
 */
#include "production/event_handler.h"

struct nonconformance_new {
    int64_t item; // 0: none; as the others.
    int64_t lot;
    int64_t operation;
    int64_t machine;
    int64_t inspection;
    int64_t reason;
    int64_t worker;
    int64_t quantity_u; // 0: not known.
    struct str description;
    bool hold; // The lot, with all that was made of it.
};
/* Adds `nonconformance` and `held` (lots that it newly holds) to the answer. */
int nonconformance_insert(
    struct event *event, const struct nonconformance_new *wish, struct err *err);
/* Of an inspection that was corrected: what nobody decided on is withdrawn, and its lot freed where
 * nothing else holds it. */
int nonconformance_withdraw(struct event *event, int64_t inspection, struct err *err);

#endif
