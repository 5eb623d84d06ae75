/* JSON from outside: members of bodies, and values of any shape. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/buf.h"
#include "core/json.h"
#include "core/json_in.h"

#define DOCUMENT                                                                                   \
    "{\"b\":true,\"n\":5,\"r\":0.5,\"w\":4e3,\"t\":\"\xea\xb0\x80\",\"l\":[1,\"x\",null,{}],"      \
    "\"o\":{\"z\":1,\"a\":2,\"m\":null},\"x\":null}"

static struct json_in *parse(const char *text) {
    struct json_in *root = NULL;
    struct err err = ERR_INIT;
    assert_int_equal(0, json_in_parse(str_of(text), &root, &err));
    return root;
}

static void kinds_are_told_apart(void **state) {
    (void)state;
    AUTO_JSON_IN struct json_in *root = parse(DOCUMENT);
    static const struct {
        const char *name;
        enum json_kind kind;
        size_t count;
    } CASES[] = {{"b", JSON_KIND_BOOL, 0}, {"n", JSON_KIND_NUMBER, 0}, {"r", JSON_KIND_NUMBER, 0},
        {"t", JSON_KIND_TEXT, 0}, {"l", JSON_KIND_LIST, 4}, {"o", JSON_KIND_OBJECT, 3},
        {"x", JSON_KIND_NONE, 0}, {"absent", JSON_KIND_NONE, 0}};
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        const struct json_in *value = json_in_get(root, CASES[i].name);
        assert_int_equal(CASES[i].kind, json_in_kind(value));
        assert_int_equal(CASES[i].count, json_in_count(value));
        assert_ptr_equal(value, json_in_find(root, str_of(CASES[i].name)));
    }
    assert_null(json_in_get(json_in_get(root, "t"), "t"));
    assert_null(json_in_at(json_in_get(root, "l"), 4));
    assert_null(json_in_at(json_in_get(root, "o"), 0));
    assert_true(json_in_true(json_in_get(root, "b")));
    assert_false(json_in_true(json_in_get(root, "n")));
    assert_true(str_eq(STR("\xea\xb0\x80"), json_in_text(json_in_get(root, "t"))));
    assert_int_equal(0, json_in_text(json_in_get(root, "n")).size);
}

static void numbers_are_whole_or_not(void **state) {
    (void)state;
    AUTO_JSON_IN struct json_in *root = parse(DOCUMENT);
    int64_t whole = 0;
    double number = 0;
    assert_true(json_in_whole(json_in_get(root, "n"), &whole) && whole == 5);
    assert_true(json_in_whole(json_in_get(root, "w"), &whole) && whole == 4000);
    assert_false(json_in_whole(json_in_get(root, "r"), &whole));
    assert_false(json_in_whole(json_in_get(root, "t"), &whole));
    assert_int_equal(4000, whole);
    assert_true(json_in_number(json_in_get(root, "r"), &number) && number > 0.49 && number < 0.51);
    AUTO_JSON_IN struct json_in *large = parse("{\"a\":1e300,\"b\":9223372036854775807}");
    assert_false(json_in_whole(json_in_get(large, "a"), &whole));
    assert_true(json_in_whole(json_in_get(large, "b"), &whole) && whole == INT64_MAX);
}

static void members_come_in_the_order_in_which_they_were_written(void **state) {
    (void)state;
    AUTO_JSON_IN struct json_in *root = parse(DOCUMENT);
    AUTO_BUF struct buf names;
    buf_init(&names, 64);
    size_t at = 0;
    struct str name = STR_NONE;
    const struct json_in *value = NULL;
    while (json_in_next(json_in_get(root, "o"), &at, &name, &value)) {
        assert_int_equal('\0', name.data[name.size]);
        buf_put_str(&names, name);
        buf_put_char(&names, json_in_kind(value) == JSON_KIND_NONE ? '-' : '+');
    }
    assert_string_equal("z+a+m-", buf_z(&names));
    at = 0;
    assert_false(json_in_next(json_in_get(root, "l"), &at, &name, &value));
    assert_false(json_in_next(NULL, &at, &name, &value));
}

static void parts_are_copied_as_they_stand(void **state) {
    (void)state;
    AUTO_JSON_IN struct json_in *root = parse(DOCUMENT);
    AUTO_BUF struct buf text;
    struct json json;
    buf_init(&text, 1024);
    json_init(&json, &text);
    json_object_begin(&json);
    json_put_value(&json, "list", json_in_get(root, "l"));
    json_put_value(&json, "none", json_in_get(root, "absent"));
    json_put_value(&json, "half", json_in_get(root, "r"));
    json_object_end(&json);
    assert_string_equal("{\"list\":[1,\"x\",null,{}],\"none\":null,\"half\":0.5}", buf_z(&text));
}

/* Names from outside are neither cut nor lost, however long. */
static void long_names_stay_whole(void **state) {
    (void)state;
    AUTO_BUF struct buf text;
    AUTO_BUF struct buf name;
    struct json json;
    buf_init(&text, 4096);
    buf_init(&name, 1024);
    for (int i = 0; i < 700; i++) {
        buf_put_char(&name, (char)('a' + i % 26));
    }
    json_init(&json, &text);
    json_object_begin(&json);
    json_key_str(&json, buf_str(&name));
    json_i64(&json, 7);
    json_key_str(&json, str_slice(buf_str(&name), 0, 699));
    json_i64(&json, 8);
    json_object_end(&json);
    AUTO_JSON_IN struct json_in *root = parse(buf_z(&text));
    int64_t whole = 0;
    assert_int_equal(2, json_in_count(root));
    assert_true(json_in_whole(json_in_find(root, buf_str(&name)), &whole) && whole == 7);
    assert_null(json_in_find(root, str_slice(buf_str(&name), 0, 698)));
    assert_null(json_in_find(root, STR_NONE));
}

static void what_is_no_object_is_refused(void **state) {
    (void)state;
    static const char *const WRONG[] = {
        "", "[]", "1", "{", "{\"a\":1,\"a\":2}", "{\"a\":\"\xff\"}", "{}x"};
    for (size_t i = 0; i < sizeof WRONG / sizeof WRONG[0]; i++) {
        struct json_in *root = NULL;
        struct err err = ERR_INIT;
        assert_int_equal(-ERR_INVALID, json_in_parse(str_of(WRONG[i]), &root, &err));
        assert_null(root);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(kinds_are_told_apart),
        cmocka_unit_test(numbers_are_whole_or_not),
        cmocka_unit_test(members_come_in_the_order_in_which_they_were_written),
        cmocka_unit_test(parts_are_copied_as_they_stand),
        cmocka_unit_test(long_names_stay_whole),
        cmocka_unit_test(what_is_no_object_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
