/*
 * Syslog messages as RFC 5424 writes them, and the places they go to.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "upkeep/syslog.h"
#include "upkeep/syslog_message.h"

static struct audit_entry entry(void) {
    return (struct audit_entry){.sequence = 42,
        .time_ns = 1763600000123456789,
        .actor = STR("maru"),
        .action = STR("token.create"),
        .subject = STR("t1"),
        .payload = STR("{\"role\":\"owner\"}")};
}

static void write(const struct audit_entry *one, const char *host, struct buf *to) {
    struct syslog_event event = {.host = host, .chain = "hub", .process = 812, .entry = one};
    buf_init(to, 4 * SYSLOG_MESSAGE_MAX);
    syslog_message(&event, to);
}

static void an_entry_is_written_as_the_standard_says(void **state) {
    (void)state;
    struct audit_entry one = entry();
    struct buf text;
    write(&one, "plant-pc", &text);
    assert_string_equal(buf_z(&text),
        "<109>1 2025-11-20T00:53:20.123456Z plant-pc maru 812 token.create "
        "[origin software=\"maru\" swVersion=\"" MARU_VERSION "\"]"
        "[maru@32473 chain=\"hub\" sequence=\"42\" actor=\"maru\" subject=\"t1\"] "
        "\xEF\xBB\xBFtoken.create: {\"role\":\"owner\"}");
    buf_fini(&text);
}

static void what_was_refused_is_a_warning(void **state) {
    (void)state;
    static const char *const ACTIONS[] = {"request.denied", "session.failed", "login.lock"};
    for (size_t i = 0; i < 3; i++) {
        struct audit_entry one = entry();
        one.action = str_of(ACTIONS[i]);
        struct buf text;
        write(&one, "h", &text);
        assert_true(str_starts(buf_str(&text), STR("<108>1 ")));
        buf_fini(&text);
    }
}

static void nothing_in_an_entry_can_end_a_field_or_a_line(void **state) {
    (void)state;
    struct audit_entry one = entry();
    one.actor = STR("a\"] [x y=\"1");
    one.subject = STR("back\\slash\nline");
    one.action = STR("two words\x7F한글");
    one.payload = STR("line one\r\nline two");
    struct buf text;
    write(&one, "host name", &text);
    const char *all = buf_z(&text);
    assert_non_null(strstr(all, " host?name maru 812 two?words??????? [origin"));
    assert_non_null(strstr(all, "actor=\"a\\\"\\] [x y=\\\"1\""));
    assert_non_null(strstr(all, "subject=\"back\\\\slash line\""));
    assert_non_null(strstr(all, "line one  line two"));
    assert_null(strchr(all, '\n'));
    assert_null(strchr(all, '\r'));
    buf_fini(&text);
    one = entry();
    one.erased = true;
    write(&one, "", &text);
    assert_non_null(strstr(buf_z(&text), "Z - maru 812"));
    assert_non_null(strstr(buf_z(&text), "(erased)"));
    buf_fini(&text);
}

static void a_long_payload_is_cut_between_letters(void **state) {
    (void)state;
    struct buf payload;
    buf_init(&payload, 1 << 20);
    for (int i = 0; i < 5000; i++) {
        buf_put_str(&payload, STR("가"));
    }
    struct audit_entry one = entry();
    one.payload = buf_str(&payload);
    struct buf text;
    write(&one, "h", &text);
    assert_in_range(text.size, SYSLOG_MESSAGE_MAX - 3, SYSLOG_MESSAGE_MAX);
    size_t bad = 0;
    assert_true(str_is_utf8(buf_str(&text), &bad));
    buf_fini(&text);
    struct syslog_event event = {.host = "h", .chain = "hub", .process = 1, .entry = &one};
    buf_init(&text, 4 * SYSLOG_MESSAGE_MAX);
    syslog_frame(&event, &text);
    uint64_t size = 0;
    struct str rest = buf_str(&text);
    assert_true(str_to_u64(str_cut(&rest, ' '), &size));
    assert_int_equal(size, rest.size);
    buf_fini(&text);
    buf_fini(&payload);
}

static void places_are_taken_or_refused_in_words(void **state) {
    (void)state;
    static const struct {
        const char *text;
        bool plain;
        enum syslog_way way; // SYSLOG_NONE: refused.
        const char *host;
        uint16_t port;
    } PLACES[] = {{"tls://siem.plant.lan:7000", false, SYSLOG_TLS, "siem.plant.lan", 7000},
        {"tls://192.168.0.9", false, SYSLOG_TLS, "192.168.0.9", 6514},
        {"tls://[fd00::9]:6514", false, SYSLOG_TLS, "fd00::9", 6514},
        {"tls://[fd00::9]", false, SYSLOG_TLS, "fd00::9", 6514},
        {"tcp://siem", true, SYSLOG_TCP, "siem", 514},
        {"udp://siem", true, SYSLOG_UDP, "siem", 514}, {"tcp://siem", false, SYSLOG_NONE, NULL, 0},
        {"udp://siem:514", false, SYSLOG_NONE, NULL, 0}, {"siem:6514", true, SYSLOG_NONE, NULL, 0},
        {"tls://", true, SYSLOG_NONE, NULL, 0}, {"tls://a:0", true, SYSLOG_NONE, NULL, 0},
        {"tls://a:65536", true, SYSLOG_NONE, NULL, 0}, {"tls://a b", true, SYSLOG_NONE, NULL, 0},
        {"tls://a/b", true, SYSLOG_NONE, NULL, 0}, {"tls://u@a", true, SYSLOG_NONE, NULL, 0},
        {"tls://[fd00::9", true, SYSLOG_NONE, NULL, 0},
        {"tls://[fd00::9]x", true, SYSLOG_NONE, NULL, 0}, {"TLS://a", true, SYSLOG_NONE, NULL, 0}};
    for (size_t i = 0; i < sizeof PLACES / sizeof PLACES[0]; i++) {
        struct syslog_settings settings = {.way = SYSLOG_NONE};
        struct err err = ERR_INIT;
        int status = syslog_parse(str_of(PLACES[i].text), PLACES[i].plain, &settings, &err);
        if ((status == 0) != (PLACES[i].way != SYSLOG_NONE)) {
            fail_msg("%s: %d", PLACES[i].text, status);
        }
        if (status == 0) {
            assert_int_equal(settings.way, PLACES[i].way);
            assert_string_equal(settings.host, PLACES[i].host);
            assert_int_equal(settings.port, PLACES[i].port);
        }
    }
    struct syslog_settings none = {.way = SYSLOG_NONE};
    assert_int_equal(syslog_parse(STR(""), false, &none, NULL), 0);
    assert_int_equal(none.way, SYSLOG_NONE);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_entry_is_written_as_the_standard_says),
        cmocka_unit_test(what_was_refused_is_a_warning),
        cmocka_unit_test(nothing_in_an_entry_can_end_a_field_or_a_line),
        cmocka_unit_test(a_long_payload_is_cut_between_letters),
        cmocka_unit_test(places_are_taken_or_refused_in_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
