/*
 * Checksums against published vectors, and both ways of computing them against each other.
 */
#include "core/hash.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "core/random.h"

/* RFC 3720 appendix B.4 prints the CRC bytes in wire order; here as numbers. */
static void crc32c_matches_the_vectors_of_rfc_3720(void **state) {
    (void)state;
    uint8_t data[32];
    memset(data, 0, sizeof data);
    assert_int_equal(crc32c(0, data, 32), 0x8A9136AA);
    memset(data, 0xFF, sizeof data);
    assert_int_equal(crc32c(0, data, 32), 0x62A8AB43);
    for (uint8_t i = 0; i < 32; i++) {
        data[i] = i;
    }
    assert_int_equal(crc32c(0, data, 32), 0x46DD794E);
    for (uint8_t i = 0; i < 32; i++) {
        data[i] = (uint8_t)(31 - i);
    }
    assert_int_equal(crc32c(0, data, 32), 0x113FDB5C);
    assert_int_equal(crc32c(0, "123456789", 9), 0xE3069283);
    assert_int_equal(crc32c(0, "", 0), 0);
}

static void both_ways_agree_at_every_length_and_alignment(void **state) {
    (void)state;
    uint8_t data[300];
    struct random random;
    random_seed(&random, 1);
    for (size_t i = 0; i < sizeof data; i++) {
        data[i] = (uint8_t)random_u64(&random);
    }
    for (size_t start = 0; start < 9; start++) {
        for (size_t size = 0; size + start <= sizeof data; size++) {
            assert_int_equal(crc32c(7, data + start, size), crc32c_portable(7, data + start, size));
        }
    }
}

static void a_crc_can_be_continued(void **state) {
    (void)state;
    static const char TEXT[] = "the quick brown fox jumps over the lazy dog";
    uint32_t whole = crc32c(0, TEXT, sizeof TEXT);
    for (size_t cut = 0; cut <= sizeof TEXT; cut++) {
        uint32_t first = crc32c(0, TEXT, cut);
        assert_int_equal(crc32c(first, TEXT + cut, sizeof TEXT - cut), whole);
    }
}

/* Appendix A of the paper: the key 00 01 .. 0f, messages 00 01 .. of 0, 8 and 15 bytes. */
static void siphash_matches_the_published_vectors(void **state) {
    (void)state;
    const uint64_t key[2] = {0x0706050403020100ULL, 0x0F0E0D0C0B0A0908ULL};
    uint8_t message[16];
    for (uint8_t i = 0; i < sizeof message; i++) {
        message[i] = i;
    }
    assert_true(hash_keyed(key, message, 0) == 0x726FDB47DD0E0E31ULL);
    assert_true(hash_keyed(key, message, 8) == 0x93F5F5799A932462ULL);
    assert_true(hash_keyed(key, message, 15) == 0xA129CA6149BE45E5ULL);
    const uint64_t other[2] = {key[0], key[1] ^ 1};
    assert_true(hash_keyed(other, message, 15) != 0xA129CA6149BE45E5ULL);
}

static void any_flipped_bit_changes_the_crc(void **state) {
    (void)state;
    uint8_t data[64] = "some stored block";
    uint32_t before = crc32c(0, data, sizeof data);
    for (size_t bit = 0; bit < sizeof data * 8; bit++) {
        data[bit / 8] ^= (uint8_t)(1 << bit % 8);
        assert_int_not_equal(crc32c(0, data, sizeof data), before);
        data[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
}

static void hash64_spreads_similar_keys(void **state) {
    (void)state;
    enum { KEYS = 20000, SLOTS = 1 << 15 };
    static uint8_t load[SLOTS];
    memset(load, 0, sizeof load);
    unsigned fullest = 0;
    for (uint32_t i = 0; i < KEYS; i++) {
        char key[] = "plant.line.press.t00000";
        for (uint32_t digit = 0, rest = i; digit < 5; digit++, rest /= 10) {
            key[sizeof key - 2 - digit] = (char)('0' + rest % 10);
        }
        uint8_t *slot = &load[hash64(key, sizeof key - 1) % SLOTS];
        *slot = (uint8_t)(*slot + 1);
        fullest = *slot > fullest ? *slot : fullest;
    }
    assert_true(fullest <= 8); // Random keys give 6 or 7.
    assert_true(hash64("a", 1) != hash64("a\0", 2));
    assert_true(hash64("", 0) != hash64("\0", 1));
    assert_true(hash64(NULL, 0) == hash64("", 0));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(crc32c_matches_the_vectors_of_rfc_3720),
        cmocka_unit_test(both_ways_agree_at_every_length_and_alignment),
        cmocka_unit_test(a_crc_can_be_continued),
        cmocka_unit_test(siphash_matches_the_published_vectors),
        cmocka_unit_test(any_flipped_bit_changes_the_crc),
        cmocka_unit_test(hash64_spreads_similar_keys),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
