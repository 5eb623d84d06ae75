#ifndef LEDGER_QUALITY_H
#define LEDGER_QUALITY_H
/*
 * Scores of data quality by day and tag, as they were computed last (plant/quality.h computes
 * them). A plant's ledger; inside ledger_write and ledger_read.
 */
#include "ledger/ledger.h"

enum { QUALITY_DAY_TEXT = 11 }; // "2026-11-20" and NUL.

struct quality_row {
    char day[QUALITY_DAY_TEXT]; // Local day of the plant.
    uint32_t tag;
    uint64_t rows;
    double score; // 0..100
    double gaps;  // 0..100 each; NaN: does not apply.
    double stuck;
    double in_range;
    double duplicates;
    double clock;
    int64_t gap_ns;
    int64_t stuck_ns;
    uint64_t outside;
    uint64_t repeated;
    uint64_t late;
    int64_t computed_ns;
};

/* Inserts or replaces the row of a day and tag. */
int quality_put(struct ledger_tx *tx, const struct quality_row *row, struct err *err);
/* Rows of a day with tag numbers above `after`, by number. Count. */
int quality_list(struct ledger_tx *tx, struct str day, uint32_t after, struct quality_row *ret_rows,
    uint32_t max, struct err *err);
/* The row of one day and tag: 1, or 0 when it was never computed. */
int quality_get(struct ledger_tx *tx, struct str day, uint32_t tag, struct quality_row *ret_row,
    struct err *err);

#endif
