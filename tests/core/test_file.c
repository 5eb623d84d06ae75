/*
 * Files and folders, in a temporary folder that is removed at the end of each test.
 */
#include "core/file.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/buf.h"

struct home {
    char folder[64];
    char path[128]; // The last path made by at().
};

static int home_make(void **state) {
    struct home *home = calloc(1, sizeof *home);
    assert_non_null(home);
    (void)snprintf(home->folder, sizeof home->folder, "/tmp/test_core_file_XXXXXX");
    assert_non_null(mkdtemp(home->folder));
    *state = home;
    return 0;
}

static int home_remove(void **state) {
    struct home *home = *state;
    assert_int_equal(dir_remove_all(home->folder, NULL), 0);
    assert_false(file_exists(home->folder));
    free(home);
    return 0;
}

static const char *at(struct home *home, const char *name) {
    (void)snprintf(home->path, sizeof home->path, "%s/%s", home->folder, name);
    return home->path;
}

static void check_words(const struct err *err, const char *part) {
    AUTO_BUF struct buf out;
    buf_init(&out, 4096);
    err_render(err, LANG_EN, &out);
    if (!strstr(buf_z(&out), part)) {
        fail_msg("\"%s\" does not name \"%s\"", buf_z(&out), part);
    }
}

static void what_is_written_is_read(void **state) {
    const char *path = at(*state, "a");
    AUTO_CLOSE int fd = -1;
    assert_int_equal(file_open(files_system(), path, FILE_WRITE, &fd, NULL), 0);
    assert_int_equal(file_write_at(files_system(), fd, path, 0, "hello world", 11, NULL), 0);
    assert_int_equal(file_write_at(files_system(), fd, path, 6, "maru!", 5, NULL), 0);
    assert_int_equal(file_write_at(files_system(), fd, path, 3, NULL, 0, NULL), 0);
    assert_int_equal(file_sync(files_system(), fd, path, NULL), 0);
    char text[12] = "";
    assert_int_equal(file_read_at(fd, path, 0, text, 11, NULL), 0);
    assert_string_equal(text, "hello maru!");
    assert_int_equal(file_read_at(fd, path, 6, text, 5, NULL), 0);
    assert_memory_equal(text, "maru!", 5);
    uint64_t size = 0;
    assert_int_equal(file_size(fd, path, &size, NULL), 0);
    assert_int_equal(size, 11);
}

static void gathered_writes_are_one_after_the_other(void **state) {
    const char *path = at(*state, "v");
    AUTO_CLOSE int fd = -1;
    assert_int_equal(file_open(files_system(), path, FILE_WRITE, &fd, NULL), 0);
    enum { PARTS = 3000 }; // More than the system takes at once (IOV_MAX is 1024).
    static struct iovec vector[PARTS];
    static char letters[26];
    for (size_t i = 0; i < 26; i++) {
        letters[i] = (char)('a' + i);
    }
    for (size_t i = 0; i < PARTS; i++) {
        vector[i] = (struct iovec){&letters[i % 26], i % 3 == 2 ? 0 : 1};
    }
    assert_int_equal(file_writev_at(files_system(), fd, path, 5, vector, PARTS, NULL), 0);
    static char text[PARTS];
    uint64_t size = 0;
    assert_int_equal(file_size(fd, path, &size, NULL), 0);
    assert_int_equal(size, 5 + PARTS / 3 * 2);
    assert_int_equal(file_read_at(fd, path, 5, text, size - 5, NULL), 0);
    for (size_t i = 0, got = 0; i < PARTS; i++) {
        if (i % 3 != 2) {
            assert_int_equal(text[got++], 'a' + i % 26);
        }
    }
    assert_int_equal(file_writev_at(files_system(), fd, path, 0, NULL, 0, NULL), 0);
}

static void opening_follows_its_mode(void **state) {
    struct home *home = *state;
    struct err err = ERR_INIT;
    int fd = -7;
    const char *path = at(home, "m");
    assert_int_equal(file_open(files_system(), path, FILE_READ, &fd, &err), -ERR_NOT_FOUND);
    assert_int_equal(fd, -7);
    check_words(&err, path);
    assert_int_equal(file_open(files_system(), path, FILE_CREATE_NEW, &fd, &err), 0);
    struct stat status;
    assert_int_equal(fstat(fd, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0600);
    assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
    file_close(fd);
    assert_int_equal(file_open(files_system(), path, FILE_CREATE_NEW, &fd, &err), -ERR_EXISTS);
    check_words(&err, "exists already");
    assert_int_equal(file_open(files_system(), path, FILE_READ, &fd, &err), 0);
    assert_int_equal(file_write_at(files_system(), fd, path, 0, "x", 1, &err), -ERR_IO);
    check_words(&err, "Bad file descriptor");
    file_close(fd);
    file_close(-1);
}

static void reading_behind_the_end_is_damage(void **state) {
    const char *path = at(*state, "short");
    AUTO_CLOSE int fd = -1;
    assert_int_equal(file_open(files_system(), path, FILE_WRITE, &fd, NULL), 0);
    assert_int_equal(file_write_at(files_system(), fd, path, 0, "12345", 5, NULL), 0);
    struct err err = ERR_INIT;
    char text[16];
    assert_int_equal(file_read_at(fd, path, 2, text, 4, &err), -ERR_CORRUPT);
    check_words(&err, "4 bytes were expected at byte 2");
    assert_int_equal(file_read_at(fd, path, 5, text, 0, &err), 0);
    assert_int_equal(file_read_at(-1, path, 0, text, 1, &err), -ERR_IO);
}

static void truncating_and_reserving_change_what_they_should(void **state) {
    const char *path = at(*state, "t");
    AUTO_CLOSE int fd = -1;
    uint64_t size = 0;
    assert_int_equal(file_open(files_system(), path, FILE_WRITE, &fd, NULL), 0);
    assert_int_equal(file_write_at(files_system(), fd, path, 0, "12345", 5, NULL), 0);
    assert_int_equal(file_allocate(files_system(), fd, path, 1 << 20, NULL), 0);
    assert_int_equal(file_allocate(files_system(), fd, path, 0, NULL), 0);
    assert_int_equal(file_size(fd, path, &size, NULL), 0);
    assert_int_equal(size, 5); // The content has not changed.
    assert_int_equal(file_truncate(files_system(), fd, path, 3, NULL), 0);
    assert_int_equal(file_size(fd, path, &size, NULL), 0);
    assert_int_equal(size, 3);
    struct err err = ERR_INIT;
    assert_true(file_allocate(files_system(), fd, path, INT64_MAX, &err) < 0); // EFBIG or ENOSPC.
    assert_true(file_truncate(files_system(), -1, path, 0, &err) < 0);
    assert_true(file_sync(files_system(), -1, path, &err) < 0);
    assert_true(file_size(-1, path, &size, &err) < 0);
}

static void renames_replace_and_removals_forgive_absence(void **state) {
    struct home *home = *state;
    char from[128];
    char to[128];
    (void)snprintf(from, sizeof from, "%s", at(home, "from"));
    (void)snprintf(to, sizeof to, "%s", at(home, "to"));
    int fd = -1;
    assert_int_equal(file_open(files_system(), from, FILE_WRITE, &fd, NULL), 0);
    file_close(fd);
    assert_int_equal(file_open(files_system(), to, FILE_WRITE, &fd, NULL), 0);
    file_close(fd);
    assert_int_equal(file_rename(files_system(), from, to, NULL), 0);
    assert_false(file_exists(from));
    assert_true(file_exists(to));
    assert_int_equal(dir_sync(files_system(), home->folder, NULL), 0);
    struct err err = ERR_INIT;
    assert_int_equal(file_rename(files_system(), from, to, &err), -ERR_NOT_FOUND);
    check_words(&err, from);
    assert_int_equal(file_remove(files_system(), to, &err), 0);
    assert_int_equal(file_remove(files_system(), to, &err), 0);
    assert_false(file_exists(to));
    assert_int_equal(file_remove(files_system(), home->folder, &err), -ERR_IO); // A folder.
    assert_int_equal(dir_sync(files_system(), to, &err), -ERR_NOT_FOUND);
}

static void folders_are_private_and_may_be_there(void **state) {
    struct home *home = *state;
    const char *path = at(home, "sub");
    assert_int_equal(dir_create(files_system(), path, NULL), 0);
    assert_int_equal(dir_create(files_system(), path, NULL), 0);
    struct stat status;
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0700);
    struct err err = ERR_INIT;
    path = at(home, "no/sub");
    assert_int_equal(dir_create(files_system(), path, &err), -ERR_NOT_FOUND);
    int fd = -1;
    path = at(home, "file");
    assert_int_equal(file_open(files_system(), path, FILE_WRITE, &fd, NULL), 0);
    file_close(fd);
    assert_int_equal(dir_create(files_system(), path, &err), -ERR_EXISTS);
}

struct walk {
    struct buf names;
    int stop_after;
};

static int walk_each(void *context, const char *name, struct err *err) {
    struct walk *walk = context;
    buf_printf(&walk->names, "%s ", name);
    if (--walk->stop_after == 0) {
        return err_set(err, ERR_CANCELLED, MSG_NONE, NO_ARGS);
    }
    return 0;
}

static void a_folder_is_walked_in_name_order_and_can_be_left(void **state) {
    struct home *home = *state;
    struct walk walk = {.stop_after = -1};
    buf_init(&walk.names, 65536);
    assert_int_equal(dir_each(home->folder, walk_each, &walk, NULL), 0);
    assert_int_equal(walk.names.size, 0);
    for (int i = 199; i >= 0; i--) {
        char name[16];
        int fd = -1;
        (void)snprintf(name, sizeof name, "f%03d", i);
        assert_int_equal(file_open(files_system(), at(home, name), FILE_WRITE, &fd, NULL), 0);
        file_close(fd);
    }
    assert_int_equal(dir_each(home->folder, walk_each, &walk, NULL), 0);
    assert_int_equal(walk.names.size, 200 * 5);
    assert_memory_equal(walk.names.data, "f000 f001 f002 ", 15);
    buf_clear(&walk.names);
    walk.stop_after = 2;
    struct err err = ERR_INIT;
    assert_int_equal(dir_each(home->folder, walk_each, &walk, &err), -ERR_CANCELLED);
    assert_string_equal(buf_z(&walk.names), "f000 f001 ");
    assert_int_equal(dir_each(at(home, "absent"), walk_each, &walk, &err), -ERR_NOT_FOUND);
    buf_fini(&walk.names);
}

static void a_tree_is_removed_without_following_links(void **state) {
    struct home *home = *state;
    char outside[128];
    int fd = -1;
    (void)snprintf(outside, sizeof outside, "%s", at(home, "outside"));
    assert_int_equal(file_open(files_system(), outside, FILE_WRITE, &fd, NULL), 0);
    file_close(fd);
    assert_int_equal(dir_create(files_system(), at(home, "tree"), NULL), 0);
    assert_int_equal(dir_create(files_system(), at(home, "tree/a"), NULL), 0);
    assert_int_equal(file_open(files_system(), at(home, "tree/a/f"), FILE_WRITE, &fd, NULL), 0);
    file_close(fd);
    assert_int_equal(symlink(home->folder, at(home, "tree/link")), 0);
    assert_int_equal(symlink("/nowhere", at(home, "tree/dangling")), 0);
    assert_int_equal(dir_remove_all(at(home, "tree"), NULL), 0);
    assert_false(file_exists(at(home, "tree")));
    assert_true(file_exists(outside));
    assert_int_equal(dir_remove_all(at(home, "tree"), NULL), 0); // Absent is fine.
}

static void a_file_can_be_mapped(void **state) {
    const char *path = at(*state, "map");
    AUTO_CLOSE int fd = -1;
    struct file_map map = {.size = 7};
    assert_int_equal(file_open(files_system(), path, FILE_WRITE, &fd, NULL), 0);
    assert_int_equal(file_map(fd, path, &map, NULL), 0);
    assert_null(map.data);
    assert_int_equal(map.size, 0);
    file_unmap(&map);
    assert_int_equal(file_write_at(files_system(), fd, path, 0, "12345", 5, NULL), 0);
    assert_int_equal(file_map(fd, path, &map, NULL), 0);
    assert_int_equal(map.size, 5);
    assert_memory_equal(map.data, "12345", 5);
    file_unmap(&map);
    assert_null(map.data);
    file_unmap(&map);
    struct err err = ERR_INIT;
    assert_int_equal(file_map(-1, path, &map, &err), -ERR_IO);
}

static void a_full_disk_is_told_as_such(void **state) {
    (void)state;
    int fd = -1;
    struct err err = ERR_INIT;
    if (file_open(files_system(), "/dev/full", FILE_WRITE, &fd, &err) < 0) {
        skip();
    }
    assert_int_equal(file_write_at(files_system(), fd, "wal", 0, "x", 1, &err), -ERR_SPACE);
    check_words(&err, "wal: the disk is full");
    file_close(fd);
}

static void free_space_is_known(void **state) {
    struct home *home = *state;
    assert_true(disk_free_bytes(home->folder) > 0);
    assert_int_equal(disk_free_bytes("/no/such/place"), 0);
}

#define HOME_TEST(test) cmocka_unit_test_setup_teardown(test, home_make, home_remove)

int main(void) {
    const struct CMUnitTest tests[] = {
        HOME_TEST(what_is_written_is_read),
        HOME_TEST(gathered_writes_are_one_after_the_other),
        HOME_TEST(opening_follows_its_mode),
        HOME_TEST(reading_behind_the_end_is_damage),
        HOME_TEST(truncating_and_reserving_change_what_they_should),
        HOME_TEST(renames_replace_and_removals_forgive_absence),
        HOME_TEST(folders_are_private_and_may_be_there),
        HOME_TEST(a_folder_is_walked_in_name_order_and_can_be_left),
        HOME_TEST(a_tree_is_removed_without_following_links),
        HOME_TEST(a_file_can_be_mapped),
        HOME_TEST(a_full_disk_is_told_as_such),
        HOME_TEST(free_space_is_known),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
