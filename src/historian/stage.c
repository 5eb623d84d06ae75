/*
 * Counting sort: how many rows a slot has, where its first goes, then each row to its place.
 */
#include "historian/stage.h"

#include <string.h>

static uint32_t rows_of_block(uint32_t rows, uint32_t from) {
    return rows - from < STAGE_BLOCK_ROWS ? rows - from : STAGE_BLOCK_ROWS;
}

/* begin[i + 2] counts slot i, then begin[i + 1] is where its next row goes; so each slot ends up
 * with its begin in its own place. */
void stage_sort(const struct stage *stage, uint32_t rows, struct stage_order *ret_order) {
    uint16_t *begin = ret_order->begin;
    memset(begin, 0, sizeof ret_order->begin);
    for (uint32_t from = 0; from < rows; from += STAGE_BLOCK_ROWS) {
        const uint16_t *slot = stage_slot(stage, from);
        uint32_t count = rows_of_block(rows, from);
        for (uint32_t i = 0; i < count; i++) {
            begin[slot[i] + 2]++;
        }
    }
    for (uint32_t i = 2; i < STAGE_SLOTS + 2; i++) {
        begin[i] = (uint16_t)(begin[i] + begin[i - 1]);
    }
    for (uint32_t from = 0; from < rows; from += STAGE_BLOCK_ROWS) {
        const uint16_t *slot = stage_slot(stage, from);
        uint32_t count = rows_of_block(rows, from);
        for (uint32_t i = 0; i < count; i++) {
            __builtin_prefetch(stage_row(stage, from + i), 0); // Read soon, in another order.
            ret_order->index[begin[slot[i] + 1]++] = (uint16_t)(from + i);
        }
    }
}
