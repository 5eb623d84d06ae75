#ifndef HISTORIAN_BITS_H
#define HISTORIAN_BITS_H
/*
 * Small leaves of the historian's hot loops: unaligned little-endian loads and stores, bit lengths,
 * zigzag, and the type under which 64-bit values of several kinds share one column. The cursor of
 * core/bytes.h reads everything else; these exist because a column is read thousands of values at
 * a time behind one bounds check. Pure; any thread.
 */
#include <endian.h>
#include <stdint.h>
#include <string.h>

/* Loops over whole columns: worth vectors (gcc's -O2 only vectorizes loops of known length) and a
 * second version for CPUs with AVX2, chosen once at start. Not under sanitizers, whose code cannot
 * run in the chooser. MARU_PORTABLE: none of it, nor any other code for one kind of CPU; the tests
 * build the room so a second time and compare byte for byte (tests/historian/test_portable.c). */
#if defined(__GNUC__) && !defined(__clang__) && defined(__x86_64__) && !defined(MARU_SANITIZED) && \
    !defined(MARU_PORTABLE)
#define HOT_LOOP __attribute__((optimize("O3"), target_clones("avx2", "default")))
#else
#define HOT_LOOP
#endif

/* A value column holds doubles, integers or text places by turns: it may alias. */
typedef uint64_t __attribute__((may_alias)) bits64;

static inline uint64_t load_u64(const uint8_t *from) {
    uint64_t value;
    memcpy(&value, from, sizeof value);
    return le64toh(value);
}

static inline uint32_t load_u32(const uint8_t *from) {
    uint32_t value;
    memcpy(&value, from, sizeof value);
    return le32toh(value);
}

static inline void store_u64(uint8_t *to, uint64_t value) {
    value = htole64(value);
    memcpy(to, &value, sizeof value);
}

static inline void store_u32(uint8_t *to, uint32_t value) {
    value = htole32(value);
    memcpy(to, &value, sizeof value);
}

static inline double f64_of_bits(uint64_t bits) {
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static inline uint64_t bits_of_f64(double value) {
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

/* Bits needed for a value; 0 for 0. */
static inline uint32_t bit_length(uint64_t value) {
    return value == 0 ? 0 : 64u - (uint32_t)__builtin_clzll(value);
}

static inline uint64_t zigzag_of(int64_t value) {
    return ((uint64_t)value << 1) ^ (uint64_t)(value >> 63);
}

static inline int64_t zigzag_back(uint64_t value) {
    return (int64_t)((value >> 1) ^ (0 - (value & 1)));
}

#endif
