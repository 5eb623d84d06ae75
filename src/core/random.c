/*
 * Repeatable randomness: xoshiro256** (Blackman and Vigna, "Scrambled linear pseudorandom number
 * generators", 2018; period 2^256 - 1), filled from one 64-bit seed by splitmix64, as its authors
 * advise, because nearby seeds must not give related runs and an all-zero state would stay zero.
 *
 * UUIDv7 (RFC 9562 section 5.7): 48 bits of Unix milliseconds, 4 bits version 7, 12 random bits, 2
 * bits variant 10, 62 random bits. Ids made later sort later, so database pages fill in order.
 */
#include "core/random.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>

#include "core/check.h"
#include "core/clock.h"

__extension__ typedef unsigned __int128 wide;

static uint64_t rotate_left(uint64_t v, int bits) {
    return v << bits | v >> (64 - bits);
}

void random_seed(struct random *random, uint64_t seed) {
    for (int i = 0; i < 4; i++) {
        seed += 0x9E3779B97F4A7C15ULL;
        uint64_t z = seed;
        z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9ULL;
        z = (z ^ z >> 27) * 0x94D049BB133111EBULL;
        random->state[i] = z ^ z >> 31;
    }
}

void random_seed_system(struct random *random) {
    uint64_t seed = 0;
    ssize_t got = 0;
    do {
        got = getrandom(&seed, sizeof seed, 0);
    } while (got < 0 && errno == EINTR);
    CHECK(got == (ssize_t)sizeof seed); // Up to 256 bytes are never cut (getrandom(2)).
    random_seed(random, seed);
}

uint64_t random_u64(struct random *random) {
    uint64_t *s = random->state;
    uint64_t result = rotate_left(s[1] * 5, 7) * 9;
    uint64_t shifted = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= shifted;
    s[3] = rotate_left(s[3], 45);
    return result;
}

uint64_t random_below(struct random *random, uint64_t limit) {
    CHECK(limit > 0);
    // The high half of the product is uniform once the first 2^64 mod limit low halves are refused.
    uint64_t refuse_below = (0 - limit) % limit;
    wide product = 0;
    do {
        product = (wide)random_u64(random) * limit;
    } while ((uint64_t)product < refuse_below);
    return (uint64_t)(product >> 64);
}

double random_unit(struct random *random) {
    return (double)(random_u64(random) >> 11) * 0x1p-53;
}

void uuid_v7(struct random *random, int64_t time_ns, char *to) {
    static const char HEX[] = "0123456789abcdef";
    uint64_t time_ms = (uint64_t)(time_ns > 0 ? time_ns / NS_PER_MS : 0);
    uint64_t high = time_ms << 16 | 0x7000 | (random_u64(random) & 0x0FFF);
    uint64_t low = 2ULL << 62 | random_u64(random) >> 2;
    size_t at = 0;
    for (int i = 0; i < 32; i++) {
        if (i == 8 || i == 12 || i == 16 || i == 20) {
            to[at++] = '-';
        }
        uint64_t half = i < 16 ? high : low;
        to[at++] = HEX[half >> (60 - 4 * (i % 16)) & 0xF];
    }
    to[at] = '\0';
}
