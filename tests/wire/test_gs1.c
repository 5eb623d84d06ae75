/* GS1 codes: the examples of the General Specifications, and what shops' labels look like. */
#include "wire/gs1.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "core/buf.h"
#include "core/random.h"

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

/* What is put together by clause 7.8 (predefined lengths need no FNC1) comes apart as it was: with
 * a mark or without, and written for people. */
static void what_is_put_together_comes_apart_the_same(void **state) {
    (void)state;
    static const struct {
        const char *ai;
        const char *value; // NULL: made of letters.
        bool fixed;
    } PARTS[] = {{"01", "08801234567893", true}, {"11", "260131", true}, {"17", "261200", true},
        {"10", NULL, false}, {"21", NULL, false}, {"37", "24", false}, {"3102", "001250", true},
        {"400", NULL, false}, {"410", "8801234000000", true}, {"241", NULL, false}};
    enum { COUNT = sizeof PARTS / sizeof PARTS[0] };
    struct random random;
    random_seed(&random, 20260102);
    for (int round = 0; round < 3000; round++) {
        AUTO_BUF struct buf code;
        AUTO_BUF struct buf written;
        char values[6][24];
        size_t which[6];
        size_t count = 1 + random_below(&random, 6);
        buf_init(&code, 1024);
        buf_init(&written, 1024);
        buf_put_str(&code, random_below(&random, 2) == 0 ? STR("]d2") : STR("]C1"));
        for (size_t i = 0; i < count; i++) {
            which[i] = random_below(&random, COUNT);
            size_t size = 1 + random_below(&random, 20);
            for (size_t k = 0; k < size; k++) {
                values[i][k] = "0123456789ABCZabcz-./"[random_below(&random, 21)];
            }
            values[i][size] = '\0';
            const char *value = PARTS[which[i]].value;
            (void)str_copy_z(str_of(value != NULL ? value : values[i]), values[i], 24);
            buf_printf(&code, "%s%s%s", PARTS[which[i]].ai, values[i],
                PARTS[which[i]].fixed || i + 1 == count ? "" : "\x1d");
            buf_printf(&written, "(%s)%s", PARTS[which[i]].ai, values[i]);
        }
        const struct str texts[2] = {buf_str(&code), buf_str(&written)};
        for (size_t form = 0; form < 2; form++) {
            struct gs1_code parts;
            assert_int_equal(gs1_parse(texts[form], &parts, NULL), 0);
            assert_int_equal(parts.count, count);
            for (size_t i = 0; i < count; i++) {
                assert_true(str_eq(parts.elements[i].ai, str_of(PARTS[which[i]].ai)));
                assert_true(str_eq(parts.elements[i].value, str_of(values[i])));
            }
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_put_together_comes_apart_the_same),

        cmocka_unit_test(codes_are_taken_apart),
        cmocka_unit_test(plain_numbers_with_a_check_digit_are_items),
        cmocka_unit_test(what_is_wrong_is_said),
        cmocka_unit_test(dates_have_a_century_and_a_last_day),
        cmocka_unit_test(an_epc_gives_item_and_serial),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
