/*
 * The Ethernet frames of an XGT controller, from the server's side (XGL-EFMT(B) manual chapter 8).
 * It was written from the manual's tables and shares nothing with the driver it tests; in
 * particular it reads names character by character, and refuses what a controller refuses:
 *
 *     1 more than 16 blocks   2 no such type   3 no such area   4 outside the area
 *     5, 6 more bytes than a request may have  75h company id   76h length   77h sum   78h command
 */
#include <stdbool.h>
#include <string.h>

#include "sim/sim_xgt.h"

enum { HEAD = 20, BODY_MAX = 1600, WORDS = 800 };

static unsigned word_at(const uint8_t *from) {
    return (unsigned)from[0] | (unsigned)from[1] << 8;
}

static void word_put(uint8_t *to, unsigned value) {
    to[0] = (uint8_t)(value & 0xFF);
    to[1] = (uint8_t)(value >> 8 & 0xFF);
}

static bool number(const char *text, size_t size, uint32_t *ret_value) {
    uint32_t value = 0;
    for (size_t i = 0; i < size; i++) {
        if (text[i] < '0' || text[i] > '9' || value > 100000000) {
            return false;
        }
        value = value * 10 + (uint32_t)(text[i] - '0');
    }
    *ret_value = value;
    return size > 0;
}

/* "0.1.12": base, slot, number in a slot of 64 points. */
static bool slot_number(const char *text, size_t size, uint32_t per_slot, uint32_t *ret_value) {
    uint32_t parts[3] = {0};
    size_t begin = 0;
    int count = 0;
    for (size_t i = 0; i <= size; i++) {
        if (i == size || text[i] == '.') {
            if (count == 3 || !number(text + begin, i - begin, &parts[count++])) {
                return false;
            }
            begin = i + 1;
        }
    }
    *ret_value = (parts[0] * 16 + parts[1]) * per_slot + parts[2];
    return count == 3 && parts[1] < 16 && parts[2] < per_slot;
}

int sim_xgt_name(const struct sim_xgt_source *source, const char *name, size_t size,
    struct sim_xgt_place *ret_place) {
    static const char types[] = "XBWDL";
    static const uint32_t bits[] = {1, 8, 16, 32, 64};
    if (size < 4 || size > 16 || name[0] != '%') {
        return 3;
    }
    const char *type = memchr(types, name[2], sizeof types - 1);
    if (type == NULL) {
        return 2;
    }
    struct sim_xgt_place place = {.area = name[1], .bits = bits[type - types]};
    const char *text = name + 3;
    size_t length = size - 3;
    uint32_t value = 0;
    bool contact = (place.area == 'T' || place.area == 'C') && place.bits == 1;
    bool flat = !source->hexadecimal || contact || place.area == 'I' || place.area == 'Q';
    bool good = false;
    if (memchr(text, '.', length) != NULL) {
        good = slot_number(text, length, 64 / place.bits, &value);
    } else if (place.bits == 1 && !flat) {
        char last = text[length - 1];
        uint32_t nibble = last >= '0' && last <= '9'   ? (uint32_t)(last - '0')
                          : last >= 'A' && last <= 'F' ? (uint32_t)(last - 'A') + 10
                                                       : 99;
        good = nibble < 16 && (length == 1 || number(text, length - 1, &value));
        value = value * 16 + nibble;
    } else {
        good = number(text, length, &value);
    }
    place.bit = contact ? (uint64_t)value * 16 : (uint64_t)value * place.bits;
    *ret_place = place;
    return good ? 0 : 4;
}

int sim_xgt_read(const struct sim_xgt_source *source, const struct sim_xgt_place *place,
    uint32_t bytes, uint8_t *ret_data) {
    uint16_t words[WORDS];
    uint32_t first = (uint32_t)(place->bit / 16);
    uint32_t odd = (uint32_t)(place->bit / 8 % 2);
    uint32_t count = (odd + bytes + 1) / 2;
    if (count > WORDS) {
        return 5;
    }
    int refused = source->read(source->context, place->area, first, count, words);
    for (uint32_t i = 0; i < bytes && refused == 0; i++) {
        uint32_t at = odd + i;
        ret_data[i] = (uint8_t)(words[at / 2] >> (at % 2 == 0 ? 0 : 8));
    }
    if (refused == 0 && place->bits == 1) {
        ret_data[0] = (uint8_t)(words[0] >> (place->bit % 16) & 1);
    }
    return refused;
}

int sim_xgt_write(const struct sim_xgt_source *source, const struct sim_xgt_place *place,
    uint32_t bytes, const uint8_t *data) {
    uint16_t words[WORDS];
    uint32_t first = (uint32_t)(place->bit / 16);
    uint32_t odd = (uint32_t)(place->bit / 8 % 2);
    uint32_t count = (odd + bytes + 1) / 2;
    if (source->write == NULL) {
        return 4;
    }
    if (count > WORDS) {
        return 5;
    }
    int refused = source->read(source->context, place->area, first, count, words);
    if (refused != 0) {
        return refused;
    }
    if (place->bits == 1) {
        unsigned mask = 1u << (place->bit % 16);
        words[0] = (uint16_t)(data[0] != 0 ? words[0] | mask : words[0] & ~mask);
    }
    for (uint32_t i = 0; i < bytes && place->bits != 1; i++) {
        uint32_t at = odd + i;
        unsigned shift = at % 2 == 0 ? 0 : 8;
        unsigned kept = words[at / 2] & ~(0xFFu << shift);
        words[at / 2] = (uint16_t)(kept | (unsigned)data[i] << shift);
    }
    return source->write(source->context, place->area, first, count, words);
}

/* A request's body, taken apart. */
struct body {
    const uint8_t *at;
    size_t left;
    bool broken;
};

static unsigned body_word(struct body *body) {
    if (body->left < 2) {
        body->broken = true;
        return 0;
    }
    unsigned value = word_at(body->at);
    body->at += 2;
    body->left -= 2;
    return value;
}

static const uint8_t *body_bytes(struct body *body, size_t size) {
    if (body->left < size) {
        body->broken = true;
        return NULL;
    }
    const uint8_t *bytes = body->at;
    body->at += size;
    body->left -= size;
    return bytes;
}

/* The names of all blocks. A code of refusal, or 0. */
static int take_names(const struct sim_xgt_source *source, struct body *body, unsigned type,
    unsigned count, struct sim_xgt_place *places) {
    static const uint32_t bits[] = {1, 8, 16, 32, 64};
    for (unsigned i = 0; i < count; i++) {
        unsigned size = body_word(body);
        const uint8_t *name = body_bytes(body, size);
        if (name == NULL) {
            return 0x76;
        }
        int code = sim_xgt_name(source, (const char *)name, size, &places[i]);
        if (code != 0) {
            return code;
        }
        if (places[i].bits != (type == 0x14 ? 8 : bits[type])) {
            return 2; // The name's letter and the data type must agree; a run is of bytes.
        }
    }
    return 0;
}

static int answer_read(const struct sim_xgt_source *source, struct body *body, unsigned type,
    unsigned count, uint8_t *out, size_t *at) {
    struct sim_xgt_place places[16];
    int code = take_names(source, body, type, count, places);
    unsigned max = source->runs_max != 0 ? source->runs_max : 1400;
    unsigned bytes = type == 0x14 && code == 0 ? body_word(body) : 0;
    if (code == 0 && (body->broken || body->left != 0)) {
        code = 0x76;
    }
    if (code == 0 && type == 0x14 && (bytes == 0 || bytes > max)) {
        code = 5;
    }
    for (unsigned i = 0; i < count && code == 0; i++) {
        unsigned size = type == 0x14 ? bytes : places[i].bits < 8 ? 1 : places[i].bits / 8;
        word_put(out + *at, size);
        code = sim_xgt_read(source, &places[i], size, out + *at + 2);
        *at += 2 + (size_t)size;
    }
    return code;
}

static int answer_write(
    const struct sim_xgt_source *source, struct body *body, unsigned type, unsigned count) {
    struct sim_xgt_place places[16];
    int code = take_names(source, body, type, count, places);
    for (unsigned i = 0; i < count && code == 0; i++) {
        unsigned size = body_word(body);
        const uint8_t *data = body_bytes(body, size);
        unsigned wanted = type == 0x14 ? size : places[i].bits < 8 ? 1 : places[i].bits / 8;
        if (data == NULL || size != wanted || size == 0) {
            return 0x76;
        }
        code = sim_xgt_write(source, &places[i], size, data);
    }
    return code == 0 && body->left != 0 ? 0x76 : code;
}

/* The answer's body behind its command; its size. */
static size_t answer_body(
    const struct sim_xgt_source *source, struct body body, int code, uint8_t *out) {
    unsigned command = body_word(&body);
    unsigned type = body_word(&body);
    (void)body_word(&body); // Reserved.
    unsigned count = body_word(&body);
    bool read = command == 0x54;
    size_t at = 10;
    if (code == 0 && !read && command != 0x58) {
        code = 0x78;
    }
    if (code == 0 && body.broken) {
        code = 0x76;
    }
    if (code == 0 && (type > 4 && type != 0x14)) {
        code = 2;
    }
    if (code == 0 && (count == 0 || count > (type == 0x14 ? 1u : 16u))) {
        code = 1;
    }
    if (code == 0) {
        code = read ? answer_read(source, &body, type, count, out, &at)
                    : answer_write(source, &body, type, count);
    }
    word_put(out, command + 1);
    word_put(out + 2, type);
    word_put(out + 4, 0);
    word_put(out + 6, code == 0 ? 0 : 0xFFFF);
    word_put(out + 8, code == 0 ? count : (unsigned)code);
    return code == 0 ? at : 10;
}

int sim_xgt_answer(const struct sim_xgt_source *source, const uint8_t *in, size_t size,
    size_t *ret_used, uint8_t *out) {
    if (size < HEAD) {
        return 0;
    }
    const char *mine = source->glofa ? "LGIS-GLOFA" : "LSIS-XGT\0\0";
    size_t length = word_at(in + 16);
    if (length > BODY_MAX || in[13] != 0x33) {
        return -1; // Nothing that could be answered.
    }
    if (size < HEAD + length) {
        return 0;
    }
    *ret_used = HEAD + length;
    unsigned sum = 0;
    for (size_t i = 0; i < HEAD - 1; i++) {
        sum += in[i];
    }
    int code = 0;
    if (memcmp(in, mine, 10) != 0) {
        code = 0x75;
    } else if (in[19] != 0 && in[19] != (uint8_t)sum) {
        code = 0x77;
    }
    size_t body =
        answer_body(source, (struct body){.at = in + HEAD, .left = length}, code, out + HEAD);
    memcpy(out, in, HEAD); // Company, invoke id and position as they came.
    word_put(out + 10, source->info);
    out[12] = source->cpu;
    out[13] = 0x11;
    if (source->wrong_invoke) {
        word_put(out + 14, word_at(in + 14) + 0x4000);
    }
    word_put(out + 16, (unsigned)body);
    sum = 0;
    for (size_t i = 0; i < HEAD - 1; i++) {
        sum += out[i];
    }
    out[19] = (uint8_t)sum;
    return (int)(HEAD + body);
}
