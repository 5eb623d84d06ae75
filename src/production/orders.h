#ifndef PRODUCTION_ORDERS_H
#define PRODUCTION_ORDERS_H
/*
 * Orders as people look at them: work orders with their operations, what was made and what runs;
 * sales orders; what is to be bought. Inside ledger_read; texts and lists in the arena. Quantities
 * in millionths; times in ns, 0: none.
 */
#include "ledger/ledger.h"

struct order_run { // That goes on.
    int64_t number;
    struct str phase; // "setup", "make"
    int64_t begin_ns;
    int64_t pieces; // Of one count.
    struct str worker;
    struct str worker_name;
    struct str mould;
};
struct order_step {
    int64_t step;
    struct str process;
    struct str process_name;
    struct str workcentre; // Empty: none; as the next.
    struct str machine;    // The asset's id.
    struct str machine_name;
    struct str partner;
    struct str state;
    int64_t cycle_ns;
    int64_t setup_ns;
    int64_t begin_ns; // Planned.
    int64_t end_ns;
    int64_t good_u;
    int64_t bad_u;
    bool runs;
    struct order_run run;
};
struct order_view {
    int64_t number;
    struct str code;
    struct str item;
    struct str item_name;
    struct str unit;
    int64_t quantity_u;
    struct str due;
    int64_t priority;
    struct str state;
    bool proposed;
    struct str sales; // Empty: none; as the next two.
    struct str parent;
    struct str lot;
    struct str note;
    int64_t good_u; // Of the last step.
    int64_t bad_u;
    struct order_step *steps;
    uint32_t step_count;
};

enum { ORDERS_PAGE_MAX = 200, ORDER_STEPS_MAX = 100 };

struct orders_query {
    struct str code;    // One alone; empty: many.
    struct str state;   // "open": neither done nor cancelled; "closed": those; "all"; or one.
    struct str machine; // Only with an operation planned or running there; empty: all.
    struct str search;  // In code, item's code and name, note; initial consonants, too.
    int64_t after;      // Rows behind this place of the order of work; 0: from the begin.
};
/* By state (running first), priority, due day, number; those that are over behind, the newest
 * first. Count; *ret_next: for `after`, 0: no more.
 */
int orders_list(struct ledger_tx *tx, const struct orders_query *query, struct arena *arena,
    struct order_view *ret_orders, uint32_t max, int64_t *ret_next, struct err *err);

struct sales_line_view {
    int64_t line;
    struct str item;
    struct str item_name;
    int64_t quantity_u;
    struct str due;
    struct str unit;
    int64_t price_u; // -1: none.
    int64_t shipped_u;
    int64_t usable_u; // Of the item, for all lines that want it.
    int64_t making_u; // What open work orders of this line still bring.
    int64_t free_u;   // What those of the item still bring that no line is named in; for all, too.
    int64_t ends_ns;  // When the last work for it ends by the board; 0: some has no time yet.
};
struct sales_view {
    int64_t number;
    struct str code;
    struct str partner;
    struct str partner_name;
    struct str ordered;
    struct str state;
    struct str note;
    struct sales_line_view *lines;
    uint32_t line_count;
};
struct sales_query {
    struct str state; // Empty: all.
    struct str today; // "2026-11-22": lots that expire before it are not counted on.
    int64_t before;   // Numbers below; INT64_MAX: from the newest.
};
/* Newest first. Count. */
int sales_list(struct ledger_tx *tx, const struct sales_query *query, struct arena *arena,
    struct sales_view *ret_sales, uint32_t max, struct err *err);

struct purchase_view {
    int64_t number;
    struct str item;
    struct str item_name;
    struct str unit;
    int64_t quantity_u;
    struct str due;
    struct str partner;
    struct str order; // That needs it.
    struct str state;
};
/* In order of their numbers above `after`. Count. */
int purchases_list(struct ledger_tx *tx, int64_t after, struct arena *arena,
    struct purchase_view *ret_purchases, uint32_t max, struct err *err);

#endif
