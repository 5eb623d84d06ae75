/*
 * Threads: writers share commits, readers see every acknowledged row while sealing and merging go
 * on beside them, waiters wake; and consumers find what they need in the log.
 */
#include "support_history.h"

#include <poll.h>
#include <stdatomic.h>

#include "core/clock.h"
#include "core/thread.h"

enum { WRITERS = 4, APPENDS = 150, ROWS = 50 };

struct writer {
    struct historian *historian;
    uint32_t number;
    _Atomic uint32_t done; // Acknowledged appends.
    struct thread thread;
};

static void writer_run(void *context) {
    struct writer *writer = context;
    AUTO_BATCH struct batch *batch = batch_new(ROWS, 0);
    for (uint32_t n = 0; n < APPENDS; n++) {
        batch_clear(batch);
        for (uint32_t i = 0; i < ROWS; i++) {
            struct row row =
                row_f64(writer->number, TEST_T0 + (n * (int64_t)ROWS + i) * NS_PER_S, n);
            struct sample *sample = batch_add(batch);
            sample->tag = row.tag;
            sample->time_ns = row.time_ns;
            sample->type = row.type;
            sample->value.f64 = row.value.f64;
        }
        if (hist_append(writer->historian, &batch, 1, NULL) == 0) {
            atomic_fetch_add(&writer->done, 1);
        }
    }
}

static uint64_t rows_of(struct historian *historian, uint32_t tag) {
    struct hist_scan_options options = {.tag = tag, .from_ns = INT64_MIN, .to_ns = INT64_MAX};
    struct hist_scan *scan = NULL;
    struct err err = ERR_INIT;
    expect_ok(hist_scan_open(historian, &options, &scan, &err), &err);
    struct hist_rows rows;
    uint64_t count = 0;
    int64_t before_ns = INT64_MIN;
    while (hist_scan_next(scan, &rows, &err) > 0) {
        for (uint32_t i = 0; i < rows.count; i++) {
            assert_true(rows.time_ns[i] > before_ns);
            before_ns = rows.time_ns[i];
        }
        count += rows.count;
    }
    hist_scan_close(scan);
    return count;
}

static int bucket_count(
    void *context, uint32_t tag, const struct hist_bucket *bucket, struct err *err) {
    (void)tag;
    (void)err;
    *(uint64_t *)context += bucket->count;
    return 0;
}

/* Reads while writers write: never less than what was acknowledged before the question. */
static void read_beside(struct historian *historian, struct writer *writers) {
    for (uint32_t i = 0; i < WRITERS; i++) {
        uint64_t done = atomic_load(&writers[i].done);
        uint32_t tag = writers[i].number;
        assert_true(rows_of(historian, tag) >= done * ROWS);
        uint64_t counted = 0;
        struct hist_bucket_query query = {
            .tags = &tag, .tag_count = 1, .to_ns = INT64_MAX - 1, .every_ns = 60 * NS_PER_S};
        struct err err = ERR_INIT;
        expect_ok(hist_buckets(historian, &query, bucket_count, &counted, &err), &err);
        assert_true(counted >= done * ROWS);
        struct hist_last last;
        assert_true(done == 0 || hist_last(historian, tag, &last));
    }
}

/* A range that ends at the newest acknowledged row, while more come: exactly what lies inside is
 * counted, and the query ends. */
static void count_to_the_edge(struct historian *historian, struct writer *writer) {
    uint64_t rows = (uint64_t)atomic_load(&writer->done) * ROWS;
    uint64_t count = 0;
    struct hist_bucket_query query = {.tags = &writer->number,
        .tag_count = 1,
        .from_ns = TEST_T0,
        .to_ns = TEST_T0 + (int64_t)rows * NS_PER_S};
    struct err err = ERR_INIT;
    expect_ok(hist_buckets(historian, &query, bucket_count, &count, &err), &err);
    assert_int_equal(count, rows);
}

static void writers_share_commits_and_readers_see_what_was_acknowledged(void **state) {
    (void)state;
    char dir[128];
    folder_new(dir);
    struct hist_options options = {.dir = dir, .memory_bytes = 300 << 10};
    struct historian *historian = NULL;
    struct err err = ERR_INIT;
    expect_ok(hist_open(&options, &historian, &err), &err);
    struct writer writers[WRITERS] = {0};
    for (uint32_t i = 0; i < WRITERS; i++) {
        writers[i].historian = historian;
        writers[i].number = i + 1;
        thread_start(&writers[i].thread, "test-writer", writer_run, &writers[i]);
    }
    while (!hist_wait(historian, WRITERS * APPENDS / 2, clock_mono_ns(clock_system()))) {
        for (uint32_t i = 0; i < 200; i++) {
            count_to_the_edge(historian, &writers[i % WRITERS]);
        }
        read_beside(historian, writers);
    }
    expect_ok(hist_seal(historian, &err), &err);
    for (uint32_t i = 0; i < WRITERS; i++) {
        thread_join(&writers[i].thread);
        assert_int_equal(atomic_load(&writers[i].done), APPENDS);
    }
    read_beside(historian, writers);
    struct hist_status status;
    hist_status(historian, &status);
    assert_int_equal(status.seq, WRITERS * APPENDS);
    assert_int_equal(status.appended_rows, WRITERS * APPENDS * ROWS);
    assert_true(status.sync_count <= WRITERS * APPENDS);
    hist_close(historian);
    historian = history_open(dir, NULL);
    for (uint32_t tag = 1; tag <= WRITERS; tag++) {
        assert_int_equal(rows_of(historian, tag), APPENDS * ROWS);
    }
    hist_close(historian);
    folder_remove(dir);
}

/* ---- Consumers ---- */

static uint64_t replay_from(struct historian *historian, uint64_t seq) {
    struct hist_replay *replay = NULL;
    struct err err = ERR_INIT;
    expect_ok(hist_replay_open(historian, seq, &replay, &err), &err);
    const struct batch *batch = NULL;
    int rc = 0;
    while ((rc = hist_replay_next(replay, &batch, &err)) > 0) {
        assert_int_equal(batch->seq, seq + 1);
        assert_int_equal(batch->count, 1);
        assert_int_equal(batch->rows[0].time_ns, TEST_T0 + (int64_t)batch->seq * NS_PER_S);
        assert_int_equal(batch->request_ns, 11);
        assert_int_equal(batch->reply_ns, 22);
        assert_int_equal(batch->source, 7);
        seq = batch->seq;
    }
    expect_ok(rc, &err);
    hist_replay_close(replay);
    return seq;
}

static void append_number(struct historian *historian, uint64_t seq) {
    AUTO_BATCH struct batch *batch = batch_new(1, 0);
    struct row row = row_f64(1, TEST_T0 + (int64_t)seq * NS_PER_S, 1);
    batch_put(batch, &row);
    batch->request_ns = 11;
    batch->reply_ns = 22;
    batch->source = 7;
    struct err err = ERR_INIT;
    expect_ok(hist_append(historian, &batch, 1, &err), &err);
    assert_int_equal(batch->seq, seq);
}

static void the_log_is_kept_until_every_consumer_has_passed(void **state) {
    (void)state;
    char dir[128];
    folder_new(dir);
    struct historian *historian = history_open(dir, NULL);
    struct err err = ERR_INIT;
    expect_ok(hist_consumer_keep(historian, STR("orders"), 0, &err), &err);
    expect_ok(hist_consumer_keep(historian, STR("alarms"), 0, &err), &err);
    for (uint64_t seq = 1; seq <= 30; seq++) {
        append_number(historian, seq);
        if (seq % 10 == 0) {
            expect_ok(hist_seal(historian, &err), &err);
            hist_close(historian);
            historian = history_open(dir, NULL);
        }
    }
    assert_int_equal(replay_from(historian, 0), 30);
    assert_int_equal(replay_from(historian, 17), 30);
    expect_ok(hist_consumer_keep(historian, STR("alarms"), 30, &err), &err);
    assert_int_equal(replay_from(historian, 0), 30);
    expect_ok(hist_consumer_keep(historian, STR("orders"), 12, &err), &err);
    assert_int_equal(replay_from(historian, 12), 30);
    expect_ok(hist_consumer_forget(historian, STR("orders"), &err), &err);
    struct hist_replay *replay = NULL;
    assert_int_equal(hist_replay_open(historian, 12, &replay, &err), -ERR_NOT_FOUND);
    assert_int_equal(replay_from(historian, 30), 30);
    hist_close(historian);
    historian = history_open(dir, NULL);
    assert_int_equal(hist_seq(historian), 30);
    append_number(historian, 31);
    assert_int_equal(replay_from(historian, 30), 31);
    hist_close(historian);
    folder_remove(dir);
}

static void a_reader_of_the_log_goes_on_where_it_stopped(void **state) {
    (void)state;
    char dir[128];
    folder_new(dir);
    struct historian *historian = history_open(dir, NULL);
    struct hist_replay *replay = NULL;
    struct err err = ERR_INIT;
    expect_ok(hist_replay_open(historian, 0, &replay, &err), &err);
    const struct batch *batch = NULL;
    for (uint64_t seq = 1; seq <= 5; seq++) {
        assert_int_equal(hist_replay_next(replay, &batch, &err), 0);
        assert_false(hist_wait(historian, seq - 1, 0));
        append_number(historian, seq);
        assert_true(hist_wait(historian, seq - 1, 0));
        assert_int_equal(hist_replay_next(replay, &batch, &err), 1);
        assert_int_equal(batch->seq, seq);
    }
    hist_replay_close(replay);
    hist_close(historian);
    folder_remove(dir);
}

static void names_of_consumers_are_checked_and_counted(void **state) {
    (void)state;
    char dir[128];
    folder_new(dir);
    struct historian *historian = history_open(dir, NULL);
    struct err err = ERR_INIT;
    assert_int_equal(hist_consumer_keep(historian, STR("a b"), 0, &err), -ERR_INVALID);
    for (int i = 0; i < 320; i++) {
        char name[3] = {(char)('a' + i / 26), (char)('a' + i % 26), 0};
        expect_ok(hist_consumer_keep(historian, str_of(name), 0, &err), &err);
    }
    assert_int_equal(hist_consumer_keep(historian, STR("more"), 0, &err), -ERR_LIMIT);
    expect_ok(hist_consumer_keep(historian, STR("aa"), 5, &err), &err);
    hist_close(historian);
    folder_remove(dir);
}

/* While tables fill one behind the other few merges run; what they put off is done soon after. */
static void merges_that_were_put_off_are_made_up(void **state) {
    (void)state;
    char dir[128];
    folder_new(dir);
    struct hist_options options = {.dir = dir, .memory_bytes = 1 << 20};
    struct historian *historian = NULL;
    struct err err = ERR_INIT;
    expect_ok(hist_open(&options, &historian, &err), &err);
    AUTO_BATCH struct batch *batch = batch_new(8000, 0);
    for (int64_t n = 0; n < 60; n++) {
        batch_clear(batch);
        for (uint32_t i = 0; i < 8000; i++) {
            struct row row =
                row_f64(1 + i % 10, TEST_T0 + (n * 800 + i / 10) * NS_PER_S, (double)n);
            batch_put(batch, &row);
        }
        expect_ok(hist_append(historian, &batch, 1, &err), &err);
    }
    expect_ok(hist_seal(historian, &err), &err);
    struct hist_status status = {0};
    int64_t deadline_ns = clock_mono_ns(clock_system()) + 60 * NS_PER_S;
    do {
        (void)poll(NULL, 0, 10);
        hist_status(historian, &status);
    } while (status.segment_count > 6 && clock_mono_ns(clock_system()) < deadline_ns);
    assert_in_range(status.segment_count, 1, 6);
    for (uint32_t tag = 1; tag <= 10; tag++) {
        assert_int_equal(rows_of(historian, tag), 60 * 800);
    }
    hist_close(historian);
    folder_remove(dir);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(writers_share_commits_and_readers_see_what_was_acknowledged),
        cmocka_unit_test(the_log_is_kept_until_every_consumer_has_passed),
        cmocka_unit_test(a_reader_of_the_log_goes_on_where_it_stopped),
        cmocka_unit_test(names_of_consumers_are_checked_and_counted),
        cmocka_unit_test(merges_that_were_put_off_are_made_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
