/*
 * A ring of items with a hand, as page caches have it: the hand passes over what was used since its
 * last visit and drops the first that was not.
 */
#include "historian/index_cache.h"

#include <stdatomic.h>
#include <stddef.h>

#include "core/check.h"
#include "core/mem.h"
#include "core/thread.h"

struct index_cache {
    struct mutex mutex;
    struct index_item *hand; // NULL: empty.
    uint64_t bytes;
    uint64_t bytes_max;
};

struct index_cache *index_cache_new(uint64_t bytes_max) {
    struct index_cache *cache = MEM_NEW(struct index_cache);
    mutex_init(&cache->mutex);
    cache->bytes_max = bytes_max;
    return cache;
}

void index_cache_free(struct index_cache *cache) {
    if (cache == NULL) {
        return;
    }
    CHECK(cache->hand == NULL);
    mutex_fini(&cache->mutex);
    mem_free(cache);
}

static void unlink_item(struct index_cache *cache, struct index_item *item) {
    cache->bytes -= item->bytes;
    item->bytes = 0;
    item->before->next = item->next;
    item->next->before = item->before;
    if (cache->hand == item) {
        cache->hand = item->next == item ? NULL : item->next;
    }
}

/* Drops others until it fits. */
static void make_room(struct index_cache *cache, const struct index_item *item) {
    while (cache->bytes > cache->bytes_max && item->next != item) {
        struct index_item *victim = cache->hand;
        bool spared =
            victim == item || atomic_exchange_explicit(&victim->used, false, memory_order_relaxed);
        cache->hand = victim->next;
        if (!spared) {
            unlink_item(cache, victim);
            victim->drop(victim);
        }
    }
}

void index_cache_add(struct index_cache *cache, struct index_item *item, uint64_t bytes) {
    CHECK(bytes > 0);
    mutex_lock(&cache->mutex);
    CHECK(item->bytes == 0);
    item->bytes = bytes;
    cache->bytes += bytes;
    if (cache->hand == NULL) {
        cache->hand = item;
        item->next = item;
        item->before = item;
    } else { // Behind the hand: visited last.
        item->next = cache->hand;
        item->before = cache->hand->before;
        item->before->next = item;
        item->next->before = item;
    }
    make_room(cache, item);
    mutex_unlock(&cache->mutex);
}

void index_cache_grow(struct index_cache *cache, struct index_item *item, uint64_t bytes) {
    mutex_lock(&cache->mutex);
    if (item->bytes > 0) {
        item->bytes += bytes;
        cache->bytes += bytes;
        make_room(cache, item);
    }
    mutex_unlock(&cache->mutex);
}

void index_cache_remove(struct index_cache *cache, struct index_item *item) {
    mutex_lock(&cache->mutex);
    if (item->bytes > 0) {
        unlink_item(cache, item);
    }
    mutex_unlock(&cache->mutex);
}

uint64_t index_cache_bytes(struct index_cache *cache) {
    mutex_lock(&cache->mutex);
    uint64_t bytes = cache->bytes;
    mutex_unlock(&cache->mutex);
    return bytes;
}
