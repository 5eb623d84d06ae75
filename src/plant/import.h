#ifndef PLANT_IMPORT_H
#define PLANT_IMPORT_H
/*
 * Tables in: samples (long and wide), devices, tags, from CSV in UTF-8. A row that cannot be taken
 * is rejected with its line and reason and stops no other row; a second import of the same file
 * changes nothing. Memory is bounded whatever the file's size. Called from any thread that may
 * block.
 */
#include "plant/plant.h"

enum import_kind { IMPORT_SAMPLES, IMPORT_DEVICES, IMPORT_TAGS };

bool import_kind_of_name(struct str name, enum import_kind *ret_kind);

struct import_options {
    enum import_kind kind;
    int fd;       // Read from its present position to the end; stays the caller's.
    bool dry_run; // Check everything, store nothing.
    int stop_fd;  // Readable: give up (ERR_CANCELLED). -1: none. 0 counts as none, too.
    int peer_fd;  // Hung up: give up. As stop_fd.
    void *context;
    /* Each rejected row: its line in the file (from 1) and why. */
    void (*rejected)(void *context, uint64_t line, const struct err *why);
    /* Each tag that was created because nothing knew it (samples). May be NULL. */
    void (*created)(void *context, struct str name);
};

struct import_report {
    uint64_t rows;     // Data rows read.
    uint64_t values;   // Samples (or devices, tags) found good.
    uint64_t stored;   // New ones made durable (or changed, for devices and tags).
    uint64_t omitted;  // Stood already, exactly: nothing to do.
    uint64_t rejected; // Rows rejected.
    uint64_t created;  // Tags created.
};

/* 0 when the file was read to its end (look at report->rejected); negative when it could not go on:
 * unreadable, not a table of this kind, store refuses. What was stored before stays stored. */
int import_run(struct plant *plant, const struct import_options *options,
    struct import_report *ret_report, struct err *err);

/* The parts, private to the room. */
int import_samples(struct plant *plant, const struct import_options *options,
    struct import_report *report, struct err *err);
int import_catalogue(struct plant *plant, const struct import_options *options,
    struct import_report *report, struct err *err);

/* Rows of a CSV file by descriptor. */
struct csv_file;
struct csv_file *csv_file_new(const struct import_options *options);
void csv_file_free(struct csv_file *file);
/* 1: a row; 0: the end; negative: unreadable. */
int csv_file_next(
    struct csv_file *file, const struct str **ret_fields, size_t *ret_count, struct err *err);
/* The count without empty fields at the end, but at least `least`: spreadsheets leave such behind.
 */
size_t csv_trimmed(const struct str *fields, size_t count, size_t least);
uint64_t csv_file_line(const struct csv_file *file);
void import_reject(const struct import_options *options, struct import_report *report,
    uint64_t line, const struct err *why);

#endif
