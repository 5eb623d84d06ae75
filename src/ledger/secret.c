/*
 * Secrets and hashes, by libsodium.
 *
 * Session, token and link secrets are 256 random bits, so one fast hash (BLAKE2b-256, keyed by what
 * the secret is for) is all that must be stored: guessing is hopeless, and a look-up at every
 * request stays cheap. Passwords are guessable and get Argon2id (RFC 9106).
 *
 * Argon2id parameters: 3 passes over 32 MB, one lane. RFC 9106 section 4 recommends 3 passes over
 * 64 MB where memory is constrained; OWASP's floor is 19 MB with 2 passes. 32 MB keeps a sign-in on
 * a factory's small computer within the program's 100 MB while costing an attacker some 35 ms of
 * memory bandwidth a guess. The parameters stand in each hash, so they can be raised later.
 */
#include "ledger/secret.h"

#include <string.h>

#include <sodium.h>

#include "core/check.h"
#include "core/random.h"

enum {
    SECRET_BYTES = 32,
    PASSWORD_MIN_BYTES = 8,
    PASSWORD_MAX_BYTES = 256,
    ARGON2_PASSES = 3,
    ARGON2_MEMORY_BYTES = 32 << 20,
};
_Static_assert(PASSWORD_HASH_MAX >= crypto_pwhash_STRBYTES, "the hash text fits");
_Static_assert(HASH_BYTES == crypto_hash_sha256_BYTES, "SHA-256 has 32 bytes");
_Static_assert(SECRET_TEXT_MAX >= sizeof "maru_" - 1 +
                                      sodium_base64_ENCODED_LEN(
                                          SECRET_BYTES, sodium_base64_VARIANT_URLSAFE_NO_PADDING),
    "prefix and secret fit");

/* Must precede everything else; repeating it is cheap and allowed from any thread. */
static void start(void) {
    CHECK(sodium_init() >= 0);
}

void secret_new(const char *prefix, char ret_secret[SECRET_TEXT_MAX]) {
    start();
    uint8_t bytes[SECRET_BYTES];
    randombytes_buf(bytes, sizeof bytes);
    size_t used = str_copy_z(str_of(prefix), ret_secret, SECRET_TEXT_MAX);
    CHECK(sodium_bin2base64(ret_secret + used, SECRET_TEXT_MAX - used, bytes, sizeof bytes,
              sodium_base64_VARIANT_URLSAFE_NO_PADDING) != NULL);
    sodium_memzero(bytes, sizeof bytes);
}

void secret_hash(const char *purpose, struct str secret, uint8_t ret_hash[HASH_BYTES]) {
    start();
    uint8_t key[crypto_generichash_KEYBYTES_MIN] = {0};
    size_t size = strlen(purpose);
    CHECK(size < sizeof key);
    memcpy(key, purpose, size);
    CHECK(crypto_generichash(ret_hash, HASH_BYTES, (const uint8_t *)secret.data, secret.size, key,
              sizeof key) == 0);
}

void id_new(int64_t now_ns, char ret_id[40]) {
    struct random random;
    random_seed_system(&random);
    uuid_v7(&random, now_ns, ret_id);
}

bool hash_equal(const uint8_t a[HASH_BYTES], const uint8_t b[HASH_BYTES]) {
    return sodium_memcmp(a, b, HASH_BYTES) == 0;
}

void salt_new(uint8_t ret_salt[SALT_BYTES]) {
    start();
    randombytes_buf(ret_salt, SALT_BYTES);
}

void sha256_two(struct str first, struct str second, uint8_t ret_hash[HASH_BYTES]) {
    crypto_hash_sha256_state state;
    CHECK(crypto_hash_sha256_init(&state) == 0);
    CHECK(crypto_hash_sha256_update(&state, (const uint8_t *)first.data, first.size) == 0);
    CHECK(crypto_hash_sha256_update(&state, (const uint8_t *)second.data, second.size) == 0);
    CHECK(crypto_hash_sha256_final(&state, ret_hash) == 0);
}

int password_hash(struct str password, char ret_hash[PASSWORD_HASH_MAX], struct err *err) {
    if (password.size < PASSWORD_MIN_BYTES || password.size > PASSWORD_MAX_BYTES) {
        return err_set(err, ERR_INVALID, MSG_LEDGER_PASSWORD_SIZE,
            ARGS(A_INT(PASSWORD_MIN_BYTES), A_INT(PASSWORD_MAX_BYTES), A_INT(password.size)));
    }
    size_t bad = 0;
    if (!str_is_utf8(password, &bad)) {
        return err_set(err, ERR_INVALID, MSG_LEDGER_PASSWORD_TEXT, ARGS(A_INT(bad)));
    }
    start();
    char hash[PASSWORD_HASH_MAX];
    if (crypto_pwhash_str_alg(hash, password.data, password.size, ARGON2_PASSES,
            ARGON2_MEMORY_BYTES, crypto_pwhash_ALG_ARGON2ID13) != 0) {
        return err_set(err, ERR_AGAIN, MSG_LEDGER_PASSWORD_MEMORY, NO_ARGS);
    }
    memcpy(ret_hash, hash, sizeof hash);
    return 0;
}

bool password_matches(const char *hash, struct str password) {
    start();
    if (hash == NULL || hash[0] == '\0') {
        uint8_t unused[HASH_BYTES];
        uint8_t salt[crypto_pwhash_SALTBYTES] = {0};
        size_t size = password.size < PASSWORD_MAX_BYTES ? password.size : PASSWORD_MAX_BYTES;
        /* Only its time is wanted; without memory for it there is nothing to measure either. */
        int ignored = crypto_pwhash(unused, sizeof unused, size > 0 ? password.data : "", size,
            salt, ARGON2_PASSES, ARGON2_MEMORY_BYTES, crypto_pwhash_ALG_ARGON2ID13);
        (void)ignored;
        return false;
    }
    return password.size <= PASSWORD_MAX_BYTES &&
           crypto_pwhash_str_verify(hash, password.size > 0 ? password.data : "", password.size) ==
               0;
}
