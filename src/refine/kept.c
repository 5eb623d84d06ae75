/*
 * What stages share: marking, refusing rules, and remembering a row to compare the next one with.
 *
 * Values are compared by their bits, so NaN equals itself and -0.0 differs from 0.0: a duplicate is
 * what would be stored as the same bytes. Texts are remembered up to KEPT_TEXT_BYTES; a longer one
 * equals nothing and is always kept, which costs space and loses nothing. Rejected: comparing
 * hashes of long texts, where a collision would lose a sample silently.
 */
#include <string.h>

#include "refine/stage.h"

unsigned stage_mark(struct sample *row, uint32_t status) {
    if (status_quality(status) <= status_quality(row->status)) {
        return EFFECT_NONE;
    }
    row->status = status;
    return EFFECT_MARKED;
}

bool row_is_curve(const struct sample *row) {
    return (row->type == TYPE_F64 || row->type == TYPE_I64) &&
           (row->flags & (SAMPLE_LATE | SAMPLE_CORRECTION)) == 0 &&
           status_quality(row->status) != QUALITY_BAD;
}

int rule_for_numbers(
    const struct rule_line *line, enum rule rule, const struct tag *tag, struct err *err) {
    if (!rule_is_set(line, rule) || tag->type == TYPE_F64 || tag->type == TYPE_I64) {
        return 0;
    }
    return err_set(err, ERR_INVALID, MSG_REFINE_RULE_TYPE,
        ARGS(A_CSTR(rule_name(rule)), A_CSTR(value_type_name(tag->type)), A_CSTR("f64, i64")));
}

uint64_t row_bits(const struct sample *row) {
    uint64_t bits = 0;
    if (row->type == TYPE_F64) {
        memcpy(&bits, &row->value.f64, sizeof bits);
    } else if (row->type != TYPE_TEXT) {
        bits = (uint64_t)row->value.i64;
    }
    return bits;
}

struct str row_text(const struct stage_row *in) {
    return in->row->type == TYPE_TEXT ? batch_text(in->batch, in->row) : STR_NONE;
}

void kept_set(struct kept *kept, const struct sample *row, struct str text) {
    kept->time_ns = row->time_ns;
    kept->bits = row_bits(row);
    kept->status = row->status;
    kept->type = row->type;
    kept->is_long = text.size > KEPT_TEXT_BYTES;
    kept->text_size = kept->is_long ? 0 : (uint8_t)text.size;
    if (kept->text_size > 0) {
        memcpy(kept->text, text.data, kept->text_size);
    }
}

bool kept_equals(const struct kept *kept, const struct stage_row *in) {
    const struct sample *row = in->row;
    if (kept->type != row->type || kept->status != row->status) {
        return false;
    }
    if (row->type != TYPE_TEXT) {
        return kept->bits == row_bits(row);
    }
    return !kept->is_long && str_eq((struct str){kept->text, kept->text_size}, row_text(in));
}
