/*
 * The bounded queue: order, limits, closing, and many threads losing and doubling nothing.
 */
#include "core/queue.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "core/clock.h"
#include "core/err.h"
#include "core/mem.h"
#include "core/thread.h"

static void items_leave_in_the_order_they_came(void **state) {
    (void)state;
    struct queue *queue = queue_new(sizeof(int), 3);
    int next_in = 0;
    int next_out = 0;
    for (int round = 0; round < 10; round++) { // Walks around the ring's end.
        for (int i = 0; i < 2 + round % 2; i++) {
            assert_int_equal(queue_push(queue, &next_in, 0), 0);
            next_in++;
        }
        while (queue_size(queue) > 0) {
            int item = -1;
            assert_int_equal(queue_pop(queue, &item, 0), 0);
            assert_int_equal(item, next_out++);
        }
    }
    assert_int_equal(next_in, next_out);
    queue_free(queue);
    queue_free(NULL);
}

static void a_full_queue_refuses_and_an_empty_one_has_nothing(void **state) {
    (void)state;
    struct queue *queue = queue_new(sizeof(int), 2);
    int item = 7;
    assert_int_equal(queue_pop(queue, &item, 0), -ERR_TIMEOUT);
    assert_int_equal(item, 7);
    assert_int_equal(queue_push(queue, &item, 0), 0);
    assert_int_equal(queue_push(queue, &item, 0), 0);
    assert_int_equal(queue_push(queue, &item, 0), -ERR_TIMEOUT);
    assert_int_equal(queue_size(queue), 2);
    int64_t deadline = clock_mono_ns(clock_system()) + 2 * NS_PER_MS;
    assert_int_equal(queue_push(queue, &item, deadline), -ERR_TIMEOUT);
    assert_true(clock_mono_ns(clock_system()) >= deadline);
    queue_free(queue);
}

static void many_are_popped_at_once_in_order(void **state) {
    (void)state;
    struct queue *queue = queue_new(sizeof(int), 5);
    int items[8];
    assert_int_equal(queue_pop_many(queue, items, 8, 0), -ERR_TIMEOUT);
    for (int i = 0; i < 4; i++) {
        assert_int_equal(queue_push(queue, &i, 0), 0);
    }
    assert_int_equal(queue_pop_many(queue, items, 3, 0), 3);
    assert_int_equal(items[2], 2);
    for (int i = 4; i < 8; i++) {
        assert_int_equal(queue_push(queue, &i, 0), 0);
    }
    assert_int_equal(queue_pop_many(queue, items, 8, 0), 5);
    for (int i = 0; i < 5; i++) {
        assert_int_equal(items[i], 3 + i);
    }
    queue_free(queue);
}

static void a_closed_queue_refuses_pushes_and_drains(void **state) {
    (void)state;
    struct queue *queue = queue_new(sizeof(int), 5);
    int item = 1;
    assert_int_equal(queue_push(queue, &item, 0), 0);
    item = 2;
    assert_int_equal(queue_push(queue, &item, 0), 0);
    queue_close(queue);
    queue_close(queue);
    assert_int_equal(queue_push(queue, &item, INT64_MAX), -ERR_CLOSED);
    assert_int_equal(queue_pop(queue, &item, INT64_MAX), 0);
    assert_int_equal(item, 1);
    int items[4];
    assert_int_equal(queue_pop_many(queue, items, 4, INT64_MAX), 1);
    assert_int_equal(items[0], 2);
    assert_int_equal(queue_pop(queue, &item, INT64_MAX), -ERR_CLOSED);
    assert_int_equal(queue_pop_many(queue, items, 4, 0), -ERR_CLOSED);
    queue_free(queue);
}

struct waiter {
    struct queue *queue;
    int result;
};

static void wait_to_pop(void *context) {
    struct waiter *waiter = context;
    int item = 0;
    waiter->result = queue_pop(waiter->queue, &item, INT64_MAX);
}

static void wait_to_push(void *context) {
    struct waiter *waiter = context;
    int item = 0;
    waiter->result = queue_push(waiter->queue, &item, INT64_MAX);
}

static void closing_wakes_everybody(void **state) {
    (void)state;
    enum { WAITERS = 3 };
    for (int full = 0; full < 2; full++) {
        struct queue *queue = queue_new(sizeof(int), 1);
        if (full) {
            assert_int_equal(queue_push(queue, &full, 0), 0);
        }
        struct waiter waiters[WAITERS];
        struct thread threads[WAITERS];
        for (size_t i = 0; i < WAITERS; i++) {
            waiters[i] = (struct waiter){queue, 1};
            thread_start(&threads[i], "waiter", full ? wait_to_push : wait_to_pop, &waiters[i]);
        }
        queue_close(queue);
        for (size_t i = 0; i < WAITERS; i++) {
            thread_join(&threads[i]);
            assert_int_equal(waiters[i].result, -ERR_CLOSED);
        }
        queue_free(queue);
    }
}

enum { PRODUCERS = 3, CONSUMERS = 3, ITEMS = 4000 };

struct item {
    uint32_t producer;
    uint32_t number;
    uint64_t check; // Torn copies would not match.
};

struct crowd {
    struct queue *queue;
    _Atomic uint32_t next_producer;
    _Atomic uint32_t failures;
    _Atomic uint8_t seen[PRODUCERS][ITEMS];
};

static void produce(void *context) {
    struct crowd *crowd = context;
    uint32_t me = crowd->next_producer++;
    for (uint32_t i = 0; i < ITEMS; i++) {
        struct item item = {me, i, (uint64_t)me << 32 ^ i ^ 0x5555};
        while (queue_push(crowd->queue, &item, clock_mono_ns(clock_system()) + NS_PER_MS) != 0) {
        }
    }
}

static void take(struct crowd *crowd, const struct item *item, int64_t before[PRODUCERS]) {
    bool whole = item->check == ((uint64_t)item->producer << 32 ^ item->number ^ 0x5555);
    // One consumer sees the items of one producer in their order.
    if (!whole || (int64_t)item->number <= before[item->producer]) {
        crowd->failures++;
        return;
    }
    before[item->producer] = item->number;
    crowd->seen[item->producer][item->number]++;
}

static void consume_one_by_one(void *context) {
    struct crowd *crowd = context;
    struct item item;
    int64_t before[PRODUCERS] = {-1, -1, -1};
    while (queue_pop(crowd->queue, &item, INT64_MAX) == 0) {
        take(crowd, &item, before);
    }
}

static void consume_many(void *context) {
    struct crowd *crowd = context;
    struct item items[5];
    int64_t before[PRODUCERS] = {-1, -1, -1};
    int count = 0;
    while ((count = queue_pop_many(crowd->queue, items, 5, INT64_MAX)) > 0) {
        for (int i = 0; i < count; i++) {
            take(crowd, &items[i], before);
        }
    }
}

static void many_threads_lose_and_double_nothing(void **state) {
    (void)state;
    struct crowd *crowd = MEM_NEW(struct crowd);
    crowd->queue = queue_new(sizeof(struct item), 7);
    struct thread producers[PRODUCERS];
    struct thread consumers[CONSUMERS];
    for (size_t i = 0; i < CONSUMERS; i++) {
        thread_start(&consumers[i], "consumer", i == 0 ? consume_one_by_one : consume_many, crowd);
    }
    for (size_t i = 0; i < PRODUCERS; i++) {
        thread_start(&producers[i], "producer", produce, crowd);
    }
    for (size_t i = 0; i < PRODUCERS; i++) {
        thread_join(&producers[i]);
    }
    queue_close(crowd->queue);
    for (size_t i = 0; i < CONSUMERS; i++) {
        thread_join(&consumers[i]);
    }
    assert_int_equal(crowd->failures, 0);
    for (size_t p = 0; p < PRODUCERS; p++) {
        for (size_t i = 0; i < ITEMS; i++) {
            assert_int_equal(crowd->seen[p][i], 1);
        }
    }
    queue_free(crowd->queue);
    mem_free(crowd);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(items_leave_in_the_order_they_came),
        cmocka_unit_test(a_full_queue_refuses_and_an_empty_one_has_nothing),
        cmocka_unit_test(many_are_popped_at_once_in_order),
        cmocka_unit_test(a_closed_queue_refuses_pushes_and_drains),
        cmocka_unit_test(closing_wakes_everybody),
        cmocka_unit_test(many_threads_lose_and_double_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
