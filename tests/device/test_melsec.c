/*
 * The driver melsec: its addresses, every capture in tests/captures/melsec_*.cap, a storm on the
 * line in both frames, over TCP and UDP, and a simulated PLC on a real socket that misbehaves.
 */
#include "support_plc.h"

#include <stdio.h>

#include "device/drivers/melsec.h"
#include "support_capture.h"
#include "support_contract.h"

static struct driver_settings default_settings(void) {
    const struct driver *driver = driver_find(STR("melsec"));
    struct driver_settings settings = {0};
    for (size_t i = 0; driver->options[i].name != NULL; i++) {
        settings.values[i] = driver->options[i].fallback;
    }
    return settings;
}

static void addresses_are_understood_as_gx_works_writes_them(void **state) {
    (void)state;
    static const struct {
        const char *source;
        enum melsec_series series;
        uint32_t code, start, length, format, order, bit;
        bool writable;
    } cases[] = {
        {"D100", SERIES_Q, 0xA8, 100, 1, PLC_I16, PLC_CDAB, 0, true},
        {"d100 u16", SERIES_Q, 0xA8, 100, 1, PLC_U16, PLC_CDAB, 0, true},
        {" D0  f32  abcd ", SERIES_Q, 0xA8, 0, 2, PLC_F32, PLC_ABCD, 0, true},
        {"D100.A", SERIES_Q, 0xA8, 100, 1, PLC_WORD_BIT, PLC_CDAB, 10, false},
        {"D100.0 bool", SERIES_Q, 0xA8, 100, 1, PLC_WORD_BIT, PLC_CDAB, 0, false},
        {"D100 bool", SERIES_Q, 0xA8, 100, 1, PLC_WORD_BIT, PLC_CDAB, 0, false},
        {"D16777215", SERIES_Q, 0xA8, 0xFFFFFF, 1, PLC_I16, PLC_CDAB, 0, true},
        {"D70000 f64 dcba", SERIES_IQR, 0xA8, 70000, 4, PLC_F64, PLC_DCBA, 0, true},
        {"W1F", SERIES_Q, 0xB4, 0x1F, 1, PLC_I16, PLC_CDAB, 0, true},
        {"SW1F i32", SERIES_Q, 0xB5, 0x1F, 2, PLC_I32, PLC_CDAB, 0, true},
        {"ZR100", SERIES_Q, 0xB0, 100, 1, PLC_I16, PLC_CDAB, 0, true},
        {"Z3", SERIES_Q, 0xCC, 3, 1, PLC_I16, PLC_CDAB, 0, true},
        {"R0 text:7", SERIES_Q, 0xAF, 0, 4, PLC_TEXT, PLC_CDAB, 0, false},
        {"R0 text(7) badc", SERIES_Q, 0xAF, 0, 4, PLC_TEXT, PLC_BADC, 0, false},
        {"X1F", SERIES_Q, 0x9C, 0x1F, 1, PLC_CELL, PLC_CDAB, 0, true},
        {"X1F", SERIES_IQR, 0x9C, 0x1F, 1, PLC_CELL, PLC_CDAB, 0, true},
        {"X17", SERIES_FX, 0x9C, 15, 1, PLC_CELL, PLC_CDAB, 0, true},
        {"Y20 bool", SERIES_FX, 0x9D, 16, 1, PLC_CELL, PLC_CDAB, 0, true},
        {"B1F", SERIES_FX, 0xA0, 0x1F, 1, PLC_CELL, PLC_CDAB, 0, true},
        {"BB", SERIES_Q, 0xA0, 0xB, 1, PLC_CELL, PLC_CDAB, 0, true},
        {"M10", SERIES_Q, 0x90, 10, 1, PLC_CELL, PLC_CDAB, 0, true},
        {"M0 u16", SERIES_Q, 0x90, 0, 16, PLC_U16, PLC_CDAB, 0, true},
        {"M0 i32", SERIES_Q, 0x90, 0, 32, PLC_I32, PLC_CDAB, 0, true},
        {"TN5", SERIES_Q, 0xC2, 5, 1, PLC_I16, PLC_CDAB, 0, true},
        {"TS5", SERIES_Q, 0xC1, 5, 1, PLC_CELL, PLC_CDAB, 0, true},
        {"CN5 bcd32", SERIES_Q, 0xC5, 5, 2, PLC_BCD32, PLC_CDAB, 0, true},
        {"STN5", SERIES_Q, 0xC8, 5, 1, PLC_I16, PLC_CDAB, 0, true},
        {"SM400", SERIES_Q, 0x91, 400, 1, PLC_CELL, PLC_CDAB, 0, true},
        {"SD200", SERIES_Q, 0xA9, 200, 1, PLC_I16, PLC_CDAB, 0, true},
        {"S5", SERIES_Q, 0x98, 5, 1, PLC_CELL, PLC_CDAB, 0, true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct driver_settings settings = default_settings();
        settings.values[MELSEC_SERIES] = cases[i].series;
        struct point point = {0};
        struct err err = ERR_INIT;
        if (melsec_parse_address(str_of(cases[i].source), &settings, &point, &err) != 0) {
            fail_msg("%s: %s", cases[i].source, words_of(&err));
        }
        assert_int_equal(cases[i].code, melsec_device_of(point.space)->code);
        assert_int_equal(cases[i].start, point.start);
        assert_int_equal(cases[i].length, point.length);
        assert_int_equal(cases[i].format, point.detail[PLC_DETAIL_FORMAT]);
        assert_int_equal(cases[i].order, point.detail[PLC_DETAIL_ORDER]);
        assert_int_equal(cases[i].bit, point.detail[PLC_DETAIL_BIT]);
        assert_int_equal(cases[i].writable, point.writable);
    }
}

static void a_wrong_address_is_refused_with_words_that_name_the_fault(void **state) {
    (void)state;
    static const struct {
        const char *source;
        enum melsec_series series;
        enum msg_id msg;
    } cases[] = {
        {"", SERIES_Q, MSG_MELSEC_DEVICE_UNKNOWN},
        {"Q100", SERIES_Q, MSG_MELSEC_DEVICE_UNKNOWN},
        {"100", SERIES_Q, MSG_MELSEC_DEVICE_UNKNOWN},
        {"T5", SERIES_Q, MSG_MELSEC_TIMER},
        {"C5", SERIES_Q, MSG_MELSEC_TIMER},
        {"D", SERIES_Q, MSG_MELSEC_NUMBER_DECIMAL},
        {"D1F", SERIES_Q, MSG_MELSEC_NUMBER_DECIMAL},
        {"D-1", SERIES_Q, MSG_MELSEC_NUMBER_DECIMAL},
        {"D16777216", SERIES_Q, MSG_MELSEC_NUMBER_DECIMAL},
        {"D99999999999999999999", SERIES_IQR, MSG_MELSEC_NUMBER_DECIMAL},
        {"X1G", SERIES_Q, MSG_MELSEC_NUMBER_HEX},
        {"X8", SERIES_FX, MSG_MELSEC_NUMBER_OCTAL},
        {"X1F", SERIES_FX, MSG_MELSEC_NUMBER_OCTAL},
        {"M0.1", SERIES_Q, MSG_MELSEC_BIT_DEVICE},
        {"D0.G", SERIES_Q, MSG_MELSEC_BIT_RANGE},
        {"D0.10", SERIES_Q, MSG_MELSEC_BIT_RANGE},
        {"D0.", SERIES_Q, MSG_MELSEC_BIT_RANGE},
        {"D0.1 u16", SERIES_Q, MSG_PLC_BIT_FORMAT},
        {"D0 float", SERIES_Q, MSG_PLC_WORD_UNKNOWN},
        {"D0 u16 i16", SERIES_Q, MSG_PLC_WORD_TWICE},
        {"D0 abcd cdab", SERIES_Q, MSG_PLC_WORD_TWICE},
        {"D0 text", SERIES_Q, MSG_PLC_TEXT_LENGTH},
        {"D0 text:0", SERIES_Q, MSG_PLC_TEXT_LENGTH},
        {"D0 text:251", SERIES_Q, MSG_PLC_TEXT_LENGTH},
        {"D0 text(3", SERIES_Q, MSG_PLC_TEXT_LENGTH},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct driver_settings settings = default_settings();
        settings.values[MELSEC_SERIES] = cases[i].series;
        struct point point = {.tag = 77};
        struct err err = ERR_INIT;
        assert_int_equal(
            -ERR_INVALID, melsec_parse_address(str_of(cases[i].source), &settings, &point, &err));
        if (err.notes[0].msg != cases[i].msg) {
            fail_msg("%s: %s", cases[i].source, words_of(&err));
        }
        assert_int_equal(77, point.tag); // Untouched on failure.
    }
    struct driver_settings settings = default_settings();
    settings.values[MELSEC_MAX_WORDS] = 1;
    struct point point = {0};
    struct err err = ERR_INIT;
    assert_int_equal(-ERR_INVALID, melsec_parse_address(STR("D0 f32"), &settings, &point, &err));
    assert_int_equal(MSG_PLC_TOO_WIDE, err.notes[0].msg);
}

static void every_capture_gives_what_it_says(void **state) {
    (void)state;
    capture_play_all("melsec", 30);
}

/* ---- the storm ---- */

struct machine {
    struct sim_melsec melsec;
    struct sim_plc_protocol protocol;
};

static void machine_init(struct machine *machine) {
    *machine = (struct machine){.melsec = {.memory = sim_plc_memory_new()}};
    machine->protocol = sim_melsec_protocol(&machine->melsec);
}

/* Source i lies in D, then W, then R, far apart: batch and random reads. */
static const char *const sources[] = {"D0 u32", "D2 u32", "D5000 u32", "W10 u32", "W300 u32",
    "R0 u32", "ZR65534 u32", "M0 u32", NULL};

static void put_u32(struct sim_plc_memory *memory, uint8_t area, uint32_t number, uint32_t value) {
    sim_plc_put(memory, area, number, (uint16_t)value);
    sim_plc_put(memory, area, number + 1, (uint16_t)(value >> 16));
}

static void machine_generation(void *context, uint32_t generation) {
    struct sim_plc_memory *memory = ((struct machine *)context)->melsec.memory;
    static const struct {
        uint8_t area;
        uint32_t number;
    } places[] = {
        {0xA8, 0}, {0xA8, 2}, {0xA8, 5000}, {0xB4, 0x10}, {0xB4, 0x300}, {0xAF, 0}, {0xB0, 65534}};
    for (uint32_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        put_u32(memory, places[i].area, places[i].number, (i + 1) * CONTRACT_STEP + generation);
    }
    uint32_t bits = 8 * CONTRACT_STEP + generation;
    for (uint32_t i = 0; i < 32; i++) {
        sim_plc_put(memory, 0x90, i, bits >> i & 1);
    }
}

static void machine_respond(void *context, const uint8_t *data, size_t size, struct buf *answer) {
    struct machine *machine = context;
    struct sim_plc_session session = {0};
    assert_true(machine->protocol.respond(&machine->melsec, &session, data, size, answer) > 0);
}

static void machine_wrong_unit(uint8_t *answer, size_t size) {
    sim_melsec_protocol(NULL).wrong_station(answer, size);
}

/* 3E cannot tell the answer to an older request of the same length from its own; while nothing is
 * asked it does not come, since the session ends with the first time-out. */
enum { NOT_3E = 1u << FAULT_OLDER | 1u << FAULT_OLDER_ONLY };

static void a_storm_on_the_line_brings_no_wrong_value(void **state) {
    (void)state;
    static const struct {
        const char *address;
        const char *options;
        uint32_t without;
    } lines[] = {
        {"127.0.0.1:1", "timeout_ms=20 max_words=8", NOT_3E},
        {"127.0.0.1:1", "timeout_ms=20 frame=4e", 0},
        {"127.0.0.1:1", "timeout_ms=20 series=iqr max_words=8 random=off frame=4e", 0},
        {"udp:127.0.0.1:1", "timeout_ms=20", NOT_3E},
        {"udp:127.0.0.1:1", "timeout_ms=20 frame=4e max_words=8", 0},
    };
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        struct machine machine;
        machine_init(&machine);
        struct contract_peer peer = {.driver = "melsec",
            .address = lines[i].address,
            .options = lines[i].options,
            .sources = sources,
            .context = &machine,
            .set_generation = machine_generation,
            .respond = machine_respond,
            .wrong_unit = machine_wrong_unit,
            .without = lines[i].without};
        (void)contract_storm(&peer, 7 + i, 100000);
        sim_plc_memory_free(machine.melsec.memory);
    }
}

/* ---- a PLC on a real socket ---- */

static void a_plc_on_a_socket_may_misbehave(void **state) {
    (void)state;
    static const char *const options[] = {"timeout_ms=60", "timeout_ms=60 frame=4e"};
    for (size_t i = 0; i < 2; i++) {
        struct machine machine;
        machine_init(&machine);
        struct plc_on_socket plc = {.driver = "melsec",
            .options = options[i],
            .source = "D0",
            .other_source = "W300",
            .protocol = machine.protocol,
            .memory = machine.melsec.memory,
            .area = 0xA8};
        plc_misbehaves(&plc);
        plc.prefix = "udp:";
        plc_misbehaves(&plc);
        sim_plc_memory_free(machine.melsec.memory);
    }
}

static void slow_bytes_are_waited_for_and_ascii_is_found_out(void **state) {
    (void)state;
    struct machine machine;
    machine_init(&machine);
    struct sim_plc_server *server = NULL;
    struct err err = ERR_INIT;
    assert_int_equal(0, sim_plc_server_start(&machine.protocol, 0, &server, &err));
    char address[64];
    (void)snprintf(address, sizeof address, "127.0.0.1:%u", sim_plc_server_port(server));
    const struct device_line device = {"d", "melsec", address, "timeout_ms=2000", 1000};
    const struct tag_line tags[] = {{"a", "d", "D0"}, {NULL, NULL, NULL}};
    struct rig rig;
    rig_init(&rig, &device, tags, NULL);
    sim_plc_put(machine.melsec.memory, 0xA8, 0, 77);
    sim_plc_server_misbehave(server, SIM_PLC_SLOW);
    assert_int_equal(77, (int)plc_value_after(&rig, 1));
    rig_fini(&rig);

    machine.melsec.ascii = true;
    sim_plc_server_misbehave(server, SIM_PLC_GOOD);
    const struct device_line quick = {"d", "melsec", address, "timeout_ms=60", 1000};
    rig_init(&rig, &quick, tags, NULL);
    assert_int_equal(-ERR_TIMEOUT, plc_poll_once(&rig));
    assert_int_equal(0, rig_connect(&rig, &err));
    assert_int_equal(-ERR_FRAME, rig_poll(&rig, &err));
    assert_int_equal(MSG_MELSEC_ASCII, err.notes[0].msg);
    rig_fini(&rig);
    sim_plc_server_stop(server);
    sim_plc_memory_free(machine.melsec.memory);
}

static void the_doctor_names_model_series_base_and_code(void **state) {
    (void)state;
    struct machine machine;
    machine_init(&machine);
    struct sim_plc_server *server = NULL;
    struct err err = ERR_INIT;
    assert_int_equal(0, sim_plc_server_start(&machine.protocol, 0, &server, &err));
    char address[64];
    (void)snprintf(address, sizeof address, "127.0.0.1:%u", sim_plc_server_port(server));
    put_u32(machine.melsec.memory, 0xA8, 10, 0x3FC00000); // 1.5
    struct plc_report report = plc_diagnose("melsec", address, "timeout_ms=300", "D10 f32");
    assert_int_equal(0, report.bad);
    assert_non_null(strstr(report.words, "Q06UDVCPU"));
    assert_non_null(strstr(report.candidates, "f32 CDAB=1.5\n"));

    report = plc_diagnose("melsec", address, "timeout_ms=300 series=iqr", "D10");
    assert_non_null(strstr(report.words, "set series=q instead of iqr"));
    machine.melsec.model = "FX5U-32MT/ES    ";
    report = plc_diagnose("melsec", address, "timeout_ms=300", "X10");
    assert_non_null(strstr(report.words, "set series=fx instead of q"));
    assert_non_null(strstr(report.words, "X10 counts in hexadecimal: it is number 16"));
    report = plc_diagnose("melsec", address, "timeout_ms=300 series=fx", "X10");
    assert_int_equal(0, report.bad);
    assert_non_null(strstr(report.words, "X10 counts in octal: it is number 8"));
    machine.melsec.model = "R08CPU          ";
    report = plc_diagnose("melsec", address, "timeout_ms=300", "D10");
    assert_int_equal(0, report.bad);
    assert_non_null(strstr(report.words, "series=iqr reaches all"));

    machine.melsec.ascii = true;
    report = plc_diagnose("melsec", address, "timeout_ms=100", "D10");
    assert_true(report.bad > 0);
    assert_non_null(strstr(report.words, "answers in ASCII code"));
    sim_plc_server_stop(server);
    sim_plc_memory_free(machine.melsec.memory);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(addresses_are_understood_as_gx_works_writes_them),
        cmocka_unit_test(a_wrong_address_is_refused_with_words_that_name_the_fault),
        cmocka_unit_test(every_capture_gives_what_it_says),
        cmocka_unit_test(a_storm_on_the_line_brings_no_wrong_value),
        cmocka_unit_test(a_plc_on_a_socket_may_misbehave),
        cmocka_unit_test(the_doctor_names_model_series_base_and_code),
        cmocka_unit_test(slow_bytes_are_waited_for_and_ascii_is_found_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
