/*
 * Late: a sample older than the newest of its tag is flagged and kept; it goes to its own place in
 * history and never becomes the newest. One of the same time is not late: it is a new version.
 *
 * A tag may limit how late its device can be (a buffering gateway with a wrong clock): what is
 * older by more is marked Uncertain besides. Imports are exempt: bringing old data is their point.
 */
#include "refine/stage.h"

unsigned stage_late(const struct stage_row *in) {
    struct tag_state *state = in->state;
    struct sample *row = in->row;
    if (!state->has_newest || row->time_ns >= state->newest_ns) {
        state->has_newest = true;
        state->newest_ns = row->time_ns;
        return EFFECT_NONE;
    }
    row->flags |= SAMPLE_LATE;
    /* Unsigned: the difference of two times may pass INT64_MAX. */
    uint64_t late_ns = (uint64_t)state->newest_ns - (uint64_t)row->time_ns;
    if (in->batch->source != 0 && in->tag->late_limit_ns > 0 &&
        late_ns > (uint64_t)in->tag->late_limit_ns) {
        (void)stage_mark(row, (uint32_t)STATUS_UNCERTAIN); // Marked in any case by the flag.
    }
    return EFFECT_MARKED;
}
