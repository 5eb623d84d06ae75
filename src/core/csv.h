#ifndef CORE_CSV_H
#define CORE_CSV_H
/*
 * CSV (RFC 4180) over a stream: the caller feeds chunks, rows come out as borrowed fields.
 * Comma separated; quotes may hold separators, line breaks and doubled quotes; CR LF, LF; a UTF-8
 * mark at the start is skipped, and so are empty lines. Line numbers count from 1 as an editor
 * shows them. After an error the rest of that line is skipped and reading can go on. One owner.
 */
#include "core/buf.h"
#include "core/err.h"

enum { CSV_FIELDS_MAX = 4096, CSV_ROW_MAX_BYTES = 1 << 20 };

struct csv;

/* separator: ',' ';' or '\t'. */
struct csv *csv_new(char separator);
void csv_free(struct csv *csv);
/* Lends the next chunk, which must stay until csv_next returned 0. `last` marks the end of input,
 * so that a final row without a line break counts. */
void csv_feed(struct csv *csv, const void *data, size_t size, bool last);
/* 1: a row is in *ret_fields (valid until the next call); 0: feed more (or the end);
 * -ERR_INVALID: quote error, -ERR_LIMIT: row or field count too large (both name the line). */
int csv_next(struct csv *csv, const struct str **ret_fields, size_t *ret_count, struct err *err);
uint64_t csv_line(const struct csv *csv); // Line on which the last row began.

#endif
