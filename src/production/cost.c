/*
 * Money is added in whole millionths: an hour's rate times a length of time is rounded to one for
 * each run, so the sum of the runs is the sum of what is shown for each.
 */
#include "production/cost.h"

#include "core/clock.h"
#include "production/order.h"
#include "production/sql.h"

__extension__ typedef __int128 wide;

#define HOUR_NS (3600 * NS_PER_S)

/* a * b / c, rounded to the nearest; what does not fit becomes the largest. */
static int64_t share(int64_t a, int64_t b, int64_t c) {
    wide whole = ((wide)a * b + c / 2) / c;
    return whole > INT64_MAX ? INT64_MAX : (int64_t)whole;
}

int64_t cost_total_u(const struct cost *cost) {
    return cost->material_u + cost->machine_u + cost->labour_u + cost->outsourced_u;
}

/* What a unit of a lot cost when it was received: of its own receipt, or of those it was split off
 * or merged from, by their quantities. Negative: nobody said. */
static int lot_price(struct ledger_tx *tx, int64_t lot, int64_t *ret_u, struct err *err) {
    return sql_number(tx,
        "WITH RECURSIVE up (lot) AS (SELECT ?1 UNION SELECT k.parent FROM lot_links k JOIN up ON "
        "k.child = up.lot WHERE k.kind IN ('split', 'merge')) SELECT CASE WHEN count(*) = 1 THEN "
        "max(r.price_u) ELSE CAST(sum(r.price_u * 1.0 * r.quantity_u) / sum(r.quantity_u) + 0.5 AS "
        "INTEGER) END FROM up JOIN stock_moves r ON r.lot = up.lot WHERE r.kind = 'receipt' AND "
        "r.price_u IS NOT NULL",
        Q(Q_REF(lot)), -1, ret_u, err);
}

/* Of the price list on a day: that of the lot's supplier before the others, then the newest. */
static int list_price(struct ledger_tx *tx, int64_t item, int64_t partner, struct str day,
    int64_t *ret_u, struct err *err) {
    return sql_number(tx,
        "SELECT price_u FROM prices WHERE item = ?1 AND kind = 'buy' AND valid_from <= ?3"
        " ORDER BY coalesce(partner, 0) <> ?2, valid_from DESC, price_u LIMIT 1",
        Q(Q_I(item), Q_I(partner), Q_S(day)), -1, ret_u, err);
}

/* Each consumption: the price its lot was received at, else of the list that day, else standard. */
static int add_materials(struct ledger_tx *tx, int64_t order, const struct zone *zone,
    struct cost *cost, struct err *err) {
    struct ledger_stmt *stmt = NULL;
    int rc = sql_begin(tx,
        "SELECT -m.quantity_u, m.time_ns, m.item, coalesce(m.lot, 0), coalesce(l.partner, 0),"
        " coalesce(i.cost_u, -1) FROM stock_moves m JOIN items i ON i.number = m.item"
        " JOIN work_orders w ON w.number = m.work_order LEFT JOIN lots l ON l.number = m.lot"
        " WHERE m.work_order = ?1 AND m.kind = 'consume'"
        " AND NOT EXISTS (SELECT 1 FROM boms b WHERE b.item = w.item AND b.version = w.bom_version"
        "  AND b.component = m.item AND b.supply = 'free')",
        Q(Q_I(order)), &stmt, err);
    while (rc >= 0 && (rc = ledger_step(stmt, err)) > 0) {
        int64_t lot = ledger_column_i64(stmt, 3);
        int64_t price_u = -1;
        char day[DATE_TEXT_MAX];
        (void)day_of(ledger_column_i64(stmt, 1), zone, day);
        rc = lot == 0 ? 0 : lot_price(tx, lot, &price_u, err);
        if (rc >= 0 && price_u < 0) {
            rc = list_price(tx, ledger_column_i64(stmt, 2), ledger_column_i64(stmt, 4), str_of(day),
                &price_u, err);
        }
        price_u = price_u < 0 ? ledger_column_i64(stmt, 5) : price_u;
        cost->unpriced += price_u < 0;
        cost->material_u += price_u < 0 ? 0 : share(ledger_column_i64(stmt, 0), price_u, 1000000);
    }
    return rc;
}

static int add_runs(
    struct ledger_tx *tx, int64_t order, int64_t now_ns, struct cost *cost, struct err *err) {
    struct ledger_stmt *stmt = NULL;
    int rc = sql_begin(tx,
        "SELECT max(0, coalesce(r.end_ns, ?2) - r.begin_ns), coalesce(m.rate_u, w.machine_rate_u),"
        " coalesce(k.rate_u, w.labour_rate_u), coalesce(o.people, r.worker IS NOT NULL),"
        " r.machine IS NOT NULL"
        " FROM runs r JOIN operations o ON o.number = r.operation"
        " LEFT JOIN machines m ON m.number = r.machine"
        " LEFT JOIN workcentres w ON w.number = coalesce(m.workcentre, o.workcentre)"
        " LEFT JOIN workers k ON k.number = r.worker WHERE o.work_order = ?1",
        Q(Q_I(order), Q_I(now_ns)), &stmt, err);
    while (rc >= 0 && (rc = ledger_step(stmt, err)) > 0) {
        int64_t length_ns = ledger_column_i64(stmt, 0);
        double people = ledger_column_f64(stmt, 3);
        bool machine = ledger_column_i64(stmt, 4) != 0;
        bool unpriced = (machine && ledger_column_is_null(stmt, 1)) ||
                        (people > 0 && ledger_column_is_null(stmt, 2));
        cost->unpriced += length_ns > 0 && unpriced;
        if (machine && !ledger_column_is_null(stmt, 1)) {
            cost->machine_u += share(length_ns, ledger_column_i64(stmt, 1), HOUR_NS);
        }
        if (people > 0 && !ledger_column_is_null(stmt, 2)) {
            double hours = (double)length_ns / (double)HOUR_NS * people;
            cost->labour_u += (int64_t)(hours * (double)ledger_column_i64(stmt, 2) + 0.5);
        }
    }
    return rc;
}

/* Outsourced steps: good pieces at the price of the routing. */
static int add_outsourced(struct ledger_tx *tx, int64_t order, struct cost *cost, struct err *err) {
    int64_t step = -1;
    for (;;) {
        struct ledger_stmt *stmt = NULL;
        int rc = sql_first(tx,
            "SELECT number, step, price_u FROM operations WHERE work_order = ?1 AND step > ?2"
            " AND partner IS NOT NULL ORDER BY step LIMIT 1",
            Q(Q_I(order), Q_I(step)), &stmt, err);
        if (rc <= 0) {
            return rc;
        }
        int64_t number = ledger_column_i64(stmt, 0);
        bool priced = !ledger_column_is_null(stmt, 2);
        int64_t price_u = ledger_column_i64(stmt, 2);
        step = ledger_column_i64(stmt, 1);
        struct made made = {0};
        rc = operation_made(tx, number, &made, err);
        if (rc < 0) {
            return rc;
        }
        cost->outsourced_u += priced ? share(made.good_u, price_u, 1000000) : 0;
        cost->unpriced += !priced && made.good_u > 0;
    }
}

/* Charged material was sold to the partner, who adds its price to theirs: that much comes back. */
static int less_charged(struct ledger_tx *tx, int64_t order, struct cost *cost, struct err *err) {
    struct ledger_stmt *stmt = NULL;
    int rc = sql_begin(tx,
        "SELECT m.used_u, m.price_u FROM outsourcing_materials m JOIN outsourcings s ON s.number ="
        " m.outsourcing JOIN operations o ON o.number = s.operation WHERE o.work_order = ?1 AND"
        " m.supply = 'charged' AND m.price_u IS NOT NULL",
        Q(Q_I(order)), &stmt, err);
    while (rc >= 0 && (rc = ledger_step(stmt, err)) > 0) {
        cost->outsourced_u -=
            share(ledger_column_i64(stmt, 0), ledger_column_i64(stmt, 1), 1000000);
    }
    return rc;
}

int cost_of_order(struct ledger_tx *tx, int64_t order, int64_t now_ns, const struct zone *zone,
    struct cost *ret_cost, struct err *err) {
    struct cost cost = {0};
    struct made made = {0};
    int rc = add_materials(tx, order, zone, &cost, err);
    rc = rc < 0 ? rc : add_runs(tx, order, now_ns, &cost, err);
    rc = rc < 0 ? rc : add_outsourced(tx, order, &cost, err);
    rc = rc < 0 ? rc : less_charged(tx, order, &cost, err);
    rc = rc < 0 ? rc : order_made(tx, order, &made, err);
    cost.good_u = made.good_u;
    int64_t all_u = made.good_u + made.bad_u;
    cost.scrap_u = all_u > 0 ? share(cost_total_u(&cost), made.bad_u, all_u) : 0;
    *ret_cost = cost;
    return rc < 0 ? rc : 0;
}

int costs_list(struct ledger_tx *tx, const struct cost_query *query, struct arena *arena,
    struct cost_row *ret_rows, uint32_t max, struct err *err) {
    struct ledger_stmt *stmt = NULL;
    int rc = sql_begin(tx,
        "SELECT w.number, w.code, i.code, i.name, i.unit FROM work_orders w"
        " JOIN items i ON i.number = w.item WHERE w.number > ?1 AND (?2 = 0 OR w.item = ?2)"
        " AND EXISTS (SELECT 1 FROM operations o JOIN runs r ON r.operation = o.number"
        " WHERE o.work_order = w.number AND r.begin_ns < ?4 AND coalesce(r.end_ns, ?5) >= ?3)"
        " ORDER BY w.number LIMIT ?6",
        Q(Q_I(query->after), Q_I(query->item), Q_I(query->from_ns), Q_I(query->to_ns),
            Q_I(query->now_ns), Q_I(max)),
        &stmt, err);
    uint32_t count = 0;
    while (rc >= 0 && count < max && (rc = ledger_step(stmt, err)) > 0) {
        ret_rows[count++] = (struct cost_row){.number = ledger_column_i64(stmt, 0),
            .order = arena_copy(arena, ledger_column_str(stmt, 1)),
            .item = arena_copy(arena, ledger_column_str(stmt, 2)),
            .item_name = arena_copy(arena, ledger_column_str(stmt, 3)),
            .unit = arena_copy(arena, ledger_column_str(stmt, 4))};
    }
    for (uint32_t i = 0; rc >= 0 && i < count; i++) {
        rc = cost_of_order(
            tx, ret_rows[i].number, query->now_ns, query->zone, &ret_rows[i].cost, err);
    }
    return rc < 0 ? rc : (int)count;
}
