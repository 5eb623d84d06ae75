/*
 * The launcher's folder: small files, the home kept aside, and the way back, also after a kill in
 * the middle of it.
 */
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/file.h"
#include "core/thread.h"
#include "launch/child.h"
#include "launch/launch.h"

static void state_new(char *state) {
    (void)snprintf(state, 64, "/tmp/maru-launch-XXXXXX");
    assert_non_null(mkdtemp(state));
}

static void put(const char *state, const char *name, const char *text) {
    char path[256];
    int fd = -1;
    (void)snprintf(path, sizeof path, "%s/%s", state, name);
    assert_int_equal(file_open(files_system(), path, FILE_WRITE, &fd, NULL), 0);
    assert_int_equal(file_truncate(files_system(), fd, path, 0, NULL), 0);
    assert_int_equal(file_write_at(files_system(), fd, path, 0, text, strlen(text), NULL), 0);
    file_close(fd);
}

static bool holds(const char *state, const char *name, const char *text) {
    char found[LAUNCH_TEXT_MAX];
    return launch_read(state, name, found, NULL) == 1 && strcmp(found, text) == 0;
}

static ino_t inode(const char *state, const char *name) {
    char path[256];
    struct stat info;
    (void)snprintf(path, sizeof path, "%s/%s", state, name);
    return stat(path, &info) == 0 ? info.st_ino : 0;
}

static void home_new(const char *state) {
    static const char *const DIRS[] = {
        "home", "home/plants", "home/plants/p", "home/plants/p/history", "home/backups"};
    for (size_t i = 0; i < sizeof DIRS / sizeof DIRS[0]; i++) {
        char path[256];
        (void)snprintf(path, sizeof path, "%s/%s", state, DIRS[i]);
        assert_int_equal(dir_create(files_system(), path, NULL), 0);
    }
    put(state, "home/hub.db", "users");
    put(state, "home/plants/p/history/manifest", "one");
    put(state, "home/plants/p/history/seg-0000000000000001.seg", "rows");
    put(state, "home/backups/b", "kept");
}

static void a_trial_and_an_outcome_are_read_as_written(void **state_unused) {
    (void)state_unused;
    char state[64];
    state_new(state);
    struct trial trial = {.from = 3, .to = 4, .attempts = 2, .returning = true};
    struct trial read = {.from = 0};
    assert_int_equal(trial_read(state, &read, NULL), 0);
    assert_int_equal(trial_write(state, &trial, NULL), 0);
    assert_int_equal(trial_read(state, &read, NULL), 1);
    assert_true(read.from == 3 && read.to == 4 && read.attempts == 2 && read.returning);
    struct outcome outcome = {
        .kind = OUTCOME_RETURNED, .from = 3, .to = 4, .time_ns = 5, .failed = "/a path"};
    struct outcome found;
    assert_int_equal(outcome_write(state, &outcome, NULL), 0);
    assert_int_equal(outcome_read(state, &found, NULL), 1);
    assert_true(found.kind == OUTCOME_RETURNED && found.to == 4 && found.time_ns == 5);
    assert_string_equal(found.failed, "/a path");
    static const char *const BAD[] = {"", "x", "1 2 3", "1 2 x 0", "1 2 99999999999 0"};
    for (size_t i = 0; i < sizeof BAD / sizeof BAD[0]; i++) {
        put(state, "trial", BAD[i]);
        struct err err = ERR_INIT;
        assert_int_equal(trial_read(state, &read, &err), -ERR_CORRUPT);
        put(state, "outcome", BAD[i]);
        assert_int_equal(outcome_read(state, &found, &err), -ERR_CORRUPT);
    }
    assert_int_equal(dir_remove_all(state, NULL), 0);
}

static void the_link_names_one_version(void **state_unused) {
    (void)state_unused;
    char state[64];
    state_new(state);
    assert_int_equal(current_read(state), 0);
    assert_int_equal(current_set(state, 7, NULL), 0);
    assert_int_equal(current_set(state, 8, NULL), 0);
    assert_int_equal(current_read(state), 8);
    assert_int_equal(version_newest(state), 0);
    char path[256];
    (void)snprintf(path, sizeof path, "%s/versions", state);
    assert_int_equal(dir_create(files_system(), path, NULL), 0);
    (void)snprintf(path, sizeof path, "%s/versions/12", state);
    assert_int_equal(dir_create(files_system(), path, NULL), 0);
    (void)snprintf(path, sizeof path, "%s/versions/13.new", state); // Not a whole one.
    assert_int_equal(dir_create(files_system(), path, NULL), 0);
    assert_int_equal(version_newest(state), 12);
    assert_int_equal(launcher_running(state), 0);
    assert_int_equal(dir_remove_all(state, NULL), 0);
}

static void the_home_before_comes_back_and_the_failed_one_is_kept(void **state_unused) {
    (void)state_unused;
    char state[64];
    char failed[LIMIT_PATH_BYTES];
    state_new(state);
    home_new(state);
    assert_int_equal(before_make(state, NULL), 0);
    assert_int_equal(inode(state, "before/plants/p/history/seg-0000000000000001.seg"),
        inode(state, "home/plants/p/history/seg-0000000000000001.seg")); // A link.
    assert_int_not_equal(inode(state, "before/hub.db"), inode(state, "home/hub.db"));
    assert_int_equal(inode(state, "before/backups"), 0);
    put(state, "home/hub.db", "migrated");
    put(state, "home/plants/p/history/manifest", "two");
    assert_int_equal(before_return(state, 9, failed, NULL), 0);
    assert_true(holds(state, "home/hub.db", "users"));
    assert_true(holds(state, "home/plants/p/history/manifest", "one"));
    assert_true(holds(state, "home/plants/p/history/seg-0000000000000001.seg", "rows"));
    assert_true(holds(state, "home/backups/b", "kept"));
    assert_true(holds(failed, "hub.db", "migrated"));
    assert_int_equal(before_return(state, 9, failed, NULL), 0); // Again: nothing to do.
    assert_true(holds(state, "home/hub.db", "users"));
    assert_int_equal(dir_remove_all(state, NULL), 0);
}

static void a_return_that_was_cut_goes_on(void **state_unused) {
    (void)state_unused;
    char state[64];
    char failed[LIMIT_PATH_BYTES];
    char from[128];
    char to[128];
    state_new(state);
    home_new(state);
    assert_int_equal(before_make(state, NULL), 0);
    (void)snprintf(from, sizeof from, "%s/home", state);
    (void)snprintf(to, sizeof to, "%s/moved", state);
    assert_int_equal(rename(from, to), 0); // The first of the two renames was done.
    assert_int_equal(before_return(state, 9, failed, NULL), 0);
    assert_true(holds(state, "home/hub.db", "users"));
    assert_int_equal(dir_remove_all(state, NULL), 0);
}

static void a_copy_that_was_cut_is_made_anew(void **state_unused) {
    (void)state_unused;
    char state[64];
    char path[128];
    state_new(state);
    home_new(state);
    (void)snprintf(path, sizeof path, "%s/before.new", state);
    assert_int_equal(dir_create(files_system(), path, NULL), 0);
    put(state, "before.new/hub.db", "half");
    assert_int_equal(before_make(state, NULL), 0);
    assert_true(holds(state, "before/hub.db", "users"));
    before_remove(state);
    assert_int_equal(inode(state, "before"), 0);
    assert_int_equal(dir_remove_all(state, NULL), 0);
}

/* A program that serves: answers with `words`, closes without a word, or hangs. */
struct program {
    int fd;
    const char *words; // NULL: closes.
};

static void program_run(void *context) {
    const struct program *program = context;
    char request[512];
    int line = accept(program->fd, NULL, NULL);
    assert_true(line >= 0);
    (void)recv(line, request, sizeof request, 0);
    if (program->words != NULL) {
        (void)send(line, program->words, strlen(program->words), MSG_NOSIGNAL);
    }
    (void)close(line);
}

static bool answers(const char *scheme, bool hangs, const char *words) {
    struct program program = {.fd = socket(AF_INET, SOCK_STREAM, 0), .words = words};
    struct sockaddr_in at = {.sin_family = AF_INET};
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof at;
    assert_int_equal(bind(program.fd, (const struct sockaddr *)&at, sizeof at), 0);
    assert_int_equal(listen(program.fd, 4), 0); // The system takes connections by itself.
    assert_int_equal(getsockname(program.fd, (struct sockaddr *)&at, &size), 0);
    struct child child = {.process = 0};
    (void)snprintf(child.origin, sizeof child.origin, "%s://127.0.0.1:%u", scheme,
        (unsigned)ntohs(at.sin_port));
    struct thread thread = {.started = false};
    if (!hangs) {
        thread_start(&thread, "program", program_run, &program);
    }
    bool good = child_answers(&child);
    thread_join(&thread);
    (void)close(program.fd);
    return good;
}

static void a_program_that_hangs_is_told_from_one_that_lives(void **state) {
    (void)state;
    assert_true(answers("http", false, "HTTP/1.1 200 OK\r\n\r\n"));
    assert_true(answers("https", false, "HTTP/1.1 200 OK\r\n\r\n"));
    assert_true(answers("https", false, NULL)); // A version that wants TLS first.
    assert_false(answers("http", false, NULL));
    assert_false(answers("http", false, "rubbish of another program"));
    assert_false(answers("https", true, NULL));
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_trial_and_an_outcome_are_read_as_written),
        cmocka_unit_test(the_link_names_one_version),
        cmocka_unit_test(the_home_before_comes_back_and_the_failed_one_is_kept),
        cmocka_unit_test(a_return_that_was_cut_goes_on),
        cmocka_unit_test(a_copy_that_was_cut_is_made_anew),
        cmocka_unit_test(a_program_that_hangs_is_told_from_one_that_lives)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
