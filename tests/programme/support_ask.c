/*
 * One question, one answer. The answers' texts are compared as compact JSON, so that a test shows
 * exactly what a page would get.
 */
#include "support_ask.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "core/buf.h"

enum { BYTES_MAX = 64 << 20 };

static void print_err(const struct err *err) {
    struct buf text;
    buf_init(&text, 4096);
    err_render(err, LANG_EN, &text);
    print_error("%s\n", buf_z(&text));
    buf_fini(&text);
}

struct json_in *json_from(const char *text) {
    struct json_in *json = NULL;
    struct err err = ERR_INIT;
    if (json_in_parse(str_of(text), &json, &err) < 0) {
        print_err(&err);
        fail();
    }
    return json;
}

struct programme *programme_from(const char *text) {
    struct programme *programme = NULL;
    struct err err = ERR_INIT;
    if (programme_parse(str_of(text), &programme, &err) < 0) {
        print_err(&err);
        fail();
    }
    return programme;
}

struct json_in *ask_with(ask_function ask, const struct programme *programme, const char *type,
    const char *input, int *ret_code) {
    struct json_in *given = json_from(input);
    struct err err = ERR_INIT;
    const struct json_in *found = NULL;
    if (type) {
        assert_int_equal(0, programme_type(programme, str_of(type), &found, &err));
    }
    struct buf out;
    buf_init(&out, BYTES_MAX);
    struct answer answer;
    answer_begin(&answer, &out, programme, found);
    int status = ask(programme, found, given, &answer, &err);
    struct json_in *result = NULL;
    if (status < 0) {
        answer_drop(&answer);
        assert_true(err.note_count > 0);
        *ret_code = (int)err.code;
    } else {
        answer_end(&answer);
        result = json_from(buf_z(&out));
    }
    buf_fini(&out);
    json_in_free(given);
    return result;
}

struct json_in *ask_one(
    ask_function ask, const char *programme, const char *type, const char *input) {
    struct programme *read = programme_from(programme);
    int code = 0;
    struct json_in *answer = ask_with(ask, read, type, input, &code);
    assert_non_null(answer);
    programme_free(read);
    return answer;
}

const char *text_in(const struct json_in *object, const char *member) {
    return json_in_text(json_in_get(object, member)).data;
}

const struct json_in *entry_of(
    const struct json_in *answer, const char *list, const char *member, const char *value) {
    const struct json_in *all = json_in_get(answer, list);
    for (size_t i = 0; i < json_in_count(all); i++) {
        const struct json_in *one = json_in_at(all, i);
        if (strcmp(text_in(one, member), value) == 0) {
            return one;
        }
    }
    return NULL;
}

bool is_json(const struct json_in *value, const char *json) {
    struct buf text;
    buf_init(&text, BYTES_MAX);
    double number = 0;
    char shortest[32];
    if (json_in_number(value, &number)) {
        buf_put_str(&text, (struct str){shortest, f64_to_text(number, shortest)});
    } else if (value) {
        json_in_put(value, &text);
    } else {
        buf_put_str(&text, STR("null"));
    }
    bool same = str_eq(buf_str(&text), str_of(json));
    if (!same) {
        print_error("expected %s\ngot      %s\n", json, buf_z(&text));
    }
    buf_fini(&text);
    return same;
}

bool mentions(const struct json_in *answer, const char *list, const char *part) {
    struct buf text;
    buf_init(&text, BYTES_MAX);
    const struct json_in *all = json_in_get(answer, list);
    if (all) {
        json_in_put(all, &text);
    }
    bool found = strstr(buf_z(&text), part) != NULL;
    if (!found) {
        print_error("no %s in %s\n", part, buf_z(&text));
    }
    buf_fini(&text);
    return found;
}
