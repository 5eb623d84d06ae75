/*
 * The certificate that is served: made, kept, made anew, taken from files, kept when files are bad.
 */
#include <setjmp.h>
#include <stdatomic.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "core/file.h"
#include "core/mem.h"
#include "upkeep/certificate.h"
#include "upkeep/tls.h"

#define DAY_NS (86400 * NS_PER_S)
static const int64_t NOW_NS = 1800000000 * NS_PER_S; // 2027-01-15

struct place {
    char dir[64];
    struct clock_fake clock;
    struct tls_store *store;
    struct tls_facts facts;
};

static void two_addresses(struct tls_names *names) {
    (void)snprintf(names->items[names->count++], TLS_NAME_BYTES, "plant-pc");
    (void)snprintf(names->items[names->count++], TLS_NAME_BYTES, "192.168.7.20");
}

static void three_addresses(struct tls_names *names) {
    two_addresses(names);
    (void)snprintf(names->items[names->count++], TLS_NAME_BYTES, "fd00::7");
}

static void open_own(struct place *place, void (*names)(struct tls_names *)) {
    struct err err = ERR_INIT;
    struct tls_options options = {
        .home_dir = place->dir, .clock = &place->clock.clock, .names = names};
    assert_int_equal(tls_store_open(&options, &place->store, &err), 0);
    tls_store_facts(place->store, &place->facts);
}

static void look(struct place *place) {
    tls_store_look(place->store);
    tls_store_facts(place->store, &place->facts);
}

static int place_init(void **state) {
    struct place *place = MEM_NEW(struct place);
    (void)snprintf(place->dir, sizeof place->dir, "/tmp/maru-tls-XXXXXX");
    assert_non_null(mkdtemp(place->dir));
    clock_fake_init(&place->clock, NOW_NS);
    *state = place;
    return 0;
}

static int place_fini(void **state) {
    struct place *place = *state;
    tls_store_close(place->store);
    assert_int_equal(dir_remove_all(place->dir, NULL), 0);
    mem_free(place);
    return 0;
}

static void path_of(const struct place *place, const char *name, char to[128]) {
    (void)snprintf(to, 128, "%s/%s", place->dir, name);
}

static void read_all(const char *path, struct buf *to) {
    int fd = -1;
    uint64_t size = 0;
    assert_int_equal(file_open(files_system(), path, FILE_READ, &fd, NULL), 0);
    assert_int_equal(file_size(fd, path, &size, NULL), 0);
    buf_init(to, 1 << 20);
    assert_int_equal(
        file_read_at(fd, path, 0, buf_reserve(to, (size_t)size), (size_t)size, NULL), 0);
    buf_commit(to, (size_t)size);
    file_close(fd);
}

static void write_all(const char *path, struct str text) {
    int fd = -1;
    assert_int_equal(file_remove(files_system(), path, NULL), 0);
    assert_int_equal(file_open(files_system(), path, FILE_CREATE_NEW, &fd, NULL), 0);
    assert_int_equal(file_write_at(files_system(), fd, path, 0, text.data, text.size, NULL), 0);
    file_close(fd);
}

static void its_own_names_the_computer_and_is_kept(void **state) {
    struct place *place = *state;
    open_own(place, two_addresses);
    assert_true(place->facts.own);
    assert_int_equal(strlen(place->facts.authority), 95);
    assert_string_not_equal(place->facts.authority, place->facts.fingerprint);
    assert_int_equal((place->facts.end_ns - NOW_NS) / DAY_NS, 396);
    assert_int_equal((place->facts.authority_end_ns - NOW_NS) / DAY_NS, 3652);
    static const char *const FILES[] = {"keys/tls.pem", "keys/tls-ca.pem"};
    for (size_t i = 0; i < 2; i++) {
        char path[128];
        struct stat info;
        path_of(place, FILES[i], path);
        assert_int_equal(stat(path, &info), 0);
        assert_int_equal(info.st_mode & 0777, 0600);
    }
    char path[128];
    struct buf leaf;
    path_of(place, "keys/tls.pem", path);
    read_all(path, &leaf);
    static const char *const NAMES[] = {
        "localhost", "127.0.0.1", "::1", "plant-pc", "192.168.7.20"};
    for (size_t i = 0; i < sizeof NAMES / sizeof NAMES[0]; i++) {
        assert_true(certificate_covers(buf_str(&leaf), NAMES[i]));
    }
    assert_false(certificate_covers(buf_str(&leaf), "192.168.7.21"));
    assert_false(certificate_covers(buf_str(&leaf), "evil.example"));
    struct buf authority;
    buf_init(&authority, 1 << 20);
    assert_int_equal(tls_store_authority(place->store, &authority, NULL), 0);
    assert_true(certificate_signed_by(buf_str(&leaf), buf_str(&authority)));
    assert_null(strstr(buf_z(&authority), "PRIVATE KEY"));
    buf_fini(&authority);
    buf_fini(&leaf);
    struct tls_facts before = place->facts;
    tls_store_close(place->store);
    open_own(place, two_addresses);
    assert_string_equal(place->facts.fingerprint, before.fingerprint);
    assert_string_equal(place->facts.authority, before.authority);
}

static void a_leaf_is_made_anew_under_the_same_authority(void **state) {
    struct place *place = *state;
    open_own(place, two_addresses);
    struct tls_facts first = place->facts;
    clock_fake_advance(&place->clock, 365 * DAY_NS); // 31 days are left.
    look(place);
    assert_string_equal(place->facts.fingerprint, first.fingerprint);
    clock_fake_advance(&place->clock, 2 * DAY_NS);
    look(place);
    assert_string_not_equal(place->facts.fingerprint, first.fingerprint);
    assert_string_equal(place->facts.authority, first.authority);
    assert_int_equal(place->facts.loads, 2);
    assert_true(place->facts.end_ns > first.end_ns);
    struct tls_facts second = place->facts;
    tls_store_close(place->store);
    open_own(place, three_addresses); // One more address.
    assert_string_not_equal(place->facts.fingerprint, second.fingerprint);
    assert_string_equal(place->facts.authority, first.authority);
    struct tls_facts third = place->facts;
    tls_store_close(place->store);
    open_own(place, two_addresses); // One less needs nothing.
    assert_string_equal(place->facts.fingerprint, third.fingerprint);
}

static void public_address(struct tls_names *names) {
    two_addresses(names);
    (void)snprintf(names->items[names->count++], TLS_NAME_BYTES, "press.example.com");
    (void)snprintf(names->items[names->count++], TLS_NAME_BYTES, "203.0.113.9");
    (void)snprintf(names->items[names->count++], TLS_NAME_BYTES, "2001:db8::9");
}

/* Signs a leaf with the authority's key, as whoever stole it would. */
static bool forged_passes(struct str authority_with_key, const char *name) {
    struct tls_names names = {
        .count = 2}; // A leaf without any name would be judged by its subject.
    (void)snprintf(names.items[0], TLS_NAME_BYTES, "localhost");
    (void)snprintf(names.items[1], TLS_NAME_BYTES, "%s", name);
    struct certificate_wish wish = {.common_name = "x",
        .begin_ns = NOW_NS - DAY_NS,
        .end_ns = NOW_NS + 90 * DAY_NS,
        .names = &names};
    struct buf leaf;
    buf_init(&leaf, 1 << 20);
    assert_int_equal(certificate_make_leaf(&wish, authority_with_key, &leaf, NULL), 0);
    bool passes = certificate_signed_by(buf_str(&leaf), authority_with_key);
    buf_fini(&leaf);
    return passes;
}

static void a_stolen_authority_is_good_for_no_site_of_the_world(void **state) {
    struct place *place = *state;
    open_own(place, public_address);
    char path[128];
    struct buf leaf;
    struct buf authority;
    path_of(place, "keys/tls.pem", path);
    read_all(path, &leaf);
    path_of(place, "keys/tls-ca.pem", path);
    read_all(path, &authority);
    static const char *const GOOD[] = {"localhost", "127.0.0.1", "::1", "plant-pc", "192.168.7.20",
        "press.example.com", "203.0.113.9", "2001:db8::9"};
    for (size_t i = 0; i < sizeof GOOD / sizeof GOOD[0]; i++) {
        assert_true(certificate_covers(buf_str(&leaf), GOOD[i]));
        assert_true(forged_passes(buf_str(&authority), GOOD[i]));
    }
    assert_true(certificate_signed_by(buf_str(&leaf), buf_str(&authority)));
    static const char *const PRIVATE[] = {
        "maru.local", "10.9.8.7", "172.31.0.1", "169.254.3.4", "fd12::1", "fe80::1", "100.64.1.1"};
    for (size_t i = 0; i < sizeof PRIVATE / sizeof PRIVATE[0]; i++) {
        assert_true(certificate_permits(buf_str(&authority), PRIVATE[i]));
    }
    static const char *const WORLD[] = {"bank.example", "example.com", "www.example.org", "8.8.8.8",
        "203.0.113.10", "172.32.0.1", "2001:db8::a", "notlocal", "plant-pc.example"};
    for (size_t i = 0; i < sizeof WORLD / sizeof WORLD[0]; i++) {
        assert_false(certificate_permits(buf_str(&authority), WORLD[i]));
        assert_false(forged_passes(buf_str(&authority), WORLD[i]));
    }
    buf_fini(&authority);
    buf_fini(&leaf);
}

static void a_host_name_that_was_set_later_gets_an_authority_once(void **state) {
    struct place *place = *state;
    open_own(place, two_addresses);
    struct tls_facts first = place->facts;
    struct tls_options options = {.home_dir = place->dir,
        .clock = &place->clock.clock,
        .names = two_addresses,
        .host_name = "maru.factory.example"};
    for (int i = 0; i < 2; i++) {
        tls_store_close(place->store);
        assert_int_equal(tls_store_open(&options, &place->store, NULL), 0);
        look(place);
        assert_string_not_equal(place->facts.authority, first.authority);
        if (i == 0) {
            memcpy(first.fingerprint, place->facts.authority, sizeof first.fingerprint);
        }
        assert_string_equal(place->facts.authority, first.fingerprint);
    }
    char path[128];
    struct buf leaf;
    path_of(place, "keys/tls.pem", path);
    read_all(path, &leaf);
    assert_true(certificate_covers(buf_str(&leaf), "maru.factory.example"));
    buf_fini(&leaf);
}

static void a_name_that_came_later_is_left_out_and_the_rest_is_served(void **state) {
    struct place *place = *state;
    open_own(place, two_addresses);
    struct tls_facts first = place->facts;
    tls_store_close(place->store);
    open_own(place, public_address);
    assert_string_equal(place->facts.authority, first.authority);
    assert_int_equal(place->facts.trouble.code, ERR_OK);
    char path[128];
    struct buf leaf;
    path_of(place, "keys/tls.pem", path);
    read_all(path, &leaf);
    assert_true(certificate_covers(buf_str(&leaf), "192.168.7.20"));
    assert_false(certificate_covers(buf_str(&leaf), "203.0.113.9"));
    buf_fini(&leaf);
    look(place);
    assert_string_equal(
        place->facts.fingerprint, first.fingerprint); // And not made again and again.
}

static void no_leaf_outlives_its_authority_and_a_new_one_follows(void **state) {
    struct place *place = *state;
    open_own(place, two_addresses);
    struct tls_facts first = place->facts;
    clock_fake_advance(&place->clock, (int64_t)3500 * DAY_NS);
    look(place);
    assert_string_equal(place->facts.authority, first.authority);
    assert_int_equal(place->facts.end_ns, first.authority_end_ns);
    clock_fake_advance(&place->clock, (int64_t)125 * DAY_NS); // 27 days are left.
    look(place);
    assert_string_not_equal(place->facts.authority, first.authority);
}

static void a_clock_of_1970_makes_what_holds_later(void **state) {
    struct place *place = *state;
    clock_fake_init(&place->clock, 5 * NS_PER_S);
    open_own(place, two_addresses);
    assert_true(place->facts.end_ns > 1798000000 * NS_PER_S); // 2026-12-22
    struct tls_facts first = place->facts;
    atomic_store(&place->clock.wall_ns, NOW_NS);
    look(place);
    assert_string_equal(place->facts.authority, first.authority);
}

static void a_damaged_file_of_ours_is_set_aside(void **state) {
    struct place *place = *state;
    open_own(place, two_addresses);
    struct tls_facts first = place->facts;
    tls_store_close(place->store);
    place->store = NULL;
    char path[128];
    path_of(place, "keys/tls.pem", path);
    write_all(path, STR("-----BEGIN CERTIFICATE-----\nnothing\n"));
    open_own(place, two_addresses);
    assert_string_equal(place->facts.authority, first.authority);
    tls_store_close(place->store);
    path_of(place, "keys/tls-ca.pem", path);
    write_all(path, STR("gone"));
    open_own(place, two_addresses);
    assert_string_not_equal(place->facts.authority, first.authority);
    path_of(place, "keys/tls-ca.pem.damaged", path);
    assert_true(file_exists(path));
}

/* Certificate and key of two authorities, as files that an operator names. */
static void make_files(struct place *place, const char *name, struct buf *pem) {
    (void)place;
    struct certificate_wish wish = {
        .common_name = name, .begin_ns = NOW_NS - DAY_NS, .end_ns = NOW_NS + 90 * DAY_NS};
    buf_init(pem, 1 << 20);
    assert_int_equal(certificate_make_authority(&wish, pem, NULL), 0);
}

static void files_are_taken_when_they_change_and_fit(void **state) {
    struct place *place = *state;
    char certificate[128];
    char key[128];
    struct buf one;
    struct buf two;
    path_of(place, "site.crt", certificate);
    path_of(place, "site.key", key);
    make_files(place, "one", &one);
    make_files(place, "two", &two);
    write_all(certificate, buf_str(&one));
    write_all(key, buf_str(&one));
    struct tls_options options = {.home_dir = place->dir,
        .certificate_file = certificate,
        .key_file = key,
        .clock = &place->clock.clock};
    assert_int_equal(tls_store_open(&options, &place->store, NULL), 0);
    look(place);
    struct tls_facts first = place->facts;
    assert_false(first.own);
    assert_string_equal(first.authority, "");
    assert_int_equal(first.loads, 1);
    struct buf none;
    buf_init(&none, 1000);
    assert_int_equal(tls_store_authority(place->store, &none, NULL), -ERR_NOT_FOUND);

    write_all(certificate, buf_str(&two)); // The key comes later.
    look(place);
    assert_int_equal(place->facts.trouble.code, ERR_CONFLICT);
    assert_string_equal(place->facts.fingerprint, first.fingerprint);
    look(place);
    assert_int_equal(place->facts.loads, 1);
    write_all(key, buf_str(&two));
    look(place);
    assert_int_equal(place->facts.trouble.code, ERR_OK);
    assert_string_not_equal(place->facts.fingerprint, first.fingerprint);
    struct tls_facts second = place->facts;

    static const char *const BROKEN[] = {"", "rubbish", "-----BEGIN CERTIFICATE-----\nAAAA\n"};
    for (size_t i = 0; i < sizeof BROKEN / sizeof BROKEN[0]; i++) {
        write_all(certificate, str_of(BROKEN[i]));
        look(place);
        assert_int_equal(place->facts.trouble.code, ERR_CORRUPT);
        assert_string_equal(place->facts.fingerprint, second.fingerprint);
    }
    assert_int_equal(file_remove(files_system(), certificate, NULL), 0);
    look(place);
    assert_int_equal(place->facts.trouble.code, ERR_NOT_FOUND);
    assert_string_equal(place->facts.fingerprint, second.fingerprint);
    write_all(certificate, buf_str(&two));
    look(place);
    assert_int_equal(place->facts.trouble.code, ERR_OK);
    buf_fini(&one);
    buf_fini(&two);
    buf_fini(&none);
}

static void files_that_cannot_be_served_end_the_start_in_words(void **state) {
    struct place *place = *state;
    char certificate[128];
    struct buf one;
    path_of(place, "site.pem", certificate);
    make_files(place, "one", &one);
    struct tls_options options = {.home_dir = place->dir,
        .certificate_file = certificate,
        .key_file = certificate,
        .clock = &place->clock.clock};
    struct err err = ERR_INIT;
    assert_int_equal(tls_store_open(&options, &place->store, &err), -ERR_NOT_FOUND);
    write_all(certificate, STR("rubbish"));
    assert_int_equal(tls_store_open(&options, &place->store, &err), -ERR_CORRUPT);
    const char *key = strstr(buf_z(&one), "-----BEGIN PRIVATE KEY");
    assert_non_null(key);
    write_all(certificate, str_slice(buf_str(&one), 0, (size_t)(key - buf_z(&one)))); // No key.
    assert_int_equal(tls_store_open(&options, &place->store, &err), -ERR_CORRUPT);
    assert_int_equal(err.notes[0].msg, MSG_TLS_KEY_UNREADABLE);
    buf_fini(&one);
}

static void certificates_before_stay_for_handshakes_under_way(void **state) {
    struct place *place = *state;
    char certificate[128];
    path_of(place, "site.pem", certificate);
    struct buf pems[2];
    make_files(place, "one", &pems[0]);
    make_files(place, "two", &pems[1]);
    write_all(certificate, buf_str(&pems[0]));
    struct tls_options options = {.home_dir = place->dir,
        .certificate_file = certificate,
        .key_file = certificate,
        .clock = &place->clock.clock};
    assert_int_equal(tls_store_open(&options, &place->store, NULL), 0);
    void *chain = NULL;
    void *key = NULL;
    unsigned count = 0;
    tls_store_lend(place->store, &chain, &count, &key);
    assert_int_equal(count, 1);
    void *held = chain;
    for (int i = 1; i <= TLS_PAIRS_KEPT; i++) { // More than are kept.
        write_all(certificate, buf_str(&pems[i % 2]));
        look(place);
        tls_store_lend(place->store, &chain, &count, &key);
        assert_non_null(chain);
        assert_true(i == TLS_PAIRS_KEPT || chain != held); // Not given back while it may be in use.
    }
    assert_int_equal(place->facts.loads, TLS_PAIRS_KEPT + 1);
    buf_fini(&pems[0]);
    buf_fini(&pems[1]);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, place_init, place_fini)
    const struct CMUnitTest tests[] = {
        TEST(its_own_names_the_computer_and_is_kept),
        TEST(a_leaf_is_made_anew_under_the_same_authority),
        TEST(a_stolen_authority_is_good_for_no_site_of_the_world),
        TEST(a_host_name_that_was_set_later_gets_an_authority_once),
        TEST(a_name_that_came_later_is_left_out_and_the_rest_is_served),
        TEST(no_leaf_outlives_its_authority_and_a_new_one_follows),
        TEST(a_clock_of_1970_makes_what_holds_later),
        TEST(a_damaged_file_of_ours_is_set_aside),
        TEST(files_are_taken_when_they_change_and_fit),
        TEST(files_that_cannot_be_served_end_the_start_in_words),
        TEST(certificates_before_stay_for_handshakes_under_way),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
