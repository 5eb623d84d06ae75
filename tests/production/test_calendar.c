/*
 * Shifts on clocks that are set, days that begin in the morning, and holidays.
 */
#include "production/calendar.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "core/clock.h"
#include "core/zone.h"
#include "tests/ledger/support_ledger.h"

#define HOUR (3600 * NS_PER_S)

static struct zone *zone_of(const char *rule) {
    struct zone *zone;
    struct err err = ERR_INIT;
    assert_int_equal(zone_parse_rule(STR("test"), str_of(rule), &zone, &err), 0);
    return zone;
}

static int64_t at(const struct zone *zone, const char *text) {
    int64_t time_ns;
    assert_true(time_parse(str_of(text), zone, &time_ns));
    return time_ns;
}

/* A day from 08:00 with a day shift and a night shift, each with a break. */
static struct calendar two_shifts(struct calendar_shift shifts[2]) {
    struct calendar_words day = {
        STR("12345"), STR("08:00"), STR("20:00"), STR("12:00-13:00 17:00-17:30")};
    struct calendar_words night = {STR("12345"), STR("20:00"), STR("08:00"), STR("00:00-01:00")};
    assert_true(calendar_shift_of(&day, 480, &shifts[0]));
    assert_true(calendar_shift_of(&night, 480, &shifts[1]));
    return (struct calendar){.number = 1, .day_start_min = 480, .shifts = shifts, .shift_count = 2};
}

static void assert_plan(const struct calendar *calendar, const struct zone *zone, const char *from,
    const char *to, const char *expected) {
    AUTO_ARENA struct arena arena;
    arena_init(&arena, 0);
    struct err err = ERR_INIT;
    struct kpi_span *spans = NULL;
    int count = calendar_plan(calendar, zone, at(zone, from), at(zone, to), &arena, &spans, &err);
    assert_true(count >= 0);
    AUTO_BUF struct buf out;
    buf_init(&out, 4096);
    for (int i = 0; i < count; i++) {
        char first[TIME_TEXT_MAX];
        char second[TIME_TEXT_MAX];
        (void)time_format(spans[i].from_ns, zone, first);
        (void)time_format(spans[i].to_ns, zone, second);
        buf_printf(&out, "%s%.11s-%.5s", spans[i].what == 0 ? " " : " b", first + 5, second + 11);
    }
    assert_string_equal(buf_z(&out), expected);
}

static void shifts_and_their_breaks_follow_each_other(void **state) {
    (void)state;
    struct zone *zone = zone_of("KST-9");
    struct calendar_shift shifts[2];
    struct calendar calendar = two_shifts(shifts);
    /* Thursday and Friday of January 2026; Saturday is off, Friday's night reaches into it. */
    assert_plan(&calendar, zone, "2026-01-08T09:00", "2026-01-08T20:00",
        " 01-08T08:00-12:00 b01-08T12:00-13:00 01-08T13:00-17:00 b01-08T17:00-17:30 "
        "01-08T17:30-20:00");
    assert_plan(&calendar, zone, "2026-01-09T20:00", "2026-01-11T20:00",
        " 01-09T20:00-00:00 b01-10T00:00-01:00 01-10T01:00-08:00");
    assert_plan(&calendar, zone, "2026-01-10T08:00", "2026-01-12T08:00", "");
    zone_free(zone);
}

static void a_day_begins_with_its_calendar_and_the_night_belongs_to_it(void **state) {
    (void)state;
    struct zone *zone = zone_of("KST-9");
    struct calendar_shift shifts[2];
    struct calendar calendar = two_shifts(shifts);
    char text[CALENDAR_DAY_TEXT_MAX];
    static const struct {
        const char *time;
        const char *day;
    } CASES[] = {{"2026-01-10T07:59:59", "2026-01-09"}, {"2026-01-10T08:00", "2026-01-10"},
        {"2026-01-10T23:59", "2026-01-10"}, {"2026-01-11T00:00", "2026-01-10"},
        {"2026-03-01T00:00", "2026-02-28"}};
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        calendar_day_put(calendar_day_of(&calendar, zone, at(zone, CASES[i].time)), text);
        assert_string_equal(text, CASES[i].day);
    }
    int64_t day = calendar_day_of(&calendar, zone, at(zone, "2026-01-10T09:00"));
    assert_int_equal(calendar_day_begin(&calendar, zone, day), at(zone, "2026-01-10T08:00"));
    AUTO_ARENA struct arena arena;
    arena_init(&arena, 0);
    struct err err = ERR_INIT;
    struct calendar_turn *turns;
    int count = calendar_turns(&calendar, zone, at(zone, "2026-01-10T03:00"),
        at(zone, "2026-01-10T04:00"), &arena, &turns, &err);
    assert_int_equal(count, 1);
    calendar_day_put(turns[0].day, text);
    assert_string_equal(text, "2026-01-09");
    assert_ptr_equal(turns[0].shift, &shifts[1]);
    zone_free(zone);
}

static void a_shift_before_the_days_start_is_worked_on_the_next_date(void **state) {
    (void)state;
    struct zone *zone = zone_of("KST-9");
    struct calendar_shift shifts[1];
    struct calendar_words words = {STR("1"), STR("00:00"), STR("08:00"), STR("")};
    assert_true(calendar_shift_of(&words, 480, &shifts[0]));
    struct calendar calendar = {
        .number = 1, .day_start_min = 480, .shifts = shifts, .shift_count = 1};
    /* Of Monday the 5th, on the date of Tuesday. */
    assert_plan(&calendar, zone, "2026-01-04T08:00", "2026-01-10T08:00", " 01-06T00:00-08:00");
    zone_free(zone);
}

/* Central Europe sets its clocks at 02:00 on 29 March and at 03:00 on 25 October 2026. */
static void clocks_that_are_set_make_a_night_shorter_or_longer(void **state) {
    (void)state;
    struct zone *zone = zone_of("CET-1CEST,M3.5.0,M10.5.0/3");
    struct calendar_shift shifts[1];
    struct calendar_words words = {STR("1234567"), STR("22:00"), STR("06:00"), STR("02:00-02:30")};
    assert_true(calendar_shift_of(&words, 360, &shifts[0]));
    struct calendar calendar = {
        .number = 1, .day_start_min = 360, .shifts = shifts, .shift_count = 1};
    static const struct {
        const char *from;
        const char *to;
        int64_t hours;
    } CASES[] = {{"2026-03-27T12:00", "2026-03-28T12:00", 8},
        {"2026-03-28T12:00", "2026-03-29T12:00", 7}, {"2026-10-24T12:00", "2026-10-25T12:00", 9}};
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        AUTO_ARENA struct arena arena;
        arena_init(&arena, 0);
        struct err err = ERR_INIT;
        struct kpi_span *spans;
        int count = calendar_plan(
            &calendar, zone, at(zone, CASES[i].from), at(zone, CASES[i].to), &arena, &spans, &err);
        int64_t sum = 0;
        for (int j = 0; j < count; j++) {
            assert_true(j == 0 || spans[j].from_ns == spans[j - 1].to_ns);
            sum += spans[j].to_ns - spans[j].from_ns;
        }
        assert_int_equal(sum, CASES[i].hours * HOUR);
    }
    /* Each moment of a year belongs to one day, and days follow each other. */
    int64_t day = calendar_day_of(&calendar, zone, at(zone, "2026-01-01T12:00"));
    for (int i = 0; i < 365; i++, day++) {
        int64_t begin = calendar_day_begin(&calendar, zone, day);
        assert_int_equal(calendar_day_of(&calendar, zone, begin), day);
        assert_int_equal(calendar_day_of(&calendar, zone, begin - 1), day - 1);
    }
    zone_free(zone);
}

static void two_that_overlap_are_parted(void **state) {
    (void)state;
    struct zone *zone = zone_of("KST-9");
    struct calendar_shift shifts[3];
    struct calendar_words a = {STR("1"), STR("08:00"), STR("17:00"), STR("")};
    struct calendar_words b = {STR("1"), STR("16:00"), STR("20:00"), STR("")};
    struct calendar_words c = {STR("1"), STR("09:00"), STR("10:00"), STR("")};
    assert_true(calendar_shift_of(&b, 0, &shifts[0]));
    assert_true(calendar_shift_of(&a, 0, &shifts[1]));
    assert_true(calendar_shift_of(&c, 0, &shifts[2]));
    struct calendar calendar = {.number = 1, .shifts = shifts, .shift_count = 3};
    assert_plan(&calendar, zone, "2026-01-05T00:00", "2026-01-06T00:00",
        " 01-05T08:00-17:00 01-05T17:00-20:00");
    zone_free(zone);
}

static void words_nobody_understands_are_no_shift(void **state) {
    (void)state;
    static const struct calendar_words CASES[] = {
        {STR("8"), STR("08:00"), STR("17:00"), STR("")},
        {STR("1"), STR("8:00"), STR("17:00"), STR("")},
        {STR("1"), STR("08:60"), STR("17:00"), STR("")},
        {STR("1"), STR("08:00"), STR("24:01"), STR("")},
        {STR("1"), STR("08:00"), STR(""), STR("")},
        {STR("1"), STR("08:00"), STR("17:00"), STR("12:00")},
        {STR("1"), STR("08:00"), STR("17:00"), STR("16:00-18:00")},
        {STR("1"), STR("08:00"), STR("17:00"), STR("12:00-13:00 12:30-14:00")},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        struct calendar_shift shift;
        assert_false(calendar_shift_of(&CASES[i], 0, &shift));
    }
}

static void a_question_over_years_is_refused(void **state) {
    (void)state;
    struct calendar_shift shifts[2];
    struct calendar calendar = two_shifts(shifts);
    AUTO_ARENA struct arena arena;
    arena_init(&arena, 0);
    struct err err = ERR_INIT;
    struct calendar_turn *turns;
    assert_int_equal(
        calendar_turns(&calendar, NULL, 0, 900 * 24 * HOUR, &arena, &turns, &err), -ERR_LIMIT);
}

/* ---- From the tables ---- */

static int load(struct ledger_tx *tx, void *context, struct err *err) {
    struct zone *zone = context;
    AUTO_ARENA struct arena arena;
    arena_init(&arena, 0);
    struct calendar calendar;
    assert_int_equal(calendar_of_machine(tx, 1, &arena, &calendar, err), 0);
    assert_int_equal(calendar.number, 1);
    assert_int_equal(calendar.day_start_min, 480);
    assert_int_equal(calendar.shift_count, 1);
    assert_true(str_eq(calendar.shifts[0].code, STR("D")));
    /* Monday closed, Tuesday usual, Saturday worked as a Monday, Sunday as itself: not at all. */
    assert_plan(&calendar, zone, "2026-01-05T00:00", "2026-01-12T00:00",
        " 01-06T08:00-12:00 b01-06T12:00-13:00 01-06T13:00-17:00"
        " 01-07T08:00-12:00 b01-07T12:00-13:00 01-07T13:00-17:00"
        " 01-08T08:00-12:00 b01-08T12:00-13:00 01-08T13:00-17:00"
        " 01-09T08:00-12:00 b01-09T12:00-13:00 01-09T13:00-17:00"
        " 01-10T08:00-12:00 b01-10T12:00-13:00 01-10T13:00-17:00");
    /* Without a work centre nothing is planned away. */
    assert_int_equal(calendar_of_machine(tx, 2, &arena, &calendar, err), 0);
    assert_plan(&calendar, zone, "2026-01-05T01:00", "2026-01-05T02:00", " 01-05T00:00-00:00");
    assert_int_equal(calendar_load(tx, 7, &arena, &calendar, err), -ERR_NOT_FOUND);
    return 0;
}

static void tables_make_a_calendar(void **state) {
    (void)state;
    struct place place;
    place_init(&place, LEDGER_PLANT);
    place_sql(&place, "INSERT INTO calendars VALUES (1, 0, 'K', 'K', '08:00', '')");
    place_sql(&place, "INSERT INTO shifts VALUES (1, 0, 1, 'D', 'Day', '12345', '08:00', '17:00', "
                      "'12:00-13:00')");
    place_sql(&place, "INSERT INTO days VALUES (1, 0, 1, '2026-01-05', 'closed', NULL, ''), (2, 0, "
                      "1, '2026-01-10', 'open', 1, ''), (3, 0, 1, '2026-01-11', 'open', NULL, '')");
    place_sql(&place,
        "INSERT INTO workcentres VALUES (1, 0, 'W', 'W', NULL, 1, NULL, NULL, NULL, 1, '')");
    place_sql(&place, "INSERT INTO assets (number, id, level, display, kind) VALUES "
                      "(1, 'a', 'equipment', 'a', ''), (2, 'b', 'equipment', 'b', '')");
    place_sql(&place,
        "INSERT INTO machines (number, changed_ns, asset, workcentre, run_values, setup_values, "
        "maker, model, serial, bought, active, note) VALUES (1, 0, 1, 1, '1', '', '', '', '', '', "
        "1, ''), (2, 0, 2, NULL, '1', '', '', '', '', '', 1, '')");
    struct zone *zone = zone_of("KST-9");
    place_read(&place, load, zone);
    zone_free(zone);
    place_fini(&place);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shifts_and_their_breaks_follow_each_other),
        cmocka_unit_test(a_day_begins_with_its_calendar_and_the_night_belongs_to_it),
        cmocka_unit_test(a_shift_before_the_days_start_is_worked_on_the_next_date),
        cmocka_unit_test(clocks_that_are_set_make_a_night_shorter_or_longer),
        cmocka_unit_test(two_that_overlap_are_parted),
        cmocka_unit_test(words_nobody_understands_are_no_shift),
        cmocka_unit_test(a_question_over_years_is_refused),
        cmocka_unit_test(tables_make_a_calendar),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
