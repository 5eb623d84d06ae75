/*
 * Dead-band: a polled value that moved by less than the tag's dead-band since the last one kept is
 * omitted and counted. 0 omits what did not change at all; NaN, the default, keeps every sample.
 *
 * Three rules keep the curve honest. The comparison is with the last value kept, not the last one
 * seen, so a slow drift is caught when it has summed up. Another status is always kept. And at
 * least one sample per max_silence_ns (10 minutes unless said) is kept, so that "unchanged" can be
 * told from "no data". Imports and the line protocol are never thinned out.
 */
#include <math.h>
#include <string.h>

#include "core/clock.h"
#include "refine/stage.h"

static const int64_t MAX_SILENCE_NS = 600 * NS_PER_S;

static double change_since(const struct kept *kept, const struct sample *row) {
    if (row->type == TYPE_F64) {
        double last = 0;
        memcpy(&last, &kept->bits, sizeof last);
        return fabs(row->value.f64 - last);
    }
    int64_t last = (int64_t)kept->bits;
    uint64_t change = row->value.i64 > last ? (uint64_t)row->value.i64 - (uint64_t)last
                                            : (uint64_t)last - (uint64_t)row->value.i64;
    return (double)change;
}

static bool is_inside(const struct stage_row *in, const struct kept *kept) {
    const struct sample *row = in->row;
    if (kept_equals(kept, in)) {
        return true;
    }
    return row->type != TYPE_TEXT && row->type == kept->type && row->status == kept->status &&
           change_since(kept, row) < in->tag->dead_band; // False for NaN.
}

static bool is_silent_too_long(const struct stage_row *in, const struct kept *kept) {
    int64_t limit_ns = in->tag->max_silence_ns > 0 ? in->tag->max_silence_ns : MAX_SILENCE_NS;
    /* Not late, so not negative; unsigned because it may pass INT64_MAX. */
    uint64_t silence_ns = (uint64_t)in->row->time_ns - (uint64_t)kept->time_ns;
    return silence_ns >= (uint64_t)limit_ns;
}

/* A dead-band that begins anew must not compare with what was kept in another time. */
bool dead_band_prepare(const struct stage_setup *setup) {
    if ((setup->state->stages >> STAGE_DEADBAND & 1) == 0) {
        setup->state->dead_band.type = 0;
    }
    return !isnan(setup->tag->dead_band);
}

unsigned stage_dead_band(const struct stage_row *in) {
    struct kept *kept = &in->state->dead_band;
    const struct sample *row = in->row;
    if ((row->flags & SAMPLE_LATE) != 0) {
        return EFFECT_NONE;
    }
    bool applies =
        in->batch->source != 0 && (row->flags & SAMPLE_CORRECTION) == 0 && kept->type != 0;
    if (applies && is_inside(in, kept) && !is_silent_too_long(in, kept)) {
        return EFFECT_OMITTED;
    }
    kept_set(kept, row, row_text(in));
    return EFFECT_NONE;
}
