#ifndef PRODUCTION_FILL_STORE_H
#define PRODUCTION_FILL_STORE_H
/*
 * What the filler reads and writes in the ledger: machines with their memory, runs, counts by the
 * minute, the step function of states, stops. Every function inside the caller's transaction.
 * Private to the room.
 */
#include "ledger/ledger.h"
#include "production/fill_machine.h"

enum { FILL_MACHINES_MAX = 1024 }; // Followed; those with higher numbers are not.

struct fill_machine {
    int64_t number;
    uint32_t counter; // Tags; 0: none.
    uint32_t rejects;
    uint32_t state;
    int64_t pieces; // Of a count outside runs.
    struct str run_values;
    struct str setup_values;
    struct fill_rules rules;
    struct fill_memory memory;
    int64_t run_ns;      // Begin of the newest run that stops were looked at with.
    int64_t run_is_open; // 1: it had no end.
    int64_t stop_ns;     // Begin of the open stop that has its row.
    bool has_marks;
};

/* The machines in use and their memories, by number, in the arena; a tag that was exchanged begins
 * anew. Count. */
int fill_machines_load(
    struct ledger_tx *tx, struct arena *arena, struct fill_machine **ret_machines, struct err *err);
/* A figure that changes when a row of machines does. */
int fill_machines_mark(struct ledger_tx *tx, int64_t *ret_mark, struct err *err);
int fill_memory_put(struct ledger_tx *tx, const struct fill_machine *machine, struct err *err);

struct fill_run {
    int64_t number;
    int64_t begin_ns;
    int64_t end_ns; // INT64_MAX: it goes on.
    int64_t pieces;
    int64_t cycle_ns; // Ideal, of one stroke; 0: not known.
};
/* Runs that last beyond `from_ns`, and the newest in any case, in order. Count, in the arena. */
int fill_runs_load(struct ledger_tx *tx, int64_t machine, int64_t from_ns, struct arena *arena,
    struct fill_run **ret_runs, struct err *err);
/* The run at a moment, or NULL. */
const struct fill_run *fill_run_at(const struct fill_run *runs, int count, int64_t time_ns);

struct fill_made {
    int64_t machine;
    int64_t run; // 0: none.
    int64_t time_ns;
    int64_t counts;
    int64_t pieces;
    int64_t bad;
};
int fill_made_add(struct ledger_tx *tx, const struct fill_made *made, struct err *err);

/* Carries out what a sample changed. *dirty_ns is pulled back to the first moment it touched. */
int fill_effects_put(struct ledger_tx *tx, int64_t machine, const struct fill_effects *effects,
    int64_t *dirty_ns, struct err *err);

/* Makes the rows of stops be what the states from `from_ns` on and the runs say. A row keeps its
 * number, reason and note while its stop is there in part; one that nobody filed goes with its
 * stop, a filed one stays with no length. */
struct fill_stops {
    int64_t machine;
    int64_t from_ns;
    int64_t seen_ns; // How far the states are told.
    int64_t stop_after_ns;
    int64_t silent_after_ns;
};
int fill_stops_put(struct ledger_tx *tx, const struct fill_stops *stops, struct err *err);
/* The same from `from_ns` to where the machine's states are told, by its own rules: where runs were
 * entered behind their time. Nothing for a machine without states. */
int fill_stops_again(struct ledger_tx *tx, int64_t machine, int64_t from_ns, struct err *err);

/* ---- Pieces that came behind their run's end ---- */

/* Marks the order of a run that has ended: what came for it is booked when nothing has come for a
 * moment. Inside the round's transaction. */
int fill_late_note(struct ledger_tx *tx, int64_t run, struct err *err);
/* Books the orders that wait for it, by an event each. Orders that were marked less than 3 s ago
 * wait on; one that cannot be booked is logged and not tried again. How many are left. Any thread
 * that may block. */
int fill_late_book(struct ledger *ledger, const struct zone *zone, struct err *err);

#endif
