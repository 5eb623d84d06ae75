#ifndef UPKEEP_ARCHIVE_H
#define UPKEEP_ARCHIVE_H
/*
 * The backup file: named parts in chunks, each part and the whole under a BLAKE2b-256 digest, one
 * pass to write and one to read, nothing held in memory but a chunk. docs/FORMATS.md has every
 * byte. One owner a writer or reader; any thread.
 */
#include "core/file.h"
#include "core/limits.h"
#include "ledger/seal.h"
#include "upkeep/upkeep.h"

enum {
    ARCHIVE_CHUNK_BYTES = 1 << 20, // Plain bytes of one chunk.
    ARCHIVE_NAME_BYTES = 255,      // Of a part.
    ARCHIVE_PARTS_MAX = 1 << 20,   // 65,536 segments a plant, 64 plants: never reached by one.
};

/* ---- Writing ---- */

struct archive_writer;
struct archive_options {
    struct files *files; // NULL: the system's.
    int fd;              // Empty, open for reading and writing; stays the caller's.
    const char *path;    // For words.
    int64_t created_ns;
    struct watch watch;
};
int archive_begin(
    const struct archive_options *options, struct archive_writer **ret_writer, struct err *err);
int archive_part_begin(struct archive_writer *writer, struct str name, bool pack, struct err *err);
int archive_part_put(
    struct archive_writer *writer, const void *bytes, size_t size, struct err *err);
int archive_part_end(struct archive_writer *writer, struct err *err);
/* A whole part from an open file's first `size` bytes. */
int archive_part_file(struct archive_writer *writer, struct str name, bool pack, int fd,
    const char *path, uint64_t size, struct err *err);
/* Writes the end and syncs. */
int archive_end(struct archive_writer *writer, uint8_t ret_digest[DIGEST_BYTES], struct err *err);
uint64_t archive_bytes(const struct archive_writer *writer); // Written so far.
void archive_writer_free(struct archive_writer *writer);     // NULL is allowed.

/* ---- Reading ---- */

struct archive_reader;
/* ERR_CORRUPT: not a backup, or damaged; ERR_VERSION: made by a later Maru. */
int archive_open(int fd, const char *path, struct watch watch, struct archive_reader **ret_reader,
    struct err *err);
int64_t archive_created_ns(const struct archive_reader *reader);
/* 1: at the next part, *ret_name borrowed until the next call; 0: the end was reached and the
 * digest of the whole fits. What was not read of the part before is read over and checked. */
int archive_next(struct archive_reader *reader, struct str *ret_name, struct err *err);
/* 1: a piece of the part, borrowed until the next call; 0: its end, its digest fits. */
int archive_read(struct archive_reader *reader, struct str *ret_piece, struct err *err);
const uint8_t *archive_digest(const struct archive_reader *reader); // After the end: of the whole.
void archive_reader_free(struct archive_reader *reader);            // NULL is allowed.

#endif
