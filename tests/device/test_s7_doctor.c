/* The connection doctor at a simulated S7 controller: each cause is named, with what to do. */
#include "support_device.h"

#include <stdio.h>

#include "sim/sim_s7.h"

enum { BLOCK_BYTES = 150, TEXT = 4096 };

struct report {
    char words[TEXT]; // A line each: step, verdict, words.
    char candidates[TEXT];
    uint32_t bad;
};

static void take_finding(void *context, const struct doctor_finding *finding) {
    struct report *report = context;
    size_t used = strlen(report->words);
    (void)snprintf(report->words + used, TEXT - used, "%s %d %s\n", doctor_step_name(finding->step),
        (int)finding->verdict, words_of(finding->words));
}

static void take_candidate(void *context, const struct doctor_candidate *candidate) {
    struct report *report = context;
    size_t used = strlen(report->candidates);
    (void)snprintf(report->candidates + used, TEXT - used, "%.*s=%.*s\n",
        STR_ARG(candidate->source), STR_ARG(candidate->value));
}

static int read_block(void *context, uint8_t area, uint16_t block, uint32_t start, uint32_t count,
    uint8_t *ret_bytes) {
    (void)context;
    bool known = area == SIM_S7_MEMORY || (area == SIM_S7_DB && block == 1);
    if (!known) {
        return SIM_S7_NO_OBJECT;
    }
    if (start + count > BLOCK_BYTES) {
        return SIM_S7_OUTSIDE;
    }
    static const uint8_t real[] = {0x41, 0xC8, 0, 0}; // 25.0 at byte 0.
    for (uint32_t i = 0; i < count; i++) {
        ret_bytes[i] = start + i < 4 ? real[start + i] : 0;
    }
    return SIM_S7_GOOD;
}

static struct report diagnose(
    enum sim_s7_fault fault, uint8_t slot, const char *options, const char *source) {
    struct report report = {0};
    struct sim_s7_source from = {.read = read_block};
    struct sim_s7_manner manner = {
        .pdu = 240, .jobs = 3, .only_slot = true, .slot = slot, .cpu = "CPU 315-2 PN/DP"};
    struct sim_s7_server *server = NULL;
    struct err err = ERR_INIT;
    assert_int_equal(0, sim_s7_server_start(&from, &manner, 0, &server, &err));
    sim_s7_server_misbehave(server, fault);
    char address[32];
    (void)snprintf(address, sizeof address, "127.0.0.1:%u", (unsigned)sim_s7_server_port(server));
    struct device device = {.number = 1,
        .id = STR("d"),
        .driver = STR("s7"),
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
    sim_s7_server_stop(server);
    return report;
}

static void assert_says(const struct report *report, const char *words) {
    if (strstr(report->words, words) == NULL) {
        fail_msg("\"%s\" is not in\n%s", words, report->words);
    }
}

static void a_good_controller_is_named_and_the_place_is_shown_in_other_types(void **state) {
    (void)state;
    struct report report = diagnose(SIM_S7_FINE, 2, "slot=2 timeout_ms=300", "DB1.DBD0");
    assert_int_equal(0, report.bad);
    assert_says(&report, "CPU 315-2 PN/DP, order number 6ES7 000-0MA00-0AB0");
    assert_says(&report, "240 bytes, 3 requests");
    assert_says(&report, "PUT/GET is allowed");
    assert_non_null(strstr(report.candidates, "DB1.0 real=25\n"));
    assert_non_null(strstr(report.candidates, "DB1.0 int=16840\n"));
}

static void the_right_slot_is_found(void **state) {
    (void)state;
    struct report report = diagnose(SIM_S7_FINE, 2, "slot=1 timeout_ms=300", "DB1.DBD0");
    assert_true(report.bad > 0);
    assert_says(&report, "with slot=1 the device refuses, but with slot=2 it answers");
    report = diagnose(SIM_S7_FULL, 2, "slot=1 timeout_ms=300", "DB1.DBD0");
    assert_true(report.bad > 0);
    assert_null(strstr(report.words, "it answers")); // None is guessed where none answers.
}

static void a_missing_right_a_missing_block_and_a_short_block_are_told_apart(void **state) {
    (void)state;
    struct report report = diagnose(SIM_S7_DENY, 1, "timeout_ms=300", "DB1.DBD0 real");
    assert_true(report.bad > 0);
    assert_says(&report, "PUT/GET communication");
    report = diagnose(SIM_S7_FINE, 1, "timeout_ms=300", "DB7.DBD0 real");
    assert_says(&report, "PUT/GET is allowed");
    assert_says(&report, "has no DB7, or it is an optimized block");
    report = diagnose(SIM_S7_FINE, 1, "timeout_ms=300", "DB1.DBD148 real");
    assert_says(&report, "DB1 has 150 bytes (0 to 149); the value at 148");
    report = diagnose(SIM_S7_FINE, 1, "timeout_ms=300", "DB1.100 string");
    assert_says(&report, "DB1 has 150 bytes (0 to 149); the value at 100");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_good_controller_is_named_and_the_place_is_shown_in_other_types),
        cmocka_unit_test(the_right_slot_is_found),
        cmocka_unit_test(a_missing_right_a_missing_block_and_a_short_block_are_told_apart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
