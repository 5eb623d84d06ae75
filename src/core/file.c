/*
 * Files: the one door between our stores and the disk.
 *
 * Every changing operation asks the gate first, so a test can make any of them fail, or tear a
 * write in the middle, without a special disk. Interrupted calls are repeated, short writes are
 * continued until all is written or the system says why not.
 *
 * Durability: file_sync is fdatasync(2), which also writes the size when it grew; what a folder
 * holds becomes durable by dir_sync only. A failed sync is never repeated here: Linux may have
 * dropped the dirty pages, so the caller must treat the file as unknown (it rewrites or stops).
 * file_allocate keeps the visible size (FALLOC_FL_KEEP_SIZE): readers never see reserved zeros.
 */
#include "core/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "core/check.h"
#include "core/limits.h"
#include "core/mem.h"

enum {
    IO_STEP_MAX_BYTES = 1 << 30,     // Linux moves at most 2 GB - 4 KB at once (write(2)).
    DIR_ENTRIES_MAX_BYTES = 1 << 28, // Names of one folder; refused beyond.
    TREE_OPEN_MAX = 16,              // Descriptors dir_remove_all may hold.
};

struct files *files_system(void) {
    static struct files plain = {.gate = NULL}; // Never written to.
    return &plain;
}

/* The errno an operation shall fail with, or 0. */
static int gate_ask(struct files *files, enum file_op op, const char *path, size_t *size) {
    return files->gate ? files->gate(files, op, path, size) : 0;
}

static int gate_pass(struct files *files, enum file_op op, const char *path, struct err *err) {
    size_t none = 0;
    int refused = gate_ask(files, op, path, &none);
    return refused ? err_set_errno(err, refused, str_of(path)) : 0;
}

int file_open(
    struct files *files, const char *path, enum file_mode mode, int *ret_fd, struct err *err) {
    int flags = O_CLOEXEC;
    switch (mode) {
    case FILE_READ: flags |= O_RDONLY; break;
    case FILE_WRITE: flags |= O_RDWR | O_CREAT; break;
    case FILE_CREATE_NEW: flags |= O_RDWR | O_CREAT | O_EXCL; break;
    }
    int result = gate_pass(files, FILE_OP_OPEN, path, err);
    if (result < 0) {
        return result;
    }
    int fd = -1;
    do {
        fd = open(path, flags, 0600);
    } while (fd < 0 && errno == EINTR);
    if (fd < 0 && errno == EEXIST) {
        return err_set(err, ERR_EXISTS, MSG_FILE_PRESENT, ARGS(A_CSTR(path)));
    }
    if (fd < 0) {
        return err_set_errno(err, errno, str_of(path));
    }
    *ret_fd = fd;
    return 0;
}

void file_close(int fd) {
    if (fd >= 0) {
        // The result says nothing that a sync did not say; EINTR leaves it closed on Linux.
        (void)close(fd);
    }
}

void file_auto_close(int *fd) {
    file_close(*fd);
    *fd = -1;
}

/* Writes all, or returns the errno that stopped it. The vector is used up. */
static int write_whole(int fd, uint64_t offset, struct iovec *vector, int count) {
    while (count > 0) {
        if (vector->iov_len == 0) {
            vector++;
            count--;
            continue;
        }
        int step = count < IOV_MAX ? count : IOV_MAX;
        ssize_t done = pwritev(fd, vector, step, (off_t)offset);
        if (done < 0 && errno == EINTR) {
            continue;
        }
        if (done <= 0) {
            return done < 0 ? errno : EIO;
        }
        offset += (uint64_t)done;
        size_t left = (size_t)done;
        while (left > 0) {
            size_t part = left < vector->iov_len ? left : vector->iov_len;
            vector->iov_base = (uint8_t *)vector->iov_base + part;
            vector->iov_len -= part;
            left -= part;
            if (vector->iov_len == 0) {
                vector++;
                count--;
            }
        }
    }
    return 0;
}

/* Shortens the vector to `size` bytes: what a torn write still writes. */
static void vector_cut(struct iovec *vector, int count, size_t size) {
    for (int i = 0; i < count; i++) {
        vector[i].iov_len = vector[i].iov_len < size ? vector[i].iov_len : size;
        size -= vector[i].iov_len;
    }
}

int file_writev_at(struct files *files, int fd, const char *path, uint64_t offset,
    struct iovec *vector, int count, struct err *err) {
    CHECK(count >= 0 && offset <= INT64_MAX);
    size_t size = 0;
    for (int i = 0; i < count; i++) {
        CHECK(!__builtin_add_overflow(size, vector[i].iov_len, &size));
    }
    size_t pass = size;
    int refused = gate_ask(files, FILE_OP_WRITE, path, &pass);
    if (refused) {
        vector_cut(vector, count, pass < size ? pass : size);
    }
    int failed = write_whole(fd, offset, vector, count);
    if (refused || failed) {
        return err_set_errno(err, refused ? refused : failed, str_of(path));
    }
    return 0;
}

int file_write_at(struct files *files, int fd, const char *path, uint64_t offset, const void *data,
    size_t size, struct err *err) {
    struct iovec one = {.iov_len = size};
    memcpy(&one.iov_base, &data, sizeof data); // pwritev only reads it; iovec has no const form.
    return file_writev_at(files, fd, path, offset, &one, 1, err);
}

int file_read_at(
    int fd, const char *path, uint64_t offset, void *data, size_t size, struct err *err) {
    CHECK(offset <= INT64_MAX && size <= INT64_MAX - offset);
    size_t done = 0;
    while (done < size) {
        size_t step = size - done < IO_STEP_MAX_BYTES ? size - done : IO_STEP_MAX_BYTES;
        ssize_t got = pread(fd, (uint8_t *)data + done, step, (off_t)(offset + done));
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0) {
            return err_set_errno(err, errno, str_of(path));
        }
        if (got == 0) {
            return err_set(
                err, ERR_CORRUPT, MSG_FILE_SHORT, ARGS(A_CSTR(path), A_INT(size), A_INT(offset)));
        }
        done += (size_t)got;
    }
    return 0;
}

int file_size(int fd, const char *path, uint64_t *ret_size, struct err *err) {
    struct stat status;
    if (fstat(fd, &status) != 0) {
        return err_set_errno(err, errno, str_of(path));
    }
    *ret_size = (uint64_t)status.st_size;
    return 0;
}

int file_sync(struct files *files, int fd, const char *path, struct err *err) {
    int result = gate_pass(files, FILE_OP_SYNC, path, err);
    if (result < 0) {
        return result;
    }
    return fdatasync(fd) == 0 ? 0 : err_set_errno(err, errno, str_of(path));
}

int file_truncate(struct files *files, int fd, const char *path, uint64_t size, struct err *err) {
    CHECK(size <= INT64_MAX);
    int result = gate_pass(files, FILE_OP_TRUNCATE, path, err);
    if (result < 0) {
        return result;
    }
    do {
        result = ftruncate(fd, (off_t)size);
    } while (result != 0 && errno == EINTR);
    return result == 0 ? 0 : err_set_errno(err, errno, str_of(path));
}

int file_allocate(struct files *files, int fd, const char *path, uint64_t size, struct err *err) {
    CHECK(size <= INT64_MAX);
    int result = gate_pass(files, FILE_OP_ALLOCATE, path, err);
    if (result < 0 || size == 0) {
        return result;
    }
    do {
        result = fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, (off_t)size);
    } while (result != 0 && errno == EINTR);
    if (result == 0) {
        return 0;
    }
    if (errno != EOPNOTSUPP && errno != ENOSYS) {
        return err_set_errno(err, errno, str_of(path));
    }
    // Some file systems cannot reserve; then the free space of now is the best there is to know.
    struct statvfs disk;
    bool full = fstatvfs(fd, &disk) == 0 && (uint64_t)disk.f_bavail * disk.f_frsize < size;
    return full ? err_set_errno(err, ENOSPC, str_of(path)) : 0;
}

int dir_sync(struct files *files, const char *path, struct err *err) {
    int result = gate_pass(files, FILE_OP_SYNC, path, err);
    if (result < 0) {
        return result;
    }
    AUTO_CLOSE int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 || fsync(fd) != 0) {
        return err_set_errno(err, errno, str_of(path));
    }
    return 0;
}

/* Makes the name of a new folder durable, in the folder above. */
static int parent_sync(struct files *files, const char *path, struct err *err) {
    size_t size = strlen(path);
    while (size > 1 && path[size - 1] == '/') {
        size--;
    }
    while (size > 0 && path[size - 1] != '/') {
        size--;
    }
    char parent[PATH_MAX];
    if (size >= sizeof parent) {
        return err_set_errno(err, ENAMETOOLONG, str_of(path));
    }
    memcpy(parent, path, size);
    while (size > 1 && parent[size - 1] == '/') {
        size--; // As it was named when it was made itself.
    }
    parent[size] = '\0';
    const char *above = size > 0 ? parent : ".";
    // A folder that may be passed through but not read cannot be synced by us.
    return access(above, R_OK) == 0 ? dir_sync(files, above, err) : 0;
}

int dir_create(struct files *files, const char *path, struct err *err) {
    int result = gate_pass(files, FILE_OP_OPEN, path, err);
    if (result < 0 || mkdir(path, 0700) == 0) {
        return result < 0 ? result : parent_sync(files, path, err);
    }
    int failed = errno;
    struct stat status;
    if (failed == EEXIST && stat(path, &status) == 0 && S_ISDIR(status.st_mode)) {
        return parent_sync(files, path, err); // Who made it may have been killed before its sync.
    }
    if (failed == EEXIST) {
        return err_set(err, ERR_EXISTS, MSG_FILE_PRESENT, ARGS(A_CSTR(path)));
    }
    return err_set_errno(err, failed, str_of(path));
}

int file_rename(struct files *files, const char *from, const char *to, struct err *err) {
    int result = gate_pass(files, FILE_OP_RENAME, from, err);
    if (result < 0) {
        return result;
    }
    return rename(from, to) == 0 ? 0 : err_set_errno(err, errno, str_of(from));
}

int file_remove(struct files *files, const char *path, struct err *err) {
    int result = gate_pass(files, FILE_OP_REMOVE, path, err);
    if (result < 0) {
        return result;
    }
    bool gone = unlink(path) == 0 || errno == ENOENT;
    return gone ? 0 : err_set_errno(err, errno, str_of(path));
}

bool file_exists(const char *path) {
    struct stat status;
    return stat(path, &status) == 0;
}

struct dir_names {
    struct arena arena;
    const char **names;
    size_t count;
    size_t capacity;
};

static void dir_names_fini(struct dir_names *names) {
    mem_free(names->names);
    arena_fini(&names->arena);
}

static int dir_names_add(struct dir_names *names, const char *name) {
    struct str text = str_of(name);
    char *copy = arena_try(&names->arena, text.size + 1);
    if (!copy) {
        return -ERR_LIMIT;
    }
    memcpy(copy, text.data, text.size + 1);
    if (names->count == names->capacity) {
        names->capacity = names->capacity > 0 ? names->capacity * 2 : 64;
        names->names = mem_resize(names->names, names->capacity * sizeof *names->names);
    }
    names->names[names->count++] = copy;
    return 0;
}

static int dir_names_read(struct dir_names *names, const char *path, struct err *err) {
    DIR *dir = opendir(path);
    if (!dir) {
        return err_set_errno(err, errno, str_of(path));
    }
    int result = 0;
    while (result == 0) {
        errno = 0;
        const struct dirent *entry = readdir(dir);
        if (!entry) {
            result = errno ? err_set_errno(err, errno, str_of(path)) : 0;
            break;
        }
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0 &&
            dir_names_add(names, entry->d_name) < 0) {
            result = err_set(err, ERR_LIMIT, MSG_DIR_ENTRIES, ARGS(A_CSTR(path)));
        }
    }
    (void)closedir(dir); // Only read from.
    return result;
}

static int name_order(const void *a, const void *b) {
    const char *const *left = a;
    const char *const *right = b;
    return strcmp(*left, *right);
}

int dir_each(const char *path, int (*each)(void *context, const char *name, struct err *err),
    void *context, struct err *err) {
    // The names are collected first, so that `each` may remove or rename entries.
    __attribute__((cleanup(dir_names_fini))) struct dir_names names = {0};
    arena_init(&names.arena, DIR_ENTRIES_MAX_BYTES);
    int result = dir_names_read(&names, path, err);
    if (result == 0 && names.count > 1) {
        qsort(names.names, names.count, sizeof *names.names, name_order);
    }
    for (size_t i = 0; result >= 0 && i < names.count; i++) {
        result = each(context, names.names[i], err);
    }
    return result < 0 ? result : 0;
}

static int remove_one(const char *path, const struct stat *status, int kind, struct FTW *place) {
    (void)status;
    (void)place;
    int result = kind == FTW_DP || kind == FTW_DNR ? rmdir(path) : unlink(path);
    return result == 0 || errno == ENOENT ? 0 : errno;
}

int dir_remove_all(const char *path, struct err *err) {
    // Depth first, links are removed and not followed.
    int result = nftw(path, remove_one, TREE_OPEN_MAX, FTW_DEPTH | FTW_PHYS);
    if (result < 0) {
        result = errno;
    }
    return result == 0 || result == ENOENT ? 0 : err_set_errno(err, result, str_of(path));
}

uint64_t disk_free_bytes(const char *path) {
    struct statvfs disk;
    return statvfs(path, &disk) == 0 ? (uint64_t)disk.f_bavail * disk.f_frsize : 0;
}

int file_map(int fd, const char *path, struct file_map *ret_map, struct err *err) {
    uint64_t size = 0;
    int result = file_size(fd, path, &size, err);
    if (result < 0) {
        return result;
    }
    if (size == 0) {
        *ret_map = (struct file_map){0};
        return 0;
    }
    void *data = mmap(NULL, size, PROT_READ, MAP_SHARED, fd, 0);
    if (data == MAP_FAILED) {
        return err_set_errno(err, errno, str_of(path));
    }
    *ret_map = (struct file_map){.data = data, .size = size};
    return 0;
}

void file_unmap(struct file_map *map) {
    if (map->data) {
        void *data = NULL;
        memcpy(&data, &map->data, sizeof data); // munmap takes no const pointer.
        CHECK(munmap(data, map->size) == 0);
    }
    *map = (struct file_map){0};
}
