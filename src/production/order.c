/*
 * The life of a work order: planned, released, running, held, done, cancelled.
 *
 * Releasing is when an order stops being a plan: the versions of its bill of material and routing
 * that are valid that day are taken down, its operations are made of the routing, so that a later
 * change of master data does not change work under way, and its lot gets its number, so that labels
 * can be printed before the work starts. The lot has the order's number: whoever holds a label
 * holds the order.
 */
#include "production/order.h"

#include <stdio.h>
#include <string.h>

#include "core/clock.h"
#include "core/time.h"
#include "production/amount.h"
#include "production/book.h"
#include "production/event_handler.h"
#include "production/label.h"
#include "production/sql.h"

enum { CODES_A_DAY_MAX = 9999 };

static void column_copy(struct ledger_stmt *stmt, int column, char *to, size_t size) {
    (void)str_copy_z(ledger_column_str(stmt, column), to, size);
}

static int64_t column_ref(struct ledger_stmt *stmt, int column) {
    return ledger_column_is_null(stmt, column) ? 0 : ledger_column_i64(stmt, column);
}

int order_get(struct ledger_tx *tx, int64_t number, struct work_order *ret_order, struct err *err) {
    struct ledger_stmt *stmt = NULL;
    int rc = sql_first(tx,
        "SELECT o.item, o.quantity_u, o.priority, o.sales_line, o.parent, o.bom_version,"
        " o.routing_version, o.lot, o.code, i.code, o.state, o.state_before, o.due"
        " FROM work_orders o JOIN items i ON i.number = o.item WHERE o.number = ?1",
        Q(Q_I(number)), &stmt, err);
    if (rc <= 0) {
        return rc < 0 ? rc : err_set(err, ERR_NOT_FOUND, SAY(PRODUCTION_ORDER_GONE), NO_ARGS);
    }
    *ret_order = (struct work_order){.number = number,
        .item = ledger_column_i64(stmt, 0),
        .quantity_u = ledger_column_i64(stmt, 1),
        .priority = ledger_column_i64(stmt, 2),
        .sales_line = column_ref(stmt, 3),
        .parent = column_ref(stmt, 4),
        .bom_version = column_ref(stmt, 5),
        .routing_version = column_ref(stmt, 6),
        .lot = column_ref(stmt, 7)};
    column_copy(stmt, 8, ret_order->code, sizeof ret_order->code);
    column_copy(stmt, 9, ret_order->item_code, sizeof ret_order->item_code);
    column_copy(stmt, 10, ret_order->state, sizeof ret_order->state);
    column_copy(stmt, 11, ret_order->state_before, sizeof ret_order->state_before);
    column_copy(stmt, 12, ret_order->due, sizeof ret_order->due);
    return 0;
}

int operation_get(
    struct ledger_tx *tx, int64_t number, struct operation *ret_operation, struct err *err) {
    struct ledger_stmt *stmt = NULL;
    int rc = sql_first(tx,
        "SELECT work_order, step, process, workcentre, machine, partner, state FROM operations"
        " WHERE number = ?1",
        Q(Q_I(number)), &stmt, err);
    if (rc <= 0) {
        return rc < 0 ? rc : err_set(err, ERR_NOT_FOUND, SAY(PRODUCTION_OPERATION_GONE), NO_ARGS);
    }
    *ret_operation = (struct operation){.number = number,
        .order = ledger_column_i64(stmt, 0),
        .step = ledger_column_i64(stmt, 1),
        .process = ledger_column_i64(stmt, 2),
        .workcentre = column_ref(stmt, 3),
        .machine = column_ref(stmt, 4),
        .partner = column_ref(stmt, 5)};
    column_copy(stmt, 6, ret_operation->state, sizeof ret_operation->state);
    return 0;
}

int operation_made(
    struct ledger_tx *tx, int64_t operation, struct made *ret_made, struct err *err) {
    struct ledger_stmt *stmt = NULL;
    int rc = sql_first(tx,
        "SELECT coalesce(sum(good), 0), coalesce(sum(bad), 0) FROM ("
        " SELECT (m.pieces - m.bad) * 1000000 AS good, m.bad * 1000000 AS bad FROM runs r"
        " JOIN made m ON m.run = r.number WHERE r.operation = ?1"
        " UNION ALL SELECT h.good_u, h.bad_u FROM runs r JOIN made_by_hand h ON h.run = r.number"
        " WHERE r.operation = ?1)",
        Q(Q_I(operation)), &stmt, err);
    if (rc < 0) {
        return rc;
    }
    *ret_made = (struct made){ledger_column_i64(stmt, 0), ledger_column_i64(stmt, 1)};
    return 0;
}

int order_made(struct ledger_tx *tx, int64_t order, struct made *ret_made, struct err *err) {
    int64_t last = 0;
    int rc = sql_number(tx,
        "SELECT number FROM operations WHERE work_order = ?1 ORDER BY step DESC LIMIT 1",
        Q(Q_I(order)), 0, &last, err);
    *ret_made = (struct made){0};
    return rc < 0 || last == 0 ? rc : operation_made(tx, last, ret_made, err);
}

/* "261122-001": the day, and a number of that day that no order and no lot has. */
static int code_next(struct ledger_tx *tx, int64_t day, char *to, size_t size, struct err *err) {
    char date[TIME_TEXT_MAX];
    (void)time_format(day * 86400 * NS_PER_S, NULL, date);
    char prefix[16];
    (void)snprintf(prefix, sizeof prefix, "%.2s%.2s%.2s-", date + 2, date + 5, date + 8);
    int64_t last = 0;
    int rc = sql_number(tx,
        "SELECT max(CAST(substr(code, 8) AS INTEGER)) FROM (SELECT code FROM work_orders"
        " WHERE code >= ?1 AND code < ?1 || char(1114111) UNION ALL SELECT code FROM lots"
        " WHERE code >= ?1 AND code < ?1 || char(1114111)) WHERE length(code) BETWEEN 10 AND 11",
        Q(Q_S(str_of(prefix))), 0, &last, err);
    if (rc >= 0 && last >= CODES_A_DAY_MAX) {
        return err_set(err, ERR_LIMIT, SAY(PRODUCTION_ORDER_CODES), ARGS(A_INT(CODES_A_DAY_MAX)));
    }
    (void)snprintf(to, size, "%s%03lld", prefix, (long long)last + 1);
    return rc;
}

static int code_check(struct ledger_tx *tx, struct str code, struct err *err) {
    int64_t there = 0;
    int rc = sql_number(
        tx, "SELECT number FROM work_orders WHERE code = ?1", Q(Q_S(code)), 0, &there, err);
    if (rc >= 0 && there != 0) {
        return err_set(err, ERR_EXISTS, SAY(PRODUCTION_ORDER_EXISTS), ARGS(A_STR(code)));
    }
    return rc;
}

int order_insert(
    struct ledger_tx *tx, const struct order_new *order, int64_t *ret_number, struct err *err) {
    char code[40];
    struct str given = order->code;
    int rc = given.size > 0 ? code_check(tx, given, err)
                            : code_next(tx, order->day, code, sizeof code, err);
    given = given.size > 0 ? given : str_of(code);
    if (rc < 0) {
        return rc;
    }
    return sql_number(tx,
        "INSERT INTO work_orders (code, item, quantity_u, due, priority, state, state_before,"
        " sales_line, parent, split_of, proposed, note, created_ns, actor)"
        " VALUES (?1, ?2, ?3, ?4, ?5, 'planned', '', ?6, ?7, ?8, ?9, ?10, ?11, ?12)"
        " RETURNING number",
        Q(Q_S(given), Q_I(order->item), Q_I(order->quantity_u), Q_S(order->due),
            Q_I(order->priority), Q_REF(order->sales_line), Q_REF(order->parent),
            Q_REF(order->split_of), Q_I(order->proposed), Q_S(order->note), Q_I(ledger_now_ns(tx)),
            Q_S(order->actor)),
        0, ret_number, err);
}

/* The newest version that is valid on a day; 0: none. */
static int version_of(struct ledger_tx *tx, const char *sql, int64_t item, struct str day,
    int64_t *ret_version, struct err *err) {
    return sql_number(tx, sql, Q(Q_I(item), Q_S(day)), 0, ret_version, err);
}

static int operations_make(struct ledger_tx *tx, const struct work_order *order, struct err *err) {
    int rc = sql_do(tx,
        "INSERT INTO operations (work_order, step, process, workcentre, machine, partner,"
        " cycle_ns, setup_ns, people, price_u, state)"
        " SELECT ?1, r.step, r.process, coalesce(r.workcentre, m.workcentre), r.machine, r.partner,"
        " r.cycle_ns, r.setup_ns, r.people, r.price_u, 'waiting'"
        " FROM routings r LEFT JOIN machines m ON m.number = r.machine"
        " WHERE r.item = ?2 AND r.version = ?3 ORDER BY r.step",
        Q(Q_I(order->number), Q_I(order->item), Q_I(order->routing_version)), err);
    return rc;
}

/* The lot that the order makes, with the order's number. */
static int lot_make(
    struct ledger_tx *tx, struct work_order *order, struct str actor, struct err *err) {
    int64_t by_lot = 0;
    int rc = sql_number(
        tx, "SELECT lots FROM items WHERE number = ?1", Q(Q_I(order->item)), 0, &by_lot, err);
    if (rc < 0 || by_lot == 0) {
        return rc;
    }
    int64_t taken = 0;
    rc = sql_number(
        tx, "SELECT number FROM lots WHERE code = ?1", Q(Q_S(str_of(order->code))), 0, &taken, err);
    if (rc >= 0 && taken != 0) {
        return err_set(err, ERR_EXISTS, SAY(PRODUCTION_ORDER_LOT_TAKEN), ARGS(A_CSTR(order->code)));
    }
    return rc < 0 ? rc
                  : sql_number(tx,
                        "INSERT INTO lots (code, item, state, partner_lot, expires, hold, note,"
                        " created_ns, actor) VALUES (?1, ?2, 'planned', '', '', '', '', ?3, ?4)"
                        " RETURNING number",
                        Q(Q_S(str_of(order->code)), Q_I(order->item), Q_I(ledger_now_ns(tx)),
                            Q_S(actor)),
                        0, &order->lot, err);
}

int order_release(
    struct ledger_tx *tx, int64_t number, struct str day, struct str actor, struct err *err) {
    struct work_order order;
    int rc = order_get(tx, number, &order, err);
    if (rc >= 0 && strcmp(order.state, "planned") != 0) {
        return err_set(err, ERR_CONFLICT, SAY(PRODUCTION_ORDER_NOT_PLANNED),
            ARGS(A_CSTR(order.code), A_CSTR(order.state)));
    }
    rc = rc < 0 ? rc
                : version_of(tx,
                      "SELECT max(version) FROM boms WHERE item = ?1 AND valid_from <= ?2"
                      " AND (valid_to = '' OR valid_to > ?2)",
                      order.item, day, &order.bom_version, err);
    rc = rc < 0 ? rc
                : version_of(tx,
                      "SELECT max(version) FROM routings WHERE item = ?1 AND valid_from <= ?2"
                      " AND (valid_to = '' OR valid_to > ?2)",
                      order.item, day, &order.routing_version, err);
    if (rc >= 0 && order.routing_version == 0) {
        return err_set(err, ERR_CONFLICT, SAY(PRODUCTION_ORDER_NO_ROUTING),
            ARGS(A_STR(str_of(order.code)), A_CSTR(order.item_code), A_STR(day)));
    }
    rc = rc < 0 ? rc : operations_make(tx, &order, err);
    rc = rc < 0 ? rc : lot_make(tx, &order, actor, err);
    return rc < 0 ? rc
                  : sql_do(tx,
                        "UPDATE work_orders SET state = 'released', proposed = 0, bom_version = ?2,"
                        " routing_version = ?3, lot = ?4 WHERE number = ?1",
                        Q(Q_I(number), Q_REF(order.bom_version), Q_I(order.routing_version),
                            Q_REF(order.lot)),
                        err);
}

int64_t day_of(int64_t time_ns, const struct zone *zone, char to[DATE_TEXT_MAX]) {
    char text[TIME_TEXT_MAX];
    (void)time_format(time_ns, zone, text);
    (void)snprintf(to, DATE_TEXT_MAX, "%.10s", text);
    int64_t midnight = 0;
    (void)time_parse(str_of(to), NULL, &midnight);
    return midnight / (86400 * NS_PER_S);
}

int order_pause_all(struct ledger_tx *tx, int64_t order, int64_t time_ns, struct err *err) {
    int count = 0;
    for (;;) { // One at a time: ending a run changes what is asked.
        int64_t run = 0;
        int rc = sql_number(tx,
            "SELECT r.number FROM runs r JOIN operations o ON o.number = r.operation"
            " WHERE o.work_order = ?1 AND r.end_ns IS NULL LIMIT 1",
            Q(Q_I(order)), 0, &run, err);
        rc = rc < 0 || run == 0 ? rc : run_end(tx, run, time_ns, err);
        if (rc < 0) {
            return rc;
        }
        if (run == 0) {
            break;
        }
        count++;
    }
    int rc = sql_do(tx,
        "UPDATE operations SET state = 'paused' WHERE work_order = ?1 AND state = 'running'",
        Q(Q_I(order)), err);
    return rc < 0 ? rc : count;
}

/* ---- Events ---- */

static int answer_order(struct event *event, int64_t number, struct err *err) {
    struct work_order order;
    int rc = order_get(event->tx, number, &order, err);
    if (rc < 0) {
        return rc;
    }
    json_put_str(event->answer, "order", str_of(order.code));
    json_put_str(event->answer, "state", str_of(order.state));
    return 0;
}

/* Released, and its labels are on their way to the printers: they exist before the work starts. */
static int release(struct event *event, int64_t number, const char *today, struct err *err) {
    int rc = order_release(event->tx, number, str_of(today), event->actor, err);
    return rc < 0 ? rc : label_on_release(event->tx, number, event->lang, event->actor, err);
}

int event_order_make(struct event *event, struct err *err) {
    char today[DATE_TEXT_MAX];
    struct order_new order = {.item = event_i64(event, "item", 0),
        .quantity_u = event_i64(event, "quantity", 0),
        .due = event_text(event, "due"),
        .priority = event_i64(event, "priority", 5),
        .code = event_text(event, "code"),
        .note = event_text(event, "note"),
        .actor = event->actor,
        .day = day_of(event->time_ns, event->zone, today)};
    if (order.priority < 1 || order.priority > 9) {
        return err_set(err, ERR_INVALID, SAY(PRODUCTION_ORDER_PRIORITY), NO_ARGS);
    }
    int64_t number = 0;
    int rc = order_insert(event->tx, &order, &number, err);
    if (rc >= 0 && event_i64(event, "release", 0) != 0) {
        rc = release(event, number, today, err);
    }
    return rc < 0 ? rc : answer_order(event, number, err);
}

int event_order_release(struct event *event, struct err *err) {
    char today[DATE_TEXT_MAX];
    (void)day_of(event->time_ns, event->zone, today);
    int64_t number = event_i64(event, "order", 0);
    int rc = release(event, number, today, err);
    return rc < 0 ? rc : answer_order(event, number, err);
}

/* The order of an event, which must not be over. */
static int living_order(struct event *event, struct work_order *ret_order, struct err *err) {
    int rc = order_get(event->tx, event_i64(event, "order", 0), ret_order, err);
    bool over = rc >= 0 && (strcmp(ret_order->state, "done") == 0 ||
                               strcmp(ret_order->state, "cancelled") == 0);
    return !over ? rc
                 : err_set(err, ERR_CONFLICT, SAY(PRODUCTION_ORDER_OVER),
                       ARGS(A_CSTR(ret_order->code),
                           A_STR(event_state(event, str_of(ret_order->state)))));
}

static int set_state(
    struct ledger_tx *tx, int64_t order, const char *state, const char *before, struct err *err) {
    return sql_do(tx,
        "UPDATE work_orders SET state = ?2, state_before = ?3, proposed = 0 WHERE number = ?1",
        Q(Q_I(order), Q_S(str_of(state)), Q_S(str_of(before))), err);
}

int event_order_hold(struct event *event, struct err *err) {
    struct work_order order;
    int rc = living_order(event, &order, err);
    if (rc < 0 || strcmp(order.state, "held") == 0) {
        return rc < 0 ? rc : answer_order(event, order.number, err);
    }
    rc = order_pause_all(event->tx, order.number, event->time_ns, err);
    int booked = rc < 0 ? rc : book_order(event, &order, err);
    if (booked < 0) {
        return booked;
    }
    if (rc > 0) {
        event_warn(event, SAY(PRODUCTION_ORDER_RUNS_ENDED), ARGS(A_CSTR(order.code), A_INT(rc)));
    }
    const char *before = strcmp(order.state, "running") == 0 ? "released" : order.state;
    rc = rc < 0 ? rc : set_state(event->tx, order.number, "held", before, err);
    return rc < 0 ? rc : answer_order(event, order.number, err);
}

int event_order_resume(struct event *event, struct err *err) {
    struct work_order order;
    int rc = living_order(event, &order, err);
    if (rc >= 0 && strcmp(order.state, "held") == 0) {
        rc = set_state(event->tx, order.number, order.state_before, "", err);
    }
    return rc < 0 ? rc : answer_order(event, order.number, err);
}

/* Whether any step made something, or material was taken for it. */
static int order_begun(struct ledger_tx *tx, int64_t order, int64_t *ret_begun, struct err *err) {
    return sql_number(tx,
        "SELECT EXISTS (SELECT 1 FROM operations o JOIN runs r ON r.operation = o.number"
        " WHERE o.work_order = ?1 AND (EXISTS (SELECT 1 FROM made m WHERE m.run = r.number"
        " AND m.pieces <> 0) OR EXISTS (SELECT 1 FROM made_by_hand h WHERE h.run = r.number)))"
        " OR EXISTS (SELECT 1 FROM stock_moves m WHERE m.work_order = ?1)",
        Q(Q_I(order)), 0, ret_begun, err);
}

int event_order_cancel(struct event *event, struct err *err) {
    struct work_order order;
    int rc = living_order(event, &order, err);
    int64_t begun = 0;
    rc = rc < 0 ? rc : order_begun(event->tx, order.number, &begun, err);
    if (rc >= 0 && begun != 0) {
        return err_set(err, ERR_CONFLICT, SAY(PRODUCTION_ORDER_MADE), ARGS(A_CSTR(order.code)));
    }
    rc = rc < 0 ? rc : order_pause_all(event->tx, order.number, event->time_ns, err);
    rc = rc < 0 ? rc : set_state(event->tx, order.number, "cancelled", "", err);
    return rc < 0 ? rc : answer_order(event, order.number, err);
}

/* One that was ended too early goes on: its last step may be begun again. */
int event_order_reopen(struct event *event, struct err *err) {
    struct work_order order;
    int rc = order_get(event->tx, event_i64(event, "order", 0), &order, err);
    if (rc >= 0 && strcmp(order.state, "done") != 0) {
        return err_set(err, ERR_CONFLICT, SAY(PRODUCTION_ORDER_NOT_DONE),
            ARGS(A_CSTR(order.code), A_STR(event_state(event, str_of(order.state)))));
    }
    rc = rc < 0 ? rc : set_state(event->tx, order.number, "released", "", err);
    rc = rc < 0 ? rc
                : sql_do(event->tx,
                      "UPDATE operations SET state = 'paused' WHERE number = (SELECT number"
                      " FROM operations WHERE work_order = ?1 ORDER BY step DESC LIMIT 1)",
                      Q(Q_I(order.number)), err);
    return rc < 0 ? rc : answer_order(event, order.number, err);
}

int event_order_finish(struct event *event, struct err *err) {
    struct work_order order;
    int rc = living_order(event, &order, err);
    rc = rc < 0 ? rc : order_pause_all(event->tx, order.number, event->time_ns, err);
    rc = rc < 0 ? rc
                : sql_do(event->tx, "UPDATE operations SET state = 'done' WHERE work_order = ?1",
                      Q(Q_I(order.number)), err);
    rc = rc < 0 ? rc : book_order(event, &order, err);
    struct made made = {0};
    rc = rc < 0 ? rc : order_made(event->tx, order.number, &made, err);
    if (rc >= 0 && made.good_u < order.quantity_u) {
        event_warn(event, SAY(PRODUCTION_ORDER_SHORT),
            ARGS(
                A_CSTR(order.code), A_CSTR(AMOUNT(made.good_u)), A_CSTR(AMOUNT(order.quantity_u))));
    }
    rc = rc < 0 ? rc : set_state(event->tx, order.number, "done", "", err);
    return rc < 0 ? rc : answer_order(event, order.number, err);
}

/* While it runs: what was made by now can be moved on. */
int event_order_book(struct event *event, struct err *err) {
    struct work_order order;
    int rc = order_get(event->tx, event_i64(event, "order", 0), &order, err);
    rc = rc < 0 ? rc : book_order(event, &order, err);
    return rc < 0 ? rc : answer_order(event, order.number, err);
}

int event_order_change(struct event *event, struct err *err) {
    struct work_order order;
    int rc = living_order(event, &order, err);
    int64_t priority = event_i64(event, "priority", order.priority);
    int64_t quantity_u = event_i64(event, "quantity", order.quantity_u);
    struct str due = event_has(event, "due") ? event_text(event, "due") : str_of(order.due);
    if (rc >= 0 && (priority < 1 || priority > 9)) {
        return err_set(err, ERR_INVALID, SAY(PRODUCTION_ORDER_PRIORITY), NO_ARGS);
    }
    struct made made = {0};
    rc = rc < 0 ? rc : order_made(event->tx, order.number, &made, err);
    if (rc >= 0 && made.good_u > quantity_u) {
        event_warn(event, SAY(PRODUCTION_ORDER_OVER_MADE),
            ARGS(A_CSTR(order.code), A_CSTR(AMOUNT(made.good_u)), A_CSTR(AMOUNT(quantity_u))));
    }
    rc = rc < 0 ? rc
                : sql_do(event->tx,
                      "UPDATE work_orders SET priority = ?2, quantity_u = ?3, due = ?4,"
                      " proposed = 0 WHERE number = ?1",
                      Q(Q_I(order.number), Q_I(priority), Q_I(quantity_u), Q_S(due)), err);
    return rc < 0 ? rc : answer_order(event, order.number, err);
}

/* What the step that made most has made: so many pieces are under way. */
static int order_furthest(
    struct ledger_tx *tx, int64_t order, struct made *ret_made, struct err *err) {
    *ret_made = (struct made){0};
    for (int64_t step = -1;;) {
        struct ledger_stmt *stmt = NULL;
        int rc = sql_first(tx,
            "SELECT number, step FROM operations WHERE work_order = ?1 AND step > ?2 ORDER BY step"
            " LIMIT 1",
            Q(Q_I(order), Q_I(step)), &stmt, err);
        if (rc <= 0) {
            return rc;
        }
        int64_t number = ledger_column_i64(stmt, 0);
        step = ledger_column_i64(stmt, 1);
        struct made made = {0};
        rc = operation_made(tx, number, &made, err);
        if (rc < 0) {
            return rc;
        }
        *ret_made = made.good_u > ret_made->good_u ? made : *ret_made;
    }
}

/* Part of an order becomes one of its own, as far as the first one came: planned or released. */
int event_order_split(struct event *event, struct err *err) {
    struct work_order order;
    int64_t part_u = event_i64(event, "quantity", 0);
    int rc = living_order(event, &order, err);
    struct made made = {0};
    rc = rc < 0 ? rc : order_furthest(event->tx, order.number, &made, err);
    if (rc >= 0 && part_u >= order.quantity_u - made.good_u) {
        return err_set(err, ERR_CONFLICT, SAY(PRODUCTION_ORDER_SPLIT_LARGE),
            ARGS(A_CSTR(order.code), A_CSTR(AMOUNT((order.quantity_u - made.good_u)))));
    }
    char today[DATE_TEXT_MAX];
    const struct order_new part = {.item = order.item,
        .quantity_u = part_u,
        .due = event_has(event, "due") ? event_text(event, "due") : str_of(order.due),
        .priority = order.priority,
        .sales_line = order.sales_line,
        .parent = order.parent,
        .split_of = order.number,
        .actor = event->actor,
        .day = day_of(event->time_ns, event->zone, today)};
    int64_t number = 0;
    rc = rc < 0 ? rc : order_insert(event->tx, &part, &number, err);
    rc = rc < 0 ? rc
                : sql_do(event->tx,
                      "UPDATE work_orders SET quantity_u = quantity_u - ?2, proposed = 0"
                      " WHERE number = ?1",
                      Q(Q_I(order.number), Q_I(part_u)), err);
    if (rc >= 0 && strcmp(order.state, "planned") != 0) {
        rc = release(event, number, today, err);
    }
    return rc < 0 ? rc : answer_order(event, number, err);
}

/* Another order of the same item goes into this one, as long as nothing of it was begun. */
int event_order_merge(struct event *event, struct err *err) {
    struct work_order order;
    struct work_order other;
    int rc = living_order(event, &order, err);
    rc = rc < 0 ? rc : order_get(event->tx, event_i64(event, "other", 0), &other, err);
    if (rc < 0) {
        return rc;
    }
    bool fresh = strcmp(other.state, "planned") == 0 || strcmp(other.state, "released") == 0;
    int64_t runs = 0;
    rc = order_begun(event->tx, other.number, &runs, err);
    if (rc >= 0 &&
        (!fresh || runs > 0 || other.item != order.item || other.number == order.number)) {
        return err_set(err, ERR_CONFLICT, SAY(PRODUCTION_ORDER_MERGE),
            ARGS(A_CSTR(other.code), A_CSTR(order.code)));
    }
    rc = rc < 0 ? rc
                : sql_do(event->tx,
                      "UPDATE work_orders SET quantity_u = quantity_u + ?2, proposed = 0"
                      " WHERE number = ?1",
                      Q(Q_I(order.number), Q_I(other.quantity_u)), err);
    rc = rc < 0 ? rc
                : sql_do(event->tx,
                      "UPDATE work_orders SET parent = CASE WHEN number = ?2 THEN NULL ELSE ?2 END"
                      " WHERE parent = ?1",
                      Q(Q_I(other.number), Q_I(order.number)), err);
    rc = rc < 0 ? rc : set_state(event->tx, other.number, "cancelled", "", err);
    return rc < 0 ? rc : answer_order(event, order.number, err);
}
