/*
 * What calls share: work that holds a worker for long is let in up to a number, so that short
 * requests are answered however many long ones are asked for; and a device whose options are as
 * long as the ledger takes them comes through a change whole.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "serve/call.h"
#include "serve/server.h"

#include "support_server.h"

static void long_work_leaves_workers_for_the_rest(void **state) {
    (void)state;
    struct server server = {.long_calls = 0};
    struct call call = {.server = &server};
    struct err err = ERR_INIT;
    assert_true((int)CALL_LONG_MAX < (int)HTTP_WORKERS);
    for (int i = 0; i < CALL_LONG_MAX; i++) {
        assert_int_equal(call_long_begin(&call, &err), 0);
    }
    assert_int_equal(call_long_begin(&call, &err), -ERR_BUSY);
    assert_true(call.retry_after_s > 0);
    call_long_end(&call);
    assert_int_equal(call_long_begin(&call, NULL), 0);
    assert_int_equal(call_long_begin(&call, NULL), -ERR_BUSY);
}

static void long_options_of_a_device_survive_a_change(void **state) {
    (void)state;
    struct rig rig;
    rig_open(&rig, NULL, false);
    char options[800];
    char body[1200];
    int size = snprintf(options, sizeof options, "user=maru password=");
    memset(options + size, 'p', 700);
    options[size + 700] = '\0';
    (void)snprintf(body, sizeof body,
        "{\"driver\":\"mqtt\",\"address\":\"127.0.0.1:1883\",\"enabled\":false,"
        "\"options\":\"%s timeout_ms=900\"}",
        options);
    AUTO_ANSWER struct answer made = {0};
    AUTO_ANSWER struct answer changed = {0};
    AUTO_ANSWER struct answer refused = {0};
    rig_ask(&rig, "PUT", "/api/v1/plants/p1/devices/b1", rig.owner, str_of(body), &made);
    assert_int_equal(made.status, 201);
    rig_ask(&rig, "PUT", "/api/v1/plants/p1/devices/b1", rig.owner, STR("{\"display\":\"x\"}"),
        &changed);
    assert_int_equal(changed.status, 200);
    assert_non_null(strstr(buf_z(&changed.body), "user=maru password=*** timeout_ms=900"));
    /* Stars where nothing stands are refused, not stored. */
    rig_ask(&rig, "PUT", "/api/v1/plants/p1/devices/b2", rig.owner,
        STR("{\"driver\":\"mqtt\",\"address\":\"127.0.0.1:1883\",\"enabled\":false,"
            "\"options\":\"user=maru password=***\"}"),
        &refused);
    assert_int_equal(refused.status, 400);
    rig_close(&rig);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(long_work_leaves_workers_for_the_rest),
        cmocka_unit_test(long_options_of_a_device_survive_a_change),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
