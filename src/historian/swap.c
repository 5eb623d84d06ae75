/*
 * Changing the set of segments: new file on disk, new manifest, new view, in this order.
 *
 * A crash between the steps leaves a file that no manifest names (removed at the next opening) or a
 * manifest whose file is there. When writing the manifest fails, it is not known which of the two
 * stands on disk (the rename may have happened and its sync not), so the new file must stay too; it
 * is noted as an orphan and removed after the next manifest that was written well.
 */
#include <stdio.h>

#include "core/mem.h"
#include "historian/store.h"

uint64_t store_segment_id(struct historian *historian) {
    mutex_lock(&historian->state_mutex);
    uint64_t id = historian->manifest.next_segment++;
    mutex_unlock(&historian->state_mutex);
    return id;
}

static uint32_t id_index(const struct manifest *manifest, uint64_t id) {
    uint32_t at = 0;
    while (at < manifest->segment_count && manifest->segments[at] != id) {
        at++;
    }
    return at;
}

static void manifest_swap(struct manifest *manifest, const struct segment_swap *swap) {
    uint32_t at = swap->count > 0 ? id_index(manifest, swap->first_id) : manifest->segment_count;
    uint32_t behind = manifest->segment_count - at - swap->count;
    uint32_t placed = swap->id > 0 ? 1 : 0;
    memmove(manifest->segments + at + placed, manifest->segments + at + swap->count,
        behind * sizeof *manifest->segments);
    if (placed > 0) {
        manifest->segments[at] = swap->id;
    }
    manifest->segment_count = manifest->segment_count - swap->count + placed;
    if (swap->sealed_seq > 0) {
        manifest->sealed_seq = swap->sealed_seq;
    }
}

void store_orphans_drop(struct historian *historian) {
    for (uint32_t i = 0; i < historian->orphan_count; i++) {
        char name[32];
        char path[LIMIT_PATH_BYTES];
        segment_name(historian->orphans[i], name);
        (void)snprintf(path, sizeof path, "%s/%s", historian->dir, name);
        (void)file_remove(historian->files, path, NULL); // Else the next opening does.
        aged_name(historian->orphans[i], name);
        (void)snprintf(path, sizeof path, "%s/%s", historian->dir, name);
        (void)file_remove(historian->files, path, NULL);
    }
    historian->orphan_count = 0;
}

/* The view's segments with the change applied; the replaced ones become obsolete. */
static void view_swap(
    struct historian *historian, const struct segment_swap *swap, struct segment *segment) {
    mutex_lock(&historian->state_mutex);
    const struct view *view = historian->view;
    struct view_change change = {.set_segments = true, .drop_frozen = swap->drop_frozen};
    change.segments = mem_alloc((view->segment_count + 1) * sizeof(struct segment *));
    uint32_t replaced = 0;
    for (uint32_t i = 0; i < view->segment_count; i++) {
        struct segment *old = view->segments[i];
        bool first = swap->count > 0 && segment_info(old)->id == swap->first_id;
        if (first || (replaced > 0 && replaced < swap->count)) {
            if (replaced == 0 && segment != NULL) {
                change.segments[change.segment_count++] = segment;
            }
            replaced++;
            segment_obsolete(old);
            continue;
        }
        change.segments[change.segment_count++] = segment_ref(old);
    }
    if (swap->count == 0 && segment != NULL) {
        change.segments[change.segment_count++] = segment;
    }
    store_publish(historian, &change);
    cond_broadcast(&historian->state_changed);
    mutex_unlock(&historian->state_mutex);
}

int store_swap(struct historian *historian, const struct segment_swap *swap, struct err *err) {
    struct segment_place place = store_place(historian);
    struct segment *segment = NULL;
    int rc = dir_sync(historian->files, historian->dir, err);
    if (rc == 0 && swap->id > 0) {
        rc = segment_open(&place, swap->id, &segment, err);
    }
    if (rc < 0) {
        return rc;
    }
    struct manifest manifest;
    mutex_lock(&historian->state_mutex);
    manifest_copy(&manifest, &historian->manifest);
    mutex_unlock(&historian->state_mutex);
    manifest_swap(&manifest, swap);
    rc = store_manifest_set(historian, &manifest, err);
    if (rc < 0) {
        if (swap->id > 0 && historian->orphan_count < HIST_ORPHANS_MAX) {
            historian->orphans[historian->orphan_count++] = swap->id;
        }
        segment_unref(segment);
        return rc;
    }
    store_orphans_drop(historian);
    view_swap(historian, swap, segment);
    return 0;
}
