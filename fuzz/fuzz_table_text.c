/*
 * Recognition, decoding and packing of table files under random bytes. The first byte chooses the
 * size of the pieces in which the bytes come; read whole, they must give the same rows and errors.
 * What comes out is always well-formed UTF-8 in rows that are good.
 */
#include <stdint.h>
#include <string.h>

#include "core/check.h"
#include "core/hash.h"
#include "table/table.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { OUT_MAX = 4 << 20 }; // Enough of what an input unpacks to.

struct pieces {
    const uint8_t *data;
    size_t size;
    size_t piece;
};

static int read_pieces(
    void *context, void *to, size_t capacity, size_t *ret_size, struct err *err) {
    (void)err;
    struct pieces *pieces = context;
    size_t size = pieces->size < pieces->piece ? pieces->size : pieces->piece;
    size = size < capacity ? size : capacity;
    if (size > 0) {
        memcpy(to, pieces->data, size);
    }
    pieces->data += size;
    pieces->size -= size;
    *ret_size = size;
    return 0;
}

static uint64_t fingerprint(const uint8_t *data, size_t size, size_t piece) {
    struct pieces pieces = {data, size, piece};
    struct table_options options = {
        .fd = -1, .context = &pieces, .read = read_pieces, .sheet = STR_NONE};
    struct table *table = NULL;
    struct err err = ERR_INIT;
    uint64_t seen = 0;
    size_t bytes = 0;
    int status = table_open(&options, &table, &err);
    while (status >= 0 && bytes < OUT_MAX) {
        const struct str *fields = NULL;
        size_t count = 0;
        status = table_next(table, &fields, &count, &err);
        if (status == TABLE_END) {
            break;
        }
        uint64_t parts[3] = {seen, table_line(table), (uint64_t)status};
        seen = hash64(parts, sizeof parts);
        for (size_t i = 0; status == TABLE_ROW && i < count; i++) {
            size_t bad = 0;
            CHECK(str_is_utf8(fields[i], &bad));
            seen ^= hash64(fields[i].data, fields[i].size) + i;
            seen = hash64(&seen, sizeof seen);
            bytes += fields[i].size;
        }
        err_clear(&err);
    }
    table_close(table);
    return status < 0 ? seen + (uint64_t)err.code : seen;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size > 0) {
        uint64_t whole = fingerprint(data + 1, size - 1, size);
        CHECK(whole == fingerprint(data + 1, size - 1, (size_t)data[0] + 1));
    }
    return 0;
}
