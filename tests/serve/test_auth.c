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
    struct http_address one = {{1}};
    struct http_address two = {{2}};
    uint32_t wait_s = 0;
    for (int i = 0; i < LOGINS_PER_MINUTE; i++) {
        assert_int_equal(auth_login_try(&auth, &one, 0, &wait_s, NULL), 0);
    }
    assert_int_equal(auth_login_try(&auth, &one, 0, &wait_s, NULL), -ERR_LIMIT);
    assert_in_range(wait_s, 1, 6);
    assert_int_equal(auth_login_try(&auth, &two, 0, &wait_s, NULL), 0);
    assert_int_equal(auth_login_try(&auth, &one, 7 * NS_PER_S, &wait_s, NULL), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_password_matches_its_hash_and_no_other),
        cmocka_unit_test(a_storm_of_tries_is_worked_off_or_told_to_come_back),
        cmocka_unit_test(tries_are_counted_by_address),
    };
    return cmocka_run_group_tests(tests, open_auth, close_auth);
}
