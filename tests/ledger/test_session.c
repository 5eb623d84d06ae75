/*
 * Sessions and tokens.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "ledger/people.h"
#include "tests/ledger/support_ledger.h"

static const char *const HASH = "$argon2id$v=19$m=8,t=1,p=1$c2FsdHNhbHQ$aGFzaA";

struct session {
    char user[40];
    int64_t lifetime_ns;
    char secret[SECRET_TEXT_MAX];
    struct principal who;
};

static int make_user(struct ledger_tx *tx, void *context, struct err *err) {
    struct str plants[] = {STR("p1"), STR("p2")};
    int result = hub_plants_enter(tx, plants, 2, err);
    return result < 0
               ? result
               : user_create(tx, STR("kim"), STR("김철수"), ROLE_MANAGER, HASH, context, err);
}

static int start(struct ledger_tx *tx, void *context, struct err *err) {
    struct session *session = context;
    return session_new(tx,
        &(struct session_wish){.user_id = str_of(session->user),
            .lifetime_ns = session->lifetime_ns,
            .address = STR("192.0.2.7"),
            .agent = STR("test")},
        session->secret, err);
}

static int find(struct ledger_tx *tx, void *context, struct err *err) {
    struct session *session = context;
    return session_find(tx, str_of(session->secret), STR("p1"), &session->who, err);
}

static int end(struct ledger_tx *tx, void *context, struct err *err) {
    struct session *session = context;
    return session_end(tx, str_of(session->secret), err);
}

static void start_session(struct place *place, struct session *session) {
    place_init(place, LEDGER_HUB);
    *session = (struct session){.lifetime_ns = 60 * NS_PER_S};
    place_write(place, make_user, session->user);
    place_write(place, start, session);
}

static void assert_ended(struct place *place, struct session *session) {
    struct err err = ERR_INIT;
    session->who.role = ROLE_AUDITOR;
    assert_int_equal(ledger_read(place->ledger, find, session, &err), -ERR_UNAUTHENTICATED);
    assert_int_equal(err.notes[0].msg, MSG_LEDGER_SESSION_ENDED);
    assert_int_equal(session->who.role, ROLE_AUDITOR); // Untouched.
}

static void a_session_tells_who_asks(void **state) {
    (void)state;
    struct place place;
    struct session session;
    start_session(&place, &session);
    place_read(&place, find, &session);
    assert_string_equal(session.who.id, session.user);
    assert_string_equal(session.who.name, "kim");
    assert_string_equal(session.who.display, "김철수");
    assert_int_equal(session.who.role, ROLE_MANAGER);
    assert_int_equal(session.who.scopes, SCOPE_READ | SCOPE_WRITE | SCOPE_SQL);
    assert_true(session.who.is_session);
    assert_int_equal(session.who.expires_ns, (PLACE_START_S + 60) * NS_PER_S);
    place_reopen(&place);
    place_read(&place, find, &session);
    place_fini(&place);
}

static void a_session_ends_with_its_time(void **state) {
    (void)state;
    struct place place;
    struct session session;
    start_session(&place, &session);
    clock_fake_advance(&place.clock, 60 * NS_PER_S - 1);
    place_read(&place, find, &session);
    clock_fake_advance(&place.clock, 1);
    assert_ended(&place, &session);
    place_write(&place, start, &session); // The next one removes what has ended.
    assert_int_equal(place_number(&place, "SELECT count(*) FROM sessions"), 1);
    place_fini(&place);
}

static void signing_out_ends_this_session_only(void **state) {
    (void)state;
    struct place place;
    struct session session;
    start_session(&place, &session);
    struct session other = session;
    place_write(&place, start, &other);
    place_write(&place, end, &session);
    place_write(&place, end, &session); // Again is fine.
    assert_ended(&place, &session);
    place_read(&place, find, &other);
    place_fini(&place);
}

static void a_disabled_user_is_out_at_once_and_a_new_role_holds_at_once(void **state) {
    (void)state;
    struct place place;
    struct session session;
    start_session(&place, &session);
    place_sql(&place, "UPDATE access SET role = 'viewer'");
    place_read(&place, find, &session);
    assert_int_equal(session.who.role, ROLE_VIEWER);
    place_sql(&place, "UPDATE users SET disabled = 1");
    assert_ended(&place, &session);
    place_fini(&place);
}

static void wrong_secrets_find_nobody(void **state) {
    (void)state;
    struct place place;
    struct session session;
    start_session(&place, &session);
    char right[SECRET_TEXT_MAX];
    memcpy(right, session.secret, sizeof right);
    static const char *const WRONG[] = {"", "x", "' OR 1=1 --"};
    for (size_t i = 0; i < 3; i++) {
        (void)str_copy_z(str_of(WRONG[i]), session.secret, sizeof session.secret);
        assert_ended(&place, &session);
    }
    memcpy(session.secret, right, sizeof right);
    session.secret[20] = session.secret[20] == 'a' ? 'b' : 'a';
    assert_ended(&place, &session);
    place_fini(&place);
}

static void a_session_needs_a_user(void **state) {
    (void)state;
    struct place place;
    place_init(&place, LEDGER_HUB);
    struct session session = {.user = "nobody", .lifetime_ns = NS_PER_S};
    assert_int_equal(ledger_write(place.ledger, start, &session, NULL), -ERR_CONFLICT);
    assert_string_equal(session.secret, "");
    place_fini(&place);
}

static int look_next_door(struct ledger_tx *tx, void *context, struct err *err) {
    struct session *session = context;
    return session_find(tx, str_of(session->secret), STR("p2"), &session->who, err);
}

static void a_role_is_of_one_plant_and_ends_in_time(void **state) {
    (void)state;
    struct place place;
    place_init(&place, LEDGER_HUB);
    struct session session = {.lifetime_ns = 100 * NS_PER_S};
    place_write(&place, make_user, session.user);
    place_write(&place, start, &session);
    place_sql(&place, "UPDATE access SET until_ns = 1700000010000000000 WHERE plant_id = 'p2'");
    place_read(&place, look_next_door, &session);
    assert_int_equal(session.who.role, ROLE_MANAGER);
    clock_fake_advance(&place.clock, 10 * NS_PER_S);
    place_read(&place, look_next_door, &session);
    assert_int_equal(session.who.role, ROLE_NONE); // Signed in, but not there.
    place_read(&place, find, &session);
    assert_int_equal(session.who.role, ROLE_MANAGER);
    place_sql(&place, "DELETE FROM access WHERE plant_id = 'p1'");
    place_read(&place, find, &session);
    assert_int_equal(session.who.role, ROLE_NONE);
    place_fini(&place);
}

static void people_of_a_disabled_organisation_are_out_at_once(void **state) {
    (void)state;
    struct place place;
    place_init(&place, LEDGER_HUB);
    struct session session = {.lifetime_ns = 100 * NS_PER_S};
    place_write(&place, make_user, session.user);
    place_write(&place, start, &session);
    place_sql(&place, "UPDATE organisations SET disabled = 1");
    struct err err = ERR_INIT;
    assert_int_equal(ledger_read(place.ledger, find, &session, &err), -ERR_UNAUTHENTICATED);
    place_fini(&place);
}

/* ---- Tokens ---- */

struct token {
    const char *label;
    enum role role;
    uint32_t scopes;
    int64_t lifetime_ns;
    char secret[SECRET_TEXT_MAX];
    struct principal who;
};

static int token_make(struct ledger_tx *tx, void *context, struct err *err) {
    struct token *token = context;
    struct token_wish wish = {.label = str_of(token->label),
        .role = token->role,
        .scopes = token->scopes,
        .lifetime_ns = token->lifetime_ns,
        .plant = STR_NONE,
        .created_by = STR_NONE};
    char id[40];
    return token_new(tx, &wish, id, token->secret, err);
}

static int token_look(struct ledger_tx *tx, void *context, struct err *err) {
    struct token *token = context;
    return token_find(tx, str_of(token->secret), STR_NONE, &token->who, err);
}

static void a_token_carries_its_role_and_scopes(void **state) {
    (void)state;
    struct place place;
    place_init(&place, LEDGER_HUB);
    struct token token = {.label = "ERP 연동",
        .role = ROLE_OPERATOR,
        .scopes = SCOPE_READ | SCOPE_WRITE,
        .lifetime_ns = NS_PER_S};
    place_write(&place, token_make, &token);
    assert_true(str_starts(str_of(token.secret), STR("maru_")));
    assert_int_equal(strlen(token.secret), 48);
    place_read(&place, token_look, &token);
    assert_int_equal(strlen(token.who.id), 36);
    assert_string_equal(token.who.name, "ERP 연동");
    assert_int_equal(token.who.role, ROLE_OPERATOR);
    assert_int_equal(token.who.scopes, SCOPE_READ | SCOPE_WRITE);
    assert_false(token.who.is_session);
    assert_int_equal(token.who.expires_ns, (PLACE_START_S + 1) * NS_PER_S);
    clock_fake_advance(&place.clock, NS_PER_S);
    struct err err = ERR_INIT;
    assert_int_equal(ledger_read(place.ledger, token_look, &token, &err), -ERR_UNAUTHENTICATED);
    assert_int_equal(err.notes[0].msg, MSG_LEDGER_TOKEN_UNKNOWN);
    place_fini(&place);
}

static void a_token_without_end_has_none(void **state) {
    (void)state;
    struct place place;
    place_init(&place, LEDGER_HUB);
    struct token token = {.label = "", .role = ROLE_VIEWER, .scopes = SCOPE_READ};
    place_write(&place, token_make, &token);
    clock_fake_advance(&place.clock, 50LL * 365 * 86400 * NS_PER_S);
    place_read(&place, token_look, &token);
    assert_int_equal(token.who.expires_ns, INT64_MAX);
    place_fini(&place);
}

static void unusable_tokens_are_refused(void **state) {
    (void)state;
    struct place place;
    place_init(&place, LEDGER_HUB);
    static const struct {
        struct token token;
        enum msg_id msg;
    } CASES[] = {
        {{.label = "", .role = ROLE_NONE, .scopes = 1}, MSG_LEDGER_ROLE_MISSING},
        {{.label = "", .role = ROLE_OWNER, .scopes = 0}, MSG_LEDGER_SCOPES_BAD},
        {{.label = "", .role = ROLE_OWNER, .scopes = 8}, MSG_LEDGER_SCOPES_BAD},
        {{.label = "", .role = ROLE_OWNER, .scopes = 1, .lifetime_ns = -1},
            MSG_LEDGER_LIFETIME_BAD},
        {{.label = "\x01", .role = ROLE_OWNER, .scopes = 1}, MSG_LEDGER_TEXT_BAD},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        struct token token = CASES[i].token;
        struct err err = ERR_INIT;
        assert_int_equal(ledger_write(place.ledger, token_make, &token, &err), -ERR_INVALID);
        assert_int_equal(err.notes[0].msg, CASES[i].msg);
    }
    place_fini(&place);
}

static void a_session_is_no_token_and_a_link_no_session(void **state) {
    (void)state;
    struct place place;
    struct session session;
    start_session(&place, &session);
    struct token token = {.label = "", .role = ROLE_OWNER, .scopes = 7};
    memcpy(token.secret, session.secret, sizeof token.secret);
    assert_int_equal(ledger_read(place.ledger, token_look, &token, NULL), -ERR_UNAUTHENTICATED);
    place_write(&place, token_make, &token);
    memcpy(session.secret, token.secret, sizeof session.secret);
    assert_ended(&place, &session);
    place_fini(&place);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_session_tells_who_asks),
        cmocka_unit_test(a_session_ends_with_its_time),
        cmocka_unit_test(signing_out_ends_this_session_only),
        cmocka_unit_test(a_disabled_user_is_out_at_once_and_a_new_role_holds_at_once),
        cmocka_unit_test(wrong_secrets_find_nobody),
        cmocka_unit_test(a_session_needs_a_user),
        cmocka_unit_test(a_role_is_of_one_plant_and_ends_in_time),
        cmocka_unit_test(people_of_a_disabled_organisation_are_out_at_once),
        cmocka_unit_test(a_token_carries_its_role_and_scopes),
        cmocka_unit_test(a_token_without_end_has_none),
        cmocka_unit_test(unusable_tokens_are_refused),
        cmocka_unit_test(a_session_is_no_token_and_a_link_no_session),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
