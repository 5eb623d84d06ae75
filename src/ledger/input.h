#ifndef LEDGER_INPUT_H
#define LEDGER_INPUT_H
/*
 * Checks of what comes from outside before it reaches a statement, in words that name the field.
 * The schema repeats them as constraints; those catch mistakes of the program, these of people.
 * Private to the room; pure.
 */
#include "ledger/ledger.h"

/* UTF-8 without control characters, at most `max` bytes. `name` is the field's in the interface. */
int input_text(const char *name, struct str text, size_t max, struct err *err);
/* Longer than zero and short enough that now + lifetime is a time. */
int input_lifetime(int64_t lifetime_ns, struct err *err);

#endif
