/*
 * Raw values kept beside.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tests/refine/support_refine.h"

static void what_came_is_kept_before_it_is_changed(void **state) {
    (void)state;
    struct bench bench;
    bench_init(&bench);
    bench.tag->keep_raw = true;
    bench.tag->scale = 2;
    bench.tag->dead_band = 100;
    struct sample row = bench_run_f64(&bench, 10, 21);
    assert_true(row.value.f64 == 42);
    const struct sample *raw = bench_made(&bench);
    assert_non_null(raw);
    assert_true(raw->tag == 5 && raw->value.f64 == 21 && raw->time_ns == 10 && raw->status == 0);
    row = bench_run_f64(&bench, 11, 22); // Omitted by the dead-band, and yet kept raw.
    assert_int_equal(row.flags, SAMPLE_DROP);
    assert_true(bench_made(&bench)->value.f64 == 22);
    (void)bench_run_f64(&bench, 11, 22); // The exact repetition.
    assert_null(bench_made(&bench));
    (void)bench_run_f64(&bench, 5, 23);
    assert_int_equal(bench_made(&bench)->flags, SAMPLE_LATE);
    assert_int_equal(bench_counts(&bench, STAGE_RAW).made, 3);
    bench_fini(&bench);
}

static void imports_have_no_raw_value(void **state) {
    (void)state;
    struct bench bench;
    bench_init(&bench);
    bench.tag->keep_raw = true;
    bench_batch(&bench, 0);
    (void)bench_f64(&bench, 1, 1);
    refine_reserve(bench.refine, bench.batch);
    refine_run(bench.refine, bench.batch);
    assert_int_equal(bench.batch->made, 0);
    bench_fini(&bench);
}

static void a_name_with_no_room_for_raw_is_refused(void **state) {
    (void)state;
    char name[65];
    memset(name, 'a', sizeof name);
    struct tag tag = {.name = {name, 60}, .type = TYPE_F64, .refine = STR_NONE, .keep_raw = true};
    assert_int_equal(refine_check(&tag, NULL), 0);
    tag.name.size = 61;
    assert_int_equal(refine_check(&tag, NULL), -ERR_INVALID);
    tag.keep_raw = false;
    assert_int_equal(refine_check(&tag, NULL), 0);
}

static void what_is_hidden_is_not_kept_raw(void **state) {
    (void)state;
    struct tag tag = {.name = STR("a"), .type = TYPE_TEXT, .refine = STR("deident=pseudonym")};
    assert_int_equal(refine_check(&tag, NULL), 0);
    tag.keep_raw = true;
    assert_int_equal(refine_check(&tag, NULL), -ERR_INVALID);
}

int main(void) {
    const struct CMUnitTest TESTS[] = {
        cmocka_unit_test(what_came_is_kept_before_it_is_changed),
        cmocka_unit_test(imports_have_no_raw_value),
        cmocka_unit_test(a_name_with_no_room_for_raw_is_refused),
        cmocka_unit_test(what_is_hidden_is_not_kept_raw),
    };
    return cmocka_run_group_tests(TESTS, NULL, NULL);
}
