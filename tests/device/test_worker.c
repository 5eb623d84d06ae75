/* Link threads: sharing, releasing, reconnecting, stopping. Real threads on loopback. */
#include "support_device.h"

#include <stdio.h>

#include "sim/sim.h"

struct scene {
    struct sim_modbus_server *server;
    char address[32];
    struct box box;
    struct device_set *set;
    struct catalogue *catalogue;
    _Atomic uint32_t silent_unit; // Gives no answer; 0: none.
};

static int serve(void *context, uint8_t unit, enum sim_table table, uint16_t start, uint16_t count,
    uint16_t *ret_words) {
    (void)table;
    struct scene *scene = context;
    if (unit == scene->silent_unit) {
        return SIM_SILENT;
    }
    for (uint16_t i = 0; i < count; i++) {
        ret_words[i] = (uint16_t)(unit * 100 + start + i);
    }
    return 0;
}

static void scene_open(struct scene *scene) {
    *scene = (struct scene){0};
    struct err err = ERR_INIT;
    struct sim_modbus_source source = {.context = scene, .read = serve};
    assert_int_equal(0, sim_modbus_server_start(&source, 0, &scene->server, &err));
    (void)snprintf(scene->address, sizeof scene->address, "127.0.0.1:%u",
        (unsigned)sim_modbus_server_port(scene->server));
    box_init(&scene->box);
}

static void scene_collect(
    struct scene *scene, const struct device_line *devices, const struct tag_line *tags) {
    scene->catalogue = make_catalogue(devices, tags);
    struct device_set_options options = {.port = box_port(&scene->box), .random_seed = 5};
    scene->set = device_set_new(&options);
    device_set_apply(scene->set, scene->catalogue);
}

static void scene_close(struct scene *scene) {
    device_set_free(scene->set);
    catalogue_unref(scene->catalogue);
    sim_modbus_server_stop(scene->server);
    box_fini(&scene->box);
}

static const struct tag_line two_tags[] = {{"a", "d1", "holding:1"}, {"b", "d2", "holding:2"}, {0}};

static void devices_behind_one_address_share_one_connection(void **state) {
    (void)state;
    struct scene scene;
    scene_open(&scene);
    struct device_line devices[] = {{"d1", "modbus", scene.address, "unit=1", 20},
        {"d2", "modbus", scene.address, "unit=2", 20}, {0}};
    scene_collect(&scene, devices, two_tags);
    assert_true(box_wait_good(&scene.box, 1, 3));
    assert_true(box_wait_good(&scene.box, 2, 3));
    assert_int_equal(1, sim_modbus_server_clients(scene.server));
    assert_int_equal(101, box_last(&scene.box, 1).row.value.i64);
    assert_int_equal(202, box_last(&scene.box, 2).row.value.i64);
    scene_close(&scene);
}

static void a_silent_unit_holds_up_its_neighbour_by_one_time_out_at_most(void **state) {
    (void)state;
    struct scene scene;
    scene_open(&scene);
    scene.silent_unit = 2;
    struct device_line devices[] = {{"d1", "modbus", scene.address, "unit=1 timeout_ms=200", 20},
        {"d2", "modbus", scene.address, "unit=2 timeout_ms=200", 20}, {0}};
    scene_collect(&scene, devices, two_tags);
    assert_true(box_wait_status(&scene.box, 2, STATUS_BAD_TIMEOUT));
    assert_true(box_wait_good(&scene.box, 1, 20));
    int64_t last_ns = 0;
    mutex_lock(&scene.box.lock);
    for (uint32_t i = 0; i < scene.box.count; i++) {
        const struct sample *row = &scene.box.rows[i].row;
        if (row->tag == 1 && last_ns != 0) {
            assert_true(row->time_ns - last_ns < 450 * NS_PER_MS); // 200 and the machine's load.
        }
        last_ns = row->tag == 1 ? row->time_ns : last_ns;
    }
    mutex_unlock(&scene.box.lock);
    struct device_health health;
    assert_true(device_set_health(scene.set, 2, &health));
    assert_true(health.state != LINK_UP);
    assert_true(health.timeouts > 0);
    assert_non_null(strstr(words_of(&health.last_error), "unit 2"));
    scene.silent_unit = 0;
    assert_true(box_wait_status(&scene.box, 2, STATUS_GOOD));
    scene_close(&scene);
}

static void hold_0_releases_the_connection_between_polls(void **state) {
    (void)state;
    struct scene scene;
    scene_open(&scene);
    struct device_line devices[] = {{"d1", "modbus", scene.address, "unit=1 hold=0", 300}, {0}};
    scene_collect(&scene, devices, two_tags);
    assert_true(box_wait_good(&scene.box, 1, 4)); // The second may follow the first at once.
    struct device_health health;
    assert_true(device_set_health(scene.set, 1, &health));
    assert_true(health.connects >= 3);
    mutex_lock(&scene.box.lock);
    for (uint32_t i = 0; i < scene.box.count; i++) {
        assert_int_equal(STATUS_GOOD, (int32_t)scene.box.rows[i].row.status); // No alarm for it.
    }
    mutex_unlock(&scene.box.lock);
    scene_close(&scene);
}

static void polls_stay_on_their_boundaries(void **state) {
    (void)state;
    struct scene scene;
    scene_open(&scene);
    struct device_line devices[] = {{"d1", "modbus", scene.address, "unit=1", 40}, {0}};
    scene_collect(&scene, devices, two_tags);
    assert_true(box_wait_good(&scene.box, 1, 12));
    /* The first poll comes at once, the others at phase + k * period: whatever the delays of
     * single polls, they do not add up. Most phases lie just behind the earliest of them. */
    uint32_t near = 0;
    mutex_lock(&scene.box.lock);
    for (uint32_t base = 1; base < 12; base++) {
        uint32_t count = 0;
        for (uint32_t i = 1; i < 12; i++) {
            int64_t since_ns = scene.box.rows[i].request_ns - scene.box.rows[base].request_ns;
            int64_t rest_ns = since_ns % (40 * NS_PER_MS);
            rest_ns += rest_ns < 0 ? 40 * NS_PER_MS : 0;
            count += rest_ns < 10 * NS_PER_MS;
        }
        near = count > near ? count : near;
    }
    mutex_unlock(&scene.box.lock);
    assert_true(near >= 7);
    scene_close(&scene);
}

static void missed_periods_are_counted_as_overruns(void **state) {
    (void)state;
    struct scene scene;
    scene_open(&scene);
    scene.silent_unit = 1;
    struct device_line devices[] = {
        {"d1", "modbus", scene.address, "unit=1 timeout_ms=200", 20}, {0}};
    scene_collect(&scene, devices, two_tags);
    assert_true(box_wait_status(&scene.box, 1, STATUS_BAD_TIMEOUT));
    scene.silent_unit = 0;
    assert_true(box_wait_good(&scene.box, 1, 3));
    struct device_health health;
    assert_true(device_set_health(scene.set, 1, &health));
    assert_true(health.overruns >= 5);
    scene_close(&scene);
}

static void a_set_stops_at_once_even_while_it_waits_for_an_answer(void **state) {
    (void)state;
    struct scene scene;
    scene_open(&scene);
    scene.silent_unit = 1;
    struct device_line devices[] = {{"d1", "modbus", scene.address, "unit=1 timeout_ms=60000", 20},
        {"d2", "modbus", "127.0.0.1:1", "unit=1", 20}, {0}};
    scene_collect(&scene, devices, two_tags);
    assert_true(wait_state(scene.set, 2, LINK_DOWN));
    int64_t begun_ns = clock_mono_ns(clock_system());
    device_set_free(scene.set);
    assert_true(clock_mono_ns(clock_system()) - begun_ns < 2 * NS_PER_S);
    scene.set = NULL;
    scene_close(&scene);
}

static void a_full_pipeline_makes_the_link_wait_and_loses_nothing(void **state) {
    (void)state;
    struct scene scene;
    scene_open(&scene);
    scene.box.dry = true;
    struct device_line devices[] = {{"d1", "modbus", scene.address, "unit=1", 20}, {0}};
    scene_collect(&scene, devices, two_tags);
    assert_true(box_wait_refused(&scene.box));
    assert_int_equal(0, box_count(&scene.box, 1));
    mutex_lock(&scene.box.lock);
    scene.box.dry = false;
    mutex_unlock(&scene.box.lock);
    assert_true(box_wait_good(&scene.box, 1, 3)); // Health follows the rows of its poll.
    struct device_health health;
    assert_true(device_set_health(scene.set, 1, &health));
    assert_true(health.waits >= 1);
    scene_close(&scene);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(devices_behind_one_address_share_one_connection),
        cmocka_unit_test(a_silent_unit_holds_up_its_neighbour_by_one_time_out_at_most),
        cmocka_unit_test(hold_0_releases_the_connection_between_polls),
        cmocka_unit_test(polls_stay_on_their_boundaries),
        cmocka_unit_test(missed_periods_are_counted_as_overruns),
        cmocka_unit_test(a_set_stops_at_once_even_while_it_waits_for_an_answer),
        cmocka_unit_test(a_full_pipeline_makes_the_link_wait_and_loses_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
