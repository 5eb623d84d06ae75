/*
 * The simulator's edge node, a real broker, and our host: two encodings written apart, which must
 * understand each other. Skipped where no broker is installed.
 */
#include <math.h>
#include <stdio.h>

#include "sim/sim_sparkplug.h"
#include "support_broker.h"
#include "support_device.h"

enum { TAGS_MAX = 64 };

static void every_metric_of_the_compressor_arrives_and_its_death_too(void **state) {
    (void)state;
    if (!broker_is_there()) {
        skip();
    }
    struct broker broker = {0};
    broker_init(&broker, "allow_anonymous true\n");
    struct sim_sparkplug *node = sim_sparkplug_new(11);
    double energy = 0;
    size_t count = 0;
    const struct sim_sparkplug_row *rows = sim_sparkplug_rows(&count);
    char sources[TAGS_MAX][96];
    struct tag_line tags[TAGS_MAX + 1] = {0};
    assert_true(count < TAGS_MAX);
    uint32_t energy_tag = 0;
    uint32_t pressure_tag = 0;
    for (size_t i = 0; i < count; i++) {
        (void)snprintf(sources[i], sizeof sources[i], "sparkplug:%s/%s/%s %s", SIM_SPARKPLUG_GROUP,
            SIM_SPARKPLUG_EDGE, SIM_SPARKPLUG_DEVICE, rows[i].metric);
        tags[i] = (struct tag_line){rows[i].tag, "comp1", sources[i]};
        if (strcmp(rows[i].metric, "Counters/Energy") == 0) {
            energy_tag = (uint32_t)i + 1;
            energy = sim_sparkplug_value(node, &rows[i]);
        }
        pressure_tag = strcmp(rows[i].metric, "Air/Pressure") == 0 ? (uint32_t)i + 1 : pressure_tag;
    }
    sim_sparkplug_start(node, broker.port, 50);
    char address[32];
    (void)snprintf(address, sizeof address, "127.0.0.1:%u", (unsigned)broker.port);
    struct device_line devices[] = {
        {"comp1", "mqtt", address, "mode=sparkplug timeout_ms=5000", 1000}, {0}};
    struct box box;
    box_init(&box);
    struct catalogue *catalogue = make_catalogue(devices, tags);
    struct device_set_options options = {.port = box_port(&box), .random_seed = 1};
    struct device_set *set = device_set_new(&options);
    device_set_apply(set, catalogue);
    for (uint32_t i = 1; i <= count; i++) {
        if (!box_wait_status(&box, i, STATUS_GOOD)) {
            fail_msg("%s never came", rows[i - 1].tag);
        }
    }
    assert_true(box_wait_good(&box, pressure_tag, 5));
    struct box_row last = box_last(&box, energy_tag);
    assert_int_equal(last.row.type, TYPE_F64);
    assert_true(last.row.value.f64 >= energy && last.row.value.f64 < energy + 1);
    assert_true(sim_sparkplug_births(node) >= 1);
    sim_sparkplug_stop(node);
    assert_true(box_wait_status(&box, pressure_tag, STATUS_BAD_NOT_CONNECTED));
    device_set_free(set);
    catalogue_unref(catalogue);
    box_fini(&box);
    broker_fini(&broker);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_metric_of_the_compressor_arrives_and_its_death_too)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
