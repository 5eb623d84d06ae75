/*
 * CSV reader under random input and random chunking. The first byte chooses the separator and the
 * chunk size; the same text read in one piece must give the same rows, lines and errors.
 */
#include <stdint.h>
#include <string.h>

#include "core/check.h"
#include "core/csv.h"
#include "core/hash.h"
#include "core/mem.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A fingerprint of all that csv_next reported. */
static uint64_t read_in_chunks(const uint8_t *data, size_t size, size_t chunk, char separator) {
    struct csv *csv = csv_new(separator);
    uint64_t seen = 0;
    size_t offset = 0;
    bool last = false;
    while (!last) {
        size_t part = size - offset < chunk ? size - offset : chunk;
        last = offset + part == size;
        uint8_t *copy = mem_alloc(part); // Exact, so that reads behind it are seen.
        if (part > 0) {
            memcpy(copy, data + offset, part);
        }
        csv_feed(csv, copy, part, last);
        offset += part;
        const struct str *fields = NULL;
        size_t count = 0;
        struct err err = ERR_INIT;
        int result = 0;
        while ((result = csv_next(csv, &fields, &count, &err)) != 0) {
            uint64_t parts[4] = {seen, csv_line(csv), result > 0 ? count : 0, (uint64_t)result};
            seen = hash64(parts, sizeof parts);
            CHECK(result < 0 || (count >= 1 && count <= CSV_FIELDS_MAX));
            for (size_t i = 0; result > 0 && i < count; i++) {
                seen ^= hash64(fields[i].data, fields[i].size) + i;
                seen = hash64(&seen, sizeof seen);
            }
        }
        mem_free(copy);
    }
    csv_free(csv);
    return seen;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size == 0) {
        return 0;
    }
    static const char SEPARATORS[] = {',', ';', '\t', ','};
    char separator = SEPARATORS[data[0] >> 6];
    size_t chunk = (data[0] & 0x3F) + 1U;
    uint64_t whole = read_in_chunks(data + 1, size - 1, size, separator);
    CHECK(whole == read_in_chunks(data + 1, size - 1, chunk, separator));
    return 0;
}
