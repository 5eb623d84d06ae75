/*
 * Reading durable batches in order: frames of the log, cut into their batches.
 *
 * The log's reader pins its file, so sealing cannot take it away underneath; what is durable only
 * grows, so a reader that came to the end may simply ask again.
 */
#include "core/mem.h"
#include "historian/store.h"

struct hist_replay {
    struct wal_reader *reader;
    uint64_t after_seq;
    struct batch *batch;
    struct wal_frame_head head;
    struct reader payload;
    uint32_t batches_left; // In the present frame.
};

uint64_t hist_kept_seq(struct historian *historian) {
    return wal_kept_seq(historian->wal);
}

int hist_replay_open(
    struct historian *historian, uint64_t seq, struct hist_replay **ret_replay, struct err *err) {
    struct wal_reader *reader = NULL;
    int rc = wal_reader_open(historian->wal, seq, &reader, err);
    if (rc < 0) {
        return rc;
    }
    struct hist_replay *replay = MEM_NEW(struct hist_replay);
    replay->reader = reader;
    replay->after_seq = seq;
    *ret_replay = replay;
    return 0;
}

int hist_replay_next(struct hist_replay *replay, const struct batch **ret_batch, struct err *err) {
    for (;;) {
        if (replay->batches_left == 0) {
            int rc = wal_reader_next(replay->reader, &replay->head, &replay->payload, err);
            if (rc <= 0) {
                return rc;
            }
            replay->batches_left = replay->head.batch_count;
        }
        uint32_t index = replay->head.batch_count - replay->batches_left;
        int rc = wal_batch_read(&replay->payload, &replay->batch, err);
        if (rc <
            0) { // Opening named it (wal.c): who follows the log must not stand before it for ever.
            err_clear(err);
            replay->batches_left = 0;
            continue;
        }
        replay->batches_left--;
        replay->batch->seq = replay->head.first_seq + index;
        if (replay->batch->seq > replay->after_seq) {
            *ret_batch = replay->batch;
            return 1;
        }
    }
}

void hist_replay_close(struct hist_replay *replay) {
    if (replay == NULL) {
        return;
    }
    wal_reader_close(replay->reader);
    batch_free(replay->batch);
    mem_free(replay);
}
