#ifndef HISTORIAN_SQUEEZE_H
#define HISTORIAN_SQUEEZE_H
/*
 * General compression (zstd) of pieces of known size; the one place that knows the library. One
 * owner at a time.
 */
#include <stdbool.h>
#include <stddef.h>

struct squeeze;

struct squeeze *squeeze_new(void);
void squeeze_free(struct squeeze *squeeze); // NULL is allowed.
/* Packs into at most `capacity` bytes; 0 when it would not fit. */
size_t squeeze_pack(
    struct squeeze *squeeze, const void *from, size_t size, void *to, size_t capacity);
/* Unpacks a piece whose unpacked size is exactly `size`; false when it is not. */
bool squeeze_unpack(
    struct squeeze *squeeze, const void *from, size_t packed_size, void *to, size_t size);

#endif
