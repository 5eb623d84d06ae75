/*
 * Hostile bytes as a backup file, and as the part that says what it holds. The checksum of the head
 * is put right first, so that the parts behind it are reached.
 */
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "core/bytes.h"
#include "core/check.h"
#include "core/hash.h"
#include "core/mem.h"
#include "upkeep/about.h"
#include "upkeep/archive.h"
#include "upkeep/archive_code.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_parts(int fd) {
    struct archive_reader *reader = NULL;
    struct str name;
    struct str piece;
    if (archive_open(fd, "fuzz", (struct watch){0}, &reader, NULL) < 0) {
        return;
    }
    while (archive_next(reader, &name, NULL) > 0) {
        (void)part_path_good(name);
        while (archive_read(reader, &piece, NULL) > 0) {
            CHECK(piece.size <= ARCHIVE_CHUNK_BYTES);
        }
    }
    archive_reader_free(reader);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    AUTO_FREE struct about *about = MEM_NEW(struct about);
    (void)about_parse((struct str){(const char *)data, size}, about, NULL);
    AUTO_BUF struct buf file;
    buf_init(&file, 1 << 20);
    buf_put(&file, data, size);
    if (file.overflow) {
        return 0;
    }
    if (size >= ARCHIVE_HEAD_BYTES) {
        memcpy(file.data, ARCHIVE_MAGIC, sizeof ARCHIVE_MAGIC);
        patch_u32_le(&file, 8, ARCHIVE_VERSION);
        patch_u32_le(&file, 28, crc32c(0, file.data, 28));
    }
    int fd = memfd_create("fuzz", MFD_CLOEXEC);
    CHECK(fd >= 0);
    if (write(fd, file.data, file.size) == (ssize_t)file.size) {
        read_parts(fd);
    }
    (void)close(fd);
    return 0;
}
