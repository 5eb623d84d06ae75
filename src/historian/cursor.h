#ifndef HISTORIAN_CURSOR_H
#define HISTORIAN_CURSOR_H
/*
 * Rows of one tag from all places at once, in order. A `cursor_set` merges segments, the frozen and
 * the active memtable of a view by (time, precedence), and hands out winners or all versions as
 * runs. It borrows the view, which must outlive it. One owner.
 */
#include "core/mem.h"
#include "historian/decoder.h"
#include "historian/memtable.h"
#include "historian/segment.h"

struct view;

struct cursor {
    struct segment *segment; // NULL: a memtable.
    struct tag_page *page;
    uint32_t block;     // Next block to read.
    uint32_t block_end; // Behind the last one in range.
    struct decoder *decoder;
    struct memtable_walk walk;
    struct run run;
    uint32_t at; // Position in the run.
    bool loaded; // run[at] is the next row.
    bool done;
    int64_t next_ns; // Its time, or a bound below it while not loaded.
};

struct cursor_set {
    struct cursor *cursors;        // In order of precedence, lowest first.
    struct decoder_pool *decoders; // May be NULL.
    uint32_t count;
    int64_t from_ns;
    int64_t to_ns;
    bool versions;
    struct rows_buffer out; // Rows collected one by one where places overlap.
    struct arena texts;     // Their texts.
    uint32_t out_given;     // Rows of `out` that the last call gave.
    struct cursor *given;   // The cursor whose run the last call gave, or NULL,
    uint32_t given_rows;    // and how many rows of it.
};

struct cursor_options {
    uint32_t tag;
    int64_t from_ns;
    int64_t to_ns;
    bool versions;
};
int cursor_set_open(struct cursor_set *set, struct view *view, const struct cursor_options *options,
    struct err *err);
/* For merging: rows of some segments only, all versions. */
int cursor_set_open_segments(struct cursor_set *set, struct segment *const *segments,
    uint32_t count, const struct cursor_options *options, struct err *err);
void cursor_set_close(struct cursor_set *set);
/* 1: *ret_run is borrowed until the next call; 0: the end; negative: failure. */
int cursor_set_next(struct cursor_set *set, struct run *ret_run, struct err *err);

#endif
