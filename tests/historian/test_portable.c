/*
 * One format, whatever the CPU. The historian is in this program twice: as it is built for use,
 * where loops have versions for CPUs with wide registers, and once more as plain C (portable_...).
 * On columns, blocks, statistics and log batches of every shape both must write the same bytes and
 * read the same values, and of damaged bytes both must think the same. A file that one machine
 * wrote is then the file that any other would have written.
 */
#include "support_history.h"

#include <string.h>

#include "core/mem.h"
#include "historian/block.h"
#include "historian/wal_code.h"
#include "support_columns.h"

/* The second copy has the same functions under other names. */
__typeof__(codec_init) portable_codec_init;
__typeof__(codec_fini) portable_codec_fini;
__typeof__(column_put_ints) portable_column_put_ints;
__typeof__(column_get_ints) portable_column_get_ints;
__typeof__(column_put_doubles) portable_column_put_doubles;
__typeof__(column_get_doubles) portable_column_get_doubles;
__typeof__(column_put_texts) portable_column_put_texts;
__typeof__(column_get_texts) portable_column_get_texts;
__typeof__(decoder_init) portable_decoder_init;
__typeof__(decoder_fini) portable_decoder_fini;
__typeof__(block_put) portable_block_put;
__typeof__(block_get) portable_block_get;
__typeof__(summary_init) portable_summary_init;
__typeof__(summary_add) portable_summary_add;
__typeof__(wal_batch_write) portable_wal_batch_write;
__typeof__(wal_batch_read) portable_wal_batch_read;

struct both {
    struct codec codec;
    struct codec portable;
    struct random random;
    bits64 *values;
    bits64 *back;
    bits64 *portable_back;
};

static void both_init(struct both *both, uint64_t seed) {
    codec_init(&both->codec);
    portable_codec_init(&both->portable);
    random_seed(&both->random, seed);
    both->values = mem_zero(BLOCK_ROWS_MAX, sizeof *both->values);
    both->back = mem_zero(BLOCK_ROWS_MAX, sizeof *both->back);
    both->portable_back = mem_zero(BLOCK_ROWS_MAX, sizeof *both->portable_back);
}

static void both_fini(struct both *both) {
    codec_fini(&both->codec);
    portable_codec_fini(&both->portable);
    mem_free(both->values);
    mem_free(both->back);
    mem_free(both->portable_back);
}

static void expect_same_bytes(const struct buf *a, const struct buf *b) {
    assert_false(a->overflow);
    assert_false(b->overflow);
    assert_int_equal(a->size, b->size);
    if (a->size > 0) {
        assert_memory_equal(a->data, b->data, a->size);
    }
}

/* Both read the bytes; their verdicts are the same, and so are the values where it is good. */
static bool read_both(
    struct both *both, const uint8_t *data, size_t size, uint32_t count, bool doubles) {
    struct reader from = reader_of(data, size);
    struct reader again = reader_of(data, size);
    bool good = doubles ? column_get_doubles(&both->codec, &from, both->back, count)
                        : column_get_ints(&both->codec, &from, both->back, count);
    bool portable =
        doubles ? portable_column_get_doubles(&both->portable, &again, both->portable_back, count)
                : portable_column_get_ints(&both->portable, &again, both->portable_back, count);
    assert_int_equal(good, portable);
    if (good && count > 0) {
        assert_int_equal(reader_left(&from), reader_left(&again));
        assert_memory_equal(both->back, both->portable_back, count * sizeof *both->back);
    }
    return good;
}

static void damage_both(struct both *both, const struct buf *bytes, uint32_t count, bool doubles) {
    for (int round = 0; round < 4; round++) {
        size_t size = round == 0 ? random_below(&both->random, bytes->size) : bytes->size;
        AUTO_FREE uint8_t *copy = mem_alloc(size > 0 ? size : 1); // The exact size.
        memcpy(copy, bytes->data, size);
        if (size > 0) {
            copy[random_below(&both->random, size < 24 || round == 1 ? size : 24)] ^=
                (uint8_t)(1U << random_below(&both->random, 8));
        }
        (void)read_both(both, copy, size, count, doubles);
    }
}

static void compare_column(struct both *both, uint32_t count, bool doubles) {
    AUTO_BUF struct buf bytes;
    AUTO_BUF struct buf portable;
    buf_init(&bytes, 1 << 20);
    buf_init(&portable, 1 << 20);
    if (doubles) {
        column_put_doubles(&both->codec, &bytes, both->values, count);
        portable_column_put_doubles(&both->portable, &portable, both->values, count);
    } else {
        column_put_ints(&both->codec, &bytes, both->values, count);
        portable_column_put_ints(&both->portable, &portable, both->values, count);
    }
    expect_same_bytes(&bytes, &portable);
    assert_true(read_both(both, bytes.data, bytes.size, count, doubles));
    if (count > 0) {
        assert_memory_equal(both->back, both->values, count * sizeof *both->back);
        damage_both(both, &bytes, count, doubles);
    }
}

/* Shapes side by side, so that forms change inside a column and patches and exceptions occur. */
static void fill_mixture(struct both *both, uint32_t count) {
    for (uint32_t at = 0; at < count;) {
        uint32_t part = 1 + (uint32_t)random_below(&both->random, count - at);
        columns_fill(&both->random, (int)random_below(&both->random, COLUMN_SHAPES),
            both->values + at, part);
        at += part;
    }
}

static void columns_are_the_same(void **state) {
    (void)state;
    static const uint32_t counts[] = {
        0, 1, 2, 3, 5, 8, 9, 15, 16, 17, 31, 33, 63, 64, 65, 500, 511, 512, 513, 4095, 4096, 8192};
    struct both both;
    both_init(&both, 31);
    for (int shape = 0; shape < COLUMN_SHAPES; shape++) {
        for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
            columns_fill(&both.random, shape, both.values, counts[i]);
            compare_column(&both, counts[i], false);
            compare_column(&both, counts[i], true);
        }
    }
    for (int round = 0; round < 300; round++) {
        uint32_t count = 1 + (uint32_t)random_below(&both.random, BLOCK_ROWS);
        both.codec.draft = round % 3 == 0; // As sealing does.
        both.portable.draft = both.codec.draft;
        fill_mixture(&both, count);
        compare_column(&both, count, round % 2 == 0);
    }
    both_fini(&both);
}

/* Every width of bits, folded and not, with a few values that do not fit. */
static void every_width_is_the_same(void **state) {
    (void)state;
    struct both both;
    both_init(&both, 32);
    for (uint32_t width = 0; width <= 64; width++) {
        for (int round = 0; round < 6; round++) {
            uint32_t count = 2 + (uint32_t)random_below(&both.random, 1200);
            uint64_t level = round % 2 == 0 ? 0 : random_u64(&both.random);
            for (uint32_t i = 0; i < count; i++) {
                uint64_t noise = width > 0 ? random_u64(&both.random) >> (64 - width) : 0;
                uint64_t sign = round >= 4 && noise % 2 == 0 ? UINT64_MAX : 1;
                bool patch = round % 3 == 2 && random_below(&both.random, 40) == 0;
                both.values[i] = patch ? random_u64(&both.random) : level + noise * sign;
            }
            compare_column(&both, count, false);
        }
    }
    both_fini(&both);
}

static void texts_are_the_same(void **state) {
    (void)state;
    struct both both;
    both_init(&both, 33);
    AUTO_FREE char *pool = mem_zero(1, 1 << 18);
    for (uint32_t i = 0; i < 1 << 18; i++) {
        pool[i] = (char)('a' + random_below(&both.random, 9));
    }
    AUTO_FREE struct str *texts = mem_zero(2000, sizeof *texts);
    AUTO_FREE struct str *back = mem_zero(2000, sizeof *back);
    AUTO_FREE struct str *portable_back = mem_zero(2000, sizeof *back);
    for (int round = 0; round < 60; round++) {
        uint32_t count = (uint32_t)random_below(&both.random, 2000);
        uint32_t different = 1 + (uint32_t)random_below(&both.random, round % 2 == 0 ? 5 : 2000);
        for (uint32_t i = 0; i < count; i++) {
            uint64_t which = random_below(&both.random, different);
            texts[i] = (struct str){.data = pool + which * 100, .size = which % 97};
        }
        AUTO_BUF struct buf bytes;
        AUTO_BUF struct buf portable;
        AUTO_BUF struct buf text;
        AUTO_BUF struct buf portable_text;
        buf_init(&bytes, 1 << 22);
        buf_init(&portable, 1 << 22);
        buf_init(&text, 1 << 22);
        buf_init(&portable_text, 1 << 22);
        column_put_texts(&both.codec, &bytes, texts, count);
        portable_column_put_texts(&both.portable, &portable, texts, count);
        expect_same_bytes(&bytes, &portable);
        struct reader from = reader_of(bytes.data, bytes.size);
        struct reader again = reader_of(bytes.data, bytes.size);
        assert_true(column_get_texts(&both.codec, &from, back, count, &text));
        assert_true(portable_column_get_texts(
            &both.portable, &again, portable_back, count, &portable_text));
        for (uint32_t i = 0; i < count; i++) {
            assert_true(str_eq(back[i], texts[i]) && str_eq(portable_back[i], texts[i]));
        }
    }
    both_fini(&both);
}

/* ---- Blocks and statistics ---- */

struct block_columns {
    int64_t *time;
    uint8_t *types;
    uint32_t *status;
    uint8_t *flags;
};

static void fill_block(struct both *both, const struct block_columns *to, struct run *run) {
    struct random *random = &both->random;
    uint32_t count = 1 + (uint32_t)random_below(random, BLOCK_ROWS);
    bool strict = random_below(random, 2) == 0;
    int64_t now_ns = TEST_T0;
    for (uint32_t i = 0; i < count; i++) {
        now_ns += (strict ? 1 : 0) + (int64_t)random_below(random, 3) * 1000;
        to->time[i] = now_ns;
        to->types[i] = random_below(random, 9) == 0 ? TYPE_I64 : TYPE_F64;
        to->status[i] = random_below(random, 20) == 0 ? 0x80340000U : 0;
        to->flags[i] = random_below(random, 30) == 0 ? SAMPLE_CORRECTION : 0;
    }
    columns_fill(random, (int)random_below(random, COLUMN_SHAPES), both->values, count);
    *run = (struct run){.time = to->time,
        .value = both->values,
        .types = random_below(random, 4) == 0 ? to->types : NULL,
        .status = random_below(random, 2) == 0 ? to->status : NULL,
        .flags = random_below(random, 2) == 0 ? to->flags : NULL,
        .count = count,
        .type = random_below(random, 3) == 0 ? TYPE_I64 : TYPE_F64,
        .strict = strict};
}

static void compare_block(struct both *both, const struct run *run, struct decoder *decoder,
    struct decoder *portable_decoder) {
    AUTO_BUF struct buf bytes;
    AUTO_BUF struct buf portable;
    buf_init(&bytes, 1 << 20);
    buf_init(&portable, 1 << 20);
    block_put(&both->codec, &bytes, run);
    portable_block_put(&both->portable, &portable, run);
    expect_same_bytes(&bytes, &portable);
    struct run back;
    struct run again;
    struct reader from = reader_of(bytes.data, bytes.size);
    struct reader portable_from = reader_of(bytes.data, bytes.size);
    rows_reserve(&decoder->rows, run->count);
    rows_reserve(&portable_decoder->rows, run->count);
    assert_true(block_get(decoder, &from, run->count, &back));
    assert_true(portable_block_get(portable_decoder, &portable_from, run->count, &again));
    assert_memory_equal(back.time, again.time, run->count * sizeof *run->time);
    assert_memory_equal(back.value, again.value, run->count * sizeof *run->value);
    assert_memory_equal(back.value, run->value, run->count * sizeof *run->value);
    struct summary summary;
    struct summary portable_summary;
    memset(&summary, 0, sizeof summary);
    memset(&portable_summary, 0, sizeof portable_summary);
    summary_init(&summary);
    portable_summary_init(&portable_summary);
    summary_add(&summary, &back, 0, back.count);
    portable_summary_add(&portable_summary, &again, 0, again.count);
    assert_memory_equal(&summary, &portable_summary, sizeof summary);
}

static void blocks_and_statistics_are_the_same(void **state) {
    (void)state;
    struct both both;
    both_init(&both, 34);
    struct decoder decoder;
    struct decoder portable_decoder;
    decoder_init(&decoder);
    portable_decoder_init(&portable_decoder);
    struct block_columns columns = {.time = MEM_ARRAY(int64_t, BLOCK_ROWS_MAX),
        .types = MEM_ARRAY(uint8_t, BLOCK_ROWS_MAX),
        .status = MEM_ARRAY(uint32_t, BLOCK_ROWS_MAX),
        .flags = MEM_ARRAY(uint8_t, BLOCK_ROWS_MAX)};
    for (int round = 0; round < 300; round++) {
        struct run run;
        fill_block(&both, &columns, &run);
        compare_block(&both, &run, &decoder, &portable_decoder);
    }
    mem_free(columns.time);
    mem_free(columns.types);
    mem_free(columns.status);
    mem_free(columns.flags);
    decoder_fini(&decoder);
    portable_decoder_fini(&portable_decoder);
    both_fini(&both);
}

/* ---- The log ---- */

static void fill_batch(struct random *random, struct batch *batch, int round) {
    batch_clear(batch);
    batch->source = (uint32_t)random_below(random, 9);
    batch->request_ns = TEST_T0;
    batch->reply_ns = TEST_T0 + (int64_t)random_below(random, 1000000);
    uint32_t rows = (uint32_t)random_below(random, 300);
    int64_t now_ns = TEST_T0;
    for (uint32_t i = 0; i < rows; i++) {
        now_ns += (int64_t)random_below(random, 3) * 1000000;
        struct row row = row_f64(1 + (uint32_t)random_below(random, 40), now_ns, (double)i / 8);
        if (round % 2 == 0 && random_below(random, 10) == 0) {
            row.flags = random_below(random, 2) == 0 ? SAMPLE_CORRECTION : SAMPLE_DROP;
            row.status = 0x80000000U;
        }
        if (round % 3 == 0 && random_below(random, 10) == 0) {
            row.type = TYPE_TEXT;
            (void)str_copy_z(STR("품번 7"), row.text, sizeof row.text);
        }
        batch_put(batch, &row);
    }
}

static void log_batches_are_the_same(void **state) {
    (void)state;
    struct random random;
    random_seed(&random, 35);
    AUTO_BATCH struct batch *batch = batch_new(512, 16384);
    AUTO_BATCH struct batch *back = NULL;
    AUTO_BATCH struct batch *again = NULL;
    for (int round = 0; round < 300; round++) {
        fill_batch(&random, batch, round);
        AUTO_BUF struct buf bytes;
        AUTO_BUF struct buf portable;
        buf_init(&bytes, 1 << 20);
        buf_init(&portable, 1 << 20);
        wal_batch_write(&bytes, batch);
        portable_wal_batch_write(&portable, batch);
        expect_same_bytes(&bytes, &portable);
        struct reader from = reader_of(bytes.data, bytes.size);
        struct reader portable_from = reader_of(bytes.data, bytes.size);
        assert_int_equal(wal_batch_read(&from, &back, NULL), 0);
        assert_int_equal(portable_wal_batch_read(&portable_from, &again, NULL), 0);
        assert_int_equal(back->count, again->count);
        for (uint32_t i = 0; i < back->count; i++) {
            assert_memory_equal(&back->rows[i], &again->rows[i], sizeof back->rows[i]);
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(columns_are_the_same),
        cmocka_unit_test(every_width_is_the_same),
        cmocka_unit_test(texts_are_the_same),
        cmocka_unit_test(blocks_and_statistics_are_the_same),
        cmocka_unit_test(log_batches_are_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
