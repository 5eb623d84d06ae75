/*
 * One shape for all types of tags. A reader plots and averages `value` without asking what a tag
 * is; who needs a counter beyond 2^53 exactly takes `value_int`. A column for bools would say no
 * more than 0 and 1 do. What says why nothing came (status_has_value) has no value here, as in the
 * other tables; a NaN that a machine sent is a value and stays one.
 */
#include "plant/sample_file.h"

#include "core/mem.h"
#include "table/parquet.h"

static const struct parquet_column COLUMNS[] = {
    {"tag", PARQUET_TEXT, false},
    {"time", PARQUET_TIME_NS, false},
    {"value", PARQUET_F64, true},
    {"value_int", PARQUET_I64, true},
    {"value_text", PARQUET_TEXT, true},
    {"quality", PARQUET_TEXT, false},
    {"status", PARQUET_U32, false},
};
enum { COLUMN_COUNT = sizeof COLUMNS / sizeof COLUMNS[0], FACT_COUNT = 3 };

struct sample_file {
    struct parquet_writer *writer;
    struct parquet_fact facts[FACT_COUNT];
};

int sample_file_open(
    const struct sample_file_options *options, struct sample_file **ret_file, struct err *err) {
    struct sample_file *file = MEM_NEW(struct sample_file);
    file->facts[0] = (struct parquet_fact){"maru.plant", options->plant};
    file->facts[1] = (struct parquet_fact){"maru.time_zone", str_of(options->zone)};
    file->facts[2] = (struct parquet_fact){"maru.table", STR("samples 1")};
    struct parquet_options parquet = {.columns = COLUMNS,
        .column_count = COLUMN_COUNT,
        .facts = file->facts,
        .fact_count = FACT_COUNT,
        .created_by = "maru version " MARU_VERSION,
        .context = options->context,
        .write = options->write};
    int status = parquet_open(&parquet, &file->writer, err);
    if (status < 0) {
        mem_free(file);
        return status;
    }
    *ret_file = file;
    return 0;
}

static void put_value(struct parquet_writer *writer, const struct hist_rows *rows, uint32_t i) {
    bool whole = rows->type == TYPE_I64;
    bool text = rows->type == TYPE_TEXT;
    if (text) {
        parquet_put_null(writer);
    } else {
        parquet_put_f64(writer, rows->type == TYPE_F64 ? rows->f64[i] : (double)rows->i64[i]);
    }
    if (whole) {
        parquet_put_i64(writer, rows->i64[i]);
    } else {
        parquet_put_null(writer);
    }
    if (text) {
        parquet_put_text(writer, rows->text[i]);
    } else {
        parquet_put_null(writer);
    }
}

int sample_file_put(
    struct sample_file *file, struct str tag, const struct hist_rows *rows, struct err *err) {
    int status = 0;
    for (uint32_t i = 0; i < rows->count && status >= 0; i++) {
        uint32_t code = rows->status != NULL ? rows->status[i] : 0;
        parquet_put_text(file->writer, tag);
        parquet_put_i64(file->writer, rows->time_ns[i]);
        if (status_has_value(code)) {
            put_value(file->writer, rows, i);
        } else {
            for (int none = 0; none < 3; none++) {
                parquet_put_null(file->writer);
            }
        }
        parquet_put_text(file->writer, str_of(quality_name(status_quality(code))));
        parquet_put_u32(file->writer, code);
        status = parquet_end_row(file->writer, err);
    }
    return status;
}

uint64_t sample_file_rows(const struct sample_file *file) {
    return parquet_rows(file->writer);
}

int sample_file_finish(struct sample_file *file, struct err *err) {
    return parquet_finish(file->writer, err);
}

void sample_file_close(struct sample_file *file) {
    if (file != NULL) {
        parquet_close(file->writer);
        mem_free(file);
    }
}
