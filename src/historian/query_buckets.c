/*
 * Aggregates over time.
 *
 * For each tag the range is cut into regions: stretches in which exactly one segment has rows, and
 * stretches in which places overlap or memory takes part. A stretch of one segment is answered from
 * the largest roll-up cells that fit into the bucket, then from block statistics, and only at the
 * edges from rows. All three are exact: a cell or a block is used only when every row it stands for
 * lies in the bucket and in the range, and nothing else has rows there. Everywhere else the merged
 * rows are read. So late data, corrections and expiry never need the roll-ups to be repaired: what
 * a newer place overlaps is simply not answered from them until a merge has made it one again.
 *
 * Time before the horizon comes first, from the cells that stayed of its rows (query_aged.c). What
 * a bucket cuts of those cannot be known; such a bucket is marked and tells the rest.
 */
#include <stdlib.h>

#include "core/check.h"
#include "core/mem.h"
#include "historian/cursor.h"
#include "historian/query_aged.h"
#include "historian/rollup.h"
#include "historian/store.h"

enum {
    SPAN_ROWS = 256, // Rows of memory are cut into spans of at most so many,
    REGIONS_START = 64,
};
#define SPAN_GAP_NS (600 * NS_PER_S) // and where nothing came for ten minutes.

/* Where some rows of the tag are. */
struct span {
    int64_t from_ns;
    int64_t last_ns;
    int32_t source; // Index of the segment; -1: memory.
    bool exact;     // Statistics may be used.
};

struct region {
    int64_t from_ns;
    int64_t to_ns;
    int32_t source; // -1: read the merged rows.
};

struct query {
    struct view *view;
    const struct hist_bucket_query *asked;
    int (*each)(void *context, uint32_t tag, const struct hist_bucket *bucket, struct err *err);
    void *context;
    uint32_t tag;
    int64_t from_ns; // With what has expired taken off.
    int64_t to_ns;
    bool earlier; // The tag has rows before from_ns,
    bool later;   // at or behind to_ns.
    /* The open bucket. */
    bool open;
    int64_t start_ns;
    int64_t end_ns; // Also of a closed one, once `begun`.
    bool begun;     // The tag has had a bucket.
    struct summary summary;
    bool partial;
    int64_t cut_to_ns; // A cell of expired rows that did not fit reaches up to here.
    /* Places of the tag. */
    struct span *spans;
    uint32_t span_count;
    uint32_t span_capacity;
    struct region *regions;
    uint32_t region_count;
    struct tag_page **pages; // By segment; NULL: the tag is not inside.
    struct decoder *decoder;
};

/* ---- Buckets ---- */

struct hist_bucket bucket_of(const struct summary *sum, int64_t start_ns, int64_t end_ns) {
    return (struct hist_bucket){.start_ns = start_ns,
        .end_ns = end_ns,
        .count = sum->count,
        .bad_count = sum->bad_count,
        .min = sum->min,
        .max = sum->max,
        .sum = sum->sum,
        .sum_low = sum->sum_low,
        .first = sum->first,
        .last = sum->last,
        .first_ns = sum->first_ns,
        .last_ns = sum->last_ns};
}

static int bucket_emit(struct query *query, struct err *err) {
    const struct summary *sum = &query->summary;
    bool any = query->open && (sum->count > 0 || sum->bad_count > 0 || query->partial);
    query->open = false;
    if (!any) {
        return 0;
    }
    struct hist_bucket bucket = bucket_of(sum, query->start_ns, query->end_ns);
    bucket.partial = query->partial || query->start_ns < query->cut_to_ns;
    int rc = query->each(query->context, query->tag, &bucket, err);
    return rc < 0 ? rc : 0;
}

/* Opens the bucket of a time, closing the one before. */
static int bucket_open(struct query *query, int64_t time_ns, struct err *err) {
    if (query->open && time_ns < query->end_ns) {
        return 0;
    }
    int rc = bucket_emit(query, err);
    if (rc < 0) {
        return rc;
    }
    query->open = true;
    query->partial = false;
    summary_init(&query->summary);
    if (query->asked->every_ns == 0) {
        query->start_ns = query->asked->from_ns;
        query->end_ns = query->asked->to_ns;
        return 0;
    }
    int64_t every_ns = query->asked->every_ns;
    bool next = query->begun && time_ns >= query->end_ns &&
                (uint64_t)time_ns - (uint64_t)query->end_ns < (uint64_t)every_ns &&
                query->end_ns <= INT64_MAX - every_ns;
    if (next && query->asked->zone == NULL) { // Without clock changes all are equally long.
        query->start_ns = query->end_ns;
        query->end_ns += every_ns;
    } else {
        query->start_ns = time_bucket_start(time_ns, every_ns, query->asked->zone, &query->end_ns);
    }
    query->begun = query->end_ns < HIST_TIME_MAX;
    return 0;
}

static int buckets_add_rows(
    struct query *query, const struct run *run, uint32_t from, uint32_t to, struct err *err) {
    while (from < to) {
        int rc = bucket_open(query, run->time[from], err);
        if (rc < 0) {
            return rc;
        }
        uint32_t end = run_lower_bound(run, from, query->end_ns);
        end = end < to ? end : to;
        NEVER(end == from); // Otherwise this would turn for ever.
        summary_add(&query->summary, run, from, end);
        from = end;
    }
    return 0;
}

/* ---- Regions ---- */

static void span_add(
    struct query *query, int64_t from_ns, int64_t last_ns, int32_t source, bool exact) {
    query->earlier = query->earlier || from_ns < query->from_ns;
    query->later = query->later || last_ns >= query->to_ns;
    if (last_ns < query->from_ns || from_ns >= query->to_ns) {
        return;
    }
    if (query->span_count == query->span_capacity) {
        query->span_capacity = query->span_capacity > 0 ? query->span_capacity * 2 : REGIONS_START;
        query->spans = mem_resize(query->spans, query->span_capacity * sizeof *query->spans);
    }
    query->spans[query->span_count++] =
        (struct span){.from_ns = from_ns, .last_ns = last_ns, .source = source, .exact = exact};
}

static void spans_of_memtable(struct query *query, struct memtable *table) {
    struct memtable_walk walk;
    memtable_walk_init(&walk, table, query->tag, INT64_MIN, INT64_MAX);
    struct run run;
    while (memtable_walk_next(&walk, &run)) {
        uint32_t start = 0;
        for (uint32_t i = 1; i <= run.count; i++) {
            if (i == run.count || i - start == SPAN_ROWS ||
                run.time[i] - run.time[i - 1] > SPAN_GAP_NS) {
                span_add(query, run.time[start], run.time[i - 1], -1, false);
                start = i;
            }
        }
    }
    memtable_walk_fini(&walk);
}

static int spans_of_segment(struct query *query, uint32_t index, struct err *err) {
    struct segment *segment = query->view->segments[index];
    int64_t min_ns = 0;
    int64_t max_ns = 0;
    query->pages[index] = NULL;
    const struct segment_info *info = segment_info(segment);
    if (info->max_ns < query->from_ns || info->min_ns >= query->to_ns) {
        /* It may have the tag: cells then end with the range. */
        query->earlier = query->earlier || info->max_ns < query->from_ns;
        query->later = query->later || info->min_ns >= query->to_ns;
        return 0;
    }
    int rc = segment_tag_range(segment, query->tag, &min_ns, &max_ns, err);
    if (rc <= 0) {
        return rc;
    }
    query->earlier = query->earlier || min_ns < query->from_ns;
    query->later = query->later || max_ns >= query->to_ns;
    if (max_ns < query->from_ns || min_ns >= query->to_ns) {
        return 0;
    }
    rc = segment_page(segment, query->tag, &query->pages[index], err);
    if (rc <= 0) {
        return rc;
    }
    const struct tag_page *page = query->pages[index];
    bool exact = true;
    for (uint32_t i = 0; i < page->block_count; i++) {
        exact = exact && !page->blocks[i].split;
    }
    for (uint32_t i = 0; i < page->block_count; i++) {
        span_add(query, page->blocks[i].min_ns, page->blocks[i].max_ns, (int32_t)index, exact);
    }
    return 0;
}

static int span_order(const void *left, const void *right) {
    const struct span *a = left;
    const struct span *b = right;
    return a->from_ns < b->from_ns ? -1 : a->from_ns > b->from_ns;
}

/* Groups spans that overlap, and neighbours of one segment, into regions. */
static void regions_build(struct query *query) {
    bool sorted = true;
    for (uint32_t i = 1; i < query->span_count; i++) {
        sorted = sorted && query->spans[i].from_ns >= query->spans[i - 1].from_ns;
    }
    if (!sorted) {
        qsort(query->spans, query->span_count, sizeof *query->spans, span_order);
    }
    query->regions = mem_resize(query->regions, (query->span_count + 1) * sizeof *query->regions);
    query->region_count = 0;
    for (uint32_t i = 0; i < query->span_count; i++) {
        const struct span *span = &query->spans[i];
        int32_t source = span->exact ? span->source : -1;
        struct region *last =
            query->region_count > 0 ? &query->regions[query->region_count - 1] : NULL;
        bool overlaps = last != NULL && span->from_ns < last->to_ns;
        if (overlaps) {
            last->source = last->source == source ? source : -1;
        }
        if (overlaps || (last != NULL && last->source == source)) {
            last->to_ns = span->last_ns + 1 > last->to_ns ? span->last_ns + 1 : last->to_ns;
            continue;
        }
        query->regions[query->region_count++] =
            (struct region){.from_ns = span->from_ns, .to_ns = span->last_ns + 1, .source = source};
    }
    /* The empty stretches between belong to the region before: cells may reach into them. */
    for (uint32_t i = 0; i < query->region_count; i++) {
        struct region *region = &query->regions[i];
        region->from_ns = i == 0 ? query->from_ns : query->regions[i - 1].to_ns;
        region->to_ns = i + 1 < query->region_count ? query->regions[i + 1].from_ns : query->to_ns;
        region->to_ns = region->to_ns < query->to_ns ? region->to_ns : query->to_ns;
    }
    /* Where the tag has nothing beyond the range, cells may reach over its ends. */
    if (query->region_count > 0 && !query->earlier) {
        query->regions[0].from_ns = INT64_MIN;
    }
    if (query->region_count > 0 && !query->later) {
        query->regions[query->region_count - 1].to_ns = INT64_MAX;
    }
}

/* ---- Answering a region ---- */

static int region_rows(struct query *query, const struct region *region, struct err *err) {
    struct cursor_set set;
    /* Never beyond the range, whatever the region says: memory grows while we read, and a row that
     * came after the spans were taken must not be counted. */
    struct cursor_options options = {.tag = query->tag,
        .from_ns = region->from_ns > query->from_ns ? region->from_ns : query->from_ns,
        .to_ns = region->to_ns < query->to_ns ? region->to_ns : query->to_ns};
    int rc = cursor_set_open(&set, query->view, &options, err);
    if (rc < 0) {
        return rc;
    }
    struct run run;
    while ((rc = cursor_set_next(&set, &run, err)) > 0) {
        rc = buckets_add_rows(query, &run, 0, run.count, err);
        if (rc < 0) {
            break;
        }
    }
    cursor_set_close(&set);
    return rc;
}

/* The walk through one segment's stretch. Rows before `done_ns` are counted or out of range. */
struct stretch {
    const struct region *region;
    struct segment *segment;
    const struct tag_page *page;
    uint32_t block;
    uint32_t cell[ROLLUP_LEVELS]; // Cells before are passed.
    int64_t done_ns;
    int64_t decoded; // Index of the block in `run`; -1: none.
    struct run run;
    uint32_t passed; // Rows of `run` that are before done_ns.
};

/* Tries the largest cell that begins at or behind done_ns, holds `time_ns` and ends in time. */
static bool stretch_cell(
    struct query *query, struct stretch *stretch, int64_t time_ns, int64_t limit_ns) {
    for (int level = ROLLUP_LEVELS - 1; level >= 0; level--) {
        const struct cell *cells = stretch->page->cells[level];
        uint32_t count = stretch->page->cell_count[level];
        if (count == 0) {
            continue;
        }
        int64_t start_ns = rollup_start(time_ns, rollup_ns[level]);
        if (start_ns < stretch->done_ns || start_ns < query->start_ns ||
            start_ns + rollup_ns[level] > limit_ns) {
            continue;
        }
        uint32_t *at = &stretch->cell[level];
        while (*at < count && cells[*at].start_ns < start_ns) {
            ++*at;
        }
        if (*at < count && cells[*at].start_ns == start_ns) {
            summary_merge(&query->summary, &cells[*at].summary);
            stretch->done_ns = start_ns + rollup_ns[level];
            return true;
        }
    }
    return false;
}

/* Rows of the present block from `time_ns` to the next place where a cell could begin. */
static int stretch_rows(struct query *query, struct stretch *stretch, int64_t time_ns,
    int64_t limit_ns, struct err *err) {
    const struct block_entry *block = &stretch->page->blocks[stretch->block];
    int64_t end_ns = limit_ns < block->max_ns + 1 ? limit_ns : block->max_ns + 1;
    for (int level = 0; level < ROLLUP_LEVELS; level++) {
        if (stretch->page->cell_count[level] > 0) {
            int64_t next_ns = rollup_start(time_ns, rollup_ns[level]) + rollup_ns[level];
            end_ns = next_ns < end_ns ? next_ns : end_ns;
            break; // The smallest level has the nearest boundary.
        }
    }
    if (stretch->decoded != (int64_t)stretch->block) {
        int rc = segment_block(
            stretch->segment, stretch->page, stretch->block, query->decoder, &stretch->run, err);
        if (rc <= 0) {
            stretch->done_ns = block->max_ns + 1; // Damaged and reported: passed over.
            return rc;
        }
        stretch->decoded = (int64_t)stretch->block;
        stretch->passed = 0;
    }
    uint32_t from = run_lower_bound(&stretch->run, stretch->passed, time_ns);
    uint32_t to = run_lower_bound(&stretch->run, from, end_ns);
    stretch->passed = to;
    summary_add(&query->summary, &stretch->run, from, to);
    stretch->done_ns = end_ns;
    if (from == to) { // A gap inside the block: straight to its end.
        stretch->done_ns = from < stretch->run.count ? stretch->run.time[from] : block->max_ns + 1;
    }
    return 0;
}

static int region_segment(struct query *query, const struct region *region, struct err *err) {
    struct stretch stretch = {.region = region,
        .segment = query->view->segments[region->source],
        .page = query->pages[region->source],
        .done_ns = region->from_ns,
        .decoded = -1};
    const struct tag_page *page = stretch.page;
    for (;;) {
        while (stretch.block < page->block_count &&
               page->blocks[stretch.block].max_ns < stretch.done_ns) {
            stretch.block++;
        }
        if (stretch.block == page->block_count) {
            return 0;
        }
        const struct block_entry *block = &page->blocks[stretch.block];
        int64_t time_ns = block->min_ns > stretch.done_ns ? block->min_ns : stretch.done_ns;
        if (time_ns >= region->to_ns) {
            return 0;
        }
        int rc = bucket_open(query, time_ns, err);
        if (rc < 0) {
            return rc;
        }
        int64_t limit_ns = query->end_ns < region->to_ns ? query->end_ns : region->to_ns;
        if (stretch_cell(query, &stretch, time_ns, limit_ns)) {
            continue;
        }
        if (block->min_ns == time_ns && block->max_ns < limit_ns) {
            summary_merge(&query->summary, &block->summary);
            stretch.done_ns = block->max_ns + 1;
            continue;
        }
        rc = stretch_rows(query, &stretch, time_ns, limit_ns, err);
        if (rc < 0) {
            return rc;
        }
    }
}

/* ---- Expired rows ---- */

/* One cell: into its bucket where it fits, else into its parts, else the buckets are partial. */
static int aged_piece(
    struct query *query, struct aged_walk *walk, const struct aged_piece *piece, struct err *err) {
    int64_t from_ns = query->asked->from_ns;
    if (piece->last_ns < from_ns || piece->first_ns >= query->asked->to_ns) {
        aged_walk_take(walk);
        return 0;
    }
    int rc = bucket_open(query, piece->first_ns > from_ns ? piece->first_ns : from_ns, err);
    if (rc < 0) {
        return rc;
    }
    if (piece->first_ns >= from_ns && piece->last_ns < query->asked->to_ns &&
        piece->last_ns < query->end_ns) {
        summary_merge(&query->summary, piece->summary);
        aged_walk_take(walk);
        return 0;
    }
    rc = aged_walk_split(walk, err);
    if (rc == 0) {
        query->partial = true;
        query->cut_to_ns =
            piece->last_ns + 1 > query->cut_to_ns ? piece->last_ns + 1 : query->cut_to_ns;
        aged_walk_take(walk);
    }
    return rc;
}

/* Time whose rows have expired, as far as their roll-ups stayed. */
static int aged_buckets(struct query *query, int64_t horizon_ns, struct err *err) {
    const struct view *view = query->view;
    const int64_t hour_ns = rollup_ns[ROLLUP_LEVELS - 1];
    int64_t low_ns = query->asked->from_ns > HIST_TIME_MIN ? query->asked->from_ns : HIST_TIME_MIN;
    int64_t to_ns = query->asked->to_ns < horizon_ns ? query->asked->to_ns : horizon_ns;
    int64_t aged_ns = horizons_of(view->aged_horizons, query->tag);
    low_ns = rollup_start(low_ns, hour_ns); // The hour that holds it.
    low_ns = aged_ns > low_ns ? aged_ns : low_ns;
    if (view->aged_count == 0 || low_ns >= to_ns) {
        return 0;
    }
    struct aged_walk walk;
    int rc = aged_walk_open(&walk, view, query->tag, low_ns, to_ns, err);
    if (rc < 0) {
        return rc;
    }
    struct aged_piece piece;
    while ((rc = aged_walk_peek(&walk, &piece, err)) > 0) {
        rc = aged_piece(query, &walk, &piece, err);
        if (rc < 0) {
            break;
        }
    }
    aged_walk_close(&walk);
    return rc;
}

/* ---- One tag ---- */

static int query_tag(struct query *query, uint32_t tag, struct err *err) {
    const struct view *view = query->view;
    query->tag = tag;
    query->open = false;
    query->begun = false;
    query->span_count = 0;
    query->earlier = false;
    query->later = false;
    int64_t horizon_ns = horizons_of(view->horizons, tag);
    query->from_ns = horizon_ns > query->asked->from_ns ? horizon_ns : query->asked->from_ns;
    query->to_ns = query->asked->to_ns;
    query->region_count = 0;
    query->partial = false;
    query->cut_to_ns = INT64_MIN;
    for (uint32_t i = 0; i < view->segment_count; i++) {
        query->pages[i] = NULL;
    }
    int rc = aged_buckets(query, horizon_ns, err);
    for (uint32_t i = 0; i < view->segment_count && rc >= 0; i++) {
        rc = spans_of_segment(query, i, err);
    }
    if (rc >= 0) {
        if (view->frozen != NULL) {
            spans_of_memtable(query, view->frozen);
        }
        spans_of_memtable(query, view->active);
        regions_build(query);
    }
    for (uint32_t i = 0; i < query->region_count && rc >= 0; i++) {
        const struct region *region = &query->regions[i];
        rc = region->source >= 0 ? region_segment(query, region, err)
                                 : region_rows(query, region, err);
    }
    for (uint32_t i = 0; i < view->segment_count; i++) {
        tag_page_unref(query->pages[i]);
    }
    return rc < 0 ? rc : bucket_emit(query, err);
}

int buckets_of_view(struct view *view, const struct hist_bucket_query *query,
    int (*each)(void *context, uint32_t tag, const struct hist_bucket *bucket, struct err *err),
    void *context, struct err *err) {
    struct query now = {.view = view, .asked = query, .each = each, .context = context};
    now.pages = MEM_ARRAY(struct tag_page *, now.view->segment_count + 1);
    now.decoder = decoder_take(now.view->decoders);
    int rc = 0;
    for (uint32_t i = 0; i < query->tag_count && rc >= 0; i++) {
        bool known = query->tags[i] > 0 && query->tags[i] <= HIST_TAG_MAX;
        if (known && query->from_ns < query->to_ns) {
            rc = query_tag(&now, query->tags[i], err);
        }
    }
    decoder_give(now.view->decoders, now.decoder);
    mem_free(now.pages);
    mem_free(now.spans);
    mem_free(now.regions);
    return rc < 0 ? rc : 0;
}

int hist_buckets(struct historian *historian, const struct hist_bucket_query *query,
    int (*each)(void *context, uint32_t tag, const struct hist_bucket *bucket, struct err *err),
    void *context, struct err *err) {
    struct view *view = store_view(historian);
    int rc = buckets_of_view(view, query, each, context, err);
    view_unref(view);
    return rc;
}
