/*
 * Damage on disk: whichever byte of a segment, of the log or of the manifest is flipped,
 * hist_verify finds it and names the file, and the history opens and answers with what is not
 * damaged.
 */
#include "support_history.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "core/buf.h"
#include "core/clock.h"
#include "core/mem.h"

struct found {
    int count;
    char words[4096];
};

static void found_add(void *context, const struct err *what) {
    struct found *found = context;
    AUTO_BUF struct buf words;
    buf_init(&words, sizeof found->words - 1);
    err_render(what, LANG_EN, &words);
    (void)snprintf(found->words, sizeof found->words, "%s", buf_z(&words));
    found->count++;
}

static void verify(const char *dir, struct found *found, struct hist_verify_report *report) {
    *found = (struct found){0};
    struct err err = ERR_INIT;
    expect_ok(hist_verify(NULL, dir, found_add, found, report, &err), &err);
    assert_int_equal(report->damaged, found->count);
}

/* Flips bits of one byte in place. */
static void byte_flip(const char *path, long at, uint8_t mask) {
    int fd = open(path, O_RDWR);
    assert_true(fd >= 0);
    uint8_t byte = 0;
    assert_int_equal(pread(fd, &byte, 1, at), 1);
    byte ^= mask;
    assert_int_equal(pwrite(fd, &byte, 1, at), 1);
    assert_int_equal(close(fd), 0);
}

static long size_of(const char *path) {
    int fd = open(path, O_RDONLY);
    assert_true(fd >= 0);
    long size = lseek(fd, 0, SEEK_END);
    assert_int_equal(close(fd), 0);
    return size;
}

static uint64_t count_rows(struct historian *historian, uint32_t tag) {
    struct hist_scan_options options = {.tag = tag, .from_ns = INT64_MIN, .to_ns = INT64_MAX};
    struct hist_scan *scan = NULL;
    struct err err = ERR_INIT;
    expect_ok(hist_scan_open(historian, &options, &scan, &err), &err);
    struct hist_rows rows;
    uint64_t count = 0;
    int rc = 0;
    while ((rc = hist_scan_next(scan, &rows, &err)) > 0) {
        count += rows.count;
    }
    expect_ok(rc, &err);
    hist_scan_close(scan);
    return count;
}

enum { TAGS = 4, ROWS = 300 };

/* One segment with every type, marks and roll-ups; its path. */
static void history_make(const char *dir, char *path) {
    struct historian *historian = history_open(dir, NULL);
    AUTO_BATCH struct batch *batch = batch_new(TAGS * ROWS, TAGS * ROWS * 24);
    for (uint32_t i = 0; i < ROWS; i++) {
        for (uint32_t tag = 1; tag <= TAGS; tag++) {
            struct row row = row_f64(tag, TEST_T0 + i * NS_PER_S / 8, i * 1.25);
            row.type = (uint8_t)tag;
            row.value.i64 = tag == 1 ? row.value.i64 : i % 2;
            (void)snprintf(row.text, sizeof row.text, "t%u", i % 17);
            row.status = i % 97 == 0 ? 0x80050000U : 0;
            batch_put(batch, &row);
        }
    }
    struct err err = ERR_INIT;
    expect_ok(hist_append(historian, &batch, 1, &err), &err);
    expect_ok(hist_seal(historian, &err), &err);
    hist_close(historian);
    (void)snprintf(path, 256, "%s/seg-0000000000000001.seg", dir);
}

static void every_flipped_byte_of_a_segment_is_found_and_the_rest_answers(void **state) {
    (void)state;
    char dir[128];
    char path[256];
    folder_new(dir);
    history_make(dir, path);
    struct found found;
    struct hist_verify_report report;
    verify(dir, &found, &report);
    assert_int_equal(report.damaged, 0);
    assert_int_equal(report.rows, TAGS * ROWS);
    assert_int_equal(report.segments, 1);
    long size = size_of(path);
    for (long at = 0; at < size; at++) {
        byte_flip(path, at, (uint8_t)(1U << (at % 8)));
        verify(dir, &found, &report);
        assert_true(report.damaged > 0);
        assert_non_null(strstr(found.words, path));
        assert_non_null(strstr(found.words, "block") != NULL ? strstr(found.words, "block")
                                                             : strstr(found.words, "page"));
        struct historian *historian = history_open(dir, NULL);
        uint32_t whole = 0;
        for (uint32_t tag = 1; tag <= TAGS; tag++) {
            uint64_t rows = count_rows(historian, tag);
            assert_true(rows == ROWS || rows == 0);
            whole += rows == ROWS;
        }
        assert_true(whole >= TAGS - 1);
        struct hist_status status;
        hist_status(historian, &status);
        assert_true(status.damaged_blocks > 0);
        hist_close(historian);
        byte_flip(path, at, (uint8_t)(1U << (at % 8)));
    }
    verify(dir, &found, &report);
    assert_int_equal(report.damaged, 0);
    folder_remove(dir);
}

static void a_cut_segment_is_found_at_any_length(void **state) {
    (void)state;
    char dir[128];
    char path[256];
    folder_new(dir);
    history_make(dir, path);
    struct found found;
    struct hist_verify_report report;
    for (long size = size_of(path) - 1; size >= 0; size -= size > 300 ? 37 : 1) {
        assert_int_equal(truncate(path, size), 0);
        verify(dir, &found, &report);
        assert_true(report.damaged > 0);
        struct historian *historian = history_open(dir, NULL);
        for (uint32_t tag = 1; tag <= TAGS; tag++) {
            uint64_t rows = count_rows(historian, tag);
            assert_true(rows == ROWS || rows == 0);
        }
        hist_close(historian);
    }
    folder_remove(dir);
}

static void every_flipped_byte_of_log_and_manifest_is_found(void **state) {
    (void)state;
    char dir[128];
    char segment[256];
    folder_new(dir);
    history_make(dir, segment);
    struct historian *historian = history_open(dir, NULL);
    struct err err = ERR_INIT;
    expect_ok(hist_consumer_keep(historian, STR("orders"), 1, &err), &err);
    for (int i = 0; i < 3; i++) {
        struct row row = row_f64(1, TEST_T0 + (1000 + i) * NS_PER_S, i);
        history_append(historian, &row, 1);
    }
    hist_close(historian); // The consumer keeps the log.
    static const char *const names[] = {"manifest", "wal-0000000000000001.log"};
    for (size_t i = 0; i < 2; i++) {
        char path[256];
        (void)snprintf(path, sizeof path, "%s/%s", dir, names[i]);
        struct found found;
        struct hist_verify_report report;
        verify(dir, &found, &report);
        assert_int_equal(report.damaged, 0);
        assert_int_equal(report.log_batches, 3);
        long size = size_of(path);
        assert_true(size > 20);
        for (long at = 0; at < size; at++) {
            byte_flip(path, at, 4);
            verify(dir, &found, &report);
            assert_true(report.damaged > 0);
            byte_flip(path, at, 4);
        }
    }
    folder_remove(dir);
}

static void a_damaged_segment_is_not_merged_away(void **state) {
    (void)state;
    char dir[128];
    char path[256];
    folder_new(dir);
    history_make(dir, path);
    struct historian *historian = history_open(dir, NULL);
    struct err err = ERR_INIT;
    for (int i = 0; i < 3; i++) {
        struct row row = row_f64(1, TEST_T0 + (1000 + i) * NS_PER_S, i);
        history_append(historian, &row, 1);
        expect_ok(hist_seal(historian, &err), &err);
    }
    byte_flip(path, 200, 1);
    int rc = 0;
    while ((rc = hist_merge(historian, &err)) > 0) {
    }
    expect_ok(rc, &err);
    struct hist_status status;
    hist_status(historian, &status);
    assert_int_equal(status.segment_count, 2);
    assert_int_equal(access(path, R_OK), 0);
    byte_flip(path, 200, 1);
    hist_close(historian);
    historian = history_open(dir, NULL);
    assert_int_equal(count_rows(historian, 1), ROWS + 3);
    hist_close(historian);
    folder_remove(dir);
}

/* ---- A history that is open ---- */

enum { LOG_BYTES = 100000, BATCH_ROWS = 1000 };

struct busy {
    struct historian *historian;
    int64_t next;
    int told;
};

static void fill(struct busy *busy, uint32_t batches) {
    AUTO_BATCH struct batch *batch = batch_new(BATCH_ROWS, 0);
    for (uint32_t n = 0; n < batches; n++, busy->next++) {
        batch_clear(batch);
        for (uint32_t i = 0; i < BATCH_ROWS; i++) {
            struct row row =
                row_f64(i + 1, TEST_T0 + busy->next * NS_PER_S, (double)i / 7); // 8 bytes.
            batch_put(batch, &row);
        }
        struct err err = ERR_INIT;
        expect_ok(hist_append(busy->historian, &batch, 1, &err), &err);
    }
}

/* While the first file is being read it is let go, and written over as the third. */
static void told_and_written_over(void *context, const struct err *what) {
    (void)what;
    struct busy *busy = context;
    if (busy->told++ == 0) {
        struct err err = ERR_INIT;
        expect_ok(hist_seal(busy->historian, &err), &err);
        fill(busy, LOG_BYTES / (BATCH_ROWS * 8) + 5); // The third file by half.
    }
}

static void a_log_that_is_written_over_meanwhile_is_not_damaged(void **state) {
    (void)state;
    char dir[128];
    char path[256];
    folder_new(dir);
    struct hist_options options = {.dir = dir, .no_thread = true, .log_file_bytes = LOG_BYTES};
    struct busy busy = {0};
    struct err err = ERR_INIT;
    expect_ok(hist_open(&options, &busy.historian, &err), &err);
    fill(&busy, LOG_BYTES / (BATCH_ROWS * 8) + 1);
    (void)snprintf(path, sizeof path, "%s/wal-0000000000000002.log", dir);
    assert_int_equal(access(path, R_OK), 0);
    (void)snprintf(path, sizeof path, "%s/wal-0000000000000001.log", dir);
    byte_flip(path, 12000, 1); // In the second frame: told while the file is open.
    struct hist_verify_report report;
    expect_ok(hist_verify(NULL, dir, told_and_written_over, &busy, &report, &err), &err);
    assert_int_equal(access(path, R_OK), -1);
    assert_int_equal(busy.told, 1);
    hist_close(busy.historian);
    folder_remove(dir);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_flipped_byte_of_a_segment_is_found_and_the_rest_answers),
        cmocka_unit_test(a_cut_segment_is_found_at_any_length),
        cmocka_unit_test(every_flipped_byte_of_log_and_manifest_is_found),
        cmocka_unit_test(a_damaged_segment_is_not_merged_away),
        cmocka_unit_test(a_log_that_is_written_over_meanwhile_is_not_damaged),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
