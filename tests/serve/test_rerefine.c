/*
 * Refining again, quality and the book of what left the plant, over a real server: who may, what
 * comes back, and that undoing is heard.
 */
#include "support_server.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define PLANT "/api/v1/plants/p1/"

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
static void refining_again_is_asked_done_listed_and_undone(void **state) {
    (void)state;
    struct rig rig;
    rig_open(&rig, NULL, false);
    rig_write(&rig, "again v=1 1000\nagain v=2 2000\nagain v=9 3000\n", 204);
    const char *owner = rig.owner;
    expect(&rig, "PUT", PLANT "tags/again.v", owner, "{\"max\":5}", 200, NULL);
    const char *range = "{\"tag\":\"again.v\",\"from\":\"1970-01-01\",\"to\":\"1970-01-02\"}";
    expect(&rig, "POST", PLANT "rerefine", rig.viewer, range, 403, NULL);
    expect(&rig, "POST", PLANT "rerefine", owner,
        "{\"tag\":\"again.v\",\"from\":\"1970-01-01\",\"to\":\"1970-01-02\",\"dry_run\":true}", 200,
        "\"id\":null,\"rows\":3,\"from_raw\":0,\"changed\":1");
    expect(&rig, "POST", PLANT "rerefine", owner, range, 200, "\"id\":1,");
    expect(&rig, "GET", PLANT "samples?tag=again.v", owner, "", 200, "uncertain");
    expect(&rig, "POST", PLANT "rerefine", owner, "{\"undo\":1}", 200, "\"changed\":1");
    expect(&rig, "GET", PLANT "rerefine", rig.viewer, "", 200, "\"undoes\":1,\"undone_by\":null");
    expect(&rig, "GET", PLANT "rerefine", rig.viewer, "", 200, "\"undone_by\":2");
    expect(&rig, "POST", PLANT "rerefine", owner, "{\"undo\":9}", 404, NULL);
    expect(&rig, "POST", PLANT "rerefine", owner, "{\"tag\":\"again.v\"}", 400, NULL);
    rig_close(&rig);
}

static void a_derived_tag_can_be_made_and_computes(void **state) {
    (void)state;
    struct rig rig;
    rig_open(&rig, NULL, false);
    rig_write(&rig, "base v=1 1000\n", 204);
    expect(&rig, "PUT", PLANT "tags/base.f", rig.owner,
        "{\"source\":\"= tag('base.v') * 1.8 + 32\"}", 201, "\"device\":null,\"source\":\"= tag");
    expect(&rig, "PUT", PLANT "tags/base.x", rig.owner, "{\"source\":\"= tag('base.v') *\"}", 400,
        NULL);
    expect(&rig, "PUT", PLANT "tags/base.x", rig.owner, "{\"source\":\"= tag('no.such')\"}", 404,
        NULL);
    rig_write(&rig, "base v=100 2000\n", 204);
    expect(&rig, "GET", PLANT "tags/base.f", rig.viewer, "", 200, "\"value\":212");
    rig_close(&rig);
}

static void quality_is_computed_when_asked_and_disclosures_are_the_auditors(void **state) {
    (void)state;
    struct rig rig;
    rig_open(&rig, NULL, false);
    rig_write(&rig, "q v=1 1741014000000\nq v=2 1741014060000\n", 204);
    expect(&rig, "GET", PLANT "quality?day=2025-03-04", rig.viewer, "", 200, "\"items\":[]");
    expect(&rig, "POST", PLANT "quality", rig.viewer, "{\"day\":\"2025-03-04\"}", 403, NULL);
    expect(&rig, "POST", PLANT "quality", rig.owner, "{\"day\":\"2025-03-04\"}", 200, "\"tags\":");
    expect(&rig, "GET", PLANT "quality?day=2025-03-04", rig.viewer, "", 200, "\"tag\":\"q.v\"");
    expect(&rig, "GET", PLANT "quality?day=soon", rig.viewer, "", 400, NULL);
    expect(&rig, "GET", PLANT "disclosures", rig.viewer, "", 403, NULL);
    expect(&rig, "GET", PLANT "disclosures", rig.auditor, "", 200, "\"items\":[]");
    rig_close(&rig);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(refining_again_is_asked_done_listed_and_undone),
        cmocka_unit_test(a_derived_tag_can_be_made_and_computes),
        cmocka_unit_test(quality_is_computed_when_asked_and_disclosures_are_the_auditors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
