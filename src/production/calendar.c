/*
 * Shifts as spans of time. A shift row has clock times and weekdays of the production day; which
 * date its begin stands on follows from the day's start: with a day from 08:00, a shift that begins
 * at 00:00 is worked on the next date and yet belongs to the day before. Minutes from the date's
 * midnight say that once, when a row is read; placing a shift is then adding minutes to a date and
 * asking the zone which moment that is. In the hour that daylight saving leaves out, a clock time
 * means the moment after it.
 */
#include "production/calendar.h"

#include <stdio.h>
#include <string.h>

#include "core/clock.h"
#include "core/zone.h"
#include "production/words.h"

enum { DAY_MINUTES = 24 * 60 };
#define MINUTE_NS (60 * NS_PER_S)
#define DAY_NS    (DAY_MINUTES * MINUTE_NS)

/* ---- Words ---- */

static bool clock_of(struct str text, int32_t *ret_min) {
    int64_t hour;
    int64_t minute;
    struct str rest = text;
    struct str first = str_cut(&rest, ':');
    if (first.size != 2 || rest.size != 2 || !str_to_i64(first, &hour) ||
        !str_to_i64(rest, &minute) || hour < 0 || minute < 0 || minute > 59 ||
        hour * 60 + minute > DAY_MINUTES) {
        return false;
    }
    *ret_min = (int32_t)(hour * 60 + minute);
    return true;
}

static bool weekdays_of(struct str text, uint32_t *ret_days) {
    uint32_t days = 0;
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] < '1' || text.data[i] > '7') {
            return false;
        }
        days |= 1U << (text.data[i] - '0');
    }
    *ret_days = days;
    return true;
}

/* "12:00-13:00" inside the shift, whose minutes may lie beyond the midnight. */
static bool break_of(
    struct str text, const struct calendar_shift *shift, struct calendar_break *ret_break) {
    struct str rest = text;
    struct str first = str_cut(&rest, '-');
    struct calendar_break span;
    if (!clock_of(first, &span.from_min) || !clock_of(rest, &span.to_min)) {
        return false;
    }
    while (span.from_min < shift->from_min) {
        span.from_min += DAY_MINUTES;
    }
    while (span.to_min <= span.from_min) {
        span.to_min += DAY_MINUTES;
    }
    *ret_break = span;
    return span.to_min <= shift->to_min;
}

static bool breaks_of(struct str text, struct calendar_shift *shift) {
    struct str rest = str_trim(text);
    while (rest.size > 0) {
        struct str one = str_cut(&rest, ' ');
        rest = str_trim(rest);
        if (shift->break_count == CALENDAR_BREAKS_MAX ||
            !break_of(one, shift, &shift->breaks[shift->break_count])) {
            return false;
        }
        const struct calendar_break *now = &shift->breaks[shift->break_count];
        if (shift->break_count > 0 && now->from_min < now[-1].to_min) {
            return false;
        }
        shift->break_count++;
    }
    return true;
}

bool calendar_shift_of(
    const struct calendar_words *words, int32_t day_start_min, struct calendar_shift *ret_shift) {
    struct calendar_shift shift = {.number = 0};
    if (!weekdays_of(words->weekdays, &shift.weekdays) ||
        !clock_of(words->begin, &shift.from_min) || !clock_of(words->end, &shift.to_min)) {
        return false;
    }
    if (shift.from_min < day_start_min) {
        shift.from_min += DAY_MINUTES;
    }
    while (shift.to_min <= shift.from_min) {
        shift.to_min += DAY_MINUTES;
    }
    if (!breaks_of(words->breaks, &shift)) {
        return false;
    }
    *ret_shift = shift;
    return true;
}

/* ---- Reading ---- */

static int read_day_start(struct ledger_tx *tx, int64_t number, int32_t *ret_min, struct err *err) {
    struct ledger_stmt *stmt;
    int status =
        ledger_prepare(tx, "SELECT day_start FROM calendars WHERE number = ?1", &stmt, err);
    if (status < 0) {
        return status;
    }
    ledger_bind_i64(stmt, 1, number);
    status = ledger_step(stmt, err);
    if (status < 0) {
        return status;
    }
    if (status == 0) {
        return err_set(err, ERR_NOT_FOUND, SAY(PRODUCTION_CALENDAR_GONE), ARGS(A_INT(number)));
    }
    int32_t min = 0;
    *ret_min = clock_of(ledger_column_str(stmt, 0), &min) ? min % DAY_MINUTES : 0;
    return 0;
}

/* Rows that cannot be read are passed over: a shift that nobody understands is not worked. */
static int read_shifts(
    struct ledger_tx *tx, struct arena *arena, struct calendar *calendar, struct err *err) {
    struct ledger_stmt *stmt;
    int status = ledger_prepare(tx,
        "SELECT number, code, name, weekdays, begin_clock, end_clock, breaks FROM shifts "
        "WHERE calendar = ?1 ORDER BY begin_clock, number LIMIT ?2",
        &stmt, err);
    if (status < 0) {
        return status;
    }
    ledger_bind_i64(stmt, 1, calendar->number);
    ledger_bind_i64(stmt, 2, CALENDAR_SHIFTS_MAX);
    calendar->shifts = ARENA_ARRAY(arena, struct calendar_shift, CALENDAR_SHIFTS_MAX);
    while ((status = ledger_step(stmt, err)) > 0) {
        struct calendar_words words = {.weekdays = ledger_column_str(stmt, 3),
            .begin = ledger_column_str(stmt, 4),
            .end = ledger_column_str(stmt, 5),
            .breaks = ledger_column_str(stmt, 6)};
        struct calendar_shift *shift = &calendar->shifts[calendar->shift_count];
        if (calendar_shift_of(&words, calendar->day_start_min, shift)) {
            shift->number = ledger_column_i64(stmt, 0);
            shift->code = arena_copy(arena, ledger_column_str(stmt, 1));
            shift->name = arena_copy(arena, ledger_column_str(stmt, 2));
            calendar->shift_count++;
        }
    }
    return status;
}

static uint32_t weekday_of(int64_t day) {
    return (uint32_t)((day + 3) - 7 * floor_div(day + 3, 7)) + 1; // 1970-01-01 was a Thursday.
}

static int read_specials(
    struct ledger_tx *tx, struct arena *arena, struct calendar *calendar, struct err *err) {
    struct ledger_stmt *stmt;
    int status = ledger_prepare(tx,
        "SELECT day, kind = 'open', weekday FROM (SELECT * FROM days WHERE calendar = ?1 "
        "ORDER BY day DESC LIMIT ?2) ORDER BY day",
        &stmt, err);
    if (status < 0) {
        return status;
    }
    ledger_bind_i64(stmt, 1, calendar->number);
    ledger_bind_i64(stmt, 2, CALENDAR_SPECIALS_MAX);
    calendar->specials = ARENA_ARRAY(arena, struct calendar_special, CALENDAR_SPECIALS_MAX);
    while ((status = ledger_step(stmt, err)) > 0) {
        int64_t midnight_ns;
        if (!time_parse(ledger_column_str(stmt, 0), NULL, &midnight_ns)) {
            continue;
        }
        struct calendar_special special = {.day = floor_div(midnight_ns, DAY_NS)};
        if (ledger_column_i64(stmt, 1) != 0) {
            int64_t weekday = ledger_column_i64(stmt, 2);
            special.weekday =
                weekday >= 1 && weekday <= 7 ? (uint32_t)weekday : weekday_of(special.day);
        }
        calendar->specials[calendar->special_count++] = special;
    }
    return status;
}

int calendar_load(struct ledger_tx *tx, int64_t number, struct arena *arena,
    struct calendar *ret_calendar, struct err *err) {
    struct calendar calendar = {.number = number};
    if (number == 0) {
        calendar.shifts = ARENA_NEW(arena, struct calendar_shift);
        calendar.shifts[0] = (struct calendar_shift){
            .code = STR_NONE, .name = STR_NONE, .weekdays = 0xfe, .to_min = DAY_MINUTES};
        calendar.shift_count = 1;
        *ret_calendar = calendar;
        return 0;
    }
    int status = read_day_start(tx, number, &calendar.day_start_min, err);
    if (status >= 0) {
        status = read_shifts(tx, arena, &calendar, err);
    }
    if (status >= 0) {
        status = read_specials(tx, arena, &calendar, err);
    }
    if (status >= 0) {
        *ret_calendar = calendar;
    }
    return status;
}

int calendar_of_machine(struct ledger_tx *tx, int64_t machine, struct arena *arena,
    struct calendar *ret_calendar, struct err *err) {
    struct ledger_stmt *stmt;
    int status = ledger_prepare(tx,
        "SELECT w.calendar FROM machines m JOIN workcentres w ON w.number = m.workcentre "
        "WHERE m.number = ?1",
        &stmt, err);
    if (status < 0) {
        return status;
    }
    ledger_bind_i64(stmt, 1, machine);
    status = ledger_step(stmt, err);
    if (status < 0) {
        return status;
    }
    int64_t number = status > 0 ? ledger_column_i64(stmt, 0) : 0; // NULL gives 0.
    return calendar_load(tx, number, arena, ret_calendar, err);
}

/* ---- Days ---- */

/* The moment at which clocks show so many minutes after the date's midnight. */
static int64_t moment_of(const struct zone *zone, int64_t day, int32_t minutes) {
    int64_t local_ns = day * DAY_NS + minutes * MINUTE_NS;
    return zone == NULL ? local_ns : zone_from_local(zone, local_ns);
}

int64_t calendar_day_begin(const struct calendar *calendar, const struct zone *zone, int64_t day) {
    return moment_of(zone, day, calendar->day_start_min);
}

int64_t calendar_day_of(const struct calendar *calendar, const struct zone *zone, int64_t time_ns) {
    int64_t offset_ns = zone == NULL ? 0 : zone_offset_s(zone, time_ns) * NS_PER_S;
    int64_t day = floor_div(time_ns + offset_ns - calendar->day_start_min * MINUTE_NS, DAY_NS);
    /* Clocks that were set may show the day's start twice or not at all. */
    while (calendar_day_begin(calendar, zone, day) > time_ns) {
        day--;
    }
    while (calendar_day_begin(calendar, zone, day + 1) <= time_ns) {
        day++;
    }
    return day;
}

void calendar_day_put(int64_t day, char to[CALENDAR_DAY_TEXT_MAX]) {
    struct civil_date date = civil_from_days(day);
    (void)snprintf(to, CALENDAR_DAY_TEXT_MAX, "%04u-%02u-%02u", (unsigned)(date.year % 10000),
        (unsigned)date.month % 100, (unsigned)date.day % 100);
}

/* Whose shifts hold on a day; 0: none. */
static uint32_t weekday_worked(const struct calendar *calendar, int64_t day) {
    uint32_t low = 0;
    uint32_t high = calendar->special_count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (calendar->specials[middle].day < day) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    bool special = low < calendar->special_count && calendar->specials[low].day == day;
    return special ? calendar->specials[low].weekday : weekday_of(day);
}

/* ---- Spans ---- */

struct turns {
    struct calendar_turn *list;
    uint32_t count;
};

/* Into its place by its begin: shifts of a day come nearly in order. */
static void turns_add(struct turns *turns, struct calendar_turn turn) {
    uint32_t at = turns->count;
    while (at > 0 && turns->list[at - 1].from_ns > turn.from_ns) {
        turns->list[at] = turns->list[at - 1];
        at--;
    }
    turns->list[at] = turn;
    turns->count++;
}

static void turns_part(struct turns *turns) {
    uint32_t kept = 0;
    int64_t end_ns = INT64_MIN;
    for (uint32_t i = 0; i < turns->count; i++) {
        struct calendar_turn turn = turns->list[i];
        turn.from_ns = turn.from_ns < end_ns ? end_ns : turn.from_ns;
        if (turn.from_ns < turn.to_ns) {
            turns->list[kept++] = turn;
            end_ns = turn.to_ns;
        }
    }
    turns->count = kept;
}

int calendar_turns(const struct calendar *calendar, const struct zone *zone, int64_t from_ns,
    int64_t to_ns, struct arena *arena, struct calendar_turn **ret_turns, struct err *err) {
    int64_t first = calendar_day_of(calendar, zone, from_ns) - 2; // A shift is at most a day long.
    int64_t last = calendar_day_of(calendar, zone, to_ns) + 1;
    if (to_ns < from_ns || last - first > CALENDAR_SPAN_DAYS_MAX) {
        return err_set(
            err, ERR_LIMIT, SAY(PRODUCTION_CALENDAR_LONG), ARGS(A_INT(CALENDAR_SPAN_DAYS_MAX - 4)));
    }
    size_t room = (size_t)(last - first + 1) * calendar->shift_count;
    struct turns turns = {.list = ARENA_ARRAY(arena, struct calendar_turn, room + 1)};
    for (int64_t day = first; day <= last; day++) {
        uint32_t weekday = weekday_worked(calendar, day);
        for (uint32_t i = 0; i < calendar->shift_count; i++) {
            const struct calendar_shift *shift = &calendar->shifts[i];
            struct calendar_turn turn = {.from_ns = moment_of(zone, day, shift->from_min),
                .to_ns = moment_of(zone, day, shift->to_min),
                .day = day,
                .shift = shift};
            if (weekday != 0 && (shift->weekdays >> weekday & 1U) != 0 && turn.to_ns > from_ns &&
                turn.from_ns < to_ns) {
                turns_add(&turns, turn);
            }
        }
    }
    turns_part(&turns);
    *ret_turns = turns.list;
    return (int)turns.count;
}

static uint32_t span_add(struct kpi_span *spans, uint32_t count, struct kpi_span span) {
    if (span.from_ns >= span.to_ns) {
        return count;
    }
    spans[count] = span;
    return count + 1;
}

int calendar_plan(const struct calendar *calendar, const struct zone *zone, int64_t from_ns,
    int64_t to_ns, struct arena *arena, struct kpi_span **ret_spans, struct err *err) {
    struct calendar_turn *turns;
    int count = calendar_turns(calendar, zone, from_ns, to_ns, arena, &turns, err);
    if (count < 0) {
        return count;
    }
    size_t room = (size_t)count * (2 * CALENDAR_BREAKS_MAX + 1);
    struct kpi_span *spans = ARENA_ARRAY(arena, struct kpi_span, room + 1);
    uint32_t made = 0;
    for (int i = 0; i < count; i++) {
        const struct calendar_turn *turn = &turns[i];
        int64_t at = turn->from_ns;
        for (uint32_t j = 0; j < turn->shift->break_count; j++) {
            const struct calendar_break *pause = &turn->shift->breaks[j];
            int64_t begin = moment_of(zone, turn->day, pause->from_min);
            int64_t end = moment_of(zone, turn->day, pause->to_min);
            begin = begin < at ? at : begin;
            end = end > turn->to_ns ? turn->to_ns : end;
            if (begin < end) {
                made = span_add(spans, made, (struct kpi_span){at, begin, 0});
                made = span_add(spans, made, (struct kpi_span){begin, end, 1});
                at = end;
            }
        }
        made = span_add(spans, made, (struct kpi_span){at, turn->to_ns, 0});
    }
    *ret_spans = spans;
    return (int)made;
}
