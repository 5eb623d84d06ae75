/*
 * Statements with their parameters in one call, so that a rule reads as its SQL and its values. The
 * ledger keeps prepared statements by their text, so the same call costs no parsing again.
 */
#include "production/sql.h"

struct sql_value sql_ref(int64_t number) {
    return number == 0 ? Q_NULL : Q_I(number);
}

int sql_begin(struct ledger_tx *tx, const char *sql, const struct sql_value *values, int count,
    struct ledger_stmt **ret_stmt, struct err *err) {
    int rc = ledger_prepare(tx, sql, ret_stmt, err);
    for (int i = 0; rc >= 0 && i < count; i++) {
        switch (values[i].kind) {
        case SQL_I64: ledger_bind_i64(*ret_stmt, i + 1, values[i].i64); break;
        case SQL_TEXT: ledger_bind_str(*ret_stmt, i + 1, values[i].text); break;
        case SQL_F64: ledger_bind_f64(*ret_stmt, i + 1, values[i].f64); break;
        case SQL_NONE: ledger_bind_null(*ret_stmt, i + 1); break;
        }
    }
    return rc;
}

int sql_first(struct ledger_tx *tx, const char *sql, const struct sql_value *values, int count,
    struct ledger_stmt **ret_stmt, struct err *err) {
    int rc = sql_begin(tx, sql, values, count, ret_stmt, err);
    return rc < 0 ? rc : ledger_step(*ret_stmt, err);
}

int sql_do(struct ledger_tx *tx, const char *sql, const struct sql_value *values, int count,
    struct err *err) {
    struct ledger_stmt *stmt = NULL;
    int rc = sql_first(tx, sql, values, count, &stmt, err);
    return rc < 0 ? rc : 0;
}

int sql_number(struct ledger_tx *tx, const char *sql, const struct sql_value *values, int count,
    int64_t absent, int64_t *ret_number, struct err *err) {
    struct ledger_stmt *stmt = NULL;
    int rc = sql_first(tx, sql, values, count, &stmt, err);
    if (rc < 0) {
        return rc;
    }
    bool there = rc == 1 && !ledger_column_is_null(stmt, 0);
    *ret_number = there ? ledger_column_i64(stmt, 0) : absent;
    while (rc == 1) { // A change is whole when its statement has ended.
        rc = ledger_step(stmt, err);
    }
    return rc;
}
