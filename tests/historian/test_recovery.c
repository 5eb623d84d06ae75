/*
 * After whatever happened: kill -9 at random moments, a log torn at each byte of its last frame,
 * damage in the middle, a lost manifest, every file operation failing in turn, and a full disk.
 * What must hold: everything acknowledged is there once, nothing refused shows up twice, and the
 * history opens.
 */
#include "support_history.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/file_fault.h"
#include "core/hash.h"
#include "core/mem.h"
#include "historian/wal_code.h"

static uint64_t rows_of(struct historian *historian, uint32_t tag, bool versions) {
    struct hist_scan_options options = {
        .tag = tag, .from_ns = INT64_MIN, .to_ns = INT64_MAX, .versions = versions};
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

static void path_of(const char *dir, const char *name, char *to) {
    (void)snprintf(to, 256, "%s/%s", dir, name);
}

/* ---- Kill -9 ---- */

/* Appends for ever, 100 rows of tags 1..100 at second n, and tells each acknowledged n. */
static void child_append(const char *dir, int report_fd, bool thread, int64_t first) {
    struct hist_options options = {
        .dir = dir, .no_thread = !thread, .memory_bytes = thread ? 600 << 10 : 0};
    struct historian *historian = NULL;
    if (hist_open(&options, &historian, NULL) < 0) {
        _exit(3);
    }
    struct batch *batch = batch_new(100, 0);
    for (int64_t n = first;; n++) {
        batch_clear(batch);
        for (uint32_t i = 0; i < 100; i++) {
            struct row row = row_f64(i + 1, TEST_T0 + n * NS_PER_S, (double)n + i / 100.0);
            batch_put(batch, &row);
        }
        if (hist_append(historian, &batch, 1, NULL) < 0 ||
            write(report_fd, &n, sizeof n) != sizeof n) {
            _exit(4);
        }
    }
}

/* Runs a child until it has acknowledged `enough`, kills it, and returns the last number told. */
static int64_t run_and_kill(const char *dir, bool thread, int64_t first, int64_t enough) {
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        (void)close(ends[0]);
        child_append(dir, ends[1], thread, first);
    }
    (void)close(ends[1]);
    int64_t last = first - 1;
    while (last < first + enough && read(ends[0], &last, sizeof last) == sizeof last) {
    }
    assert_int_equal(kill(pid, SIGKILL), 0);
    int64_t told = 0;
    while (read(ends[0], &told, sizeof told) == sizeof told) {
        last = told;
    }
    int status = 0;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSIGNALED(status));
    (void)close(ends[0]);
    return last;
}

/* Every second up to `last` once for each tag; at most one more that was on its way. */
static int64_t check_after_kill(const char *dir, int64_t last) {
    struct historian *historian = history_open(dir, NULL);
    int64_t stored = -1;
    for (uint32_t tag = 1; tag <= 100; tag += 33) {
        struct hist_scan_options options = {
            .tag = tag, .from_ns = INT64_MIN, .to_ns = INT64_MAX, .versions = true};
        struct hist_scan *scan = NULL;
        struct err err = ERR_INIT;
        expect_ok(hist_scan_open(historian, &options, &scan, &err), &err);
        struct hist_rows rows;
        int64_t next = 0;
        while (hist_scan_next(scan, &rows, &err) > 0) {
            for (uint32_t i = 0; i < rows.count; i++, next++) {
                assert_int_equal(rows.time_ns[i], TEST_T0 + next * NS_PER_S);
                assert_true(rows.f64[i] == (double)next + (tag - 1) / 100.0);
            }
        }
        hist_scan_close(scan);
        assert_true(next - 1 == last || next - 1 == last + 1);
        assert_true(stored < 0 || stored == next - 1);
        stored = next - 1;
    }
    struct hist_status status;
    hist_status(historian, &status);
    assert_int_equal(status.damaged_blocks, 0);
    hist_close(historian);
    return stored;
}

static void what_was_acknowledged_survives_kill_9_once(void **state) {
    (void)state;
    for (int thread = 0; thread < 2; thread++) {
        char dir[128];
        folder_new(dir);
        int64_t stored = -1;
        for (int round = 0; round < 10; round++) {
            int64_t enough = thread == 1 ? 500 + 377 * round : 1 + 13 * round;
            int64_t last = run_and_kill(dir, thread == 1, stored + 1, enough);
            stored = check_after_kill(dir, last);
        }
        struct hist_verify_report report;
        struct err err = ERR_INIT;
        expect_ok(hist_verify(NULL, dir, NULL, NULL, &report, &err), &err);
        assert_int_equal(report.damaged, 0);
        folder_remove(dir);
    }
}

/* ---- Torn and damaged logs ---- */

static void bytes_read(const char *path, uint8_t **ret_bytes, size_t *ret_size) {
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    assert_int_equal(fseek(file, 0, SEEK_END), 0);
    *ret_size = (size_t)ftell(file);
    rewind(file);
    *ret_bytes = mem_alloc(*ret_size + 1);
    assert_int_equal(fread(*ret_bytes, 1, *ret_size, file), *ret_size);
    assert_int_equal(fclose(file), 0);
}

static void bytes_write(const char *path, const uint8_t *bytes, size_t size) {
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
}

/* Three appends of five rows, left behind by a process that was killed; the log's bytes. */
static void log_make(const char *dir, uint8_t **ret_bytes, size_t *ret_size) {
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        struct historian *historian = history_open(dir, NULL);
        for (int n = 0; n < 3; n++) {
            struct row rows[5];
            for (int i = 0; i < 5; i++) {
                rows[i] = row_f64(1, TEST_T0 + (n * 5 + i) * NS_PER_S, n);
            }
            history_append(historian, rows, 5);
        }
        _exit(0);
    }
    int status = 0;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    char path[256];
    path_of(dir, "wal-0000000000000001.log", path);
    bytes_read(path, ret_bytes, ret_size);
    while (*ret_size > 0 && (*ret_bytes)[*ret_size - 1] == 0) {
        --*ret_size;
    }
}

static void log_put(const char *dir, const uint8_t *bytes, size_t size) {
    char path[256];
    struct err err = ERR_INIT;
    expect_ok(dir_remove_all(dir, &err), &err);
    assert_int_equal(mkdir(dir, 0700), 0);
    path_of(dir, "wal-0000000000000001.log", path);
    bytes_write(path, bytes, size);
}

static void count_notice(void *context, const struct err *what) {
    assert_true(what->code != ERR_OK);
    ++*(int *)context;
}

static void a_tail_torn_at_any_byte_is_cut_and_said(void **state) {
    (void)state;
    char dir[128];
    folder_new(dir);
    uint8_t *bytes = NULL;
    size_t size = 0;
    log_make(dir, &bytes, &size);
    /* Three frames of one shape behind a head of 32 bytes. */
    size_t frame = (size - 32 + 2) / 3;
    size_t two = 32 + 2 * frame;
    while (memcmp(bytes + two, "MWF1", 4) != 0) {
        two--;
    }
    for (size_t cut = two; cut < size; cut++) {
        log_put(dir, bytes, cut);
        struct historian *historian = history_open(dir, NULL);
        assert_int_equal(rows_of(historian, 1, true), 10);
        assert_int_equal(hist_seq(historian), 2);
        struct hist_status status;
        hist_status(historian, &status);
        int notices = 0;
        hist_notices(historian, count_notice, &notices);
        assert_int_equal(status.torn_bytes_cut > 0, cut > two);
        assert_int_equal(notices, cut > two ? 1 : 0);
        struct row row = row_f64(1, TEST_T0 + 100 * NS_PER_S, 1);
        history_append(historian, &row, 1);
        assert_int_equal(hist_seq(historian), 3);
        hist_close(historian);
        historian = history_open(dir, NULL);
        assert_int_equal(rows_of(historian, 1, true), 11);
        hist_close(historian);
    }
    mem_free(bytes);
    folder_remove(dir);
}

/* A file that was taken for the next one and never written says nothing; the one behind it says
 * where the numbers of the one before end. */
static void a_file_that_was_never_written_does_not_hide_the_next_ones_beginning(void **state) {
    (void)state;
    char dir[128];
    char path[256];
    folder_new(dir);
    uint8_t *bytes = NULL;
    size_t size = 0;
    log_make(dir, &bytes, &size);
    for (int old = 0; old < 2; old++) { // Empty, or with what it held before.
        log_put(dir, bytes, size);
        path_of(dir, "wal-0000000000000002.log", path);
        bytes_write(path, bytes, old == 1 ? size : 0);
        /* Numbers 2 and 3 of the first were never acknowledged: this one took them. */
        AUTO_BUF struct buf next;
        buf_init(&next, size);
        uint8_t head[32];
        wal_file_head_write(head, &(struct wal_file_head){.number = 3, .first_seq = 2});
        buf_put(&next, head, sizeof head);
        AUTO_BUF struct buf payload;
        buf_init(&payload, size);
        AUTO_BATCH struct batch *batch = batch_new(1, 0);
        struct row row = row_f64(1, TEST_T0 + 100 * NS_PER_S, 1);
        batch_put(batch, &row);
        wal_batch_write(&payload, batch);
        wal_frame_head_write(head, &(struct wal_frame_head){.payload_size = (uint32_t)payload.size,
                                       .batch_count = 1,
                                       .first_seq = 2,
                                       .payload_crc = crc32c(0, payload.data, payload.size),
                                       .file = 3});
        buf_put(&next, head, sizeof head);
        buf_put(&next, payload.data, payload.size);
        path_of(dir, "wal-0000000000000003.log", path);
        bytes_write(path, next.data, next.size);
        struct historian *historian = history_open(dir, NULL);
        assert_int_equal(hist_seq(historian), 2);
        assert_int_equal(rows_of(historian, 1, true), 6);
        hist_close(historian);
    }
    mem_free(bytes);
    folder_remove(dir);
}

static void damage_in_the_middle_of_the_log_costs_only_that_batch(void **state) {
    (void)state;
    char dir[128];
    folder_new(dir);
    uint8_t *bytes = NULL;
    size_t size = 0;
    log_make(dir, &bytes, &size);
    for (size_t at = 0; at < 100; at++) {
        bytes[at] ^= 0x10;
        log_put(dir, bytes, size);
        bytes[at] ^= 0x10;
        struct historian *historian = history_open(dir, NULL);
        assert_int_equal(rows_of(historian, 1, true), at < 32 ? 15 : 10);
        assert_int_equal(hist_seq(historian), 3);
        int notices = 0;
        hist_notices(historian, count_notice, &notices);
        assert_int_equal(notices, 1);
        hist_close(historian);
    }
    mem_free(bytes);
    folder_remove(dir);
}

/* Rows that a follower of the log gets; it comes to the end. */
static uint64_t rows_followed(struct historian *historian) {
    struct err err = ERR_INIT;
    struct hist_replay *replay = NULL;
    const struct batch *batch = NULL;
    uint64_t rows = 0;
    int rc = 0;
    expect_ok(hist_replay_open(historian, 0, &replay, &err), &err);
    while ((rc = hist_replay_next(replay, &batch, &err)) > 0) {
        rows += batch->count;
    }
    expect_ok(rc, &err);
    hist_replay_close(replay);
    return rows;
}

/* A frame whose checksums are good and whose content is not was written so: the others answer. */
static void a_frame_that_cannot_be_read_keeps_nothing_else_shut(void **state) {
    (void)state;
    char dir[128];
    folder_new(dir);
    uint8_t *bytes = NULL;
    size_t size = 0;
    log_make(dir, &bytes, &size);
    uint8_t *second = bytes + WAL_FILE_HEAD_BYTES;
    struct wal_frame_head head;
    assert_int_equal(wal_frame_head_read(second, &head), WAL_HEAD_OK);
    second += WAL_FRAME_HEAD_BYTES + head.payload_size;
    assert_int_equal(wal_frame_head_read(second, &head), WAL_HEAD_OK);
    uint8_t *payload = second + WAL_FRAME_HEAD_BYTES;
    for (uint32_t at = 0; at < head.payload_size; at++) {
        uint8_t was = payload[at];
        payload[at] ^= 0x55;
        head.payload_crc = crc32c(0, payload, head.payload_size);
        wal_frame_head_write(second, &head);
        log_put(dir, bytes, size);
        struct historian *historian = history_open(dir, NULL);
        assert_int_equal(hist_seq(historian), 3);
        int notices = 0;
        hist_notices(historian, count_notice, &notices);
        uint64_t rows = rows_of(historian, 1, false);
        assert_true(notices == 1 ? rows == 10 : rows >= 10); // Some bits only change values.
        assert_true(rows_followed(historian) == (notices == 1 ? 10 : 15));
        hist_close(historian);
        payload[at] = was;
    }
    mem_free(bytes);
    folder_remove(dir);
}

static void a_lost_or_damaged_manifest_is_rebuilt(void **state) {
    (void)state;
    for (int way = 0; way < 2; way++) {
        char dir[128];
        folder_new(dir);
        struct historian *historian = history_open(dir, NULL);
        struct err err = ERR_INIT;
        for (int n = 0; n < 3; n++) {
            struct row row = row_f64(1, TEST_T0, n);
            history_append(historian, &row, 1);
            expect_ok(hist_seal(historian, &err), &err);
        }
        hist_close(historian);
        char path[256];
        path_of(dir, "manifest", path);
        if (way == 0) {
            assert_int_equal(unlink(path), 0);
        } else {
            bytes_write(path, (const uint8_t *)"rubbish", 7);
        }
        historian = history_open(dir, NULL);
        assert_int_equal(rows_of(historian, 1, true), 3);
        struct hist_last last;
        assert_true(hist_last(historian, 1, &last));
        assert_true(last.row.value.f64 == 2.0);
        int notices = 0;
        hist_notices(historian, count_notice, &notices);
        assert_true(notices > 0);
        hist_close(historian);
        folder_remove(dir);
    }
}

/* ---- Failing operations ---- */

struct fault_case {
    enum file_op op;
    int errno_value;
    bool sticky;
};

/* A day of work in which some calls may fail; counts what was acknowledged. */
static void fault_work(struct historian *historian, int64_t *next, int64_t *stored) {
    for (int n = 0; n < 12; n++) {
        struct row row = row_f64(1, TEST_T0 + *next * NS_PER_S, (double)*next);
        AUTO_BATCH struct batch *batch = batch_new(1, 0);
        batch_put(batch, &row);
        if (hist_append(historian, &batch, 1, NULL) == 0) {
            stored[*next] = 1;
        }
        ++*next;
        if (n % 3 == 2) {
            (void)hist_seal(historian, NULL);
        }
        if (n == 8) {
            (void)hist_merge(historian, NULL);
        }
        if (n == 10) {
            (void)hist_consumer_keep(historian, STR("orders"), 1, NULL);
            (void)hist_expire(historian, 2, TEST_T0, NULL);
        }
    }
}

/* All acknowledged rows once; refused ones at most once. */
static void fault_check(struct historian *historian, const int64_t *stored, int64_t next) {
    int64_t seen[64] = {0};
    struct hist_scan_options options = {
        .tag = 1, .from_ns = INT64_MIN, .to_ns = INT64_MAX, .versions = true};
    struct hist_scan *scan = NULL;
    struct err err = ERR_INIT;
    expect_ok(hist_scan_open(historian, &options, &scan, &err), &err);
    struct hist_rows rows;
    while (hist_scan_next(scan, &rows, &err) > 0) {
        for (uint32_t i = 0; i < rows.count; i++) {
            seen[(rows.time_ns[i] - TEST_T0) / NS_PER_S]++;
        }
    }
    hist_scan_close(scan);
    for (int64_t i = 0; i < next; i++) {
        assert_true(seen[i] <= 1);
        assert_true(stored[i] == 0 || seen[i] == 1);
    }
}

static void each_failing_operation_loses_and_doubles_nothing(void **state) {
    (void)state;
    static const struct fault_case cases[] = {{FILE_OP_WRITE, EIO, false},
        {FILE_OP_WRITE, ENOSPC, true}, {FILE_OP_SYNC, EIO, false}, {FILE_OP_SYNC, EIO, true},
        {FILE_OP_RENAME, EIO, false}, {FILE_OP_REMOVE, EIO, true}, {FILE_OP_TRUNCATE, EIO, true},
        {FILE_OP_OPEN, EIO, false}, {FILE_OP_COUNT, EIO, false}, {FILE_OP_COUNT, EIO, true}};
    for (size_t c = 0; c < sizeof cases / sizeof cases[0]; c++) {
        bool fired = true;
        for (int64_t pass = 0; fired && pass < 200; pass++) {
            char dir[128];
            folder_new(dir);
            struct file_fault fault;
            file_fault_init(&fault);
            struct historian *historian = history_open(dir, &fault.files);
            int64_t stored[64] = {0};
            int64_t next = 0;
            fault.sticky = cases[c].sticky;
            fault.torn_bytes = pass % 2 == 0 ? 40 : 0;
            file_fault_arm(&fault, cases[c].op, pass, cases[c].errno_value);
            fault_work(historian, &next, stored);
            fired = fault.countdown <= 0; // Else there was no operation left to fail.
            fault_check(historian, stored, next);
            hist_close(historian); // As it is: still failing, in the sticky cases.
            file_fault_disarm(&fault);
            historian = history_open(dir, &fault.files);
            fault_check(historian, stored, next);
            fault_work(historian, &next, stored);
            fault_check(historian, stored, next);
            for (int64_t i = 12; i < next; i++) {
                assert_int_equal(stored[i], 1);
            }
            hist_close(historian);
            folder_remove(dir);
        }
    }
}

static void a_full_disk_refuses_writes_answers_queries_and_recovers(void **state) {
    (void)state;
    char dir[128];
    folder_new(dir);
    struct file_fault fault;
    file_fault_init(&fault);
    struct historian *historian = history_open(dir, &fault.files);
    struct row row = row_f64(1, TEST_T0, 1);
    history_append(historian, &row, 1);
    fault.sticky = 1;
    fault.torn_bytes = 11;
    file_fault_arm(&fault, FILE_OP_WRITE, 0, ENOSPC);
    AUTO_BATCH struct batch *batch = batch_new(1, 0);
    struct row refused = row_f64(1, TEST_T0 + NS_PER_S, 2);
    batch_put(batch, &refused);
    struct err err = ERR_INIT;
    assert_int_equal(hist_append(historian, &batch, 1, &err), -ERR_SPACE);
    assert_int_equal(err.code, ERR_SPACE);
    assert_int_equal(hist_seal(historian, &err), -ERR_SPACE);
    struct hist_status status;
    hist_status(historian, &status);
    assert_true(status.disk_full);
    assert_true(status.disk_full_since_ns > 0);
    assert_int_equal(rows_of(historian, 1, true), 1);
    file_fault_disarm(&fault);
    expect_ok(hist_append(historian, &batch, 1, &err), &err);
    expect_ok(hist_seal(historian, &err), &err);
    hist_status(historian, &status);
    assert_false(status.disk_full);
    hist_close(historian);
    historian = history_open(dir, NULL);
    assert_int_equal(rows_of(historian, 1, true), 2);
    hist_close(historian);
    folder_remove(dir);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_acknowledged_survives_kill_9_once),
        cmocka_unit_test(a_tail_torn_at_any_byte_is_cut_and_said),
        cmocka_unit_test(a_file_that_was_never_written_does_not_hide_the_next_ones_beginning),
        cmocka_unit_test(damage_in_the_middle_of_the_log_costs_only_that_batch),
        cmocka_unit_test(a_frame_that_cannot_be_read_keeps_nothing_else_shut),
        cmocka_unit_test(a_lost_or_damaged_manifest_is_rebuilt),
        cmocka_unit_test(each_failing_operation_loses_and_doubles_nothing),
        cmocka_unit_test(a_full_disk_refuses_writes_answers_queries_and_recovers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
