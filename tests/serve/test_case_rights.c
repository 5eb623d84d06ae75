/*
 * Who sees and does what at the programme desk, and what of a programme may be changed: by people
 * of two companies, their supplier, evaluators, an officer who is no admin, and a stranger.
 */
#include "support_walk.h"

#include <stdio.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "programme/cases.h"

enum { TARGET_BYTES = 256 };

static struct walk walk;

static int open_walk(void **state) {
    (void)state;
    walk_open(&walk);
    return 0;
}

static int close_walk(void **state) {
    (void)state;
    walk_close(&walk);
    return 0;
}

static const char *word(const json_t *object, const char *name) {
    const char *text = json_string_value(json_object_get(object, name));
    return text ? text : "";
}

static json_t *must(
    enum walker who, const char *method, const char *target, json_t *body, int status) {
    return walk_must(&walk, who, method, target, body, status);
}

static void drop(
    enum walker who, const char *method, const char *target, json_t *body, int status) {
    json_decref(must(who, method, target, body, status));
}

/* The AS programme: it has a printed sheet, and needs no consortium. */
static json_t *application(const char *name) {
    json_t *documents = json_array();
    static const char *const IDS[] = {
        "application", "biz_reg", "tax_clear", "info_consent", "financials", "completion"};
    for (size_t i = 0; i < sizeof IDS / sizeof IDS[0]; i++) {
        json_array_append_new(
            documents, json_pack("{s:s,s:s}", "id", IDS[i], "issued", "2024-02-01"));
    }
    return json_pack("{s:s,s:s,s:s,s:o,s:{s:i},s:{s:s,s:[{s:s,s:s}]}}", "programme",
        "gyeonggi-as-2024", "type", "as", "name", name, "documents", documents, "cost",
        "total_cost", 25000000, "facts", "factory", "경기도 안산시", "consortium", "role",
        "supplier", "organisation", walk.organisations[WALK_SUPPLIER]);
}

static void act(const char *number, enum walker who, const char *action, json_t *body, int status) {
    char target[TARGET_BYTES];
    (void)snprintf(target, sizeof target, "/api/v1/cases/%s/actions", number);
    json_object_set_new(body, "action", json_string(action));
    drop(who, "POST", target, body, status);
}

/* A case of the first company at its site evaluation. */
static void open_case(char number[100]) {
    walk_time(&walk, "2024-02-05T10:00");
    drop(WALK_OFFICER, "POST", "/api/v1/programmes/gyeonggi-as-2024/announce", json_object(), 200);
    json_t *answer = must(WALK_FIRST, "POST", "/api/v1/cases", application("첫째"), 201);
    (void)str_copy_z(str_of(word(json_object_get(answer, "case"), "number")), number, 100);
    json_decref(answer);
    json_t *refusal = NULL;
    char target[TARGET_BYTES];
    (void)snprintf(target, sizeof target, "/api/v1/cases/%s/actions", number);
    refusal = must(WALK_OFFICER, "POST", target, json_pack("{s:s}", "action", "screen"), 422);
    size_t i = 0;
    json_t *one = NULL;
    json_array_foreach(json_object_get(refusal, "refused"), i, one) {
        act(number, WALK_OFFICER, "decide",
            json_pack("{s:s,s:b,s:s}", "rule", word(one, "rule"), "holds", 1, "reason", "seen"),
            200);
    }
    json_decref(refusal);
    act(number, WALK_OFFICER, "screen", json_object(), 200);
}

static size_t queue_size(enum walker who) {
    json_t *list = must(who, "GET", "/api/v1/cases", NULL, 200);
    size_t count = json_array_size(json_object_get(list, "items"));
    json_decref(list);
    return count;
}

static json_t *look(const char *number, enum walker who) {
    char target[TARGET_BYTES];
    (void)snprintf(target, sizeof target, "/api/v1/cases/%s", number);
    return must(who, "GET", target, NULL, 200);
}

static bool tells(json_t *value, const char *text) {
    char *all = json_dumps(value, JSON_COMPACT);
    bool found = strstr(all, text) != NULL;
    void (*release)(void *) = NULL;
    json_get_alloc_funcs(NULL, &release);
    release(all);
    json_decref(value);
    return found;
}

/* */
static void everybody_sees_their_own(void **state) {
    (void)state;
    char number[100];
    char target[TARGET_BYTES];
    open_case(number);
    (void)snprintf(target, sizeof target, "/api/v1/cases/%s", number);
    static const struct {
        enum walker who;
        size_t sees;
    } SEEN[] = {{WALK_OFFICER, 1}, {WALK_FIRST, 1}, {WALK_SECOND, 0}, {WALK_SUPPLIER, 1},
        {WALK_JUDGE, 0}, {WALK_INSIDER, 0}, {WALK_STRANGER, 0}};
    for (size_t i = 0; i < sizeof SEEN / sizeof SEEN[0]; i++) {
        assert_int_equal(queue_size(SEEN[i].who), SEEN[i].sees);
        drop(SEEN[i].who, "GET", target, NULL, SEEN[i].sees ? 200 : 404);
        act(number, SEEN[i].who, "pay", json_object(),
            SEEN[i].who == WALK_OFFICER ? 409
            : SEEN[i].sees              ? 409
                                        : 404);
        act(number, SEEN[i].who, "refuse", json_object(),
            SEEN[i].who == WALK_OFFICER ? 400
            : SEEN[i].sees              ? 403
                                        : 404);
    }
    /* An officer of another programme has no part in this one. */
    char role[TARGET_BYTES];
    (void)snprintf(
        role, sizeof role, "/api/v1/programmes/bupyeong-2023/roles/%s", walk.users[WALK_STRANGER]);
    drop(WALK_OFFICER, "PUT", role, json_pack("{s:[s]}", "roles", "officer"), 200);
    drop(WALK_STRANGER, "GET", target, NULL, 404);
    assert_int_equal(queue_size(WALK_STRANGER), 0);
    drop(WALK_STRANGER, "POST", "/api/v1/programmes/gyeonggi-as-2024/close", json_object(), 403);
    drop(WALK_STRANGER, "POST", "/api/v1/programmes/bupyeong-2023/announce", json_object(), 200);
    drop(WALK_STRANGER, "PUT", role, json_pack("{s:[s,s]}", "roles", "officer", "auditor"), 403);
    drop(WALK_STRANGER, "POST", "/api/v1/cases", application("낯선"), 403);
    drop(WALK_JUDGE, "POST", "/api/v1/cases", application("낯선"), 403);
    act(number, WALK_OFFICER, "assign", json_pack("{s:s}", "evaluator", walk.users[WALK_JUDGE]),
        200);
    assert_int_equal(queue_size(WALK_JUDGE), 1);
}

static json_t *sheet(const char *grade) {
    json_t *grades = json_object();
    static const char *const ITEMS[] = {"i1", "i2", "i3", "i4", "i5", "i6", "i7"};
    for (size_t i = 0; i < 7; i++) {
        json_object_set_new(grades, ITEMS[i], json_string(grade));
    }
    return json_pack("{s:o,s:{s:b,s:b,s:b,s:b,s:b},s:s}", "grades", grades, "checks", "fit_scope",
        1, "fit_cost_consent", 1, "fit_relevance", 1, "fit_warranty_expired", 1,
        "fit_not_self_capable", 1, "comment", grade);
}

/* No sheet of another before all are in; none for the companies, ever. */
static void sheets_are_secret_until_all_are_in(void **state) {
    (void)state;
    char number[100];
    open_case(number);
    /* The stranger becomes the second evaluator. */
    char target[TARGET_BYTES];
    (void)snprintf(target, sizeof target, "/api/v1/programmes/gyeonggi-as-2024/roles/%s",
        walk.users[WALK_STRANGER]);
    drop(WALK_FIRST, "PUT", target, json_pack("{s:[s]}", "roles", "officer"), 403);
    drop(WALK_OFFICER, "PUT", target, json_pack("{s:[s]}", "roles", "judge"), 400);
    drop(WALK_OFFICER, "PUT", target, json_pack("{s:[s]}", "roles", "evaluator"), 200);
    static const enum walker BOTH[] = {WALK_JUDGE, WALK_STRANGER};
    for (size_t i = 0; i < 2; i++) {
        act(number, WALK_OFFICER, "assign", json_pack("{s:s}", "evaluator", walk.users[BOTH[i]]),
            200);
        act(number, BOTH[i], "declare", json_pack("{s:b}", "conflict", 0), 200);
    }
    act(number, WALK_JUDGE, "sheet", sheet("우수"), 200);
    assert_true(tells(look(number, WALK_JUDGE), "\"comment\":\"우수\""));
    assert_false(tells(look(number, WALK_STRANGER), "우수"));
    assert_true(tells(look(number, WALK_OFFICER), "\"comment\":\"우수\""));
    act(number, WALK_STRANGER, "sheet", sheet("보통"), 200);
    assert_true(tells(look(number, WALK_STRANGER), "\"comment\":\"우수\""));
    act(number, WALK_OFFICER, "visit", json_object(), 200);
    json_t *own = look(number, WALK_FIRST);
    assert_null(json_object_get(own, "sheets"));
    assert_null(json_object_get(own, "evaluators"));
    assert_false(tells(own, "우수"));
    assert_false(tells(look(number, WALK_SUPPLIER), walk.users[WALK_JUDGE]));
}

/* A message that came twice is one event; who saw an older case is told. */
static void a_doubled_message_is_one_entry(void **state) {
    (void)state;
    char number[100];
    char target[TARGET_BYTES];
    char headers[512];
    open_case(number);
    (void)snprintf(target, sizeof target, "/api/v1/cases/%s/actions", number);
    (void)snprintf(headers, sizeof headers,
        "Cookie: %s\r\nX-Requested-With: maru\r\nContent-Type: application/json\r\n"
        "Idempotency-Key: a-1\r\n",
        walk.cookies[WALK_FIRST]);
    for (int i = 0; i < 2; i++) {
        struct question question = {.port = walk.rig.port,
            .method = "POST",
            .target = target,
            .headers = headers,
            .body = STR("{\"action\":\"object\",\"text\":\"why\"}")};
        AUTO_ANSWER struct answer answer;
        client_ask(&question, &answer);
        assert_int_equal(answer.status, 200);
        assert_non_null(strstr(buf_z(&answer.body), i ? "\"again\":true" : "\"again\":false"));
    }
    json_t *now = look(number, WALK_OFFICER);
    json_int_t sequence = json_integer_value(json_object_get(now, "sequence"));
    json_decref(now);
    act(number, WALK_OFFICER, "resolve",
        json_pack("{s:s,s:s,s:I}", "text", "so", "reason", "r", "sequence", sequence - 1), 409);
    act(number, WALK_OFFICER, "resolve",
        json_pack("{s:s,s:s,s:I}", "text", "so", "reason", "r", "sequence", sequence), 200);
    act(number, WALK_FIRST, "object", json_pack("{s:s,s:s}", "text", "x", "at", "2024-02-01"), 403);
}

/* R-094 R-101 */
static void what_has_no_details_yet_computes_and_takes_nothing(void **state) {
    (void)state;
    json_t *list = must(WALK_STRANGER, "GET", "/api/v1/programmes", NULL, 200);
    size_t i = 0;
    json_t *one = NULL;
    size_t pending = 0;
    json_array_foreach(json_object_get(list, "items"), i, one) {
        char target[TARGET_BYTES];
        bool open = strcmp(word(one, "state"), "open") == 0 || word(one, "state")[0] == '\0';
        (void)snprintf(target, sizeof target, "/api/v1/programmes/%s/announce", word(one, "id"));
        if (open) {
            continue;
        }
        pending++;
        drop(WALK_OFFICER, "POST", target, json_object(), 409);
    }
    assert_int_equal(i, 25);
    assert_int_equal(pending, 13);
    json_decref(list);
    drop(WALK_STRANGER, "POST", "/api/v1/programmes/mss-2023-gov/subsidy?type=none", json_object(),
        404);
    drop(WALK_STRANGER, "POST", "/api/v1/programmes/bupyeong-2023/dance", json_object(), 404);
    drop(WALK_STRANGER, "POST", "/api/v1/programmes/nothing/subsidy", json_object(), 404);
    json_t *answer =
        must(WALK_STRANGER, "POST", "/api/v1/programmes/bupyeong-2023/subsidy?type=basic",
            json_pack("{s:i,s:i}", "cash_contribution", 40000000, "pm_labour", 5000000), 200);
    assert_int_equal(json_integer_value(json_object_get(answer, "grant")), 7000000);
    json_decref(answer);
}

/* a new announcement is a document. */
static void a_new_announcement_is_written_and_walked(void **state) {
    (void)state;
    walk_time(&walk, "2025-03-04T10:00");
    json_t *whole = must(WALK_OFFICER, "GET", "/api/v1/programmes/bupyeong-2023", NULL, 200);
    json_t *document = json_deep_copy(json_object_get(whole, "document"));
    json_decref(whole);
    json_object_set_new(document, "id", json_string("gu-2025"));
    json_object_set_new(json_object_get(document, "window"), "opens", json_string("2025-03-01"));
    const char *target = "/api/v1/programmes/gu-2025";
    drop(WALK_FIRST, "PUT", target, json_deep_copy(document), 403);
    drop(WALK_OFFICER, "PUT", "/api/v1/programmes/another", json_deep_copy(document), 400);
    json_t *broken = json_deep_copy(document);
    json_object_set_new(json_array_get(json_object_get(broken, "steps"), 3), "by", json_array());
    drop(WALK_OFFICER, "PUT", target, broken, 400); // A step without an actor.
    json_t *stored = must(WALK_OFFICER, "PUT", target, document, 200);
    assert_int_equal(json_integer_value(json_object_get(stored, "version")), 1);
    json_decref(stored);
    drop(WALK_OFFICER, "POST", "/api/v1/programmes/gu-2025/announce", json_object(), 200);
    json_t *one = must(WALK_FIRST, "POST", "/api/v1/cases",
        json_pack("{s:s,s:s,s:s,s:[{s:s},{s:s}],s:{s:i}}", "programme", "gu-2025", "type", "basic",
            "name", "첫째", "documents", "id", "application", "id", "privacy", "cost",
            "cash_contribution", 40000000),
        201);
    assert_string_equal(word(json_object_get(one, "case"), "number"), "GU-2025-0001");
    json_decref(one);
    drop(WALK_OFFICER, "POST", "/api/v1/programmes/gu-2025/close",
        json_pack("{s:s}", "reason", "enough"), 200);
    drop(WALK_FIRST, "POST", "/api/v1/cases",
        json_pack("{s:s,s:s,s:s}", "programme", "gu-2025", "type", "basic", "name", "첫째"), 409);
}

#define WALK_TEST(name) cmocka_unit_test_setup_teardown(name, open_walk, close_walk)

int main(void) {
    const struct CMUnitTest tests[] = {
        WALK_TEST(everybody_sees_their_own),
        WALK_TEST(sheets_are_secret_until_all_are_in),
        WALK_TEST(a_doubled_message_is_one_entry),
        WALK_TEST(what_has_no_details_yet_computes_and_takes_nothing),
        WALK_TEST(a_new_announcement_is_written_and_walked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
