/*
 * Reading segments.
 *
 * Opening reads head, tail and directory: some twenty bytes a tag, so ten gigabytes of history open
 * in milliseconds. A tag's page is read when it is asked for and kept (up to 4 MB a segment).
 * Directories and pages of all segments together stay below a bound (index_cache.h): those that
 * were not used for long are dropped and read again when they are asked for. A directory that had
 * to be rebuilt stays. Blocks are read with plain reads, a neighbourhood at a time, and checked
 * each time: CRC-32C runs at many times the speed of decoding. Reads, not a mapping: a bad sector
 * must be an error that is named, not a signal that ends the process.
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

/* The tags inside and those pages that were asked for. */
struct directory {
    _Atomic uint32_t references;
    uint32_t count;
    struct tag_entry *entries;
    bool rebuilt; // Not dropped: it cannot be read again.
    /* Under the segment's mutex. */
    struct tag_page **pages;
    uint64_t page_bytes;
};

struct segment {
    _Atomic uint32_t references;
    _Atomic bool obsolete;
    struct files *files;
    struct damage_sink sink;
    char path[LIMIT_PATH_BYTES];
    int fd;
    struct segment_info info;
    struct index_cache *cache; // NULL: the directory stays.
    struct index_item item;
    struct directory *pinned;    // Of whoever has the care role.
    struct mutex mutex;          // Guards what follows.
    struct directory *directory; // NULL: dropped.
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

bool segment_is_damaged(const struct segment *segment) {
    struct mutex *mutex = (struct mutex *)(uintptr_t)&segment->mutex;
    mutex_lock(mutex);
    bool damaged = segment->damage_count > 0;
    mutex_unlock(mutex);
    return damaged;
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

static int page_parse(struct segment *segment, const struct tag_entry *entry,
    struct decoder *decoder, struct tag_page **ret_page, struct err *err) {
    struct record_head head;
    bool good = false;
    uint64_t offset = entry->offset + entry->blocks_size;
    int rc = read_record(segment, offset, &decoder->bytes, &head, &good, err);
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
        rc = read_record(segment, offset, &decoder->bytes, &head, &good, err);
        if (rc < 0 || head.size == 0) {
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

/* ---- The directory ---- */

static struct directory *directory_new(struct tag_entry *entries, uint32_t count) {
    struct directory *directory = MEM_NEW(struct directory);
    atomic_init(&directory->references, 1);
    directory->count = count;
    directory->entries = entries;
    directory->pages = MEM_ARRAY(struct tag_page *, count + 1);
    return directory;
}

static void pages_drop(struct directory *directory) {
    for (uint32_t i = 0; i < directory->count; i++) {
        tag_page_unref(directory->pages[i]);
        directory->pages[i] = NULL;
    }
    directory->page_bytes = 0;
}

static void directory_unref(struct directory *directory) {
    if (directory == NULL ||
        atomic_fetch_sub_explicit(&directory->references, 1, memory_order_acq_rel) != 1) {
        return;
    }
    pages_drop(directory);
    mem_free(directory->pages);
    mem_free(directory->entries);
    mem_free(directory);
}

/* Fills *ret_directory and the segment's tail when both are good; else it stays NULL. */
static int read_directory(
    struct segment *segment, struct directory **ret_directory, struct err *err) {
    uint8_t bytes[SEGMENT_TAIL_BYTES];
    uint64_t size = segment->info.bytes;
    *ret_directory = NULL;
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
    struct codec codec;
    codec_init(&codec);
    struct reader from =
        reader_of(record + RECORD_HEAD_BYTES, tail.directory_size - RECORD_HEAD_BYTES);
    struct tag_entry *entries = directory_get(&codec, &from, tail.tag_count);
    codec_fini(&codec);
    if (entries != NULL) {
        *ret_directory = directory_new(entries, tail.tag_count);
    }
    return 0;
}

/* Gives the tags of a rebuilt directory their ranges, from their pages or blocks. */
static void rebuild_ranges(struct segment *segment, struct directory *directory) {
    for (uint32_t i = 0; i < directory->count; i++) {
        struct tag_entry *entry = &directory->entries[i];
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

/* Walks the records from the first on. Ranges of tags stay unknown (everything): pages tell. */
static int rebuild_directory(
    struct segment *segment, struct directory **ret_directory, struct err *err) {
    AUTO_BUF struct buf bytes;
    buf_init(&bytes, RECORD_BYTES_MAX);
    struct tag_entry *entries = mem_alloc(sizeof *entries);
    uint32_t count = 0;
    uint64_t offset = SEGMENT_HEAD_BYTES;
    int rc = 0;
    for (;;) {
        struct record_head head;
        bool good = false;
        rc = read_record(segment, offset, &bytes, &head, &good, err);
        if (rc < 0 || head.size == 0 || head.kind == RECORD_DIRECTORY || head.tag == 0) {
            break;
        }
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
    *ret_directory = directory_new(entries, count);
    (*ret_directory)->rebuilt = true;
    rebuild_ranges(segment, *ret_directory);
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
    if (segment->cache != NULL) {
        index_cache_remove(segment->cache, &segment->item);
    }
    directory_unref(segment->directory);
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

/* ---- Holding the directory ---- */

static struct directory *directory_there(struct segment *segment) {
    mutex_lock(&segment->mutex);
    struct directory *directory = segment->directory;
    if (directory != NULL) {
        atomic_fetch_add_explicit(&directory->references, 1, memory_order_relaxed);
    }
    mutex_unlock(&segment->mutex);
    if (directory != NULL) {
        atomic_store_explicit(&segment->item.used, true, memory_order_relaxed);
    }
    return directory;
}

static void directory_drop(struct index_item *item) {
    struct segment *segment =
        (struct segment *)(void *)((uint8_t *)item - offsetof(struct segment, item));
    mutex_lock(&segment->mutex);
    struct directory *directory = segment->directory;
    segment->directory = NULL;
    mutex_unlock(&segment->mutex);
    directory_unref(directory);
}

static uint64_t directory_bytes(const struct directory *directory) {
    return sizeof *directory +
           directory->count * (sizeof *directory->entries + sizeof *directory->pages);
}

/* Reads the directory, or rebuilds it where it is damaged, which is reported. */
static int directory_load(
    struct segment *segment, struct directory **ret_directory, struct err *err) {
    int rc = read_directory(segment, ret_directory, err);
    if (rc == 0 && *ret_directory == NULL) {
        segment_report(segment, segment->info.bytes, MSG_SEGMENT_DIRECTORY_DAMAGED, 0);
        rc = rebuild_directory(segment, ret_directory, err);
    }
    return rc;
}

/* The directory with a reference of the caller's. */
static int directory_hold(
    struct segment *segment, struct directory **ret_directory, struct err *err) {
    *ret_directory = directory_there(segment);
    if (*ret_directory != NULL) {
        return 0;
    }
    struct directory *loaded = NULL;
    int rc = directory_load(segment, &loaded, err);
    if (rc < 0) {
        return rc;
    }
    mutex_lock(&segment->mutex);
    bool mine = segment->directory == NULL;
    if (mine) {
        segment->directory = loaded;
    } else {
        directory_unref(loaded); // Somebody was faster.
    }
    *ret_directory = segment->directory;
    atomic_fetch_add_explicit(&segment->directory->references, 1, memory_order_relaxed);
    mutex_unlock(&segment->mutex);
    if (mine && segment->cache != NULL && !loaded->rebuilt) {
        index_cache_add(segment->cache, &segment->item, directory_bytes(loaded));
    }
    return 0;
}

int segment_pin(struct segment *segment, struct err *err) {
    CHECK(segment->pinned == NULL);
    return directory_hold(segment, &segment->pinned, err);
}

void segment_unpin(struct segment *segment) {
    directory_unref(segment->pinned);
    segment->pinned = NULL;
}

uint32_t segment_tags(const struct segment *segment) {
    return segment->pinned->count;
}

uint32_t segment_tag(const struct segment *segment, uint32_t index) {
    return segment->pinned->entries[index].tag;
}

/* Index of a tag's entry, or the count. */
static uint32_t entry_find(const struct directory *directory, uint32_t tag) {
    uint32_t low = 0;
    uint32_t high = directory->count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (directory->entries[middle].tag < tag) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    bool found = low < directory->count && directory->entries[low].tag == tag;
    return found ? low : directory->count;
}

bool segment_tag_range(
    struct segment *segment, uint32_t tag, int64_t *ret_min_ns, int64_t *ret_max_ns) {
    struct directory *directory = NULL;
    if (directory_hold(segment, &directory, NULL) < 0) {
        segment_report(segment, segment->info.bytes, MSG_SEGMENT_DIRECTORY_DAMAGED, 0);
        return false;
    }
    uint32_t at = entry_find(directory, tag);
    bool inside = at < directory->count;
    if (inside) {
        *ret_min_ns = directory->entries[at].min_ns;
        *ret_max_ns = directory->entries[at].max_ns;
    }
    directory_unref(directory);
    return inside;
}

/* A page that is there or is read now. */
static int directory_page(struct segment *segment, struct directory *directory, uint32_t index,
    struct tag_page **ret_page, struct err *err) {
    mutex_lock(&segment->mutex);
    struct tag_page *page = directory->pages[index];
    if (page != NULL) {
        *ret_page = page_ref(page);
    }
    mutex_unlock(&segment->mutex);
    if (page != NULL) {
        return 1;
    }
    int rc = page_read(segment, &directory->entries[index], &page, err);
    if (rc <= 0) {
        return rc;
    }
    mutex_lock(&segment->mutex);
    if (directory->page_bytes > PAGE_CACHE_BYTES) {
        pages_drop(directory);
    }
    bool added = directory->pages[index] == NULL;
    if (added) {
        directory->pages[index] = page_ref(page);
        directory->page_bytes += page_size(page);
    }
    mutex_unlock(&segment->mutex);
    if (added && segment->cache != NULL) {
        index_cache_grow(segment->cache, &segment->item, page_size(page));
    }
    *ret_page = page;
    return 1;
}

int segment_page(
    struct segment *segment, uint32_t tag, struct tag_page **ret_page, struct err *err) {
    struct directory *directory = NULL;
    int rc = directory_hold(segment, &directory, err);
    if (rc < 0) {
        return rc;
    }
    uint32_t index = entry_find(directory, tag);
    if (index < directory->count) {
        rc = directory_page(segment, directory, index, ret_page, err);
    }
    directory_unref(directory);
    return rc;
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

/* What is always known about a segment. */
static void info_take(struct segment *segment, const struct directory *directory) {
    struct segment_info *info = &segment->info;
    info->tag_count = directory->count;
    info->min_ns = directory->rebuilt ? INT64_MIN : INT64_MAX;
    info->max_ns = directory->rebuilt ? INT64_MAX - 1 : INT64_MIN;
    for (uint32_t i = 0; i < directory->count; i++) {
        const struct tag_entry *entry = &directory->entries[i];
        info->rows += entry->rows;
        info->min_ns = entry->min_ns < info->min_ns ? entry->min_ns : info->min_ns;
        info->max_ns = entry->max_ns > info->max_ns ? entry->max_ns : info->max_ns;
    }
}

int segment_open(
    const struct segment_place *place, uint64_t id, struct segment **ret_segment, struct err *err) {
    struct segment *segment = MEM_NEW(struct segment);
    atomic_init(&segment->references, 1);
    segment->files = place->files;
    segment->sink = place->sink;
    segment->cache = place->cache;
    segment->item.drop = directory_drop;
    segment->info.id = id;
    mutex_init(&segment->mutex);
    char name[32];
    segment_name(id, name);
    (void)snprintf(segment->path, sizeof segment->path, "%s/%s", place->dir, name);
    segment->fd = -1;
    struct directory *directory = NULL;
    int rc = file_open(segment->files, segment->path, FILE_READ, &segment->fd, err);
    rc = rc < 0 ? rc : file_size(segment->fd, segment->path, &segment->info.bytes, err);
    rc = rc < 0 ? rc : read_head(segment, id, err);
    rc = rc < 0 ? rc : directory_hold(segment, &directory, err);
    if (rc < 0) {
        segment_unref(segment);
        return rc;
    }
    info_take(segment, directory);
    directory_unref(directory);
    *ret_segment = segment;
    return 0;
}
