/*
 * The record of a disk: the system's calls, wrapped by the linker, and the states a power cut could
 * leave.
 *
 * A file is a number with operations; a name points to a number. Zeros at the end of a write are
 * kept as a size only, so that the megabyte of zeros that the log writes ahead costs nothing here.
 * An image is built from the first operation on each time: a small run has a few hundred, and
 * nothing carried over from one state to the next can be wrong.
 */
#include "support_disk.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "core/check.h"
#include "core/file.h"
#include "core/hash.h"
#include "core/mem.h"
#include "core/thread.h"

enum {
    NAME_BYTES = 40,
    PATH_BYTES = 256,
    FDS_MAX = 4096,
    FD_NONE = -1,
    FD_DIR = -2,
    FD_PARENT = -3,
    FD_FOLDER = -4, // Of the first folder inside, -5 of the second.
    FOLDERS_MAX = 4,
    SECTOR = 512,
    IMAGE_NAMES_MAX = 1024,
    SLOW_TURNS = 8,
};

struct disk_op {
    enum disk_step step;
    bool failed; // Of syncs only; what else fails leaves no operation.
    uint32_t file;
    char name[NAME_BYTES];
    char to[NAME_BYTES];
    uint64_t offset;
    uint64_t size;  // Of a write, with its zeros; the new one of a truncation.
    uint64_t solid; // Bytes that are kept: all behind are zeros.
    uint64_t bytes; // Where they are in the pool.
};

struct disk {
    char dir[PATH_BYTES];
    char parent[PATH_BYTES];
    struct mutex mutex;
    struct disk_op *ops;
    uint32_t count;
    uint32_t capacity;
    uint32_t base;
    uint32_t file_count;
    uint8_t *pool;
    uint64_t pool_size;
    uint64_t pool_capacity;
    int32_t fds[FDS_MAX];
    struct disk_fault fault;
    bool armed;
    bool struck;
    _Atomic bool slow;
    char folders[FOLDERS_MAX][NAME_BYTES]; // Inside; none: the folder itself is what is recorded.
    uint32_t folder_count;
    /* Names at present. */
    struct disk_name {
        char name[NAME_BYTES];
        uint32_t file;
    } names[IMAGE_NAMES_MAX];
    uint32_t name_count;
};

static _Atomic(struct disk *) watched;

/* ---- Names ---- */

static int32_t names_find(const struct disk_name *names, uint32_t count, const char *name) {
    for (uint32_t i = 0; i < count; i++) {
        if (strcmp(names[i].name, name) == 0) {
            return (int32_t)i;
        }
    }
    return -1;
}

static void names_set(struct disk_name *names, uint32_t *count, const char *name, uint32_t file) {
    int32_t at = names_find(names, *count, name);
    if (at < 0) {
        CHECK(*count < IMAGE_NAMES_MAX);
        at = (int32_t)(*count)++;
        (void)snprintf(names[at].name, NAME_BYTES, "%s", name);
    }
    names[at].file = file;
}

static void names_drop(struct disk_name *names, uint32_t *count, const char *name, uint32_t file) {
    int32_t at = names_find(names, *count, name);
    if (at >= 0 && names[at].file == file) {
        names[at] = names[--*count];
    }
}

static void names_apply(struct disk_name *names, uint32_t *count, const struct disk_op *op) {
    if (op->step == DISK_CREATE) {
        names_set(names, count, op->name, op->file);
    } else if (op->step == DISK_REMOVE) {
        names_drop(names, count, op->name, op->file);
    } else if (op->step == DISK_RENAME) {
        names_drop(names, count, op->name, op->file);
        names_set(names, count, op->to, op->file);
    }
}

/* ---- Recording ---- */

static struct disk_op *op_add(struct disk *disk, enum disk_step step, uint32_t file) {
    if (disk->count == disk->capacity) {
        disk->capacity = disk->capacity * 2 + 256;
        disk->ops = mem_resize(disk->ops, disk->capacity * sizeof *disk->ops);
    }
    struct disk_op *op = &disk->ops[disk->count++];
    *op = (struct disk_op){.step = step, .file = file};
    return op;
}

static void op_name(struct disk *disk, enum disk_step step, uint32_t file, const char *name) {
    struct disk_op *op = op_add(disk, step, file);
    (void)snprintf(op->name, sizeof op->name, "%s", name);
    names_apply(disk->names, &disk->name_count, op);
}

static void op_write(struct disk *disk, uint32_t file, uint64_t offset, const struct iovec *vector,
    int count, uint64_t limit) {
    uint64_t size = 0;
    uint64_t from = disk->pool_size;
    for (int i = 0; i < count && size < limit; i++) {
        uint64_t part = vector[i].iov_len < limit - size ? vector[i].iov_len : limit - size;
        if (disk->pool_size + part > disk->pool_capacity) {
            disk->pool_capacity = (disk->pool_size + part) * 2 + (1 << 20);
            disk->pool = mem_resize(disk->pool, disk->pool_capacity);
        }
        memcpy(disk->pool + disk->pool_size, vector[i].iov_base, part);
        disk->pool_size += part;
        size += part;
    }
    uint64_t solid = size;
    while (solid > 0 && disk->pool[from + solid - 1] == 0) {
        solid--;
    }
    disk->pool_size = from + solid;
    if (size > 0) {
        struct disk_op *op = op_add(disk, DISK_WRITE, file);
        op->offset = offset;
        op->size = size;
        op->solid = solid;
        op->bytes = from;
    }
}

/* The errno this operation shall fail with; 0: it may pass. */
static int fault_of(struct disk *disk, enum disk_step step) {
    struct disk_fault *fault = &disk->fault;
    if (!disk->armed ||
        (fault->step != step && fault->step != DISK_STEP_COUNT && !(disk->struck && fault->kill))) {
        return 0;
    }
    if (!disk->struck && fault->pass-- > 0) {
        return 0;
    }
    if (disk->struck && !fault->sticky && !fault->kill) {
        return 0;
    }
    disk->struck = true;
    return fault->errno_value;
}

static bool is_dead(const struct disk *disk) {
    return disk->armed && disk->struck && disk->fault.kill;
}

/* The name inside the folder, or NULL. */
static const char *name_inside(const struct disk *disk, const char *path) {
    size_t size = strlen(disk->dir);
    bool inside = strncmp(path, disk->dir, size) == 0 && path[size] == '/' &&
                  (disk->folder_count > 0 || strchr(path + size + 1, '/') == NULL);
    return inside ? path + size + 1 : NULL;
}

/* Which folder inside a name stands in, or is; -1: none. */
static int32_t folder_of(const struct disk *disk, const char *name, bool is) {
    const char *slash = strrchr(name, '/');
    size_t size = is ? strlen(name) : slash != NULL ? (size_t)(slash - name) : 0;
    for (uint32_t i = 0; i < disk->folder_count; i++) {
        if (strlen(disk->folders[i]) == size && strncmp(disk->folders[i], name, size) == 0) {
            return (int32_t)i;
        }
    }
    return -1;
}

static struct disk *disk_enter(void) {
    struct disk *disk = atomic_load(&watched);
    if (disk != NULL) {
        mutex_lock(&disk->mutex);
    }
    return disk;
}

static void disk_leave(struct disk *disk) {
    if (disk != NULL) {
        mutex_unlock(&disk->mutex);
    }
}

static int32_t fd_file(const struct disk *disk, int fd) {
    return disk != NULL && fd >= 0 && fd < FDS_MAX ? disk->fds[fd] : FD_NONE;
}

static int refuse(int errno_value) {
    errno = errno_value;
    return -1;
}

/* ---- The system's calls ---- */

int __real_open(const char *path, int flags, ...);
int __real_close(int fd);
ssize_t __real_pwritev(int fd, const struct iovec *vector, int count, off_t offset);
int __real_ftruncate(int fd, off_t size);
int __real_fdatasync(int fd);
int __real_fsync(int fd);
int __real_rename(const char *from, const char *to);
int __real_unlink(const char *path);
int __real_mkdir(const char *path, mode_t mode);
int __real_fallocate(int fd, int mode, off_t offset, off_t size);
int __wrap_open(const char *path, int flags, ...);
int __wrap_close(int fd);
ssize_t __wrap_pwritev(int fd, const struct iovec *vector, int count, off_t offset);
int __wrap_ftruncate(int fd, off_t size);
int __wrap_fdatasync(int fd);
int __wrap_fsync(int fd);
int __wrap_rename(const char *from, const char *to);
int __wrap_unlink(const char *path);
int __wrap_mkdir(const char *path, mode_t mode);
int __wrap_fallocate(int fd, int mode, off_t offset, off_t size);

static int open_recorded(
    struct disk *disk, const char *name, const char *path, int flags, mode_t mode) {
    bool creates = (flags & O_CREAT) != 0 && names_find(disk->names, disk->name_count, name) < 0;
    int failed = creates ? fault_of(disk, DISK_CREATE) : 0;
    if (failed != 0 || (creates && is_dead(disk))) {
        return refuse(failed);
    }
    int fd = __real_open(path, flags, mode);
    if (fd < 0 || fd >= FDS_MAX) {
        return fd;
    }
    if (creates) {
        op_name(disk, DISK_CREATE, disk->file_count++, name);
    }
    int32_t at = names_find(disk->names, disk->name_count, name);
    disk->fds[fd] = at >= 0 ? (int32_t)disk->names[at].file : FD_NONE;
    return fd;
}

int __wrap_open(const char *path, int flags, ...) {
    va_list list;
    va_start(list, flags);
    mode_t mode = (flags & O_CREAT) != 0 ? va_arg(list, mode_t) : 0;
    va_end(list);
    struct disk *disk = disk_enter();
    const char *name = disk != NULL ? name_inside(disk, path) : NULL;
    int fd = -1;
    int32_t folder = name != NULL ? folder_of(disk, name, true) : -1;
    if (folder >= 0) {
        fd = __real_open(path, flags, mode);
        if (fd >= 0 && fd < FDS_MAX) {
            disk->fds[fd] = FD_FOLDER - folder;
        }
    } else if (name != NULL) {
        fd = open_recorded(disk, name, path, flags, mode);
    } else {
        fd = __real_open(path, flags, mode);
        if (disk != NULL && fd >= 0 && fd < FDS_MAX) {
            disk->fds[fd] = strcmp(path, disk->dir) == 0      ? FD_DIR
                            : strcmp(path, disk->parent) == 0 ? FD_PARENT
                                                              : FD_NONE;
        }
    }
    disk_leave(disk);
    return fd;
}

int __wrap_close(int fd) {
    struct disk *disk = disk_enter();
    if (disk != NULL && fd >= 0 && fd < FDS_MAX) {
        disk->fds[fd] = FD_NONE;
    }
    int rc = __real_close(fd);
    disk_leave(disk);
    return rc;
}

ssize_t __wrap_pwritev(int fd, const struct iovec *vector, int count, off_t offset) {
    struct disk *disk = disk_enter();
    int32_t file = fd_file(disk, fd);
    ssize_t done = 0;
    int failed = file >= 0 ? fault_of(disk, DISK_WRITE) : 0;
    if (failed != 0) {
        uint64_t torn = disk->fault.torn;
        disk->fault.torn = disk->fault.kill ? 0 : torn; // A dead process tears one write.
        for (int i = 0; i < count && torn > 0; i++) {
            uint64_t part = vector[i].iov_len < torn ? vector[i].iov_len : torn;
            struct iovec one = {.iov_base = vector[i].iov_base, .iov_len = part};
            done = __real_pwritev(fd, &one, 1, offset);
            CHECK(done == (ssize_t)part);
            op_write(disk, (uint32_t)file, (uint64_t)offset, &one, 1, part);
            offset += done;
            torn -= part;
        }
        done = refuse(failed);
    } else {
        done = __real_pwritev(fd, vector, count, offset);
        if (file >= 0 && done > 0) {
            op_write(disk, (uint32_t)file, (uint64_t)offset, vector, count, (uint64_t)done);
        }
    }
    disk_leave(disk);
    return done;
}

int __wrap_ftruncate(int fd, off_t size) {
    struct disk *disk = disk_enter();
    int32_t file = fd_file(disk, fd);
    int failed = file >= 0 ? fault_of(disk, DISK_TRUNCATE) : 0;
    int rc = failed != 0 ? refuse(failed) : __real_ftruncate(fd, size);
    if (file >= 0 && rc == 0) {
        op_add(disk, DISK_TRUNCATE, (uint32_t)file)->size = (uint64_t)size;
    }
    disk_leave(disk);
    return rc;
}

/* The folders below which tests work are in memory: a real sync there would do nothing. */
static int sync_recorded(struct disk *disk, int fd, int32_t file) {
    bool is_folder = file <= FD_FOLDER;
    enum disk_step step = file == FD_DIR || is_folder ? DISK_DIR_SYNC
                          : file == FD_PARENT         ? DISK_PARENT_SYNC
                                                      : DISK_SYNC;
    int failed = fault_of(disk, step);
    if (!is_dead(disk)) {
        struct disk_op *op = op_add(disk, step, file >= 0 ? (uint32_t)file : 0);
        op->failed = failed != 0;
        op->file = is_folder ? (uint32_t)(FD_FOLDER - file) : op->file;
    }
    return failed != 0 ? refuse(failed) : __real_fsync(fd);
}

int __wrap_fdatasync(int fd) {
    struct disk *now = atomic_load(&watched);
    for (int i = 0; now != NULL && atomic_load(&now->slow) && i < SLOW_TURNS; i++) {
        (void)sched_yield(); // The others' turn, outside the lock.
    }
    struct disk *disk = disk_enter();
    int32_t file = fd_file(disk, fd);
    int rc = file != FD_NONE ? sync_recorded(disk, fd, file) : __real_fdatasync(fd);
    disk_leave(disk);
    return rc;
}

int __wrap_fsync(int fd) {
    struct disk *disk = disk_enter();
    int32_t file = fd_file(disk, fd);
    int rc = file != FD_NONE ? sync_recorded(disk, fd, file) : __real_fsync(fd);
    disk_leave(disk);
    return rc;
}

int __wrap_rename(const char *from, const char *to) {
    struct disk *disk = disk_enter();
    const char *name = disk != NULL ? name_inside(disk, from) : NULL;
    int failed = name != NULL ? fault_of(disk, DISK_RENAME) : 0;
    int rc = failed != 0 ? refuse(failed) : __real_rename(from, to);
    if (name != NULL && rc == 0) {
        int32_t at = names_find(disk->names, disk->name_count, name);
        const char *other = name_inside(disk, to);
        CHECK(at >= 0 && other != NULL);
        struct disk_op *op = op_add(disk, DISK_RENAME, disk->names[at].file);
        (void)snprintf(op->name, sizeof op->name, "%s", name);
        (void)snprintf(op->to, sizeof op->to, "%s", other);
        names_apply(disk->names, &disk->name_count, op);
    }
    disk_leave(disk);
    return rc;
}

int __wrap_unlink(const char *path) {
    struct disk *disk = disk_enter();
    const char *name = disk != NULL ? name_inside(disk, path) : NULL;
    int32_t at = name != NULL ? names_find(disk->names, disk->name_count, name) : -1;
    int failed = at >= 0 ? fault_of(disk, DISK_REMOVE) : 0;
    int rc = failed != 0 ? refuse(failed) : __real_unlink(path);
    if (at >= 0 && rc == 0) {
        op_name(disk, DISK_REMOVE, disk->names[at].file, name);
    }
    disk_leave(disk);
    return rc;
}

int __wrap_mkdir(const char *path, mode_t mode) {
    struct disk *disk = disk_enter();
    bool ours = disk != NULL && strcmp(path, disk->dir) == 0;
    int failed = ours ? fault_of(disk, DISK_FOLDER) : 0;
    int rc = failed != 0 ? refuse(failed) : __real_mkdir(path, mode);
    if (ours && rc == 0) {
        (void)op_add(disk, DISK_FOLDER, 0);
    }
    disk_leave(disk);
    return rc;
}

int __wrap_fallocate(int fd, int mode, off_t offset, off_t size) {
    struct disk *disk = disk_enter();
    int failed = fd_file(disk, fd) >= 0 ? fault_of(disk, DISK_ALLOCATE) : 0;
    int rc = failed != 0 ? refuse(failed) : __real_fallocate(fd, mode, offset, size);
    disk_leave(disk);
    return rc;
}

/* ---- A record's life ---- */

static int base_file(void *context, const char *name, struct err *err) {
    struct disk *disk = context;
    char path[PATH_BYTES * 2];
    (void)snprintf(path, sizeof path, "%s/%s", disk->dir, name);
    int fd = -1;
    uint64_t size = 0;
    int rc = file_open(files_system(), path, FILE_READ, &fd, err);
    rc = rc < 0 ? rc : file_size(fd, path, &size, err);
    uint8_t *bytes = mem_alloc(size + 1);
    rc = rc < 0 ? rc : file_read_at(fd, path, 0, bytes, size, err);
    CHECK(rc == 0);
    uint32_t file = disk->file_count++;
    op_name(disk, DISK_CREATE, file, name);
    struct iovec one = {.iov_base = bytes, .iov_len = size};
    op_write(disk, file, 0, &one, 1, size);
    (void)op_add(disk, DISK_SYNC, file);
    file_close(fd);
    mem_free(bytes);
    return 0;
}

static struct disk *disk_new(const char *dir) {
    struct disk *disk = MEM_NEW(struct disk);
    (void)snprintf(disk->dir, sizeof disk->dir, "%s", dir);
    (void)snprintf(disk->parent, sizeof disk->parent, "%s", dir);
    char *slash = strrchr(disk->parent, '/');
    CHECK(slash != NULL && slash != disk->parent);
    *slash = '\0';
    mutex_init(&disk->mutex);
    for (size_t i = 0; i < FDS_MAX; i++) {
        disk->fds[i] = FD_NONE;
    }
    return disk;
}

static void disk_begin(struct disk *disk) {
    struct disk *none = NULL;
    CHECK(atomic_compare_exchange_strong(&watched, &none, disk));
}

struct disk *disk_watch(const char *dir) {
    struct disk *disk = disk_new(dir);
    if (file_exists(dir)) {
        CHECK(dir_each(dir, base_file, disk, NULL) == 0);
        (void)op_add(disk, DISK_DIR_SYNC, 0);
        disk->base = disk->count;
    }
    disk_begin(disk);
    return disk;
}

struct disk *disk_watch_folders(const char *dir, const char *const *folders, uint32_t count) {
    CHECK(count <= FOLDERS_MAX);
    struct disk *disk = disk_new(dir);
    for (uint32_t i = 0; i < count; i++) {
        (void)snprintf(disk->folders[i], NAME_BYTES, "%s", folders[i]);
    }
    disk->folder_count = count;
    disk_begin(disk);
    return disk;
}

void disk_unwatch(struct disk *disk) {
    CHECK(atomic_exchange(&watched, NULL) == disk);
}

void disk_free(struct disk *disk) {
    if (disk == NULL) {
        return;
    }
    mutex_fini(&disk->mutex);
    mem_free(disk->ops);
    mem_free(disk->pool);
    mem_free(disk);
}

uint32_t disk_count(struct disk *disk) {
    mutex_lock(&disk->mutex);
    uint32_t count = disk->count;
    mutex_unlock(&disk->mutex);
    return count;
}

uint32_t disk_base(const struct disk *disk) {
    return disk->base;
}

const char *disk_step_name(const struct disk *disk, uint32_t index) {
    static const char *const names[DISK_STEP_COUNT] = {"create", "write", "truncate", "sync",
        "rename", "remove", "sync of the folder", "folder", "sync of the folder above", "allocate"};
    return index < disk->count ? names[disk->ops[index].step] : "end";
}

void disk_tell(const struct disk *disk, uint32_t from, uint32_t to) {
    for (uint32_t i = from; i < to && i < disk->count; i++) {
        const struct disk_op *op = &disk->ops[i];
        (void)fprintf(stderr, "%6u file %u: %s%s %s %s at %llu size %llu (%llu)\n", i + 1, op->file,
            disk_step_name(disk, i), op->failed ? " FAILED" : "", op->name, op->to,
            (unsigned long long)op->offset, (unsigned long long)op->size,
            (unsigned long long)op->solid);
    }
}

uint32_t disk_trusts_failed_sync(const struct disk *disk) {
    AUTO_FREE uint8_t *doubtful = mem_zero(disk->file_count + 1, 1);
    uint32_t count = 0;
    for (uint32_t i = 0; i < disk->count; i++) {
        const struct disk_op *op = &disk->ops[i];
        if (op->step == DISK_SYNC && op->failed) {
            doubtful[op->file] = 1;
        } else if (op->step == DISK_TRUNCATE && op->size == 0) {
            doubtful[op->file] = 0;
        } else if (op->step == DISK_SYNC || op->step == DISK_WRITE) {
            count += doubtful[op->file];
        }
    }
    return count;
}

uint64_t disk_last_write(const struct disk *disk, uint32_t position) {
    CHECK(position <= disk->count);
    const struct disk_op *op = position > 0 ? &disk->ops[position - 1] : NULL;
    return op != NULL && op->step == DISK_WRITE ? op->solid : 0;
}

void disk_fail(struct disk *disk, const struct disk_fault *fault) {
    mutex_lock(&disk->mutex);
    disk->fault = *fault;
    disk->armed = true;
    disk->struck = false;
    mutex_unlock(&disk->mutex);
}

bool disk_failed(struct disk *disk) {
    mutex_lock(&disk->mutex);
    bool struck = disk->struck;
    mutex_unlock(&disk->mutex);
    return struck;
}

void disk_heal(struct disk *disk) {
    mutex_lock(&disk->mutex);
    disk->armed = false;
    mutex_unlock(&disk->mutex);
}

void disk_slow(struct disk *disk) {
    atomic_store(&disk->slow, true);
}

/* ---- Images ---- */

struct content {
    uint8_t *bytes;
    uint64_t solid; // Kept bytes; zeros up to the size.
    uint64_t size;
    uint64_t capacity;
};

struct disk_image {
    bool folder; // Whether it is there at all.
    char folders[FOLDERS_MAX][NAME_BYTES];
    uint32_t folder_count;
    struct content *files;
    uint32_t file_count;
    struct disk_name names[IMAGE_NAMES_MAX];
    uint32_t name_count;
};

static void content_reach(struct content *to, uint64_t end) {
    if (end > to->capacity) {
        to->capacity = end * 2 + 4096;
        to->bytes = mem_resize(to->bytes, to->capacity);
    }
    if (end > to->solid) {
        memset(to->bytes + to->solid, 0, end - to->solid);
        to->solid = end;
    }
}

/* Bytes [from, to) of a write. */
static void content_write(struct content *content, const struct disk *disk,
    const struct disk_op *op, uint64_t from, uint64_t to) {
    if (from >= to) {
        return;
    }
    uint64_t solid = to < op->solid ? to : op->solid;
    if (solid > from) {
        content_reach(content, op->offset + solid);
        memcpy(content->bytes + op->offset + from, disk->pool + op->bytes + from, solid - from);
    }
    uint64_t zero_from = op->offset + (from > solid ? from : solid);
    uint64_t zero_to = op->offset + to < content->solid ? op->offset + to : content->solid;
    if (zero_to > zero_from) {
        memset(content->bytes + zero_from, 0, zero_to - zero_from);
    }
    content->size = op->offset + to > content->size ? op->offset + to : content->size;
}

static void content_truncate(struct content *content, uint64_t size) {
    content->solid = size < content->solid ? size : content->solid;
    content->size = size;
}

/* Each sector of the disk by itself. */
static void content_write_sectors(struct content *content, const struct disk *disk,
    const struct disk_op *op, struct random *random) {
    uint64_t at = 0;
    while (at < op->solid) {
        uint64_t end = ((op->offset + at) / SECTOR + 1) * SECTOR - op->offset;
        end = end < op->size ? end : op->size;
        if (random_below(random, 2) == 0) {
            content_write(content, disk, op, at, end);
        }
        at = end;
    }
    if (at < op->size && random_below(random, 2) == 0) {
        content_write(content, disk, op, at, at + random_below(random, op->size - at) + 1);
    }
}

static uint32_t op_folder(const struct disk *disk, const struct disk_op *op) {
    int32_t folder = folder_of(disk, op->step == DISK_RENAME ? op->to : op->name, false);
    return folder > 0 ? (uint32_t)folder : 0;
}

/* Which operations must be there: content whose first later sync succeeded, names of which any did
 * (a file system whose journal failed takes nothing more). */
static bool *ops_must(const struct disk *disk, uint32_t position) {
    bool *must = mem_zero(position + 1, sizeof *must);
    uint8_t *synced = mem_zero(disk->file_count + 1, 1); // 0: none, 1: well, 2: badly.
    uint8_t names[FOLDERS_MAX] = {0};                    // Without folders inside: the first.
    uint8_t parent = 0;
    for (uint32_t i = position; i-- > 0;) {
        const struct disk_op *op = &disk->ops[i];
        uint8_t how = op->failed ? 2 : 1;
        switch (op->step) {
        case DISK_SYNC: synced[op->file] = how; break;
        case DISK_DIR_SYNC: names[op->file] = names[op->file] == 1 ? 1 : how; break;
        case DISK_PARENT_SYNC: parent = parent == 1 ? 1 : how; break;
        case DISK_WRITE:
        case DISK_TRUNCATE: must[i] = synced[op->file] == 1; break;
        case DISK_CREATE:
        case DISK_RENAME:
        case DISK_REMOVE: must[i] = names[op_folder(disk, op)] == 1; break;
        case DISK_FOLDER: must[i] = parent == 1; break;
        case DISK_ALLOCATE:
        case DISK_STEP_COUNT: break;
        }
    }
    mem_free(synced);
    return must;
}

static void image_write(struct disk_image *image, const struct disk *disk, const struct disk_op *op,
    const struct disk_cut *cut, struct random *random) {
    struct content *to = &image->files[op->file];
    bool last = op == &disk->ops[cut->position - 1];
    uint64_t size = op->size;
    switch (cut->way) {
    case DISK_NOTHING: size = 0; break;
    case DISK_ALL: break;
    case DISK_TORN: size = last ? cut->cut : size; break;
    case DISK_LONE: size = last ? cut->cut : 0; break;
    case DISK_RANDOM:
        switch (random_below(random, 4)) {
        case 0: size = 0; break;
        case 1: size = random_below(random, op->solid + 1); break;
        case 2: content_write_sectors(to, disk, op, random); return;
        default: break;
        }
        break;
    }
    content_write(to, disk, op, 0, size < op->size ? size : op->size);
}

static void image_apply(struct disk_image *image, const struct disk *disk, uint32_t index,
    bool must, const struct disk_cut *cut, struct random *random) {
    const struct disk_op *op = &disk->ops[index];
    if (op->step == DISK_WRITE) {
        if (must) {
            content_write(&image->files[op->file], disk, op, 0, op->size);
        } else {
            image_write(image, disk, op, cut, random);
        }
        return;
    }
    bool there = must || cut->way == DISK_ALL || cut->way == DISK_TORN ||
                 (cut->way == DISK_RANDOM && random_below(random, 2) == 0);
    if (!there) {
        return;
    }
    if (op->step == DISK_TRUNCATE) {
        content_truncate(&image->files[op->file], op->size);
    } else if (op->step == DISK_FOLDER) {
        image->folder = true;
    } else {
        names_apply(image->names, &image->name_count, op);
    }
}

struct disk_image *disk_image(const struct disk *disk, const struct disk_cut *cut) {
    CHECK(cut->position <= disk->count);
    struct disk_image *image = MEM_NEW(struct disk_image);
    image->folder = disk->base > 0 || disk->folder_count > 0;
    image->folder_count = disk->folder_count;
    memcpy(image->folders, disk->folders, sizeof image->folders);
    image->file_count = disk->file_count;
    image->files = MEM_ARRAY(struct content, disk->file_count + 1);
    struct random random;
    random_seed(&random, cut->seed * 1000003 + cut->position);
    bool *must = ops_must(disk, cut->position);
    /* One in two random states keeps the order of names, as a file system with a journal does. */
    uint32_t named = cut->position;
    bool ordered = cut->way == DISK_RANDOM && cut->seed % 2 == 0 && cut->position > 0;
    if (ordered) {
        named = (uint32_t)random_below(&random, cut->position) + 1;
    }
    struct disk_cut all = {.position = cut->position, .way = DISK_ALL};
    for (uint32_t i = 0; i < cut->position; i++) {
        enum disk_step step = disk->ops[i].step;
        bool name = step == DISK_CREATE || step == DISK_RENAME || step == DISK_REMOVE;
        if (ordered && name && !must[i] && i >= named) {
            continue;
        }
        image_apply(image, disk, i, must[i], ordered && name ? &all : cut, &random);
    }
    mem_free(must);
    return image;
}

void disk_image_free(struct disk_image *image) {
    for (uint32_t i = 0; i < image->file_count; i++) {
        mem_free(image->files[i].bytes);
    }
    mem_free(image->files);
    mem_free(image);
}

uint64_t disk_image_hash(const struct disk_image *image) {
    uint64_t sum = image->folder;
    for (uint32_t i = 0; i < image->name_count && image->folder; i++) {
        const struct content *file = &image->files[image->names[i].file];
        uint64_t one = hash64(image->names[i].name, strlen(image->names[i].name));
        one = one * 31 + file->size;
        uint64_t solid = file->solid;
        while (solid > 0 && file->bytes[solid - 1] == 0) {
            solid--;
        }
        one ^= hash64(file->bytes, solid) * 0x9e3779b97f4a7c15ULL;
        sum += one; // In any order of names.
    }
    return sum;
}

const char *disk_image_file(const struct disk_image *image, uint32_t index, uint64_t *ret_size) {
    if (index >= image->name_count) {
        return NULL;
    }
    const struct content *file = &image->files[image->names[index].file];
    uint64_t solid = file->solid;
    while (solid > 0 && file->bytes[solid - 1] == 0) {
        solid--;
    }
    *ret_size = solid;
    return image->names[index].name;
}

void disk_image_flip(struct disk_image *image, uint32_t index, uint64_t at, uint8_t bits) {
    struct content *file = &image->files[image->names[index].file];
    if (at < file->size) {
        content_reach(file, at + 1);
        file->bytes[at] ^= bits;
    }
}

void disk_image_put(const struct disk_image *image, const char *dir) {
    CHECK(dir_remove_all(dir, NULL) == 0);
    if (!image->folder) {
        return;
    }
    CHECK(__real_mkdir(dir, 0700) == 0);
    for (uint32_t i = 0; i < image->folder_count; i++) {
        char path[PATH_BYTES + NAME_BYTES];
        (void)snprintf(path, sizeof path, "%s/%s", dir, image->folders[i]);
        CHECK(__real_mkdir(path, 0700) == 0);
    }
    for (uint32_t i = 0; i < image->name_count; i++) {
        char path[PATH_BYTES + NAME_BYTES];
        (void)snprintf(path, sizeof path, "%s/%s", dir, image->names[i].name);
        const struct content *file = &image->files[image->names[i].file];
        int fd = __real_open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
        struct iovec one = {.iov_base = file->bytes, .iov_len = file->solid};
        CHECK(fd >= 0 && __real_ftruncate(fd, (off_t)file->size) == 0);
        CHECK(file->solid == 0 || __real_pwritev(fd, &one, 1, 0) == (ssize_t)file->solid);
        CHECK(__real_close(fd) == 0);
    }
}
