/*
 * What leaves under a consent: in order, nothing left out, nothing beside it. The receiver fails,
 * hangs, repeats itself and goes away; the sender is killed in the middle; a withdrawal stops it.
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
#include "support_plant.h"

enum { ROWS_MAX = 20000, BODY_BYTES = 4 << 20 };
#define PATIENCE_NS (30 * NS_PER_S)

/* Knows rows by their ids, as a receiver should. */
struct receiver {
    struct thread thread;
    struct stop_flag stop;
    struct mutex mutex;
    int fd;
    uint16_t port;
    _Atomic int trouble; // 0: none, 1: at random, 2: hangs.
    _Atomic int64_t broken_off_ns;
    struct random random;
    struct buf request;
    uint32_t messages;
    uint32_t rows; // Different ones.
    uint32_t repeats;
    uint32_t strangers; // Rows of the tag that nobody consented to.
    bool disorder;
    double last_value;
    char text[4096];         // The last message's.
    bool seen[ROWS_MAX + 1]; // By value.
};

/* The child that is killed is forked from a process with threads, and makes its own. */
const char *__tsan_default_options(void);
const char *__tsan_default_options(void) {
    return "die_after_fork=0";
}

static bool ready(struct receiver *receiver, int fd, int timeout_ms) {
    struct pollfd fds[2] = {
        {.fd = fd, .events = POLLIN}, {.fd = receiver->stop.event_fd, .events = POLLIN}};
    return poll(fds, 2, timeout_ms) > 0 && fds[1].revents == 0;
}

static void take_line(struct receiver *receiver, struct str line) {
    const char *at = memmem(line.data, line.size, "\"value\":", 8);
    if (at == NULL) {
        return;
    }
    struct str rest = str_slice(line, (size_t)(at - line.data) + 8, line.size);
    double value = 0;
    struct str number = str_cut(&rest, ',');
    receiver->strangers += memmem(line.data, line.size, "\"secret\"", 8) != NULL;
    if (!str_to_f64(number, &value) || value < 1 || value > ROWS_MAX) {
        return;
    }
    if (receiver->seen[(int)value]) {
        receiver->repeats++;
        return;
    }
    receiver->disorder = receiver->disorder || value < receiver->last_value;
    receiver->last_value = value;
    receiver->seen[(int)value] = true;
    receiver->rows++;
}

static void take(struct receiver *receiver, struct str body) {
    mutex_lock(&receiver->mutex);
    receiver->messages++;
    (void)str_copy_z(body, receiver->text, sizeof receiver->text);
    while (body.size > 0) {
        take_line(receiver, str_cut(&body, '\n'));
    }
    mutex_unlock(&receiver->mutex);
}

static void serve(struct receiver *receiver, int fd) {
    buf_clear(&receiver->request);
    size_t wanted = SIZE_MAX;
    size_t head = 0;
    while (receiver->request.size < wanted && ready(receiver, fd, 5000)) {
        uint8_t *room = buf_reserve(&receiver->request, 65536);
        ssize_t n = recv(fd, room, 65536, 0);
        if (n <= 0) {
            return;
        }
        buf_commit(&receiver->request, (size_t)n);
        const char *text = buf_z(&receiver->request);
        const char *end = strstr(text, "\r\n\r\n");
        const char *length = strstr(text, "Content-Length: ");
        if (end != NULL && length != NULL && wanted == SIZE_MAX) {
            uint64_t size = 0;
            struct str rest = str_of(length + 16);
            assert_true(str_to_u64(str_cut(&rest, '\r'), &size));
            head = (size_t)(end - text) + 4;
            wanted = head + size;
        }
    }
    if (receiver->request.size < wanted) {
        return;
    }
    int trouble = receiver->trouble == 1 ? (int)random_below(&receiver->random, 5) : 0;
    if (receiver->trouble == 2) {
        (void)ready(receiver, fd, -1); // Until the sender breaks it off.
        receiver->broken_off_ns = clock_mono_ns(clock_system());
        return;
    }
    if (trouble == 1) {
        return; // Heard, and neither taken nor answered.
    }
    if (trouble != 2) {
        take(receiver, str_slice(buf_str(&receiver->request), head, wanted));
    }
    if (trouble == 3) {
        return; // Taken, and not answered: it comes again.
    }
    const char *answer = trouble == 2 ? "HTTP/1.1 503 X\r\nContent-Length: 0\r\n\r\n"
                                      : "HTTP/1.1 200 X\r\nContent-Length: 2\r\n\r\nok";
    (void)send(fd, answer, strlen(answer), MSG_NOSIGNAL);
}

static void receiver_run(void *context) {
    struct receiver *receiver = context;
    while (ready(receiver, receiver->fd, -1)) {
        int fd = accept4(receiver->fd, NULL, NULL, SOCK_CLOEXEC);
        serve(receiver, fd);
        (void)close(fd);
    }
}

static struct receiver *receiver_new(int trouble) {
    struct receiver *receiver = MEM_NEW(struct receiver);
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof at;
    receiver->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(0, bind(receiver->fd, (struct sockaddr *)&at, sizeof at));
    assert_int_equal(0, getsockname(receiver->fd, (struct sockaddr *)&at, &size));
    assert_int_equal(0, listen(receiver->fd, 16));
    receiver->port = ntohs(at.sin_port);
    receiver->trouble = trouble;
    random_seed(&receiver->random, 5);
    buf_init(&receiver->request, BODY_BYTES);
    mutex_init(&receiver->mutex);
    stop_flag_init(&receiver->stop);
    thread_start(&receiver->thread, "test-receiver", receiver_run, receiver);
    return receiver;
}

static void receiver_free(struct receiver *receiver) {
    stop_flag_raise(&receiver->stop);
    thread_join(&receiver->thread);
    stop_flag_fini(&receiver->stop);
    mutex_fini(&receiver->mutex);
    buf_fini(&receiver->request);
    (void)close(receiver->fd);
    mem_free(receiver);
}

static uint32_t rows_of(struct receiver *receiver) {
    mutex_lock(&receiver->mutex);
    uint32_t rows = receiver->rows;
    mutex_unlock(&receiver->mutex);
    return rows;
}

/* Waits until so many different rows came, or `limit_ns` passed. */
static bool wait_rows(struct receiver *receiver, uint32_t rows, int64_t limit_ns) {
    int64_t deadline_ns = clock_mono_ns(clock_system()) + limit_ns;
    while (rows_of(receiver) < rows) {
        if (clock_mono_ns(clock_system()) > deadline_ns) {
            return false;
        }
        (void)ready(receiver, receiver->stop.event_fd, 10);
    }
    return true;
}

static int grant(struct rig *rig, const struct receiver *receiver, const char *id, const char *tags,
    const char *method, struct err *err) {
    char url[64];
    (void)snprintf(url, sizeof url, "http://127.0.0.1:%u/in", (unsigned)receiver->port);
    struct consent consent = {.id = str_of(id),
        .giver = STR("김대표"),
        .recipient = STR("I-MATE"),
        .purpose = STR("설비 분석"),
        .tags = str_of(tags),
        .method = str_of(method),
        .url = str_of(url),
        .token = STR("geheim"),
        .from_ns = 0,
        .until_ns = INT64_MAX,
        .every_s = 1,
        .granted_by = STR("owner")};
    return outbox_grant(rig->plant, &consent, err);
}

static struct outbox *start(struct rig *rig) {
    struct outbox_options options = {
        .plant = rig->plant, .pause_ms = 5, .retry_max_ms = 20, .timeout_ms = 5000};
    return outbox_start(&options);
}

static void submit(struct rig *rig, const char *tag, int from, int count) {
    struct err err = ERR_INIT;
    uint32_t number = tag_number(rig, tag);
    for (int i = from; i < from + count; i++) {
        assert_true(submit_f64(rig, number, (int64_t)i * NS_PER_S, i, &err) >= 0);
    }
}

static int count_receipts(struct ledger_tx *tx, void *context, struct err *err) {
    AUTO_ARENA struct arena arena;
    arena_init(&arena, 0);
    struct receipt *receipts = ARENA_ARRAY(&arena, struct receipt, ROWS_MAX);
    int count = receipt_list(tx, 0, INT64_MAX, receipts, ROWS_MAX, &arena, err);
    uint64_t *rows = context;
    for (int i = 0; i < count; i++) {
        *rows += receipts[i].rows;
        assert_int_equal(receipts[i].status, 200);
        assert_true(str_eq(receipts[i].answer, STR("ok")));
    }
    return count < 0 ? count : 0;
}

/* R-046 R-048 R-052 */
static void only_consented_tags_leave_in_order_through_a_bad_receiver(void **state) {
    (void)state;
    struct rig rig;
    rig_open(&rig, NULL);
    struct receiver *receiver = receiver_new(1);
    struct err err = ERR_INIT;
    submit(&rig, "open", 9000, 1); // Before the consent: it does not leave.
    submit(&rig, "secret", 1, 1);
    assert_int_equal(0, grant(&rig, receiver, "c1", "open", "none", &err));
    struct outbox *outbox = start(&rig);
    for (int i = 0; i < 40; i++) {
        submit(&rig, "open", 1 + i * 5, 5);
        submit(&rig, "secret", 1000 + i * 5, 5);
    }
    assert_true(wait_rows(receiver, 200, 4 * PATIENCE_NS));
    receiver->trouble = 0;
    submit(&rig, "open", 201, 1);
    assert_true(wait_rows(receiver, 201, PATIENCE_NS));
    uint64_t rows = 0; // The last receipt follows the answer.
    int64_t deadline_ns = clock_mono_ns(clock_system()) + PATIENCE_NS;
    while (rows < 201 && clock_mono_ns(clock_system()) < deadline_ns) {
        rows = 0;
        assert_int_equal(0, ledger_read(plant_ledger(rig.plant), count_receipts, &rows, &err));
    }
    outbox_stop(outbox);
    assert_int_equal(rows, 201);
    assert_int_equal(receiver->strangers, 0);
    assert_false(receiver->disorder);
    assert_false(receiver->seen[9000]);
    assert_non_null(strstr(receiver->text, "\"consent\":\"c1\""));
    receiver_free(receiver);
    rig_close(&rig);
}

/* */
static void a_withdrawal_stops_it_within_a_second_also_in_the_middle(void **state) {
    (void)state;
    struct rig rig;
    rig_open(&rig, NULL);
    struct receiver *receiver = receiver_new(0);
    struct err err = ERR_INIT;
    submit(&rig, "open", 1, 1);
    assert_int_equal(0, grant(&rig, receiver, "c1", "open", "none", &err));
    struct outbox *outbox = start(&rig);
    submit(&rig, "open", 2, 1);
    assert_true(wait_rows(receiver, 1, PATIENCE_NS));
    receiver->trouble = 2; // Hangs with the next one in its hands.
    submit(&rig, "open", 3, 1);
    (void)wait_rows(receiver, 2, 1500 * NS_PER_MS);
    assert_int_equal(0, outbox_withdraw(rig.plant, STR("c1"), STR("owner"), &err));
    assert_int_equal(-ERR_CONFLICT, outbox_withdraw(rig.plant, STR("c1"), STR("owner"), &err));
    assert_int_equal(-ERR_NOT_FOUND, outbox_withdraw(rig.plant, STR("c2"), STR("owner"), &err));
    int64_t withdrawn_ns = clock_mono_ns(clock_system());
    submit(&rig, "open", 4, 1);
    while (receiver->broken_off_ns == 0) {
        (void)ready(receiver, receiver->stop.event_fd, 10);
        assert_true(clock_mono_ns(clock_system()) - withdrawn_ns < 1500 * NS_PER_MS);
    }
    int64_t begin_ns = clock_mono_ns(clock_system());
    outbox_stop(outbox); // Broken off, not waited for.
    assert_true(clock_mono_ns(clock_system()) - begin_ns < 2 * NS_PER_S);
    receiver_free(receiver);
    receiver = receiver_new(0);
    outbox = start(&rig);
    assert_false(wait_rows(receiver, 1, 300 * NS_PER_MS));
    outbox_stop(outbox);
    assert_int_equal(-ERR_EXISTS, grant(&rig, receiver, "c1", "open", "none", &err));
    receiver_free(receiver);
    rig_close(&rig);
}

/* The child submits and sends; the parent kills it, again and again. */
static void nothing_is_left_out_through_kill_9(void **state) {
    (void)state;
    struct rig rig;
    rig_open(&rig, NULL);
    struct receiver *receiver = receiver_new(1);
    struct err err = ERR_INIT;
    uint32_t tag = tag_number(&rig, "open");
    (void)tag_number(&rig, "secret");
    assert_int_equal(0, grant(&rig, receiver, "c1", "open", "none", &err));
    plant_close(rig.plant);
    rig.plant = NULL;
    uint32_t written = 0;
    for (int kills = 0; kills < 8; kills++) {
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
        uint32_t stop_at = written + 20 + (uint32_t)kills * 17;
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
    assert_true(wait_rows(receiver, written, 4 * PATIENCE_NS));
    outbox_stop(outbox);
    assert_false(receiver->disorder);
    print_message("%u rows, %u came again\n", written, receiver->repeats);
    receiver_free(receiver);
    rig_close(&rig);
}

/* Long after nothing that was consented to came, the program starts anew: what the consent has
 * passed is no longer in the log, what it has not is. */
static void what_comes_after_long_silence_leaves_after_a_restart(void **state) {
    (void)state;
    struct rig rig;
    rig_open(&rig, NULL);
    struct receiver *receiver = receiver_new(0);
    struct err err = ERR_INIT;
    (void)tag_number(&rig, "open");
    assert_int_equal(0, grant(&rig, receiver, "c1", "open", "none", &err));
    struct outbox *outbox = start(&rig);
    submit(&rig, "secret", 1, 50);
    (void)wait_rows(receiver, 1, 300 * NS_PER_MS); // It looks at all of them.
    outbox_stop(outbox);
    rig_reopen(&rig, NULL); // Closing seals, and lets go of the log that is passed.
    submit(&rig, "open", 7, 3);
    rig_reopen(&rig, NULL);
    outbox = start(&rig);
    submit(&rig, "open", 10, 1);
    assert_true(wait_rows(receiver, 4, PATIENCE_NS));
    struct err told = ERR_INIT;
    outbox_error(outbox, 1, &told);
    assert_int_equal(told.code, ERR_OK);
    outbox_stop(outbox);
    receiver_free(receiver);
    rig_close(&rig);
}

static int put_ahead(struct ledger_tx *tx, void *context, struct err *err) {
    (void)context;
    return consent_passed(tx, 1, 1000, err);
}

/* The end of the history was lost; the numbers after it are given a second time. */
static void a_history_that_ends_before_the_place_is_said_and_sending_goes_on(void **state) {
    (void)state;
    struct rig rig;
    rig_open(&rig, NULL);
    struct receiver *receiver = receiver_new(0);
    struct err err = ERR_INIT;
    submit(&rig, "open", 1, 1);
    assert_int_equal(0, grant(&rig, receiver, "c1", "open", "none", &err));
    assert_int_equal(0, ledger_write(plant_ledger(rig.plant), put_ahead, NULL, &err));
    struct outbox_options options = {.plant = rig.plant, .pause_ms = 5};
    struct outbox *outbox = outbox_start(&options);
    struct err told = ERR_INIT;
    for (int i = 0; i < 1000 && told.code == ERR_OK; i++) {
        (void)ready(receiver, receiver->stop.event_fd, 10);
        outbox_error(outbox, 1, &told);
    }
    assert_int_equal(told.code, ERR_NOT_FOUND);
    submit(&rig, "open", 2, 1);
    assert_true(wait_rows(receiver, 1, PATIENCE_NS));
    outbox_stop(outbox);
    assert_true(receiver->seen[2]);
    receiver_free(receiver);
    rig_close(&rig);
}

/* Every consent holds its place in the log. */
static void as_many_consents_as_there_may_be_hold_their_places(void **state) {
    (void)state;
    struct rig rig;
    rig_open(&rig, NULL);
    struct receiver *receiver = receiver_new(0);
    struct err err = ERR_INIT;
    (void)tag_number(&rig, "open");
    for (int i = 0; i < CONSENTS_MAX; i++) {
        char id[24];
        (void)snprintf(id, sizeof id, "c%d", i);
        assert_int_equal(0, grant(&rig, receiver, id, "open", "none", &err));
        (void)snprintf(id, sizeof id, "outbox-c%d", i);
        assert_int_equal(0, hist_consumer_keep(plant_historian(rig.plant), str_of(id), 0, &err));
    }
    assert_int_equal(-ERR_LIMIT, grant(&rig, receiver, "more", "open", "none", &err));
    receiver_free(receiver);
    rig_close(&rig);
}

static void values_leave_as_the_consent_says(void **state) {
    (void)state;
    struct rig rig;
    rig_open(&rig, NULL);
    struct receiver *receiver = receiver_new(0);
    struct err err = ERR_INIT;
    struct import_report report;
    assert_int_equal(
        0, import_text(&rig, IMPORT_TAGS, "tag,type\nworker,text\nage,f64\nplain,text\nopen,f64\n",
               &report, &err));
    assert_int_equal(-ERR_NOT_FOUND, grant(&rig, receiver, "c0", "absent", "none", &err));
    assert_int_equal(-ERR_INVALID, grant(&rig, receiver, "c0", "worker", "wroker=pseudonym", &err));
    assert_int_equal(-ERR_INVALID, grant(&rig, receiver, "c0", "worker", "worker=group:3", &err));
    assert_int_equal(-ERR_INVALID, grant(&rig, receiver, "c0", "age", "age=group:3:5", &err));
    assert_int_equal(-ERR_INVALID, grant(&rig, receiver, "c 0", "age", "none", &err));
    assert_int_equal(0, grant(&rig, receiver, "c1", "worker age plain open",
                            "worker=pseudonym age=group:10 plain=drop", &err));
    struct outbox *outbox = start(&rig);
    assert_int_equal(0, import_text(&rig, IMPORT_SAMPLES,
                            "tag,time,value\nworker,2026-11-01T00:00:00Z,홍길동\n"
                            "age,2026-11-01T00:00:00Z,37\nplain,2026-11-01T00:00:00Z,민감\n"
                            "open,2026-11-01T00:00:00Z,7\n",
                            &report, &err));
    assert_true(wait_rows(receiver, 1, PATIENCE_NS));
    outbox_stop(outbox);
    assert_null(strstr(receiver->text, "홍길동"));
    assert_null(strstr(receiver->text, "민감"));
    assert_non_null(strstr(receiver->text, "\"value\":\"P-"));
    assert_non_null(strstr(receiver->text, "\"value\":30"));
    receiver_free(receiver);
    rig_close(&rig);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_consented_tags_leave_in_order_through_a_bad_receiver),
        cmocka_unit_test(a_withdrawal_stops_it_within_a_second_also_in_the_middle),
        cmocka_unit_test(nothing_is_left_out_through_kill_9),
        cmocka_unit_test(what_comes_after_long_silence_leaves_after_a_restart),
        cmocka_unit_test(a_history_that_ends_before_the_place_is_said_and_sending_goes_on),
        cmocka_unit_test(as_many_consents_as_there_may_be_hold_their_places),
        cmocka_unit_test(values_leave_as_the_consent_says),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
