/*
 * The filler on a real history and a real ledger: what a machine's samples become in the tables,
 * whenever it is stopped and started again.
 */
#include "production/fill.h"

#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "core/buf.h"
#include "core/clock.h"
#include "tests/ledger/support_ledger.h"

#define S  NS_PER_S
#define T0 (PLACE_START_S * S) // A whole number of minutes and 20 s.

struct shop {
    struct place place;
    char dir[128]; // Of the history.
    struct historian *historian;
    struct fill *fill;
    uint32_t counter;
    uint32_t rejects;
    uint32_t state;
    struct batch *batch;
    struct clock_fake clock; // The filler's: a day behind the first sample.
};

static void fill_up(struct shop *shop) {
    struct fill_options options = {
        .clock = &shop->clock.clock, .historian = shop->historian, .ledger = shop->place.ledger};
    struct err err = ERR_INIT;
    assert_int_equal(fill_start(&options, &shop->fill, &err), 0);
    fill_stop(shop->fill); // Behind all that is durable.
    shop->fill = NULL;
}

static int put_tags(struct ledger_tx *tx, void *context, struct err *err) {
    struct shop *shop = context;
    bool changed;
    struct tag counter = tag_of("press.count");
    struct tag rejects = tag_of("press.rejects");
    struct tag state = tag_of("press.state");
    assert_int_equal(tag_put(tx, &counter, &shop->counter, &changed, err), 0);
    assert_int_equal(tag_put(tx, &rejects, &shop->rejects, &changed, err), 0);
    return tag_put(tx, &state, &shop->state, &changed, err);
}

__attribute__((format(printf, 2, 3))) static void sql(struct shop *shop, const char *format, ...) {
    char text[1024];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    place_sql(&shop->place, text);
}

/* A press without a state tag, and an order of an item whose ideal cycle is 1 s. */
static void shop_open(struct shop *shop) {
    *shop = (struct shop){.fill = NULL};
    clock_fake_init(&shop->clock, T0 + 30 * 86400 * S);
    place_init(&shop->place, LEDGER_PLANT);
    (void)snprintf(shop->dir, sizeof shop->dir, "%s/history", shop->place.dir);
    struct hist_options options = {.dir = shop->dir};
    struct err err = ERR_INIT;
    assert_int_equal(hist_open(&options, &shop->historian, &err), 0);
    shop->batch = batch_new(256, 256);
    place_write(&shop->place, put_tags, shop);
    sql(shop, "INSERT INTO assets (number, id, level, display, kind) VALUES (1, 'press', "
              "'equipment', 'Press', '')");
    sql(shop,
        "INSERT INTO machines (number, changed_ns, asset, counter, counter_max, rejects, "
        "run_values, setup_values, stop_after_ns, silent_after_ns, maker, model, serial, bought, "
        "active, note) VALUES (1, 1, 1, %u, 999, %u, '1|AUTO', '2', 60000000000, 30000000000, '', "
        "'', '', '', 1, '')",
        shop->counter, shop->rejects);
    sql(shop, "INSERT INTO items (number, changed_ns, code, name, kind, unit, spec, family, gtin, "
              "lots, active, note) VALUES (1, 0, 'A', 'A', 'product', 'EA', '', '', '', 1, 1, '')");
    sql(shop, "INSERT INTO processes VALUES (1, 0, 'P', 'P', 'own', 1, '')");
    sql(shop, "INSERT INTO work_orders (number, code, item, quantity_u, due, priority, state, "
              "state_before, proposed, note, created_ns, actor) VALUES (1, 'W1', 1, 1000000000, "
              "'2026-01-31', 5, "
              "'running', '', 0, '', 0, 'a')");
    for (int step = 1; step <= 3; step++) {
        sql(shop,
            "INSERT INTO operations (number, work_order, step, process, cycle_ns, state) VALUES "
            "(%d, 1, %d, 1, 1000000000, 'running')",
            step, step);
    }
}

static void shop_close(struct shop *shop) {
    batch_free(shop->batch);
    hist_close(shop->historian);
    place_fini(&shop->place);
}

static void run_begin(struct shop *shop, int number, int64_t begin_ns, int pieces) {
    sql(shop,
        "INSERT INTO runs (number, operation, machine, phase, pieces, begin_ns) VALUES (%d, %d, 1, "
        "'make', %d, %lld)",
        number, number, pieces, (long long)begin_ns);
}

static void run_end(struct shop *shop, int number, int64_t end_ns) {
    sql(shop, "UPDATE runs SET end_ns = %lld WHERE number = %d", (long long)end_ns, number);
}

static void put(struct shop *shop, uint32_t tag, int64_t time_ns, double value, int32_t status) {
    struct sample *row = batch_add(shop->batch);
    assert_non_null(row);
    *row = (struct sample){.tag = tag,
        .time_ns = time_ns,
        .type = TYPE_F64,
        .value.f64 = value,
        .status = (uint32_t)status};
}

static void send(struct shop *shop) {
    struct err err = ERR_INIT;
    assert_int_equal(hist_append(shop->historian, &shop->batch, 1, &err), 0);
    batch_clear(shop->batch);
}

static int64_t number(struct shop *shop, const char *text) {
    return place_number(&shop->place, text);
}

/* "state@second", from T0; reckoned ones with a star. */
static int read_steps(struct ledger_tx *tx, void *context, struct err *err) {
    struct ledger_stmt *stmt;
    int status = ledger_prepare(
        tx, "SELECT time_ns, state, reckoned FROM machine_states ORDER BY time_ns", &stmt, err);
    while (status >= 0 && (status = ledger_step(stmt, err)) > 0) {
        buf_printf(context, "%lld%s@%lld ", (long long)ledger_column_i64(stmt, 1),
            ledger_column_i64(stmt, 2) != 0 ? "*" : "",
            (long long)(ledger_column_i64(stmt, 0) - T0) / S);
    }
    return status;
}

static void assert_steps(struct shop *shop, const char *expected) {
    AUTO_BUF struct buf out;
    buf_init(&out, 1 << 16);
    place_read(&shop->place, read_steps, &out);
    assert_string_equal(buf_z(&out), expected);
}

/* "run:begin-end" in seconds from T0. */
static int read_stops(struct ledger_tx *tx, void *context, struct err *err) {
    struct ledger_stmt *stmt;
    int status = ledger_prepare(tx,
        "SELECT coalesce(run, 0), begin_ns, coalesce(end_ns, -1), coalesce(reason, 0) FROM stops "
        "ORDER BY begin_ns",
        &stmt, err);
    while (status >= 0 && (status = ledger_step(stmt, err)) > 0) {
        int64_t end_ns = ledger_column_i64(stmt, 2);
        buf_printf(context, "%lld:%lld-%lld%s ", (long long)ledger_column_i64(stmt, 0),
            (long long)(ledger_column_i64(stmt, 1) - T0) / S,
            (long long)(end_ns < 0 ? -1 : (end_ns - T0) / S),
            ledger_column_i64(stmt, 3) != 0 ? "!" : "");
    }
    return status;
}

static void assert_stops(struct shop *shop, const char *expected) {
    AUTO_BUF struct buf out;
    buf_init(&out, 1 << 16);
    place_read(&shop->place, read_stops, &out);
    assert_string_equal(buf_z(&out), expected);
}

/* ---- The order of the issue ---- */

struct press {
    int64_t counter;
    int64_t rejects;
    int strokes;
};

/* A stroke a second; every 27th is bad; the controller is switched off and on behind the 300th. */
static void strike(struct press *press) {
    press->strokes++;
    press->counter = press->counter == 999 ? 0 : press->counter + 1;
    press->rejects += press->strokes % 27 == 0;
    if (press->strokes == 300) {
        press->counter = 1;
        press->rejects = 0;
    }
}

/* Whatever the rounds are: `every` batches to a start and a stop of the filler. */
static void thousand_strokes(int every) {
    struct shop shop;
    shop_open(&shop);
    run_begin(&shop, 1, T0, 1);
    struct press press = {.counter = 800, .rejects = 5};
    put(&shop, shop.counter, T0, 800, STATUS_GOOD);
    put(&shop, shop.rejects, T0, 5, STATUS_GOOD);
    send(&shop);
    int sent = 0;
    struct batch *held = batch_new(256, 256); // Comes late.
    for (int second = 1; second <= 1000; second++) {
        strike(&press);
        bool lost = second > 500 && second < 590;
        int64_t time_ns = T0 + second * S;
        put(&shop, shop.counter, time_ns, lost ? 0 : (double)press.counter,
            lost ? STATUS_BAD_COMMUNICATION : STATUS_GOOD);
        put(&shop, shop.rejects, time_ns, lost ? 0 : (double)press.rejects,
            lost ? STATUS_BAD_COMMUNICATION : STATUS_GOOD);
        if (second % 5 != 0) {
            continue;
        }
        if (second == 200) { // Held back, and behind the next batch.
            struct batch *swap = held;
            held = shop.batch;
            shop.batch = swap;
            continue;
        }
        send(&shop);
        if (second == 205) {
            struct err err = ERR_INIT;
            assert_int_equal(hist_append(shop.historian, &held, 1, &err), 0);
        }
        if (++sent % every == 0) {
            fill_up(&shop);
        }
    }
    fill_up(&shop);
    assert_int_equal(number(&shop, "SELECT sum(pieces) - sum(bad) FROM made WHERE run = 1"), 963);
    assert_int_equal(number(&shop, "SELECT sum(bad) FROM made WHERE run = 1"), 37);
    assert_int_equal(number(&shop, "SELECT sum(counts) FROM made WHERE run <> 1"), 0);
    /* The lost link ran: its 90 strokes say so. */
    assert_steps(&shop, "1@0 1*@500 1@590 ");
    assert_stops(&shop, "");
    batch_free(held);
    shop_close(&shop);
}

/* */
static void thousand_strokes_are_963_good_and_37_bad(void **state) {
    (void)state;
    static const int EVERY[] = {1, 1000};
    for (size_t i = 0; i < sizeof EVERY / sizeof EVERY[0]; i++) {
        thousand_strokes(EVERY[i]);
    }
}

/* ---- Stops ---- */

/* A sample a second of an unchanged count, in one batch. */
static void stand(struct shop *shop, int from, int to, double count) {
    for (int second = from; second <= to; second++) {
        put(shop, shop->counter, T0 + second * S, count, STATUS_GOOD);
        if (shop->batch->count == 200) {
            send(shop);
        }
    }
    send(shop);
}

static void strokes(struct shop *shop, int from, int to, double count) {
    for (int second = from; second <= to; second++) {
        put(shop, shop->counter, T0 + second * S, count + second - from, STATUS_GOOD);
    }
    send(shop);
}

static void a_stop_has_its_row_once_it_is_long_enough(void **state) {
    (void)state;
    struct shop shop;
    shop_open(&shop);
    run_begin(&shop, 1, T0, 1);
    strokes(&shop, 0, 20, 100);
    stand(&shop, 21, 79, 120); // 59 s: minor as yet.
    fill_up(&shop);
    assert_stops(&shop, "");
    stand(&shop, 80, 80, 120);
    fill_up(&shop);
    assert_stops(&shop, "1:20--1 ");
    stand(&shop, 81, 150, 120);
    fill_up(&shop);
    assert_stops(&shop, "1:20--1 ");
    sql(&shop,
        "INSERT INTO reasons VALUES (1, 0, 'R', 'stop', 'Material', NULL, 'material', 1, '')");
    sql(&shop, "UPDATE stops SET reason = 1, filed_ns = 1");
    strokes(&shop, 151, 155, 121); // The stroke of second 151 took its cycle of 1 s.
    fill_up(&shop);
    assert_stops(&shop, "1:20-150! ");
    assert_steps(&shop, "1@0 2@20 1@150 ");
    shop_close(&shop);
}

static void one_bad_value_does_not_part_a_stop(void **state) {
    (void)state;
    struct shop shop;
    shop_open(&shop);
    run_begin(&shop, 1, T0, 1);
    strokes(&shop, 0, 20, 100);
    stand(&shop, 21, 100, 120);
    fill_up(&shop);
    assert_stops(&shop, "1:20--1 ");
    sql(&shop, "UPDATE stops SET note = 'seen'");
    put(&shop, shop.counter, T0 + 101 * S, 0, STATUS_BAD_COMMUNICATION);
    send(&shop);
    fill_up(&shop);
    assert_stops(&shop, "1:20-100 "); // Out of sight.
    stand(&shop, 102, 120, 120);
    fill_up(&shop);
    assert_steps(&shop, "1@0 2@20 0@100 2@102 ");
    assert_stops(&shop, "1:20--1 ");
    assert_int_equal(number(&shop, "SELECT count(*) FROM stops WHERE note = 'seen'"), 1);
    put(&shop, shop.counter, T0 + 121 * S, 0, STATUS_BAD_COMMUNICATION);
    send(&shop);
    stand(&shop, 160, 240, 120); // 40 s: nobody knows.
    fill_up(&shop);
    assert_stops(&shop, "1:20-120 1:160--1 ");
    shop_close(&shop);
}

static void a_stop_is_cut_to_the_runs_it_lies_in(void **state) {
    (void)state;
    struct shop shop;
    shop_open(&shop);
    strokes(&shop, 0, 10, 100);
    stand(&shop, 11, 100, 110);
    fill_up(&shop);
    assert_stops(&shop, ""); // Nothing runs there: it stands because there is nothing to do.
    run_begin(&shop, 1, T0 + 100 * S, 1);
    stand(&shop, 101, 159, 110);
    fill_up(&shop);
    assert_stops(&shop, "");
    stand(&shop, 160, 170, 110);
    fill_up(&shop);
    assert_stops(&shop, "1:100--1 ");
    run_end(&shop, 1, T0 + 180 * S);
    stand(&shop, 171, 190, 110);
    fill_up(&shop);
    assert_stops(&shop, "1:100-180 ");
    run_begin(&shop, 2, T0 + 190 * S, 1);
    stand(&shop, 191, 260, 110);
    fill_up(&shop);
    assert_stops(&shop, "1:100-180 2:190--1 ");
    shop_close(&shop);
}

static void a_state_tag_tells_and_late_states_cut_stops(void **state) {
    (void)state;
    struct shop shop;
    shop_open(&shop);
    sql(&shop, "UPDATE machines SET state = %u, changed_ns = 2, silent_after_ns = 500000000000",
        shop.state);
    run_begin(&shop, 1, T0, 1);
    put(&shop, shop.state, T0, 1, STATUS_GOOD);
    put(&shop, shop.state, T0 + 100 * S, 0, STATUS_GOOD);
    put(&shop, shop.state, T0 + 300 * S, 2, STATUS_GOOD);
    send(&shop);
    fill_up(&shop);
    assert_steps(&shop, "1@0 2@100 3@300 ");
    assert_stops(&shop, "1:100-300 ");
    sql(&shop,
        "INSERT INTO reasons VALUES (1, 0, 'R', 'stop', 'Repair', NULL, 'breakdown', 1, '')");
    sql(&shop, "UPDATE stops SET reason = 1, filed_ns = 1");
    put(&shop, shop.state, T0 + 200 * S, 1, STATUS_GOOD); // Came late.
    put(&shop, shop.state, T0 + 220 * S, 0, STATUS_GOOD);
    send(&shop);
    fill_up(&shop);
    assert_steps(&shop, "1@0 2@100 1@200 2@220 3@300 ");
    assert_stops(&shop, "1:100-200! 1:220-300 ");
    assert_true(batch_add_text(shop.batch, shop.state, T0 + 400 * S, STR("AUTO")));
    assert_true(batch_add_text(shop.batch, shop.state, T0 + 420 * S, STR("ALARM")));
    send(&shop);
    fill_up(&shop);
    assert_steps(&shop, "1@0 2@100 1@200 2@220 3@300 1@400 2@420 ");
    shop_close(&shop);
}

/* ---- Runs ---- */

static void pieces_go_to_the_run_of_their_time(void **state) {
    (void)state;
    struct shop shop;
    shop_open(&shop);
    sql(&shop, "UPDATE machines SET pieces = 3, changed_ns = 2");
    run_begin(&shop, 1, T0 + 10 * S, 2);
    run_end(&shop, 1, T0 + 20 * S);
    run_begin(&shop, 2, T0 + 20 * S, 4);
    strokes(&shop, 0, 30, 0);
    put(&shop, shop.rejects, T0 + 1 * S, 0, STATUS_GOOD);
    put(&shop, shop.rejects, T0 + 5 * S, 1, STATUS_GOOD);
    put(&shop, shop.rejects, T0 + 20 * S, 3, STATUS_GOOD);
    send(&shop);
    fill_up(&shop);
    assert_int_equal(number(&shop, "SELECT sum(counts) FROM made"), 30);
    assert_int_equal(number(&shop, "SELECT sum(pieces) FROM made WHERE run = 0"), 9 * 3);
    assert_int_equal(number(&shop, "SELECT sum(pieces) FROM made WHERE run = 1"), 10 * 2);
    assert_int_equal(number(&shop, "SELECT sum(pieces) FROM made WHERE run = 2"), 11 * 4);
    assert_int_equal(number(&shop, "SELECT sum(bad) FROM made WHERE run = 0"), 1);
    assert_int_equal(number(&shop, "SELECT sum(bad) FROM made WHERE run = 2"), 2);
    shop_close(&shop);
}

/* The last shots are worked in when the operation was ended already; they are booked all the same.
 */
static void what_comes_behind_the_end_is_booked(void **state) {
    (void)state;
    struct shop shop;
    shop_open(&shop);
    run_begin(&shop, 1, T0, 1);
    run_end(&shop, 1, T0 + 20 * S);
    strokes(&shop, 0, 15, 0);
    send(&shop);
    fill_up(&shop);
    assert_int_equal(number(&shop, "SELECT count(*) FROM late_pieces"), 1);
    assert_int_equal(number(&shop, "SELECT count(*) FROM production_events"), 0);
    clock_fake_advance(&shop.place.clock, 5 * S);
    fill_up(&shop);
    assert_int_equal(number(&shop, "SELECT count(*) FROM late_pieces"), 0);
    assert_int_equal(
        number(&shop, "SELECT count(*) FROM production_events WHERE type = 'order.book' AND actor "
                      "= 'maru'"),
        1);
    shop_close(&shop);
}

/* The same while the filler goes on, as it does in a plant. */
static void a_filler_that_goes_on_books_what_came_late(void **state) {
    (void)state;
    struct shop shop;
    shop_open(&shop);
    run_begin(&shop, 1, T0, 1);
    run_end(&shop, 1, T0 + 20 * S);
    struct fill_options options = {
        .clock = &shop.clock.clock, .historian = shop.historian, .ledger = shop.place.ledger};
    struct err err = ERR_INIT;
    assert_int_equal(fill_start(&options, &shop.fill, &err), 0);
    strokes(&shop, 0, 15, 0);
    send(&shop);
    int64_t end_ns = clock_mono_ns(clock_system()) + 20 * S;
    while (number(&shop, "SELECT count(*) FROM late_pieces") == 0 &&
           clock_mono_ns(clock_system()) < end_ns) {
        (void)poll(NULL, 0, 10);
    }
    (void)poll(NULL, 0, 600); // Two rounds in which it is too early.
    assert_int_equal(number(&shop, "SELECT count(*) FROM late_pieces"), 1);
    clock_fake_advance(&shop.place.clock, 5 * S);
    while (number(&shop, "SELECT count(*) FROM late_pieces") != 0 &&
           clock_mono_ns(clock_system()) < end_ns) {
        (void)poll(NULL, 0, 10);
    }
    assert_int_equal(number(&shop, "SELECT count(*) FROM late_pieces"), 0);
    fill_stop(shop.fill);
    shop_close(&shop);
}

/* One sample of a clock that is nine hours ahead does not silence the machine for nine hours. */
static void a_clock_that_is_ahead_counts_for_present(void **state) {
    (void)state;
    struct shop shop;
    shop_open(&shop);
    run_begin(&shop, 1, T0, 1);
    shop.clock.wall_ns = T0 + 10 * S;
    strokes(&shop, 0, 10, 0);
    put(&shop, shop.counter, T0 + 10 * S + 9 * 3600 * S, 11, STATUS_GOOD);
    send(&shop);
    fill_up(&shop);
    shop.clock.wall_ns = T0 + 20 * S;
    for (int i = 12; i <= 20; i++) {
        put(&shop, shop.counter, T0 + i * S, i, STATUS_GOOD);
    }
    send(&shop);
    fill_up(&shop);
    assert_int_equal(number(&shop, "SELECT sum(counts) FROM made WHERE run = 1"), 20);
    assert_int_equal(number(&shop, "SELECT max(seen_ns) FROM machine_marks"), T0 + 20 * S);
    shop_close(&shop);
}

static void a_run_entered_late_has_its_stops(void **state) {
    (void)state;
    struct shop shop;
    shop_open(&shop);
    strokes(&shop, 0, 180, 0);
    stand(&shop, 181, 300, 180);
    fill_up(&shop);
    assert_stops(&shop, "");
    run_begin(&shop, 1, T0 + 60 * S, 2);
    stand(&shop, 301, 302, 180);
    fill_up(&shop);
    assert_stops(&shop, "1:180--1 ");
    run_end(&shop, 1, T0 + 100 * S);
    stand(&shop, 303, 304, 180);
    fill_up(&shop);
    assert_stops(&shop, "");
    shop_close(&shop);
}

/* ---- Gone and come ---- */

static void a_history_that_was_replaced_leaves_unknown_time(void **state) {
    (void)state;
    struct shop shop;
    shop_open(&shop);
    run_begin(&shop, 1, T0, 1);
    strokes(&shop, 0, 10, 0);
    fill_up(&shop);
    sql(&shop, "UPDATE cursors SET seq = 1000 WHERE consumer = 'production'");
    fill_up(&shop);
    assert_steps(&shop, "1@0 0@10 ");
    assert_int_equal(number(&shop, "SELECT seq FROM cursors WHERE consumer = 'production'"), 1);
    strokes(&shop, 20, 30, 18);
    fill_up(&shop);
    /* The counter went on: 8 strokes of 1 s before second 20. */
    assert_int_equal(number(&shop, "SELECT sum(counts) FROM made WHERE run = 1"), 28);
    assert_steps(&shop, "1@0 0@10 1*@12 1@20 ");
    shop_close(&shop);
}

static void a_machine_is_followed_from_when_it_is_entered(void **state) {
    (void)state;
    struct shop shop;
    shop_open(&shop);
    sql(&shop, "UPDATE machines SET active = 0, changed_ns = 2");
    strokes(&shop, 0, 10, 0);
    fill_up(&shop);
    assert_int_equal(number(&shop, "SELECT count(*) FROM machine_marks"), 0);
    struct fill_options options = {
        .clock = &shop.place.clock.clock, .historian = shop.historian, .ledger = shop.place.ledger};
    struct err err = ERR_INIT;
    assert_int_equal(fill_start(&options, &shop.fill, &err), 0);
    sql(&shop, "UPDATE machines SET active = 1, changed_ns = 3");
    fill_changed(shop.fill);
    strokes(&shop, 11, 20, 11);
    fill_stop(shop.fill);
    assert_int_equal(number(&shop, "SELECT sum(counts) FROM made WHERE run = 0"), 9);
    /* Another counter begins anew. */
    sql(&shop, "UPDATE machines SET counter = rejects, rejects = NULL, changed_ns = 4");
    put(&shop, shop.rejects, T0 + 30 * S, 5000, STATUS_GOOD);
    put(&shop, shop.rejects, T0 + 31 * S, 5001, STATUS_GOOD);
    send(&shop);
    fill_up(&shop);
    assert_int_equal(number(&shop, "SELECT sum(counts) FROM made WHERE run = 0"), 10);
    shop_close(&shop);
}

static void corrections_and_refined_versions_do_not_count(void **state) {
    (void)state;
    struct shop shop;
    shop_open(&shop);
    strokes(&shop, 0, 10, 0);
    put(&shop, shop.counter, T0 + 11 * S, 500, STATUS_GOOD);
    shop.batch->rows[0].flags = SAMPLE_CORRECTION;
    put(&shop, shop.counter, T0 + 12 * S, 600, STATUS_GOOD);
    shop.batch->rows[1].flags = SAMPLE_REFINED;
    send(&shop);
    strokes(&shop, 13, 13, 11);
    fill_up(&shop);
    assert_int_equal(number(&shop, "SELECT sum(counts) FROM made"), 11);
    shop_close(&shop);
}

/* ---- However it is cut into rounds ---- */

static int read_made(struct ledger_tx *tx, void *context, struct err *err) {
    struct ledger_stmt *stmt;
    int status = ledger_prepare(tx,
        "SELECT run, minute_ns, counts, pieces, bad FROM made ORDER BY minute_ns, run", &stmt, err);
    while (status >= 0 && (status = ledger_step(stmt, err)) > 0) {
        for (int column = 0; column < 5; column++) {
            buf_printf(context, "%lld ", (long long)ledger_column_i64(stmt, column));
        }
    }
    return status;
}

static uint32_t next_random(uint32_t *seed) {
    *seed = *seed * 1664525U + 1013904223U;
    return *seed >> 8;
}

/* Strokes, standstills, lost links, states that come late, resets: what a seed says. */
static void random_shift(struct shop *shop, uint32_t seed, bool has_state, int every) {
    if (has_state) {
        sql(shop, "UPDATE machines SET state = %u, changed_ns = 2", shop->state);
    }
    run_begin(shop, 1, T0 + 100 * S, 2);
    run_end(shop, 1, T0 + 700 * S);
    run_begin(shop, 2, T0 + 800 * S, 1);
    int64_t count = 900;
    int mode = 0; // 0 strikes, 1 stands, 2 lost, 3 silent.
    int until = 0;
    for (int second = 1; second <= 1500; second++) {
        if (second >= until) {
            mode = (int)(next_random(&seed) % 4);
            until = second + 5 + (int)(next_random(&seed) % 120);
        }
        bool reset = next_random(&seed) % 200 == 0;
        bool strikes = mode != 1 && next_random(&seed) % 3 == 0;
        int late = next_random(&seed) % 10 == 0 ? (int)(next_random(&seed) % 60) : 0;
        uint32_t told = next_random(&seed) % 4;
        count = reset ? 0 : (count + strikes) % 1000;
        int32_t status = mode == 2 ? STATUS_BAD_COMMUNICATION : STATUS_GOOD;
        if (mode != 3) {
            put(shop, shop->counter, T0 + second * S, (double)count, status);
            if (has_state && second % 4 == 0) {
                put(shop, shop->state, T0 + (second - late) * S, told, status);
            }
        }
        if (second % 5 == 0 && shop->batch->count > 0) {
            send(shop);
        }
        if (second % every == 0) {
            fill_up(shop);
        }
    }
    fill_up(shop);
}

static void dump(struct shop *shop, struct buf *out) {
    place_read(&shop->place, read_steps, out);
    place_read(&shop->place, read_stops, out);
    place_read(&shop->place, read_made, out);
}

static void rounds_and_restarts_change_nothing(void **state) {
    (void)state;
    for (uint32_t seed = 1; seed <= 4; seed++) {
        AUTO_BUF struct buf once;
        AUTO_BUF struct buf often;
        buf_init(&once, 1 << 20);
        buf_init(&often, 1 << 20);
        struct shop shop;
        shop_open(&shop);
        random_shift(&shop, seed, seed % 2 == 0, 10000);
        dump(&shop, &once);
        shop_close(&shop);
        shop_open(&shop);
        random_shift(&shop, seed, seed % 2 == 0, 35);
        dump(&shop, &often);
        shop_close(&shop);
        assert_true(once.size > 200);
        assert_string_equal(buf_z(&often), buf_z(&once));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(thousand_strokes_are_963_good_and_37_bad),
        cmocka_unit_test(a_stop_has_its_row_once_it_is_long_enough),
        cmocka_unit_test(one_bad_value_does_not_part_a_stop),
        cmocka_unit_test(a_stop_is_cut_to_the_runs_it_lies_in),
        cmocka_unit_test(a_state_tag_tells_and_late_states_cut_stops),
        cmocka_unit_test(pieces_go_to_the_run_of_their_time),
        cmocka_unit_test(what_comes_behind_the_end_is_booked),
        cmocka_unit_test(a_filler_that_goes_on_books_what_came_late),
        cmocka_unit_test(a_clock_that_is_ahead_counts_for_present),
        cmocka_unit_test(a_run_entered_late_has_its_stops),
        cmocka_unit_test(a_history_that_was_replaced_leaves_unknown_time),
        cmocka_unit_test(a_machine_is_followed_from_when_it_is_entered),
        cmocka_unit_test(rounds_and_restarts_change_nothing),
        cmocka_unit_test(corrections_and_refined_versions_do_not_count),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
