/*
 * Writing a segment in one pass.
 *
 * Rows of a tag collect until a block is full; it is cut at 4,096 rows, but never between versions
 * of one time unless there are more than a block can hold, because statistics count winners only.
 * It is also cut at a gap longer than all the rest of it (two sources that bring different times, a
 * long stop): a question about the gap then finds no block that could hold an answer and decodes
 * none. Blocks of fewer than 128 rows are not made for that.
 * Then the block is encoded, its statistics and roll-ups are taken, and its bytes go to a buffer
 * that is written a megabyte at a time. A tag ends with its page; the file ends with the directory.
 * Everything about a tag stands together, so one tag is read with few requests.
 */
#include "historian/segment_write.h"

#include <stdio.h>

#include "core/check.h"
#include "core/limits.h"
#include "core/mem.h"
#include "historian/block.h"
#include "historian/rollup.h"

enum {
    OUT_BYTES = 1 << 20,
    OUT_BYTES_MAX = RECORD_BYTES_MAX + OUT_BYTES,
    BLOCK_ROWS_COPY_MIN = BLOCK_ROWS / 4, // So many waiting rows may be a block of their own.
    BLOCK_ROWS_GAP_MIN = 128,             // A cut at a gap leaves at least so many on both sides.
};

struct segment_writer {
    struct segment_plan plan;
    char path[LIMIT_PATH_BYTES];
    int fd;
    bool finished;
    bool piece; // No file: everything stays in `out`.
    struct codec codec;
    struct buf out;      // Not yet written.
    uint64_t out_offset; // Of its first byte in the file.
    /* The present tag. */
    uint32_t tag; // 0: none.
    struct rows_buffer rows;
    struct arena texts; // Of the waiting rows.
    uint64_t text_bytes;
    struct rollup rollup;
    bool split_before; // The block before ended inside a group of versions.
    bool ending;       // What waits is the tag's end.
    struct block_entry *blocks;
    uint32_t block_count;
    uint32_t block_capacity;
    struct tag_entry entry;
    /* The file. */
    struct tag_entry *entries;
    uint32_t entry_count;
    uint32_t entry_capacity;
    uint64_t row_count;
};

static void writer_init(struct segment_writer *writer, uint64_t out_max) {
    codec_init(&writer->codec);
    buf_init(&writer->out, out_max);
    rows_init(&writer->rows);
    arena_init(&writer->texts, 0);
    rollup_init(&writer->rollup);
}

int segment_writer_open(
    const struct segment_plan *plan, struct segment_writer **ret_writer, struct err *err) {
    struct segment_writer *writer = MEM_NEW(struct segment_writer);
    writer->plan = *plan;
    char name[32];
    segment_name(plan->id, name);
    (void)snprintf(writer->path, sizeof writer->path, "%s/%s", plan->dir, name);
    writer->fd = -1;
    int rc = file_remove(plan->files, writer->path, err); // Left over from a failed attempt.
    rc = rc < 0 ? rc : file_open(plan->files, writer->path, FILE_CREATE_NEW, &writer->fd, err);
    if (rc < 0) {
        mem_free(writer);
        return rc;
    }
    writer_init(writer, OUT_BYTES_MAX);
    uint8_t head[SEGMENT_HEAD_BYTES];
    segment_head_put(
        head, &(struct segment_head){
                  .id = plan->id, .seq_low = plan->seq_low, .seq_high = plan->seq_high});
    buf_put(&writer->out, head, sizeof head);
    *ret_writer = writer;
    return 0;
}

struct segment_writer *segment_piece_new(const struct segment_plan *plan, uint64_t bytes_max) {
    struct segment_writer *piece = MEM_NEW(struct segment_writer);
    piece->plan = *plan;
    piece->fd = -1;
    piece->finished = true; // There is nothing to remove.
    piece->piece = true;
    writer_init(piece, bytes_max);
    return piece;
}

void segment_writer_free(struct segment_writer *writer) {
    if (writer == NULL) {
        return;
    }
    if (writer->fd >= 0) {
        file_close(writer->fd);
    }
    if (!writer->finished) {
        /* Where even this fails the next opening removes it: no manifest names it. */
        (void)file_remove(writer->plan.files, writer->path, NULL);
    }
    codec_fini(&writer->codec);
    buf_fini(&writer->out);
    rows_fini(&writer->rows);
    arena_fini(&writer->texts);
    rollup_fini(&writer->rollup);
    mem_free(writer->blocks);
    mem_free(writer->entries);
    mem_free(writer);
}

static int writer_flush(struct segment_writer *writer, struct err *err) {
    CHECK(!writer->out.overflow);
    int rc = file_write_at(writer->plan.files, writer->fd, writer->path, writer->out_offset,
        writer->out.data, writer->out.size, err);
    if (rc < 0) {
        return rc;
    }
    writer->out_offset += writer->out.size;
    buf_clear(&writer->out);
    return 0;
}

static int writer_flush_full(struct segment_writer *writer, struct err *err) {
    return writer->out.size >= OUT_BYTES && !writer->piece ? writer_flush(writer, err) : 0;
}

static struct block_entry *writer_entry(struct segment_writer *writer) {
    if (writer->block_count == writer->block_capacity) {
        writer->block_capacity = writer->block_capacity > 0 ? writer->block_capacity * 2 : 64;
        writer->blocks =
            mem_resize(writer->blocks, writer->block_capacity * sizeof *writer->blocks);
    }
    return &writer->blocks[writer->block_count++];
}

/* What a block's rows add to their tag. */
static void writer_account(
    struct segment_writer *writer, const struct block_entry *block, const struct run *run) {
    struct tag_entry *entry = &writer->entry;
    if (entry->rows == 0) {
        entry->min_ns = block->min_ns;
    }
    entry->max_ns = block->max_ns;
    entry->rows += block->rows;
    entry->blocks_size += block->size;
    writer->row_count += block->rows;
    bool thin = writer->ending && writer->rows.count == run->count && writer->rollup.rows == 0 &&
                run->count < ROLLUP_ROWS_PER_CELL_MIN; // All of a tag: no level would be kept.
    if (!thin) {
        rollup_add(&writer->rollup, run);
    }
}

static void writer_put_block(struct segment_writer *writer, const struct run *run, bool split) {
    size_t at = record_begin(&writer->out);
    writer->codec.draft = writer->plan.draft && run->count < BLOCK_ROWS_FULL;
    block_put(&writer->codec, &writer->out, run);
    writer->codec.draft = false;
    record_finish(&writer->out, at, writer->tag, RECORD_BLOCK, run->count);
    struct block_entry *block = writer_entry(writer);
    *block = (struct block_entry){.offset = writer->out_offset + at,
        .size = (uint32_t)(writer->out.size - at),
        .rows = run->count,
        .min_ns = run->time[0],
        .max_ns = run->time[run->count - 1],
        .strict = run->strict,
        .split = split || writer->split_before};
    summary_init(&block->summary);
    summary_add(&block->summary, run, 0, run->count);
    writer->split_before = split;
    writer_account(writer, block, run);
}

/* Where a gap begins that is longer than all the rest of the times; `count` where none does. */
static uint32_t gap_cut(const int64_t *time, uint32_t count) {
    if (count < 2 * BLOCK_ROWS_GAP_MIN) {
        return count;
    }
    uint64_t half = ((uint64_t)time[count - 1] - (uint64_t)time[0]) / 2; // May pass INT64_MAX.
    for (uint32_t at = BLOCK_ROWS_GAP_MIN; at <= count - BLOCK_ROWS_GAP_MIN; at++) {
        if ((uint64_t)time[at] - (uint64_t)time[at - 1] > half) {
            return at;
        }
    }
    return count;
}

/* Where to cut the waiting rows: behind a whole group of versions where there is one. */
static uint32_t block_cut(const struct rows_buffer *rows, uint32_t want, bool *ret_split) {
    *ret_split = false;
    if (want >= rows->count) {
        return rows->count;
    }
    for (uint32_t at = want; at > 0; at--) {
        if (rows->time[at] != rows->time[at - 1]) {
            return at;
        }
    }
    uint32_t most = rows->count < BLOCK_ROWS_MAX ? rows->count : BLOCK_ROWS_MAX;
    for (uint32_t at = want; at < most; at++) {
        if (at > 0 && rows->time[at] != rows->time[at - 1]) {
            return at;
        }
    }
    *ret_split = most < rows->count;
    return most;
}

/* Rows whose texts fill a block. */
static uint32_t rows_in_text_limit(const struct rows_buffer *rows) {
    uint64_t bytes = 0;
    for (uint32_t i = 0; i < rows->count; i++) {
        bytes += rows->text[i].size;
        if (bytes > BLOCK_TEXT_BYTES) {
            return i > 0 ? i : 1;
        }
    }
    return rows->count;
}

static struct run first_rows(const struct rows_buffer *rows, uint32_t count) {
    struct rows_buffer part = *rows;
    part.count = count;
    struct run run = rows_run(&part);
    bool any_text = false;
    uint32_t any_status = 0;
    uint8_t any_flags = 0;
    for (uint32_t i = 0; i < count; i++) {
        any_text = any_text || rows->types[i] == TYPE_TEXT;
        any_status |= rows->status[i];
        any_flags |= rows->flags[i];
    }
    run.text = any_text ? rows->text : NULL;
    run.status = any_status != 0 ? rows->status : NULL;
    run.flags = any_flags != 0 ? rows->flags : NULL;
    return run;
}

/* Moves the rows behind the first `count` to the front, with their texts into fresh memory. */
static void writer_drop_rows(struct segment_writer *writer, uint32_t count) {
    if (count == writer->rows.count) {
        rows_clear(&writer->rows);
        arena_reset(&writer->texts);
        writer->text_bytes = 0;
        return;
    }
    struct rows_buffer rest;
    rows_init(&rest);
    struct run all = rows_run(&writer->rows);
    rows_append(&rest, &all, count, writer->rows.count);
    struct arena texts;
    arena_init(&texts, 0);
    writer->text_bytes = 0;
    for (uint32_t i = 0; i < rest.count && rest.has_text; i++) {
        if (rest.types[i] == TYPE_TEXT) {
            rest.text[i] = arena_copy(&texts, rest.text[i]);
            writer->text_bytes += rest.text[i].size;
        }
    }
    rows_clear(&writer->rows);
    struct run moved = rows_run(&rest);
    rows_append(&writer->rows, &moved, 0, rest.count);
    rows_fini(&rest);
    arena_fini(&writer->texts);
    writer->texts = texts;
}

/* Writes full blocks; with `all`, everything that waits. */
static int writer_cut(struct segment_writer *writer, bool all, struct err *err) {
    uint32_t enough = all ? 1 : BLOCK_ROWS_MAX;
    while (writer->rows.count >= enough || writer->text_bytes > BLOCK_TEXT_BYTES) {
        if (writer->rows.count == 0) {
            break;
        }
        uint32_t want = writer->rows.count < BLOCK_ROWS ? writer->rows.count : BLOCK_ROWS;
        if (writer->text_bytes > BLOCK_TEXT_BYTES) {
            uint32_t fits = rows_in_text_limit(&writer->rows);
            want = fits < want ? fits : want;
        }
        want = gap_cut(writer->rows.time, want);
        bool split = false;
        uint32_t count = block_cut(&writer->rows, want, &split);
        struct run run = first_rows(&writer->rows, count);
        writer_put_block(writer, &run, split);
        writer_drop_rows(writer, count);
        int rc = writer_flush_full(writer, err);
        if (rc < 0) {
            return rc;
        }
    }
    return 0;
}

static void writer_put_entry(struct segment_writer *writer, const struct tag_entry *entry) {
    if (writer->entry_count == writer->entry_capacity) {
        writer->entry_capacity = writer->entry_capacity > 0 ? writer->entry_capacity * 2 : 256;
        writer->entries =
            mem_resize(writer->entries, writer->entry_capacity * sizeof *writer->entries);
    }
    writer->entries[writer->entry_count++] = *entry;
}

/* Ends the present tag with its page. */
static int writer_end_tag(struct segment_writer *writer, struct err *err) {
    if (writer->tag == 0) {
        return 0;
    }
    writer->ending = true;
    int rc = writer_cut(writer, true, err);
    writer->ending = false;
    if (rc < 0) {
        return rc;
    }
    struct tag_page page = {
        .tag = writer->tag, .block_count = writer->block_count, .blocks = writer->blocks};
    rollup_give(&writer->rollup, &page);
    bool split = false;
    for (uint32_t i = 0; i < writer->block_count; i++) {
        split = split || writer->blocks[i].split;
    }
    for (int level = 0; level < ROLLUP_LEVELS && split; level++) {
        page.cell_count[level] = 0; // A group of versions was cut: cells would count twice.
    }
    size_t at = record_begin(&writer->out);
    page_put(&writer->codec, &writer->out, &page);
    record_finish(&writer->out, at, writer->tag, RECORD_PAGE, 0);
    for (int level = 0; level < ROLLUP_LEVELS; level++) {
        mem_free(page.cells[level]);
    }
    writer->entry.page_size = (uint32_t)(writer->out.size - at);
    writer_put_entry(writer, &writer->entry);
    writer->tag = 0;
    return writer_flush_full(writer, err);
}

static int writer_begin_tag(struct segment_writer *writer, uint32_t tag, struct err *err) {
    CHECK(tag > writer->tag && tag <= HIST_TAG_MAX);
    int rc = writer_end_tag(writer, err);
    if (rc < 0) {
        return rc;
    }
    writer->tag = tag;
    writer->entry = (struct tag_entry){.tag = tag, .offset = writer->out_offset + writer->out.size};
    writer->block_count = 0;
    writer->split_before = false;
    rollup_clear(&writer->rollup);
    return 0;
}

/* A run that is a block by itself needs no waiting: sealing mostly comes by here. */
static bool run_is_block(const struct segment_writer *writer, const struct run *run) {
    return writer->rows.count == 0 && run->strict && run->count == BLOCK_ROWS &&
           run->text == NULL && run->types == NULL && gap_cut(run->time, run->count) == run->count;
}

int segment_writer_add(
    struct segment_writer *writer, uint32_t tag, const struct run *run, struct err *err) {
    int rc = tag != writer->tag ? writer_begin_tag(writer, tag, err) : 0;
    if (rc < 0 || run->count == 0) {
        return rc;
    }
    if (run_is_block(writer, run)) {
        writer_put_block(writer, run, false);
        return writer_flush_full(writer, err);
    }
    uint32_t start = writer->rows.count;
    rows_append(&writer->rows, run, 0, run->count);
    for (uint32_t i = start; i < writer->rows.count && run->text != NULL; i++) {
        if (writer->rows.types[i] == TYPE_TEXT) {
            writer->rows.text[i] = arena_copy(&writer->texts, writer->rows.text[i]);
            writer->text_bytes += writer->rows.text[i].size;
        }
    }
    return writer_cut(writer, false, err);
}

bool segment_writer_can_copy(const struct segment_writer *writer, uint32_t tag) {
    return writer->tag != tag || writer->rows.count == 0 ||
           writer->rows.count >= BLOCK_ROWS_COPY_MIN;
}

int segment_writer_copy(struct segment_writer *writer, uint32_t tag, const uint8_t *record,
    size_t size, const struct block_entry *entry, const struct run *run, struct err *err) {
    int rc = tag != writer->tag ? writer_begin_tag(writer, tag, err) : 0;
    if (rc < 0) {
        return rc;
    }
    rc = writer_cut(writer, true, err);
    if (rc < 0) {
        return rc;
    }
    CHECK(writer->rows.count == 0 && !entry->split);
    struct block_entry *block = writer_entry(writer);
    *block = *entry;
    block->offset = writer->out_offset + writer->out.size;
    buf_put(&writer->out, record, size);
    writer->split_before = false;
    writer_account(writer, block, run);
    return writer_flush_full(writer, err);
}

/* Blocks and pages name no place in the file, only the directory does. */
int segment_writer_join(
    struct segment_writer *writer, struct segment_writer *piece, struct err *err) {
    int rc = writer_end_tag(writer, err);
    rc = rc < 0 ? rc : writer_end_tag(piece, err);
    rc = rc < 0 ? rc : writer_flush(writer, err);
    if (rc < 0 || piece->entry_count == 0) {
        return rc;
    }
    CHECK(writer->entry_count == 0 ||
          writer->entries[writer->entry_count - 1].tag < piece->entries[0].tag);
    for (uint32_t i = 0; i < piece->entry_count; i++) {
        piece->entries[i].offset += writer->out_offset;
        writer_put_entry(writer, &piece->entries[i]);
    }
    writer->row_count += piece->row_count;
    CHECK(!piece->out.overflow);
    rc = file_write_at(writer->plan.files, writer->fd, writer->path, writer->out_offset,
        piece->out.data, piece->out.size, err);
    writer->out_offset += rc < 0 ? 0 : piece->out.size;
    buf_clear(&piece->out);
    piece->entry_count = 0;
    piece->row_count = 0;
    return rc;
}

uint64_t segment_writer_rows(const struct segment_writer *writer) {
    return writer->row_count + writer->rows.count;
}

int segment_writer_finish(struct segment_writer *writer, struct err *err) {
    int rc = writer_end_tag(writer, err);
    if (rc < 0) {
        return rc;
    }
    struct segment_tail tail = {.directory_offset = writer->out_offset + writer->out.size,
        .tag_count = writer->entry_count,
        .rows = writer->row_count,
        .min_ns = INT64_MAX,
        .max_ns = INT64_MIN,
        .id = writer->plan.id};
    for (uint32_t i = 0; i < writer->entry_count; i++) {
        const struct tag_entry *entry = &writer->entries[i];
        tail.min_ns = entry->min_ns < tail.min_ns ? entry->min_ns : tail.min_ns;
        tail.max_ns = entry->max_ns > tail.max_ns ? entry->max_ns : tail.max_ns;
    }
    size_t at = record_begin(&writer->out);
    directory_put(&writer->codec, &writer->out, writer->entries, writer->entry_count);
    record_finish(&writer->out, at, 0, RECORD_DIRECTORY, 0);
    tail.directory_size = (uint32_t)(writer->out.size - at);
    uint8_t bytes[SEGMENT_TAIL_BYTES];
    segment_tail_put(bytes, &tail);
    buf_put(&writer->out, bytes, sizeof bytes);
    rc = writer_flush(writer, err);
    rc = rc < 0 ? rc : file_sync(writer->plan.files, writer->fd, writer->path, err);
    writer->finished = rc == 0;
    return rc;
}
