/*
 * The MQTT driver against the real broker mosquitto: what each payload gives, that nothing is
 * confirmed before it is durable, sessions that outlive both sides, TLS, refusals in words. The
 * publisher is the simulator's own client, which shares no code with the driver.
 * test_mqtt_sparkplug.c plays the Sparkplug scenes.
 */
#include <math.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>

#include "device/drivers/mqtt.h"
#include "sim/sim_mqtt.h"
#include "support_broker.h"
#include "support_device.h"

static struct broker broker;

struct scene {
    struct rig rig;
    char address[32];
    char options[512];
    struct sim_mqtt *peer;
};

static void scene_init(struct scene *scene, const char *options, const struct tag_line *tags) {
    memset(scene, 0, sizeof *scene);
    (void)snprintf(scene->address, sizeof scene->address, "127.0.0.1:%u", (unsigned)broker.port);
    (void)snprintf(scene->options, sizeof scene->options, "timeout_ms=5000 %s", options);
    struct device_line device = {"d1", "mqtt", scene->address, scene->options, 1000};
    rig_init(&scene->rig, &device, tags, link_own_new(clock_system(), -1));
    struct err err = ERR_INIT;
    struct sim_mqtt_options peer = {.port = broker.port, .client_id = "peer"};
    assert_int_equal(sim_mqtt_open(&peer, &scene->peer, &err), 0);
}

static void scene_fini(struct scene *scene) {
    sim_mqtt_close(scene->peer, true);
    rig_fini(&scene->rig);
}

static void publish(struct scene *scene, const char *topic, const char *payload, bool retain) {
    struct err err = ERR_INIT;
    assert_int_equal(sim_mqtt_publish(scene->peer, topic, str_of(payload), 1, retain, &err), 0);
}

static int receive(struct scene *scene, struct err *err) {
    struct pollfd fd = {.fd = scene->rig.poller.link->fd, .events = POLLIN};
    (void)poll(&fd, 1, 50);
    return poller_receive(&scene->rig.poller, scene->rig.plan, err);
}

/* Opens the session and lets it subscribe. */
static void join(struct scene *scene) {
    struct err err = ERR_INIT;
    if (rig_connect(&scene->rig, &err) < 0) {
        fail_msg("%s", words_of(&err));
    }
    for (int i = 0; i < 3; i++) {
        assert_int_equal(receive(scene, &err), 0);
    }
}

/* Receives until the tag has so many rows. */
static void expect_rows(struct scene *scene, uint32_t tag, uint32_t count) {
    int64_t deadline_ns = clock_mono_ns(clock_system()) + PATIENCE_NS;
    while (box_count(&scene->rig.box, tag) < count) {
        struct err err = ERR_INIT;
        if (receive(scene, &err) < 0) {
            fail_msg("%s", words_of(&err));
        }
        if (clock_mono_ns(clock_system()) > deadline_ns) {
            fail_msg("tag %u has %u of %u rows", tag, box_count(&scene->rig.box, tag), count);
        }
    }
}

/* One pass over a message looks for 4,096 paths; a message may have more values for us. */
static void a_message_may_feed_any_number_of_tags(void **state) {
    (void)state;
    enum { MANY = 2100, NAME_BYTES = 16 }; // Each with a time.
    static char names[MANY][NAME_BYTES];
    static struct tag_line tags[MANY + 1];
    static const char *const SOURCES[] = {"a/b $.v time=$.t s", "a/# $.v time=$.t s"};
    for (int wild = 0; wild < 2; wild++) {
        for (int i = 0; i < MANY; i++) {
            (void)snprintf(names[i], NAME_BYTES, "t%d", i);
            tags[i] = (struct tag_line){names[i], "d1", SOURCES[wild]};
        }
        struct scene scene;
        scene_init(&scene, "session=clean", tags);
        join(&scene);
        publish(&scene, "a/b", "{\"v\":1,\"t\":1700000000}", false);
        expect_rows(&scene, 1, 1);
        assert_int_equal(scene.rig.box.count, MANY); // Subscribed once.
        scene_fini(&scene);
    }
}

static void each_payload_gives_its_value(void **state) {
    (void)state;
    static const struct tag_line TAGS[] = {{"t.bare", "d1", "a/bare"},
        {"t.json", "d1", "a/json $.v.x[1]"}, {"t.time", "d1", "a/time $.v time=$.ts s"},
        {"t.iso", "d1", "a/time $.v time=$.at"}, {"t.wild", "d1", "w/+/temp $"},
        {"t.text", "d1", "a/code text"}, {"t.num", "d1", "a/str $.n number"},
        {"t.quoted", "d1", "\"b c/d\" $['e f']"}, {NULL, NULL, NULL}};
    struct scene scene;
    scene_init(&scene, "", TAGS);
    join(&scene);
    struct box *box = &scene.rig.box;
    publish(&scene, "a/bare", "21.5", false);
    expect_rows(&scene, 1, 1);
    assert_true(box_last(box, 1).row.value.f64 == 21.5);
    publish(&scene, "a/bare", "TRUE", false);
    expect_rows(&scene, 1, 2);
    assert_int_equal(box_last(box, 1).row.type, TYPE_BOOL);
    publish(&scene, "a/bare", "운전 중", false);
    expect_rows(&scene, 1, 3);
    assert_string_equal(box_last(box, 1).text, "운전 중");
    publish(&scene, "a/json", "{\"v\":{\"x\":[1,-7]}}", false);
    expect_rows(&scene, 2, 1);
    assert_int_equal(box_last(box, 2).row.value.i64, -7);
    assert_int_equal(box_last(box, 2).row.flags, 0);
    publish(&scene, "a/json", "{\"v\":{\"x\":[1,-7", false); // Cut.
    expect_rows(&scene, 2, 2);
    assert_int_equal(box_last(box, 2).row.status, (uint32_t)STATUS_BAD_DATA_ENCODING);
    publish(&scene, "a/json", "{\"v\":{\"x\":[0,null]}}", false);
    expect_rows(&scene, 2, 3);
    assert_int_equal(box_last(box, 2).row.status, (uint32_t)STATUS_BAD_NO_DATA);
    publish(&scene, "a/time", "{\"v\":1,\"ts\":1700000000.25,\"at\":\"2023-11-14T22:13:20.5Z\"}",
        false);
    expect_rows(&scene, 4, 1);
    assert_int_equal(box_last(box, 3).row.time_ns, 1700000000250000000);
    assert_int_equal(box_last(box, 3).row.flags, SAMPLE_SOURCE_TIME);
    assert_int_equal(box_last(box, 4).row.time_ns, 1700000000500000000);
    publish(&scene, "a/time", "{\"v\":2,\"ts\":\"yesterday\"}", false); // No time for either.
    expect_rows(&scene, 4, 2);
    assert_int_equal(box_last(box, 3).row.status, (uint32_t)STATUS_UNCERTAIN);
    publish(&scene, "w/line1/temp", "3", false);
    publish(&scene, "w/line2/temp", "4", false);
    expect_rows(&scene, 5, 2);
    publish(&scene, "a/code", "00123", false);
    expect_rows(&scene, 6, 1);
    assert_string_equal(box_last(box, 6).text, "00123");
    publish(&scene, "a/str", "{\"n\":\"-2.5\"}", false);
    expect_rows(&scene, 7, 1);
    assert_true(box_last(box, 7).row.value.f64 == -2.5);
    publish(&scene, "b c/d", "{\"e f\":9}", false);
    expect_rows(&scene, 8, 1);
    assert_int_equal(box_last(box, 8).row.value.i64, 9);
    scene_fini(&scene);
}

static void a_kept_message_is_the_last_usable_value(void **state) {
    (void)state;
    static const struct tag_line TAGS[] = {
        {"t.a", "d1", "kept/a"}, {"t.b", "d1", "kept/b $.v time=$.ts"}, {NULL, NULL, NULL}};
    struct scene scene;
    scene_init(&scene, "session=clean", TAGS);
    publish(&scene, "kept/a", "5", true);
    publish(&scene, "kept/b", "{\"v\":6,\"ts\":1700000000000}", true);
    join(&scene);
    expect_rows(&scene, 2, 1);
    expect_rows(&scene, 1, 1);
    assert_int_equal(
        box_last(&scene.rig.box, 1).row.status, (uint32_t)STATUS_UNCERTAIN_LAST_USABLE);
    assert_int_equal(box_last(&scene.rig.box, 2).row.status, (uint32_t)STATUS_GOOD);
    publish(&scene, "kept/a", "7", true);
    expect_rows(&scene, 1, 2);
    assert_int_equal(box_last(&scene.rig.box, 1).row.status, (uint32_t)STATUS_GOOD);
    publish(&scene, "kept/a", "", true); // Takes it back.
    scene_fini(&scene);
}

static void payloads_in_cp949_are_read(void **state) {
    (void)state;
    static const struct tag_line TAGS[] = {{"t.a", "d1", "kr/a $.이름"}, {NULL, NULL, NULL}};
    struct scene scene;
    scene_init(&scene, "encoding=cp949", TAGS);
    join(&scene);
    publish(&scene, "kr/a", "{\"\xC0\xCC\xB8\xA7\":\"\xBB\xE7\xC3\xE2\"}", false);
    expect_rows(&scene, 1, 1);
    assert_string_equal(box_last(&scene.rig.box, 1).text, "사출");
    publish(&scene, "kr/a", "\xFF\xFF", false);
    expect_rows(&scene, 1, 2);
    assert_int_equal(box_last(&scene.rig.box, 1).row.status, (uint32_t)STATUS_BAD_DATA_ENCODING);
    scene_fini(&scene);
}

static void nothing_is_confirmed_before_it_is_durable(void **state) {
    (void)state;
    static const struct tag_line TAGS[] = {{"t.a", "d1", "durable/a"}, {NULL, NULL, NULL}};
    struct scene scene;
    scene_init(&scene, "", TAGS);
    join(&scene);
    scene.rig.box.dry = true;
    publish(&scene, "durable/a", "1", false);
    publish(&scene, "durable/a", "2", false);
    struct err err = ERR_INIT;
    int result = 0;
    int64_t deadline_ns = clock_mono_ns(clock_system()) + PATIENCE_NS;
    while (result == 0 && clock_mono_ns(clock_system()) < deadline_ns) {
        result = receive(&scene, &err);
    }
    assert_int_equal(result, -ERR_SPACE);
    poller_disconnect(&scene.rig.poller);
    assert_int_equal(box_count(&scene.rig.box, 1), 0);
    scene.rig.box.dry = false;
    join(&scene); // The broker had no confirmation: it sends both again.
    expect_rows(&scene, 1, 2);
    poller_disconnect(&scene.rig.poller);
    join(&scene); // Now they are confirmed.
    for (int i = 0; i < 5; i++) {
        assert_int_equal(receive(&scene, &err), 0);
    }
    assert_int_equal(box_count(&scene.rig.box, 1), 2);
    assert_int_equal(box_last(&scene.rig.box, 1).row.value.i64, 2);
    scene_fini(&scene);
}

static void the_broker_collects_while_we_are_away(void **state) {
    (void)state;
    static const struct tag_line TAGS[] = {{"t.a", "d1", "away/#"}, {NULL, NULL, NULL}};
    struct scene scene;
    scene_init(&scene, "", TAGS);
    join(&scene);
    poller_disconnect(&scene.rig.poller);
    for (int i = 0; i < 200; i++) {
        char text[16];
        (void)snprintf(text, sizeof text, "%d", i);
        publish(&scene, "away/a", text, false);
    }
    sim_mqtt_close(scene.peer, true);
    broker_stop(&broker);
    struct err err = ERR_INIT;
    assert_int_equal(rig_connect(&scene.rig, &err), -ERR_REFUSED);
    broker_start(&broker);
    struct sim_mqtt_options peer = {.port = broker.port, .client_id = "peer"};
    assert_int_equal(sim_mqtt_open(&peer, &scene.peer, &err), 0);
    join(&scene);
    expect_rows(&scene, 1, 200);
    for (uint32_t i = 0; i < 200; i++) {
        const struct sample *row = &scene.rig.box.rows[i].row;
        assert_int_equal(row->value.i64, i); // In order, none twice, each at a time of its own.
        assert_true(i == 0 || row->time_ns > scene.rig.box.rows[i - 1].row.time_ns);
    }
    assert_int_equal(box_count(&scene.rig.box, 1), 200);
    scene_fini(&scene);
}

static void a_broker_that_dies_is_found_again(void **state) {
    (void)state;
    static const struct tag_line TAGS[] = {{"t.a", "d1", "again/a"}, {NULL, NULL, NULL}};
    struct scene scene;
    scene_init(&scene, "", TAGS);
    join(&scene);
    sim_mqtt_close(scene.peer, true);
    broker_stop(&broker);
    struct err err = ERR_INIT;
    int result = 0;
    for (int i = 0; i < 100 && result == 0; i++) {
        result = receive(&scene, &err);
    }
    assert_true(result < 0 && err.code != ERR_OK);
    poller_disconnect(&scene.rig.poller);
    broker_start(&broker);
    struct sim_mqtt_options peer = {.port = broker.port, .client_id = "peer"};
    assert_int_equal(sim_mqtt_open(&peer, &scene.peer, &err), 0);
    join(&scene);
    publish(&scene, "again/a", "8", false);
    expect_rows(&scene, 1, 1);
    scene_fini(&scene);
}

static void what_no_tag_wants_is_counted(void **state) {
    (void)state;
    static const struct tag_line TAGS[] = {{"t.a", "d1", "some/# $.a"}, {NULL, NULL, NULL}};
    struct scene scene;
    scene_init(&scene, "", TAGS);
    join(&scene);
    publish(&scene, "some/x", "{\"b\":1}", false);
    publish(&scene, "some/x", "{\"a\":1}", false);
    expect_rows(&scene, 1, 1);
    struct device_health health;
    assert_true(health_copy(scene.rig.health, clock_system(), &health));
    assert_int_equal(health.unclaimed, 1);
    scene_fini(&scene);
}

static void filters_that_are_gone_are_taken_back(void **state) {
    (void)state;
    static const struct tag_line BOTH[] = {
        {"t.a", "d1", "gone/a"}, {"t.b", "d1", "gone/b"}, {NULL, NULL, NULL}};
    static const struct tag_line ONE[] = {{"t.a", "d1", "gone/a"}, {NULL, NULL, NULL}};
    struct scene scene;
    scene_init(&scene, "client_id=gone", BOTH);
    join(&scene);
    char kept[256];
    AUTO_BUF struct buf filters;
    buf_init(&filters, 256);
    assert_int_equal(io_bookmark_get(&scene.rig.poller.io, STR("filters"), &filters, NULL), 0);
    (void)str_copy_z(buf_str(&filters), kept, sizeof kept);
    assert_string_equal(kept, "gone/a#/gone/b#/");
    scene_fini(&scene);
    scene_init(&scene, "client_id=gone", ONE);
    assert_int_equal(0, rig_connect(&scene.rig, NULL));
    assert_int_equal(0, io_bookmark_put(&scene.rig.poller.io, STR("filters"), str_of(kept), NULL));
    poller_disconnect(&scene.rig.poller);
    join(&scene);
    publish(&scene, "gone/b", "1", false);
    publish(&scene, "gone/a", "2", false);
    expect_rows(&scene, 1, 1);
    struct device_health health;
    assert_true(health_copy(scene.rig.health, clock_system(), &health));
    assert_int_equal(health.unclaimed, 0); // It was not even sent.
    scene_fini(&scene);
}

struct found {
    char text[2048];
};

static void on_item(void *context, const struct browse_item *item) {
    struct found *found = context;
    size_t used = strlen(found->text);
    (void)snprintf(found->text + used, sizeof found->text - used, "%.*s=%.*s\n",
        STR_ARG(item->source), STR_ARG(item->sample));
}

static void topics_are_listed_beside_the_session(void **state) {
    (void)state;
    static const struct tag_line TAGS[] = {{"t.a", "d1", "list/a $.v"}, {NULL, NULL, NULL}};
    struct scene scene;
    scene_init(&scene, "client_id=lister", TAGS);
    join(&scene);
    publish(&scene, "list/a", "{\"v\":1,\"x y\":{\"z\":true}}", true);
    publish(&scene, "list/b c", "hello", true);
    expect_rows(&scene, 1, 1);
    struct found found = {""};
    struct err err = ERR_INIT;
    if (device_browse(&scene.rig.catalogue->devices[0], STR("list/#"), on_item, &found, &err) < 0) {
        fail_msg("%s", words_of(&err));
    }
    assert_non_null(strstr(found.text, "list/a $.v=1\n"));
    assert_non_null(strstr(found.text, "list/a $['x y'].z=true\n"));
    assert_non_null(strstr(found.text, "\"list/b c\"=hello\n"));
    publish(&scene, "list/a", "{\"v\":2}", false); // The collecting session was not disturbed.
    expect_rows(&scene, 1, 2);
    publish(&scene, "list/a", "", true);
    publish(&scene, "list/b c", "", true);
    scene_fini(&scene);
}

static void on_finding(void *context, const struct doctor_finding *finding) {
    struct found *found = context;
    size_t used = strlen(found->text);
    (void)snprintf(found->text + used, sizeof found->text - used, "%d %s\n", (int)finding->verdict,
        words_of(finding->words));
}

static void the_doctor_says_what_the_broker_grants(void **state) {
    (void)state;
    static const struct tag_line TAGS[] = {{"t.a", "d1", "sick/a $.v"}, {NULL, NULL, NULL}};
    struct scene scene;
    scene_init(&scene, "client_id=patient", TAGS);
    join(&scene);
    publish(&scene, "sick/a", "{\"v\":1}", true);
    struct found found = {""};
    struct doctor_request request = {.device = &scene.rig.catalogue->devices[0],
        .source = STR("sick/a $.v"),
        .context = &found,
        .finding = on_finding};
    assert_int_equal(device_diagnose(&request), 0);
    assert_non_null(strstr(found.text, "took the session"));
    assert_non_null(strstr(found.text, "takes the subscription of sick/a"));
    assert_non_null(strstr(found.text, "messages come on sick/a"));
    expect_rows(&scene, 1, 1); // The collecting session goes on.
    publish(&scene, "sick/a", "", true);
    scene_fini(&scene);
}

/* --- refusals and TLS, each with a broker of its own --- */

static void expect_words(const char *options, const char *address, int code, const char *words) {
    static const struct tag_line TAGS[] = {{"t.a", "d1", "a"}, {NULL, NULL, NULL}};
    char line[512];
    (void)snprintf(line, sizeof line, "timeout_ms=3000 %s", options);
    struct device_line device = {"d1", "mqtt", address, line, 1000};
    struct rig rig;
    rig_init(&rig, &device, TAGS, link_own_new(clock_system(), -1));
    struct err err = ERR_INIT;
    int result = rig_connect(&rig, &err);
    if (result != code || (words != NULL && strstr(words_of(&err), words) == NULL)) {
        fail_msg("%s gave %d: %s", options, result, words_of(&err));
    }
    rig_fini(&rig);
}

static void a_broker_that_refuses_is_told_in_words(void **state) {
    (void)state;
    struct broker strict = {.pid = 0};
    broker_init(&strict, "allow_anonymous false\n");
    char address[32];
    (void)snprintf(address, sizeof address, "127.0.0.1:%u", (unsigned)strict.port);
    expect_words("", address, -ERR_FORBIDDEN, "does not let this client in");
    expect_words("user=a password=b", address, -ERR_FORBIDDEN, "(code 5)");
    expect_words("tls=yes", address, -ERR_REFUSED, "");
    broker_fini(&strict);
    expect_words("", address, -ERR_REFUSED, "refused the connection");
}

static void run(const struct broker *on, const char *line) {
    char *arguments[] = {
        (char *)(uintptr_t) "sh", (char *)(uintptr_t) "-c", (char *)(uintptr_t)line, NULL};
    broker_run(on, arguments);
}

static void tls_is_checked(void **state) {
    (void)state;
    struct broker safe = {.pid = 0};
    (void)snprintf(safe.folder, sizeof safe.folder, "/tmp/maru-broker-XXXXXX");
    assert_non_null(mkdtemp(safe.folder));
    run(&safe, "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2"
               " -subj /CN=test-ca -keyout ca.key -out ca.pem");
    run(&safe, "openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes"
               " -subj /CN=localhost -keyout server.key -out server.csr");
    broker_write(&safe, "names", "subjectAltName=DNS:localhost\n");
    run(&safe, "openssl x509 -req -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2"
               " -extfile names -out server.pem");
    char extra[512];
    (void)snprintf(extra, sizeof extra,
        "allow_anonymous true\ncertfile %s/server.pem\nkeyfile %s/server.key\n", safe.folder,
        safe.folder);
    broker_init(&safe, extra);
    char named[64];
    char numbered[64];
    char options[256];
    (void)snprintf(named, sizeof named, "localhost:%u", (unsigned)safe.port);
    (void)snprintf(numbered, sizeof numbered, "127.0.0.1:%u", (unsigned)safe.port);
    (void)snprintf(options, sizeof options, "tls=yes ca_file=%s/ca.pem", safe.folder);
    expect_words("tls=yes", numbered, -ERR_REFUSED, "cannot be trusted");
    expect_words(options, numbered, -ERR_REFUSED, "another name than 127.0.0.1");
    expect_words("tls=yes ca_file=/nowhere.pem", numbered, -ERR_NOT_FOUND, "cannot be read");
    expect_words("", numbered, -ERR_CLOSED, NULL);
    expect_words(options, named, 0, NULL);
    broker_fini(&safe);
}

/* --- sources and filters --- */

static void sources_are_checked(void **state) {
    (void)state;
    struct device device = {.id = STR("d"),
        .driver = STR("mqtt"),
        .address = STR("broker:1883"),
        .options = STR("mode=sparkplug"),
        .period_ns = NS_PER_S};
    static const struct {
        const char *source;
        bool good;
    } CASES[] = {{"a/b", true}, {"a/+/b $.x", true}, {"#", true}, {"+/#", true}, {"a/b text", true},
        {"a $.x number time=$.t us", true}, {"\"a b\" $['c d'] text", true}, {"a time=none", true},
        {"a $.x time=$['a b'] iso text", true}, {"sparkplug:G/E/D Metric Name", true},
        {"sparkplug:G/E m", true}, {"sparkplug:\"공장 1/E\" 온도", true}, {"", false},
        {"a/b#", false}, {"a/#/b", false}, {"a+", false}, {"a $.x $.y", false}, {"a $x", false},
        {"a time=x", false}, {"a text text", false}, {"a time=$.t weeks", false},
        {"sparkplug:G m", false}, {"sparkplug:G/E", false}, {"sparkplug:G/+/D m", false},
        {"a unknown", false}};
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        struct point point;
        struct err err = ERR_INIT;
        int result = device_check_source(&device, str_of(CASES[i].source), &point, &err);
        if ((result == 0) != CASES[i].good) {
            fail_msg("%s gave %d: %s", CASES[i].source, result, words_of(&err));
        }
    }
    struct point point;
    device.options = STR("");
    assert_int_equal(
        device_check_source(&device, STR("sparkplug:G/E m"), &point, NULL), -ERR_INVALID);
    static const char *const WRONG[] = {"time=x", "cert_file=a", "ca_file=a", "host_id=a/b",
        "password=x", "qos=2", "keepalive_s=1"};
    for (size_t i = 0; i < sizeof WRONG / sizeof WRONG[0]; i++) {
        device.options = str_of(WRONG[i]);
        assert_int_equal(device_check(&device, NULL), -ERR_INVALID);
    }
}

static void filters_match_and_cover(void **state) {
    (void)state;
    static const struct {
        const char *filter;
        const char *topic;
        bool matches;
    } CASES[] = {{"a/b", "a/b", true}, {"a/b", "a/b/c", false}, {"a/+", "a/b", true},
        {"a/+", "a/b/c", false}, {"a/+", "a/", true}, {"a/#", "a", true}, {"a/#", "a/b/c", true},
        {"#", "a", true}, {"#", "$SYS/x", false}, {"+/x", "$SYS/x", false},
        {"$SYS/#", "$SYS/x", true}, {"+/+", "/a", true}, {"a", "A", false}, {"a/b", "a", false}};
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        bool matches = mqtt_filter_matches(str_of(CASES[i].filter), str_of(CASES[i].topic));
        if (matches != CASES[i].matches) {
            fail_msg("%s and %s", CASES[i].filter, CASES[i].topic);
        }
    }
    assert_true(mqtt_filter_covers(STR("a/#"), STR("a/+/b")));
    assert_true(mqtt_filter_covers(STR("a/+"), STR("a/b")));
    assert_true(mqtt_filter_covers(STR("+/+"), STR("+/b")));
    assert_false(mqtt_filter_covers(STR("a/+"), STR("a/#")));
    assert_false(mqtt_filter_covers(STR("a/b"), STR("a/+")));
    assert_false(mqtt_filter_covers(STR("#"), STR("$SYS/a")));
}

static int start_broker(void **state) {
    (void)state;
    broker_init(&broker, "allow_anonymous true\n");
    return 0;
}

static int stop_broker(void **state) {
    (void)state;
    broker_fini(&broker);
    return 0;
}

int main(void) {
    const struct CMUnitTest pure[] = {
        cmocka_unit_test(sources_are_checked),
        cmocka_unit_test(filters_match_and_cover),
    };
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_message_may_feed_any_number_of_tags),
        cmocka_unit_test(each_payload_gives_its_value),
        cmocka_unit_test(a_kept_message_is_the_last_usable_value),
        cmocka_unit_test(payloads_in_cp949_are_read),
        cmocka_unit_test(nothing_is_confirmed_before_it_is_durable),
        cmocka_unit_test(the_broker_collects_while_we_are_away),
        cmocka_unit_test(a_broker_that_dies_is_found_again),
        cmocka_unit_test(what_no_tag_wants_is_counted),
        cmocka_unit_test(filters_that_are_gone_are_taken_back),
        cmocka_unit_test(topics_are_listed_beside_the_session),
        cmocka_unit_test(the_doctor_says_what_the_broker_grants),
        cmocka_unit_test(a_broker_that_refuses_is_told_in_words),
        cmocka_unit_test(tls_is_checked),
    };
    int failed = cmocka_run_group_tests(pure, NULL, NULL);
    if (!broker_is_there()) {
        (void)fprintf(stderr, "SKIPPED: no /usr/sbin/mosquitto; install the package mosquitto\n");
        return failed;
    }
    return failed + cmocka_run_group_tests(tests, start_broker, stop_broker);
}
