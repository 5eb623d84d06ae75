/*
 * Which segments are merged: how often a row is written, and how many segments stand.
 */
#include "support_history.h"

#include "historian/store.h"

enum { SEALS = 96, LARGE_ROWS = 66000, SMALL_ROWS = 500 }; // Above and far below 64 Ki rows.

/* The largest number of a segment. */
static uint64_t newest_id(struct historian *historian, uint64_t *ret_rows) {
    struct view *view = store_view_sealed(historian);
    uint64_t newest = 0;
    for (uint32_t i = 0; i < view->segment_count; i++) {
        const struct segment_info *info = segment_info(view->segments[i]);
        if (info->id > newest) {
            newest = info->id;
            *ret_rows = info->rows;
        }
    }
    view_unref(view);
    return newest;
}

static void fill(struct historian *historian, uint32_t rows, int64_t *now_ns) {
    AUTO_BATCH struct batch *batch = batch_new(rows, 0);
    for (uint32_t i = 0; i < rows; i++) {
        *now_ns += NS_PER_S;
        struct row row = row_f64(1, *now_ns, (double)(i % 100));
        batch_put(batch, &row);
    }
    struct batch *batches[1] = {batch};
    struct err err = ERR_INIT;
    expect_ok(hist_append(historian, batches, 1, &err), &err);
    expect_ok(hist_seal(historian, &err), &err);
}

/* Merges as the thread would; how many rows that wrote. */
static uint64_t merge_all(struct historian *historian) {
    uint64_t written = 0;
    struct err err = ERR_INIT;
    int rc = 0;
    while ((rc = merge_step(historian, MERGE_QUIET, &err)) > 0) {
        uint64_t rows = 0;
        (void)newest_id(historian, &rows);
        written += rows;
    }
    expect_ok(rc, &err);
    return written;
}

/* Tables of a size, and between them the short ones that restarts leave. */
static void a_row_is_written_again_once_for_each_power_of_four(void **state) {
    (void)state;
    static const uint32_t SMALL_EACH[] = {0, 1, 3};
    for (uint32_t kind = 0; kind < 3; kind++) {
        char dir[128];
        folder_new(dir);
        struct historian *historian = history_open(dir, NULL);
        int64_t now_ns = TEST_T0;
        uint64_t rows = 0;
        uint64_t written = 0;
        for (uint32_t i = 0; i < SEALS; i++) {
            uint32_t small = SMALL_EACH[kind];
            uint32_t count = small > 0 && i % (small + 1) != 0 ? SMALL_ROWS : LARGE_ROWS;
            fill(historian, count, &now_ns);
            rows += count;
            written += merge_all(historian);
        }
        // 96 tables are 4 * 4 * 6: two sizes up, and the third is not full.
        assert_true(written > 0);
        assert_true(written <= 3 * rows);
        struct hist_status status;
        hist_status(historian, &status);
        assert_int_equal(status.rows, rows);
        assert_true(status.segment_count <= 16);
        hist_close(historian);
        folder_remove(dir);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_row_is_written_again_once_for_each_power_of_four),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
