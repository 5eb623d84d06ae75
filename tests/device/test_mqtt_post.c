/*
 * Sending to a topic: against the real broker (confirmed, unheard, forbidden, too large, TLS), and
 * against brokers of the test's own that are old, silent, or hang up.
 */
#include <arpa/inet.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "device/mqtt_post.h"
#include "sim/sim_mqtt.h"
#include "support_broker.h"
#include "support_device.h"

static _Atomic uint32_t changes;

static int send_to(
    const char *url, const char *login, const char *ca_file, struct str payload, struct err *err) {
    struct mqtt_post_options options = {.url = str_of(url),
        .login = str_of(login),
        .ca_file = str_of(ca_file),
        .timeout_ms = 3000,
        .changes = &changes,
        .unchanged = changes};
    struct mqtt_post *post = NULL;
    int result = mqtt_post_open(&options, &post, err);
    result = result < 0 ? result : mqtt_post_send(post, payload, err);
    mqtt_post_close(post);
    return result;
}

static void expect(const char *url, const char *login, int code, const char *words) {
    struct err err = ERR_INIT;
    int result = send_to(url, login, "", STR("x"), &err);
    if (result != code || (words != NULL && strstr(words_of(&err), words) == NULL)) {
        fail_msg("%s gave %d: %s", url, result, words_of(&err));
    }
}

static void addresses_are_taken_or_refused_in_words(void **state) {
    (void)state;
    static const struct {
        const char *url;
        const char *address; // NULL: refused.
        const char *topic;
        bool tls;
    } CASES[] = {{"mqtt://broker/a", "broker:1883", "a", false},
        {"mqtts://broker/a/b", "broker:8883", "a/b", true},
        {"mqtt://10.0.0.1:11883//공장/1", "10.0.0.1:11883", "/공장/1", false},
        {"mqtts://[::1]/t", "[::1]:8883", "t", true},
        {"mqtt://[::1]:1884/t", "[::1]:1884", "t", false}, {"http://broker/a", NULL, NULL, false},
        {"mqtt:/broker/a", NULL, NULL, false}, {"mqtt://", NULL, NULL, false},
        {"mqtt:///a", NULL, NULL, false}, {"mqtt://broker", NULL, NULL, false},
        {"mqtt://broker/", NULL, NULL, false}, {"mqtt://broker:/a", NULL, NULL, false},
        {"mqtt://broker:0/a", NULL, NULL, false}, {"mqtt://broker:65536/a", NULL, NULL, false},
        {"mqtt://bro ker/a", NULL, NULL, false}, {"mqtt://u:p@broker/a", NULL, NULL, false},
        {"mqtt://broker/a/+", NULL, NULL, false}, {"mqtt://broker/#", NULL, NULL, false},
        {"mqtt://broker/a b", NULL, NULL, false}, {"mqtt://broker/a%20b", NULL, NULL, false},
        {"mqtt://broker/a?qos=2", NULL, NULL, false}, {"mqtt://broker/$SYS/x", NULL, NULL, false},
        {"mqtt://broker/\xff", NULL, NULL, false}};
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        struct mqtt_url url;
        struct err err = ERR_INIT;
        int result = mqtt_url_parse(str_of(CASES[i].url), &url, &err);
        if (result != (CASES[i].address != NULL ? 0 : -ERR_INVALID) ||
            (result < 0 && words_of(&err)[0] == '\0')) {
            fail_msg("%s gave %d: %s", CASES[i].url, result, words_of(&err));
        }
        if (result == 0) {
            assert_string_equal(url.address, CASES[i].address);
            assert_true(str_eq(url.topic, str_of(CASES[i].topic)));
            assert_int_equal(url.tls, CASES[i].tls);
        }
    }
    struct err err = ERR_INIT;
    assert_int_equal(mqtt_post_check(STR("mqtt://b/a"), STR("user:"), &err), 0);
    assert_int_equal(mqtt_post_check(STR("mqtt://b/a"), STR(":word"), &err), -ERR_INVALID);
    assert_int_equal(mqtt_post_check(STR("mqtt://u:geheim@b/a"), STR(""), &err), -ERR_INVALID);
    assert_null(strstr(words_of(&err), "geheim"));
}

/* ---- Brokers of the test's own ---- */

enum manner { OLD, HANGS_UP, SILENT };

struct fake {
    struct thread thread;
    struct stop_flag stop;
    enum manner manner;
    int fd;
    char url[64];
    _Atomic int taken; // Messages.
};

static bool readable(const struct fake *fake, int fd) {
    struct pollfd fds[2] = {
        {.fd = fd, .events = POLLIN}, {.fd = fake->stop.event_fd, .events = POLLIN}};
    return poll(fds, 2, -1) > 0 && fds[1].revents == 0;
}

static void talk(struct fake *fake, int fd) {
    uint8_t packet[256];
    for (bool open = true; open && readable(fake, fd);) {
        ssize_t size = recv(fd, packet, sizeof packet, 0); // Small packets, one at a time.
        int kind = size > 0 ? packet[0] >> 4 : 0;
        int level = kind == 1 && size > 8 ? packet[8] : 0;
        if (size <= 0) {
            open = false;
        } else if (kind == 1 && fake->manner == HANGS_UP && level == 5) {
            open = false;
        } else if (kind == 1 && fake->manner == OLD && level == 5) {
            (void)send(fd, "\x20\x02\x00\x01", 4, MSG_NOSIGNAL);
            open = false;
        } else if (kind == 1) {
            (void)(level == 5 ? send(fd, "\x20\x03\x00\x00\x00", 5, MSG_NOSIGNAL)
                              : send(fd, "\x20\x02\x00\x00", 4, MSG_NOSIGNAL));
        } else if (kind == 3) {
            fake->taken++;
            uint8_t answer[4] = {0x40, 2, packet[5], packet[6]}; // Behind a topic of one letter.
            (void)(fake->manner != SILENT ? send(fd, answer, 4, MSG_NOSIGNAL) : 0);
        }
    }
}

static void fake_run(void *context) {
    struct fake *fake = context;
    while (readable(fake, fake->fd)) {
        int fd = accept4(fake->fd, NULL, NULL, SOCK_CLOEXEC);
        talk(fake, fd);
        (void)close(fd);
    }
}

static void fake_init(struct fake *fake, enum manner manner) {
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof at;
    *fake = (struct fake){.manner = manner};
    fake->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(0, bind(fake->fd, (struct sockaddr *)&at, sizeof at));
    assert_int_equal(0, getsockname(fake->fd, (struct sockaddr *)&at, &size));
    assert_int_equal(0, listen(fake->fd, 4));
    (void)snprintf(
        fake->url, sizeof fake->url, "mqtt://127.0.0.1:%u/t", (unsigned)ntohs(at.sin_port));
    stop_flag_init(&fake->stop);
    thread_start(&fake->thread, "test-broker", fake_run, fake);
}

static void fake_fini(struct fake *fake) {
    stop_flag_raise(&fake->stop);
    thread_join(&fake->thread);
    stop_flag_fini(&fake->stop);
    (void)close(fake->fd);
}

static void a_broker_that_knows_3_1_1_only_is_spoken_to_in_it(void **state) {
    (void)state;
    const enum manner manners[] = {OLD, HANGS_UP};
    for (size_t i = 0; i < 2; i++) {
        struct fake fake;
        fake_init(&fake, manners[i]);
        expect(fake.url, "", 0, NULL);
        assert_int_equal(fake.taken, 1);
        fake_fini(&fake);
    }
}

static void what_is_not_confirmed_is_not_taken(void **state) {
    (void)state;
    struct fake fake;
    fake_init(&fake, SILENT);
    int64_t begin_ns = clock_mono_ns(clock_system());
    expect(fake.url, "", -ERR_TIMEOUT, "did not confirm");
    int64_t took_ns = clock_mono_ns(clock_system()) - begin_ns;
    assert_true(took_ns >= 2900 * NS_PER_MS && took_ns < PATIENCE_NS);
    assert_int_equal(fake.taken, 1);
    fake_fini(&fake);
    expect(fake.url, "", -ERR_REFUSED, "refused the connection");
}

static void change_when_taken(void *context) {
    struct fake *fake = context;
    while (fake->taken == 0) {
        (void)stop_flag_wait(&fake->stop, clock_mono_ns(clock_system()) + NS_PER_MS);
    }
    changes++;
}

static void a_change_breaks_the_wait_off_within_a_second(void **state) {
    (void)state;
    struct fake fake;
    struct thread thread = {0};
    fake_init(&fake, SILENT);
    thread_start(&thread, "test-change", change_when_taken, &fake);
    int64_t begin_ns = clock_mono_ns(clock_system());
    expect(fake.url, "", -ERR_CANCELLED, NULL);
    assert_true(clock_mono_ns(clock_system()) - begin_ns < NS_PER_S);
    thread_join(&thread);
    fake_fini(&fake);
}

/* ---- The real broker ---- */

static void run(const struct broker *on, const char *line) {
    char *arguments[] = {
        (char *)(uintptr_t) "sh", (char *)(uintptr_t) "-c", (char *)(uintptr_t)line, NULL};
    broker_run(on, arguments);
}

static void url_of(const struct broker *broker, const char *scheme, const char *host,
    const char *topic, char *to, size_t size) {
    (void)snprintf(to, size, "%s://%s:%u/%s", scheme, host, (unsigned)broker->port, topic);
}

static void a_confirmation_says_whether_anybody_heard(void **state) {
    (void)state;
    struct broker broker = {.pid = 0};
    broker_init(&broker, "allow_anonymous true\n");
    char url[64];
    url_of(&broker, "mqtt", "127.0.0.1", "plant/out", url, sizeof url);
    expect(url, "", MQTT_POST_NO_SUBSCRIBER, NULL);
    struct err err = ERR_INIT;
    struct sim_mqtt *listener = NULL;
    struct sim_mqtt_options with = {.port = broker.port, .client_id = "listener"};
    assert_int_equal(sim_mqtt_open(&with, &listener, &err), 0);
    assert_int_equal(sim_mqtt_subscribe(listener, "plant/#", 1, &err), 0);
    AUTO_BUF struct buf large;
    buf_init(&large, 128 * 1024);
    while (large.size < large.max) {
        buf_put_char(&large, (char)('a' + large.size % 26));
    }
    assert_int_equal(send_to(url, "", "", buf_str(&large), &err), 0);
    struct sim_mqtt_message message;
    assert_int_equal(sim_mqtt_next(listener, 5000, &message, &err), 1);
    assert_true(str_eq(message.topic, STR("plant/out")));
    assert_true(str_eq(message.payload, buf_str(&large)));
    assert_false(message.is_retained);
    sim_mqtt_close(listener, true);
    expect(url, "", MQTT_POST_NO_SUBSCRIBER, NULL); // Nothing was kept for the topic.
    broker_stop(&broker);
    expect(url, "", -ERR_REFUSED, "refused the connection");
    broker_fini(&broker);
}

static void what_the_broker_throws_away_is_no_receipt(void **state) {
    (void)state;
    struct broker strict = {.pid = 0};
    (void)snprintf(strict.folder, sizeof strict.folder, "/tmp/maru-broker-XXXXXX");
    assert_non_null(mkdtemp(strict.folder));
    run(&strict, "mosquitto_passwd -b -c users maru wo:rd");
    broker_write(&strict, "rules", "user maru\ntopic write plant/out\n");
    char extra[512];
    (void)snprintf(extra, sizeof extra,
        "allow_anonymous false\npassword_file %s/users\nacl_file %s/rules\nmax_packet_size 2000\n",
        strict.folder, strict.folder);
    broker_init(&strict, extra);
    char good[64];
    char bad[64];
    url_of(&strict, "mqtt", "127.0.0.1", "plant/out", good, sizeof good);
    url_of(&strict, "mqtt", "127.0.0.1", "plant/else", bad, sizeof bad);
    expect(good, "maru:wo:rd", MQTT_POST_NO_SUBSCRIBER, NULL);
    expect(bad, "maru:wo:rd", -ERR_FORBIDDEN, "publish to plant/else");
    expect(good, "maru:word", -ERR_FORBIDDEN, "(code 13");
    expect(good, "", -ERR_FORBIDDEN, "(code 13");
    char large[4000];
    memset(large, 'x', sizeof large);
    struct err err = ERR_INIT;
    int result = send_to(good, "maru:wo:rd", "", (struct str){large, sizeof large}, &err);
    assert_int_equal(result, -ERR_LIMIT);
    broker_fini(&strict);
}

static void tls_is_checked(void **state) {
    (void)state;
    struct broker safe = {.pid = 0};
    (void)snprintf(safe.folder, sizeof safe.folder, "/tmp/maru-broker-XXXXXX");
    assert_non_null(mkdtemp(safe.folder));
    run(&safe, "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2"
               " -subj /CN=test-ca -keyout ca.key -out ca.pem");
    run(&safe, "openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes"
               " -subj /CN=localhost -keyout server.key -out server.csr");
    broker_write(&safe, "names", "subjectAltName=DNS:localhost\n");
    run(&safe, "openssl x509 -req -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2"
               " -extfile names -out server.pem");
    char extra[512];
    (void)snprintf(extra, sizeof extra,
        "allow_anonymous true\ncertfile %s/server.pem\nkeyfile %s/server.key\n", safe.folder,
        safe.folder);
    broker_init(&safe, extra);
    char named[64];
    char numbered[64];
    char plain[64];
    char ca[128];
    url_of(&safe, "mqtts", "localhost", "t", named, sizeof named);
    url_of(&safe, "mqtts", "127.0.0.1", "t", numbered, sizeof numbered);
    url_of(&safe, "mqtt", "127.0.0.1", "t", plain, sizeof plain);
    (void)snprintf(ca, sizeof ca, "%s/ca.pem", safe.folder);
    struct err err = ERR_INIT;
    char large[100000];
    memset(large, 'x', sizeof large);
    assert_int_equal(
        send_to(named, "", ca, (struct str){large, sizeof large}, &err), MQTT_POST_NO_SUBSCRIBER);
    assert_int_equal(send_to(numbered, "", ca, STR("x"), &err), -ERR_REFUSED);
    assert_non_null(strstr(words_of(&err), "another name than 127.0.0.1"));
    expect(named, "", -ERR_REFUSED, "update-ca-certificates");
    expect(plain, "", -ERR_CLOSED, NULL);
    broker_fini(&safe);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(addresses_are_taken_or_refused_in_words),
        cmocka_unit_test(a_broker_that_knows_3_1_1_only_is_spoken_to_in_it),
        cmocka_unit_test(what_is_not_confirmed_is_not_taken),
        cmocka_unit_test(a_change_breaks_the_wait_off_within_a_second),
    };
    const struct CMUnitTest with_broker[] = {
        cmocka_unit_test(a_confirmation_says_whether_anybody_heard),
        cmocka_unit_test(what_the_broker_throws_away_is_no_receipt),
        cmocka_unit_test(tls_is_checked),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    if (!broker_is_there()) {
        (void)fprintf(stderr, "SKIPPED: no /usr/sbin/mosquitto; install the package mosquitto\n");
        return failed;
    }
    return failed + cmocka_run_group_tests(with_broker, NULL, NULL);
}
