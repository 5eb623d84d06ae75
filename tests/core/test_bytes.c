/*
 * The byte cursor: orders, limits and the sticky failure.
 */
#include "core/bytes.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static void numbers_have_the_byte_order_of_their_name(void **state) {
    (void)state;
    AUTO_BUF struct buf buf;
    buf_init(&buf, 1000);
    write_u8(&buf, 0x01);
    write_u16_be(&buf, 0x0203);
    write_u16_le(&buf, 0x0203);
    write_u32_be(&buf, 0x04050607);
    write_u32_le(&buf, 0x04050607);
    write_u64_be(&buf, 0x08090A0B0C0D0E0F);
    write_u64_le(&buf, 0x08090A0B0C0D0E0F);
    write_f64_le(&buf, 1.0);
    static const uint8_t WANT[] = {1, 2, 3, 3, 2, 4, 5, 6, 7, 7, 6, 5, 4, 8, 9, 10, 11, 12, 13, 14,
        15, 15, 14, 13, 12, 11, 10, 9, 8, 0, 0, 0, 0, 0, 0, 0xF0, 0x3F};
    assert_int_equal(buf.size, sizeof WANT);
    assert_memory_equal(buf.data, WANT, sizeof WANT);
    struct reader r = reader_of(buf.data, buf.size);
    assert_int_equal(read_u8(&r), 1);
    assert_int_equal(read_u16_be(&r), 0x0203);
    assert_int_equal(read_u16_le(&r), 0x0203);
    assert_int_equal(read_u32_be(&r), 0x04050607);
    assert_int_equal(read_u32_le(&r), 0x04050607);
    assert_true(read_u64_be(&r) == 0x08090A0B0C0D0E0F);
    assert_true(read_u64_le(&r) == 0x08090A0B0C0D0E0F);
    assert_true(read_f64_le(&r) == 1.0);
    assert_int_equal(reader_left(&r), 0);
    assert_false(r.failed);
}

static void highest_bits_do_not_sign_extend(void **state) {
    (void)state;
    static const uint8_t ONES[] = {255, 255, 255, 255, 255, 255, 255, 255};
    struct reader r = reader_of(ONES, sizeof ONES);
    assert_int_equal(read_u16_be(&r), 0xFFFF);
    assert_int_equal(read_u16_le(&r), 0xFFFF);
    assert_true(read_u32_be(&r) == 0xFFFFFFFF);
    r = reader_of(ONES, sizeof ONES);
    assert_true(read_u64_le(&r) == UINT64_MAX);
}

static void a_read_past_the_end_gives_zero_and_sticks(void **state) {
    (void)state;
    static const uint8_t DATA[] = {1, 2, 3};
    struct reader r = reader_of(DATA, sizeof DATA);
    assert_int_equal(read_u16_be(&r), 0x0102);
    assert_int_equal(read_u32_be(&r), 0);
    assert_true(r.failed);
    assert_int_equal(read_u8(&r), 0); // One byte is there, but the failure sticks.
    assert_int_equal(reader_left(&r), 0);
    assert_null(read_bytes(&r, 0));
    r = reader_of(DATA, sizeof DATA);
    read_skip(&r, SIZE_MAX);
    assert_true(r.failed);
    r = reader_of(NULL, 0);
    assert_non_null(read_bytes(&r, 0));
    assert_int_equal(read_u8(&r), 0);
    assert_true(r.failed);
}

static void borrowed_bytes_lie_in_the_input(void **state) {
    (void)state;
    static const uint8_t DATA[] = {1, 2, 3, 4};
    struct reader r = reader_of(DATA, sizeof DATA);
    read_skip(&r, 1);
    assert_ptr_equal(read_bytes(&r, 3), DATA + 1);
    assert_non_null(read_bytes(&r, 0));
    assert_null(read_bytes(&r, 1));
}

static void varints_round_trip_at_every_length(void **state) {
    (void)state;
    for (unsigned bit = 0; bit < 64; bit++) {
        for (int64_t delta = -1; delta <= 1; delta++) {
            uint64_t value = (1ULL << bit) + (uint64_t)delta;
            AUTO_BUF struct buf buf;
            buf_init(&buf, 64);
            write_varint(&buf, value);
            write_zigzag(&buf, (int64_t)value);
            write_zigzag(&buf, (int64_t)(0 - value));
            struct reader r = reader_of(buf.data, buf.size);
            assert_true(read_varint(&r) == value);
            assert_true(read_zigzag(&r) == (int64_t)value);
            assert_true(read_zigzag(&r) == (int64_t)(0 - value));
            assert_false(r.failed);
            assert_int_equal(reader_left(&r), 0);
        }
    }
}

static void small_numbers_of_both_signs_are_short(void **state) {
    (void)state;
    AUTO_BUF struct buf buf;
    buf_init(&buf, 64);
    write_zigzag(&buf, 63);
    write_zigzag(&buf, -64);
    assert_int_equal(buf.size, 2);
    write_zigzag(&buf, 64);
    assert_int_equal(buf.size, 4);
    buf_clear(&buf);
    write_zigzag(&buf, INT64_MIN);
    struct reader r = reader_of(buf.data, buf.size);
    assert_true(read_zigzag(&r) == INT64_MIN);
}

static void varints_that_do_not_fit_or_end_fail(void **state) {
    (void)state;
    static const struct {
        uint8_t bytes[11];
        size_t size;
        bool ok;
    } CASES[] = {
        {{0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x01}, 10, true}, // 2^64 - 1.
        {{0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x02}, 10, false},
        {{0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x00}, 11, false},
        {{0x80}, 1, false}, {{0}, 0, false},
        {{0x80, 0x00}, 2, true}, // Longer than needed, still one number.
    };
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        struct reader r = reader_of(CASES[i].bytes, CASES[i].size);
        uint64_t value = read_varint(&r);
        assert_int_equal(!r.failed, CASES[i].ok);
        assert_true(CASES[i].ok || value == 0);
    }
}

static void doubles_keep_all_their_bits(void **state) {
    (void)state;
    const double values[] = {0.0, -0.0, 5e-324, 1e308, -1.5, (double)INFINITY, (double)NAN};
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        AUTO_BUF struct buf buf;
        buf_init(&buf, 64);
        write_f64_le(&buf, values[i]);
        struct reader r = reader_of(buf.data, buf.size);
        double back = read_f64_le(&r);
        assert_memory_equal(&back, &values[i], sizeof back);
    }
}

static void late_lengths_can_be_patched(void **state) {
    (void)state;
    AUTO_BUF struct buf buf;
    buf_init(&buf, 8);
    write_u32_le(&buf, 0);
    write_u32_le(&buf, 0xAABBCCDD);
    patch_u32_le(&buf, 0, 0x01020304);
    static const uint8_t WANT[] = {4, 3, 2, 1, 0xDD, 0xCC, 0xBB, 0xAA};
    assert_memory_equal(buf.data, WANT, sizeof WANT);
    write_u8(&buf, 1);
    patch_u32_le(&buf, 100, 1); // After an overflow the place may be missing: nothing happens.
    assert_true(buf.overflow);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_have_the_byte_order_of_their_name),
        cmocka_unit_test(highest_bits_do_not_sign_extend),
        cmocka_unit_test(a_read_past_the_end_gives_zero_and_sticks),
        cmocka_unit_test(borrowed_bytes_lie_in_the_input),
        cmocka_unit_test(varints_round_trip_at_every_length),
        cmocka_unit_test(small_numbers_of_both_signs_are_short),
        cmocka_unit_test(varints_that_do_not_fit_or_end_fail),
        cmocka_unit_test(doubles_keep_all_their_bits),
        cmocka_unit_test(late_lengths_can_be_patched),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
