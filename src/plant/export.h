#ifndef PLANT_EXPORT_H
#define PLANT_EXPORT_H
/*
 * Tables out, in the form in which the import takes them in: samples (long, or wide with one column
 * a tag), tags, devices, equipment, corrections, master data. What is exported and imported again
 * is what was there (docs/user says what a table cannot carry). Samples go out as Parquet, too, for
 * other programs: that is not read again. Memory is bounded whatever the time asked for. Any thread
 * that may block.
 */
#include "plant/plant.h"
#include "production/master.h"
#include "table/table.h"

/* EXPORT_NOUNS and a noun's number: master data (production/master.h). */
enum export_kind {
    EXPORT_SAMPLES, // tag,time,value,quality; as Parquet: plant/sample_file.h
    EXPORT_WIDE,    // time, then one column a tag; bad values are left out.
    EXPORT_TAGS,
    EXPORT_DEVICES,
    EXPORT_EQUIPMENT,
    EXPORT_CORRECTIONS,
    EXPORT_NOUNS,
    EXPORT_KIND_COUNT = EXPORT_NOUNS + NOUN_COUNT
};

enum { EXPORT_WIDE_TAGS_MAX = 256 }; // Columns; refused beyond.

bool export_kind_of_name(struct str name, enum export_kind *ret_kind);
const char *export_kind_name(enum export_kind kind);

struct export_options {
    enum export_kind kind;
    struct table_writer_options file;
    int64_t from_ns; // Samples and corrections; [from, to).
    int64_t to_ns;
    struct str tags; // Names separated by commas, * stands for any letters; empty: all.
    bool marks;      // Tags and devices: with a last column `mark` (plant/mark.h).
    /* Of master data. */
    bool template; // The header alone.
    bool words;    // Columns headed as the pages call them in `lang`, instead of by name.
    enum lang lang;
    bool personal; // The caller may see what is personal of workers.
    void *context;
    /* Every 1,000 rows or so; false gives up (ERR_CANCELLED). May be NULL. */
    bool (*progress)(void *context, uint64_t rows);
};

/* ERR_UNSUPPORTED: Parquet of anything but samples; ERR_NOT_FOUND: no tag fits; or what the writer
 * says. */
int export_run(
    struct plant *plant, const struct export_options *options, uint64_t *ret_rows, struct err *err);

/* Tells of each tag of which an export of samples cannot hold the begin of its range, because its
 * values have expired (retention_gap). Ask behind the export. */
void export_expired(struct plant *plant, const struct export_options *options, void *context,
    void (*each)(void *context, const struct tag *tag, const struct hist_horizon *horizon));

/* ---- Private to the room ---- */

int export_master(struct plant *plant, const struct export_options *options, enum noun_id noun,
    struct table_writer *writer, uint64_t *ret_rows, struct err *err);

#endif
