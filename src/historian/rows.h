#ifndef HISTORIAN_ROWS_H
#define HISTORIAN_ROWS_H
/*
 * The shape in which rows of one tag move inside the historian: columns side by side. A `run` only
 * borrows; a `rows_buffer` owns its columns and grows to what a block may hold. One owner each.
 *
 * value[i] holds the bits of a double, or an integer (bool: 0 or 1); for text rows it is unused and
 * text[i] is the value.
 */
#include <stdbool.h>
#include <stdint.h>

#include "core/text.h"
#include "historian/bits.h"
#include "model/sample.h"

enum {
    BLOCK_ROWS = 4096,                // Rows of a usual block: 8 KB to decode, 0.5 % of overhead.
    BLOCK_ROWS_FULL = BLOCK_ROWS / 2, // A merge copies blocks of so many as they are.
    BLOCK_ROWS_MAX = 8192,            // Only where many versions of one time must stay together.
    BLOCK_TEXT_BYTES = 256 << 10,     // A block is cut where its texts reach this.
    HIST_TAG_MAX = 1 << 20,           // Highest tag number; higher ones are refused in words.
};

/* Times outside are refused in words: boundaries of cells near them could not be computed. */
#define HIST_TIME_MIN (INT64_MIN + (1LL << 53))
#define HIST_TIME_MAX (INT64_MAX - (1LL << 53))

struct run {
    const int64_t *time;
    const bits64 *value;
    const struct str *text; // NULL: no text rows.
    const uint8_t *types;   // NULL: all rows are of `type`.
    const uint32_t *status; // NULL: all Good.
    const uint8_t *flags;   // NULL: all 0.
    uint32_t count;
    uint8_t type;
    bool strict; // Times strictly increase: no two versions of one time inside.
};

struct rows_buffer {
    int64_t *time;
    bits64 *value;
    struct str *text;
    uint8_t *types;
    uint32_t *status;
    uint8_t *flags;
    uint32_t count;
    uint32_t capacity;
    bool has_text; // Which optional columns are in use.
    bool has_status;
    bool has_flags;
};

void rows_init(struct rows_buffer *rows);
void rows_fini(struct rows_buffer *rows);
/* Makes room for `capacity` rows in all; keeps the content. */
void rows_reserve(struct rows_buffer *rows, uint32_t capacity);
void rows_clear(struct rows_buffer *rows);
/* Appends rows [from, to) of a run; texts stay borrowed. */
void rows_append(struct rows_buffer *rows, const struct run *run, uint32_t from, uint32_t to);
/* Replaces row `at` by row `from` of a run. */
void rows_replace(struct rows_buffer *rows, uint32_t at, const struct run *run, uint32_t from);
/* Sorts by time; rows of one time keep their order of arrival. */
void rows_sort(struct rows_buffer *rows);
/* The buffer as a run; `types` is given up where all rows have one type. */
struct run rows_run(const struct rows_buffer *rows);

static inline uint8_t run_type(const struct run *run, uint32_t row) {
    return run->types != NULL ? run->types[row] : run->type;
}
static inline uint32_t run_status(const struct run *run, uint32_t row) {
    return run->status != NULL ? run->status[row] : 0;
}
static inline uint8_t run_flags(const struct run *run, uint32_t row) {
    return run->flags != NULL ? run->flags[row] : 0;
}
/* Index of the first row at or after `time_ns`, beginning at `from`. */
uint32_t run_lower_bound(const struct run *run, uint32_t from, int64_t time_ns);

#endif
