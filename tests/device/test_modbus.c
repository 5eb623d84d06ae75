/*
 * The driver modbus: its addresses, its checksum, and every capture in tests/captures/modbus_*.cap
 * (format in docs/ADD_A_DRIVER.md) played through the whole poller.
 */
#include "support_capture.h"

#include "device/drivers/modbus.h"
#include "support_contract.h"

static struct driver_settings default_settings(void) {
    const struct driver *driver = driver_find(STR("modbus"));
    struct driver_settings settings = {0};
    for (size_t i = 0; driver->options[i].name != NULL; i++) {
        settings.values[i] = driver->options[i].fallback;
    }
    return settings;
}

static void addresses_of_every_form_are_understood(void **state) {
    (void)state;
    static const struct {
        const char *source;
        uint32_t space, start, length, format, order, bit, unit;
    } cases[] = {
        {"holding:0", MODBUS_HOLDING, 0, 1, FORMAT_U16, ORDER_ABCD, 0, 1},
        {"holding:65535 i16", MODBUS_HOLDING, 65535, 1, FORMAT_I16, ORDER_ABCD, 0, 1},
        {"holding:0 f32 CDAB", MODBUS_HOLDING, 0, 2, FORMAT_F32, ORDER_CDAB, 0, 1},
        {"  input:3   u16 ", MODBUS_INPUT, 3, 1, FORMAT_U16, ORDER_ABCD, 0, 1},
        {"coil:5", MODBUS_COILS, 5, 1, FORMAT_CELL, ORDER_ABCD, 0, 1},
        {"discrete:7 bool", MODBUS_DISCRETE, 7, 1, FORMAT_CELL, ORDER_ABCD, 0, 1},
        {"holding:10.3", MODBUS_HOLDING, 10, 1, FORMAT_WORD_BIT, ORDER_ABCD, 3, 1},
        {"holding:10 bit 15", MODBUS_HOLDING, 10, 1, FORMAT_WORD_BIT, ORDER_ABCD, 15, 1},
        {"holding:10.3 bool", MODBUS_HOLDING, 10, 1, FORMAT_WORD_BIT, ORDER_ABCD, 3, 1},
        {"holding:1 bool", MODBUS_HOLDING, 1, 1, FORMAT_WORD_BIT, ORDER_ABCD, 0, 1},
        {"HOLDING:1 F64 dcba UNIT 255", MODBUS_HOLDING, 1, 4, FORMAT_F64, ORDER_DCBA, 0, 255},
        {"hr:1 u64", MODBUS_HOLDING, 1, 4, FORMAT_U64, ORDER_ABCD, 0, 1},
        {"holding:9 text(7)", MODBUS_HOLDING, 9, 4, FORMAT_TEXT, ORDER_ABCD, 0, 1},
        {"40001", MODBUS_HOLDING, 0, 1, FORMAT_U16, ORDER_ABCD, 0, 1},
        {"400001 f32", MODBUS_HOLDING, 0, 2, FORMAT_F32, ORDER_ABCD, 0, 1},
        {"465536", MODBUS_HOLDING, 65535, 1, FORMAT_U16, ORDER_ABCD, 0, 1},
        {"30010.2", MODBUS_INPUT, 9, 1, FORMAT_WORD_BIT, ORDER_ABCD, 2, 1},
        {"10001", MODBUS_DISCRETE, 0, 1, FORMAT_CELL, ORDER_ABCD, 0, 1},
        {"00001", MODBUS_COILS, 0, 1, FORMAT_CELL, ORDER_ABCD, 0, 1},
    };
    struct driver_settings settings = default_settings();
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct point point = {0};
        struct err err = ERR_INIT;
        if (modbus_parse_address(str_of(cases[i].source), &settings, &point, &err) != 0) {
            fail_msg("%s: %s", cases[i].source, words_of(&err));
        }
        assert_int_equal(cases[i].space, point.space);
        assert_int_equal(cases[i].start, point.start);
        assert_int_equal(cases[i].length, point.length);
        assert_int_equal(cases[i].format, point.detail[DETAIL_FORMAT]);
        assert_int_equal(cases[i].order, point.detail[DETAIL_ORDER]);
        assert_int_equal(cases[i].bit, point.detail[DETAIL_BIT]);
        assert_int_equal(cases[i].unit, point.unit);
    }
}

static void a_wrong_address_is_refused_with_words_that_name_the_fault(void **state) {
    (void)state;
    static const struct {
        const char *source;
        enum msg_id msg;
    } cases[] = {
        {"", MSG_MODBUS_TABLE_UNKNOWN},
        {"holdng:0", MSG_MODBUS_TABLE_UNKNOWN},
        {"50001", MSG_MODBUS_TABLE_UNKNOWN},
        {"40000", MSG_MODBUS_TABLE_UNKNOWN},
        {"4001", MSG_MODBUS_TABLE_UNKNOWN},
        {"4000001", MSG_MODBUS_TABLE_UNKNOWN},
        {"465537", MSG_MODBUS_TABLE_UNKNOWN},
        {"holding:", MSG_MODBUS_ADDRESS_RANGE},
        {"holding:-1", MSG_MODBUS_ADDRESS_RANGE},
        {"holding:65536", MSG_MODBUS_ADDRESS_RANGE},
        {"holding:99999999999999999999", MSG_MODBUS_ADDRESS_RANGE},
        {"holding:0x10", MSG_MODBUS_ADDRESS_RANGE},
        {"holding:65535 f32", MSG_MODBUS_ADDRESS_END},
        {"holding:0 float", MSG_MODBUS_WORD_UNKNOWN},
        {"holding:0 f32 f64", MSG_MODBUS_WORD_TWICE},
        {"holding:0 ABCD CDAB", MSG_MODBUS_WORD_TWICE},
        {"holding:0 unit 1 unit 2", MSG_MODBUS_WORD_TWICE},
        {"holding:0.1 bit 2", MSG_MODBUS_WORD_TWICE},
        {"holding:0.16", MSG_MODBUS_BIT_RANGE},
        {"holding:0.", MSG_MODBUS_BIT_RANGE},
        {"holding:0 bit", MSG_MODBUS_BIT_RANGE},
        {"coil:0.1", MSG_MODBUS_BIT_TABLE},
        {"holding:0.1 u16", MSG_MODBUS_BIT_TYPE},
        {"coil:0 u16", MSG_MODBUS_TYPE_TABLE},
        {"coil:0 text(4)", MSG_MODBUS_TYPE_TABLE},
        {"holding:0 text(0)", MSG_MODBUS_TEXT_LENGTH},
        {"holding:0 text(251)", MSG_MODBUS_TEXT_LENGTH},
        {"holding:0 text()", MSG_MODBUS_TEXT_LENGTH},
        {"holding:0 unit 256", MSG_MODBUS_UNIT_RANGE},
        {"holding:0 unit", MSG_MODBUS_UNIT_RANGE},
    };
    struct driver_settings settings = default_settings();
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct point point = {.tag = 77};
        struct err err = ERR_INIT;
        assert_int_equal(
            -ERR_INVALID, modbus_parse_address(str_of(cases[i].source), &settings, &point, &err));
        if (err.notes[0].msg != cases[i].msg) {
            fail_msg("%s: %s", cases[i].source, words_of(&err));
        }
        assert_int_equal(77, point.tag); // Untouched on failure.
    }
    settings.values[OPTION_MAX_REGISTERS] = 1;
    struct point point = {0};
    struct err err = ERR_INIT;
    assert_int_equal(
        -ERR_INVALID, modbus_parse_address(STR("holding:0 f32"), &settings, &point, &err));
    assert_int_equal(MSG_MODBUS_TOO_WIDE, err.notes[0].msg);
}

static void the_checksum_is_that_of_the_standard(void **state) {
    (void)state;
    /* Serial Line V1.02 clause 6.2.2: unit 02, function 07 gives 41 12. */
    static const uint8_t frame[] = {0x02, 0x07};
    assert_int_equal(0x1241, modbus_crc(frame, sizeof frame));
    assert_int_equal(0xFFFF, modbus_crc(frame, 0));
}

static void every_capture_gives_what_it_says(void **state) {
    (void)state;
    capture_play_all("modbus", 20);
}

/* ---- the storm ---- */

/* A machine that knows function 3 alone: unit 1, registers 2i - 2 and 2i - 1 hold source i. */
struct machine {
    uint32_t generation;
};

static void machine_generation(void *context, uint32_t generation) {
    ((struct machine *)context)->generation = generation;
}

static void machine_respond(void *context, const uint8_t *data, size_t size, struct buf *answer) {
    const struct machine *machine = context;
    assert_int_equal(12, size); // The driver sends a request in one piece.
    uint32_t start = (uint32_t)data[8] << 8 | data[9];
    uint32_t count = (uint32_t)data[10] << 8 | data[11];
    uint8_t head[9] = {data[0], data[1], 0, 0, 0, (uint8_t)(3 + 2 * count), data[6], data[7],
        (uint8_t)(2 * count)};
    buf_put(answer, head, sizeof head);
    for (uint32_t at = start; at < start + count; at++) {
        uint32_t value = (at / 2 + 1) * CONTRACT_STEP + machine->generation;
        uint32_t word = at % 2 == 0 ? value >> 16 : value & 0xFFFF;
        buf_put_char(answer, (char)(word >> 8));
        buf_put_char(answer, (char)word);
    }
}

static void machine_wrong_unit(uint8_t *answer, size_t size) {
    answer[6] = size > 6 ? 9 : answer[6];
}

static void a_storm_on_the_line_brings_no_wrong_value(void **state) {
    (void)state;
    static const char *const sources[] = {"holding:0 u32", "holding:2 u32", "holding:4 u32",
        "holding:6 u32", "holding:8 u32", "holding:10 u32", NULL};
    struct machine machine = {0};
    struct contract_peer peer = {.driver = "modbus",
        .address = "127.0.0.1:1",
        .options = "unit=1 timeout_ms=20 max_registers=4",
        .sources = sources,
        .context = &machine,
        .set_generation = machine_generation,
        .respond = machine_respond,
        .wrong_unit = machine_wrong_unit};
    (void)contract_storm(&peer, 5, 100000);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(addresses_of_every_form_are_understood),
        cmocka_unit_test(a_wrong_address_is_refused_with_words_that_name_the_fault),
        cmocka_unit_test(the_checksum_is_that_of_the_standard),
        cmocka_unit_test(every_capture_gives_what_it_says),
        cmocka_unit_test(a_storm_on_the_line_brings_no_wrong_value),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
