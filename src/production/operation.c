/*
 * Operations on machines: runs begin, pause and end; what is made without a counter, and what a
 * person corrects.
 *
 * Events come late: a terminal without a network tells what happened ten minutes ago, and the
 * counters went on meanwhile. So a run takes what was counted without a run since it began, by the
 * minute, and gives back what was counted after its end. Times of one machine's runs never overlap:
 * a run that would begin before the last one ended begins when it ended, with a warning.
 */
#include "production/operation.h"

#include <string.h>

#include "core/clock.h"
#include "core/time.h"
#include "production/amount.h"
#include "production/book.h"
#include "production/fill_store.h"
#include "production/mould.h"
#include "production/sql.h"
#include "production/stock.h"

#define MINUTE_NS (60 * NS_PER_S)

enum { PIECES_MAX = 4096 };

/* The first whole minute at or after a moment. */
static int64_t minute_after(int64_t time_ns) {
    return (time_ns + MINUTE_NS - 1) / MINUTE_NS * MINUTE_NS;
}

int run_begin(struct ledger_tx *tx, int64_t operation, int64_t machine, struct str phase,
    int64_t mould, int64_t pieces, int64_t worker, int64_t time_ns, int64_t *ret_run,
    struct err *err) {
    int rc = sql_number(tx,
        "INSERT INTO runs (operation, machine, phase, mould, pieces, worker, begin_ns)"
        " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) RETURNING number",
        Q(Q_I(operation), Q_REF(machine), Q_S(phase), Q_REF(mould), Q_I(pieces), Q_REF(worker),
            Q_I(time_ns)),
        0, ret_run, err);
    if (rc < 0 || machine == 0) {
        return rc;
    }
    return sql_do(tx,
        "UPDATE made SET run = ?1, pieces = counts * ?4"
        " WHERE run = 0 AND machine = ?2 AND minute_ns >= ?3",
        Q(Q_I(*ret_run), Q_I(machine), Q_I(minute_after(time_ns)), Q_I(pieces)), err);
}

int run_end(struct ledger_tx *tx, int64_t run, int64_t time_ns, struct err *err) {
    int rc = sql_do(tx, "UPDATE runs SET end_ns = max(begin_ns, ?2) WHERE number = ?1",
        Q(Q_I(run), Q_I(time_ns)), err);
    int64_t from_ns = minute_after(time_ns);
    rc = rc < 0 ? rc
                : sql_do(tx,
                      "INSERT INTO made (machine, run, minute_ns, counts, pieces, bad)"
                      " SELECT machine, 0, minute_ns, counts, pieces, bad FROM made"
                      " WHERE run = ?1 AND minute_ns >= ?2"
                      " ON CONFLICT (run, machine, minute_ns) DO UPDATE SET"
                      " counts = made.counts + excluded.counts,"
                      " pieces = made.pieces + excluded.pieces, bad = made.bad + excluded.bad",
                      Q(Q_I(run), Q_I(from_ns)), err);
    return rc < 0 ? rc
                  : sql_do(tx, "DELETE FROM made WHERE run = ?1 AND minute_ns >= ?2",
                        Q(Q_I(run), Q_I(from_ns)), err);
}

/* ---- Beginning ---- */

struct begin {
    struct operation operation;
    struct work_order order;
    int64_t machine; // 0: none.
    int64_t mould;
    int64_t pieces;
    int64_t worker;
    int64_t time_ns; // When it begins.
    bool setup;
};

static int check_order(const struct event *event, const struct begin *begin, struct err *err) {
    const struct work_order *order = &begin->order;
    if (strcmp(order->state, "planned") == 0) {
        return err_set(
            err, ERR_CONFLICT, SAY(PRODUCTION_ORDER_NOT_RELEASED), ARGS(A_CSTR(order->code)));
    }
    if (strcmp(order->state, "held") == 0) {
        return err_set(err, ERR_CONFLICT, SAY(PRODUCTION_ORDER_HELD), ARGS(A_CSTR(order->code)));
    }
    bool open = strcmp(order->state, "released") == 0 || strcmp(order->state, "running") == 0;
    return open ? 0
                : err_set(err, ERR_CONFLICT, SAY(PRODUCTION_ORDER_OVER),
                      ARGS(A_CSTR(order->code), A_STR(event_state(event, str_of(order->state)))));
}

/* The cavities that were open then. */
static int mould_pieces(struct event *event, struct begin *begin, struct err *err) {
    return sql_number(event->tx,
        "SELECT coalesce((SELECT c.cavities FROM mould_cavities c WHERE c.mould = m.number"
        " AND c.time_ns <= ?2 ORDER BY c.time_ns DESC, c.number DESC LIMIT 1),"
        " CASE WHEN EXISTS (SELECT 1 FROM mould_cavities c WHERE c.mould = m.number)"
        " THEN m.cavities END, m.cavities_open, m.cavities) FROM moulds m WHERE m.number = ?1",
        Q(Q_I(begin->mould), Q_I(begin->time_ns)), 1, &begin->pieces, err);
}

/* Nobody named a mould: the one that hangs in the machine and makes this item, else the one that
 * this operation ran with before. */
static int find_mould(struct event *event, struct begin *begin, struct err *err) {
    if (event_has(event, "mould") || begin->machine == 0) {
        begin->mould = event_i64(event, "mould", 0);
        return 0;
    }
    int rc = sql_number(event->tx,
        "SELECT m.number FROM mould_mounts h JOIN moulds m ON m.number = h.mould"
        " WHERE h.machine = ?1 AND h.begin_ns <= ?2 AND (h.end_ns IS NULL OR h.end_ns > ?2)"
        " AND coalesce(m.item, ?3) = ?3 ORDER BY h.begin_ns DESC LIMIT 1",
        Q(Q_I(begin->machine), Q_I(begin->time_ns), Q_I(begin->order.item)), 0, &begin->mould, err);
    if (rc >= 0 && begin->mould == 0) {
        rc = sql_number(event->tx,
            "SELECT r.mould FROM runs r JOIN moulds m ON m.number = r.mould WHERE r.operation = ?1"
            " AND r.machine = ?2 AND NOT EXISTS (SELECT 1 FROM mould_mounts h WHERE"
            " (h.machine = ?2 OR h.mould = r.mould) AND h.end_ns IS NULL)"
            " ORDER BY r.begin_ns DESC LIMIT 1",
            Q(Q_I(begin->operation.number), Q_I(begin->machine)), 0, &begin->mould, err);
    }
    if (rc >= 0 && begin->mould != 0) {
        struct str code = STR_NONE;
        rc = code_get(event, "moulds", begin->mould, &code, err);
        json_put_str(event->answer, "mould", code);
    }
    return rc;
}

/* Open cavities of the mould, else what a count of the machine is. */
static int find_pieces(struct event *event, struct begin *begin, struct err *err) {
    begin->pieces = 1;
    int rc = find_mould(event, begin, err);
    if (rc >= 0 && begin->machine != 0) {
        rc = sql_number(event->tx, "SELECT pieces FROM machines WHERE number = ?1",
            Q(Q_I(begin->machine)), 1, &begin->pieces, err);
    }
    if (rc >= 0 && begin->mould != 0) {
        int64_t other = 0;
        rc = sql_number(event->tx,
            "SELECT item FROM moulds WHERE number = ?1 AND item IS NOT NULL AND item <> ?2",
            Q(Q_I(begin->mould), Q_I(begin->order.item)), 0, &other, err);
        if (rc >= 0 && other != 0) {
            return err_set(err, ERR_CONFLICT, SAY(PRODUCTION_MOULD_ITEM),
                ARGS(A_STR(event_text(event, "mould")), A_CSTR(begin->order.item_code)));
        }
        rc = rc < 0 ? rc : mould_pieces(event, begin, err);
    }
    if (rc >= 0 && begin->mould != 0 && begin->pieces < 1) {
        return err_set(err, ERR_CONFLICT, SAY(PRODUCTION_MOULD_CLOSED),
            ARGS(A_STR(event_text(event, "mould"))));
    }
    if (rc >= 0 && (begin->pieces < 1 || begin->pieces > PIECES_MAX)) {
        return err_set(err, ERR_INVALID, SAY(PRODUCTION_PIECES), ARGS(A_INT(begin->pieces)));
    }
    return rc;
}

/* What runs on the machine: the same operation goes on; from set-up to making, with another worker,
 * mould or number of open cavities its run ends and the next one begins; another operation is in
 * the way. */
static int clear_machine(
    struct event *event, struct begin *begin, int64_t *ret_going_on, struct err *err) {
    struct ledger_stmt *stmt = NULL;
    int rc = sql_first(event->tx,
        "SELECT r.number, r.operation, r.phase, w.code, o.step, coalesce(r.worker, 0),"
        " coalesce(r.mould, 0), r.pieces FROM runs r"
        " JOIN operations o ON o.number = r.operation JOIN work_orders w ON w.number = o.work_order"
        " WHERE r.end_ns IS NULL AND ((?1 <> 0 AND r.machine = ?1)"
        " OR (?1 = 0 AND r.machine IS NULL AND r.operation = ?2))",
        Q(Q_I(begin->machine), Q_I(begin->operation.number)), &stmt, err);
    if (rc <= 0) {
        return rc;
    }
    int64_t run = ledger_column_i64(stmt, 0);
    if (ledger_column_i64(stmt, 1) != begin->operation.number) {
        return err_set(err, ERR_CONFLICT, SAY(PRODUCTION_MACHINE_BUSY),
            ARGS(A_STR(event_text(event, "machine")), A_STR(ledger_column_str(stmt, 3)),
                A_INT(ledger_column_i64(stmt, 4))));
    }
    bool setup = str_eq(ledger_column_str(stmt, 2), STR("setup"));
    int64_t worker = ledger_column_i64(stmt, 5);
    int64_t mould = ledger_column_i64(stmt, 6);
    int64_t pieces = ledger_column_i64(stmt, 7);
    bool other = begin->worker != 0 && begin->worker != worker;
    begin->worker = begin->worker != 0 ? begin->worker : worker;
    if (begin->mould == 0 && mould != 0) { // The same mould, with as many cavities as are open now.
        begin->mould = mould;
        rc = mould_pieces(event, begin, err);
        if (rc < 0) {
            return rc;
        }
    }
    other = other || begin->mould != mould || begin->pieces != pieces;
    if (setup == begin->setup && !other) {
        *ret_going_on = run;
        return 0;
    }
    return run_end(event->tx, run, event->time_ns, err);
}

/* When the run may begin: not before the machine's last one ended. */
static int begin_time(
    struct event *event, const struct begin *begin, int64_t *ret_time_ns, struct err *err) {
    int64_t ended_ns = INT64_MIN;
    int rc = begin->machine == 0
                 ? 0
                 : sql_number(event->tx, "SELECT max(end_ns) FROM runs WHERE machine = ?1",
                       Q(Q_I(begin->machine)), INT64_MIN, &ended_ns, err);
    *ret_time_ns = event->time_ns;
    if (rc >= 0 && ended_ns > event->time_ns) {
        char text[TIME_TEXT_MAX];
        (void)time_format(ended_ns, event->zone, text);
        event_warn(event, SAY(PRODUCTION_RUN_LATER), ARGS(A_CSTR(text)));
        *ret_time_ns = ended_ns;
    }
    return rc;
}

static int warn_before(struct event *event, const struct begin *begin, struct err *err) {
    int64_t before = 0;
    int rc = sql_number(event->tx,
        "SELECT step FROM operations WHERE work_order = ?1 AND step < ?2 AND state = 'waiting'"
        " ORDER BY step LIMIT 1",
        Q(Q_I(begin->order.number), Q_I(begin->operation.step)), 0, &before, err);
    if (rc >= 0 && before != 0) {
        event_warn(
            event, SAY(PRODUCTION_STEP_BEFORE), ARGS(A_CSTR(begin->order.code), A_INT(before)));
    }
    return rc;
}

static int begin_store(struct event *event, struct begin *begin, struct err *err) {
    int64_t time_ns = 0;
    int64_t run = 0;
    int rc = begin->mould == 0 ? 0 : mould_check(event, begin->mould, begin->machine, err);
    rc = rc < 0 ? rc : begin_time(event, begin, &time_ns, err);
    if (rc >= 0 && begin->mould != 0 && begin->machine != 0) {
        rc = mould_put_on(event, begin->mould, begin->machine, time_ns, err);
    }
    rc = rc < 0 ? rc
                : run_begin(event->tx, begin->operation.number, begin->machine,
                      begin->setup ? STR("setup") : STR("make"), begin->mould, begin->pieces,
                      begin->worker, time_ns, &run, err);
    rc = rc < 0 ? rc
                : sql_do(event->tx,
                      "UPDATE operations SET state = 'running', machine = coalesce(?2, machine)"
                      " WHERE number = ?1",
                      Q(Q_I(begin->operation.number), Q_REF(begin->machine)), err);
    rc = rc < 0 ? rc
                : sql_do(event->tx,
                      "UPDATE work_orders SET state = 'running', proposed = 0 WHERE number = ?1",
                      Q(Q_I(begin->order.number)), err);
    rc = rc < 0 ? rc
                : sql_do(event->tx,
                      "UPDATE lots SET state = 'open' WHERE number = ?1 AND state = 'planned'",
                      Q(Q_I(begin->order.lot)), err);
    json_put_i64(event->answer, "run", run);
    return rc < 0 ? rc : warn_before(event, begin, err);
}

int event_operation_begin(struct event *event, struct err *err) {
    struct begin begin = {
        .time_ns = event->time_ns, .setup = str_eq(event_text(event, "phase"), STR("setup"))};
    int rc = operation_get(event->tx, event_i64(event, "operation", 0), &begin.operation, err);
    rc = rc < 0 ? rc : order_get(event->tx, begin.operation.order, &begin.order, err);
    rc = rc < 0 ? rc : check_order(event, &begin, err);
    if (rc < 0) {
        return rc;
    }
    begin.machine = event_i64(event, "machine", begin.operation.machine);
    begin.worker = event_i64(event, "worker", 0);
    int64_t going_on = 0;
    rc = find_pieces(event, &begin, err);
    rc = rc < 0 ? rc : clear_machine(event, &begin, &going_on, err);
    json_put_str(event->answer, "order", str_of(begin.order.code));
    if (rc >= 0 && going_on != 0) {
        event_warn(event, SAY(PRODUCTION_RUN_GOES_ON), ARGS(A_CSTR(begin.order.code)));
        json_put_i64(event->answer, "run", going_on);
        return 0;
    }
    return rc < 0 ? rc : begin_store(event, &begin, err);
}

/* ---- Pausing and ending ---- */

/* Ends the operation's open runs. Count. */
static int runs_end(struct event *event, int64_t operation, struct err *err) {
    int count = 0;
    for (int64_t run = -1; run != 0; count += run != 0) {
        int rc = sql_number(event->tx,
            "SELECT number FROM runs WHERE operation = ?1 AND end_ns IS NULL LIMIT 1",
            Q(Q_I(operation)), 0, &run, err);
        rc = rc < 0 || run == 0 ? rc : run_end(event->tx, run, event->time_ns, err);
        if (rc < 0) {
            return rc;
        }
    }
    return count;
}

static int answer_made(struct event *event, const struct operation *operation,
    const struct work_order *order, struct err *err) {
    struct made made = {0};
    int rc = operation_made(event->tx, operation->number, &made, err);
    if (rc >= 0 && made.good_u > order->quantity_u) {
        event_warn(event, SAY(PRODUCTION_ORDER_OVER_MADE),
            ARGS(A_CSTR(order->code), A_CSTR(AMOUNT(made.good_u)),
                A_CSTR(AMOUNT(order->quantity_u))));
    }
    json_put_str(event->answer, "order", str_of(order->code));
    json_put_f64(event->answer, "good", (double)made.good_u / 1e6);
    json_put_f64(event->answer, "bad", (double)made.bad_u / 1e6);
    return rc;
}

static int operation_stop(struct event *event, int64_t number, const char *state, struct err *err) {
    struct operation operation;
    struct work_order order;
    int rc = operation_get(event->tx, number, &operation, err);
    rc = rc < 0 ? rc : order_get(event->tx, operation.order, &order, err);
    int ended = rc < 0 ? rc : runs_end(event, operation.number, err);
    if (ended < 0) {
        return ended;
    }
    bool done = strcmp(operation.state, "done") == 0;
    if (ended == 0 && !done) {
        event_warn(event, SAY(PRODUCTION_NOTHING_RUNS), ARGS(A_CSTR(order.code)));
    }
    if (!done && (ended > 0 || strcmp(state, "done") == 0)) {
        rc = sql_do(event->tx, "UPDATE operations SET state = ?2 WHERE number = ?1",
            Q(Q_I(operation.number), Q_S(str_of(state))), err);
    }
    rc = rc < 0 ? rc : book_operation(event, &operation, &order, err);
    return rc < 0 ? rc : answer_made(event, &operation, &order, err);
}

int event_operation_pause(struct event *event, struct err *err) {
    return operation_stop(event, event_i64(event, "operation", 0), "paused", err);
}

/* An order that is short says so (order.reopen takes it up again). */
static int end_order(struct event *event, int64_t number, struct err *err) {
    struct operation operation;
    struct work_order order;
    int rc = operation_get(event->tx, number, &operation, err);
    rc = rc < 0 ? rc : order_get(event->tx, operation.order, &order, err);
    int64_t left = 0;
    rc = rc < 0 ? rc
                : sql_number(event->tx,
                      "SELECT count(*) FROM operations WHERE work_order = ?1 AND state <> 'done'",
                      Q(Q_I(operation.order)), 0, &left, err);
    bool open = strcmp(order.state, "released") == 0 || strcmp(order.state, "running") == 0;
    if (rc < 0 || left > 0 || !open) {
        return rc;
    }
    struct made made = {0};
    rc = order_made(event->tx, order.number, &made, err);
    if (rc >= 0 && made.good_u < order.quantity_u) {
        event_warn(event, SAY(PRODUCTION_ORDER_SHORT),
            ARGS(
                A_CSTR(order.code), A_CSTR(AMOUNT(made.good_u)), A_CSTR(AMOUNT(order.quantity_u))));
    }
    return rc < 0 ? rc
                  : sql_do(event->tx, "UPDATE work_orders SET state = 'done' WHERE number = ?1",
                        Q(Q_I(order.number)), err);
}

int operation_finish(struct event *event, int64_t operation, struct err *err) {
    int rc = operation_stop(event, operation, "done", err);
    return rc < 0 ? rc : end_order(event, operation, err);
}

int event_operation_end(struct event *event, struct err *err) {
    return operation_finish(event, event_i64(event, "operation", 0), err);
}

/* ---- By hand ---- */

/* The run that a count belongs to: the open one or the last; a new one of no length where there was
 * none, for work that nobody began. */
static int run_for_hand(
    struct event *event, const struct operation *operation, int64_t *ret_run, struct err *err) {
    int rc = sql_number(event->tx,
        "SELECT number FROM runs WHERE operation = ?1 ORDER BY end_ns IS NULL DESC, begin_ns DESC"
        " LIMIT 1",
        Q(Q_I(operation->number)), 0, ret_run, err);
    if (rc < 0 || *ret_run != 0) {
        return rc;
    }
    rc = run_begin(event->tx, operation->number, 0, STR("make"), 0, 1,
        event_i64(event, "worker", 0), event->time_ns, ret_run, err);
    rc = rc < 0 ? rc : run_end(event->tx, *ret_run, event->time_ns, err);
    return rc;
}

int operation_count(
    struct event *event, int64_t number, int64_t good_u, int64_t bad_u, struct err *err) {
    struct operation operation;
    struct work_order order;
    int rc = operation_get(event->tx, number, &operation, err);
    rc = rc < 0 ? rc : order_get(event->tx, operation.order, &order, err);
    if (rc < 0) {
        return rc;
    }
    struct begin begin = {.order = order};
    rc = strcmp(order.state, "done") == 0 ? 0 : check_order(event, &begin, err);
    if (rc >= 0 && good_u == 0 && bad_u == 0) {
        return err_set(err, ERR_INVALID, SAY(PRODUCTION_MADE_NOTHING), NO_ARGS);
    }
    struct made made = {0};
    rc = rc < 0 ? rc : operation_made(event->tx, operation.number, &made, err);
    if (rc >= 0 && (made.good_u + good_u < 0 || made.bad_u + bad_u < 0)) {
        return err_set(err, ERR_CONFLICT, SAY(PRODUCTION_MADE_BELOW),
            ARGS(A_CSTR(order.code), A_CSTR(AMOUNT(made.good_u)), A_CSTR(AMOUNT(made.bad_u))));
    }
    int64_t run = 0;
    rc = rc < 0 ? rc : run_for_hand(event, &operation, &run, err);
    rc = rc < 0 ? rc
                : sql_do(event->tx,
                      "INSERT INTO made_by_hand (run, time_ns, good_u, bad_u, reason, why, event)"
                      " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
                      Q(Q_I(run), Q_I(event->time_ns), Q_I(good_u), Q_I(bad_u),
                          Q_REF(event_i64(event, "reason", 0)), Q_S(event_text(event, "why")),
                          Q_I(event->number)),
                      err);
    rc = rc < 0 ? rc : book_operation(event, &operation, &order, err);
    return rc < 0 ? rc : answer_made(event, &operation, &order, err);
}

int event_made_enter(struct event *event, struct err *err) {
    return operation_count(event, event_i64(event, "operation", 0), event_i64(event, "good", 0),
        event_i64(event, "bad", 0), err);
}

/* ---- What ran without an order ---- */

static int check_assign(struct event *event, const struct begin *begin, int64_t begin_ns,
    int64_t end_ns, struct err *err) {
    if (begin->machine == 0) {
        return err_set(err, ERR_INVALID, SAY(PRODUCTION_ASSIGN_MACHINE), NO_ARGS);
    }
    if (end_ns <= begin_ns || end_ns > event->entered_ns) {
        return err_set(err, ERR_INVALID, SAY(PRODUCTION_ASSIGN_TIME), NO_ARGS);
    }
    struct ledger_stmt *stmt = NULL;
    int rc = sql_first(event->tx,
        "SELECT a.id, w.code, o.step, r.begin_ns FROM runs r"
        " JOIN operations o ON o.number = r.operation JOIN work_orders w ON w.number = o.work_order"
        " JOIN machines m ON m.number = r.machine JOIN assets a ON a.number = m.asset"
        " WHERE r.machine = ?1 AND r.begin_ns < ?3 AND coalesce(r.end_ns, ?3) > ?2"
        " AND (r.end_ns IS NULL OR r.end_ns > r.begin_ns) ORDER BY r.begin_ns LIMIT 1",
        Q(Q_I(begin->machine), Q_I(begin_ns), Q_I(end_ns)), &stmt, err);
    if (rc <= 0) {
        return rc;
    }
    char since[TIME_TEXT_MAX];
    (void)time_format(ledger_column_i64(stmt, 3), event->zone, since);
    return err_set(err, ERR_CONFLICT, SAY(PRODUCTION_ASSIGN_BUSY),
        ARGS(A_STR(ledger_column_str(stmt, 0)), A_STR(ledger_column_str(stmt, 1)),
            A_INT(ledger_column_i64(stmt, 2)), A_CSTR(since)));
}

/* The run as it would have been, with the whole minutes that were counted without one. */
static int assign_run(struct event *event, const struct begin *begin, int64_t begin_ns,
    int64_t end_ns, int64_t *ret_run, struct err *err) {
    int rc = sql_number(event->tx,
        "INSERT INTO runs (operation, machine, phase, mould, pieces, worker, begin_ns, end_ns)"
        " VALUES (?1, ?2, 'make', ?3, ?4, ?5, ?6, ?7) RETURNING number",
        Q(Q_I(begin->operation.number), Q_I(begin->machine), Q_REF(begin->mould),
            Q_I(begin->pieces), Q_REF(begin->worker), Q_I(begin_ns), Q_I(end_ns)),
        0, ret_run, err);
    rc = rc < 0 ? rc
                : sql_do(event->tx,
                      "UPDATE made SET run = ?1, pieces = counts * ?2 WHERE run = 0"
                      " AND machine = ?3 AND minute_ns >= ?4 AND minute_ns < ?5",
                      Q(Q_I(*ret_run), Q_I(begin->pieces), Q_I(begin->machine),
                          Q_I(minute_after(begin_ns)), Q_I(minute_after(end_ns))),
                      err);
    int64_t counts = 0;
    rc = rc < 0 ? rc
                : sql_number(event->tx, "SELECT sum(counts) FROM made WHERE run = ?1",
                      Q(Q_I(*ret_run)), 0, &counts, err);
    if (rc >= 0 && counts == 0) {
        event_warn(event, SAY(PRODUCTION_ASSIGN_NOTHING), NO_ARGS);
    }
    return rc < 0 ? rc : fill_stops_again(event->tx, begin->machine, begin_ns, err);
}

int event_made_assign(struct event *event, struct err *err) {
    int64_t begin_ns = event_i64(event, "begin", 0);
    struct begin begin = {.time_ns = begin_ns};
    int64_t end_ns = event_i64(event, "end", 0);
    int64_t run = 0;
    int rc = operation_get(event->tx, event_i64(event, "operation", 0), &begin.operation, err);
    rc = rc < 0 ? rc : order_get(event->tx, begin.operation.order, &begin.order, err);
    if (rc < 0) {
        return rc;
    }
    begin.machine = event_i64(event, "machine", begin.operation.machine);
    begin.worker = event_i64(event, "worker", 0);
    rc = strcmp(begin.order.state, "done") == 0 ? 0 : check_order(event, &begin, err);
    rc = rc < 0 ? rc : find_pieces(event, &begin, err);
    rc = rc < 0 ? rc : check_assign(event, &begin, begin_ns, end_ns, err);
    rc = rc < 0 ? rc : assign_run(event, &begin, begin_ns, end_ns, &run, err);
    rc = rc < 0 ? rc
                : sql_do(event->tx,
                      "UPDATE operations SET state = 'paused', machine = coalesce(machine, ?2)"
                      " WHERE number = ?1 AND state = 'waiting'",
                      Q(Q_I(begin.operation.number), Q_I(begin.machine)), err);
    rc = rc < 0 ? rc
                : sql_do(event->tx,
                      "UPDATE work_orders SET state = 'running', proposed = 0"
                      " WHERE number = ?1 AND state = 'released'",
                      Q(Q_I(begin.order.number)), err);
    json_put_i64(event->answer, "run", run);
    rc = rc < 0 ? rc : book_operation(event, &begin.operation, &begin.order, err);
    return rc < 0 ? rc : answer_made(event, &begin.operation, &begin.order, err);
}
