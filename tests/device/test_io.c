/* The driver's window to the link: buffering, deadlines, draining. */
#include "support_device.h"

static void echo(void *context, const uint8_t *data, size_t size, struct buf *answer) {
    (void)context;
    buf_put(answer, data, size);
}

struct window {
    struct memory_link *memory;
    struct driver_settings settings;
    struct driver_io io;
    struct rtt rtt;
};

static void window_init(struct window *window, size_t piece) {
    *window = (struct window){.settings.link = {[LINK_TIMEOUT_MS] = 50}};
    window->memory = memory_link_new(echo, NULL);
    window->memory->piece = piece;
    window->io = (struct driver_io){.link = &window->memory->link,
        .clock = clock_system(),
        .settings = &window->settings,
        .rtt = &window->rtt};
    io_begin(&window->io);
}

static void a_receive_gives_exactly_what_was_asked_in_whatever_pieces_it_comes(void **state) {
    (void)state;
    for (size_t piece = 0; piece < 6; piece++) {
        struct window window;
        window_init(&window, piece);
        struct err err = ERR_INIT;
        char bytes[16] = {0};
        assert_int_equal(0, io_send(&window.io, "abcdefgh", 8, &err));
        assert_int_equal(0, io_receive(&window.io, bytes, 3, &err));
        assert_memory_equal("abc", bytes, 3);
        assert_int_equal(0, io_receive(&window.io, bytes, 5, &err));
        assert_memory_equal("defgh", bytes, 5);
        link_free(&window.memory->link);
    }
}

static void a_timed_out_receive_takes_nothing(void **state) {
    (void)state;
    struct window window;
    window_init(&window, 0);
    struct err err = ERR_INIT;
    char bytes[16] = {0};
    assert_int_equal(0, io_send(&window.io, "abc", 3, &err));
    assert_int_equal(-ERR_TIMEOUT, io_receive(&window.io, bytes, 5, &err));
    assert_int_equal(MSG_DEVICE_NO_ANSWER, err.notes[0].msg);
    assert_int_equal(0, io_send(&window.io, "de", 2, &err));
    assert_int_equal(0, io_receive(&window.io, bytes, 5, &err));
    assert_memory_equal("abcde", bytes, 5);
    link_free(&window.memory->link);
}

static int babble(
    struct link *link, void *data, size_t capacity, int64_t deadline_ns, struct err *err) {
    (void)link;
    (void)deadline_ns;
    (void)err;
    memset(data, 'x', capacity);
    return (int)capacity;
}

static void who_never_stops_sending_is_timed_out(void **state) {
    (void)state;
    struct window window;
    window_init(&window, 0);
    struct link_ops ops = *window.memory->link.ops;
    ops.receive = babble;
    window.memory->link.ops = &ops;
    struct err err = ERR_INIT;
    char bytes[16];
    int result = 0;
    int64_t until_ns = clock_mono_ns(clock_system()) + 2 * NS_PER_S;
    while (result == 0 && clock_mono_ns(clock_system()) < until_ns) {
        result = io_receive(&window.io, bytes, sizeof bytes, &err);
    }
    assert_int_equal(result, -ERR_TIMEOUT);
    link_free(&window.memory->link);
}

static void receive_some_gives_what_there_is(void **state) {
    (void)state;
    struct window window;
    window_init(&window, 0);
    struct err err = ERR_INIT;
    char bytes[16] = {0};
    assert_int_equal(0, io_send(&window.io, "abcdef", 6, &err));
    assert_int_equal(4, io_receive_some(&window.io, bytes, 4, &err));
    assert_int_equal(2, io_receive_some(&window.io, bytes, 16, &err));
    assert_int_equal(-ERR_TIMEOUT, io_receive_some(&window.io, bytes, 16, &err));
    link_free(&window.memory->link);
}

static void draining_throws_away_buffered_and_waiting_bytes(void **state) {
    (void)state;
    struct window window;
    window_init(&window, 2);
    struct err err = ERR_INIT;
    char bytes[16] = {0};
    assert_int_equal(0, io_send(&window.io, "abcdefgh", 8, &err));
    assert_int_equal(0, io_receive(&window.io, bytes, 1, &err));
    assert_int_equal(0, io_drain(&window.io, 0, &err));
    assert_int_equal(ERR_OK, err.code);
    assert_int_equal(-ERR_TIMEOUT, io_receive(&window.io, bytes, 1, &err));
    link_free(&window.memory->link);
}

static void requests_are_counted_and_timed(void **state) {
    (void)state;
    struct window window;
    window_init(&window, 0);
    struct clock_fake fake;
    clock_fake_init(&fake, 1700000000 * NS_PER_S);
    window.io.clock = &fake.clock;
    int64_t stamp = io_request_sent(&window.io);
    int64_t deadline_ns = window.io.deadline_ns;
    assert_int_equal(stamp + 50 * NS_PER_MS, deadline_ns);
    clock_fake_advance(&fake, 3 * NS_PER_MS);
    io_request_answered(&window.io, stamp);
    assert_int_equal(deadline_ns + 3 * NS_PER_MS, window.io.deadline_ns);
    assert_int_equal(1700000000 * NS_PER_S + 3 * NS_PER_MS, window.io.answered_wall_ns);
    assert_int_equal(1, window.io.requests);
    uint32_t p50 = rtt_percentile_us(&window.rtt, 500);
    assert_true(p50 >= 3000 && p50 <= 3400);
    link_free(&window.memory->link);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_receive_gives_exactly_what_was_asked_in_whatever_pieces_it_comes),
        cmocka_unit_test(a_timed_out_receive_takes_nothing),
        cmocka_unit_test(who_never_stops_sending_is_timed_out),
        cmocka_unit_test(receive_some_gives_what_there_is),
        cmocka_unit_test(draining_throws_away_buffered_and_waiting_bytes),
        cmocka_unit_test(requests_are_counted_and_timed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
