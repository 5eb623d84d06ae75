#ifndef LEDGER_SECRET_H
#define LEDGER_SECRET_H
/*
 * Randomness that must not be guessed, and hashes. Private to the room; secret.c alone includes
 * sodium.h (passwords are in ledger.h). Pure but for the system's randomness; any thread.
 */
#include "ledger/ledger.h"

enum { HASH_BYTES = 32, SALT_BYTES = 16 };

/* `prefix` and 32 random bytes in base64url without padding (RFC 4648 section 5). */
void secret_new(const char *prefix, char ret_secret[SECRET_TEXT_MAX]);
/* What is stored instead of the secret; `purpose` keeps hashes of different uses apart. */
void secret_hash(const char *purpose, struct str secret, uint8_t ret_hash[HASH_BYTES]);
/* A new UUIDv7: sorts by time. No secret. */
void id_new(int64_t now_ns, char ret_id[40]);
/* Compares in constant time. */
bool hash_equal(const uint8_t a[HASH_BYTES], const uint8_t b[HASH_BYTES]);
void salt_new(uint8_t ret_salt[SALT_BYTES]);
/* SHA-256 over the two parts, one after the other. */
void sha256_two(struct str first, struct str second, uint8_t ret_hash[HASH_BYTES]);

/* ---- HMAC-SHA-256 (RFC 2104, FIPS 180-4) and SCRAM verifiers (RFC 5802, RFC 7677) ---- */

enum {
    SCRAM_SALT_BYTES = 16,
    SCRAM_ITERATIONS = 4096, // RFC 7677 section 4: at least.
    SCRAM_TEXT_MAX = 176,
};
void hmac_sha256(struct str key, struct str message, uint8_t ret_mac[HASH_BYTES]);
/* StoredKey and ServerKey of a password, which is ASCII (nothing for SASLprep to do). */
void scram_keys(struct str password, const uint8_t *salt, size_t salt_size, uint32_t iterations,
    uint8_t ret_stored[HASH_BYTES], uint8_t ret_server[HASH_BYTES]);
/* "SCRAM-SHA-256$ITERATIONS:SALT$STOREDKEY:SERVERKEY" with a new salt, parts in base64. */
void scram_verifier(struct str password, char ret_verifier[SCRAM_TEXT_MAX]);

/* ---- Small secrets under a key of the home: XChaCha20-Poly1305 ---- */

enum { SEAL_KEY_BYTES = 32, SEAL_OVERHEAD = 24 + 16 };
/* `to` takes size + SEAL_OVERHEAD. What it belongs to is sealed in: it opens for no other. */
void small_seal(const uint8_t key[SEAL_KEY_BYTES], struct str of, struct str plain, uint8_t *to);
/* False: another key, another owner, or damaged. `to` takes sealed.size - SEAL_OVERHEAD. */
bool small_open(const uint8_t key[SEAL_KEY_BYTES], struct str of, struct str sealed, uint8_t *to);
void secret_bytes(uint8_t *to, size_t size); // Random.
void secret_wipe(void *bytes, size_t size);  // Not optimised away.

#endif
