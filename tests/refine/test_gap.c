/*
 * Gaps.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/clock.h"
#include "tests/refine/support_refine.h"

static void begin(struct bench *bench) {
    bench_init(bench);
    bench->tag->refine = STR("gap=3 period_s=1");
}

static const struct sample *run(struct bench *bench, int64_t ns) {
    (void)bench_run_f64(bench, ns, 5);
    return bench_made(bench);
}

static void a_silence_longer_than_the_limit_is_marked_at_its_beginning(void **state) {
    (void)state;
    struct bench bench;
    begin(&bench);
    assert_null(run(&bench, 0));
    assert_null(run(&bench, 1 * NS_PER_S));
    assert_null(run(&bench, 4 * NS_PER_S)); // Exactly the limit.
    const struct sample *mark = run(&bench, 7 * NS_PER_S + 1);
    assert_non_null(mark);
    assert_int_equal(mark->tag, 1);
    assert_int_equal(mark->time_ns, 5 * NS_PER_S);
    assert_int_equal(mark->status, (uint32_t)STATUS_BAD_NO_DATA);
    assert_int_equal(mark->type, TYPE_F64);
    assert_int_equal(bench.batch->rows[0].status, 0); // The sample itself is good.
    assert_null(run(&bench, 8 * NS_PER_S));
    assert_int_equal(bench_counts(&bench, STAGE_GAP).made, 1);
    bench_fini(&bench);
}

static void a_tag_that_stays_silent_is_marked_once_by_time(void **state) {
    (void)state;
    struct bench bench;
    begin(&bench);
    assert_null(run(&bench, 10 * NS_PER_S));
    assert_true(refine_ticks(bench.refine));
    bench_batch(&bench, 0);
    assert_false(refine_tick(bench.refine, 13 * NS_PER_S, bench.batch));
    assert_int_equal(bench.batch->count, 0);
    assert_false(refine_tick(bench.refine, 13 * NS_PER_S + 1, bench.batch));
    assert_int_equal(bench.batch->count, 1);
    assert_int_equal(bench.batch->rows[0].time_ns, 11 * NS_PER_S);
    bench_batch(&bench, 0);
    assert_false(refine_tick(bench.refine, 100 * NS_PER_S, bench.batch));
    assert_int_equal(bench.batch->count, 0);
    assert_null(run(&bench, 101 * NS_PER_S)); // The mark stands already.
    assert_int_equal(bench.batch->rows[0].flags, 0);
    bench_fini(&bench);
}

static void after_a_restart_the_time_off_is_a_gap(void **state) {
    (void)state;
    struct bench bench;
    begin(&bench);
    refine_use(bench.refine, bench.catalogue);
    struct sample newest = {.tag = 1, .type = TYPE_F64, .time_ns = NS_PER_S};
    refine_seed(bench.refine, &newest, STR_NONE);
    assert_int_equal(run(&bench, 60 * NS_PER_S)->time_ns, 2 * NS_PER_S);
    newest.time_ns = 2 * NS_PER_S;
    newest.status = (uint32_t)STATUS_BAD_NO_DATA; // Marked before the restart.
    refine_seed(bench.refine, &newest, STR_NONE);
    assert_null(run(&bench, 120 * NS_PER_S));
    bench_fini(&bench);
}

static void a_late_sample_and_a_told_failure_are_no_gap(void **state) {
    (void)state;
    struct bench bench;
    begin(&bench);
    assert_null(run(&bench, 10 * NS_PER_S));
    assert_null(run(&bench, 1 * NS_PER_S));
    bench_batch(&bench, BENCH_DEVICE);
    bench_f64(&bench, 12 * NS_PER_S, 0)->status = (uint32_t)STATUS_BAD_COMMUNICATION;
    refine_reserve(bench.refine, bench.batch);
    refine_run(bench.refine, bench.batch);
    assert_int_equal(bench.batch->made, 0);
    assert_null(run(&bench, 15 * NS_PER_S));
    bench_fini(&bench);
}

static void the_device_period_is_taken_where_none_is_said(void **state) {
    (void)state;
    struct bench bench;
    bench_init(&bench);
    struct device device = {.number = 1, .id = STR("d"), .period_ns = 2 * NS_PER_S};
    bench.catalogue->devices = &device;
    bench.catalogue->device_count = 1;
    bench.tag->device = STR("d");
    bench.tag->refine = STR("gap=2");
    assert_null(run(&bench, 0));
    assert_null(run(&bench, 4 * NS_PER_S));
    assert_int_equal(run(&bench, 9 * NS_PER_S)->time_ns, 6 * NS_PER_S);
    bench.catalogue->device_count = 0;
    struct tag tag = {.name = STR("a"), .type = TYPE_F64, .refine = STR("gap=2")};
    assert_int_equal(refine_check(&tag, NULL), -ERR_INVALID);
    tag.device = STR("d");
    assert_int_equal(refine_check(&tag, NULL), 0);
    bench_fini(&bench);
}

int main(void) {
    const struct CMUnitTest TESTS[] = {
        cmocka_unit_test(a_silence_longer_than_the_limit_is_marked_at_its_beginning),
        cmocka_unit_test(a_tag_that_stays_silent_is_marked_once_by_time),
        cmocka_unit_test(after_a_restart_the_time_off_is_a_gap),
        cmocka_unit_test(a_late_sample_and_a_told_failure_are_no_gap),
        cmocka_unit_test(the_device_period_is_taken_where_none_is_said),
    };
    return cmocka_run_group_tests(TESTS, NULL, NULL);
}
