#ifndef TESTS_TABLE_SUPPORT_TABLE_H
#define TESTS_TABLE_SUPPORT_TABLE_H
/*
 * Bytes as a file, read in pieces of any size, and what a reader saw as text: each row
 * "<line>:[a][b]\n", a bad row "<line>!CODE\n", a failure "!CODE\n". For one test at a time.
 */
#include "core/buf.h"
#include "table/table.h"

struct memory_file {
    struct str bytes;
    size_t piece; // At most so many bytes a read; 0: as many as fit.
    size_t at;
};

struct table_options memory_options(struct memory_file *file);
/* Reads all of it; returns what table_open or the last table_next returned. */
int see_table(const struct table_options *options, struct buf *seen, struct table_facts *ret_facts);
/* A write function over a struct buf. */
int write_memory(void *context, const void *data, size_t size, struct err *err);

#endif
