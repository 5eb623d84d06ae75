/*
 * Refine rules over HTTP: the table, putting a line with its audit entry, and the preview.
 */
#include "support_server.h"

#include <stdio.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "core/clock.h"

#define TAGS "/api/v1/plants/p1/tags"

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

static bool has(struct answer *answer, const char *what) {
    return strstr(buf_z(&answer->body), what) != NULL;
}

static int put(const char *target, const char *body, struct answer *ret_answer) {
    rig_ask(&rig, "PUT", target, rig.installer, str_of(body), ret_answer);
    return ret_answer->status;
}

static void the_rules_are_told(void **state) {
    (void)state;
    AUTO_ANSWER struct answer answer;
    rig_get(&rig, "/api/v1/refine/rules", 200, &answer);
    assert_true(has(&answer, "\"name\":\"spike\",\"kind\":\"NUMBER\""));
    assert_true(has(&answer, "\"id\":\"swing\""));
}

static void a_line_is_put_audited_and_a_wrong_one_refused(void **state) {
    (void)state;
    AUTO_ANSWER struct answer made;
    assert_int_equal(put(TAGS "/r.n",
                         "{\"type\":\"i64\",\"kind\":\"counter\","
                         "\"refine\":\"increment=r.more\",\"keep_raw\":true}",
                         &made),
        201);
    assert_true(has(&made, "\"refine\":\"increment=r.more\",\"keep_raw\":true"));
    AUTO_ANSWER struct answer more;
    rig_get(&rig, TAGS "/r.more", 200, &more);
    AUTO_ANSWER struct answer raw;
    rig_get(&rig, TAGS "/r.n_raw", 200, &raw);
    AUTO_ANSWER struct answer wrong;
    assert_int_equal(put(TAGS "/r.n", "{\"refine\":\"spikes=1\"}", &wrong), 400);
    assert_true(has(&wrong, "spikes"));
    AUTO_ANSWER struct answer audit;
    rig_ask(&rig, "GET", "/api/v1/plants/p1/audit", rig.auditor, STR_NONE, &audit);
    assert_true(has(&audit, "increment=r.more"));
    AUTO_ANSWER struct answer cleared;
    assert_int_equal(put(TAGS "/r.n", "{\"refine\":\"\"}", &cleared), 200);
    assert_true(has(&cleared, "\"refine\":\"\""));
}

/* A sample every second of the last `count` seconds, by a device. */
static void fill(const char *name, int count, double (*shape)(int i)) {
    struct str names[1] = {str_of(name)};
    uint32_t tag = 0;
    struct err err = ERR_INIT;
    assert_int_equal(plant_resolve_tags(rig.plant, names, NULL, 1, &tag, NULL, &err), 0);
    AUTO_BATCH struct batch *batch = batch_new((uint32_t)count, 16);
    int64_t now_ns = clock_wall_ns(clock_system());
    for (int i = 0; i < count; i++) {
        *batch_add(batch) = (struct sample){.tag = tag,
            .type = TYPE_F64,
            .time_ns = now_ns - (count - i) * NS_PER_S,
            .value.f64 = shape(i)};
    }
    assert_int_equal(plant_submit(rig.plant, &batch, 1, &err), 0);
}

static double spiky(int i) {
    return i == 50 ? 1000 : 10 + (i % 5) * 0.1;
}

static double flat(int i) {
    return i * 0.001;
}

/* */
static void a_preview_tells_what_would_happen_and_changes_nothing(void **state) {
    (void)state;
    fill("r.spiky", 100, spiky);
    AUTO_ANSWER struct answer before;
    rig_get(&rig, "/api/v1/plants/p1/samples?tag=r.spiky", 200, &before);
    AUTO_ANSWER struct answer preview;
    rig_ask(&rig, "POST", TAGS "/r.spiky/preview", rig.viewer,
        STR("{\"refine\":\"spike=5\",\"hours\":1,\"scale\":2}"), &preview);
    assert_int_equal(preview.status, 200);
    assert_true(has(&preview, "\"from\":\"stored\",\"cut\":false"));
    assert_true(has(&preview, "{\"id\":\"spike\",\"words\":"));
    assert_true(has(&preview, "\"in\":100,\"changed\":0,\"marked\":1,"));
    assert_true(has(&preview, "2000")); // Scaled by the candidate.
    AUTO_ANSWER struct answer after;
    rig_get(&rig, "/api/v1/plants/p1/samples?tag=r.spiky", 200, &after);
    assert_string_equal(buf_z(&before.body), buf_z(&after.body));
    AUTO_ANSWER struct answer tag;
    rig_get(&rig, TAGS "/r.spiky", 200, &tag);
    assert_true(has(&tag, "\"scale\":1,"));
    assert_true(has(&tag, "\"refine\":\"\""));
}

static void a_preview_of_much_history_looks_at_the_newest(void **state) {
    (void)state;
    fill("r.long", 9000, flat);
    AUTO_ANSWER struct answer preview;
    rig_ask(&rig, "POST", TAGS "/r.long/preview", rig.viewer,
        STR("{\"refine\":\"rate=100 swing=0.5 swing_s=3600\"}"), &preview);
    assert_int_equal(preview.status, 200);
    assert_true(has(&preview, "\"cut\":true"));
    assert_true(has(&preview, "\"raw\":[4,4.001,"));
    assert_true(has(&preview, "8.998,8.999]"));
}

static void a_wrong_preview_is_refused_in_words(void **state) {
    (void)state;
    static const struct {
        const char *target;
        const char *body;
        int status;
    } CASES[] = {
        {TAGS "/r.none/preview", "{}", 404},
        {TAGS "/r.spiky/preview", "{\"refine\":\"spikes=5\"}", 400},
        {TAGS "/r.spiky/preview", "{\"hours\":0}", 400},
        {TAGS "/r.spiky/preview", "{\"hours\":9000}", 400},
        {TAGS "/r.spiky/preview", "{\"type\":\"text\"}", 400},
        {TAGS "/r.spiky/preview", "{\"scale\":0}", 400},
        {TAGS "/r.spiky/preview", "{", 400},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        AUTO_ANSWER struct answer answer;
        rig_ask(&rig, "POST", CASES[i].target, rig.viewer, str_of(CASES[i].body), &answer);
        assert_int_equal(answer.status, CASES[i].status);
    }
}

static void check_expression(const char *body, bool good, const char *words) {
    AUTO_ANSWER struct answer answer;
    rig_ask(&rig, "POST", "/api/v1/plants/p1/check", rig.installer, str_of(body), &answer);
    assert_int_equal(answer.status, 200);
    assert_true(has(&answer, good ? "\"good\":true" : "\"good\":false"));
    assert_true(has(&answer, words));
}

static void an_expression_is_checked_before_it_is_stored(void **state) {
    (void)state;
    AUTO_ANSWER struct answer made;
    assert_int_equal(put(TAGS "/e.a", "{\"type\":\"f64\"}", &made), 201);
    check_expression("{\"name\":\"e.b\",\"source\":\"= tag('e.a') * 2\"}", true, "\"words\":\"\"");
    check_expression("{\"name\":\"e.b\",\"source\":\"= tag('e.none')\"}", false, "e.none");
    check_expression("{\"name\":\"e.b\",\"source\":\"= tag('e.b') + 1\"}", false, "e.b");
    check_expression("{\"name\":\"e.b\",\"source\":\"= tag('e.a') *\"}", false, "e.b");
    AUTO_ANSWER struct answer none;
    rig_get(&rig, TAGS "/e.b", 404, &none);
}

int main(void) {
    const struct CMUnitTest TESTS[] = {
        cmocka_unit_test(the_rules_are_told),
        cmocka_unit_test(a_line_is_put_audited_and_a_wrong_one_refused),
        cmocka_unit_test(a_preview_tells_what_would_happen_and_changes_nothing),
        cmocka_unit_test(a_preview_of_much_history_looks_at_the_newest),
        cmocka_unit_test(a_wrong_preview_is_refused_in_words),
        cmocka_unit_test(an_expression_is_checked_before_it_is_stored),
    };
    return cmocka_run_group_tests(TESTS, open_rig, close_rig);
}
