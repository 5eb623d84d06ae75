/*
 * GET /join over a real server: JSON and CSV, a grid and a leading tag, the lot, refusals.
 */
#include "support_server.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void expect(struct rig *rig, const char *query, int status, const char *text) {
    AUTO_BUF struct buf target;
    buf_init(&target, 4096);
    buf_printf(&target, "/api/v1/plants/p1/join?%s", query);
    AUTO_ANSWER struct answer answer = {0};
    rig_get(rig, buf_z(&target), status, &answer);
    if (text != NULL && !str_eq(buf_str(&answer.body), str_of(text))) {
        fail_msg("%.*s", STR_ARG(buf_str(&answer.body)));
    }
}

/* */
static void tags_are_joined_by_time_and_lot(void **state) {
    (void)state;
    struct rig rig;
    rig_open(&rig, NULL, false);
    rig_write(&rig,
        "join a=1,lot=\"L1\" 1000\njoin a=2 3000\njoin b=5 2000\n"
        "join lot=\"L2\" 3000\n",
        204);
    expect(&rig, "tag=join.a&tag=join.b&lead=join.a&lot=join.lot", 200,
        "{\"columns\":[\"time\",\"join.a\",\"join.b\",\"lot\"],\"rows\":["
        "[\"1970-01-01T00:00:01Z\",1,null,\"L1\"],[\"1970-01-01T00:00:03Z\",2,5,\"L2\"]]}\n");
    expect(&rig,
        "tag=join.a&tag=join.b&every=1s&from=1970-01-01T00:00:01Z"
        "&to=1970-01-01T00:00:04Z&max_age=500ms&pick=nearest&format=csv",
        200,
        "time,join.a,join.b\n1970-01-01T00:00:01Z,1,\n1970-01-01T00:00:02Z,,5\n"
        "1970-01-01T00:00:03Z,2,\n");
    expect(&rig, "tag=join.a&lead=join.a&lot=join.lot&lot_key=L2&format=csv", 200,
        "time,join.a,lot\n1970-01-01T00:00:03Z,2,L2\n");
    expect(&rig, "tag=join.a", 400, NULL);
    expect(&rig, "tag=join.nothing&lead=join.a", 404, NULL);
    rig_close(&rig);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tags_are_joined_by_time_and_lot),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
