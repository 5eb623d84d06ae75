/*
 * Increments: what a counter rose by, in a companion tag, so that pieces a minute and kWh a shift
 * are sums of a column. What a counter rose by is told by model/counter.h, as for the counted
 * totals (plant/consumer.c): a first value tells no increment, a fall is a reset or, with
 * `counter_max`, a roll-over, what is no count is passed over. So are bad and late samples and
 * corrections.
 *
 * Increments stand behind the dead-band, so they tell of stored values only: after a restart
 * nothing is told twice. An increment of 0 is not stored.
 */
#include "model/counter.h"
#include "refine/stage.h"

/* Refuses a rule for tags that count nothing. */
static int for_counters(
    const struct rule_line *line, enum rule rule, const struct tag *tag, struct err *err) {
    int status = rule_for_numbers(line, rule, tag, err);
    if (status < 0 || !rule_is_set(line, rule) || tag->kind == KIND_COUNTER) {
        return status;
    }
    return err_set(err, ERR_INVALID, MSG_REFINE_RULE_KIND,
        ARGS(A_CSTR(rule_name(rule)), A_CSTR(tag_kind_name(tag->kind)),
            A_CSTR(tag_kind_name(KIND_COUNTER))));
}

int increment_check(const struct rule_line *line, const struct tag *tag, struct err *err) {
    int status = for_counters(line, RULE_INCREMENT, tag, err);
    status = status < 0 ? status : for_counters(line, RULE_COUNTER_MAX, tag, err);
    return status < 0 ? status : rule_excludes(line, RULE_INCREMENT, RULE_SWING, err);
}

bool increment_prepare(const struct stage_setup *setup) {
    if (setup->line == NULL || !rule_is_set(setup->line, RULE_INCREMENT)) {
        return false;
    }
    struct tag_more *more = setup->state->more;
    more->increment.tag =
        companion_number(setup->catalogue, setup->line->texts[RULE_INCREMENT], setup->tag->type);
    more->increment.max = rule_number(setup->line, RULE_COUNTER_MAX, 0);
    more->made_rows++;
    return more->increment.tag != 0;
}

void increment_seed(struct tag_more *more, const struct sample *newest) {
    more->increment.has_last = newest->type != 0 && newest->type != TYPE_TEXT &&
                               status_quality(newest->status) != QUALITY_BAD;
    more->increment.last = *newest;
}

double refine_counter_max(const struct tag *tag) {
    struct rule_line line;
    bool is_read = tag->refine.size > 0 && rules_parse(tag->refine, &line, NULL) >= 0;
    return is_read ? rule_number(&line, RULE_COUNTER_MAX, 0) : 0;
}

static bool is_count(const struct sample *row) {
    return row->type == TYPE_I64 ? counter_is_count_i64(row->value.i64)
                                 : counter_is_count_f64(row->value.f64);
}

unsigned stage_increment(const struct stage_row *in) {
    struct increment_part *part = &in->state->more->increment;
    const struct sample *row = in->row;
    if (!row_is_curve(row) || !is_count(row) ||
        (part->has_last && row->time_ns <= part->last.time_ns)) {
        return EFFECT_NONE;
    }
    if (part->has_last && part->last.type == row->type) {
        struct sample made = {.value = {0}};
        if (row->type == TYPE_I64) {
            made.value.i64 = counter_rise_i64(part->last.value.i64, row->value.i64, part->max);
        } else {
            made.value.f64 = counter_rise_f64(part->last.value.f64, row->value.f64, part->max);
        }
        if (row->type == TYPE_I64 ? made.value.i64 != 0 : made.value.f64 > 0) {
            struct sample *to =
                stage_make(in->batch, part->tag, (enum value_type)row->type, row->time_ns);
            to->value = made.value;
            to->status = row->status;
        }
    }
    part->has_last = true;
    part->last = *row;
    return EFFECT_NONE;
}
