/*
 * Reading aged files.
 *
 * A file has a head, for each tag its chunks of cells and then its contents, a directory and a
 * tail: the shape of a segment, with cells where that has rows, and the same records with the same
 * checksums. Everything is read when it is asked for; only the directory, some thirty bytes a tag,
 * stays in memory. Ten years of 10-minute cells of one tag are 130 chunks.
 *
 * There is nothing a damaged contents record or directory could be rebuilt from that would be worth
 * the code: the rows are gone, and the nightly backup has the file. What is damaged is reported
 * once with file, tag and place, and the rest answers.
 */
#include "historian/aged.h"

#include <stdatomic.h>
#include <stdio.h>

#include "core/hash.h"
#include "core/limits.h"
#include "core/mem.h"
#include "core/thread.h"

enum {
    AGED_VERSION = 1,
    CHUNKS_MAX = 1 << 20, // Of one tag: 4 billion cells.
    DAMAGE_MAX = 64,
};

static const char aged_magic[8] = {'M', 'A', 'R', 'U', 'A', 'G', 'E', '1'};

struct aged {
    _Atomic uint32_t references;
    _Atomic bool obsolete;
    struct files *files;
    struct damage_sink sink;
    char path[LIMIT_PATH_BYTES];
    int fd;
    struct aged_info info;
    struct tag_entry *entries;
    struct mutex mutex; // Guards what follows.
    uint64_t damage[DAMAGE_MAX];
    uint32_t damage_count;
};

void aged_name(uint64_t id, char *to) {
    (void)snprintf(to, 32, "age-%016llx.age", (unsigned long long)id);
}

bool aged_name_parse(const char *name, uint64_t *ret_id) {
    char segment[32];
    struct str text = str_of(name);
    if (text.size != 24 || !str_starts(text, STR("age-")) || !str_ends(text, STR(".age"))) {
        return false;
    }
    (void)snprintf(segment, sizeof segment, "seg-%.16s.seg", name + 4);
    return segment_name_parse(segment, ret_id);
}

/* ---- Head and contents ---- */

void aged_head_put(uint8_t *to, const struct aged_head *head) {
    memset(to, 0, AGED_HEAD_BYTES);
    memcpy(to, aged_magic, sizeof aged_magic);
    store_u32(to + 8, AGED_VERSION);
    store_u64(to + 16, head->id);
    store_u64(to + 24, head->round_low);
    store_u64(to + 32, head->round_high);
    store_u32(to + 60, crc32c(0, to, 60));
}

int aged_head_get(const uint8_t *from, struct aged_head *ret_head) {
    if (memcmp(from, aged_magic, sizeof aged_magic) != 0 ||
        load_u32(from + 60) != crc32c(0, from, 60)) {
        return -ERR_CORRUPT;
    }
    if (load_u32(from + 8) != AGED_VERSION) {
        return -ERR_VERSION;
    }
    *ret_head = (struct aged_head){.id = load_u64(from + 16),
        .round_low = load_u64(from + 24),
        .round_high = load_u64(from + 32)};
    return 0;
}

void aged_contents_fini(struct aged_contents *contents) {
    mem_free(contents->chunks);
    *contents = (struct aged_contents){0};
}

enum { CHUNK_FIELDS = 5 };

static void chunk_fields(const struct aged_chunk *chunk, uint64_t fields[CHUNK_FIELDS]) {
    uint64_t width = (uint64_t)rollup_ns[chunk->level];
    fields[0] = chunk->level;
    fields[1] = chunk->size;
    fields[2] = chunk->cells;
    fields[3] = (uint64_t)(chunk->first_ns / (int64_t)width);
    fields[4] = ((uint64_t)chunk->last_ns - (uint64_t)chunk->first_ns) / width;
}

void aged_contents_put(struct codec *codec, struct buf *to, const struct aged_contents *contents) {
    bits64 column[BLOCK_ROWS];
    write_varint(to, contents->count);
    for (uint32_t at = 0; at < contents->count; at += BLOCK_ROWS) {
        uint32_t count = contents->count - at < BLOCK_ROWS ? contents->count - at : BLOCK_ROWS;
        for (int field = 0; field < CHUNK_FIELDS; field++) {
            for (uint32_t i = 0; i < count; i++) {
                uint64_t fields[CHUNK_FIELDS];
                chunk_fields(&contents->chunks[at + i], fields);
                column[i] = fields[field];
            }
            column_put_ints(codec, to, column, count);
        }
    }
}

/* Takes one chunk's fields over; false when they cannot be. */
static bool chunk_take(
    const uint64_t fields[CHUNK_FIELDS], uint64_t *offset, struct aged_chunk *ret_chunk) {
    if (fields[0] >= ROLLUP_LEVELS || fields[1] < RECORD_HEAD_BYTES ||
        fields[1] > RECORD_BYTES_MAX || fields[2] == 0 || fields[2] > BLOCK_ROWS) {
        return false;
    }
    int64_t width = rollup_ns[fields[0]];
    int64_t first = (int64_t)fields[3];
    int64_t most = HIST_TIME_MAX / width;
    if (first < -most - 1 || first > most || fields[4] > (uint64_t)(most - first)) {
        return false;
    }
    *ret_chunk = (struct aged_chunk){.offset = *offset,
        .size = (uint32_t)fields[1],
        .level = (uint8_t)fields[0],
        .cells = (uint32_t)fields[2],
        .first_ns = first * width,
        .last_ns = (first + (int64_t)fields[4]) * width};
    *offset += fields[1];
    return true;
}

/* Chunks of a level follow each other in time. */
static bool chunks_in_order(const struct aged_contents *contents) {
    int64_t last_ns[ROLLUP_LEVELS] = {INT64_MIN, INT64_MIN, INT64_MIN};
    for (uint32_t i = 0; i < contents->count; i++) {
        const struct aged_chunk *chunk = &contents->chunks[i];
        if (chunk->first_ns <= last_ns[chunk->level]) {
            return false;
        }
        last_ns[chunk->level] = chunk->last_ns;
    }
    return true;
}

bool aged_contents_get(
    struct codec *codec, struct reader *from, uint64_t offset, struct aged_contents *ret_contents) {
    AUTO_FREE bits64 *columns = MEM_ARRAY(bits64, (size_t)BLOCK_ROWS * CHUNK_FIELDS);
    struct aged_contents contents = {0};
    uint64_t count = read_varint(from);
    bool good = !from->failed && count > 0 && count <= CHUNKS_MAX;
    while (good && contents.count < count) {
        uint64_t left = count - contents.count;
        uint32_t group = left < BLOCK_ROWS ? (uint32_t)left : BLOCK_ROWS;
        contents.chunks =
            mem_resize(contents.chunks, (contents.count + group) * sizeof *contents.chunks);
        for (int field = 0; field < CHUNK_FIELDS && good; field++) {
            good = column_get_ints(codec, from, columns + (size_t)field * BLOCK_ROWS, group);
        }
        for (uint32_t i = 0; i < group && good; i++) {
            uint64_t fields[CHUNK_FIELDS];
            for (size_t field = 0; field < CHUNK_FIELDS; field++) {
                fields[field] = columns[field * BLOCK_ROWS + i];
            }
            good = chunk_take(fields, &offset, &contents.chunks[contents.count]);
            contents.count += good;
        }
    }
    if (!good || reader_left(from) != 0 || !chunks_in_order(&contents)) {
        aged_contents_fini(&contents);
        return false;
    }
    *ret_contents = contents;
    return true;
}

/* ---- The open file ---- */

static void aged_report(struct aged *aged, uint64_t offset, uint32_t tag) {
    mutex_lock(&aged->mutex);
    bool known = aged->damage_count == DAMAGE_MAX;
    for (uint32_t i = 0; i < aged->damage_count; i++) {
        known = known || aged->damage[i] == offset;
    }
    if (!known) {
        aged->damage[aged->damage_count++] = offset;
    }
    mutex_unlock(&aged->mutex);
    if (!known) {
        struct err what = ERR_INIT;
        (void)err_set(&what, ERR_CORRUPT, MSG_AGED_DAMAGED,
            ARGS(A_CSTR(aged->path), A_INT(offset), A_INT(tag)));
        aged->sink.damaged(aged->sink.context, &what);
    }
}

/* Reads a record of a known place and size into decoder->bytes. 1; 0: it is damaged; negative. */
static int aged_record(struct aged *aged, const struct record_head *want, uint64_t offset,
    struct decoder *decoder, struct err *err) {
    struct buf *bytes = &decoder->bytes;
    decoder->bytes_id = 0; // What a segment left there is gone.
    buf_clear(bytes);
    bool inside = offset <= aged->info.bytes && want->size <= aged->info.bytes - offset;
    uint8_t *to = inside ? buf_reserve(bytes, want->size) : NULL;
    int rc = to != NULL ? file_read_at(aged->fd, aged->path, offset, to, want->size, err) : 0;
    if (rc < 0 && rc != -ERR_IO && rc != -ERR_CORRUPT) {
        return rc;
    }
    struct record_head head = {0};
    bool good = to != NULL && rc == 0 && record_is_whole(to, want->size, &head) &&
                head.size == want->size && head.kind == want->kind && head.tag == want->tag;
    if (!good) {
        err_clear(err);
        aged_report(aged, offset, want->tag);
        return 0;
    }
    buf_commit(bytes, want->size);
    return 1;
}

static struct reader payload_of(const struct decoder *decoder) {
    return reader_of(
        decoder->bytes.data + RECORD_HEAD_BYTES, decoder->bytes.size - RECORD_HEAD_BYTES);
}

int aged_contents(struct aged *aged, const struct tag_entry *entry, struct decoder *decoder,
    struct aged_contents *ret_contents, struct err *err) {
    uint64_t offset = entry->offset + entry->blocks_size;
    struct record_head want = {
        .size = entry->page_size, .tag = entry->tag, .kind = RECORD_CONTENTS};
    int rc = aged_record(aged, &want, offset, decoder, err);
    if (rc <= 0) {
        return rc;
    }
    struct reader from = payload_of(decoder);
    if (!aged_contents_get(&decoder->codec, &from, entry->offset, ret_contents)) {
        aged_report(aged, offset, entry->tag);
        return 0;
    }
    return 1;
}

int aged_cells(struct aged *aged, uint32_t tag, const struct aged_chunk *chunk,
    struct decoder *decoder, struct cell *cells, struct err *err) {
    struct record_head want = {.size = chunk->size, .tag = tag, .kind = RECORD_CELLS};
    int rc = aged_record(aged, &want, chunk->offset, decoder, err);
    if (rc <= 0) {
        return rc;
    }
    struct reader from = payload_of(decoder);
    bool good = cells_get(&decoder->codec, &from, cells, chunk->cells, rollup_ns[chunk->level]) &&
                reader_left(&from) == 0 && cells[0].start_ns == chunk->first_ns &&
                cells[chunk->cells - 1].start_ns == chunk->last_ns;
    for (uint32_t i = 1; i < chunk->cells && good; i++) {
        good = cells[i].start_ns > cells[i - 1].start_ns;
    }
    if (!good) {
        aged_report(aged, chunk->offset, tag);
        return 0;
    }
    return 1;
}

static int read_directory(struct aged *aged, struct err *err) {
    uint8_t bytes[SEGMENT_TAIL_BYTES];
    uint64_t size = aged->info.bytes;
    struct segment_tail tail = {0};
    int rc = 0;
    bool good = size >= AGED_HEAD_BYTES + RECORD_HEAD_BYTES + SEGMENT_TAIL_BYTES;
    if (good) {
        rc = file_read_at(aged->fd, aged->path, size - sizeof bytes, bytes, sizeof bytes, err);
        good = rc == 0 && segment_tail_get(bytes, &tail) && tail.id == aged->info.id &&
               tail.directory_size >= RECORD_HEAD_BYTES &&
               tail.directory_offset + tail.directory_size == size - sizeof bytes;
    }
    struct decoder decoder;
    decoder_init(&decoder);
    struct record_head want = {.size = tail.directory_size, .kind = RECORD_DIRECTORY};
    if (rc == 0 && good) {
        rc = aged_record(aged, &want, tail.directory_offset, &decoder, err);
        good = rc > 0;
    }
    if (rc > 0 && good) {
        struct reader from = payload_of(&decoder);
        aged->entries = directory_get(&decoder.codec, &from, tail.tag_count);
    }
    decoder_fini(&decoder);
    if (rc < 0) {
        return rc;
    }
    aged->info.tag_count = tail.tag_count;
    aged->info.cells = tail.rows;
    return aged->entries != NULL
               ? 0
               : err_set(err, ERR_CORRUPT, MSG_AGED_UNREADABLE, ARGS(A_CSTR(aged->path)));
}

static int read_head(struct aged *aged, struct err *err) {
    uint8_t bytes[AGED_HEAD_BYTES] = {0};
    struct aged_head head = {0};
    int rc = aged->info.bytes >= sizeof bytes
                 ? file_read_at(aged->fd, aged->path, 0, bytes, sizeof bytes, err)
                 : 0;
    if (rc < 0) {
        return rc;
    }
    rc = aged_head_get(bytes, &head);
    if (rc == -ERR_VERSION) {
        return err_set(err, ERR_VERSION, MSG_SEGMENT_VERSION, ARGS(A_CSTR(aged->path)));
    }
    if (rc < 0 || head.id != aged->info.id) {
        return err_set(err, ERR_CORRUPT, MSG_AGED_UNREADABLE, ARGS(A_CSTR(aged->path)));
    }
    aged->info.round_low = head.round_low;
    aged->info.round_high = head.round_high;
    return 0;
}

int aged_open(struct files *files, const char *dir, uint64_t id, const struct damage_sink *sink,
    struct aged **ret_aged, struct err *err) {
    struct aged *aged = MEM_NEW(struct aged);
    atomic_init(&aged->references, 1);
    aged->files = files;
    aged->sink = *sink;
    aged->info.id = id;
    mutex_init(&aged->mutex);
    char name[32];
    aged_name(id, name);
    (void)snprintf(aged->path, sizeof aged->path, "%s/%s", dir, name);
    aged->fd = -1;
    int rc = file_open(files, aged->path, FILE_READ, &aged->fd, err);
    rc = rc < 0 ? rc : file_size(aged->fd, aged->path, &aged->info.bytes, err);
    rc = rc < 0 ? rc : read_head(aged, err);
    rc = rc < 0 ? rc : read_directory(aged, err);
    if (rc < 0) {
        aged_unref(aged);
        return rc;
    }
    *ret_aged = aged;
    return 0;
}

struct aged *aged_ref(struct aged *aged) {
    atomic_fetch_add_explicit(&aged->references, 1, memory_order_relaxed);
    return aged;
}

void aged_unref(struct aged *aged) {
    if (aged == NULL ||
        atomic_fetch_sub_explicit(&aged->references, 1, memory_order_acq_rel) != 1) {
        return;
    }
    if (aged->fd >= 0) {
        file_close(aged->fd);
    }
    if (atomic_load_explicit(&aged->obsolete, memory_order_relaxed)) {
        (void)file_remove(aged->files, aged->path, NULL); // Else the next opening does.
    }
    mem_free(aged->entries);
    mutex_fini(&aged->mutex);
    mem_free(aged);
}

void aged_obsolete(struct aged *aged) {
    atomic_store_explicit(&aged->obsolete, true, memory_order_relaxed);
}

int aged_fd(const struct aged *aged) {
    return aged->fd;
}

const struct aged_info *aged_info(const struct aged *aged) {
    return &aged->info;
}

const struct tag_entry *aged_entry(const struct aged *aged, uint32_t index) {
    return &aged->entries[index];
}

const struct tag_entry *aged_find(const struct aged *aged, uint32_t tag) {
    uint32_t low = 0;
    uint32_t high = aged->info.tag_count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (aged->entries[middle].tag < tag) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    bool found = low < aged->info.tag_count && aged->entries[low].tag == tag;
    return found ? &aged->entries[low] : NULL;
}
