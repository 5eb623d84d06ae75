/*
 * Tables over HTTP: a job from its first part to its end, what it rejects, previews, downloads that
 * can be sent back, and corrections with their history.
 */
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "support_server.h"

#define PLANT "/api/v1/plants/p1"

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

/* The text behind "key": up to the next comma or brace, without quotes. */
static struct str member(struct answer *answer, const char *key) {
    char pattern[64];
    (void)snprintf(pattern, sizeof pattern, "\"%s\":", key);
    const char *body = buf_z(&answer->body);
    const char *at = strstr(body, pattern);
    if (at == NULL) {
        fail_msg("no %s in %s", key, body);
        return STR_NONE;
    }
    at += strlen(pattern);
    bool quoted = *at == '"';
    at += quoted;
    return (struct str){at, strcspn(at, quoted ? "\"" : ",}")};
}

static void check_member(struct answer *answer, const char *key, const char *want) {
    struct str text = member(answer, key);
    if (!str_eq(text, str_of(want))) {
        fail_msg("%s is %.*s instead of %s in %s", key, STR_ARG(text), want, buf_z(&answer->body));
    }
}

static void post(const char *target, const char *token, const char *body, int status,
    struct answer *ret_answer) {
    rig_ask(&rig, "POST", target, token, str_of(body), ret_answer);
    if (ret_answer->status != status) {
        fail_msg("%s gave %d: %s", target, ret_answer->status, buf_z(&ret_answer->body));
    }
}

/* Asks until the job has ended. */
static void wait_job(struct str id, struct answer *ret_answer) {
    char target[128];
    (void)snprintf(target, sizeof target, PLANT "/import/%.*s", STR_ARG(id));
    for (int i = 0; i < 2000; i++) {
        rig_get(&rig, target, 200, ret_answer);
        if (!str_eq(member(ret_answer, "state"), STR("running"))) {
            return;
        }
        answer_fini(ret_answer);
        (void)poll(NULL, 0, 5);
    }
    fail_msg("the import does not end");
}

static void import_body(const char *query, const char *body, struct answer *ret_answer) {
    char target[256];
    AUTO_ANSWER struct answer begun;
    (void)snprintf(target, sizeof target, PLANT "/import?%s", query);
    post(target, rig.installer, body, 200, &begun);
    wait_job(member(&begun, "id"), ret_answer);
}

/* */
static void a_table_comes_in_as_a_job(void **state) {
    (void)state;
    AUTO_ANSWER struct answer answer;
    import_body("as=samples", "tag;ts_ms;value\nimp.a;1000;1.5\nimp.b;2000;2\n", &answer);
    check_member(&answer, "state", "done");
    check_member(&answer, "stored", "2");
    check_member(&answer, "separator", ";");
    check_member(&answer, "created_tags", "2");
    AUTO_ANSWER struct answer list;
    rig_get(&rig, PLANT "/import", 200, &list);
    check_member(&list, "state", "done");
}

static void rejected_rows_come_as_a_table_and_refuse_the_file(void **state) {
    (void)state;
    static const char TABLE[] = "tag,ts_ms,value\nimp.c,1000,1\nimp.c,soon,2\n";
    AUTO_ANSWER struct answer answer;
    import_body("as=samples", TABLE, &answer);
    check_member(&answer, "refused", "true");
    check_member(&answer, "stored", "0");
    char target[128];
    (void)snprintf(
        target, sizeof target, PLANT "/import/%.*s/rejected", STR_ARG(member(&answer, "id")));
    AUTO_ANSWER struct answer rows;
    rig_get(&rig, target, 200, &rows);
    const char *row = strstr(buf_z(&rows.body), "line,reason\r\n3,");
    assert_non_null(row);
    assert_non_null(strstr(row, "ts_ms")); // The column.
    AUTO_ANSWER struct answer partial;
    import_body("as=samples&partial=1", TABLE, &partial);
    check_member(&partial, "stored", "1");
}

static void a_file_may_come_in_parts(void **state) {
    (void)state;
    AUTO_ANSWER struct answer first;
    post(
        PLANT "/import?as=samples&more=1", rig.operator_, "tag,ts_ms,value\nimp.d,10", 200, &first);
    check_member(&first, "state", "receiving");
    check_member(&first, "received_bytes", "24");
    char target[128];
    (void)snprintf(
        target, sizeof target, PLANT "/import?job=%.*s&offset=20", STR_ARG(member(&first, "id")));
    AUTO_ANSWER struct answer wrong;
    post(target, rig.operator_, "00,7\n", 409, &wrong);
    (void)snprintf(
        target, sizeof target, PLANT "/import?job=%.*s&offset=24", STR_ARG(member(&first, "id")));
    AUTO_ANSWER struct answer other;
    post(target, rig.installer, "00,9\n", 403, &other); // Whoever began it signs for it.
    AUTO_ANSWER struct answer last;
    post(target, rig.operator_, "00,7\n", 200, &last);
    AUTO_ANSWER struct answer end;
    wait_job(member(&first, "id"), &end);
    check_member(&end, "stored", "1");
    AUTO_ANSWER struct answer late;
    post(target, rig.operator_, "00,7\n", 409, &late);
}

static void an_import_can_be_given_up(void **state) {
    (void)state;
    AUTO_ANSWER struct answer first;
    post(PLANT "/import?as=samples&more=1", rig.operator_, "tag", 200, &first);
    char target[128];
    (void)snprintf(target, sizeof target, PLANT "/import/%.*s", STR_ARG(member(&first, "id")));
    AUTO_ANSWER struct answer end;
    rig_ask(&rig, "DELETE", target, rig.operator_, STR_NONE, &end);
    assert_int_equal(end.status, 200);
    check_member(&end, "state", "cancelled");
    AUTO_ANSWER struct answer unknown;
    rig_get(&rig, PLANT "/import/999999", 404, &unknown);
}

static void who_may_not_configure_may_bring_values_only(void **state) {
    (void)state;
    AUTO_ANSWER struct answer refused;
    post(PLANT "/import?as=tags", rig.operator_, "tag\nx\n", 403, &refused);
    AUTO_ANSWER struct answer none;
    post(PLANT "/import", rig.installer, "tag\nx\n", 400, &none);
    AUTO_ANSWER struct answer begun;
    post(PLANT "/import?as=tags&more=1", rig.installer, "tag\n", 200, &begun);
    char target[128];
    (void)snprintf(
        target, sizeof target, PLANT "/import?job=%.*s&offset=4", STR_ARG(member(&begun, "id")));
    AUTO_ANSWER struct answer taken;
    post(target, rig.operator_, "y\n", 403, &taken);
}

static void a_preview_tells_what_a_table_is(void **state) {
    (void)state;
    AUTO_ANSWER struct answer answer;
    /* "tag;display" with Korean in CP949, and a type that is none. */
    post(PLANT "/import/preview", rig.installer, "tag;display;type\npre.a;\xBF\xC2\xB5\xB5;f65\n",
        200, &answer);
    check_member(&answer, "encoding", "cp949");
    check_member(&answer, "separator", ";");
    check_member(&answer, "as", "tags");
    check_member(&answer, "rejected", "1");
    assert_non_null(strstr(buf_z(&answer.body), "\"pre.a\",\"온도\",\"f65\""));
    AUTO_ANSWER struct answer tag;
    rig_get(&rig, PLANT "/tags/pre.a", 404, &tag);
}

static void a_preview_names_the_column_and_looks_at_every_row_when_asked(void **state) {
    (void)state;
    AUTO_BUF struct buf table;
    buf_init(&table, 1 << 20);
    buf_put_str(&table, STR("tag,type,mark\n"));
    for (int i = 0; i < 1500; i++) {
        buf_printf(&table, "look.t%d,%s,new\n", i, i == 1400 ? "f65" : "f64");
    }
    AUTO_ANSWER struct answer first;
    post(PLANT "/import/preview?as=tags", rig.installer, buf_z(&table), 200, &first);
    check_member(&first, "rejected", "0");
    AUTO_ANSWER struct answer all;
    post(PLANT "/import/preview?as=tags&faults=10", rig.installer, buf_z(&table), 200, &all);
    check_member(&all, "rejected", "1");
    check_member(&all, "column", "type");
    assert_non_null(strstr(buf_z(&all.body), "\"line\":1402"));
    AUTO_ANSWER struct answer range;
    post(PLANT "/import/preview?as=tags&faults=0", rig.installer, "tag\n", 400, &range);
}

static void an_export_with_marks_can_be_sent_back_once(void **state) {
    (void)state;
    AUTO_ANSWER struct answer made;
    import_body("as=tags", "tag,unit\nmark.a,bar\n", &made);
    AUTO_ANSWER struct answer table;
    rig_get(&rig, PLANT "/export?as=tags&tags=mark.a&marks=1", 200, &table);
    assert_non_null(strstr(buf_z(&table.body), "rollup_days,mark"));
    char changed[2048];
    (void)snprintf(changed, sizeof changed, "%s", buf_z(&table.body));
    memcpy(strstr(changed, ",bar,"), ",kPa,", 5);
    AUTO_ANSWER struct answer taken;
    import_body("as=tags", changed, &taken);
    check_member(&taken, "stored", "1");
    AUTO_ANSWER struct answer late;
    import_body("as=tags", changed, &late);
    check_member(&late, "refused", "true");
}

static void what_is_downloaded_can_be_sent_back(void **state) {
    (void)state;
    static const char *const QUERIES[] = {"as=tags", "as=tags&format=xlsx", "as=devices&pack=gz",
        "as=equipment&encoding=utf-16le", "as=samples", "as=samples&format=xlsx"};
    for (size_t i = 0; i < sizeof QUERIES / sizeof QUERIES[0]; i++) {
        char target[256];
        (void)snprintf(target, sizeof target, PLANT "/export?%s", QUERIES[i]);
        AUTO_ANSWER struct answer file;
        rig_get(&rig, target, 200, &file);
        assert_true(file.body.size > 40);
        assert_true(str_starts(answer_header(&file, "Content-Disposition"), STR("attachment")));
        struct str rest = str_of(QUERIES[i]);
        struct str as = str_cut(&rest, '&');
        (void)snprintf(target, sizeof target, PLANT "/import?%.*s", STR_ARG(as));
        AUTO_ANSWER struct answer begun;
        rig_ask(&rig, "POST", target, rig.installer, buf_str(&file.body), &begun);
        if (begun.status != 200) {
            fail_msg("%s: %s", target, buf_z(&begun.body));
        }
        AUTO_ANSWER struct answer end;
        wait_job(member(&begun, "id"), &end);
        check_member(&end, "state", "done");
        check_member(&end, "rejected", "0");
        check_member(&end, "stored", "0");
    }
}

static void samples_are_downloaded_as_parquet_and_nothing_else_is(void **state) {
    (void)state;
    AUTO_ANSWER struct answer file;
    rig_get(&rig, PLANT "/export?as=samples&format=parquet&pack=gz", 200, &file);
    assert_true(
        str_eq(answer_header(&file, "Content-Type"), STR("application/vnd.apache.parquet")));
    assert_true(str_ends(answer_header(&file, "Content-Disposition"), STR("-samples.parquet\"")));
    struct str body = buf_str(&file.body);
    assert_true(str_starts(body, STR("PAR1\x15")) && str_ends(body, STR("PAR1")));
    AUTO_ANSWER struct answer refused;
    rig_get(&rig, PLANT "/export?as=tags&format=parquet", 400, &refused);
    check_member(&refused, "code", "unsupported");
}

/* */
static void a_correction_keeps_who_when_and_why(void **state) {
    (void)state;
    AUTO_ANSWER struct answer come;
    import_body("as=samples", "tag,ts_ms,value\ncor.a,1000,10\n", &come);
    for (int round = 0; round < 2; round++) {
        AUTO_ANSWER struct answer made;
        post(PLANT "/corrections", rig.operator_,
            "{\"tag\":\"cor.a\",\"time\":\"1970-01-01T00:00:01Z\",\"value\":12,"
            "\"reason\":\"잘못 읽음\"}",
            200, &made);
        check_member(&made, "old_value", "10");
        check_member(&made, "value", "12");
        check_member(&made, "applied", "true");
    }
    AUTO_ANSWER struct answer list;
    rig_get(&rig, PLANT "/corrections?tag=cor.a", 200, &list);
    check_member(&list, "reason", "잘못 읽음");
    assert_null(strstr(strstr(buf_z(&list.body), "\"number\"") + 1, "\"number\"")); // Once.
    static const char *const BAD[] = {
        "{\"tag\":\"cor.a\",\"time\":\"1970-01-01T00:00:01Z\",\"value\":12}",
        "{\"tag\":\"cor.a\",\"time\":\"1970-01-01T00:00:01Z\",\"reason\":\"x\"}",
        "{\"tag\":\"cor.a\",\"time\":\"1970-01-01\",\"value\":1,\"bad\":true,\"reason\":\"x\"}",
        "{\"tag\":\"cor.a\",\"time\":\"soon\",\"value\":1,\"reason\":\"x\"}"};
    for (size_t i = 0; i < sizeof BAD / sizeof BAD[0]; i++) {
        AUTO_ANSWER struct answer refused;
        post(PLANT "/corrections", rig.operator_, BAD[i], 400, &refused);
    }
    AUTO_ANSWER struct answer unknown;
    post(PLANT "/corrections", rig.operator_,
        "{\"tag\":\"cor.a\",\"time\":\"1970-01-01T00:00:02Z\",\"value\":1,\"reason\":\"x\"}", 404,
        &unknown);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_table_comes_in_as_a_job),
        cmocka_unit_test(rejected_rows_come_as_a_table_and_refuse_the_file),
        cmocka_unit_test(a_file_may_come_in_parts),
        cmocka_unit_test(an_import_can_be_given_up),
        cmocka_unit_test(who_may_not_configure_may_bring_values_only),
        cmocka_unit_test(a_preview_tells_what_a_table_is),
        cmocka_unit_test(a_preview_names_the_column_and_looks_at_every_row_when_asked),
        cmocka_unit_test(an_export_with_marks_can_be_sent_back_once),
        cmocka_unit_test(what_is_downloaded_can_be_sent_back),
        cmocka_unit_test(samples_are_downloaded_as_parquet_and_nothing_else_is),
        cmocka_unit_test(a_correction_keeps_who_when_and_why),
    };
    return cmocka_run_group_tests(tests, open_rig, close_rig);
}
