/*
 * The small languages of a request: decoding, query strings, cookies, languages, hosts.
 */
#include "serve/query.h"

#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "core/buf.h"

static void percent_encoding_is_decoded_or_refused(void **state) {
    (void)state;
    static const struct {
        const char *in;
        const char *out; // NULL: refused.
    } CASES[] = {
        {"plain", "plain"}, {"", ""}, {"a%20b", "a b"}, {"a+b", "a b"}, {"%ED%95%9C", "한"},
        {"%ed%95%9c", "한"}, {"100%25", "100%"}, {"%", NULL}, {"%4", NULL}, {"%zz", NULL},
        {"%4z", NULL}, {"%00", NULL}, {"a%0Ab", NULL}, {"%7f", NULL}, {"%ff", NULL},
        {"%C0%80", NULL}, // An overlong form of NUL.
    };
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        AUTO_ARENA struct arena arena;
        arena_init(&arena, 4096);
        struct str out = STR_NONE;
        struct err err = ERR_INIT;
        int rc = query_decode(str_of(CASES[i].in), true, &arena, &out, &err);
        if ((rc >= 0) != (CASES[i].out != NULL) ||
            (CASES[i].out && !str_eq(out, str_of(CASES[i].out)))) {
            fail_msg("%s", CASES[i].in);
        }
    }
}

static void a_plus_is_a_blank_in_queries_only(void **state) {
    (void)state;
    AUTO_ARENA struct arena arena;
    arena_init(&arena, 4096);
    struct str out = STR_NONE;
    assert_int_equal(query_decode(STR("a+b"), false, &arena, &out, NULL), 0);
    assert_true(str_eq(out, STR("a+b")));
}

static void a_query_is_cut_into_names_and_values(void **state) {
    (void)state;
    AUTO_ARENA struct arena arena;
    arena_init(&arena, 1 << 20);
    static struct query query;
    assert_int_equal(query_parse(STR("a=1&b=&c&&d=x%3Dy=z&a=2"), &arena, &query, NULL), 0);
    assert_int_equal(query.count, 5);
    struct str value = STR_NONE;
    assert_true(query_find(&query, STR("a"), &value) && str_eq(value, STR("1")));
    assert_true(query_find(&query, STR("b"), &value) && value.size == 0);
    assert_true(query_find(&query, STR("c"), &value) && value.size == 0);
    assert_true(query_find(&query, STR("d"), &value) && str_eq(value, STR("x=y=z")));
    assert_false(query_find(&query, STR("e"), &value));
}

static void too_many_parameters_are_refused(void **state) {
    (void)state;
    AUTO_ARENA struct arena arena;
    arena_init(&arena, 1 << 20);
    AUTO_BUF struct buf text = {0};
    buf_init(&text, 1 << 16);
    static struct query query;
    for (int i = 0; i < QUERY_PARAMS_MAX; i++) {
        buf_put_str(&text, STR("a=1&"));
    }
    assert_int_equal(query_parse(buf_str(&text), &arena, &query, NULL), 0);
    buf_put_str(&text, STR("a=1"));
    assert_int_equal(query_parse(buf_str(&text), &arena, &query, NULL), -ERR_LIMIT);
}

static void a_cookie_is_found_among_others(void **state) {
    (void)state;
    static const struct {
        const char *header;
        const char *value;
    } CASES[] = {
        {"s=1", "1"},
        {"a=b; s=2; c=d", "2"},
        {"a=b;s=\"3\"", "3"},
        {"ss=4; s=5; s=6", "5"},
        {"", ""},
        {"s", ""},
        {"s=", ""},
        {"xs=7", ""},
        {"; ;=; s=8", "8"},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        struct str value = cookie_find(str_of(CASES[i].header), STR("s"));
        if (!str_eq(value, str_of(CASES[i].value))) {
            fail_msg("%s", CASES[i].header);
        }
    }
}

static void korean_unless_english_is_preferred(void **state) {
    (void)state;
    static const struct {
        const char *header;
        enum lang lang;
    } CASES[] = {
        {"", LANG_KO},
        {"ko-KR,ko;q=0.9,en;q=0.8", LANG_KO},
        {"en-US,en;q=0.9", LANG_EN},
        {"en-US,en;q=0.9,ko;q=0.8", LANG_EN},
        {"de,en;q=0.5", LANG_EN},
        {"de", LANG_KO},
        {"*", LANG_KO},
        {"en;q=0", LANG_KO},
        {"en;q=abc", LANG_KO},
        {"EN", LANG_EN},
        {"en;q=0.5,*;q=0.9", LANG_KO},
        {",;,;q=1,", LANG_KO},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        if (accept_language(str_of(CASES[i].header)) != CASES[i].lang) {
            fail_msg("%s", CASES[i].header);
        }
    }
}

static void hosts_that_are_ours(void **state) {
    (void)state;
    static const struct {
        const char *host;
        bool ours;
    } CASES[] = {
        {"localhost", true},
        {"LOCALHOST:80", true},
        {"127.0.0.1", true},
        {"192.168.10.20:8080", true},
        {"[::1]", true},
        {"[fe80::1]:443", true},
        {"maru.plant.example", true},
        {"maru.plant.example:8443", true},
        {"", false},
        {"evil.example", false},
        {"127.0.0.1.evil.example", false},
        {"localhost.evil.example", false},
        {"127.0.0.1:99999", false},
        {"127.0.0.1:x", false},
        {"[::1", false},
        {"::1", false},
        {"999.1.1.1", false},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        if (host_is_ours(str_of(CASES[i].host), "maru.plant.example") != CASES[i].ours) {
            fail_msg("%s", CASES[i].host);
        }
    }
    assert_false(host_is_ours(STR("maru.plant.example"), NULL));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(percent_encoding_is_decoded_or_refused),
        cmocka_unit_test(a_plus_is_a_blank_in_queries_only),
        cmocka_unit_test(a_query_is_cut_into_names_and_values),
        cmocka_unit_test(too_many_parameters_are_refused),
        cmocka_unit_test(a_cookie_is_found_among_others),
        cmocka_unit_test(korean_unless_english_is_preferred),
        cmocka_unit_test(hosts_that_are_ours),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
