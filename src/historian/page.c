/*
 * Pages and directories: what a segment knows about its tags, written with the same column forms as
 * the rows themselves.
 *
 * A page has one entry per block and one per roll-up cell, each with ten statistics. As columns
 * these are small: counts are constant, minima and maxima are decimals like the values, times step.
 * Columns come in groups of at most 4,096 entries, the bound of the column coders.
 */
#include <stdatomic.h>
#include <stddef.h>

#include "core/mem.h"
#include "historian/block.h"

const int64_t rollup_ns[ROLLUP_LEVELS] = {60000000000LL, 600000000000LL, 3600000000000LL};

enum {
    GROUP = DIRECTORY_PART_TAGS,
    BLOCKS_MAX = 1 << 22, // Entries of one page: 17 billion rows.
    CELLS_MAX = 1 << 24,
    BLOCK_STRICT = 1,
    BLOCK_SPLIT = 2,
};

/* One 64-bit field of an array of structs, as a column and back. */
struct field {
    size_t offset;
    enum { FIELD_INT, FIELD_DOUBLE } kind;
};

#define SUMMARY_FIELD(name, kind_of)                                                               \
    { offsetof(struct summary, name), kind_of }
static const struct field summary_fields[] = {
    SUMMARY_FIELD(count, FIELD_INT),
    SUMMARY_FIELD(bad_count, FIELD_INT),
    SUMMARY_FIELD(number_count, FIELD_INT),
    SUMMARY_FIELD(min, FIELD_DOUBLE),
    SUMMARY_FIELD(max, FIELD_DOUBLE),
    SUMMARY_FIELD(sum, FIELD_DOUBLE),
    SUMMARY_FIELD(sum_low, FIELD_DOUBLE),
    SUMMARY_FIELD(first, FIELD_DOUBLE),
    SUMMARY_FIELD(last, FIELD_DOUBLE),
    SUMMARY_FIELD(first_ns, FIELD_INT),
    SUMMARY_FIELD(last_ns, FIELD_INT),
};
enum { SUMMARY_FIELDS = sizeof summary_fields / sizeof summary_fields[0] };
_Static_assert(sizeof(struct summary) == SUMMARY_FIELDS * 8, "every field of a summary is kept");

/* Fields of `count` (<= GROUP) structs, `stride` bytes apart. */
static void fields_put(struct codec *codec, struct buf *to, const struct field *fields,
    uint32_t field_count, const void *array, size_t stride, uint32_t count) {
    bits64 column[GROUP];
    for (uint32_t f = 0; f < field_count; f++) {
        const uint8_t *at = (const uint8_t *)array + fields[f].offset;
        for (uint32_t i = 0; i < count; i++) {
            memcpy(&column[i], at + i * stride, sizeof column[i]);
        }
        if (fields[f].kind == FIELD_DOUBLE) {
            column_put_doubles(codec, to, column, count);
        } else {
            column_put_ints(codec, to, column, count);
        }
    }
}

static bool fields_get(struct codec *codec, struct reader *from, const struct field *fields,
    uint32_t field_count, void *array, size_t stride, uint32_t count) {
    bits64 column[GROUP];
    for (uint32_t f = 0; f < field_count; f++) {
        bool good = fields[f].kind == FIELD_DOUBLE ? column_get_doubles(codec, from, column, count)
                                                   : column_get_ints(codec, from, column, count);
        if (!good) {
            return false;
        }
        uint8_t *at = (uint8_t *)array + fields[f].offset;
        for (uint32_t i = 0; i < count; i++) {
            memcpy(at + i * stride, &column[i], sizeof column[i]);
        }
    }
    return true;
}

/* A block's place as 64-bit fields. */
struct place {
    uint64_t size;
    uint64_t rows;
    uint64_t marks;
    int64_t min_ns;
    int64_t span_ns;
};
static const struct field place_fields[] = {
    {offsetof(struct place, size), FIELD_INT},
    {offsetof(struct place, rows), FIELD_INT},
    {offsetof(struct place, marks), FIELD_INT},
    {offsetof(struct place, min_ns), FIELD_INT},
    {offsetof(struct place, span_ns), FIELD_INT},
};
enum { PLACE_FIELDS = sizeof place_fields / sizeof place_fields[0] };

static void blocks_put(
    struct codec *codec, struct buf *to, const struct block_entry *blocks, uint32_t count) {
    struct place places[GROUP];
    for (uint32_t i = 0; i < count; i++) {
        const struct block_entry *block = &blocks[i];
        places[i] = (struct place){.size = block->size,
            .rows = block->rows,
            .marks = (block->strict ? BLOCK_STRICT : 0U) | (block->split ? BLOCK_SPLIT : 0U),
            .min_ns = block->min_ns,
            .span_ns = (int64_t)((uint64_t)block->max_ns - (uint64_t)block->min_ns)};
    }
    fields_put(codec, to, place_fields, PLACE_FIELDS, places, sizeof places[0], count);
    fields_put(
        codec, to, summary_fields, SUMMARY_FIELDS, &blocks[0].summary, sizeof blocks[0], count);
}

void cells_put(struct codec *codec, struct buf *to, const struct cell *cells, uint32_t count,
    int64_t width_ns) {
    bits64 index[GROUP];
    for (uint32_t i = 0; i < count; i++) {
        index[i] = (uint64_t)(cells[i].start_ns / width_ns);
    }
    column_put_ints(codec, to, index, count);
    fields_put(
        codec, to, summary_fields, SUMMARY_FIELDS, &cells[0].summary, sizeof cells[0], count);
}

static uint32_t group_size(uint32_t count, uint32_t done) {
    return count - done < GROUP ? count - done : GROUP;
}

void page_put(struct codec *codec, struct buf *to, const struct tag_page *page) {
    write_varint(to, page->block_count);
    for (uint32_t i = 0; i < page->block_count; i += GROUP) {
        blocks_put(codec, to, page->blocks + i, group_size(page->block_count, i));
    }
    for (int level = 0; level < ROLLUP_LEVELS; level++) {
        uint32_t count = page->cell_count[level];
        write_varint(to, count);
        for (uint32_t i = 0; i < count; i += GROUP) {
            cells_put(codec, to, page->cells[level] + i, group_size(count, i), rollup_ns[level]);
        }
    }
}

static bool blocks_get(struct codec *codec, struct reader *from, struct block_entry *blocks,
    uint32_t count, uint64_t *offset) {
    struct place places[GROUP];
    if (!fields_get(codec, from, place_fields, PLACE_FIELDS, places, sizeof places[0], count) ||
        !fields_get(codec, from, summary_fields, SUMMARY_FIELDS, &blocks[0].summary,
            sizeof blocks[0], count)) {
        return false;
    }
    for (uint32_t i = 0; i < count; i++) {
        const struct place *place = &places[i];
        int64_t max_ns = (int64_t)((uint64_t)place->min_ns + (uint64_t)place->span_ns);
        if (place->size > RECORD_BYTES_MAX || place->rows > BLOCK_ROWS_MAX ||
            max_ns < place->min_ns) {
            return false;
        }
        blocks[i].offset = *offset;
        blocks[i].size = (uint32_t)place->size;
        blocks[i].rows = (uint32_t)place->rows;
        blocks[i].min_ns = place->min_ns;
        blocks[i].max_ns = max_ns;
        blocks[i].strict = (place->marks & BLOCK_STRICT) != 0;
        blocks[i].split = (place->marks & BLOCK_SPLIT) != 0;
        *offset += place->size;
    }
    return true;
}

bool cells_get(struct codec *codec, struct reader *from, struct cell *cells, uint32_t count,
    int64_t width_ns) {
    bits64 index[GROUP];
    if (!column_get_ints(codec, from, index, count) ||
        !fields_get(codec, from, summary_fields, SUMMARY_FIELDS, &cells[0].summary, sizeof cells[0],
            count)) {
        return false;
    }
    for (uint32_t i = 0; i < count; i++) {
        cells[i].start_ns = (int64_t)(index[i] * (uint64_t)width_ns);
    }
    return true;
}

void tag_page_unref(struct tag_page *page) {
    if (page == NULL ||
        atomic_fetch_sub_explicit(&page->references, 1, memory_order_acq_rel) != 1) {
        return;
    }
    mem_free(page->blocks);
    for (int level = 0; level < ROLLUP_LEVELS; level++) {
        mem_free(page->cells[level]);
    }
    mem_free(page);
}

/* Counts come from outside: memory is taken group by group, as the bytes prove them. */
static bool page_blocks_get(
    struct codec *codec, struct reader *from, uint64_t offset, struct tag_page *page) {
    uint64_t count = read_varint(from);
    if (from->failed || count == 0 || count > BLOCKS_MAX) {
        return false;
    }
    for (uint32_t i = 0; i < count; i += GROUP) {
        uint32_t size = group_size((uint32_t)count, i);
        page->blocks = mem_resize(page->blocks, (i + size) * sizeof *page->blocks);
        if (!blocks_get(codec, from, page->blocks + i, size, &offset)) {
            return false;
        }
        page->block_count = i + size;
    }
    for (uint32_t i = 0; i < page->block_count; i++) {
        page->rows += page->blocks[i].rows;
        if (i > 0 && page->blocks[i].min_ns < page->blocks[i - 1].max_ns) {
            return false; // Blocks of a tag follow each other in time.
        }
    }
    return true;
}

static bool page_cells_get(
    struct codec *codec, struct reader *from, struct tag_page *page, int level) {
    uint64_t count = read_varint(from);
    if (from->failed || count > CELLS_MAX) {
        return false;
    }
    for (uint32_t i = 0; i < count; i += GROUP) {
        uint32_t size = group_size((uint32_t)count, i);
        page->cells[level] =
            mem_resize(page->cells[level], (i + size) * sizeof *page->cells[level]);
        if (!cells_get(codec, from, page->cells[level] + i, size, rollup_ns[level])) {
            return false;
        }
        page->cell_count[level] = i + size;
    }
    return true;
}

bool page_get(
    struct codec *codec, struct reader *from, uint64_t offset, struct tag_page **ret_page) {
    struct tag_page *page = MEM_NEW(struct tag_page);
    atomic_init(&page->references, 1);
    bool good = page_blocks_get(codec, from, offset, page);
    for (int level = 0; level < ROLLUP_LEVELS && good; level++) {
        good = page_cells_get(codec, from, page, level);
    }
    if (!good || reader_left(from) != 0) {
        tag_page_unref(page);
        return false;
    }
    *ret_page = page;
    return true;
}

/* ---- Directory ---- */

struct wide_entry {
    uint64_t tag;
    uint64_t page_size;
    uint64_t blocks_size;
    uint64_t rows;
    int64_t min_ns;
    int64_t span_ns;
};
static const struct field wide_fields[] = {
    {offsetof(struct wide_entry, tag), FIELD_INT},
    {offsetof(struct wide_entry, page_size), FIELD_INT},
    {offsetof(struct wide_entry, blocks_size), FIELD_INT},
    {offsetof(struct wide_entry, rows), FIELD_INT},
    {offsetof(struct wide_entry, min_ns), FIELD_INT},
    {offsetof(struct wide_entry, span_ns), FIELD_INT},
};
enum { WIDE_FIELDS = sizeof wide_fields / sizeof wide_fields[0] };

void directory_put(
    struct codec *codec, struct buf *to, const struct tag_entry *entries, uint32_t count) {
    AUTO_FREE struct wide_entry *wide = MEM_ARRAY(struct wide_entry, GROUP);
    for (uint32_t i = 0; i < count; i += GROUP) {
        uint32_t size = group_size(count, i);
        for (uint32_t j = 0; j < size; j++) {
            const struct tag_entry *entry = &entries[i + j];
            wide[j] = (struct wide_entry){.tag = entry->tag,
                .page_size = entry->page_size,
                .blocks_size = entry->blocks_size,
                .rows = entry->rows,
                .min_ns = entry->min_ns,
                .span_ns = (int64_t)((uint64_t)entry->max_ns - (uint64_t)entry->min_ns)};
        }
        fields_put(codec, to, wide_fields, WIDE_FIELDS, wide, sizeof wide[0], size);
    }
}

/* Takes one entry over; false when it cannot be. */
static bool entry_take(const struct wide_entry *wide, uint64_t *offset, struct tag_entry *entry) {
    bool sane = wide->tag > 0 && wide->tag <= HIST_TAG_MAX && wide->page_size <= RECORD_BYTES_MAX &&
                wide->blocks_size < 1ULL << 48;
    *entry = (struct tag_entry){.tag = (uint32_t)wide->tag,
        .page_size = (uint32_t)wide->page_size,
        .offset = *offset,
        .blocks_size = wide->blocks_size,
        .rows = wide->rows,
        .min_ns = wide->min_ns,
        .max_ns = (int64_t)((uint64_t)wide->min_ns + (uint64_t)wide->span_ns)};
    *offset += wide->blocks_size + wide->page_size;
    return sane && entry->max_ns >= entry->min_ns;
}

bool directory_part_get(struct codec *codec, struct reader *from, uint32_t tag_before,
    uint64_t *offset, struct tag_entry *entries, uint32_t count) {
    AUTO_FREE struct wide_entry *wide = MEM_ARRAY(struct wide_entry, GROUP);
    bool good = count <= GROUP &&
                fields_get(codec, from, wide_fields, WIDE_FIELDS, wide, sizeof wide[0], count);
    for (uint32_t i = 0; i < count && good; i++) {
        good = entry_take(&wide[i], offset, &entries[i]) && entries[i].tag > tag_before;
        tag_before = entries[i].tag;
    }
    return good;
}

struct tag_entry *directory_get(struct codec *codec, struct reader *from, uint32_t count) {
    struct tag_entry *entries = mem_alloc(sizeof *entries);
    uint64_t offset = SEGMENT_HEAD_BYTES;
    bool good = count <= HIST_TAG_MAX;
    for (uint32_t i = 0; i < count && good; i += GROUP) {
        uint32_t size = group_size(count, i);
        entries = mem_resize(entries, (i + size) * sizeof *entries);
        uint32_t before = i > 0 ? entries[i - 1].tag : 0;
        good = directory_part_get(codec, from, before, &offset, entries + i, size);
    }
    if (!good || reader_left(from) != 0) {
        mem_free(entries);
        return NULL;
    }
    return entries;
}
