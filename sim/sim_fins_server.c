/*
 * An Omron controller as its clients see it: FINS over TCP, with the handshake, and over UDP.
 *
 * Written from W342 (frames clause 3, commands clause 5, end codes clause 5-1-3) and W421 clause 7
 * (FINS/TCP); it shares nothing with the driver but the manuals. Knows memory area read, write and
 * multiple read (0101, 0102, 0104), controller data (0501) and status (0601). Words of an area and
 * its bits are the same memory, as in the real one. A second handshake on a connection is answered
 * with error 3 and a hang-up; a frame for another node is not answered.
 */
#include <string.h>

#include "sim/sim_plc.h"

enum { WRAP = 16, HEAD = 10, GIVEN_NODE = 250, WORDS_MAX = 999, NAME_BYTES = 20 };

static unsigned be(const uint8_t *at, unsigned bytes) {
    unsigned value = 0;
    while (bytes-- > 0) {
        value = value << 8 | *at++;
    }
    return value;
}

static void give(struct buf *to, unsigned value, unsigned bytes) {
    while (bytes-- > 0) {
        buf_put_char(to, (char)(value >> (8 * bytes) & 0xFF));
    }
}

static void give_zeros(struct buf *to, unsigned bytes) {
    while (bytes-- > 0) {
        buf_put_char(to, 0);
    }
}

/* The word area behind a code, and whether the code is for single bits; false: no such area. */
static bool find_area(unsigned code, uint8_t *ret_words, bool *ret_bits) {
    *ret_bits = true;
    *ret_words = 0x82;
    if (code >= 0x30 && code <= 0x33) {
        *ret_words = (uint8_t)(code + 0x80);
        return true;
    }
    if (code == 0x02) {
        return true;
    }
    if (code >= 0x20 && code <= 0x2F) {
        *ret_words = (uint8_t)(code + 0x80);
        return true;
    }
    *ret_bits = code == 0x09; // Completion flags: a byte each, in a memory of their own.
    *ret_words = (uint8_t)code;
    return code == 0x09 || code == 0x82 || code == 0x89 || code == 0x98 ||
           (code >= 0xA0 && code <= 0xB3);
}

struct place {
    uint8_t words;
    bool bits;
    unsigned number;
    unsigned bit;
};

/* 0, or the end code that refuses `count` items from the place on. */
static unsigned find_place(
    const struct sim_fins *fins, const uint8_t *at, unsigned count, struct place *ret_place) {
    unsigned end = fins->points != 0 ? fins->points : SIM_PLC_WORDS;
    ret_place->number = be(at + 1, 2);
    ret_place->bit = at[3];
    if (!find_area(at[0], &ret_place->words, &ret_place->bits)) {
        return 0x1101;
    }
    if (ret_place->bit > 15 || (!ret_place->bits && ret_place->bit != 0)) {
        return 0x1103;
    }
    bool is_timer = ret_place->words == 0x89 || ret_place->words == 0x09;
    if (!is_timer && ret_place->number >= end) {
        return 0x1103;
    }
    unsigned words = ret_place->bits && at[0] != 0x09 ? (ret_place->bit + count + 15) / 16 : count;
    return ret_place->number + words > SIM_PLC_WORDS ||
                   (!is_timer && ret_place->number + words > end)
               ? 0x1104
               : 0;
}

/* The item `i` behind the place: a word, or a bit as a byte. */
static void give_item(const struct sim_fins *fins, struct place place, unsigned i, struct buf *to) {
    if (!place.bits) {
        give(to, sim_plc_get(fins->memory, place.words, place.number + i), 2);
    } else if (place.words == 0x09) {
        give(to, sim_plc_get(fins->memory, place.words, place.number + i) & 1, 1);
    } else {
        unsigned bit = place.bit + i;
        give(
            to, sim_plc_get(fins->memory, place.words, place.number + bit / 16) >> bit % 16 & 1, 1);
    }
}

static unsigned memory_read(
    const struct sim_fins *fins, const uint8_t *at, size_t size, struct buf *data) {
    if (size != 6) {
        return size < 6 ? 0x1002 : 0x1001;
    }
    unsigned count = be(at + 4, 2);
    struct place place;
    unsigned code = find_place(fins, at, count, &place);
    if (code == 0 && count > (place.bits ? 2 * WORDS_MAX : WORDS_MAX)) {
        code = 0x110B;
    }
    for (unsigned i = 0; code == 0 && i < count; i++) {
        give_item(fins, place, i, data);
    }
    return code;
}

static unsigned memory_write(const struct sim_fins *fins, const uint8_t *at, size_t size) {
    if (size < 6) {
        return 0x1002;
    }
    unsigned count = be(at + 4, 2);
    struct place place;
    unsigned code = find_place(fins, at, count, &place);
    if (code == 0 && size != 6 + (size_t)count * (place.bits ? 1 : 2)) {
        code = 0x1003;
    }
    if (code == 0 && place.words == 0x09) {
        code = 0x2101;
    }
    for (unsigned i = 0; code == 0 && i < count; i++) {
        unsigned bit = place.bit + i;
        unsigned number = place.number + (place.bits ? bit / 16 : i);
        unsigned word = place.bits ? at[6 + i] : be(at + 6 + (size_t)i * 2, 2);
        if (place.bits) {
            unsigned old = sim_plc_get(fins->memory, place.words, number);
            word = (old & ~(1u << bit % 16)) | (word & 1) << bit % 16;
        }
        sim_plc_put(fins->memory, place.words, number, (uint16_t)word);
    }
    return code;
}

static unsigned multiple_read(
    const struct sim_fins *fins, const uint8_t *at, size_t size, struct buf *data) {
    unsigned code = fins->no_multiple ? 0x0401u : size == 0 || size % 4 != 0 ? 0x1003u : 0;
    for (size_t i = 0; code == 0 && i < size; i += 4) {
        struct place place;
        code = find_place(fins, at + i, 1, &place);
        if (code == 0) {
            give(data, at[i], 1);
            give_item(fins, place, 0, data);
        }
    }
    return code;
}

static unsigned serve(struct sim_fins *fins, const uint8_t *body, size_t size, struct buf *data) {
    switch (be(body, 2)) {
    case 0x0101: return memory_read(fins, body + 2, size - 2, data);
    case 0x0102: return memory_write(fins, body + 2, size - 2);
    case 0x0104: return multiple_read(fins, body + 2, size - 2, data);
    case 0x0501:
        buf_put(data, "CJ2M-CPU31          ", NAME_BYTES);
        buf_put(data, "02.01               ", NAME_BYTES);
        give_zeros(data, 52); // DIP switches and sizes of areas.
        return 0;
    case 0x0601:
        give(data, 0x0104, 2); // Running, in RUN mode.
        give_zeros(data, 24);  // No errors, no message.
        return 0;
    default: return 0x0401;
    }
}

/* Answers one FINS frame into `answer`; nothing where it is for somebody else. */
static void answer_frame(
    struct sim_fins *fins, const uint8_t *frame, size_t size, uint8_t node, struct buf *answer) {
    uint8_t own = fins->node != 0 ? fins->node : 1;
    bool for_us = size >= HEAD + 2 && (frame[4] == own || frame[4] == 0) && frame[3] == 0;
    if (!for_us || (frame[0] & 0x40) != 0 || (node != 0 && frame[7] != node)) {
        return;
    }
    AUTO_BUF struct buf data;
    buf_init(&data, 8192);
    unsigned code = serve(fins, frame + HEAD, size - HEAD, &data);
    const uint8_t head[HEAD] = {
        0xC0, 0, 2, frame[6], frame[7], frame[8], frame[3], own, frame[5], frame[9]};
    buf_put(answer, head, HEAD);
    buf_put(answer, frame + HEAD, 2);
    give(answer, code, 2);
    if (code == 0) {
        buf_put(answer, data.data, data.size);
    }
    fins->answers++;
}

static void wrap(struct buf *to, unsigned command, unsigned error, const struct buf *behind) {
    buf_put(to, "FINS", 4);
    give(to, 8 + (unsigned)behind->size, 4);
    give(to, command, 4);
    give(to, error, 4);
    buf_put(to, behind->data, behind->size);
}

static int handshake(struct sim_fins *fins, struct sim_plc_session *session, const uint8_t *in,
    size_t size, struct buf *answer) {
    AUTO_BUF struct buf nodes;
    buf_init(&nodes, 64);
    if (session->node != 0) {
        wrap(answer, 3, 3, &nodes);
        return -1;
    }
    if (fins->handshake_error != 0 || size < WRAP + 4) {
        give_zeros(&nodes, 8);
        wrap(answer, 1, fins->handshake_error != 0 ? fins->handshake_error : 2, &nodes);
        return -1;
    }
    unsigned wanted = be(in + WRAP, 4);
    session->node = wanted != 0 ? wanted : GIVEN_NODE;
    give(&nodes, session->node, 4);
    give(&nodes, fins->node != 0 ? fins->node : 1, 4);
    wrap(answer, 1, 0, &nodes);
    return WRAP + 4;
}

static int fins_respond(void *context, struct sim_plc_session *session, const uint8_t *in,
    size_t size, struct buf *answer) {
    struct sim_fins *fins = context;
    if (session->is_datagram) {
        answer_frame(fins, in, size, 0, answer);
        return (int)size;
    }
    if (size < WRAP) {
        return size >= 4 && memcmp(in, "FINS", 4) != 0 ? -1 : 0;
    }
    AUTO_BUF struct buf frame;
    buf_init(&frame, 8192);
    size_t length = be(in + 4, 4);
    if (memcmp(in, "FINS", 4) != 0 || length < 8 || length > 2048) {
        wrap(answer, 3, 1, &frame);
        return -1;
    }
    if (size < 8 + length) {
        return 0;
    }
    unsigned command = be(in + 8, 4);
    if (command == 0) {
        return handshake(fins, session, in, 8 + length, answer);
    }
    if (command != 2 || session->node == 0) {
        wrap(answer, 3, 3, &frame);
        return -1;
    }
    answer_frame(fins, in + WRAP, length - 8, (uint8_t)session->node, &frame);
    if (frame.size > 0) {
        wrap(answer, 2, 0, &frame);
    }
    return (int)(8 + length);
}

/* Handshakes have no station: they stay as they are. */
static void fins_wrong_station(uint8_t *answer, size_t size) {
    bool wrapped = size >= WRAP && memcmp(answer, "FINS", 4) == 0;
    size_t head = wrapped ? WRAP : 0;
    if (size >= head + HEAD && (answer[head] & 0x40) != 0) {
        answer[head + 7] ^= 9;
    }
}

struct sim_plc_protocol sim_fins_protocol(struct sim_fins *fins) {
    return (struct sim_plc_protocol){
        .context = fins, .respond = fins_respond, .wrong_station = fins_wrong_station};
}
