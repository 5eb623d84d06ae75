/*
 * Group commit, led by its callers.
 *
 * Each caller encodes its own frame (in parallel with others), then queues. Who finds the log idle
 * leads: it takes all that wait, up to 64 frames or 8 MB, writes them with one write and one sync,
 * adds the rows to the active memtable in the order of their numbers, and wakes everybody. While it
 * works others queue up, so the busier the log, the larger the groups: two writers need hardly
 * more syncs than one.
 *
 * Memory: before a group is written the leader looks at the active table. When it has half of the
 * memory it is frozen and the sealing thread takes it while the other half fills; when the one
 * before is still being sealed, the leader helps with that until it is done, and everybody waits
 * with it. If sealing fails (a full disk) the group is refused.
 */
#include "core/hash.h"
#include "core/mem.h"
#include "historian/seal_rows.h"

enum {
    GROUP_FRAMES = 64,
    GROUP_BYTES = 8 << 20,
    GROUP_ROWS = 1 << 20,   // Packed, they can be few bytes; memory is looked at between groups.
    TABLE_TAG_BYTES = 1024, // About sixty rows of 16 bytes.
    TABLE_MORE_MAX = 96 << 20,
};

static struct wal_frame *frame_take(struct historian *historian) {
    struct wal_frame *frame = NULL;
    mutex_lock(&historian->commit_mutex);
    if (historian->idle_frame_count > 0) {
        frame = historian->idle_frames[--historian->idle_frame_count];
    }
    mutex_unlock(&historian->commit_mutex);
    if (frame == NULL) {
        frame = MEM_NEW(struct wal_frame);
        buf_init(&frame->payload, WAL_FRAME_BYTES_MAX);
    }
    buf_clear(&frame->payload);
    return frame;
}

static void frame_give(struct historian *historian, struct wal_frame *frame) {
    mutex_lock(&historian->commit_mutex);
    bool keep =
        historian->idle_frame_count < HIST_FRAMES_IDLE && frame->payload.capacity <= GROUP_BYTES;
    if (keep) {
        historian->idle_frames[historian->idle_frame_count++] = frame;
    }
    mutex_unlock(&historian->commit_mutex);
    if (!keep) {
        buf_fini(&frame->payload);
        mem_free(frame);
    }
}

static bool row_is_valid(const struct batch *batch, const struct sample *row) {
    bool text_fits = row->type != TYPE_TEXT ||
                     (row->value.text.size <= LIMIT_TEXT_VALUE_BYTES &&
                         row->value.text.offset <= batch->text_size &&
                         row->value.text.size <= batch->text_size - row->value.text.offset);
    return row->tag > 0 && row->tag <= HIST_TAG_MAX && row->type >= TYPE_F64 &&
           row->type <= TYPE_TEXT && row->time_ns >= HIST_TIME_MIN &&
           row->time_ns <= HIST_TIME_MAX && text_fits;
}

static int frame_fill(struct wal_frame *frame, struct batch *const *batches, uint32_t count,
    uint64_t *ret_rows, struct err *err) {
    for (uint32_t i = 0; i < count; i++) {
        const struct batch *batch = batches[i];
        for (uint32_t j = 0; j < batch->count; j++) {
            const struct sample *row = &batch->rows[j];
            bool dropped = (row->flags & SAMPLE_DROP) != 0;
            if (!dropped && !row_is_valid(batch, row)) {
                return err_set(err, ERR_INVALID, MSG_APPEND_ROW_INVALID,
                    ARGS(A_INT(j), A_INT(row->tag), A_INT(row->type)));
            }
            *ret_rows += !dropped;
        }
        wal_batch_write(&frame->payload, batch);
    }
    if (frame->payload.overflow) {
        return err_set(err, ERR_LIMIT, MSG_APPEND_TOO_LARGE, ARGS(A_INT(WAL_FRAME_BYTES_MAX)));
    }
    frame->batch_count = count;
    frame->payload_crc = crc32c(0, frame->payload.data, frame->payload.size);
    return 0;
}

int commit_room_wait(struct historian *historian, struct err *err) {
    mutex_lock(&historian->state_mutex);
    if (!historian->threaded || historian->stopping) {
        mutex_unlock(&historian->state_mutex);
        return seal_frozen(historian, err);
    }
    while (historian->view->frozen != NULL && historian->seal_rc == 0) {
        if (!seal_help(historian)) {
            (void)cond_wait_until(&historian->state_changed, &historian->state_mutex, INT64_MAX);
        }
    }
    int rc = historian->view->frozen != NULL ? historian->seal_rc : 0;
    if (rc < 0 && err != NULL) {
        *err = historian->seal_err;
    }
    mutex_unlock(&historian->state_mutex);
    return rc;
}

/* A table of many tags may be larger: sealed with a row or two of each, its segment would be all
 * heads and pages, and merging would write each row again and again. */
static uint64_t table_bytes_max(const struct historian *historian) {
    uint64_t wanted = (uint64_t)memtable_tags(historian->active) * TABLE_TAG_BYTES;
    uint64_t more = wanted < TABLE_MORE_MAX ? wanted : TABLE_MORE_MAX;
    return historian->memory_bytes / 2 + more;
}

static int room_make(struct historian *historian, struct err *err) {
    if (memtable_bytes(historian->active) < table_bytes_max(historian)) {
        return 0;
    }
    if (store_freeze(historian) && historian->threaded) {
        return 0;
    }
    int rc = commit_room_wait(historian, err);
    if (rc == 0) {
        (void)store_freeze(historian); // Without a thread the next append seals it.
    }
    return rc;
}

static void group_apply(struct historian *historian, struct commit *group) {
    uint64_t rows = 0;
    uint64_t seq = 0;
    struct memtable *active = historian->active;
    uint64_t before = memtable_rows(active);
    for (struct commit *commit = group; commit != NULL; commit = commit->next) {
        for (uint32_t i = 0; i < commit->count; i++) {
            seq = commit->frame->first_seq + i;
            commit->batches[i]->seq = seq;
            memtable_add(active, commit->batches[i]);
            last_add(historian->last, commit->batches[i]);
        }
    }
    rows = memtable_rows(active) - before;
    mutex_lock(&historian->state_mutex);
    historian->seq = seq;
    historian->appended_rows += rows;
    historian->disk_full = false;
    cond_broadcast(&historian->state_changed);
    mutex_unlock(&historian->state_mutex);
}

static int group_write(struct historian *historian, struct commit *group, struct err *err) {
    struct wal_frame *frames[GROUP_FRAMES];
    uint32_t count = 0;
    for (struct commit *commit = group; commit != NULL; commit = commit->next) {
        frames[count++] = commit->frame;
    }
    int rc = room_make(historian, err);
    rc = rc < 0 ? rc : wal_write(historian->wal, frames, count, err);
    if (rc < 0) {
        if (rc == -ERR_SPACE) {
            mutex_lock(&historian->state_mutex);
            if (!historian->disk_full) {
                historian->disk_full_since_ns = clock_wall_ns(historian->clock);
            }
            historian->disk_full = true;
            mutex_unlock(&historian->state_mutex);
        }
        (void)err_context(err, MSG_HISTORY_STORING, NO_ARGS); // The code stays.
        return rc;
    }
    group_apply(historian, group);
    return 0;
}

/* Takes the group off the queue. Under the commit lock. */
static struct commit *group_take(struct historian *historian) {
    struct commit *group = historian->first;
    struct commit *tail = group;
    uint64_t bytes = tail->frame->payload.size;
    uint64_t rows = tail->rows;
    for (uint32_t count = 1; tail->next != NULL && count < GROUP_FRAMES; count++) {
        bytes += tail->next->frame->payload.size;
        rows += tail->next->rows;
        if (bytes > GROUP_BYTES || rows > GROUP_ROWS) {
            break;
        }
        tail = tail->next;
    }
    historian->first = tail->next;
    historian->newest = tail->next == NULL ? NULL : historian->newest;
    tail->next = NULL;
    return group;
}

static void group_lead(struct historian *historian) {
    struct commit *group = group_take(historian);
    historian->leading = true;
    mutex_unlock(&historian->commit_mutex);
    struct err err = ERR_INIT;
    int rc = group_write(historian, group, &err);
    mutex_lock(&historian->commit_mutex);
    for (struct commit *commit = group; commit != NULL;) {
        struct commit *next =
            commit->next; // `commit` lives on a stack that may go once it is done.
        if (rc < 0 && commit->err != NULL) {
            *commit->err = err;
        }
        commit->rc = rc;
        commit->done = true;
        commit = next;
    }
    historian->leading = false;
    cond_broadcast(&historian->commit_changed);
}

static int commit_run(struct historian *historian, struct commit *commit) {
    mutex_lock(&historian->commit_mutex);
    if (historian->newest != NULL) {
        historian->newest->next = commit;
    } else {
        historian->first = commit;
    }
    historian->newest = commit;
    while (!commit->done) {
        if (historian->leading) {
            (void)cond_wait_until(&historian->commit_changed, &historian->commit_mutex, INT64_MAX);
        } else {
            group_lead(historian);
        }
    }
    mutex_unlock(&historian->commit_mutex);
    return commit->rc;
}

void commit_lead(struct historian *historian) {
    mutex_lock(&historian->commit_mutex);
    while (historian->leading) {
        (void)cond_wait_until(&historian->commit_changed, &historian->commit_mutex, INT64_MAX);
    }
    historian->leading = true;
    mutex_unlock(&historian->commit_mutex);
}

void commit_leave(struct historian *historian) {
    mutex_lock(&historian->commit_mutex);
    historian->leading = false;
    cond_broadcast(&historian->commit_changed);
    mutex_unlock(&historian->commit_mutex);
}

int hist_append(
    struct historian *historian, struct batch *const *batches, uint32_t count, struct err *err) {
    struct wal_frame *frame = frame_take(historian);
    uint64_t rows = 0;
    int rc = frame_fill(frame, batches, count, &rows, err);
    if (rc == 0 && rows == 0) {
        uint64_t seq = hist_seq(historian); // Nothing to keep: what stands is durable.
        for (uint32_t i = 0; i < count; i++) {
            batches[i]->seq = seq;
        }
    } else if (rc == 0) {
        struct commit commit = {
            .frame = frame, .batches = batches, .count = count, .rows = rows, .err = err};
        rc = commit_run(historian, &commit);
    }
    frame_give(historian, frame);
    return rc;
}
