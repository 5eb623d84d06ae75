#ifndef HISTORIAN_SEGMENT_H
#define HISTORIAN_SEGMENT_H
/*
 * One immutable file of sealed rows: per tag its blocks in time order and a page that describes
 * them (place, range, statistics, roll-ups); a directory of tags at the end. Segments are counted;
 * an obsolete one leaves the disk with its last reference. Any thread may read.
 */
#include <stdbool.h>
#include <stdint.h>

#include "core/file.h"
#include "historian/rows.h"
#include "historian/summary.h"

struct segment;
struct decoder;

enum { ROLLUP_LEVELS = 3 };
/* Widths of roll-up cells: 1 min, 10 min, 1 h. */
extern const int64_t rollup_ns[ROLLUP_LEVELS];

struct block_entry {
    uint64_t offset; // Of the record in the file.
    uint32_t size;   // Of the record, its head included.
    uint32_t rows;
    int64_t min_ns;
    int64_t max_ns;
    bool strict; // No two rows of one time.
    bool split;  // The versions of its first or last time go on in a neighbour: no statistics.
    struct summary summary;
};

/* A roll-up cell: the rows in [start_ns, start_ns + width). */
struct cell {
    int64_t start_ns;
    struct summary summary;
};

struct tag_page {
    _Atomic uint32_t references;
    uint32_t tag;
    uint32_t block_count;
    uint64_t rows;
    struct block_entry *blocks;
    bool incomplete; // Found without its own bytes, and not all of its blocks could be read.
    uint32_t cell_count[ROLLUP_LEVELS]; // 0: this level is not kept.
    struct cell *cells[ROLLUP_LEVELS];
};

void tag_page_unref(struct tag_page *page); // NULL is allowed.

struct segment_info {
    uint64_t id;
    uint64_t seq_low;
    uint64_t seq_high;
    uint64_t bytes;
    uint64_t rows;
    int64_t min_ns;
    int64_t max_ns;
    uint32_t tag_count;
};

/* What a segment found damaged; called without locks held. */
struct damage_sink {
    void (*damaged)(void *context, const struct err *what);
    void *context;
};

struct index_cache;

/* Where segments live. */
struct segment_place {
    struct files *files;
    const char *dir;
    struct damage_sink sink;
    struct index_cache *cache; // Outlives the segments; NULL: parts of directories stay in memory.
};

/* Opens and reads the directory. When it is damaged, it is rebuilt from the records themselves and
 * the damage reported. */
int segment_open(
    const struct segment_place *place, uint64_t id, struct segment **ret_segment, struct err *err);
struct segment *segment_ref(struct segment *segment);
void segment_unref(struct segment *segment); // NULL is allowed.
/* Removes the file with the last reference. */
void segment_obsolete(struct segment *segment);
/* Its open file, for copying; valid while the segment is. */
int segment_fd(const struct segment *segment);
const struct segment_info *segment_info(const struct segment *segment);
/* Damaged places met so far. A segment that has one is kept as it is and not merged. */
uint32_t segment_damage(const struct segment *segment);

/* The smallest tag inside above `tag`: 1 and *ret_tag; 0: none; negative on failure. */
int segment_tag_next(struct segment *segment, uint32_t tag, uint32_t *ret_tag, struct err *err);
/* Time range of a tag without reading its page: 1; 0: the tag is not inside; negative. */
int segment_tag_range(struct segment *segment, uint32_t tag, int64_t *ret_min_ns,
    int64_t *ret_max_ns, struct err *err);
/* 1: all that the segment holds of a tag can be found; 0: rows of it may stand in damaged bytes,
 * also of a tag that does not seem to be inside; negative on failure. Blocks are not looked at. */
int segment_tag_is_whole(struct segment *segment, uint32_t tag, struct err *err);
/* The page of a tag: 1 and a reference, 0 when the tag is not inside, negative on failure. */
int segment_page(
    struct segment *segment, uint32_t tag, struct tag_page **ret_page, struct err *err);
/* Reads and decodes a block. 1: *ret_run is borrowed from `decoder`; 0: the block is damaged, which
 * was reported; negative: it could not be read. */
int segment_block(struct segment *segment, const struct tag_page *page, uint32_t index,
    struct decoder *decoder, struct run *ret_run, struct err *err);

void segment_name(uint64_t id, char *to); // 32 bytes.
bool segment_name_parse(const char *name, uint64_t *ret_id);

#endif
