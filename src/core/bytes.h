#ifndef CORE_BYTES_H
#define CORE_BYTES_H
/*
 * Byte cursor for wire and disk formats: explicit byte order, bounds, sticky failure. After a read
 * past the end every further read gives 0 and `failed` stays true, so a parser checks once.
 * Plain values; any thread.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/buf.h"

struct reader {
    const uint8_t *data;
    size_t size;
    size_t offset;
    bool failed;
};

struct reader reader_of(const void *data, size_t size);
size_t reader_left(const struct reader *r);
uint8_t read_u8(struct reader *r);
uint16_t read_u16_be(struct reader *r);
uint16_t read_u16_le(struct reader *r);
uint32_t read_u32_be(struct reader *r);
uint32_t read_u32_le(struct reader *r);
uint64_t read_u64_be(struct reader *r);
uint64_t read_u64_le(struct reader *r);
double read_f64_le(struct reader *r);
uint64_t read_varint_long(struct reader *r); // read_varint without its short way.
/* LEB128, at most 10 bytes; nearly always one. */
static inline uint64_t read_varint(struct reader *r) {
    if (!r->failed && r->offset < r->size && r->data[r->offset] < 0x80) {
        return r->data[r->offset++];
    }
    return read_varint_long(r);
}
int64_t read_zigzag(struct reader *r);
/* Borrowed bytes of the input, or NULL when fewer are left. */
const uint8_t *read_bytes(struct reader *r, size_t size);
void read_skip(struct reader *r, size_t size);

void write_u8(struct buf *b, uint8_t v);
void write_u16_be(struct buf *b, uint16_t v);
void write_u16_le(struct buf *b, uint16_t v);
void write_u32_be(struct buf *b, uint32_t v);
void write_u32_le(struct buf *b, uint32_t v);
void write_u64_be(struct buf *b, uint64_t v);
void write_u64_le(struct buf *b, uint64_t v);
void write_f64_le(struct buf *b, double v);
void write_varint(struct buf *b, uint64_t v);
void write_zigzag(struct buf *b, int64_t v);
/* Overwrites four bytes already written (lengths and checksums known late). */
void patch_u32_le(struct buf *b, size_t offset, uint32_t v);

#endif
