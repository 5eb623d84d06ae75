/*
 * A Sparkplug B 3.0 host application: what an edge node says, as values of points.
 *
 * An edge node announces itself and its devices (NBIRTH, DBIRTH) with the names, types and aliases
 * of all metrics; data may then name a metric by its alias alone. Everything it sends is numbered
 * by `seq`, 0 at NBIRTH, one more each time, modulo 256, over node and devices together
 * (tck-id-payloads-sequence-num-incrementing). A gap means that a message is missing, and that may
 * have been a birth that gave the aliases another meaning. Therefore aliases are believed only
 * while the numbering is whole; metrics that bear their name are taken always, each with its own
 * time, and the node is asked for a rebirth
 * (tck-id-operational-behavior-data-commands-ncmd-rebirth-name, -value): `Node Control/Rebirth` =
 * true, by its name, never by an alias. One request a gap, at most one in REBIRTH_PAUSE_NS, so that
 * a bad line does not become a storm of births.
 *
 * NDEATH is the will of the node's connection. Its bdSeq must be the one of the running birth
 * (tck-id-payloads-ndeath-bdseq): a late will of an older connection says nothing about the newer
 * one. It ends the node and all its devices
 * (tck-id-operational-behavior-edge-node-termination-host-action-ndeath-devices-tags-stale).
 *
 * After we connect, nodes have BIRTH_WAIT_NS to announce themselves by STATE; who does not is
 * asked.
 */
#include <string.h>

#include "core/clock.h"
#include "core/hash.h"
#include "core/limits.h"
#include "device/drivers/mqtt.h"
#include "wire/sparkplug.h"

enum { NONE = UINT32_MAX, ALIASES_MIN = 64, SCRATCH_BYTES = LIMIT_TEXT_VALUE_BYTES };
#define REBIRTH_PAUSE_NS (10 * NS_PER_S)
#define BIRTH_WAIT_NS    (NS_PER_S)

/* Of one alias of an edge node. All of a node should differ
 * (tck-id-payloads-alias-uniqueness); there are nodes that count anew for each device. A metric's
 * alias is used under its own device alone, so both are told apart by the device. */
struct alias {
    uint64_t number;
    uint64_t device; // Hash of its name; the node's own: of the empty one.
    uint32_t metric; // Index of a wanted metric; NONE: known, but no point wants it.
    uint32_t datatype;
    bool used;
};

enum birth { BIRTH_NONE = 0, BIRTH_GOOD, BIRTH_DOUBTED };

struct edge {
    struct str group;
    struct str edge;
    enum birth birth;
    uint8_t next_seq;
    bool has_bdseq;
    uint64_t bdseq;
    struct alias *aliases; // Open addressing; capacity a power of two.
    uint32_t alias_count;
    uint32_t alias_capacity;
    int64_t rebirth_due_ns; // Monotonic; 0: no wish.
    int64_t rebirth_last_ns;
};

/* A metric that points want. */
struct metric {
    uint32_t edge;
    struct str device;
    struct str name;
    uint32_t datatype; // Of its birth; 0: not born.
    bool in_birth;     // Seen in the birth that is being read.
    uint32_t first;    // Of its points.
};

struct wanting {
    const struct point *point;
    uint32_t next;
};

struct sparkplug_host {
    struct edge *edges;
    uint32_t edge_count;
    struct metric *metrics;
    uint32_t metric_count;
    struct wanting *points;
    uint32_t point_count;
    uint32_t *slots; // Hash of metrics: index + 1.
    uint32_t slot_mask;
    struct buf scratch;
    uint64_t unclaimed;
};

struct message {
    struct edge *edge;
    uint32_t edge_index;
    struct sparkplug_topic topic;
    struct sparkplug_payload payload;
    bool retained;
};

/* --- tables --- */

static uint32_t find_edge(const struct sparkplug_host *host, struct str group, struct str edge) {
    for (uint32_t i = 0; i < host->edge_count; i++) {
        if (str_eq(host->edges[i].edge, edge) && str_eq(host->edges[i].group, group)) {
            return i;
        }
    }
    return NONE;
}

/* Where the metric stands or would stand among the slots. */
static uint32_t find_slot(
    const struct sparkplug_host *host, uint32_t edge, struct str device, struct str name) {
    uint64_t hash = hash64(name.data, name.size) ^ hash64(device.data, device.size) * 31 ^
                    (uint64_t)edge * 0x9E3779B97F4A7C15ULL;
    uint32_t slot = (uint32_t)(hash ^ hash >> 32) & host->slot_mask;
    while (host->slots[slot] != 0) {
        const struct metric *metric = &host->metrics[host->slots[slot] - 1];
        if (metric->edge == edge && str_eq(metric->name, name) && str_eq(metric->device, device)) {
            break;
        }
        slot = (slot + 1) & host->slot_mask;
    }
    return slot;
}

static uint32_t find_metric(
    const struct sparkplug_host *host, uint32_t edge, struct str device, struct str name) {
    uint32_t found = host->slots[find_slot(host, edge, device, name)];
    return found == 0 ? NONE : found - 1;
}

static void add_point(
    struct sparkplug_host *host, const struct point *point, const struct mqtt_source *source) {
    uint32_t edge = find_edge(host, source->group, source->edge);
    if (edge == NONE) {
        edge = host->edge_count++;
        host->edges[edge] = (struct edge){.group = source->group, .edge = source->edge};
    }
    uint32_t slot = find_slot(host, edge, source->device, source->metric);
    if (host->slots[slot] == 0) {
        host->metrics[host->metric_count] = (struct metric){
            .edge = edge, .device = source->device, .name = source->metric, .first = NONE};
        host->slots[slot] = ++host->metric_count;
    }
    struct metric *metric = &host->metrics[host->slots[slot] - 1];
    host->points[host->point_count] = (struct wanting){.point = point, .next = metric->first};
    metric->first = host->point_count++;
}

struct sparkplug_host *sparkplug_host_new(
    const struct point_group *all, const struct driver_settings *settings) {
    struct sparkplug_host *host = MEM_NEW(struct sparkplug_host);
    size_t count = (size_t)all->count + 1;
    uint32_t size = 16;
    while (size < count * 2) {
        size *= 2;
    }
    host->slot_mask = size - 1;
    host->slots = mem_zero(size, sizeof *host->slots);
    host->edges = MEM_ARRAY(struct edge, count);
    host->metrics = MEM_ARRAY(struct metric, count);
    host->points = MEM_ARRAY(struct wanting, count);
    buf_init(&host->scratch, SCRATCH_BYTES);
    for (uint32_t i = 0; i < all->count; i++) {
        struct mqtt_source source;
        if (mqtt_parse_source(all->points[i].source, settings, &source, NULL) == 0 &&
            source.is_sparkplug) {
            add_point(host, &all->points[i], &source);
        }
    }
    return host;
}

void sparkplug_host_free(struct sparkplug_host *host) {
    if (host == NULL) {
        return;
    }
    for (uint32_t i = 0; i < host->edge_count; i++) {
        mem_free(host->edges[i].aliases);
    }
    buf_fini(&host->scratch);
    mem_free(host->slots);
    mem_free(host->edges);
    mem_free(host->metrics);
    mem_free(host->points);
    mem_free(host);
}

bool sparkplug_host_filter(const struct sparkplug_host *host, uint32_t index, struct buf *out) {
    if (index >= host->edge_count) {
        return false;
    }
    buf_clear(out);
    buf_put_str(out, STR("spBv1.0/"));
    buf_put_str(out, host->edges[index].group);
    buf_put_str(out, STR("/+/"));
    buf_put_str(out, host->edges[index].edge);
    buf_put_str(out, STR("/#"));
    return true;
}

/* --- aliases --- */

static uint64_t device_hash(const struct message *message) {
    return hash64(message->topic.device.data, message->topic.device.size);
}

static struct alias *alias_slot(
    struct alias *aliases, uint32_t capacity, uint64_t device, uint64_t number) {
    uint32_t slot = (uint32_t)((number ^ device) * 0x9E3779B97F4A7C15ULL >> 32) & (capacity - 1);
    while (
        aliases[slot].used && (aliases[slot].number != number || aliases[slot].device != device)) {
        slot = (slot + 1) & (capacity - 1);
    }
    return &aliases[slot];
}

static void forget_aliases(struct edge *edge) {
    mem_free(edge->aliases);
    edge->aliases = NULL;
    edge->alias_count = 0;
    edge->alias_capacity = 0;
}

/* At most SPARKPLUG_METRICS_MAX aliases a node; beyond, they stay unknown. */
static void set_alias(
    const struct message *message, const struct sparkplug_metric *metric, uint32_t index) {
    struct edge *edge = message->edge;
    const uint64_t device = device_hash(message);
    if (edge->alias_count >= SPARKPLUG_METRICS_MAX) {
        return;
    }
    if (edge->alias_count * 2 >= edge->alias_capacity) {
        uint32_t capacity = edge->alias_capacity > 0 ? edge->alias_capacity * 2 : ALIASES_MIN;
        struct alias *grown = MEM_ARRAY(struct alias, capacity);
        for (uint32_t i = 0; i < edge->alias_capacity; i++) {
            if (edge->aliases[i].used) {
                const struct alias *old = &edge->aliases[i];
                *alias_slot(grown, capacity, old->device, old->number) = *old;
            }
        }
        mem_free(edge->aliases);
        edge->aliases = grown;
        edge->alias_capacity = capacity;
    }
    struct alias *alias = alias_slot(edge->aliases, edge->alias_capacity, device, metric->alias);
    edge->alias_count += !alias->used;
    *alias = (struct alias){.number = metric->alias,
        .device = device,
        .metric = index,
        .datatype = metric->datatype,
        .used = true};
}

/* NULL: nobody can say what the metric is. */
static const struct alias *find_alias(
    const struct message *message, const struct sparkplug_metric *metric) {
    const struct edge *edge = message->edge;
    if (!metric->has_alias || edge->birth != BIRTH_GOOD || edge->alias_capacity == 0) {
        return NULL;
    }
    const struct alias *alias =
        alias_slot(edge->aliases, edge->alias_capacity, device_hash(message), metric->alias);
    return alias->used ? alias : NULL;
}

/* --- values --- */

static int64_t ns_of_ms(uint64_t ms) {
    return ms > 0 && ms < (uint64_t)(INT64_MAX / NS_PER_MS) ? (int64_t)ms * NS_PER_MS : -1;
}

static enum status status_of(const struct sparkplug_metric *metric, bool retained) {
    if (!metric->has_quality || metric->quality == SPARKPLUG_QUALITY_GOOD) {
        return retained ? STATUS_UNCERTAIN_LAST_USABLE : STATUS_GOOD;
    }
    return metric->quality == SPARKPLUG_QUALITY_BAD     ? STATUS_BAD
           : metric->quality == SPARKPLUG_QUALITY_STALE ? STATUS_UNCERTAIN_LAST_USABLE
                                                        : STATUS_UNCERTAIN;
}

static void give_one(
    struct point_sink *sink, const struct point *point, const struct sparkplug_value *value) {
    switch (value->kind) {
    case SPARKPLUG_IS_F64: sink_f64(sink, point, value->f64); return;
    case SPARKPLUG_IS_I64: sink_i64(sink, point, value->i64); return;
    case SPARKPLUG_IS_BOOL: sink_bool(sink, point, value->i64 != 0); return;
    case SPARKPLUG_IS_TEXT: sink_text(sink, point, value->text); return;
    case SPARKPLUG_IS_NULL: sink_bad(sink, point, STATUS_BAD_NO_DATA, NULL); return;
    case SPARKPLUG_OUT_OF_RANGE: sink_bad(sink, point, STATUS_BAD_OUT_OF_RANGE, NULL); return;
    case SPARKPLUG_MISMATCH: sink_bad(sink, point, STATUS_BAD_DATA_ENCODING, NULL); return;
    case SPARKPLUG_NO_VALUE: sink_bad(sink, point, STATUS_BAD_TYPE_MISMATCH, NULL); return;
    }
}

static void give(struct sparkplug_host *host, const struct message *message,
    const struct sparkplug_metric *metric, const struct metric *wanted, struct point_sink *sink) {
    uint32_t datatype = metric->datatype != 0 ? metric->datatype : wanted->datatype;
    struct sparkplug_value value;
    sparkplug_value_get(metric, datatype, &host->scratch, &value);
    bool timed = metric->has_time || message->payload.has_time;
    uint64_t time_ms = metric->has_time ? metric->time_ms : message->payload.time_ms;
    sink_time(sink, timed ? ns_of_ms(time_ms) : 0);
    sink_quality(sink, status_of(metric, message->retained && !timed));
    for (uint32_t i = wanted->first; i != NONE; i = host->points[i].next) {
        give_one(sink, host->points[i].point, &value);
    }
}

static void wish_rebirth(struct edge *edge, int64_t due_ns) {
    int64_t earliest = edge->rebirth_last_ns > 0 ? edge->rebirth_last_ns + REBIRTH_PAUSE_NS : 0;
    due_ns = due_ns > earliest ? due_ns : earliest;
    if (edge->rebirth_due_ns == 0 || due_ns < edge->rebirth_due_ns) {
        edge->rebirth_due_ns = due_ns;
    }
}

/* --- births --- */

/* Reads a birth's metrics: names, types, aliases, values. */
static void read_birth(
    struct sparkplug_host *host, const struct message *message, struct point_sink *sink) {
    struct sparkplug_metric metric;
    size_t at = 0;
    while (sparkplug_next(&message->payload, &at, &metric)) {
        if (!metric.has_name) {
            host->unclaimed++; // tck-id-payloads-name-requirement: births have names.
            continue;
        }
        uint32_t index = find_metric(host, message->edge_index, message->topic.device, metric.name);
        if (metric.has_alias) {
            set_alias(message, &metric, index);
        }
        if (message->topic.device.size == 0 && str_eq(metric.name, STR("bdSeq"))) {
            message->edge->has_bdseq = true;
            message->edge->bdseq = metric.number;
        }
        if (index == NONE) {
            continue; // Births list everything; what no point wants is no loss.
        }
        struct metric *wanted = &host->metrics[index];
        wanted->datatype = metric.datatype;
        wanted->in_birth = true;
        give(host, message, &metric, wanted, sink);
    }
}

/* Points of metrics that the birth does not list: the node has no such metric. */
static void mark_unborn(
    struct sparkplug_host *host, const struct message *message, struct point_sink *sink) {
    struct err err = ERR_INIT;
    for (uint32_t m = 0; m < host->metric_count; m++) {
        struct metric *metric = &host->metrics[m];
        if (metric->edge != message->edge_index || !str_eq(metric->device, message->topic.device)) {
            continue;
        }
        if (!metric->in_birth) {
            (void)err_set(&err, ERR_NOT_FOUND, MSG_MQTT_NOT_BORN, ARGS(A_STR(metric->name)));
            for (uint32_t i = metric->first; i != NONE; i = host->points[i].next) {
                sink_bad(sink, host->points[i].point, STATUS_BAD_CONFIGURATION, &err);
            }
        }
        metric->in_birth = false;
    }
}

/* --- messages --- */

/* The number of a message other than NBIRTH. */
static void check_seq(const struct message *message, int64_t mono_ns) {
    struct edge *edge = message->edge;
    if (edge->birth == BIRTH_NONE) {
        wish_rebirth(edge, mono_ns);
        return;
    }
    uint8_t seq = (uint8_t)message->payload.seq;
    bool in_order =
        message->payload.has_seq && message->payload.seq <= UINT8_MAX && seq == edge->next_seq;
    if (!in_order) {
        edge->birth = BIRTH_DOUBTED;
    }
    if (edge->birth == BIRTH_DOUBTED) {
        wish_rebirth(edge, mono_ns);
    }
    edge->next_seq = (uint8_t)(seq + 1);
}

static void take_nbirth(
    struct sparkplug_host *host, const struct message *message, struct point_sink *sink) {
    struct edge *edge = message->edge;
    forget_aliases(edge); // They are the node's as a whole; the devices' births follow.
    edge->birth = BIRTH_GOOD;
    edge->next_seq = (uint8_t)(message->payload.seq + 1);
    edge->has_bdseq = false;
    edge->rebirth_due_ns = 0;
    read_birth(host, message, sink);
    mark_unborn(host, message, sink);
}

static void take_data(struct sparkplug_host *host, const struct message *message, int64_t mono_ns,
    struct point_sink *sink) {
    struct sparkplug_metric metric;
    size_t at = 0;
    while (sparkplug_next(&message->payload, &at, &metric)) {
        uint32_t index = NONE;
        if (metric.has_name && metric.name.size > 0) {
            index = find_metric(host, message->edge_index, message->topic.device, metric.name);
        } else {
            const struct alias *alias = find_alias(message, &metric);
            if (alias == NULL) {
                host->unclaimed++; // Nobody can say what it means.
                wish_rebirth(message->edge, mono_ns);
            } else {
                index = alias->metric;
                metric.datatype = metric.datatype != 0 ? metric.datatype : alias->datatype;
            }
        }
        if (index != NONE) { // Others are told by the node, but no point wants them.
            give(host, message, &metric, &host->metrics[index], sink);
        }
    }
}

/* Everything of the edge (`device` NULL) or of one device is stale from now on. */
static void mark_stale(
    struct sparkplug_host *host, uint32_t edge, const struct str *device, struct point_sink *sink) {
    struct err err = ERR_INIT;
    (void)err_set(&err, ERR_CLOSED, device != NULL ? MSG_MQTT_DEVICE_GONE : MSG_MQTT_NODE_GONE,
        ARGS(A_STR(host->edges[edge].edge), A_STR(device != NULL ? *device : STR_NONE)));
    for (uint32_t m = 0; m < host->metric_count; m++) {
        const struct metric *metric = &host->metrics[m];
        if (metric->edge != edge || (device != NULL && !str_eq(metric->device, *device))) {
            continue;
        }
        for (uint32_t i = metric->first; i != NONE; i = host->points[i].next) {
            sink_bad(sink, host->points[i].point, STATUS_BAD_NOT_CONNECTED, &err);
        }
    }
}

static void take_ndeath(
    struct sparkplug_host *host, const struct message *message, struct point_sink *sink) {
    struct edge *edge = message->edge;
    struct sparkplug_metric metric;
    size_t at = 0;
    while (sparkplug_next(&message->payload, &at, &metric)) {
        bool is_bdseq = metric.has_name && str_eq(metric.name, STR("bdSeq"));
        if (is_bdseq && edge->has_bdseq && metric.number != edge->bdseq) {
            host->unclaimed++; // Of an older connection.
            return;
        }
    }
    mark_stale(host, message->edge_index, NULL, sink);
    forget_aliases(edge);
    edge->birth = BIRTH_NONE;
    /* Of a node whose birth was not heard nobody knows whether this is the last will of its present
     * connection: it is asked all the same. The next death may be that of another connection. */
    edge->rebirth_due_ns = edge->has_bdseq ? 0 : edge->rebirth_due_ns;
    edge->has_bdseq = false;
}

static void take_parsed(struct sparkplug_host *host, const struct message *message, int64_t mono_ns,
    struct point_sink *sink) {
    switch (message->topic.verb) {
    case SPARKPLUG_NBIRTH: take_nbirth(host, message, sink); return;
    case SPARKPLUG_DBIRTH:
        check_seq(message, mono_ns);
        read_birth(host, message, sink);
        mark_unborn(host, message, sink);
        return;
    case SPARKPLUG_NDATA:
    case SPARKPLUG_DDATA:
        check_seq(message, mono_ns);
        take_data(host, message, mono_ns, sink);
        return;
    case SPARKPLUG_DDEATH:
        check_seq(message, mono_ns);
        mark_stale(host, message->edge_index, &message->topic.device, sink);
        return;
    case SPARKPLUG_NDEATH: take_ndeath(host, message, sink); return;
    case SPARKPLUG_NCMD:
    case SPARKPLUG_DCMD:
    case SPARKPLUG_VERB_COUNT: return; // Commands of hosts to the node, ours among them.
    }
}

bool sparkplug_host_take(struct sparkplug_host *host, const struct mqtt_message *given,
    int64_t mono_ns, struct point_sink *sink) {
    struct message message = {.retained = given->is_retained};
    if (!sparkplug_topic_parse(given->topic, &message.topic)) {
        return false;
    }
    message.edge_index = find_edge(host, message.topic.group, message.topic.edge);
    if (message.edge_index == NONE) {
        return false;
    }
    message.edge = &host->edges[message.edge_index];
    bool command = message.topic.verb == SPARKPLUG_NCMD || message.topic.verb == SPARKPLUG_DCMD;
    if (command) {
        return true;
    }
    if (given->payload.size > MQTT_PAYLOAD_BYTES_MAX ||
        sparkplug_parse(given->payload, &message.payload, NULL) < 0) {
        message.edge->birth = BIRTH_DOUBTED;
        wish_rebirth(message.edge, mono_ns);
        return false;
    }
    if (str_eq(message.payload.uuid, STR("SPBV1.0_COMPRESSED"))) {
        return false; // An extension of some nodes, not of the specification.
    }
    take_parsed(host, &message, mono_ns, sink);
    sink_time(sink, 0);
    sink_quality(sink, STATUS_GOOD);
    return true;
}

void sparkplug_host_begin(struct sparkplug_host *host, int64_t mono_ns) {
    for (uint32_t i = 0; i < host->edge_count; i++) {
        wish_rebirth(&host->edges[i], mono_ns + BIRTH_WAIT_NS);
    }
}

void sparkplug_put_rebirth(struct buf *payload, int64_t wall_ns) {
    uint64_t time_ms = (uint64_t)(wall_ns / NS_PER_MS);
    struct sparkplug_metric metric = {.name = STR("Node Control/Rebirth"),
        .has_name = true,
        .has_time = true,
        .time_ms = time_ms};
    sparkplug_set_bool(&metric, true);
    sparkplug_put_time(payload, time_ms);
    sparkplug_put_metric(payload, &metric);
}

void sparkplug_host_refused(struct sparkplug_host *host, struct str filter, struct point_sink *sink,
    const struct err *words) {
    AUTO_BUF struct buf own;
    buf_init(&own, MQTT_TOPIC_BYTES_MAX);
    for (uint32_t m = 0; m < host->metric_count; m++) {
        const struct metric *metric = &host->metrics[m];
        if (!sparkplug_host_filter(host, metric->edge, &own) || !str_eq(filter, buf_str(&own))) {
            continue;
        }
        for (uint32_t i = metric->first; i != NONE; i = host->points[i].next) {
            sink_bad(sink, host->points[i].point, STATUS_BAD_CONFIGURATION, words);
        }
    }
}

bool sparkplug_host_rebirth(struct sparkplug_host *host, int64_t mono_ns, int64_t wall_ns,
    struct buf *topic, struct buf *payload, int64_t *ret_next_ns) {
    *ret_next_ns = INT64_MAX;
    for (uint32_t i = 0; i < host->edge_count; i++) {
        struct edge *edge = &host->edges[i];
        if (edge->rebirth_due_ns == 0) {
            continue;
        }
        if (edge->rebirth_due_ns > mono_ns) {
            *ret_next_ns =
                edge->rebirth_due_ns < *ret_next_ns ? edge->rebirth_due_ns : *ret_next_ns;
            continue;
        }
        edge->rebirth_due_ns = 0;
        edge->rebirth_last_ns = mono_ns;
        buf_clear(topic);
        buf_put_str(topic, STR("spBv1.0/"));
        buf_put_str(topic, edge->group);
        buf_put_str(topic, STR("/NCMD/"));
        buf_put_str(topic, edge->edge);
        buf_clear(payload);
        sparkplug_put_rebirth(payload, wall_ns);
        return true;
    }
    return false;
}

uint64_t sparkplug_host_take_unclaimed(struct sparkplug_host *host) {
    uint64_t unclaimed = host->unclaimed;
    host->unclaimed = 0;
    return unclaimed;
}

void sparkplug_state(
    struct str host_id, bool online, int64_t wall_ns, struct buf *topic, struct buf *payload) {
    buf_clear(topic);
    buf_put_str(topic, STR("spBv1.0/STATE/"));
    buf_put_str(topic, host_id);
    buf_clear(payload);
    buf_printf(payload, "{\"online\":%s,\"timestamp\":%lld}", online ? "true" : "false",
        (long long)(wall_ns / NS_PER_MS));
}
