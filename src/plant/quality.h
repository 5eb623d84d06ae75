#ifndef PLANT_QUALITY_H
#define PLANT_QUALITY_H
/*
 * How good the data of a tag was on a day: five scores of 0 to 100 from what the historian holds,
 * and their weighted mean. Computing a day again from the same history gives the same figures.
 *
 * The window is the local day, cut at the tag's first row ever and at now; a row of quality bad
 * carries no value and covers no time. W is the window's length.
 *   gaps        weight 40. 100 * (1 - uncovered / W). A row covers the time up to the next one if
 * that comes within the allowance, else one expected period of it. Expected period: the device's;
 * without a device the median distance of the day's rows. Allowance: three periods, with a
 * dead-band 1.5 times the longest silence as well, whichever is more. stuck       weight 20.
 * Measurements that are numbers only: 100 * (1 - t / W), where t is the time the value had not
 * changed for longer than an hour or 60 periods, whichever is more. in_range    weight 20. Tags
 * with a valid range only: share of rows with a value inside it. duplicates  weight 10. Share of
 * rows that came once. Versions written by re-refining do not count. clock       weight 10. Share
 * of rows that did not come late, after a newer one of their tag. A score that does not apply is
 * left out and the others' weights are scaled up. A day without rows has gaps 0 and nothing else.
 * Any thread.
 */
#include "core/thread.h"
#include "ledger/quality.h"
#include "plant/plant.h"

enum {
    QUALITY_WEIGHT_GAPS = 40,
    QUALITY_WEIGHT_STUCK = 20,
    QUALITY_WEIGHT_RANGE = 20,
    QUALITY_WEIGHT_DUPLICATES = 10,
    QUALITY_WEIGHT_CLOCK = 10
};

/* The local day ("2026-11-20") that holds a moment. */
void quality_day_of(const struct plant *plant, int64_t time_ns, char to[QUALITY_DAY_TEXT]);
/* [begin, end) of a day. ERR_INVALID: no day, or one that has not begun. */
int quality_day_range(struct plant *plant, struct str day, int64_t *ret_begin_ns,
    int64_t *ret_end_ns, struct err *err);
/* Computes one tag. 1: *ret_row is set; 0: the tag has nothing to be judged on that day (it had not
 * begun, or is inactive and silent). */
int quality_compute(struct plant *plant, const struct tag *tag, struct str day,
    struct quality_row *ret_row, struct err *err);
/* The same over any range: day empty; *ret_window_ns is the length that was judged. */
int quality_span(struct plant *plant, const struct tag *tag, int64_t from_ns, int64_t to_ns,
    struct quality_row *ret_row, int64_t *ret_window_ns, struct err *err);
/* Computes and stores a day for all tags (`only_missing`: for those without a row of that day).
 * Count of tags stored. Ends early when `stop` (may be NULL) is raised. */
int quality_run(struct plant *plant, struct str day, bool only_missing,
    const struct stop_flag *stop, struct err *err);
/* What the care thread does each hour: yesterday for tags that have no row of it yet, and, once a
 * night, the day before yesterday again, because rows may have come late. */
int quality_round(
    struct plant *plant, int64_t *night_ns, const struct stop_flag *stop, struct err *err);

#endif
