/*
 * The pair of servers, and what people do at either end.
 */
#include "support_remote.h"

#include <poll.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static int64_t moved_wall(const struct clock *clock) {
    const struct moved_clock *moved = (const struct moved_clock *)clock;
    return clock_wall_ns(clock_system()) + atomic_load(&moved->ahead_ns);
}

static int64_t moved_mono(const struct clock *clock) {
    (void)clock;
    return clock_mono_ns(clock_system());
}

struct remote here;

/* ---- Both ends ---- */

void serve_again(struct rig *rig, uint16_t port, const struct clock *clock) {
    struct serve_options options = {
        .home = rig->home, .address = "127.0.0.1", .port = port, .clock = clock};
    options.limits.requests_per_s = 100000;
    struct err err = ERR_INIT;
    assert_int_equal(serve_start(&options, &rig->server, &err), 0);
    rig->port = serve_port(rig->server);
}

int open_both(void **state) {
    (void)state;
    memset(&here, 0, sizeof here);
    here.clock.clock = (struct clock){moved_wall, moved_mono};
    rig_open(&here.desk, NULL, false);
    rig_open(&here.factory, NULL, false);
    serve_stop(here.factory.server);
    serve_again(&here.factory, 0, &here.clock.clock);
    rig_person(&here.desk, "boss", ROLE_OWNER, here.boss);
    rig_person(&here.desk, "fitter", ROLE_INSTALLER, here.fitter);
    rig_person(&here.desk, "reader", ROLE_VIEWER, here.reader);
    rig_person(&here.factory, "owner", ROLE_OWNER, here.owner);
    rig_person(&here.factory, "manager", ROLE_MANAGER, here.manager);
    return 0;
}

int close_both(void **state) {
    (void)state;
    rig_close(&here.factory);
    rig_close(&here.desk);
    return 0;
}

void ask_with_type(const struct rig *rig, const char *line, const char *cookie, const char *body,
    struct answer *ret_answer) {
    char headers[512];
    char method[16];
    struct str target = str_of(line);
    (void)str_copy_z(str_cut(&target, ' '), method, sizeof method);
    (void)snprintf(headers, sizeof headers,
        "Cookie: %s\r\nX-Requested-With: maru\r\nAccept-Language: en\r\n"
        "Content-Type: application/json\r\n",
        cookie);
    struct question question = {.port = rig->port,
        .method = method,
        .target = target.data,
        .headers = headers,
        .body = str_of(body)};
    client_ask(&question, ret_answer);
}

/* "METHOD /target" with a cookie; the status must be as said, and the answer hold the text. */
void ask(const struct rig *rig, const char *line, const char *cookie, const char *body, int status,
    const char *holds) {
    AUTO_ANSWER struct answer answer;
    ask_with_type(rig, line, cookie, body, &answer);
    if (answer.status != status || (holds && !strstr(buf_z(&answer.body), holds))) {
        fail_msg("%s %s: %d %s", line, body, answer.status, buf_z(&answer.body));
    }
}

void member(struct answer *answer, const char *name, char *to, size_t size) {
    char key[64];
    (void)snprintf(key, sizeof key, "\"%s\":\"", name);
    const char *at = strstr(buf_z(&answer->body), key);
    assert_non_null(at);
    struct str rest = str_of(at + strlen(key));
    (void)str_copy_z(str_cut(&rest, '"'), to, size);
}

void open_case(const char *cookie) {
    AUTO_ANSWER struct answer answer;
    ask_with_type(&here.desk, "POST " CASES, cookie,
        "{\"factory\":\"Hanbit\",\"note\":\"press 2\"}", &answer);
    assert_int_equal(answer.status, 201);
    member(&answer, "id", here.case_id, sizeof here.case_id);
    member(&answer, "link", here.link, sizeof here.link);
}

void approve(const char *link, const char *role, int minutes, int status) {
    char body[1024];
    char name[64] = "x";
    char organisation[64] = "x";
    char note[64] = "";
    AUTO_ANSWER struct answer seen = {.status = 0};
    if (status == 201) { // The desk counts looks; a refusal needs none.
        (void)snprintf(body, sizeof body, "{\"link\":\"%s\"}", link);
        ask_with_type(&here.factory, "POST " SUPPORT "/look", here.owner, body, &seen);
        assert_int_equal(seen.status, 200);
        member(&seen, "name", name, sizeof name);
        member(&seen, "organisation", organisation, sizeof organisation);
        member(&seen, "note", note, sizeof note);
    }
    (void)snprintf(body, sizeof body,
        "{\"link\":\"%s\",\"organisation\":\"%s\",\"name\":\"%s\",\"note\":\"%s\","
        "\"role\":\"%s\",\"minutes\":%d}",
        link, organisation, name, note, role, minutes);
    ask(&here.factory, "POST " SUPPORT, here.owner, body, status, NULL);
}

static void encode(const char *target, char *to, size_t size) {
    size_t used = 0;
    for (; *target && used + 4 < size; target++) {
        if (strchr("?&%=+", *target)) {
            used += (size_t)snprintf(to + used, size - used, "%%%02X", (unsigned char)*target);
        } else {
            to[used++] = *target;
        }
    }
    to[used] = '\0';
}

void via_line(const char *method, const char *target, char *to, size_t size) {
    char coded[1024];
    encode(target, coded, sizeof coded);
    (void)snprintf(
        to, size, "POST " CASES "/%s/via?method=%s&target=%s", here.case_id, method, coded);
}

/* Asks the factory as a supporter; the factory's status, or that of the desk's own refusal. */
int via(const char *cookie, const char *method, const char *target, const char *body,
    const char *holds) {
    char line[1400];
    via_line(method, target, line, sizeof line);
    AUTO_ANSWER struct answer answer;
    ask_with_type(&here.desk, line, cookie, body, &answer);
    if (holds && !strstr(buf_z(&answer.body), holds)) {
        fail_msg("%s: %d %s", line, answer.status, buf_z(&answer.body));
    }
    int64_t status = answer.status;
    if (status == 200) {
        const char *at = strstr(buf_z(&answer.body), "{\"status\":");
        assert_ptr_equal(at, buf_z(&answer.body));
        struct str number = str_of(at + strlen("{\"status\":"));
        assert_true(str_to_i64(str_cut(&number, ','), &status));
    }
    return (int)status;
}

/* Waits until the answer to a line holds a text: 10 s at most, by asking again. */
void until(const struct rig *rig, const char *line, const char *cookie, const char *holds) {
    int64_t deadline = clock_mono_ns(clock_system()) + 10 * NS_PER_S;
    for (;;) {
        AUTO_ANSWER struct answer answer;
        ask_with_type(rig, line, cookie, "", &answer);
        if (strstr(buf_z(&answer.body), holds)) {
            return;
        }
        if (clock_mono_ns(clock_system()) > deadline) {
            fail_msg("%s never held %s: %s", line, holds, buf_z(&answer.body));
        }
        (void)poll(NULL, 0, 5);
    }
}

void begin_visit(const char *role) {
    open_case(here.fitter);
    approve(here.link, role, 60, 201);
    until(&here.desk, "GET " CASES, here.fitter, "\"connected\":true");
}

static void read_audit(struct rig *rig, struct answer *ret_answer) {
    rig_ask(rig, "GET", "/api/v1/plants/p1/audit?limit=1000", rig->owner, STR_NONE, ret_answer);
    assert_int_equal(ret_answer->status, 200);
}

int64_t audit_count(struct rig *rig, const char *what) {
    AUTO_ANSWER struct answer answer;
    read_audit(rig, &answer);
    int64_t count = 0;
    char *end = strstr((char *)answer.body.data, here.newest); // Newest first.
    assert_non_null(end);
    *end = '\0';
    for (const char *at = (const char *)answer.body.data; (at = strstr(at, what)) != NULL; at++) {
        count++;
    }
    return count;
}

void ended_by(const char *why) {
    int64_t deadline = clock_mono_ns(clock_system()) + 10 * NS_PER_S;
    char end[32] = "";
    while (strcmp(end, why) != 0) {
        AUTO_ANSWER struct answer answer;
        ask_with_type(&here.factory, "GET " SUPPORT, here.owner, "", &answer);
        const char *at = strstr(buf_z(&answer.body), "\"ended_by\":\"");
        const char *open = strstr(buf_z(&answer.body), "\"ended_by\":null");
        if (at && (!open || at < open)) {
            member(&answer, "ended_by", end, sizeof end);
        }
        if (clock_mono_ns(clock_system()) > deadline) {
            fail_msg("not ended by %s: %s", why, buf_z(&answer.body));
        }
        (void)poll(NULL, 0, 2);
    }
}

int begin_test(void **state) {
    (void)state;
    AUTO_ANSWER struct answer gone;
    AUTO_ANSWER struct answer audit;
    ask_with_type(&here.factory, "DELETE " SUPPORT, here.owner, "", &gone);
    serve_stop(here.desk.server);
    serve_again(&here.desk, 0, NULL);
    atomic_store(&here.clock.ahead_ns, 0);
    read_audit(&here.factory, &audit);
    const char *at = strstr(buf_z(&audit.body), "{\"sequence\":");
    assert_non_null(at);
    struct str rest = str_of(at);
    (void)str_copy_z(str_cut(&rest, ','), here.newest, sizeof here.newest - 1);
    (void)str_copy_z(STR(","), here.newest + strlen(here.newest), 2);
    return 0;
}
