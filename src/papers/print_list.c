/*
 * Print jobs as people look at them, and what they do with those that need somebody.
 */
#include "core/json.h"
#include "papers/printing.h"
#include "production/words.h"

static void put_time(struct json *json, const char *key, struct ledger_stmt *stmt, int column) {
    if (ledger_column_is_null(stmt, column)) {
        json_put_null(json, key);
    } else {
        json_put_time(json, key, ledger_column_i64(stmt, column));
    }
}

static void put_job(struct json *json, struct ledger_stmt *stmt) {
    json_object_begin(json);
    json_put_i64(json, "number", ledger_column_i64(stmt, 0));
    json_put_str(json, "printer", ledger_column_str(stmt, 1));
    json_put_str(json, "printer_name", ledger_column_str(stmt, 2));
    json_put_str(json, "kind", ledger_column_str(stmt, 3));
    json_put_str(json, "code", ledger_column_str(stmt, 4));
    json_put_str(json, "label", ledger_column_str(stmt, 5));
    json_put_i64(json, "copies", ledger_column_i64(stmt, 6));
    json_put_str(json, "state", ledger_column_str(stmt, 7));
    json_put_i64(json, "tries", ledger_column_i64(stmt, 8));
    put_time(json, "created", stmt, 9);
    put_time(json, "done", stmt, 10);
    json_put_str(json, "actor", ledger_column_str(stmt, 11));
    json_key(json, "why");
    json_object_begin(json);
    json_put_str(json, "ko", ledger_column_str(stmt, 12));
    json_put_str(json, "en", ledger_column_str(stmt, 13));
    json_object_end(json);
    json_object_end(json);
}

int print_put_list(struct ledger_tx *tx, const struct print_query *query, struct json *json,
    int64_t *ret_next, struct err *err) {
    struct ledger_stmt *stmt = NULL;
    int rc = ledger_prepare(tx,
        "SELECT j.number, p.code, p.name, j.kind, j.code, j.design, j.copies, j.state, j.tries,"
        " j.created_ns, j.done_ns, j.actor, j.why_ko, j.why_en FROM print_jobs j"
        " JOIN printers p ON p.number = j.printer WHERE j.number < ?1 AND (?2 = '' OR j.state = ?2)"
        " ORDER BY j.number DESC LIMIT ?3",
        &stmt, err);
    if (rc < 0) {
        return rc;
    }
    ledger_bind_i64(stmt, 1, query->before);
    ledger_bind_str(stmt, 2, query->state);
    ledger_bind_i64(stmt, 3, query->limit);
    uint32_t count = 0;
    int64_t last = 0;
    while ((rc = ledger_step(stmt, err)) > 0) {
        put_job(json, stmt);
        last = ledger_column_i64(stmt, 0);
        count++;
    }
    *ret_next = count == query->limit ? last : 0;
    return rc;
}

/* Changes a job that is in one of these states (SQL). */
static int change(struct ledger_tx *tx, const char *sql, int64_t number, struct err *err) {
    struct ledger_stmt *stmt = NULL;
    int rc = ledger_prepare(tx, sql, &stmt, err);
    if (rc < 0) {
        return rc;
    }
    ledger_bind_i64(stmt, 1, number);
    ledger_bind_i64(stmt, 2, ledger_now_ns(tx));
    rc = ledger_step(stmt, err);
    if (rc != 0) { // RETURNING gave its row.
        return rc < 0 ? rc : 0;
    }
    rc = ledger_prepare(tx, "SELECT state FROM print_jobs WHERE number = ?1", &stmt, err);
    if (rc < 0) {
        return rc;
    }
    ledger_bind_i64(stmt, 1, number);
    rc = ledger_step(stmt, err);
    return rc < 0   ? rc
           : rc > 0 ? err_set(err, ERR_CONFLICT, SAY(PRODUCTION_PRINT_STATE),
                          ARGS(A_INT(number), A_STR(ledger_column_str(stmt, 0))))
                    : err_set(err, ERR_NOT_FOUND, SAY(PRODUCTION_PRINT_GONE), ARGS(A_INT(number)));
}

static int note(
    struct ledger_tx *tx, int64_t number, struct str action, struct str actor, struct err *err) {
    AUTO_BUF struct buf subject;
    buf_init(&subject, 64);
    buf_printf(&subject, "print/%lld", (long long)number);
    return audit_append(tx, actor, action, buf_str(&subject), STR_NONE, err);
}

int print_is_badge(struct ledger_tx *tx, int64_t number, bool *ret_badge, struct err *err) {
    struct ledger_stmt *stmt = NULL;
    int rc = ledger_prepare(
        tx, "SELECT 1 FROM print_jobs WHERE number = ?1 AND kind = 'worker'", &stmt, err);
    if (rc < 0) {
        return rc;
    }
    ledger_bind_i64(stmt, 1, number);
    rc = ledger_step(stmt, err);
    *ret_badge = rc > 0;
    return rc < 0 ? rc : 0;
}

int print_again(struct ledger_tx *tx, int64_t number, struct str actor, struct err *err) {
    int rc = change(tx,
        "UPDATE print_jobs SET state = 'waiting', tries = 0, next_ns = ?2, created_ns = ?2,"
        " done_ns = NULL, why_ko = '', why_en = '' WHERE number = ?1 AND state <> 'sending'"
        " RETURNING number",
        number, err);
    return rc < 0 ? rc : note(tx, number, STR("print.again"), actor, err);
}

int print_cancel(struct ledger_tx *tx, int64_t number, struct str actor, struct err *err) {
    int rc = change(tx,
        "UPDATE print_jobs SET state = 'cancelled', done_ns = ?2 WHERE number = ?1"
        " AND state IN ('waiting', 'doubtful', 'failed') RETURNING number",
        number, err);
    return rc < 0 ? rc : note(tx, number, STR("print.cancel"), actor, err);
}
