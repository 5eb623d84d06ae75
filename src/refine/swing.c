/*
 * Swinging door: of a curve only the corners are stored; at every omitted sample the straight line
 * between the stored ones is off by at most the rule `swing`.
 *
 * E. H. Bristol, "Swinging door trending: adaptive trend recording?", ISA 1990 (US patent 4,669,097
 * of 1987). From the last stored sample, the pivot, every omitted sample allows lines whose slope
 * lies between (v - E - pivot) / t and (v + E - pivot) / t; the doors are the narrowest of these.
 * The usual form stores the last sample when the doors have swung past each other, and its line may
 * then be off by up to 2 E. Here a sample is held back only if the line from the pivot to itself
 * passes between the doors of all before it, which promises E and no more.
 *
 * What is held back is not durable and not shown: "shown means durable" stays true. A held sample
 * is stored when it turns out to be a corner, when status or type change, at a gap, after `swing_s`
 * (60 s unless said) by the samples' time or by the clock, and when Maru ends. Only a kill can lose
 * held ones, at most those of the last `swing_s`.
 *
 * Imports and the line protocol, late samples, corrections, texts and bits pass unchanged.
 */
#include <math.h>

#include "core/clock.h"
#include "refine/stage.h"

enum { SILENCE_S = 60 };

int swing_check(const struct rule_line *line, const struct tag *tag, struct err *err) {
    int status = rule_for_numbers(line, RULE_SWING, tag, err);
    status = status < 0 ? status : rule_needs(line, RULE_SWING_S, RULE_SWING, err);
    if (status >= 0 && rule_is_set(line, RULE_SWING) && !isnan(tag->dead_band)) {
        return err_set(err, ERR_INVALID, MSG_REFINE_RULE_EXCLUDES,
            ARGS(A_CSTR(rule_name(RULE_SWING)), A_CSTR("dead_band")));
    }
    return status;
}

/* A door whose rule went stays until what it holds is stored. */
bool swing_prepare(const struct stage_setup *setup) {
    struct tag_more *more = setup->state->more;
    bool applies = setup->line != NULL && rule_is_set(setup->line, RULE_SWING);
    if (more == NULL) {
        return false;
    }
    struct swing_part *swing = &more->swing;
    swing->error = applies ? setup->line->numbers[RULE_SWING] : 0;
    if (applies) {
        double silence_s = rule_number(setup->line, RULE_SWING_S, SILENCE_S);
        swing->silence_ns = (int64_t)(silence_s * (double)NS_PER_S);
        more->made_rows++;
    }
    return applies;
}

void swing_seed(struct tag_more *more, const struct sample *newest) {
    more->swing.pivot = *newest;
    more->swing.held.type = 0;
    more->swing.slope_max = -(double)INFINITY;
    more->swing.slope_min = (double)INFINITY;
}

static void set_pivot(struct swing_part *swing, const struct sample *row) {
    swing->pivot = *row;
    swing->held.type = 0;
    swing->slope_max = -(double)INFINITY;
    swing->slope_min = (double)INFINITY;
}

static void store_held(struct swing_part *swing, struct batch *batch) {
    struct sample *made =
        stage_make(batch, swing->held.tag, (enum value_type)swing->held.type, swing->held.time_ns);
    *made = swing->held;
}

/* The slope of a line from the pivot, `more` above the row. */
static double slope_to(const struct swing_part *swing, const struct sample *row, double more) {
    double ns = (double)((uint64_t)row->time_ns - (uint64_t)swing->pivot.time_ns);
    return (sample_number(row) + more - sample_number(&swing->pivot)) / ns;
}

static void narrow(struct swing_part *swing, const struct sample *row) {
    swing->slope_max = fmax(swing->slope_max, slope_to(swing, row, -swing->error));
    swing->slope_min = fmin(swing->slope_min, slope_to(swing, row, swing->error));
}

static bool passes(const struct swing_part *swing, const struct sample *row) {
    double slope = slope_to(swing, row, 0);
    return slope >= swing->slope_max && slope <= swing->slope_min;
}

static bool is_too_long(const struct swing_part *swing, int64_t time_ns) {
    return time_ns > swing->pivot.time_ns &&
           (uint64_t)time_ns - (uint64_t)swing->pivot.time_ns >= (uint64_t)swing->silence_ns;
}

/* Whether the row goes on with the curve that began at the pivot. */
static bool goes_on(const struct swing_part *swing, const struct sample *row) {
    return swing->pivot.type == row->type && swing->pivot.status == row->status &&
           row->time_ns > swing->pivot.time_ns && isfinite(sample_number(row)) &&
           isfinite(sample_number(&swing->pivot));
}

unsigned stage_swing(const struct stage_row *in) {
    struct swing_part *swing = &in->state->more->swing;
    const struct sample *row = in->row;
    bool applies = in->batch->source != 0 &&
                   (row->flags & (SAMPLE_LATE | SAMPLE_CORRECTION)) == 0 &&
                   (row->type == TYPE_F64 || row->type == TYPE_I64);
    if (!applies) {
        return EFFECT_NONE;
    }
    bool has_held = swing->held.type != 0;
    bool broke = row->reserved == ROW_AFTER_GAP;
    if (!goes_on(swing, row) || broke || (has_held && row->time_ns <= swing->held.time_ns)) {
        if (has_held) {
            store_held(swing, in->batch);
        }
        set_pivot(swing, row);
        return EFFECT_NONE;
    }
    unsigned omitted = EFFECT_NONE;
    if (has_held && !passes(swing, row)) {
        store_held(swing, in->batch);
        struct sample corner = swing->held;
        set_pivot(swing, &corner);
    } else if (has_held) {
        omitted = EFFECT_OMITTED; // The one before this, whose turn it was.
    }
    if (is_too_long(swing, row->time_ns)) {
        set_pivot(swing, row);
        return omitted;
    }
    narrow(swing, row);
    swing->held = *row;
    return omitted | EFFECT_HELD;
}

void swing_tick(const struct stage_tick *tick) {
    struct swing_part *swing = &tick->state->more->swing;
    bool is_gap = tick->state->more->gap.applies && tick->state->more->gap.is_marked;
    if (swing->held.type == 0 ||
        (!tick->is_flush && !is_gap && swing->error > 0 && !is_too_long(swing, tick->now_ns))) {
        return;
    }
    store_held(swing, tick->batch);
    struct sample corner = swing->held;
    set_pivot(swing, &corner);
}
