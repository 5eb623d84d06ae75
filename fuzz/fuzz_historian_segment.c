/*
 * Hostile bytes as the inside of a segment: the first byte chooses the reader (block, page,
 * directory, column of integers, doubles or texts, record and file heads, manifest), the rest is
 * its input. Checksums are not in the way here: the readers must hold without them.
 */
#include <stddef.h>
#include <stdint.h>

#include "core/buf.h"
#include "core/mem.h"
#include "historian/block.h"
#include "historian/manifest.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_heads(const uint8_t *data, size_t size) {
    struct record_head record;
    struct segment_head head;
    struct segment_tail tail;
    (void)record_is_whole(data, size, &record);
    if (size >= SEGMENT_HEAD_BYTES) {
        (void)segment_head_get(data, &head);
        (void)segment_tail_get(data, &tail);
    }
    struct manifest manifest;
    if (manifest_parse(data, size, &manifest, NULL) == 0) {
        manifest_fini(&manifest);
    }
}

static void read_columns(
    struct decoder *decoder, uint8_t choice, struct reader *from, uint32_t rows) {
    rows_reserve(&decoder->rows, rows + 1);
    if (choice == 3) {
        (void)column_get_ints(&decoder->codec, from, decoder->rows.value, rows);
    } else if (choice == 4) {
        (void)column_get_doubles(&decoder->codec, from, decoder->rows.value, rows);
    } else {
        (void)column_get_texts(&decoder->codec, from, decoder->rows.text, rows, &decoder->text);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size < 3) {
        return 0;
    }
    uint8_t choice = data[0] % 7;
    uint32_t rows = (uint32_t)(data[1] | data[2] << 8) % (BLOCK_ROWS_MAX + 1);
    struct reader from = reader_of(data + 3, size - 3);
    struct decoder decoder;
    decoder_init(&decoder);
    struct run run;
    struct tag_page *page = NULL;
    switch (choice) {
    case 0: (void)block_get(&decoder, &from, rows, &run); break;
    case 1:
        if (page_get(&decoder.codec, &from, SEGMENT_HEAD_BYTES, &page)) {
            tag_page_unref(page);
        }
        break;
    case 2: mem_free(directory_get(&decoder.codec, &from, rows)); break;
    case 6: read_heads(data + 3, size - 3); break;
    default: read_columns(&decoder, choice, &from, rows); break;
    }
    decoder_fini(&decoder);
    return 0;
}
