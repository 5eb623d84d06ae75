#ifndef HISTORIAN_AGED_H
#define HISTORIAN_AGED_H
/*
 * Aged files: the roll-up cells that stay of rows that have expired. Immutable and counted like
 * segments; one round of ageing makes one file, which takes older small ones into itself. A tag's
 * cells stand in chunks, by level, in order of time; its contents say where; a directory at the end
 * has the tags. Any thread may read. docs/FORMATS.md has every byte.
 */
#include "core/file.h"
#include "historian/block.h"
#include "historian/segment.h"

struct aged;

enum { AGED_HEAD_BYTES = 64 };

/* A chunk: cells of one level that stand side by side in time. */
struct aged_chunk {
    uint64_t offset; // Of the record in the file.
    uint32_t size;   // Of the record, its head included.
    uint8_t level;   // Index into rollup_ns.
    uint32_t cells;
    int64_t first_ns; // Start of the first cell,
    int64_t last_ns;  // of the last one.
};

/* All chunks of a tag in one file. One owner. */
struct aged_contents {
    struct aged_chunk *chunks;
    uint32_t count;
};
void aged_contents_fini(struct aged_contents *contents);
void aged_contents_put(struct codec *codec, struct buf *to, const struct aged_contents *contents);
/* Offsets follow from that of the first chunk. False: not well-formed. */
bool aged_contents_get(
    struct codec *codec, struct reader *from, uint64_t offset, struct aged_contents *ret_contents);

struct aged_info {
    uint64_t id;
    uint64_t round_low; // Rounds inside; a round has the id of the file it made.
    uint64_t round_high;
    uint64_t bytes;
    uint64_t cells;
    uint32_t tag_count;
};

struct aged_head {
    uint64_t id;
    uint64_t round_low;
    uint64_t round_high;
};
void aged_head_put(uint8_t *to, const struct aged_head *head);
int aged_head_get(const uint8_t *from, struct aged_head *ret_head); // 0, ERR_CORRUPT, ERR_VERSION.

/* Opens and reads the directory. ERR_CORRUPT where it is damaged. */
int aged_open(struct files *files, const char *dir, uint64_t id, const struct damage_sink *sink,
    struct aged **ret_aged, struct err *err);
struct aged *aged_ref(struct aged *aged);
void aged_unref(struct aged *aged);    // NULL is allowed.
void aged_obsolete(struct aged *aged); // Removes the file with the last reference.
int aged_fd(const struct aged *aged);
const struct aged_info *aged_info(const struct aged *aged);
/* The directory: tags in order; from the first cell's begin (min_ns) to where rows were rolled up
 * (max_ns + 1). */
const struct tag_entry *aged_entry(const struct aged *aged, uint32_t index);
const struct tag_entry *aged_find(const struct aged *aged, uint32_t tag); // NULL: not inside.
/* 1: *ret_contents is the caller's; 0: damaged (reported); negative: it could not be read. */
int aged_contents(struct aged *aged, const struct tag_entry *entry, struct decoder *decoder,
    struct aged_contents *ret_contents, struct err *err);
/* Reads a chunk; `cells` has room for BLOCK_ROWS. 1; 0: damaged (reported); negative. The record's
 * bytes stay in decoder->bytes. */
int aged_cells(struct aged *aged, uint32_t tag, const struct aged_chunk *chunk,
    struct decoder *decoder, struct cell *cells, struct err *err);

void aged_name(uint64_t id, char *to); // 32 bytes.
bool aged_name_parse(const char *name, uint64_t *ret_id);

#endif
