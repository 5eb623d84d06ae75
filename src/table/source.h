#ifndef TABLE_SOURCE_H
#define TABLE_SOURCE_H
/*
 * The bytes of a file as they come: from a descriptor or a function, counted, with a look at the
 * first ones before they are read. One owner.
 */
#include "table/table.h"

struct source;

/* The options' functions must live as long. */
struct source *source_new(const struct table_options *options);
void source_free(struct source *source);
/* The first bytes (up to 64 KiB), before anything is read. */
int source_peek(struct source *source, struct str *ret_head, struct err *err);
/* *ret_size 0: the end. */
int source_read(
    struct source *source, void *to, size_t capacity, size_t *ret_size, struct err *err);
uint64_t source_done(const struct source *source);  // Bytes handed on.
uint64_t source_total(const struct source *source); // 0: unknown.

#endif
