/*
 * Decode: the type in which a value came becomes the tag's type.
 *
 * A conversion is exact or marked. What does not fit is kept as near as the type allows (clamped,
 * rounded to the nearest) with BadOutOfRange; a text for a number tag is BadTypeMismatch, with the
 * number it spells if it spells one. A number for a text tag is written out. NaN and infinities
 * from a device mean a broken sensor or a wrong word order (IEEE 754 has no other use for them in a
 * register), so they are marked BadSensorFailure and kept; imports may state NaN on purpose.
 */
#include <math.h>

#include "refine/stage.h"

static const double I64_LIMIT = 9223372036854775808.0; // 2^63: the first double beyond int64_t.

/* The nearest whole number; *ret_exact tells whether it is the value itself. */
static int64_t whole_of(double value, bool *ret_exact) {
    *ret_exact = false;
    if (isnan(value)) {
        return 0;
    }
    if (value >= I64_LIMIT) {
        return INT64_MAX;
    }
    if (value < -I64_LIMIT) {
        return INT64_MIN;
    }
    double whole = rint(value);
    *ret_exact = whole == value;
    return (int64_t)whole;
}

static bool to_f64(struct sample *row) {
    int64_t whole = row->value.i64;
    row->value.f64 = (double)whole;
    bool exact = false;
    return whole_of(row->value.f64, &exact) == whole && exact;
}

static bool to_i64(struct sample *row) {
    bool exact = true;
    if (row->type == TYPE_F64) {
        row->value.i64 = whole_of(row->value.f64, &exact);
    }
    return exact;
}

static bool to_bool(struct sample *row) {
    bool exact = to_i64(row);
    exact = exact && (row->value.i64 == 0 || row->value.i64 == 1);
    row->value.i64 = row->value.i64 != 0;
    return exact;
}

/* Writes the number into the batch's texts; false when there is no room left. */
static bool to_text(struct batch *batch, struct sample *row) {
    char number[32];
    size_t size = row->type == TYPE_F64 ? f64_to_text(row->value.f64, number)
                                        : i64_to_text(row->value.i64, number);
    uint32_t offset = batch->text_size;
    bool fits = size <= batch->text_capacity - offset;
    row->value.text.offset = fits ? offset : 0;
    row->value.text.size = fits ? (uint32_t)size : 0;
    for (size_t i = 0; fits && i < size; i++) {
        batch->text[offset + i] = number[i];
    }
    batch->text_size += row->value.text.size;
    return fits;
}

/* A text where a number is due. */
static unsigned from_text(const struct stage_row *in) {
    struct sample *row = in->row;
    double number = 0;
    bool is_number = str_to_f64(row_text(in), &number);
    row->type = TYPE_F64;
    row->value.f64 = is_number ? number : (double)NAN;
    if (in->tag->type == TYPE_I64) {
        (void)to_i64(row); // It is marked bad in any case.
    } else if (in->tag->type == TYPE_BOOL) {
        (void)to_bool(row); // Likewise.
    }
    row->type = (uint8_t)in->tag->type;
    return EFFECT_CHANGED | stage_mark(row, (uint32_t)STATUS_BAD_TYPE_MISMATCH);
}

unsigned decode_convert(const struct stage_row *in) {
    struct sample *row = in->row;
    if (row->type == TYPE_TEXT) {
        return from_text(in);
    }
    bool fits = true;
    uint32_t status = (uint32_t)STATUS_BAD_OUT_OF_RANGE;
    switch (in->tag->type) {
    case TYPE_F64: fits = to_f64(row); break;
    case TYPE_I64: fits = to_i64(row); break;
    case TYPE_BOOL: fits = to_bool(row); break;
    case TYPE_TEXT:
        fits = to_text(in->batch, row);
        status = (uint32_t)STATUS_BAD_DATA_ENCODING;
        break;
    }
    row->type = (uint8_t)in->tag->type;
    return EFFECT_CHANGED | (fits ? EFFECT_NONE : stage_mark(row, status));
}

unsigned stage_decode(const struct stage_row *in) {
    struct sample *row = in->row;
    unsigned effect = EFFECT_NONE;
    if (row->type == TYPE_F64 && !isfinite(row->value.f64) && in->batch->source != 0) {
        effect |= stage_mark(row, (uint32_t)STATUS_BAD_SENSOR_FAILURE);
    }
    if (row->type == TYPE_BOOL && row->value.i64 != 0 && row->value.i64 != 1) {
        row->value.i64 = 1; // A driver's mistake; the rest of the program relies on 0 and 1.
        effect |= EFFECT_CHANGED | stage_mark(row, (uint32_t)STATUS_BAD_OUT_OF_RANGE);
    }
    if (row->type != in->tag->type && !enum_takes(in->state->more, in->tag, row)) {
        effect |= decode_convert(in);
    }
    return effect;
}
