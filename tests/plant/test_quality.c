/*
 * Quality scores of made days whose figures are known: a perfect day, holes, a sensor that stands
 * still, values outside, rows that came twice or late; and that computing again gives the same.
 */
#include "plant/quality.h"

#include <math.h>
#include <string.h>

#include "core/mem.h"
#include "support_plant.h"

#define DAY    "2025-03-04"
#define DAY_NS (1741014000LL * NS_PER_S) // Its midnight in Seoul.

enum { MINUTES = 1440 };

/* Puts one row a minute of the day; skips minutes for which `value` says NaN. */
static void put_day(struct rig *rig, uint32_t tag, double (*value)(int minute)) {
    AUTO_BATCH struct batch *batch = batch_new(MINUTES, 0);
    for (int i = 0; i < MINUTES; i++) {
        double number = value(i);
        if (isnan(number)) {
            continue;
        }
        struct sample *row = batch_add(batch);
        row->tag = tag;
        row->type = TYPE_F64;
        row->time_ns = DAY_NS + (int64_t)i * 60 * NS_PER_S;
        row->value.f64 = number;
    }
    struct err err = ERR_INIT;
    struct batch *const one = batch;
    assert_int_equal(plant_submit(rig->plant, &one, 1, &err), 0);
}

static struct quality_row compute(struct rig *rig, const char *name) {
    struct quality_row row = {.score = -1};
    struct err err = ERR_INIT;
    struct catalogue *catalogue = plant_catalogue(rig->plant);
    const struct tag *tag = catalogue_find(catalogue, str_of(name));
    assert_int_equal(quality_compute(rig->plant, tag, STR(DAY), &row, &err), 1);
    catalogue_unref(catalogue);
    return row;
}

static void expect_near(double is, double should) {
    if (!(fabs(is - should) < 0.2)) {
        fail_msg("%f instead of %f", is, should);
    }
}

static double moving(int minute) {
    return 20 + minute % 7;
}

static double with_a_hole(int minute) {
    return minute >= 600 && minute < 960 ? (double)NAN : moving(minute);
}

static double standing(int minute) {
    return minute < 720 ? 55 : moving(minute);
}

/* */
static void a_day_without_fault_has_a_hundred(void **state) {
    (void)state;
    struct rig rig;
    rig_open(&rig, NULL);
    put_day(&rig, tag_number(&rig, "a"), moving);
    struct quality_row row = compute(&rig, "a");
    expect_near(row.score, 100);
    expect_near(row.gaps, 100);
    expect_near(row.stuck, 100);
    assert_true(isnan(row.in_range)); // It has no range.
    assert_int_equal(row.rows, MINUTES);
    rig_close(&rig);
}

static void holes_and_stuck_values_cost_their_share_of_the_day(void **state) {
    (void)state;
    struct rig rig;
    rig_open(&rig, NULL);
    put_day(&rig, tag_number(&rig, "hole"), with_a_hole);
    put_day(&rig, tag_number(&rig, "stuck"), standing);
    struct quality_row row = compute(&rig, "hole");
    expect_near(row.gaps, 75); // Six hours of 24.
    expect_near(row.stuck, 100);
    /* gaps 40, stuck 20, duplicates 10 and clock 10 of 80. */
    expect_near(row.score, (75.0 * 40 + 100.0 * 40) / 80);
    row = compute(&rig, "stuck");
    expect_near(row.gaps, 100);
    expect_near(row.stuck, 100.0 * (1 - 11.0 / 24)); // Twelve hours, the first one is free.
    rig_close(&rig);
}

static void a_limit_twice_a_row_and_a_late_one_are_counted(void **state) {
    (void)state;
    struct rig rig;
    rig_open(&rig, NULL);
    struct import_report report;
    struct err err = ERR_INIT;
    assert_int_equal(import_text(&rig, IMPORT_TAGS, "tag,min,max\nr,20,24\n", &report, &err), 0);
    uint32_t tag = tag_number(&rig, "r");
    put_day(&rig, tag, moving); // 20..26: two of seven are outside.
    struct quality_row row = compute(&rig, "r");
    expect_near(row.in_range, 100.0 * 5 / 7);
    assert_int_equal(row.repeated, 0);
    /* The same minute with another value, and then a time in between: both come late. */
    assert_int_equal(submit_f64(&rig, tag, DAY_NS, 21, &err), 0);
    assert_int_equal(submit_f64(&rig, tag, DAY_NS + 30 * NS_PER_S, 21, &err), 0);
    row = compute(&rig, "r");
    assert_int_equal(row.repeated, 1);
    assert_int_equal(row.late, 2);
    expect_near(row.clock, 100.0 * (1 - 2.0 / (MINUTES + 1)));
    rig_close(&rig);
}

static int count_rows(struct ledger_tx *tx, void *context, struct err *err) {
    struct quality_row rows[10];
    int count = quality_list(tx, STR(DAY), 0, rows, 10, err);
    *(int *)context = count;
    return count < 0 ? count : 0;
}

static void computing_again_gives_the_same_and_only_what_is_missing_when_asked(void **state) {
    (void)state;
    struct rig rig;
    rig_open(&rig, NULL);
    put_day(&rig, tag_number(&rig, "a"), with_a_hole);
    struct err err = ERR_INIT;
    assert_int_equal(quality_run(rig.plant, STR(DAY), true, NULL, &err), 1);
    assert_int_equal(quality_run(rig.plant, STR(DAY), true, NULL, &err), 0);
    put_day(&rig, tag_number(&rig, "b"), moving);
    assert_int_equal(quality_run(rig.plant, STR(DAY), true, NULL, &err), 1);
    assert_int_equal(quality_run(rig.plant, STR(DAY), false, NULL, &err), 2);
    int count = 0;
    assert_int_equal(ledger_read(plant_ledger(rig.plant), count_rows, &count, &err), 0);
    assert_int_equal(count, 2);
    struct quality_row first = compute(&rig, "a");
    assert_int_equal(hist_seal(plant_historian(rig.plant), &err), 0);
    struct quality_row again = compute(&rig, "a"); // From a segment now.
    first.computed_ns = 0;
    again.computed_ns = 0;
    assert_memory_equal(&first, &again, sizeof first);
    rig_close(&rig);
}

static void the_night_computes_the_day_that_ended_once(void **state) {
    (void)state;
    struct rig rig;
    struct err err = ERR_INIT;
    rig_open(&rig, NULL);
    const int64_t day_ns = 86400 * NS_PER_S;
    int64_t today_ns =
        time_bucket_start(clock_wall_ns(clock_system()), day_ns, plant_zone(rig.plant), NULL);
    uint32_t tag = tag_number(&rig, "a");
    assert_int_equal(submit_f64(&rig, tag, today_ns - day_ns, 1, &err), 0);
    assert_int_equal(submit_f64(&rig, tag, today_ns - 1, 2, &err), 0);
    int64_t night_ns = 0;
    assert_int_equal(quality_round(rig.plant, &night_ns, NULL, &err), 1);
    assert_true(night_ns == today_ns);
    assert_int_equal(quality_round(rig.plant, &night_ns, NULL, &err), 0); // Once a night.
    night_ns = 0; // After a restart: what is there is not computed again.
    assert_int_equal(quality_round(rig.plant, &night_ns, NULL, &err), 0);
    rig_close(&rig);
}

static void days_that_are_none_are_refused(void **state) {
    (void)state;
    struct rig rig;
    rig_open(&rig, NULL);
    static const char *const BAD[] = {
        "", "today", "2025-13-01", "2025-02-30", "2100-01-01", "2025-03-04T00:00", "2025/03/04"};
    for (size_t i = 0; i < sizeof BAD / sizeof BAD[0]; i++) {
        struct err err = ERR_INIT;
        int64_t begin = 0;
        int64_t end = 0;
        assert_int_equal(
            quality_day_range(rig.plant, str_of(BAD[i]), &begin, &end, &err), -ERR_INVALID);
    }
    int64_t begin = 0;
    int64_t end = 0;
    assert_int_equal(quality_day_range(rig.plant, STR(DAY), &begin, &end, NULL), 0);
    assert_true(begin == DAY_NS && end == DAY_NS + 86400 * NS_PER_S);
    rig_close(&rig);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_day_without_fault_has_a_hundred),
        cmocka_unit_test(holes_and_stuck_values_cost_their_share_of_the_day),
        cmocka_unit_test(a_limit_twice_a_row_and_a_late_one_are_counted),
        cmocka_unit_test(computing_again_gives_the_same_and_only_what_is_missing_when_asked),
        cmocka_unit_test(the_night_computes_the_day_that_ended_once),
        cmocka_unit_test(days_that_are_none_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
