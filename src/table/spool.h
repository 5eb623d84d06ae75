#ifndef TABLE_SPOOL_H
#define TABLE_SPOOL_H
/*
 * A file without a name, for what memory should not hold: it is gone with its descriptor, whatever
 * happens to the process. Appended to first, then mapped or read. One owner.
 */
#include "core/buf.h"
#include "core/file.h"

struct spool {
    int fd; // -1: none.
    uint64_t size;
    uint64_t max; // Bytes; refused beyond.
    struct buf pending;
    struct file_map map;
};

/* folder NULL: the system's. */
int spool_open(struct spool *spool, const char *folder, uint64_t max_bytes, struct err *err);
void spool_close(struct spool *spool);
/* ERR_LIMIT beyond the maximum, ERR_SPACE. */
int spool_put(struct spool *spool, struct str bytes, struct err *err);
/* No more is put after this; map.data then holds all of it. */
int spool_map(struct spool *spool, struct err *err);
/* Gives the descriptor, at the start, to the caller. */
int spool_take(struct spool *spool, int *ret_fd, struct err *err);
/* Whether `more` bytes may go where this file lies: ERR_SPACE in words when less than a twentieth
 * of the disk (64 MB to 2 GB) would stay free, which belongs to what machines send. */
int spool_room(int fd, uint64_t more, struct err *err);
bool spool_fits(uint64_t disk_bytes, uint64_t free_bytes, uint64_t more);
/* A file without a name, opened for reading and writing. */
int spool_descriptor(const char *folder, int *ret_fd, struct err *err);

#endif
