#ifndef HISTORIAN_INDEX_CACHE_H
#define HISTORIAN_INDEX_CACHE_H
/*
 * What is known about the inside of segments, kept in memory up to a bound: ten years are thousands
 * of segments, of which a question touches a few. Items that were not used since the last round are
 * dropped first (second chance). Thread-safe; `drop` is called with the cache's lock held and may
 * take the owner's lock, so nobody adds or removes with an owner's lock held.
 */
#include <stdbool.h>
#include <stdint.h>

struct index_item {
    void (*drop)(struct index_item *item);
    _Atomic bool used; // Set by whoever uses it.
    /* The cache's. */
    struct index_item *next;
    struct index_item *before;
    uint64_t bytes; // 0: not in the cache.
};

struct index_cache;
struct index_cache *index_cache_new(uint64_t bytes_max);
void index_cache_free(struct index_cache *cache); // NULL is allowed; nothing may be inside.
/* `bytes` > 0. Others are dropped when it is too much; the new item itself never is. */
void index_cache_add(struct index_cache *cache, struct index_item *item, uint64_t bytes);
/* An item that is inside has grown; one that is not is left alone. */
void index_cache_grow(struct index_cache *cache, struct index_item *item, uint64_t bytes);
void index_cache_remove(struct index_cache *cache, struct index_item *item); // Absent is fine.
uint64_t index_cache_bytes(struct index_cache *cache);

#endif
