/*
 * Stock as it is shown, and whether it adds up.
 *
 * The balance beside the moves is a convenience; the moves are the truth. Adding them up reads
 * every move once, in the order of an index, which for some million moves takes seconds: for `maru
 * verify`, not for a page.
 */
#include <stdio.h>

#include "core/hangul.h"
#include "production/amount.h"
#include "production/lots.h"
#include "production/sql.h"
#include "production/stock.h"
#include "production/words.h"

/* "12.0.3": item, lot and place of the last row. */
static int read_after(struct str after, int64_t key[3], struct err *err) {
    struct str rest = after;
    for (int i = 0; i < 3; i++) {
        if (!str_to_i64(str_cut(&rest, '.'), &key[i])) {
            return err_set(err, ERR_INVALID, SAY(PRODUCTION_STOCK_AFTER), ARGS(A_STR(after)));
        }
    }
    return 0;
}

static void put_stock(struct json *json, struct ledger_stmt *stmt) {
    json_object_begin(json);
    json_put_str(json, "item", ledger_column_str(stmt, 4));
    json_put_str(json, "name", ledger_column_str(stmt, 5));
    json_put_str(json, "unit", ledger_column_str(stmt, 6));
    json_put_str(json, "lot", ledger_column_str(stmt, 7));
    json_put_str(json, "state", ledger_column_str(stmt, 8));
    json_put_str(json, "expires", ledger_column_str(stmt, 9));
    json_put_str(json, "place", ledger_column_str(stmt, 10));
    stock_put_amount(json, "quantity", ledger_column_i64(stmt, 3));
    json_put_time(json, "since", ledger_column_i64(stmt, 11));
    json_put_time(json, "age", ledger_column_i64(stmt, 12));
    if (ledger_column_i64(stmt, 13) != 0) {
        json_put_i64(json, "turn", ledger_column_i64(stmt, 14));
    } else {
        json_put_null(json, "turn");
    }
    json_put_bool(json, "waits", ledger_column_i64(stmt, 15) != 0);
    json_object_end(json);
}

int stock_put_list(struct ledger_tx *tx, const struct stock_query *query, struct json *json,
    char ret_next[STOCK_NEXT_MAX], struct err *err) {
    int64_t key[3] = {0, -1, -1};
    struct ledger_stmt *stmt = NULL;
    int status = query->after.size > 0 ? read_after(query->after, key, err) : 0;
    status = status < 0
                 ? status
                 : sql_begin(tx, // Turns are counted in whole items, of those that are asked for.
                       "SELECT s.item, s.lot, s.place, s.quantity_u, i.code, i.name, i.unit, "
                       "s.lot_code, s.state, s.expires, s.place_code, s.first_ns, s.age, s.usable, "
                       "s.turn, s.waits FROM (SELECT *, row_number() OVER (PARTITION BY item, "
                       "usable ORDER "
                       "BY age, lot, first_ns, place) AS turn FROM (SELECT s.*, coalesce(l.code, "
                       "'') AS lot_code, coalesce(l.state, '') AS state, coalesce(l.expires, '') "
                       "AS expires, p.code AS place_code, coalesce(l.made_ns, l.created_ns, "
                       "s.first_ns) AS age, " STOCK_WAITS " AS waits, " STOCK_USABLE
                       " AS usable FROM stock s JOIN places p "
                       "ON p.number = s.place LEFT JOIN lots l ON l.number = s.lot WHERE s.item >= "
                       "?2 AND "
                       "(?5 = '' OR s.item = (SELECT number FROM items WHERE code = ?5)) AND (?7 = "
                       "'' OR s.item IN (SELECT item FROM lots WHERE code = ?7)))) s JOIN items "
                       "i ON i.number = s.item WHERE (s.item, s.lot, s.place) > (?2, ?3, ?4) AND "
                       "(?5 = '' OR i.code = ?5) AND (?6 = '' OR s.place_code = ?6) AND (?7 = '' "
                       "OR s.lot_code = ?7) ORDER BY s.item, s.lot, s.place LIMIT ?8",
                       Q(Q_S(query->today), Q_I(key[0]), Q_I(key[1]), Q_I(key[2]), Q_S(query->item),
                           Q_S(query->place), Q_S(query->lot), Q_I(query->limit)),
                       &stmt, err);
    uint32_t count = 0;
    ret_next[0] = '\0';
    while (status >= 0 && (status = ledger_step(stmt, err)) > 0) {
        put_stock(json, stmt);
        if (++count == query->limit) {
            (void)snprintf(ret_next, STOCK_NEXT_MAX, "%lld.%lld.%lld",
                (long long)ledger_column_i64(stmt, 0), (long long)ledger_column_i64(stmt, 1),
                (long long)ledger_column_i64(stmt, 2));
        }
    }
    return status;
}

/* ---- Items ---- */

static void put_money(struct json *json, const char *key, struct ledger_stmt *stmt, int column) {
    if (ledger_column_is_null(stmt, column)) {
        json_put_null(json, key);
    } else {
        stock_put_amount(json, key, ledger_column_i64(stmt, column));
    }
}

static void put_item(struct json *json, struct ledger_stmt *stmt) {
    static const char *const AMOUNTS[] = {
        "quantity", "usable", "held", "ordered", "making", "safety"};
    json_object_begin(json);
    json_put_str(json, "item", ledger_column_str(stmt, 1));
    json_put_str(json, "name", ledger_column_str(stmt, 2));
    json_put_str(json, "unit", ledger_column_str(stmt, 3));
    json_put_str(json, "kind", ledger_column_str(stmt, 4));
    for (int i = 0; i < (int)(sizeof AMOUNTS / sizeof AMOUNTS[0]); i++) {
        put_money(json, AMOUNTS[i], stmt, 5 + i);
    }
    json_put_i64(json, "lots", ledger_column_i64(stmt, 11));
    json_put_bool(json, "short", ledger_column_i64(stmt, 12) != 0);
    json_object_end(json);
}

/* What is held back is there, but must not be used; what is being made, open orders still bring. */
static const char ITEMS_SQL[] =
    "WITH there AS (SELECT s.item, sum(s.quantity_u) AS quantity, sum(CASE WHEN " STOCK_USABLE
    " THEN s.quantity_u ELSE 0 END) AS usable, count(DISTINCT nullif(s.lot, 0)) AS lots FROM stock "
    "s JOIN places p ON p.number = s.place LEFT JOIN lots l ON l.number = s.lot WHERE s.quantity_u "
    "<> 0 GROUP BY s.item), bought AS (SELECT item, sum(quantity_u) AS quantity FROM "
    "purchase_proposals WHERE state = 'ordered' GROUP BY item), made AS (SELECT w.item, "
    "sum(" ORDER_LEFT_U ") AS quantity FROM work_orders w WHERE " ORDER_OPEN
    " GROUP BY w.item) SELECT i.number, i.code, i.name, i.unit, i.kind, "
    "coalesce(t.quantity, 0), coalesce(t.usable, 0), coalesce(t.quantity - t.usable, 0), "
    "coalesce(b.quantity, 0), coalesce(m.quantity, 0), i.safety_u, coalesce(t.lots, 0), "
    "coalesce(t.usable, 0) < coalesce(i.safety_u, 0) FROM items i LEFT JOIN there t ON t.item = "
    "i.number LEFT JOIN bought b ON b.item = i.number LEFT JOIN made m ON m.item = i.number WHERE "
    "i.number > ?2 AND (t.quantity IS NOT NULL OR b.quantity IS NOT NULL OR m.quantity IS NOT NULL "
    "OR (i.active = 1 AND i.safety_u > 0)) AND (?3 = 0 OR coalesce(t.usable, 0) < "
    "coalesce(i.safety_u, 0)) ORDER BY i.number";

int stock_put_items(struct ledger_tx *tx, const struct stock_item_query *query, struct json *json,
    int64_t *ret_next, struct err *err) {
    struct ledger_stmt *stmt = NULL;
    uint32_t count = 0;
    int64_t last = 0;
    int status = sql_begin(tx, ITEMS_SQL,
        Q(Q_S(query->today), Q_I(query->after), Q_I(query->only_short ? 1 : 0)), &stmt, err);
    while (status >= 0 && count < query->limit && (status = ledger_step(stmt, err)) > 0) {
        if (query->search.size == 0 || hangul_contains(ledger_column_str(stmt, 1), query->search) ||
            hangul_contains(ledger_column_str(stmt, 2), query->search)) {
            put_item(json, stmt);
            last = ledger_column_i64(stmt, 0);
            count++;
        }
    }
    *ret_next = count == query->limit ? last : 0;
    return status < 0 ? status : 0;
}

/* ---- Moves ---- */

static void put_move(struct json *json, struct ledger_stmt *stmt) {
    json_object_begin(json);
    json_put_i64(json, "number", ledger_column_i64(stmt, 0));
    json_put_time(json, "time", ledger_column_i64(stmt, 1));
    json_put_str(json, "kind", ledger_column_str(stmt, 2));
    json_put_str(json, "item", ledger_column_str(stmt, 3));
    json_put_str(json, "name", ledger_column_str(stmt, 4));
    json_put_str(json, "unit", ledger_column_str(stmt, 5));
    json_put_str(json, "lot", ledger_column_str(stmt, 6));
    json_put_str(json, "place", ledger_column_str(stmt, 7));
    stock_put_amount(json, "quantity", ledger_column_i64(stmt, 8));
    put_money(json, "price", stmt, 9);
    json_put_str(json, "order", ledger_column_str(stmt, 10));
    json_put_str(json, "sales", ledger_column_str(stmt, 11));
    json_put_str(json, "partner", ledger_column_str(stmt, 12));
    json_put_str(json, "partner_name", ledger_column_str(stmt, 13));
    json_put_str(json, "document", ledger_column_str(stmt, 14));
    json_put_i64(json, "event", ledger_column_i64(stmt, 15));
    json_object_end(json);
}

int stock_put_moves(struct ledger_tx *tx, const struct move_query *query, struct json *json,
    int64_t *ret_next, struct err *err) {
    struct ledger_stmt *stmt = NULL;
    uint32_t count = 0;
    *ret_next = 0;
    int status = sql_begin(tx,
        "SELECT m.number, m.time_ns, m.kind, i.code, i.name, i.unit, coalesce(l.code, ''), p.code, "
        "m.quantity_u, m.price_u, coalesce(w.code, ''), coalesce(s.code, ''), coalesce(c.code, "
        "''), coalesce(c.name, ''), m.document, m.event FROM stock_moves m JOIN items i ON "
        "i.number = m.item JOIN places p ON p.number = m.place LEFT JOIN lots l ON l.number = "
        "m.lot LEFT JOIN work_orders w ON w.number = m.work_order LEFT JOIN sales_lines g ON "
        "g.number = m.sales_line LEFT JOIN sales_orders s ON s.number = g.sales LEFT JOIN partners "
        "c ON c.number = m.partner WHERE m.number < ?1 AND (?2 = '' OR i.code = ?2) AND (?3 = '' "
        "OR l.code = ?3) AND (?4 = '' OR p.code = ?4) AND (?5 = '' OR c.code = ?5) AND (?6 = '' OR "
        "w.code = ?6) AND (?7 = '' OR m.document = ?7) AND (?8 = '' OR m.kind = ?8) AND m.time_ns "
        ">= ?9 AND m.time_ns < ?10 ORDER BY m.number DESC LIMIT ?11",
        Q(Q_I(query->before), Q_S(query->item), Q_S(query->lot), Q_S(query->place),
            Q_S(query->partner), Q_S(query->order), Q_S(query->document), Q_S(query->kind),
            Q_I(query->from_ns), Q_I(query->to_ns), Q_I(query->limit)),
        &stmt, err);
    while (status >= 0 && (status = ledger_step(stmt, err)) > 0) {
        put_move(json, stmt);
        if (++count == query->limit) {
            *ret_next = ledger_column_i64(stmt, 0);
        }
    }
    return status;
}

/* ---- Whether it adds up ---- */

static int compare(struct ledger_tx *tx, void *context, struct err *err) {
    (void)context;
    struct ledger_stmt *stmt = NULL;
    int status = sql_first(tx,
        "SELECT i.code, coalesce(l.code, ''), p.code, d.moved, d.kept FROM (SELECT item, lot, "
        "place, sum(moved) AS moved, sum(kept) AS kept FROM (SELECT item, coalesce(lot, 0) AS lot, "
        "place, quantity_u AS moved, 0 AS kept FROM stock_moves UNION ALL SELECT item, lot, place, "
        "0, quantity_u FROM stock) GROUP BY 1, 2, 3 HAVING sum(moved) <> sum(kept)) d JOIN items i "
        "ON i.number = d.item JOIN places p ON p.number = d.place LEFT JOIN lots l ON l.number = "
        "d.lot LIMIT 1",
        NULL, 0, &stmt, err);
    if (status <= 0) {
        return status;
    }
    char moved[AMOUNT_TEXT_MAX];
    char kept[AMOUNT_TEXT_MAX];
    (void)amount_text(ledger_column_i64(stmt, 3), moved);
    (void)amount_text(ledger_column_i64(stmt, 4), kept);
    struct str lot = ledger_column_str(stmt, 1);
    return err_set(err, ERR_CORRUPT, SAY(PRODUCTION_STOCK_DIFFERS),
        ARGS(A_STR(lot.size > 0 ? lot : ledger_column_str(stmt, 0)),
            A_STR(ledger_column_str(stmt, 2)), A_CSTR(moved), A_CSTR(kept)));
}

int stock_verify(struct ledger *ledger, struct err *err) {
    return ledger_read(ledger, compare, NULL, err);
}
