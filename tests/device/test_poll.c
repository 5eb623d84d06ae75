/* Polling: silence by unit, bad rows once, back-pressure, big devices. */
#include "support_device.h"

#include <math.h>
#include <stdio.h>

/* A Modbus TCP machine: registers hold their address; unit 9 is silent while `dead`. */
struct machine {
    bool dead;
    bool all_dead;
    uint32_t requests;
    uint32_t to_dead;
};

static void serve(void *context, const uint8_t *data, size_t size, struct buf *answer) {
    struct machine *machine = context;
    for (size_t at = 0; at + 12 <= size; at += 12) {
        const uint8_t *request = data + at;
        unsigned start = (unsigned)request[8] << 8 | request[9];
        unsigned count = (unsigned)request[10] << 8 | request[11];
        machine->requests++;
        machine->to_dead += request[6] == 9;
        if (machine->all_dead || (machine->dead && request[6] == 9)) {
            continue;
        }
        uint8_t head[9] = {request[0], request[1], 0, 0, 0, (uint8_t)(3 + 2 * count), request[6],
            request[7], (uint8_t)(2 * count)};
        buf_put(answer, head, sizeof head);
        for (unsigned i = start; i < start + count; i++) {
            uint8_t word[2] = {(uint8_t)(i >> 8), (uint8_t)i};
            buf_put(answer, word, 2);
        }
    }
}

static void setup(struct rig *rig, struct machine *machine, const struct tag_line *tags) {
    static const struct device_line device = {
        "d", "modbus", "127.0.0.1:1", "unit=1 timeout_ms=10 max_gap=0", 1000};
    *machine = (struct machine){0};
    rig_init(rig, &device, tags, &memory_link_new(serve, machine)->link);
    struct err err = ERR_INIT;
    assert_int_equal(0, rig_connect(rig, &err));
}

static const struct tag_line tags[] = {{"a", "d", "holding:3"}, {"b", "d", "holding:1 unit 9"},
    {"c", "d", "holding:50 f32 unit 9"}, {"e", "d", "holding:60 text(4) unit 9"}, {0}};

static void a_silent_unit_is_asked_once_and_then_left_alone(void **state) {
    (void)state;
    struct rig rig;
    struct machine machine;
    setup(&rig, &machine, tags);
    struct err err = ERR_INIT;
    machine.dead = true;
    for (int i = 0; i < 6; i++) {
        assert_int_equal(0, rig_poll(&rig, &err));
    }
    assert_int_equal(6, box_count(&rig.box, 1));
    assert_int_equal(2, machine.to_dead); // One request a try, two tries, then a second of peace.
    for (uint32_t tag = 2; tag <= 4; tag++) {
        assert_int_equal(1, box_count(&rig.box, tag));
        struct box_row last = box_last(&rig.box, tag);
        assert_int_equal(STATUS_BAD_TIMEOUT, (int32_t)last.row.status);
        assert_true(last.row.type != TYPE_F64 || isnan(last.row.value.f64));
        assert_true(last.row.type != TYPE_TEXT || last.text[0] == '\0');
    }
    /* When it is back, the probe is followed by the rest in the same poll. */
    machine.dead = false;
    rig.plan->units[1].next_try_ns = 0;
    assert_int_equal(0, rig_poll(&rig, &err));
    for (uint32_t tag = 2; tag <= 4; tag++) {
        assert_int_equal(STATUS_GOOD, (int32_t)box_last(&rig.box, tag).row.status);
    }
    rig_fini(&rig);
}

static void a_connection_on_which_nothing_answers_is_given_up(void **state) {
    (void)state;
    struct rig rig;
    struct machine machine;
    setup(&rig, &machine, tags);
    struct err err = ERR_INIT;
    machine.all_dead = true;
    int polls = 0;
    int result = 0;
    while (result == 0 && polls < 10) {
        result = rig_poll(&rig, &err);
        polls++;
    }
    assert_int_equal(-ERR_TIMEOUT, result);
    assert_int_equal(MSG_DEVICE_SILENT, err.notes[0].msg);
    assert_true(polls <= 3);
    rig_fini(&rig);
}

static void a_lost_link_marks_every_point_once_and_keeps_other_reasons(void **state) {
    (void)state;
    struct rig rig;
    struct machine machine;
    setup(&rig, &machine, tags);
    struct err err = ERR_INIT;
    machine.dead = true;
    assert_int_equal(0, rig_poll(&rig, &err));
    poller_mark_bad(&rig.poller, rig.plan, STATUS_BAD_COMMUNICATION);
    poller_mark_bad(&rig.poller, rig.plan, STATUS_BAD_COMMUNICATION);
    assert_int_equal(2, box_count(&rig.box, 1));
    assert_int_equal(STATUS_BAD_COMMUNICATION, (int32_t)box_last(&rig.box, 1).row.status);
    assert_int_equal(STATUS_BAD_TIMEOUT, (int32_t)box_last(&rig.box, 2).row.status);
    assert_int_equal(0, box_last(&rig.box, 1).request_ns);
    struct device_health health;
    assert_true(health_copy(rig.health, rig.clock, &health));
    assert_int_equal(4, health.points_bad);
    rig_fini(&rig);
}

static void a_device_with_many_points_comes_whole_in_few_requests(void **state) {
    (void)state;
    enum { MANY = 900 };
    static char names[MANY][16];
    static char sources[MANY][24];
    static struct tag_line many[MANY + 1];
    for (uint32_t i = 0; i < MANY; i++) {
        (void)snprintf(names[i], sizeof names[i], "t%u", i);
        (void)snprintf(sources[i], sizeof sources[i], "holding:%u", i);
        many[i] = (struct tag_line){names[i], "d", sources[i]};
    }
    struct rig rig;
    struct machine machine;
    setup(&rig, &machine, many);
    struct err err = ERR_INIT;
    assert_int_equal(0, rig_poll(&rig, &err));
    assert_int_equal((MANY + 124) / 125, machine.requests);
    for (uint32_t i = 0; i < MANY; i++) { // Through batches of 64 rows.
        assert_int_equal(i, box_last(&rig.box, i + 1).row.value.i64);
    }
    rig_fini(&rig);
}

static void rows_lie_between_their_request_and_their_reply(void **state) {
    (void)state;
    struct rig rig;
    struct machine machine;
    setup(&rig, &machine, tags);
    struct err err = ERR_INIT;
    int64_t before_ns = clock_wall_ns(rig.clock);
    assert_int_equal(0, rig_poll(&rig, &err));
    int64_t after_ns = clock_wall_ns(rig.clock);
    for (uint32_t tag = 1; tag <= 4; tag++) {
        struct box_row last = box_last(&rig.box, tag);
        assert_true(before_ns <= last.request_ns && last.request_ns <= last.row.time_ns);
        assert_true(last.row.time_ns <= last.reply_ns && last.reply_ns <= after_ns);
    }
    rig_fini(&rig);
}

int main(void) {
    const struct CMUnitTest all[] = {
        cmocka_unit_test(a_silent_unit_is_asked_once_and_then_left_alone),
        cmocka_unit_test(a_connection_on_which_nothing_answers_is_given_up),
        cmocka_unit_test(a_lost_link_marks_every_point_once_and_keeps_other_reasons),
        cmocka_unit_test(a_device_with_many_points_comes_whole_in_few_requests),
        cmocka_unit_test(rows_lie_between_their_request_and_their_reply),
    };
    return cmocka_run_group_tests(all, NULL, NULL);
}
