/*
 * The rules as one walk: each good sample of counter or state is an observation. Between two of
 * them lies a stretch that is watched or a gap (bad samples, or longer than `silent_after`). A gap
 * is unknown; strokes that the counter tells behind it ran just before its end, by their cycle.
 *
 * With a state tag the state told holds. Without one a stroke says run back to the stroke before
 * it, unless that was more than `stop_after` ago: then the machine stood, and only the stroke's own
 * cycle ran. No stroke for `stop_after` says stop since the last one, also back over what was taken
 * for run meanwhile; gaps stay unknown.
 *
 * Samples of several tags come in any order within one moment, therefore strokes look for the gap
 * they fill themselves: the counter's sample may come behind the state's that ended it.
 */
#include "production/fill_machine.h"

#include <math.h>

#include "core/check.h"
#include "core/clock.h"
#include "model/counter.h"

enum { JUMP_STROKES = 1000, JUMP_A_SECOND = 200 };

void fill_memory_init(struct fill_memory *memory) {
    *memory = (struct fill_memory){.counter = -1, .rejects = -1};
}

static void tell(struct fill_effects *effects, struct fill_effect effect) {
    CHECK(effects->count < FILL_EFFECTS_MAX);
    effects->list[effects->count++] = effect;
}

static void tell_from(struct fill_memory *memory, struct fill_effects *effects, int64_t from_ns,
    enum machine_state state) {
    tell(effects, (struct fill_effect){.kind = FILL_FROM, .from_ns = from_ns, .state = state});
    memory->state_ns = from_ns;
    memory->state = state;
}

static int64_t later(int64_t a, int64_t b) {
    return a > b ? a : b;
}

static int64_t earlier(int64_t a, int64_t b) {
    return a < b ? a : b;
}

/* ---- Counting ---- */

/* No machine makes so many strokes: a counter that was exchanged, restarted from what it kept, or
 * misread. The mark moves on, nothing counts. */
static bool is_jump(int64_t rise, int64_t length_ns) {
    int64_t seconds = length_ns / NS_PER_S;
    return rise > JUMP_STROKES && (rise - JUMP_STROKES) / JUMP_A_SECOND > seconds;
}

/* Moves the mark on; the rise, or -1 for what is no newer count. */
static int64_t count(int64_t *last, int64_t *last_ns, int64_t time_ns, double value, int64_t max) {
    if (!counter_is_count_f64(value) || (*last >= 0 && time_ns <= *last_ns)) {
        return -1;
    }
    int64_t whole = (int64_t)floor(value);
    int64_t rise = *last < 0 ? 0 : counter_rise_i64(*last, whole, (double)max);
    rise = is_jump(rise, time_ns - *last_ns) ? 0 : rise;
    *last = whole;
    *last_ns = time_ns;
    return rise;
}

int64_t fill_rejects_sample(
    const struct fill_rules *rules, struct fill_memory *memory, int64_t time_ns, double value) {
    int64_t rise = count(&memory->rejects, &memory->rejects_ns, time_ns, value, rules->rejects_max);
    return rise < 0 ? 0 : rise;
}

/* ---- Gaps ---- */

void fill_blind(
    const struct fill_rules *rules, struct fill_memory *memory, struct fill_effects *effects) {
    if (memory->seen_ns == 0 || memory->blind != 0) {
        return;
    }
    memory->blind = 1;
    memory->before = memory->state;
    memory->gap_from_ns = memory->seen_ns;
    memory->gap_to_ns = memory->seen_ns;
    if (rules->has_state) {
        memory->told = MACHINE_UNKNOWN;
    }
    tell_from(memory, effects, memory->seen_ns, MACHINE_UNKNOWN);
}

/* Whether a gap lies before this observation, which then becomes its end. */
static bool gap_ends(const struct fill_rules *rules, struct fill_memory *memory, int64_t time_ns,
    struct fill_effects *effects) {
    bool gap = memory->blind != 0;
    if (!gap && time_ns - memory->seen_ns > rules->silent_after_ns) {
        int64_t told = memory->told;
        fill_blind(rules, memory, effects);
        memory->told = told; // Silence took nothing back.
        gap = true;
    }
    if (gap) {
        memory->gap_to_ns = time_ns;
    }
    return gap;
}

/* How long so many strokes take; 0 where no cycle is known. */
static int64_t stroke_time(const struct fill_memory *memory, int64_t strokes, int64_t cycle_ns) {
    int64_t cycle = cycle_ns > 0 ? cycle_ns : memory->cycle_ns;
    return cycle > 0 && strokes > INT64_MAX / 2 / cycle ? INT64_MAX / 2 : strokes * cycle;
}

/* Strokes since `counted_ns` ran at the end of the gap, so far as it lies behind. */
static void fill_gap(const struct fill_memory *memory, int64_t counted_ns, int64_t time_ns,
    int64_t length_ns, struct fill_effects *effects) {
    int64_t from = later(time_ns - length_ns, later(memory->gap_from_ns, counted_ns));
    if (from < memory->gap_to_ns) {
        tell(effects, (struct fill_effect){.kind = FILL_SPAN,
                          .from_ns = from,
                          .to_ns = memory->gap_to_ns,
                          .state = MACHINE_RUN,
                          .reckoned = true});
    }
}

/* ---- With a state tag ---- */

static void observe_first(const struct fill_rules *rules, struct fill_memory *memory,
    int64_t time_ns, struct fill_effects *effects) {
    memory->seen_ns = time_ns;
    memory->resumed_ns = time_ns;
    memory->quiet_ns = time_ns;
    memory->stroked = 0;
    tell_from(memory, effects, time_ns,
        rules->has_state ? (enum machine_state)memory->told : MACHINE_UNKNOWN);
}

void fill_state_sample(const struct fill_rules *rules, struct fill_memory *memory, int64_t time_ns,
    enum machine_state state, struct fill_effects *effects) {
    if (memory->told_ns != 0 && time_ns <= memory->told_ns) {
        if (time_ns < memory->told_ns) {
            tell(effects, (struct fill_effect){.kind = FILL_CUT,
                              .from_ns = time_ns,
                              .to_ns = memory->told_ns,
                              .state = state});
        }
        return;
    }
    memory->told = state;
    memory->told_ns = time_ns;
    if (memory->seen_ns == 0) {
        observe_first(rules, memory, time_ns, effects);
        return;
    }
    bool gap = time_ns > memory->seen_ns && gap_ends(rules, memory, time_ns, effects);
    if (memory->blind != 0 || gap) {
        memory->resumed_ns = time_ns;
    }
    memory->told = state;
    if (gap || memory->blind != 0 || memory->state != (int64_t)state) {
        tell_from(memory, effects, time_ns, state);
    }
    memory->blind = 0;
    memory->seen_ns = later(memory->seen_ns, time_ns);
}

/* A count beside a state tag: it proves the link, and fills gaps. */
static void observe_beside(const struct fill_rules *rules, struct fill_memory *memory,
    int64_t time_ns, struct fill_effects *effects) {
    if (time_ns <= memory->seen_ns) {
        return;
    }
    bool was_blind = memory->blind != 0; // Stays so until a state comes.
    if (gap_ends(rules, memory, time_ns, effects) && !was_blind) {
        memory->resumed_ns = time_ns;
        memory->blind = 0;
        tell_from(memory, effects, time_ns, (enum machine_state)memory->told);
    }
    memory->seen_ns = time_ns;
}

/* ---- Without one ---- */

/* It stood since the last stroke; gaps stay unknown. */
static void stand(struct fill_memory *memory, struct fill_effects *effects) {
    if (memory->state == MACHINE_STOP) {
        return;
    }
    tell(effects, (struct fill_effect){.kind = FILL_TURN, .from_ns = memory->quiet_ns});
    tell_from(memory, effects, later(memory->quiet_ns, memory->resumed_ns), MACHINE_STOP);
}

static void no_stroke(const struct fill_rules *rules, struct fill_memory *memory, int64_t time_ns,
    bool gap, struct fill_effects *effects) {
    if (gap) {
        memory->resumed_ns = time_ns;
        tell_from(memory, effects, time_ns, (enum machine_state)memory->before);
    }
    if (time_ns - memory->quiet_ns >= rules->stop_after_ns) {
        stand(memory, effects);
    }
}

/* The cycle of the last strokes, the newest counting a quarter. */
static void learn(struct fill_memory *memory, int64_t cycle_ns) {
    memory->cycle_ns =
        memory->cycle_ns == 0 ? cycle_ns : memory->cycle_ns + (cycle_ns - memory->cycle_ns) / 4;
}

static void strokes_watched(const struct fill_rules *rules, struct fill_memory *memory,
    int64_t time_ns, int64_t length_ns, int64_t strokes, struct fill_effects *effects) {
    int64_t quiet = time_ns - memory->quiet_ns;
    bool whole = memory->stroked != 0 && memory->quiet_ns >= memory->resumed_ns;
    if (quiet <= rules->stop_after_ns && whole) {
        learn(memory, quiet / strokes);
        if (memory->state != MACHINE_RUN) {
            tell_from(memory, effects, memory->quiet_ns, MACHINE_RUN);
        }
        return;
    }
    if (quiet > rules->stop_after_ns) {
        stand(memory, effects);
    }
    if (memory->state == MACHINE_RUN) {
        return;
    }
    int64_t from = time_ns - length_ns;
    if (time_ns - memory->seen_ns <= rules->stop_after_ns) {
        from = earlier(from, memory->seen_ns);
    }
    from = later(from, later(memory->resumed_ns, memory->quiet_ns));
    tell_from(memory, effects, from, MACHINE_RUN);
}

static void observe_count(const struct fill_rules *rules, struct fill_memory *memory,
    int64_t time_ns, int64_t strokes, int64_t cycle_ns, struct fill_effects *effects) {
    bool gap = gap_ends(rules, memory, time_ns, effects);
    if (strokes == 0) {
        no_stroke(rules, memory, time_ns, gap, effects);
    } else if (gap) {
        memory->resumed_ns = time_ns;
        tell_from(memory, effects, time_ns, MACHINE_RUN);
    } else {
        int64_t length = stroke_time(memory, strokes, cycle_ns);
        strokes_watched(rules, memory, time_ns, length, strokes, effects);
    }
    if (strokes > 0) {
        memory->quiet_ns = time_ns;
        memory->stroked = 1;
    }
    memory->blind = 0;
    memory->seen_ns = time_ns;
}

int64_t fill_counter_sample(const struct fill_rules *rules, struct fill_memory *memory,
    int64_t time_ns, double value, int64_t cycle_ns, struct fill_effects *effects) {
    int64_t counted_ns = memory->counter_ns;
    bool first = memory->counter < 0;
    int64_t strokes =
        count(&memory->counter, &memory->counter_ns, time_ns, value, rules->counter_max);
    if (strokes < 0) {
        return 0;
    }
    if (memory->seen_ns == 0) {
        observe_first(rules, memory, time_ns, effects);
        return strokes;
    }
    if (rules->has_state) {
        observe_beside(rules, memory, time_ns, effects);
    } else {
        observe_count(rules, memory, time_ns, strokes, cycle_ns, effects);
    }
    if (strokes > 0 && !first) {
        fill_gap(memory, counted_ns, time_ns, stroke_time(memory, strokes, cycle_ns), effects);
    }
    return strokes;
}
