#ifndef PRODUCTION_FIGURES_H
#define PRODUCTION_FIGURES_H
/*
 * Key figures, losses and stops as the tables have them: what pages, papers and other programs ask.
 * Inside ledger_read; texts and lists live in the arena.
 */
#include "production/calendar.h"
#include "production/kpi.h"
#include "production/likely.h"

enum { FIGURES_MACHINES_MAX = 1024, FIGURES_STOPS_MAX = 1000 };

struct figures_machine {
    int64_t number;
    struct str id; // Of its asset.
    struct str name;
    struct str workcentre; // Code; empty: none.
    struct str line;       // Id of the asset; empty: none.
    int64_t rate_u;        // Won an hour; -1: nobody gave one.
    int64_t stop_after_ns;
    int64_t silent_after_ns;
    int64_t seen_ns; // How far its time is told; 0: nothing was.
};
/* One of them or none; `line`: the id of an asset, whose machines are below it or in a work centre
 * of it. */
struct figures_filter {
    struct str machine;
    struct str line;
    struct str order;
};
/* Machines in use, by id. Count. ERR_NOT_FOUND: a machine, line or order nobody knows. */
int figures_machines(struct ledger_tx *tx, const struct figures_filter *filter, struct arena *arena,
    struct figures_machine **ret_machines, int64_t *ret_order, struct err *err);

struct figures_question {
    const struct figures_machine *machine;
    const struct calendar *calendar;
    const struct zone *zone;
    int64_t from_ns; // Not behind `now_ns`.
    int64_t to_ns;
    int64_t now_ns;
    int64_t order; // Only the time of its runs; 0: all time.
};
struct figures {
    struct kpi kpi;
    double ideal_ns; // The mean ideal cycle of a piece; 0: none is known.
};
/* Counts belong to the minute in which they were told: a question that begins in the midst of one
 * has those of the next ones. */
int figures_of(struct ledger_tx *tx, const struct figures_question *question, struct arena *arena,
    struct figures *ret_figures, struct err *err);

/* What a machine does now. */
struct figures_now {
    int32_t state; // enum machine_state; unknown where it is silent.
    int64_t since_ns;
    int64_t run; // 0: none open.
    struct str order;
    struct str item;
    struct str item_name;
    int64_t step;
    bool setup;
    int64_t run_begin_ns;
    int64_t planned_u;  // Of the order.
    int64_t run_good_u; // Of this run, from its begin.
    int64_t run_bad_u;
    int64_t stop; // Number of the open one; 0: none.
    int64_t stop_begin_ns;
    struct str stop_reason; // Code; empty: nobody gave one.
    int64_t outside_u;      // Pieces of no run since `day_ns`.
};
int figures_now(struct ledger_tx *tx, const struct figures_machine *machine, int64_t now_ns,
    int64_t day_ns, struct arena *arena, struct figures_now *ret_now, struct err *err);

struct figures_stop {
    int64_t number;
    struct str machine;
    struct str machine_name;
    struct str order; // Empty: none.
    int64_t begin_ns;
    int64_t end_ns;    // INT64_MAX: it stands still.
    struct str reason; // Code; empty: nobody gave one.
    struct str reason_name;
    struct str loss;
    struct str worker;
    int64_t filed_ns; // 0: not.
    struct str note;
};
struct figures_stop_query {
    struct str machine; // Empty: all.
    bool only_open;
    bool only_unreasoned;
    int64_t from_ns;
    int64_t to_ns;
    int64_t before; // Numbers below; INT64_MAX: from the newest.
    uint32_t max;   // At most FIGURES_STOPS_MAX.
};
/* Newest first. Count. */
int figures_stops(struct ledger_tx *tx, const struct figures_stop_query *query, struct arena *arena,
    struct figures_stop **ret_stops, struct err *err);

struct figures_reason {
    struct str code;
    struct str name;
    struct str loss;
};
/* The likeliest reasons of a stop, at most LIKELY_MAX: by the past (likely.h), then others in use.
 * Count. ERR_NOT_FOUND. */
int figures_reasons(struct ledger_tx *tx, int64_t stop, int64_t now_ns, struct arena *arena,
    struct figures_reason ret_reasons[LIKELY_MAX], struct err *err);

#endif
