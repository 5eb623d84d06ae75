/*
 * The JSON writer: structure, escapes and numbers no reader changes.
 */
#include "core/json.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

struct paper {
    struct buf buf;
    struct json json;
};

static void paper_init(struct paper *paper) {
    buf_init(&paper->buf, 4096);
    json_init(&paper->json, &paper->buf);
}

static void paper_fini(struct paper *paper) {
    buf_fini(&paper->buf);
}

#define AUTO_PAPER __attribute__((cleanup(paper_fini)))

static void commas_place_themselves_at_every_depth(void **state) {
    (void)state;
    AUTO_PAPER struct paper p;
    paper_init(&p);
    struct json *j = &p.json;
    json_object_begin(j);
    json_key(j, "items");
    json_array_begin(j);
    json_i64(j, 1);
    json_array_begin(j);
    json_array_end(j);
    json_object_begin(j);
    json_object_end(j);
    json_null(j);
    json_raw(j, STR("[9]"));
    json_array_end(j);
    json_put_bool(j, "yes", true);
    json_put_bool(j, "no", false);
    json_put_null(j, "none");
    json_put_i64(j, "count", -5);
    json_put_f64(j, "value", 0.1);
    json_put_str(j, "text", STR("a"));
    json_put_time(j, "time", 1738281600500000000);
    json_key(j, "deep");
    json_object_begin(j);
    json_put_i64(j, "x", 1);
    json_object_end(j);
    json_object_end(j);
    assert_string_equal(buf_z(&p.buf),
        "{\"items\":[1,[],{},null,[9]],\"yes\":true,\"no\":false,\"none\":null,\"count\":-5,"
        "\"value\":0.1,\"text\":\"a\",\"time\":\"2025-01-31T00:00:00.500Z\",\"deep\":{\"x\":1}}");
    assert_int_equal(j->depth, 0);
}

static void check_string(struct str text, const char *want) {
    AUTO_PAPER struct paper p;
    paper_init(&p);
    json_str(&p.json, text);
    assert_string_equal(buf_z(&p.buf), want);
}

static void strings_are_escaped_as_rfc_8259_asks(void **state) {
    (void)state;
    check_string(STR(""), "\"\"");
    check_string(STR("a\"b\\c/d"), "\"a\\\"b\\\\c/d\"");
    check_string(STR("\n\r\t\b\f"), "\"\\n\\r\\t\\u0008\\u000c\"");
    check_string((struct str){"\0\x1F\x7F", 3}, "\"\\u0000\\u001f\x7F\"");
    check_string(STR("프레스 1호 🏭"), "\"프레스 1호 🏭\"");
}

static void malformed_utf8_becomes_replacement_characters(void **state) {
    (void)state;
    check_string(STR("a\xFF"
                     "b"),
        "\"a\xEF\xBF\xBD"
        "b\"");
    check_string(STR("\xEA\xB0"), "\"\xEF\xBF\xBD\xEF\xBF\xBD\"");
    check_string(STR("\xED\xA0\x80"), "\"\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\"");
    check_string(STR("\xEA\xB0\x80\x80"), "\"\xEA\xB0\x80\xEF\xBF\xBD\"");
}

static void keys_are_escaped_too(void **state) {
    (void)state;
    AUTO_PAPER struct paper p;
    paper_init(&p);
    json_object_begin(&p.json);
    json_put_i64(&p.json, "a\"b", 1);
    json_object_end(&p.json);
    assert_string_equal(buf_z(&p.buf), "{\"a\\\"b\":1}");
}

static void numbers_a_reader_would_change_are_strings(void **state) {
    (void)state;
    AUTO_PAPER struct paper p;
    paper_init(&p);
    json_array_begin(&p.json);
    json_i64(&p.json, 9007199254740992);
    json_i64(&p.json, 9007199254740993);
    json_i64(&p.json, -9007199254740992);
    json_i64(&p.json, -9007199254740993);
    json_i64(&p.json, INT64_MIN);
    json_f64(&p.json, (double)NAN);
    json_f64(&p.json, (double)INFINITY);
    json_f64(&p.json, -(double)INFINITY);
    json_f64(&p.json, 1e300);
    json_f64(&p.json, -0.0);
    json_array_end(&p.json);
    assert_string_equal(buf_z(&p.buf),
        "[9007199254740992,\"9007199254740993\",-9007199254740992,\"-9007199254740993\","
        "\"-9223372036854775808\",\"nan\",\"inf\",\"-inf\",1e+300,-0]");
}

static void the_deepest_nesting_is_written(void **state) {
    (void)state;
    AUTO_PAPER struct paper p;
    paper_init(&p);
    for (int i = 0; i < JSON_DEPTH_MAX; i++) {
        json_array_begin(&p.json);
    }
    for (int i = 0; i < JSON_DEPTH_MAX; i++) {
        json_array_end(&p.json);
    }
    assert_int_equal(p.buf.size, 2 * JSON_DEPTH_MAX);
}

static void an_overflow_is_seen_at_the_end(void **state) {
    (void)state;
    AUTO_BUF struct buf small;
    buf_init(&small, 10);
    struct json json;
    json_init(&json, &small);
    json_object_begin(&json);
    json_put_str(&json, "key", STR("a long value"));
    json_object_end(&json);
    assert_true(small.overflow);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(commas_place_themselves_at_every_depth),
        cmocka_unit_test(strings_are_escaped_as_rfc_8259_asks),
        cmocka_unit_test(malformed_utf8_becomes_replacement_characters),
        cmocka_unit_test(keys_are_escaped_too),
        cmocka_unit_test(numbers_a_reader_would_change_are_strings),
        cmocka_unit_test(the_deepest_nesting_is_written),
        cmocka_unit_test(an_overflow_is_seen_at_the_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
