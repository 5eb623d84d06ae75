/*
 * The CSV reader. Each case is read whole and in chunks of every small size, which must give the
 * same rows, lines and errors.
 */
#include "core/csv.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "core/mem.h"
#include "core/random.h"

/* Reads everything and writes what was seen as text: "<line>:[a][b]\n", errors as "!<words>\n". */
static void read_all(struct str input, size_t chunk, char separator, struct buf *seen) {
    struct csv *csv = csv_new(separator);
    size_t offset = 0;
    bool last = false;
    while (!last) {
        size_t size = input.size - offset < chunk ? input.size - offset : chunk;
        last = offset + size == input.size;
        // A copy of the exact size, so that the sanitizers see reads behind the chunk.
        AUTO_FREE char *copy = mem_copy_z(str_slice(input, offset, offset + size));
        copy = mem_resize(copy, size);
        csv_feed(csv, copy, size, last);
        offset += size;
        for (;;) {
            const struct str *fields = NULL;
            size_t count = 0;
            struct err err = ERR_INIT;
            int result = csv_next(csv, &fields, &count, &err);
            if (result == 0) {
                break;
            }
            if (result < 0) {
                buf_printf(seen, "!%s ", err_code_name(err.code));
                err_render(&err, LANG_EN, seen);
                assert_int_equal(result, -(int)err.code);
            } else {
                buf_printf(seen, "%lu:", csv_line(csv));
                for (size_t i = 0; i < count; i++) {
                    buf_printf(seen, "[%.*s]", STR_ARG(fields[i]));
                }
            }
            buf_put_char(seen, '\n');
        }
    }
    csv_free(csv);
}

static void check(const char *input, char separator, const char *want) {
    struct str text = str_of(input);
    for (size_t chunk = 1; chunk <= text.size + 1; chunk++) {
        AUTO_BUF struct buf seen;
        buf_init(&seen, 1 << 16);
        read_all(text, chunk, separator, &seen);
        if (!str_eq(buf_str(&seen), str_of(want))) {
            fail_msg("%s\nin chunks of %zu gave\n%s\nwant\n%s", input, chunk, buf_z(&seen), want);
        }
    }
}

static void plain_rows_are_split(void **state) {
    (void)state;
    check("a,b,c\nd,e,f\n", ',', "1:[a][b][c]\n2:[d][e][f]\n");
    check("a,b,c\r\nd,e,f\r\n", ',', "1:[a][b][c]\n2:[d][e][f]\n");
    check("one\n", ',', "1:[one]\n");
    check(",\n", ',', "1:[][]\n");
    check(",,a,,\n", ',', "1:[][][a][][]\n");
    check(" a , b \n", ',', "1:[ a ][ b ]\n"); // Blanks are data (RFC 4180 section 2.4).
    check("a;b,c\n", ';', "1:[a][b,c]\n");
    check("a\tb c\n", '\t', "1:[a][b c]\n");
}

static void a_last_row_without_line_break_counts(void **state) {
    (void)state;
    check("a,b\nc,d", ',', "1:[a][b]\n2:[c][d]\n");
    check("a,b\nc,", ',', "1:[a][b]\n2:[c][]\n");
    check("a\r", ',', "1:[a]\n");
    check("\"a\"", ',', "1:[a]\n");
    check("\"a\"\r", ',', "1:[a]\n");
    check("", ',', "");
}

static void empty_lines_are_skipped_but_counted(void **state) {
    (void)state;
    check("\n\na\n\r\n\nb\n\n", ',', "3:[a]\n6:[b]\n");
    check("\n", ',', "");
    check("\r\n", ',', "");
    check("\r", ',', "");
    check("\"\"\n", ',', "1:[]\n"); // A quoted empty field is a row.
    check("a\n\"\"", ',', "1:[a]\n2:[]\n");
}

static void quotes_hold_separators_line_breaks_and_quotes(void **state) {
    (void)state;
    check("\"a,b\",c\n", ',', "1:[a,b][c]\n");
    check("\"a\nb\",c\nd,e\n", ',', "1:[a\nb][c]\n3:[d][e]\n");
    check("\"a\r\nb\"\r\nc\r\n", ',', "1:[a\r\nb]\n3:[c]\n");
    check("\"say \"\"hi\"\"\",\"\"\"\"\n", ',', "1:[say \"hi\"][\"]\n");
    check("\"\"\"a\"\"\",\"\"\"\"\"\",x\n", ',', "1:[\"a\"][\"\"][x]\n");
    check("\"\",\"\"\n", ',', "1:[][]\n");
    check("\"a\r\"\n", ',', "1:[a\r]\n"); // A CR inside quotes is data.
    check("a,\"b\"\r\n\"c\",d\r\n", ',', "1:[a][b]\n2:[c][d]\n");
}

static void a_lone_cr_is_data(void **state) {
    (void)state;
    check("a\rb,c\n", ',', "1:[a\rb][c]\n");
    check("a\r,b\n", ',', "1:[a\r][b]\n");
    check("a\r\r\n", ',', "1:[a\r]\n");
}

static void the_utf8_mark_is_skipped_at_the_start_only(void **state) {
    (void)state;
    check("\xEF\xBB\xBFname,x\n", ',', "1:[name][x]\n");
    check("\xEF\xBB\xBF\"name\",x\n", ',', "1:[name][x]\n");
    check("\xEF\xBB\xBF", ',', "");
    check("a\n\xEF\xBB\xBF"
          "b\n",
        ',',
        "1:[a]\n2:[\xEF\xBB\xBF"
        "b]\n");
    check("\xEF\xBB,x\n", ',', "1:[\xEF\xBB][x]\n");
    check("\xEF\xBB\n", ',', "1:[\xEF\xBB]\n");
    check("\xEF", ',', "1:[\xEF]\n");
    check("\xEF\xBBx\"y\nok\n", ',',
        "!INVALID line 1, field 1: a quote stands inside an unquoted field\n2:[ok]\n");
}

static void quote_errors_name_line_and_field_and_cost_one_line(void **state) {
    (void)state;
    check("a,b\nc,d\"e,f\ng,h\n", ',',
        "1:[a][b]\n!INVALID line 2, field 2: a quote stands inside an unquoted field\n3:[g][h]\n");
    check("\"a\"b,c\nd\n", ',',
        "!INVALID line 1, field 1: only a separator may follow the closing quote\n2:[d]\n");
    check("x,\"a\" ,c\nd\n", ',',
        "!INVALID line 1, field 2: only a separator may follow the closing quote\n2:[d]\n");
    check("\"a\"\rb\nd\n", ',',
        "!INVALID line 1, field 1: only a separator may follow the closing quote\n2:[d]\n");
    check("a\nx,\"open\nstill,\n", ',',
        "1:[a]\n!INVALID line 2, field 2: the closing quote is missing\n");
    check("a\"", ',', "!INVALID line 1, field 1: a quote stands inside an unquoted field\n");
    check("a\"\n", ',', "!INVALID line 1, field 1: a quote stands inside an unquoted field\n");
}

static void fill(struct buf *buf, const char *text, size_t times) {
    for (size_t i = 0; i < times; i++) {
        buf_put_str(buf, str_of(text));
    }
}

static void as_many_fields_as_allowed_and_not_one_more(void **state) {
    (void)state;
    for (size_t extra = 0; extra < 2; extra++) {
        AUTO_BUF struct buf input;
        buf_init(&input, 1 << 20);
        fill(&input, "x,", CSV_FIELDS_MAX - 1 + extra);
        buf_put_str(&input, STR("y\nnext,row\n"));
        struct csv *csv = csv_new(',');
        csv_feed(csv, input.data, input.size, true);
        const struct str *fields = NULL;
        size_t count = 0;
        struct err err = ERR_INIT;
        int result = csv_next(csv, &fields, &count, &err);
        assert_int_equal(result, extra ? -ERR_LIMIT : 1);
        assert_true(extra || (count == CSV_FIELDS_MAX && fields[count - 1].data[0] == 'y'));
        assert_int_equal(csv_next(csv, &fields, &count, NULL), 1);
        assert_int_equal(count, 2);
        assert_int_equal(csv_line(csv), 2);
        csv_free(csv);
    }
}

static void as_many_bytes_as_allowed_and_not_one_more(void **state) {
    (void)state;
    static const size_t CHUNKS[] = {SIZE_MAX, 4096, 100000};
    for (size_t i = 0; i < sizeof CHUNKS / sizeof CHUNKS[0]; i++) {
        for (size_t extra = 0; extra < 2; extra++) {
            AUTO_BUF struct buf input;
            buf_init(&input, 1 << 22);
            buf_put_char(&input, '"');
            fill(&input, "xy\"\"", CSV_ROW_MAX_BYTES / 4 - 1);
            fill(&input, "z", 2 + extra);
            buf_put_str(&input, STR("\"\nnext\n"));
            AUTO_BUF struct buf seen;
            buf_init(&seen, 1 << 22);
            read_all(buf_str(&input), CHUNKS[i], ',', &seen);
            if (extra) {
                assert_string_equal(buf_z(&seen),
                    "!LIMIT line 1: the row is longer than 1048576 bytes\n2:[next]\n");
            } else {
                assert_true(str_starts(buf_str(&seen), STR("1:[xy\"xy\"")));
                assert_true(str_ends(buf_str(&seen), STR("xy\"zz]\n2:[next]\n")));
            }
        }
    }
}

static void an_endless_row_is_dropped_and_the_next_one_read(void **state) {
    (void)state;
    AUTO_BUF struct buf input;
    buf_init(&input, 4 << 20);
    buf_put_str(&input, STR("first\n"));
    fill(&input, "no end in sight ", (3 << 20) / 16);
    buf_put_str(&input, STR("\nnext\n"));
    AUTO_BUF struct buf seen;
    buf_init(&seen, 4096);
    read_all(buf_str(&input), 4096, ',', &seen);
    assert_string_equal(
        buf_z(&seen), "1:[first]\n!LIMIT line 2: the row is longer than 1048576 bytes\n3:[next]\n");
}

static void put_random_field(struct random *random, struct buf *csv, struct buf *want) {
    static const char LETTERS[] = "ab,\"\n\r;x ";
    char text[12];
    size_t size = random_below(random, sizeof text);
    for (size_t i = 0; i < size; i++) {
        text[i] = LETTERS[random_below(random, sizeof LETTERS - 1)];
    }
    buf_put_char(csv, '"');
    for (size_t i = 0; i < size; i++) {
        buf_put_char(csv, text[i]);
        if (text[i] == '"') {
            buf_put_char(csv, '"');
        }
    }
    buf_put_char(csv, '"');
    buf_printf(want, "[%.*s]", (int)size, text);
}

static void random_quoted_rows_come_back_in_any_chunks(void **state) {
    (void)state;
    struct random random;
    random_seed(&random, 4);
    for (int round = 0; round < 300; round++) {
        AUTO_BUF struct buf input;
        AUTO_BUF struct buf want;
        AUTO_BUF struct buf seen;
        buf_init(&input, 1 << 16);
        buf_init(&want, 1 << 16);
        buf_init(&seen, 1 << 16);
        uint64_t line = 1;
        for (uint64_t rows = random_below(&random, 6); rows > 0; rows--) {
            size_t start = input.size;
            buf_printf(&want, "%lu:", line);
            for (uint64_t fields = 1 + random_below(&random, 4); fields > 0; fields--) {
                put_random_field(&random, &input, &want);
                buf_put_char(&input, fields > 1 ? ',' : '\n');
            }
            buf_put_char(&want, '\n');
            for (; start < input.size; start++) {
                line += input.data[start] == '\n';
            }
        }
        read_all(buf_str(&input), 1 + random_below(&random, 40), ',', &seen);
        assert_string_equal(buf_z(&seen), buf_z(&want));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain_rows_are_split),
        cmocka_unit_test(a_last_row_without_line_break_counts),
        cmocka_unit_test(empty_lines_are_skipped_but_counted),
        cmocka_unit_test(quotes_hold_separators_line_breaks_and_quotes),
        cmocka_unit_test(a_lone_cr_is_data),
        cmocka_unit_test(the_utf8_mark_is_skipped_at_the_start_only),
        cmocka_unit_test(quote_errors_name_line_and_field_and_cost_one_line),
        cmocka_unit_test(as_many_fields_as_allowed_and_not_one_more),
        cmocka_unit_test(as_many_bytes_as_allowed_and_not_one_more),
        cmocka_unit_test(an_endless_row_is_dropped_and_the_next_one_read),
        cmocka_unit_test(random_quoted_rows_come_back_in_any_chunks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
