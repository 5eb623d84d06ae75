/*
 * The pipeline over the real stores: durable before shown, late samples, a full disk, many
 * submitters at once.
 */
#include <errno.h>

#include "core/file_fault.h"
#include "core/thread.h"
#include "plant/pipeline.h"
#include "refine/refine.h"
#include "support_plant.h"

/* */
static void what_was_submitted_is_durable_and_shown(void **state) {
    (void)state;
    struct rig rig;
    rig_open(&rig, NULL);
    uint32_t tag = tag_number(&rig, "a");
    struct err err = ERR_INIT;
    assert_int_equal(submit_f64(&rig, tag, 1000, 1.5, &err), 0);
    struct live_value value;
    assert_true(live_read(plant_live(rig.plant), tag, &value));
    assert_true(value.value.f64 == 1.5);
    assert_int_equal(stored_rows(&rig, "a", false), 1);
    rig_reopen(&rig, NULL);
    assert_true(live_read(plant_live(rig.plant), tag, &value)); // The last known value is back.
    assert_true(value.value.f64 == 1.5);
    rig_close(&rig);
}

static void a_late_sample_is_kept_and_does_not_move_the_newest(void **state) {
    (void)state;
    struct rig rig;
    rig_open(&rig, NULL);
    uint32_t tag = tag_number(&rig, "a");
    struct err err = ERR_INIT;
    assert_int_equal(submit_f64(&rig, tag, 2000, 2, &err), 0);
    assert_int_equal(submit_f64(&rig, tag, 1000, 1, &err), 0);
    struct live_value value;
    assert_true(live_read(plant_live(rig.plant), tag, &value));
    assert_true(value.value.f64 == 2);
    assert_int_equal(stored_rows(&rig, "a", false), 2);
    rig_close(&rig);
}

static void a_full_disk_refuses_in_words_shows_nothing_and_recovers(void **state) {
    (void)state;
    struct file_fault fault;
    file_fault_init(&fault);
    struct rig rig;
    rig_open(&rig, &fault.files);
    uint32_t tag = tag_number(&rig, "a");
    struct err err = ERR_INIT;
    assert_int_equal(submit_f64(&rig, tag, 1000, 1, &err), 0);
    fault.sticky = 1;
    file_fault_arm(&fault, FILE_OP_WRITE, 0, ENOSPC);
    assert_int_equal(submit_f64(&rig, tag, 2000, 2, &err), -ERR_SPACE);
    assert_int_equal(err.code, ERR_SPACE);
    struct live_value value;
    assert_true(live_read(plant_live(rig.plant), tag, &value));
    assert_true(value.value.f64 == 1);
    assert_int_equal(stored_rows(&rig, "a", true), 1); // Queries go on.
    struct pipeline_status status;
    plant_pipeline_status(rig.plant, &status);
    assert_true(status.stalled);
    file_fault_disarm(&fault);
    err_clear(&err);
    /* The very same row again: it was refused, so it must not pass for a duplicate. */
    assert_int_equal(submit_f64(&rig, tag, 2000, 2, &err), 0);
    assert_int_equal(stored_rows(&rig, "a", true), 2);
    assert_true(live_read(plant_live(rig.plant), tag, &value));
    assert_true(value.value.f64 == 2);
    rig_close(&rig);
}

/* A device that has not seen the newest catalogue sends a tag that was just deleted. */
static void a_tag_that_is_gone_takes_no_neighbour_with_it(void **state) {
    (void)state;
    struct rig rig;
    rig_open(&rig, NULL);
    uint32_t tag = tag_number(&rig, "a");
    struct err err = ERR_INIT;
    struct catalogue *catalogue = plant_catalogue(rig.plant);
    struct refine *refine = refine_new(catalogue->tag_count);
    refine_use(refine, catalogue);
    const struct pipeline_options options = {.clock = clock_system(),
        .historian = plant_historian(rig.plant),
        .live = plant_live(rig.plant),
        .refine = refine};
    struct pipeline *pipeline = pipeline_new(&options);
    pipeline_use(pipeline, catalogue);
    struct batch *batch = batch_new(8, 64);
    const uint32_t tags[] = {tag, 999999, tag};
    for (int i = 0; i < 3; i++) {
        struct sample *row = batch_add(batch);
        row->tag = tags[i];
        row->time_ns = 1000 + i;
        row->type = TYPE_F64;
        row->value.f64 = i;
    }
    struct sample_port port = pipeline_port(pipeline);
    assert_int_equal(port.submit(port.context, batch, &err), 0);
    pipeline_free(pipeline);
    refine_free(refine);
    catalogue_unref(catalogue);
    batch_free(batch);
    assert_int_equal(stored_rows(&rig, "a", true), 2);
    rig_close(&rig);
}

struct writer {
    struct thread thread;
    struct rig *rig;
    uint32_t tag;
    int failures;
};

enum { WRITERS = 4, WRITES = 200 };

static void write_many(void *context) {
    struct writer *writer = context;
    for (int i = 0; i < WRITES; i++) {
        struct err err = ERR_INIT;
        writer->failures += submit_f64(writer->rig, writer->tag, (i + 1) * 1000, i, &err) < 0;
    }
}

static void many_submitters_share_syncs_and_lose_nothing(void **state) {
    (void)state;
    struct rig rig;
    rig_open(&rig, NULL);
    struct writer writers[WRITERS] = {0};
    static const char *const NAMES[WRITERS] = {"a", "b", "c", "d"};
    for (int i = 0; i < WRITERS; i++) {
        writers[i].rig = &rig;
        writers[i].tag = tag_number(&rig, NAMES[i]);
        thread_start(&writers[i].thread, "writer", write_many, &writers[i]);
    }
    for (int i = 0; i < WRITERS; i++) {
        thread_join(&writers[i].thread);
        assert_int_equal(writers[i].failures, 0);
        assert_int_equal(stored_rows(&rig, NAMES[i], true), WRITES);
    }
    struct pipeline_status status;
    plant_pipeline_status(rig.plant, &status);
    assert_true(status.commits < WRITERS * WRITES); // Four at once: some must have met.
    assert_int_equal(status.rows_in, WRITERS * WRITES);
    rig_close(&rig);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_submitted_is_durable_and_shown),
        cmocka_unit_test(a_late_sample_is_kept_and_does_not_move_the_newest),
        cmocka_unit_test(a_full_disk_refuses_in_words_shows_nothing_and_recovers),
        cmocka_unit_test(a_tag_that_is_gone_takes_no_neighbour_with_it),
        cmocka_unit_test(many_submitters_share_syncs_and_lose_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
