/*
 * POST /write: durable when answered, all or nothing, new tags, types, precision, many at once.
 */
#include "support_server.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "core/file_fault.h"
#include "core/thread.h"

static struct rig rig;
static struct file_fault fault; // Outlives a test that fails with the server still running.

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

static int write_to(const char *target, const char *lines, struct answer *ret_answer) {
    rig_ask(&rig, "POST", target, rig.writer, str_of(lines), ret_answer);
    return ret_answer->status;
}

static void expect_csv(const char *tag, const char *rows) {
    char target[256];
    char want[1024];
    (void)snprintf(target, sizeof target, "/api/v1/plants/p1/samples?tag=%s&format=csv", tag);
    (void)snprintf(want, sizeof want, "tag,time,value,quality\n%s", rows);
    AUTO_ANSWER struct answer answer;
    rig_get(&rig, target, 200, &answer);
    assert_string_equal(buf_z(&answer.body), want);
}

/* Ends the server and its home, and starts them again over `files` (NULL: the system's). */
static void reopen(struct files *files) {
    serve_stop(rig.server);
    home_close(rig.home);
    struct err err = ERR_INIT;
    struct home_options home = {.dir = rig.dir, .files = files};
    assert_int_equal(home_open(&home, &rig.home, &err), 0);
    struct serve_options serve = {.home = rig.home, .address = "127.0.0.1"};
    assert_int_equal(serve_start(&serve, &rig.server, &err), 0);
    rig.port = serve_port(rig.server);
    rig.plant = home_plant_at(rig.home, 0);
}

/* */
static void what_was_answered_is_there_after_a_restart(void **state) {
    (void)state;
    AUTO_ANSWER struct answer answer;
    assert_int_equal(
        write_to("/write?precision=s", "a value=1.5 10\na value=2.5 11\n", &answer), 204);
    assert_int_equal(answer.body.size, 0);
    reopen(NULL);
    expect_csv("a", "a,1970-01-01T00:00:10Z,1.5,good\na,1970-01-01T00:00:11Z,2.5,good\n");
}

static void precision_is_the_unit_of_the_times(void **state) {
    (void)state;
    static const struct {
        const char *precision;
        const char *time;
    } CASES[] = {
        {"", "00:00:00.000000007Z"},
        {"?precision=ns", "00:00:00.000000007Z"},
        {"?precision=us", "00:00:00.000007Z"},
        {"?precision=ms", "00:00:00.007Z"},
        {"?precision=s&plant=p1", "00:00:07Z"},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        char target[64];
        char line[64];
        char tag[16];
        char rows[128];
        (void)snprintf(target, sizeof target, "/write%s", CASES[i].precision);
        (void)snprintf(tag, sizeof tag, "p%zu", i);
        (void)snprintf(line, sizeof line, "%s value=1 7\n", tag);
        (void)snprintf(rows, sizeof rows, "%s,1970-01-01T%s,1,good\n", tag, CASES[i].time);
        AUTO_ANSWER struct answer answer;
        assert_int_equal(write_to(target, line, &answer), 204);
        expect_csv(tag, rows);
    }
}

static void a_bad_line_refuses_the_whole_body(void **state) {
    (void)state;
    AUTO_ANSWER struct answer answer;
    assert_int_equal(write_to("/write", "good value=1 1\nbad value=oops 2\nworse\n", &answer), 400);
    assert_non_null(strstr(buf_z(&answer.body), "\"errors\":[{\"line\":2,\"column\":11,"));
    assert_non_null(strstr(buf_z(&answer.body), "{\"line\":3,\"column\":6,"));
    AUTO_ANSWER struct answer tags;
    rig_get(&rig, "/api/v1/plants/p1/tags?q=good", 200, &tags);
    assert_non_null(strstr(buf_z(&tags.body), "\"items\":[]"));
    AUTO_ANSWER struct answer again;
    assert_int_equal(write_to("/write", "good value=1 1\n", &again), 204);
}

static void a_time_outside_the_plants_is_refused_with_its_line(void **state) {
    (void)state;
    int64_t now_ms = clock_wall_ns(clock_system()) / NS_PER_MS;
    int64_t ahead_ms = now_ms + 2LL * 86400000;
    char body[128];
    AUTO_ANSWER struct answer past;
    assert_int_equal(
        write_to("/write?precision=ms", "when value=1 1\nwhen value=2 -1\n", &past), 400);
    assert_non_null(strstr(buf_z(&past.body), "{\"line\":2,\"column\":14,"));
    assert_non_null(strstr(buf_z(&past.body), "1969-12-31T23:59:59.999Z"));
    AUTO_ANSWER struct answer ahead;
    (void)snprintf(body, sizeof body, "when value=1 %lld\n", (long long)ahead_ms);
    assert_int_equal(write_to("/write?precision=ms", body, &ahead), 400);
    assert_non_null(strstr(buf_z(&ahead.body), "precision="));
    AUTO_ANSWER struct answer unit; // Milliseconds told to be seconds.
    (void)snprintf(body, sizeof body, "when value=1 %lld\n", (long long)now_ms);
    assert_int_equal(write_to("/write?precision=s", body, &unit), 400);
    AUTO_ANSWER struct answer right;
    assert_int_equal(write_to("/write?precision=ms", body, &right), 204);
}

static void a_value_of_another_type_is_refused_with_its_line(void **state) {
    (void)state;
    AUTO_ANSWER struct answer answer;
    assert_int_equal(
        write_to("/write", "line1.press1 temp=1 1\nline1.press1 temp=\"hot\" 2\n", &answer), 400);
    assert_non_null(strstr(buf_z(&answer.body), "\"line\":2,\"column\":19,"));
    AUTO_ANSWER struct answer within;
    assert_int_equal(write_to("/write", "fresh v=1i 1\nfresh v=1.5 2\n", &within), 400);
}

/* Bodies of one batch and of three. */
static void a_body_that_met_a_full_disk_can_be_sent_again(void **state) {
    (void)state;
    static const struct {
        int rows;
        bool says_part;
    } CASES[] = {{100, false}, {150000, true}};
    file_fault_init(&fault);
    fault.sticky = 1;
    reopen(&fault.files);
    for (size_t c = 0; c < sizeof CASES / sizeof CASES[0]; c++) {
        AUTO_BUF struct buf lines = {0};
        buf_init(&lines, 1 << 23);
        for (int i = 0; i < CASES[c].rows; i++) {
            buf_printf(&lines, "full%zu value=%d.5 %d\n", c, i % 1000, i);
        }
        file_fault_arm(&fault, FILE_OP_WRITE, 0, ENOSPC);
        AUTO_ANSWER struct answer full;
        assert_int_equal(write_to("/write?precision=ms", buf_z(&lines), &full), 507);
        bool says = strstr(buf_z(&full.body), "first part may be there; send the same") != NULL;
        assert_int_equal(says, CASES[c].says_part);
        file_fault_disarm(&fault);
        AUTO_ANSWER struct answer again;
        assert_int_equal(write_to("/write?precision=ms", buf_z(&lines), &again), 204);
        char target[128];
        char want[64];
        (void)snprintf(target, sizeof target,
            "/api/v1/plants/p1/samples?tag=full%zu&every=1d&agg=count&tz=UTC", c);
        (void)snprintf(want, sizeof want, "\"count\":%d}]", CASES[c].rows);
        AUTO_ANSWER struct answer count;
        rig_get(&rig, target, 200, &count);
        assert_non_null(strstr(buf_z(&count.body), want));
    }
    reopen(NULL); // The fault ends with this test.
}

static void an_unknown_plant_is_404_and_an_empty_body_is_nothing(void **state) {
    (void)state;
    AUTO_ANSWER struct answer unknown;
    assert_int_equal(write_to("/write?plant=p9", "a value=1\n", &unknown), 404);
    AUTO_ANSWER struct answer empty;
    assert_int_equal(write_to("/write", "", &empty), 204);
    AUTO_ANSWER struct answer comment;
    assert_int_equal(write_to("/write", "# nothing\n\n", &comment), 204);
}

static void the_same_series_written_two_ways_is_one_tag(void **state) {
    (void)state;
    AUTO_ANSWER struct answer answer;
    assert_int_equal(
        write_to("/write?precision=s",
            "m,a=x,b=y v=1 1\nm,b=y,a=x v=2 2\nm.x.y v=3 3\nm.x.y.v value=4 4\n", &answer),
        204);
    expect_csv("m.x.y.v",
        "m.x.y.v,1970-01-01T00:00:01Z,1,good\nm.x.y.v,1970-01-01T00:00:02Z,2,good\n"
        "m.x.y.v,1970-01-01T00:00:03Z,3,good\nm.x.y.v,1970-01-01T00:00:04Z,4,good\n");
}

enum { WRITERS = 4, BODIES = 20, LINES = 200 };

struct writer {
    struct thread thread;
    int number;
    _Atomic int failed;
};

static void writer_run(void *context) {
    struct writer *writer = context;
    char headers[128];
    (void)snprintf(headers, sizeof headers, "Authorization: Bearer %s\r\n", rig.writer);
    struct buf lines;
    buf_init(&lines, 1 << 20);
    for (int body = 0; body < BODIES; body++) {
        buf_clear(&lines);
        for (int i = 0; i < LINES; i++) {
            buf_printf(&lines, "many.w%d.t%d v=%d,n=%di %d\n", writer->number, i % 10, i, i,
                body * LINES + i);
        }
        struct question question = {.port = rig.port,
            .method = "POST",
            .target = "/write?precision=s",
            .headers = headers,
            .body = buf_str(&lines)};
        struct answer answer;
        client_ask(&question, &answer);
        if (answer.status != 204) {
            atomic_store(&writer->failed, answer.status);
        }
        answer_fini(&answer);
    }
    buf_fini(&lines);
}

static void writers_at_once_lose_and_double_nothing(void **state) {
    (void)state;
    struct writer writers[WRITERS] = {0};
    for (int i = 0; i < WRITERS; i++) {
        writers[i].number = i;
        thread_start(&writers[i].thread, "test-writer", writer_run, &writers[i]);
    }
    for (int i = 0; i < WRITERS; i++) {
        thread_join(&writers[i].thread);
        assert_int_equal(writers[i].failed, 0);
    }
    for (int w = 0; w < WRITERS; w++) {
        for (int t = 0; t < 10; t++) {
            char target[256];
            (void)snprintf(target, sizeof target,
                "/api/v1/plants/p1/samples?tag=many.w%d.t%d.n&every=365d&agg=count&format=csv", w,
                t);
            char want[128];
            (void)snprintf(want, sizeof want, ",%d\n", BODIES * LINES / 10);
            AUTO_ANSWER struct answer answer;
            rig_get(&rig, target, 200, &answer);
            assert_non_null(strstr(buf_z(&answer.body), want));
        }
    }
    AUTO_ANSWER struct answer flow;
    rig_get(&rig, "/api/v1/plants/p1/flow", 200, &flow);
    char want[64];
    (void)snprintf(want, sizeof want, "\"ingest\":{\"rows\":%d,\"requests\":%d,\"refused\":0}",
        WRITERS * BODIES * LINES * 2, WRITERS * BODIES);
    assert_non_null(strstr(buf_z(&flow.body), want));
}

/* The questions behind the page: how much came, what the rules did, what was refused and why. */
static void what_came_and_what_was_refused_is_told(void **state) {
    (void)state;
    rig_write(&rig, "told value=1 1735689600000\ntold value=2 1735689601000\n", 204);
    rig_write(&rig, "told value=1 not-a-time\n", 400);
    rig_write(&rig, "told value=3 9999999999999\n", 400); // The year 2286.
    AUTO_ANSWER struct answer refused;
    rig_get(&rig, "/api/v1/plants/p1/flow/refused", 200, &refused);
    const char *items = buf_z(&refused.body);
    assert_non_null(strstr(items, "\"door\":\"sender\",\"device\":null,\"rows\":0,\"words\":\""));
    const char *first = strstr(items, "\"door\"");
    assert_non_null(first);
    const char *second = strstr(first + 1, "\"door\"");
    assert_non_null(second);
    assert_null(strstr(second + 1, "\"door\""));
    assert_non_null(strstr(second, "\"words\":\"nothing of the message was stored: line 1: "));
    AUTO_ANSWER struct answer history;
    rig_get(&rig, "/api/v1/plants/p1/flow/history?minutes=2", 200, &history);
    const char *counts = buf_z(&history.body);
    assert_non_null(strstr(counts, "\"step_s\":60,\"known_minutes\":"));
    bool now = strstr(counts, "\"in\":[0,2],\"kept\":[0,2],\"omitted\":[0,0]") != NULL;
    bool before = strstr(counts, "\"in\":[2,0],\"kept\":[2,0]") != NULL; // A minute just ended.
    assert_true(now || before);
    AUTO_ANSWER struct answer tags;
    rig_get(&rig, "/api/v1/plants/p1/flow/tags", 200, &tags);
    assert_non_null(strstr(buf_z(&tags.body), "\"found\":"));
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, open_rig, close_rig)
    const struct CMUnitTest tests[] = {
        TEST(what_was_answered_is_there_after_a_restart),
        TEST(precision_is_the_unit_of_the_times),
        TEST(a_bad_line_refuses_the_whole_body),
        TEST(a_value_of_another_type_is_refused_with_its_line),
        TEST(a_time_outside_the_plants_is_refused_with_its_line),
        TEST(a_body_that_met_a_full_disk_can_be_sent_again),
        TEST(an_unknown_plant_is_404_and_an_empty_body_is_nothing),
        TEST(the_same_series_written_two_ways_is_one_tag),
        TEST(writers_at_once_lose_and_double_nothing),
        TEST(what_came_and_what_was_refused_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
