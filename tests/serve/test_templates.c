/*
 * Equipment templates over HTTP: kept, listed, carried out as a file and in again, made under new
 * names; and files that are none.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "serve/template_in.h"
#include "support_server.h"

#define TEMPLATES "/api/v1/plants/p1/templates"

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

static void ask(const char *method, const char *target, const char *body, int status,
    const char *has, struct answer *ret_answer) {
    rig_ask(&rig, method, target, rig.installer, str_of(body), ret_answer);
    if (ret_answer->status != status || strstr(buf_z(&ret_answer->body), has) == NULL) {
        fail_msg("%s %s gave %d: %s", method, target, ret_answer->status, buf_z(&ret_answer->body));
    }
}

static void expect(
    const char *method, const char *target, const char *body, int status, const char *has) {
    AUTO_ANSWER struct answer answer;
    ask(method, target, body, status, has, &answer);
}

static void a_template_is_kept_carried_and_made(void **state) {
    (void)state;
    static const char KEEP[] = "{\"name\":\"Press\",\"note\":\"of 2026\",\"devices\":[\"dev1\"]}";
    expect("PUT", "/api/v1/plants/p1/tags/line1.press1.kept",
        "{\"device\":\"dev1\",\"source\":\"input:7\"}", 201, "kept");
    expect("POST", TEMPLATES, KEEP, 201, "\"number\":1");
    expect("POST", TEMPLATES, KEEP, 201, "\"number\":1"); // The same again is the same.
    expect("GET", TEMPLATES, "", 200, "\"name\":\"Press\"");
    AUTO_ANSWER struct answer file;
    ask("GET", TEMPLATES "/1", "", 200, "\"maru_template\":1", &file);
    assert_non_null(strstr(buf_z(&file.body), "line1.press1."));
    static const char WISH[] =
        "{\"names\":[{\"from\":\"line1.press1\",\"to\":\"line9.press9\"}],\"devices\":[{\"from\":"
        "\"dev1\",\"to\":\"dev9\",\"address\":\"127.0.0.1:1\"}]}";
    expect("POST", TEMPLATES "/1/apply?dry_run=1", WISH, 200, "\"refused\":false");
    expect("GET", "/api/v1/plants/p1/devices/dev9", "", 404, "");
    expect("POST", TEMPLATES "/1/apply", WISH, 200, "\"faults\":0");
    expect("GET", "/api/v1/plants/p1/devices/dev9", "", 200, "127.0.0.1:1");
    expect("POST", TEMPLATES "/1/apply", WISH, 200, "\"made\":0");
    expect("DELETE", TEMPLATES "/1", "", 204, "");
    expect("DELETE", TEMPLATES "/1", "", 404, "template");
    expect("POST", TEMPLATES "/upload", buf_z(&file.body), 201, "\"name\":\"Press\"");
}

static void a_name_stands_once(void **state) {
    (void)state;
    static const char ONE[] =
        "{\"maru_template\":1,\"name\":\"N\",\"devices\":[],\"tags\":[{\"tag\":\"a.b\"}]}";
    static const char OTHER[] =
        "{\"maru_template\":1,\"name\":\"N\",\"devices\":[],\"tags\":[{\"tag\":\"a.c\"}]}";
    expect("POST", TEMPLATES "/upload", ONE, 201, "\"tags\":1");
    expect("POST", TEMPLATES "/upload", OTHER, 409, "N");
}

static void a_file_that_is_none_is_refused_in_words(void **state) {
    (void)state;
    static const struct {
        const char *text;
        const char *has;
    } CASES[] = {{"", "detail"}, {"[]", "detail"}, {"{}", "maru_template"},
        {"{\"maru_template\":2,\"name\":\"n\"}", "detail"},
        {"{\"maru_template\":1,\"name\":\"n\",\"devices\":[],\"tags\":[]}", "detail"},
        {"{\"maru_template\":1,\"name\":\"\",\"tags\":[{\"tag\":\"a\"}]}", "detail"},
        {"{\"maru_template\":1,\"name\":\"n\",\"tags\":[{\"tga\":\"a\"}]}", "tga"},
        {"{\"maru_template\":1,\"name\":\"n\",\"tags\":[{\"unit\":\"a\"}]}", "tag"},
        {"{\"maru_template\":1,\"name\":\"n\",\"tags\":[{\"tag\":1}]}", "tag"},
        {"{\"maru_template\":1,\"name\":\"n\",\"tags\":[{\"tag\":\"a\\u000ab\"}]}", "tag"},
        {"{\"maru_template\":1,\"name\":\"n\",\"more\":1}", "more"}};
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        AUTO_ANSWER struct answer answer;
        rig_ask(&rig, "POST", TEMPLATES "/upload", rig.installer, str_of(CASES[i].text), &answer);
        if (answer.status < 400 || answer.status > 499 ||
            strstr(buf_z(&answer.body), CASES[i].has) == NULL) {
            fail_msg("%s gave %d: %s", CASES[i].text, answer.status, buf_z(&answer.body));
        }
    }
}

static void what_was_written_reads_back_the_same(void **state) {
    (void)state;
    static const char TEXT[] =
        "{\"maru_template\":1,\"name\":\"n\",\"note\":\"\",\"equipment\":[],\"devices\":[{"
        "\"device\":\"d\",\"driver\":\"modbus\",\"address\":\"a\"}],\"tags\":[{\"tag\":\"a.b\","
        "\"device\":\"d\",\"unit\":\"°C\"}]}";
    AUTO_ARENA struct arena arena;
    arena_init(&arena, 0);
    struct template template;
    struct err err = ERR_INIT;
    assert_int_equal(template_read(STR(TEXT), &arena, &template, &err), 0);
    AUTO_BUF struct buf out;
    buf_init(&out, 4096);
    template_put(&template, &out);
    assert_string_equal(buf_z(&out), TEXT);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_template_is_kept_carried_and_made),
        cmocka_unit_test(a_name_stands_once),
        cmocka_unit_test(a_file_that_is_none_is_refused_in_words),
        cmocka_unit_test(what_was_written_reads_back_the_same),
    };
    return cmocka_run_group_tests(tests, open_rig, close_rig);
}
