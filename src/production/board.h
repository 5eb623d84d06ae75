#ifndef PRODUCTION_BOARD_H
#define PRODUCTION_BOARD_H
/*
 * The board: when which operation is to run on which machine. Private to the room.
 */
#include "production/calendar.h"

/* When work of this length ends that begins at a moment and rests outside the shifts and in their
 * breaks; *ret_begin_ns: when it really begins. INT64_MAX: not within CALENDAR_SPAN_DAYS_MAX days.
 */
int board_work_end(const struct calendar *calendar, const struct zone *zone, int64_t begin_ns,
    int64_t length_ns, struct arena *arena, int64_t *ret_begin_ns, int64_t *ret_end_ns,
    struct err *err);

#endif
