/*
 * Scans over HTTP: stored as they were read, each once, under a text tag only, with what the code
 * says beside it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "support_server.h"

#define SCANS   "/api/v1/plants/p1/scans"
#define SAMPLES "/api/v1/plants/p1/samples?versions=1&tag="

static struct rig rig;

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

static void scan(const char *body, int status, struct answer *ret_answer) {
    rig_ask(&rig, "POST", SCANS, rig.operator_, str_of(body), ret_answer);
    if (ret_answer->status != status) {
        fail_msg("%s gave %d: %s", body, ret_answer->status, buf_z(&ret_answer->body));
    }
}

static void expect(struct answer *answer, const char *part) {
    if (strstr(buf_z(&answer->body), part) == NULL) {
        fail_msg("no %s in %s", part, buf_z(&answer->body));
    }
}

static void expect_not(struct answer *answer, const char *part) {
    if (strstr(buf_z(&answer->body), part) != NULL) {
        fail_msg("%s in %s", part, buf_z(&answer->body));
    }
}

static int count_of(struct answer *answer, const char *part) {
    int count = 0;
    for (const char *at = buf_z(&answer->body); (at = strstr(at, part)) != NULL; at++) {
        count++;
    }
    return count;
}

static void a_scan_is_stored_as_it_was_read(void **state) {
    (void)state;
    AUTO_ANSWER struct answer answer;
    scan("{\"tag\":\"scan.in\",\"code\":\"000123\\r\",\"create\":true}", 200, &answer);
    expect(&answer, "\"created\":true");
    expect(&answer, "\"again\":false");
    expect(&answer, "\"code\":\"000123\"");
    expect(&answer, "\"count_today\":1");
    AUTO_ANSWER struct answer stored;
    rig_get(&rig, SAMPLES "scan.in", 200, &stored);
    expect(&stored, "\"value\":\"000123\"");
}

static void the_same_scan_again_changes_nothing(void **state) {
    (void)state;
    static const char BODY[] =
        "{\"tag\":\"scan.twice\",\"code\":\"A1\",\"time\":\"%s\",\"create\":true}";
    static const char *const TIMES[] = {"2026-01-05T09:00:00.123456789Z", "2026-01-05T09:00:01.5Z",
        "2026-01-05T09:00:00.123456789Z", "2026-01-05T09:00:01.5Z"};
    for (size_t i = 0; i < sizeof TIMES / sizeof TIMES[0]; i++) {
        char body[256];
        (void)snprintf(body, sizeof body, BODY, TIMES[i]);
        AUTO_ANSWER struct answer answer;
        scan(body, 200, &answer);
        expect(&answer, i < 2 ? "\"again\":false" : "\"again\":true");
        expect(&answer, i == 0 ? "\"created\":true" : "\"created\":false");
        expect(&answer, TIMES[i][20] == '1' ? "00.123456789Z" : "01.500Z");
        expect(&answer, "\"count_today\":0"); // They are of another day.
    }
    AUTO_ANSWER struct answer stored;
    rig_get(&rig, SAMPLES "scan.twice", 200, &stored);
    assert_int_equal(count_of(&stored, "\"value\":\"A1\""), 2);
}

static void scans_of_the_past_come_after_newer_ones(void **state) {
    (void)state;
    AUTO_ANSWER struct answer now;
    scan("{\"tag\":\"scan.late\",\"code\":\"new\",\"create\":true}", 200, &now);
    AUTO_ANSWER struct answer late;
    scan("{\"tag\":\"scan.late\",\"code\":\"old\",\"time\":\"2026-01-05T09:00:00Z\"}", 200, &late);
    AUTO_ANSWER struct answer stored;
    rig_get(&rig, SAMPLES "scan.late", 200, &stored);
    const char *old = strstr(buf_z(&stored.body), "\"old\"");
    assert_non_null(old);
    assert_non_null(strstr(old, "\"new\""));
}

static void what_a_code_says_stands_beside_it(void **state) {
    (void)state;
    AUTO_ANSWER struct answer code;
    scan(
        "{\"tag\":\"scan.gs1\",\"create\":true,\"code\":\"(01)08801234567893(17)261231(10)L-7(3102)"
        "001250\"}",
        200, &code);
    expect(&code, "\"ai\":\"01\",\"value\":\"08801234567893\"");
    expect(&code, "\"value\":\"261231\",\"shown\":\"2026-12-31\",\"words\":\"use by\"");
    expect(&code, "\"value\":\"L-7\",\"shown\":\"L-7\",\"words\":\"lot\"");
    expect(&code, "\"value\":\"001250\",\"shown\":\"12.5\"");
    expect(&code, "\"note\":null");
    AUTO_ANSWER struct answer fnc1;
    scan("{\"tag\":\"scan.gs1\",\"code\":\"]C110AB\\u001d21X9\"}", 200, &fnc1);
    expect(&fnc1, "\"ai\":\"10\",\"value\":\"AB\"");
    expect(&fnc1, "\"ai\":\"21\",\"value\":\"X9\"");
    AUTO_ANSWER struct answer label;
    scan("{\"tag\":\"scan.gs1\",\"code\":\"3074257BF7194E4000001A85\"}", 200, &label);
    expect(&label, "\"ai\":\"01\",\"value\":\"80614141123458\"");
    expect(&label, "\"ai\":\"21\",\"value\":\"6789\"");
    AUTO_ANSWER struct answer korean;
    char headers[256];
    (void)snprintf(headers, sizeof headers,
        "Authorization: Bearer %s\r\nAccept-Language: ko\r\nContent-Type: application/json\r\n",
        rig.operator_);
    struct question question = {.port = rig.port,
        .method = "POST",
        .target = SCANS,
        .headers = headers,
        .body = STR("{\"tag\":\"scan.gs1\",\"code\":\"8801234567893\"}")};
    client_ask(&question, &korean);
    expect(&korean, "\"words\":\"품목(GTIN)\"");
}

static void a_wrong_check_digit_is_noted_and_stored_all_the_same(void **state) {
    (void)state;
    static const char *const CODES[] = {"8801234567890", "(01)08801234567890", "0108801234567890"};
    for (size_t i = 0; i < sizeof CODES / sizeof CODES[0]; i++) {
        char body[256];
        (void)snprintf(body, sizeof body,
            "{\"tag\":\"scan.wrong\",\"code\":\"%s\",\"create\":true}", CODES[i]);
        AUTO_ANSWER struct answer answer;
        scan(body, 200, &answer);
        expect(&answer, "check digit");
        expect(&answer, "\"elements\":[]");
        AUTO_ANSWER struct answer stored;
        rig_get(&rig, SAMPLES "scan.wrong", 200, &stored);
        expect(&stored, CODES[i]);
    }
}

/* Numbers of a company's own look like identifiers of GS1. */
static void a_code_of_ones_own_is_not_explained(void **state) {
    (void)state;
    static const char *const CODES[] = {"1012345", "A-0001", "20261121", "21", "출고-3"};
    for (size_t i = 0; i < sizeof CODES / sizeof CODES[0]; i++) {
        char body[256];
        (void)snprintf(
            body, sizeof body, "{\"tag\":\"scan.own\",\"code\":\"%s\",\"create\":true}", CODES[i]);
        AUTO_ANSWER struct answer answer;
        scan(body, 200, &answer);
        expect(&answer, "\"elements\":[]");
        expect(&answer, "\"note\":null");
    }
}

static void what_cannot_be_kept_is_refused_in_words(void **state) {
    (void)state;
    static const struct {
        const char *body;
        int status;
        const char *words;
    } CASES[] = {
        {"{\"tag\":\"scan.none\",\"code\":\"1\"}", 404, "scan.none"},
        {"{\"tag\":\"line1.press1.temp\",\"code\":\"1\"}", 409, "text"},
        {"{\"tag\":\"not a name\",\"code\":\"1\",\"create\":true}", 400, "not a name"},
        {"{\"tag\":\"scan.in\",\"code\":\" \\r\\n\"}", 400, "empty"},
        {"{\"tag\":\"scan.in\"}", 400, "code"},
        {"{\"tag\":\"scan.in\",\"code\":7}", 400, "code"},
        {"{\"tag\":\"scan.in\",\"code\":\"1\",\"time\":\"soon\"}", 400, "soon"},
        {"{\"tag\":\"scan.in\",\"code\":\"1\",\"time\":\"2100-01-01T00:00:00Z\"}", 400, "2100"},
        {"{\"tag\":\"scan.in\",\"code\":\"1\",\"kind\":\"x\"}", 400, "kind"},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        AUTO_ANSWER struct answer answer;
        scan(CASES[i].body, CASES[i].status, &answer);
        expect(&answer, CASES[i].words);
    }
    AUTO_ANSWER struct answer none;
    rig_get(&rig, "/api/v1/plants/p1/tags/scan.none", 404, &none);
    expect_not(&none, "\"number\"");
}

static void only_who_may_write_may_scan(void **state) {
    (void)state;
    AUTO_ANSWER struct answer answer;
    rig_ask(&rig, "POST", SCANS, rig.viewer,
        STR("{\"tag\":\"scan.in\",\"code\":\"1\",\"create\":true}"), &answer);
    assert_int_equal(answer.status, 403);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_scan_is_stored_as_it_was_read),
        cmocka_unit_test(the_same_scan_again_changes_nothing),
        cmocka_unit_test(scans_of_the_past_come_after_newer_ones),
        cmocka_unit_test(what_a_code_says_stands_beside_it),
        cmocka_unit_test(a_wrong_check_digit_is_noted_and_stored_all_the_same),
        cmocka_unit_test(a_code_of_ones_own_is_not_explained),
        cmocka_unit_test(what_cannot_be_kept_is_refused_in_words),
        cmocka_unit_test(only_who_may_write_may_scan),
    };
    return cmocka_run_group_tests(tests, open_rig, close_rig);
}
