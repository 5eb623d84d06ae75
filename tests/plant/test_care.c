/*
 * Retention: horizons stand on local midnights and move once a day; what lies before one is no
 * longer shown; a tag that keeps for ever is left alone.
 */
#include <stdio.h>
#include <stdlib.h>

#include "plant/care.h"
#include "plant/retention.h"
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
            retention_horizon_ns(at(CASES[i].now), CASES[i].days, zone), at(CASES[i].horizon));
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
    assert_int_equal(retention_round(rig.plant, moved, 8, NULL, &err), 1);
    assert_int_equal(retention_round(rig.plant, moved, 8, NULL, &err), 0); // Once a day is enough.
    assert_int_equal(stored_rows(&rig, "short", false), 1);
    assert_int_equal(stored_rows(&rig, "long", false), 2);
    rig_reopen(&rig, NULL);
    assert_int_equal(stored_rows(&rig, "short", false), 1);
    rig_close(&rig);
}

static int count_segments(void *context, const char *name, struct err *err) {
    (void)err;
    *(int *)context += str_starts(str_of(name), STR("seg-")) ? 1 : 0;
    *(int *)context += str_eq(str_of(name), STR("tags.csv")) ? 100 : 0;
    return 0;
}

static int each_month(void *context, const char *name, struct err *err) {
    AUTO_BUF struct buf path;
    buf_init(&path, LIMIT_PATH_BYTES);
    buf_printf(&path, "%s/%s", (const char *)((void **)context)[0], name);
    return dir_each(buf_z(&path), count_segments, ((void **)context)[1], err);
}

static void the_plants_rule_archives_first_and_a_missing_folder_keeps_everything(void **state) {
    (void)state;
    char dir[] = "/tmp/maru-archive-XXXXXX";
    assert_non_null(mkdtemp(dir));
    struct rig rig;
    struct err err = ERR_INIT;
    rig_open(&rig, NULL);
    (void)dir_remove_all(dir, NULL);
    struct retention rule = {.raw_days = 30, .rollup_days = 365};
    (void)str_copy_z(str_of(dir), rule.archive_dir, sizeof rule.archive_dir);
    assert_int_equal(retention_put(rig.plant, &rule, STR("test"), &err), -ERR_NOT_FOUND);
    err_clear(&err);
    assert_int_equal(dir_create(files_system(), dir, &err), 0);
    assert_true(retention_put(rig.plant, &rule, STR("test"), &err) >= 0);
    struct import_report report;
    assert_int_equal(import_text(&rig, IMPORT_TAGS, "tag\nold\n", &report, &err), 0);
    const int64_t day = 86400 * NS_PER_S;
    int64_t now = clock_wall_ns(clock_system());
    assert_int_equal(submit_f64(&rig, tag_number(&rig, "old"), now - 40 * day, 1, &err), 0);
    assert_int_equal(submit_f64(&rig, tag_number(&rig, "old"), now - 20 * day, 2, &err), 0);
    int64_t moved[8] = {0};
    char away[64];
    (void)snprintf(away, sizeof away, "%s-away", dir);
    assert_int_equal(rename(dir, away), 0); // The disk is not mounted,
    for (int mount_point = 0; mount_point < 2; mount_point++) {
        assert_int_equal(retention_round(rig.plant, moved, 8, NULL, &err), -ERR_NOT_FOUND);
        assert_int_equal(stored_rows(&rig, "old", false), 2);
        err_clear(&err);
        assert_int_equal(dir_create(files_system(), dir, &err), 0); // or its mount point is empty.
    }
    assert_int_equal(dir_remove_all(dir, NULL), 0);
    assert_int_equal(rename(away, dir), 0);
    assert_int_equal(retention_round(rig.plant, moved, 8, NULL, &err), 1);
    assert_int_equal(stored_rows(&rig, "old", false), 1);
    struct hist_horizon horizon;
    hist_horizon(plant_historian(rig.plant), tag_number(&rig, "old"), &horizon);
    assert_true(horizon.rollup_ns < horizon.raw_ns && horizon.rollup_ns <= now - 40 * day);
    int found = 0;
    struct str id = plant_id(rig.plant);
    AUTO_BUF struct buf path;
    buf_init(&path, LIMIT_PATH_BYTES);
    buf_printf(&path, "%s/%.*s", dir, (int)id.size, id.data);
    AUTO_FREE char *plant = mem_copy_z(buf_str(&path));
    void *context[2] = {plant, &found};
    assert_int_equal(dir_each(buf_z(&path), each_month, context, &err), 0);
    assert_int_equal(found, 101); // One segment and its table.
    rig_close(&rig);
    (void)dir_remove_all(dir, NULL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_horizon_is_a_local_midnight_whole_days_back),
        cmocka_unit_test(a_clock_that_leapt_lets_nothing_go_for_a_day),
        cmocka_unit_test(old_samples_go_and_others_stay),
        cmocka_unit_test(the_plants_rule_archives_first_and_a_missing_folder_keeps_everything),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
