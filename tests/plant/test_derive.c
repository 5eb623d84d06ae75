/*
 * Derived tags in a whole plant: made by import and refused in words, durable with their inputs,
 * going on after a restart, untouched by what the store refused.
 */
#include <errno.h>
#include <string.h>

#include "core/file_fault.h"
#include "support_plant.h"

static void make_tags(struct rig *rig) {
    struct import_report report;
    struct err err = ERR_INIT;
    assert_int_equal(import_text(rig, IMPORT_TAGS,
                         "tag,source,unit\na.c,,°C\na.f,\"= tag('a.c') * 1.8 + 32\",°F\n"
                         "a.mean,\"= avg('a.c', 3, \"\"rows\"\")\",°C\n"
                         "a.step,\"= delta('a.c')\",°C\n",
                         &report, &err),
        0);
    assert_int_equal(report.rejected, 0);
}

static double newest(struct rig *rig, const char *name) {
    struct live_value value;
    assert_true(live_read(plant_live(rig->plant), tag_number(rig, name), &value));
    return value.value.f64;
}

/* */
static void results_are_stored_with_their_inputs_and_go_on_after_a_restart(void **state) {
    (void)state;
    struct rig rig;
    struct err err = ERR_INIT;
    rig_open(&rig, NULL);
    make_tags(&rig);
    uint32_t c = tag_number(&rig, "a.c");
    assert_int_equal(submit_f64(&rig, c, 1000, 10, &err), 0);
    assert_int_equal(submit_f64(&rig, c, 2000, 20, &err), 0);
    assert_true(newest(&rig, "a.f") == 68);
    assert_true(newest(&rig, "a.mean") == 15);
    assert_true(newest(&rig, "a.step") == 10);
    rig_reopen(&rig, NULL);
    assert_int_equal(submit_f64(&rig, c, 3000, 60, &err), 0);
    assert_true(newest(&rig, "a.f") == 140);
    assert_true(newest(&rig, "a.mean") == 30); // Of 10, 20 and 60.
    assert_true(newest(&rig, "a.step") == 40);
    assert_int_equal(stored_rows(&rig, "a.f", false), 3);
    rig_close(&rig);
}

static void what_was_refused_tells_derived_tags_nothing(void **state) {
    (void)state;
    struct file_fault fault;
    file_fault_init(&fault);
    struct rig rig;
    struct err err = ERR_INIT;
    rig_open(&rig, &fault.files);
    make_tags(&rig);
    uint32_t c = tag_number(&rig, "a.c");
    assert_int_equal(submit_f64(&rig, c, 1000, 10, &err), 0);
    fault.sticky = 1;
    file_fault_arm(&fault, FILE_OP_WRITE, 0, ENOSPC);
    assert_int_equal(submit_f64(&rig, c, 2000, 20, &err), -ERR_SPACE);
    file_fault_disarm(&fault);
    err_clear(&err);
    assert_int_equal(submit_f64(&rig, c, 1500, 16, &err), 0); // Would be late after 2000.
    assert_true(newest(&rig, "a.step") == 6);
    assert_true(newest(&rig, "a.mean") == 13);
    rig_close(&rig);
}

static void an_expression_that_cannot_work_is_refused_with_its_line(void **state) {
    (void)state;
    struct rig rig;
    struct import_report report;
    struct err err = ERR_INIT;
    rig_open(&rig, NULL);
    make_tags(&rig);
    assert_true(import_text(&rig, IMPORT_TAGS,
                    "tag,source\nb.x,= tag('a.c') +\nb.y,= tag('no.such')\n"
                    "a.c,= tag('a.f')\nb.z,= tag('a.f')\n",
                    &report, &err) >= 0);
    assert_int_equal(report.rejected, 3); // No end, no input, a circle; b.z is good.
    rig_close(&rig);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(results_are_stored_with_their_inputs_and_go_on_after_a_restart),
        cmocka_unit_test(what_was_refused_tells_derived_tags_nothing),
        cmocka_unit_test(an_expression_that_cannot_work_is_refused_with_its_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
