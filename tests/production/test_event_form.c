/*
 * Papers of the shop floor: what a sheet must be about, what its values may be, versions,
 * corrections, and which sheets are due.
 */
#include "production/event.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "production/form.h"
#include "tests/production/support_shop.h"

static struct shop shop;

static int64_t number(const char *sql) {
    return place_number(&shop.place, sql);
}

/* 22:13:20 UTC is in the shift N, 20:00 to 08:00 of 2023-11-14. */
static int open_shop(void **state) {
    (void)state;
    shop_open(&shop);
    place_sql(&shop.place,
        "INSERT INTO calendars (number, changed_ns, code, name, day_start, note) "
        "VALUES (1, 0, 'C', 'Two shifts', '08:00', '')");
    place_sql(&shop.place,
        "INSERT INTO shifts (number, changed_ns, calendar, code, name, weekdays, begin_clock, "
        "end_clock, breaks) VALUES (1, 0, 1, 'D', 'Day', '1234567', '08:00', '20:00', ''), (2, 0, "
        "1, 'N', 'Night', '1234567', '20:00', '08:00', '')");
    place_sql(&shop.place, "INSERT INTO workcentres (number, changed_ns, code, name, calendar, "
                           "active, note) VALUES (1, 0, 'WC', 'Moulding', 1, 1, '')");
    place_sql(&shop.place, "UPDATE machines SET workcentre = 1");
    return 0;
}

static int close_shop(void **state) {
    (void)state;
    shop_close(&shop);
    return 0;
}

struct asking {
    struct json json;
    struct form_ask ask;
    struct form_query query;
    struct str form;
    struct arena arena;
};

static int sheet(struct ledger_tx *tx, void *context, struct err *err) {
    struct asking *asking = context;
    return form_put_sheet(tx, asking->form, &asking->ask, &asking->arena, &asking->json, err);
}

static int due(struct ledger_tx *tx, void *context, struct err *err) {
    struct asking *asking = context;
    return form_put_due(tx, &asking->ask, &asking->json, err);
}

static int entries(struct ledger_tx *tx, void *context, struct err *err) {
    struct asking *asking = context;
    int64_t next = 0;
    int count = form_put_entries(tx, &asking->query, &asking->json, &next, err);
    return count < 0 ? count : 0;
}

static struct asking asking_of(const char *form) {
    struct asking asking = {.form = str_of(form)};
    asking.ask = (struct form_ask){.now_ns = shop.place.clock.wall_ns,
        .about = {.machine = STR_NONE,
            .order = STR_NONE,
            .lot = STR_NONE,
            .shift = STR_NONE,
            .day = FORM_TODAY}};
    asking.query = (struct form_query){.form = str_of(form),
        .machine = STR_NONE,
        .order = STR_NONE,
        .lot = STR_NONE,
        .day = STR_NONE,
        .before = INT64_MAX,
        .limit = 100};
    return asking;
}

/* What a question gives, as JSON in `out`. */
static void ask(struct asking *asking, ledger_fn fn, struct buf *out) {
    buf_init(out, 1 << 20);
    arena_init(&asking->arena, 0);
    json_init(&asking->json, out);
    bool object = fn == sheet;
    if (object) {
        json_object_begin(&asking->json);
    } else {
        json_array_begin(&asking->json);
    }
    place_read(&shop.place, fn, asking);
    if (object) {
        json_object_end(&asking->json);
    } else {
        json_array_end(&asking->json);
    }
    arena_fini(&asking->arena);
}

static bool holds(struct asking asking, ledger_fn fn, const char *text) {
    AUTO_BUF struct buf out;
    ask(&asking, fn, &out);
    bool found = strstr(buf_z(&out), text) != NULL;
    if (!found) {
        print_message("%s\n", buf_z(&out));
    }
    return found;
}

static void a_ready_form_is_taken_in_the_language_of_the_taker(void **state) {
    (void)state;
    SHOP_DONE(&shop, "form.take", "ready=equipment", NULL);
    assert_true(shop_answered(&shop, "\"form\":\"CHECK\""));
    assert_int_equal(number("SELECT name = 'Daily check of equipment' FROM forms"), 1);
    assert_int_equal(number("SELECT count(*) FROM form_fields"), 11);
    SHOP_REFUSED(&shop, ERR_EXISTS, "form.take", "ready=equipment");
    shop.lang = LANG_KO;
    SHOP_DONE(&shop, "form.take", "ready=daily", "code=일보", NULL);
    assert_int_equal(number("SELECT name = '작업일보' FROM forms WHERE number = 2"), 1);
    shop.lang = LANG_EN;
    SHOP_DONE(&shop, "form.take", "ready=self", NULL);
    assert_int_equal(
        number("SELECT choices = 'first|middle|last' FROM form_fields WHERE field = 'stage'"), 1);
    shop.manages = false;
    SHOP_REFUSED(&shop, ERR_FORBIDDEN, "form.take", "ready=self", "code=S2");
}

static void values_outside_their_limits_are_taken_and_told(void **state) {
    (void)state;
    SHOP_DONE(&shop, "form.take", "ready=equipment", NULL);
    place_sql(&shop.place, "DELETE FROM form_fields WHERE field NOT IN ('oil', 'oil_heat')");
    SHOP_REFUSED(&shop, ERR_INVALID, "form.fill", "form=CHECK", "field=oil", "value=1");
    assert_true(shop_said(&shop, "which machine"));
    SHOP_REFUSED(&shop, ERR_INVALID, "form.fill", "form=CHECK", "machine=press1");
    assert_true(shop_said(&shop, "must be filled in"));
    SHOP_REFUSED(&shop, ERR_INVALID, "form.fill", "form=CHECK", "machine=press1", "field=oil",
        "value=maybe");
    SHOP_REFUSED(&shop, ERR_INVALID, "form.fill", "form=CHECK", "machine=press1", "field=oil",
        "value=1", "field=oil_heat", "value=warm");
    SHOP_REFUSED(&shop, ERR_INVALID, "form.fill", "form=CHECK", "machine=press1", "field=oil",
        "value=1", "field=wrong", "value=1");
    SHOP_REFUSED(&shop, ERR_INVALID, "form.fill", "form=CHECK", "machine=press1", "field=oil",
        "value=1", "field=oil", "value=0");
    assert_int_equal(number("SELECT count(*) FROM form_entries"), 0);
    SHOP_DONE(&shop, "form.fill", "form=CHECK", "machine=press1", "field=oil", "value=0",
        "field=oil_heat", "value=61.5", "worker=900001", NULL);
    assert_true(shop_answered(&shop, "\"outside\":2"));
    assert_true(shop_answered(&shop, "61.5 lies outside 20 to 55"));
    assert_true(shop_answered(&shop, "\"day\":\"2023-11-14\",\"shift\":\"\""));
    assert_int_equal(number("SELECT outside FROM form_entries"), 2);
    assert_int_equal(number("SELECT real = 61.5 FROM form_rows WHERE field = 'oil_heat'"), 1);
    SHOP_DONE(&shop, "form.fill", "form=CHECK", "machine=press1", "field=oil", "value=1", NULL);
    assert_true(shop_answered(&shop, "already as entry 1"));
    // Once more under one key is once.
    assert_int_equal(shop_tell_key(&shop, "k", "form.fill", "form=CHECK", "machine=press1",
                         "field=oil", "value=1", NULL),
        0);
    assert_int_equal(shop_tell_key(&shop, "k", "form.fill", "form=CHECK", "machine=press1",
                         "field=oil", "value=1", NULL),
        0);
    assert_int_equal(number("SELECT count(*) FROM form_entries"), 3);
}

static void an_entry_keeps_the_form_it_was_filled_in_with(void **state) {
    (void)state;
    SHOP_DONE(&shop, "form.take", "ready=equipment", NULL);
    place_sql(&shop.place, "UPDATE form_fields SET needed = 0");
    SHOP_DONE(&shop, "form.fill", "form=CHECK", "machine=press1", "field=air", "value=0.5", NULL);
    SHOP_DONE(&shop, "form.fill", "form=CHECK", "machine=press1", "field=air", "value=0.6", NULL);
    assert_int_equal(number("SELECT count(*) FROM form_versions"), 1);
    place_sql(&shop.place, "UPDATE form_fields SET name = 'pressure of air' WHERE field = 'air'");
    SHOP_DONE(&shop, "form.fill", "form=CHECK", "machine=press1", "field=air", "value=0.6", NULL);
    assert_int_equal(number("SELECT max(version) FROM form_versions"), 2);
    place_sql(&shop.place, "DELETE FROM form_fields WHERE field = 'air'");
    struct asking asking = asking_of("CHECK");
    asking.query.number = 1;
    assert_true(holds(asking, entries, "\"name\":\"air pressure\""));
    asking.query.number = 3;
    assert_true(holds(asking, entries, "\"name\":\"pressure of air\""));
    assert_true(holds(asking, entries, "\"version\":2"));
    assert_true(holds(asking, entries, "\"field\":\"air\",\"value\":\"0.6\",\"number\":0.6"));
}

static void a_correction_keeps_the_original(void **state) {
    (void)state;
    SHOP_DONE(&shop, "form.take", "ready=equipment", NULL);
    place_sql(&shop.place, "UPDATE form_fields SET needed = 0");
    SHOP_DONE(&shop, "form.fill", "form=CHECK", "machine=press1", "field=air", "value=5", NULL);
    SHOP_REFUSED(&shop, ERR_INVALID, "form.fill", "form=CHECK", "machine=press1", "field=air",
        "value=0.5", "replaces=1");
    assert_true(shop_said(&shop, "say why"));
    SHOP_DONE(&shop, "form.fill", "form=CHECK", "machine=press1", "field=air", "value=0.5",
        "replaces=1", "why=unit", NULL);
    assert_int_equal(number("SELECT replaced_by FROM form_entries WHERE number = 1"), 2);
    assert_int_equal(
        number("SELECT value = '5' FROM form_values WHERE entry = 1 AND field = 'air'"), 1);
    SHOP_REFUSED(&shop, ERR_CONFLICT, "form.fill", "form=CHECK", "machine=press1", "field=air",
        "value=0.4", "replaces=1", "why=again");
    assert_true(shop_said(&shop, "corrected by entry 2"));
    SHOP_REFUSED(&shop, ERR_NOT_FOUND, "form.fill", "form=CHECK", "machine=press1", "field=air",
        "value=0.4", "replaces=7", "why=again");
    struct asking asking = asking_of("CHECK");
    asking.query.no_replaced = true;
    assert_true(holds(asking, entries, "[{\"number\":2,"));
}

/* Good, bad and minutes come from the counter and the states, within the shift. R-002 */
static void what_was_counted_comes_by_itself(void **state) {
    (void)state;
    SHOP_DONE(&shop, "form.take", "ready=daily", NULL);
    place_sql(&shop.place, "UPDATE form_fields SET needed = 0");
    // 19:00 (before the shift) and 21:00, 22:00.
    place_sql(&shop.place,
        "INSERT INTO made (machine, run, minute_ns, counts, pieces, bad) VALUES (1, 0, "
        "1699988400000000000, 50, 50, 1), (1, 0, 1699995600000000000, 40, 40, 3), (1, 0, "
        "1699999200000000000, 10, 20, 0)");
    place_sql(&shop.place, "INSERT INTO machine_states VALUES (1, 1699995600000000000, 1, 0), (1, "
                           "1699999200000000000, 2, 0)");
    place_sql(&shop.place, "INSERT INTO machine_marks VALUES (1, 1700000000000000000, '{}')");
    place_sql(&shop.place, "INSERT INTO stops (number, machine, begin_ns, end_ns, note) VALUES (1, "
                           "1, 1699999200000000000, 1699999800000000000, '')");
    struct asking asking = asking_of("DAILY");
    asking.ask.about.machine = STR("press1");
    assert_true(holds(asking, sheet, "\"shift\":\"N\""));
    assert_true(holds(asking, sheet,
        "\"kind\":\"good\",\"unit\":\"EA\",\"lower\":null,\"upper\":"
        "null,\"choices\":[],\"tag\":null,\"needed\":false,\"note\":"
        "null,\"value\":\"57\""));
    SHOP_DONE(&shop, "form.fill", "form=DAILY", "machine=press1", NULL);
    assert_int_equal(number("SELECT real FROM form_rows WHERE field = 'good'"), 57);
    assert_int_equal(number("SELECT real FROM form_rows WHERE field = 'bad'"), 3);
    assert_int_equal(number("SELECT real FROM form_rows WHERE field = 'run'"), 60);
    assert_int_equal(number("SELECT real FROM form_rows WHERE field = 'stop'"), 10);
    assert_int_equal(number("SELECT shift = 'N' FROM form_entries"), 1);
    // For the shift before, by name.
    SHOP_DONE(
        &shop, "form.fill", "form=DAILY", "machine=press1", "day=2023-11-14", "shift=D", NULL);
    assert_int_equal(number("SELECT real FROM form_rows WHERE field = 'good' AND entry = 2"), 49);
    SHOP_REFUSED(&shop, ERR_INVALID, "form.fill", "form=DAILY", "machine=press1", "shift=X");
    assert_true(shop_said(&shop, "no shift X"));
}

/* From Monday to Tuesday, and the machine did other work besides. */
static void a_sheet_of_an_order_is_about_all_its_work(void **state) {
    (void)state;
    SHOP_DONE(&shop, "form.take", "ready=daily", NULL);
    place_sql(&shop.place, "UPDATE form_fields SET needed = 0");
    place_sql(&shop.place, "UPDATE forms SET every = 'order'");
    place_sql(&shop.place, "INSERT INTO processes VALUES (1, 0, 'P', 'P', 'own', 1, '')");
    place_sql(&shop.place,
        "INSERT INTO work_orders (number, code, item, quantity_u, due, priority, state, "
        "state_before, proposed, note, created_ns, actor) VALUES (1, 'W1', 4, 1000000, "
        "'2026-01-31', 5, 'running', '', 0, '', 0, 'a')");
    place_sql(&shop.place, "INSERT INTO operations (number, work_order, step, process, state) "
                           "VALUES (1, 1, 10, 1, 'paused')");
    place_sql(&shop.place,
        "INSERT INTO runs (number, operation, machine, phase, pieces, begin_ns, end_ns) VALUES (1, "
        "1, 1, 'make', 1, 1699902000000000000, 1699905600000000000), (2, 1, 1, 'make', 1, "
        "1699995600000000000, 1699999200000000000)");
    place_sql(&shop.place,
        "INSERT INTO made (machine, run, minute_ns, counts, pieces, bad) VALUES (1, 1, "
        "1699902060000000000, 30, 30, 1), (1, 0, 1699950000000000000, 500, 500, 0), (1, 2, "
        "1699995660000000000, 40, 40, 2)");
    place_sql(&shop.place, "INSERT INTO machine_states VALUES (1, 1699900000000000000, 1, 0)");
    place_sql(&shop.place, "INSERT INTO machine_marks VALUES (1, 1700000000000000000, '{}')");
    SHOP_DONE(&shop, "form.fill", "form=DAILY", "machine=press1", "order=W1", NULL);
    assert_int_equal(number("SELECT real FROM form_rows WHERE field = 'good'"), 67);
    assert_int_equal(number("SELECT real FROM form_rows WHERE field = 'bad'"), 3);
    assert_int_equal(number("SELECT real FROM form_rows WHERE field = 'run'"), 120);
}

/* Whoever holds a badge is its worker: it is kept neither in the sheet nor in the event. */
static void a_badge_on_a_sheet_becomes_a_code(void **state) {
    (void)state;
    SHOP_DONE(&shop, "form.take", "ready=daily", NULL);
    place_sql(&shop.place, "UPDATE form_fields SET needed = 0");
    place_sql(&shop.place,
        "INSERT INTO form_fields (changed_ns, form, field, line, name, kind, unit, choices, "
        "needed, note) VALUES (0, 1, 'who', 99, 'Who', 'worker', '', '', 0, '')");
    SHOP_DONE(
        &shop, "form.fill", "form=DAILY", "machine=press1", "field=who", "value=900001", NULL);
    assert_int_equal(number("SELECT count(*) FROM form_values WHERE value = 'W1'"), 1);
    assert_int_equal(
        number("SELECT count(*) FROM production_events WHERE body LIKE '%900001%'"), 0);
    assert_int_equal(number("SELECT count(*) FROM audit_payload WHERE payload LIKE '%900001%'"), 0);
    place_sql(&shop.place, "UPDATE workers SET active = 0");
    SHOP_REFUSED(&shop, ERR_INVALID, "form.fill", "form=DAILY", "machine=press1", "field=who",
        "value=900001");
}

static void what_is_due_follows_the_shifts(void **state) {
    (void)state;
    SHOP_DONE(&shop, "form.take", "ready=daily", NULL);
    place_sql(&shop.place, "UPDATE form_fields SET needed = 0");
    struct asking asking = asking_of("");
    assert_true(holds(asking, due,
        "\"shift\":\"D\",\"shift_name\":\"Day\",\"from\":\"2023-11-14T08:"
        "00:00Z\",\"to\":\"2023-11-14T20:00:00Z\",\"state\":\"missing\""));
    assert_true(holds(asking, due,
        "\"shift\":\"N\",\"shift_name\":\"Night\",\"from\":\"2023-11-14T"
        "20:00:00Z\",\"to\":\"2023-11-15T08:00:00Z\",\"state\":\"due\""));
    SHOP_DONE(&shop, "form.fill", "form=DAILY", "machine=press1", NULL);
    assert_true(holds(asking, due, "\"state\":\"filled\",\"entry\":1"));
    asking.ask.about.day = 19676; // Tomorrow.
    assert_true(holds(asking, due, "\"state\":\"later\""));
    // A day on which nobody works asks for nothing.
    place_sql(&shop.place,
        "INSERT INTO days (number, changed_ns, calendar, day, kind, name) VALUES "
        "(1, 0, 1, '2023-11-15', 'closed', '')");
    AUTO_BUF struct buf out;
    ask(&asking, due, &out);
    assert_string_equal(buf_z(&out), "[]");
    place_sql(&shop.place, "UPDATE forms SET active = 0");
    SHOP_REFUSED(&shop, ERR_CONFLICT, "form.fill", "form=DAILY", "machine=press1");
}

static void what_was_missed_yesterday_is_told_today(void **state) {
    (void)state;
    SHOP_DONE(&shop, "form.take", "ready=daily", NULL);
    place_sql(&shop.place, "UPDATE form_fields SET needed = 0");
    clock_fake_advance(&shop.place.clock, 10 * 3600 * NS_PER_S); // 08:13 of the next day.
    struct asking asking = asking_of("");
    assert_true(holds(asking, due, "\"day\":\"2023-11-14\",\"shift\":\"N\""));
    assert_true(holds(asking, due, "\"state\":\"missing\""));
    SHOP_DONE(
        &shop, "form.fill", "form=DAILY", "machine=press1", "day=2023-11-14", "shift=N", NULL);
    AUTO_BUF struct buf out;
    ask(&asking, due, &out);
    assert_null(strstr(buf_z(&out), "2023-11-14\",\"shift\":\"N"));
    // The day shift of yesterday ended before the form was there.
    assert_null(strstr(buf_z(&out), "2023-11-14\",\"shift\":\"D"));
}

static void a_form_goes_with_its_fields_or_stays_whole(void **state) {
    (void)state;
    SHOP_DONE(&shop, "form.take", "ready=equipment", NULL);
    SHOP_DONE(&shop, "form.take", "ready=self", NULL);
    place_sql(&shop.place, "UPDATE form_fields SET needed = 0");
    SHOP_DONE(&shop, "form.fill", "form=CHECK", "machine=press1", "field=air", "value=0.5", NULL);
    SHOP_REFUSED(&shop, ERR_CONFLICT, "form.remove", "form=CHECK");
    assert_int_equal(number("SELECT count(*) FROM form_fields WHERE form = 1"), 11);
    SHOP_DONE(&shop, "form.remove", "form=SELF", NULL);
    assert_int_equal(number("SELECT count(*) FROM form_fields WHERE form = 2"), 0);
    assert_int_equal(number("SELECT count(*) FROM forms"), 1);
}

struct grid {
    char text[4096];
    uint32_t rows;
};

static int put_row(void *context, const struct str *cells, uint32_t count, struct err *err) {
    (void)err;
    struct grid *grid = context;
    size_t size = strlen(grid->text);
    for (uint32_t i = 0; i < count; i++) {
        size += (size_t)snprintf(
            grid->text + size, sizeof grid->text - size, "%.*s|", STR_ARG(cells[i]));
    }
    grid->rows++;
    return 0;
}

static int read_table(struct ledger_tx *tx, void *context, struct err *err) {
    const struct form_table table = {.lang = LANG_EN, .context = context, .row = put_row};
    return form_table_put(tx, STR("CHECK"), &table, err);
}

static void a_table_has_a_column_for_every_field_that_ever_was(void **state) {
    (void)state;
    SHOP_DONE(&shop, "form.take", "ready=equipment", NULL);
    place_sql(&shop.place, "UPDATE form_fields SET needed = 0");
    SHOP_DONE(&shop, "form.fill", "form=CHECK", "machine=press1", "field=air", "value=0.5", NULL);
    place_sql(&shop.place, "DELETE FROM form_fields WHERE field NOT IN ('remark')");
    SHOP_DONE(&shop, "form.fill", "form=CHECK", "machine=press1", "field=remark", "value=ok", NULL);
    struct grid grid = {.text = ""};
    place_read(&shop.place, read_table, &grid);
    assert_int_equal(grid.rows, 3);
    assert_non_null(strstr(grid.text, "|remark|air|"));
    assert_non_null(strstr(grid.text, "1|2023-11-14T22:13:20Z|2023-11-14||press1|"));
    assert_non_null(strstr(grid.text, "||0.5|"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            a_ready_form_is_taken_in_the_language_of_the_taker, open_shop, close_shop),
        cmocka_unit_test_setup_teardown(
            values_outside_their_limits_are_taken_and_told, open_shop, close_shop),
        cmocka_unit_test_setup_teardown(
            an_entry_keeps_the_form_it_was_filled_in_with, open_shop, close_shop),
        cmocka_unit_test_setup_teardown(a_correction_keeps_the_original, open_shop, close_shop),
        cmocka_unit_test_setup_teardown(what_was_counted_comes_by_itself, open_shop, close_shop),
        cmocka_unit_test_setup_teardown(
            a_sheet_of_an_order_is_about_all_its_work, open_shop, close_shop),
        cmocka_unit_test_setup_teardown(a_badge_on_a_sheet_becomes_a_code, open_shop, close_shop),
        cmocka_unit_test_setup_teardown(what_is_due_follows_the_shifts, open_shop, close_shop),
        cmocka_unit_test_setup_teardown(
            what_was_missed_yesterday_is_told_today, open_shop, close_shop),
        cmocka_unit_test_setup_teardown(
            a_form_goes_with_its_fields_or_stays_whole, open_shop, close_shop),
        cmocka_unit_test_setup_teardown(
            a_table_has_a_column_for_every_field_that_ever_was, open_shop, close_shop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
