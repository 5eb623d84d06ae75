/*
 * Reading every byte of a history folder and saying what is wrong with it.
 *
 * A segment is walked record by record beside its directory: every byte belongs to the head, to one
 * record or to the tail, and all of them carry checksums, so a flipped bit anywhere is found and
 * named with its file, place and tag. Blocks are decoded and compared with what their page says of
 * them. Files that no manifest names are left-overs of work that did not end and are passed over;
 * log files end where nothing was written.
 *
 * A history that is open keeps changing: a segment that vanishes while it is being read was merged
 * away, and an unfinished frame at the end of the log is being written.
 */
#include <stdio.h>
#include <string.h>
#include <sys/file.h>

#include "core/limits.h"
#include "core/mem.h"
#include "historian/aged.h"
#include "historian/block.h"
#include "historian/historian.h"
#include "historian/manifest.h"
#include "historian/wal.h"

struct verify {
    struct files *files;
    const char *dir;
    void (*damaged)(void *context, const struct err *what);
    void *context;
    struct hist_verify_report report;
    bool live; // Somebody has the history open.
    struct decoder decoder;
    struct batch *batch;
    /* The present segment. */
    char path[LIMIT_PATH_BYTES];
    int fd;
    uint64_t size;
};

static void verify_report(struct verify *verify, enum msg_id msg, uint64_t offset, uint32_t tag) {
    struct err what = ERR_INIT;
    (void)err_set(&what, ERR_CORRUPT, msg, ARGS(A_CSTR(verify->path), A_INT(offset), A_INT(tag)));
    verify->report.damaged++;
    verify->damaged(verify->context, &what);
}

/* Reads bytes into the decoder's buffer; what cannot be read counts as damaged. */
static const uint8_t *verify_bytes(struct verify *verify, uint64_t offset, uint64_t size) {
    struct buf *bytes = &verify->decoder.bytes;
    buf_clear(bytes);
    uint8_t *to = offset + size <= verify->size ? buf_reserve(bytes, size) : NULL;
    if (to == NULL || file_read_at(verify->fd, verify->path, offset, to, size, NULL) < 0) {
        return NULL;
    }
    buf_commit(bytes, size);
    return to;
}

static bool numbers_agree(double a, double b) {
    return bits_of_f64(a) == bits_of_f64(b) || a == b;
}

/* Do a block's rows bear out what the page says? */
static bool block_agrees(const struct block_entry *entry, const struct run *run) {
    struct summary summary;
    summary_init(&summary);
    summary_add(&summary, run, 0, run->count);
    const struct summary *said = &entry->summary;
    return run->time[0] == entry->min_ns && run->time[run->count - 1] == entry->max_ns &&
           run->strict == entry->strict && summary.count == said->count &&
           summary.bad_count == said->bad_count && numbers_agree(summary.min, said->min) &&
           numbers_agree(summary.max, said->max) && numbers_agree(summary.sum, said->sum) &&
           summary.first_ns == said->first_ns && summary.last_ns == said->last_ns;
}

static void verify_block(struct verify *verify, uint32_t tag, const struct block_entry *entry) {
    const uint8_t *bytes = verify_bytes(verify, entry->offset, entry->size);
    struct record_head head;
    struct run run = {0};
    bool good = bytes != NULL && record_is_whole(bytes, entry->size, &head) &&
                head.size == entry->size && head.kind == RECORD_BLOCK && head.tag == tag;
    if (good) {
        struct reader from = reader_of(bytes + RECORD_HEAD_BYTES, head.size - RECORD_HEAD_BYTES);
        good = block_get(&verify->decoder, &from, head.rows, &run) && block_agrees(entry, &run);
    }
    verify->report.blocks++;
    verify->report.rows += run.count;
    if (!good) {
        verify_report(verify, MSG_VERIFY_BLOCK, entry->offset, tag);
    }
}

/* A tag whose page is damaged: its blocks are found through their own heads. */
static void verify_blocks_alone(struct verify *verify, uint32_t tag, uint64_t from, uint64_t to) {
    for (uint64_t offset = from; offset < to;) {
        const uint8_t *bytes = verify_bytes(verify, offset, RECORD_HEAD_BYTES);
        struct record_head head;
        if (bytes == NULL || !record_head_read(bytes, &head) || head.size > to - offset) {
            verify_report(verify, MSG_VERIFY_BLOCK, offset, tag);
            return;
        }
        bytes = verify_bytes(verify, offset, head.size);
        struct run run = {0};
        bool good = bytes != NULL && record_is_whole(bytes, head.size, &head);
        if (good && head.kind == RECORD_BLOCK) {
            struct reader reader =
                reader_of(bytes + RECORD_HEAD_BYTES, head.size - RECORD_HEAD_BYTES);
            good = block_get(&verify->decoder, &reader, head.rows, &run);
        }
        verify->report.blocks++;
        verify->report.rows += run.count;
        if (!good) {
            verify_report(verify, MSG_VERIFY_BLOCK, offset, tag);
        }
        offset += head.size;
    }
}

static struct tag_page *verify_page(
    struct verify *verify, uint32_t tag, uint64_t offset, uint32_t size, uint64_t first_block) {
    const uint8_t *bytes = verify_bytes(verify, offset, size);
    struct record_head head;
    if (bytes == NULL || !record_is_whole(bytes, size, &head) || head.size != size ||
        head.kind != RECORD_PAGE || head.tag != tag) {
        return NULL;
    }
    struct reader from = reader_of(bytes + RECORD_HEAD_BYTES, size - RECORD_HEAD_BYTES);
    struct tag_page *page = NULL;
    return page_get(&verify->decoder.codec, &from, first_block, &page) ? page : NULL;
}

static void verify_tag(struct verify *verify, const struct tag_entry *entry) {
    uint64_t page_at = entry->offset + entry->blocks_size;
    struct tag_page *page =
        verify_page(verify, entry->tag, page_at, entry->page_size, entry->offset);
    if (page == NULL) {
        verify_report(verify, MSG_VERIFY_PAGE, page_at, entry->tag);
        verify_blocks_alone(verify, entry->tag, entry->offset, page_at);
        return;
    }
    for (uint32_t i = 0; i < page->block_count; i++) {
        verify_block(verify, entry->tag, &page->blocks[i]);
    }
    const struct block_entry *last = &page->blocks[page->block_count - 1];
    bool agrees = last->offset + last->size == page_at && page->rows == entry->rows &&
                  page->blocks[0].min_ns == entry->min_ns && last->max_ns == entry->max_ns;
    if (!agrees) {
        verify_report(verify, MSG_VERIFY_PAGE, page_at, entry->tag);
    }
    tag_page_unref(page);
}

/* The directory, when tail and directory are intact and lie where they must. */
static struct tag_entry *verify_directory(struct verify *verify, uint32_t *ret_count) {
    const uint8_t *bytes =
        verify->size >= SEGMENT_TAIL_BYTES
            ? verify_bytes(verify, verify->size - SEGMENT_TAIL_BYTES, SEGMENT_TAIL_BYTES)
            : NULL;
    struct segment_tail tail;
    if (bytes == NULL || !segment_tail_get(bytes, &tail) ||
        tail.directory_offset + tail.directory_size != verify->size - SEGMENT_TAIL_BYTES) {
        return NULL;
    }
    bytes = verify_bytes(verify, tail.directory_offset, tail.directory_size);
    struct record_head head;
    if (bytes == NULL || !record_is_whole(bytes, tail.directory_size, &head) ||
        head.size != tail.directory_size || head.kind != RECORD_DIRECTORY) {
        return NULL;
    }
    struct reader from = reader_of(bytes + RECORD_HEAD_BYTES, head.size - RECORD_HEAD_BYTES);
    struct tag_entry *entries = directory_get(&verify->decoder.codec, &from, tail.tag_count);
    if (entries == NULL) {
        return NULL;
    }
    uint64_t end = SEGMENT_HEAD_BYTES;
    for (uint32_t i = 0; i < tail.tag_count; i++) {
        end = entries[i].offset + entries[i].blocks_size + entries[i].page_size;
    }
    if (end != tail.directory_offset) {
        mem_free(entries);
        return NULL;
    }
    *ret_count = tail.tag_count;
    return entries;
}

static void verify_segment_bytes(struct verify *verify, uint64_t id) {
    const uint8_t *bytes = verify_bytes(verify, 0, SEGMENT_HEAD_BYTES);
    struct segment_head head = {0};
    if (bytes == NULL || segment_head_get(bytes, &head) < 0 || head.id != id) {
        verify_report(verify, MSG_VERIFY_HEAD, 0, 0);
    }
    uint32_t count = 0;
    struct tag_entry *entries = verify_directory(verify, &count);
    if (entries == NULL) {
        verify_report(verify, MSG_VERIFY_DIRECTORY, verify->size, 0);
        return;
    }
    for (uint32_t i = 0; i < count; i++) {
        verify_tag(verify, &entries[i]);
    }
    mem_free(entries);
}

static int manifest_has(struct verify *verify, uint64_t id, struct err *err) {
    struct manifest manifest;
    int rc = manifest_read(verify->files, verify->dir, &manifest, err);
    if (rc <= 0) {
        return rc;
    }
    int found = 0;
    for (uint32_t i = 0; i < manifest.segment_count; i++) {
        found |= manifest.segments[i] == id;
    }
    for (uint32_t i = 0; i < manifest.aged_count; i++) {
        found |= manifest.aged[i] == id;
    }
    manifest_fini(&manifest);
    return found;
}

static void verify_segment(struct verify *verify, uint64_t id) {
    char name[32];
    segment_name(id, name);
    (void)snprintf(verify->path, sizeof verify->path, "%s/%s", verify->dir, name);
    struct err what = ERR_INIT;
    int rc = file_open(verify->files, verify->path, FILE_READ, &verify->fd, &what);
    rc = rc < 0 ? rc : file_size(verify->fd, verify->path, &verify->size, &what);
    if (rc < 0) {
        if (manifest_has(verify, id, NULL) > 0) { // Else it was merged away meanwhile.
            verify->report.damaged++;
            verify->damaged(verify->context, &what);
        }
        return;
    }
    verify->report.segments++;
    verify_segment_bytes(verify, id);
    file_close(verify->fd);
    verify->fd = -1;
}

/* ---- Aged files ---- */

static void aged_damaged(void *context, const struct err *what) {
    struct verify *verify = context;
    verify->report.damaged++;
    verify->damaged(verify->context, what);
}

/* Every record, and whether each level stands for the same rows as the hours. */
static void verify_aged_tag(
    struct verify *verify, struct aged *aged, const struct tag_entry *entry, struct cell *cells) {
    struct aged_contents contents = {0};
    uint64_t rows[ROLLUP_LEVELS] = {0};
    bool good = aged_contents(aged, entry, &verify->decoder, &contents, NULL) > 0;
    bool read = good;
    for (uint32_t i = 0; i < contents.count; i++) {
        const struct aged_chunk *chunk = &contents.chunks[i];
        verify->report.blocks++;
        if (aged_cells(aged, entry->tag, chunk, &verify->decoder, cells, NULL) <= 0) {
            read = false;
            continue;
        }
        for (uint32_t j = 0; j < chunk->cells; j++) {
            rows[chunk->level] += cells[j].summary.count + cells[j].summary.bad_count;
        }
    }
    if (read && (rows[1] != rows[2] || rows[0] > rows[2])) {
        verify_report(verify, MSG_VERIFY_PAGE, entry->offset + entry->blocks_size, entry->tag);
    }
    aged_contents_fini(&contents);
}

static void verify_aged(struct verify *verify, uint64_t id) {
    char name[32];
    struct damage_sink sink = {.damaged = aged_damaged, .context = verify};
    struct aged *aged = NULL;
    struct err what = ERR_INIT;
    aged_name(id, name);
    (void)snprintf(verify->path, sizeof verify->path, "%s/%s", verify->dir, name);
    if (aged_open(verify->files, verify->dir, id, &sink, &aged, &what) < 0) {
        if (what.code != ERR_NOT_FOUND || manifest_has(verify, id, NULL) > 0) {
            aged_damaged(verify, &what);
        }
        return;
    }
    AUTO_FREE struct cell *cells = MEM_ARRAY(struct cell, BLOCK_ROWS);
    verify->report.segments++;
    for (uint32_t i = 0; i < aged_info(aged)->tag_count; i++) {
        verify_aged_tag(verify, aged, aged_entry(aged, i), cells);
    }
    aged_unref(aged);
}

/* ---- Log ---- */

static void verify_frame(
    struct verify *verify, struct wal_file *file, const struct wal_frame_head *head) {
    struct reader payload = reader_of(file->payload.data, file->payload.size);
    bool good = true;
    for (uint32_t i = 0; i < head->batch_count && good; i++) {
        good = wal_batch_read(&payload, &verify->batch, NULL) == 0;
    }
    verify->report.log_batches += head->batch_count;
    if (!good || reader_left(&payload) != 0) {
        verify_report(verify, MSG_VERIFY_LOG, file->offset, 0);
    }
}

/* With which number the log file begins; 0: that is not known (damaged, empty, or let go). */
static uint64_t log_first_seq(struct verify *verify, uint64_t number) {
    char name[32];
    (void)snprintf(name, sizeof name, "wal-%016llx.log", (unsigned long long)number);
    struct wal_file file;
    if (wal_file_open(verify->files, verify->dir, name, &file, NULL) < 0) {
        return 0;
    }
    uint8_t bytes[WAL_FILE_HEAD_BYTES] = {0};
    struct wal_file_head head = {0};
    bool good = file.limit >= sizeof bytes &&
                file_read_at(file.fd, file.path, 0, bytes, sizeof bytes, NULL) == 0 &&
                wal_file_head_read(bytes, &head) == WAL_HEAD_OK && head.number == number;
    wal_file_close(&file);
    return good ? head.first_seq : 0;
}

/* The file was let go while it was read, and is written over as another one: the head goes first.
 */
static bool log_is_gone(const struct verify *verify, const struct wal_file *file) {
    uint8_t bytes[WAL_FILE_HEAD_BYTES];
    struct wal_file_head head = {0};
    return verify->live && file_read_at(file->fd, file->path, 0, bytes, sizeof bytes, NULL) == 0 &&
           wal_file_head_read(bytes, &head) == WAL_HEAD_OK && head.number != file->number;
}

/* `stop_seq`: the next file begins with this number, so that what stands behind the one before it
 * is left over from a write that failed and was never acknowledged; 0: no bound. */
static int verify_log_frames(
    struct verify *verify, struct wal_file *file, uint64_t stop_seq, struct err *err) {
    uint64_t expected = 0;
    while (stop_seq == 0 || expected < stop_seq) {
        struct wal_frame_head head = {0};
        enum wal_step step = WAL_STEP_END;
        int rc = wal_file_step(file, true, &head, &step, err);
        if (rc < 0 || step == WAL_STEP_END) {
            return rc < 0 && log_is_gone(verify, file) ? 0 : rc;
        }
        if (step == WAL_STEP_FRAME) {
            expected = head.first_seq + head.batch_count;
            verify_frame(verify, file, &head);
            continue;
        }
        uint64_t place = file->offset;
        bool found = false;
        rc = wal_file_skip(file, &found, err);
        if (log_is_gone(verify, file)) {
            return 0;
        }
        if (rc < 0) {
            return rc;
        }
        if (found || !verify->live) { // Else it is being written at this moment.
            verify_report(verify, MSG_VERIFY_LOG, place, 0);
        }
        if (!found) {
            return 0;
        }
    }
    return 0;
}

static int verify_log(struct verify *verify, uint64_t number, uint64_t stop_seq, struct err *err) {
    char name[32];
    (void)snprintf(name, sizeof name, "wal-%016llx.log", (unsigned long long)number);
    struct wal_file file;
    int rc = wal_file_open(verify->files, verify->dir, name, &file, err);
    if (rc < 0) {
        return rc == -ERR_NOT_FOUND ? 0 : rc; // Let go meanwhile.
    }
    (void)str_copy_z(str_of(file.path), verify->path, sizeof verify->path);
    uint8_t bytes[WAL_FILE_HEAD_BYTES] = {0};
    struct wal_file_head head = {0};
    size_t size = file.limit < sizeof bytes ? (size_t)file.limit : sizeof bytes;
    rc = size > 0 ? file_read_at(file.fd, file.path, 0, bytes, size, err) : 0;
    enum wal_head_state state = wal_file_head_read(bytes, &head);
    bool unwritten = state == WAL_HEAD_OK && head.number != file.number; // Taken for reuse.
    if (rc == 0 && state == WAL_HEAD_BAD) {
        verify_report(verify, MSG_VERIFY_HEAD, 0, 0);
    }
    if (rc == 0 && file.limit > WAL_FILE_HEAD_BYTES && !unwritten) {
        rc = verify_log_frames(verify, &file, stop_seq, err);
    }
    wal_file_close(&file);
    return rc;
}

struct log_numbers {
    uint64_t *numbers;
    uint32_t count;
    uint32_t capacity;
};

static int log_number_add(void *context, const char *name, struct err *err) {
    (void)err; // Names that are not ours are left alone.
    struct log_numbers *logs = context;
    uint64_t number = 0;
    if (!wal_name_parse(name, &number)) {
        return 0;
    }
    if (logs->count == logs->capacity) {
        logs->capacity = logs->capacity * 2 + 16;
        logs->numbers = mem_resize(logs->numbers, logs->capacity * sizeof *logs->numbers);
    }
    logs->numbers[logs->count++] = number;
    return 0;
}

static int verify_logs(struct verify *verify, struct err *err) {
    struct log_numbers logs = {0};
    int rc = dir_each(verify->dir, log_number_add, &logs, err);
    for (uint32_t i = 0; rc >= 0 && i < logs.count; i++) {
        uint64_t stop_seq = i + 1 < logs.count ? log_first_seq(verify, logs.numbers[i + 1]) : 0;
        rc = verify_log(verify, logs.numbers[i], stop_seq, err);
    }
    mem_free(logs.numbers);
    return rc;
}

static int every_segment(void *context, const char *name, struct err *err) {
    (void)err; // Names that are not ours are left alone.
    uint64_t id = 0;
    if (segment_name_parse(name, &id)) {
        verify_segment(context, id);
    } else if (aged_name_parse(name, &id)) {
        verify_aged(context, id);
    }
    return 0;
}

/* ---- The whole ---- */

static bool history_is_live(struct verify *verify) {
    char path[LIMIT_PATH_BYTES];
    (void)snprintf(path, sizeof path, "%s/lock", verify->dir);
    AUTO_CLOSE int fd = -1;
    return file_open(verify->files, path, FILE_READ, &fd, NULL) == 0 &&
           flock(fd, LOCK_SH | LOCK_NB) != 0;
}

static int verify_segments(struct verify *verify, struct err *err) {
    struct err what = ERR_INIT;
    struct manifest manifest;
    int rc = manifest_read(verify->files, verify->dir, &manifest, &what);
    if (rc < 0 && rc != -ERR_CORRUPT) {
        if (err != NULL) {
            *err = what;
        }
        return rc;
    }
    if (rc < 0) {
        verify->report.damaged++;
        verify->damaged(verify->context, &what);
    }
    if (rc <= 0) {
        return dir_each(verify->dir, every_segment, verify, err);
    }
    for (uint32_t i = 0; i < manifest.segment_count; i++) {
        verify_segment(verify, manifest.segments[i]);
    }
    for (uint32_t i = 0; i < manifest.aged_count; i++) {
        verify_aged(verify, manifest.aged[i]);
    }
    manifest_fini(&manifest);
    return 0;
}

int hist_verify(struct files *files, const char *dir,
    void (*damaged)(void *context, const struct err *what), void *context,
    struct hist_verify_report *ret_report, struct err *err) {
    struct verify verify = {.files = files != NULL ? files : files_system(),
        .dir = dir,
        .damaged = damaged,
        .context = context,
        .fd = -1};
    decoder_init(&verify.decoder);
    verify.live = history_is_live(&verify);
    int rc = verify_segments(&verify, err);
    rc = rc < 0 ? rc : verify_logs(&verify, err);
    decoder_fini(&verify.decoder);
    batch_free(verify.batch);
    if (rc < 0) {
        return rc;
    }
    *ret_report = verify.report;
    return 0;
}

int hist_verify_file(struct files *files, const char *path,
    void (*damaged)(void *context, const struct err *what), void *context,
    struct hist_verify_report *ret_report, struct err *err) {
    struct str folder = str_of(path);
    uint64_t id = 0;
    while (folder.size > 0 && folder.data[folder.size - 1] != '/') {
        folder.size--;
    }
    if (!segment_name_parse(path + folder.size, &id)) {
        return err_set(err, ERR_INVALID, MSG_ARCHIVE_NAME, ARGS(A_CSTR(path)));
    }
    AUTO_FREE char *dir = mem_copy_z(folder.size > 0 ? folder : STR("."));
    struct verify verify = {.files = files != NULL ? files : files_system(),
        .dir = dir,
        .damaged = damaged,
        .context = context,
        .fd = -1};
    (void)snprintf(verify.path, sizeof verify.path, "%s", path);
    int rc = file_open(verify.files, verify.path, FILE_READ, &verify.fd, err);
    rc = rc < 0 ? rc : file_size(verify.fd, verify.path, &verify.size, err);
    if (rc == 0) {
        decoder_init(&verify.decoder);
        verify.report.segments = 1;
        verify_segment_bytes(&verify, id);
        decoder_fini(&verify.decoder);
        *ret_report = verify.report;
    }
    file_close(verify.fd);
    return rc < 0 ? rc : 0;
}
