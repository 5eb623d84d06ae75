/*
 * Byte cursor. Numbers are put together from single bytes with shifts; gcc and clang turn these
 * into one load and a byte swap where the machine can, and the code is right on any byte order and
 * alignment. A failed read returns 0, moves nothing and sets the sticky flag.
 *
 * Variable-length numbers are LEB128: seven bits a byte, lowest first, the top bit says "more"; the
 * tenth byte holds one bit only. A tenth byte above 1 would not fit 64 bits and fails. Signed
 * numbers are zigzag coded first (0, -1, 1, -2 become 0, 1, 2, 3), so that small deltas stay short.
 */
#include "core/bytes.h"

#include <string.h>

#include "core/check.h"

enum { VARINT_MAX_BYTES = 10 };

struct reader reader_of(const void *data, size_t size) {
    return (struct reader){.data = data, .size = size};
}

size_t reader_left(const struct reader *r) {
    return r->failed ? 0 : r->size - r->offset;
}

const uint8_t *read_bytes(struct reader *r, size_t size) {
    if (r->failed || size > r->size - r->offset) {
        r->failed = true;
        return NULL;
    }
    const uint8_t *bytes = r->size > 0 ? r->data + r->offset : (const uint8_t *)"";
    r->offset += size;
    return bytes;
}

void read_skip(struct reader *r, size_t size) {
    (void)read_bytes(r, size); // The sticky flag tells.
}

uint8_t read_u8(struct reader *r) {
    const uint8_t *b = read_bytes(r, 1);
    return b ? b[0] : 0;
}

uint16_t read_u16_be(struct reader *r) {
    const uint8_t *b = read_bytes(r, 2);
    return (uint16_t)(b ? (uint32_t)b[0] << 8 | b[1] : 0);
}

uint16_t read_u16_le(struct reader *r) {
    const uint8_t *b = read_bytes(r, 2);
    return (uint16_t)(b ? (uint32_t)b[1] << 8 | b[0] : 0);
}

uint32_t read_u32_be(struct reader *r) {
    const uint8_t *b = read_bytes(r, 4);
    return b ? (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3] : 0;
}

uint32_t read_u32_le(struct reader *r) {
    const uint8_t *b = read_bytes(r, 4);
    return b ? (uint32_t)b[3] << 24 | (uint32_t)b[2] << 16 | (uint32_t)b[1] << 8 | b[0] : 0;
}

uint64_t read_u64_be(struct reader *r) {
    const uint8_t *b = read_bytes(r, 8);
    uint64_t v = 0;
    for (size_t i = 0; b && i < 8; i++) {
        v = v << 8 | b[i];
    }
    return v;
}

uint64_t read_u64_le(struct reader *r) {
    const uint8_t *b = read_bytes(r, 8);
    uint64_t v = 0;
    for (size_t i = 8; b && i-- > 0;) {
        v = v << 8 | b[i];
    }
    return v;
}

double read_f64_le(struct reader *r) {
    uint64_t bits = read_u64_le(r);
    double v = 0;
    memcpy(&v, &bits, sizeof v);
    return v;
}

uint64_t read_varint_long(struct reader *r) {
    uint64_t value = 0;
    size_t left = r->failed ? 0 : r->size - r->offset;
    for (unsigned i = 0; i < VARINT_MAX_BYTES && i < left; i++) {
        uint8_t byte = r->data[r->offset + i];
        if (i == VARINT_MAX_BYTES - 1 && byte > 1) {
            break;
        }
        value |= (uint64_t)(byte & 0x7F) << (7 * i);
        if ((byte & 0x80) == 0) {
            r->offset += i + 1;
            return value;
        }
    }
    r->failed = true; // Cut off, or more than 64 bits.
    return 0;
}

int64_t read_zigzag(struct reader *r) {
    uint64_t v = read_varint(r);
    return (int64_t)(v >> 1 ^ (0 - (v & 1)));
}

static void store_be(uint8_t *to, uint64_t v, size_t size) {
    for (size_t i = size; i-- > 0;) {
        to[i] = (uint8_t)v;
        v >>= 8;
    }
}

static void store_le(uint8_t *to, uint64_t v, size_t size) {
    for (size_t i = 0; i < size; i++) {
        to[i] = (uint8_t)v;
        v >>= 8;
    }
}

static void write_be(struct buf *b, uint64_t v, size_t size) {
    uint8_t *to = buf_reserve(b, size);
    if (to) {
        store_be(to, v, size);
        buf_commit(b, size);
    }
}

static void write_le(struct buf *b, uint64_t v, size_t size) {
    uint8_t *to = buf_reserve(b, size);
    if (to) {
        store_le(to, v, size);
        buf_commit(b, size);
    }
}

void write_u8(struct buf *b, uint8_t v) {
    write_le(b, v, 1);
}

void write_u16_be(struct buf *b, uint16_t v) {
    write_be(b, v, 2);
}

void write_u16_le(struct buf *b, uint16_t v) {
    write_le(b, v, 2);
}

void write_u32_be(struct buf *b, uint32_t v) {
    write_be(b, v, 4);
}

void write_u32_le(struct buf *b, uint32_t v) {
    write_le(b, v, 4);
}

void write_u64_be(struct buf *b, uint64_t v) {
    write_be(b, v, 8);
}

void write_u64_le(struct buf *b, uint64_t v) {
    write_le(b, v, 8);
}

void write_f64_le(struct buf *b, double v) {
    uint64_t bits = 0;
    memcpy(&bits, &v, sizeof bits);
    write_u64_le(b, bits);
}

void write_varint(struct buf *b, uint64_t v) {
    uint8_t bytes[VARINT_MAX_BYTES];
    size_t size = 0;
    while (v >= 0x80) {
        bytes[size++] = (uint8_t)(v | 0x80);
        v >>= 7;
    }
    bytes[size++] = (uint8_t)v;
    buf_put(b, bytes, size);
}

void write_zigzag(struct buf *b, int64_t v) {
    write_varint(b, (uint64_t)v << 1 ^ (0 - (uint64_t)(v < 0)));
}

void patch_u32_le(struct buf *b, size_t offset, uint32_t v) {
    if (b->overflow) {
        return; // The place may never have been written; the writer checks `overflow` at the end.
    }
    CHECK(offset <= b->size && b->size - offset >= 4);
    store_le(b->data + offset, v, 4);
}
