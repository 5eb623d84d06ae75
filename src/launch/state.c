/*
 * The launcher's small files. Each is written beside its place, synced and renamed, and the folder
 * synced: after a power cut there is the old text or the new one. `current` is a link, replaced the
 * same way.
 */
#include "launch/launch.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "core/buf.h"
#include "core/file.h"

bool launch_path(const char *state, const char *name, char ret_path[LIMIT_PATH_BYTES]) {
    int size = snprintf(ret_path, LIMIT_PATH_BYTES, "%s/%s", state, name);
    return size > 0 && size < LIMIT_PATH_BYTES - LAUNCH_PATH_ROOM;
}

static int path_long(const char *state, struct err *err) {
    return err_set(err, ERR_LIMIT, MSG_PLANT_PATH_LONG, ARGS(A_CSTR(state)));
}

int launch_write(const char *state, const char *name, struct str text, struct err *err) {
    char path[LIMIT_PATH_BYTES];
    char side[LIMIT_PATH_BYTES];
    char new_name[64];
    (void)snprintf(new_name, sizeof new_name, "%s.new", name);
    if (!launch_path(state, name, path) || !launch_path(state, new_name, side)) {
        return path_long(state, err);
    }
    AUTO_CLOSE int fd = -1;
    struct files *files = files_system();
    int status = file_open(files, side, FILE_WRITE, &fd, err);
    status = status < 0 ? status : file_truncate(files, fd, side, 0, err);
    status = status < 0 ? status : file_write_at(files, fd, side, 0, text.data, text.size, err);
    status = status < 0 ? status : file_sync(files, fd, side, err);
    status = status < 0 ? status : file_rename(files, side, path, err);
    return status < 0 ? status : dir_sync(files, state, err);
}

int launch_read(
    const char *state, const char *name, char ret_text[LAUNCH_TEXT_MAX], struct err *err) {
    char path[LIMIT_PATH_BYTES];
    if (!launch_path(state, name, path)) {
        return path_long(state, err);
    }
    ret_text[0] = '\0';
    if (!file_exists(path)) {
        return 0;
    }
    AUTO_CLOSE int fd = -1;
    uint64_t size = 0;
    int status = file_open(files_system(), path, FILE_READ, &fd, err);
    status = status < 0 ? status : file_size(fd, path, &size, err);
    if (status >= 0 && size >= LAUNCH_TEXT_MAX) {
        return err_set(err, ERR_CORRUPT, MSG_LAUNCH_FILE, ARGS(A_CSTR(path)));
    }
    status = status < 0 ? status : file_read_at(fd, path, 0, ret_text, size, err);
    if (status < 0) {
        return status;
    }
    ret_text[size] = '\0';
    return 1;
}

int launch_remove(const char *state, const char *name, struct err *err) {
    char path[LIMIT_PATH_BYTES];
    if (!launch_path(state, name, path)) {
        return path_long(state, err);
    }
    int status = file_remove(files_system(), path, err);
    return status < 0 ? status : dir_sync(files_system(), state, err);
}

/* The words of one line; false when there are fewer. */
static bool take_words(const char *text, struct str *words, size_t count) {
    struct str rest = str_trim(str_of(text));
    for (size_t i = 0; i < count; i++) {
        words[i] = i + 1 < count ? str_cut(&rest, ' ') : rest;
    }
    return words[count - 1].size > 0;
}

int trial_read(const char *state, struct trial *ret_trial, struct err *err) {
    char text[LAUNCH_TEXT_MAX];
    int status = launch_read(state, "trial", text, err);
    if (status <= 0) {
        return status;
    }
    struct str words[4];
    uint64_t attempts = 0;
    uint64_t returning = 0;
    struct trial trial = {.from = 0};
    bool good = take_words(text, words, 4) && str_to_u64(words[0], &trial.from) &&
                str_to_u64(words[1], &trial.to) && str_to_u64(words[2], &attempts) &&
                str_to_u64(words[3], &returning) && attempts < 1000;
    if (!good) {
        return err_set(err, ERR_CORRUPT, MSG_LAUNCH_FILE, ARGS(A_CSTR("trial")));
    }
    trial.attempts = (uint32_t)attempts;
    trial.returning = returning != 0;
    *ret_trial = trial;
    return 1;
}

int trial_write(const char *state, const struct trial *trial, struct err *err) {
    AUTO_BUF struct buf text;
    buf_init(&text, 256);
    buf_printf(&text, "%llu %llu %u %d\n", (unsigned long long)trial->from,
        (unsigned long long)trial->to, trial->attempts, trial->returning);
    return launch_write(state, "trial", buf_str(&text), err);
}

int outcome_read(const char *state, struct outcome *ret_outcome, struct err *err) {
    char text[LAUNCH_TEXT_MAX];
    int status = launch_read(state, "outcome", text, err);
    if (status <= 0) {
        return status;
    }
    struct str words[5];
    struct outcome outcome = {.kind = OUTCOME_NONE};
    bool good = take_words(text, words, 5) && str_to_u64(words[1], &outcome.from) &&
                str_to_u64(words[2], &outcome.to) && str_to_i64(words[3], &outcome.time_ns);
    outcome.kind = str_eq(words[0], STR("returned")) ? OUTCOME_RETURNED
                   : str_eq(words[0], STR("stayed")) ? OUTCOME_STAYED
                                                     : OUTCOME_NONE;
    if (!good || outcome.kind == OUTCOME_NONE) {
        return err_set(err, ERR_CORRUPT, MSG_LAUNCH_FILE, ARGS(A_CSTR("outcome")));
    }
    (void)str_copy_z(words[4], outcome.failed, sizeof outcome.failed);
    *ret_outcome = outcome;
    return 1;
}

int outcome_write(const char *state, const struct outcome *outcome, struct err *err) {
    AUTO_BUF struct buf text;
    buf_init(&text, LAUNCH_TEXT_MAX - 1);
    buf_printf(&text, "%s %llu %llu %lld %s\n",
        outcome->kind == OUTCOME_RETURNED ? "returned" : "stayed",
        (unsigned long long)outcome->from, (unsigned long long)outcome->to,
        (long long)outcome->time_ns, outcome->failed[0] != '\0' ? outcome->failed : "-");
    return launch_write(state, "outcome", buf_str(&text), err);
}

uint64_t current_read(const char *state) {
    char path[LIMIT_PATH_BYTES];
    char target[64] = {0};
    uint64_t version = 0;
    if (!launch_path(state, "current", path) || readlink(path, target, sizeof target - 1) <= 0 ||
        strncmp(target, "versions/", 9) != 0 || !str_to_u64(str_of(target + 9), &version)) {
        return 0;
    }
    return version;
}

int current_set(const char *state, uint64_t version, struct err *err) {
    char path[LIMIT_PATH_BYTES];
    char side[LIMIT_PATH_BYTES];
    char target[64];
    if (!launch_path(state, "current", path) || !launch_path(state, "current.new", side)) {
        return path_long(state, err);
    }
    (void)snprintf(target, sizeof target, "versions/%llu", (unsigned long long)version);
    (void)unlink(side); // Of a launcher that was killed here.
    if (symlink(target, side) != 0) {
        return err_set_errno(err, errno, str_of(side));
    }
    int status = file_rename(files_system(), side, path, err);
    return status < 0 ? status : dir_sync(files_system(), state, err);
}

static int newest_one(void *context, const char *name, struct err *err) {
    (void)err;
    uint64_t *newest = context;
    uint64_t version = 0;
    if (str_to_u64(str_of(name), &version) && version > *newest) {
        *newest = version;
    }
    return 0;
}

uint64_t version_newest(const char *state) {
    char path[LIMIT_PATH_BYTES];
    uint64_t newest = 0;
    if (launch_path(state, "versions", path) && file_exists(path)) {
        (void)dir_each(path, newest_one, &newest, NULL); // What cannot be listed is not there.
    }
    return newest;
}

int64_t launcher_running(const char *state) {
    char path[LIMIT_PATH_BYTES];
    char text[64] = {0};
    int64_t process = 0;
    if (!launch_path(state, "lock", path)) {
        return 0;
    }
    AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || flock(fd, LOCK_SH | LOCK_NB) == 0) {
        return 0; // The lock goes with us.
    }
    ssize_t size = pread(fd, text, sizeof text - 1, 0);
    return size > 0 && str_to_i64(str_trim(str_of(text)), &process) && process > 1 ? process : 0;
}
