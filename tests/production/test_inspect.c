/*
 * Inspections in a shop: judged exactly, taken from tags where a plan names them, corrected with
 * the original kept; what failed is held with all that was made of it, what was not inspected does
 * not leave; what is typed wrongly is asked before it counts.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "core/time.h"
#include "historian/historian.h"
#include "production/inspections.h"
#include "tests/production/support_shop.h"

#define T0 (PLACE_START_S * NS_PER_S)

static struct shop shop;
static struct historian *historian;
static uint32_t gauge;
static uint32_t tag;

/* PELLET comes in by moisture (tag) and look; CASE by weight in process and by length at the end.
 */
static const char *const MASTER[] = {
    "INSERT INTO processes (number, changed_ns, code, name, kind, active, note) VALUES (1, 0, "
    "'MOULD', 'Moulding', 'own', 1, '')",
    "INSERT INTO routings (number, changed_ns, item, version, step, process, machine, cycle_ns, "
    "valid_from, valid_to, note) VALUES (1, 0, 3, 1, 10, 1, 1, 3000000000, '', '', '')",
    "INSERT INTO boms (number, changed_ns, item, version, line, component, quantity_u, base_u, "
    "supply, valid_from, valid_to, note) VALUES (1, 0, 3, 1, 1, 1, 250000, 1000000, 'own', '', "
    "'', '')",
    "INSERT INTO inspection_plans (number, changed_ns, item, kind, line, step, name, method, unit, "
    "nominal, lower, upper, samples, tag, active, note, every_pieces) VALUES "
    "(1, 0, 1, 'incoming', 1, NULL, 'Look', 'judged', '', NULL, NULL, NULL, 5, NULL, 1, '', NULL), "
    "(2, 0, 1, 'incoming', 2, NULL, 'Moisture', 'typed', '%', NULL, NULL, 0.1, 2, NULL, 1, '', "
    "NULL), "
    "(3, 0, 3, 'in_process', 1, 10, 'Weight', 'typed', 'g', 86, 85.2, 86.8, 3, NULL, 1, '', 50), "
    "(4, 0, 3, 'first', 1, 10, 'Look', 'judged', '', NULL, NULL, NULL, 1, NULL, 1, '', NULL), "
    "(5, 0, 4, 'final', 1, NULL, 'Length', 'gauge', 'mm', 10, 9.9, 10.1, 2, 1, 1, '', NULL), "
    "(6, 0, 4, 'final', 2, NULL, 'Oven', 'tag', '', NULL, 40, 70, 1, 2, 1, '', NULL)"};

static int put_tags(struct ledger_tx *tx, void *context, struct err *err) {
    (void)context;
    bool changed;
    struct tag first = tag_of("gauge.length");
    struct tag second = tag_of("oven.temp");
    assert_int_equal(tag_put(tx, &first, &gauge, &changed, err), 0);
    return tag_put(tx, &second, &tag, &changed, err);
}

static int open_shop(void **state) {
    (void)state;
    struct err err = ERR_INIT;
    char dir[128];
    shop_open(&shop);
    (void)snprintf(dir, sizeof dir, "%s/history", shop.place.dir);
    const struct hist_options options = {.dir = dir};
    assert_int_equal(hist_open(&options, &historian, &err), 0);
    shop.historian = historian;
    place_write(&shop.place, put_tags, NULL);
    assert_int_equal(gauge, 1);
    assert_int_equal(tag, 2);
    for (size_t i = 0; i < sizeof MASTER / sizeof MASTER[0]; i++) {
        place_sql(&shop.place, MASTER[i]);
    }
    return 0;
}

static int close_shop(void **state) {
    (void)state;
    hist_close(historian);
    shop_close(&shop);
    return 0;
}

static int64_t number(const char *sql) {
    return place_number(&shop.place, sql);
}

static void put_value(uint32_t to, int64_t time_ns, double value) {
    struct err err = ERR_INIT;
    struct batch *batch = batch_new(4, 64);
    struct sample *row = batch_add(batch);
    *row = (struct sample){
        .tag = to, .time_ns = time_ns, .type = TYPE_F64, .value.f64 = value, .status = 0};
    assert_int_equal(hist_append(historian, &batch, 1, &err), 0);
    batch_free(batch);
}

static void receive(const char *lot) {
    char code[64];
    (void)snprintf(code, sizeof code, "lot=%s", lot);
    SHOP_DONE(&shop, "stock.receive", "item=PELLET", "quantity=100", "partner=ACME", code, NULL);
}

static void begin_work(void) {
    SHOP_DONE(&shop, "order.make", "item=CASE", "quantity=100", "due=2023-12-01", "release=1",
        "code=WO", NULL);
    SHOP_DONE(&shop, "operation.begin", "operation=WO/10", "machine=press1", NULL);
}

static int put_due(struct ledger_tx *tx, void *context, struct err *err) {
    struct buf *out = context;
    struct json json;
    json_init(&json, out);
    json_array_begin(&json);
    const struct inspection_due_query query = {
        .now_ns = ledger_now_ns(tx), .lot = STR_NONE, .operation = STR_NONE};
    int rc = inspection_put_due(tx, &query, &json, err);
    json_array_end(&json);
    return rc;
}

/* Whether an inspection of a kind is due at a lot or an operation. */
static bool is_due(const char *kind, const char *where) {
    AUTO_BUF struct buf out;
    char wanted[96];
    buf_init(&out, 1 << 20);
    place_read(&shop.place, put_due, &out);
    (void)snprintf(wanted, sizeof wanted, "\"kind\":\"%s\"", kind);
    for (const char *at = buf_z(&out); (at = strstr(at, wanted)) != NULL; at++) {
        const char *lines = strstr(at, "\"lines\"");
        const char *named = strstr(at, where);
        if (named != NULL && named < lines) {
            return true;
        }
    }
    return false;
}

static void what_came_in_is_inspected_before_it_is_used(void **state) {
    (void)state;
    receive("A");
    assert_true(is_due("incoming", "\"lot\":\"A\""));
    SHOP_REFUSED(&shop, ERR_CONFLICT, "stock.issue", "lot=A", "quantity=1");
    assert_true(shop_said(&shop, "no incoming inspection yet"));
    SHOP_REFUSED(&shop, ERR_CONFLICT, "stock.issue", "item=PELLET", "quantity=1");
    assert_true(shop_said(&shop, "waits for an inspection, lot A first"));
    SHOP_DONE(&shop, "stock.transfer", "lot=A", "quantity=1", "to=FLOOR", NULL);
    SHOP_REFUSED(
        &shop, ERR_INVALID, "inspection.record", "kind=incoming", "lot=A", "line=1", "value=pass");
    assert_true(shop_said(&shop, "Moisture: 0 of 2 samples"));
    SHOP_REFUSED(&shop, ERR_INVALID, "inspection.record", "kind=incoming", "lot=A", "line=2",
        "value=0.1 NaN");
    SHOP_REFUSED(
        &shop, ERR_INVALID, "inspection.record", "kind=incoming", "lot=A", "line=7", "value=1");
    SHOP_REFUSED(&shop, ERR_INVALID, "inspection.record", "kind=incoming", "line=1", "value=1");
    SHOP_REFUSED(&shop, ERR_LIMIT, "inspection.record", "kind=incoming", "lot=A", "line=2",
        "value=0.1 0.1 0.1");
    assert_int_equal(number("SELECT count(*) FROM inspections"), 0);
    SHOP_DONE(&shop, "inspection.record", "kind=incoming", "lot=A", "line=1", "value=pass",
        "line=2", "value=0.1 0.099999", "worker=W1", NULL); // On the limit.
    assert_true(shop_answered(&shop, "\"result\":\"pass\",\"failed\":[]"));
    assert_int_equal(number("SELECT count(*) FROM inspection_values WHERE pass = 1"), 3);
    assert_int_equal(
        number("SELECT upper_u FROM inspection_values WHERE plan = 2 LIMIT 1"), 100000);
    assert_false(is_due("incoming", "\"lot\":\"A\""));
    SHOP_DONE(&shop, "lot.split", "lot=A", "quantity=5", "code=A-1", NULL);
    SHOP_DONE(&shop, "stock.issue", "lot=A-1", "quantity=1", NULL); // A part of what was inspected.
    SHOP_DONE(&shop, "stock.issue", "item=PELLET", "quantity=10", NULL);
    receive("B");
    SHOP_DONE(&shop, "lot.merge", "lot=A", "lot=B", "place=WH", "code=AB", NULL);
    SHOP_REFUSED(&shop, ERR_CONFLICT, "stock.issue", "lot=AB", "quantity=1");
    assert_true(shop_said(&shop, "lot B has had no incoming inspection yet"));
    SHOP_DONE(&shop, "inspection.record", "kind=incoming", "lot=AB", "line=1", "value=pass",
        "line=2", "value=0.03 0.04", NULL); // Or of what it is now.
    SHOP_DONE(&shop, "stock.issue", "lot=AB", "quantity=1", NULL);
}

static void what_fails_is_held_with_all_that_was_made_of_it(void **state) {
    (void)state;
    receive("A");
    SHOP_DONE(&shop, "inspection.rules", "gate=warn", NULL);
    begin_work();
    SHOP_DONE(&shop, "stock.issue", "lot=A", "quantity=5", "order=WO", NULL);
    assert_true(shop_answered(&shop, "no incoming inspection yet"));
    SHOP_DONE(&shop, "inspection.record", "kind=incoming", "lot=A", "line=1", "value=pass",
        "line=2", "value=0.100001 0.05", NULL);
    assert_true(shop_answered(&shop, "\"result\":\"fail\""));
    assert_true(shop_answered(&shop, "\"nonconformance\":1,\"held\":2"));
    assert_int_equal(number("SELECT count(*) FROM lots WHERE state = 'held'"), 2);
    assert_int_equal(
        number("SELECT count(*) FROM nonconformances WHERE inspection = 1 AND state = "
               "'open' AND description LIKE 'Moisture: 0.100001 \% (≤ 0.1)%' ESCAPE '\\'"),
        1);
    SHOP_DONE(&shop, "inspection.rules", "gate=refuse", NULL);
    SHOP_REFUSED(&shop, ERR_CONFLICT, "stock.issue", "lot=A", "quantity=1");
    SHOP_REFUSED(
        &shop, ERR_INVALID, "nonconformance.dispose", "nonconformance=1", "decision=use_as_is");
    shop.manages = false;
    SHOP_REFUSED(&shop, ERR_FORBIDDEN, "nonconformance.dispose", "nonconformance=1",
        "decision=use_as_is", "why=dried");
    shop.manages = true;
    SHOP_DONE(&shop, "nonconformance.dispose", "nonconformance=1", "decision=use_as_is",
        "why=dried again", NULL);
    assert_int_equal(number("SELECT count(*) FROM lots WHERE state = 'held'"), 0);
    SHOP_DONE(&shop, "stock.issue", "lot=A", "quantity=1", NULL);
    SHOP_DONE(&shop, "nonconformance.close", "nonconformance=1", NULL);
    SHOP_REFUSED(&shop, ERR_CONFLICT, "nonconformance.dispose", "nonconformance=1",
        "decision=use_as_is", "why=again");
}

static void a_correction_keeps_the_original(void **state) {
    (void)state;
    receive("A");
    SHOP_DONE(&shop, "inspection.record", "kind=incoming", "lot=A", "line=1", "value=fail",
        "line=2", "value=0.05 0.05", NULL);
    assert_int_equal(number("SELECT count(*) FROM lots WHERE state = 'held'"), 1);
    SHOP_REFUSED(&shop, ERR_INVALID, "inspection.record", "kind=incoming", "lot=A", "line=1",
        "value=pass", "line=2", "value=0.05 0.06", "corrects=1");
    SHOP_DONE(&shop, "inspection.record", "kind=incoming", "lot=A", "line=1", "value=pass",
        "line=2", "value=0.05 0.06", "corrects=1", "why=wrong button", NULL);
    assert_true(shop_answered(&shop, "\"withdrawn\":1"));
    assert_int_equal(number("SELECT count(*) FROM inspections"), 2);
    assert_int_equal(number("SELECT count(*) FROM inspection_values"), 6);
    assert_int_equal(number("SELECT count(*) FROM lots WHERE state = 'held'"), 0);
    SHOP_DONE(&shop, "stock.issue", "lot=A", "quantity=1", NULL);
    SHOP_REFUSED(&shop, ERR_CONFLICT, "inspection.record", "kind=incoming", "lot=A", "line=1",
        "value=pass", "line=2", "value=0.05 0.07", "corrects=1", "why=x");
    assert_true(shop_said(&shop, "corrected by 2 already"));
    SHOP_REFUSED(&shop, ERR_NOT_FOUND, "inspection.record", "kind=incoming", "lot=A", "line=1",
        "value=pass", "line=2", "value=0.05 0.07", "corrects=9", "why=x");
}

/* A manager held the lot because of a complaint; that the inspection was a slip is another matter.
 */
static void a_correction_leaves_the_holds_of_others(void **state) {
    (void)state;
    receive("A");
    SHOP_DONE(&shop, "inspection.record", "kind=incoming", "lot=A", "line=1", "value=fail",
        "line=2", "value=0.05 0.05", NULL);
    SHOP_DONE(&shop, "lot.hold", "lot=A", "why=complaint", NULL);
    SHOP_DONE(&shop, "inspection.record", "kind=incoming", "lot=A", "line=1", "value=pass",
        "line=2", "value=0.05 0.06", "corrects=1", "why=wrong button", NULL);
    assert_int_equal(
        number("SELECT count(*) FROM lots WHERE state = 'held' AND hold = 'complaint'"), 1);
    SHOP_DONE(&shop, "lot.release", "lot=A", NULL);
    assert_int_equal(number("SELECT count(*) FROM lots WHERE state = 'held'"), 0);
}

/* It went into the machine without its inspection; saying that it did not would help nobody. */
static void what_was_used_unseen_is_booked_and_said(void **state) {
    (void)state;
    receive("A");
    begin_work();
    SHOP_DONE(&shop, "made.enter", "operation=WO/10", "good=2", NULL);
    assert_true(shop_answered(&shop, "lot A was used before its inspection"));
    assert_int_equal(
        number("SELECT sum(quantity_u) FROM stock_moves WHERE kind = 'consume'"), -500000);
}

static void a_failure_is_accepted_by_a_manager_with_a_reason(void **state) {
    (void)state;
    receive("A");
    shop.manages = false;
    SHOP_REFUSED(&shop, ERR_FORBIDDEN, "inspection.record", "kind=incoming", "lot=A", "line=1",
        "value=pass", "line=2", "value=0.12 0.05", "accept=1", "why=urgent");
    shop.manages = true;
    SHOP_DONE(&shop, "inspection.record", "kind=incoming", "lot=A", "line=1", "value=pass",
        "line=2", "value=0.12 0.05", "accept=1", "why=urgent", NULL);
    assert_true(shop_answered(&shop, "\"result\":\"conditional\""));
    SHOP_DONE(&shop, "stock.issue", "lot=A", "quantity=1", NULL);
}

static void gauges_and_tags_tell_their_values_themselves(void **state) {
    (void)state;
    SHOP_DONE(&shop, "stock.receive", "item=UNIT", "quantity=5", "lot=U", NULL);
    place_sql(&shop.place, "INSERT INTO work_orders (number, code, item, quantity_u, due, "
                           "priority, state, state_before, lot, proposed, note, created_ns, actor) "
                           "VALUES (9, 'W9', 4, 5000000, '2023-12-01', 5, 'done', '', 1, 0, '', 0, "
                           "'x')");
    assert_true(is_due("final", "\"lot\":\"U\""));
    SHOP_REFUSED(&shop, ERR_CONFLICT, "stock.ship", "lot=U", "quantity=1");
    assert_true(shop_said(&shop, "no final inspection yet"));
    SHOP_REFUSED(&shop, ERR_INVALID, "inspection.record", "kind=final", "lot=U");
    assert_true(shop_said(&shop, "Length: the gauge gave 0 of 2 values"));
    put_value(gauge, T0 - 7200 * NS_PER_S, 10.5); // Too old.
    put_value(gauge, T0 - 60 * NS_PER_S, 10.02);
    put_value(gauge, T0 - 30 * NS_PER_S, (double)10.1F); // On the limit, as a float.
    put_value(tag, T0 - 900 * NS_PER_S, 55.5);
    SHOP_DONE(&shop, "inspection.record", "kind=final", "lot=U", NULL);
    assert_true(shop_answered(&shop, "\"result\":\"pass\""));
    assert_int_equal(number("SELECT sum(value_u) FROM inspection_values WHERE source = 'gauge'"),
        10020000 + 10100000);
    assert_int_equal(
        number("SELECT value_u FROM inspection_values WHERE source = 'tag'"), 55500000);
    SHOP_REFUSED(&shop, ERR_INVALID, "inspection.record", "kind=final", "lot=U"); // Used already.
    SHOP_DONE(&shop, "inspection.record", "kind=final", "lot=U", "line=1", "value=10 10", "line=2",
        "value=99", NULL); // A broken cable; what the oven said stands.
    assert_true(shop_answered(&shop, "99 was typed although the tag told 55.5"));
    assert_int_equal(number("SELECT count(*) FROM inspection_values WHERE source = 'typed'"), 2);
    SHOP_DONE(&shop, "stock.ship", "lot=U", "quantity=1", NULL);
}

static void work_is_inspected_as_its_plan_says(void **state) {
    (void)state;
    begin_work();
    assert_true(is_due("first", "\"operation\":\"WO/10\""));
    assert_false(is_due("in_process", "WO/10"));
    SHOP_DONE(
        &shop, "inspection.record", "kind=first", "operation=WO/10", "line=1", "value=ng", NULL);
    assert_true(shop_answered(&shop, "adjust"));
    assert_true(is_due("first", "WO/10")); // Until one passes.
    assert_int_equal(number("SELECT count(*) FROM nonconformances"), 0);
    SHOP_DONE(
        &shop, "inspection.record", "kind=first", "operation=WO/10", "line=1", "value=ok", NULL);
    assert_false(is_due("first", "WO/10"));
    SHOP_DONE(&shop, "made.enter", "operation=WO/10", "good=49", NULL);
    assert_false(is_due("in_process", "WO/10"));
    SHOP_DONE(&shop, "made.enter", "operation=WO/10", "good=1", NULL);
    assert_true(is_due("in_process", "WO/10"));
    shop.place.clock.wall_ns += 120 * NS_PER_S;
    SHOP_DONE(&shop, "inspection.record", "kind=in_process", "operation=WO/10", "line=1",
        "value=86 85.2 86.8", NULL);
    assert_false(is_due("in_process", "WO/10"));
    shop.place.clock.wall_ns += 120 * NS_PER_S;
    SHOP_DONE(&shop, "operation.begin", "operation=WO/10", "machine=press1", "phase=setup", NULL);
    assert_true(is_due("first", "WO/10")); // Set up anew.
}

static void decisions_do_what_they_say(void **state) {
    (void)state;
    SHOP_DONE(&shop, "stock.receive", "item=CASE", "quantity=100", "partner=ACME", "lot=C", NULL);
    SHOP_DONE(&shop, "nonconformance.open", "lot=C", "description=scratches", "hold=1",
        "quantity=30", NULL);
    assert_int_equal(number("SELECT count(*) FROM lots WHERE state = 'held'"), 1);
    SHOP_REFUSED(&shop, ERR_CONFLICT, "nonconformance.close", "nonconformance=1");
    SHOP_DONE(
        &shop, "nonconformance.dispose", "nonconformance=1", "decision=scrap", "quantity=5", NULL);
    assert_true(shop_answered(&shop, "stays held"));
    SHOP_DONE(&shop, "nonconformance.dispose", "nonconformance=1", "decision=rework", "quantity=10",
        NULL);
    assert_true(shop_answered(&shop, "\"done\":{"));
    SHOP_DONE(&shop, "nonconformance.dispose", "nonconformance=1", "decision=return", "quantity=20",
        "document=R-1", NULL);
    assert_int_equal(number("SELECT sum(quantity_u) FROM stock_moves WHERE kind = 'return' AND "
                            "partner = 1 AND document = 'R-1'"),
        -20000000);
    SHOP_REFUSED(&shop, ERR_CONFLICT, "nonconformance.dispose", "nonconformance=1",
        "decision=scrap", "quantity=500");
    SHOP_DONE(
        &shop, "nonconformance.dispose", "nonconformance=1", "decision=sort", "quantity=15", NULL);
    assert_int_equal(number("SELECT quantity_u FROM stock WHERE lot = 1"), 50000000);
    assert_int_equal(number("SELECT state = 'open' FROM lots WHERE number = 1"), 1);
    SHOP_DONE(&shop, "action.open", "nonconformance=1", "cause=tray", "measure=new trays",
        "worker=W1", "due=2023-11-20", NULL);
    SHOP_REFUSED(&shop, ERR_CONFLICT, "nonconformance.close", "nonconformance=1");
    SHOP_REFUSED(&shop, ERR_CONFLICT, "action.check", "action=1", "effective=1");
    SHOP_DONE(&shop, "action.done", "action=1", "note=bought", NULL);
    SHOP_DONE(&shop, "action.check", "action=1", "effective=0", NULL);
    assert_true(shop_answered(&shop, "open again"));
    SHOP_DONE(&shop, "action.done", "action=1", NULL);
    SHOP_DONE(&shop, "action.check", "action=1", "effective=1", NULL);
    SHOP_DONE(&shop, "nonconformance.close", "nonconformance=1", NULL);
    SHOP_REFUSED(&shop, ERR_INVALID, "nonconformance.open", "description=x");
    SHOP_REFUSED(&shop, ERR_NOT_FOUND, "nonconformance.close", "nonconformance=7");
}

/* A lot that is reworked whole is free when its non-conformity is closed, and not before. */
static void what_was_reworked_is_free_in_the_end(void **state) {
    (void)state;
    SHOP_DONE(&shop, "stock.receive", "item=CASE", "quantity=100", "lot=C", NULL);
    SHOP_DONE(&shop, "nonconformance.open", "lot=C", "description=burrs", "hold=1", NULL);
    SHOP_DONE(&shop, "nonconformance.dispose", "nonconformance=1", "decision=rework", "quantity=60",
        NULL);
    SHOP_REFUSED(&shop, ERR_CONFLICT, "nonconformance.close", "nonconformance=1");
    assert_true(shop_said(&shop, "lot C stays held"));
    SHOP_DONE(&shop, "nonconformance.dispose", "nonconformance=1", "decision=rework", NULL);
    assert_int_equal(number("SELECT count(*) FROM lots WHERE state = 'held'"), 3);
    SHOP_DONE(&shop, "nonconformance.close", "nonconformance=1", NULL);
    assert_int_equal(number("SELECT count(*) FROM lots WHERE state = 'held'"), 0);
}

/* Told again by whoever was not answered, also over a new begin of the program. */
static void an_inspection_is_recorded_once(void **state) {
    (void)state;
    receive("A");
    for (int i = 0; i < 3; i++) {
        assert_int_equal(shop_tell_key(&shop, "K", "inspection.record", "kind=incoming", "lot=A",
                             "line=1", "value=fail", "line=2", "value=0.05 0.05", NULL),
            0);
        assert_true(shop_answered(&shop, "\"inspection\":1,\"result\":\"fail\""));
        place_reopen(&shop.place);
    }
    assert_int_equal(number("SELECT count(*) FROM inspections"), 1);
    assert_int_equal(number("SELECT count(*) FROM nonconformances"), 1);
    assert_int_equal(number("SELECT count(*) FROM lot_holds"), 1);
    assert_int_equal(
        number("SELECT count(*) FROM audit WHERE action = 'event.inspection.record'"), 1);
}

/* Of two that hold a lot, deciding one does not free it. */
static void another_nonconformity_keeps_its_hold(void **state) {
    (void)state;
    SHOP_DONE(&shop, "stock.receive", "item=CASE", "quantity=100", "lot=C", NULL);
    SHOP_DONE(&shop, "nonconformance.open", "lot=C", "description=a", "hold=1", NULL);
    SHOP_DONE(&shop, "nonconformance.open", "lot=C", "description=b", "hold=1", NULL);
    SHOP_DONE(
        &shop, "nonconformance.dispose", "nonconformance=1", "decision=use_as_is", "why=ok", NULL);
    assert_true(shop_answered(&shop, "non-conformity 2 is open, too"));
    assert_int_equal(number("SELECT count(*) FROM lots WHERE state = 'held'"), 1);
    SHOP_DONE(
        &shop, "nonconformance.dispose", "nonconformance=2", "decision=use_as_is", "why=ok", NULL);
    assert_int_equal(number("SELECT count(*) FROM lots WHERE state = 'held'"), 0);
}

static void scrap_at_work_mends_the_count(void **state) {
    (void)state;
    SHOP_DONE(&shop, "inspection.rules", "gate=off", NULL);
    receive("A");
    begin_work();
    SHOP_DONE(&shop, "made.enter", "operation=WO/10", "good=40", NULL);
    SHOP_DONE(&shop, "nonconformance.open", "operation=WO/10", "description=short shots", NULL);
    SHOP_REFUSED(
        &shop, ERR_INVALID, "nonconformance.dispose", "nonconformance=1", "decision=scrap");
    SHOP_DONE(
        &shop, "nonconformance.dispose", "nonconformance=1", "decision=scrap", "quantity=7", NULL);
    assert_int_equal(number("SELECT sum(good_u) FROM made_by_hand"), 33000000);
    assert_int_equal(number("SELECT sum(bad_u) FROM made_by_hand"), 7000000);
    SHOP_REFUSED(
        &shop, ERR_CONFLICT, "nonconformance.dispose", "nonconformance=1", "decision=return");
}

/* ---- Doubtful entries ---- */

/* */
static void what_looks_wrong_is_asked_first(void **state) {
    (void)state;
    for (int i = 0; i < 6; i++) {
        char lot[16];
        (void)snprintf(lot, sizeof lot, "L%d", i);
        receive(lot);
    }
    SHOP_REFUSED(&shop, ERR_CONFLICT, "stock.receive", "item=PELLET", "quantity=1000", "lot=M");
    assert_true(shop_said(&shop, "Is this right?"));
    assert_true(shop_said(&shop, "1000 instead of usually 100; a slip of the unit, perhaps: 100"));
    assert_int_equal(number("SELECT count(*) FROM lots"), 6);
    assert_int_equal(number("SELECT count(*) FROM doubtful_events"), 0);
    SHOP_DONE(&shop, "stock.receive", "item=PELLET", "quantity=1000", "lot=M", "sure=1", NULL);
    assert_int_equal(number("SELECT count(*) FROM production_events WHERE body LIKE "
                            "'%\"sure\":\"1\"%'"),
        1); // It is kept that somebody was asked.
    SHOP_REFUSED(&shop, ERR_CONFLICT, "stock.count", "lot=L0", "place=WH", "quantity=10");
    SHOP_DONE(&shop, "stock.count", "lot=L0", "place=WH", "quantity=98", NULL);
    SHOP_REFUSED(&shop, ERR_CONFLICT, "inspection.record", "kind=incoming", "lot=L0", "line=1",
        "value=pass", "line=2", "value=0.9 50000");
    begin_work();
    SHOP_REFUSED(&shop, ERR_CONFLICT, "inspection.record", "kind=in_process", "operation=WO/10",
        "line=1", "value=86 68.0 86");
    assert_true(shop_said(&shop, "Weight: 68 instead of usually 86; with two digits exchanged it "
                                 "would be 86"));
    SHOP_REFUSED(&shop, ERR_CONFLICT, "made.enter", "operation=WO/10", "good=1000");
    SHOP_DONE(&shop, "made.enter", "operation=WO/10", "good=1", NULL); // A rest is nobody's slip.
    SHOP_DONE(&shop, "made.enter", "operation=WO/10", "good=-1", NULL);
    SHOP_DONE(&shop, "made.enter", "operation=WO/10", "good=20", NULL);
    SHOP_REFUSED(&shop, ERR_CONFLICT, "made.enter", "operation=WO/10", "good=20");
    assert_true(shop_said(&shop, "The same was entered at 22:13:20 already"));
    SHOP_DONE(&shop, "made.enter", "operation=WO/10", "good=20", "sure=1", NULL);
    shop.lang = LANG_KO;
    SHOP_REFUSED(&shop, ERR_CONFLICT, "made.enter", "operation=WO/10", "good=20");
    assert_true(shop_said(&shop, "맞습니까?"));
}

static void what_came_later_is_kept_for_a_decision(void **state) {
    (void)state;
    begin_work();
    shop.later = true;
    assert_int_equal(shop_tell_key(&shop, "K", "made.enter", "operation=WO/10", "good=1000",
                         "time=2023-11-14T22:13:00Z", NULL),
        0);
    assert_true(shop_answered(&shop, "\"doubtful\":1"));
    assert_int_equal(number("SELECT count(*) FROM made_by_hand"), 0);
    place_reopen(&shop.place); // It is as durable as what was done.
    assert_int_equal(shop_tell_key(&shop, "K", "made.enter", "operation=WO/10", "good=1000",
                         "time=2023-11-14T22:13:00Z", NULL),
        0);
    assert_true(shop_answered(&shop, "\"repeated\":true,\"doubtful\":1"));
    assert_int_equal(number("SELECT count(*) FROM doubtful_events WHERE state = 'open'"), 1);
    shop.later = false;
    assert_int_equal(shop_tell_key(&shop, "K", "made.enter", "operation=WO/10", "good=100",
                         "time=2023-11-14T22:13:00Z", "sure=1", NULL),
        0); // Mended; what came first stays.
    assert_int_equal(number("SELECT sum(good_u) FROM made_by_hand"), 100000000);
    assert_int_equal(number("SELECT count(*) FROM doubtful_events WHERE state = 'done' AND event "
                            "IS NOT NULL AND body LIKE '%1000%'"),
        1);
    shop.later = true; // The terminal never heard of it, and sends its own again: it is done.
    assert_int_equal(shop_tell_key(&shop, "K", "made.enter", "operation=WO/10", "good=1000",
                         "time=2023-11-14T22:13:00Z", NULL),
        0);
    assert_true(shop_answered(&shop, "\"repeated\":true"));
    assert_int_equal(number("SELECT sum(good_u) FROM made_by_hand"), 100000000);
    assert_int_equal(shop_tell_key(&shop, "K", "made.enter", "operation=WO/10", "good=999",
                         "time=2023-11-14T22:13:00Z", NULL),
        -ERR_CONFLICT); // Something else is not.
    shop.later = true;
    assert_int_equal(
        shop_tell_key(&shop, "L", "made.enter", "operation=WO/10", "good=5000", NULL), 0);
    assert_int_equal(
        shop_tell_key(&shop, "L", "stock.receive", "item=PELLET", "quantity=1", "sure=1", NULL),
        -ERR_CONFLICT); // Another type does not settle it.
    clock_fake_advance(&shop.place.clock, 40 * 86400 * NS_PER_S);
    assert_int_equal(shop_tell_key(&shop, "K2", "made.enter", "operation=WO/10", "good=5000",
                         "sure=1", "time=2023-11-14T22:13:00Z", NULL),
        -ERR_INVALID); // Too long ago, but for what was kept in time.
    SHOP_DONE(&shop, "doubtful.drop", "doubtful=2", NULL);
    SHOP_REFUSED(&shop, ERR_NOT_FOUND, "doubtful.drop", "doubtful=2");
    assert_int_equal(
        shop_tell_key(&shop, "L", "made.enter", "operation=WO/10", "good=5000", "sure=1", NULL),
        -ERR_CONFLICT);
    assert_int_equal(number("SELECT sum(good_u) FROM made_by_hand"), 100000000);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            what_came_in_is_inspected_before_it_is_used, open_shop, close_shop),
        cmocka_unit_test_setup_teardown(
            what_fails_is_held_with_all_that_was_made_of_it, open_shop, close_shop),
        cmocka_unit_test_setup_teardown(a_correction_keeps_the_original, open_shop, close_shop),
        cmocka_unit_test_setup_teardown(
            a_correction_leaves_the_holds_of_others, open_shop, close_shop),
        cmocka_unit_test_setup_teardown(
            what_was_used_unseen_is_booked_and_said, open_shop, close_shop),
        cmocka_unit_test_setup_teardown(
            a_failure_is_accepted_by_a_manager_with_a_reason, open_shop, close_shop),
        cmocka_unit_test_setup_teardown(
            gauges_and_tags_tell_their_values_themselves, open_shop, close_shop),
        cmocka_unit_test_setup_teardown(work_is_inspected_as_its_plan_says, open_shop, close_shop),
        cmocka_unit_test_setup_teardown(decisions_do_what_they_say, open_shop, close_shop),
        cmocka_unit_test_setup_teardown(
            what_was_reworked_is_free_in_the_end, open_shop, close_shop),
        cmocka_unit_test_setup_teardown(an_inspection_is_recorded_once, open_shop, close_shop),
        cmocka_unit_test_setup_teardown(
            another_nonconformity_keeps_its_hold, open_shop, close_shop),
        cmocka_unit_test_setup_teardown(scrap_at_work_mends_the_count, open_shop, close_shop),
        cmocka_unit_test_setup_teardown(what_looks_wrong_is_asked_first, open_shop, close_shop),
        cmocka_unit_test_setup_teardown(
            what_came_later_is_kept_for_a_decision, open_shop, close_shop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
