/*
 * Snapshots: what they hold stays as it was while the history goes on, and the files they give make
 * a history that answers the same and in which a consumer finds its batches.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "core/mem.h"
#include "tests/historian/support_history.h"

struct copying {
    char dir[128];
    uint32_t logs;
    uint32_t segments;
    uint32_t aged;
};

static int copy_part(void *context, const struct hist_part *part, struct err *err) {
    struct copying *copying = context;
    char path[256];
    (void)snprintf(path, sizeof path, "%s/%s", copying->dir, part->name);
    AUTO_FREE uint8_t *bytes = mem_alloc(part->size + 1);
    if (part->bytes != NULL) {
        memcpy(bytes, part->bytes, part->size);
    } else {
        assert_int_equal(file_read_at(part->fd, path, 0, bytes, part->size, err), 0);
    }
    copying->logs += strncmp(part->name, "wal-", 4) == 0;
    copying->segments += strncmp(part->name, "seg-", 4) == 0;
    copying->aged += strncmp(part->name, "age-", 4) == 0;
    int fd = -1;
    assert_int_equal(file_open(files_system(), path, FILE_CREATE_NEW, &fd, err), 0);
    assert_int_equal(file_write_at(files_system(), fd, path, 0, bytes, part->size, err), 0);
    file_close(fd);
    return 0;
}

static void append(
    struct historian *historian, struct model *model, uint32_t from, uint32_t count) {
    for (uint32_t i = from; i < from + count; i++) {
        struct row row = row_f64(1 + i % 3, TEST_T0 + (int64_t)i * 1000, i * 0.5);
        if (model != NULL) {
            model_add(model, &row);
        }
        history_append(historian, &row, 1);
    }
}

static uint32_t count_rows(struct hist_snapshot *snapshot, uint32_t tag) {
    struct hist_scan_options options = {
        .tag = tag, .from_ns = INT64_MIN, .to_ns = INT64_MAX, .versions = true};
    struct hist_scan *scan = NULL;
    struct hist_rows rows;
    uint32_t count = 0;
    assert_int_equal(hist_snapshot_scan(snapshot, &options, &scan, NULL), 0);
    while (hist_scan_next(scan, &rows, NULL) > 0) {
        count += rows.count;
    }
    hist_scan_close(scan);
    return count;
}

static void a_snapshot_stands_still_while_the_history_goes_on(void **state) {
    (void)state;
    char dir[128];
    folder_new(dir);
    struct historian *historian = history_open(dir, NULL);
    struct model model;
    model_init(&model);
    for (uint32_t i = 0; i < 5; i++) {
        append(historian, &model, i * 30, 30);
        assert_int_equal(hist_seal(historian, NULL), 0);
    }
    append(historian, &model, 150, 30); // In memory.
    struct hist_snapshot *snapshot = NULL;
    assert_int_equal(hist_snapshot_open(historian, &snapshot, NULL), 0);
    assert_int_equal(hist_snapshot_take(snapshot, NULL), 0);
    assert_int_equal(hist_snapshot_seq(snapshot), 180);
    /* Everything changes: new rows, merged segments, expired rows. */
    append(historian, NULL, 180, 60);
    assert_int_equal(hist_seal(historian, NULL), 0);
    while (hist_merge(historian, NULL) > 0) {
    }
    struct hist_expiry all = {.tag = 0, .before_ns = TEST_T0 + 100000};
    assert_int_equal(hist_expire_many(historian, &all, 1, NULL), 1);
    assert_int_equal(hist_expire_many(historian, &all, 1, NULL), 0);
    assert_int_equal(count_rows(snapshot, 1), 60);
    struct copying copying = {.logs = 0};
    folder_new(copying.dir);
    assert_int_equal(hist_snapshot_parts(snapshot, copy_part, &copying, NULL), 0);
    assert_int_equal(copying.segments, 6);
    assert_int_equal(copying.logs, 1); // What was in memory when the snapshot was opened.
    hist_snapshot_close(snapshot);
    hist_close(historian);
    historian = history_open(copying.dir, NULL);
    model_compare(&model, historian);
    assert_int_equal(hist_seq(historian), 180);
    hist_close(historian);
    model_fini(&model);
    folder_remove(copying.dir);
    folder_remove(dir);
}

/* ---- Ageing meanwhile ---- */

#define HOUR_NS (3600 * NS_PER_S)

static void age(struct historian *historian, int64_t raw_hour, int64_t rollup_hour) {
    struct hist_ageing tag = {.tag = 1,
        .raw_before_ns = TEST_T0 + raw_hour * HOUR_NS,
        .rollup_before_ns = TEST_T0 + rollup_hour * HOUR_NS};
    struct hist_age_options options = {.tags = &tag, .count = 1};
    struct hist_age_report report;
    assert_int_equal(hist_age(historian, &options, &report, NULL), 0);
}

struct hours {
    struct hist_bucket buckets[12];
    uint32_t count;
};

static int keep_hour(
    void *context, uint32_t tag, const struct hist_bucket *bucket, struct err *err) {
    (void)tag;
    (void)err;
    struct hours *hours = context;
    assert_true(hours->count < 12);
    hours->buckets[hours->count++] = *bucket;
    return 0;
}

static void hours_read(struct historian *historian, struct hours *ret_hours) {
    uint32_t tag = 1;
    struct hist_bucket_query query = {.tags = &tag,
        .tag_count = 1,
        .from_ns = TEST_T0,
        .to_ns = TEST_T0 + 12 * HOUR_NS,
        .every_ns = HOUR_NS};
    ret_hours->count = 0;
    assert_int_equal(hist_buckets(historian, &query, keep_hour, ret_hours, NULL), 0);
}

/* What a snapshot holds stays whole though its roll-ups are taken into other files and expire. */
static void a_snapshot_keeps_its_roll_ups_while_rows_age(void **state) {
    (void)state;
    char dir[128];
    folder_new(dir);
    struct historian *historian = history_open(dir, NULL);
    for (uint32_t i = 0; i < 12 * 60; i++) {
        struct row row = row_f64(1, TEST_T0 + (int64_t)i * 60 * NS_PER_S, i * 0.25);
        history_append(historian, &row, 1);
    }
    age(historian, 5, 1);
    age(historian, 6, 1);
    struct hours before;
    hours_read(historian, &before);
    assert_int_equal(before.count, 11);
    struct hist_snapshot *snapshot = NULL;
    assert_int_equal(hist_snapshot_open(historian, &snapshot, NULL), 0);
    assert_int_equal(hist_snapshot_take(snapshot, NULL), 0);
    age(historian, 10, 9); // All roll-ups that the snapshot has are gone here.
    while (hist_merge(historian, NULL) > 0) {
    }
    struct hours now;
    hours_read(historian, &now);
    assert_int_equal(now.count, 3);
    assert_int_equal(count_rows(snapshot, 1), 6 * 60);
    struct copying copying = {.logs = 0};
    folder_new(copying.dir);
    assert_int_equal(hist_snapshot_parts(snapshot, copy_part, &copying, NULL), 0);
    assert_true(copying.aged > 0);
    hist_snapshot_close(snapshot);
    hist_close(historian);
    historian = history_open(copying.dir, NULL);
    hours_read(historian, &now);
    assert_int_equal(now.count, before.count);
    for (uint32_t i = 0; i < now.count; i++) {
        const struct hist_bucket *a = &before.buckets[i];
        const struct hist_bucket *b = &now.buckets[i];
        assert_true(a->start_ns == b->start_ns && a->count == b->count && a->sum == b->sum);
        assert_true(a->min == b->min && a->max == b->max && !b->partial);
    }
    hist_close(historian);
    folder_remove(copying.dir);
    folder_remove(dir);
}

static uint32_t replay_count(struct historian *historian, uint64_t seq) {
    struct hist_replay *replay = NULL;
    const struct batch *batch = NULL;
    uint32_t count = 0;
    assert_int_equal(hist_replay_open(historian, seq, &replay, NULL), 0);
    while (hist_replay_next(replay, &batch, NULL) > 0) {
        assert_int_equal(batch->seq, seq + ++count);
    }
    hist_replay_close(replay);
    return count;
}

static void a_consumer_finds_its_batches_in_the_copy(void **state) {
    (void)state;
    char dir[128];
    folder_new(dir);
    struct historian *historian = history_open(dir, NULL);
    assert_int_equal(hist_consumer_keep(historian, STR("strokes"), 0, NULL), 0);
    append(historian, NULL, 0, 50);
    assert_int_equal(hist_consumer_keep(historian, STR("strokes"), 20, NULL), 0);
    struct hist_snapshot *snapshot = NULL;
    assert_int_equal(hist_snapshot_open(historian, &snapshot, NULL), 0);
    /* The consumer goes on and lets the log go; the snapshot still holds it. */
    append(historian, NULL, 50, 50);
    assert_int_equal(hist_seal(historian, NULL), 0);
    assert_int_equal(hist_consumer_keep(historian, STR("strokes"), 100, NULL), 0);
    assert_int_equal(hist_snapshot_take(snapshot, NULL), 0);
    append(historian, NULL, 100, 10); // Not inside.
    struct copying copying = {.logs = 0};
    folder_new(copying.dir);
    assert_int_equal(hist_snapshot_parts(snapshot, copy_part, &copying, NULL), 0);
    assert_true(copying.logs > 0);
    hist_snapshot_close(snapshot);
    hist_close(historian);
    historian = history_open(copying.dir, NULL);
    assert_int_equal(hist_seq(historian), 100);
    assert_int_equal(replay_count(historian, 20), 80);
    append(historian, NULL, 100, 5);
    assert_int_equal(replay_count(historian, 20), 85);
    hist_close(historian);
    folder_remove(copying.dir);
    folder_remove(dir);
}

static void many_tags_expire_with_one_list(void **state) {
    (void)state;
    char dir[128];
    folder_new(dir);
    struct historian *historian = history_open(dir, NULL);
    append(historian, NULL, 0, 30);
    struct hist_expiry some[] = {{.tag = 2, .before_ns = TEST_T0 + 5000},
        {.tag = 1, .before_ns = TEST_T0 + 10000}, {.tag = 2, .before_ns = TEST_T0 + 1000}};
    assert_int_equal(hist_expire_many(historian, some, 3, NULL), 2);
    struct hist_snapshot *snapshot = NULL;
    assert_int_equal(hist_snapshot_open(historian, &snapshot, NULL), 0);
    assert_int_equal(hist_snapshot_take(snapshot, NULL), 0);
    assert_int_equal(count_rows(snapshot, 1), 6);
    assert_int_equal(count_rows(snapshot, 2), 8);
    assert_int_equal(count_rows(snapshot, 3), 10);
    hist_snapshot_close(snapshot);
    hist_close(historian);
    folder_remove(dir);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_snapshot_stands_still_while_the_history_goes_on),
        cmocka_unit_test(a_snapshot_keeps_its_roll_ups_while_rows_age),
        cmocka_unit_test(a_consumer_finds_its_batches_in_the_copy),
        cmocka_unit_test(many_tags_expire_with_one_list)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
