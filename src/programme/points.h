#ifndef PROGRAMME_POINTS_H
#define PROGRAMME_POINTS_H
/*
 * Points of evaluation sheets as whole hundredths, so that sums are exact. Private to the room;
 * pure; any thread.
 */
#include <stdbool.h>
#include <stdint.h>

#include "core/json.h"
#include "core/json_in.h"

enum { POINTS_ONE = 100, POINTS_TEXT_MAX = 32 };

/* A number, or a text that is one, from -1,000,000 to 1,000,000 with at most two decimals. */
bool points_of(const struct json_in *value, int64_t *ret_hundredths);
size_t points_text(int64_t hundredths, char to[POINTS_TEXT_MAX]); // "60" or "87.50"
void points_put(struct json *json, struct str key, int64_t hundredths);

#endif
