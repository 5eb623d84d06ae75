#ifndef TESTS_REFINE_SUPPORT_REFINE_H
#define TESTS_REFINE_SUPPORT_REFINE_H
/*
 * A refine with a few tags and a batch, and short ways to send one row through it.
 */
#include "refine/refine.h"

enum { BENCH_DEVICE = 1, BENCH_TAGS = 5 }; // t1 t2 t3 t4 t1_raw

struct bench {
    struct catalogue *catalogue;
    struct tag *tag; // Tag 1, to be set before the first row. All have type f64 and keep all.
    struct refine *refine;
    struct batch *batch;
};

void bench_init(struct bench *bench);
void bench_fini(struct bench *bench);
/* Empties the batch and names its source. */
void bench_batch(struct bench *bench, uint32_t source);
struct sample *bench_f64(struct bench *bench, int64_t time_ns, double value); // Of tag 1.
struct sample *bench_i64(struct bench *bench, int64_t time_ns, int64_t value);
struct sample *bench_text(struct bench *bench, int64_t time_ns, const char *text);
/* One row from the device through all stages; returns it as it came out. */
struct sample bench_run_f64(struct bench *bench, int64_t time_ns, double value);
struct sample bench_run_i64(struct bench *bench, int64_t time_ns, int64_t value);
/* The newest row that stages made, or NULL. */
const struct sample *bench_made(const struct bench *bench);
struct stage_counts bench_counts(const struct bench *bench, enum refine_stage stage);

#endif
