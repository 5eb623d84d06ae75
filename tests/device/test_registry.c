/* Checks of device lines and sources, as import and the forms ask them. */
#include "support_device.h"

static struct device line(
    const char *driver, const char *address, const char *options, int64_t period_ns) {
    return (struct device){.number = 1,
        .id = STR("d"),
        .driver = str_of(driver),
        .address = str_of(address),
        .options = str_of(options),
        .period_ns = period_ns};
}

static void a_device_line_is_judged_without_the_network(void **state) {
    (void)state;
    const struct {
        struct device device;
        enum msg_id msg;
    } cases[] = {
        {line("modbus", "10.255.255.1:502", "unit=1", NS_PER_S), MSG_NONE},
        {line("modbus", "/dev/ttyS9", "", 10 * NS_PER_MS), MSG_NONE},
        {line("Modbus", "127.0.0.1:502", "", NS_PER_S), MSG_DEVICE_DRIVER_UNKNOWN},
        {line("modbus", "127.0.0.1", "", NS_PER_S), MSG_DEVICE_ADDRESS_PORT},
        {line("modbus", "127.0.0.1:502", "x=1", NS_PER_S), MSG_DEVICE_OPTION_UNKNOWN},
        {line("modbus", "127.0.0.1:502", "", 9 * NS_PER_MS), MSG_DEVICE_PERIOD},
        {line("modbus", "127.0.0.1:502", "", 86401 * NS_PER_S), MSG_DEVICE_PERIOD},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct err err = ERR_INIT;
        int result = device_check(&cases[i].device, &err);
        assert_int_equal(cases[i].msg == MSG_NONE, result == 0);
        assert_int_equal(cases[i].msg, err.notes[0].msg);
    }
}

static void a_source_is_judged_with_its_devices_options(void **state) {
    (void)state;
    struct device device = line("modbus", "127.0.0.1:502", "unit=9 word_order=CDAB", NS_PER_S);
    struct point point = {0};
    struct err err = ERR_INIT;
    assert_int_equal(0, device_check_source(&device, STR("holding:4 f32"), &point, &err));
    assert_int_equal(9, point.unit);
    assert_int_equal(TYPE_F64, point.natural_type);
    assert_int_equal(-ERR_INVALID, device_check_source(&device, STR("hold:4"), &point, &err));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_device_line_is_judged_without_the_network),
        cmocka_unit_test(a_source_is_judged_with_its_devices_options),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
