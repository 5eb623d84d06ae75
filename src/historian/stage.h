#ifndef HISTORIAN_STAGE_H
#define HISTORIAN_STAGE_H
/*
 * Rows of one page of a memory table that wait, in order of arrival, until enough have come to be
 * placed tag by tag. Blocks are borrowed from the table; whoever holds the table's mutex uses them.
 */
#include <stdint.h>

enum {
    STAGE_SLOTS = 1024, // Tags of a page.
    STAGE_BLOCK_ROWS = 1024,
    STAGE_BLOCKS = 8, // Rows and lines of a page stay in a second cache of 1 MB or more.
    STAGE_ROWS = STAGE_BLOCKS * STAGE_BLOCK_ROWS,
};

struct staged_row {
    int64_t time_ns;
    uint64_t value; // As a chunk has it: bits, or where the table keeps the text.
    uint32_t status;
    uint8_t type;
    uint8_t flags;
};

struct stage_block {
    struct stage_block *next; // While it is idle.
    uint64_t reserved;
    uint16_t slot[STAGE_BLOCK_ROWS]; // Apart from the rows: sorting looks at nothing else.
    struct staged_row rows[STAGE_BLOCK_ROWS];
};

struct stage {
    struct stage_block *blocks[STAGE_BLOCKS]; // As many as the rows need.
};

/* Rows of slot i are those at index[begin[i]..begin[i + 1]), in order of arrival. */
struct stage_order {
    uint16_t begin[STAGE_SLOTS + 2];
    uint16_t index[STAGE_ROWS];
};

static inline struct staged_row *stage_row(const struct stage *stage, uint32_t at) {
    return &stage->blocks[at / STAGE_BLOCK_ROWS]->rows[at % STAGE_BLOCK_ROWS];
}

static inline uint16_t *stage_slot(const struct stage *stage, uint32_t at) {
    return &stage->blocks[at / STAGE_BLOCK_ROWS]->slot[at % STAGE_BLOCK_ROWS];
}

/* Sorts the first `rows` rows (<= STAGE_ROWS) by slot. */
void stage_sort(const struct stage *stage, uint32_t rows, struct stage_order *ret_order);

#endif
