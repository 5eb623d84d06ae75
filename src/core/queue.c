/*
 * Bounded queue between threads: a ring of fixed-size items under one mutex with two conditions.
 *
 * A lock-free ring was rejected: items here are batches and requests, a few thousand a second, and
 * an uncontended lock costs 20 ns; waiting with a deadline and closing would need the same kernel
 * objects anyway. Waiters are counted, so that a push or pop that nobody waits for makes no system
 * call. A pop of many wakes all waiting producers, a pop of one wakes one.
 */
#include "core/queue.h"

#include <stdbool.h>
#include <string.h>

#include "core/check.h"
#include "core/err.h"
#include "core/mem.h"
#include "core/thread.h"

struct queue {
    struct mutex mutex; // Guards all below.
    struct cond not_full;
    struct cond not_empty;
    size_t item_bytes;
    size_t capacity; // Items.
    size_t head;     // Index of the oldest item.
    size_t size;     // Items.
    size_t push_waiters;
    size_t pop_waiters;
    bool closed;
    uint8_t *items;
};

struct queue *queue_new(size_t item_bytes, size_t capacity) {
    CHECK(item_bytes > 0 && capacity > 0);
    struct queue *queue = MEM_NEW(struct queue);
    mutex_init(&queue->mutex);
    cond_init(&queue->not_full);
    cond_init(&queue->not_empty);
    queue->item_bytes = item_bytes;
    queue->capacity = capacity;
    queue->items = mem_zero(capacity, item_bytes);
    return queue;
}

void queue_free(struct queue *queue) {
    if (!queue) {
        return;
    }
    CHECK(queue->push_waiters == 0 && queue->pop_waiters == 0);
    cond_fini(&queue->not_full);
    cond_fini(&queue->not_empty);
    mutex_fini(&queue->mutex);
    mem_free(queue->items);
    mem_free(queue);
}

/* Waits under the lock until there is room; the deadline 0 asks only once. */
static int wait_for_room(struct queue *queue, int64_t deadline_mono_ns) {
    bool in_time = deadline_mono_ns > 0;
    while (!queue->closed && queue->size == queue->capacity) {
        if (!in_time) {
            return -ERR_TIMEOUT;
        }
        queue->push_waiters++;
        in_time = cond_wait_until(&queue->not_full, &queue->mutex, deadline_mono_ns);
        queue->push_waiters--;
    }
    return queue->closed ? -ERR_CLOSED : 0;
}

static int wait_for_item(struct queue *queue, int64_t deadline_mono_ns) {
    bool in_time = deadline_mono_ns > 0;
    while (!queue->closed && queue->size == 0) {
        if (!in_time) {
            return -ERR_TIMEOUT;
        }
        queue->pop_waiters++;
        in_time = cond_wait_until(&queue->not_empty, &queue->mutex, deadline_mono_ns);
        queue->pop_waiters--;
    }
    return queue->size == 0 ? -ERR_CLOSED : 0;
}

int queue_push(struct queue *queue, const void *item, int64_t deadline_mono_ns) {
    mutex_lock(&queue->mutex);
    int result = wait_for_room(queue, deadline_mono_ns);
    if (result == 0) {
        size_t tail = (queue->head + queue->size) % queue->capacity;
        memcpy(queue->items + tail * queue->item_bytes, item, queue->item_bytes);
        queue->size++;
        if (queue->pop_waiters > 0) {
            cond_signal(&queue->not_empty);
        }
    }
    mutex_unlock(&queue->mutex);
    return result;
}

/* Copies up to `max` oldest items out, in at most two runs around the ring's end. */
static size_t take_items(struct queue *queue, uint8_t *to, size_t max) {
    size_t count = queue->size < max ? queue->size : max;
    size_t first = queue->capacity - queue->head;
    first = first < count ? first : count;
    memcpy(to, queue->items + queue->head * queue->item_bytes, first * queue->item_bytes);
    memcpy(to + first * queue->item_bytes, queue->items, (count - first) * queue->item_bytes);
    queue->head = (queue->head + count) % queue->capacity;
    queue->size -= count;
    return count;
}

int queue_pop_many(struct queue *queue, void *ret_items, size_t max, int64_t deadline_mono_ns) {
    CHECK(max > 0);
    mutex_lock(&queue->mutex);
    int result = wait_for_item(queue, deadline_mono_ns);
    if (result == 0) {
        size_t most = max < INT32_MAX ? max : INT32_MAX;
        result = (int)take_items(queue, ret_items, most);
        if (queue->push_waiters > 0 && result > 1) {
            cond_broadcast(&queue->not_full);
        } else if (queue->push_waiters > 0) {
            cond_signal(&queue->not_full);
        }
    }
    mutex_unlock(&queue->mutex);
    return result;
}

int queue_pop(struct queue *queue, void *ret_item, int64_t deadline_mono_ns) {
    int count = queue_pop_many(queue, ret_item, 1, deadline_mono_ns);
    return count > 0 ? 0 : count;
}

void queue_close(struct queue *queue) {
    mutex_lock(&queue->mutex);
    queue->closed = true;
    cond_broadcast(&queue->not_full);
    cond_broadcast(&queue->not_empty);
    mutex_unlock(&queue->mutex);
}

size_t queue_size(struct queue *queue) {
    mutex_lock(&queue->mutex);
    size_t size = queue->size;
    mutex_unlock(&queue->mutex);
    return size;
}
