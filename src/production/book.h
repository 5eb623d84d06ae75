#ifndef PRODUCTION_BOOK_H
#define PRODUCTION_BOOK_H
/*
 * What was made goes into stock, and what it was made of goes out (back-flush). Private to the
 * room; inside the transaction of an event.
 */
#include "production/event_handler.h"
#include "production/order.h"

/* Books the difference between what an operation has made by now and what was booked of it: the
 * materials of its step by the order's bill of material, oldest lots first, and after the last step
 * the good pieces into the order's lot. May be called as often as one likes. Where a material is
 * short, what is there is taken, a warning says what is missing, and the next booking takes it:
 * work that was done is never refused for a receipt that nobody entered. */
int book_operation(struct event *event, const struct operation *operation,
    const struct work_order *order, struct err *err);
/* So much of an item was given back by an operation, just now: as far as it is less than the bill
 * wanted for what was made, it was saved, and no later booking takes it again. */
int book_give_back(
    struct event *event, int64_t operation, int64_t item, int64_t quantity_u, struct err *err);
/* All operations of an order. */
int book_order(struct event *event, const struct work_order *order, struct err *err);

#endif
