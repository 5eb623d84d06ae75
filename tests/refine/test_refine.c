/*
 * The walk of a batch through the stages: counts, unknown tags, restart, growth, threads.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "core/limits.h"
#include "core/thread.h"
#include "tests/refine/support_refine.h"

/* */
static void every_stage_counts_what_reached_it(void **state) {
    (void)state;
    struct bench bench;
    bench_init(&bench);
    bench.tag->scale = 2;
    bench.tag->max = 100;
    bench.tag->dead_band = 0;
    (void)bench_i64(&bench, 10, 5);  // Converted, scaled.
    (void)bench_i64(&bench, 10, 5);  // Duplicate.
    (void)bench_i64(&bench, 11, 5);  // Unchanged.
    (void)bench_i64(&bench, 12, 60); // Out of range.
    (void)bench_i64(&bench, 5, 7);   // Late.
    struct sample *unknown = bench_i64(&bench, 12, 1);
    unknown->tag = 99;
    refine_run(bench.refine, bench.batch);
    static const struct {
        enum refine_stage stage;
        struct stage_counts counts;
    } EXPECTED[] = {
        {STAGE_DECODE, {.in = 6, .changed = 5, .marked = 0, .omitted = 1}},
        {STAGE_SCALE, {.in = 5, .changed = 5}},
        {STAGE_RANGE, {.in = 5, .marked = 1}},
        {STAGE_LATE, {.in = 5, .marked = 1}},
        {STAGE_DUPLICATE, {.in = 5, .omitted = 1}},
        {STAGE_SPIKE, {.in = 4}}, // No rules: nothing to do, and yet counted.
        {STAGE_DEADBAND, {.in = 4, .omitted = 1}},
    };
    for (size_t i = 0; i < sizeof EXPECTED / sizeof EXPECTED[0]; i++) {
        struct stage_counts counts = bench_counts(&bench, EXPECTED[i].stage);
        assert_int_equal(counts.in, EXPECTED[i].counts.in);
        assert_int_equal(counts.changed, EXPECTED[i].counts.changed);
        assert_int_equal(counts.marked, EXPECTED[i].counts.marked);
        assert_int_equal(counts.omitted, EXPECTED[i].counts.omitted);
    }
    struct stage_counts counts;
    refine_tag_counts(bench.refine, 1, &counts);
    assert_int_equal(counts.in, 5);
    assert_int_equal(counts.changed, 10);
    assert_int_equal(counts.marked, 2);
    assert_int_equal(counts.omitted, 2);
    refine_tag_counts(bench.refine, 2, &counts);
    assert_int_equal(counts.in, 0);
    bench_fini(&bench);
}

static void rows_of_no_tag_and_no_type_are_dropped(void **state) {
    (void)state;
    struct bench bench;
    bench_init(&bench);
    static const uint32_t TAGS[] = {0, BENCH_TAGS + 1, UINT32_MAX};
    for (size_t i = 0; i < 3; i++) {
        bench_f64(&bench, 1, 1)->tag = TAGS[i];
    }
    bench_f64(&bench, 1, 1)->type = 0;
    bench_f64(&bench, 1, 1)->type = 5;
    struct sample *known = bench_f64(&bench, 1, 1);
    refine_run(bench.refine, bench.batch);
    for (size_t i = 0; i < 5; i++) {
        assert_int_equal(bench.batch->rows[i].flags, SAMPLE_DROP);
    }
    assert_int_equal(known->flags, 0);
    assert_int_equal(bench_counts(&bench, STAGE_DECODE).omitted, 5);
    struct stage_counts counts;
    refine_tag_counts(bench.refine, 0, &counts);
    assert_int_equal(counts.in, 0);
    refine_tag_counts(bench.refine, UINT32_MAX, &counts);
    assert_int_equal(counts.in, 0);
    bench_fini(&bench);
}

static void rows_omitted_before_are_not_looked_at(void **state) {
    (void)state;
    struct bench bench;
    bench_init(&bench);
    bench_f64(&bench, 1, 1)->flags = SAMPLE_DROP;
    bench_f64(&bench, 1, 1)->flags = SAMPLE_DROP;
    bench.batch->rows[1].tag = 99;
    refine_run(bench.refine, bench.batch);
    assert_int_equal(bench_counts(&bench, STAGE_DECODE).in, 0);
    bench_fini(&bench);
}

static void a_seed_goes_on_where_the_last_run_stood(void **state) {
    (void)state;
    struct bench bench;
    bench_init(&bench);
    bench.tag->dead_band = 1;
    refine_use(bench.refine, bench.catalogue);
    struct sample newest = {.tag = 1, .time_ns = 1000, .type = TYPE_F64, .value.f64 = 5};
    refine_seed(bench.refine, &newest, STR_NONE);
    assert_int_equal(bench_run_f64(&bench, 999, 9).flags, SAMPLE_LATE);
    assert_int_equal(bench_run_f64(&bench, 1000, 5).flags, SAMPLE_DROP);
    assert_int_equal(bench_counts(&bench, STAGE_DUPLICATE).omitted, 1);
    assert_int_equal(bench_run_f64(&bench, 1001, 5.5).flags, SAMPLE_DROP);
    assert_int_equal(bench_counts(&bench, STAGE_DEADBAND).omitted, 1);
    assert_int_equal(bench_run_f64(&bench, 1002, 6).flags, 0);
    bench_fini(&bench);
}

static void a_seed_of_no_type_forgets_the_tag(void **state) {
    (void)state;
    struct bench bench;
    bench_init(&bench);
    bench.tag->dead_band = 1;
    (void)bench_run_f64(&bench, 1000, 5);
    static const uint32_t NO_TAGS[] = {0, LIMIT_TAGS + 1, UINT32_MAX};
    for (size_t i = 0; i < 3; i++) {
        refine_seed(bench.refine, &(struct sample){.tag = NO_TAGS[i]}, STR_NONE);
    }
    refine_seed(bench.refine, &(struct sample){.tag = 1}, STR_NONE);
    assert_int_equal(bench_run_f64(&bench, -1000, 5).flags, 0); // Not late.
    refine_seed(bench.refine, &(struct sample){.tag = 1}, STR_NONE);
    assert_int_equal(bench_run_f64(&bench, -1000, 5).flags, 0); // No duplicate, not inside.
    bench_fini(&bench);
}

static void a_seeded_text_is_compared(void **state) {
    (void)state;
    struct bench bench;
    bench_init(&bench);
    bench.tag->type = TYPE_TEXT;
    struct sample newest = {.tag = 1, .time_ns = 1000, .type = TYPE_TEXT};
    refine_seed(bench.refine, &newest, STR("운전"));
    struct sample *same = bench_text(&bench, 1000, "운전");
    struct sample *other = bench_text(&bench, 1000, "정지");
    refine_run(bench.refine, bench.batch);
    assert_int_equal(same->flags, SAMPLE_DROP);
    assert_int_equal(other->flags, 0);
    bench_fini(&bench);
}

static struct catalogue *catalogue_of(uint32_t count) {
    struct catalogue *catalogue = catalogue_new();
    catalogue->tag_count = count;
    catalogue->tags = ARENA_ARRAY(&catalogue->arena, struct tag, count);
    for (uint32_t i = 0; i < count; i++) {
        char name[16];
        (void)snprintf(name, sizeof name, "t%u", i);
        catalogue->tags[i] = (struct tag){
            .number = i + 1,
            .type = TYPE_F64,
            .name = arena_copy(&catalogue->arena, str_of(name)),
            .scale = 1,
            .min = (double)NAN,
            .max = (double)NAN,
            .dead_band = (double)NAN,
        };
    }
    catalogue_finish(catalogue);
    return catalogue;
}

static void a_larger_catalogue_keeps_the_state_of_its_tags(void **state) {
    (void)state;
    struct bench bench;
    bench_init(&bench);
    (void)bench_run_f64(&bench, 1000, 1);
    struct catalogue *larger = catalogue_of(3000);
    refine_use(bench.refine, larger);
    assert_int_equal(larger->references, 2);
    assert_int_equal(bench.catalogue->references, 1);
    catalogue_unref(bench.catalogue);
    bench.catalogue = larger;
    assert_int_equal(bench_run_f64(&bench, 999, 1).flags, SAMPLE_LATE);
    bench_batch(&bench, BENCH_DEVICE);
    struct sample *last = bench_f64(&bench, 1, 1);
    last->tag = 3000;
    refine_run(bench.refine, bench.batch);
    assert_int_equal(last->flags, 0);
    struct stage_counts counts;
    refine_tag_counts(bench.refine, 3000, &counts);
    assert_int_equal(counts.in, 1);
    refine_tag_counts(bench.refine, 1, &counts);
    assert_int_equal(counts.in, 2);
    bench_fini(&bench);
}

struct watch {
    const struct refine *refine;
    struct thread thread;
    _Atomic bool stop;
    uint64_t backwards;
};

static void watch_counts(void *context) {
    struct watch *watch = context;
    uint64_t last = 0;
    while (!atomic_load(&watch->stop)) {
        struct stage_counts counts;
        refine_counts(watch->refine, STAGE_DECODE, &counts);
        watch->backwards += counts.in < last;
        last = counts.in;
        for (uint32_t tag = 1; tag < 5000; tag += 500) {
            refine_tag_counts(watch->refine, tag, &counts);
        }
    }
}

static void counts_can_be_read_while_tags_are_added(void **state) {
    (void)state;
    struct bench bench;
    bench_init(&bench);
    struct watch watch = {.refine = bench.refine};
    thread_start(&watch.thread, "watch", watch_counts, &watch);
    for (uint32_t count = 1; count <= 5000; count += 1000) {
        struct catalogue *catalogue = catalogue_of(count);
        refine_use(bench.refine, catalogue);
        catalogue_unref(catalogue);
        for (int64_t i = 0; i < 2000; i++) {
            (void)bench_run_f64(&bench, i, (double)i);
        }
    }
    atomic_store(&watch.stop, true);
    thread_join(&watch.thread);
    assert_int_equal(watch.backwards, 0);
    assert_int_equal(bench_counts(&bench, STAGE_DECODE).in, 10000);
    bench_fini(&bench);
}

static void stages_have_names_and_words(void **state) {
    (void)state;
    assert_string_equal(refine_stage_name(STAGE_DECODE), "decode");
    assert_string_equal(refine_stage_name(STAGE_DEADBAND), "deadband");
    for (int i = 0; i < STAGE_COUNT; i++) {
        const char *name = refine_stage_name((enum refine_stage)i);
        assert_true(strlen(name) > 0);
        for (int j = 0; j < i; j++) {
            assert_string_not_equal(name, refine_stage_name((enum refine_stage)j));
        }
        const char *korean = refine_stage_words((enum refine_stage)i, LANG_KO);
        const char *english = refine_stage_words((enum refine_stage)i, LANG_EN);
        assert_true(strlen(korean) > 0 && strlen(english) > 0);
        assert_string_not_equal(korean, english);
    }
    assert_string_equal(refine_stage_name(STAGE_COUNT), "");
    assert_string_equal(refine_stage_words(STAGE_COUNT, LANG_KO), "");
}

static void the_largest_plant_fits(void **state) {
    (void)state;
    struct refine *refine = refine_new(LIMIT_TAGS);
    struct stage_counts counts = {.in = 1};
    refine_tag_counts(refine, LIMIT_TAGS, &counts);
    assert_int_equal(counts.in, 0);
    refine_free(refine);
    refine_free(NULL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_stage_counts_what_reached_it),
        cmocka_unit_test(rows_of_no_tag_and_no_type_are_dropped),
        cmocka_unit_test(rows_omitted_before_are_not_looked_at),
        cmocka_unit_test(a_seed_goes_on_where_the_last_run_stood),
        cmocka_unit_test(a_seed_of_no_type_forgets_the_tag),
        cmocka_unit_test(a_seeded_text_is_compared),
        cmocka_unit_test(a_larger_catalogue_keeps_the_state_of_its_tags),
        cmocka_unit_test(counts_can_be_read_while_tags_are_added),
        cmocka_unit_test(stages_have_names_and_words),
        cmocka_unit_test(the_largest_plant_fits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
