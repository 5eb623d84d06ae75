#ifndef UPKEEP_ROTATE_H
#define UPKEEP_ROTATE_H
/*
 * When a nightly backup is due, what it is called, and which old ones stay. Pure functions; private
 * to the room.
 */
#include "core/time.h"

enum { BACKUP_NAME_MAX = 40, ROTATE_FILES_MAX = 1024 };

struct rotation {
    uint32_t daily; // Newest of so many days...
    uint32_t weekly;
    uint32_t monthly;
};

/* "maru-YYYYMMDD-HHMMSS.backup", in UTC, so that names sort by time whatever clocks do. */
void backup_name(int64_t time_ns, char ret_name[BACKUP_NAME_MAX]);
/* False for other names. */
bool backup_name_parse(const char *name, int64_t *ret_time_ns);
/* The last moment at or before `now_ns` at which the wall clock showed this minute of the day. */
int64_t nightly_moment(int64_t now_ns, uint32_t minute_of_day, const struct zone *zone);
/* Marks which of the files (times ascending) stay: the newest of each of the newest days, weeks and
 * months that have any; always the very newest. */
void rotation_mark(const int64_t *times_ns, uint32_t count, const struct rotation *rotation,
    const struct zone *zone, bool *ret_stays);

#endif
