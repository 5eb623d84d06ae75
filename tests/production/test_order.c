/*
 * Orders and their work: released by the versions of the day, begun on a machine that is free,
 * counted by runs, corrected by hand, split and merged; and the plan made of sales orders.
 */
#include "production/event.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "production/cost.h"
#include "production/orders.h"
#include "tests/production/support_shop.h"

static struct shop shop;

/* UNIT is made of two CASEs in two steps; CASE of 0.25 kg of PELLET in one, on press1 in mould M1.
 */
static const char *const MASTER[] = {
    "INSERT INTO processes (number, changed_ns, code, name, kind, active, note) VALUES (1, 0, "
    "'MOULD', 'Moulding', 'own', 1, ''), (2, 0, 'JOIN', 'Joining', 'own', 1, ''), (3, 0, 'PACK', "
    "'Packing', 'own', 1, '')",
    "INSERT INTO routings (number, changed_ns, item, version, step, process, machine, cycle_ns, "
    "setup_ns, valid_from, valid_to, note) VALUES (1, 0, 3, 1, 10, 1, 1, 3000000000, 600000000000, "
    "'', '', ''), (2, 0, 4, 1, 10, 2, NULL, 5000000000, NULL, '', '', ''), (3, 0, 4, 1, 20, 3, "
    "NULL, NULL, NULL, '', '', ''), (4, 0, 3, 2, 10, 1, 1, 2000000000, NULL, '2999-01-01', '', '')",
    "INSERT INTO boms (number, changed_ns, item, version, line, component, quantity_u, base_u, "
    "supply, valid_from, valid_to, note) VALUES (1, 0, 3, 1, 1, 1, 250000, 1000000, 'own', '', "
    "'', ''), (2, 0, 4, 1, 1, 3, 2000000, 1000000, 'own', '', '', '')",
    "INSERT INTO moulds (number, changed_ns, code, name, item, cavities, cavities_open, maker, "
    "bought, active, note) VALUES (1, 0, 'M1', 'Case mould', 3, 4, 3, '', '', 1, ''), (2, 0, 'M2', "
    "'Lid mould', 4, 1, NULL, '', '', 1, '')",
    "INSERT INTO assets (number, id, level, display, kind) VALUES (2, 'press2', 'equipment', '', "
    "'')",
    "INSERT INTO machines (number, changed_ns, asset, pieces, run_values, setup_values, maker, "
    "model, serial, bought, active, note) VALUES (2, 0, 2, 2, '1', '', '', '', '', '', 1, '')"};

static int open_shop(void **state) {
    (void)state;
    shop_open(&shop);
    for (size_t i = 0; i < sizeof MASTER / sizeof MASTER[0]; i++) {
        place_sql(&shop.place, MASTER[i]);
    }
    return 0;
}

static int close_shop(void **state) {
    (void)state;
    shop_close(&shop);
    return 0;
}

static int64_t number(const char *sql) {
    return place_number(&shop.place, sql);
}

/* Released: CASE as A. */
static void release_case(void) {
    SHOP_DONE(&shop, "order.make", "item=CASE", "quantity=100", "due=2023-12-01", "code=A",
        "release=1", NULL);
}

/* What counters told of a machine and a run. */
static void count_minute(int64_t run, int minute, int counts, int pieces, int bad) {
    char sql[256];
    (void)snprintf(sql, sizeof sql,
        "INSERT INTO made (machine, run, minute_ns, counts, pieces, bad) VALUES (1, %lld, "
        "(%d / 60 + %d) * 60000000000, %d, %d, %d)",
        (long long)run, PLACE_START_S, minute, counts, pieces, bad);
    place_sql(&shop.place, sql);
}

static void releasing_takes_down_the_versions_of_the_day(void **state) {
    (void)state;
    SHOP_DONE(&shop, "order.make", "item=CASE", "quantity=100", "due=2023-12-01", NULL);
    assert_true(shop_answered(&shop, "\"order\":\"231114-001\""));
    assert_true(shop_answered(&shop, "\"state\":\"planned\""));
    SHOP_REFUSED(&shop, ERR_CONFLICT, "operation.begin", "operation=231114-001/10");
    SHOP_DONE(&shop, "order.release", "order=231114-001", NULL);
    assert_int_equal(number("SELECT routing_version FROM work_orders"), 1);
    assert_int_equal(number("SELECT cycle_ns FROM operations"), 3000000000);
    // The lot has its number before the work starts.
    assert_int_equal(number("SELECT count(*) FROM lots WHERE code = '231114-001' AND state = "
                            "'planned'"),
        1);
    SHOP_REFUSED(&shop, ERR_CONFLICT, "order.release", "order=231114-001");
    assert_true(shop_said(&shop, "only a planned one"));
    SHOP_DONE(&shop, "order.make", "item=GREASE", "quantity=1", "due=2023-12-01", NULL);
    SHOP_REFUSED(&shop, ERR_CONFLICT, "order.release", "order=231114-002");
    assert_true(shop_said(&shop, "no routing"));
}

static void a_machine_does_one_thing_at_a_time(void **state) {
    (void)state;
    release_case();
    SHOP_DONE(&shop, "order.make", "item=CASE", "quantity=5", "due=2023-12-01", "code=B",
        "release=1", NULL);
    SHOP_DONE(&shop, "operation.begin", "operation=A/10", "worker=900001", "mould=M1", NULL);
    assert_int_equal(number("SELECT pieces FROM runs"), 3); // Open cavities.
    assert_int_equal(number("SELECT count(*) FROM lots WHERE code = 'A' AND state = 'open'"), 1);
    SHOP_REFUSED(&shop, ERR_CONFLICT, "operation.begin", "operation=B/10");
    assert_true(shop_said(&shop, "busy with work order A, step 10"));
    // The same again changes nothing.
    SHOP_DONE(&shop, "operation.begin", "operation=A/10", NULL);
    assert_true(shop_answered(&shop, "runs there already"));
    assert_int_equal(number("SELECT count(*) FROM runs"), 1);
    SHOP_DONE(&shop, "operation.begin", "operation=B/10", "machine=press2", NULL);
    assert_int_equal(number("SELECT pieces FROM runs WHERE machine = 2"), 2);
    SHOP_REFUSED(
        &shop, ERR_CONFLICT, "operation.begin", "operation=A/10", "machine=press2", "mould=M2");
    assert_true(shop_said(&shop, "does not make CASE"));
}

static void another_shift_or_a_closed_cavity_begins_a_run_of_its_own(void **state) {
    (void)state;
    place_sql(&shop.place,
        "INSERT INTO workers (number, changed_ns, code, name, team, badge, active, "
        "note) VALUES (2, 0, 'W2', 'Lee', '', '900002', 1, '')");
    release_case();
    SHOP_DONE(&shop, "operation.begin", "operation=A/10", "worker=W1", "mould=M1", NULL);
    shop.place.clock.wall_ns += 60 * NS_PER_S;
    SHOP_DONE(&shop, "operation.begin", "operation=A/10", "worker=W2", NULL);
    assert_int_equal(
        number("SELECT count(*) FROM runs WHERE worker = 2 AND mould = 1 AND pieces = 3"
               " AND end_ns IS NULL"),
        1);
    place_sql(&shop.place, "UPDATE moulds SET cavities_open = 2 WHERE number = 1");
    SHOP_DONE(&shop, "operation.begin", "operation=A/10", NULL);
    assert_int_equal(
        number("SELECT count(*) FROM runs WHERE worker = 2 AND pieces = 2 AND end_ns IS NULL"), 1);
    assert_int_equal(number("SELECT count(*) FROM runs"), 3);
}

static void set_up_ends_when_making_begins(void **state) {
    (void)state;
    release_case();
    SHOP_DONE(&shop, "operation.begin", "operation=A/10", "phase=setup", NULL);
    shop.place.clock.wall_ns += 300 * NS_PER_S;
    SHOP_DONE(&shop, "operation.begin", "operation=A/10", NULL);
    assert_int_equal(
        number("SELECT end_ns - begin_ns FROM runs WHERE phase = 'setup'"), 300 * NS_PER_S);
    assert_int_equal(
        number("SELECT count(*) FROM runs WHERE end_ns IS NULL AND phase = 'make'"), 1);
}

static void what_was_counted_meanwhile_goes_where_it_belongs(void **state) {
    (void)state;
    release_case();
    for (int minute = -3; minute <= 5; minute++) {
        count_minute(0, minute, 10, 10, 1);
    }
    shop.place.clock.wall_ns += 360 * NS_PER_S;
    // A terminal that was offline: begun at minute 0, ended at minute 4.
    SHOP_DONE(
        &shop, "operation.begin", "operation=A/10", "mould=M1", "time=2023-11-14T22:13:20Z", NULL);
    assert_int_equal(number("SELECT sum(counts) FROM made WHERE run <> 0"), 50);
    assert_int_equal(number("SELECT sum(pieces) FROM made WHERE run <> 0"), 150);
    SHOP_DONE(&shop, "operation.end", "operation=A/10", "time=2023-11-14T22:17:00Z", NULL);
    assert_int_equal(number("SELECT sum(counts) FROM made WHERE run <> 0"), 30);
    assert_int_equal(number("SELECT sum(counts) FROM made"), 90); // Nothing is lost.
    assert_true(shop_answered(&shop, "\"good\":87"));
    assert_true(shop_answered(&shop, "\"bad\":3"));
    assert_int_equal(number("SELECT count(*) FROM work_orders WHERE state = 'done'"), 1);
}

/* Nobody began the order before the machine ran: what it made is given to it afterwards. */
static void what_ran_without_an_order_is_given_to_one(void **state) {
    (void)state;
    release_case();
    int64_t begun_ns = shop.place.clock.wall_ns / (60 * NS_PER_S) * (60 * NS_PER_S);
    count_minute(0, 1, 20, 20, 1);
    count_minute(0, 2, 20, 20, 0);
    count_minute(0, 9, 5, 5, 0);
    shop.place.clock.wall_ns = begun_ns + 10 * 60 * NS_PER_S;
    SHOP_DONE(&shop, "operation.begin", "operation=A/10", NULL); // From 22:23 on.
    SHOP_REFUSED(&shop, ERR_INVALID, "made.assign", "operation=A/10", "machine=press1",
        "begin=2023-11-14T22:14:00Z", "end=2023-11-14T22:23:30Z");
    shop.place.clock.wall_ns += 600 * NS_PER_S;
    SHOP_REFUSED(&shop, ERR_CONFLICT, "made.assign", "operation=A/10", "machine=press1",
        "begin=2023-11-14T22:14:00Z", "end=2023-11-14T22:24:00Z");
    assert_true(shop_said(&shop, "worked for work order A, step 10"));
    SHOP_DONE(&shop, "operation.pause", "operation=A/10", NULL);
    SHOP_REFUSED(&shop, ERR_INVALID, "made.assign", "operation=A/10", "machine=press1",
        "begin=2023-11-14T22:16:00Z", "end=2023-11-14T22:14:00Z");
    SHOP_DONE(&shop, "made.assign", "operation=A/10", "machine=press1", "mould=M1",
        "begin=2023-11-14T22:14:00Z", "end=2023-11-14T22:16:00Z", NULL);
    assert_int_equal(number("SELECT sum(pieces) FROM made WHERE run <> 0"), 40 * 3);
    assert_int_equal(number("SELECT sum(bad) FROM made WHERE run <> 0"), 1);
    assert_int_equal(number("SELECT sum(counts) FROM made WHERE run = 0"), 5);
    SHOP_DONE(&shop, "made.assign", "operation=A/10", "machine=press1",
        "begin=2023-11-14T22:16:00Z", "end=2023-11-14T22:17:00Z", NULL);
    assert_true(shop_answered(&shop, "counted nothing"));
}

static void people_correct_what_machines_counted(void **state) {
    (void)state;
    release_case();
    SHOP_DONE(&shop, "operation.begin", "operation=A/10", NULL);
    count_minute(1, 1, 105, 105, 0);
    SHOP_DONE(&shop, "made.enter", "operation=A/10", "good=-2", "bad=2", "why=flash", NULL);
    assert_true(shop_answered(&shop, "\"good\":103"));
    assert_true(shop_answered(&shop, "more than the 100 ordered")); // Over-production is told.
    SHOP_REFUSED(&shop, ERR_CONFLICT, "made.enter", "operation=A/10", "good=-104", "why=a slip");
    SHOP_REFUSED(&shop, ERR_INVALID, "made.enter", "operation=A/10");
    // Work that nobody began, without a counter.
    SHOP_DONE(&shop, "order.make", "item=UNIT", "quantity=10", "due=2023-12-01", "code=U",
        "release=1", NULL);
    SHOP_DONE(&shop, "made.enter", "operation=U/20", "good=4.5", NULL);
    assert_true(shop_answered(&shop, "\"good\":4.5"));
    assert_int_equal(number("SELECT count(*) FROM made"), 1); // As it was counted.
}

static void a_held_order_rests_until_it_is_taken_up(void **state) {
    (void)state;
    release_case();
    SHOP_DONE(&shop, "operation.begin", "operation=A/10", NULL);
    SHOP_DONE(&shop, "order.hold", "order=A", "why=wrong colour", NULL);
    assert_true(shop_answered(&shop, "were paused"));
    assert_int_equal(number("SELECT count(*) FROM runs WHERE end_ns IS NULL"), 0);
    SHOP_REFUSED(&shop, ERR_CONFLICT, "operation.begin", "operation=A/10");
    assert_true(shop_said(&shop, "held"));
    SHOP_DONE(&shop, "order.resume", "order=A", NULL);
    SHOP_DONE(&shop, "operation.begin", "operation=A/10", NULL);
    SHOP_REFUSED(&shop, ERR_NOT_FOUND, "order.hold", "order=nope", "why=x");
}

static void orders_are_split_merged_and_cancelled(void **state) {
    (void)state;
    release_case();
    SHOP_DONE(&shop, "order.split", "order=A", "quantity=40.5", NULL);
    assert_true(shop_answered(&shop, "\"order\":\"231114-001\""));
    assert_true(shop_answered(&shop, "released"));
    assert_int_equal(number("SELECT sum(quantity_u) FROM work_orders"), 100000000);
    assert_int_equal(number("SELECT count(*) FROM operations"), 2);
    SHOP_REFUSED(&shop, ERR_CONFLICT, "order.split", "order=A", "quantity=59.5");
    SHOP_DONE(&shop, "order.merge", "order=A", "other=231114-001", NULL);
    assert_int_equal(number("SELECT quantity_u FROM work_orders WHERE code = 'A'"), 100000000);
    SHOP_REFUSED(&shop, ERR_CONFLICT, "order.merge", "order=A", "other=231114-001");
    SHOP_DONE(&shop, "operation.begin", "operation=A/10", NULL);
    count_minute(1, 0, 1, 1, 0);
    SHOP_REFUSED(&shop, ERR_CONFLICT, "order.cancel", "order=A");
    assert_true(shop_said(&shop, "finish it instead"));
    SHOP_DONE(&shop, "order.finish", "order=A", NULL);
    assert_true(shop_answered(&shop, "finished with 1 of 100"));
    SHOP_REFUSED(&shop, ERR_CONFLICT, "order.change", "order=A", "priority=1");
}

static void the_board_tells_conflicts_and_still_plans(void **state) {
    (void)state;
    release_case();
    SHOP_DONE(&shop, "order.make", "item=CASE", "quantity=5", "due=2023-12-01", "code=B",
        "release=1", NULL);
    SHOP_DONE(&shop, "operation.plan", "operation=A/10", "begin=2023-11-15T00:00:00Z", NULL);
    // 600 s of set-up and 100 pieces of 3 s.
    assert_true(shop_answered(&shop, "\"end\":\"2023-11-15T00:15:00Z\""));
    SHOP_DONE(&shop, "operation.plan", "operation=B/10", "begin=2023-11-15T00:14:00Z", NULL);
    assert_true(shop_answered(&shop, "work order A, step 10 stands there"));
    SHOP_DONE(&shop, "operation.plan", "operation=B/10", "begin=2023-11-15T00:15:00Z", NULL);
    assert_false(shop_answered(&shop, "stands there"));
}

static void the_board_is_filled_in_working_time(void **state) {
    (void)state;
    place_sql(&shop.place,
        "INSERT INTO calendars (number, changed_ns, code, name, day_start, note) "
        "VALUES (1, 0, 'D', 'Day', '08:00', '')");
    place_sql(&shop.place,
        "INSERT INTO shifts (number, changed_ns, calendar, code, name, weekdays, "
        "begin_clock, end_clock, breaks) VALUES (1, 0, 1, 'D', '', '1234567', "
        "'08:00', '17:00', '12:00-13:00')");
    place_sql(&shop.place, "INSERT INTO workcentres (number, changed_ns, code, name, calendar, "
                           "active, note) VALUES (1, 0, 'WC', '', 1, 1, '')");
    place_sql(&shop.place, "UPDATE machines SET workcentre = 1");
    SHOP_DONE(&shop, "order.make", "item=CASE", "quantity=5000", "due=2023-11-15", "code=B",
        "priority=2", "release=1", NULL);
    SHOP_DONE(&shop, "order.make", "item=CASE", "quantity=100", "due=2023-12-01", "code=C",
        "priority=1", "release=1", NULL);
    SHOP_DONE(&shop, "board.run", NULL); // At 22:13 on the 14th.
    assert_true(shop_answered(&shop, "\"operations\":2,\"late\":0"));
    // C first: 600 s of set-up and 300 s from 08:00; then B: 15,600 s, the noon left out.
    assert_int_equal(number("SELECT o.end_ns / 1000000000 FROM operations o JOIN work_orders w ON"
                            " w.number = o.work_order WHERE w.code = 'C'"),
        1700035200 + 900);
    assert_int_equal(number("SELECT o.begin_ns / 1000000000 FROM operations o JOIN work_orders w ON"
                            " w.number = o.work_order WHERE w.code = 'B'"),
        1700035200 + 900);
    assert_int_equal(number("SELECT o.end_ns / 1000000000 FROM operations o JOIN work_orders w ON"
                            " w.number = o.work_order WHERE w.code = 'B'"),
        1700035200 + 900 + 15600 + 3600);
}

static void a_plan_is_made_anew_and_leaves_what_people_touched(void **state) {
    (void)state;
    SHOP_DONE(&shop, "sales.enter", "code=S1", "partner=BETA", "item=UNIT", "quantity=10",
        "due=2023-12-01", "item=CASE", "quantity=7", "due=2023-12-05", NULL);
    SHOP_REFUSED(&shop, ERR_INVALID, "sales.enter", "code=S2", "partner=BETA", "item=UNIT",
        "item=CASE", "quantity=1", "due=2023-12-01");
    SHOP_DONE(&shop, "plan.run", NULL);
    // UNIT 10, its CASEs 20, and CASE 7; PELLET for both.
    assert_true(shop_answered(&shop, "\"orders\":3"));
    assert_int_equal(number("SELECT sum(quantity_u) FROM work_orders w JOIN items i ON i.number ="
                            " w.item WHERE i.code = 'CASE'"),
        27000000);
    assert_int_equal(number("SELECT sum(quantity_u) FROM purchase_proposals"), 6750000);
    // The CASEs of the UNIT hang below its order.
    assert_int_equal(number("SELECT count(*) FROM work_orders w JOIN work_orders p ON p.number ="
                            " w.parent WHERE w.quantity_u = 20000000"),
        1);
    // One purchase is ordered for an order that the next plan takes back: it stays, and is not
    // needed again.
    SHOP_DONE(&shop, "purchase.order", "purchase=1", NULL);
    SHOP_DONE(&shop, "plan.run", NULL); // The same again.
    assert_int_equal(number("SELECT count(*) FROM work_orders"), 3);
    assert_int_equal(number("SELECT sum(quantity_u) FROM purchase_proposals"), 6750000);
    // Somebody releases the UNITs; the plan keeps them and still needs their CASEs.
    char release[64];
    (void)snprintf(release, sizeof release, "order=231114-%03lld",
        (long long)number(
            "SELECT CAST(substr(code, 8) AS INTEGER) FROM work_orders WHERE item = 4"));
    SHOP_DONE(&shop, "order.release", release, NULL);
    SHOP_DONE(&shop, "plan.run", NULL);
    assert_int_equal(number("SELECT count(*) FROM work_orders WHERE item = 4"), 1);
    assert_int_equal(number("SELECT sum(quantity_u) FROM work_orders WHERE item = 3"), 27000000);
    assert_int_equal(number("SELECT sum(quantity_u) FROM purchase_proposals"), 6750000);
}

/* PELLET 0.25 a CASE from the oldest lot, CASEs into the order's lot; what is short comes later. */
static void what_is_made_comes_in_and_its_material_goes_out(void **state) {
    (void)state;
    SHOP_DONE(&shop, "stock.receive", "item=PELLET", "quantity=5", "place=WH", "lot=P1", NULL);
    release_case();
    SHOP_DONE(&shop, "operation.begin", "operation=A/10", NULL);
    count_minute(1, 0, 16, 16, 0);
    SHOP_DONE(&shop, "order.book", "order=A", NULL);
    assert_int_equal(number("SELECT quantity_u FROM stock WHERE item = 1"), 1000000);
    assert_int_equal(number("SELECT s.quantity_u FROM stock s JOIN lots l ON l.number = s.lot"
                            " WHERE l.code = 'A' AND s.place = 2"),
        16000000);
    assert_int_equal(number("SELECT count(*) FROM lot_links k JOIN lots p ON p.number = k.parent"
                            " JOIN lots c ON c.number = k.child WHERE p.code = 'P1' AND c.code ="
                            " 'A'"),
        1);
    // Two were bad: out of the lot again. The material stays used.
    SHOP_DONE(&shop, "made.enter", "operation=A/10", "good=-2", "bad=2", "why=flash", NULL);
    assert_int_equal(number("SELECT s.quantity_u FROM stock s JOIN lots l ON l.number = s.lot"
                            " WHERE l.code = 'A'"),
        14000000);
    assert_int_equal(number("SELECT quantity_u FROM stock WHERE item = 1"), 1000000);
    // Four more than there is material for.
    SHOP_DONE(&shop, "made.enter", "operation=A/10", "good=8", NULL);
    assert_true(shop_answered(&shop, "PELLET: 2 were used, but only 1"));
    SHOP_DONE(&shop, "stock.receive", "item=PELLET", "quantity=5", "place=WH", "lot=P2", NULL);
    SHOP_DONE(&shop, "operation.end", "operation=A/10", NULL);
    assert_int_equal(number("SELECT sum(quantity_u) FROM stock WHERE item = 1"), 4000000);
    assert_int_equal(number("SELECT sum(quantity_u) FROM stock_moves"),
        number("SELECT sum(quantity_u) FROM stock"));
    assert_int_equal(number("SELECT sum(quantity_u) FROM stock WHERE item = 3"), 22000000);
}

/* What hinders the booking does not keep the work from ending. */
static void work_ends_whatever_hinders_its_booking(void **state) {
    (void)state;
    release_case();
    SHOP_DONE(&shop, "operation.begin", "operation=A/10", NULL);
    place_sql(&shop.place, "INSERT INTO made VALUES (1, 1, 1700000000 / 60 * 60000000000, "
                           "20000000000000, 20000000000000, 0)");
    SHOP_DONE(&shop, "operation.pause", "operation=A/10", NULL);
    assert_true(shop_answered(&shop, "is not booked into stock"));
    assert_int_equal(number("SELECT count(*) FROM runs WHERE end_ns IS NULL"), 0);
    assert_int_equal(number("SELECT count(*) FROM stock_moves"), 0);
}

static void a_component_in_two_lines_is_taken_for_both(void **state) {
    (void)state;
    place_sql(&shop.place, "INSERT INTO boms (number, changed_ns, item, version, line, component, "
                           "quantity_u, base_u, step, supply, valid_from, valid_to, note) VALUES "
                           "(9, 0, 3, 1, 2, 1, 100000, 1000000, 15, 'own', '', '', '')");
    SHOP_DONE(&shop, "stock.receive", "item=PELLET", "quantity=50", "place=WH", "lot=P1", NULL);
    release_case();
    SHOP_DONE(&shop, "made.enter", "operation=A/10", "good=100", NULL);
    assert_int_equal(number("SELECT quantity_u FROM stock WHERE item = 1"), 15000000);
    SHOP_DONE(&shop, "order.book", "order=A", NULL);
    assert_int_equal(number("SELECT quantity_u FROM stock WHERE item = 1"), 15000000);
}

static void an_order_ended_too_early_is_taken_up_again(void **state) {
    (void)state;
    release_case();
    SHOP_DONE(&shop, "operation.begin", "operation=A/10", NULL);
    SHOP_DONE(&shop, "operation.end", "operation=A/10", NULL);
    assert_true(shop_answered(&shop, "finished with 0 of 100"));
    SHOP_REFUSED(&shop, ERR_CONFLICT, "operation.begin", "operation=A/10");
    assert_true(shop_said(&shop, "A is done"));
    shop.lang = LANG_KO; // States have the words of the pages.
    SHOP_REFUSED(&shop, ERR_CONFLICT, "operation.begin", "operation=A/10");
    assert_true(shop_said(&shop, "마감 상태라"));
    shop.lang = LANG_EN;
    SHOP_DONE(&shop, "order.reopen", "order=A", NULL);
    SHOP_DONE(&shop, "operation.begin", "operation=A/10", NULL);
    SHOP_REFUSED(&shop, ERR_CONFLICT, "order.reopen", "order=A");
}

/* Counted at 09:00 without a network, told after 20 went out: the shelf has 80, the book too. */
static void a_count_told_late_is_of_its_own_time(void **state) {
    (void)state;
    SHOP_DONE(&shop, "stock.receive", "item=GREASE", "quantity=90", "place=WH", NULL);
    shop.place.clock.wall_ns += 7200 * NS_PER_S;
    SHOP_DONE(&shop, "stock.scrap", "item=GREASE", "quantity=20", "place=WH", "note=spilt", NULL);
    shop.place.clock.wall_ns += 60 * NS_PER_S;
    SHOP_DONE(&shop, "stock.count", "item=GREASE", "quantity=100", "place=WH",
        "time=2023-11-14T22:30:00Z", NULL);
    assert_int_equal(number("SELECT quantity_u FROM stock WHERE item = 2"), 80000000);
    SHOP_DONE(&shop, "stock.receive", "item=CASE", "quantity=1", "place=FLOOR", "lot=C1", NULL);
    SHOP_REFUSED(
        &shop, ERR_CONFLICT, "stock.count", "item=PELLET", "lot=C1", "quantity=5", "place=WH");
}

/* Orders and lots number themselves alike; neither takes the other's. */
static void orders_and_lots_do_not_share_numbers(void **state) {
    (void)state;
    SHOP_DONE(&shop, "order.make", "item=CASE", "quantity=1", "due=2023-12-01", NULL);
    SHOP_DONE(&shop, "stock.receive", "item=PELLET", "quantity=5", "place=WH", NULL);
    SHOP_DONE(&shop, "stock.receive", "item=PELLET", "quantity=6", "place=WH", NULL);
    SHOP_DONE(&shop, "order.make", "item=CASE", "quantity=1", "due=2023-12-01", NULL);
    SHOP_DONE(&shop, "order.release", "order=231114-001", NULL);
    assert_int_equal(number("SELECT count(DISTINCT code) FROM (SELECT code FROM lots UNION ALL"
                            " SELECT code FROM work_orders WHERE lot IS NULL)"),
        4);
}

struct spent {
    struct cost_query query;
    struct arena *arena;
    struct cost_row rows[4];
    int count;
};

static int spent(struct ledger_tx *tx, void *context, struct err *err) {
    struct spent *spent = context;
    spent->count = costs_list(tx, &spent->query, spent->arena, spent->rows, 4, err);
    return spent->count < 0 ? spent->count : 0;
}

static void an_order_costs_what_really_happened(void **state) {
    (void)state;
    AUTO_ARENA struct arena arena;
    arena_init(&arena, 0);
    place_sql(&shop.place, "UPDATE machines SET rate_u = 18000000000 WHERE number = 1");
    place_sql(&shop.place, "UPDATE workers SET rate_u = 12000000000");
    SHOP_DONE(&shop, "stock.receive", "item=PELLET", "quantity=3", "place=WH", "lot=P1",
        "price=2000", NULL);
    SHOP_DONE(&shop, "stock.receive", "item=PELLET", "quantity=3", "place=WH", "lot=P2",
        "price=2400.5", NULL);
    SHOP_DONE(&shop, "lot.split", "lot=P2", "quantity=3", "code=P3", NULL); // It keeps its price.
    release_case();
    SHOP_DONE(&shop, "operation.begin", "operation=A/10", "worker=W1", NULL);
    count_minute(1, 0, 16, 16, 4);
    shop.place.clock.wall_ns += 600 * NS_PER_S;
    SHOP_DONE(&shop, "operation.end", "operation=A/10", NULL);
    struct spent all = {.query = {.to_ns = INT64_MAX, .now_ns = INT64_MAX}, .arena = &arena};
    place_read(&shop.place, spent, &all);
    assert_int_equal(all.count, 1);
    const struct cost *cost = &all.rows[0].cost;
    assert_int_equal(cost->material_u, 3 * INT64_C(2000000000) + 2400500000); // 3 kg and 1 kg.
    assert_int_equal(cost->machine_u, 3000000000);                            // A sixth of an hour.
    assert_int_equal(cost->labour_u, 2000000000);
    assert_int_equal(cost->good_u, 12000000);
    assert_int_equal(cost->scrap_u, cost_total_u(cost) / 4);
    assert_int_equal(cost->unpriced, 0);
    all.query.from_ns = (PLACE_START_S + 601) * NS_PER_S;
    place_read(&shop.place, spent, &all);
    assert_int_equal(all.count, 0);
}

struct look {
    struct orders_query query;
    struct arena *arena;
    struct order_view rows[8];
    uint32_t max;
    int count;
    int64_t next;
};

static int look(struct ledger_tx *tx, void *context, struct err *err) {
    struct look *look = context;
    look->count =
        orders_list(tx, &look->query, look->arena, look->rows, look->max, &look->next, err);
    return look->count < 0 ? look->count : 0;
}

static void orders_are_listed_in_the_order_of_work(void **state) {
    (void)state;
    AUTO_ARENA struct arena arena;
    arena_init(&arena, 0);
    SHOP_DONE(&shop, "order.make", "item=CASE", "quantity=5", "due=2023-12-09", "code=LATE",
        "release=1", NULL);
    SHOP_DONE(&shop, "order.make", "item=CASE", "quantity=5", "due=2023-12-03", "code=SOON",
        "release=1", NULL);
    SHOP_DONE(&shop, "order.make", "item=UNIT", "quantity=5", "due=2023-12-09", "code=FIRST",
        "priority=1", "release=1", NULL);
    SHOP_DONE(&shop, "order.make", "item=UNIT", "quantity=0.5", "due=2023-12-01", "code=PLAN",
        "note=spare", NULL);
    release_case();
    SHOP_DONE(&shop, "operation.begin", "operation=A/10", "worker=W1", "mould=M1", NULL);
    count_minute(1, 0, 10, 30, 2);
    SHOP_DONE(&shop, "made.enter", "operation=A/10", "good=0.5", "why=cut", NULL);
    struct look all = {.query = {.state = STR("open")}, .arena = &arena, .max = 3};
    place_read(&shop.place, look, &all);
    assert_int_equal(all.count, 3);
    const struct order_view *running = &all.rows[0];
    assert_true(str_eq(running->code, STR("A")));
    assert_int_equal(running->good_u, 28500000);
    assert_int_equal(running->bad_u, 2000000);
    assert_true(running->steps[0].runs);
    assert_true(str_eq(running->steps[0].run.worker_name, STR("Kim")));
    assert_true(str_eq(running->steps[0].machine, STR("press1")));
    assert_true(str_eq(all.rows[1].code, STR("FIRST")));
    assert_true(str_eq(all.rows[2].code, STR("SOON")));
    all.query.after = all.next;
    place_read(&shop.place, look, &all);
    assert_int_equal(all.count, 2);
    assert_true(str_eq(all.rows[0].code, STR("LATE")));
    assert_true(str_eq(all.rows[1].code, STR("PLAN")));
    assert_int_equal(all.next, 0);
    struct look some = {
        .query = {.state = STR("open"), .search = STR("spare")}, .arena = &arena, .max = 8};
    place_read(&shop.place, look, &some);
    assert_int_equal(some.count, 1);
    some.query = (struct orders_query){.state = STR("open"), .machine = STR("press1")};
    place_read(&shop.place, look, &some);
    assert_int_equal(some.count, 3);
    // What is over stands behind, the newest first, and is found alone.
    SHOP_DONE(&shop, "order.finish", "order=A", NULL);
    SHOP_DONE(&shop, "order.cancel", "order=PLAN", NULL);
    struct look over = {.query = {.state = STR("closed")}, .arena = &arena, .max = 1};
    place_read(&shop.place, look, &over);
    assert_int_equal(over.count, 1);
    assert_true(str_eq(over.rows[0].code, STR("A")));
    over.query.after = over.next;
    place_read(&shop.place, look, &over);
    assert_true(str_eq(over.rows[0].code, STR("PLAN")));
    assert_int_equal(over.next, 0);
    over = (struct look){.query = {.state = STR("all")}, .arena = &arena, .max = 8};
    place_read(&shop.place, look, &over);
    assert_int_equal(over.count, 5);
    assert_true(str_eq(over.rows[3].code, STR("A")));
    assert_true(str_eq(over.rows[4].code, STR("PLAN")));
}

static void operators_work_and_do_not_plan(void **state) {
    (void)state;
    release_case();
    shop.manages = false;
    SHOP_DONE(&shop, "operation.begin", "operation=A/10", NULL);
    SHOP_REFUSED(&shop, ERR_FORBIDDEN, "plan.run", "time=2023-11-14T22:13:20Z");
    SHOP_REFUSED(&shop, ERR_FORBIDDEN, "order.cancel", "order=A");
}

int main(void) {
#define TEST(f) cmocka_unit_test_setup_teardown(f, open_shop, close_shop)
    const struct CMUnitTest tests[] = {
        TEST(releasing_takes_down_the_versions_of_the_day),
        TEST(a_machine_does_one_thing_at_a_time),
        TEST(another_shift_or_a_closed_cavity_begins_a_run_of_its_own),
        TEST(set_up_ends_when_making_begins),
        TEST(what_was_counted_meanwhile_goes_where_it_belongs),
        TEST(what_ran_without_an_order_is_given_to_one),
        TEST(people_correct_what_machines_counted),
        TEST(a_held_order_rests_until_it_is_taken_up),
        TEST(orders_are_split_merged_and_cancelled),
        TEST(the_board_tells_conflicts_and_still_plans),
        TEST(the_board_is_filled_in_working_time),
        TEST(a_plan_is_made_anew_and_leaves_what_people_touched),
        TEST(what_is_made_comes_in_and_its_material_goes_out),
        TEST(an_order_costs_what_really_happened),
        TEST(work_ends_whatever_hinders_its_booking),
        TEST(a_component_in_two_lines_is_taken_for_both),
        TEST(an_order_ended_too_early_is_taken_up_again),
        TEST(a_count_told_late_is_of_its_own_time),
        TEST(orders_and_lots_do_not_share_numbers),
        TEST(orders_are_listed_in_the_order_of_work),
        TEST(operators_work_and_do_not_plan),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
