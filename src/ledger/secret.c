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

#include <stdio.h>
#include <string.h>

#include <sodium.h>

#include "core/bytes.h"
#include "core/check.h"
#include "core/random.h"
#include "ledger/keyed.h"
#include "ledger/seal.h"

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

void sha256_text(struct str text, char ret_text[DIGEST_TEXT_MAX]) {
    uint8_t bytes[HASH_BYTES];
    sha256_two(text, STR_NONE, bytes);
    digest_text(bytes, ret_text);
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

/* ---- Digests ---- */

_Static_assert(sizeof(struct digest) >= sizeof(crypto_generichash_state), "the state fits");
_Static_assert(_Alignof(struct digest) >= _Alignof(crypto_generichash_state), "and lies right");

static crypto_generichash_state *state_of(struct digest *digest) {
    return (crypto_generichash_state *)(void *)digest->state;
}

void digest_init(struct digest *digest) {
    start();
    CHECK(crypto_generichash_init(state_of(digest), NULL, 0, DIGEST_BYTES) == 0);
}

void digest_add(struct digest *digest, const void *bytes, size_t size) {
    CHECK(crypto_generichash_update(state_of(digest), bytes, size) == 0);
}

void digest_add_u64(struct digest *digest, uint64_t value) {
    uint8_t bytes[8];
    for (int i = 0; i < 8; i++) {
        bytes[i] = (uint8_t)(value >> (8 * i));
    }
    digest_add(digest, bytes, sizeof bytes);
}

void digest_add_str(struct digest *digest, struct str text) {
    digest_add_u64(digest, text.size);
    digest_add(digest, text.data, text.size);
}

void digest_end(struct digest *digest, uint8_t ret_bytes[DIGEST_BYTES]) {
    CHECK(crypto_generichash_final(state_of(digest), ret_bytes, DIGEST_BYTES) == 0);
}

void digest_text(const uint8_t bytes[DIGEST_BYTES], char ret_text[DIGEST_TEXT_MAX]) {
    CHECK(sodium_bin2hex(ret_text, DIGEST_TEXT_MAX, bytes, DIGEST_BYTES) != NULL);
}

bool digest_parse(struct str text, uint8_t ret_bytes[DIGEST_BYTES]) {
    size_t size = 0;
    return text.size == (size_t)2 * DIGEST_BYTES &&
           sodium_hex2bin(ret_bytes, DIGEST_BYTES, text.data, text.size, NULL, &size, NULL) == 0 &&
           size == DIGEST_BYTES;
}

/* ---- Boxes under a phrase ---- */

/* Crockford's letters: no I, L, O, U. */
static const char PHRASE_LETTERS[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
static const uint8_t BOX_MAGIC[8] = {'M', 'A', 'R', 'U', 'K', 'E', 'Y', '1'};

enum {
    PHRASE_GROUPS = 7,
    PHRASE_GROUP_LETTERS = 5,
    BOX_PASSES_MAX = 16, // A box that asks for more was not made by us.
    BOX_MEMORY_KIB_MAX = 1 << 20,
    BOX_HEAD_BYTES = 8 + 4 + 4 + crypto_pwhash_SALTBYTES + crypto_secretbox_NONCEBYTES,
};
_Static_assert(PHRASE_BOX_OVERHEAD >= BOX_HEAD_BYTES + crypto_secretbox_MACBYTES, "the head fits");
_Static_assert(PHRASE_TEXT_MAX > PHRASE_GROUPS * (PHRASE_GROUP_LETTERS + 1), "phrase and NUL fit");

void phrase_new(char ret_phrase[PHRASE_TEXT_MAX]) {
    start();
    char *to = ret_phrase;
    for (int i = 0; i < PHRASE_GROUPS * PHRASE_GROUP_LETTERS; i++) {
        if (i > 0 && i % PHRASE_GROUP_LETTERS == 0) {
            *to++ = '-';
        }
        *to++ = PHRASE_LETTERS[randombytes_uniform(sizeof PHRASE_LETTERS - 1)];
    }
    *to = '\0';
}

/* What counts of a phrase as typed: capitals and digits, with O, I and L read as 0 and 1. */
static size_t phrase_fold(struct str phrase, char *to, size_t capacity) {
    size_t used = 0;
    for (size_t i = 0; i < phrase.size && used < capacity; i++) {
        char c = phrase.data[i];
        c = c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c;
        c = c == 'O' ? '0' : (c == 'I' || c == 'L') ? '1' : c;
        if ((c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z')) {
            to[used++] = c;
        }
    }
    return used;
}

static int phrase_key(struct str phrase, const uint8_t *salt, uint32_t passes, uint32_t memory_kib,
    uint8_t ret_key[crypto_secretbox_KEYBYTES], struct err *err) {
    char folded[PHRASE_TEXT_MAX];
    size_t size = phrase_fold(phrase, folded, sizeof folded);
    int failed = crypto_pwhash(ret_key, crypto_secretbox_KEYBYTES, folded, size, salt, passes,
        (size_t)memory_kib << 10, crypto_pwhash_ALG_ARGON2ID13);
    sodium_memzero(folded, sizeof folded);
    return failed != 0 ? err_set(err, ERR_AGAIN, MSG_LEDGER_PASSWORD_MEMORY, NO_ARGS) : 0;
}

int phrase_seal(
    struct str phrase, const void *plain, size_t size, struct buf *to, struct err *err) {
    start();
    uint8_t salt[crypto_pwhash_SALTBYTES];
    uint8_t nonce[crypto_secretbox_NONCEBYTES];
    uint8_t key[crypto_secretbox_KEYBYTES];
    randombytes_buf(salt, sizeof salt);
    randombytes_buf(nonce, sizeof nonce);
    int status = phrase_key(phrase, salt, ARGON2_PASSES, ARGON2_MEMORY_BYTES >> 10, key, err);
    if (status < 0) {
        return status;
    }
    buf_put(to, BOX_MAGIC, sizeof BOX_MAGIC);
    write_u32_le(to, ARGON2_PASSES);
    write_u32_le(to, ARGON2_MEMORY_BYTES >> 10);
    buf_put(to, salt, sizeof salt);
    buf_put(to, nonce, sizeof nonce);
    uint8_t *box = buf_reserve(to, size + crypto_secretbox_MACBYTES);
    if (box != NULL) {
        CHECK(crypto_secretbox_easy(box, plain, size, nonce, key) == 0);
        buf_commit(to, size + crypto_secretbox_MACBYTES);
    }
    sodium_memzero(key, sizeof key);
    return to->overflow ? err_set(err, ERR_LIMIT, MSG_LEDGER_TOO_BIG, NO_ARGS) : 0;
}

int phrase_open(
    struct str phrase, const void *sealed, size_t size, struct buf *to, struct err *err) {
    start();
    struct reader r = reader_of(sealed, size);
    const uint8_t *magic = read_bytes(&r, sizeof BOX_MAGIC);
    uint32_t passes = read_u32_le(&r);
    uint32_t memory_kib = read_u32_le(&r);
    const uint8_t *salt = read_bytes(&r, crypto_pwhash_SALTBYTES);
    const uint8_t *nonce = read_bytes(&r, crypto_secretbox_NONCEBYTES);
    size_t left = reader_left(&r);
    if (r.failed || memcmp(magic, BOX_MAGIC, sizeof BOX_MAGIC) != 0 || passes < 1 ||
        passes > BOX_PASSES_MAX || memory_kib < 8 || memory_kib > BOX_MEMORY_KIB_MAX ||
        left < crypto_secretbox_MACBYTES) {
        return err_set(err, ERR_CORRUPT, MSG_LEDGER_BOX_DAMAGED, NO_ARGS);
    }
    uint8_t key[crypto_secretbox_KEYBYTES];
    int status = phrase_key(phrase, salt, passes, memory_kib, key, err);
    if (status < 0) {
        return status;
    }
    uint8_t *plain = buf_reserve(to, left - crypto_secretbox_MACBYTES + 1);
    bool good = plain != NULL &&
                crypto_secretbox_open_easy(plain, read_bytes(&r, left), left, nonce, key) == 0;
    sodium_memzero(key, sizeof key);
    if (!good) {
        return err_set(err, ERR_FORBIDDEN, MSG_LEDGER_PHRASE_WRONG, NO_ARGS);
    }
    buf_commit(to, left - crypto_secretbox_MACBYTES);
    return 0;
}

/* ---- HMAC and SCRAM ---- */

void hmac_sha256(struct str key, struct str message, uint8_t ret_mac[HASH_BYTES]) {
    crypto_auth_hmacsha256_state state;
    start();
    CHECK(crypto_auth_hmacsha256_init(&state, (const uint8_t *)key.data, key.size) == 0);
    CHECK(crypto_auth_hmacsha256_update(&state, (const uint8_t *)message.data, message.size) == 0);
    CHECK(crypto_auth_hmacsha256_final(&state, ret_mac) == 0);
    sodium_memzero(&state, sizeof state);
}

static struct str hash_str(const uint8_t hash[HASH_BYTES]) {
    return (struct str){(const char *)hash, HASH_BYTES};
}

void scram_keys(struct str password, const uint8_t *salt, size_t salt_size, uint32_t iterations,
    uint8_t ret_stored[HASH_BYTES], uint8_t ret_server[HASH_BYTES]) {
    uint8_t first[SALT_BYTES + 4] = {0}; // The salt and block number 1, big endian (RFC 8018).
    CHECK(salt_size <= SALT_BYTES);
    memcpy(first, salt, salt_size);
    first[salt_size + 3] = 1;
    uint8_t round[HASH_BYTES];
    uint8_t salted[HASH_BYTES];
    hmac_sha256(password, (struct str){(const char *)first, salt_size + 4}, round);
    memcpy(salted, round, sizeof salted);
    for (uint32_t i = 1; i < iterations; i++) {
        hmac_sha256(password, hash_str(round), round);
        for (size_t k = 0; k < HASH_BYTES; k++) {
            salted[k] ^= round[k];
        }
    }
    uint8_t client[HASH_BYTES];
    hmac_sha256(hash_str(salted), STR("Client Key"), client);
    sha256_two(hash_str(client), STR_NONE, ret_stored);
    hmac_sha256(hash_str(salted), STR("Server Key"), ret_server);
    sodium_memzero(salted, sizeof salted);
    sodium_memzero(client, sizeof client);
}

void scram_verifier(struct str password, char ret_verifier[SCRAM_TEXT_MAX]) {
    uint8_t salt[SCRAM_SALT_BYTES];
    uint8_t stored[HASH_BYTES];
    uint8_t server[HASH_BYTES];
    start();
    randombytes_buf(salt, sizeof salt);
    scram_keys(password, salt, sizeof salt, SCRAM_ITERATIONS, stored, server);
    char texts[3][48];
    const int variant = sodium_base64_VARIANT_ORIGINAL;
    CHECK(sodium_bin2base64(texts[0], sizeof texts[0], salt, sizeof salt, variant) != NULL);
    CHECK(sodium_bin2base64(texts[1], sizeof texts[1], stored, HASH_BYTES, variant) != NULL);
    CHECK(sodium_bin2base64(texts[2], sizeof texts[2], server, HASH_BYTES, variant) != NULL);
    (void)snprintf(ret_verifier, SCRAM_TEXT_MAX, "SCRAM-SHA-256$%d:%s$%s:%s", SCRAM_ITERATIONS,
        texts[0], texts[1], texts[2]);
}

/* ---- Small secrets ---- */

_Static_assert(SEAL_KEY_BYTES == crypto_aead_xchacha20poly1305_ietf_KEYBYTES, "the key fits");
_Static_assert(SEAL_OVERHEAD == crypto_aead_xchacha20poly1305_ietf_NPUBBYTES +
                                    crypto_aead_xchacha20poly1305_ietf_ABYTES,
    "nonce and tag");

void small_seal(const uint8_t key[SEAL_KEY_BYTES], struct str of, struct str plain, uint8_t *to) {
    enum { NONCE = crypto_aead_xchacha20poly1305_ietf_NPUBBYTES };
    start();
    randombytes_buf(to, NONCE);
    CHECK(crypto_aead_xchacha20poly1305_ietf_encrypt(to + NONCE, NULL, (const uint8_t *)plain.data,
              plain.size, (const uint8_t *)of.data, of.size, NULL, to, key) == 0);
}

bool small_open(const uint8_t key[SEAL_KEY_BYTES], struct str of, struct str sealed, uint8_t *to) {
    enum { NONCE = crypto_aead_xchacha20poly1305_ietf_NPUBBYTES };
    const uint8_t *bytes = (const uint8_t *)sealed.data;
    start();
    return sealed.size >= SEAL_OVERHEAD &&
           crypto_aead_xchacha20poly1305_ietf_decrypt(to, NULL, NULL, bytes + NONCE,
               sealed.size - NONCE, (const uint8_t *)of.data, of.size, bytes, key) == 0;
}

void secret_bytes(uint8_t *to, size_t size) {
    start();
    randombytes_buf(to, size);
}

void secret_wipe(void *bytes, size_t size) {
    sodium_memzero(bytes, size);
}

/* ---- Keyed hashes (keyed.h) ---- */

_Static_assert((int)KEYED_SEAL_OVERHEAD == (int)SEAL_OVERHEAD, "one form");

void keyed_seal(
    const uint8_t key[KEYED_KEY_BYTES], struct str purpose, struct str plain, uint8_t *to) {
    small_seal(key, purpose, plain, to);
}

bool keyed_open(
    const uint8_t key[KEYED_KEY_BYTES], struct str purpose, struct str sealed, uint8_t *to) {
    return small_open(key, purpose, sealed, to);
}

void keyed_wipe_bytes(void *bytes, size_t size) {
    secret_wipe(bytes, size);
}

void keyed_new(uint8_t ret_key[KEYED_KEY_BYTES]) {
    start();
    randombytes_buf(ret_key, KEYED_KEY_BYTES);
}

void keyed_derive(
    const uint8_t key[KEYED_KEY_BYTES], struct str recipient, uint8_t ret_key[KEYED_KEY_BYTES]) {
    static const char CONTEXT[] = "maru-deident-1";
    start();
    crypto_generichash_state state;
    CHECK(crypto_generichash_init(&state, key, KEYED_KEY_BYTES, KEYED_KEY_BYTES) == 0);
    CHECK(crypto_generichash_update(&state, (const uint8_t *)CONTEXT, sizeof CONTEXT) == 0);
    CHECK(crypto_generichash_update(&state, (const uint8_t *)recipient.data, recipient.size) == 0);
    CHECK(crypto_generichash_final(&state, ret_key, KEYED_KEY_BYTES) == 0);
    sodium_memzero(&state, sizeof state);
}

void keyed_hash(
    const uint8_t key[KEYED_KEY_BYTES], struct str value, uint8_t ret_hash[KEYED_HASH_BYTES]) {
    start();
    CHECK(crypto_generichash(ret_hash, KEYED_HASH_BYTES, (const uint8_t *)value.data, value.size,
              key, KEYED_KEY_BYTES) == 0);
}

void keyed_wipe(uint8_t key[KEYED_KEY_BYTES]) {
    sodium_memzero(key, KEYED_KEY_BYTES);
}
