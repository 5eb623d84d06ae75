/*
 * The sandbox: what expressions give, what they cannot reach, and that bombs of time, memory and
 * depth are stopped while the next expression runs as if nothing had been.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "core/buf.h"
#include "refine/script.h"

/* A world of one tag "a" that is 5, and one "bad". */
static enum script_reply answer(
    void *context, const struct script_ask *ask, struct script_value *ret_value) {
    (void)context;
    if (ask->question != ASK_TIME && str_eq(ask->name, STR("bad"))) {
        return REPLY_BAD;
    }
    if (ask->question != ASK_TIME && !str_eq(ask->name, STR("a"))) {
        return REPLY_UNKNOWN;
    }
    *ret_value =
        (struct script_value){.kind = SCRIPT_REAL, .real = ask->question == ASK_PREVIOUS ? 3 : 5};
    return REPLY_VALUE;
}

static const struct script_world WORLD = {.context = NULL, .answer = answer};

static int run(
    struct script *script, const char *text, struct script_value *value, struct err *err) {
    int number = 0;
    int status = script_compile(script, str_of(text), &number, err);
    return status < 0 ? status : script_run(script, number, &WORLD, value, err);
}

static void expressions_give_their_values(void **state) {
    (void)state;
    struct script *script = script_new(clock_system());
    static const struct {
        const char *text;
        double value;
    } CASES[] = {{"1 + 2 * 3", 7}, {"tag('a') * 1.8 + 32", 41}, {"delta('a')", 2},
        {"tag('bad', 7)", 7}, {"math.max(1, tag('a'), 3)", 5}, {"tag('a') > 4 and 1 or 0", 1},
        {"if tag('a') > 4 then return 10 else return 20 end", 10},
        {"local s = 0 for i = 1, 10 do s = s + i end return s", 55}, {"7 // 2", 3}};
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        struct script_value value;
        struct err err = ERR_INIT;
        assert_int_equal(run(script, CASES[i].text, &value, &err), 1);
        double is = value.kind == SCRIPT_WHOLE ? (double)value.whole : value.real;
        assert_true(is == CASES[i].value);
    }
    struct script_value value;
    assert_int_equal(run(script, "'a' .. 1", &value, NULL), 1);
    assert_true(value.kind == SCRIPT_TEXT && str_eq(value.text, STR("a1")));
    assert_int_equal(run(script, "tag('a') == 5", &value, NULL), 1);
    assert_true(value.kind == SCRIPT_TRUTH && value.whole == 1);
    assert_int_equal(run(script, "nil", &value, NULL), 1);
    assert_int_equal(value.kind, SCRIPT_NIL);
    assert_int_equal(run(script, "tag('bad') + 1", &value, NULL), 0);
    script_free(script);
}

static void nothing_outside_can_be_reached(void **state) {
    (void)state;
    struct script *script = script_new(clock_system());
    static const char *const BAD[] = {"os.execute('x')", "io.open('/etc/passwd')", "require('x')",
        "load('return 1')()", "loadstring('x')", "dofile('x')", "debug.getinfo(1)", "package.path",
        "string.rep('x', 10)", "('x'):rep(10)", "coroutine.create(1)", "pcall(error)",
        "setmetatable({}, {})", "getmetatable('')", "rawset(math, 'x', 1)", "collectgarbage()",
        "math.random()", "_G.os", "tostring({})", "print(1)", "tag('other')", "tag(1, 2, 3) + nil"};
    for (size_t i = 0; i < sizeof BAD / sizeof BAD[0]; i++) {
        struct script_value value = {.kind = SCRIPT_NIL};
        struct err err = ERR_INIT;
        int status = run(script, BAD[i], &value, &err);
        if (status != -ERR_INVALID || err.note_count == 0) {
            fail_msg("%s gives %d", BAD[i], status);
        }
    }
    script_free(script);
}

static void nothing_stays_between_two_runs(void **state) {
    (void)state;
    struct script *script = script_new(clock_system());
    struct script_value value;
    static const char *const KEEPING[] = {
        "x = 1 return x", "math.pi = 3 return 1", "_ENV.x = 1 return 1", "tag = nil return 1"};
    for (size_t i = 0; i < sizeof KEEPING / sizeof KEEPING[0]; i++) {
        assert_int_equal(run(script, KEEPING[i], &value, NULL), -ERR_INVALID);
    }
    assert_int_equal(run(script, "x", &value, NULL), 1);
    assert_int_equal(value.kind, SCRIPT_NIL);
    script_free(script);
}

static void bombs_are_stopped_in_words_and_disturb_nobody(void **state) {
    (void)state;
    struct script *script = script_new(clock_system());
    static const char *const BOMBS[] = {"while true do end return 1",
        "local s = 'x' while true do s = s .. s end return s",
        "local t = {} for i = 1, 1e9 do t[i] = {} end return 1",
        "local function f() return 1 + f() end return f()",
        "local function f() return f() end return f()",
        "local s = 'x' for i = 1, 21 do s = s .. s end while true do tag(s .. 'y') end return 1"};
    for (size_t i = 0; i < sizeof BOMBS / sizeof BOMBS[0]; i++) {
        struct script_value value;
        struct err err = ERR_INIT;
        int64_t begin_ns = clock_mono_ns(clock_system());
        assert_int_equal(run(script, BOMBS[i], &value, &err), -ERR_INVALID);
        assert_true(err.note_count > 0);
        assert_true(clock_mono_ns(clock_system()) - begin_ns < 5 * NS_PER_S);
        assert_int_equal(run(script, "tag('a') + 1", &value, &err), 1);
        assert_true(value.real == 6);
    }
    script_free(script);
}

static void a_mistake_names_its_line(void **state) {
    (void)state;
    struct script *script = script_new(clock_system());
    struct err err = ERR_INIT;
    int number = 0;
    assert_int_equal(
        script_compile(script, STR("local a = 1\nlocal b = = 2\nreturn a"), &number, &err),
        -ERR_INVALID);
    AUTO_BUF struct buf words;
    buf_init(&words, 1024);
    err_render(&err, LANG_EN, &words);
    assert_non_null(strstr(buf_z(&words), "line:2:"));
    script_free(script);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(expressions_give_their_values),
        cmocka_unit_test(nothing_outside_can_be_reached),
        cmocka_unit_test(nothing_stays_between_two_runs),
        cmocka_unit_test(bombs_are_stopped_in_words_and_disturb_nobody),
        cmocka_unit_test(a_mistake_names_its_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
