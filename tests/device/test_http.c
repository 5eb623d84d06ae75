/* JSON documents by HTTP: paths, types, times, and what is said when there is no document. */
#include "support_device.h"

#include <stdio.h>

#include "support_web.h"

struct scene {
    struct web web;
    char address[64];
    const char *document;
    int status;
    char seen[8192];
};

static int answer(void *context, const char *target, const char *head, struct buf *body) {
    struct scene *scene = context;
    (void)target;
    (void)snprintf(scene->seen, sizeof scene->seen, "%s", head);
    buf_put_str(body, str_of(scene->document));
    return scene->status;
}

static void scene_start(struct scene *scene, const char *document) {
    *scene = (struct scene){.document = document, .status = 200};
    web_start(&scene->web, answer, scene);
    (void)snprintf(
        scene->address, sizeof scene->address, "http://127.0.0.1:%u/values", scene->web.port);
}

static struct rig rig;

static void rig_start(struct scene *scene, const char *options, const struct tag_line *tags) {
    struct device_line device = {"d", "http", scene->address, options, 1000};
    rig_init(&rig, &device, tags, NULL);
    struct err err = ERR_INIT;
    assert_int_equal(0, rig_connect(&rig, &err));
}

static void values_are_taken_by_their_paths(void **state) {
    (void)state;
    struct scene scene;
    scene_start(&scene,
        "{\"temp\": 21.5, \"n\": 9007199254740993, \"run\": true, \"name\": \"사출 \\u0031\","
        "\"line\": [{\"count\": \"0042\"}], \"none\": null, \"x y\": 3, \"ts\": 1700000000123}");
    struct tag_line tags[] = {{"temp", "d", "$.temp"}, {"n", "d", "$.n i64"},
        {"run", "d", "$.run bool"}, {"name", "d", "$.name text"},
        {"count", "d", "$.line[0].count i64"}, {"none", "d", "$.none"}, {"absent", "d", "$.absent"},
        {"blank", "d", "$['x y'] time=$.ts"}, {"wrong", "d", "$.name"}, {0}};
    rig_start(&scene, "", tags);
    struct err err = ERR_INIT;
    assert_int_equal(0, rig_poll(&rig, &err));
    assert_true(box_last(&rig.box, 1).row.value.f64 == 21.5);
    assert_true(box_last(&rig.box, 2).row.value.i64 == 9007199254740993);
    assert_int_equal(box_last(&rig.box, 3).row.value.i64, 1);
    assert_string_equal(box_last(&rig.box, 4).text, "사출 1");
    assert_int_equal(box_last(&rig.box, 5).row.value.i64, 42);
    assert_int_equal(box_last(&rig.box, 6).row.status, (uint32_t)STATUS_BAD_NO_DATA);
    assert_int_equal(box_last(&rig.box, 7).row.status, (uint32_t)STATUS_BAD_NO_DATA);
    struct box_row blank = box_last(&rig.box, 8);
    assert_true(blank.row.value.f64 == 3);
    assert_int_equal(blank.row.time_ns, 1700000000123LL * NS_PER_MS);
    assert_int_equal(blank.row.flags, SAMPLE_SOURCE_TIME);
    assert_int_equal(box_last(&rig.box, 9).row.status, (uint32_t)STATUS_BAD_DATA_ENCODING);
    rig_fini(&rig);
    web_stop(&scene.web);
}

static void a_broken_document_gives_no_value(void **state) {
    (void)state;
    static const struct {
        const char *document;
        int status;
        enum status quality;
    } CASES[] = {{"{\"temp\": 21.5, ", 200, STATUS_BAD_DATA_ENCODING},
        {"{\"temp\": 21.5} x", 200, STATUS_BAD_DATA_ENCODING},
        {"<html>", 200, STATUS_BAD_DATA_ENCODING},
        {"{\"temp\": 21.5}", 503, STATUS_BAD_DEVICE_FAILURE},
        {"{\"temp\": 21.5}", 401, STATUS_BAD_DEVICE_FAILURE}};
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        struct scene scene;
        scene_start(&scene, CASES[i].document);
        scene.status = CASES[i].status;
        struct tag_line tags[] = {{"temp", "d", "$.temp"}, {0}};
        rig_start(&scene, "", tags);
        struct err err = ERR_INIT;
        assert_int_equal(0, rig_poll(&rig, &err));
        assert_int_equal(box_last(&rig.box, 1).row.status, (uint32_t)CASES[i].quality);
        assert_int_equal(box_count(&rig.box, 1), 1);
        rig_fini(&rig);
        web_stop(&scene.web);
    }
}

static void silence_and_hang_up_end_the_session(void **state) {
    (void)state;
    static const struct {
        int status;
        int result;
    } CASES[] = {{-1, -ERR_TIMEOUT}, {0, -ERR_CLOSED}};
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        struct scene scene;
        scene_start(&scene, "");
        scene.status = CASES[i].status;
        struct tag_line tags[] = {{"temp", "d", "$.temp"}, {0}};
        rig_start(&scene, "timeout_ms=200", tags);
        struct err err = ERR_INIT;
        assert_int_equal(CASES[i].result, rig_poll(&rig, &err));
        rig_fini(&rig);
        web_stop(&scene.web);
    }
    struct scene scene = {.address = "http://127.0.0.1:1/"};
    struct tag_line tags[] = {{"temp", "d", "$.temp"}, {0}};
    rig_start(&scene, "timeout_ms=500", tags);
    struct err err = ERR_INIT;
    assert_int_equal(-ERR_REFUSED, rig_poll(&rig, &err));
    rig_fini(&rig);
}

static void user_and_header_are_sent_and_not_shown(void **state) {
    (void)state;
    struct scene scene;
    scene_start(&scene, "{\"temp\": 1}");
    struct tag_line tags[] = {{"temp", "d", "$.temp"}, {0}};
    const char *options = "user=maru password=\"geheim niss\" header=\"X-Api-Key: k1\"";
    rig_start(&scene, options, tags);
    struct err err = ERR_INIT;
    assert_int_equal(0, rig_poll(&rig, &err));
    assert_non_null(strstr(scene.seen, "X-Api-Key: k1"));
    assert_non_null(strstr(scene.seen, "Authorization: Basic bWFydTpnZWhlaW0gbmlzcw=="));
    AUTO_BUF struct buf shown;
    buf_init(&shown, 512);
    device_options_show(STR("http"), str_of(options), &shown);
    assert_string_equal(buf_z(&shown), "user=maru password=*** header=***");
    AUTO_BUF struct buf kept;
    buf_init(&kept, 512);
    struct device present = {
        .driver = STR("http"), .address = STR("http://10.0.0.1/"), .options = str_of(options)};
    struct device wanted = present;
    wanted.options = STR("user=other password=*** header=\"X: y\" timeout_ms=50");
    device_options_keep(&present, &wanted, &kept);
    assert_string_equal(
        buf_z(&kept), "user=other password=\"geheim niss\" header=\"X: y\" timeout_ms=50");
    /* To another machine only what was typed for it is sent. */
    wanted.address = STR("http://10.0.0.66/");
    buf_clear(&kept);
    device_options_keep(&present, &wanted, &kept);
    assert_null(strstr(buf_z(&kept), "geheim"));
    wanted.id = STR("d");
    wanted.period_ns = NS_PER_S;
    wanted.options = buf_str(&kept);
    assert_int_equal(-ERR_INVALID, device_check(&wanted, &err));
    assert_non_null(strstr(words_of(&err), "typed again"));
    wanted.address = STR("http://u:geheim@10.0.0.1/x");
    wanted.options = STR_NONE;
    err_clear(&err);
    assert_int_equal(-ERR_INVALID, device_check(&wanted, &err));
    assert_null(strstr(words_of(&err), "geheim"));
    rig_fini(&rig);
    web_stop(&scene.web);
}

static void found(void *context, const struct browse_item *item) {
    buf_printf(context, "%.*s=%.*s;", STR_ARG(item->source), STR_ARG(item->sample));
}

static void a_document_can_be_browsed(void **state) {
    (void)state;
    struct scene scene;
    scene_start(&scene, "{\"a\": {\"b\": [1, true]}, \"n\": \"x\"}");
    struct device device = {.number = 1,
        .id = STR("d"),
        .driver = STR("http"),
        .address = str_of(scene.address),
        .options = STR_NONE,
        .period_ns = NS_PER_S};
    AUTO_BUF struct buf list;
    buf_init(&list, 512);
    struct err err = ERR_INIT;
    assert_int_equal(0, device_browse(&device, STR_NONE, found, &list, &err));
    assert_string_equal(buf_z(&list), "$.a.b[0]=1;$.a.b[1] bool=true;$.n text=x;");
    web_stop(&scene.web);
}

static void wrong_addresses_are_refused_in_words(void **state) {
    (void)state;
    struct device device = {.id = STR("d"), .driver = STR("http"), .period_ns = NS_PER_S};
    static const char *const WRONG[] = {"127.0.0.1:80", "ftp://x/", "http://", "http:///x", ""};
    for (size_t i = 0; i < sizeof WRONG / sizeof WRONG[0]; i++) {
        struct err err = ERR_INIT;
        device.address = str_of(WRONG[i]);
        assert_int_equal(-ERR_INVALID, device_check(&device, &err));
    }
    device.address = STR("http://192.168.0.5/status");
    static const char *const SOURCES[] = {"temp", "$.", "$.a f32", "$.a[", "$.a time=x", ""};
    for (size_t i = 0; i < sizeof SOURCES / sizeof SOURCES[0]; i++) {
        struct err err = ERR_INIT;
        struct point point = {0};
        assert_true(device_check_source(&device, str_of(SOURCES[i]), &point, &err) < 0);
        assert_int_not_equal(err.code, ERR_OK);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_are_taken_by_their_paths),
        cmocka_unit_test(a_broken_document_gives_no_value),
        cmocka_unit_test(silence_and_hang_up_end_the_session),
        cmocka_unit_test(user_and_header_are_sent_and_not_shown),
        cmocka_unit_test(a_document_can_be_browsed),
        cmocka_unit_test(wrong_addresses_are_refused_in_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
