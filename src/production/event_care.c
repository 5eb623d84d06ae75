/*
 * Care that was done and repairs, from the request to the end. Parts that were used leave the stock
 * in the same transaction, oldest lots first: a repair that names a part which does not lie there
 * is refused or warned of by the rule of stock, never half entered.
 */
#include <string.h>

#include "production/amount.h"
#include "production/maintain.h"
#include "production/sql.h"
#include "production/stock.h"

enum { PARTS_BYTES = 4096 };

/* Takes the items of the event's list out of stock; "SEAL 2, OIL 0.5" into `words`. */
static int take_parts(struct event *event, struct buf *words, struct err *err) {
    int rc = event_lists_match(event, "item", "quantity", err);
    uint32_t count = rc < 0 ? 0 : event_count(event, "item");
    for (uint32_t i = 0; i < count && rc >= 0; i++) {
        struct stock_wish wish = {.move = {.kind = "issue",
                                      .item = event_i64_at(event, "item", i),
                                      .place = event_i64(event, "place", 0),
                                      .quantity_u = event_i64_at(event, "quantity", i),
                                      .price_u = -1}};
        struct stock_picks picks;
        struct str code = STR_NONE;
        rc = stock_take(event, &wish, &picks, err);
        rc = rc < 0 ? rc : code_get(event, "items", wish.move.item, &code, err);
        if (rc >= 0) {
            buf_put_str(words, i == 0 ? STR_NONE : STR(", "));
            buf_put_str(words, code);
            buf_put_str(words, STR(" "));
            amount_put(words, wish.move.quantity_u);
        }
    }
    return rc;
}

static struct sql_value minutes_of(const struct event *event) {
    return event_has(event, "minutes") ? Q_I(event_i64(event, "minutes", 0)) : Q_NULL;
}

/* ---- Care ---- */

static int check_entry(struct event *event, struct err *err) {
    int64_t entry = event_i64(event, "entry", 0);
    int64_t there = 1;
    int rc = entry == 0
                 ? 0
                 : sql_number(event->tx, "SELECT count(*) FROM form_entries WHERE number = ?1",
                       Q(Q_I(entry)), 0, &there, err);
    return rc < 0 || there > 0
               ? rc
               : err_set(err, ERR_NOT_FOUND, SAY(PRODUCTION_FORM_ENTRY), ARGS(A_INT(entry)));
}

int event_care_done(struct event *event, struct err *err) {
    int64_t plan = event_i64(event, "plan", 0);
    int64_t machine = 0;
    int64_t mould = event_i64(event, "mould", 0);
    if (plan == 0 && mould == 0) {
        return err_set(err, ERR_INVALID, SAY(PRODUCTION_CARE_WHAT), NO_ARGS);
    }
    if (plan != 0 && mould != 0) {
        return err_set(err, ERR_INVALID, SAY(PRODUCTION_CARE_WHAT_TWICE), NO_ARGS);
    }
    int rc = check_entry(event, err);
    if (rc >= 0 && plan != 0) {
        rc = sql_number(event->tx, "SELECT machine FROM care_plans WHERE number = ?1", Q(Q_I(plan)),
            0, &machine, err);
        rc = rc < 0 ? rc
                    : sql_number(event->tx, "SELECT mould FROM care_plans WHERE number = ?1",
                          Q(Q_I(plan)), 0, &mould, err);
    }
    AUTO_BUF struct buf parts;
    buf_init(&parts, PARTS_BYTES);
    rc = rc < 0 ? rc : take_parts(event, &parts, err);
    int64_t number = 0;
    rc = rc < 0
             ? rc
             : sql_number(event->tx,
                   "INSERT INTO care_done (plan, machine, mould, time_ns, worker, minutes, entry,"
                   " parts, note, event) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)"
                   " RETURNING number",
                   Q(Q_REF(plan), Q_REF(machine), Q_REF(mould), Q_I(event->time_ns),
                       Q_REF(event_i64(event, "worker", 0)), minutes_of(event),
                       Q_REF(event_i64(event, "entry", 0)), Q_S(buf_str(&parts)),
                       Q_S(event_text(event, "note")), Q_I(event->number)),
                   0, &number, err);
    json_put_i64(event->answer, "care", number);
    return rc;
}

/* ---- Repair ---- */

struct repair {
    int64_t number;
    int64_t asked_ns;
    bool open;
    bool begun;
};

static int repair_get(struct event *event, struct repair *ret_repair, struct err *err) {
    struct ledger_stmt *stmt = NULL;
    int64_t number = event_i64(event, "repair", 0);
    int rc = sql_first(event->tx, "SELECT state, asked_ns FROM repairs WHERE number = ?1",
        Q(Q_I(number)), &stmt, err);
    if (rc == 0) {
        return err_set(err, ERR_NOT_FOUND, SAY(PRODUCTION_REPAIR_NONE), ARGS(A_INT(number)));
    }
    if (rc < 0) {
        return rc;
    }
    struct repair repair = {.number = number, .asked_ns = ledger_column_i64(stmt, 1)};
    repair.begun = str_eq(ledger_column_str(stmt, 0), STR("begun"));
    repair.open = repair.begun || str_eq(ledger_column_str(stmt, 0), STR("asked"));
    if (!repair.open) {
        return err_set(err, ERR_CONFLICT, SAY(PRODUCTION_REPAIR_STATE), ARGS(A_INT(number)));
    }
    if (event->time_ns < repair.asked_ns) {
        return err_set(err, ERR_INVALID, SAY(PRODUCTION_REPAIR_BEFORE), ARGS(A_INT(number)));
    }
    json_put_i64(event->answer, "repair", number);
    *ret_repair = repair;
    return 0;
}

/* A stop that is named must be the machine's; the machine of a stop need not be named. */
static int find_machine(struct event *event, int64_t *ret_machine, struct err *err) {
    int64_t machine = event_i64(event, "machine", 0);
    int64_t stop = event_i64(event, "stop", 0);
    int64_t stopped = machine;
    int rc = stop == 0 ? 0
                       : sql_number(event->tx, "SELECT machine FROM stops WHERE number = ?1",
                             Q(Q_I(stop)), 0, &stopped, err);
    if (rc >= 0 && machine != 0 && stopped != machine) {
        return err_set(err, ERR_CONFLICT, SAY(PRODUCTION_REPAIR_STOP), ARGS(A_INT(stop)));
    }
    *ret_machine = stopped;
    return rc;
}

int event_repair_ask(struct event *event, struct err *err) {
    int64_t machine = 0;
    int64_t mould = event_i64(event, "mould", 0);
    int64_t open = 0;
    int64_t number = 0;
    int rc = find_machine(event, &machine, err);
    if (rc >= 0 && (machine != 0) == (mould != 0)) {
        return err_set(err, ERR_INVALID, SAY(PRODUCTION_REPAIR_WHAT), NO_ARGS);
    }
    rc = rc < 0 ? rc
                : sql_number(event->tx,
                      "SELECT max(number) FROM repairs WHERE state IN ('asked', 'begun')"
                      " AND (machine = ?1 OR mould = ?2)",
                      Q(Q_I(machine), Q_I(mould)), 0, &open, err);
    if (rc >= 0 && open != 0) {
        event_warn(event, SAY(PRODUCTION_REPAIR_OPEN), ARGS(A_INT(open)));
    }
    rc = rc < 0 ? rc
                : sql_number(event->tx,
                      "INSERT INTO repairs (machine, mould, state, text, stands, stop, asked_ns,"
                      " asker, cause, what, parts, actor, event) VALUES (?1, ?2, 'asked', ?3, ?4,"
                      " ?5, ?6, ?7, '', '', '', ?8, ?9) RETURNING number",
                      Q(Q_REF(machine), Q_REF(mould), Q_S(event_text(event, "text")),
                          Q_I(event_i64(event, "stands", 0)), Q_REF(event_i64(event, "stop", 0)),
                          Q_I(event->time_ns), Q_REF(event_i64(event, "worker", 0)),
                          Q_S(event->actor), Q_I(event->number)),
                      0, &number, err);
    json_put_i64(event->answer, "repair", number);
    return rc;
}

int event_repair_begin(struct event *event, struct err *err) {
    struct repair repair;
    int rc = repair_get(event, &repair, err);
    return rc < 0 ? rc
                  : sql_do(event->tx,
                        "UPDATE repairs SET state = 'begun', begun_ns = coalesce(begun_ns, ?2),"
                        " worker = coalesce(?3, worker) WHERE number = ?1",
                        Q(Q_I(repair.number), Q_I(event->time_ns),
                            Q_REF(event_i64(event, "worker", 0))),
                        err);
}

int event_repair_done(struct event *event, struct err *err) {
    struct repair repair;
    AUTO_BUF struct buf parts;
    buf_init(&parts, PARTS_BYTES);
    int rc = repair_get(event, &repair, err);
    rc = rc < 0 ? rc : take_parts(event, &parts, err);
    return rc < 0 ? rc
                  : sql_do(event->tx,
                        "UPDATE repairs SET state = 'done', done_ns = ?2, begun_ns ="
                        " coalesce(begun_ns, asked_ns), worker = coalesce(?3, worker), cause = ?4,"
                        " what = ?5, minutes = ?6, cost_u = ?7, parts = ?8 WHERE number = ?1",
                        Q(Q_I(repair.number), Q_I(event->time_ns),
                            Q_REF(event_i64(event, "worker", 0)), Q_S(event_text(event, "cause")),
                            Q_S(event_text(event, "what")), minutes_of(event),
                            event_has(event, "cost") ? Q_I(event_i64(event, "cost", 0)) : Q_NULL,
                            Q_S(buf_str(&parts))),
                        err);
}

int event_repair_drop(struct event *event, struct err *err) {
    struct repair repair;
    int rc = repair_get(event, &repair, err);
    return rc < 0 ? rc
                  : sql_do(event->tx,
                        "UPDATE repairs SET state = 'dropped', done_ns = ?2, what = ?3"
                        " WHERE number = ?1",
                        Q(Q_I(repair.number), Q_I(event->time_ns), Q_S(event_text(event, "why"))),
                        err);
}
