#ifndef PRODUCTION_EVENT_WITHIN_H
#define PRODUCTION_EVENT_WITHIN_H
/*
 * One event that does another: a decision on a non-conformity scraps, reworks or counts by the very
 * handler that does it when somebody tells it, in the same transaction and under the same number.
 * Private to the room.
 */
#include "production/event_handler.h"

/* Carries out an event of `type` with these members; what it gives becomes the object `key` of the
 * outer answer, its warnings join. Texts must live as long as the event. */
int event_within(struct event *event, const char *type, const struct event_member *members,
    uint32_t count, const char *key, struct err *err);

#endif
