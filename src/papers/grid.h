#ifndef PAPERS_GRID_H
#define PAPERS_GRID_H
/*
 * A table of a paper in memory: columns with heads, rows of texts. The same sheet goes into a PDF
 * and into a workbook. Texts and rows live in the sheet's arena. Private to the room; one owner.
 */
#include "core/mem.h"
#include "core/time.h"
#include "table/table.h"

enum {
    GRID_COLUMNS_MAX = 16,
    GRID_ROWS_MAX = 100000, // A plant's tags; refused beyond.
};

struct grid_column {
    struct str head;
    double weight;  // Share of the width on paper.
    bool is_number; // Stands at the right; a number in a workbook.
};

struct grid {
    struct arena *arena;
    struct grid_column columns[GRID_COLUMNS_MAX];
    uint32_t column_count;
    struct str *cells; // Row after row.
    uint32_t row_count;
    uint32_t row_capacity;
};

struct grid *grid_new(struct arena *arena);
void grid_column(struct grid *sheet, struct str head, double weight, bool is_number);
/* A new row of empty cells, to be filled before the next one; NULL beyond the maximum. */
struct str *grid_row(struct grid *sheet);
/* Writes the sheet as a table file. */
int grid_write(
    const struct grid *sheet, const struct table_writer_options *options, struct err *err);

/* Texts in an arena. */
struct str text_f(struct arena *arena, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* With separators of thousands: "1,234,567". */
struct str text_count(struct arena *arena, int64_t value);
/* With so many digits behind the point; empty for NaN. */
struct str text_number(struct arena *arena, double value, int digits);
struct str text_words(struct arena *arena, enum lang lang, enum msg_id id, const struct arg *args);
/* "2026-11-20 09:00" in a zone. */
struct str text_moment(struct arena *arena, int64_t time_ns, const struct zone *zone);
struct str text_duration(struct arena *arena, int64_t duration_ns); // "1s", "250ms", "3d 4h"

#endif
