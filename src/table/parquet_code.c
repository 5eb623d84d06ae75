/*
 * Runs and dictionaries.
 *
 * The hybrid has two kinds of runs: one number many times (head: count << 1), and groups of eight
 * packed bit by bit from the lowest (head: groups << 1 | 1). Eight equal numbers or more are a run
 * of the first kind; what lies between is packed. Only the last group of a page may be short: it is
 * filled up with zeros, which nobody reads, as the page says how many numbers there are.
 *
 * A dictionary ends at a mebibyte or 32,768 texts, so that it stays in a processor's cache and its
 * page is no longer than a page of values; a column with more goes on without one.
 */
#include "table/parquet_code.h"

#include <string.h>

#include "core/bytes.h"
#include "core/check.h"
#include "core/hash.h"
#include "core/mem.h"

enum {
    GROUP = 8,
    DICTIONARY_ENTRIES = 32 << 10,
    DICTIONARY_SLOTS = 64 << 10,
    DICTIONARY_BYTES = 1 << 20,
    LENGTH_BYTES = 4,
};

unsigned parquet_width(uint32_t count) {
    unsigned width = 1;
    while (width < 32 && (uint64_t)1 << width < count) {
        width++;
    }
    return width;
}

static void put_packed(struct buf *to, const uint32_t *numbers, uint32_t count, unsigned width) {
    uint64_t bits = 0;
    unsigned held = 0;
    uint32_t groups = (count + GROUP - 1) / GROUP;
    write_varint(to, (uint64_t)groups << 1 | 1);
    for (uint32_t i = 0; i < groups * GROUP; i++) {
        bits |= (uint64_t)(i < count ? numbers[i] : 0) << held;
        held += width;
        for (; held >= 8; held -= 8) {
            write_u8(to, (uint8_t)bits);
            bits >>= 8;
        }
    }
}

static void put_repeated(struct buf *to, uint32_t number, uint32_t count, unsigned width) {
    write_varint(to, (uint64_t)count << 1);
    for (unsigned bit = 0; bit < width; bit += 8) {
        write_u8(to, (uint8_t)(number >> bit));
    }
}

static uint32_t equal_numbers(const uint32_t *numbers, uint32_t count) {
    uint32_t equal = 1;
    while (equal < count && numbers[equal] == numbers[0]) {
        equal++;
    }
    return equal;
}

void parquet_put_runs(struct buf *to, const uint32_t *numbers, uint32_t count, unsigned width) {
    uint32_t packed = 0; // Numbers before `at` that wait to be packed: whole groups.
    uint32_t at = 0;
    while (at < count) {
        uint32_t equal = equal_numbers(numbers + at, count - at);
        if (equal < GROUP) {
            uint32_t more = count - at < GROUP ? count - at : GROUP;
            packed += more;
            at += more;
            continue;
        }
        if (packed > 0) {
            put_packed(to, numbers + at - packed, packed, width);
            packed = 0;
        }
        put_repeated(to, numbers[at], equal, width);
        at += equal;
    }
    if (packed > 0) {
        put_packed(to, numbers + at - packed, packed, width);
    }
}

/* ---- Dictionary ---- */

void parquet_dictionary_init(struct parquet_dictionary *dictionary) {
    *dictionary = (struct parquet_dictionary){.offsets = MEM_ARRAY(uint32_t, DICTIONARY_ENTRIES),
        .slots = MEM_ARRAY(uint32_t, DICTIONARY_SLOTS)};
    buf_init(&dictionary->page, DICTIONARY_BYTES);
}

void parquet_dictionary_fini(struct parquet_dictionary *dictionary) {
    buf_fini(&dictionary->page);
    mem_free(dictionary->offsets);
    mem_free(dictionary->slots);
}

void parquet_dictionary_clear(struct parquet_dictionary *dictionary) {
    buf_clear(&dictionary->page);
    memset(dictionary->slots, 0, DICTIONARY_SLOTS * sizeof *dictionary->slots);
    dictionary->count = 0;
    dictionary->last = 0;
}

static bool is_entry(const struct parquet_dictionary *dictionary, uint32_t entry, struct str text) {
    const uint8_t *at = dictionary->page.data + dictionary->offsets[entry];
    struct reader reader = reader_of(at, LENGTH_BYTES);
    return read_u32_le(&reader) == text.size &&
           (text.size == 0 || memcmp(at + LENGTH_BYTES, text.data, text.size) == 0);
}

int32_t parquet_dictionary_find(
    struct parquet_dictionary *dictionary, struct str text, bool *ret_new) {
    *ret_new = false;
    if (dictionary->last < dictionary->count && is_entry(dictionary, dictionary->last, text)) {
        return (int32_t)dictionary->last; // Rows of one tag follow each other.
    }
    uint32_t slot = (uint32_t)hash64(text.data, text.size) % DICTIONARY_SLOTS;
    while (dictionary->slots[slot] != 0) {
        uint32_t entry = dictionary->slots[slot] - 1;
        if (is_entry(dictionary, entry, text)) {
            dictionary->last = entry;
            return (int32_t)entry;
        }
        slot = (slot + 1) % DICTIONARY_SLOTS;
    }
    bool fits = dictionary->count < DICTIONARY_ENTRIES &&
                text.size + LENGTH_BYTES <= DICTIONARY_BYTES - dictionary->page.size;
    if (!fits) {
        return PARQUET_NO_ENTRY;
    }
    uint32_t entry = dictionary->count++;
    dictionary->offsets[entry] = (uint32_t)dictionary->page.size;
    dictionary->slots[slot] = entry + 1;
    dictionary->last = entry;
    write_u32_le(&dictionary->page, (uint32_t)text.size);
    buf_put_str(&dictionary->page, text);
    CHECK(!dictionary->page.overflow);
    *ret_new = true;
    return (int32_t)entry;
}
