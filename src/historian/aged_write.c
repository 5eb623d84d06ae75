/*
 * Writing an aged file in one pass.
 *
 * Cells of a level collect until a chunk is full (some 4,090 of them: 28 days of 10 minutes) and
 * are written then, so memory does not depend on how much expires. Of rows, each minute is summed
 * once and merged into the cells of all levels. The levels of 10 minutes and 1 hour are always
 * kept: the rows that could answer instead are going. The minutes are kept where a chunk of them
 * stands for 256 rows a cell or more, as in segments; below that they would cost as much as the
 * rows did.
 *
 * Readers do not rely on a level being whole: they compare counts before they go into a smaller
 * level (query_aged.c), so a chunk of minutes that was left out is no wrong answer.
 */
#include "historian/aged_write.h"

#include <stdio.h>

#include "core/check.h"
#include "core/limits.h"
#include "core/mem.h"
#include "historian/rollup.h"

enum {
    OUT_BYTES = 1 << 20,
    OUT_BYTES_MAX = RECORD_BYTES_MAX + OUT_BYTES,
    CHUNK_CELLS = BLOCK_ROWS,
    CHUNK_COPY_MIN = BLOCK_ROWS / 2, // A chunk of so many cells stays as it is,
    CHUNK_REST_MIN = BLOCK_ROWS / 8, // where none or so many cells wait before it.
    HOUR_CELLS_MAX = 60,
    MINUTE_ROWS_MIN = 256,
};

struct aged_writer {
    struct aged_plan plan;
    char path[LIMIT_PATH_BYTES];
    int fd;
    bool finished;
    struct codec codec;
    struct buf out;      // Not yet written.
    uint64_t out_offset; // Of its first byte in the file.
    /* The present tag. */
    uint32_t tag; // 0: none.
    struct waiting {
        struct cell *cells; // CHUNK_CELLS; the last one may still grow.
        uint32_t count;
    } levels[ROLLUP_LEVELS];
    struct aged_contents contents;
    uint32_t chunk_capacity;
    struct tag_entry entry;
    /* The file. */
    struct tag_entry *entries;
    uint32_t entry_count;
    uint32_t entry_capacity;
    uint64_t cell_count;
};

int aged_writer_open(
    const struct aged_plan *plan, struct aged_writer **ret_writer, struct err *err) {
    struct aged_writer *writer = MEM_NEW(struct aged_writer);
    writer->plan = *plan;
    char name[32];
    aged_name(plan->id, name);
    (void)snprintf(writer->path, sizeof writer->path, "%s/%s", plan->dir, name);
    writer->fd = -1;
    int rc = file_remove(plan->files, writer->path, err); // Left over from a failed attempt.
    rc = rc < 0 ? rc : file_open(plan->files, writer->path, FILE_CREATE_NEW, &writer->fd, err);
    if (rc < 0) {
        mem_free(writer);
        return rc;
    }
    codec_init(&writer->codec);
    buf_init(&writer->out, OUT_BYTES_MAX);
    for (int level = 0; level < ROLLUP_LEVELS; level++) {
        writer->levels[level].cells = MEM_ARRAY(struct cell, CHUNK_CELLS);
    }
    uint8_t head[AGED_HEAD_BYTES];
    aged_head_put(
        head, &(struct aged_head){
                  .id = plan->id, .round_low = plan->round_low, .round_high = plan->round_high});
    buf_put(&writer->out, head, sizeof head);
    *ret_writer = writer;
    return 0;
}

void aged_writer_free(struct aged_writer *writer) {
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
    for (int level = 0; level < ROLLUP_LEVELS; level++) {
        mem_free(writer->levels[level].cells);
    }
    aged_contents_fini(&writer->contents);
    mem_free(writer->entries);
    mem_free(writer);
}

static int writer_flush(struct aged_writer *writer, struct err *err) {
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

/* ---- Chunks ---- */

static void chunk_note(struct aged_writer *writer, const struct aged_chunk *chunk) {
    struct aged_contents *contents = &writer->contents;
    if (contents->count == writer->chunk_capacity) {
        writer->chunk_capacity = writer->chunk_capacity > 0 ? writer->chunk_capacity * 2 : 16;
        contents->chunks =
            mem_resize(contents->chunks, writer->chunk_capacity * sizeof *contents->chunks);
    }
    contents->chunks[contents->count++] = *chunk;
    writer->entry.blocks_size += chunk->size;
    writer->entry.rows += chunk->cells;
    if (contents->count == 1 || chunk->first_ns < writer->entry.min_ns) {
        writer->entry.min_ns = chunk->first_ns; // Not how far back was looked.
    }
    writer->cell_count += chunk->cells;
}

static bool minutes_are_thin(const struct waiting *level) {
    uint64_t rows = 0;
    for (uint32_t i = 0; i < level->count; i++) {
        rows += level->cells[i].summary.count + level->cells[i].summary.bad_count;
    }
    return rows / level->count < MINUTE_ROWS_MIN;
}

/* Writes what waits in a level as a chunk. */
static int level_flush(struct aged_writer *writer, int number, struct err *err) {
    struct waiting *level = &writer->levels[number];
    if (level->count == 0 || (number == 0 && minutes_are_thin(level))) {
        level->count = 0;
        return 0;
    }
    size_t at = record_begin(&writer->out);
    cells_put(&writer->codec, &writer->out, level->cells, level->count, rollup_ns[number]);
    record_finish(&writer->out, at, writer->tag, RECORD_CELLS, level->count);
    chunk_note(writer, &(struct aged_chunk){.offset = writer->out_offset + at,
                           .size = (uint32_t)(writer->out.size - at),
                           .level = (uint8_t)number,
                           .cells = level->count,
                           .first_ns = level->cells[0].start_ns,
                           .last_ns = level->cells[level->count - 1].start_ns});
    level->count = 0;
    return writer->out.size >= OUT_BYTES ? writer_flush(writer, err) : 0;
}

/* A chunk ends between hours, so that what an hour is made of stands in one. */
static int cell_add(struct aged_writer *writer, int number, int64_t start_ns,
    const struct summary *summary, struct err *err) {
    const int64_t hour_ns = rollup_ns[ROLLUP_LEVELS - 1];
    struct waiting *level = &writer->levels[number];
    int64_t last_ns = level->count > 0 ? level->cells[level->count - 1].start_ns : start_ns;
    bool grows = level->count > 0 && last_ns == start_ns;
    bool new_hour = rollup_start(last_ns, hour_ns) != rollup_start(start_ns, hour_ns);
    if (new_hour && level->count > CHUNK_CELLS - HOUR_CELLS_MAX) {
        int rc = level_flush(writer, number, err);
        if (rc < 0) {
            return rc;
        }
    }
    if (!grows) {
        struct cell *cell = &level->cells[level->count++];
        cell->start_ns = start_ns;
        summary_init(&cell->summary);
    }
    summary_merge(&level->cells[level->count - 1].summary, summary);
    return 0;
}

bool aged_writer_can_copy(const struct aged_writer *writer, const struct aged_chunk *chunk) {
    uint32_t waiting = writer->levels[chunk->level].count;
    return chunk->cells >= CHUNK_COPY_MIN && (waiting == 0 || waiting >= CHUNK_REST_MIN);
}

int aged_writer_copy(struct aged_writer *writer, const struct aged_chunk *chunk,
    const uint8_t *record, struct err *err) {
    int rc = level_flush(writer, chunk->level, err);
    if (rc < 0) {
        return rc;
    }
    struct aged_chunk copy = *chunk;
    copy.offset = writer->out_offset + writer->out.size;
    buf_put(&writer->out, record, chunk->size);
    chunk_note(writer, &copy);
    return writer->out.size >= OUT_BYTES ? writer_flush(writer, err) : 0;
}

int aged_writer_cells(struct aged_writer *writer, int level, const struct cell *cells,
    uint32_t count, struct err *err) {
    int rc = 0;
    for (uint32_t i = 0; i < count && rc == 0; i++) {
        rc = cell_add(writer, level, cells[i].start_ns, &cells[i].summary, err);
    }
    return rc;
}

int aged_writer_rows(struct aged_writer *writer, const struct run *run, struct err *err) {
    int rc = 0;
    for (uint32_t from = 0; from < run->count && rc == 0;) {
        int64_t start_ns = rollup_start(run->time[from], rollup_ns[0]);
        uint32_t to = run_lower_bound(run, from, start_ns + rollup_ns[0]);
        struct summary summary;
        summary_init(&summary);
        summary_add(&summary, run, from, to);
        for (int level = 0; level < ROLLUP_LEVELS && rc == 0; level++) {
            int64_t cell_ns = rollup_start(run->time[from], rollup_ns[level]);
            rc = cell_add(writer, level, cell_ns, &summary, err);
        }
        from = to;
    }
    return rc;
}

/* ---- Tags and the file ---- */

static int writer_end_tag(struct aged_writer *writer, struct err *err) {
    if (writer->tag == 0) {
        return 0;
    }
    for (int level = 0; level < ROLLUP_LEVELS; level++) {
        int rc = level_flush(writer, level, err);
        if (rc < 0) {
            return rc;
        }
    }
    if (writer->contents.count > 0) {
        size_t at = record_begin(&writer->out);
        aged_contents_put(&writer->codec, &writer->out, &writer->contents);
        record_finish(&writer->out, at, writer->tag, RECORD_CONTENTS, 0);
        writer->entry.page_size = (uint32_t)(writer->out.size - at);
        if (writer->entry_count == writer->entry_capacity) {
            writer->entry_capacity = writer->entry_capacity > 0 ? writer->entry_capacity * 2 : 256;
            writer->entries =
                mem_resize(writer->entries, writer->entry_capacity * sizeof *writer->entries);
        }
        writer->entries[writer->entry_count++] = writer->entry;
    }
    writer->tag = 0;
    return writer->out.size >= OUT_BYTES ? writer_flush(writer, err) : 0;
}

int aged_writer_begin(
    struct aged_writer *writer, uint32_t tag, int64_t from_ns, int64_t to_ns, struct err *err) {
    CHECK(tag > writer->tag && tag <= HIST_TAG_MAX && from_ns < to_ns);
    int rc = writer_end_tag(writer, err);
    if (rc < 0) {
        return rc;
    }
    writer->tag = tag;
    writer->contents.count = 0;
    writer->entry = (struct tag_entry){.tag = tag,
        .offset = writer->out_offset + writer->out.size,
        .min_ns = from_ns,
        .max_ns = to_ns - 1};
    return 0;
}

uint64_t aged_writer_count(const struct aged_writer *writer) {
    uint64_t count = writer->cell_count;
    for (int level = 0; level < ROLLUP_LEVELS; level++) {
        count += writer->levels[level].count;
    }
    return count;
}

int aged_writer_finish(struct aged_writer *writer, struct err *err) {
    int rc = writer_end_tag(writer, err);
    if (rc < 0) {
        return rc;
    }
    struct segment_tail tail = {.directory_offset = writer->out_offset + writer->out.size,
        .tag_count = writer->entry_count,
        .rows = writer->cell_count,
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
