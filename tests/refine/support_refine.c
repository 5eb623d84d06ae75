/*
 * What all refine tests share.
 */
#include "tests/refine/support_refine.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

void bench_init(struct bench *bench) {
    struct catalogue *catalogue = catalogue_new();
    catalogue->tag_count = BENCH_TAGS;
    catalogue->tags = ARENA_ARRAY(&catalogue->arena, struct tag, BENCH_TAGS);
    for (uint32_t i = 0; i < BENCH_TAGS; i++) {
        char name[8];
        (void)snprintf(name, sizeof name, "t%u%s", i < 4 ? i + 1 : 1, i < 4 ? "" : "_raw");
        catalogue->tags[i] = (struct tag){
            .number = i + 1,
            .type = TYPE_F64,
            .name = arena_copy(&catalogue->arena, str_of(name)),
            .scale = 1,
            .min = (double)NAN,
            .max = (double)NAN,
            .dead_band = (double)NAN,
            .active = true,
        };
    }
    catalogue_finish(catalogue);
    bench->catalogue = catalogue;
    bench->tag = &catalogue->tags[0];
    bench->refine = refine_new(BENCH_TAGS);
    refine_use(bench->refine, catalogue);
    bench->batch = batch_new(64, 1024);
    bench_batch(bench, BENCH_DEVICE);
}

void bench_fini(struct bench *bench) {
    refine_free(bench->refine);
    batch_free(bench->batch);
    catalogue_unref(bench->catalogue);
}

void bench_batch(struct bench *bench, uint32_t source) {
    batch_clear(bench->batch);
    bench->batch->source = source;
}

static struct sample *add(struct bench *bench, int64_t time_ns, enum value_type type) {
    refine_use(bench->refine, bench->catalogue); // The test may have changed the tag.
    struct sample *row = batch_add(bench->batch);
    assert_non_null(row);
    row->tag = 1;
    row->time_ns = time_ns;
    row->type = (uint8_t)type;
    return row;
}

struct sample *bench_f64(struct bench *bench, int64_t time_ns, double value) {
    struct sample *row = add(bench, time_ns, TYPE_F64);
    row->value.f64 = value;
    return row;
}

struct sample *bench_i64(struct bench *bench, int64_t time_ns, int64_t value) {
    struct sample *row = add(bench, time_ns, TYPE_I64);
    row->value.i64 = value;
    return row;
}

struct sample *bench_text(struct bench *bench, int64_t time_ns, const char *text) {
    refine_use(bench->refine, bench->catalogue);
    assert_true(batch_add_text(bench->batch, 1, time_ns, str_of(text)));
    return &bench->batch->rows[bench->batch->count - 1];
}

struct sample bench_run_f64(struct bench *bench, int64_t time_ns, double value) {
    bench_batch(bench, BENCH_DEVICE);
    struct sample *row = bench_f64(bench, time_ns, value);
    refine_reserve(bench->refine, bench->batch);
    row = &bench->batch->rows[0];
    refine_run(bench->refine, bench->batch);
    return *row;
}

struct sample bench_run_i64(struct bench *bench, int64_t time_ns, int64_t value) {
    bench_batch(bench, BENCH_DEVICE);
    struct sample *row = bench_i64(bench, time_ns, value);
    refine_reserve(bench->refine, bench->batch);
    row = &bench->batch->rows[0];
    refine_run(bench->refine, bench->batch);
    return *row;
}

const struct sample *bench_made(const struct bench *bench) {
    return bench->batch->made > 0 ? &bench->batch->rows[bench->batch->count - 1] : NULL;
}

struct stage_counts bench_counts(const struct bench *bench, enum refine_stage stage) {
    struct stage_counts counts;
    refine_counts(bench->refine, stage, &counts);
    return counts;
}
