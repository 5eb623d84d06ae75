/*
 * A MELSEC PLC as its clients see it: MC protocol (SLMP), frames 3E and 4E, binary code.
 *
 * Written from SH(NA)-080956 clauses 4 (frames) and 5 (commands); it shares nothing with the driver
 * but the manual. Knows batch read and write (0401, 1401) in words and bits, random read and write
 * (0403, 1402), the model name (0101) and the loop test (0619), each in the Q/L and the iQ-R
 * form. What it does not know it answers with C059, as the real one does.
 */
#include <string.h>

#include "sim/sim_plc.h"

enum { HEAD = 9, MORE_4E = 4, POINTS_MAX = 960, BITS_MAX = 7168, RANDOM_MAX = 192 };

/* One request taken apart. */
struct call {
    const uint8_t *at; // What is left of its data.
    size_t left;
    unsigned command;
    unsigned sub;
    bool broken; // Something was read beyond the end.
};

static unsigned take(struct call *call, unsigned bytes) {
    unsigned value = 0;
    if (call->left < bytes) {
        call->broken = true;
        call->left = 0;
        return 0;
    }
    for (unsigned i = 0; i < bytes; i++) {
        value += (unsigned)call->at[i] << (8 * i);
    }
    call->at += bytes;
    call->left -= bytes;
    return value;
}

static void give(struct buf *to, unsigned value, unsigned bytes) {
    for (unsigned i = 0; i < bytes; i++) {
        buf_put_char(to, (char)(value >> (8 * i) & 0xFF));
    }
}

static bool is_bit_area(unsigned code) {
    static const uint8_t areas[] = {0x91, 0x9C, 0x9D, 0x90, 0x92, 0x93, 0x94, 0xA0, 0xC1, 0xC0,
        0xC7, 0xC6, 0xC4, 0xC3, 0xA1, 0x98, 0xA2, 0xA3};
    return memchr(areas, (int)code, sizeof areas) != NULL;
}

static bool is_word_area(unsigned code) {
    static const uint8_t areas[] = {0xA9, 0xA8, 0xB4, 0xC2, 0xC8, 0xC5, 0xB5, 0xCC, 0xAF, 0xB0};
    return memchr(areas, (int)code, sizeof areas) != NULL;
}

struct place {
    unsigned number;
    unsigned code;
};

static struct place take_place(struct call *call) {
    bool wide = (call->sub & 2) != 0;
    struct place place = {.number = take(call, wide ? 4 : 3)};
    place.code = take(call, wide ? 2 : 1);
    return place;
}

/* 0 when `count` numbers from the place on exist, else the end code. */
static unsigned judge(const struct sim_melsec *melsec, struct place place, unsigned count) {
    unsigned end = melsec->points != 0 ? melsec->points : SIM_PLC_WORDS;
    if (!is_bit_area(place.code) && !is_word_area(place.code)) {
        return 0xC05B;
    }
    return place.number >= end || count > end - place.number ? 0xC056 : 0;
}

static unsigned word_at(const struct sim_melsec *melsec, struct place place) {
    if (is_word_area(place.code)) {
        return sim_plc_get(melsec->memory, (uint8_t)place.code, place.number);
    }
    unsigned word = 0;
    for (unsigned i = 0; i < 16; i++) {
        word |= (sim_plc_get(melsec->memory, (uint8_t)place.code, place.number + i) & 1u) << i;
    }
    return word;
}

static void word_set(struct sim_melsec *melsec, struct place place, unsigned word) {
    if (is_word_area(place.code)) {
        sim_plc_put(melsec->memory, (uint8_t)place.code, place.number, (uint16_t)word);
        return;
    }
    for (unsigned i = 0; i < 16; i++) {
        sim_plc_put(melsec->memory, (uint8_t)place.code, place.number + i, word >> i & 1);
    }
}

static unsigned batch_read(struct sim_melsec *melsec, struct call *call, struct buf *data) {
    struct place place = take_place(call);
    unsigned count = take(call, 2);
    bool bits = (call->sub & 1) != 0;
    if (call->broken || call->left != 0) {
        return 0xC061;
    }
    if (count == 0 || count > (bits ? BITS_MAX : POINTS_MAX)) {
        return bits ? 0xC052 : 0xC051;
    }
    if (bits && is_word_area(place.code)) {
        return 0xC05C;
    }
    unsigned step = is_bit_area(place.code) && !bits ? 16 : 1;
    unsigned code = judge(melsec, place, count * step);
    for (unsigned i = 0; code == 0 && !bits && i < count; i++, place.number += step) {
        give(data, word_at(melsec, place), 2);
    }
    for (unsigned i = 0; code == 0 && bits && i < count; i += 2) {
        unsigned first = sim_plc_get(melsec->memory, (uint8_t)place.code, place.number + i);
        unsigned second =
            i + 1 < count ? sim_plc_get(melsec->memory, (uint8_t)place.code, place.number + i + 1)
                          : 0;
        give(data, (first & 1) << 4 | (second & 1), 1);
    }
    return code;
}

static unsigned batch_write(struct sim_melsec *melsec, struct call *call) {
    struct place place = take_place(call);
    unsigned count = take(call, 2);
    bool bits = (call->sub & 1) != 0;
    if (call->broken || call->left != (bits ? (count + 1) / 2 : count * 2)) {
        return 0xC061;
    }
    unsigned step = is_bit_area(place.code) && !bits ? 16 : 1;
    unsigned code = judge(melsec, place, count * step);
    for (unsigned i = 0; code == 0 && i < count; i++, place.number += step) {
        if (bits) {
            unsigned pair = call->at[i / 2];
            sim_plc_put(melsec->memory, (uint8_t)place.code, place.number,
                (i % 2 == 0 ? pair >> 4 : pair) & 1);
        } else {
            word_set(melsec, place, take(call, 2));
        }
    }
    return code;
}

static unsigned random_read(struct sim_melsec *melsec, struct call *call, struct buf *data) {
    unsigned words = take(call, 1);
    unsigned doubles = take(call, 1);
    if (melsec->no_random) {
        return 0xC059;
    }
    if (words + doubles == 0 || words + doubles > RANDOM_MAX) {
        return 0xC054;
    }
    unsigned code = 0;
    for (unsigned i = 0; code == 0 && i < words + doubles; i++) {
        struct place place = take_place(call);
        unsigned step = is_bit_area(place.code) ? 16 : 1;
        code = call->broken ? 0xC061 : judge(melsec, place, i < words ? step : 2 * step);
        if (code == 0) {
            give(data, word_at(melsec, place), 2);
            place.number += step;
        }
        if (code == 0 && i >= words) {
            give(data, word_at(melsec, place), 2);
        }
    }
    return code == 0 && call->left != 0 ? 0xC061 : code;
}

/* Bits alone; words would be subcommand 0. */
static unsigned random_write(struct sim_melsec *melsec, struct call *call) {
    unsigned count = take(call, 1);
    unsigned code = (call->sub & 1) == 0 ? 0xC059 : 0;
    for (unsigned i = 0; code == 0 && i < count; i++) {
        struct place place = take_place(call);
        unsigned on = take(call, (call->sub & 2) != 0 ? 2 : 1);
        code = call->broken ? 0xC061 : judge(melsec, place, 1);
        if (code == 0 && (!is_bit_area(place.code) || on > 1)) {
            code = 0xC060;
        }
        if (code == 0) {
            sim_plc_put(melsec->memory, (uint8_t)place.code, place.number, (uint16_t)on);
        }
    }
    return code == 0 && call->left != 0 ? 0xC061 : code;
}

static unsigned serve(struct sim_melsec *melsec, struct call *call, struct buf *data) {
    if (call->sub > 3) {
        return 0xC059;
    }
    switch (call->command) {
    case 0x0401: return batch_read(melsec, call, data);
    case 0x1401: return batch_write(melsec, call);
    case 0x0403: return random_read(melsec, call, data);
    case 0x1402: return random_write(melsec, call);
    case 0x0101:
        buf_put(data, melsec->model != NULL ? melsec->model : "Q06UDVCPU       ", 16);
        give(data, 0x0368, 2);
        return 0;
    case 0x0619:
        buf_put(data, call->at, call->left); // Count and text come back as they are.
        return 0;
    default: return 0xC059;
    }
}

static int ascii_respond(const uint8_t *in, size_t size, struct buf *answer) {
    static const char model[] = "D00000FF03FF0000180000Q06UDVCPU        0368";
    if (size >= 30 && memcmp(in, "5000", 4) == 0 && memcmp(in + 22, "0101", 4) == 0) {
        buf_put(answer, model, sizeof model - 1);
    }
    return (int)size;
}

static int melsec_respond(void *context, struct sim_plc_session *session, const uint8_t *in,
    size_t size, struct buf *answer) {
    (void)session;
    struct sim_melsec *melsec = context;
    if (melsec->ascii) {
        return ascii_respond(in, size, answer);
    }
    if (size < 2) {
        return 0;
    }
    size_t more = in[0] == 0x54 ? MORE_4E : 0;
    if ((in[0] != 0x50 && in[0] != 0x54) || in[1] != 0) {
        return (int)size; // Not for us: the PLC throws it away.
    }
    if (size < HEAD + more) {
        return 0;
    }
    size_t length = (size_t)in[7 + more] + ((size_t)in[8 + more] << 8);
    if (size < HEAD + more + length) {
        return 0;
    }
    struct call call = {.at = in + HEAD + more, .left = length};
    (void)take(&call, 2); // The monitoring timer.
    call.command = take(&call, 2);
    call.sub = take(&call, 2);
    AUTO_BUF struct buf data;
    buf_init(&data, 8192);
    unsigned code = call.broken ? 0xC061u : serve(melsec, &call, &data);
    give(answer, more != 0 ? 0x00D4 : 0x00D0, 2);
    buf_put(answer, in + 2, 5 + more); // Serial number and route.
    give(answer, code == 0 ? 2 + (unsigned)data.size : 11, 2);
    give(answer, code, 2);
    if (code == 0) {
        buf_put(answer, data.data, data.size);
    } else {
        buf_put(answer, in + 2 + more, 5);
        give(answer, call.command, 2);
        give(answer, call.sub, 2);
    }
    melsec->answers++;
    return (int)(HEAD + more + length);
}

static void melsec_wrong_station(uint8_t *answer, size_t size) {
    if (size > 10) {
        answer[answer[0] == 0xD4 ? 10 : 6] ^= 9;
    }
}

struct sim_plc_protocol sim_melsec_protocol(struct sim_melsec *melsec) {
    return (struct sim_plc_protocol){
        .context = melsec, .respond = melsec_respond, .wrong_station = melsec_wrong_station};
}
