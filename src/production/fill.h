#ifndef PRODUCTION_FILL_H
#define PRODUCTION_FILL_H
/*
 * The machine fills the order: a consumer of the historian's sequence that turns counter, reject
 * and state tags of machines (noun `machines`) into pieces made by the minute and run, and into the
 * machine's time: run, stop, set-up, unknown (docs/PRODUCTION.md has the rules). Effects and cursor
 * ("production") stand in one transaction: each stroke counts once through kill -9. One thread a
 * plant.
 */
#include "historian/historian.h"
#include "ledger/ledger.h"

/* Column `state` of machine_states. */
enum machine_state { MACHINE_UNKNOWN = 0, MACHINE_RUN = 1, MACHINE_STOP = 2, MACHINE_SETUP = 3 };

struct fill;

struct fill_options {
    const struct clock *clock;
    struct historian *historian;
    struct ledger *ledger;
    const struct zone *zone; // The plant's, for what is booked by itself; NULL: UTC. Borrowed.
};

int fill_start(const struct fill_options *options, struct fill **ret_fill, struct err *err);
void fill_stop(struct fill *fill); // Works in what is durable, then joins. NULL is allowed.
/* Machines changed: looked at with the next round, also where their rows look the same. Any
 * thread. Runs are read with every round. */
void fill_changed(struct fill *fill);
struct fill_status {
    uint64_t seq; // Passed.
    uint64_t lag; // Batches behind.
    struct err last_error;
};
void fill_status_get(struct fill *fill, struct fill_status *ret_status);

#endif
