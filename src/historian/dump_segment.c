/*
 * A segment as it lies: head, then record behind record up to the tail. The directory is shown like
 * any other record and compared with what was met; it is not needed to find the way. Behind a
 * damaged record the next whole one is looked for, byte by byte, with a bound on the work. A file
 * of roll-ups (aged.h) has the same shape.
 */
#include "core/mem.h"
#include "historian/aged.h"
#include "historian/block.h"
#include "historian/dump_out.h"

struct segment_walk {
    struct dump *dump;
    uint64_t end; // Records end here.
    uint64_t at;
    uint32_t tag;         // Of the record before.
    uint64_t first_block; // Where that tag's blocks begin.
    uint64_t tags;
    uint64_t rows;
    uint64_t directory_at; // Of the directory record; 0: none met.
    uint32_t tag_count;    // As the tail says.
    uint64_t search_left;  // Bytes that may still be checked behind damaged places.
};

static void dump_summary(struct dump *dump, const struct summary *summary) {
    dump_int(dump, "count", (int64_t)summary->count);
    dump_int(dump, "bad", (int64_t)summary->bad_count);
    dump_f64(dump, "min", summary->min);
    dump_f64(dump, "max", summary->max);
    dump_f64(dump, "sum", summary->sum);
}

static bool dump_block_columns(
    struct dump *dump, struct reader *from, uint32_t rows, uint8_t layout, uint8_t type) {
    bool mixed = (layout & 1) != 0;
    bool good =
        dump_ints(dump, "times", from, rows) && (!mixed || dump_ints(dump, "types", from, rows));
    if (good && !mixed && type == TYPE_F64) {
        good = dump_doubles(dump, "values", from, rows);
    } else if (good && (mixed || type != TYPE_TEXT)) {
        good = dump_ints(dump, "values", from, rows);
    }
    return good && ((layout & 16) == 0 || dump_texts(dump, "texts", from, rows)) &&
           ((layout & 2) == 0 || dump_ints(dump, "status", from, rows)) &&
           ((layout & 4) == 0 || dump_ints(dump, "flags", from, rows)) && reader_left(from) == 0;
}

/* `payload` is behind the head of the record. */
static void dump_block(struct segment_walk *walk, const struct record_head *head,
    const uint8_t *payload, size_t size) {
    struct dump *dump = walk->dump;
    struct reader decode = reader_of(payload, size);
    struct run run = {0};
    bool good = block_get(&dump->decoder, &decode, head->rows, &run) && reader_left(&decode) == 0;
    dump_int(dump, "rows", head->rows);
    struct reader from = reader_of(payload, size);
    uint8_t layout = read_u8(&from);
    uint8_t type = read_u8(&from);
    dump_hex(dump, "layout", layout);
    dump_int(dump, "type", type);
    if (good) {
        dump_int(dump, "from", run.time[0]);
        dump_int(dump, "to", run.time[run.count - 1]);
    }
    dump_bool(dump, "decodes", good);
    good = dump_block_columns(dump, &from, head->rows, layout, type) && good;
    if (!good) {
        dump_damage(dump, walk->at, "block");
    }
    walk->rows += head->rows;
}

static void dump_page(struct segment_walk *walk, const uint8_t *payload, size_t size) {
    struct dump *dump = walk->dump;
    struct reader from = reader_of(payload, size);
    struct tag_page *page = NULL;
    if (!page_get(&dump->decoder.codec, &from, walk->first_block, &page)) {
        dump_damage(dump, walk->at, "page");
        return;
    }
    static const char *const levels[ROLLUP_LEVELS] = {"cells_1min", "cells_10min", "cells_1h"};
    dump_int(dump, "blocks", page->block_count);
    dump_int(dump, "rows", (int64_t)page->rows);
    for (int level = 0; level < ROLLUP_LEVELS; level++) {
        dump_int(dump, levels[level], page->cell_count[level]);
    }
    for (uint32_t i = 0; i < page->block_count; i++) {
        const struct block_entry *block = &page->blocks[i];
        dump_begin(dump, "entry");
        dump_int(dump, "at", (int64_t)block->offset);
        dump_int(dump, "size", block->size);
        dump_int(dump, "rows", block->rows);
        dump_int(dump, "from", block->min_ns);
        dump_int(dump, "to", block->max_ns);
        dump_bool(dump, "strict", block->strict);
        dump_bool(dump, "split", block->split);
        dump_summary(dump, &block->summary);
        dump_end(dump);
    }
    tag_page_unref(page);
}

static void dump_directory(struct segment_walk *walk, const uint8_t *payload, size_t size) {
    struct dump *dump = walk->dump;
    struct reader from = reader_of(payload, size);
    struct tag_entry *entries = directory_get(&dump->decoder.codec, &from, walk->tag_count);
    walk->directory_at = walk->at;
    if (entries == NULL) {
        dump_damage(dump, walk->at, "directory");
        return;
    }
    uint64_t rows = 0;
    for (uint32_t i = 0; i < walk->tag_count; i++) {
        dump_begin(dump, "entry");
        dump_int(dump, "tag", entries[i].tag);
        dump_int(dump, "at", (int64_t)entries[i].offset);
        dump_int(dump, "blocks_size", (int64_t)entries[i].blocks_size);
        dump_int(dump, "page_size", entries[i].page_size);
        dump_int(dump, "rows", (int64_t)entries[i].rows);
        dump_int(dump, "from", entries[i].min_ns);
        dump_int(dump, "to", entries[i].max_ns);
        dump_end(dump);
        rows += entries[i].rows;
    }
    if (walk->tags != walk->tag_count || rows != walk->rows) {
        dump_damage(dump, walk->at, "directory-differs-from-blocks");
    }
    mem_free(entries);
}

/* Which level they are of stands in the contents behind them: starts are in widths of it. */
static void dump_cells(struct segment_walk *walk, const struct record_head *head,
    const uint8_t *payload, size_t size) {
    struct dump *dump = walk->dump;
    struct reader from = reader_of(payload, size);
    AUTO_FREE struct cell *cells = MEM_ARRAY(struct cell, BLOCK_ROWS);
    uint32_t count = head->rows;
    bool good = count > 0 && count <= BLOCK_ROWS &&
                cells_get(&dump->decoder.codec, &from, cells, count, 1) && reader_left(&from) == 0;
    dump_int(dump, "cells", count);
    walk->rows += count;
    if (!good) {
        dump_damage(dump, walk->at, "cells");
        return;
    }
    for (uint32_t i = 0; i < count; i++) {
        dump_begin(dump, "cell");
        dump_int(dump, "start", cells[i].start_ns);
        dump_summary(dump, &cells[i].summary);
        dump_end(dump);
    }
}

static void dump_contents(struct segment_walk *walk, const uint8_t *payload, size_t size) {
    struct dump *dump = walk->dump;
    struct reader from = reader_of(payload, size);
    struct aged_contents contents = {0};
    if (!aged_contents_get(&dump->decoder.codec, &from, walk->first_block, &contents)) {
        dump_damage(dump, walk->at, "contents");
        return;
    }
    for (uint32_t i = 0; i < contents.count; i++) {
        const struct aged_chunk *chunk = &contents.chunks[i];
        dump_begin(dump, "chunk");
        dump_int(dump, "at", (int64_t)chunk->offset);
        dump_int(dump, "size", chunk->size);
        dump_int(dump, "width", rollup_ns[chunk->level]);
        dump_int(dump, "cells", chunk->cells);
        dump_int(dump, "from", chunk->first_ns);
        dump_int(dump, "to", chunk->last_ns);
        dump_end(dump);
    }
    aged_contents_fini(&contents);
}

static void dump_record(
    struct segment_walk *walk, const struct record_head *head, const uint8_t *bytes) {
    static const char *const names[] = {"", "block", "page", "directory", "cells", "contents"};
    struct dump *dump = walk->dump;
    if (head->kind != RECORD_DIRECTORY && head->tag != walk->tag) {
        walk->tag = head->tag;
        walk->first_block = walk->at;
        walk->tags++;
    }
    dump_begin(dump, names[head->kind]);
    dump_int(dump, "at", (int64_t)walk->at);
    dump_int(dump, "size", head->size);
    dump_int(dump, "tag", head->tag);
    dump_hex(dump, "crc", head->crc);
    const uint8_t *payload = bytes + RECORD_HEAD_BYTES;
    size_t size = head->size - RECORD_HEAD_BYTES;
    switch (head->kind) {
    case RECORD_BLOCK: dump_block(walk, head, payload, size); break;
    case RECORD_PAGE: dump_page(walk, payload, size); break;
    case RECORD_DIRECTORY: dump_directory(walk, payload, size); break;
    case RECORD_CELLS: dump_cells(walk, head, payload, size); break;
    case RECORD_CONTENTS: dump_contents(walk, payload, size); break;
    }
    dump_end(dump);
}

/* The whole record at a place, borrowed; NULL: none. */
static const uint8_t *record_at(
    struct segment_walk *walk, uint64_t at, struct record_head *ret_head) {
    const uint8_t *bytes =
        walk->end - at >= RECORD_HEAD_BYTES ? dump_get(walk->dump, at, RECORD_HEAD_BYTES) : NULL;
    if (bytes == NULL || !record_head_read(bytes, ret_head) || ret_head->size > walk->end - at) {
        return NULL;
    }
    bytes = dump_get(walk->dump, at, ret_head->size);
    return bytes != NULL && record_is_whole(bytes, ret_head->size, ret_head) ? bytes : NULL;
}

/* The next whole record behind a place, looked for byte by byte; the end where there is none or the
 * search became too long. */
static uint64_t next_record(struct segment_walk *walk, uint64_t at) {
    while (++at < walk->end && walk->search_left > RECORD_HEAD_BYTES) {
        struct record_head head = {0};
        if (record_at(walk, at, &head) != NULL) {
            return at;
        }
        uint64_t cost = head.size <= walk->end - at ? head.size : RECORD_HEAD_BYTES;
        cost = cost > RECORD_HEAD_BYTES ? cost : RECORD_HEAD_BYTES;
        walk->search_left -= cost < walk->search_left ? cost : walk->search_left;
    }
    return walk->end;
}

/* Says what is wrong at walk->at and goes to the next whole record. */
static void dump_gap(struct segment_walk *walk) {
    struct record_head head = {0};
    struct record_head next = {0};
    uint64_t start = walk->at;
    const uint8_t *bytes = walk->end - start >= RECORD_HEAD_BYTES
                               ? dump_get(walk->dump, start, RECORD_HEAD_BYTES)
                               : NULL;
    bool named =
        bytes != NULL && record_head_read(bytes, &head) && head.size <= walk->end - start &&
        (start + head.size == walk->end || record_at(walk, start + head.size, &next) != NULL);
    walk->at = named ? start + head.size : next_record(walk, start);
    dump_damage(walk->dump, start, named ? "record-checksum" : "record");
}

static void dump_records(struct segment_walk *walk) {
    while (walk->at < walk->end && walk->dump->status >= 0) {
        struct record_head head = {0};
        const uint8_t *bytes = record_at(walk, walk->at, &head);
        if (bytes == NULL) {
            dump_gap(walk);
            continue;
        }
        dump_record(walk, &head, bytes);
        walk->at += head.size;
    }
}

static void dump_segment_head(struct dump *dump) {
    const uint8_t *bytes = dump_get(dump, 0, SEGMENT_HEAD_BYTES);
    struct segment_head head = {0};
    int rc = bytes != NULL ? segment_head_get(bytes, &head) : -ERR_CORRUPT;
    struct aged_head aged = {0};
    if (rc == -ERR_CORRUPT && bytes != NULL && (rc = aged_head_get(bytes, &aged)) == 0) {
        dump_begin(dump, "head");
        dump_int(dump, "id", (int64_t)aged.id);
        dump_int(dump, "first_round", (int64_t)aged.round_low);
        dump_int(dump, "last_round", (int64_t)aged.round_high);
        dump_end(dump);
        return;
    }
    if (rc < 0) {
        dump_damage(dump, 0, rc == -ERR_VERSION ? "later-version" : "head");
        return;
    }
    dump_begin(dump, "head");
    dump_int(dump, "id", (int64_t)head.id);
    dump_int(dump, "first_seq", (int64_t)head.seq_low);
    dump_int(dump, "last_seq", (int64_t)head.seq_high);
    dump_end(dump);
}

void dump_segment(struct dump *dump) {
    dump_segment_head(dump);
    struct segment_walk walk = {.dump = dump,
        .end = dump->size,
        .at = dump->size < SEGMENT_HEAD_BYTES ? dump->size : SEGMENT_HEAD_BYTES,
        .search_left = 16 * dump->size + (1 << 20)};
    uint64_t tail_at = dump->size - SEGMENT_TAIL_BYTES;
    const uint8_t *bytes = dump->size >= SEGMENT_HEAD_BYTES + SEGMENT_TAIL_BYTES
                               ? dump_get(dump, tail_at, SEGMENT_TAIL_BYTES)
                               : NULL;
    struct segment_tail tail = {0};
    bool has_tail = bytes != NULL && segment_tail_get(bytes, &tail);
    if (bytes != NULL) { // A damaged tail has its place all the same, but for a file that was cut.
        walk.end = has_tail ? tail_at : dump->size;
        walk.tag_count = has_tail ? tail.tag_count : 0;
    }
    dump_records(&walk);
    if (!has_tail) {
        dump_damage(dump, bytes != NULL ? tail_at : dump->size, "tail");
        return;
    }
    dump_begin(dump, "tail");
    dump_int(dump, "at", (int64_t)tail_at);
    dump_int(dump, "directory_at", (int64_t)tail.directory_offset);
    dump_int(dump, "directory_size", tail.directory_size);
    dump_int(dump, "tags", tail.tag_count);
    dump_int(dump, "rows", (int64_t)tail.rows);
    dump_int(dump, "from", tail.min_ns);
    dump_int(dump, "to", tail.max_ns);
    dump_end(dump);
    if (walk.directory_at != tail.directory_offset) {
        dump_damage(dump, tail.directory_offset, "no-directory-where-the-tail-says");
    }
}
