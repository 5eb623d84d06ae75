/*
 * People, organisations, access, second factors, invitations, and erasing a person.
 */
#include "ledger/people.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "ledger/totp.h"
#include "tests/ledger/support_ledger.h"

static const char *const HASH = "$argon2id$v=19$m=8,t=1,p=1$c2FsdHNhbHQ$aGFzaA";
static const uint8_t KEY[SECOND_KEY_BYTES] = "thirty-two bytes of a home's key";
static const uint8_t OTHER_KEY[SECOND_KEY_BYTES] = "thirty-two bytes of another home";

/* Two plants; an owner of both who is admin, and a supplier who is installer in p1. */
struct scene {
    struct place place;
    char boss[40];
    char supplier[40];
    char company[40]; // The supplier's organisation.
};

static int set_scene(struct ledger_tx *tx, void *context, struct err *err) {
    struct scene *s = context;
    struct str plants[] = {STR("p1"), STR("p2")};
    struct organisation company = {
        .kind = STR("supplier"), .name = STR("한빛자동화"), .number = STR("124-81-00998")};
    int rc = hub_plants_enter(tx, plants, 2, err);
    rc = rc < 0 ? rc : user_create(tx, STR("boss"), STR("사장"), ROLE_OWNER, HASH, s->boss, err);
    rc = rc < 0 ? rc : organisation_new(tx, &company, s->company, err);
    struct user_wish wish = {.login = STR("choi"),
        .display = STR("최설치"),
        .email = STR("choi@example.com"),
        .organisation_id = str_of(s->company),
        .hash = HASH};
    rc = rc < 0 ? rc : user_new(tx, &wish, s->supplier, err);
    struct access access = {.user_id = str_of(s->supplier),
        .plant = STR("p1"),
        .role = ROLE_INSTALLER,
        .given_by = str_of(s->boss)};
    return rc < 0 ? rc : access_put(tx, &access, err);
}

static void scene_open(struct scene *s) {
    memset(s, 0, sizeof *s);
    place_init(&s->place, LEDGER_HUB);
    place_write(&s->place, set_scene, s);
}

static int expect_conflict(struct scene *s, ledger_fn fn) {
    struct err err = ERR_INIT;
    int rc = ledger_write(s->place.ledger, fn, s, &err);
    return rc == -ERR_CONFLICT ? (int)err.notes[0].msg : rc;
}

/* ---- What must stay ---- */

static int lower_boss(struct ledger_tx *tx, void *context, struct err *err) {
    struct scene *s = context;
    struct access access = {.user_id = str_of(s->boss),
        .plant = STR("p1"),
        .role = ROLE_MANAGER,
        .given_by = str_of(s->boss)};
    return access_put(tx, &access, err);
}

static int end_boss(struct ledger_tx *tx, void *context, struct err *err) {
    struct scene *s = context;
    struct access access = {.user_id = str_of(s->boss),
        .plant = STR("p1"),
        .role = ROLE_OWNER,
        .until_ns = ledger_now_ns(tx) + NS_PER_S,
        .given_by = str_of(s->boss)};
    return access_put(tx, &access, err);
}

static int remove_boss(struct ledger_tx *tx, void *context, struct err *err) {
    struct scene *s = context;
    return access_remove(tx, str_of(s->boss), STR("p2"), err);
}

static int disable_boss(struct ledger_tx *tx, void *context, struct err *err) {
    struct scene *s = context;
    return user_state_put(tx, str_of(s->boss), true, true, err);
}

static int take_admin(struct ledger_tx *tx, void *context, struct err *err) {
    struct scene *s = context;
    return user_state_put(tx, str_of(s->boss), false, false, err);
}

static int erase_boss(struct ledger_tx *tx, void *context, struct err *err) {
    struct scene *s = context;
    return user_erase(tx, str_of(s->boss), err);
}

static int shut_first(struct ledger_tx *tx, void *context, struct err *err) {
    (void)context;
    AUTO_ARENA struct arena arena;
    arena_init(&arena, 0);
    char id[40];
    struct organisation first;
    int rc = organisation_first(tx, id, err);
    rc = rc < 0 ? rc : organisation_get(tx, str_of(id), &arena, &first, err);
    first.disabled = true;
    return rc < 0 ? rc : organisation_change(tx, &first, err);
}

static int promote(struct ledger_tx *tx, void *context, struct err *err) {
    struct scene *s = context;
    static const char *const PLANTS[] = {"p1", "p2"};
    int rc = user_state_put(tx, str_of(s->supplier), true, false, err);
    for (size_t i = 0; i < 2 && rc >= 0; i++) {
        struct access access = {.user_id = str_of(s->supplier),
            .plant = str_of(PLANTS[i]),
            .role = ROLE_OWNER,
            .given_by = str_of(s->boss)};
        rc = access_put(tx, &access, err);
    }
    return rc;
}

static void the_last_owner_and_the_last_admin_stay(void **state) {
    (void)state;
    struct scene s;
    scene_open(&s);
    static const struct {
        ledger_fn fn;
        enum msg_id words;
    } CASES[] = {{lower_boss, MSG_LEDGER_LAST_OWNER}, {end_boss, MSG_LEDGER_LAST_OWNER},
        {remove_boss, MSG_LEDGER_LAST_OWNER}, {disable_boss, MSG_LEDGER_LAST_ADMIN},
        {take_admin, MSG_LEDGER_LAST_ADMIN}, {erase_boss, MSG_LEDGER_LAST_ADMIN},
        {shut_first, MSG_LEDGER_LAST_ADMIN}};
    enum { COUNT = sizeof CASES / sizeof CASES[0] };
    for (size_t i = 0; i < COUNT; i++) {
        if (expect_conflict(&s, CASES[i].fn) != (int)CASES[i].words) {
            fail_msg("case %zu", i);
        }
    }
    assert_int_equal(place_number(&s.place, "SELECT count(*) FROM access"), 3); // All taken back.
    assert_int_equal(
        place_number(&s.place, "SELECT count(*) FROM users WHERE admin = 1 AND disabled = 0"), 1);
    place_write(&s.place, promote, &s);
    for (size_t i = 0; i < COUNT; i++) { // With somebody else there, all of it may be done.
        struct err err = ERR_INIT;
        if (ledger_write(s.place.ledger, CASES[i].fn, &s, &err) < 0) {
            fail_msg("case %zu with another owner and admin", i);
        }
    }
    place_fini(&s.place);
}

/* ---- Who sees whom ---- */

static int sees(struct ledger_tx *tx, void *context, struct err *err) {
    struct scene *s = context;
    bool seen = false;
    assert_int_equal(user_is_seen(tx, str_of(s->supplier), str_of(s->boss), &seen, err), 0);
    assert_true(seen);
    assert_int_equal(user_is_seen(tx, str_of(s->boss), str_of(s->supplier), &seen, err), 0);
    assert_false(seen); // An installer leads nobody.
    assert_int_equal(user_is_owned(tx, str_of(s->supplier), str_of(s->boss), &seen, err), 0);
    assert_true(seen);
    assert_int_equal(user_is_owned(tx, str_of(s->boss), str_of(s->boss), &seen, err), 0);
    assert_false(seen); // An admin is nobody's.
    return 0;
}

static void owners_and_managers_see_the_people_of_their_plants(void **state) {
    (void)state;
    struct scene s;
    scene_open(&s);
    place_read(&s.place, sees, &s);
    place_fini(&s.place);
}

/* ---- Erasing ---- */

static int leave_traces(struct ledger_tx *tx, void *context, struct err *err) {
    struct scene *s = context;
    struct str id = str_of(s->supplier);
    char secret[SECRET_TEXT_MAX];
    struct session_wish wish = {.user_id = id,
        .lifetime_ns = 100 * NS_PER_S,
        .address = STR("203.0.113.9"),
        .agent = STR("phone")};
    int rc = session_new(tx, &wish, secret, err);
    rc = rc < 0 ? rc : audit_append(tx, id, STR("session.begin"), id, STR("203.0.113.9"), err);
    rc = rc < 0 ? rc
                : audit_append(tx, id, STR("tag.put"), STR("press.temp"), STR("203.0.113.9"), err);
    char subject[64] = "";
    size_t size = str_copy_z(id, subject, sizeof subject);
    (void)str_copy_z(STR(" p1 installer"), subject + size, sizeof subject - size);
    rc = rc < 0 ? rc
                : audit_append(tx, str_of(s->boss), STR("access.put"), str_of(subject),
                      STR("192.0.2.1"), err);
    return rc < 0 ? rc
                  : audit_append(tx, str_of(s->boss), STR("token.create"), STR("other"),
                        STR("192.0.2.1"), err);
}

static int erase_supplier(struct ledger_tx *tx, void *context, struct err *err) {
    struct scene *s = context;
    return user_erase(tx, str_of(s->supplier), err);
}

static int chain_is_whole(struct ledger_tx *tx, void *context, struct err *err) {
    (void)context;
    return audit_verify(tx, err);
}

static int nobody_there(struct ledger_tx *tx, void *context, struct err *err) {
    struct scene *s = context;
    AUTO_ARENA struct arena arena;
    arena_init(&arena, 0);
    struct user_facts user;
    struct user_key key;
    assert_int_equal(user_get(tx, str_of(s->supplier), &arena, &user, err), -ERR_NOT_FOUND);
    err_clear(err);
    assert_int_equal(user_find(tx, STR("choi"), &key, err), -ERR_NOT_FOUND);
    err_clear(err);
    return 0;
}

static void erasing_a_person_leaves_a_pseudonym_and_a_whole_chain(void **state) {
    (void)state;
    struct scene s;
    scene_open(&s);
    place_write(&s.place, leave_traces, &s);
    place_write(&s.place, erase_supplier, &s);
    static const struct {
        const char *sql;
        int64_t count;
    } CASES[] = {{"SELECT count(*) FROM users WHERE instr(login || display || email, 'choi') > 0"
                  " OR display <> '' AND erased_ns IS NOT NULL",
                     0},
        {"SELECT count(*) FROM users WHERE erased_ns IS NOT NULL AND disabled = 1", 1},
        {"SELECT count(*) FROM sessions", 0}, {"SELECT count(*) FROM access", 2},
        {"SELECT count(*) FROM audit WHERE action IN ('session.begin', 'tag.put', 'access.put',"
         " 'token.create')",
            4},
        {"SELECT count(*) FROM audit_payload WHERE payload = '203.0.113.9'", 0},
        {"SELECT count(*) FROM audit a JOIN audit_payload p USING (sequence)"
         " WHERE a.action = 'token.create' AND p.payload = '192.0.2.1'",
            1}};
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        if (place_number(&s.place, CASES[i].sql) != CASES[i].count) {
            fail_msg("%s", CASES[i].sql);
        }
    }
    place_read(&s.place, chain_is_whole, NULL);
    place_read(&s.place, nobody_there, &s);
    struct err err = ERR_INIT;
    assert_int_equal(ledger_verify(s.place.ledger, &err), 0);
    assert_int_equal(
        ledger_write(s.place.ledger, erase_supplier, &s, &err), -ERR_NOT_FOUND); // Once.
    place_fini(&s.place);
}

static int restore_erasures(struct ledger_tx *tx, void *context, struct err *err) {
    (void)context;
    return user_erase_again(tx, err);
}

/* An older copy of the hub, to which the list of erased payloads came back. */
static void a_person_stays_erased_in_an_older_copy(void **state) {
    (void)state;
    struct scene s;
    scene_open(&s);
    place_write(&s.place, leave_traces, &s);
    place_write(&s.place, restore_erasures, &s);
    assert_int_equal(
        place_number(&s.place, "SELECT count(*) FROM users WHERE erased_ns IS NOT NULL"), 0);
    place_sql(&s.place,
        "DELETE FROM audit_payload WHERE sequence IN (SELECT sequence FROM audit"
        " WHERE substr(subject, 1, 36) = (SELECT id FROM users WHERE login = 'choi'))");
    place_write(&s.place, restore_erasures, &s);
    assert_int_equal(
        place_number(&s.place, "SELECT count(*) FROM users WHERE erased_ns IS NOT NULL"), 1);
    assert_int_equal(place_number(&s.place, "SELECT count(*) FROM users WHERE login = 'boss'"), 1);
    place_read(&s.place, nobody_there, &s);
    place_fini(&s.place);
}

/* ---- The second factor ---- */

struct factor {
    struct scene scene;
    char text[SECOND_TEXT_MAX];
    uint8_t secret[TOTP_SECRET_BYTES];
    char code[8];
    const uint8_t *key;
    char codes[SECOND_CODES][SECOND_CODE_MAX];
};

static void from_base32(const char *text, uint8_t *to) {
    static const char LETTERS[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    uint32_t bits = 0;
    int count = 0;
    for (; *text != '\0'; text++) {
        bits = bits << 5 | (uint32_t)(strchr(LETTERS, *text) - LETTERS);
        count += 5;
        if (count >= 8) {
            count -= 8;
            *to++ = (uint8_t)(bits >> count);
        }
    }
}

static void make_code(struct factor *f, int64_t step_offset) {
    int64_t step = totp_step_at(clock_wall_ns(&f->scene.place.clock.clock)) + step_offset;
    uint32_t code = totp_code(f->secret, step);
    for (int i = 5; i >= 0; i--) {
        f->code[i] = (char)('0' + code % 10);
        code /= 10;
    }
    f->code[6] = '\0';
}

static int factor_begin(struct ledger_tx *tx, void *context, struct err *err) {
    struct factor *f = context;
    return second_begin(tx, str_of(f->scene.boss), KEY, f->text, err);
}

static int factor_confirm(struct ledger_tx *tx, void *context, struct err *err) {
    struct factor *f = context;
    return second_confirm(tx, str_of(f->scene.boss), f->key, str_of(f->code), f->codes, err);
}

static int factor_spend(struct ledger_tx *tx, void *context, struct err *err) {
    struct factor *f = context;
    return second_spend(tx, str_of(f->scene.boss), f->key, str_of(f->code), err);
}

static int spend(struct factor *f) {
    struct err err = ERR_INIT;
    return ledger_write(f->scene.place.ledger, factor_spend, f, &err);
}

static void factor_on(struct factor *f) {
    memset(f, 0, sizeof *f);
    scene_open(&f->scene);
    f->key = KEY;
    place_write(&f->scene.place, factor_begin, f);
    from_base32(f->text, f->secret);
    make_code(f, 0);
    place_write(&f->scene.place, factor_confirm, f);
}

static void a_second_factor_comes_into_force_with_its_first_code(void **state) {
    (void)state;
    struct factor f = {.key = KEY};
    struct err err = ERR_INIT;
    scene_open(&f.scene);
    assert_int_equal(
        ledger_write(f.scene.place.ledger, factor_confirm, &f, &err), -ERR_CONFLICT); // Not begun.
    place_write(&f.scene.place, factor_begin, &f);
    assert_int_equal(strlen(f.text), 32);
    from_base32(f.text, f.secret);
    make_code(&f, 5); // Too far off.
    assert_int_equal(ledger_write(f.scene.place.ledger, factor_confirm, &f, &err), -ERR_FORBIDDEN);
    assert_int_equal(
        place_number(&f.scene.place, "SELECT count(*) FROM users WHERE totp IS NOT NULL"), 0);
    make_code(&f, 0);
    place_write(&f.scene.place, factor_confirm, &f);
    assert_int_equal(
        place_number(&f.scene.place, "SELECT count(*) FROM users WHERE totp IS NOT NULL"), 1);
    assert_int_equal(place_number(&f.scene.place, "SELECT count(*) FROM recovery_codes"), 10);
    place_fini(&f.scene.place);
}

static void a_code_is_used_once_and_so_is_a_recovery_code(void **state) {
    (void)state;
    struct factor f;
    factor_on(&f);
    assert_int_equal(spend(&f), -ERR_FORBIDDEN); // The code that confirmed it.
    make_code(&f, 1);
    assert_int_equal(spend(&f), 0);
    assert_int_equal(spend(&f), -ERR_FORBIDDEN);
    make_code(&f, 0); // An older step than the last used.
    assert_int_equal(spend(&f), -ERR_FORBIDDEN);
    clock_fake_advance(&f.scene.place.clock, 60 * NS_PER_S);
    make_code(&f, 0);
    assert_int_equal(spend(&f), 0);
    memcpy(f.code, "123456", 7); // Wrong.
    assert_int_equal(spend(&f), -ERR_FORBIDDEN);
    place_fini(&f.scene.place);
}

struct recovery {
    struct factor *factor;
    const char *code;
};

static int recovery_spend(struct ledger_tx *tx, void *context, struct err *err) {
    struct recovery *r = context;
    return second_spend(tx, str_of(r->factor->scene.boss), r->factor->key, str_of(r->code), err);
}

static void a_recovery_code_opens_once_also_without_the_homes_key(void **state) {
    (void)state;
    struct factor f;
    factor_on(&f);
    f.key = NULL;
    char lower[SECOND_CODE_MAX];
    for (size_t i = 0; i < sizeof lower; i++) {
        char c = f.codes[3][i];
        lower[i] = c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
    }
    struct recovery r = {&f, lower};
    struct err err = ERR_INIT;
    assert_int_equal(ledger_write(f.scene.place.ledger, recovery_spend, &r, &err), 0);
    assert_int_equal(ledger_write(f.scene.place.ledger, recovery_spend, &r, &err), -ERR_FORBIDDEN);
    r.code = "00000-00000";
    assert_int_equal(ledger_write(f.scene.place.ledger, recovery_spend, &r, &err), -ERR_FORBIDDEN);
    f.key = OTHER_KEY;
    make_code(&f, 1);
    assert_int_equal(spend(&f), -ERR_FORBIDDEN); // Another home's key opens no secret.
    assert_int_equal(place_number(&f.scene.place, "SELECT count(*) FROM recovery_codes"), 9);
    place_fini(&f.scene.place);
}

static void a_sealed_secret_is_no_use_to_another_person(void **state) {
    (void)state;
    struct factor f;
    factor_on(&f);
    place_sql(&f.scene.place,
        "UPDATE users SET totp = (SELECT totp FROM users WHERE login = 'boss')"
        " WHERE login = 'choi'");
    memcpy(f.scene.boss, f.scene.supplier, sizeof f.scene.boss);
    make_code(&f, 1);
    assert_int_equal(spend(&f), -ERR_FORBIDDEN);
    place_fini(&f.scene.place);
}

/* ---- Invitations and resets ---- */

struct invited {
    struct scene scene;
    char id[40];
    char secret[SECRET_TEXT_MAX];
    struct invitation found;
    struct arena arena;
    char user[40];
};

static int invite(struct ledger_tx *tx, void *context, struct err *err) {
    struct invited *i = context;
    struct invitation wish = {.plant = STR("p2"),
        .role = ROLE_AUDITOR,
        .organisation_id = STR_NONE,
        .organisation_name = STR("테크노파크"),
        .organisation_kind = STR("agency"),
        .label = STR("담당자"),
        .email = STR("who@example.com"),
        .given_by = str_of(i->scene.boss),
        .expires_ns = ledger_now_ns(tx) + 100 * NS_PER_S};
    return invitation_new(tx, &wish, i->id, i->secret, err);
}

static int look(struct ledger_tx *tx, void *context, struct err *err) {
    struct invited *i = context;
    return invitation_find(tx, str_of(i->secret), &i->arena, &i->found, err);
}

static int take(struct ledger_tx *tx, void *context, struct err *err) {
    struct invited *i = context;
    return invitation_take(tx, &i->found, str_of(i->scene.supplier), err);
}

static int withdraw(struct ledger_tx *tx, void *context, struct err *err) {
    struct invited *i = context;
    return invitation_withdraw(tx, STR("p2"), str_of(i->id), err);
}

static int withdraw_next_door(struct ledger_tx *tx, void *context, struct err *err) {
    struct invited *i = context;
    return invitation_withdraw(tx, STR("p1"), str_of(i->id), err);
}

static void invited_open(struct invited *i) {
    memset(i, 0, sizeof *i);
    scene_open(&i->scene);
    arena_init(&i->arena, 0);
    place_write(&i->scene.place, invite, i);
}

static void an_invitation_is_taken_up_once(void **state) {
    (void)state;
    struct invited i;
    struct err err = ERR_INIT;
    invited_open(&i);
    place_read(&i.scene.place, look, &i);
    assert_int_equal(i.found.role, ROLE_AUDITOR);
    assert_true(str_eq(i.found.organisation_name, STR("테크노파크")));
    place_write(&i.scene.place, take, &i);
    assert_int_equal(place_number(&i.scene.place,
                         "SELECT count(*) FROM access WHERE plant_id = 'p2' AND role = 'auditor'"),
        1);
    assert_int_equal(ledger_read(i.scene.place.ledger, look, &i, &err), -ERR_FORBIDDEN);
    assert_int_equal(ledger_write(i.scene.place.ledger, take, &i, &err), -ERR_EXISTS);
    arena_fini(&i.arena);
    place_fini(&i.scene.place);
}

static void a_withdrawn_or_expired_invitation_opens_nothing(void **state) {
    (void)state;
    struct invited i;
    struct err err = ERR_INIT;
    invited_open(&i);
    assert_int_equal(
        ledger_write(i.scene.place.ledger, withdraw_next_door, &i, &err), -ERR_NOT_FOUND);
    place_write(&i.scene.place, withdraw, &i);
    static const char KEPT[] = "SELECT count(*) FROM invitations WHERE label <> '' OR email <> ''";
    assert_int_equal(place_number(&i.scene.place, KEPT), 0);
    assert_int_equal(ledger_read(i.scene.place.ledger, look, &i, &err), -ERR_FORBIDDEN);
    assert_int_equal(ledger_write(i.scene.place.ledger, withdraw, &i, &err), -ERR_NOT_FOUND);
    place_write(&i.scene.place, invite, &i);
    clock_fake_advance(&i.scene.place.clock, 100 * NS_PER_S);
    assert_int_equal(ledger_read(i.scene.place.ledger, look, &i, &err), -ERR_FORBIDDEN);
    place_write(&i.scene.place, invite, &i);
    assert_int_equal(place_number(&i.scene.place, KEPT), 1); // The one that can be taken up.
    arena_fini(&i.arena);
    place_fini(&i.scene.place);
}

static int reset_make(struct ledger_tx *tx, void *context, struct err *err) {
    struct invited *i = context;
    return reset_link_new(tx, str_of(i->scene.supplier), 100 * NS_PER_S, false, i->secret, err);
}

static int reset_spend(struct ledger_tx *tx, void *context, struct err *err) {
    struct invited *i = context;
    return reset_link_find(tx, str_of(i->secret), true, i->user, err);
}

static void a_reset_link_names_one_person_and_only_the_newest_works(void **state) {
    (void)state;
    struct invited i;
    struct err err = ERR_INIT;
    invited_open(&i);
    place_write(&i.scene.place, reset_make, &i);
    char older[SECRET_TEXT_MAX];
    char newer[SECRET_TEXT_MAX];
    memcpy(older, i.secret, sizeof older);
    place_write(&i.scene.place, reset_make, &i);
    memcpy(newer, i.secret, sizeof newer);
    memcpy(i.secret, older, sizeof older);
    assert_int_equal(ledger_write(i.scene.place.ledger, reset_spend, &i, &err), -ERR_FORBIDDEN);
    memcpy(i.secret, newer, sizeof newer);
    place_write(&i.scene.place, reset_spend, &i);
    assert_string_equal(i.user, i.scene.supplier);
    assert_int_equal(ledger_write(i.scene.place.ledger, reset_spend, &i, &err), -ERR_FORBIDDEN);
    arena_fini(&i.arena);
    place_fini(&i.scene.place);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_last_owner_and_the_last_admin_stay),
        cmocka_unit_test(owners_and_managers_see_the_people_of_their_plants),
        cmocka_unit_test(erasing_a_person_leaves_a_pseudonym_and_a_whole_chain),
        cmocka_unit_test(a_person_stays_erased_in_an_older_copy),
        cmocka_unit_test(a_second_factor_comes_into_force_with_its_first_code),
        cmocka_unit_test(a_code_is_used_once_and_so_is_a_recovery_code),
        cmocka_unit_test(a_recovery_code_opens_once_also_without_the_homes_key),
        cmocka_unit_test(a_sealed_secret_is_no_use_to_another_person),
        cmocka_unit_test(an_invitation_is_taken_up_once),
        cmocka_unit_test(a_withdrawn_or_expired_invitation_opens_nothing),
        cmocka_unit_test(a_reset_link_names_one_person_and_only_the_newest_works),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
