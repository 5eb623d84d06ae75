#ifndef PROGRAMME_WON_H
#define PROGRAMME_WON_H
/*
 * Whole won and rates. A rate is a decimal fraction with up to six digits behind the point, kept in
 * millionths, so that rate times base is exact and a fraction of a won is dropped (convention C-1).
 * Pure; any thread.
 */
#include <stdbool.h>
#include <stdint.h>

#include "core/json_in.h"

enum { RATE_ONE = 1000000 };
#define WON_MAX INT64_C(1000000000000000) // 1,000조: beyond it a figure is a slip of the pen.

/* A rate as text ("0.1") or number (0.1), 0 to 1. */
bool rate_of(const struct json_in *value, int32_t *ret_millionths);
int64_t won_of_rate(int64_t base, int32_t millionths); // floor(base x rate), base >= 0.
/* Whole won from 0 to WON_MAX of the input's member: 1, 0 when it is not given, ERR_INVALID. */
int won_of(const struct json_in *input, const char *name, int64_t *ret_won, struct err *err);
size_t won_text(int64_t won, char to[32]); // "1,234,567", for sentences.
/* "20%" or "12.5%", for sentences. */
size_t rate_text(int32_t millionths, char to[16]);

#endif
