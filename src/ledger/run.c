/*
 * Short forms for statements of texts, and the keepers of a home.
 *
 * That a plant keeps an owner and a home an admin is checked by counting before and after a change,
 * in its transaction: whatever the change was (a role lowered, a person disabled, erased, their
 * organisation shut), a smaller count takes it back. An access with an end does not count, since it
 * would leave the plant alone by itself one day.
 */
#include "ledger/run.h"

int run_first(struct ledger_tx *tx, const char *sql, const struct str *texts, size_t count,
    struct ledger_stmt **ret_stmt, struct err *err) {
    struct ledger_stmt *stmt = NULL;
    int result = ledger_prepare(tx, sql, &stmt, err);
    if (result < 0) {
        return result;
    }
    for (size_t i = 0; i < count; i++) {
        ledger_bind_str(stmt, (int)i + 1, texts[i]);
    }
    result = ledger_step(stmt, err);
    if (result == 1) {
        *ret_stmt = stmt;
    }
    return result;
}

int run_texts(
    struct ledger_tx *tx, const char *sql, const struct str *texts, size_t count, struct err *err) {
    struct ledger_stmt *stmt = NULL;
    int result = run_first(tx, sql, texts, count, &stmt, err);
    return result < 0 ? result : 0;
}

int keepers_count(struct ledger_tx *tx, struct keepers *ret_keepers, struct err *err) {
    struct ledger_stmt *stmt = NULL;
    int result = ledger_prepare(tx,
        "SELECT (SELECT count(DISTINCT a.plant_id) FROM access a JOIN users u ON u.id = a.user_id"
        " WHERE a.role = 'owner' AND a.until_ns IS NULL AND " ACTIVE_USER "),"
        " (SELECT count(*) FROM users u WHERE u.admin = 1 AND " ACTIVE_USER ")",
        &stmt, err);
    if (result == 0) {
        result = ledger_step(stmt, err);
    }
    if (result < 0) {
        return result;
    }
    *ret_keepers = (struct keepers){ledger_column_i64(stmt, 0), ledger_column_i64(stmt, 1)};
    return 0;
}

int keepers_check(struct ledger_tx *tx, const struct keepers *before, struct err *err) {
    struct keepers after;
    int result = keepers_count(tx, &after, err);
    if (result < 0) {
        return result;
    }
    if (after.admins == 0 && before->admins > 0) {
        return err_set(err, ERR_CONFLICT, MSG_LEDGER_LAST_ADMIN, NO_ARGS);
    }
    if (after.owned < before->owned) {
        return err_set(err, ERR_CONFLICT, MSG_LEDGER_LAST_OWNER, NO_ARGS);
    }
    return 0;
}
