#ifndef TESTS_TABLE_SUPPORT_PARQUET_H
#define TESTS_TABLE_SUPPORT_PARQUET_H
/*
 * A plain reader of Parquet for tests, written from the format's documents and sharing only the
 * checksum and the unpacking with the writer. It checks what it meets: magic, lengths, the CRC of
 * each page, counts of values and nulls, and that every value lies in its bounds. Rows come out as
 * text: "[cell][cell]\n", a null as [~], numbers shortest.
 */
#include "core/buf.h"
#include "core/mem.h"

struct parquet_seen {
    uint64_t rows;
    uint32_t groups;
    uint32_t data_pages;
    uint32_t dictionary_pages;
    uint32_t placed_pages; // Data pages whose values are places in a dictionary.
    uint32_t bounded;      // Chunks with bounds.
    struct str created_by; // Into the file.
    struct buf names;      // "tag:6:0 time:2:0 ", name, physical type, whether nulls may be.
    struct buf facts;      // "key=value\n"
};

/* Fails the test where the file is not well-formed. */
void see_parquet(struct str file, struct buf *rows, struct parquet_seen *seen);
void parquet_seen_fini(struct parquet_seen *seen);

#endif
