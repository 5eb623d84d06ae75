#ifndef HISTORIAN_MEMTABLE_H
#define HISTORIAN_MEMTABLE_H
/*
 * Rows that are durable in the log but not yet in a segment: per tag a list of column chunks, in
 * order of arrival. One writer at a time (the leader of a group commit) and any number of readers:
 * rows are only ever added, and a tag's row count is published after its rows. In a table of many
 * tags rows wait before they go to their chunks; a reader that finds some waiting places them
 * first, under the table's own mutex, and otherwise takes no lock. Whatever was added before a walk
 * began is in it. Tables are counted; the last reference gives the memory back to the pool.
 */
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "historian/rows.h"

struct memtable;

/* Regions of memory that tables hand on to each other, so that sealing and refilling does not ask
 * the system for pages again and again. Own lock; shared by all tables of one historian. */
struct region_pool;
struct region_pool *region_pool_new(uint64_t keep_bytes);
void region_pool_free(struct region_pool *pool);

struct memtable *memtable_new(struct region_pool *pool);
struct memtable *memtable_ref(struct memtable *table);
void memtable_unref(struct memtable *table); // NULL is allowed.

/* Adds the rows of a batch that are not dropped. The writer only. Bytes, rows and tags tell at once
 * of what waits, too. */
void memtable_add(struct memtable *table, const struct batch *batch);
uint64_t memtable_bytes(const struct memtable *table);
uint64_t memtable_rows(const struct memtable *table);
/* How many tags have rows inside. */
uint32_t memtable_tags(const struct memtable *table);
/* Sequence number of the newest batch inside; 0: empty. */
uint64_t memtable_seq(const struct memtable *table);
/* The smallest tag above `tag` that has rows inside; 0: none. */
uint32_t memtable_tag_next(struct memtable *table, uint32_t tag);
/* How many rows a tag has inside. */
uint32_t memtable_tag_rows(struct memtable *table, uint32_t tag);

/* A walk over one tag's rows in [from, to) in time order, with a bound taken at the start. */
struct memtable_walk {
    const struct memtable *table;
    int64_t from_ns;
    int64_t to_ns;
    uint32_t left;             // Rows of the tag not yet visited.
    const struct chunk *chunk; // Next chunk; used when rows came in order.
    bool sorted;               // Rows came out of order: `rows` holds all of them, sorted.
    bool given;
    struct rows_buffer rows;
};
void memtable_walk_init(struct memtable_walk *walk, struct memtable *table, uint32_t tag,
    int64_t from_ns, int64_t to_ns);
void memtable_walk_fini(struct memtable_walk *walk);
/* Next rows; false at the end. Borrowed until the next call. */
bool memtable_walk_next(struct memtable_walk *walk, struct run *ret_run);

#endif
