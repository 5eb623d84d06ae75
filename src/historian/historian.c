/*
 * Opening, closing, and the small questions.
 *
 * A history folder is held by one process (flock on `lock`; the lock goes with the process, so a
 * killed one leaves nothing behind). Opening recovers (recovery.c), then starts the one thread that
 * seals and merges. Closing seals what is in memory: not needed for safety, the log has it, but it
 * makes the next opening shorter and the folder smaller.
 */
#include "historian/historian.h"

#include <errno.h>
#include <stdio.h>
#include <sys/file.h>

#include "core/check.h"
#include "core/mem.h"
#include "historian/rollup.h"
#include "historian/store.h"

static int store_lock(struct historian *historian, struct err *err) {
    char path[LIMIT_PATH_BYTES];
    (void)snprintf(path, sizeof path, "%s/lock", historian->dir);
    int rc = file_open(historian->files, path, FILE_WRITE, &historian->lock_fd, err);
    if (rc < 0) {
        return rc;
    }
    if (flock(historian->lock_fd, LOCK_EX | LOCK_NB) != 0) {
        return errno == EWOULDBLOCK
                   ? err_set(err, ERR_LOCKED, MSG_HISTORY_LOCKED, ARGS(A_CSTR(historian->dir)))
                   : err_set_errno(err, errno, str_of(path));
    }
    return 0;
}

static struct historian *store_new(const struct hist_options *options) {
    struct historian *historian = MEM_NEW(struct historian);
    historian->files = options->files != NULL ? options->files : files_system();
    historian->clock = options->clock != NULL ? options->clock : clock_system();
    (void)str_copy_z(str_of(options->dir), historian->dir, sizeof historian->dir);
    historian->memory_bytes = options->memory_bytes > 0 ? options->memory_bytes : HIST_MEMORY_BYTES;
    historian->log_file_bytes = options->log_file_bytes;
    historian->threaded = !options->no_thread;
    historian->lock_fd = -1;
    historian->regions = region_pool_new(2 * historian->memory_bytes);
    historian->index_cache =
        index_cache_new(options->index_bytes > 0 ? options->index_bytes : HIST_INDEX_BYTES);
    historian->decoders = decoder_pool_new();
    historian->last = last_new();
    historian->notices = MEM_ARRAY(struct err, HIST_NOTICES_MAX);
    mutex_init(&historian->commit_mutex);
    cond_init(&historian->commit_changed);
    mutex_init(&historian->state_mutex);
    cond_init(&historian->state_changed);
    manifest_init(&historian->manifest);
    struct view *view = MEM_NEW(struct view);
    atomic_init(&view->references, 1);
    view->segments = MEM_ARRAY(struct segment *, 1);
    view->active = memtable_new(historian->regions);
    view->aged = MEM_ARRAY(struct aged *, 1);
    view->horizons = horizons_ref(historian->manifest.horizons);
    view->aged_horizons = horizons_ref(historian->manifest.aged_horizons);
    view->decoders = historian->decoders;
    historian->view = view;
    historian->active = view->active;
    return historian;
}

static void store_free(struct historian *historian) {
    view_unref(historian->view);
    manifest_fini(&historian->manifest);
    region_pool_free(historian->regions);
    index_cache_free(historian->index_cache);
    decoder_pool_free(historian->decoders);
    last_free(historian->last);
    for (uint32_t i = 0; i < historian->idle_frame_count; i++) {
        buf_fini(&historian->idle_frames[i]->payload);
        mem_free(historian->idle_frames[i]);
    }
    mem_free(historian->notices);
    mutex_fini(&historian->commit_mutex);
    cond_fini(&historian->commit_changed);
    mutex_fini(&historian->state_mutex);
    cond_fini(&historian->state_changed);
    if (historian->lock_fd >= 0) {
        file_close(historian->lock_fd);
    }
    mem_free(historian);
}

int hist_open(
    const struct hist_options *options, struct historian **ret_historian, struct err *err) {
    struct historian *historian = store_new(options);
    int rc = dir_create(historian->files, historian->dir, err);
    rc = rc < 0 ? rc : store_lock(historian, err);
    rc = rc < 0 ? rc : recover(historian, err);
    if (rc < 0) {
        wal_close(historian->wal, 0);
        store_free(historian);
        (void)err_context(err, MSG_HISTORY_OPENING, ARGS(A_CSTR(options->dir)));
        return rc;
    }
    if (historian->threaded) {
        thread_start(&historian->sealer, "hist-seal", seal_thread, historian);
    }
    *ret_historian = historian;
    return 0;
}

void hist_close(struct historian *historian) {
    if (historian == NULL) {
        return;
    }
    mutex_lock(&historian->state_mutex);
    historian->stopping = true;
    cond_broadcast(&historian->state_changed);
    mutex_unlock(&historian->state_mutex);
    thread_join(&historian->sealer);
    CHECK(historian->first == NULL && !historian->leading);
    (void)hist_seal(historian, NULL); // The log has what could not be sealed.
    wal_close(historian->wal, store_passed_seq(historian));
    store_free(historian);
}

int hist_seal(struct historian *historian, struct err *err) {
    commit_lead(historian);
    int rc = commit_room_wait(historian, err);
    if (rc < 0) {
        rc = seal_frozen(historian, err); // What failed before may work now.
    }
    if (rc == 0 && store_freeze(historian)) {
        rc = commit_room_wait(historian, err); // The thread seals, also while it merges.
    }
    commit_leave(historian);
    return rc;
}

int hist_merge(struct historian *historian, struct err *err) {
    return merge_step(historian, MERGE_ALL, err);
}

uint64_t hist_seq(struct historian *historian) {
    mutex_lock(&historian->state_mutex);
    uint64_t seq = historian->seq;
    mutex_unlock(&historian->state_mutex);
    return seq;
}

bool hist_wait(struct historian *historian, uint64_t seq, int64_t deadline_mono_ns) {
    mutex_lock(&historian->state_mutex);
    bool in_time = true;
    while (historian->seq <= seq && in_time && !historian->stopping) {
        in_time =
            cond_wait_until(&historian->state_changed, &historian->state_mutex, deadline_mono_ns);
    }
    bool more = historian->seq > seq;
    mutex_unlock(&historian->state_mutex);
    return more;
}

/* ---- Consumers ---- */

static struct consumer *consumer_find(struct manifest *manifest, struct str name) {
    for (uint32_t i = 0; i < manifest->consumer_count; i++) {
        if (str_eq(str_of(manifest->consumers[i].name), name)) {
            return &manifest->consumers[i];
        }
    }
    return NULL;
}

/* Moves a known consumer; false when it is not known. */
static bool consumer_move(struct historian *historian, struct str name, uint64_t seq) {
    mutex_lock(&historian->state_mutex);
    struct consumer *consumer = consumer_find(&historian->manifest, name);
    if (consumer != NULL && seq > consumer->seq) {
        consumer->seq = seq;
    }
    mutex_unlock(&historian->state_mutex);
    return consumer != NULL;
}

static void manifest_now(struct historian *historian, struct manifest *ret_manifest) {
    mutex_lock(&historian->state_mutex);
    manifest_copy(ret_manifest, &historian->manifest);
    mutex_unlock(&historian->state_mutex);
}

/* A known consumer's position is only written with the next change of the manifest: an older one
 * merely keeps more of the log. */
int hist_consumer_keep(
    struct historian *historian, struct str name, uint64_t seq, struct err *err) {
    if (!str_is_id(name)) {
        return err_set(err, ERR_INVALID, MSG_CONSUMER_NAME, ARGS(A_STR(name)));
    }
    if (consumer_move(historian, name, seq)) {
        store_log_release(historian);
        return 0;
    }
    store_care_begin(historian);
    int rc = 0;
    if (!consumer_move(historian, name, seq)) {
        struct manifest manifest;
        manifest_now(historian, &manifest);
        if (manifest.consumer_count == MANIFEST_CONSUMERS_MAX) {
            manifest_fini(&manifest);
            rc = err_set(err, ERR_LIMIT, MSG_CONSUMERS_FULL, ARGS(A_INT(MANIFEST_CONSUMERS_MAX)));
        } else {
            struct consumer *to = &manifest.consumers[manifest.consumer_count++];
            *to = (struct consumer){.seq = seq};
            (void)str_copy_z(name, to->name, sizeof to->name);
            rc = store_manifest_set(historian, &manifest, err);
        }
    }
    store_care_end(historian);
    return rc;
}

int hist_consumer_forget(struct historian *historian, struct str name, struct err *err) {
    store_care_begin(historian);
    struct manifest manifest;
    manifest_now(historian, &manifest);
    struct consumer *consumer = consumer_find(&manifest, name);
    int rc = 0;
    if (consumer == NULL) {
        manifest_fini(&manifest);
    } else {
        *consumer = manifest.consumers[--manifest.consumer_count];
        rc = store_manifest_set(historian, &manifest, err);
    }
    store_care_end(historian);
    if (rc == 0) {
        store_log_release(historian);
    }
    return rc;
}

/* Roll-ups go with the rows. Their bound stands on whole hours, so that no cell is cut: up, where
 * the rows of that hour are rolled up already, else down. */
static struct horizons *aged_expire(const struct horizons *aged, const struct horizons *raw,
    const struct hist_expiry *expiries, uint32_t count) {
    const int64_t hour_ns = rollup_ns[ROLLUP_LEVELS - 1];
    AUTO_FREE struct hist_expiry *whole = MEM_ARRAY(struct hist_expiry, count + 1);
    for (uint32_t i = 0; i < count; i++) {
        int64_t before_ns = expiries[i].before_ns;
        before_ns = before_ns < HIST_TIME_MIN ? HIST_TIME_MIN : before_ns;
        before_ns = before_ns > HIST_TIME_MAX ? HIST_TIME_MAX : before_ns;
        int64_t start_ns = rollup_start(before_ns, hour_ns);
        bool rolled_up = expiries[i].tag == 0 || before_ns < horizons_of(raw, expiries[i].tag);
        bool up = rolled_up && start_ns < before_ns;
        whole[i] = (struct hist_expiry){
            .tag = expiries[i].tag, .before_ns = start_ns + (up ? hour_ns : 0)};
    }
    uint32_t moved = 0;
    return horizons_with(aged, whole, count, &moved);
}

int hist_expire_many(struct historian *historian, const struct hist_expiry *expiries,
    uint32_t count, struct err *err) {
    store_care_begin(historian);
    struct manifest manifest;
    manifest_now(historian, &manifest);
    uint32_t moved = 0;
    struct horizons *horizons = horizons_with(manifest.horizons, expiries, count, &moved);
    horizons_unref(manifest.horizons);
    manifest.horizons = horizons;
    struct horizons *aged =
        aged_expire(manifest.aged_horizons, historian->manifest.horizons, expiries, count);
    horizons_unref(manifest.aged_horizons);
    manifest.aged_horizons = aged;
    int rc = 0;
    if (moved == 0 && manifest.aged_count == 0) {
        manifest_fini(&manifest);
    } else {
        rc = store_manifest_set(historian, &manifest, err);
    }
    if (rc == 0) {
        mutex_lock(&historian->state_mutex);
        struct view_change change = {.horizons = historian->manifest.horizons,
            .aged_horizons = historian->manifest.aged_horizons};
        store_publish(historian, &change);
        mutex_unlock(&historian->state_mutex);
    }
    store_care_end(historian);
    return rc < 0 ? rc : (int)moved;
}

int hist_expire(struct historian *historian, uint32_t tag, int64_t before_ns, struct err *err) {
    struct hist_expiry one = {.tag = tag, .before_ns = before_ns};
    int rc = hist_expire_many(historian, &one, 1, err);
    return rc < 0 ? rc : 0;
}

void hist_horizon(struct historian *historian, uint32_t tag, struct hist_horizon *ret_horizon) {
    struct view *view = store_view(historian);
    struct hist_horizon horizon = {.raw_ns = horizons_of(view->horizons, tag)};
    horizon.rollup_ns = horizon.raw_ns;
    for (uint32_t i = 0; i < view->aged_count; i++) {
        const struct tag_entry *entry = aged_find(view->aged[i], tag);
        if (entry != NULL && entry->min_ns < horizon.rollup_ns) {
            horizon.rollup_ns = entry->min_ns;
        }
    }
    int64_t aged_ns = horizons_of(view->aged_horizons, tag);
    if (aged_ns > horizon.rollup_ns) {
        horizon.rollup_ns = aged_ns < horizon.raw_ns ? aged_ns : horizon.raw_ns;
    }
    view_unref(view);
    *ret_horizon = horizon;
}

/* ---- Status ---- */

void hist_status(struct historian *historian, struct hist_status *ret_status) {
    struct wal_counts counts;
    wal_counts(historian->wal, &counts);
    mutex_lock(&historian->state_mutex);
    const struct view *view = historian->view;
    struct hist_status status = {.seq = historian->seq,
        .segment_count = view->segment_count,
        .log_bytes = counts.bytes,
        .memory_bytes = memtable_bytes(view->active),
        .rows = memtable_rows(view->active),
        .appended_rows = historian->appended_rows,
        .sync_count = counts.sync_count,
        .sync_ns = counts.sync_ns,
        .torn_bytes_cut = historian->torn_bytes_cut,
        .damaged_blocks = historian->damaged_blocks,
        .disk_full = historian->disk_full,
        .disk_full_since_ns = historian->disk_full ? historian->disk_full_since_ns : 0};
    if (view->frozen != NULL) {
        status.memory_bytes += memtable_bytes(view->frozen);
        status.rows += memtable_rows(view->frozen);
    }
    for (uint32_t i = 0; i < view->aged_count; i++) {
        status.rollup_bytes += aged_info(view->aged[i])->bytes;
    }
    for (uint32_t i = 0; i < view->segment_count; i++) {
        status.segment_bytes += segment_info(view->segments[i])->bytes;
        status.rows += segment_info(view->segments[i])->rows;
    }
    mutex_unlock(&historian->state_mutex);
    *ret_status = status;
}

void hist_notices(struct historian *historian, void (*each)(void *context, const struct err *what),
    void *context) {
    AUTO_FREE struct err *copy = MEM_ARRAY(struct err, HIST_NOTICES_MAX);
    mutex_lock(&historian->state_mutex);
    uint32_t count = historian->notice_count;
    memcpy(copy, historian->notices, count * sizeof *copy);
    mutex_unlock(&historian->state_mutex);
    for (uint32_t i = 0; i < count; i++) {
        each(context, &copy[i]);
    }
}
