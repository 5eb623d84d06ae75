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
    _Atomic uint64_t made;
};

/* The walks look at `stages` for every row and at a state only where a stage has something to do:
 * apart, they stay in the nearest cache. */
struct chunk {
    uint32_t stages[CHUNK_TAGS]; // As tag_state.stages.
    struct tag_state states[CHUNK_TAGS];
    struct counters counts[CHUNK_TAGS];
};

struct refine {
    struct deident_key key;                        // Set once.
    const struct deident_key *_Atomic present_key; // NULL until then; read by refine_use alone.
    struct catalogue *catalogue;
    struct counters stages[STAGE_COUNT];
    struct chunk *_Atomic chunks[CHUNK_COUNT]; // Tag n stands at n - 1. NULL: not reached yet.
    uint32_t *ticking;                         // Tags that time alone concerns.
    uint32_t ticking_count;
    uint32_t ticking_next; // Where a full batch stopped the last walk.
    bool makes;            // Some tag's stages may make rows.
    uint32_t *trace;       // For previews; else NULL.
};

struct stage {
    const char *name;
    unsigned (*run)(const struct stage_row *in);
    bool (*prepare)(const struct stage_setup *setup); // NULL: has something to do for every tag.
    int (*check)(const struct rule_line *line, const struct tag *tag, struct err *err);
    void (*seed)(struct tag_more *more, const struct sample *newest);
    void (*tick)(const struct stage_tick *tick);
    void (*fini)(struct tag_more *more);
};

/* NAME, then the functions that a stage has beside `run`. */
static const struct stage STAGES[STAGE_COUNT] = {
    [STAGE_DECODE] = {.name = "decode", .run = stage_decode},
    [STAGE_ENUM] = {.name = "enum",
        .run = stage_enum,
        .prepare = enum_prepare,
        .check = enum_check,
        .fini = enum_fini},
    [STAGE_RAW] = {.name = "raw",
        .run = stage_raw,
        .prepare = raw_prepare,
        .check = raw_check,
        .seed = raw_seed},
    [STAGE_SCALE] = {.name = "scale", .run = stage_scale, .prepare = scale_prepare},
    [STAGE_UNIT] = {.name = "unit",
        .run = stage_unit,
        .prepare = unit_prepare,
        .check = unit_check},
    [STAGE_CLEAN] = {.name = "clean",
        .run = stage_text_clean,
        .prepare = text_clean_prepare,
        .check = text_clean_check},
    [STAGE_DEIDENT] = {.name = "deident",
        .run = stage_hide,
        .prepare = hide_prepare,
        .check = hide_check},
    [STAGE_RANGE] = {.name = "range", .run = stage_range, .prepare = range_prepare},
    [STAGE_GAP] = {.name = "gap",
        .run = stage_gap,
        .prepare = gap_prepare,
        .check = gap_check,
        .seed = gap_seed,
        .tick = gap_tick},
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
    [STAGE_INCREMENT] = {.name = "increment",
        .run = stage_increment,
        .prepare = increment_prepare,
        .check = increment_check,
        .seed = increment_seed},
    [STAGE_STATE] = {.name = "state",
        .run = stage_state,
        .prepare = state_prepare,
        .check = state_check,
        .seed = state_seed},
    [STAGE_SWING] = {.name = "swing",
        .run = stage_swing,
        .prepare = swing_prepare,
        .check = swing_check,
        .seed = swing_seed,
        .tick = swing_tick},
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

/* The chunk of a tag that the catalogue has. */
static struct chunk *known_chunk(const struct refine *refine, uint32_t tag) {
    struct chunk *chunk = chunk_of(refine, tag);
    CHECK(chunk != NULL);
    return chunk;
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
    count_add(&counters->made, more->made);
}

static void counters_copy(const struct counters *counters, struct stage_counts *ret_counts) {
    ret_counts->in = atomic_load_explicit(&counters->in, memory_order_relaxed);
    ret_counts->changed = atomic_load_explicit(&counters->changed, memory_order_relaxed);
    ret_counts->marked = atomic_load_explicit(&counters->marked, memory_order_relaxed);
    ret_counts->omitted = atomic_load_explicit(&counters->omitted, memory_order_relaxed);
    ret_counts->made = atomic_load_explicit(&counters->made, memory_order_relaxed);
}

/* Counts for the stage and for the tag; a row has one or two effects, so only those are written. */
static void count_effect(
    struct stage_counts *counts, struct counters *tag, unsigned effect, uint32_t made) {
    if ((effect & EFFECT_CHANGED) != 0) {
        counts->changed++;
        count_add(&tag->changed, 1);
    }
    if ((effect & EFFECT_MARKED) != 0) {
        counts->marked++;
        count_add(&tag->marked, 1);
    }
    if ((effect & EFFECT_OMITTED) != 0) {
        counts->omitted++;
        count_add(&tag->omitted, 1);
    }
    if (made > 0) {
        counts->made += made;
        count_add(&tag->made, made);
    }
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
    mem_free(refine->ticking);
    mem_free(refine);
}

static void more_seed(struct tag_more *more, const struct sample *newest) {
    for (unsigned i = 0; i < STAGE_COUNT; i++) {
        if (STAGES[i].seed != NULL) {
            STAGES[i].seed(more, newest);
        }
    }
}

/* Reads a tag's rules; false when they are not understood, which is told. */
static bool read_rules(const struct tag *tag, struct rule_line *ret_line) {
    struct err err = ERR_INIT;
    if (refine_check(tag, &err) >= 0 && rules_parse(tag->refine, ret_line, &err) >= 0) {
        return true;
    }
    log_event(LOG_WARN, "refine", "rules_not_understood",
        LOG_FIELDS({"tag", A_STR(tag->name)},
            {"next", A_CSTR("the rules do nothing; values of the tag are marked uncertain")}),
        &err);
    return false;
}

/* Asks each stage whether it has something to do for the tag. */
static void prepare_stages(const struct stage_setup *setup) {
    struct tag_state *state = setup->state;
    for (unsigned i = 0; i < STAGE_COUNT; i++) {
        bool applies = STAGES[i].prepare == NULL || STAGES[i].prepare(setup);
        state->stages = applies ? state->stages | 1u << i : state->stages & ~(1u << i);
    }
}

static void prepare_tag(
    struct refine *refine, const struct tag *tag, const struct catalogue *catalogue) {
    struct tag_state *state = state_of(refine, tag->number);
    struct rule_line line;
    bool wants_more = tag->refine.size > 0 || tag->keep_raw;
    bool is_read = wants_more && read_rules(tag, &line);
    if (wants_more && state->more == NULL) {
        state->more = MEM_NEW(struct tag_more);
    } else if (!wants_more && state->more != NULL && state->more->swing.held.type == 0) {
        more_free(state->more);
        state->more = NULL;
    }
    if (state->more != NULL) {
        state->more->is_broken = wants_more && !is_read;
        state->more->made_rows = 0;
        state->more->made_text = 0;
    }
    const struct stage_setup setup = {.tag = tag,
        .line = is_read ? &line : NULL,
        .catalogue = catalogue,
        .key = atomic_load_explicit(&refine->present_key, memory_order_acquire),
        .state = state};
    prepare_stages(&setup);
}

static bool has_tick(const struct tag_state *state) {
    for (unsigned i = 0; state->more != NULL && i < STAGE_COUNT; i++) {
        if (STAGES[i].tick != NULL && (state->stages >> i & 1) != 0) {
            return true;
        }
    }
    return state->more != NULL && state->more->swing.held.type != 0;
}

static void list_ticking(struct refine *refine, uint32_t tags) {
    mem_free(refine->ticking);
    refine->ticking = NULL;
    refine->ticking_count = 0;
    refine->ticking_next = 0;
    refine->makes = false;
    for (uint32_t i = 1; i <= tags; i++) {
        const struct tag_state *state = state_of(refine, i);
        refine->makes = refine->makes || (state->more != NULL &&
                                             state->more->made_rows + state->more->made_text > 0);
        if (has_tick(state)) {
            if (refine->ticking == NULL) {
                refine->ticking = MEM_ARRAY(uint32_t, tags);
            }
            refine->ticking[refine->ticking_count++] = i;
        }
    }
}

int refine_check(const struct tag *tag, struct err *err) {
    struct rule_line line;
    int status = rules_parse(tag->refine, &line, err);
    for (unsigned i = 0; i < STAGE_COUNT && status >= 0; i++) {
        status = STAGES[i].check != NULL ? STAGES[i].check(&line, tag, err) : 0;
    }
    status = status < 0 ? status : companions_check(tag, err);
    if (status < 0) {
        (void)err_context(err, MSG_REFINE_TAG, ARGS(A_STR(tag->name))); // The status stands.
    }
    return status;
}

void refine_set_key(struct refine *refine, const struct deident_key *key) {
    CHECK(atomic_load_explicit(&refine->present_key, memory_order_relaxed) == NULL);
    refine->key = *key;
    atomic_store_explicit(&refine->present_key, &refine->key, memory_order_release);
}

bool refine_has_pseudonyms(const struct tag *tag) {
    struct rule_line line;
    struct deident_rule rule;
    return tag->refine.size > 0 && rules_parse(tag->refine, &line, NULL) >= 0 &&
           rule_is_set(&line, RULE_DEIDENT) &&
           deident_parse(line.texts[RULE_DEIDENT], &rule, NULL) >= 0 &&
           rule.method == DEIDENT_PSEUDONYM;
}

bool refine_needs_key(const struct catalogue *catalogue) {
    for (uint32_t i = 0; i < catalogue->tag_count; i++) {
        if (refine_has_pseudonyms(&catalogue->tags[i])) {
            return true;
        }
    }
    return false;
}

void refine_use(struct refine *refine, struct catalogue *catalogue) {
    chunks_reach(refine, catalogue->tag_count);
    for (uint32_t i = 0; i < catalogue->tag_count; i++) {
        prepare_tag(refine, &catalogue->tags[i], catalogue);
        chunk_of(refine, i + 1)->stages[i % CHUNK_TAGS] = state_of(refine, i + 1)->stages;
    }
    list_ticking(refine, catalogue->tag_count);
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
    uint32_t rows;    // Of the batch as it came: what stages make stands behind.
};

/* Drops rows that belong to no tag, or whose type no driver may give. Counted by decode. */
static struct walk begin_walk(const struct refine *refine, struct batch *batch) {
    struct walk walk = {.rows = batch->count};
    for (uint32_t i = 0; i < batch->count; i++) {
        struct sample *row = &batch->rows[i];
        bool known = catalogue_tag(refine->catalogue, row->tag) != NULL && row->type >= TYPE_F64 &&
                     row->type <= TYPE_TEXT;
        if ((row->flags & SAMPLE_DROP) != 0) {
            continue;
        }
        if (known) {
            walk.alive++;
            walk.stages |= known_chunk(refine, row->tag)->stages[(row->tag - 1) % CHUNK_TAGS];
        } else {
            row->flags |= SAMPLE_DROP;
            walk.unknown++;
        }
    }
    return walk;
}

static void run_stage(struct refine *refine, enum refine_stage stage, struct batch *batch,
    uint32_t rows, struct stage_counts *counts) {
    /* The door counts a sample as omitted when it is, which is later than it is held back. */
    const unsigned drops = stage == STAGE_SWING ? EFFECT_HELD : EFFECT_OMITTED;
    for (uint32_t i = 0; i < rows; i++) {
        struct sample *row = &batch->rows[i];
        if ((row->flags & SAMPLE_DROP) != 0) {
            continue;
        }
        struct chunk *chunk = known_chunk(refine, row->tag);
        uint32_t place = (row->tag - 1) % CHUNK_TAGS;
        if ((chunk->stages[place] >> stage & 1) == 0) {
            continue;
        }
        struct stage_row in = {
            .batch = batch,
            .row = row,
            .tag = &refine->catalogue->tags[row->tag - 1],
            .state = &chunk->states[place],
        };
        uint32_t before = batch->count;
        unsigned effect = STAGES[stage].run(&in);
        uint32_t made = batch->count - before;
        if ((effect & drops) != 0) {
            row->flags |= SAMPLE_DROP;
        }
        if (stage == STAGE_DECODE) {
            count_add(&chunk->counts[place].in, 1);
        }
        if (effect != EFFECT_NONE || made > 0) {
            count_effect(counts, &chunk->counts[place], effect, made);
            if (refine->trace != NULL) {
                refine->trace[i] |= 1u << stage;
            }
        }
    }
}

void refine_trace(struct refine *refine, uint32_t *effects) {
    refine->trace = effects;
}

void refine_reserve(const struct refine *refine, struct batch *batch) {
    uint64_t rows = 0;
    uint64_t text_bytes = 0;
    for (uint32_t i = 0; refine->makes && i < batch->count; i++) {
        uint32_t tag = batch->rows[i].tag;
        const struct chunk *chunk = chunk_of(refine, tag);
        const struct tag_more *more =
            chunk != NULL ? chunk->states[(tag - 1) % CHUNK_TAGS].more : NULL;
        if (more != NULL) {
            rows += more->made_rows;
            text_bytes += more->made_text;
        }
    }
    if (rows > 0 || text_bytes > 0) {
        batch_reserve(batch, rows, text_bytes);
    }
}

void refine_run(struct refine *refine, struct batch *batch) {
    CHECK(refine->catalogue != NULL);
    struct walk walk = begin_walk(refine, batch);
    for (unsigned i = 0; i < STAGE_COUNT; i++) {
        struct stage_counts counts = {.in = walk.alive};
        if ((walk.stages >> i & 1) != 0) {
            run_stage(refine, (enum refine_stage)i, batch, walk.rows, &counts);
        }
        walk.alive -= counts.omitted;
        if (i == STAGE_DECODE) {
            counts.in += walk.unknown;
            counts.omitted += walk.unknown;
        }
        counters_add(&refine->stages[i], &counts);
    }
    for (uint32_t i = 0; (walk.stages >> STAGE_GAP & 1) != 0 && i < walk.rows; i++) {
        batch->rows[i].reserved = 0; // Marks of stages for stages.
    }
    batch->made = batch->count - walk.rows;
}

bool refine_ticks(const struct refine *refine) {
    return refine->ticking_count > 0;
}

static void tick_stage(
    struct refine *refine, unsigned stage, const struct stage_tick *tick, struct chunk *chunk) {
    uint32_t before = tick->batch->count;
    STAGES[stage].tick(tick);
    struct stage_counts counts = {.made = tick->batch->count - before};
    if (counts.made > 0) {
        counters_add(&refine->stages[stage], &counts);
        counters_add(&chunk->counts[(tick->tag->number - 1) % CHUNK_TAGS], &counts);
    }
}

static bool tick_all(struct refine *refine, struct stage_tick tick) {
    while (refine->ticking_next < refine->ticking_count) {
        uint32_t tag = refine->ticking[refine->ticking_next];
        if (tick.batch->capacity - tick.batch->count < STAGE_COUNT) {
            tick.batch->made = tick.batch->count;
            return true; // Each stage makes a row at most.
        }
        tick.tag = &refine->catalogue->tags[tag - 1];
        tick.state = state_of(refine, tag);
        for (unsigned i = 0; i < STAGE_COUNT; i++) {
            if (STAGES[i].tick != NULL) {
                tick_stage(refine, i, &tick, chunk_of(refine, tag));
            }
        }
        refine->ticking_next++;
    }
    refine->ticking_next = 0;
    tick.batch->made = tick.batch->count;
    return false;
}

bool refine_tick(struct refine *refine, int64_t now_ns, struct batch *batch) {
    return tick_all(refine, (struct stage_tick){.batch = batch, .now_ns = now_ns});
}

bool refine_flush(struct refine *refine, struct batch *batch) {
    return tick_all(
        refine, (struct stage_tick){.batch = batch, .now_ns = INT64_MAX, .is_flush = true});
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
