/* Values of log batches: what goes in comes out, bit for bit, and takes the room it should. */
#include "support_history.h"

#include <math.h>
#include <string.h>

#include "core/mem.h"
#include "core/random.h"
#include "historian/decimal.h"
#include "historian/wal_pack.h"

enum { ROWS_MAX = 2000 };

struct packing {
    struct sample rows[ROWS_MAX];
    struct sample back[ROWS_MAX];
    uint32_t count;
    struct buf bytes;
};

static struct packing *packing_new(uint32_t count, uint8_t type) {
    struct packing *packing = MEM_NEW(struct packing);
    buf_init(&packing->bytes, 1 << 20);
    packing->count = count;
    for (uint32_t i = 0; i < count; i++) {
        packing->rows[i].type = type;
    }
    return packing;
}

/* Packs, unpacks, compares all bits, and frees. Returns the bytes taken. */
static size_t expect_same_and_free(struct packing *packing) {
    wal_pack(&packing->bytes, packing->rows, packing->count);
    assert_false(packing->bytes.overflow);
    for (uint32_t i = 0; i < packing->count; i++) {
        packing->back[i].type = packing->rows[i].type;
    }
    struct reader from = reader_of(packing->bytes.data, packing->bytes.size);
    assert_true(wal_unpack(&from, packing->back, packing->count));
    assert_int_equal(reader_left(&from), 0);
    for (uint32_t i = 0; i < packing->count; i++) {
        assert_int_equal(packing->rows[i].value.i64, packing->back[i].value.i64);
    }
    size_t size = packing->bytes.size;
    buf_fini(&packing->bytes);
    mem_free(packing);
    return size;
}

static void a_scan_of_sensors_takes_two_bytes_a_value(void **state) {
    (void)state;
    struct random random;
    random_seed(&random, 1);
    struct packing *packing = packing_new(1000, TYPE_F64);
    for (uint32_t i = 0; i < packing->count; i++) {
        packing->rows[i].value.f64 = round(random_unit(&random) * 2500) / 10;
    }
    assert_in_range(expect_same_and_free(packing), 1000, 2100);
}

/* A value that is no short decimal costs itself, not its neighbours. */
static void a_few_others_stand_beside(void **state) {
    (void)state;
    static const double odd[] = {NAN, -NAN, INFINITY, -INFINITY, -0.0, 0.1 + 0.2, 1e300, 5e-324};
    struct packing *packing = packing_new(1024, TYPE_F64);
    for (uint32_t i = 0; i < packing->count; i++) {
        bool is_odd = i % 64 == 7;
        packing->rows[i].value.f64 = is_odd ? odd[i / 64 % 8] : (double)(i % 100) / 100;
    }
    assert_in_range(expect_same_and_free(packing), 1024, 1024 + 16 * 9 + 4 * 8);
}

static void any_bits_come_back(void **state) {
    (void)state;
    struct random random;
    random_seed(&random, 7);
    for (uint32_t round = 0; round < 400; round++) {
        uint32_t count = (uint32_t)(random_u64(&random) % ROWS_MAX) + 1;
        uint32_t kind = round % 5;
        struct packing *packing = packing_new(count, kind < 3 ? TYPE_F64 : TYPE_I64);
        uint32_t exponent = (uint32_t)(random_u64(&random) % 23);
        uint32_t shift = (uint32_t)(random_u64(&random) % 64);
        for (uint32_t i = 0; i < count; i++) {
            uint64_t bits = random_u64(&random);
            struct sample *row = &packing->rows[i];
            switch (kind) {
            case 0: row->value.i64 = (int64_t)bits; break; // Any double, NaN payloads too.
            case 1:
                row->value.f64 = (double)(int64_t)(bits >> shift) / decimal_powers[exponent];
                break;
            case 2: row->value.f64 = bits % 9 == 0 ? 1.0 / 3 : (double)(bits % 1000) / 1000; break;
            case 3: row->value.i64 = (int64_t)(bits >> shift); break;
            default: row->value.i64 = i % 2 == 0 ? INT64_MIN : INT64_MAX; break;
            }
        }
        assert_true(expect_same_and_free(packing) <= (size_t)count * 8 + count / 256 + 1);
    }
}

/* The last group is seldom whole, and its last value may be the odd one. */
static void every_count_comes_back_whatever_is_last(void **state) {
    (void)state;
    struct random random;
    random_seed(&random, 11);
    static const double odd[] = {1.0 / 3, NAN, -0.0, 0x1.99999ap-4};
    for (uint32_t count = 1; count <= 600; count++) {
        for (uint32_t which = 0; which < 4; which++) {
            struct packing *packing = packing_new(count, TYPE_F64);
            for (uint32_t i = 0; i < count; i++) {
                bool is_odd = i + 1 == count || random_u64(&random) % 40 == 0;
                packing->rows[i].value.f64 =
                    is_odd ? odd[which] : (double)(random_u64(&random) % 1000) / 10;
            }
            assert_true(expect_same_and_free(packing) <= (size_t)count * 8 + count / 256 + 1);
        }
    }
}

static void whole_numbers_stand_above_the_smallest(void **state) {
    (void)state;
    struct packing *packing = packing_new(512, TYPE_I64);
    for (uint32_t i = 0; i < packing->count; i++) {
        packing->rows[i].value.i64 = INT64_MIN + 3 + (int64_t)(i % 200);
    }
    assert_in_range(expect_same_and_free(packing), 512, 560);
    packing = packing_new(256, TYPE_BOOL);
    assert_in_range(expect_same_and_free(packing), 1, 4);
}

static void what_is_not_well_formed_is_refused(void **state) {
    (void)state;
    static const struct {
        uint8_t bytes[12];
        size_t size;
    } bad[] = {
        {{0}, 0},                                     // Nothing.
        {{5 << 5, 0, 0}, 3},                          // A width that is none.
        {{4 << 5 | 1}, 9},                            // Plain has no exponent.
        {{1 << 5 | 23, 0, 0, 1, 2}, 5},               // An exponent that is none.
        {{1 << 5, 0, 0, 1}, 4},                       // One of two values.
        {{4 << 5, 1, 2, 3, 4, 5, 6, 7, 8, 9}, 10},    // Plain, one and a bit.
        {{0, 1, 2, 1, 2, 3, 4, 5, 6, 7, 8, 0}, 12},   // An exception behind the last row.
        {{0, 200, 0, 1, 2, 3, 4, 5, 6, 7, 8, 0}, 12}, // More exceptions than bytes.
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct sample rows[2] = {{.type = TYPE_F64}, {.type = TYPE_F64}};
        struct reader from = reader_of(bad[i].bytes, bad[i].size);
        assert_false(wal_unpack(&from, rows, 2));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_scan_of_sensors_takes_two_bytes_a_value),
        cmocka_unit_test(a_few_others_stand_beside),
        cmocka_unit_test(any_bits_come_back),
        cmocka_unit_test(every_count_comes_back_whatever_is_last),
        cmocka_unit_test(whole_numbers_stand_above_the_smallest),
        cmocka_unit_test(what_is_not_well_formed_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
