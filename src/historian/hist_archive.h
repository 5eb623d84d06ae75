#ifndef HISTORIAN_HIST_ARCHIVE_H
#define HISTORIAN_HIST_ARCHIVE_H
/*
 * Rows that are about to go, written to a folder outside the history first. Files are ordinary
 * segments (docs/FORMATS.md). They are written in the sub-folder `writing`, synced, read back, and
 * only then renamed to their place: what has a name there is whole. One owner.
 */
#include "core/clock.h"
#include "historian/segment_write.h"

struct hist_archive;

struct hist_archive_plan {
    struct files *files;
    const struct clock *clock; // Files are numbered by its time.
    const char *dir;
    uint64_t seq; // Rows up to this sequence number can be inside.
};
struct hist_archive_counts {
    uint64_t rows;
    uint64_t bytes;
    uint32_t files;
};

int hist_archive_open(
    const struct hist_archive_plan *plan, struct hist_archive **ret_archive, struct err *err);
/* Begins a tag, above the one before: the place where a full file ends. */
int hist_archive_begin(struct hist_archive *archive, struct err *err);
/* Rows of a tag with all their versions, in order. */
int hist_archive_add(
    struct hist_archive *archive, uint32_t tag, const struct run *run, struct err *err);
/* Completes everything; durable when it returns 0. */
int hist_archive_finish(
    struct hist_archive *archive, struct hist_archive_counts *ret_counts, struct err *err);
void hist_archive_free(struct hist_archive *archive); // NULL is allowed.

#endif
