#ifndef CORE_ZONE_H
#define CORE_ZONE_H
/*
 * Inside of time zones, for core/time.c and tests: stretches of time with one offset. Private to
 * the room. A zone never changes after loading; any thread may read it.
 */
#include <stddef.h>
#include <stdint.h>

#include "core/err.h"
#include "core/text.h"

struct zone;

/* Offsets hold in [start_ns, end_ns); the first stretch starts at INT64_MIN, the last ends at
 * INT64_MAX. */
struct zone_span {
    int64_t start_ns;
    int64_t end_ns;
    int32_t offset_s;
    int32_t before_s; // The offset of the stretch before; the own one when there is none.
};

/* The stretch that holds the instant; UTC for a NULL zone. */
struct zone_span zone_span_at(const struct zone *zone, int64_t time_ns);

/* The first instant at which local clocks show `local_ns` (nanoseconds since 1970 by local clocks)
 * or, when they jump over it, something later. */
int64_t zone_from_local(const struct zone *zone, int64_t local_ns);

/* Reads a TZif file's content. ERR_CORRUPT, ERR_UNSUPPORTED (leap seconds). */
int zone_parse(
    struct str name, const void *data, size_t size, struct zone **ret_zone, struct err *err);

/* A POSIX TZ rule ("CET-1CEST,M3.5.0,M10.5.0/3") as a zone. ERR_CORRUPT. */
int zone_parse_rule(struct str name, struct str rule, struct zone **ret_zone, struct err *err);

/* Days since 1970-01-01 of a date of the Gregorian calendar, and back. */
struct civil_date {
    int64_t year;
    int month; // 1..12.
    int day;   // 1..31.
};
int64_t days_from_civil(int64_t year, int month, int day);
struct civil_date civil_from_days(int64_t days);
int days_in_month(int64_t year, int month);

/* Quotient rounded down; divisor > 0. */
int64_t floor_div(int64_t value, int64_t divisor);

#endif
