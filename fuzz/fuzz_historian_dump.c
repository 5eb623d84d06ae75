/*
 * Hostile bytes under the eyes of histdump, in every way they could meet it: as a file of their
 * own, and, where checksums would be in the way, as the payload of a record or a frame inside a
 * file that is otherwise well-formed. As text and as JSON.
 */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "core/buf.h"
#include "core/check.h"
#include "core/hash.h"
#include "historian/block.h"
#include "historian/dump.h"
#include "historian/wal_code.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int count_bytes(void *context, const void *text, size_t size, struct err *err) {
    (void)text;
    (void)err; // Nothing can fail.
    *(size_t *)context += size;
    return 0;
}

static void look(const void *data, size_t size) {
    for (int json = 0; json < 2; json++) {
        size_t written = 0;
        struct dump_options options = {
            .json = json == 1, .write = count_bytes, .context = &written};
        struct dump_report report = {0};
        int rc = hist_dump_bytes(data, size, &options, &report, NULL);
        CHECK(rc == 0 || rc == -ERR_INVALID);
        CHECK(rc != 0 || written > 0);
    }
}

static void as_record(
    const uint8_t *data, size_t size, enum record_kind kind, uint32_t rows, struct buf *file) {
    uint8_t ends[SEGMENT_HEAD_BYTES];
    struct segment_head head = {.id = 1, .seq_low = 1, .seq_high = 2};
    segment_head_put(ends, &head);
    buf_put(file, ends, sizeof ends);
    size_t at = record_begin(file);
    buf_put(file, data, size);
    record_finish(file, at, kind == RECORD_DIRECTORY ? 0 : 1, kind, rows);
    struct segment_tail tail = {.id = 1,
        .directory_offset = at,
        .directory_size = (uint32_t)(file->size - at),
        .tag_count = rows % 5000};
    segment_tail_put(ends, &tail);
    buf_put(file, ends, sizeof ends);
}

static void as_frame(const uint8_t *data, size_t size, uint32_t batches, struct buf *file) {
    uint8_t head[WAL_FILE_HEAD_BYTES];
    struct wal_file_head file_head = {.number = 1, .first_seq = 1};
    wal_file_head_write(head, &file_head);
    buf_put(file, head, sizeof head);
    struct wal_frame_head frame = {.payload_size = (uint32_t)size,
        .batch_count = batches,
        .first_seq = 1,
        .payload_crc = crc32c(0, data, size),
        .file = 1};
    wal_frame_head_write(head, &frame);
    buf_put(file, head, sizeof head);
    buf_put(file, data, size);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    look(data, size);
    if (size < 3) {
        return 0;
    }
    static const char *const magics[] = {"MARUSEG1", "MARUWAL1", "MARUMAN1"};
    AUTO_BUF struct buf file;
    buf_init(&file, 4 << 20);
    uint32_t rows = (uint32_t)(data[1] | data[2] << 8) % (BLOCK_ROWS_MAX + 1);
    for (enum record_kind kind = RECORD_BLOCK; kind <= RECORD_DIRECTORY; kind++) {
        buf_clear(&file);
        as_record(data + 3, size - 3, kind, rows, &file);
        look(file.data, file.size);
    }
    buf_clear(&file);
    as_frame(data, size, 1 + data[0] % 4u, &file);
    look(file.data, file.size);
    for (size_t i = 0; i < 3; i++) {
        buf_clear(&file);
        buf_put(&file, magics[i], 8);
        buf_put(&file, data, size);
        look(file.data, file.size);
    }
    return 0;
}
