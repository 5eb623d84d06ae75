/*
 * Plans, judging, and the door.
 *
 * Limits are typed as decimals and kept as doubles by the table of plans; both they and what a
 * gauge sends are brought to whole millionths before they are compared, so that 0.1 of a gauge (as
 * a float 0.10000000149) is not above an upper limit of 0.1.
 *
 * A part of a lot needs no inspection of its own: what was split off or merged is asked for the
 * inspection of what it came from, up to a lot that has one itself.
 */
#include "production/inspect.h"

#include <math.h>

#include "production/amount.h"
#include "production/inspect_sql.h"
#include "production/sql.h"

/* ---- Judging ---- */

bool inspect_within(const struct inspect_limits *limits, int64_t value_u) {
    return (!limits->has_lower || value_u >= limits->lower_u) &&
           (!limits->has_upper || value_u <= limits->upper_u);
}

bool inspect_value_of(double value, int64_t *ret_u) {
    if (!isfinite(value) || fabs(value) > 9e12) {
        return false;
    }
    *ret_u = llround(value * AMOUNT_UNIT);
    return true;
}

bool inspect_limit(double value, int64_t *ret_u) {
    int64_t u = 0;
    if (!isfinite(value) || fabs(value) > INSPECT_LIMIT_MAX || !inspect_value_of(value, &u)) {
        return false;
    }
    *ret_u = u;
    return (double)u / AMOUNT_UNIT == value; // The nearest double of those six decimals.
}

/* ---- Plans ---- */

static bool take_limit(struct ledger_stmt *stmt, int column, int64_t *ret_u) {
    return !ledger_column_is_null(stmt, column) &&
           inspect_value_of(ledger_column_f64(stmt, column), ret_u);
}

static enum inspect_method method_of(struct str name) {
    static const char *const NAMES[] = {"typed", "gauge", "tag", "judged"};
    int at = INSPECT_JUDGED;
    while (at > INSPECT_TYPED && !str_eq(name, str_of(NAMES[at]))) {
        at--;
    }
    return (enum inspect_method)at;
}

int inspect_lines(struct ledger_tx *tx, struct arena *arena, int64_t item, struct str kind,
    int64_t step, struct inspect_line *ret_lines, uint32_t max, struct err *err) {
    struct ledger_stmt *stmt = NULL;
    uint32_t count = 0;
    int rc = sql_begin(tx,
        "SELECT number, line, name, unit, method, lower, upper, samples, coalesce(tag, 0) FROM "
        "inspection_plans WHERE item = ?1 AND kind = ?2 AND active = 1 AND (?3 = 0 OR step IS NULL "
        "OR step = ?3) ORDER BY line",
        Q(Q_I(item), Q_S(kind), Q_I(step)), &stmt, err);
    while (rc >= 0 && count < max && (rc = ledger_step(stmt, err)) > 0) {
        struct inspect_line line = {.plan = ledger_column_i64(stmt, 0),
            .line = ledger_column_i64(stmt, 1),
            .name = arena_copy(arena, ledger_column_str(stmt, 2)),
            .unit = arena_copy(arena, ledger_column_str(stmt, 3)),
            .method = method_of(ledger_column_str(stmt, 4)),
            .samples = (uint32_t)ledger_column_i64(stmt, 7),
            .tag = (uint32_t)ledger_column_i64(stmt, 8)};
        line.limits.has_lower = take_limit(stmt, 5, &line.limits.lower_u);
        line.limits.has_upper = take_limit(stmt, 6, &line.limits.upper_u);
        ret_lines[count++] = line;
    }
    return rc < 0 ? rc : (int)count;
}

/* ---- The door ---- */

enum inspect_gate inspect_gate_of(struct ledger_tx *tx, struct arena *arena) {
    struct str value = STR_NONE;
    if (plant_setting_get(tx, STR("inspection_gate"), arena, &value, NULL) < 0) {
        return GATE_REFUSE;
    }
    return str_eq(value, STR("warn"))  ? GATE_WARN
           : str_eq(value, STR("off")) ? GATE_OFF
                                       : GATE_REFUSE;
}

int inspect_waits(struct ledger_tx *tx, struct arena *arena, int64_t lot,
    struct inspect_wait *ret_wait, struct err *err) {
    struct ledger_stmt *stmt = NULL;
    int rc = sql_first(tx, INSPECT_WAITS("?1"), Q(Q_I(lot)), &stmt, err);
    if (rc > 0) {
        *ret_wait = (struct inspect_wait){.lot = arena_copy(arena, ledger_column_str(stmt, 0)),
            .kind = arena_copy(arena, ledger_column_str(stmt, 1)),
            .failed = ledger_column_i64(stmt, 2) != 0};
    }
    return rc;
}

int inspect_door(struct event *event, int64_t lot, struct err *err) {
    enum inspect_gate gate = inspect_gate_of(event->tx, event->arena);
    struct inspect_wait wait;
    int rc = gate == GATE_OFF ? 0 : inspect_waits(event->tx, event->arena, lot, &wait, err);
    if (rc <= 0) {
        return rc;
    }
    enum msg_id words = wait.failed                       ? SAY(PRODUCTION_GATE_FAILED)
                        : str_eq(wait.kind, STR("final")) ? SAY(PRODUCTION_GATE_NO_FINAL)
                                                          : SAY(PRODUCTION_GATE_NO_INCOMING);
    if (gate == GATE_REFUSE) {
        return err_set(err, ERR_CONFLICT, words, ARGS(A_STR(wait.lot)));
    }
    event_warn(event, words, ARGS(A_STR(wait.lot)));
    return 0;
}
