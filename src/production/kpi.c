/*
 * One sweep over the question's time. States, stops, plan and runs are each in order, so that the
 * sweep walks to the nearest edge of any of them and gives the stretch behind it to the first leaf
 * that fits (docs/PRODUCTION.md, "Key figures and losses"). What no span covers is unknown, off,
 * without a run. Pieces then divide the run time; speed is the rest, so that the leaves sum to
 * `to - from` whatever the pieces are.
 *
 * Sums of cycle x pieces are kept in 128 bits and cut at 2^60 ns (36 years), where a figure is
 * wrong already; speed takes the difference, and the sum stays exact.
 */
#include "production/kpi.h"

#include <math.h>
#include <string.h>

#include "core/check.h"
#include "production/fill.h"

__extension__ typedef __int128 wide;

#define PIECES_MAX_NS (1LL << 60)

static const char *const NAMES[] = {
    [LOSS_EFFECTIVE] = "effective",
    [LOSS_QUALITY] = "quality",
    [LOSS_SPEED] = "speed",
    [LOSS_NO_IDEAL] = "no_ideal",
    [LOSS_MINOR] = "minor",
    [LOSS_BREAKDOWN] = "breakdown",
    [LOSS_SETUP] = "setup",
    [LOSS_MATERIAL] = "material",
    [LOSS_PEOPLE] = "people",
    [LOSS_QUALITY_STOP] = "quality_stop",
    [LOSS_OTHER] = "other",
    [LOSS_UNREASONED] = "unreasoned",
    [LOSS_UNKNOWN] = "unknown",
    [LOSS_PLANNED] = "planned",
    [LOSS_NO_ORDER] = "no_order",
    [LOSS_BREAK] = "break",
    [LOSS_OFF] = "off",
};
_Static_assert(sizeof NAMES / sizeof NAMES[0] == LOSS_COUNT, "a name each");

const char *loss_name(enum loss_leaf leaf) {
    return NAMES[leaf];
}

/* ---- The sweep ---- */

/* The span that holds `at`, or NULL; *end is pulled to where that changes. */
static const struct kpi_span *span_at(
    const struct kpi_span *spans, uint32_t count, uint32_t *next, int64_t at, int64_t *end) {
    while (*next < count && spans[*next].to_ns <= at) {
        (*next)++;
    }
    if (*next == count) {
        return NULL;
    }
    const struct kpi_span *span = &spans[*next];
    int64_t edge = span->from_ns <= at ? span->to_ns : span->from_ns;
    *end = edge < *end ? edge : *end;
    return span->from_ns <= at ? span : NULL;
}

static const struct kpi_run *run_at(
    const struct kpi_input *input, uint32_t *next, int64_t at, int64_t *end) {
    while (*next < input->run_count && input->runs[*next].to_ns <= at) {
        (*next)++;
    }
    if (*next == input->run_count) {
        return NULL;
    }
    const struct kpi_run *run = &input->runs[*next];
    int64_t edge = run->from_ns <= at ? run->to_ns : run->from_ns;
    *end = edge < *end ? edge : *end;
    return run->from_ns <= at ? run : NULL;
}

static enum loss_leaf leaf_of_stop(const struct kpi_input *input, const struct kpi_span *stop) {
    bool minor = stop->what == LOSS_UNREASONED && stop->to_ns - stop->from_ns < input->minor_ns;
    return minor ? LOSS_MINOR : (enum loss_leaf)stop->what;
}

/* What lies over one moment. */
struct moment {
    const struct kpi_span *state;
    const struct kpi_span *stop;
    const struct kpi_span *plan;
    const struct kpi_run *run;
};

/* LOSS_EFFECTIVE stands for run time, which the pieces divide later. */
static enum loss_leaf leaf_of(const struct kpi_input *input, const struct moment *now) {
    int32_t state = now->state == NULL ? MACHINE_UNKNOWN : now->state->what;
    if (state == MACHINE_RUN && now->run != NULL && !now->run->setup) {
        return LOSS_EFFECTIVE;
    }
    if (now->plan == NULL) {
        return LOSS_OFF;
    }
    if (now->plan->what != 0) {
        return LOSS_BREAK;
    }
    if (now->run == NULL) {
        return LOSS_NO_ORDER;
    }
    if (state == MACHINE_SETUP || now->run->setup) {
        return LOSS_SETUP;
    }
    if (now->stop != NULL) {
        return leaf_of_stop(input, now->stop);
    }
    return state == MACHINE_STOP ? LOSS_MINOR : LOSS_UNKNOWN;
}

/* Fills the leaves but for the division of run time. Run time of runs without an ideal cycle stands
 * in LOSS_NO_IDEAL; the result is that of runs with one. */
static int64_t sweep(const struct kpi_input *input, int64_t leaves[LOSS_COUNT]) {
    uint32_t state = 0;
    uint32_t stop = 0;
    uint32_t plan = 0;
    uint32_t run = 0;
    int64_t known_ns = 0;
    int64_t end = input->to_ns;
    for (int64_t at = input->from_ns; at < input->to_ns; at = end) {
        end = input->to_ns;
        struct moment now = {
            .state = span_at(input->states, input->state_count, &state, at, &end),
            .stop = span_at(input->stops, input->stop_count, &stop, at, &end),
            .plan = span_at(input->plan, input->plan_count, &plan, at, &end),
            .run = run_at(input, &run, at, &end),
        };
        enum loss_leaf leaf = leaf_of(input, &now);
        if (leaf != LOSS_EFFECTIVE) {
            leaves[leaf] += end - at;
        } else if (now.run->cycle_ns > 0) {
            known_ns += end - at;
        } else {
            leaves[LOSS_NO_IDEAL] += end - at;
        }
    }
    return known_ns;
}

/* ---- Pieces ---- */

struct pieces {
    wide good; // Of runs that make, in millionths.
    wide bad;
    wide good_cycles; // Millionths of a piece times nanoseconds, of runs with an ideal cycle.
    wide bad_cycles;
};

/* Cut, so that a sum of all runs there can be still fits. */
static wide cycles_of(int64_t pieces_u, int64_t cycle_ns) {
    const wide limit = (wide)1 << 100;
    wide cycles = (wide)pieces_u * cycle_ns;
    return cycles > limit ? limit : cycles < -limit ? -limit : cycles;
}

static struct pieces pieces_of(const struct kpi_input *input) {
    struct pieces sum = {0};
    for (uint32_t i = 0; i < input->run_count; i++) {
        const struct kpi_run *run = &input->runs[i];
        if (run->setup) {
            continue; // Trial shots are part of the set-up.
        }
        sum.good += run->good_u;
        sum.bad += run->bad_u;
        if (run->cycle_ns > 0) {
            sum.good_cycles += cycles_of(run->good_u, run->cycle_ns);
            sum.bad_cycles += cycles_of(run->bad_u, run->cycle_ns);
        }
    }
    return sum;
}

static int64_t cut(wide value, int64_t limit) {
    return value > limit ? limit : value < -limit ? -limit : (int64_t)value;
}

/* Of two figures in the same unit; NaN where nothing divides. */
static double ratio(double part, double whole) {
    return whole > 0 ? part / whole : (double)NAN;
}

/* Run time of runs with an ideal cycle is what pieces and speed divide. */
static void set_ratios(struct kpi *kpi, double ideal_ns) {
    const int64_t *leaves = kpi->leaves;
    double known_ns =
        (double)leaves[LOSS_EFFECTIVE] + (double)leaves[LOSS_QUALITY] + (double)leaves[LOSS_SPEED];
    kpi->availability = ratio((double)kpi->apt_ns, (double)kpi->pbt_ns);
    kpi->effectiveness = ratio(ideal_ns, known_ns);
    kpi->quality = ratio((double)kpi->gq_u, (double)kpi->pq_u);
    kpi->oee = kpi->availability * kpi->effectiveness * kpi->quality;
}

void kpi_compute(const struct kpi_input *input, struct kpi *ret_kpi) {
    struct kpi kpi;
    memset(&kpi, 0, sizeof kpi);
    int64_t *leaves = kpi.leaves;
    int64_t known_ns = sweep(input, leaves);
    struct pieces pieces = pieces_of(input);
    kpi.apt_ns = known_ns + leaves[LOSS_NO_IDEAL];
    leaves[LOSS_EFFECTIVE] = cut(pieces.good_cycles / 1000000, PIECES_MAX_NS);
    leaves[LOSS_QUALITY] = cut(pieces.bad_cycles / 1000000, PIECES_MAX_NS);
    leaves[LOSS_SPEED] = known_ns - leaves[LOSS_EFFECTIVE] - leaves[LOSS_QUALITY];
    kpi.pbt_ns = input->to_ns - input->from_ns - leaves[LOSS_OFF] - leaves[LOSS_BREAK] -
                 leaves[LOSS_PLANNED] - leaves[LOSS_NO_ORDER];
    kpi.aust_ns = leaves[LOSS_SETUP];
    kpi.adet_ns = leaves[LOSS_MINOR] + leaves[LOSS_BREAKDOWN] + leaves[LOSS_MATERIAL] +
                  leaves[LOSS_PEOPLE] + leaves[LOSS_QUALITY_STOP] + leaves[LOSS_OTHER] +
                  leaves[LOSS_UNREASONED] + leaves[LOSS_UNKNOWN];
    kpi.gq_u = cut(pieces.good, INT64_MAX);
    kpi.sq_u = cut(pieces.bad, INT64_MAX);
    kpi.pq_u = cut(pieces.good + pieces.bad, INT64_MAX);
    set_ratios(&kpi, (double)(pieces.good_cycles + pieces.bad_cycles) / 1e6);
    *ret_kpi = kpi;
}

void kpi_add(struct kpi *sum, const struct kpi *more) {
    for (int i = 0; i < LOSS_COUNT; i++) {
        sum->leaves[i] += more->leaves[i];
    }
    sum->apt_ns += more->apt_ns;
    sum->pbt_ns += more->pbt_ns;
    sum->aust_ns += more->aust_ns;
    sum->adet_ns += more->adet_ns;
    sum->pq_u += more->pq_u;
    sum->gq_u += more->gq_u;
    sum->sq_u += more->sq_u;
    set_ratios(sum, (double)sum->leaves[LOSS_EFFECTIVE] + (double)sum->leaves[LOSS_QUALITY]);
}
