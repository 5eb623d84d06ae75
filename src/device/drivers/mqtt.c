/*
 * MQTT 3.1.1 in, over libmosquitto (mqtt_client.c), and Sparkplug B 3.0 as a host application
 * (mqtt_sparkplug.c). Plain messages are routed by mqtt_plain.c.
 *
 * Nothing is lost between the broker and the store. With QoS 1 and a persistent session the broker
 * keeps what it has no confirmation for; a confirmation leaves in `acknowledge`, after the values
 * are durable, and nothing else is ever written in between. Up to READ_MAX messages are taken in
 * one go, so that one sync of the disk serves all of them; the broker's own limit of messages under
 * way (mosquitto: max_inflight_messages, 20 by default) decides how many that are. A message that
 * is sent again because its confirmation was lost is recognised by the store when it carries its
 * own time; one without a time is stored again: at least once.
 *
 * A persistent session belongs to the client id, which is made once and kept as a bookmark. Filters
 * of tags that are gone are taken back at the broker with the help of a second bookmark. A session
 * beside the collecting one (listing topics) has a random id and leaves nothing behind; it is told
 * by the bookmarks, which it has not.
 *
 * QoS 2 is not offered: its second half confirms before the message is handed over, so a kill in
 * between would lose what the broker takes for delivered.
 */
#include "device/drivers/mqtt.h"

#include <poll.h>
#include <string.h>

#include "core/clock.h"
#include "core/random.h"

enum {
    READ_MAX = 4000,  // Packets of one call: then they are made durable.
    CARE_PERIODS = 4, // Looks at the keep-alive so often in its time.
    ID_BYTES_MAX = 256,
    BOOKMARK_BYTES_MAX = 4096,
};

#define BROWSE_NS (3 * NS_PER_S) // How long is listened.

/* A SUBSCRIBE that waits for its answer: its filters are wanted[first .. first + count). */
struct subscription {
    int number;
    uint32_t first;
    uint32_t count;
};

struct mqtt_private {
    struct mqtt_client *client;
    bool persistent;
    bool unconfirmed; // Confirmations are queued that must not leave yet.
    bool started;     // Points are known and subscribed.
    int64_t state_ns; // Wall time of the will: STATE repeats it.
    struct mqtt_router *router;
    struct sparkplug_host *host;
    char **wanted; // Filters to subscribe: of plain sources first.
    uint32_t wanted_count;
    struct subscription *subscriptions;
    uint32_t subscription_count;
    uint64_t messages; // Of the running call.
    /* Lent for the running call. */
    struct driver_io *io;
    struct point_sink *sink;
    struct mqtt_browser *browser;
    int granted; // While diagnosing: the answer, -1 not yet.
};

static struct str host_id(const struct driver_io *io) {
    const struct driver_settings *settings = io_settings(io);
    return mqtt_is_sparkplug(settings) ? settings->texts[MQTT_HOST_ID] : STR_NONE;
}

static bool wants_persistent(const struct driver_settings *settings) {
    int64_t kind = settings->values[MQTT_SESSION];
    /* tck-id-message-flow-phid-sparkplug-clean-session-311: hosts are clean unless told. */
    return kind == MQTT_SESSION_PERSISTENT ||
           (kind == MQTT_SESSION_AUTO && !mqtt_is_sparkplug(settings));
}

/* --- client id --- */

static void put_random(struct buf *out) {
    struct random random;
    random_seed_system(&random);
    buf_printf(out, "%08x", (unsigned)random_u64(&random));
}

/* The id of this session; *ret_beside: it runs beside the one that collects. */
static int find_client_id(struct driver_io *io, struct buf *id, bool *ret_beside, struct err *err) {
    struct str given = io_settings(io)->texts[MQTT_CLIENT_ID];
    AUTO_BUF struct buf kept;
    buf_init(&kept, BOOKMARK_BYTES_MAX);
    int result = io_bookmark_get(io, STR("client_id"), &kept, err);
    if (result == -ERR_NOT_FOUND) {
        AUTO_BUF struct buf made;
        buf_init(&made, ID_BYTES_MAX);
        buf_printf(&made, "maru-%.*s-", STR_ARG(io_device(io)));
        put_random(&made);
        result = io_bookmark_put(io, STR("client_id"), buf_str(&made), err);
        if (result < 0) {
            return result;
        }
        result = io_bookmark_get(io, STR("client_id"), &kept, err);
    }
    if (result < 0 && result != -ERR_NOT_FOUND) {
        return result;
    }
    *ret_beside = result < 0; // Nothing is kept for it.
    if (given.size > 0) {
        buf_put_str(id, given);
    } else if (!*ret_beside) {
        buf_put_str(id, buf_str(&kept));
    } else {
        buf_put_str(id, STR("maru"));
    }
    if (*ret_beside) {
        buf_put_char(id, '-');
        put_random(id);
    }
    return 0;
}

/* --- callbacks of the client --- */

static void on_message(void *context, const struct mqtt_message *message) {
    struct mqtt_private *p = context;
    p->messages++;
    p->unconfirmed |= message->qos > 0;
    if (p->browser != NULL) {
        mqtt_browser_take(p->browser, message);
        return;
    }
    if (p->sink == NULL) {
        return; // Diagnosing: only the answers count.
    }
    io_arrived(p->io);
    bool wanted =
        p->host != NULL && sparkplug_host_take(p->host, message, io_mono_ns(p->io), p->sink);
    if (!wanted && p->host != NULL && str_starts(message->topic, STR("spBv1.0/STATE/"))) {
        /* tck-id-message-flow-hid-sparkplug-state-message-delivered: somebody, or our own late
         * will, says that we are offline. */
        struct str id = str_slice(message->topic, strlen("spBv1.0/STATE/"), message->topic.size);
        bool ours = str_eq(id, host_id(p->io));
        struct json_path path;
        struct json_value online;
        (void)json_path_parse(STR("$.online"), &path, NULL); // It is one.
        const struct json_path *paths[] = {&path};
        if (ours && json_scan(message->payload, paths, 1, &online, NULL) == 0 &&
            online.kind == JSON_BOOL && !online.boolean) {
            p->state_ns = 0; // Told again at the end of this call.
        }
        wanted = ours;
    }
    wanted |= p->router != NULL && mqtt_router_take(p->router, message, p->sink);
    if (!wanted) {
        io_unclaimed(p->io, 1);
    }
}

static void on_granted(void *context, int number, const int *qos, int count) {
    struct mqtt_private *p = context;
    p->granted = count > 0 ? qos[0] : 128;
    for (uint32_t i = 0; i < p->subscription_count && p->sink != NULL; i++) {
        const struct subscription *subscription = &p->subscriptions[i];
        for (uint32_t k = 0; subscription->number == number && k < subscription->count; k++) {
            if ((int)k < count && qos[k] <= 2) {
                continue;
            }
            struct str filter = str_of(p->wanted[subscription->first + k]);
            struct err err = ERR_INIT;
            (void)err_set(&err, ERR_FORBIDDEN, MSG_MQTT_SUBSCRIBE_REFUSED, ARGS(A_STR(filter)));
            mqtt_router_refused(p->router, filter, p->sink, &err);
            if (p->host != NULL) {
                sparkplug_host_refused(p->host, filter, p->sink, &err);
            }
        }
    }
}

/* --- session --- */

static void session_forget(struct mqtt_private *p) {
    for (uint32_t i = 0; i < p->wanted_count; i++) {
        mem_free(p->wanted[i]);
    }
    mem_free(p->wanted);
    mem_free(p->subscriptions);
    mqtt_router_free(p->router);
    sparkplug_host_free(p->host);
    *p = (struct mqtt_private){.granted = -1};
}

static int mqtt_open(struct driver_io *io, struct err *err) {
    struct mqtt_private *p = io_private(io);
    const struct driver_settings *settings = io_settings(io);
    session_forget(p);
    AUTO_BUF struct buf id;
    AUTO_BUF struct buf will;
    AUTO_BUF struct buf state;
    buf_init(&id, ID_BYTES_MAX + 512);
    buf_init(&will, MQTT_TOPIC_BYTES_MAX);
    buf_init(&state, 256);
    bool beside = false;
    int result = find_client_id(io, &id, &beside, err);
    if (result < 0) {
        return result;
    }
    p->persistent = wants_persistent(settings) && !beside;
    p->io = io;
    if (host_id(io).size > 0 && !beside) {
        p->state_ns = io_wall_ns(io);
        sparkplug_state(host_id(io), false, p->state_ns, &will, &state);
    }
    const struct mqtt_client_options options = {.client_id = buf_str(&id),
        .user = settings->texts[MQTT_USER],
        .password = settings->texts[MQTT_PASSWORD],
        .ca_file = settings->texts[MQTT_CA_FILE],
        .cert_file = settings->texts[MQTT_CERT_FILE],
        .key_file = settings->texts[MQTT_KEY_FILE],
        .will_topic = buf_str(&will),
        .will_payload = buf_str(&state),
        .keepalive_s = (int)settings->values[MQTT_KEEPALIVE_S],
        .tls = settings->values[MQTT_TLS] != 0,
        .clean = !p->persistent,
        .context = p,
        .message = on_message,
        .granted = on_granted};
    result = mqtt_client_open(io, &options, &p->client, err);
    if (result == 0) {
        io_watch(io, mqtt_client_fd(p->client), POLLIN);
    }
    return result;
}

static void mqtt_close(struct driver_io *io) {
    struct mqtt_private *p = io_private(io);
    bool farewell = p->client != NULL && !p->unconfirmed;
    if (farewell && p->started && host_id(io).size > 0) {
        /* tck-id-host-topic-phid-death-payload-disconnect-clean */
        AUTO_BUF struct buf topic;
        AUTO_BUF struct buf state;
        buf_init(&topic, MQTT_TOPIC_BYTES_MAX);
        buf_init(&state, 256);
        sparkplug_state(host_id(io), false, io_wall_ns(io), &topic, &state);
        (void)mqtt_client_publish(p->client, buf_z(&topic), buf_str(&state), 1, true, NULL);
    }
    mqtt_client_close(p->client, io, farewell);
    p->client = NULL;
    session_forget(p);
}

/* --- subscribing --- */

static void want(struct mqtt_private *p, struct str filter) {
    p->wanted[p->wanted_count++] = mem_copy_z(filter);
}

/* What the session shall be subscribed to. */
static void list_wanted(struct mqtt_private *p, const struct point_group *all) {
    struct str *filters = NULL;
    uint32_t count = mqtt_router_filters(p->router, &filters);
    p->wanted = mem_zero((size_t)all->count + count + 4, sizeof *p->wanted);
    for (uint32_t i = 0; i < count; i++) {
        want(p, filters[i]);
    }
    if (p->host == NULL) {
        return;
    }
    AUTO_BUF struct buf filter;
    buf_init(&filter, MQTT_TOPIC_BYTES_MAX);
    for (uint32_t i = 0; sparkplug_host_filter(p->host, i, &filter); i++) {
        want(p, buf_str(&filter));
    }
    if (host_id(p->io).size > 0) {
        buf_clear(&filter);
        buf_put_str(&filter, STR("spBv1.0/STATE/"));
        buf_put_str(&filter, host_id(p->io));
        want(p, buf_str(&filter));
    }
}

/* The next filter of a kept list. Within a filter `#` is the last character, so "#/" ends one. */
#define FILTER_END STR("#/")
static struct str cut_filter(struct str *rest) {
    for (size_t i = 0; i < rest->size; i++) {
        if (str_starts(str_slice(*rest, i, rest->size), FILTER_END)) {
            struct str filter = str_slice(*rest, 0, i);
            *rest = str_slice(*rest, i + FILTER_END.size, rest->size);
            return filter;
        }
    }
    *rest = STR_NONE;
    return STR_NONE;
}

/* Takes back what a persistent session was subscribed to and no tag wants any more. */
static int unsubscribe_old(struct mqtt_private *p, struct err *err) {
    AUTO_BUF struct buf old;
    buf_init(&old, BOOKMARK_BYTES_MAX);
    int result = io_bookmark_get(p->io, STR("filters"), &old, err);
    if (result < 0) {
        return result == -ERR_NOT_FOUND ? 0 : result;
    }
    struct str rest = buf_str(&old);
    while (rest.size > 0) {
        struct str filter = cut_filter(&rest);
        bool still = false;
        for (uint32_t i = 0; i < p->wanted_count && !still; i++) {
            still = str_eq(filter, str_of(p->wanted[i]));
        }
        AUTO_FREE char *text = mem_copy_z(filter);
        result = still || filter.size == 0 ? 0 : mqtt_client_unsubscribe(p->client, text, err);
        if (result < 0) {
            return result;
        }
    }
    return 0;
}

/* Keeps the list for the next session, as far as a bookmark reaches. */
static int keep_filters(struct mqtt_private *p, struct err *err) {
    AUTO_BUF struct buf list;
    buf_init(&list, BOOKMARK_BYTES_MAX);
    for (uint32_t i = 0; i < p->wanted_count; i++) {
        size_t size = strlen(p->wanted[i]);
        if (list.size + size + FILTER_END.size > BOOKMARK_BYTES_MAX) {
            break;
        }
        buf_put(&list, p->wanted[i], size);
        buf_put_str(&list, FILTER_END);
    }
    return io_bookmark_put(p->io, STR("filters"), buf_str(&list), err);
}

static int subscribe_all(struct mqtt_private *p, struct err *err) {
    int qos = (int)io_settings(p->io)->values[MQTT_QOS];
    uint32_t packets = p->wanted_count / MQTT_SUBSCRIBE_MAX + 1;
    p->subscriptions = MEM_ARRAY(struct subscription, packets);
    for (uint32_t first = 0; first < p->wanted_count; first += MQTT_SUBSCRIBE_MAX) {
        uint32_t left = p->wanted_count - first;
        uint32_t count = left < MQTT_SUBSCRIBE_MAX ? left : MQTT_SUBSCRIBE_MAX;
        struct subscription *subscription = &p->subscriptions[p->subscription_count++];
        *subscription = (struct subscription){.first = first, .count = count};
        int result = mqtt_client_subscribe(
            p->client, p->wanted + first, (int)count, qos, &subscription->number, err);
        if (result < 0) {
            return result;
        }
    }
    return 0;
}

/* tck-id-message-flow-phid-sparkplug-state-publish, -payload, -payload-timestamp. */
static int tell_state(struct mqtt_private *p, struct err *err) {
    if (host_id(p->io).size == 0) {
        return 0;
    }
    AUTO_BUF struct buf topic;
    AUTO_BUF struct buf state;
    buf_init(&topic, MQTT_TOPIC_BYTES_MAX);
    buf_init(&state, 256);
    p->state_ns = p->state_ns != 0 ? p->state_ns : io_wall_ns(p->io);
    sparkplug_state(host_id(p->io), true, p->state_ns, &topic, &state);
    return mqtt_client_publish(p->client, buf_z(&topic), buf_str(&state), 1, true, err);
}

/* The first call of a session: the points are known now. */
static int start(struct mqtt_private *p, const struct point_group *all, struct err *err) {
    const struct driver_settings *settings = io_settings(p->io);
    p->router = mqtt_router_new(all, settings);
    p->host = mqtt_is_sparkplug(settings) ? sparkplug_host_new(all, settings) : NULL;
    list_wanted(p, all);
    int result = p->persistent ? unsubscribe_old(p, err) : 0;
    if (result == 0) {
        result = subscribe_all(p, err);
    }
    if (result == 0 && p->host != NULL) {
        /* tck-id-message-flow-phid-sparkplug-subscription: before STATE. */
        result = tell_state(p, err);
        sparkplug_host_begin(p->host, io_mono_ns(p->io));
    }
    if (result == 0 && p->persistent) {
        result = keep_filters(p, err);
    }
    p->started = result == 0;
    return result;
}

/* Queues what the host has to ask; the time at which it wants to look again. */
static int ask_rebirths(struct mqtt_private *p, int64_t *ret_next_ns, struct err *err) {
    AUTO_BUF struct buf topic;
    AUTO_BUF struct buf payload;
    buf_init(&topic, MQTT_TOPIC_BYTES_MAX);
    buf_init(&payload, 4096);
    while (sparkplug_host_rebirth(
        p->host, io_mono_ns(p->io), io_wall_ns(p->io), &topic, &payload, ret_next_ns)) {
        int result =
            mqtt_client_publish(p->client, buf_z(&topic), buf_str(&payload), 0, false, err);
        if (result < 0) {
            return result;
        }
    }
    return 0;
}

static int mqtt_receive(
    struct driver_io *io, const struct point_group *all, struct point_sink *sink, struct err *err) {
    struct mqtt_private *p = io_private(io);
    p->io = io;
    p->sink = sink;
    p->messages = 0;
    int result = p->started ? 0 : start(p, all, err);
    bool dry = false;
    if (result == 0) {
        result = mqtt_client_read(p->client, READ_MAX, &dry, err);
    }
    if (result == 0) {
        result = mqtt_client_care(p->client, err);
    }
    int64_t next_ns = INT64_MAX;
    if (result == 0 && p->host != NULL) {
        io_unclaimed(io, sparkplug_host_take_unclaimed(p->host));
        result = p->state_ns == 0 ? tell_state(p, err) : 0;
        result = result == 0 ? ask_rebirths(p, &next_ns, err) : result;
    }
    p->sink = NULL;
    if (result < 0) {
        return result;
    }
    sink_alive(sink);
    /* What TLS holds decrypted does not make the descriptor ready: look again until it is dry. */
    int64_t care_ns = io_settings(io)->values[MQTT_KEEPALIVE_S] * NS_PER_S / CARE_PERIODS;
    int64_t now_ns = io_mono_ns(io);
    next_ns = next_ns < now_ns + care_ns ? next_ns : now_ns + care_ns;
    io_wake_at(io, dry ? next_ns : now_ns);
    return 0;
}

/* Everything read so far is durable: confirmations and requests may leave. */
static int mqtt_acknowledge(struct driver_io *io, struct err *err) {
    struct mqtt_private *p = io_private(io);
    int result = mqtt_client_flush(p->client, io, err);
    p->unconfirmed = p->unconfirmed && result < 0;
    return result;
}

static struct driver_span mqtt_span(const struct driver_settings *settings, uint32_t space) {
    (void)settings;
    (void)space;
    return (struct driver_span){.max_length = 1};
}

/* --- beside the collecting session --- */

/* Subscribes and reads until the time is over, or until the broker's answer where `answer_only`. */
static int listen_for(struct mqtt_private *p, struct driver_io *io, char *filter, int64_t until_ns,
    bool answer_only, struct err *err) {
    char *filters[] = {filter};
    int number = 0;
    p->io = io;
    p->granted = -1;
    (void)io_request_sent(io);
    int result = mqtt_client_subscribe(p->client, filters, 1, 0, &number, err);
    while (result == 0 && io_mono_ns(io) < until_ns && !(answer_only && p->granted >= 0)) {
        bool dry = false;
        (void)io_request_sent(io); // Its deadline.
        result = mqtt_client_flush(p->client, io, err);
        if (result == 0) {
            result = mqtt_client_read(p->client, READ_MAX, &dry, err);
        }
        if (result == 0 && dry && !(answer_only && p->granted >= 0)) {
            result = io_wait(io, mqtt_client_fd(p->client), POLLIN, err);
            if (result == -ERR_TIMEOUT) {
                err_clear(err);
                result = 0;
            }
        }
    }
    return result;
}

static int mqtt_browse(
    struct driver_io *io, struct str under, struct browse_list *list, struct err *err) {
    struct mqtt_private *p = io_private(io);
    bool sparkplug = mqtt_is_sparkplug(io_settings(io));
    struct str all = sparkplug ? STR("spBv1.0/#") : STR("#");
    if (under.size > 0 && !mqtt_filter_is_good(under)) {
        return err_set(err, ERR_INVALID, MSG_MQTT_FILTER, ARGS(A_STR(under)));
    }
    AUTO_FREE char *filter = mem_copy_z(under.size > 0 ? under : all);
    struct mqtt_browser *browser = mqtt_browser_new(p->client, list, sparkplug);
    p->browser = browser;
    int result = listen_for(p, io, filter, io_mono_ns(io) + BROWSE_NS, false, err);
    p->browser = NULL;
    mqtt_browser_free(browser);
    p->unconfirmed = false;
    if (result == 0 && p->granted == 128) {
        return err_set(err, ERR_FORBIDDEN, MSG_MQTT_SUBSCRIBE_REFUSED, ARGS(A_CSTR(filter)));
    }
    return result;
}

static int mqtt_diagnose(
    struct driver_io *io, const struct point *point, struct diagnosis *diagnosis, struct err *err) {
    struct mqtt_private *p = io_private(io);
    struct err words = ERR_INIT;
    (void)err_set(&words, ERR_INVALID, MSG_MQTT_SIGNED_IN, ARGS(A_STR(io_address(io))));
    diagnosis_add(diagnosis, VERDICT_GOOD, &words);
    struct mqtt_source source;
    if (point == NULL || mqtt_parse_source(point->source, io_settings(io), &source, NULL) < 0) {
        return 0;
    }
    AUTO_BUF struct buf filter;
    buf_init(&filter, MQTT_TOPIC_BYTES_MAX);
    if (source.is_sparkplug) {
        buf_printf(&filter, "spBv1.0/%.*s/+/%.*s/#", STR_ARG(source.group), STR_ARG(source.edge));
    } else {
        buf_put_str(&filter, source.filter);
    }
    AUTO_FREE char *text = mem_copy_z(buf_str(&filter));
    p->messages = 0;
    int result = listen_for(p, io, text, io_mono_ns(io) + BROWSE_NS, true, err);
    if (result < 0) {
        return result;
    }
    bool granted = p->granted >= 0 && p->granted <= 2;
    (void)err_set(&words, ERR_INVALID, granted ? MSG_MQTT_SUBSCRIBED : MSG_MQTT_SUBSCRIBE_REFUSED,
        ARGS(A_CSTR(text)));
    diagnosis_add(diagnosis, granted ? VERDICT_GOOD : VERDICT_BAD, &words);
    if (granted && p->messages == 0) {
        result = listen_for(p, io, text, io_mono_ns(io) + BROWSE_NS, false, err);
        bool came = p->messages > 0;
        (void)err_set(&words, ERR_INVALID, came ? MSG_MQTT_MESSAGES_COME : MSG_MQTT_NO_MESSAGE,
            ARGS(A_CSTR(text)));
        diagnosis_add(diagnosis, came ? VERDICT_GOOD : VERDICT_NOTE, &words);
    }
    p->unconfirmed = false;
    return result;
}

const struct driver driver_mqtt;
const struct driver driver_mqtt = {
    .name = "mqtt",
    .help_en =
        "MQTT broker (host:port, usually 1883, 8883 with tls=yes). A tag's source is a topic or a "
        "filter with + and #, and a path into JSON where the payload is JSON: plant/line1/temp, "
        "plant/+/state $.run, plant/a $.t time=$.ts ms; `text` keeps a payload as it is written, "
        "`number` reads a number from a text. With mode=sparkplug: sparkplug:GROUP/EDGE/DEVICE "
        "Metric Name. With qos=1 a message is confirmed after it is stored; one that carries its "
        "time is stored exactly once, one without it at least once.",
    .help_ko =
        "MQTT 브로커(호스트:포트, 보통 1883, tls=yes이면 8883)에서 받습니다. 태그 주소는 토픽 또는 "
        "+, #를 "
        "쓴 필터이며 JSON이면 경로를 덧붙입니다: plant/line1/temp, plant/+/state $.run, plant/a "
        "$.t "
        "time=$.ts ms. `text`는 페이로드를 글자 그대로, `number`는 글자를 숫자로 읽습니다. "
        "mode=sparkplug이면 sparkplug:GROUP/EDGE/DEVICE 메트릭이름으로 씁니다. qos=1이면 저장한 "
        "뒤에 확인 응답을 보냅니다. 시각이 있는 메시지는 정확히 한 번, 없는 메시지는 적어도 한 번 "
        "저장합니다.",
    .options = mqtt_options,
    .private_bytes = sizeof(struct mqtt_private),
    .events = true,
    .check_address = mqtt_check_address,
    .parse_address = mqtt_parse_address,
    .span = mqtt_span,
    .open = mqtt_open,
    .close = mqtt_close,
    .receive = mqtt_receive,
    .acknowledge = mqtt_acknowledge,
    .browse = mqtt_browse,
    .diagnose = mqtt_diagnose,
};
