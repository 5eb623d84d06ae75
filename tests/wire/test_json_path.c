/*
 * Paths into JSON: what they find, what they refuse, and that a damaged text gives nothing.
 */
#include "wire/json_path.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "core/mem.h"

static struct json_value find(const char *text, const char *path_text) {
    struct json_path path;
    struct err err = ERR_INIT;
    assert_int_equal(json_path_parse(str_of(path_text), &path, &err), 0);
    const struct json_path *paths[] = {&path};
    struct json_value value;
    /* A copy of the exact size, so that a read past the end shows. */
    AUTO_FREE char *exact = mem_alloc(strlen(text) + 1);
    memcpy(exact, text, strlen(text));
    assert_int_equal(json_scan((struct str){exact, strlen(text)}, paths, 1, &value, &err), 0);
    ptrdiff_t at = value.kind != JSON_ABSENT ? value.text.data - exact : 0;
    value.text.data = text + at;
    return value;
}

static void a_path_finds_its_value(void **state) {
    (void)state;
    static const struct {
        const char *text;
        const char *path;
        enum json_kind kind;
        const char *found;
    } CASES[] = {
        {"{\"temp\":21.5}", "$.temp", JSON_NUMBER, "21.5"},
        {" 7 ", "$", JSON_NUMBER, "7"},
        {"{\"a\":{\"b\":[1,2,{\"c\":\"x\"}]}}", "$.a.b[2].c", JSON_STRING, "x"},
        {"{\"a\":{\"b\":[1,2,3]}}", "$.a.b[2]", JSON_NUMBER, "3"},
        {"{\"a\":{\"b\":[1,2,3]}}", "$.a.b[3]", JSON_ABSENT, ""},
        {"{\"a\":{\"b\":[1,2,3]}}", "$.a.b", JSON_ARRAY, "[1,2,3]"},
        {"{\"a\":{},\"b\":[]}", "$.a", JSON_OBJECT, "{}"},
        {"{\"a\":{},\"b\":[]}", "$.b[0]", JSON_ABSENT, ""},
        {"{\"x y\":true}", "$['x y']", JSON_BOOL, "true"},
        {"{\"it's\":false}", "$[\"it's\"]", JSON_BOOL, "false"},
        {"{\"온도\":null}", "$.온도", JSON_NULL, "null"},
        {"{\"\\uc628\\ub3c4\":4}", "$.온도", JSON_NUMBER, "4"},
        {"{\"a\":1,\"a\":2}", "$.a", JSON_NUMBER, "2"},
        {"{\"b\":{\"a\":9},\"a\":1}", "$.a", JSON_NUMBER, "1"},
        {"{\"b\":{\"a\":9}}", "$.a", JSON_ABSENT, ""},
        {"{\"a\":[5]}", "$.a.0", JSON_ABSENT, ""},
        {"[[1,2],[3,4]]", "$[1][0]", JSON_NUMBER, "3"},
        {"{\"a\":1}", "$.a.b", JSON_ABSENT, ""},
        {"\n{ \"a\" :\t[ 1 , 2 ] }\r\n", "$.a[1]", JSON_NUMBER, "2"},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        struct json_value value = find(CASES[i].text, CASES[i].path);
        assert_int_equal(value.kind, CASES[i].kind);
        if (value.kind != JSON_ABSENT) {
            assert_int_equal(value.text.size, strlen(CASES[i].found));
            assert_memory_equal(value.text.data, CASES[i].found, value.text.size);
        }
    }
}

static void numbers_keep_their_worth(void **state) {
    (void)state;
    struct json_value value = find("9223372036854775807", "$");
    assert_true(value.is_whole && value.whole == INT64_MAX);
    value = find("9223372036854775808", "$");
    assert_true(!value.is_whole && value.number == 9223372036854775808.0);
    value = find("-0.1e1", "$");
    assert_true(!value.is_whole && value.number == -1.0);
    value = find("-1e999", "$");
    assert_true(value.kind == JSON_NUMBER && isinf(value.number) && value.number < 0);
}

static void many_paths_take_one_pass(void **state) {
    (void)state;
    static const char *const TEXTS[] = {"$.a", "$.b.c", "$", "$.b", "$.missing", "$.b.c"};
    struct json_path paths[6];
    const struct json_path *pointers[6];
    struct json_value values[6];
    for (int i = 0; i < 6; i++) {
        assert_int_equal(json_path_parse(str_of(TEXTS[i]), &paths[i], NULL), 0);
        pointers[i] = &paths[i];
    }
    assert_int_equal(json_scan(STR("{\"a\":1,\"b\":{\"c\":2}}"), pointers, 6, values, NULL), 0);
    assert_int_equal(values[0].whole, 1);
    assert_int_equal(values[1].whole, 2);
    assert_int_equal(values[2].kind, JSON_OBJECT);
    assert_int_equal(values[3].text.size, strlen("{\"c\":2}"));
    assert_int_equal(values[4].kind, JSON_ABSENT);
    assert_int_equal(values[5].whole, 2);
}

static void what_is_no_json_is_refused(void **state) {
    (void)state;
    static const char *const TEXTS[] = {"", "{", "}", "{\"a\"}", "{\"a\":}", "{\"a\":1,}", "[1,]",
        "[1 2]", "01", "-", "1.", ".5", "1e", "+1", "nul", "True", "\"a", "\"\\x\"", "\"\\u12g4\"",
        "\"a\nb\"", "1 2", "[1]]", "{\"a\":1]", "{a:1}", "NaN", "\"\\", "[", "-01", "{\"a\":1}x"};
    struct json_path path = {.step_count = 0};
    const struct json_path *paths[] = {&path};
    for (size_t i = 0; i < sizeof TEXTS / sizeof TEXTS[0]; i++) {
        struct json_value value;
        struct err err = ERR_INIT;
        int result = json_scan(str_of(TEXTS[i]), paths, 1, &value, &err);
        if (result != -ERR_FRAME || err.code != ERR_FRAME) {
            fail_msg("\"%s\" gave %d", TEXTS[i], result);
        }
    }
}

static void depth_has_an_end(void **state) {
    (void)state;
    AUTO_BUF struct buf text;
    buf_init(&text, 1000);
    for (int i = 0; i < JSON_SCAN_DEPTH_MAX; i++) {
        buf_put_char(&text, '[');
    }
    for (int i = 0; i < JSON_SCAN_DEPTH_MAX; i++) {
        buf_put_char(&text, ']');
    }
    struct err err = ERR_INIT;
    assert_int_equal(json_scan(buf_str(&text), NULL, 0, NULL, &err), 0);
    AUTO_BUF struct buf deeper;
    buf_init(&deeper, 1000);
    buf_put_char(&deeper, '[');
    buf_put_str(&deeper, buf_str(&text));
    buf_put_char(&deeper, ']');
    assert_int_equal(json_scan(buf_str(&deeper), NULL, 0, NULL, &err), -ERR_LIMIT);
}

static void wrong_paths_are_refused(void **state) {
    (void)state;
    static const char *const PATHS[] = {"", "a", "$a", "$.", "$..a", "$.a.", "$[", "$[]", "$[a]",
        "$[-1]", "$['a", "$['a'", "$['a'x]", "$[0", "$.a]", "$[4294967296]", " $.a"};
    for (size_t i = 0; i < sizeof PATHS / sizeof PATHS[0]; i++) {
        struct json_path path;
        struct err err = ERR_INIT;
        if (json_path_parse(str_of(PATHS[i]), &path, &err) != -ERR_INVALID) {
            fail_msg("%s was accepted", PATHS[i]);
        }
    }
    struct json_path path;
    struct str longest = STR("$.1.2.3.4.5.6.7.8.9.10.11.12.13.14.15.16");
    assert_int_equal(json_path_parse(longest, &path, NULL), 0);
    struct str longer = STR("$.1.2.3.4.5.6.7.8.9.10.11.12.13.14.15.16.17");
    assert_int_equal(json_path_parse(longer, &path, NULL), -ERR_LIMIT);
}

static void escapes_become_characters(void **state) {
    (void)state;
    AUTO_BUF struct buf plain;
    buf_init(&plain, 100);
    struct json_value value = find("\"a\\n\\t\\\"\\\\\\/\\b\\f\\r\"", "$");
    json_value_put_text(&value, &plain);
    assert_string_equal(buf_z(&plain), "a\n\t\"\\/\b\f\r");
    buf_clear(&plain);
    value = find("\"\\uc628\\u00e9\\u0041\\ud83d\\ude00|\\ud83d|\\ude00\"", "$");
    json_value_put_text(&value, &plain);
    assert_string_equal(buf_z(&plain), "온éA😀|\xEF\xBF\xBD|\xEF\xBF\xBD");
}

struct listing {
    char text[1000];
};

static void list(void *context, const struct json_leaf *leaf) {
    struct listing *listing = context;
    size_t used = strlen(listing->text);
    (void)snprintf(listing->text + used, sizeof listing->text - used, "%.*s=%.*s;",
        STR_ARG(leaf->path), STR_ARG(leaf->value.text));
}

static void leaves_are_listed_with_their_paths(void **state) {
    (void)state;
    struct listing listing = {""};
    struct str text = STR("{\"a\":[1,{\"b c\":null}],\"\\u0064\":{},\"e\":[],\"f\":\"g\"}");
    assert_int_equal(json_leaves(text, 10, list, &listing, NULL), 0);
    assert_string_equal(listing.text, "$.a[0]=1;$.a[1]['b c']=null;$.d={};$.e=[];$.f=g;");
    listing.text[0] = '\0';
    assert_int_equal(json_leaves(text, 2, list, &listing, NULL), 0);
    assert_string_equal(listing.text, "$.a[0]=1;$.a[1]['b c']=null;");
    listing.text[0] = '\0';
    text = STR("{\"a\\\"]['b\":{\"x\":[1],\"y\":2},\"c\":3}"); // A name that no path can say.
    assert_int_equal(json_leaves(text, 10, list, &listing, NULL), 0);
    assert_string_equal(listing.text, "$.c=3;");
    assert_int_equal(json_leaves(STR("[1,2"), 10, list, &listing, NULL), -ERR_FRAME);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_path_finds_its_value),
        cmocka_unit_test(numbers_keep_their_worth),
        cmocka_unit_test(many_paths_take_one_pass),
        cmocka_unit_test(what_is_no_json_is_refused),
        cmocka_unit_test(depth_has_an_end),
        cmocka_unit_test(wrong_paths_are_refused),
        cmocka_unit_test(escapes_become_characters),
        cmocka_unit_test(leaves_are_listed_with_their_paths),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
