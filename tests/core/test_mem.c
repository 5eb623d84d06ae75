/*
 * Memory and arenas.
 */
#include "core/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static void memory_of_size_zero_is_still_an_address(void **state) {
    (void)state;
    void *a = mem_alloc(0);
    void *b = mem_zero(0, 8);
    assert_non_null(a);
    assert_non_null(b);
    a = mem_resize(a, 0);
    assert_non_null(a);
    mem_free(a);
    mem_free(b);
    mem_free(NULL);
}

static void zeroed_memory_is_zero_and_resizing_keeps_content(void **state) {
    (void)state;
    uint8_t *bytes = MEM_ARRAY(uint8_t, 100);
    for (size_t i = 0; i < 100; i++) {
        assert_int_equal(bytes[i], 0);
        bytes[i] = (uint8_t)i;
    }
    bytes = mem_resize(bytes, 100000);
    for (size_t i = 0; i < 100; i++) {
        assert_int_equal(bytes[i], i);
    }
    mem_free(bytes);
}

static void copies_are_closed_by_a_nul(void **state) {
    (void)state;
    AUTO_FREE char *copy = mem_copy_z((struct str){"abcdef", 3});
    assert_string_equal(copy, "abc");
    AUTO_FREE char *empty = mem_copy_z((struct str){NULL, 0});
    assert_string_equal(empty, "");
}

static void impossible_sizes_abort_in_words(void **state) {
    (void)state;
#ifndef MARU_SANITIZED // The sanitizers report such sizes in their own way.
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        (void)dup2(ends[1], STDERR_FILENO);
        volatile size_t count = SIZE_MAX / 2;
        mem_free(mem_zero(count, 4));
        _exit(0);
    }
    (void)close(ends[1]);
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status));
    char text[256] = "";
    assert_true(read(ends[0], text, sizeof text - 1) > 0);
    (void)close(ends[0]);
    assert_non_null(strstr(text, "check failed: memory is available"));
#endif
}

static void arena_memory_is_zero_aligned_and_apart(void **state) {
    (void)state;
    AUTO_ARENA struct arena arena;
    arena_init(&arena, 0);
    uint8_t *before = NULL;
    for (size_t size = 0; size < 3000; size += 7) {
        uint8_t *bytes = arena_alloc(&arena, size);
        assert_int_equal((uintptr_t)bytes % 16, 0);
        assert_ptr_not_equal(bytes, before);
        for (size_t i = 0; i < size; i++) {
            assert_int_equal(bytes[i], 0);
        }
        memset(bytes, 0xAA, size);
        before = bytes;
    }
    uint8_t *large = arena_alloc(&arena, 1000000);
    assert_int_equal(large[999999], 0);
}

static void arena_reset_gives_zeroed_memory_again(void **state) {
    (void)state;
    AUTO_ARENA struct arena arena;
    arena_init(&arena, 0);
    for (int round = 0; round < 5; round++) {
        for (int i = 0; i < 100; i++) {
            uint8_t *bytes = arena_alloc(&arena, 1000);
            assert_int_equal(bytes[0], 0);
            assert_int_equal(bytes[999], 0);
            memset(bytes, 0xFF, 1000);
        }
        assert_int_equal(arena.used_bytes, 100 * 1008);
        arena_reset(&arena);
        assert_int_equal(arena.used_bytes, 0);
    }
}

static void arena_try_refuses_beyond_its_limit(void **state) {
    (void)state;
    AUTO_ARENA struct arena arena;
    arena_init(&arena, 1024);
    assert_null(arena_try(&arena, 1025));
    assert_non_null(arena_try(&arena, 512));
    assert_null(arena_try(&arena, 513));
    assert_non_null(arena_try(&arena, 512));
    assert_null(arena_try(&arena, 1));
    assert_non_null(arena_alloc(&arena, 1)); // Our own sizes pass.
    assert_null(arena_try(&arena, 1));
    assert_null(arena_try(&arena, SIZE_MAX));
    arena_reset(&arena);
    assert_non_null(arena_try(&arena, 1024));
}

static void arena_without_limit_still_refuses_absurd_sizes(void **state) {
    (void)state;
    AUTO_ARENA struct arena arena;
    arena_init(&arena, 0);
    assert_null(arena_try(&arena, SIZE_MAX));
    assert_null(arena_try(&arena, SIZE_MAX - 16));
    assert_null(arena_try(&arena, (size_t)PTRDIFF_MAX));
}

static void arena_copies_texts_with_a_nul(void **state) {
    (void)state;
    AUTO_ARENA struct arena arena;
    arena_init(&arena, 0);
    struct str copy = arena_copy(&arena, (struct str){"abcdef", 2});
    assert_int_equal(copy.size, 2);
    assert_string_equal(copy.data, "ab");
    assert_string_equal(arena_copy(&arena, (struct str){NULL, 0}).data, "");
    int *numbers = ARENA_ARRAY(&arena, int, 3);
    assert_int_equal(numbers[2], 0);
    assert_int_equal(*ARENA_NEW(&arena, int), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(memory_of_size_zero_is_still_an_address),
        cmocka_unit_test(zeroed_memory_is_zero_and_resizing_keeps_content),
        cmocka_unit_test(copies_are_closed_by_a_nul),
        cmocka_unit_test(impossible_sizes_abort_in_words),
        cmocka_unit_test(arena_memory_is_zero_aligned_and_apart),
        cmocka_unit_test(arena_reset_gives_zeroed_memory_again),
        cmocka_unit_test(arena_try_refuses_beyond_its_limit),
        cmocka_unit_test(arena_without_limit_still_refuses_absurd_sizes),
        cmocka_unit_test(arena_copies_texts_with_a_nul),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
