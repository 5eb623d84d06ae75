#ifndef REFINE_STAGE_H
#define REFINE_STAGE_H
/*
 * What a stage sees. Private to the room. A stage is one function over one row, in a file of its
 * own, listed in refine.c; it may change the row and its own part of the tag's state, and answers
 * what it did. Counting, unknown tags and omitted rows are refine.c's business. Pipeline thread
 * only.
 */
#include <stdbool.h>
#include <stdint.h>

#include "model/tag.h"
#include "refine/refine.h"

/* What a stage did to a row; bits. */
enum stage_effect {
    EFFECT_NONE = 0,
    EFFECT_CHANGED = 1, // Another value.
    EFFECT_MARKED = 2,  // Another status or flag.
    EFFECT_OMITTED = 4, // Not to be stored.
};

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

struct tag_state {
    bool has_newest;
    int64_t newest_ns;     // Late: largest time that came.
    struct kept duplicate; // Duplicate: the newest row that passed it.
    struct kept dead_band; // Dead-band: the newest row that passed it.
};

struct stage_row {
    struct batch *batch;
    struct sample *row;
    const struct tag *tag;
    struct tag_state *state;
};

unsigned stage_decode(const struct stage_row *in);
unsigned stage_scale(const struct stage_row *in);
unsigned stage_range(const struct stage_row *in);
unsigned stage_late(const struct stage_row *in);
unsigned stage_duplicate(const struct stage_row *in);
unsigned stage_dead_band(const struct stage_row *in);

/* Gives the row a worse status; a status that is as bad already stays, because it names the first
 * and so the nearer reason. */
unsigned stage_mark(struct sample *row, uint32_t status);
/* The bits of a number row. */
uint64_t row_bits(const struct sample *row);
void kept_set(struct kept *kept, const struct sample *row, struct str text);
/* Whether status and value are exactly those remembered (the time is not compared). */
bool kept_equals(const struct kept *kept, const struct stage_row *in);
/* The text of a text row, else nothing. */
struct str row_text(const struct stage_row *in);

#endif
