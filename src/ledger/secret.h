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

#endif
