/*
 * Hostile bytes as the inside of the log: batches (the payload of a frame) and heads. What is read
 * is written again and read once more: both readings must agree.
 */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "core/buf.h"
#include "core/check.h"
#include "historian/wal_code.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_again(const struct batch *batch) {
    AUTO_BUF struct buf bytes;
    buf_init(&bytes, WAL_FRAME_BYTES_MAX);
    for (uint32_t i = 0; i < batch->count; i++) {
        if ((batch->rows[i].flags & SAMPLE_DROP) != 0) {
            return; // Never written by us: the writer leaves such rows out.
        }
    }
    wal_batch_write(&bytes, batch);
    struct reader from = reader_of(bytes.data, bytes.size);
    AUTO_BATCH struct batch *again = NULL;
    CHECK(wal_batch_read(&from, &again, NULL) == 0);
    CHECK(reader_left(&from) == 0);
    CHECK(again->count == batch->count && again->text_size == batch->text_size);
    CHECK(batch->count == 0 ||
          memcmp(again->rows, batch->rows, batch->count * sizeof *batch->rows) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size >= WAL_FILE_HEAD_BYTES) {
        struct wal_file_head file;
        struct wal_frame_head frame;
        (void)wal_file_head_read(data, &file);
        (void)wal_frame_head_read(data, &frame);
    }
    struct reader from = reader_of(data, size);
    AUTO_BATCH struct batch *batch = NULL;
    while (reader_left(&from) > 0 && wal_batch_read(&from, &batch, NULL) == 0) {
        read_again(batch);
    }
    return 0;
}
