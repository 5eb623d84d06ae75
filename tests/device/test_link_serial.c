/* Serial lines over a pseudo-terminal: Modbus RTU against a slave written from the standard. */
#include "support_device.h"

#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <termios.h>
#include <unistd.h>

#include "core/thread.h"

struct line {
    int master;
    char path[64];
    struct thread thread;
    struct stop_flag stop;
    _Atomic int requests;
    _Atomic bool damage; // Answers with a wrong checksum.
};

static uint16_t crc_of(const uint8_t *data, size_t size) {
    uint16_t crc = 0xFFFF;
    for (size_t i = 0; i < size; i++) {
        crc ^= data[i];
        for (int bit = 0; bit < 8; bit++) {
            crc = (uint16_t)((crc & 1) != 0 ? crc >> 1 ^ 0xA001 : crc >> 1);
        }
    }
    return crc;
}

/* Answers function 3 of units 1 and 2 with registers that hold unit * 1000 + address. */
static void answer(struct line *line, const uint8_t *request) {
    uint8_t unit = request[0];
    unsigned start = (unsigned)request[2] << 8 | request[3];
    unsigned count = (unsigned)request[4] << 8 | request[5];
    uint8_t frame[256] = {unit, 3, (uint8_t)(count * 2)};
    line->requests++;
    if (unit > 2 || request[1] != 3) {
        return; // Nobody there.
    }
    for (unsigned i = 0; i < count; i++) {
        unsigned value = unit * 1000u + start + i;
        frame[3 + 2 * i] = (uint8_t)(value >> 8);
        frame[4 + 2 * i] = (uint8_t)value;
    }
    size_t size = 3 + 2 * (size_t)count;
    uint16_t crc = crc_of(frame, size);
    frame[size] = (uint8_t)(crc + (line->damage ? 1 : 0));
    frame[size + 1] = (uint8_t)(crc >> 8);
    /* In two pieces, as a slow line gives it. */
    assert_int_equal(2, write(line->master, frame, 2));
    assert_int_equal((ssize_t)size, write(line->master, frame + 2, size));
}

static void line_run(void *context) {
    struct line *line = context;
    uint8_t request[64];
    size_t have = 0;
    for (;;) {
        struct pollfd fds[2] = {
            {.fd = line->master, .events = POLLIN}, {.fd = line->stop.event_fd, .events = POLLIN}};
        (void)poll(fds, 2, -1);
        if (fds[1].revents != 0) {
            return;
        }
        ssize_t got = read(line->master, request + have, sizeof request - have);
        have += got > 0 ? (size_t)got : 0;
        if (have >= 8) {
            answer(line, request);
            have = 0;
        }
    }
}

static void line_start(struct line *line) {
    *line = (struct line){0};
    line->master = posix_openpt(O_RDWR | O_NOCTTY);
    assert_true(line->master >= 0);
    assert_int_equal(0, grantpt(line->master));
    assert_int_equal(0, unlockpt(line->master));
    assert_int_equal(0, ptsname_r(line->master, line->path, sizeof line->path));
    stop_flag_init(&line->stop);
    thread_start(&line->thread, "slave", line_run, line);
}

static void line_stop(struct line *line) {
    stop_flag_raise(&line->stop);
    thread_join(&line->thread);
    stop_flag_fini(&line->stop);
    (void)close(line->master);
}

static void two_units_of_a_serial_line_are_read_and_a_dead_one_delays_nobody(void **state) {
    (void)state;
    struct line line;
    line_start(&line);
    struct device_line device = {
        "d", "modbus", line.path, "unit=1 baud=115200 parity=none timeout_ms=100", 1000};
    struct tag_line tags[] = {{"a", "d", "holding:5"}, {"b", "d", "holding:7 unit 2"},
        {"c", "d", "holding:5 unit 3"}, {0}};
    struct rig rig;
    rig_init(&rig, &device, tags, NULL);
    struct err err = ERR_INIT;
    assert_int_equal(0, rig_connect(&rig, &err));
    assert_true(rig.poller.link->ops->serial);
    for (int i = 0; i < 5; i++) {
        int64_t begun_ns = clock_mono_ns(clock_system());
        assert_int_equal(0, rig_poll(&rig, &err));
        /* The dead unit is probed at most twice before it is left alone for a second. */
        assert_true(i < 2 || clock_mono_ns(clock_system()) - begun_ns < 90 * NS_PER_MS);
    }
    assert_int_equal(1005, box_last(&rig.box, 1).row.value.i64);
    assert_int_equal(2007, box_last(&rig.box, 2).row.value.i64);
    assert_int_equal(STATUS_BAD_TIMEOUT, (int32_t)box_last(&rig.box, 3).row.status);
    assert_int_equal(5, box_count(&rig.box, 1));
    assert_int_equal(1, box_count(&rig.box, 3));
    rig_fini(&rig);
    line_stop(&line);
}

static void a_damaged_frame_costs_one_request_and_no_value(void **state) {
    (void)state;
    struct line line;
    line_start(&line);
    struct device_line device = {
        "d", "modbus", line.path, "unit=1 baud=115200 parity=none timeout_ms=200", 1000};
    struct tag_line tags[] = {{"a", "d", "holding:5"}, {0}};
    struct rig rig;
    rig_init(&rig, &device, tags, NULL);
    struct err err = ERR_INIT;
    assert_int_equal(0, rig_connect(&rig, &err));
    assert_int_equal(0, rig_poll(&rig, &err));
    line.damage = true;
    assert_int_equal(0, rig_poll(&rig, &err));
    assert_int_equal(STATUS_BAD_COMMUNICATION, (int32_t)box_last(&rig.box, 1).row.status);
    line.damage = false;
    assert_int_equal(0, rig_poll(&rig, &err));
    assert_int_equal(1005, box_last(&rig.box, 1).row.value.i64);
    rig_fini(&rig);
    line_stop(&line);
}

static void a_missing_port_and_an_odd_speed_are_told(void **state) {
    (void)state;
    int64_t options[LINK_OPTION_COUNT] = {1000, 1, 9600, 1, 8, 1};
    struct err err = ERR_INIT;
    struct link *link = link_new(STR("/dev/no-such-port"), options, clock_system(), -1);
    assert_int_equal(-ERR_UNREACHABLE, link_open(link, 0, &err));
    assert_int_equal(MSG_DEVICE_SERIAL_MISSING, err.notes[0].msg);
    link_free(link);
    options[LINK_BAUD] = 9601;
    link = link_new(STR("/dev/no-such-port"), options, clock_system(), -1);
    assert_int_equal(-ERR_INVALID, link_open(link, 0, &err));
    assert_int_equal(MSG_DEVICE_SERIAL_SPEED, err.notes[0].msg);
    link_free(link);
}

static void a_character_takes_the_time_of_its_bits(void **state) {
    (void)state;
    int64_t options[LINK_OPTION_COUNT] = {1000, 1, 9600, 1, 8, 1}; // 11 bits with parity.
    struct link *link = link_new(STR("/dev/ttyS0"), options, clock_system(), -1);
    assert_int_equal(11 * NS_PER_S / 9600, link->character_ns);
    link_free(link);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_units_of_a_serial_line_are_read_and_a_dead_one_delays_nobody),
        cmocka_unit_test(a_damaged_frame_costs_one_request_and_no_value),
        cmocka_unit_test(a_missing_port_and_an_odd_speed_are_told),
        cmocka_unit_test(a_character_takes_the_time_of_its_bits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
