/*
 * Retention over HTTP: a rule is weighed, set, refused and audited; and what has expired is told by
 * every answer that would otherwise be silently shorter.
 */
#include "support_server.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <jansson.h>

#include "plant/retention.h"

#define HOUR_NS (3600 * NS_PER_S)
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

static json_t *parse(const struct answer *answer) {
    json_error_t error;
    json_t *root = json_loadb((const char *)answer->body.data, answer->body.size, 0, &error);
    if (!root) {
        fail_msg("no JSON: %s", error.text);
    }
    return root;
}

static json_t *ask(
    const char *method, const char *target, const char *token, const char *body, int status) {
    AUTO_ANSWER struct answer answer;
    rig_ask(&rig, method, target, token, str_of(body), &answer);
    if (answer.status != status) {
        fail_msg("%s %s: %d %s", method, target, answer.status, buf_z(&answer.body));
    }
    return parse(&answer);
}

static int64_t whole(const json_t *object, const char *name) {
    const json_t *value = json_object_get(object, name);
    assert_true(json_is_integer(value));
    return json_integer_value(value);
}

/* Values of four hours from 1970 on, of which the first two go; roll-ups stay for the second. */
static void expire(const char *tag, bool with_rollups) {
    struct buf lines;
    buf_init(&lines, 1 << 20);
    for (int i = 0; i < 4 * 360; i++) {
        buf_printf(&lines, "%s value=%d %d\n", tag, i, i * 10000);
    }
    rig_write(&rig, buf_z(&lines), 204);
    buf_fini(&lines);
    struct catalogue *catalogue = plant_catalogue(rig.plant);
    const struct tag *found = catalogue_find(catalogue, str_of(tag));
    assert_non_null(found);
    struct hist_ageing ageing = {.tag = found->number,
        .raw_before_ns = 2 * HOUR_NS,
        .rollup_before_ns = with_rollups ? HOUR_NS : 2 * HOUR_NS};
    struct hist_age_options options = {.tags = &ageing, .count = 1};
    struct hist_age_report report;
    assert_int_equal(hist_age(plant_historian(rig.plant), &options, &report, NULL), 0);
    catalogue_unref(catalogue);
}

static void samples_tell_from_when_raw_values_are_there(void **state) {
    (void)state;
    expire("old", true);
    expire("bare", false);
    static const struct {
        const char *query;
        const char *raw_from; // NULL: nothing is told.
        const char *rollup_from;
    } CASES[] = {
        {"tag=old", "1970-01-01T02:00:00Z", "1970-01-01T01:00:00Z"},
        {"tag=old&from=1970-01-01T01:59:59Z", "1970-01-01T02:00:00Z", "1970-01-01T01:00:00Z"},
        {"tag=old&from=1970-01-01T02:00:00Z", NULL, NULL},
        {"tag=old&every=10m&agg=p50", "1970-01-01T02:00:00Z", "1970-01-01T01:00:00Z"},
        {"tag=bare", NULL, NULL}, // Everything there is; whether there was more is not known.
        {"tag=bare&from=1970-01-01T00:00:00Z", "1970-01-01T02:00:00Z", NULL},
        {"tag=old&to=1970-01-01T00:30:00Z", NULL, NULL},
        {"tag=line1.press1.temp&from=1970-01-01T00:00:00Z", NULL, NULL},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        char target[256];
        (void)snprintf(
            target, sizeof target, "/api/v1/plants/p1/samples?limit=3&%s", CASES[i].query);
        json_t *root = ask("GET", target, rig.viewer, "", 200);
        json_t *expired = json_object_get(root, "expired");
        assert_int_equal(expired != NULL, CASES[i].raw_from != NULL);
        if (expired != NULL) {
            json_t *item = json_array_get(expired, 0);
            assert_string_equal(
                json_string_value(json_object_get(item, "raw_from")), CASES[i].raw_from);
            const char *rollup = json_string_value(json_object_get(item, "rollup_from"));
            assert_true((rollup == NULL) == (CASES[i].rollup_from == NULL));
            assert_true(rollup == NULL || strcmp(rollup, CASES[i].rollup_from) == 0);
            assert_non_null(
                strstr(json_string_value(json_object_get(item, "words")), "1970-01-01T02:00:00Z"));
        }
        json_decref(root);
    }
    AUTO_ANSWER struct answer csv;
    rig_get(&rig, "/api/v1/plants/p1/samples?tag=old&format=csv", 200, &csv);
    assert_true(str_eq(answer_header(&csv, "Maru-Raw-From"), STR("1970-01-01T02:00:00Z")));
    AUTO_ANSWER struct answer later;
    rig_get(&rig, "/api/v1/plants/p1/samples?tag=old&format=csv&from=1970-01-01T03:00:00Z", 200,
        &later);
    assert_int_equal(answer_header(&later, "Maru-Raw-From").size, 0);
}

static void an_export_tells_it_beside_its_table(void **state) {
    (void)state;
    AUTO_ANSWER struct answer whole;
    rig_get(&rig, "/api/v1/plants/p1/export?as=samples&tags=old", 200, &whole);
    assert_true(str_eq(answer_header(&whole, "Maru-Raw-From"), STR("1970-01-01T02:00:00Z")));
    AUTO_ANSWER struct answer later;
    rig_get(&rig, "/api/v1/plants/p1/export?as=samples&tags=old&from=1970-01-01T03:00:00Z", 200,
        &later);
    assert_int_equal(answer_header(&later, "Maru-Raw-From").size, 0);
    AUTO_ANSWER struct answer tags;
    rig_get(&rig, "/api/v1/plants/p1/export?as=tags", 200, &tags);
    assert_int_equal(answer_header(&tags, "Maru-Raw-From").size, 0);
}

static void a_join_tells_it_beside_its_rows(void **state) {
    (void)state;
    AUTO_ANSWER struct answer early;
    rig_get(&rig,
        "/api/v1/plants/p1/join?tag=old&tag=bare&every=10m&from=1970-01-01T01:00:00Z"
        "&to=1970-01-01T03:00:00Z&tz=Asia/Seoul",
        200, &early);
    assert_true(str_eq(answer_header(&early, "Maru-Raw-From"), STR("1970-01-01T11:00:00+09:00")));
    AUTO_ANSWER struct answer late;
    rig_get(&rig,
        "/api/v1/plants/p1/join?tag=old&every=10m&from=1970-01-01T02:00:00Z"
        "&to=1970-01-01T03:00:00Z",
        200, &late);
    assert_int_equal(answer_header(&late, "Maru-Raw-From").size, 0);
}

static void every_page_tells_it(void **state) {
    (void)state;
    json_t *first = ask("GET", "/api/v1/plants/p1/samples?tag=old&limit=5", rig.viewer, "", 200);
    char target[256];
    (void)snprintf(target, sizeof target, "/api/v1/plants/p1/samples?tag=old&limit=5&cursor=%s",
        json_string_value(json_object_get(first, "next")));
    json_t *second = ask("GET", target, rig.viewer, "", 200);
    assert_true(json_equal(json_object_get(first, "expired"), json_object_get(second, "expired")));
    assert_int_equal(json_array_size(json_object_get(second, "expired")), 1);
    json_decref(first);
    json_decref(second);
}

static void series_and_moments_tell_it_too(void **state) {
    (void)state;
    json_t *root = ask("GET",
        "/api/v1/plants/p1/series?tag=old&tag=bare&from=1970-01-01T00:00:00Z"
        "&to=1970-01-01T04:00:00Z",
        rig.viewer, "", 200);
    json_t *old = json_array_get(json_object_get(root, "series"), 0);
    json_t *bare = json_array_get(json_object_get(root, "series"), 1);
    assert_int_equal(whole(old, "raw_from_ms"), 2 * 3600000);
    assert_int_equal(whole(old, "rollup_from_ms"), 3600000);
    assert_true(whole(old, "every_ms") > 0); // Averages reach back further.
    assert_int_equal(whole(bare, "raw_from_ms"), 2 * 3600000);
    assert_true(json_is_null(json_object_get(bare, "rollup_from_ms")));
    json_decref(root);
    root = ask("GET",
        "/api/v1/plants/p1/series?tag=old&from=1970-01-01T02:00:00Z&to=1970-01-01T04:00:00Z",
        rig.viewer, "", 200);
    old = json_array_get(json_object_get(root, "series"), 0);
    assert_null(json_object_get(old, "raw_from_ms"));
    json_decref(root);
    root = ask(
        "GET", "/api/v1/plants/p1/moments?tag=old&time=1970-01-01T01:00:00Z", rig.viewer, "", 200);
    assert_int_equal(json_array_size(json_object_get(root, "expired")), 1);
    json_decref(root);
    root = ask(
        "GET", "/api/v1/plants/p1/moments?tag=old&time=1970-01-01T03:00:00Z", rig.viewer, "", 200);
    assert_null(json_object_get(root, "expired"));
    json_decref(root);
}

#define ROUTE_AT "/api/v1/plants/p1/retention"

static void a_rule_is_weighed_before_it_is_set(void **state) {
    (void)state;
    json_t *before = ask("GET", ROUTE_AT, rig.viewer, "", 200);
    assert_int_equal(whole(before, "raw_days"), 0);
    assert_string_equal(json_string_value(json_object_get(before, "archive")), "none");
    assert_int_equal(whole(json_object_get(before, "gone"), "rows"), 0);
    json_t *weighed = ask(
        "PUT", ROUTE_AT "?dry_run=1", rig.installer, "{\"raw_days\":30,\"rollup_days\":400}", 200);
    assert_true(json_is_false(json_object_get(weighed, "stored")));
    /* 1970 is older than 30 days: what is still there of both tags. */
    assert_int_equal(whole(json_object_get(weighed, "gone"), "rows"), 2 * 720);
    assert_int_equal(whole(json_object_get(weighed, "gone"), "tags"), 2);
    assert_in_range(json_array_size(json_object_get(weighed, "words")), 4, RETENTION_SENTENCES);
    json_t *after = ask("GET", ROUTE_AT, rig.viewer, "", 200);
    assert_true(json_equal(before, after)); // Nothing was stored.
    json_decref(before);
    json_decref(weighed);
    json_decref(after);
    json_t *set = ask("PUT", ROUTE_AT, rig.installer, "{\"rollup_days\":400}", 200);
    assert_int_equal(whole(set, "raw_days"), 0); // What is not sent stays.
    assert_int_equal(whole(set, "rollup_days"), 400);
    assert_true(json_is_true(json_object_get(set, "stored")));
    json_decref(set);
    struct retention rule;
    assert_int_equal(retention_get(rig.plant, &rule, NULL), 0);
    assert_int_equal(rule.rollup_days, 400);
    json_t *audit = ask("GET", "/api/v1/plants/p1/audit?limit=1", rig.auditor, "", 200);
    json_t *entry = json_array_get(json_object_get(audit, "items"), 0);
    assert_string_equal(json_string_value(json_object_get(entry, "action")), "retention.put");
    assert_non_null(
        strstr(json_string_value(json_object_get(entry, "payload")), "\"rollup_days\":400"));
    json_decref(audit);
}

static void what_cannot_be_is_refused_and_rights_hold(void **state) {
    (void)state;
    static const struct {
        const char *body;
        int status;
    } CASES[] = {
        {"{\"raw_days\":-1}", 400},
        {"{\"raw_days\":36526}", 400},
        {"{\"raw_days\":\"x\"}", 400},
        {"{\"days\":1}", 400},
        {"{\"archive\":\"tape\",\"archive_dir\":\"/tmp\"}", 400},
        {"{\"archive\":\"segments\"}", 400},
        {"{\"archive_dir\":\"/nowhere/at/all\"}", 404},
        {"{\"archive_dir\":\"tmp\"}", 404},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        json_t *answer = ask("PUT", ROUTE_AT, rig.installer, CASES[i].body, CASES[i].status);
        assert_true(json_is_string(json_object_get(answer, "detail")));
        json_decref(answer);
    }
    json_decref(ask("PUT", ROUTE_AT, rig.operator_, "{\"raw_days\":1}", 403));
    json_decref(ask("PUT", ROUTE_AT "?dry_run=1", rig.viewer, "{\"raw_days\":1}", 403));
    struct retention rule;
    assert_int_equal(retention_get(rig.plant, &rule, NULL), 0);
    assert_int_equal(rule.raw_days, 0);
    char dir[] = "/tmp/maru-archive-XXXXXX";
    char body[128];
    assert_non_null(mkdtemp(dir));
    (void)snprintf(body, sizeof body, "{\"archive\":\"segments\",\"archive_dir\":\"%s\"}", dir);
    json_t *set = ask("PUT", ROUTE_AT, rig.owner, body, 200);
    assert_string_equal(json_string_value(json_object_get(set, "archive_dir")), dir);
    json_decref(set);
    set = ask("PUT", ROUTE_AT, rig.owner, "{\"archive\":\"both\"}", 200); // The folder stays.
    assert_string_equal(json_string_value(json_object_get(set, "archive")), "both");
    json_decref(set);
    set = ask("PUT", ROUTE_AT, rig.owner, "{\"archive\":\"none\"}", 200);
    assert_string_equal(json_string_value(json_object_get(set, "archive_dir")), "");
    json_decref(set);
    (void)dir_remove_all(dir, NULL);
}

static void a_tag_has_days_of_its_own(void **state) {
    (void)state;
    json_t *tag = ask("PUT", "/api/v1/plants/p1/tags/old", rig.installer,
        "{\"retention_days\":10,\"rollup_days\":20}", 200);
    assert_int_equal(whole(tag, "retention_days"), 10);
    assert_int_equal(whole(tag, "rollup_days"), 20);
    json_decref(tag);
    tag = ask("PUT", "/api/v1/plants/p1/tags/old", rig.installer, "{\"unit\":\"bar\"}", 200);
    assert_int_equal(whole(tag, "rollup_days"), 20); // What is not sent stays.
    json_decref(tag);
    json_decref(
        ask("PUT", "/api/v1/plants/p1/tags/old", rig.installer, "{\"rollup_days\":36526}", 400));
    json_t *weighed = ask("GET", ROUTE_AT, rig.viewer, "", 200);
    assert_int_equal(whole(json_object_get(weighed, "gone"), "rows"), 720);
    json_decref(weighed);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(samples_tell_from_when_raw_values_are_there),
        cmocka_unit_test(an_export_tells_it_beside_its_table),
        cmocka_unit_test(a_join_tells_it_beside_its_rows),
        cmocka_unit_test(every_page_tells_it),
        cmocka_unit_test(series_and_moments_tell_it_too),
        cmocka_unit_test(a_rule_is_weighed_before_it_is_set),
        cmocka_unit_test(what_cannot_be_is_refused_and_rights_hold),
        cmocka_unit_test(a_tag_has_days_of_its_own),
    };
    return cmocka_run_group_tests(tests, open_rig, close_rig);
}
