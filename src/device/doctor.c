/*
 * The connection doctor's way: each step stands on the one before, so the first bad finding is the
 * cause and the walk ends there. What the ordinary link and poller say is used where it exists; the
 * doctor adds what they cannot know in the middle of collecting: whether the host is there although
 * the port is not, which ports are open instead, at which speed a serial line answers, what the
 * same registers give in another word order.
 */
#include "device/doctor.h"

#include <math.h>
#include <string.h>

#include "core/mem.h"
#include "device/link.h"
#include "device/registry.h"

enum { CANDIDATES_BYTES = 8192, CANDIDATES_MAX = 24 };

static const char *const STEPS[DOCTOR_STEP_COUNT] = {
    "line", "name", "route", "host", "port", "greeting", "protocol", "sessions", "reading"};

const char *doctor_step_name(enum doctor_step step) {
    return (unsigned)step < DOCTOR_STEP_COUNT ? STEPS[step] : "";
}

void doctor_begin(struct diagnosis *diagnosis, enum doctor_step step) {
    diagnosis->step = step;
    diagnosis->step_ns = clock_mono_ns(diagnosis->clock);
}

void diagnosis_add(struct diagnosis *diagnosis, enum verdict verdict, const struct err *words) {
    const struct doctor_request *request = diagnosis->request;
    struct doctor_finding finding = {.step = diagnosis->step,
        .verdict = verdict,
        .words = words,
        .elapsed_ns = clock_mono_ns(diagnosis->clock) - diagnosis->step_ns};
    diagnosis->bad += verdict == VERDICT_BAD;
    request->finding(request->context, &finding);
}

void doctor_say(
    struct diagnosis *diagnosis, enum verdict verdict, enum msg_id id, const struct arg *args) {
    struct err words = ERR_INIT;
    (void)err_set(&words, ERR_INVALID, id, args); // Only its words are used.
    diagnosis_add(diagnosis, verdict, &words);
}

void diagnosis_candidate(
    struct diagnosis *diagnosis, struct str source, struct str label, struct str value) {
    (void)value; // Read again by the doctor, as collecting would.
    buf_put_str(&diagnosis->candidates, source);
    buf_put_char(&diagnosis->candidates, '\t');
    buf_put_str(&diagnosis->candidates, label);
    buf_put_char(&diagnosis->candidates, '\n');
}

/* ---- Steps ---- */

/* Checks the line and makes the plan with the one source. */
static bool check_line(struct diagnosis *diagnosis) {
    const struct doctor_request *request = diagnosis->request;
    doctor_begin(diagnosis, DOCTOR_LINE);
    struct err err = ERR_INIT;
    int result = device_check(request->device, &err);
    struct point point;
    if (result == 0 && request->source.size > 0) {
        result = device_check_source(request->device, request->source, &point, &err);
    }
    if (result < 0) {
        diagnosis_add(diagnosis, VERDICT_BAD, &err);
        return false;
    }
    struct tag tag = {.number = 1,
        .name = STR("doctor"),
        .device = request->device->id,
        .source = request->source,
        .active = true};
    const struct tag *list[1] = {&tag};
    struct plan_index index = {.tags = list, .count = request->source.size > 0};
    diagnosis->plan = device_plan_of(&index, request->device, &err);
    if (diagnosis->plan == NULL) {
        diagnosis_add(diagnosis, VERDICT_BAD, &err);
        return false;
    }
    doctor_say(diagnosis, VERDICT_GOOD, MSG_DOCTOR_LINE_GOOD, NO_ARGS);
    return true;
}

/* Takes "host:port" or "scheme://user@host:port/path" apart. False: no host in it. */
static bool split_address(struct str address, struct str *ret_host, struct str *ret_port) {
    static const struct {
        const char *scheme;
        const char *port;
    } SCHEMES[] = {{"http", "80"}, {"https", "443"}, {"postgresql", "5432"}, {"postgres", "5432"},
        {"mysql", "3306"}, {"mariadb", "3306"}, {"mqtt", "1883"}, {"mqtts", "8883"}};
    struct str rest = address;
    struct str port = STR_NONE;
    for (size_t i = 0; i < sizeof SCHEMES / sizeof SCHEMES[0]; i++) {
        struct str scheme = str_of(SCHEMES[i].scheme);
        struct str behind =
            str_slice(address, scheme.size < address.size ? scheme.size : 0, address.size);
        if (str_starts(address, scheme) && str_starts(behind, STR("://"))) {
            rest = str_slice(behind, 3, behind.size);
            port = str_of(SCHEMES[i].port);
        }
    }
    if (rest.size == 0 || rest.data[0] == '/' || str_starts(rest, STR("sqlite:")) ||
        str_find(rest, ':') == rest.size) {
        if (port.size == 0) {
            return false; // A folder, a file.
        }
    }
    rest = str_slice(rest, 0, str_find(rest, '/'));
    size_t at = str_find(rest, '@');
    rest = at < rest.size ? str_slice(rest, at + 1, rest.size) : rest;
    bool bracketed = rest.size > 0 && rest.data[0] == '[';
    size_t end = bracketed ? str_find(rest, ']') : str_find(rest, ':');
    *ret_host = str_slice(rest, bracketed ? 1 : 0, end);
    struct str tail = str_slice(rest, end < rest.size ? end : rest.size, rest.size);
    size_t colon = str_find(tail, ':');
    *ret_port = colon < tail.size ? str_slice(tail, colon + 1, tail.size) : port;
    return ret_host->size > 0;
}

static bool reach(struct diagnosis *diagnosis) {
    struct str address = diagnosis->request->device->address;
    bool is_own = diagnosis->plan->driver->check_address != NULL;
    if (!is_own && (link_is_serial(address) || str_starts(address, STR("capture:")))) {
        return true; // Opening it says all there is to say.
    }
    bool is_udp = !is_own && str_starts(address, STR("udp:"));
    struct str host = STR_NONE;
    struct str port = STR_NONE;
    if (!split_address(is_udp ? str_slice(address, 4, address.size) : address, &host, &port)) {
        return true;
    }
    return doctor_reach(diagnosis, host, port, is_udp);
}

/* A serial line that is silent: other speeds and parities, quickly. */
static void try_speeds(struct diagnosis *diagnosis) {
    static const int64_t SPEEDS[] = {9600, 19200, 38400, 57600, 115200, 4800};
    static const char *const PARITIES[] = {"none", "even", "odd"};
    for (size_t s = 0; s < sizeof SPEEDS / sizeof SPEEDS[0]; s++) {
        for (int64_t parity = 0; parity < 3; parity++) {
            int64_t line[LINK_OPTION_COUNT];
            memcpy(line, diagnosis->plan->settings.link, sizeof line);
            if (line[LINK_BAUD] == SPEEDS[s] && line[LINK_PARITY] == parity) {
                continue;
            }
            line[LINK_BAUD] = SPEEDS[s];
            line[LINK_PARITY] = parity;
            line[LINK_TIMEOUT_MS] = 300;
            struct doctor_reading reading;
            doctor_read(diagnosis, diagnosis->request->source, line, &reading);
            if (reading.good) {
                doctor_say(diagnosis, VERDICT_BAD, MSG_DOCTOR_SPEED,
                    ARGS(A_INT(SPEEDS[s]), A_CSTR(PARITIES[parity])));
                return;
            }
        }
    }
    doctor_say(diagnosis, VERDICT_NOTE, MSG_DOCTOR_SPEED_NONE, NO_ARGS);
}

static void give_candidate(struct diagnosis *diagnosis, struct str source, struct str label,
    const struct doctor_reading *reading, double scale) {
    AUTO_BUF struct buf value;
    buf_init(&value, 64);
    if (scale != 1 && reading->good) {
        buf_put_f64(&value, sample_number(&reading->row) * scale);
    }
    struct doctor_candidate candidate = {.source = source,
        .label = label,
        .value = scale != 1 ? buf_str(&value) : str_of(reading->good ? reading->text : ""),
        .scale = scale,
        .type = scale != 1 ? TYPE_F64 : (enum value_type)reading->row.type};
    diagnosis->request->candidate(diagnosis->request->context, &candidate);
}

/* Whole numbers are often tenths or hundredths of something. */
static void give_scales(struct diagnosis *diagnosis, const struct doctor_reading *reading) {
    static const struct {
        double scale;
        const char *label;
    } SCALES[] = {{0.1, "x 0.1"}, {0.01, "x 0.01"}, {0.001, "x 0.001"}};
    if (reading->row.type != TYPE_I64 || fabs(sample_number(&reading->row)) < 10) {
        return;
    }
    for (size_t i = 0; i < sizeof SCALES / sizeof SCALES[0]; i++) {
        give_candidate(diagnosis, diagnosis->request->source, str_of(SCALES[i].label), reading,
            SCALES[i].scale);
    }
}

static void give_candidates(struct diagnosis *diagnosis, const struct doctor_reading *first) {
    if (diagnosis->request->candidate == NULL) {
        return;
    }
    struct str rest = buf_str(&diagnosis->candidates);
    for (uint32_t i = 0; rest.size > 0 && i < CANDIDATES_MAX; i++) {
        struct str line = str_cut(&rest, '\n');
        struct str source = str_cut(&line, '\t');
        struct doctor_reading reading;
        doctor_read(diagnosis, source, NULL, &reading);
        give_candidate(diagnosis, source, line, &reading, 1);
    }
    if (first->good) {
        give_scales(diagnosis, first);
    }
}

/* A value, or why there is none. */
static void read_source(struct diagnosis *diagnosis) {
    struct doctor_reading reading;
    doctor_begin(diagnosis, DOCTOR_GREETING);
    doctor_read(diagnosis, diagnosis->request->source, NULL, &reading);
    bool serial = diagnosis->plan->settings.serial;
    if (!reading.connected) {
        diagnosis_add(diagnosis, VERDICT_BAD, &reading.error);
        if (reading.closed_by_peer) {
            doctor_say(diagnosis, VERDICT_NOTE,
                diagnosis->request->health != NULL && diagnosis->request->health->open_sockets > 0
                    ? MSG_DOCTOR_CLOSED_HELD
                    : MSG_DOCTOR_CLOSED,
                NO_ARGS);
        }
        doctor_guess(diagnosis);
        return;
    }
    doctor_say(diagnosis, VERDICT_GOOD, MSG_DOCTOR_GREETING_GOOD, NO_ARGS);
    doctor_begin(diagnosis, DOCTOR_PROTOCOL);
    doctor_ask_driver(diagnosis);
    if (!serial && diagnosis->plan->driver->check_address == NULL) {
        doctor_begin(diagnosis, DOCTOR_SESSIONS);
        doctor_count_sessions(diagnosis);
    }
    if (diagnosis->request->source.size == 0) {
        return;
    }
    doctor_begin(diagnosis, DOCTOR_READING);
    if (!reading.good) {
        diagnosis_add(diagnosis, VERDICT_BAD, &reading.error);
        if (serial && reading.error.code == ERR_TIMEOUT) {
            try_speeds(diagnosis);
        }
        return;
    }
    doctor_say(diagnosis, VERDICT_GOOD, MSG_DOCTOR_VALUE,
        ARGS(A_CSTR(reading.text), A_REAL((double)(reading.rtt_ns / NS_PER_US) / 1000)));
    give_candidates(diagnosis, &reading);
}

uint32_t device_diagnose(const struct doctor_request *request) {
    struct diagnosis diagnosis = {.request = request, .clock = clock_system()};
    buf_init(&diagnosis.candidates, CANDIDATES_BYTES);
    if (check_line(&diagnosis) && reach(&diagnosis)) {
        read_source(&diagnosis);
    }
    device_plan_free(diagnosis.plan);
    buf_fini(&diagnosis.candidates);
    return diagnosis.bad;
}
