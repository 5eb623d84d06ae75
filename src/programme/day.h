#ifndef PROGRAMME_DAY_H
#define PROGRAMME_DAY_H
/*
 * Calendar days as the programmes count them (conventions C-4 to C-8, Civil Act 157, 159 to 161)
 * and Korea's public holidays. A day is a number: days since 1970-01-01. Pure; any thread.
 */
#include <stdbool.h>
#include <stdint.h>

#include "core/err.h"
#include "core/json_in.h"

enum { DAY_TEXT_MAX = 11, DAY_NONE = INT32_MIN };

int32_t day_make(int year, int month, int day); // DAY_NONE: no such day, or not in 1900 to 2199.
void day_parts(int32_t day, int *ret_year, int *ret_month, int *ret_day);
/* "2024-04-15", also the date of "2024-04-15T10:00" (with or without seconds and offset, taken as
 * written). */
bool day_parse(struct str text, int32_t *ret_day);
size_t day_text(int32_t day, char to[DAY_TEXT_MAX]);
/* The same day of the month `months` later (or earlier), or that month's last day. */
int32_t day_add_months(int32_t day, int months);
int day_of_week(int32_t day); // 0: Monday .. 6: Sunday.

/* The date in a member of the input: 1, 0 when it is not given, ERR_INVALID with words. */
int day_of_input(const struct json_in *input, const char *name, int32_t *ret_day, struct err *err);

/* A moment of local time, in seconds since 1970-01-01T00:00 as the clock on the wall counts; a
 * plain date is its midnight. An offset is turned into Korean time. */
bool moment_parse(struct str text, int64_t *ret_second, bool *ret_has_time);

/* Whether nobody works: a Saturday, a Sunday, a public holiday of the calendar that ships, or one
 * of `more` (a list of dates; NULL: none). */
bool day_is_off(int32_t day, const struct json_in *more);
/* The day itself, or the first one after it that is worked. */
int32_t day_roll(int32_t day, const struct json_in *more);
/* The years for which public holidays are known. */
void holidays_known(int *ret_first_year, int *ret_last_year);

#endif
