#ifndef PRODUCTION_COST_H
#define PRODUCTION_COST_H
/*
 * What orders cost, from what really happened: materials by what was paid for their lots (else the
 * price list of that day, else the item's standard cost), machines and people by the hours of their
 * runs, outsourced work by its price. Sums are whole millionths of a won, rounded once for each row
 * that is added. Materials that a customer lent cost nothing. Inside ledger_read.
 */
#include "ledger/ledger.h"

struct zone;

struct cost {
    int64_t material_u;
    int64_t machine_u;
    int64_t labour_u;
    int64_t outsourced_u;
    int64_t good_u;    // Pieces they were spent on.
    int64_t scrap_u;   // Of them for bad pieces: what their share of all costs is.
    uint32_t unpriced; // Rows (materials, runs) that nobody gave a price: the true cost is more.
};
int64_t cost_total_u(const struct cost *cost);

/* Of one order up to `now_ns` (runs that go on count until then). */
int cost_of_order(struct ledger_tx *tx, int64_t order, int64_t now_ns, const struct zone *zone,
    struct cost *ret_cost, struct err *err);

struct cost_query {
    int64_t from_ns; // Orders that were worked on inside [from, to).
    int64_t to_ns;
    int64_t item;  // 0: all.
    int64_t after; // Orders with numbers above.
    int64_t now_ns;
    const struct zone *zone; // Whose days prices hold by; NULL: UTC.
};
struct cost_row {
    int64_t number;
    struct str order;
    struct str item;
    struct str item_name;
    struct str unit;
    struct cost cost; // Of the whole order.
};
/* In order of their numbers; texts in the arena. Count. */
int costs_list(struct ledger_tx *tx, const struct cost_query *query, struct arena *arena,
    struct cost_row *ret_rows, uint32_t max, struct err *err);

#endif
