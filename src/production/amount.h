#ifndef PRODUCTION_AMOUNT_H
#define PRODUCTION_AMOUNT_H
/*
 * Quantities and won as people write them, kept as whole millionths so that sums are exact. Pure;
 * any thread.
 */
#include "core/buf.h"

enum { AMOUNT_UNIT = 1000000 };            // Millionths of one.
#define AMOUNT_MAX_U 9000000000000000000LL // What master data and events allow: 9 * 10^12.
enum { AMOUNT_TEXT_MAX = 24 };

/* "1200", "1,200.5", "-3", "1e-05" (as spreadsheets write it), also in full-width digits and signs
 * (U+FF0B..U+FF19). Commas stand before each three digits of the whole part, or nowhere. False: no
 * such number, one with more than six decimals that are not zero, or one that 64 bits do not hold;
 * no blanks. */
bool amount_parse(struct str text, int64_t *ret_u);
/* The shortest text that reads back the same: "1200", "0.5", "-3.000001". */
void amount_put(struct buf *out, int64_t u);
/* Into `to` of AMOUNT_TEXT_MAX bytes, ended by NUL. Its length. */
size_t amount_text(int64_t u, char *to);
/* The same as a text that lives until the end of the block. */
#define AMOUNT(u) amount_z((u), (char[AMOUNT_TEXT_MAX]){0})
const char *amount_z(int64_t u, char *to);

/* The same with another number of decimals, 0 to 18: whole numbers, seconds as nanoseconds. */
bool decimal_parse(struct str text, int decimals, int64_t *ret_value);
size_t decimal_text(int64_t value, int decimals, char *to);

#endif
