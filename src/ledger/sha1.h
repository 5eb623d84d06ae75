#ifndef LEDGER_SHA1_H
#define LEDGER_SHA1_H
/*
 * SHA-1 (FIPS 180-4) and HMAC-SHA-1 (RFC 2104), for codes of authenticator apps alone: they speak
 * nothing else, and collisions do not matter there. Private to the room; pure.
 */
#include "core/text.h"

enum { SHA1_BYTES = 20, SHA1_BLOCK_BYTES = 64 };

void sha1(struct str message, uint8_t ret_hash[SHA1_BYTES]);
/* A key of at most SHA1_BLOCK_BYTES. */
void hmac_sha1(struct str key, struct str message, uint8_t ret_mac[SHA1_BYTES]);

#endif
