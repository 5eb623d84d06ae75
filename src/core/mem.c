/*
 * Memory: the only file that calls malloc, realloc and free.
 *
 * mem_* aborts when memory is out: on the machines we run on (overcommit) a failed malloc of a
 * bounded size means a broken system, every caller would need a path nobody can test, and stored
 * data survives a kill at any moment by design. Sizes that come from outside take the ways with a
 * limit instead (buf, arena_try).
 *
 * An arena is a chain of blocks, newest first; the first block is kept over arena_reset, so a loop
 * of requests settles without calling malloc. Blocks double from 4 KB to 64 KB, larger requests
 * get a block of their own. used_bytes counts what was handed out, rounded up to 16.
 */
#include "core/mem.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/check.h"

enum { ARENA_ALIGN = 16, ARENA_FIRST_BYTES = 4096, ARENA_BLOCK_MAX_BYTES = 65536 };

struct arena_block {
    struct arena_block *next; // Older; the last one is the first that was made.
    size_t size;
    size_t used;
    size_t padding; // Keeps `bytes` aligned.
    uint8_t bytes[];
};
_Static_assert(sizeof(struct arena_block) % ARENA_ALIGN == 0, "block bytes are aligned");

static void *block_or_abort(void *block) {
    if (!block) {
        check_failed("memory is available", __FILE__, __LINE__);
    }
    return block;
}

void *mem_alloc(size_t size_bytes) {
    return block_or_abort(malloc(size_bytes > 0 ? size_bytes : 1));
}

void *mem_zero(size_t count, size_t size_bytes) {
    bool none = count == 0 || size_bytes == 0;
    return block_or_abort(none ? calloc(1, 1) : calloc(count, size_bytes));
}

void *mem_resize(void *block, size_t size_bytes) {
    return block_or_abort(realloc(block, size_bytes > 0 ? size_bytes : 1));
}

void mem_free(void *block) {
    free(block);
}

char *mem_copy_z(struct str text) {
    CHECK(text.size < SIZE_MAX);
    char *copy = mem_alloc(text.size + 1);
    if (text.size > 0) {
        memcpy(copy, text.data, text.size);
    }
    copy[text.size] = '\0';
    return copy;
}

void mem_auto_free(void *pointer_to_block) {
    void *block = NULL;
    memcpy(&block, pointer_to_block, sizeof block);
    mem_free(block);
}

void arena_init(struct arena *arena, size_t limit_bytes) {
    *arena = (struct arena){.limit_bytes = limit_bytes};
}

void arena_fini(struct arena *arena) {
    while (arena->head) {
        struct arena_block *next = arena->head->next;
        mem_free(arena->head);
        arena->head = next;
    }
    arena->used_bytes = 0;
}

void arena_reset(struct arena *arena) {
    while (arena->head && arena->head->next) {
        struct arena_block *next = arena->head->next;
        mem_free(arena->head);
        arena->head = next;
    }
    if (arena->head) {
        arena->head->used = 0;
    }
    arena->used_bytes = 0;
}

static struct arena_block *arena_grow(struct arena *arena, size_t need) {
    size_t size = arena->head ? arena->head->size * 2 : ARENA_FIRST_BYTES;
    size = size > ARENA_BLOCK_MAX_BYTES ? ARENA_BLOCK_MAX_BYTES : size;
    size = size < need ? need : size;
    struct arena_block *block = mem_alloc(sizeof *block + size);
    *block = (struct arena_block){.next = arena->head, .size = size};
    arena->head = block;
    return block;
}

void *arena_alloc(struct arena *arena, size_t size_bytes) {
    CHECK(size_bytes <= PTRDIFF_MAX - sizeof(struct arena_block) - ARENA_ALIGN);
    size_t need = (size_bytes + ARENA_ALIGN - 1) / ARENA_ALIGN * ARENA_ALIGN;
    need = need > 0 ? need : ARENA_ALIGN; // Each allocation has an address of its own.
    struct arena_block *block = arena->head;
    if (!block || block->size - block->used < need) {
        block = arena_grow(arena, need);
    }
    uint8_t *bytes = block->bytes + block->used;
    block->used += need;
    arena->used_bytes += need;
    memset(bytes, 0, need);
    return bytes;
}

void *arena_array(struct arena *arena, size_t count, size_t size_bytes) {
    size_t all_bytes = 0;
    CHECK(!__builtin_mul_overflow(count, size_bytes, &all_bytes));
    return arena_alloc(arena, all_bytes);
}

void *arena_try(struct arena *arena, size_t size_bytes) {
    size_t limit = arena->limit_bytes;
    size_t most = PTRDIFF_MAX - sizeof(struct arena_block) - ARENA_ALIGN;
    if (size_bytes > most) {
        return NULL;
    }
    if (limit != 0 && (arena->used_bytes > limit || size_bytes > limit - arena->used_bytes)) {
        return NULL;
    }
    return arena_alloc(arena, size_bytes);
}

struct str arena_copy(struct arena *arena, struct str text) {
    CHECK(text.size < SIZE_MAX);
    char *copy = arena_alloc(arena, text.size + 1);
    if (text.size > 0) {
        memcpy(copy, text.data, text.size);
    }
    return (struct str){copy, text.size};
}

void arena_auto_fini(struct arena *arena) {
    arena_fini(arena);
}
