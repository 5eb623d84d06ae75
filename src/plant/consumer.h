#ifndef PLANT_CONSUMER_H
#define PLANT_CONSUMER_H
/*
 * The stroke counter: the first ledger consumer. Follows the historian's sequence and adds the
 * increments of every counter tag to its total in the ledger, each exactly once, through kill -9:
 * totals and cursor stand in one transaction. Private to the room; one thread of its own.
 */
#include "plant/plant.h"

struct consumer;

struct consumer_options {
    const struct clock *clock;
    struct historian *historian;
    struct ledger *ledger;
    struct plant *plant; // For its catalogue: which tags are counters.
};

/* Reads cursor and totals and starts the thread. */
int consumer_start(
    const struct consumer_options *options, struct consumer **ret_consumer, struct err *err);
void consumer_stop(struct consumer *consumer); // Finishes what is durable, then joins. NULL fine.
void consumer_status_get(struct consumer *consumer, struct consumer_status *ret_status);

/* The counting rule, pure: the increment that `value` at `time_ns` adds to `row`, which is moved
 * on. Whole units count: a counter that goes up by hundredths adds one at each whole one. Samples
 * that are not newer than the last one add nothing (their part was counted by the difference around
 * them), nor does what is no count (negative, beyond 2^53, no number). A falling value is a reset,
 * the machine began again at zero, or with `counter_max` (0: none) its roll-over. */
void count_add(struct count_row *row, double value, int64_t time_ns, double counter_max);

#endif
