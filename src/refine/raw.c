/*
 * Raw value kept: with `keep_raw` what a device sent, decoded to the tag's type and not yet changed
 * by anything, is stored in a companion tag, NAME_raw, with its own time and status. So a wrong
 * scale or unit found a year later can be put right from what really came, and the tag's own curve
 * stays one curve. A companion was chosen over a second version of the same tag because versions of
 * one moment outrank each other, and a query would have to know which of them is meant.
 *
 * All samples are kept, also those that dead-band or door omit later; only the exact repetition of
 * the newest is not. Imports and the line protocol bring finished values: there is no raw one.
 */
#include <string.h>

#include "core/limits.h"
#include "refine/stage.h"

struct str companion_raw_name(const struct tag *tag, char to[COMPANION_NAME_MAX]) {
    size_t size = tag->name.size;
    if (size > LIMIT_TAG_NAME_BYTES) {
        return STR_NONE;
    }
    memcpy(to, tag->name.data, size);
    memcpy(to + size, "_raw", sizeof "_raw"); // With its NUL: 259 + 5 bytes.
    return (struct str){to, size + 4};
}

const struct tag *refine_raw_tag(const struct catalogue *catalogue, const struct tag *tag) {
    char name[COMPANION_NAME_MAX];
    return catalogue_tag(
        catalogue, companion_number(catalogue, companion_raw_name(tag, name), tag->type));
}

int raw_check(const struct rule_line *line, const struct tag *tag, struct err *err) {
    char name[COMPANION_NAME_MAX];
    if (tag->keep_raw && rule_is_set(line, RULE_DEIDENT)) { // What is hidden would stand beside.
        return err_set(err, ERR_INVALID, MSG_REFINE_RULE_EXCLUDES,
            ARGS(A_CSTR(rule_name(RULE_DEIDENT)), A_CSTR("keep_raw")));
    }
    if (!tag->keep_raw || tag_name_check(companion_raw_name(tag, name), NULL) == 0) {
        return 0;
    }
    return err_set(err, ERR_INVALID, MSG_REFINE_RAW_NAME, ARGS(A_STR(tag->name)));
}

bool raw_prepare(const struct stage_setup *setup) {
    if (!setup->tag->keep_raw || setup->line == NULL) {
        return false;
    }
    struct tag_more *more = setup->state->more;
    char name[COMPANION_NAME_MAX];
    more->raw.tag =
        companion_number(setup->catalogue, companion_raw_name(setup->tag, name), setup->tag->type);
    more->made_rows++;
    return more->raw.tag != 0;
}

void raw_seed(struct tag_more *more, const struct sample *newest) {
    (void)newest; // Of the tag, not of its raw values: what comes next is kept.
    more->raw.has_value = false;
}

unsigned stage_raw(const struct stage_row *in) {
    struct raw_part *raw = &in->state->more->raw;
    const struct sample *row = in->row;
    uint64_t bits = row_bits(row);
    bool is_same = raw->has_value && raw->time_ns == row->time_ns && raw->bits == bits &&
                   raw->status == row->status && row->type != TYPE_TEXT;
    if (in->batch->source == 0 || is_same) {
        return EFFECT_NONE;
    }
    struct sample *made = stage_make(in->batch, raw->tag, (enum value_type)row->type, row->time_ns);
    made->value = row->value; // A text's bytes are shared; nothing changes them.
    made->status = row->status;
    made->flags = row->flags;
    if ((in->state->has_newest && row->time_ns < in->state->newest_ns) ||
        (raw->has_value && row->time_ns < raw->time_ns)) {
        made->flags |= SAMPLE_LATE;
        return EFFECT_NONE;
    }
    raw->has_value = true;
    raw->time_ns = row->time_ns;
    raw->bits = bits;
    raw->status = row->status;
    return EFFECT_NONE;
}
