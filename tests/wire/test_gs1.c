/* GS1 codes: the examples of the General Specifications, and what shops' labels look like. */
#include "wire/gs1.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define FNC1 "\x1d"

static void assert_element(
    const struct gs1_code *code, uint32_t i, const char *ai, const char *value) {
    assert_true(i < code->count);
    assert_true(str_eq(code->elements[i].ai, str_of(ai)));
    assert_true(str_eq(code->elements[i].value, str_of(value)));
}

static void codes_are_taken_apart(void **state) {
    (void)state;
    static const char *const SAME[] = {"]d20108801234567893"
                                       "10LOT-7" FNC1 "172612313103001250"
                                       "21A1",
        FNC1 "010880123456789310LOT-7" FNC1 "17261231310300125021A1",
        "(01)08801234567893(10)LOT-7(17)261231(3103)001250(21)A1"};
    for (size_t i = 0; i < 3; i++) {
        struct gs1_code code;
        struct err err = ERR_INIT;
        assert_int_equal(0, gs1_parse(str_of(SAME[i]), &code, &err));
        assert_int_equal(code.count, 5);
        assert_element(&code, 0, "01", "08801234567893");
        assert_element(&code, 1, "10", "LOT-7");
        assert_element(&code, 2, "17", "261231");
        assert_element(&code, 3, "3103", "001250");
        assert_element(&code, 4, "21", "A1");
        assert_true(str_eq(gs1_find(&code, STR("310")), STR("001250")));
        assert_int_equal(gs1_find(&code, STR("00")).size, 0);
        double weight = 0;
        assert_true(gs1_number(&code.elements[3], &weight));
        assert_true(weight == 1.25);
    }
}

static void plain_numbers_with_a_check_digit_are_items(void **state) {
    (void)state;
    static const char *const ITEMS[] = {
        "8801234567893", "96385074", "036000291452", "18801234567890"};
    for (size_t i = 0; i < 4; i++) {
        struct gs1_code code;
        assert_int_equal(0, gs1_parse(str_of(ITEMS[i]), &code, NULL));
        assert_element(&code, 0, "01", ITEMS[i]);
    }
}

static void what_is_wrong_is_said(void **state) {
    (void)state;
    static const struct {
        const char *code;
        enum msg_id msg;
    } CASES[] = {{"", MSG_GS1_EMPTY}, {"]C1", MSG_GS1_EMPTY}, {FNC1 FNC1, MSG_GS1_EMPTY},
        {"ORDER-7", MSG_GS1_IDENTIFIER}, {"(01)08801234567894", MSG_GS1_CHECK_DIGIT},
        {"(01)0880", MSG_GS1_LENGTH}, {"(17)26AB31", MSG_GS1_LENGTH}, {"(05)1", MSG_GS1_IDENTIFIER},
        {"(1", MSG_GS1_IDENTIFIER}, {"]C110", MSG_GS1_LENGTH}, {"(31)1", MSG_GS1_IDENTIFIER},
        {"(10)123456789012345678901", MSG_GS1_LENGTH}};
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        struct gs1_code code = {.count = 77};
        struct err err = ERR_INIT;
        assert_true(gs1_parse(str_of(CASES[i].code), &code, &err) < 0);
        assert_int_equal(err.notes[0].msg, CASES[i].msg);
        assert_int_equal(code.count, 77);
    }
}

static void dates_have_a_century_and_a_last_day(void **state) {
    (void)state;
    char text[11];
    assert_true(gs1_date(STR("261231"), 2026, text));
    assert_string_equal(text, "2026-12-31");
    assert_true(gs1_date(STR("280200"), 2026, text));
    assert_string_equal(text, "2028-02-29");
    assert_true(gs1_date(STR("770101"), 2026, text)); // 51 years ahead: the century before.
    assert_string_equal(text, "1977-01-01");
    assert_true(gs1_date(STR("760101"), 2026, text));
    assert_string_equal(text, "2076-01-01");
    assert_true(gs1_date(STR("490101"), 1999, text)); // 50 back: the next.
    assert_string_equal(text, "2049-01-01");
    assert_false(gs1_date(STR("261301"), 2026, text));
    assert_false(gs1_date(STR("260230"), 2026, text));
    assert_false(gs1_date(STR("2612"), 2026, text));
}

static void an_epc_gives_item_and_serial(void **state) {
    (void)state;
    /* EPC Tag Data Standard, example of clause 3: urn:epc:tag:sgtin-96:3.0614141.812345.6789 */
    struct gs1_sgtin sgtin;
    assert_true(gs1_epc(STR("3074257BF7194E4000001A85"), &sgtin));
    assert_string_equal(sgtin.gtin, "80614141123458");
    assert_int_equal(sgtin.serial, 6789);
    assert_false(gs1_epc(STR("3174257BF7194E4000001A85"), &sgtin)); // SSCC-96.
    assert_false(gs1_epc(STR("3074257BF7194E4000001A8"), &sgtin));
    assert_false(gs1_epc(STR("30742G7BF7194E4000001A85"), &sgtin));
    assert_false(gs1_epc(STR("307FFFFFFFFFFFFFFFFFFFFF"), &sgtin));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(codes_are_taken_apart),
        cmocka_unit_test(plain_numbers_with_a_check_digit_are_items),
        cmocka_unit_test(what_is_wrong_is_said),
        cmocka_unit_test(dates_have_a_century_and_a_last_day),
        cmocka_unit_test(an_epc_gives_item_and_serial),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
