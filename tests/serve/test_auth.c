/*
 * The gate before Argon2: at most two runs at once, a few wait, the rest is told to come back.
 */
#include "serve/auth.h"

#include <stdatomic.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

enum { TRIES = 12 };

static struct auth auth;
static char hash[PASSWORD_HASH_MAX];

static int open_auth(void **state) {
    (void)state;
    struct err err = ERR_INIT;
    assert_int_equal(auth_init(&auth, &err), 0);
    assert_int_equal(auth_password_hash(&auth, STR("correct horse"), hash, &err), 0);
    return 0;
}

static int close_auth(void **state) {
    (void)state;
    auth_fini(&auth);
    return 0;
}

static void a_password_matches_its_hash_and_no_other(void **state) {
    (void)state;
    struct err err = ERR_INIT;
    assert_int_equal(auth_password_matches(&auth, hash, STR("correct horse"), &err), 1);
    assert_int_equal(auth_password_matches(&auth, hash, STR("correct horse "), &err), 0);
    assert_int_equal(auth_password_matches(&auth, NULL, STR("correct horse"), &err), 0);
}

struct tryer {
    struct thread thread;
    _Atomic int result;
};

static void tryer_run(void *context) {
    struct tryer *tryer = context;
    atomic_store(&tryer->result, auth_password_matches(&auth, hash, STR("correct horse"), NULL));
}

static void a_storm_of_tries_is_worked_off_or_told_to_come_back(void **state) {
    (void)state;
    static struct tryer tryers[TRIES];
    for (int i = 0; i < TRIES; i++) {
        thread_start(&tryers[i].thread, "test-tryer", tryer_run, &tryers[i]);
    }
    int matched = 0;
    for (int i = 0; i < TRIES; i++) {
        thread_join(&tryers[i].thread);
        int result = atomic_load(&tryers[i].result);
        assert_true(result == 1 || result == -ERR_BUSY);
        matched += result == 1;
    }
    assert_in_range(matched, PASSWORDS_AT_ONCE + PASSWORDS_WAITING, TRIES);
    assert_int_equal(auth_password_matches(&auth, hash, STR("correct horse"), NULL), 1);
}

static void tries_are_counted_by_address(void **state) {
    (void)state;
    struct http_address one = {{[10] = 0xff, [11] = 0xff, [15] = 1}};
    struct http_address two = {{[10] = 0xff, [11] = 0xff, [15] = 2}};
    uint32_t wait_s = 0;
    for (int i = 0; i < LOGINS_PER_MINUTE; i++) {
        assert_int_equal(auth_login_try(&auth, &one, 0, &wait_s, NULL), 0);
    }
    assert_int_equal(auth_login_try(&auth, &one, 0, &wait_s, NULL), -ERR_LIMIT);
    assert_in_range(wait_s, 1, 6);
    assert_int_equal(auth_login_try(&auth, &two, 0, &wait_s, NULL), 0);
    assert_int_equal(auth_login_try(&auth, &one, 7 * NS_PER_S, &wait_s, NULL), 0);
}

static struct http_address v6(uint8_t network, uint8_t host) {
    struct http_address address = {{0x20, 0x01, 0x0d, 0xb8}};
    address.bytes[7] = network;
    address.bytes[15] = host;
    return address;
}

static void all_addresses_of_a_64_are_one_client(void **state) {
    (void)state;
    uint32_t wait_s = 0;
    for (uint8_t i = 0; i < LOGINS_PER_MINUTE; i++) {
        struct http_address address = v6(1, i);
        assert_int_equal(auth_login_try(&auth, &address, 0, &wait_s, NULL), 0);
    }
    struct http_address next = v6(1, 200);
    struct http_address other = v6(2, 0);
    assert_int_equal(auth_login_try(&auth, &next, 0, &wait_s, NULL), -ERR_LIMIT);
    assert_int_equal(auth_login_try(&auth, &other, 0, &wait_s, NULL), 0);
}

static void a_stranger_locks_nobody_out_but_many_networks_are_stopped(void **state) {
    (void)state;
    struct str login = STR("boss");
    struct http_address attacker = v6(1, 1);
    struct http_address owner = v6(200, 1);
    uint32_t wait_s = 0;
    for (int i = 0; i < ACCOUNT_TRIES; i++) {
        assert_int_equal(auth_account_try(&auth, login, &attacker, 0, &wait_s, NULL), 0);
    }
    assert_int_equal(auth_account_try(&auth, STR("BOSS"), &attacker, 0, &wait_s, NULL), -ERR_LIMIT);
    for (int i = 0; i < 1000; i++) { // Going on refreshes nothing elsewhere.
        (void)auth_account_try(&auth, login, &attacker, 0, &wait_s, NULL);
    }
    assert_int_equal(auth_account_try(&auth, login, &owner, 0, &wait_s, NULL), 0);
    auth_account_forgive(&auth, login, &owner, 0);
    uint32_t taken = ACCOUNT_TRIES;
    for (uint8_t network = 2; network < 100; network++) {
        attacker = v6(network, 1);
        for (int i = 0; i < ACCOUNT_TRIES; i++) {
            taken += auth_account_try(&auth, login, &attacker, 0, &wait_s, NULL) == 0;
        }
    }
    assert_int_equal(taken, ACCOUNT_TRIES_ALL);
}

static void wrong_codes_are_counted_whatever_else_is_tried(void **state) {
    (void)state;
    struct str user = STR("01900000-0000-7000-8000-000000000001");
    uint32_t wait_s = 0;
    for (int i = 0; i < CODE_TRIES; i++) {
        assert_int_equal(auth_code_try(&auth, user, 0, &wait_s, NULL), 0);
    }
    for (uint32_t i = 0; i < 200000; i++) { // Logins and networks without end.
        struct http_address address = {
            {0x20, 1, (uint8_t)(i >> 16), (uint8_t)(i >> 8), (uint8_t)i}};
        struct str login = {(const char *)&i, sizeof i};
        (void)auth_login_try(&auth, &address, 0, &wait_s, NULL);
        (void)auth_account_try(&auth, login, &address, 0, &wait_s, NULL);
    }
    assert_int_equal(auth_code_try(&auth, user, 0, &wait_s, NULL), -ERR_LIMIT);
    auth_code_forgive(&auth, user, 0);
    assert_int_equal(auth_code_try(&auth, user, 0, &wait_s, NULL), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_password_matches_its_hash_and_no_other),
        cmocka_unit_test(a_storm_of_tries_is_worked_off_or_told_to_come_back),
        cmocka_unit_test(tries_are_counted_by_address),
        cmocka_unit_test(all_addresses_of_a_64_are_one_client),
        cmocka_unit_test(a_stranger_locks_nobody_out_but_many_networks_are_stopped),
        cmocka_unit_test(wrong_codes_are_counted_whatever_else_is_tried),
    };
    return cmocka_run_group_tests(tests, open_auth, close_auth);
}
