/*
 * Opening a history after whatever happened.
 *
 * The manifest says which segments stand. Files that it does not name are left-overs of a seal or a
 * merge that did not come to its end, and are removed. When the manifest itself is damaged, it is
 * kept aside and the list is rebuilt: each segment's head says which batches it holds; where two
 * cover the same ones, the wider is the merged one and wins. Then the log is read: what is not
 * sealed goes back into memory. Everything found wrong is a notice; the rest is opened.
 */
#include <stdio.h>
#include <stdlib.h>

#include "core/mem.h"
#include "historian/store.h"

struct ids {
    uint64_t *ids;
    uint32_t count;
    uint32_t capacity;
};
struct found {
    struct ids segments;
    struct ids aged;
};

static void ids_add(struct ids *to, uint64_t id) {
    if (to->count == to->capacity) {
        to->capacity = to->capacity > 0 ? to->capacity * 2 : 64;
        to->ids = mem_resize(to->ids, to->capacity * sizeof *to->ids);
    }
    to->ids[to->count++] = id;
}

static int found_add(void *context, const char *name, struct err *err) {
    (void)err; // Names that are not ours are left alone.
    struct found *found = context;
    uint64_t id = 0;
    if (segment_name_parse(name, &id)) {
        ids_add(&found->segments, id);
    } else if (aged_name_parse(name, &id)) {
        ids_add(&found->aged, id);
    }
    return 0;
}

static int by_order(const void *left, const void *right) {
    const struct segment_info *a = segment_info(*(struct segment *const *)left);
    const struct segment_info *b = segment_info(*(struct segment *const *)right);
    if (a->seq_low != b->seq_low) {
        return a->seq_low < b->seq_low ? -1 : 1;
    }
    if (a->seq_high != b->seq_high) {
        return a->seq_high > b->seq_high ? -1 : 1; // The wider one first.
    }
    return a->id > b->id ? -1 : a->id < b->id;
}

/* Opens all segments found; those that cannot be opened are named and left where they are. */
static uint32_t open_found(
    struct historian *historian, const struct ids *found, struct segment **segments) {
    struct segment_place place = store_place(historian);
    uint32_t count = 0;
    for (uint32_t i = 0; i < found->count; i++) {
        struct err err = ERR_INIT;
        if (segment_open(&place, found->ids[i], &segments[count], &err) < 0) {
            store_damaged(historian, &err);
        } else {
            count++;
        }
    }
    return count;
}

static int by_round(const void *left, const void *right) {
    const struct aged_info *a = aged_info(*(struct aged *const *)left);
    const struct aged_info *b = aged_info(*(struct aged *const *)right);
    if (a->round_low != b->round_low) {
        return a->round_low < b->round_low ? -1 : 1;
    }
    return a->round_high > b->round_high ? -1 : a->round_high < b->round_high;
}

/* What an aged file has rolled up must not be shown again as rows. */
static void horizons_rebuild(struct manifest *manifest, const struct aged *aged) {
    uint32_t count = aged_info(aged)->tag_count;
    AUTO_FREE struct hist_expiry *expiries = MEM_ARRAY(struct hist_expiry, count + 1);
    for (uint32_t i = 0; i < count; i++) {
        const struct tag_entry *entry = aged_entry(aged, i);
        expiries[i] = (struct hist_expiry){.tag = entry->tag, .before_ns = entry->max_ns + 1};
    }
    uint32_t moved = 0;
    struct horizons *horizons = horizons_with(manifest->horizons, expiries, count, &moved);
    horizons_unref(manifest->horizons);
    manifest->horizons = horizons;
}

/* Adds the aged files that are there: of two with the same rounds the wider. */
static void manifest_rebuild_aged(struct historian *historian, const struct ids *found) {
    struct damage_sink sink = {.damaged = store_damaged, .context = historian};
    struct manifest *manifest = &historian->manifest;
    AUTO_FREE struct aged **files = MEM_ARRAY(struct aged *, found->count + 1);
    uint32_t count = 0;
    for (uint32_t i = 0; i < found->count; i++) {
        struct err err = ERR_INIT;
        if (aged_open(historian->files, historian->dir, found->ids[i], &sink, &files[count], &err) <
            0) {
            store_damaged(historian, &err);
        } else {
            count++;
        }
        if (found->ids[i] >= manifest->next_segment) {
            manifest->next_segment = found->ids[i] + 1;
        }
    }
    qsort(files, count, sizeof(struct aged *), by_round);
    manifest->aged = mem_resize(manifest->aged, (count + 1) * sizeof(uint64_t));
    uint64_t round = 0;
    for (uint32_t i = 0; i < count; i++) {
        const struct aged_info *info = aged_info(files[i]);
        if (info->round_high > round && manifest->aged_count < MANIFEST_AGED_MAX) {
            manifest->aged[manifest->aged_count++] = info->id;
            round = info->round_high;
            horizons_rebuild(manifest, files[i]);
        }
        aged_unref(files[i]);
    }
}

/* Builds the manifest from the segments that are there. */
static void manifest_rebuild(struct historian *historian, const struct ids *found) {
    AUTO_FREE struct segment **segments = MEM_ARRAY(struct segment *, found->count + 1);
    uint32_t count = open_found(historian, found, segments);
    qsort(segments, count, sizeof(struct segment *), by_order);
    struct manifest *manifest = &historian->manifest;
    manifest->segments = mem_resize(manifest->segments, (count + 1) * sizeof(uint64_t));
    for (uint32_t i = 0; i < count; i++) {
        const struct segment_info *info = segment_info(segments[i]);
        if (info->seq_high > manifest->sealed_seq) {
            manifest->segments[manifest->segment_count++] = info->id;
            manifest->sealed_seq = info->seq_high;
        }
        segment_unref(segments[i]);
    }
    for (uint32_t i = 0; i < found->count; i++) {
        if (found->ids[i] >= manifest->next_segment) {
            manifest->next_segment = found->ids[i] + 1;
        }
    }
}

static int manifest_load(struct historian *historian, const struct found *found, struct err *err) {
    struct err what = ERR_INIT;
    struct manifest manifest;
    int rc = manifest_read(historian->files, historian->dir, &manifest, &what);
    if (rc > 0) {
        manifest_fini(&historian->manifest);
        historian->manifest = manifest;
        return 0;
    }
    if (rc < 0 && rc != -ERR_CORRUPT) {
        if (err != NULL) {
            *err = what;
        }
        return rc;
    }
    if (rc == 0 && found->segments.count == 0 && found->aged.count == 0) {
        /* A new history. From here on a missing manifest means a lost one; without this the first
         * seal, cut short, would look like that. A full disk does not keep the history closed. */
        (void)manifest_write(historian->files, historian->dir, &historian->manifest, NULL);
        return 0;
    }
    if (rc < 0) {
        store_damaged(historian, &what);
        char path[LIMIT_PATH_BYTES];
        char aside[LIMIT_PATH_BYTES];
        (void)snprintf(path, sizeof path, "%s/manifest", historian->dir);
        (void)snprintf(aside, sizeof aside, "%s/manifest.damaged", historian->dir);
        rc = file_rename(historian->files, path, aside, err);
        if (rc < 0) {
            return rc;
        }
    }
    manifest_rebuild(historian, &found->segments);
    manifest_rebuild_aged(historian, &found->aged);
    (void)err_set(
        &what, ERR_PARTIAL, MSG_MANIFEST_REBUILT, ARGS(A_INT(historian->manifest.segment_count)));
    store_notice(historian, &what);
    return manifest_write(historian->files, historian->dir, &historian->manifest, err);
}

static bool manifest_names(const struct manifest *manifest, uint64_t id) {
    for (uint32_t i = 0; i < manifest->segment_count; i++) {
        if (manifest->segments[i] == id) {
            return true;
        }
    }
    for (uint32_t i = 0; i < manifest->aged_count; i++) {
        if (manifest->aged[i] == id) {
            return true;
        }
    }
    return false;
}

static void drop_left_overs(
    struct historian *historian, const struct ids *found, void (*name_of)(uint64_t id, char *to)) {
    for (uint32_t i = 0; i < found->count; i++) {
        if (manifest_names(&historian->manifest, found->ids[i])) {
            continue;
        }
        char name[32];
        char path[LIMIT_PATH_BYTES];
        name_of(found->ids[i], name);
        (void)snprintf(path, sizeof path, "%s/%s", historian->dir, name);
        (void)file_remove(historian->files, path, NULL); // Harmless where it stays.
    }
}

static void open_aged(struct historian *historian) {
    const struct manifest *manifest = &historian->manifest;
    struct damage_sink sink = {.damaged = store_damaged, .context = historian};
    struct view_change change = {.set_aged = true, .aged_horizons = manifest->aged_horizons};
    change.aged = MEM_ARRAY(struct aged *, manifest->aged_count + 1);
    for (uint32_t i = 0; i < manifest->aged_count; i++) {
        struct err err = ERR_INIT;
        struct aged **to = &change.aged[change.aged_count];
        if (aged_open(historian->files, historian->dir, manifest->aged[i], &sink, to, &err) < 0) {
            store_damaged(historian, &err); // As with segments.
        } else {
            change.aged_count++;
        }
    }
    mutex_lock(&historian->state_mutex);
    store_publish(historian, &change);
    mutex_unlock(&historian->state_mutex);
}

static void open_segments(struct historian *historian) {
    const struct manifest *manifest = &historian->manifest;
    struct segment_place place = store_place(historian);
    struct view_change change = {.set_segments = true, .horizons = historian->manifest.horizons};
    change.segments = MEM_ARRAY(struct segment *, manifest->segment_count + 1);
    for (uint32_t i = 0; i < manifest->segment_count; i++) {
        struct err err = ERR_INIT;
        struct segment **to = &change.segments[change.segment_count];
        if (segment_open(&place, manifest->segments[i], to, &err) < 0) {
            store_damaged(historian, &err); // Named; it stays in the manifest, the rest answers.
        } else {
            change.segment_count++;
        }
    }
    mutex_lock(&historian->state_mutex);
    store_publish(historian, &change);
    mutex_unlock(&historian->state_mutex);
}

static int recover_batch(void *context, struct batch *batch, struct err *err) {
    struct historian *historian = context;
    (void)err; // Memory is bounded by what could be appended before.
    memtable_add(historian->active, batch);
    last_add(historian->last, batch);
    return 0;
}

static void recover_notice(void *context, const struct err *what) {
    store_notice(context, what);
}

int recover(struct historian *historian, struct err *err) {
    struct found found = {0};
    /* The process before may have gone between a rename and its sync. What is shown from here on
     * must stay, and what the present manifest does not name is about to be removed. */
    int rc = dir_sync(historian->files, historian->dir, err);
    rc = rc < 0 ? rc : dir_each(historian->dir, found_add, &found, err);
    rc = rc < 0 ? rc : manifest_load(historian, &found, err);
    if (rc == 0) {
        drop_left_overs(historian, &found.segments, segment_name);
        drop_left_overs(historian, &found.aged, aged_name);
        open_segments(historian);
        open_aged(historian);
        struct wal_recovery recovery = {.sealed_seq = historian->manifest.sealed_seq,
            .file_bytes = historian->log_file_bytes,
            .each = recover_batch,
            .notice = recover_notice,
            .context = historian};
        rc = wal_open(
            historian->files, historian->clock, historian->dir, &recovery, &historian->wal, err);
        historian->torn_bytes_cut = recovery.torn_bytes;
    }
    mem_free(found.segments.ids);
    mem_free(found.aged.ids);
    if (rc == 0) {
        historian->seq = wal_seq(historian->wal);
        store_log_release(historian);
    }
    return rc;
}
