/*
 * The tags that rules write to.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/refine/support_refine.h"

static void each_rule_names_its_tag(void **state) {
    (void)state;
    struct arena arena;
    arena_init(&arena, 0);
    struct tag tag = {.name = STR("l.p"),
        .type = TYPE_I64,
        .kind = KIND_COUNTER,
        .unit = STR("ea"),
        .retention_days = 7,
        .rollup_days = 70,
        .keep_raw = true,
        .refine = STR("increment=l.more state=on:>0 state_tag=l.state cycle_tag=l.cycle")};
    struct tag made[REFINE_COMPANIONS_MAX];
    assert_int_equal(refine_companions(&tag, &arena, made), 4);
    static const struct {
        const char *name;
        enum value_type type;
        enum tag_kind kind;
        const char *unit;
    } EXPECTED[] = {
        {"l.p_raw", TYPE_I64, KIND_COUNTER, ""},
        {"l.more", TYPE_I64, KIND_MEASUREMENT, "ea"},
        {"l.state", TYPE_TEXT, KIND_STATE, ""},
        {"l.cycle", TYPE_F64, KIND_MEASUREMENT, "s"},
    };
    for (int i = 0; i < 4; i++) {
        assert_true(str_eq(made[i].name, str_of(EXPECTED[i].name)));
        assert_true(str_eq(made[i].unit, str_of(EXPECTED[i].unit)));
        assert_int_equal(made[i].type, EXPECTED[i].type);
        assert_int_equal(made[i].kind, EXPECTED[i].kind);
        assert_int_equal(made[i].retention_days, 7);
        assert_int_equal(made[i].rollup_days, 70);
        assert_true(made[i].active);
    }
    tag.refine = STR_NONE;
    tag.keep_raw = false;
    assert_int_equal(refine_companions(&tag, &arena, made), 0);
    arena_fini(&arena);
}

/* Of another type it would be written with values that it cannot hold. */
static void a_companion_of_another_type_is_not_written(void **state) {
    (void)state;
    struct bench bench;
    bench_init(&bench);
    bench.tag->kind = KIND_COUNTER;
    bench.catalogue->tags[1].type = TYPE_TEXT;
    bench.tag->refine = STR("increment=t2");
    (void)bench_run_f64(&bench, 1, 1);
    (void)bench_run_f64(&bench, 2, 5);
    assert_int_equal(bench.batch->made, 0);
    bench_fini(&bench);
}

static void a_batch_is_enlarged_for_what_is_made_and_keeps_its_rows(void **state) {
    (void)state;
    struct bench bench;
    bench_init(&bench);
    bench.tag->keep_raw = true;
    AUTO_BATCH struct batch *batch = batch_new(3, 0);
    batch->source = BENCH_DEVICE;
    for (int i = 0; i < 3; i++) {
        *batch_add(batch) =
            (struct sample){.tag = 1, .type = TYPE_F64, .time_ns = i, .value.f64 = i};
    }
    refine_use(bench.refine, bench.catalogue);
    refine_reserve(bench.refine, batch);
    refine_run(bench.refine, batch);
    assert_int_equal(batch->count, 6);
    assert_int_equal(batch->made, 3);
    for (int i = 0; i < 3; i++) {
        assert_true(batch->rows[i].tag == 1 && batch->rows[i].value.f64 == i);
        assert_true(batch->rows[3 + i].tag == 5 && batch->rows[3 + i].value.f64 == i);
    }
    bench_fini(&bench);
}

int main(void) {
    const struct CMUnitTest TESTS[] = {
        cmocka_unit_test(each_rule_names_its_tag),
        cmocka_unit_test(a_companion_of_another_type_is_not_written),
        cmocka_unit_test(a_batch_is_enlarged_for_what_is_made_and_keeps_its_rows),
    };
    return cmocka_run_group_tests(TESTS, NULL, NULL);
}
