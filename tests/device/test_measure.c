/* The rate measurement asks without pause and counts what it did. */
#include "support_device.h"

#include <stdio.h>

#include "sim/sim.h"

static int serve(void *context, uint8_t unit, enum sim_table table, uint16_t start, uint16_t count,
    uint16_t *ret_words) {
    (void)context;
    (void)unit;
    (void)table;
    if (start > 100) {
        return 2;
    }
    memset(ret_words, 0, count * sizeof *ret_words);
    return 0;
}

static void polls_requests_and_samples_are_counted(void **state) {
    (void)state;
    struct sim_modbus_server *server = NULL;
    struct sim_modbus_source source = {.read = serve};
    struct err err = ERR_INIT;
    assert_int_equal(0, sim_modbus_server_start(&source, 0, &server, &err));
    char address[32];
    (void)snprintf(
        address, sizeof address, "127.0.0.1:%u", (unsigned)sim_modbus_server_port(server));
    struct device_line devices[] = {{"d", "modbus", address, "unit=1", 1000}, {0}};
    struct tag_line tags[] = {{"a", "d", "holding:1"}, {"b", "d", "input:2"}, {0}};
    struct catalogue *catalogue = make_catalogue(devices, tags);
    struct device_rate rate;
    assert_int_equal(
        0, device_measure(catalogue, &catalogue->devices[0], 50 * NS_PER_MS, &rate, &err));
    assert_true(rate.polls > 0);
    assert_int_equal(2 * rate.polls, rate.requests);
    assert_int_equal(2 * rate.polls, rate.samples);
    assert_int_equal(rate.requests, sim_modbus_server_requests(server));
    assert_true(rate.elapsed_ns >= 50 * NS_PER_MS);
    catalogue_unref(catalogue);
    tags[1].source = "input:200";
    catalogue = make_catalogue(devices, tags);
    assert_int_equal(-ERR_DEVICE,
        device_measure(catalogue, &catalogue->devices[0], 20 * NS_PER_MS, &rate, &err));
    assert_non_null(strstr(words_of(&err), "exception 2"));
    catalogue_unref(catalogue);
    sim_modbus_server_stop(server);
}

static void a_driver_that_only_listens_has_no_rate(void **state) {
    (void)state;
    struct device_line devices[] = {{"d", "mqtt", "127.0.0.1:1", "", 1000}, {0}};
    struct tag_line tags[] = {{"a", "d", "plant/a"}, {0}};
    struct catalogue *catalogue = make_catalogue(devices, tags);
    struct device_rate rate;
    struct err err = ERR_INIT;
    assert_int_equal(-ERR_UNSUPPORTED,
        device_measure(catalogue, &catalogue->devices[0], 20 * NS_PER_MS, &rate, &err));
    assert_non_null(strstr(words_of(&err), "mqtt only listens"));
    catalogue_unref(catalogue);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(polls_requests_and_samples_are_counted),
        cmocka_unit_test(a_driver_that_only_listens_has_no_rate)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
