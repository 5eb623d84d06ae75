#ifndef HISTORIAN_DUMP_H
#define HISTORIAN_DUMP_H
/*
 * What stands in a history folder, a segment, a log file or a manifest, byte by byte: heads,
 * records, pages, the forms and sizes of columns, frames, batches, checksums; for people who look
 * into files (tools/histdump.c) and for tests that ask which forms a file holds. Damage is told
 * with its place and passed over. Nothing is written, nothing is locked; a history in use may
 * change meanwhile, which then looks like damage. Pure but for its memory; any thread.
 *
 * Text: one line an item, indented below what holds it, `what name=value ...`. JSON: an array of
 * items {"what": ..., names: values, "inside": [items]}. Times are nanoseconds since 1970 UTC,
 * sizes and places (`at`) bytes.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/err.h"

struct dump_options {
    bool json;
    /* Takes text as it comes; a negative result ends the dump. */
    int (*write)(void *context, const void *text, size_t size, struct err *err);
    void *context;
};

struct dump_report {
    uint64_t files;
    uint64_t damaged; // Places.
};

/* A file, or each file of a folder that belongs to a history. 0, also when damage was met;
 * negative when it could not look, is no file of a history, or `write` refused. */
int hist_dump(const char *const *paths, uint32_t count, const struct dump_options *options,
    struct dump_report *ret_report, struct err *err);
/* The same of a file that is in memory; its beginning says which kind it is. */
int hist_dump_bytes(const uint8_t *data, size_t size, const struct dump_options *options,
    struct dump_report *ret_report, struct err *err);

#endif
