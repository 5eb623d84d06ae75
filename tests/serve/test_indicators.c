/*
 * Performance indicators over a real server: who may, typed months, computed ones with a preview,
 * percentages in words, and that nothing is lost when a definition changes.
 */
#include "support_server.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define ALL "/api/v1/plants/p1/indicators"

static void expect(struct rig *rig, const char *method, const char *target, const char *token,
    const char *body, int status, const char *part) {
    AUTO_ANSWER struct answer answer = {0};
    rig_ask(rig, method, target, token, str_of(body), &answer);
    bool has_part = part == NULL || strstr(buf_z(&answer.body), part) != NULL;
    if (answer.status != status || !has_part) {
        fail_msg("%s %s: %d %s", method, target, answer.status, buf_z(&answer.body));
    }
}

#define ONE                                                                                        \
    "{\"effect\":\"cost\",\"name\":\"energy a piece\",\"unit\":\"kWh\",\"better\":\"lower\","      \
    "\"weight\":2,\"baseline\":50,\"baseline_from\":\"2024-01-01\",\"baseline_to\":\"2024-12-"     \
    "31\","                                                                                        \
    "\"baseline_source\":\"bills\",\"target\":40,\"target_date\":\"2026-12-31\"}"

/* */
static void a_typed_indicator_goes_from_before_to_target(void **state) {
    (void)state;
    struct rig rig;
    rig_open(&rig, NULL, false);
    expect(&rig, "POST", ALL, rig.operator_, ONE, 403, NULL);
    expect(&rig, "POST", ALL, rig.owner, ONE, 201, "\"number\":1,\"revision\":1");
    expect(&rig, "GET", ALL, rig.viewer, "", 200, "\"result\":null");
    const char *value = "{\"month\":\"2025-03\",\"value\":45,\"source\":\"meter\"}";
    expect(&rig, "PUT", ALL "/1/values", rig.viewer, value, 403, NULL);
    expect(&rig, "PUT", ALL "/1/values", rig.operator_, value, 204, NULL);
    expect(&rig, "GET", ALL, rig.viewer, "", 200,
        "\"improvement\":10,"); // It fell, and falling is good.
    expect(&rig, "GET", ALL, rig.viewer, "", 200, "\"achievement\":50,\"judged\":1");
    expect(&rig, "GET", ALL "/1/values", rig.viewer, "", 200, "\"source\":\"meter\"");
    const char *papers = "/api/v1/plants/p1/papers/deliverables";
    const char *proof = "{\"month\":\"2025-03\",\"value\":45,\"file\":\"1\"}";
    char target[128];
    expect(&rig, "PUT", ALL "/1/values", rig.operator_, proof, 404, NULL); // No such file yet.
    (void)snprintf(target, sizeof target, "%s?name=bill.pdf", papers);
    expect(&rig, "POST", target, rig.operator_, "x", 201, NULL);
    expect(&rig, "PUT", ALL "/1/values", rig.operator_, proof, 204, NULL);
    (void)snprintf(target, sizeof target, "%s/1", papers);
    expect(&rig, "DELETE", target, rig.owner, "", 409, "indicator 1"); // Evidence stays.
    expect(&rig, "PUT", ALL "/1/values", rig.operator_, "{\"month\":\"2999-01\",\"value\":1}", 400,
        "2999-01");
    expect(&rig, "PUT", ALL "/1/values", rig.operator_, "{\"month\":\"03/25\",\"value\":1}", 400,
        NULL);
    expect(&rig, "PUT", ALL "/9/values", rig.operator_, value, 404, NULL);
    expect(&rig, "PUT", ALL "/1", rig.owner, "{\"baseline\":0}", 200, "\"improvement\":null");
    expect(&rig, "GET", ALL "/1/values", rig.viewer, "", 200, "\"revision\":1,\"changed\"");
    expect(&rig, "PUT", ALL "/1/values", rig.operator_, "{\"month\":\"2025-03\",\"value\":null}",
        204, NULL);
    expect(&rig, "GET", ALL "/1/values", rig.viewer, "", 200, "\"values\":[]");
    expect(&rig, "DELETE", ALL "/1", rig.operator_, "", 403, NULL);
    expect(&rig, "DELETE", ALL "/1", rig.owner, "", 204, NULL);
    expect(&rig, "GET", ALL, rig.viewer, "", 200, "\"items\":[]");
    expect(&rig, "GET", ALL "/1/values", rig.viewer, "", 404, NULL);
    expect(&rig, "GET", "/api/v1/plants/p1/audit", rig.auditor, "", 200, "indicator.value");
    rig_close(&rig);
}

/* */
static void what_is_wrong_is_said(void **state) {
    (void)state;
    struct rig rig;
    rig_open(&rig, NULL, false);
    expect(&rig, "POST", ALL, rig.owner, "{\"effect\":\"cost\"}", 400, "name");
    expect(&rig, "POST", ALL, rig.owner, "{\"effect\":\"luck\",\"name\":\"x\"}", 400, "luck");
    expect(&rig, "POST", ALL, rig.owner,
        "{\"effect\":\"cost\",\"name\":\"x\",\"formula\":\"sum(\"}", 400, NULL);
    expect(&rig, "POST", ALL, rig.owner,
        "{\"effect\":\"cost\",\"name\":\"x\",\"formula\":\"sum('no.such')\"}", 404, "no.such");
    expect(&rig, "POST", ALL, rig.owner, "{\"effect\":\"cost\",\"name\":\"x\",\"weight\":-1}", 400,
        "weight");
    expect(&rig, "POST", ALL, rig.owner, "{\"effect\":\"cost\",\"name\":\"x\",\"better\":\"odd\"}",
        400, "odd");
    expect(&rig, "POST", ALL "/preview", rig.viewer, "{\"formula\":\"1 +\"}", 400, NULL);
    expect(
        &rig, "POST", ALL "/preview", rig.viewer, "{\"formula\":\"6 * 7\"}", 200, "\"value\":42");
    expect(&rig, "GET", ALL, rig.viewer, "", 200, "\"effect\":\"safety\",\"value\":-4.9");
    rig_close(&rig);
}

/* */
static void a_computed_indicator_shows_this_month_so_far(void **state) {
    (void)state;
    struct rig rig;
    rig_open(&rig, NULL, false);
    expect(&rig, "POST", ALL, rig.owner,
        "{\"effect\":\"productivity\",\"name\":\"x\",\"formula\":\"6 * 7\"}", 201,
        "\"present\":{\"month\":");
    expect(&rig, "GET", ALL, rig.viewer, "", 200, "\"value\":42,\"closed\":false");
    expect(&rig, "PUT", ALL "/1/values", rig.operator_, "{\"month\":\"2025-03\",\"value\":1}", 409,
        NULL);
    expect(&rig, "GET", ALL "/1/values", rig.viewer, "", 200, "\"formula\":\"6 * 7\",\"from\"");
    rig_close(&rig);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_typed_indicator_goes_from_before_to_target),
        cmocka_unit_test(what_is_wrong_is_said),
        cmocka_unit_test(a_computed_indicator_shows_this_month_so_far),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
