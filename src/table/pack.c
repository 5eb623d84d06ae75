/*
 * gzip (RFC 1952, with members one after the other), xz and zstd (frames one after the other)
 * behind one pull and one push interface. Each library keeps a window whose size the file decides,
 * so the windows have maxima here: 32 KiB for gzip by its format, 128 MiB for xz and zstd, which is
 * what their strongest usual levels take (xz -9: 65 MiB; zstd --ultra -22 and --long=27: 128 MiB).
 *
 * A file that unpacks to a thousand times its size is a bomb, not a table: rows with a running time
 * stay below a hundred. gzip cannot pack better than 1032 to 1 (RFC 1951), so the limit of 1000
 * meets only what is made of one repeated byte. The first 64 MiB are free, so that short files of
 * repeated rows pass.
 */
#include "table/pack.h"

#include <string.h>

#include <lzma.h>
#define ZLIB_CONST // next_in points to const.
#include <zlib.h>
#include <zstd.h>

#include "core/check.h"
#include "core/mem.h"

enum {
    CHUNK_BYTES = 128 << 10,
    WINDOW_LOG_MAX = 27, // 128 MiB.
    RATIO_MAX = 1000,
    RATIO_FREE_BYTES = 64 << 20,
    GZIP_WINDOW = 15 + 16, // The largest window, with gzip's head and tail.
    GZIP_LEVEL = 6,
    GZIP_MEMORY = 8,
    XZ_LEVEL = 3, // Half the time of 6 for a tenth more bytes on tables of numbers.
    ZSTD_LEVEL = 3,
};
static const uint64_t XZ_MEMORY_MAX = 160ULL << 20; // The window and the decoder's own tables.
static const uint64_t UNPACKED_MAX = 1ULL << 40;    // 1 TiB; refused beyond.

enum table_packing pack_recognise(struct str head) {
    if (str_starts(head, STR("\x1F\x8B\x08"))) {
        return TABLE_GZIP;
    }
    if (head.size >= 6 && memcmp(head.data, "\xFD\x37\x7A\x58\x5A\x00", 6) == 0) {
        return TABLE_XZ;
    }
    return str_starts(head, STR("\x28\xB5\x2F\xFD")) ? TABLE_ZSTD : TABLE_PLAIN;
}

int pack_check_ratio(uint64_t in, uint64_t out, uint64_t ratio_max, struct err *err) {
    if (out > UNPACKED_MAX || (out > RATIO_FREE_BYTES && out / ratio_max > in)) {
        return err_set(err, ERR_LIMIT, MSG_TABLE_BOMB, ARGS(A_INT(out >> 20), A_INT(in >> 10)));
    }
    return 0;
}

/* ---- Unpacking ---- */

struct unpack {
    enum table_packing packing;
    struct source *source;
    uint8_t *chunk;
    size_t size; // Of the chunk.
    size_t used;
    uint64_t in;
    uint64_t out;
    bool ended;       // The source has no more.
    bool between;     // No member or frame is open.
    bool gzip_opened; // A first member was read: zeros may follow the last one (tape padding).
    z_stream gzip;
    lzma_stream xz;
    ZSTD_DStream *zstd;
};

struct unpack *unpack_new(enum table_packing packing, struct source *source) {
    struct unpack *unpack = MEM_NEW(struct unpack);
    unpack->packing = packing;
    unpack->source = source;
    unpack->between = true;
    if (packing != TABLE_PLAIN) {
        unpack->chunk = mem_alloc(CHUNK_BYTES);
    }
    if (packing == TABLE_GZIP) {
        CHECK(inflateInit2(&unpack->gzip, GZIP_WINDOW) == Z_OK);
    } else if (packing == TABLE_XZ) {
        unpack->xz = (lzma_stream)LZMA_STREAM_INIT;
        CHECK(lzma_stream_decoder(&unpack->xz, XZ_MEMORY_MAX, LZMA_CONCATENATED) == LZMA_OK);
    } else if (packing == TABLE_ZSTD) {
        unpack->zstd = ZSTD_createDStream();
        CHECK(unpack->zstd != NULL);
        (void)ZSTD_DCtx_setParameter(unpack->zstd, ZSTD_d_windowLogMax, WINDOW_LOG_MAX);
    }
    return unpack;
}

void unpack_free(struct unpack *unpack) {
    if (unpack == NULL) {
        return;
    }
    if (unpack->packing == TABLE_GZIP) {
        (void)inflateEnd(&unpack->gzip);
    } else if (unpack->packing == TABLE_XZ) {
        lzma_end(&unpack->xz);
    }
    (void)ZSTD_freeDStream(unpack->zstd); // NULL is allowed; freeing cannot fail.
    mem_free(unpack->chunk);
    mem_free(unpack);
}

static int damaged(const struct unpack *unpack, struct err *err) {
    return err_set(err, ERR_CORRUPT, MSG_TABLE_PACK_DAMAGED,
        ARGS(A_CSTR(table_packing_name(unpack->packing)), A_INT(unpack->in)));
}

/* Each step turns input of the chunk into output and returns the bytes made, or a negative code. */
static int64_t gzip_step(struct unpack *unpack, void *to, size_t capacity, struct err *err) {
    z_stream *gzip = &unpack->gzip;
    if (unpack->between) {
        if (unpack->gzip_opened && unpack->chunk[unpack->used] == 0) {
            unpack->used++; // Padding behind the last member.
            return 0;
        }
        CHECK(inflateReset(gzip) == Z_OK);
        unpack->between = false;
        unpack->gzip_opened = true;
    }
    gzip->next_in = unpack->chunk + unpack->used;
    gzip->avail_in = (uInt)(unpack->size - unpack->used);
    gzip->next_out = to;
    gzip->avail_out = (uInt)capacity;
    int result = inflate(gzip, Z_NO_FLUSH);
    unpack->used = unpack->size - gzip->avail_in;
    if (result == Z_STREAM_END) {
        unpack->between = true;
    } else if (result != Z_OK && result != Z_BUF_ERROR) {
        return damaged(unpack, err);
    }
    return (int64_t)(capacity - gzip->avail_out);
}

static int64_t xz_step(struct unpack *unpack, void *to, size_t capacity, struct err *err) {
    lzma_stream *xz = &unpack->xz;
    xz->next_in = unpack->chunk + unpack->used;
    xz->avail_in = unpack->size - unpack->used;
    xz->next_out = to;
    xz->avail_out = capacity;
    lzma_ret result = lzma_code(xz, unpack->ended ? LZMA_FINISH : LZMA_RUN);
    unpack->used = unpack->size - xz->avail_in;
    if (result == LZMA_MEMLIMIT_ERROR) {
        return err_set(err, ERR_LIMIT, MSG_TABLE_PACK_WINDOW, NO_ARGS);
    }
    unpack->between = result == LZMA_STREAM_END;
    if (result != LZMA_OK && result != LZMA_STREAM_END && result != LZMA_BUF_ERROR) {
        return damaged(unpack, err);
    }
    return (int64_t)(capacity - xz->avail_out);
}

static int64_t zstd_step(struct unpack *unpack, void *to, size_t capacity, struct err *err) {
    ZSTD_inBuffer in = {unpack->chunk, unpack->size, unpack->used};
    ZSTD_outBuffer out = {to, capacity, 0};
    size_t result = ZSTD_decompressStream(unpack->zstd, &out, &in);
    unpack->used = in.pos;
    if (ZSTD_isError(result)) {
        bool window = strstr(ZSTD_getErrorName(result), "memory") != NULL;
        return window ? err_set(err, ERR_LIMIT, MSG_TABLE_PACK_WINDOW, NO_ARGS)
                      : damaged(unpack, err);
    }
    unpack->between = result == 0;
    return (int64_t)out.pos;
}

static int64_t step(struct unpack *unpack, void *to, size_t capacity, struct err *err) {
    switch (unpack->packing) {
    case TABLE_GZIP:
        return unpack->used == unpack->size && unpack->between
                   ? 0
                   : gzip_step(unpack, to, capacity, err);
    case TABLE_XZ: return xz_step(unpack, to, capacity, err);
    case TABLE_ZSTD:
        /* At the end of input an open frame may still hold bytes of its window. */
        return unpack->used == unpack->size && unpack->between
                   ? 0
                   : zstd_step(unpack, to, capacity, err);
    case TABLE_PLAIN: break;
    }
    NEVER(true);
    return 0;
}

static int refill(struct unpack *unpack, struct err *err) {
    size_t size = 0;
    int status = source_read(unpack->source, unpack->chunk, CHUNK_BYTES, &size, err);
    if (status >= 0) {
        unpack->size = size;
        unpack->used = 0;
        unpack->in += size;
        unpack->ended = size == 0;
    }
    return status;
}

int unpack_read(
    struct unpack *unpack, void *to, size_t capacity, size_t *ret_size, struct err *err) {
    if (unpack->packing == TABLE_PLAIN) {
        return source_read(unpack->source, to, capacity, ret_size, err);
    }
    for (;;) {
        if (unpack->used == unpack->size && !unpack->ended) {
            int status = refill(unpack, err);
            if (status < 0) {
                return status;
            }
        }
        int64_t made = step(unpack, to, capacity, err);
        if (made < 0) {
            return (int)made;
        }
        if (made > 0) {
            unpack->out += (uint64_t)made;
            *ret_size = (size_t)made;
            return pack_check_ratio(unpack->in, unpack->out, RATIO_MAX, err);
        }
        if (unpack->ended) {
            *ret_size = 0;
            return unpack->between ? 0 : damaged(unpack, err); // Cut short.
        }
    }
}

/* ---- Packing ---- */

struct pack {
    enum table_packing packing;
    int (*write)(void *context, const void *data, size_t size, struct err *err);
    void *context;
    uint8_t *chunk;
    z_stream gzip;
    lzma_stream xz;
    ZSTD_CStream *zstd;
};

struct pack *pack_new(enum table_packing packing,
    int (*write)(void *context, const void *data, size_t size, struct err *err), void *context) {
    struct pack *pack = MEM_NEW(struct pack);
    pack->packing = packing;
    pack->write = write;
    pack->context = context;
    if (packing != TABLE_PLAIN) {
        pack->chunk = mem_alloc(CHUNK_BYTES);
    }
    if (packing == TABLE_GZIP) {
        CHECK(deflateInit2(&pack->gzip, GZIP_LEVEL, Z_DEFLATED, GZIP_WINDOW, GZIP_MEMORY,
                  Z_DEFAULT_STRATEGY) == Z_OK);
    } else if (packing == TABLE_XZ) {
        pack->xz = (lzma_stream)LZMA_STREAM_INIT;
        CHECK(lzma_easy_encoder(&pack->xz, XZ_LEVEL, LZMA_CHECK_CRC64) == LZMA_OK);
    } else if (packing == TABLE_ZSTD) {
        pack->zstd = ZSTD_createCStream();
        CHECK(pack->zstd != NULL);
        (void)ZSTD_CCtx_setParameter(pack->zstd, ZSTD_c_compressionLevel, ZSTD_LEVEL);
        (void)ZSTD_CCtx_setParameter(pack->zstd, ZSTD_c_checksumFlag, 1);
    }
    return pack;
}

void pack_free(struct pack *pack) {
    if (pack == NULL) {
        return;
    }
    if (pack->packing == TABLE_GZIP) {
        (void)deflateEnd(&pack->gzip); // An unfinished stream is what it complains about.
    } else if (pack->packing == TABLE_XZ) {
        lzma_end(&pack->xz);
    }
    (void)ZSTD_freeCStream(pack->zstd);
    mem_free(pack->chunk);
    mem_free(pack);
}

/* Packs what it can of *data; *ret_done when nothing is left inside (only asked for at the end). */
static size_t pack_step(
    struct pack *pack, const uint8_t **data, size_t *size, bool finish, bool *ret_done) {
    if (pack->packing == TABLE_GZIP) {
        pack->gzip.next_in = *data;
        pack->gzip.avail_in = (uInt)(*size < CHUNK_BYTES ? *size : CHUNK_BYTES);
        size_t given = pack->gzip.avail_in;
        pack->gzip.next_out = pack->chunk;
        pack->gzip.avail_out = CHUNK_BYTES;
        int result = deflate(&pack->gzip, finish ? Z_FINISH : Z_NO_FLUSH);
        CHECK(result != Z_STREAM_ERROR);
        *data += given - pack->gzip.avail_in;
        *size -= given - pack->gzip.avail_in;
        *ret_done = result == Z_STREAM_END;
        return CHUNK_BYTES - pack->gzip.avail_out;
    }
    if (pack->packing == TABLE_XZ) {
        pack->xz.next_in = *data;
        pack->xz.avail_in = *size;
        pack->xz.next_out = pack->chunk;
        pack->xz.avail_out = CHUNK_BYTES;
        lzma_ret result = lzma_code(&pack->xz, finish ? LZMA_FINISH : LZMA_RUN);
        CHECK(result == LZMA_OK || result == LZMA_STREAM_END || result == LZMA_BUF_ERROR);
        *data = pack->xz.next_in;
        *size = pack->xz.avail_in;
        *ret_done = result == LZMA_STREAM_END;
        return CHUNK_BYTES - pack->xz.avail_out;
    }
    ZSTD_inBuffer in = {*data, *size, 0};
    ZSTD_outBuffer out = {pack->chunk, CHUNK_BYTES, 0};
    size_t left =
        ZSTD_compressStream2(pack->zstd, &out, &in, finish ? ZSTD_e_end : ZSTD_e_continue);
    CHECK(!ZSTD_isError(left));
    *data += in.pos;
    *size -= in.pos;
    *ret_done = left == 0;
    return out.pos;
}

int pack_put(struct pack *pack, const void *data, size_t size, struct err *err) {
    if (pack->packing == TABLE_PLAIN) {
        return pack->write(pack->context, data, size, err);
    }
    const uint8_t *from = data;
    while (size > 0) {
        bool done = false;
        size_t made = pack_step(pack, &from, &size, false, &done);
        int status = made > 0 ? pack->write(pack->context, pack->chunk, made, err) : 0;
        if (status < 0) {
            return status;
        }
    }
    return 0;
}

int pack_finish(struct pack *pack, struct err *err) {
    bool done = pack->packing == TABLE_PLAIN;
    while (!done) {
        const uint8_t *from = (const uint8_t *)"";
        size_t size = 0;
        size_t made = pack_step(pack, &from, &size, true, &done);
        int status = made > 0 ? pack->write(pack->context, pack->chunk, made, err) : 0;
        if (status < 0) {
            return status;
        }
    }
    return 0;
}

/* ---- Pieces ---- */

struct pack_piece {
    ZSTD_CCtx *zstd;
};

struct pack_piece *pack_piece_new(void) {
    struct pack_piece *piece = MEM_NEW(struct pack_piece);
    piece->zstd = ZSTD_createCCtx();
    CHECK(piece->zstd != NULL);
    (void)ZSTD_CCtx_setParameter(piece->zstd, ZSTD_c_compressionLevel, ZSTD_LEVEL);
    return piece;
}

void pack_piece_free(struct pack_piece *piece) {
    if (piece != NULL) {
        (void)ZSTD_freeCCtx(piece->zstd);
        mem_free(piece);
    }
}

void pack_piece_put(struct pack_piece *piece, const void *data, size_t size, struct buf *to) {
    size_t room = ZSTD_compressBound(size);
    uint8_t *at = buf_reserve(to, room);
    if (at == NULL) {
        return;
    }
    size_t made = ZSTD_compress2(piece->zstd, at, room, data, size);
    CHECK(!ZSTD_isError(made)); // The room is what it may take.
    buf_commit(to, made);
}

uint32_t pack_crc32(const void *data, size_t size) {
    uint32_t crc = 0;
    const uint8_t *from = data;
    while (size > 0) {
        size_t part = size < CHUNK_BYTES ? size : CHUNK_BYTES;
        crc = (uint32_t)crc32(crc, from, (uInt)part);
        from += part;
        size -= part;
    }
    return crc;
}
