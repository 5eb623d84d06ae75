/*
 * Drivers whose values come when they happen: what is confirmed is durable, source times are kept
 * or not believed, a point without a value is not bad.
 */
#include "support_device.h"

enum { TAG = 1, SOURCE_S = 1500000000 };

static struct {
    int receives;
    int acknowledges;
    int64_t source_ns;
    uint32_t values;
    bool texts;
} script;

static int receive(
    struct driver_io *io, const struct point_group *all, struct point_sink *sink, struct err *err) {
    (void)io;
    (void)err;
    script.receives++;
    for (uint32_t i = 0; i < script.values; i++) {
        sink_time(sink, script.source_ns == 0 ? 0 : script.source_ns + i);
        if (script.texts) {
            sink_text(sink, &all->points[0], STR("스캔 0012345678905"));
        } else {
            sink_i64(sink, &all->points[0], i);
        }
    }
    sink_alive(sink);
    return 0;
}

static int acknowledge(struct driver_io *io, struct err *err) {
    script.acknowledges++;
    return io_bookmark_put(io, STR("place"), STR("42"), err);
}

static const struct driver_option NO_OPTIONS[] = {{.name = NULL}};
static const struct driver DRIVER = {.name = "test",
    .options = NO_OPTIONS,
    .events = true,
    .receive = receive,
    .acknowledge = acknowledge};

struct scene {
    struct box box;
    struct poller poller;
    struct device_plan plan;
    struct point points[2];
    uint32_t last_status[2];
    uint64_t seen[2];
};

static void scene_init(struct scene *scene) {
    *scene = (struct scene){0};
    memset(&script, 0, sizeof script);
    box_init(&scene->box);
    struct poller_options options = {.clock = clock_system(),
        .port = box_port(&scene->box),
        .seed = 1,
        .link = link_own_new(clock_system(), -1)};
    poller_init(&scene->poller, &DRIVER, &options);
    scene->points[0] = (struct point){.tag = TAG, .natural_type = TYPE_I64};
    scene->points[1] = (struct point){.tag = TAG + 1, .natural_type = TYPE_I64};
    scene->last_status[0] = scene->last_status[1] = POINT_NEVER;
    scene->plan = (struct device_plan){.number = 7,
        .id = STR("d"),
        .address = STR("nowhere"),
        .period_ns = NS_PER_S,
        .driver = &DRIVER,
        .settings = {.link = {[LINK_TIMEOUT_MS] = 100}},
        .points = scene->points,
        .last_status = scene->last_status,
        .seen = scene->seen,
        .point_count = 2,
        .health = health_new(7)};
    health_start(scene->plan.health, NS_PER_S, clock_system());
    struct err err = ERR_INIT;
    assert_int_equal(0, poller_connect(&scene->poller, &scene->plan, &err));
}

static void scene_fini(struct scene *scene) {
    poller_fini(&scene->poller);
    health_free(scene->plan.health);
    box_fini(&scene->box);
}

static void rows_are_confirmed_after_they_are_durable(void **state) {
    (void)state;
    struct scene scene;
    scene_init(&scene);
    struct err err = ERR_INIT;
    script.values = 20000; // More than one batch holds.
    script.source_ns = SOURCE_S * NS_PER_S;
    assert_int_equal(0, poller_receive(&scene.poller, &scene.plan, &err));
    assert_int_equal(script.acknowledges, 1);
    assert_int_equal(box_count(&scene.box, TAG), 20000);
    assert_true(scene.box.submits >= 3);
    struct box_row last = box_last(&scene.box, TAG);
    assert_int_equal(last.row.time_ns, SOURCE_S * NS_PER_S + 19999);
    assert_int_equal(last.row.flags, SAMPLE_SOURCE_TIME);
    assert_int_equal(box_count(&scene.box, TAG + 1), 0); // Nothing came for it: not bad.
    AUTO_BUF struct buf place;
    buf_init(&place, 64);
    assert_int_equal(0, io_bookmark_get(&scene.poller.io, STR("place"), &place, &err));
    assert_true(str_eq(buf_str(&place), STR("42")));
    assert_int_equal(-ERR_NOT_FOUND, io_bookmark_get(&scene.poller.io, STR("x"), &place, &err));
    scene_fini(&scene);
}

static void nothing_is_confirmed_when_the_store_refuses(void **state) {
    (void)state;
    struct scene scene;
    scene_init(&scene);
    struct err err = ERR_INIT;
    script.values = 20000;
    scene.box.dry = true;
    assert_int_equal(-ERR_SPACE, poller_receive(&scene.poller, &scene.plan, &err));
    assert_int_equal(script.acknowledges, 0);
    assert_int_equal(scene.box.refused, 1); // The rest of the call was not offered.
    assert_int_equal(box_count(&scene.box, TAG), 0);
    scene.box.dry = false;
    assert_int_equal(0, poller_receive(&scene.poller, &scene.plan, &err));
    assert_int_equal(script.acknowledges, 1);
    assert_int_equal(box_count(&scene.box, TAG), 20000);
    scene_fini(&scene);
}

static void a_bad_mark_that_the_store_refused_is_told_again(void **state) {
    (void)state;
    struct scene scene;
    scene_init(&scene);
    struct err err = ERR_INIT;
    script.values = 1;
    assert_int_equal(0, poller_receive(&scene.poller, &scene.plan, &err));
    scene.box.dry = true;
    poller_mark_bad(&scene.poller, &scene.plan, STATUS_BAD_COMMUNICATION);
    scene.box.dry = false;
    assert_int_equal(box_last(&scene.box, TAG).row.status, (uint32_t)STATUS_GOOD);
    poller_mark_bad(&scene.poller, &scene.plan, STATUS_BAD_COMMUNICATION);
    assert_int_equal(box_last(&scene.box, TAG).row.status, (uint32_t)STATUS_BAD_COMMUNICATION);
    scene_fini(&scene);
}

static void a_time_that_cannot_be_is_not_believed(void **state) {
    (void)state;
    struct scene scene;
    scene_init(&scene);
    struct err err = ERR_INIT;
    script.values = 1;
    static const int64_t WRONG[] = {-5, 4000000000LL * NS_PER_S, INT64_MAX};
    for (size_t i = 0; i < sizeof WRONG / sizeof WRONG[0]; i++) {
        script.source_ns = WRONG[i];
        int64_t before_ns = clock_wall_ns(clock_system());
        assert_int_equal(0, poller_receive(&scene.poller, &scene.plan, &err));
        struct box_row last = box_last(&scene.box, TAG);
        assert_int_equal(last.row.status, STATUS_UNCERTAIN);
        assert_true(last.row.time_ns >= before_ns);
        assert_int_equal(last.row.flags, 0);
    }
    script.texts = true;
    script.source_ns = SOURCE_S * NS_PER_S;
    scene.points[0].natural_type = TYPE_TEXT;
    assert_int_equal(0, poller_receive(&scene.poller, &scene.plan, &err));
    assert_string_equal(box_last(&scene.box, TAG).text, "스캔 0012345678905");
    assert_int_equal(box_last(&scene.box, TAG).row.flags, SAMPLE_SOURCE_TIME);
    scene_fini(&scene);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_are_confirmed_after_they_are_durable),
        cmocka_unit_test(nothing_is_confirmed_when_the_store_refuses),
        cmocka_unit_test(a_bad_mark_that_the_store_refused_is_told_again),
        cmocka_unit_test(a_time_that_cannot_be_is_not_believed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
