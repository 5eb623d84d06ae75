/*
 * Token buckets in a fixed table.
 *
 * 1,024 sets of 4 buckets, 128 KB. A key lives in the set its hash names; when the set is full, the
 * bucket that is nearest to full again is given away, because forgetting it changes least. An
 * attacker with many addresses can push others' buckets out, which refills those: the limit then
 * errs to the side of the honest. But nobody can aim: which keys share a set is a matter of a
 * secret hash (SipHash) whose key is drawn when the table is made, so that emptying the three
 * neighbours of one bucket means emptying the table. The whole table costs one lock and one cache
 * line an event, below 100 ns. The keys are not kept; two clients that share a 64-bit hash share a
 * bucket, which at 4,096 buckets happens once in 10^15 pairs.
 */
#include "serve/rate.h"

#include <math.h>

#include "core/clock.h"
#include "core/hash.h"
#include "core/mem.h"
#include "core/random.h"
#include "core/thread.h"

enum { SETS = 1024, WAYS = 4 };

struct bucket {
    uint64_t key; // 0: free.
    double tokens;
    int64_t at_ns;
};

struct rate_table {
    struct mutex mutex;
    double per_s;
    double burst;
    uint64_t secret[2];
    struct bucket buckets[SETS][WAYS];
};

struct rate_table *rate_new(double per_s, double burst) {
    struct rate_table *table = MEM_NEW(struct rate_table);
    mutex_init(&table->mutex);
    table->per_s = per_s;
    table->burst = burst;
    struct random random;
    random_seed_system(&random);
    table->secret[0] = random_u64(&random);
    table->secret[1] = random_u64(&random);
    return table;
}

void rate_free(struct rate_table *table) {
    if (table) {
        mutex_fini(&table->mutex);
        mem_free(table);
    }
}

static double bucket_tokens(const struct rate_table *table, const struct bucket *b, int64_t now) {
    double earned = (double)(now - b->at_ns) / (double)NS_PER_S * table->per_s;
    return fmin(table->burst, b->tokens + fmax(earned, 0));
}

static uint64_t key_hash(const struct rate_table *table, const void *key, size_t key_size) {
    uint64_t hash = hash_keyed(table->secret, key, key_size);
    return hash == 0 ? 1 : hash;
}

/* The key's bucket, or the fullest of its set made new for it. */
static struct bucket *bucket_find(struct rate_table *table, uint64_t key, int64_t now) {
    struct bucket *set = table->buckets[key % SETS];
    struct bucket *fullest = &set[0];
    double most = -1;
    for (int i = 0; i < WAYS; i++) {
        if (set[i].key == key) {
            return &set[i];
        }
        double tokens = set[i].key == 0 ? (double)INFINITY : bucket_tokens(table, &set[i], now);
        if (tokens > most) {
            most = tokens;
            fullest = &set[i];
        }
    }
    *fullest = (struct bucket){.key = key, .tokens = table->burst, .at_ns = now};
    return fullest;
}

bool rate_take(struct rate_table *table, const void *key, size_t key_size, int64_t now_mono_ns,
    uint32_t *ret_wait_s) {
    uint64_t hash = key_hash(table, key, key_size);
    mutex_lock(&table->mutex);
    struct bucket *bucket = bucket_find(table, hash, now_mono_ns);
    bucket->tokens = bucket_tokens(table, bucket, now_mono_ns);
    bucket->at_ns = now_mono_ns;
    bool ok = bucket->tokens >= 1;
    double missing = 1 - bucket->tokens;
    if (ok) {
        bucket->tokens -= 1;
    }
    mutex_unlock(&table->mutex);
    if (!ok && ret_wait_s) {
        double wait = ceil(missing / table->per_s);
        *ret_wait_s = wait < 1 ? 1 : wait > 3600 ? 3600 : (uint32_t)wait;
    }
    return ok;
}

void rate_give(struct rate_table *table, const void *key, size_t key_size, int64_t now_mono_ns) {
    uint64_t hash = key_hash(table, key, key_size);
    mutex_lock(&table->mutex);
    struct bucket *bucket = bucket_find(table, hash, now_mono_ns);
    bucket->tokens = fmin(table->burst, bucket_tokens(table, bucket, now_mono_ns) + 1);
    bucket->at_ns = now_mono_ns;
    mutex_unlock(&table->mutex);
}
