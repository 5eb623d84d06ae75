/*
 * Gap: where samples stay away for more than `gap` expected periods, a row of status BadNoData is
 * made one period behind the last sample, so that a chart shows a hole and not a straight line, an
 * average does not count the silence as the last value, and the live page says "no data".
 *
 * The mark comes when the next sample comes, or by time alone when none does (gap_tick); once for
 * each silence. A sample that says "no communication" is a sample: the hole is told already. Where
 * a gateway delivers the silence's samples later, they are stored as late ones beside the mark,
 * which stays: it tells that at that time nothing was there.
 *
 * By time alone our clock is compared with the time of the samples, so a device with a clock of its
 * own that is slow by more than the limit would look silent: set its clock, or a longer period.
 */
#include "core/clock.h"
#include "refine/stage.h"

int gap_check(const struct rule_line *line, const struct tag *tag, struct err *err) {
    if (rule_is_set(line, RULE_GAP) && !rule_is_set(line, RULE_PERIOD_S) && tag->device.size == 0) {
        return err_set(err, ERR_INVALID, MSG_REFINE_GAP_PERIOD, NO_ARGS);
    }
    return rule_needs(line, RULE_PERIOD_S, RULE_GAP, err);
}

bool gap_prepare(const struct stage_setup *setup) {
    struct tag_more *more = setup->state->more;
    if (setup->line == NULL || !rule_is_set(setup->line, RULE_GAP)) {
        if (more != NULL) {
            more->gap.applies = false;
        }
        return false;
    }
    struct gap_part *gap = &more->gap;
    const struct device *device = catalogue_device(setup->catalogue, setup->tag->device);
    double fallback_s = device != NULL ? (double)device->period_ns / (double)NS_PER_S : 0;
    double period_s = rule_number(setup->line, RULE_PERIOD_S, fallback_s);
    if (!gap->applies && setup->state->has_newest) {
        gap->has_last = true; // The rule is new: the silence counts from here.
        gap->last_ns = setup->state->newest_ns;
        gap->is_marked = false;
    }
    double limit_ns = period_s * setup->line->numbers[RULE_GAP] * (double)NS_PER_S;
    gap->period_ns = (int64_t)(period_s * (double)NS_PER_S);
    gap->limit_ns = limit_ns < 9e18 ? (int64_t)limit_ns : INT64_MAX;
    gap->applies = period_s > 0;
    more->made_rows++;
    return gap->applies;
}

void gap_seed(struct tag_more *more, const struct sample *newest) {
    more->gap.has_last = newest->type != 0;
    more->gap.last_ns = newest->time_ns;
    more->gap.is_marked = newest->status == (uint32_t)STATUS_BAD_NO_DATA;
}

static bool is_gap(const struct gap_part *gap, int64_t time_ns) {
    return gap->has_last && !gap->is_marked && time_ns > gap->last_ns &&
           (uint64_t)time_ns - (uint64_t)gap->last_ns > (uint64_t)gap->limit_ns;
}

static void make_mark(struct batch *batch, const struct tag *tag, const struct gap_part *gap) {
    struct sample *mark = stage_make(batch, tag->number, tag->type, gap->last_ns + gap->period_ns);
    mark->status = (uint32_t)STATUS_BAD_NO_DATA;
}

unsigned stage_gap(const struct stage_row *in) {
    struct gap_part *gap = &in->state->more->gap;
    struct sample *row = in->row;
    if ((row->flags & SAMPLE_CORRECTION) != 0 || (gap->has_last && row->time_ns <= gap->last_ns)) {
        return EFFECT_NONE;
    }
    bool is_new = is_gap(gap, row->time_ns);
    if (is_new) {
        make_mark(in->batch, in->tag, gap);
    }
    row->reserved = is_new || gap->is_marked ? ROW_AFTER_GAP : 0;
    gap->has_last = true;
    gap->is_marked = false;
    gap->last_ns = row->time_ns;
    return EFFECT_NONE;
}

void gap_tick(const struct stage_tick *tick) {
    struct gap_part *gap = &tick->state->more->gap;
    if (tick->is_flush || !gap->applies || !tick->tag->active || !is_gap(gap, tick->now_ns)) {
        return;
    }
    make_mark(tick->batch, tick->tag, gap);
    gap->is_marked = true;
    int64_t mark_ns = gap->last_ns + gap->period_ns;
    if (!tick->state->has_newest || mark_ns > tick->state->newest_ns) {
        tick->state->has_newest = true;
        tick->state->newest_ns = mark_ns;
    }
}
