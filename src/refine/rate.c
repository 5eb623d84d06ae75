/*
 * Rate of change: a value that moved faster than the rule `rate` (units a second) since the last
 * believed one is kept and marked UncertainSensorNotAccurate.
 *
 * The comparison is with the last value that was believed, not with the last that came: of a spike
 * only the spike is marked, not the way back; and a true step is believed after as long as the rate
 * needs for it, because the time since then grows. Two samples of one time are not compared.
 */
#include <math.h>

#include "core/clock.h"
#include "refine/stage.h"

int rate_check(const struct rule_line *line, const struct tag *tag, struct err *err) {
    return rule_for_numbers(line, RULE_RATE, tag, err);
}

bool rate_prepare(const struct stage_setup *setup) {
    if (setup->line == NULL || !rule_is_set(setup->line, RULE_RATE)) {
        return false;
    }
    setup->state->more->rate.limit = setup->line->numbers[RULE_RATE];
    return true;
}

void rate_seed(struct tag_more *more, const struct sample *newest) {
    double value = sample_number(newest);
    more->rate.has_value = status_quality(newest->status) == QUALITY_GOOD && isfinite(value);
    more->rate.value = value;
    more->rate.time_ns = newest->time_ns;
}

unsigned stage_rate(const struct stage_row *in) {
    struct rate_part *rate = &in->state->more->rate;
    double value = sample_number(in->row);
    if (!row_is_curve(in->row) || !isfinite(value)) {
        return EFFECT_NONE;
    }
    double seconds =
        (double)((uint64_t)in->row->time_ns - (uint64_t)rate->time_ns) / (double)NS_PER_S;
    if (rate->has_value && in->row->time_ns <= rate->time_ns) {
        return EFFECT_NONE; // Not later: nothing to divide by.
    }
    if (rate->has_value && fabs(value - rate->value) > rate->limit * seconds) {
        return stage_mark(in->row, (uint32_t)STATUS_UNCERTAIN_SENSOR_NOT_ACCURATE);
    }
    rate->has_value = true;
    rate->value = value;
    rate->time_ns = in->row->time_ns;
    return EFFECT_NONE;
}
