/*
 * What a machine does at this moment, its stops, and what they probably were. The state is the
 * newest row of the step function, unless the machine has been silent: then nobody knows, since the
 * newest sample.
 */
#include "core/clock.h"
#include "production/figures.h"
#include "production/fill.h"
#include "production/words.h"

#define UNIT 1000000

static int prepare(struct ledger_tx *tx, const char *sql, int64_t first,
    struct ledger_stmt **ret_stmt, struct err *err) {
    int status = ledger_prepare(tx, sql, ret_stmt, err);
    if (status >= 0) {
        ledger_bind_i64(*ret_stmt, 1, first);
    }
    return status;
}

/* ---- Now ---- */

static int read_state(struct ledger_tx *tx, const struct figures_machine *machine, int64_t now_ns,
    struct figures_now *now, struct err *err) {
    struct ledger_stmt *stmt;
    int status = prepare(tx,
        "SELECT time_ns, state FROM machine_states WHERE machine = ?1 ORDER BY time_ns DESC LIMIT "
        "1",
        machine->number, &stmt, err);
    status = status < 0 ? status : ledger_step(stmt, err);
    if (status > 0) {
        now->since_ns = ledger_column_i64(stmt, 0);
        now->state = (int32_t)ledger_column_i64(stmt, 1);
    }
    if (now_ns - machine->seen_ns > machine->silent_after_ns && now->state != MACHINE_UNKNOWN) {
        now->state = MACHINE_UNKNOWN;
        now->since_ns = machine->seen_ns;
    }
    return status < 0 ? status : 0;
}

static int read_run(struct ledger_tx *tx, const struct figures_machine *machine,
    struct arena *arena, struct figures_now *now, struct err *err) {
    struct ledger_stmt *stmt;
    int status = prepare(tx,
        "SELECT r.number, w.code, i.code, i.name, o.step, r.phase = 'setup', r.begin_ns, "
        "w.quantity_u, (SELECT coalesce(sum(pieces - bad), 0) * 1000000 FROM made WHERE run = "
        "r.number) + (SELECT coalesce(sum(good_u), 0) FROM made_by_hand WHERE run = r.number), "
        "(SELECT coalesce(sum(bad), 0) * 1000000 FROM made WHERE run = r.number) + (SELECT "
        "coalesce(sum(bad_u), 0) FROM made_by_hand WHERE run = r.number) "
        "FROM runs r JOIN operations o ON o.number = r.operation JOIN work_orders w ON w.number = "
        "o.work_order JOIN items i ON i.number = w.item WHERE r.machine = ?1 AND r.end_ns IS NULL",
        machine->number, &stmt, err);
    status = status < 0 ? status : ledger_step(stmt, err);
    if (status > 0) {
        now->run = ledger_column_i64(stmt, 0);
        now->order = arena_copy(arena, ledger_column_str(stmt, 1));
        now->item = arena_copy(arena, ledger_column_str(stmt, 2));
        now->item_name = arena_copy(arena, ledger_column_str(stmt, 3));
        now->step = ledger_column_i64(stmt, 4);
        now->setup = ledger_column_i64(stmt, 5) != 0;
        now->run_begin_ns = ledger_column_i64(stmt, 6);
        now->planned_u = ledger_column_i64(stmt, 7);
        now->run_good_u = ledger_column_i64(stmt, 8);
        now->run_bad_u = ledger_column_i64(stmt, 9);
    }
    return status < 0 ? status : 0;
}

static int read_stop(struct ledger_tx *tx, const struct figures_machine *machine,
    struct arena *arena, struct figures_now *now, struct err *err) {
    struct ledger_stmt *stmt;
    int status = prepare(tx,
        "SELECT s.number, s.begin_ns, coalesce(r.code, '') FROM stops s LEFT JOIN reasons r "
        "ON r.number = s.reason WHERE s.machine = ?1 AND s.end_ns IS NULL "
        "ORDER BY s.begin_ns DESC LIMIT 1",
        machine->number, &stmt, err);
    status = status < 0 ? status : ledger_step(stmt, err);
    if (status > 0) {
        now->stop = ledger_column_i64(stmt, 0);
        now->stop_begin_ns = ledger_column_i64(stmt, 1);
        now->stop_reason = arena_copy(arena, ledger_column_str(stmt, 2));
    }
    return status < 0 ? status : 0;
}

static int read_outside(struct ledger_tx *tx, const struct figures_machine *machine, int64_t day_ns,
    struct figures_now *now, struct err *err) {
    struct ledger_stmt *stmt;
    int status = prepare(tx,
        "SELECT coalesce(sum(pieces), 0) * 1000000 FROM made WHERE machine = ?1 AND run = 0 "
        "AND minute_ns >= ?2",
        machine->number, &stmt, err);
    if (status < 0) {
        return status;
    }
    ledger_bind_i64(stmt, 2, day_ns);
    status = ledger_step(stmt, err);
    if (status > 0) {
        now->outside_u = ledger_column_i64(stmt, 0);
    }
    return status < 0 ? status : 0;
}

int figures_now(struct ledger_tx *tx, const struct figures_machine *machine, int64_t now_ns,
    int64_t day_ns, struct arena *arena, struct figures_now *ret_now, struct err *err) {
    struct figures_now now = {.state = MACHINE_UNKNOWN,
        .order = STR_NONE,
        .item = STR_NONE,
        .item_name = STR_NONE,
        .stop_reason = STR_NONE};
    int status = read_state(tx, machine, now_ns, &now, err);
    status = status < 0 ? status : read_run(tx, machine, arena, &now, err);
    status = status < 0 ? status : read_stop(tx, machine, arena, &now, err);
    status = status < 0 ? status : read_outside(tx, machine, day_ns, &now, err);
    if (status >= 0) {
        *ret_now = now;
    }
    return status;
}

/* ---- Stops ---- */

static const char STOPS[] =
    "SELECT s.number, a.id, a.display, coalesce(w.code, ''), s.begin_ns, "
    "coalesce(s.end_ns, 9223372036854775807), coalesce(r.code, ''), coalesce(r.name, ''), "
    "coalesce(r.loss, ''), coalesce(k.code, ''), coalesce(s.filed_ns, 0), s.note "
    "FROM stops s JOIN machines m ON m.number = s.machine JOIN assets a ON a.number = m.asset "
    "LEFT JOIN runs u ON u.number = s.run LEFT JOIN operations o ON o.number = u.operation "
    "LEFT JOIN work_orders w ON w.number = o.work_order "
    "LEFT JOIN reasons r ON r.number = s.reason LEFT JOIN workers k ON k.number = s.worker "
    "WHERE s.number < ?1 AND (?2 = '' OR a.id = ?2) AND (?3 = 0 OR s.end_ns IS NULL) "
    "AND (?4 = 0 OR s.reason IS NULL) AND s.begin_ns < ?6 AND (s.end_ns IS NULL OR s.end_ns > ?5) "
    "AND (s.end_ns IS NULL OR s.end_ns > s.begin_ns) ORDER BY s.number DESC LIMIT ?7";

int figures_stops(struct ledger_tx *tx, const struct figures_stop_query *query, struct arena *arena,
    struct figures_stop **ret_stops, struct err *err) {
    struct ledger_stmt *stmt;
    int status = prepare(tx, STOPS, query->before, &stmt, err);
    if (status < 0) {
        return status;
    }
    uint32_t max = query->max < FIGURES_STOPS_MAX ? query->max : FIGURES_STOPS_MAX;
    ledger_bind_str(stmt, 2, query->machine);
    ledger_bind_i64(stmt, 3, query->only_open);
    ledger_bind_i64(stmt, 4, query->only_unreasoned);
    ledger_bind_i64(stmt, 5, query->from_ns);
    ledger_bind_i64(stmt, 6, query->to_ns);
    ledger_bind_i64(stmt, 7, max);
    struct figures_stop *stops = ARENA_ARRAY(arena, struct figures_stop, (size_t)max + 1);
    int count = 0;
    while ((status = ledger_step(stmt, err)) > 0) {
        stops[count++] = (struct figures_stop){.number = ledger_column_i64(stmt, 0),
            .machine = arena_copy(arena, ledger_column_str(stmt, 1)),
            .machine_name = arena_copy(arena, ledger_column_str(stmt, 2)),
            .order = arena_copy(arena, ledger_column_str(stmt, 3)),
            .begin_ns = ledger_column_i64(stmt, 4),
            .end_ns = ledger_column_i64(stmt, 5),
            .reason = arena_copy(arena, ledger_column_str(stmt, 6)),
            .reason_name = arena_copy(arena, ledger_column_str(stmt, 7)),
            .loss = arena_copy(arena, ledger_column_str(stmt, 8)),
            .worker = arena_copy(arena, ledger_column_str(stmt, 9)),
            .filed_ns = ledger_column_i64(stmt, 10),
            .note = arena_copy(arena, ledger_column_str(stmt, 11))};
    }
    *ret_stops = stops;
    return status < 0 ? status : count;
}

/* ---- Reasons ---- */

static int stop_machine(struct ledger_tx *tx, int64_t stop, int64_t *ret_machine, struct err *err) {
    struct ledger_stmt *stmt;
    int status = prepare(tx, "SELECT machine FROM stops WHERE number = ?1", stop, &stmt, err);
    status = status < 0 ? status : ledger_step(stmt, err);
    if (status == 0) {
        return err_set(err, ERR_NOT_FOUND, SAY(PRODUCTION_STOP_UNKNOWN), ARGS(A_INT(stop)));
    }
    if (status > 0) {
        *ret_machine = ledger_column_i64(stmt, 0);
    }
    return status < 0 ? status : 0;
}

/* Stops with a reason that is still in use: half of the room for the machine's own. */
static int past_read(
    struct ledger_tx *tx, int64_t machine, struct likely_stop *past, struct err *err) {
    struct ledger_stmt *stmt;
    int status = prepare(tx,
        "SELECT * FROM (SELECT s.begin_ns, s.reason, 1 FROM stops s JOIN reasons r ON r.number = "
        "s.reason WHERE s.machine = ?1 AND r.active = 1 ORDER BY s.begin_ns DESC LIMIT ?2) "
        "UNION ALL SELECT * FROM (SELECT s.begin_ns, s.reason, 0 FROM stops s JOIN reasons r ON "
        "r.number = s.reason WHERE s.machine <> ?1 AND r.active = 1 ORDER BY s.number DESC "
        "LIMIT ?2)",
        machine, &stmt, err);
    if (status < 0) {
        return status;
    }
    ledger_bind_i64(stmt, 2, LIKELY_PAST_MAX / 2);
    int count = 0;
    while ((status = ledger_step(stmt, err)) > 0) {
        past[count++] = (struct likely_stop){.begin_ns = ledger_column_i64(stmt, 0),
            .reason = ledger_column_i64(stmt, 1),
            .same_machine = ledger_column_i64(stmt, 2) != 0};
    }
    return status < 0 ? status : count;
}

static int reason_read(struct ledger_tx *tx, int64_t number, struct arena *arena,
    struct figures_reason *ret_reason, struct err *err) {
    struct ledger_stmt *stmt;
    int status =
        prepare(tx, "SELECT code, name, loss FROM reasons WHERE number = ?1", number, &stmt, err);
    status = status < 0 ? status : ledger_step(stmt, err);
    if (status > 0) {
        *ret_reason = (struct figures_reason){.code = arena_copy(arena, ledger_column_str(stmt, 0)),
            .name = arena_copy(arena, ledger_column_str(stmt, 1)),
            .loss = arena_copy(arena, ledger_column_str(stmt, 2))};
    }
    return status < 0 ? status : 0;
}

/* Reasons of stops that are no heading of others, until there are enough. */
static int fill_up(struct ledger_tx *tx, int64_t *reasons, uint32_t *count, struct err *err) {
    struct ledger_stmt *stmt;
    int status = prepare(tx,
        "SELECT number FROM reasons r WHERE kind = 'stop' AND active = 1 AND NOT EXISTS "
        "(SELECT 1 FROM reasons c WHERE c.parent = r.number AND c.active = 1) ORDER BY code LIMIT "
        "?1",
        2 * LIKELY_MAX, &stmt, err);
    if (status < 0) {
        return status;
    }
    while (*count < LIKELY_MAX && (status = ledger_step(stmt, err)) > 0) {
        int64_t number = ledger_column_i64(stmt, 0);
        bool is_there = false;
        for (uint32_t i = 0; i < *count; i++) {
            is_there = is_there || reasons[i] == number;
        }
        if (!is_there) {
            reasons[(*count)++] = number;
        }
    }
    return status < 0 ? status : 0;
}

int figures_reasons(struct ledger_tx *tx, int64_t stop, int64_t now_ns, struct arena *arena,
    struct figures_reason ret_reasons[LIKELY_MAX], struct err *err) {
    int64_t machine = 0;
    int status = stop_machine(tx, stop, &machine, err);
    if (status < 0) {
        return status;
    }
    struct likely_stop *past = ARENA_ARRAY(arena, struct likely_stop, LIKELY_PAST_MAX);
    status = past_read(tx, machine, past, err);
    if (status < 0) {
        return status;
    }
    int64_t reasons[LIKELY_MAX];
    uint32_t count = likely_reasons(past, (uint32_t)status, now_ns, reasons);
    status = fill_up(tx, reasons, &count, err);
    for (uint32_t i = 0; i < count && status >= 0; i++) {
        status = reason_read(tx, reasons[i], arena, &ret_reasons[i], err);
    }
    return status < 0 ? status : (int)count;
}
