/*
 * Preview: candidate rules over recent rows, before anybody depends on them.
 *
 * The same stages run over a refine of their own with a catalogue of one tag and its companions, so
 * a preview cannot differ from what would happen, and touches nothing that happens. What a stage
 * did to which row is traced besides, because "three values were marked" is of no use without
 * knowing which.
 *
 * Where no raw values were kept, the stored ones are the best there is: refine_undo takes the
 * present scale and unit back, so that candidate ones act on what the device sent (to the last
 * digit or two of a double; whole numbers exactly).
 */
#include <math.h>

#include "refine/stage.h"

static struct catalogue *make_catalogue(const struct tag *candidate, const struct device *device) {
    struct catalogue *catalogue = catalogue_new();
    struct tag companions[REFINE_COMPANIONS_MAX];
    uint32_t count = refine_companions(candidate, &catalogue->arena, companions);
    catalogue->tags = ARENA_ARRAY(&catalogue->arena, struct tag, count + 1);
    catalogue->tag_count = count + 1;
    for (uint32_t i = 0; i <= count; i++) {
        struct tag *tag = &catalogue->tags[i];
        *tag = i == 0 ? *candidate : companions[i - 1];
        tag->number = i + 1;
        tag->name = arena_copy(&catalogue->arena, tag->name);
        tag->unit = arena_copy(&catalogue->arena, tag->unit);
        tag->refine =
            arena_copy(&catalogue->arena, tag->refine.data != NULL ? tag->refine : STR_NONE);
    }
    if (device != NULL) {
        catalogue->devices = ARENA_ARRAY(&catalogue->arena, struct device, 1);
        catalogue->device_count = 1;
        catalogue->devices[0] = *device;
        catalogue->devices[0].number = 1;
        catalogue->devices[0].id = arena_copy(&catalogue->arena, device->id);
    }
    catalogue_finish(catalogue);
    return catalogue;
}

/* A sample that was held back and came out stands among the made rows too: it is stored, so the row
 * that came counts, and the copy goes. */
static void join_held(struct batch *batch, uint32_t rows) {
    uint32_t kept = rows;
    uint32_t at = 0; // Held rows come out in order of time, and the rows that came are in it.
    for (uint32_t i = rows; i < batch->count; i++) {
        struct sample made = batch->rows[i];
        bool is_held = made.tag == 1 && made.status != (uint32_t)STATUS_BAD_NO_DATA;
        while (is_held && at < rows &&
               (batch->rows[at].time_ns != made.time_ns ||
                   (batch->rows[at].flags & SAMPLE_DROP) == 0)) {
            at++;
        }
        if (is_held && at < rows) {
            batch->rows[at].flags &= (uint8_t)~SAMPLE_DROP;
        } else {
            batch->rows[kept++] = made;
        }
    }
    batch->count = kept;
    batch->made = kept - rows;
}

static void flush(struct refine *refine, struct batch *batch) {
    AUTO_BATCH struct batch *held = batch_new(STAGE_COUNT + 1, 0);
    (void)refine_flush(refine, held); // One tag: it fits.
    batch_reserve(batch, held->count, 0);
    for (uint32_t i = 0; i < held->count; i++) {
        *batch_add(batch) = held->rows[i];
    }
}

int refine_preview(const struct tag *candidate, const struct device *device, struct batch *batch,
    struct arena *arena, struct refine_preview *ret_preview, struct err *err) {
    int status = refine_check(candidate, err);
    if (status < 0) {
        return status;
    }
    struct refine_preview preview = {.catalogue = make_catalogue(candidate, device)};
    uint32_t rows = batch->count;
    preview.effects = ARENA_ARRAY(arena, uint32_t, rows > 0 ? rows : 1);
    for (uint32_t i = 0; i < rows; i++) {
        batch->rows[i].tag = 1;
    }
    struct refine *refine = refine_new(preview.catalogue->tag_count);
    refine_use(refine, preview.catalogue);
    refine_trace(refine, preview.effects);
    refine_reserve(refine, batch);
    refine_run(refine, batch);
    flush(refine, batch);
    join_held(batch, rows);
    for (unsigned i = 0; i < STAGE_COUNT; i++) {
        refine_counts(refine, (enum refine_stage)i, &preview.stages[i]);
    }
    refine_free(refine);
    *ret_preview = preview;
    return 0;
}

static bool undo_i64(const struct tag *tag, struct sample *row) {
    int64_t scale = (int64_t)tag->scale; // Whole: the ledger sees to it.
    int64_t offset = (int64_t)tag->offset;
    if (scale == 0) {
        return false;
    }
    __int128 raw = ((__int128)row->value.i64 - offset) / scale;
    row->value.i64 = (int64_t)raw;
    return true;
}

bool refine_undo(const struct tag *tag, struct sample *row) {
    bool has_scale = tag->scale != 1.0 || fpclassify(tag->offset) != FP_ZERO;
    if (row->type == TYPE_I64) {
        return has_scale && undo_i64(tag, row);
    }
    struct rule_line line;
    struct unit_part unit;
    bool has_unit = tag->refine.size > 0 && rules_parse(tag->refine, &line, NULL) >= 0 &&
                    rule_is_set(&line, RULE_UNIT_FROM) &&
                    unit_between(line.texts[RULE_UNIT_FROM], tag->unit, &unit, NULL) >= 0;
    if (row->type != TYPE_F64 || (!has_scale && !has_unit)) {
        return false;
    }
    double value = row->value.f64;
    value = has_unit ? (value - unit.offset) / unit.factor : value;
    row->value.f64 = (value - tag->offset) / tag->scale;
    return true;
}
