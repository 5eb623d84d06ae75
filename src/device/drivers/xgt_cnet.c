/*
 * ASCII frames on serial lines: the dedicated protocol of the Cnet modules and of the built-in
 * ports (XGL-C22A and XBL-C41A/C21A user manuals, chapter "XGT Dedicated Protocol").
 *
 *     read    ENQ station rSS blocks { length name } EOT check           individual
 *             ENQ station rSB length name count EOT check                continuous, count in units
 *     write   ENQ station wSS blocks length name data EOT check
 *     answer  ACK station rSS blocks { bytes data } ETX check
 *     refusal NAK station rSS code(4) ETX check
 *
 * All numbers are two hexadecimal digits. Documented: a lower-case r or w asks for the check (the
 * sum from the first byte to EOT or ETX, low byte), 16 blocks, 60 words a run, data with the
 * highest digit first, at most 256 bytes a frame on XGB, refusal codes. Settings: the station, and
 * the check (on; a gateway in between that cannot do it needs bcc=0). Whether the answer to rSB
 * repeats the number of blocks differs between the manuals, so both lengths are taken and nothing
 * else.
 *
 * There is no request number: an answer is ours when station, command and byte counts fit. The
 * driver therefore waits for quiet before each request, longer after one that was not answered, and
 * then lets an answer of an unmistakable form come first (xgt.c).
 */
#include <stdio.h>
#include <string.h>

#include "device/drivers/xgt.h"

enum { ENQ = 5, ACK = 6, NAK = 0x15, EOT = 4, ETX = 3, HEAD_BYTES = 6, TAIL_BYTES = 1 };

static const char digits[] = "0123456789ABCDEF";

static size_t put_hex(uint8_t *frame, size_t at, uint32_t value) {
    frame[at] = (uint8_t)digits[value >> 4 & 15];
    frame[at + 1] = (uint8_t)digits[value & 15];
    return at + 2;
}

/* Two digits; -1: they are none. */
static int get_hex(const uint8_t *from) {
    int value = 0;
    for (int i = 0; i < 2; i++) {
        uint8_t c = from[i];
        int digit = c >= '0' && c <= '9'   ? c - '0'
                    : c >= 'A' && c <= 'F' ? c - 'A' + 10
                    : c >= 'a' && c <= 'f' ? c - 'a' + 10
                                           : -1;
        if (digit < 0) {
            return -1;
        }
        value = value * 16 + digit;
    }
    return value;
}

static uint32_t sum_of(const uint8_t *frame, size_t size) {
    uint32_t sum = 0;
    for (size_t i = 0; i < size; i++) {
        sum += frame[i];
    }
    return sum & 0xFF;
}

static bool is_write(const struct xgt_request *request) {
    return request->kind == XGT_WRITE_BLOCK || request->kind == XGT_WRITE_RUN;
}

static char command_of(const struct driver_settings *settings, const struct xgt_request *request) {
    bool check = settings->values[XGT_OPTION_BCC] != 0;
    return is_write(request) ? (check ? 'w' : 'W') : (check ? 'r' : 'R');
}

static size_t put_name(const struct driver_settings *settings, const struct xgt_block *block,
    enum xgt_width width, uint8_t *frame, size_t at) {
    char name[XGT_NAME_MAX];
    size_t size = xgt_put_name(settings, block, width, name);
    at = put_hex(frame, at, (uint32_t)size);
    memcpy(frame + at, name, size);
    return at + size;
}

/* Values in several words are written as one block a word. */
static size_t put_write(const struct driver_settings *settings, const struct xgt_request *request,
    uint8_t *frame, size_t at) {
    if (request->kind == XGT_WRITE_BLOCK) {
        at = put_hex(frame, at, 1);
        at = put_name(settings, &request->blocks[0], request->width, frame, at);
        for (uint32_t i = request->width == XGT_WIDTH_WORD ? 2 : 1; i > 0; i--) {
            at = put_hex(frame, at, request->data[i - 1]);
        }
        return at;
    }
    uint32_t words = request->bytes / 2;
    at = put_hex(frame, at, words);
    for (uint32_t i = 0; i < words; i++) {
        struct xgt_block block = request->blocks[0];
        block.word += i;
        at = put_name(settings, &block, XGT_WIDTH_WORD, frame, at);
        at = put_hex(frame, at, request->data[2 * i + 1]);
        at = put_hex(frame, at, request->data[2 * i]);
    }
    return at;
}

size_t xgt_cnet_put(
    const struct driver_settings *settings, const struct xgt_request *request, uint8_t *frame) {
    size_t at = 0;
    bool run = request->kind == XGT_READ_RUN;
    frame[at++] = ENQ;
    at = put_hex(frame, at, (uint32_t)settings->values[XGT_OPTION_STATION]);
    frame[at++] = (uint8_t)command_of(settings, request);
    frame[at++] = 'S';
    frame[at++] = run ? 'B' : 'S';
    if (is_write(request)) {
        at = put_write(settings, request, frame, at);
    } else if (run) {
        at = put_name(settings, &request->blocks[0], XGT_WIDTH_WORD, frame, at);
        at = put_hex(frame, at, request->bytes / 2);
    } else {
        at = put_hex(frame, at, request->count);
        for (uint32_t i = 0; i < request->count; i++) {
            at = put_name(settings, &request->blocks[i], request->width, frame, at);
        }
    }
    frame[at++] = EOT;
    if (settings->values[XGT_OPTION_BCC] != 0) {
        at = put_hex(frame, at, sum_of(frame, at));
    }
    return at;
}

static int bad_frame(struct err *err) {
    return err_set(err, ERR_FRAME, MSG_XGT_CNET_FORM, NO_ARGS);
}

/* `bytes` of data, highest digit of each word first, into words with the low byte first. */
static int take_data(
    const uint8_t *from, uint32_t bytes, uint32_t unit, uint8_t *data, struct err *err) {
    for (uint32_t i = 0; i < bytes; i++) {
        int value = get_hex(from + (size_t)2 * i);
        if (value < 0) {
            return bad_frame(err);
        }
        data[unit == 2 ? i ^ 1u : i] = (uint8_t)value;
    }
    return 0;
}

static int take_run(const struct xgt_request *request, const uint8_t *body, size_t size,
    uint8_t *data, struct err *err) {
    uint32_t bytes = request->bytes;
    if (size == 4 + (size_t)2 * bytes && get_hex(body) == 1) { // The number of blocks is repeated.
        body += 2;
        size -= 2;
    }
    if (size != 2 + (size_t)2 * bytes || get_hex(body) != (int)bytes) {
        return err_set(err, ERR_FRAME, MSG_XGT_BYTE_COUNT, ARGS(A_INT(bytes), A_INT(size / 2)));
    }
    return take_data(body + 2, bytes, 2, data, err);
}

static int take_blocks(const struct xgt_request *request, const uint8_t *body, size_t size,
    uint8_t *data, struct err *err) {
    uint32_t unit = request->width == XGT_WIDTH_WORD ? 2 : 1;
    size_t block = 2 + (size_t)2 * unit;
    if (size != 2 + block * request->count || get_hex(body) != (int)request->count) {
        return err_set(err, ERR_FRAME, MSG_XGT_BYTE_COUNT,
            ARGS(A_INT(unit * request->count), A_INT(size / 2)));
    }
    for (uint32_t i = 0; i < request->count; i++) {
        const uint8_t *from = body + 2 + block * i;
        if (get_hex(from) != (int)unit) {
            return bad_frame(err);
        }
        int result = take_data(from + 2, unit, unit, data + (size_t)unit * i, err);
        if (result < 0) {
            return result;
        }
    }
    return 0;
}

int xgt_cnet_take(const struct driver_settings *settings, const struct xgt_request *request,
    const uint8_t *frame, size_t size, uint8_t *data, struct err *err) {
    size_t check = settings->values[XGT_OPTION_BCC] != 0 ? 2 : 0;
    if (size < HEAD_BYTES + TAIL_BYTES + check || (frame[0] != ACK && frame[0] != NAK)) {
        return bad_frame(err);
    }
    size_t end = size - check; // Behind ETX.
    if (check != 0 && get_hex(frame + end) != (int)sum_of(frame, end)) {
        return err_set(err, ERR_FRAME, MSG_XGT_CNET_SUM, NO_ARGS);
    }
    if (get_hex(frame + 1) != (int)settings->values[XGT_OPTION_STATION]) {
        return XGT_CNET_FOREIGN;
    }
    char type = request->kind == XGT_READ_RUN ? 'B' : 'S';
    if (frame[3] != (uint8_t)command_of(settings, request) || frame[4] != 'S' ||
        frame[5] != (uint8_t)type) {
        return XGT_CNET_FOREIGN; // The late answer to a request of another kind.
    }
    const uint8_t *body = frame + HEAD_BYTES;
    size_t left = end - TAIL_BYTES - HEAD_BYTES;
    if (frame[0] == NAK) {
        int high = left == 4 ? get_hex(body) : -1;
        int low = left == 4 ? get_hex(body + 2) : -1;
        return high < 0 || low < 0 || high + low == 0 ? bad_frame(err) : high * 256 + low;
    }
    if (is_write(request)) {
        return left == 0 ? 0 : bad_frame(err);
    }
    return request->kind == XGT_READ_RUN ? take_run(request, body, left, data, err)
                                         : take_blocks(request, body, left, data, err);
}

int xgt_cnet_words(int code, const char *name, struct err *err) {
    char hex[9];
    switch (code) {
    case 0x0003: return err_set(err, ERR_DEVICE, MSG_XGT_NAK_01, NO_ARGS);
    case 0x0004: return err_set(err, ERR_DEVICE, MSG_XGT_CNET_NAME, ARGS(A_CSTR(name)));
    case 0x0007:
    case 0x0011:
    case 0x1332: return err_set(err, ERR_DEVICE, MSG_XGT_NAK_02, ARGS(A_CSTR(name)));
    case 0x1132: return err_set(err, ERR_DEVICE, MSG_XGT_NAK_03, ARGS(A_CSTR(name)));
    case 0x1232: return err_set(err, ERR_DEVICE, MSG_XGT_NAK_05, ARGS(A_CSTR(name)));
    case 0x1234: return err_set(err, ERR_DEVICE, MSG_XGT_NAK_76, NO_ARGS);
    case 0x1432: return err_set(err, ERR_DEVICE, MSG_XGT_CNET_DIGITS, NO_ARGS);
    case 0x7132: return err_set(err, ERR_DEVICE, MSG_XGT_NAK_04, ARGS(A_CSTR(name)));
    default:
        (void)snprintf(hex, sizeof hex, "%04X", (unsigned)code & 0xFFFF);
        return err_set(err, ERR_DEVICE, MSG_XGT_NAK, ARGS(A_CSTR(name), A_CSTR(hex)));
    }
}
