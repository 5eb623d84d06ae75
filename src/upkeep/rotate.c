/*
 * Grandfather, father, son: the newest backup of each of the newest days, weeks and months.
 * Counting days that have a backup, and not days back from today, means that a plant whose computer
 * was off for a month comes back to backups that are still there.
 */
#include "upkeep/rotate.h"

#include <stdio.h>
#include <string.h>

#include "core/clock.h"

static const int64_t DAY_NS = 86400 * NS_PER_S;

void backup_name(int64_t time_ns, char ret_name[BACKUP_NAME_MAX]) {
    char text[TIME_TEXT_MAX];
    (void)time_format(time_ns - time_ns % NS_PER_S, NULL, text); // "2026-11-21T02:30:00Z"
    (void)snprintf(ret_name, BACKUP_NAME_MAX, "maru-%.4s%.2s%.2s-%.2s%.2s%.2s.backup", text,
        text + 5, text + 8, text + 11, text + 14, text + 17);
}

bool backup_name_parse(const char *name, int64_t *ret_time_ns) {
    if (strlen(name) != 27 || strncmp(name, "maru-", 5) != 0 || name[13] != '-' ||
        strcmp(name + 20, ".backup") != 0) {
        return false;
    }
    char text[TIME_TEXT_MAX];
    (void)snprintf(text, sizeof text, "%.4s-%.2s-%.2sT%.2s:%.2s:%.2sZ", name + 5, name + 9,
        name + 11, name + 14, name + 16, name + 18);
    return time_parse(str_of(text), NULL, ret_time_ns);
}

int64_t nightly_moment(int64_t now_ns, uint32_t minute_of_day, const struct zone *zone) {
    int64_t minutes_ns = (int64_t)minute_of_day * 60 * NS_PER_S;
    int64_t today = time_bucket_start(now_ns, DAY_NS, zone, NULL);
    if (today + minutes_ns <= now_ns) {
        return today + minutes_ns;
    }
    /* Half a day back from a midnight is inside the day before, whatever the clocks did. */
    return time_bucket_start(today - DAY_NS / 2, DAY_NS, zone, NULL) + minutes_ns;
}

static int64_t month_of(int64_t time_ns, const struct zone *zone) {
    char text[TIME_TEXT_MAX];
    int64_t year = 0;
    int64_t month = 0;
    (void)time_format(time_ns, zone, text);
    (void)str_to_i64((struct str){text, 4}, &year);
    (void)str_to_i64((struct str){text + 5, 2}, &month);
    return year * 12 + month;
}

/* The newest file of each of the newest `count` periods. */
static void mark(const int64_t *periods, uint32_t files, uint32_t count, bool *stays) {
    int64_t last = INT64_MIN;
    uint32_t found = 0;
    for (uint32_t i = files; i-- > 0 && found < count;) {
        if (found == 0 || periods[i] != last) {
            stays[i] = true;
            last = periods[i];
            found++;
        }
    }
}

void rotation_mark(const int64_t *times_ns, uint32_t count, const struct rotation *rotation,
    const struct zone *zone, bool *ret_stays) {
    int64_t periods[ROTATE_FILES_MAX] = {0};
    count = count < ROTATE_FILES_MAX ? count : ROTATE_FILES_MAX;
    for (uint32_t i = 0; i < count; i++) {
        ret_stays[i] = i + 1 == count;
        periods[i] = time_bucket_start(times_ns[i], DAY_NS, zone, NULL);
    }
    mark(periods, count, rotation->daily, ret_stays);
    for (uint32_t i = 0; i < count; i++) {
        periods[i] = time_bucket_start(times_ns[i], 7 * DAY_NS, zone, NULL);
    }
    mark(periods, count, rotation->weekly, ret_stays);
    for (uint32_t i = 0; i < count; i++) {
        periods[i] = month_of(times_ns[i], zone);
    }
    mark(periods, count, rotation->monthly, ret_stays);
}
