/*
 * Stock as people tell it: receipt, issue, transfer, count, scrap, shipment, return.
 *
 * A lot that is scanned decides its item; without one the oldest that may be used are taken. What
 * is issued to a work order is used by it there and then, and linked into its lot: a store room
 * between the pallet and the machine that nobody books would only make two numbers wrong instead of
 * one.
 */
#include <string.h>

#include "core/time.h"
#include "production/amount.h"
#include "production/book.h"
#include "production/lot.h"
#include "production/purchase.h"
#include "production/rules.h"
#include "production/sql.h"
#include "production/stock.h"

#define DAY_NS (86400 * NS_PER_S)

/* The members lot, item, quantity, place; and what the move tells of itself. */
static int read_wish(struct event *event, const char *kind, struct stock_wish *ret_wish,
    struct item_facts *ret_item, struct err *err) {
    struct stock_wish wish = {.move = {.kind = kind,
                                  .item = event_i64(event, "item", 0),
                                  .lot = event_i64(event, "lot", 0),
                                  .place = event_i64(event, "place", 0),
                                  .quantity_u = event_i64(event, "quantity", 0),
                                  .price_u = -1}};
    int status = 0;
    if (wish.move.item == 0 && wish.move.lot == 0) {
        return err_set(err, ERR_INVALID, SAY(PRODUCTION_STOCK_WHAT), NO_ARGS);
    }
    if (wish.move.item == 0) {
        struct lot_facts lot;
        status = lot_get(event, wish.move.lot, &lot, err);
        wish.move.item = status < 0 ? 0 : lot.item;
    }
    status = status < 0 ? status : item_get(event, wish.move.item, ret_item, err);
    if (status >= 0) {
        *ret_wish = wish;
    }
    return status;
}

/* What kind of place it is, and whose premises (0: our own). */
static int place_kind(struct event *event, int64_t place, struct str *ret_kind,
    int64_t *ret_partner, struct err *err) {
    struct ledger_stmt *stmt = NULL;
    int status =
        sql_first(event->tx, "SELECT kind, coalesce(partner, 0) FROM places WHERE number = ?1",
            Q(Q_I(place)), &stmt, err);
    *ret_kind = status > 0 ? arena_copy(event->arena, ledger_column_str(stmt, 0)) : STR_NONE;
    *ret_partner = status > 0 ? ledger_column_i64(stmt, 1) : 0;
    return status < 0 ? status : 0;
}

static int need_place(const struct item_facts *item, int64_t *place, struct err *err) {
    *place = *place != 0 ? *place : item->place;
    return *place != 0
               ? 0
               : err_set(err, ERR_INVALID, SAY(PRODUCTION_STOCK_PLACE), ARGS(A_STR(item->code)));
}

/* ---- Receipt ---- */

static void day_text(int64_t days, char to[DAY_TEXT_MAX]) {
    char text[TIME_TEXT_MAX];
    (void)time_format(days * DAY_NS, NULL, text);
    (void)str_copy_z(str_slice(str_of(text), 0, 10), to, DAY_TEXT_MAX);
}

/* Whether this lot of the partner came in before: a second label for one pallet, perhaps. */
static int warn_twice(struct event *event, const struct lot_wish *wish, struct err *err) {
    if (wish->facts.partner == 0 || wish->facts.partner_lot.size == 0) {
        return 0;
    }
    struct ledger_stmt *stmt = NULL;
    int status = ledger_prepare(event->tx,
        "SELECT code FROM lots WHERE item = ?1 AND partner = ?2 AND partner_lot = ?3 ORDER BY "
        "number DESC LIMIT 1",
        &stmt, err);
    if (status < 0) {
        return status;
    }
    ledger_bind_i64(stmt, 1, wish->facts.item);
    ledger_bind_i64(stmt, 2, wish->facts.partner);
    ledger_bind_str(stmt, 3, wish->facts.partner_lot);
    status = ledger_step(stmt, err);
    if (status > 0) {
        event_warn(event, SAY(PRODUCTION_RECEIVE_TWICE),
            ARGS(A_STR(wish->facts.partner_lot), A_STR(ledger_column_str(stmt, 0))));
    }
    return status < 0 ? status : 0;
}

/* Ten times what ever came in, or a tenth of it, is more often a slip of the unit than the truth.
 */
static int warn_unusual(struct event *event, const struct stock_move *move, struct err *err) {
    enum { BEFORE_MIN = 5, TIMES = 10 };
    struct ledger_stmt *stmt = NULL;
    int status = sql_first(event->tx,
        "SELECT count(*), coalesce(min(q), 0), coalesce(max(q), 0) FROM (SELECT quantity_u AS q "
        "FROM (SELECT quantity_u, kind FROM stock_moves WHERE item = ?1 ORDER BY number DESC LIMIT "
        "2000) WHERE kind = 'receipt' LIMIT 20)",
        Q(Q_I(move->item)), &stmt, err);
    if (status <= 0) {
        return status;
    }
    int64_t least_u = ledger_column_i64(stmt, 1);
    int64_t most_u = ledger_column_i64(stmt, 2);
    if (ledger_column_i64(stmt, 0) >= BEFORE_MIN &&
        (move->quantity_u / TIMES > most_u || move->quantity_u < least_u / TIMES)) {
        char told[AMOUNT_TEXT_MAX];
        char least[AMOUNT_TEXT_MAX];
        char most[AMOUNT_TEXT_MAX];
        (void)amount_text(move->quantity_u, told);
        (void)amount_text(least_u, least);
        (void)amount_text(most_u, most);
        event_warn(event, SAY(PRODUCTION_RECEIVE_UNUSUAL),
            ARGS(A_CSTR(told), A_CSTR(least), A_CSTR(most)));
    }
    return 0;
}

static int warn_document(struct event *event, const struct stock_move *move, struct err *err) {
    int64_t before = 0;
    if (move->document.size == 0) {
        return 0;
    }
    int status = sql_number(event->tx,
        "SELECT 1 FROM (SELECT document, quantity_u, kind FROM stock_moves WHERE item = ?1 ORDER "
        "BY "
        "number DESC LIMIT 2000) WHERE kind = 'receipt' AND document = ?2 AND quantity_u = ?3",
        Q(Q_I(move->item), Q_S(move->document), Q_I(move->quantity_u)), 0, &before, err);
    if (status >= 0 && before != 0) {
        event_warn(event, SAY(PRODUCTION_RECEIVE_DOCUMENT), ARGS(A_STR(move->document)));
    }
    return status;
}

static int receive_lot(struct event *event, const struct item_facts *item, int64_t partner,
    struct lot_facts *ret_lot, struct err *err) {
    char expires[DAY_TEXT_MAX] = "";
    char today[DAY_TEXT_MAX];
    event_day(event, 0, today);
    int64_t made = event_i64(event, "made", -1);
    if (event_has(event, "expires")) {
        (void)str_copy_z(event_text(event, "expires"), expires, sizeof expires);
    } else if (item->shelf_days >= 0 && made >= 0) {
        day_text(made + item->shelf_days, expires);
    } else if (item->shelf_days >= 0) {
        event_day(event, item->shelf_days, expires);
    }
    const struct lot_wish wish = {.facts = {.code = event_text(event, "lot"),
                                      .item = item->number,
                                      .partner = partner,
                                      .partner_lot = event_text(event, "partner_lot"),
                                      .made_ns = made > 0 ? made * DAY_NS : event->time_ns,
                                      .expires = arena_copy(event->arena, str_of(expires))},
        .note = event_text(event, "note")};
    int status = warn_twice(event, &wish, err);
    if (expires[0] != '\0' && strcmp(expires, today) < 0) {
        event_warn(event, SAY(PRODUCTION_RECEIVE_EXPIRED), ARGS(A_CSTR(expires)));
    }
    return status < 0 ? status : lot_make(event, &wish, ret_lot, err);
}

int event_stock_receive(struct event *event, struct err *err) {
    struct item_facts item;
    struct lot_facts lot = {.number = 0, .code = STR_NONE};
    struct stock_move move = {.kind = "receipt",
        .item = event_i64(event, "item", 0),
        .place = event_i64(event, "place", 0),
        .quantity_u = event_i64(event, "quantity", 0),
        .price_u = event_i64(event, "price", -1),
        .partner = event_i64(event, "partner", 0),
        .document = event_text(event, "document")};
    struct str place = STR_NONE;
    int status = item_get(event, move.item, &item, err);
    status = status < 0 ? status : need_place(&item, &move.place, err);
    if (status >= 0 && item.by_lot) {
        status = receive_lot(event, &item, move.partner, &lot, err);
    } else if (status >= 0 && event_has(event, "lot")) {
        status = err_set(err, ERR_INVALID, SAY(PRODUCTION_STOCK_NO_LOTS), ARGS(A_STR(item.code)));
    }
    move.lot = lot.number;
    status = status < 0 ? status : warn_unusual(event, &move, err);
    status = status < 0 ? status : warn_document(event, &move, err);
    status = status < 0 ? status : purchase_receive(event, &item, move.quantity_u, err);
    status = status < 0 ? status : stock_move(event, &move, err);
    status = status < 0 ? status : code_get(event, "places", move.place, &place, err);
    if (status >= 0) {
        json_put_str(event->answer, "lot", lot.code);
        json_put_str(event->answer, "place", place);
        stock_put_amount(event->answer, "quantity", move.quantity_u);
    }
    return status;
}

/* ---- Issue ---- */

struct order_facts {
    int64_t number;
    struct str code;
    int64_t item;
    struct str state;
    int64_t bom; // Version; 0: none was chosen.
};

static int read_order(
    struct event *event, struct stock_wish *wish, struct order_facts *ret_order, struct err *err) {
    struct ledger_stmt *stmt = NULL;
    int status = ledger_prepare(event->tx,
        "SELECT w.number, w.code, w.item, w.state, coalesce(w.bom_version, 0) FROM work_orders w "
        "LEFT JOIN operations o ON o.work_order = w.number AND o.number = ?2 WHERE o.number IS NOT "
        "NULL OR (?2 = 0 AND w.number = ?1)",
        &stmt, err);
    if (status < 0) {
        return status;
    }
    int64_t asked = event_i64(event, "order", 0);
    wish->move.operation = event_i64(event, "operation", 0);
    ledger_bind_i64(stmt, 1, asked);
    ledger_bind_i64(stmt, 2, wish->move.operation);
    status = ledger_step(stmt, err);
    if (status <= 0) {
        return status;
    }
    *ret_order = (struct order_facts){.number = ledger_column_i64(stmt, 0),
        .code = arena_copy(event->arena, ledger_column_str(stmt, 1)),
        .item = ledger_column_i64(stmt, 2),
        .state = arena_copy(event->arena, ledger_column_str(stmt, 3)),
        .bom = ledger_column_i64(stmt, 4)};
    wish->move.work_order = ret_order->number;
    if (asked != 0 && asked != ret_order->number) {
        return err_set(err, ERR_CONFLICT, SAY(PRODUCTION_ISSUE_OTHER),
            ARGS(A_STR(event_text(event, "operation")), A_STR(event_text(event, "order"))));
    }
    return str_eq(ret_order->state, STR("released")) || str_eq(ret_order->state, STR("running"))
               ? 0
               : err_set(err, ERR_CONFLICT, SAY(PRODUCTION_ISSUE_STATE),
                     ARGS(A_STR(ret_order->code), A_STR(event_state(event, ret_order->state))));
}

/* Without an operation it is the one that takes this material by the bill, else the first: what is
 * booked later for that step counts it as taken. */
static int find_step(struct event *event, const struct order_facts *order,
    const struct item_facts *item, struct stock_wish *wish, struct err *err) {
    if (wish->move.operation != 0) {
        return 0;
    }
    return sql_number(event->tx,
        "SELECT o.number FROM operations o LEFT JOIN boms b ON b.item = ?2 AND (?3 = 0 OR "
        "b.version = ?3) AND b.component = ?4 AND b.step = o.step WHERE o.work_order = ?1 ORDER BY "
        "b.number IS NULL, o.step LIMIT 1",
        Q(Q_I(order->number), Q_I(order->item), Q_I(order->bom), Q_I(item->number)), 0,
        &wish->move.operation, err);
}

/* The item stands in the bill of material of what is made. */
static int check_component(struct event *event, const struct order_facts *order,
    const struct item_facts *item, struct err *err) {
    struct ledger_stmt *stmt = NULL;
    struct str made = STR_NONE;
    int status = code_get(event, "items", order->item, &made, err);
    status = status < 0 ? status
                        : sql_first(event->tx,
                              "SELECT count(*), coalesce(sum(component = ?3), 0) FROM boms WHERE "
                              "item = ?1 AND (?2 = 0 OR version = ?2)",
                              Q(Q_I(order->item), Q_I(order->bom), Q_I(item->number)), &stmt, err);
    if (status <= 0) {
        return status;
    }
    if (ledger_column_i64(stmt, 0) == 0) {
        event_warn(event, SAY(PRODUCTION_ISSUE_NO_BOM), ARGS(A_STR(made)));
        return 0;
    }
    return ledger_column_i64(stmt, 1) > 0
               ? 0
               : err_set(err, ERR_CONFLICT, SAY(PRODUCTION_ISSUE_ITEM),
                     ARGS(A_STR(item->code), A_STR(made), A_STR(order->code)));
}

int event_stock_issue(struct event *event, struct err *err) {
    struct stock_wish wish;
    struct item_facts item;
    struct order_facts order = {.number = 0};
    struct stock_picks *picks = ARENA_NEW(event->arena, struct stock_picks);
    int status = read_wish(event, "issue", &wish, &item, err);
    bool works = event_has(event, "order") || event_has(event, "operation");
    if (works) {
        status = status < 0 ? status : read_order(event, &wish, &order, err);
        status = status < 0 ? status : check_component(event, &order, &item, err);
        status = status < 0 ? status : find_step(event, &order, &item, &wish, err);
        status = status < 0 ? status : stock_consume(event, &wish, picks, err);
    } else {
        status = status < 0 ? status : stock_take(event, &wish, picks, err);
    }
    return status < 0 ? status : stock_put_picks(event, "taken", picks, err);
}

/* What an order took of a lot and did not give back yet. */
static int consumed(struct event *event, const struct stock_move *move, int64_t *ret_u,
    int64_t *ret_operation, struct err *err) {
    struct ledger_stmt *stmt = NULL;
    int status = sql_first(event->tx,
        "SELECT operation, -sum(quantity_u) FROM stock_moves WHERE work_order = ?1 AND kind = "
        "'consume' AND item = ?2 AND coalesce(lot, 0) = ?3 AND (?4 = 0 OR operation = ?4) GROUP BY "
        "operation ORDER BY 2 DESC LIMIT 1",
        Q(Q_I(move->work_order), Q_I(move->item), Q_I(move->lot), Q_I(move->operation)), &stmt,
        err);
    *ret_operation = status > 0 ? ledger_column_i64(stmt, 0) : 0;
    *ret_u = status > 0 ? ledger_column_i64(stmt, 1) : 0;
    return status < 0 ? status : 0;
}

/* The lot is no longer in what was made, or less of it is. */
static int unlink_part(struct event *event, const struct stock_move *move, struct err *err) {
    int64_t child = 0;
    int status = sql_number(event->tx, "SELECT lot FROM work_orders WHERE number = ?1",
        Q(Q_I(move->work_order)), 0, &child, err);
    return status < 0 || child == 0 || move->lot == 0 ? status
                                                      : lot_unlink(event,
                                                            &(struct lot_edge){.parent = move->lot,
                                                                .child = child,
                                                                .kind = "consume",
                                                                .quantity_u = move->quantity_u,
                                                                .operation = move->operation},
                                                            err);
}

int event_stock_unissue(struct event *event, struct err *err) {
    struct stock_wish wish;
    struct item_facts item;
    int64_t taken_u = 0;
    int status = read_wish(event, "consume", &wish, &item, err);
    if (status >= 0 && item.by_lot && wish.move.lot == 0) {
        status = err_set(err, ERR_INVALID, SAY(PRODUCTION_RETURN_LOT), ARGS(A_STR(item.code)));
    }
    status = status < 0 ? status : need_place(&item, &wish.move.place, err);
    wish.move.work_order = event_i64(event, "order", 0);
    wish.move.operation = event_i64(event, "operation", 0);
    if (status >= 0 && wish.move.operation != 0) {
        status = sql_number(event->tx, "SELECT work_order FROM operations WHERE number = ?1",
            Q(Q_I(wish.move.operation)), 0, &wish.move.work_order, err);
    }
    if (status >= 0 && wish.move.work_order == 0) {
        return err_set(err, ERR_INVALID, SAY(PRODUCTION_UNISSUE_ORDER), NO_ARGS);
    }
    status = status < 0 ? status : consumed(event, &wish.move, &taken_u, &wish.move.operation, err);
    if (status >= 0 && taken_u < wish.move.quantity_u) {
        char text[AMOUNT_TEXT_MAX];
        (void)amount_text(taken_u, text);
        return err_set(err, ERR_CONFLICT, SAY(PRODUCTION_UNISSUE_MORE), ARGS(A_CSTR(text)));
    }
    status = status < 0 ? status : stock_move(event, &wish.move, err);
    status = status < 0 ? status : unlink_part(event, &wish.move, err);
    if (status >= 0 && wish.move.operation != 0) {
        status =
            book_give_back(event, wish.move.operation, wish.move.item, wish.move.quantity_u, err);
    }
    stock_put_amount(event->answer, "left", taken_u - wish.move.quantity_u);
    return status;
}

/* ---- Transfer ---- */

int event_stock_transfer(struct event *event, struct err *err) {
    struct stock_wish wish;
    struct item_facts item;
    struct str kind = STR_NONE;
    struct str from = STR_NONE;
    struct stock_picks *picks = ARENA_NEW(event->arena, struct stock_picks);
    int64_t to = event_i64(event, "to", 0);
    int status = read_wish(event, "transfer", &wish, &item, err);
    status = status < 0 ? status : place_kind(event, to, &kind, &wish.move.partner, err);
    if (status >= 0 && wish.move.partner == 0 && wish.move.place != 0) {
        status = place_kind(event, wish.move.place, &from, &wish.move.partner, err);
    }
    if (status < 0) {
        return status;
    }
    if (to == wish.move.place) {
        return err_set(
            err, ERR_INVALID, SAY(PRODUCTION_TRANSFER_SAME), ARGS(A_STR(event_text(event, "to"))));
    }
    wish.any_state = str_eq(kind, STR("quarantine")) || str_eq(kind, STR("scrap"));
    wish.move.kind = wish.move.partner != 0 ? "supply" : "transfer"; // An outsourcer's premises.
    wish.move.document = event_text(event, "document");
    status = stock_take(event, &wish, picks, err);
    for (uint32_t i = 0; i < picks->count && status >= 0; i++) {
        struct stock_move move = wish.move;
        move.lot = picks->all[i].lot;
        move.place = to;
        move.quantity_u = picks->all[i].quantity_u;
        status = stock_move(event, &move, err);
    }
    return status < 0 ? status : stock_put_picks(event, "moved", picks, err);
}

/* ---- Count ---- */

/* What lay there when the event happened: what moved since is not the count's to mend. */
static int balance_at(
    struct event *event, const struct stock_move *move, int64_t *ret_u, struct err *err) {
    struct ledger_stmt *stmt = NULL;
    int status = ledger_prepare(event->tx,
        "SELECT coalesce((SELECT sum(s.quantity_u) FROM stock s WHERE s.item = ?1 AND s.lot = ?2 "
        "AND s.place = ?3), 0) - coalesce((SELECT sum(m.quantity_u) FROM stock_moves m WHERE "
        "m.item = ?1 AND coalesce(m.lot, 0) = ?2 AND m.place = ?3 AND m.time_ns > ?4), 0)",
        &stmt, err);
    if (status < 0) {
        return status;
    }
    ledger_bind_i64(stmt, 1, move->item);
    ledger_bind_i64(stmt, 2, move->lot);
    ledger_bind_i64(stmt, 3, move->place);
    ledger_bind_i64(stmt, 4, event->time_ns);
    status = ledger_step(stmt, err);
    if (status > 0) {
        *ret_u = ledger_column_i64(stmt, 0);
    }
    return status < 0 ? status : 0;
}

int event_stock_count(struct event *event, struct err *err) {
    struct stock_wish wish;
    struct item_facts item;
    int64_t before_u = 0;
    int64_t counted_u = event_i64(event, "quantity", 0);
    int status = read_wish(event, "count", &wish, &item, err);
    if (status >= 0 && item.by_lot && wish.move.lot == 0) {
        status = err_set(err, ERR_INVALID, SAY(PRODUCTION_COUNT_LOT), ARGS(A_STR(item.code)));
    }
    if (status >= 0 && wish.move.lot != 0) {
        struct lot_facts lot;
        struct str holds = STR_NONE;
        status = lot_get(event, wish.move.lot, &lot, err);
        if (status >= 0 && lot.item != item.number) {
            status = code_get(event, "items", lot.item, &holds, err);
            status = status < 0 ? status
                                : err_set(err, ERR_CONFLICT, SAY(PRODUCTION_LOT_ITEM),
                                      ARGS(A_STR(lot.code), A_STR(holds), A_STR(item.code)));
        }
    }
    status = status < 0 ? status : balance_at(event, &wish.move, &before_u, err);
    if (status < 0) {
        return status;
    }
    wish.move.quantity_u = counted_u - before_u;
    if (wish.move.quantity_u != 0) {
        status = stock_move(event, &wish.move, err);
    }
    stock_put_amount(event->answer, "before", before_u);
    stock_put_amount(event->answer, "difference", wish.move.quantity_u);
    return status;
}

/* ---- Scrap ---- */

int event_stock_scrap(struct event *event, struct err *err) {
    struct stock_wish wish;
    struct item_facts item;
    struct stock_picks *picks = ARENA_NEW(event->arena, struct stock_picks);
    int status = read_wish(event, "scrap", &wish, &item, err);
    if (status >= 0 && item.by_lot && wish.move.lot == 0) {
        status = err_set(err, ERR_INVALID, SAY(PRODUCTION_SCRAP_LOT), ARGS(A_STR(item.code)));
    }
    wish.any_state = true;
    status = status < 0 ? status : stock_take(event, &wish, picks, err);
    return status < 0 ? status : stock_put_picks(event, "taken", picks, err);
}

/* ---- Shipment and return ---- */

/* A sales order of which everything was sent is done; what comes back opens it again, until
 * somebody closes it. `change_u`: what the shipped quantity was changed by. */
static int sales_follow(struct event *event, int64_t sales, int64_t change_u, struct err *err) {
    if (change_u > 0) {
        return sql_do(event->tx,
            "UPDATE sales_orders SET state = 'done' WHERE number = ?1 AND state = 'open' AND NOT "
            "EXISTS (SELECT 1 FROM sales_lines WHERE sales = ?1 AND shipped_u < quantity_u)",
            Q(Q_I(sales)), err);
    }
    int64_t opened = 0;
    int status = sql_number(event->tx,
        "UPDATE sales_orders SET state = 'open' WHERE number = ?1 AND state = 'done' AND (SELECT "
        "sum(max(0, quantity_u - shipped_u)) FROM sales_lines WHERE sales = ?1) BETWEEN 1 AND ?2 "
        "RETURNING number",
        Q(Q_I(sales), Q_I(-change_u)), 0, &opened, err);
    if (status >= 0 && opened != 0) {
        event_warn(event, SAY(PRODUCTION_SALES_OPENED), ARGS(A_STR(event_text(event, "sales"))));
    }
    return status;
}

int stock_book_sales(struct event *event, struct stock_wish *wish, const struct item_facts *item,
    int64_t change_u, struct err *err) {
    struct ledger_stmt *stmt = NULL;
    int status = ledger_prepare(event->tx,
        "SELECT l.number, l.quantity_u, l.shipped_u, s.partner, s.state FROM sales_lines l JOIN "
        "sales_orders s ON s.number = l.sales WHERE l.sales = ?1 AND l.item = ?2 AND (?3 = 0 OR "
        "l.line = ?3) ORDER BY l.shipped_u >= l.quantity_u, l.line LIMIT 1",
        &stmt, err);
    if (status < 0) {
        return status;
    }
    ledger_bind_i64(stmt, 1, event_i64(event, "sales", 0));
    ledger_bind_i64(stmt, 2, item->number);
    ledger_bind_i64(stmt, 3, event_i64(event, "line", 0));
    status = ledger_step(stmt, err);
    if (status == 0) {
        return err_set(err, ERR_CONFLICT, SAY(PRODUCTION_SHIP_LINE),
            ARGS(A_STR(event_text(event, "sales")), A_STR(item->code)));
    }
    if (status < 0) {
        return status;
    }
    wish->move.sales_line = ledger_column_i64(stmt, 0);
    int64_t ordered_u = ledger_column_i64(stmt, 1);
    int64_t shipped_u = ledger_column_i64(stmt, 2) + change_u;
    int64_t customer = ledger_column_i64(stmt, 3);
    struct str state = ledger_column_str(stmt, 4);
    if (change_u > 0 && !str_eq(state, STR("open"))) {
        return err_set(err, ERR_CONFLICT, SAY(PRODUCTION_SHIP_STATE),
            ARGS(A_STR(event_text(event, "sales")), A_STR(event_state(event, state))));
    }
    if (wish->move.partner != 0 && wish->move.partner != customer) {
        return err_set(err, ERR_CONFLICT, SAY(PRODUCTION_SHIP_CUSTOMER),
            ARGS(A_STR(event_text(event, "sales")), A_STR(event_text(event, "partner"))));
    }
    wish->move.partner = customer;
    if (shipped_u < 0) {
        return err_set(err, ERR_CONFLICT, SAY(PRODUCTION_RETURN_MORE),
            ARGS(A_STR(event_text(event, "sales"))));
    }
    if (shipped_u > ordered_u && change_u > 0) {
        char more[AMOUNT_TEXT_MAX];
        (void)amount_text(shipped_u - ordered_u, more);
        event_warn(event, SAY(PRODUCTION_SHIP_MORE),
            ARGS(A_STR(event_text(event, "sales")), A_CSTR(more)));
    }
    status = ledger_prepare(
        event->tx, "UPDATE sales_lines SET shipped_u = ?2 WHERE number = ?1", &stmt, err);
    if (status < 0) {
        return status;
    }
    ledger_bind_i64(stmt, 1, wish->move.sales_line);
    ledger_bind_i64(stmt, 2, shipped_u);
    status = ledger_step(stmt, err);
    return status < 0 ? status : sales_follow(event, event_i64(event, "sales", 0), change_u, err);
}

int event_stock_ship(struct event *event, struct err *err) {
    struct stock_wish wish;
    struct item_facts item;
    struct stock_picks *picks = ARENA_NEW(event->arena, struct stock_picks);
    int status = read_wish(event, "ship", &wish, &item, err);
    if (status < 0) {
        return status;
    }
    wish.move.partner = event_i64(event, "partner", 0);
    wish.move.document = event_text(event, "document");
    if (event_has(event, "sales")) {
        status = stock_book_sales(event, &wish, &item, wish.move.quantity_u, err);
    }
    status = status < 0 ? status : stock_take(event, &wish, picks, err);
    return status < 0 ? status : stock_put_picks(event, "taken", picks, err);
}

/* More than is with customers: another lot's label, perhaps. */
static int warn_unshipped(struct event *event, const struct stock_move *move, struct err *err) {
    int64_t out_u = 0;
    if (move->lot == 0) {
        return 0;
    }
    int status = sql_number(event->tx,
        "SELECT -sum(quantity_u) FROM stock_moves WHERE lot = ?1 AND kind IN ('ship', 'return')",
        Q(Q_I(move->lot)), 0, &out_u, err);
    if (status >= 0 && move->quantity_u > out_u) {
        char text[AMOUNT_TEXT_MAX];
        struct str code = STR_NONE;
        (void)amount_text(out_u, text);
        status = code_get(event, "lots", move->lot, &code, err);
        event_warn(event, SAY(PRODUCTION_RETURN_UNSHIPPED), ARGS(A_STR(code), A_CSTR(text)));
    }
    return status;
}

/* What comes back of a scrapped lot does not lie among the good ones. */
static int check_scrapped_place(
    struct event *event, const struct lot_facts *lot, int64_t place, struct err *err) {
    struct str kind = STR_NONE;
    int64_t partner = 0;
    int status = place_kind(event, place, &kind, &partner, err);
    bool aside = str_eq(kind, STR("quarantine")) || str_eq(kind, STR("scrap"));
    return status < 0 || aside || !str_eq(lot->state, STR("scrapped"))
               ? status
               : err_set(
                     err, ERR_CONFLICT, SAY(PRODUCTION_RETURN_SCRAPPED), ARGS(A_STR(lot->code)));
}

int event_stock_return(struct event *event, struct err *err) {
    struct stock_wish wish;
    struct item_facts item;
    int status = read_wish(event, "return", &wish, &item, err);
    status = status < 0 ? status : need_place(&item, &wish.move.place, err);
    if (status >= 0 && item.by_lot && wish.move.lot == 0) {
        status = err_set(err, ERR_INVALID, SAY(PRODUCTION_RETURN_LOT), ARGS(A_STR(item.code)));
    }
    if (status >= 0 && wish.move.lot != 0) {
        struct lot_facts lot;
        status = lot_get(event, wish.move.lot, &lot, err);
        if (status >= 0 && lot.item != item.number) {
            struct str holds = STR_NONE;
            status = code_get(event, "items", lot.item, &holds, err);
            return status < 0 ? status
                              : err_set(err, ERR_CONFLICT, SAY(PRODUCTION_LOT_ITEM),
                                    ARGS(A_STR(lot.code), A_STR(holds), A_STR(item.code)));
        }
        status = status < 0 ? status : check_scrapped_place(event, &lot, wish.move.place, err);
    }
    if (status < 0) {
        return status;
    }
    wish.move.partner = event_i64(event, "partner", 0);
    wish.move.document = event_text(event, "document");
    if (event_has(event, "sales")) {
        status = stock_book_sales(event, &wish, &item, -wish.move.quantity_u, err);
    }
    status = status < 0 ? status : warn_unshipped(event, &wish.move, err);
    return status < 0 ? status : stock_move(event, &wish.move, err);
}

/* ---- Rules ---- */

/* A counter at the end, and no words in braces that nobody knows. */
static bool is_pattern(struct str pattern) {
    struct str rest = pattern;
    while (rest.data != NULL) {
        struct str before = str_cut(&rest, '{');
        if (str_find(before, '}') < before.size) {
            return false;
        }
        if (rest.data == NULL) {
            return false; // Text behind the counter, or none.
        }
        struct str word = str_cut(&rest, '}');
        bool counter =
            str_eq(word, STR("counter")) || (word.size == 9 && str_starts(word, STR("counter:")) &&
                                                word.data[8] >= '1' && word.data[8] <= '9');
        if (counter) {
            return rest.size == 0 && rest.data != NULL;
        }
        if (!str_eq(word, STR("date")) && !str_eq(word, STR("machine")) &&
            !str_eq(word, STR("item"))) {
            return false;
        }
    }
    return false;
}

int event_stock_rules(struct event *event, struct err *err) {
    if (event_has(event, "lot_pattern") && !is_pattern(event_text(event, "lot_pattern"))) {
        return err_set(err, ERR_INVALID, SAY(PRODUCTION_LOT_PATTERN),
            ARGS(A_STR(event_text(event, "lot_pattern")), A_CSTR("{date}, {machine}, {item}"),
                A_CSTR("{counter}"), A_CSTR("{counter:4}")));
    }
    return rules_tell(event, err);
}
