/*
 * Delivery notes and outsourced work: what goes out stands on paper and in the stock alike, what
 * comes back is booked, and material at a partner is used up as the pieces come back.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "production/cost.h"
#include "production/deliveries.h"
#include "tests/production/support_shop.h"

static struct shop shop;

static int64_t number(const char *sql) {
    return place_number(&shop.place, sql);
}

#define LIES(item, place)                                                                          \
    number(                                                                                        \
        "SELECT coalesce(sum(s.quantity_u), 0) FROM stock s JOIN items i ON i.number = s.item "    \
        "JOIN places p ON p.number = s.place WHERE i.code = '" item "' AND p.code = '" place "'")

static int open_shop(void **state) {
    (void)state;
    shop_open(&shop);
    static const char *const ROWS[] = {
        "INSERT INTO partners (number, changed_ns, code, name, kind, business_number, contact, "
        "phone, mail, address, active, note) VALUES (3, 0, 'PAINT', 'Painters', 'outsourcer', '', "
        "'', '', '', '', 1, '')",
        "INSERT INTO processes (number, changed_ns, code, name, kind, active, note) VALUES (1, 0, "
        "'MOULD', 'Moulding', 'own', 1, ''), (2, 0, 'PAINT', 'Painting', 'outsourced', 1, '')",
        "INSERT INTO routings (changed_ns, item, version, step, process, partner, price_u, "
        "valid_from, valid_to, note) VALUES (0, 3, 1, 10, 1, NULL, NULL, '', '', ''), (0, 3, 1, "
        "20, 2, 3, 500000000, '', '', '')",
        "INSERT INTO boms (changed_ns, item, version, line, component, quantity_u, base_u, step, "
        "supply, valid_from, valid_to, note) VALUES (0, 3, 1, 1, 1, 100000, 1000000, 20, 'own', "
        "'', '', '')",
        "INSERT INTO prices (changed_ns, item, kind, partner, valid_from, price_u, note) VALUES "
        "(0, 1, 'sell', NULL, '', 3000000000, ''), (0, 4, 'sell', 2, '', 12500000, '')"};
    for (size_t i = 0; i < sizeof ROWS / sizeof ROWS[0]; i++) {
        place_sql(&shop.place, ROWS[i]);
    }
    SHOP_DONE(&shop, "stock.receive", "item=PELLET", "quantity=50", "lot=P1", "price=2000", NULL);
    SHOP_DONE(&shop, "stock.receive", "item=UNIT", "quantity=100", "lot=U1", NULL);
    SHOP_DONE(&shop, "stock.receive", "item=UNIT", "quantity=40", "lot=U2", NULL);
    return 0;
}

/* Moves add up to stock: behind every test. */
static int close_shop(void **state) {
    (void)state;
    int64_t wrong = number(
        "SELECT count(*) FROM (SELECT item, coalesce(lot, 0) AS l, place, sum(quantity_u) AS q "
        "FROM stock_moves GROUP BY 1, 2, 3) m FULL JOIN stock s ON s.item = m.item AND s.lot = m.l "
        "AND s.place = m.place WHERE coalesce(m.q, 0) <> coalesce(s.quantity_u, 0)");
    shop_close(&shop);
    return wrong == 0 ? 0 : -1;
}

/* ---- Delivery notes ---- */

struct reading {
    struct arena *arena;
    struct str code;
    struct delivery delivery;
    int64_t times;
    struct cost cost;
};

static int read_delivery(struct ledger_tx *tx, void *context, struct err *err) {
    struct reading *reading = context;
    return delivery_get(tx, reading->code, reading->arena, &reading->delivery, err);
}

static int print(struct ledger_tx *tx, void *context, struct err *err) {
    struct reading *reading = context;
    return delivery_printed(tx, reading->code, STR("kim"), &reading->times, err);
}

static void scanned_lots_go_out_with_a_note(void **state) {
    (void)state;
    SHOP_DONE(&shop, "sales.enter", "code=S1", "partner=BETA", "item=UNIT", "quantity=120",
        "due=2023-11-20", "price=12", NULL);
    SHOP_DONE(&shop, "delivery.ship", "sales=S1", "lot=U1", "lot=U2", "quantity=100", "quantity=5",
        "note=gate 2", NULL);
    assert_true(shop_answered(&shop, "\"delivery\":\"DN-231114-1\",\"lines\":2"));
    assert_int_equal(LIES("UNIT", "SHIP"), 35000000);
    assert_int_equal(number("SELECT shipped_u FROM sales_lines"), 105000000);
    assert_int_equal(
        number("SELECT count(*) FROM stock_moves WHERE document = 'DN-231114-1' AND partner = 2"),
        2);
    AUTO_ARENA struct arena arena;
    arena_init(&arena, 0);
    struct reading reading = {.arena = &arena, .code = STR("DN-231114-1")};
    struct err err = ERR_INIT;
    assert_int_equal(ledger_read(shop.place.ledger, read_delivery, &reading, &err), 0);
    assert_int_equal(reading.delivery.line_count, 2);
    assert_string_equal(reading.delivery.partner_name.data, "Beta");
    assert_int_equal(reading.delivery.lines[1].quantity_u, 5000000);
    assert_int_equal(reading.delivery.amount_u, 105 * 12000000LL);
    assert_true(reading.delivery.all_priced);
    for (int64_t i = 1; i <= 3; i++) { // From the second on it is a copy.
        assert_int_equal(ledger_write(shop.place.ledger, print, &reading, &err), 0);
        assert_int_equal(reading.times, i);
    }
}

static void all_of_a_lot_goes_where_nobody_says_how_much(void **state) {
    (void)state;
    SHOP_DONE(&shop, "delivery.ship", "partner=BETA", "lot=U2", NULL);
    assert_int_equal(LIES("UNIT", "SHIP"), 100000000);
    AUTO_ARENA struct arena arena;
    arena_init(&arena, 0);
    struct reading reading = {.arena = &arena, .code = STR("DN-231114-1")};
    struct err err = ERR_INIT;
    assert_int_equal(ledger_read(shop.place.ledger, read_delivery, &reading, &err), 0);
    assert_int_equal(reading.delivery.lines[0].quantity_u, 40000000);
    assert_int_equal(reading.delivery.lines[0].price_u, 12500000); // Of the list, for BETA.
}

static void a_refusal_ships_nothing(void **state) {
    (void)state;
    SHOP_REFUSED(&shop, ERR_INVALID, "delivery.ship", "lot=U1");
    SHOP_REFUSED(&shop, ERR_INVALID, "delivery.ship", "partner=BETA", "lot=U1", "lot=U1");
    SHOP_REFUSED(
        &shop, ERR_INVALID, "delivery.ship", "partner=BETA", "lot=U1", "lot=U2", "quantity=1");
    SHOP_DONE(&shop, "lot.hold", "lot=U2", "why=x", NULL);
    SHOP_REFUSED(&shop, ERR_CONFLICT, "delivery.ship", "partner=BETA", "lot=U1", "lot=U2");
    SHOP_REFUSED(&shop, ERR_CONFLICT, "delivery.ship", "partner=BETA", "lot=U1", "quantity=101");
    assert_int_equal(number("SELECT count(*) FROM deliveries"), 0);
    assert_int_equal(number("SELECT count(*) FROM stock_moves WHERE kind = 'ship'"), 0);
}

static void what_was_shipped_before_gets_a_note_once(void **state) {
    (void)state;
    SHOP_REFUSED(&shop, ERR_CONFLICT, "delivery.collect", "partner=BETA");
    SHOP_DONE(&shop, "stock.ship", "lot=U1", "quantity=10", "partner=BETA", NULL);
    SHOP_DONE(&shop, "stock.ship", "lot=U2", "quantity=4", "partner=BETA", NULL);
    SHOP_DONE(&shop, "stock.ship", "lot=U2", "quantity=1", "partner=ACME", NULL);
    SHOP_DONE(&shop, "delivery.collect", "partner=BETA", NULL);
    assert_true(shop_answered(&shop, "\"delivery\":\"DN-231114-1\",\"lines\":2"));
    SHOP_REFUSED(&shop, ERR_CONFLICT, "delivery.collect", "partner=BETA");
    SHOP_DONE(&shop, "delivery.cancel", "delivery=DN-231114-1", "why=wrong address", NULL);
    SHOP_REFUSED(&shop, ERR_CONFLICT, "delivery.cancel", "delivery=DN-231114-1", "why=again");
    SHOP_REFUSED(&shop, ERR_NOT_FOUND, "delivery.cancel", "delivery=DN-9", "why=x");
    SHOP_DONE(&shop, "delivery.collect", "partner=BETA", NULL);
    assert_true(shop_answered(&shop, "\"delivery\":\"DN-231114-2\",\"lines\":2"));
    struct reading reading = {.code = STR("DN-231114-1")};
    struct err err = ERR_INIT;
    assert_int_equal(ledger_write(shop.place.ledger, print, &reading, &err), -ERR_CONFLICT);
    reading.code = STR("DN-9");
    assert_int_equal(ledger_write(shop.place.ledger, print, &reading, &err), -ERR_NOT_FOUND);
}

/* ---- Outsourcing ---- */

static int read_cost(struct ledger_tx *tx, void *context, struct err *err) {
    struct reading *reading = context;
    return cost_of_order(tx, 1, INT64_MAX, NULL, &reading->cost, err);
}

static struct cost cost(void) {
    struct reading reading = {.times = 0};
    assert_int_equal(ledger_read(shop.place.ledger, read_cost, &reading, NULL), 0);
    return reading.cost;
}

static void make_order(void) {
    SHOP_DONE(&shop, "order.make", "item=CASE", "quantity=100", "due=2023-11-20", "release=1",
        "code=W1", NULL);
    SHOP_DONE(&shop, "made.enter", "operation=W1/10", "good=100", NULL);
}

static void add_place(void) {
    place_sql(&shop.place,
        "INSERT INTO places (number, changed_ns, code, name, kind, partner, active, note) VALUES "
        "(9, 0, 'OUT', 'Painters', 'outside', 3, 1, '')");
}

static void free_material_is_used_as_pieces_come_back(void **state) {
    (void)state;
    make_order();
    SHOP_REFUSED(
        &shop, ERR_CONFLICT, "outsource.send", "operation=W1/20", "quantity=100", "supply=free");
    assert_true(shop_said(&shop, "has no place"));
    add_place();
    SHOP_REFUSED(&shop, ERR_CONFLICT, "outsource.send", "operation=W1/10", "quantity=100");
    // What waits for its inspection does not go to a partner either.
    place_sql(&shop.place,
        "INSERT INTO inspection_plans (number, changed_ns, item, kind, line, name, method, unit, "
        "samples, active, note) VALUES (1, 0, 1, 'incoming', 1, 'Look', 'judged', '', 1, 1, '')");
    SHOP_REFUSED(
        &shop, ERR_CONFLICT, "outsource.send", "operation=W1/20", "quantity=100", "supply=free");
    assert_true(shop_said(&shop, "inspection"));
    place_sql(&shop.place, "UPDATE inspection_plans SET active = 0");
    SHOP_DONE(&shop, "outsource.send", "operation=W1/20", "quantity=100", "supply=free",
        "due=2023-11-18", NULL);
    assert_true(shop_answered(&shop, "\"outsourcing\":\"OS-231114-1\""));
    assert_true(shop_answered(&shop, "\"delivery\":\"DN-231114-1\",\"lines\":1"));
    assert_int_equal(LIES("PELLET", "OUT"), 10000000); // A tenth of a kilogram a piece.
    assert_int_equal(LIES("PELLET", "WH"), 40000000);
    SHOP_DONE(&shop, "outsource.receive", "outsourcing=OS-231114-1", "good=38", "bad=2",
        "document=P-77", NULL);
    assert_int_equal(LIES("PELLET", "OUT"), 6000000);
    assert_int_equal(LIES("PELLET", "WH"), 40000000); // Nothing is taken twice.
    assert_int_equal(LIES("CASE", "FLOOR"), 38000000);
    SHOP_DONE(&shop, "outsource.receive", "outsourcing=OS-231114-1", "good=60", "end=1", NULL);
    assert_int_equal(LIES("PELLET", "OUT"), 0);
    assert_int_equal(LIES("CASE", "FLOOR"), 98000000);
    assert_int_equal(number("SELECT count(*) FROM work_orders WHERE state = 'done'"), 0);
    assert_int_equal(
        number("SELECT count(*) FROM operations WHERE step = 20 AND state = 'done'"), 1);
    assert_int_equal(number("SELECT count(*) FROM outsourcings WHERE state = 'done'"), 1);
    SHOP_REFUSED(&shop, ERR_CONFLICT, "outsource.receive", "outsourcing=OS-231114-1", "good=1");
    assert_int_equal(number("SELECT count(*) FROM lot_links k JOIN lots p ON p.number = k.parent "
                            "WHERE p.code = 'P1' AND k.kind = 'consume'") > 0,
        1);
    assert_int_equal(cost().outsourced_u, 98 * 500000000LL);
    assert_int_equal(cost().material_u, 10 * 2000000000LL);
}

static void charged_material_comes_off_the_price(void **state) {
    (void)state;
    make_order();
    add_place();
    SHOP_DONE(&shop, "outsource.send", "operation=W1/20", "quantity=100", "supply=charged",
        "material=P1", "material_quantity=20", NULL);
    assert_int_equal(number("SELECT price_u FROM delivery_lines"), 3000000000LL);
    SHOP_DONE(&shop, "outsource.receive", "outsourcing=OS-231114-1", "good=50", NULL);
    assert_int_equal(LIES("PELLET", "OUT"), 10000000);
    assert_int_equal(cost().outsourced_u, 50 * 500000000LL - 10 * 3000000000LL);
    assert_int_equal(cost().material_u, 10 * 2000000000LL);
    SHOP_DONE(&shop, "outsource.close", "outsourcing=OS-231114-1", NULL);
    assert_true(shop_answered(&shop, "10 of PELLET stays with the partner"));
    SHOP_DONE(&shop, "stock.transfer", "lot=P1", "place=OUT", "to=WH", NULL);
    assert_int_equal(LIES("PELLET", "WH"), 40000000);
}

static void more_than_the_order_wants_is_told(void **state) {
    (void)state;
    make_order();
    SHOP_DONE(&shop, "outsource.send", "operation=W1/20", "quantity=60", NULL);
    assert_int_equal(number("SELECT count(*) FROM deliveries"), 0); // No material, no note.
    SHOP_DONE(&shop, "outsource.send", "operation=W1/20", "quantity=60", NULL);
    assert_true(shop_answered(&shop, "120 are out or done already, of 100"));
    SHOP_REFUSED(&shop, ERR_INVALID, "outsource.receive", "outsourcing=OS-231114-1");
    SHOP_REFUSED(&shop, ERR_NOT_FOUND, "outsource.receive", "outsourcing=OS-1", "good=1");
    SHOP_DONE(&shop, "outsource.receive", "outsourcing=OS-231114-1", "good=61", NULL);
    assert_true(shop_answered(&shop, "more came back than went out, by 1"));
}

#define SHOP_TEST(name) cmocka_unit_test_setup_teardown(name, open_shop, close_shop)

int main(void) {
    const struct CMUnitTest tests[] = {SHOP_TEST(scanned_lots_go_out_with_a_note),
        SHOP_TEST(all_of_a_lot_goes_where_nobody_says_how_much), SHOP_TEST(a_refusal_ships_nothing),
        SHOP_TEST(what_was_shipped_before_gets_a_note_once),
        SHOP_TEST(free_material_is_used_as_pieces_come_back),
        SHOP_TEST(charged_material_comes_off_the_price),
        SHOP_TEST(more_than_the_order_wants_is_told)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
