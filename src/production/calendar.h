#ifndef PRODUCTION_CALENDAR_H
#define PRODUCTION_CALENDAR_H
/*
 * Calendars of production: which shifts are worked on which production day, where their breaks lie,
 * and to which day a moment belongs. Shifts are clock times of the plant's zone, so that they keep
 * their clock over a change of daylight saving and that night is an hour shorter or longer. The
 * tables `calendars`, `shifts`, `days` hold them; noun rules in nouns.def. A loaded calendar never
 * changes; any thread.
 */
#include "core/time.h"
#include "ledger/ledger.h"
#include "production/kpi.h"

enum {
    CALENDAR_SHIFTS_MAX = 64,
    CALENDAR_BREAKS_MAX = 16,
    CALENDAR_SPECIALS_MAX = 4096, // The newest are kept.
    CALENDAR_SPAN_DAYS_MAX = 800, // Of one question.
    CALENDAR_DAY_TEXT_MAX = 16,
};

/* Minutes count from the midnight that begins the production day's date, so a night shift may lie
 * beyond 1440. */
struct calendar_break {
    int32_t from_min;
    int32_t to_min;
};
struct calendar_shift {
    int64_t number; // Of `shifts`; 0: around the clock.
    struct str code;
    struct str name;
    uint32_t weekdays; // Bit 1: Monday .. bit 7: Sunday.
    int32_t from_min;
    int32_t to_min;
    struct calendar_break breaks[CALENDAR_BREAKS_MAX];
    uint32_t break_count;
};
struct calendar_special {
    int64_t day;      // Since 1970-01-01.
    uint32_t weekday; // Whose shifts hold; 0: none do.
};
struct calendar {
    int64_t number;        // 0: nobody gave one: every day is one shift from midnight to midnight.
    int32_t day_start_min; // Production days begin then.
    struct calendar_shift *shifts;
    uint32_t shift_count;
    struct calendar_special *specials; // By day.
    uint32_t special_count;
};

/* A shift from the words of its row. False: a word that nouns.def does not allow. */
struct calendar_words {
    struct str weekdays;
    struct str begin;
    struct str end;
    struct str breaks;
};
bool calendar_shift_of(
    const struct calendar_words *words, int32_t day_start_min, struct calendar_shift *ret_shift);

/* By number; 0: the one that is none. In the arena. ERR_NOT_FOUND. */
int calendar_load(struct ledger_tx *tx, int64_t number, struct arena *arena,
    struct calendar *ret_calendar, struct err *err);
/* Of the machine's work centre; where there is none, the one that is none. */
int calendar_of_machine(struct ledger_tx *tx, int64_t machine, struct arena *arena,
    struct calendar *ret_calendar, struct err *err);

/* The production day of a moment, and where one begins: days since 1970-01-01. */
int64_t calendar_day_of(const struct calendar *calendar, const struct zone *zone, int64_t time_ns);
int64_t calendar_day_begin(const struct calendar *calendar, const struct zone *zone, int64_t day);
/* "2026-01-31". */
void calendar_day_put(int64_t day, char to[CALENDAR_DAY_TEXT_MAX]);

/* A shift as it is worked on one day, breaks included. */
struct calendar_turn {
    int64_t from_ns;
    int64_t to_ns;
    int64_t day; // On which it began.
    const struct calendar_shift *shift;
};
/* The shifts that touch [from, to), whole, in order and apart from each other (where two overlap,
 * the later one begins when the earlier one ends). Count, in the arena. ERR_LIMIT: more than
 * CALENDAR_SPAN_DAYS_MAX. */
int calendar_turns(const struct calendar *calendar, const struct zone *zone, int64_t from_ns,
    int64_t to_ns, struct arena *arena, struct calendar_turn **ret_turns, struct err *err);
/* The same as kpi_input's plan: 0 shift, 1 break. */
int calendar_plan(const struct calendar *calendar, const struct zone *zone, int64_t from_ns,
    int64_t to_ns, struct arena *arena, struct kpi_span **ret_spans, struct err *err);

#endif
