/*
 * A desk against factories that lie, by hand: forged answers, strangers, codes used twice.
 */
#include "support_remote.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "wire/support.h"

/* ---- Factories that lie ---- */

static int exchange(const char *key, const struct support_answers *answers, struct answer *ret) {
    char headers[256];
    AUTO_BUF struct buf frame;
    buf_init(&frame, SUPPORT_FRAME_BYTES);
    support_answers_write(answers, &frame);
    (void)snprintf(headers, sizeof headers, "Authorization: Bearer %s\r\n", key);
    struct question question = {.port = here.desk.port,
        .method = "POST",
        .target = "/api/v1/support/desk/exchange",
        .headers = headers,
        .body = buf_str(&frame)};
    client_ask(&question, ret);
    return ret->status;
}

/* Opens a case and takes it up as a factory would. */
static void connect_by_hand(char key[64]) {
    char body[512];
    open_case(here.fitter);
    (void)snprintf(body, sizeof body,
        "{\"code\":\"%s\",\"plant\":\"p1\",\"display\":\"P\",\"role\":\"viewer\",\"seconds\":600}",
        strchr(here.link, '#') + 1);
    struct question question = {.port = here.desk.port,
        .method = "POST",
        .target = "/api/v1/support/desk/connect",
        .headers = "Content-Type: application/json\r\n",
        .body = str_of(body)};
    AUTO_ANSWER struct answer answer;
    client_ask(&question, &answer);
    assert_int_equal(answer.status, 200);
    member(&answer, "key", key, 64);
    AUTO_ANSWER struct answer again;
    client_ask(&question, &again);
    assert_int_equal(again.status, 403); // Spent.
}

/* Sends the supporter's question and leaves the answer open. */
static int via_open(const char *target) {
    char line[1400];
    char request[2048];
    via_line("GET", target, line, sizeof line);
    int size = snprintf(request, sizeof request,
        "%s HTTP/1.1\r\nHost: localhost\r\nCookie: %s\r\nX-Requested-With: maru\r\n"
        "Content-Length: 0\r\nConnection: close\r\n\r\n",
        line, here.fitter);
    int fd = client_connect(here.desk.port);
    client_send(fd, request, (size_t)size);
    return fd;
}

static void nobody_answers_for_another_factory(void **state) {
    (void)state;
    char first[64];
    char second[64];
    connect_by_hand(second);
    connect_by_hand(first); // The case of the questions below.
    struct support_answers stay = {.flags = SUPPORT_STAY};
    AUTO_ANSWER struct answer hello;
    assert_int_equal(exchange(first, &stay, &hello), 200);
    int fd = via_open(TAGS);
    struct support_answers none = {.count = 0};
    struct support_requests got = {.count = 0};
    AUTO_ANSWER struct answer poll;
    assert_int_equal(exchange(first, &none, &poll), 200);
    assert_int_equal(support_requests_read(buf_str(&poll.body), &got, NULL), 0);
    assert_int_equal(got.count, 1);
    assert_true(str_eq(got.items[0].target, STR(TAGS)));
    uint32_t id = got.items[0].id;
    struct support_answers forged = {.flags = SUPPORT_STAY,
        .count = 2,
        .items = {{.id = id, .status = 200, .body = STR("forged")},
            {.id = id + 1, .status = 200, .body = STR("forged")}}};
    AUTO_ANSWER struct answer other;
    assert_int_equal(exchange(second, &forged, &other), 200);
    forged.items[0].id = id + 7; // Its own key, but of a request that nobody made.
    AUTO_ANSWER struct answer early;
    assert_int_equal(exchange(first, &forged, &early), 200);
    struct support_answers right = {.flags = SUPPORT_STAY,
        .count = 1,
        .items = {{.id = id, .status = 200, .type = STR("text/plain"), .body = STR("right")}}};
    AUTO_ANSWER struct answer last;
    assert_int_equal(exchange(first, &right, &last), 200);
    AUTO_ANSWER struct answer answer;
    client_read_answer(fd, false, &answer);
    (void)close(fd);
    assert_int_equal(answer.status, 200);
    assert_string_equal(buf_z(&answer.body),
        "{\"status\":200,\"type\":\"text/plain\",\"disposition\":\"\"}\nright");
}

static void strangers_get_nothing_from_the_desk(void **state) {
    (void)state;
    char key[64];
    connect_by_hand(key);
    struct support_answers none = {.flags = SUPPORT_STAY};
    AUTO_ANSWER struct answer stranger;
    assert_int_equal(
        exchange("abcdefghijklmnopqrstuvwxyz0123456789-_ABCDE", &none, &stranger), 410);
    AUTO_ANSWER struct answer nobody;
    assert_int_equal(exchange("", &none, &nobody), 410);
    char headers[256];
    (void)snprintf(headers, sizeof headers, "Authorization: Bearer %s\r\n", key);
    struct question question = {.port = here.desk.port,
        .method = "POST",
        .target = "/api/v1/support/desk/exchange",
        .headers = headers,
        .body = STR("MRS1A\1\1")};
    AUTO_ANSWER struct answer damaged;
    client_ask(&question, &damaged);
    assert_int_equal(damaged.status, 400);
    struct support_answers bye = {.flags = SUPPORT_END};
    AUTO_ANSWER struct answer farewell;
    assert_int_equal(exchange(key, &bye, &farewell), 200);
    AUTO_ANSWER struct answer over;
    assert_int_equal(exchange(key, &none, &over), 410);
}

static void a_withdrawn_code_opens_nothing(void **state) {
    (void)state;
    open_case(here.fitter);
    char line[128];
    (void)snprintf(line, sizeof line, "DELETE " CASES "/%s", here.case_id);
    ask(&here.desk, line, here.fitter, "", 204, NULL);
    approve(here.link, "viewer", 60, 409);
    ask(&here.factory, "GET " SUPPORT, here.owner, "", 200, "{\"now\":null,\"items\":[]}");
}

static void a_newer_poll_sends_the_older_one_home(void **state) {
    (void)state;
    char key[64];
    char request[512];
    connect_by_hand(key);
    int size = snprintf(request, sizeof request,
        "POST /api/v1/support/desk/exchange HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer "
        "%s\r\nContent-Length: 7\r\nConnection: close\r\n\r\nMRS1A",
        key);
    memcpy(request + size, "\0\0", 2);
    int fd = client_connect(here.desk.port);
    client_send(fd, request, (size_t)size + 2);
    until(&here.desk, "GET " CASES, here.fitter, "\"connected\":true");
    struct support_answers stay = {.flags = SUPPORT_STAY};
    AUTO_ANSWER struct answer newer;
    assert_int_equal(exchange(key, &stay, &newer), 200);
    AUTO_ANSWER struct answer older;
    client_read_answer(fd, false, &older);
    (void)close(fd);
    assert_int_equal(older.status, 200);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        BOTH(nobody_answers_for_another_factory),
        BOTH(strangers_get_nothing_from_the_desk),
        BOTH(a_withdrawn_code_opens_nothing),
        BOTH(a_newer_poll_sends_the_older_one_home),
    };
    return cmocka_run_group_tests(tests, open_both, close_both);
}
