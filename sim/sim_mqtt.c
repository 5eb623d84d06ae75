/*
 * The packets of MQTT 3.1.1 (OASIS, 2014) that a publisher and a listener need: CONNECT, PUBLISH,
 * PUBACK, SUBSCRIBE, PINGREQ, DISCONNECT and their answers. What arrives while an answer is waited
 * for is kept for sim_mqtt_next.
 */
#include "sim/sim_mqtt.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "core/bytes.h"
#include "core/clock.h"
#include "core/mem.h"

enum {
    PACKET_BYTES_MAX = 4 << 20,
    WAITING_BYTES_MAX = 64 << 20,
    ANSWER_MS = 5000,
    KEEPALIVE_S = 60,
    PING_AFTER_MS = 20000,
};
/* Types of packets, shifted as in the first byte. */
enum {
    CONNECT = 0x10,
    CONNACK = 0x20,
    PUBLISH = 0x30,
    PUBACK = 0x40,
    SUBSCRIBE = 0x82,
    SUBACK = 0x90,
    PINGREQ = 0xC0,
    DISCONNECT = 0xE0,
};

struct sim_mqtt {
    int fd;
    uint16_t number;    // Of the last packet that wants an answer.
    struct buf in;      // Bytes of the wire.
    struct buf waiting; // PUBLISH packets that came beside: length, first byte, body.
    struct buf taken;   // The one that was given out.
    int64_t sent_ns;
};

static int fail(struct err *err, const char *what) {
    return err_set_errno(err, errno != 0 ? errno : EPROTO, str_of(what));
}

static int send_all(struct sim_mqtt *mqtt, const struct buf *bytes, struct err *err) {
    size_t done = 0;
    mqtt->sent_ns = clock_mono_ns(clock_system());
    while (done < bytes->size) {
        ssize_t sent = send(mqtt->fd, bytes->data + done, bytes->size - done, MSG_NOSIGNAL);
        if (sent < 0 && errno != EINTR) {
            return fail(err, "send");
        }
        done += sent > 0 ? (size_t)sent : 0;
    }
    return 0;
}

/* First byte, length, body. */
static int send_packet(
    struct sim_mqtt *mqtt, uint8_t first, const struct buf *body, struct err *err) {
    AUTO_BUF struct buf packet;
    buf_init(&packet, PACKET_BYTES_MAX);
    write_u8(&packet, first);
    write_varint(&packet, body->size); // The same form as MQTT's remaining length.
    buf_put(&packet, body->data, body->size);
    return send_all(mqtt, &packet, err);
}

static void put_text(struct buf *out, struct str text) {
    write_u16_be(out, (uint16_t)text.size);
    buf_put(out, text.data, text.size);
}

/* A whole packet at the front of the input: its size, or 0. */
static size_t packet_size(const struct sim_mqtt *mqtt, size_t *ret_head) {
    struct reader r = reader_of(mqtt->in.data, mqtt->in.size);
    (void)read_u8(&r);
    uint64_t size = read_varint(&r);
    if (r.failed || size > reader_left(&r)) {
        return 0;
    }
    *ret_head = r.offset;
    return r.offset + (size_t)size;
}

/* Reads until a packet is whole: 1; 0 at the deadline. */
static int fill(struct sim_mqtt *mqtt, int64_t deadline_ns, struct err *err) {
    size_t head = 0;
    while (packet_size(mqtt, &head) == 0) {
        int64_t left_ms = (deadline_ns - clock_mono_ns(clock_system())) / NS_PER_MS;
        struct pollfd fd = {.fd = mqtt->fd, .events = POLLIN};
        int ready = poll(&fd, 1, left_ms > 0 ? (int)left_ms : 0);
        if (ready == 0) {
            return 0;
        }
        uint8_t *room = buf_reserve(&mqtt->in, 4096);
        ssize_t got = room != NULL ? recv(mqtt->fd, room, 4096, 0) : -1;
        if (got <= 0) {
            errno = got == 0 ? ECONNRESET : errno;
            return fail(err, "recv");
        }
        buf_commit(&mqtt->in, (size_t)got);
    }
    return 1;
}

static int confirm(struct sim_mqtt *mqtt, uint16_t number, struct err *err) {
    AUTO_BUF struct buf body;
    buf_init(&body, 8);
    write_u16_be(&body, number);
    return send_packet(mqtt, PUBACK, &body, err);
}

/* Takes a PUBLISH out of its body; confirms it. */
static int take_publish(struct sim_mqtt *mqtt, uint8_t first, struct str body,
    struct sim_mqtt_message *ret_message, struct err *err) {
    struct reader r = reader_of(body.data, body.size);
    uint16_t size = read_u16_be(&r);
    const uint8_t *topic = read_bytes(&r, size);
    uint16_t number = (first & 0x06) != 0 ? read_u16_be(&r) : 0;
    if (r.failed) {
        errno = EPROTO;
        return fail(err, "publish");
    }
    *ret_message = (struct sim_mqtt_message){.topic = {(const char *)topic, size},
        .payload = {body.data + r.offset, body.size - r.offset},
        .is_retained = (first & 1) != 0};
    int result = number != 0 ? confirm(mqtt, number, err) : 0;
    return result < 0 ? result : 1;
}

/* Waits for a packet of that type; messages that come meanwhile are kept. */
static int wait_for(struct sim_mqtt *mqtt, uint8_t type, struct buf *body, struct err *err) {
    int64_t deadline_ns = clock_mono_ns(clock_system()) + ANSWER_MS * NS_PER_MS;
    for (;;) {
        int got = fill(mqtt, deadline_ns, err);
        if (got <= 0) {
            return got < 0 ? got : err_set(err, ERR_TIMEOUT, MSG_NONE, NO_ARGS);
        }
        size_t head = 0;
        size_t size = packet_size(mqtt, &head);
        uint8_t first = mqtt->in.data[0];
        if ((first & 0xF0) == PUBLISH) {
            write_u32_le(&mqtt->waiting, (uint32_t)(size - head));
            write_u8(&mqtt->waiting, first);
            buf_put(&mqtt->waiting, mqtt->in.data + head, size - head);
        }
        bool wanted = (first & 0xF0) == (type & 0xF0);
        if (wanted) {
            buf_put(body, mqtt->in.data + head, size - head);
        }
        buf_drop_front(&mqtt->in, size);
        if (wanted) {
            return 0;
        }
    }
}

static int connect_to(uint16_t port, struct err *err) {
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in address = {.sin_family = AF_INET,
        .sin_port = htons(port),
        .sin_addr = {.s_addr = htonl(INADDR_LOOPBACK)}};
    if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof address) != 0) {
        int result = fail(err, "connect");
        if (fd >= 0) {
            (void)close(fd);
        }
        return result;
    }
    int one = 1;
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one); // Only faster.
    struct timeval patience = {.tv_sec = ANSWER_MS / 1000};
    (void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience); // Always allowed.
    return fd;
}

/* Clause 3.1: CONNECT, and its answer. */
static int sign_in(struct sim_mqtt *mqtt, const struct sim_mqtt_options *options, struct err *err) {
    AUTO_BUF struct buf body;
    AUTO_BUF struct buf answer;
    buf_init(&body, PACKET_BYTES_MAX);
    buf_init(&answer, 64);
    put_text(&body, STR("MQTT"));
    write_u8(&body, 4);
    int will = options->will_topic != NULL ? 4 | options->will_qos << 3 : 0;
    write_u8(&body, (uint8_t)((options->keep_session ? 0 : 2) | will));
    write_u16_be(&body, KEEPALIVE_S);
    put_text(&body, str_of(options->client_id));
    if (options->will_topic != NULL) {
        put_text(&body, str_of(options->will_topic));
        put_text(&body, options->will_payload);
    }
    int result = send_packet(mqtt, CONNECT, &body, err);
    result = result == 0 ? wait_for(mqtt, CONNACK, &answer, err) : result;
    if (result == 0 && (answer.size != 2 || answer.data[1] != 0)) {
        errno = ECONNREFUSED;
        return fail(err, "CONNACK");
    }
    return result;
}

int sim_mqtt_open(
    const struct sim_mqtt_options *options, struct sim_mqtt **ret_mqtt, struct err *err) {
    int fd = connect_to(options->port, err);
    if (fd < 0) {
        return fd;
    }
    struct sim_mqtt *mqtt = MEM_NEW(struct sim_mqtt);
    mqtt->fd = fd;
    buf_init(&mqtt->in, PACKET_BYTES_MAX);
    buf_init(&mqtt->waiting, WAITING_BYTES_MAX);
    buf_init(&mqtt->taken, PACKET_BYTES_MAX);
    int result = sign_in(mqtt, options, err);
    if (result < 0) {
        sim_mqtt_close(mqtt, false);
        return result;
    }
    *ret_mqtt = mqtt;
    return 0;
}

void sim_mqtt_close(struct sim_mqtt *mqtt, bool farewell) {
    if (mqtt == NULL) {
        return;
    }
    AUTO_BUF struct buf nothing;
    buf_init(&nothing, 1);
    if (farewell) {
        (void)send_packet(mqtt, DISCONNECT, &nothing, NULL); // It closes either way.
    }
    (void)close(mqtt->fd);
    buf_fini(&mqtt->in);
    buf_fini(&mqtt->waiting);
    buf_fini(&mqtt->taken);
    mem_free(mqtt);
}

static uint16_t next_number(struct sim_mqtt *mqtt) {
    mqtt->number = mqtt->number == UINT16_MAX ? 1 : (uint16_t)(mqtt->number + 1);
    return mqtt->number;
}

int sim_mqtt_publish(struct sim_mqtt *mqtt, const char *topic, struct str payload, int qos,
    bool retain, struct err *err) {
    AUTO_BUF struct buf body;
    AUTO_BUF struct buf answer;
    buf_init(&body, PACKET_BYTES_MAX);
    buf_init(&answer, 64);
    put_text(&body, str_of(topic));
    if (qos > 0) {
        write_u16_be(&body, next_number(mqtt));
    }
    buf_put(&body, payload.data, payload.size);
    int result =
        send_packet(mqtt, (uint8_t)(PUBLISH | (qos > 0 ? 2 : 0) | (retain ? 1 : 0)), &body, err);
    return result == 0 && qos > 0 ? wait_for(mqtt, PUBACK, &answer, err) : result;
}

int sim_mqtt_subscribe(struct sim_mqtt *mqtt, const char *filter, int qos, struct err *err) {
    AUTO_BUF struct buf body;
    AUTO_BUF struct buf answer;
    buf_init(&body, PACKET_BYTES_MAX);
    buf_init(&answer, 64);
    write_u16_be(&body, next_number(mqtt));
    put_text(&body, str_of(filter));
    write_u8(&body, (uint8_t)qos);
    int result = send_packet(mqtt, SUBSCRIBE, &body, err);
    return result == 0 ? wait_for(mqtt, SUBACK, &answer, err) : result;
}

/* A message that came beside an answer. */
static bool take_waiting(struct sim_mqtt *mqtt, uint8_t *ret_first) {
    struct reader r = reader_of(mqtt->waiting.data, mqtt->waiting.size);
    if (reader_left(&r) == 0) {
        return false;
    }
    uint32_t size = read_u32_le(&r);
    *ret_first = read_u8(&r);
    buf_put(&mqtt->taken, mqtt->waiting.data + r.offset, size);
    buf_drop_front(&mqtt->waiting, r.offset + size);
    return true;
}

int sim_mqtt_next(struct sim_mqtt *mqtt, int64_t timeout_ms, struct sim_mqtt_message *ret_message,
    struct err *err) {
    int64_t deadline_ns = clock_mono_ns(clock_system()) + timeout_ms * NS_PER_MS;
    buf_clear(&mqtt->taken);
    uint8_t first = 0;
    if (take_waiting(mqtt, &first)) {
        return take_publish(mqtt, first, buf_str(&mqtt->taken), ret_message, err);
    }
    if (clock_mono_ns(clock_system()) - mqtt->sent_ns > PING_AFTER_MS * NS_PER_MS) {
        AUTO_BUF struct buf nothing;
        buf_init(&nothing, 1);
        int result = send_packet(mqtt, PINGREQ, &nothing, err);
        if (result < 0) {
            return result;
        }
    }
    int got = 1;
    while ((got = fill(mqtt, deadline_ns, err)) > 0) {
        size_t head = 0;
        size_t size = packet_size(mqtt, &head);
        first = mqtt->in.data[0];
        buf_clear(&mqtt->taken);
        buf_put(&mqtt->taken, mqtt->in.data + head, size - head);
        buf_drop_front(&mqtt->in, size);
        if ((first & 0xF0) == PUBLISH) {
            return take_publish(mqtt, first, buf_str(&mqtt->taken), ret_message, err);
        }
    }
    return got;
}
