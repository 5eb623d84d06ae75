/*
 * Lines of refine rules: what is understood, and what is refused in words.
 */
#include "refine/rules.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "core/buf.h"
#include "tests/refine/support_refine.h"

static void names_and_values_are_read(void **state) {
    (void)state;
    struct rule_line line;
    struct err err = ERR_INIT;
    assert_int_equal(
        rules_parse(STR("  spike=3.5   spike_window=\"9\"\tstuck_s='600' rate=0.25 "), &line, &err),
        0);
    assert_true(rule_number(&line, RULE_SPIKE, 0) == 3.5);
    assert_true(rule_number(&line, RULE_SPIKE_WINDOW, 0) == 9);
    assert_true(rule_number(&line, RULE_STUCK_S, 0) == 600);
    assert_true(rule_number(&line, RULE_RATE, 0) == 0.25);
    assert_true(rule_is_set(&line, RULE_RATE));
    assert_false(rule_is_set(&line, RULE_SPIKE_MIN));
    assert_true(rule_number(&line, RULE_SPIKE_MIN, 7) == 7);
    assert_int_equal(rules_parse(STR_NONE, &line, &err), 0);
    assert_int_equal(line.seen, 0);
}

static void what_is_not_understood_is_refused(void **state) {
    (void)state;
    static const struct {
        const char *line;
        enum msg_id words;
    } CASES[] = {{"spikes=3", MSG_REFINE_RULE_UNKNOWN}, {"Spike=3", MSG_REFINE_RULE_UNKNOWN},
        {"spike", MSG_REFINE_RULE_FORM}, {"spike 3=4", MSG_REFINE_RULE_FORM},
        {"=3", MSG_REFINE_RULE_FORM}, {"rate=1 oops", MSG_REFINE_RULE_FORM},
        {"spike=3 spike=4", MSG_REFINE_RULE_TWICE}, {"spike=", MSG_REFINE_RULE_NUMBER},
        {"spike=x", MSG_REFINE_RULE_NUMBER}, {"spike=0.4", MSG_REFINE_RULE_NUMBER},
        {"spike=101", MSG_REFINE_RULE_NUMBER}, {"spike=nan", MSG_REFINE_RULE_NUMBER},
        {"rate=inf", MSG_REFINE_RULE_NUMBER}, {"spike=3 spike_window=7.5", MSG_REFINE_RULE_WHOLE},
        {"spike=3 spike_window=2", MSG_REFINE_RULE_WHOLE}, {"rate=\"1", MSG_REFINE_RULE_QUOTE},
        {"rate=\"1\"x", MSG_REFINE_RULE_QUOTE}, {"rate=\"1'", MSG_REFINE_RULE_QUOTE}};
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        struct rule_line line;
        struct err err = ERR_INIT;
        assert_int_equal(rules_parse(str_of(CASES[i].line), &line, &err), -ERR_INVALID);
        assert_int_equal(err.notes[0].msg, CASES[i].words);
    }
}

static void a_line_that_makes_no_sense_for_its_tag_is_refused(void **state) {
    (void)state;
    static const struct {
        const char *line;
        enum value_type type;
        enum tag_kind kind;
        enum msg_id words; // MSG_NONE: it is fine.
    } CASES[] = {
        {"spike=3 spike_window=5 spike_min=0.1 rate=1 stuck_s=60", TYPE_F64, KIND_MEASUREMENT,
            MSG_NONE},
        {"rate=1", TYPE_I64, KIND_SETPOINT, MSG_NONE},
        {"spike_window=5", TYPE_F64, KIND_MEASUREMENT, MSG_REFINE_RULE_NEEDS},
        {"spike_min=5", TYPE_F64, KIND_MEASUREMENT, MSG_REFINE_RULE_NEEDS},
        {"rate=1", TYPE_TEXT, KIND_MEASUREMENT, MSG_REFINE_RULE_TYPE},
        {"spike=3", TYPE_BOOL, KIND_STATE, MSG_REFINE_RULE_TYPE},
        {"stuck_s=3", TYPE_TEXT, KIND_MEASUREMENT, MSG_REFINE_RULE_TYPE},
        {"stuck_s=3", TYPE_I64, KIND_COUNTER, MSG_REFINE_RULE_KIND},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        struct tag tag = {.name = STR("a"),
            .type = CASES[i].type,
            .kind = CASES[i].kind,
            .refine = str_of(CASES[i].line)};
        struct err err = ERR_INIT;
        int status = refine_check(&tag, &err);
        assert_int_equal(status, CASES[i].words == MSG_NONE ? 0 : -ERR_INVALID);
        assert_int_equal(err.notes[0].msg, CASES[i].words);
    }
}

static void a_line_beyond_the_limit_is_refused(void **state) {
    (void)state;
    static char text[4098];
    memset(text, ' ', sizeof text);
    struct rule_line line;
    struct err err = ERR_INIT;
    assert_int_equal(rules_parse((struct str){text, 4096}, &line, &err), 0);
    assert_int_equal(rules_parse((struct str){text, 4097}, &line, &err), -ERR_LIMIT);
}

static void every_rule_tells_itself_in_both_languages(void **state) {
    (void)state;
    uint32_t count = 0;
    for (; refine_rule(count) != NULL; count++) {
        const struct refine_rule *rule = refine_rule(count);
        assert_true(rule->min <= rule->max);
        assert_true(strlen(rule->help[LANG_KO]) > 10 && strlen(rule->help[LANG_EN]) > 10);
        for (uint32_t i = 0; i < count; i++) {
            assert_string_not_equal(rule->name, refine_rule(i)->name);
        }
    }
    assert_int_equal(count, RULE_COUNT);
}

/* Such a line cannot come in by the front door; a file of a newer program could hold it. */
static void a_stored_line_that_is_not_understood_marks_the_values(void **state) {
    (void)state;
    struct bench bench;
    bench_init(&bench);
    bench.tag->refine = STR("from_the_future=1");
    assert_int_equal(bench_run_f64(&bench, 1, 5).status, (uint32_t)STATUS_UNCERTAIN);
    bench.tag->refine = STR_NONE;
    assert_int_equal(bench_run_f64(&bench, 2, 5).status, 0);
    bench_fini(&bench);
}

int main(void) {
    const struct CMUnitTest TESTS[] = {
        cmocka_unit_test(names_and_values_are_read),
        cmocka_unit_test(what_is_not_understood_is_refused),
        cmocka_unit_test(a_line_that_makes_no_sense_for_its_tag_is_refused),
        cmocka_unit_test(a_line_beyond_the_limit_is_refused),
        cmocka_unit_test(every_rule_tells_itself_in_both_languages),
        cmocka_unit_test(a_stored_line_that_is_not_understood_marks_the_values),
    };
    return cmocka_run_group_tests(TESTS, NULL, NULL);
}
