/* Finding as people type: letters without case, lone consonants for syllables, never half a
 * letter. */
#include "core/hangul.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void what_is_typed_is_found(void **state) {
    (void)state;
    static const struct {
        const char *where;
        const char *what;
        bool found;
    } CASES[] = {{"사출 압력", "", true}, {"", "", true}, {"", "a", false},
        {"사출 압력", "사출", true}, {"사출 압력", "ㅅㅊ", true}, {"사출 압력", "ㅇㄹ", true},
        {"사출 압력", "ㅅㅇ", false}, {"사출 압력", "사ㅊ", true}, {"사출 압력", "ㅊ ㅇ", true},
        {"쌍", "ㅅ", false}, {"쌍", "ㅆ", true}, {"힣", "ㅎ", true}, {"가", "ㄱ", true},
        {"가", "ㅏ", false}, {"ㄱ", "ㄱ", true}, {"Line1.Press1", "press", true},
        {"line1.press1", "PRESS1", true}, {"line1", "line12", false}, {"°C", "°c", true},
        {"\xea\xb0", "\xb0", true}, {"\xff", "\xff", true}, {"a\xea", "\xea\xb0\x80", false}};
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        if (hangul_contains(str_of(CASES[i].where), str_of(CASES[i].what)) != CASES[i].found) {
            fail_msg("\"%s\" in \"%s\"", CASES[i].what, CASES[i].where);
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(what_is_typed_is_found)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
