/*
 * The decoders' inner loops.
 *
 * Unpacking. Eight values of `width` bits take `width` bytes, so where a value begins within its
 * group of eight is the same in every group: one shuffle brings the bytes of each value into its
 * lane, a shift and a mask finish it. AVX-512 VBMI shuffles all eight at once, up to 57 bits; AVX2
 * four at a time from 16 bytes, up to 30 bits. The rest, and what is so near to the end that a
 * whole load would pass it, is read one by one.
 *
 * Division. An exact quotient costs two cycles a value in the divider. With fused multiply-add it
 * costs half of one: q = n y with y = 1 / p rounded, then twice q += (n - q p) y. After the first
 * step q is within one unit in the last place; then the second gives the correctly rounded quotient
 * (Markstein, "Computation of elementary functions on the IBM RISC System/6000", IBM Journal of
 * Research and Development 34, 1990, theorem 8.2; no quotient here is subnormal).
 *
 * Sums. Eight lanes in every version, so that a sum does not depend on the CPU.
 */
#include "historian/kernels.h"

#if defined(__x86_64__) && !defined(MARU_PORTABLE)
#include <immintrin.h>
#endif
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>

#define ROUNDER 0x1.8p52 // Leaves an integer below 2^51 in the low bits of a sum.

/* ---- Portable ---- */

/* Loads 8 bytes of which only `left` exist. */
static uint64_t load_short(const uint8_t *from, size_t left) {
    uint8_t bytes[8] = {0};
    memcpy(bytes, from, left < 8 ? left : 8);
    return load_u64(bytes);
}

static uint64_t width_mask(uint32_t width) {
    return width == 64 ? UINT64_MAX : (1ULL << width) - 1;
}

/* Values from number `i` on. */
static void unpack_from(
    const uint8_t *from, size_t size, uint32_t width, bits64 *values, uint32_t i, uint32_t count) {
    uint64_t mask = width_mask(width);
    if (width <= 56) {
        /* The last values are read byte by byte, since 8 bytes may reach beyond the end. */
        uint64_t safe = size >= 8 && width > 0 ? ((uint64_t)(size - 8) * 8 + 7) / width : 0;
        uint32_t fast = safe < count ? (uint32_t)safe : count;
        for (uint64_t bit = (uint64_t)i * width; i < fast; i++, bit += width) {
            values[i] = (load_u64(from + (bit >> 3)) >> (bit & 7)) & mask;
        }
    }
    for (; i < count; i++) {
        uint64_t bit = (uint64_t)i * width;
        size_t byte = bit >> 3;
        uint32_t shift = bit & 7;
        uint64_t value = load_short(from + byte, size - byte) >> shift;
        if (shift > 0 && shift + width > 64) {
            value |= (uint64_t)from[byte + 8] << (64 - shift);
        }
        values[i] = value & mask;
    }
}

static void unpack_portable(
    const uint8_t *from, size_t size, uint32_t width, bits64 *values, uint32_t count) {
    if (width == 0) {
        memset(values, 0, count * sizeof *values);
    } else {
        unpack_from(from, size, width, values, 0, count);
    }
}

static void sum_portable(bits64 *values, uint32_t count, uint64_t base) {
    uint64_t sum = count > 0 ? values[0] : 0;
    for (uint32_t i = 1; i < count; i++) {
        sum += values[i] + base;
        values[i] = sum;
    }
}

static void sum_zigzag_portable(bits64 *values, uint32_t count) {
    uint64_t sum = count > 0 ? values[0] : 0;
    for (uint32_t i = 1; i < count; i++) {
        sum += (uint64_t)zigzag_back(values[i]);
        values[i] = sum;
    }
}

static double integer_of(uint64_t bits) {
    return f64_of_bits(bits + bits_of_f64(ROUNDER)) - ROUNDER;
}

static void divide_portable(bits64 *values, uint32_t count, double power) {
    for (uint32_t i = 0; i < count; i++) {
        values[i] = bits_of_f64(integer_of(values[i]) / power);
    }
}

enum { LANES = 8 };

struct lanes {
    double sum[LANES];
    double low[LANES];
    double min[LANES];
    double max[LANES];
};

static void lanes_init(struct lanes *lanes, double first) {
    for (uint32_t i = 0; i < LANES; i++) {
        lanes->sum[i] = 0;
        lanes->low[i] = 0;
        lanes->min[i] = first;
        lanes->max[i] = first;
    }
}

/* Adds `value` to lane `i`, and `low`, which was rounded off it before. */
static inline void lanes_sum(struct lanes *lanes, uint32_t i, double value, double low) {
    double sum = lanes->sum[i];
    double total = sum + value;
    double part = total - sum;
    lanes->low[i] += (sum - (total - part)) + (value - part);
    lanes->low[i] += low;
    lanes->sum[i] = total;
}

static inline void lanes_add(struct lanes *lanes, uint32_t i, double value) {
    lanes_sum(lanes, i, value, 0);
    lanes->min[i] = value < lanes->min[i] ? value : lanes->min[i];
    lanes->max[i] = value > lanes->max[i] ? value : lanes->max[i];
}

/* Values from number `i` on; then all lanes as one. */
static void stats_from(const bits64 *values, uint32_t i, uint32_t count, struct lanes *lanes,
    struct stats *ret_stats) {
    for (; i < count; i++) {
        lanes_add(lanes, i % LANES, f64_of_bits(values[i]));
    }
    for (uint32_t width = LANES / 2; width > 0; width /= 2) {
        for (uint32_t at = 0; at < width; at++) {
            lanes_sum(lanes, at, lanes->sum[at + width], lanes->low[at + width]);
            double min = lanes->min[at + width];
            double max = lanes->max[at + width];
            lanes->min[at] = min < lanes->min[at] ? min : lanes->min[at];
            lanes->max[at] = max > lanes->max[at] ? max : lanes->max[at];
        }
    }
    *ret_stats = (struct stats){
        .sum = lanes->sum[0], .low = lanes->low[0], .min = lanes->min[0], .max = lanes->max[0]};
}

static void stats_portable(const bits64 *values, uint32_t count, struct stats *ret_stats) {
    struct lanes lanes;
    lanes_init(&lanes, f64_of_bits(values[0]));
    stats_from(values, 0, count, &lanes, ret_stats);
}

static const struct kernels portable = {.name = "portable",
    .unpack = unpack_portable,
    .sum = sum_portable,
    .sum_zigzag = sum_zigzag_portable,
    .divide = divide_portable,
    .stats = stats_portable};

#if defined(__x86_64__) && !defined(MARU_PORTABLE)
/* ---- AVX2 ---- */

enum { AVX2_WIDTH_MAX = 30 };

/* How the four values of half a group are brought into their lanes. */
struct half {
    size_t byte;     // Of its 16 bytes within the group.
    __m256i shuffle; // Of the same 16 bytes in both halves of the register.
    __m256i shift;
};

__attribute__((target("avx2,fma"))) static void half_of(
    uint32_t width, uint32_t first, struct half *ret_half) {
    uint8_t shuffle[32];
    uint64_t shift[4];
    size_t base = (size_t)first * width >> 3;
    for (uint32_t i = 0; i < 4; i++) {
        uint32_t bit = (first + i) * width;
        shift[i] = bit & 7;
        for (uint32_t j = 0; j < 8; j++) {
            size_t byte = (bit >> 3) - base + j;
            shuffle[i * 8 + j] = (uint8_t)(byte < 16 ? byte : 0x80); // Not needed: zero.
        }
    }
    *ret_half = (struct half){.byte = base,
        .shuffle = _mm256_loadu_si256((const __m256i *)(const void *)shuffle),
        .shift = _mm256_loadu_si256((const __m256i *)(const void *)shift)};
}

__attribute__((target("avx2,fma"))) static inline void half_put(
    const uint8_t *from, const struct half *half, __m256i mask, bits64 *to) {
    __m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)(from + half->byte));
    __m256i lanes = _mm256_shuffle_epi8(_mm256_broadcastsi128_si256(bytes), half->shuffle);
    lanes = _mm256_and_si256(_mm256_srlv_epi64(lanes, half->shift), mask);
    _mm256_storeu_si256((__m256i *)(void *)to, lanes);
}

__attribute__((target("avx2,fma"))) static void unpack_avx2(
    const uint8_t *from, size_t size, uint32_t width, bits64 *values, uint32_t count) {
    if (width == 0 || width > AVX2_WIDTH_MAX) {
        unpack_portable(from, size, width, values, count);
        return;
    }
    struct half low;
    struct half high;
    half_of(width, 0, &low);
    half_of(width, 4, &high);
    __m256i mask = _mm256_set1_epi64x((int64_t)width_mask(width));
    uint32_t i = 0;
    size_t at = 0;
    for (; i + 8 <= count && at + high.byte + 16 <= size; i += 8, at += width) {
        half_put(from + at, &low, mask, values + i);
        half_put(from + at, &high, mask, values + i + 4);
    }
    unpack_from(from, size, width, values, i, count);
}

__attribute__((target("avx2,fma"))) static void divide_avx2(
    bits64 *values, uint32_t count, double power) {
    __m256d rounder = _mm256_set1_pd(ROUNDER);
    __m256d divisor = _mm256_set1_pd(power);
    __m256d inverse = _mm256_set1_pd(1 / power);
    uint32_t i = 0;
    for (; i + 4 <= count; i += 4) {
        __m256i *at = (__m256i *)(void *)(values + i);
        __m256i bits = _mm256_add_epi64(_mm256_loadu_si256(at), _mm256_castpd_si256(rounder));
        __m256d n = _mm256_sub_pd(_mm256_castsi256_pd(bits), rounder);
        __m256d q = _mm256_mul_pd(n, inverse);
        q = _mm256_fmadd_pd(_mm256_fnmadd_pd(q, divisor, n), inverse, q);
        q = _mm256_fmadd_pd(_mm256_fnmadd_pd(q, divisor, n), inverse, q);
        _mm256_storeu_si256(at, _mm256_castpd_si256(q));
    }
    divide_portable(values + i, count - i, power);
}

/* Lanes [first, first + 4) of whole groups of eight. */
__attribute__((target("avx2,fma"))) static void stats_avx2_half(
    const bits64 *values, uint32_t count, struct lanes *lanes, uint32_t first) {
    __m256d sum = _mm256_loadu_pd(lanes->sum + first);
    __m256d low = _mm256_loadu_pd(lanes->low + first);
    __m256d min = _mm256_loadu_pd(lanes->min + first);
    __m256d max = _mm256_loadu_pd(lanes->max + first);
    for (uint32_t i = first; i < count; i += LANES) {
        __m256d value = _mm256_castsi256_pd(_mm256_loadu_si256((const __m256i *)(values + i)));
        __m256d total = _mm256_add_pd(sum, value);
        __m256d part = _mm256_sub_pd(total, sum);
        __m256d rest = _mm256_sub_pd(sum, _mm256_sub_pd(total, part));
        low = _mm256_add_pd(low, _mm256_add_pd(rest, _mm256_sub_pd(value, part)));
        sum = total;
        min = _mm256_min_pd(value, min);
        max = _mm256_max_pd(value, max);
    }
    _mm256_storeu_pd(lanes->sum + first, sum);
    _mm256_storeu_pd(lanes->low + first, low);
    _mm256_storeu_pd(lanes->min + first, min);
    _mm256_storeu_pd(lanes->max + first, max);
}

__attribute__((target("avx2,fma"))) static void stats_avx2(
    const bits64 *values, uint32_t count, struct stats *ret_stats) {
    uint32_t whole = count / LANES * LANES;
    struct lanes lanes;
    lanes_init(&lanes, f64_of_bits(values[0]));
    stats_avx2_half(values, whole, &lanes, 0);
    stats_avx2_half(values, whole, &lanes, 4);
    stats_from(values, whole, count, &lanes, ret_stats);
}

static const struct kernels avx2 = {.name = "avx2",
    .unpack = unpack_avx2,
    .sum = sum_portable,
    .sum_zigzag = sum_zigzag_portable,
    .divide = divide_avx2,
    .stats = stats_avx2};

/* ---- AVX-512 ---- */

#define TARGET_512 __attribute__((target("avx512f,avx512dq,avx512bw,avx512vl,avx512vbmi")))
enum { AVX512_WIDTH_MAX = 57 };

TARGET_512 static void unpack_avx512(
    const uint8_t *from, size_t size, uint32_t width, bits64 *values, uint32_t count) {
    if (width == 0 || width > AVX512_WIDTH_MAX) {
        unpack_portable(from, size, width, values, count);
        return;
    }
    uint8_t bytes[64];
    uint64_t shifts[8];
    for (uint32_t i = 0; i < 8; i++) {
        shifts[i] = i * width & 7;
        for (uint32_t j = 0; j < 8; j++) {
            bytes[i * 8 + j] = (uint8_t)((i * width >> 3) + j);
        }
    }
    __m512i shuffle = _mm512_loadu_si512(bytes);
    __m512i shift = _mm512_loadu_si512(shifts);
    __m512i mask = _mm512_set1_epi64((int64_t)width_mask(width));
    uint32_t i = 0;
    size_t at = 0;
    for (; i + 8 <= count && at + 64 <= size; i += 8, at += width) {
        __m512i lanes = _mm512_permutexvar_epi8(shuffle, _mm512_loadu_si512(from + at));
        lanes = _mm512_and_si512(_mm512_srlv_epi64(lanes, shift), mask);
        _mm512_storeu_si512(values + i, lanes);
    }
    unpack_from(from, size, width, values, i, count);
}

/* Running sums of eight values, on top of what every lane of *carry has; *carry becomes the last.
 */
TARGET_512 static inline __m512i sum_eight(__m512i values, __m512i *carry) {
    __m512i zero = _mm512_setzero_si512();
    __m512i sum = _mm512_add_epi64(values, _mm512_alignr_epi64(values, zero, 7));
    sum = _mm512_add_epi64(sum, _mm512_alignr_epi64(sum, zero, 6));
    sum = _mm512_add_epi64(sum, _mm512_alignr_epi64(sum, zero, 4));
    sum = _mm512_add_epi64(sum, *carry);
    *carry = _mm512_permutexvar_epi64(_mm512_set1_epi64(7), sum);
    return sum;
}

TARGET_512 static void sum_avx512(bits64 *values, uint32_t count, uint64_t base) {
    if (count == 0) {
        return;
    }
    __m512i more = _mm512_set1_epi64((int64_t)base);
    __m512i carry = _mm512_set1_epi64((int64_t)values[0]);
    uint32_t i = 1;
    for (; i + LANES <= count; i += LANES) {
        __m512i plain = _mm512_add_epi64(_mm512_loadu_si512(values + i), more);
        _mm512_storeu_si512(values + i, sum_eight(plain, &carry));
    }
    for (; i < count; i++) {
        values[i] += values[i - 1] + base;
    }
}

TARGET_512 static void sum_zigzag_avx512(bits64 *values, uint32_t count) {
    if (count == 0) {
        return;
    }
    __m512i zero = _mm512_setzero_si512();
    __m512i one = _mm512_set1_epi64(1);
    __m512i carry = _mm512_set1_epi64((int64_t)values[0]);
    uint32_t i = 1;
    for (; i + LANES <= count; i += LANES) {
        __m512i folded = _mm512_loadu_si512(values + i);
        __m512i sign = _mm512_sub_epi64(zero, _mm512_and_si512(folded, one));
        __m512i plain = _mm512_xor_si512(_mm512_srli_epi64(folded, 1), sign);
        _mm512_storeu_si512(values + i, sum_eight(plain, &carry));
    }
    for (; i < count; i++) {
        values[i] = values[i - 1] + (uint64_t)zigzag_back(values[i]);
    }
}

TARGET_512 static void divide_avx512(bits64 *values, uint32_t count, double power) {
    __m512d rounder = _mm512_set1_pd(ROUNDER);
    __m512d divisor = _mm512_set1_pd(power);
    __m512d inverse = _mm512_set1_pd(1 / power);
    uint32_t i = 0;
    for (; i + 8 <= count; i += 8) {
        __m512i bits =
            _mm512_add_epi64(_mm512_loadu_si512(values + i), _mm512_castpd_si512(rounder));
        __m512d n = _mm512_sub_pd(_mm512_castsi512_pd(bits), rounder);
        __m512d q = _mm512_mul_pd(n, inverse);
        q = _mm512_fmadd_pd(_mm512_fnmadd_pd(q, divisor, n), inverse, q);
        q = _mm512_fmadd_pd(_mm512_fnmadd_pd(q, divisor, n), inverse, q);
        _mm512_storeu_si512(values + i, _mm512_castpd_si512(q));
    }
    divide_portable(values + i, count - i, power);
}

/* The rows whose lanes `take` names are added; the others stay. */
#define STATS_512(value, take)                                                                     \
    do {                                                                                           \
        __m512d total = _mm512_mask_add_pd(sum, take, sum, value);                                 \
        __m512d part = _mm512_sub_pd(total, sum);                                                  \
        __m512d rest = _mm512_sub_pd(sum, _mm512_sub_pd(total, part));                             \
        rest = _mm512_add_pd(rest, _mm512_sub_pd(value, part));                                    \
        low = _mm512_mask_add_pd(low, take, low, rest);                                            \
        sum = total;                                                                               \
        min = _mm512_mask_min_pd(min, take, value, min);                                           \
        max = _mm512_mask_max_pd(max, take, value, max);                                           \
    } while (0)

/* One step of adding up lanes: the upper ones (`_b`) to the lower ones (`_a`). */
#define FOLD(pack, add, sub, sum_a, sum_b, low_a, low_b, ret_sum, ret_low)                         \
    do {                                                                                           \
        pack total = add(sum_a, sum_b);                                                            \
        pack part = sub(total, sum_a);                                                             \
        pack rest = add(sub(sum_a, sub(total, part)), sub(sum_b, part));                           \
        (ret_low) = add(add(low_a, rest), low_b);                                                  \
        (ret_sum) = total;                                                                         \
    } while (0)

TARGET_512 static inline __m128d upper_lane(__m128d pair) {
    return _mm_unpackhi_pd(pair, pair);
}

TARGET_512 static void fold_sums(__m512d sum, __m512d low, struct stats *ret_stats) {
    __m256d sum4;
    __m256d low4;
    FOLD(__m256d, _mm256_add_pd, _mm256_sub_pd, _mm512_castpd512_pd256(sum),
        _mm512_extractf64x4_pd(sum, 1), _mm512_castpd512_pd256(low), _mm512_extractf64x4_pd(low, 1),
        sum4, low4);
    __m128d sum2;
    __m128d low2;
    FOLD(__m128d, _mm_add_pd, _mm_sub_pd, _mm256_castpd256_pd128(sum4),
        _mm256_extractf128_pd(sum4, 1), _mm256_castpd256_pd128(low4),
        _mm256_extractf128_pd(low4, 1), sum2, low2);
    __m128d sum1;
    __m128d low1;
    FOLD(__m128d, _mm_add_pd, _mm_sub_pd, sum2, upper_lane(sum2), low2, upper_lane(low2), sum1,
        low1);
    ret_stats->sum = _mm_cvtsd_f64(sum1);
    ret_stats->low = _mm_cvtsd_f64(low1);
}

TARGET_512 static void stats_avx512(const bits64 *values, uint32_t count, struct stats *ret_stats) {
    __m512d sum = _mm512_setzero_pd();
    __m512d low = _mm512_setzero_pd();
    __m512d min = _mm512_set1_pd(f64_of_bits(values[0]));
    __m512d max = min;
    uint32_t i = 0;
    for (; i + LANES <= count; i += LANES) {
        __m512d value = _mm512_loadu_pd(values + i);
        STATS_512(value, 0xFF);
    }
    if (i < count) {
        __mmask8 take = (__mmask8)((1U << (count - i)) - 1);
        __m512d value = _mm512_maskz_loadu_pd(take, values + i);
        STATS_512(value, take);
    }
    fold_sums(sum, low, ret_stats);
    __m256d min4 = _mm256_min_pd(_mm512_extractf64x4_pd(min, 1), _mm512_castpd512_pd256(min));
    __m256d max4 = _mm256_max_pd(_mm512_extractf64x4_pd(max, 1), _mm512_castpd512_pd256(max));
    __m128d min2 = _mm_min_pd(_mm256_extractf128_pd(min4, 1), _mm256_castpd256_pd128(min4));
    __m128d max2 = _mm_max_pd(_mm256_extractf128_pd(max4, 1), _mm256_castpd256_pd128(max4));
    ret_stats->min = _mm_cvtsd_f64(_mm_min_sd(upper_lane(min2), min2));
    ret_stats->max = _mm_cvtsd_f64(_mm_max_sd(upper_lane(max2), max2));
}

static const struct kernels avx512 = {.name = "avx512",
    .unpack = unpack_avx512,
    .sum = sum_avx512,
    .sum_zigzag = sum_zigzag_avx512,
    .divide = divide_avx512,
    .stats = stats_avx512};
#endif

/* ---- Choosing ---- */

const struct kernels *kernels_at(uint32_t index) {
#if defined(__x86_64__) && !defined(MARU_PORTABLE)
    bool has_avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
    bool has_avx512 = has_avx2 && __builtin_cpu_supports("avx512f") &&
                      __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512bw") &&
                      __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512vbmi");
    if (index == 1 && has_avx2) {
        return &avx2;
    }
    if (index == 2 && has_avx512) {
        return &avx512;
    }
#endif
    return index == 0 ? &portable : NULL;
}

const struct kernels *kernels_best(void) {
    static const struct kernels *_Atomic known;
    const struct kernels *best = atomic_load_explicit(&known, memory_order_acquire);
    for (uint32_t i = 0; best == NULL; i++) {
        if (kernels_at(i + 1) == NULL) {
            best = kernels_at(i);
            atomic_store_explicit(&known, best, memory_order_release);
        }
    }
    return best;
}
