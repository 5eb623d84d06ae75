/*
 * Files without a name. O_TMPFILE gives a file that no folder lists, so nothing can be left behind
 * by a kill; where the file system does not know it, a name is made and removed at once. Reading
 * goes through a mapping: the kernel keeps what is in use and drops the rest when memory is short,
 * which is what a table of shared texts wants. They share the disk with the plant's own data and
 * leave it a reserve: a large upload must not be what stops collecting.
 */
#include "table/spool.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "core/limits.h"
#include "core/mem.h"

enum { PENDING_BYTES = 256 << 10 };

static const uint64_t SPARE_MIN_BYTES = 64ULL << 20;
static const uint64_t SPARE_MAX_BYTES = 2ULL << 30;
static const char WORDS[] = "spool";

int spool_descriptor(const char *folder, int *ret_fd, struct err *err) {
    if (folder == NULL) {
        folder = secure_getenv("TMPDIR");
    }
    if (folder == NULL || folder[0] != '/') {
        folder = "/var/tmp";
    }
    int fd = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (fd < 0 && (errno == EOPNOTSUPP || errno == EISDIR || errno == EINVAL)) {
        AUTO_BUF struct buf path;
        buf_init(&path, LIMIT_PATH_BYTES);
        buf_printf(&path, "%s/maru-spool-XXXXXX", folder);
        char name[LIMIT_PATH_BYTES];
        (void)str_copy_z(buf_str(&path), name, sizeof name);
        fd = mkostemp(name, O_CLOEXEC);
        if (fd >= 0) {
            (void)unlink(name); // A file that cannot be unlinked stays, empty of secrets.
        }
    }
    if (fd < 0) {
        return err_set_errno(err, errno, str_of(folder));
    }
    *ret_fd = fd;
    return 0;
}

bool spool_fits(uint64_t disk_bytes, uint64_t free_bytes, uint64_t more) {
    uint64_t spare = disk_bytes / 20;
    spare = spare < SPARE_MIN_BYTES ? SPARE_MIN_BYTES : spare;
    spare = spare > SPARE_MAX_BYTES ? SPARE_MAX_BYTES : spare;
    return free_bytes >= spare && free_bytes - spare >= more;
}

int spool_room(int fd, uint64_t more, struct err *err) {
    struct statvfs disk;
    if (fstatvfs(fd, &disk) != 0) {
        return 0; // Unknown: the write itself will tell.
    }
    uint64_t free_bytes = (uint64_t)disk.f_bavail * disk.f_frsize;
    return spool_fits((uint64_t)disk.f_blocks * disk.f_frsize, free_bytes, more)
               ? 0
               : err_set(err, ERR_SPACE, MSG_TABLE_SPOOL_ROOM, ARGS(A_INT(free_bytes >> 20)));
}

int spool_open(struct spool *spool, const char *folder, uint64_t max_bytes, struct err *err) {
    *spool = (struct spool){.fd = -1, .max = max_bytes};
    buf_init(&spool->pending, PENDING_BYTES);
    return spool_descriptor(folder, &spool->fd, err);
}

void spool_close(struct spool *spool) {
    file_unmap(&spool->map);
    buf_fini(&spool->pending);
    if (spool->fd >= 0) {
        file_close(spool->fd);
        spool->fd = -1;
    }
}

static int flush(struct spool *spool, struct err *err) {
    int status = spool_room(spool->fd, spool->pending.size, err);
    status = status < 0 ? status
                        : file_write_at(files_system(), spool->fd, WORDS,
                              spool->size - spool->pending.size, spool->pending.data,
                              spool->pending.size, err);
    buf_clear(&spool->pending);
    return status;
}

int spool_put(struct spool *spool, struct str bytes, struct err *err) {
    if (bytes.size > spool->max - spool->size) {
        return err_set(err, ERR_LIMIT, MSG_TABLE_SPOOL, ARGS(A_INT(spool->max >> 20)));
    }
    while (bytes.size > 0) {
        size_t room = PENDING_BYTES - spool->pending.size;
        struct str part = str_slice(bytes, 0, room);
        buf_put_str(&spool->pending, part);
        spool->size += part.size;
        bytes = str_slice(bytes, part.size, bytes.size);
        int status = spool->pending.size == PENDING_BYTES ? flush(spool, err) : 0;
        if (status < 0) {
            return status;
        }
    }
    return 0;
}

int spool_map(struct spool *spool, struct err *err) {
    int status = spool->pending.size > 0 ? flush(spool, err) : 0;
    return status < 0 ? status : file_map(spool->fd, WORDS, &spool->map, err);
}

int spool_take(struct spool *spool, int *ret_fd, struct err *err) {
    int status = spool->pending.size > 0 ? flush(spool, err) : 0;
    if (status >= 0 && lseek(spool->fd, 0, SEEK_SET) < 0) {
        status = err_set_errno(err, errno, STR("spool"));
    }
    if (status >= 0) {
        *ret_fd = spool->fd;
        spool->fd = -1;
    }
    return status;
}
