/*
 * Worked examples: asked as the command line asks, compared member by member. JSON is compared as
 * compact text, so that 5 and 5.0, or null and an absent member, are told apart as far as it
 * matters.
 */
#include "support_examples.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "core/buf.h"
#include "programme/shelf.h"
#include "programme/verbs.h"

static void read_file(const char *path, struct buf *text) {
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    size_t got = 0;
    do {
        uint8_t *room = buf_reserve(text, 65536);
        assert_non_null(room);
        got = fread(room, 1, 65536, file);
        buf_commit(text, got);
    } while (got > 0);
    assert_int_equal(0, fclose(file));
}

static bool same(const struct json_in *a, const struct json_in *b) {
    AUTO_BUF struct buf one;
    AUTO_BUF struct buf other;
    buf_init(&one, 1 << 20);
    buf_init(&other, 1 << 20);
    json_in_put(a, &one);
    json_in_put(b, &other);
    return str_eq(buf_str(&one), buf_str(&other));
}

static void differs(const struct json_in *example, const char *what, struct str answer) {
    struct str id = json_in_text(json_in_get(example, "id"));
    fail_msg("%.*s: %s\n%.*s", STR_ARG(id), what, STR_ARG(answer));
}

static void compare(const struct json_in *example, const struct json_in *answer, struct str text) {
    size_t at = 0;
    struct str name = STR_NONE;
    const struct json_in *wanted = NULL;
    const struct json_in *expect = json_in_get(example, "expect");
    while (json_in_next(expect, &at, &name, &wanted)) {
        const struct json_in *got = json_in_find(answer, name);
        wanted = json_in_find(expect, name); // NULL where null is wanted.
        if (!same(wanted, got)) {
            char what[128];
            (void)snprintf(what, sizeof what, "%.*s differs", STR_ARG(name));
            differs(example, what, text);
        }
    }
    const struct json_in *refused = json_in_get(example, "refused");
    const struct json_in *got = json_in_get(answer, "refused");
    if (refused && json_in_count(refused) != json_in_count(got)) {
        differs(example, "other refusals", text);
    }
    const struct json_in *reasons = json_in_get(example, "reasons");
    at = 0;
    while (json_in_next(reasons, &at, &name, &wanted)) {
        const struct json_in *found = NULL;
        const struct json_in *list = json_in_get(answer, "reasons");
        for (size_t i = 0; i < json_in_count(list); i++) {
            bool is = str_eq(json_in_text(json_in_get(json_in_at(list, i), "rule")), name);
            found = is ? json_in_get(json_in_at(list, i), "result") : found;
        }
        if (!found || !same(wanted, found)) {
            differs(example, "a reason differs", text);
        }
    }
    for (size_t i = 0; i < json_in_count(refused); i++) {
        if (!same(json_in_at(refused, i), json_in_get(json_in_at(got, i), "rule"))) {
            differs(example, "another rule refused", text);
        }
    }
}

static void run(const struct json_in *example) {
    struct err err = ERR_INIT;
    struct programme *programme = NULL;
    AUTO_BUF struct buf answer;
    AUTO_BUF struct buf words;
    AUTO_JSON_IN struct json_in *root = NULL;
    buf_init(&answer, 8 << 20);
    buf_init(&words, 65536);
    const struct verb *verb = verb_find(json_in_text(json_in_get(example, "verb")));
    assert_non_null(verb);
    assert_int_equal(
        0, shelf_find(json_in_text(json_in_get(example, "programme")), &programme, &err));
    if (verb_ask(verb, programme, json_in_text(json_in_get(example, "type")),
            json_in_get(example, "input"), &answer, &err) < 0) {
        err_render(&err, LANG_EN, &words);
        differs(example, "an error", buf_str(&words));
    }
    assert_int_equal(0, json_in_parse(buf_str(&answer), &root, &err));
    compare(example, root, buf_str(&answer));
    programme_free(programme);
}

size_t run_examples(const char *path, const char *verb) {
    AUTO_BUF struct buf text;
    AUTO_JSON_IN struct json_in *root = NULL;
    struct err err = ERR_INIT;
    size_t count = 0;
    buf_init(&text, 8 << 20);
    read_file(path, &text);
    assert_int_equal(0, json_in_parse(buf_str(&text), &root, &err));
    const struct json_in *examples = json_in_get(root, "examples");
    for (size_t i = 0; i < json_in_count(examples); i++) {
        const struct json_in *example = json_in_at(examples, i);
        if (!verb || str_eq(json_in_text(json_in_get(example, "verb")), str_of(verb))) {
            run(example);
            count++;
        }
    }
    return count;
}
