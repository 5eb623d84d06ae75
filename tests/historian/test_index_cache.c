/* What is known of segments stays below its bound, and every answer is the same with and without
 * it in memory. */
#include "support_history.h"

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "core/file.h"
#include "historian/block.h"
#include "historian/index_cache.h"

struct owner {
    struct index_item item;
    bool dropped;
};

static void owner_drop(struct index_item *item) {
    ((struct owner *)(void *)item)->dropped = true;
}

static void what_was_not_used_goes_first(void **state) {
    (void)state;
    struct index_cache *cache = index_cache_new(100);
    struct owner owners[4] = {0};
    for (int i = 0; i < 3; i++) {
        owners[i].item.drop = owner_drop;
        index_cache_add(cache, &owners[i].item, 30);
    }
    atomic_store(&owners[0].item.used, true);
    owners[3].item.drop = owner_drop;
    index_cache_add(cache, &owners[3].item, 30);
    assert_false(owners[0].dropped);
    assert_true(owners[1].dropped);
    assert_false(owners[2].dropped);
    assert_int_equal(index_cache_bytes(cache), 90);
    index_cache_grow(cache, &owners[3].item, 200); // Larger than the bound: it stays alone.
    assert_true(owners[0].dropped && owners[2].dropped && !owners[3].dropped);
    assert_int_equal(index_cache_bytes(cache), 230);
    index_cache_grow(cache, &owners[2].item, 5); // No longer inside.
    assert_int_equal(index_cache_bytes(cache), 230);
    index_cache_remove(cache, &owners[3].item);
    index_cache_remove(cache, &owners[3].item);
    assert_int_equal(index_cache_bytes(cache), 0);
    index_cache_free(cache);
}

enum { SEGMENTS = 30, TAGS = 40 };

static double value_of(uint32_t segment, uint32_t tag) {
    return segment * 1000.0 + tag;
}

static void write_segments(const char *dir) {
    struct hist_options options = {.dir = dir, .no_thread = true, .index_bytes = 1};
    struct historian *historian = NULL;
    struct err err = ERR_INIT;
    expect_ok(hist_open(&options, &historian, &err), &err);
    AUTO_BATCH struct batch *batch = batch_new(TAGS, 0);
    for (uint32_t segment = 0; segment < SEGMENTS; segment++) {
        batch_clear(batch);
        for (uint32_t tag = 1; tag <= TAGS; tag++) {
            struct sample *row = batch_add(batch);
            row->tag = tag;
            row->time_ns = TEST_T0 + (int64_t)segment * NS_PER_S;
            row->type = TYPE_F64;
            row->value.f64 = value_of(segment, tag);
        }
        expect_ok(hist_append(historian, &batch, 1, &err), &err);
        expect_ok(hist_seal(historian, &err), &err);
    }
    hist_close(historian);
}

static int add_count(
    void *context, uint32_t tag, const struct hist_bucket *bucket, struct err *err) {
    (void)tag;
    (void)err;
    *(uint64_t *)context += bucket->count;
    return 0;
}

static void answers_do_not_depend_on_the_bound(void **state) {
    (void)state;
    char dir[128];
    folder_new(dir);
    write_segments(dir);
    static const uint64_t BOUNDS[] = {1, 3000, 20000, 0};
    for (size_t b = 0; b < sizeof BOUNDS / sizeof BOUNDS[0]; b++) {
        struct hist_options options = {.dir = dir, .no_thread = true, .index_bytes = BOUNDS[b]};
        struct historian *historian = NULL;
        struct err err = ERR_INIT;
        expect_ok(hist_open(&options, &historian, &err), &err);
        for (uint32_t tag = 1; tag <= TAGS; tag++) {
            struct hist_last last;
            assert_true(hist_last(historian, tag, &last));
            assert_true(last.row.value.f64 == value_of(SEGMENTS - 1, tag));
            uint64_t count = 0;
            struct hist_bucket_query query = {.tags = &tag,
                .tag_count = 1,
                .from_ns = TEST_T0 + 3 * NS_PER_S,
                .to_ns = TEST_T0 + 20 * NS_PER_S,
                .every_ns = 5 * NS_PER_S};
            expect_ok(hist_buckets(historian, &query, add_count, &count, &err), &err);
            assert_int_equal(count, 17);
            struct hist_scan_options all = {.tag = tag, .from_ns = INT64_MIN, .to_ns = INT64_MAX};
            struct hist_scan *scan = NULL;
            expect_ok(hist_scan_open(historian, &all, &scan, &err), &err);
            struct hist_rows rows;
            uint32_t at = 0;
            while (hist_scan_next(scan, &rows, &err) > 0) {
                for (uint32_t i = 0; i < rows.count; i++, at++) {
                    assert_true(rows.f64[i] == value_of(at, tag));
                }
            }
            hist_scan_close(scan);
            assert_int_equal(at, SEGMENTS);
        }
        if (b == 1) { // Merging reads directories that were dropped.
            while (hist_merge(historian, &err) > 0) {
            }
        }
        hist_close(historian);
    }
    folder_remove(dir);
}

enum { MANY_TAGS = 9000 }; // Three parts of a directory.

static void write_many(struct historian *historian, uint32_t segments) {
    struct err err = ERR_INIT;
    AUTO_BATCH struct batch *batch = batch_new(MANY_TAGS, 0);
    for (uint32_t segment = 0; segment < segments; segment++) {
        batch_clear(batch);
        for (uint32_t tag = 1; tag <= MANY_TAGS; tag++) {
            struct sample *row = batch_add(batch);
            row->tag = tag * 3;
            row->time_ns = TEST_T0 + (int64_t)segment * NS_PER_S;
            row->type = TYPE_F64;
            row->value.f64 = value_of(segment, tag);
        }
        expect_ok(hist_append(historian, &batch, 1, &err), &err);
        expect_ok(hist_seal(historian, &err), &err);
    }
}

static void expect_many(struct historian *historian, uint32_t segments, uint32_t step) {
    struct err err = ERR_INIT;
    for (uint32_t tag = step; tag <= MANY_TAGS; tag += step) {
        struct hist_scan_options all = {.tag = tag * 3, .from_ns = INT64_MIN, .to_ns = INT64_MAX};
        struct hist_scan *scan = NULL;
        expect_ok(hist_scan_open(historian, &all, &scan, &err), &err);
        struct hist_rows rows;
        uint32_t at = 0;
        while (hist_scan_next(scan, &rows, &err) > 0) {
            for (uint32_t i = 0; i < rows.count; i++, at++) {
                assert_true(rows.f64[i] == value_of(at, tag));
            }
        }
        hist_scan_close(scan);
        assert_int_equal(at, segments);
        uint64_t none = 0;
        uint32_t absent = tag * 3 + 1; // Between two that are there, also where parts meet.
        struct hist_bucket_query query = {
            .tags = &absent, .tag_count = 1, .from_ns = 0, .to_ns = INT64_MAX};
        expect_ok(hist_buckets(historian, &query, add_count, &none, &err), &err);
        assert_int_equal(none, 0);
    }
}

/* A part of the directory that fits into nothing is read for each question, not the whole. */
static void many_tags_are_merged_and_found_with_little_memory(void **state) {
    (void)state;
    char dir[128];
    folder_new(dir);
    /* Room for one part of each segment. */
    struct hist_options options = {.dir = dir, .no_thread = true, .index_bytes = 3 << 20};
    struct historian *historian = NULL;
    struct err err = ERR_INIT;
    expect_ok(hist_open(&options, &historian, &err), &err);
    write_many(historian, 10);
    expect_many(historian, 10, 211);
    int merged = 0;
    while (hist_merge(historian, &err) > 0) {
        merged++;
    }
    assert_true(merged > 0);
    expect_many(historian, 10, 211);
    hist_close(historian);
    folder_remove(dir);
}

static int find_segment(void *context, const char *name, struct err *err) {
    (void)err;
    uint64_t id = 0;
    if (segment_name_parse(name, &id)) {
        (void)str_copy_z(str_of(name), context, 32);
    }
    return 0;
}

static uint64_t damage_told(struct historian *historian) {
    struct hist_status status;
    hist_status(historian, &status);
    return status.damaged_blocks;
}

static void flip(const char *path, uint64_t at) {
    struct err err = ERR_INIT;
    AUTO_CLOSE int fd = -1;
    uint8_t byte = 0;
    expect_ok(file_open(files_system(), path, FILE_WRITE, &fd, &err), &err);
    expect_ok(file_read_at(fd, path, at, &byte, 1, &err), &err);
    byte ^= 0x40;
    expect_ok(file_write_at(files_system(), fd, path, at, &byte, 1, &err), &err);
}

/* The newest segment, and the middle of its directory. */
static uint64_t find_directory(const char *dir, char *path, size_t path_size) {
    struct err err = ERR_INIT;
    char name[32] = "";
    expect_ok(dir_each(dir, find_segment, name, &err), &err);
    (void)snprintf(path, path_size, "%s/%s", dir, name);
    AUTO_CLOSE int fd = -1;
    uint64_t size = 0;
    uint8_t bytes[SEGMENT_TAIL_BYTES];
    struct segment_tail tail;
    expect_ok(file_open(files_system(), path, FILE_READ, &fd, &err), &err);
    expect_ok(file_size(fd, path, &size, &err), &err);
    expect_ok(file_read_at(fd, path, size - sizeof bytes, bytes, sizeof bytes, &err), &err);
    assert_true(segment_tail_get(bytes, &tail));
    return tail.directory_offset + tail.directory_size / 2;
}

static void a_directory_that_is_damaged_later_is_rebuilt(void **state) {
    (void)state;
    char dir[128];
    folder_new(dir);
    struct hist_options options = {.dir = dir, .no_thread = true, .index_bytes = 1};
    struct historian *historian = NULL;
    struct err err = ERR_INIT;
    expect_ok(hist_open(&options, &historian, &err), &err);
    write_many(historian, 1);
    expect_many(historian, 1, 1009);
    assert_int_equal(damage_told(historian), 0);
    char path[256];
    uint64_t directory = find_directory(dir, path, sizeof path);
    flip(path, directory);
    expect_many(historian, 1, 1009);
    assert_int_equal(damage_told(historian), 1); // Told, though nothing is missing.
    hist_close(historian);
    folder_remove(dir);
}

/* A part of the only source is damaged when a merge asks for it, and so are the records from which
 * it could be rebuilt: that is not the end of its tags. It stays, and after a repair all is there.
 */
static void a_merge_keeps_a_source_that_it_cannot_walk_through(void **state) {
    (void)state;
    char dir[128];
    folder_new(dir);
    struct hist_options options = {.dir = dir, .no_thread = true, .index_bytes = 1};
    struct historian *historian = NULL;
    struct err err = ERR_INIT;
    expect_ok(hist_open(&options, &historian, &err), &err);
    write_many(historian, 1);
    expect_many(historian, 1, 1009);
    expect_ok(hist_expire(historian, 3, TEST_T0 + NS_PER_S, &err), &err); // Worth a merge.
    char path[256];
    uint64_t directory = find_directory(dir, path, sizeof path);
    uint64_t first_head = SEGMENT_HEAD_BYTES + 3; // Nobody can walk through the records then.
    flip(path, directory);
    flip(path, first_head);
    assert_int_equal(damage_told(historian), 0);
    for (int i = 0; i < 3; i++) { // However often it is tried.
        err_clear(&err);
        (void)hist_merge(historian, &err);
    }
    assert_true(damage_told(historian) > 0);
    hist_close(historian);
    flip(path, directory);
    flip(path, first_head);
    expect_ok(hist_open(&options, &historian, &err), &err);
    expect_many(historian, 1, 211);
    hist_close(historian);
    folder_remove(dir);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_not_used_goes_first),
        cmocka_unit_test(answers_do_not_depend_on_the_bound),
        cmocka_unit_test(many_tags_are_merged_and_found_with_little_memory),
        cmocka_unit_test(a_directory_that_is_damaged_later_is_rebuilt),
        cmocka_unit_test(a_merge_keeps_a_source_that_it_cannot_walk_through),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
