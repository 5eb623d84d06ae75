/*
 * Columns of doubles and of texts, on top of integer columns.
 *
 * Doubles. What sensors send is mostly decimal: 21.4 is 214 over 10. A block whose values are, but
 * for a few, n / 10^e for one small e is kept as the integers n; each is proven by dividing again
 * and comparing all 64 bits, so nothing is rounded. The few that are not (a NaN, a -0.0, 0.1 + 0.2)
 * stand beside as exceptions. Where the number of digits is what the source keeps (1.23e-6 beside
 * 4.56e2), each row has its own e, in a column of its own. Values that came from 32-bit floats are
 * kept as those, in an order in which neighbouring numbers are neighbouring integers. Anything else
 * is kept as its 64 bits, in the same order.
 *
 * Texts. A dictionary of the different ones, packed as one piece, and places in it.
 */
#include <math.h>

#include "core/check.h"
#include "core/hash.h"
#include "core/mem.h"
#include "historian/column.h"
#include "historian/decimal.h"
#include "historian/kernels.h"
#include "historian/squeeze.h"

enum kind { KIND_DECIMAL = 0, KIND_FLOAT = 1, KIND_BITS = 2, KIND_SCIENTIFIC = 3 };

enum {
    EXPONENT_MAX = DECIMAL_EXPONENT_MAX,
    SAMPLES = 64,
    EXCEPTION_SHARE = 16,     // At most one in so many rows.
    SCIENTIFIC_BITS_MIN = 10, // Decimals larger than this a row are compared with the other form.
};

/* The smallest exponent that fits nearly all of a sample; EXPONENT_MAX + 1: none. */
static uint32_t choose_exponent(const bits64 *values, uint32_t count) {
    uint32_t step = count > SAMPLES ? count / SAMPLES : 1;
    for (uint32_t exponent = 0; exponent <= EXPONENT_MAX; exponent++) {
        uint32_t seen = 0;
        uint32_t missed = 0;
        for (uint32_t i = 0; i < count; i += step) {
            int64_t integer = 0;
            seen++;
            missed += !decimal_of(values[i], decimal_powers[exponent], &integer);
            if (missed > 8) {
                break;
            }
        }
        if (missed * EXCEPTION_SHARE <= seen) {
            return exponent;
        }
    }
    return EXPONENT_MAX + 1;
}

/* Integers into codec->spare, places of exceptions counted; false when there are too many. */
HOT_LOOP static bool decimals_of(struct codec *codec, const bits64 *values, uint32_t count,
    uint32_t exponent, uint32_t *ret_exceptions) {
    double power = decimal_powers[exponent];
    uint32_t exceptions = 0;
    uint64_t before = 0;
    for (uint32_t i = 0; i < count; i++) {
        int64_t integer = 0;
        bool good = decimal_of(values[i], power, &integer);
        before = good ? (uint64_t)integer : before; // An exception costs no jump.
        codec->spare[i] = before;
        exceptions += !good;
    }
    *ret_exceptions = exceptions;
    return exceptions * EXCEPTION_SHARE <= count;
}

static void put_decimals(struct codec *codec, struct buf *to, const bits64 *values, uint32_t count,
    uint32_t exponent, uint32_t exceptions) {
    write_u8(to, KIND_DECIMAL);
    write_u8(to, (uint8_t)exponent);
    write_varint(to, exceptions);
    uint32_t before = 0;
    for (uint32_t i = 0; i < count && exceptions > 0; i++) {
        int64_t integer = 0;
        if (!decimal_of(values[i], decimal_powers[exponent], &integer)) {
            write_varint(to, i - before);
            write_u64_le(to, values[i]);
            before = i;
        }
    }
    column_put_ints(codec, to, codec->spare, count);
}

/* The smallest exponent with which a value is an integer; EXPONENT_MAX + 1: none. */
static uint32_t own_exponent(uint64_t bits, int64_t *ret_integer) {
    uint32_t exponent = 0;
    while (exponent <= EXPONENT_MAX && !decimal_of(bits, decimal_powers[exponent], ret_integer)) {
        exponent++;
    }
    return exponent;
}

/* Do nearly all values of a sample have an exponent of their own? */
static bool sample_is_scientific(const bits64 *values, uint32_t count) {
    uint32_t step = count > SAMPLES ? count / SAMPLES : 1;
    uint32_t seen = 0;
    uint32_t missed = 0;
    for (uint32_t i = 0; i < count && missed <= 8; i += step) {
        int64_t integer = 0;
        seen++;
        missed += own_exponent(values[i], &integer) > EXPONENT_MAX;
    }
    return missed * EXCEPTION_SHARE <= seen;
}

/* Integers into codec->spare, exponents into codec->exponents. An exception has exponent
 * EXPONENT_MAX + 1 there for the moment. */
static bool scientific_of(
    struct codec *codec, const bits64 *values, uint32_t count, uint32_t *ret_exceptions) {
    uint32_t exceptions = 0;
    for (uint32_t i = 0; i < count; i++) {
        int64_t integer = 0;
        uint32_t exponent = own_exponent(values[i], &integer);
        if (exponent > EXPONENT_MAX) {
            integer = i > 0 ? (int64_t)codec->spare[i - 1] : 0;
            exceptions++;
        } else if (integer == 0 && i > 0 && codec->exponents[i - 1] <= EXPONENT_MAX) {
            exponent = (uint32_t)codec->exponents[i - 1]; // Zero is zero with any.
        }
        codec->spare[i] = (uint64_t)integer;
        codec->exponents[i] = exponent;
    }
    *ret_exceptions = exceptions;
    return exceptions * EXCEPTION_SHARE <= count;
}

static void put_scientific(struct codec *codec, struct buf *to, const bits64 *values,
    uint32_t count, uint32_t exceptions) {
    write_u8(to, KIND_SCIENTIFIC);
    write_varint(to, exceptions);
    uint32_t before = 0;
    for (uint32_t i = 0; i < count && exceptions > 0; i++) {
        if (codec->exponents[i] > EXPONENT_MAX) {
            write_varint(to, i - before);
            write_u64_le(to, values[i]);
            before = i;
            codec->exponents[i] = i > 0 ? codec->exponents[i - 1] : 0;
        }
    }
    column_put_ints(codec, to, codec->exponents, count);
    column_put_ints(codec, to, codec->spare, count);
}

/* Writes the scientific form; where `mark` is a form already written, the smaller one stays. */
static bool try_scientific(
    struct codec *codec, struct buf *to, const bits64 *values, uint32_t count, size_t mark) {
    uint32_t exceptions = 0;
    if (!sample_is_scientific(values, count) || !scientific_of(codec, values, count, &exceptions)) {
        return false;
    }
    size_t second = to->size;
    put_scientific(codec, to, values, count, exceptions);
    if (to->overflow || second == mark) {
        return true;
    }
    if (to->size - second < second - mark) {
        memmove(to->data + mark, to->data + second, to->size - second);
        to->size = mark + (to->size - second);
    } else {
        to->size = second;
    }
    return true;
}

/* Order of numbers as order of integers, both ways. */
static inline uint64_t float_rank(uint32_t bits) {
    return bits >> 31 != 0 ? (uint32_t)~bits : bits | 0x80000000U;
}
static inline uint32_t float_unrank(uint32_t rank) {
    return rank >> 31 != 0 ? rank & 0x7FFFFFFFU : ~rank;
}
static inline uint64_t double_rank(uint64_t bits) {
    return bits >> 63 != 0 ? ~bits : bits | 1ULL << 63;
}
static inline uint64_t double_unrank(uint64_t rank) {
    return rank >> 63 != 0 ? rank & ~(1ULL << 63) : ~rank;
}

static inline uint32_t bits_of_f32(float value) {
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}
static inline float f32_of_bits(uint32_t bits) {
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

/* Ranks of 32-bit floats into codec->spare; false when a value is none. */
static bool floats_of(struct codec *codec, const bits64 *values, uint32_t count) {
    for (uint32_t i = 0; i < count; i++) {
        double value = f64_of_bits(values[i]);
        if (!(fabs(value) <= 0x1.fffffep127)) {
            return false; // NaN and infinity: conversion could change their bits.
        }
        float narrow = (float)value;
        if (bits_of_f64((double)narrow) != values[i]) {
            return false;
        }
        codec->spare[i] = float_rank(bits_of_f32(narrow));
    }
    return true;
}

void column_put_doubles(struct codec *codec, struct buf *to, const bits64 *values, uint32_t count) {
    CHECK(count <= BLOCK_ROWS_MAX);
    if (count == 0) {
        return;
    }
    codec_prepare(codec);
    uint32_t exceptions = 0;
    uint32_t exponent = choose_exponent(values, count);
    if (exponent <= EXPONENT_MAX && decimals_of(codec, values, count, exponent, &exceptions)) {
        size_t mark = to->size;
        put_decimals(codec, to, values, count, exponent, exceptions);
        if ((to->size - mark) * 8 > (size_t)count * SCIENTIFIC_BITS_MIN && count >= SAMPLES) {
            (void)try_scientific(codec, to, values, count, mark); // Either form is good.
        }
        return;
    }
    if (try_scientific(codec, to, values, count, to->size)) {
        return;
    }
    if (floats_of(codec, values, count)) {
        write_u8(to, KIND_FLOAT);
    } else {
        write_u8(to, KIND_BITS);
        for (uint32_t i = 0; i < count; i++) {
            codec->spare[i] = double_rank(values[i]);
        }
    }
    column_put_ints(codec, to, codec->spare, count);
}

HOT_LOOP static void decimals_back(bits64 *values, uint32_t count, double power) {
    if (power <= 1) { // Whole numbers need no division, which is most of the time.
        for (uint32_t i = 0; i < count; i++) {
            double sum = f64_of_bits(values[i] + bits_of_f64(DECIMAL_ROUNDER));
            values[i] = bits_of_f64(sum - DECIMAL_ROUNDER);
        }
        return;
    }
    kernels_best()->divide(values, count, power);
}

/* Passes over a list of exceptions and returns a reader of it. */
static struct reader skip_exceptions(struct reader *from, uint64_t exceptions) {
    struct reader listed = *from;
    for (uint64_t i = 0; i < exceptions && !from->failed; i++) {
        (void)read_varint(from);
        read_skip(from, 8);
    }
    return listed;
}

static bool put_back_exceptions(
    struct reader listed, uint64_t exceptions, bits64 *values, uint32_t count) {
    uint64_t at = 0;
    for (uint64_t i = 0; i < exceptions; i++) {
        at += read_varint(&listed);
        uint64_t bits = read_u64_le(&listed);
        if (listed.failed || at >= count) {
            return false;
        }
        values[at] = bits;
    }
    return true;
}

static bool get_decimals(struct codec *codec, struct reader *from, bits64 *values, uint32_t count) {
    uint32_t exponent = read_u8(from);
    uint64_t exceptions = read_varint(from);
    if (from->failed || exponent > EXPONENT_MAX || exceptions > count) {
        return false;
    }
    struct reader listed = skip_exceptions(from, exceptions);
    if (!column_get_ints(codec, from, values, count)) {
        return false;
    }
    decimals_back(values, count, decimal_powers[exponent]);
    return put_back_exceptions(listed, exceptions, values, count);
}

static bool get_scientific(
    struct codec *codec, struct reader *from, bits64 *values, uint32_t count) {
    uint64_t exceptions = read_varint(from);
    if (from->failed || exceptions > count) {
        return false;
    }
    codec_prepare(codec);
    struct reader listed = skip_exceptions(from, exceptions);
    const uint64_t *exponents = codec->exponents;
    if (!column_get_ints(codec, from, codec->exponents, count) ||
        !column_get_ints(codec, from, values, count)) {
        return false;
    }
    for (uint32_t i = 0; i < count; i++) {
        if (exponents[i] > EXPONENT_MAX) {
            return false;
        }
        double sum = f64_of_bits(values[i] + bits_of_f64(DECIMAL_ROUNDER));
        values[i] = bits_of_f64((sum - DECIMAL_ROUNDER) / decimal_powers[exponents[i]]);
    }
    return put_back_exceptions(listed, exceptions, values, count);
}

HOT_LOOP static void floats_back(bits64 *values, uint32_t count) {
    for (uint32_t i = 0; i < count; i++) {
        float value = f32_of_bits(float_unrank((uint32_t)values[i]));
        values[i] = bits_of_f64((double)value);
    }
}

HOT_LOOP static void doubles_back(bits64 *values, uint32_t count) {
    for (uint32_t i = 0; i < count; i++) {
        values[i] = double_unrank(values[i]);
    }
}

bool column_get_doubles(
    struct codec *codec, struct reader *from, bits64 *ret_values, uint32_t count) {
    if (count == 0) {
        return true;
    }
    uint8_t kind = read_u8(from);
    if (from->failed) {
        return false;
    }
    if (kind == KIND_DECIMAL) {
        return get_decimals(codec, from, ret_values, count);
    }
    if (kind == KIND_SCIENTIFIC) {
        return get_scientific(codec, from, ret_values, count);
    }
    if (kind > KIND_BITS || !column_get_ints(codec, from, ret_values, count)) {
        return false;
    }
    if (kind == KIND_FLOAT) {
        floats_back(ret_values, count);
    } else {
        doubles_back(ret_values, count);
    }
    return true;
}

/* ---- Texts ---- */

enum {
    SLOTS = BLOCK_ROWS_MAX * 2,
    TEXT_BYTES_MAX = 64 << 20, // Of one block; writers cut far below.
    TEXT_PACK_MIN = 64,        // Shorter dictionaries are not worth packing.
};

struct dictionary {
    uint32_t *slots; // 1 + place of a text; 0: free.
    uint32_t *first; // Row of each different text.
    uint32_t count;
    uint64_t bytes;
};

/* Place of row `row`'s text in the dictionary, which gets it when it is new. */
static uint32_t dictionary_place(
    struct dictionary *dictionary, const struct str *texts, uint32_t row) {
    uint64_t at = hash64(texts[row].data, texts[row].size) % SLOTS;
    while (dictionary->slots[at] != 0) {
        uint32_t place = dictionary->slots[at] - 1;
        if (str_eq(texts[dictionary->first[place]], texts[row])) {
            return place;
        }
        at = (at + 1) % SLOTS;
    }
    dictionary->first[dictionary->count++] = row;
    dictionary->slots[at] = dictionary->count;
    dictionary->bytes += texts[row].size;
    return dictionary->count - 1;
}

static void put_dictionary(struct codec *codec, struct buf *to, const struct dictionary *dictionary,
    const struct str *texts) {
    AUTO_BUF struct buf all;
    buf_init(&all, TEXT_BYTES_MAX);
    for (uint32_t i = 0; i < dictionary->count; i++) {
        buf_put_str(&all, texts[dictionary->first[i]]);
    }
    write_varint(to, all.size);
    size_t packed = 0;
    size_t size_at = to->size;
    write_u32_le(to, 0); // 0: plain.
    uint8_t *at = all.size >= TEXT_PACK_MIN ? buf_reserve(to, all.size) : NULL;
    if (at != NULL) {
        packed = squeeze_pack(codec->squeeze, all.data, all.size, at, all.size - 1);
    }
    if (packed > 0) {
        patch_u32_le(to, size_at, (uint32_t)packed);
        buf_commit(to, packed);
    } else {
        buf_put(to, all.data, all.size);
    }
}

void column_put_texts(
    struct codec *codec, struct buf *to, const struct str *texts, uint32_t count) {
    CHECK(count <= BLOCK_ROWS_MAX);
    codec_prepare(codec);
    struct dictionary dictionary = {
        .slots = MEM_ARRAY(uint32_t, SLOTS), .first = MEM_ARRAY(uint32_t, count + 1)};
    AUTO_FREE bits64 *places = MEM_ARRAY(bits64, count + 1);
    AUTO_FREE bits64 *sizes = MEM_ARRAY(bits64, count + 1);
    for (uint32_t i = 0; i < count; i++) {
        places[i] = dictionary_place(&dictionary, texts, i);
    }
    for (uint32_t i = 0; i < dictionary.count; i++) {
        sizes[i] = texts[dictionary.first[i]].size;
    }
    write_varint(to, dictionary.count);
    column_put_ints(codec, to, sizes, dictionary.count);
    put_dictionary(codec, to, &dictionary, texts);
    column_put_ints(codec, to, places, count);
    mem_free(dictionary.slots);
    mem_free(dictionary.first);
}

/* The dictionary's bytes into `text`, and where each begins and how long it is into `texts`. */
static bool get_dictionary(
    struct codec *codec, struct reader *from, struct buf *text, struct str *texts, uint32_t count) {
    AUTO_FREE bits64 *sizes = MEM_ARRAY(bits64, count + 1);
    if (!column_get_ints(codec, from, sizes, count)) {
        return false;
    }
    uint64_t bytes = read_varint(from);
    uint32_t packed_size = read_u32_le(from);
    buf_clear(text);
    if (from->failed || bytes > text->max) {
        return false;
    }
    const uint8_t *stored = read_bytes(from, packed_size > 0 ? packed_size : bytes);
    uint8_t *to = buf_reserve(text, bytes + 1);
    if (stored == NULL || from->failed || to == NULL) {
        return false;
    }
    if (packed_size == 0) {
        memcpy(to, stored, bytes);
    } else if (!squeeze_unpack(codec->squeeze, stored, packed_size, to, bytes)) {
        return false;
    }
    buf_commit(text, bytes);
    uint64_t offset = 0;
    for (uint32_t i = 0; i < count; i++) {
        if (sizes[i] > bytes - offset) {
            return false;
        }
        texts[i] = (struct str){.data = (const char *)text->data + offset, .size = sizes[i]};
        offset += sizes[i];
    }
    return offset == bytes;
}

bool column_get_texts(struct codec *codec, struct reader *from, struct str *ret_texts,
    uint32_t count, struct buf *text) {
    uint64_t different = read_varint(from);
    if (from->failed || different > count || count > BLOCK_ROWS_MAX) {
        return false;
    }
    codec_prepare(codec);
    AUTO_FREE struct str *texts = MEM_ARRAY(struct str, different + 1);
    AUTO_FREE bits64 *places = MEM_ARRAY(bits64, count + 1);
    if (!get_dictionary(codec, from, text, texts, (uint32_t)different) ||
        !column_get_ints(codec, from, places, count)) {
        return false;
    }
    for (uint32_t i = 0; i < count; i++) {
        if (places[i] >= different) {
            return false;
        }
        ret_texts[i] = texts[places[i]];
    }
    return true;
}
