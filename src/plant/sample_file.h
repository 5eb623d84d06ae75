#ifndef PLANT_SAMPLE_FILE_H
#define PLANT_SAMPLE_FILE_H
/*
 * Samples as a Parquet file in long form, one row a value. Columns:
 *
 *     tag         text      the tag's name
 *     time        moment    UTC, nanoseconds
 *     value       double    the number; 0 and 1 of a bool; null for texts and where nothing came
 *     value_int   int64     the exact number of a whole-number tag; else null
 *     value_text  text      of a text tag; else null
 *     quality     text      good, uncertain, bad
 *     status      uint32    OPC UA StatusCode
 *
 * The file's own pairs: maru.plant, maru.time_zone (IANA), maru.table (samples 1: this shape). One
 * owner.
 */
#include "historian/historian.h"
#include "plant/plant.h"

struct sample_file;

struct sample_file_options {
    struct str plant;
    const char *zone;
    void *context;
    int (*write)(void *context, const void *data, size_t size, struct err *err);
};

/* The options' texts are borrowed until the close. */
int sample_file_open(
    const struct sample_file_options *options, struct sample_file **ret_file, struct err *err);
int sample_file_put(
    struct sample_file *file, struct str tag, const struct hist_rows *rows, struct err *err);
uint64_t sample_file_rows(const struct sample_file *file);
int sample_file_finish(struct sample_file *file, struct err *err);
void sample_file_close(struct sample_file *file); // NULL is allowed.

#endif
