/*
 * Work folders lie inside the home, so that copies of ledgers never leave the place whose rights
 * protect them, and are removed with all in them. A kill leaves one behind; the next start of the
 * server removes it (work_clean), since by the home's lock nobody can be using it then.
 */
#include "upkeep/work.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include "core/log.h"

enum { ROOM_SPARE_BYTES = 64 << 20 }; // Left free for the plant itself.

int work_begin(const char *home_dir, char *ret_dir, struct err *err) {
    int size = snprintf(ret_dir, LIMIT_PATH_BYTES, "%s/backups", home_dir);
    if (size < 0 || size >= LIMIT_PATH_BYTES - 32) {
        return err_set(err, ERR_LIMIT, MSG_PLANT_PATH_LONG, ARGS(A_CSTR(home_dir)));
    }
    int status = dir_create(files_system(), ret_dir, err);
    if (status < 0) {
        return status;
    }
    (void)snprintf(ret_dir + size, (size_t)(LIMIT_PATH_BYTES - size), "/.work-XXXXXX");
    return mkdtemp(ret_dir) != NULL ? 0 : err_set_errno(err, errno, str_of(ret_dir));
}

void work_end(const char *dir) {
    struct err err = ERR_INIT;
    if (dir_remove_all(dir, &err) < 0) {
        log_event(LOG_WARN, "upkeep", "work_folder_left", LOG_FIELDS({"dir", A_CSTR(dir)}), &err);
    }
}

static int clean_one(void *context, const char *name, struct err *err) {
    const char *dir = context;
    (void)err;
    if (strncmp(name, ".work-", 6) == 0) {
        char path[LIMIT_PATH_BYTES];
        int size = snprintf(path, sizeof path, "%s/%s", dir, name);
        if (size > 0 && size < LIMIT_PATH_BYTES) {
            work_end(path);
        }
    }
    return 0;
}

void work_clean(const char *home_dir) {
    char dir[LIMIT_PATH_BYTES];
    int size = snprintf(dir, sizeof dir, "%s/backups", home_dir);
    if (size > 0 && size < LIMIT_PATH_BYTES && file_exists(dir)) {
        (void)dir_each(dir, clean_one, dir, NULL); // What cannot be listed stays.
    }
}

int work_room_check(int fd, const char *home_dir, uint64_t bytes, struct err *err) {
    struct statvfs disk;
    struct stat file;
    struct stat home;
    if (fstatvfs(fd, &disk) != 0 || fstat(fd, &file) != 0) {
        return 0; // Unknown: the write itself will tell.
    }
    uint64_t room = (uint64_t)disk.f_bavail * disk.f_frsize;
    uint64_t spare = ROOM_SPARE_BYTES;
    bool same = stat(home_dir, &home) == 0 && home.st_dev == file.st_dev;
    if (same && (uint64_t)disk.f_blocks * disk.f_frsize / 20 > spare) {
        spare = (uint64_t)disk.f_blocks * disk.f_frsize / 20;
    }
    if (room >= bytes + spare) {
        return 0;
    }
    return err_set(err, ERR_SPACE, MSG_BACKUP_NO_ROOM,
        ARGS(A_INT(((bytes + spare) >> 20) + 1), A_INT(room >> 20)));
}
