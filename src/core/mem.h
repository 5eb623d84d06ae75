#ifndef CORE_MEM_H
#define CORE_MEM_H
/*
 * The only place that calls malloc. mem_* never returns NULL: when memory is out the process
 * reports and aborts (stored data survives a kill at any moment). Sizes that come from outside
 * must go through `buf` or `arena_try`, which have limits and return errors.
 */
#include <stddef.h>

#include "core/text.h"

void *mem_alloc(size_t size_bytes) __attribute__((malloc, returns_nonnull, warn_unused_result));
void *mem_zero(size_t count, size_t size_bytes) // Zeroed; aborts on overflow.
    __attribute__((malloc, returns_nonnull, warn_unused_result));
void *mem_resize(void *block, size_t size_bytes)
    __attribute__((returns_nonnull, warn_unused_result));
void mem_free(void *block); // NULL is allowed.
char *mem_copy_z(struct str text) __attribute__((malloc, returns_nonnull, warn_unused_result));

#define MEM_NEW(type)          ((type *)mem_zero(1, sizeof(type)))
#define MEM_ARRAY(type, count) ((type *)mem_zero((count), sizeof(type)))

void mem_auto_free(void *pointer_to_block);
/* AUTO_FREE char *x = ...; frees x when it goes out of scope. */
#define AUTO_FREE __attribute__((cleanup(mem_auto_free)))

/* Arena: many small allocations freed at once; owned by one request, job or object. */
struct arena_block;
struct arena {
    struct arena_block *head;
    size_t used_bytes;  // Of all blocks.
    size_t limit_bytes; // arena_try refuses beyond; 0 means no limit.
};

void arena_init(struct arena *arena, size_t limit_bytes);
void arena_fini(struct arena *arena);
void arena_reset(struct arena *arena);                     // Frees all but the first block.
void *arena_alloc(struct arena *arena, size_t size_bytes); // Zeroed, 16-byte aligned.
void *arena_array(struct arena *arena, size_t count, size_t size_bytes); // Aborts on overflow.
/* NULL when the arena's limit would be passed: for sizes that come from outside. */
void *arena_try(struct arena *arena, size_t size_bytes);
struct str arena_copy(struct arena *arena, struct str text); // NUL-terminated behind its size.
#define ARENA_NEW(arena, type)          ((type *)arena_alloc((arena), sizeof(type)))
#define ARENA_ARRAY(arena, type, count) ((type *)arena_array((arena), (count), sizeof(type)))

void arena_auto_fini(struct arena *arena);
#define AUTO_ARENA __attribute__((cleanup(arena_auto_fini)))

#endif
