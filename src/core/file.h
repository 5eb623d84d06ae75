#ifndef CORE_FILE_H
#define CORE_FILE_H
/*
 * The injected file layer. All stored data of ours goes through it, so that tests can fail each
 * write, sync and rename in turn (file_fault.h). Descriptors are plain ints of the system. Every
 * function sets `err` with the path or `what`. Thread-safe as the system is.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include "core/err.h"

enum file_mode {
    FILE_READ,       // Must exist.
    FILE_WRITE,      // Read and write; created when absent.
    FILE_CREATE_NEW, // Read and write; ERR_EXISTS when present.
};

/* Operations that can be counted and failed. */
enum file_op {
    FILE_OP_OPEN,
    FILE_OP_WRITE,
    FILE_OP_SYNC,
    FILE_OP_RENAME,
    FILE_OP_REMOVE,
    FILE_OP_TRUNCATE,
    FILE_OP_ALLOCATE,
    FILE_OP_COUNT
};

struct files {
    /* Called before each operation; 0 lets it pass, else the errno it fails with. For writes,
     * *size may be reduced: that many bytes are written before it fails (a torn write). */
    int (*gate)(struct files *files, enum file_op op, const char *path, size_t *size);
};

/* The plain layer: gate NULL. */
struct files *files_system(void);

int file_open(
    struct files *files, const char *path, enum file_mode mode, int *ret_fd, struct err *err);
void file_close(int fd);
void file_auto_close(int *fd);
#define AUTO_CLOSE __attribute__((cleanup(file_auto_close)))

/* `path` is for words and fault rules only. Writes are whole or fail. */
int file_write_at(struct files *files, int fd, const char *path, uint64_t offset, const void *data,
    size_t size, struct err *err);
/* Like file_write_at, gathered; the vector's content is clobbered. */
int file_writev_at(struct files *files, int fd, const char *path, uint64_t offset,
    struct iovec *vector, int count, struct err *err);
/* Reads exactly `size` bytes or fails with ERR_CORRUPT (end of file) or ERR_IO. */
int file_read_at(
    int fd, const char *path, uint64_t offset, void *data, size_t size, struct err *err);
int file_size(int fd, const char *path, uint64_t *ret_size, struct err *err);
int file_sync(struct files *files, int fd, const char *path, struct err *err); // fdatasync.
int file_truncate(struct files *files, int fd, const char *path, uint64_t size, struct err *err);
/* Reserves disk blocks without changing the content; ERR_SPACE when there are none. */
int file_allocate(struct files *files, int fd, const char *path, uint64_t size, struct err *err);

/* Syncs the folder itself, so that creations, renames and removals in it are durable. */
int dir_sync(struct files *files, const char *path, struct err *err);
/* 0700; present is fine. The name is durable in the folder above when it returns. */
int dir_create(struct files *files, const char *path, struct err *err);
int file_rename(struct files *files, const char *from, const char *to, struct err *err);
int file_remove(struct files *files, const char *path, struct err *err); // Absent is fine.
bool file_exists(const char *path);
/* Calls `each` for every entry but . and .., in name order; a negative result ends the walk and is
 * returned. */
int dir_each(const char *path, int (*each)(void *context, const char *name, struct err *err),
    void *context, struct err *err);
/* Removes a folder and all in it. For our own temporary homes only. */
int dir_remove_all(const char *path, struct err *err);
uint64_t disk_free_bytes(const char *path); // 0 when unknown.

/* Maps a whole file read-only. Size 0 gives NULL data. */
struct file_map {
    const uint8_t *data;
    size_t size;
};
int file_map(int fd, const char *path, struct file_map *ret_map, struct err *err);
void file_unmap(struct file_map *map);

#endif
