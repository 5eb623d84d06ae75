/*
 * Status codes in words and symbols.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "core/err.h"
#include "model/sample.h"

static const uint32_t CODES[] = {
#define STATUS(name, code, en, ko) (code),
#include "model/status.def"
#undef STATUS
};

static void every_status_has_a_symbol_and_both_languages(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof CODES / sizeof CODES[0]; i++) {
        const char *symbol = status_name(CODES[i]);
        assert_non_null(symbol);
        static const char *const BEGINNINGS[] = {"Good", "Uncertain", "Bad"};
        assert_true(str_starts(str_of(symbol), str_of(BEGINNINGS[status_quality(CODES[i])])));
        const char *korean = status_words(CODES[i], LANG_KO);
        const char *english = status_words(CODES[i], LANG_EN);
        assert_true(strlen(korean) > 0 && strlen(english) > 0);
        assert_string_not_equal(korean, english);
        assert_true((unsigned char)korean[0] >= 0x80); // Hangul.
    }
}

/* Codes from IEC 62541-4 table A / StatusCode.csv. */
static void known_codes_have_their_standard_symbol(void **state) {
    (void)state;
    assert_string_equal(status_name((uint32_t)STATUS_BAD_OUT_OF_RANGE), "BadOutOfRange");
    assert_string_equal(status_name((uint32_t)STATUS_BAD_COMMUNICATION), "BadCommunicationError");
    assert_string_equal(status_name(0x40940000u), "UncertainEngineeringUnitsExceeded");
    assert_string_equal(status_name(0), "Good");
}

static void information_bits_do_not_make_another_status(void **state) {
    (void)state;
    assert_string_equal(status_name(0x800A0000u | 0x0480u), "BadTimeout");
    assert_string_equal(status_words(0x800A0000u | 0x0480u, LANG_EN), "no answer in time");
}

static void an_unknown_status_is_told_by_its_severity(void **state) {
    (void)state;
    assert_null(status_name(0x80FF0000u));
    assert_string_equal(status_words(0x80FF0000u, LANG_EN), "bad");
    assert_string_equal(status_words(0x40FF0000u, LANG_EN), "uncertain");
    assert_string_equal(status_words(0x00FF0000u, LANG_EN), "good");
    assert_string_equal(status_words(0xFFFFFFFFu, LANG_EN), "bad");
    assert_string_equal(status_words(0x80FF0000u, 77), status_words(0x80FF0000u, LANG_KO));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_status_has_a_symbol_and_both_languages),
        cmocka_unit_test(known_codes_have_their_standard_symbol),
        cmocka_unit_test(information_bits_do_not_make_another_status),
        cmocka_unit_test(an_unknown_status_is_told_by_its_severity),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
