/*
 * Merging the places where rows of one tag are.
 *
 * Usually exactly one place holds the next stretch of time, with strictly increasing times: then
 * its decoded block is handed out as it is, up to where the next place begins. Only where places
 * overlap are rows taken one by one, in order of time and then of precedence (older segments, newer
 * ones, frozen, active), which is the order in which versions became durable. Without `versions`,
 * of rows with one time the winner stays: the last one, unless an earlier one is a correction and
 * it is not.
 *
 * A winner can only be given out when a later time is seen, so the last collected row is held back;
 * it moves to the front of the next collection. Blocks are decoded when their time comes, not at
 * the start: opening a scan over years costs nothing for the blocks that follow.
 */
#include "historian/cursor.h"

#include "core/mem.h"
#include "historian/store.h"

enum {
    OUT_ROWS = 4096,
    DIRECT_ROWS = 64, // Shorter stretches are collected: a run of its own would cost more.
};

static void cursor_add_memtable(
    struct cursor_set *set, struct memtable *table, const struct cursor_options *options) {
    struct cursor *cursor = &set->cursors[set->count];
    *cursor = (struct cursor){.next_ns = set->from_ns};
    memtable_walk_init(&cursor->walk, table, options->tag, set->from_ns, set->to_ns);
    if (cursor->walk.left == 0 && cursor->walk.rows.count == 0) {
        memtable_walk_fini(&cursor->walk);
        return;
    }
    set->count++;
}

/* Narrows [block, block_end) to the blocks that may hold rows in range. */
static void cursor_narrow(struct cursor *cursor, int64_t from_ns, int64_t to_ns) {
    const struct tag_page *page = cursor->page;
    uint32_t low = 0;
    uint32_t high = page->block_count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (page->blocks[middle].max_ns < from_ns) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    cursor->block = low;
    while (low < page->block_count && page->blocks[low].min_ns < to_ns) {
        low++;
    }
    cursor->block_end = low;
}

static int cursor_add_segment(struct cursor_set *set, struct segment *segment,
    const struct cursor_options *options, struct err *err) {
    int64_t min_ns = 0;
    int64_t max_ns = 0;
    const struct segment_info *info = segment_info(segment);
    if (info->max_ns < set->from_ns || info->min_ns >= set->to_ns) {
        return 0;
    }
    int rc = segment_tag_range(segment, options->tag, &min_ns, &max_ns, err);
    if (rc <= 0 || max_ns < set->from_ns || min_ns >= set->to_ns) {
        return rc < 0 ? rc : 0;
    }
    struct tag_page *page = NULL;
    rc = segment_page(segment, options->tag, &page, err);
    if (rc <= 0) {
        return rc;
    }
    struct cursor *cursor = &set->cursors[set->count];
    *cursor = (struct cursor){.segment = segment, .page = page};
    cursor_narrow(cursor, set->from_ns, set->to_ns);
    if (cursor->block == cursor->block_end) {
        tag_page_unref(page);
        return 0;
    }
    int64_t begin_ns = page->blocks[cursor->block].min_ns;
    cursor->next_ns = begin_ns > set->from_ns ? begin_ns : set->from_ns;
    set->count++;
    return 0;
}

static void set_init(
    struct cursor_set *set, const struct cursor_options *options, uint32_t capacity) {
    *set = (struct cursor_set){
        .from_ns = options->from_ns, .to_ns = options->to_ns, .versions = options->versions};
    set->cursors = MEM_ARRAY(struct cursor, capacity);
    rows_init(&set->out);
    arena_init(&set->texts, 0);
}

int cursor_set_open(struct cursor_set *set, struct view *view, const struct cursor_options *options,
    struct err *err) {
    set_init(set, options, view->segment_count + 2);
    set->decoders = view->decoders;
    int64_t horizon_ns = horizons_of(view->horizons, options->tag);
    set->from_ns = horizon_ns > set->from_ns ? horizon_ns : set->from_ns;
    if (set->from_ns >= set->to_ns) {
        return 0;
    }
    for (uint32_t i = 0; i < view->segment_count; i++) {
        int rc = cursor_add_segment(set, view->segments[i], options, err);
        if (rc < 0) {
            cursor_set_close(set);
            return rc;
        }
    }
    if (view->frozen != NULL) {
        cursor_add_memtable(set, view->frozen, options);
    }
    if (view->active != NULL) { // A view of segments only has no memory.
        cursor_add_memtable(set, view->active, options);
    }
    return 0;
}

int cursor_set_open_segments(struct cursor_set *set, struct segment *const *segments,
    uint32_t count, const struct cursor_options *options, struct err *err) {
    set_init(set, options, count + 1);
    for (uint32_t i = 0; i < count && set->from_ns < set->to_ns; i++) {
        int rc = cursor_add_segment(set, segments[i], options, err);
        if (rc < 0) {
            cursor_set_close(set);
            return rc;
        }
    }
    return 0;
}

void cursor_set_close(struct cursor_set *set) {
    for (uint32_t i = 0; i < set->count; i++) {
        struct cursor *cursor = &set->cursors[i];
        tag_page_unref(cursor->page);
        if (cursor->decoder != NULL) {
            decoder_give(set->decoders, cursor->decoder);
        }
        memtable_walk_fini(&cursor->walk);
    }
    mem_free(set->cursors);
    rows_fini(&set->out);
    arena_fini(&set->texts);
    *set = (struct cursor_set){0};
}

/* Reads the next block in range. 1 or 0 (there is none, or it is damaged), negative: failure. */
static int cursor_load_block(struct cursor_set *set, struct cursor *cursor, struct err *err) {
    if (cursor->block == cursor->block_end) {
        cursor->done = true;
        return 0;
    }
    if (cursor->decoder == NULL) {
        cursor->decoder = decoder_take(set->decoders);
    }
    int rc = segment_block(
        cursor->segment, cursor->page, cursor->block, cursor->decoder, &cursor->run, err);
    if (cursor->page->blocks[cursor->block].split) {
        cursor->run.strict = false; // Its last time may go on in the next block.
    }
    cursor->block++;
    if (rc <= 0) {
        return rc;
    }
    cursor->at = run_lower_bound(&cursor->run, 0, set->from_ns);
    cursor->run.count = run_lower_bound(&cursor->run, cursor->at, set->to_ns);
    return 1;
}

/* Makes run[at] the cursor's next row, or marks it done. */
static int cursor_load(struct cursor_set *set, struct cursor *cursor, struct err *err) {
    cursor->loaded = false;
    while (!cursor->done) {
        int rc = 1;
        if (cursor->segment != NULL) {
            rc = cursor_load_block(set, cursor, err);
        } else if (memtable_walk_next(&cursor->walk, &cursor->run)) {
            cursor->at = 0;
        } else {
            cursor->done = true;
        }
        if (rc < 0) {
            return rc;
        }
        if (rc > 0 && !cursor->done && cursor->at < cursor->run.count) {
            cursor->loaded = true;
            cursor->next_ns = cursor->run.time[cursor->at];
            return 0;
        }
    }
    return 0;
}

/* The cursor with the earliest row, loaded; NULL at the end. *ret_other_ns: where others begin. */
static int set_pick(
    struct cursor_set *set, struct cursor **ret_cursor, int64_t *ret_other_ns, struct err *err) {
    for (;;) {
        struct cursor *first = NULL;
        int64_t other_ns = INT64_MAX;
        for (uint32_t i = 0; i < set->count; i++) {
            struct cursor *cursor = &set->cursors[i];
            if (cursor->done) {
                continue;
            }
            if (first == NULL || cursor->next_ns < first->next_ns) {
                other_ns = first != NULL ? first->next_ns : other_ns;
                first = cursor;
            } else if (cursor->next_ns < other_ns) {
                other_ns = cursor->next_ns;
            }
        }
        if (first == NULL || first->loaded) {
            *ret_cursor = first;
            *ret_other_ns = other_ns;
            return 0;
        }
        int rc = cursor_load(set, first, err);
        if (rc < 0) {
            return rc;
        }
    }
}

static int cursor_advance(
    struct cursor_set *set, struct cursor *cursor, uint32_t rows, struct err *err) {
    cursor->at += rows;
    if (cursor->at < cursor->run.count) {
        cursor->next_ns = cursor->run.time[cursor->at];
        return 0;
    }
    /* The next block begins later than what was given: a bound is enough for now. */
    if (cursor->segment != NULL && cursor->block < cursor->block_end) {
        cursor->loaded = false;
        cursor->next_ns = cursor->page->blocks[cursor->block].min_ns;
        return 0;
    }
    return cursor_load(set, cursor, err);
}

static struct run run_slice(const struct run *run, uint32_t from, uint32_t count) {
    struct run slice = *run;
    slice.time += from;
    slice.value += from;
    slice.text = run->text != NULL ? run->text + from : NULL;
    slice.types = run->types != NULL ? run->types + from : NULL;
    slice.status = run->status != NULL ? run->status + from : NULL;
    slice.flags = run->flags != NULL ? run->flags + from : NULL;
    slice.count = count;
    return slice;
}

static void set_keep_text(struct cursor_set *set, uint32_t row) {
    struct rows_buffer *out = &set->out;
    if (out->has_text && out->types[row] == TYPE_TEXT) {
        out->text[row] = arena_copy(&set->texts, out->text[row]);
    }
}

/* Adds one row to the collection by the rule of versions. */
static void set_collect(struct cursor_set *set, const struct run *run, uint32_t row) {
    struct rows_buffer *out = &set->out;
    bool again = !set->versions && out->count > 0 && out->time[out->count - 1] == run->time[row];
    if (!again) {
        rows_append(out, run, row, row + 1);
        set_keep_text(set, out->count - 1);
        return;
    }
    uint8_t before = out->has_flags ? out->flags[out->count - 1] : 0;
    if (version_wins(run_flags(run, row), before)) {
        rows_replace(out, out->count - 1, run, row);
        set_keep_text(set, out->count - 1);
    }
}

/* Gives the collected rows out, but for the last one when its time may come again. */
static int set_flush(struct cursor_set *set, bool all, struct run *ret_run) {
    uint32_t keep = !all && !set->versions && set->out.count > 0 ? 1 : 0;
    set->out_given = set->out.count - keep;
    if (set->out_given == 0) {
        return 0;
    }
    struct run run = rows_run(&set->out);
    *ret_run = run_slice(&run, 0, set->out_given);
    return 1;
}

/* Drops what the last call gave; a row held back moves to the front with its text. */
static void set_drop_given(struct cursor_set *set) {
    struct rows_buffer *out = &set->out;
    if (set->out_given == 0) {
        return;
    }
    uint32_t last = out->count - 1;
    bool held = set->out_given < out->count;
    AUTO_FREE char *text = NULL;
    size_t text_size = 0;
    if (held) {
        struct run run = rows_run(out);
        rows_replace(out, 0, &run, last);
        if (run_type(&run, last) == TYPE_TEXT) {
            text = mem_copy_z(out->text[0]);
            text_size = out->text[0].size;
        }
    }
    out->count = held ? 1 : 0;
    if (!held) {
        rows_clear(out);
    }
    arena_reset(&set->texts);
    if (text != NULL) {
        out->text[0] = arena_copy(&set->texts, (struct str){.data = text, .size = text_size});
    }
    set->out_given = 0;
}

/* Rows of `cursor` that come before all others and may go out as they stand. */
static uint32_t direct_rows(
    const struct cursor_set *set, const struct cursor *cursor, int64_t other_ns) {
    const struct run *run = &cursor->run;
    if (!run->strict && !set->versions) {
        return 0;
    }
    return (other_ns == INT64_MAX ? run->count : run_lower_bound(run, cursor->at, other_ns)) -
           cursor->at;
}

int cursor_set_next(struct cursor_set *set, struct run *ret_run, struct err *err) {
    set_drop_given(set);
    int rc = 0;
    if (set->given != NULL) {
        rc = cursor_advance(set, set->given, set->given_rows, err);
        set->given = NULL;
    }
    while (rc >= 0) {
        struct cursor *cursor = NULL;
        int64_t other_ns = INT64_MAX;
        rc = set_pick(set, &cursor, &other_ns, err);
        if (rc < 0 || cursor == NULL) {
            return rc < 0 ? rc : set_flush(set, true, ret_run);
        }
        uint32_t rows = direct_rows(set, cursor, other_ns);
        bool again = set->out.count > 0 && !set->versions &&
                     set->out.time[set->out.count - 1] == cursor->next_ns;
        if (rows >= DIRECT_ROWS && !again) {
            if (set->out.count > 0) {
                return set_flush(set, true, ret_run);
            }
            *ret_run = run_slice(&cursor->run, cursor->at, rows);
            set->given = cursor;
            set->given_rows = rows;
            return 1;
        }
        rows = rows > DIRECT_ROWS ? DIRECT_ROWS : rows > 0 ? rows : 1;
        for (uint32_t i = 0; i < rows; i++) {
            set_collect(set, &cursor->run, cursor->at + i);
        }
        rc = cursor_advance(set, cursor, rows, err);
        if (rc == 0 && set->out.count >= OUT_ROWS && set_flush(set, false, ret_run) > 0) {
            return 1;
        }
    }
    return rc;
}
