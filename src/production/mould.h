#ifndef PRODUCTION_MOULD_H
#define PRODUCTION_MOULD_H
/*
 * Moulds at work: whether one may be used, and where it is mounted. Private to the room; inside the
 * transaction of an event.
 */
#include "production/event_handler.h"

/* Before work begins with a mould on a machine (0: none): refused while it is blocked, in repair,
 * closed, or works elsewhere; care that is overdue is refused or told by the plant's setting
 * `mould_due`. ERR_CONFLICT. */
int mould_check(struct event *event, int64_t mould, int64_t machine, struct err *err);
/* It is mounted there from now on; what was there before is taken off. */
int mould_put_on(
    struct event *event, int64_t mould, int64_t machine, int64_t time_ns, struct err *err);

#endif
