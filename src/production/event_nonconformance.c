/*
 * Non-conformities: what is wrong, what is done with it, what is done so that it does not come
 * again.
 *
 * A decision has its effects through the events that do the same thing when somebody tells them
 * (stock.scrap, lot.rework, made.enter), so there is one way in which stock changes. Several
 * decisions may be taken on one non-conformity, one for each part of the lot. Its hold on the lot
 * ends when the rest may be used: by "use as is", or by "sort", which scraps the bad ones.
 */
#include <string.h>

#include "production/amount.h"
#include "production/event_within.h"
#include "production/lot.h"
#include "production/nonconformance.h"
#include "production/sql.h"
#include "production/stock.h"

enum { DECISION_USE, DECISION_REWORK, DECISION_SCRAP, DECISION_RETURN, DECISION_SORT };

/* ---- Opening ---- */

static struct str hold_words(struct event *event, int64_t number, struct str description) {
    AUTO_BUF struct buf words;
    buf_init(&words, 4096);
    buf_printf(&words, "NC-%lld: ", (long long)number);
    buf_put_str(&words, str_slice(description, 0, str_find(description, '\n')));
    return arena_copy(event->arena, buf_str(&words));
}

static int hold(struct event *event, int64_t number, const struct nonconformance_new *wish,
    int64_t *ret_held, struct err *err) {
    struct lot_facts lot;
    int rc = lot_get(event, wish->lot, &lot, err);
    return rc < 0 ? rc
                  : lot_hold(event, &lot, number, hold_words(event, number, wish->description),
                        ret_held, err);
}

int nonconformance_insert(
    struct event *event, const struct nonconformance_new *wish, struct err *err) {
    bool holds = wish->hold && wish->lot != 0;
    int64_t number = 0;
    int64_t held = 0;
    int rc = sql_number(event->tx,
        "INSERT INTO nonconformances (item, lot, operation, machine, inspection, reason, "
        "quantity_u, description, state, holds, worker, time_ns, event, actor) VALUES (?1, ?2, ?3, "
        "?4, ?5, ?6, ?7, ?8, 'open', ?9, ?10, ?11, ?12, ?13) RETURNING number",
        Q(Q_REF(wish->item), Q_REF(wish->lot), Q_REF(wish->operation), Q_REF(wish->machine),
            Q_REF(wish->inspection), Q_REF(wish->reason), Q_REF(wish->quantity_u),
            Q_S(wish->description), Q_I(holds), Q_REF(wish->worker), Q_I(event->time_ns),
            Q_I(event->number), Q_S(event->actor)),
        0, &number, err);
    rc = rc < 0 || !holds ? rc : hold(event, number, wish, &held, err);
    json_put_i64(event->answer, "nonconformance", number);
    json_put_i64(event->answer, "held", held);
    return rc < 0 ? rc : 0;
}

int event_nonconformance_open(struct event *event, struct err *err) {
    struct nonconformance_new wish = {.lot = event_i64(event, "lot", 0),
        .operation = event_i64(event, "operation", 0),
        .machine = event_i64(event, "machine", 0),
        .reason = event_i64(event, "reason", 0),
        .worker = event_i64(event, "worker", 0),
        .quantity_u = event_i64(event, "quantity", 0),
        .description = event_text(event, "description"),
        .hold = event_i64(event, "hold", 0) != 0};
    if (wish.lot == 0 && wish.operation == 0 && wish.machine == 0) {
        return err_set(err, ERR_INVALID, SAY(PRODUCTION_NC_WHAT), NO_ARGS);
    }
    int rc = sql_number(event->tx,
        "SELECT coalesce((SELECT item FROM lots WHERE number = ?1), (SELECT w.item FROM operations "
        "o JOIN work_orders w ON w.number = o.work_order WHERE o.number = ?2))",
        Q(Q_I(wish.lot), Q_I(wish.operation)), 0, &wish.item, err);
    return rc < 0 ? rc : nonconformance_insert(event, &wish, err);
}

/* ---- One that there is ---- */

struct facts {
    int64_t number;
    int64_t lot;
    int64_t operation;
    bool holds;
    struct str state;
    struct str lot_code; // Empty: none.
    struct str operation_code;
    int64_t supplier; // Of the lot; 0: none.
};

static int find(struct event *event, struct facts *ret_facts, struct err *err) {
    struct ledger_stmt *stmt = NULL;
    int64_t number = event_i64(event, "nonconformance", 0);
    int rc = sql_first(event->tx,
        "SELECT n.number, coalesce(n.lot, 0), coalesce(n.operation, 0), n.holds, n.state, "
        "coalesce(l.code, ''), coalesce(w.code || '/' || o.step, ''), coalesce(l.partner, 0) FROM "
        "nonconformances n LEFT JOIN lots l ON l.number = n.lot LEFT JOIN operations o ON o.number "
        "= n.operation LEFT JOIN work_orders w ON w.number = o.work_order WHERE n.number = ?1",
        Q(Q_I(number)), &stmt, err);
    if (rc == 0) {
        return err_set(err, ERR_NOT_FOUND, SAY(PRODUCTION_NC_UNKNOWN), ARGS(A_INT(number)));
    }
    if (rc < 0) {
        return rc;
    }
    *ret_facts = (struct facts){.number = number,
        .lot = ledger_column_i64(stmt, 1),
        .operation = ledger_column_i64(stmt, 2),
        .holds = ledger_column_i64(stmt, 3) != 0,
        .state = arena_copy(event->arena, ledger_column_str(stmt, 4)),
        .lot_code = arena_copy(event->arena, ledger_column_str(stmt, 5)),
        .operation_code = arena_copy(event->arena, ledger_column_str(stmt, 6)),
        .supplier = ledger_column_i64(stmt, 7)};
    bool over =
        str_eq(ret_facts->state, STR("closed")) || str_eq(ret_facts->state, STR("withdrawn"));
    return over ? err_set(err, ERR_CONFLICT, SAY(PRODUCTION_NC_OVER),
                      ARGS(A_INT(number), A_STR(event_state(event, ret_facts->state))))
                : 0;
}

/* Another one that keeps the lot held; 0: none. */
static int find_other(
    struct event *event, const struct facts *facts, int64_t *ret_other, struct err *err) {
    return sql_number(event->tx,
        "SELECT number FROM nonconformances WHERE lot = ?1 AND number <> ?2 AND holds = 1 AND "
        "state IN ('open', 'decided') LIMIT 1",
        Q(Q_I(facts->lot), Q_I(facts->number)), 0, ret_other, err);
}

static int let_go(struct event *event, const struct facts *facts, struct err *err) {
    int64_t other = 0;
    int64_t freed = 0;
    if (!facts->holds || facts->lot == 0) {
        return 0;
    }
    int rc = find_other(event, facts, &other, err);
    if (rc >= 0 && other != 0) {
        event_warn(event, SAY(PRODUCTION_NC_OTHERS), ARGS(A_STR(facts->lot_code), A_INT(other)));
    }
    rc = rc < 0 ? rc : lot_release(event, facts->lot, facts->number, &freed, err);
    rc = rc < 0 ? rc
                : sql_do(event->tx, "UPDATE nonconformances SET holds = 0 WHERE number = ?1",
                      Q(Q_I(facts->number)), err);
    json_put_i64(event->answer, "freed", freed);
    return rc;
}

int nonconformance_withdraw(struct event *event, int64_t inspection, struct err *err) {
    struct ledger_stmt *stmt = NULL;
    int rc = sql_first(event->tx,
        "SELECT n.number, coalesce(n.lot, 0), n.holds, coalesce(l.code, '') FROM nonconformances n "
        "LEFT JOIN lots l ON l.number = n.lot WHERE n.inspection = ?1 AND n.state = 'open' AND NOT "
        "EXISTS (SELECT 1 FROM corrective_actions a WHERE a.nonconformance = n.number)",
        Q(Q_I(inspection)), &stmt, err);
    if (rc <= 0) {
        return rc;
    }
    const struct facts facts = {.number = ledger_column_i64(stmt, 0),
        .lot = ledger_column_i64(stmt, 1),
        .holds = ledger_column_i64(stmt, 2) != 0,
        .lot_code = arena_copy(event->arena, ledger_column_str(stmt, 3))};
    json_put_i64(event->answer, "withdrawn", facts.number);
    rc = let_go(event, &facts, err);
    return rc < 0 ? rc
                  : sql_do(event->tx,
                        "UPDATE nonconformances SET state = 'withdrawn', closed_ns = ?2 WHERE "
                        "number = ?1",
                        Q(Q_I(facts.number), Q_I(event->time_ns)), err);
}

/* ---- Deciding ---- */

struct members {
    struct event_member all[8];
    uint32_t count;
};

static void add(struct members *members, const char *name, struct str value) {
    if (value.size > 0) {
        members->all[members->count++] = (struct event_member){str_of(name), value};
    }
}

static struct str amount_in(struct event *event, int64_t u) {
    return arena_copy(event->arena, str_of(AMOUNT(u)));
}

/* Work that is not in a lot yet, or goes on: good pieces become bad ones by a correction of the
 * count, which takes them out of the lot again. */
static int scrap(struct event *event, const struct facts *facts, struct err *err) {
    struct members members = {.count = 0};
    int64_t quantity_u = event_i64(event, "quantity", 0);
    if (quantity_u == 0 && (facts->operation != 0 || facts->lot == 0)) {
        return err_set(err, ERR_INVALID, SAY(PRODUCTION_NC_QUANTITY), NO_ARGS);
    }
    if (facts->operation != 0) {
        add(&members, "operation", facts->operation_code);
        add(&members, "good", amount_in(event, -quantity_u));
        add(&members, "bad", amount_in(event, quantity_u));
        add(&members, "reason", event_text(event, "reason"));
        add(&members, "why", hold_words(event, facts->number, event_text(event, "why")));
        return event_within(event, "made.enter", members.all, members.count, "done", err);
    }
    add(&members, "lot", facts->lot_code);
    add(&members, "reason", event_text(event, "reason"));
    if (quantity_u == 0) {
        return event_within(event, "lot.scrap", members.all, members.count, "done", err);
    }
    add(&members, "quantity", amount_in(event, quantity_u));
    add(&members, "place", event_text(event, "place"));
    return event_within(event, "stock.scrap", members.all, members.count, "done", err);
}

static int rework(struct event *event, const struct facts *facts, struct err *err) {
    struct members members = {.count = 0};
    add(&members, "lot", facts->lot_code);
    add(&members, "quantity", event_text(event, "quantity"));
    add(&members, "output", event_text(event, "output"));
    add(&members, "place", event_text(event, "place"));
    add(&members, "reason", event_text(event, "reason"));
    return event_within(event, "lot.rework", members.all, members.count, "done", err);
}

/* Back to whom it came from, held or not. */
static int send_back(struct event *event, const struct facts *facts, struct err *err) {
    struct lot_facts lot;
    struct stock_picks *picks = ARENA_NEW(event->arena, struct stock_picks);
    if (facts->supplier == 0) {
        return err_set(
            err, ERR_CONFLICT, SAY(PRODUCTION_NC_SUPPLIER), ARGS(A_STR(facts->lot_code)));
    }
    int rc = lot_get(event, facts->lot, &lot, err);
    const struct stock_wish wish = {.move = {.kind = "return",
                                        .item = rc < 0 ? 0 : lot.item,
                                        .lot = facts->lot,
                                        .place = event_i64(event, "place", 0),
                                        .quantity_u = event_i64(event, "quantity", 0),
                                        .price_u = -1,
                                        .partner = facts->supplier,
                                        .document = event_text(event, "document")},
        .any_state = true};
    rc = rc < 0 ? rc : stock_take(event, &wish, picks, err);
    return rc < 0 ? rc : stock_put_picks(event, "taken", picks, err);
}

static int carry_out(
    struct event *event, const struct facts *facts, int64_t decision, struct err *err) {
    bool needs_lot = decision != DECISION_USE && decision != DECISION_SCRAP;
    if (needs_lot && facts->lot == 0) {
        return err_set(err, ERR_CONFLICT, SAY(PRODUCTION_NC_NO_LOT), ARGS(A_INT(facts->number)));
    }
    if (decision == DECISION_USE && !event_has(event, "why")) {
        return err_set(err, ERR_INVALID, SAY(PRODUCTION_NC_WHY), NO_ARGS);
    }
    switch (decision) {
    case DECISION_REWORK: return rework(event, facts, err);
    case DECISION_RETURN: return send_back(event, facts, err);
    case DECISION_SCRAP: return scrap(event, facts, err);
    case DECISION_SORT:
        return event_has(event, "quantity") ? scrap(event, facts, err) : 0; // None was bad.
    default: return 0;
    }
}

/* Some of the lot lies here held: what becomes of it nobody has said. */
static int count_held(
    struct event *event, const struct facts *facts, int64_t *ret_count, struct err *err) {
    return sql_number(event->tx,
        "SELECT count(*) FROM stock s JOIN lots l ON l.number = s.lot WHERE s.lot = ?1 AND "
        "s.quantity_u > 0 AND l.state = 'held'",
        Q(Q_I(facts->lot)), 0, ret_count, err);
}

static int warn_held(struct event *event, const struct facts *facts, struct err *err) {
    int64_t left = 0;
    int rc = count_held(event, facts, &left, err);
    if (rc >= 0 && left > 0) {
        event_warn(event, SAY(PRODUCTION_NC_STILL), ARGS(A_STR(facts->lot_code)));
    }
    return rc;
}

int event_nonconformance_dispose(struct event *event, struct err *err) {
    struct facts facts;
    int64_t decision = event_i64(event, "decision", 0);
    int rc = find(event, &facts, err);
    rc = rc < 0 ? rc : carry_out(event, &facts, decision, err);
    rc = rc < 0 ? rc
                : sql_do(event->tx,
                      "INSERT INTO nonconformance_decisions (nonconformance, decision, quantity_u, "
                      "why, time_ns, event, actor) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
                      Q(Q_I(facts.number), Q_S(event_text(event, "decision")),
                          Q_REF(event_i64(event, "quantity", 0)), Q_S(event_text(event, "why")),
                          Q_I(event->time_ns), Q_I(event->number), Q_S(event->actor)),
                      err);
    rc = rc < 0
             ? rc
             : sql_do(event->tx, "UPDATE nonconformances SET state = 'decided' WHERE number = ?1",
                   Q(Q_I(facts.number)), err);
    if (rc < 0) {
        return rc;
    }
    return decision == DECISION_USE || decision == DECISION_SORT ? let_go(event, &facts, err)
                                                                 : warn_held(event, &facts, err);
}

/* What was reworked out of the lot is held with it until then. */
int event_nonconformance_close(struct event *event, struct err *err) {
    struct facts facts;
    int64_t unchecked = 0;
    int64_t left = 0;
    int rc = find(event, &facts, err);
    if (rc >= 0 && !str_eq(facts.state, STR("decided"))) {
        return err_set(err, ERR_CONFLICT, SAY(PRODUCTION_NC_UNDECIDED), ARGS(A_INT(facts.number)));
    }
    rc = rc < 0 ? rc
                : sql_number(event->tx,
                      "SELECT count(*) FROM corrective_actions WHERE nonconformance = ?1 AND state "
                      "<> 'effective'",
                      Q(Q_I(facts.number)), 0, &unchecked, err);
    if (rc >= 0 && unchecked > 0) {
        return err_set(err, ERR_CONFLICT, SAY(PRODUCTION_NC_ACTIONS),
            ARGS(A_INT(facts.number), A_INT(unchecked)));
    }
    rc = rc < 0 || !facts.holds ? rc : count_held(event, &facts, &left, err);
    if (rc >= 0 && left > 0) {
        return err_set(err, ERR_CONFLICT, SAY(PRODUCTION_NC_STILL), ARGS(A_STR(facts.lot_code)));
    }
    rc = rc < 0 ? rc : let_go(event, &facts, err);
    return rc < 0 ? rc
                  : sql_do(event->tx,
                        "UPDATE nonconformances SET state = 'closed', closed_ns = ?2 WHERE number "
                        "= ?1",
                        Q(Q_I(facts.number), Q_I(event->time_ns)), err);
}

/* ---- Actions ---- */

int event_action_open(struct event *event, struct err *err) {
    struct facts facts;
    int64_t number = 0;
    int rc = find(event, &facts, err);
    rc = rc < 0 ? rc
                : sql_number(event->tx,
                      "INSERT INTO corrective_actions (nonconformance, cause, measure, worker, "
                      "due, state, done_note, check_note, event, actor) VALUES (?1, ?2, ?3, ?4, "
                      "?5, 'open', '', '', ?6, ?7) RETURNING number",
                      Q(Q_I(facts.number), Q_S(event_text(event, "cause")),
                          Q_S(event_text(event, "measure")), Q_I(event_i64(event, "worker", 0)),
                          Q_S(event_text(event, "due")), Q_I(event->number), Q_S(event->actor)),
                      0, &number, err);
    json_put_i64(event->answer, "action", number);
    return rc < 0 ? rc : 0;
}

/* The action's number, if it is in the state in which this may be told. */
static int find_action(
    struct event *event, struct str state, int64_t *ret_number, struct err *err) {
    struct ledger_stmt *stmt = NULL;
    int64_t number = event_i64(event, "action", 0);
    int rc = sql_first(event->tx, "SELECT state FROM corrective_actions WHERE number = ?1",
        Q(Q_I(number)), &stmt, err);
    if (rc == 0) {
        return err_set(err, ERR_NOT_FOUND, SAY(PRODUCTION_ACTION_UNKNOWN), ARGS(A_INT(number)));
    }
    if (rc > 0 && !str_eq(ledger_column_str(stmt, 0), state)) {
        return err_set(err, ERR_CONFLICT, SAY(PRODUCTION_ACTION_STATE),
            ARGS(A_INT(number), A_STR(event_state(event, ledger_column_str(stmt, 0)))));
    }
    *ret_number = number;
    return rc < 0 ? rc : 0;
}

int event_action_done(struct event *event, struct err *err) {
    int64_t number = 0;
    int rc = find_action(event, STR("open"), &number, err);
    return rc < 0 ? rc
                  : sql_do(event->tx,
                        "UPDATE corrective_actions SET state = 'done', done_ns = ?2, done_note = "
                        "?3 WHERE number = ?1",
                        Q(Q_I(number), Q_I(event->time_ns), Q_S(event_text(event, "note"))), err);
}

/* What did not help is open again: what was done before stays in the events. */
int event_action_check(struct event *event, struct err *err) {
    int64_t number = 0;
    bool effective = event_i64(event, "effective", 0) != 0;
    int rc = find_action(event, STR("done"), &number, err);
    if (rc >= 0 && !effective) {
        event_warn(event, SAY(PRODUCTION_ACTION_AGAIN), NO_ARGS);
    }
    return rc < 0 ? rc
                  : sql_do(event->tx,
                        "UPDATE corrective_actions SET state = ?2, checked_ns = ?3, check_note = "
                        "?4 WHERE number = ?1",
                        Q(Q_I(number), Q_S(effective ? STR("effective") : STR("open")),
                            Q_I(event->time_ns), Q_S(event_text(event, "note"))),
                        err);
}
