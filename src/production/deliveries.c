/*
 * Delivery notes and outsourced work as they are looked at.
 */
#include "production/deliveries.h"

#include "production/sql.h"
#include "production/stock.h"
#include "production/words.h"

__extension__ typedef __int128 wide;

/* ---- Delivery notes ---- */

static int64_t amount(int64_t quantity_u, int64_t price_u) {
    wide whole = ((wide)quantity_u * price_u + 500000) / 1000000;
    return whole > INT64_MAX ? INT64_MAX : (int64_t)whole;
}

static struct str copied(struct arena *arena, struct ledger_stmt *stmt, int column) {
    return arena_copy(arena, ledger_column_str(stmt, column));
}

static int read_head(struct ledger_tx *tx, struct str code, struct arena *arena,
    struct delivery *ret_delivery, struct err *err) {
    struct ledger_stmt *stmt = NULL;
    int rc = sql_first(tx,
        "SELECT d.number, d.code, d.kind, p.code, p.name, p.business_number, p.address, p.contact,"
        " p.phone, d.day, d.state, coalesce(o.code, ''), d.note, d.printed FROM deliveries d"
        " JOIN partners p ON p.number = d.partner LEFT JOIN outsourcings o ON o.number ="
        " d.outsourcing WHERE d.code = ?1",
        Q(Q_S(code)), &stmt, err);
    if (rc == 0) {
        return err_set(err, ERR_NOT_FOUND, SAY(PRODUCTION_DELIVERY_GONE), ARGS(A_STR(code)));
    }
    if (rc > 0) {
        *ret_delivery = (struct delivery){.number = ledger_column_i64(stmt, 0),
            .code = copied(arena, stmt, 1),
            .kind = copied(arena, stmt, 2),
            .partner = copied(arena, stmt, 3),
            .partner_name = copied(arena, stmt, 4),
            .business_number = copied(arena, stmt, 5),
            .address = copied(arena, stmt, 6),
            .contact = copied(arena, stmt, 7),
            .phone = copied(arena, stmt, 8),
            .day = copied(arena, stmt, 9),
            .state = copied(arena, stmt, 10),
            .outsourcing = copied(arena, stmt, 11),
            .note = copied(arena, stmt, 12),
            .printed = ledger_column_i64(stmt, 13),
            .all_priced = true};
    }
    return rc < 0 ? rc : 0;
}

int delivery_get(struct ledger_tx *tx, struct str code, struct arena *arena,
    struct delivery *ret_delivery, struct err *err) {
    struct ledger_stmt *stmt = NULL;
    int rc = read_head(tx, code, arena, ret_delivery, err);
    rc = rc < 0 ? rc
                : sql_begin(tx,
                      "SELECT i.code, i.name, i.spec, i.unit, coalesce(l.code, ''),"
                      " coalesce(s.code, ''), -m.quantity_u, x.price_u FROM delivery_lines x"
                      " JOIN stock_moves m ON m.number = x.move JOIN items i ON i.number = m.item"
                      " LEFT JOIN lots l ON l.number = m.lot"
                      " LEFT JOIN sales_lines n ON n.number = m.sales_line"
                      " LEFT JOIN sales_orders s ON s.number = n.sales"
                      " WHERE x.delivery = ?1 ORDER BY x.line",
                      Q(Q_I(ret_delivery->number)), &stmt, err);
    if (rc < 0) {
        return rc;
    }
    ret_delivery->lines = ARENA_ARRAY(arena, struct delivery_line, DELIVERY_LINES_MAX);
    while (ret_delivery->line_count < DELIVERY_LINES_MAX && (rc = ledger_step(stmt, err)) > 0) {
        struct delivery_line *line = &ret_delivery->lines[ret_delivery->line_count++];
        *line = (struct delivery_line){.item = copied(arena, stmt, 0),
            .name = copied(arena, stmt, 1),
            .spec = copied(arena, stmt, 2),
            .unit = copied(arena, stmt, 3),
            .lot = copied(arena, stmt, 4),
            .sales = copied(arena, stmt, 5),
            .quantity_u = ledger_column_i64(stmt, 6),
            .priced = !ledger_column_is_null(stmt, 7),
            .price_u = ledger_column_i64(stmt, 7)};
        line->amount_u = line->priced ? amount(line->quantity_u, line->price_u) : 0;
        ret_delivery->amount_u += line->amount_u;
        ret_delivery->all_priced = ret_delivery->all_priced && line->priced;
    }
    return rc < 0 ? rc : 0;
}

static void put_head(struct json *json, const struct delivery *delivery) {
    json_put_i64(json, "number", delivery->number);
    json_put_str(json, "delivery", delivery->code);
    json_put_str(json, "kind", delivery->kind);
    json_put_str(json, "partner", delivery->partner);
    json_put_str(json, "partner_name", delivery->partner_name);
    json_put_str(json, "day", delivery->day);
    json_put_str(json, "state", delivery->state);
    json_put_str(json, "outsourcing", delivery->outsourcing);
    json_put_i64(json, "printed", delivery->printed);
    json_put_str(json, "note", delivery->note);
}

int delivery_put(struct ledger_tx *tx, struct str code, struct json *json, struct err *err) {
    AUTO_ARENA struct arena arena;
    arena_init(&arena, 0);
    struct delivery delivery;
    int rc = delivery_get(tx, code, &arena, &delivery, err);
    if (rc < 0) {
        return rc;
    }
    json_object_begin(json);
    put_head(json, &delivery);
    stock_put_amount(json, "amount", delivery.amount_u);
    json_put_bool(json, "all_priced", delivery.all_priced);
    json_key(json, "lines");
    json_array_begin(json);
    for (uint32_t i = 0; i < delivery.line_count; i++) {
        const struct delivery_line *line = &delivery.lines[i];
        json_object_begin(json);
        json_put_str(json, "item", line->item);
        json_put_str(json, "name", line->name);
        json_put_str(json, "spec", line->spec);
        json_put_str(json, "unit", line->unit);
        json_put_str(json, "lot", line->lot);
        json_put_str(json, "sales", line->sales);
        stock_put_amount(json, "quantity", line->quantity_u);
        if (line->priced) {
            stock_put_amount(json, "price", line->price_u);
            stock_put_amount(json, "amount", line->amount_u);
        } else {
            json_put_null(json, "price");
            json_put_null(json, "amount");
        }
        json_object_end(json);
    }
    json_array_end(json);
    json_object_end(json);
    return 0;
}

int deliveries_put_list(struct ledger_tx *tx, const struct delivery_query *query, struct json *json,
    int64_t *ret_next, struct err *err) {
    struct ledger_stmt *stmt = NULL;
    uint32_t count = 0;
    int64_t last = 0;
    int rc = sql_begin(tx,
        "SELECT d.number, d.code, d.kind, p.code, p.name, d.day, d.state, coalesce(o.code, ''),"
        " d.printed, d.note, (SELECT count(*) FROM delivery_lines x WHERE x.delivery = d.number)"
        " FROM deliveries d JOIN partners p ON p.number = d.partner LEFT JOIN outsourcings o ON"
        " o.number = d.outsourcing WHERE d.number < ?1 AND (?2 = '' OR p.code = ?2) AND (?3 = ''"
        " OR d.kind = ?3) ORDER BY d.number DESC LIMIT ?4",
        Q(Q_I(query->before), Q_S(query->partner), Q_S(query->kind), Q_I(query->limit)), &stmt,
        err);
    while (rc >= 0 && (rc = ledger_step(stmt, err)) > 0) {
        const struct delivery delivery = {.number = ledger_column_i64(stmt, 0),
            .code = ledger_column_str(stmt, 1),
            .kind = ledger_column_str(stmt, 2),
            .partner = ledger_column_str(stmt, 3),
            .partner_name = ledger_column_str(stmt, 4),
            .day = ledger_column_str(stmt, 5),
            .state = ledger_column_str(stmt, 6),
            .outsourcing = ledger_column_str(stmt, 7),
            .printed = ledger_column_i64(stmt, 8),
            .note = ledger_column_str(stmt, 9)};
        json_object_begin(json);
        put_head(json, &delivery);
        json_put_i64(json, "lines", ledger_column_i64(stmt, 10));
        json_object_end(json);
        last = delivery.number;
        count++;
    }
    *ret_next = count == query->limit ? last : 0;
    return rc < 0 ? rc : 0;
}

int delivery_printed(
    struct ledger_tx *tx, struct str code, struct str actor, int64_t *ret_times, struct err *err) {
    struct ledger_stmt *stmt = NULL;
    int rc = sql_first(tx,
        "UPDATE deliveries SET printed = printed + 1 WHERE code = ?1 AND state = 'made'"
        " RETURNING printed",
        Q(Q_S(code)), &stmt, err);
    if (rc > 0) {
        *ret_times = ledger_column_i64(stmt, 0);
        return audit_append(tx, actor, STR("delivery.print"), code, STR_NONE, err);
    }
    int64_t number = 0;
    rc = rc < 0 ? rc
                : sql_number(tx, "SELECT number FROM deliveries WHERE code = ?1", Q(Q_S(code)), 0,
                      &number, err);
    return rc < 0 ? rc
           : number != 0
               ? err_set(err, ERR_CONFLICT, SAY(PRODUCTION_DELIVERY_STATE), ARGS(A_STR(code)))
               : err_set(err, ERR_NOT_FOUND, SAY(PRODUCTION_DELIVERY_GONE), ARGS(A_STR(code)));
}

/* ---- Outsourced work ---- */

static void put_text(struct json *json, const char *key, struct ledger_stmt *stmt, int column) {
    json_put_str(json, key, ledger_column_str(stmt, column));
}

static void put_outsourcing(struct json *json, struct ledger_stmt *stmt) {
    json_object_begin(json);
    json_put_i64(json, "number", ledger_column_i64(stmt, 0));
    put_text(json, "outsourcing", stmt, 1);
    put_text(json, "order", stmt, 2);
    json_put_i64(json, "step", ledger_column_i64(stmt, 3));
    put_text(json, "process_name", stmt, 4);
    put_text(json, "item", stmt, 5);
    put_text(json, "item_name", stmt, 6);
    put_text(json, "unit", stmt, 7);
    put_text(json, "partner", stmt, 8);
    put_text(json, "partner_name", stmt, 9);
    stock_put_amount(json, "quantity", ledger_column_i64(stmt, 10));
    stock_put_amount(json, "good", ledger_column_i64(stmt, 11));
    stock_put_amount(json, "bad", ledger_column_i64(stmt, 12));
    put_text(json, "due", stmt, 13);
    put_text(json, "state", stmt, 14);
    put_text(json, "note", stmt, 15);
    json_put_time(json, "sent", ledger_column_i64(stmt, 16));
    put_text(json, "supply", stmt, 17);
    put_text(json, "delivery", stmt, 18);
    json_object_end(json);
}

int outsourcings_put_list(struct ledger_tx *tx, const struct outsourcing_query *query,
    struct json *json, int64_t *ret_next, struct err *err) {
    struct ledger_stmt *stmt = NULL;
    uint32_t count = 0;
    int64_t last = 0;
    int rc = sql_begin(tx,
        "SELECT s.number, s.code, w.code, o.step, c.name, i.code, i.name, i.unit, p.code, p.name,"
        " s.quantity_u, s.good_u, s.bad_u, s.due, s.state, s.note, s.sent_ns,"
        " coalesce((SELECT m.supply FROM outsourcing_materials m WHERE m.outsourcing = s.number"
        " LIMIT 1), ''), coalesce((SELECT d.code FROM deliveries d WHERE d.outsourcing = s.number"
        " LIMIT 1), '') FROM outsourcings s JOIN operations o ON o.number = s.operation"
        " JOIN processes c ON c.number = o.process JOIN work_orders w ON w.number = o.work_order"
        " JOIN items i ON i.number = w.item JOIN partners p ON p.number = s.partner"
        " WHERE s.number < ?1 AND (?2 = '' OR p.code = ?2) AND (?3 = '' OR s.state = ?3)"
        " ORDER BY s.number DESC LIMIT ?4",
        Q(Q_I(query->before), Q_S(query->partner), Q_S(query->state), Q_I(query->limit)), &stmt,
        err);
    while (rc >= 0 && (rc = ledger_step(stmt, err)) > 0) {
        put_outsourcing(json, stmt);
        last = ledger_column_i64(stmt, 0);
        count++;
    }
    *ret_next = count == query->limit ? last : 0;
    return rc < 0 ? rc : 0;
}

int outsourcings_put_stock(struct ledger_tx *tx, struct json *json, struct err *err) {
    struct ledger_stmt *stmt = NULL;
    int rc = sql_begin(tx,
        "SELECT p.code, p.name, l.code, i.code, i.name, i.unit, coalesce(t.code, ''), s.quantity_u"
        " FROM stock s JOIN places l ON l.number = s.place JOIN partners p ON p.number = l.partner"
        " JOIN items i ON i.number = s.item LEFT JOIN lots t ON t.number = s.lot"
        " WHERE l.kind = 'outside' ORDER BY p.code, i.code, t.code LIMIT ?1",
        Q(Q_I(OUTSOURCINGS_PAGE_MAX)), &stmt, err);
    while (rc >= 0 && (rc = ledger_step(stmt, err)) > 0) {
        json_object_begin(json);
        put_text(json, "partner", stmt, 0);
        put_text(json, "partner_name", stmt, 1);
        put_text(json, "place", stmt, 2);
        put_text(json, "item", stmt, 3);
        put_text(json, "name", stmt, 4);
        put_text(json, "unit", stmt, 5);
        put_text(json, "lot", stmt, 6);
        stock_put_amount(json, "quantity", ledger_column_i64(stmt, 7));
        json_object_end(json);
    }
    return rc < 0 ? rc : 0;
}
