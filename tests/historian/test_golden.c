/*
 * A version of the formats is final: what it wrote, every later program opens. The folders in
 * tests/data/golden/vN were written once, and never again; beside each stands what it holds, every
 * value bit for bit. `test_historian_golden --write DIR` made them (into a new folder: a later
 * version gets its own, these stay). Version 2 has packed values in its logs.
 */
#include "support_golden.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "core/file.h"
#include "core/mem.h"
#include "historian/dump.h"
#include "support_history.h"

static const char *const golden_versions[] = {TEST_DATA "/golden/v1", TEST_DATA "/golden/v2"};
enum { GOLDEN_VERSIONS = sizeof golden_versions / sizeof golden_versions[0] };

enum { LIST_BYTES_MAX = 16 << 20 };

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

static void write_whole(const char *path, struct str text) {
    struct err err = ERR_INIT;
    AUTO_CLOSE int fd = -1;
    expect_ok(file_open(files_system(), path, FILE_CREATE_NEW, &fd, &err), &err);
    expect_ok(file_write_at(files_system(), fd, path, 0, text.data, text.size, &err), &err);
}

struct copying {
    char from[256];
    const char *to;
};

static int copy_file(void *context, const char *name, struct err *err) {
    (void)err; // Failures end the test.
    const struct copying *copying = context;
    AUTO_BUF struct buf bytes;
    buf_init(&bytes, LIST_BYTES_MAX);
    char path[512];
    (void)snprintf(path, sizeof path, "%s/%s", copying->from, name);
    read_whole(path, &bytes);
    (void)snprintf(path, sizeof path, "%s/%s", copying->to, name);
    write_whole(path, buf_str(&bytes));
    return 0;
}

/* The listing of a history, from a copy: opening one changes it. */
static void list_copy(const char *dir, const char *name, struct buf *to) {
    char work[128];
    struct err err = ERR_INIT;
    folder_new(work);
    struct copying copying = {.to = work};
    (void)snprintf(copying.from, sizeof copying.from, "%s/%s", dir, name);
    expect_ok(dir_each(copying.from, copy_file, &copying, &err), &err);
    golden_list(work, to);
    folder_remove(work);
}

static void expect_same_listing(const char *name, struct str want, struct str got) {
    for (unsigned line = 1; want.size > 0 || got.size > 0; line++) {
        struct str wanted = str_cut(&want, '\n');
        struct str given = str_cut(&got, '\n');
        if (!str_eq(wanted, given)) {
            fail_msg("%s.txt, line %u: expected \"%.*s\", read \"%.*s\"", name, line,
                STR_ARG(wanted), STR_ARG(given));
        }
    }
}

static void open_version(const char *dir) {
    for (size_t i = 0; golden_names[i] != NULL; i++) {
        AUTO_BUF struct buf want;
        AUTO_BUF struct buf got;
        buf_init(&want, LIST_BYTES_MAX);
        buf_init(&got, LIST_BYTES_MAX);
        char path[512];
        (void)snprintf(path, sizeof path, "%s/%s.txt", dir, golden_names[i]);
        read_whole(path, &want);
        list_copy(dir, golden_names[i], &got);
        assert_true(want.size > 500);
        expect_same_listing(golden_names[i], buf_str(&want), buf_str(&got));
    }
}

static void every_version_opens_bit_for_bit(void **state) {
    (void)state;
    for (size_t i = 0; i < GOLDEN_VERSIONS; i++) {
        open_version(golden_versions[i]);
    }
}

static void verify_version(const char *dir) {
    for (size_t i = 0; golden_names[i] != NULL; i++) {
        if (strcmp(golden_names[i], "torn") == 0) {
            continue;
        }
        char path[512];
        struct err err = ERR_INIT;
        struct hist_verify_report report;
        (void)snprintf(path, sizeof path, "%s/%s", dir, golden_names[i]);
        expect_ok(hist_verify(files_system(), path, NULL, NULL, &report, &err), &err);
        assert_int_equal(report.damaged, 0);
    }
}

static void nothing_in_them_is_damaged(void **state) {
    (void)state;
    for (size_t i = 0; i < GOLDEN_VERSIONS; i++) {
        verify_version(golden_versions[i]);
    }
}

static int take(void *context, const void *text, size_t size, struct err *err) {
    (void)err; // The buffer says when it is full.
    buf_put(context, text, size);
    return 0;
}

static void dump_version(const char *dir, struct buf *to) {
    struct dump_options options = {.write = take, .context = to};
    struct dump_report report = {0};
    struct err err = ERR_INIT;
    const char *paths[8];
    char room[8][256];
    uint32_t count = 0;
    for (; golden_names[count] != NULL; count++) {
        (void)snprintf(room[count], sizeof room[count], "%s/%s", dir, golden_names[count]);
        paths[count] = room[count];
    }
    expect_ok(hist_dump(paths, count, &options, &report, &err), &err);
    assert_false(to->overflow);
    assert_int_equal(report.damaged, 1); // The torn tail.
}

/* A listing proves what is there; this proves that all is there. */
static void every_form_occurs(void **state) {
    (void)state;
    static const char *const forms[] = {" form=constant", " form=step", " form=runs",
        " lag=0 fold=offset", " lag=1 ", " lag=46 ", " fold=zigzag",
        " unit=1000 width=", " patches=0 ", " patches=3 ", " width=64 ", " form=planes",
        "kind=decimal exponent=2", "kind=decimal exponent=1 exceptions=6", "kind=float",
        "kind=bits", "kind=scientific exceptions=", "dictionary form=plain",
        "dictionary form=packed", "    types", "    status", "    flags", " split=yes",
        " strict=no", " strict=yes", " cells_1min=2", " cells_10min=1", " cells_1h=1",
        "    times form=runs", "    times form=bits", "type=3", " batches=3 ", " texts=yes",
        "old_frames_behind=2", " rows=20 text_bytes=0", " consumer name=", " expired tag=2",
        "DAMAGED at=", "why=torn-tail"};
    for (size_t i = 0; i < GOLDEN_VERSIONS; i++) {
        AUTO_BUF struct buf text;
        buf_init(&text, LIST_BYTES_MAX);
        dump_version(golden_versions[i], &text);
        const char *all = buf_z(&text);
        for (size_t j = 0; j < sizeof forms / sizeof forms[0]; j++) {
            if (strstr(all, forms[j]) == NULL) {
                fail_msg("no golden file of %s holds \"%s\"", golden_versions[i], forms[j]);
            }
        }
    }
}

static void they_are_written(void **state) {
    const char *dir = *state;
    golden_make(dir);
    for (size_t i = 0; golden_names[i] != NULL; i++) {
        AUTO_BUF struct buf text;
        buf_init(&text, LIST_BYTES_MAX);
        char path[512];
        list_copy(dir, golden_names[i], &text);
        (void)snprintf(path, sizeof path, "%s/%s.txt", dir, golden_names[i]);
        write_whole(path, buf_str(&text));
    }
}

int main(int argc, char **argv) {
    if (argc == 3 && strcmp(argv[1], "--write") == 0) {
        const struct CMUnitTest writing[] = {cmocka_unit_test_prestate(they_are_written, argv[2])};
        return cmocka_run_group_tests(writing, NULL, NULL);
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_version_opens_bit_for_bit),
        cmocka_unit_test(nothing_in_them_is_damaged),
        cmocka_unit_test(every_form_occurs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
