/*
 * When a night is due, what its file is called, and which old files stay.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "core/clock.h"
#include "core/zone.h"
#include "upkeep/rotate.h"

static int64_t at(const char *text) {
    int64_t time_ns = 0;
    assert_true(time_parse(str_of(text), NULL, &time_ns));
    return time_ns;
}

static void names_and_times_are_one(void **state) {
    (void)state;
    char name[BACKUP_NAME_MAX];
    int64_t time_ns = 0;
    backup_name(at("2026-11-21T02:30:05Z") + 5, name);
    assert_string_equal(name, "maru-20261121-023005.backup");
    assert_true(backup_name_parse(name, &time_ns));
    assert_int_equal(time_ns, at("2026-11-21T02:30:05Z"));
    static const char *const BAD[] = {"", "erasures.list", "maru-20261121-023005.backup.part",
        "maru-20261341-023005.backup", "maru-2026112x-023005.backup",
        "mine-20261121-023005.backup"};
    for (size_t i = 0; i < sizeof BAD / sizeof BAD[0]; i++) {
        assert_false(backup_name_parse(BAD[i], &time_ns));
    }
}

static void a_night_is_due_at_its_minute(void **state) {
    (void)state;
    struct zone *seoul = NULL;
    assert_int_equal(zone_parse_rule(STR("Asia/Seoul"), STR("KST-9"), &seoul, NULL), 0);
    /* 02:30 in Seoul is 17:30 UTC of the day before. */
    assert_int_equal(
        nightly_moment(at("2026-11-21T17:30:00Z"), 150, seoul), at("2026-11-21T17:30:00Z"));
    assert_int_equal(
        nightly_moment(at("2026-11-21T17:29:59Z"), 150, seoul), at("2026-11-20T17:30:00Z"));
    assert_int_equal(
        nightly_moment(at("2026-11-21T23:00:00Z"), 150, seoul), at("2026-11-21T17:30:00Z"));
    assert_int_equal(
        nightly_moment(at("2026-11-21T00:00:00Z"), 0, NULL), at("2026-11-21T00:00:00Z"));
    zone_free(seoul);
}

static uint32_t count(const bool *stays, uint32_t files) {
    uint32_t found = 0;
    for (uint32_t i = 0; i < files; i++) {
        found += stays[i];
    }
    return found;
}

static void days_weeks_and_months_stay(void **state) {
    (void)state;
    int64_t times[400];
    bool stays[400];
    for (uint32_t i = 0; i < 400; i++) { // One a night, the last on 2026-11-21.
        times[i] = at("2026-11-21T02:30:00Z") - (int64_t)(399 - i) * 86400 * NS_PER_S;
    }
    struct rotation rotation = {.daily = 7, .weekly = 4, .monthly = 3};
    rotation_mark(times, 400, &rotation, NULL, stays);
    for (uint32_t i = 393; i < 400; i++) {
        assert_true(stays[i]);
    }
    /* Weeks begin on Monday: the newest of each are 11-21, 11-15, 11-08, 11-01; months: 11-21,
     * 10-31, 09-30. Days reach back to 11-15. */
    assert_int_equal(count(stays, 400), 7 + 2 + 2);
    assert_true(stays[399 - 13] && stays[399 - 20] && stays[399 - 21] && stays[399 - 52]);
    rotation = (struct rotation){.daily = 1};
    rotation_mark(times, 400, &rotation, NULL, stays);
    assert_int_equal(count(stays, 400), 1);
    assert_true(stays[399]);
}

static void days_without_a_backup_do_not_count(void **state) {
    (void)state;
    int64_t times[] = {at("2025-01-01T02:30:00Z"), at("2025-01-02T02:30:00Z"),
        at("2026-11-20T02:30:00Z"), at("2026-11-20T08:00:00Z")};
    bool stays[4];
    struct rotation rotation = {.daily = 3};
    rotation_mark(times, 4, &rotation, NULL, stays);
    assert_true(stays[0] && stays[1] && !stays[2] && stays[3]);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(names_and_times_are_one),
        cmocka_unit_test(a_night_is_due_at_its_minute),
        cmocka_unit_test(days_weeks_and_months_stay),
        cmocka_unit_test(days_without_a_backup_do_not_count)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
