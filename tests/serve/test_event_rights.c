/*
 * One route, many events: plans and prices are not for operators, and nothing is for who only
 * looks.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "production/event.h"
#include "support_server.h"

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

static void each_event_is_told_by_whom_the_table_allows(void **state) {
    (void)state;
    char manager[SECRET_TEXT_MAX];
    rig_token(&rig, ROLE_MANAGER, SCOPE_READ | SCOPE_WRITE, manager);
    uint32_t managed = 0;
    const struct event_type *type = NULL;
    for (uint32_t i = 0; (type = event_type_at(i)) != NULL; i++) {
        AUTO_BUF struct buf body;
        buf_init(&body, 256);
        buf_printf(&body, "{\"type\":\"%s\"}", type->name);
        bool manages = type->right == EVENT_MANAGE;
        managed += manages;
        const struct {
            const char *token;
            bool allowed;
        } CALLERS[] = {{rig.viewer, false}, {rig.auditor, false}, {rig.operator_, !manages},
            {manager, true}, {rig.owner, true}};
        for (size_t k = 0; k < sizeof CALLERS / sizeof CALLERS[0]; k++) {
            char headers[512];
            (void)snprintf(headers, sizeof headers,
                "Authorization: Bearer %s\r\nContent-Type: application/json\r\n"
                "Idempotency-Key: e%u-%zu\r\n",
                CALLERS[k].token, i, k);
            const struct question question = {.port = rig.port,
                .method = "POST",
                .target = "/api/v1/plants/p1/events",
                .headers = headers,
                .body = buf_str(&body)};
            AUTO_ANSWER struct answer answer;
            client_ask(&question, &answer);
            if ((answer.status != 403) != CALLERS[k].allowed) {
                fail_msg("caller %zu: %s gave %d", k, type->name, answer.status);
            }
        }
    }
    assert_true(managed > 10);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_event_is_told_by_whom_the_table_allows),
    };
    return cmocka_run_group_tests(tests, open_rig, close_rig);
}
