/*
 * The manifest: written whole to a side file, synced, renamed over the old one, and the folder
 * synced. So there is the old state or the new one, never a mixture; a segment that no manifest
 * names is a left-over and is removed at the next opening.
 *
 * A log of changes would save bytes, but a seal comes every few minutes and the file has about ten
 * bytes a segment. Should the file be damaged, recovery rebuilds the list from the heads of the
 * segments themselves; only what has expired and who consumes must then be told anew.
 */
#include "historian/manifest.h"

#include <stdatomic.h>
#include <stdio.h>

#include "core/bytes.h"
#include "core/hash.h"
#include "core/mem.h"
#include "historian/bits.h"
#include "historian/historian.h"
#include "historian/rows.h"

enum {
    MANIFEST_VERSION = 1,
    MANIFEST_VERSION_AGED = 2, // Written only where there are aged files.
    MANIFEST_HEAD_BYTES = 16,
};

static const char manifest_magic[8] = {'M', 'A', 'R', 'U', 'M', 'A', 'N', '1'};

struct horizons *horizons_new(void) {
    struct horizons *horizons = MEM_NEW(struct horizons);
    atomic_init(&horizons->references, 1);
    horizons->all_ns = INT64_MIN;
    return horizons;
}

struct horizons *horizons_ref(struct horizons *horizons) {
    atomic_fetch_add_explicit(&horizons->references, 1, memory_order_relaxed);
    return horizons;
}

void horizons_unref(struct horizons *horizons) {
    if (horizons != NULL &&
        atomic_fetch_sub_explicit(&horizons->references, 1, memory_order_acq_rel) == 1) {
        mem_free(horizons->tags);
        mem_free(horizons);
    }
}

/* Index of the first entry whose tag is not below `tag`. */
static uint32_t horizons_find(const struct horizons *horizons, uint32_t tag) {
    uint32_t low = 0;
    uint32_t high = horizons->count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (horizons->tags[middle].tag < tag) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

int64_t horizons_of(const struct horizons *horizons, uint32_t tag) {
    uint32_t at = horizons_find(horizons, tag);
    int64_t own = at < horizons->count && horizons->tags[at].tag == tag
                      ? horizons->tags[at].before_ns
                      : INT64_MIN;
    return own > horizons->all_ns ? own : horizons->all_ns;
}

static bool horizons_move(struct horizons *to, const struct hist_expiry *expiry) {
    if (expiry->tag == 0) {
        bool moves = expiry->before_ns > to->all_ns;
        to->all_ns = moves ? expiry->before_ns : to->all_ns;
        return moves;
    }
    if (expiry->tag > HIST_TAG_MAX || horizons_of(to, expiry->tag) >= expiry->before_ns) {
        return false; // Beyond the largest number no tag has rows.
    }
    uint32_t at = horizons_find(to, expiry->tag);
    if (at == to->count || to->tags[at].tag != expiry->tag) {
        memmove(to->tags + at + 1, to->tags + at, (to->count - at) * sizeof *to->tags);
        to->count++;
    }
    to->tags[at] = (struct horizon){.tag = expiry->tag, .before_ns = expiry->before_ns};
    return true;
}

struct horizons *horizons_with(const struct horizons *horizons, const struct hist_expiry *expiries,
    uint32_t count, uint32_t *ret_moved) {
    struct horizons *to = horizons_new();
    to->all_ns = horizons->all_ns;
    to->count = horizons->count;
    to->tags = mem_alloc(((size_t)horizons->count + count + 1) * sizeof *to->tags);
    if (horizons->count > 0) {
        memcpy(to->tags, horizons->tags, horizons->count * sizeof *to->tags);
    }
    uint32_t moved = 0;
    for (uint32_t i = 0; i < count; i++) {
        moved += horizons_move(to, &expiries[i]);
    }
    *ret_moved = moved;
    return to;
}

void manifest_init(struct manifest *manifest) {
    *manifest = (struct manifest){
        .next_segment = 1, .horizons = horizons_new(), .aged_horizons = horizons_new()};
}

void manifest_fini(struct manifest *manifest) {
    mem_free(manifest->segments);
    mem_free(manifest->aged);
    horizons_unref(manifest->horizons);
    horizons_unref(manifest->aged_horizons);
    *manifest = (struct manifest){0};
}

void manifest_copy(struct manifest *to, const struct manifest *from) {
    *to = *from;
    to->segments = mem_alloc((from->segment_count + 1) * sizeof *to->segments);
    if (from->segment_count > 0) {
        memcpy(to->segments, from->segments, from->segment_count * sizeof *to->segments);
    }
    to->horizons = horizons_ref(from->horizons);
    to->aged = mem_alloc((from->aged_count + 1) * sizeof *to->aged);
    if (from->aged_count > 0) {
        memcpy(to->aged, from->aged, from->aged_count * sizeof *to->aged);
    }
    to->aged_horizons = horizons_ref(from->aged_horizons);
}

static void put_horizons(struct buf *to, const struct horizons *horizons) {
    write_zigzag(to, horizons->all_ns);
    write_varint(to, horizons->count);
    for (uint32_t i = 0; i < horizons->count; i++) {
        write_varint(to, horizons->tags[i].tag);
        write_zigzag(to, horizons->tags[i].before_ns);
    }
}

void manifest_put(struct buf *to, const struct manifest *manifest) {
    buf_put(to, manifest_magic, sizeof manifest_magic);
    bool aged = manifest->aged_count > 0;
    write_u32_le(to, aged ? MANIFEST_VERSION_AGED : MANIFEST_VERSION);
    write_u32_le(to, 0); // Size of the whole, patched below.
    write_varint(to, manifest->sealed_seq);
    write_varint(to, manifest->next_segment);
    write_varint(to, manifest->segment_count);
    for (uint32_t i = 0; i < manifest->segment_count; i++) {
        write_varint(to, manifest->segments[i]);
    }
    write_varint(to, manifest->consumer_count);
    for (uint32_t i = 0; i < manifest->consumer_count; i++) {
        struct str name = str_of(manifest->consumers[i].name);
        write_varint(to, name.size);
        buf_put_str(to, name);
        write_varint(to, manifest->consumers[i].seq);
    }
    put_horizons(to, manifest->horizons);
    if (aged) {
        write_varint(to, manifest->aged_count);
        for (uint32_t i = 0; i < manifest->aged_count; i++) {
            write_varint(to, manifest->aged[i]);
        }
        put_horizons(to, manifest->aged_horizons);
    }
    patch_u32_le(to, 12, (uint32_t)to->size + 4);
    write_u32_le(to, crc32c(0, to->data, to->size));
}

static bool parse_segments(struct reader *from, struct manifest *manifest) {
    uint64_t count = read_varint(from);
    if (from->failed || count > MANIFEST_SEGMENTS_MAX) {
        return false;
    }
    manifest->segments = mem_alloc((count + 1) * sizeof *manifest->segments);
    for (uint32_t i = 0; i < count; i++) {
        manifest->segments[i] = read_varint(from);
    }
    manifest->segment_count = (uint32_t)count;
    return !from->failed;
}

static bool parse_consumers(struct reader *from, struct manifest *manifest) {
    uint64_t count = read_varint(from);
    if (from->failed || count > MANIFEST_CONSUMERS_MAX) {
        return false;
    }
    for (uint32_t i = 0; i < count; i++) {
        uint64_t size = read_varint(from);
        if (from->failed || size > LIMIT_ID_BYTES) {
            return false;
        }
        const uint8_t *name = read_bytes(from, size);
        if (name == NULL) {
            return false;
        }
        memcpy(manifest->consumers[i].name, name, size);
        manifest->consumers[i].seq = read_varint(from);
    }
    manifest->consumer_count = (uint32_t)count;
    return !from->failed;
}

static bool parse_horizons(struct reader *from, struct horizons *horizons) {
    horizons->all_ns = read_zigzag(from);
    uint64_t count = read_varint(from);
    if (from->failed || count > HIST_TAG_MAX || count > reader_left(from)) {
        return false;
    }
    horizons->tags = mem_alloc((count + 1) * sizeof *horizons->tags);
    for (uint32_t i = 0; i < count; i++) {
        uint64_t tag = read_varint(from);
        if (tag > HIST_TAG_MAX) {
            return false;
        }
        horizons->tags[i].tag = (uint32_t)tag;
        horizons->tags[i].before_ns = read_zigzag(from);
    }
    horizons->count = (uint32_t)count;
    return !from->failed;
}

static bool parse_aged(struct reader *from, struct manifest *manifest) {
    uint64_t count = read_varint(from);
    if (from->failed || count == 0 || count > MANIFEST_AGED_MAX) {
        return false;
    }
    manifest->aged = mem_alloc((count + 1) * sizeof *manifest->aged);
    for (uint32_t i = 0; i < count; i++) {
        manifest->aged[i] = read_varint(from);
    }
    manifest->aged_count = (uint32_t)count;
    return !from->failed && parse_horizons(from, manifest->aged_horizons);
}

int manifest_parse(
    const uint8_t *bytes, size_t size, struct manifest *ret_manifest, struct err *err) {
    bool framed = size >= MANIFEST_HEAD_BYTES + 4 &&
                  memcmp(bytes, manifest_magic, sizeof manifest_magic) == 0 &&
                  load_u32(bytes + 12) == size &&
                  load_u32(bytes + size - 4) == crc32c(0, bytes, size - 4);
    if (!framed) {
        return err_set(err, ERR_CORRUPT, MSG_MANIFEST_DAMAGED, NO_ARGS);
    }
    uint32_t version = load_u32(bytes + 8);
    if (version != MANIFEST_VERSION && version != MANIFEST_VERSION_AGED) {
        return err_set(err, ERR_VERSION, MSG_MANIFEST_VERSION, NO_ARGS);
    }
    struct manifest manifest;
    manifest_init(&manifest);
    struct reader from = reader_of(bytes + MANIFEST_HEAD_BYTES, size - MANIFEST_HEAD_BYTES - 4);
    manifest.sealed_seq = read_varint(&from);
    manifest.next_segment = read_varint(&from);
    bool good = parse_segments(&from, &manifest) && parse_consumers(&from, &manifest) &&
                parse_horizons(&from, manifest.horizons) &&
                (version == MANIFEST_VERSION || parse_aged(&from, &manifest)) &&
                reader_left(&from) == 0;
    if (!good) {
        manifest_fini(&manifest);
        return err_set(err, ERR_CORRUPT, MSG_MANIFEST_DAMAGED, NO_ARGS);
    }
    *ret_manifest = manifest;
    return 0;
}

int manifest_read(
    struct files *files, const char *dir, struct manifest *ret_manifest, struct err *err) {
    char path[LIMIT_PATH_BYTES];
    (void)snprintf(path, sizeof path, "%s/manifest", dir); // A longer path fails on open.
    if (!file_exists(path)) {
        return 0;
    }
    AUTO_CLOSE int fd = -1;
    int rc = file_open(files, path, FILE_READ, &fd, err);
    uint64_t size = 0;
    rc = rc < 0 ? rc : file_size(fd, path, &size, err);
    if (rc < 0) {
        return rc;
    }
    if (size > MANIFEST_BYTES_MAX) {
        return err_set(err, ERR_CORRUPT, MSG_MANIFEST_DAMAGED, NO_ARGS);
    }
    AUTO_FREE uint8_t *bytes = mem_alloc(size + 1);
    rc = file_read_at(fd, path, 0, bytes, size, err);
    rc = rc < 0 ? rc : manifest_parse(bytes, size, ret_manifest, err);
    return rc < 0 ? rc : 1;
}

int manifest_write(
    struct files *files, const char *dir, const struct manifest *manifest, struct err *err) {
    AUTO_BUF struct buf bytes;
    buf_init(&bytes, MANIFEST_BYTES_MAX);
    manifest_put(&bytes, manifest);
    if (bytes.overflow) {
        return err_set(err, ERR_LIMIT, MSG_MANIFEST_LARGE, NO_ARGS);
    }
    char path[LIMIT_PATH_BYTES];
    char side[LIMIT_PATH_BYTES];
    (void)snprintf(path, sizeof path, "%s/manifest", dir);
    (void)snprintf(side, sizeof side, "%s/manifest.new", dir);
    AUTO_CLOSE int fd = -1;
    int rc = file_open(files, side, FILE_WRITE, &fd, err);
    rc = rc < 0 ? rc : file_truncate(files, fd, side, 0, err);
    rc = rc < 0 ? rc : file_write_at(files, fd, side, 0, bytes.data, bytes.size, err);
    rc = rc < 0 ? rc : file_sync(files, fd, side, err);
    rc = rc < 0 ? rc : file_rename(files, side, path, err);
    return rc < 0 ? rc : dir_sync(files, dir, err);
}
