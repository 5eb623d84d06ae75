/*
 * LSIS frames on Ethernet (XGL-EFMT(B) user manual chapter 8, XBL-EMTA manual tables 5-3 to 5-6).
 * Everything is little-endian.
 *
 *     company 10 | PLC info 2 | CPU 1 | source 1 | invoke id 2 | length 2 | position 1 | check 1
 *     command 2 | data type 2 | reserved 2 | ...          (`length` counts from here)
 *
 *     read   0054  type  0000  blocks 2  { name length 2  name }          run: one block, bytes 2
 *     answer 0055  type  0000  error 2   blocks 2  { bytes 2  data }
 *     write  0058  type  0000  blocks 2  { name length 2  name } { bytes 2  data }
 *     answer 0059  type  0000  error 2   blocks 2
 *     refusal: error FFFF (00FF stands in print), then the code in place of the blocks
 *
 * Documented: company id, source 33h from the client and 11h from the server, commands, types, the
 * limits of 16 blocks and 1,400 bytes, that a run is of bytes, refusal codes. Settings: the CPU
 * that we claim (A0, A4, A8, B0, B4), base and slot in the position byte, the old company id. The
 * check is printed as "reserved 00" and as the sum of the first 19 bytes at once: we send the sum,
 * which the refusal 77h shows to be looked at, and take both.
 */
#include <stdio.h>
#include <string.h>

#include "core/bytes.h"
#include "device/drivers/xgt.h"

enum {
    COMPANY_BYTES = 10,
    SOURCE_CLIENT = 0x33,
    SOURCE_SERVER = 0x11,
    COMMAND_READ = 0x54,
    COMMAND_WRITE = 0x58,
    TYPE_RUN = 0x14,
    ERROR_STATE = 0xFFFF,
    ERROR_STATE_SHORT = 0x00FF,
};

static const char *const companies[] = {"LSIS-XGT\0\0", "LGIS-GLOFA"};
static const uint8_t cpu_codes[] = {0xA0, 0xB0, 0xA4, 0xA8, 0xB4};

static bool is_write(const struct xgt_request *request) {
    return request->kind == XGT_WRITE_BLOCK || request->kind == XGT_WRITE_RUN;
}

static bool is_run(const struct xgt_request *request) {
    return request->kind == XGT_READ_RUN || request->kind == XGT_WRITE_RUN;
}

static uint32_t block_bytes(const struct xgt_request *request) {
    return is_run(request) ? request->bytes : request->width == XGT_WIDTH_WORD ? 2 : 1;
}

size_t xgt_answer_bytes(const struct xgt_request *request) {
    return is_write(request) ? 0 : (size_t)block_bytes(request) * request->count;
}

static size_t put16(uint8_t *to, size_t at, uint32_t value) {
    to[at] = (uint8_t)value;
    to[at + 1] = (uint8_t)(value >> 8);
    return at + 2;
}

static size_t put_body(
    const struct driver_settings *settings, const struct xgt_request *request, uint8_t *body) {
    size_t at = put16(body, 0, is_write(request) ? COMMAND_WRITE : COMMAND_READ);
    at = put16(body, at, is_run(request) ? TYPE_RUN : request->width);
    at = put16(body, at, 0);
    at = put16(body, at, request->count);
    for (uint32_t i = 0; i < request->count; i++) {
        char name[XGT_NAME_MAX];
        enum xgt_width width = is_run(request) ? XGT_WIDTH_BYTE : request->width;
        size_t size = xgt_put_name(settings, &request->blocks[i], width, name);
        at = put16(body, at, (uint32_t)size);
        memcpy(body + at, name, size);
        at += size;
    }
    if (is_run(request) || is_write(request)) {
        at = put16(body, at, block_bytes(request));
    }
    if (is_write(request)) {
        memcpy(body + at, request->data, block_bytes(request));
        at += block_bytes(request);
    }
    return at;
}

static uint8_t sum_of(const uint8_t *bytes) {
    uint32_t sum = 0;
    for (size_t i = 0; i < XGT_HEAD_BYTES - 1; i++) {
        sum += bytes[i];
    }
    return (uint8_t)sum;
}

size_t xgt_fenet_put(const struct driver_settings *settings, const struct xgt_request *request,
    uint16_t invoke, uint8_t *frame) {
    size_t body = put_body(settings, request, frame + XGT_HEAD_BYTES);
    memcpy(frame, companies[settings->values[XGT_OPTION_COMPANY]], COMPANY_BYTES);
    size_t at = put16(frame, COMPANY_BYTES, 0); // The controller fills its state in.
    frame[at++] = cpu_codes[settings->values[XGT_OPTION_CPU]];
    frame[at++] = SOURCE_CLIENT;
    at = put16(frame, at, invoke);
    at = put16(frame, at, (uint32_t)body);
    frame[at++] =
        (uint8_t)(settings->values[XGT_OPTION_BASE] << 4 | settings->values[XGT_OPTION_SLOT]);
    frame[at] = sum_of(frame);
    return XGT_HEAD_BYTES + body;
}

int xgt_fenet_take_head(const struct driver_settings *settings, const uint8_t *bytes,
    struct xgt_head *ret_head, struct err *err) {
    int64_t company = settings->values[XGT_OPTION_COMPANY];
    if (memcmp(bytes, companies[company], COMPANY_BYTES) != 0) {
        bool other = memcmp(bytes, companies[1 - company], COMPANY_BYTES) == 0;
        return other ? err_set(err, ERR_FRAME, MSG_XGT_OTHER_COMPANY,
                           ARGS(A_CSTR(company == XGT_COMPANY_XGT ? "glofa" : "xgt")))
                     : err_set(err, ERR_FRAME, MSG_XGT_NO_XGT, NO_ARGS);
    }
    struct reader reader = reader_of(bytes + COMPANY_BYTES, XGT_HEAD_BYTES - COMPANY_BYTES);
    struct xgt_head head = {.info = read_u16_le(&reader), .cpu = read_u8(&reader)};
    uint8_t source = read_u8(&reader);
    head.invoke = read_u16_le(&reader);
    head.length = read_u16_le(&reader);
    read_skip(&reader, 1); // Base and slot: models fill them in differently.
    uint8_t check = read_u8(&reader);
    if (source != SOURCE_SERVER) {
        return err_set(err, ERR_FRAME, MSG_XGT_SOURCE, ARGS(A_INT(source)));
    }
    if (check != 0 && check != sum_of(bytes)) {
        return err_set(err, ERR_FRAME, MSG_XGT_HEAD_SUM, NO_ARGS);
    }
    if (head.length < 8 || head.length > XGT_BODY_MAX) {
        return err_set(err, ERR_FRAME, MSG_XGT_LENGTH, ARGS(A_INT(head.length)));
    }
    *ret_head = head;
    return 0;
}

/* The blocks of a good answer to a read. */
static int take_blocks(
    const struct xgt_request *request, struct reader *reader, uint8_t *data, struct err *err) {
    uint32_t wanted = block_bytes(request);
    for (uint32_t i = 0; i < request->count; i++) {
        uint32_t size = read_u16_le(reader);
        const uint8_t *from = read_bytes(reader, size);
        if (from == NULL || size != wanted) {
            return err_set(err, ERR_FRAME, MSG_XGT_BYTE_COUNT, ARGS(A_INT(wanted), A_INT(size)));
        }
        memcpy(data + (size_t)i * wanted, from, wanted);
    }
    if (reader_left(reader) != 0) {
        return err_set(err, ERR_FRAME, MSG_XGT_BYTE_COUNT,
            ARGS(A_INT(wanted), A_INT(wanted + reader_left(reader))));
    }
    return 0;
}

int xgt_fenet_take_body(const struct xgt_request *request, const uint8_t *body, size_t size,
    uint8_t *data, struct err *err) {
    struct reader reader = reader_of(body, size);
    uint32_t command = (is_write(request) ? COMMAND_WRITE : COMMAND_READ) + 1;
    uint32_t type = is_run(request) ? TYPE_RUN : (uint32_t)request->width;
    uint32_t got_command = read_u16_le(&reader);
    uint32_t got_type = read_u16_le(&reader);
    read_skip(&reader, 2);
    uint32_t state = read_u16_le(&reader);
    uint32_t count = read_u16_le(&reader);
    if (reader.failed || got_command != command) {
        return err_set(
            err, ERR_FRAME, MSG_XGT_WRONG_COMMAND, ARGS(A_INT(command), A_INT(got_command)));
    }
    if (state == ERROR_STATE || state == ERROR_STATE_SHORT) {
        return reader_left(&reader) == 0 && count != 0
                   ? (int)count
                   : err_set(err, ERR_FRAME, MSG_XGT_LENGTH, ARGS(A_INT(size)));
    }
    if (state != 0 || got_type != type || count != request->count) {
        return err_set(
            err, ERR_FRAME, MSG_XGT_WRONG_COMMAND, ARGS(A_INT(command), A_INT(got_command)));
    }
    if (is_write(request)) {
        return 0; // Some models repeat the name behind it.
    }
    return take_blocks(request, &reader, data, err);
}

int xgt_fenet_words(int code, const char *name, struct err *err) {
    char digits[9];
    switch (code) {
    case 0x01: return err_set(err, ERR_DEVICE, MSG_XGT_NAK_01, NO_ARGS);
    case 0x02: return err_set(err, ERR_DEVICE, MSG_XGT_NAK_02, ARGS(A_CSTR(name)));
    case 0x03: return err_set(err, ERR_DEVICE, MSG_XGT_NAK_03, ARGS(A_CSTR(name)));
    case 0x04: return err_set(err, ERR_DEVICE, MSG_XGT_NAK_04, ARGS(A_CSTR(name)));
    case 0x05:
    case 0x06: return err_set(err, ERR_DEVICE, MSG_XGT_NAK_05, ARGS(A_CSTR(name)));
    case 0x75: return err_set(err, ERR_DEVICE, MSG_XGT_NAK_75, NO_ARGS);
    case 0x76: return err_set(err, ERR_DEVICE, MSG_XGT_NAK_76, NO_ARGS);
    case 0x77: return err_set(err, ERR_DEVICE, MSG_XGT_NAK_77, NO_ARGS);
    case 0x78: return err_set(err, ERR_DEVICE, MSG_XGT_NAK_78, NO_ARGS);
    default:
        (void)snprintf(digits, sizeof digits, "%04X", (unsigned)code);
        return err_set(err, ERR_DEVICE, MSG_XGT_NAK, ARGS(A_CSTR(name), A_CSTR(digits)));
    }
}
