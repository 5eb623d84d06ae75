/*
 * Roll-ups of 1 min, 10 min and 1 h.
 *
 * A cell costs some 20 to 40 bytes on disk and 20 ns to use; computing it from rows costs 2 ns a
 * row. So a level is kept where its cells hold at least 256 rows on average: 1 h for a tag at 1 Hz
 * and 10 min, 1 min only for faster ones; for the rest a bucket is computed from rows in the same
 * time. What is not kept is answered from rows and is as current and as exact; which way an answer
 * came cannot be seen in it.
 *
 * Rows are summed once, into the smallest cells; the larger ones merge those. A level that turns
 * out thin is dropped on the way, so the memory for one tag is bounded by its rows / 256.
 */
#include "historian/rollup.h"

#include "core/mem.h"

enum { CELLS_TRIAL = 1024 }; // A level is judged from here on.

void rollup_init(struct rollup *rollup) {
    *rollup = (struct rollup){0};
}

void rollup_fini(struct rollup *rollup) {
    for (int level = 0; level < ROLLUP_LEVELS; level++) {
        mem_free(rollup->levels[level].cells);
    }
    rollup_init(rollup);
}

void rollup_clear(struct rollup *rollup) {
    for (int level = 0; level < ROLLUP_LEVELS; level++) {
        rollup->levels[level].count = 0;
        rollup->levels[level].dropped = false;
    }
    rollup->rows = 0;
}

static void level_merge(
    struct rollup_level *level, int64_t start_ns, const struct summary *summary, uint64_t rows) {
    if (level->dropped) {
        return;
    }
    if (level->count == 0 || level->cells[level->count - 1].start_ns != start_ns) {
        if (level->count >= CELLS_TRIAL && rows / level->count < ROLLUP_ROWS_PER_CELL_MIN) {
            level->dropped = true;
            return;
        }
        if (level->count == level->capacity) {
            level->capacity = level->capacity > 0 ? level->capacity * 2 : 64;
            level->cells = mem_resize(level->cells, level->capacity * sizeof *level->cells);
        }
        struct cell *cell = &level->cells[level->count++];
        cell->start_ns = start_ns;
        summary_init(&cell->summary);
    }
    summary_merge(&level->cells[level->count - 1].summary, summary);
}

void rollup_add(struct rollup *rollup, const struct run *run) {
    for (uint32_t from = 0; from < run->count;) {
        int64_t start_ns = rollup_start(run->time[from], rollup_ns[0]);
        uint32_t to = start_ns < INT64_MAX - rollup_ns[0]
                          ? run_lower_bound(run, from, start_ns + rollup_ns[0])
                          : run->count;
        struct summary summary;
        summary_init(&summary);
        summary_add(&summary, run, from, to);
        for (int level = 0; level < ROLLUP_LEVELS; level++) {
            int64_t cell_ns = rollup_start(run->time[from], rollup_ns[level]);
            level_merge(&rollup->levels[level], cell_ns, &summary, rollup->rows + from);
        }
        from = to;
    }
    rollup->rows += run->count;
}

void rollup_give(struct rollup *rollup, struct tag_page *page) {
    for (int i = 0; i < ROLLUP_LEVELS; i++) {
        struct rollup_level *level = &rollup->levels[i];
        bool worth = !level->dropped && level->count > 0 &&
                     rollup->rows / level->count >= ROLLUP_ROWS_PER_CELL_MIN;
        page->cell_count[i] = worth ? level->count : 0;
        page->cells[i] = worth ? level->cells : NULL;
        if (worth) {
            level->cells = NULL;
            level->capacity = 0;
        }
        level->count = 0;
        level->dropped = false;
    }
    rollup->rows = 0;
}
