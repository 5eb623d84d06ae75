#ifndef HISTORIAN_BLOCK_H
#define HISTORIAN_BLOCK_H
/*
 * The bytes inside a segment: record heads, blocks of rows, pages. Pure but for scratch memory; any
 * thread with its own. docs/FORMATS.md has every byte.
 */
#include "historian/decoder.h"
#include "historian/segment.h"

enum {
    SEGMENT_HEAD_BYTES = 64,
    SEGMENT_TAIL_BYTES = 64,
    RECORD_HEAD_BYTES = 16,
    RECORD_BYTES_MAX = 80 << 20,
    DIRECTORY_PART_TAGS = BLOCK_ROWS,
};

enum record_kind {
    RECORD_BLOCK = 1,
    RECORD_PAGE = 2,
    RECORD_DIRECTORY = 3,
    RECORD_CELLS = 4,    // Of an aged file (aged.h),
    RECORD_CONTENTS = 5, // which has these two and a directory.
};

struct record_head {
    uint32_t size; // Head included.
    uint32_t tag;
    enum record_kind kind;
    uint32_t rows; // Of a block; else 0.
    uint32_t crc;
};

/* Completes the head of the record that begins at `at` in `to` and ends at its end. */
void record_finish(struct buf *to, size_t at, uint32_t tag, enum record_kind kind, uint32_t rows);
/* Makes room for a head; returns where it begins. */
size_t record_begin(struct buf *to);
/* False when the bytes are no head. */
bool record_head_read(const uint8_t *from, struct record_head *ret_head);
/* Checks head, size and checksum of a whole record. */
bool record_is_whole(const uint8_t *from, size_t size, struct record_head *ret_head);

/* Payload of a block. */
void block_put(struct codec *codec, struct buf *to, const struct run *run);
/* Decodes into decoder->rows. */
bool block_get(struct decoder *decoder, struct reader *from, uint32_t rows, struct run *ret_run);

/* Payload of a page; block offsets follow from `offset` of the first one. */
void page_put(struct codec *codec, struct buf *to, const struct tag_page *page);
bool page_get(
    struct codec *codec, struct reader *from, uint64_t offset, struct tag_page **ret_page);

/* Roll-up cells of one level, at most BLOCK_ROWS. */
void cells_put(struct codec *codec, struct buf *to, const struct cell *cells, uint32_t count,
    int64_t width_ns);
bool cells_get(
    struct codec *codec, struct reader *from, struct cell *cells, uint32_t count, int64_t width_ns);

/* A directory entry. Blocks of a tag stand side by side, its page behind them. */
struct tag_entry {
    uint32_t tag;
    uint32_t page_size;
    uint64_t offset; // Of the first block.
    uint64_t blocks_size;
    uint64_t rows;
    int64_t min_ns;
    int64_t max_ns;
};
void directory_put(
    struct codec *codec, struct buf *to, const struct tag_entry *entries, uint32_t count);
/* One part of it: `count` entries, all of DIRECTORY_PART_TAGS but in the last part. Tags are above
 * `tag_before`; *offset is where the blocks of the first begin, then behind those of the last. */
bool directory_part_get(struct codec *codec, struct reader *from, uint32_t tag_before,
    uint64_t *offset, struct tag_entry *entries, uint32_t count);
/* The entries, to be freed with mem_free; NULL when they are not well-formed. */
struct tag_entry *directory_get(struct codec *codec, struct reader *from, uint32_t count);

struct segment_head {
    uint64_t id;
    uint64_t seq_low;
    uint64_t seq_high;
};
void segment_head_put(uint8_t *to, const struct segment_head *head);
/* 0; ERR_CORRUPT; ERR_VERSION. */
int segment_head_get(const uint8_t *from, struct segment_head *ret_head);

struct segment_tail {
    uint64_t directory_offset;
    uint32_t directory_size;
    uint32_t tag_count;
    uint64_t rows;
    int64_t min_ns;
    int64_t max_ns;
    uint64_t id;
};
void segment_tail_put(uint8_t *to, const struct segment_tail *tail);
bool segment_tail_get(const uint8_t *from, struct segment_tail *ret_tail);

#endif
