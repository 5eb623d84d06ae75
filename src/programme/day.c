/*
 * Days by arithmetic on the proleptic Gregorian calendar (days from the civil date and back by
 * 400-year eras), because a term of nine months must end on the same day whatever the machine's
 * time zone says. Public holidays come from share/holidays.json, which the build turns into a
 * sorted table; the lunar ones stand in it as dates, so that nobody computes moons at run time.
 */
#include "programme/day.h"

#include <string.h>

#include "core/time.h"
#include "programme/share.h"
#include "programme/words.h"

enum { YEAR_FIRST = 1900, YEAR_LAST = 2199, SEOUL_S = 9 * 3600, DAY_S = 86400 };

static bool is_leap(int year) {
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static int month_days(int year, int month) {
    static const int DAYS[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    return DAYS[month - 1] + (month == 2 && is_leap(year) ? 1 : 0);
}

int32_t day_make(int year, int month, int day) {
    if (year < YEAR_FIRST || year > YEAR_LAST || month < 1 || month > 12 || day < 1 ||
        day > month_days(year, month)) {
        return DAY_NONE;
    }
    int shifted = year - (month <= 2); // Years begin in March: the leap day is the last one.
    int era = shifted / 400;
    int of_era = shifted - era * 400;
    int of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

void day_parts(int32_t day, int *ret_year, int *ret_month, int *ret_day) {
    int32_t days = day + 719468;
    int era = days / 146097;
    int of_era = days - era * 146097;
    int year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    int of_year = of_era - (365 * year + year / 4 - year / 100);
    int march = (5 * of_year + 2) / 153;
    *ret_day = of_year - (153 * march + 2) / 5 + 1;
    *ret_month = march + (march < 10 ? 3 : -9);
    *ret_year = year + era * 400 + (*ret_month <= 2);
}

/* `size` digits as a number; -1: anything else. */
static int digits(struct str text, size_t from, size_t size) {
    int value = 0;
    for (size_t i = from; i < from + size; i++) {
        char c = i < text.size ? text.data[i] : ' ';
        if (c < '0' || c > '9') {
            return -1;
        }
        value = value * 10 + (c - '0');
    }
    return value;
}

static bool date_at(struct str text, int32_t *ret_day) {
    if (text.size < 10 || text.data[4] != '-' || text.data[7] != '-') {
        return false;
    }
    int32_t day = day_make(digits(text, 0, 4), digits(text, 5, 2), digits(text, 8, 2));
    if (day == DAY_NONE) {
        return false;
    }
    *ret_day = day;
    return true;
}

bool day_parse(struct str text, int32_t *ret_day) {
    int64_t second = 0;
    bool has_time = false;
    if (text.size == 10) {
        return date_at(text, ret_day);
    }
    if (!moment_parse(text, &second, &has_time)) {
        return false;
    }
    return date_at(text, ret_day);
}

size_t day_text(int32_t day, char to[DAY_TEXT_MAX]) {
    int year = 0;
    int month = 0;
    int of_month = 0;
    day_parts(day, &year, &month, &of_month);
    const int parts[] = {year / 100, year % 100, month, of_month};
    char *at = to;
    for (int i = 0; i < 4; i++) {
        if (i >= 2) {
            *at++ = '-';
        }
        *at++ = (char)('0' + parts[i] / 10 % 10);
        *at++ = (char)('0' + parts[i] % 10);
    }
    *at = '\0';
    return (size_t)(at - to);
}

int32_t day_add_months(int32_t day, int months) {
    int year = 0;
    int month = 0;
    int of_month = 0;
    day_parts(day, &year, &month, &of_month);
    int count = year * 12 + month - 1 + months;
    year = count / 12;
    month = count % 12 + 1;
    int last = month_days(year, month);
    return day_make(year, month, of_month < last ? of_month : last);
}

int day_of_week(int32_t day) {
    int of_week = (day + 3) % 7; // 1970-01-01 was a Thursday.
    return of_week < 0 ? of_week + 7 : of_week;
}

bool moment_parse(struct str text, int64_t *ret_second, bool *ret_has_time) {
    int32_t day = 0;
    if (!date_at(text, &day)) {
        return false;
    }
    if (text.size == 10) {
        *ret_second = (int64_t)day * DAY_S;
        *ret_has_time = false;
        return true;
    }
    int hour = digits(text, 11, 2);
    int minute = digits(text, 14, 2);
    bool has_seconds = text.size >= 19 && text.data[16] == ':';
    int second = has_seconds ? digits(text, 17, 2) : 0;
    size_t end = has_seconds ? 19 : 16;
    if ((text.data[10] != 'T' && text.data[10] != ' ') || text.size < 16 || text.data[13] != ':' ||
        hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 59) {
        return false;
    }
    *ret_has_time = true;
    *ret_second = (int64_t)day * DAY_S + hour * 3600 + minute * 60 + second;
    if (text.size == end) {
        return true;
    }
    int64_t time_ns = 0; // A fraction, an offset or Z: the moment, as clocks in Korea show it.
    if (!time_parse(text, NULL, &time_ns)) {
        return false;
    }
    bool is_local = memchr(text.data + end, '+', text.size - end) == NULL &&
                    memchr(text.data + end, '-', text.size - end) == NULL &&
                    text.data[text.size - 1] != 'Z';
    int64_t rounded = time_ns / 1000000000 + (time_ns % 1000000000 > 0 ? 1 : 0);
    *ret_second = rounded + (is_local ? 0 : SEOUL_S);
    return true;
}

static bool is_holiday(int32_t day) {
    size_t low = 0;
    size_t high = SHARE_HOLIDAY_COUNT;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (SHARE_HOLIDAYS[middle] == day) {
            return true;
        }
        if (SHARE_HOLIDAYS[middle] < day) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return false;
}

bool day_is_off(int32_t day, const struct json_in *more) {
    if (day_of_week(day) >= 5 || is_holiday(day)) {
        return true;
    }
    for (size_t i = 0; i < json_in_count(more); i++) {
        int32_t other = 0;
        const struct json_in *one = json_in_at(more, i); // A day, or {"date", "name"}.
        one = json_in_kind(one) == JSON_KIND_OBJECT ? json_in_get(one, "date") : one;
        if (day_parse(json_in_text(one), &other) && other == day) {
            return true;
        }
    }
    return false;
}

int32_t day_roll(int32_t day, const struct json_in *more) {
    while (day_is_off(day, more)) {
        day++;
    }
    return day;
}

void holidays_known(int *ret_first_year, int *ret_last_year) {
    int month = 0;
    int day = 0;
    day_parts(SHARE_HOLIDAYS[0], ret_first_year, &month, &day);
    day_parts(SHARE_HOLIDAYS[SHARE_HOLIDAY_COUNT - 1], ret_last_year, &month, &day);
}

int day_of_input(const struct json_in *input, const char *name, int32_t *ret_day, struct err *err) {
    const struct json_in *value = json_in_get(input, name);
    if (!value) {
        return 0;
    }
    if (!day_parse(json_in_text(value), ret_day)) {
        return err_set(err, ERR_INVALID, SAY_DESK(PROGRAMME_DAY), ARGS(A_CSTR(name)));
    }
    return 1;
}
