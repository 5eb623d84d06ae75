/*
 * Inspections and non-conformities as they are shown.
 *
 * Lists are two statements deep: first the numbers of a page, then each with what hangs on it, so
 * that no statement is stepped while another of the same text is.
 */
#include "production/inspections.h"

#include "production/show.h"
#include "production/words.h"

/* ---- Inspections ---- */

#define INSPECTION_COLUMNS                                                                         \
    "SELECT i.number, i.kind, t.code, t.name, l.code, w.code || '/' || o.step, a.id, a.display, "  \
    "k.code, k.name, i.time_ns, i.result, i.gauge, i.why, i.note, i.corrects, c.number, i.event, " \
    "i.actor FROM inspections i JOIN items t ON t.number = i.item LEFT JOIN lots l ON l.number = " \
    "i.lot LEFT JOIN operations o ON o.number = i.operation LEFT JOIN work_orders w ON w.number "  \
    "= o.work_order LEFT JOIN machines m ON m.number = i.machine LEFT JOIN assets a ON a.number "  \
    "= m.asset LEFT JOIN workers k ON k.number = i.worker LEFT JOIN inspections c ON c.corrects "  \
    "= i.number "

static const struct shown INSPECTION[] = {{"number", 'n'}, {"kind", 's'}, {"item", 's'},
    {"item_name", 's'}, {"lot", 's'}, {"operation", 's'}, {"machine", 's'}, {"machine_name", 's'},
    {"worker", 's'}, {"worker_name", 's'}, {"time", 't'}, {"result", 's'}, {"gauge", 's'},
    {"why", 's'}, {"note", 's'}, {"corrects", 'n'}, {"corrected_by", 'n'}, {"event", 'n'},
    {"actor", 's'}, {NULL, 0}};

int inspection_put_list(struct ledger_tx *tx, const struct inspection_query *query,
    struct json *json, int64_t *ret_next, struct err *err) {
    struct ledger_stmt *stmt = NULL;
    uint32_t count = 0;
    int64_t last = 0;
    int rc = sql_begin(tx,
        INSPECTION_COLUMNS
        "WHERE i.number < ?1 AND (?2 = '' OR i.kind = ?2) AND (?3 = '' OR t.code = ?3) AND (?4 = "
        "'' OR l.code = ?4) AND (?5 = '' OR w.code || '/' || o.step = ?5) AND (?6 = '' OR "
        "i.result = ?6) AND i.time_ns >= ?7 AND i.time_ns < ?8 ORDER BY i.number DESC LIMIT ?9",
        Q(Q_I(query->before), Q_S(query->kind), Q_S(query->item), Q_S(query->lot),
            Q_S(query->operation), Q_S(query->result), Q_I(query->from_ns), Q_I(query->to_ns),
            Q_I(query->limit)),
        &stmt, err);
    while (rc >= 0 && (rc = ledger_step(stmt, err)) > 0) {
        json_object_begin(json);
        (void)show_columns(json, stmt, 0, INSPECTION);
        json_object_end(json);
        last = ledger_column_i64(stmt, 0);
        count++;
    }
    *ret_next = count == query->limit ? last : 0;
    return rc;
}

static int put_values(struct ledger_tx *tx, int64_t number, struct json *json, struct err *err) {
    static const struct shown VALUES[] = {{"line", 'n'}, {"name", 's'}, {"unit", 's'},
        {"sample", 'n'}, {"value", 'q'}, {"lower", 'q'}, {"upper", 'q'}, {"pass", 'b'},
        {"source", 's'}, {"time", 't'}, {NULL, 0}};
    return show_rows(tx, json, "values",
        "SELECT p.line, p.name, p.unit, v.sample, v.value_u, v.lower_u, v.upper_u, v.pass, "
        "v.source, v.time_ns FROM inspection_values v JOIN inspection_plans p ON p.number = v.plan "
        "WHERE v.inspection = ?1 ORDER BY p.line, v.sample",
        Q(Q_I(number)), VALUES, err);
}

static int put_inspection(
    struct ledger_tx *tx, int64_t number, struct json *json, struct err *err) {
    struct ledger_stmt *stmt = NULL;
    int rc = sql_first(tx, INSPECTION_COLUMNS "WHERE i.number = ?1", Q(Q_I(number)), &stmt, err);
    if (rc == 0) {
        return err_set(err, ERR_NOT_FOUND, SAY(PRODUCTION_INSPECT_UNKNOWN), ARGS(A_INT(number)));
    }
    if (rc < 0) {
        return rc;
    }
    json_object_begin(json);
    (void)show_columns(json, stmt, 0, INSPECTION);
    rc = put_values(tx, number, json, err);
    json_object_end(json);
    return rc;
}

int inspection_put(struct ledger_tx *tx, int64_t number, struct json *json, struct err *err) {
    return put_inspection(tx, number, json, err);
}

/* ---- Of a lot ---- */

#define BODY                                                                                       \
    "WITH RECURSIVE body (lot) AS (SELECT ?1 UNION SELECT k.parent FROM body b JOIN lot_links k "  \
    "ON k.child = b.lot AND k.kind IN ('split', 'merge', 'rework')) "

enum { OF_LOT_MAX = 200 };

int inspection_put_of_lot(struct ledger_tx *tx, int64_t lot, struct json *json, struct err *err) {
    static const struct shown NONCONFORMANCES[] = {{"number", 'n'}, {"time", 't'}, {"state", 's'},
        {"description", 's'}, {"decision", 's'}, {NULL, 0}};
    int64_t numbers[OF_LOT_MAX];
    int count = 0;
    struct ledger_stmt *stmt = NULL;
    int rc = sql_begin(tx,
        BODY "SELECT i.number FROM body b JOIN inspections i ON i.lot = b.lot ORDER BY i.time_ns, "
             "i.number LIMIT ?2",
        Q(Q_I(lot), Q_I(OF_LOT_MAX)), &stmt, err);
    while (rc >= 0 && (rc = ledger_step(stmt, err)) > 0) {
        numbers[count++] = ledger_column_i64(stmt, 0);
    }
    json_key(json, "inspections");
    json_array_begin(json);
    for (int i = 0; i < count && rc >= 0; i++) {
        rc = put_inspection(tx, numbers[i], json, err);
    }
    json_array_end(json);
    return rc < 0 ? rc
                  : show_rows(tx, json, "nonconformances",
                        BODY "SELECT n.number, n.time_ns, n.state, n.description, (SELECT "
                             "d.decision FROM nonconformance_decisions d WHERE d.nonconformance = "
                             "n.number ORDER BY d.number DESC LIMIT 1) FROM body b JOIN "
                             "nonconformances n ON n.lot = b.lot ORDER BY n.number LIMIT 200",
                        Q(Q_I(lot)), NONCONFORMANCES, err);
}

/* ---- Non-conformities ---- */

#define NONCONFORMANCE_COLUMNS                                                                     \
    "SELECT n.number, n.time_ns, n.state, t.code, t.name, t.unit, l.code, l.state, w.code || '/' " \
    "|| o.step, a.id, a.display, n.inspection, r.code, r.name, n.quantity_u, n.description, "      \
    "n.holds, k.code, k.name, n.closed_ns, n.event, n.actor FROM nonconformances n LEFT JOIN "     \
    "items t ON t.number = n.item LEFT JOIN lots l ON l.number = n.lot LEFT JOIN operations o ON " \
    "o.number = n.operation LEFT JOIN work_orders w ON w.number = o.work_order LEFT JOIN "         \
    "machines "                                                                                    \
    "m ON m.number = n.machine LEFT JOIN assets a ON a.number = m.asset LEFT JOIN reasons r ON "   \
    "r.number = n.reason LEFT JOIN workers k ON k.number = n.worker "

#define ACTION_COLUMNS                                                                             \
    "SELECT c.number, c.nonconformance, c.cause, c.measure, k.code, k.name, c.due, c.state, "      \
    "c.done_ns, c.done_note, c.checked_ns, c.check_note FROM corrective_actions c JOIN workers k " \
    "ON k.number = c.worker "

static const struct shown ACTION[] = {{"number", 'n'}, {"nonconformance", 'n'}, {"cause", 's'},
    {"measure", 's'}, {"worker", 's'}, {"worker_name", 's'}, {"due", 's'}, {"state", 's'},
    {"done", 't'}, {"done_note", 's'}, {"checked", 't'}, {"check_note", 's'}, {NULL, 0}};

int nonconformance_put(struct ledger_tx *tx, int64_t number, struct json *json, struct err *err) {
    static const struct shown ONE[] = {{"number", 'n'}, {"time", 't'}, {"state", 's'},
        {"item", 's'}, {"item_name", 's'}, {"unit", 's'}, {"lot", 's'}, {"lot_state", 's'},
        {"operation", 's'}, {"machine", 's'}, {"machine_name", 's'}, {"inspection", 'n'},
        {"reason", 's'}, {"reason_name", 's'}, {"quantity", 'q'}, {"description", 's'},
        {"holds", 'b'}, {"worker", 's'}, {"worker_name", 's'}, {"closed", 't'}, {"event", 'n'},
        {"actor", 's'}, {NULL, 0}};
    static const struct shown FILES[] = {{"number", 'n'}, {"name", 's'}, {"size", 'n'},
        {"sha256", 's'}, {"added", 't'}, {"actor", 's'}, {NULL, 0}};
    static const struct shown DECISIONS[] = {{"decision", 's'}, {"quantity", 'q'}, {"why", 's'},
        {"time", 't'}, {"actor", 's'}, {NULL, 0}};
    struct ledger_stmt *stmt = NULL;
    int rc =
        sql_first(tx, NONCONFORMANCE_COLUMNS "WHERE n.number = ?1", Q(Q_I(number)), &stmt, err);
    if (rc == 0) {
        return err_set(err, ERR_NOT_FOUND, SAY(PRODUCTION_NC_UNKNOWN), ARGS(A_INT(number)));
    }
    if (rc < 0) {
        return rc;
    }
    json_object_begin(json);
    (void)show_columns(json, stmt, 0, ONE);
    rc = show_rows(tx, json, "decisions",
        "SELECT decision, quantity_u, why, time_ns, actor FROM nonconformance_decisions WHERE "
        "nonconformance = ?1 ORDER BY number",
        Q(Q_I(number)), DECISIONS, err);
    rc = rc < 0 ? rc
                : show_rows(tx, json, "actions",
                      ACTION_COLUMNS "WHERE c.nonconformance = ?1 ORDER BY c.number",
                      Q(Q_I(number)), ACTION, err);
    rc = rc < 0 ? rc
                : show_rows(tx, json, "files",
                      "SELECT number, name, size, sha256, added_ns, actor FROM attachments WHERE "
                      "nonconformance = ?1 ORDER BY number",
                      Q(Q_I(number)), FILES, err);
    json_object_end(json);
    return rc;
}

int nonconformance_put_list(struct ledger_tx *tx, const struct nonconformance_query *query,
    struct json *json, int64_t *ret_next, struct err *err) {
    int64_t numbers[INSPECTION_LIST_MAX];
    uint32_t count = 0;
    struct ledger_stmt *stmt = NULL;
    int rc = sql_begin(tx,
        "SELECT n.number FROM nonconformances n LEFT JOIN lots l ON l.number = n.lot WHERE "
        "n.number < ?1 AND (?2 = '' OR n.state = ?2 OR (?2 = 'unsettled' AND n.state IN ('open', "
        "'decided'))) AND (?3 = '' OR l.code = ?3) ORDER BY n.number DESC LIMIT ?4",
        Q(Q_I(query->before), Q_S(query->state), Q_S(query->lot), Q_I(query->limit)), &stmt, err);
    while (rc >= 0 && count < INSPECTION_LIST_MAX && (rc = ledger_step(stmt, err)) > 0) {
        numbers[count++] = ledger_column_i64(stmt, 0);
    }
    for (uint32_t i = 0; i < count && rc >= 0; i++) {
        rc = nonconformance_put(tx, numbers[i], json, err);
    }
    *ret_next = count > 0 && count == query->limit ? numbers[count - 1] : 0;
    return rc;
}

int action_put_list(
    struct ledger_tx *tx, struct str state, uint32_t limit, struct json *json, struct err *err) {
    struct ledger_stmt *stmt = NULL;
    int rc = sql_begin(tx,
        ACTION_COLUMNS "WHERE c.state = ?1 OR (?1 = '' AND c.state IN ('open', 'done')) ORDER BY "
                       "c.due, c.number LIMIT ?2",
        Q(Q_S(state), Q_I(limit)), &stmt, err);
    while (rc >= 0 && (rc = ledger_step(stmt, err)) > 0) {
        json_object_begin(json);
        (void)show_columns(json, stmt, 0, ACTION);
        json_object_end(json);
    }
    return rc;
}

/* ---- Doubtful entries ---- */

int doubt_put_list(struct ledger_tx *tx, struct str state, enum lang lang, uint32_t limit,
    struct json *json, struct err *err) {
    static const struct shown HEAD[] = {{"number", 'n'}, {"key", 's'}, {"type", 's'}, {"time", 't'},
        {"entered", 't'}, {"actor", 's'}, {"terminal", 's'}, {"why", 's'}, {"state", 's'},
        {"decided_by", 's'}, {"decided", 't'}, {"event", 'n'}, {NULL, 0}};
    struct ledger_stmt *stmt = NULL;
    int rc = sql_begin(tx,
        "SELECT number, key, type, time_ns, entered_ns, actor, terminal, CASE WHEN ?3 THEN why_ko "
        "ELSE why_en END, state, decided_by, decided_ns, event, body FROM doubtful_events WHERE ?1 "
        "= '' OR state = ?1 ORDER BY number DESC LIMIT ?2",
        Q(Q_S(state), Q_I(limit), Q_I(lang == LANG_KO)), &stmt, err);
    while (rc >= 0 && (rc = ledger_step(stmt, err)) > 0) {
        json_object_begin(json);
        int body = show_columns(json, stmt, 0, HEAD);
        json_key(json, "body");
        json_raw(json, ledger_column_str(stmt, body));
        json_object_end(json);
    }
    return rc;
}
