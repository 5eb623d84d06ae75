#ifndef TABLE_PACK_H
#define TABLE_PACK_H
/*
 * gzip, xz and zstd as streams, both ways; the one place of this room that knows the libraries.
 * Unpacking stops in words when so much comes out of so little that it is no table. One owner.
 */
#include "core/buf.h"
#include "table/source.h"

/* By the first bytes. */
enum table_packing pack_recognise(struct str head);

struct unpack;

/* Reads from `source`, which stays the caller's. TABLE_PLAIN passes the bytes on. */
struct unpack *unpack_new(enum table_packing packing, struct source *source);
void unpack_free(struct unpack *unpack);
/* *ret_size 0: the end. ERR_CORRUPT: damaged or cut short; ERR_LIMIT: a bomb. */
int unpack_read(
    struct unpack *unpack, void *to, size_t capacity, size_t *ret_size, struct err *err);
/* More than a table unpacks to: `out` bytes from `in`. ERR_LIMIT in words. */
int pack_check_ratio(uint64_t in, uint64_t out, uint64_t ratio_max, struct err *err);

struct pack;

struct pack *pack_new(enum table_packing packing,
    int (*write)(void *context, const void *data, size_t size, struct err *err), void *context);
void pack_free(struct pack *pack);
int pack_put(struct pack *pack, const void *data, size_t size, struct err *err);
int pack_finish(struct pack *pack, struct err *err);

/* Pieces of known size, each a zstd frame of its own. */
struct pack_piece;

struct pack_piece *pack_piece_new(void);
void pack_piece_free(struct pack_piece *piece); // NULL is allowed.
/* Appends the packed bytes; `to` overflows where they do not fit. */
void pack_piece_put(struct pack_piece *piece, const void *data, size_t size, struct buf *to);

/* The CRC-32 of gzip and Ethernet (RFC 1952 section 8). */
uint32_t pack_crc32(const void *data, size_t size);

#endif
