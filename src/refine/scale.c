/*
 * Scale and unit: raw * scale + offset, for what devices send.
 *
 * Imports and the line protocol bring finished values in the tag's unit and pass unchanged. A bad
 * row is scaled too: its value, if anybody looks at it, must stand in the same unit as the others.
 *
 * Whole numbers are scaled by whole numbers without a detour over double, so a 64-bit counter stays
 * exact; beyond 64 bits the value is clamped and BadOutOfRange. A fraction on an i64 tag is refused
 * by the ledger; should one arrive all the same, an inexact result is rounded and marked
 * BadConfigurationError instead of passing as a measurement.
 */
#include <math.h>

#include "refine/stage.h"

static const double I64_LIMIT = 9223372036854775808.0; // 2^63.
static const double WHOLE_LIMIT = 9007199254740992.0;  // 2^53: whole doubles up to here are exact.

static bool is_whole(double value) {
    return fabs(value) <= WHOLE_LIMIT && rint(value) == value;
}

static unsigned scale_whole(struct sample *row, int64_t scale, int64_t offset) {
    __int128 value = (__int128)row->value.i64 * scale + offset;
    if (value > INT64_MAX || value < INT64_MIN) {
        row->value.i64 = value > 0 ? INT64_MAX : INT64_MIN;
        return stage_mark(row, (uint32_t)STATUS_BAD_OUT_OF_RANGE);
    }
    row->value.i64 = (int64_t)value;
    return EFFECT_NONE;
}

static unsigned scale_i64(struct sample *row, const struct tag *tag) {
    if (is_whole(tag->scale) && is_whole(tag->offset)) {
        return scale_whole(row, (int64_t)tag->scale, (int64_t)tag->offset);
    }
    double value = rint((double)row->value.i64 * tag->scale + tag->offset);
    bool exact = value == (double)row->value.i64 * tag->scale + tag->offset;
    if (isnan(value)) {
        return stage_mark(row, (uint32_t)STATUS_BAD_CONFIGURATION);
    }
    if (value >= I64_LIMIT || value < -I64_LIMIT) {
        row->value.i64 = value > 0 ? INT64_MAX : INT64_MIN;
        return stage_mark(row, (uint32_t)STATUS_BAD_OUT_OF_RANGE);
    }
    row->value.i64 = (int64_t)value;
    return exact ? EFFECT_NONE : stage_mark(row, (uint32_t)STATUS_BAD_CONFIGURATION);
}

static unsigned scale_f64(struct sample *row, const struct tag *tag) {
    bool was_finite = isfinite(row->value.f64);
    row->value.f64 = row->value.f64 * tag->scale + tag->offset;
    if (was_finite && !isfinite(row->value.f64)) {
        return stage_mark(row, (uint32_t)STATUS_BAD_OUT_OF_RANGE);
    }
    return EFFECT_NONE;
}

bool scale_prepare(const struct stage_setup *setup) {
    return setup->tag->scale != 1.0 || fpclassify(setup->tag->offset) != FP_ZERO;
}

unsigned stage_scale(const struct stage_row *in) {
    struct sample *row = in->row;
    if (in->batch->source == 0 || (row->type != TYPE_F64 && row->type != TYPE_I64)) {
        return EFFECT_NONE;
    }
    uint64_t before = row_bits(row);
    unsigned effect = row->type == TYPE_F64 ? scale_f64(row, in->tag) : scale_i64(row, in->tag);
    return effect | (row_bits(row) != before ? EFFECT_CHANGED : EFFECT_NONE);
}
