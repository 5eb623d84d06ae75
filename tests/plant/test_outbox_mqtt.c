/*
 * What leaves under a consent to a topic: complete and in order, once repetitions are left out by
 * the rows' ids, through a broker that goes away and comes back, is killed, hangs, and refuses, and
 * through ends of the sender; nothing after a withdrawal. The listener is the simulator's client,
 * which shares no code with the sender.
 */
#include <arpa/inet.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/mem.h"
#include "core/random.h"
#include "core/thread.h"
#include "plant/outbox.h"
#include "plant/outbox_mqtt.h"
#include "sim/sim_mqtt.h"
#include "support_broker.h"
#include "support_plant.h"

enum { ROWS_MAX = 20000 };
#define PATIENCE_NS (30 * NS_PER_S)
static const char TOPIC[] = "plant/out";

/* The child that is killed is forked from a process with threads, and makes its own. */
const char *__tsan_default_options(void);
const char *__tsan_default_options(void) {
    return "die_after_fork=0";
}

/* Knows rows by their ids, as a receiver should. Comes back by itself when the broker does. */
struct listener {
    struct thread thread;
    struct stop_flag stop;
    struct mutex mutex;
    const struct broker *broker;
    int qos;        // 1: the broker keeps what comes while it is away.
    struct err err; // Of its thread; looked at by nobody: it only tries again.
    _Atomic bool joined;
    _Atomic uint32_t joins;
    uint32_t rows; // Different ones.
    uint32_t repeats;
    uint32_t strangers; // Rows of a tag that nobody consented to.
    uint32_t later_parts;
    size_t largest;     // Payload.
    uint64_t announced; // Rows that the heads told.
    uint64_t lines;
    bool disorder;
    double last_value;
    char ids[ROWS_MAX + 1][32]; // By value.
};

/* What stands behind `key` in a line, to `end`; empty where it does not. */
static struct str member(struct str line, const char *key, char end) {
    const char *at = memmem(line.data, line.size, key, strlen(key));
    if (at == NULL) {
        return STR_NONE;
    }
    struct str rest = str_slice(line, (size_t)(at - line.data) + strlen(key), line.size);
    return str_slice(rest, 0, str_find(rest, end));
}

static void take_line(struct listener *listener, struct str line) {
    struct str id = member(line, "{\"id\":\"", '"');
    double value = 0;
    int64_t rows = 0;
    int64_t part = 0;
    if (str_starts(line, STR("{\"message\":\"c1.")) &&
        str_to_i64(member(line, "\"part\":", ','), &part) &&
        str_to_i64(member(line, "\"rows\":", ','), &rows)) {
        listener->announced += (uint64_t)rows;
        listener->later_parts += part > 1;
        return;
    }
    listener->lines++;
    bool known = str_eq(member(line, "\"tag\":\"", '"'), STR("open"));
    if (!known || id.size == 0 || id.size >= sizeof listener->ids[0] ||
        !str_to_f64(member(line, "\"value\":", ','), &value) || value < 1 || value > ROWS_MAX) {
        listener->strangers++;
        return;
    }
    char *seen = listener->ids[(int)value];
    if (seen[0] != '\0') {
        listener->repeats++;
        listener->disorder = listener->disorder || !str_eq(id, str_of(seen));
        return;
    }
    (void)str_copy_z(id, seen, sizeof listener->ids[0]);
    listener->disorder = listener->disorder || value < listener->last_value;
    listener->last_value = value;
    listener->rows++;
}

static void take(struct listener *listener, struct str payload) {
    mutex_lock(&listener->mutex);
    listener->largest = payload.size > listener->largest ? payload.size : listener->largest;
    while (payload.size > 0) {
        take_line(listener, str_cut(&payload, '\n'));
    }
    mutex_unlock(&listener->mutex);
}

static void listen_once(struct listener *listener, const char *name) {
    struct sim_mqtt_options options = {
        .port = listener->broker->port, .client_id = name, .keep_session = listener->qos > 0};
    struct sim_mqtt *mqtt = NULL;
    struct sim_mqtt_message message;
    if (sim_mqtt_open(&options, &mqtt, &listener->err) < 0) {
        return;
    }
    int got = sim_mqtt_subscribe(mqtt, TOPIC, listener->qos, &listener->err);
    listener->joined = got >= 0;
    listener->joins += got >= 0;
    while (got >= 0 && !stop_flag_is_raised(&listener->stop)) {
        got = sim_mqtt_next(mqtt, 20, &message, &listener->err);
        if (got > 0) {
            take(listener, message.payload);
        }
    }
    listener->joined = false;
    sim_mqtt_close(mqtt, true);
}

static void listener_run(void *context) {
    struct listener *listener = context;
    while (!stop_flag_is_raised(&listener->stop)) {
        listen_once(listener, "listener");
        (void)stop_flag_wait(&listener->stop, clock_mono_ns(clock_system()) + 20 * NS_PER_MS);
    }
}

static void pause_ms(struct listener *listener, int64_t ms) {
    (void)stop_flag_wait(&listener->stop, clock_mono_ns(clock_system()) + ms * NS_PER_MS);
}

static void wait_joined(struct listener *listener, bool joined) {
    int64_t deadline_ns = clock_mono_ns(clock_system()) + PATIENCE_NS;
    while (listener->joined != joined) {
        assert_true(clock_mono_ns(clock_system()) < deadline_ns);
        pause_ms(listener, 5);
    }
}

static struct listener *listener_new(const struct broker *broker, int qos) {
    struct listener *listener = MEM_NEW(struct listener);
    listener->broker = broker;
    listener->qos = qos;
    mutex_init(&listener->mutex);
    stop_flag_init(&listener->stop);
    thread_start(&listener->thread, "test-listener", listener_run, listener);
    wait_joined(listener, true);
    return listener;
}

/* Before what it has got is looked at. */
static void listener_end(struct listener *listener) {
    stop_flag_raise(&listener->stop);
    thread_join(&listener->thread);
}

static void listener_free(struct listener *listener) {
    stop_flag_fini(&listener->stop);
    mutex_fini(&listener->mutex);
    mem_free(listener);
}

static uint32_t rows_of(struct listener *listener) {
    mutex_lock(&listener->mutex);
    uint32_t rows = listener->rows;
    mutex_unlock(&listener->mutex);
    return rows;
}

static bool wait_rows(struct listener *listener, uint32_t rows, int64_t limit_ns) {
    int64_t deadline_ns = clock_mono_ns(clock_system()) + limit_ns;
    while (rows_of(listener) < rows) {
        if (clock_mono_ns(clock_system()) > deadline_ns) {
            return false;
        }
        pause_ms(listener, 5);
    }
    return true;
}

static int grant_to(struct rig *rig, const char *url, const char *token, struct err *err) {
    struct consent consent = {.id = STR("c1"),
        .giver = STR("김대표"),
        .recipient = STR("I-MATE"),
        .purpose = STR("설비 분석"),
        .tags = STR("open"),
        .method = STR("none"),
        .url = str_of(url),
        .token = str_of(token),
        .until_ns = INT64_MAX,
        .every_s = 1,
        .granted_by = STR("owner")};
    return outbox_grant(rig->plant, &consent, err);
}

static void grant(struct rig *rig, const struct broker *broker) {
    char url[64];
    struct err err = ERR_INIT;
    (void)tag_number(rig, "open");
    (void)snprintf(url, sizeof url, "mqtt://127.0.0.1:%u/%s", (unsigned)broker->port, TOPIC);
    assert_int_equal(0, grant_to(rig, url, "", &err));
}

static struct outbox *start(struct rig *rig) {
    struct outbox_options options = {
        .plant = rig->plant, .pause_ms = 5, .retry_max_ms = 20, .timeout_ms = 5000};
    return outbox_start(&options);
}

static void submit(struct rig *rig, const char *tag, uint32_t from, uint32_t count) {
    struct err err = ERR_INIT;
    uint32_t number = tag_number(rig, tag);
    for (uint32_t i = from; i < from + count; i++) {
        assert_true(submit_f64(rig, number, (int64_t)i * NS_PER_S, i, &err) >= 0);
    }
}

/* A line to the broker that breaks: somewhere in what is sent, or with a confirmation on it. */
struct cutter {
    struct thread thread;
    struct stop_flag stop;
    struct random random;
    const struct broker *broker;
    int fd;
    struct broker here; // Its port alone.
    _Atomic bool calm;
    uint32_t cuts;
};

enum { CUT_SENT_MAX = 250000, CUT_ANSWERS_MAX = 24 }; // Bytes.

static bool pass_on(int from, int to, int64_t *left) {
    char bytes[4096];
    ssize_t size = recv(from, bytes, sizeof bytes, 0);
    *left -= size;
    return size > 0 && *left > 0 && send(to, bytes, (size_t)size, MSG_NOSIGNAL) == size;
}

static void carry(struct cutter *cutter, int sender, int broker) {
    uint64_t fate = cutter->calm ? 0 : random_below(&cutter->random, 6);
    int64_t sent = (fate == 1 || fate == 2)
                       ? 1 + (int64_t)random_below(&cutter->random, CUT_SENT_MAX)
                       : INT64_MAX;
    int64_t answers =
        fate > 2 ? 1 + (int64_t)random_below(&cutter->random, CUT_ANSWERS_MAX) : INT64_MAX;
    for (bool open = true; open;) {
        struct pollfd fds[3] = {{.fd = sender, .events = POLLIN}, {.fd = broker, .events = POLLIN},
            {.fd = cutter->stop.event_fd, .events = POLLIN}};
        open = poll(fds, 3, -1) > 0 && fds[2].revents == 0 &&
               (fds[0].revents == 0 || pass_on(sender, broker, &sent)) &&
               (fds[1].revents == 0 || pass_on(broker, sender, &answers));
    }
    cutter->cuts += sent <= 0 || answers <= 0;
}

static int connect_to(uint16_t port) {
    struct sockaddr_in at = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(0, connect(fd, (struct sockaddr *)&at, sizeof at));
    return fd;
}

static void cutter_run(void *context) {
    struct cutter *cutter = context;
    struct pollfd fds[2] = {
        {.fd = cutter->fd, .events = POLLIN}, {.fd = cutter->stop.event_fd, .events = POLLIN}};
    while (poll(fds, 2, -1) > 0 && fds[1].revents == 0) {
        int sender = accept4(cutter->fd, NULL, NULL, SOCK_CLOEXEC);
        int broker = connect_to(cutter->broker->port);
        carry(cutter, sender, broker);
        (void)close(sender);
        (void)close(broker);
    }
}

static void cutter_init(struct cutter *cutter, const struct broker *broker) {
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof at;
    *cutter = (struct cutter){.broker = broker};
    cutter->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(0, bind(cutter->fd, (struct sockaddr *)&at, sizeof at));
    assert_int_equal(0, getsockname(cutter->fd, (struct sockaddr *)&at, &size));
    assert_int_equal(0, listen(cutter->fd, 4));
    cutter->here.port = ntohs(at.sin_port);
    random_seed(&cutter->random, 7);
    stop_flag_init(&cutter->stop);
    thread_start(&cutter->thread, "test-cutter", cutter_run, cutter);
}

static void cutter_fini(struct cutter *cutter) {
    stop_flag_raise(&cutter->stop);
    thread_join(&cutter->thread);
    stop_flag_fini(&cutter->stop);
    (void)close(cutter->fd);
}

struct receipts {
    uint64_t rows;
    int64_t status; // The highest.
};

static int count_receipts(struct ledger_tx *tx, void *context, struct err *err) {
    AUTO_ARENA struct arena arena;
    arena_init(&arena, 0);
    struct receipts *sum = context;
    struct receipt *receipts = ARENA_ARRAY(&arena, struct receipt, ROWS_MAX);
    int count = receipt_list(tx, 0, INT64_MAX, receipts, ROWS_MAX, &arena, err);
    for (int i = 0; i < count; i++) {
        sum->rows += receipts[i].rows;
        sum->status = receipts[i].status > sum->status ? receipts[i].status : sum->status;
    }
    return count < 0 ? count : 0;
}

static struct receipts receipts_of(struct rig *rig) {
    struct receipts sum = {0};
    struct err err = ERR_INIT;
    assert_int_equal(0, ledger_read(plant_ledger(rig->plant), count_receipts, &sum, &err));
    return sum;
}

/* R-046 R-048 R-052 */
static void all_arrives_in_order_through_a_broker_that_comes_and_goes(void **state) {
    (void)state;
    struct broker broker = {.pid = 0};
    struct rig rig;
    broker_init(&broker, "allow_anonymous true\n");
    rig_open(&rig, NULL);
    submit(&rig, "open", 9000, 1); // Before the consent: it does not leave.
    grant(&rig, &broker);
    struct listener *listener = listener_new(&broker, 1);
    struct outbox *outbox = start(&rig);
    uint32_t sent = 0;
    for (int round = 0; round < 4; round++) {
        for (int i = 0; i < 30; i++, sent += 5) {
            submit(&rig, "open", sent + 1, 5);
            submit(&rig, "secret", 10000 + sent, 5);
            if (i == 10) {
                broker_stop(&broker);
            }
            if (i == 20) {
                broker_start(&broker);
            }
        }
        if (round % 2 == 1) { // The sender ends, too.
            outbox_stop(outbox);
            rig_reopen(&rig, NULL);
            outbox = start(&rig);
        }
    }
    assert_true(wait_rows(listener, sent, PATIENCE_NS));
    outbox_stop(outbox);
    listener_end(listener);
    assert_int_equal(listener->strangers, 0);
    assert_false(listener->disorder);
    assert_int_equal(listener->ids[9000][0], '\0');
    assert_true(listener->joins > 1);
    assert_int_equal(listener->announced, listener->lines);
    struct receipts sum = receipts_of(&rig);
    assert_true(sum.rows <= sent);
    assert_int_equal(sum.status, 0);
    print_message("%u rows, %u came again, %u sessions\n", sent, listener->repeats,
        (unsigned)listener->joins);
    listener_free(listener);
    rig_close(&rig);
    broker_fini(&broker);
}

/* What a killed broker had confirmed was on the listener's line before (QoS 0 needs no answer). */
static void a_broker_that_is_killed_costs_nothing(void **state) {
    (void)state;
    struct broker broker = {.pid = 0};
    struct rig rig;
    broker_init(&broker, "allow_anonymous true\n");
    rig_open(&rig, NULL);
    grant(&rig, &broker);
    struct listener *listener = listener_new(&broker, 0);
    uint32_t sent = 0;
    for (int kills = 0; kills < 4; kills++) {
        struct outbox *outbox = start(&rig);
        submit(&rig, "open", sent + 1, 50);
        assert_true(wait_rows(listener, sent + 1, PATIENCE_NS)); // In the middle.
        submit(&rig, "open", sent + 51, 50);
        assert_int_equal(0, kill(broker.pid, SIGKILL));
        assert_int_equal(waitpid(broker.pid, NULL, 0), broker.pid);
        submit(&rig, "open", sent + 101, 50);
        wait_joined(listener, false);
        outbox_stop(outbox);
        broker_start(&broker);
        wait_joined(listener, true);
        sent += 150;
    }
    struct outbox *outbox = start(&rig);
    assert_true(wait_rows(listener, sent, PATIENCE_NS));
    outbox_stop(outbox);
    listener_end(listener);
    assert_int_equal(listener->strangers, 0);
    assert_false(listener->disorder);
    print_message("%u rows, %u came again\n", sent, listener->repeats);
    listener_free(listener);
    rig_close(&rig);
    broker_fini(&broker);
}

/* The child submits and sends; the parent kills it, again and again. */
static void nothing_is_left_out_through_kill_9_of_the_sender(void **state) {
    (void)state;
    struct broker broker = {.pid = 0};
    struct rig rig;
    struct err err = ERR_INIT;
    broker_init(&broker, "allow_anonymous true\n");
    rig_open(&rig, NULL);
    grant(&rig, &broker);
    uint32_t tag = tag_number(&rig, "open");
    plant_close(rig.plant);
    rig.plant = NULL;
    struct listener *listener = listener_new(&broker, 1);
    uint32_t written = 0;
    for (int kills = 0; kills < 6; kills++) {
        int report[2];
        assert_int_equal(0, pipe(report));
        pid_t child = fork();
        if (child == 0) {
            struct plant_options options = {.dir = rig.dir, .id = STR("p1")};
            if (plant_open(&options, &rig.plant, &err) < 0) {
                _exit(1);
            }
            (void)start(&rig);
            for (uint32_t value = written + 1;; value++) {
                if (submit_f64(&rig, tag, value * NS_PER_S, value, &err) < 0 ||
                    write(report[1], &value, sizeof value) != sizeof value) {
                    _exit(1);
                }
            }
        }
        (void)close(report[1]);
        uint32_t stop_at = written + 40 + (uint32_t)kills * 17;
        while (written < stop_at && read(report[0], &written, sizeof written) == sizeof written) {
        }
        (void)kill(child, SIGKILL);
        while (read(report[0], &written, sizeof written) == sizeof written) {
        }
        assert_int_equal(waitpid(child, NULL, 0), child);
        (void)close(report[0]);
        assert_true(written >= stop_at);
    }
    rig_reopen(&rig, NULL);
    struct outbox *outbox = start(&rig);
    assert_true(wait_rows(listener, written, PATIENCE_NS));
    outbox_stop(outbox);
    listener_end(listener);
    assert_int_equal(listener->strangers, 0);
    assert_false(listener->disorder);
    print_message("%u rows, %u came again\n", written, listener->repeats);
    listener_free(listener);
    rig_close(&rig);
    broker_fini(&broker);
}

/* Values from + 1 to from + count, one batch. */
static void import_rows(struct rig *rig, int from, int count) {
    struct err err = ERR_INIT;
    struct import_report report;
    AUTO_BUF struct buf table;
    buf_init(&table, 1 << 20);
    buf_put_str(&table, STR("tag,time,value\n"));
    for (int i = from + 1; i <= from + count; i++) {
        buf_printf(
            &table, "open,2026-11-01T%02d:%02d:%02dZ,%d\n", i / 3600, i / 60 % 60, i % 60, i);
    }
    assert_int_equal(0, import_text(rig, IMPORT_SAMPLES, buf_z(&table), &report, &err));
}

static void what_is_not_confirmed_comes_again_with_the_same_ids(void **state) {
    (void)state;
    enum { BATCHES = 9, ROWS = 2100 }; // A full message each, in parts.
    struct broker broker = {.pid = 0};
    struct cutter cutter;
    struct rig rig;
    broker_init(&broker, "allow_anonymous true\n");
    cutter_init(&cutter, &broker);
    rig_open(&rig, NULL);
    grant(&rig, &cutter.here);
    struct listener *listener = listener_new(&broker, 1);
    for (int i = 0; i < BATCHES; i++) {
        import_rows(&rig, i * ROWS, ROWS);
    }
    struct outbox *outbox = start(&rig);
    assert_true(wait_rows(listener, BATCHES * ROWS, 2 * PATIENCE_NS));
    cutter.calm = true;
    submit(&rig, "open", BATCHES * ROWS + 1, 1);
    assert_true(wait_rows(listener, BATCHES * ROWS + 1, PATIENCE_NS));
    outbox_stop(outbox);
    cutter_fini(&cutter);
    listener_end(listener);
    assert_int_equal(listener->strangers, 0);
    assert_false(listener->disorder);
    assert_true(cutter.cuts > 0);
    assert_true(listener->repeats > 0);
    assert_in_range(receipts_of(&rig).rows, BATCHES * ROWS, BATCHES * ROWS + 1);
    print_message(
        "%d rows, %u came again, %u cuts\n", BATCHES * ROWS + 1, listener->repeats, cutter.cuts);
    listener_free(listener);
    rig_close(&rig);
    broker_fini(&broker);
}

/* R-047 */
static void nothing_leaves_after_a_withdrawal(void **state) {
    (void)state;
    struct broker broker = {.pid = 0};
    struct rig rig;
    struct err err = ERR_INIT;
    broker_init(&broker, "allow_anonymous true\n");
    rig_open(&rig, NULL);
    grant(&rig, &broker);
    struct listener *listener = listener_new(&broker, 1);
    struct outbox *outbox = start(&rig);
    submit(&rig, "open", 1, 1);
    assert_true(wait_rows(listener, 1, PATIENCE_NS));
    assert_int_equal(0, kill(broker.pid, SIGSTOP)); // Hangs: connections are taken, nobody answers.
    submit(&rig, "open", 2, 5);
    pause_ms(listener, 1300); // A message a second at most.
    assert_int_equal(0, outbox_withdraw(rig.plant, STR("c1"), STR("owner"), &err));
    pause_ms(listener, 1000);
    assert_int_equal(0, kill(broker.pid, SIGCONT));
    submit(&rig, "open", 7, 5);
    assert_false(wait_rows(listener, 2, 1500 * NS_PER_MS));
    int64_t begin_ns = clock_mono_ns(clock_system());
    outbox_stop(outbox);
    assert_true(clock_mono_ns(clock_system()) - begin_ns < NS_PER_S);
    outbox = start(&rig); // Nor after a new start.
    assert_false(wait_rows(listener, 2, 300 * NS_PER_MS));
    outbox_stop(outbox);
    assert_int_equal(receipts_of(&rig).rows, 1);
    listener_end(listener);
    listener_free(listener);
    rig_close(&rig);
    broker_fini(&broker);
}

static void a_large_batch_goes_in_parts_that_a_broker_takes(void **state) {
    (void)state;
    enum { ROWS = 4000 };
    struct broker broker = {.pid = 0};
    struct rig rig;
    broker_init(&broker, "allow_anonymous true\nmax_packet_size 140000\n");
    rig_open(&rig, NULL);
    grant(&rig, &broker);
    struct listener *listener = listener_new(&broker, 1);
    import_rows(&rig, 0, ROWS);
    struct outbox *outbox = start(&rig);
    assert_true(wait_rows(listener, ROWS, PATIENCE_NS));
    outbox_stop(outbox);
    listener_end(listener);
    assert_false(listener->disorder);
    assert_int_equal(listener->repeats, 0);
    assert_int_equal(listener->announced, ROWS);
    assert_true(listener->later_parts >= 2);
    assert_in_range(listener->largest, OUTBOX_PART_ROWS_BYTES / 2, OUTBOX_PART_BYTES);
    assert_int_equal(receipts_of(&rig).rows, ROWS);
    print_message("%u later parts, at most %zu bytes\n", listener->later_parts, listener->largest);
    listener_free(listener);
    rig_close(&rig);
    broker_fini(&broker);
}

static void a_receipt_says_when_nobody_heard_and_a_refusal_is_none(void **state) {
    (void)state;
    struct broker broker = {.pid = 0};
    struct rig rig;
    (void)snprintf(broker.folder, sizeof broker.folder, "/tmp/maru-broker-XXXXXX");
    assert_non_null(mkdtemp(broker.folder));
    broker_write(&broker, "rules", "topic readwrite plant/out\n");
    char extra[256];
    (void)snprintf(extra, sizeof extra, "allow_anonymous true\nacl_file %s/rules\n", broker.folder);
    broker_init(&broker, extra);
    rig_open(&rig, NULL);
    grant(&rig, &broker);
    struct outbox *outbox = start(&rig);
    submit(&rig, "open", 1, 1);
    int64_t deadline_ns = clock_mono_ns(clock_system()) + PATIENCE_NS;
    while (receipts_of(&rig).rows < 1) {
        assert_true(clock_mono_ns(clock_system()) < deadline_ns);
    }
    assert_int_equal(receipts_of(&rig).status, MQTT_POST_NO_SUBSCRIBER);
    broker_stop(&broker);
    broker_write(&broker, "rules", "topic read plant/out\n");
    broker_start(&broker);
    submit(&rig, "open", 2, 1);
    struct err error = ERR_INIT;
    while (error.code != ERR_FORBIDDEN) {
        assert_true(clock_mono_ns(clock_system()) < deadline_ns);
        outbox_error(outbox, 1, &error);
        assert_true(error.code == ERR_OK || error.code == ERR_FORBIDDEN);
    }
    assert_int_equal(receipts_of(&rig).rows, 1);
    outbox_stop(outbox);
    rig_close(&rig);
    broker_fini(&broker);
}

static void terms_that_cannot_be_sent_are_refused(void **state) {
    (void)state;
    struct rig rig;
    rig_open(&rig, NULL);
    (void)tag_number(&rig, "open");
    static const struct {
        const char *url;
        const char *token;
        enum msg_id msg;
    } CASES[] = {{"mqtt://broker/a/#", "", MSG_MQTT_POST_TOPIC},
        {"mqtts://u:p@broker/a", "", MSG_MQTT_POST_USER},
        {"mqtts://broker/a", ":word", MSG_MQTT_POST_LOGIN}, {"ftp://broker/a", "", MSG_OUTBOX_URL},
        {"broker:1883/a", "", MSG_OUTBOX_URL}};
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        struct err err = ERR_INIT;
        assert_int_equal(grant_to(&rig, CASES[i].url, CASES[i].token, &err), -ERR_INVALID);
        assert_int_equal(err.notes[0].msg, CASES[i].msg);
    }
    rig_close(&rig);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(terms_that_cannot_be_sent_are_refused),
    };
    const struct CMUnitTest with_broker[] = {
        cmocka_unit_test(all_arrives_in_order_through_a_broker_that_comes_and_goes),
        cmocka_unit_test(a_broker_that_is_killed_costs_nothing),
        cmocka_unit_test(nothing_is_left_out_through_kill_9_of_the_sender),
        cmocka_unit_test(what_is_not_confirmed_comes_again_with_the_same_ids),
        cmocka_unit_test(nothing_leaves_after_a_withdrawal),
        cmocka_unit_test(a_large_batch_goes_in_parts_that_a_broker_takes),
        cmocka_unit_test(a_receipt_says_when_nobody_heard_and_a_refusal_is_none),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    if (!broker_is_there()) {
        (void)fprintf(stderr, "SKIPPED: no /usr/sbin/mosquitto; install the package mosquitto\n");
        return failed;
    }
    return failed + cmocka_run_group_tests(with_broker, NULL, NULL);
}
