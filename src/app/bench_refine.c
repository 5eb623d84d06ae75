/*
 * maru bench refine: what refining costs, in rows a second of one core.
 *
 * TAGS tags of a device, BATCH_ROWS rows a batch as links give them, values a slow wave with noise
 * from a fixed seed. Three times the same rows: without a rule; with spike, rate, stuck and gap on
 * every tag; and without rules but with DERIVED computed tags, whose results count as rows as well.
 * Making the rows is not counted. To be run on a machine that does nothing else.
 */
#include <math.h>
#include <stdio.h>

#include "app/bench.h"
#include "core/clock.h"
#include "core/json.h"
#include "core/mem.h"
#include "core/random.h"
#include "refine/derived.h"
#include "refine/refine.h"

enum { TAGS = 64, DERIVED = 16, BATCH_ROWS = 8192, BATCHES = 400, BATCHES_QUICK = 40 };

static const char RULES[] = "spike=6 rate=1e6 stuck_s=600 gap=5 period_s=1";

static struct catalogue *make_catalogue(const char *rules, uint32_t derived) {
    struct catalogue *catalogue = catalogue_new();
    catalogue->tag_count = TAGS + derived;
    catalogue->tags = ARENA_ARRAY(&catalogue->arena, struct tag, TAGS + DERIVED);
    for (uint32_t i = 0; i < catalogue->tag_count; i++) {
        char name[32];
        char source[80];
        (void)snprintf(name, sizeof name, "bench.t%u", i);
        (void)snprintf(source, sizeof source, "= tag('bench.t%u') * 1.8 + 32", i % TAGS);
        bool is_derived = i >= TAGS;
        catalogue->tags[i] = (struct tag){.number = i + 1,
            .type = TYPE_F64,
            .name = arena_copy(&catalogue->arena, str_of(name)),
            .source = is_derived ? arena_copy(&catalogue->arena, str_of(source)) : STR_NONE,
            .device = STR_NONE,
            .display = STR_NONE,
            .unit = STR_NONE,
            .refine = is_derived ? STR_NONE : str_of(rules),
            .scale = 1,
            .min = -1e6,
            .max = 1e6,
            .dead_band = (double)NAN,
            .active = true};
    }
    catalogue_finish(catalogue);
    return catalogue;
}

static void fill(struct batch *batch, struct random *random, int64_t *second) {
    batch_clear(batch);
    batch->source = 1; // A device's.
    for (uint32_t i = 0; i < BATCH_ROWS; i++) {
        *second += i % TAGS == 0;
        struct sample *row = batch_add(batch);
        row->tag = i % TAGS + 1;
        row->type = TYPE_F64;
        row->time_ns = (1700000000 + *second) * NS_PER_S;
        double noise = (double)(random_below(random, 1000)) / 1000;
        row->value.f64 = 100 * sin((double)*second / 600) + noise;
    }
}

/* Millions of rows a second. */
static double measure(const char *rules, uint32_t derived_count, int batches) {
    struct catalogue *catalogue = make_catalogue(rules, derived_count);
    struct refine *refine = refine_new(catalogue->tag_count);
    refine_use(refine, catalogue);
    struct derived *derived = derived_new(catalogue, clock_system());
    struct batch *batch = batch_new(BATCH_ROWS, 1024);
    const struct clock *clock = clock_system();
    struct random random;
    random_seed(&random, 20261121);
    int64_t second = 0;
    int64_t spent_ns = 0;
    uint64_t rows = 0;
    for (int i = 0; i < batches; i++) {
        fill(batch, &random, &second);
        int64_t begun_ns = clock_mono_ns(clock);
        refine_reserve(refine, batch);
        refine_run(refine, batch);
        if (derived != NULL) {
            (void)derived_run(derived, batch);
        }
        spent_ns += clock_mono_ns(clock) - begun_ns;
        rows += batch->count;
    }
    batch_free(batch);
    derived_free(derived);
    refine_free(refine);
    catalogue_unref(catalogue);
    return (double)rows * 1000 / (double)(spent_ns > 0 ? spent_ns : 1);
}

int bench_refine(const struct bench_options *options, struct buf *json_out, struct err *err) {
    (void)err; // Nothing can fail: memory and one thread.
    int batches = options->quick ? BATCHES_QUICK : BATCHES;
    struct json json;
    json_init(&json, json_out);
    json_object_begin(&json);
    json_put_f64(&json, "refine_plain_mrows_s", measure("", 0, batches));
    json_put_f64(&json, "refine_rules_mrows_s", measure(RULES, 0, batches));
    json_put_f64(&json, "refine_derived_mrows_s", measure("", DERIVED, batches));
    json_object_end(&json);
    return 0;
}
