/*
 * Notes beside the curves over HTTP: entered by whoever may write, found by range and tag, removed,
 * audited; and the figures of a range.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "support_server.h"

#define NOTES "/api/v1/plants/p1/annotations"
#define TEMP  "line1.press1.temp"

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

static void enter(const char *body, int status, struct answer *ret_answer) {
    rig_ask(&rig, "POST", NOTES, rig.operator_, str_of(body), ret_answer);
    if (ret_answer->status != status) {
        fail_msg("%s gave %d: %s", body, ret_answer->status, buf_z(&ret_answer->body));
    }
}

static int64_t enter_one(const char *body) {
    AUTO_ANSWER struct answer answer;
    enter(body, 201, &answer);
    json_t *root = parse(&answer);
    int64_t number = json_integer_value(json_object_get(root, "number"));
    assert_true(number > 0);
    json_decref(root);
    return number;
}

static const char *text_of(const json_t *object, const char *name) {
    return json_string_value(json_object_get(object, name));
}

static size_t count_in(const char *query) {
    char target[256];
    (void)snprintf(target, sizeof target, NOTES "?%s", query);
    AUTO_ANSWER struct answer answer;
    rig_get(&rig, target, 200, &answer);
    json_t *root = parse(&answer);
    size_t count = json_array_size(json_object_get(root, "items"));
    json_decref(root);
    return count;
}

static void a_note_is_given_back_with_who_wrote_it(void **state) {
    (void)state;
    AUTO_ANSWER struct answer answer;
    enter("{\"begin\":\"2026-01-05T09:00:00Z\",\"end\":\"2026-01-05T09:30:00Z\",\"tag\":\"" TEMP
          "\",\"text\":\" 금형 교체 \"}",
        201, &answer);
    json_t *root = parse(&answer);
    assert_string_equal(text_of(root, "text"), "금형 교체");
    assert_string_equal(text_of(root, "tag"), TEMP);
    assert_string_equal(text_of(root, "begin"), "2026-01-05T09:00:00Z");
    assert_string_equal(text_of(root, "end"), "2026-01-05T09:30:00Z");
    assert_true(strlen(text_of(root, "author")) > 0);
    assert_true(strlen(text_of(root, "actor")) > 0);
    json_decref(root);
}

static void notes_are_found_by_what_they_touch(void **state) {
    (void)state;
    (void)enter_one("{\"begin\":\"2025-03-01T10:00:00Z\",\"end\":\"2025-03-01T12:00:00Z\","
                    "\"text\":\"span\",\"tag\":\"" TEMP "\"}");
    (void)enter_one("{\"begin\":\"2025-03-01T11:00:00Z\",\"text\":\"moment of the plant\"}");
    static const struct {
        const char *query;
        size_t count;
    } CASES[] = {
        {"from=2025-03-01T00:00:00Z&to=2025-03-02T00:00:00Z", 2},
        {"from=2025-03-01T11:30:00Z&to=2025-03-01T11:40:00Z", 1}, // Inside the span.
        {"from=2025-03-01T12:00:00Z&to=2025-03-01T13:00:00Z", 1}, // Its last moment,
        {"from=2025-03-01T12:00:01Z&to=2025-03-01T13:00:00Z", 0}, // and behind it.
        {"from=2025-03-01T09:00:00Z&to=2025-03-01T10:00:00Z", 0}, // The end is excluded.
        {"from=2025-03-01T09:00:00Z&to=2025-03-01T10:00:01Z", 1},
        {"from=2025-03-01T00:00:00Z&to=2025-03-02T00:00:00Z&tag=" TEMP, 2},
        {"from=2025-03-01T00:00:00Z&to=2025-03-02T00:00:00Z&tag=line1.press1.recipe", 1},
        {"from=2025-03-01T00:00:00Z&to=2025-03-02T00:00:00Z&limit=1", 1},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        size_t count = count_in(CASES[i].query);
        if (count != CASES[i].count) {
            fail_msg("%s gave %zu", CASES[i].query, count);
        }
    }
}

static void pages_go_on_before_the_last_number(void **state) {
    (void)state;
    for (int i = 0; i < 3; i++) {
        (void)enter_one("{\"begin\":\"2024-01-01T00:00:00Z\",\"text\":\"page\"}");
    }
    AUTO_ANSWER struct answer first;
    rig_get(&rig, NOTES "?from=2024-01-01T00:00:00Z&to=2024-01-02T00:00:00Z&limit=2", 200, &first);
    json_t *root = parse(&first);
    char query[160];
    (void)snprintf(query, sizeof query,
        "from=2024-01-01T00:00:00Z&to=2024-01-02T00:00:00Z&limit=2&before=%s",
        text_of(root, "next"));
    json_decref(root);
    assert_int_equal(count_in(query), 1);
}

static void a_note_that_cannot_be_meant_is_refused_in_words(void **state) {
    (void)state;
    static const char *const BAD[] = {
        "{\"begin\":\"2026-01-05T09:00:00Z\",\"text\":\"\"}",
        "{\"begin\":\"2026-01-05T09:00:00Z\",\"text\":\"  \"}",
        "{\"begin\":\"2026-01-05T09:00:00Z\",\"text\":\"two\\nlines\"}",
        "{\"begin\":\"yesterday\",\"text\":\"x\"}",
        "{\"text\":\"x\"}",
        "{\"begin\":\"2026-01-05T09:00:00Z\",\"end\":\"2026-01-05T08:59:59Z\",\"text\":\"x\"}",
        "{\"begin\":\"2026-01-05T09:00:00Z\",\"text\":\"x\",\"colour\":\"red\"}",
        "{\"begin\":5,\"text\":\"x\"}",
    };
    for (size_t i = 0; i < sizeof BAD / sizeof BAD[0]; i++) {
        AUTO_ANSWER struct answer answer;
        enter(BAD[i], 400, &answer);
        assert_non_null(strstr(buf_z(&answer.body), "\"detail\""));
    }
    AUTO_ANSWER struct answer unknown;
    enter("{\"begin\":\"2026-01-05T09:00:00Z\",\"text\":\"x\",\"tag\":\"no.such\"}", 404, &unknown);
}

static void a_removed_note_is_gone_but_audited(void **state) {
    (void)state;
    int64_t number = enter_one("{\"begin\":\"2023-01-01T00:00:00Z\",\"text\":\"wrong place\"}");
    char target[96];
    (void)snprintf(target, sizeof target, NOTES "/%lld", (long long)number);
    AUTO_ANSWER struct answer viewer;
    rig_ask(&rig, "DELETE", target, rig.viewer, STR_NONE, &viewer);
    assert_int_equal(viewer.status, 403);
    AUTO_ANSWER struct answer gone;
    rig_ask(&rig, "DELETE", target, rig.operator_, STR_NONE, &gone);
    assert_int_equal(gone.status, 204);
    AUTO_ANSWER struct answer again;
    rig_ask(&rig, "DELETE", target, rig.operator_, STR_NONE, &again);
    assert_int_equal(again.status, 404);
    AUTO_ANSWER struct answer letters;
    rig_ask(&rig, "DELETE", NOTES "/first", rig.operator_, STR_NONE, &letters);
    assert_int_equal(letters.status, 404);
    assert_int_equal(count_in("from=2023-01-01T00:00:00Z&to=2023-01-02T00:00:00Z"), 0);
    AUTO_ANSWER struct answer audit;
    rig_ask(&rig, "GET", "/api/v1/plants/p1/audit?limit=3", rig.auditor, STR_NONE, &audit);
    assert_int_equal(audit.status, 200);
    assert_non_null(strstr(buf_z(&audit.body), "annotation.remove"));
    assert_non_null(strstr(buf_z(&audit.body), "annotation.enter"));
    assert_non_null(strstr(buf_z(&audit.body), "wrong place"));
}

static void a_viewer_reads_and_does_not_write(void **state) {
    (void)state;
    AUTO_ANSWER struct answer answer;
    rig_ask(&rig, "POST", NOTES, rig.viewer,
        STR("{\"begin\":\"2026-01-05T09:00:00Z\",\"text\":\"x\"}"), &answer);
    assert_int_equal(answer.status, 403);
}

static void a_summary_says_what_the_range_holds(void **state) {
    (void)state;
    rig_write(&rig,
        "sum value=1 1000000000000\nsum value=4 1000000001000\n"
        "sum value=2 1000000002000\nsum value=9 1000000003000\n",
        204);
    AUTO_ANSWER struct answer answer;
    rig_get(&rig,
        "/api/v1/plants/p1/summary?tag=sum&tag=line1.press1.recipe"
        "&from=2001-09-09T01:46:40Z&to=2001-09-09T01:46:43Z",
        200, &answer);
    json_t *root = parse(&answer);
    json_t *items = json_object_get(root, "items");
    assert_int_equal(json_array_size(items), 2);
    json_t *sum = json_array_get(items, 0);
    assert_int_equal(json_integer_value(json_object_get(sum, "count")), 3);
    static const struct {
        const char *name;
        double value;
    } FIGURES[] = {{"min", 1}, {"max", 4}, {"first", 1}, {"last", 2}, {"avg", 7.0 / 3}};
    for (size_t i = 0; i < sizeof FIGURES / sizeof FIGURES[0]; i++) {
        double value = json_number_value(json_object_get(sum, FIGURES[i].name));
        assert_true(value > FIGURES[i].value - 1e-9 && value < FIGURES[i].value + 1e-9);
    }
    assert_string_equal(text_of(sum, "last_time"), "2001-09-09T01:46:42Z");
    json_t *recipe = json_array_get(items, 1);
    assert_int_equal(json_integer_value(json_object_get(recipe, "count")), 0);
    assert_true(json_is_null(json_object_get(recipe, "min")));
    json_decref(root);
    AUTO_ANSWER struct answer unknown;
    rig_get(&rig, "/api/v1/plants/p1/summary?tag=no.such", 404, &unknown);
    AUTO_ANSWER struct answer none;
    rig_get(&rig, "/api/v1/plants/p1/summary", 400, &none);
}

static void a_series_says_which_points_are_bad(void **state) {
    (void)state;
    AUTO_BUF struct buf lines;
    buf_init(&lines, 1 << 20);
    for (int i = 0; i < 100; i++) {
        buf_printf(&lines, "marked value=%d %lld\n", i, 1000000000000LL + i * 1000LL);
    }
    rig_write(&rig, buf_z(&lines), 204);
    AUTO_ANSWER struct answer corrected;
    rig_ask(&rig, "POST", "/api/v1/plants/p1/corrections", rig.operator_,
        STR("{\"tag\":\"marked\",\"time\":\"2001-09-09T01:46:45Z\",\"bad\":true,\"reason\":\"x\"}"),
        &corrected);
    assert_int_equal(corrected.status, 200);
    static const char *const QUERIES[] = {"", "&points=20"};
    for (size_t i = 0; i < 2; i++) {
        char target[200];
        (void)snprintf(target, sizeof target,
            "/api/v1/plants/p1/series?tag=marked&from=2001-09-09T01:46:40Z"
            "&to=2001-09-09T01:48:20Z%s",
            QUERIES[i]);
        AUTO_ANSWER struct answer answer;
        rig_get(&rig, target, 200, &answer);
        json_t *root = parse(&answer);
        json_t *series = json_array_get(json_object_get(root, "series"), 0);
        json_t *bad = json_object_get(series, "bad");
        assert_int_equal(json_array_size(bad), 1);
        size_t at = (size_t)json_integer_value(json_array_get(bad, 0));
        int64_t time_ms = json_integer_value(json_array_get(json_object_get(series, "t"), at));
        assert_true(time_ms <= 1000000005000LL);
        assert_true(time_ms > 1000000005000LL - 15000);
        json_decref(root);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_note_is_given_back_with_who_wrote_it),
        cmocka_unit_test(notes_are_found_by_what_they_touch),
        cmocka_unit_test(pages_go_on_before_the_last_number),
        cmocka_unit_test(a_note_that_cannot_be_meant_is_refused_in_words),
        cmocka_unit_test(a_removed_note_is_gone_but_audited),
        cmocka_unit_test(a_viewer_reads_and_does_not_write),
        cmocka_unit_test(a_summary_says_what_the_range_holds),
        cmocka_unit_test(a_series_says_which_points_are_bad),
    };
    return cmocka_run_group_tests(tests, open_rig, close_rig);
}
