/* Every version of the decoders' loops gives the bits of the portable one, and that is right. */
#include <math.h>
#include <stdlib.h>

#include "core/mem.h"
#include "core/random.h"
#include "historian/kernels.h"
#include "support_history.h"

enum { MANY = 4096 };

static void fill_random(struct random *random, bits64 *values, uint32_t count, uint32_t width) {
    uint64_t mask = width == 64 ? UINT64_MAX : (1ULL << width) - 1;
    for (uint32_t i = 0; i < count; i++) {
        values[i] = random_u64(random) & mask;
    }
}

/* Packs as docs/FORMATS.md says, bit by bit. */
static void pack(const bits64 *values, uint32_t count, uint32_t width, uint8_t *to) {
    for (uint64_t bit = 0; bit < (uint64_t)count * width; bit++) {
        uint64_t set = values[bit / width] >> (bit % width) & 1;
        to[bit / 8] |= (uint8_t)(set << (bit % 8));
    }
}

static void unpacking_gives_what_was_packed(void **state) {
    (void)state;
    static const uint32_t counts[] = {0, 1, 2, 7, 8, 9, 15, 16, 31, 33, 64, 100, 257, 1000};
    struct random random;
    random_seed(&random, 11);
    bits64 values[1000];
    bits64 back[1000];
    for (uint32_t width = 0; width <= 64; width++) {
        for (size_t c = 0; c < sizeof counts / sizeof counts[0]; c++) {
            uint32_t count = counts[c];
            size_t size = ((size_t)width * count + 7) / 8;
            fill_random(&random, values, count, width);
            uint8_t *bytes = calloc(1, size + 1); // Exactly so many, for the address sanitizer.
            uint8_t *packed = bytes != NULL ? realloc(bytes, size > 0 ? size : 1) : NULL;
            assert_non_null(packed);
            pack(values, count, width, packed);
            const struct kernels *kernels = NULL;
            for (uint32_t i = 0; (kernels = kernels_at(i)) != NULL; i++) {
                memset(back, 0xAA, sizeof back);
                kernels->unpack(packed, size, width, back, count);
                assert_memory_equal(values, back, count * sizeof *values);
            }
            free(packed);
        }
    }
}

static void sums_are_equal(void **state) {
    (void)state;
    struct random random;
    random_seed(&random, 12);
    AUTO_FREE bits64 *values = mem_zero(MANY, sizeof *values);
    AUTO_FREE bits64 *expected = mem_zero(MANY, sizeof *expected);
    AUTO_FREE bits64 *back = mem_zero(MANY, sizeof *back);
    for (uint32_t count = 0; count < MANY; count = count < 40 ? count + 1 : count * 3) {
        fill_random(&random, values, count, 64);
        memcpy(expected, values, count * sizeof *values);
        uint64_t base = count % 2 == 0 ? 0 : random_u64(&random);
        for (uint32_t i = 1; i < count; i++) {
            expected[i] += expected[i - 1] + base;
        }
        const struct kernels *kernels = NULL;
        for (uint32_t i = 0; (kernels = kernels_at(i)) != NULL; i++) {
            memcpy(back, values, count * sizeof *values);
            kernels->sum(back, count, base);
            assert_memory_equal(expected, back, count * sizeof *values);
            for (uint32_t j = 0; j < count; j++) {
                back[j] = j == 0 ? values[j] : zigzag_of((int64_t)(values[j] + base));
            }
            kernels->sum_zigzag(back, count);
            assert_memory_equal(expected, back, count * sizeof *values);
        }
    }
}

/* Integers near every power of two and of ten, where quotients lie near the middle of two doubles
 * or of two binades, and random ones. */
static uint64_t hard_integer(struct random *random) {
    uint64_t shape = random_below(random, 4);
    uint64_t n = random_u64(random) >> (13 + random_below(random, 51));
    if (shape == 0) {
        n = (1ULL << random_below(random, 51)) + random_below(random, 5) - 2;
    } else if (shape == 1) {
        uint64_t power = 1;
        for (uint64_t i = random_below(random, 16); i > 0; i--) {
            power *= 10;
        }
        n = power * (1 + random_below(random, 2)) + random_below(random, 7) - 3;
    }
    n &= (1ULL << 51) - 1;
    return random_below(random, 2) == 0 ? n : 0 - n;
}

static void division_is_correctly_rounded(void **state) {
    (void)state;
    struct random random;
    random_seed(&random, 13);
    AUTO_FREE bits64 *values = mem_zero(MANY, sizeof *values);
    AUTO_FREE bits64 *back = mem_zero(MANY, sizeof *back);
    double power = 1;
    for (int exponent = 0; exponent <= 22; exponent++, power *= 10) {
        for (int round = 0; round < 8; round++) {
            for (uint32_t i = 0; i < MANY; i++) {
                values[i] = i == 0 ? 0 : hard_integer(&random);
            }
            const struct kernels *kernels = NULL;
            for (uint32_t k = 0; (kernels = kernels_at(k)) != NULL; k++) {
                memcpy(back, values, MANY * sizeof *values);
                kernels->divide(back, MANY - 3, power);
                for (uint32_t i = 0; i < MANY - 3; i++) {
                    uint64_t expected = bits_of_f64((double)(int64_t)values[i] / power);
                    assert_int_equal(back[i], expected);
                }
            }
        }
    }
}

static void statistics_do_not_depend_on_the_version(void **state) {
    (void)state;
    struct random random;
    random_seed(&random, 14);
    AUTO_FREE bits64 *values = mem_zero(MANY, sizeof *values);
    for (int round = 0; round < 200; round++) {
        uint32_t count = 1 + (uint32_t)random_below(&random, MANY);
        for (uint32_t i = 0; i < count; i++) {
            double value = ldexp((double)(int64_t)random_u64(&random), -63 + round % 90 - 45);
            values[i] = bits_of_f64(round % 5 == 4 && i % 7 == 0 ? (double)INFINITY : value);
        }
        struct stats expected = {0};
        const struct kernels *kernels = NULL;
        for (uint32_t k = 0; (kernels = kernels_at(k)) != NULL; k++) {
            struct stats stats;
            kernels->stats(values, count, &stats);
            expected = k == 0 ? stats : expected;
            assert_memory_equal(&stats.min, &expected.min, sizeof(double));
            assert_memory_equal(&stats.max, &expected.max, sizeof(double));
            assert_true(isnan(stats.sum) == isnan(expected.sum));
            assert_true(isnan(stats.sum) || stats.sum == expected.sum);
            assert_true(isnan(stats.low) == isnan(expected.low));
            assert_true(isnan(stats.low) || stats.low == expected.low);
        }
        long double sum = 0;
        long double size = 0; // What rounding of long doubles can cost here.
        double min = f64_of_bits(values[0]);
        double max = min;
        for (uint32_t i = 0; i < count; i++) {
            double value = f64_of_bits(values[i]);
            sum += (long double)value;
            size += fabsl((long double)value);
            min = value < min ? value : min;
            max = value > max ? value : max;
        }
        assert_true(expected.min == min && expected.max == max);
        long double got = (long double)expected.sum + (long double)expected.low;
        assert_true(isinf(max) || fabsl(got - sum) <= size * 1e-15L);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(unpacking_gives_what_was_packed),
        cmocka_unit_test(sums_are_equal),
        cmocka_unit_test(division_is_correctly_rounded),
        cmocka_unit_test(statistics_do_not_depend_on_the_version),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
