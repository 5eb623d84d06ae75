/*
 * Parquet files of what expires.
 *
 * Other programs read all files of the folder as one table, so a row must not stand in two of them.
 * A round whose rows did not go in the end (its change of the history failed, or the power went)
 * comes again, with the same rows and more: its files must be taken away before. Which files those
 * are says the stamp in their names; whether they must go is known to the caller (retention.c),
 * who writes the stamp down before the first file gets its name.
 *
 * The checksum over what was handed to the disk is compared with what comes back from it, as with
 * the archive of segments; that the bytes are good Parquet is for tests with other readers to show.
 */
#include "plant/sample_archive.h"

#include <stdio.h>

#include "core/hash.h"
#include "core/limits.h"
#include "core/mem.h"

static const uint64_t FILE_ROWS = 16 << 20;
enum { READ_BYTES = 1 << 20, STAMP_TRIES = 3600, NAME_BYTES = 64 };
static const char PREFIX[] = "values-";

struct sample_archive {
    struct sample_archive_plan plan;
    char dir[LIMIT_PATH_BYTES];
    char writing[LIMIT_PATH_BYTES];
    char stamp[ARCHIVE_STAMP_BYTES];
    char path[LIMIT_PATH_BYTES + NAME_BYTES]; // Of the open file.
    int fd;                                   // -1: none is open.
    uint32_t crc;
    uint64_t size;
    struct sample_file *file;
    struct sample_archive_counts counts;
};

static void file_path(const char *dir, const char *stamp, uint32_t number, char *to, size_t size) {
    (void)snprintf(to, size, "%s/%s%s-%03u.parquet", dir, PREFIX, stamp, number);
}

struct removing {
    struct files *files;
    const char *dir;
    struct str prefix;
};

static int remove_one(void *context, const char *name, struct err *err) {
    const struct removing *removing = context;
    char path[LIMIT_PATH_BYTES + 256];
    if (!str_starts(str_of(name), removing->prefix) || !str_ends(str_of(name), STR(".parquet"))) {
        return 0;
    }
    (void)snprintf(path, sizeof path, "%s/%s", removing->dir, name);
    return file_remove(removing->files, path, err);
}

int sample_archive_undo(struct files *files, const char *dir, const char *stamp, struct err *err) {
    char prefix[NAME_BYTES];
    (void)snprintf(prefix, sizeof prefix, "%s%s-", PREFIX, stamp);
    struct removing removing = {files, dir, str_of(prefix)};
    int rc = dir_each(dir, remove_one, &removing, err);
    return rc < 0 ? rc : dir_sync(files, dir, err);
}

/* 20251121T000312Z */
static void stamp_of(int64_t time_ns, char *to) {
    char text[TIME_TEXT_MAX];
    size_t size = time_format(time_ns, NULL, text);
    size_t used = 0;
    for (size_t i = 0; i < size && text[i] != '.' && text[i] != 'Z'; i++) {
        if (text[i] != '-' && text[i] != ':') {
            to[used++] = text[i];
        }
    }
    to[used++] = 'Z';
    to[used] = '\0';
}

/* A stamp that no round had before; the clock may have been set back. */
static int choose_stamp(struct sample_archive *archive, struct err *err) {
    int64_t time_ns = archive->plan.now_ns;
    for (int i = 0; i < STAMP_TRIES; i++) {
        stamp_of(time_ns, archive->stamp);
        file_path(archive->dir, archive->stamp, 1, archive->path, sizeof archive->path);
        if (!file_exists(archive->path)) {
            return 0;
        }
        time_ns += NS_PER_S;
    }
    return err_set(err, ERR_EXISTS, MSG_ARCHIVE_STAMP, ARGS(A_CSTR(archive->path)));
}

int sample_archive_open(
    const struct sample_archive_plan *plan, struct sample_archive **ret_archive, struct err *err) {
    struct sample_archive *archive = MEM_NEW(struct sample_archive);
    archive->plan = *plan;
    archive->fd = -1;
    (void)str_copy_z(str_of(plan->dir), archive->dir, sizeof archive->dir);
    (void)str_copy_z(str_of(plan->writing), archive->writing, sizeof archive->writing);
    archive->plan.file_rows = plan->file_rows != 0 ? plan->file_rows : FILE_ROWS;
    struct removing removing = {plan->files, archive->writing, str_of(PREFIX)};
    int rc = dir_create(plan->files, archive->writing, err);
    rc = rc < 0 ? rc : dir_each(archive->writing, remove_one, &removing, err);
    rc = rc < 0 ? rc : choose_stamp(archive, err);
    if (rc < 0) {
        sample_archive_free(archive);
        return rc;
    }
    *ret_archive = archive;
    return 0;
}

static int put_file(void *context, const void *data, size_t size, struct err *err) {
    struct sample_archive *archive = context;
    int rc = file_write_at(
        archive->plan.files, archive->fd, archive->path, archive->size, data, size, err);
    if (rc >= 0) {
        archive->crc = crc32c(archive->crc, data, size);
        archive->size += size;
    }
    return rc;
}

static int file_begin(struct sample_archive *archive, struct err *err) {
    file_path(archive->writing, archive->stamp, archive->counts.files + 1, archive->path,
        sizeof archive->path);
    archive->crc = 0;
    archive->size = 0;
    struct sample_file_options options = {.plant = archive->plan.plant,
        .zone = archive->plan.zone,
        .context = archive,
        .write = put_file};
    int rc = file_open(archive->plan.files, archive->path, FILE_CREATE_NEW, &archive->fd, err);
    return rc < 0 ? rc : sample_file_open(&options, &archive->file, err);
}

static int read_back(const struct sample_archive *archive, struct err *err) {
    AUTO_FREE uint8_t *piece = mem_alloc(READ_BYTES);
    uint32_t crc = 0;
    int rc = 0;
    for (uint64_t at = 0; at < archive->size && rc >= 0; at += READ_BYTES) {
        uint64_t left = archive->size - at;
        size_t size = left < READ_BYTES ? (size_t)left : READ_BYTES;
        rc = file_read_at(archive->fd, archive->path, at, piece, size, err);
        crc = rc < 0 ? crc : crc32c(crc, piece, size);
    }
    return rc < 0 ? rc
           : crc == archive->crc
               ? 0
               : err_set(err, ERR_CORRUPT, MSG_ARCHIVE_READ_BACK, ARGS(A_CSTR(archive->path)));
}

static int file_end(struct sample_archive *archive, struct err *err) {
    if (archive->file == NULL) {
        return 0;
    }
    uint64_t rows = sample_file_rows(archive->file);
    int rc = sample_file_finish(archive->file, err);
    rc = rc < 0 ? rc : file_sync(archive->plan.files, archive->fd, archive->path, err);
    rc = rc < 0 ? rc : read_back(archive, err);
    if (rc < 0) {
        return rc;
    }
    sample_file_close(archive->file);
    archive->file = NULL;
    file_close(archive->fd);
    archive->fd = -1;
    archive->counts.files++;
    archive->counts.rows += rows;
    archive->counts.bytes += archive->size;
    return 0;
}

int sample_archive_put(
    struct sample_archive *archive, const struct hist_rows *rows, struct err *err) {
    const struct tag *tag = catalogue_tag(archive->plan.catalogue, rows->tag);
    bool full = archive->file != NULL &&
                sample_file_rows(archive->file) + rows->count > archive->plan.file_rows;
    int rc = tag == NULL ? err_set(err, ERR_NOT_FOUND, MSG_ARCHIVE_TAG, ARGS(A_INT(rows->tag))) : 0;
    rc = rc >= 0 && full ? file_end(archive, err) : rc;
    rc = rc >= 0 && archive->file == NULL ? file_begin(archive, err) : rc;
    return rc < 0 ? rc : sample_file_put(archive->file, tag->name, rows, err);
}

int sample_archive_finish(
    struct sample_archive *archive, struct sample_archive_counts *ret_counts, struct err *err) {
    int rc = file_end(archive, err);
    if (rc >= 0) {
        *ret_counts = archive->counts;
    }
    return rc;
}

int sample_archive_place(struct sample_archive *archive, struct err *err) {
    int rc = 0;
    for (uint32_t i = 1; i <= archive->counts.files && rc >= 0; i++) {
        char to[sizeof archive->path];
        file_path(archive->writing, archive->stamp, i, archive->path, sizeof archive->path);
        file_path(archive->dir, archive->stamp, i, to, sizeof to);
        rc = file_rename(archive->plan.files, archive->path, to, err);
    }
    return rc < 0 ? rc : dir_sync(archive->plan.files, archive->dir, err);
}

const char *sample_archive_stamp(const struct sample_archive *archive) {
    return archive->stamp;
}

void sample_archive_free(struct sample_archive *archive) {
    if (archive == NULL) {
        return;
    }
    sample_file_close(archive->file);
    if (archive->fd >= 0) {
        file_close(archive->fd);
    }
    mem_free(archive);
}
