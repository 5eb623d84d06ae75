/*
 * Papers over a real server: registers in and out and who may, files kept and given back byte for
 * byte, what ends soon, what is measured, and the papers themselves.
 */
#include "support_server.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/time.h"

#define PAPERS "/api/v1/plants/p1/papers/"

/* What fontconfig keeps for the process (288 bytes, whatever the number of papers) is its own. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void) {
    return "leak:libfontconfig";
}

/* Pango reads the font lists in a thread of its own; these libraries wait for each other by means
 * (futexes of GLib) that a checker which does not see into them cannot know. */
const char *__tsan_default_suppressions(void);
const char *__tsan_default_suppressions(void) {
    return "race:libfontconfig.so.1\nrace:libpangoft2-1.0.so.0\nrace:libglib-2.0.so.0\n"
           "race:libcairo.so.2";
}

static void expect(struct rig *rig, const char *method, const char *target, const char *token,
    const char *body, int status, const char *part) {
    AUTO_ANSWER struct answer answer = {0};
    rig_ask(rig, method, target, token, str_of(body), &answer);
    bool has_part = part == NULL || strstr(buf_z(&answer.body), part) != NULL;
    if (answer.status != status || !has_part) {
        fail_msg("%s %s: %d %s", method, target, answer.status, buf_z(&answer.body));
    }
}

/* */
static void hardware_is_entered_changed_listed_and_removed(void **state) {
    (void)state;
    struct rig rig;
    rig_open(&rig, NULL, false);
    const char *target = PAPERS "hardware";
    const char *one = "{\"kind\":\"controller\",\"name\":\"PLC 1\",\"maker\":\"LS\"}";
    expect(&rig, "POST", target, rig.viewer, one, 403, NULL);
    expect(&rig, "POST", target, rig.operator_, one, 201, "\"number\":1,");
    expect(&rig, "POST", target, rig.operator_, "{\"kind\":\"toaster\",\"name\":\"x\"}", 400,
        "toaster");
    expect(&rig, "POST", target, rig.operator_, "{\"kind\":\"sensor\"}", 400, "name");
    expect(&rig, "POST", target, rig.operator_,
        "{\"kind\":\"sensor\",\"name\":\"x\",\"bought\":\"2026-13-01\"}", 400, "2026-13-01");
    expect(&rig, "POST", target, rig.operator_,
        "{\"kind\":\"sensor\",\"name\":\"x\",\"asset\":\"no_such\"}", 404, "no_such");
    expect(&rig, "POST", target, rig.operator_, "{\"colour\":\"red\"}", 400, "colour");
    expect(&rig, "PUT", PAPERS "hardware/1", rig.operator_, "{\"serial\":\"A-1\"}", 200,
        "\"maker\":\"LS\"");
    expect(&rig, "PUT", PAPERS "hardware/9", rig.operator_, "{\"serial\":\"A-1\"}", 404, NULL);
    expect(&rig, "GET", target, rig.viewer, "", 200, "\"serial\":\"A-1\"");
    expect(&rig, "DELETE", PAPERS "hardware/1", rig.operator_, "", 403, NULL);
    expect(&rig, "DELETE", PAPERS "hardware/1", rig.owner, "", 204, NULL);
    expect(&rig, "GET", target, rig.viewer, "", 200, "\"items\":[]");
    expect(&rig, "POST", target, rig.operator_, one, 201, "\"number\":2,"); // Never given twice.
    expect(&rig, "GET", "/api/v1/plants/p1/audit", rig.auditor, "", 200, "hardware.remove");
    rig_close(&rig);
}

/* */
static void what_ends_within_sixty_days_is_due(void **state) {
    (void)state;
    struct rig rig;
    rig_open(&rig, NULL, false);
    static const int DAYS[] = {-5, 10, 59, 61, -400};
    int64_t now_ns = clock_wall_ns(clock_system());
    for (size_t i = 0; i < sizeof DAYS / sizeof DAYS[0]; i++) {
        char date[TIME_TEXT_MAX];
        char body[200];
        struct zone *zone = NULL;
        assert_int_equal(zone_load(STR("Asia/Seoul"), &zone, NULL), 0);
        (void)time_format(now_ns + DAYS[i] * 86400LL * NS_PER_S, zone, date);
        zone_free(zone);
        (void)snprintf(body, sizeof body,
            "{\"kind\":\"scanner\",\"name\":\"s%d\",\"warranty_end\":\"%.10s\"}", DAYS[i], date);
        expect(&rig, "POST", PAPERS "hardware", rig.operator_, body, 201, NULL);
    }
    AUTO_ANSWER struct answer answer = {0};
    rig_get(&rig, PAPERS "due", 200, &answer);
    const char *text = buf_z(&answer.body);
    assert_non_null(strstr(text, "\"days\":-5"));
    assert_true(strstr(text, "\"name\":\"s-5\"") < strstr(text, "\"name\":\"s10\""));
    assert_non_null(strstr(text, "\"days\":59"));
    assert_null(strstr(text, "s61"));
    assert_null(strstr(text, "s-400"));
    expect(&rig, "GET", PAPERS "due?days=61", rig.viewer, "", 200, "s61");
    rig_close(&rig);
}

/* */
static void security_products_are_kept_with_their_evidence_and_end(void **state) {
    (void)state;
    struct rig rig;
    rig_open(&rig, NULL, false);
    const char *target = PAPERS "security";
    char date[TIME_TEXT_MAX];
    char body[300];
    (void)time_format(clock_wall_ns(clock_system()) + 10 * 86400LL * NS_PER_S, NULL, date);
    expect(&rig, "POST", target, rig.operator_, "{\"kind\":\"wall\",\"name\":\"x\"}", 400, "wall");
    expect(&rig, "POST", target, rig.operator_,
        "{\"kind\":\"firewall\",\"name\":\"x\",\"file\":\"1\"}", 404, NULL);
    expect(&rig, "POST", PAPERS "deliverables?name=policy.pdf", rig.operator_, "a", 201, NULL);
    (void)snprintf(body, sizeof body,
        "{\"kind\":\"firewall\",\"name\":\"UTM 1\",\"protects\":\"line network\",\"file\":\"1\","
        "\"licence_end\":\"%.10s\",\"checked\":\"2026-03-02\"}",
        date);
    expect(&rig, "POST", target, rig.viewer, body, 403, NULL);
    expect(&rig, "POST", target, rig.operator_, body, 201, "\"protects\":\"line network\"");
    expect(&rig, "DELETE", PAPERS "deliverables/1", rig.owner, "", 409, "security product 1");
    expect(&rig, "GET", PAPERS "due", rig.viewer, "", 200,
        "\"register\":\"security\",\"number\":1,\"name\":\"UTM 1\",\"what\":\"licence_end\"");
    expect(&rig, "PUT", PAPERS "security/1", rig.operator_, "{\"operator\":\"IT\"}", 200,
        "\"operator\":\"IT\"");
    expect(&rig, "GET", PAPERS "make?kind=security&format=xlsx", rig.viewer, "", 200, "PK");
    expect(&rig, "DELETE", PAPERS "security/1", rig.operator_, "", 403, NULL);
    expect(&rig, "DELETE", PAPERS "security/1", rig.owner, "", 204, NULL);
    expect(&rig, "DELETE", PAPERS "deliverables/1", rig.owner, "", 204, NULL);
    expect(&rig, "GET", "/api/v1/plants/p1/audit", rig.auditor, "", 200, "security.remove");
    rig_close(&rig);
}

/* */
static void a_file_comes_back_byte_for_byte(void **state) {
    (void)state;
    struct rig rig;
    rig_open(&rig, NULL, false);
    const char *target = PAPERS "deliverables?name=%EC%84%A4%EB%AA%85.pdf&kind=manual&version=1";
    char bytes[70000];
    for (size_t i = 0; i < sizeof bytes; i++) {
        bytes[i] = (char)(i * 31 % 251);
    }
    AUTO_ANSWER struct answer put = {0};
    rig_ask(&rig, "POST", target, rig.operator_, (struct str){bytes, sizeof bytes}, &put);
    assert_int_equal(put.status, 201);
    assert_non_null(strstr(buf_z(&put.body), "\"size\":\"70000\""));
    AUTO_ANSWER struct answer got = {0};
    rig_get(&rig, PAPERS "deliverables/1/file", 200, &got);
    assert_int_equal(got.body.size, sizeof bytes);
    assert_memory_equal(got.body.data, bytes, sizeof bytes);
    assert_true(str_starts(
        answer_header(&got, "Content-Disposition"), STR("attachment; filename*=UTF-8''%EC")));
    expect(&rig, "POST", PAPERS "deliverables?name=..%2Fx", rig.operator_, "x", 400, NULL);
    expect(&rig, "POST", PAPERS "deliverables?name=x", rig.operator_, "", 400, NULL);
    expect(&rig, "POST", target, rig.viewer, "x", 403, NULL);
    expect(&rig, "PUT", PAPERS "deliverables/1", rig.operator_, "{\"sha256\":\"0\"}", 400, NULL);
    expect(&rig, "PUT", PAPERS "deliverables/1", rig.operator_, "{\"title\":\"T\"}", 200,
        "\"title\":\"T\"");
    expect(&rig, "DELETE", PAPERS "deliverables/1", rig.owner, "", 204, NULL);
    expect(&rig, "GET", PAPERS "deliverables/1/file", rig.viewer, "", 404, NULL);
    rig_close(&rig);
}

/* */
static void a_training_names_a_file_that_is_there(void **state) {
    (void)state;
    struct rig rig;
    rig_open(&rig, NULL, false);
    const char *target = PAPERS "trainings";
    expect(&rig, "POST", target, rig.operator_,
        "{\"day\":\"2026-03-02\",\"subject\":\"Basics\",\"file\":\"1\"}", 404, NULL);
    expect(&rig, "POST", PAPERS "deliverables?name=list.csv", rig.operator_, "a,b", 201, NULL);
    expect(&rig, "POST", target, rig.operator_,
        "{\"day\":\"2026-03-02\",\"subject\":\"Basics\",\"hours\":\"two\"}", 400, "two");
    expect(&rig, "POST", target, rig.operator_,
        "{\"day\":\"2026-03-02\",\"subject\":\"Basics\",\"hours\":\"2.5\",\"file\":\"1\"}", 201,
        "\"hours\":\"2.5\"");
    expect(&rig, "DELETE", PAPERS "deliverables/1", rig.owner, "", 409, NULL);
    expect(&rig, "PUT", PAPERS "trainings/1", rig.operator_, "{\"file\":\"\"}", 200, NULL);
    expect(&rig, "DELETE", PAPERS "deliverables/1", rig.owner, "", 204, NULL);
    expect(&rig, "DELETE", PAPERS "trainings/1", rig.owner, "", 204, NULL);
    rig_close(&rig);
}

static void papers_and_measures_are_made(void **state) {
    (void)state;
    struct rig rig;
    rig_open(&rig, NULL, false);
    rig_write(&rig, "m v=1 1741014000000\nm v=2 1741014001000\nm v=3 1741014002000\n", 204);
    const char *range = "from=2025-03-04&to=2025-03-05";
    char target[200];
    (void)snprintf(target, sizeof target, PAPERS "measure?%s", range);
    expect(&rig, "GET", target, rig.viewer, "", 200, "\"rows\":3,");
    expect(&rig, "GET", PAPERS "measure?from=2025-03-04&to=2026-03-05", rig.viewer, "", 400, NULL);
    expect(&rig, "GET", PAPERS "make?kind=definition&format=xlsx", rig.viewer, "", 200, "PK");
    expect(&rig, "GET", PAPERS "make?kind=handover&format=xlsx", rig.viewer, "", 400, "handover");
    expect(&rig, "GET", PAPERS "make?kind=novel", rig.viewer, "", 400, NULL);
    expect(&rig, "PUT", PAPERS "operation", rig.operator_, "{\"text\":\"Each shift looks.\"}", 204,
        NULL);
    expect(&rig, "GET", PAPERS "operation", rig.viewer, "", 200, "Each shift looks.");
    AUTO_ANSWER struct answer answer = {0};
    (void)snprintf(target, sizeof target, PAPERS "make?kind=handover&format=zip&%s", range);
    rig_ask(&rig, "GET", target, rig.viewer, STR_NONE, &answer);
    if (answer.status != 200) {
        assert_non_null(strstr(buf_z(&answer.body), "fonts-nanum")); // No PDF on this machine.
    } else {
        assert_memory_equal(answer.body.data, "PK\003\004", 4);
        assert_true(str_eq(answer_header(&answer, "Content-Type"), STR("application/zip")));
    }
    rig_close(&rig);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hardware_is_entered_changed_listed_and_removed),
        cmocka_unit_test(what_ends_within_sixty_days_is_due),
        cmocka_unit_test(security_products_are_kept_with_their_evidence_and_end),
        cmocka_unit_test(a_file_comes_back_byte_for_byte),
        cmocka_unit_test(a_training_names_a_file_that_is_there),
        cmocka_unit_test(papers_and_measures_are_made),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
