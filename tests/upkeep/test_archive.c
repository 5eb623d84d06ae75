/*
 * The backup file: what goes in comes out; whatever happens to a byte of it is found; it never
 * gives out what it cannot vouch for, and never reads beyond what is there.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/mem.h"
#include "core/random.h"
#include "upkeep/about.h"
#include "upkeep/archive.h"

static int file_new(void) {
    char path[] = "/tmp/maru-archive-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(unlink(path), 0);
    return fd;
}

static void put(
    struct archive_writer *w, const char *name, bool pack, const void *bytes, size_t size) {
    struct err err = ERR_INIT;
    assert_int_equal(archive_part_begin(w, str_of(name), pack, &err), 0);
    assert_int_equal(archive_part_put(w, bytes, size, &err), 0);
    assert_int_equal(archive_part_end(w, &err), 0);
}

enum { LARGE = 2500001 };

/* Three parts: a small one, one over several chunks that packs well, an empty one. */
static int archive_new(uint8_t *large, uint8_t digest[DIGEST_BYTES]) {
    int fd = file_new();
    struct err err = ERR_INIT;
    struct archive_options options = {.fd = fd, .path = "test", .created_ns = 1700000000};
    struct archive_writer *w = NULL;
    assert_int_equal(archive_begin(&options, &w, &err), 0);
    for (size_t i = 0; i < LARGE; i++) {
        large[i] = (uint8_t)(i / 1000);
    }
    put(w, "about", false, "hello", 5);
    put(w, "hub.db", true, large, LARGE);
    put(w, "maru.conf", true, "", 0);
    assert_int_equal(archive_end(w, digest, &err), 0);
    assert_true(archive_bytes(w) < LARGE / 10);
    archive_writer_free(w);
    return fd;
}

/* Reads all; 0 or the error. */
static int read_all(int fd, uint64_t *ret_bytes, uint8_t ret_digest[DIGEST_BYTES]) {
    struct archive_reader *r = NULL;
    struct str name;
    struct str piece;
    *ret_bytes = 0;
    int status = archive_open(fd, "test", (struct watch){0}, &r, NULL);
    while (status >= 0 && (status = archive_next(r, &name, NULL)) > 0) {
        while ((status = archive_read(r, &piece, NULL)) > 0) {
            *ret_bytes += piece.size;
        }
    }
    if (status == 0) {
        memcpy(ret_digest, archive_digest(r), DIGEST_BYTES);
    }
    archive_reader_free(r);
    return status;
}

static void what_goes_in_comes_out(void **state) {
    (void)state;
    AUTO_FREE uint8_t *large = mem_alloc(LARGE);
    uint8_t digest[DIGEST_BYTES];
    uint8_t read_digest[DIGEST_BYTES];
    int fd = archive_new(large, digest);
    struct archive_reader *r = NULL;
    struct str name;
    struct str piece;
    assert_int_equal(archive_open(fd, "test", (struct watch){0}, &r, NULL), 0);
    assert_int_equal(archive_created_ns(r), 1700000000);
    assert_int_equal(archive_next(r, &name, NULL), 1);
    assert_true(str_eq(name, STR("about")));
    assert_int_equal(archive_next(r, &name, NULL), 1); // The first is read over.
    assert_true(str_eq(name, STR("hub.db")));
    size_t at = 0;
    while (archive_read(r, &piece, NULL) > 0) {
        assert_memory_equal(piece.data, large + at, piece.size);
        at += piece.size;
    }
    assert_int_equal(at, LARGE);
    assert_int_equal(archive_next(r, &name, NULL), 1);
    assert_int_equal(archive_read(r, &piece, NULL), 0);
    assert_int_equal(archive_next(r, &name, NULL), 0);
    assert_memory_equal(archive_digest(r), digest, DIGEST_BYTES);
    archive_reader_free(r);
    uint64_t bytes = 0;
    assert_int_equal(read_all(fd, &bytes, read_digest), 0);
    assert_int_equal(bytes, LARGE + 5);
    file_close(fd);
}

static void each_flipped_bit_is_found(void **state) {
    (void)state;
    AUTO_FREE uint8_t *large = mem_alloc(LARGE);
    uint8_t digest[DIGEST_BYTES];
    int fd = archive_new(large, digest);
    off_t size = lseek(fd, 0, SEEK_END);
    struct random random;
    random_seed(&random, 5);
    uint64_t bytes = 0;
    for (int i = 0; i < 400; i++) {
        /* The head and the tail wholly, the rest here and there. */
        off_t at = i < 60    ? i
                   : i < 160 ? size - 1 - (i - 60)
                             : (off_t)random_below(&random, (uint64_t)size);
        uint8_t byte = 0;
        assert_int_equal(pread(fd, &byte, 1, at), 1);
        uint8_t bad = byte ^ (uint8_t)(1u << random_below(&random, 8));
        assert_int_equal(pwrite(fd, &bad, 1, at), 1);
        int status = read_all(fd, &bytes, digest);
        assert_true(status == -ERR_CORRUPT || status == -ERR_VERSION);
        assert_int_equal(pwrite(fd, &byte, 1, at), 1);
    }
    assert_int_equal(read_all(fd, &bytes, digest), 0);
    file_close(fd);
}

static void a_cut_or_longer_file_is_refused(void **state) {
    (void)state;
    AUTO_FREE uint8_t *large = mem_alloc(LARGE);
    uint8_t digest[DIGEST_BYTES];
    int fd = archive_new(large, digest);
    off_t size = lseek(fd, 0, SEEK_END);
    uint64_t bytes = 0;
    assert_int_equal(pwrite(fd, "x", 1, size), 1);
    assert_int_equal(read_all(fd, &bytes, digest), -ERR_CORRUPT);
    for (off_t cut = size - 1; cut >= 0; cut -= cut > 300 ? 97 : 1) {
        assert_int_equal(ftruncate(fd, cut), 0);
        assert_int_equal(read_all(fd, &bytes, digest), -ERR_CORRUPT);
    }
    file_close(fd);
}

static int stop_at_once(void *context, struct err *err) {
    (void)context;
    return err_set(err, ERR_CANCELLED, MSG_BACKUP_CHECKING, NO_ARGS);
}

static void a_watch_ends_the_work(void **state) {
    (void)state;
    int fd = file_new();
    struct archive_options options = {.fd = fd, .path = "test", .watch = {.go_on = stop_at_once}};
    struct archive_writer *w = NULL;
    assert_int_equal(archive_begin(&options, &w, NULL), 0);
    assert_int_equal(archive_part_begin(w, STR("about"), false, NULL), 0);
    assert_int_equal(archive_part_put(w, "x", 1, NULL), 0);
    assert_int_equal(archive_part_end(w, NULL), -ERR_CANCELLED);
    archive_writer_free(w);
    file_close(fd);
}

static void only_names_of_a_home_are_good(void **state) {
    (void)state;
    static const char *const GOOD[] = {"about", "maru.conf", "hub.db", "keys.sealed",
        "plants/main/ledger.db", "plants/main/history/manifest", "plants/p-1/spool/mqtt/1.q"};
    static const char *const BAD[] = {"", "/etc/passwd", "../x", "plants", "plants/main",
        "plants/../hub.db", "plants/main/../x", "plants/main/history/../../x", "lock",
        "plants/main/history/", "plants/main/history/a/b", "plants/main/ledger.db/x",
        "plants/main/ledger.db-wal", "plants/main/history/.x", "plants//ledger.db", "keys/x",
        "plants/main/spool/a/b/c/d", "plants/main/spool/a b", "hub.db/", "plants/main/spool"};
    for (size_t i = 0; i < sizeof GOOD / sizeof GOOD[0]; i++) {
        assert_true(part_path_good(str_of(GOOD[i])));
    }
    for (size_t i = 0; i < sizeof BAD / sizeof BAD[0]; i++) {
        assert_false(part_path_good(str_of(BAD[i])));
    }
}

static void about_says_what_it_was_told(void **state) {
    (void)state;
    AUTO_FREE struct about *about = MEM_NEW(struct about);
    AUTO_FREE struct about *read = MEM_NEW(struct about);
    about->created_ns = 5;
    about->has_keys = true;
    about->hub = (struct hub_digest){.present = true, .ledger = {1}, .head = {.sequence = 9}};
    about->plant_count = 1;
    about->plants[0] = (struct plant_digest){.id = "main", .seq = 7, .rows = 8, .samples = {3}};
    digest_whole(&about->hub, about->plants, 1, about->logical);
    AUTO_BUF struct buf text;
    buf_init(&text, ABOUT_BYTES_MAX);
    about_write(about, &text);
    assert_int_equal(about_parse(buf_str(&text), read, NULL), 0);
    assert_string_equal(read->logical, about->logical);
    assert_string_equal(read->version, MARU_VERSION);
    assert_int_equal(read->plants[0].rows, 8);
    assert_memory_equal(read->plants[0].samples, about->plants[0].samples, DIGEST_BYTES);
    assert_int_equal(read->hub.head.sequence, 9);
    assert_true(read->has_keys);
    static const char *const BAD[] = {
        "", "maru 1\n", "plant x\n", "hub 1 2\n", "logical zz\n", "maru 1\nlogical 00\n"};
    for (size_t i = 0; i < sizeof BAD / sizeof BAD[0]; i++) {
        assert_int_equal(about_parse(str_of(BAD[i]), read, NULL), -ERR_CORRUPT);
    }
}

static void a_phrase_opens_its_box_alone(void **state) {
    (void)state;
    char phrase[PHRASE_TEXT_MAX];
    char other[PHRASE_TEXT_MAX];
    phrase_new(phrase);
    phrase_new(other);
    assert_string_not_equal(phrase, other);
    AUTO_BUF struct buf box;
    AUTO_BUF struct buf plain;
    buf_init(&box, 4096);
    buf_init(&plain, 4096);
    assert_int_equal(phrase_seal(str_of(phrase), "a key", 5, &box, NULL), 0);
    assert_int_equal(phrase_open(str_of(other), box.data, box.size, &plain, NULL), -ERR_FORBIDDEN);
    assert_int_equal(phrase_open(str_of(phrase), box.data, box.size, &plain, NULL), 0);
    assert_true(str_eq(buf_str(&plain), STR("a key")));
    box.data[box.size - 1] ^= 1;
    assert_int_equal(phrase_open(str_of(phrase), box.data, box.size, &plain, NULL), -ERR_FORBIDDEN);
    for (size_t size = 0; size < 72; size++) {
        assert_true(phrase_open(str_of(phrase), box.data, size, &plain, NULL) < 0);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(what_goes_in_comes_out),
        cmocka_unit_test(each_flipped_bit_is_found),
        cmocka_unit_test(a_cut_or_longer_file_is_refused), cmocka_unit_test(a_watch_ends_the_work),
        cmocka_unit_test(only_names_of_a_home_are_good),
        cmocka_unit_test(about_says_what_it_was_told),
        cmocka_unit_test(a_phrase_opens_its_box_alone)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
