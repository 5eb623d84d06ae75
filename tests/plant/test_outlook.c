/*
 * The outlook: what is there today is what the store says; what a rule lets go is what its round
 * then takes; a year with a rule ends where rate times days says, and the disk's end with it.
 */
#include "plant/outlook.h"

#include <math.h>
#include <stdlib.h>

#include "core/mem.h"
#include "support_plant.h"

#define DAY_NS (86400 * NS_PER_S)

/* `days` days of a value each minute, up to now. */
static void fill(struct rig *rig, const char *name, int64_t days) {
    uint32_t tag = tag_number(rig, name);
    int64_t now_ns = clock_wall_ns(plant_clock(rig->plant));
    AUTO_BATCH struct batch *batch = batch_new(1440, 0);
    for (int64_t day = days; day > 0; day--) {
        batch_clear(batch);
        for (int64_t i = 1; i <= 1440; i++) {
            struct sample *row = batch_add(batch);
            row->tag = tag;
            row->type = TYPE_F64;
            row->time_ns = now_ns - day * DAY_NS + i * 60 * NS_PER_S;
            row->value.f64 = (double)(i % 100);
        }
        assert_int_equal(plant_submit(rig->plant, &batch, 1, NULL), 0);
    }
    assert_int_equal(hist_seal(plant_historian(rig->plant), NULL), 0);
}

static void look(struct rig *rig, const struct retention *rule, struct outlook *ret_outlook) {
    struct err err = ERR_INIT;
    assert_int_equal(outlook_make(rig->plant, rule, NULL, ret_outlook, &err), 0);
}

static void a_rule_is_foreseen_as_it_comes(void **state) {
    (void)state;
    struct rig rig;
    rig_open(&rig, NULL);
    fill(&rig, "a", 30);
    struct retention rule = {.raw_days = 10, .rollup_days = 400};
    AUTO_FREE struct outlook *seen = MEM_NEW(struct outlook);
    look(&rig, &rule, seen);
    struct hist_status store;
    hist_status(plant_historian(rig.plant), &store);
    assert_int_equal(seen->raw_bytes, store.segment_bytes);
    assert_true(seen->has_rate);
    assert_in_range(seen->gone_rows, 18 * 1440, 20 * 1440);
    assert_int_equal(seen->gone_tags, 1);
    assert_true(retention_put(rig.plant, &rule, STR("test"), NULL) >= 0);
    int64_t moved[8] = {0};
    assert_int_equal(retention_round(rig.plant, moved, 8, NULL, NULL), 1);
    uint32_t left = stored_rows(&rig, "a", false);
    /* A bound with roll-ups is taken down to the hour. */
    assert_in_range(30 * 1440 - left, seen->gone_rows - 60, seen->gone_rows);
    uint64_t guessed = seen->rollup_year_bytes;
    look(&rig, &rule, seen);
    assert_in_range(seen->gone_rows, 0, 60);
    /* Now their size is known: 20 days take what they take, a year so much more. */
    hist_status(plant_historian(rig.plant), &store);
    assert_int_equal(seen->rollup_bytes, store.rollup_bytes);
    assert_true(seen->rollup_year_bytes < guessed);
    assert_true(seen->rollup_year_bytes > 15 * store.rollup_bytes);
    assert_true(seen->rollup_year_bytes < 25 * store.rollup_bytes);
    rig_close(&rig);
}

static void a_year_with_a_rule_ends_at_rate_times_days(void **state) {
    (void)state;
    struct rig rig;
    rig_open(&rig, NULL);
    fill(&rig, "a", 20);
    struct retention ever = {.raw_days = 0};
    struct retention short_rule = {.raw_days = 10};
    struct retention rolls = {.raw_days = 10, .rollup_days = 3650};
    struct retention archives = rolls;
    (void)str_copy_z(STR("/tmp"), archives.archive_dir, sizeof archives.archive_dir);
    AUTO_FREE struct outlook *seen = MEM_NEW(struct outlook);
    look(&rig, &ever, seen);
    double row = seen->row_bytes;
    double day = 1440 * row;
    assert_true(fabs((double)seen->bytes_per_day - day) < day / 50);
    assert_true(fabs((double)seen->raw_year_bytes - (20 + 365) * day) < 8 * day);
    assert_int_equal(seen->gone_rows, 0);
    assert_int_equal(seen->archive_year_bytes, 0);
    double days = outlook_days(seen, (uint64_t)(100 * day));
    assert_true(days > 97 && days < 103);
    look(&rig, &short_rule, seen);
    assert_true(fabs((double)seen->raw_year_bytes - 10 * day) < day);
    assert_int_equal(seen->rollup_year_bytes, 0);
    assert_true(isinf(outlook_days(seen, (uint64_t)(100 * day)))); // It stops growing.
    look(&rig, &rolls, seen);
    assert_true(seen->rollup_year_bytes > 365 * 100 && seen->rollup_year_bytes < 400 * 5000);
    look(&rig, &archives, seen);
    assert_true(fabs((double)seen->archive_year_bytes - (10 + 365) * day) < 8 * day);
    double segments = (double)seen->archive_year_bytes;
    archives.archive = RETENTION_BOTH; // Parquet beside them takes more than they do.
    look(&rig, &archives, seen);
    assert_true((double)seen->archive_year_bytes > 2 * segments);
    rig_close(&rig);
}

static void nothing_is_foreseen_of_nothing(void **state) {
    (void)state;
    struct rig rig;
    rig_open(&rig, NULL);
    (void)tag_number(&rig, "silent");
    struct retention rule = {.raw_days = 10};
    AUTO_FREE struct outlook *seen = MEM_NEW(struct outlook);
    look(&rig, &rule, seen);
    assert_false(seen->has_rate);
    assert_int_equal(seen->gone_rows, 0);
    assert_true(isnan(outlook_days(seen, 1000)));
    rig_close(&rig);
}

static void a_tags_own_days_count(void **state) {
    (void)state;
    struct rig rig;
    rig_open(&rig, NULL);
    struct import_report report;
    assert_int_equal(import_text(&rig, IMPORT_TAGS,
                         "tag,retention_days,rollup_days\na,5,0\nb,,\nc,5,7\n", &report, NULL),
        0);
    fill(&rig, "a", 10);
    fill(&rig, "b", 10);
    fill(&rig, "c", 10);
    struct retention rule = {.raw_days = 0, .rollup_days = 100};
    AUTO_FREE struct outlook *seen = MEM_NEW(struct outlook);
    look(&rig, &rule, seen);
    assert_int_equal(seen->gone_tags, 2);
    assert_int_equal(seen->group_count, 3);
    /* And the rounds follow: `c` keeps its averages for two days more, `a` for the plant's 100. */
    assert_true(retention_put(rig.plant, &rule, STR("test"), NULL) >= 0);
    int64_t moved[8] = {0};
    assert_int_equal(retention_round(rig.plant, moved, 8, NULL, NULL), 2);
    struct hist_horizon a;
    struct hist_horizon b;
    struct hist_horizon c;
    hist_horizon(plant_historian(rig.plant), tag_number(&rig, "a"), &a);
    hist_horizon(plant_historian(rig.plant), tag_number(&rig, "b"), &b);
    hist_horizon(plant_historian(rig.plant), tag_number(&rig, "c"), &c);
    assert_int_equal(b.raw_ns, INT64_MIN);
    assert_int_equal(a.raw_ns, c.raw_ns);
    assert_true(a.rollup_ns < a.raw_ns - 3 * DAY_NS);
    assert_true(c.rollup_ns > c.raw_ns - 3 * DAY_NS && c.rollup_ns < c.raw_ns);
    rig_close(&rig);
}

/* Some of very many tags stand for all. */
static void many_tags_are_foreseen_from_some(void **state) {
    (void)state;
    enum { TAGS = 9000 };
    struct rig rig;
    rig_open(&rig, NULL);
    struct buf table;
    buf_init(&table, 1 << 20);
    buf_printf(&table, "tag\n");
    for (int i = 0; i < TAGS; i++) {
        buf_printf(&table, "many.t%d\n", i);
    }
    struct import_report report;
    assert_int_equal(import_text(&rig, IMPORT_TAGS, buf_z(&table), &report, NULL), 0);
    buf_fini(&table);
    AUTO_BATCH struct batch *batch = batch_new(TAGS * 2, 0);
    int64_t now_ns = clock_wall_ns(plant_clock(rig.plant));
    for (uint32_t i = 0; i < TAGS * 2; i++) { // One old and one new value each.
        struct sample *row = batch_add(batch);
        row->tag = 1 + i % TAGS;
        row->type = TYPE_F64;
        row->time_ns = now_ns - (i < TAGS ? 40 : 0) * DAY_NS - NS_PER_S;
    }
    assert_int_equal(plant_submit(rig.plant, &batch, 1, NULL), 0);
    struct retention rule = {.raw_days = 30};
    AUTO_FREE struct outlook *seen = MEM_NEW(struct outlook);
    look(&rig, &rule, seen);
    assert_in_range(seen->gone_rows, TAGS - 2, TAGS); // Each picked one is like the others.
    assert_in_range(seen->gone_tags, TAGS - 2, TAGS);
    assert_true(fabs(seen->groups[0].rows - 2.0 * TAGS) < 1);
    rig_close(&rig);
}

/* A rule for the averages alone counts the same day. */
static void shorter_days_of_averages_count_at_once(void **state) {
    (void)state;
    struct rig rig;
    rig_open(&rig, NULL);
    fill(&rig, "a", 20);
    struct retention rule = {.raw_days = 5, .rollup_days = 400};
    int64_t moved[8] = {0};
    assert_true(retention_put(rig.plant, &rule, STR("test"), NULL) >= 0);
    assert_int_equal(retention_round(rig.plant, moved, 8, NULL, NULL), 1);
    struct hist_horizon before;
    hist_horizon(plant_historian(rig.plant), tag_number(&rig, "a"), &before);
    rule.rollup_days = 8;
    assert_true(retention_put(rig.plant, &rule, STR("test"), NULL) >= 0);
    assert_int_equal(retention_round(rig.plant, moved, 8, NULL, NULL), 1);
    struct hist_horizon after;
    hist_horizon(plant_historian(rig.plant), tag_number(&rig, "a"), &after);
    assert_int_equal(after.raw_ns, before.raw_ns);
    assert_true(after.rollup_ns > before.rollup_ns + 10 * DAY_NS);
    rule.raw_days = 15; // Longer again: nothing comes back, nothing moves.
    assert_true(retention_put(rig.plant, &rule, STR("test"), NULL) >= 0);
    assert_int_equal(retention_round(rig.plant, moved, 8, NULL, NULL), 0);
    hist_horizon(plant_historian(rig.plant), tag_number(&rig, "a"), &before);
    assert_int_equal(after.raw_ns, before.raw_ns);
    assert_int_equal(after.rollup_ns, before.rollup_ns);
    rig_close(&rig);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_rule_is_foreseen_as_it_comes),
        cmocka_unit_test(a_year_with_a_rule_ends_at_rate_times_days),
        cmocka_unit_test(nothing_is_foreseen_of_nothing),
        cmocka_unit_test(a_tags_own_days_count),
        cmocka_unit_test(many_tags_are_foreseen_from_some),
        cmocka_unit_test(shorter_days_of_averages_count_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
