/*
 * Bytes from a descriptor or a function. The first 64 KiB are kept back so that the file can be
 * recognised before a reader for it is made; they are handed on first. Descriptors are read with
 * read(2), never by position, so pipes and files are the same here.
 */
#include "table/source.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/mem.h"

enum { HEAD_BYTES = 64 << 10 };

struct source {
    struct table_options options;
    uint64_t total;
    uint64_t done;
    uint8_t *head;
    size_t head_size;
    size_t head_used;
    bool ended;
};

static uint64_t descriptor_left(int fd) {
    struct stat info;
    if (fstat(fd, &info) < 0 || !S_ISREG(info.st_mode)) {
        return 0;
    }
    off_t at = lseek(fd, 0, SEEK_CUR);
    return at >= 0 && info.st_size > at ? (uint64_t)(info.st_size - at) : 0;
}

struct source *source_new(const struct table_options *options) {
    struct source *source = MEM_NEW(struct source);
    source->options = *options;
    source->total = options->total_bytes;
    if (source->total == 0 && options->read == NULL) {
        source->total = descriptor_left(options->fd);
    }
    source->head = mem_alloc(HEAD_BYTES);
    return source;
}

void source_free(struct source *source) {
    if (source != NULL) {
        mem_free(source->head);
        mem_free(source);
    }
}

static int read_some(
    struct source *source, void *to, size_t capacity, size_t *ret_size, struct err *err) {
    const struct table_options *options = &source->options;
    if (options->read != NULL) {
        return options->read(options->context, to, capacity, ret_size, err);
    }
    int status = options->wait != NULL ? options->wait(options->context, err) : 0;
    if (status < 0) {
        return status;
    }
    ssize_t size;
    do {
        size = read(options->fd, to, capacity);
    } while (size < 0 && errno == EINTR);
    if (size < 0) {
        return err_set_errno(err, errno, STR("table"));
    }
    *ret_size = (size_t)size;
    return 0;
}

int source_peek(struct source *source, struct str *ret_head, struct err *err) {
    while (!source->ended && source->head_size < HEAD_BYTES) {
        size_t size = 0;
        int status = read_some(
            source, source->head + source->head_size, HEAD_BYTES - source->head_size, &size, err);
        if (status < 0) {
            return status;
        }
        source->ended = size == 0;
        source->head_size += size;
    }
    *ret_head = (struct str){(const char *)source->head, source->head_size};
    return 0;
}

int source_read(
    struct source *source, void *to, size_t capacity, size_t *ret_size, struct err *err) {
    size_t kept = source->head_size - source->head_used;
    size_t size = 0;
    int status = 0;
    if (kept > 0) {
        size = kept < capacity ? kept : capacity;
        memcpy(to, source->head + source->head_used, size);
        source->head_used += size;
    } else if (!source->ended) {
        status = read_some(source, to, capacity, &size, err);
        source->ended = status >= 0 && size == 0;
    }
    if (status >= 0) {
        source->done += size;
        *ret_size = size;
    }
    return status;
}

uint64_t source_done(const struct source *source) {
    return source->done;
}

uint64_t source_total(const struct source *source) {
    return source->total;
}
