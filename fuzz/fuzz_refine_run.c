/*
 * Any catalogue, with some lines of rules, and any rows through all stages. What must hold whatever
 * comes: rows in = kept + omitted, at every stage; no row moves, changes its tag or its time; a
 * kept row has its tag's type, a status as bad as before or worse, and a text inside the batch;
 * rows that stages make are of known tags and of their types.
 */
#include <stddef.h>
#include <stdint.h>

#include "core/bytes.h"
#include "core/check.h"
#include "refine/refine.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { TAGS = 4, ROWS_MAX = 64, BATCHES_MAX = 4, TEXT_MAX = 256 };

enum { RULE_LINES = 8 };

/* Companions are tags of the same catalogue, of whatever type they happen to have. */
static const char *const RULES[RULE_LINES] = {"", "spike=3 spike_window=3 spike_min=1 rate=5",
    "stuck_s=1 gap=2 period_s=1", "swing=1 swing_s=5 gap=2 period_s=0.5",
    "state=on:>5,off:<=4 state_tag=e cycle_tag=b", "increment=b counter_max=255 rate=1e9",
    "enum=0:stop,1:run,-5:fault", "unit_from=bar swing=0.001"};

static struct catalogue *make_catalogue(struct reader *in) {
    static const char *const NAMES[TAGS] = {"a", "b", "c.d", "e"};
    struct catalogue *catalogue = catalogue_new();
    catalogue->tag_count = TAGS;
    catalogue->tags = ARENA_ARRAY(&catalogue->arena, struct tag, TAGS);
    for (uint32_t i = 0; i < TAGS; i++) {
        catalogue->tags[i] = (struct tag){
            .number = i + 1,
            .type = (enum value_type)(1 + read_u8(in) % 4),
            .name = str_of(NAMES[i]),
            .scale = read_f64_le(in),
            .offset = read_f64_le(in),
            .min = read_f64_le(in),
            .max = read_f64_le(in),
            .dead_band = read_f64_le(in),
            .max_silence_ns = (int64_t)(read_u64_le(in) >> 1),
            .late_limit_ns = (int64_t)(read_u64_le(in) >> 1),
            .kind = (enum tag_kind)(read_u8(in) % 4),
            .unit = STR("kPa"),
            .refine = str_of(RULES[read_u8(in) % RULE_LINES]),
            .active = true,
        };
        if (refine_check(&catalogue->tags[i], NULL) < 0) {
            catalogue->tags[i].refine = STR_NONE;
        }
    }
    catalogue_finish(catalogue);
    return catalogue;
}

static void add_row(struct reader *in, struct batch *batch) {
    uint32_t tag = read_u8(in) % (TAGS + 2); // 0 and TAGS + 1 are unknown.
    uint8_t type = read_u8(in) % 6;          // 0 and 5 are no types.
    int64_t time_ns = read_zigzag(in);
    if (type == TYPE_TEXT) {
        size_t size = read_u8(in) % 64;
        const uint8_t *text = read_bytes(in, size);
        if (text == NULL ||
            !batch_add_text(batch, tag, time_ns, (struct str){(const char *)text, size})) {
            return;
        }
    } else {
        struct sample *row = batch_add(batch);
        if (row == NULL) {
            return;
        }
        row->tag = tag;
        row->type = type;
        row->time_ns = time_ns;
        row->value.i64 = (int64_t)read_u64_le(in);
    }
    struct sample *row = &batch->rows[batch->count - 1];
    row->status = read_u8(in) % 2 == 0 ? 0 : read_u32_le(in);
    row->flags = read_u8(in);
}

static void check_row(const struct catalogue *catalogue, const struct batch *batch,
    const struct sample *before, const struct sample *after) {
    CHECK(after->tag == before->tag && after->time_ns == before->time_ns);
    CHECK(status_quality(after->status) >= status_quality(before->status));
    CHECK((after->flags & before->flags) == before->flags);
    if ((before->flags & SAMPLE_DROP) != 0) {
        return;
    }
    const struct tag *tag = catalogue_tag(catalogue, after->tag);
    if ((after->flags & SAMPLE_DROP) == 0) {
        CHECK(tag != NULL && after->type == (uint8_t)tag->type);
    }
    if (tag != NULL && after->type == TYPE_TEXT) {
        (void)batch_text(batch, after); // Checks its bounds.
    }
    if (tag != NULL && tag->type == TYPE_BOOL && after->type == TYPE_BOOL) {
        CHECK(after->value.i64 == 0 || after->value.i64 == 1);
    }
}

static void check_counts(const struct refine *refine, uint64_t in, uint64_t omitted) {
    uint64_t reached = in;
    uint64_t omitted_in_all = 0;
    for (int i = 0; i < STAGE_COUNT; i++) {
        struct stage_counts counts;
        refine_counts(refine, (enum refine_stage)i, &counts);
        CHECK(counts.in == reached);
        CHECK(counts.omitted <= counts.in && counts.marked <= counts.in &&
              counts.changed <= counts.in);
        reached -= counts.omitted;
        omitted_in_all += counts.omitted;
    }
    CHECK(omitted_in_all <= omitted); // The door counts a row later than it holds it back.
}

static void check_made(const struct catalogue *catalogue, const struct batch *batch) {
    for (uint32_t i = batch->count - batch->made; i < batch->count; i++) {
        const struct sample *row = &batch->rows[i];
        const struct tag *tag = catalogue_tag(catalogue, row->tag);
        CHECK(tag != NULL && row->type == (uint8_t)tag->type && row->flags < SAMPLE_DROP);
        if (row->type == TYPE_TEXT) {
            (void)batch_text(batch, row); // Checks its bounds.
        }
    }
}

/* What time brings after the rows, and at the end. */
static void tick_and_flush(
    struct refine *refine, const struct catalogue *catalogue, struct batch *batch) {
    batch_clear(batch);
    CHECK(!refine_tick(refine, INT64_MAX / 2, batch));
    check_made(catalogue, batch);
    batch_clear(batch);
    CHECK(!refine_flush(refine, batch));
    check_made(catalogue, batch);
}

/* Runs one batch and adds to the numbers of rows that went in and were omitted. */
static void run_batch(struct reader *in, struct refine *refine, const struct catalogue *catalogue,
    struct batch *batch, uint64_t *rows_in, uint64_t *rows_omitted) {
    batch_clear(batch);
    batch->source = read_u8(in) % 2;
    uint32_t rows = read_u8(in) % ROWS_MAX;
    for (uint32_t i = 0; i < rows && reader_left(in) > 0; i++) {
        add_row(in, batch);
    }
    struct sample before[ROWS_MAX];
    for (uint32_t i = 0; i < batch->count; i++) {
        before[i] = batch->rows[i];
    }
    uint32_t count = batch->count;
    refine_reserve(refine, batch);
    refine_run(refine, batch);
    CHECK(batch->count == count + batch->made);
    check_made(catalogue, batch);
    for (uint32_t i = 0; i < count; i++) {
        check_row(catalogue, batch, &before[i], &batch->rows[i]);
        if ((before[i].flags & SAMPLE_DROP) == 0) {
            *rows_in += 1;
            *rows_omitted += (batch->rows[i].flags & SAMPLE_DROP) != 0;
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct reader in = reader_of(data, size);
    struct catalogue *catalogue = make_catalogue(&in);
    struct refine *refine = refine_new(1);
    refine_use(refine, catalogue);
    AUTO_BATCH struct batch *batch = batch_new(ROWS_MAX, TEXT_MAX);
    uint64_t rows_in = 0;
    uint64_t rows_omitted = 0;
    for (int i = 0; i < BATCHES_MAX && reader_left(&in) > 0; i++) {
        run_batch(&in, refine, catalogue, batch, &rows_in, &rows_omitted);
        check_counts(refine, rows_in, rows_omitted);
    }
    AUTO_BATCH struct batch *late = batch_new(256, TEXT_MAX);
    tick_and_flush(refine, catalogue, late);
    refine_free(refine);
    catalogue_unref(catalogue);
    return 0;
}
