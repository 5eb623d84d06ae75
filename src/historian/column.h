#ifndef HISTORIAN_COLUMN_H
#define HISTORIAN_COLUMN_H
/*
 * Column encodings: lossless, bit for bit. Encoders write to a buffer and choose the smallest of a
 * few forms; decoders read from a bounded cursor, refuse what is not well-formed, and never write
 * beyond `count` values. Pure but for the scratch memory in `struct codec`; one owner each.
 * docs/FORMATS.md describes each form.
 */
#include <stdbool.h>
#include <stdint.h>

#include "core/buf.h"
#include "core/bytes.h"
#include "historian/bits.h"
#include "historian/rows.h"

struct squeeze;

/* Scratch memory of encoders and decoders. */
struct codec {
    struct squeeze *squeeze; // zstd; made on first use.
    uint64_t *work;          // Working columns of BLOCK_ROWS_MAX values each.
    uint64_t *spare;
    uint64_t *exponents;
    uint8_t *planes; // BLOCK_ROWS_MAX * 8 bytes.
    bool rises;      // Set by reading integers: the column rises by one constant step, certainly.
    bool draft;      // Encode fast rather than small: it will soon be encoded again.
};

void codec_init(struct codec *codec);
void codec_prepare(struct codec *codec); // Takes the memory, once. Not zeroed.
void codec_fini(struct codec *codec);

/* Integers of 64 bits (wrapping). count <= BLOCK_ROWS_MAX. */
void column_put_ints(struct codec *codec, struct buf *to, const bits64 *values, uint32_t count);
bool column_get_ints(struct codec *codec, struct reader *from, bits64 *ret_values, uint32_t count);

/* Doubles as their bits. */
void column_put_doubles(struct codec *codec, struct buf *to, const bits64 *values, uint32_t count);
bool column_get_doubles(
    struct codec *codec, struct reader *from, bits64 *ret_values, uint32_t count);

/* Texts: a dictionary and places in it. The bytes of read texts live in `text`. */
void column_put_texts(struct codec *codec, struct buf *to, const struct str *texts, uint32_t count);
bool column_get_texts(struct codec *codec, struct reader *from, struct str *ret_texts,
    uint32_t count, struct buf *text);

#endif
