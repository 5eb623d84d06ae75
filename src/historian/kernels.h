#ifndef HISTORIAN_KERNELS_H
#define HISTORIAN_KERNELS_H
/*
 * The decoders' inner loops, in versions for what the CPU can do. All versions give the same bits
 * for every input; the portable one is what the others are tested against. Pure; any thread.
 */
#include <stddef.h>
#include <stdint.h>

#include "historian/bits.h"

/* Eight running sums side by side, each a double and what was rounded off it. */
enum { STATS_LANES = 8 };
struct stats {
    double sum[STATS_LANES];
    double low[STATS_LANES];
    double min[STATS_LANES];
    double max[STATS_LANES];
};

struct kernels {
    const char *name; // "portable", "avx2", "avx512".
    /* `count` values of `width` bits (0..64), lowest bit first, from `size` bytes, which hold them
     * all. Never reads beyond `size`. */
    void (*unpack)(
        const uint8_t *from, size_t size, uint32_t width, bits64 *ret_values, uint32_t count);
    /* values[i] += values[i - 1] for i from 1 on, wrapping. */
    void (*sum)(bits64 *values, uint32_t count);
    /* The double n / power for each integer n, |n| < 2^51; power: 10^0 .. 10^22. Correctly rounded,
     * as IEEE 754 division is. */
    void (*divide)(bits64 *values, uint32_t count, double power);
    /* Adds the doubles values[i] to lane i modulo 8; `count` is a multiple of 8. Sums without error
     * (Knuth's addition): sum + low of a lane is its sum in about 106 bits. A NaN, or infinities of
     * both signs, make the lane's sum NaN; its min and max then say nothing. */
    void (*stats)(const bits64 *values, uint32_t count, struct stats *stats);
};

/* The best that this CPU can run; found once. */
const struct kernels *kernels_best(void);
/* Version `index`, 0 the portable one; NULL when there are no more that this CPU can run. */
const struct kernels *kernels_at(uint32_t index);

#endif
