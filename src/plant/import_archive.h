#ifndef PLANT_IMPORT_ARCHIVE_H
#define PLANT_IMPORT_ARCHIVE_H
/*
 * A file of an archive (docs/FORMATS.md) brought back into a plant, with `tags.csv` beside it: tags
 * are matched by name. Checked whole before anything is stored. Any thread that may block.
 */
#include "plant/plant.h"

struct archive_options {
    const char *path; // Of the segment.
    bool dry_run;     // Check everything, store nothing.
    struct str actor; // Who, for the audit.
    int stop_fd;      // Readable: give up (ERR_CANCELLED). -1 or 0: none.
    int peer_fd;      // Hung up: give up. As stop_fd.
};
struct archive_report {
    uint64_t rows;    // In the file, all versions.
    uint64_t stored;  // Made durable,
    uint64_t omitted; // standing already, exactly,
    uint64_t left;    // or left out, because the plant has another version of that moment.
    uint32_t tags;
    uint32_t created;
};

/* ERR_CONFLICT: values would expire at once; ERR_TYPE: a tag of that name has another type;
 * ERR_CORRUPT: the file is damaged; ERR_NOT_FOUND: file, table or a name is missing. Then nothing
 * was stored; a failure later leaves what the report says, and a repetition goes on there. */
int import_archive(struct plant *plant, const struct archive_options *options,
    struct archive_report *ret_report, struct err *err);

#endif
