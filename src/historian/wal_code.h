#ifndef HISTORIAN_WAL_CODE_H
#define HISTORIAN_WAL_CODE_H
/*
 * The bytes of the log: file head, frame head, batches. Pure functions over memory; any thread.
 * docs/FORMATS.md has every byte.
 */
#include <stdbool.h>

#include "core/buf.h"
#include "core/bytes.h"
#include "core/err.h"
#include "model/sample.h"

enum {
    WAL_FILE_HEAD_BYTES = 32,
    WAL_FRAME_HEAD_BYTES = 32,
    WAL_FRAME_BYTES_MAX = 64 << 20, // Payload of one append; larger ones are refused in words.
};

struct wal_file_head {
    uint64_t number;
    uint64_t first_seq;
};

struct wal_frame_head {
    uint32_t payload_size;
    uint32_t batch_count;
    uint64_t first_seq;
    uint32_t payload_crc;
    uint32_t file; // Low half of the file's number: a frame of another file does not count.
};

enum wal_head_state {
    WAL_HEAD_OK,
    WAL_HEAD_END, // Zeros: nothing was written here.
    WAL_HEAD_BAD,
    WAL_HEAD_VERSION, // Written by a later program (file heads only).
};

void wal_file_head_write(uint8_t *to, const struct wal_file_head *head);
enum wal_head_state wal_file_head_read(const uint8_t *from, struct wal_file_head *ret_head);
void wal_frame_head_write(uint8_t *to, const struct wal_frame_head *head);
enum wal_head_state wal_frame_head_read(const uint8_t *from, struct wal_frame_head *ret_head);

/* Appends the rows of a batch that are not dropped. */
void wal_batch_write(struct buf *to, const struct batch *batch);
/* Reads one batch; *batch is made, or made larger, as needed. ERR_CORRUPT. */
int wal_batch_read(struct reader *from, struct batch **batch, struct err *err);

#endif
