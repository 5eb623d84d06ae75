/*
 * What machines make and lose, over HTTP: one morning of a press whose figures are known, asked
 * whole, by shift, by order and by line; its stops, and a reason by one tap.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "support_server.h"

#define BASE    "/api/v1/plants/p1/production/"
#define MORNING "from=2026-01-05T08:00:00%2B09:00&to=2026-01-05T12:00:00%2B09:00"
#define B       "1767567600" // Its begin in seconds; a Monday.

static struct rig rig;

/* 4 hours: a stop of 10 minutes for material, one of 5 nobody explained; 1,000 good and 100 bad at
 * 10 s a piece. */
static const char *const ROWS[] = {
    "INSERT INTO assets (number, id, level, display, kind) VALUES (101, 'hall7', 'line', 'Hall', "
    "''), "
    "(102, 'press71', 'equipment', 'Press', ''), (103, 'press72', 'equipment', 'Other', '')",
    "INSERT INTO calendars VALUES (1, 0, 'K', 'K', '08:00', '')",
    "INSERT INTO shifts VALUES (1, 0, 1, 'D', 'Day', '1234567', '08:00', '20:00', '12:00-13:00')",
    "INSERT INTO workcentres (number, changed_ns, code, name, line, calendar, machine_rate_u, "
    "active, note) VALUES (1, 0, 'W', 'W', 101, 1, 36000000000, 1, '')",
    "INSERT INTO machines (number, changed_ns, asset, workcentre, run_values, setup_values, maker, "
    "model, serial, bought, active, note) VALUES (1, 0, 102, 1, '1', '', '', '', '', '', 1, ''), "
    "(2, 0, 103, NULL, '1', '', '', '', '', '', 1, '')",
    "INSERT INTO items (number, changed_ns, code, name, kind, unit, spec, family, gtin, lots, "
    "active, note) VALUES (1, 0, 'A', 'Case', 'product', 'EA', '', '', '', 1, 1, '')",
    "INSERT INTO processes (number, changed_ns, code, name, kind, active, note) VALUES (1, 0, 'P', "
    "'P', 'own', 1, '')",
    "INSERT INTO work_orders (number, code, item, quantity_u, due, priority, state, state_before, "
    "proposed, note, created_ns, actor) VALUES (1, 'W1', 1, 1500000000, '2026-01-31', 5, "
    "'running', "
    "'', 0, '', 0, 'a')",
    "INSERT INTO operations (number, work_order, step, process, cycle_ns, state) VALUES (1, 1, 10, "
    "1, 10000000000, 'running')",
    "INSERT INTO runs (number, operation, machine, phase, pieces, begin_ns, end_ns) VALUES (1, 1, "
    "1, 'make', 1, " B "000000000, " B "000000000 + 14400000000000)",
    "INSERT INTO made (machine, run, minute_ns, counts, pieces, bad) VALUES (1, 1, " B "000000000, "
    "600, 600, 60), (1, 1, " B "000000000 + 7200000000000, 500, 500, 40)",
    "INSERT INTO machine_states (machine, time_ns, state, reckoned) VALUES (1, " B "000000000, 1, "
    "0), (1, " B "000000000 + 3600000000000, 2, 0), (1, " B
    "000000000 + 4200000000000, 1, 0), (1, " B "000000000 + 7200000000000, 2, 0), (1, " B
    "000000000 + 7500000000000, 1, 0)",
    "INSERT INTO machine_marks VALUES (1, " B "000000000 + 14400000000000, '{}')",
    "INSERT INTO reasons (number, changed_ns, code, kind, name, loss, active, note) VALUES (1, 0, "
    "'MAT', 'stop', 'Material', 'material', 1, ''), (2, 0, 'FIX', 'stop', 'Repair', 'breakdown', "
    "1, "
    "''), (3, 0, 'SHORT', 'defect', 'Short shot', 'other', 1, '')",
    "INSERT INTO stops (number, machine, run, begin_ns, end_ns, reason, filed_ns, note) VALUES (1, "
    "1, 1, " B "000000000 + 3600000000000, " B "000000000 + 4200000000000, 1, 1, ''), (2, 1, 1, " B
    "000000000 + 7200000000000, " B "000000000 + 7500000000000, NULL, NULL, '')",
};

static int put_rows(struct ledger_tx *tx, void *context, struct err *err) {
    (void)context;
    for (size_t i = 0; i < sizeof ROWS / sizeof ROWS[0]; i++) {
        struct ledger_stmt *stmt;
        int status = ledger_prepare(tx, ROWS[i], &stmt, err);
        status = status < 0 ? status : ledger_step(stmt, err);
        if (status < 0) {
            return status;
        }
    }
    return 0;
}

static int open_rig(void **state) {
    (void)state;
    rig_open(&rig, NULL, false);
    struct err err = ERR_INIT;
    int status = ledger_write(plant_ledger(rig.plant), put_rows, NULL, &err);
    if (status < 0) {
        AUTO_BUF struct buf words;
        buf_init(&words, 4096);
        err_render(&err, LANG_EN, &words);
        print_message("%s", buf_z(&words));
    }
    return status;
}

static int close_rig(void **state) {
    (void)state;
    rig_close(&rig);
    return 0;
}

static json_t *get(const char *target) {
    AUTO_ANSWER struct answer answer;
    rig_get(&rig, target, 200, &answer);
    json_t *root = json_loads(buf_z(&answer.body), 0, NULL);
    assert_non_null(root);
    return root;
}

static double number_of(const json_t *object, const char *key) {
    return json_number_value(json_object_get(object, key));
}

static const char *text_of(const json_t *object, const char *key) {
    return json_string_value(json_object_get(object, key));
}

static void assert_close(double value, double expected) {
    assert_true(fabs(value - expected) < 1e-9 * (1 + fabs(expected)));
}

static void assert_morning(const json_t *kpi) {
    assert_close(number_of(kpi, "apt_s"), 13500);
    assert_close(number_of(kpi, "pbt_s"), 14400);
    assert_close(number_of(kpi, "pq"), 1100);
    assert_close(number_of(kpi, "gq"), 1000);
    assert_close(number_of(kpi, "sq"), 100);
    assert_close(number_of(kpi, "availability"), 13500.0 / 14400);
    assert_close(number_of(kpi, "effectiveness"), 11000.0 / 13500);
    assert_close(number_of(kpi, "quality"), 1000.0 / 1100);
    assert_close(number_of(kpi, "oee"), 10000.0 / 14400);
}

static void figures_come_by_machine(void **state) {
    (void)state;
    json_t *root = get(BASE "kpi?line=hall7&by=machine&" MORNING);
    json_t *items = json_object_get(root, "items");
    assert_int_equal(json_array_size(items), 1);
    assert_string_equal(text_of(json_array_get(items, 0), "machine"), "press71");
    assert_morning(json_array_get(items, 0));
    assert_morning(json_object_get(root, "total"));
    json_decref(root);
    root = get(BASE "kpi?by=machine&" MORNING);
    items = json_object_get(root, "items");
    assert_true(json_array_size(items) >= 2);
    assert_null(text_of(json_object_get(root, "total"), "machine"));
    json_decref(root);
}

/* The same morning however it is asked for. */
static void figures_are_those_of_the_tables(void **state) {
    (void)state;
    static const char *const TARGETS[] = {BASE "kpi?machine=press71&" MORNING,
        BASE "kpi?line=hall7&" MORNING, BASE "kpi?order=W1&" MORNING,
        BASE "kpi?machine=press71&by=shift&" MORNING, BASE "kpi?machine=press71&by=day&" MORNING};
    for (size_t i = 0; i < sizeof TARGETS / sizeof TARGETS[0]; i++) {
        json_t *root = get(TARGETS[i]);
        json_t *items = json_object_get(root, "items");
        assert_int_equal(json_array_size(items), 1);
        assert_morning(json_array_get(items, 0));
        assert_morning(json_object_get(root, "total"));
        json_decref(root);
    }
    json_t *root = get(BASE "kpi?machine=press71&by=shift&" MORNING);
    const json_t *first = json_array_get(json_object_get(root, "items"), 0);
    assert_string_equal(text_of(first, "day"), "2026-01-05");
    assert_string_equal(text_of(first, "shift"), "D");
    json_decref(root);
}

static void leaves_sum_to_the_time_asked_for(void **state) {
    (void)state;
    json_t *root = get(BASE "losses?line=hall7&" MORNING);
    const json_t *items = json_object_get(root, "items");
    double minutes = 0;
    for (size_t i = 0; i < json_array_size(items); i++) {
        const json_t *loss = json_array_get(items, i);
        minutes += number_of(loss, "minutes");
        if (strcmp(text_of(loss, "leaf"), "material") == 0) {
            assert_close(number_of(loss, "minutes"), 10);
            assert_close(number_of(loss, "pieces"), 60);
            assert_close(number_of(loss, "won"), 6000);
        }
        if (strcmp(text_of(loss, "leaf"), "unreasoned") == 0) {
            assert_close(number_of(loss, "minutes"), 5);
        }
        if (strcmp(text_of(loss, "leaf"), "speed") == 0) {
            assert_close(number_of(loss, "minutes"), 2500.0 / 60);
        }
    }
    assert_close(minutes, 240);
    assert_close(number_of(root, "minutes"), 240);
    json_decref(root);
    /* Two machines, one of which nobody uses: eight hours. */
    root = get(BASE "losses?" MORNING);
    assert_close(number_of(root, "minutes"), 480);
    json_decref(root);
}

static void machines_show_their_day(void **state) {
    (void)state;
    json_t *root = get(BASE "machines");
    const json_t *items = json_object_get(root, "items");
    assert_int_equal(json_array_size(items), 2);
    const json_t *press = json_array_get(items, 0);
    assert_string_equal(text_of(press, "machine"), "press71");
    assert_string_equal(text_of(press, "state"), "unknown"); // Silent since that morning.
    assert_string_equal(text_of(press, "since"), "2026-01-05T03:00:00Z");
    assert_true(json_is_null(json_object_get(press, "run")));
    assert_true(json_is_null(json_object_get(press, "stop")));
    json_decref(root);
}

static void tell(const char *key, const char *body, int status) {
    const struct telling telling = {
        .key = key, .more = "Accept-Language: en\r\n", .body = body, .status = status};
    AUTO_ANSWER struct answer answer;
    rig_tell(&rig, &telling, &answer);
}

static size_t stops_of(const char *query) {
    char target[256];
    (void)snprintf(target, sizeof target, BASE "stops?%s", query);
    json_t *root = get(target);
    size_t count = json_array_size(json_object_get(root, "items"));
    json_decref(root);
    return count;
}

static void a_stop_is_filed_by_one_tap(void **state) {
    (void)state;
    assert_int_equal(stops_of("machine=press71"), 2);
    assert_int_equal(stops_of("machine=press72"), 0);
    assert_int_equal(stops_of("open=1"), 0);
    assert_int_equal(stops_of(MORNING), 2);
    assert_int_equal(stops_of("unreasoned=1"), 1);
    json_t *root = get(BASE "stops/2/reasons");
    const json_t *items = json_object_get(root, "items");
    assert_int_equal(json_array_size(items), 2);
    assert_string_equal(text_of(json_array_get(items, 0), "reason"), "MAT"); // It was so before.
    assert_string_equal(text_of(json_array_get(items, 1), "reason"), "FIX");
    json_decref(root);
    tell("s1", "{\"type\":\"stop.file\",\"stop\":2,\"reason\":\"SHORT\"}", 400);
    tell("s2", "{\"type\":\"stop.file\",\"stop\":9,\"reason\":\"FIX\"}", 404);
    assert_int_equal(stops_of("unreasoned=1"), 1);
    tell("s3", "{\"type\":\"stop.file\",\"stop\":2,\"reason\":\"FIX\",\"note\":\"Nozzle\"}", 200);
    assert_int_equal(stops_of("unreasoned=1"), 0);
    root = get(BASE "stops?limit=1");
    const json_t *stop = json_array_get(json_object_get(root, "items"), 0);
    assert_string_equal(text_of(stop, "reason"), "FIX");
    assert_string_equal(text_of(stop, "loss"), "breakdown");
    assert_string_equal(text_of(stop, "note"), "Nozzle");
    assert_string_equal(text_of(stop, "order"), "W1");
    assert_close(number_of(stop, "seconds"), 300);
    assert_string_equal(text_of(root, "next"), "2");
    json_decref(root);
}

static void what_nobody_knows_is_said(void **state) {
    (void)state;
    static const struct {
        const char *target;
        int status;
    } CASES[] = {{BASE "kpi?machine=press9", 404}, {BASE "kpi?line=x", 404},
        {BASE "losses?order=x", 404}, {BASE "stops/77/reasons", 404}, {BASE "stops/x/reasons", 404},
        {BASE "kpi?from=2026-01-05&to=2026-01-04", 400}, {BASE "kpi?by=week", 400},
        {BASE "kpi?from=2020-01-01&by=shift", 400}};
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        AUTO_ANSWER struct answer answer;
        rig_ask(&rig, "GET", CASES[i].target, rig.viewer, STR_NONE, &answer);
        if (answer.status != CASES[i].status) {
            fail_msg("%s gave %d: %s", CASES[i].target, answer.status, buf_z(&answer.body));
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(figures_come_by_machine),
        cmocka_unit_test(figures_are_those_of_the_tables),
        cmocka_unit_test(leaves_sum_to_the_time_asked_for),
        cmocka_unit_test(machines_show_their_day),
        cmocka_unit_test(a_stop_is_filed_by_one_tap),
        cmocka_unit_test(what_nobody_knows_is_said),
    };
    return cmocka_run_group_tests(tests, open_rig, close_rig);
}
