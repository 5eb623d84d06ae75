#ifndef TESTS_HISTORIAN_SUPPORT_COLUMNS_H
#define TESTS_HISTORIAN_SUPPORT_COLUMNS_H
/*
 * Columns of values for tests of the encodings.
 */
#include "core/random.h"
#include "historian/bits.h"

enum { COLUMN_SHAPES = 22 };

/* Fills a column of one shape, 0 .. COLUMN_SHAPES - 1. */
void columns_fill(struct random *random, int shape, bits64 *values, uint32_t count);

#endif
