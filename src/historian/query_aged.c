/*
 * What is left of expired rows, for buckets.
 *
 * Each level has a lane: a place in its chunks that only moves on. The walk is on one level at a
 * time; going into a cell means moving the lane of the next smaller level to its begin, until its
 * end. Whether the smaller cells stand for all rows of the larger is not taken on trust: minutes of
 * a slow tag are not kept, and a chunk may be damaged. Their counts must add up to its count. They
 * stand in one chunk, because the writer ends chunks between hours.
 *
 * A cell is exact for a bucket only when all its rows lie inside. They lie between the cell's
 * bounds; where none of them is bad, between the times of its first and last row, which are often
 * closer: a lone value of an hour has its exact time and fits into a bucket of a second.
 */
#include "historian/query_aged.h"

#include "core/mem.h"
#include "historian/store.h"

enum { TOP = ROLLUP_LEVELS - 1 };

int aged_walk_open(struct aged_walk *walk, const struct view *view, uint32_t tag, int64_t from_ns,
    int64_t to_ns, struct err *err) {
    *walk = (struct aged_walk){
        .view = view, .tag = tag, .from_ns = from_ns, .level = TOP, .at_ns = from_ns};
    walk->decoder = decoder_take(view->decoders);
    walk->contents = MEM_ARRAY(struct aged_contents, view->aged_count + 1);
    walk->lanes[TOP].until_ns = to_ns;
    for (uint32_t i = 0; i < view->aged_count; i++) {
        const struct tag_entry *entry = aged_find(view->aged[i], tag);
        if (entry == NULL || entry->max_ns < from_ns || entry->min_ns >= to_ns) {
            continue;
        }
        int rc = aged_contents(view->aged[i], entry, walk->decoder, &walk->contents[i], err);
        if (rc < 0) {
            aged_walk_close(walk);
            return rc;
        }
    }
    return 0;
}

void aged_walk_close(struct aged_walk *walk) {
    for (uint32_t i = 0; walk->contents != NULL && i < walk->view->aged_count; i++) {
        aged_contents_fini(&walk->contents[i]);
    }
    mem_free(walk->contents);
    for (int level = 0; level < ROLLUP_LEVELS; level++) {
        mem_free(walk->lanes[level].cells);
    }
    if (walk->decoder != NULL) {
        decoder_give(walk->view->decoders, walk->decoder);
    }
    *walk = (struct aged_walk){0};
}

/* Loads the chunk at the lane's place. 1; 0: damaged or of another level; negative. */
static int lane_load(struct aged_walk *walk, int level, int64_t time_ns, struct err *err) {
    struct aged_lane *lane = &walk->lanes[level];
    const struct aged_chunk *chunk = &walk->contents[lane->file].chunks[lane->chunk];
    if (chunk->level != level || chunk->last_ns < time_ns) {
        return 0;
    }
    if (lane->cells == NULL) {
        lane->cells = MEM_ARRAY(struct cell, BLOCK_ROWS);
    }
    int rc =
        aged_cells(walk->view->aged[lane->file], walk->tag, chunk, walk->decoder, lane->cells, err);
    lane->at = 0;
    lane->cell_count = rc > 0 ? chunk->cells : 0;
    return rc;
}

/* The first cell of a level that begins at or behind a time; the lane stays on it. 1, 0, <0. */
static int lane_find(struct aged_walk *walk, int level, int64_t time_ns, struct err *err) {
    struct aged_lane *lane = &walk->lanes[level];
    for (;;) {
        while (lane->at < lane->cell_count && lane->cells[lane->at].start_ns < time_ns) {
            lane->at++;
        }
        if (lane->at < lane->cell_count) {
            return 1;
        }
        if (lane->cell_count > 0) { // Done with the loaded one.
            lane->cell_count = 0;
            lane->chunk++;
        }
        int rc = 0;
        while (rc == 0 && lane->file < walk->view->aged_count) {
            if (lane->chunk >= walk->contents[lane->file].count) {
                lane->file++;
                lane->chunk = 0;
                continue;
            }
            rc = lane_load(walk, level, time_ns, err);
            lane->chunk += rc == 0;
        }
        if (rc <= 0) {
            return rc;
        }
    }
}

int aged_walk_peek(struct aged_walk *walk, struct aged_piece *ret_piece, struct err *err) {
    for (;;) {
        struct aged_lane *lane = &walk->lanes[walk->level];
        int rc = lane_find(walk, walk->level, walk->at_ns, err);
        if (rc < 0) {
            return rc;
        }
        if (rc > 0 && lane->cells[lane->at].start_ns < lane->until_ns) {
            walk->present = lane->cells[lane->at];
            break;
        }
        if (walk->level == TOP) {
            return 0;
        }
        walk->at_ns = lane->until_ns;
        walk->level++;
    }
    const struct cell *cell = &walk->present;
    bool known = cell->summary.bad_count == 0 && cell->summary.count > 0;
    int64_t end_ns = cell->start_ns + rollup_ns[walk->level];
    *ret_piece = (struct aged_piece){.first_ns = known ? cell->summary.first_ns : cell->start_ns,
        .last_ns = known ? cell->summary.last_ns : end_ns - 1,
        .summary = &cell->summary};
    return 1;
}

void aged_walk_take(struct aged_walk *walk) {
    walk->at_ns = walk->present.start_ns + rollup_ns[walk->level];
}

int aged_walk_split(struct aged_walk *walk, struct err *err) {
    if (walk->level == 0) {
        return 0;
    }
    const struct cell *whole = &walk->present;
    int64_t end_ns = whole->start_ns + rollup_ns[walk->level];
    struct aged_lane *lane = &walk->lanes[walk->level - 1];
    int rc = lane_find(walk, walk->level - 1, whole->start_ns, err);
    if (rc <= 0) {
        return rc;
    }
    uint64_t count = 0;
    uint64_t bad = 0;
    for (uint32_t i = lane->at; i < lane->cell_count && lane->cells[i].start_ns < end_ns; i++) {
        count += lane->cells[i].summary.count;
        bad += lane->cells[i].summary.bad_count;
    }
    if (count != whole->summary.count || bad != whole->summary.bad_count) {
        return 0;
    }
    lane->until_ns = end_ns;
    walk->at_ns = whole->start_ns;
    walk->level--;
    return 1;
}
