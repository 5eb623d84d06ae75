/*
 * Times and durations in text, and buckets of local time.
 *
 * Texts are read by hand, strictly: RFC 3339 with the freedoms people take (a blank for T, no
 * offset, a plain date). Second 60 is accepted and means the next minute's start, as system time
 * counts it. A local time that occurs twice means the first, one that the clocks jump over means
 * the jump: so reading never turns the order of times around.
 *
 * Buckets. Limits are the instants at which local clocks first reach a multiple of the width
 * (weeks count from Monday, the rest from 1970-01-01T00:00 local). When clocks go forward over a
 * limit, the jump is the limit; when they go back over one, the limit is not repeated, so a day has
 * 23 or 25 hours and belongs to one bucket. If the shift is a multiple of the width (hours and
 * minutes at an ordinary change) the limits are repeated, so that a minute stays a minute.
 */
#include "core/time.h"

#include <string.h>

#include "core/check.h"
#include "core/clock.h"
#include "core/zone.h"

__extension__ typedef __int128 wide;

#define DAY_NS  (86400 * NS_PER_S)
#define WEEK_NS (7 * DAY_NS)
/* 1970-01-01 was a Thursday; the Monday before it. */
#define WEEK_ORIGIN_NS (-3 * DAY_NS)

/* Takes exactly `count` digits off the front. */
static bool take_digits(struct str *s, size_t count, int *ret_value) {
    int value = 0;
    if (s->size < count) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        if (s->data[i] < '0' || s->data[i] > '9') {
            return false;
        }
        value = value * 10 + (s->data[i] - '0');
    }
    *s = str_slice(*s, count, s->size);
    *ret_value = value;
    return true;
}

static bool take_char(struct str *s, char c) {
    if (s->size == 0 || s->data[0] != c) {
        return false;
    }
    *s = str_slice(*s, 1, s->size);
    return true;
}

static bool take_date(struct str *s, int64_t *ret_days) {
    int year = 0;
    int month = 0;
    int day = 0;
    if (!take_digits(s, 4, &year) || !take_char(s, '-') || !take_digits(s, 2, &month) ||
        !take_char(s, '-') || !take_digits(s, 2, &day)) {
        return false;
    }
    if (month < 1 || month > 12 || day < 1 || day > days_in_month(year, month)) {
        return false;
    }
    *ret_days = days_from_civil(year, month, day);
    return true;
}

/* ".5": digits beyond the ninth must be digits but do not count. */
static bool take_fraction(struct str *s, int64_t *ret_ns) {
    int64_t ns = 0;
    int64_t unit = NS_PER_S / 10;
    int digit = 0;
    if (!take_char(s, '.')) {
        *ret_ns = 0;
        return true;
    }
    if (!take_digits(s, 1, &digit)) {
        return false;
    }
    do {
        ns += digit * unit;
        unit /= 10;
    } while (take_digits(s, 1, &digit));
    *ret_ns = ns;
    return true;
}

/* "09:00", "09:00:00", "09:00:00.5" as nanoseconds since midnight. */
static bool take_clock(struct str *s, int64_t *ret_ns) {
    int hour = 0;
    int minute = 0;
    int second = 0;
    int64_t fraction_ns = 0;
    if (!take_digits(s, 2, &hour) || !take_char(s, ':') || !take_digits(s, 2, &minute)) {
        return false;
    }
    if (take_char(s, ':') && (!take_digits(s, 2, &second) || !take_fraction(s, &fraction_ns))) {
        return false;
    }
    if (hour > 23 || minute > 59 || second > 60) {
        return false;
    }
    *ret_ns = (hour * 3600LL + minute * 60LL + second) * NS_PER_S;
    *ret_ns += second == 60 ? 0 : fraction_ns;
    return true;
}

/* "Z", "+09:00", "+0900", "+09". False when there is none or it is wrong. */
static bool take_offset(struct str *s, int64_t *ret_ns) {
    if (take_char(s, 'Z') || take_char(s, 'z')) {
        *ret_ns = 0;
        return true;
    }
    bool negative = take_char(s, '-');
    int hours = 0;
    int minutes = 0;
    if ((!negative && !take_char(s, '+')) || !take_digits(s, 2, &hours)) {
        return false;
    }
    if (s->size > 0) {
        (void)take_char(s, ':'); // May be left out (ISO 8601 basic form).
        if (!take_digits(s, 2, &minutes)) {
            return false;
        }
    }
    int64_t offset_ns = (hours * 60LL + minutes) * 60 * NS_PER_S;
    *ret_ns = negative ? -offset_ns : offset_ns;
    return hours <= 23 && minutes <= 59;
}

bool time_parse(struct str text, const struct zone *zone, int64_t *ret_time_ns) {
    struct str rest = text;
    int64_t days = 0;
    int64_t clock_ns = 0;
    int64_t local_ns = 0;
    if (!take_date(&rest, &days)) {
        return false;
    }
    bool has_clock = rest.size > 0;
    if (has_clock && !take_char(&rest, 'T') && !take_char(&rest, 't') && !take_char(&rest, ' ')) {
        return false;
    }
    if (has_clock && !take_clock(&rest, &clock_ns)) {
        return false;
    }
    wide local = (wide)days * DAY_NS + clock_ns;
    int64_t offset_ns = 0;
    bool has_offset = rest.size > 0;
    if (has_offset && (!take_offset(&rest, &offset_ns) || rest.size > 0)) {
        return false;
    }
    local -= offset_ns;
    // A day is kept at both ends, so that shifting by an offset cannot overflow.
    if (local < (wide)INT64_MIN + 2 * DAY_NS || local > (wide)INT64_MAX - 2 * DAY_NS) {
        return false;
    }
    local_ns = (int64_t)local;
    *ret_time_ns = has_offset || !zone ? local_ns : zone_from_local(zone, local_ns);
    return true;
}

struct duration_unit {
    struct str name;
    int64_t unit_ns;
};

static const struct duration_unit DURATION_UNITS[] = {
    {{"ns", 2}, 1},
    {{"us", 2}, NS_PER_US},
    {{"ms", 2}, NS_PER_MS},
    {{"s", 1}, NS_PER_S},
    {{"m", 1}, 60 * NS_PER_S},
    {{"h", 1}, 3600 * NS_PER_S},
    {{"d", 1}, DAY_NS},
    {{"w", 1}, WEEK_NS},
};

static bool duration_read(struct str text, int64_t *ret_duration_ns) {
    size_t digits = 0;
    int64_t count = 0;
    int64_t duration_ns = 0;
    while (digits < text.size && text.data[digits] >= '0' && text.data[digits] <= '9') {
        digits++;
    }
    if (!str_to_i64(str_slice(text, 0, digits), &count)) {
        return false;
    }
    struct str unit = str_slice(text, digits, text.size);
    for (size_t i = 0; i < sizeof DURATION_UNITS / sizeof DURATION_UNITS[0]; i++) {
        if (str_eq(unit, DURATION_UNITS[i].name)) {
            bool fits = !__builtin_mul_overflow(count, DURATION_UNITS[i].unit_ns, &duration_ns);
            *ret_duration_ns = duration_ns;
            return fits && duration_ns > 0;
        }
    }
    return false;
}

int duration_parse(struct str text, int64_t *ret_duration_ns, struct err *err) {
    int64_t duration_ns = 0;
    if (!duration_read(text, &duration_ns)) {
        return err_set(err, ERR_INVALID, MSG_DURATION_EXPECTED, ARGS(A_STR(text)));
    }
    *ret_duration_ns = duration_ns;
    return 0;
}

/* "-1h" and "+1h" from now. */
static bool relative_read(struct str text, int64_t now_ns, int64_t *ret_time_ns) {
    int64_t duration_ns = 0;
    bool past = text.size > 0 && text.data[0] == '-';
    bool future = text.size > 0 && text.data[0] == '+';
    if ((!past && !future) || !duration_read(str_slice(text, 1, text.size), &duration_ns)) {
        return false;
    }
    return past ? !__builtin_sub_overflow(now_ns, duration_ns, ret_time_ns)
                : !__builtin_add_overflow(now_ns, duration_ns, ret_time_ns);
}

int time_parse_query(struct str text, const struct zone *zone, int64_t now_ns, int64_t *ret_time_ns,
    struct err *err) {
    int64_t time_ns = now_ns;
    if (!str_eq(text, STR("now")) && !relative_read(text, now_ns, &time_ns) &&
        !time_parse(text, zone, &time_ns)) {
        return err_set(err, ERR_INVALID, MSG_TIME_EXPECTED, ARGS(A_STR(text)));
    }
    *ret_time_ns = time_ns;
    return 0;
}

static size_t put_digits(char *to, int64_t value, size_t width) {
    for (size_t i = width; i-- > 0;) {
        to[i] = (char)('0' + value % 10);
        value /= 10;
    }
    return width;
}

static size_t put_fraction(char *to, int64_t ns) {
    if (ns == 0) {
        return 0;
    }
    to[0] = '.';
    if (ns % NS_PER_MS == 0) {
        return 1 + put_digits(to + 1, ns / NS_PER_MS, 3);
    }
    if (ns % NS_PER_US == 0) {
        return 1 + put_digits(to + 1, ns / NS_PER_US, 6);
    }
    return 1 + put_digits(to + 1, ns, 9);
}

static size_t put_offset(char *to, int32_t offset_s) {
    int32_t minutes = (offset_s < 0 ? -offset_s : offset_s) / 60;
    to[0] = offset_s < 0 ? '-' : '+';
    (void)put_digits(to + 1, minutes / 60, 2);
    to[3] = ':';
    (void)put_digits(to + 4, minutes % 60, 2);
    return 6;
}

size_t time_format(int64_t time_ns, const struct zone *zone, char *to) {
    // RFC 3339 offsets are whole minutes; the odd seconds of old local mean times are left out of
    // clock and offset alike, so the text still names the same instant.
    int32_t offset_s = zone ? zone_offset_s(zone, time_ns) / 60 * 60 : 0;
    int64_t seconds = floor_div(time_ns, NS_PER_S);
    int64_t fraction_ns = (int64_t)(time_ns - (wide)seconds * NS_PER_S);
    int64_t local_s = seconds + offset_s;
    int64_t days = floor_div(local_s, 86400);
    int64_t second = local_s - days * 86400;
    struct civil_date date = civil_from_days(days);
    size_t used = put_digits(to, date.year, 4);
    to[used++] = '-';
    used += put_digits(to + used, date.month, 2);
    to[used++] = '-';
    used += put_digits(to + used, date.day, 2);
    to[used++] = 'T';
    used += put_digits(to + used, second / 3600, 2);
    to[used++] = ':';
    used += put_digits(to + used, second / 60 % 60, 2);
    to[used++] = ':';
    used += put_digits(to + used, second % 60, 2);
    used += put_fraction(to + used, fraction_ns);
    if (zone) {
        used += put_offset(to + used, offset_s);
    } else {
        to[used++] = 'Z';
    }
    to[used] = '\0';
    return used;
}

/* ---- Buckets. Local times are `wide`, so that no sum near the ends of time overflows. ---- */

struct grid {
    int64_t every_ns;
    int64_t origin_ns; // Local time of one limit.
};

static wide grid_floor(const struct grid *grid, wide local) {
    wide since = local - grid->origin_ns;
    wide rest = since % grid->every_ns;
    rest = rest < 0 ? rest + grid->every_ns : rest;
    return local - rest;
}

static wide grid_ceil(const struct grid *grid, wide local) {
    wide floor = grid_floor(grid, local);
    return floor == local ? local : floor + grid->every_ns;
}

static wide span_offset_ns(const struct zone_span *span) {
    return (wide)span->offset_s * NS_PER_S;
}

/* What local clocks had reached when the span began; below it limits are not repeated. */
static wide span_reached(const struct zone_span *span, const struct grid *grid) {
    int64_t shift_ns = (span->offset_s - (int64_t)span->before_s) * NS_PER_S;
    if (span->start_ns == INT64_MIN || shift_ns % grid->every_ns == 0) {
        return (wide)span->start_ns + span_offset_ns(span);
    }
    return (wide)span->start_ns + (wide)span->before_s * NS_PER_S;
}

/* Whether the clocks jumped over (or onto) a limit when the span began. */
static bool span_begins_bucket(const struct zone_span *span, const struct grid *grid) {
    wide local = (wide)span->start_ns + span_offset_ns(span);
    return span->start_ns != INT64_MIN && span->offset_s >= span->before_s &&
           grid_floor(grid, local) >= span_reached(span, grid);
}

/* The last limit of the span at or before `to_ns`. */
static bool span_last_limit(
    const struct zone_span *span, const struct grid *grid, int64_t to_ns, int64_t *ret_ns) {
    wide local = grid_floor(grid, (wide)to_ns + span_offset_ns(span));
    wide limit = local - span_offset_ns(span);
    if (limit >= span->start_ns && local >= span_reached(span, grid)) {
        *ret_ns = (int64_t)limit;
        return true;
    }
    *ret_ns = span->start_ns;
    return span->start_ns == INT64_MIN || span_begins_bucket(span, grid);
}

/* The first limit of the span at or after `from_ns`. */
static bool span_first_limit(
    const struct zone_span *span, const struct grid *grid, int64_t from_ns, int64_t *ret_ns) {
    if (from_ns == span->start_ns && span_begins_bucket(span, grid)) {
        *ret_ns = from_ns;
        return true;
    }
    wide from = (wide)from_ns + span_offset_ns(span);
    wide reached = span_reached(span, grid);
    wide limit = grid_ceil(grid, from > reached ? from : reached) - span_offset_ns(span);
    if (limit < span->end_ns) {
        *ret_ns = (int64_t)limit;
        return true;
    }
    *ret_ns = INT64_MAX;
    return span->end_ns == INT64_MAX;
}

int64_t time_bucket_start(
    int64_t time_ns, int64_t every_ns, const struct zone *zone, int64_t *ret_next_ns) {
    CHECK(every_ns > 0);
    struct grid grid = {every_ns, every_ns % WEEK_NS == 0 ? WEEK_ORIGIN_NS : 0};
    struct zone_span here = zone_span_at(zone, time_ns);
    struct zone_span span = here;
    int64_t start_ns = 0;
    int64_t to_ns = time_ns;
    while (!span_last_limit(&span, &grid, to_ns, &start_ns)) {
        to_ns = span.start_ns - 1;
        span = zone_span_at(zone, to_ns);
    }
    if (ret_next_ns) {
        span = here;
        int64_t from_ns = time_ns < INT64_MAX ? time_ns + 1 : time_ns;
        int64_t next_ns = 0;
        if (from_ns >= span.end_ns && span.end_ns != INT64_MAX) {
            span = zone_span_at(zone, from_ns);
        }
        while (!span_first_limit(&span, &grid, from_ns, &next_ns)) {
            from_ns = span.end_ns;
            span = zone_span_at(zone, from_ns);
        }
        *ret_next_ns = next_ns;
    }
    return start_ns;
}
