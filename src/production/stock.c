/*
 * Stock: every change is a move, and the balance of an item, lot and place stands beside the moves,
 * changed in the same transaction, because adding up years of moves for each scan would be slow.
 * The sums must agree; `maru verify` adds them up.
 *
 * First in, first out is by the age of the lot, not by its time at the place: a pallet that was
 * moved yesterday is not younger for it. A balance of nothing has no row.
 */
#include "production/stock.h"

#include <string.h>

#include "production/amount.h"
#include "production/inspect.h"
#include "production/lot.h"

enum { SETTING_BYTES = 256 };

/* ---- Small questions ---- */

int code_get(
    struct event *event, const char *table, int64_t number, struct str *ret_code, struct err *err) {
    AUTO_BUF struct buf sql;
    buf_init(&sql, 128);
    buf_printf(&sql, "SELECT code FROM %s WHERE number = ?1", table);
    struct ledger_stmt *stmt = NULL;
    int status = ledger_prepare(event->tx, buf_z(&sql), &stmt, err);
    if (status < 0) {
        return status;
    }
    ledger_bind_i64(stmt, 1, number);
    status = ledger_step(stmt, err);
    if (status >= 0) {
        *ret_code = status > 0 ? arena_copy(event->arena, ledger_column_str(stmt, 0)) : STR_NONE;
    }
    return status < 0 ? status : 0;
}

int item_get(struct event *event, int64_t item, struct item_facts *ret_item, struct err *err) {
    struct ledger_stmt *stmt = NULL;
    int status = ledger_prepare(event->tx,
        "SELECT number, code, lots, coalesce(place, 0), coalesce(shelf_days, -1) FROM items WHERE "
        "number = ?1",
        &stmt, err);
    if (status < 0) {
        return status;
    }
    ledger_bind_i64(stmt, 1, item);
    status = ledger_step(stmt, err);
    if (status == 0) {
        return err_set(err, ERR_NOT_FOUND, SAY(PRODUCTION_ITEM_GONE), ARGS(A_INT(item)));
    }
    if (status > 0) {
        *ret_item = (struct item_facts){.number = ledger_column_i64(stmt, 0),
            .code = arena_copy(event->arena, ledger_column_str(stmt, 1)),
            .by_lot = ledger_column_i64(stmt, 2) != 0,
            .place = ledger_column_i64(stmt, 3),
            .shelf_days = ledger_column_i64(stmt, 4)};
    }
    return status < 0 ? status : 0;
}

void stock_put_amount(struct json *json, const char *key, int64_t u) {
    char text[AMOUNT_TEXT_MAX];
    struct str value = {text, amount_text(u, text)};
    json_key(json, key);
    if (u > (1LL << 53) || u < -(1LL << 53)) {
        json_str(json, value);
    } else {
        json_raw(json, value);
    }
}

int stock_put_picks(
    struct event *event, const char *key, const struct stock_picks *picks, struct err *err) {
    int status = 0;
    json_key(event->answer, key);
    json_array_begin(event->answer);
    for (uint32_t i = 0; i < picks->count && status >= 0; i++) {
        struct str lot = STR_NONE;
        struct str place = STR_NONE;
        status = code_get(event, "lots", picks->all[i].lot, &lot, err);
        status = status < 0 ? status : code_get(event, "places", picks->all[i].place, &place, err);
        json_object_begin(event->answer);
        json_put_str(event->answer, "lot", lot);
        json_put_str(event->answer, "place", place);
        stock_put_amount(event->answer, "quantity", picks->all[i].quantity_u);
        json_object_end(event->answer);
    }
    json_array_end(event->answer);
    return status;
}

/* What people call it: the lot where there is one, else the item. */
static int label_of(
    struct event *event, int64_t item, int64_t lot, struct str *ret_label, struct err *err) {
    return lot != 0 ? code_get(event, "lots", lot, ret_label, err)
                    : code_get(event, "items", item, ret_label, err);
}

static bool negative_allowed(struct event *event) {
    struct str value = STR_NONE;
    return plant_setting_get(event->tx, STR("negative_stock"), event->arena, &value, NULL) >= 0 &&
           str_eq(value, STR("warn"));
}

/* ---- Moves ---- */

static int read_balance(struct event *event, const struct stock_move *move, int64_t *ret_u,
    bool *ret_there, struct err *err) {
    struct ledger_stmt *stmt = NULL;
    int status = ledger_prepare(event->tx,
        "SELECT quantity_u FROM stock WHERE item = ?1 AND lot = ?2 AND place = ?3", &stmt, err);
    if (status < 0) {
        return status;
    }
    ledger_bind_i64(stmt, 1, move->item);
    ledger_bind_i64(stmt, 2, move->lot);
    ledger_bind_i64(stmt, 3, move->place);
    status = ledger_step(stmt, err);
    *ret_there = status > 0;
    *ret_u = status > 0 ? ledger_column_i64(stmt, 0) : 0;
    return status < 0 ? status : 0;
}

/* Below nothing: refused, or said. */
static int check_negative(struct event *event, const struct stock_move *move, int64_t before_u,
    int64_t after_u, struct err *err) {
    char there[AMOUNT_TEXT_MAX];
    char wanted[AMOUNT_TEXT_MAX];
    struct str label = STR_NONE;
    struct str place = STR_NONE;
    int status = label_of(event, move->item, move->lot, &label, err);
    status = status < 0 ? status : code_get(event, "places", move->place, &place, err);
    if (status < 0) {
        return status;
    }
    if (negative_allowed(event)) {
        (void)amount_text(after_u, there);
        event_warn(
            event, SAY(PRODUCTION_STOCK_NEGATIVE), ARGS(A_STR(label), A_STR(place), A_CSTR(there)));
        return 0;
    }
    (void)amount_text(before_u, there);
    (void)amount_text(-move->quantity_u, wanted);
    return err_set(err, ERR_CONFLICT, SAY(PRODUCTION_STOCK_SHORT),
        ARGS(A_STR(label), A_STR(place), A_CSTR(there), A_CSTR(wanted)));
}

static int write_balance(struct event *event, const struct stock_move *move, int64_t after_u,
    bool there, struct err *err) {
    const char *sql = "INSERT INTO stock (item, lot, place, quantity_u, first_ns) VALUES (?1, ?2, "
                      "?3, ?4, ?5)";
    if (there) {
        sql = after_u == 0 ? "DELETE FROM stock WHERE item = ?1 AND lot = ?2 AND place = ?3"
                           : "UPDATE stock SET quantity_u = ?4 WHERE item = ?1 AND lot = ?2 AND "
                             "place = ?3";
    }
    struct ledger_stmt *stmt = NULL;
    int status = ledger_prepare(event->tx, sql, &stmt, err);
    if (status < 0) {
        return status;
    }
    ledger_bind_i64(stmt, 1, move->item);
    ledger_bind_i64(stmt, 2, move->lot);
    ledger_bind_i64(stmt, 3, move->place);
    if (!there || after_u != 0) {
        ledger_bind_i64(stmt, 4, after_u);
    }
    if (!there) {
        ledger_bind_i64(stmt, 5, event->time_ns);
    }
    return ledger_step(stmt, err);
}

static void bind_number(struct ledger_stmt *stmt, int index, int64_t number) {
    if (number != 0) {
        ledger_bind_i64(stmt, index, number);
    } else {
        ledger_bind_null(stmt, index);
    }
}

static int write_move(struct event *event, const struct stock_move *move, struct err *err) {
    struct ledger_stmt *stmt = NULL;
    int status = ledger_prepare(event->tx,
        "INSERT INTO stock_moves (time_ns, kind, item, lot, place, quantity_u, price_u, "
        "work_order, operation, sales_line, partner, document, event) VALUES (?1, ?2, ?3, ?4, ?5, "
        "?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)",
        &stmt, err);
    if (status < 0) {
        return status;
    }
    ledger_bind_i64(stmt, 1, event->time_ns);
    ledger_bind_str(stmt, 2, str_of(move->kind));
    ledger_bind_i64(stmt, 3, move->item);
    bind_number(stmt, 4, move->lot);
    ledger_bind_i64(stmt, 5, move->place);
    ledger_bind_i64(stmt, 6, move->quantity_u);
    if (move->price_u >= 0) {
        ledger_bind_i64(stmt, 7, move->price_u);
    } else {
        ledger_bind_null(stmt, 7);
    }
    bind_number(stmt, 8, move->work_order);
    bind_number(stmt, 9, move->operation);
    bind_number(stmt, 10, move->sales_line);
    bind_number(stmt, 11, move->partner);
    ledger_bind_str(stmt, 12, move->document.data != NULL ? move->document : STR_NONE);
    ledger_bind_i64(stmt, 13, event->number);
    return ledger_step(stmt, err);
}

int stock_move(struct event *event, const struct stock_move *move, struct err *err) {
    int64_t before_u = 0;
    int64_t after_u = 0;
    bool there = false;
    int status = read_balance(event, move, &before_u, &there, err);
    if (status >= 0 && (__builtin_add_overflow(before_u, move->quantity_u, &after_u) ||
                           after_u > AMOUNT_MAX_U || after_u < -AMOUNT_MAX_U)) {
        status = err_set(err, ERR_RANGE, SAY(PRODUCTION_STOCK_RANGE), NO_ARGS);
    }
    if (status >= 0 && after_u < 0 && move->quantity_u < 0) {
        status = check_negative(event, move, before_u, after_u, err);
    }
    if (status >= 0 && move->quantity_u != 0) {
        status = write_balance(event, move, after_u, there, err);
    }
    status = status < 0 ? status : write_move(event, move, err);
    return status < 0 ? status : 0;
}

/* ---- First in, first out ---- */

#define PICK_COLUMNS                                                                               \
    "SELECT s.lot, s.place, s.quantity_u, coalesce(l.state, 'open'), "                             \
    "coalesce(l.expires, ''), p.kind FROM stock s "

static int open_rows(struct event *event, const struct stock_wish *wish,
    struct ledger_stmt **ret_stmt, struct err *err) {
    int status = ledger_prepare(event->tx,
        PICK_COLUMNS
        "JOIN places p ON p.number = s.place LEFT JOIN lots l ON l.number = s.lot WHERE s.item = "
        "?1 AND (?2 = 0 OR s.lot = ?2) AND (?3 = 0 OR s.place = ?3) AND s.quantity_u > 0 "
        "ORDER BY s.place <> ?4, coalesce(l.made_ns, l.created_ns, s.first_ns), s.lot, s.first_ns, "
        "s.place",
        ret_stmt, err);
    if (status >= 0) {
        ledger_bind_i64(*ret_stmt, 1, wish->move.item);
        ledger_bind_i64(*ret_stmt, 2, wish->move.lot);
        ledger_bind_i64(*ret_stmt, 3, wish->move.place);
        ledger_bind_i64(*ret_stmt, 4, wish->first_place);
    }
    return status;
}

/* Whether a row may be taken by somebody who named neither its lot nor its place. */
static bool is_free(struct ledger_stmt *stmt, const struct stock_wish *wish, struct str today) {
    struct str expires = ledger_column_str(stmt, 4);
    struct str kind = ledger_column_str(stmt, 5);
    if (wish->move.place == 0 && wish->move.lot == 0 &&
        (str_eq(kind, STR("quarantine")) || str_eq(kind, STR("scrap")) ||
            str_eq(kind, STR("outside")))) {
        return false;
    }
    return wish->any_state || wish->move.lot != 0 ||
           (str_eq(ledger_column_str(stmt, 3), STR("open")) &&
               (expires.size == 0 || str_cmp(expires, today) >= 0));
}

/* Where a lot leaves the store for use or for a customer it must have passed its inspection. */
static bool is_door(const struct stock_wish *wish) {
    static const char *const KINDS[] = {"issue", "consume", "ship"};
    bool door = wish->leaves;
    for (size_t i = 0; i < sizeof KINDS / sizeof KINDS[0]; i++) {
        door = door || strcmp(wish->move.kind, KINDS[i]) == 0;
    }
    return door && !wish->any_state && !wish->unseen;
}

/* 1: the row's lot is passed over because it waits for its inspection. */
static int is_waiting(struct event *event, const struct stock_wish *wish, int64_t lot,
    struct stock_picks *picks, struct err *err) {
    struct inspect_wait wait;
    if (lot == 0 || wish->move.lot != 0 || !is_door(wish) ||
        inspect_gate_of(event->tx, event->arena) != GATE_REFUSE) {
        return 0;
    }
    int status = inspect_waits(event->tx, event->arena, lot, &wait, err);
    if (status > 0 && picks->waiting == 0) {
        picks->waiting = lot;
    }
    return status;
}

static int gather_picks(struct event *event, const struct stock_wish *wish,
    struct stock_picks *picks, struct err *err) {
    char today[DAY_TEXT_MAX];
    struct ledger_stmt *stmt = NULL;
    event_day(event, 0, today);
    int64_t wanted_u = wish->move.quantity_u == 0 ? INT64_MAX : wish->move.quantity_u;
    int status = open_rows(event, wish, &stmt, err);
    while (status >= 0 && picks->total_u < wanted_u && (status = ledger_step(stmt, err)) > 0) {
        int64_t there_u = ledger_column_i64(stmt, 2);
        if (!is_free(stmt, wish, str_of(today))) {
            continue;
        }
        status = is_waiting(event, wish, ledger_column_i64(stmt, 0), picks, err);
        if (status != 0) {
            continue;
        }
        if (picks->count == STOCK_PICKS_MAX) {
            return err_set(
                err, ERR_LIMIT, SAY(PRODUCTION_STOCK_PICKS), ARGS(A_INT(STOCK_PICKS_MAX)));
        }
        int64_t left_u = wanted_u - picks->total_u;
        int64_t quantity_u = there_u < left_u ? there_u : left_u;
        picks->all[picks->count++] =
            (struct stock_pick){ledger_column_i64(stmt, 0), ledger_column_i64(stmt, 1), quantity_u};
        picks->total_u += quantity_u;
    }
    return status < 0 ? status : 0;
}

/* Not enough: what is missing is left to stock_move where it is clear on what it would be booked.
 */
static int add_missing(struct event *event, const struct stock_wish *wish,
    const struct item_facts *item, struct stock_picks *picks, struct err *err) {
    int64_t missing_u = wish->move.quantity_u - picks->total_u;
    int64_t place = wish->move.place != 0 ? wish->move.place : item->place;
    bool booked = place != 0 && (wish->move.lot != 0 || !item->by_lot);
    if (wish->move.quantity_u == 0) {
        if (picks->count > 0) {
            return 0;
        }
        missing_u = 0;
        booked = false;
    }
    if (booked && negative_allowed(event) && picks->count < STOCK_PICKS_MAX) {
        picks->all[picks->count++] = (struct stock_pick){wish->move.lot, place, missing_u};
        picks->total_u += missing_u;
        return 0;
    }
    char there[AMOUNT_TEXT_MAX];
    char wanted[AMOUNT_TEXT_MAX];
    struct str label = STR_NONE;
    struct str where = STR_NONE;
    (void)amount_text(picks->total_u, there);
    (void)amount_text(picks->total_u + missing_u, wanted);
    int status = label_of(event, wish->move.item, wish->move.lot, &label, err);
    if (status >= 0 && wish->move.place != 0) {
        status = code_get(event, "places", wish->move.place, &where, err);
    }
    if (status >= 0 && picks->waiting != 0) {
        status = code_get(event, "lots", picks->waiting, &where, err);
        return status < 0 ? status
                          : err_set(err, ERR_CONFLICT, SAY(PRODUCTION_GATE_WAITING),
                                ARGS(A_STR(label), A_CSTR(there), A_CSTR(wanted), A_STR(where)));
    }
    if (status < 0) {
        return status;
    }
    if (wish->move.lot != 0 && wish->move.place == 0 && picks->count == 0) {
        return err_set(err, ERR_CONFLICT, SAY(PRODUCTION_LOT_EMPTY), ARGS(A_STR(label)));
    }
    if (wish->move.quantity_u == 0) {
        return err_set(err, ERR_CONFLICT, SAY(PRODUCTION_STOCK_NONE), ARGS(A_STR(label)));
    }
    return wish->move.place != 0
               ? err_set(err, ERR_CONFLICT, SAY(PRODUCTION_STOCK_SHORT),
                     ARGS(A_STR(label), A_STR(where), A_CSTR(there), A_CSTR(wanted)))
               : err_set(err, ERR_CONFLICT, SAY(PRODUCTION_STOCK_SHORT_ALL),
                     ARGS(A_STR(label), A_CSTR(there), A_CSTR(wanted)));
}

int stock_propose(struct event *event, const struct stock_wish *wish, struct stock_picks *ret_picks,
    struct err *err) {
    struct item_facts item;
    int status = item_get(event, wish->move.item, &item, err);
    if (status >= 0 && wish->move.lot != 0) {
        struct lot_facts lot;
        status = lot_get(event, wish->move.lot, &lot, err);
        if (status >= 0 && lot.item != item.number) {
            struct str holds = STR_NONE;
            status = code_get(event, "items", lot.item, &holds, err);
            status = status < 0 ? status
                                : err_set(err, ERR_CONFLICT, SAY(PRODUCTION_LOT_ITEM),
                                      ARGS(A_STR(lot.code), A_STR(holds), A_STR(item.code)));
        }
        status = status < 0 || wish->any_state ? status : lot_check(event, &lot, err);
        status = status < 0 || !is_door(wish) ? status : inspect_door(event, lot.number, err);
    }
    if (status < 0) {
        return status;
    }
    ret_picks->count = 0;
    ret_picks->total_u = 0;
    ret_picks->waiting = 0;
    status = gather_picks(event, wish, ret_picks, err);
    bool enough = wish->move.quantity_u != 0 && ret_picks->total_u == wish->move.quantity_u;
    return status < 0 || enough ? status : add_missing(event, wish, &item, ret_picks, err);
}

int stock_take(struct event *event, const struct stock_wish *wish, struct stock_picks *ret_picks,
    struct err *err) {
    int status = stock_propose(event, wish, ret_picks, err);
    for (uint32_t i = 0; i < ret_picks->count && status >= 0; i++) {
        bool named = wish->move.lot != 0 || ret_picks->all[i].lot == 0 || !is_door(wish);
        status = named ? 0 : inspect_door(event, ret_picks->all[i].lot, err); // A warning only.
    }
    for (uint32_t i = 0; i < ret_picks->count && status >= 0; i++) {
        struct stock_move move = wish->move;
        move.lot = ret_picks->all[i].lot;
        move.place = ret_picks->all[i].place;
        move.quantity_u = -ret_picks->all[i].quantity_u;
        status = stock_move(event, &move, err);
    }
    return status;
}

/* ---- For work ---- */

static int order_lot(struct event *event, int64_t order, int64_t *ret_lot, struct err *err) {
    struct ledger_stmt *stmt = NULL;
    int status = ledger_prepare(
        event->tx, "SELECT coalesce(lot, 0) FROM work_orders WHERE number = ?1", &stmt, err);
    if (status < 0) {
        return status;
    }
    ledger_bind_i64(stmt, 1, order);
    status = ledger_step(stmt, err);
    *ret_lot = status > 0 ? ledger_column_i64(stmt, 0) : 0;
    return status < 0 ? status : 0;
}

int stock_consume(struct event *event, const struct stock_wish *wish, struct stock_picks *ret_picks,
    struct err *err) {
    int64_t child = 0;
    struct stock_wish taken = *wish;
    taken.move.kind = "consume";
    int status = stock_take(event, &taken, ret_picks, err);
    status = status < 0 ? status : order_lot(event, wish->move.work_order, &child, err);
    for (uint32_t i = 0; i < ret_picks->count && status >= 0 && child != 0; i++) {
        const struct stock_pick *pick = &ret_picks->all[i];
        if (pick->lot != 0) {
            status = lot_link(event,
                &(struct lot_edge){.parent = pick->lot,
                    .child = child,
                    .kind = "consume",
                    .quantity_u = pick->quantity_u,
                    .operation = wish->move.operation},
                err);
        }
    }
    return status;
}
