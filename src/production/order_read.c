/*
 * Orders as people look at them.
 *
 * The order of work is one number per row (rank, priority, due day, number), so that a page can be
 * continued where it ended although rows come and go. What was made is summed from what counters
 * and people told; nothing of it is kept beside.
 */
#include "core/hangul.h"
#include "production/orders.h"
#include "production/sql.h"
#include "production/stock.h"
#include "production/words.h"

enum { SALES_LINES_MAX = 256 };

static struct str column(struct ledger_stmt *stmt, int at, struct arena *arena) {
    return arena_copy(arena, ledger_column_str(stmt, at));
}

static int64_t column_time(struct ledger_stmt *stmt, int at) {
    return ledger_column_is_null(stmt, at) ? 0 : ledger_column_i64(stmt, at);
}

/* ---- Operations ---- */

static void read_run(struct ledger_stmt *stmt, struct arena *arena, struct order_step *step) {
    step->runs = !ledger_column_is_null(stmt, 14);
    if (!step->runs) {
        return;
    }
    step->run = (struct order_run){.number = ledger_column_i64(stmt, 14),
        .phase = column(stmt, 15, arena),
        .begin_ns = ledger_column_i64(stmt, 16),
        .pieces = ledger_column_i64(stmt, 17),
        .worker = column(stmt, 18, arena),
        .worker_name = column(stmt, 19, arena),
        .mould = column(stmt, 20, arena)};
}

static int read_steps(
    struct ledger_tx *tx, struct order_view *order, struct arena *arena, struct err *err) {
    static const char SQL[] =
        "SELECT o.step, p.code, p.name, coalesce(w.code, ''), coalesce(a.id, ''),"
        " coalesce(nullif(a.display, ''), a.id, ''), coalesce(x.code, ''), o.state,"
        " coalesce(o.cycle_ns, 0), coalesce(o.setup_ns, 0), o.begin_ns, o.end_ns,"
        " (SELECT coalesce(sum(m.pieces - m.bad), 0) * 1000000 FROM runs q JOIN made m"
        " ON m.run = q.number WHERE q.operation = o.number) + (SELECT coalesce(sum(h.good_u), 0)"
        " FROM runs q JOIN made_by_hand h ON h.run = q.number WHERE q.operation = o.number),"
        " (SELECT coalesce(sum(m.bad), 0) * 1000000 FROM runs q JOIN made m"
        " ON m.run = q.number WHERE q.operation = o.number) + (SELECT coalesce(sum(h.bad_u), 0)"
        " FROM runs q JOIN made_by_hand h ON h.run = q.number WHERE q.operation = o.number),"
        " r.number, r.phase, r.begin_ns, r.pieces, coalesce(k.code, ''), coalesce(k.name, ''),"
        " coalesce(d.code, '')"
        " FROM operations o JOIN processes p ON p.number = o.process"
        " LEFT JOIN workcentres w ON w.number = o.workcentre"
        " LEFT JOIN machines c ON c.number = o.machine LEFT JOIN assets a ON a.number = c.asset"
        " LEFT JOIN partners x ON x.number = o.partner"
        " LEFT JOIN runs r ON r.number = (SELECT max(q.number) FROM runs q"
        " WHERE q.operation = o.number AND q.end_ns IS NULL)"
        " LEFT JOIN workers k ON k.number = r.worker LEFT JOIN moulds d ON d.number = r.mould"
        " WHERE o.work_order = ?1 ORDER BY o.step LIMIT 100";
    struct ledger_stmt *stmt = NULL;
    int rc = sql_begin(tx, SQL, Q(Q_I(order->number)), &stmt, err);
    order->steps = ARENA_ARRAY(arena, struct order_step, ORDER_STEPS_MAX);
    while (rc >= 0 && (rc = ledger_step(stmt, err)) > 0) {
        struct order_step *step = &order->steps[order->step_count++];
        *step = (struct order_step){.step = ledger_column_i64(stmt, 0),
            .process = column(stmt, 1, arena),
            .process_name = column(stmt, 2, arena),
            .workcentre = column(stmt, 3, arena),
            .machine = column(stmt, 4, arena),
            .machine_name = column(stmt, 5, arena),
            .partner = column(stmt, 6, arena),
            .state = column(stmt, 7, arena),
            .cycle_ns = ledger_column_i64(stmt, 8),
            .setup_ns = ledger_column_i64(stmt, 9),
            .begin_ns = column_time(stmt, 10),
            .end_ns = column_time(stmt, 11),
            .good_u = ledger_column_i64(stmt, 12),
            .bad_u = ledger_column_i64(stmt, 13)};
        read_run(stmt, arena, step);
        order->good_u = step->good_u; // The last one's stays.
        order->bad_u = step->bad_u;
    }
    return rc < 0 ? rc : 0;
}

/* ---- Work orders ---- */

/* Where an order stands in the order of work; below 2^63. Those that are over stand behind, the
 * newest first. */
#define PLACE                                                                                      \
    "CASE WHEN w.state IN ('done', 'cancelled') THEN 5100000000000000000 - w.number ELSE (CASE"    \
    " w.state WHEN 'running' THEN 1 WHEN 'released' THEN 2 WHEN 'held' THEN 3 ELSE 4 END * 10"     \
    " + w.priority) * 100000000000000000"                                                          \
    " + CAST(strftime('%J', w.due) AS INTEGER) % 10000000 * 10000000000 + w.number END"

static void read_order(
    struct ledger_stmt *stmt, struct arena *arena, struct order_view *order, int64_t *ret_place) {
    *order = (struct order_view){.number = ledger_column_i64(stmt, 0),
        .code = column(stmt, 1, arena),
        .item = column(stmt, 2, arena),
        .item_name = column(stmt, 3, arena),
        .unit = column(stmt, 4, arena),
        .quantity_u = ledger_column_i64(stmt, 5),
        .due = column(stmt, 6, arena),
        .priority = ledger_column_i64(stmt, 7),
        .state = column(stmt, 8, arena),
        .proposed = ledger_column_i64(stmt, 9) != 0,
        .sales = column(stmt, 10, arena),
        .parent = column(stmt, 11, arena),
        .lot = column(stmt, 12, arena),
        .note = column(stmt, 13, arena)};
    *ret_place = ledger_column_i64(stmt, 14);
}

static bool order_fits(const struct order_view *order, struct str search) {
    return hangul_contains(order->code, search) || hangul_contains(order->item, search) ||
           hangul_contains(order->item_name, search) || hangul_contains(order->note, search);
}

#define ORDERS(where)                                                                              \
    "SELECT w.number, w.code, i.code, i.name, i.unit, w.quantity_u, w.due, w.priority, w.state,"   \
    " w.proposed, coalesce(s.code, ''), coalesce(p.code, ''), coalesce(l.code, ''), "              \
    "w.note, " PLACE " AS turn FROM work_orders w JOIN items i ON i.number = w.item"               \
    " LEFT JOIN sales_lines n ON n.number = w.sales_line"                                          \
    " LEFT JOIN sales_orders s ON s.number = n.sales"                                              \
    " LEFT JOIN work_orders p ON p.number = w.parent LEFT JOIN lots l ON l.number = w.lot"         \
    " WHERE " where " AND (?1 = '' OR EXISTS (SELECT 1 FROM operations o"                          \
    " JOIN machines c ON c.number = o.machine JOIN assets a ON a.number = c.asset"                 \
    " WHERE o.work_order = w.number AND a.id = ?1 AND o.state <> 'done'))"                         \
    " AND turn > ?2 ORDER BY turn"

/* Each way of asking has its index. */
static const char *orders_sql(const struct orders_query *query) {
    if (query->code.size > 0) {
        return ORDERS("w.code = ?3");
    }
    if (str_eq(query->state, STR("open"))) {
        return ORDERS("w.state IN ('planned', 'released', 'running', 'held') AND ?3 <> ''");
    }
    if (str_eq(query->state, STR("closed"))) {
        return ORDERS("w.state IN ('done', 'cancelled') AND ?3 <> ''");
    }
    return str_eq(query->state, STR("all")) ? ORDERS("?3 <> ''") : ORDERS("w.state = ?3");
}

int orders_list(struct ledger_tx *tx, const struct orders_query *query, struct arena *arena,
    struct order_view *ret_orders, uint32_t max, int64_t *ret_next, struct err *err) {
    struct ledger_stmt *stmt = NULL;
    int rc = sql_begin(tx, orders_sql(query),
        Q(Q_S(query->machine), Q_I(query->after),
            Q_S(query->code.size > 0 ? query->code : query->state)),
        &stmt, err);
    uint32_t count = 0;
    *ret_next = 0;
    int64_t place = 0;
    while (rc >= 0 && (rc = ledger_step(stmt, err)) > 0) {
        struct order_view order;
        int64_t before = place;
        read_order(stmt, arena, &order, &place);
        if (query->search.size > 0 && !order_fits(&order, query->search)) {
            continue;
        }
        if (count == max) {
            *ret_next = before;
            break;
        }
        ret_orders[count++] = order;
    }
    for (uint32_t i = 0; rc >= 0 && i < count; i++) {
        rc = read_steps(tx, &ret_orders[i], arena, err);
    }
    return rc < 0 ? rc : (int)count;
}

/* ---- Sales and purchases ---- */

/* Lines of the sales orders with numbers from ?2 to ?3, in their order: what lies ready and what
 * work brings are gathered once for all of them. */
static const char LINES_SQL[] =
    "WITH ready AS (SELECT s.item, sum(s.quantity_u) AS quantity FROM stock s JOIN places p"
    " ON p.number = s.place LEFT JOIN lots l ON l.number = s.lot WHERE " STOCK_USABLE
    " GROUP BY s.item),"
    " work AS (SELECT w.sales_line, w.item, sum(" ORDER_LEFT_U ") AS quantity FROM work_orders w"
    " WHERE w.sales_line IS NOT NULL AND " ORDER_OPEN " GROUP BY w.sales_line, w.item),"
    " free AS (SELECT w.item, sum(" ORDER_LEFT_U ") AS quantity FROM work_orders w"
    " WHERE w.sales_line IS NULL AND " ORDER_OPEN " GROUP BY w.item),"
    " times AS (SELECT w.sales_line, max(o.end_ns) AS ends, sum(o.end_ns IS NULL) AS open"
    " FROM work_orders w LEFT JOIN operations o ON o.work_order = w.number AND o.state <> 'done'"
    " WHERE w.sales_line IS NOT NULL AND " ORDER_OPEN " GROUP BY w.sales_line)"
    " SELECT l.sales, l.line, i.code, i.name, i.unit, l.quantity_u, l.due,"
    " coalesce(l.price_u, -1), l.shipped_u, coalesce(r.quantity, 0), coalesce(k.quantity, 0),"
    " coalesce(f.quantity, 0), CASE WHEN t.open = 0 THEN t.ends END"
    " FROM sales_lines l JOIN items i ON i.number = l.item LEFT JOIN ready r ON r.item = l.item"
    " LEFT JOIN free f ON f.item = l.item LEFT JOIN work k ON k.sales_line = l.number AND k.item = "
    "l.item"
    " LEFT JOIN times t ON t.sales_line = l.number"
    " WHERE l.sales BETWEEN ?2 AND ?3 ORDER BY l.sales DESC, l.line";

static void read_line(
    struct ledger_stmt *stmt, struct arena *arena, struct sales_line_view *ret_line) {
    *ret_line = (struct sales_line_view){.line = ledger_column_i64(stmt, 1),
        .item = column(stmt, 2, arena),
        .item_name = column(stmt, 3, arena),
        .unit = column(stmt, 4, arena),
        .quantity_u = ledger_column_i64(stmt, 5),
        .due = column(stmt, 6, arena),
        .price_u = ledger_column_i64(stmt, 7),
        .shipped_u = ledger_column_i64(stmt, 8),
        .usable_u = ledger_column_i64(stmt, 9),
        .making_u = ledger_column_i64(stmt, 10),
        .free_u = ledger_column_i64(stmt, 11),
        .ends_ns = column_time(stmt, 12)};
}

/* `sales` is by number, highest first. */
static int read_lines(struct ledger_tx *tx, struct str today, struct sales_view *sales,
    uint32_t count, struct arena *arena, struct err *err) {
    struct ledger_stmt *stmt = NULL;
    int rc = sql_begin(tx, LINES_SQL,
        Q(Q_S(today), Q_I(sales[count - 1].number), Q_I(sales[0].number)), &stmt, err);
    uint32_t at = 0;
    while (rc >= 0 && (rc = ledger_step(stmt, err)) > 0) {
        int64_t number = ledger_column_i64(stmt, 0);
        while (at + 1 < count && sales[at].number > number) {
            at++;
        }
        struct sales_view *one = &sales[at];
        if (one->number != number || one->line_count == SALES_LINES_MAX) {
            continue; // Of an order in another state.
        }
        if (one->lines == NULL) {
            one->lines = ARENA_ARRAY(arena, struct sales_line_view, SALES_LINES_MAX);
        }
        read_line(stmt, arena, &one->lines[one->line_count++]);
    }
    return rc < 0 ? rc : 0;
}

int sales_list(struct ledger_tx *tx, const struct sales_query *query, struct arena *arena,
    struct sales_view *ret_sales, uint32_t max, struct err *err) {
    struct ledger_stmt *stmt = NULL;
    int rc = sql_begin(tx,
        "SELECT s.number, s.code, p.code, p.name, s.ordered, s.state, s.note FROM sales_orders s"
        " JOIN partners p ON p.number = s.partner WHERE s.number < ?1"
        " AND (?2 = '' OR s.state = ?2) ORDER BY s.number DESC LIMIT ?3",
        Q(Q_I(query->before), Q_S(query->state), Q_I(max)), &stmt, err);
    uint32_t count = 0;
    while (rc >= 0 && count < max && (rc = ledger_step(stmt, err)) > 0) {
        ret_sales[count++] = (struct sales_view){.number = ledger_column_i64(stmt, 0),
            .code = column(stmt, 1, arena),
            .partner = column(stmt, 2, arena),
            .partner_name = column(stmt, 3, arena),
            .ordered = column(stmt, 4, arena),
            .state = column(stmt, 5, arena),
            .note = column(stmt, 6, arena)};
    }
    if (rc >= 0 && count > 0) {
        rc = read_lines(tx, query->today, ret_sales, count, arena, err);
    }
    return rc < 0 ? rc : (int)count;
}

int purchases_list(struct ledger_tx *tx, int64_t after, struct arena *arena,
    struct purchase_view *ret_purchases, uint32_t max, struct err *err) {
    struct ledger_stmt *stmt = NULL;
    int rc = sql_begin(tx,
        "SELECT b.number, i.code, i.name, i.unit, b.quantity_u, b.due, coalesce(p.code, ''),"
        " coalesce(w.code, ''), b.state FROM purchase_proposals b"
        " JOIN items i ON i.number = b.item LEFT JOIN partners p ON p.number = b.partner"
        " LEFT JOIN work_orders w ON w.number = b.work_order WHERE b.number > ?1"
        " ORDER BY b.number LIMIT ?2",
        Q(Q_I(after), Q_I(max)), &stmt, err);
    uint32_t count = 0;
    while (rc >= 0 && count < max && (rc = ledger_step(stmt, err)) > 0) {
        ret_purchases[count++] = (struct purchase_view){.number = ledger_column_i64(stmt, 0),
            .item = column(stmt, 1, arena),
            .item_name = column(stmt, 2, arena),
            .unit = column(stmt, 3, arena),
            .quantity_u = ledger_column_i64(stmt, 4),
            .due = column(stmt, 5, arena),
            .partner = column(stmt, 6, arena),
            .order = column(stmt, 7, arena),
            .state = column(stmt, 8, arena)};
    }
    return rc < 0 ? rc : (int)count;
}
