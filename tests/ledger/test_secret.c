/*
 * Passwords, secrets and hashes.
 */
#include "ledger/secret.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static void a_password_matches_its_hash_and_nothing_else(void **state) {
    (void)state;
    char hash[PASSWORD_HASH_MAX];
    assert_int_equal(password_hash(STR("비밀번호 1234"), hash, NULL), 0);
    assert_true(str_starts(str_of(hash), STR("$argon2id$v=19$m=32768,t=3,p=1$")));
    assert_true(password_matches(hash, STR("비밀번호 1234")));
    assert_false(password_matches(hash, STR("비밀번호 1235")));
    assert_false(password_matches(hash, STR("")));
    assert_false(password_matches("", STR("비밀번호 1234")));
    assert_false(password_matches(NULL, STR("")));
    assert_false(password_matches("no hash at all", STR("비밀번호 1234")));
}

static void the_same_password_has_another_hash_each_time(void **state) {
    (void)state;
    char first[PASSWORD_HASH_MAX];
    char second[PASSWORD_HASH_MAX];
    assert_int_equal(password_hash(STR("12345678"), first, NULL), 0);
    assert_int_equal(password_hash(STR("12345678"), second, NULL), 0);
    assert_string_not_equal(first, second);
}

static void a_password_has_8_to_256_bytes_of_text(void **state) {
    (void)state;
    char longest[257];
    memset(longest, 'x', sizeof longest);
    const struct {
        struct str password;
        int result;
        enum msg_id msg;
    } cases[] = {
        {STR(""), -ERR_INVALID, MSG_LEDGER_PASSWORD_SIZE},
        {STR("1234567"), -ERR_INVALID, MSG_LEDGER_PASSWORD_SIZE},
        {STR("12345678"), 0, MSG_NONE},
        {{longest, 256}, 0, MSG_NONE},
        {{longest, 257}, -ERR_INVALID, MSG_LEDGER_PASSWORD_SIZE},
        {STR("1234567\xff"), -ERR_INVALID, MSG_LEDGER_PASSWORD_TEXT},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char hash[PASSWORD_HASH_MAX] = "untouched";
        struct err err = ERR_INIT;
        assert_int_equal(password_hash(cases[i].password, hash, &err), cases[i].result);
        if (cases[i].result < 0) {
            assert_int_equal(err.notes[0].msg, cases[i].msg);
            assert_string_equal(hash, "untouched");
        }
    }
}

static void secrets_differ_and_their_hashes_depend_on_the_purpose(void **state) {
    (void)state;
    char first[SECRET_TEXT_MAX];
    char second[SECRET_TEXT_MAX];
    secret_new("maru_", first);
    secret_new("", second);
    assert_int_equal(strlen(first), 48);
    assert_int_equal(strlen(second), 43);
    assert_int_equal(strspn(second, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                    "0123456789-_"),
        43);
    assert_string_not_equal(first + 5, second);
    uint8_t token[HASH_BYTES];
    uint8_t session[HASH_BYTES];
    uint8_t again[HASH_BYTES];
    secret_hash("token", str_of(first), token);
    secret_hash("session", str_of(first), session);
    secret_hash("token", str_of(first), again);
    assert_false(hash_equal(token, session));
    assert_true(hash_equal(token, again));
    again[HASH_BYTES - 1] ^= 1;
    assert_false(hash_equal(token, again));
}

/* FIPS 180-4's example: SHA-256 of "abc". */
static void sha256_of_two_parts_is_that_of_both_together(void **state) {
    (void)state;
    static const uint8_t ABC[HASH_BYTES] = {0xba, 0x78, 0x16, 0xbf, 0x8f, 0x01, 0xcf, 0xea, 0x41,
        0x41, 0x40, 0xde, 0x5d, 0xae, 0x22, 0x23, 0xb0, 0x03, 0x61, 0xa3, 0x96, 0x17, 0x7a, 0x9c,
        0xb4, 0x10, 0xff, 0x61, 0xf2, 0x00, 0x15, 0xad};
    uint8_t hash[HASH_BYTES];
    sha256_two(STR("a"), STR("bc"), hash);
    assert_memory_equal(hash, ABC, HASH_BYTES);
    sha256_two(STR_NONE, STR("abc"), hash);
    assert_memory_equal(hash, ABC, HASH_BYTES);
}

static void ids_sort_by_time(void **state) {
    (void)state;
    char early[40];
    char late[40];
    char same[40];
    id_new(1700000000 * NS_PER_S, early);
    id_new(1700000001 * NS_PER_S, late);
    id_new(1700000001 * NS_PER_S, same);
    assert_int_equal(strlen(early), 36);
    assert_true(strcmp(early, late) < 0);
    assert_string_not_equal(late, same);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_password_matches_its_hash_and_nothing_else),
        cmocka_unit_test(the_same_password_has_another_hash_each_time),
        cmocka_unit_test(a_password_has_8_to_256_bytes_of_text),
        cmocka_unit_test(secrets_differ_and_their_hashes_depend_on_the_purpose),
        cmocka_unit_test(sha256_of_two_parts_is_that_of_both_together),
        cmocka_unit_test(ids_sort_by_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
