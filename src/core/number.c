/*
 * Numbers in text: reading and writing, exact and independent of the locale.
 *
 * Reading a double. The text is split into at most 19 significant digits w and a decimal exponent,
 * so that the value is w * 10^e. Three ways follow, each exact or correctly rounded:
 *   1. w <= 2^53 and |e| <= 22: both are doubles, one IEEE operation rounds once (Clinger 1990).
 *   2. |e| <= 27: 5^|e| fits 63 bits, so the product or quotient is formed in 128-bit integers and
 *      rounded to 53 bits with a sticky bit. This takes the 17-digit values other programs print.
 *   3. The rest (more digits, far exponents) goes to strtod_l in the "C" locale. Its input is built
 *      anew from digits and exponent: no more than 768 digits can matter for a double, since a
 *      midpoint between two doubles has at most 767; dropped non-zero digits leave a final 1.
 * A finite text that would become infinite is refused: data must not turn into inf unseen.
 *
 * Writing a double. For 1e-4 <= |v| < 1e15 the fraction is a fixed-point number of up to 124 bits;
 * digits come out by multiplying by ten until what is left is within half a gap to the neighbour
 * doubles (Steele and White 1990), which is the shortest text and needs no tables. Other magnitudes
 * try %.15g, %.16g and %.17g and read back. Costs on a 2020s core: reading 15-50 ns, writing 20-90
 * ns, the slow ways about 300 ns and 1 us.
 */
#include "core/text.h"

#include <float.h>
#include <locale.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/check.h"

__extension__ typedef unsigned __int128 wide;

enum {
    DIGITS_FAST = 19,      // Always fit in 64 bits.
    DIGITS_SLOW = 770,     // More cannot change a double, except as "something non-zero follows".
    POWER_EXACT_F64 = 22,  // 10^22 is the last power of ten that is a double.
    POWER_FIVE_MAX = 27,   // 5^27 < 2^63.
    EXPONENT_CLAMP = 99999 // Beyond any double with DIGITS_SLOW digits.
};

static const double POWERS_OF_TEN[POWER_EXACT_F64 + 1] = {1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7,
    1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};

static bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

bool str_to_u64(struct str s, uint64_t *ret_value) {
    uint64_t value = 0;
    if (s.size == 0) {
        return false;
    }
    for (size_t i = 0; i < s.size; i++) {
        if (!is_digit(s.data[i])) {
            return false;
        }
        uint64_t digit = (uint64_t)(s.data[i] - '0');
        // Nineteen digits cannot overflow, so the checks are paid by long texts only.
        if (i >= DIGITS_FAST && (__builtin_mul_overflow(value, 10, &value) ||
                                    __builtin_add_overflow(value, digit, &value))) {
            return false;
        }
        if (i < DIGITS_FAST) {
            value = value * 10 + digit;
        }
    }
    *ret_value = value;
    return true;
}

bool str_to_i64(struct str s, int64_t *ret_value) {
    bool negative = s.size > 0 && s.data[0] == '-';
    uint64_t magnitude = 0;
    if (!str_to_u64(negative ? str_slice(s, 1, s.size) : s, &magnitude)) {
        return false;
    }
    uint64_t limit = (uint64_t)INT64_MAX + (negative ? 1 : 0);
    if (magnitude > limit) {
        return false;
    }
    *ret_value = negative ? (int64_t)(0 - magnitude) : (int64_t)magnitude;
    return true;
}

/* What a decimal text says: value = digits * 10^exponent, when nothing was dropped. */
struct decimal {
    uint64_t digits;
    int64_t exponent;
    size_t first; // Index of the first significant digit.
    size_t end;   // End of the digits and the point.
    size_t count; // Significant digits seen, leading zeros not counted.
    bool negative;
};

/* Digits with an optional point; at least one digit. Moves *at past them. */
static bool decimal_scan_digits(struct str s, size_t *at, struct decimal *d) {
    bool any = false;
    bool point = false;
    size_t i = *at;
    for (; i < s.size; i++) {
        char c = s.data[i];
        if (is_digit(c)) {
            any = true;
            if (d->count > 0 || c != '0') {
                if (d->count == 0) {
                    d->first = i;
                }
                if (d->count < DIGITS_FAST) {
                    d->digits = d->digits * 10 + (uint64_t)(c - '0');
                } else {
                    d->exponent++;
                }
                d->count++;
            }
            d->exponent -= point;
        } else if (c == '.' && !point) {
            point = true;
        } else {
            break;
        }
    }
    d->end = i;
    *at = i;
    return any;
}

/* The part after 'e', clamped: a longer exponent means zero or infinity either way. */
static bool decimal_scan_exponent(struct str s, size_t at, struct decimal *d) {
    bool negative = at < s.size && s.data[at] == '-';
    if (at < s.size && (s.data[at] == '-' || s.data[at] == '+')) {
        at++;
    }
    if (at == s.size) {
        return false;
    }
    int64_t value = 0;
    for (; at < s.size; at++) {
        if (!is_digit(s.data[at])) {
            return false;
        }
        if (value < INT64_MAX / 100) {
            value = value * 10 + (s.data[at] - '0');
        }
    }
    d->exponent += negative ? -value : value;
    return true;
}

static bool decimal_scan(struct str s, struct decimal *d) {
    size_t at = 0;
    *d = (struct decimal){0};
    if (s.size > 0 && (s.data[0] == '-' || s.data[0] == '+')) {
        d->negative = s.data[0] == '-';
        at = 1;
    }
    if (!decimal_scan_digits(s, &at, d)) {
        return false;
    }
    if (at == s.size) {
        return true;
    }
    return (s.data[at] == 'e' || s.data[at] == 'E') && decimal_scan_exponent(s, at + 1, d);
}

static uint64_t power_of_five(int64_t exponent) {
    uint64_t power = 1;
    for (int64_t i = 0; i < exponent; i++) {
        power *= 5;
    }
    return power;
}

static int wide_bits(wide value) {
    uint64_t high = (uint64_t)(value >> 64);
    uint64_t low = (uint64_t)value;
    return high != 0 ? 128 - __builtin_clzll(high) : low != 0 ? 64 - __builtin_clzll(low) : 0;
}

/* value * 2^exponent rounded to the nearest double, ties to even; `sticky`: a bit more than value.
 * Only for values above 53 bits (way 1 took the others) and results in the normal range. */
static double wide_round(wide value, bool sticky, int exponent) {
    int drop = wide_bits(value) - 53;
    DCHECK(drop > 0);
    wide half = (wide)1 << (drop - 1);
    wide rest = value & ((half << 1) - 1);
    uint64_t kept = (uint64_t)(value >> drop);
    if (rest > half || (rest == half && (sticky || (kept & 1) != 0))) {
        kept++;
    }
    return ldexp((double)kept, exponent + drop);
}

/* Way 2: w * 10^e = w * 5^e * 2^e in integers. */
static double decimal_by_integers(uint64_t w, int64_t e) {
    if (e >= 0) {
        return wide_round((wide)w * power_of_five(e), false, (int)e);
    }
    // The numerator is shifted to 127 or 128 bits, so the quotient has at least 64.
    int shift = __builtin_clzll(w) + 64;
    wide numerator = (wide)w << shift;
    uint64_t divisor = power_of_five(-e);
    wide quotient = numerator / divisor;
    return wide_round(quotient, quotient * divisor != numerator, (int)e - shift);
}

static pthread_once_t c_locale_once = PTHREAD_ONCE_INIT;
static locale_t c_locale;

static void c_locale_make(void) {
    // Made once and kept for ever; never changed afterwards, so it is as good as a constant.
    c_locale = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    CHECK(c_locale != (locale_t)0);
}

/* Way 3. `d->end` bounds the digits; a point among them is skipped. */
static double decimal_by_library(struct str s, const struct decimal *d) {
    char text[DIGITS_SLOW + 32];
    size_t used = 0;
    bool dropped = false;
    for (size_t i = d->first; i < d->end; i++) {
        if (s.data[i] == '.') {
            continue;
        }
        if (used < DIGITS_SLOW) {
            text[used++] = s.data[i];
        } else {
            dropped = dropped || s.data[i] != '0';
        }
    }
    // d->exponent counts from the 19th digit on; move it to the last digit that is kept.
    int64_t exponent = d->exponent;
    if (d->count > DIGITS_FAST) {
        exponent -= (int64_t)used - DIGITS_FAST;
    }
    if (dropped) {
        text[used++] = '1';
        exponent--;
    }
    exponent = exponent < -EXPONENT_CLAMP  ? -EXPONENT_CLAMP
               : exponent > EXPONENT_CLAMP ? EXPONENT_CLAMP
                                           : exponent;
    text[used++] = 'e';
    (void)i64_to_text(exponent, text + used);
    CHECK(pthread_once(&c_locale_once, c_locale_make) == 0);
    return strtod_l(text, NULL, c_locale);
}

static bool f64_from_word(struct str s, double *ret_value) {
    if (str_eq(s, STR("nan"))) {
        *ret_value = (double)NAN;
    } else if (str_eq(s, STR("inf"))) {
        *ret_value = (double)INFINITY;
    } else if (str_eq(s, STR("-inf"))) {
        *ret_value = -(double)INFINITY;
    } else {
        return false;
    }
    return true;
}

bool str_to_f64(struct str s, double *ret_value) {
    struct decimal d;
    if (!decimal_scan(s, &d)) {
        return f64_from_word(s, ret_value);
    }
    double value = 0;
    bool whole = d.count <= DIGITS_FAST;
    if (d.count == 0) {
        value = 0;
    } else if (whole && d.digits <= (1ULL << 53) && d.exponent >= -POWER_EXACT_F64 &&
               d.exponent <= POWER_EXACT_F64) {
        value = (double)d.digits;
        value =
            d.exponent < 0 ? value / POWERS_OF_TEN[-d.exponent] : value * POWERS_OF_TEN[d.exponent];
    } else if (whole && d.exponent >= -POWER_FIVE_MAX && d.exponent <= POWER_FIVE_MAX) {
        value = decimal_by_integers(d.digits, d.exponent);
    } else {
        value = decimal_by_library(s, &d);
        if (isinf(value)) {
            return false;
        }
    }
    *ret_value = d.negative ? -value : value;
    return true;
}

static size_t u64_to_digits(uint64_t value, char *to) {
    char reversed[20];
    size_t count = 0;
    do {
        reversed[count++] = (char)('0' + value % 10);
        value /= 10;
    } while (value != 0);
    for (size_t i = 0; i < count; i++) {
        to[i] = reversed[count - 1 - i];
    }
    return count;
}

size_t i64_to_text(int64_t value, char *to) {
    size_t used = 0;
    uint64_t magnitude = (uint64_t)value;
    if (value < 0) {
        to[used++] = '-';
        magnitude = 0 - magnitude;
    }
    used += u64_to_digits(magnitude, to + used);
    to[used] = '\0';
    return used;
}

/* The digits of a fraction below one, `bits` fixed-point bits wide, cut as soon as the text lies
 * within the gap to both neighbours. The gaps are (low, high) in the same fixed point; texts on
 * the very border read back only when the double is even (ties to even). */
static size_t fraction_to_digits(wide fraction, int bits, unsigned low_gap, bool even, char *to) {
    const wide one = (wide)1 << bits;
    wide low = low_gap;
    wide high = 2;
    size_t used = 0;
    for (;;) {
        fraction *= 10;
        low *= 10;
        high *= 10;
        unsigned digit = (unsigned)(fraction >> bits);
        fraction &= one - 1;
        bool down = even ? fraction <= low : fraction < low;
        bool up = even ? fraction + high >= one : fraction + high > one;
        if (!down && !up) {
            to[used++] = (char)('0' + digit);
            continue;
        }
        bool nearer_up = fraction * 2 > one || (fraction * 2 == one && (digit & 1) != 0);
        if (up && (!down || nearer_up)) {
            digit++;
        }
        DCHECK(digit <= 9);
        to[used++] = (char)('0' + digit);
        return used;
    }
}

/* 1e-4 <= value < 1e15. The double is m * 2^e; two more bits hold half and quarter gaps. */
static size_t f64_to_text_fixed(double value, char *to) {
    uint64_t raw = 0;
    memcpy(&raw, &value, sizeof raw);
    uint64_t m = (raw & ((1ULL << 52) - 1)) | (1ULL << 52);
    int bits = 1075 - (int)(raw >> 52) + 2; // Fraction bits of m * 4; from 4 to 68.
    wide scaled = (wide)m << 2;
    uint64_t integer = (uint64_t)(scaled >> bits);
    wide fraction = scaled & (((wide)1 << bits) - 1);
    size_t used = u64_to_digits(integer, to);
    if (fraction != 0) {
        to[used++] = '.';
        unsigned low_gap = m == 1ULL << 52 ? 1 : 2; // Below a power of two doubles are closer.
        used += fraction_to_digits(fraction, bits, low_gap, (m & 1) == 0, to + used);
    }
    to[used] = '\0';
    return used;
}

static size_t f64_to_text_far(double value, char *to) {
    enum { TEXT_BYTES = 32 };
    int used = 0;
    // Any 15 digits survive the way through a normal double, so fewer need no try of their own:
    // %g drops the zeros. Subnormal doubles hold less.
    int first = value < DBL_MIN ? 1 : 15;
    for (int digits = first; digits <= 17; digits++) {
        double back = 0;
        used = snprintf(to, TEXT_BYTES, "%.*g", digits, value);
        CHECK(used > 0 && used < TEXT_BYTES);
        if (str_to_f64((struct str){to, (size_t)used}, &back) && back == value) {
            break;
        }
    }
    return (size_t)used;
}

size_t f64_to_text(double value, char *to) {
    if (isnan(value)) {
        memcpy(to, "nan", 4);
        return 3;
    }
    size_t used = 0;
    if (signbit(value)) {
        to[used++] = '-';
        value = -value;
    }
    if (isinf(value)) {
        memcpy(to + used, "inf", 4);
        return used + 3;
    }
    if (value < 1e15 && value == (double)(uint64_t)value) {
        used += u64_to_digits((uint64_t)value, to + used);
        to[used] = '\0';
        return used;
    }
    bool near = value >= 1e-4 && value < 1e15;
    return used + (near ? f64_to_text_fixed(value, to + used) : f64_to_text_far(value, to + used));
}
