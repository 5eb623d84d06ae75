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

#include "core/mem.h"
#include "serve/desk.h"
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

/* ---- What is kept ---- */

enum { KEPT_QUESTIONS = 20 };

/* An exchange that runs and is not parked: nobody can wake it, so the test alone asks its source.
 * Zero, and with room for what http.c keeps behind the part that is shared. */
static struct http_exchange *running(struct arena *arena) {
    return ARENA_ARRAY(arena, struct http_exchange, 4);
}

/* The factory's exchange: brings answers, takes requests. */
static void bring(struct desk *desk, struct arena *arena, const struct support_answers *answers,
    struct support_requests *ret_requests) {
    struct http_source source;
    AUTO_BUF struct buf frame;
    buf_init(&frame, SUPPORT_FRAME_BYTES);
    struct desk_poll poll = {.exchange = running(arena), .line = STR("case"), .answers = answers};
    assert_int_equal(desk_poll(desk, &poll, &source, NULL), 0);
    int rc = source.fill(source.state, &frame, NULL);
    source.free(source.state);
    if (ret_requests) {
        assert_int_equal(rc, HTTP_MORE);
        assert_int_equal(support_requests_read(buf_str(&frame), ret_requests, NULL), 0);
    }
}

static void open_question(struct desk *desk, struct arena *arena, struct http_source *ret_source) {
    struct desk_ask asked = {.exchange = running(arena),
        .line = STR("case"),
        .lang = LANG_EN,
        .request = {.target = STR(TAGS)}};
    assert_int_equal(desk_ask(desk, &asked, ret_source, NULL), 0);
}

/* Of twenty answers of 4 MiB sixteen have a place; the others are told, and small ones still come.
 */
static void a_desk_keeps_no_more_answers_than_it_has_room_for(void **state) {
    (void)state;
    AUTO_ARENA struct arena arena;
    arena_init(&arena, 0);
    struct desk *desk = desk_new(clock_system());
    struct http_source sources[KEPT_QUESTIONS + 1];
    AUTO_BUF struct buf large;
    buf_init(&large, SUPPORT_ANSWER_BYTES);
    while (large.size < SUPPORT_ANSWER_BYTES) {
        buf_put_str(&large, STR("0123456789abcdef"));
    }
    bring(desk, &arena, &(struct support_answers){.flags = SUPPORT_STAY}, NULL);
    for (size_t i = 0; i <= KEPT_QUESTIONS; i++) {
        open_question(desk, &arena, &sources[i]);
    }
    uint32_t kept = 0;
    while (kept <= KEPT_QUESTIONS) {
        struct support_requests got = {.count = 0};
        bring(desk, &arena, &(struct support_answers){.count = 0}, &got);
        assert_true(got.count > 0);
        for (uint32_t i = 0; i < got.count; i++, kept++) {
            struct support_answers one = {.flags = SUPPORT_STAY,
                .count = 1,
                .items = {{.id = got.items[i].id,
                    .status = 200,
                    .body = kept < KEPT_QUESTIONS ? buf_str(&large) : STR("small")}}};
            bring(desk, &arena, &one, NULL);
        }
    }
    for (size_t i = 0; i <= KEPT_QUESTIONS; i++) {
        bool fits = i < DESK_BYTES_MAX / SUPPORT_ANSWER_BYTES || i == KEPT_QUESTIONS;
        AUTO_BUF struct buf told;
        buf_init(&told, 2 * SUPPORT_ANSWER_BYTES);
        assert_int_equal(sources[i].fill(sources[i].state, &told, NULL), HTTP_MORE);
        const char *head = fits ? "{\"status\":200," : "{\"status\":503,";
        if (!str_starts(buf_str(&told), str_of(head))) {
            fail_msg("answer %zu: %.40s", i, buf_z(&told));
        }
        assert_int_equal(told.size > SUPPORT_ANSWER_BYTES, fits && i < KEPT_QUESTIONS);
        sources[i].free(sources[i].state);
    }
    desk_end(desk);
    desk_free(desk);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        BOTH(nobody_answers_for_another_factory),
        BOTH(strangers_get_nothing_from_the_desk),
        BOTH(a_withdrawn_code_opens_nothing),
        BOTH(a_newer_poll_sends_the_older_one_home),
        cmocka_unit_test(a_desk_keeps_no_more_answers_than_it_has_room_for),
    };
    return cmocka_run_group_tests(tests, open_both, close_both);
}
