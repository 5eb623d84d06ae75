/*
 * The driver fins: its addresses, every capture in tests/captures/fins_*.cap, what the handshake
 * may be refused for, a storm on the line over TCP and UDP, and a simulated controller on a real
 * socket that misbehaves.
 */
#include "support_plc.h"

#include <stdio.h>

#include "device/drivers/fins.h"
#include "support_capture.h"
#include "support_contract.h"

static struct driver_settings default_settings(void) {
    const struct driver *driver = driver_find(STR("fins"));
    struct driver_settings settings = {0};
    for (size_t i = 0; driver->options[i].name != NULL; i++) {
        settings.values[i] = driver->options[i].fallback;
    }
    return settings;
}

static void addresses_are_understood_as_cx_programmer_writes_them(void **state) {
    (void)state;
    static const struct {
        const char *source;
        uint32_t area, start, length, format, order, bit;
        bool writable;
        const char *name;
    } cases[] = {
        {"D100", 0x82, 100, 1, PLC_U16, PLC_CDAB, 0, true, "D100"},
        {"dm100 i16", 0x82, 100, 1, PLC_I16, PLC_CDAB, 0, true, "D100"},
        {" D0  f32  abcd ", 0x82, 0, 2, PLC_F32, PLC_ABCD, 0, true, "D0"},
        {"D65535", 0x82, 65535, 1, PLC_U16, PLC_CDAB, 0, true, "D65535"},
        {"D100.05", 0x82, 100, 1, PLC_WORD_BIT, PLC_CDAB, 5, true, "D100"},
        {"D100.5 bool", 0x82, 100, 1, PLC_WORD_BIT, PLC_CDAB, 5, true, "D100"},
        {"D100 bool", 0x82, 100, 1, PLC_WORD_BIT, PLC_CDAB, 0, true, "D100"},
        {"CIO100.15", 0xB0, 100, 1, PLC_WORD_BIT, PLC_CDAB, 15, true, "CIO100"},
        {"100.15", 0xB0, 100, 1, PLC_WORD_BIT, PLC_CDAB, 15, true, "CIO100"},
        {"CIO100 bcd16", 0xB0, 100, 1, PLC_BCD16, PLC_CDAB, 0, true, "CIO100"},
        {"W10", 0xB1, 10, 1, PLC_U16, PLC_CDAB, 0, true, "W10"},
        {"WR10", 0xB1, 10, 1, PLC_U16, PLC_CDAB, 0, true, "W10"},
        {"H5", 0xB2, 5, 1, PLC_U16, PLC_CDAB, 0, true, "H5"},
        {"HR5.1", 0xB2, 5, 1, PLC_WORD_BIT, PLC_CDAB, 1, true, "H5"},
        {"A400 text:6", 0xB3, 400, 3, PLC_TEXT, PLC_CDAB, 0, false, "A400"},
        {"E100", 0x98, 100, 1, PLC_U16, PLC_CDAB, 0, true, "E100"},
        {"E0_100", 0xA0, 100, 1, PLC_U16, PLC_CDAB, 0, true, "E0_100"},
        {"EM0:100 u32", 0xA0, 100, 2, PLC_U32, PLC_CDAB, 0, true, "E0_100"},
        {"EC_7", 0xAC, 7, 1, PLC_U16, PLC_CDAB, 0, true, "EC_7"},
        {"E18_7", 0x68, 7, 1, PLC_U16, PLC_CDAB, 0, true, "E18_7"},
        {"T5", 0x89, 5, 1, PLC_U16, PLC_CDAB, 0, true, "T5"},
        {"TIM5 bcd16", 0x89, 5, 1, PLC_BCD16, PLC_CDAB, 0, true, "T5"},
        {"C4095", 0x89, 0x8FFF, 1, PLC_U16, PLC_CDAB, 0, true, "C4095"},
        {"CNT5", 0x89, 0x8005, 1, PLC_U16, PLC_CDAB, 0, true, "C5"},
        {"T5 bool", 0x09, 5, 1, PLC_CELL, PLC_CDAB, 0, false, "T5"},
        {"C5 bool", 0x09, 0x8005, 1, PLC_CELL, PLC_CDAB, 0, false, "C5"},
    };
    struct driver_settings settings = default_settings();
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct point point = {0};
        struct err err = ERR_INIT;
        char name[32];
        if (fins_parse_address(str_of(cases[i].source), &settings, &point, &err) != 0) {
            fail_msg("%s: %s", cases[i].source, words_of(&err));
        }
        assert_int_equal(cases[i].area, point.space);
        assert_int_equal(cases[i].start, point.start);
        assert_int_equal(cases[i].length, point.length);
        assert_int_equal(cases[i].format, point.detail[PLC_DETAIL_FORMAT]);
        assert_int_equal(cases[i].order, point.detail[PLC_DETAIL_ORDER]);
        assert_int_equal(cases[i].bit, point.detail[PLC_DETAIL_BIT]);
        assert_int_equal(cases[i].writable, point.writable);
        assert_true(str_eq(str_of(cases[i].name), fins_name(point.space, point.start, name)));
    }
}

static void a_wrong_address_is_refused_with_words_that_name_the_fault(void **state) {
    (void)state;
    static const struct {
        const char *source;
        enum msg_id msg;
    } cases[] = {
        {"", MSG_FINS_AREA_UNKNOWN},
        {"Q100", MSG_FINS_AREA_UNKNOWN},
        {"-1", MSG_FINS_AREA_UNKNOWN},
        {"D", MSG_FINS_NUMBER},
        {"D1F", MSG_FINS_NUMBER},
        {"D65536", MSG_FINS_NUMBER},
        {"T4096", MSG_FINS_NUMBER},
        {"CIO", MSG_FINS_NUMBER},
        {"E0_", MSG_FINS_NUMBER},
        {"E19_0", MSG_FINS_BANK},
        {"EG_0", MSG_FINS_BANK},
        {"EM:0", MSG_FINS_BANK},
        {"D0.16", MSG_FINS_BIT_RANGE},
        {"D0.F", MSG_FINS_BIT_RANGE},
        {"D0.", MSG_FINS_BIT_RANGE},
        {"T5.0", MSG_FINS_TIMER_BIT},
        {"D65535 f32", MSG_FINS_END},
        {"D0.1 u16", MSG_PLC_BIT_FORMAT},
        {"D0 float", MSG_PLC_WORD_UNKNOWN},
        {"D0 u16 i16", MSG_PLC_WORD_TWICE},
        {"D0 text:251", MSG_PLC_TEXT_LENGTH},
    };
    struct driver_settings settings = default_settings();
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct point point = {.tag = 77};
        struct err err = ERR_INIT;
        assert_int_equal(
            -ERR_INVALID, fins_parse_address(str_of(cases[i].source), &settings, &point, &err));
        if (err.notes[0].msg != cases[i].msg) {
            fail_msg("%s: %s", cases[i].source, words_of(&err));
        }
        assert_int_equal(77, point.tag); // Untouched on failure.
    }
    settings.values[FINS_MAX_WORDS] = 1;
    struct point point = {0};
    struct err err = ERR_INIT;
    assert_int_equal(-ERR_INVALID, fins_parse_address(STR("D0 f32"), &settings, &point, &err));
    assert_int_equal(MSG_PLC_TOO_WIDE, err.notes[0].msg);
}

static void every_capture_gives_what_it_says(void **state) {
    (void)state;
    capture_play_all("fins", 25);
}

/* ---- the storm ---- */

struct machine {
    struct sim_fins fins;
    struct sim_plc_protocol protocol;
    struct sim_plc_session session;
};

static void machine_init(struct machine *machine, bool is_datagram) {
    *machine = (struct machine){
        .fins = {.memory = sim_plc_memory_new()}, .session = {.is_datagram = is_datagram}};
    machine->protocol = sim_fins_protocol(&machine->fins);
}

static const char *const sources[] = {
    "D0 u32", "D2 u32", "D5000 u32", "W10 u32", "W300 u32", "H0 u32", "E1_6 u32", "A900 u32", NULL};

static void machine_generation(void *context, uint32_t generation) {
    static const struct {
        uint8_t area;
        uint32_t number;
    } places[] = {{0x82, 0}, {0x82, 2}, {0x82, 5000}, {0xB1, 10}, {0xB1, 300}, {0xB2, 0}, {0xA1, 6},
        {0xB3, 900}};
    struct sim_plc_memory *memory = ((struct machine *)context)->fins.memory;
    for (uint32_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        uint32_t value = (i + 1) * CONTRACT_STEP + generation;
        sim_plc_put(memory, places[i].area, places[i].number, (uint16_t)value);
        sim_plc_put(memory, places[i].area, places[i].number + 1, (uint16_t)(value >> 16));
    }
}

static void machine_opened(void *context) {
    ((struct machine *)context)->session.node = 0;
}

static void machine_respond(void *context, const uint8_t *data, size_t size, struct buf *answer) {
    struct machine *machine = context;
    (void)machine->protocol.respond(&machine->fins, &machine->session, data, size, answer);
}

static void machine_wrong_unit(uint8_t *answer, size_t size) {
    sim_fins_protocol(NULL).wrong_station(answer, size);
}

static void a_storm_on_the_line_brings_no_wrong_value(void **state) {
    (void)state;
    static const struct {
        const char *address;
        const char *options;
    } lines[] = {
        {"127.0.0.1:1", "timeout_ms=20"},
        {"127.0.0.1:1", "timeout_ms=20 multiple=off max_words=8"},
        {"udp:127.0.0.1:1", "timeout_ms=20 plc_node=1 node=5"},
        {"udp:127.0.0.1:1", "timeout_ms=20 plc_node=1 multiple=off"},
    };
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        struct machine machine;
        machine_init(&machine, lines[i].address[0] == 'u');
        struct contract_peer peer = {.driver = "fins",
            .address = lines[i].address,
            .options = lines[i].options,
            .sources = sources,
            .context = &machine,
            .set_generation = machine_generation,
            .respond = machine_respond,
            .opened = machine_opened,
            .wrong_unit = machine_wrong_unit};
        (void)contract_storm(&peer, 7 + i, 100000);
        sim_plc_memory_free(machine.fins.memory);
    }
}

/* ---- several devices on one link ---- */

static void keep_request(void *context, const uint8_t *data, size_t size, struct buf *answer) {
    (void)answer;
    buf_clear(context);
    buf_put(context, data, size);
}

static void devices_that_share_a_link_ask_their_own_nodes(void **state) {
    (void)state;
    static const struct device_line devices[] = {
        {"d", "fins", "127.0.0.1:1", "framing=udp timeout_ms=10 plc_node=1", 1000},
        {"e", "fins", "127.0.0.1:1", "framing=udp timeout_ms=10 plc_node=7 network=3", 1000},
        {NULL, NULL, NULL, NULL, 0}};
    static const struct tag_line tags[] = {{"a", "d", "D0"}, {"b", "e", "D0"}, {NULL, NULL, NULL}};
    AUTO_BUF struct buf sent;
    buf_init(&sent, 4096);
    struct rig rig;
    rig_init(&rig, &devices[0], tags, &memory_link_new(keep_request, &sent)->link);
    struct catalogue *catalogue = make_catalogue(devices, tags);
    struct err err = ERR_INIT;
    struct device_plan *other = device_plan_new(catalogue, &catalogue->devices[1], &err);
    assert_non_null(other);
    other->health = rig.health;
    assert_int_equal(0, rig_connect(&rig, &err));
    assert_int_equal(0, rig_poll(&rig, &err));
    assert_int_equal(18, sent.size);
    assert_int_equal(0, sent.data[3]);
    assert_int_equal(1, sent.data[4]);
    assert_int_equal(0, poller_poll(&rig.poller, other, &err));
    assert_int_equal(3, sent.data[3]);
    assert_int_equal(7, sent.data[4]);
    device_plan_free(other);
    catalogue_unref(catalogue);
    rig_fini(&rig);
}

/* ---- a controller on a real socket ---- */

static void a_controller_on_a_socket_may_misbehave(void **state) {
    (void)state;
    struct machine machine;
    machine_init(&machine, false);
    struct plc_on_socket plc = {.driver = "fins",
        .options = "timeout_ms=60",
        .source = "D0",
        .other_source = "W300",
        .protocol = machine.protocol,
        .memory = machine.fins.memory,
        .area = 0x82};
    plc_misbehaves(&plc);
    plc.prefix = "udp:"; // The nodes are the last bytes of 127.0.0.1: one and one.
    plc_misbehaves(&plc);
    sim_plc_memory_free(machine.fins.memory);
}

static void a_refused_handshake_is_told_in_words(void **state) {
    (void)state;
    static const struct {
        uint8_t error;
        enum msg_id msg;
    } cases[] = {
        {0x20, MSG_FINS_TCP_FULL},
        {0x21, MSG_FINS_TCP_CONNECTED},
        {0x22, MSG_FINS_TCP_PROTECTED},
        {0x23, MSG_FINS_TCP_NODE},
        {0x24, MSG_FINS_TCP_NODE},
        {0x25, MSG_FINS_TCP_NO_NODE},
        {0x02, MSG_FINS_TCP_ERROR},
    };
    struct machine machine;
    machine_init(&machine, false);
    struct sim_plc_server *server = NULL;
    struct err err = ERR_INIT;
    assert_int_equal(0, sim_plc_server_start(&machine.protocol, 0, &server, &err));
    char address[64];
    (void)snprintf(address, sizeof address, "127.0.0.1:%u", sim_plc_server_port(server));
    const struct device_line device = {"d", "fins", address, "timeout_ms=2000", 1000};
    const struct tag_line tags[] = {{"a", "d", "D0"}, {NULL, NULL, NULL}};
    struct rig rig;
    rig_init(&rig, &device, tags, NULL);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        machine.fins.handshake_error = cases[i].error;
        assert_true(rig_connect(&rig, &err) < 0);
        assert_int_equal(cases[i].msg, err.notes[0].msg);
    }
    machine.fins.handshake_error = 0;
    assert_int_equal(0, plc_poll_once(&rig));
    /* One handshake a connection, however many polls. */
    uint64_t connections = sim_plc_server_connections(server);
    for (int i = 0; i < 20; i++) {
        assert_int_equal(0, plc_poll_once(&rig));
    }
    assert_int_equal(connections, sim_plc_server_connections(server));
    rig_fini(&rig);
    /* Slow bytes are waited for, the handshake's too. */
    sim_plc_server_misbehave(server, SIM_PLC_SLOW);
    rig_init(&rig, &device, tags, NULL);
    sim_plc_put(machine.fins.memory, 0x82, 0, 77);
    assert_int_equal(77, (int)plc_value_after(&rig, 1));
    rig_fini(&rig);
    sim_plc_server_stop(server);
    sim_plc_memory_free(machine.fins.memory);
}

static void the_doctor_names_model_nodes_and_orders(void **state) {
    (void)state;
    struct machine machine;
    machine_init(&machine, false);
    struct sim_plc_server *server = NULL;
    struct err err = ERR_INIT;
    assert_int_equal(0, sim_plc_server_start(&machine.protocol, 0, &server, &err));
    char address[64];
    (void)snprintf(address, sizeof address, "127.0.0.1:%u", sim_plc_server_port(server));
    sim_plc_put(machine.fins.memory, 0xA0, 11, 0x3FC0); // 1.5 at E0_10.
    struct plc_report report = plc_diagnose("fins", address, "timeout_ms=300", "E0_10 f32 ABCD");
    assert_int_equal(0, report.bad);
    assert_non_null(strstr(report.words, "CJ2M-CPU31, version 02.01; our node 250, its node 1"));
    assert_non_null(strstr(report.words, "RUN mode"));
    assert_non_null(strstr(report.candidates, "f32 CDAB=1.5\n"));

    (void)snprintf(address, sizeof address, "udp:127.0.0.1:%u", sim_plc_server_port(server));
    report = plc_diagnose("fins", address, "timeout_ms=300", "CIO0.00");
    assert_int_equal(0, report.bad);
    assert_non_null(strstr(report.words, "our node 1, its node 1"));
    report = plc_diagnose("fins", address, "timeout_ms=100 plc_node=9", "CIO0.00");
    assert_true(report.bad > 0);
    assert_non_null(strstr(report.words, "our node is 1, the PLC's is 9"));
    sim_plc_server_stop(server);
    sim_plc_memory_free(machine.fins.memory);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(addresses_are_understood_as_cx_programmer_writes_them),
        cmocka_unit_test(a_wrong_address_is_refused_with_words_that_name_the_fault),
        cmocka_unit_test(every_capture_gives_what_it_says),
        cmocka_unit_test(a_storm_on_the_line_brings_no_wrong_value),
        cmocka_unit_test(devices_that_share_a_link_ask_their_own_nodes),
        cmocka_unit_test(a_controller_on_a_socket_may_misbehave),
        cmocka_unit_test(the_doctor_names_model_nodes_and_orders),
        cmocka_unit_test(a_refused_handshake_is_told_in_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
