/*
 * Tags and devices: lists with filters and pages, changing them, and ten thousand of them at once.
 */
#include "support_server.h"

#include <stdio.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "core/clock.h"

#define TAGS    "/api/v1/plants/p1/tags"
#define DEVICES "/api/v1/plants/p1/devices"

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

static int count_of(const struct answer *answer, const char *what) {
    struct buf body = answer->body;
    int count = 0;
    for (const char *at = buf_z(&body); (at = strstr(at, what)) != NULL; at++) {
        count++;
    }
    return count;
}

static void get(const char *target, struct answer *ret_answer) {
    rig_get(&rig, target, 200, ret_answer);
}

static int put(const char *target, const char *body, struct answer *ret_answer) {
    rig_ask(&rig, "PUT", target, rig.installer, str_of(body), ret_answer);
    return ret_answer->status;
}

static void a_tag_without_a_value_has_nulls(void **state) {
    (void)state;
    AUTO_ANSWER struct answer answer;
    get(TAGS "/line1.press1.temp", &answer);
    assert_int_equal(count_of(&answer, "\"value\":null,\"quality\":null"), 1);
    assert_int_equal(count_of(&answer, "\"min\":null"), 1);
    assert_int_equal(count_of(&answer, "\"device\":null"), 1);
}

static void filters_narrow_the_list(void **state) {
    (void)state;
    rig_write(&rig, "line1.press1 temp=20.5,strokes=3i\n", 204);
    static const struct {
        const char *query;
        int items;
    } CASES[] = {
        {"", 4},
        {"?fresh=1h", 2},
        {"?kind=counter", 1},
        {"?kind=counter&fresh=1h", 1},
        {"?prefix=line1.press1.r", 2},
        {"?prefix=line2", 0},
        {"?q=TEMP", 1},
        {"?q=%ED%83%9C%EA%B7%B8", 4}, // 태그, in every display name.
        {"?q=%E3%85%8C%E3%84%B1", 4}, // Its initial consonants.
        {"?device=dev1", 0},
        {"?limit=2", 2},
        {"?cursor=3", 1},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        char target[128];
        (void)snprintf(target, sizeof target, TAGS "%s", CASES[i].query);
        AUTO_ANSWER struct answer answer;
        get(target, &answer);
        if (count_of(&answer, "\"number\":") != CASES[i].items) {
            fail_msg("%s: %s", target, buf_z(&answer.body));
        }
    }
    AUTO_ANSWER struct answer answer;
    get(TAGS "?fresh=1h&kind=counter", &answer);
    assert_int_equal(
        count_of(&answer, "\"value\":3,\"quality\":\"good\",\"status\":0,\"reason\":null"), 1);
}

static void changing_a_tag_keeps_what_was_not_sent(void **state) {
    (void)state;
    const char *target = TAGS "/line1.press1.temp";
    AUTO_ANSWER struct answer first;
    assert_int_equal(put(target, "{\"unit\":\"°C\",\"min\":-10,\"max\":250.5}", &first), 200);
    AUTO_ANSWER struct answer second;
    assert_int_equal(put(target, "{\"display\":\"금형 온도\",\"min\":null}", &second), 200);
    assert_int_equal(
        count_of(&second, "\"display\":\"금형 온도\",\"type\":\"f64\",\"unit\":\"°C\""), 1);
    assert_int_equal(count_of(&second, "\"min\":null,\"max\":250.5"), 1);
}

static void a_new_tag_is_201_and_takes_values(void **state) {
    (void)state;
    AUTO_ANSWER struct answer answer;
    assert_int_equal(put(TAGS "/line1.press1.pressure",
                         "{\"type\":\"i64\",\"kind\":\"measurement\",\"unit\":\"bar\"}", &answer),
        201);
    rig_write(&rig, "line1.press1 pressure=7 1000\n", 204);
    AUTO_ANSWER struct answer tag;
    get(TAGS "/line1.press1.pressure", &tag);
    assert_int_equal(count_of(&tag, "\"value\":7,"), 1);
}

static void wrong_changes_are_refused(void **state) {
    (void)state;
    static const struct {
        const char *target;
        const char *body;
        int status;
    } CASES[] = {
        {TAGS "/line1.press1.temp", "{\"type\":\"text\"}", 409},
        {TAGS "/line1.press1.temp", "{\"type\":\"decimal\"}", 400},
        {TAGS "/line1.press1.temp", "{\"scale\":0}", 400},
        {TAGS "/line1.press1.temp", "{\"scale\":\"2\"}", 400},
        {TAGS "/line1.press1.temp", "{\"min\":5,\"max\":4}", 400},
        {TAGS "/line1.press1.temp", "{\"number\":9}", 400},
        {TAGS "/line1.press1.temp", "{\"device\":\"nobody\"}", 404},
        {TAGS "/a.b.c.d.e", "{}", 400},
        {TAGS "/%EA%B0%80", "{}", 400},
        {DEVICES "/dev1", "{\"period_ms\":1}", 400},
        {DEVICES "/dev1", "{\"driver\":\"telepathy\"}", 404},
        {DEVICES "/not%20an%20id", "{\"driver\":\"modbus\"}", 400},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        AUTO_ANSWER struct answer answer;
        int status = put(CASES[i].target, CASES[i].body, &answer);
        if (status != CASES[i].status) {
            fail_msg("%s %s: %d %s", CASES[i].target, CASES[i].body, status, buf_z(&answer.body));
        }
    }
}

static void a_device_and_its_tag_can_be_made(void **state) {
    (void)state;
    AUTO_ANSWER struct answer device;
    assert_int_equal(
        put(DEVICES "/press2",
            "{\"driver\":\"modbus\",\"address\":\"127.0.0.1:1502\",\"options\":\"unit=2\","
            "\"period_ms\":500,\"display\":\"사출기 2\"}",
            &device),
        201);
    assert_int_equal(
        count_of(&device, "\"period_ms\":500,\"enabled\":true,\"health\":{\"state\":"), 1);
    AUTO_ANSWER struct answer tag;
    assert_int_equal(
        put(TAGS "/press2.temp",
            "{\"device\":\"press2\",\"source\":\"holding:0 f32\",\"scale\":0.1}", &tag),
        201);
    AUTO_ANSWER struct answer list;
    get(TAGS "?device=press2", &list);
    assert_int_equal(count_of(&list, "\"source\":\"holding:0 f32\",\"scale\":0.1"), 1);
    AUTO_ANSWER struct answer bad;
    assert_int_equal(
        put(TAGS "/press2.other", "{\"device\":\"press2\",\"source\":\"drawer:7\"}", &bad), 400);
    AUTO_ANSWER struct answer off;
    assert_int_equal(put(DEVICES "/press2", "{\"enabled\":false}", &off), 200);
    assert_int_equal(count_of(&off, "\"enabled\":false"), 1);
}

static void assets_tell_their_parents(void **state) {
    (void)state;
    AUTO_ANSWER struct answer answer;
    get("/api/v1/plants/p1/assets", &answer);
    assert_int_equal(
        count_of(&answer, "\"id\":\"press1\",\"parent\":\"line1\",\"level\":\"equipment\""), 1);
    assert_int_equal(count_of(&answer, "\"id\":\"site\",\"parent\":null"), 1);
}

static void ten_thousand_tags_come_whole_and_quickly(void **state) {
    (void)state;
    enum { COUNT = 10000 };
    struct buf lines;
    buf_init(&lines, 1 << 20);
    for (int i = 0; i < COUNT; i++) {
        buf_printf(&lines, "area.machine%d value=%d.5\n", i, i);
    }
    rig_write(&rig, buf_z(&lines), 204);
    buf_fini(&lines);
    int64_t best_ns = INT64_MAX;
    for (int i = 0; i < 3; i++) {
        AUTO_ANSWER struct answer answer;
        int64_t begin = clock_mono_ns(clock_system());
        get(TAGS "?limit=100000&prefix=area.", &answer);
        int64_t took = clock_mono_ns(clock_system()) - begin;
        best_ns = took < best_ns ? took : best_ns;
        assert_int_equal(count_of(&answer, "\"number\":"), COUNT);
        assert_true(str_ends(buf_str(&answer.body), STR("],\"next\":null}")));
    }
    print_message("10,000 tags: %lld ms\n", (long long)(best_ns / NS_PER_MS));
    char target[128] = TAGS "?limit=3000";
    int seen = 0;
    for (int pages = 0; pages < 10; pages++) {
        AUTO_ANSWER struct answer answer;
        get(target, &answer);
        seen += count_of(&answer, "\"number\":");
        const char *next = strstr(buf_z(&answer.body), "\"next\":\"");
        if (!next) {
            break;
        }
        struct str rest = str_of(next + 8);
        char cursor[32];
        (void)str_copy_z(str_cut(&rest, '"'), cursor, sizeof cursor);
        (void)snprintf(target, sizeof target, TAGS "?limit=3000&cursor=%s", cursor);
    }
    assert_int_equal(seen, COUNT + 4);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, open_rig, close_rig)
    const struct CMUnitTest tests[] = {
        TEST(a_tag_without_a_value_has_nulls),
        TEST(filters_narrow_the_list),
        TEST(changing_a_tag_keeps_what_was_not_sent),
        TEST(a_new_tag_is_201_and_takes_values),
        TEST(wrong_changes_are_refused),
        TEST(a_device_and_its_tag_can_be_made),
        TEST(assets_tell_their_parents),
        TEST(ten_thousand_tags_come_whole_and_quickly),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
