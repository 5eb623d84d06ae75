/*
 * Rows as JSON.
 *
 * What is shown is said once beside its SELECT, so a column that is added cannot slip out of step
 * with its name unseen: the test of the answer's schema would fail.
 */
#include "production/show.h"

#include "production/stock.h"

static void show_one(struct json *json, struct ledger_stmt *stmt, int column, struct shown shown) {
    if (ledger_column_is_null(stmt, column)) {
        json_put_null(json, shown.name);
        return;
    }
    switch (shown.as) {
    case 's': json_put_str(json, shown.name, ledger_column_str(stmt, column)); break;
    case 'q': stock_put_amount(json, shown.name, ledger_column_i64(stmt, column)); break;
    case 't': json_put_time(json, shown.name, ledger_column_i64(stmt, column)); break;
    case 'b': json_put_bool(json, shown.name, ledger_column_i64(stmt, column) != 0); break;
    default: json_put_i64(json, shown.name, ledger_column_i64(stmt, column)); break;
    }
}

int show_columns(
    struct json *json, struct ledger_stmt *stmt, int first, const struct shown *columns) {
    int at = first;
    for (; columns[at - first].name != NULL; at++) {
        show_one(json, stmt, at, columns[at - first]);
    }
    return at;
}

int show_rows(struct ledger_tx *tx, struct json *json, const char *key, const char *sql,
    const struct sql_value *values, int count, const struct shown *columns, struct err *err) {
    struct ledger_stmt *stmt = NULL;
    int rc = sql_begin(tx, sql, values, count, &stmt, err);
    json_key(json, key);
    json_array_begin(json);
    while (rc >= 0 && (rc = ledger_step(stmt, err)) > 0) {
        json_object_begin(json);
        (void)show_columns(json, stmt, 0, columns);
        json_object_end(json);
    }
    json_array_end(json);
    return rc;
}
