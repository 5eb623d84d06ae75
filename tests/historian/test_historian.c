/*
 * The historian as a whole against the naive model: random appends (late, repeated, corrected, bad,
 * of changing type) mixed with sealing, merging, reopening and expiry. Everything that can be asked
 * is compared after each step; the seeds are fixed, so a failure can be run again.
 */
#include <stdio.h>
#include <string.h>

#include "core/clock.h"

#include "support_history.h"

struct run {
    char dir[128];
    struct historian *historian;
    struct model model;
    struct random random;
    int64_t now_ns;
};

static void run_append(struct run *run, uint32_t count) {
    AUTO_BATCH struct batch *first = batch_new(count, count * 32);
    AUTO_BATCH struct batch *second = batch_new(count, count * 32);
    struct batch *batches[2] = {first, second};
    for (uint32_t i = 0; i < count; i++) {
        struct row row = model_random_row(&run->random, &run->now_ns);
        batch_put(batches[i < count / 2 ? 0 : 1], &row);
        model_add(&run->model, &row);
    }
    struct err err = ERR_INIT;
    expect_ok(hist_append(run->historian, batches, 2, &err), &err);
    assert_int_equal(first->seq + 1, second->seq);
    assert_int_equal(hist_seq(run->historian), second->seq);
}

static void run_expire(struct run *run) {
    uint32_t tag = (uint32_t)random_below(&run->random, 5);
    int64_t before_ns = TEST_T0 + (int64_t)random_below(&run->random, 1000) * NS_PER_S;
    struct err err = ERR_INIT;
    expect_ok(hist_expire(run->historian, tag, before_ns, &err), &err);
    for (uint32_t i = 1; i < 8; i++) {
        if ((tag == 0 || tag == i) && run->model.horizon_ns[i] < before_ns) {
            run->model.horizon_ns[i] = before_ns;
        }
    }
}

static void run_step(struct run *run) {
    struct err err = ERR_INIT;
    switch (random_below(&run->random, 10)) {
    case 0: expect_ok(hist_seal(run->historian, &err), &err); break;
    case 1: expect_ok(hist_merge(run->historian, &err), &err); break;
    case 2:
        hist_close(run->historian);
        run->historian = history_open(run->dir, NULL);
        break;
    case 3:
        if (random_below(&run->random, 4) == 0) {
            run_expire(run);
        }
        break;
    default: run_append(run, 2 + (uint32_t)random_below(&run->random, 400)); break;
    }
}

static void answers_equal_those_of_a_naive_model(void **state) {
    (void)state;
    for (uint64_t seed = 1; seed <= 12; seed++) {
        struct run run = {.now_ns = TEST_T0};
        folder_new(run.dir);
        model_init(&run.model);
        random_seed(&run.random, seed);
        run.historian = history_open(run.dir, NULL);
        for (int step = 0; step < 30; step++) {
            run_step(&run);
            if (step % 3 == 0) {
                model_compare(&run.model, run.historian);
            }
        }
        model_compare(&run.model, run.historian);
        struct hist_verify_report report;
        struct err err = ERR_INIT;
        hist_close(run.historian);
        expect_ok(hist_verify(NULL, run.dir, NULL, NULL, &report, &err), &err);
        assert_int_equal(report.damaged, 0);
        model_fini(&run.model);
        folder_remove(run.dir);
    }
}

/* Dense rows over hours: roll-ups and block statistics answer, and late rows invalidate them. */
static void roll_ups_stay_exact_when_late_rows_come(void **state) {
    (void)state;
    struct run run = {.now_ns = TEST_T0};
    folder_new(run.dir);
    model_init(&run.model);
    run.historian = history_open(run.dir, NULL);
    for (int part = 0; part < 4; part++) {
        AUTO_BATCH struct batch *batch = batch_new(20000, 0);
        for (uint32_t i = 0; i < 20000; i++) {
            struct row row = row_f64(1, TEST_T0 + (part * 20000LL + i) * 500 * NS_PER_MS,
                (double)((i * 7919U) % 1000U) / 10);
            batch_put(batch, &row);
            model_add(&run.model, &row);
        }
        struct err err = ERR_INIT;
        expect_ok(hist_append(run.historian, &batch, 1, &err), &err);
        expect_ok(hist_seal(run.historian, &err), &err);
    }
    model_compare_buckets(&run.model, run.historian, 1, TEST_T0 + 61 * NS_PER_S,
        TEST_T0 + 39000 * NS_PER_S, 600 * NS_PER_S);
    struct err err = ERR_INIT;
    while (hist_merge(run.historian, &err) > 0) {
    }
    model_compare(&run.model, run.historian);
    struct row late = row_f64(1, TEST_T0 + 12345 * NS_PER_S + 1, -500);
    history_append(run.historian, &late, 1);
    model_add(&run.model, &late);
    struct row again = row_f64(1, TEST_T0 + 20000 * NS_PER_S, 5000);
    history_append(run.historian, &again, 1);
    model_add(&run.model, &again);
    model_compare(&run.model, run.historian);
    expect_ok(hist_seal(run.historian, &err), &err);
    model_compare(&run.model, run.historian);
    while (hist_merge(run.historian, &err) > 0) {
    }
    model_compare(&run.model, run.historian);
    hist_close(run.historian);
    model_fini(&run.model);
    folder_remove(run.dir);
}

static void a_late_correction_outranks_and_earlier_versions_stay(void **state) {
    (void)state;
    char dir[128];
    folder_new(dir);
    struct historian *historian = history_open(dir, NULL);
    struct row rows[4] = {row_f64(1, TEST_T0, 1), row_f64(1, TEST_T0, 2), row_f64(1, TEST_T0, 3),
        row_f64(1, TEST_T0, 4)};
    rows[1].flags = SAMPLE_CORRECTION;
    struct model model;
    model_init(&model);
    struct err err = ERR_INIT;
    for (int i = 0; i < 4; i++) {
        history_append(historian, &rows[i], 1);
        model_add(&model, &rows[i]);
        expect_ok(hist_seal(historian, &err), &err);
        model_compare(&model, historian);
    }
    struct hist_last last;
    assert_true(hist_last(historian, 1, &last));
    assert_true(last.row.value.f64 == 2.0);
    expect_ok(hist_merge(historian, &err), &err);
    hist_close(historian);
    historian = history_open(dir, NULL);
    model_compare(&model, historian);
    hist_close(historian);
    model_fini(&model);
    folder_remove(dir);
}

static void many_versions_of_one_time_are_all_kept(void **state) {
    (void)state;
    char dir[128];
    folder_new(dir);
    struct historian *historian = history_open(dir, NULL);
    struct model model;
    model_init(&model);
    AUTO_BATCH struct batch *batch = batch_new(30000, 0);
    for (uint32_t i = 0; i < 30000; i++) {
        int64_t time_ns =
            TEST_T0 + (i < 20 ? (int64_t)i * NS_PER_S : 20 * NS_PER_S) + (i > 29990 ? NS_PER_S : 0);
        struct row row = row_f64(1, time_ns, i);
        batch_put(batch, &row);
        model_add(&model, &row);
    }
    struct err err = ERR_INIT;
    expect_ok(hist_append(historian, &batch, 1, &err), &err);
    model_compare(&model, historian);
    expect_ok(hist_seal(historian, &err), &err);
    model_compare(&model, historian);
    hist_close(historian);
    model_fini(&model);
    folder_remove(dir);
}

static void the_same_file_again_changes_nothing(void **state) {
    (void)state;
    char dir[128];
    folder_new(dir);
    struct historian *historian = history_open(dir, NULL);
    AUTO_BATCH struct batch *batch = batch_new(5000, 0);
    struct err err = ERR_INIT;
    for (int round = 0; round < 3; round++) {
        batch_clear(batch);
        for (uint32_t i = 0; i < 5000; i++) {
            struct row row = row_f64(1 + i % 7, TEST_T0 + (int64_t)i * i * NS_PER_S, i / 10.0);
            row.status = i % 11 == 0 ? 0x80050000U : 0;
            batch_put(batch, &row);
        }
        int marked = hist_mark_duplicates(historian, batch, &err);
        assert_int_equal(marked, round == 0 ? 0 : 5000);
        expect_ok(hist_append(historian, &batch, 1, &err), &err);
        if (round == 1) {
            expect_ok(hist_seal(historian, &err), &err);
        }
    }
    struct hist_status status;
    hist_status(historian, &status);
    assert_int_equal(status.rows, 5000);
    /* Another value, status or type is not the same. */
    batch_clear(batch);
    struct row other = row_f64(1, TEST_T0, 99);
    batch_put(batch, &other);
    other = row_f64(2, TEST_T0 + NS_PER_S, 1 / 10.0);
    other.status = 0x40000000U;
    batch_put(batch, &other);
    assert_int_equal(hist_mark_duplicates(historian, batch, &err), 0);
    hist_close(historian);
    folder_remove(dir);
}

static bool row_is_version_of(const struct row *one, const struct row *other) {
    return one->tag == other->tag && one->time_ns == other->time_ns &&
           ((one->flags ^ other->flags) & SAMPLE_CORRECTION) == 0;
}

/* The rule in its plainest form: the last row of a batch with one tag, time and class counts, and
 * only if the last version of that class that stands is another. */
static bool model_row_changes(
    const struct model *model, const struct row *rows, uint32_t count, uint32_t at) {
    const struct row *row = &rows[at];
    for (uint32_t i = at + 1; i < count; i++) {
        if (row_is_version_of(row, &rows[i])) {
            return false;
        }
    }
    for (uint32_t i = model->count; i > 0; i--) {
        const struct row *stands = &model->rows[i - 1];
        if (row_is_version_of(row, stands)) {
            bool text = row->type == TYPE_TEXT;
            return row->type != stands->type || row->status != stands->status ||
                   (text ? strcmp(row->text, stands->text) != 0
                         : memcmp(&row->value, &stands->value, sizeof row->value) != 0);
        }
    }
    return true;
}

/* Few tags, times and values, so that rows meet each other in every way. */
static struct row crowded_row(struct random *random) {
    static const uint32_t TAGS[] = {1, 2, 2049, 1 << 20}; // Alike in some of their digits.
    struct row row = {.tag = TAGS[random_below(random, sizeof TAGS / sizeof TAGS[0])]};
    row.time_ns = TEST_T0 + (int64_t)random_below(random, 40) * NS_PER_S;
    row.time_ns += random_below(random, 8) == 0 ? (int64_t)86400 * NS_PER_S : 0;
    row.type = random_below(random, 3) == 0 ? TYPE_TEXT : TYPE_F64;
    row.flags = random_below(random, 6) == 0 ? SAMPLE_CORRECTION : 0;
    row.flags |= random_below(random, 3) == 0 ? SAMPLE_LATE : 0;
    row.status = random_below(random, 9) == 0 ? 0x80050000U : 0;
    if (row.type == TYPE_TEXT) {
        (void)snprintf(row.text, sizeof row.text, "%u", (unsigned)random_below(random, 2));
    } else {
        row.value.f64 = (double)random_below(random, 3);
    }
    return row;
}

/* Marks and appends a batch, and compares what was marked with the model; returns how many. */
static uint32_t batch_judge(struct run *run, const struct row *rows, uint32_t count) {
    AUTO_BATCH struct batch *batch = batch_new(count, count * 8);
    uint32_t same = 0;
    for (uint32_t i = 0; i < count; i++) {
        batch_put(batch, &rows[i]);
    }
    struct err err = ERR_INIT;
    int marked = hist_mark_duplicates(run->historian, batch, &err);
    expect_ok(marked, &err);
    bool changes[64];
    for (uint32_t i = 0; i < count; i++) {
        changes[i] = model_row_changes(&run->model, rows, count, i);
        assert_int_equal((batch->rows[i].flags & SAMPLE_DROP) == 0, changes[i]);
        same += !changes[i];
    }
    assert_int_equal(marked, same);
    for (uint32_t i = 0; i < count; i++) {
        if (changes[i]) {
            model_add(&run->model, &rows[i]);
        }
    }
    expect_ok(hist_append(run->historian, &batch, 1, &err), &err);
    return same;
}

static void duplicates_are_those_of_a_naive_model(void **state) {
    (void)state;
    for (uint64_t seed = 1; seed <= 8; seed++) {
        struct run run = {.now_ns = TEST_T0};
        folder_new(run.dir);
        model_init(&run.model);
        random_seed(&run.random, seed);
        run.historian = history_open(run.dir, NULL);
        for (int step = 0; step < 60; step++) {
            struct row rows[64];
            uint32_t count = 1 + (uint32_t)random_below(&run.random, 64);
            for (uint32_t i = 0; i < count; i++) {
                rows[i] = crowded_row(&run.random);
            }
            (void)batch_judge(&run, rows, count);
            assert_int_equal(batch_judge(&run, rows, count), count); // The second changes nothing.
            struct err err = ERR_INIT;
            if (random_below(&run.random, 4) == 0) {
                expect_ok(hist_seal(run.historian, &err), &err);
            } else if (random_below(&run.random, 8) == 0) {
                expect_ok(hist_merge(run.historian, &err), &err);
            }
        }
        model_compare(&run.model, run.historian);
        hist_close(run.historian);
        model_fini(&run.model);
        folder_remove(run.dir);
    }
}

/* Two sources bring a day each; no block spans what neither has brought. */
static void a_block_ends_where_the_longest_gap_begins(void **state) {
    (void)state;
    static const struct {
        uint32_t before;
        uint32_t behind;
        int64_t gap_ns;
        uint64_t blocks;
    } CASES[] = {
        {500, 500, 86400 * NS_PER_S, 2},
        {128, 128, 86400 * NS_PER_S, 2},
        {127, 500, 86400 * NS_PER_S, 1}, // Too few for a block of their own.
        {500, 127, 86400 * NS_PER_S, 1},
        {500, 500, 900 * NS_PER_S, 1}, // Shorter than the rest.
        {3000, 5000, 86400 * NS_PER_S, 3},
        {500, 500, INT64_MAX / 8 * 7 - TEST_T0, 2},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        char dir[128];
        folder_new(dir);
        struct historian *historian = history_open(dir, NULL);
        struct model model;
        model_init(&model);
        AUTO_BATCH struct batch *batch = batch_new(8000, 0);
        for (uint32_t row = 0; row < CASES[i].before + CASES[i].behind; row++) {
            int64_t time_ns = TEST_T0 + (int64_t)row * NS_PER_S;
            time_ns += row >= CASES[i].before ? CASES[i].gap_ns : 0;
            struct row one = row_f64(1, time_ns, row % 10);
            batch_put(batch, &one);
            model_add(&model, &one);
        }
        struct err err = ERR_INIT;
        expect_ok(hist_append(historian, &batch, 1, &err), &err);
        expect_ok(hist_seal(historian, &err), &err);
        model_compare_scan(&model, historian, 1, INT64_MIN, INT64_MAX, false);
        struct hist_verify_report report;
        expect_ok(hist_verify(NULL, dir, NULL, NULL, &report, &err), &err);
        assert_int_equal(report.blocks, CASES[i].blocks);
        hist_close(historian);
        model_fini(&model);
        folder_remove(dir);
    }
}

static void what_cannot_be_a_row_is_refused_whole(void **state) {
    (void)state;
    char dir[128];
    folder_new(dir);
    struct historian *historian = history_open(dir, NULL);
    struct row bad[] = {row_f64(0, TEST_T0, 1), row_f64(UINT32_MAX, TEST_T0, 1),
        row_f64(1, INT64_MAX, 1), row_f64(1, INT64_MIN, 1), row_f64(1, TEST_T0, 1)};
    bad[4].type = 9;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        AUTO_BATCH struct batch *batch = batch_new(2, 0);
        struct row good = row_f64(1, TEST_T0, 5);
        batch_put(batch, &good);
        batch_put(batch, &bad[i]);
        struct err err = ERR_INIT;
        assert_int_equal(hist_append(historian, &batch, 1, &err), -ERR_INVALID);
        assert_int_equal(err.code, ERR_INVALID);
        assert_int_equal(hist_seq(historian), 0);
    }
    hist_close(historian);
    folder_remove(dir);
}

static void a_second_opening_is_refused(void **state) {
    (void)state;
    char dir[128];
    folder_new(dir);
    struct historian *historian = history_open(dir, NULL);
    struct hist_options options = {.dir = dir};
    struct historian *second = NULL;
    struct err err = ERR_INIT;
    assert_int_equal(hist_open(&options, &second, &err), -ERR_LOCKED);
    assert_null(second);
    hist_close(historian);
    folder_remove(dir);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers_equal_those_of_a_naive_model),
        cmocka_unit_test(roll_ups_stay_exact_when_late_rows_come),
        cmocka_unit_test(a_late_correction_outranks_and_earlier_versions_stay),
        cmocka_unit_test(many_versions_of_one_time_are_all_kept),
        cmocka_unit_test(the_same_file_again_changes_nothing),
        cmocka_unit_test(duplicates_are_those_of_a_naive_model),
        cmocka_unit_test(a_block_ends_where_the_longest_gap_begins),
        cmocka_unit_test(what_cannot_be_a_row_is_refused_whole),
        cmocka_unit_test(a_second_opening_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
