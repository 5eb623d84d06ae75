#ifndef TESTS_HISTORIAN_SUPPORT_GOLDEN_H
#define TESTS_HISTORIAN_SUPPORT_GOLDEN_H
/*
 * Histories that were written once and are opened for ever (docs/FORMATS.md, Versions): how they
 * are made, and what they hold as text.
 */
#include "core/buf.h"

/* Makes all histories, each a folder under `dir`. */
void golden_make(const char *dir);

/* Everything that can be read from a history folder: manifest, pages with statistics and roll-ups,
 * every version of every row, the winners where they differ, buckets, batches of the log. Doubles
 * as their bits. The folder is opened, so it changes. */
void golden_list(const char *dir, struct buf *to);

extern const char *const golden_names[]; // Ends with NULL.

#endif
