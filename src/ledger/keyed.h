#ifndef LEDGER_KEYED_H
#define LEDGER_KEYED_H
/*
 * Keys and keyed hashes by libsodium, for rooms that may not include it: pseudonyms. Pure but for
 * the system's randomness; any thread.
 */
#include <stdbool.h>
#include <stdint.h>

#include "core/text.h"

enum { KEYED_KEY_BYTES = 32, KEYED_HASH_BYTES = 16 };

/* A new random key. */
void keyed_new(uint8_t ret_key[KEYED_KEY_BYTES]);
/* The key for one recipient: BLAKE2b-256 of "maru-deident-1" and the recipient's name, keyed by the
 * plant's key. One key tells nothing about another, nor about the plant's. */
void keyed_derive(
    const uint8_t key[KEYED_KEY_BYTES], struct str recipient, uint8_t ret_key[KEYED_KEY_BYTES]);
/* BLAKE2b-128 of the value under the key (RFC 7693 section 2.9). */
void keyed_hash(
    const uint8_t key[KEYED_KEY_BYTES], struct str value, uint8_t ret_hash[KEYED_HASH_BYTES]);
/* A small secret under a key, sealed for one purpose: it opens for no other (XChaCha20-Poly1305).
 * `to` takes plain.size + KEYED_SEAL_OVERHEAD; opened, sealed.size - KEYED_SEAL_OVERHEAD. */
enum { KEYED_SEAL_OVERHEAD = 40 };
void keyed_seal(
    const uint8_t key[KEYED_KEY_BYTES], struct str purpose, struct str plain, uint8_t *to);
bool keyed_open(
    const uint8_t key[KEYED_KEY_BYTES], struct str purpose, struct str sealed, uint8_t *to);
void keyed_wipe_bytes(void *bytes, size_t size); // Not optimised away.
/* Overwrites a key in a way that is not optimised away. */
void keyed_wipe(uint8_t key[KEYED_KEY_BYTES]);

#endif
