/*
 * Tags with refine rules in a whole plant: the tags that rules write to are made with them, and
 * what stages make is durable, is shown, and survives the end.
 */
#include "core/clock.h"
#include "core/limits.h"
#include "core/thread.h"
#include "support_plant.h"

static int import_tags(struct rig *rig, const char *text, struct import_report *report) {
    struct err err = ERR_INIT;
    *report = (struct import_report){0};
    return import_text(rig, IMPORT_TAGS, text, report, &err);
}

/* */
static void tags_that_rules_write_to_are_made_with_them(void **state) {
    (void)state;
    struct rig rig;
    rig_open(&rig, NULL);
    struct import_report report;
    assert_int_equal(import_tags(&rig,
                         "tag,type,kind,unit,refine,keep_raw\n"
                         "press.n,i64,counter,ea,increment=press.more counter_max=65535,\n"
                         "press.a,f64,,A,\"state=run:>5,stop:<=4 state_tag=press.state "
                         "cycle_tag=press.cycle\",1\n",
                         &report),
        0);
    assert_int_equal(report.rejected, 0);
    struct catalogue *catalogue = plant_catalogue(rig.plant);
    const struct tag *more = catalogue_find(catalogue, STR("press.more"));
    assert_true(more != NULL && more->type == TYPE_I64 && str_eq(more->unit, STR("ea")));
    const struct tag *state_tag = catalogue_find(catalogue, STR("press.state"));
    assert_true(state_tag != NULL && state_tag->type == TYPE_TEXT);
    assert_non_null(catalogue_find(catalogue, STR("press.cycle")));
    assert_non_null(catalogue_find(catalogue, STR("press.a_raw")));
    const struct tag *a = catalogue_find(catalogue, STR("press.a"));
    assert_true(a->keep_raw);
    assert_true(str_starts(a->refine, STR("state=run:>5,stop:<=4")));
    catalogue_unref(catalogue);
    rig_close(&rig);
}

static void a_line_with_a_fault_is_rejected_with_its_line_and_nothing_else(void **state) {
    (void)state;
    struct rig rig;
    rig_open(&rig, NULL);
    struct import_report report;
    assert_int_equal(import_tags(&rig, "tag,refine\na,spike=3\nb,spikes=3\n", &report), 0);
    assert_int_equal(report.rejected, 1);
    assert_int_equal(report.stored, 1);
    struct catalogue *catalogue = plant_catalogue(rig.plant);
    assert_non_null(catalogue_find(catalogue, STR("a")));
    assert_null(catalogue_find(catalogue, STR("b")));
    catalogue_unref(catalogue);
    rig_close(&rig);
}

static void a_tag_of_another_type_is_not_taken_for_writing(void **state) {
    (void)state;
    struct rig rig;
    rig_open(&rig, NULL);
    struct import_report report;
    assert_int_equal(import_tags(&rig, "tag,type\nmore,text\n", &report), 0);
    assert_int_equal(
        import_tags(&rig, "tag,type,kind,refine\nn,i64,counter,increment=more\n", &report), 0);
    assert_int_equal(report.rejected, 1);
    assert_int_equal(
        import_tags(&rig, "tag,type,kind,refine\nn,text,counter,increment=other\n", &report), 0);
    assert_int_equal(report.rejected, 1);
    /* Nor one that an expression writes. */
    assert_int_equal(
        import_tags(&rig, "tag,type,source\nin,i64,\nsum,i64,= tag('in')\n", &report), 0);
    assert_int_equal(report.rejected, 0);
    assert_int_equal(
        import_tags(&rig, "tag,type,kind,refine\nn,i64,counter,increment=sum\n", &report), 0);
    assert_int_equal(report.rejected, 1);
    rig_close(&rig);
}

static void submit_device_row(struct rig *rig, uint32_t tag, int64_t time_ns, double value) {
    AUTO_BATCH struct batch *batch = batch_new(1, 16);
    *batch_add(batch) =
        (struct sample){.tag = tag, .type = TYPE_F64, .time_ns = time_ns, .value.f64 = value};
    batch->source = 1;
    struct err err = ERR_INIT;
    assert_int_equal(plant_submit(rig->plant, &batch, 1, &err), 0);
}

static void what_the_door_holds_back_is_stored_when_the_plant_closes(void **state) {
    (void)state;
    struct rig rig;
    rig_open(&rig, NULL);
    struct import_report report;
    assert_int_equal(import_tags(&rig, "tag,refine\na,swing=1 swing_s=86400\n", &report), 0);
    uint32_t tag = tag_number(&rig, "a");
    int64_t now_ns = clock_wall_ns(clock_system());
    for (int i = 0; i < 10; i++) {
        submit_device_row(&rig, tag, now_ns + i * NS_PER_S, 0.1 * i);
    }
    assert_int_equal(stored_rows(&rig, "a", true), 1);
    struct live_value value;
    assert_true(live_read(plant_live(rig.plant), tag, &value));
    assert_int_equal(value.time_ns, now_ns); // Shown means durable.
    rig_reopen(&rig, NULL);
    assert_int_equal(stored_rows(&rig, "a", true), 2);
    assert_true(live_read(plant_live(rig.plant), tag, &value));
    assert_int_equal(value.time_ns, now_ns + 9 * NS_PER_S);
    rig_close(&rig);
}

static void a_silent_tag_is_marked_without_anything_coming(void **state) {
    (void)state;
    struct rig rig;
    rig_open(&rig, NULL);
    struct import_report report;
    assert_int_equal(import_tags(&rig, "tag,refine\na,gap=2 period_s=1\n", &report), 0);
    uint32_t tag = tag_number(&rig, "a");
    int64_t then_ns = clock_wall_ns(clock_system()) - 3600 * NS_PER_S;
    submit_device_row(&rig, tag, then_ns, 5);
    int64_t deadline = clock_mono_ns(clock_system()) + 20 * NS_PER_S;
    struct stop_flag never;
    stop_flag_init(&never);
    while (stored_rows(&rig, "a", true) < 2 && clock_mono_ns(clock_system()) < deadline) {
        (void)stop_flag_wait(&never, clock_mono_ns(clock_system()) + 10 * NS_PER_MS);
    }
    stop_flag_fini(&never);
    assert_int_equal(stored_rows(&rig, "a", true), 2);
    struct hist_last last;
    assert_true(hist_last(plant_historian(rig.plant), tag, &last));
    assert_int_equal(last.row.status, (uint32_t)STATUS_BAD_NO_DATA);
    assert_int_equal(last.row.time_ns, then_ns + NS_PER_S);
    rig_close(&rig);
}

/* The batch grows by what is made; the log must read it back. */
static void a_full_batch_with_what_is_made_of_it_survives_a_restart(void **state) {
    (void)state;
    struct rig rig;
    rig_open(&rig, NULL);
    struct import_report report;
    assert_int_equal(import_tags(&rig, "tag,keep_raw\na,1\n", &report), 0);
    uint32_t tag = tag_number(&rig, "a");
    AUTO_BATCH struct batch *batch = batch_new(LIMIT_BATCH_ROWS, 16);
    int64_t now_ns = clock_wall_ns(clock_system()) - 65536 * NS_PER_S;
    for (int i = 0; i < LIMIT_BATCH_ROWS; i++) {
        *batch_add(batch) = (struct sample){
            .tag = tag, .type = TYPE_F64, .time_ns = now_ns + i * NS_PER_S, .value.f64 = i};
    }
    batch->source = 1;
    struct err err = ERR_INIT;
    assert_int_equal(plant_submit(rig.plant, &batch, 1, &err), 0);
    assert_int_equal(batch->made, LIMIT_BATCH_ROWS);
    rig_reopen(&rig, NULL);
    assert_int_equal(stored_rows(&rig, "a", true), LIMIT_BATCH_ROWS);
    assert_int_equal(stored_rows(&rig, "a_raw", true), LIMIT_BATCH_ROWS);
    rig_close(&rig);
}

int main(void) {
    const struct CMUnitTest TESTS[] = {
        cmocka_unit_test(tags_that_rules_write_to_are_made_with_them),
        cmocka_unit_test(a_line_with_a_fault_is_rejected_with_its_line_and_nothing_else),
        cmocka_unit_test(a_tag_of_another_type_is_not_taken_for_writing),
        cmocka_unit_test(what_the_door_holds_back_is_stored_when_the_plant_closes),
        cmocka_unit_test(a_silent_tag_is_marked_without_anything_coming),
        cmocka_unit_test(a_full_batch_with_what_is_made_of_it_survives_a_restart),
    };
    return cmocka_run_group_tests(TESTS, NULL, NULL);
}
