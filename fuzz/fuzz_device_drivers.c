/*
 * Hostile answers to every driver of the registry, through the whole poller. Input: a byte that
 * chooses driver and options, then for each request a length byte (in units of two, 0: silence,
 * 255: the other side closes) and so many bytes of answer; a length byte of 254 answers honestly
 * to nothing in particular: it repeats what was sent, which brings the fuzzer past transaction
 * numbers and units. What must hold: no crash, every poll ends, every row is of a tag we asked for,
 * a lost session carries words.
 */
#include <stdint.h>
#include <string.h>

#include "core/check.h"
#include "core/mem.h"
#include "device/link.h"
#include "device/plan.h"
#include "device/poll.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { POLLS = 6, TAGS = 8, ECHO = 254, CLOSE = 255, ANSWER_BYTES_MAX = 1 << 16 };

struct hostile {
    struct link link;
    const uint8_t *data;
    size_t size;
    struct buf answer;
    bool closes;
};

static int hostile_open(struct link *link, int64_t deadline_ns, struct err *err) {
    (void)deadline_ns;
    (void)err;
    struct hostile *hostile = (struct hostile *)link;
    buf_clear(&hostile->answer);
    hostile->closes = false;
    return 0;
}

static void hostile_close(struct link *link) {
    (void)link;
}

static int hostile_send(
    struct link *link, const void *data, size_t size, int64_t deadline_ns, struct err *err) {
    (void)deadline_ns;
    (void)err;
    struct hostile *hostile = (struct hostile *)link;
    uint8_t head = hostile->size > 0 ? hostile->data[0] : 0;
    if (hostile->size > 0) {
        hostile->data++;
        hostile->size--;
    }
    hostile->closes = head == CLOSE;
    if (head == CLOSE) {
        return 0;
    }
    if (head == ECHO) {
        /* The head of the request (numbers, unit, function), then bytes of the input. */
        buf_put(&hostile->answer, data, size < 8 ? size : 8);
        head = 8;
    }
    size_t count = (size_t)head * 2 < hostile->size ? (size_t)head * 2 : hostile->size;
    buf_put(&hostile->answer, hostile->data, count);
    hostile->data += count;
    hostile->size -= count;
    return 0;
}

static int hostile_receive(
    struct link *link, void *data, size_t capacity, int64_t deadline_ns, struct err *err) {
    (void)deadline_ns;
    struct hostile *hostile = (struct hostile *)link;
    size_t size = hostile->answer.size < capacity ? hostile->answer.size : capacity;
    if (size == 0) {
        return hostile->closes ? err_set(err, ERR_CLOSED, MSG_DEVICE_LINK_CLOSED, NO_ARGS)
                               : err_set(err, ERR_TIMEOUT, MSG_NONE, NO_ARGS);
    }
    memcpy(data, hostile->answer.data, size);
    buf_drop_front(&hostile->answer, size);
    return (int)size;
}

static void hostile_free(struct link *link) {
    struct hostile *hostile = (struct hostile *)link;
    buf_fini(&hostile->answer);
    mem_free(hostile);
}

static const struct link_ops hostile_ops = {
    .name = "hostile",
    .open = hostile_open,
    .close = hostile_close,
    .send = hostile_send,
    .receive = hostile_receive,
    .free = hostile_free,
};

static struct batch *take(void *context, int64_t deadline_ns) {
    (void)deadline_ns;
    return context;
}

static int give(void *context, struct batch *batch) {
    (void)context;
    for (uint32_t i = 0; i < batch->count; i++) {
        CHECK(batch->rows[i].tag >= 1 && batch->rows[i].tag <= TAGS);
        if (batch->rows[i].type == TYPE_TEXT) {
            CHECK(str_is_utf8(batch_text(batch, &batch->rows[i]), NULL));
        }
    }
    return 0;
}

/* Tags and option lines by driver; a driver without an entry is not fuzzed and fails the check. */
static const struct {
    const char *driver;
    const char *options[4];
    const char *sources[TAGS];
} targets[] = {
    {"modbus",
        {"unit=1", "unit=1 framing=rtu", "unit=1 pipeline=4 max_gap=0",
            "pipeline=0 max_registers=8"},
        {"holding:0 f32", "holding:2 u64", "holding:10.3", "holding:40 text(9)", "input:0 f64 DCBA",
            "coil:3", "discrete:19", "holding:0 i16 unit 2"}},
    {"s7", {"slot=1", "slot=2 connection=op pdu=240", "pdu=112 max_gap=0", "encoding=utf8 jobs=1"},
        {"DB1.DBD0 real", "DB1.4 string(200)", "DB1.300 dtl", "MW10 s5time", "Q0.3", "T5",
            "DB2.0 wstring(300)", "DB1.DBW320 date"}},
    {"melsec",
        {"monitor_ms=250", "frame=4e max_words=8", "series=iqr random=off", "series=fx max_gap=0"},
        {"D0 f32", "D4.A", "D900 text:9", "W10 bcd32", "X17", "M0 u16", "TN5", "ZR100 f64 ABCD"}},
    {"xgt",
        {"", "framing=cnet station=1", "framing=cnet bcc=0",
            "company=glofa max_bytes=16 max_gap=0"},
        {"D0 f32", "%DB5 text:9", "M100.3", "D4 bcd32", "%TX5", "R2000 u64 high-first", "%CX9",
            "D300 i16"}},
    {"fins",
        {"node=5", "framing=udp plc_node=1", "multiple=off max_words=8", "framing=udp max_gap=0"},
        {"D0 f32", "CIO100.05", "D900 text:9", "W10 bcd32", "E0_100 f64", "T5", "C5 bool",
            "H5 i64"}},
};
enum { TARGET_COUNT = sizeof targets / sizeof targets[0] };

static struct catalogue *make_catalogue(size_t target, const char *options) {
    static const char *const names[TAGS] = {"a", "b", "c", "d", "e", "f", "g", "h"};
    struct catalogue *catalogue = catalogue_new();
    catalogue->device_count = 1;
    catalogue->tag_count = TAGS;
    catalogue->devices = ARENA_ARRAY(&catalogue->arena, struct device, 1);
    catalogue->tags = ARENA_ARRAY(&catalogue->arena, struct tag, TAGS);
    catalogue->devices[0] = (struct device){.number = 1,
        .id = STR("d"),
        .driver = str_of(targets[target].driver),
        .address = STR("127.0.0.1:1"),
        .options = str_of(options),
        .period_ns = NS_PER_S,
        .enabled = true};
    for (uint32_t i = 0; i < TAGS; i++) {
        catalogue->tags[i] = (struct tag){.number = i + 1,
            .type = TYPE_F64,
            .name = str_of(names[i]),
            .device = STR("d"),
            .source = str_of(targets[target].sources[i]),
            .active = true};
    }
    catalogue_finish(catalogue);
    return catalogue;
}

static void poll_all(struct poller *poller, struct device_plan *plan) {
    for (int i = 0; i < POLLS; i++) {
        struct err err = ERR_INIT;
        if (!poller->connected && poller_connect(poller, plan, &err) < 0) {
            return;
        }
        for (uint32_t unit = 0; unit < plan->unit_count; unit++) {
            plan->units[unit].next_try_ns = 0; // No waiting in a fuzzer.
        }
        if (poller_poll(poller, plan, &err) < 0) {
            CHECK(err.code != ERR_OK);
            poller_disconnect(poller);
            poller_mark_bad(poller, plan, STATUS_BAD_COMMUNICATION);
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    for (size_t i = 0, target = 0; driver_at(i) != NULL; i++) {
        if (!plan_is_alone(driver_at(i))) { // Others have no answers in bytes.
            CHECK(target < TARGET_COUNT);
            CHECK(strcmp(targets[target++].driver, driver_at(i)->name) == 0);
        }
    }
    if (size < 1) {
        return 0;
    }
    size_t target = data[0] / 4 % TARGET_COUNT;
    struct catalogue *catalogue = make_catalogue(target, targets[target].options[data[0] % 4]);
    struct err err = ERR_INIT;
    struct device_plan *plan = device_plan_new(catalogue, &catalogue->devices[0], &err);
    CHECK(plan != NULL);
    plan->health = health_new(1);
    AUTO_BATCH struct batch *batch = batch_new(TAGS * POLLS, 4096);
    struct hostile *hostile = MEM_NEW(struct hostile);
    hostile->link =
        (struct link){.ops = &hostile_ops, .clock = clock_system(), .fd = -1, .stop_fd = -1};
    hostile->data = data + 1;
    hostile->size = size - 1;
    buf_init(&hostile->answer, ANSWER_BYTES_MAX);
    struct poller_options options = {.clock = clock_system(),
        .port = {.context = batch, .take = take, .give = give},
        .seed = 1,
        .link = &hostile->link};
    struct poller poller;
    poller_init(&poller, plan->driver, &options);
    poll_all(&poller, plan);
    poller_fini(&poller);
    health_free(plan->health);
    device_plan_free(plan);
    catalogue_unref(catalogue);
    return 0;
}
