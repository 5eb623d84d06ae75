/*
 * Moulds at work: shots by the strokes of their runs, cavities that are closed in the midst of one,
 * and when one may not be used.
 */
#include "production/event.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "production/maintain.h"
#include "tests/production/support_shop.h"

static struct shop shop;

static const char *const MASTER[] = {
    "INSERT INTO processes (number, changed_ns, code, name, kind, active, note) VALUES (1, 0, "
    "'MOULD', 'Moulding', 'own', 1, '')",
    "INSERT INTO routings (number, changed_ns, item, version, step, process, machine, cycle_ns, "
    "setup_ns, valid_from, valid_to, note) VALUES (1, 0, 3, 1, 10, 1, 1, 3000000000, NULL, '', '', "
    "'')",
    "INSERT INTO moulds (number, changed_ns, code, name, item, cavities, shots_before, shots_life, "
    "shots_care, maker, bought, active, note) VALUES (1, 0, 'M1', 'Case mould', 3, 4, 1000, 2000, "
    "NULL, '', '', 1, '')",
    "INSERT INTO assets (number, id, level, display, kind) VALUES (2, 'press2', 'equipment', '', "
    "'')",
    "INSERT INTO machines (number, changed_ns, asset, run_values, setup_values, maker, model, "
    "serial, bought, active, note) VALUES (2, 0, 2, '1', '', '', '', '', '', 1, '')"};

static int64_t number(const char *sql) {
    return place_number(&shop.place, sql);
}

static int open_shop(void **state) {
    (void)state;
    shop_open(&shop);
    for (size_t i = 0; i < sizeof MASTER / sizeof MASTER[0]; i++) {
        place_sql(&shop.place, MASTER[i]);
    }
    SHOP_DONE(&shop, "order.make", "item=CASE", "quantity=100", "due=2023-12-01", "code=A",
        "release=1", NULL);
    SHOP_DONE(&shop, "order.make", "item=CASE", "quantity=100", "due=2023-12-01", "code=B",
        "release=1", NULL);
    return 0;
}

static int close_shop(void **state) {
    (void)state;
    shop_close(&shop);
    return 0;
}

/* What the counter told in a minute behind the start, into the run that is open then. */
static void count_minute(int minute, int counts) {
    char sql[512];
    (void)snprintf(sql, sizeof sql,
        "INSERT INTO made (machine, run, minute_ns, counts, pieces, bad) SELECT 1, number, t, %d, "
        "%d * pieces, 0 FROM runs, (SELECT (%d / 60 + %d) * 60000000000 AS t) WHERE machine = 1 "
        "AND begin_ns <= t AND (end_ns IS NULL OR end_ns > t)",
        counts, counts, PLACE_START_S, minute);
    place_sql(&shop.place, sql);
}

static void later(int minutes) {
    clock_fake_advance(&shop.place.clock, minutes * 60 * NS_PER_S);
}

struct shots {
    int64_t from_ns;
    int64_t count;
};

static int read_shots(struct ledger_tx *tx, void *context, struct err *err) {
    struct shots *shots = context;
    return mould_shots(tx, 1, shots->from_ns, INT64_MAX, &shots->count, err);
}

static int64_t shots_since(int64_t from_ns) {
    struct shots shots = {.from_ns = from_ns};
    place_read(&shop.place, read_shots, &shots);
    return shots.count;
}

static void closing_a_cavity_changes_what_a_stroke_makes_from_then_on(void **state) {
    (void)state;
    SHOP_DONE(&shop, "operation.begin", "operation=A/10", "mould=M1", NULL);
    assert_int_equal(number("SELECT machine FROM mould_mounts WHERE end_ns IS NULL"), 1);
    count_minute(1, 10);
    later(5);
    SHOP_DONE(&shop, "mould.cavities", "mould=M1", "cavities=3", "why=gate 2", NULL);
    count_minute(7, 10);
    assert_int_equal(number("SELECT sum(pieces) FROM made"), 10 * 4 + 10 * 3);
    assert_int_equal(number("SELECT count(*) FROM runs"), 2);
    assert_int_equal(number("SELECT cavities_open FROM moulds WHERE number = 1"), 3);
    assert_int_equal(number("SELECT count(*) FROM runs WHERE end_ns IS NULL AND pieces = 3"), 1);
    // The same number again makes no run.
    SHOP_DONE(&shop, "mould.cavities", "mould=M1", "cavities=3", NULL);
    assert_int_equal(number("SELECT count(*) FROM runs"), 2);
    SHOP_REFUSED(&shop, ERR_INVALID, "mould.cavities", "mould=M1", "cavities=5");
    SHOP_REFUSED(&shop, ERR_CONFLICT, "mould.cavities", "mould=M1", "cavities=0");
    assert_true(shop_said(&shop, "makes order A"));
}

/* A terminal names no mould: the one that hangs there counts, and its cavities of that time. */
static void the_mould_that_hangs_in_the_machine_is_taken(void **state) {
    (void)state;
    SHOP_DONE(&shop, "mould.mount", "mould=M1", "machine=press1", NULL);
    later(1);
    SHOP_DONE(&shop, "operation.begin", "operation=A/10", NULL);
    assert_int_equal(number("SELECT mould FROM runs"), 1);
    assert_int_equal(number("SELECT pieces FROM runs"), 4);
    count_minute(2, 10);
    later(5);
    SHOP_DONE(&shop, "operation.pause", "operation=A/10", NULL);
    later(5);
    SHOP_DONE(&shop, "mould.cavities", "mould=M1", "cavities=3", "why=gate 2", NULL);
    // What is begun for the time before has the cavities of that time.
    SHOP_DONE(&shop, "operation.begin", "operation=A/10", "time=2023-11-14T22:21:00Z", NULL);
    assert_int_equal(number("SELECT pieces FROM runs ORDER BY number DESC LIMIT 1"), 4);
    SHOP_DONE(&shop, "operation.pause", "operation=A/10", "time=2023-11-14T22:22:00Z", NULL);
    // Told late, a closed cavity changes work that has ended: its order is booked anew.
    SHOP_DONE(&shop, "mould.cavities", "mould=M1", "cavities=2", "why=gate 1",
        "time=2023-11-14T22:14:30Z", NULL);
    assert_int_equal(number("SELECT count(*) FROM late_pieces"), 1);
}

static void a_change_told_late_holds_until_the_next_one(void **state) {
    (void)state;
    SHOP_DONE(&shop, "operation.begin", "operation=A/10", "mould=M1", NULL);
    for (int minute = 1; minute < 10; minute++) {
        count_minute(minute, 1);
    }
    later(10);
    // 22:13:20 is the start; at its 6th minute all four are open, which is told first.
    SHOP_DONE(&shop, "mould.cavities", "mould=M1", "cavities=4", "time=2023-11-14T22:19:00Z", NULL);
    SHOP_DONE(&shop, "mould.cavities", "mould=M1", "cavities=2", "time=2023-11-14T22:16:00Z", NULL);
    // Minutes 22:14, 22:15 make 4; 22:16 to 22:18 make 2; 22:19 to 22:22 make 4 again.
    assert_int_equal(number("SELECT sum(pieces) FROM made"), 2 * 4 + 3 * 2 + 4 * 4);
    assert_int_equal(number("SELECT sum(counts) FROM made"), 9);
    assert_int_equal(number("SELECT cavities_open FROM moulds WHERE number = 1"), 4);
    assert_int_equal(number("SELECT count(*) FROM runs WHERE end_ns IS NULL"), 1);
}

static void shots_are_strokes_of_its_runs_and_corrections(void **state) {
    (void)state;
    assert_int_equal(shots_since(INT64_MIN), 1000);
    SHOP_DONE(&shop, "operation.begin", "operation=A/10", "mould=M1", NULL);
    count_minute(1, 10);
    count_minute(2, 20);
    later(5);
    assert_int_equal(shots_since(INT64_MIN), 1030);
    assert_int_equal(shots_since((PLACE_START_S / 60 + 2) * 60 * NS_PER_S), 20);
    SHOP_DONE(&shop, "mould.shots", "mould=M1", "shots=1500", "why=plate", NULL);
    assert_true(shop_answered(&shop, "\"before\":1030"));
    later(1);
    assert_int_equal(shots_since(INT64_MIN), 1500);
    count_minute(6, 5);
    assert_int_equal(shots_since(INT64_MIN), 1505);
    shop.manages = false;
    SHOP_REFUSED(&shop, ERR_FORBIDDEN, "mould.shots", "mould=M1", "shots=1", "why=x");
}

static void what_is_blocked_in_repair_or_elsewhere_is_refused(void **state) {
    (void)state;
    SHOP_DONE(&shop, "mould.block", "mould=M1", "why=cracked", NULL);
    SHOP_REFUSED(&shop, ERR_CONFLICT, "operation.begin", "operation=A/10", "mould=M1");
    assert_true(shop_said(&shop, "cracked"));
    assert_int_equal(number("SELECT count(*) FROM runs"), 0);
    SHOP_DONE(&shop, "mould.free", "mould=M1", NULL);
    SHOP_REFUSED(&shop, ERR_CONFLICT, "mould.free", "mould=M1");
    SHOP_DONE(&shop, "repair.ask", "mould=M1", "text=flash", NULL);
    SHOP_DONE(&shop, "repair.begin", "repair=1", NULL);
    SHOP_REFUSED(&shop, ERR_CONFLICT, "operation.begin", "operation=A/10", "mould=M1");
    assert_true(shop_said(&shop, "in repair"));
    SHOP_DONE(&shop, "repair.done", "repair=1", "cause=wear", "what=ground", "cost=120000", NULL);
    SHOP_DONE(&shop, "operation.begin", "operation=A/10", "mould=M1", NULL);
    SHOP_REFUSED(
        &shop, ERR_CONFLICT, "operation.begin", "operation=B/10", "machine=press2", "mould=M1");
    assert_true(shop_said(&shop, "works on press1 for order A"));
    SHOP_REFUSED(&shop, ERR_CONFLICT, "mould.dismount", "mould=M1");
    SHOP_DONE(&shop, "operation.pause", "operation=A/10", NULL);
    SHOP_DONE(&shop, "mould.dismount", "mould=M1", "place=WH", NULL);
    assert_int_equal(number("SELECT place FROM moulds WHERE number = 1"), 1);
    assert_int_equal(number("SELECT count(*) FROM mould_mounts WHERE end_ns IS NULL"), 0);
    SHOP_REFUSED(&shop, ERR_CONFLICT, "mould.dismount", "mould=M1");
    SHOP_DONE(&shop, "mould.cavities", "mould=M1", "cavities=0", NULL);
    SHOP_REFUSED(&shop, ERR_CONFLICT, "operation.begin", "operation=A/10", "mould=M1");
    assert_true(shop_said(&shop, "no cavity"));
}

static void overdue_care_is_told_or_refused_by_the_rule(void **state) {
    (void)state;
    place_sql(&shop.place, "UPDATE moulds SET shots_care = 100, shots_before = 1090");
    SHOP_DONE(&shop, "operation.begin", "operation=A/10", "mould=M1", NULL); // 90 of 100: soon.
    assert_false(shop_answered(&shop, "care of mould"));
    count_minute(1, 30); // 120 of 100, tolerance 5.
    later(2);
    SHOP_DONE(&shop, "operation.pause", "operation=A/10", NULL);
    SHOP_DONE(&shop, "operation.begin", "operation=A/10", "mould=M1", NULL);
    assert_true(shop_answered(&shop, "care of mould M1 is overdue"));
    SHOP_DONE(&shop, "operation.pause", "operation=A/10", NULL);
    SHOP_DONE(&shop, "care.rules", "mould_due=refuse", NULL);
    SHOP_REFUSED(&shop, ERR_CONFLICT, "operation.begin", "operation=A/10", "mould=M1");
    SHOP_DONE(&shop, "care.done", "mould=M1", "worker=900001", "minutes=30", NULL);
    SHOP_DONE(&shop, "operation.begin", "operation=A/10", "mould=M1", NULL);
    assert_false(shop_answered(&shop, "care of mould"));
    place_sql(&shop.place, "UPDATE moulds SET shots_life = 1000");
    SHOP_DONE(&shop, "operation.pause", "operation=A/10", NULL);
    SHOP_DONE(&shop, "operation.begin", "operation=A/10", "mould=M1", NULL);
    assert_true(shop_answered(&shop, "more than its life of 1000"));
}

static void a_mounted_mould_is_the_one_that_works(void **state) {
    (void)state;
    SHOP_DONE(&shop, "mould.mount", "mould=M1", "machine=press1", NULL);
    SHOP_DONE(&shop, "operation.begin", "operation=A/10", NULL);
    assert_int_equal(number("SELECT mould FROM runs"), 1);
    assert_int_equal(number("SELECT pieces FROM runs"), 4);
    SHOP_DONE(&shop, "operation.begin", "operation=B/10", "machine=press2", NULL);
    assert_int_equal(number("SELECT count(*) FROM runs WHERE machine = 2 AND mould IS NULL"), 1);
}

/* Changes told in any order leave what they leave in the order of their times. */
static void the_order_of_telling_does_not_matter(void **state) {
    (void)state;
    uint32_t seed = 12345;
    for (int round = 0; round < 12; round++) {
        struct shop *one = &shop;
        int open_at[4];
        int at_minute[4];
        int order[4] = {0, 1, 2, 3};
        for (int i = 0; i < 4; i++) {
            seed = seed * 1664525 + 1013904223;
            open_at[i] = 1 + (int)(seed >> 16) % 4;
            at_minute[i] = 15 + 3 * i; // 22:15, 22:18, ...
            int other = (int)(seed >> 8) % (i + 1);
            int swap = order[i];
            order[i] = order[other];
            order[other] = swap;
        }
        place_sql(&one->place, "DELETE FROM made");
        place_sql(&one->place, "DELETE FROM mould_cavities");
        place_sql(&one->place, "DELETE FROM runs");
        place_sql(&one->place, "INSERT INTO runs (operation, machine, phase, mould, pieces, "
                               "begin_ns) VALUES (1, 1, 'make', 1, 4, 1700000000000000000)");
        int64_t expected = 0;
        for (int minute = 1; minute <= 14; minute++) {
            count_minute(minute, 1);
            int clock = 13 + minute;
            int open_now = 4;
            for (int i = 0; i < 4; i++) {
                open_now = at_minute[i] <= clock ? open_at[i] : open_now;
            }
            expected += open_now;
        }
        later(20);
        for (int i = 0; i < 4; i++) {
            char time[64];
            char open_text[32];
            (void)snprintf(time, sizeof time, "time=2023-11-14T22:%02d:00Z", at_minute[order[i]]);
            (void)snprintf(open_text, sizeof open_text, "cavities=%d", open_at[order[i]]);
            SHOP_DONE(one, "mould.cavities", "mould=M1", open_text, time, NULL);
        }
        assert_int_equal(number("SELECT sum(pieces) FROM made"), expected);
        assert_int_equal(number("SELECT count(*) FROM made"), 14);
        assert_int_equal(shots_since(INT64_MIN), 1000 + 14);
        assert_int_equal(
            number(
                "SELECT count(*) FROM run_counts c WHERE counts <> (SELECT coalesce(sum(m.counts),"
                " 0) FROM made m WHERE m.run = c.run)"),
            0);
        assert_int_equal(number("SELECT count(*) FROM runs WHERE end_ns IS NULL"), 1);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            closing_a_cavity_changes_what_a_stroke_makes_from_then_on, open_shop, close_shop),
        cmocka_unit_test_setup_teardown(
            the_mould_that_hangs_in_the_machine_is_taken, open_shop, close_shop),
        cmocka_unit_test_setup_teardown(
            a_change_told_late_holds_until_the_next_one, open_shop, close_shop),
        cmocka_unit_test_setup_teardown(
            shots_are_strokes_of_its_runs_and_corrections, open_shop, close_shop),
        cmocka_unit_test_setup_teardown(
            what_is_blocked_in_repair_or_elsewhere_is_refused, open_shop, close_shop),
        cmocka_unit_test_setup_teardown(
            overdue_care_is_told_or_refused_by_the_rule, open_shop, close_shop),
        cmocka_unit_test_setup_teardown(
            a_mounted_mould_is_the_one_that_works, open_shop, close_shop),
        cmocka_unit_test_setup_teardown(
            the_order_of_telling_does_not_matter, open_shop, close_shop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
