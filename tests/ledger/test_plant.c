/*
 * Settings, cursors and counts.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tests/ledger/support_ledger.h"

static int cursors(struct ledger_tx *tx, void *context, struct err *err) {
    (void)context;
    uint64_t seq = 99;
    assert_int_equal(cursor_get(tx, STR("strokes"), &seq, err), 0);
    assert_int_equal(seq, 0);
    static const uint64_t SEQS[] = {1, 5, INT64_MAX, 0};
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(cursor_put(tx, STR("strokes"), SEQS[i], err), 0);
        assert_int_equal(cursor_get(tx, STR("strokes"), &seq, err), 0);
        assert_true(seq == SEQS[i]);
    }
    assert_int_equal(cursor_get(tx, STR("alarms"), &seq, err), 0);
    assert_int_equal(seq, 0);
    return 0;
}

static void a_cursor_is_zero_until_put(void **state) {
    (void)state;
    struct place place;
    place_init(&place, LEDGER_PLANT);
    place_write(&place, cursors, NULL);
    place_fini(&place);
}

static int counts(struct ledger_tx *tx, void *context, struct err *err) {
    (void)context;
    struct tag tag = tag_of("strokes");
    uint32_t number = 0;
    bool changed = false;
    assert_int_equal(tag_put(tx, &tag, &number, &changed, err), 0);
    struct count_row row;
    assert_int_equal(count_get(tx, number, &row, err), 0);
    assert_int_equal(row.tag, number);
    assert_int_equal(row.total, 0);
    assert_true(isnan(row.last_value));
    row = (struct count_row){
        .tag = number, .total = INT64_MAX, .last_value = 12.5, .last_time_ns = -7, .resets = 3};
    assert_int_equal(count_put(tx, &row, err), 0);
    struct count_row back;
    assert_int_equal(count_get(tx, number, &back, err), 0);
    assert_int_equal(back.total, INT64_MAX);
    assert_true(back.last_value == 12.5);
    assert_int_equal(back.last_time_ns, -7);
    assert_int_equal(back.resets, 3);
    row.last_value = (double)NAN;
    assert_int_equal(count_put(tx, &row, err), 0);
    assert_int_equal(count_get(tx, number, &back, err), 0);
    assert_true(isnan(back.last_value));
    return 0;
}

static void a_count_comes_back_as_it_was_put(void **state) {
    (void)state;
    struct place place;
    place_init(&place, LEDGER_PLANT);
    place_write(&place, counts, NULL);
    place_fini(&place);
}

static int count_unknown(struct ledger_tx *tx, void *context, struct err *err) {
    (void)context;
    struct count_row row = {.tag = 77, .total = 1, .last_value = 1};
    return count_put(tx, &row, err);
}

static int count_backwards(struct ledger_tx *tx, void *context, struct err *err) {
    (void)context;
    struct count_row row = {.tag = 1, .total = -1, .last_value = 1};
    return count_put(tx, &row, err);
}

static void impossible_counts_are_refused(void **state) {
    (void)state;
    struct place place;
    place_init(&place, LEDGER_PLANT);
    place_write(&place, counts, NULL);
    struct err err = ERR_INIT;
    assert_int_equal(ledger_write(place.ledger, count_unknown, NULL, &err), -ERR_NOT_FOUND);
    assert_int_equal(err.notes[0].msg, MSG_LEDGER_COUNT_TAG);
    assert_int_equal(ledger_write(place.ledger, count_backwards, NULL, NULL), -ERR_CONFLICT);
    place_fini(&place);
}

static int settings(struct ledger_tx *tx, void *context, struct err *err) {
    (void)context;
    static const char *const BAD[] = {"", "a b", "a..b", "한글", ".", "a."};
    for (size_t i = 0; i < sizeof BAD / sizeof BAD[0]; i++) {
        assert_int_equal(plant_setting_put(tx, str_of(BAD[i]), STR("x"), NULL), -ERR_INVALID);
    }
    assert_int_equal(plant_setting_put(tx, STR("zone"), STR("a\nb"), NULL), -ERR_INVALID);
    char value[4097];
    memset(value, 'v', sizeof value);
    struct str longest = {value, 4096};
    struct str too_long = {value, 4097};
    assert_int_equal(plant_setting_put(tx, STR("plant.zone"), too_long, NULL), -ERR_INVALID);
    assert_int_equal(plant_setting_put(tx, STR("plant.zone"), longest, err), 0);
    AUTO_ARENA struct arena arena;
    arena_init(&arena, 0);
    struct str back = STR_NONE;
    assert_int_equal(plant_setting_get(tx, STR("plant.zone"), &arena, &back, err), 0);
    assert_true(str_eq(back, longest));
    assert_int_equal(plant_setting_put(tx, STR("plant.zone"), STR(""), err), 0);
    assert_int_equal(plant_setting_get(tx, STR("plant.zone"), &arena, &back, err), 0);
    assert_int_equal(back.size, 0);
    return 0;
}

static void a_setting_has_an_identifier_and_text(void **state) {
    (void)state;
    struct place place;
    place_init(&place, LEDGER_PLANT);
    place_write(&place, settings, NULL);
    place_fini(&place);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_cursor_is_zero_until_put),
        cmocka_unit_test(a_count_comes_back_as_it_was_put),
        cmocka_unit_test(impossible_counts_are_refused),
        cmocka_unit_test(a_setting_has_an_identifier_and_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
