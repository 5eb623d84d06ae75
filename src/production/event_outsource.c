/*
 * Operations that a partner carries out: pieces go out with material, come back good or bad, and
 * are booked like work without a counter.
 *
 * Material of ours that lies at a partner is stock at their place until pieces come back; then as
 * much of what went along is used up as its share of the pieces, so that nothing is taken twice by
 * the bill of material. Free material stays ours and costs what it cost; charged material is sold
 * at a price that the partner adds to theirs: what it costs us is the partner's price less that.
 */
#include <string.h>

#include "production/amount.h"
#include "production/delivery.h"
#include "production/lot.h"
#include "production/mrp.h"
#include "production/operation.h"
#include "production/sql.h"
#include "production/stock.h"

__extension__ typedef __int128 wide;

struct sending {
    struct operation operation;
    struct work_order order;
    int64_t number; // Of `outsourcings`.
    int64_t partner;
    int64_t place; // Theirs; 0: not asked for yet.
    int64_t quantity_u;
    bool charged;
    int64_t price_u; // Given; below 0: of the price list.
    char code[NOTE_CODE_MAX];
};

/* ---- Sending out ---- */

static int check_operation(struct event *event, struct sending *sending, struct err *err) {
    const struct work_order *order = &sending->order;
    struct str state = str_of(order->state);
    if (!str_eq(state, STR("released")) && !str_eq(state, STR("running"))) {
        return err_set(err, ERR_CONFLICT, SAY(PRODUCTION_OUTSOURCE_ORDER),
            ARGS(A_CSTR(order->code), A_STR(event_state(event, state))));
    }
    int64_t outsourced = 0;
    int rc = sql_number(event->tx, "SELECT kind = 'outsourced' FROM processes WHERE number = ?1",
        Q(Q_I(sending->operation.process)), 0, &outsourced, err);
    if (rc >= 0 && outsourced == 0 && sending->operation.partner == 0) {
        return err_set(err, ERR_CONFLICT, SAY(PRODUCTION_OUTSOURCE_PROCESS),
            ARGS(A_CSTR(order->code), A_INT(sending->operation.step)));
    }
    sending->partner = event_i64(event, "partner", sending->operation.partner);
    return rc < 0                  ? rc
           : sending->partner != 0 ? 0
                                   : err_set(err, ERR_INVALID, SAY(PRODUCTION_OUTSOURCE_PARTNER),
                                         ARGS(A_CSTR(order->code), A_INT(sending->operation.step)));
}

/* What is out or done already, and this, should not be more than the order wants. */
static int warn_over(struct event *event, const struct sending *sending, struct err *err) {
    struct made made = {0};
    int64_t out_u = 0;
    int rc = operation_made(event->tx, sending->operation.number, &made, err);
    rc = rc < 0 ? rc
                : sql_number(event->tx,
                      "SELECT sum(max(0, quantity_u - good_u - bad_u)) FROM outsourcings WHERE"
                      " operation = ?1 AND state = 'open'",
                      Q(Q_I(sending->operation.number)), 0, &out_u, err);
    int64_t all_u = made.good_u + out_u + sending->quantity_u;
    if (rc >= 0 && all_u > sending->order.quantity_u) {
        event_warn(event, SAY(PRODUCTION_OUTSOURCE_OVER),
            ARGS(A_CSTR(sending->order.code), A_INT(sending->operation.step), A_CSTR(AMOUNT(all_u)),
                A_CSTR(AMOUNT(sending->order.quantity_u))));
    }
    return rc;
}

static int find_place(struct event *event, struct sending *sending, struct err *err) {
    struct str partner = STR_NONE;
    int rc = sql_number(event->tx,
        "SELECT number FROM places WHERE kind = 'outside' AND partner = ?1 AND active"
        " ORDER BY number LIMIT 1",
        Q(Q_I(sending->partner)), 0, &sending->place, err);
    if (rc < 0 || sending->place != 0) {
        return rc;
    }
    rc = code_get(event, "partners", sending->partner, &partner, err);
    return rc < 0
               ? rc
               : err_set(err, ERR_CONFLICT, SAY(PRODUCTION_OUTSOURCE_PLACE), ARGS(A_STR(partner)));
}

static int find_price(struct event *event, const struct sending *sending, int64_t item,
    int64_t *ret_price_u, struct err *err) {
    *ret_price_u = -1;
    if (!sending->charged) {
        return 0;
    }
    char day[DAY_TEXT_MAX];
    event_day(event, 0, day);
    int rc = sending->price_u >= 0
                 ? (*ret_price_u = sending->price_u, 0)
                 : sql_number(event->tx,
                       "SELECT price_u FROM prices WHERE item = ?1 AND kind = 'sell' AND (partner ="
                       " ?2 OR partner IS NULL) AND valid_from <= ?3 ORDER BY partner IS NULL,"
                       " valid_from DESC LIMIT 1",
                       Q(Q_I(item), Q_I(sending->partner), Q_S(str_of(day))), -1, ret_price_u, err);
    struct str code = STR_NONE;
    if (rc >= 0 && *ret_price_u < 0) {
        rc = code_get(event, "items", item, &code, err);
        return rc < 0
                   ? rc
                   : err_set(err, ERR_CONFLICT, SAY(PRODUCTION_OUTSOURCE_PRICE), ARGS(A_STR(code)));
    }
    return rc;
}

/* Takes from where it lies with us, and puts it to the partner. */
static int supply(struct event *event, struct sending *sending, int64_t item, int64_t lot,
    int64_t quantity_u, struct err *err) {
    struct stock_picks *picks = ARENA_NEW(event->arena, struct stock_picks);
    int64_t price_u = -1;
    int rc = sending->place != 0 ? 0 : find_place(event, sending, err);
    rc = rc < 0 ? rc : find_price(event, sending, item, &price_u, err);
    const struct stock_wish wish = {.move = {.kind = "supply",
                                        .item = item,
                                        .lot = lot,
                                        .quantity_u = quantity_u,
                                        .price_u = price_u,
                                        .work_order = sending->order.number,
                                        .operation = sending->operation.number,
                                        .partner = sending->partner,
                                        .document = str_of(sending->code)},
        .leaves = true};
    rc = rc < 0 ? rc : stock_take(event, &wish, picks, err);
    for (uint32_t i = 0; i < picks->count && rc >= 0; i++) {
        struct stock_move move = wish.move;
        move.lot = picks->all[i].lot;
        move.place = sending->place;
        move.quantity_u = picks->all[i].quantity_u;
        rc = stock_move(event, &move, err);
        rc = rc < 0 ? rc
                    : sql_do(event->tx,
                          "INSERT INTO outsourcing_materials (outsourcing, item, lot, supply,"
                          " price_u, sent_u, used_u) VALUES (?1, ?2, ?3, ?4, ?5, ?6, 0)"
                          " ON CONFLICT (outsourcing, item, lot) DO UPDATE SET sent_u = sent_u +"
                          " excluded.sent_u",
                          Q(Q_I(sending->number), Q_I(item), Q_I(move.lot),
                              Q_S(sending->charged ? STR("charged") : STR("free")),
                              price_u < 0 ? Q_NULL : Q_I(price_u), Q_I(move.quantity_u)),
                          err);
    }
    return rc;
}

/* By the bill of material of the step, for the pieces that go out. */
static int supply_by_bill(struct event *event, struct sending *sending, struct err *err) {
    enum { LINES_MAX = 100 };
    struct {
        int64_t item;
        int64_t need_u;
    } needs[LINES_MAX];
    struct ledger_stmt *stmt = NULL;
    int count = 0;
    int rc = sql_begin(event->tx,
        "SELECT b.component, b.quantity_u, b.base_u, coalesce(b.scrap_ppm, 0) FROM boms b WHERE"
        " b.item = ?1 AND b.version = ?2 AND b.step = ?3 ORDER BY b.line LIMIT 100",
        Q(Q_I(sending->order.item), Q_I(sending->order.bom_version), Q_I(sending->operation.step)),
        &stmt, err);
    while (rc >= 0 && count < LINES_MAX && (rc = ledger_step(stmt, err)) > 0) {
        const struct mrp_line line = {.quantity_u = ledger_column_i64(stmt, 1),
            .base_u = ledger_column_i64(stmt, 2),
            .scrap_ppm = ledger_column_i64(stmt, 3)};
        needs[count].item = ledger_column_i64(stmt, 0);
        needs[count++].need_u = mrp_component_need(sending->quantity_u, &line);
    }
    for (int i = 0; i < count && rc >= 0; i++) {
        rc = supply(event, sending, needs[i].item, 0, needs[i].need_u, err);
    }
    return rc;
}

static int supply_all(struct event *event, struct sending *sending, struct err *err) {
    struct str how = event_text(event, "supply");
    uint32_t count = event_count(event, "material");
    sending->charged = str_eq(how, STR("charged"));
    sending->price_u = event_i64(event, "price", -1);
    if (count == 0) {
        return how.size == 0 ? 0 : supply_by_bill(event, sending, err);
    }
    int rc = event_count(event, "material_quantity") == 0
                 ? 0
                 : event_lists_match(event, "material", "material_quantity", err);
    for (uint32_t i = 0; i < count && rc >= 0; i++) {
        struct lot_facts lot;
        int64_t quantity_u = event_count(event, "material_quantity") > 0
                                 ? event_i64_at(event, "material_quantity", i)
                                 : 0;
        rc = lot_get(event, event_i64_at(event, "material", i), &lot, err);
        rc = rc < 0 ? rc : supply(event, sending, lot.item, lot.number, quantity_u, err);
    }
    return rc;
}

static int enter(struct event *event, struct sending *sending, struct err *err) {
    int rc = note_code(event, "outsourcings", "OS", sending->code, err);
    rc = rc < 0 ? rc
                : sql_number(event->tx,
                      "INSERT INTO outsourcings (code, operation, partner, quantity_u, good_u,"
                      " bad_u, due, state, note, sent_ns, created_ns, actor) VALUES (?1, ?2, ?3,"
                      " ?4, 0, 0, ?5, 'open', ?6, ?7, ?8, ?9) RETURNING number",
                      Q(Q_S(str_of(sending->code)), Q_I(sending->operation.number),
                          Q_I(sending->partner), Q_I(sending->quantity_u),
                          Q_S(event_text(event, "due")), Q_S(event_text(event, "note")),
                          Q_I(event->time_ns), Q_I(event->entered_ns), Q_S(event->actor)),
                      0, &sending->number, err);
    rc = rc < 0 ? rc
                : sql_do(event->tx,
                      "UPDATE operations SET state = 'running', partner = ?2 WHERE number = ?1",
                      Q(Q_I(sending->operation.number), Q_I(sending->partner)), err);
    rc = rc < 0 ? rc
                : sql_do(event->tx,
                      "UPDATE work_orders SET state = 'running', proposed = 0 WHERE number = ?1",
                      Q(Q_I(sending->order.number)), err);
    return rc < 0 ? rc
                  : sql_do(event->tx,
                        "UPDATE lots SET state = 'open' WHERE number = ?1 AND state = 'planned'",
                        Q(Q_I(sending->order.lot)), err);
}

int event_outsource_send(struct event *event, struct err *err) {
    struct sending sending = {.quantity_u = event_i64(event, "quantity", 0)};
    struct note_wish wish = {.kind = "supply"};
    char note[NOTE_CODE_MAX];
    int64_t lines = 0;
    int rc = operation_get(event->tx, event_i64(event, "operation", 0), &sending.operation, err);
    rc = rc < 0 ? rc : order_get(event->tx, sending.operation.order, &sending.order, err);
    rc = rc < 0 ? rc : check_operation(event, &sending, err);
    rc = rc < 0 ? rc : warn_over(event, &sending, err);
    rc = rc < 0 ? rc : moves_end(event, &wish.after, err);
    rc = rc < 0 ? rc : enter(event, &sending, err);
    rc = rc < 0 ? rc : supply_all(event, &sending, err);
    if (rc < 0) {
        return rc;
    }
    json_put_str(event->answer, "outsourcing", str_of(sending.code));
    json_put_str(event->answer, "order", str_of(sending.order.code));
    wish.partner = sending.partner;
    wish.outsourcing = sending.number;
    rc = note_code(event, "deliveries", "DN", note, err);
    return rc < 0 ? rc : note_make(event, &wish, str_of(note), &lines, err);
}

/* ---- Coming back ---- */

struct outsourcing {
    int64_t number;
    int64_t operation;
    int64_t partner;
    int64_t quantity_u;
    int64_t good_u;
    int64_t bad_u;
};

static int find_open(struct event *event, struct outsourcing *ret_found, struct err *err) {
    struct str code = event_text(event, "outsourcing");
    struct ledger_stmt *stmt = NULL;
    int rc = sql_first(event->tx,
        "SELECT number, operation, partner, quantity_u, good_u, bad_u, state FROM outsourcings"
        " WHERE code = ?1",
        Q(Q_S(code)), &stmt, err);
    if (rc == 0) {
        return err_set(err, ERR_NOT_FOUND, SAY(PRODUCTION_OUTSOURCE_GONE), ARGS(A_STR(code)));
    }
    if (rc > 0 && !str_eq(ledger_column_str(stmt, 6), STR("open"))) {
        return err_set(err, ERR_CONFLICT, SAY(PRODUCTION_OUTSOURCE_STATE),
            ARGS(A_STR(code), A_STR(event_state(event, ledger_column_str(stmt, 6)))));
    }
    if (rc > 0) {
        *ret_found = (struct outsourcing){.number = ledger_column_i64(stmt, 0),
            .operation = ledger_column_i64(stmt, 1),
            .partner = ledger_column_i64(stmt, 2),
            .quantity_u = ledger_column_i64(stmt, 3),
            .good_u = ledger_column_i64(stmt, 4),
            .bad_u = ledger_column_i64(stmt, 5)};
    }
    return rc < 0 ? rc : 0;
}

struct material {
    int64_t item;
    int64_t lot;
    int64_t sent_u;
    int64_t used_u;
};

/* What lies at the partner's places of it, at most `wanted_u`. */
static int use_up(struct event *event, const struct outsourcing *of, const struct operation *step,
    const struct material *material, int64_t wanted_u, struct err *err) {
    while (wanted_u > 0) {
        struct ledger_stmt *stmt = NULL;
        int rc = sql_first(event->tx,
            "SELECT s.place, s.quantity_u FROM stock s JOIN places p ON p.number = s.place WHERE"
            " s.item = ?1 AND s.lot = ?2 AND p.kind = 'outside' AND p.partner = ?3 AND"
            " s.quantity_u > 0 ORDER BY s.place LIMIT 1",
            Q(Q_I(material->item), Q_I(material->lot), Q_I(of->partner)), &stmt, err);
        if (rc <= 0) {
            return rc; // It was moved back meanwhile: the bill of material takes the rest.
        }
        int64_t there_u = ledger_column_i64(stmt, 1);
        struct stock_picks *picks = ARENA_NEW(event->arena, struct stock_picks);
        const struct stock_wish wish = {.any_state = true,
            .move = {.kind = "consume",
                .item = material->item,
                .lot = material->lot,
                .place = ledger_column_i64(stmt, 0),
                .quantity_u = there_u < wanted_u ? there_u : wanted_u,
                .price_u = -1,
                .work_order = step->order,
                .operation = step->number,
                .partner = of->partner}};
        rc = stock_consume(event, &wish, picks, err);
        rc = rc < 0
                 ? rc
                 : sql_do(event->tx,
                       "UPDATE outsourcing_materials SET used_u = used_u + ?4 WHERE outsourcing ="
                       " ?1 AND item = ?2 AND lot = ?3",
                       Q(Q_I(of->number), Q_I(material->item), Q_I(material->lot),
                           Q_I(wish.move.quantity_u)),
                       err);
        if (rc < 0) {
            return rc;
        }
        wanted_u -= wish.move.quantity_u;
    }
    return 0;
}

static int read_materials(struct event *event, int64_t outsourcing, struct material *materials,
    int max, struct err *err) {
    struct ledger_stmt *stmt = NULL;
    int count = 0;
    int rc = sql_begin(event->tx,
        "SELECT item, lot, sent_u, used_u FROM outsourcing_materials WHERE outsourcing = ?1",
        Q(Q_I(outsourcing)), &stmt, err);
    while (rc >= 0 && count < max && (rc = ledger_step(stmt, err)) > 0) {
        materials[count++] = (struct material){.item = ledger_column_i64(stmt, 0),
            .lot = ledger_column_i64(stmt, 1),
            .sent_u = ledger_column_i64(stmt, 2),
            .used_u = ledger_column_i64(stmt, 3)};
    }
    return rc < 0 ? rc : count;
}

enum { MATERIALS_MAX = STOCK_PICKS_MAX };

/* The share of the pieces that have come back, of everything that went along. */
static int use_materials(struct event *event, const struct outsourcing *of,
    const struct operation *step, struct err *err) {
    struct material *materials = ARENA_ARRAY(event->arena, struct material, MATERIALS_MAX);
    int64_t back_u = of->good_u + of->bad_u;
    back_u = back_u < of->quantity_u ? back_u : of->quantity_u;
    int count = read_materials(event, of->number, materials, MATERIALS_MAX, err);
    int rc = count < 0 ? count : 0;
    for (int i = 0; i < count && rc >= 0; i++) {
        wide share = (wide)materials[i].sent_u * back_u / of->quantity_u;
        rc = use_up(event, of, step, &materials[i], (int64_t)share - materials[i].used_u, err);
    }
    return rc;
}

static int answer_left(struct event *event, const struct outsourcing *of, struct err *err) {
    struct material *materials = ARENA_ARRAY(event->arena, struct material, MATERIALS_MAX);
    int count = read_materials(event, of->number, materials, MATERIALS_MAX, err);
    int rc = count < 0 ? count : 0;
    for (int i = 0; i < count && rc >= 0; i++) {
        int64_t left_u = materials[i].sent_u - materials[i].used_u;
        struct str code = STR_NONE;
        rc = code_get(event, "items", materials[i].item, &code, err);
        if (rc >= 0 && left_u > 0) {
            event_warn(
                event, SAY(PRODUCTION_OUTSOURCE_LEFT), ARGS(A_CSTR(AMOUNT(left_u)), A_STR(code)));
        }
    }
    return rc;
}

static int put_back(
    struct event *event, const struct outsourcing *of, const char *state, struct err *err) {
    json_put_str(event->answer, "outsourcing", event_text(event, "outsourcing"));
    json_put_str(event->answer, "state", str_of(state));
    return sql_do(event->tx,
        "UPDATE outsourcings SET good_u = ?2, bad_u = ?3, state = ?4 WHERE number = ?1",
        Q(Q_I(of->number), Q_I(of->good_u), Q_I(of->bad_u), Q_S(str_of(state))), err);
}

int event_outsource_receive(struct event *event, struct err *err) {
    struct outsourcing of;
    struct operation step;
    int64_t good_u = event_i64(event, "good", 0);
    int64_t bad_u = event_i64(event, "bad", 0);
    int rc = find_open(event, &of, err);
    if (rc >= 0 && good_u == 0 && bad_u == 0) {
        return err_set(err, ERR_INVALID, SAY(PRODUCTION_OUTSOURCE_NOTHING), NO_ARGS);
    }
    rc = rc < 0 ? rc : operation_get(event->tx, of.operation, &step, err);
    if (rc < 0) {
        return rc;
    }
    int64_t all_u = 0;
    if (__builtin_add_overflow(of.good_u, good_u, &of.good_u) ||
        __builtin_add_overflow(of.bad_u, bad_u, &of.bad_u) ||
        __builtin_add_overflow(of.good_u, of.bad_u, &all_u) || all_u > AMOUNT_MAX_U) {
        return err_set(err, ERR_RANGE, SAY(PRODUCTION_STOCK_RANGE), NO_ARGS);
    }
    int64_t over_u = all_u - of.quantity_u;
    if (over_u > 0) {
        event_warn(event, SAY(PRODUCTION_OUTSOURCE_MORE),
            ARGS(A_STR(event_text(event, "outsourcing")), A_CSTR(AMOUNT(over_u))));
    }
    bool done = over_u >= 0;
    rc = use_materials(event, &of, &step, err);
    rc = rc < 0 ? rc : put_back(event, &of, done ? "done" : "open", err);
    rc = rc < 0 ? rc : operation_count(event, of.operation, good_u, bad_u, err);
    if (rc >= 0 && event_i64(event, "end", 0) != 0) {
        rc = operation_finish(event, of.operation, err);
    }
    return rc >= 0 && done ? answer_left(event, &of, err) : rc;
}

int event_outsource_close(struct event *event, struct err *err) {
    struct outsourcing of;
    int rc = find_open(event, &of, err);
    rc = rc < 0 ? rc : put_back(event, &of, "closed", err);
    return rc < 0 ? rc : answer_left(event, &of, err);
}
