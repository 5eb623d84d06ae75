/*
 * Retention: horizons stand on local midnights and move once a day; what lies before one is no
 * longer shown; a tag that keeps for ever is left alone.
 */
#include "plant/care.h"
#include "support_plant.h"

static int64_t at(const char *text) {
    int64_t time_ns = 0;
    assert_true(time_parse(str_of(text), NULL, &time_ns));
    return time_ns;
}

static void a_horizon_is_a_local_midnight_whole_days_back(void **state) {
    (void)state;
    static const struct {
        const char *zone;
        const char *now;
        uint32_t days;
        const char *horizon;
    } CASES[] = {
        {"Asia/Seoul", "2026-11-20T12:00:00+09:00", 1, "2026-11-19T00:00:00+09:00"},
        {"Asia/Seoul", "2026-11-20T00:00:00+09:00", 1, "2026-11-19T00:00:00+09:00"},
        {"Asia/Seoul", "2026-11-19T23:59:59+09:00", 1, "2026-11-18T00:00:00+09:00"},
        {"Asia/Seoul", "2026-03-01T09:00:00+09:00", 365, "2025-03-01T00:00:00+09:00"},
        {"Europe/Berlin", "2026-03-30T12:00:00+02:00", 2, "2026-03-28T00:00:00+01:00"},
        {"Europe/Berlin", "2026-10-26T12:00:00+01:00", 1, "2026-10-25T00:00:00+02:00"},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        struct zone *zone = NULL;
        struct err err = ERR_INIT;
        assert_int_equal(zone_load(str_of(CASES[i].zone), &zone, &err), 0);
        assert_int_equal(
            care_horizon_ns(at(CASES[i].now), CASES[i].days, zone), at(CASES[i].horizon));
        zone_free(zone);
    }
}

static void a_clock_that_leapt_lets_nothing_go_for_a_day(void **state) {
    (void)state;
    const int64_t hour = 3600 * NS_PER_S;
    const int64_t year = 365 * 24 * hour;
    int64_t wall = at("2026-11-20T12:00:00+09:00");
    struct care_clock clock = {.wall_ns = wall - hour};
    assert_true(care_clock_holds(&clock, wall, hour));
    assert_true(care_clock_holds(&clock, wall + hour, 2 * hour));
    assert_false(care_clock_holds(&clock, wall + 10 * year, 3 * hour));
    assert_false(care_clock_holds(&clock, wall + 10 * year + 23 * hour, 26 * hour));
    assert_true(care_clock_holds(&clock, wall + 10 * year + 24 * hour, 27 * hour)); // It is so.
    assert_false(care_clock_holds(&clock, wall + 20 * year, 28 * hour));
    assert_true(care_clock_holds(&clock, wall, 29 * hour)); // Set right again.
    struct care_clock away = {.wall_ns = wall - 8 * 24 * hour};
    assert_false(care_clock_holds(&away, wall, hour));
    assert_true(care_clock_holds(&away, wall + 24 * hour, 25 * hour));
    struct care_clock empty = {.wall_ns = 0};
    assert_true(care_clock_holds(&empty, wall, hour));
}

static void old_samples_go_and_others_stay(void **state) {
    (void)state;
    struct rig rig;
    rig_open(&rig, NULL);
    struct import_report report;
    struct err err = ERR_INIT;
    assert_int_equal(
        import_text(&rig, IMPORT_TAGS, "tag,retention_days\nshort,30\nlong,\n", &report, &err), 0);
    assert_int_equal(report.stored, 2);
    int64_t now = clock_wall_ns(clock_system());
    const int64_t day = 86400 * NS_PER_S;
    static const char *const NAMES[] = {"short", "long"};
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(submit_f64(&rig, tag_number(&rig, NAMES[i]), now - 40 * day, 1, &err), 0);
        assert_int_equal(submit_f64(&rig, tag_number(&rig, NAMES[i]), now - 20 * day, 2, &err), 0);
    }
    int64_t moved[8] = {0};
    assert_int_equal(care_round(rig.plant, moved, 8, NULL, &err), 1);
    assert_int_equal(care_round(rig.plant, moved, 8, NULL, &err), 0); // Once a day is enough.
    assert_int_equal(stored_rows(&rig, "short", false), 1);
    assert_int_equal(stored_rows(&rig, "long", false), 2);
    rig_reopen(&rig, NULL);
    assert_int_equal(stored_rows(&rig, "short", false), 1);
    rig_close(&rig);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_horizon_is_a_local_midnight_whole_days_back),
        cmocka_unit_test(a_clock_that_leapt_lets_nothing_go_for_a_day),
        cmocka_unit_test(old_samples_go_and_others_stay),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
