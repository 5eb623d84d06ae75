#ifndef HISTORIAN_KERNELS_H
#define HISTORIAN_KERNELS_H
/*
 * The decoders' inner loops, in versions for what the CPU can do. All versions give the same bits
 * for every input; the portable one is what the others are tested against. Pure; any thread.
 */
#include <stddef.h>
#include <stdint.h>

#include "historian/bits.h"

/* A sum is a double and what was rounded off it. */
struct stats {
    double sum;
    double low;
    double min;
    double max;
};

struct kernels {
    const char *name; // "portable", "avx2", "avx512".
    /* `count` values of `width` bits (0..64), lowest bit first, from `size` bytes, which hold them
     * all. Never reads beyond `size`. */
    void (*unpack)(
        const uint8_t *from, size_t size, uint32_t width, bits64 *ret_values, uint32_t count);
    /* values[i] += values[i - 1] + base for i from 1 on, wrapping. */
    void (*sum)(bits64 *values, uint32_t count, uint64_t base);
    /* The same with base 0 where values[i] for i from 1 on stand in zigzag order (0, -1, 1, ...).
     */
    void (*sum_zigzag)(bits64 *values, uint32_t count);
    /* The double n / power for each integer n, |n| < 2^51; power: 10^0 .. 10^22. Correctly rounded,
     * as IEEE 754 division is. */
    void (*divide)(bits64 *values, uint32_t count, double power);
    /* Of the doubles `values`, count > 0. Sums without error (Knuth's addition): sum + low is their
     * sum in about 106 bits. Value i goes to lane i modulo 8; lanes i and i + 4 are added, then
     * i and i + 2, then both that are left. A NaN, or infinities, make `sum` or `low` NaN; min and
     * max then say nothing. */
    void (*stats)(const bits64 *values, uint32_t count, struct stats *ret_stats);
};

/* The best that this CPU can run; found once. */
const struct kernels *kernels_best(void);
/* Version `index`, 0 the portable one; NULL when there are no more that this CPU can run. */
const struct kernels *kernels_at(uint32_t index);

#endif
