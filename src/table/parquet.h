#ifndef TABLE_PARQUET_H
#define TABLE_PARQUET_H
/*
 * Apache Parquet out: typed columns as pandas, DuckDB, Spark and others read them. Rows are put
 * cell by cell, in the order of the columns, like those of a table writer (table.h); each some
 * 128k rows are a row group, whose columns stand one after the other in pages of a mebibyte. Debian
 * 12 has no library for the format in C, so this is a writer of our own; it does not read.
 *
 * Memory: one row group packed and a page of each column unpacked, some tens of mebibytes, whatever
 * the number of rows. One owner; any thread that may block.
 *
 * Sources: Apache Parquet format 2.10 (parquet.thrift, Encodings.md, LogicalTypes.md and the page
 * "Data Pages" of its documentation), Thrift's compact protocol.
 */
#include "core/err.h"

enum parquet_type {
    PARQUET_BOOL,
    PARQUET_U32, // INT32, annotated as unsigned.
    PARQUET_I64,
    PARQUET_F64,
    PARQUET_TEXT,    // BYTE_ARRAY, annotated as text; UTF-8, which the caller answers for.
    PARQUET_TIME_NS, // INT64, annotated as a moment in UTC in nanoseconds since 1970.
};

struct parquet_column {
    const char *name; // UTF-8, unique.
    enum parquet_type type;
    bool nullable;
};

/* A pair of the file's own: what it is about. */
struct parquet_fact {
    const char *key;
    struct str value;
};

enum {
    PARQUET_COLUMNS_MAX = 1024,        // A mistake of the program beyond.
    PARQUET_TEXT_MAX_BYTES = 16 << 20, // Of a cell; refused beyond.
    PARQUET_GROUP_ROWS = 128 << 10,    // What a row group has where nothing is said.
    PARQUET_GROUP_ROWS_MAX = 1 << 20,  // More are taken as so many.
    PARQUET_FOOT_MAX_BYTES = 64 << 20, // Some 80,000 row groups; refused beyond.
};

struct parquet_options {
    const struct parquet_column *columns; // Borrowed until the close.
    uint32_t column_count;
    const struct parquet_fact *facts; // Borrowed until the close.
    uint32_t fact_count;
    const char *created_by; // "NAME version X.Y.Z": readers decide by it whom they trust.
    uint32_t group_rows; // 0: PARQUET_GROUP_ROWS. A group ends earlier where its texts are 64 MiB.
    uint32_t page_bytes; // 0: 1 MiB. Of values, before packing.
    bool plain; // Pages are not packed with zstd: for readers that lack it, and to compare bytes.
    void *context;
    int (*write)(void *context, const void *data, size_t size, struct err *err);
};

struct parquet_writer;

int parquet_open(
    const struct parquet_options *options, struct parquet_writer **ret_writer, struct err *err);
void parquet_close(struct parquet_writer *writer); // NULL is allowed; what is unfinished is lost.
/* One cell of the next column, which has that type. The first failure is kept, told by the next
 * row end and by the finish. */
void parquet_put_bool(struct parquet_writer *writer, bool value);
void parquet_put_u32(struct parquet_writer *writer, uint32_t value);
void parquet_put_i64(struct parquet_writer *writer, int64_t value); // Also PARQUET_TIME_NS.
void parquet_put_f64(struct parquet_writer *writer, double value);  // NaN is a number of its own.
void parquet_put_text(struct parquet_writer *writer, struct str text);
void parquet_put_null(struct parquet_writer *writer); // Of a nullable column.
/* ERR_LIMIT: a text or the foot became too large; or what `write` said. */
int parquet_end_row(struct parquet_writer *writer, struct err *err);
uint64_t parquet_rows(const struct parquet_writer *writer);
/* Writes what is left and the foot. Without it the file is none. */
int parquet_finish(struct parquet_writer *writer, struct err *err);

#endif
