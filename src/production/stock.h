#ifndef PRODUCTION_STOCK_H
#define PRODUCTION_STOCK_H
/*
 * What lies where: moves, and the balance that is kept beside them in the same transaction. Private
 * to the room; inside the transaction of an event. Quantities are millionths of the item's unit.
 */
#include "production/event_handler.h"
#include "production/inspect_sql.h"

enum { STOCK_PICKS_MAX = 500 }; // Lots and places that one event may take from; refused beyond.

/* SQL: whether a row of stock s at place p of lot l (LEFT JOIN) may be taken by somebody who names
 * neither, but for its inspection; ?1 is today. The same rule stands in stock_propose. */
#define STOCK_FREE                                                                                 \
    "(s.quantity_u > 0 AND coalesce(l.state, 'open') = 'open' AND (coalesce(l.expires, '') = '' "  \
    "OR l.expires >= ?1) AND p.kind NOT IN ('quarantine', 'scrap', 'outside'))"

/* SQL: whether the lot of a row of stock s waits for its inspection, where the plant insists on it.
 */
#define STOCK_WAITS                                                                                \
    "(coalesce((SELECT value FROM settings WHERE key = 'inspection_gate'), 'refuse') NOT IN "      \
    "('warn', 'off') AND EXISTS (" INSPECT_WAITS("s.lot") "))"
/* The same of lot l. */
#define LOT_WAITS                                                                                  \
    "(coalesce((SELECT value FROM settings WHERE key = 'inspection_gate'), 'refuse') NOT IN "      \
    "('warn', 'off') AND EXISTS (" INSPECT_WAITS("l.number") "))"
#define STOCK_USABLE "(" STOCK_FREE " AND NOT " STOCK_WAITS ")"

/* SQL: what work order w, which is open, still has to bring into the stock. */
#define ORDER_LEFT_U                                                                               \
    "max(0, w.quantity_u - coalesce((SELECT sum(o.quantity_u) FROM stock_moves o WHERE "           \
    "o.work_order = w.number AND o.kind = 'output'), 0))"
#define ORDER_OPEN "w.state IN ('planned', 'released', 'running', 'held')"

struct stock_move {
    const char *kind; // Of stock_moves.
    int64_t item;
    int64_t lot; // 0: the item is not kept by lot.
    int64_t place;
    int64_t quantity_u; // Above 0: in.
    int64_t price_u;    // Of a unit; below 0: none was agreed.
    int64_t work_order; // 0: none; so the others.
    int64_t operation;
    int64_t sales_line;
    int64_t partner;
    struct str document;
};
/* Enters the move and the new balance. Going below nothing is refused (ERR_CONFLICT), or told as a
 * warning where the plant's setting `negative_stock` is "warn". */
int stock_move(struct event *event, const struct stock_move *move, struct err *err);

struct stock_pick {
    int64_t lot;
    int64_t place;
    int64_t quantity_u;
};
struct stock_picks {
    struct stock_pick all[STOCK_PICKS_MAX];
    uint32_t count;
    int64_t total_u;
    int64_t waiting; // The first lot that was passed over because it waits for an inspection; 0:
                     // none.
};
struct stock_wish {
    struct stock_move move; // item, and what all moves share; lot 0: first in, first out; place 0:
                            // wherever it lies, but for quarantine, scrap and outside.
                            // quantity_u: how much is wanted, above 0; 0: all there is.
    bool any_state;         // Also what is held, expired or scrapped.
    bool leaves;            // It goes to somebody else: what waits for its inspection stays.
    bool unseen;            // Also what waits for its inspection.
    int64_t first_place;    // What lies here is taken before the rest; 0: by age alone.
};
/* What would be taken, oldest lots first. ERR_CONFLICT: there is not enough, or the lot that was
 * named must not be used. */
int stock_propose(struct event *event, const struct stock_wish *wish, struct stock_picks *ret_picks,
    struct err *err);
/* Proposes and takes: one move out for each pick. */
int stock_take(struct event *event, const struct stock_wish *wish, struct stock_picks *ret_picks,
    struct err *err);
/* Takes material for a work order: moves of the kind `consume`, and links of each lot into the
 * order's lot where it has one. */
int stock_consume(struct event *event, const struct stock_wish *wish, struct stock_picks *ret_picks,
    struct err *err);

struct item_facts {
    int64_t number;
    struct str code;
    bool by_lot;
    int64_t place;      // 0: none by default.
    int64_t shelf_days; // Below 0: none.
};
/* Texts in the event's arena. */
int item_get(struct event *event, int64_t item, struct item_facts *ret_item, struct err *err);

/* The line of the sales order (members sales and line): by its number, or the only one of this
 * item. Adds to what was shipped; below 0 for a return. Gives the move its line and customer. */
int stock_book_sales(struct event *event, struct stock_wish *wish, const struct item_facts *item,
    int64_t change_u, struct err *err);

/* Adds codes and quantities of what was taken to the answer. */
int stock_put_picks(
    struct event *event, const char *key, const struct stock_picks *picks, struct err *err);
/* A number, or a text where numbers of JSON would lose digits. */
void stock_put_amount(struct json *json, const char *key, int64_t u);
/* The code of a row of items, places, lots, ...; empty for 0. */
int code_get(
    struct event *event, const char *table, int64_t number, struct str *ret_code, struct err *err);

#endif
