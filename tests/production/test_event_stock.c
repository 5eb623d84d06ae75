/*
 * Stock as people tell it: every change a move, the balance beside it, the oldest first, and
 * sentences where something must not be.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "core/random.h"
#include "tests/production/support_shop.h"

static struct shop shop;

static int open_shop(void **state) {
    (void)state;
    shop_open(&shop);
    return 0;
}

/* Moves add up to stock, and a balance of nothing has no row: behind every test. */
static int close_shop(void **state) {
    (void)state;
    int64_t wrong = place_number(&shop.place,
        "SELECT count(*) FROM (SELECT item, coalesce(lot, 0) AS l, place, sum(quantity_u) AS q "
        "FROM "
        "stock_moves GROUP BY 1, 2, 3) m FULL JOIN stock s ON s.item = m.item AND s.lot = m.l AND "
        "s.place = m.place WHERE coalesce(m.q, 0) <> coalesce(s.quantity_u, 0) OR s.quantity_u = "
        "0");
    shop_close(&shop);
    return wrong == 0 ? 0 : -1;
}

static int64_t number(const char *sql) {
    return place_number(&shop.place, sql);
}

#define SUM(where) number("SELECT coalesce(sum(quantity_u), 0) FROM stock WHERE " where)

static void a_receipt_makes_a_lot_with_its_own_number(void **state) {
    (void)state;
    SHOP_DONE(&shop, "stock.receive", "item=PELLET", "quantity=25.5", "partner=ACME",
        "partner_lot=A77", "price=2100", "document=DN-1", NULL);
    assert_true(shop_answered(&shop, "\"lot\":\"231114-001\",\"place\":\"WH\",\"quantity\":25.5"));
    assert_int_equal(SUM("item = 1 AND place = 1"), 25500000);
    assert_int_equal(number("SELECT count(*) FROM lots WHERE state = 'open' AND expires = "
                            "'2023-11-24' AND partner_lot = 'A77'"),
        1);
    SHOP_DONE(&shop, "stock.receive", "item=PELLET", "quantity=1", "partner=ACME",
        "partner_lot=A77", "made=2023-11-10", NULL);
    assert_true(shop_answered(&shop, "came in before as 231114-001"));
    assert_int_equal(number("SELECT count(*) FROM lots WHERE code = '231114-002' AND expires = "
                            "'2023-11-20'"),
        1);
    SHOP_DONE(&shop, "stock.receive", "item=PELLET", "quantity=1", "lot=MY-1", NULL);
    SHOP_REFUSED(&shop, ERR_EXISTS, "stock.receive", "item=PELLET", "quantity=1", "lot=MY-1");
    assert_true(shop_said(&shop, "nothing is to be done"));
    SHOP_DONE(&shop, "stock.receive", "item=GREASE", "quantity=1", NULL);
    SHOP_REFUSED(&shop, ERR_INVALID, "stock.receive", "item=GREASE", "quantity=1", "lot=G");
    SHOP_REFUSED(&shop, ERR_INVALID, "stock.receive", "item=PELLET", "quantity=0");
    SHOP_REFUSED(&shop, ERR_INVALID, "stock.receive", "item=PELLET", "quantity=-3");
    SHOP_REFUSED(&shop, ERR_INVALID, "stock.receive", "item=PELLET", "quantity=1e13");
}

static void the_oldest_that_may_be_used_goes_first(void **state) {
    (void)state;
    SHOP_DONE(&shop, "stock.receive", "item=PELLET", "quantity=10", "lot=NEW", NULL);
    SHOP_DONE(
        &shop, "stock.receive", "item=PELLET", "quantity=10", "lot=OLD", "made=2023-11-12", NULL);
    SHOP_DONE(
        &shop, "stock.receive", "item=PELLET", "quantity=10", "lot=BAD", "made=2023-11-11", NULL);
    SHOP_DONE(&shop, "stock.receive", "item=PELLET", "quantity=10", "lot=STALE", "made=2023-11-01",
        "expires=2023-11-13", NULL);
    SHOP_DONE(&shop, "lot.hold", "lot=BAD", "why=wet", NULL);
    SHOP_DONE(&shop, "stock.issue", "item=PELLET", "quantity=12", NULL);
    assert_true(shop_answered(&shop, "[{\"lot\":\"OLD\",\"place\":\"WH\",\"quantity\":10},"
                                     "{\"lot\":\"NEW\",\"place\":\"WH\",\"quantity\":2}]"));
    SHOP_REFUSED(&shop, ERR_CONFLICT, "stock.issue", "item=PELLET", "quantity=9");
    assert_true(shop_said(&shop, "8 to take, but 9"));
    SHOP_REFUSED(&shop, ERR_CONFLICT, "stock.issue", "lot=BAD", "quantity=1");
    assert_true(shop_said(&shop, "held (wet)"));
    SHOP_REFUSED(&shop, ERR_CONFLICT, "stock.ship", "lot=STALE", "quantity=1");
    assert_true(shop_said(&shop, "expired on 2023-11-13"));
    SHOP_REFUSED(&shop, ERR_CONFLICT, "stock.issue", "lot=NEW", "item=CASE", "quantity=1");
    assert_true(shop_said(&shop, "lot NEW holds PELLET, but CASE is wanted"));
    SHOP_REFUSED(&shop, ERR_INVALID, "stock.issue", "quantity=1");
    assert_int_equal(SUM("item = 1"), 28000000);
}

static void a_lot_that_is_used_up_says_so(void **state) {
    (void)state;
    SHOP_DONE(&shop, "stock.receive", "item=PELLET", "quantity=3", "lot=A", NULL);
    SHOP_DONE(&shop, "stock.issue", "lot=A", "quantity=3", NULL);
    SHOP_REFUSED(&shop, ERR_CONFLICT, "stock.issue", "lot=A", "quantity=1");
    assert_true(shop_said(&shop, "nothing of lot A is left"));
    SHOP_REFUSED(&shop, ERR_CONFLICT, "stock.transfer", "lot=A", "to=FLOOR");
    assert_true(shop_said(&shop, "scan another lot"));
}

static void more_than_there_is_goes_by_the_plants_rule(void **state) {
    (void)state;
    SHOP_DONE(&shop, "stock.receive", "item=PELLET", "quantity=3", "lot=A", NULL);
    SHOP_REFUSED(&shop, ERR_CONFLICT, "stock.issue", "lot=A", "quantity=5", "place=WH");
    assert_true(shop_said(&shop, "of A there are 3 at WH, but 5 are wanted"));
    assert_int_equal(SUM("item = 1"), 3000000);
    SHOP_DONE(&shop, "stock.rules", "negative_stock=warn", NULL);
    SHOP_DONE(&shop, "stock.issue", "lot=A", "quantity=5", "place=WH", NULL);
    assert_true(shop_answered(&shop, "of A there are -2 at WH now"));
    assert_int_equal(SUM("item = 1"), -2000000);
    SHOP_DONE(&shop, "stock.count", "lot=A", "place=WH", "quantity=1", NULL);
    assert_true(shop_answered(&shop, "\"before\":-2,\"difference\":3"));
    assert_int_equal(SUM("item = 1"), 1000000);
}

static void rules_are_for_those_who_manage(void **state) {
    (void)state;
    shop.manages = false;
    SHOP_REFUSED(&shop, ERR_FORBIDDEN, "stock.rules", "negative_stock=warn");
    shop.manages = true;
    SHOP_REFUSED(&shop, ERR_INVALID, "stock.rules", "lot_pattern=L-{day}-{counter}");
    SHOP_REFUSED(&shop, ERR_INVALID, "stock.rules", "lot_pattern=L-{date}");
    SHOP_REFUSED(&shop, ERR_INVALID, "stock.rules", "lot_pattern={counter}-L");
    SHOP_DONE(&shop, "stock.rules", "lot_pattern={item}/{date}.{counter:5}", NULL);
    SHOP_DONE(&shop, "stock.receive", "item=PELLET", "quantity=3", NULL);
    assert_true(shop_answered(&shop, "\"lot\":\"PELLET/231114.00001\""));
    SHOP_DONE(&shop, "stock.receive", "item=CASE", "quantity=3", NULL);
    assert_true(shop_answered(&shop, "\"lot\":\"CASE/231114.00001\""));
}

static void counters_of_lots_go_on_behind_their_digits(void **state) {
    (void)state;
    SHOP_DONE(&shop, "stock.receive", "item=PELLET", "quantity=3", "lot=231114-999", NULL);
    SHOP_DONE(&shop, "stock.receive", "item=PELLET", "quantity=3", "lot=231114-A", NULL);
    SHOP_DONE(&shop, "stock.receive", "item=PELLET", "quantity=3", NULL);
    assert_true(shop_answered(&shop, "\"lot\":\"231114-1000\""));
    SHOP_DONE(&shop, "stock.receive", "item=PELLET", "quantity=3", "sure=1", NULL);
    assert_true(shop_answered(&shop, "\"lot\":\"231114-1001\""));
}

static void a_transfer_takes_away_here_and_puts_there(void **state) {
    (void)state;
    SHOP_DONE(&shop, "stock.receive", "item=PELLET", "quantity=10", "lot=A", NULL);
    SHOP_DONE(&shop, "stock.transfer", "lot=A", "quantity=4", "to=FLOOR", NULL);
    assert_int_equal(SUM("place = 2"), 4000000);
    SHOP_DONE(&shop, "stock.transfer", "lot=A", "place=WH", "to=FLOOR", NULL); // All that is left.
    assert_int_equal(SUM("place = 2"), 10000000);
    assert_int_equal(number("SELECT count(*) FROM stock"), 1);
    SHOP_REFUSED(&shop, ERR_INVALID, "stock.transfer", "lot=A", "place=FLOOR", "to=FLOOR");
    SHOP_DONE(&shop, "lot.hold", "lot=A", "why=black spots", NULL);
    SHOP_REFUSED(&shop, ERR_CONFLICT, "stock.transfer", "lot=A", "to=WH");
    SHOP_DONE(&shop, "stock.transfer", "lot=A", "to=BAD", NULL); // Held lots may be put aside.
    assert_int_equal(SUM("place = 4"), 10000000);
}

static void what_goes_to_an_outsourcer_is_supply(void **state) {
    (void)state;
    place_sql(&shop.place, "INSERT INTO places (number, changed_ns, code, name, kind, partner, "
                           "active, note) VALUES (9, 0, 'OUT', 'Plating', 'outside', 1, 1, '')");
    SHOP_DONE(&shop, "stock.receive", "item=CASE", "quantity=10", "lot=C", NULL);
    SHOP_DONE(&shop, "stock.transfer", "lot=C", "quantity=4", "to=OUT", "document=S-1", NULL);
    SHOP_DONE(&shop, "stock.transfer", "lot=C", "quantity=3", "place=OUT", "to=WH", NULL);
    assert_int_equal(
        number("SELECT count(*) FROM stock_moves WHERE kind = 'supply' AND partner = 1"), 4);
    SHOP_REFUSED(&shop, ERR_CONFLICT, "stock.issue", "item=CASE", "quantity=10");
    SHOP_DONE(&shop, "stock.issue", "item=CASE", "quantity=9", NULL); // Not what is outside.
}

static void counts_book_the_difference(void **state) {
    (void)state;
    SHOP_DONE(&shop, "stock.receive", "item=GREASE", "quantity=10", NULL);
    SHOP_DONE(&shop, "stock.count", "item=GREASE", "place=WH", "quantity=9.25", NULL);
    assert_true(shop_answered(&shop, "\"difference\":-0.75"));
    SHOP_DONE(&shop, "stock.count", "item=GREASE", "place=WH", "quantity=9.25", NULL);
    assert_int_equal(number("SELECT count(*) FROM stock_moves WHERE kind = 'count'"), 1);
    SHOP_DONE(&shop, "stock.count", "item=GREASE", "place=WH", "quantity=0", NULL);
    assert_int_equal(number("SELECT count(*) FROM stock"), 0);
    SHOP_REFUSED(&shop, ERR_INVALID, "stock.count", "item=PELLET", "place=WH", "quantity=1");
    assert_true(shop_said(&shop, "scan the lot"));
}

static void receipts_that_look_wrong_are_done_and_said(void **state) {
    (void)state;
    for (int i = 0; i < 5; i++) {
        SHOP_DONE(&shop, "stock.receive", "item=PELLET", "quantity=25", "sure=1", NULL);
    }
    SHOP_DONE(&shop, "stock.receive", "item=PELLET", "quantity=250", "document=D1", "sure=1", NULL);
    assert_true(shop_answered(&shop, "\"warnings\":[]"));
    SHOP_DONE(&shop, "stock.receive", "item=PELLET", "quantity=250", "document=D1", "sure=1", NULL);
    assert_true(shop_answered(&shop, "supplier's note D1 was entered before"));
    SHOP_DONE(&shop, "stock.receive", "item=PELLET", "quantity=25000", "sure=1", NULL); // Grams.
    assert_true(shop_answered(&shop, "25000 is far from what came in before (25 to 250)"));
    SHOP_DONE(&shop, "stock.receive", "item=PELLET", "quantity=0.025", "sure=1", NULL);
    assert_true(shop_answered(&shop, "far from what came in"));
}

static void goods_are_known_by_their_bar_code(void **state) {
    (void)state;
    place_sql(&shop.place, "UPDATE items SET gtin = '8801234567893' WHERE number = 2");
    SHOP_DONE(&shop, "stock.receive", "item=8801234567893", "quantity=2", NULL);
    assert_int_equal(SUM("item = 2"), 2000000);
    SHOP_REFUSED(&shop, ERR_NOT_FOUND, "stock.receive", "item=8801234567894", "quantity=2");
}

static void a_receipt_is_taken_off_its_purchase(void **state) {
    (void)state;
    place_sql(&shop.place, "INSERT INTO purchase_proposals (number, item, quantity_u, due, state, "
                           "created_ns) VALUES (1, 1, 100000000, '2023-12-01', 'proposed', 0), (2, "
                           "1, 5000000, '2023-12-01', 'proposed', 0)");
    SHOP_DONE(&shop, "purchase.order", "purchase=1", "partner=ACME", NULL);
    SHOP_REFUSED(&shop, ERR_CONFLICT, "purchase.order", "purchase=2", "purchase=1");
    assert_int_equal(number("SELECT count(*) FROM purchase_proposals WHERE state = 'proposed'"), 1);
    SHOP_DONE(&shop, "stock.receive", "item=PELLET", "quantity=60", "purchase=1", NULL);
    assert_int_equal(
        number("SELECT quantity_u FROM purchase_proposals WHERE state = 'ordered'"), 40000000);
    SHOP_REFUSED(&shop, ERR_CONFLICT, "stock.receive", "item=CASE", "quantity=1", "purchase=1");
    SHOP_DONE(&shop, "stock.receive", "item=PELLET", "quantity=41", "purchase=1", NULL);
    assert_true(shop_answered(&shop, "1 more came in"));
    SHOP_REFUSED(&shop, ERR_CONFLICT, "stock.receive", "item=PELLET", "quantity=1", "purchase=1");
    assert_true(shop_said(&shop, "received already"));
    SHOP_DONE(&shop, "purchase.drop", "purchase=2", NULL);
    SHOP_REFUSED(&shop, ERR_CONFLICT, "stock.receive", "item=PELLET", "quantity=1", "purchase=2");
    SHOP_REFUSED(&shop, ERR_NOT_FOUND, "purchase.drop", "purchase=9");
}

static void make_sales(void) {
    place_sql(&shop.place,
        "INSERT INTO sales_orders (number, code, partner, ordered, state, note, created_ns, actor) "
        "VALUES (1, 'SO-1', 2, '2023-11-01', 'open', '', 0, 'x')");
    place_sql(&shop.place, "INSERT INTO sales_lines (number, sales, line, item, quantity_u, due, "
                           "shipped_u) VALUES (1, 1, 1, 4, 100000000, '2023-11-30', 0)");
}

static void shipments_are_booked_on_the_sales_order(void **state) {
    (void)state;
    make_sales();
    SHOP_DONE(&shop, "stock.receive", "item=UNIT", "quantity=150", "lot=U", NULL);
    SHOP_DONE(&shop, "stock.ship", "item=UNIT", "quantity=60", "sales=SO-1", "document=D-9", NULL);
    assert_int_equal(number("SELECT shipped_u FROM sales_lines"), 60000000);
    assert_int_equal(number("SELECT count(*) FROM stock_moves WHERE kind = 'ship' AND partner = 2 "
                            "AND sales_line = 1 AND document = 'D-9'"),
        1);
    SHOP_DONE(&shop, "stock.ship", "lot=U", "quantity=50", "sales=SO-1", "line=1", NULL);
    assert_true(shop_answered(&shop, "10 more were shipped than ordered"));
    assert_int_equal(number("SELECT count(*) FROM sales_orders WHERE state = 'done'"), 1);
    SHOP_DONE(&shop, "stock.return", "lot=U", "quantity=15", "sales=SO-1", NULL);
    assert_true(shop_answered(&shop, "SO-1 is open again"));
    assert_int_equal(number("SELECT shipped_u FROM sales_lines"), 95000000);
    SHOP_REFUSED(&shop, ERR_CONFLICT, "stock.return", "lot=U", "quantity=96", "sales=SO-1");
    SHOP_REFUSED(
        &shop, ERR_CONFLICT, "stock.ship", "lot=U", "quantity=1", "sales=SO-1", "partner=ACME");
    SHOP_REFUSED(&shop, ERR_CONFLICT, "stock.ship", "lot=U", "quantity=1", "sales=SO-1", "line=2");
    SHOP_REFUSED(&shop, ERR_CONFLICT, "stock.ship", "lot=U", "quantity=56");
    assert_int_equal(SUM("item = 4"), 55000000);
    SHOP_DONE(&shop, "stock.return", "lot=U", "quantity=96", NULL);
    assert_true(shop_answered(&shop, "of lot U only 95 are with customers"));
}

static void a_sales_order_follows_what_the_customer_says(void **state) {
    (void)state;
    make_sales();
    SHOP_DONE(&shop, "stock.receive", "item=UNIT", "quantity=150", "lot=U", NULL);
    SHOP_DONE(&shop, "stock.ship", "lot=U", "quantity=60", "sales=SO-1", NULL);
    SHOP_REFUSED(&shop, ERR_CONFLICT, "sales.change", "sales=SO-1", "quantity=59");
    assert_true(shop_said(&shop, "60 of that line were sent already"));
    SHOP_REFUSED(&shop, ERR_INVALID, "sales.change", "sales=SO-1", "line=2", "quantity=80");
    SHOP_DONE(&shop, "sales.change", "sales=SO-1", "due=2023-12-24", "price=1200", NULL);
    assert_int_equal(number("SELECT count(*) FROM sales_lines WHERE due = '2023-12-24' AND price_u "
                            "= 1200000000 AND quantity_u = 100000000"),
        1);
    SHOP_DONE(&shop, "sales.change", "sales=SO-1", "quantity=60", NULL); // Forty are waived.
    assert_int_equal(number("SELECT count(*) FROM sales_orders WHERE state = 'done'"), 1);
    SHOP_REFUSED(&shop, ERR_CONFLICT, "sales.change", "sales=SO-1", "quantity=90");
    assert_true(shop_said(&shop, "SO-1 is done"));
    // One that somebody closed stays closed, whatever comes back.
    place_sql(&shop.place, "UPDATE sales_lines SET quantity_u = 100000000");
    SHOP_DONE(&shop, "stock.return", "lot=U", "quantity=5", "sales=SO-1", NULL);
    assert_int_equal(number("SELECT count(*) FROM sales_orders WHERE state = 'done'"), 1);
}

static void a_scrapped_lot_does_not_come_back_by_another_name(void **state) {
    (void)state;
    SHOP_DONE(&shop, "stock.receive", "item=UNIT", "quantity=50", "lot=U", NULL);
    SHOP_DONE(&shop, "stock.ship", "lot=U", "quantity=10", NULL);
    SHOP_DONE(&shop, "lot.scrap", "lot=U", NULL);
    SHOP_REFUSED(&shop, ERR_CONFLICT, "stock.return", "lot=U", "quantity=10");
    assert_true(shop_said(&shop, "place for quarantine or scrap"));
    SHOP_DONE(&shop, "stock.return", "lot=U", "quantity=10", "place=BAD", NULL);
    SHOP_REFUSED(&shop, ERR_CONFLICT, "lot.split", "lot=U", "quantity=5");
    SHOP_REFUSED(&shop, ERR_CONFLICT, "lot.rework", "lot=U", "quantity=5");
    assert_true(shop_said(&shop, "was scrapped"));
}

/* A terminal that had no network may tell of the day before; nobody turns the clock back a week. */
static void an_old_day_does_not_make_a_lot_good(void **state) {
    (void)state;
    SHOP_DONE(
        &shop, "stock.receive", "item=PELLET", "quantity=50", "lot=A", "expires=2023-11-14", NULL);
    shop.place.clock.wall_ns += 8 * 3600 * NS_PER_S; // The next morning.
    SHOP_REFUSED(&shop, ERR_CONFLICT, "stock.issue", "lot=A", "quantity=1");
    SHOP_DONE(&shop, "stock.issue", "lot=A", "quantity=1", "time=2023-11-14T23:00:00Z", NULL);
    assert_true(shop_answered(&shop, "expired on 2023-11-14"));
    shop.place.clock.wall_ns += 7 * 86400 * NS_PER_S;
    shop.manages = false;
    SHOP_REFUSED(
        &shop, ERR_CONFLICT, "stock.issue", "lot=A", "quantity=1", "time=2023-11-14T23:00:00Z");
    shop.manages = true;
    SHOP_DONE(&shop, "stock.issue", "lot=A", "quantity=1", "time=2023-11-14T23:00:00Z", NULL);
}

static void make_order(const char *state) {
    char sql[400];
    (void)snprintf(sql, sizeof sql,
        "INSERT INTO work_orders (number, code, item, quantity_u, due, priority, state, "
        "state_before, lot, note, created_ns, actor, proposed) VALUES (1, 'WO-1', 4, 1, "
        "'2023-11-30', 5, "
        "'%s', '', (SELECT number FROM lots WHERE code = 'OUT'), '', 0, 'x', 0)",
        state);
    place_sql(&shop.place, "INSERT INTO lots (code, item, state, partner_lot, expires, hold, note, "
                           "created_ns, actor) VALUES ('OUT', 4, 'planned', '', '', '', '', 0, "
                           "'x')");
    place_sql(&shop.place, sql);
    place_sql(&shop.place, "INSERT INTO processes (number, changed_ns, code, name, kind, active, "
                           "note) VALUES (1, 0, 'P', 'P', 'own', 1, '')");
    place_sql(&shop.place, "INSERT INTO operations (number, work_order, step, process, state) "
                           "VALUES (1, 1, 10, 1, 'waiting'), (2, 1, 20, 1, 'waiting')");
    place_sql(&shop.place, "INSERT INTO boms (number, changed_ns, item, version, line, component, "
                           "quantity_u, base_u, supply, valid_from, valid_to, note) VALUES (1, 0, "
                           "4, 1, 1, 1, 1000000, 1000000, 'own', '', '', '')");
}

static void what_is_issued_to_work_goes_into_its_lot(void **state) {
    (void)state;
    make_order("released");
    SHOP_DONE(&shop, "stock.receive", "item=PELLET", "quantity=10", "lot=A", NULL);
    SHOP_DONE(&shop, "stock.receive", "item=CASE", "quantity=10", "lot=C", NULL);
    SHOP_DONE(&shop, "stock.issue", "lot=A", "quantity=4", "order=WO-1", NULL);
    assert_int_equal(number("SELECT count(*) FROM lot_links WHERE kind = 'consume' AND quantity_u "
                            "= 4000000"),
        1);
    assert_int_equal(
        number("SELECT count(*) FROM stock_moves WHERE kind = 'consume' AND work_order = 1 AND "
               "operation = 1"),
        1);
    place_sql(&shop.place, "UPDATE boms SET step = 20"); // Taken by the step of the bill.
    SHOP_DONE(&shop, "stock.issue", "lot=A", "quantity=1", "order=WO-1", NULL);
    assert_int_equal(number("SELECT count(*) FROM stock_moves WHERE operation = 2"), 1);
    SHOP_REFUSED(&shop, ERR_CONFLICT, "stock.issue", "lot=C", "quantity=4", "order=WO-1");
    assert_true(shop_said(&shop, "not in the bill of material"));
    place_sql(&shop.place, "UPDATE work_orders SET state = 'done'");
    SHOP_REFUSED(&shop, ERR_CONFLICT, "stock.issue", "lot=A", "quantity=1", "order=WO-1");
    assert_true(shop_said(&shop, "WO-1 is done"));
}

static void what_an_order_did_not_use_goes_back(void **state) {
    (void)state;
    make_order("running");
    SHOP_DONE(&shop, "stock.receive", "item=PELLET", "quantity=25", "lot=A", NULL);
    SHOP_DONE(&shop, "stock.issue", "lot=A", "quantity=25", "order=WO-1", NULL);
    SHOP_REFUSED(&shop, ERR_INVALID, "stock.unissue", "lot=A", "quantity=1");
    SHOP_REFUSED(&shop, ERR_CONFLICT, "stock.unissue", "lot=A", "quantity=26", "order=WO-1");
    assert_true(shop_said(&shop, "took only 25"));
    SHOP_DONE(&shop, "stock.unissue", "lot=A", "quantity=15", "operation=WO-1/10", NULL);
    assert_int_equal(SUM("item = 1"), 15000000);
    assert_int_equal(number("SELECT quantity_u FROM lot_links"), 10000000);
    place_sql(&shop.place, "UPDATE work_orders SET state = 'done'"); // The order is over by then.
    SHOP_DONE(&shop, "stock.unissue", "lot=A", "quantity=10", "order=WO-1", NULL);
    assert_int_equal(number("SELECT count(*) FROM lot_links"), 0);
    assert_int_equal(number("SELECT sum(quantity_u) FROM stock_moves WHERE kind = 'consume'"), 0);
    SHOP_REFUSED(&shop, ERR_CONFLICT, "stock.unissue", "lot=A", "quantity=1", "order=WO-1");
}

/* The bill wanted twenty, eighteen were used: the two that went back are not taken again. */
static void what_was_saved_is_not_booked_again(void **state) {
    (void)state;
    make_order("running");
    place_sql(&shop.place, "UPDATE work_orders SET bom_version = 1, quantity_u = 100000000");
    SHOP_DONE(&shop, "stock.receive", "item=PELLET", "quantity=50", "lot=A", NULL);
    SHOP_DONE(&shop, "made.enter", "operation=WO-1/10", "good=20", NULL);
    assert_int_equal(SUM("item = 1"), 30000000);
    SHOP_DONE(&shop, "stock.unissue", "lot=A", "quantity=2", "operation=WO-1/10", NULL);
    SHOP_DONE(&shop, "order.book", "order=WO-1", NULL);
    assert_int_equal(SUM("item = 1"), 32000000);
    SHOP_DONE(&shop, "made.enter", "operation=WO-1/10", "good=5", NULL);
    assert_int_equal(SUM("item = 1"), 27000000);
}

/* Whatever is told in whatever order, moves and balances agree (close_shop looks). */
static void any_order_of_events_adds_up(void **state) {
    (void)state;
    static const char *const PLACES[] = {"WH", "FLOOR", "SHIP"};
    struct random random;
    random_seed(&random, 7);
    SHOP_DONE(&shop, "stock.rules", "negative_stock=warn", NULL);
    uint32_t done = 0;
    for (int i = 0; i < 150; i++) {
        char quantity[40];
        char place[32];
        char to[32];
        (void)snprintf(quantity, sizeof quantity, "quantity=%d.%d",
            1 + (int)random_below(&random, 50), (int)random_below(&random, 100));
        (void)snprintf(place, sizeof place, "place=%s", PLACES[random_below(&random, 3)]);
        (void)snprintf(to, sizeof to, "to=%s", PLACES[random_below(&random, 3)]);
        const char *item = random_below(&random, 2) ? "item=PELLET" : "item=GREASE";
        switch (random_below(&random, 4)) {
        case 0: done += shop_tell(&shop, "stock.receive", item, quantity, place, NULL) == 0; break;
        case 1: done += shop_tell(&shop, "stock.issue", item, quantity, place, NULL) == 0; break;
        case 2:
            done += shop_tell(&shop, "stock.transfer", item, quantity, place, to, NULL) == 0;
            break;
        default: done += shop_tell(&shop, "stock.count", "item=GREASE", quantity, place, NULL) == 0;
        }
    }
    assert_true(done > 50);
}

int main(void) {
#define TEST(f) cmocka_unit_test_setup_teardown(f, open_shop, close_shop)
    const struct CMUnitTest tests[] = {
        TEST(a_receipt_makes_a_lot_with_its_own_number),
        TEST(the_oldest_that_may_be_used_goes_first),
        TEST(a_lot_that_is_used_up_says_so),
        TEST(more_than_there_is_goes_by_the_plants_rule),
        TEST(rules_are_for_those_who_manage),
        TEST(counters_of_lots_go_on_behind_their_digits),
        TEST(a_transfer_takes_away_here_and_puts_there),
        TEST(what_goes_to_an_outsourcer_is_supply),
        TEST(counts_book_the_difference),
        TEST(receipts_that_look_wrong_are_done_and_said),
        TEST(goods_are_known_by_their_bar_code),
        TEST(a_receipt_is_taken_off_its_purchase),
        TEST(shipments_are_booked_on_the_sales_order),
        TEST(what_is_issued_to_work_goes_into_its_lot),
        TEST(what_an_order_did_not_use_goes_back),
        TEST(what_was_saved_is_not_booked_again),
        TEST(a_sales_order_follows_what_the_customer_says),
        TEST(a_scrapped_lot_does_not_come_back_by_another_name),
        TEST(an_old_day_does_not_make_a_lot_good),
        TEST(any_order_of_events_adds_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
