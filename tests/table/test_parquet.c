/*
 * Parquet as a reader of the format's documents finds it: every type with and without nulls, with
 * values chosen to hurt, whatever the sizes of pages and groups; and one file byte by byte. What
 * readers of other people make of it is shown by tests/interop/parquet.test.mjs.
 */
#include "table/parquet.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "core/file.h"
#include "core/random.h"
#include "table/pack.h"
#include "tests/table/support_parquet.h"
#include "tests/table/support_table.h"

#define GOLDEN TEST_DATA "/table/values.parquet"

static const struct parquet_column ALL[] = {
    {"bool", PARQUET_BOOL, false},
    {"u32", PARQUET_U32, false},
    {"i64", PARQUET_I64, false},
    {"f64", PARQUET_F64, false},
    {"text", PARQUET_TEXT, false},
    {"time", PARQUET_TIME_NS, false},
    {"불?", PARQUET_BOOL, true},
    {"u32?", PARQUET_U32, true},
    {"i64?", PARQUET_I64, true},
    {"f64?", PARQUET_F64, true},
    {"text?", PARQUET_TEXT, true},
    {"time?", PARQUET_TIME_NS, true},
};
enum { ALL_COUNT = sizeof ALL / sizeof ALL[0] };

static const char *const TEXTS[] = {
    "온도", "", "사출 1호기", "a", "b\xF0\x9F\x98\x80", "줄\n바꿈", "~"};
static const double REALS[] = {
    0.1, -0.0, 0.0, 5e-324, -1.7976931348623157e308, (double)INFINITY, -(double)INFINITY};
static const int64_t WHOLES[] = {
    0, INT64_MAX, INT64_MIN, -1, 9007199254740993, 1763683392000000001};
static const uint32_t CODES[] = {0, 0x80050000u, UINT32_MAX, 0x40000000u};
enum { TEXT_COUNT = 7, REAL_COUNT = 7, WHOLE_COUNT = 6, CODE_COUNT = 4 };
_Static_assert(sizeof TEXTS / sizeof TEXTS[0] == TEXT_COUNT, "all of them");
_Static_assert(sizeof REALS / sizeof REALS[0] == REAL_COUNT, "all of them");
_Static_assert(sizeof WHOLES / sizeof WHOLES[0] == WHOLE_COUNT, "all of them");

/* Writes cells and what a reader must say of them. */
struct writing {
    struct parquet_writer *writer;
    struct buf bytes;
    struct buf wanted;
};

static void begin(struct writing *writing, struct parquet_options options) {
    buf_init(&writing->bytes, 1 << 30);
    buf_init(&writing->wanted, 1 << 30);
    options.created_by = "maru version 1.2.3";
    options.context = &writing->bytes;
    options.write = write_memory;
    assert_int_equal(parquet_open(&options, &writing->writer, NULL), 0);
}

static void finish(struct writing *writing) {
    struct err err = ERR_INIT;
    assert_int_equal(parquet_finish(writing->writer, &err), 0);
    parquet_close(writing->writer);
    assert_false(writing->bytes.overflow || writing->wanted.overflow);
}

static void end(struct writing *writing) {
    buf_fini(&writing->bytes);
    buf_fini(&writing->wanted);
}

static void put_number(struct writing *writing, enum parquet_type type, int64_t whole) {
    buf_put_i64(&writing->wanted, whole);
    if (type == PARQUET_BOOL) {
        parquet_put_bool(writing->writer, whole != 0);
    } else if (type == PARQUET_U32) {
        parquet_put_u32(writing->writer, (uint32_t)whole);
    } else {
        parquet_put_i64(writing->writer, whole);
    }
}

static void put_real(struct writing *writing, double real) {
    buf_put_f64(&writing->wanted, real);
    parquet_put_f64(writing->writer, real);
}

static void put_text(struct writing *writing, struct str text) {
    buf_put_str(&writing->wanted, text);
    parquet_put_text(writing->writer, text);
}

static void put_cell(
    struct writing *writing, const struct parquet_column *column, struct random *random) {
    if (column->nullable && random_below(random, 3) == 0) {
        buf_put_char(&writing->wanted, '~');
        parquet_put_null(writing->writer);
        return;
    }
    switch (column->type) {
    case PARQUET_BOOL: put_number(writing, PARQUET_BOOL, random_below(random, 5) > 0); break;
    case PARQUET_U32:
        put_number(writing, PARQUET_U32, CODES[random_below(random, CODE_COUNT)]);
        break;
    case PARQUET_I64:
    case PARQUET_TIME_NS:
        put_number(writing, column->type, WHOLES[random_below(random, WHOLE_COUNT)]);
        break;
    case PARQUET_F64:
        put_real(writing,
            random_below(random, 400) == 0 ? (double)NAN : REALS[random_below(random, REAL_COUNT)]);
        break;
    case PARQUET_TEXT: put_text(writing, str_of(TEXTS[random_below(random, TEXT_COUNT)]));
    }
}

/* Rows often repeat themselves, so that runs of every length come. */
static void put_rows(struct writing *writing, uint64_t seed, uint32_t rows) {
    struct random random;
    random_seed(&random, seed);
    uint64_t row_seed = 0;
    uint64_t repeat = 0;
    for (uint32_t row = 0; row < rows; row++) {
        struct random of_row;
        if (repeat-- == 0) {
            row_seed = random_u64(&random);
            repeat = random_below(&random, 4) == 0 ? random_below(&random, 40) : 0;
        }
        random_seed(&of_row, row_seed);
        for (uint32_t i = 0; i < ALL_COUNT; i++) {
            buf_put_char(&writing->wanted, '[');
            put_cell(writing, &ALL[i], &of_row);
            buf_put_char(&writing->wanted, ']');
        }
        buf_put_char(&writing->wanted, '\n');
        struct err err = ERR_INIT;
        assert_int_equal(parquet_end_row(writing->writer, &err), 0);
    }
    assert_int_equal(parquet_rows(writing->writer), rows);
}

static void check_same(const struct writing *writing, struct parquet_seen *seen) {
    AUTO_BUF struct buf rows;
    buf_init(&rows, 1 << 30);
    see_parquet(buf_str(&writing->bytes), &rows, seen);
    assert_false(rows.overflow);
    assert_int_equal(rows.size, writing->wanted.size);
    if (rows.size > 0) {
        assert_memory_equal(rows.data, writing->wanted.data, rows.size);
    }
    assert_true(str_eq(seen->created_by, STR("maru version 1.2.3")));
}

static void what_is_written_reads_the_same(void **state) {
    (void)state;
    static const uint32_t ROWS[] = {1, 7, 8, 9, 64, 1000, 5003};
    static const uint32_t GROUPS[] = {1, 8, 100, 0};
    static const uint32_t PAGES[] = {1, 100, 0};
    for (size_t i = 0; i < 7 * 4 * 3; i++) {
        struct writing writing;
        struct parquet_seen seen;
        uint32_t rows = ROWS[i % 7];
        uint32_t group_rows = GROUPS[i / 7 % 4];
        begin(&writing, (struct parquet_options){.columns = ALL,
                            .column_count = ALL_COUNT,
                            .group_rows = group_rows,
                            .page_bytes = PAGES[i / 28],
                            .plain = i % 2 == 0});
        put_rows(&writing, i, rows);
        finish(&writing);
        check_same(&writing, &seen);
        assert_int_equal(seen.groups, group_rows == 0 ? 1 : (rows + group_rows - 1) / group_rows);
        assert_string_equal(buf_z(&seen.names),
            "bool:0:0 u32:1:0 i64:2:0 f64:5:0 text:6:0 time:2:0 "
            "불?:0:1 u32?:1:1 i64?:2:1 f64?:5:1 text?:6:1 time?:2:1 ");
        parquet_seen_fini(&seen);
        end(&writing);
    }
}

static void a_file_without_rows_is_a_file(void **state) {
    (void)state;
    struct writing writing;
    struct parquet_seen seen;
    const struct parquet_fact facts[] = {
        {"maru.plant", STR("공장")}, {"maru.time_zone", STR("Asia/Seoul")}};
    begin(&writing, (struct parquet_options){
                        .columns = ALL, .column_count = 2, .facts = facts, .fact_count = 2});
    finish(&writing);
    check_same(&writing, &seen);
    assert_int_equal(seen.rows, 0);
    assert_int_equal(seen.groups, 0);
    assert_string_equal(buf_z(&seen.facts), "maru.plant=공장\nmaru.time_zone=Asia/Seoul\n");
    parquet_seen_fini(&seen);
    end(&writing);
}

static void many_rows_are_several_groups_and_pages(void **state) {
    (void)state;
    static const struct parquet_column COLUMNS[] = {
        {"tag", PARQUET_TEXT, false}, {"time", PARQUET_TIME_NS, false}, {"v", PARQUET_F64, true}};
    struct writing writing;
    struct parquet_seen seen;
    enum { ROWS = 2 * PARQUET_GROUP_ROWS + 1 };
    begin(&writing,
        (struct parquet_options){.columns = COLUMNS, .column_count = 3, .page_bytes = 512 << 10});
    for (uint32_t i = 0; i < ROWS; i++) {
        buf_put_char(&writing.wanted, '[');
        put_text(&writing, i < 100000 ? STR("a") : STR("b"));
        buf_put_str(&writing.wanted, STR("]["));
        put_number(&writing, PARQUET_TIME_NS, (int64_t)i * 1000000007);
        buf_put_str(&writing.wanted, STR("][~]\n"));
        parquet_put_null(writing.writer);
        assert_int_equal(parquet_end_row(writing.writer, NULL), 0);
    }
    finish(&writing);
    check_same(&writing, &seen);
    assert_int_equal(seen.groups, 3);
    assert_int_equal(seen.dictionary_pages, 3);
    assert_int_equal(seen.placed_pages, 3);
    assert_int_equal(seen.data_pages, 3 + 2 * 2 + 1 + 3); // A full group has two pages of times.
    assert_int_equal(seen.bounded, 6);                    // Nulls alone have none.
    parquet_seen_fini(&seen);
    end(&writing);
}

/* Beyond 32,768 entries or a mebibyte a column goes on without a dictionary. */
static void a_full_dictionary_ends(void **state) {
    (void)state;
    static const struct parquet_column COLUMN = {"text", PARQUET_TEXT, false};
    for (int i = 0; i < 2; i++) {
        uint32_t rows = i == 0 ? 40000 : 1000;
        struct writing writing;
        struct parquet_seen seen;
        begin(&writing, (struct parquet_options){.columns = &COLUMN, .column_count = 1});
        for (uint32_t row = 0; row < rows; row++) {
            char text[4097];
            /* The text that finds no room in it is the smallest. */
            uint32_t number = i == 0 && row == 32768 ? 0 : row + 1;
            int size = snprintf(text, sizeof text, "%0*u", i == 0 ? 5 : 4096, number);
            buf_put_char(&writing.wanted, '[');
            put_text(&writing, (struct str){text, (size_t)size});
            buf_put_str(&writing.wanted, STR("]\n"));
            assert_int_equal(parquet_end_row(writing.writer, NULL), 0);
        }
        finish(&writing);
        check_same(&writing, &seen);
        assert_int_equal(seen.dictionary_pages, 1);
        assert_int_equal(seen.placed_pages, 1);
        assert_true(seen.data_pages > 1);
        assert_int_equal(seen.bounded, i == 0); // Texts of 4,096 bytes are no bounds.
        parquet_seen_fini(&seen);
        end(&writing);
    }
}

static void long_texts_end_a_group_early_and_longer_ones_are_refused(void **state) {
    (void)state;
    static const struct parquet_column COLUMN = {"text", PARQUET_TEXT, false};
    AUTO_FREE char *text = mem_zero(PARQUET_TEXT_MAX_BYTES + 1, 1);
    memset(text, 'x', PARQUET_TEXT_MAX_BYTES + 1);
    struct writing writing;
    struct parquet_seen seen;
    begin(&writing, (struct parquet_options){.columns = &COLUMN, .column_count = 1});
    for (int i = 0; i < 5; i++) {
        buf_put_char(&writing.wanted, '[');
        put_text(&writing, (struct str){text, PARQUET_TEXT_MAX_BYTES});
        buf_put_str(&writing.wanted, STR("]\n"));
        assert_int_equal(parquet_end_row(writing.writer, NULL), 0);
    }
    finish(&writing);
    check_same(&writing, &seen);
    assert_int_equal(seen.groups, 2);
    parquet_seen_fini(&seen);
    end(&writing);
    begin(&writing, (struct parquet_options){.columns = &COLUMN, .column_count = 1});
    parquet_put_text(writing.writer, (struct str){text, PARQUET_TEXT_MAX_BYTES + 1});
    struct err err = ERR_INIT;
    assert_int_equal(parquet_end_row(writing.writer, &err), -ERR_LIMIT);
    assert_int_equal(parquet_finish(writing.writer, &err), -ERR_LIMIT);
    parquet_close(writing.writer);
    end(&writing);
}

static void a_column_with_a_nan_has_no_bounds(void **state) {
    (void)state;
    static const struct parquet_column COLUMN = {"f64", PARQUET_F64, false};
    static const double NUMBERS[] = {1, -2, 0, (double)NAN};
    for (uint32_t count = 0; count <= 4; count++) {
        struct writing writing;
        struct parquet_seen seen;
        begin(&writing, (struct parquet_options){.columns = &COLUMN, .column_count = 1});
        for (uint32_t i = 0; i < count; i++) {
            buf_put_char(&writing.wanted, '[');
            put_real(&writing, NUMBERS[i]);
            buf_put_str(&writing.wanted, STR("]\n"));
            assert_int_equal(parquet_end_row(writing.writer, NULL), 0);
        }
        finish(&writing);
        check_same(&writing, &seen);
        assert_int_equal(seen.bounded, count > 0 && count < 4);
        parquet_seen_fini(&seen);
        end(&writing);
    }
}

struct refusing {
    uint64_t left; // Bytes that are still taken.
};

static int refuse(void *context, const void *data, size_t size, struct err *err) {
    (void)data;
    struct refusing *refusing = context;
    if (size > refusing->left) {
        return err_set(err, ERR_SPACE, MSG_TABLE_NO_TEXT, NO_ARGS);
    }
    refusing->left -= size;
    return 0;
}

static void a_refused_write_ends_it_wherever_it_comes(void **state) {
    (void)state;
    uint32_t whole = 0;
    for (uint64_t left = 0; left < 4000; left += 7) {
        struct refusing refusing = {left};
        struct parquet_options options = {.columns = ALL,
            .column_count = ALL_COUNT,
            .group_rows = 3,
            .created_by = "maru version 1.2.3",
            .context = &refusing,
            .write = refuse};
        struct writing writing = {.writer = NULL};
        buf_init(&writing.wanted, 1 << 20);
        struct err err = ERR_INIT;
        int status = parquet_open(&options, &writing.writer, &err);
        struct random random;
        random_seed(&random, 1);
        for (int row = 0; row < 4 && status >= 0; row++) {
            for (uint32_t i = 0; i < ALL_COUNT; i++) {
                put_cell(&writing, &ALL[i], &random);
            }
            status = parquet_end_row(writing.writer, &err);
        }
        int last = writing.writer != NULL ? parquet_finish(writing.writer, &err) : status;
        assert_true(last == -ERR_SPACE || (last == 0 && status == 0));
        assert_true(status >= 0 || last == status);
        whole += last == 0;
        parquet_close(writing.writer);
        end(&writing);
    }
    assert_true(whole > 0 && whole < 400);
}

static void the_checksum_is_that_of_gzip(void **state) {
    (void)state;
    assert_int_equal(pack_crc32("123456789", 9), 0xCBF43926); // Its usual check value.
    assert_int_equal(pack_crc32("", 0), 0);
}

/* ---- The bytes ---- */

static void write_golden(struct writing *writing) {
    static const struct parquet_fact FACTS[] = {{"maru.plant", {"본사", 6}}};
    begin(writing, (struct parquet_options){.columns = ALL,
                       .column_count = ALL_COUNT,
                       .facts = FACTS,
                       .fact_count = 1,
                       .group_rows = 50,
                       .page_bytes = 100,
                       .plain = true});
    put_rows(writing, 42, 120);
    finish(writing);
}

static void the_bytes_are_those_of_the_golden_file(void **state) {
    (void)state;
    struct writing writing;
    struct parquet_seen seen;
    write_golden(&writing);
    check_same(&writing, &seen);
    parquet_seen_fini(&seen);
    AUTO_CLOSE int fd = -1;
    uint64_t size = 0;
    assert_int_equal(file_open(files_system(), GOLDEN, FILE_READ, &fd, NULL), 0);
    assert_int_equal(file_size(fd, GOLDEN, &size, NULL), 0);
    AUTO_FREE uint8_t *bytes = mem_alloc(size + 1);
    assert_int_equal(file_read_at(fd, GOLDEN, 0, bytes, size, NULL), 0);
    assert_int_equal(size, writing.bytes.size);
    assert_memory_equal(bytes, writing.bytes.data, size);
    end(&writing);
}

/* test_table_parquet --write FILE [rows]: the golden file (a new one is written on purpose only),
 * and its rows as text, for tests/interop. */
static int write_files(int argc, char **argv) {
    struct writing writing;
    write_golden(&writing);
    const struct buf *bufs[] = {&writing.bytes, &writing.wanted};
    for (int i = 2; i < argc && i < 4; i++) {
        FILE *to = fopen(argv[i], "wxe");
        assert_non_null(to);
        assert_int_equal(fwrite(bufs[i - 2]->data, 1, bufs[i - 2]->size, to), bufs[i - 2]->size);
        assert_int_equal(fclose(to), 0);
    }
    end(&writing);
    return 0;
}

int main(int argc, char **argv) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_reads_the_same),
        cmocka_unit_test(a_file_without_rows_is_a_file),
        cmocka_unit_test(many_rows_are_several_groups_and_pages),
        cmocka_unit_test(a_full_dictionary_ends),
        cmocka_unit_test(long_texts_end_a_group_early_and_longer_ones_are_refused),
        cmocka_unit_test(a_column_with_a_nan_has_no_bounds),
        cmocka_unit_test(a_refused_write_ends_it_wherever_it_comes),
        cmocka_unit_test(the_checksum_is_that_of_gzip),
        cmocka_unit_test(the_bytes_are_those_of_the_golden_file),
    };
    if (argc > 2 && strcmp(argv[1], "--write") == 0) {
        return write_files(argc, argv);
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
