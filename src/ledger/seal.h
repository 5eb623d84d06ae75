#ifndef LEDGER_SEAL_H
#define LEDGER_SEAL_H
/*
 * Digests over streams (BLAKE2b-256, RFC 7693) and boxes that a recovery phrase opens (Argon2id,
 * RFC 9106, then XSalsa20-Poly1305). Used by backups. Plain values, one owner each; any thread.
 */
#include <stddef.h>
#include <stdint.h>

#include "core/buf.h"
#include "core/err.h"

enum { DIGEST_BYTES = 32, DIGEST_TEXT_MAX = 65 };

struct digest {
    _Alignas(64) uint8_t state[384];
};
void digest_init(struct digest *digest);
void digest_add(struct digest *digest, const void *bytes, size_t size);
void digest_add_u64(struct digest *digest, uint64_t value);  // Little endian.
void digest_add_str(struct digest *digest, struct str text); // Its length first.
void digest_end(struct digest *digest, uint8_t ret_bytes[DIGEST_BYTES]);
void digest_text(const uint8_t bytes[DIGEST_BYTES], char ret_text[DIGEST_TEXT_MAX]); // Hex.
/* SHA-256 (FIPS 180-4) of a text, in hex: what others can check without us. */
void sha256_text(struct str text, char ret_text[DIGEST_TEXT_MAX]);
/* False when the text is not 64 hexadecimal digits. */
bool digest_parse(struct str text, uint8_t ret_bytes[DIGEST_BYTES]);

/* "XXXXX-XXXXX-...": seven groups of letters and digits that cannot be mistaken for each other;
 * 175 random bits. Shown once, stored nowhere. */
enum { PHRASE_TEXT_MAX = 48, PHRASE_BOX_OVERHEAD = 128 };
void phrase_new(char ret_phrase[PHRASE_TEXT_MAX]);
/* Appends the sealed bytes. Blanks, hyphens and the case of letters in the phrase do not count.
 * ERR_AGAIN: no memory for Argon2id. */
int phrase_seal(struct str phrase, const void *plain, size_t size, struct buf *to, struct err *err);
/* ERR_FORBIDDEN: not this phrase, or the box is damaged: the two cannot be told apart. */
int phrase_open(
    struct str phrase, const void *sealed, size_t size, struct buf *to, struct err *err);

#endif
