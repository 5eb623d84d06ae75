/*
 * What stands of maintenance, as JSON: what is due, moulds, repairs, failures, spare parts.
 *
 * A failure is looked for in two places, because a shop has two habits: some file the reason of the
 * stop on the terminal, others write a request for repair. Where both speak of the same time, it is
 * one failure, from the earlier begin to the later end.
 */
#include <math.h>

#include "core/clock.h"
#include "production/amount.h"
#include "production/calendar.h"
#include "production/maintain.h"
#include "production/master.h"
#include "production/sql.h"
#include "production/stock.h"

/* ---- Pieces ---- */

/* A text column; null where it is none or empty. */
static void put_column(struct json *json, const char *key, struct ledger_stmt *stmt, int column) {
    struct str text =
        ledger_column_is_null(stmt, column) ? STR_NONE : ledger_column_str(stmt, column);
    if (text.size == 0) {
        json_put_null(json, key);
    } else {
        json_put_str(json, key, text);
    }
}

static void put_count(struct json *json, const char *key, struct ledger_stmt *stmt, int column) {
    if (ledger_column_is_null(stmt, column)) {
        json_put_null(json, key);
    } else {
        json_put_i64(json, key, ledger_column_i64(stmt, column));
    }
}

static void put_moment(struct json *json, const char *key, int64_t time_ns) {
    if (time_ns == 0) {
        json_put_null(json, key);
    } else {
        json_put_time(json, key, time_ns);
    }
}

static void put_time_column(
    struct json *json, const char *key, struct ledger_stmt *stmt, int column) {
    put_moment(
        json, key, ledger_column_is_null(stmt, column) ? 0 : ledger_column_i64(stmt, column));
}

/* ---- What is due ---- */

static void put_measure(struct json *json, const struct care_plan *plan) {
    const struct care_due *due = &plan->due;
    char day[CALENDAR_DAY_TEXT_MAX];
    calendar_day_put(due->day, day);
    bool metered = plan->rule.basis == CARE_HOURS || plan->rule.basis == CARE_SHOTS;
    double unit = plan->rule.basis == CARE_HOURS ? 3600 : 1;
    json_put_i64(json, "every", plan->rule.every);
    json_put_str(json, "basis", str_of(care_basis_name(plan->rule.basis)));
    json_put_i64(json, "tolerance", plan->rule.tolerance);
    put_moment(json, "last", plan->last_ns);
    if (metered) {
        json_put_null(json, "due_day");
    } else {
        json_put_str(json, "due_day", str_of(day));
    }
    json_put_f64(json, "used", (double)due->used / unit);
    json_put_f64(json, "left", (double)due->left / unit);
    json_put_str(json, "state", str_of(care_state_name(due->state)));
}

static int put_plan(
    struct ledger_tx *tx, const struct care_plan *plan, struct json *json, struct err *err) {
    struct ledger_stmt *stmt = NULL;
    int rc = sql_first(tx,
        "SELECT a.id, a.display, o.code, o.name, w.code, w.name, f.code, p.minutes, p.note"
        " FROM (SELECT ?1 AS plan, ?2 AS machine, ?3 AS mould) x"
        " LEFT JOIN care_plans p ON p.number = x.plan LEFT JOIN machines m ON m.number = x.machine"
        " LEFT JOIN assets a ON a.number = m.asset LEFT JOIN moulds o ON o.number = x.mould"
        " LEFT JOIN workers w ON w.number = p.worker LEFT JOIN forms f ON f.number = p.form",
        Q(Q_I(plan->number), Q_I(plan->machine), Q_I(plan->mould)), &stmt, err);
    if (rc <= 0) {
        return rc;
    }
    json_object_begin(json);
    if (plan->number == 0) {
        json_put_null(json, "plan");
        json_put_null(json, "name");
    } else {
        json_put_str(json, "plan", plan->code);
        json_put_str(json, "name", plan->name);
    }
    put_column(json, "machine", stmt, 0);
    put_column(json, "machine_name", stmt, 1);
    put_column(json, "mould", stmt, 2);
    put_column(json, "mould_name", stmt, 3);
    put_column(json, "worker", stmt, 4);
    put_column(json, "worker_name", stmt, 5);
    put_column(json, "form", stmt, 6);
    put_count(json, "minutes", stmt, 7);
    put_column(json, "note", stmt, 8);
    put_measure(json, plan);
    json_object_end(json);
    return 0;
}

int maintain_put_due(
    struct ledger_tx *tx, const struct care_ask *ask, struct json *json, struct err *err) {
    AUTO_ARENA struct arena arena;
    arena_init(&arena, 0);
    struct care_plan *plans = NULL;
    int count = care_plans_load(tx, ask, &arena, &plans, err);
    int rc = count < 0 ? count : 0;
    for (int state = CARE_LATE; state >= CARE_OK && rc >= 0; state--) {
        for (int i = 0; i < count && rc >= 0; i++) {
            if (plans[i].due.state == (enum care_state)state) {
                rc = put_plan(tx, &plans[i], json, err);
            }
        }
    }
    return rc;
}

/* ---- Moulds ---- */

#define MOULDS_SQL                                                                                 \
    "SELECT o.number, o.code, o.name, i.code, i.name, o.cavities,"                                 \
    " coalesce(o.cavities_open, o.cavities), o.shots_life, o.shots_care, l.code, a.id, a.display," \
    " w.code, b.why, (SELECT max(number) FROM repairs WHERE mould = o.number AND state = "         \
    "'begun'),"                                                                                    \
    " p.name, x.begin_ns FROM moulds o LEFT JOIN items i ON i.number = o.item"                     \
    " LEFT JOIN places l ON l.number = o.place LEFT JOIN partners p ON p.number = o.owner"         \
    " LEFT JOIN mould_mounts x ON x.mould = o.number AND x.end_ns IS NULL"                         \
    " LEFT JOIN machines m ON m.number = x.machine LEFT JOIN assets a ON a.number = m.asset"       \
    " LEFT JOIN mould_blocks b ON b.mould = o.number"                                              \
    " LEFT JOIN runs r ON r.number = (SELECT max(number) FROM runs WHERE mould = o.number AND"     \
    " end_ns IS NULL) LEFT JOIN operations n ON n.number = r.operation"                            \
    " LEFT JOIN work_orders w ON w.number = n.work_order"                                          \
    " WHERE o.active = 1 AND (?1 = 0 OR o.number = ?1) ORDER BY o.code"

static void put_shots(
    struct json *json, struct ledger_stmt *stmt, int64_t shots, const struct care_plan *own) {
    json_put_i64(json, "shots", shots);
    put_count(json, "life", stmt, 7);
    if (ledger_column_is_null(stmt, 7)) {
        json_put_null(json, "life_left");
    } else {
        json_put_i64(json, "life_left", ledger_column_i64(stmt, 7) - shots);
    }
    put_count(json, "care_every", stmt, 8);
    if (own == NULL) {
        json_put_null(json, "care_left");
    } else {
        json_put_i64(json, "care_left", own->due.left);
    }
}

struct mould_care {
    const struct care_plan *plans;
    int count;
};

static int put_mould(struct ledger_tx *tx, struct ledger_stmt *stmt, const struct mould_care *care,
    struct json *json, struct err *err) {
    int64_t shots = 0;
    int64_t mould = ledger_column_i64(stmt, 0);
    int rc = mould_shots(tx, mould, INT64_MIN, INT64_MAX, &shots, err);
    enum care_state worst = CARE_OK;
    const struct care_plan *own = NULL;
    for (int i = 0; i < care->count; i++) {
        const struct care_plan *plan = &care->plans[i];
        bool is_its = plan->mould == mould;
        own = is_its && plan->number == 0 ? plan : own;
        worst = is_its && plan->due.state > worst ? plan->due.state : worst;
    }
    json_object_begin(json);
    put_column(json, "mould", stmt, 1);
    put_column(json, "name", stmt, 2);
    put_column(json, "item", stmt, 3);
    put_column(json, "item_name", stmt, 4);
    json_put_i64(json, "cavities", ledger_column_i64(stmt, 5));
    json_put_i64(json, "open", ledger_column_i64(stmt, 6));
    put_shots(json, stmt, shots, own);
    json_put_str(json, "care", str_of(care_state_name(worst)));
    put_column(json, "place", stmt, 9);
    put_column(json, "machine", stmt, 10);
    put_column(json, "machine_name", stmt, 11);
    put_time_column(json, "mounted", stmt, 16);
    put_column(json, "order", stmt, 12);
    put_column(json, "blocked", stmt, 13);
    put_count(json, "repair", stmt, 14);
    put_column(json, "owner", stmt, 15);
    json_object_end(json);
    return rc;
}

int maintain_put_moulds(
    struct ledger_tx *tx, const struct care_ask *ask, struct json *json, struct err *err) {
    AUTO_ARENA struct arena arena;
    arena_init(&arena, 0);
    struct care_plan *plans = NULL;
    int count = care_plans_load(tx, ask, &arena, &plans, err);
    if (count < 0) {
        return count;
    }
    struct mould_care care = {.plans = plans, .count = count};
    struct ledger_stmt *stmt = NULL;
    int rc = sql_begin(tx, MOULDS_SQL, Q(Q_I(ask->mould)), &stmt, err);
    while (rc >= 0 && (rc = ledger_step(stmt, err)) > 0) {
        rc = put_mould(tx, stmt, &care, json, err);
    }
    return rc < 0 ? rc : 0;
}

/* ---- Repairs ---- */

struct aim {
    int64_t machine;
    int64_t mould;
};

static int find_aim(struct ledger_tx *tx, const struct maintain_query *query, struct aim *ret_aim,
    struct err *err) {
    *ret_aim = (struct aim){0};
    int rc = query->machine.size == 0
                 ? 0
                 : master_find(tx, NOUN_MACHINES, query->machine, &ret_aim->machine, err);
    return rc < 0 || query->mould.size == 0
               ? rc
               : master_find(tx, NOUN_MOULDS, query->mould, &ret_aim->mould, err);
}

static void put_repair(struct json *json, struct ledger_stmt *stmt) {
    json_object_begin(json);
    json_put_i64(json, "number", ledger_column_i64(stmt, 0));
    put_column(json, "state", stmt, 1);
    put_column(json, "machine", stmt, 2);
    put_column(json, "machine_name", stmt, 3);
    put_column(json, "mould", stmt, 4);
    put_column(json, "mould_name", stmt, 5);
    put_column(json, "text", stmt, 6);
    json_put_bool(json, "stands", ledger_column_i64(stmt, 7) != 0);
    put_count(json, "stop", stmt, 8);
    put_time_column(json, "asked", stmt, 9);
    put_column(json, "asker", stmt, 10);
    put_time_column(json, "begun", stmt, 11);
    put_time_column(json, "done", stmt, 12);
    put_column(json, "worker", stmt, 13);
    put_column(json, "cause", stmt, 14);
    put_column(json, "what", stmt, 15);
    put_count(json, "minutes", stmt, 16);
    if (ledger_column_is_null(stmt, 17)) {
        json_put_null(json, "cost");
    } else {
        stock_put_amount(json, "cost", ledger_column_i64(stmt, 17));
    }
    put_column(json, "parts", stmt, 18);
    json_object_end(json);
}

int maintain_put_repairs(struct ledger_tx *tx, const struct maintain_query *query,
    struct json *json, int64_t *ret_next, struct err *err) {
    struct aim aim;
    struct ledger_stmt *stmt = NULL;
    int rc = find_aim(tx, query, &aim, err);
    rc = rc < 0 ? rc
                : sql_begin(tx,
                      "SELECT r.number, r.state, a.id, a.display, o.code, o.name, r.text, r.stands,"
                      " r.stop, r.asked_ns, k.name, r.begun_ns, r.done_ns, w.name, r.cause, r.what,"
                      " r.minutes, r.cost_u, r.parts FROM repairs r"
                      " LEFT JOIN machines m ON m.number = r.machine"
                      " LEFT JOIN assets a ON a.number = m.asset"
                      " LEFT JOIN moulds o ON o.number = r.mould"
                      " LEFT JOIN workers k ON k.number = r.asker"
                      " LEFT JOIN workers w ON w.number = r.worker"
                      " WHERE r.number < ?1 AND (?2 = 0 OR r.machine = ?2) AND (?3 = 0 OR r.mould ="
                      " ?3) AND (?4 = 0 OR r.state IN ('asked', 'begun'))"
                      " ORDER BY r.number DESC LIMIT ?5",
                      Q(Q_I(query->before), Q_I(aim.machine), Q_I(aim.mould), Q_I(query->only_open),
                          Q_I(query->limit)),
                      &stmt, err);
    uint32_t count = 0;
    int64_t last = 0;
    while (rc >= 0 && (rc = ledger_step(stmt, err)) > 0) {
        last = ledger_column_i64(stmt, 0);
        put_repair(json, stmt);
        count++;
    }
    *ret_next = count == query->limit ? last : 0;
    return rc < 0 ? rc : 0;
}

/* ---- Failures ---- */

struct failures {
    int64_t number;
    int64_t down_ns; // Of those that are over.
    int64_t over;
};

struct failure {
    int64_t begin_ns;
    int64_t end_ns; // INT64_MAX: it goes on.
    struct str why;
    int64_t repair; // 0: none.
};

static void put_failure(struct json *json, const struct failure *failure) {
    json_object_begin(json);
    json_put_time(json, "begin", failure->begin_ns);
    put_moment(json, "end", failure->end_ns == INT64_MAX ? 0 : failure->end_ns);
    json_put_str(json, "why", failure->why);
    if (failure->repair == 0) {
        json_put_null(json, "repair");
    } else {
        json_put_i64(json, "repair", failure->repair);
    }
    json_object_end(json);
}

static void count_failure(struct failures *failures, const struct failure *failure,
    const struct maintain_query *query, struct json *json) {
    if (failure->begin_ns < query->from_ns) {
        return; // It belongs to the time in which it began.
    }
    failures->number++;
    if (failure->end_ns != INT64_MAX) {
        failures->over++;
        failures->down_ns += failure->end_ns - failure->begin_ns;
    }
    if (failures->number <= MAINTAIN_FAILURES_MAX) {
        put_failure(json, failure);
    }
}

/* Writes those of a machine and counts them. */
static int put_failures(struct ledger_tx *tx, int64_t machine, const struct maintain_query *query,
    struct json *json, struct failures *ret_failures, struct err *err) {
    AUTO_ARENA struct arena arena;
    arena_init(&arena, 0);
    struct failures failures = {0};
    struct failure open = {0};
    bool has = false;
    struct ledger_stmt *stmt = NULL;
    int rc = sql_begin(tx,
        "SELECT s.begin_ns, coalesce(s.end_ns, 9223372036854775807), r.name, 0 FROM stops s"
        " JOIN reasons r ON r.number = s.reason WHERE s.machine = ?1 AND r.loss = 'breakdown'"
        " AND s.begin_ns < ?3 AND coalesce(s.end_ns, ?3) > ?2 AND coalesce(s.end_ns, ?3) >"
        " s.begin_ns UNION ALL SELECT asked_ns, coalesce(done_ns, 9223372036854775807), text,"
        " number FROM repairs WHERE machine = ?1 AND stands = 1 AND state <> 'dropped'"
        " AND asked_ns < ?3 AND coalesce(done_ns, ?3) > ?2 ORDER BY 1",
        Q(Q_I(machine), Q_I(query->from_ns), Q_I(query->to_ns)), &stmt, err);
    while (rc >= 0 && (rc = ledger_step(stmt, err)) > 0) {
        struct failure next = {.begin_ns = ledger_column_i64(stmt, 0),
            .end_ns = ledger_column_i64(stmt, 1),
            .repair = ledger_column_i64(stmt, 3)};
        if (has && next.begin_ns <= open.end_ns) {
            open.end_ns = next.end_ns > open.end_ns ? next.end_ns : open.end_ns;
            open.repair = open.repair != 0 ? open.repair : next.repair;
            continue;
        }
        if (has) {
            count_failure(&failures, &open, query, json);
        }
        next.why = arena_copy(&arena, ledger_column_str(stmt, 2));
        open = next;
        has = true;
    }
    if (has) {
        count_failure(&failures, &open, query, json);
    }
    *ret_failures = failures;
    return rc < 0 ? rc : 0;
}

static void put_hours(struct json *json, const char *key, int64_t sum_ns, int64_t number) {
    if (number == 0) {
        json_put_null(json, key);
    } else {
        json_put_f64(json, key, (double)sum_ns / (double)number / 3600e9);
    }
}

static int put_machine(struct ledger_tx *tx, struct ledger_stmt *stmt,
    const struct maintain_query *query, struct json *json, struct err *err) {
    int64_t machine = ledger_column_i64(stmt, 0);
    json_object_begin(json);
    put_column(json, "machine", stmt, 1);
    put_column(json, "name", stmt, 2);
    put_column(json, "maker", stmt, 3);
    put_column(json, "model", stmt, 4);
    put_column(json, "serial", stmt, 5);
    put_column(json, "bought", stmt, 6);
    put_column(json, "workcentre", stmt, 7);
    struct failures failures;
    json_key(json, "failures");
    json_array_begin(json);
    int rc = put_failures(tx, machine, query, json, &failures, err);
    json_array_end(json);
    int64_t run_ns = 0;
    rc = rc < 0 ? rc : machine_run_ns(tx, machine, query->from_ns, query->to_ns, &run_ns, err);
    json_put_i64(json, "count", failures.number);
    put_hours(json, "run_h", run_ns, 1);
    put_hours(json, "down_h", failures.down_ns, 1);
    put_hours(json, "mtbf_h", run_ns, failures.number);
    put_hours(json, "mttr_h", failures.down_ns, failures.over);
    json_object_end(json);
    return rc;
}

int maintain_put_machines(
    struct ledger_tx *tx, const struct maintain_query *query, struct json *json, struct err *err) {
    struct aim aim;
    struct ledger_stmt *stmt = NULL;
    int rc = find_aim(tx, query, &aim, err);
    rc = rc < 0 ? rc
                : sql_begin(tx,
                      "SELECT m.number, a.id, a.display, m.maker, m.model, m.serial, m.bought,"
                      " c.code FROM machines m JOIN assets a ON a.number = m.asset"
                      " LEFT JOIN workcentres c ON c.number = m.workcentre"
                      " WHERE m.active = 1 AND (?1 = 0 OR m.number = ?1) ORDER BY a.id",
                      Q(Q_I(aim.machine)), &stmt, err);
    while (rc >= 0 && (rc = ledger_step(stmt, err)) > 0) {
        rc = put_machine(tx, stmt, query, json, err);
    }
    return rc < 0 ? rc : 0;
}

/* ---- What was done ---- */

#define LOG_SQL                                                                                    \
    "SELECT x.time_ns, x.kind, a.id, o.code, x.text, x.more, k.name, x.minutes FROM ("             \
    "SELECT d.time_ns, 'care' AS kind, d.machine, d.mould, coalesce(p.name, '') AS text,"          \
    " d.note || CASE WHEN d.parts <> '' THEN ' ' || d.parts ELSE '' END AS more, d.worker,"        \
    " d.minutes FROM care_done d LEFT JOIN care_plans p ON p.number = d.plan UNION ALL "           \
    "SELECT done_ns, 'repair', machine, mould, text, cause || ' / ' || what || CASE WHEN parts <>" \
    " '' THEN ' ' || parts ELSE '' END, worker, minutes FROM repairs WHERE state = 'done'"         \
    " UNION ALL SELECT time_ns, 'cavities', NULL, mould, '' || cavities, why, NULL, NULL FROM"     \
    " mould_cavities UNION ALL "                                                                   \
    "SELECT time_ns, 'shots', NULL, mould, '' || shots, why, NULL, NULL FROM mould_shots UNION"    \
    " ALL SELECT begin_ns, 'mount', machine, mould, '', '', NULL, NULL FROM mould_mounts) x"       \
    " LEFT JOIN machines m ON m.number = x.machine LEFT JOIN assets a ON a.number = m.asset"       \
    " LEFT JOIN moulds o ON o.number = x.mould LEFT JOIN workers k ON k.number = x.worker"         \
    " WHERE (?1 = 0 OR x.machine = ?1) AND (?2 = 0 OR x.mould = ?2) AND x.time_ns >= ?3"           \
    " AND x.time_ns < ?4 ORDER BY x.time_ns DESC LIMIT ?5"

int maintain_put_log(
    struct ledger_tx *tx, const struct maintain_query *query, struct json *json, struct err *err) {
    struct aim aim;
    struct ledger_stmt *stmt = NULL;
    int rc = find_aim(tx, query, &aim, err);
    rc = rc < 0 ? rc
                : sql_begin(tx, LOG_SQL,
                      Q(Q_I(aim.machine), Q_I(aim.mould), Q_I(query->from_ns), Q_I(query->to_ns),
                          Q_I(query->limit)),
                      &stmt, err);
    while (rc >= 0 && (rc = ledger_step(stmt, err)) > 0) {
        json_object_begin(json);
        put_time_column(json, "time", stmt, 0);
        put_column(json, "kind", stmt, 1);
        put_column(json, "machine", stmt, 2);
        put_column(json, "mould", stmt, 3);
        put_column(json, "text", stmt, 4);
        put_column(json, "more", stmt, 5);
        put_column(json, "worker", stmt, 6);
        put_count(json, "minutes", stmt, 7);
        json_object_end(json);
    }
    return rc < 0 ? rc : 0;
}

/* ---- Spare parts ---- */

int maintain_put_spares(struct ledger_tx *tx, struct json *json, struct err *err) {
    struct ledger_stmt *stmt = NULL;
    int rc = sql_begin(tx,
        "SELECT i.code, i.name, i.unit, i.spec, coalesce((SELECT sum(quantity_u) FROM stock WHERE"
        " item = i.number), 0), i.safety_u, p.code FROM items i"
        " LEFT JOIN places p ON p.number = i.place WHERE i.kind = 'spare' AND i.active = 1"
        " ORDER BY i.code LIMIT ?1",
        Q(Q_I(MAINTAIN_LIST_MAX)), &stmt, err);
    while (rc >= 0 && (rc = ledger_step(stmt, err)) > 0) {
        int64_t there_u = ledger_column_i64(stmt, 4);
        bool has_least = !ledger_column_is_null(stmt, 5);
        json_object_begin(json);
        put_column(json, "item", stmt, 0);
        put_column(json, "name", stmt, 1);
        put_column(json, "unit", stmt, 2);
        put_column(json, "spec", stmt, 3);
        stock_put_amount(json, "stock", there_u);
        if (has_least) {
            stock_put_amount(json, "least", ledger_column_i64(stmt, 5));
        } else {
            json_put_null(json, "least");
        }
        json_put_bool(json, "low", has_least && there_u < ledger_column_i64(stmt, 5));
        put_column(json, "place", stmt, 6);
        json_object_end(json);
    }
    return rc < 0 ? rc : 0;
}
