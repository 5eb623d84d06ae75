/*
 * The stage `deident`: what names a person is de-identified before it is stored, whoever sent it;
 * imports and the line protocol too, because what is stored once stays readable.
 *
 * It stands before late and duplicate, which remember stored values. Hiding what is hidden already
 * changes nothing: a pseudonym of ours, a mask and the edge of a band stay as they are, so
 * re-refining does not hide twice.
 *
 * Everything errs towards hiding. Without the key, with a rule that is not understood, or with no
 * room for the new text, the row is stored without its value and marked BadConfigurationError; with
 * `drop` it is omitted and counted.
 */
#include <math.h>
#include <string.h>

#include "core/limits.h"
#include "refine/stage.h"

enum { PSEUDONYM_BYTES = 28 };

int hide_check(const struct rule_line *line, const struct tag *tag, struct err *err) {
    struct deident_rule rule;
    if (!rule_is_set(line, RULE_DEIDENT)) {
        return 0;
    }
    int status = deident_parse(line->texts[RULE_DEIDENT], &rule, err);
    status = status < 0 ? status : deident_check(&rule, tag->type, err);
    if (status >= 0 && tag->keep_raw) { // It would stand there plainly.
        return err_set(err, ERR_INVALID, MSG_DEIDENT_RAW, ARGS(A_STR(tag->name)));
    }
    if (status >= 0 && rule.k > 0) { // The size of a group is not known while data comes.
        return err_set(
            err, ERR_INVALID, MSG_DEIDENT_LIVE_K, ARGS(A_STR(line->texts[RULE_DEIDENT])));
    }
    return status;
}

/* A line that is not understood but speaks of hiding must not let values through. */
static bool speaks_of_hiding(struct str line) {
    static const struct str WORD = {"deident", 7};
    for (size_t i = 0; i + WORD.size <= line.size; i++) {
        if (str_starts(str_slice(line, i, line.size), WORD)) {
            return true;
        }
    }
    return false;
}

bool hide_prepare(const struct stage_setup *setup) {
    struct tag_more *more = setup->state->more;
    if (more != NULL) {
        more->hide = (struct hide_part){.key = setup->key};
    }
    if (more != NULL && more->is_broken && speaks_of_hiding(setup->tag->refine)) {
        more->hide.is_closed = true;
        return true;
    }
    if (setup->line == NULL || !rule_is_set(setup->line, RULE_DEIDENT) ||
        deident_parse(setup->line->texts[RULE_DEIDENT], &more->hide.rule, NULL) < 0) {
        return false;
    }
    if (more->hide.rule.method == DEIDENT_PSEUDONYM) {
        more->made_text = (uint16_t)(more->made_text + PSEUDONYM_BYTES);
    }
    return true;
}

static bool is_pseudonym(struct str text) {
    bool is_ours = text.size == PSEUDONYM_BYTES && str_starts(text, STR("P-"));
    for (size_t i = 2; i < text.size && is_ours; i++) {
        char c = text.data[i];
        is_ours = (c >= 'a' && c <= 'z') || (c >= '2' && c <= '7');
    }
    return is_ours;
}

/* No value at all. */
static unsigned close_row(const struct stage_row *in) {
    struct sample *row = in->row;
    if (row->type == TYPE_TEXT) {
        (void)row_set_text(in, STR_NONE); // Shorter always fits.
    } else if (row->type == TYPE_F64) {
        row->value.f64 = (double)NAN;
    } else {
        row->value.i64 = 0;
    }
    row->status = (uint32_t)STATUS_BAD_CONFIGURATION;
    return (unsigned)EFFECT_CHANGED | (unsigned)EFFECT_MARKED;
}

unsigned stage_hide(const struct stage_row *in) {
    const struct hide_part *part = &in->state->more->hide;
    struct sample *row = in->row;
    if (part->is_closed) {
        return close_row(in);
    }
    if (part->rule.method == DEIDENT_DROP) {
        return EFFECT_OMITTED;
    }
    if (!status_has_value(row->status)) {
        return EFFECT_NONE;
    }
    char memory[LIMIT_TEXT_VALUE_BYTES];
    struct deident_value value = {.type = (enum value_type)row->type, .text = row_text(in)};
    bool is_hidden = part->rule.method == DEIDENT_PSEUDONYM && is_pseudonym(value.text);
    if (is_hidden) {
        return EFFECT_NONE;
    }
    value.f64 = row->type == TYPE_F64 ? row->value.f64 : 0;
    value.i64 = row->type == TYPE_I64 || row->type == TYPE_BOOL ? row->value.i64 : 0;
    switch (deident_apply(&part->rule, part->key, &value, memory)) {
    case DEIDENT_KEPT: return EFFECT_NONE;
    case DEIDENT_DROPPED: return close_row(in);
    case DEIDENT_CHANGED: break;
    }
    if (row->type == TYPE_TEXT) {
        bool is_same = str_eq(value.text, row_text(in));
        return is_same                        ? (unsigned)EFFECT_NONE
               : row_set_text(in, value.text) ? (unsigned)EFFECT_CHANGED
                                              : close_row(in);
    }
    uint64_t before = row_bits(row);
    if (row->type == TYPE_F64) {
        row->value.f64 = value.f64;
    } else {
        row->value.i64 = value.i64;
    }
    return row_bits(row) != before ? EFFECT_CHANGED : EFFECT_NONE;
}
