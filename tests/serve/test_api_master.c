/* Master data over HTTP: forms can be made from what is said, a slower person is told, and what is
 * personal stays with those who need it. */
#include "support_server.h"

#include <stdio.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define MASTER "/api/v1/plants/p1/master"

static struct rig rig;
static char manager[SECRET_TEXT_MAX];

static int open_rig(void **state) {
    (void)state;
    rig_open(&rig, NULL, false);
    rig_token(&rig, ROLE_MANAGER, SCOPE_READ | SCOPE_WRITE, manager);
    return 0;
}

static int close_rig(void **state) {
    (void)state;
    rig_close(&rig);
    return 0;
}

/* The body of the answer, whose status must be as said. */
static void ask(const char *method, const char *target, const char *token, const char *body,
    int status, struct answer *ret_answer) {
    rig_ask(&rig, method, target, token, str_of(body), ret_answer);
    if (ret_answer->status != status) {
        fail_msg("%s %s: %d %s", method, target, ret_answer->status, buf_z(&ret_answer->body));
    }
}

static bool holds(struct answer *answer, const char *text) {
    return strstr(buf_z(&answer->body), text) != NULL;
}

/* R-026 R-027 */
static void a_row_is_made_changed_and_removed(void **state) {
    (void)state;
    AUTO_ANSWER struct answer made;
    AUTO_ANSWER struct answer twice;
    AUTO_ANSWER struct answer changed;
    AUTO_ANSWER struct answer bad;
    AUTO_ANSWER struct answer unknown;
    AUTO_ANSWER struct answer removed;
    AUTO_ANSWER struct answer gone;
    ask("POST", MASTER "/processes", manager, "{\"fields\":{\"code\":\"0010\",\"name\":\"사출\"}}",
        201, &made);
    assert_true(holds(&made, "\"number\":1,"));
    assert_true(holds(&made, "\"code\":\"0010\""));
    ask("POST", MASTER "/processes", manager, "{\"fields\":{\"code\":\"0010\",\"name\":\"x\"}}",
        409, &twice);
    ask("PUT", MASTER "/processes/1", manager, "{\"fields\":{\"kind\":\"외주\"}}", 200, &changed);
    assert_true(holds(&changed, "\"kind\":\"outsourced\""));
    assert_true(holds(&changed, "\"name\":\"사출\""));
    ask("PUT", MASTER "/processes/1", manager, "{\"fields\":{\"kind\":\"?\"}}", 400, &bad);
    ask("PUT", MASTER "/processes/1", manager, "{\"fields\":{\"colour\":\"?\"}}", 400, &unknown);
    ask("DELETE", MASTER "/processes/1", manager, "", 204, &removed);
    ask("GET", MASTER "/processes/1", manager, "", 404, &gone);
}

static void whoever_was_slower_is_told(void **state) {
    (void)state;
    AUTO_ANSWER struct answer made;
    AUTO_ANSWER struct answer late;
    ask("POST", MASTER "/places", manager, "{\"fields\":{\"code\":\"W\",\"name\":\"x\"}}", 201,
        &made);
    ask("PUT", MASTER "/places/1", manager,
        "{\"fields\":{\"name\":\"y\"},\"changed\":\"2020-01-01T00:00:00Z\"}", 409, &late);
}

static void only_who_plans_sees_what_is_personal(void **state) {
    (void)state;
    AUTO_ANSWER struct answer made;
    ask("POST", MASTER "/workers", manager,
        "{\"fields\":{\"code\":\"W1\",\"name\":\"Kim\",\"badge\":\"900001\",\"rate\":\"15000\"}}",
        201, &made);
    const struct {
        const char *token;
        bool sees;
    } PEOPLE[] = {{rig.viewer, false}, {rig.operator_, false}, {rig.auditor, false},
        {rig.installer, true}, {manager, true}, {rig.owner, true}};
    static const char *const TARGETS[] = {MASTER "/workers", MASTER "/workers/1", MASTER,
        "/api/v1/plants/p1/export?as=workers&encoding=utf-8"};
    for (size_t i = 0; i < sizeof PEOPLE / sizeof PEOPLE[0]; i++) {
        for (size_t n = 0; n < sizeof TARGETS / sizeof TARGETS[0]; n++) {
            AUTO_ANSWER struct answer answer;
            ask("GET", TARGETS[n], PEOPLE[i].token, "", 200, &answer);
            assert_int_equal(holds(&answer, "badge"), PEOPLE[i].sees);
            assert_true(holds(&answer, n == 2 ? "team" : "Kim"));
        }
        AUTO_ANSWER struct answer searched; // Nor can it be found out by looking for it.
        ask("GET", MASTER "/workers?q=900001", PEOPLE[i].token, "", 200, &searched);
        assert_false(holds(&searched, "Kim"));
        AUTO_ANSWER struct answer refused;
        ask("POST", MASTER "/workers", PEOPLE[i].token, "{\"fields\":{\"code\":\"\"}}",
            PEOPLE[i].sees ? 400 : 403, &refused);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_row_is_made_changed_and_removed),
        cmocka_unit_test(whoever_was_slower_is_told),
        cmocka_unit_test(only_who_plans_sees_what_is_personal)};
    return cmocka_run_group_tests(tests, open_rig, close_rig);
}
