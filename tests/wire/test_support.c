/*
 * Frames of remote support: what is written is read again; anything else is refused as a whole.
 */
#include "wire/support.h"

#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static struct support_requests some_requests(void) {
    return (struct support_requests){.flags = SUPPORT_END,
        .count = 2,
        .items = {{.id = 7, .target = STR("/api/v1/plants/p1/tags?x=%20"), .language = STR("ko")},
            {.id = UINT32_MAX,
                .method = SUPPORT_PUT,
                .target = STR("/api/v1/plants/p1/tags/a"),
                .type = STR("application/json"),
                .body = STR("{\"a\":1}")}}};
}

static void requests_come_back_as_they_were_written(void **state) {
    (void)state;
    struct support_requests wish = some_requests();
    AUTO_BUF struct buf frame;
    buf_init(&frame, SUPPORT_FRAME_BYTES);
    support_requests_write(&wish, &frame);
    struct support_requests got;
    assert_int_equal(support_requests_read(buf_str(&frame), &got, NULL), 0);
    assert_int_equal(got.flags, SUPPORT_END);
    assert_int_equal(got.count, 2);
    assert_int_equal(got.items[0].id, 7);
    assert_true(str_eq(got.items[0].target, wish.items[0].target));
    assert_true(str_eq(got.items[0].language, STR("ko")));
    assert_int_equal(got.items[1].method, SUPPORT_PUT);
    assert_true(str_eq(got.items[1].body, STR("{\"a\":1}")));
    struct support_answers none;
    assert_int_equal(support_answers_read(buf_str(&frame), &none, NULL), -ERR_FRAME);
}

static void answers_come_back_as_they_were_written(void **state) {
    (void)state;
    struct support_answers wish = {.flags = SUPPORT_STAY,
        .count = 1,
        .items = {{.id = 3,
            .status = 404,
            .type = STR("text/csv"),
            .disposition = STR("attachment; filename=\"a.csv\""),
            .body = {"\0\xff\n", 3}}}};
    AUTO_BUF struct buf frame;
    buf_init(&frame, SUPPORT_FRAME_BYTES);
    support_answers_write(&wish, &frame);
    struct support_answers got;
    assert_int_equal(support_answers_read(buf_str(&frame), &got, NULL), 0);
    assert_int_equal(got.items[0].status, 404);
    assert_true(str_eq(got.items[0].body, wish.items[0].body));
    assert_true(str_eq(got.items[0].disposition, wish.items[0].disposition));
}

static void every_cut_and_every_byte_too_many_is_refused(void **state) {
    (void)state;
    struct support_requests wish = some_requests();
    AUTO_BUF struct buf frame;
    buf_init(&frame, SUPPORT_FRAME_BYTES);
    support_requests_write(&wish, &frame);
    struct support_requests got;
    for (size_t size = 0; size < frame.size; size++) {
        struct str cut = str_slice(buf_str(&frame), 0, size);
        assert_int_equal(support_requests_read(cut, &got, NULL), -ERR_FRAME);
    }
    buf_put_char(&frame, 'x');
    assert_int_equal(support_requests_read(buf_str(&frame), &got, NULL), -ERR_FRAME);
}

static void one(const struct support_request *request, int wanted) {
    struct support_requests wish = {.count = 1, .items = {*request}};
    AUTO_BUF struct buf frame;
    buf_init(&frame, SUPPORT_FRAME_BYTES);
    support_requests_write(&wish, &frame);
    struct support_requests got;
    assert_int_equal(support_requests_read(buf_str(&frame), &got, NULL), wanted);
}

static void what_could_not_stand_in_a_request_is_refused(void **state) {
    (void)state;
    static char long_target[SUPPORT_TARGET_BYTES + 2];
    memset(long_target, 'a', sizeof long_target - 1);
    long_target[0] = '/';
    one(&(struct support_request){.id = 1, .target = STR("/a")}, 0);
    one(&(struct support_request){.id = 0, .target = STR("/a")}, -ERR_FRAME);
    one(&(struct support_request){.id = 1, .target = STR("a")}, -ERR_FRAME);
    one(&(struct support_request){.id = 1, .target = STR("")}, -ERR_FRAME);
    one(&(struct support_request){.id = 1, .target = STR("/a b")}, -ERR_FRAME);
    one(&(struct support_request){.id = 1, .target = STR("/a\r\nX: y")}, -ERR_FRAME);
    one(&(struct support_request){.id = 1, .target = STR("/a#b")}, -ERR_FRAME);
    one(&(struct support_request){.id = 1, .target = STR("/\xea\xb0\x80")}, -ERR_FRAME);
    one(&(struct support_request){.id = 1, .target = str_of(long_target)}, -ERR_FRAME);
    long_target[SUPPORT_TARGET_BYTES] = '\0';
    one(&(struct support_request){.id = 1, .target = str_of(long_target)}, 0);
    one(&(struct support_request){.id = 1, .target = STR("/a"), .method = SUPPORT_METHODS},
        -ERR_FRAME);
    one(&(struct support_request){.id = 1, .target = STR("/a"), .type = STR("a\nb")}, -ERR_FRAME);
    static char body[SUPPORT_BODY_BYTES + 1];
    one(&(struct support_request){.id = 1, .target = STR("/a"), .body = {body, SUPPORT_BODY_BYTES}},
        0);
    one(
        &(struct support_request){
            .id = 1, .target = STR("/a"), .body = {body, SUPPORT_BODY_BYTES + 1}},
        -ERR_FRAME);
}

static void answer(uint32_t id, uint16_t status, int wanted) {
    struct support_answers wish = {.count = 1, .items = {{.id = id, .status = status}}};
    AUTO_BUF struct buf frame;
    buf_init(&frame, SUPPORT_FRAME_BYTES);
    support_answers_write(&wish, &frame);
    struct support_answers got;
    assert_int_equal(support_answers_read(buf_str(&frame), &got, NULL), wanted);
}

static void answers_have_a_status_and_a_number(void **state) {
    (void)state;
    answer(1, 200, 0);
    answer(1, 599, 0);
    answer(1, 199, -ERR_FRAME);
    answer(1, 600, -ERR_FRAME);
    answer(0, 200, -ERR_FRAME);
}

static void heads_of_others_are_refused(void **state) {
    (void)state;
    static const char *const FRAMES[] = {
        "", "MRS1", "MRS2Q\1\1", "<html>502 Bad Gateway</html>", "MRS1Q\4\1", "MRS1Q\1\x11"};
    struct support_requests got;
    for (size_t i = 0; i < sizeof FRAMES / sizeof FRAMES[0]; i++) {
        assert_int_equal(support_requests_read(str_of(FRAMES[i]), &got, NULL), -ERR_FRAME);
    }
    struct str empty = {"MRS1Q\0\0", 7};
    assert_int_equal(support_requests_read(empty, &got, NULL), 0);
    assert_int_equal(got.count, 0);
}

#define CODE "abcdefghijklmnopqrstuvwxyz0123456789-_ABCDE"
#define HEX  "00112233445566778899aabbccddeeff00112233445566778899AABBCCDDEEFF"

static void links_are_read_whole_or_not_at_all(void **state) {
    (void)state;
    struct support_link link;
    struct str text = STR(" https://desk.example:8443/support#" CODE "." HEX "\n");
    assert_int_equal(support_link_read(text, &link, NULL), 0);
    assert_true(str_eq(link.base, STR("https://desk.example:8443")));
    assert_true(str_eq(link.code, STR(CODE)));
    assert_true(str_starts(str_of(link.fingerprint), STR("00:11:22:33")));
    assert_true(str_ends(str_of(link.fingerprint), STR("AA:BB:CC:DD:EE:FF")));
    AUTO_BUF struct buf again;
    buf_init(&again, SUPPORT_LINK_BYTES);
    support_link_write(&link, &again);
    struct support_link second;
    assert_int_equal(support_link_read(buf_str(&again), &second, NULL), 0);
    assert_string_equal(second.fingerprint, link.fingerprint);
    assert_int_equal(support_link_read(STR("http://127.0.0.1:1/support#" CODE), &link, NULL), 0);
    assert_string_equal(link.fingerprint, "");
    assert_int_equal(support_link_read(STR("http://[::1]:1/support#" CODE), &link, NULL), 0);
    static const char *const BAD[] = {"", "https://a/support", "https://a/support#",
        "https://a/support#" CODE "x", "https://a/support#" CODE ".",
        "https://a/support#" CODE ".00", "https://a/other#" CODE, "https://a/b/support#" CODE,
        "https://u@a/support#" CODE, "https:///support#" CODE, "http://desk.example/support#" CODE,
        "http://127.0.0.1.example/support#" CODE, "http://localhost.example/support#" CODE,
        "ftp://a/support#" CODE, "https://a b/support#" CODE, "https://a/support#" CODE "." HEX "0",
        "https://a?x=/support#" CODE, "file:///etc/support#" CODE};
    for (size_t i = 0; i < sizeof BAD / sizeof BAD[0]; i++) {
        if (support_link_read(str_of(BAD[i]), &link, NULL) != -ERR_INVALID) {
            fail_msg("%s", BAD[i]);
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(requests_come_back_as_they_were_written),
        cmocka_unit_test(answers_come_back_as_they_were_written),
        cmocka_unit_test(every_cut_and_every_byte_too_many_is_refused),
        cmocka_unit_test(what_could_not_stand_in_a_request_is_refused),
        cmocka_unit_test(answers_have_a_status_and_a_number),
        cmocka_unit_test(heads_of_others_are_refused),
        cmocka_unit_test(links_are_read_whole_or_not_at_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
