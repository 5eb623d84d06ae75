/*
 * What the parts of an open historian share: the published view, notices, the care role, and the
 * manifest in use.
 *
 * A view is immutable. Whoever reads takes a reference under the state lock (two instructions of
 * work) and then needs no lock at all: segments do not change, a memtable is only added to. Whoever
 * changes something builds a new view and swaps it; the old one goes with its last reader.
 */
#include "historian/store.h"

#include "core/check.h"
#include "core/mem.h"

struct view *store_view(struct historian *historian) {
    mutex_lock(&historian->state_mutex);
    struct view *view = historian->view;
    atomic_fetch_add_explicit(&view->references, 1, memory_order_relaxed);
    mutex_unlock(&historian->state_mutex);
    return view;
}

void view_unref(struct view *view) {
    if (view == NULL ||
        atomic_fetch_sub_explicit(&view->references, 1, memory_order_acq_rel) != 1) {
        return;
    }
    for (uint32_t i = 0; i < view->segment_count; i++) {
        segment_unref(view->segments[i]);
    }
    for (uint32_t i = 0; i < view->aged_count; i++) {
        aged_unref(view->aged[i]);
    }
    mem_free(view->segments);
    mem_free(view->aged);
    memtable_unref(view->frozen);
    memtable_unref(view->active);
    horizons_unref(view->horizons);
    horizons_unref(view->aged_horizons);
    mem_free(view);
}

static struct segment **segments_copy(const struct view *view) {
    struct segment **to = mem_alloc((view->segment_count + 1) * sizeof *to);
    for (uint32_t i = 0; i < view->segment_count; i++) {
        to[i] = segment_ref(view->segments[i]);
    }
    return to;
}

static struct aged **aged_copy(const struct view *view) {
    struct aged **to = mem_alloc((view->aged_count + 1) * sizeof *to);
    for (uint32_t i = 0; i < view->aged_count; i++) {
        to[i] = aged_ref(view->aged[i]);
    }
    return to;
}

struct view *store_view_sealed(struct historian *historian) {
    struct view *view = MEM_NEW(struct view);
    atomic_init(&view->references, 1);
    view->decoders = historian->decoders;
    mutex_lock(&historian->state_mutex);
    view->segments = segments_copy(historian->view);
    view->segment_count = historian->view->segment_count;
    view->aged = aged_copy(historian->view);
    view->aged_count = historian->view->aged_count;
    view->horizons = horizons_ref(historian->view->horizons);
    view->aged_horizons = horizons_ref(historian->view->aged_horizons);
    mutex_unlock(&historian->state_mutex);
    return view;
}

void store_publish(struct historian *historian, const struct view_change *change) {
    struct view *old = historian->view;
    struct view *view = MEM_NEW(struct view);
    atomic_init(&view->references, 1);
    view->decoders = historian->decoders;
    view->segments = change->set_segments ? change->segments : segments_copy(old);
    view->segment_count = change->set_segments ? change->segment_count : old->segment_count;
    view->aged = change->set_aged ? change->aged : aged_copy(old);
    view->aged_count = change->set_aged ? change->aged_count : old->aged_count;
    CHECK(!(change->freeze && old->frozen != NULL));
    if (change->freeze) {
        view->frozen = memtable_ref(old->active);
        view->active = memtable_new(historian->regions);
        historian->active = view->active;
    } else {
        view->active = memtable_ref(old->active);
        if (old->frozen != NULL && !change->drop_frozen) {
            view->frozen = memtable_ref(old->frozen);
        }
    }
    view->horizons = horizons_ref(change->horizons != NULL ? change->horizons : old->horizons);
    view->aged_horizons =
        horizons_ref(change->aged_horizons != NULL ? change->aged_horizons : old->aged_horizons);
    historian->view = view;
    view_unref(old);
}

void store_notice(struct historian *historian, const struct err *what) {
    mutex_lock(&historian->state_mutex);
    if (historian->notice_count < HIST_NOTICES_MAX) {
        historian->notices[historian->notice_count++] = *what;
    }
    mutex_unlock(&historian->state_mutex);
}

struct segment_place store_place(struct historian *historian) {
    return (struct segment_place){.files = historian->files,
        .dir = historian->dir,
        .sink = {.damaged = store_damaged, .context = historian},
        .cache = historian->index_cache};
}

void store_damaged(void *context, const struct err *what) {
    struct historian *historian = context;
    mutex_lock(&historian->state_mutex);
    historian->damaged_blocks++;
    mutex_unlock(&historian->state_mutex);
    store_notice(historian, what);
}

void store_care_begin(struct historian *historian) {
    mutex_lock(&historian->state_mutex);
    while (historian->caring) {
        (void)cond_wait_until(&historian->state_changed, &historian->state_mutex, INT64_MAX);
    }
    historian->caring = true;
    mutex_unlock(&historian->state_mutex);
}

void store_care_end(struct historian *historian) {
    mutex_lock(&historian->state_mutex);
    historian->caring = false;
    cond_broadcast(&historian->state_changed);
    mutex_unlock(&historian->state_mutex);
}

int store_manifest_set(struct historian *historian, struct manifest *manifest, struct err *err) {
    int rc = manifest_write(historian->files, historian->dir, manifest, err);
    if (rc < 0) {
        manifest_fini(manifest);
        return rc;
    }
    mutex_lock(&historian->state_mutex);
    /* Consumers move without a write; the newer positions stay. */
    for (uint32_t i = 0; i < manifest->consumer_count; i++) {
        for (uint32_t j = 0; j < historian->manifest.consumer_count; j++) {
            const struct consumer *now = &historian->manifest.consumers[j];
            if (str_eq(str_of(now->name), str_of(manifest->consumers[i].name)) &&
                now->seq > manifest->consumers[i].seq) {
                manifest->consumers[i].seq = now->seq;
            }
        }
    }
    manifest_fini(&historian->manifest);
    historian->manifest = *manifest;
    mutex_unlock(&historian->state_mutex);
    return 0;
}

uint64_t store_passed_seq_locked(struct historian *historian) {
    uint64_t seq = historian->manifest.sealed_seq;
    for (uint32_t i = 0; i < historian->manifest.consumer_count; i++) {
        uint64_t consumed = historian->manifest.consumers[i].seq;
        seq = consumed < seq ? consumed : seq;
    }
    return historian->hold_count > 0 && historian->hold_seq < seq ? historian->hold_seq : seq;
}

uint64_t store_passed_seq(struct historian *historian) {
    mutex_lock(&historian->state_mutex);
    uint64_t seq = store_passed_seq_locked(historian);
    mutex_unlock(&historian->state_mutex);
    return seq;
}

void store_log_release(struct historian *historian) {
    wal_release(historian->wal, store_passed_seq(historian));
}

bool store_freeze(struct historian *historian) {
    mutex_lock(&historian->state_mutex);
    bool can = historian->view->frozen == NULL && memtable_seq(historian->view->active) > 0;
    if (can) {
        historian->frozen_before_ns = historian->frozen_ns;
        historian->frozen_ns = clock_mono_ns(clock_system());
        store_publish(historian, &(struct view_change){.freeze = true});
        cond_broadcast(&historian->state_changed);
    }
    mutex_unlock(&historian->state_mutex);
    return can;
}
