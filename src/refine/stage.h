#ifndef REFINE_STAGE_H
#define REFINE_STAGE_H
/*
 * What a stage sees. Private to the room. A stage is one function over one row, in a file of its
 * own, listed in refine.c; it may change the row and its own part of the tag's state, and answers
 * what it did. Counting, unknown tags and omitted rows are refine.c's business. Pipeline thread
 * only.
 *
 * To add a stage: a row in stages.def, its functions below, its line in refine.c's STAGES. A stage
 * that follows rules (rules.def) has besides `run`:
 *   check    refuses a line of rules that makes no sense for the tag (import, PUT; any thread);
 *   prepare  when a catalogue comes: reads the line into the stage's own part of tag_more and says
 *            whether the stage has anything to do for this tag. A tag that no stage says yes to
 *            costs nothing in that stage's walk. Memory (windows) is taken here, never in run;
 *   seed     the newest stored row of the tag, after a restart or a refusal; optional;
 *   tick     what time alone brings (a silent tag's gap); optional, about once a second;
 *   fini     gives the part's memory back; optional.
 * A tag without rules has no tag_more (`more` is NULL everywhere).
 *
 * A stage may make rows of its own tag or of others (companions.c names those): stage_make. They
 * stand at the end of the batch, are finished, pass no stage, and become durable together with the
 * row they come from. `prepare` says beforehand how many rows and text bytes one row may bring
 * (tag_more.made_rows, made_text), so that the batch has room and run allocates nothing.
 */
#include <stdbool.h>
#include <stdint.h>

#include "model/tag.h"
#include "refine/clean.h"
#include "refine/deident.h"
#include "refine/refine.h"
#include "refine/rules.h"

/* What a stage did to a row; bits. */
enum stage_effect {
    EFFECT_NONE = 0,
    EFFECT_CHANGED = 1, // Another value.
    EFFECT_MARKED = 2,  // Another status or flag.
    EFFECT_OMITTED = 4, // Not to be stored.
    EFFECT_HELD = 8,    // Held back: may be made again later; not counted.
};

/* Marks on sample.reserved while a batch is under way. */
enum { ROW_AFTER_GAP = 1 };

enum { KEPT_TEXT_BYTES = 48 }; // Texts compared by duplicate and dead-band; longer ones are kept.

/* A row as a stage remembers it. */
struct kept {
    int64_t time_ns;
    uint64_t bits; // Of a number.
    uint32_t status;
    uint8_t type; // 0: nothing is remembered.
    bool is_long; // The text does not fit: equal to nothing.
    uint8_t text_size;
    char text[KEPT_TEXT_BYTES];
};

enum { ENUM_ENTRIES_MAX = 64, ENUM_LABEL_BYTES = 64, STATES_MAX = 8 };

struct enum_entry {
    int64_t code;
    struct str label; // Lives in the catalogue.
};

struct enum_part {
    struct enum_entry *entries; // Owned.
    uint32_t count;             // 0: no names.
};

struct raw_part {
    uint32_t tag; // Companion.
    uint32_t status;
    int64_t time_ns; // Of the newest kept.
    uint64_t bits;
    bool has_value;
};

struct unit_part {
    double factor; // value * factor + offset is in the tag's unit.
    double offset;
};

struct gap_part {
    int64_t period_ns; // Expected.
    int64_t limit_ns;  // Silence beyond is a gap.
    int64_t last_ns;   // Newest sample.
    bool has_last;
    bool is_marked; // The present silence has its mark.
    bool applies;
};

struct increment_part {
    uint32_t tag; // Companion.
    bool has_last;
    double max; // 0: a fall is a reset.
    struct sample last;
};

struct state_entry {
    struct str label; // Lives in the catalogue.
    double limit;
    bool is_above; // Else below.
    bool is_inclusive;
};

struct state_part {
    struct state_entry entries[STATES_MAX];
    int count;
    int present;        // Index; -1: not known.
    uint32_t state_tag; // Companions; 0: none.
    uint32_t cycle_tag;
    int64_t begun_ns; // When the first state began last.
    bool has_begun;
};

struct swing_part {
    double error; // 0: the rule is gone.
    int64_t silence_ns;
    struct sample pivot; // The newest stored row; type 0: none.
    struct sample held;  // The newest row held back; type 0: none.
    double slope_max;    // The door, in units a nanosecond.
    double slope_min;
};

struct rate_part {
    double limit; // Units a second.
    double value; // Of the last row that was believed.
    int64_t time_ns;
    bool has_value;
};

struct spike_part {
    double factor;   // Robust standard deviations.
    double smallest; // Deviations up to this are no spikes.
    double *window;  // The last values, as a ring; owned.
    uint16_t size;
    uint16_t count;
    uint16_t next;
    int64_t time_ns; // Of the newest in it.
};

struct stuck_part {
    int64_t limit_ns;
    int64_t since_ns; // When the present value came first.
    uint64_t bits;
    bool has_value;
};

struct clean_part {
    struct clean_rule rule;
    struct str pattern; // Empty: none. Borrowed from the catalogue.
};

struct hide_part {
    struct deident_rule rule;
    const struct deident_key *key; // NULL: none.
    bool is_closed;                // The line is not understood: no value passes.
};

/* What only tags with rules have. A stage touches its own part alone. */
struct tag_more {
    bool is_broken;     // The stored line is not understood (it was written by a newer Maru).
    uint16_t made_rows; // At most, for each row of the tag; set by `prepare`.
    uint16_t made_text;
    struct enum_part names;
    struct raw_part raw;
    struct unit_part unit;
    struct gap_part gap;
    struct increment_part increment;
    struct state_part state;
    struct swing_part swing;
    struct rate_part rate;
    struct spike_part spike;
    struct stuck_part stuck;
    struct clean_part clean;
    struct hide_part hide;
};

struct tag_state {
    bool has_newest;
    uint32_t stages;       // Bit i: stage i has something to do for this tag.
    int64_t newest_ns;     // Late: largest time that came.
    struct tag_more *more; // NULL: a tag without rules. Owned.
    struct kept duplicate; // Duplicate: the newest row that passed it.
    struct kept dead_band; // Dead-band: the newest row that passed it.
};
_Static_assert(sizeof(struct tag_state) <= 200, "10,000 plain tags take 2 MB");
_Static_assert(STAGE_COUNT <= 32, "a bit of tag_state.stages each");

/* A tag whose time has passed; `batch` takes what stages make. */
struct stage_tick {
    struct batch *batch;
    const struct tag *tag;
    struct tag_state *state;
    int64_t now_ns;
    bool is_flush; // Nothing may stay held back.
};

struct stage_row {
    struct batch *batch;
    struct sample *row;
    const struct tag *tag;
    struct tag_state *state;
};

/* What `prepare` sees. */
struct stage_setup {
    const struct tag *tag;
    const struct rule_line *line;      // NULL: the tag has no rules and keeps no raw values.
    const struct catalogue *catalogue; // Lives at least as long as what prepare keeps of it.
    const struct deident_key *key;     // Lives as long as the refine; NULL: none.
    struct tag_state *state; // Its bit of `stages` tells whether the stage had something to do.
};

unsigned stage_decode(const struct stage_row *in);
/* Makes the row's type the tag's, for rows that decode left to the names of codes. */
unsigned decode_convert(const struct stage_row *in);
unsigned stage_enum(const struct stage_row *in);
int enum_check(const struct rule_line *line, const struct tag *tag, struct err *err);
bool enum_prepare(const struct stage_setup *setup);
void enum_fini(struct tag_more *more);
/* Whether a row of another type than its tag is the names' business. */
bool enum_takes(const struct tag_more *more, const struct tag *tag, const struct sample *row);
unsigned stage_raw(const struct stage_row *in);
int raw_check(const struct rule_line *line, const struct tag *tag, struct err *err);
bool raw_prepare(const struct stage_setup *setup);
void raw_seed(struct tag_more *more, const struct sample *newest);
unsigned stage_unit(const struct stage_row *in);
int unit_check(const struct rule_line *line, const struct tag *tag, struct err *err);
bool unit_prepare(const struct stage_setup *setup);
/* Factor and offset from one unit (UCUM code or alias) to another. ERR_INVALID with words. */
int unit_between(struct str from, struct str to, struct unit_part *ret_unit, struct err *err);
unsigned stage_gap(const struct stage_row *in);
int gap_check(const struct rule_line *line, const struct tag *tag, struct err *err);
bool gap_prepare(const struct stage_setup *setup);
void gap_seed(struct tag_more *more, const struct sample *newest);
void gap_tick(const struct stage_tick *tick);
unsigned stage_increment(const struct stage_row *in);
int increment_check(const struct rule_line *line, const struct tag *tag, struct err *err);
bool increment_prepare(const struct stage_setup *setup);
void increment_seed(struct tag_more *more, const struct sample *newest);
unsigned stage_state(const struct stage_row *in);
int state_check(const struct rule_line *line, const struct tag *tag, struct err *err);
bool state_prepare(const struct stage_setup *setup);
void state_seed(struct tag_more *more, const struct sample *newest);
unsigned stage_swing(const struct stage_row *in);
int swing_check(const struct rule_line *line, const struct tag *tag, struct err *err);
bool swing_prepare(const struct stage_setup *setup);
void swing_seed(struct tag_more *more, const struct sample *newest);
void swing_tick(const struct stage_tick *tick);
unsigned stage_scale(const struct stage_row *in);
bool scale_prepare(const struct stage_setup *setup);
unsigned stage_range(const struct stage_row *in);
bool range_prepare(const struct stage_setup *setup);
unsigned stage_late(const struct stage_row *in);
unsigned stage_duplicate(const struct stage_row *in);
unsigned stage_rate(const struct stage_row *in);
int rate_check(const struct rule_line *line, const struct tag *tag, struct err *err);
bool rate_prepare(const struct stage_setup *setup);
void rate_seed(struct tag_more *more, const struct sample *newest);
unsigned stage_spike(const struct stage_row *in);
int spike_check(const struct rule_line *line, const struct tag *tag, struct err *err);
bool spike_prepare(const struct stage_setup *setup);
void spike_fini(struct tag_more *more);
unsigned stage_stuck(const struct stage_row *in);
int stuck_check(const struct rule_line *line, const struct tag *tag, struct err *err);
bool stuck_prepare(const struct stage_setup *setup);
unsigned stage_text_clean(const struct stage_row *in);
int text_clean_check(const struct rule_line *line, const struct tag *tag, struct err *err);
bool text_clean_prepare(const struct stage_setup *setup);
unsigned stage_hide(const struct stage_row *in);
int hide_check(const struct rule_line *line, const struct tag *tag, struct err *err);
bool hide_prepare(const struct stage_setup *setup);
unsigned stage_dead_band(const struct stage_row *in);
bool dead_band_prepare(const struct stage_setup *setup);

/* For previews: of each row of the next batches, bit i tells that stage i did something. The array
 * has room for the batch's rows; NULL ends it. */
void refine_trace(struct refine *refine, uint32_t *effects);
/* A new row of `tag` at the end of the batch, with this type and time; the rest is zero. */
struct sample *stage_make(struct batch *batch, uint32_t tag, enum value_type type, int64_t time_ns);
/* The number of the tag that a rule names, when it is there and of this type; else 0. */
uint32_t companion_number(const struct catalogue *catalogue, struct str name, enum value_type type);
/* Refuses rules that write to one tag twice or to their own. */
int companions_check(const struct tag *tag, struct err *err);
enum { COMPANION_NAME_MAX = 264 };
/* The name of the tag that keeps a tag's raw values: `name` and "_raw". */
struct str companion_raw_name(const struct tag *tag, char to[COMPANION_NAME_MAX]);
/* Gives the row a worse status; a status that is as bad already stays, because it names the first
 * and so the nearer reason. */
unsigned stage_mark(struct sample *row, uint32_t status);
/* The bits of a number row. */
uint64_t row_bits(const struct sample *row);
void kept_set(struct kept *kept, const struct sample *row, struct str text);
/* Whether status and value are exactly those remembered (the time is not compared). */
bool kept_equals(const struct kept *kept, const struct stage_row *in);
/* Gives a text row another text: in its own place, or behind the batch's texts. The old bytes are
 * overwritten. False: there is no room; nothing changed. */
bool row_set_text(const struct stage_row *in, struct str text);
/* The text of a text row, else nothing. */
struct str row_text(const struct stage_row *in);
/* Whether a check that follows a curve may look at the row: a number, not late, no correction, not
 * bad. */
bool row_is_curve(const struct sample *row);
/* Refuses a rule for tags that are no numbers (f64, i64). */
int rule_for_numbers(
    const struct rule_line *line, enum rule rule, const struct tag *tag, struct err *err);

#endif
