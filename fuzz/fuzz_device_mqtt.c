/*
 * Hostile messages to the MQTT router and to the Sparkplug host, without a broker: a driver of the
 * fuzzer's own stands in the poller and hands them over where driver `mqtt` would. Input: a byte
 * (bit 0: Sparkplug), then for each message a byte that chooses a topic (TOPIC_RAW: two more bytes
 * give the length of one from the input), a byte of flags (bit 0: retained, bit 1: an hour has
 * passed, bit 2: the broker refuses a filter, bit 3: a new session) and two bytes of the payload's
 * length, little-endian. What must hold: no crash, every row is of a tag that was asked for, texts
 * are UTF-8, no rebirth is asked for twice within its pause, and what is asked is well formed.
 */
#include <stdint.h>
#include <string.h>

#include "core/bytes.h"
#include "core/check.h"
#include "core/mem.h"
#include "device/drivers/mqtt.h"
#include "device/link.h"
#include "device/plan.h"
#include "device/poll.h"
#include "wire/sparkplug.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { TAGS = 10, MESSAGES_MAX = 256, TOPIC_RAW = 255, ROWS = 8192 };

static const char *const sources[2][TAGS] = {
    {"a/b", "a/+ $.t", "a/# $.t number", "a/b $.x[2].y time=$.ts ms", "+/b text",
        "# $.\"k k\" time=$.when iso", "a/b/c $.t bool", "a/b $ number", "한/글 $.값",
        "a/+/c $.a.b"},
    {"sparkplug:G/E Temperature", "sparkplug:G/E Counts/Good", "sparkplug:G/E/D Temperature",
        "sparkplug:G/E/D Text", "sparkplug:G/F State", "sparkplug:G/E Set", "sparkplug:G/E/D Bits",
        "sparkplug:G/E Temperature", "a/b", "sparkplug:G/F/D 값"},
};
static const char *const topics[2][12] = {
    {"a/b", "a/b/c", "a", "a/", "/b", "x/b", "한/글", "$SYS/b", "a/b/c/d", "", "a//c", "b"},
    {"spBv1.0/G/NBIRTH/E", "spBv1.0/G/DBIRTH/E/D", "spBv1.0/G/NDATA/E", "spBv1.0/G/DDATA/E/D",
        "spBv1.0/G/NDEATH/E", "spBv1.0/G/DDEATH/E/D", "spBv1.0/G/NBIRTH/F", "spBv1.0/G/DDATA/F/D",
        "spBv1.0/STATE/h", "spBv1.0/G/NCMD/E", "a/b", "spBv1.0/G/DBIRTH/F/D"},
};

/* The link that is none: it carries the input to the driver. */
struct carrier {
    struct link link;
    struct reader input;
    bool sparkplug;
};

struct session {
    struct mqtt_router *router;
    struct sparkplug_host *host;
    int64_t mono_ns;
    int64_t asked_ns[2]; // When the nodes E and F were last asked; 0: never.
};

static int carrier_open(struct link *link, int64_t deadline_ns, struct err *err) {
    (void)link;
    (void)deadline_ns;
    (void)err;
    return 0;
}

static void carrier_close(struct link *link) {
    (void)link;
}

static void carrier_free(struct link *link) {
    mem_free(link);
}

static const struct link_ops carrier_ops = {
    .name = "carrier", .open = carrier_open, .close = carrier_close, .free = carrier_free};

static struct str take_piece(struct reader *input, size_t size) {
    size = size < reader_left(input) ? size : reader_left(input);
    return (struct str){(const char *)read_bytes(input, size), size};
}

/* Every wish for a rebirth that is due now. */
static void ask_rebirths(struct session *session) {
    AUTO_BUF struct buf topic;
    AUTO_BUF struct buf payload;
    buf_init(&topic, MQTT_TOPIC_BYTES_MAX);
    buf_init(&payload, 4096);
    int64_t next_ns = 0;
    int asked = 0;
    while (sparkplug_host_rebirth(
        session->host, session->mono_ns, NS_PER_S, &topic, &payload, &next_ns)) {
        CHECK(++asked <= 2); // There are two nodes.
        bool first = str_eq(buf_str(&topic), STR("spBv1.0/G/NCMD/E"));
        CHECK(first || str_eq(buf_str(&topic), STR("spBv1.0/G/NCMD/F")));
        int64_t *last_ns = &session->asked_ns[first ? 0 : 1];
        CHECK(*last_ns == 0 || session->mono_ns - *last_ns >= 10 * NS_PER_S);
        *last_ns = session->mono_ns;
        struct sparkplug_payload checked;
        CHECK(sparkplug_parse(buf_str(&payload), &checked, NULL) >= 0);
    }
    CHECK(next_ns > session->mono_ns);
}

static void begin(struct session *session, const struct point_group *all, bool sparkplug,
    const struct driver_settings *settings) {
    mqtt_router_free(session->router);
    sparkplug_host_free(session->host);
    session->router = mqtt_router_new(all, settings);
    session->host = sparkplug ? sparkplug_host_new(all, settings) : NULL;
    session->asked_ns[0] = 0;
    session->asked_ns[1] = 0;
    if (session->host != NULL) {
        sparkplug_host_begin(session->host, session->mono_ns);
    }
}

static void refuse(struct session *session, uint8_t which, struct point_sink *sink) {
    struct err words = ERR_INIT;
    (void)err_set(&words, ERR_FORBIDDEN, MSG_MQTT_SUBSCRIBE_REFUSED, ARGS(A_CSTR("x")));
    struct str *filters = NULL;
    uint32_t count = mqtt_router_filters(session->router, &filters);
    if (count > 0) {
        mqtt_router_refused(session->router, filters[which % count], sink, &words);
    }
    AUTO_BUF struct buf filter;
    buf_init(&filter, MQTT_TOPIC_BYTES_MAX);
    if (session->host != NULL && sparkplug_host_filter(session->host, which % 2, &filter)) {
        sparkplug_host_refused(session->host, buf_str(&filter), sink, &words);
    }
}

static void take_message(struct session *session, struct driver_io *io, struct carrier *carrier,
    const struct point_group *all, struct point_sink *sink) {
    uint8_t choice = read_u8(&carrier->input);
    uint8_t flags = read_u8(&carrier->input);
    struct mqtt_message message = {.topic = str_of(topics[carrier->sparkplug ? 1 : 0][choice % 12]),
        .is_retained = (flags & 1) != 0};
    if (choice == TOPIC_RAW) {
        message.topic = take_piece(&carrier->input, read_u16_le(&carrier->input));
    }
    message.payload = take_piece(&carrier->input, read_u16_le(&carrier->input));
    session->mono_ns += (flags & 2) != 0 ? 3600 * NS_PER_S : NS_PER_MS;
    if ((flags & 8) != 0) {
        begin(session, all, carrier->sparkplug, io_settings(io));
    }
    if ((flags & 4) != 0) {
        refuse(session, choice, sink);
    }
    io_arrived(io);
    if (session->host != NULL) {
        (void)sparkplug_host_take(session->host, &message, session->mono_ns, sink);
        ask_rebirths(session);
        (void)sparkplug_host_take_unclaimed(session->host);
    }
    (void)mqtt_router_take(session->router, &message, sink);
}

static int fuzz_receive(
    struct driver_io *io, const struct point_group *all, struct point_sink *sink, struct err *err) {
    (void)err;
    struct session *session = io_private(io);
    struct carrier *carrier = (struct carrier *)io->link;
    session->mono_ns = NS_PER_S;
    begin(session, all, carrier->sparkplug, io_settings(io));
    for (int i = 0; i < MESSAGES_MAX && reader_left(&carrier->input) > 0; i++) {
        take_message(session, io, carrier, all, sink);
    }
    return 0;
}

static void fuzz_close(struct driver_io *io) {
    struct session *session = io_private(io);
    mqtt_router_free(session->router);
    sparkplug_host_free(session->host);
    *session = (struct session){0};
}

static const struct driver_option no_options[] = {{.name = NULL}};

static const struct driver fuzz_driver = {
    .name = "mqtt",
    .options = no_options,
    .private_bytes = sizeof(struct session),
    .events = true,
    .receive = fuzz_receive,
    .close = fuzz_close,
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
    batch_clear(batch);
    return 0;
}

static struct catalogue *make_catalogue(bool sparkplug) {
    static const char *const names[TAGS] = {"a", "b", "c", "d", "e", "f", "g", "h", "i", "j"};
    static const enum value_type types[TAGS] = {TYPE_F64, TYPE_I64, TYPE_F64, TYPE_TEXT, TYPE_TEXT,
        TYPE_TEXT, TYPE_BOOL, TYPE_F64, TYPE_TEXT, TYPE_I64};
    struct catalogue *catalogue = catalogue_new();
    catalogue->device_count = 1;
    catalogue->tag_count = TAGS;
    catalogue->devices = ARENA_ARRAY(&catalogue->arena, struct device, 1);
    catalogue->tags = ARENA_ARRAY(&catalogue->arena, struct tag, TAGS);
    catalogue->devices[0] = (struct device){.number = 1,
        .id = STR("d"),
        .driver = STR("mqtt"),
        .address = STR("127.0.0.1:1"),
        .options = sparkplug ? STR("mode=sparkplug") : STR_NONE,
        .period_ns = NS_PER_S,
        .enabled = true};
    for (uint32_t i = 0; i < TAGS; i++) {
        catalogue->tags[i] = (struct tag){.number = i + 1,
            .type = types[i],
            .name = str_of(names[i]),
            .device = STR("d"),
            .source = str_of(sources[sparkplug ? 1 : 0][i]),
            .active = true};
    }
    catalogue_finish(catalogue);
    return catalogue;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size < 1) {
        return 0;
    }
    bool sparkplug = (data[0] & 1) != 0;
    struct catalogue *catalogue = make_catalogue(sparkplug);
    struct err err = ERR_INIT;
    struct device_plan *plan = device_plan_new(catalogue, &catalogue->devices[0], &err);
    CHECK(plan != NULL);
    plan->driver = &fuzz_driver;
    plan->health = health_new(1);
    AUTO_BATCH struct batch *batch = batch_new(ROWS, 1 << 20);
    struct carrier *carrier = MEM_NEW(struct carrier);
    carrier->link =
        (struct link){.ops = &carrier_ops, .clock = clock_system(), .fd = -1, .stop_fd = -1};
    carrier->input = reader_of(data + 1, size - 1);
    carrier->sparkplug = sparkplug;
    struct poller_options options = {.clock = clock_system(),
        .port = {.context = batch, .take = take, .give = give},
        .seed = 1,
        .link = &carrier->link};
    struct poller poller;
    poller_init(&poller, &fuzz_driver, &options);
    CHECK(poller_connect(&poller, plan, &err) == 0);
    (void)poller_receive(&poller, plan, &err);
    poller_fini(&poller);
    health_free(plan->health);
    device_plan_free(plan);
    catalogue_unref(catalogue);
    return 0;
}
