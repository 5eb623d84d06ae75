#ifndef HISTORIAN_ROLLUP_H
#define HISTORIAN_ROLLUP_H
/*
 * Building the roll-up cells of one tag while its rows are written in time order. One owner.
 */
#include "historian/segment.h"

enum { ROLLUP_ROWS_PER_CELL_MIN = 256 }; // Of a level that is kept.

struct rollup {
    struct rollup_level {
        struct cell *cells;
        uint32_t count; // The last one is open.
        uint32_t capacity;
        bool dropped; // Too few rows a cell to be worth keeping.
    } levels[ROLLUP_LEVELS];
    uint64_t rows;
};

void rollup_init(struct rollup *rollup);
void rollup_fini(struct rollup *rollup);
void rollup_clear(struct rollup *rollup); // For the next tag.
/* Rows in time order; a group of versions must not be cut between calls. */
void rollup_add(struct rollup *rollup, const struct run *run);
/* Gives the levels worth keeping to the page. */
void rollup_give(struct rollup *rollup, struct tag_page *page);

/* Start of the cell that holds a time. */
static inline int64_t rollup_start(int64_t time_ns, int64_t width_ns) {
    int64_t rest = time_ns % width_ns;
    return time_ns - (rest < 0 ? rest + width_ns : rest);
}

#endif
