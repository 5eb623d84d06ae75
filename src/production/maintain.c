/*
 * When care is due.
 *
 * Nothing is kept but when it was done: what a machine ran and how often a mould closed since then
 * is added up from what the machines told, so that samples that come late, corrections of counts
 * and a care that is entered a day later all lead to the same figure. The calendar counts days of
 * the plant's zone, never seconds, so a change of daylight saving moves nothing.
 */
#include "production/maintain.h"

#include "core/clock.h"
#include "production/order.h"
#include "production/sql.h"

#define MINUTE_NS (60 * NS_PER_S)

enum { HOUR_S = 3600, ERA_DAYS = 146097 };

/* ---- Days ---- */

struct civil {
    int64_t year;
    int64_t month;
    int64_t day;
};

/* Proleptic Gregorian calendar, years that begin in March so that leap days come last. */
static struct civil civil_of(int64_t days) {
    int64_t shifted = days + 719468;
    int64_t era = (shifted >= 0 ? shifted : shifted - (ERA_DAYS - 1)) / ERA_DAYS;
    int64_t of_era = shifted - era * ERA_DAYS;
    int64_t year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    int64_t of_year = of_era - (365 * year + year / 4 - year / 100);
    int64_t month = (5 * of_year + 2) / 153;
    struct civil civil = {.day = of_year - (153 * month + 2) / 5 + 1,
        .month = month < 10 ? month + 3 : month - 9,
        .year = year + era * 400};
    civil.year += civil.month <= 2;
    return civil;
}

static int64_t days_of(struct civil civil) {
    int64_t year = civil.year - (civil.month <= 2);
    int64_t era = (year >= 0 ? year : year - 399) / 400;
    int64_t of_era = year - era * 400;
    int64_t month = civil.month > 2 ? civil.month - 3 : civil.month + 9;
    int64_t of_year = (153 * month + 2) / 5 + civil.day - 1;
    return era * ERA_DAYS + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

static int64_t months_later(int64_t day, int64_t months) {
    struct civil civil = civil_of(day);
    int64_t all = civil.year * 12 + civil.month - 1 + months;
    struct civil next = {.year = all / 12, .month = all % 12 + 1, .day = civil.day};
    struct civil after = {.year = (all + 1) / 12, .month = (all + 1) % 12 + 1, .day = 1};
    int64_t last = days_of(after) - 1; // Of the month.
    int64_t same = days_of(next);
    return same < last ? same : last;
}

int64_t care_next_day(const struct care_rule *rule, int64_t last_day) {
    switch (rule->basis) {
    case CARE_WEEKS: return last_day + 7 * rule->every;
    case CARE_MONTHS: return months_later(last_day, rule->every);
    case CARE_DAYS:
    case CARE_HOURS:
    case CARE_SHOTS: break;
    }
    return last_day + rule->every;
}

static enum care_state state_of(int64_t left, int64_t tolerance) {
    if (left > tolerance) {
        return CARE_OK;
    }
    if (left > 0) {
        return CARE_SOON;
    }
    return left >= -tolerance ? CARE_DUE : CARE_LATE;
}

void care_due_of(const struct care_rule *rule, int64_t last_day, int64_t used, int64_t today,
    struct care_due *ret_due) {
    struct care_due due = {.used = used};
    int64_t tolerance = rule->tolerance;
    if (rule->basis == CARE_HOURS || rule->basis == CARE_SHOTS) {
        int64_t unit = rule->basis == CARE_HOURS ? HOUR_S : 1;
        due.left = rule->every * unit - used;
        tolerance *= unit;
    } else {
        due.day = last_day == CARE_NEVER ? today : care_next_day(rule, last_day);
        due.used = last_day == CARE_NEVER ? 0 : today - last_day;
        due.left = due.day - today;
    }
    due.state = state_of(due.left, tolerance);
    *ret_due = due;
}

const char *care_state_name(enum care_state state) {
    static const char *const NAMES[] = {
        [CARE_OK] = "ok", [CARE_SOON] = "soon", [CARE_DUE] = "due", [CARE_LATE] = "late"};
    return NAMES[state];
}

static const char *const BASES[] = {[CARE_DAYS] = "days",
    [CARE_WEEKS] = "weeks",
    [CARE_MONTHS] = "months",
    [CARE_HOURS] = "hours",
    [CARE_SHOTS] = "shots"};

const char *care_basis_name(enum care_basis basis) {
    return BASES[basis];
}

static enum care_basis basis_of(struct str name) {
    for (enum care_basis basis = CARE_DAYS; basis < CARE_SHOTS; basis++) {
        if (str_eq(name, str_of(BASES[basis]))) {
            return basis;
        }
    }
    return CARE_SHOTS;
}

/* ---- What was used ---- */

static int64_t minute_after(int64_t time_ns) {
    return time_ns <= 0 ? INT64_MIN : (time_ns + MINUTE_NS - 1) / MINUTE_NS * MINUTE_NS;
}

int mould_shots(struct ledger_tx *tx, int64_t mould, int64_t from_ns, int64_t to_ns,
    int64_t *ret_shots, struct err *err) {
    int64_t counted = 0;
    int64_t changed = 0;
    int64_t before = 0;
    int rc = sql_number(tx,
        "SELECT sum(CASE WHEN r.begin_ns >= ?2 AND coalesce(r.end_ns, ?5) < ?4 THEN"
        " (SELECT c.counts FROM run_counts c WHERE c.run = r.number) ELSE"
        " (SELECT sum(m.counts) FROM made m WHERE m.run = r.number AND m.minute_ns >= ?3"
        " AND m.minute_ns < ?4) END) FROM runs r WHERE r.mould = ?1"
        " AND coalesce(r.end_ns, ?5) > ?2 AND r.begin_ns < ?4",
        Q(Q_I(mould), Q_I(from_ns), Q_I(minute_after(from_ns)), Q_I(to_ns), Q_I(INT64_MAX - 1)), 0,
        &counted, err);
    rc = rc < 0 ? rc
                : sql_number(tx,
                      "SELECT sum(shots) FROM mould_shots WHERE mould = ?1 AND time_ns >= ?2"
                      " AND time_ns < ?3",
                      Q(Q_I(mould), Q_I(from_ns), Q_I(to_ns)), 0, &changed, err);
    if (from_ns != INT64_MIN) {
        changed = 0; // A correction is of the whole life; nobody knows since when.
    } else if (rc >= 0) {
        rc = sql_number(tx, "SELECT shots_before FROM moulds WHERE number = ?1", Q(Q_I(mould)), 0,
            &before, err);
    }
    *ret_shots = counted + changed + before;
    return rc;
}

static int machine_strokes(
    struct ledger_tx *tx, int64_t machine, int64_t from_ns, int64_t *ret_strokes, struct err *err) {
    return sql_number(tx, "SELECT sum(counts) FROM made WHERE machine = ?1 AND minute_ns >= ?2",
        Q(Q_I(machine), Q_I(minute_after(from_ns))), 0, ret_strokes, err);
}

int machine_run_ns(struct ledger_tx *tx, int64_t machine, int64_t from_ns, int64_t to_ns,
    int64_t *ret_run_ns, struct err *err) {
    int64_t seen_ns = 0;
    int rc = sql_number(tx, "SELECT seen_ns FROM machine_marks WHERE machine = ?1", Q(Q_I(machine)),
        to_ns, &seen_ns, err);
    int64_t end_ns = seen_ns < to_ns ? seen_ns : to_ns;
    return rc < 0
               ? rc
               : sql_number(tx,
                     "SELECT sum(next_ns - max(time_ns, ?2)) FROM (SELECT time_ns, state,"
                     " lead(time_ns, 1, ?3) OVER (ORDER BY time_ns) AS next_ns FROM machine_states"
                     " WHERE machine = ?1 AND time_ns < ?3 AND time_ns >= coalesce((SELECT"
                     " max(time_ns) FROM machine_states WHERE machine = ?1 AND time_ns <= ?2),"
                     " ?2)) WHERE state = 1 AND next_ns > ?2",
                     Q(Q_I(machine), Q_I(from_ns), Q_I(end_ns)), 0, ret_run_ns, err);
}

/* ---- Plans ---- */

struct loading {
    const struct care_ask *ask;
    struct arena *arena;
    struct care_plan *plans;
    struct str *starts; // Of each: from when it is counted; empty: nobody says.
    int count;
};

static int add_plans(
    struct ledger_tx *tx, struct loading *loading, const char *sql, struct err *err) {
    struct ledger_stmt *stmt = NULL;
    int rc = sql_begin(tx, sql, Q(Q_I(loading->ask->mould)), &stmt, err);
    while (rc >= 0 && loading->count < CARE_PLANS_MAX && (rc = ledger_step(stmt, err)) > 0) {
        struct arena *arena = loading->arena;
        loading->starts[loading->count] = arena_copy(arena, ledger_column_str(stmt, 9));
        loading->plans[loading->count++] = (struct care_plan){.number = ledger_column_i64(stmt, 0),
            .code = arena_copy(arena, ledger_column_str(stmt, 1)),
            .name = arena_copy(arena, ledger_column_str(stmt, 2)),
            .machine = ledger_column_i64(stmt, 3),
            .mould = ledger_column_i64(stmt, 4),
            .rule = {.every = ledger_column_i64(stmt, 5),
                .basis = basis_of(ledger_column_str(stmt, 6)),
                .tolerance = ledger_column_i64(stmt, 7)},
            .last_ns = ledger_column_i64(stmt, 8)};
    }
    return rc;
}

/* What a mould made before it was counted here is taken as looked after at each multiple. */
static int add_before(
    struct ledger_tx *tx, const struct care_plan *plan, int64_t *used, struct err *err) {
    int64_t before = 0;
    int rc = sql_number(tx, "SELECT shots_before FROM moulds WHERE number = ?1",
        Q(Q_I(plan->mould)), 0, &before, err);
    *used += before % plan->rule.every;
    return rc;
}

static int find_due(
    struct ledger_tx *tx, const struct loading *loading, int index, struct err *err) {
    struct care_plan *plan = &loading->plans[index];
    const struct care_ask *ask = loading->ask;
    char text[DATE_TEXT_MAX];
    int64_t today = day_of(ask->now_ns, ask->zone, text);
    int64_t base_ns = plan->last_ns;
    if (base_ns == 0 && loading->starts[index].size > 0) {
        (void)time_parse(loading->starts[index], ask->zone, &base_ns);
    }
    int64_t last_day = base_ns == 0 ? CARE_NEVER : day_of(base_ns, ask->zone, text);
    int64_t from_ns = base_ns == 0 ? INT64_MIN + 1 : base_ns;
    int64_t used = 0;
    int rc = 0;
    if (plan->rule.basis == CARE_HOURS) {
        rc = machine_run_ns(tx, plan->machine, from_ns, ask->now_ns, &used, err);
        used /= NS_PER_S;
    } else if (plan->rule.basis == CARE_SHOTS && plan->mould != 0) {
        rc = mould_shots(tx, plan->mould, from_ns, INT64_MAX, &used, err);
        rc = rc < 0 || base_ns != 0 ? rc : add_before(tx, plan, &used, err);
    } else if (plan->rule.basis == CARE_SHOTS) {
        rc = machine_strokes(tx, plan->machine, from_ns, &used, err);
    }
    care_due_of(&plan->rule, last_day, used, today, &plan->due);
    return rc;
}

int care_plans_load(struct ledger_tx *tx, const struct care_ask *ask, struct arena *arena,
    struct care_plan **ret_plans, struct err *err) {
    struct loading loading = {.ask = ask,
        .arena = arena,
        .plans = ARENA_ARRAY(arena, struct care_plan, CARE_PLANS_MAX),
        .starts = ARENA_ARRAY(arena, struct str, CARE_PLANS_MAX)};
    int rc = add_plans(tx, &loading,
        "SELECT p.number, p.code, p.name, coalesce(p.machine, 0), coalesce(p.mould, 0), p.every,"
        " p.basis, coalesce(p.tolerance, 0), coalesce((SELECT max(time_ns) FROM care_done d WHERE"
        " d.plan = p.number), 0), p.start FROM care_plans p"
        " LEFT JOIN moulds o ON o.number = p.mould LEFT JOIN machines m ON m.number = p.machine"
        " WHERE p.active = 1 AND coalesce(o.active, m.active, 1) = 1"
        " AND (?1 = 0 OR p.mould = ?1) ORDER BY p.number",
        err);
    rc = rc < 0 ? rc
                : add_plans(tx, &loading,
                      "SELECT 0, '', '', 0, o.number, o.shots_care, 'shots', o.shots_care / 20,"
                      " coalesce((SELECT max(time_ns) FROM care_done d WHERE d.mould = o.number AND"
                      " d.plan IS NULL), 0), '' FROM moulds o WHERE o.active = 1"
                      " AND o.shots_care > 0 AND (?1 = 0 OR o.number = ?1) ORDER BY o.number",
                      err);
    for (int i = 0; i < loading.count && rc >= 0; i++) {
        rc = find_due(tx, &loading, i, err);
    }
    *ret_plans = loading.plans;
    return rc < 0 ? rc : loading.count;
}
