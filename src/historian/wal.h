#ifndef HISTORIAN_WAL_H
#define HISTORIAN_WAL_H
/*
 * The write-ahead log: files of bounded size in the history folder, each a head and frames. One
 * frame holds what one commit gave (all that waited), and is all or nothing. One writer at a time
 * (the leader of a group commit); readers at any time, up to what is durable. The list of files has
 * its own lock, so that a reader can pin a file while another thread lets old ones go.
 */
#include <stdbool.h>
#include <stdint.h>

#include "core/clock.h"
#include "core/file.h"
#include "core/limits.h"
#include "historian/wal_code.h"

struct wal;

/* What one append gives to the log. `payload` holds `batch_count` written batches. */
struct wal_frame {
    struct buf payload;
    uint32_t payload_crc;
    uint32_t batch_count;
    uint64_t first_seq; // Set by wal_write.
    uint8_t head[WAL_FRAME_HEAD_BYTES];
};

struct wal_counts {
    uint64_t bytes;
    uint64_t sync_count;
    uint64_t sync_ns;
};

typedef void wal_notice(void *context, const struct err *what);

struct wal_recovery {
    uint64_t sealed_seq; // Batches up to here are in segments: only their heads are read.
    uint64_t file_bytes; // A log file ends at about so many; 0: 16 MB.
    int (*each)(void *context, struct batch *batch, struct err *err);
    wal_notice *notice;
    void *context;
    uint64_t torn_bytes; // Result.
};

/* Reads what is there: hands on each batch above sealed_seq in order, cuts a torn tail, reports
 * damage as notices and reads on behind it. Everything handed on is synced first. */
int wal_open(struct files *files, const struct clock *clock, const char *dir,
    struct wal_recovery *recovery, struct wal **ret_wal, struct err *err);
/* Closes; when `passed_seq` covers everything, the log leaves the disk. NULL is allowed. */
void wal_close(struct wal *wal, uint64_t passed_seq);

/* Gives the batches their sequence numbers, writes them all as one frame and syncs it. On failure
 * nothing stands. */
int wal_write(struct wal *wal, struct wal_frame *const *frames, uint32_t count, struct err *err);
/* The last durable number; 0: none. */
uint64_t wal_seq(struct wal *wal);
/* Lets files go whose batches are all <= passed_seq. */
void wal_release(struct wal *wal, uint64_t passed_seq);
void wal_counts(struct wal *wal, struct wal_counts *ret_counts);

/* ---- Reading in order ---- */

/* Every batch above this number is there. */
uint64_t wal_kept_seq(struct wal *wal);

struct wal_reader;
/* Reads frames that hold batches above `seq`. ERR_NOT_FOUND when they are gone. */
int wal_reader_open(struct wal *wal, uint64_t seq, struct wal_reader **ret_reader, struct err *err);
/* 1: a frame (payload borrowed until the next call); 0: no more at present. */
int wal_reader_next(struct wal_reader *reader, struct wal_frame_head *ret_head,
    struct reader *ret_payload, struct err *err);
void wal_reader_close(struct wal_reader *reader);

/* ---- Files, also of a log that is not open (verify) ---- */

/* One log file being read. `limit`: bytes that count. */
struct wal_file {
    int fd;
    char path[LIMIT_PATH_BYTES];
    uint64_t number;
    uint64_t limit;
    uint64_t offset;
    struct buf payload;
};

enum wal_step {
    WAL_STEP_FRAME,   // A frame; the payload is there if asked for.
    WAL_STEP_END,     // Nothing was written from here on.
    WAL_STEP_DAMAGED, // Bytes that are no frame, or a frame whose payload is damaged.
};

int wal_file_open(struct files *files, const char *dir, const char *name, struct wal_file *ret_file,
    struct err *err);
void wal_file_close(struct wal_file *file);
/* Looks at the frame at file->offset and moves behind it; stays where it is on END and DAMAGED. */
int wal_file_step(struct wal_file *file, bool want_payload, struct wal_frame_head *ret_head,
    enum wal_step *ret_step, struct err *err);
/* Moves to the next readable frame behind a damaged place; false when there is none. */
int wal_file_skip(struct wal_file *file, bool *ret_found, struct err *err);
/* The number in a name like "wal-000000000000001f.log"; false for other names. */
bool wal_name_parse(const char *name, uint64_t *ret_number);

#endif
