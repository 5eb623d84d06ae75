/*
 * The Sparkplug host application against a real broker and an edge node that the test plays. Rules
 * of the specification (Eclipse Sparkplug 3.0.0) are named by their tck-id.
 */
#include <poll.h>
#include <stdio.h>

#include "sim/sim_mqtt.h"
#include "support_broker.h"
#include "support_device.h"
#include "wire/sparkplug.h"

static struct broker broker;

enum { TEMPERATURE = 1, COUNT, RUNNING, PRESSURE, LATE, MISSING, SAME, FORCE };
static const struct tag_line TAGS[] = {{"t.temperature", "h", "sparkplug:G/E Temperature"},
    {"t.count", "h", "sparkplug:G/E Counts/Good"}, {"t.running", "h", "sparkplug:G/E Running"},
    {"t.pressure", "h", "sparkplug:G/E/Press 압력"}, {"t.late", "h", "sparkplug:G/E/Press Late"},
    {"t.missing", "h", "sparkplug:G/E Missing"}, {"t.same", "h", "sparkplug:G/E Temperature"},
    {"t.force", "h", "sparkplug:G/E/Second Force"}, {NULL, NULL, NULL}};
static const uint64_t TIME_MS = 1700000000000;

struct scene {
    struct rig rig;
    char address[32];
    struct sim_mqtt *node;  // The edge node.
    struct sim_mqtt *watch; // Somebody who sees NCMD and STATE.
    struct buf payload;
    uint8_t seq;
    uint64_t bdseq;
};

static struct sim_mqtt *open_peer(const char *id) {
    struct sim_mqtt_options options = {.port = broker.port, .client_id = id};
    struct sim_mqtt *peer = NULL;
    struct err err = ERR_INIT;
    assert_int_equal(sim_mqtt_open(&options, &peer, &err), 0);
    return peer;
}

static void scene_init(struct scene *scene, const char *options) {
    memset(scene, 0, sizeof *scene);
    buf_init(&scene->payload, 1 << 20);
    (void)snprintf(scene->address, sizeof scene->address, "127.0.0.1:%u", (unsigned)broker.port);
    char line[256];
    (void)snprintf(line, sizeof line, "timeout_ms=5000 mode=sparkplug %s", options);
    struct device_line device = {"h", "mqtt", scene->address, line, 1000};
    rig_init(&scene->rig, &device, TAGS, link_own_new(clock_system(), -1));
    scene->node = open_peer("node");
    scene->watch = open_peer("watch");
    assert_int_equal(sim_mqtt_subscribe(scene->watch, "spBv1.0/+/NCMD/#", 0, NULL), 0);
    assert_int_equal(sim_mqtt_subscribe(scene->watch, "spBv1.0/STATE/#", 1, NULL), 0);
}

static void scene_fini(struct scene *scene) {
    sim_mqtt_close(scene->node, true);
    sim_mqtt_close(scene->watch, true);
    rig_fini(&scene->rig);
    buf_fini(&scene->payload);
}

static int receive(struct scene *scene) {
    struct err err = ERR_INIT;
    struct pollfd fd = {.fd = scene->rig.poller.link->fd, .events = POLLIN};
    (void)poll(&fd, 1, 20);
    int result = poller_receive(&scene->rig.poller, scene->rig.plan, &err);
    if (result < 0) {
        fail_msg("%s", words_of(&err));
    }
    return result;
}

static void join(struct scene *scene) {
    struct err err = ERR_INIT;
    if (rig_connect(&scene->rig, &err) < 0) {
        fail_msg("%s", words_of(&err));
    }
    for (int i = 0; i < 4; i++) {
        (void)receive(scene);
    }
}

static void expect_rows(struct scene *scene, uint32_t tag, uint32_t count) {
    int64_t deadline_ns = clock_mono_ns(clock_system()) + PATIENCE_NS;
    while (box_count(&scene->rig.box, tag) < count) {
        (void)receive(scene);
        if (clock_mono_ns(clock_system()) > deadline_ns) {
            fail_msg("tag %u has %u of %u rows", tag, box_count(&scene->rig.box, tag), count);
        }
    }
}

/* --- what the node says --- */

static void begin(struct scene *scene) {
    buf_clear(&scene->payload);
    sparkplug_put_time(&scene->payload, TIME_MS);
}

static void end(struct scene *scene, const char *topic, bool numbered) {
    if (numbered) {
        sparkplug_put_seq(&scene->payload, scene->seq++);
    }
    assert_int_equal(
        sim_mqtt_publish(scene->node, topic, buf_str(&scene->payload), 0, false, NULL), 0);
}

static struct sparkplug_metric named(const char *name, uint64_t alias) {
    struct sparkplug_metric metric = {.name = str_of(name),
        .has_name = name != NULL,
        .alias = alias,
        .has_alias = alias > 0,
        .time_ms = TIME_MS,
        .has_time = true};
    return metric;
}

static void put_f64(struct scene *scene, const char *name, uint64_t alias, double value) {
    struct sparkplug_metric metric = named(name, alias);
    sparkplug_set_f64(&metric, SPARKPLUG_DOUBLE, value);
    metric.datatype = name != NULL ? metric.datatype : 0; // Data need not repeat it.
    sparkplug_put_metric(&scene->payload, &metric);
}

static void put_i64(struct scene *scene, const char *name, uint64_t alias, int64_t value) {
    struct sparkplug_metric metric = named(name, alias);
    sparkplug_set_i64(&metric, SPARKPLUG_INT8, value);
    metric.datatype = name != NULL ? metric.datatype : 0;
    sparkplug_put_metric(&scene->payload, &metric);
}

static void nbirth(struct scene *scene) {
    scene->seq = 0; // tck-id-payloads-nbirth-seq
    begin(scene);
    struct sparkplug_metric bdseq = named("bdSeq", 0);
    sparkplug_set_i64(&bdseq, SPARKPLUG_INT64, (int64_t)scene->bdseq);
    sparkplug_put_metric(&scene->payload, &bdseq);
    put_f64(scene, "Temperature", 1, 20.5);
    put_i64(scene, "Counts/Good", 2, -5);
    struct sparkplug_metric running = named("Running", 3);
    sparkplug_set_bool(&running, true);
    sparkplug_put_metric(&scene->payload, &running);
    end(scene, "spBv1.0/G/NBIRTH/E", true);
}

static void dbirth(struct scene *scene) {
    begin(scene);
    put_f64(scene, "압력", 10, 1.0);
    put_f64(scene, "Late", 11, 1.0);
    end(scene, "spBv1.0/G/DBIRTH/E/Press", true);
}

static void ndeath(struct scene *scene, uint64_t bdseq) {
    buf_clear(&scene->payload);
    struct sparkplug_metric metric = named("bdSeq", 0);
    sparkplug_set_i64(&metric, SPARKPLUG_INT64, (int64_t)bdseq);
    sparkplug_put_metric(&scene->payload, &metric);
    end(scene, "spBv1.0/G/NDEATH/E", false);
}

static void ndata(struct scene *scene, uint64_t alias, double value) {
    begin(scene);
    put_f64(scene, NULL, alias, value);
    end(scene, "spBv1.0/G/NDATA/E", true);
}

/* NCMDs that the host sent while it is let run for that long; each must be right. */
static uint32_t rebirths(struct scene *scene, int64_t milliseconds) {
    int64_t until_ns = clock_mono_ns(clock_system()) + milliseconds * NS_PER_MS;
    uint32_t count = 0;
    while (clock_mono_ns(clock_system()) < until_ns) {
        (void)receive(scene);
        struct sim_mqtt_message message;
        while (sim_mqtt_next(scene->watch, 0, &message, NULL) > 0) {
            if (!str_eq(message.topic, STR("spBv1.0/G/NCMD/E"))) {
                continue;
            }
            struct sparkplug_payload payload;
            struct sparkplug_metric metric;
            size_t at = 0;
            count++;
            assert_int_equal(sparkplug_parse(message.payload, &payload, NULL), 0);
            assert_int_equal(payload.metric_count, 1);
            assert_true(sparkplug_next(&payload, &at, &metric));
            /* tck-id-operational-behavior-data-commands-ncmd-rebirth-name, -value */
            assert_true(str_eq(metric.name, STR("Node Control/Rebirth")) && !metric.has_alias);
            assert_true(metric.datatype == SPARKPLUG_BOOLEAN && metric.number == 1);
            assert_false(payload.has_seq || message.is_retained);
        }
    }
    return count;
}

static uint32_t status_of(struct scene *scene, uint32_t tag) {
    return box_last(&scene->rig.box, tag).row.status;
}

static void births_and_data_become_values(void **state) {
    (void)state;
    struct scene scene;
    scene_init(&scene, "");
    join(&scene);
    nbirth(&scene);
    dbirth(&scene);
    expect_rows(&scene, PRESSURE, 1);
    struct box *box = &scene.rig.box;
    assert_true(box_last(box, TEMPERATURE).row.value.f64 == 20.5);
    assert_true(box_last(box, SAME).row.value.f64 == 20.5); // Two tags of one metric.
    assert_int_equal(box_last(box, TEMPERATURE).row.time_ns, 1700000000000000000);
    assert_int_equal(box_last(box, COUNT).row.value.i64, -5);
    assert_int_equal(box_last(box, RUNNING).row.type, TYPE_BOOL);
    /* What the birth does not list does not exist there. */
    assert_int_equal(status_of(&scene, MISSING), (uint32_t)STATUS_BAD_CONFIGURATION);
    ndata(&scene, 1, 21.5);
    begin(&scene);
    put_i64(&scene, NULL, 2, -6); // By alias: the type is the birth's, Int8.
    end(&scene, "spBv1.0/G/NDATA/E", true);
    begin(&scene);
    put_f64(&scene, NULL, 10, 2.5);
    struct sparkplug_metric late = named("Late", 0);
    sparkplug_set_f64(&late, SPARKPLUG_DOUBLE, 0.5);
    late.is_historical = true;
    late.time_ms = TIME_MS - 3600000;
    sparkplug_put_metric(&scene.payload, &late);
    end(&scene, "spBv1.0/G/DDATA/E/Press", true);
    expect_rows(&scene, LATE, 2);
    assert_true(box_last(box, TEMPERATURE).row.value.f64 == 21.5);
    assert_int_equal(box_last(box, COUNT).row.value.i64, -6);
    assert_true(box_last(box, PRESSURE).row.value.f64 == 2.5);
    assert_int_equal(box_last(box, LATE).row.time_ns, 1699996400000000000);
    assert_int_equal(rebirths(&scene, 1300), 0); // The node announced itself.
    scene_fini(&scene);
}

static void quality_and_null_become_statuses(void **state) {
    (void)state;
    struct scene scene;
    scene_init(&scene, "");
    join(&scene);
    nbirth(&scene);
    begin(&scene);
    struct sparkplug_metric metric = named("Temperature", 0);
    sparkplug_set_f64(&metric, SPARKPLUG_DOUBLE, 1);
    metric.has_quality = true; // tck-id-payloads-propertyset-quality-value-value
    metric.quality = SPARKPLUG_QUALITY_STALE;
    sparkplug_put_metric(&scene.payload, &metric);
    end(&scene, "spBv1.0/G/NDATA/E", true);
    expect_rows(&scene, TEMPERATURE, 2);
    assert_int_equal(status_of(&scene, TEMPERATURE), (uint32_t)STATUS_UNCERTAIN_LAST_USABLE);
    begin(&scene);
    metric.quality = SPARKPLUG_QUALITY_BAD;
    sparkplug_put_metric(&scene.payload, &metric);
    end(&scene, "spBv1.0/G/NDATA/E", true);
    expect_rows(&scene, TEMPERATURE, 3);
    assert_int_equal(status_of(&scene, TEMPERATURE), (uint32_t)STATUS_BAD);
    begin(&scene);
    struct sparkplug_metric nothing = named("Temperature", 0);
    nothing.datatype = SPARKPLUG_DOUBLE;
    nothing.is_null = true;
    sparkplug_put_metric(&scene.payload, &nothing);
    end(&scene, "spBv1.0/G/NDATA/E", true);
    expect_rows(&scene, TEMPERATURE, 4);
    assert_int_equal(status_of(&scene, TEMPERATURE), (uint32_t)STATUS_BAD_NO_DATA);
    scene_fini(&scene);
}

/* tck-id-payloads-sequence-num-incrementing */
static void a_gap_asks_for_one_rebirth(void **state) {
    (void)state;
    struct scene scene;
    scene_init(&scene, "");
    join(&scene);
    nbirth(&scene);
    expect_rows(&scene, TEMPERATURE, 1);
    scene.seq = (uint8_t)(scene.seq + 1); // One is lost: it may have been a birth.
    for (int i = 0; i < 20; i++) {
        ndata(&scene, 1, 99);
        begin(&scene);
        put_f64(&scene, "Temperature", 0, 30 + i);
        end(&scene, "spBv1.0/G/NDATA/E", true);
    }
    expect_rows(&scene, TEMPERATURE, 21); // What bears its name is taken, aliases are not believed.
    for (uint32_t i = 0; i < scene.rig.box.count; i++) {
        assert_true(scene.rig.box.rows[i].row.type != TYPE_F64 ||
                    !(scene.rig.box.rows[i].row.value.f64 == 99));
    }
    assert_int_equal(rebirths(&scene, 1500), 1);
    nbirth(&scene);
    ndata(&scene, 1, 50);
    expect_rows(&scene, TEMPERATURE, 23);
    assert_true(box_last(&scene.rig.box, TEMPERATURE).row.value.f64 == 50);
    struct device_health health;
    assert_true(health_copy(scene.rig.health, clock_system(), &health));
    assert_int_equal(health.unclaimed, 20);
    scene_fini(&scene);
}

static void the_number_wraps_at_256(void **state) {
    (void)state;
    struct scene scene;
    scene_init(&scene, "");
    join(&scene);
    nbirth(&scene);
    for (int i = 0; i < 600; i++) {
        ndata(&scene, 1, i);
    }
    expect_rows(&scene, TEMPERATURE, 601);
    assert_int_equal(rebirths(&scene, 1200), 0);
    scene_fini(&scene);
}

static void an_unknown_alias_and_a_silent_node_are_asked(void **state) {
    (void)state;
    struct scene scene;
    scene_init(&scene, "");
    join(&scene);
    assert_int_equal(rebirths(&scene, 1500), 1); // Nobody announced itself within a second.
    nbirth(&scene);
    ndata(&scene, 77, 1);
    expect_rows(&scene, TEMPERATURE, 1);
    assert_int_equal(rebirths(&scene, 1000), 0); // Again only after a pause.
    scene_fini(&scene);
}

/* tck-id-operational-behavior-edge-node-termination-host-action-ndeath-devices-tags-stale,
 * tck-id-payloads-ndeath-bdseq */
static void a_death_ends_node_and_devices(void **state) {
    (void)state;
    struct scene scene;
    scene_init(&scene, "");
    join(&scene);
    scene.bdseq = 7;
    nbirth(&scene);
    dbirth(&scene);
    expect_rows(&scene, PRESSURE, 1);
    ndeath(&scene, 6); // Of the connection before: says nothing.
    ndata(&scene, 1, 22);
    expect_rows(&scene, TEMPERATURE, 2);
    assert_int_equal(status_of(&scene, TEMPERATURE), STATUS_GOOD);
    assert_int_equal(status_of(&scene, PRESSURE), STATUS_GOOD);
    ndeath(&scene, 7);
    expect_rows(&scene, PRESSURE, 2);
    assert_int_equal(status_of(&scene, TEMPERATURE), (uint32_t)STATUS_BAD_NOT_CONNECTED);
    assert_int_equal(status_of(&scene, PRESSURE), (uint32_t)STATUS_BAD_NOT_CONNECTED);
    scene.bdseq = 8;
    nbirth(&scene);
    expect_rows(&scene, TEMPERATURE, 4);
    assert_int_equal(status_of(&scene, TEMPERATURE), STATUS_GOOD);
    assert_int_equal(status_of(&scene, PRESSURE), (uint32_t)STATUS_BAD_NOT_CONNECTED);
    dbirth(&scene);
    expect_rows(&scene, PRESSURE, 3);
    begin(&scene);
    end(&scene, "spBv1.0/G/DDEATH/E/Press", true);
    expect_rows(&scene, PRESSURE, 4);
    assert_int_equal(status_of(&scene, PRESSURE), (uint32_t)STATUS_BAD_NOT_CONNECTED);
    assert_int_equal(status_of(&scene, TEMPERATURE), STATUS_GOOD);
    scene_fini(&scene);
}

static void damage_gives_no_value(void **state) {
    (void)state;
    struct scene scene;
    scene_init(&scene, "");
    join(&scene);
    nbirth(&scene);
    expect_rows(&scene, TEMPERATURE, 1);
    begin(&scene);
    put_f64(&scene, NULL, 1, 5);
    scene.payload.size -= 3;
    assert_int_equal(
        sim_mqtt_publish(scene.node, "spBv1.0/G/NDATA/E", buf_str(&scene.payload), 0, false, NULL),
        0);
    assert_int_equal(rebirths(&scene, 1200), 1);
    assert_int_equal(box_count(&scene.rig.box, TEMPERATURE), 1);
    scene_fini(&scene);
}

static void expect_state(struct scene *scene, const char *words, bool retained) {
    struct sim_mqtt_message message;
    int64_t deadline_ns = clock_mono_ns(clock_system()) + PATIENCE_NS;
    for (;;) {
        assert_true(clock_mono_ns(clock_system()) < deadline_ns);
        if (scene->rig.poller.connected) {
            (void)receive(scene);
        }
        if (sim_mqtt_next(scene->watch, 20, &message, NULL) > 0 &&
            str_eq(message.topic, STR("spBv1.0/STATE/maru"))) {
            assert_true(str_starts(message.payload, str_of(words)));
            assert_int_equal(message.is_retained, retained);
            return;
        }
    }
}

/* tck-id-message-flow-phid-sparkplug-state-publish, tck-id-host-topic-phid-death-payload,
 * tck-id-message-flow-hid-sparkplug-state-message-delivered */
static void the_host_tells_its_state(void **state) {
    (void)state;
    struct scene scene;
    scene_init(&scene, "host_id=maru");
    join(&scene);
    expect_state(&scene, "{\"online\":true,\"timestamp\":1", false);
    assert_int_equal(sim_mqtt_publish(scene.node, "spBv1.0/STATE/maru",
                         STR("{\"online\":false,\"timestamp\":1}"), 1, true, NULL),
        0);
    expect_state(&scene, "{\"online\":false,\"timestamp\":1}", false);
    expect_state(&scene, "{\"online\":true", false); // Said again.
    poller_disconnect(&scene.rig.poller);
    expect_state(&scene, "{\"online\":false,\"timestamp\":1", false);
    /* It is kept for those who come later. */
    sim_mqtt_close(scene.watch, true);
    scene.watch = open_peer("watch");
    assert_int_equal(sim_mqtt_subscribe(scene.watch, "spBv1.0/STATE/#", 1, NULL), 0);
    expect_state(&scene, "{\"online\":false", true);
    scene_fini(&scene);
}

struct found {
    char text[4096];
};

static void on_item(void *context, const struct browse_item *item) {
    struct found *found = context;
    size_t used = strlen(found->text);
    (void)snprintf(found->text + used, sizeof found->text - used, "%.*s=%.*s\n",
        STR_ARG(item->source), STR_ARG(item->sample));
}

static void on_birth_request(void *context) {
    struct scene *scene = context;
    struct sim_mqtt_message message;
    for (int i = 0; i < 200; i++) {
        ndata(scene, 1, i);
        if (sim_mqtt_next(scene->watch, 20, &message, NULL) > 0 &&
            str_eq(message.topic, STR("spBv1.0/G/NCMD/E"))) {
            nbirth(scene);
            dbirth(scene);
            return;
        }
    }
}

static void metrics_are_listed(void **state) {
    (void)state;
    struct scene scene;
    scene_init(&scene, "");
    struct thread thread = {0};
    thread_start(&thread, "node", on_birth_request, &scene);
    struct found found = {""};
    struct err err = ERR_INIT;
    int result = device_browse(&scene.rig.catalogue->devices[0], STR_NONE, on_item, &found, &err);
    thread_join(&thread);
    if (result < 0) {
        fail_msg("%s", words_of(&err));
    }
    assert_non_null(strstr(found.text, "sparkplug:G/E Counts/Good=Int8\n"));
    assert_non_null(strstr(found.text, "sparkplug:G/E/Press 압력=Double\n"));
    scene_fini(&scene);
}

/* tck-id-payloads-alias-uniqueness, and nodes that do not keep it. */
static void an_alias_is_never_taken_for_that_of_another_device(void **state) {
    (void)state;
    struct scene scene;
    scene_init(&scene, "");
    join(&scene);
    nbirth(&scene);
    dbirth(&scene);
    begin(&scene);
    put_f64(&scene, "Force", 10, 7.0); // The press's pressure has 10, too.
    end(&scene, "spBv1.0/G/DBIRTH/E/Second", true);
    begin(&scene);
    put_f64(&scene, NULL, 10, 2.5);
    end(&scene, "spBv1.0/G/DDATA/E/Press", true);
    expect_rows(&scene, PRESSURE, 2);
    begin(&scene);
    put_f64(&scene, NULL, 10, 7.5);
    end(&scene, "spBv1.0/G/DDATA/E/Second", true);
    expect_rows(&scene, FORCE, 2);
    struct box *box = &scene.rig.box;
    assert_true(box_last(box, PRESSURE).row.value.f64 == 2.5);
    assert_true(box_last(box, FORCE).row.value.f64 == 7.5);
    assert_int_equal(box_count(box, PRESSURE), 2);
    scene_fini(&scene);
}

/* tck-id-payloads-name-requirement: a metric of which nothing says what it is. */
static void a_metric_without_name_and_alias_is_nobodys(void **state) {
    (void)state;
    struct scene scene;
    scene_init(&scene, "");
    join(&scene);
    scene.seq = 0;
    begin(&scene);
    struct sparkplug_metric zero = named("Temperature", 0);
    zero.has_alias = true; // Zero is an alias like any other.
    sparkplug_set_f64(&zero, SPARKPLUG_DOUBLE, 20.5);
    sparkplug_put_metric(&scene.payload, &zero);
    put_i64(&scene, "Counts/Good", 2, 1);
    end(&scene, "spBv1.0/G/NBIRTH/E", true);
    begin(&scene);
    put_f64(&scene, NULL, 0, 99);
    put_i64(&scene, NULL, 2, 2);
    end(&scene, "spBv1.0/G/NDATA/E", true);
    expect_rows(&scene, COUNT, 2);
    assert_int_equal(box_count(&scene.rig.box, TEMPERATURE), 1);
    scene_fini(&scene);
}

/* A birth travels with QoS 0 and may be lost; the number of the connection before says nothing of
 * the death of the next one. */
static void a_death_after_a_birth_that_was_not_heard_counts(void **state) {
    (void)state;
    struct scene scene;
    scene_init(&scene, "");
    join(&scene);
    scene.bdseq = 7;
    nbirth(&scene);
    expect_rows(&scene, TEMPERATURE, 1);
    ndeath(&scene, 7);
    expect_rows(&scene, TEMPERATURE, 2);
    begin(&scene);
    put_f64(&scene, "Temperature", 1, 23);
    end(&scene, "spBv1.0/G/NDATA/E", true);
    expect_rows(&scene, TEMPERATURE, 3);
    assert_int_equal(status_of(&scene, TEMPERATURE), STATUS_GOOD);
    ndeath(&scene, 8);
    expect_rows(&scene, TEMPERATURE, 4);
    assert_int_equal(status_of(&scene, TEMPERATURE), (uint32_t)STATUS_BAD_NOT_CONNECTED);
    scene_fini(&scene);
}

/* The will of a connection before ours may come before anything of the present one. */
static void a_node_whose_late_will_comes_first_is_asked(void **state) {
    (void)state;
    struct scene scene;
    scene_init(&scene, "");
    join(&scene);
    ndeath(&scene, 6);
    expect_rows(&scene, TEMPERATURE, 1);
    assert_int_equal(rebirths(&scene, 1500), 1);
    scene_fini(&scene);
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
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(births_and_data_become_values),
        cmocka_unit_test(quality_and_null_become_statuses),
        cmocka_unit_test(a_gap_asks_for_one_rebirth),
        cmocka_unit_test(the_number_wraps_at_256),
        cmocka_unit_test(an_unknown_alias_and_a_silent_node_are_asked),
        cmocka_unit_test(a_death_ends_node_and_devices),
        cmocka_unit_test(an_alias_is_never_taken_for_that_of_another_device),
        cmocka_unit_test(a_metric_without_name_and_alias_is_nobodys),
        cmocka_unit_test(a_death_after_a_birth_that_was_not_heard_counts),
        cmocka_unit_test(a_node_whose_late_will_comes_first_is_asked),
        cmocka_unit_test(damage_gives_no_value),
        cmocka_unit_test(the_host_tells_its_state),
        cmocka_unit_test(metrics_are_listed),
    };
    if (!broker_is_there()) {
        (void)fprintf(stderr, "SKIPPED: no /usr/sbin/mosquitto; install the package mosquitto\n");
        return 0;
    }
    return cmocka_run_group_tests(tests, start_broker, stop_broker);
}
