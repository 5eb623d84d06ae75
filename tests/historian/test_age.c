/*
 * Ageing: what the roll-ups that stayed answer is what the rows answered before they went, or is
 * marked; the archive has every version that went; and no failing operation loses a row.
 */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/bytes.h"
#include "core/file_fault.h"
#include "core/mem.h"
#include "tests/historian/support_history.h"

#define HOUR_NS   (3600 * NS_PER_S)
#define MINUTE_NS (60 * NS_PER_S)
enum { TAGS = 5, DAYS = 5 };

/* ---- Rows: fast, usual with all that happens, sparse, whole numbers, texts ---- */

static struct row usual_row(struct random *random, int64_t at_ns) {
    struct row row = row_f64(2, TEST_T0 + at_ns, (double)random_below(random, 100000) / 100 - 300);
    uint64_t what = random_below(random, 40);
    if (what == 0) {
        row.status = 0x80000000U; // Bad.
    } else if (what == 1) {
        row.flags = SAMPLE_CORRECTION;
        row.time_ns -= (int64_t)random_below(random, 600) * NS_PER_S;
    } else if (what == 2) {
        row.value.f64 = (double)NAN;
    } else if (what < 6) { // Late, often for a time that stands already.
        row.time_ns -= (int64_t)random_below(random, 7200) * NS_PER_S;
        row.time_ns -= row.time_ns % (60 * NS_PER_S);
    }
    return row;
}

static void put_text(struct batch *batch, int64_t time_ns, uint64_t number) {
    struct row row = {.tag = 5, .time_ns = time_ns, .type = TYPE_TEXT};
    (void)snprintf(row.text, sizeof row.text, "lot-%llu", (unsigned long long)number);
    batch_put(batch, &row);
}

/* One hour of all tags, in one batch. */
static void fill_hour(struct historian *historian, struct random *random, int64_t hour) {
    AUTO_BATCH struct batch *batch = batch_new(60000, 1 << 20);
    int64_t start_ns = hour * HOUR_NS;
    for (int64_t i = 0; hour % 24 == 3 && i < 40000; i++) { // 11 a second: minutes are kept.
        struct row row = row_f64(1, TEST_T0 + start_ns + i * 90000000, sin((double)i / 500));
        batch_put(batch, &row);
    }
    for (int64_t at = start_ns; at < start_ns + HOUR_NS;) {
        at += (int64_t)(1 + random_below(random, 40)) * NS_PER_S;
        struct row row = usual_row(random, at);
        batch_put(batch, &row);
    }
    if (random_below(random, 3) == 0) {
        struct row row = row_f64(
            3, TEST_T0 + start_ns + (int64_t)random_below(random, 3600) * NS_PER_S, (double)hour);
        batch_put(batch, &row);
    }
    for (int64_t i = 0; i < 20; i++) {
        struct row row = {.tag = 4,
            .time_ns = TEST_T0 + start_ns + i * 180 * NS_PER_S + 7,
            .type = TYPE_I64,
            .value = {.i64 = hour * 20 + i}};
        batch_put(batch, &row);
    }
    put_text(batch, TEST_T0 + start_ns + 5 * NS_PER_S, (uint64_t)hour);
    struct err err = ERR_INIT;
    expect_ok(hist_append(historian, &batch, 1, &err), &err);
}

static void fill(struct historian *historian, uint64_t seed) {
    struct random random;
    struct err err = ERR_INIT;
    random_seed(&random, seed);
    for (int64_t hour = 0; hour < DAYS * 24; hour++) {
        fill_hour(historian, &random, hour);
        if (random_below(&random, 10) == 0) {
            expect_ok(hist_seal(historian, &err), &err);
        }
    }
}

/* ---- Asking ---- */

struct answer {
    struct hist_bucket *buckets;
    uint32_t count;
    uint32_t capacity;
};

static int keep_bucket(
    void *context, uint32_t tag, const struct hist_bucket *bucket, struct err *err) {
    (void)tag;
    (void)err;
    struct answer *answer = context;
    if (answer->count == answer->capacity) {
        answer->capacity = answer->capacity * 2 + 16;
        answer->buckets = mem_resize(answer->buckets, answer->capacity * sizeof *answer->buckets);
    }
    answer->buckets[answer->count++] = *bucket;
    return 0;
}

struct question {
    uint32_t tag;
    int64_t from_ns;
    int64_t to_ns;
    int64_t every_ns;
};

static void ask(
    struct historian *historian, const struct question *question, struct answer *ret_answer) {
    struct hist_bucket_query query = {.tags = &question->tag,
        .tag_count = 1,
        .from_ns = question->from_ns,
        .to_ns = question->to_ns,
        .every_ns = question->every_ns};
    struct err err = ERR_INIT;
    *ret_answer = (struct answer){0};
    expect_ok(hist_buckets(historian, &query, keep_bucket, ret_answer, &err), &err);
}

static const struct hist_bucket *find(const struct answer *answer, int64_t start_ns) {
    for (uint32_t i = 0; i < answer->count; i++) {
        if (answer->buckets[i].start_ns == start_ns) {
            return &answer->buckets[i];
        }
    }
    return NULL;
}

static bool same(double a, double b) {
    return memcmp(&a, &b, sizeof a) == 0 || (isnan(a) && isnan(b));
}

static void buckets_equal(const struct hist_bucket *a, const struct hist_bucket *b) {
    assert_int_equal(a->end_ns, b->end_ns);
    assert_int_equal(a->count, b->count);
    assert_int_equal(a->bad_count, b->bad_count);
    assert_true(same(a->min, b->min) && same(a->max, b->max));
    assert_true(same(a->first, b->first) && same(a->last, b->last));
    if (a->count > 0) {
        assert_int_equal(a->first_ns, b->first_ns);
        assert_int_equal(a->last_ns, b->last_ns);
    }
    assert_true(fabs(a->sum - b->sum) <= 1e-12 * fabs(b->sum) + 1e-300);
}

/* Compares with an untouched history of the same rows. Count of buckets that are partial. */
static uint32_t compare(
    struct historian *aged, struct historian *whole, const struct question *question) {
    struct answer now;
    struct answer before;
    uint32_t partial = 0;
    ask(aged, question, &now);
    ask(whole, question, &before);
    for (uint32_t i = 0; i < now.count; i++) {
        const struct hist_bucket *bucket = &now.buckets[i];
        assert_true(i == 0 || bucket->start_ns > now.buckets[i - 1].start_ns);
        const struct hist_bucket *want = find(&before, bucket->start_ns);
        partial += bucket->partial;
        if (!bucket->partial) {
            assert_non_null(want);
            buckets_equal(bucket, want);
        } else if (want != NULL) {
            assert_true(bucket->count <= want->count && bucket->bad_count <= want->bad_count);
        } else {
            assert_int_equal(bucket->count + bucket->bad_count, 0);
        }
    }
    if (partial == 0) {
        assert_int_equal(now.count, before.count);
    }
    mem_free(now.buckets);
    mem_free(before.buckets);
    return partial;
}

static void compare_all(struct historian *aged, struct historian *whole, struct random *random) {
    static const int64_t WHOLE[] = {600, 1800, 3600, 7200, 86400, 0};
    const int64_t end_ns = TEST_T0 + DAYS * 24 * HOUR_NS;
    for (uint32_t tag = 1; tag <= TAGS; tag++) {
        for (size_t i = 0; i < sizeof WHOLE / sizeof WHOLE[0]; i++) {
            struct question question = {tag, TEST_T0 - 3 * HOUR_NS, end_ns, WHOLE[i] * NS_PER_S};
            assert_int_equal(compare(aged, whole, &question), 0);
            question.from_ns = TEST_T0 + (int64_t)random_below(random, 400) * 600 * NS_PER_S;
            question.to_ns =
                question.from_ns + (int64_t)(1 + random_below(random, 200)) * 600 * NS_PER_S;
            assert_int_equal(compare(aged, whole, &question), 0);
        }
        for (int i = 0; i < 30; i++) {
            struct question question = {.tag = tag,
                .from_ns = TEST_T0 + (int64_t)random_below(random, DAYS * 86400) * NS_PER_S};
            question.to_ns =
                question.from_ns + (int64_t)(1 + random_below(random, 86400)) * NS_PER_S;
            question.every_ns = (int64_t)random_below(random, 5000) * NS_PER_S;
            (void)compare(aged, whole, &question);
        }
    }
}

/* Rows in all versions. */
static uint32_t rows_of(struct historian *historian, uint32_t tag, int64_t from_ns, int64_t to_ns) {
    struct hist_scan_options options = {
        .tag = tag, .from_ns = from_ns, .to_ns = to_ns, .versions = true};
    struct hist_scan *scan = NULL;
    struct hist_rows rows;
    struct err err = ERR_INIT;
    uint32_t count = 0;
    expect_ok(hist_scan_open(historian, &options, &scan, &err), &err);
    while (hist_scan_next(scan, &rows, &err) > 0) {
        count += rows.count;
    }
    hist_scan_close(scan);
    return count;
}

/* ---- Ageing ---- */

static int age(struct historian *historian, int64_t raw_ns, int64_t rollup_ns,
    const char *archive_dir, struct hist_age_report *ret_report, struct err *err) {
    struct hist_ageing tags[TAGS];
    for (uint32_t i = 0; i < TAGS; i++) {
        tags[i] = (struct hist_ageing){
            .tag = i + 1, .raw_before_ns = raw_ns, .rollup_before_ns = rollup_ns};
    }
    struct hist_age_options options = {.tags = tags, .count = TAGS, .archive_dir = archive_dir};
    return hist_age(historian, &options, ret_report, err);
}

static void age_well(
    struct historian *historian, int64_t raw_ns, int64_t rollup_ns, const char *archive_dir) {
    struct hist_age_report report;
    struct err err = ERR_INIT;
    expect_ok(age(historian, raw_ns, rollup_ns, archive_dir, &report, &err), &err);
    assert_int_equal(report.kept, 0);
}

static void fail_damage(void *context, const struct err *what) {
    (void)context;
    expect_ok(-1, what);
}

static void verify_well(const char *dir) {
    struct hist_verify_report report;
    struct err err = ERR_INIT;
    expect_ok(hist_verify(NULL, dir, fail_damage, NULL, &report, &err), &err);
    assert_int_equal(report.damaged, 0);
    assert_true(report.blocks > 0);
}

static void roll_ups_answer_what_the_rows_answered(void **state) {
    (void)state;
    char dir[128];
    char whole_dir[128];
    folder_new(dir);
    folder_new(whole_dir);
    struct historian *aged = history_open(dir, NULL);
    struct historian *whole = history_open(whole_dir, NULL);
    struct random random;
    struct err err = ERR_INIT;
    random_seed(&random, 7);
    fill(aged, 42);
    fill(whole, 42);
    compare_all(aged, whole, &random);
    /* Rounds of uneven size; each takes older files into its own or leaves them. */
    static const int64_t HOURS[] = {5, 6, 7, 31, 32, 33, 34, 70, 71, 95, 96};
    for (size_t i = 0; i < sizeof HOURS / sizeof HOURS[0]; i++) {
        int64_t raw_ns = TEST_T0 + HOURS[i] * HOUR_NS;
        age_well(aged, raw_ns + 17, INT64_MIN, NULL); // Taken down to the hour.
        compare_all(aged, whole, &random);
        assert_int_equal(rows_of(aged, 2, INT64_MIN, raw_ns), 0);
        assert_int_equal(rows_of(aged, 2, raw_ns, INT64_MAX), rows_of(whole, 2, raw_ns, INT64_MAX));
        if (i % 3 == 1) {
            expect_ok(hist_merge(aged, &err), &err);
        }
        if (i % 4 == 2) {
            hist_close(aged);
            verify_well(dir);
            aged = history_open(dir, NULL);
        }
    }
    while (hist_merge(aged, &err) > 0) {
    }
    struct hist_status status;
    struct hist_status status_whole;
    hist_status(aged, &status);
    hist_status(whole, &status_whole);
    assert_true(status.rollup_bytes > 0 && status.rows < status_whole.rows / 3);
    compare_all(aged, whole, &random);
    hist_close(aged);
    hist_close(whole);
    verify_well(dir);
    folder_remove(dir);
    folder_remove(whole_dir);
}

static void what_a_bucket_cuts_is_said_to_be_partial(void **state) {
    (void)state;
    char dir[128];
    folder_new(dir);
    struct historian *historian = history_open(dir, NULL);
    for (int64_t i = 0; i < 3600; i += 10) { // One hour, every 10 s; one alone in the next.
        struct row row = row_f64(1, TEST_T0 + i * NS_PER_S, (double)i);
        history_append(historian, &row, 1);
    }
    struct row lone = row_f64(1, TEST_T0 + 5000 * NS_PER_S, 5);
    history_append(historian, &lone, 1);
    age_well(historian, TEST_T0 + 2 * HOUR_NS, INT64_MIN, NULL);
    struct answer answer;
    struct question cut = {1, TEST_T0 + 300 * NS_PER_S, TEST_T0 + HOUR_NS, 0};
    ask(historian, &cut, &answer);
    assert_int_equal(answer.count, 1);
    assert_true(answer.buckets[0].partial);
    assert_int_equal(answer.buckets[0].count, 300); // The five whole cells.
    assert_true(answer.buckets[0].min == 600);
    mem_free(answer.buckets);
    struct question fine = {1, TEST_T0, TEST_T0 + HOUR_NS, MINUTE_NS};
    ask(historian, &fine, &answer);
    assert_int_equal(answer.count, 6); // One for each cell that no minute can hold.
    assert_true(answer.buckets[0].partial && answer.buckets[0].count == 0);
    mem_free(answer.buckets);
    struct question second = {1, TEST_T0 + HOUR_NS, TEST_T0 + 2 * HOUR_NS, NS_PER_S};
    ask(historian, &second, &answer);
    assert_int_equal(answer.count, 1); // Its time is known to the nanosecond.
    assert_false(answer.buckets[0].partial);
    assert_int_equal(answer.buckets[0].start_ns, lone.time_ns);
    mem_free(answer.buckets);
    hist_close(historian);
    folder_remove(dir);
}

static void roll_ups_go_at_their_own_age(void **state) {
    (void)state;
    char dir[128];
    folder_new(dir);
    struct historian *historian = history_open(dir, NULL);
    fill(historian, 3);
    struct hist_horizon horizon;
    hist_horizon(historian, 2, &horizon);
    assert_true(horizon.raw_ns == INT64_MIN && horizon.rollup_ns == INT64_MIN);
    age_well(historian, TEST_T0 + 48 * HOUR_NS, INT64_MIN, NULL);
    age_well(historian, TEST_T0 + 60 * HOUR_NS, TEST_T0 + 30 * HOUR_NS, NULL);
    hist_horizon(historian, 2, &horizon);
    assert_int_equal(horizon.raw_ns, TEST_T0 + 60 * HOUR_NS);
    assert_int_equal(horizon.rollup_ns, TEST_T0 + 30 * HOUR_NS);
    struct answer answer;
    struct question all = {2, INT64_MIN, INT64_MAX, HOUR_NS};
    ask(historian, &all, &answer);
    assert_int_equal(answer.buckets[0].start_ns, TEST_T0 + 30 * HOUR_NS);
    mem_free(answer.buckets);
    /* No roll-ups from here on: those that stand go, too. */
    age_well(historian, TEST_T0 + 61 * HOUR_NS + 5, TEST_T0 + 62 * HOUR_NS, NULL);
    ask(historian, &all, &answer);
    assert_true(answer.buckets[0].first_ns >= TEST_T0 + 61 * HOUR_NS + 5);
    mem_free(answer.buckets);
    struct hist_status status;
    hist_status(historian, &status);
    assert_int_equal(status.rollup_bytes, 0); // Nothing of it is left on the disk.
    hist_close(historian);
    verify_well(dir);
    folder_remove(dir);
}

static void late_rows_for_expired_time_expire_at_once(void **state) {
    (void)state;
    char dir[128];
    folder_new(dir);
    struct historian *historian = history_open(dir, NULL);
    fill(historian, 4);
    age_well(historian, TEST_T0 + 48 * HOUR_NS, INT64_MIN, NULL);
    struct answer before;
    struct answer after;
    struct question all = {2, INT64_MIN, INT64_MAX, 0};
    ask(historian, &all, &before);
    struct row late = row_f64(2, TEST_T0 + 5 * HOUR_NS + 1, 1e9);
    history_append(historian, &late, 1);
    ask(historian, &all, &after);
    buckets_equal(&after.buckets[0], &before.buckets[0]);
    mem_free(after.buckets);
    age_well(historian, TEST_T0 + 49 * HOUR_NS, INT64_MIN, NULL);
    while (hist_merge(historian, NULL) > 0) {
    }
    ask(historian, &all, &after);
    buckets_equal(&after.buckets[0], &before.buckets[0]);
    mem_free(after.buckets);
    mem_free(before.buckets);
    hist_close(historian);
    folder_remove(dir);
}

/* ---- Archive ---- */

struct reading {
    const char *dir;
    uint32_t tag;
    uint32_t rows; // All versions.
    uint8_t *seen; // By ten seconds since TEST_T0; NULL: not asked.
};

static int read_archived(void *context, const char *name, struct err *err) {
    struct reading *reading = context;
    char path[400];
    struct hist_file *file = NULL;
    if (strncmp(name, "seg-", 4) != 0) {
        return 0;
    }
    (void)snprintf(path, sizeof path, "%s/%s", reading->dir, name);
    expect_ok(hist_file_open(NULL, path, &file, err), err);
    struct hist_scan_options options = {
        .tag = reading->tag, .from_ns = INT64_MIN, .to_ns = INT64_MAX, .versions = true};
    struct hist_scan *scan = NULL;
    struct hist_rows rows;
    expect_ok(hist_file_scan(file, &options, &scan, err), err);
    while (hist_scan_next(scan, &rows, err) > 0) {
        reading->rows += rows.count;
        for (uint32_t i = 0; i < rows.count && reading->seen != NULL; i++) {
            reading->seen[(rows.time_ns[i] - TEST_T0) / (10 * NS_PER_S)] = 1;
        }
    }
    hist_scan_close(scan);
    assert_int_equal(hist_file_damaged(file), 0);
    hist_file_close(file);
    return 0;
}

static uint32_t archived_rows(const char *dir, uint32_t tag, uint8_t *seen) {
    struct reading reading = {.dir = dir, .tag = tag, .seen = seen};
    struct err err = ERR_INIT;
    expect_ok(dir_each(dir, read_archived, &reading, &err), &err);
    return reading.rows;
}

static void the_archive_has_every_version_that_went(void **state) {
    (void)state;
    char dir[128];
    char whole_dir[128];
    char archive[160];
    folder_new(dir);
    folder_new(whole_dir);
    (void)snprintf(archive, sizeof archive, "%s/archive", whole_dir);
    struct historian *historian = history_open(dir, NULL);
    struct historian *whole = history_open(whole_dir, NULL);
    struct err err = ERR_INIT;
    fill(historian, 8);
    fill(whole, 8);
    int64_t raw_ns = TEST_T0 + 50 * HOUR_NS;
    struct hist_age_report report;
    expect_ok(age(historian, raw_ns, INT64_MIN, archive, &report, &err), &err);
    uint64_t rows = 0;
    for (uint32_t tag = 1; tag <= TAGS; tag++) {
        rows += rows_of(whole, tag, INT64_MIN, raw_ns);
    }
    assert_int_equal(report.archived_rows, rows);
    assert_int_equal(report.archived_files, 1);
    verify_well(archive);
    for (uint32_t tag = 1; tag <= TAGS; tag++) {
        assert_int_equal(archived_rows(archive, tag, NULL), rows_of(whole, tag, INT64_MIN, raw_ns));
    }
    hist_close(historian);
    hist_close(whole);
    folder_remove(dir);
    folder_remove(whole_dir);
}

/* Every row is in the history or in the archive, and the roll-ups count each once. */
static void nothing_is_lost(const char *dir, const char *archive, uint32_t want) {
    struct historian *historian = history_open(dir, NULL);
    struct answer answer;
    struct question all = {2, INT64_MIN, INT64_MAX, 0};
    ask(historian, &all, &answer);
    assert_int_equal(answer.count, 1);
    assert_int_equal(answer.buckets[0].count, want);
    assert_false(answer.buckets[0].partial);
    mem_free(answer.buckets);
    AUTO_FREE uint8_t *seen = MEM_ARRAY(uint8_t, want);
    struct hist_scan_options options = {.tag = 2, .from_ns = INT64_MIN, .to_ns = INT64_MAX};
    struct hist_scan *scan = NULL;
    struct hist_rows rows;
    assert_int_equal(hist_scan_open(historian, &options, &scan, NULL), 0);
    while (hist_scan_next(scan, &rows, NULL) > 0) {
        for (uint32_t i = 0; i < rows.count; i++) {
            seen[(rows.time_ns[i] - TEST_T0) / (10 * NS_PER_S)] = 1;
        }
    }
    hist_scan_close(scan);
    hist_close(historian);
    (void)archived_rows(archive, 2, seen);
    for (uint32_t i = 0; i < want; i++) {
        assert_int_equal(seen[i], 1);
    }
}

static void no_failing_operation_loses_a_row(void **state) {
    (void)state;
    static const struct {
        enum file_op op;
        int errno_value;
        bool sticky;
    } CASES[] = {{FILE_OP_COUNT, EIO, false}, {FILE_OP_COUNT, EIO, true},
        {FILE_OP_WRITE, ENOSPC, true}, {FILE_OP_RENAME, EIO, true}, {FILE_OP_REMOVE, EIO, true}};
    enum { ROWS = 2000 };
    uint32_t undone = 0;
    for (size_t c = 0; c < sizeof CASES / sizeof CASES[0]; c++) {
        bool fired = true;
        for (int64_t pass = 0; fired && pass < 100; pass++) {
            char dir[128];
            char archive[160];
            folder_new(dir);
            (void)snprintf(archive, sizeof archive, "%s/archive", dir);
            struct file_fault fault;
            file_fault_init(&fault);
            struct historian *historian = history_open(dir, &fault.files);
            for (int64_t i = 0; i < ROWS; i += 500) {
                AUTO_BATCH struct batch *batch = batch_new(500, 0);
                for (int64_t j = i; j < i + 500; j++) {
                    struct row row = row_f64(2, TEST_T0 + j * 10 * NS_PER_S, (double)j);
                    batch_put(batch, &row);
                }
                assert_int_equal(hist_append(historian, &batch, 1, NULL), 0);
            }
            /* A first round that stands, so that the second has a file to take in. */
            age_well(historian, TEST_T0 + HOUR_NS, INT64_MIN, archive);
            fault.sticky = CASES[c].sticky;
            fault.torn_bytes = pass % 2 == 0 ? 40 : 0;
            file_fault_arm(&fault, CASES[c].op, pass, CASES[c].errno_value);
            struct hist_age_report report;
            int rc = age(historian, TEST_T0 + 3 * HOUR_NS, INT64_MIN, archive, &report, NULL);
            fired = fault.countdown <= 0;
            undone += rc < 0;
            hist_close(historian); // As it is: still failing, in the sticky cases.
            nothing_is_lost(dir, archive, ROWS);
            historian = history_open(dir, NULL);
            age_well(historian, TEST_T0 + 3 * HOUR_NS, INT64_MIN, archive);
            while (hist_merge(historian, NULL) > 0) {
            }
            hist_close(historian);
            historian = history_open(dir, NULL);
            assert_int_equal(rows_of(historian, 2, INT64_MIN, INT64_MAX), ROWS - 3 * 360);
            hist_close(historian);
            folder_remove(dir);
        }
    }
    assert_true(undone > 20); // The faults did come in between.
}

/* ---- Damage ---- */

static void spoil(const char *dir, const char *name, uint64_t offset) {
    char path[400];
    (void)snprintf(path, sizeof path, "%s/%s", dir, name);
    int fd = -1;
    uint8_t byte = 0;
    assert_int_equal(file_open(files_system(), path, FILE_WRITE, &fd, NULL), 0);
    assert_int_equal(file_read_at(fd, path, offset, &byte, 1, NULL), 0);
    byte ^= 0x20;
    assert_int_equal(file_write_at(files_system(), fd, path, offset, &byte, 1, NULL), 0);
    file_close(fd);
}

struct named {
    const char *prefix;
    char name[64];
    uint32_t count;
};

static int note_name(void *context, const char *name, struct err *err) {
    (void)err;
    struct named *named = context;
    if (strncmp(name, named->prefix, strlen(named->prefix)) == 0) {
        (void)snprintf(named->name, sizeof named->name, "%s", name);
        named->count++;
    }
    return 0;
}

static void a_lost_manifest_shows_no_row_twice(void **state) {
    (void)state;
    char dir[128];
    char whole_dir[128];
    folder_new(dir);
    folder_new(whole_dir);
    struct historian *historian = history_open(dir, NULL);
    struct historian *whole = history_open(whole_dir, NULL);
    struct random random;
    random_seed(&random, 1);
    fill(historian, 9);
    fill(whole, 9);
    age_well(historian, TEST_T0 + 40 * HOUR_NS, INT64_MIN, NULL);
    age_well(historian, TEST_T0 + 42 * HOUR_NS, INT64_MIN, NULL);
    hist_close(historian);
    spoil(dir, "manifest", 20);
    historian = history_open(dir, NULL);
    compare_all(historian, whole, &random);
    hist_close(historian);
    hist_close(whole);
    folder_remove(dir);
    folder_remove(whole_dir);
}

static void count_damage(void *context, const struct err *what) {
    assert_int_equal(what->code, ERR_CORRUPT);
    ++*(uint32_t *)context;
}

static void each_flipped_byte_of_an_aged_file_is_named(void **state) {
    (void)state;
    char dir[128];
    folder_new(dir);
    struct historian *historian = history_open(dir, NULL);
    for (int64_t i = 0; i < 400; i++) {
        struct row row = row_f64(1 + (uint32_t)i % 2, TEST_T0 + i * 100 * NS_PER_S, (double)i);
        history_append(historian, &row, 1);
    }
    age_well(historian, TEST_T0 + 9 * HOUR_NS, INT64_MIN, NULL);
    hist_close(historian);
    struct named file = {.prefix = "age-"};
    assert_int_equal(dir_each(dir, note_name, &file, NULL), 0);
    assert_int_equal(file.count, 1);
    char path[400];
    uint64_t size = 0;
    (void)snprintf(path, sizeof path, "%s/%s", dir, file.name);
    int fd = -1;
    assert_int_equal(file_open(files_system(), path, FILE_READ, &fd, NULL), 0);
    assert_int_equal(file_size(fd, path, &size, NULL), 0);
    file_close(fd);
    for (uint64_t offset = 0; offset < size; offset++) {
        spoil(dir, file.name, offset);
        uint32_t damaged = 0;
        struct hist_verify_report report;
        assert_int_equal(hist_verify(NULL, dir, count_damage, &damaged, &report, NULL), 0);
        assert_true(damaged > 0 && report.damaged == damaged);
        if (offset % 16 == 0) { // The rest answers, and what is said is not wrong.
            historian = history_open(dir, NULL);
            struct answer answer;
            struct question all = {2, INT64_MIN, INT64_MAX, 0};
            ask(historian, &all, &answer);
            assert_true(answer.count == 1 && answer.buckets[0].count <= 200);
            mem_free(answer.buckets);
            hist_close(historian);
        }
        spoil(dir, file.name, offset);
    }
    verify_well(dir);
    folder_remove(dir);
}

/* One segment with 200 rows each of the tags 1 and 2, of which some hours may go. */
static void write_two_tags(const char *dir, struct named *ret_file) {
    struct historian *historian = history_open(dir, NULL);
    for (int64_t i = 0; i < 400; i++) {
        struct row row = row_f64(1 + (uint32_t)i % 2, TEST_T0 + i * 100 * NS_PER_S, (double)i);
        history_append(historian, &row, 1);
    }
    hist_close(historian);
    assert_int_equal(dir_each(dir, note_name, ret_file, NULL), 0);
}

/* Nothing of the first tag was lost before, and now its rows go. */
static void expect_all_goes(const char *dir, int64_t raw_ns) {
    struct historian *historian = history_open(dir, NULL);
    age_well(historian, raw_ns, INT64_MIN, NULL);
    struct answer answer;
    struct question all = {1, INT64_MIN, INT64_MAX, 0};
    ask(historian, &all, &answer);
    assert_int_equal(answer.buckets[0].count, 200);
    mem_free(answer.buckets);
    hist_close(historian);
}

static void a_damaged_block_keeps_its_tag_from_ageing(void **state) {
    (void)state;
    char dir[128];
    folder_new(dir);
    struct named file = {.prefix = "seg-"};
    write_two_tags(dir, &file);
    struct err err = ERR_INIT;
    spoil(dir, file.name, 64 + 30); // In the first block of the first tag.
    struct historian *historian = history_open(dir, NULL);
    struct hist_age_report report = {0};
    int64_t raw_ns = TEST_T0 + 9 * HOUR_NS;
    assert_int_equal(age(historian, raw_ns, INT64_MIN, NULL, &report, &err), -ERR_CORRUPT);
    err_clear(&err); // Now it is known.
    expect_ok(age(historian, raw_ns, INT64_MIN, NULL, &report, &err), &err);
    assert_int_equal(report.kept, 1);
    struct hist_horizon horizon;
    hist_horizon(historian, 1, &horizon);
    assert_int_equal(horizon.raw_ns, INT64_MIN);
    hist_horizon(historian, 2, &horizon);
    assert_int_equal(horizon.raw_ns, raw_ns);
    hist_close(historian);
    spoil(dir, file.name, 64 + 30); // Repaired.
    expect_all_goes(dir, raw_ns);
    folder_remove(dir);
}

/* Where the page of the first tag begins, which has one block. */
static uint64_t first_page(const char *dir, const char *name, uint64_t *ret_size) {
    struct err err = ERR_INIT;
    char path[256];
    (void)snprintf(path, sizeof path, "%s/%s", dir, name);
    AUTO_CLOSE int fd = -1;
    uint8_t size[4];
    expect_ok(file_open(files_system(), path, FILE_READ, &fd, &err), &err);
    expect_ok(file_size(fd, path, ret_size, &err), &err);
    expect_ok(file_read_at(fd, path, 64, size, sizeof size, &err), &err);
    struct reader reader = reader_of(size, sizeof size);
    return 64 + (uint64_t)read_u32_le(&reader);
}

/* Two places of one file are damaged, as by a bad sector that reaches over both: nothing goes that
 * could not be looked at, however often it is tried, and after the repair all of it goes. */
static void damage_twice(uint64_t first_back, bool in_directory, uint32_t kept) {
    char dir[128];
    folder_new(dir);
    struct named file = {.prefix = "seg-"};
    write_two_tags(dir, &file);
    struct err err = ERR_INIT;
    uint64_t size = 0;
    uint64_t page = first_page(dir, file.name, &size);
    uint64_t other = in_directory ? size - 64 - 8 : page + 20;
    spoil(dir, file.name, 64 + first_back);
    spoil(dir, file.name, other);
    struct historian *historian = history_open(dir, NULL);
    int64_t raw_ns = TEST_T0 + 9 * HOUR_NS;
    for (int round = 0; round < 4; round++) {
        struct hist_age_report report = {0};
        err_clear(&err);
        int rc = age(historian, raw_ns, INT64_MIN, NULL, &report, &err);
        assert_true(rc == -ERR_CORRUPT || (rc == 0 && report.kept == kept));
        assert_true(rc == 0 || round == 0);
        struct hist_horizon horizon;
        hist_horizon(historian, 1, &horizon);
        assert_int_equal(horizon.raw_ns, INT64_MIN);
    }
    hist_close(historian);
    spoil(dir, file.name, 64 + first_back); // Repaired.
    spoil(dir, file.name, other);
    expect_all_goes(dir, raw_ns);
    folder_remove(dir);
}

static void damage_beside_damage_keeps_tags_from_ageing(void **state) {
    (void)state;
    damage_twice(30, false, 1); // A block's content and its page.
    damage_twice(2, false, 1);  // A block's head and its page.
    damage_twice(2, true, 5);   // A block's head and the directory: what follows may be any tag's.
}

/* ---- Who else is told ---- */

struct told {
    uint32_t tag; // Of the last row.
    int64_t time_ns;
    uint32_t rows;
    double sum;
    uint32_t texts;
    uint32_t finishes;
    uint32_t witness;
    int64_t witness_ns;
    bool refuses; // To finish.
};

static int tell_rows(void *context, const struct hist_rows *rows, struct err *err) {
    (void)err;
    struct told *told = context;
    for (uint32_t i = 0; i < rows->count; i++) {
        bool next = rows->tag > told->tag;
        assert_true(next || (rows->tag == told->tag && rows->time_ns[i] > told->time_ns));
        told->tag = rows->tag;
        told->time_ns = rows->time_ns[i];
        told->sum += rows->type == TYPE_F64 ? rows->f64[i] : 0;
        told->texts += rows->type == TYPE_TEXT && str_eq(rows->text[i], STR("정지"));
        told->rows++;
    }
    return 0;
}

static int tell_end(void *context, uint32_t tag, int64_t raw_ns, struct err *err) {
    struct told *told = context;
    told->finishes++;
    told->witness = tag;
    told->witness_ns = raw_ns;
    return told->refuses ? err_set(err, ERR_SPACE, MSG_AGED_STOPPED, NO_ARGS) : 0;
}

/* Two versions of one time, a tag whose type changed, and what is younger. */
static void fill_small(struct historian *historian) {
    struct row rows[] = {row_f64(1, TEST_T0 + 1, 1), row_f64(1, TEST_T0 + 2, 2),
        row_f64(1, TEST_T0 + 2 * HOUR_NS, 64), row_f64(2, TEST_T0 + 1, 8)};
    history_append(historian, rows, 4);
    struct row correction = row_f64(1, TEST_T0 + 1, 4);
    correction.flags = SAMPLE_CORRECTION;
    history_append(historian, &correction, 1);
    AUTO_BATCH struct batch *batch = batch_new(1, 64);
    struct err err = ERR_INIT;
    assert_true(batch_add_text(batch, 2, TEST_T0 + 2, STR("정지")));
    expect_ok(hist_append(historian, &batch, 1, &err), &err);
}

static int age_told(struct historian *historian, struct told *told, struct err *err) {
    const int64_t raw_ns = TEST_T0 + HOUR_NS;
    const struct hist_ageing tags[] = {{1, raw_ns, raw_ns}, {2, raw_ns, raw_ns}};
    const struct hist_age_sink sink = {told, tell_rows, tell_end};
    struct hist_age_options options = {.tags = tags, .count = 2, .sink = &sink};
    struct hist_age_report report;
    return hist_age(historian, &options, &report, err);
}

static void what_goes_is_told_and_goes_only_when_that_is_durable(void **state) {
    (void)state;
    char dir[128];
    folder_new(dir);
    struct historian *historian = history_open(dir, NULL);
    struct err err = ERR_INIT;
    struct hist_horizon horizon;
    fill_small(historian);
    for (int round = 0; round < 3; round++) {
        struct told told = {.refuses = round == 0};
        int rc = age_told(historian, &told, &err);
        assert_int_equal(rc, round == 0 ? -ERR_SPACE : 0);
        err_clear(&err);
        expect_ok(hist_horizons_settle(historian, &err), &err);
        assert_int_equal(told.finishes, round < 2);
        assert_int_equal(told.rows, round < 2 ? 4 : 0); // The third has nothing left to tell.
        assert_int_equal(told.texts, round < 2);
        assert_true(told.sum == (round < 2 ? 4 + 2 + 8 : 0)); // The corrected value, not both.
        hist_horizon(historian, told.witness, &horizon);
        assert_true(round == 2 || (horizon.raw_ns >= told.witness_ns) == (round == 1));
        assert_int_equal(rows_of(historian, 1, INT64_MIN, INT64_MAX), round == 0 ? 4 : 1);
        hist_close(historian); // What is settled stands.
        historian = history_open(dir, NULL);
        assert_int_equal(rows_of(historian, 2, INT64_MIN, INT64_MAX), round == 0 ? 2 : 0);
    }
    hist_close(historian);
    verify_well(dir);
    folder_remove(dir);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(roll_ups_answer_what_the_rows_answered),
        cmocka_unit_test(what_a_bucket_cuts_is_said_to_be_partial),
        cmocka_unit_test(roll_ups_go_at_their_own_age),
        cmocka_unit_test(late_rows_for_expired_time_expire_at_once),
        cmocka_unit_test(the_archive_has_every_version_that_went),
        cmocka_unit_test(no_failing_operation_loses_a_row),
        cmocka_unit_test(a_lost_manifest_shows_no_row_twice),
        cmocka_unit_test(each_flipped_byte_of_an_aged_file_is_named),
        cmocka_unit_test(a_damaged_block_keeps_its_tag_from_ageing),
        cmocka_unit_test(damage_beside_damage_keeps_tags_from_ageing),
        cmocka_unit_test(what_goes_is_told_and_goes_only_when_that_is_durable),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
