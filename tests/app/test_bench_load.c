/*
 * The benchmark's load is the same on every machine: its points have the checksum that was fixed
 * when the peers were measured, so figures can be set side by side.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <sodium.h>

#include "app/bench_load.h"
#include "core/file.h"
#include "core/mem.h"

enum { CHUNK_BYTES = 1 << 20 };

static void the_load_is_the_one_the_peers_were_measured_with(void **state) {
    (void)state;
    char dir[] = "/tmp/maru-load-XXXXXX";
    assert_non_null(mkdtemp(dir));
    char path[64];
    (void)snprintf(path, sizeof path, "%s/load", dir);
    struct load load;
    struct err err = ERR_INIT;
    assert_int_equal(load_make("gen", 10000, path, &load, &err), 0);
    assert_int_equal(load.points, 10000000);
    assert_int_equal(load.tag_max, 1000);
    AUTO_FREE uint8_t *bytes = mem_alloc(CHUNK_BYTES);
    crypto_hash_sha256_state hash;
    (void)crypto_hash_sha256_init(&hash);
    uint64_t size = load.points * LOAD_POINT_BYTES;
    for (uint64_t at = 0; at < size; at += CHUNK_BYTES) {
        size_t part = size - at < CHUNK_BYTES ? (size_t)(size - at) : CHUNK_BYTES;
        assert_int_equal(file_read_at(load.fd, path, at, bytes, part, &err), 0);
        (void)crypto_hash_sha256_update(&hash, bytes, part);
    }
    uint8_t sum[crypto_hash_sha256_BYTES];
    (void)crypto_hash_sha256_final(&hash, sum);
    char text[2 * sizeof sum + 1];
    (void)sodium_bin2hex(text, sizeof text, sum, sizeof sum);
    assert_string_equal(text, "467d6089ab18c9b0a7bb30ac0bc91276513d9ec135e5913fe47bc574b0499870");
    load_close(&load);
    (void)dir_remove_all(dir, NULL);
}

static void a_csv_load_gives_its_points(void **state) {
    (void)state;
    char dir[] = "/tmp/maru-load-XXXXXX";
    assert_non_null(mkdtemp(dir));
    char csv[64];
    char path[64];
    (void)snprintf(csv, sizeof csv, "%s/csv", dir);
    (void)snprintf(path, sizeof path, "%s/load", dir);
    FILE *file = fopen(csv, "w");
    assert_non_null(file);
    (void)fputs("0,1000,1.5\n7,2000,-2\n", file);
    assert_int_equal(fclose(file), 0);
    struct load load;
    struct err err = ERR_INIT;
    assert_int_equal(load_make(csv, 0, path, &load, &err), 0);
    AUTO_BATCH struct batch *batch = batch_new(4, 0);
    assert_int_equal(load_read(&load, 0, 2, batch, &err), 0);
    assert_int_equal(batch->count, 2);
    assert_int_equal(batch->rows[1].tag, 8);
    assert_int_equal(batch->rows[1].time_ns, 2000000000);
    assert_true(batch->rows[0].value.f64 == 1.5);
    load_close(&load);
    (void)dir_remove_all(dir, NULL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_load_is_the_one_the_peers_were_measured_with),
        cmocka_unit_test(a_csv_load_gives_its_points),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
