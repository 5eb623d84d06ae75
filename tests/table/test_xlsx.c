/*
 * Workbooks: one that openpyxl wrote (dates, times, codes, shared texts, two sheets), and what
 * hostile ones hold.
 */
#include "table/xlsx.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/buf.h"
#include "table/xlsx_cell.h"
#include "tests/table/support_table.h"

static void see_sheet(const char *name, struct str sheet, const char *want) {
    AUTO_BUF struct buf path;
    AUTO_BUF struct buf seen;
    buf_init(&path, 4096);
    buf_init(&seen, 1 << 20);
    buf_printf(&path, "%s/table/%s", TEST_DATA, name);
    int fd = open(buf_z(&path), O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    struct table_options options = {.fd = fd, .sheet = sheet};
    struct table_facts facts = {0};
    (void)see_table(&options, &seen, &facts);
    assert_string_equal(buf_z(&seen), want);
    assert_int_equal(close(fd), 0);
}

static void dates_times_codes_and_texts_survive(void **state) {
    (void)state;
    see_sheet("openpyxl.xlsx", STR_NONE,
        "1:[tag][time][value][code]\n"
        "2:[온도.1][2026-01-31T09:00:00][21.5][00123]\n"
        "3:[온도.2][2026-02-01][8801234567890][880 1234]\n"
        "4:[시각][13:45:30][0.1][true]\n"
        "6:[건너뜀][][00042][말 \"따옴표\", 쉼표\n새 줄]\n"
        "7:[][2023-03-15T12:00:00][36:00:00][1e-07]\n");
}

static void a_sheet_is_chosen_by_name_or_number(void **state) {
    (void)state;
    see_sheet("openpyxl.xlsx", STR("둘째"), "1:[a][b]\n2:[1][2]\n");
    see_sheet("openpyxl.xlsx", STR("2"), "1:[a][b]\n2:[1][2]\n");
    see_sheet("openpyxl.xlsx", STR("셋째"), "!NOT_FOUND\n");
}

static void hostile_workbooks_are_refused(void **state) {
    (void)state;
    see_sheet("entity-bomb.xlsx", STR_NONE, "!INVALID\n");
    see_sheet("deep.xlsx", STR_NONE, "!LIMIT\n");
    see_sheet("zip-bomb.xlsx", STR_NONE, "!LIMIT\n");
    see_sheet("no-workbook.xlsx", STR_NONE, "!NOT_FOUND\n");
    see_sheet("rows.xlsx", STR_NONE, "1:[a]\n2!INVALID\n3!INVALID\n4:[b]\n");
}

static void formats_tell_dates_from_numbers(void **state) {
    (void)state;
    static const struct {
        const char *code;
        enum cell_kind kind;
    } CASES[] = {{"General", CELL_NUMBER}, {"0.00E+00", CELL_NUMBER},
        {"#,##0;[Red]-#,##0", CELL_NUMBER}, {"yyyy-mm-dd", CELL_DATE},
        {"yyyy\"년\" m\"월\" d\"일\"", CELL_DATE}, {"mmm", CELL_DATE}, {"h:mm AM/PM", CELL_TIME},
        {"mm:ss.0", CELL_TIME}, {"[h]:mm", CELL_ELAPSED}, {"[$-412]yyyy/m/d h:mm", CELL_DATE_TIME},
        {"0\"days\"", CELL_NUMBER}, {"0\\d", CELL_NUMBER}, {"0;yyyy", CELL_NUMBER},
        {"000000", CELL_ZEROS}, {"0", CELL_NUMBER}, {"\"open", CELL_NUMBER}, {"[open", CELL_NUMBER},
        {"\\", CELL_NUMBER}};
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        struct cell_format format = cell_format_of_code(str_of(CASES[i].code));
        if (format.kind != CASES[i].kind) {
            fail_msg("%s: %d", CASES[i].code, format.kind);
        }
    }
}

static void numbers_read_exactly(void **state) {
    (void)state;
    static const struct {
        const char *text;
        enum cell_kind kind;
        const char *want;
    } CASES[] = {{"8801234567890", CELL_NUMBER, "8801234567890"},
        {"8.80123456789E+12", CELL_NUMBER, "8801234567890"},
        {"0.10000000000000001", CELL_NUMBER, "0.1"}, {"-0", CELL_NUMBER, "-0"},
        {"1", CELL_DATE, "1900-01-01"}, {"59", CELL_DATE, "1900-02-28"},
        {"61", CELL_DATE, "1900-03-01"}, {"45000", CELL_DATE_TIME, "2023-03-15T00:00:00"},
        {"45000.999999999", CELL_DATE_TIME, "2023-03-16T00:00:00"},
        {"0.5", CELL_DATE_TIME, "12:00:00"}, {"0.00001", CELL_TIME, "00:00:00.864"},
        {"-1", CELL_DATE, "-1"}, {"2958466", CELL_DATE, "2958466"}, {"x", CELL_DATE, "x"},
        {"9223372036854775807", CELL_NUMBER, "9223372036854775807"},
        {"1e300", CELL_NUMBER, "1e+300"}};
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        AUTO_BUF struct buf out;
        buf_init(&out, 4096);
        cell_put_number(&out, str_of(CASES[i].text),
            (struct cell_format){.kind = (uint8_t)CASES[i].kind}, false);
        assert_string_equal(buf_z(&out), CASES[i].want);
    }
    AUTO_BUF struct buf out;
    buf_init(&out, 4096);
    cell_put_number(&out, STR("0"), (struct cell_format){.kind = CELL_DATE}, true);
    assert_string_equal(buf_z(&out), "1904-01-01");
}

static void escaped_characters_are_undone(void **state) {
    (void)state;
    AUTO_BUF struct buf out;
    buf_init(&out, 4096);
    cell_put_text(&out, STR("a_x000D_b_x005F_x000D__x_xZZZZ_ _"));
    assert_string_equal(buf_z(&out), "a\rb_x000D__x_xZZZZ_ _");
}

static void columns_are_letters(void **state) {
    (void)state;
    uint32_t column = 0;
    assert_true(cell_column(STR("A1"), &column) && column == 0);
    assert_true(cell_column(STR("AB12"), &column) && column == 27);
    assert_true(cell_column(STR("XFD1"), &column) && column == 16383);
    assert_false(cell_column(STR("12"), &column));
    assert_false(cell_column(STR("ABCD1"), &column));
    assert_false(cell_column(STR("A"), &column));
    assert_false(cell_column(STR(""), &column));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(dates_times_codes_and_texts_survive),
        cmocka_unit_test(a_sheet_is_chosen_by_name_or_number),
        cmocka_unit_test(hostile_workbooks_are_refused),
        cmocka_unit_test(formats_tell_dates_from_numbers),
        cmocka_unit_test(numbers_read_exactly),
        cmocka_unit_test(escaped_characters_are_undone),
        cmocka_unit_test(columns_are_letters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
