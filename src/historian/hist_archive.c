/*
 * The archive's files.
 *
 * A file ends between two tags once it has 16 million rows (some tens of megabytes), so one round
 * of ageing, usually a day of all tags, is one file. Its number is the time of writing, which no
 * file had before; a file that stands is never touched again. What a round that did not come to its
 * end left in `writing` is removed by the next one; a file that was renamed and whose round then
 * failed stays, and its rows come again in a later one: reading both gives each row once.
 *
 * Every block is read back and decoded before the file gets its name: the rows are given up on the
 * strength of it.
 */
#include "historian/hist_archive.h"

#include <stdio.h>

#include "core/limits.h"
#include "core/mem.h"
#include "historian/decoder.h"

static const uint64_t FILE_ROWS = 16 << 20;

struct hist_archive {
    struct hist_archive_plan plan;
    char dir[LIMIT_PATH_BYTES];
    char writing[LIMIT_PATH_BYTES + 16];
    struct segment_writer *writer; // NULL: none is open.
    uint64_t id;                   // Of its file.
    struct hist_archive_counts counts;
};

static int remove_left_over(void *context, const char *name, struct err *err) {
    struct hist_archive *archive = context;
    uint64_t id = 0;
    char path[LIMIT_PATH_BYTES + 64];
    if (!segment_name_parse(name, &id)) {
        return 0;
    }
    (void)snprintf(path, sizeof path, "%s/%s", archive->writing, name);
    return file_remove(archive->plan.files, path, err);
}

int hist_archive_open(
    const struct hist_archive_plan *plan, struct hist_archive **ret_archive, struct err *err) {
    struct hist_archive *archive = MEM_NEW(struct hist_archive);
    archive->plan = *plan;
    (void)str_copy_z(str_of(plan->dir), archive->dir, sizeof archive->dir);
    archive->plan.dir = archive->dir;
    (void)snprintf(archive->writing, sizeof archive->writing, "%s/writing", plan->dir);
    int rc = dir_create(plan->files, plan->dir, err);
    rc = rc < 0 ? rc : dir_create(plan->files, archive->writing, err);
    rc = rc < 0 ? rc : dir_each(archive->writing, remove_left_over, archive, err);
    if (rc < 0) {
        hist_archive_free(archive);
        return rc;
    }
    *ret_archive = archive;
    return 0;
}

static void file_path(const struct hist_archive *archive, char *to, size_t size) {
    char name[32];
    segment_name(archive->id, name);
    (void)snprintf(to, size, "%s/%s", archive->plan.dir, name);
}

/* A number that no file has; the clock may have been set back. */
static void archive_number(struct hist_archive *archive) {
    char path[LIMIT_PATH_BYTES + 64];
    int64_t now_ns = clock_wall_ns(archive->plan.clock);
    uint64_t id = now_ns > 0 ? (uint64_t)now_ns : 1;
    archive->id = id > archive->id ? id : archive->id + 1;
    for (;;) {
        file_path(archive, path, sizeof path);
        if (!file_exists(path)) {
            return;
        }
        archive->id++;
    }
}

static int writer_begin(struct hist_archive *archive, struct err *err) {
    archive_number(archive);
    struct segment_plan plan = {.files = archive->plan.files,
        .dir = archive->writing,
        .id = archive->id,
        .seq_low = 1,
        .seq_high = archive->plan.seq > 0 ? archive->plan.seq : 1};
    return segment_writer_open(&plan, &archive->writer, err);
}

/* Counts the rows of a tag that can be read; negative where they cannot. */
static int64_t read_tag(
    struct segment *segment, uint32_t tag, struct decoder *decoder, struct err *err) {
    struct tag_page *page = NULL;
    int64_t rows = 0;
    int rc = segment_page(segment, tag, &page, err);
    for (uint32_t i = 0; rc > 0 && i < page->block_count; i++) {
        struct run run;
        rc = segment_block(segment, page, i, decoder, &run, err);
        rows += rc > 0 ? run.count : 0;
    }
    tag_page_unref(page);
    return rc < 0 ? rc : rows;
}

static void ignore_damage(void *context, const struct err *what) {
    (void)context; // The count of rows tells.
    (void)what;
}

/* Reads the whole file back. */
static int read_back(struct hist_archive *archive, struct err *err) {
    struct segment_place place = {
        .files = archive->plan.files, .dir = archive->writing, .sink = {.damaged = ignore_damage}};
    struct segment *segment = NULL;
    int rc = segment_open(&place, archive->id, &segment, err);
    if (rc < 0) {
        return rc;
    }
    const struct segment_info *info = segment_info(segment);
    struct decoder decoder;
    decoder_init(&decoder);
    uint64_t rows = 0;
    for (uint32_t tag = 0; (rc = segment_tag_next(segment, tag, &tag, err)) > 0;) {
        int64_t count = read_tag(segment, tag, &decoder, err);
        if (count < 0) {
            rc = (int)count;
            break;
        }
        rows += (uint64_t)count;
    }
    decoder_fini(&decoder);
    bool good = rc == 0 && segment_damage(segment) == 0 && rows == info->rows;
    archive->counts.rows += info->rows;
    archive->counts.bytes += info->bytes;
    archive->counts.files++;
    segment_unref(segment);
    if (rc == 0 && !good) {
        return err_set(err, ERR_CORRUPT, MSG_ARCHIVE_READ_BACK, ARGS(A_CSTR(archive->writing)));
    }
    return rc;
}

/* Completes the open file and gives it its name. */
static int writer_end(struct hist_archive *archive, struct err *err) {
    if (archive->writer == NULL) {
        return 0;
    }
    bool empty = segment_writer_rows(archive->writer) == 0;
    int rc = empty ? 0 : segment_writer_finish(archive->writer, err);
    segment_writer_free(archive->writer); // Removes what was not finished.
    archive->writer = NULL;
    if (rc < 0 || empty) {
        return rc;
    }
    char name[32];
    char from[LIMIT_PATH_BYTES + 64];
    char to[LIMIT_PATH_BYTES + 64];
    segment_name(archive->id, name);
    (void)snprintf(from, sizeof from, "%s/%s", archive->writing, name);
    file_path(archive, to, sizeof to);
    rc = read_back(archive, err);
    return rc < 0 ? rc : file_rename(archive->plan.files, from, to, err);
}

int hist_archive_begin(struct hist_archive *archive, struct err *err) {
    bool full = archive->writer != NULL && segment_writer_rows(archive->writer) >= FILE_ROWS;
    int rc = full ? writer_end(archive, err) : 0;
    return rc < 0 || archive->writer != NULL ? rc : writer_begin(archive, err);
}

int hist_archive_add(
    struct hist_archive *archive, uint32_t tag, const struct run *run, struct err *err) {
    return segment_writer_add(archive->writer, tag, run, err);
}

int hist_archive_finish(
    struct hist_archive *archive, struct hist_archive_counts *ret_counts, struct err *err) {
    int rc = writer_end(archive, err);
    rc = rc < 0 ? rc : dir_sync(archive->plan.files, archive->plan.dir, err);
    if (rc == 0) {
        *ret_counts = archive->counts;
    }
    return rc;
}

void hist_archive_free(struct hist_archive *archive) {
    if (archive == NULL) {
        return;
    }
    segment_writer_free(archive->writer);
    mem_free(archive);
}
