#ifndef PROGRAMME_BONUS_H
#define PROGRAMME_BONUS_H
/*
 * Bonus points (가점): which of the claimed ones count on the day of the application, and their sum
 * after the cap. Private to the room.
 */
#include "programme/answer.h"

/* Reads `bonus` and `applied_at` of the input; writes `bonus_items`, notes and refusals.
 * ERR_INVALID: a date that is none; ERR_LIMIT: too many. */
int bonus_count(const struct programme *programme, const struct json_in *input,
    struct answer *answer, int64_t *ret_hundredths, struct err *err);

#endif
