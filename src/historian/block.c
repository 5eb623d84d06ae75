/*
 * Records of a segment: heads, blocks, fixed head and tail.
 *
 * Every byte of a segment is under exactly one checksum: the file's head and tail under their own,
 * everything between inside records. A record's head names its tag, kind and size, so a file whose
 * directory is damaged can be walked from its first block, and a block that was written for one tag
 * is never shown for another.
 */
#include "historian/block.h"

#include "core/hash.h"
#include "core/mem.h"

enum { SEGMENT_VERSION = 1 };

enum layout {
    LAYOUT_TYPES = 1,
    LAYOUT_STATUS = 2,
    LAYOUT_FLAGS = 4,
    LAYOUT_STRICT = 8,
    LAYOUT_TEXT = 16,
    LAYOUT_ALL = 31,
};

static const char segment_magic[8] = {'M', 'A', 'R', 'U', 'S', 'E', 'G', '1'};
static const char tail_magic[8] = {'M', 'A', 'R', 'U', 'E', 'N', 'D', '1'};

/* ---- Records ---- */

size_t record_begin(struct buf *to) {
    size_t at = to->size;
    for (int i = 0; i < RECORD_HEAD_BYTES / 4; i++) {
        write_u32_le(to, 0);
    }
    return at;
}

void record_finish(struct buf *to, size_t at, uint32_t tag, enum record_kind kind, uint32_t rows) {
    if (to->overflow) {
        return; // The writer checks once, before anything is written to disk.
    }
    uint8_t *head = to->data + at;
    size_t size = to->size - at;
    store_u32(head, (uint32_t)size);
    store_u32(head + 4, tag);
    store_u32(head + 8, (uint32_t)kind << 24 | rows);
    uint32_t crc = crc32c(0, head, 12);
    store_u32(head + 12, crc32c(crc, head + RECORD_HEAD_BYTES, size - RECORD_HEAD_BYTES));
}

bool record_head_read(const uint8_t *from, struct record_head *ret_head) {
    uint32_t kind = load_u32(from + 8) >> 24;
    *ret_head = (struct record_head){.size = load_u32(from),
        .tag = load_u32(from + 4),
        .kind = (enum record_kind)kind,
        .rows = load_u32(from + 8) & 0xFFFFFF,
        .crc = load_u32(from + 12)};
    bool known = kind >= RECORD_BLOCK && kind <= RECORD_CONTENTS;
    return known && ret_head->size >= RECORD_HEAD_BYTES && ret_head->size <= RECORD_BYTES_MAX &&
           ret_head->tag <= HIST_TAG_MAX && ret_head->rows <= BLOCK_ROWS_MAX;
}

bool record_is_whole(const uint8_t *from, size_t size, struct record_head *ret_head) {
    if (size < RECORD_HEAD_BYTES || !record_head_read(from, ret_head) || ret_head->size > size) {
        return false;
    }
    uint32_t crc = crc32c(0, from, 12);
    crc = crc32c(crc, from + RECORD_HEAD_BYTES, ret_head->size - RECORD_HEAD_BYTES);
    return crc == ret_head->crc;
}

/* ---- Blocks ---- */

void block_put(struct codec *codec, struct buf *to, const struct run *run) {
    uint32_t layout = 0;
    layout |= run->types != NULL ? LAYOUT_TYPES : 0;
    layout |= run->status != NULL ? LAYOUT_STATUS : 0;
    layout |= run->flags != NULL ? LAYOUT_FLAGS : 0;
    layout |= run->strict ? LAYOUT_STRICT : 0;
    layout |= run->text != NULL ? LAYOUT_TEXT : 0;
    write_u8(to, (uint8_t)layout);
    write_u8(to, run->type);
    column_put_ints(codec, to, (const bits64 *)(const void *)run->time, run->count);
    AUTO_FREE bits64 *wide = NULL;
    if (run->types != NULL || run->status != NULL || run->flags != NULL) {
        wide = mem_alloc((run->count + 1) * sizeof *wide);
    }
    if (run->types != NULL) {
        for (uint32_t i = 0; i < run->count; i++) {
            wide[i] = run->types[i];
        }
        column_put_ints(codec, to, wide, run->count);
    }
    if (run->types == NULL && run->type == TYPE_F64) {
        column_put_doubles(codec, to, run->value, run->count);
    } else if (run->types != NULL || run->type != TYPE_TEXT) {
        column_put_ints(codec, to, run->value, run->count);
    }
    if (run->text != NULL) {
        column_put_texts(codec, to, run->text, run->count);
    }
    if (run->status != NULL) {
        for (uint32_t i = 0; i < run->count; i++) {
            wide[i] = run->status[i];
        }
        column_put_ints(codec, to, wide, run->count);
    }
    if (run->flags != NULL) {
        for (uint32_t i = 0; i < run->count; i++) {
            wide[i] = run->flags[i];
        }
        column_put_ints(codec, to, wide, run->count);
    }
}

/* Reads a column of small numbers through codec->spare, which no reader of columns uses. */
static const uint64_t *get_small(struct codec *codec, struct reader *from, uint32_t rows) {
    codec_prepare(codec);
    return column_get_ints(codec, from, codec->spare, rows) ? codec->spare : NULL;
}

static bool get_types(struct decoder *decoder, struct reader *from, uint32_t rows) {
    const uint64_t *types = get_small(&decoder->codec, from, rows);
    for (uint32_t i = 0; types != NULL && i < rows; i++) {
        if (types[i] < TYPE_F64 || types[i] > TYPE_TEXT) {
            return false;
        }
        decoder->rows.types[i] = (uint8_t)types[i];
    }
    return types != NULL;
}

static bool get_marks(
    struct decoder *decoder, struct reader *from, uint32_t rows, uint32_t layout) {
    if ((layout & LAYOUT_STATUS) != 0) {
        const uint64_t *status = get_small(&decoder->codec, from, rows);
        for (uint32_t i = 0; status != NULL && i < rows; i++) {
            decoder->rows.status[i] = (uint32_t)status[i];
        }
        if (status == NULL) {
            return false;
        }
    }
    if ((layout & LAYOUT_FLAGS) != 0) {
        const uint64_t *flags = get_small(&decoder->codec, from, rows);
        for (uint32_t i = 0; flags != NULL && i < rows; i++) {
            decoder->rows.flags[i] = (uint8_t)flags[i];
        }
        return flags != NULL;
    }
    return true;
}

static bool get_values(
    struct decoder *decoder, struct reader *from, uint32_t rows, uint32_t layout, uint8_t type) {
    struct codec *codec = &decoder->codec;
    bool good = true;
    if ((layout & LAYOUT_TYPES) == 0 && type == TYPE_F64) {
        good = column_get_doubles(codec, from, decoder->rows.value, rows);
    } else if ((layout & LAYOUT_TYPES) != 0 || type != TYPE_TEXT) {
        good = column_get_ints(codec, from, decoder->rows.value, rows);
    } else {
        memset(decoder->rows.value, 0, rows * sizeof *decoder->rows.value);
    }
    if (good && (layout & LAYOUT_TEXT) != 0) {
        good = column_get_texts(codec, from, decoder->rows.text, rows, &decoder->text);
    }
    return good;
}

/* The order of times is what every search relies on, so it is proven, not believed. */
HOT_LOOP static bool times_are_ordered(const int64_t *time, uint32_t rows, bool strict) {
    int64_t wrong = 0;
    int64_t no_equals = strict ? 1 : 0;
    for (uint32_t i = 1; i < rows; i++) {
        wrong |= (time[i] < time[i - 1]) | (no_equals & (time[i] == time[i - 1]));
    }
    return wrong == 0;
}

bool block_get(struct decoder *decoder, struct reader *from, uint32_t rows, struct run *ret_run) {
    uint32_t layout = read_u8(from);
    uint8_t type = read_u8(from);
    bool mixed = (layout & LAYOUT_TYPES) != 0;
    bool known = !from->failed && layout <= LAYOUT_ALL && rows > 0 && rows <= BLOCK_ROWS_MAX &&
                 (mixed || (type >= TYPE_F64 && type <= TYPE_TEXT));
    bool texts_fit = mixed || (type == TYPE_TEXT) == ((layout & LAYOUT_TEXT) != 0);
    if (!known || !texts_fit) {
        return false;
    }
    struct rows_buffer *to = &decoder->rows;
    rows_clear(to);
    rows_reserve(to, rows);
    bool strict = (layout & LAYOUT_STRICT) != 0;
    bool good = column_get_ints(&decoder->codec, from, (bits64 *)(void *)to->time, rows) &&
                (decoder->codec.rises || times_are_ordered(to->time, rows, strict)) &&
                (!mixed || get_types(decoder, from, rows)) &&
                get_values(decoder, from, rows, layout, type) &&
                get_marks(decoder, from, rows, layout) && reader_left(from) == 0;
    for (uint32_t i = 0; good && mixed && i < rows; i++) {
        good = to->types[i] != TYPE_TEXT || (layout & LAYOUT_TEXT) != 0;
    }
    if (!good) {
        return false;
    }
    to->count = rows;
    *ret_run = (struct run){.time = to->time,
        .value = to->value,
        .text = (layout & LAYOUT_TEXT) != 0 ? to->text : NULL,
        .types = mixed ? to->types : NULL,
        .status = (layout & LAYOUT_STATUS) != 0 ? to->status : NULL,
        .flags = (layout & LAYOUT_FLAGS) != 0 ? to->flags : NULL,
        .count = rows,
        .type = type,
        .strict = strict};
    return true;
}

/* ---- Head and tail of the file ---- */

void segment_head_put(uint8_t *to, const struct segment_head *head) {
    memset(to, 0, SEGMENT_HEAD_BYTES);
    memcpy(to, segment_magic, sizeof segment_magic);
    store_u32(to + 8, SEGMENT_VERSION);
    store_u64(to + 16, head->id);
    store_u64(to + 24, head->seq_low);
    store_u64(to + 32, head->seq_high);
    store_u32(to + 60, crc32c(0, to, 60));
}

int segment_head_get(const uint8_t *from, struct segment_head *ret_head) {
    if (memcmp(from, segment_magic, sizeof segment_magic) != 0 ||
        load_u32(from + 60) != crc32c(0, from, 60)) {
        return -ERR_CORRUPT;
    }
    if (load_u32(from + 8) != SEGMENT_VERSION) {
        return -ERR_VERSION;
    }
    *ret_head = (struct segment_head){
        .id = load_u64(from + 16), .seq_low = load_u64(from + 24), .seq_high = load_u64(from + 32)};
    return 0;
}

void segment_tail_put(uint8_t *to, const struct segment_tail *tail) {
    memset(to, 0, SEGMENT_TAIL_BYTES);
    memcpy(to, tail_magic, sizeof tail_magic);
    store_u64(to + 8, tail->directory_offset);
    store_u32(to + 16, tail->directory_size);
    store_u32(to + 20, tail->tag_count);
    store_u64(to + 24, tail->rows);
    store_u64(to + 32, (uint64_t)tail->min_ns);
    store_u64(to + 40, (uint64_t)tail->max_ns);
    store_u64(to + 48, tail->id);
    store_u32(to + 60, crc32c(0, to, 60));
}

bool segment_tail_get(const uint8_t *from, struct segment_tail *ret_tail) {
    if (memcmp(from, tail_magic, sizeof tail_magic) != 0 ||
        load_u32(from + 60) != crc32c(0, from, 60)) {
        return false;
    }
    *ret_tail = (struct segment_tail){.directory_offset = load_u64(from + 8),
        .directory_size = load_u32(from + 16),
        .tag_count = load_u32(from + 20),
        .rows = load_u64(from + 24),
        .min_ns = (int64_t)load_u64(from + 32),
        .max_ns = (int64_t)load_u64(from + 40),
        .id = load_u64(from + 48)};
    return true;
}
