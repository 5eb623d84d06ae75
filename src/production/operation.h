#ifndef PRODUCTION_OPERATION_H
#define PRODUCTION_OPERATION_H
/*
 * What several events do with an operation. Private to the room; the members of the event that are
 * named must stand among those of its type.
 */
#include "production/event_handler.h"
#include "production/order.h"

/* Pieces that nobody but a person counted (members reason, why, worker), and their booking. The
 * answer gets `order`, `good` and `bad` of the operation. */
int operation_count(
    struct event *event, int64_t operation, int64_t good_u, int64_t bad_u, struct err *err);
/* It is done; the last one ends its order. */
int operation_finish(struct event *event, int64_t operation, struct err *err);

#endif
