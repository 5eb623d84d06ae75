/*
 * Sales orders and the plan that is made of them.
 *
 * A plan is made anew each time: what an earlier plan proposed and nobody touched is taken back,
 * then everything that is wanted (open sales lines, materials of orders that stand, safety stock)
 * is set against what lies there and what is on its way (mrp.h). Orders that somebody released,
 * changed or made by hand stand; they count as on their way, and what they still need is wanted.
 */
#include <string.h>

#include "core/clock.h"
#include "core/time.h"
#include "production/amount.h"
#include "production/event_handler.h"
#include "production/mrp.h"
#include "production/order.h"
#include "production/sql.h"
#include "production/stock.h"

enum { PLAN_ITEMS_MAX = 200000, PLAN_LINES_MAX = 1000000, DUE_DAYS_MAX = 36500 };

/* ---- Sales orders ---- */

static int sales_lines_enter(struct event *event, int64_t sales, struct err *err) {
    uint32_t count = event_count(event, "item");
    for (uint32_t i = 0; i < count; i++) {
        int64_t item = event_i64_at(event, "item", i);
        int64_t price_u = 0;
        bool priced = i < event_count(event, "price");
        int rc = 0;
        if (priced) {
            price_u = event_i64_at(event, "price", i);
        }
        rc = sql_do(event->tx,
            "INSERT INTO sales_lines (sales, line, item, quantity_u, due, price_u, shipped_u)"
            " VALUES (?1, ?2, ?3, ?4, ?5, ?6, 0)",
            Q(Q_I(sales), Q_I((int64_t)i + 1), Q_I(item), Q_I(event_i64_at(event, "quantity", i)),
                Q_S(event_text_at(event, "due", i)), priced ? Q_I(price_u) : Q_NULL),
            err);
        if (rc < 0) {
            return rc;
        }
    }
    return 0;
}

int event_sales_enter(struct event *event, struct err *err) {
    char today[DATE_TEXT_MAX];
    (void)day_of(event->time_ns, event->zone, today);
    struct str code = event_text(event, "code");
    int64_t there = 0;
    int rc = event_lists_match(event, "item", "quantity", err);
    rc = rc < 0 ? rc : event_lists_match(event, "item", "due", err);
    if (rc >= 0 && event_count(event, "price") > 0) {
        rc = event_lists_match(event, "item", "price", err);
    }
    rc = rc < 0 ? rc
                : sql_number(event->tx, "SELECT number FROM sales_orders WHERE code = ?1",
                      Q(Q_S(code)), 0, &there, err);
    if (rc >= 0 && there != 0) {
        return err_set(err, ERR_EXISTS, SAY(PRODUCTION_SALES_EXISTS), ARGS(A_STR(code)));
    }
    int64_t sales = 0;
    rc = rc < 0
             ? rc
             : sql_number(event->tx,
                   "INSERT INTO sales_orders (code, partner, ordered, state, note, created_ns,"
                   " actor) VALUES (?1, ?2, ?3, 'open', ?4, ?5, ?6) RETURNING number",
                   Q(Q_S(code), Q_I(event_i64(event, "partner", 0)),
                       Q_S(event_has(event, "ordered") ? event_text(event, "ordered")
                                                       : str_of(today)),
                       Q_S(event_text(event, "note")), Q_I(event->entered_ns), Q_S(event->actor)),
                   0, &sales, err);
    rc = rc < 0 ? rc : sales_lines_enter(event, sales, err);
    json_put_str(event->answer, "sales", code);
    return rc;
}

/* The line that is meant: by its number, or the only one. */
static int find_sales_line(
    struct event *event, int64_t *ret_number, int64_t *ret_shipped_u, struct err *err) {
    struct ledger_stmt *stmt = NULL;
    int64_t line = event_i64(event, "line", 0);
    int rc = sql_first(event->tx,
        "SELECT s.code, s.state, l.number, l.shipped_u, count(l.number) FROM sales_orders s"
        " LEFT JOIN sales_lines l ON l.sales = s.number AND (?2 = 0 OR l.line = ?2)"
        " WHERE s.number = ?1",
        Q(Q_I(event_i64(event, "sales", 0)), Q_I(line)), &stmt, err);
    if (rc <= 0) {
        return rc;
    }
    if (!str_eq(ledger_column_str(stmt, 1), STR("open"))) {
        return err_set(err, ERR_CONFLICT, SAY(PRODUCTION_SALES_NOT_OPEN),
            ARGS(A_STR(ledger_column_str(stmt, 0)),
                A_STR(event_state(event, ledger_column_str(stmt, 1)))));
    }
    if (ledger_column_i64(stmt, 4) != 1) {
        return err_set(err, ERR_INVALID, SAY(PRODUCTION_SALES_LINE),
            ARGS(A_STR(ledger_column_str(stmt, 0)), A_INT(line)));
    }
    *ret_number = ledger_column_i64(stmt, 2);
    *ret_shipped_u = ledger_column_i64(stmt, 3);
    return 0;
}

/* Customers ask for more, less or another day. */
int event_sales_change(struct event *event, struct err *err) {
    int64_t number = 0;
    int64_t shipped_u = 0;
    int64_t quantity_u = event_i64(event, "quantity", 0);
    int rc = find_sales_line(event, &number, &shipped_u, err);
    if (rc >= 0 && event_has(event, "quantity") && quantity_u < shipped_u) {
        return err_set(
            err, ERR_CONFLICT, SAY(PRODUCTION_SALES_LESS), ARGS(A_CSTR(AMOUNT(shipped_u))));
    }
    rc = rc < 0 ? rc
                : sql_do(event->tx,
                      "UPDATE sales_lines SET quantity_u = CASE WHEN ?2 > 0 THEN ?2 ELSE quantity_u"
                      " END, due = CASE WHEN ?3 <> '' THEN ?3 ELSE due END,"
                      " price_u = coalesce(?4, price_u) WHERE number = ?1",
                      Q(Q_I(number), Q_I(quantity_u), Q_S(event_text(event, "due")),
                          event_has(event, "price") ? Q_I(event_i64(event, "price", 0)) : Q_NULL),
                      err);
    rc = rc < 0 ? rc
                : sql_do(event->tx,
                      "UPDATE sales_orders SET state = 'done' WHERE number = ?1 AND NOT EXISTS"
                      " (SELECT 1 FROM sales_lines WHERE sales = ?1 AND shipped_u < quantity_u)",
                      Q(Q_I(event_i64(event, "sales", 0))), err);
    json_put_str(event->answer, "sales", event_text(event, "sales"));
    return rc;
}

int event_sales_cancel(struct event *event, struct err *err) {
    int64_t sales = event_i64(event, "sales", 0);
    int64_t shipped = 0;
    int rc =
        sql_number(event->tx, "SELECT count(*) FROM sales_lines WHERE sales = ?1 AND shipped_u > 0",
            Q(Q_I(sales)), 0, &shipped, err);
    if (rc >= 0 && shipped > 0) {
        return err_set(err, ERR_CONFLICT, SAY(PRODUCTION_SALES_SHIPPED),
            ARGS(A_STR(event_text(event, "sales"))));
    }
    rc = rc < 0 ? rc
                : sql_do(event->tx, "UPDATE sales_orders SET state = 'cancelled' WHERE number = ?1",
                      Q(Q_I(sales)), err);
    json_put_str(event->answer, "sales", event_text(event, "sales"));
    return rc;
}

/* Nothing more is sent of it. */
int event_sales_close(struct event *event, struct err *err) {
    json_put_str(event->answer, "sales", event_text(event, "sales"));
    return sql_do(event->tx, "UPDATE sales_orders SET state = 'done' WHERE number = ?1",
        Q(Q_I(event_i64(event, "sales", 0))), err);
}

/* ---- What the plan looks at ---- */

struct load {
    struct event *event;
    struct arena *arena;
    struct mrp_item *items;
    uint32_t item_count;
    struct mrp_line *lines;
    uint32_t line_count;
    struct mrp_need *needs;
    uint32_t need_count;
    struct mrp_receipt *receipts;
    uint32_t receipt_count;
    int32_t today;
    char today_text[DATE_TEXT_MAX];
};

/* Place of an item in the list, which is in the order of their numbers; UINT32_MAX: not there. */
static uint32_t place_of(const struct load *load, int64_t number) {
    uint32_t low = 0;
    uint32_t high = load->item_count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (load->items[middle].number < number) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low < load->item_count && load->items[low].number == number ? low : UINT32_MAX;
}

static int count_rows(
    struct load *load, const char *sql, int64_t most, uint32_t *ret_count, struct err *err) {
    int64_t count = 0;
    int rc = sql_number(load->event->tx, sql, NULL, 0, 0, &count, err);
    if (rc >= 0 && count > most) {
        return err_set(err, ERR_LIMIT, SAY(PRODUCTION_PLAN_LARGE), ARGS(A_INT(most)));
    }
    *ret_count = (uint32_t)count;
    return rc;
}

static int load_items(struct load *load, struct err *err) {
    uint32_t count = 0;
    int rc = count_rows(load, "SELECT count(*) FROM items", PLAN_ITEMS_MAX, &count, err);
    load->items = ARENA_ARRAY(load->arena, struct mrp_item, count + 1);
    struct ledger_stmt *stmt = NULL;
    rc = rc < 0 ? rc
                : sql_begin(load->event->tx,
                      "SELECT i.number, coalesce((SELECT sum(s.quantity_u) FROM stock s"
                      " JOIN places p ON p.number = s.place AND p.kind IN ('warehouse', 'floor')"
                      " LEFT JOIN lots l ON l.number = s.lot WHERE s.item = i.number"
                      " AND coalesce(l.state, 'open') IN ('open', 'planned')"
                      " AND (coalesce(l.expires, '') = '' OR l.expires >= ?1)), 0),"
                      " coalesce(i.safety_u, 0), coalesce(i.lot_size_u, 0),"
                      " coalesce(i.lead_days, 0), EXISTS (SELECT 1 FROM routings r"
                      " WHERE r.item = i.number) FROM items i ORDER BY i.number",
                      Q(Q_S(str_of(load->today_text))), &stmt, err);
    while (rc >= 0 && load->item_count < count && (rc = ledger_step(stmt, err)) > 0) {
        int64_t lead = ledger_column_i64(stmt, 4);
        load->items[load->item_count++] = (struct mrp_item){.number = ledger_column_i64(stmt, 0),
            .on_hand_u = ledger_column_i64(stmt, 1),
            .safety_u = ledger_column_i64(stmt, 2),
            .lot_size_u = ledger_column_i64(stmt, 3),
            .lead_days = (int32_t)(lead > DUE_DAYS_MAX ? DUE_DAYS_MAX : lead),
            .made = ledger_column_i64(stmt, 5) != 0};
    }
    return rc < 0 ? rc : 0;
}

/* Lines of the newest version valid today of each item. */
static int load_lines(struct load *load, struct err *err) {
    uint32_t count = 0;
    int rc = count_rows(load, "SELECT count(*) FROM boms", PLAN_LINES_MAX, &count, err);
    load->lines = ARENA_ARRAY(load->arena, struct mrp_line, count + 1);
    struct ledger_stmt *stmt = NULL;
    rc = rc < 0
             ? rc
             : sql_begin(load->event->tx,
                   "SELECT b.item, b.component, b.quantity_u, b.base_u,"
                   " coalesce(b.scrap_ppm, 0), b.supply = 'free' FROM boms b"
                   " JOIN (SELECT item, max(version) AS version FROM boms"
                   " WHERE valid_from <= ?1 AND (valid_to = '' OR valid_to > ?1) GROUP BY item) v"
                   " ON v.item = b.item AND v.version = b.version ORDER BY b.item, b.line",
                   Q(Q_S(str_of(load->today_text))), &stmt, err);
    while (rc >= 0 && load->line_count < count && (rc = ledger_step(stmt, err)) > 0) {
        load->lines[load->line_count++] =
            (struct mrp_line){.item = place_of(load, ledger_column_i64(stmt, 0)),
                .component = place_of(load, ledger_column_i64(stmt, 1)),
                .quantity_u = ledger_column_i64(stmt, 2),
                .base_u = ledger_column_i64(stmt, 3),
                .scrap_ppm = ledger_column_i64(stmt, 4),
                .free = ledger_column_i64(stmt, 5) != 0};
    }
    return rc < 0 ? rc : 0;
}

static int32_t day_number(struct str date, int32_t absent) {
    int64_t time_ns = 0;
    return time_parse(date, NULL, &time_ns) ? (int32_t)(time_ns / (86400 * NS_PER_S)) : absent;
}

/* Open sales lines, and what orders that stand still need: each less what has happened already. */
static int load_needs(struct load *load, struct err *err) {
    static const char NEEDS[] =
        "SELECT l.item, l.quantity_u - l.shipped_u AS left_u, l.due, l.number FROM sales_lines l"
        " JOIN sales_orders s ON s.number = l.sales AND s.state = 'open'"
        " WHERE l.quantity_u > l.shipped_u"
        " UNION ALL"
        " SELECT b.component, max(0, (o.quantity_u * 1.0 / b.base_u) * b.quantity_u"
        " * (1 + coalesce(b.scrap_ppm, 0) / 1e6) + coalesce((SELECT sum(m.quantity_u)"
        " FROM stock_moves m WHERE m.work_order = o.number AND m.item = b.component"
        " AND m.kind = 'consume'), 0)), o.due, coalesce(o.sales_line, 0)"
        " FROM work_orders o JOIN boms b ON b.item = o.item AND b.version = coalesce(o.bom_version,"
        " (SELECT max(v.version) FROM boms v WHERE v.item = o.item AND v.valid_from <= ?1"
        " AND (v.valid_to = '' OR v.valid_to > ?1)))"
        " WHERE o.state IN ('planned', 'released', 'running', 'held')";
    uint32_t sales = 0;
    uint32_t orders = 0;
    int rc = count_rows(load, "SELECT count(*) FROM sales_lines", PLAN_LINES_MAX, &sales, err);
    rc = rc < 0 ? rc
                : count_rows(load,
                      "SELECT count(*) FROM work_orders o JOIN boms b ON b.item = o.item"
                      " WHERE o.state IN ('planned', 'released', 'running', 'held')",
                      PLAN_LINES_MAX, &orders, err);
    uint32_t most = sales + orders;
    load->needs = ARENA_ARRAY(load->arena, struct mrp_need, most + 1);
    struct ledger_stmt *stmt = NULL;
    rc = rc < 0 ? rc
                : sql_begin(load->event->tx, NEEDS, Q(Q_S(str_of(load->today_text))), &stmt, err);
    while (rc >= 0 && load->need_count < most && (rc = ledger_step(stmt, err)) > 0) {
        double left = ledger_column_f64(stmt, 1);
        if (left >= 1) {
            load->needs[load->need_count++] =
                (struct mrp_need){.item = place_of(load, ledger_column_i64(stmt, 0)),
                    .quantity_u = (int64_t)left,
                    .day = day_number(ledger_column_str(stmt, 2), load->today),
                    .sales_line = ledger_column_i64(stmt, 3)};
        }
    }
    return rc < 0 ? rc : 0;
}

/* What orders that stand will still make, and what was bought. */
static int load_receipts(struct load *load, struct err *err) {
    static const char RECEIPTS[] =
        "SELECT o.item, o.quantity_u - coalesce((SELECT sum(m.quantity_u) FROM stock_moves m"
        " WHERE m.work_order = o.number AND m.kind = 'output'), 0), o.due FROM work_orders o"
        " WHERE o.state IN ('planned', 'released', 'running', 'held')"
        " UNION ALL SELECT item, quantity_u, due FROM purchase_proposals WHERE state = 'ordered'";
    uint32_t count = 0;
    int rc = count_rows(load,
        "SELECT (SELECT count(*) FROM work_orders) + (SELECT count(*) FROM purchase_proposals)",
        PLAN_LINES_MAX, &count, err);
    load->receipts = ARENA_ARRAY(load->arena, struct mrp_receipt, count + 1);
    struct ledger_stmt *stmt = NULL;
    rc = rc < 0 ? rc : sql_begin(load->event->tx, RECEIPTS, NULL, 0, &stmt, err);
    while (rc >= 0 && load->receipt_count < count && (rc = ledger_step(stmt, err)) > 0) {
        int64_t left_u = ledger_column_i64(stmt, 1);
        if (left_u > 0) {
            load->receipts[load->receipt_count++] =
                (struct mrp_receipt){.item = place_of(load, ledger_column_i64(stmt, 0)),
                    .quantity_u = left_u,
                    .day = day_number(ledger_column_str(stmt, 2), load->today)};
        }
    }
    return rc < 0 ? rc : 0;
}

/* ---- What the plan leaves ---- */

static int take_back(struct ledger_tx *tx, struct err *err) {
    int rc = sql_do(tx,
        "UPDATE work_orders SET parent = NULL WHERE parent IN (SELECT number FROM work_orders"
        " WHERE state = 'planned' AND proposed = 1)",
        NULL, 0, err);
    rc = rc < 0 ? rc
                : sql_do(tx, // One that was ordered stays, whoever it was for.
                      "UPDATE purchase_proposals SET work_order = NULL WHERE work_order IN"
                      " (SELECT number FROM work_orders WHERE state = 'planned' AND proposed = 1)",
                      NULL, 0, err);
    rc = rc < 0
             ? rc
             : sql_do(tx, "DELETE FROM purchase_proposals WHERE state = 'proposed'", NULL, 0, err);
    return rc < 0 ? rc
                  : sql_do(tx, "DELETE FROM work_orders WHERE state = 'planned' AND proposed = 1",
                        NULL, 0, err);
}

static void day_text(int32_t day, char to[DATE_TEXT_MAX]) {
    (void)day_of((int64_t)day * 86400 * NS_PER_S, NULL, to);
}

/* What covers a need and comes behind its day: somebody has to ask for it earlier. */
static int tell_lates(struct load *load, const struct mrp_result *result, struct err *err) {
    enum { TOLD_MAX = 20 };
    int rc = 0;
    for (uint32_t i = 0; i < result->late_count && i < TOLD_MAX && rc >= 0; i++) {
        const struct mrp_late *late = &result->lates[i];
        struct str item = STR_NONE;
        char day[DATE_TEXT_MAX];
        day_text(late->day, day);
        rc = code_get(load->event, "items", load->items[late->item].number, &item, err);
        event_warn(load->event, SAY(PRODUCTION_PLAN_EXPEDITE),
            ARGS(A_STR(item), A_CSTR(day), A_CSTR(AMOUNT(late->short_u))));
    }
    json_put_i64(load->event->answer, "expedite", result->late_count);
    return rc;
}

/* Nobody orders 459.699998 kg: up to the next thousandth. */
static int64_t buyable(int64_t quantity_u) {
    enum { THOUSANDTH = AMOUNT_UNIT / 1000 };
    return quantity_u > AMOUNT_MAX_U - THOUSANDTH
               ? quantity_u
               : (quantity_u + THOUSANDTH - 1) / THOUSANDTH * THOUSANDTH;
}

static int plan_store(struct load *load, const struct mrp_result *result, struct err *err) {
    struct event *event = load->event;
    int64_t *orders = ARENA_ARRAY(load->arena, int64_t, result->count + 1);
    int64_t made = 0;
    int64_t bought = 0;
    int64_t late = 0;
    int rc = 0;
    for (uint32_t i = 0; i < result->count && rc >= 0; i++) {
        const struct mrp_plan *plan = &result->plans[i];
        char due[DATE_TEXT_MAX];
        day_text(plan->day, due);
        int64_t parent = plan->parent < 0 ? 0 : orders[plan->parent];
        late += plan->start < load->today;
        if (plan->made) {
            const struct order_new order = {.item = load->items[plan->item].number,
                .quantity_u = plan->quantity_u,
                .due = str_of(due),
                .priority = 5,
                .sales_line = plan->sales_line,
                .parent = parent,
                .proposed = true,
                .actor = event->actor,
                .day = load->today};
            rc = order_insert(event->tx, &order, &orders[i], err);
            made++;
        } else if (!plan->free) {
            rc = sql_do(event->tx,
                "INSERT INTO purchase_proposals (item, quantity_u, due, partner, work_order, state,"
                " created_ns) VALUES (?1, ?2, ?3, (SELECT partner FROM prices WHERE item = ?1"
                " AND kind = 'buy' AND partner IS NOT NULL AND valid_from <= ?3"
                " ORDER BY price_u LIMIT 1), ?4, 'proposed', ?5)",
                Q(Q_I(load->items[plan->item].number), Q_I(buyable(plan->quantity_u)),
                    Q_S(str_of(due)), Q_REF(parent), Q_I(event->entered_ns)),
                err);
            bought++;
        }
    }
    json_put_i64(event->answer, "orders", made);
    json_put_i64(event->answer, "purchases", bought);
    json_put_i64(event->answer, "late", late);
    if (late > 0) {
        event_warn(event, SAY(PRODUCTION_PLAN_LATE), ARGS(A_INT(late)));
    }
    return rc < 0 ? rc : tell_lates(load, result, err);
}

int event_plan_run(struct event *event, struct err *err) {
    struct load load = {.event = event, .arena = event->arena};
    load.today = (int32_t)day_of(event->time_ns, event->zone, load.today_text);
    int rc = take_back(event->tx, err);
    rc = rc < 0 ? rc : load_items(&load, err);
    rc = rc < 0 ? rc : load_lines(&load, err);
    rc = rc < 0 ? rc : load_needs(&load, err);
    rc = rc < 0 ? rc : load_receipts(&load, err);
    struct mrp_result result = {0};
    const struct mrp_input input = {.items = load.items,
        .item_count = load.item_count,
        .lines = load.lines,
        .line_count = load.line_count,
        .needs = load.needs,
        .need_count = load.need_count,
        .receipts = load.receipts,
        .receipt_count = load.receipt_count,
        .today = load.today};
    rc = rc < 0 ? rc : mrp_run(&input, load.arena, &result, err);
    return rc < 0 ? rc : plan_store(&load, &result, err);
}
