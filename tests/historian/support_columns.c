/*
 * Columns as machines make them, and as no machine would: constants, steps, noise of every width,
 * decimals, floats, the special values of IEEE 754. Each shape exercises another branch of the
 * encoders; which one takes which form is the encoders' own affair.
 */
#include "support_columns.h"

#include <math.h>

void columns_fill(struct random *random, int shape, bits64 *values, uint32_t count) {
    uint64_t level = random_u64(random) >> random_below(random, 64);
    for (uint32_t i = 0; i < count; i++) {
        uint64_t noise = random_u64(random);
        switch (shape) {
        case 0: values[i] = level; break;
        case 1: values[i] = level + i * 1000000000ULL; break;
        case 2: values[i] = noise; break;
        case 3: values[i] = level + noise % 7; break;
        case 4: values[i] = i % 100 == 0 ? noise : level; break;
        case 5: values[i] = level + i * 1000000ULL * (noise % 3); break;
        case 6: values[i] = noise % 40 == 0 ? ++level : level; break;
        case 7: values[i] = bits_of_f64((double)(int64_t)(noise % 20001) / 100 - 100); break;
        case 8: values[i] = bits_of_f64((double)(float)((double)noise * 0x1p-64)); break;
        case 9: values[i] = bits_of_f64((double)noise * 0x1p-64); break;
        case 10:
            values[i] = i % 50 == 0 ? bits_of_f64((double)NAN) ^ (noise & 0xFFFF)
                                    : bits_of_f64((double)(noise % 100) / 10);
            break;
        case 11: values[i] = bits_of_f64(i % 9 == 0 ? -0.0 : 0.0); break;
        case 12: values[i] = bits_of_f64(i % 3 == 0 ? (double)INFINITY : -(double)INFINITY); break;
        case 13: values[i] = bits_of_f64((double)(1000 * ((i * 37) % 23) + noise % 3) / 100); break;
        case 14: values[i] = i % 2 == 0 ? 0 : UINT64_MAX; break;
        case 15: values[i] = 1ULL << 63 | noise >> 40; break;
        case 16: values[i] = (uint64_t)(INT64_MIN + (int64_t)(noise % 3)); break;
        case 17: values[i] = noise & 1; break;
        case 18: values[i] = bits_of_f64(0x1p-1074 * (double)(noise % 5)); break;
        case 19:
            values[i] = bits_of_f64((double)(noise % 999) / (noise % 2 == 0 ? 1e9 : 1e3));
            break;
        case 20:
            values[i] =
                bits_of_f64((double)(int64_t)(noise % 1999 - 999) * (i % 97 == 0 ? 0.1 : 1e-5));
            break;
        default: values[i] = bits_of_f64((double)(noise % 1000000) * 1e12); break;
        }
    }
}
