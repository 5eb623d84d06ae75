/*
 * Duplicate: a sample with exactly the time, value and status of the newest of its tag is omitted
 * and counted: a gateway that repeats its last telegram, a file imported twice. A late sample
 * cannot be judged here, since older rows are not remembered; the historian looks those up. A
 * person's correction is never a duplicate: that somebody confirmed the value is new.
 */
#include "refine/stage.h"

unsigned stage_duplicate(const struct stage_row *in) {
    struct kept *kept = &in->state->duplicate;
    if ((in->row->flags & (SAMPLE_LATE | SAMPLE_CORRECTION)) != 0) {
        return EFFECT_NONE;
    }
    if (kept->type != 0 && kept->time_ns == in->row->time_ns && kept_equals(kept, in)) {
        return EFFECT_OMITTED;
    }
    kept_set(kept, in->row, row_text(in));
    return EFFECT_NONE;
}
