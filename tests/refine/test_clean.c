/*
 * Cleaning of texts: each step on what it is for and on what it must leave alone, patterns, and
 * that no text grows beyond its limit.
 */
#include "refine/clean.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "core/limits.h"

static void expect(const char *steps, const char *text, const char *wanted) {
    struct clean_rule rule;
    struct err err = ERR_INIT;
    char to[LIMIT_TEXT_VALUE_BYTES];
    struct str result = STR_NONE;
    assert_int_equal(clean_parse(str_of(steps), &rule, &err), 0);
    assert_true(clean_apply(&rule, str_of(text), to, &result));
    if (!str_eq(result, str_of(wanted))) {
        fail_msg("%s of [%s]: [%.*s] instead of [%s]", steps, text, STR_ARG(result), wanted);
    }
}

/* R-016, R-019 */
static void each_step_does_its_work_and_no_more(void **state) {
    (void)state;
    expect("trim", "  a b \t", "a b");
    expect("trim", "\xE3\x80\x80 \xC2\xA0x\xE3\x80\x80", "x"); // U+3000, U+00A0.
    expect("trim", " \t ", "");
    expect("collapse", "a  b\t\n c", "a b c");
    expect("collapse", "  a", " a");
    expect("upper", "ab-Ü가z", "AB-Ü가Z");
    expect("lower", "AB-É가Z", "ab-É가z");
    expect("digits", "LOT 12-3가4", "1234");
    expect("printable", "a\x01\x1D b\x7F\xC2\x85", "a b");
    expect("half", "ＡＢ－１２３４　！～", "AB-1234 !~");
    expect("full", "A1 ~", "Ａ１　～");
    expect("replace:O:0", "LOO1O", "L0010");
    expect("replace:ab:", "xababy", "xy");
    expect("replace:aa:b", "aaaaa", "bba");
    expect("trim,collapse,upper,replace: :_", "  lot  a 1 ", "LOT_A_1");
}

static void decomposed_hangul_is_put_together(void **state) {
    (void)state;
    expect("hangul", "\xE1\x84\x80\xE1\x85\xA1", "가");
    expect("hangul", "\xE1\x84\x92\xE1\x85\xA1\xE1\x86\xAB\xE1\x84\x80\xE1\x85\xB3\xE1\x86\xAF",
        "한글");
    expect("hangul", "가\xE1\x86\xA8", "각");             // An open syllable and a final.
    expect("hangul", "각\xE1\x86\xA8", "각\xE1\x86\xA8"); // A closed one takes no second.
    expect("hangul", "\xE1\x84\x80x\xE1\x85\xA1", "\xE1\x84\x80x\xE1\x85\xA1");
    expect("hangul", "abc 힣 ü", "abc 힣 ü");
    expect("hangul", "\xE1\x84\x80", "\xE1\x84\x80"); // Alone at the end.
}

static void steps_that_are_none_are_refused(void **state) {
    (void)state;
    static const char *const BAD[] = {"", "trim,", ",trim", "TRIM", "trim:1", "replace",
        "replace:a", "replace::b", "replace:a:b:c", "nfc",
        "trim,trim,trim,trim,trim,trim,trim,trim,trim"};
    for (size_t i = 0; i < sizeof BAD / sizeof BAD[0]; i++) {
        struct clean_rule rule;
        struct err err = ERR_INIT;
        assert_int_equal(clean_parse(str_of(BAD[i]), &rule, &err), -ERR_INVALID);
        assert_true(err.note_count > 0);
    }
}

static void a_text_that_would_grow_too_long_is_told(void **state) {
    (void)state;
    char text[LIMIT_TEXT_VALUE_BYTES];
    char to[LIMIT_TEXT_VALUE_BYTES];
    memset(text, 'a', sizeof text);
    struct clean_rule rule;
    struct str result = STR_NONE;
    assert_int_equal(clean_parse(STR("full"), &rule, NULL), 0);
    assert_false(clean_apply(&rule, (struct str){text, 1366}, to, &result)); // 4,098 bytes.
    assert_true(clean_apply(&rule, (struct str){text, 1365}, to, &result));
    assert_int_equal(result.size, 4095);
}

static void patterns_find_their_first_place(void **state) {
    (void)state;
    static const struct {
        const char *pattern;
        const char *text;
        const char *found; // NULL: none.
    } CASES[] = {{"A####", "code B1234 end", "B1234"}, {"A####", "B12-C3456x", "C3456"},
        {"A####", "B123", NULL}, {"##-##", "1-22-33", "22-33"}, {"\\A\\#", "xA#", "A#"},
        {"??", "가나", "가나"}, {"#", "가9", "9"}, {"\\\\#", "a\\7", "\\7"}, {"?", "", NULL}};
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        struct str found = STR_NONE;
        struct err err = ERR_INIT;
        assert_int_equal(extract_check(str_of(CASES[i].pattern), &err), 0);
        bool is_found = extract_find(str_of(CASES[i].pattern), str_of(CASES[i].text), &found);
        assert_int_equal(is_found, CASES[i].found != NULL);
        assert_true(!is_found || str_eq(found, str_of(CASES[i].found)));
    }
    static const char *const BAD[] = {
        "", "a\\", "12345678901234567890123456789012345678901234567890123456789012345"};
    for (size_t i = 0; i < sizeof BAD / sizeof BAD[0]; i++) {
        assert_int_equal(extract_check(str_of(BAD[i]), NULL), -ERR_INVALID);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_step_does_its_work_and_no_more),
        cmocka_unit_test(decomposed_hangul_is_put_together),
        cmocka_unit_test(steps_that_are_none_are_refused),
        cmocka_unit_test(a_text_that_would_grow_too_long_is_told),
        cmocka_unit_test(patterns_find_their_first_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
