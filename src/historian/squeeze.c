/*
 * zstd behind two functions. Level 1: the columns that come here are residuals whose entropy is the
 * point (zstd's Huffman stage finds it at once); higher levels search for repetitions that are not
 * there and cost three times the time for one percent. Contexts are kept: making one costs as much
 * as packing a block. Frame heads are reduced to the least (no checksum, no size, no dictionary
 * id): the historian has its own.
 */
#include "historian/squeeze.h"

#include <zstd.h>

#include "core/check.h"
#include "core/mem.h"

enum { SQUEEZE_LEVEL = 1 };

struct squeeze {
    ZSTD_CCtx *pack; // Made on first use.
    ZSTD_DCtx *unpack;
};

struct squeeze *squeeze_new(void) {
    return MEM_NEW(struct squeeze);
}

void squeeze_free(struct squeeze *squeeze) {
    if (squeeze == NULL) {
        return;
    }
    (void)ZSTD_freeCCtx(squeeze->pack); // Freeing cannot fail.
    (void)ZSTD_freeDCtx(squeeze->unpack);
    mem_free(squeeze);
}

size_t squeeze_pack(
    struct squeeze *squeeze, const void *from, size_t size, void *to, size_t capacity) {
    if (squeeze->pack == NULL) {
        squeeze->pack = ZSTD_createCCtx();
        CHECK(squeeze->pack != NULL);
        (void)ZSTD_CCtx_setParameter(squeeze->pack, ZSTD_c_compressionLevel, SQUEEZE_LEVEL);
        (void)ZSTD_CCtx_setParameter(squeeze->pack, ZSTD_c_contentSizeFlag, 0);
        (void)ZSTD_CCtx_setParameter(squeeze->pack, ZSTD_c_checksumFlag, 0);
        (void)ZSTD_CCtx_setParameter(squeeze->pack, ZSTD_c_dictIDFlag, 0);
    }
    size_t packed = ZSTD_compress2(squeeze->pack, to, capacity, from, size);
    return ZSTD_isError(packed) ? 0 : packed;
}

bool squeeze_unpack(
    struct squeeze *squeeze, const void *from, size_t packed_size, void *to, size_t size) {
    if (squeeze->unpack == NULL) {
        squeeze->unpack = ZSTD_createDCtx();
        CHECK(squeeze->unpack != NULL);
    }
    size_t got = ZSTD_decompressDCtx(squeeze->unpack, to, size, from, packed_size);
    return !ZSTD_isError(got) && got == size;
}
