/*
 * What is written is read again as it was: every format, encoding and packing, with values chosen
 * to hurt (Korean, leading zeros, quotes, line breaks, blanks, escapes, extremes, seventeen
 * digits).
 */
#include "table/table.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/buf.h"
#include "tests/table/support_table.h"

static const char *const TEXTS[] = {"온도", "00123", "8801234567890", "말 \"이\"", "a,b;c\td",
    "줄\n바꿈", "cr\r\nlf", " 앞 뒤 ", "", "=1+2", "_x000D_", "_x005F_x0041_", "'", "1E5", "-0",
    "<&>", "\x01\x1F"};
static const double NUMBERS[] = {0.1, 1.0 / 3, 0.1 + 0.2, -0.0, 1e300, 5e-324, 123456789012345678.0,
    8801234567890.0, -1.5, 1e15, 1e16};
static const int64_t WHOLES[] = {0, INT64_MAX, INT64_MIN, 9007199254740993, 999999999999999, -7};

enum { TEXT_COUNT = 17, NUMBER_COUNT = 11, WHOLE_COUNT = 6 };
_Static_assert(sizeof TEXTS / sizeof TEXTS[0] == TEXT_COUNT, "all of them");
_Static_assert(sizeof NUMBERS / sizeof NUMBERS[0] == NUMBER_COUNT, "all of them");
_Static_assert(sizeof WHOLES / sizeof WHOLES[0] == WHOLE_COUNT, "all of them");

static void write_all(const struct table_writer_options *options) {
    struct table_writer *writer = NULL;
    assert_int_equal(table_writer_open(options, &writer, NULL), 0);
    for (size_t i = 0; i < TEXT_COUNT; i++) {
        table_put_text(writer, str_of(TEXTS[i]));
        table_put_f64(writer, NUMBERS[i % NUMBER_COUNT]);
        table_put_empty(writer);
        table_put_i64(writer, WHOLES[i % WHOLE_COUNT]);
        struct err err = ERR_INIT;
        assert_int_equal(table_end_row(writer, &err), 0);
    }
    assert_int_equal(table_writer_finish(writer, NULL), 0);
    table_writer_close(writer);
}

static void check_row(size_t i, const struct str *fields, size_t count) {
    assert_int_equal(count, 4);
    if (!str_eq(fields[0], str_of(TEXTS[i]))) {
        fail_msg("text %zu: \"%.*s\"", i, STR_ARG(fields[0]));
    }
    double number = 0;
    assert_true(str_to_f64(fields[1], &number));
    assert_true(number == NUMBERS[i % NUMBER_COUNT]);
    assert_int_equal(signbit(number) != 0, signbit(NUMBERS[i % NUMBER_COUNT]) != 0);
    assert_int_equal(fields[2].size, 0);
    int64_t whole = 0;
    assert_true(str_to_i64(fields[3], &whole));
    assert_true(whole == WHOLES[i % WHOLE_COUNT]);
}

static void check_again(struct table_writer_options *options) {
    AUTO_BUF struct buf bytes;
    buf_init(&bytes, 1 << 20);
    options->context = &bytes;
    options->write = write_memory;
    write_all(options);
    struct memory_file file = {.bytes = buf_str(&bytes)};
    struct table_options again = memory_options(&file);
    struct table *table = NULL;
    struct err err = ERR_INIT;
    assert_int_equal(table_open(&again, &table, &err), 0);
    const struct str *fields = NULL;
    size_t count = 0;
    for (size_t i = 0; i < TEXT_COUNT; i++) {
        assert_int_equal(table_next(table, &fields, &count, &err), TABLE_ROW);
        check_row(i, fields, count);
    }
    assert_int_equal(table_next(table, &fields, &count, &err), TABLE_END);
    struct table_facts facts;
    table_facts(table, &facts);
    assert_int_equal(facts.format, options->format);
    assert_int_equal(facts.packing, options->packing);
    table_close(table);
}

static void what_is_written_is_read_again(void **state) {
    (void)state;
    static const enum table_encoding ENCODINGS[] = {
        TABLE_ENCODING_AUTO, TABLE_UTF8, TABLE_CP949, TABLE_UTF16LE, TABLE_UTF16BE};
    static const char SEPARATORS[] = {0, ';', '\t'};
    for (size_t e = 0; e < 5; e++) {
        for (size_t s = 0; s < 3; s++) {
            for (int p = TABLE_PLAIN; p <= TABLE_ZSTD; p++) {
                struct table_writer_options options = {.format = TABLE_CSV,
                    .encoding = ENCODINGS[e],
                    .separator = SEPARATORS[s],
                    .packing = (enum table_packing)p};
                check_again(&options);
            }
        }
    }
    struct table_writer_options workbook = {.format = TABLE_XLSX};
    check_again(&workbook);
}

static void a_character_that_is_not_there_is_refused(void **state) {
    (void)state;
    AUTO_BUF struct buf bytes;
    buf_init(&bytes, 1 << 20);
    struct table_writer_options options = {
        .encoding = TABLE_CP949, .context = &bytes, .write = write_memory};
    struct table_writer *writer = NULL;
    assert_int_equal(table_writer_open(&options, &writer, NULL), 0);
    table_put_text(writer, STR("웃음 \xF0\x9F\x98\x80"));
    struct err err = ERR_INIT;
    assert_int_equal(table_end_row(writer, &err), -ERR_INVALID);
    assert_int_equal(table_writer_finish(writer, &err), -ERR_INVALID);
    table_writer_close(writer);
}

static int refuse(void *context, const void *data, size_t size, struct err *err) {
    (void)context, (void)data, (void)size;
    return err_set(err, ERR_SPACE, MSG_TABLE_NO_TEXT, NO_ARGS);
}

static void a_refused_write_ends_it(void **state) {
    (void)state;
    for (int format = TABLE_CSV; format <= TABLE_XLSX; format++) {
        struct table_writer_options options = {
            .format = (enum table_format)format, .write = refuse};
        struct table_writer *writer = NULL;
        assert_int_equal(table_writer_open(&options, &writer, NULL), 0);
        table_put_text(writer, STR("a"));
        assert_int_equal(table_end_row(writer, NULL), 0);
        struct err err = ERR_INIT;
        assert_int_equal(table_writer_finish(writer, &err), -ERR_SPACE);
        table_writer_close(writer);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_is_read_again),
        cmocka_unit_test(a_character_that_is_not_there_is_refused),
        cmocka_unit_test(a_refused_write_ends_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
