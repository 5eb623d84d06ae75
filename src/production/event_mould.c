/*
 * Moulds as people handle them: mounted, taken off, cavities closed and opened, shots corrected,
 * blocked.
 *
 * How many pieces a stroke makes belongs to the run, so a cavity that is closed in the midst of one
 * ends it there and begins another at the same moment: what was counted before stays as it was. A
 * change that is told late (a terminal without a network) holds until the next one that is known,
 * and what was counted in between is counted anew.
 */
#include <string.h>

#include "core/clock.h"
#include "production/event_handler.h"
#include "production/fill_store.h"
#include "production/maintain.h"
#include "production/mould.h"
#include "production/rules.h"
#include "production/sql.h"
#include "production/stock.h"

#define MINUTE_NS (60 * NS_PER_S)

/* ---- Whether it may be used ---- */

static int mould_code(struct event *event, int64_t mould, struct str *ret_code, struct err *err) {
    return code_get(event, "moulds", mould, ret_code, err);
}

/* Where it works: 1 with machine and order in the event's arena. */
static int find_work(struct event *event, int64_t mould, int64_t besides, struct str *ret_machine,
    struct str *ret_order, struct err *err) {
    struct ledger_stmt *stmt = NULL;
    int rc = sql_first(event->tx,
        "SELECT coalesce(a.id, ''), w.code FROM runs r JOIN operations o ON o.number = r.operation"
        " JOIN work_orders w ON w.number = o.work_order"
        " LEFT JOIN machines m ON m.number = r.machine LEFT JOIN assets a ON a.number = m.asset"
        " WHERE r.mould = ?1 AND r.end_ns IS NULL AND coalesce(r.machine, 0) <> ?2 LIMIT 1",
        Q(Q_I(mould), Q_I(besides)), &stmt, err);
    if (rc > 0) {
        *ret_machine = arena_copy(event->arena, ledger_column_str(stmt, 0));
        *ret_order = arena_copy(event->arena, ledger_column_str(stmt, 1));
    }
    return rc;
}

static int check_blocked(struct event *event, int64_t mould, struct str code, struct err *err) {
    struct ledger_stmt *stmt = NULL;
    int rc = sql_first(
        event->tx, "SELECT why FROM mould_blocks WHERE mould = ?1", Q(Q_I(mould)), &stmt, err);
    if (rc > 0) {
        return err_set(err, ERR_CONFLICT, SAY(PRODUCTION_MOULD_BLOCKED),
            ARGS(A_STR(code), A_STR(ledger_column_str(stmt, 0))));
    }
    int64_t repair = 0;
    int64_t open = 1;
    rc = rc < 0 ? rc
                : sql_number(event->tx,
                      "SELECT max(number) FROM repairs WHERE mould = ?1 AND (state = 'begun' OR"
                      " (state = 'asked' AND stands = 1))",
                      Q(Q_I(mould)), 0, &repair, err);
    if (rc >= 0 && repair != 0) {
        return err_set(
            err, ERR_CONFLICT, SAY(PRODUCTION_MOULD_REPAIR), ARGS(A_STR(code), A_INT(repair)));
    }
    rc = rc < 0 ? rc
                : sql_number(event->tx,
                      "SELECT coalesce(cavities_open, cavities) FROM moulds WHERE number = ?1",
                      Q(Q_I(mould)), 1, &open, err);
    return rc < 0 || open > 0
               ? rc
               : err_set(err, ERR_CONFLICT, SAY(PRODUCTION_MOULD_CLOSED), ARGS(A_STR(code)));
}

static bool late_is_refused(struct event *event) {
    struct str value = STR_NONE;
    return plant_setting_get(event->tx, STR("mould_due"), event->arena, &value, NULL) >= 0 &&
           str_eq(value, STR("refuse"));
}

static struct str plan_name(struct event *event, const struct care_plan *plan) {
    if (plan->number != 0) {
        return plan->name;
    }
    struct buf words;
    buf_init(&words, 256);
    msg_render(SAY(PRODUCTION_CARE_OWN), NO_ARGS, event->lang, &words);
    struct str name = arena_copy(event->arena, buf_str(&words));
    buf_fini(&words);
    return name;
}

static int check_care(struct event *event, int64_t mould, struct str code, struct err *err) {
    struct care_ask ask = {.zone = event->zone, .now_ns = event->time_ns, .mould = mould};
    struct care_plan *plans = NULL;
    int count = care_plans_load(event->tx, &ask, event->arena, &plans, err);
    for (int i = 0; i < count; i++) {
        struct str name = plan_name(event, &plans[i]);
        if (plans[i].due.state == CARE_LATE && late_is_refused(event)) {
            return err_set(err, ERR_CONFLICT, SAY(PRODUCTION_MOULD_LATE_REFUSED),
                ARGS(A_STR(code), A_STR(name)));
        }
        if (plans[i].due.state >= CARE_DUE) {
            event_warn(event,
                plans[i].due.state == CARE_LATE ? SAY(PRODUCTION_MOULD_LATE)
                                                : SAY(PRODUCTION_MOULD_DUE),
                ARGS(A_STR(code), A_STR(name)));
        }
    }
    return count < 0 ? count : 0;
}

static int warn_life(struct event *event, int64_t mould, struct str code, struct err *err) {
    int64_t life = 0;
    int64_t shots = 0;
    int rc = sql_number(
        event->tx, "SELECT shots_life FROM moulds WHERE number = ?1", Q(Q_I(mould)), 0, &life, err);
    if (rc < 0 || life == 0) {
        return rc;
    }
    rc = mould_shots(event->tx, mould, INT64_MIN, INT64_MAX, &shots, err);
    if (rc >= 0 && shots > life) {
        event_warn(event, SAY(PRODUCTION_MOULD_LIFE), ARGS(A_STR(code), A_INT(shots), A_INT(life)));
    }
    return rc;
}

int mould_check(struct event *event, int64_t mould, int64_t machine, struct err *err) {
    struct str code = STR_NONE;
    struct str where = STR_NONE;
    struct str order = STR_NONE;
    int rc = mould_code(event, mould, &code, err);
    rc = rc < 0 ? rc : find_work(event, mould, machine, &where, &order, err);
    if (rc > 0) {
        return err_set(err, ERR_CONFLICT, SAY(PRODUCTION_MOULD_ELSEWHERE),
            ARGS(A_STR(code), A_STR(where), A_STR(order)));
    }
    rc = rc < 0 ? rc : check_blocked(event, mould, code, err);
    rc = rc < 0 ? rc : check_care(event, mould, code, err);
    return rc < 0 ? rc : warn_life(event, mould, code, err);
}

/* ---- Where it is ---- */

int mould_put_on(
    struct event *event, int64_t mould, int64_t machine, int64_t time_ns, struct err *err) {
    int64_t there = 0;
    int rc = sql_number(event->tx,
        "SELECT machine FROM mould_mounts WHERE mould = ?1 AND end_ns IS NULL", Q(Q_I(mould)), 0,
        &there, err);
    if (rc < 0 || there == machine) {
        return rc;
    }
    rc = sql_do(event->tx,
        "UPDATE mould_mounts SET end_ns = max(begin_ns, ?3) WHERE end_ns IS NULL AND"
        " (mould = ?1 OR machine = ?2)",
        Q(Q_I(mould), Q_I(machine), Q_I(time_ns)), err);
    return rc < 0 ? rc
                  : sql_do(event->tx,
                        "INSERT INTO mould_mounts (mould, machine, begin_ns, event)"
                        " VALUES (?1, ?2, ?3, ?4)",
                        Q(Q_I(mould), Q_I(machine), Q_I(time_ns), Q_I(event->number)), err);
}

/* What the machine makes with another mould is in the way. */
static int check_machine(struct event *event, int64_t mould, int64_t machine, struct err *err) {
    struct ledger_stmt *stmt = NULL;
    int rc = sql_first(event->tx,
        "SELECT w.code, u.code FROM runs r JOIN operations o ON o.number = r.operation"
        " JOIN work_orders w ON w.number = o.work_order JOIN moulds u ON u.number = r.mould"
        " WHERE r.machine = ?1 AND r.end_ns IS NULL AND r.mould <> ?2",
        Q(Q_I(machine), Q_I(mould)), &stmt, err);
    return rc > 0 ? err_set(err, ERR_CONFLICT, SAY(PRODUCTION_MOULD_WORKS),
                        ARGS(A_STR(event_text(event, "machine")), A_STR(ledger_column_str(stmt, 0)),
                            A_STR(ledger_column_str(stmt, 1))))
                  : rc;
}

int event_mould_mount(struct event *event, struct err *err) {
    int64_t mould = event_i64(event, "mould", 0);
    int64_t machine = event_i64(event, "machine", 0);
    int rc = mould_check(event, mould, machine, err);
    rc = rc < 0 ? rc : check_machine(event, mould, machine, err);
    rc = rc < 0 ? rc : mould_put_on(event, mould, machine, event->time_ns, err);
    json_put_str(event->answer, "mould", event_text(event, "mould"));
    json_put_str(event->answer, "machine", event_text(event, "machine"));
    return rc;
}

int event_mould_dismount(struct event *event, struct err *err) {
    int64_t mould = event_i64(event, "mould", 0);
    struct str where = STR_NONE;
    struct str order = STR_NONE;
    int rc = find_work(event, mould, -1, &where, &order, err);
    if (rc > 0) {
        return err_set(err, ERR_CONFLICT, SAY(PRODUCTION_MOULD_ELSEWHERE),
            ARGS(A_STR(event_text(event, "mould")), A_STR(where), A_STR(order)));
    }
    int64_t mount = 0;
    rc = rc < 0 ? rc
                : sql_number(event->tx,
                      "SELECT number FROM mould_mounts WHERE mould = ?1 AND end_ns IS NULL",
                      Q(Q_I(mould)), 0, &mount, err);
    if (rc >= 0 && mount == 0 && !event_has(event, "place")) {
        return err_set(err, ERR_CONFLICT, SAY(PRODUCTION_MOULD_NOT_MOUNTED),
            ARGS(A_STR(event_text(event, "mould"))));
    }
    rc = rc < 0 ? rc
                : sql_do(event->tx,
                      "UPDATE mould_mounts SET end_ns = max(begin_ns, ?2) WHERE number = ?1",
                      Q(Q_I(mount), Q_I(event->time_ns)), err);
    if (rc >= 0 && event_has(event, "place")) {
        rc = sql_do(event->tx, "UPDATE moulds SET place = ?2, changed_ns = ?3 WHERE number = ?1",
            Q(Q_I(mould), Q_I(event_i64(event, "place", 0)), Q_I(event->entered_ns)), err);
    }
    json_put_str(event->answer, "mould", event_text(event, "mould"));
    return rc;
}

/* ---- Cavities ---- */

struct cavities {
    int64_t mould;
    int64_t pieces;
    int64_t from_ns;
    int64_t to_ns; // Of the next change; INT64_MAX: none is known.
};

/* The run ends here, and another goes on with the new number. */
static int split_run(
    struct event *event, int64_t run, const struct cavities *change, struct err *err) {
    struct ledger_tx *tx = event->tx;
    int64_t end_ns = 0;
    int64_t other = 0;
    int64_t minute_ns = (change->from_ns + MINUTE_NS - 1) / MINUTE_NS * MINUTE_NS;
    int rc =
        sql_number(tx, "SELECT end_ns FROM runs WHERE number = ?1", Q(Q_I(run)), 0, &end_ns, err);
    rc = rc < 0 ? rc
                : sql_do(tx, "UPDATE runs SET end_ns = ?2 WHERE number = ?1",
                      Q(Q_I(run), Q_I(change->from_ns)), err);
    rc = rc < 0 ? rc
                : sql_number(tx,
                      "INSERT INTO runs (operation, machine, phase, mould, pieces, worker,"
                      " begin_ns, end_ns) SELECT operation, machine, phase, mould, ?2, worker, ?3,"
                      " ?4 FROM runs WHERE number = ?1 RETURNING number",
                      Q(Q_I(run), Q_I(change->pieces), Q_I(change->from_ns), Q_REF(end_ns)), 0,
                      &other, err);
    rc = rc < 0 ? rc
                : sql_do(tx,
                      "UPDATE made SET run = ?2, pieces = counts * ?3 WHERE run = ?1"
                      " AND minute_ns >= ?4",
                      Q(Q_I(run), Q_I(other), Q_I(change->pieces), Q_I(minute_ns)), err);
    return rc < 0 ? rc
                  : sql_do(tx, "UPDATE stops SET run = ?2 WHERE run = ?1 AND begin_ns >= ?3",
                        Q(Q_I(run), Q_I(other), Q_I(change->from_ns)), err);
}

static int apply(struct event *event, const struct cavities *change, struct err *err) {
    struct ledger_tx *tx = event->tx;
    int64_t run = -1;
    int rc = 0;
    while (rc >= 0 && run != 0) {
        rc = sql_number(tx,
            "SELECT number FROM runs WHERE mould = ?1 AND begin_ns < ?2 AND pieces <> ?3"
            " AND (end_ns IS NULL OR end_ns > ?2) LIMIT 1",
            Q(Q_I(change->mould), Q_I(change->from_ns), Q_I(change->pieces)), 0, &run, err);
        rc = rc < 0 || run == 0 ? rc : split_run(event, run, change, err);
    }
    rc = rc < 0 ? rc
                : sql_do(tx,
                      "UPDATE made SET pieces = counts * ?4 WHERE run IN (SELECT number FROM runs"
                      " WHERE mould = ?1 AND begin_ns >= ?2 AND begin_ns < ?3 AND pieces <> ?4)",
                      Q(Q_I(change->mould), Q_I(change->from_ns), Q_I(change->to_ns),
                          Q_I(change->pieces)),
                      err);
    return rc < 0 ? rc
                  : sql_do(tx,
                        "UPDATE runs SET pieces = ?4 WHERE mould = ?1 AND begin_ns >= ?2"
                        " AND begin_ns < ?3",
                        Q(Q_I(change->mould), Q_I(change->from_ns), Q_I(change->to_ns),
                            Q_I(change->pieces)),
                        err);
}

/* The change that is told, up to the next one that is known; then that one again, for runs that
 * reach into its time. */
static int apply_both(struct event *event, struct cavities *change, struct err *err) {
    struct cavities next = {.mould = change->mould, .to_ns = INT64_MAX};
    struct ledger_stmt *stmt = NULL;
    int rc = sql_begin(event->tx,
        "SELECT time_ns, cavities FROM mould_cavities WHERE mould = ?1 AND time_ns > ?2"
        " ORDER BY time_ns, number LIMIT 2",
        Q(Q_I(change->mould), Q_I(change->from_ns)), &stmt, err);
    change->to_ns = INT64_MAX;
    for (int i = 0; rc >= 0 && i < 2 && (rc = ledger_step(stmt, err)) > 0; i++) {
        int64_t time_ns = ledger_column_i64(stmt, 0);
        if (i == 0) {
            change->to_ns = time_ns;
            next.from_ns = time_ns;
            next.pieces = ledger_column_i64(stmt, 1);
        } else {
            next.to_ns = time_ns;
        }
    }
    rc = rc < 0 || change->pieces == 0 ? rc : apply(event, change, err);
    return rc < 0 || change->to_ns == INT64_MAX || next.pieces == 0 ? rc : apply(event, &next, err);
}

/* Pieces of runs that have ended are others now: their orders are booked anew. */
static int book_again(struct event *event, const struct cavities *change, struct err *err) {
    for (int64_t run = 0;;) {
        int64_t next = 0;
        int rc = sql_number(event->tx,
            "SELECT number FROM runs WHERE mould = ?1 AND end_ns > ?2 AND begin_ns < ?3"
            " AND number > ?4 ORDER BY number LIMIT 1",
            Q(Q_I(change->mould), Q_I(change->from_ns), Q_I(change->to_ns), Q_I(run)), 0, &next,
            err);
        if (rc < 0 || next == 0) {
            return rc;
        }
        run = next;
        rc = fill_late_note(event->tx, run, err);
        if (rc < 0) {
            return rc;
        }
    }
}

int event_mould_cavities(struct event *event, struct err *err) {
    struct cavities change = {.mould = event_i64(event, "mould", 0),
        .pieces = event_i64(event, "cavities", 0),
        .from_ns = event->time_ns};
    struct str code = event_text(event, "mould");
    struct str where = STR_NONE;
    struct str order = STR_NONE;
    int64_t all = 0;
    int rc = sql_number(event->tx, "SELECT cavities FROM moulds WHERE number = ?1",
        Q(Q_I(change.mould)), 0, &all, err);
    if (rc >= 0 && change.pieces > all) {
        return err_set(
            err, ERR_INVALID, SAY(PRODUCTION_MOULD_CAVITIES_MANY), ARGS(A_STR(code), A_INT(all)));
    }
    if (rc >= 0 && change.pieces == 0) {
        rc = find_work(event, change.mould, -1, &where, &order, err);
        if (rc > 0) {
            return err_set(err, ERR_CONFLICT, SAY(PRODUCTION_MOULD_CLOSED_RUNS),
                ARGS(A_STR(code), A_STR(order)));
        }
    }
    rc = rc < 0 ? rc : apply_both(event, &change, err);
    rc = rc < 0 ? rc
                : sql_do(event->tx,
                      "INSERT INTO mould_cavities (mould, time_ns, cavities, why, event)"
                      " VALUES (?1, ?2, ?3, ?4, ?5)",
                      Q(Q_I(change.mould), Q_I(change.from_ns), Q_I(change.pieces),
                          Q_S(event_text(event, "why")), Q_I(event->number)),
                      err);
    rc = rc < 0 ? rc
                : sql_do(event->tx,
                      "UPDATE moulds SET changed_ns = ?2, cavities_open = (SELECT cavities FROM"
                      " mould_cavities WHERE mould = ?1 ORDER BY time_ns DESC, number DESC LIMIT 1)"
                      " WHERE number = ?1",
                      Q(Q_I(change.mould), Q_I(event->entered_ns)), err);
    rc = rc < 0 ? rc : book_again(event, &change, err);
    json_put_str(event->answer, "mould", code);
    json_put_i64(event->answer, "cavities", change.pieces);
    return rc;
}

/* ---- Shots, blocks, rules ---- */

/* What its counter plate says; the difference to what was counted is entered. */
int event_mould_shots(struct event *event, struct err *err) {
    int64_t mould = event_i64(event, "mould", 0);
    int64_t told = event_i64(event, "shots", 0);
    int64_t counted = 0;
    int rc = mould_shots(event->tx, mould, INT64_MIN, event->time_ns, &counted, err);
    rc = rc < 0 ? rc
                : sql_do(event->tx,
                      "INSERT INTO mould_shots (mould, time_ns, shots, why, event)"
                      " VALUES (?1, ?2, ?3, ?4, ?5)",
                      Q(Q_I(mould), Q_I(event->time_ns), Q_I(told - counted),
                          Q_S(event_text(event, "why")), Q_I(event->number)),
                      err);
    json_put_i64(event->answer, "before", counted);
    json_put_i64(event->answer, "shots", told);
    return rc;
}

int event_mould_block(struct event *event, struct err *err) {
    json_put_str(event->answer, "mould", event_text(event, "mould"));
    return sql_do(event->tx,
        "INSERT INTO mould_blocks (mould, why, time_ns, event) VALUES (?1, ?2, ?3, ?4)"
        " ON CONFLICT (mould) DO UPDATE SET why = excluded.why, time_ns = excluded.time_ns,"
        " event = excluded.event",
        Q(Q_I(event_i64(event, "mould", 0)), Q_S(event_text(event, "why")), Q_I(event->time_ns),
            Q_I(event->number)),
        err);
}

int event_mould_free(struct event *event, struct err *err) {
    int64_t mould = event_i64(event, "mould", 0);
    int64_t blocked = 0;
    int rc = sql_number(event->tx, "SELECT count(*) FROM mould_blocks WHERE mould = ?1",
        Q(Q_I(mould)), 0, &blocked, err);
    if (rc >= 0 && blocked == 0) {
        return err_set(err, ERR_CONFLICT, SAY(PRODUCTION_MOULD_NOT_BLOCKED),
            ARGS(A_STR(event_text(event, "mould"))));
    }
    json_put_str(event->answer, "mould", event_text(event, "mould"));
    return rc < 0
               ? rc
               : sql_do(event->tx, "DELETE FROM mould_blocks WHERE mould = ?1", Q(Q_I(mould)), err);
}

int event_care_rules(struct event *event, struct err *err) {
    return rules_tell(event, err);
}
