/*
 * Previews: what candidate rules would do, and that nothing else is touched.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/clock.h"
#include "tests/refine/support_refine.h"

static struct tag candidate(const char *rules) {
    return (struct tag){.number = 77,
        .name = STR("line.a"),
        .type = TYPE_F64,
        .unit = STR("°C"),
        .scale = 1,
        .min = (double)NAN,
        .max = (double)NAN,
        .dead_band = (double)NAN,
        .active = true,
        .refine = str_of(rules)};
}

static void each_row_tells_which_stages_did_something(void **state) {
    (void)state;
    struct arena arena;
    arena_init(&arena, 0);
    AUTO_BATCH struct batch *batch = batch_new(16, 16);
    batch->source = 1;
    static const double VALUES[] = {1, 2, 90, 3, 4};
    for (int i = 0; i < 5; i++) {
        *batch_add(batch) = (struct sample){
            .tag = 9, .type = TYPE_F64, .time_ns = i * NS_PER_S, .value.f64 = VALUES[i]};
    }
    struct tag tag = candidate("rate=5");
    tag.max = 3.5;
    struct refine_preview preview;
    struct err err = ERR_INIT;
    assert_int_equal(refine_preview(&tag, NULL, batch, &arena, &preview, &err), 0);
    const uint32_t rate = 1u << STAGE_RATE;
    const uint32_t range = 1u << STAGE_RANGE;
    assert_int_equal(preview.effects[0], 0);
    assert_int_equal(preview.effects[2], range); // The range named it first.
    assert_int_equal(preview.effects[4], range);
    assert_int_equal(preview.stages[STAGE_RANGE].marked, 2);
    assert_int_equal(preview.stages[STAGE_DECODE].in, 5);
    catalogue_unref(preview.catalogue);
    tag.max = (double)NAN;
    for (int i = 0; i < 5; i++) {
        batch->rows[i].status = 0;
        batch->rows[i].flags = 0;
    }
    assert_int_equal(refine_preview(&tag, NULL, batch, &arena, &preview, &err), 0);
    assert_int_equal(preview.effects[2], rate);
    assert_int_equal(preview.effects[3], 0);
    catalogue_unref(preview.catalogue);
    arena_fini(&arena);
}

static void rows_that_the_door_gives_out_count_as_stored(void **state) {
    (void)state;
    struct arena arena;
    arena_init(&arena, 0);
    AUTO_BATCH struct batch *batch = batch_new(100, 16);
    batch->source = 1;
    for (int i = 0; i < 100; i++) { // Up, and from 50 on down.
        double value = i < 50 ? i : 100 - i;
        *batch_add(batch) =
            (struct sample){.type = TYPE_F64, .time_ns = i * NS_PER_S, .value.f64 = value};
    }
    struct tag tag = candidate("swing=0.1 swing_s=3600");
    struct refine_preview preview;
    struct err err = ERR_INIT;
    assert_int_equal(refine_preview(&tag, NULL, batch, &arena, &preview, &err), 0);
    assert_int_equal(batch->made, 0);
    int stored = 0;
    for (uint32_t i = 0; i < 100; i++) {
        bool is_stored = (batch->rows[i].flags & SAMPLE_DROP) == 0;
        assert_int_equal(is_stored, i == 0 || i == 50 || i == 99);
        stored += is_stored;
    }
    assert_int_equal(stored, 3);
    catalogue_unref(preview.catalogue);
    arena_fini(&arena);
}

static void companions_are_shown_and_wrong_rules_refused(void **state) {
    (void)state;
    struct arena arena;
    arena_init(&arena, 0);
    AUTO_BATCH struct batch *batch = batch_new(4, 16);
    batch->source = 1;
    for (int i = 0; i < 4; i++) {
        *batch_add(batch) = (struct sample){
            .type = TYPE_F64, .time_ns = i * 100 * NS_PER_S, .value.f64 = i % 2 * 10};
    }
    struct tag tag = candidate("state=run:>5,stop:<=5 cycle_tag=line.cycle gap=2");
    tag.device = STR("d1");
    const struct device device = {.id = STR("d1"), .period_ns = 60 * NS_PER_S};
    struct refine_preview preview;
    struct err err = ERR_INIT;
    assert_int_equal(refine_preview(&tag, &device, batch, &arena, &preview, &err), 0);
    assert_int_equal(batch->made, 1); // No gap: the period is the device's.
    assert_true(batch->rows[4].value.f64 == 200);
    assert_true(str_eq(preview.catalogue->tags[batch->rows[4].tag - 1].name, STR("line.cycle")));
    catalogue_unref(preview.catalogue);
    tag.refine = STR("nonsense=1");
    assert_int_equal(refine_preview(&tag, NULL, batch, &arena, &preview, &err), -ERR_INVALID);
    arena_fini(&arena);
}

static void scale_and_unit_are_undone(void **state) {
    (void)state;
    struct tag tag = candidate("unit_from=[degF]");
    tag.scale = 0.1;
    tag.offset = 5;
    struct sample row = {.type = TYPE_F64, .value.f64 = 100}; // 212 °F, sent as 2070.
    assert_true(refine_undo(&tag, &row));
    assert_true(fabs(row.value.f64 - 2070) < 1e-9);
    tag = candidate("");
    assert_false(refine_undo(&tag, &row));
    tag.type = TYPE_I64;
    tag.scale = 10;
    tag.offset = -3;
    row = (struct sample){.type = TYPE_I64, .value.i64 = 9007199254740993 * 10 - 3};
    assert_true(refine_undo(&tag, &row));
    assert_true(row.value.i64 == 9007199254740993);
}

int main(void) {
    const struct CMUnitTest TESTS[] = {
        cmocka_unit_test(each_row_tells_which_stages_did_something),
        cmocka_unit_test(rows_that_the_door_gives_out_count_as_stored),
        cmocka_unit_test(companions_are_shown_and_wrong_rules_refused),
        cmocka_unit_test(scale_and_unit_are_undone),
    };
    return cmocka_run_group_tests(TESTS, NULL, NULL);
}
