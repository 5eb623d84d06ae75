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

static size_t from_base64(const char *text, uint8_t *to) {
    static const char LETTERS[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    uint32_t bits = 0;
    int count = 0;
    size_t size = 0;
    for (; *text != '\0' && *text != '='; text++) {
        bits = bits << 6 | (uint32_t)(strchr(LETTERS, *text) - LETTERS);
        count += 6;
        if (count >= 8) {
            count -= 8;
            to[size++] = (uint8_t)(bits >> count);
        }
    }
    return size;
}

/* RFC 7677 section 3: user "user", password "pencil". The server knows what is stored alone. */
static void a_stored_verifier_checks_the_exchange_of_rfc_7677(void **state) {
    (void)state;
    const struct str message = STR("n=user,r=rOprNGfwEbeRWgbNEkqO,"
                                   "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,"
                                   "s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096,"
                                   "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0");
    uint8_t salt[SALT_BYTES];
    uint8_t proof[64];
    uint8_t wanted[64];
    assert_int_equal(from_base64("W22ZaJ0SNY7soEsUEjb6gQ==", salt), 16);
    assert_int_equal(from_base64("dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=", proof), 32);
    assert_int_equal(from_base64("6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=", wanted), 32);
    uint8_t stored[HASH_BYTES];
    uint8_t server[HASH_BYTES];
    uint8_t mac[HASH_BYTES];
    uint8_t client[HASH_BYTES];
    scram_keys(STR("pencil"), salt, sizeof salt, 4096, stored, server);
    hmac_sha256((struct str){(const char *)stored, HASH_BYTES}, message, mac);
    for (size_t i = 0; i < HASH_BYTES; i++) {
        client[i] = proof[i] ^ mac[i];
    }
    sha256_two((struct str){(const char *)client, HASH_BYTES}, STR_NONE, mac);
    assert_memory_equal(mac, stored, HASH_BYTES); // The client knew the password.
    hmac_sha256((struct str){(const char *)server, HASH_BYTES}, message, mac);
    assert_memory_equal(mac, wanted, HASH_BYTES); // And so does the server.
}

static void a_verifier_names_its_parts_and_has_its_own_salt(void **state) {
    (void)state;
    char text[2][SCRAM_TEXT_MAX];
    scram_verifier(STR("maru_secret"), text[0]);
    scram_verifier(STR("maru_secret"), text[1]);
    assert_true(str_starts(str_of(text[0]), STR("SCRAM-SHA-256$4096:")));
    assert_string_not_equal(text[0], text[1]);
    struct str rest = str_of(text[0]);
    (void)str_cut(&rest, ':');
    char salt_text[40];
    (void)str_copy_z(str_cut(&rest, '$'), salt_text, sizeof salt_text);
    uint8_t salt[SALT_BYTES];
    uint8_t stored[HASH_BYTES];
    uint8_t server[HASH_BYTES];
    uint8_t told[64];
    assert_int_equal(from_base64(salt_text, salt), SCRAM_SALT_BYTES);
    scram_keys(STR("maru_secret"), salt, sizeof salt, SCRAM_ITERATIONS, stored, server);
    char key[64];
    (void)str_copy_z(str_cut(&rest, ':'), key, sizeof key);
    assert_int_equal(from_base64(key, told), HASH_BYTES);
    assert_memory_equal(told, stored, HASH_BYTES);
    (void)str_copy_z(rest, key, sizeof key);
    assert_int_equal(from_base64(key, told), HASH_BYTES);
    assert_memory_equal(told, server, HASH_BYTES);
}

static void a_small_seal_opens_for_its_owner_under_its_key(void **state) {
    (void)state;
    static const uint8_t KEY[SEAL_KEY_BYTES] = "a key of thirty-two bytes.......";
    static const uint8_t OTHER[SEAL_KEY_BYTES] = "another key of thirty-two bytes.";
    uint8_t sealed[6 + SEAL_OVERHEAD];
    uint8_t plain[6];
    small_seal(KEY, STR("kim"), STR("secret"), sealed);
    struct str box = {(const char *)sealed, sizeof sealed};
    assert_true(small_open(KEY, STR("kim"), box, plain));
    assert_memory_equal(plain, "secret", 6);
    assert_false(small_open(OTHER, STR("kim"), box, plain));
    assert_false(small_open(KEY, STR("lee"), box, plain));
    assert_false(small_open(KEY, STR("kim"), str_slice(box, 0, SEAL_OVERHEAD - 1), plain));
    for (size_t i = 0; i < sizeof sealed; i++) {
        sealed[i] ^= 1;
        assert_false(small_open(KEY, STR("kim"), box, plain));
        sealed[i] ^= 1;
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_stored_verifier_checks_the_exchange_of_rfc_7677),
        cmocka_unit_test(a_verifier_names_its_parts_and_has_its_own_salt),
        cmocka_unit_test(a_small_seal_opens_for_its_owner_under_its_key),
        cmocka_unit_test(a_password_matches_its_hash_and_nothing_else),
        cmocka_unit_test(the_same_password_has_another_hash_each_time),
        cmocka_unit_test(a_password_has_8_to_256_bytes_of_text),
        cmocka_unit_test(secrets_differ_and_their_hashes_depend_on_the_purpose),
        cmocka_unit_test(sha256_of_two_parts_is_that_of_both_together),
        cmocka_unit_test(ids_sort_by_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
