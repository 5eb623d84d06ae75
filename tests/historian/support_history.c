/*
 * The naive model and other helpers of the historian's tests. The model answers by looking at every
 * version it was ever given; it shares no code with the historian.
 */
#include "support_history.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/buf.h"
#include "core/clock.h"
#include "core/mem.h"
#include "core/time.h"

void folder_new(char *to) {
    /* In memory where there is such a place: thousands of syncs should not wait for a disk. */
    const char *parent = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
    (void)snprintf(to, 128, "%s/maru-history-XXXXXX", parent);
    assert_non_null(mkdtemp(to));
}

void folder_remove(const char *dir) {
    (void)dir_remove_all(dir, NULL); // Left-overs fail no test.
}

void expect_ok(int rc, const struct err *err) {
    if (rc < 0) {
        AUTO_BUF struct buf words;
        buf_init(&words, 4096);
        err_render(err, LANG_EN, &words);
        fail_msg("%d: %s", rc, buf_z(&words));
    }
}

struct historian *history_open(const char *dir, struct files *files) {
    struct hist_options options = {.files = files, .dir = dir, .no_thread = true};
    struct historian *historian = NULL;
    struct err err = ERR_INIT;
    expect_ok(hist_open(&options, &historian, &err), &err);
    return historian;
}

struct row row_f64(uint32_t tag, int64_t time_ns, double value) {
    return (struct row){.tag = tag, .time_ns = time_ns, .type = TYPE_F64, .value = {.f64 = value}};
}

void batch_put(struct batch *batch, const struct row *row) {
    if (row->type == TYPE_TEXT) {
        assert_true(batch_add_text(batch, row->tag, row->time_ns, str_of(row->text)));
        batch->rows[batch->count - 1].status = row->status;
        batch->rows[batch->count - 1].flags = row->flags;
        return;
    }
    struct sample *sample = batch_add(batch);
    assert_non_null(sample);
    sample->tag = row->tag;
    sample->time_ns = row->time_ns;
    sample->type = row->type;
    sample->flags = row->flags;
    sample->status = row->status;
    sample->value.i64 = row->value.i64;
}

void history_append(struct historian *historian, const struct row *rows, uint32_t count) {
    AUTO_BATCH struct batch *batch = batch_new(count, count * 24);
    for (uint32_t i = 0; i < count; i++) {
        batch_put(batch, &rows[i]);
    }
    struct err err = ERR_INIT;
    expect_ok(hist_append(historian, &batch, 1, &err), &err);
    assert_true(batch->seq > 0);
}

/* ---- The model ---- */

void model_init(struct model *model) {
    *model = (struct model){0};
    for (size_t i = 0; i < sizeof model->horizon_ns / sizeof model->horizon_ns[0]; i++) {
        model->horizon_ns[i] = INT64_MIN;
    }
}

void model_fini(struct model *model) {
    mem_free(model->rows);
}

void model_add(struct model *model, const struct row *row) {
    if (model->count == model->capacity) {
        model->capacity = model->capacity * 2 + 1024;
        model->rows = mem_resize(model->rows, model->capacity * sizeof *model->rows);
    }
    model->rows[model->count++] = *row;
}

static int64_t random_time(struct random *random, int64_t *now_ns) {
    switch (random_below(random, 8)) {
    case 0: return TEST_T0 + (int64_t)random_below(random, 4000) * NS_PER_S; // Late.
    case 1: return *now_ns;                                                  // Again.
    default: *now_ns += (int64_t)random_below(random, 3000) * NS_PER_MS; return *now_ns;
    }
}

struct row model_random_row(struct random *random, int64_t *now_ns) {
    struct row row = {.tag = 1 + (uint32_t)random_below(random, 4)};
    row.time_ns = random_time(random, now_ns);
    row.type = (uint8_t)row.tag; // f64, i64, bool, text,
    if (random_below(random, 50) == 0) {
        row.type = (uint8_t)(1 + random_below(random, 4)); // and sometimes another.
    }
    row.flags = random_below(random, 20) == 0 ? SAMPLE_CORRECTION : 0;
    row.flags |= random_below(random, 10) == 0 ? SAMPLE_LATE : 0;
    row.status = random_below(random, 15) == 0   ? 0x80050000U
                 : random_below(random, 15) == 0 ? 0x40000000U
                                                 : 0;
    switch (row.type) {
    case TYPE_F64: row.value.f64 = (double)random_below(random, 1000) / 10; break;
    case TYPE_I64: row.value.i64 = (int64_t)random_below(random, 100000) - 50000; break;
    case TYPE_BOOL: row.value.i64 = (int64_t)random_below(random, 2); break;
    default:
        (void)snprintf(row.text, sizeof row.text, "상태 %u", (unsigned)random_below(random, 9));
    }
    return row;
}

static int picked_order(const void *left, const void *right) {
    const struct row *a = *(const struct row *const *)left;
    const struct row *b = *(const struct row *const *)right;
    if (a->time_ns != b->time_ns) {
        return a->time_ns < b->time_ns ? -1 : 1;
    }
    return a < b ? -1 : a > b; // They stand in order of arrival.
}

void model_pick(const struct model *model, uint32_t tag, int64_t from_ns, int64_t to_ns,
    bool versions, struct picked *picked) {
    picked->rows = mem_alloc((model->count + 1) * sizeof *picked->rows);
    picked->count = 0;
    if (model->horizon_ns[tag] > from_ns) {
        from_ns = model->horizon_ns[tag];
    }
    for (uint32_t i = 0; i < model->count; i++) {
        const struct row *row = &model->rows[i];
        if (row->tag == tag && row->time_ns >= from_ns && row->time_ns < to_ns) {
            picked->rows[picked->count++] = row;
        }
    }
    qsort(picked->rows, picked->count, sizeof *picked->rows, picked_order);
    uint32_t kept = 0;
    for (uint32_t i = 0; i < picked->count && !versions; i++) {
        const struct row *row = picked->rows[i];
        bool again = kept > 0 && picked->rows[kept - 1]->time_ns == row->time_ns;
        if (!again) {
            picked->rows[kept++] = row;
        } else if ((row->flags & SAMPLE_CORRECTION) != 0 ||
                   (picked->rows[kept - 1]->flags & SAMPLE_CORRECTION) == 0) {
            picked->rows[kept - 1] = row;
        }
    }
    picked->count = versions ? picked->count : kept;
}

static void compare_row(const struct row *want, const struct hist_rows *rows, uint32_t at) {
    assert_int_equal(want->time_ns, rows->time_ns[at]);
    assert_int_equal(want->type, rows->type);
    assert_int_equal(want->status, rows->status != NULL ? rows->status[at] : 0);
    assert_int_equal(want->flags, rows->flags != NULL ? rows->flags[at] : 0);
    switch (rows->type) {
    case TYPE_F64: assert_memory_equal(&want->value.f64, &rows->f64[at], 8); break;
    case TYPE_I64:
    case TYPE_BOOL: assert_int_equal(want->value.i64, rows->i64[at]); break;
    case TYPE_TEXT: assert_true(str_eq(str_of(want->text), rows->text[at])); break;
    }
}

void model_compare_scan(const struct model *model, struct historian *historian, uint32_t tag,
    int64_t from_ns, int64_t to_ns, bool versions) {
    struct picked picked;
    model_pick(model, tag, from_ns, to_ns, versions, &picked);
    struct hist_scan_options options = {
        .tag = tag, .from_ns = from_ns, .to_ns = to_ns, .versions = versions};
    struct hist_scan *scan = NULL;
    struct err err = ERR_INIT;
    expect_ok(hist_scan_open(historian, &options, &scan, &err), &err);
    struct hist_rows rows;
    uint32_t seen = 0;
    int rc = 0;
    while ((rc = hist_scan_next(scan, &rows, &err)) > 0) {
        assert_true(rows.count > 0 && seen + rows.count <= picked.count);
        assert_int_equal(rows.tag, tag);
        for (uint32_t i = 0; i < rows.count; i++) {
            compare_row(picked.rows[seen++], &rows, i);
        }
    }
    expect_ok(rc, &err);
    assert_int_equal(seen, picked.count);
    hist_scan_close(scan);
    mem_free(picked.rows);
}

/* ---- Buckets ---- */

struct bucket_check {
    const struct picked *picked;
    uint32_t at; // Next row to account for.
    int64_t from_ns;
    int64_t to_ns;
    int64_t every_ns;
};

static double row_number(const struct row *row) {
    return row->type == TYPE_F64    ? row->value.f64
           : row->type == TYPE_TEXT ? (double)NAN
                                    : (double)row->value.i64;
}

static void same_number(double want, double got) {
    if (isnan(want)) {
        assert_true(isnan(got));
    } else {
        assert_true(want == got);
    }
}

/* Sums of tenths and integers are exact in long double to far beyond a double. */
static void check_bucket_rows(
    const struct bucket_check *check, uint32_t end, const struct hist_bucket *bucket) {
    uint64_t count = 0;
    uint64_t bad = 0;
    double min = (double)NAN;
    double max = (double)NAN;
    long double sum = 0;
    const struct row *first = NULL;
    const struct row *last = NULL;
    for (uint32_t i = check->at; i < end; i++) {
        const struct row *row = check->picked->rows[i];
        if (row->status >> 31 != 0) {
            bad++;
            continue;
        }
        double number = row_number(row);
        first = first == NULL ? row : first;
        last = row;
        count++;
        if (!isnan(number)) {
            min = isnan(min) || number < min ? number : min;
            max = isnan(max) || number > max ? number : max;
            sum += (long double)number;
        }
    }
    assert_int_equal(bucket->count, count);
    assert_int_equal(bucket->bad_count, bad);
    same_number(min, bucket->min);
    same_number(max, bucket->max);
    assert_true(fabsl(sum - ((long double)bucket->sum + (long double)bucket->sum_low)) < 1e-12L);
    if (count > 0) {
        assert_int_equal(bucket->first_ns, first->time_ns);
        assert_int_equal(bucket->last_ns, last->time_ns);
        same_number(row_number(first), bucket->first);
        same_number(row_number(last), bucket->last);
    }
}

static int check_bucket(
    void *context, uint32_t tag, const struct hist_bucket *bucket, struct err *err) {
    (void)tag;
    (void)err;
    struct bucket_check *check = context;
    assert_true(check->at < check->picked->count);
    int64_t time_ns = check->picked->rows[check->at]->time_ns;
    int64_t next_ns = check->to_ns;
    int64_t start_ns = check->from_ns;
    if (check->every_ns > 0) {
        start_ns = time_bucket_start(time_ns, check->every_ns, NULL, &next_ns);
    }
    assert_int_equal(bucket->start_ns, start_ns);
    assert_int_equal(bucket->end_ns, next_ns);
    uint32_t end = check->at;
    while (end < check->picked->count && check->picked->rows[end]->time_ns < next_ns) {
        end++;
    }
    check_bucket_rows(check, end, bucket);
    check->at = end;
    return 0;
}

void model_compare_buckets(const struct model *model, struct historian *historian, uint32_t tag,
    int64_t from_ns, int64_t to_ns, int64_t every_ns) {
    struct picked picked;
    model_pick(model, tag, from_ns, to_ns, false, &picked);
    struct bucket_check check = {
        .picked = &picked, .from_ns = from_ns, .to_ns = to_ns, .every_ns = every_ns};
    struct hist_bucket_query query = {
        .tags = &tag, .tag_count = 1, .from_ns = from_ns, .to_ns = to_ns, .every_ns = every_ns};
    struct err err = ERR_INIT;
    expect_ok(hist_buckets(historian, &query, check_bucket, &check, &err), &err);
    assert_int_equal(check.at, picked.count);
    mem_free(picked.rows);
}

static void compare_last(const struct model *model, struct historian *historian, uint32_t tag) {
    struct picked picked;
    model_pick(model, tag, INT64_MIN, INT64_MAX, false, &picked);
    struct hist_last last;
    bool got = hist_last(historian, tag, &last);
    assert_int_equal(got, picked.count > 0);
    if (got) {
        const struct row *want = picked.rows[picked.count - 1];
        assert_int_equal(last.row.time_ns, want->time_ns);
        assert_int_equal(last.row.type, want->type);
        assert_int_equal(last.row.status, want->status);
        if (want->type == TYPE_TEXT) {
            assert_string_equal(last.text_z, want->text);
        } else {
            assert_int_equal(last.row.value.i64, want->value.i64);
        }
    }
    mem_free(picked.rows);
}

void model_compare(const struct model *model, struct historian *historian) {
    static const int64_t widths_ns[] = {
        0, 7 * NS_PER_S, 60 * NS_PER_S, 600 * NS_PER_S, 3600 * NS_PER_S};
    for (uint32_t tag = 1; tag <= 5; tag++) {
        model_compare_scan(model, historian, tag, INT64_MIN, INT64_MAX, false);
        model_compare_scan(model, historian, tag, INT64_MIN, INT64_MAX, true);
        int64_t from_ns = TEST_T0 + 333 * NS_PER_S;
        int64_t to_ns = TEST_T0 + 2222 * NS_PER_S + 1;
        model_compare_scan(model, historian, tag, from_ns, to_ns, false);
        for (size_t i = 0; i < sizeof widths_ns / sizeof widths_ns[0]; i++) {
            model_compare_buckets(
                model, historian, tag, 0, TEST_T0 + 1000000 * NS_PER_S, widths_ns[i]);
            model_compare_buckets(model, historian, tag, from_ns, to_ns, widths_ns[i]);
        }
        compare_last(model, historian, tag);
    }
}
