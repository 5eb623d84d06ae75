#ifndef TABLE_THRIFT_H
#define TABLE_THRIFT_H
/*
 * Thrift's compact protocol, written: what the heads of Parquet's pages and its foot are made of.
 * Fields of a struct come in rising order of their numbers. One owner; bytes go into a buffer of
 * the caller, whose `overflow` tells when they did not fit.
 *
 * Source: Apache Thrift, doc/specs/thrift-compact-protocol.md.
 */
#include "core/buf.h"

enum { THRIFT_DEPTH = 12 };

enum thrift_type { THRIFT_I32 = 5, THRIFT_I64 = 6, THRIFT_BINARY = 8, THRIFT_STRUCT = 12 };

struct thrift {
    struct buf *out;
    int last[THRIFT_DEPTH]; // Number of the last field, by struct that is open.
    unsigned depth;
};

/* Begins with the outermost struct open. */
struct thrift thrift_of(struct buf *out);
void thrift_put_bool(struct thrift *thrift, int field, bool value);
void thrift_put_i8(struct thrift *thrift, int field, int8_t value);
void thrift_put_i32(struct thrift *thrift, int field, int32_t value);
void thrift_put_i64(struct thrift *thrift, int field, int64_t value);
void thrift_put_binary(struct thrift *thrift, int field, struct str bytes);
void thrift_struct(struct thrift *thrift, int field);
void thrift_end(struct thrift *thrift); // The innermost struct; also the outermost.
/* A list's head; its items follow by the functions below. */
void thrift_list(struct thrift *thrift, int field, enum thrift_type type, size_t count);
void thrift_item_i32(struct thrift *thrift, int32_t value);
void thrift_item_binary(struct thrift *thrift, struct str bytes);
void thrift_item_struct(struct thrift *thrift); // Until its thrift_end.

#endif
