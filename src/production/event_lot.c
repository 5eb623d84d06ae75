/*
 * Lots as people tell of them: split, merge, mix, rework, hold, release, scrap.
 *
 * A lot that changes becomes another lot with its own number; the links say from what. So a label
 * on a box never comes to mean something else. What is told twice without a key of its own is
 * harmless where the state shows that it was done: a held lot is held again, a scrapped one
 * scrapped again, with a sentence that says so.
 */
#include <string.h>

#include "production/amount.h"
#include "production/lot.h"
#include "production/stock.h"

enum { PARTS_MAX = 100 };

static void put_lot(struct json *json, struct str code, int64_t quantity_u) {
    json_object_begin(json);
    json_put_str(json, "lot", code);
    stock_put_amount(json, "quantity", quantity_u);
    json_object_end(json);
}

/* What goes out of a lot: some, or (0) all of it. */
struct taking {
    const char *kind;
    int64_t place; // 0: wherever it lies; then the first place it was taken from.
    int64_t quantity_u;
    bool any_state;
};

static int take_lot(
    struct event *event, const struct lot_facts *lot, struct taking *taking, struct err *err) {
    struct stock_picks *picks = ARENA_NEW(event->arena, struct stock_picks);
    const struct stock_wish wish = {.move = {.kind = taking->kind,
                                        .item = lot->item,
                                        .lot = lot->number,
                                        .place = taking->place,
                                        .quantity_u = taking->quantity_u,
                                        .price_u = -1},
        .any_state = taking->any_state};
    int status = stock_take(event, &wish, picks, err);
    if (status >= 0) {
        taking->place = picks->count > 0 ? picks->all[0].place : taking->place;
        taking->quantity_u = picks->total_u;
    }
    return status;
}

static int put_in(struct event *event, const char *kind, const struct lot_facts *lot, int64_t place,
    int64_t quantity_u, struct err *err) {
    return stock_move(event,
        &(struct stock_move){.kind = kind,
            .item = lot->item,
            .lot = lot->number,
            .place = place,
            .quantity_u = quantity_u,
            .price_u = -1},
        err);
}

/* ---- Split ---- */

static int split_one(
    struct event *event, const struct lot_facts *lot, uint32_t index, struct err *err) {
    struct taking taking = {.kind = "split",
        .place = event_i64(event, "place", 0),
        .quantity_u = event_i64_at(event, "quantity", index),
        .any_state = true};
    struct lot_facts part;
    const struct lot_wish wish = {
        .facts = {.code = event_count(event, "code") > 0 ? event_text_at(event, "code", index)
                                                         : STR_NONE,
            .item = lot->item,
            .partner = lot->partner,
            .partner_lot = lot->partner_lot,
            .made_ns = lot->made_ns,
            .expires = lot->expires},
        .note = event_text(event, "note")};
    int status = take_lot(event, lot, &taking, err);
    status = status < 0 ? status : lot_make(event, &wish, &part, err);
    status =
        status < 0 ? status : put_in(event, "split", &part, taking.place, taking.quantity_u, err);
    status = status < 0 ? status
                        : lot_link(event,
                              &(struct lot_edge){.parent = lot->number,
                                  .child = part.number,
                                  .kind = "split",
                                  .quantity_u = taking.quantity_u},
                              err);
    if (status >= 0) {
        put_lot(event->answer, part.code, taking.quantity_u);
    }
    return status;
}

int event_lot_split(struct event *event, struct err *err) {
    struct lot_facts lot;
    int status = lot_get(event, event_i64(event, "lot", 0), &lot, err);
    uint32_t count = event_count(event, "quantity");
    if (status >= 0 && event_count(event, "code") > 0) {
        status = event_lists_match(event, "quantity", "code", err);
    }
    status = status < 0 ? status : lot_check_scrapped(&lot, err);
    if (status >= 0 && lot.made_ns == 0) {
        status = lot_check(event, &lot, err);
    }
    if (status >= 0 && count > PARTS_MAX) {
        status = err_set(err, ERR_LIMIT, SAY(PRODUCTION_LOT_PARTS), ARGS(A_INT(PARTS_MAX)));
    }
    if (status < 0) {
        return status;
    }
    json_key(event->answer, "lots");
    json_array_begin(event->answer);
    for (uint32_t i = 0; i < count && status >= 0; i++) {
        status = split_one(event, &lot, i, err);
    }
    json_array_end(event->answer);
    return status;
}

/* ---- Merge and mix ---- */

struct joining {
    const char *kind; // Of links and moves.
    int64_t item;     // Of the new lot; 0: that of the lots.
    int64_t place;    // Where it lies then; 0: where the first lay.
    int64_t total_u;
    struct lot_facts all[PARTS_MAX];
    int64_t taken_u[PARTS_MAX];
    uint32_t count;
};

static int check_parts(struct event *event, struct joining *joining, struct err *err) {
    int status = 0;
    for (uint32_t i = 0; i < joining->count && status >= 0; i++) {
        struct lot_facts *lot = &joining->all[i];
        status = lot_get(event, event_i64_at(event, "lot", i), lot, err);
        for (uint32_t k = 0; k < i && status >= 0; k++) {
            if (joining->all[k].number == lot->number) {
                status =
                    err_set(err, ERR_INVALID, SAY(PRODUCTION_LOT_DOUBLE), ARGS(A_STR(lot->code)));
            }
        }
        if (status >= 0 && joining->item == 0 && lot->item != joining->all[0].item) {
            status = err_set(err, ERR_CONFLICT, SAY(PRODUCTION_LOT_MIXED),
                ARGS(A_STR(lot->code), A_STR(joining->all[0].code)));
        }
    }
    return status;
}

static int take_parts(struct event *event, struct joining *joining, struct err *err) {
    int status = 0;
    bool given = event_count(event, "quantity") > 0;
    for (uint32_t i = 0; i < joining->count && status >= 0; i++) {
        struct taking taking = {
            .kind = joining->kind, .quantity_u = given ? event_i64_at(event, "quantity", i) : 0};
        status = take_lot(event, &joining->all[i], &taking, err);
        joining->taken_u[i] = taking.quantity_u;
        joining->place = joining->place != 0 ? joining->place : taking.place;
        if (status >= 0 &&
            __builtin_add_overflow(joining->total_u, joining->taken_u[i], &joining->total_u)) {
            status = err_set(err, ERR_RANGE, SAY(PRODUCTION_STOCK_RANGE), NO_ARGS);
        }
    }
    return status;
}

/* The earliest day on which one of them expires. */
static struct str first_expiry(const struct joining *joining) {
    struct str first = STR_NONE;
    for (uint32_t i = 0; i < joining->count; i++) {
        struct str expires = joining->all[i].expires;
        if (expires.size > 0 && (first.size == 0 || str_cmp(expires, first) < 0)) {
            first = expires;
        }
    }
    return first;
}

static int join_lots(
    struct event *event, struct joining *joining, int64_t output_u, struct err *err) {
    struct lot_facts made;
    int status = check_parts(event, joining, err);
    status = status < 0 ? status : take_parts(event, joining, err);
    if (status < 0) {
        return status;
    }
    const struct lot_wish wish = {
        .facts = {.code = event_text(event, "code"),
            .item = joining->item != 0 ? joining->item : joining->all[0].item,
            .made_ns = event->time_ns,
            .expires = first_expiry(joining)},
        .note = event_text(event, "note")};
    int64_t quantity_u = output_u != 0 ? output_u : joining->total_u;
    status = lot_make(event, &wish, &made, err);
    status =
        status < 0 ? status : put_in(event, joining->kind, &made, joining->place, quantity_u, err);
    for (uint32_t i = 0; i < joining->count && status >= 0; i++) {
        status = lot_link(event,
            &(struct lot_edge){.parent = joining->all[i].number,
                .child = made.number,
                .kind = joining->kind,
                .quantity_u = joining->taken_u[i]},
            err);
    }
    if (status >= 0) {
        json_put_str(event->answer, "lot", made.code);
        stock_put_amount(event->answer, "quantity", quantity_u);
    }
    return status;
}

static int begin_join(
    struct event *event, const char *kind, struct joining **ret_joining, struct err *err) {
    uint32_t count = event_count(event, "lot");
    if (count > PARTS_MAX) {
        return err_set(err, ERR_LIMIT, SAY(PRODUCTION_LOT_PARTS), ARGS(A_INT(PARTS_MAX)));
    }
    if (count < 2) {
        return err_set(err, ERR_INVALID, SAY(PRODUCTION_LOT_TWO), NO_ARGS);
    }
    struct joining *joining = ARENA_NEW(event->arena, struct joining);
    joining->kind = kind;
    joining->count = count;
    joining->place = event_i64(event, "place", 0);
    *ret_joining = joining;
    return event_count(event, "quantity") > 0 ? event_lists_match(event, "lot", "quantity", err)
                                              : 0;
}

int event_lot_merge(struct event *event, struct err *err) {
    struct joining *joining = NULL;
    int status = begin_join(event, "merge", &joining, err);
    return status < 0 ? status : join_lots(event, joining, 0, err);
}

static int check_by_lot(struct event *event, int64_t item, struct err *err) {
    struct item_facts facts;
    int status = item_get(event, item, &facts, err);
    return status < 0 || facts.by_lot
               ? status
               : err_set(err, ERR_INVALID, SAY(PRODUCTION_STOCK_NO_LOTS), ARGS(A_STR(facts.code)));
}

int event_lot_mix(struct event *event, struct err *err) {
    struct joining *joining = NULL;
    int64_t item = event_i64(event, "item", 0);
    int status = check_by_lot(event, item, err);
    status = status < 0 ? status : begin_join(event, "mix", &joining, err);
    if (status < 0) {
        return status;
    }
    joining->item = item;
    return join_lots(event, joining, event_i64(event, "output", 0), err);
}

/* ---- Rework ---- */

int event_lot_rework(struct event *event, struct err *err) {
    struct lot_facts lot;
    struct lot_facts made;
    struct taking taking = {
        .kind = "rework", .quantity_u = event_i64(event, "quantity", 0), .any_state = true};
    int status = lot_get(event, event_i64(event, "lot", 0), &lot, err);
    status = status < 0 ? status : lot_check_scrapped(&lot, err);
    int64_t item = status < 0 ? 0 : event_i64(event, "item", lot.item);
    status = status < 0 ? status : check_by_lot(event, item, err);
    status = status < 0 ? status : take_lot(event, &lot, &taking, err);
    if (status < 0) {
        return status;
    }
    int64_t output_u = event_i64(event, "output", taking.quantity_u);
    const struct lot_wish wish = {.facts = {.code = event_text(event, "code"),
                                      .item = item,
                                      .partner = lot.partner,
                                      .partner_lot = lot.partner_lot,
                                      .made_ns = event->time_ns,
                                      .expires = lot.expires},
        .note = event_text(event, "note")};
    status = lot_make(event, &wish, &made, err);
    status = status < 0 ? status
                        : put_in(event, "rework", &made, event_i64(event, "place", taking.place),
                              output_u, err);
    status = status < 0 ? status
                        : lot_link(event,
                              &(struct lot_edge){.parent = lot.number,
                                  .child = made.number,
                                  .kind = "rework",
                                  .quantity_u = taking.quantity_u},
                              err);
    if (status >= 0) {
        json_put_str(event->answer, "lot", made.code);
        stock_put_amount(event->answer, "quantity", output_u);
    }
    return status;
}

/* ---- Hold and release ---- */

int event_lot_hold(struct event *event, struct err *err) {
    struct lot_facts lot;
    int64_t held = 0;
    int status = lot_get(event, event_i64(event, "lot", 0), &lot, err);
    status = status < 0 ? status : lot_hold(event, &lot, 0, event_text(event, "why"), &held, err);
    if (status >= 0 && held == 0) {
        event_warn(event, SAY(PRODUCTION_LOT_HELD_BEFORE), ARGS(A_STR(lot.code)));
    }
    json_put_i64(event->answer, "held", held);
    return status;
}

/* 1: the lot itself was held; 0: it is held because of others, or not at all. */
static int holds_itself(struct event *event, int64_t lot, struct err *err) {
    struct ledger_stmt *stmt = NULL;
    int status = ledger_prepare(
        event->tx, "SELECT 1 FROM lot_holds WHERE lot = ?1 AND cause = ?1", &stmt, err);
    if (status < 0) {
        return status;
    }
    ledger_bind_i64(stmt, 1, lot);
    return ledger_step(stmt, err);
}

int event_lot_release(struct event *event, struct err *err) {
    struct lot_facts lot;
    int64_t freed = 0;
    int status = lot_get(event, event_i64(event, "lot", 0), &lot, err);
    if (status < 0) {
        return status;
    }
    if (event_i64(event, "alone", 0) != 0) {
        freed = str_eq(lot.state, STR("held"));
        status = lot_release_alone(event, lot.number, err);
    } else {
        int itself = holds_itself(event, lot.number, err);
        if (itself == 0 && str_eq(lot.state, STR("held"))) {
            return err_set(err, ERR_CONFLICT, SAY(PRODUCTION_LOT_HELD_BY),
                ARGS(A_STR(lot.code), A_STR(lot.hold)));
        }
        status = itself <= 0 ? itself : lot_release(event, lot.number, -1, &freed, err);
        if (itself == 0) {
            event_warn(event, SAY(PRODUCTION_LOT_NOT_HELD), ARGS(A_STR(lot.code)));
        }
    }
    struct lot_facts now;
    status = status < 0 ? status : lot_get(event, lot.number, &now, err);
    if (status >= 0 && str_eq(now.state, STR("held"))) {
        event_warn(event, SAY(PRODUCTION_LOT_STILL), ARGS(A_STR(lot.code), A_STR(now.hold)));
    }
    json_put_i64(event->answer, "freed", freed);
    return status;
}

/* ---- Scrap ---- */

static int has_stock(struct event *event, int64_t lot, struct err *err) {
    struct ledger_stmt *stmt = NULL;
    int status = ledger_prepare(
        event->tx, "SELECT 1 FROM stock WHERE lot = ?1 AND quantity_u > 0", &stmt, err);
    if (status < 0) {
        return status;
    }
    ledger_bind_i64(stmt, 1, lot);
    return ledger_step(stmt, err);
}

int event_lot_scrap(struct event *event, struct err *err) {
    struct lot_facts lot;
    struct taking taking = {.kind = "scrap", .any_state = true};
    int status = lot_get(event, event_i64(event, "lot", 0), &lot, err);
    if (status >= 0 && str_eq(lot.state, STR("scrapped"))) {
        event_warn(event, SAY(PRODUCTION_LOT_SCRAPPED_BEFORE), ARGS(A_STR(lot.code)));
    }
    status = status < 0 ? status : has_stock(event, lot.number, err);
    if (status > 0) {
        status = take_lot(event, &lot, &taking, err);
    }
    struct ledger_stmt *stmt = NULL;
    status = status < 0 ? status
                        : ledger_prepare(event->tx,
                              "UPDATE lots SET state = 'scrapped' WHERE number = ?1", &stmt, err);
    if (status < 0) {
        return status;
    }
    ledger_bind_i64(stmt, 1, lot.number);
    status = ledger_step(stmt, err);
    stock_put_amount(event->answer, "scrapped", taking.quantity_u);
    return status;
}
