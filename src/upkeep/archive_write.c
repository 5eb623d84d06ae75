/*
 * Writing a backup file in one pass.
 *
 * Everything that goes into the file passes `emit`, which feeds the digest of the whole, so nothing
 * can be written beside it. A part's digest is over its plain bytes: two backups of one content
 * show equal part digests however they were packed. Databases are packed with zstd (they have much
 * air), segments are dense already and go as they are.
 */
#include "upkeep/archive.h"

#include <string.h>

#include "core/bytes.h"
#include "core/check.h"
#include "core/hash.h"
#include "core/mem.h"
#include "historian/squeeze.h"
#include "upkeep/archive_code.h"

struct archive_writer {
    struct archive_options with;
    uint64_t offset;
    uint32_t part_count;
    struct digest whole;
    struct squeeze *squeeze;
    /* The present part. */
    bool in_part;
    bool pack;
    struct digest part;
    uint64_t part_bytes;
    size_t chunk_size;
    uint8_t *chunk;
    uint8_t *packed;
};

static int emit(struct archive_writer *w, const void *bytes, size_t size, struct err *err) {
    digest_add(&w->whole, bytes, size);
    int status =
        file_write_at(w->with.files, w->with.fd, w->with.path, w->offset, bytes, size, err);
    w->offset += size;
    return status;
}

int archive_begin(
    const struct archive_options *options, struct archive_writer **ret_writer, struct err *err) {
    struct archive_writer *w = MEM_NEW(struct archive_writer);
    w->with = *options;
    w->with.files = options->files != NULL ? options->files : files_system();
    w->squeeze = squeeze_new();
    w->chunk = mem_alloc(ARCHIVE_CHUNK_BYTES);
    w->packed = mem_alloc(ARCHIVE_CHUNK_BYTES);
    digest_init(&w->whole);
    AUTO_BUF struct buf head;
    buf_init(&head, 64);
    buf_put(&head, ARCHIVE_MAGIC, sizeof ARCHIVE_MAGIC);
    write_u32_le(&head, ARCHIVE_VERSION);
    write_u32_le(&head, 0);
    write_u64_le(&head, (uint64_t)options->created_ns);
    write_u32_le(&head, 0);
    write_u32_le(&head, crc32c(0, head.data, head.size));
    int status = emit(w, head.data, head.size, err);
    if (status < 0) {
        archive_writer_free(w);
        return status;
    }
    *ret_writer = w;
    return 0;
}

int archive_part_begin(struct archive_writer *w, struct str name, bool pack, struct err *err) {
    CHECK(!w->in_part);
    CHECK(name.size > 0 && name.size <= ARCHIVE_NAME_BYTES);
    w->in_part = true;
    w->pack = pack;
    w->part_bytes = 0;
    w->chunk_size = 0;
    w->part_count++;
    digest_init(&w->part);
    AUTO_BUF struct buf head;
    buf_init(&head, 512);
    write_u32_le(&head, ARCHIVE_PART);
    write_u16_le(&head, (uint16_t)name.size);
    write_u16_le(&head, 0);
    buf_put_str(&head, name);
    return emit(w, head.data, head.size, err);
}

static int chunk_flush(struct archive_writer *w, struct err *err) {
    if (w->chunk_size == 0) {
        return 0;
    }
    int status = w->with.watch.go_on != NULL ? w->with.watch.go_on(w->with.watch.context, err) : 0;
    if (status < 0) {
        return status;
    }
    size_t packed = 0;
    if (w->pack && w->chunk_size > 64) {
        packed = squeeze_pack(w->squeeze, w->chunk, w->chunk_size, w->packed, w->chunk_size - 1);
    }
    AUTO_BUF struct buf head;
    buf_init(&head, 16);
    write_u32_le(&head, (uint32_t)w->chunk_size);
    write_u32_le(&head, (uint32_t)(packed > 0 ? packed : w->chunk_size));
    status = emit(w, head.data, head.size, err);
    if (status >= 0) {
        status =
            packed > 0 ? emit(w, w->packed, packed, err) : emit(w, w->chunk, w->chunk_size, err);
    }
    digest_add(&w->part, w->chunk, w->chunk_size);
    w->part_bytes += w->chunk_size;
    w->chunk_size = 0;
    return status;
}

int archive_part_put(struct archive_writer *w, const void *bytes, size_t size, struct err *err) {
    CHECK(w->in_part);
    const uint8_t *from = bytes;
    while (size > 0) {
        size_t room = ARCHIVE_CHUNK_BYTES - w->chunk_size;
        size_t taken = size < room ? size : room;
        memcpy(w->chunk + w->chunk_size, from, taken);
        w->chunk_size += taken;
        from += taken;
        size -= taken;
        int status = w->chunk_size == ARCHIVE_CHUNK_BYTES ? chunk_flush(w, err) : 0;
        if (status < 0) {
            return status;
        }
    }
    return 0;
}

int archive_part_end(struct archive_writer *w, struct err *err) {
    CHECK(w->in_part);
    int status = chunk_flush(w, err);
    if (status < 0) {
        return status;
    }
    uint8_t digest[DIGEST_BYTES];
    digest_end(&w->part, digest);
    AUTO_BUF struct buf tail;
    buf_init(&tail, 64);
    write_u32_le(&tail, 0);
    write_u64_le(&tail, w->part_bytes);
    buf_put(&tail, digest, sizeof digest);
    w->in_part = false;
    return emit(w, tail.data, tail.size, err);
}

int archive_part_file(struct archive_writer *w, struct str name, bool pack, int fd,
    const char *path, uint64_t size, struct err *err) {
    int status = archive_part_begin(w, name, pack, err);
    for (uint64_t offset = 0; offset < size && status >= 0;) {
        uint64_t left = size - offset;
        size_t step = left < ARCHIVE_CHUNK_BYTES ? (size_t)left : (size_t)ARCHIVE_CHUNK_BYTES;
        status = file_read_at(fd, path, offset, w->chunk, step, err);
        w->chunk_size = step; // Whole chunks only: nothing waits in the buffer.
        status = status < 0 ? status : chunk_flush(w, err);
        offset += step;
    }
    return status < 0 ? status : archive_part_end(w, err);
}

int archive_end(struct archive_writer *w, uint8_t ret_digest[DIGEST_BYTES], struct err *err) {
    CHECK(!w->in_part);
    AUTO_BUF struct buf tail;
    buf_init(&tail, 64);
    write_u32_le(&tail, ARCHIVE_END);
    write_u32_le(&tail, w->part_count);
    int status = emit(w, tail.data, tail.size, err);
    uint8_t digest[DIGEST_BYTES];
    digest_end(&w->whole, digest);
    if (status >= 0) {
        status = file_write_at(
            w->with.files, w->with.fd, w->with.path, w->offset, digest, sizeof digest, err);
        w->offset += sizeof digest;
    }
    if (status >= 0) {
        status = file_sync(w->with.files, w->with.fd, w->with.path, err);
    }
    if (status >= 0) {
        memcpy(ret_digest, digest, sizeof digest);
    }
    return status;
}

uint64_t archive_bytes(const struct archive_writer *w) {
    return w->offset;
}

void archive_writer_free(struct archive_writer *w) {
    if (w == NULL) {
        return;
    }
    squeeze_free(w->squeeze);
    mem_free(w->chunk);
    mem_free(w->packed);
    mem_free(w);
}
