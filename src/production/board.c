/*
 * The board of finite capacity.
 *
 * One operation is put where a person drags it, and what lies there at the same time is told, not
 * moved: whoever plans knows why. `board.run` puts all of them: in the order of work, each as soon
 * as its machine is free, the step before it has ended and the orders it needs have ended, in
 * working time. An operation takes its set-up and what is left at the ideal cycle; one without a
 * cycle an hour. Work at a place without a machine takes no capacity.
 */
#include "production/board.h"

#include <string.h>

#include "core/clock.h"
#include "production/event_handler.h"
#include "production/order.h"
#include "production/sql.h"

enum { LOOK_DAYS = 20, BOARD_MAX = 20000 };

#define DAY_NS (86400 * NS_PER_S)

/* ---- Working time ---- */

int board_work_end(const struct calendar *calendar, const struct zone *zone, int64_t begin_ns,
    int64_t length_ns, struct arena *arena, int64_t *ret_begin_ns, int64_t *ret_end_ns,
    struct err *err) {
    *ret_begin_ns = INT64_MAX;
    *ret_end_ns = INT64_MAX;
    int64_t left_ns = length_ns > 0 ? length_ns : 1;
    for (int64_t from_ns = begin_ns; from_ns < begin_ns + CALENDAR_SPAN_DAYS_MAX * DAY_NS;
         from_ns += LOOK_DAYS * DAY_NS) {
        struct kpi_span *spans = NULL;
        int count = calendar_plan(
            calendar, zone, from_ns, from_ns + LOOK_DAYS * DAY_NS, arena, &spans, err);
        if (count < 0) {
            return count;
        }
        for (int i = 0; i < count; i++) {
            int64_t span_from_ns = spans[i].from_ns > from_ns ? spans[i].from_ns : from_ns;
            int64_t span_to_ns = spans[i].to_ns < from_ns + LOOK_DAYS * DAY_NS
                                     ? spans[i].to_ns
                                     : from_ns + LOOK_DAYS * DAY_NS;
            if (spans[i].what != 0 || span_to_ns <= span_from_ns) {
                continue;
            }
            *ret_begin_ns = *ret_begin_ns == INT64_MAX ? span_from_ns : *ret_begin_ns;
            if (span_to_ns - span_from_ns >= left_ns) {
                *ret_end_ns = span_from_ns + left_ns;
                return 0;
            }
            left_ns -= span_to_ns - span_from_ns;
        }
    }
    return 0;
}

/* ---- One operation ---- */

struct work {
    int64_t operation;
    int64_t order;
    int64_t machine; // 0: none.
    int64_t quantity_u;
    bool runs;
};

static int work_length(
    struct event *event, const struct work *work, int64_t *ret_length_ns, struct err *err) {
    struct ledger_stmt *stmt = NULL;
    int rc = sql_first(event->tx,
        "SELECT coalesce(cycle_ns, 0), coalesce(setup_ns, 0) FROM operations WHERE number = ?1",
        Q(Q_I(work->operation)), &stmt, err);
    if (rc <= 0) {
        return rc;
    }
    int64_t cycle_ns = ledger_column_i64(stmt, 0);
    int64_t setup_ns = ledger_column_i64(stmt, 1);
    struct made made = {0};
    rc = operation_made(event->tx, work->operation, &made, err);
    double left = (double)(work->quantity_u - made.good_u) / 1e6;
    double length = (double)cycle_ns * (left > 0 ? left : 0);
    bool begun = made.good_u + made.bad_u > 0; // Set up already.
    length += begun ? 0 : (double)setup_ns;
    length = cycle_ns == 0 ? (double)(3600 * NS_PER_S) : length;
    *ret_length_ns = length < 9e18 ? (int64_t)length : INT64_MAX / 2;
    return rc < 0 ? rc : 0;
}

/* Puts it on the board from a moment on. *ret_end_ns 0: it does not fit into any shift. */
static int work_put(struct event *event, const struct work *work, int64_t begin_ns,
    int64_t *ret_begin_ns, int64_t *ret_end_ns, struct err *err) {
    int64_t length_ns = 0;
    struct calendar calendar;
    int rc = work_length(event, work, &length_ns, err);
    rc = rc < 0 ? rc
         : work->machine != 0
             ? calendar_of_machine(event->tx, work->machine, event->arena, &calendar, err)
             : calendar_load(event->tx, 0, event->arena, &calendar, err);
    rc = rc < 0 ? rc
                : board_work_end(&calendar, event->zone, begin_ns, length_ns, event->arena,
                      ret_begin_ns, ret_end_ns, err);
    if (rc < 0 || *ret_end_ns == INT64_MAX) {
        return rc;
    }
    return sql_do(event->tx,
        "UPDATE operations SET machine = ?2, begin_ns = ?3, end_ns = ?4 WHERE number = ?1",
        Q(Q_I(work->operation), Q_REF(work->machine), Q_I(*ret_begin_ns), Q_I(*ret_end_ns)), err);
}

/* Names what lies at the same time on the machine. */
static int warn_conflicts(struct event *event, const struct work *work, int64_t begin_ns,
    int64_t end_ns, struct err *err) {
    struct ledger_stmt *stmt = NULL;
    int rc = sql_begin(event->tx,
        "SELECT w.code, o.step FROM operations o JOIN work_orders w ON w.number = o.work_order"
        " WHERE o.machine = ?1 AND o.number <> ?2 AND o.state <> 'done'"
        " AND w.state IN ('planned', 'released', 'running', 'held')"
        " AND o.begin_ns < ?4 AND o.end_ns > ?3 ORDER BY o.begin_ns LIMIT 8",
        Q(Q_I(work->machine), Q_I(work->operation), Q_I(begin_ns), Q_I(end_ns)), &stmt, err);
    while (rc >= 0 && (rc = ledger_step(stmt, err)) > 0) {
        event_warn(event, SAY(PRODUCTION_BOARD_CONFLICT),
            ARGS(A_STR(ledger_column_str(stmt, 0)), A_INT(ledger_column_i64(stmt, 1))));
    }
    return rc;
}

int event_operation_plan(struct event *event, struct err *err) {
    struct operation operation;
    struct work_order order;
    int rc = operation_get(event->tx, event_i64(event, "operation", 0), &operation, err);
    rc = rc < 0 ? rc : order_get(event->tx, operation.order, &order, err);
    if (rc < 0) {
        return rc;
    }
    if (strcmp(operation.state, "done") == 0) {
        return err_set(err, ERR_CONFLICT, SAY(PRODUCTION_BOARD_DONE),
            ARGS(A_CSTR(order.code), A_INT(operation.step)));
    }
    const struct work work = {.operation = operation.number,
        .order = order.number,
        .machine = event_i64(event, "machine", operation.machine),
        .quantity_u = order.quantity_u};
    int64_t begin_ns = 0;
    int64_t end_ns = 0;
    rc = work_put(event, &work, event_i64(event, "begin", 0), &begin_ns, &end_ns, err);
    if (rc >= 0 && end_ns == INT64_MAX) {
        return err_set(err, ERR_CONFLICT, SAY(PRODUCTION_BOARD_NO_SHIFT), ARGS(A_CSTR(order.code)));
    }
    rc = rc < 0 || work.machine == 0 ? rc : warn_conflicts(event, &work, begin_ns, end_ns, err);
    json_put_str(event->answer, "order", str_of(order.code));
    json_put_time(event->answer, "begin", begin_ns);
    json_put_time(event->answer, "end", end_ns);
    return rc < 0 ? rc : 0;
}

/* ---- All of them ---- */

struct busy {
    int64_t machine;
    int64_t until_ns;
};

struct board {
    struct work *works;
    uint32_t count;
    struct busy *busy;
    uint32_t busy_count;
    int64_t late;
    int64_t misfits;
};

static int64_t *busy_of(struct board *board, int64_t machine, int64_t now_ns) {
    for (uint32_t i = 0; i < board->busy_count; i++) {
        if (board->busy[i].machine == machine) {
            return &board->busy[i].until_ns;
        }
    }
    board->busy[board->busy_count] = (struct busy){machine, now_ns};
    return &board->busy[board->busy_count++].until_ns;
}

static int board_load(struct event *event, struct board *board, struct err *err) {
    struct ledger_stmt *stmt = NULL;
    board->works = ARENA_ARRAY(event->arena, struct work, BOARD_MAX);
    board->busy = ARENA_ARRAY(event->arena, struct busy, BOARD_MAX);
    /* What runs, then by priority and day; an order behind those it needs. */
    int rc = sql_begin(event->tx,
        "WITH RECURSIVE depth (number, level) AS (SELECT number, 0 FROM work_orders"
        " WHERE parent IS NULL UNION ALL SELECT w.number, d.level + 1 FROM work_orders w"
        " JOIN depth d ON w.parent = d.number WHERE d.level < 64)"
        " SELECT o.number, w.number, coalesce(o.machine, 0), w.quantity_u, o.state = 'running'"
        " FROM operations o JOIN work_orders w ON w.number = o.work_order"
        " LEFT JOIN depth d ON d.number = w.number"
        " WHERE w.state IN ('released', 'running') AND o.state <> 'done'"
        " ORDER BY o.state <> 'running', coalesce(d.level, 0) DESC, w.priority, w.due, w.number,"
        " o.step",
        NULL, 0, &stmt, err);
    while (rc >= 0 && (rc = ledger_step(stmt, err)) > 0) {
        if (board->count == BOARD_MAX) {
            return err_set(err, ERR_LIMIT, SAY(PRODUCTION_PLAN_LARGE), ARGS(A_INT(BOARD_MAX)));
        }
        board->works[board->count++] = (struct work){.operation = ledger_column_i64(stmt, 0),
            .order = ledger_column_i64(stmt, 1),
            .machine = ledger_column_i64(stmt, 2),
            .quantity_u = ledger_column_i64(stmt, 3),
            .runs = ledger_column_i64(stmt, 4) != 0};
    }
    return rc;
}

/* When everything that must have ended before it has: earlier steps, and orders that it needs. */
static int work_ready(
    struct event *event, const struct work *work, int64_t *ret_ready_ns, struct err *err) {
    return sql_number(event->tx,
        "SELECT max(o.end_ns) FROM operations o JOIN work_orders w ON w.number = o.work_order"
        " WHERE o.state <> 'done' AND ((w.number = ?1 AND o.step <"
        " (SELECT step FROM operations WHERE number = ?2))"
        " OR (w.parent = ?1 AND w.state IN ('released', 'running')))",
        Q(Q_I(work->order), Q_I(work->operation)), 0, ret_ready_ns, err);
}

static int work_place(
    struct event *event, struct board *board, const struct work *work, struct err *err) {
    int64_t now_ns = event->entered_ns;
    int64_t begin_ns = now_ns;
    int64_t ready_ns = 0;
    int64_t end_ns = 0;
    int rc = work->runs ? 0 : work_ready(event, work, &ready_ns, err);
    int64_t *free_ns = work->machine != 0 ? busy_of(board, work->machine, now_ns) : &now_ns;
    begin_ns = ready_ns > begin_ns ? ready_ns : begin_ns;
    begin_ns = *free_ns > begin_ns ? *free_ns : begin_ns;
    rc = rc < 0 ? rc : work_put(event, work, begin_ns, &begin_ns, &end_ns, err);
    if (rc < 0 || end_ns == INT64_MAX) {
        board->misfits += rc >= 0;
        return rc;
    }
    if (work->machine != 0) {
        *free_ns = end_ns;
    }
    int64_t late = 0;
    char day[DATE_TEXT_MAX];
    (void)day_of(end_ns, event->zone, day);
    rc = sql_number(event->tx, "SELECT count(*) FROM work_orders WHERE number = ?1 AND due < ?2",
        Q(Q_I(work->order), Q_S(str_of(day))), 0, &late, err);
    board->late += late;
    return rc;
}

int event_board_run(struct event *event, struct err *err) {
    struct board board = {0};
    int rc = board_load(event, &board, err);
    for (uint32_t i = 0; i < board.count && rc >= 0; i++) {
        rc = work_place(event, &board, &board.works[i], err);
    }
    json_put_i64(event->answer, "operations", (int64_t)board.count - board.misfits);
    json_put_i64(event->answer, "late", board.late);
    if (board.misfits > 0) {
        event_warn(event, SAY(PRODUCTION_BOARD_MISFITS), ARGS(A_INT(board.misfits)));
    }
    if (board.late > 0) {
        event_warn(event, SAY(PRODUCTION_BOARD_LATE), ARGS(A_INT(board.late)));
    }
    return rc < 0 ? rc : 0;
}
