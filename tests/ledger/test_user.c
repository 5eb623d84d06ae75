/*
 * Users and one-time links.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tests/ledger/support_ledger.h"

static const char *const HASH = "$argon2id$v=19$m=8,t=1,p=1$c2FsdHNhbHQ$aGFzaA";

struct user {
    const char *login;
    const char *display;
    enum role role;
    char id[40];
    char hash[PASSWORD_HASH_MAX];
};

static int create(struct ledger_tx *tx, void *context, struct err *err) {
    struct user *user = context;
    return user_create(
        tx, str_of(user->login), str_of(user->display), user->role, HASH, user->id, err);
}

static int find(struct ledger_tx *tx, void *context, struct err *err) {
    struct user *user = context;
    struct user_key key;
    int result = user_find(tx, str_of(user->login), &key, err);
    if (result >= 0) {
        memcpy(user->id, key.id, sizeof user->id);
        memcpy(user->hash, key.hash, sizeof user->hash);
    }
    return result;
}

static int owner_exists(struct ledger_tx *tx, void *context, struct err *err) {
    return hub_owner_exists(tx, context, err);
}

static void a_user_is_found_whatever_the_case_of_the_login(void **state) {
    (void)state;
    struct place place;
    place_init(&place, LEDGER_HUB);
    struct user kim = {.login = "Kim.Cheol-su@shop", .display = "김철수", .role = ROLE_MANAGER};
    place_write(&place, create, &kim);
    assert_int_equal(strlen(kim.id), 36);
    struct user found = {.login = "kim.cheol-su@SHOP"};
    place_read(&place, find, &found);
    assert_string_equal(found.id, kim.id);
    assert_string_equal(found.hash, HASH);
    place_fini(&place);
}

static void an_unknown_or_disabled_user_is_not_found(void **state) {
    (void)state;
    struct place place;
    place_init(&place, LEDGER_HUB);
    struct user kim = {.login = "kim", .display = "", .role = ROLE_VIEWER};
    place_write(&place, create, &kim);
    place_sql(&place, "UPDATE users SET disabled = 1");
    static const char *const LOGINS[] = {"kim", "lee", "", "김", "a b"};
    for (size_t i = 0; i < sizeof LOGINS / sizeof LOGINS[0]; i++) {
        struct user found = {.login = LOGINS[i]};
        assert_int_equal(ledger_read(place.ledger, find, &found, NULL), -ERR_NOT_FOUND);
        assert_string_equal(found.id, ""); // Untouched.
    }
    place_fini(&place);
}

static void an_owner_exists_from_the_first_enabled_one_on(void **state) {
    (void)state;
    struct place place;
    place_init(&place, LEDGER_HUB);
    bool exists = true;
    place_read(&place, owner_exists, &exists);
    assert_false(exists);
    struct user manager = {.login = "m", .display = "", .role = ROLE_MANAGER};
    place_write(&place, create, &manager);
    place_read(&place, owner_exists, &exists);
    assert_false(exists);
    struct user owner = {.login = "o", .display = "", .role = ROLE_OWNER};
    place_write(&place, create, &owner);
    place_read(&place, owner_exists, &exists);
    assert_true(exists);
    place_sql(&place, "UPDATE users SET disabled = 1 WHERE login = 'o'");
    place_read(&place, owner_exists, &exists);
    assert_false(exists);
    place_fini(&place);
}

static void unusable_users_are_refused_in_words(void **state) {
    (void)state;
    struct place place;
    place_init(&place, LEDGER_HUB);
    struct user first = {.login = "kim", .display = "Kim", .role = ROLE_VIEWER};
    place_write(&place, create, &first);
    char long_login[65];
    memset(long_login, 'a', 64);
    long_login[64] = '\0';
    char long_display[258];
    memset(long_display, 'a', 257);
    long_display[257] = '\0';
    const struct {
        struct user user;
        enum err_code code;
        enum msg_id msg;
    } cases[] = {
        {{.login = "KIM", .display = "", .role = ROLE_VIEWER}, ERR_EXISTS, MSG_LEDGER_LOGIN_TAKEN},
        {{.login = "", .display = "", .role = ROLE_VIEWER}, ERR_INVALID, MSG_LEDGER_LOGIN_BAD},
        {{.login = "k m", .display = "", .role = ROLE_VIEWER}, ERR_INVALID, MSG_LEDGER_LOGIN_BAD},
        {{.login = "김", .display = "", .role = ROLE_VIEWER}, ERR_INVALID, MSG_LEDGER_LOGIN_BAD},
        {{.login = "a'b", .display = "", .role = ROLE_VIEWER}, ERR_INVALID, MSG_LEDGER_LOGIN_BAD},
        {{.login = long_login, .display = "", .role = ROLE_VIEWER}, ERR_INVALID,
            MSG_LEDGER_LOGIN_BAD},
        {{.login = "lee", .display = "a\nb", .role = ROLE_VIEWER}, ERR_INVALID,
            MSG_LEDGER_TEXT_BAD},
        {{.login = "lee", .display = "\xff", .role = ROLE_VIEWER}, ERR_INVALID,
            MSG_LEDGER_TEXT_BAD},
        {{.login = "lee", .display = long_display, .role = ROLE_VIEWER}, ERR_INVALID,
            MSG_LEDGER_TEXT_LONG},
        {{.login = "lee", .display = "", .role = ROLE_NONE}, ERR_INVALID, MSG_LEDGER_ROLE_MISSING},
        {{.login = "lee", .display = "", .role = (enum role)99}, ERR_INVALID,
            MSG_LEDGER_ROLE_MISSING},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct user user = cases[i].user;
        struct err err = ERR_INIT;
        assert_int_equal(ledger_write(place.ledger, create, &user, &err), -(int)cases[i].code);
        assert_int_equal(err.notes[0].msg, cases[i].msg);
        assert_string_equal(user.id, "");
    }
    long_login[63] = '\0';
    long_display[256] = '\0';
    struct user longest = {.login = long_login, .display = long_display, .role = ROLE_VIEWER};
    place_write(&place, create, &longest);
    place_fini(&place);
}

static int create_with_clear_password(struct ledger_tx *tx, void *context, struct err *err) {
    char *id = context;
    return user_create(tx, STR("kim"), STR(""), ROLE_VIEWER, "correct horse", id, err);
}

static void a_password_in_clear_never_reaches_the_table(void **state) {
    (void)state;
    struct place place;
    place_init(&place, LEDGER_HUB);
    char id[40] = "";
    assert_int_equal(
        ledger_write(place.ledger, create_with_clear_password, id, NULL), -ERR_CONFLICT);
    assert_int_equal(place_number(&place, "SELECT count(*) FROM users"), 0);
    place_fini(&place);
}

/* ---- Links ---- */

struct link_case {
    const char *purpose;
    int64_t lifetime_ns;
    char secret[SECRET_TEXT_MAX];
    bool is_valid;
};

static int link_new(struct ledger_tx *tx, void *context, struct err *err) {
    struct link_case *link = context;
    return hub_link_new(tx, str_of(link->purpose), link->lifetime_ns, link->secret, err);
}

static int link_spend(struct ledger_tx *tx, void *context, struct err *err) {
    struct link_case *link = context;
    return hub_link_spend(tx, str_of(link->purpose), str_of(link->secret), err);
}

static int link_check(struct ledger_tx *tx, void *context, struct err *err) {
    (void)err;
    struct link_case *link = context;
    link->is_valid = hub_link_is_valid(tx, str_of(link->purpose), str_of(link->secret));
    return 0;
}

static bool is_valid(struct place *place, struct link_case *link) {
    place_read(place, link_check, link);
    return link->is_valid;
}

static void a_link_opens_once(void **state) {
    (void)state;
    struct place place;
    place_init(&place, LEDGER_HUB);
    struct link_case link = {.purpose = "setup", .lifetime_ns = NS_PER_S};
    place_write(&place, link_new, &link);
    assert_int_equal(strlen(link.secret), 43);
    assert_true(is_valid(&place, &link));
    place_write(&place, link_spend, &link);
    assert_false(is_valid(&place, &link));
    struct err err = ERR_INIT;
    assert_int_equal(ledger_write(place.ledger, link_spend, &link, &err), -ERR_FORBIDDEN);
    assert_int_equal(err.notes[0].msg, MSG_LEDGER_LINK_SPENT);
    place_fini(&place);
}

static void a_link_ends_with_its_time(void **state) {
    (void)state;
    struct place place;
    place_init(&place, LEDGER_HUB);
    struct link_case link = {.purpose = "setup", .lifetime_ns = NS_PER_S};
    place_write(&place, link_new, &link);
    clock_fake_advance(&place.clock, NS_PER_S - 1);
    assert_true(is_valid(&place, &link));
    clock_fake_advance(&place.clock, 1);
    assert_false(is_valid(&place, &link));
    assert_int_equal(ledger_write(place.ledger, link_spend, &link, NULL), -ERR_FORBIDDEN);
    place_fini(&place);
}

static void a_link_serves_its_purpose_only(void **state) {
    (void)state;
    struct place place;
    place_init(&place, LEDGER_HUB);
    struct link_case link = {.purpose = "setup", .lifetime_ns = NS_PER_S};
    place_write(&place, link_new, &link);
    struct link_case other = link;
    other.purpose = "signin";
    assert_false(is_valid(&place, &other));
    assert_int_equal(ledger_write(place.ledger, link_spend, &other, NULL), -ERR_FORBIDDEN);
    link.secret[0] = link.secret[0] == 'A' ? 'B' : 'A';
    assert_int_equal(ledger_write(place.ledger, link_spend, &link, NULL), -ERR_FORBIDDEN);
    link.secret[0] = '\0';
    assert_int_equal(ledger_write(place.ledger, link_spend, &link, NULL), -ERR_FORBIDDEN);
    place_fini(&place);
}

static void a_secret_stands_in_the_table_as_a_hash_only(void **state) {
    (void)state;
    struct place place;
    place_init(&place, LEDGER_HUB);
    struct link_case link = {.purpose = "setup", .lifetime_ns = NS_PER_S};
    struct link_case second = link;
    place_write(&place, link_new, &link);
    place_write(&place, link_new, &second);
    assert_string_not_equal(link.secret, second.secret);
    assert_int_equal(place_number(&place, "SELECT count(*) FROM links WHERE length(hash) = 32"), 2);
    clock_fake_advance(&place.clock, 2 * NS_PER_S);
    place_write(&place, link_new, &link);
    assert_int_equal(place_number(&place, "SELECT count(*) FROM links"), 1); // Ended ones go.
    place_fini(&place);
}

static void a_lifetime_has_limits(void **state) {
    (void)state;
    struct place place;
    place_init(&place, LEDGER_HUB);
    static const int64_t BAD[] = {0, -1, INT64_MAX, INT64_MIN};
    for (size_t i = 0; i < 4; i++) {
        struct link_case link = {.purpose = "setup", .lifetime_ns = BAD[i]};
        assert_int_equal(ledger_write(place.ledger, link_new, &link, NULL), -ERR_INVALID);
        assert_string_equal(link.secret, "");
    }
    place_fini(&place);
}

static void roles_have_names_both_ways(void **state) {
    (void)state;
    for (int role = ROLE_VIEWER; role <= ROLE_OWNER; role++) {
        enum role back = ROLE_NONE;
        assert_true(role_of_name(str_of(role_name((enum role)role)), &back));
        assert_int_equal(back, role);
    }
    enum role none = ROLE_OWNER;
    assert_false(role_of_name(STR("none"), &none));
    assert_false(role_of_name(STR("Owner"), &none));
    assert_false(role_of_name(STR_NONE, &none));
    assert_string_equal(role_name((enum role)77), "none");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_user_is_found_whatever_the_case_of_the_login),
        cmocka_unit_test(an_unknown_or_disabled_user_is_not_found),
        cmocka_unit_test(an_owner_exists_from_the_first_enabled_one_on),
        cmocka_unit_test(unusable_users_are_refused_in_words),
        cmocka_unit_test(a_password_in_clear_never_reaches_the_table),
        cmocka_unit_test(a_link_opens_once),
        cmocka_unit_test(a_link_ends_with_its_time),
        cmocka_unit_test(a_link_serves_its_purpose_only),
        cmocka_unit_test(a_secret_stands_in_the_table_as_a_hash_only),
        cmocka_unit_test(a_lifetime_has_limits),
        cmocka_unit_test(roles_have_names_both_ways),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
