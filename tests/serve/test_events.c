/*
 * Events of production over HTTP: once for each key, members as JSON gives them, refused in words,
 * told again newest first; and what there is to tell, for forms.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "support_server.h"

#define EVENTS "/api/v1/plants/p1/events"

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

static void tell(const char *key, const char *body, int status, struct answer *ret_answer) {
    const struct telling telling = {.key = key,
        .more = "Accept-Language: en\r\nMaru-Terminal: T7\r\n",
        .body = body,
        .status = status};
    rig_tell(&rig, &telling, ret_answer);
}

static bool holds(struct answer *answer, const char *text) {
    return strstr(buf_z(&answer->body), text) != NULL;
}

static void an_event_sent_again_gets_its_first_answer(void **state) {
    (void)state;
    AUTO_ANSWER struct answer first;
    AUTO_ANSWER struct answer second;
    AUTO_ANSWER struct answer other;
    tell("k1", "{\"type\":\"remark\",\"text\":\"Nozzle drips\"}", 200, &first);
    assert_true(holds(&first, "\"event\":1,"));
    tell("k1", "{\"text\":\"Nozzle drips\",\"type\":\"remark\",\"machine\":null}", 200, &second);
    assert_true(holds(&second, "\"repeated\":true"));
    tell("k1", "{\"type\":\"remark\",\"text\":\"Other\"}", 409, &other);
}

static void what_cannot_be_meant_is_refused_in_words(void **state) {
    (void)state;
    AUTO_ANSWER struct answer keyless;
    AUTO_ANSWER struct answer unknown;
    AUTO_ANSWER struct answer nested;
    AUTO_ANSWER struct answer many;
    tell(NULL, "{\"type\":\"remark\",\"text\":\"x\"}", 400, &keyless);
    assert_true(holds(&keyless, "Idempotency-Key"));
    tell("k2", "{\"type\":\"remark\",\"text\":\"x\",\"colour\":1}", 400, &unknown);
    assert_true(holds(&unknown, "colour"));
    tell("k3", "{\"type\":\"remark\",\"text\":{\"a\":1}}", 400, &nested);
    tell("k4", "{\"type\":\"remark\",\"text\":[\"a\",\"b\"]}", 400, &many);
    assert_true(holds(&many, "twice"));
}

static void events_are_read_back(void **state) {
    (void)state;
    AUTO_ANSWER struct answer told;
    AUTO_ANSWER struct answer list;
    AUTO_ANSWER struct answer types;
    tell("k5", "{\"type\":\"remark\",\"text\":12.5}", 200, &told);
    rig_get(&rig, EVENTS "?type=remark&limit=1", 200, &list);
    json_t *root = json_loads(buf_z(&list.body), 0, NULL);
    const json_t *row = json_array_get(json_object_get(root, "items"), 0);
    const json_t *body = json_object_get(row, "body");
    assert_string_equal(json_string_value(json_object_get(row, "key")), "k5");
    assert_string_equal(json_string_value(json_object_get(row, "terminal")), "T7");
    assert_string_equal(json_string_value(json_object_get(body, "text")), "12.5");
    assert_true(json_is_string(json_object_get(root, "next")));
    json_decref(root);
    rig_get(&rig, "/api/v1/plants/p1/event-types", 200, &types);
    assert_true(holds(&types, "\"noun\":\"machines\""));
    assert_true(holds(&types, "\"value\":\"{date}-{counter}\"")); // What holds of a rule.
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_event_sent_again_gets_its_first_answer),
        cmocka_unit_test(what_cannot_be_meant_is_refused_in_words),
        cmocka_unit_test(events_are_read_back),
    };
    return cmocka_run_group_tests(tests, open_rig, close_rig);
}
