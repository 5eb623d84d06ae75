/*
 * The table of quality scores: one row a day and tag, replaced when it is computed again. A row is
 * about 120 bytes; a plant with 1,000 tags fills 44 MB a year.
 */
#include "ledger/quality.h"

#include "ledger/db.h"

#define COLUMNS                                                                                    \
    "day, tag, rows, score, gaps, stuck, in_range, duplicates, clock, gap_ns, stuck_ns, outside,"  \
    " repeated, late, computed_ns"

int quality_put(struct ledger_tx *tx, const struct quality_row *row, struct err *err) {
    struct ledger_stmt *stmt = NULL;
    int result = ledger_prepare(tx,
        "INSERT OR REPLACE INTO quality_days (" COLUMNS
        ") VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)",
        &stmt, err);
    if (result < 0) {
        return result;
    }
    ledger_bind_str(stmt, 1, str_of(row->day));
    ledger_bind_i64(stmt, 2, row->tag);
    ledger_bind_i64(stmt, 3, (int64_t)row->rows);
    ledger_bind_f64(stmt, 4, row->score);
    ledger_bind_f64(stmt, 5, row->gaps);
    ledger_bind_f64(stmt, 6, row->stuck);
    ledger_bind_f64(stmt, 7, row->in_range);
    ledger_bind_f64(stmt, 8, row->duplicates);
    ledger_bind_f64(stmt, 9, row->clock);
    ledger_bind_i64(stmt, 10, row->gap_ns);
    ledger_bind_i64(stmt, 11, row->stuck_ns);
    ledger_bind_i64(stmt, 12, (int64_t)row->outside);
    ledger_bind_i64(stmt, 13, (int64_t)row->repeated);
    ledger_bind_i64(stmt, 14, (int64_t)row->late);
    ledger_bind_i64(stmt, 15, row->computed_ns);
    return ledger_step(stmt, err);
}

static void read_row(struct ledger_stmt *stmt, struct quality_row *row) {
    *row = (struct quality_row){.tag = (uint32_t)ledger_column_i64(stmt, 1),
        .rows = (uint64_t)ledger_column_i64(stmt, 2),
        .score = ledger_column_f64(stmt, 3),
        .gaps = ledger_column_f64(stmt, 4),
        .stuck = ledger_column_f64(stmt, 5),
        .in_range = ledger_column_f64(stmt, 6),
        .duplicates = ledger_column_f64(stmt, 7),
        .clock = ledger_column_f64(stmt, 8),
        .gap_ns = ledger_column_i64(stmt, 9),
        .stuck_ns = ledger_column_i64(stmt, 10),
        .outside = (uint64_t)ledger_column_i64(stmt, 11),
        .repeated = (uint64_t)ledger_column_i64(stmt, 12),
        .late = (uint64_t)ledger_column_i64(stmt, 13),
        .computed_ns = ledger_column_i64(stmt, 14)};
    (void)str_copy_z(ledger_column_str(stmt, 0), row->day, sizeof row->day);
}

int quality_list(struct ledger_tx *tx, struct str day, uint32_t after, struct quality_row *ret_rows,
    uint32_t max, struct err *err) {
    struct ledger_stmt *stmt = NULL;
    int result = ledger_prepare(tx,
        "SELECT " COLUMNS " FROM quality_days WHERE day = ?1 AND tag > ?2 ORDER BY tag LIMIT ?3",
        &stmt, err);
    if (result < 0) {
        return result;
    }
    ledger_bind_str(stmt, 1, day);
    ledger_bind_i64(stmt, 2, after);
    ledger_bind_i64(stmt, 3, max);
    int count = 0;
    while ((result = ledger_step(stmt, err)) > 0) {
        read_row(stmt, &ret_rows[count++]);
    }
    return result < 0 ? result : count;
}

int quality_get(struct ledger_tx *tx, struct str day, uint32_t tag, struct quality_row *ret_row,
    struct err *err) {
    int count = tag == 0 ? 0 : quality_list(tx, day, tag - 1, ret_row, 1, err);
    return count > 0 && ret_row->tag != tag ? 0 : count;
}
