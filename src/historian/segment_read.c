/*
 * Reading segments.
 *
 * Opening reads head, tail and directory: some twenty bytes a tag, so ten gigabytes of history open
 * in milliseconds. A directory is written in parts of some thousand tags; of each its place, first
 * tag and checksum stay in memory, and the part itself is read when a tag of it is asked for, so a
 * question costs the same however many tags there are. A tag's page is read when it is asked for
 * and kept (up to 4 MB a part). Parts and pages of all segments together stay below a bound
 * (index_cache.h): those that were not used for long are dropped. A directory that had to be
 * rebuilt is one part that stays. Blocks are read with plain reads, a neighbourhood at a time, and
 * checked each time: CRC-32C runs at many times the speed of decoding. Reads, not a mapping: a bad
 * sector must be an error that is named, not a signal that ends the process.
 *
 * What is damaged is reported once, with file, tag and place. A damaged directory is rebuilt from
 * the records; a damaged page from its blocks; of a damaged block only its own rows are missing.
 */
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>

#include "core/check.h"
#include "core/hash.h"
#include "core/limits.h"
#include "core/mem.h"
#include "core/thread.h"
#include "historian/block.h"
#include "historian/index_cache.h"

enum {
    PAGE_CACHE_BYTES = 4 << 20,
    DAMAGE_MAX = 256, // Places remembered, so that each is reported once.
    READ_AHEAD = 64 << 10,
};

/* Some tags of the directory and those of their pages that were asked for. */
struct part {
    _Atomic uint32_t references;
    uint32_t count;
    struct tag_entry *entries;
    /* Under the segment's mutex. */
    struct tag_page **pages;
    uint64_t page_bytes;
};

/* Where a part is. */
struct part_place {
    struct segment *segment;
    uint64_t at; // Of its bytes in the file.
    uint32_t size;
    uint32_t crc;
    uint64_t offset; // Of the first tag's blocks.
    uint32_t first_tag;
    uint32_t count;
    struct index_item item;
    struct part *part; // Under the segment's mutex; NULL: dropped.
};

struct segment {
    _Atomic uint32_t references;
    _Atomic bool obsolete;
    struct files *files;
    struct damage_sink sink;
    char path[LIMIT_PATH_BYTES];
    int fd;
    struct segment_info info;
    struct index_cache *cache; // NULL: parts stay.
    struct part_place *places; // By first tag.
    uint32_t place_count;
    struct mutex mutex;   // Guards what follows.
    struct part *rebuilt; // All tags, found without the directory: it could not be read.
    bool rebuilt_short;   // And the way through the records was not whole either.
    uint64_t damage[DAMAGE_MAX];
    uint32_t damage_count;
};

void segment_name(uint64_t id, char *to) {
    (void)snprintf(to, 32, "seg-%016llx.seg", (unsigned long long)id);
}

bool segment_name_parse(const char *name, uint64_t *ret_id) {
    uint64_t id = 0;
    struct str text = str_of(name);
    if (text.size != 24 || !str_starts(text, STR("seg-")) || !str_ends(text, STR(".seg"))) {
        return false;
    }
    for (size_t i = 4; i < 20; i++) {
        char c = name[i];
        if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'))) {
            return false;
        }
        id = id << 4 | (uint64_t)(c <= '9' ? c - '0' : c - 'a' + 10);
    }
    *ret_id = id;
    return true;
}

/* Reports a damaged place, the first time it is met. */
static void segment_report(
    struct segment *segment, uint64_t offset, enum msg_id msg, uint32_t tag) {
    mutex_lock(&segment->mutex);
    bool known = segment->damage_count == DAMAGE_MAX;
    for (uint32_t i = 0; i < segment->damage_count; i++) {
        known = known || segment->damage[i] == offset;
    }
    if (!known) {
        segment->damage[segment->damage_count++] = offset;
    }
    mutex_unlock(&segment->mutex);
    if (!known) {
        struct err what = ERR_INIT;
        (void)err_set(
            &what, ERR_CORRUPT, msg, ARGS(A_CSTR(segment->path), A_INT(offset), A_INT(tag)));
        segment->sink.damaged(segment->sink.context, &what);
    }
}

uint32_t segment_damage(const struct segment *segment) {
    struct mutex *mutex = (struct mutex *)(uintptr_t)&segment->mutex;
    mutex_lock(mutex);
    uint32_t count = segment->damage_count;
    mutex_unlock(mutex);
    return count;
}

/* ---- Pages ---- */

/* Reads the record at `offset` whole into `bytes`; *ret_good: it is intact. */
static int read_record(struct segment *segment, uint64_t offset, struct buf *bytes,
    struct record_head *ret_head, bool *ret_good, struct err *err) {
    uint8_t head[RECORD_HEAD_BYTES];
    *ret_good = false;
    *ret_head = (struct record_head){0};
    if (offset + sizeof head > segment->info.bytes) {
        return 0;
    }
    int rc = file_read_at(segment->fd, segment->path, offset, head, sizeof head, err);
    if (rc < 0 || !record_head_read(head, ret_head) ||
        ret_head->size > segment->info.bytes - offset) {
        ret_head->size = 0;
        return rc;
    }
    buf_clear(bytes);
    uint8_t *to = buf_reserve(bytes, ret_head->size);
    if (to == NULL) {
        return 0;
    }
    rc = file_read_at(segment->fd, segment->path, offset, to, ret_head->size, err);
    if (rc == 0) {
        buf_commit(bytes, ret_head->size);
        *ret_good = record_is_whole(to, ret_head->size, ret_head);
    }
    return rc;
}

/* A sector that cannot be read is damage like any other. */
static int readable(int rc, struct err *err) {
    if (rc == -ERR_IO || rc == -ERR_CORRUPT) {
        err_clear(err);
        return 0;
    }
    return rc;
}

static int page_parse(struct segment *segment, const struct tag_entry *entry,
    struct decoder *decoder, struct tag_page **ret_page, struct err *err) {
    struct record_head head;
    bool good = false;
    uint64_t offset = entry->offset + entry->blocks_size;
    int rc = readable(read_record(segment, offset, &decoder->bytes, &head, &good, err), err);
    if (rc < 0 || !good || head.kind != RECORD_PAGE || head.tag != entry->tag) {
        return rc;
    }
    struct reader from =
        reader_of(decoder->bytes.data + RECORD_HEAD_BYTES, head.size - RECORD_HEAD_BYTES);
    return page_get(&decoder->codec, &from, entry->offset, ret_page) ? 1 : 0;
}

/* Describes a tag by its blocks alone: no statistics, no roll-ups. */
static int page_rebuild(struct segment *segment, const struct tag_entry *entry,
    struct decoder *decoder, struct tag_page **ret_page, struct err *err) {
    struct tag_page *page = MEM_NEW(struct tag_page);
    atomic_init(&page->references, 1);
    uint64_t end = entry->offset + entry->blocks_size;
    int rc = 0;
    for (uint64_t offset = entry->offset; offset < end;) {
        struct record_head head;
        bool good = false;
        rc = readable(read_record(segment, offset, &decoder->bytes, &head, &good, err), err);
        if (rc < 0 || head.size == 0) {
            page->incomplete = true;
            break;
        }
        struct run run;
        struct reader from =
            reader_of(decoder->bytes.data + RECORD_HEAD_BYTES, head.size - RECORD_HEAD_BYTES);
        if (good && head.kind == RECORD_BLOCK && head.tag == entry->tag &&
            block_get(decoder, &from, head.rows, &run)) {
            page->blocks = mem_resize(page->blocks, (page->block_count + 1) * sizeof *page->blocks);
            page->blocks[page->block_count++] = (struct block_entry){.offset = offset,
                .size = head.size,
                .rows = head.rows,
                .min_ns = run.time[0],
                .max_ns = run.time[run.count - 1],
                .strict = run.strict,
                .split = true}; // Statistics are not to be used.
            page->rows += head.rows;
        } else {
            page->incomplete = true;
        }
        offset += head.size;
    }
    if (rc < 0 || page->block_count == 0) {
        tag_page_unref(page);
        return rc;
    }
    *ret_page = page;
    return 1;
}

static uint64_t page_size(const struct tag_page *page) {
    uint64_t size = sizeof *page + page->block_count * sizeof *page->blocks;
    for (int level = 0; level < ROLLUP_LEVELS; level++) {
        size += page->cell_count[level] * sizeof(struct cell);
    }
    return size;
}

static struct tag_page *page_ref(struct tag_page *page) {
    atomic_fetch_add_explicit(&page->references, 1, memory_order_relaxed);
    return page;
}

static int page_read(struct segment *segment, const struct tag_entry *entry,
    struct tag_page **ret_page, struct err *err) {
    struct decoder decoder;
    decoder_init(&decoder);
    struct tag_page *page = NULL;
    int rc = page_parse(segment, entry, &decoder, &page, err);
    if (rc == 0) {
        segment_report(
            segment, entry->offset + entry->blocks_size, MSG_SEGMENT_PAGE_DAMAGED, entry->tag);
        rc = page_rebuild(segment, entry, &decoder, &page, err);
    }
    decoder_fini(&decoder);
    if (rc > 0) {
        page->tag = entry->tag;
        *ret_page = page;
    }
    return rc;
}

/* ---- Parts of the directory ---- */

static struct part *part_new(struct tag_entry *entries, uint32_t count) {
    struct part *part = MEM_NEW(struct part);
    atomic_init(&part->references, 1);
    part->count = count;
    part->entries = entries;
    part->pages = MEM_ARRAY(struct tag_page *, count + 1);
    return part;
}

static struct part *part_ref(struct part *part) {
    atomic_fetch_add_explicit(&part->references, 1, memory_order_relaxed);
    return part;
}

static void pages_drop(struct part *part) {
    for (uint32_t i = 0; i < part->count; i++) {
        tag_page_unref(part->pages[i]);
        part->pages[i] = NULL;
    }
    part->page_bytes = 0;
}

static void part_unref(struct part *part) {
    if (part == NULL ||
        atomic_fetch_sub_explicit(&part->references, 1, memory_order_acq_rel) != 1) {
        return;
    }
    pages_drop(part);
    mem_free(part->pages);
    mem_free(part->entries);
    mem_free(part);
}

static void place_drop(struct index_item *item) {
    struct part_place *place =
        (struct part_place *)(void *)((uint8_t *)item - offsetof(struct part_place, item));
    mutex_lock(&place->segment->mutex);
    struct part *part = place->part;
    place->part = NULL;
    mutex_unlock(&place->segment->mutex);
    part_unref(part);
}

static uint64_t part_bytes(const struct part *part) {
    return sizeof *part + part->count * (sizeof *part->entries + sizeof *part->pages);
}

/* Notes what is inside; `entries` are taken over as the part's. */
static void place_add(
    struct segment *segment, const struct part_place *found, struct tag_entry *entries) {
    struct segment_info *info = &segment->info;
    for (uint32_t i = 0; i < found->count; i++) {
        const struct tag_entry *entry = &entries[i];
        info->rows += entry->rows;
        info->min_ns = entry->min_ns < info->min_ns ? entry->min_ns : info->min_ns;
        info->max_ns = entry->max_ns > info->max_ns ? entry->max_ns : info->max_ns;
    }
    info->tag_count += found->count;
    struct part_place *place = &segment->places[segment->place_count++];
    *place = *found;
    place->segment = segment;
    place->item.drop = place_drop;
    place->part = part_new(entries, found->count);
}

/* Cuts the directory's payload, which begins at `at` in the file, into parts. */
static bool places_read(
    struct segment *segment, const uint8_t *payload, size_t size, uint64_t at, uint32_t tags) {
    struct codec codec;
    codec_init(&codec);
    struct reader from = reader_of(payload, size);
    uint64_t offset = SEGMENT_HEAD_BYTES;
    uint32_t before = 0;
    bool good = tags <= HIST_TAG_MAX;
    segment->places = MEM_ARRAY(struct part_place, tags / DIRECTORY_PART_TAGS + 1);
    for (uint32_t done = 0; done < tags && good;) {
        uint32_t left = tags - done;
        struct part_place place = {
            .count = left < DIRECTORY_PART_TAGS ? left : DIRECTORY_PART_TAGS, .offset = offset};
        size_t begin = size - reader_left(&from);
        struct tag_entry *entries = mem_alloc(place.count * sizeof *entries);
        good = directory_part_get(&codec, &from, before, &offset, entries, place.count);
        if (!good) {
            mem_free(entries);
            break;
        }
        size_t end = size - reader_left(&from);
        place.at = at + begin;
        place.size = (uint32_t)(end - begin);
        place.crc = crc32c(0, payload + begin, end - begin);
        place.first_tag = entries[0].tag;
        before = entries[place.count - 1].tag;
        done += place.count;
        place_add(segment, &place, entries);
    }
    codec_fini(&codec);
    return good && reader_left(&from) == 0;
}

/* *ret_good: tail and directory are good, and what is inside is noted. */
static int directory_read(struct segment *segment, bool *ret_good, struct err *err) {
    uint8_t bytes[SEGMENT_TAIL_BYTES];
    uint64_t size = segment->info.bytes;
    *ret_good = false;
    if (size < SEGMENT_HEAD_BYTES + RECORD_HEAD_BYTES + SEGMENT_TAIL_BYTES) {
        return 0;
    }
    int rc = file_read_at(
        segment->fd, segment->path, size - SEGMENT_TAIL_BYTES, bytes, sizeof bytes, err);
    struct segment_tail tail;
    if (rc < 0 || !segment_tail_get(bytes, &tail)) {
        return rc;
    }
    bool fits = tail.directory_size >= RECORD_HEAD_BYTES &&
                tail.directory_size <= RECORD_BYTES_MAX &&
                tail.directory_offset + tail.directory_size == size - SEGMENT_TAIL_BYTES;
    if (!fits) {
        return 0;
    }
    AUTO_FREE uint8_t *record = mem_alloc(tail.directory_size);
    rc = file_read_at(
        segment->fd, segment->path, tail.directory_offset, record, tail.directory_size, err);
    struct record_head head;
    if (rc < 0 || !record_is_whole(record, tail.directory_size, &head) ||
        head.kind != RECORD_DIRECTORY) {
        return rc;
    }
    *ret_good =
        places_read(segment, record + RECORD_HEAD_BYTES, tail.directory_size - RECORD_HEAD_BYTES,
            tail.directory_offset + RECORD_HEAD_BYTES, tail.tag_count);
    return 0;
}

/* Gives the tags of a rebuilt directory their ranges, from their pages or blocks. */
static void rebuild_ranges(struct segment *segment, struct tag_entry *entries, uint32_t count) {
    for (uint32_t i = 0; i < count; i++) {
        struct tag_entry *entry = &entries[i];
        struct tag_page *page = NULL;
        if (page_read(segment, entry, &page, NULL) > 0) {
            entry->min_ns = page->blocks[0].min_ns;
            entry->max_ns = page->blocks[page->block_count - 1].max_ns;
            tag_page_unref(page);
        }
    }
}

static void entries_add(
    struct tag_entry **entries, uint32_t *count, uint32_t tag, uint64_t offset) {
    if ((*count & (*count - 1)) == 0) { // Grows at powers of two.
        *entries = mem_resize(*entries, (*count > 0 ? *count * 2 : 1) * sizeof **entries);
    }
    (*entries)[(*count)++] = (struct tag_entry){
        .tag = tag, .offset = offset, .min_ns = INT64_MIN, .max_ns = INT64_MAX - 1};
}

/* Walks the records from the first on. Ranges of tags stay unknown (everything): pages tell.
 * *ret_short: a record was damaged, or the way ended before the directory. */
static int directory_rebuild(
    struct segment *segment, struct part **ret_part, bool *ret_short, struct err *err) {
    AUTO_BUF struct buf bytes;
    buf_init(&bytes, RECORD_BYTES_MAX);
    struct tag_entry *entries = mem_alloc(sizeof *entries);
    uint32_t count = 0;
    uint64_t offset = SEGMENT_HEAD_BYTES;
    int rc = 0;
    *ret_short = false;
    for (;;) {
        struct record_head head;
        bool good = false;
        rc = readable(read_record(segment, offset, &bytes, &head, &good, err), err);
        if (rc < 0 || head.size == 0 || head.kind == RECORD_DIRECTORY || head.tag == 0) {
            *ret_short = *ret_short || head.size == 0 || head.kind != RECORD_DIRECTORY;
            break;
        }
        *ret_short = *ret_short || !good;
        bool new_tag = count == 0 || entries[count - 1].tag < head.tag;
        if (good && new_tag) {
            entries_add(&entries, &count, head.tag, offset);
        }
        if (count > 0 && head.kind == RECORD_BLOCK) {
            entries[count - 1].blocks_size += head.size;
            entries[count - 1].rows += head.rows;
        } else if (count > 0) {
            entries[count - 1].page_size = head.size;
        }
        offset += head.size;
    }
    if (rc < 0) {
        mem_free(entries);
        return rc;
    }
    rebuild_ranges(segment, entries, count);
    *ret_part = part_new(entries, count);
    return 0;
}

static int read_head(struct segment *segment, uint64_t id, struct err *err) {
    uint8_t bytes[SEGMENT_HEAD_BYTES] = {0};
    if (segment->info.bytes >= sizeof bytes) {
        int rc = file_read_at(segment->fd, segment->path, 0, bytes, sizeof bytes, err);
        if (rc < 0) {
            return rc;
        }
    }
    struct segment_head head = {0};
    int rc = segment_head_get(bytes, &head);
    if (rc == -ERR_VERSION) {
        return err_set(err, ERR_VERSION, MSG_SEGMENT_VERSION, ARGS(A_CSTR(segment->path)));
    }
    if (rc < 0 || head.id != id) {
        segment_report(segment, 0, MSG_SEGMENT_HEAD_DAMAGED, 0);
    }
    segment->info.seq_low = head.seq_low;
    segment->info.seq_high = head.seq_high;
    return 0;
}

static void places_free(struct segment *segment) {
    for (uint32_t i = 0; i < segment->place_count; i++) {
        if (segment->cache != NULL) {
            index_cache_remove(segment->cache, &segment->places[i].item);
        }
        part_unref(segment->places[i].part);
    }
    mem_free(segment->places);
    segment->places = NULL;
    segment->place_count = 0;
}

struct segment *segment_ref(struct segment *segment) {
    atomic_fetch_add_explicit(&segment->references, 1, memory_order_relaxed);
    return segment;
}

void segment_unref(struct segment *segment) {
    if (segment == NULL ||
        atomic_fetch_sub_explicit(&segment->references, 1, memory_order_acq_rel) != 1) {
        return;
    }
    if (segment->fd >= 0) {
        file_close(segment->fd);
    }
    if (atomic_load_explicit(&segment->obsolete, memory_order_relaxed)) {
        (void)file_remove(segment->files, segment->path, NULL); // Else the next opening does.
    }
    places_free(segment);
    part_unref(segment->rebuilt);
    mutex_fini(&segment->mutex);
    mem_free(segment);
}

int segment_fd(const struct segment *segment) {
    return segment->fd;
}

void segment_obsolete(struct segment *segment) {
    atomic_store_explicit(&segment->obsolete, true, memory_order_relaxed);
}

const struct segment_info *segment_info(const struct segment *segment) {
    return &segment->info;
}

/* ---- Holding a part ---- */

/* The directory without its own bytes, which were damaged; reported once. */
static int rebuilt_hold(struct segment *segment, struct part **ret_part, struct err *err) {
    segment_report(segment, segment->info.bytes, MSG_SEGMENT_DIRECTORY_DAMAGED, 0);
    struct part *part = NULL;
    bool is_short = false;
    int rc = directory_rebuild(segment, &part, &is_short, err);
    if (rc < 0) {
        return rc;
    }
    mutex_lock(&segment->mutex);
    if (segment->rebuilt == NULL) {
        segment->rebuilt = part;
        segment->rebuilt_short = is_short;
    } else {
        part_unref(part); // Somebody was faster.
    }
    *ret_part = part_ref(segment->rebuilt);
    mutex_unlock(&segment->mutex);
    return 0;
}

/* Reads a part's bytes; *ret_part stays NULL where they are no longer what they were. */
static int place_load(const struct part_place *place, struct part **ret_part, struct err *err) {
    const struct segment *segment = place->segment;
    AUTO_FREE uint8_t *bytes = mem_alloc(place->size);
    int rc = file_read_at(segment->fd, segment->path, place->at, bytes, place->size, err);
    if (rc < 0) {
        return readable(rc, err);
    }
    if (crc32c(0, bytes, place->size) != place->crc) {
        return 0;
    }
    struct codec codec;
    codec_init(&codec);
    struct reader from = reader_of(bytes, place->size);
    uint64_t offset = place->offset;
    struct tag_entry *entries = mem_alloc(place->count * sizeof *entries);
    bool good = directory_part_get(&codec, &from, 0, &offset, entries, place->count);
    codec_fini(&codec);
    if (good) {
        *ret_part = part_new(entries, place->count);
    } else {
        mem_free(entries);
    }
    return 0;
}

/* Part `index` with a reference of the caller's; of a directory that was rebuilt the whole. */
static int part_hold(
    struct segment *segment, uint32_t index, struct part **ret_part, struct err *err) {
    struct part_place *place = &segment->places[index];
    mutex_lock(&segment->mutex);
    struct part *part = segment->rebuilt != NULL ? segment->rebuilt : place->part;
    *ret_part = part != NULL ? part_ref(part) : NULL;
    mutex_unlock(&segment->mutex);
    if (part != NULL) {
        atomic_store_explicit(&place->item.used, true, memory_order_relaxed);
        return 0;
    }
    struct part *loaded = NULL;
    int rc = place_load(place, &loaded, err);
    if (rc < 0) {
        return rc;
    }
    if (loaded == NULL) {
        return rebuilt_hold(segment, ret_part, err);
    }
    mutex_lock(&segment->mutex);
    bool mine = place->part == NULL;
    if (mine) {
        place->part = loaded;
    } else {
        part_unref(loaded); // Somebody was faster.
    }
    *ret_part = part_ref(place->part);
    mutex_unlock(&segment->mutex);
    if (mine && segment->cache != NULL) {
        index_cache_add(segment->cache, &place->item, part_bytes(loaded));
    }
    return 0;
}

/* Index of the last part that begins at or below `tag`; 0 where none does. */
static uint32_t place_find(const struct segment *segment, uint32_t tag) {
    uint32_t low = 0;
    uint32_t high = segment->place_count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (segment->places[middle].first_tag <= tag) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low > 0 ? low - 1 : 0;
}

/* Index of the first entry at or above `tag`, or the count. */
static uint32_t entry_find(const struct part *part, uint32_t tag) {
    uint32_t low = 0;
    uint32_t high = part->count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (part->entries[middle].tag < tag) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

int segment_tag_next(struct segment *segment, uint32_t tag, uint32_t *ret_tag, struct err *err) {
    int rc = 0;
    for (uint32_t i = place_find(segment, tag); i < segment->place_count && rc == 0; i++) {
        struct part *part = NULL;
        rc = part_hold(segment, i, &part, err);
        if (rc < 0) {
            return rc;
        }
        uint32_t at = entry_find(part, tag + 1);
        if (at < part->count) {
            *ret_tag = part->entries[at].tag;
            rc = 1;
        }
        part_unref(part);
    }
    return rc;
}

int segment_tag_range(struct segment *segment, uint32_t tag, int64_t *ret_min_ns,
    int64_t *ret_max_ns, struct err *err) {
    struct part *part = NULL;
    if (segment->place_count == 0) {
        return 0;
    }
    int rc = part_hold(segment, place_find(segment, tag), &part, err);
    if (rc < 0) {
        return rc;
    }
    uint32_t at = entry_find(part, tag);
    bool inside = at < part->count && part->entries[at].tag == tag;
    if (inside) {
        *ret_min_ns = part->entries[at].min_ns;
        *ret_max_ns = part->entries[at].max_ns;
    }
    part_unref(part);
    return inside;
}

/* A page that is there or is read now. */
static int part_page(struct part_place *place, struct part *part, uint32_t index,
    struct tag_page **ret_page, struct err *err) {
    struct segment *segment = place->segment;
    mutex_lock(&segment->mutex);
    struct tag_page *page = part->pages[index];
    if (page != NULL) {
        *ret_page = page_ref(page);
    }
    mutex_unlock(&segment->mutex);
    if (page != NULL) {
        return 1;
    }
    int rc = page_read(segment, &part->entries[index], &page, err);
    if (rc <= 0) {
        return rc;
    }
    mutex_lock(&segment->mutex);
    if (part->page_bytes > PAGE_CACHE_BYTES) {
        pages_drop(part);
    }
    bool added = part->pages[index] == NULL;
    if (added) {
        part->pages[index] = page_ref(page);
        part->page_bytes += page_size(page);
    }
    mutex_unlock(&segment->mutex);
    if (added && segment->cache != NULL) {
        index_cache_grow(segment->cache, &place->item, page_size(page));
    }
    *ret_page = page;
    return 1;
}

int segment_page(
    struct segment *segment, uint32_t tag, struct tag_page **ret_page, struct err *err) {
    if (segment->place_count == 0) {
        return 0;
    }
    uint32_t place = place_find(segment, tag);
    struct part *part = NULL;
    int rc = part_hold(segment, place, &part, err);
    if (rc < 0) {
        return rc;
    }
    uint32_t index = entry_find(part, tag);
    if (index < part->count && part->entries[index].tag == tag) {
        rc = part_page(&segment->places[place], part, index, ret_page, err);
    }
    part_unref(part);
    return rc;
}

int segment_tag_is_whole(struct segment *segment, uint32_t tag, struct err *err) {
    int64_t min_ns = 0;
    int64_t max_ns = 0;
    int inside = segment_tag_range(segment, tag, &min_ns, &max_ns, err);
    if (inside < 0) {
        return inside;
    }
    mutex_lock(&segment->mutex);
    bool is_short = segment->rebuilt_short;
    mutex_unlock(&segment->mutex);
    if (inside == 0 || is_short) {
        return !is_short;
    }
    struct tag_page *page = NULL;
    int rc = segment_page(segment, tag, &page, err);
    bool whole = rc > 0 && !page->incomplete;
    tag_page_unref(page);
    return rc < 0 ? rc : whole;
}

/* ---- Blocks ---- */

/* The block's bytes, read with its neighbours behind it when they are not there yet. */
static int block_bytes(struct segment *segment, const struct tag_page *page, uint32_t index,
    struct decoder *decoder, const uint8_t **ret_bytes, struct err *err) {
    const struct block_entry *block = &page->blocks[index];
    struct buf *bytes = &decoder->bytes;
    bool there = decoder->bytes_id == segment->info.id && block->offset >= decoder->bytes_from &&
                 block->offset + block->size <= decoder->bytes_from + bytes->size;
    if (!there) {
        uint64_t size = block->size;
        for (uint32_t i = index + 1; i < page->block_count && size < READ_AHEAD; i++) {
            size += page->blocks[i].size;
        }
        uint64_t left =
            segment->info.bytes > block->offset ? segment->info.bytes - block->offset : 0;
        size = size < left ? size : left;
        decoder->bytes_id = 0;
        buf_clear(bytes);
        uint8_t *to = size >= block->size ? buf_reserve(bytes, size) : NULL;
        if (to == NULL) {
            *ret_bytes = NULL; // A page that points beyond the file.
            return 0;
        }
        int rc = file_read_at(segment->fd, segment->path, block->offset, to, size, err);
        if (rc < 0) {
            return rc;
        }
        buf_commit(bytes, size);
        decoder->bytes_id = segment->info.id;
        decoder->bytes_from = block->offset;
    }
    *ret_bytes = bytes->data + (block->offset - decoder->bytes_from);
    return 0;
}

int segment_block(struct segment *segment, const struct tag_page *page, uint32_t index,
    struct decoder *decoder, struct run *ret_run, struct err *err) {
    const struct block_entry *block = &page->blocks[index];
    const uint8_t *bytes = NULL;
    int rc = block_bytes(segment, page, index, decoder, &bytes, err);
    if (rc < 0 && rc != -ERR_IO && rc != -ERR_CORRUPT) {
        return rc;
    }
    struct record_head head = {0};
    bool good = rc == 0 && bytes != NULL && record_is_whole(bytes, block->size, &head) &&
                head.size == block->size && head.kind == RECORD_BLOCK && head.tag == page->tag &&
                head.rows == block->rows;
    if (good) {
        struct reader from = reader_of(bytes + RECORD_HEAD_BYTES, head.size - RECORD_HEAD_BYTES);
        good = block_get(decoder, &from, head.rows, ret_run);
    }
    if (!good) {
        err_clear(err); // A sector that cannot be read is damage like any other.
        segment_report(segment, block->offset, MSG_SEGMENT_BLOCK_DAMAGED, page->tag);
        return 0;
    }
    return 1;
}

/* ---- Opening a file ---- */

/* Reads the directory; one that is damaged is rebuilt from the records and becomes a single part.
 */
static int directory_open(struct segment *segment, struct err *err) {
    struct segment_info *info = &segment->info;
    info->min_ns = INT64_MAX;
    info->max_ns = INT64_MIN;
    bool good = false;
    int rc = directory_read(segment, &good, err);
    if (rc < 0 || good) {
        for (uint32_t i = 0; i < segment->place_count && segment->cache != NULL && good; i++) {
            struct part_place *place = &segment->places[i];
            index_cache_add(segment->cache, &place->item, part_bytes(place->part));
        }
        return rc;
    }
    places_free(segment);
    struct part *part = NULL;
    rc = rebuilt_hold(segment, &part, err);
    if (rc < 0) {
        return rc;
    }
    *info = (struct segment_info){.id = info->id,
        .seq_low = info->seq_low,
        .seq_high = info->seq_high,
        .bytes = info->bytes,
        .tag_count = part->count,
        .min_ns = INT64_MIN,
        .max_ns = INT64_MAX - 1};
    for (uint32_t i = 0; i < part->count; i++) {
        info->rows += part->entries[i].rows;
    }
    segment->places =
        MEM_ARRAY(struct part_place, 1); // Never asked for: the rebuilt part is there.
    segment->places[0] = (struct part_place){.segment = segment, .item = {.drop = place_drop}};
    segment->place_count = 1;
    part_unref(part);
    return 0;
}

int segment_open(
    const struct segment_place *place, uint64_t id, struct segment **ret_segment, struct err *err) {
    struct segment *segment = MEM_NEW(struct segment);
    atomic_init(&segment->references, 1);
    segment->files = place->files;
    segment->sink = place->sink;
    segment->cache = place->cache;
    segment->info.id = id;
    mutex_init(&segment->mutex);
    char name[32];
    segment_name(id, name);
    (void)snprintf(segment->path, sizeof segment->path, "%s/%s", place->dir, name);
    segment->fd = -1;
    int rc = file_open(segment->files, segment->path, FILE_READ, &segment->fd, err);
    rc = rc < 0 ? rc : file_size(segment->fd, segment->path, &segment->info.bytes, err);
    rc = rc < 0 ? rc : read_head(segment, id, err);
    rc = rc < 0 ? rc : directory_open(segment, err);
    if (rc < 0) {
        segment_unref(segment);
        return rc;
    }
    *ret_segment = segment;
    return 0;
}
