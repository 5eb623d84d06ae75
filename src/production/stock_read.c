/*
 * Stock as it is shown, and whether it adds up.
 *
 * The balance beside the moves is a convenience; the moves are the truth. Adding them up reads
 * every move once, in the order of an index, which for some million moves takes seconds: for `maru
 * verify`, not for a page.
 */
#include <stdio.h>

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
    json_object_end(json);
}

int stock_put_list(struct ledger_tx *tx, const struct stock_query *query, struct json *json,
    char ret_next[STOCK_NEXT_MAX], struct err *err) {
    int64_t key[3] = {0, -1, -1};
    struct ledger_stmt *stmt = NULL;
    int status = query->after.size > 0 ? read_after(query->after, key, err) : 0;
    status = status < 0
                 ? status
                 : sql_begin(tx,
                       "SELECT s.item, s.lot, s.place, s.quantity_u, i.code, i.name, i.unit, "
                       "coalesce(l.code, ''), coalesce(l.state, ''), coalesce(l.expires, ''), "
                       "p.code, s.first_ns FROM stock s JOIN items i ON i.number = s.item JOIN "
                       "places p ON p.number = s.place LEFT JOIN lots l ON l.number = s.lot WHERE "
                       "(s.item, s.lot, s.place) > (?1, ?2, ?3) AND (?4 = '' OR i.code = ?4) AND "
                       "(?5 = '' OR p.code = ?5) AND (?6 = '' OR l.code = ?6) ORDER BY s.item, "
                       "s.lot, s.place LIMIT ?7",
                       Q(Q_I(key[0]), Q_I(key[1]), Q_I(key[2]), Q_S(query->item), Q_S(query->place),
                           Q_S(query->lot), Q_I(query->limit)),
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
