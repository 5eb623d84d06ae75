/*
 * Reading a backup file in one pass, believing nothing.
 *
 * Every size is checked before it is used, and no byte of a part is given out before its chunk is
 * whole; that a part is as it was written is known at its end, and of the file at its end. Who puts
 * something in place does so after a first pass that read everything (restore does).
 */
#include "upkeep/archive.h"

#include <string.h>

#include "core/bytes.h"
#include "core/hash.h"
#include "core/mem.h"
#include "historian/squeeze.h"
#include "upkeep/archive_code.h"

struct archive_reader {
    int fd;
    const char *path;
    struct watch watch;
    uint64_t size;
    uint64_t offset;
    int64_t created_ns;
    struct digest whole;
    uint8_t whole_digest[DIGEST_BYTES];
    struct squeeze *squeeze;
    uint32_t part_count;
    bool in_part;
    bool ended;
    struct digest part;
    uint64_t part_bytes;
    char name[ARCHIVE_NAME_BYTES + 1];
    uint8_t *stored;
    uint8_t *plain;
};

static int damaged(const struct archive_reader *r, struct err *err) {
    return err_set(err, ERR_CORRUPT, MSG_BACKUP_DAMAGED, ARGS(A_CSTR(r->path), A_INT(r->offset)));
}

static int take(struct archive_reader *r, void *to, size_t size, struct err *err) {
    if (size > r->size - r->offset) {
        return damaged(r, err);
    }
    int status = file_read_at(r->fd, r->path, r->offset, to, size, err);
    if (status >= 0) {
        digest_add(&r->whole, to, size);
        r->offset += size;
    }
    return status;
}

static int read_head(struct archive_reader *r, struct err *err) {
    uint8_t bytes[ARCHIVE_HEAD_BYTES] = {0};
    int status = file_size(r->fd, r->path, &r->size, err);
    if (status >= 0 && r->size < sizeof bytes) {
        return err_set(err, ERR_CORRUPT, MSG_BACKUP_NONE, ARGS(A_CSTR(r->path)));
    }
    status = status < 0 ? status : take(r, bytes, sizeof bytes, err);
    if (status < 0) {
        return status;
    }
    struct reader from = reader_of(bytes, sizeof bytes);
    const uint8_t *magic = read_bytes(&from, sizeof ARCHIVE_MAGIC);
    uint32_t version = read_u32_le(&from);
    read_skip(&from, 4);
    r->created_ns = (int64_t)read_u64_le(&from);
    read_skip(&from, 4);
    if (memcmp(magic, ARCHIVE_MAGIC, sizeof ARCHIVE_MAGIC) != 0) {
        return err_set(err, ERR_CORRUPT, MSG_BACKUP_NONE, ARGS(A_CSTR(r->path)));
    }
    if (read_u32_le(&from) != crc32c(0, bytes, sizeof bytes - 4)) {
        return damaged(r, err);
    }
    if (version != ARCHIVE_VERSION) {
        return err_set(err, ERR_VERSION, MSG_BACKUP_VERSION, ARGS(A_CSTR(r->path), A_INT(version)));
    }
    return 0;
}

int archive_open(int fd, const char *path, struct watch watch, struct archive_reader **ret_reader,
    struct err *err) {
    struct archive_reader *r = MEM_NEW(struct archive_reader);
    r->fd = fd;
    r->path = path;
    r->watch = watch;
    r->squeeze = squeeze_new();
    r->stored = mem_alloc(ARCHIVE_CHUNK_BYTES);
    r->plain = mem_alloc(ARCHIVE_CHUNK_BYTES);
    digest_init(&r->whole);
    int status = read_head(r, err);
    if (status < 0) {
        archive_reader_free(r);
        return status;
    }
    *ret_reader = r;
    return 0;
}

int64_t archive_created_ns(const struct archive_reader *r) {
    return r->created_ns;
}

static int read_end(struct archive_reader *r, uint32_t count, struct err *err) {
    uint8_t said[DIGEST_BYTES];
    digest_end(&r->whole, r->whole_digest);
    if (count != r->part_count || r->size - r->offset != sizeof said) {
        return damaged(r, err);
    }
    int status = file_read_at(r->fd, r->path, r->offset, said, sizeof said, err);
    if (status < 0) {
        return status;
    }
    r->ended = true;
    return memcmp(said, r->whole_digest, sizeof said) == 0 ? 0 : damaged(r, err);
}

static int read_name(struct archive_reader *r, size_t size, struct err *err) {
    if (size == 0 || size > ARCHIVE_NAME_BYTES || r->part_count >= ARCHIVE_PARTS_MAX) {
        return damaged(r, err);
    }
    int status = take(r, r->name, size, err);
    r->name[size] = '\0';
    if (status >= 0 && memchr(r->name, '\0', size) != NULL) {
        return damaged(r, err);
    }
    r->in_part = status >= 0;
    r->part_count++;
    r->part_bytes = 0;
    digest_init(&r->part);
    return status;
}

int archive_next(struct archive_reader *r, struct str *ret_name, struct err *err) {
    int status = 0;
    struct str over;
    while (r->in_part && (status = archive_read(r, &over, err)) > 0) {
    }
    if (status < 0 || r->ended) {
        return status;
    }
    uint8_t bytes[ARCHIVE_PART_HEAD_BYTES];
    status = take(r, bytes, sizeof bytes, err);
    if (status < 0) {
        return status;
    }
    struct reader from = reader_of(bytes, sizeof bytes);
    uint32_t kind = read_u32_le(&from);
    uint32_t rest = read_u32_le(&from);
    if (kind == ARCHIVE_END) {
        return read_end(r, rest, err);
    }
    if (kind != ARCHIVE_PART) {
        r->offset -= sizeof bytes; // The place that is named.
        return damaged(r, err);
    }
    status = rest > UINT16_MAX ? damaged(r, err) : read_name(r, rest, err);
    if (status < 0) {
        return status;
    }
    *ret_name = str_of(r->name);
    return 1;
}

static int read_part_end(struct archive_reader *r, struct err *err) {
    uint8_t bytes[8 + DIGEST_BYTES] = {0};
    uint8_t digest[DIGEST_BYTES];
    int status = take(r, bytes, sizeof bytes, err);
    if (status < 0) {
        return status;
    }
    digest_end(&r->part, digest);
    r->in_part = false;
    struct reader from = reader_of(bytes, sizeof bytes);
    uint64_t said = read_u64_le(&from);
    bool good = said == r->part_bytes && memcmp(bytes + 8, digest, sizeof digest) == 0;
    return good ? 0 : damaged(r, err);
}

int archive_read(struct archive_reader *r, struct str *ret_piece, struct err *err) {
    if (!r->in_part) {
        return 0;
    }
    int status = r->watch.go_on != NULL ? r->watch.go_on(r->watch.context, err) : 0;
    uint8_t head[4] = {0};
    status = status < 0 ? status : take(r, head, sizeof head, err);
    struct reader from = reader_of(head, sizeof head);
    uint32_t plain = read_u32_le(&from);
    if (status < 0 || plain == 0) {
        return status < 0 ? status : read_part_end(r, err);
    }
    status = take(r, head, sizeof head, err);
    from = reader_of(head, sizeof head);
    uint32_t stored = read_u32_le(&from);
    if (status >= 0 && (plain > ARCHIVE_CHUNK_BYTES || stored == 0 || stored > plain)) {
        return damaged(r, err);
    }
    status = status < 0 ? status : take(r, r->stored, stored, err);
    if (status < 0) {
        return status;
    }
    const uint8_t *piece = r->stored;
    if (stored < plain) {
        if (!squeeze_unpack(r->squeeze, r->stored, stored, r->plain, plain)) {
            return damaged(r, err);
        }
        piece = r->plain;
    }
    digest_add(&r->part, piece, plain);
    r->part_bytes += plain;
    *ret_piece = (struct str){(const char *)piece, plain};
    return 1;
}

const uint8_t *archive_digest(const struct archive_reader *r) {
    return r->whole_digest;
}

void archive_reader_free(struct archive_reader *r) {
    if (r == NULL) {
        return;
    }
    squeeze_free(r->squeeze);
    mem_free(r->stored);
    mem_free(r->plain);
    mem_free(r);
}
