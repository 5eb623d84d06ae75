#ifndef PRODUCTION_LOTS_H
#define PRODUCTION_LOTS_H
/*
 * Lots and stock as they are shown: lists, the passport of a lot, its genealogy, who must be told
 * of it. Inside ledger_read of a plant's ledger; JSON goes into an open value of the writer's. What
 * of it is asked of machines' curves is told by lot_runs.
 */
#include "core/json.h"
#include "ledger/ledger.h"

enum {
    LOT_LIST_MAX = 1000,
    STOCK_LIST_MAX = 5000,
    LOT_MOVES_MAX = 500, // Of a passport, the newest; more stand in the list of events.
    LOT_RUNS_MAX = 200,
};

/* The lot with this code. ERR_NOT_FOUND in words. */
int lot_find(struct ledger_tx *tx, struct str code, int64_t *ret_lot, struct err *err);

struct lot_query {
    struct str search; // In code, the partner's code of it, item; by initial consonants too.
    struct str item;   // Code; empty: all.
    struct str state;  // Empty: all.
    int64_t before;    // Numbers below; INT64_MAX: from the newest.
    uint32_t limit;    // At most LOT_LIST_MAX.
};
/* Elements of an array, newest first. *ret_next: goes into `before`; 0: there are no more. */
int lot_put_list(struct ledger_tx *tx, const struct lot_query *query, struct json *json,
    int64_t *ret_next, struct err *err);

/* One object: what it is, where it lies, who made it, of what, into what, its moves. */
int lot_put_passport(struct ledger_tx *tx, int64_t lot, struct json *json, struct err *err);

/* What made it, pauses left out: of the lot, and of those it was split, merged or reworked from. */
struct lot_run {
    int64_t run;
    int64_t machine; // 0: none.
    int64_t asset;   // Of the machine.
    int64_t begin_ns;
    int64_t end_ns; // INT64_MAX: it goes on.
};
/* By begin. Count; at most LOT_RUNS_MAX. */
int lot_runs(struct ledger_tx *tx, int64_t lot, struct arena *arena, struct lot_run *ret_runs,
    struct err *err);

enum { LOT_TRACE_BACK = 1, LOT_TRACE_FORWARD = 2 };
/* One object: {"lot","back":{"lots":[...],"links":[...],"cut"},"forward":...}. */
int lot_put_trace(
    struct ledger_tx *tx, int64_t lot, uint32_t ways, struct json *json, struct err *err);

/* A row of the recall: a lot that was made of the one asked for, or itself, and one place where
 * some of it lies or one customer to whom some went. Texts for the call. */
struct recall_row {
    struct str lot;
    struct str item;
    struct str name;
    struct str unit;
    struct str state;
    int64_t depth;
    const char *where;  // "stock", "shipped", "none"
    struct str place;   // Code; of stock.
    struct str partner; // Code; of what was shipped.
    struct str partner_name;
    struct str phone;
    struct str document;
    int64_t quantity_u;
    int64_t time_ns; // Of the shipment; 0: none.
};
/* The row as one object, as every answer has it. */
void recall_put(struct json *json, const struct recall_row *row);
int lot_recall(struct ledger_tx *tx, int64_t lot,
    int (*each)(void *context, const struct recall_row *row, struct err *err), void *context,
    struct err *err);

struct stock_query {
    struct str today; // "2026-11-22": lots that expire before it are not usable.
    struct str item;  // Codes; empty: all.
    struct str place;
    struct str lot;
    struct str after; // Of an earlier answer; empty: from the first.
    uint32_t limit;   // At most STOCK_LIST_MAX.
};
enum { STOCK_NEXT_MAX = 72 };
/* Elements of an array, by item, lot and place. What may be used has its turn: 1 is taken first
 * (first in, first out, of its item); what is passed over has none. `ret_next` is empty where there
 * are no more. ERR_INVALID: no such `after`. */
int stock_put_list(struct ledger_tx *tx, const struct stock_query *query, struct json *json,
    char ret_next[STOCK_NEXT_MAX], struct err *err);

/* What there is of each item: all, what may be used, what is held back; what is on its way. */
struct stock_item_query {
    struct str today;
    struct str search; // In code and name; by initial consonants too.
    bool only_short;   // Below the safety stock.
    int64_t after;     // Numbers of items above; 0: from the first.
    uint32_t limit;    // At most STOCK_LIST_MAX.
};
/* Elements of an array, by number: items of which there is some, some is on its way, or for which
 * a safety stock is set. *ret_next: goes into `after`; 0: there are no more. */
int stock_put_items(struct ledger_tx *tx, const struct stock_item_query *query, struct json *json,
    int64_t *ret_next, struct err *err);

struct move_query {
    struct str item; // Codes; empty: all.
    struct str lot;
    struct str place;
    struct str partner;
    struct str order;    // Work order.
    struct str document; // Delivery note.
    struct str kind;
    int64_t from_ns;
    int64_t to_ns;
    int64_t before; // Numbers below; INT64_MAX: from the newest.
    uint32_t limit; // At most STOCK_LIST_MAX.
};
/* Elements of an array, newest first. *ret_next: goes into `before`; 0: there are no more. */
int stock_put_moves(struct ledger_tx *tx, const struct move_query *query, struct json *json,
    int64_t *ret_next, struct err *err);

/* Adds all moves up and compares them with the stock. ERR_CORRUPT names the first difference. */
int stock_verify(struct ledger *ledger, struct err *err);

#endif
