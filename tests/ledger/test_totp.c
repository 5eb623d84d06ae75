/*
 * Codes of authenticator apps: the vectors of FIPS 180-4's examples, RFC 2202, RFC 4648 and
 * RFC 6238 appendix B (its SHA-1 column has eight digits; six are the low ones), drift, and that a
 * step opens once.
 */
#include "ledger/totp.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "core/clock.h"
#include "ledger/sha1.h"

static const uint8_t *const SECRET = (const uint8_t *)"12345678901234567890";

static void expect_hex(const uint8_t hash[SHA1_BYTES], const char *hex) {
    char text[2 * SHA1_BYTES + 1];
    for (size_t i = 0; i < SHA1_BYTES; i++) {
        (void)snprintf(text + 2 * i, 3, "%02x", hash[i]);
    }
    assert_string_equal(text, hex);
}

static void sha1_gives_the_published_hashes(void **state) {
    (void)state;
    static const struct {
        const char *message;
        const char *hash;
    } CASES[] = {{"", "da39a3ee5e6b4b0d3255bfef95601890afd80709"},
        {"abc", "a9993e364706816aba3e25717850c26c9cd0d89d"},
        {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
            "84983e441c3bd26ebaae4aa1f95129e5e54670f1"}};
    uint8_t hash[SHA1_BYTES];
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        sha1(str_of(CASES[i].message), hash);
        expect_hex(hash, CASES[i].hash);
    }
    static char million[1000000];
    memset(million, 'a', sizeof million);
    sha1((struct str){million, sizeof million}, hash);
    expect_hex(hash, "34aa973cd4c4daa4f61eeb2bdbad27316534016f");
}

static void hmac_gives_the_codes_of_rfc_2202(void **state) {
    (void)state;
    uint8_t mac[SHA1_BYTES];
    hmac_sha1(STR("Jefe"), STR("what do ya want for nothing?"), mac);
    expect_hex(mac, "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79");
    char key[20];
    char data[50];
    memset(key, 0xaa, sizeof key);
    memset(data, 0xdd, sizeof data);
    hmac_sha1((struct str){key, sizeof key}, (struct str){data, sizeof data}, mac);
    expect_hex(mac, "125d7342b9ac11cd91a39af48aa17b4f63f175d3");
}

static void codes_are_those_of_rfc_6238(void **state) {
    (void)state;
    static const struct {
        int64_t time_s;
        uint32_t code; // Of eight digits.
    } CASES[] = {{59, 94287082}, {1111111109, 7081804}, {1111111111, 14050471},
        {1234567890, 89005924}, {2000000000, 69279037}, {20000000000, 65353130}};
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        /* 20000000000 s is beyond nanoseconds of 64 bits, so its step is taken as it is. */
        int64_t step = CASES[i].time_s / TOTP_STEP_S;
        if (CASES[i].time_s < 9000000000) {
            assert_int_equal(totp_step_at(CASES[i].time_s * NS_PER_S), step);
        }
        assert_int_equal(totp_code(SECRET, step), CASES[i].code % 1000000);
    }
}

static void a_code_opens_within_a_step_of_its_own_and_once(void **state) {
    (void)state;
    const int64_t step = 37037036; // 1111111080 s
    const int64_t now = 1111111109 * NS_PER_S;
    const struct str code = STR("081804");
    assert_int_equal(totp_find(SECRET, code, now, 0), step);
    assert_int_equal(totp_find(SECRET, STR(" 081 804 "), now, 0), step);
    assert_int_equal(totp_find(SECRET, code, now + 30 * NS_PER_S, 0), step);
    assert_int_equal(totp_find(SECRET, code, now - 30 * NS_PER_S, 0), step);
    assert_int_equal(totp_find(SECRET, code, now + 31 * NS_PER_S, 0), -1);
    assert_int_equal(totp_find(SECRET, code, now - 60 * NS_PER_S, 0), -1);
    assert_int_equal(totp_find(SECRET, code, now, step), -1); // Used.
    assert_int_equal(totp_find(SECRET, code, now, step - 1), step);
}

static void what_is_no_code_opens_nothing(void **state) {
    (void)state;
    static const char *const TEXTS[] = {"", "81804", "0818040", "08180a", "-81804", "081805"};
    for (size_t i = 0; i < sizeof TEXTS / sizeof TEXTS[0]; i++) {
        assert_int_equal(totp_find(SECRET, str_of(TEXTS[i]), 1111111109 * NS_PER_S, 0), -1);
    }
}

static void base32_is_that_of_rfc_4648(void **state) {
    (void)state;
    static const char *const CASES[][2] = {{"", ""}, {"f", "MY"}, {"fo", "MZXQ"}, {"foo", "MZXW6"},
        {"foob", "MZXW6YQ"}, {"fooba", "MZXW6YTB"}, {"foobar", "MZXW6YTBOI"}};
    char text[32];
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        base32_text((const uint8_t *)CASES[i][0], strlen(CASES[i][0]), text);
        assert_string_equal(text, CASES[i][1]);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sha1_gives_the_published_hashes),
        cmocka_unit_test(hmac_gives_the_codes_of_rfc_2202),
        cmocka_unit_test(codes_are_those_of_rfc_6238),
        cmocka_unit_test(a_code_opens_within_a_step_of_its_own_and_once),
        cmocka_unit_test(what_is_no_code_opens_nothing),
        cmocka_unit_test(base32_is_that_of_rfc_4648),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
