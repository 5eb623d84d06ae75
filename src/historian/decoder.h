#ifndef HISTORIAN_DECODER_H
#define HISTORIAN_DECODER_H
/*
 * Memory for reading one block at a time: bytes read ahead, decoded columns, decompression state.
 * One owner, reused from block to block; what it gave stays until the next block.
 */
#include "core/buf.h"
#include "historian/column.h"
#include "historian/rows.h"

enum { DECODER_READ_BYTES = 256 << 10 };

struct decoder {
    struct codec codec;
    struct rows_buffer rows;
    struct buf bytes;    // The record, or the neighbourhood that was read with it.
    uint64_t bytes_id;   // Segment of `bytes`; 0: none.
    uint64_t bytes_from; // Offset of `bytes` in that file.
    struct buf text;     // Texts of the block.
};

void decoder_init(struct decoder *decoder);
void decoder_fini(struct decoder *decoder);

/* Idle decoders, so that a short query does not pay for half a megabyte of fresh memory. Own lock;
 * any thread. A NULL pool makes and frees. */
struct decoder_pool;
struct decoder_pool *decoder_pool_new(void);
void decoder_pool_free(struct decoder_pool *pool); // NULL is allowed.
struct decoder *decoder_take(struct decoder_pool *pool);
void decoder_give(struct decoder_pool *pool, struct decoder *decoder); // NULL is allowed.

#endif
