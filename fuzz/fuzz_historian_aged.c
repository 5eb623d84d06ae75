/*
 * Hostile bytes as the inside of an aged file: the first byte chooses the reader (contents of a
 * tag, cells, head, manifest), the next two are a count, the rest is its input. Checksums are not
 * in the way here: the readers must hold without them. What contents say is used: their chunks must
 * be in order and inside what times can be.
 */
#include <stddef.h>
#include <stdint.h>

#include "core/check.h"
#include "core/mem.h"
#include "historian/aged.h"
#include "historian/manifest.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_contents(struct decoder *decoder, struct reader *from) {
    struct aged_contents contents = {0};
    if (!aged_contents_get(&decoder->codec, from, AGED_HEAD_BYTES, &contents)) {
        return;
    }
    uint64_t offset = AGED_HEAD_BYTES;
    for (uint32_t i = 0; i < contents.count; i++) {
        const struct aged_chunk *chunk = &contents.chunks[i];
        CHECK(chunk->offset == offset && chunk->last_ns >= chunk->first_ns);
        CHECK(chunk->first_ns >= HIST_TIME_MIN - rollup_ns[ROLLUP_LEVELS - 1]);
        CHECK(chunk->last_ns <= HIST_TIME_MAX);
        offset += chunk->size;
    }
    aged_contents_fini(&contents);
}

static void read_rest(const uint8_t *data, size_t size) {
    struct aged_head head;
    struct manifest manifest;
    if (size >= AGED_HEAD_BYTES) {
        (void)aged_head_get(data, &head);
    }
    if (manifest_parse(data, size, &manifest, NULL) == 0) {
        manifest_fini(&manifest);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size < 3) {
        return 0;
    }
    uint32_t count = (uint32_t)(data[1] | data[2] << 8) % (BLOCK_ROWS + 1);
    struct reader from = reader_of(data + 3, size - 3);
    struct decoder decoder;
    decoder_init(&decoder);
    AUTO_FREE struct cell *cells = MEM_ARRAY(struct cell, BLOCK_ROWS);
    switch (data[0] % 5) {
    case 0: read_contents(&decoder, &from); break;
    case 4: read_rest(data + 3, size - 3); break;
    default:
        (void)cells_get(&decoder.codec, &from, cells, count, rollup_ns[data[0] % 5 - 1]);
        break;
    }
    decoder_fini(&decoder);
    return 0;
}
