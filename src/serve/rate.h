#ifndef SERVE_RATE_H
#define SERVE_RATE_H
/*
 * Token buckets by key (a client's address, a user's id): each earns `per_s` tokens a second up
 * to `burst`, and an event spends one. A table of fixed size, spread by a key of
 * this process, so that nobody outside can tell which keys meet in a set; any thread may call.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct rate_table;

struct rate_table *rate_new(double per_s, double burst);
void rate_free(struct rate_table *table); // NULL is allowed.
/* Spends a token. False: none left; *ret_wait_s (may be NULL) tells when one will be, at least 1.
 */
bool rate_take(struct rate_table *table, const void *key, size_t key_size, int64_t now_mono_ns,
    uint32_t *ret_wait_s);
/* Gives a token back that should not have been spent. */
void rate_give(struct rate_table *table, const void *key, size_t key_size, int64_t now_mono_ns);

#endif
