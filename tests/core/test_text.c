/*
 * Text slices and UTF-8: each rule at its border and on the other side of it.
 */
#include "core/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "core/limits.h"

static void assert_str(struct str got, const char *want) {
    assert_int_equal(got.size, strlen(want));
    assert_memory_equal(got.data, want, got.size);
}

static void null_text_is_the_empty_slice(void **state) {
    (void)state;
    assert_int_equal(str_of(NULL).size, 0);
    assert_non_null(str_of(NULL).data);
    assert_true(str_eq(str_of(NULL), STR("")));
    assert_true(str_eq((struct str){NULL, 0}, STR("")));
}

static void comparing_orders_bytewise_and_shorter_first(void **state) {
    (void)state;
    assert_true(str_cmp(STR("a"), STR("b")) < 0);
    assert_true(str_cmp(STR("b"), STR("a")) > 0);
    assert_int_equal(str_cmp(STR("ab"), STR("ab")), 0);
    assert_true(str_cmp(STR("a"), STR("ab")) < 0);
    assert_true(str_cmp(STR("ab"), STR("a")) > 0);
    assert_true(str_cmp(STR("\x7f"), STR("\x80")) < 0); // Unsigned bytes.
    assert_int_equal(str_cmp((struct str){NULL, 0}, STR("")), 0);
}

static void case_folds_for_ascii_letters_only(void **state) {
    (void)state;
    assert_true(str_eq_nocase(STR("Press-01"), STR("pRESS-01")));
    assert_false(str_eq_nocase(STR("press"), STR("press1")));
    assert_false(str_eq_nocase(STR("@"), STR("`"))); // Neighbours of A and a.
    assert_false(str_eq_nocase(STR("["), STR("{"))); // Neighbours of Z and z.
    assert_false(str_eq_nocase(STR("Ä"), STR("ä")));
}

static void prefixes_and_suffixes_match_whole_or_not(void **state) {
    (void)state;
    assert_true(str_starts(STR("plant.line"), STR("plant")));
    assert_true(str_starts(STR("x"), STR("")));
    assert_false(str_starts(STR("pl"), STR("plant")));
    assert_true(str_ends(STR("a.csv"), STR(".csv")));
    assert_true(str_ends(STR("x"), STR("")));
    assert_false(str_ends(STR("csv"), STR(".csv")));
}

static void slices_are_clamped(void **state) {
    (void)state;
    assert_str(str_slice(STR("abcdef"), 1, 3), "bc");
    assert_str(str_slice(STR("abcdef"), 4, 99), "ef");
    assert_str(str_slice(STR("abcdef"), 9, 99), "");
    assert_str(str_slice(STR("abcdef"), 3, 2), "");
    assert_str(str_slice((struct str){NULL, 0}, 0, 5), "");
}

static void trimming_takes_ascii_blanks_at_both_ends(void **state) {
    (void)state;
    assert_str(str_trim(STR(" \t\r\n a b \n")), "a b");
    assert_str(str_trim(STR("   ")), "");
    assert_str(str_trim(STR("")), "");
    assert_str(str_trim(STR("\v")), "\v");
}

static void finding_gives_the_size_when_absent(void **state) {
    (void)state;
    assert_int_equal(str_find(STR("a=b=c"), '='), 1);
    assert_int_equal(str_find(STR("abc"), '='), 3);
    assert_int_equal(str_find((struct str){NULL, 0}, '='), 0);
}

static void cutting_walks_all_parts_and_ends(void **state) {
    (void)state;
    static const char *const WANT[] = {"a", "", "b", ""};
    struct str rest = STR("a,,b,");
    size_t count = 0;
    while (rest.data) {
        assert_true(count < 4);
        assert_str(str_cut(&rest, ','), WANT[count]);
        count++;
    }
    assert_int_equal(count, 4);
    struct str empty = STR("");
    assert_str(str_cut(&empty, ','), "");
    assert_null(empty.data);
}

static void copies_are_cut_between_characters(void **state) {
    (void)state;
    static const struct {
        const char *text;
        size_t capacity;
        const char *want;
    } CASES[] = {
        {"abc", 4, "abc"}, {"abc", 3, "ab"}, {"abc", 1, ""},
        {"a가나", 8, "a가나"}, // 1 + 3 + 3 bytes and the NUL.
        {"a가나", 7, "a가"},   // One byte of 나 is missing.
        {"a가나", 5, "a가"}, {"a가나", 4, "a"}, {"\xF0\x9F\x8F\xAD!", 4, ""},
        {"\xF0\x9F\x8F\xAD!", 5, "\xF0\x9F\x8F\xAD"},
        {"\x80\x80\x80\x80\x80\x80", 6, "\x80\x80\x80\x80\x80"}, // No UTF-8: cut anywhere.
    };
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        char to[16];
        memset(to, 'x', sizeof to);
        size_t size = str_copy_z(str_of(CASES[i].text), to, CASES[i].capacity);
        assert_string_equal(to, CASES[i].want);
        assert_int_equal(size, strlen(CASES[i].want));
    }
    char untouched = 'x';
    assert_int_equal(str_copy_z(STR("abc"), &untouched, 0), 0);
    assert_int_equal(untouched, 'x');
}

static void utf8_accepts_exactly_the_well_formed_sequences(void **state) {
    (void)state;
    static const struct {
        const char *text;
        size_t size;
        size_t bad; // SIZE_MAX: well-formed.
    } CASES[] = {
        {"", 0, SIZE_MAX},
        {"plain ascii text, longer than a word", 36, SIZE_MAX},
        {"\x00", 1, SIZE_MAX},
        {"\x7F", 1, SIZE_MAX},
        {"\x80", 1, 0},            // Continuation alone.
        {"\xC1\xBF", 2, 0},        // Overlong.
        {"\xC2\x80", 2, SIZE_MAX}, // U+0080.
        {"\xC2", 1, 0},            // Cut.
        {"\xC2\x41", 2, 0},
        {"\xDF\xBF", 2, SIZE_MAX},         // U+07FF.
        {"\xE0\x9F\xBF", 3, 0},            // Overlong.
        {"\xE0\xA0\x80", 3, SIZE_MAX},     // U+0800.
        {"\xED\x9F\xBF", 3, SIZE_MAX},     // U+D7FF.
        {"\xED\xA0\x80", 3, 0},            // Surrogate.
        {"\xEE\x80\x80", 3, SIZE_MAX},     // U+E000.
        {"\xEF\xBF\xBF", 3, SIZE_MAX},     // U+FFFF.
        {"\xF0\x8F\xBF\xBF", 4, 0},        // Overlong.
        {"\xF0\x90\x80\x80", 4, SIZE_MAX}, // U+10000.
        {"\xF4\x8F\xBF\xBF", 4, SIZE_MAX}, // U+10FFFF.
        {"\xF4\x90\x80\x80", 4, 0},        // Beyond.
        {"\xF5\x80\x80\x80", 4, 0},
        {"\xFF", 1, 0},
        {"\xF0\x90\x80", 3, 0}, // Cut.
        {"12345678\xEA\xB0\x80"
         "1234567\xFF",
            19, 18},
        {"1234567\xEA\xB0", 9, 7},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        size_t bad = SIZE_MAX;
        bool ok = str_is_utf8((struct str){CASES[i].text, CASES[i].size}, &bad);
        assert_int_equal(ok, CASES[i].bad == SIZE_MAX);
        assert_int_equal(bad, CASES[i].bad);
        assert_int_equal(ok, str_is_utf8((struct str){CASES[i].text, CASES[i].size}, NULL));
    }
}

static void utf8_length_counts_one_character(void **state) {
    (void)state;
    struct str text = STR("a\xC2\x80\xEA\xB0\x80\xF0\x90\x80\x80\xFF");
    assert_int_equal(str_utf8_length(text, 0), 1);
    assert_int_equal(str_utf8_length(text, 1), 2);
    assert_int_equal(str_utf8_length(text, 3), 3);
    assert_int_equal(str_utf8_length(text, 6), 4);
    assert_int_equal(str_utf8_length(text, 10), 0);
    assert_int_equal(str_utf8_length(text, 11), 0);
}

static void identifiers_are_short_and_plain(void **state) {
    (void)state;
    char longest[LIMIT_ID_BYTES + 1];
    memset(longest, 'a', sizeof longest);
    assert_true(str_is_id((struct str){longest, LIMIT_ID_BYTES}));
    assert_false(str_is_id((struct str){longest, LIMIT_ID_BYTES + 1}));
    assert_true(str_is_id(STR("Press_01-a")));
    assert_true(str_is_id(STR("0")));
    static const char *const WRONG[] = {
        "", "a b", "a.b", "a/b", "가", "a\n", "a:", "@", "[", "`", "{", "a\"b"};
    for (size_t i = 0; i < sizeof WRONG / sizeof WRONG[0]; i++) {
        assert_false(str_is_id(str_of(WRONG[i])));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(null_text_is_the_empty_slice),
        cmocka_unit_test(comparing_orders_bytewise_and_shorter_first),
        cmocka_unit_test(case_folds_for_ascii_letters_only),
        cmocka_unit_test(prefixes_and_suffixes_match_whole_or_not),
        cmocka_unit_test(slices_are_clamped),
        cmocka_unit_test(trimming_takes_ascii_blanks_at_both_ends),
        cmocka_unit_test(finding_gives_the_size_when_absent),
        cmocka_unit_test(cutting_walks_all_parts_and_ends),
        cmocka_unit_test(copies_are_cut_between_characters),
        cmocka_unit_test(utf8_accepts_exactly_the_well_formed_sequences),
        cmocka_unit_test(utf8_length_counts_one_character),
        cmocka_unit_test(identifiers_are_short_and_plain),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
