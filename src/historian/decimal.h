#ifndef HISTORIAN_DECIMAL_H
#define HISTORIAN_DECIMAL_H
/*
 * Doubles that are short decimals, proven bit for bit: 21.4 is 214 over 10. The multiplication,
 * rounding and division are done with the trick of adding 1.5 * 2^52, which leaves the integer in
 * the low bits of the sum: it is exact below 2^51 and compiles to plain vector code, which
 * conversions between double and int64 do not before AVX-512. (The idea of proving decimals is that
 * of ALP, Afroozeh et al., SIGMOD 2023.) Pure; any thread.
 */
#include <math.h>
#include <stdbool.h>

#include "historian/bits.h"

enum {
    DECIMAL_EXPONENT_MAX = 22
}; // 10^22 is the largest power of ten that a double holds exactly.

#define DECIMAL_ROUNDER 0x1.8p52
#define DECIMAL_MAX     0x1p51

static const double decimal_powers[DECIMAL_EXPONENT_MAX + 1] = {1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6,
    1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};

/* The integer n with n / power == value, bit for bit; false when there is none. */
static inline bool decimal_of(uint64_t bits, double power, int64_t *ret_integer) {
    double scaled = f64_of_bits(bits) * power;
    double sum = scaled + DECIMAL_ROUNDER;
    *ret_integer = (int64_t)(bits_of_f64(sum) - bits_of_f64(DECIMAL_ROUNDER));
    double back = (sum - DECIMAL_ROUNDER) / power;
    return fabs(scaled) < DECIMAL_MAX && bits_of_f64(back) == bits;
}

#endif
