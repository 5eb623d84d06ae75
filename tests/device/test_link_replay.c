/* Replayed captures: what is told about a wrong file, wrong bytes and the end of the capture. */
#include "support_device.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static const int64_t no_options[LINK_OPTION_COUNT] = {0};

/* A link over a capture with this text. The file is gone when the link is made. */
static struct link *replay_of(const char *text) {
    char path[] = "/tmp/maru-capture-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal((ssize_t)strlen(text), write(fd, text, strlen(text)));
    (void)close(fd);
    char address[64];
    (void)snprintf(address, sizeof address, "capture:%s", path);
    struct link *link = link_new(str_of(address), no_options, clock_system(), -1);
    (void)unlink(path);
    return link;
}

static void a_conversation_is_replayed_in_order(void **state) {
    (void)state;
    struct link *link =
        replay_of("# talk\n> 01 02\n< 03\n< 04 05\n! silence\n! close\n> 06\n< 07\n");
    struct err err = ERR_INIT;
    uint8_t bytes[8];
    assert_int_equal(0, link_open(link, 0, &err));
    assert_int_equal(0, link->ops->send(link, "\1", 1, 0, &err));
    assert_int_equal(0, link->ops->send(link, "\2", 1, 0, &err));
    assert_int_equal(1, link->ops->receive(link, bytes, 8, 0, &err));
    assert_int_equal(1, link->ops->receive(link, bytes, 1, 0, &err)); // Half of it.
    assert_int_equal(1, link->ops->receive(link, bytes, 8, 0, &err));
    assert_int_equal(5, bytes[0]);
    assert_int_equal(-ERR_TIMEOUT, link->ops->receive(link, bytes, 8, 0, &err));
    assert_int_equal(-ERR_CLOSED, link->ops->receive(link, bytes, 8, 0, &err));
    assert_false(link_replay_is_done(link));
    link_close(link);
    assert_int_equal(0, link_open(link, 0, &err));
    assert_int_equal(0, link->ops->send(link, "\6", 1, 0, &err));
    assert_int_equal(1, link->ops->receive(link, bytes, 8, 0, &err));
    assert_true(link_replay_is_done(link));
    assert_int_equal(-ERR_TIMEOUT, link->ops->receive(link, bytes, 8, 0, &err));
    link_free(link);
}

static void other_bytes_than_recorded_are_told_with_line_and_place(void **state) {
    (void)state;
    struct link *link = replay_of("# one\n> 01 02\n");
    struct err err = ERR_INIT;
    assert_int_equal(0, link_open(link, 0, &err));
    assert_int_equal(-ERR_INTERNAL, link->ops->send(link, "\1\3", 2, 0, &err));
    assert_int_equal(MSG_DEVICE_CAPTURE_SENT, err.notes[0].msg);
    assert_int_equal(2, err.notes[0].args[1].as.integer);
    assert_int_equal(1, err.notes[0].args[2].as.integer);
    link_free(link);
}

static void a_wrong_file_is_told_when_the_link_is_opened(void **state) {
    (void)state;
    static const char *const wrong[] = {"> 0\n", "> 0g\n", "< 01 2\n"};
    for (size_t i = 0; i < 3; i++) {
        struct link *link = replay_of(wrong[i]);
        struct err err = ERR_INIT;
        assert_int_equal(-ERR_INVALID, link_open(link, 0, &err));
        assert_int_equal(MSG_DEVICE_CAPTURE_FORM, err.notes[0].msg);
        link_free(link);
    }
    struct link *link = link_new(STR("capture:/nowhere/at.all"), no_options, clock_system(), -1);
    struct err err = ERR_INIT;
    assert_int_equal(-ERR_NOT_FOUND, link_open(link, 0, &err));
    assert_int_equal(-ERR_NOT_FOUND, link_open(link, 0, NULL));
    link_free(link);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_conversation_is_replayed_in_order),
        cmocka_unit_test(other_bytes_than_recorded_are_told_with_line_and_place),
        cmocka_unit_test(a_wrong_file_is_told_when_the_link_is_opened),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
