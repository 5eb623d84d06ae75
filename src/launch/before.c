/*
 * The home as it was before a new version touched it, and its way back.
 *
 * Segments are immutable and may be large: they are linked, which takes no room and no time. All
 * else (ledgers with their logs, the history's own log, manifests, keys) is copied and synced. The
 * copy is made as before.new and renamed, so before/ is whole whenever it is there.
 *
 * The way back is two renames, home to failed/ and before to home. A kill between them leaves no
 * home, and that is how the next start sees where it was. What the failed version stored is not
 * thrown away: it stands in failed/ until a person removes it. Backups are no part of a state, so
 * the folder moves along with whatever home is in place.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/file.h"
#include "core/mem.h"
#include "launch/launch.h"

enum { COPY_BYTES = 1 << 20, DEPTH_MAX = 8 }; // A home is five deep.

struct copying {
    const char *from;
    const char *to;
    int depth;
};

static int copy_bytes(const char *from, const char *to, struct err *err) {
    AUTO_CLOSE int in = -1;
    AUTO_CLOSE int out = -1;
    uint64_t size = 0;
    struct files *files = files_system();
    int status = file_open(files, from, FILE_READ, &in, err);
    status = status < 0 ? status : file_size(in, from, &size, err);
    status = status < 0 ? status : file_open(files, to, FILE_CREATE_NEW, &out, err);
    AUTO_FREE uint8_t *bytes = mem_alloc(COPY_BYTES);
    for (uint64_t offset = 0; offset < size && status >= 0;) {
        size_t step = size - offset < COPY_BYTES ? (size_t)(size - offset) : (size_t)COPY_BYTES;
        status = file_read_at(in, from, offset, bytes, step, err);
        status = status < 0 ? status : file_write_at(files, out, to, offset, bytes, step, err);
        offset += step;
    }
    return status < 0 ? status : file_sync(files, out, to, err);
}

static bool is_segment(const char *name) {
    return strncmp(name, "seg-", 4) == 0 && str_ends(str_of(name), STR(".seg"));
}

static int copy_tree(const char *from, const char *to, int depth, struct err *err);

static int copy_one(void *context, const char *name, struct err *err) {
    const struct copying *copying = context;
    char from[LIMIT_PATH_BYTES];
    char to[LIMIT_PATH_BYTES];
    struct stat info;
    if (!launch_path(copying->from, name, from) || !launch_path(copying->to, name, to)) {
        return err_set(err, ERR_LIMIT, MSG_PLANT_PATH_LONG, ARGS(A_CSTR(copying->from)));
    }
    if (copying->depth == 0 && strcmp(name, "backups") == 0) {
        return 0;
    }
    if (lstat(from, &info) != 0) {
        return err_set_errno(err, errno, str_of(from));
    }
    if (S_ISDIR(info.st_mode)) {
        return copy_tree(from, to, copying->depth + 1, err);
    }
    if (!S_ISREG(info.st_mode)) {
        return 0; // The socket.
    }
    if (is_segment(name) && link(from, to) == 0) {
        return 0; // Else it is copied: not every file system has links.
    }
    return copy_bytes(from, to, err);
}

static int copy_tree(const char *from, const char *to, int depth, struct err *err) {
    if (depth > DEPTH_MAX) {
        return err_set(err, ERR_LIMIT, MSG_PLANT_PATH_LONG, ARGS(A_CSTR(from)));
    }
    struct copying copying = {.from = from, .to = to, .depth = depth};
    int status = dir_create(files_system(), to, err);
    status = status < 0 ? status : dir_each(from, copy_one, &copying, err);
    return status < 0 ? status : dir_sync(files_system(), to, err);
}

struct places {
    char home[LIMIT_PATH_BYTES];
    char before[LIMIT_PATH_BYTES];
    char fresh[LIMIT_PATH_BYTES];
};

static int name_places(const char *state, struct places *places, struct err *err) {
    bool good = launch_path(state, "home", places->home) &&
                launch_path(state, "before", places->before) &&
                launch_path(state, "before.new", places->fresh);
    return good ? 0 : err_set(err, ERR_LIMIT, MSG_PLANT_PATH_LONG, ARGS(A_CSTR(state)));
}

static int remove_tree(const char *path, struct err *err) {
    return file_exists(path) ? dir_remove_all(path, err) : 0;
}

int before_make(const char *state, struct err *err) {
    AUTO_FREE struct places *places = MEM_NEW(struct places);
    int status = name_places(state, places, err);
    status = status < 0 ? status : remove_tree(places->fresh, err);
    status = status < 0 ? status : remove_tree(places->before, err);
    status = status < 0 ? status : copy_tree(places->home, places->fresh, 0, err);
    status = status < 0 ? status : file_rename(files_system(), places->fresh, places->before, err);
    return status < 0 ? status : dir_sync(files_system(), state, err);
}

void before_remove(const char *state) {
    AUTO_FREE struct places *places = MEM_NEW(struct places);
    if (name_places(state, places, NULL) == 0) {
        (void)remove_tree(places->fresh, NULL); // Left: the next trial removes it.
        (void)remove_tree(places->before, NULL);
    }
}

/* Backups go along with the home that is in place. */
static void take_backups(const char *failed, const char *home) {
    char from[LIMIT_PATH_BYTES];
    char to[LIMIT_PATH_BYTES];
    if (launch_path(failed, "backups", from) && launch_path(home, "backups", to) &&
        file_exists(from) && !file_exists(to)) {
        (void)file_rename(files_system(), from, to, NULL); // Else they stay in failed/.
    }
}

int before_return(
    const char *state, uint64_t version, char ret_failed[LIMIT_PATH_BYTES], struct err *err) {
    AUTO_FREE struct places *places = MEM_NEW(struct places);
    char name[64];
    char dir[LIMIT_PATH_BYTES];
    (void)snprintf(name, sizeof name, "failed/%llu-%lld", (unsigned long long)version,
        (long long)(clock_wall_ns(clock_system()) / NS_PER_S));
    int status = name_places(state, places, err);
    if (status >= 0 &&
        (!launch_path(state, "failed", dir) || !launch_path(state, name, ret_failed))) {
        status = err_set(err, ERR_LIMIT, MSG_PLANT_PATH_LONG, ARGS(A_CSTR(state)));
    }
    if (status < 0 || !file_exists(places->before)) {
        return status; // Put back already.
    }
    status = dir_create(files_system(), dir, err);
    if (status >= 0 && file_exists(places->home)) {
        status = file_rename(files_system(), places->home, ret_failed, err);
        status = status < 0 ? status : dir_sync(files_system(), dir, err);
    }
    status = status < 0 ? status : file_rename(files_system(), places->before, places->home, err);
    if (status < 0) {
        return status;
    }
    take_backups(ret_failed, places->home);
    return dir_sync(files_system(), state, err);
}
