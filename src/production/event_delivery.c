/*
 * Delivery notes: goods go out and stand on paper in one event, lot by lot as they are scanned; or
 * what was shipped without a note gets one later.
 *
 * A note lists moves by their numbers and has no quantities of its own, so it never says anything
 * else than the stock. Cancelling one says that the paper is void; goods that come back are a
 * return.
 */
#include "production/delivery.h"

#include <stdio.h>
#include <string.h>

#include "core/time.h"
#include "production/deliveries.h"
#include "production/lot.h"
#include "production/sql.h"
#include "production/stock.h"

#define DAY_NS (86400 * NS_PER_S)

int moves_end(struct event *event, int64_t *ret_number, struct err *err) {
    return sql_number(
        event->tx, "SELECT max(number) FROM stock_moves WHERE ?1", Q(Q_I(1)), 0, ret_number, err);
}

int note_code(struct event *event, const char *table, const char *prefix, char to[NOTE_CODE_MAX],
    struct err *err) {
    char day[DAY_TEXT_MAX];
    char begin[NOTE_CODE_MAX];
    int64_t next = 0;
    event_day(event, 0, day);
    (void)snprintf(begin, sizeof begin, "%s-%.2s%.2s%.2s-", prefix, day + 2, day + 5, day + 8);
    bool is_delivery = strcmp(table, "deliveries") == 0;
    int rc = sql_number(event->tx,
        is_delivery
            ? "SELECT coalesce(max(CAST(substr(code, length(?1) + 1) AS INTEGER)), 0) + 1 FROM"
              " deliveries WHERE code >= ?1 AND code < ?1 || char(1114111)"
            : "SELECT coalesce(max(CAST(substr(code, length(?1) + 1) AS INTEGER)), 0) + 1 FROM"
              " outsourcings WHERE code >= ?1 AND code < ?1 || char(1114111)",
        Q(Q_S(str_of(begin))), 1, &next, err);
    (void)snprintf(to, NOTE_CODE_MAX, "%.20s%lld", begin, (long long)next);
    return rc;
}

/* Prices: of the sales order's line, else what was agreed with the move, else of the list. */
static int put_lines(struct event *event, const struct note_wish *wish, int64_t delivery,
    const char *which, int64_t *ret_lines, struct err *err) {
    char day[DAY_TEXT_MAX];
    char sql[1600];
    event_day(event, 0, day);
    (void)snprintf(sql, sizeof sql,
        "INSERT INTO delivery_lines (delivery, line, move, price_u) SELECT ?1, row_number() OVER"
        " (ORDER BY m.number), m.number, coalesce(m.price_u, (SELECT l.price_u FROM sales_lines l"
        " WHERE l.number = m.sales_line), CASE WHEN m.kind = 'ship' THEN (SELECT p.price_u FROM"
        " prices p WHERE p.item = m.item AND p.kind = 'sell' AND (p.partner = ?2 OR p.partner IS"
        " NULL) AND p.valid_from <= ?3 ORDER BY p.partner IS NULL, p.valid_from DESC LIMIT 1) END)"
        " FROM stock_moves m WHERE m.quantity_u < 0 AND m.number > ?4 AND (?5 = 0 OR m.event = ?5)"
        " AND m.time_ns >= ?6 AND %s ORDER BY m.number LIMIT %d",
        which, wish->in_part ? DELIVERY_LINES_MAX : DELIVERY_LINES_MAX + 1);
    int rc = sql_do(event->tx, sql,
        Q(Q_I(delivery), Q_I(wish->partner), Q_S(str_of(day)), Q_I(wish->after),
            Q_I(wish->after > 0 ? event->number : 0), Q_I(wish->from_ns)),
        err);
    rc = rc < 0 ? rc
                : sql_number(event->tx, "SELECT count(*) FROM delivery_lines WHERE delivery = ?1",
                      Q(Q_I(delivery)), 0, ret_lines, err);
    return rc >= 0 && *ret_lines > DELIVERY_LINES_MAX
               ? err_set(err, ERR_LIMIT, SAY(PRODUCTION_DELIVERY_LINES),
                     ARGS(A_INT(DELIVERY_LINES_MAX)))
               : rc;
}

static int note_put(struct event *event, const struct note_wish *wish, struct str code,
    const char *which, int64_t *ret_lines, struct err *err) {
    char day[DAY_TEXT_MAX];
    int64_t number = 0;
    event_day(event, 0, day);
    int rc = sql_number(event->tx,
        "INSERT INTO deliveries (code, kind, partner, day, state, outsourcing, printed, note, why,"
        " created_ns, actor, event) VALUES (?1, ?2, ?3, ?4, 'made', ?5, 0, ?6, '', ?7, ?8, ?9)"
        " RETURNING number",
        Q(Q_S(code), Q_S(str_of(wish->kind)), Q_I(wish->partner), Q_S(str_of(day)),
            Q_REF(wish->outsourcing), Q_S(event_text(event, "note")), Q_I(event->entered_ns),
            Q_S(event->actor), Q_I(event->number)),
        0, &number, err);
    rc = rc < 0 ? rc : put_lines(event, wish, number, which, ret_lines, err);
    if (rc >= 0 && *ret_lines == 0) {
        return sql_do(event->tx, "DELETE FROM deliveries WHERE number = ?1", Q(Q_I(number)), err);
    }
    if (rc >= 0) {
        json_put_str(event->answer, "delivery", code);
        json_put_i64(event->answer, "lines", *ret_lines);
    }
    return rc;
}

int note_make(struct event *event, const struct note_wish *wish, struct str code,
    int64_t *ret_lines, struct err *err) {
    return note_put(event, wish, code, "m.kind IN ('ship', 'supply')", ret_lines, err);
}

/* ---- Shipment by scanning lots ---- */

static int check_twice(struct event *event, struct err *err) {
    uint32_t count = event_count(event, "lot");
    for (uint32_t i = 0; i < count; i++) {
        for (uint32_t k = 0; k < i; k++) {
            if (event_i64_at(event, "lot", i) == event_i64_at(event, "lot", k)) {
                return err_set(err, ERR_INVALID, SAY(PRODUCTION_DELIVERY_LOT_TWICE),
                    ARGS(A_STR(event_text_at(event, "lot", i))));
            }
        }
    }
    return 0;
}

/* One lot: as much as is said, or all there is of it. */
static int ship_lot(struct event *event, uint32_t index, const struct stock_move *as,
    int64_t *ret_partner, struct err *err) {
    struct stock_picks *picks = ARENA_NEW(event->arena, struct stock_picks);
    struct lot_facts lot;
    struct item_facts item;
    int rc = lot_get(event, event_i64_at(event, "lot", index), &lot, err);
    rc = rc < 0 ? rc : item_get(event, lot.item, &item, err);
    if (rc < 0) {
        return rc;
    }
    struct stock_wish wish = {.move = *as};
    wish.move.item = lot.item;
    wish.move.lot = lot.number;
    wish.move.quantity_u =
        event_count(event, "quantity") > 0 ? event_i64_at(event, "quantity", index) : 0;
    if (wish.move.quantity_u == 0) {
        rc = stock_propose(event, &wish, picks, err);
        wish.move.quantity_u = picks->total_u;
    }
    if (rc >= 0 && event_has(event, "sales")) {
        rc = stock_book_sales(event, &wish, &item, wish.move.quantity_u, err);
    }
    rc = rc < 0 ? rc : stock_take(event, &wish, picks, err);
    *ret_partner = wish.move.partner;
    return rc;
}

int event_delivery_ship(struct event *event, struct err *err) {
    char code[NOTE_CODE_MAX];
    struct stock_move as = {.kind = "ship",
        .place = event_i64(event, "place", 0),
        .price_u = -1,
        .partner = event_i64(event, "partner", 0)};
    struct note_wish wish = {.kind = "customer"};
    int64_t lines = 0;
    if (as.partner == 0 && !event_has(event, "sales")) {
        return err_set(err, ERR_INVALID, SAY(PRODUCTION_DELIVERY_WHOM), NO_ARGS);
    }
    int rc =
        event_count(event, "quantity") == 0 ? 0 : event_lists_match(event, "lot", "quantity", err);
    rc = rc < 0 ? rc : check_twice(event, err);
    rc = rc < 0 ? rc : note_code(event, "deliveries", "DN", code, err);
    rc = rc < 0 ? rc : moves_end(event, &wish.after, err);
    as.document = str_of(code);
    for (uint32_t i = 0; i < event_count(event, "lot") && rc >= 0; i++) {
        rc = ship_lot(event, i, &as, &wish.partner, err);
    }
    return rc < 0 ? rc : note_make(event, &wish, str_of(code), &lines, err);
}

/* ---- What was shipped before ---- */

/* When the named day begins in the plant's zone; without one the day of the event. */
static int64_t day_begin(struct event *event, const char *name) {
    int64_t offset_ns =
        event->zone != NULL ? zone_offset_s(event->zone, event->time_ns) * NS_PER_S : 0;
    int64_t today = (event->time_ns + offset_ns) / DAY_NS;
    return event_i64(event, name, today) * DAY_NS - offset_ns;
}

int event_delivery_collect(struct event *event, struct err *err) {
    char code[NOTE_CODE_MAX];
    struct note_wish wish = {.kind = "customer",
        .partner = event_i64(event, "partner", 0),
        .from_ns = day_begin(event, "from"),
        .in_part = true};
    int64_t lines = 0;
    int rc = note_code(event, "deliveries", "DN", code, err);
    rc = rc < 0 ? rc
                : note_put(event, &wish, str_of(code),
                      "m.kind = 'ship' AND m.partner = ?2"
                      " AND NOT EXISTS (SELECT 1 FROM delivery_lines x JOIN deliveries d ON"
                      " d.number = x.delivery WHERE x.move = m.number AND d.state = 'made')"
                      " AND (m.document = '' OR EXISTS (SELECT 1 FROM deliveries d WHERE d.code ="
                      " m.document AND d.state = 'cancelled'))",
                      &lines, err);
    if (rc >= 0 && lines == 0) {
        return err_set(err, ERR_CONFLICT, SAY(PRODUCTION_DELIVERY_NOTHING),
            ARGS(A_STR(event_text(event, "partner"))));
    }
    if (rc >= 0 && lines == DELIVERY_LINES_MAX) {
        event_warn(event, SAY(PRODUCTION_DELIVERY_PART), ARGS(A_INT(lines)));
    }
    return rc;
}

int event_delivery_cancel(struct event *event, struct err *err) {
    struct str code = event_text(event, "delivery");
    struct ledger_stmt *stmt = NULL;
    int rc = sql_first(event->tx, "SELECT number, state FROM deliveries WHERE code = ?1",
        Q(Q_S(code)), &stmt, err);
    if (rc == 0) {
        return err_set(err, ERR_NOT_FOUND, SAY(PRODUCTION_DELIVERY_GONE), ARGS(A_STR(code)));
    }
    if (rc > 0 && str_eq(ledger_column_str(stmt, 1), STR("cancelled"))) {
        return err_set(err, ERR_CONFLICT, SAY(PRODUCTION_DELIVERY_STATE), ARGS(A_STR(code)));
    }
    int64_t number = rc < 0 ? 0 : ledger_column_i64(stmt, 0);
    rc = rc < 0 ? rc
                : sql_do(event->tx,
                      "UPDATE deliveries SET state = 'cancelled', why = ?2 WHERE number = ?1",
                      Q(Q_I(number), Q_S(event_text(event, "why"))), err);
    event_warn(event, SAY(PRODUCTION_DELIVERY_GOODS), NO_ARGS);
    json_put_str(event->answer, "delivery", code);
    return rc;
}
