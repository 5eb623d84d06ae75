/*
 * Files of a non-conformity over a real server: given back byte for byte and never run as a page,
 * kept once, gone with the last that has them, and nothing of it where it must not be.
 */
#include "support_server.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "papers/attachment.h"

#define NC "/api/v1/plants/p1/nonconformances/1"

static struct rig rig;

static int enter(struct ledger_tx *tx, void *context, struct err *err) {
    (void)context;
    struct ledger_stmt *stmt = NULL;
    int status = ledger_prepare(tx,
        "INSERT INTO nonconformances (number, description, state, holds, time_ns, event, actor) "
        "VALUES (1, 'scratches', 'open', 0, 0, 0, 'x'), (2, 'burrs', 'open', 0, 0, 0, 'x')",
        &stmt, err);
    return status < 0 ? status : ledger_step(stmt, err);
}

static int open_rig(void **state) {
    (void)state;
    rig_open(&rig, NULL, false);
    assert_int_equal(ledger_write(plant_ledger(rig.plant), enter, NULL, NULL), 0);
    return 0;
}

static int close_rig(void **state) {
    (void)state;
    rig_close(&rig);
    return 0;
}

static void expect(const char *method, const char *target, const char *token, const char *body,
    int status, const char *part) {
    AUTO_ANSWER struct answer answer = {0};
    rig_ask(&rig, method, target, token, str_of(body), &answer);
    bool has_part = part == NULL || strstr(buf_z(&answer.body), part) != NULL;
    if (answer.status != status || !has_part) {
        fail_msg("%s %s: %d %s", method, target, answer.status, buf_z(&answer.body));
    }
}

static void a_photo_comes_back_as_it_was(void **state) {
    (void)state;
    expect("POST", NC "/files?name=a.jpg", rig.viewer, "x", 403, NULL);
    expect("POST", NC "/files?name=%EC%82%AC%EC%A7%84.svg", rig.operator_,
        "<svg onload='alert(1)'/>", 201,
        "\"files\":[{\"number\":1,\"name\":\"사진.svg\",\"size\":24,");
    AUTO_ANSWER struct answer got = {0};
    rig_get(&rig, NC "/files/1", 200, &got);
    assert_string_equal(buf_z(&got.body), "<svg onload='alert(1)'/>");
    assert_non_null(strstr(buf_z(&got.head), "application/octet-stream"));
    assert_non_null(
        strstr(buf_z(&got.head), "attachment; filename*=UTF-8''%EC%82%AC%EC%A7%84.svg"));
    assert_non_null(strstr(buf_z(&got.head), "nosniff"));
    expect("GET", "/api/v1/plants/p1/nonconformances/2/files/1", rig.viewer, "", 404, NULL);
    expect("GET", NC "/files/9", rig.viewer, "", 404, NULL);
    expect("GET", NC "/files/x", rig.viewer, "", 404, NULL);
}

static void bytes_go_with_the_last_that_has_them(void **state) {
    (void)state;
    expect("POST", NC "/files?name=a", rig.operator_, "same", 201, NULL);
    expect(
        "POST", "/api/v1/plants/p1/papers/deliverables?name=b", rig.operator_, "same", 201, NULL);
    expect("DELETE", NC "/files/1", rig.operator_, "", 403, NULL);
    expect("DELETE", NC "/files/1", rig.owner, "", 204, NULL);
    expect("DELETE", NC "/files/1", rig.owner, "", 404, NULL);
    expect("GET", "/api/v1/plants/p1/papers/deliverables/1/file", rig.viewer, "", 200, "same");
    expect("POST", NC "/files?name=a", rig.operator_, "same", 201, NULL);
    expect("DELETE", "/api/v1/plants/p1/papers/deliverables/1", rig.owner, "", 204, NULL);
    expect("GET", NC "/files/2", rig.viewer, "", 200, "same");
}

static void what_cannot_be_kept_is_refused(void **state) {
    (void)state;
    expect("POST", NC "/files", rig.operator_, "x", 400, NULL);
    expect("POST", NC "/files?name=..%2Fx", rig.operator_, "x", 400, NULL);
    expect("POST", NC "/files?name=x", rig.operator_, "", 400, NULL);
    expect(
        "POST", "/api/v1/plants/p1/nonconformances/7/files?name=x", rig.operator_, "x", 404, NULL);
    for (int i = 0; i < ATTACHMENTS_MAX; i++) {
        expect("POST", NC "/files?name=x", rig.operator_, "x", 201, NULL);
    }
    expect("POST", NC "/files?name=x", rig.operator_, "y", 400, "50");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_photo_comes_back_as_it_was, open_rig, close_rig),
        cmocka_unit_test_setup_teardown(bytes_go_with_the_last_that_has_them, open_rig, close_rig),
        cmocka_unit_test_setup_teardown(what_cannot_be_kept_is_refused, open_rig, close_rig),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
