#ifndef MODEL_LIVE_H
#define MODEL_LIVE_H
/*
 * The live-value table: the newest durable value of every tag of a plant. One of the three places
 * where threads meet. The pipeline writes after the historian acknowledged (shown means durable);
 * any number of readers copy without blocking it (a sequence lock per slot). Every change takes
 * the next number of one plant-wide counter, so that a stream can ask "what changed since".
 */
#include <stdbool.h>
#include <stdint.h>

#include "core/limits.h"
#include "model/sample.h"

struct live;

struct live_value {
    uint32_t tag;
    uint32_t status;
    int64_t time_ns;     // Of the sample.
    int64_t received_ns; // Wall time at which we had it: what "age" is counted from.
    uint64_t change;     // Number of this change in the plant.
    uint8_t type;        // enum value_type; 0: no value yet.
    uint8_t flags;
    bool text_cut; // The text is longer than what the table keeps.
    uint8_t text_size;
    union {
        double f64;
        int64_t i64;
        char text[LIMIT_LIVE_TEXT_BYTES];
    } value;
};

struct live *live_new(uint32_t tag_capacity); // LIMIT_TAGS at most.
void live_free(struct live *live);
/* Takes the newest row of each tag of the batch; rows older than what stands are ignored (a late
 * sample does not move the newest value). Pipeline thread only. */
void live_publish(struct live *live, const struct batch *batch, int64_t received_ns);
/* For rows that refine omitted (SAMPLE_DROP): a good one that confirms the standing good value
 * renews `received_ns`, so that an unchanged value does not look stale. Value and time stay those
 * of the sample that is stored: shown means durable. Pipeline thread only. */
void live_touch(struct live *live, const struct batch *batch, int64_t received_ns);
/* False when the tag has no value yet. */
bool live_read(const struct live *live, uint32_t tag, struct live_value *ret_value);
/* Number of the last change. */
uint64_t live_change(const struct live *live);
/* Copies up to `max` values whose change is above `since`, in order of tag number from *cursor on;
 * moves *cursor (begin with 1; 0 at the end). Returns the count. */
uint32_t live_changed(const struct live *live, uint64_t since, uint32_t *cursor,
    struct live_value *ret_values, uint32_t max);

#endif
