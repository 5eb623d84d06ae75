/*
 * The edge node. Its payloads are protobuf written by hand (Eclipse Sparkplug 3.0 clause 6.4.1):
 * Payload: 1 timestamp, 2 metric, 3 seq. Metric: 1 name, 2 alias, 3 timestamp, 4 datatype, 10 int,
 * 11 long, 12 float, 13 double, 14 boolean, 15 string.
 *
 * A life: CONNECT with NDEATH as will (QoS 1, its bdSeq), SUBSCRIBE to NCMD, NBIRTH (seq 0), DBIRTH
 * (seq 1), then DDATA by alias alone whenever a value has changed by its step. The bdSeq grows by
 * one with each CONNECT (tck-id-payloads-ndeath-bdseq); seq by one with each message, modulo 256.
 * A NCMD `Node Control/Rebirth` = true brings both births again.
 */
#include "sim/sim_sparkplug.h"

#include <math.h>
#include <stdatomic.h>
#include <string.h>

#include "core/bytes.h"
#include "core/clock.h"
#include "core/mem.h"
#include "core/thread.h"
#include "sim/sim_machine.h"
#include "sim/sim_mqtt.h"

enum {
    PAYLOAD_BYTES_MAX = 1 << 16,
    EVERY_MS = 500,
    SLICE_MS = 50,        // So soon a stop is noticed.
    AGAIN_MS = 500,       // Between attempts to connect.
    CATCH_UP_STEPS = 600, // After a longer pause the machine goes on from where it stood.
    METRICS_MAX = 32,
};
/* Types of clause 6.4.16. */
enum { INT32 = 3, INT64 = 4, FLOAT = 9, DOUBLE = 10, BOOLEAN = 11, STRING = 12 };
/* Wire types of protobuf, and the fields of a metric. */
enum { VARINT = 0, FIXED64 = 1, BYTES = 2, FIXED32 = 5 };
enum {
    NAME = 1,
    ALIAS = 2,
    TIME = 3,
    DATATYPE = 4,
    INT_VALUE = 10,
    LONG_VALUE,
    FLOAT_VALUE,
    DOUBLE_VALUE,
    BOOLEAN_VALUE,
    STRING_VALUE
};

#define NONE        ((double)NAN)
#define TOPIC(verb) "spBv1.0/" SIM_SPARKPLUG_GROUP "/" verb "/" SIM_SPARKPLUG_EDGE

#define ROW(name, end, t, u, k, lo, hi, ko, en, dt, val, st)                                       \
    {                                                                                              \
        .metric = (name), .tag = "util.comp1." end, .type = (t), .unit = (u), .kind = (k),         \
        .min = (lo), .max = (hi), .display_ko = "공기압축기 " ko, .display_en = "Compressor " en,  \
        .datatype = (dt), .value = (val), .step = (st)                                             \
    }
static const struct sim_sparkplug_row metric_rows[] = {
    ROW("State", "state", "i64", "", "state", 0, 4, "상태", "state", INT32, COMP_STATE, 1),
    ROW("Alarm Code", "alarm_code", "i64", "", "state", 0, 999, "알람 코드", "alarm code", INT32,
        COMP_ALARM, 1),
    ROW("Mode", "mode", "text", "", "state", NONE, NONE, "운전 모드", "mode", STRING, COMP_MODE, 1),
    ROW("Motor/Loaded", "loaded", "bool", "", "state", NONE, NONE, "부하 운전", "loaded", BOOLEAN,
        COMP_LOADED, 1),
    ROW("Air/Pressure", "pressure", "f64", "bar", "measurement", 0, 10, "토출 압력", "pressure",
        FLOAT, COMP_PRESSURE, 0.01),
    ROW("Air/Flow", "flow", "f64", "m³/min", "measurement", 0, 8, "사용 유량", "flow", FLOAT,
        COMP_FLOW, 0.05),
    ROW("Air/Dew Point", "dew_point", "f64", "°C", "measurement", -5, 15, "노점", "dew point",
        FLOAT, COMP_DEW, 0.1),
    ROW("Oil/Temperature", "temp_oil", "f64", "°C", "measurement", 10, 110, "오일 온도",
        "oil temperature", FLOAT, COMP_OIL, 0.1),
    ROW("Oil/Fan", "fan_on", "bool", "", "state", NONE, NONE, "냉각팬 켜짐", "fan on", BOOLEAN,
        COMP_FAN, 1),
    ROW("Filter/Drop", "filter_drop", "f64", "mbar", "measurement", 0, 400, "필터 차압",
        "filter drop", FLOAT, COMP_FILTER, 1),
    ROW("Motor/Power", "power_kw", "f64", "kW", "measurement", 0, 50, "소비 전력", "power", FLOAT,
        COMP_POWER, 0.1),
    ROW("Motor/Current", "current", "f64", "A", "measurement", 0, 90, "전류", "current", FLOAT,
        COMP_CURRENT, 0.5),
    ROW("Counters/Energy", "energy_kwh", "f64", "kWh", "counter", 0, NONE, "전력량", "energy",
        DOUBLE, COMP_ENERGY, 0.01),
    ROW("Counters/Running Hours", "hours", "f64", "h", "counter", 0, NONE, "운전 시간",
        "running hours", DOUBLE, COMP_HOURS, 0.01),
    ROW("Counters/Loaded Hours", "loaded_hours", "f64", "h", "counter", 0, NONE, "부하 운전 시간",
        "loaded hours", DOUBLE, COMP_LOADED_HOURS, 0.01),
    ROW("Counters/Starts", "starts", "i64", "회", "counter", 0, NONE, "기동 횟수", "starts", INT64,
        COMP_STARTS, 1),
};
enum { ROW_COUNT = sizeof metric_rows / sizeof metric_rows[0] };
_Static_assert((int)ROW_COUNT == (int)COMP_VALUE_COUNT, "every value is published");
_Static_assert((int)ROW_COUNT <= (int)METRICS_MAX, "metrics fit");

struct sim_sparkplug {
    struct sim_comp comp;
    uint16_t port;
    int64_t every_ns;
    int64_t stepped_ns; // Monotonic time up to which the machine went.
    uint8_t bdseq;
    uint8_t seq;
    double told[METRICS_MAX]; // What was published last.
    char told_text[SIM_TEXT_BYTES + 1];
    struct buf payload;
    _Atomic uint32_t births;
    struct stop_flag stop;
    struct thread thread;
};

const struct sim_sparkplug_row *sim_sparkplug_rows(size_t *ret_count) {
    *ret_count = ROW_COUNT;
    return metric_rows;
}

/* --- protobuf --- */

static void put_key(struct buf *out, unsigned field, unsigned wire) {
    write_varint(out, field << 3 | wire);
}

static void put_number(struct buf *out, unsigned field, uint64_t value) {
    put_key(out, field, VARINT);
    write_varint(out, value);
}

static void put_text(struct buf *out, unsigned field, struct str text) {
    put_key(out, field, BYTES);
    write_varint(out, text.size);
    buf_put(out, text.data, text.size);
}

static uint64_t wall_ms(void) {
    return (uint64_t)(clock_wall_ns(clock_system()) / NS_PER_MS);
}

static void put_value(struct buf *out, int datatype, double value, const char *text) {
    float real = (float)value;
    uint32_t bits = 0;
    switch (datatype) {
    case INT32: put_number(out, INT_VALUE, (uint32_t)(int32_t)value); return;
    case INT64: put_number(out, LONG_VALUE, (uint64_t)(int64_t)value); return;
    case FLOAT:
        memcpy(&bits, &real, sizeof bits);
        put_key(out, FLOAT_VALUE, FIXED32);
        write_u32_le(out, bits);
        return;
    case DOUBLE:
        put_key(out, DOUBLE_VALUE, FIXED64);
        write_f64_le(out, value);
        return;
    case BOOLEAN: put_number(out, BOOLEAN_VALUE, value != 0); return;
    default: put_text(out, STRING_VALUE, str_of(text)); return;
    }
}

struct metric {
    const char *name; // NULL: by its alias alone.
    uint64_t alias;   // 0: none.
    int datatype;
    double value;
    const char *text;
};

static void put_metric(struct buf *out, const struct metric *metric) {
    AUTO_BUF struct buf body;
    buf_init(&body, PAYLOAD_BYTES_MAX);
    if (metric->name != NULL) {
        put_text(&body, NAME, str_of(metric->name));
    }
    if (metric->alias != 0) {
        put_number(&body, ALIAS, metric->alias);
    }
    put_number(&body, TIME, wall_ms());
    put_number(&body, DATATYPE, (uint64_t)metric->datatype);
    put_value(&body, metric->datatype, metric->value, metric->text);
    put_text(out, 2, buf_str(&body));
}

static void begin(struct sim_sparkplug *node) {
    buf_clear(&node->payload);
    put_number(&node->payload, 1, wall_ms());
}

static int publish(
    struct sim_sparkplug *node, struct sim_mqtt *mqtt, const char *topic, struct err *err) {
    put_number(&node->payload, 3, node->seq++);
    return sim_mqtt_publish(mqtt, topic, buf_str(&node->payload), 0, false, err);
}

static void put_bdseq(struct sim_sparkplug *node) {
    struct metric metric = {.name = "bdSeq", .datatype = INT64, .value = node->bdseq};
    put_metric(&node->payload, &metric);
}

/* --- messages --- */

static double rounded(const struct sim_sparkplug *node, const struct sim_sparkplug_row *row) {
    return round(node->comp.unit.values[row->value] / row->step) * row->step;
}

/* Adds the metric of row `i` and notes what was told. */
static void tell(struct sim_sparkplug *node, size_t i, bool by_name) {
    const struct sim_sparkplug_row *row = &metric_rows[i];
    struct metric metric = {.name = by_name ? row->metric : NULL,
        .alias = i + 1,
        .datatype = row->datatype,
        .value = rounded(node, row),
        .text = node->comp.unit.text};
    put_metric(&node->payload, &metric);
    node->told[i] = metric.value;
    if (row->datatype == STRING) {
        memcpy(node->told_text, node->comp.unit.text, sizeof node->told_text);
    }
}

static bool has_changed(const struct sim_sparkplug *node, size_t i) {
    const struct sim_sparkplug_row *row = &metric_rows[i];
    return row->datatype == STRING ? strcmp(node->told_text, node->comp.unit.text) != 0
                                   : fabs(rounded(node, row) - node->told[i]) > row->step / 2;
}

static int give_birth(struct sim_sparkplug *node, struct sim_mqtt *mqtt, struct err *err) {
    node->seq = 0;
    begin(node);
    put_bdseq(node);
    struct metric rebirth = {.name = "Node Control/Rebirth", .datatype = BOOLEAN};
    put_metric(&node->payload, &rebirth);
    struct metric maker = {
        .name = "Properties/Model", .datatype = STRING, .text = "simulated edge node"};
    put_metric(&node->payload, &maker);
    int result = publish(node, mqtt, TOPIC("NBIRTH"), err);
    begin(node);
    for (size_t i = 0; i < ROW_COUNT; i++) {
        tell(node, i, true);
    }
    result =
        result < 0 ? result : publish(node, mqtt, TOPIC("DBIRTH") "/" SIM_SPARKPLUG_DEVICE, err);
    if (result == 0) {
        atomic_fetch_add(&node->births, 1);
    }
    return result;
}

static int tell_changes(struct sim_sparkplug *node, struct sim_mqtt *mqtt, struct err *err) {
    size_t changed = 0;
    begin(node);
    for (size_t i = 0; i < ROW_COUNT; i++) {
        if (has_changed(node, i)) {
            tell(node, i, false);
            changed++;
        }
    }
    return changed == 0 ? 0 : publish(node, mqtt, TOPIC("DDATA") "/" SIM_SPARKPLUG_DEVICE, err);
}

/* One field: its number, and of VARINT the value, of BYTES the bytes. False at the end. */
static bool next_field(
    struct reader *r, unsigned *ret_field, uint64_t *ret_value, struct str *ret_bytes) {
    uint64_t key = reader_left(r) > 0 ? read_varint(r) : 0;
    *ret_field = (unsigned)(key >> 3);
    *ret_bytes = STR_NONE;
    *ret_value = 0;
    if (r->failed || key == 0) {
        return false;
    }
    switch (key & 7) {
    case VARINT: *ret_value = read_varint(r); break;
    case FIXED64: read_skip(r, 8); break;
    case FIXED32: read_skip(r, 4); break;
    case BYTES: {
        uint64_t size = read_varint(r);
        const uint8_t *bytes = size <= reader_left(r) ? read_bytes(r, (size_t)size) : NULL;
        if (bytes == NULL) {
            return false;
        }
        *ret_bytes = (struct str){(const char *)bytes, (size_t)size};
        break;
    }
    default: return false;
    }
    return !r->failed;
}

/* Does this command ask for the births again? */
static bool asks_rebirth(struct str payload) {
    struct reader r = reader_of(payload.data, payload.size);
    unsigned field = 0;
    uint64_t value = 0;
    struct str metric;
    while (next_field(&r, &field, &value, &metric)) {
        struct reader inner = reader_of(metric.data, field == 2 ? metric.size : 0);
        bool named = false;
        bool wanted = false;
        struct str bytes;
        while (next_field(&inner, &field, &value, &bytes)) {
            named |= field == NAME && str_eq(bytes, STR("Node Control/Rebirth"));
            wanted |= field == BOOLEAN_VALUE && value != 0;
        }
        if (named && wanted) {
            return true;
        }
    }
    return false;
}

/* --- life --- */

static void advance(struct sim_sparkplug *node) {
    int64_t step_ns = SIM_STEP_MS * NS_PER_MS;
    int64_t now_ns = clock_mono_ns(clock_system());
    if (now_ns - node->stepped_ns > CATCH_UP_STEPS * step_ns) {
        node->stepped_ns = now_ns - CATCH_UP_STEPS * step_ns;
    }
    for (; node->stepped_ns + step_ns <= now_ns; node->stepped_ns += step_ns) {
        sim_comp_step(&node->comp);
    }
}

static int serve(struct sim_sparkplug *node, struct sim_mqtt *mqtt, struct err *err) {
    int64_t next_ns = clock_mono_ns(clock_system());
    int result = give_birth(node, mqtt, err);
    while (result >= 0 && !stop_flag_is_raised(&node->stop)) {
        struct sim_mqtt_message message;
        int got = sim_mqtt_next(mqtt, SLICE_MS, &message, err);
        result = got < 0 ? got : 0;
        if (got > 0 && asks_rebirth(message.payload)) {
            result = give_birth(node, mqtt, err);
        }
        if (result >= 0 && clock_mono_ns(clock_system()) >= next_ns) {
            next_ns = clock_mono_ns(clock_system()) + node->every_ns;
            advance(node);
            result = tell_changes(node, mqtt, err);
        }
    }
    return result;
}

/* What the broker says when the connection breaks; also said when leaving. */
static void prepare_death(struct sim_sparkplug *node) {
    begin(node);
    put_bdseq(node);
}

static void live_once(struct sim_sparkplug *node) {
    struct err err = ERR_INIT;
    prepare_death(node);
    AUTO_BUF struct buf will;
    buf_init(&will, PAYLOAD_BYTES_MAX);
    buf_put(&will, node->payload.data, node->payload.size);
    struct sim_mqtt_options options = {.port = node->port,
        .client_id = SIM_SPARKPLUG_GROUP "-" SIM_SPARKPLUG_EDGE,
        .will_topic = TOPIC("NDEATH"),
        .will_payload = buf_str(&will),
        .will_qos = 1};
    struct sim_mqtt *mqtt = NULL;
    if (sim_mqtt_open(&options, &mqtt, &err) < 0) {
        return;
    }
    advance(node);
    int result = sim_mqtt_subscribe(mqtt, TOPIC("NCMD"), 1, &err);
    result = result < 0 ? result : serve(node, mqtt, &err);
    bool leaves =
        result >= 0; // tck-id-operational-behavior-edge-node-intentional-disconnect-ndeath
    if (leaves) {
        prepare_death(node);
        leaves =
            sim_mqtt_publish(mqtt, TOPIC("NDEATH"), buf_str(&node->payload), 0, false, &err) == 0;
    }
    sim_mqtt_close(mqtt, leaves);
    node->bdseq++;
}

static void run(void *context) {
    struct sim_sparkplug *node = context;
    while (!stop_flag_is_raised(&node->stop)) {
        live_once(node);
        int64_t again_ns = clock_mono_ns(clock_system()) + AGAIN_MS * NS_PER_MS;
        (void)stop_flag_wait(&node->stop, again_ns);
    }
}

struct sim_sparkplug *sim_sparkplug_new(uint64_t seed) {
    struct sim_sparkplug *node = MEM_NEW(struct sim_sparkplug);
    if (seed == 0) {
        struct random random;
        random_seed_system(&random);
        seed = random_u64(&random);
    }
    sim_comp_init(&node->comp, seed);
    buf_init(&node->payload, PAYLOAD_BYTES_MAX);
    stop_flag_init(&node->stop);
    return node;
}

void sim_sparkplug_age(struct sim_sparkplug *node, int64_t ms) {
    for (int64_t i = 0; i < ms / SIM_STEP_MS; i++) {
        sim_comp_step(&node->comp);
    }
}

double sim_sparkplug_value(const struct sim_sparkplug *node, const struct sim_sparkplug_row *row) {
    return rounded(node, row);
}

void sim_sparkplug_start(struct sim_sparkplug *node, uint16_t port, int64_t every_ms) {
    node->port = port;
    node->every_ns = (every_ms > 0 ? every_ms : EVERY_MS) * NS_PER_MS;
    node->stepped_ns = clock_mono_ns(clock_system());
    thread_start(&node->thread, "sim-sparkplug", run, node);
}

void sim_sparkplug_stop(struct sim_sparkplug *node) {
    if (node == NULL) {
        return;
    }
    stop_flag_raise(&node->stop);
    thread_join(&node->thread);
    stop_flag_fini(&node->stop);
    buf_fini(&node->payload);
    mem_free(node);
}

uint32_t sim_sparkplug_births(const struct sim_sparkplug *node) {
    return atomic_load(&node->births);
}
