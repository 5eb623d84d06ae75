#ifndef REFINE_REFINE_H
#define REFINE_REFINE_H
/*
 * Refinement: raw samples into trustworthy ones by a fixed sequence of stages over batches. Pure
 * but for per-tag state owned by the `struct refine`; no clock, no I/O. Every stage counts what it
 * did. Nothing is silently deleted: checks only mark; duplicate and dead-band omit (SAMPLE_DROP)
 * and count, per stage and per tag. One owner thread (the pipeline); counts may be read by any.
 */
#include <stdbool.h>
#include <stdint.h>

#include "core/err.h"
#include "core/mem.h"
#include "model/event.h"
#include "model/tag.h"

/* Stages in order: STAGE(NAME, "English", "Korean"). */
enum refine_stage {
#define STAGE(name, en, ko) STAGE_##name,
#include "refine/stages.def"
#undef STAGE
    STAGE_COUNT
};

struct refine;

struct refine *refine_new(uint32_t tag_capacity);
void refine_free(struct refine *refine);
/* Uses this catalogue from the next batch on (takes a reference). State of tags is kept. */
void refine_use(struct refine *refine, struct catalogue *catalogue);
/* The key of `deident=pseudonym`. At most once, by any thread; used from the next refine_use on.
 * Until then such values are stored without a value and marked bad. */
struct deident_key;
void refine_set_key(struct refine *refine, const struct deident_key *key);
/* Whether the tag has deident=pseudonym: stored numbers of it must not be refined again. */
bool refine_has_pseudonyms(const struct tag *tag);
bool refine_needs_key(const struct catalogue *catalogue); // Some tag has such a rule.
/* Tells the state of a tag after a restart, or after the store refused rows: its newest stored
 * sample, so that late, duplicate and dead-band go on from there. A sample of type 0: the tag has
 * none. Numbers of no tag are ignored. */
void refine_seed(struct refine *refine, const struct sample *newest, struct str text);
/* Makes room in the batch for what stages may make of its rows; to be called before refine_run,
 * which allocates nothing. Pooled batches keep the room, so it is taken once. */
void refine_reserve(const struct refine *refine, struct batch *batch);
/* Runs all stages over the batch in place. Rows of unknown tags are dropped and counted as omitted
 * by decode. Rows of imports and the line protocol (source 0) skip scale and dead-band: they are
 * finished values. Rows that stages make (a gap's mark, values of companion tags, samples that were
 * held back) stand at the end and are counted in batch->made; they are durable with the batch or
 * not at all. */
void refine_run(struct refine *refine, struct batch *batch);
/* Whether time alone has something to do (refine_tick), for any tag. */
bool refine_ticks(const struct refine *refine);
/* What time alone brings: marks of gaps, samples held back long enough. Adds rows to the empty
 * `batch` until it is full; true when there is more. To be called about once a second, when nothing
 * waits to be refined: a sample in a queue is no gap. */
bool refine_tick(struct refine *refine, int64_t now_ns, struct batch *batch);
/* Adds what is held back, before the end; true when there is more. */
bool refine_flush(struct refine *refine, struct batch *batch);

/* Any thread. Of a tag, `in` counts its rows and the others what all stages together did. */
void refine_counts(
    const struct refine *refine, enum refine_stage stage, struct stage_counts *ret_counts);
void refine_tag_counts(const struct refine *refine, uint32_t tag, struct stage_counts *ret_counts);

/* ---- Rules of tags: any thread ---- */

/* One rule of rules.def, for checks and forms. */
struct refine_rule {
    const char *name; // "spike"
    const char *kind; // "NUMBER" "WHOLE" "TEXT" "TAG"
    double min;       // Of a number; bytes of a text.
    double max;
    const char *help[2]; // By enum lang.
};
const struct refine_rule *refine_rule(uint32_t index); // NULL behind the last.
/* Checks a tag's line of rules: unknown or doubled rules, values beyond their limits, rules that
 * contradict each other or do not suit the tag's type, kind or unit. ERR_INVALID with words. To be
 * called before a tag is stored: refine_use expects lines that passed. */
int refine_check(const struct tag *tag, struct err *err);

/* The tags that the rules of this one write to: to be made together with it where they are not
 * there. Names live in `arena` or in the tag's rules. Count. */
enum { REFINE_COMPANIONS_MAX = 8 };
uint32_t refine_companions(
    const struct tag *tag, struct arena *arena, struct tag ret_tags[REFINE_COMPANIONS_MAX]);

/* The rule counter_max of a tag; 0: none. About a microsecond. */
double refine_counter_max(const struct tag *tag);

/* The companion that keeps the tag's raw values, or NULL. */
const struct tag *refine_raw_tag(const struct catalogue *catalogue, const struct tag *tag);

/* What candidate rules would do. */
struct refine_preview {
    struct catalogue *catalogue; // Tag 1 is the candidate, the others its companions. The caller's.
    uint32_t *effects;           // For each row that came: bit i: stage i did something.
    struct stage_counts stages[STAGE_COUNT];
};
/* Runs all stages over the rows of a batch in place, as if `candidate` were the tag, with state of
 * its own: nothing else is touched. The rows become rows of tag 1, made ones stand behind them; a
 * row that the door held back and gave out at last is not omitted. `device` (or NULL) tells the
 * period for gaps. Arrays live in `arena`. ERR_INVALID: the rules, in words. Any thread, its own
 * batch. */
int refine_preview(const struct tag *candidate, const struct device *device, struct batch *batch,
    struct arena *arena, struct refine_preview *ret_preview, struct err *err);

/* Undoes scale and unit of a tag, for rows that were stored without their raw value. False: nothing
 * to undo (another type, or no scale and no unit). */
bool refine_undo(const struct tag *tag, struct sample *row);

const char *refine_stage_name(enum refine_stage stage);                  // "decode"
const char *refine_stage_words(enum refine_stage stage, enum lang lang); // For people.

#endif
