/*
 * People over HTTP: their own account, the second factor, sessions, invitations, access, tokens,
 * resets, erasing. Each step is taken with the cookie of a person, as a page does.
 */
#include "support_server.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "core/clock.h"
#include "ledger/people.h"
#include "ledger/totp.h"

#define SESSION  "/api/v1/session"
#define PLANT    "/api/v1/plants/p1"
#define PASSWORD "{\"password\":\"correct horse\"}"

static struct rig rig;

struct person {
    char cookie[128];
    char id[64];
};

static int open_rig(void **state) {
    (void)state;
    rig_open(&rig, NULL, false);
    return 0;
}

static int close_rig(void **state) {
    (void)state;
    rig_close(&rig);
    return 0;
}

static bool says(struct answer *answer, const char *what) {
    return strstr(buf_z(&answer->body), what) != NULL;
}

/* The text of a member anywhere in the answer. */
static void member(struct answer *answer, const char *name, char *to, size_t size) {
    char key[64];
    (void)snprintf(key, sizeof key, "\"%s\":\"", name);
    const char *at = strstr(buf_z(&answer->body), key);
    if (at == NULL) {
        fail_msg("no %s in %s", name, buf_z(&answer->body));
    }
    struct str rest = str_of(at + strlen(key));
    (void)str_copy_z(str_cut(&rest, '"'), to, size);
}

/* Asks as a person (NULL: nobody). */
static int ask(const struct person *who, const char *method, const char *target, const char *body,
    struct answer *ret_answer) {
    char headers[512];
    (void)snprintf(headers, sizeof headers,
        "%s%s%sX-Requested-With: maru\r\nAccept-Language: en\r\nContent-Type: application/json\r\n"
        "User-Agent: test browser\r\n",
        who ? "Cookie: " : "", who ? who->cookie : "", who ? "\r\n" : "");
    struct question question = {.port = rig.port,
        .method = method,
        .target = target,
        .headers = headers,
        .body = str_of(body ? body : "")};
    client_ask(&question, ret_answer);
    return ret_answer->status;
}

static void expect(const struct person *who, const char *method, const char *target,
    const char *body, int status) {
    AUTO_ANSWER struct answer answer;
    if (ask(who, method, target, body, &answer) != status) {
        fail_msg("%s %s: %d %s", method, target, answer.status, buf_z(&answer.body));
    }
}

static void remember(struct person *who, struct answer *answer) {
    struct str cookie = answer_header(answer, "Set-Cookie");
    assert_true(str_starts(cookie, STR("maru_session=")));
    (void)str_copy_z(str_cut(&cookie, ';'), who->cookie, sizeof who->cookie);
    member(answer, "id", who->id, sizeof who->id);
}

static int sign_in(struct person *who, const char *body) {
    AUTO_ANSWER struct answer answer;
    if (ask(NULL, "POST", SESSION, body, &answer) == 200) {
        remember(who, &answer);
    }
    return answer.status;
}

static void make_owner(struct person *owner) {
    char secret[SECRET_TEXT_MAX];
    char body[512];
    rig_link(&rig, "setup", secret);
    (void)snprintf(body, sizeof body,
        "{\"secret\":\"%s\",\"login\":\"boss\",\"password\":\"correct horse\","
        "\"display\":\"사장님\",\"organisation\":\"마루정밀\"}",
        secret);
    AUTO_ANSWER struct answer answer;
    assert_int_equal(ask(NULL, "POST", "/api/v1/setup", body, &answer), 200);
    assert_true(says(&answer, "\"admin\":true"));
    assert_true(says(&answer, "\"name\":\"마루정밀\",\"kind\":\"manufacturer\""));
    remember(owner, &answer);
}

/* Invites with a role and takes it up as `login`. */
static void invite(const struct person *by, const char *wish, const char *login, int status,
    struct person *ret_person) {
    AUTO_ANSWER struct answer made;
    int got = ask(by, "POST", PLANT "/invitations", wish, &made);
    if (got != status) {
        fail_msg("%s: %d %s", wish, got, buf_z(&made.body));
    }
    if (status != 201) {
        return;
    }
    char link[128];
    char body[512];
    member(&made, "link", link, sizeof link);
    assert_true(str_starts(str_of(link), STR("/invite#")));
    (void)snprintf(body, sizeof body,
        "{\"secret\":\"%s\",\"login\":\"%s\",\"password\":\"correct horse\","
        "\"display\":\"%s\"}",
        link + 8, login, login);
    AUTO_ANSWER struct answer taken;
    if (ask(NULL, "POST", "/api/v1/invitation", body, &taken) != 200) {
        fail_msg("%s: %d %s", body, taken.status, buf_z(&taken.body));
    }
    remember(ret_person, &taken);
    expect(NULL, "POST", "/api/v1/invitation", body, 403); // Spent.
}

/* ---- Codes ---- */

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

static void code_at(const uint8_t *secret, int64_t offset, char to[8]) {
    int64_t step = totp_step_at(clock_wall_ns(clock_system())) + offset;
    (void)snprintf(to, 8, "%06u", totp_code(secret, step) % 1000000);
}

/* Puts a second factor into force. */
static void enrol(const struct person *who, uint8_t secret[TOTP_SECRET_BYTES]) {
    char text[64];
    char code[8];
    char body[64];
    AUTO_ANSWER struct answer offer;
    assert_int_equal(ask(who, "POST", "/api/v1/me/totp", PASSWORD, &offer), 200);
    member(&offer, "secret", text, sizeof text);
    from_base32(text, secret);
    code_at(secret, 0, code);
    (void)snprintf(body, sizeof body, "{\"code\":\"%s\"}", code);
    expect(who, "PUT", "/api/v1/me/totp", body, 200);
}

/* Whoever found a browser open must not lock its owner out with a factor of their own. */
static void a_second_factor_is_begun_with_the_password_and_ends_other_sessions(void **state) {
    (void)state;
    struct person owner;
    struct person elsewhere;
    make_owner(&owner);
    assert_int_equal(
        sign_in(&elsewhere, "{\"login\":\"boss\",\"password\":\"correct horse\"}"), 200);
    expect(&elsewhere, "POST", "/api/v1/me/totp", "{}", 400);
    expect(&elsewhere, "POST", "/api/v1/me/totp", "{\"password\":\"wrong horse\"}", 403);
    uint8_t secret[TOTP_SECRET_BYTES];
    enrol(&owner, secret);
    expect(&elsewhere, "GET", "/api/v1/me", NULL, 401);
    AUTO_ANSWER struct answer me;
    assert_int_equal(ask(&owner, "GET", "/api/v1/me", NULL, &me), 200);
    assert_true(says(&me, "\"second_factor\":true"));
}

static void the_second_factor_stands_before_the_session(void **state) {
    (void)state;
    struct person owner;
    make_owner(&owner);
    AUTO_ANSWER struct answer offer;
    assert_int_equal(ask(&owner, "POST", "/api/v1/me/totp", PASSWORD, &offer), 200);
    assert_true(says(&offer, "otpauth://totp/Maru:boss?secret="));
    char text[64];
    uint8_t secret[TOTP_SECRET_BYTES];
    char code[8];
    char body[256];
    member(&offer, "secret", text, sizeof text);
    from_base32(text, secret);
    expect(&owner, "PUT", "/api/v1/me/totp", "{\"code\":\"000000\"}", 403);
    code_at(secret, 0, code);
    (void)snprintf(body, sizeof body, "{\"code\":\"%s\"}", code);
    AUTO_ANSWER struct answer codes;
    assert_int_equal(ask(&owner, "PUT", "/api/v1/me/totp", body, &codes), 200);
    char recovery[32];
    const char *at = strstr(buf_z(&codes.body), "[\"");
    assert_non_null(at);
    struct str rest = str_of(at + 2);
    (void)str_copy_z(str_cut(&rest, '"'), recovery, sizeof recovery);
    expect(&owner, "POST", "/api/v1/me/totp", PASSWORD, 409); // It is on.

    AUTO_ANSWER struct answer asked;
    assert_int_equal(
        ask(NULL, "POST", SESSION, "{\"login\":\"boss\",\"password\":\"correct horse\"}", &asked),
        401);
    assert_true(says(&asked, "\"code\":\"second_factor\""));
    assert_int_equal(answer_header(&asked, "Set-Cookie").size, 0);
    AUTO_ANSWER struct answer wrong;
    assert_int_equal(
        ask(NULL, "POST", SESSION,
            "{\"login\":\"boss\",\"password\":\"wrong horse\",\"code\":\"000000\"}", &wrong),
        401);
    assert_false(says(&wrong, "second_factor")); // The password comes first.
    struct person again;
    (void)snprintf(body, sizeof body,
        "{\"login\":\"boss\",\"password\":\"correct horse\",\"code\":\"%s\"}", code);
    assert_int_equal(sign_in(&again, body), 401); // Used when it was confirmed.
    code_at(secret, 1, code);
    (void)snprintf(body, sizeof body,
        "{\"login\":\"boss\",\"password\":\"correct horse\",\"code\":\"%s\"}", code);
    assert_int_equal(sign_in(&again, body), 200);
    (void)snprintf(body, sizeof body,
        "{\"login\":\"boss\",\"password\":\"correct horse\",\"code\":\"%s\"}", recovery);
    assert_int_equal(sign_in(&again, body), 200);
    assert_int_equal(sign_in(&again, body), 401); // Each once.
    AUTO_ANSWER struct answer me;
    assert_int_equal(ask(&again, "GET", "/api/v1/me", NULL, &me), 200);
    assert_true(says(&me, "\"second_factor\":true,\"recovery_left\":9"));
    expect(&again, "DELETE", "/api/v1/me/totp",
        "{\"password\":\"wrong horse\",\"code\":\"000000\"}", 403);
}

static void sessions_are_listed_and_end_one_by_one_or_with_the_password(void **state) {
    (void)state;
    struct person first;
    struct person second;
    struct person third;
    make_owner(&first);
    static const char DOOR[] = "{\"login\":\"boss\",\"password\":\"correct horse\"}";
    assert_int_equal(sign_in(&second, DOOR), 200);
    assert_int_equal(sign_in(&third, DOOR), 200);
    assert_string_not_equal(second.cookie, third.cookie);
    AUTO_ANSWER struct answer list;
    assert_int_equal(ask(&second, "GET", "/api/v1/me/sessions", NULL, &list), 200);
    assert_true(says(&list, "\"address\":\"127.0.0.1\",\"agent\":\"test browser\""));
    const char *current = strstr(buf_z(&list.body), "\"current\":true");
    assert_non_null(current);
    assert_null(strstr(current + 1, "\"current\":true"));
    char id[64];
    char target[128];
    member(&list, "id", id, sizeof id); // The oldest: the first one's.
    (void)snprintf(target, sizeof target, "/api/v1/me/sessions/%s", id);
    expect(&second, "DELETE", target, NULL, 204);
    expect(&second, "DELETE", target, NULL, 404);
    expect(&first, "GET", "/api/v1/me", NULL, 401);
    expect(&third, "GET", "/api/v1/me", NULL, 200);
    expect(&second, "POST", "/api/v1/me/password",
        "{\"old\":\"wrong horse\",\"new\":\"another horse\"}", 403);
    expect(&second, "POST", "/api/v1/me/password", "{\"old\":\"correct horse\",\"new\":\"short\"}",
        400);
    expect(&second, "POST", "/api/v1/me/password",
        "{\"old\":\"correct horse\",\"new\":\"another horse\"}", 204);
    expect(&third, "GET", "/api/v1/me", NULL, 401);
    expect(&second, "GET", "/api/v1/me", NULL, 200);
    assert_int_equal(sign_in(&third, DOOR), 401);
    assert_int_equal(sign_in(&third, "{\"login\":\"BOSS\",\"password\":\"another horse\"}"), 200);
}

static void a_session_secret_that_was_sent_along_is_not_taken_over(void **state) {
    (void)state;
    struct person owner;
    make_owner(&owner);
    static const char PLANTED[] = "maru_session=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    struct person victim = {.cookie = ""};
    memcpy(victim.cookie, PLANTED, sizeof PLANTED);
    AUTO_ANSWER struct answer in;
    assert_int_equal(
        ask(&victim, "POST", SESSION, "{\"login\":\"boss\",\"password\":\"correct horse\"}", &in),
        200);
    struct str cookie = answer_header(&in, "Set-Cookie");
    assert_true(str_starts(cookie, STR("maru_session=")));
    assert_false(str_starts(cookie, str_of(PLANTED)));
    expect(&victim, "GET", "/api/v1/me", NULL, 401); // The planted one opens nothing.
    AUTO_ANSWER struct answer again;
    assert_int_equal(
        ask(&owner, "POST", SESSION, "{\"login\":\"boss\",\"password\":\"correct horse\"}", &again),
        200);
    expect(&owner, "GET", "/api/v1/me", NULL, 401); // The session before ended.
}

static void an_account_is_locked_after_ten_wrong_tries_whether_or_not_it_exists(void **state) {
    (void)state;
    struct person owner;
    make_owner(&owner);
    for (int i = 0; i < 9; i++) { // Set-up was one try of the address.
        expect(NULL, "POST", SESSION, "{\"login\":\"boss\",\"password\":\"wrong horse\"}", 401);
    }
    /* The address is at its end before the account; a person's own doors count for the account. */
    expect(&owner, "POST", "/api/v1/me/password",
        "{\"old\":\"wrong horse\",\"new\":\"another horse\"}", 403);
    AUTO_ANSWER struct answer locked;
    assert_int_equal(ask(&owner, "POST", "/api/v1/me/password",
                         "{\"old\":\"correct horse\",\"new\":\"another horse\"}", &locked),
        429);
    assert_true(answer_header(&locked, "Retry-After").size > 0);
}

/* ---- Roles in a plant ---- */

static void roles_are_given_by_those_who_may(void **state) {
    (void)state;
    struct person owner;
    struct person manager;
    struct person viewer;
    struct person unused;
    make_owner(&owner);
    invite(&owner, "{\"role\":\"manager\",\"label\":\"박반장\"}", "park", 201, &manager);
    invite(&manager, "{\"role\":\"viewer\",\"label\":\"\",\"days\":1}", "lee", 201, &viewer);
    invite(&manager, "{\"role\":\"installer\"}", "no", 403, &unused);
    invite(&viewer, "{\"role\":\"viewer\"}", "no", 403, &unused);
    invite(&owner, "{\"role\":\"boss\"}", "no", 400, &unused);
    invite(&owner, "{\"role\":\"viewer\",\"days\":91}", "no", 400, &unused);
    char target[160];
    (void)snprintf(target, sizeof target, PLANT "/access/%s", viewer.id);
    expect(&viewer, "GET", PLANT "/tags", NULL, 200);
    expect(&viewer, "POST", "/write", "x value=1\n", 403);
    expect(&manager, "PUT", target, "{\"role\":\"owner\"}", 403);
    expect(&manager, "PUT", target, "{\"role\":\"operator\"}", 200);
    expect(&viewer, "POST", "/write", "x value=1\n", 204);
    expect(&owner, "PUT", target, "{\"role\":\"owner\"}", 200);
    expect(&manager, "PUT", target, "{\"role\":\"viewer\"}", 403); // An owner is above them.
    expect(&manager, "DELETE", target, NULL, 403);
    expect(&owner, "PUT", target, "{\"until\":\"2001-01-01T00:00:00Z\"}", 400);
    expect(&owner, "PUT", target, "{\"role\":\"viewer\",\"until\":\"2099-01-01T00:00:00Z\"}", 200);
    AUTO_ANSWER struct answer list;
    assert_int_equal(ask(&manager, "GET", PLANT "/access", NULL, &list), 200);
    assert_true(says(&list, "\"until\":\"2099-01-01T00:00:00"));
    expect(&viewer, "GET", PLANT "/access", NULL, 403);
    expect(&owner, "DELETE", target, NULL, 204);
    expect(&viewer, "GET", PLANT "/tags", NULL, 404); // It is not there any more.
    (void)snprintf(target, sizeof target, PLANT "/access/%s", owner.id);
    AUTO_ANSWER struct answer last;
    assert_int_equal(ask(&owner, "DELETE", target, NULL, &last), 409);
    assert_true(says(&last, "without an owner"));
    (void)snprintf(target, sizeof target, "/api/v1/users/%s", owner.id);
    expect(&owner, "PUT", target, "{\"admin\":false}", 409);
    expect(&owner, "PUT", target, "{\"disabled\":true}", 409);
    expect(&owner, "DELETE", target, NULL, 409);
    expect(&manager, "PUT", target, "{\"disabled\":true}", 403);
    AUTO_ANSWER struct answer audit;
    assert_int_equal(ask(&owner, "GET", "/api/v1/audit", NULL, &audit), 200);
    assert_true(says(&audit, "\"action\":\"access.put\""));
    assert_true(says(&audit, "\"action\":\"invitation.take\""));
    expect(&manager, "GET", "/api/v1/audit", NULL, 403);
}

static void somebody_who_is_signed_in_takes_an_invitation_up_with_their_account(void **state) {
    (void)state;
    struct person owner;
    struct person supplier;
    make_owner(&owner);
    invite(&owner,
        "{\"role\":\"installer\",\"organisation\":{\"name\":\"한빛자동화\",\"kind\":\"supplier\"}}",
        "choi", 201, &supplier);
    AUTO_ANSWER struct answer made;
    assert_int_equal(
        ask(&owner, "POST", PLANT "/invitations", "{\"role\":\"viewer\"}", &made), 201);
    char link[128];
    char body[256];
    member(&made, "link", link, sizeof link);
    (void)snprintf(body, sizeof body, "{\"secret\":\"%s\"}", link + 8);
    AUTO_ANSWER struct answer look;
    assert_int_equal(ask(NULL, "POST", "/api/v1/invitation/look", body, &look), 200);
    assert_true(says(&look, "\"plant\":{\"id\":\"p1\",\"display\":\"공장\"},\"role\":\"viewer\""));
    expect(&supplier, "POST", "/api/v1/invitation", body, 409); // In already.
    char target[160];
    (void)snprintf(target, sizeof target, PLANT "/access/%s", supplier.id);
    expect(&owner, "DELETE", target, NULL, 204);
    AUTO_ANSWER struct answer session;
    assert_int_equal(ask(&supplier, "GET", SESSION, NULL, &session), 200);
    assert_true(says(&session, "\"plants\":[]"));
    assert_true(says(&session, "\"kind\":\"supplier\""));
    expect(&supplier, "POST", "/api/v1/invitation", body, 200);
    expect(&supplier, "GET", PLANT "/tags", NULL, 200);
    AUTO_ANSWER struct answer list;
    assert_int_equal(ask(&owner, "GET", PLANT "/invitations", NULL, &list), 200);
    assert_true(says(&list, "\"items\":[]"));
}

/* ---- Tokens ---- */

static void a_token_is_of_its_plant_and_opens_nothing_once_revoked(void **state) {
    (void)state;
    struct person owner;
    struct person manager;
    make_owner(&owner);
    invite(&owner, "{\"role\":\"manager\"}", "park", 201, &manager);
    AUTO_ANSWER struct answer made;
    assert_int_equal(
        ask(&owner, "POST", PLANT "/tokens",
            "{\"label\":\"ERP\",\"role\":\"auditor\",\"scopes\":[\"read\",\"sql\"],\"days\":30}",
            &made),
        201);
    char token[SECRET_TEXT_MAX];
    char id[64];
    char target[160];
    member(&made, "token", token, sizeof token);
    member(&made, "id", id, sizeof id);
    (void)snprintf(target, sizeof target, PLANT "/tokens/%s", id);
    AUTO_ANSWER struct answer tags;
    rig_ask(&rig, "GET", PLANT "/tags", token, STR_NONE, &tags);
    assert_int_equal(tags.status, 200);
    AUTO_ANSWER struct answer more;
    rig_ask(
        &rig, "POST", PLANT "/tokens", token, STR("{\"label\":\"x\",\"role\":\"viewer\"}"), &more);
    assert_int_equal(more.status, 403); // A token makes no tokens.
    AUTO_ANSWER struct answer list;
    assert_int_equal(ask(&manager, "GET", PLANT "/tokens", NULL, &list), 200);
    assert_true(
        says(&list, "\"label\":\"ERP\",\"role\":\"auditor\",\"scopes\":[\"read\",\"sql\"]"));
    assert_true(says(&list, "\"created_by\":\"사장님\""));
    assert_true(says(&list, "\"last_used\":\"20"));
    assert_false(says(&list, token));
    expect(&manager, "DELETE", target, NULL, 403); // Given by an owner, of a role above theirs.
    expect(&manager, "POST", PLANT "/tokens", "{\"label\":\"x\",\"role\":\"owner\"}", 403);
    expect(&manager, "POST", PLANT "/tokens",
        "{\"label\":\"x\",\"role\":\"viewer\",\"scopes\":[\"write\"]}", 400);
    expect(&owner, "DELETE", target, NULL, 204);
    expect(&owner, "DELETE", target, NULL, 404);
    AUTO_ANSWER struct answer after;
    rig_ask(&rig, "GET", PLANT "/tags", token, STR_NONE, &after);
    assert_int_equal(after.status, 401);
}

static void a_token_ends_with_its_maker(void **state) {
    (void)state;
    struct person owner;
    struct person second;
    make_owner(&owner);
    invite(&owner, "{\"role\":\"owner\"}", "kim", 201, &second);
    AUTO_ANSWER struct answer made;
    assert_int_equal(ask(&second, "POST", PLANT "/tokens",
                         "{\"label\":\"x\",\"role\":\"viewer\",\"scopes\":[\"read\"]}", &made),
        201);
    char token[SECRET_TEXT_MAX];
    char target[160];
    member(&made, "token", token, sizeof token);
    static const struct {
        const char *state;
        int status;
    } STEPS[] = {{"{\"disabled\":true}", 401}, {"{\"disabled\":false}", 200}};
    (void)snprintf(target, sizeof target, "/api/v1/users/%s", second.id);
    for (size_t i = 0; i < 2; i++) {
        expect(&owner, "PUT", target, STEPS[i].state, 200);
        AUTO_ANSWER struct answer tags;
        rig_ask(&rig, "GET", PLANT "/tags", token, STR_NONE, &tags);
        assert_int_equal(tags.status, STEPS[i].status);
    }
    expect(&owner, "DELETE", target, NULL, 204);
    AUTO_ANSWER struct answer after;
    rig_ask(&rig, "GET", PLANT "/tags", token, STR_NONE, &after);
    assert_int_equal(after.status, 401);
}

/* The body with the secret of an invitation or a reset link that `by` makes. */
static void make_link(const struct person *by, const char *target, const char *wish, int status,
    const char *more, char body[256]) {
    AUTO_ANSWER struct answer made;
    assert_int_equal(ask(by, "POST", target, wish, &made), status);
    char link[128];
    member(&made, "link", link, sizeof link);
    (void)snprintf(body, 256, "{\"secret\":\"%s\"%s}", strchr(link, '#') + 1, more);
}

static void an_invitation_ends_with_its_givers_rights(void **state) {
    (void)state;
    static const char *const LOOK = "/api/v1/invitation/look";
    struct person owner;
    struct person giver;
    char as_manager[256];
    char as_owner[256];
    char access[160];
    char user[160];
    make_owner(&owner);
    invite(&owner, "{\"role\":\"manager\"}", "park", 201, &giver);
    (void)snprintf(access, sizeof access, PLANT "/access/%s", giver.id);
    (void)snprintf(user, sizeof user, "/api/v1/users/%s", giver.id);
    make_link(&giver, PLANT "/invitations", "{\"role\":\"viewer\"}", 201, "", as_manager);
    expect(&owner, "PUT", access, "{\"role\":\"owner\"}", 200);
    make_link(&giver, PLANT "/invitations", "{\"role\":\"owner\"}", 201, "", as_owner);
    expect(NULL, "POST", LOOK, as_owner, 200);
    expect(&owner, "PUT", access, "{\"role\":\"manager\"}", 200);
    expect(NULL, "POST", LOOK, as_owner, 403); // A manager makes no owners.
    expect(NULL, "POST", LOOK, as_manager, 200);
    expect(&owner, "PUT", user, "{\"disabled\":true}", 200);
    expect(NULL, "POST", LOOK, as_manager, 403);
    expect(&owner, "PUT", user, "{\"disabled\":false}", 200);
    expect(&owner, "DELETE", access, NULL, 204);
    expect(NULL, "POST", LOOK, as_manager, 403);
    expect(&giver, "POST", "/api/v1/invitation", as_manager, 403); // Not even for themselves.
}

/* ---- Resets, shutting out, erasing ---- */

static void a_reset_link_ends_when_the_person_becomes_another(void **state) {
    (void)state;
    static const char *const MORE = ",\"password\":\"third horse\"";
    struct person owner;
    struct person worker;
    char link[256];
    char reset[160];
    char access[160];
    char user[160];
    make_owner(&owner);
    invite(&owner, "{\"role\":\"operator\"}", "lee", 201, &worker);
    (void)snprintf(reset, sizeof reset, "/api/v1/users/%s/reset", worker.id);
    (void)snprintf(access, sizeof access, PLANT "/access/%s", worker.id);
    (void)snprintf(user, sizeof user, "/api/v1/users/%s", worker.id);
    const struct {
        const struct person *who;
        const char *method;
        const char *target;
        const char *body;
        int status;
    } CHANGES[] = {{&owner, "PUT", access, "{\"role\":\"owner\"}", 200},
        {&worker, "POST", "/api/v1/me/password",
            "{\"old\":\"correct horse\",\"new\":\"another horse\"}", 204},
        {&owner, "PUT", user, "{\"admin\":true}", 200}};
    for (size_t i = 0; i < sizeof CHANGES / sizeof CHANGES[0]; i++) {
        make_link(&owner, reset, "{}", 200, MORE, link);
        expect(CHANGES[i].who, CHANGES[i].method, CHANGES[i].target, CHANGES[i].body,
            CHANGES[i].status);
        expect(NULL, "POST", "/api/v1/reset", link, 403);
    }
    make_link(&owner, reset, "{}", 200, MORE, link);
    expect(&owner, "PUT", user, "{\"display\":\"x\"}", 200); // Changes nothing about rights.
    expect(NULL, "POST", "/api/v1/reset", link, 200);
}

static void the_second_factor_goes_when_the_link_is_spent_not_before(void **state) {
    (void)state;
    struct person owner;
    struct person worker;
    uint8_t secret[TOTP_SECRET_BYTES];
    char link[256];
    char reset[160];
    make_owner(&owner);
    invite(&owner, "{\"role\":\"operator\"}", "lee", 201, &worker);
    enrol(&worker, secret);
    (void)snprintf(reset, sizeof reset, "/api/v1/users/%s/reset", worker.id);
    make_link(
        &owner, reset, "{\"second_factor\":true}", 200, ",\"password\":\"third horse\"", link);
    AUTO_ANSWER struct answer before;
    assert_int_equal(ask(&worker, "GET", "/api/v1/me", NULL, &before), 200);
    assert_true(says(&before, "\"second_factor\":true"));
    AUTO_ANSWER struct answer done;
    assert_int_equal(ask(NULL, "POST", "/api/v1/reset", link, &done), 200);
    assert_true(says(&done, "\"second_factor\":false"));
}

/* A locked door is what somebody with a link stands before as well. */
static void a_link_opens_a_locked_account(void **state) {
    (void)state;
    struct person owner;
    struct person worker;
    char link[256];
    char reset[160];
    make_owner(&owner);
    invite(&owner, "{\"role\":\"operator\"}", "lee", 201, &worker);
    for (int i = 0; i < 11; i++) {
        expect(&worker, "POST", "/api/v1/me/password",
            "{\"old\":\"wrong horse\",\"new\":\"another horse\"}", i < 10 ? 403 : 429);
    }
    (void)snprintf(reset, sizeof reset, "/api/v1/users/%s/reset", worker.id);
    make_link(&owner, reset, "{}", 200, ",\"password\":\"third horse\"", link);
    expect(NULL, "POST", "/api/v1/reset", link, 200);
}

static void a_reset_link_sets_a_password_and_ends_sessions(void **state) {
    (void)state;
    struct person owner;
    struct person worker;
    struct person back;
    make_owner(&owner);
    invite(&owner, "{\"role\":\"operator\"}", "lee", 201, &worker);
    char target[160];
    char link[128];
    char body[256];
    (void)snprintf(target, sizeof target, "/api/v1/users/%s/reset", worker.id);
    expect(&worker, "POST", target, "{}", 404); // They lead nobody, themselves neither.
    AUTO_ANSWER struct answer made;
    assert_int_equal(ask(&owner, "POST", target, "{}", &made), 200);
    member(&made, "link", link, sizeof link);
    assert_true(str_starts(str_of(link), STR("/reset#")));
    (void)snprintf(body, sizeof body, "{\"secret\":\"%s\",\"password\":\"third horse\"}", link + 7);
    AUTO_ANSWER struct answer done;
    assert_int_equal(ask(NULL, "POST", "/api/v1/reset", body, &done), 200);
    remember(&back, &done);
    expect(&worker, "GET", "/api/v1/me", NULL, 401);
    expect(&back, "GET", PLANT "/tags", NULL, 200);
    expect(NULL, "POST", "/api/v1/reset", body, 403);
    (void)snprintf(target, sizeof target, "/api/v1/users/%s", worker.id);
    expect(&owner, "PUT", target, "{\"disabled\":true}", 200);
    expect(&back, "GET", "/api/v1/me", NULL, 401);
    assert_int_equal(sign_in(&back, "{\"login\":\"lee\",\"password\":\"third horse\"}"), 401);
    expect(&owner, "PUT", target, "{\"disabled\":false}", 200);
    assert_int_equal(sign_in(&back, "{\"login\":\"lee\",\"password\":\"third horse\"}"), 200);
}

static int verify_hub(struct ledger_tx *tx, void *context, struct err *err) {
    (void)context;
    return audit_verify(tx, err);
}

static void an_erased_person_is_gone_and_the_chain_is_whole(void **state) {
    (void)state;
    struct person owner;
    struct person worker;
    make_owner(&owner);
    invite(&owner, "{\"role\":\"operator\",\"email\":\"lee@example.com\"}", "lee", 201, &worker);
    expect(&owner, "POST", PLANT "/invitations",
        "{\"role\":\"viewer\",\"label\":\"이작업\",\"email\":\"Lee@Example.com\"}", 201);
    expect(
        &worker, "PUT", "/api/v1/me", "{\"display\":\"이작업\",\"phone\":\"010-1111-2222\"}", 200);
    char target[160];
    (void)snprintf(target, sizeof target, "/api/v1/users/%s", worker.id);
    expect(&owner, "DELETE", target, NULL, 204);
    expect(&worker, "GET", "/api/v1/me", NULL, 401);
    expect(&owner, "DELETE", target, NULL, 404);
    static const char *const PLACES[] = {
        "/api/v1/users", PLANT "/access", "/api/v1/audit", PLANT "/invitations"};
    for (size_t i = 0; i < sizeof PLACES / sizeof PLACES[0]; i++) {
        AUTO_ANSWER struct answer answer;
        assert_int_equal(ask(&owner, "GET", PLACES[i], NULL, &answer), 200);
        assert_false(says(&answer, "이작업"));
        assert_false(says(&answer, "lee@example.com"));
        assert_false(says(&answer, "Lee@Example.com"));
        assert_false(says(&answer, "010-1111-2222"));
    }
    struct err err = ERR_INIT;
    assert_int_equal(ledger_read(home_hub(rig.home), verify_hub, NULL, &err), 0);
}

static void a_disabled_organisation_ends_sessions_for_good(void **state) {
    (void)state;
    struct person owner;
    struct person supplier;
    make_owner(&owner);
    invite(&owner,
        "{\"role\":\"installer\",\"organisation\":{\"name\":\"X\",\"kind\":\"supplier\"}}", "choi",
        201, &supplier);
    AUTO_ANSWER struct answer me;
    assert_int_equal(ask(&supplier, "GET", "/api/v1/me", NULL, &me), 200);
    const char *at = strstr(buf_z(&me.body), "\"organisation\":{\"id\":\"");
    assert_non_null(at);
    struct str rest = str_of(at + 22);
    struct str id = str_cut(&rest, '"');
    char target[160];
    (void)snprintf(target, sizeof target, "/api/v1/organisations/%.*s", STR_ARG(id));
    expect(&owner, "PUT", target, "{\"disabled\":true}", 200);
    expect(&supplier, "GET", "/api/v1/me", NULL, 401);
    expect(&owner, "PUT", target, "{\"disabled\":false}", 200);
    expect(&supplier, "GET", "/api/v1/me", NULL, 401);
}

/* ---- The plant's own name ---- */

static void a_plant_is_called_anew_and_keeps_its_zone_once_values_are_stored(void **state) {
    (void)state;
    struct person owner;
    struct person viewer;
    make_owner(&owner);
    invite(&owner, "{\"role\":\"viewer\"}", "lee", 201, &viewer);
    expect(&viewer, "PUT", PLANT, "{\"display\":\"x\"}", 403);
    AUTO_ANSWER struct answer named;
    assert_int_equal(
        ask(&owner, "PUT", PLANT, "{\"display\":\"제2공장\",\"zone\":\"Europe/Berlin\"}", &named),
        200);
    assert_true(says(&named, "\"display\":\"제2공장\",\"zone\":\"Europe/Berlin\""));
    assert_true(str_eq(plant_display(rig.plant), STR("제2공장")));
    expect(&owner, "PUT", PLANT, "{\"zone\":\"Nowhere/City\"}", 400);
    expect(&owner, "PUT", PLANT, "{\"display\":\"a\\u0007b\"}", 400);
    rig_write(&rig, "line1.press1 temp=20.5 1000\n", 204);
    expect(&owner, "PUT", PLANT, "{\"zone\":\"Asia/Seoul\"}", 409);
    expect(&owner, "PUT", PLANT, "{\"zone\":\"Europe/Berlin\",\"display\":\"다시\"}", 200);
    AUTO_ANSWER struct answer list;
    assert_int_equal(ask(&viewer, "GET", "/api/v1/plants", NULL, &list), 200);
    assert_true(says(&list, "\"display\":\"다시\",\"zone\":\"Europe/Berlin\""));
    struct home *home = NULL; // And after the next start.
    serve_stop(rig.server);
    home_close(rig.home);
    struct err err = ERR_INIT;
    assert_int_equal(
        home_open(&(struct home_options){.dir = rig.dir, .exclusive = false}, &home, &err), 0);
    assert_true(str_eq(plant_display(home_plant_at(home, 0)), STR("다시")));
    rig.home = home;
    rig.server = NULL;
}

/* ---- Streams ---- */

static void a_stream_ends_at_once_when_the_access_goes(void **state) {
    (void)state;
    struct person owner;
    struct person viewer;
    make_owner(&owner);
    invite(&owner, "{\"role\":\"viewer\"}", "lee", 201, &viewer);
    char request[512];
    char bytes[4096];
    int fd = client_connect(rig.port);
    int length = snprintf(request, sizeof request,
        "GET " PLANT "/stream HTTP/1.1\r\nHost: localhost\r\nCookie: %s\r\n\r\n", viewer.cookie);
    client_send(fd, request, (size_t)length);
    assert_true(client_read(fd, bytes, sizeof bytes, 5000) > 0);
    char target[160];
    (void)snprintf(target, sizeof target, PLANT "/access/%s", viewer.id);
    expect(&owner, "DELETE", target, NULL, 204);
    int64_t begin = clock_mono_ns(clock_system());
    bool ended = false;
    for (long got = 1; got > 0 && !ended;) {
        got = client_read(fd, bytes, sizeof bytes, 5000);
        ended = got >= 5 && memcmp(bytes + got - 5, "0\r\n\r\n", 5) == 0; // The last chunk.
    }
    assert_true(ended);
    int64_t took = clock_mono_ns(clock_system()) - begin;
    assert_true(took < 5 * NS_PER_S); // The regular look comes every ten seconds.
    (void)close(fd);
}

int main(void) {
    const struct CMUnitTest tests[] = {
#define ON(test) cmocka_unit_test_setup_teardown(test, open_rig, close_rig)
        ON(the_second_factor_stands_before_the_session),
        ON(a_second_factor_is_begun_with_the_password_and_ends_other_sessions),
        ON(a_token_ends_with_its_maker),
        ON(an_invitation_ends_with_its_givers_rights),
        ON(a_reset_link_ends_when_the_person_becomes_another),
        ON(the_second_factor_goes_when_the_link_is_spent_not_before),
        ON(a_link_opens_a_locked_account),
        ON(sessions_are_listed_and_end_one_by_one_or_with_the_password),
        ON(a_session_secret_that_was_sent_along_is_not_taken_over),
        ON(an_account_is_locked_after_ten_wrong_tries_whether_or_not_it_exists),
        ON(roles_are_given_by_those_who_may),
        ON(somebody_who_is_signed_in_takes_an_invitation_up_with_their_account),
        ON(a_token_is_of_its_plant_and_opens_nothing_once_revoked),
        ON(a_reset_link_sets_a_password_and_ends_sessions),
        ON(a_disabled_organisation_ends_sessions_for_good),
        ON(an_erased_person_is_gone_and_the_chain_is_whole),
        ON(a_plant_is_called_anew_and_keeps_its_zone_once_values_are_stored),
        ON(a_stream_ends_at_once_when_the_access_goes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
