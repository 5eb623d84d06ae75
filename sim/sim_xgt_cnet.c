/*
 * The serial frames of an XGT controller, from the module's side (XGL-C22A manual, dedicated
 * protocol): ENQ, station, command, SS or SB, names, EOT and, for a lower-case command, the sum in
 * two digits. Another station's request is heard and not answered. Refusals have four digits.
 */
#include <stdbool.h>
#include <string.h>

#include "sim/sim_xgt.h"

enum { ENQ = 0x05, EOT = 0x04, ACK = 0x06, NAK = 0x15, ETX = 0x03, REQUEST_MAX = 512 };
enum {
    BLOCKS = 0x0003,
    LENGTH = 0x0004,
    TYPE = 0x0007,
    NAME = 0x0011,
    AREA = 0x1132,
    SIZE = 0x1232,
    FRAME = 0x1234,
    MIXED = 0x1332,
    DIGITS = 0x1432,
    OUTSIDE = 0x7132
};

/* A request between its command type and EOT. */
struct text {
    const uint8_t *at;
    size_t left;
    bool broken; // A digit was none, or the request is too short.
};

static int nibble(uint8_t c) {
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    c &= 0xDF;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static unsigned text_byte(struct text *text) {
    if (text->left < 2 || nibble(text->at[0]) < 0 || nibble(text->at[1]) < 0) {
        text->broken = true;
        return 0;
    }
    unsigned value = (unsigned)(nibble(text->at[0]) * 16 + nibble(text->at[1]));
    text->at += 2;
    text->left -= 2;
    return value;
}

static size_t put_byte(uint8_t *out, size_t at, unsigned value) {
    const char *upper = "0123456789ABCDEF";
    out[at] = (uint8_t)upper[value / 16 & 15];
    out[at + 1] = (uint8_t)upper[value & 15];
    return at + 2;
}

static int take_name(
    const struct sim_xgt_source *source, struct text *text, struct sim_xgt_place *ret_place) {
    unsigned size = text_byte(text);
    if (size > 16) {
        return LENGTH;
    }
    if (text->broken || text->left < size) {
        return FRAME;
    }
    int code = sim_xgt_name(source, (const char *)text->at, size, ret_place);
    text->at += size;
    text->left -= size;
    return code == 0 ? 0 : code == 2 ? TYPE : code == 4 ? OUTSIDE : NAME;
}

static int code_of(int refused) {
    switch (refused) {
    case 0: return 0;
    case SIM_XGT_NO_AREA: return AREA;
    case SIM_XGT_OUTSIDE: return OUTSIDE;
    default: return SIZE;
    }
}

/* Data with the highest byte of each unit first. */
static size_t put_data(
    uint8_t *out, size_t at, const uint8_t *data, unsigned bytes, unsigned unit) {
    for (unsigned i = 0; i < bytes; i += unit) {
        for (unsigned k = unit; k > 0; k--) {
            at = put_byte(out, at, data[i + k - 1]);
        }
    }
    return at;
}

static int read_single(
    const struct sim_xgt_source *source, struct text *text, uint8_t *out, size_t *at) {
    unsigned count = text_byte(text);
    uint32_t bits = 0;
    if (count == 0 || count > 16) {
        return BLOCKS;
    }
    *at = put_byte(out, *at, count);
    for (unsigned i = 0; i < count; i++) {
        struct sim_xgt_place place;
        uint8_t data[8];
        int code = take_name(source, text, &place);
        if (code == 0 && bits != 0 && bits != place.bits) {
            code = MIXED;
        }
        if (code != 0) {
            return code;
        }
        bits = place.bits;
        unsigned bytes = bits < 8 ? 1 : bits / 8;
        code = code_of(sim_xgt_read(source, &place, bytes, data));
        if (code != 0) {
            return code;
        }
        *at = put_byte(out, *at, bytes);
        *at = put_data(out, *at, data, bytes, bytes);
    }
    return text->left == 0 ? 0 : FRAME;
}

static int read_run(
    const struct sim_xgt_source *source, struct text *text, uint8_t *out, size_t *at) {
    struct sim_xgt_place place;
    uint8_t data[256];
    int code = take_name(source, text, &place);
    unsigned count = text_byte(text);
    if (code != 0) {
        return code;
    }
    if (text->broken || text->left != 0) {
        return FRAME;
    }
    unsigned unit = place.bits / 8;
    if (unit == 0) {
        return TYPE; // Runs of bits do not exist.
    }
    if (count == 0 || count * unit > 120) {
        return SIZE;
    }
    code = code_of(sim_xgt_read(source, &place, count * unit, data));
    if (code == 0) {
        *at = put_byte(out, *at, 1);
        *at = put_byte(out, *at, count * unit);
        *at = put_data(out, *at, data, count * unit, unit);
    }
    return code;
}

static int write_single(const struct sim_xgt_source *source, struct text *text) {
    unsigned count = text_byte(text);
    if (count == 0 || count > 16) {
        return BLOCKS;
    }
    for (unsigned i = 0; i < count; i++) {
        struct sim_xgt_place place;
        uint8_t data[8];
        int code = take_name(source, text, &place);
        if (code != 0) {
            return code;
        }
        unsigned bytes = place.bits < 8 ? 1 : place.bits / 8;
        for (unsigned k = bytes; k > 0; k--) {
            data[k - 1] = (uint8_t)text_byte(text);
        }
        if (text->broken) {
            return DIGITS;
        }
        code = code_of(sim_xgt_write(source, &place, bytes, data));
        if (code != 0) {
            return code;
        }
    }
    return text->left == 0 ? 0 : FRAME;
}

static unsigned sum_of(const uint8_t *bytes, size_t size) {
    unsigned sum = 0;
    while (size > 0) {
        sum += bytes[--size];
    }
    return sum & 0xFF;
}

/* The size of the request in `in`, its check included; 0: not whole yet. */
static size_t request_size(const uint8_t *in, size_t size, size_t *ret_end) {
    const uint8_t *end = memchr(in, EOT, size);
    if (end == NULL) {
        return 0;
    }
    *ret_end = (size_t)(end - in) + 1;
    bool check = *ret_end > 6 && in[3] >= 'a';
    return size < *ret_end + (check ? 2u : 0u) ? 0 : *ret_end + (check ? 2u : 0u);
}

int sim_xgt_answer_cnet(const struct sim_xgt_source *source, const uint8_t *in, size_t size,
    size_t *ret_used, uint8_t *out) {
    size_t end = 0;
    size_t whole = request_size(in, size, &end);
    if (whole == 0) {
        return size > REQUEST_MAX ? -1 : 0;
    }
    *ret_used = whole;
    struct text head = {.at = in + 1, .left = 2};
    unsigned station = end > 6 ? text_byte(&head) : 256;
    struct text sum = {.at = in + end, .left = whole - end};
    bool check = whole > end;
    if (in[0] != ENQ || station != source->station || head.broken ||
        (check && text_byte(&sum) != sum_of(in, end))) {
        return 0; // Not for us, or not to be understood: nothing is said.
    }
    memcpy(out, in, 6);
    out[0] = ACK;
    size_t at = 6;
    struct text text = {.at = in + 6, .left = end - 7};
    int code = FRAME;
    bool run = in[4] == 'S' && in[5] == 'B';
    bool single = in[4] == 'S' && in[5] == 'S';
    if ((in[3] | 0x20) == 'r' && (run || single)) {
        code = run ? read_run(source, &text, out, &at) : read_single(source, &text, out, &at);
    } else if ((in[3] | 0x20) == 'w' && single) {
        code = write_single(source, &text);
    }
    if (code != 0) {
        out[0] = NAK;
        at = put_byte(out, 6, (unsigned)code >> 8);
        at = put_byte(out, at, (unsigned)code & 0xFF);
    }
    out[at++] = ETX;
    return (int)(check ? put_byte(out, at, sum_of(out, at)) : at);
}
