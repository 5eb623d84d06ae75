/*
 * Lots as they are shown: lists and the passport.
 *
 * A lot that was split off, merged or reworked was not made by an order itself; the runs that made
 * it are those of the lots it came from by such links. What was consumed is material and has a
 * passport of its own.
 */
#include "core/hangul.h"
#include "production/inspections.h"
#include "production/lots.h"
#include "production/show.h"
#include "production/stock.h"
#include "production/trace.h"
#include "production/words.h"

int lot_find(struct ledger_tx *tx, struct str code, int64_t *ret_lot, struct err *err) {
    int64_t number = 0;
    int status =
        sql_number(tx, "SELECT number FROM lots WHERE code = ?1", Q(Q_S(code)), 0, &number, err);
    if (status >= 0 && number == 0) {
        return err_set(err, ERR_NOT_FOUND, SAY(PRODUCTION_EVENT_NO_LOT), ARGS(A_STR(code)));
    }
    if (status >= 0) {
        *ret_lot = number;
    }
    return status;
}

/* ---- Lists ---- */

static bool is_found(struct ledger_stmt *stmt, struct str search) {
    if (search.size == 0) {
        return true;
    }
    static const int COLUMNS[] = {1, 3, 4, 8}; // Code, item's code and name, partner's lot.
    for (size_t i = 0; i < sizeof COLUMNS / sizeof COLUMNS[0]; i++) {
        if (hangul_contains(ledger_column_str(stmt, COLUMNS[i]), search)) {
            return true;
        }
    }
    return false;
}

static void put_time(struct json *json, const char *key, struct ledger_stmt *stmt, int column) {
    if (ledger_column_is_null(stmt, column)) {
        json_put_null(json, key);
    } else {
        json_put_time(json, key, ledger_column_i64(stmt, column));
    }
}

/* Whether an open lot must not be used before its inspection. */
static int put_waits(struct ledger_tx *tx, int64_t lot, struct json *json, struct err *err) {
    int64_t waits = 0;
    int status =
        sql_number(tx, "SELECT l.state = 'open' AND " LOT_WAITS " FROM lots l WHERE l.number = ?1",
            Q(Q_I(lot)), 0, &waits, err);
    json_put_bool(json, "waits", waits != 0);
    return status;
}

static int put_listed(
    struct ledger_tx *tx, struct json *json, struct ledger_stmt *stmt, struct err *err) {
    json_object_begin(json);
    json_put_i64(json, "number", ledger_column_i64(stmt, 0));
    json_put_str(json, "lot", ledger_column_str(stmt, 1));
    json_put_str(json, "state", ledger_column_str(stmt, 2));
    json_put_str(json, "item", ledger_column_str(stmt, 3));
    json_put_str(json, "name", ledger_column_str(stmt, 4));
    json_put_str(json, "unit", ledger_column_str(stmt, 5));
    json_put_str(json, "hold", ledger_column_str(stmt, 6));
    json_put_str(json, "partner", ledger_column_str(stmt, 7));
    json_put_str(json, "partner_lot", ledger_column_str(stmt, 8));
    put_time(json, "made", stmt, 9);
    json_put_str(json, "expires", ledger_column_str(stmt, 10));
    stock_put_amount(json, "quantity", ledger_column_i64(stmt, 11));
    int status = put_waits(tx, ledger_column_i64(stmt, 0), json, err);
    json_object_end(json);
    return status;
}

int lot_put_list(struct ledger_tx *tx, const struct lot_query *query, struct json *json,
    int64_t *ret_next, struct err *err) {
    struct ledger_stmt *stmt = NULL;
    uint32_t count = 0;
    int64_t last = 0;
    int status = sql_begin(tx,
        "SELECT l.number, l.code, l.state, i.code, i.name, i.unit, l.hold, coalesce(p.code, ''), "
        "l.partner_lot, l.made_ns, l.expires, (SELECT coalesce(sum(quantity_u), 0) FROM stock s "
        "WHERE s.lot = l.number AND s.lot <> 0) FROM lots l JOIN items i ON i.number = l.item LEFT "
        "JOIN partners p ON p.number = l.partner WHERE l.number < ?1 AND (?2 = '' OR i.code = ?2) "
        "AND (?3 = '' OR l.state = ?3) ORDER BY l.number DESC",
        Q(Q_I(query->before), Q_S(query->item), Q_S(query->state)), &stmt, err);
    while (status >= 0 && count < query->limit && (status = ledger_step(stmt, err)) > 0) {
        if (is_found(stmt, query->search)) {
            status = put_listed(tx, json, stmt, err);
            last = ledger_column_i64(stmt, 0);
            count++;
        }
    }
    *ret_next = count == query->limit ? last : 0;
    return status < 0 ? status : 0;
}

/* ---- Passport ---- */

static int put_head(struct ledger_tx *tx, int64_t lot, struct json *json, struct err *err) {
    struct ledger_stmt *stmt = NULL;
    int status = sql_first(tx,
        "SELECT l.number, l.code, l.state, i.code, i.name, i.unit, l.hold, coalesce(p.code, ''), "
        "l.partner_lot, l.made_ns, l.expires, i.spec, coalesce(p.name, ''), l.note, l.created_ns, "
        "l.actor FROM lots l JOIN items i ON i.number = l.item LEFT JOIN partners p ON p.number = "
        "l.partner WHERE l.number = ?1",
        Q(Q_I(lot)), &stmt, err);
    if (status == 0) {
        return err_set(err, ERR_NOT_FOUND, SAY(PRODUCTION_LOT_GONE), ARGS(A_INT(lot)));
    }
    if (status < 0) {
        return status;
    }
    json_put_i64(json, "number", ledger_column_i64(stmt, 0));
    json_put_str(json, "lot", ledger_column_str(stmt, 1));
    json_put_str(json, "state", ledger_column_str(stmt, 2));
    json_put_str(json, "item", ledger_column_str(stmt, 3));
    json_put_str(json, "name", ledger_column_str(stmt, 4));
    json_put_str(json, "spec", ledger_column_str(stmt, 11));
    json_put_str(json, "unit", ledger_column_str(stmt, 5));
    json_put_str(json, "hold", ledger_column_str(stmt, 6));
    json_put_str(json, "partner", ledger_column_str(stmt, 7));
    json_put_str(json, "partner_name", ledger_column_str(stmt, 12));
    json_put_str(json, "partner_lot", ledger_column_str(stmt, 8));
    put_time(json, "made", stmt, 9);
    json_put_str(json, "expires", ledger_column_str(stmt, 10));
    json_put_str(json, "note", ledger_column_str(stmt, 13));
    json_put_time(json, "created", ledger_column_i64(stmt, 14));
    json_put_str(json, "actor", ledger_column_str(stmt, 15));
    return put_waits(tx, lot, json, err);
}

/* The lot and those it came from by split, merge or rework; the trace's lots are by distance, so a
 * lot's child among them comes before it. */
static int find_bodies(struct ledger_tx *tx, int64_t lot, struct arena *arena,
    const int64_t **ret_bodies, uint32_t *ret_count, struct err *err) {
    struct trace trace;
    int status = trace_run(tx, lot, TRACE_BACK, arena, &trace, err);
    if (status < 0) {
        return status;
    }
    int64_t *bodies = ARENA_ARRAY(arena, int64_t, trace.lot_count);
    uint32_t count = 1;
    bodies[0] = lot;
    for (uint32_t at = 0; at < count && count < LOT_RUNS_MAX; at++) {
        for (uint32_t i = 0; i < trace.link_count && count < trace.lot_count; i++) {
            const struct trace_link *link = &trace.links[i];
            bool same = !str_eq(link->kind, STR("consume")) && !str_eq(link->kind, STR("mix"));
            bool known = !same || link->child != bodies[at];
            for (uint32_t k = 0; k < count && !known; k++) {
                known = bodies[k] == link->parent;
            }
            if (!known) {
                bodies[count++] = link->parent;
            }
        }
    }
    *ret_bodies = bodies;
    *ret_count = count;
    return 0;
}

static void sort_runs(struct lot_run *runs, int count) {
    for (int i = 1; i < count; i++) {
        struct lot_run run = runs[i];
        int at = i;
        for (; at > 0 && runs[at - 1].begin_ns > run.begin_ns; at--) {
            runs[at] = runs[at - 1];
        }
        runs[at] = run;
    }
}

int lot_runs(struct ledger_tx *tx, int64_t lot, struct arena *arena, struct lot_run *ret_runs,
    struct err *err) {
    const int64_t *bodies = NULL;
    uint32_t body_count = 0;
    int count = 0;
    int status = find_bodies(tx, lot, arena, &bodies, &body_count, err);
    for (uint32_t i = 0; i < body_count && status >= 0; i++) {
        struct ledger_stmt *stmt = NULL;
        status = sql_begin(tx,
            "SELECT r.number, coalesce(r.machine, 0), coalesce(m.asset, 0), r.begin_ns, r.end_ns "
            "FROM work_orders w JOIN operations o ON o.work_order = w.number JOIN runs r ON "
            "r.operation = o.number LEFT JOIN machines m ON m.number = r.machine WHERE w.lot = ?1 "
            "ORDER BY r.begin_ns",
            Q(Q_I(bodies[i])), &stmt, err);
        while (status >= 0 && count < LOT_RUNS_MAX && (status = ledger_step(stmt, err)) > 0) {
            ret_runs[count++] = (struct lot_run){ledger_column_i64(stmt, 0),
                ledger_column_i64(stmt, 1), ledger_column_i64(stmt, 2), ledger_column_i64(stmt, 3),
                ledger_column_is_null(stmt, 4) ? INT64_MAX : ledger_column_i64(stmt, 4)};
        }
    }
    sort_runs(ret_runs, count);
    return status < 0 ? status : count;
}

static int put_run(struct ledger_tx *tx, int64_t run, struct json *json, struct err *err) {
    struct ledger_stmt *stmt = NULL;
    int status = sql_first(tx,
        "SELECT r.number, w.code, o.step, p.name, coalesce(a.id, ''), coalesce(a.display, ''), "
        "r.phase, coalesce(d.code, ''), coalesce(k.name, ''), r.begin_ns, r.end_ns, (SELECT "
        "coalesce(sum(pieces), 0) FROM made WHERE run = r.number), (SELECT coalesce(sum(bad), 0) "
        "FROM made WHERE run = r.number) FROM runs r JOIN operations o ON o.number = r.operation "
        "JOIN work_orders w ON w.number = o.work_order JOIN processes p ON p.number = o.process "
        "LEFT JOIN machines m ON m.number = r.machine LEFT JOIN assets a ON a.number = m.asset "
        "LEFT JOIN moulds d ON d.number = r.mould LEFT JOIN workers k ON k.number = r.worker WHERE "
        "r.number = ?1",
        Q(Q_I(run)), &stmt, err);
    if (status <= 0) {
        return status;
    }
    json_object_begin(json);
    json_put_i64(json, "run", ledger_column_i64(stmt, 0));
    json_put_str(json, "order", ledger_column_str(stmt, 1));
    json_put_i64(json, "step", ledger_column_i64(stmt, 2));
    json_put_str(json, "process", ledger_column_str(stmt, 3));
    json_put_str(json, "machine", ledger_column_str(stmt, 4));
    json_put_str(json, "machine_name", ledger_column_str(stmt, 5));
    json_put_str(json, "phase", ledger_column_str(stmt, 6));
    json_put_str(json, "mould", ledger_column_str(stmt, 7));
    json_put_str(json, "worker", ledger_column_str(stmt, 8));
    json_put_time(json, "begin", ledger_column_i64(stmt, 9));
    put_time(json, "end", stmt, 10);
    json_put_i64(json, "pieces", ledger_column_i64(stmt, 11));
    json_put_i64(json, "bad", ledger_column_i64(stmt, 12));
    json_object_end(json);
    return 0;
}

static int put_runs(struct ledger_tx *tx, int64_t lot, struct json *json, struct err *err) {
    AUTO_ARENA struct arena arena;
    arena_init(&arena, 0);
    struct lot_run *runs = ARENA_ARRAY(&arena, struct lot_run, LOT_RUNS_MAX);
    int count = lot_runs(tx, lot, &arena, runs, err);
    int status = count < 0 ? count : 0;
    json_key(json, "runs");
    json_array_begin(json);
    for (int i = 0; i < count && status >= 0; i++) {
        status = put_run(tx, runs[i].run, json, err);
    }
    json_array_end(json);
    return status;
}

int lot_put_passport(struct ledger_tx *tx, int64_t lot, struct json *json, struct err *err) {
    static const struct shown HOLDS[] = {{"cause", 's'}, {"why", 's'}, {"time", 't'}, {NULL, 0}};
    static const struct shown STOCK[] = {
        {"place", 's'}, {"name", 's'}, {"quantity", 'q'}, {NULL, 0}};
    static const struct shown LINKS[] = {{"lot", 's'}, {"item", 's'}, {"name", 's'}, {"unit", 's'},
        {"kind", 's'}, {"quantity", 'q'}, {"operation", 's'}, {"time", 't'}, {"partner", 's'},
        {"partner_lot", 's'}, {NULL, 0}};
    static const struct shown MOVES[] = {{"time", 't'}, {"kind", 's'}, {"place", 's'},
        {"quantity", 'q'}, {"order", 's'}, {"partner", 's'}, {"document", 's'}, {"event", 'n'},
        {NULL, 0}};
#define LINK_COLUMNS                                                                               \
    "SELECT l.code, i.code, i.name, i.unit, k.kind, k.quantity_u, w.code || '/' || o.step, "       \
    "k.time_ns, p.code, l.partner_lot FROM lot_links k "
#define LINK_JOINS                                                                                 \
    "JOIN items i ON i.number = l.item LEFT JOIN operations o ON o.number = k.operation LEFT "     \
    "JOIN work_orders w ON w.number = o.work_order LEFT JOIN partners p ON p.number = l.partner "
    json_object_begin(json);
    int status = put_head(tx, lot, json, err);
    status = status < 0 ? status
                        : show_rows(tx, json, "holds",
                              "SELECT c.code, h.why, h.time_ns FROM lot_holds h JOIN lots c ON "
                              "c.number = h.cause WHERE h.lot = ?1 ORDER BY h.time_ns",
                              Q(Q_I(lot)), HOLDS, err);
    status = status < 0 ? status
                        : show_rows(tx, json, "stock",
                              "SELECT p.code, p.name, s.quantity_u FROM stock s JOIN places p ON "
                              "p.number = s.place WHERE s.lot = ?1 AND s.lot <> 0 ORDER BY p.code",
                              Q(Q_I(lot)), STOCK, err);
    status = status < 0 ? status : put_runs(tx, lot, json, err);
    status = status < 0 ? status
                        : show_rows(tx, json, "materials",
                              LINK_COLUMNS "JOIN lots l ON l.number = k.parent " LINK_JOINS
                                           "WHERE k.child = ?1 ORDER BY k.number",
                              Q(Q_I(lot)), LINKS, err);
    status = status < 0 ? status
                        : show_rows(tx, json, "into",
                              LINK_COLUMNS "JOIN lots l ON l.number = k.child " LINK_JOINS
                                           "WHERE k.parent = ?1 ORDER BY k.number",
                              Q(Q_I(lot)), LINKS, err);
    status = status < 0
                 ? status
                 : show_rows(tx, json, "moves",
                       "SELECT m.time_ns, m.kind, p.code, m.quantity_u, w.code, c.code, "
                       "m.document, m.event FROM stock_moves m JOIN places p ON p.number = m.place "
                       "LEFT JOIN work_orders w ON w.number = m.work_order LEFT JOIN partners c ON "
                       "c.number = m.partner WHERE m.lot = ?1 ORDER BY m.number DESC LIMIT 500",
                       Q(Q_I(lot)), MOVES, err);
    status = status < 0 ? status : inspection_put_of_lot(tx, lot, json, err);
    json_object_end(json);
    return status;
}
