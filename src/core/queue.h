#ifndef CORE_QUEUE_H
#define CORE_QUEUE_H
/*
 * A bounded queue of fixed-size items between threads (many producers, many consumers). One of the
 * three places where threads meet. Closing wakes everybody: pushes are refused, pops drain the rest
 * and then return -ERR_CLOSED. No function calls back while the lock is held.
 */
#include <stddef.h>
#include <stdint.h>

struct queue;

struct queue *queue_new(size_t item_bytes, size_t capacity);
void queue_free(struct queue *queue); // No thread may be inside any more.
/* Waits for room until the monotonic deadline (INT64_MAX: for ever; 0: not at all).
 * 0, -ERR_TIMEOUT (full), -ERR_CLOSED. */
int queue_push(struct queue *queue, const void *item, int64_t deadline_mono_ns);
/* Waits for an item. 0, -ERR_TIMEOUT, -ERR_CLOSED (closed and empty). */
int queue_pop(struct queue *queue, void *ret_item, int64_t deadline_mono_ns);
/* Pops up to `max` items, waiting only for the first. Count >= 1, -ERR_TIMEOUT, -ERR_CLOSED. */
int queue_pop_many(struct queue *queue, void *ret_items, size_t max, int64_t deadline_mono_ns);
void queue_close(struct queue *queue);
size_t queue_size(struct queue *queue);

#endif
