#ifndef PLANT_SAMPLE_ARCHIVE_H
#define PLANT_SAMPLE_ARCHIVE_H
/*
 * Samples that are about to go, as Parquet files (sample_file.h) in a folder outside the home. The
 * files of a round are called values-STAMP-001.parquet and so on. They are written in a folder
 * `writing` on the same disk, synced, read back and compared, and get their names together when all
 * are whole: what has a name is whole. One owner.
 */
#include "plant/sample_file.h"

enum { ARCHIVE_STAMP_BYTES = 24 }; // "20251121T000312Z" and its NUL.

struct sample_archive_plan {
    struct files *files;
    const struct catalogue *catalogue; // Names of tags; must outlive it.
    struct str plant;
    const char *zone;
    const char *dir;     // Where the files stand in the end; must be there.
    const char *writing; // Made when absent; what lies there of an earlier round is removed.
    int64_t now_ns;
    uint64_t file_rows; // 0: 16 million. A file ends about there.
};
struct sample_archive_counts {
    uint64_t rows;
    uint64_t bytes;
    uint32_t files;
};

struct sample_archive;

int sample_archive_open(
    const struct sample_archive_plan *plan, struct sample_archive **ret_archive, struct err *err);
int sample_archive_put(
    struct sample_archive *archive, const struct hist_rows *rows, struct err *err);
/* Completes the files, without names yet. */
int sample_archive_finish(
    struct sample_archive *archive, struct sample_archive_counts *ret_counts, struct err *err);
/* Names them; durable when it returns 0. After a failure some may have their names. */
int sample_archive_place(struct sample_archive *archive, struct err *err);
const char *sample_archive_stamp(const struct sample_archive *archive);
void sample_archive_free(struct sample_archive *archive); // NULL is allowed.
/* Removes the named files of a round whose rows did not go. */
int sample_archive_undo(struct files *files, const char *dir, const char *stamp, struct err *err);

#endif
