#ifndef PRODUCTION_PURCHASE_H
#define PRODUCTION_PURCHASE_H
/*
 * What is bought: proposals of the plan become orders and come in. Private to the room; inside the
 * transaction of an event.
 */
#include "production/stock.h"

/* Where the event has the member `purchase`: what came in is taken off what is still expected of
 * it; nothing left: it was received. */
int purchase_receive(
    struct event *event, const struct item_facts *item, int64_t quantity_u, struct err *err);

#endif
