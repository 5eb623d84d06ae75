/*
 * The memory table with so many tags that rows wait in stages: against a plain list of all rows,
 * with readers beside the writer, and through the historian.
 */
#include "support_history.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/mem.h"
#include "core/thread.h"
#include "historian/memtable.h"

enum {
    TAGS = 9000, // Every second number: 18 pages.
    BATCH_ROWS = 20000,
    BATCHES = 16,
    READERS = 2,
    SCANS = 60,
};

static uint32_t tag_of(uint32_t index) {
    return 2 * index + 1;
}

/* All rows in order of arrival, and each tag's chain through them. */
struct list {
    struct row *rows;
    uint32_t *next;
    uint32_t count;
    uint32_t first[TAGS]; // Indexes + 1; 0: none.
    uint32_t last[TAGS];
};

static void list_add(struct list *list, uint32_t index, const struct row *row) {
    uint32_t at = list->count++;
    list->rows[at] = *row;
    list->next[at] = 0;
    if (list->last[index] != 0) {
        list->next[list->last[index] - 1] = at + 1;
    } else {
        list->first[index] = at + 1;
    }
    list->last[index] = at + 1;
}

static int row_order(const void *left, const void *right) {
    const struct row *a = *(const struct row *const *)left;
    const struct row *b = *(const struct row *const *)right;
    if (a->time_ns != b->time_ns) {
        return a->time_ns < b->time_ns ? -1 : 1;
    }
    return a < b ? -1 : a > b; // Arrival: they stand in one array.
}

/* Mostly a scan onwards; some late, twice, marked, of another type, dropped. */
static struct row random_row(struct random *random, uint32_t tag, int64_t now_ns) {
    struct row row = row_f64(tag, now_ns, (double)random_below(random, 1000));
    if (random_below(random, 20) == 0) {
        row.time_ns -= (int64_t)random_below(random, 30) * NS_PER_S;
        row.flags |= SAMPLE_LATE;
    }
    row.status = random_below(random, 50) == 0 ? (uint32_t)STATUS_BAD_TIMEOUT : 0;
    row.flags |= tag % 10 == 3 ? SAMPLE_SOURCE_TIME : 0;
    if (tag % 14 == 5 || random_below(random, 200) == 0) {
        row.type = TYPE_TEXT;
        (void)snprintf(row.text, sizeof row.text, "T%u", (unsigned)random_below(random, 1000));
    } else if (random_below(random, 100) == 0) {
        row.type = TYPE_I64;
        row.value.i64 = (int64_t)random_below(random, 1000);
    }
    return row;
}

static void fill(struct batch *batch, struct list *list, struct random *random, int64_t now_ns) {
    batch_clear(batch);
    uint32_t scan = (uint32_t)random_below(random, TAGS);
    bool in_order = random_below(random, 2) == 0;
    for (uint32_t i = 0; i < BATCH_ROWS; i++) {
        uint32_t index = in_order ? (scan + i) % TAGS : (uint32_t)random_below(random, TAGS);
        index = random_below(random, 20) == 0 ? 700 : index; // One comes much oftener.
        struct row row = random_row(random, tag_of(index), now_ns + i / 1000 * NS_PER_S);
        batch_put(batch, &row);
        if (random_below(random, 30) == 0) {
            batch->rows[batch->count - 1].flags |= SAMPLE_DROP;
        } else {
            list_add(list, index, &row);
        }
    }
}

static void row_compare(const struct run *run, uint32_t at, const struct row *row) {
    assert_int_equal(run->time[at], row->time_ns);
    assert_int_equal(run_type(run, at), row->type);
    assert_int_equal(run_status(run, at), row->status);
    assert_int_equal(run_flags(run, at), row->flags);
    if (row->type == TYPE_TEXT) {
        assert_int_equal(run->text[at].size, strlen(row->text));
        assert_memory_equal(run->text[at].data, row->text, run->text[at].size);
    } else {
        assert_int_equal(run->value[at], (uint64_t)row->value.i64);
    }
}

static void tag_compare(
    const struct list *list, struct memtable *table, uint32_t index, int64_t from, int64_t to) {
    const struct row **want = MEM_ARRAY(const struct row *, list->count + 1);
    uint32_t count = 0;
    for (uint32_t at = list->first[index]; at != 0; at = list->next[at - 1]) {
        const struct row *row = &list->rows[at - 1];
        if (row->time_ns >= from && row->time_ns < to) {
            want[count++] = row;
        }
    }
    qsort(want, count, sizeof *want, row_order);
    struct memtable_walk walk;
    memtable_walk_init(&walk, table, tag_of(index), from, to);
    struct run run;
    uint32_t seen = 0;
    while (memtable_walk_next(&walk, &run)) {
        for (uint32_t i = 0; i < run.count; i++) {
            assert_true(seen < count);
            row_compare(&run, i, want[seen++]);
        }
    }
    memtable_walk_fini(&walk);
    assert_int_equal(seen, count);
    mem_free(want);
}

static uint32_t tags_of(const struct list *list) {
    uint32_t count = 0;
    for (uint32_t i = 0; i < TAGS; i++) {
        count += list->first[i] != 0;
    }
    return count;
}

static void table_compare(const struct list *list, struct memtable *table) {
    uint32_t tag = 0;
    for (uint32_t i = 0; i < TAGS; i++) {
        if (list->first[i] != 0) {
            tag = memtable_tag_next(table, tag);
            assert_int_equal(tag, tag_of(i));
        }
        if (i % 9 == 0 || i == 700) {
            tag_compare(list, table, i, INT64_MIN, INT64_MAX);
        }
    }
    assert_int_equal(memtable_tag_next(table, tag), 0);
}

static void staged_rows_are_a_plain_list(void **state) {
    (void)state;
    struct region_pool *pool = region_pool_new(64 << 20);
    AUTO_BATCH struct batch *batch = batch_new(BATCH_ROWS, BATCH_ROWS * 8);
    struct list *list = MEM_NEW(struct list);
    list->rows = MEM_ARRAY(struct row, BATCHES * BATCH_ROWS);
    list->next = MEM_ARRAY(uint32_t, BATCHES * BATCH_ROWS);
    for (uint32_t seed = 0; seed < 3; seed++) { // Later tables get the regions of earlier ones.
        struct random random;
        random_seed(&random, 500 + seed);
        memset(list->first, 0, sizeof list->first);
        memset(list->last, 0, sizeof list->last);
        list->count = 0;
        struct memtable *table = memtable_new(pool);
        for (uint32_t i = 0; i < BATCHES; i++) {
            int64_t now_ns = TEST_T0 + (int64_t)i * 20 * NS_PER_S;
            fill(batch, list, &random, now_ns);
            batch->seq = i + 1;
            uint64_t before = memtable_bytes(table);
            memtable_add(table, batch);
            assert_int_equal(memtable_rows(table), list->count);
            assert_int_equal(memtable_seq(table), i + 1);
            assert_int_equal(memtable_tags(table), tags_of(list));
            assert_true(i > 0 || memtable_bytes(table) > before);
            for (uint32_t j = 0; seed > 0 && j < 3; j++) { // Once nobody reads until the end.
                uint32_t index = (uint32_t)random_below(&random, TAGS);
                int64_t from = now_ns - (int64_t)random_below(&random, 100) * NS_PER_S;
                tag_compare(list, table, index, from, from + 30 * NS_PER_S);
                tag_compare(list, table, 700, from, INT64_MAX);
            }
        }
        table_compare(list, table);
        memtable_unref(table);
    }
    mem_free(list->next);
    mem_free(list->rows);
    mem_free(list);
    region_pool_free(pool);
}

struct shared {
    struct memtable *table;
    _Atomic uint32_t done; // Scans that were added wholly.
    _Atomic uint32_t wrong;
    struct thread threads[READERS];
    _Atomic uint32_t numbers;
};

/* A row of scan n says n and comes at its second. Returns how many there are. */
static uint32_t count_and_look(struct shared *shared, uint32_t tag) {
    struct memtable_walk walk;
    memtable_walk_init(&walk, shared->table, tag, INT64_MIN, INT64_MAX);
    struct run run;
    uint32_t count = 0;
    while (memtable_walk_next(&walk, &run)) {
        for (uint32_t i = 0; i < run.count; i++, count++) {
            bool right = run.time[i] == TEST_T0 + (int64_t)count * NS_PER_S &&
                         run.value[i] == count && run_type(&run, i) == TYPE_I64 &&
                         run_status(&run, i) == (count % 7 == 6 ? tag : 0);
            shared->wrong += !right;
        }
    }
    memtable_walk_fini(&walk);
    return count;
}

static void reader_run(void *context) {
    struct shared *shared = context;
    uint32_t number = shared->numbers++;
    struct random random;
    random_seed(&random, number);
    uint32_t *before = MEM_ARRAY(uint32_t, TAGS);
    uint32_t done = 0;
    while (done < SCANS) {
        done = atomic_load(&shared->done);
        for (uint32_t i = 0; i < 20; i++) {
            uint32_t index = (uint32_t)random_below(&random, TAGS);
            uint32_t count = count_and_look(shared, tag_of(index));
            shared->wrong += count < done || count < before[index];
            before[index] = count;
        }
    }
    /* Everything, as sealing does; all readers at once. */
    uint32_t tags = 0;
    for (uint32_t tag = 0; (tag = memtable_tag_next(shared->table, tag)) != 0; tags++) {
        shared->wrong += count_and_look(shared, tag) != SCANS;
    }
    shared->wrong += tags != TAGS;
    mem_free(before);
}

static void scan_fill(struct batch *batch, uint32_t scan) {
    batch_clear(batch);
    for (uint32_t i = 0; i < TAGS; i++) {
        struct sample *row = batch_add(batch);
        uint32_t tag = tag_of(scan % 2 == 0 ? i : TAGS - 1 - i);
        *row = (struct sample){.tag = tag,
            .time_ns = TEST_T0 + (int64_t)scan * NS_PER_S,
            .type = TYPE_I64,
            .status = scan % 7 == 6 ? tag : 0};
        row->value.i64 = scan;
    }
}

static void readers_beside_the_writer_see_what_was_added(void **state) {
    (void)state;
    struct region_pool *pool = region_pool_new(64 << 20);
    struct shared *shared = MEM_NEW(struct shared);
    shared->table = memtable_new(pool);
    AUTO_BATCH struct batch *batch = batch_new(TAGS, 0);
    for (uint32_t i = 0; i < READERS; i++) {
        thread_start(&shared->threads[i], "test-reader", reader_run, shared);
    }
    for (uint32_t scan = 0; scan < SCANS; scan++) {
        scan_fill(batch, scan);
        memtable_add(shared->table, batch);
        atomic_store(&shared->done, scan + 1);
    }
    for (uint32_t i = 0; i < READERS; i++) {
        thread_join(&shared->threads[i]);
    }
    assert_int_equal(shared->wrong, 0);
    assert_int_equal(memtable_rows(shared->table), (uint64_t)SCANS * TAGS);
    memtable_unref(shared->table);
    mem_free(shared);
    region_pool_free(pool);
}

struct appender {
    struct historian *historian;
    _Atomic uint32_t done; // Acknowledged scans.
    _Atomic uint32_t failed;
    struct thread thread;
};

static void appender_run(void *context) {
    struct appender *appender = context;
    AUTO_BATCH struct batch *batch = batch_new(TAGS, 0);
    for (uint32_t scan = 0; scan < SCANS; scan++) {
        scan_fill(batch, scan);
        appender->failed += hist_append(appender->historian, &batch, 1, NULL) < 0;
        atomic_store(&appender->done, scan + 1);
    }
}

static uint32_t scans_of(struct historian *historian, uint32_t tag) {
    struct hist_scan_options options = {.tag = tag, .from_ns = INT64_MIN, .to_ns = INT64_MAX};
    struct hist_scan *scan = NULL;
    struct err err = ERR_INIT;
    expect_ok(hist_scan_open(historian, &options, &scan, &err), &err);
    struct hist_rows rows;
    uint32_t count = 0;
    while (hist_scan_next(scan, &rows, &err) > 0) {
        for (uint32_t i = 0; i < rows.count; i++, count++) {
            assert_int_equal(rows.time_ns[i], TEST_T0 + (int64_t)count * NS_PER_S);
            assert_int_equal(rows.i64[i], count);
        }
    }
    hist_scan_close(scan);
    return count;
}

/* Tables fill, freeze and are sealed meanwhile. */
static void what_was_acknowledged_is_seen(void **state) {
    (void)state;
    char dir[128];
    folder_new(dir);
    struct hist_options options = {.dir = dir, .memory_bytes = 300 << 10};
    struct appender *appender = MEM_NEW(struct appender);
    struct err err = ERR_INIT;
    expect_ok(hist_open(&options, &appender->historian, &err), &err);
    thread_start(&appender->thread, "test-writer", appender_run, appender);
    struct random random;
    random_seed(&random, 7);
    for (uint32_t done = 0; done < SCANS;) {
        done = atomic_load(&appender->done);
        uint32_t tag = tag_of((uint32_t)random_below(&random, TAGS));
        assert_true(scans_of(appender->historian, tag) >= done);
        struct hist_last last;
        assert_true(done == 0 || hist_last(appender->historian, tag, &last));
        assert_true(done == 0 || last.row.time_ns >= TEST_T0 + (int64_t)(done - 1) * NS_PER_S);
    }
    thread_join(&appender->thread);
    assert_int_equal(appender->failed, 0);
    hist_close(appender->historian);
    expect_ok(hist_open(&options, &appender->historian, &err), &err); // Staged again from the log.
    for (uint32_t i = 0; i < TAGS; i += 500) {
        assert_int_equal(scans_of(appender->historian, tag_of(i)), SCANS);
    }
    hist_close(appender->historian);
    mem_free(appender);
    folder_remove(dir);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(staged_rows_are_a_plain_list),
        cmocka_unit_test(readers_beside_the_writer_see_what_was_added),
        cmocka_unit_test(what_was_acknowledged_is_seen),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
