/*
 * The first owner, signing in and out, the one-time links, the rule against other sites' pages, and
 * the brake on guessing.
 */
#include "support_server.h"

#include <stdio.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define SESSION "/api/v1/session"

static struct rig rig;

static int open_rig(void **state) {
    (void)state;
    rig_open(&rig, NULL, false);
    return 0;
}

static int open_demo(void **state) {
    (void)state;
    rig_open(&rig, NULL, true);
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

static int post(const char *target, const char *body, struct answer *ret_answer) {
    rig_ask(&rig, "POST", target, NULL, str_of(body), ret_answer);
    return ret_answer->status;
}

/* "maru_session=..." of a Set-Cookie header. */
static void cookie_of(const struct answer *answer, char *to, size_t size) {
    struct str cookie = answer_header(answer, "Set-Cookie");
    assert_true(str_starts(cookie, STR("maru_session=")));
    (void)str_copy_z(str_cut(&cookie, ';'), to, size);
}

static void ask_with_cookie(const char *method, const char *target, const char *cookie,
    const char *more, struct answer *ret_answer) {
    char headers[256];
    (void)snprintf(headers, sizeof headers,
        "Cookie: other=1; %s\r\nContent-Type: application/json\r\n%s", cookie, more);
    struct question question = {
        .port = rig.port, .method = method, .target = target, .headers = headers};
    if (strcmp(method, "PUT") == 0) {
        question.body = STR("{\"display\":\"새 이름\"}");
    }
    client_ask(&question, ret_answer);
}

static void make_owner(char *cookie, size_t size) {
    char secret[SECRET_TEXT_MAX];
    char body[256];
    rig_link(&rig, "setup", secret);
    (void)snprintf(body, sizeof body,
        "{\"secret\":\"%s\",\"login\":\"boss\",\"password\":\"correct "
        "horse\",\"display\":\"사장님\"}",
        secret);
    AUTO_ANSWER struct answer answer;
    assert_int_equal(post("/api/v1/setup", body, &answer), 200);
    assert_true(says(&answer, "\"login\":\"boss\",\"display\":\"사장님\",\"role\":\"owner\""));
    assert_true(says(&answer, "\"setup_needed\":false"));
    struct str set = answer_header(&answer, "Set-Cookie");
    assert_non_null(strstr(set.data, "HttpOnly; SameSite=Strict"));
    cookie_of(&answer, cookie, size);
    AUTO_ANSWER struct answer again;
    assert_int_equal(post("/api/v1/setup", body, &again), 403); // Spent.
}

static void setup_makes_the_owner_once(void **state) {
    (void)state;
    char cookie[128];
    AUTO_ANSWER struct answer before;
    rig_ask(&rig, "GET", SESSION, NULL, STR_NONE, &before);
    assert_true(says(&before, "{\"user\":null,\"setup_needed\":true"));
    make_owner(cookie, sizeof cookie);
    char secret[SECRET_TEXT_MAX];
    char body[256];
    rig_link(&rig, "setup", secret);
    (void)snprintf(body, sizeof body,
        "{\"secret\":\"%s\",\"login\":\"second\",\"password\":\"correct horse\"}", secret);
    AUTO_ANSWER struct answer second;
    assert_int_equal(post("/api/v1/setup", body, &second), 409);
    AUTO_ANSWER struct answer wrong;
    assert_int_equal(
        post("/api/v1/setup", "{\"secret\":\"x\",\"login\":\"l\",\"password\":\"correct horse\"}",
            &wrong),
        403);
}

static void a_password_signs_in_and_the_cookie_works_until_sign_out(void **state) {
    (void)state;
    char cookie[128];
    make_owner(cookie, sizeof cookie);
    AUTO_ANSWER struct answer wrong;
    assert_int_equal(
        post(SESSION, "{\"login\":\"boss\",\"password\":\"wrong horse\"}", &wrong), 401);
    AUTO_ANSWER struct answer nobody;
    assert_int_equal(
        post(SESSION, "{\"login\":\"nobody\",\"password\":\"wrong horse\"}", &nobody), 401);
    assert_string_equal(buf_z(&wrong.body), buf_z(&nobody.body)); // The name is not given away.
    AUTO_ANSWER struct answer right;
    assert_int_equal(
        post(SESSION, "{\"login\":\"boss\",\"password\":\"correct horse\"}", &right), 200);
    cookie_of(&right, cookie, sizeof cookie);
    AUTO_ANSWER struct answer tags;
    ask_with_cookie("GET", "/api/v1/plants/p1/tags", cookie, "", &tags);
    assert_int_equal(tags.status, 200);
    AUTO_ANSWER struct answer out;
    ask_with_cookie("DELETE", SESSION, cookie, "X-Requested-With: maru\r\n", &out);
    assert_int_equal(out.status, 204);
    AUTO_ANSWER struct answer after;
    ask_with_cookie("GET", "/api/v1/plants/p1/tags", cookie, "", &after);
    assert_int_equal(after.status, 401);
}

static void a_change_with_a_cookie_needs_the_header_that_pages_send(void **state) {
    (void)state;
    char cookie[128];
    make_owner(cookie, sizeof cookie);
    const char *target = "/api/v1/plants/p1/tags/line1.press1.temp";
    AUTO_ANSWER struct answer without;
    ask_with_cookie("PUT", target, cookie, "", &without);
    assert_int_equal(without.status, 403);
    AUTO_ANSWER struct answer with;
    ask_with_cookie("PUT", target, cookie, "X-Requested-With: maru\r\n", &with);
    assert_int_equal(with.status, 200);
    assert_true(says(&with, "새 이름"));
    AUTO_ANSWER struct answer audit;
    rig_ask(&rig, "GET", "/api/v1/plants/p1/audit", rig.auditor, STR_NONE, &audit);
    assert_true(says(&audit, "\"tag.put\",\"subject\":\"line1.press1.temp\""));
}

static void guessing_is_slowed_down(void **state) {
    (void)state;
    // Ten tries at once and one more every six seconds: a slow machine may take some of those.
    int64_t begun_ns = clock_mono_ns(clock_system());
    int tries = 0;
    int status = 401;
    int64_t wait = 0;
    while (status == 401) {
        AUTO_ANSWER struct answer answer;
        status = post(SESSION, "{\"login\":\"a\",\"password\":\"wrong horse\"}", &answer);
        if (status == 429) {
            assert_true(str_to_i64(answer_header(&answer, "Retry-After"), &wait));
        } else {
            tries++;
        }
        int64_t gone_s = (clock_mono_ns(clock_system()) - begun_ns) / INT64_C(1000000000);
        assert_true(tries <= 10 + gone_s / 6 + 1);
    }
    assert_int_equal(status, 429);
    assert_true(tries >= 10);
    assert_in_range(wait, 1, 60);
}

static void the_demo_link_signs_in_once(void **state) {
    (void)state;
    char secret[SECRET_TEXT_MAX];
    char body[128];
    rig_link(&rig, "signin", secret);
    (void)snprintf(body, sizeof body, "{\"secret\":\"%s\"}", secret);
    AUTO_ANSWER struct answer first;
    assert_int_equal(post("/api/v1/session/link", body, &first), 200);
    assert_true(says(&first, "\"demo\":true"));
    AUTO_ANSWER struct answer again;
    assert_int_equal(post("/api/v1/session/link", body, &again), 403);
    rig_link(&rig, "signin", secret); // A second link finds the user that the first one made.
    (void)snprintf(body, sizeof body, "{\"secret\":\"%s\"}", secret);
    AUTO_ANSWER struct answer second;
    assert_int_equal(post("/api/v1/session/link", body, &second), 200);
}

static void bodies_that_are_not_as_described_are_refused(void **state) {
    (void)state;
    static const struct {
        const char *body;
        int status;
        const char *words;
    } CASES[] = {
        {"", 400, "JSON"},
        {"{", 400, "line 1"},
        {"[]", 400, "one JSON object"},
        {"{\"login\":\"a\"}", 400, "\\\"password\\\" is missing"},
        {"{\"login\":1,\"password\":\"x\"}", 400, "must be of type string"},
        {"{\"login\":\"a\",\"password\":\"x\",\"admin\":true}", 400, "\\\"admin\\\" is not known"},
        {"{\"login\":\"a\",\"login\":\"b\",\"password\":\"x\"}", 400, "JSON"},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        AUTO_ANSWER struct answer answer;
        int status = post(SESSION, CASES[i].body, &answer);
        if (status != CASES[i].status || !says(&answer, CASES[i].words)) {
            fail_msg("%s: %d %s", CASES[i].body, status, buf_z(&answer.body));
        }
    }
    struct question form = {.port = rig.port,
        .method = "POST",
        .target = SESSION,
        .headers = "Content-Type: application/x-www-form-urlencoded\r\n",
        .body = STR("login=a")};
    AUTO_ANSWER struct answer answer;
    client_ask(&form, &answer);
    assert_int_equal(answer.status, 415);
}

static void a_name_or_password_against_the_rules_is_refused_and_the_link_stays(void **state) {
    (void)state;
    static const struct {
        const char *login;
        const char *password;
        const char *words; // NULL: taken.
    } CASES[] = {
        {"b", "correct horse", "cannot be a login name"},
        {"Boss", "correct horse", "cannot be a login name"},
        {"-boss", "correct horse", "cannot be a login name"},
        {"boss", "short 123", "has 9 characters"},
        {"boss", "가나다라마바사아자", "has 9 characters"}, // 27 bytes.
        {"boss", "the BOSS of all", "must not contain the login name"},
        {"boss", "AaBbCcDdAaBbCcDd", "at least 5 different"},
        {"boss.2", "가나다라마바사아자차", NULL},
    };
    char secret[SECRET_TEXT_MAX];
    rig_link(&rig, "setup", secret);
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        char body[320];
        (void)snprintf(body, sizeof body,
            "{\"secret\":\"%s\",\"login\":\"%s\",\"password\":\"%s\"}", secret, CASES[i].login,
            CASES[i].password);
        AUTO_ANSWER struct answer answer;
        int status = post("/api/v1/setup", body, &answer);
        if (status != (CASES[i].words ? 400 : 200) ||
            (CASES[i].words && !says(&answer, CASES[i].words))) {
            fail_msg("%s: %d %s", CASES[i].password, status, buf_z(&answer.body));
        }
    }
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, open_rig, close_rig)
    const struct CMUnitTest tests[] = {
        TEST(setup_makes_the_owner_once),
        TEST(a_password_signs_in_and_the_cookie_works_until_sign_out),
        TEST(a_change_with_a_cookie_needs_the_header_that_pages_send),
        TEST(guessing_is_slowed_down),
        cmocka_unit_test_setup_teardown(the_demo_link_signs_in_once, open_demo, close_rig),
        TEST(bodies_that_are_not_as_described_are_refused),
        TEST(a_name_or_password_against_the_rules_is_refused_and_the_link_stays),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
