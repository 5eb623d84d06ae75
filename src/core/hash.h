#ifndef CORE_HASH_H
#define CORE_HASH_H
/*
 * Checksums and hashes. CRC-32C (Castagnoli, RFC 3720 appendix B.4) guards what is stored; hash64
 * spreads keys in tables and is not stored anywhere. hash_keyed does so where somebody outside may
 * choose the keys. Pure; any thread.
 */
#include <stddef.h>
#include <stdint.h>

/* Continues `crc` (0 to begin) over the bytes. Uses SSE4.2 where the CPU has it. */
uint32_t crc32c(uint32_t crc, const void *data, size_t size);
/* The same without the CPU's instruction; for CPUs that lack it and for tests. */
uint32_t crc32c_portable(uint32_t crc, const void *data, size_t size);
uint64_t hash64(const void *data, size_t size);
/* SipHash-2-4 (Aumasson, Bernstein 2012): without the key nobody finds inputs that collide. */
uint64_t hash_keyed(const uint64_t key[2], const void *data, size_t size);

#endif
