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
        {line("modbus", "plc-1.local:502", "", NS_PER_S), MSG_NONE},
        {line("modbus", "plc_1:502", "", NS_PER_S), MSG_NONE},
        {line("modbus", "3com:502", "", NS_PER_S), MSG_NONE},
        {line("modbus", "[::1]:502", "", NS_PER_S), MSG_NONE},
        {line("modbus", "[fe80::1%eth0]:502", "", NS_PER_S), MSG_NONE},
        {line("modbus", "999.1.1.1:502", "", NS_PER_S), MSG_DEVICE_ADDRESS_HOST},
        {line("modbus", "1.1.1:502", "", NS_PER_S), MSG_DEVICE_ADDRESS_HOST},
        {line("modbus", "http://1.1.1.1:502", "", NS_PER_S), MSG_DEVICE_ADDRESS_HOST},
        {line("modbus", "http://plc1", "", NS_PER_S), MSG_DEVICE_ADDRESS_HOST},
        {line("modbus", "plc 1:502", "", NS_PER_S), MSG_DEVICE_ADDRESS_HOST},
        {line("modbus", " plc1:502", "", NS_PER_S), MSG_DEVICE_ADDRESS_HOST},
        {line("modbus", "plc1 :502", "", NS_PER_S), MSG_DEVICE_ADDRESS_HOST},
        {line("modbus", "plc..1:502", "", NS_PER_S), MSG_DEVICE_ADDRESS_HOST},
        {line("modbus", ".plc:502", "", NS_PER_S), MSG_DEVICE_ADDRESS_HOST},
        {line("modbus", "plc.:502", "", NS_PER_S), MSG_DEVICE_ADDRESS_HOST},
        {line("modbus", "-plc:502", "", NS_PER_S), MSG_DEVICE_ADDRESS_HOST},
        {line("modbus", "[::g]:502", "", NS_PER_S), MSG_DEVICE_ADDRESS_HOST},
        {line("modbus", "[fe80::1%]:502", "", NS_PER_S), MSG_DEVICE_ADDRESS_HOST},
        {line("modbus", "127.0.0.1:502 ", "", NS_PER_S), MSG_DEVICE_ADDRESS_PORT},
        {line("modbus", "127.0.0.1: 502", "", NS_PER_S), MSG_DEVICE_ADDRESS_PORT},
        {line("modbus", "127.0.0.1:+502", "", NS_PER_S), MSG_DEVICE_ADDRESS_PORT},
        {line("modbus", "/dev/ttyS9", "baud=115200", NS_PER_S), MSG_NONE},
        {line("modbus", "/dev/ttyS9", "baud=9601", NS_PER_S), MSG_DEVICE_SERIAL_SPEED},
        {line("modbus", "127.0.0.1:502", "x=1", NS_PER_S), MSG_DEVICE_OPTION_UNKNOWN},
        {line("modbus", "127.0.0.1:502", "", 9 * NS_PER_MS), MSG_DEVICE_PERIOD},
        {line("modbus", "127.0.0.1:502", "", 86401 * NS_PER_S), MSG_DEVICE_PERIOD},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct err err = ERR_INIT;
        int result = device_check(&cases[i].device, &err);
        if ((cases[i].msg == MSG_NONE) != (result == 0) || cases[i].msg != err.notes[0].msg) {
            fail_msg("%.*s: %s", STR_ARG(cases[i].device.address), words_of(&err));
        }
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

static void a_tag_takes_only_what_its_type_can_hold(void **state) {
    (void)state;
    static const struct {
        const char *source;
        enum value_type type;
        bool fits;
    } cases[] = {
        {"holding:0 text(8)", TYPE_TEXT, true},
        {"holding:0 text(8)", TYPE_F64, false},
        {"holding:0 text(8)", TYPE_I64, false},
        {"holding:0 text(8)", TYPE_BOOL, false},
        {"holding:0 f32", TYPE_F64, true},
        {"holding:0 f32", TYPE_I64, true}, // Counters in floats: whole ones are exact.
        {"holding:0 f32", TYPE_BOOL, false},
        {"holding:0 f64", TYPE_TEXT, true},
        {"holding:0 u16", TYPE_BOOL, true}, // 0 and 1 are usual.
        {"holding:0 u16", TYPE_F64, true},
        {"coil:0", TYPE_F64, true},
        {"coil:0", TYPE_BOOL, true},
    };
    struct device device = line("modbus", "127.0.0.1:502", "", NS_PER_S);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct tag tag = {.type = cases[i].type, .source = str_of(cases[i].source)};
        struct err err = ERR_INIT;
        int result = device_check_tag(&device, &tag, &err);
        assert_int_equal(cases[i].fits ? 0 : -ERR_INVALID, result);
        assert_int_equal(cases[i].fits ? MSG_NONE : MSG_DEVICE_SOURCE_TYPE, err.notes[0].msg);
    }
    struct tag tag = {.type = TYPE_F64, .source = STR("hold:4")};
    struct err err = ERR_INIT;
    assert_int_equal(-ERR_INVALID, device_check_tag(&device, &tag, &err));
    assert_int_equal(MSG_MODBUS_TABLE_UNKNOWN, err.notes[0].msg);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_device_line_is_judged_without_the_network),
        cmocka_unit_test(a_source_is_judged_with_its_devices_options),
        cmocka_unit_test(a_tag_takes_only_what_its_type_can_hold),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
