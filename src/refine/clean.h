#ifndef REFINE_CLEAN_H
#define REFINE_CLEAN_H
/*
 * Cleaning of texts: the rules `clean` (a list of steps) and `extract` (a pattern). Private to the
 * room; pure; any thread. What is read borrows the rule's text.
 */
#include <stdbool.h>
#include <stdint.h>

#include "core/err.h"

enum { CLEAN_STEPS_MAX = 8, CLEAN_PATTERN_MAX = 64 };

enum clean_kind {
    CLEAN_TRIM,     // No blanks at the ends, also the wide one (U+3000) and U+00A0.
    CLEAN_COLLAPSE, // Runs of blanks become one.
    CLEAN_UPPER,    // ASCII letters.
    CLEAN_LOWER,
    CLEAN_DIGITS,    // Nothing but 0-9 stays.
    CLEAN_PRINTABLE, // No control characters (U+0000-1F, U+7F-9F).
    CLEAN_HALF,      // Full-width ASCII (U+FF01-FF5E) and the wide blank become plain ones.
    CLEAN_FULL,      // The other way round.
    CLEAN_HANGUL,    // Decomposed syllables are put together (Unicode 3.12), as NFC does.
    CLEAN_REPLACE,   // replace:OLD:NEW, each occurrence from the left.
};

struct clean_step {
    enum clean_kind kind;
    struct str old; // Of replace.
    struct str fresh;
};

struct clean_rule {
    uint32_t count;
    struct clean_step steps[CLEAN_STEPS_MAX];
};

/* "trim,collapse,upper,replace:O:0". ERR_INVALID with words. */
int clean_parse(struct str text, struct clean_rule *ret_rule, struct err *err);
/* Applies the steps in order. The result stands in `to` (LIMIT_TEXT_VALUE_BYTES), or the text
 * itself when nothing changed. False: it would be longer than a text value may be. */
bool clean_apply(const struct clean_rule *rule, struct str text, char *to, struct str *ret_text);

/* A pattern: # a digit, A an ASCII letter, ? any character, \ takes the next one as it is, others
 * stand for themselves. ERR_INVALID: empty, too long, or a lone \ at the end. */
int extract_check(struct str pattern, struct err *err);
/* The first place of the text that fits the whole pattern. False: none. */
bool extract_find(struct str pattern, struct str text, struct str *ret_found);

#endif
