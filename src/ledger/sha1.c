/*
 * SHA-1 as FIPS 180-4 section 6.1 has it, and HMAC over it.
 *
 * libsodium has no SHA-1, rightly; but RFC 6238 with SHA-1 is what every authenticator app knows.
 * What a code rests on is that HMAC-SHA-1 is a pseudorandom function, which the collisions found in
 * SHA-1 do not touch (RFC 6194 section 3.3). Messages here have some bytes, so speed is of no
 * account.
 */
#include "ledger/sha1.h"

#include <string.h>

#include "core/bytes.h"
#include "core/check.h"

struct sha1 {
    uint32_t h[5];
    uint8_t block[SHA1_BLOCK_BYTES];
    size_t used;
    uint64_t size;
};

static uint32_t rotate(uint32_t x, int n) {
    return x << n | x >> (32 - n);
}

static void round_of(int t, uint32_t b, uint32_t c, uint32_t d, uint32_t *ret_f, uint32_t *ret_k) {
    if (t < 20) {
        *ret_f = (b & c) | (~b & d);
        *ret_k = 0x5a827999;
    } else if (t < 40) {
        *ret_f = b ^ c ^ d;
        *ret_k = 0x6ed9eba1;
    } else if (t < 60) {
        *ret_f = (b & c) | (b & d) | (c & d);
        *ret_k = 0x8f1bbcdc;
    } else {
        *ret_f = b ^ c ^ d;
        *ret_k = 0xca62c1d6;
    }
}

static void compress(struct sha1 *s) {
    uint32_t w[80];
    struct reader r = reader_of(s->block, sizeof s->block);
    for (int t = 0; t < 16; t++) {
        w[t] = read_u32_be(&r);
    }
    for (int t = 16; t < 80; t++) {
        w[t] = rotate(w[t - 3] ^ w[t - 8] ^ w[t - 14] ^ w[t - 16], 1);
    }
    uint32_t v[5];
    memcpy(v, s->h, sizeof v);
    for (int t = 0; t < 80; t++) {
        uint32_t f = 0;
        uint32_t k = 0;
        round_of(t, v[1], v[2], v[3], &f, &k);
        uint32_t next = rotate(v[0], 5) + f + v[4] + k + w[t];
        v[4] = v[3];
        v[3] = v[2];
        v[2] = rotate(v[1], 30);
        v[1] = v[0];
        v[0] = next;
    }
    for (int i = 0; i < 5; i++) {
        s->h[i] += v[i];
    }
    s->used = 0;
}

static void begin(struct sha1 *s) {
    *s = (struct sha1){.h = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0}};
}

static void add(struct sha1 *s, const void *bytes, size_t size) {
    const uint8_t *from = bytes;
    s->size += size;
    for (size_t i = 0; i < size; i++) {
        s->block[s->used++] = from[i];
        if (s->used == sizeof s->block) {
            compress(s);
        }
    }
}

static void end(struct sha1 *s, uint8_t ret_hash[SHA1_BYTES]) {
    static const uint8_t END = 0x80;
    static const uint8_t ZERO = 0;
    uint64_t bits = s->size * 8;
    add(s, &END, 1);
    while (s->used != sizeof s->block - 8) {
        add(s, &ZERO, 1);
    }
    for (int i = 7; i >= 0; i--) {
        uint8_t byte = (uint8_t)(bits >> (8 * i));
        add(s, &byte, 1);
    }
    for (int i = 0; i < SHA1_BYTES; i++) {
        ret_hash[i] = (uint8_t)(s->h[i / 4] >> (24 - 8 * (i % 4)));
    }
}

void sha1(struct str message, uint8_t ret_hash[SHA1_BYTES]) {
    struct sha1 s;
    begin(&s);
    add(&s, message.data, message.size);
    end(&s, ret_hash);
}

void hmac_sha1(struct str key, struct str message, uint8_t ret_mac[SHA1_BYTES]) {
    CHECK(key.size <= SHA1_BLOCK_BYTES);
    uint8_t inner[SHA1_BLOCK_BYTES] = {0};
    uint8_t outer[SHA1_BLOCK_BYTES] = {0};
    memcpy(inner, key.data, key.size);
    memcpy(outer, key.data, key.size);
    for (size_t i = 0; i < SHA1_BLOCK_BYTES; i++) {
        inner[i] ^= 0x36;
        outer[i] ^= 0x5c;
    }
    struct sha1 s;
    uint8_t hash[SHA1_BYTES];
    begin(&s);
    add(&s, inner, sizeof inner);
    add(&s, message.data, message.size);
    end(&s, hash);
    begin(&s);
    add(&s, outer, sizeof outer);
    add(&s, hash, sizeof hash);
    end(&s, ret_mac);
}
