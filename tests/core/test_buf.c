/*
 * The growing buffer: content, maximum and the sticky flag.
 */
#include "core/buf.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static void puts_stand_one_after_the_other(void **state) {
    (void)state;
    AUTO_BUF struct buf buf;
    buf_init(&buf, 1000);
    assert_string_equal(buf_z(&buf), "");
    assert_int_equal(buf_str(&buf).size, 0);
    buf_put(&buf, "ab", 2);
    buf_put(&buf, NULL, 0);
    buf_put_str(&buf, STR("cd"));
    buf_put_char(&buf, 'e');
    buf_put_i64(&buf, -42);
    buf_put_char(&buf, ' ');
    buf_put_f64(&buf, 0.1);
    buf_printf(&buf, " %d%%%s", 7, "x");
    assert_string_equal(buf_z(&buf), "abcde-42 0.1 7%x");
    assert_int_equal(buf_str(&buf).size, strlen("abcde-42 0.1 7%x"));
}

static void growth_keeps_the_content(void **state) {
    (void)state;
    AUTO_BUF struct buf buf;
    buf_init(&buf, 1 << 20);
    for (int i = 0; i < 100000; i++) {
        buf_put_char(&buf, (char)('a' + i % 26));
    }
    assert_int_equal(buf.size, 100000);
    for (size_t i = 0; i < buf.size; i++) {
        assert_int_equal(buf.data[i], 'a' + i % 26);
    }
}

static void a_put_beyond_the_maximum_is_refused_whole_and_for_good(void **state) {
    (void)state;
    AUTO_BUF struct buf buf;
    buf_init(&buf, 10);
    buf_put(&buf, "12345678", 8);
    buf_put(&buf, "abc", 3);
    assert_true(buf.overflow);
    assert_string_equal(buf_z(&buf), "12345678");
    buf_put_char(&buf, 'x');
    buf_printf(&buf, "%d", 1);
    assert_null(buf_reserve(&buf, 1));
    assert_string_equal(buf_z(&buf), "12345678");
    buf_clear(&buf);
    assert_false(buf.overflow);
    buf_put(&buf, "1234567890", 10);
    assert_false(buf.overflow);
    assert_string_equal(buf_z(&buf), "1234567890"); // The NUL has room beyond the maximum.
    buf_put_char(&buf, 'x');
    assert_true(buf.overflow);
}

static void a_maximum_of_zero_takes_nothing(void **state) {
    (void)state;
    AUTO_BUF struct buf buf;
    buf_init(&buf, 0);
    assert_string_equal(buf_z(&buf), "");
    buf_put(&buf, "", 0);
    assert_false(buf.overflow);
    buf_put_char(&buf, 'x');
    assert_true(buf.overflow);
    AUTO_BUF struct buf unset = {0};
    buf_put_char(&unset, 'x');
    assert_true(unset.overflow);
}

static void reserving_and_committing_writes_in_place(void **state) {
    (void)state;
    AUTO_BUF struct buf buf;
    buf_init(&buf, 100);
    uint8_t *to = buf_reserve(&buf, 50);
    assert_non_null(to);
    memset(to, 'z', 50);
    buf_commit(&buf, 20);
    assert_int_equal(buf.size, 20);
    assert_non_null(buf_reserve(&buf, 80));
    assert_null(buf_reserve(&buf, 81));
    assert_true(buf.overflow);
    AUTO_BUF struct buf wide;
    buf_init(&wide, SIZE_MAX);
    assert_null(buf_reserve(&wide, SIZE_MAX));
}

static void formatted_text_of_any_length_fits(void **state) {
    (void)state;
    AUTO_BUF struct buf buf;
    buf_init(&buf, 4000);
    for (int width = 0; width < 200; width++) {
        buf_clear(&buf);
        buf_printf(&buf, "<%*d>", width, 5);
        assert_int_equal(buf.size, (width > 1 ? width : 1) + 2);
        assert_int_equal(buf.data[buf.size - 1], '>');
    }
    buf_clear(&buf);
    buf_printf(&buf, "%*d", 4000, 5);
    assert_false(buf.overflow);
    assert_int_equal(buf.size, 4000);
    buf_clear(&buf);
    buf_printf(&buf, "%*d", 4001, 5);
    assert_true(buf.overflow);
    assert_int_equal(buf.size, 0);
}

static void the_front_can_be_dropped(void **state) {
    (void)state;
    AUTO_BUF struct buf buf;
    buf_init(&buf, 100);
    buf_drop_front(&buf, 0);
    buf_put_str(&buf, STR("abcdef"));
    buf_drop_front(&buf, 2);
    assert_string_equal(buf_z(&buf), "cdef");
    buf_drop_front(&buf, 4);
    assert_string_equal(buf_z(&buf), "");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(puts_stand_one_after_the_other),
        cmocka_unit_test(growth_keeps_the_content),
        cmocka_unit_test(a_put_beyond_the_maximum_is_refused_whole_and_for_good),
        cmocka_unit_test(a_maximum_of_zero_takes_nothing),
        cmocka_unit_test(reserving_and_committing_writes_in_place),
        cmocka_unit_test(formatted_text_of_any_length_fits),
        cmocka_unit_test(the_front_can_be_dropped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
