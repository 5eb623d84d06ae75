/*
 * One state of a history, held still while it is copied.
 *
 * Rows. What is in memory is frozen and sealed by the sealing thread as always, so nobody waits for
 * it but the snapshot: appends go on into the other half of the memory. Once the frozen rows are a
 * segment, the manifest of that moment names segments that hold exactly the rows up to its sealed
 * number. Each is counted and open: a merge may replace it and remove its name, its bytes stay
 * readable through the descriptor.
 *
 * Log. A consumer's cursor (in the ledger, copied apart) may stand below the sealed number; the
 * batches between must come along, or their strokes would never be counted. From hist_snapshot_open
 * on the log therefore lets nothing go above what was passed then; the frames between that number
 * and the sealed one are written as log files of the copy, numbered from 1. The consumers' numbers
 * in the copied manifest are set back to it, so that opening the copy keeps those files.
 */
#include <stdio.h>

#include "core/check.h"
#include "core/mem.h"
#include "historian/store.h"

enum { SNAPSHOT_LOG_BYTES = 16 << 20 }; // A log file of the copy ends at about this size.

struct hist_snapshot {
    struct historian *historian;
    uint64_t hold_seq;
    struct view *view; // Segments only; NULL before the first take.
    struct manifest manifest;
};

int hist_snapshot_open(
    struct historian *historian, struct hist_snapshot **ret_snapshot, struct err *err) {
    (void)err; // Nothing here fails today; callers need not know that.
    struct hist_snapshot *snapshot = MEM_NEW(struct hist_snapshot);
    snapshot->historian = historian;
    manifest_init(&snapshot->manifest);
    mutex_lock(&historian->state_mutex);
    /* With a hold that stands already this is that one's number. */
    historian->hold_seq = store_passed_seq_locked(historian);
    historian->hold_count++;
    snapshot->hold_seq = historian->hold_seq;
    mutex_unlock(&historian->state_mutex);
    *ret_snapshot = snapshot;
    return 0;
}

/* Freezes what is in memory now; *ret_seq is the last number that must be sealed. */
static int freeze_all(struct historian *historian, uint64_t *ret_seq, struct err *err) {
    commit_lead(historian);
    int rc = 0;
    if (!store_freeze(historian) && memtable_seq(historian->active) > 0) {
        rc = commit_room_wait(historian, err); // The half before is still being sealed.
        (void)(rc == 0 && store_freeze(historian));
    }
    *ret_seq = hist_seq(historian);
    commit_leave(historian);
    return rc;
}

static int seal_wait(struct historian *historian, uint64_t seq, struct err *err) {
    if (!historian->threaded) {
        return seal_frozen(historian, err);
    }
    mutex_lock(&historian->state_mutex);
    while (historian->manifest.sealed_seq < seq && historian->view->frozen != NULL &&
           historian->seal_rc == 0 && !historian->stopping) {
        (void)cond_wait_until(&historian->state_changed, &historian->state_mutex, INT64_MAX);
    }
    int rc = historian->manifest.sealed_seq < seq ? historian->seal_rc : 0;
    if (rc < 0 && err != NULL) {
        *err = historian->seal_err;
    }
    mutex_unlock(&historian->state_mutex);
    return rc;
}

int hist_snapshot_take(struct hist_snapshot *snapshot, struct err *err) {
    struct historian *historian = snapshot->historian;
    uint64_t seq = 0;
    int rc = freeze_all(historian, &seq, err);
    rc = rc < 0 ? rc : seal_wait(historian, seq, err);
    if (rc < 0) {
        return rc;
    }
    view_unref(snapshot->view);
    manifest_fini(&snapshot->manifest);
    store_care_begin(historian); // Nobody changes segments or manifest: the two agree.
    mutex_lock(&historian->state_mutex);
    manifest_copy(&snapshot->manifest, &historian->manifest);
    mutex_unlock(&historian->state_mutex);
    snapshot->view = store_view_sealed(historian);
    store_care_end(historian);
    for (uint32_t i = 0; i < snapshot->manifest.consumer_count; i++) {
        struct consumer *consumer = &snapshot->manifest.consumers[i];
        consumer->seq = consumer->seq > snapshot->hold_seq ? snapshot->hold_seq : consumer->seq;
    }
    return 0;
}

uint64_t hist_snapshot_seq(const struct hist_snapshot *snapshot) {
    return snapshot->manifest.sealed_seq;
}

uint64_t hist_snapshot_bytes(const struct hist_snapshot *snapshot) {
    uint64_t bytes = 0;
    for (uint32_t i = 0; i < snapshot->view->segment_count; i++) {
        bytes += segment_info(snapshot->view->segments[i])->bytes;
    }
    for (uint32_t i = 0; i < snapshot->view->aged_count; i++) {
        bytes += aged_info(snapshot->view->aged[i])->bytes;
    }
    return bytes;
}

/* ---- Parts ---- */

struct parts {
    struct hist_snapshot *snapshot;
    int (*each)(void *context, const struct hist_part *part, struct err *err);
    void *context;
    struct buf log; // The present log file of the copy.
    uint64_t log_number;
};

static int give_manifest(struct parts *parts, struct err *err) {
    AUTO_BUF struct buf bytes;
    buf_init(&bytes, MANIFEST_BYTES_MAX);
    manifest_put(&bytes, &parts->snapshot->manifest);
    if (bytes.overflow) {
        return err_set(err, ERR_LIMIT, MSG_MANIFEST_LARGE, NO_ARGS);
    }
    struct hist_part part = {.name = "manifest", .bytes = bytes.data, .fd = -1, .size = bytes.size};
    return parts->each(parts->context, &part, err);
}

static int give_segments(struct parts *parts, struct err *err) {
    const struct view *view = parts->snapshot->view;
    int rc = 0;
    for (uint32_t i = 0; i < view->segment_count && rc >= 0; i++) {
        const struct segment_info *info = segment_info(view->segments[i]);
        struct hist_part part = {.fd = segment_fd(view->segments[i]), .size = info->bytes};
        segment_name(info->id, part.name);
        rc = parts->each(parts->context, &part, err);
    }
    for (uint32_t i = 0; i < view->aged_count && rc >= 0; i++) {
        const struct aged_info *info = aged_info(view->aged[i]);
        struct hist_part part = {.fd = aged_fd(view->aged[i]), .size = info->bytes};
        aged_name(info->id, part.name);
        rc = parts->each(parts->context, &part, err);
    }
    return rc;
}

static int give_log(struct parts *parts, struct err *err) {
    if (parts->log.size == 0) {
        return 0;
    }
    struct hist_part part = {.bytes = parts->log.data, .fd = -1, .size = parts->log.size};
    (void)snprintf(
        part.name, sizeof part.name, "wal-%016llx.log", (unsigned long long)parts->log_number);
    int rc = parts->each(parts->context, &part, err);
    buf_clear(&parts->log);
    return rc;
}

static int add_frame(struct parts *parts, const struct wal_frame_head *frame,
    const struct reader *payload, struct err *err) {
    if (parts->log.size > SNAPSHOT_LOG_BYTES) {
        int rc = give_log(parts, err);
        if (rc < 0) {
            return rc;
        }
    }
    if (parts->log.size == 0) {
        struct wal_file_head head = {.number = ++parts->log_number, .first_seq = frame->first_seq};
        uint8_t bytes[WAL_FILE_HEAD_BYTES];
        wal_file_head_write(bytes, &head);
        buf_put(&parts->log, bytes, sizeof bytes);
    }
    struct wal_frame_head head = *frame;
    head.file = (uint32_t)parts->log_number;
    uint8_t bytes[WAL_FRAME_HEAD_BYTES];
    wal_frame_head_write(bytes, &head);
    buf_put(&parts->log, bytes, sizeof bytes);
    buf_put(&parts->log, payload->data, payload->size);
    return parts->log.overflow
               ? err_set(err, ERR_LIMIT, MSG_APPEND_TOO_LARGE, ARGS(A_INT(WAL_FRAME_BYTES_MAX)))
               : 0;
}

static int give_logs(struct parts *parts, struct err *err) {
    struct hist_snapshot *snapshot = parts->snapshot;
    struct wal_reader *reader = NULL;
    if (snapshot->hold_seq >= snapshot->manifest.sealed_seq) {
        return 0;
    }
    int rc = wal_reader_open(snapshot->historian->wal, snapshot->hold_seq, &reader, err);
    struct wal_frame_head head;
    struct reader payload;
    while (rc >= 0 && (rc = wal_reader_next(reader, &head, &payload, err)) > 0) {
        if (head.first_seq > snapshot->manifest.sealed_seq) {
            break; // Frozen between appends: a frame lies on one side as a whole.
        }
        rc = add_frame(parts, &head, &payload, err);
    }
    wal_reader_close(reader);
    return rc < 0 ? rc : give_log(parts, err);
}

int hist_snapshot_parts(struct hist_snapshot *snapshot,
    int (*each)(void *context, const struct hist_part *part, struct err *err), void *context,
    struct err *err) {
    CHECK(snapshot->view != NULL);
    struct parts parts = {.snapshot = snapshot, .each = each, .context = context};
    buf_init(&parts.log, SNAPSHOT_LOG_BYTES + WAL_FRAME_BYTES_MAX + 4096);
    int rc = give_segments(&parts, err);
    rc = rc < 0 ? rc : give_logs(&parts, err);
    rc = rc < 0 ? rc : give_manifest(&parts, err);
    buf_fini(&parts.log);
    return rc < 0 ? rc : 0;
}

int hist_snapshot_scan(struct hist_snapshot *snapshot, const struct hist_scan_options *options,
    struct hist_scan **ret_scan, struct err *err) {
    CHECK(snapshot->view != NULL);
    atomic_fetch_add_explicit(&snapshot->view->references, 1, memory_order_relaxed);
    return scan_open_view(snapshot->view, options, ret_scan, err);
}

void hist_snapshot_close(struct hist_snapshot *snapshot) {
    if (snapshot == NULL) {
        return;
    }
    struct historian *historian = snapshot->historian;
    mutex_lock(&historian->state_mutex);
    historian->hold_count--;
    mutex_unlock(&historian->state_mutex);
    store_log_release(historian);
    view_unref(snapshot->view);
    manifest_fini(&snapshot->manifest);
    mem_free(snapshot);
}
