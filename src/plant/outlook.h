#ifndef PLANT_OUTLOOK_H
#define PLANT_OUTLOOK_H
/*
 * What a plant's history takes on disk today, and what it will take by the rate of the last day
 * once a rule for old samples is applied to it. Estimates, but for today's sizes. Any thread.
 */
#include "plant/retention.h"

enum { OUTLOOK_GROUPS_MAX = 64 }; // Tags beyond so many different rules count as kept for ever.

struct outlook {
    uint64_t raw_bytes; // Values in segments,
    uint64_t rollup_bytes;
    uint64_t log_bytes;
    uint64_t archive_bytes; // and in the archive's folder; 0 without one.
    /* What the rule lets go at its next look, which comes within the hour. */
    uint64_t gone_rows;
    uint64_t gone_bytes;
    uint32_t gone_tags;
    /* By the rate of the last day. Without a value in it nothing is known: false, and zeros. */
    bool has_rate;
    uint64_t bytes_per_day; // Of values, before anything is let go.
    uint64_t raw_year_bytes;
    uint64_t rollup_year_bytes;
    uint64_t archive_year_bytes;
    double row_bytes;
    double rolled_day_bytes; // Of a tag's day of roll-ups.
    struct outlook_group {   // Tags with the same rule.
        uint32_t raw_days;
        uint32_t rollup_days;
        double tags;
        double rows; // Today,
        double rows_a_day;
    } groups[OUTLOOK_GROUPS_MAX];
    uint32_t group_count;
};

/* Asks the roll-ups of each tag, or of some that stand for all where there are thousands. `rule`
 * need not be the plant's own. ERR_CANCELLED when `stop` (NULL: none) is raised. */
int outlook_make(struct plant *plant, const struct retention *rule, const struct stop_flag *stop,
    struct outlook *ret_outlook, struct err *err);
/* Days until the history takes `free_bytes` more than today; INFINITY: never, or not in a hundred
 * years; NaN: not known. */
double outlook_days(const struct outlook *outlook, uint64_t free_bytes);

#endif
