/*
 * Column encodings: every bit comes back, for every shape of column we could think of and random
 * mixtures of them; what is cut short or flipped is refused or decodes to something, never worse.
 */
#include "support_history.h"

#include <string.h>

#include "core/mem.h"
#include "historian/column.h"
#include "support_columns.h"

static void round_trip(struct codec *codec, const bits64 *values, uint32_t count, bool doubles) {
    AUTO_BUF struct buf bytes;
    buf_init(&bytes, 1 << 20);
    if (doubles) {
        column_put_doubles(codec, &bytes, values, count);
    } else {
        column_put_ints(codec, &bytes, values, count);
    }
    assert_false(bytes.overflow);
    AUTO_FREE bits64 *back = mem_zero(count + 1, sizeof *back);
    /* A copy of the exact size: the address sanitizer sees reads behind the end. */
    AUTO_FREE uint8_t *exact = mem_alloc(bytes.size + 1);
    if (bytes.size > 0) {
        memcpy(exact, bytes.data, bytes.size);
    }
    exact = mem_resize(exact, bytes.size > 0 ? bytes.size : 1);
    struct reader from = reader_of(exact, bytes.size);
    bool good = doubles ? column_get_doubles(codec, &from, back, count)
                        : column_get_ints(codec, &from, back, count);
    assert_true(good);
    assert_int_equal(reader_left(&from), 0);
    assert_memory_equal(values, back, count * sizeof *values);
}

static void every_bit_comes_back(void **state) {
    (void)state;
    static const uint32_t counts[] = {0, 1, 2, 3, 7, 63, 64, 65, 511, 512, 1000, 4096, 8192};
    AUTO_FREE bits64 *values = mem_zero(8192, sizeof *values);
    struct codec codec;
    codec_init(&codec);
    struct random random;
    random_seed(&random, 7);
    for (int pass = 0; pass < 2; pass++) {
        codec.draft = pass == 1;
        for (int shape = 0; shape < COLUMN_SHAPES; shape++) {
            for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
                columns_fill(&random, shape, values, counts[i]);
                round_trip(&codec, values, counts[i], false);
                round_trip(&codec, values, counts[i], true);
            }
        }
    }
    codec_fini(&codec);
}

static void mixtures_come_back(void **state) {
    (void)state;
    AUTO_FREE bits64 *values = mem_zero(8192, sizeof *values);
    struct codec codec;
    codec_init(&codec);
    struct random random;
    random_seed(&random, 8);
    for (int round = 0; round < 300; round++) {
        uint32_t count = 0;
        while (count < 3000) {
            uint32_t part = 1 + (uint32_t)random_below(&random, 1500);
            columns_fill(&random, (int)random_below(&random, COLUMN_SHAPES), values + count, part);
            count += part;
        }
        codec.draft = round % 3 == 0;
        round_trip(&codec, values, count, round % 2 == 0);
    }
    codec_fini(&codec);
}

static void damaged_columns_are_survived(void **state) {
    (void)state;
    AUTO_FREE bits64 *values = mem_zero(4096, sizeof *values);
    AUTO_FREE bits64 *back = mem_zero(4096, sizeof *back);
    struct codec codec;
    codec_init(&codec);
    struct random random;
    random_seed(&random, 9);
    for (int round = 0; round < 400; round++) {
        AUTO_BUF struct buf bytes;
        buf_init(&bytes, 1 << 20);
        uint32_t count = 2 + (uint32_t)random_below(&random, 600);
        columns_fill(&random, round % COLUMN_SHAPES, values, count);
        column_put_doubles(&codec, &bytes, values, count);
        for (int flip = 0; flip < 3; flip++) {
            bytes.data[random_below(&random, bytes.size)] ^= (uint8_t)(1U << (flip * 2));
        }
        size_t size = random_below(&random, bytes.size + 1);
        AUTO_FREE uint8_t *exact = mem_alloc(size + 1);
        memcpy(exact, bytes.data, size);
        exact = mem_resize(exact, size > 0 ? size : 1);
        struct reader from = reader_of(exact, size);
        (void)column_get_doubles(&codec, &from, back, count); // Either answer; no crash.
    }
    codec_fini(&codec);
}

static void texts_come_back(void **state) {
    (void)state;
    struct codec codec;
    codec_init(&codec);
    struct random random;
    random_seed(&random, 10);
    AUTO_FREE char *pool = mem_zero(1, 1 << 20);
    for (uint32_t i = 0; i < 1 << 20; i++) {
        pool[i] = (char)random_u64(&random);
    }
    for (int round = 0; round < 50; round++) {
        uint32_t count = (uint32_t)random_below(&random, 2000);
        uint32_t different = 1 + (uint32_t)random_below(&random, round % 2 == 0 ? 5 : 2000);
        AUTO_FREE struct str *texts = mem_zero(count + 1, sizeof *texts);
        AUTO_FREE struct str *back = mem_zero(count + 1, sizeof *back);
        for (uint32_t i = 0; i < count; i++) {
            uint64_t which = random_below(&random, different);
            texts[i] = (struct str){.data = pool + which * 100, .size = which % 97};
        }
        AUTO_BUF struct buf bytes;
        AUTO_BUF struct buf text;
        buf_init(&bytes, 1 << 22);
        buf_init(&text, 1 << 22);
        column_put_texts(&codec, &bytes, texts, count);
        struct reader from = reader_of(bytes.data, bytes.size);
        assert_true(column_get_texts(&codec, &from, back, count, &text));
        assert_int_equal(reader_left(&from), 0);
        for (uint32_t i = 0; i < count; i++) {
            assert_true(str_eq(texts[i], back[i]));
        }
    }
    codec_fini(&codec);
}

static void a_steady_clock_costs_next_to_nothing(void **state) {
    (void)state;
    AUTO_FREE bits64 *values = mem_zero(4096, sizeof *values);
    struct codec codec;
    codec_init(&codec);
    AUTO_BUF struct buf bytes;
    buf_init(&bytes, 1 << 20);
    for (uint32_t i = 0; i < 4096; i++) {
        values[i] = (uint64_t)TEST_T0 + i * 1000000000ULL;
    }
    column_put_ints(&codec, &bytes, values, 4096);
    assert_true(bytes.size < 32);
    codec_fini(&codec);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_bit_comes_back),
        cmocka_unit_test(mixtures_come_back),
        cmocka_unit_test(damaged_columns_are_survived),
        cmocka_unit_test(texts_come_back),
        cmocka_unit_test(a_steady_clock_costs_next_to_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
