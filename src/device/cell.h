#ifndef DEVICE_CELL_H
#define DEVICE_CELL_H
/*
 * Texts of tables as values: what the cell of a file or of another system's row gives a point.
 * Private to the room; pure.
 */
#include "core/time.h"
#include "device/driver.h"

/* The source of a column: its name, or "#3" for the third, quoted where it holds blanks, and a type
 * behind it: `온도`, `"Cycle Time" i64`, `#3 text`. ERR_INVALID. */
struct cell_source {
    struct str column;
    uint32_t number; // From 1; 0: by name.
    enum value_type type;
};
int cell_source_parse(struct str source, struct cell_source *ret_source, struct err *err);

/* Times as machines and spreadsheets write them: RFC 3339, 2026-01-31 09:00:00, 2026/1/31 9:00,
 * 2026.01.31 09:00, 20260131090000, 오전/오후 or AM/PM, and plain numbers in `unit_ns` since 1970
 * (0: by their size s, ms, us or ns). Without an offset they are of `zone`. False: no time. */
bool cell_time(struct str text, const struct zone *zone, int64_t unit_ns, int64_t *ret_time_ns);

/* Gives the text to the point as the type asks; an empty text gives nothing. Numbers may have
 * thousands separators (1,234.5) and a unit mark behind a blank is refused. False: it is not of
 * that type; the point was told bad with `words`. */
bool cell_give(struct point_sink *sink, const struct point *point, enum value_type type,
    struct str text, const struct err *words);

#endif
