/*
 * The driver xgt: its addresses, every capture in tests/captures/xgt_*.cap, storms over the three
 * kinds of lines, and the simulated controller behind real sockets.
 */
#include "support_capture.h"

#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "core/thread.h"
#include "device/drivers/xgt.h"
#include "sim/sim.h"
#include "support_contract.h"

static struct driver_settings default_settings(void) {
    const struct driver *driver = driver_find(STR("xgt"));
    struct driver_settings settings = {0};
    for (size_t i = 0; driver->options[i].name != NULL; i++) {
        settings.values[i] = driver->options[i].fallback;
    }
    return settings;
}

static uint32_t space_of(char area) {
    return (uint32_t)(strchr(XGT_AREAS, area) - XGT_AREAS);
}

static void addresses_of_every_form_are_understood(void **state) {
    (void)state;
    static const struct {
        const char *source;
        int64_t cpu;
        char area;
        uint32_t start, length, format, sub, order;
    } cases[] = {
        {"D100", XGT_CPU_XGK, 'D', 100, 1, XGT_U16, 0, 0},
        {"%DW100", XGT_CPU_XGK, 'D', 100, 1, XGT_U16, 0, 0},
        {" %dw100  I16 ", XGT_CPU_XGK, 'D', 100, 1, XGT_I16, 0, 0},
        {"%DB200", XGT_CPU_XGK, 'D', 100, 1, XGT_U8, 0, 0},
        {"%DB201", XGT_CPU_XGK, 'D', 100, 1, XGT_U8, 1, 0},
        {"%DB201 i32", XGT_CPU_XGK, 'D', 100, 3, XGT_I32, 1, 0},
        {"%DD50", XGT_CPU_XGK, 'D', 100, 2, XGT_U32, 0, 0},
        {"%DD50 f32 high-first", XGT_CPU_XGK, 'D', 100, 2, XGT_F32, 0, XGT_HIGH_FIRST},
        {"%DL10", XGT_CPU_XGK, 'D', 40, 4, XGT_I64, 0, 0},
        {"D0 text:5", XGT_CPU_XGK, 'D', 0, 3, XGT_TEXT, 0, 0},
        {"%DB1 text:5", XGT_CPU_XGK, 'D', 0, 3, XGT_TEXT, 1, 0},
        {"D1 bcd32", XGT_CPU_XGK, 'D', 1, 2, XGT_BCD32, 0, 0},
        {"D100.3", XGT_CPU_XGK, 'D', 100, 1, XGT_WORD_BIT, 3, 0},
        {"%DW100.f", XGT_CPU_XGI, 'D', 100, 1, XGT_WORD_BIT, 15, 0},
        {"%DW100.15", XGT_CPU_XGK, 'D', 100, 1, XGT_WORD_BIT, 15, 0},
        {"%DB201.7", XGT_CPU_XGK, 'D', 100, 1, XGT_WORD_BIT, 15, 0},
        {"%MX1A", XGT_CPU_XGK, 'M', 1, 1, XGT_BIT, 10, 0},
        {"%MX10", XGT_CPU_XGB, 'M', 1, 1, XGT_BIT, 0, 0},
        {"%MX10", XGT_CPU_XGI, 'M', 0, 1, XGT_BIT, 10, 0},
        {"%MX10", XGT_CPU_XGB_IEC, 'M', 0, 1, XGT_BIT, 10, 0},
        {"MX f", XGT_CPU_XGI, 0, 0, 0, 0, 0, 0},
        {"%PX0F", XGT_CPU_XGK, 'P', 0, 1, XGT_BIT, 15, 0},
        {"%FX0", XGT_CPU_XGK, 'F', 0, 1, XGT_BIT, 0, 0},
        {"%QX0.1.12", XGT_CPU_XGI, 'Q', 4, 1, XGT_BIT, 12, 0},
        {"%QX76", XGT_CPU_XGI, 'Q', 4, 1, XGT_BIT, 12, 0},
        {"%IW1.0.3", XGT_CPU_XGI, 'I', 67, 1, XGT_U16, 0, 0},
        {"%IW1.0.3.8", XGT_CPU_XGI, 'I', 67, 1, XGT_WORD_BIT, 8, 0},
        {"%IW3.8", XGT_CPU_XGI, 'I', 3, 1, XGT_WORD_BIT, 8, 0},
        {"%WL2 f64", XGT_CPU_XGI, 'W', 8, 4, XGT_F64, 0, 0},
        {"T7", XGT_CPU_XGK, 'T', 7, 1, XGT_U16, 0, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct driver_settings settings = default_settings();
        settings.values[XGT_OPTION_CPU] = cases[i].cpu;
        struct point point = {0};
        struct err err = ERR_INIT;
        int result = xgt_parse_address(str_of(cases[i].source), &settings, &point, &err);
        if (cases[i].area == 0) {
            assert_int_equal(-ERR_INVALID, result);
            continue;
        }
        if (result != 0) {
            fail_msg("%s: %s", cases[i].source, words_of(&err));
        }
        assert_int_equal(space_of(cases[i].area), point.space);
        assert_int_equal(cases[i].start, point.start);
        assert_int_equal(cases[i].length, point.length);
        assert_int_equal(cases[i].format, point.detail[XGT_FORMAT]);
        assert_int_equal(cases[i].sub, point.detail[XGT_SUB]);
        assert_int_equal(cases[i].order, point.detail[XGT_ORDER]);
        assert_true(
            point.writable == (cases[i].area != 'F' && cases[i].area != 'I' &&
                                  cases[i].format != XGT_WORD_BIT && cases[i].format != XGT_TEXT));
    }
}

static void a_wrong_address_is_refused_with_words_that_name_the_fault(void **state) {
    (void)state;
    static const struct {
        const char *source;
        enum msg_id msg;
    } cases[] = {
        {"", MSG_XGT_AREA_UNKNOWN},
        {"%", MSG_XGT_AREA_UNKNOWN},
        {"X100", MSG_XGT_AREA_UNKNOWN},
        {"100", MSG_XGT_AREA_UNKNOWN},
        {"%U1", MSG_XGT_AREA_UNKNOWN},
        {"%DY100", MSG_XGT_TYPE_UNKNOWN},
        {"D-1", MSG_XGT_TYPE_UNKNOWN},
        {"D", MSG_XGT_NUMBER},
        {"D1x", MSG_XGT_NUMBER},
        {"D99999999", MSG_XGT_NUMBER},
        {"D99999999999999999999", MSG_XGT_NUMBER},
        {"D1.2.3", MSG_XGT_NUMBER},
        {"%QX0.1.2.3.4", MSG_XGT_NUMBER},
        {"%QX0.16.2", MSG_XGT_SLOT},
        {"%QX128.0.2", MSG_XGT_SLOT},
        {"%QX0.0.64", MSG_XGT_SLOT},
        {"%QW0.0.4", MSG_XGT_SLOT},
        {"%DD1.2", MSG_XGT_BIT_TYPE},
        {"%MX1.2", MSG_XGT_BIT_TYPE},
        {"D1.16", MSG_XGT_BIT_RANGE},
        {"D1.", MSG_XGT_BIT_RANGE},
        {"D1.g", MSG_XGT_BIT_RANGE},
        {"%DB1.8", MSG_XGT_BIT_RANGE},
        {"%MX1G", MSG_XGT_BIT_HEX},
        {"%MXA1", MSG_XGT_BIT_HEX},
        {"%MX", MSG_XGT_BIT_HEX},
        {"%QXA", MSG_XGT_BIT_FLAT},
        {"%TX1A", MSG_XGT_BIT_FLAT},
        {"%MX1A u16", MSG_XGT_BIT_FORMAT},
        {"D1.2 text:4", MSG_XGT_BIT_FORMAT},
        {"D1 float", MSG_XGT_WORD_UNKNOWN},
        {"D1 f32 f64", MSG_XGT_WORD_TWICE},
        {"D1 text:4 u16", MSG_XGT_WORD_TWICE},
        {"D1 u32 low-first high-first", MSG_XGT_WORD_TWICE},
        {"D1 text:", MSG_XGT_TEXT_LENGTH},
        {"D1 text:0", MSG_XGT_TEXT_LENGTH},
        {"D1 text:251", MSG_XGT_TEXT_LENGTH},
        {"plc:", MSG_XGT_PLC_UNKNOWN},
        {"plc:stat", MSG_XGT_PLC_UNKNOWN},
    };
    struct driver_settings settings = default_settings();
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct point point = {.tag = 77};
        struct err err = ERR_INIT;
        assert_int_equal(
            -ERR_INVALID, xgt_parse_address(str_of(cases[i].source), &settings, &point, &err));
        if (err.notes[0].msg != cases[i].msg) {
            fail_msg("%s: %s", cases[i].source, words_of(&err));
        }
        assert_int_equal(77, point.tag); // Untouched on failure.
    }
}

static void what_does_not_fit_a_line_is_refused(void **state) {
    (void)state;
    struct driver_settings settings = default_settings();
    struct point point = {0};
    struct err err = ERR_INIT;
    assert_int_equal(0, xgt_parse_address(STR("D0 text:121"), &settings, &point, &err));
    settings.serial = true;
    assert_int_equal(0, xgt_parse_address(STR("D0 text:120"), &settings, &point, &err));
    assert_int_equal(-ERR_INVALID, xgt_parse_address(STR("D0 text:121"), &settings, &point, &err));
    assert_int_equal(MSG_XGT_TOO_WIDE, err.notes[0].msg);
    assert_int_equal(-ERR_INVALID, xgt_parse_address(STR("plc:state"), &settings, &point, &err));
    assert_int_equal(MSG_XGT_PLC_SERIAL, err.notes[0].msg);
    settings.values[XGT_OPTION_MAX_BYTES] = 8;
    assert_int_equal(-ERR_INVALID, xgt_parse_address(STR("D0 text:9"), &settings, &point, &err));
}

static void every_capture_gives_what_it_says(void **state) {
    (void)state;
    capture_play_all("xgt", 40);
}

/* ---- the simulated controller ---- */

/* D(2i - 2) holds source i as a double word, R2(i - 1) the same for sparse ones. */
struct machine {
    _Atomic uint32_t generation; // Read by the server's thread.
    struct sim_xgt_source source;
    struct buf in;
    bool cnet;
};

enum { MACHINE_WORDS = 40000, SPARSE = 400 };

static int machine_read(
    void *context, char area, uint32_t word, uint32_t count, uint16_t *ret_words) {
    const struct machine *machine = context;
    if (area != 'D' && area != 'R' && area != 'M') {
        return SIM_XGT_NO_AREA;
    }
    if (word + count > MACHINE_WORDS) {
        return SIM_XGT_OUTSIDE;
    }
    for (uint32_t i = 0; i < count; i++) {
        uint32_t at = word + i;
        uint32_t number = area == 'D' ? at / 2 + 1 : at / SPARSE + 9;
        uint32_t value = number * CONTRACT_STEP + machine->generation;
        value = area == 'M' ? 0x5A5A5A5A : value; // Nobody asked for these.
        ret_words[i] = (uint16_t)(at % 2 == 0 ? value : value >> 16);
    }
    return 0;
}

static void machine_init(struct machine *machine, bool cnet) {
    *machine = (struct machine){.cnet = cnet};
    machine->source = (struct sim_xgt_source){.context = machine,
        .read = machine_read,
        .info = 0x0101,
        .cpu = 0xA0,
        .hexadecimal = true,
        .station = 7};
    buf_init(&machine->in, 1 << 16);
}

static void machine_generation(void *context, uint32_t generation) {
    ((struct machine *)context)->generation = generation;
}

static void machine_opened(void *context) {
    buf_clear(&((struct machine *)context)->in);
}

static void machine_respond(void *context, const uint8_t *data, size_t size, struct buf *answer) {
    struct machine *machine = context;
    static uint8_t out[4096];
    buf_put(&machine->in, data, size);
    size_t used = 1;
    while (used > 0 && machine->in.size > 0) {
        const uint8_t *in = (const uint8_t *)machine->in.data;
        used = 0;
        int got = machine->cnet
                      ? sim_xgt_answer_cnet(&machine->source, in, machine->in.size, &used, out)
                      : sim_xgt_answer(&machine->source, in, machine->in.size, &used, out);
        assert_true(got > 0); // The driver asks nothing that its controller does not understand.
        buf_put(answer, out, (size_t)got);
        buf_drop_front(&machine->in, used);
    }
}

/* The answer as from station 08, its sum made anew. */
static void machine_wrong_unit(uint8_t *answer, size_t size) {
    unsigned sum = 0;
    answer[2] = '8';
    for (size_t i = 0; i + 2 < size; i++) {
        sum += answer[i];
    }
    answer[size - 2] = (uint8_t) "0123456789ABCDEF"[sum >> 4 & 15];
    answer[size - 1] = (uint8_t) "0123456789ABCDEF"[sum & 15];
}

static const char *const storm_sources[] = {"D0 u32", "D2 u32", "%DD2", "%DB12 i32", "D8 u32",
    "%DD5 i32", "D12 u32", "D14 u32", "R0 u32", "R400 u32", "R800 u32", "R1200 u32", "R1600 u32",
    "R2000 u32", "R2400 u32", "R2800 u32", "R3200 u32", "R3600 u32", NULL};

static void a_storm_on_tcp_brings_no_wrong_value(void **state) {
    (void)state;
    struct machine machine;
    machine_init(&machine, false);
    struct contract_peer peer = {.driver = "xgt",
        .address = "127.0.0.1:1",
        .options = "timeout_ms=20",
        .sources = storm_sources,
        .context = &machine,
        .set_generation = machine_generation,
        .respond = machine_respond,
        .opened = machine_opened};
    (void)contract_storm(&peer, 21, 100000);
    buf_fini(&machine.in);
}

static void a_storm_of_datagrams_brings_no_wrong_value(void **state) {
    (void)state;
    struct machine machine;
    machine_init(&machine, false);
    struct contract_peer peer = {.driver = "xgt",
        .address = "udp:127.0.0.1:1",
        .options = "timeout_ms=20 max_bytes=8",
        .sources = storm_sources,
        .context = &machine,
        .set_generation = machine_generation,
        .respond = machine_respond,
        .opened = machine_opened};
    (void)contract_storm(&peer, 22, 100000);
    buf_fini(&machine.in);
}

static void a_storm_on_a_serial_line_brings_no_wrong_value(void **state) {
    (void)state;
    struct machine machine;
    machine_init(&machine, true);
    struct contract_peer peer = {.driver = "xgt",
        .address = "/dev/ttyS99",
        .options = "timeout_ms=20 station=7",
        .sources = storm_sources,
        .context = &machine,
        .set_generation = machine_generation,
        .respond = machine_respond,
        .opened = machine_opened,
        .wrong_unit = machine_wrong_unit,
        /* ASCII frames carry no number: an older answer of the same shape that arrives after our
         * request cannot be told from its own, where nothing was left unanswered before. */
        .without = 1u << FAULT_OLDER | 1u << FAULT_OLDER_ONLY};
    (void)contract_storm(&peer, 23, 100000);
    buf_fini(&machine.in);
}

/* ---- the simulated controller behind real sockets ---- */

/* Polls until a good row with the machine's value; false after too many. */
static bool polls_well(struct rig *rig, struct machine *machine) {
    for (int i = 0; i < 8; i++) {
        struct err err = ERR_INIT;
        machine->generation++;
        rig->plan->units[0].next_try_ns = 0;
        int result = rig->poller.connected ? 0 : rig_connect(rig, &err);
        if (result == 0) {
            result = rig_poll(rig, &err);
        }
        if (result < 0) {
            assert_true(err.note_count > 0);
            poller_disconnect(&rig->poller);
            poller_mark_bad(&rig->poller, rig->plan, STATUS_BAD_COMMUNICATION);
        }
        struct box_row last = box_last(&rig->box, 1);
        if (result == 0 && last.row.status == (uint32_t)STATUS_GOOD) {
            assert_true(sample_number(&last.row) == (double)CONTRACT_STEP + machine->generation);
            return true;
        }
    }
    return false;
}

static void through_faults(const char *scheme) {
    struct machine machine;
    machine_init(&machine, false);
    struct sim_xgt_server *server = NULL;
    struct err err = ERR_INIT;
    assert_int_equal(0, sim_xgt_server_start(&machine.source, 0, &server, &err));
    char address[64];
    (void)snprintf(address, sizeof address, "%s127.0.0.1:%u", scheme, sim_xgt_server_port(server));
    struct device_line device = {"d", "xgt", address, "timeout_ms=60", 1000};
    struct tag_line tags[] = {{"a", "d", "D0 u32"}, {NULL, NULL, NULL}};
    struct rig rig;
    rig_init(&rig, &device, tags, NULL);
    assert_true(polls_well(&rig, &machine));
    static const enum sim_fault faults[] = {
        SIM_FAULT_SILENT, SIM_FAULT_CUT, SIM_FAULT_GARBAGE, SIM_FAULT_LATE};
    for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++) {
        sim_xgt_server_misbehave(server, faults[i]);
        assert_false(polls_well(&rig, &machine));
        sim_xgt_server_misbehave(server, SIM_FAULT_NONE);
        assert_true(polls_well(&rig, &machine));
    }
    sim_xgt_server_misbehave(server, SIM_FAULT_SLOW); // 36 bytes, one a millisecond.
    (void)polls_well(&rig, &machine); // How long it takes is the machine's; no value is wrong.
    sim_xgt_server_misbehave(server, SIM_FAULT_NONE);
    for (int i = 0; i < 20; i++) { // The plug is pulled again and again.
        sim_xgt_server_kill(server);
        assert_false(polls_well(&rig, &machine));
        assert_int_equal(0, sim_xgt_server_revive(server, &err));
        assert_true(polls_well(&rig, &machine));
    }
    rig_fini(&rig);
    sim_xgt_server_stop(server);
    buf_fini(&machine.in);
}

static void a_controller_on_tcp_comes_back_after_each_fault(void **state) {
    (void)state;
    through_faults("");
}

static void a_controller_on_udp_comes_back_after_each_fault(void **state) {
    (void)state;
    through_faults("udp:");
}

static void an_answer_with_another_number_is_no_answer(void **state) {
    (void)state;
    static const char *const schemes[] = {"", "udp:"};
    for (size_t i = 0; i < 2; i++) {
        struct machine machine;
        machine_init(&machine, false);
        machine.source.wrong_invoke = true;
        struct sim_xgt_server *server = NULL;
        struct err err = ERR_INIT;
        assert_int_equal(0, sim_xgt_server_start(&machine.source, 0, &server, &err));
        char address[64];
        (void)snprintf(
            address, sizeof address, "%s127.0.0.1:%u", schemes[i], sim_xgt_server_port(server));
        struct device_line device = {"d", "xgt", address, "timeout_ms=60", 1000};
        struct tag_line tags[] = {{"a", "d", "D0 u32"}, {NULL, NULL, NULL}};
        struct rig rig;
        rig_init(&rig, &device, tags, NULL);
        assert_int_equal(0, rig_connect(&rig, &err));
        int result = rig_poll(&rig, &err);
        /* A stream is out of step for good; a datagram shifts nothing. */
        assert_int_equal(i == 0 ? -ERR_FRAME : 0, result);
        assert_true(i != 0 || err.notes[0].msg == MSG_XGT_INVOKE);
        assert_int_equal(0, rig.box.good_counts[1]);
        rig_fini(&rig);
        sim_xgt_server_stop(server);
        buf_fini(&machine.in);
    }
}

/* ---- a serial line: the controller at the other end of a pseudo-terminal ---- */

struct line {
    int master;
    struct machine machine;
    struct thread thread;
    struct stop_flag stop;
};

static void line_run(void *context) {
    struct line *line = context;
    static uint8_t in[1024];
    static uint8_t out[4096];
    size_t have = 0;
    for (;;) {
        struct pollfd fds[2] = {
            {.fd = line->master, .events = POLLIN}, {.fd = line->stop.event_fd, .events = POLLIN}};
        (void)poll(fds, 2, -1);
        if (fds[1].revents != 0) {
            return;
        }
        ssize_t got = read(line->master, in + have, sizeof in - have);
        have += got > 0 ? (size_t)got : 0;
        size_t used = 0;
        int size = sim_xgt_answer_cnet(&line->machine.source, in, have, &used, out);
        memmove(in, in + used, have - used);
        have -= used;
        for (int i = 0; i < size; i += 7) { // In pieces, as a slow line gives it.
            size_t piece = size - i < 7 ? (size_t)(size - i) : 7;
            assert_int_equal((ssize_t)piece, write(line->master, out + i, piece));
        }
    }
}

static void a_controller_on_a_serial_line_is_read(void **state) {
    (void)state;
    struct line line = {.master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC)};
    char path[64];
    assert_true(line.master >= 0);
    assert_int_equal(0, grantpt(line.master));
    assert_int_equal(0, unlockpt(line.master));
    assert_int_equal(0, ptsname_r(line.master, path, sizeof path));
    machine_init(&line.machine, true);
    stop_flag_init(&line.stop);
    struct device_line device = {"d", "xgt", path, "station=7 baud=115200 timeout_ms=2000", 1000};
    struct tag_line tags[] = {{"a", "d", "D0 u32"}, {"b", "d", "%DD49"}, {"c", "d", "R0 u32"},
        {"x", "d", "P0"}, {NULL, NULL, NULL}};
    struct rig rig;
    rig_init(&rig, &device, tags, NULL);
    struct err err = ERR_INIT;
    assert_int_equal(0, rig_connect(&rig, &err));
    thread_start(&line.thread, "xgt-line", line_run, &line);
    for (uint32_t i = 1; i <= 5; i++) {
        line.machine.generation = i;
        if (rig_poll(&rig, &err) != 0) {
            fail_msg("%s", words_of(&err));
        }
        assert_true(sample_number(&rig.box.last[1].row) == (double)CONTRACT_STEP + i);
        assert_true(sample_number(&rig.box.last[2].row) == 50.0 * CONTRACT_STEP + i);
        assert_true(sample_number(&rig.box.last[3].row) == 9.0 * CONTRACT_STEP + i);
        assert_int_equal(
            STATUS_BAD_CONFIGURATION, (int32_t)rig.box.last[4].row.status); // No area P here.
        assert_int_equal(i, rig.box.good_counts[1]);
    }
    stop_flag_raise(&line.stop);
    thread_join(&line.thread);
    rig_fini(&rig);
    stop_flag_fini(&line.stop);
    buf_fini(&line.machine.in);
    (void)close(line.master);
}

/* ---- the connection doctor ---- */

struct report {
    uint32_t bad;
    uint32_t count;
    enum msg_id found[16];
    char words[16][512];
    char values[32][64]; // "label=value"
    uint32_t value_count;
};

static void take_finding(void *context, const struct doctor_finding *finding) {
    struct report *report = context;
    assert_true(report->count < 16);
    report->found[report->count] = finding->words->notes[0].msg;
    (void)snprintf(report->words[report->count++], 512, "%s", words_of(finding->words));
}

static void take_candidate(void *context, const struct doctor_candidate *candidate) {
    struct report *report = context;
    if (report->value_count < 32) {
        (void)snprintf(report->values[report->value_count++], 64, "%.*s=%.*s",
            STR_ARG(candidate->label), STR_ARG(candidate->value));
    }
}

static struct report diagnose(const struct sim_xgt_source *source, enum sim_fault fault,
    const char *options, const char *tag) {
    struct sim_xgt_server *server = NULL;
    struct err err = ERR_INIT;
    assert_int_equal(0, sim_xgt_server_start(source, 0, &server, &err));
    sim_xgt_server_misbehave(server, fault);
    char address[32];
    (void)snprintf(address, sizeof address, "127.0.0.1:%u", sim_xgt_server_port(server));
    struct report report = {0};
    struct device device = {.number = 1,
        .id = STR("d"),
        .driver = STR("xgt"),
        .address = str_of(address),
        .options = str_of(options),
        .period_ns = NS_PER_S,
        .enabled = true};
    struct doctor_request request = {.device = &device,
        .source = str_of(tag),
        .context = &report,
        .finding = take_finding,
        .candidate = take_candidate};
    report.bad = device_diagnose(&request);
    sim_xgt_server_stop(server);
    return report;
}

static bool says(const struct report *report, enum msg_id msg, const char *part) {
    for (uint32_t i = 0; i < report->count; i++) {
        if (report->found[i] == msg && strstr(report->words[i], part) != NULL) {
            return true;
        }
    }
    return false;
}

static bool offers(const struct report *report, const char *value) {
    for (uint32_t i = 0; i < report->value_count; i++) {
        if (strcmp(report->values[i], value) == 0) {
            return true;
        }
    }
    return false;
}

/* M1 = 0400h: bit A; D0 and D1 hold 2.5 as a float with the high word first. */
static int ward_read(void *context, char area, uint32_t word, uint32_t count, uint16_t *ret_words) {
    (void)context;
    if (area != 'D' && area != 'M') {
        return SIM_XGT_NO_AREA;
    }
    for (uint32_t i = 0; i < count; i++) {
        ret_words[i] =
            (uint16_t)(area == 'M' ? (word + i == 1 ? 0x0400 : 0) : (word + i == 0 ? 0x4020 : 0));
    }
    return 0;
}

static void the_doctor_names_cpu_state_numbering_and_forms(void **state) {
    (void)state;
    struct sim_xgt_source source = {
        .read = ward_read, .info = 0x0280, .cpu = 0xA4, .hexadecimal = true};
    struct report report = diagnose(&source, SIM_FAULT_NONE, "timeout_ms=200", "D0 f32");
    assert_int_equal(0, report.bad);
    assert_true(says(&report, MSG_XGT_FOUND, "XGI, state: stop"));
    assert_true(says(&report, MSG_XGT_NOT_RUNNING, "stop"));
    assert_true(says(&report, MSG_XGT_CPU_ERROR, ""));
    assert_true(says(&report, MSG_XGT_CPU_OTHER, "set cpu=xgi"));
    assert_true(offers(&report, "f32 high-first=2.5"));
    source.cpu = 0xA0;
    source.info = 0x0101;
    report = diagnose(&source, SIM_FAULT_NONE, "timeout_ms=200", "%MX1A");
    assert_true(says(&report, MSG_XGT_BIT_NAME, "%MX1A"));
    assert_false(says(&report, MSG_XGT_CPU_OTHER, ""));
    assert_false(says(&report, MSG_XGT_NOT_RUNNING, ""));
    report = diagnose(&source, SIM_FAULT_NONE, "timeout_ms=200 bits=flat", "%MX26");
    assert_true(says(&report, MSG_XGT_BIT_OTHER, "bits=hex")); // %MX26 is bit 6 of M2 there.
    source.glofa = true;
    report = diagnose(&source, SIM_FAULT_NONE, "timeout_ms=200", "D0");
    assert_true(report.bad > 0 && says(&report, MSG_XGT_NAK_75, "company=glofa"));
    source.glofa = false;
    report = diagnose(&source, SIM_FAULT_SILENT, "timeout_ms=50", "D0");
    assert_true(report.bad > 0 && says(&report, MSG_XGT_SILENT, "XG5000"));
    source.station = 3;
    report = diagnose(&source, SIM_FAULT_NONE, "timeout_ms=50 framing=cnet station=1", "D0");
    assert_true(report.bad > 0 && says(&report, MSG_XGT_STATION_FOUND, "set station=3"));
    report = diagnose(&source, SIM_FAULT_NONE, "timeout_ms=200 framing=cnet station=3", "D0");
    assert_true(report.bad == 0 && says(&report, MSG_XGT_FOUND_CNET, "station 3"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(addresses_of_every_form_are_understood),
        cmocka_unit_test(a_wrong_address_is_refused_with_words_that_name_the_fault),
        cmocka_unit_test(what_does_not_fit_a_line_is_refused),
        cmocka_unit_test(every_capture_gives_what_it_says),
        cmocka_unit_test(a_storm_on_tcp_brings_no_wrong_value),
        cmocka_unit_test(a_storm_of_datagrams_brings_no_wrong_value),
        cmocka_unit_test(a_storm_on_a_serial_line_brings_no_wrong_value),
        cmocka_unit_test(a_controller_on_tcp_comes_back_after_each_fault),
        cmocka_unit_test(a_controller_on_udp_comes_back_after_each_fault),
        cmocka_unit_test(an_answer_with_another_number_is_no_answer),
        cmocka_unit_test(a_controller_on_a_serial_line_is_read),
        cmocka_unit_test(the_doctor_names_cpu_state_numbering_and_forms),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
