/*
 * Decoders and their pool. A decoder's memory grows to what the largest block needs and is then
 * reused; one that met a giant (texts of megabytes) is freed instead of kept.
 */
#include "historian/decoder.h"

#include "core/mem.h"
#include "core/thread.h"
#include "historian/block.h"

enum {
    DECODER_TEXT_MAX = 64 << 20,
    POOL_DECODERS = 8,
    POOL_KEEP_BYTES = 1 << 20, // Of each growing buffer.
};

struct decoder_pool {
    struct mutex mutex;
    struct decoder *idle[POOL_DECODERS];
    uint32_t count;
};

void decoder_init(struct decoder *decoder) {
    *decoder = (struct decoder){0};
    codec_init(&decoder->codec);
    rows_init(&decoder->rows);
    buf_init(&decoder->bytes, RECORD_BYTES_MAX);
    buf_init(&decoder->text, DECODER_TEXT_MAX);
}

void decoder_fini(struct decoder *decoder) {
    codec_fini(&decoder->codec);
    rows_fini(&decoder->rows);
    buf_fini(&decoder->bytes);
    buf_fini(&decoder->text);
}

struct decoder_pool *decoder_pool_new(void) {
    struct decoder_pool *pool = MEM_NEW(struct decoder_pool);
    mutex_init(&pool->mutex);
    return pool;
}

static void decoder_free(struct decoder *decoder) {
    decoder_fini(decoder);
    mem_free(decoder);
}

void decoder_pool_free(struct decoder_pool *pool) {
    if (pool == NULL) {
        return;
    }
    for (uint32_t i = 0; i < pool->count; i++) {
        decoder_free(pool->idle[i]);
    }
    mutex_fini(&pool->mutex);
    mem_free(pool);
}

struct decoder *decoder_take(struct decoder_pool *pool) {
    struct decoder *decoder = NULL;
    if (pool != NULL) {
        mutex_lock(&pool->mutex);
        if (pool->count > 0) {
            decoder = pool->idle[--pool->count];
        }
        mutex_unlock(&pool->mutex);
    }
    if (decoder == NULL) {
        decoder = MEM_NEW(struct decoder);
        decoder_init(decoder);
    }
    decoder->bytes_id = 0; // What it read may be gone.
    return decoder;
}

void decoder_give(struct decoder_pool *pool, struct decoder *decoder) {
    if (decoder == NULL) {
        return;
    }
    bool small =
        decoder->bytes.capacity <= POOL_KEEP_BYTES && decoder->text.capacity <= POOL_KEEP_BYTES;
    if (pool != NULL && small) {
        mutex_lock(&pool->mutex);
        if (pool->count < POOL_DECODERS) {
            pool->idle[pool->count++] = decoder;
            decoder = NULL;
        }
        mutex_unlock(&pool->mutex);
    }
    if (decoder != NULL) {
        decoder_free(decoder);
    }
}
