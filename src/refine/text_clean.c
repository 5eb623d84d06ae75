/*
 * The stage `clean`: texts are cleaned by the rule `clean` and then, by `extract`, cut down to the
 * first place that fits a pattern. A text that does not hold the pattern is kept whole and marked
 * Uncertain: the value is there to be looked at, and nobody takes it for the code that was
 * expected.
 */
#include <string.h>

#include "core/limits.h"
#include "refine/stage.h"

int text_clean_check(const struct rule_line *line, const struct tag *tag, struct err *err) {
    static const enum rule RULES[] = {RULE_CLEAN, RULE_EXTRACT};
    for (size_t i = 0; i < sizeof RULES / sizeof RULES[0]; i++) {
        if (rule_is_set(line, RULES[i]) && tag->type != TYPE_TEXT) {
            return err_set(err, ERR_INVALID, MSG_REFINE_RULE_TYPE,
                ARGS(A_CSTR(rule_name(RULES[i])), A_CSTR(value_type_name(tag->type)),
                    A_CSTR(value_type_name(TYPE_TEXT))));
        }
    }
    struct clean_rule rule;
    int status =
        rule_is_set(line, RULE_CLEAN) ? clean_parse(line->texts[RULE_CLEAN], &rule, err) : 0;
    return status >= 0 && rule_is_set(line, RULE_EXTRACT)
               ? extract_check(line->texts[RULE_EXTRACT], err)
               : status;
}

bool text_clean_prepare(const struct stage_setup *setup) {
    if (setup->line == NULL ||
        (!rule_is_set(setup->line, RULE_CLEAN) && !rule_is_set(setup->line, RULE_EXTRACT))) {
        return false;
    }
    struct clean_part *part = &setup->state->more->clean;
    part->rule.count = 0;
    part->pattern = STR_NONE;
    if (rule_is_set(setup->line, RULE_CLEAN)) {
        (void)clean_parse(setup->line->texts[RULE_CLEAN], &part->rule, NULL); // Was checked.
    }
    if (rule_is_set(setup->line, RULE_EXTRACT)) {
        part->pattern = setup->line->texts[RULE_EXTRACT];
    }
    return true;
}

bool row_set_text(const struct stage_row *in, struct str text) {
    struct batch *batch = in->batch;
    struct sample *row = in->row;
    char *old = batch->text + row->value.text.offset;
    uint32_t old_size = row->value.text.size;
    /* The bytes of a raw value that is kept are this row's: it needs its own. */
    bool is_shared = in->tag->keep_raw;
    if (text.size <= old_size && !is_shared) {
        if (text.size > 0) {
            memmove(old, text.data, text.size);
        }
        memset(old + text.size, 0, old_size - text.size);
        row->value.text.size = (uint32_t)text.size;
        return true;
    }
    if (text.size > batch->text_capacity - batch->text_size) {
        return false;
    }
    if (text.size > 0) {
        memcpy(batch->text + batch->text_size, text.data, text.size);
    }
    if (!is_shared) {
        memset(old, 0, old_size); // What was hidden must not stay behind in memory that is stored.
    }
    row->value.text.offset = batch->text_size;
    row->value.text.size = (uint32_t)text.size;
    batch->text_size += (uint32_t)text.size;
    return true;
}

unsigned stage_text_clean(const struct stage_row *in) {
    const struct clean_part *part = &in->state->more->clean;
    if (in->row->type != TYPE_TEXT || status_quality(in->row->status) == QUALITY_BAD) {
        return EFFECT_NONE;
    }
    char memory[LIMIT_TEXT_VALUE_BYTES];
    struct str before = row_text(in);
    struct str text = before;
    unsigned effect = EFFECT_NONE;
    if (!clean_apply(&part->rule, before, memory, &text)) {
        return stage_mark(in->row, (uint32_t)STATUS_UNCERTAIN); // Too long; as it came.
    }
    if (part->pattern.size > 0 && !extract_find(part->pattern, text, &text)) {
        effect |= stage_mark(in->row, (uint32_t)STATUS_UNCERTAIN);
    }
    if (!str_eq(text, before)) {
        effect |= row_set_text(in, text) ? (unsigned)EFFECT_CHANGED
                                         : stage_mark(in->row, (uint32_t)STATUS_UNCERTAIN);
    }
    return effect;
}
