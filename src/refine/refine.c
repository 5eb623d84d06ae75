/*
 * The stage table and the walk of a batch through it.
 *
 * Stage by stage, row by row: a stage's code and counters stay in the cache for a whole batch, and
 * the order in stages.def is the order on the page. Rows are never moved or removed; an omitted row
 * carries SAMPLE_DROP, is skipped by later stages and by the historian, and still tells the live
 * table that its tag was heard of.
 *
 * Per-tag state and counts stand in chunks of CHUNK_TAGS tags that never move, so that other
 * threads can read counts while the catalogue grows; nothing is allocated in refine_run. A plain
 * tag costs about 230 bytes; what a tag's rules need besides is taken when a catalogue comes.
 * Counts have one writer, so plain relaxed stores suffice.
 *
 * Each stage says once per catalogue and tag whether it has anything to do there. A stage that no
 * tag of a batch needs is not walked at all: rules that a plant does not use cost it nothing.
 */
#include "refine/refine.h"

#include <stdatomic.h>

#include "core/check.h"
#include "core/limits.h"
#include "core/log.h"
#include "core/mem.h"
#include "refine/stage.h"

enum {
    CHUNK_TAGS = 1024,
    CHUNK_COUNT = (LIMIT_TAGS + CHUNK_TAGS - 1) / CHUNK_TAGS,
};

struct counters {
    _Atomic uint64_t in;
    _Atomic uint64_t changed;
    _Atomic uint64_t marked;
    _Atomic uint64_t omitted;
};

struct chunk {
    struct tag_state states[CHUNK_TAGS];
    struct counters counts[CHUNK_TAGS];
};

struct refine {
    struct catalogue *catalogue;
    struct counters stages[STAGE_COUNT];
    struct chunk *_Atomic chunks[CHUNK_COUNT]; // Tag n stands at n - 1. NULL: not reached yet.
};

struct stage {
    const char *name;
    unsigned (*run)(const struct stage_row *in);
    bool (*prepare)(const struct stage_setup *setup); // NULL: has something to do for every tag.
    int (*check)(const struct rule_line *line, const struct tag *tag, struct err *err);
    void (*seed)(struct tag_more *more, const struct sample *newest);
    void (*fini)(struct tag_more *more);
};

static const struct stage STAGES[STAGE_COUNT] = {
    [STAGE_DECODE] = {.name = "decode", .run = stage_decode},
    [STAGE_SCALE] = {.name = "scale", .run = stage_scale, .prepare = scale_prepare},
    [STAGE_RANGE] = {.name = "range", .run = stage_range, .prepare = range_prepare},
    [STAGE_LATE] = {.name = "late", .run = stage_late},
    [STAGE_DUPLICATE] = {.name = "duplicate", .run = stage_duplicate},
    [STAGE_RATE] = {.name = "rate",
        .run = stage_rate,
        .prepare = rate_prepare,
        .check = rate_check,
        .seed = rate_seed},
    [STAGE_SPIKE] = {.name = "spike",
        .run = stage_spike,
        .prepare = spike_prepare,
        .check = spike_check,
        .fini = spike_fini},
    [STAGE_STUCK] = {.name = "stuck",
        .run = stage_stuck,
        .prepare = stuck_prepare,
        .check = stuck_check},
    [STAGE_DEADBAND] = {.name = "deadband", .run = stage_dead_band, .prepare = dead_band_prepare},
};

static const char *const WORDS[STAGE_COUNT][2] = {
#define STAGE(name, en, ko) [STAGE_##name] = {(ko), (en)},
#include "refine/stages.def"
#undef STAGE
};
_Static_assert(LANG_KO == 0 && LANG_EN == 1, "the words above are indexed by language");

static void chunks_reach(struct refine *refine, uint32_t tags) {
    CHECK(tags <= LIMIT_TAGS);
    for (uint32_t i = 0; i * CHUNK_TAGS < tags; i++) {
        if (atomic_load_explicit(&refine->chunks[i], memory_order_relaxed) == NULL) {
            atomic_store_explicit(&refine->chunks[i], MEM_NEW(struct chunk), memory_order_release);
        }
    }
}

/* The chunk of a tag number, or NULL. */
static struct chunk *chunk_of(const struct refine *refine, uint32_t tag) {
    if (tag < 1 || tag > LIMIT_TAGS) {
        return NULL;
    }
    return atomic_load_explicit(&refine->chunks[(tag - 1) / CHUNK_TAGS], memory_order_acquire);
}

static struct tag_state *state_of(const struct refine *refine, uint32_t tag) {
    struct chunk *chunk = chunk_of(refine, tag);
    CHECK(chunk != NULL);
    return &chunk->states[(tag - 1) % CHUNK_TAGS];
}

static void count_add(_Atomic uint64_t *count, uint64_t more) {
    atomic_store_explicit(
        count, atomic_load_explicit(count, memory_order_relaxed) + more, memory_order_relaxed);
}

static void counters_add(struct counters *counters, const struct stage_counts *more) {
    count_add(&counters->in, more->in);
    count_add(&counters->changed, more->changed);
    count_add(&counters->marked, more->marked);
    count_add(&counters->omitted, more->omitted);
}

static void counters_copy(const struct counters *counters, struct stage_counts *ret_counts) {
    ret_counts->in = atomic_load_explicit(&counters->in, memory_order_relaxed);
    ret_counts->changed = atomic_load_explicit(&counters->changed, memory_order_relaxed);
    ret_counts->marked = atomic_load_explicit(&counters->marked, memory_order_relaxed);
    ret_counts->omitted = atomic_load_explicit(&counters->omitted, memory_order_relaxed);
}

static void count_effect(struct stage_counts *counts, unsigned effect) {
    counts->changed += (effect & EFFECT_CHANGED) != 0;
    counts->marked += (effect & EFFECT_MARKED) != 0;
    counts->omitted += (effect & EFFECT_OMITTED) != 0;
}

struct refine *refine_new(uint32_t tag_capacity) {
    struct refine *refine = MEM_NEW(struct refine);
    chunks_reach(refine, tag_capacity);
    return refine;
}

static void more_free(struct tag_more *more) {
    for (unsigned i = 0; more != NULL && i < STAGE_COUNT; i++) {
        if (STAGES[i].fini != NULL) {
            STAGES[i].fini(more);
        }
    }
    mem_free(more);
}

void refine_free(struct refine *refine) {
    if (refine == NULL) {
        return;
    }
    for (uint32_t i = 0; i < CHUNK_COUNT; i++) {
        struct chunk *chunk = atomic_load_explicit(&refine->chunks[i], memory_order_relaxed);
        for (uint32_t j = 0; chunk != NULL && j < CHUNK_TAGS; j++) {
            more_free(chunk->states[j].more);
        }
        mem_free(chunk);
    }
    catalogue_unref(refine->catalogue);
    mem_free(refine);
}

static void more_seed(struct tag_more *more, const struct sample *newest) {
    for (unsigned i = 0; i < STAGE_COUNT; i++) {
        if (STAGES[i].seed != NULL) {
            STAGES[i].seed(more, newest);
        }
    }
}

/* Reads the tag's rules and asks each stage whether it has something to do. */
static void prepare_tag(
    struct tag_state *state, const struct tag *tag, const struct catalogue *catalogue) {
    struct rule_line line;
    bool has_rules = tag->refine.size > 0;
    struct err err = ERR_INIT;
    bool is_broken = has_rules && refine_check(tag, &err) < 0;
    if (is_broken) {
        log_event(LOG_WARN, "refine", "rules_not_understood",
            LOG_FIELDS({"tag", A_STR(tag->name)},
                {"next", A_CSTR("the rules do nothing; values of the tag are marked uncertain")}),
            &err);
    }
    has_rules = has_rules && !is_broken && rules_parse(tag->refine, &line, NULL) >= 0;
    if ((has_rules || is_broken) && state->more == NULL) {
        state->more = MEM_NEW(struct tag_more);
    } else if (!has_rules && !is_broken && state->more != NULL) {
        more_free(state->more);
        state->more = NULL;
    }
    if (state->more != NULL) {
        state->more->is_broken = is_broken;
    }
    const struct stage_setup setup = {
        .tag = tag, .line = has_rules ? &line : NULL, .catalogue = catalogue, .state = state};
    for (unsigned i = 0; i < STAGE_COUNT; i++) {
        bool applies = STAGES[i].prepare == NULL || STAGES[i].prepare(&setup);
        state->stages = applies ? state->stages | 1u << i : state->stages & ~(1u << i);
    }
}

int refine_check(const struct tag *tag, struct err *err) {
    struct rule_line line;
    int status = rules_parse(tag->refine, &line, err);
    for (unsigned i = 0; i < STAGE_COUNT && status >= 0; i++) {
        status = STAGES[i].check != NULL ? STAGES[i].check(&line, tag, err) : 0;
    }
    return status < 0 ? err_context(err, MSG_REFINE_TAG, ARGS(A_STR(tag->name))) : 0;
}

void refine_use(struct refine *refine, struct catalogue *catalogue) {
    chunks_reach(refine, catalogue->tag_count);
    for (uint32_t i = 0; i < catalogue->tag_count; i++) {
        prepare_tag(state_of(refine, i + 1), &catalogue->tags[i], catalogue);
    }
    struct catalogue *before = refine->catalogue;
    refine->catalogue = catalogue_ref(catalogue);
    catalogue_unref(before);
}

void refine_seed(struct refine *refine, const struct sample *newest, struct str text) {
    if (newest->tag < 1 || newest->tag > LIMIT_TAGS) {
        return;
    }
    chunks_reach(refine, newest->tag);
    struct tag_state *state = state_of(refine, newest->tag);
    state->has_newest = newest->type != 0;
    state->newest_ns = newest->time_ns;
    kept_set(&state->duplicate, newest, text);
    kept_set(&state->dead_band, newest, text);
    if (state->more != NULL) {
        more_seed(state->more, newest);
    }
}

/* What a walk over a batch needs to know beforehand. */
struct walk {
    uint64_t alive;   // Rows not omitted so far.
    uint64_t unknown; // Dropped for a tag or type that is not.
    uint32_t stages;  // Bit i: some row needs stage i.
};

/* Drops rows that belong to no tag, or whose type no driver may give. Counted by decode. */
static struct walk begin_walk(const struct refine *refine, struct batch *batch) {
    struct walk walk = {.alive = 0};
    for (uint32_t i = 0; i < batch->count; i++) {
        struct sample *row = &batch->rows[i];
        bool known = catalogue_tag(refine->catalogue, row->tag) != NULL && row->type >= TYPE_F64 &&
                     row->type <= TYPE_TEXT;
        if ((row->flags & SAMPLE_DROP) != 0) {
            continue;
        }
        if (known) {
            walk.alive++;
            walk.stages |= state_of(refine, row->tag)->stages;
        } else {
            row->flags |= SAMPLE_DROP;
            walk.unknown++;
        }
    }
    return walk;
}

static void run_stage(struct refine *refine, enum refine_stage stage, struct batch *batch,
    struct stage_counts *counts) {
    for (uint32_t i = 0; i < batch->count; i++) {
        struct sample *row = &batch->rows[i];
        if ((row->flags & SAMPLE_DROP) != 0) {
            continue;
        }
        struct chunk *chunk = chunk_of(refine, row->tag);
        uint32_t place = (row->tag - 1) % CHUNK_TAGS;
        if ((chunk->states[place].stages >> stage & 1) == 0) {
            continue;
        }
        struct stage_row in = {
            .batch = batch,
            .row = row,
            .tag = &refine->catalogue->tags[row->tag - 1],
            .state = &chunk->states[place],
        };
        unsigned effect = STAGES[stage].run(&in);
        if ((effect & EFFECT_OMITTED) != 0) {
            row->flags |= SAMPLE_DROP;
        }
        count_effect(counts, effect);
        if (stage == STAGE_DECODE || effect != EFFECT_NONE) {
            struct stage_counts tag_counts = {.in = stage == STAGE_DECODE};
            count_effect(&tag_counts, effect);
            counters_add(&chunk->counts[place], &tag_counts);
        }
    }
}

void refine_run(struct refine *refine, struct batch *batch) {
    CHECK(refine->catalogue != NULL);
    struct walk walk = begin_walk(refine, batch);
    for (unsigned i = 0; i < STAGE_COUNT; i++) {
        struct stage_counts counts = {.in = walk.alive};
        if ((walk.stages >> i & 1) != 0) {
            run_stage(refine, (enum refine_stage)i, batch, &counts);
        }
        walk.alive -= counts.omitted;
        if (i == STAGE_DECODE) {
            counts.in += walk.unknown;
            counts.omitted += walk.unknown;
        }
        counters_add(&refine->stages[i], &counts);
    }
}

void refine_counts(
    const struct refine *refine, enum refine_stage stage, struct stage_counts *ret_counts) {
    CHECK((unsigned)stage < STAGE_COUNT);
    counters_copy(&refine->stages[stage], ret_counts);
}

void refine_tag_counts(const struct refine *refine, uint32_t tag, struct stage_counts *ret_counts) {
    struct chunk *chunk = chunk_of(refine, tag);
    if (chunk == NULL) {
        *ret_counts = (struct stage_counts){0};
        return;
    }
    counters_copy(&chunk->counts[(tag - 1) % CHUNK_TAGS], ret_counts);
}

const char *refine_stage_name(enum refine_stage stage) {
    return (unsigned)stage < STAGE_COUNT ? STAGES[stage].name : "";
}

const char *refine_stage_words(enum refine_stage stage, enum lang lang) {
    return (unsigned)stage < STAGE_COUNT ? WORDS[stage][lang == LANG_EN ? LANG_EN : LANG_KO] : "";
}
