/*
 * Merging neighbouring segments into one.
 *
 * Only neighbours in the order of sequence numbers are merged, and the result takes their place, so
 * the rule of versions ("the last durable one wins") needs no number in a row: precedence is the
 * order of segments, and inside a segment the order of rows of one time. Four segments of a size
 * become one of the next size, so a row is written again once for each power of four. While rows
 * come so fast that sealing is what they wait for, sixteen are: fewer writes, and later.
 *
 * For each tag there are two ways. Where the sources do not overlap in time (nearly always), full
 * blocks are copied as they are; they are decoded on the way, which proves them and gives the
 * roll-ups their rows. Where they overlap, rows are merged one by one. Expired rows are left out.
 *
 * A segment in which damage was met is never merged: it stays as it is, for whoever can repair it.
 */
#include <stdlib.h>

#include "core/mem.h"
#include "historian/cursor.h"
#include "historian/segment_write.h"
#include "historian/store.h"

enum {
    MERGE_WIDTH = 4,
    MERGE_WIDTH_BUSY = 16,
    MERGE_SOURCES_MAX = 64,
    MERGE_ROWS_MAX = 64 << 20, // Larger segments are left alone: half a gigabyte or so.
    TIER_ROWS = 64 << 10,      // The smallest size.
};

struct merge {
    struct historian *historian;
    struct view *view;
    struct segment **sources; // Neighbours, in order.
    uint32_t count;
    struct segment_writer *writer;
    struct decoder decoder;
};

/* ---- Choosing ---- */

static uint32_t tier_of(const struct segment *segment) {
    uint32_t tier = 0;
    for (uint64_t rows = segment_info(segment)->rows; rows > TIER_ROWS; rows /= MERGE_WIDTH) {
        tier++;
    }
    return tier;
}

/* True when rows of the segment have expired, so that writing it again makes it smaller. */
static bool segment_has_expired(const struct view *view, struct segment *segment) {
    bool expired = false;
    for (uint32_t tag = 0; !expired && segment_tag_next(segment, tag, &tag, NULL) > 0;) {
        int64_t min_ns = 0;
        int64_t max_ns = 0;
        expired = segment_tag_range(segment, tag, &min_ns, &max_ns, NULL) > 0 &&
                  min_ns < horizons_of(view->horizons, tag);
    }
    return expired; // Where it cannot be read: whoever reads it is told.
}

/* Segments that stand side by side in the manifest, too (one between may be unreadable). */
static bool are_neighbours(
    struct historian *historian, const struct segment *left, const struct segment *right) {
    const struct manifest *manifest = &historian->manifest;
    bool neighbours = false;
    mutex_lock(&historian->state_mutex);
    for (uint32_t i = 0; i + 1 < manifest->segment_count; i++) {
        neighbours = neighbours || (manifest->segments[i] == segment_info(left)->id &&
                                       manifest->segments[i + 1] == segment_info(right)->id);
    }
    mutex_unlock(&historian->state_mutex);
    return neighbours;
}

/* Neighbours that can be one. */
struct reach {
    uint32_t count;
    uint32_t alike; // Of the size of the first; the others are smaller.
};

static struct reach reach_from(
    struct historian *historian, const struct view *view, uint32_t first, bool all) {
    uint64_t rows = 0;
    struct reach reach = {0};
    uint32_t size = tier_of(view->segments[first]);
    for (uint32_t i = first; i < view->segment_count && reach.count < MERGE_SOURCES_MAX; i++) {
        const struct segment *segment = view->segments[i];
        uint32_t tier = tier_of(segment);
        rows += segment_info(segment)->rows;
        bool fits = segment_damage(segment) == 0 && rows <= MERGE_ROWS_MAX &&
                    (all || tier <= size) &&
                    (i == first || are_neighbours(historian, view->segments[i - 1], segment));
        if (!fits) {
            break;
        }
        reach.count++;
        reach.alike += tier == size;
    }
    return reach;
}

/* Only those of a size count: a large one is not written again for the small ones behind it, else
 * each row would be written as often as tables are sealed. */
static bool merge_choose(struct merge *merge, uint32_t width, bool all) {
    const struct view *view = merge->view;
    for (uint32_t i = 0; i < view->segment_count; i++) {
        struct reach reach = reach_from(merge->historian, view, i, all);
        bool worth = all ? reach.count >= 2 : reach.alike >= width;
        if (!worth && reach.count > 0 && all && segment_has_expired(view, view->segments[i])) {
            worth = true;
            reach.count = 1;
        }
        if (worth) {
            merge->sources = view->segments + i;
            merge->count = reach.count;
            return true;
        }
    }
    return false;
}

/* ---- One tag ---- */

struct source {
    struct segment *segment;
    struct tag_page *page;
};

static int source_order(const void *left, const void *right) {
    const struct tag_page *a = ((const struct source *)left)->page;
    const struct tag_page *b = ((const struct source *)right)->page;
    return a->blocks[0].min_ns < b->blocks[0].min_ns ? -1
                                                     : a->blocks[0].min_ns > b->blocks[0].min_ns;
}

/* Copies or rewrites one block. 1: done, 0: it is damaged. */
static int merge_block(struct merge *merge, const struct source *source, uint32_t index,
    int64_t horizon_ns, struct err *err) {
    const struct block_entry *block = &source->page->blocks[index];
    struct decoder *decoder = &merge->decoder;
    struct run run;
    uint32_t tag = source->page->tag;
    int rc = segment_block(source->segment, source->page, index, decoder, &run, err);
    if (rc <= 0) {
        return rc;
    }
    bool copy = block->rows >= BLOCK_ROWS_FULL && !block->split && block->min_ns >= horizon_ns &&
                segment_writer_can_copy(merge->writer, tag);
    if (copy) {
        const uint8_t *record = decoder->bytes.data + (block->offset - decoder->bytes_from);
        rc = segment_writer_copy(merge->writer, tag, record, block->size, block, &run, err);
    } else {
        struct rows_buffer kept;
        rows_init(&kept);
        rows_append(&kept, &run, run_lower_bound(&run, 0, horizon_ns), run.count);
        struct run rest = rows_run(&kept);
        rc = segment_writer_add(merge->writer, tag, &rest, err);
        rows_fini(&kept);
    }
    return rc < 0 ? rc : 1;
}

static int merge_in_order(struct merge *merge, struct source *sources, uint32_t count,
    int64_t horizon_ns, struct err *err) {
    for (uint32_t i = 0; i < count; i++) {
        for (uint32_t j = 0; j < sources[i].page->block_count; j++) {
            if (sources[i].page->blocks[j].max_ns < horizon_ns) {
                continue;
            }
            int rc = merge_block(merge, &sources[i], j, horizon_ns, err);
            if (rc <= 0) {
                return rc < 0 ? rc : -ERR_CORRUPT;
            }
        }
    }
    return 0;
}

static int merge_overlapping(
    struct merge *merge, uint32_t tag, int64_t horizon_ns, struct err *err) {
    struct cursor_set set;
    struct cursor_options options = {
        .tag = tag, .from_ns = horizon_ns, .to_ns = INT64_MAX, .versions = true};
    int rc = cursor_set_open_segments(&set, merge->sources, merge->count, &options, err);
    if (rc < 0) {
        return rc;
    }
    struct run run;
    while ((rc = cursor_set_next(&set, &run, err)) > 0) {
        rc = segment_writer_add(merge->writer, tag, &run, err);
        if (rc < 0) {
            break;
        }
    }
    cursor_set_close(&set);
    return rc;
}

/* True when the sources, sorted by time, do not overlap. */
static bool sort_sources(struct source *sources, uint32_t count) {
    qsort(sources, count, sizeof *sources, source_order);
    for (uint32_t i = 1; i < count; i++) {
        const struct tag_page *before = sources[i - 1].page;
        if (before->blocks[before->block_count - 1].max_ns >= sources[i].page->blocks[0].min_ns) {
            return false;
        }
    }
    return true;
}

static int merge_tag(struct merge *merge, uint32_t tag, struct err *err) {
    struct source sources[MERGE_SOURCES_MAX];
    uint32_t count = 0;
    int rc = 0;
    for (uint32_t i = 0; i < merge->count && rc >= 0; i++) {
        rc = segment_page(merge->sources[i], tag, &sources[count].page, err);
        if (rc > 0) {
            sources[count++].segment = merge->sources[i];
        }
    }
    if (rc >= 0 && count > 0) {
        int64_t horizon_ns = horizons_of(merge->view->horizons, tag);
        rc = sort_sources(sources, count) ? merge_in_order(merge, sources, count, horizon_ns, err)
                                          : merge_overlapping(merge, tag, horizon_ns, err);
    }
    for (uint32_t i = 0; i < count; i++) {
        tag_page_unref(sources[i].page);
    }
    return rc < 0 ? rc : 0;
}

/* ---- The whole ---- */

#define TAG_NONE UINT32_MAX

/* The smallest tag above `tag` in any source, TAG_NONE at the end. `heads`: the next of each. */
static int next_tag(
    const struct merge *merge, uint32_t *heads, uint32_t tag, uint32_t *ret_tag, struct err *err) {
    *ret_tag = TAG_NONE;
    for (uint32_t i = 0; i < merge->count; i++) {
        if (heads[i] <= tag) {
            int rc = segment_tag_next(merge->sources[i], tag, &heads[i], err);
            if (rc < 0) {
                return rc;
            }
            heads[i] = rc > 0 ? heads[i] : TAG_NONE;
        }
        *ret_tag = heads[i] < *ret_tag ? heads[i] : *ret_tag;
    }
    return 0;
}

static bool any_damaged(const struct merge *merge) {
    for (uint32_t i = 0; i < merge->count; i++) {
        if (segment_damage(merge->sources[i]) > 0) {
            return true;
        }
    }
    return false;
}

static bool is_stopping(struct historian *historian) {
    mutex_lock(&historian->state_mutex);
    bool stopping = historian->stopping;
    mutex_unlock(&historian->state_mutex);
    return stopping;
}

static int merge_rows(struct merge *merge, struct err *err) {
    uint32_t heads[MERGE_SOURCES_MAX] = {0};
    for (uint32_t tag = 0;;) {
        int rc = next_tag(merge, heads, tag, &tag, err);
        if (rc == 0 && any_damaged(merge)) { // Also by looking for the next tag, or for the end.
            return -ERR_CORRUPT;
        }
        if (rc < 0 || tag == TAG_NONE) {
            return rc;
        }
        rc = merge_tag(merge, tag, err);
        if (rc < 0) {
            return rc;
        }
        if (merge->historian->threaded) {
            if (is_stopping(merge->historian)) {
                return -ERR_CANCELLED;
            }
            (void)seal_frozen_caring(merge->historian, NULL); // A failure is told to writers.
        }
    }
}

static int merge_run(struct merge *merge, struct err *err) {
    struct historian *historian = merge->historian;
    struct segment_plan plan = {.files = historian->files,
        .dir = historian->dir,
        .id = store_segment_id(historian),
        .seq_low = segment_info(merge->sources[0])->seq_low,
        .seq_high = segment_info(merge->sources[merge->count - 1])->seq_high};
    int rc = segment_writer_open(&plan, &merge->writer, err);
    if (rc < 0) {
        return rc;
    }
    decoder_init(&merge->decoder);
    rc = merge_rows(merge, err);
    bool empty = rc == 0 && segment_writer_rows(merge->writer) == 0;
    if (rc == 0 && !empty) {
        rc = segment_writer_finish(merge->writer, err);
    }
    decoder_fini(&merge->decoder);
    segment_writer_free(merge->writer);
    if (rc < 0) {
        return rc;
    }
    struct segment_swap swap = {.first_id = segment_info(merge->sources[0])->id,
        .count = merge->count,
        .id = empty ? 0 : plan.id};
    return store_swap(historian, &swap, err);
}

int merge_step(struct historian *historian, enum merge_when when, struct err *err) {
    uint32_t width = when == MERGE_BUSY ? MERGE_WIDTH_BUSY : MERGE_WIDTH;
    store_care_begin(historian);
    struct merge merge = {.historian = historian, .view = store_view_sealed(historian)};
    int rc = 0;
    if (merge_choose(&merge, width, when == MERGE_ALL)) {
        rc = merge_run(&merge, err);
        if (rc == -ERR_CORRUPT && any_damaged(&merge)) {
            rc = 1; // Named already; that segment is left out from now on.
        } else if (rc < 0) {
            (void)err_context(err, MSG_HISTORY_MERGING, NO_ARGS); // The code stays.
        } else {
            rc = 1;
        }
    }
    view_unref(merge.view);
    store_care_end(historian);
    return rc;
}
