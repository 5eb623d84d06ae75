/*
 * Batches, qualities and types.
 */
#include "model/sample.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "core/limits.h"

static void a_row_is_added_zeroed_until_the_batch_is_full(void **state) {
    (void)state;
    AUTO_BATCH struct batch *batch = batch_new(2, 0);
    struct sample *first = batch_add(batch);
    assert_non_null(first);
    first->tag = 7;
    first->status = 1;
    assert_non_null(batch_add(batch));
    assert_null(batch_add(batch));
    assert_int_equal(batch->count, 2);
    assert_int_equal(batch->rows[0].tag, 7);
    batch_clear(batch);
    assert_int_equal(batch->count, 0);
    static const struct sample ZERO;
    assert_memory_equal(batch_add(batch), &ZERO, sizeof ZERO);
}

static void clearing_forgets_everything_but_the_memory(void **state) {
    (void)state;
    AUTO_BATCH struct batch *batch = batch_new(2, 4);
    assert_true(batch_add_text(batch, 1, 1, STR("abcd")));
    batch->request_ns = 1;
    batch->reply_ns = 2;
    batch->source = 3;
    batch->seq = 4;
    const struct sample *rows = batch->rows;
    batch_clear(batch);
    assert_ptr_equal(batch->rows, rows);
    assert_int_equal(batch->text_size, 0);
    assert_int_equal(batch->request_ns + batch->reply_ns, 0);
    assert_int_equal(batch->source, 0);
    assert_int_equal(batch->seq, 0);
    assert_int_equal(batch->capacity, 2);
}

static void texts_come_back_as_they_were_added(void **state) {
    (void)state;
    AUTO_BATCH struct batch *batch = batch_new(4, 10);
    assert_true(batch_add_text(batch, 1, 100, STR("정지")));
    assert_true(batch_add_text(batch, 2, 200, STR_NONE));
    assert_true(batch_add_text(batch, 3, 300, STR("abcd")));
    assert_true(str_eq(batch_text(batch, &batch->rows[0]), STR("정지")));
    assert_true(str_eq(batch_text(batch, &batch->rows[1]), STR("")));
    assert_true(str_eq(batch_text(batch, &batch->rows[2]), STR("abcd")));
    assert_int_equal(batch->rows[2].type, TYPE_TEXT);
    assert_int_equal(batch->rows[2].time_ns, 300);
}

static void a_text_that_does_not_fit_adds_nothing(void **state) {
    (void)state;
    AUTO_BATCH struct batch *batch = batch_new(2, 5);
    assert_false(batch_add_text(batch, 1, 1, STR("123456")));
    assert_int_equal(batch->count, 0);
    assert_true(batch_add_text(batch, 1, 1, STR("12345")));
    assert_false(batch_add_text(batch, 1, 1, STR("1")));
    assert_true(batch_add_text(batch, 1, 1, STR("")));
    assert_false(batch_add_text(batch, 1, 1, STR(""))); // Rows are full.
    assert_int_equal(batch->count, 2);
    AUTO_BATCH struct batch *without = batch_new(1, 0);
    assert_false(batch_add_text(without, 1, 1, STR("1")));
}

static void the_largest_batch_can_be_made(void **state) {
    (void)state;
    AUTO_BATCH struct batch *batch = batch_new(LIMIT_BATCH_ROWS, LIMIT_BATCH_TEXT_BYTES);
    assert_int_equal(batch->capacity, LIMIT_BATCH_ROWS);
    batch_free(NULL);
}

static void severity_bits_give_the_quality(void **state) {
    (void)state;
    static const struct {
        uint32_t status;
        enum quality quality;
    } CASES[] = {
        {0x00000000u, QUALITY_GOOD},
        {0x3FFFFFFFu, QUALITY_GOOD},
        {0x40000000u, QUALITY_UNCERTAIN},
        {0x7FFFFFFFu, QUALITY_UNCERTAIN},
        {0x80000000u, QUALITY_BAD},
        {0xC0000000u, QUALITY_BAD}, // Reserved: taken for the worst.
        {0xFFFFFFFFu, QUALITY_BAD},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        assert_int_equal(status_quality(CASES[i].status), CASES[i].quality);
    }
}

static void a_bad_status_tells_whether_a_value_came_with_it(void **state) {
    (void)state;
    static const struct {
        int64_t status;
        bool has;
    } CASES[] = {
        {STATUS_GOOD, true}, {STATUS_GOOD_CLAMPED, true}, {STATUS_UNCERTAIN, true},
        {STATUS_UNCERTAIN_LAST_USABLE, true}, {STATUS_BAD, true}, // An import's "bad".
        {STATUS_BAD_SENSOR_FAILURE, true}, {STATUS_BAD_OUT_OF_RANGE, true},
        {STATUS_BAD_TYPE_MISMATCH, true}, {STATUS_BAD_COMMUNICATION, false},
        {STATUS_BAD_TIMEOUT, false}, {STATUS_BAD_DEVICE_FAILURE, false},
        {STATUS_BAD_DATA_ENCODING, false}, {STATUS_BAD_NOT_CONNECTED, false},
        {STATUS_BAD_CONFIGURATION, false}, {STATUS_BAD_NO_DATA, false},
        {0x803C0400, true},  // The low half is not looked at.
        {0x800A0400, false}, // Likewise.
        {0x80FF0000, false}, // Unknown.
    };
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        if (status_has_value((uint32_t)CASES[i].status) != CASES[i].has) {
            fail_msg("%08x", (unsigned)CASES[i].status);
        }
    }
}

static void names_go_both_ways(void **state) {
    (void)state;
    for (int i = QUALITY_GOOD; i <= QUALITY_BAD; i++) {
        enum quality quality = QUALITY_GOOD;
        assert_true(quality_of_name(str_of(quality_name((enum quality)i)), &quality));
        assert_int_equal(quality, i);
    }
    for (int i = TYPE_F64; i <= TYPE_TEXT; i++) {
        enum value_type type = TYPE_F64;
        assert_true(value_type_of_name(str_of(value_type_name((enum value_type)i)), &type));
        assert_int_equal(type, i);
    }
    enum quality quality = QUALITY_BAD;
    enum value_type type = TYPE_TEXT;
    assert_false(quality_of_name(STR("Good"), &quality));
    assert_false(value_type_of_name(STR("float"), &type));
    assert_false(value_type_of_name(STR(""), &type));
    assert_string_equal(quality_name((enum quality)9), "bad");
    assert_string_equal(value_type_name((enum value_type)0), "none");
    assert_string_equal(value_type_name((enum value_type)5), "none");
}

static void a_number_is_a_number_and_a_text_is_none(void **state) {
    (void)state;
    assert_true(sample_number(&(struct sample){.type = TYPE_F64, .value.f64 = 1.5}) == 1.5);
    assert_true(sample_number(&(struct sample){.type = TYPE_I64, .value.i64 = -3}) == -3.0);
    assert_true(sample_number(&(struct sample){.type = TYPE_BOOL, .value.i64 = 1}) == 1.0);
    assert_true(isnan(sample_number(&(struct sample){.type = TYPE_TEXT})));
    assert_true(isnan(sample_number(&(struct sample){.type = 0})));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_row_is_added_zeroed_until_the_batch_is_full),
        cmocka_unit_test(clearing_forgets_everything_but_the_memory),
        cmocka_unit_test(texts_come_back_as_they_were_added),
        cmocka_unit_test(a_text_that_does_not_fit_adds_nothing),
        cmocka_unit_test(the_largest_batch_can_be_made),
        cmocka_unit_test(severity_bits_give_the_quality),
        cmocka_unit_test(a_bad_status_tells_whether_a_value_came_with_it),
        cmocka_unit_test(names_go_both_ways),
        cmocka_unit_test(a_number_is_a_number_and_a_text_is_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
