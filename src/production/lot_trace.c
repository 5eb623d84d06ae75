/*
 * Genealogy as it is shown, and the recall: of everything that was made of a lot, where it lies and
 * who has it. A lot that is neither in stock nor shipped went wholly into others; it has a row
 * without a place, so that the list says that it was looked at.
 */
#include "production/amount.h"
#include "production/lots.h"
#include "production/sql.h"
#include "production/stock.h"
#include "production/trace.h"

/* ---- Trace ---- */

static int code_of(
    struct ledger_tx *tx, int64_t lot, struct json *json, const char *key, struct err *err) {
    struct ledger_stmt *stmt = NULL;
    int status = sql_first(tx, "SELECT code FROM lots WHERE number = ?1", Q(Q_I(lot)), &stmt, err);
    if (status > 0) {
        json_put_str(json, key, ledger_column_str(stmt, 0));
    }
    return status;
}

static int put_lots(
    struct ledger_tx *tx, const struct trace *trace, struct json *json, struct err *err) {
    int status = 0;
    json_key(json, "lots");
    json_array_begin(json);
    for (uint32_t i = 0; i < trace->lot_count && status >= 0; i++) {
        struct ledger_stmt *stmt = NULL;
        status = sql_first(tx,
            "SELECT l.code, i.code, i.name, l.state, coalesce(p.code, ''), l.partner_lot FROM lots "
            "l JOIN items i ON i.number = l.item LEFT JOIN partners p ON p.number = l.partner "
            "WHERE l.number = ?1",
            Q(Q_I(trace->lots[i].lot)), &stmt, err);
        if (status <= 0) {
            continue;
        }
        json_object_begin(json);
        json_put_str(json, "lot", ledger_column_str(stmt, 0));
        json_put_str(json, "item", ledger_column_str(stmt, 1));
        json_put_str(json, "name", ledger_column_str(stmt, 2));
        json_put_str(json, "state", ledger_column_str(stmt, 3));
        json_put_str(json, "partner", ledger_column_str(stmt, 4));
        json_put_str(json, "partner_lot", ledger_column_str(stmt, 5));
        json_put_i64(json, "depth", trace->lots[i].depth);
        json_object_end(json);
    }
    json_array_end(json);
    return status;
}

static int put_links(
    struct ledger_tx *tx, const struct trace *trace, struct json *json, struct err *err) {
    int status = 0;
    json_key(json, "links");
    json_array_begin(json);
    for (uint32_t i = 0; i < trace->link_count && status >= 0; i++) {
        const struct trace_link *link = &trace->links[i];
        json_object_begin(json);
        status = code_of(tx, link->parent, json, "parent", err);
        status = status < 0 ? status : code_of(tx, link->child, json, "child", err);
        json_put_str(json, "kind", link->kind);
        stock_put_amount(json, "quantity", link->quantity_u);
        json_put_time(json, "time", link->time_ns);
        json_object_end(json);
    }
    json_array_end(json);
    return status;
}

static int put_way(
    struct ledger_tx *tx, int64_t lot, enum trace_way way, struct json *json, struct err *err) {
    AUTO_ARENA struct arena arena;
    arena_init(&arena, 0);
    struct trace trace;
    int status = trace_run(tx, lot, way, &arena, &trace, err);
    if (status < 0) {
        return status;
    }
    json_key(json, way == TRACE_BACK ? "back" : "forward");
    json_object_begin(json);
    status = put_lots(tx, &trace, json, err);
    status = status < 0 ? status : put_links(tx, &trace, json, err);
    json_put_bool(json, "cut", trace.cut);
    json_object_end(json);
    return status;
}

int lot_put_trace(
    struct ledger_tx *tx, int64_t lot, uint32_t ways, struct json *json, struct err *err) {
    json_object_begin(json);
    int status = code_of(tx, lot, json, "lot", err);
    if (status >= 0 && (ways & LOT_TRACE_BACK) != 0) {
        status = put_way(tx, lot, TRACE_BACK, json, err);
    }
    if (status >= 0 && (ways & LOT_TRACE_FORWARD) != 0) {
        status = put_way(tx, lot, TRACE_FORWARD, json, err);
    }
    json_object_end(json);
    return status < 0 ? status : 0;
}

/* ---- Recall ---- */

void recall_put(struct json *json, const struct recall_row *row) {
    json_object_begin(json);
    json_put_str(json, "lot", row->lot);
    json_put_str(json, "item", row->item);
    json_put_str(json, "name", row->name);
    json_put_str(json, "state", row->state);
    json_put_i64(json, "depth", row->depth);
    json_put_str(json, "where", str_of(row->where));
    json_put_str(json, "place", row->place);
    json_put_str(json, "partner", row->partner);
    json_put_str(json, "partner_name", row->partner_name);
    json_put_str(json, "phone", row->phone);
    json_put_str(json, "document", row->document);
    json_put_str(json, "quantity", str_of(AMOUNT(row->quantity_u)));
    json_put_str(json, "unit", row->unit);
    if (row->time_ns == 0) {
        json_put_null(json, "time");
    } else {
        json_put_time(json, "time", row->time_ns);
    }
    json_object_end(json);
}

struct recalling {
    struct ledger_tx *tx;
    struct arena arena;
    int (*each)(void *context, const struct recall_row *row, struct err *err);
    void *context;
    bool told; // Something of the present lot.
};

static int read_lot(struct recalling *recalling, const struct trace_lot *lot,
    struct recall_row *ret_row, struct err *err) {
    struct ledger_stmt *stmt = NULL;
    int status = sql_first(recalling->tx,
        "SELECT l.code, i.code, i.name, i.unit, l.state FROM lots l JOIN items i ON i.number = "
        "l.item WHERE l.number = ?1",
        Q(Q_I(lot->lot)), &stmt, err);
    if (status > 0) {
        struct arena *arena = &recalling->arena;
        *ret_row = (struct recall_row){.lot = arena_copy(arena, ledger_column_str(stmt, 0)),
            .item = arena_copy(arena, ledger_column_str(stmt, 1)),
            .name = arena_copy(arena, ledger_column_str(stmt, 2)),
            .unit = arena_copy(arena, ledger_column_str(stmt, 3)),
            .state = arena_copy(arena, ledger_column_str(stmt, 4)),
            .depth = lot->depth,
            .where = "none",
            .place = STR_NONE,
            .partner = STR_NONE,
            .partner_name = STR_NONE,
            .phone = STR_NONE,
            .document = STR_NONE};
    }
    return status;
}

static int tell_stock(
    struct recalling *recalling, int64_t lot, const struct recall_row *head, struct err *err) {
    struct ledger_stmt *stmt = NULL;
    int status = sql_begin(recalling->tx,
        "SELECT p.code, s.quantity_u FROM stock s JOIN places p ON p.number = s.place WHERE s.lot "
        "= ?1 AND s.lot <> 0 ORDER BY p.code",
        Q(Q_I(lot)), &stmt, err);
    while (status >= 0 && (status = ledger_step(stmt, err)) > 0) {
        struct recall_row row = *head;
        row.where = "stock";
        row.place = ledger_column_str(stmt, 0);
        row.quantity_u = ledger_column_i64(stmt, 1);
        recalling->told = true;
        status = recalling->each(recalling->context, &row, err);
    }
    return status;
}

/* What went out and did not come back, by customer and delivery note. */
static int tell_shipped(
    struct recalling *recalling, int64_t lot, const struct recall_row *head, struct err *err) {
    struct ledger_stmt *stmt = NULL;
    int status = sql_begin(recalling->tx,
        "SELECT coalesce(c.code, ''), coalesce(c.name, ''), coalesce(c.phone, ''), m.document, "
        "-sum(m.quantity_u), max(m.time_ns) FROM stock_moves m LEFT JOIN partners c ON c.number = "
        "m.partner WHERE m.lot = ?1 AND m.kind IN ('ship', 'return') GROUP BY m.partner, "
        "m.document HAVING sum(m.quantity_u) <> 0 ORDER BY 1, 6",
        Q(Q_I(lot)), &stmt, err);
    while (status >= 0 && (status = ledger_step(stmt, err)) > 0) {
        struct recall_row row = *head;
        row.where = "shipped";
        row.partner = ledger_column_str(stmt, 0);
        row.partner_name = ledger_column_str(stmt, 1);
        row.phone = ledger_column_str(stmt, 2);
        row.document = ledger_column_str(stmt, 3);
        row.quantity_u = ledger_column_i64(stmt, 4);
        row.time_ns = ledger_column_i64(stmt, 5);
        recalling->told = true;
        status = recalling->each(recalling->context, &row, err);
    }
    return status;
}

int lot_recall(struct ledger_tx *tx, int64_t lot,
    int (*each)(void *context, const struct recall_row *row, struct err *err), void *context,
    struct err *err) {
    struct recalling recalling = {.tx = tx, .each = each, .context = context};
    struct trace trace = {.cut = false};
    arena_init(&recalling.arena, 0);
    int status = trace_run(tx, lot, TRACE_FORWARD, &recalling.arena, &trace, err);
    for (uint32_t i = 0; i < trace.lot_count && status >= 0; i++) {
        struct recall_row head;
        recalling.told = false;
        status = read_lot(&recalling, &trace.lots[i], &head, err);
        if (status <= 0) {
            continue;
        }
        status = tell_stock(&recalling, trace.lots[i].lot, &head, err);
        status = status < 0 ? status : tell_shipped(&recalling, trace.lots[i].lot, &head, err);
        if (status >= 0 && !recalling.told) {
            status = each(context, &head, err);
        }
    }
    arena_fini(&recalling.arena);
    return status < 0 ? status : 0;
}
