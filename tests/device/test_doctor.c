/* The connection doctor names what was done to the connection. */
#include "support_device.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "sim/sim.h"

enum { FINDINGS = 32, CANDIDATES = 32 };

struct report {
    struct {
        enum doctor_step step;
        enum verdict verdict;
        enum msg_id msg;
        char words[1024];
    } findings[FINDINGS];
    uint32_t count;
    struct {
        char label[64];
        char value[64];
    } candidates[CANDIDATES];
    uint32_t candidate_count;
    uint32_t bad;
};

static void take_finding(void *context, const struct doctor_finding *finding) {
    struct report *report = context;
    assert_true(report->count < FINDINGS);
    assert_true(finding->words->note_count > 0);
    report->findings[report->count].step = finding->step;
    report->findings[report->count].verdict = finding->verdict;
    report->findings[report->count].msg = finding->words->notes[0].msg;
    (void)snprintf(report->findings[report->count].words, 1024, "%s", words_of(finding->words));
    report->count++;
}

static void take_candidate(void *context, const struct doctor_candidate *candidate) {
    struct report *report = context;
    assert_true(report->candidate_count < CANDIDATES);
    (void)str_copy_z(candidate->label, report->candidates[report->candidate_count].label, 64);
    (void)str_copy_z(candidate->value, report->candidates[report->candidate_count].value, 64);
    report->candidate_count++;
}

static struct report diagnose(const char *address, const char *options, const char *source) {
    struct report report = {0};
    struct device device = {.number = 1,
        .id = STR("d"),
        .driver = STR("modbus"),
        .address = str_of(address),
        .options = str_of(options),
        .period_ns = NS_PER_S,
        .enabled = true};
    struct doctor_request request = {.device = &device,
        .source = str_of(source),
        .context = &report,
        .finding = take_finding,
        .candidate = take_candidate};
    report.bad = device_diagnose(&request);
    return report;
}

/* The one bad finding that names the cause. */
static void assert_cause(const struct report *report, enum doctor_step step, enum msg_id msg) {
    assert_true(report->bad > 0);
    for (uint32_t i = 0; i < report->count; i++) {
        if (report->findings[i].verdict == VERDICT_BAD) {
            if (report->findings[i].step != step || report->findings[i].msg != msg) {
                fail_msg("%s: %s", doctor_step_name(report->findings[i].step),
                    report->findings[i].words);
            }
            return;
        }
    }
}

static bool says(const struct report *report, enum msg_id msg, const char *part) {
    for (uint32_t i = 0; i < report->count; i++) {
        if (report->findings[i].msg == msg && strstr(report->findings[i].words, part) != NULL) {
            return true;
        }
    }
    return false;
}

static int serve(void *context, uint8_t unit, enum sim_table table, uint16_t start, uint16_t count,
    uint16_t *ret_words) {
    (void)context;
    if (unit != 7) {
        return 11; // The gateway: no answer from that unit.
    }
    if (table != SIM_HOLDING || start + count > 100) {
        return 2;
    }
    for (uint16_t i = 0; i < count; i++) {
        static const uint16_t WORDS[] = {0x0000, 0x41C8, 215}; // 25.0 as f32 CDAB; 21.5 in tenths.
        ret_words[i] = start + i < 3 ? WORDS[start + i] : 0;
    }
    return 0;
}

static struct sim_modbus_server *start_server(char address[32]) {
    static const struct sim_modbus_source SOURCE = {.read = serve};
    struct sim_modbus_server *server = NULL;
    struct err err = ERR_INIT;
    assert_int_equal(0, sim_modbus_server_start(&SOURCE, 0, &server, &err));
    (void)snprintf(address, 32, "127.0.0.1:%u", (unsigned)sim_modbus_server_port(server));
    return server;
}

/* A loopback port where nobody listens, or a socket that listens and never takes. */
static int local_socket(char address[32], int backlog) {
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(0, bind(fd, (struct sockaddr *)&at, sizeof at));
    socklen_t size = sizeof at;
    assert_int_equal(0, getsockname(fd, (struct sockaddr *)&at, &size));
    if (backlog >= 0) {
        assert_int_equal(0, listen(fd, backlog));
    }
    (void)snprintf(address, 32, "127.0.0.1:%u", (unsigned)ntohs(at.sin_port));
    return fd;
}

static void a_wrong_line_is_named(void **state) {
    (void)state;
    struct report report = diagnose("127.0.0.1", "", "");
    assert_cause(&report, DOCTOR_LINE, MSG_DEVICE_ADDRESS_PORT);
    report = diagnose("127.0.0.1:502", "unti=1", "");
    assert_cause(&report, DOCTOR_LINE, MSG_DEVICE_OPTION_UNKNOWN);
    report = diagnose("127.0.0.1:502", "", "holding:x");
    assert_cause(&report, DOCTOR_LINE, MSG_MODBUS_ADDRESS_RANGE);
}

static void a_name_that_nobody_knows_is_named(void **state) {
    (void)state;
    struct report report = diagnose("no-such-machine.invalid:502", "", "");
    assert_cause(&report, DOCTOR_NAME, MSG_DEVICE_HOST_UNKNOWN);
}

static void a_closed_port_and_the_open_ones_are_named(void **state) {
    (void)state;
    char address[32];
    int fd = local_socket(address, -1);
    struct report report = diagnose(address, "", "holding:0");
    assert_cause(&report, DOCTOR_PORT, MSG_DOCTOR_PORT_REFUSED);
    assert_true(says(&report, MSG_DOCTOR_HOST_THERE, "127.0.0.1"));
    (void)close(fd);
}

static void a_port_that_drops_is_told_from_a_closed_one(void **state) {
    (void)state;
    char address[32];
    int fd = local_socket(address, 0);
    /* The queue holds one; what comes after it is dropped without a word, as by a firewall. */
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    uint64_t port = 0;
    struct str rest = str_of(address);
    (void)str_cut(&rest, ':');
    assert_true(str_to_u64(rest, &port));
    at.sin_port = htons((uint16_t)port);
    int fillers[4];
    for (int i = 0; i < 4; i++) {
        fillers[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        (void)connect(fillers[i], (struct sockaddr *)&at, sizeof at);
    }
    struct report report = diagnose(address, "", "holding:0");
    assert_cause(&report, DOCTOR_PORT, MSG_DOCTOR_PORT_DROPPED);
    for (int i = 0; i < 4; i++) {
        (void)close(fillers[i]);
    }
    (void)close(fd);
}

static void another_unit_is_found(void **state) {
    (void)state;
    char address[32];
    struct sim_modbus_server *server = start_server(address);
    struct report report = diagnose(address, "unit=1 timeout_ms=200", "holding:0 f32 ABCD");
    assert_cause(&report, DOCTOR_PROTOCOL, MSG_MODBUS_UNIT_FOUND);
    assert_true(says(&report, MSG_MODBUS_UNIT_FOUND, "set unit=7"));
    sim_modbus_server_stop(server);
}

static void a_wrong_table_is_found(void **state) {
    (void)state;
    char address[32];
    struct sim_modbus_server *server = start_server(address);
    struct report report = diagnose(address, "unit=7 timeout_ms=200", "input:2 u16");
    assert_true(says(&report, MSG_MODBUS_TABLE_OTHER, "holding:2"));
    assert_int_equal(report.findings[report.count - 1].step, DOCTOR_READING);
    assert_int_equal(report.findings[report.count - 1].verdict, VERDICT_BAD);
    sim_modbus_server_stop(server);
}

static void candidates_hold_the_right_order_and_scale(void **state) {
    (void)state;
    char address[32];
    struct sim_modbus_server *server = start_server(address);
    struct report report = diagnose(address, "unit=7 timeout_ms=200", "holding:0 f32 ABCD");
    assert_int_equal(report.bad, 0);
    bool found = false;
    for (uint32_t i = 0; i < report.candidate_count; i++) {
        found |= strcmp(report.candidates[i].label, "f32 CDAB") == 0 &&
                 strcmp(report.candidates[i].value, "25") == 0;
    }
    assert_true(found);
    report = diagnose(address, "unit=7 timeout_ms=200", "holding:2 u16");
    assert_int_equal(report.bad, 0);
    found = false;
    for (uint32_t i = 0; i < report.candidate_count; i++) {
        found |= strcmp(report.candidates[i].label, "x 0.1") == 0 &&
                 strcmp(report.candidates[i].value, "21.5") == 0;
    }
    assert_true(found);
    assert_true(says(&report, MSG_DOCTOR_VALUE, "215"));
    assert_true(says(&report, MSG_DOCTOR_SESSIONS_GOOD, ""));
    sim_modbus_server_stop(server);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_wrong_line_is_named),
        cmocka_unit_test(a_name_that_nobody_knows_is_named),
        cmocka_unit_test(a_closed_port_and_the_open_ones_are_named),
        cmocka_unit_test(a_port_that_drops_is_told_from_a_closed_one),
        cmocka_unit_test(another_unit_is_found),
        cmocka_unit_test(a_wrong_table_is_found),
        cmocka_unit_test(candidates_hold_the_right_order_and_scale),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
