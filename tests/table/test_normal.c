/* Text in normalization form C: what looks the same is the same; what is no text is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "table/table.h"

static void what_looks_the_same_is_the_same(void **state) {
    (void)state;
    static const struct {
        const char *text;
        const char *normal;
    } CASES[] = {{"", ""}, {"A-1 code", "A-1 code"}, {"사출 케이스", "사출 케이스"},
        {"\xe1\x84\x89\xe1\x85\xa1\xe1\x84\x8e\xe1\x85\xae\xe1\x86\xaf", "사출"},
        {"\xec\x82\xac\xe1\x86\xab", "산"}, // A whole syllable and a final behind it.
        {"e\xcc\x81", "é"}, {"φ12 ㎜ 中", "φ12 ㎜ 中"}, {"\xf0\x9f\x98\x80", "\xf0\x9f\x98\x80"},
        {"ㅅㅊ", "ㅅㅊ"}};
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        AUTO_ARENA struct arena arena;
        arena_init(&arena, 0);
        struct str text = STR_NONE;
        assert_true(table_nfc(str_of(CASES[i].text), &arena, &text));
        if (!str_eq(text, str_of(CASES[i].normal))) {
            fail_msg("\"%s\" gives \"%.*s\"", CASES[i].text, STR_ARG(text));
        }
    }
}

static void what_is_no_text_is_refused(void **state) {
    (void)state;
    AUTO_ARENA struct arena arena;
    arena_init(&arena, 0);
    struct str text = STR_NONE;
    static char large[4097];
    memset(large, 'a', sizeof large);
    assert_false(table_nfc(STR("\xff"), &arena, &text));
    assert_false(table_nfc(STR("\xec\x82"), &arena, &text));
    assert_false(table_nfc((struct str){large, sizeof large}, &arena, &text));
    assert_true(table_nfc((struct str){large, sizeof large - 1}, &arena, &text));
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(what_looks_the_same_is_the_same),
        cmocka_unit_test(what_is_no_text_is_refused)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
