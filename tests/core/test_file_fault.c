/*
 * The failing file layer itself: it must hit exactly the operation it was told to.
 */
#include "core/file_fault.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct home {
    struct file_fault fault;
    char folder[64];
    char path[80];
    int fd;
};

static int home_make(void **state) {
    struct home *home = calloc(1, sizeof *home);
    assert_non_null(home);
    (void)snprintf(home->folder, sizeof home->folder, "/tmp/test_core_fault_XXXXXX");
    assert_non_null(mkdtemp(home->folder));
    (void)snprintf(home->path, sizeof home->path, "%s/f", home->folder);
    file_fault_init(&home->fault);
    assert_int_equal(file_open(&home->fault.files, home->path, FILE_WRITE, &home->fd, NULL), 0);
    *state = home;
    return 0;
}

static int home_remove(void **state) {
    struct home *home = *state;
    file_close(home->fd);
    assert_int_equal(dir_remove_all(home->folder, NULL), 0);
    free(home);
    return 0;
}

static int write_text(struct home *home, uint64_t offset, const char *text) {
    struct iovec parts[2];
    char copy[64];
    size_t size = strlen(text);
    assert_true(size < sizeof copy);
    memcpy(copy, text, size);
    parts[0] = (struct iovec){copy, size / 2};
    parts[1] = (struct iovec){copy + size / 2, size - size / 2};
    return file_writev_at(&home->fault.files, home->fd, home->path, offset, parts, 2, NULL);
}

static uint64_t size_of(struct home *home) {
    uint64_t size = 0;
    assert_int_equal(file_size(home->fd, home->path, &size, NULL), 0);
    return size;
}

static void an_unarmed_layer_passes_and_counts(void **state) {
    struct home *home = *state;
    assert_int_equal(write_text(home, 0, "abcd"), 0);
    assert_int_equal(file_sync(&home->fault.files, home->fd, home->path, NULL), 0);
    assert_int_equal(home->fault.counts[FILE_OP_OPEN], 1);
    assert_int_equal(home->fault.counts[FILE_OP_WRITE], 1);
    assert_int_equal(home->fault.counts[FILE_OP_SYNC], 1);
    assert_int_equal(home->fault.counts[FILE_OP_RENAME], 0);
}

static void only_the_nth_operation_of_the_kind_fails(void **state) {
    struct home *home = *state;
    file_fault_arm(&home->fault, FILE_OP_WRITE, 2, EIO);
    for (int i = 0; i < 6; i++) {
        assert_int_equal(file_sync(&home->fault.files, home->fd, home->path, NULL), 0);
        assert_int_equal(write_text(home, 0, "abcd"), i == 2 ? -ERR_IO : 0);
    }
}

static void the_chosen_errno_decides_the_code(void **state) {
    struct home *home = *state;
    file_fault_arm(&home->fault, FILE_OP_WRITE, 0, ENOSPC);
    assert_int_equal(write_text(home, 0, "abcd"), -ERR_SPACE);
    assert_int_equal(size_of(home), 0);
    assert_int_equal(write_text(home, 0, "abcd"), 0);
}

static void a_torn_write_leaves_its_first_bytes(void **state) {
    struct home *home = *state;
    for (int64_t torn = 0; torn <= 9; torn++) {
        assert_int_equal(file_truncate(files_system(), home->fd, home->path, 0, NULL), 0);
        home->fault.torn_bytes = torn;
        file_fault_arm(&home->fault, FILE_OP_WRITE, 0, EIO);
        assert_int_equal(write_text(home, 0, "12345678"), -ERR_IO);
        uint64_t written = size_of(home);
        assert_int_equal(written, torn < 8 ? torn : 8);
        char text[8];
        assert_int_equal(file_read_at(home->fd, home->path, 0, text, written, NULL), 0);
        assert_memory_equal(text, "12345678", written);
    }
}

static void a_sticky_fault_of_all_kinds_is_a_dead_disk(void **state) {
    struct home *home = *state;
    home->fault.sticky = 1;
    file_fault_arm(&home->fault, FILE_OP_COUNT, 1, EIO);
    struct files *files = &home->fault.files;
    assert_int_equal(write_text(home, 0, "ab"), 0);
    for (int round = 0; round < 3; round++) {
        int fd = -1;
        assert_int_equal(write_text(home, 0, "xy"), -ERR_IO);
        assert_int_equal(file_sync(files, home->fd, home->path, NULL), -ERR_IO);
        assert_int_equal(dir_sync(files, home->folder, NULL), -ERR_IO);
        assert_int_equal(file_rename(files, home->path, "elsewhere", NULL), -ERR_IO);
        assert_int_equal(file_remove(files, home->path, NULL), -ERR_IO);
        assert_int_equal(file_truncate(files, home->fd, home->path, 0, NULL), -ERR_IO);
        assert_int_equal(file_allocate(files, home->fd, home->path, 100, NULL), -ERR_IO);
        assert_int_equal(file_open(files, home->path, FILE_READ, &fd, NULL), -ERR_IO);
        assert_int_equal(dir_create(files, home->folder, NULL), -ERR_IO);
    }
    char text[2];
    assert_int_equal(size_of(home), 2);
    assert_int_equal(file_read_at(home->fd, home->path, 0, text, 2, NULL), 0);
    assert_memory_equal(text, "ab", 2); // Nothing of it reached the disk.
    file_fault_disarm(&home->fault);
    assert_int_equal(write_text(home, 0, "xy"), 0);
}

#define HOME_TEST(test) cmocka_unit_test_setup_teardown(test, home_make, home_remove)

int main(void) {
    const struct CMUnitTest tests[] = {
        HOME_TEST(an_unarmed_layer_passes_and_counts),
        HOME_TEST(only_the_nth_operation_of_the_kind_fails),
        HOME_TEST(the_chosen_errno_decides_the_code),
        HOME_TEST(a_torn_write_leaves_its_first_bytes),
        HOME_TEST(a_sticky_fault_of_all_kinds_is_a_dead_disk),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
