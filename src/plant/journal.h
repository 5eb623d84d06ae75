#ifndef PLANT_JOURNAL_H
#define PLANT_JOURNAL_H
/*
 * What went through a plant lately, for whoever looks for the place where data stops: rows a minute
 * by source for a day, and the newest refusals in words. In memory, since the start; the samples
 * themselves, good and bad, are in the history. Minutes are those of the monotonic clock: a
 * computer that slept has none of that time, and older minutes are then named too late. Any thread.
 */
#include <stdbool.h>
#include <stdint.h>

#include "core/clock.h"
#include "core/err.h"

struct journal;

enum {
    JOURNAL_MINUTES = 1440,
    JOURNAL_REFUSALS = 200,
    JOURNAL_SOURCES_MAX = 1024, // Device numbers below; others are only in the totals.
};

/* What one minute counted. */
struct journal_minute {
    uint32_t in;
    uint32_t kept;
    uint32_t omitted;
    uint32_t refused;
};

enum journal_door { JOURNAL_DEVICE, JOURNAL_SENDER };

struct journal_refusal {
    int64_t time_ns;
    enum journal_door door;
    uint32_t source; // Device number; 0: none.
    uint32_t rows;   // 0: a whole message that could not be read.
    struct err what;
};

struct journal *journal_new(const struct clock *clock);
void journal_free(struct journal *journal); // NULL is allowed.

void journal_count(struct journal *journal, uint32_t source, const struct journal_minute *counts);
void journal_refuse(struct journal *journal, enum journal_door door, uint32_t source, uint32_t rows,
    const struct err *what);

/* The newest `count` minutes (JOURNAL_MINUTES at most), oldest first; the last one is under way.
 * *ret_from_ns: wall time at which the first begins. `source` 0: totals; else only `in`. */
void journal_minutes(struct journal *journal, uint32_t source, uint32_t count,
    struct journal_minute *ret_minutes, int64_t *ret_from_ns);
/* Newest first; the count. */
uint32_t journal_refusals(
    struct journal *journal, struct journal_refusal *ret_refusals, uint32_t max);
/* Minutes since the journal began, at most JOURNAL_MINUTES: older ones are unknown, not zero. */
uint32_t journal_age(struct journal *journal);

#endif
