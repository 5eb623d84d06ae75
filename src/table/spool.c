/*
 * Files without a name. O_TMPFILE gives a file that no folder lists, so nothing can be left behind
 * by a kill; where the file system does not know it, a name is made and removed at once. Reading
 * goes through a mapping: the kernel keeps what is in use and drops the rest when memory is short,
 * which is what a table of shared texts wants.
 */
#include "table/spool.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "core/limits.h"
#include "core/mem.h"

enum { PENDING_BYTES = 256 << 10 };

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
    int status = file_write_at(files_system(), spool->fd, WORDS, spool->size - spool->pending.size,
        spool->pending.data, spool->pending.size, err);
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
