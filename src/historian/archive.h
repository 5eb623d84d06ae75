#ifndef HISTORIAN_ARCHIVE_H
#define HISTORIAN_ARCHIVE_H
/*
 * Rows that are about to go, written to a folder outside the history first. Files are ordinary
 * segments (docs/FORMATS.md). They are written in the sub-folder `writing`, synced, read back, and
 * only then renamed to their place: what has a name there is whole. One owner.
 */
#include "core/clock.h"
#include "historian/segment_write.h"

struct archive;

struct archive_plan {
    struct files *files;
    const struct clock *clock; // Files are numbered by its time.
    const char *dir;
    uint64_t seq; // Rows up to this sequence number can be inside.
};
struct archive_counts {
    uint64_t rows;
    uint64_t bytes;
    uint32_t files;
};

int archive_open(const struct archive_plan *plan, struct archive **ret_archive, struct err *err);
/* Begins a tag, above the one before: the place where a full file ends. */
int archive_begin(struct archive *archive, struct err *err);
/* Rows of a tag with all their versions, in order. */
int archive_add(struct archive *archive, uint32_t tag, const struct run *run, struct err *err);
/* Completes everything; durable when it returns 0. */
int archive_finish(struct archive *archive, struct archive_counts *ret_counts, struct err *err);
void archive_free(struct archive *archive); // NULL is allowed.

#endif
