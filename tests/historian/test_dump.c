/*
 * What histdump says of files: all of a whole one, and of a damaged one where it is damaged and
 * everything else. Every byte of a segment is under a checksum, so no flipped one may go untold.
 */
#include "historian/dump.h"

#include <stdio.h>
#include <string.h>

#include "core/buf.h"
#include "core/file.h"
#include "core/mem.h"
#include "historian/historian.h"
#include "support_history.h"

#define GOLDEN TEST_DATA "/golden/v1"

static int take(void *context, const void *text, size_t size, struct err *err) {
    (void)err; // The buffer says when it is full.
    buf_put(context, text, size);
    return 0;
}

static int refuse(void *context, const void *text, size_t size, struct err *err) {
    (void)text;
    (void)size;
    ++*(int *)context;
    return err_set(err, ERR_IO, MSG_DUMP_NO_HISTORY, ARGS(A_CSTR("out")));
}

static void read_whole(const char *path, struct buf *to) {
    struct err err = ERR_INIT;
    AUTO_CLOSE int fd = -1;
    uint64_t size = 0;
    expect_ok(file_open(files_system(), path, FILE_READ, &fd, &err), &err);
    expect_ok(file_size(fd, path, &size, &err), &err);
    uint8_t *at = buf_reserve(to, size + 1);
    assert_non_null(at);
    expect_ok(file_read_at(fd, path, 0, at, size, &err), &err);
    buf_commit(to, size);
}

/* Places that were told as damaged. */
static uint64_t damaged_in(const uint8_t *data, size_t size, struct buf *text) {
    struct dump_options options = {.write = take, .context = text};
    struct dump_report report = {0};
    struct err err = ERR_INIT;
    buf_clear(text);
    expect_ok(hist_dump_bytes(data, size, &options, &report, &err), &err);
    assert_int_equal(report.files, 1);
    return report.damaged;
}

static uint32_t lines_with(const char *text, const char *what) {
    uint32_t count = 0;
    for (const char *at = text; (at = strstr(at, what)) != NULL; at++) {
        count++;
    }
    return count;
}

static void every_flipped_byte_is_told(void **state) {
    (void)state;
    AUTO_BUF struct buf file;
    AUTO_BUF struct buf text;
    buf_init(&file, 1 << 20);
    buf_init(&text, 1 << 22);
    read_whole(GOLDEN "/lived/seg-0000000000000005.seg", &file);
    assert_int_equal(damaged_in(file.data, file.size, &text), 0);
    uint32_t blocks = lines_with(buf_z(&text), "\n  block ");
    assert_true(blocks >= 4);
    for (size_t at = 8; at < file.size; at++) { // The first eight say what it is.
        file.data[at] ^= 0x10;
        assert_true(damaged_in(file.data, file.size, &text) > 0);
        /* One record is lost at most, whatever byte it was. */
        assert_true(lines_with(buf_z(&text), "\n  block ") >= blocks - 1);
        file.data[at] ^= 0x10;
    }
}

static void a_cut_segment_shows_what_is_left(void **state) {
    (void)state;
    AUTO_BUF struct buf file;
    AUTO_BUF struct buf text;
    buf_init(&file, 1 << 20);
    buf_init(&text, 1 << 22);
    read_whole(GOLDEN "/lived/seg-0000000000000005.seg", &file);
    for (size_t size = 8; size < file.size; size += 13) {
        AUTO_FREE uint8_t *exact = mem_alloc(size);
        memcpy(exact, file.data, size);
        assert_true(damaged_in(exact, size, &text) > 0);
    }
    (void)damaged_in(file.data, file.size - 1, &text);
    assert_true(lines_with(buf_z(&text), "\n  block ") >= 4);
    assert_int_equal(lines_with(buf_z(&text), "\n  directory "), 1);
}

static void a_flipped_byte_of_a_log_costs_its_frame(void **state) {
    (void)state;
    AUTO_BUF struct buf file;
    AUTO_BUF struct buf text;
    buf_init(&file, 1 << 20);
    buf_init(&text, 1 << 22);
    read_whole(GOLDEN "/logs/wal-0000000000000003.log", &file);
    assert_int_equal(damaged_in(file.data, file.size, &text), 0);
    uint32_t frames = lines_with(buf_z(&text), "\n  frame ");
    const char *end = strstr(buf_z(&text), "\n  end at=");
    assert_non_null(end);
    size_t size = 0;
    assert_int_equal(sscanf(end, "\n  end at=%zu", &size), 1); // tidy:call: our own output.
    for (size_t at = 32; at < size; at++) {
        file.data[at] ^= 0x10;
        assert_int_equal(damaged_in(file.data, file.size, &text), 1);
        assert_true(lines_with(buf_z(&text), "\n  frame ") >= frames - 1);
        file.data[at] ^= 0x10;
    }
}

static void what_is_no_history_is_refused_in_words(void **state) {
    (void)state;
    AUTO_BUF struct buf text;
    buf_init(&text, 1 << 20);
    struct dump_options options = {.write = take, .context = &text};
    struct dump_report report = {0};
    struct err err = ERR_INIT;
    const char *paths[] = {GOLDEN "/forms.txt", GOLDEN "/nothing"};
    assert_int_equal(hist_dump(&paths[0], 1, &options, &report, &err), -ERR_INVALID);
    assert_int_equal(hist_dump(&paths[1], 1, &options, &report, &err), -ERR_NOT_FOUND);
    const char *folder = GOLDEN; // No history inside, and nothing to complain of.
    expect_ok(hist_dump(&folder, 1, &options, &report, &err), &err);
    assert_int_equal(report.files, 0);
}

static void a_refused_write_ends_it(void **state) {
    (void)state;
    int calls = 0;
    struct dump_options options = {.write = refuse, .context = &calls};
    struct dump_report report = {0};
    struct err err = ERR_INIT;
    const char *paths[] = {GOLDEN "/forms", GOLDEN "/logs"};
    assert_int_equal(hist_dump(paths, 2, &options, &report, &err), -ERR_IO);
    assert_int_equal(calls, 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_flipped_byte_is_told),
        cmocka_unit_test(a_cut_segment_shows_what_is_left),
        cmocka_unit_test(a_flipped_byte_of_a_log_costs_its_frame),
        cmocka_unit_test(what_is_no_history_is_refused_in_words),
        cmocka_unit_test(a_refused_write_ends_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
