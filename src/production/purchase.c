/*
 * Purchases. The plan proposes them anew each time it runs; what was ordered is no proposal any
 * more and is counted as coming. Its quantity is what is still expected: a part that came in is
 * taken off, so that the next plan orders neither too much nor twice.
 */
#include "production/purchase.h"

#include "production/amount.h"
#include "production/sql.h"

struct purchase {
    int64_t item;
    int64_t quantity_u;
    struct str state;
};

static int read_purchase(
    struct event *event, int64_t number, struct purchase *ret_purchase, struct err *err) {
    struct ledger_stmt *stmt = NULL;
    int status = sql_first(event->tx,
        "SELECT item, quantity_u, state FROM purchase_proposals WHERE number = ?1", Q(Q_I(number)),
        &stmt, err);
    if (status == 0) {
        return err_set(err, ERR_NOT_FOUND, SAY(PRODUCTION_PURCHASE_GONE), ARGS(A_INT(number)));
    }
    if (status > 0) {
        *ret_purchase = (struct purchase){ledger_column_i64(stmt, 0), ledger_column_i64(stmt, 1),
            arena_copy(event->arena, ledger_column_str(stmt, 2))};
    }
    return status < 0 ? status : 0;
}

static int state_fault(
    const struct event *event, int64_t number, const struct purchase *purchase, struct err *err) {
    return err_set(err, ERR_CONFLICT, SAY(PRODUCTION_PURCHASE_STATE),
        ARGS(A_INT(number), A_STR(event_state(event, purchase->state))));
}

int event_purchase_order(struct event *event, struct err *err) {
    int status = 0;
    for (uint32_t i = 0; i < event_count(event, "purchase") && status >= 0; i++) {
        struct purchase purchase;
        int64_t number = event_i64_at(event, "purchase", i);
        status = read_purchase(event, number, &purchase, err);
        if (status >= 0 && !str_eq(purchase.state, STR("proposed"))) {
            return state_fault(event, number, &purchase, err);
        }
        status = status < 0 ? status
                            : sql_do(event->tx,
                                  "UPDATE purchase_proposals SET state = 'ordered', partner = "
                                  "coalesce(?2, partner) WHERE number = ?1",
                                  Q(Q_I(number), Q_REF(event_i64(event, "partner", 0))), err);
    }
    return status;
}

int event_purchase_drop(struct event *event, struct err *err) {
    int status = 0;
    for (uint32_t i = 0; i < event_count(event, "purchase") && status >= 0; i++) {
        struct purchase purchase;
        int64_t number = event_i64_at(event, "purchase", i);
        status = read_purchase(event, number, &purchase, err);
        if (status >= 0 && str_eq(purchase.state, STR("received"))) {
            return state_fault(event, number, &purchase, err);
        }
        status = status < 0
                     ? status
                     : sql_do(event->tx,
                           "UPDATE purchase_proposals SET state = 'dropped' WHERE number = ?1",
                           Q(Q_I(number)), err);
    }
    return status;
}

int purchase_receive(
    struct event *event, const struct item_facts *item, int64_t quantity_u, struct err *err) {
    if (!event_has(event, "purchase")) {
        return 0;
    }
    struct purchase purchase;
    int64_t number = event_i64(event, "purchase", 0);
    int status = read_purchase(event, number, &purchase, err);
    if (status < 0) {
        return status;
    }
    if (purchase.item != item->number) {
        return err_set(err, ERR_CONFLICT, SAY(PRODUCTION_PURCHASE_ITEM),
            ARGS(A_INT(number), A_STR(item->code)));
    }
    if (str_eq(purchase.state, STR("received")) || str_eq(purchase.state, STR("dropped"))) {
        return state_fault(event, number, &purchase, err);
    }
    if (quantity_u > purchase.quantity_u) {
        char more[AMOUNT_TEXT_MAX];
        (void)amount_text(quantity_u - purchase.quantity_u, more);
        event_warn(event, SAY(PRODUCTION_PURCHASE_MORE), ARGS(A_INT(number), A_CSTR(more)));
    }
    return quantity_u < purchase.quantity_u
               ? sql_do(event->tx,
                     "UPDATE purchase_proposals SET state = 'ordered', quantity_u = quantity_u - "
                     "?2 WHERE number = ?1",
                     Q(Q_I(number), Q_I(quantity_u)), err)
               : sql_do(event->tx,
                     "UPDATE purchase_proposals SET state = 'received' WHERE number = ?1",
                     Q(Q_I(number)), err);
}
