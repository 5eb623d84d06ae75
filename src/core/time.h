#ifndef CORE_TIME_H
#define CORE_TIME_H
/*
 * Times as people and other programs write them: RFC 3339 in and out, relative times, durations,
 * and time zones read from the machine's TZif files (RFC 8536). Buckets of a query start on
 * boundaries of the plant's zone, so the zone is a value that is passed, never the process's TZ.
 */
#include <stdbool.h>
#include <stdint.h>

#include "core/err.h"
#include "core/text.h"

struct zone;

/* Loads a zone by IANA name ("Asia/Seoul", "UTC"). The caller owns it; immutable afterwards and
 * so usable by any thread. ERR_NOT_FOUND, ERR_CORRUPT. */
int zone_load(struct str name, struct zone **ret_zone, struct err *err);
void zone_free(struct zone *zone);
const char *zone_name(const struct zone *zone);
/* Seconds to add to UTC to get local time at that instant. */
int32_t zone_offset_s(const struct zone *zone, int64_t time_ns);

/* "2025-01-31T09:00:00.5+09:00", "...Z"; also a blank for T, and no offset meaning `zone` (UTC
 * where NULL). Also a plain date, meaning its midnight. */
bool time_parse(struct str text, const struct zone *zone, int64_t *ret_time_ns);
/* time_parse, and "-1h", "-30m", "now" relative to now_ns. ERR_INVALID with words. */
int time_parse_query(struct str text, const struct zone *zone, int64_t now_ns, int64_t *ret_time_ns,
    struct err *err);
/* "10s" "500ms" "1m" "1h" "1d" "1w", > 0. ERR_INVALID. */
int duration_parse(struct str text, int64_t *ret_duration_ns, struct err *err);

/* RFC 3339 with the fewest fraction digits of 0, 3, 6 or 9; "Z" for NULL zone, else the offset.
 * `to` needs 40 bytes. Returns the length. */
enum { TIME_TEXT_MAX = 40 };
size_t time_format(int64_t time_ns, const struct zone *zone, char *to);

/* The start of the bucket of `every_ns` that holds time_ns, on boundaries of local time (UTC for
 * NULL). Days begin at local midnight, weeks on Monday, also across daylight saving changes.
 * ret_next, if not NULL, receives the start of the following bucket. */
int64_t time_bucket_start(
    int64_t time_ns, int64_t every_ns, const struct zone *zone, int64_t *ret_next_ns);

#endif
