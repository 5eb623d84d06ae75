/*
 * Booking follows from what stands: wanted so far, less booked so far. No mark says what was booked
 * but the moves themselves, so a booking that was cut short, a correction of the counts or a
 * material that came late all mend themselves with the next one. A correction downwards takes good
 * pieces out of the lot again where they still lie there; materials that were taken stay taken.
 */
#include "production/book.h"

#include "production/amount.h"
#include "production/mrp.h"
#include "production/sql.h"
#include "production/stock.h"

enum { BOOK_LINES_MAX = 500 };

struct need {
    int64_t item;
    char code[72];
    struct mrp_line line;
};

/* Lines of the bill of material that this step takes; those without a step of the order belong to
 * the first. */
static int read_needs(struct event *event, const struct operation *operation,
    const struct work_order *order, struct need *needs, struct err *err) {
    struct ledger_stmt *stmt = NULL;
    int rc = sql_begin(event->tx,
        "SELECT b.component, i.code, b.quantity_u, b.base_u, coalesce(b.scrap_ppm, 0) FROM boms b"
        " JOIN items i ON i.number = b.component WHERE b.item = ?1 AND b.version = ?2"
        " AND coalesce((SELECT o.step FROM operations o WHERE o.work_order = ?3 AND o.step = "
        "b.step),"
        " (SELECT min(o.step) FROM operations o WHERE o.work_order = ?3)) = ?4"
        " ORDER BY b.line LIMIT 500",
        Q(Q_I(order->item), Q_I(order->bom_version), Q_I(order->number), Q_I(operation->step)),
        &stmt, err);
    int count = 0;
    while (rc >= 0 && (rc = ledger_step(stmt, err)) > 0) {
        struct need *need = &needs[count++];
        *need = (struct need){.item = ledger_column_i64(stmt, 0),
            .line = {.quantity_u = ledger_column_i64(stmt, 2),
                .base_u = ledger_column_i64(stmt, 3),
                .scrap_ppm = ledger_column_i64(stmt, 4)}};
        (void)str_copy_z(ledger_column_str(stmt, 1), need->code, sizeof need->code);
    }
    return rc < 0 ? rc : count;
}

/* Takes what is there of it, and says what is missing. What was used without its inspection was
 * used all the same: it is taken last, and said. */
static int take_part(struct event *event, struct stock_wish *wish, const struct need *need,
    struct stock_picks *picks, struct err *err) {
    int64_t wanted_u = wish->move.quantity_u;
    bool waits = picks->waiting != 0;
    if (waits) {
        struct str lot = STR_NONE;
        int status = code_get(event, "lots", picks->waiting, &lot, err);
        if (status < 0) {
            return status;
        }
        event_warn(event, SAY(PRODUCTION_BOOK_UNSEEN), ARGS(A_CSTR(need->code), A_STR(lot)));
        wish->unseen = true;
    }
    wish->move.quantity_u = 0;
    bool any = stock_propose(event, wish, picks, NULL) >= 0 && picks->total_u > 0;
    wish->move.quantity_u = any && picks->total_u < wanted_u ? picks->total_u : wanted_u;
    int64_t taken_u = 0;
    int rc = 0;
    if (any) {
        rc = stock_consume(event, wish, picks, err);
        taken_u = picks->total_u;
    }
    if (rc >= 0 && taken_u < wanted_u) {
        event_warn(event, SAY(PRODUCTION_BOOK_SHORT),
            ARGS(A_CSTR(need->code), A_CSTR(AMOUNT(wanted_u)), A_CSTR(AMOUNT(taken_u))));
    }
    return rc;
}

static int booked_of(struct event *event, const struct operation *operation, int64_t item,
    int64_t *ret_u, struct err *err) {
    return sql_number(event->tx,
        "SELECT -sum(quantity_u) FROM stock_moves WHERE work_order = ?1 AND operation = ?2"
        " AND item = ?3 AND kind = 'consume'",
        Q(Q_I(operation->order), Q_I(operation->number), Q_I(item)), 0, ret_u, err);
}

static int book_need(struct event *event, const struct operation *operation,
    const struct work_order *order, const struct need *need, int64_t wanted_u, struct err *err) {
    int64_t booked_u = 0;
    int64_t saved_u = 0;
    int rc = booked_of(event, operation, need->item, &booked_u, err);
    rc = rc < 0 ? rc
                : sql_number(event->tx,
                      "SELECT quantity_u FROM material_saved WHERE operation = ?1 AND item = ?2",
                      Q(Q_I(operation->number), Q_I(need->item)), 0, &saved_u, err);
    wanted_u -= booked_u + saved_u;
    int64_t place = 0;
    if (rc >= 0 && wanted_u > 0) {
        rc = sql_number(event->tx, "SELECT place FROM workcentres WHERE number = ?1",
            Q(Q_REF(operation->workcentre)), 0, &place, err);
    }
    if (rc < 0 || wanted_u <= 0) {
        return rc;
    }
    struct stock_picks *picks = ARENA_NEW(event->arena, struct stock_picks);
    struct stock_wish wish = {.move = {.kind = "consume",
                                  .item = need->item,
                                  .quantity_u = wanted_u,
                                  .price_u = -1,
                                  .work_order = order->number,
                                  .operation = operation->number},
        .first_place = place};
    rc = stock_propose(event, &wish, picks, NULL);
    return rc == -ERR_CONFLICT ? take_part(event, &wish, need, picks, err)
                               : stock_consume(event, &wish, picks, err);
}

/* Where what the operation makes is put: at its work centre, else where the item lies by default.
 */
static int output_place(struct event *event, const struct operation *operation, int64_t item,
    int64_t *ret_place, struct err *err) {
    return sql_number(event->tx,
        "SELECT coalesce((SELECT place FROM workcentres WHERE number = ?1),"
        " (SELECT place FROM items WHERE number = ?2))",
        Q(Q_REF(operation->workcentre), Q_I(item)), 0, ret_place, err);
}

/* Fewer good pieces than were booked: they are taken out wherever the lot lies, at `place` first.
 */
static int take_output(
    struct event *event, const struct stock_move *output, int64_t less_u, struct err *err) {
    struct stock_picks *picks = ARENA_NEW(event->arena, struct stock_picks);
    struct stock_wish wish = {.move = *output, .any_state = true, .first_place = output->place};
    wish.move.place = 0;
    wish.move.quantity_u = 0; // All there is.
    bool any = stock_propose(event, &wish, picks, NULL) >= 0;
    int64_t there_u = any ? picks->total_u : 0;
    int rc = 0;
    if (there_u > 0) {
        wish.move.quantity_u = there_u < less_u ? there_u : less_u;
        rc = stock_take(event, &wish, picks, err);
    }
    if (rc >= 0 && there_u < less_u) { // They were used or sent already.
        struct str code = STR_NONE;
        rc = code_get(event, "work_orders", output->work_order, &code, err);
        event_warn(
            event, SAY(PRODUCTION_BOOK_GONE), ARGS(A_STR(code), A_CSTR(AMOUNT(less_u - there_u))));
    }
    return rc;
}

static int book_output(struct event *event, const struct operation *operation,
    const struct work_order *order, int64_t good_u, struct err *err) {
    int64_t booked_u = 0;
    int64_t place = 0;
    char today[DATE_TEXT_MAX];
    (void)day_of(event->time_ns, event->zone, today);
    int rc = sql_number(event->tx,
        "SELECT sum(quantity_u) FROM stock_moves WHERE work_order = ?1 AND kind = 'output'",
        Q(Q_I(order->number)), 0, &booked_u, err);
    rc = rc < 0 ? rc : output_place(event, operation, order->item, &place, err);
    if (rc < 0 || good_u == booked_u) {
        return rc;
    }
    if (place == 0) {
        event_warn(event, SAY(PRODUCTION_BOOK_NO_PLACE), ARGS(A_CSTR(order->item_code)));
        return 0;
    }
    const struct stock_move move = {.kind = "output",
        .item = order->item,
        .lot = order->lot,
        .place = place,
        .quantity_u = good_u - booked_u,
        .price_u = -1,
        .work_order = order->number,
        .operation = operation->number};
    if (good_u < booked_u) {
        return take_output(event, &move, booked_u - good_u, err);
    }
    rc = stock_move(event, &move, err);
    return rc < 0 ? rc
                  : sql_do(event->tx,
                        "UPDATE lots SET made_ns = coalesce(made_ns, ?2),"
                        " state = CASE state WHEN 'planned' THEN 'open' ELSE state END,"
                        " expires = CASE WHEN expires = '' THEN coalesce((SELECT date(?3, '+' ||"
                        " i.shelf_days || ' days') FROM items i WHERE i.number = lots.item"
                        " AND i.shelf_days IS NOT NULL), '') ELSE expires END WHERE number = ?1",
                        Q(Q_I(order->lot), Q_I(event->time_ns), Q_S(str_of(today))), err);
}

/* What the bill of material wants of an item for what was made so far. */
static int wanted_of(struct event *event, const struct operation *operation,
    const struct work_order *order, int64_t item, int64_t *ret_u, struct err *err) {
    struct made made = {0};
    struct need *needs = ARENA_ARRAY(event->arena, struct need, BOOK_LINES_MAX);
    int rc = operation_made(event->tx, operation->number, &made, err);
    int count = rc < 0 ? rc : read_needs(event, operation, order, needs, err);
    *ret_u = 0;
    for (int i = 0; i < count; i++) {
        *ret_u += needs[i].item == item
                      ? mrp_component_need(made.good_u + made.bad_u, &needs[i].line)
                      : 0;
    }
    return count < 0 ? count : 0;
}

static int64_t above_zero(int64_t value) {
    return value > 0 ? value : 0;
}

int book_give_back(
    struct event *event, int64_t operation, int64_t item, int64_t quantity_u, struct err *err) {
    struct operation step;
    struct work_order order;
    int64_t wanted_u = 0;
    int64_t booked_u = 0;
    int rc = operation_get(event->tx, operation, &step, err);
    rc = rc < 0 ? rc : order_get(event->tx, step.order, &order, err);
    rc = rc < 0 ? rc : wanted_of(event, &step, &order, item, &wanted_u, err);
    rc = rc < 0 ? rc : booked_of(event, &step, item, &booked_u, err);
    int64_t saved_u =
        above_zero(wanted_u - booked_u) - above_zero(wanted_u - booked_u - quantity_u);
    return rc < 0 || saved_u <= 0
               ? rc
               : sql_do(event->tx,
                     "INSERT INTO material_saved (operation, item, quantity_u) VALUES (?1, ?2, ?3)"
                     " ON CONFLICT (operation, item) DO UPDATE SET quantity_u = quantity_u +"
                     " excluded.quantity_u",
                     Q(Q_I(operation), Q_I(item), Q_I(saved_u)), err);
}

static int book_all(struct event *event, const struct operation *operation,
    const struct work_order *order, struct err *err) {
    struct made made = {0};
    struct need *needs = ARENA_ARRAY(event->arena, struct need, BOOK_LINES_MAX);
    int rc = operation_made(event->tx, operation->number, &made, err);
    int count = rc < 0 ? rc : read_needs(event, operation, order, needs, err);
    for (int i = 0; i < count && rc >= 0; i++) {
        int64_t wanted_u = mrp_component_need(made.good_u + made.bad_u, &needs[i].line);
        for (int k = 0; k < i; k++) { // What earlier lines want of the same item is booked with it.
            wanted_u += needs[k].item == needs[i].item
                            ? mrp_component_need(made.good_u + made.bad_u, &needs[k].line)
                            : 0;
        }
        rc = book_need(event, operation, order, &needs[i], wanted_u, err);
    }
    int64_t later = 0;
    rc = rc < 0 || count < 0 ? (rc < 0 ? rc : count)
                             : sql_number(event->tx,
                                   "SELECT count(*) FROM operations WHERE work_order = ?1"
                                   " AND step > ?2",
                                   Q(Q_I(order->number), Q_I(operation->step)), 0, &later, err);
    return rc < 0 || later > 0 ? rc : book_output(event, operation, order, made.good_u, err);
}

/* Work that ended has ended, whatever hinders the booking: it is undone and told. */
int book_operation(struct event *event, const struct operation *operation,
    const struct work_order *order, struct err *err) {
    struct err fault = ERR_INIT;
    int rc = sql_do(event->tx, "SAVEPOINT booking", NULL, 0, err);
    if (rc < 0) {
        return rc;
    }
    rc = book_all(event, operation, order, &fault);
    if (rc == -ERR_CONFLICT || rc == -ERR_INVALID || rc == -ERR_RANGE || rc == -ERR_LIMIT) {
        AUTO_BUF struct buf words;
        buf_init(&words, 4096);
        err_render(&fault, event->lang, &words);
        event_warn(event, SAY(PRODUCTION_BOOK_HINDERED),
            ARGS(A_CSTR(order->code), A_STR(buf_str(&words))));
        rc = sql_do(event->tx, "ROLLBACK TO booking", NULL, 0, err);
    } else if (rc < 0) {
        if (err != NULL) {
            *err = fault;
        }
        return rc; // The ledger itself refuses: everything is undone.
    }
    return rc < 0 ? rc : sql_do(event->tx, "RELEASE booking", NULL, 0, err);
}

int book_order(struct event *event, const struct work_order *order, struct err *err) {
    int64_t step = -1;
    for (;;) { // By step: the statement is not kept open over bookings.
        int64_t number = 0;
        struct operation operation;
        int rc = sql_number(event->tx,
            "SELECT number FROM operations WHERE work_order = ?1 AND step > ?2 ORDER BY step"
            " LIMIT 1",
            Q(Q_I(order->number), Q_I(step)), 0, &number, err);
        rc = rc < 0 || number == 0 ? rc : operation_get(event->tx, number, &operation, err);
        if (rc < 0 || number == 0) {
            return rc;
        }
        step = operation.step;
        rc = book_operation(event, &operation, order, err);
        if (rc < 0) {
            return rc;
        }
    }
}
