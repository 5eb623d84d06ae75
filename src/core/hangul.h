#ifndef CORE_HANGUL_H
#define CORE_HANGUL_H
/*
 * Finding in Korean text as people type: ASCII letters without case, and a lone consonant stands
 * for every syllable that begins with it (chosung search). Pure; any thread.
 */
#include <stdbool.h>

#include "core/text.h"

/* Whether `what` stands in `where`; an empty one does. Both are UTF-8. */
bool hangul_contains(struct str where, struct str what);

#endif
