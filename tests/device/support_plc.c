/* Simulated PLCs on real sockets; see the header. */
#include "support_plc.h"

#include <stdio.h>

int plc_poll_once(struct rig *rig) {
    struct err err = ERR_INIT;
    int result = rig->poller.connected ? 0 : rig_connect(rig, &err);
    result = result < 0 ? result : rig_poll(rig, &err);
    if (result < 0) {
        assert_true(err.note_count > 0);
        poller_disconnect(&rig->poller);
        poller_mark_bad(&rig->poller, rig->plan, STATUS_BAD_COMMUNICATION);
    }
    for (uint32_t unit = 0; unit < rig->plan->unit_count; unit++) {
        rig->plan->units[unit].next_try_ns = 0; // No waiting.
    }
    return result;
}

double plc_value_after(struct rig *rig, uint32_t tag) {
    for (int i = 0; i < 4; i++) {
        uint32_t before = rig->box.good_counts[tag];
        (void)plc_poll_once(rig);
        if (rig->box.good_counts[tag] != before) {
            return sample_number(&rig->box.last[tag].row);
        }
    }
    fail_msg("the driver did not come back");
    return 0;
}

static void add_line(char *to, size_t capacity, const char *text) {
    size_t used = strlen(to);
    (void)snprintf(to + used, capacity - used, "%s\n", text);
}

static void take_finding(void *context, const struct doctor_finding *finding) {
    struct plc_report *report = context;
    add_line(report->words, sizeof report->words, words_of(finding->words));
}

static void take_candidate(void *context, const struct doctor_candidate *candidate) {
    struct plc_report *report = context;
    char line[256];
    (void)snprintf(
        line, sizeof line, "%.*s=%.*s", STR_ARG(candidate->label), STR_ARG(candidate->value));
    add_line(report->candidates, sizeof report->candidates, line);
}

struct plc_report plc_diagnose(
    const char *driver, const char *address, const char *options, const char *source) {
    struct plc_report report = {0};
    struct device device = {.number = 1,
        .id = STR("d"),
        .driver = str_of(driver),
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

void plc_misbehaves(const struct plc_on_socket *plc) {
    const char *prefix = plc->prefix != NULL ? plc->prefix : "";
    struct sim_plc_server *server = NULL;
    struct err err = ERR_INIT;
    assert_int_equal(0, sim_plc_server_start(&plc->protocol, 0, &server, &err));
    char address[64];
    (void)snprintf(address, sizeof address, "%s127.0.0.1:%u", prefix, sim_plc_server_port(server));
    const struct device_line device = {"d", plc->driver, address, plc->options, 1000};
    const struct tag_line tags[] = {
        {"a", "d", plc->source}, {"b", "d", plc->other_source}, {NULL, NULL, NULL}};
    struct rig rig;
    rig_init(&rig, &device, tags, NULL);
    static const enum sim_plc_fault faults[] = {SIM_PLC_SILENT, SIM_PLC_CUT, SIM_PLC_GARBAGE,
        SIM_PLC_LATE, SIM_PLC_WRONG_STATION, SIM_PLC_HANG_UP};
    for (uint16_t i = 0; i < sizeof faults / sizeof faults[0]; i++) {
        sim_plc_put(plc->memory, plc->area, 0, i);
        assert_int_equal(i, (int)plc_value_after(&rig, 1));
        if (faults[i] == SIM_PLC_HANG_UP && prefix[0] != '\0') {
            continue; // A datagram has no connection.
        }
        sim_plc_server_misbehave(server, faults[i]);
        (void)plc_poll_once(&rig);
        assert_int_equal(QUALITY_BAD, status_quality(rig.box.last[1].row.status));
        sim_plc_put(plc->memory, plc->area, 0, 999);
        sim_plc_server_misbehave(server, SIM_PLC_GOOD);
        assert_int_equal(999, (int)plc_value_after(&rig, 1));
    }
    rig_fini(&rig);
    sim_plc_server_stop(server);
}
