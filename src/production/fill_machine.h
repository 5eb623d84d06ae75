#ifndef PRODUCTION_FILL_MACHINE_H
#define PRODUCTION_FILL_MACHINE_H
/*
 * How one machine's samples become strokes and time: the rules of docs/PRODUCTION.md, "Counting"
 * and "A machine's time", pure. A memory goes from sample to sample; what a sample changes of the
 * step function of states comes back as effects, which fill_store.h carries out. Private to the
 * room.
 */
#include <stdbool.h>
#include <stdint.h>

#include "production/fill.h"

/* Of the machine's row. */
struct fill_rules {
    int64_t counter_max; // 0: none.
    int64_t rejects_max;
    int64_t stop_after_ns;
    int64_t silent_after_ns;
    bool has_state; // A state tag tells; else the counter does.
};

/* All are whole numbers, because they are kept as JSON in machine_marks (fill_store.c). Times: 0
 * for none. */
struct fill_memory {
    int64_t seen_ns;    // Newest observation: a good sample of counter or state.
    int64_t counter;    // Newest counted value, whole; -1: none.
    int64_t counter_ns; // Its time.
    int64_t rejects;
    int64_t rejects_ns;
    int64_t told;        // By the newest state sample.
    int64_t told_ns;     // Its time.
    int64_t state;       // In force now, open-ended.
    int64_t state_ns;    // Since when.
    int64_t before;      // In force before the newest gap.
    int64_t blind;       // 1: bad samples came since `seen_ns`.
    int64_t gap_from_ns; // The newest gap.
    int64_t gap_to_ns;
    int64_t resumed_ns; // Watched without a gap since.
    int64_t quiet_ns;   // No stroke since: the newest one, or the first look.
    int64_t stroked;    // 1: `quiet_ns` is a stroke.
    int64_t cycle_ns;   // Of the last strokes.
};

enum fill_effect_kind {
    FILL_FROM, // From then on, until something else is told.
    FILL_SPAN, // In [from, to); behind it stays what was.
    FILL_CUT,  // From then to the next step, at most to `to`.
    FILL_TURN, // Run becomes stop, from then on.
};
struct fill_effect {
    enum fill_effect_kind kind;
    int64_t from_ns;
    int64_t to_ns;
    enum machine_state state;
    bool reckoned;
};
enum { FILL_EFFECTS_MAX = 8 }; // Of one sample.
struct fill_effects {
    struct fill_effect list[FILL_EFFECTS_MAX];
    uint32_t count;
};

void fill_memory_init(struct fill_memory *memory);

/* A sample of the counter tag: the strokes it adds. `cycle_ns`: ideal, of one stroke; 0: nobody
 * gave one, and the last strokes tell. A value of NaN or beyond a whole count adds nothing. */
int64_t fill_counter_sample(const struct fill_rules *rules, struct fill_memory *memory,
    int64_t time_ns, double value, int64_t cycle_ns, struct fill_effects *effects);
/* A sample of the reject tag: the bad pieces it adds. */
int64_t fill_rejects_sample(
    const struct fill_rules *rules, struct fill_memory *memory, int64_t time_ns, double value);
/* A sample of the state tag. */
void fill_state_sample(const struct fill_rules *rules, struct fill_memory *memory, int64_t time_ns,
    enum machine_state state, struct fill_effects *effects);
/* A bad sample of the tag that tells the state, or that what came after `seen_ns` is lost. */
void fill_blind(
    const struct fill_rules *rules, struct fill_memory *memory, struct fill_effects *effects);

#endif
