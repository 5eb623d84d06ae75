/*
 * Sealing by two threads: the one that waits encodes shares of the table, and nobody can see that
 * in the segment.
 */
#include "support_history.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/file_fault.h"
#include "historian/store.h"

enum { TAGS = 3000, ROUNDS = 160, GIANT = TAGS + 7, GIANT_ROWS = 300000, GROUP = 20000 };

static void put_round(struct batch *batch, uint32_t round, struct random *random) {
    for (uint32_t tag = 1; tag <= TAGS; tag++) {
        int64_t time_ns = TEST_T0 + (int64_t)round * NS_PER_S;
        if (tag % 11 == 0 && round % 9 == 0) {
            time_ns -= 20 * NS_PER_S; // Out of order.
        }
        struct row row = row_f64(tag, time_ns, (double)random_below(random, 100000) / 100);
        if (tag % 40 == 0) {
            row.type = TYPE_TEXT;
            (void)snprintf(row.text, sizeof row.text, "text %u", tag + round);
        }
        batch_put(batch, &row);
    }
}

static void append(struct historian *historian, struct batch *batch) {
    struct err err = ERR_INIT;
    expect_ok(hist_append(historian, &batch, 1, &err), &err);
    batch_clear(batch);
}

static void fill(struct historian *historian) {
    AUTO_BATCH struct batch *batch = batch_new(GROUP, 1 << 20);
    struct random random;
    random_seed(&random, 42);
    for (uint32_t round = 0; round < ROUNDS; round++) {
        put_round(batch, round, &random);
        append(historian, batch);
    }
    for (uint32_t i = 0; i < GIANT_ROWS; i++) {
        struct row row = row_f64(GIANT, TEST_T0 + i * 1000000LL, (double)(i % 977));
        batch_put(batch, &row);
        if (batch->count == GROUP || i + 1 == GIANT_ROWS) {
            append(historian, batch);
        }
    }
}

static struct historian *open_with(const char *dir, bool thread, struct files *files) {
    struct hist_options options = {
        .dir = dir, .files = files, .memory_bytes = 256 << 20, .no_thread = !thread};
    struct historian *historian = NULL;
    struct err err = ERR_INIT;
    expect_ok(hist_open(&options, &historian, &err), &err);
    return historian;
}

/* The bytes of the only segment; to be freed. */
static char *segment_bytes(struct historian *historian, const char *dir, long *ret_size) {
    struct view *view = store_view_sealed(historian);
    assert_int_equal(view->segment_count, 1);
    char name[32];
    segment_name(segment_info(view->segments[0])->id, name);
    view_unref(view);
    char path[256];
    (void)snprintf(path, sizeof path, "%s/%s", dir, name);
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    (void)fseek(file, 0, SEEK_END);
    *ret_size = ftell(file);
    rewind(file);
    char *bytes = malloc((size_t)*ret_size);
    assert_int_equal(fread(bytes, 1, (size_t)*ret_size, file), *ret_size);
    (void)fclose(file);
    return bytes;
}

static char *sealed_bytes(bool thread, long *ret_size) {
    char dir[128];
    folder_new(dir);
    struct historian *historian = open_with(dir, thread, NULL);
    fill(historian);
    struct err err = ERR_INIT;
    expect_ok(hist_seal(historian, &err), &err);
    char *bytes = segment_bytes(historian, dir, ret_size);
    hist_close(historian);
    folder_remove(dir);
    return bytes;
}

static void a_segment_is_the_same_to_the_byte_whoever_helped(void **state) {
    (void)state;
    long alone_size = 0;
    long helped_size = 0;
    char *alone = sealed_bytes(false, &alone_size);
    char *helped = sealed_bytes(true, &helped_size);
    assert_int_equal(alone_size, helped_size);
    assert_memory_equal(alone, helped, (size_t)alone_size);
    free(alone);
    free(helped);
}

/* The disk fills up at each write of the segment in turn; then there is room again. */
static void a_failure_while_two_seal_loses_nothing(void **state) {
    (void)state;
    char dir[128];
    folder_new(dir);
    struct file_fault fault;
    file_fault_init(&fault);
    struct historian *historian = open_with(dir, true, &fault.files);
    fill(historian);
    struct err err = ERR_INIT;
    uint32_t failed = 0;
    for (int64_t pass = 0; pass < 6; pass++) {
        file_fault_arm(&fault, FILE_OP_WRITE, pass, ENOSPC);
        failed += hist_seal(historian, &err) < 0;
        file_fault_disarm(&fault);
    }
    assert_true(failed > 0);
    err = (struct err)ERR_INIT;
    expect_ok(hist_seal(historian, &err), &err);
    long size = 0;
    free(segment_bytes(historian, dir, &size));
    struct view *view = store_view_sealed(historian);
    assert_int_equal(segment_info(view->segments[0])->rows, TAGS * ROUNDS + GIANT_ROWS);
    view_unref(view);
    hist_close(historian);
    folder_remove(dir);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_segment_is_the_same_to_the_byte_whoever_helped),
        cmocka_unit_test(a_failure_while_two_seal_loses_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
