/* The simulated edge node: its machine is plausible and repeatable, its packets follow Sparkplug
 * 3.0. The test plays the broker, byte by byte, so no broker need be installed. */
#include <math.h>
#include <netinet/in.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/bytes.h"
#include "sim/sim_sparkplug.h"

enum { PATIENCE_MS = 20000, PACKET_MAX = 65536 };

/* --- the machine --- */

static const struct sim_sparkplug_row *row_of(const char *tag) {
    size_t count = 0;
    const struct sim_sparkplug_row *rows = sim_sparkplug_rows(&count);
    for (size_t i = 0; i < count; i++) {
        if (strcmp(rows[i].tag, tag) == 0) {
            return &rows[i];
        }
    }
    fail_msg("no tag %s", tag);
    return NULL;
}

static double value_of(const struct sim_sparkplug *node, const char *tag) {
    return sim_sparkplug_value(node, row_of(tag));
}

static void the_compressor_loads_unloads_trips_and_counts(void **state) {
    (void)state;
    struct sim_sparkplug *node = sim_sparkplug_new(7);
    double hours = value_of(node, "util.comp1.hours");
    double energy = value_of(node, "util.comp1.energy_kwh");
    double before = 0;
    int loads = 0;
    int trips = 0;
    for (int s = 0; s < 3 * 3600; s++) {
        sim_sparkplug_age(node, 1000);
        double pressure = value_of(node, "util.comp1.pressure");
        double oil = value_of(node, "util.comp1.temp_oil");
        double loaded = value_of(node, "util.comp1.loaded");
        assert_true(pressure > 3 && pressure < 7.5);
        assert_true(oil > 30 && oil < 106);
        assert_true(value_of(node, "util.comp1.flow") >= 0);
        loads += loaded > before;
        before = loaded;
        trips += value_of(node, "util.comp1.alarm_code") == 710;
    }
    assert_true(loads > 60);
    assert_true(trips > 30 && trips < 1500); // Seconds.
    double ran = value_of(node, "util.comp1.hours") - hours;
    assert_true(ran > 2 && ran <= 3.01);
    assert_true(value_of(node, "util.comp1.loaded_hours") < value_of(node, "util.comp1.hours"));
    double used = value_of(node, "util.comp1.energy_kwh") - energy;
    assert_true(used > 10 * ran && used < 38 * ran + 3);
    sim_sparkplug_stop(node);
}

static void a_seed_gives_the_same_day(void **state) {
    (void)state;
    struct sim_sparkplug *nodes[3] = {
        sim_sparkplug_new(5), sim_sparkplug_new(5), sim_sparkplug_new(6)};
    for (int i = 0; i < 3; i++) {
        sim_sparkplug_age(nodes[i], 300000);
    }
    size_t count = 0;
    const struct sim_sparkplug_row *rows = sim_sparkplug_rows(&count);
    bool differs = false;
    for (size_t i = 0; i < count; i++) {
        double value = sim_sparkplug_value(nodes[0], &rows[i]);
        assert_true(value == sim_sparkplug_value(nodes[1], &rows[i]));
        assert_true(isfinite(value));
        assert_true(isnan(rows[i].min) || (value >= rows[i].min));
        assert_true(isnan(rows[i].max) || (value <= rows[i].max));
        differs |= value != sim_sparkplug_value(nodes[2], &rows[i]);
    }
    assert_true(differs);
    for (int i = 0; i < 3; i++) {
        sim_sparkplug_stop(nodes[i]);
    }
}

/* --- the broker --- */

struct peer {
    int listener;
    int fd;
    uint16_t port;
};

struct packet {
    uint8_t first;
    uint8_t body[PACKET_MAX];
    size_t size;
};

static void peer_init(struct peer *peer) {
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_addr = {.s_addr = htonl(INADDR_LOOPBACK)}};
    socklen_t size = sizeof address;
    peer->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(peer->listener, (struct sockaddr *)&address, size), 0);
    assert_int_equal(getsockname(peer->listener, (struct sockaddr *)&address, &size), 0);
    assert_int_equal(listen(peer->listener, 4), 0);
    peer->port = ntohs(address.sin_port);
    peer->fd = -1;
}

static void wait_for(int fd) {
    struct pollfd wait = {.fd = fd, .events = POLLIN};
    assert_int_equal(poll(&wait, 1, PATIENCE_MS), 1);
}

static void take_bytes(struct peer *peer, void *to, size_t size) {
    for (size_t done = 0; done < size;) {
        wait_for(peer->fd);
        ssize_t got = recv(peer->fd, (uint8_t *)to + done, size - done, 0);
        assert_true(got > 0);
        done += (size_t)got;
    }
}

static void take_packet(struct peer *peer, struct packet *packet) {
    take_bytes(peer, &packet->first, 1);
    packet->size = 0;
    uint8_t byte = 0x80;
    for (unsigned shift = 0; (byte & 0x80) != 0; shift += 7) {
        assert_true(shift < 28);
        take_bytes(peer, &byte, 1);
        packet->size |= (size_t)(byte & 0x7F) << shift;
    }
    assert_true(packet->size <= sizeof packet->body);
    take_bytes(peer, packet->body, packet->size);
}

static void give_bytes(struct peer *peer, const void *bytes, size_t size) {
    assert_int_equal(send(peer->fd, bytes, size, MSG_NOSIGNAL), (ssize_t)size);
}

/* Takes the connection; the will's topic and payload. */
static void take_connect(struct peer *peer, struct packet *packet, struct str *ret_will) {
    wait_for(peer->listener);
    peer->fd = accept(peer->listener, NULL, NULL);
    assert_true(peer->fd >= 0);
    take_packet(peer, packet);
    assert_int_equal(packet->first, 0x10);
    assert_int_equal(packet->body[7] & 0x3E, 0x0E); // Clean, will, QoS 1, not retained.
    struct reader r = reader_of(packet->body, packet->size);
    read_skip(&r, 10);
    read_skip(&r, read_u16_be(&r));
    uint16_t size = read_u16_be(&r);
    const char *topic = (const char *)read_bytes(&r, size);
    assert_true(str_eq((struct str){topic, size}, STR("spBv1.0/Maru/NDEATH/Utility")));
    size = read_u16_be(&r);
    *ret_will = (struct str){(const char *)read_bytes(&r, size), size};
    assert_false(r.failed);
    give_bytes(peer, "\x20\x02\x00\x00", 4);
}

static void take_subscribe(struct peer *peer, struct packet *packet) {
    take_packet(peer, packet);
    assert_int_equal(packet->first, 0x82);
    assert_memory_equal(packet->body + 4, "spBv1.0/Maru/NCMD/Utility", 25);
    uint8_t answer[5] = {0x90, 3, packet->body[0], packet->body[1], 1};
    give_bytes(peer, answer, sizeof answer);
}

/* A PUBLISH of QoS 0 with this topic: its payload. */
static struct str take_publish(struct peer *peer, struct packet *packet, const char *topic) {
    take_packet(peer, packet);
    assert_int_equal(packet->first, 0x30);
    struct reader r = reader_of(packet->body, packet->size);
    uint16_t size = read_u16_be(&r);
    const char *text = (const char *)read_bytes(&r, size);
    assert_false(r.failed);
    if (!str_eq((struct str){text, size}, str_of(topic))) {
        fail_msg("%.*s instead of %s", (int)size, text, topic);
    }
    return (struct str){(const char *)packet->body + r.offset, packet->size - r.offset};
}

/* --- protobuf, as far as is needed --- */

struct field {
    unsigned number;
    uint64_t value;
    struct str bytes;
};

static bool next(struct reader *r, struct field *field) {
    if (reader_left(r) == 0) {
        return false;
    }
    uint64_t key = read_varint(r);
    *field = (struct field){.number = (unsigned)(key >> 3), .bytes = STR_NONE};
    switch (key & 7) {
    case 0: field->value = read_varint(r); break;
    case 1: field->value = read_u64_le(r); break;
    case 5: field->value = read_u32_le(r); break;
    default: {
        size_t size = (size_t)read_varint(r);
        field->bytes = (struct str){(const char *)read_bytes(r, size), size};
        break;
    }
    }
    assert_false(r->failed);
    return true;
}

static int64_t seq_of(struct str payload) {
    struct reader r = reader_of(payload.data, payload.size);
    struct field field;
    int64_t seq = -1;
    while (next(&r, &field)) {
        seq = field.number == 3 ? (int64_t)field.value : seq;
    }
    return seq;
}

/* Metrics of the payload; *ret_named: how many bear a name; *ret_bdseq: -1 without one. */
static int metrics_of(struct str payload, int *ret_named, int64_t *ret_bdseq) {
    struct reader r = reader_of(payload.data, payload.size);
    struct field outer;
    int count = 0;
    *ret_named = 0;
    *ret_bdseq = -1;
    while (next(&r, &outer)) {
        struct reader inner = reader_of(outer.bytes.data, outer.number == 2 ? outer.bytes.size : 0);
        struct field field;
        struct str name = STR_NONE;
        bool has_value = false;
        while (next(&inner, &field)) {
            name = field.number == 1 ? field.bytes : name;
            has_value |= field.number >= 10 && field.number <= 15;
            if (field.number == 11 && str_eq(name, STR("bdSeq"))) {
                *ret_bdseq = (int64_t)field.value;
            }
        }
        assert_true(outer.number != 2 || has_value);
        count += outer.number == 2;
        *ret_named += name.size > 0;
    }
    return count;
}

static void take_births(struct peer *peer, struct packet *packet, int64_t bdseq) {
    size_t rows = 0;
    (void)sim_sparkplug_rows(&rows);
    int named = 0;
    int64_t found = 0;
    struct str payload = take_publish(peer, packet, "spBv1.0/Maru/NBIRTH/Utility");
    assert_int_equal(seq_of(payload), 0);
    assert_int_equal(metrics_of(payload, &named, &found), 3);
    assert_int_equal(named, 3);
    assert_int_equal(found, bdseq);
    payload = take_publish(peer, packet, "spBv1.0/Maru/DBIRTH/Utility/Comp1");
    assert_int_equal(seq_of(payload), 1);
    assert_int_equal(metrics_of(payload, &named, &found), rows);
    assert_int_equal(named, rows);
}

static void take_data(struct peer *peer, struct packet *packet, int64_t seq) {
    size_t rows = 0;
    (void)sim_sparkplug_rows(&rows);
    int named = 0;
    int64_t bdseq = 0;
    struct str payload = take_publish(peer, packet, "spBv1.0/Maru/DDATA/Utility/Comp1");
    assert_int_equal(seq_of(payload), seq);
    int count = metrics_of(payload, &named, &bdseq);
    assert_true(count > 0 && count < (int)rows); // What has changed, by alias alone.
    assert_int_equal(named, 0);
}

/* Goes on to the births that a wish brings; data that was under way comes before. */
static void skip_data(struct peer *peer) {
    uint8_t head[64];
    for (;;) {
        wait_for(peer->fd);
        ssize_t got = recv(peer->fd, head, sizeof head, MSG_PEEK);
        assert_true(got > 0);
        if (got > 20 && memmem(head, (size_t)got, "/DDATA/", 7) == NULL) {
            return;
        }
        static struct packet packet;
        take_packet(peer, &packet);
    }
}

static void a_life_follows_the_specification(void **state) {
    (void)state;
    static struct packet packet;
    struct peer peer;
    peer_init(&peer);
    struct sim_sparkplug *node = sim_sparkplug_new(3);
    sim_sparkplug_start(node, peer.port, 200);
    struct str will;
    int named = 0;
    int64_t bdseq = -1;
    take_connect(&peer, &packet, &will);
    assert_int_equal(metrics_of(will, &named, &bdseq), 1);
    assert_int_equal(bdseq, 0);
    assert_int_equal(seq_of(will), -1); // tck-id-payloads-ndeath: no number.
    take_subscribe(&peer, &packet);
    take_births(&peer, &packet, 0);
    take_data(&peer, &packet, 2);
    take_data(&peer, &packet, 3);
    /* Node Control/Rebirth = true, written by hand. */
    static const char wish[] = "\x30\x37\x00\x19spBv1.0/Maru/NCMD/Utility\x12\x1a\x0a\x14Node "
                               "Control/Rebirth\x20\x0b\x70\x01";
    give_bytes(&peer, wish, sizeof wish - 1);
    skip_data(&peer);
    take_births(&peer, &packet, 0);
    take_data(&peer, &packet, 2);
    assert_int_equal(sim_sparkplug_births(node), 2);
    /* The connection ends without a word: a new one, with the next bdSeq. */
    (void)close(peer.fd);
    take_connect(&peer, &packet, &will);
    (void)metrics_of(will, &named, &bdseq);
    assert_int_equal(bdseq, 1);
    take_subscribe(&peer, &packet);
    take_births(&peer, &packet, 1);
    (void)close(peer.listener);
    sim_sparkplug_stop(node);
    skip_data(&peer);
    struct str death = take_publish(&peer, &packet, "spBv1.0/Maru/NDEATH/Utility");
    (void)metrics_of(death, &named, &bdseq);
    assert_int_equal(bdseq, 1);
    take_packet(&peer, &packet);
    assert_int_equal(packet.first, 0xE0);
    (void)close(peer.fd);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_compressor_loads_unloads_trips_and_counts),
        cmocka_unit_test(a_seed_gives_the_same_day),
        cmocka_unit_test(a_life_follows_the_specification)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
