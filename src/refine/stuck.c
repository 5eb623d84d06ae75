/*
 * Stuck value: a measurement that has exactly the same value for longer than the rule `stuck_s` is
 * kept and marked UncertainSensorNotAccurate with the limit bits "constant" (IEC 62541-4 clause
 * 7.39: bits 8 and 9 are 11, bit 10 says that they count). A real sensor moves in its last digit;
 * one that stands for minutes has frozen, was unplugged behind its transmitter, or the gateway
 * repeats its last telegram.
 *
 * Exactly the same means the same bits. The time is that of the samples, so an import is judged as
 * the live data was. A bad sample ends the run: what comes after it is looked at anew.
 */
#include <math.h>

#include "core/clock.h"
#include "refine/stage.h"

static const uint32_t CONSTANT = (uint32_t)STATUS_UNCERTAIN_SENSOR_NOT_ACCURATE | 0x0700u;

int stuck_check(const struct rule_line *line, const struct tag *tag, struct err *err) {
    int status = rule_for_numbers(line, RULE_STUCK_S, tag, err);
    if (status >= 0 && rule_is_set(line, RULE_STUCK_S) && tag->kind != KIND_MEASUREMENT) {
        return err_set(err, ERR_INVALID, MSG_REFINE_RULE_KIND,
            ARGS(A_CSTR(rule_name(RULE_STUCK_S)), A_CSTR(tag_kind_name(tag->kind)),
                A_CSTR(tag_kind_name(KIND_MEASUREMENT))));
    }
    return status;
}

bool stuck_prepare(const struct stage_setup *setup) {
    if (setup->line == NULL || !rule_is_set(setup->line, RULE_STUCK_S)) {
        return false;
    }
    setup->state->more->stuck.limit_ns =
        (int64_t)(setup->line->numbers[RULE_STUCK_S] * (double)NS_PER_S);
    return true;
}

unsigned stage_stuck(const struct stage_row *in) {
    struct stuck_part *stuck = &in->state->more->stuck;
    if (!row_is_curve(in->row)) {
        bool ends = status_quality(in->row->status) == QUALITY_BAD;
        stuck->has_value = stuck->has_value && !ends;
        return EFFECT_NONE;
    }
    uint64_t bits = row_bits(in->row);
    bool is_older = in->row->time_ns < stuck->since_ns; // After the store refused a batch.
    if (!stuck->has_value || bits != stuck->bits || is_older) {
        *stuck = (struct stuck_part){.limit_ns = stuck->limit_ns,
            .since_ns = in->row->time_ns,
            .bits = bits,
            .has_value = true};
        return EFFECT_NONE;
    }
    /* Not late, so not negative; unsigned because it may pass INT64_MAX. */
    uint64_t same_ns = (uint64_t)in->row->time_ns - (uint64_t)stuck->since_ns;
    return same_ns > (uint64_t)stuck->limit_ns ? stage_mark(in->row, CONSTANT) : EFFECT_NONE;
}
