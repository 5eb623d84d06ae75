#ifndef REFINE_RULES_H
#define REFINE_RULES_H
/*
 * The line of refine rules of a tag, read by the table rules.def. Private to the room; a plain
 * value whose texts are borrowed from the line. Any thread.
 *
 * To add a rule: a row in rules.def, and a stage (stage.h) that reads it in its `prepare`. What the
 * row's kind and limits cannot say (an inner syntax, rules that exclude each other, types of tags
 * that make no sense) is refused in the stage's `check`.
 */
#include <stdbool.h>
#include <stdint.h>

#include "core/err.h"

enum rule {
#define RULE(id, ...) RULE_##id,
#include "refine/rules.def"
#undef RULE
    RULE_COUNT
};
_Static_assert(RULE_COUNT <= 64, "a bit each");

struct rule_line {
    uint64_t seen; // Bit i: rule i stands in the line.
    double numbers[RULE_COUNT];
    struct str texts[RULE_COUNT];
};

/* name=value pairs between blanks; a value with blanks stands in "..." or '...'. ERR_INVALID names
 * what is unknown, doubled, badly formed or beyond its limits. */
int rules_parse(struct str line, struct rule_line *ret_line, struct err *err);
bool rule_is_set(const struct rule_line *line, enum rule rule);
/* The number of a rule, or `fallback` when it does not stand in the line. */
double rule_number(const struct rule_line *line, enum rule rule, double fallback);
/* Refuses `rule` where `needed` is missing, in words. */
int rule_needs(const struct rule_line *line, enum rule rule, enum rule needed, struct err *err);
/* Refuses a line that has both. */
int rule_excludes(const struct rule_line *line, enum rule rule, enum rule other, struct err *err);
const char *rule_name(enum rule rule);

#endif
