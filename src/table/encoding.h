#ifndef TABLE_ENCODING_H
#define TABLE_ENCODING_H
/*
 * Text of any of our encodings into UTF-8, piece by piece, and back; the one place that knows ICU.
 * The encoding may be found out on the way: as long as only ASCII comes, nothing needs to be
 * decided. One owner.
 */
#include "table/table.h"

enum {
    /* Bytes the decoder wants to see at once to decide well, if there are as many. */
    DECODER_LOOK_BYTES = 64 << 10,
};

struct decoder;

/* TABLE_ENCODING_AUTO: found out. */
struct decoder *decoder_new(enum table_encoding encoding);
void decoder_free(struct decoder *decoder);
/* Decodes from the front of `in`; `last`: nothing follows. *ret_used bytes are done with; *ret_out
 * (valid until the next call, maybe a part of `in`) is their text. Bytes that are no text of the
 * encoding become U+FFFD and are counted. Both may be 0 only when more input is needed, or at the
 * end. ERR_INVALID: the encoding cannot be found out, or it is no text at all. */
int decoder_step(struct decoder *decoder, struct str in, bool last, size_t *ret_used,
    struct str *ret_out, struct err *err);
enum table_encoding decoder_encoding(const struct decoder *decoder); // AUTO: not decided yet.
uint32_t decoder_confidence_percent(const struct decoder *decoder);
uint64_t decoder_replaced(const struct decoder *decoder); // Bytes that were no text.

struct encoder;

struct encoder *encoder_new(enum table_encoding encoding);
void encoder_free(struct encoder *encoder);
/* UTF-8 (whole characters) in the encoding, appended to `out`, which must have room for twice the
 * bytes. The first call writes the mark, if the encoding has one. ERR_INVALID: a character that it
 * does not have. */
int encoder_put(struct encoder *encoder, struct str text, struct buf *out, struct err *err);

#endif
