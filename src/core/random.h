#ifndef CORE_RANDOM_H
#define CORE_RANDOM_H
/*
 * Injected randomness for jitter, ids and tests: xoshiro256** (Blackman, Vigna 2018), seeded so
 * that a run can be replayed. Not for secrets: those come from libsodium in `ledger`. One owner.
 */
#include <stdint.h>

struct random {
    uint64_t state[4];
};

void random_seed(struct random *random, uint64_t seed);
void random_seed_system(struct random *random); // From getrandom(2).
uint64_t random_u64(struct random *random);
uint64_t random_below(struct random *random, uint64_t limit); // Uniform in [0, limit), limit > 0.
double random_unit(struct random *random);                    // Uniform in [0, 1).

/* UUIDv7 (RFC 9562 section 5.7): 48 bits of Unix milliseconds, then random bits. `to` needs 37. */
void uuid_v7(struct random *random, int64_t time_ns, char *to);

#endif
