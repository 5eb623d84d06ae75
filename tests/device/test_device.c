/*
 * The device set from end to end: real threads, real sockets on loopback, the simulated plant.
 */
#include "support_device.h"

#include <math.h>
#include <stdio.h>

#include "sim/sim.h"

enum { TAGS_MAX = 256 };

struct world {
    struct sim_plant *plant;
    struct device_line devices[SIM_MACHINE_COUNT + 1];
    char addresses[SIM_MACHINE_COUNT][32];
    struct tag_line tags[TAGS_MAX];
    struct box box;
    struct catalogue *catalogue;
    struct device_set *set;
};

static void make_lines(struct world *world) {
    size_t count = 0;
    const struct sim_device_row *devices = sim_device_rows(&count);
    for (size_t i = 0; i < count; i++) {
        (void)snprintf(world->addresses[i], sizeof world->addresses[i], "127.0.0.1:%u",
            (unsigned)sim_plant_port(world->plant, devices[i].machine));
        world->devices[i] = (struct device_line){.id = devices[i].id,
            .driver = devices[i].driver,
            .address = world->addresses[i],
            .options = devices[i].options,
            .period_ms = 50};
    }
    const struct sim_tag_row *tags = sim_tag_rows(&count);
    assert_true(count < TAGS_MAX);
    for (size_t i = 0; i < count; i++) {
        world->tags[i] = (struct tag_line){tags[i].name, tags[i].device, tags[i].source};
    }
}

static void world_start(struct world *world) {
    *world = (struct world){0};
    struct err err = ERR_INIT;
    struct sim_plant_options options = {.seed = 42};
    assert_int_equal(0, sim_plant_start(&options, &world->plant, &err));
    make_lines(world);
    box_init(&world->box);
    world->catalogue = make_catalogue(world->devices, world->tags);
    struct device_set_options set_options = {.port = box_port(&world->box), .random_seed = 1};
    world->set = device_set_new(&set_options);
    device_set_apply(world->set, world->catalogue);
}

static void world_stop(struct world *world) {
    device_set_free(world->set);
    catalogue_unref(world->catalogue);
    sim_plant_stop(world->plant);
    box_fini(&world->box);
}

/* R-002 R-006 */
static void every_tag_of_the_plant_arrives_with_a_plausible_value(void **state) {
    (void)state;
    struct world world;
    world_start(&world);
    size_t count = 0;
    const struct sim_tag_row *rows = sim_tag_rows(&count);
    for (uint32_t i = 0; i < count; i++) {
        if (!box_wait_status(&world.box, i + 1, STATUS_GOOD)) {
            fail_msg("%s never came", rows[i].name);
        }
        struct box_row last = box_last(&world.box, i + 1);
        assert_true(last.request_ns <= last.row.time_ns && last.row.time_ns <= last.reply_ns);
        if (last.row.type == TYPE_TEXT) {
            assert_true(strlen(last.text) > 3);
            continue;
        }
        double value = last.row.type == TYPE_F64 ? last.row.value.f64 : (double)last.row.value.i64;
        value = value * rows[i].scale + rows[i].offset;
        bool in_range = (isnan(rows[i].min) || value >= rows[i].min) &&
                        (isnan(rows[i].max) || value <= rows[i].max);
        if (!in_range) {
            fail_msg("%s = %g", rows[i].name, value);
        }
    }
    for (uint32_t device = 1; device <= SIM_MACHINE_COUNT; device++) {
        struct device_health health;
        assert_true(device_set_health(world.set, device, &health));
        assert_int_equal(1, health.open_sockets);
        assert_int_equal(0, health.points_bad);
        assert_int_equal(1, health.connects);
    }
    world_stop(&world);
}

static void a_killed_machine_is_told_within_its_period_and_heals_after_its_return(void **state) {
    (void)state;
    struct world world;
    world_start(&world);
    assert_true(box_wait_good(&world.box, 1, 3));
    assert_true(wait_state(world.set, 1, LINK_UP));
    int64_t killed_ns = clock_mono_ns(clock_system());
    sim_plant_kill(world.plant, SIM_PRESS1);
    assert_true(box_wait_status(&world.box, 1, STATUS_BAD_COMMUNICATION));
    assert_true(wait_state(world.set, 1, LINK_DOWN));
    assert_true(clock_mono_ns(clock_system()) - killed_ns < 2 * NS_PER_S);
    struct device_health health;
    assert_true(device_set_health(world.set, 1, &health));
    assert_int_equal(0, health.open_sockets);
    assert_true(health.next_try_ns > 0);
    assert_non_null(strstr(words_of(&health.last_error), "press1"));
    /* One bad row at the change, not one each period; and the others go on. */
    uint32_t rows = box_count(&world.box, 1);
    assert_true(box_wait_good(&world.box, world.catalogue->tag_count, 5));
    assert_int_equal(rows, box_count(&world.box, 1));
    while (health.last_error.code != ERR_REFUSED) { // The next try comes within a second.
        assert_true(box_wait_good(&world.box, world.catalogue->tag_count, 1));
        assert_true(device_set_health(world.set, 1, &health));
    }
    struct err err = ERR_INIT;
    assert_int_equal(0, sim_plant_revive(world.plant, SIM_PRESS1, &err));
    int64_t revived_ns = clock_mono_ns(clock_system());
    assert_true(box_wait_status(&world.box, 1, STATUS_GOOD));
    assert_true(clock_mono_ns(clock_system()) - revived_ns < 5 * NS_PER_S);
    assert_true(wait_state(world.set, 1, LINK_UP));
    world_stop(&world);
}

static void applying_the_same_catalogue_disturbs_nothing(void **state) {
    (void)state;
    struct world world;
    world_start(&world);
    assert_true(box_wait_good(&world.box, 1, 2));
    struct catalogue *same = make_catalogue(world.devices, world.tags);
    device_set_apply(world.set, same);
    assert_true(box_wait_good(&world.box, 1, 2));
    struct device_health health;
    assert_true(device_set_health(world.set, 1, &health));
    assert_int_equal(1, health.connects);
    catalogue_unref(same);
    world_stop(&world);
}

/* */
/* */
static void a_new_tag_joins_without_a_new_connection(void **state) {
    (void)state;
    struct world world;
    world_start(&world);
    assert_true(box_wait_good(&world.box, 1, 2));
    uint32_t added = world.catalogue->tag_count;
    world.tags[added] = (struct tag_line){"extra.stroke", "press1", "input:3 u16"};
    struct catalogue *more = make_catalogue(world.devices, world.tags);
    device_set_apply(world.set, more);
    assert_true(box_wait_good(&world.box, added + 1, 2));
    struct device_health health;
    assert_true(device_set_health(world.set, 1, &health));
    assert_int_equal(1, health.connects);
    assert_int_equal(1, sim_plant_port(world.plant, SIM_PRESS1) > 0);
    catalogue_unref(more);
    world_stop(&world);
}

static void a_device_that_leaves_the_catalogue_is_no_longer_asked(void **state) {
    (void)state;
    struct world world;
    world_start(&world);
    assert_true(box_wait_good(&world.box, 1, 1));
    world.catalogue->devices[0].enabled = false;
    device_set_apply(world.set, world.catalogue);
    uint32_t rows = box_count(&world.box, 1);
    assert_true(box_wait_good(&world.box, world.catalogue->tag_count, 5));
    assert_int_equal(rows, box_count(&world.box, 1));
    struct device_health health;
    assert_false(device_set_health(world.set, 1, &health));
    assert_true(device_set_health(world.set, 2, &health));
    world_stop(&world);
}

static void a_wrong_source_is_told_and_stops_no_other(void **state) {
    (void)state;
    struct world world;
    world_start(&world);
    uint32_t added = world.catalogue->tag_count;
    world.tags[added] = (struct tag_line){"extra.wrong", "press1", "holding:x"};
    struct catalogue *more = make_catalogue(world.devices, world.tags);
    device_set_apply(world.set, more);
    assert_true(box_wait_status(&world.box, added + 1, STATUS_BAD_CONFIGURATION));
    assert_true(box_wait_good(&world.box, 1, 2));
    struct device_health health;
    do { // Health follows the rows at the end of the poll.
        assert_true(device_set_health(world.set, 1, &health));
    } while (health.last_error.code == ERR_OK && box_wait_good(&world.box, 1, 1));
    assert_int_equal(1, health.points_bad);
    if (strstr(words_of(&health.last_error), "extra.wrong") == NULL) {
        fail_msg("%s", words_of(&health.last_error));
    }
    catalogue_unref(more);
    world_stop(&world);
}

static void a_wrong_device_line_is_told_in_words(void **state) {
    (void)state;
    static const struct device_line devices[] = {
        {"d1", "modbsu", "127.0.0.1:502", "", 1000},
        {"d2", "modbus", "127.0.0.1", "", 1000},
        {"d3", "modbus", "127.0.0.1:502", "unti=1", 1000},
        {0},
    };
    static const struct tag_line tags[] = {
        {"a", "d1", "holding:0"},
        {"b", "d2", "holding:0"},
        {"c", "d3", "holding:0"},
        {0},
    };
    static const char *const words[] = {"modbsu", "port", "unti"};
    struct box box;
    box_init(&box);
    struct catalogue *catalogue = make_catalogue(devices, tags);
    struct device_set_options options = {.port = box_port(&box)};
    struct device_set *set = device_set_new(&options);
    device_set_apply(set, catalogue);
    for (uint32_t i = 0; i < 3; i++) {
        struct device_health health;
        assert_true(device_set_health(set, i + 1, &health));
        assert_int_equal(LINK_DOWN, health.state);
        assert_non_null(strstr(words_of(&health.last_error), words[i]));
    }
    device_set_free(set);
    catalogue_unref(catalogue);
    box_fini(&box);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_tag_of_the_plant_arrives_with_a_plausible_value),
        cmocka_unit_test(a_killed_machine_is_told_within_its_period_and_heals_after_its_return),
        cmocka_unit_test(applying_the_same_catalogue_disturbs_nothing),
        cmocka_unit_test(a_new_tag_joins_without_a_new_connection),
        cmocka_unit_test(a_device_that_leaves_the_catalogue_is_no_longer_asked),
        cmocka_unit_test(a_wrong_source_is_told_and_stops_no_other),
        cmocka_unit_test(a_wrong_device_line_is_told_in_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
