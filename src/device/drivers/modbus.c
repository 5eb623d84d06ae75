/*
 * Modbus TCP and RTU client.
 *
 * Standards: Application Protocol V1.1b3 (PDU, functions, exceptions), Messaging on TCP/IP V1.0b
 * (MBAP header: transaction, protocol 0, length, unit), Serial Line V1.02 (RTU frame: unit, PDU,
 * CRC, 3.5 characters of silence).
 *
 * TCP. Every request has a transaction number that is never used again within 65,536 requests, and
 * an answer counts only for the request with its number, unit and function. The answer to a
 * request that was given up is recognised by its older number and dropped; it never shifts onto a
 * newer request, the classic fault of Modbus clients. Anything that cannot be an answer (unknown
 * number, other unit, wrong length) means that the two sides have lost each other: reconnect.
 *
 * Pipelining (option `pipeline`, 1 by default as many controllers serve one request at a time):
 * up to that many requests are under way, sent in one write. With 0 the driver finds out by itself:
 * it begins with one, doubles after GOOD_CALLS_TO_GROW good polls, and at the first oddity with
 * more than one under way goes back to one for good.
 *
 * RTU has no transaction numbers, so before each request the line must have been silent for 3.5
 * characters, and what came meanwhile (late answers, noise) is thrown away. A frame with a good
 * checksum from another unit or of another length is a late answer: it is dropped and ours is
 * waited for. A bad checksum costs this request only.
 */
#include "device/drivers/modbus.h"

#include <string.h>

enum {
    MBAP_BYTES = 7,
    REQUEST_BYTES = 12, // MBAP and five bytes of a read.
    FRAME_MAX = 260,
    RTU_MIN_SILENCE_US = 1750, // Above 19,200 baud, Serial Line V1.02 clause 2.5.1.1.
    SILENCE_CHARACTERS_X10 = 35,
    GOOD_CALLS_TO_GROW = 8,
    AUTO_DEPTH_MAX = 8,
    GAP_SERIAL_REGISTERS = 8, // Reading them costs about what a request's overhead does.
    GAP_SERIAL_BITS = 64,
    EXCEPTION_BIT = 0x80,
};

struct flight {
    uint16_t transaction;
    uint32_t group;
    int64_t stamp;
};

struct modbus_private {
    uint16_t next_transaction;
    uint32_t sent_in_session; // Saturates at 65,535: older numbers are unknown.
    uint32_t auto_depth;
    uint32_t good_calls;
    bool auto_off; // The device does not pipeline; for good.
    uint32_t flight_count;
    struct flight flights[MODBUS_PIPELINE_MAX];
    uint8_t out[MODBUS_PIPELINE_MAX * REQUEST_BYTES];
    uint8_t frame[FRAME_MAX];
};

static const uint8_t read_functions[] = {1, 2, 3, 4};

static bool is_bits(uint32_t space) {
    return space == MODBUS_COILS || space == MODBUS_DISCRETE;
}

static void put_word(uint8_t *to, uint32_t value) {
    to[0] = (uint8_t)(value >> 8);
    to[1] = (uint8_t)value;
}

static uint32_t get_word(const uint8_t *from) {
    return (uint32_t)from[0] << 8 | from[1];
}

static bool uses_rtu(const struct driver_io *io) {
    int64_t framing = io_settings(io)->values[OPTION_FRAMING];
    return framing == FRAMING_RTU || (framing == FRAMING_AUTO && io_is_serial(io));
}

/* Five bytes that read a group. */
static void put_read(const struct point_group *group, uint8_t *pdu) {
    pdu[0] = read_functions[group->space];
    put_word(pdu + 1, group->start);
    put_word(pdu + 3, group->length);
}

static uint32_t data_bytes(const struct point_group *group) {
    return is_bits(group->space) ? (group->length + 7) / 8 : group->length * 2;
}

static int exception_words(uint8_t code, uint32_t unit, uint8_t function,
    const struct point_group *group, struct err *err) {
    uint32_t start = group != NULL ? group->start : 0;
    uint32_t length = group != NULL ? group->length : 1;
    switch (code) {
    case 1:
        return err_set(err, ERR_DEVICE, MSG_MODBUS_EXCEPTION_1, ARGS(A_INT(unit), A_INT(function)));
    case 2:
        return length == 1 ? err_set(err, ERR_DEVICE, MSG_MODBUS_EXCEPTION_2_ONE,
                                 ARGS(A_INT(unit), A_INT(start)))
                           : err_set(err, ERR_DEVICE, MSG_MODBUS_EXCEPTION_2,
                                 ARGS(A_INT(unit), A_INT(start), A_INT(start + length - 1)));
    case 3:
        return length == 1 ? err_set(err, ERR_DEVICE, MSG_MODBUS_EXCEPTION_3_ONE,
                                 ARGS(A_INT(unit), A_INT(start)))
                           : err_set(err, ERR_DEVICE, MSG_MODBUS_EXCEPTION_3,
                                 ARGS(A_INT(unit), A_INT(start), A_INT(length)));
    case 4: return err_set(err, ERR_DEVICE, MSG_MODBUS_EXCEPTION_4, ARGS(A_INT(unit)));
    case 6: return err_set(err, ERR_DEVICE, MSG_MODBUS_EXCEPTION_6, ARGS(A_INT(unit)));
    case 10: return err_set(err, ERR_DEVICE, MSG_MODBUS_EXCEPTION_10, ARGS(A_INT(unit)));
    case 11: return err_set(err, ERR_DEVICE, MSG_MODBUS_EXCEPTION_11, ARGS(A_INT(unit)));
    default: return err_set(err, ERR_DEVICE, MSG_MODBUS_EXCEPTION, ARGS(A_INT(unit), A_INT(code)));
    }
}

/* What an exception means for a group that was read. True: the unit is silent. */
static bool take_exception(const struct point_group *group, uint8_t code, struct point_sink *sink) {
    struct err err = ERR_INIT;
    (void)exception_words(code, group->unit, read_functions[group->space], group, &err);
    switch (code) {
    case 2: // Illegal address.
    case 3: // Illegal value: more cells than this device gives at once.
        sink_group_refused(sink, group, &err);
        return false;
    case 1: sink_group_failed(sink, group, STATUS_BAD_CONFIGURATION, &err); return false;
    case 4: sink_group_failed(sink, group, STATUS_BAD_DEVICE_FAILURE, &err); return false;
    case 10: sink_unit_silent(sink, STATUS_BAD_NOT_CONNECTED, &err); return true;
    case 11: sink_unit_silent(sink, STATUS_BAD_COMMUNICATION, &err); return true;
    default: sink_group_failed(sink, group, STATUS_BAD_NO_DATA, &err); return false; // Busy...
    }
}

static void take_data(
    const struct point_group *group, const uint8_t *data, struct point_sink *sink) {
    for (uint32_t i = 0; i < group->count; i++) {
        const struct point *point = &group->points[i];
        uint32_t offset = point->start - group->start;
        if (is_bits(group->space)) {
            sink_bool(sink, point, data[offset / 8] >> (offset % 8) & 1);
        } else {
            modbus_decode(point, data + (size_t)offset * 2, sink);
        }
    }
}

/* Checks a PDU (function, ...) against the group it must answer; the exception code, 0 for data,
 * or negative for what is no answer to it. */
static int check_answer(
    const struct point_group *group, const uint8_t *pdu, size_t size, struct err *err) {
    uint8_t function = read_functions[group->space];
    if ((pdu[0] & ~EXCEPTION_BIT) != function) {
        return err_set(
            err, ERR_FRAME, MSG_MODBUS_WRONG_FUNCTION, ARGS(A_INT(function), A_INT(pdu[0])));
    }
    if ((pdu[0] & EXCEPTION_BIT) != 0) {
        if (size != 2 || pdu[1] == 0) {
            return err_set(err, ERR_FRAME, MSG_MODBUS_BYTE_COUNT, ARGS(A_INT(1), A_INT(size - 1)));
        }
        return pdu[1];
    }
    uint32_t bytes = data_bytes(group);
    if (size != 2 + (size_t)bytes || pdu[1] != bytes) {
        return err_set(err, ERR_FRAME, MSG_MODBUS_BYTE_COUNT,
            ARGS(A_INT(bytes), A_INT(size >= 2 ? size - 2 : 0)));
    }
    return 0;
}

/* --- TCP --- */

static void put_mbap(struct modbus_private *modbus, uint8_t *to, uint32_t unit, size_t pdu_bytes) {
    modbus->next_transaction++;
    if (modbus->sent_in_session < UINT16_MAX) {
        modbus->sent_in_session++;
    }
    put_word(to, modbus->next_transaction);
    put_word(to + 2, 0);
    put_word(to + 4, (uint32_t)pdu_bytes + 1);
    to[6] = (uint8_t)unit;
}

/* Receives one MBAP frame into modbus->frame; the PDU's size, or negative. */
static int receive_tcp(struct driver_io *io, struct modbus_private *modbus, struct err *err) {
    int result = io_receive(io, modbus->frame, MBAP_BYTES, err);
    if (result < 0) {
        return result;
    }
    uint32_t protocol = get_word(modbus->frame + 2);
    uint32_t length = get_word(modbus->frame + 4);
    if (protocol != 0) {
        return err_set(err, ERR_FRAME, MSG_MODBUS_PROTOCOL_ID, ARGS(A_INT(protocol)));
    }
    if (length < 3 || length > MODBUS_PDU_MAX + 1) {
        return err_set(err, ERR_FRAME, MSG_MODBUS_LENGTH, ARGS(A_INT(length)));
    }
    result = io_receive(io, modbus->frame + MBAP_BYTES, length - 1, err);
    if (result == -ERR_TIMEOUT) {
        return err_set(err, ERR_FRAME, MSG_MODBUS_CUT, ARGS(A_INT(MBAP_BYTES), A_INT(length + 6)));
    }
    return result < 0 ? result : (int)length - 1;
}

/* True when the number was given to a request of this session that is no longer waited for. */
static bool is_late(const struct modbus_private *modbus, uint32_t transaction) {
    uint16_t age = (uint16_t)(modbus->next_transaction - transaction);
    return age < modbus->sent_in_session;
}

/* Sends further groups until `depth` are under way, in one write. */
static int send_ahead(struct driver_io *io, struct modbus_private *modbus,
    const struct point_group *groups, uint32_t *next, uint32_t count, uint32_t depth,
    struct err *err) {
    size_t size = 0;
    while (*next < count && modbus->flight_count < depth) {
        uint8_t *request = modbus->out + size;
        put_mbap(modbus, request, groups[*next].unit, REQUEST_BYTES - MBAP_BYTES);
        put_read(&groups[*next], request + MBAP_BYTES);
        modbus->flights[modbus->flight_count++] = (struct flight){
            .transaction = modbus->next_transaction, .group = *next, .stamp = io_request_sent(io)};
        size += REQUEST_BYTES;
        (*next)++;
    }
    return size > 0 ? io_send(io, modbus->out, size, err) : 0;
}

/* Receives until an answer to one of the requests under way is there, and takes the request out.
 * The PDU's size, or negative. */
static int receive_answer(struct driver_io *io, struct modbus_private *modbus,
    struct flight *ret_flight, struct err *err) {
    for (;;) {
        int size = receive_tcp(io, modbus, err);
        if (size < 0) {
            return size;
        }
        uint32_t transaction = get_word(modbus->frame);
        for (uint32_t i = 0; i < modbus->flight_count; i++) {
            if (modbus->flights[i].transaction == transaction) {
                *ret_flight = modbus->flights[i];
                modbus->flight_count--;
                memmove(&modbus->flights[i], &modbus->flights[i + 1],
                    (modbus->flight_count - i) * sizeof modbus->flights[0]);
                return size;
            }
        }
        if (!is_late(modbus, transaction)) {
            return err_set(err, ERR_FRAME, MSG_MODBUS_TRANSACTION, ARGS(A_INT(transaction)));
        }
    }
}

/* Takes one answer. 1: the unit is silent, 0: go on, negative: the session is lost. */
static int take_answer(struct driver_io *io, struct modbus_private *modbus,
    const struct point_group *groups, struct point_sink *sink, struct err *err) {
    struct flight flight = {0};
    int size = receive_answer(io, modbus, &flight, err);
    if (size == -ERR_TIMEOUT) {
        sink_unit_silent(sink, STATUS_BAD_TIMEOUT, err);
        return 1;
    }
    if (size < 0) {
        return size;
    }
    const struct point_group *group = &groups[flight.group];
    if (modbus->frame[6] != group->unit) {
        return err_set(err, ERR_FRAME, MSG_MODBUS_WRONG_UNIT,
            ARGS(A_INT(group->unit), A_INT(modbus->frame[6])));
    }
    int code = check_answer(group, modbus->frame + MBAP_BYTES, (size_t)size, err);
    if (code < 0) {
        return code;
    }
    io_request_answered(io, flight.stamp);
    if (code > 0) {
        return take_exception(group, (uint8_t)code, sink) ? 1 : 0;
    }
    take_data(group, modbus->frame + MBAP_BYTES + 2, sink);
    return 0;
}

static uint32_t pipeline_depth(const struct driver_io *io, struct modbus_private *modbus) {
    int64_t wished = io_settings(io)->values[OPTION_PIPELINE];
    if (wished > 0) {
        return (uint32_t)wished;
    }
    if (modbus->auto_depth == 0 || modbus->auto_off) {
        modbus->auto_depth = 1;
    }
    return modbus->auto_depth;
}

/* Learns from a call with several groups how much the device stands. */
static void learn_depth(struct modbus_private *modbus, uint32_t depth, bool good) {
    if (!good) {
        modbus->auto_off = modbus->auto_off || depth > 1;
        modbus->good_calls = 0;
    } else if (++modbus->good_calls >= GOOD_CALLS_TO_GROW && depth < AUTO_DEPTH_MAX) {
        modbus->auto_depth = depth * 2;
        modbus->good_calls = 0;
    }
}

static int read_tcp(struct driver_io *io, const struct point_group *groups, uint32_t count,
    struct point_sink *sink, struct err *err) {
    struct modbus_private *modbus = io_private(io);
    uint32_t depth = pipeline_depth(io, modbus);
    uint32_t next = 0;
    int result = 0;
    modbus->flight_count = 0;
    while (result == 0 && (next < count || modbus->flight_count > 0)) {
        result = send_ahead(io, modbus, groups, &next, count, depth, err);
        if (result == 0) {
            result = take_answer(io, modbus, groups, sink, err);
        }
    }
    if (count > 1) {
        learn_depth(modbus, depth, result == 0);
    }
    return result < 0 ? result : 0;
}

/* --- RTU --- */

static uint32_t silence_us(const struct driver_io *io) {
    if (!io_is_serial(io)) {
        return 0; // A converter on the network keeps the silences itself.
    }
    uint32_t us = io_characters_us(io, SILENCE_CHARACTERS_X10);
    return us > RTU_MIN_SILENCE_US ? us : RTU_MIN_SILENCE_US;
}

static int send_rtu(struct driver_io *io, uint32_t unit, const uint8_t *pdu, size_t size,
    int64_t *ret_stamp, struct err *err) {
    uint8_t frame[FRAME_MAX];
    int result = io_drain(io, silence_us(io), err);
    if (result < 0) {
        return result;
    }
    frame[0] = (uint8_t)unit;
    memcpy(frame + 1, pdu, size);
    uint16_t crc = modbus_crc(frame, size + 1);
    frame[size + 1] = (uint8_t)crc;
    frame[size + 2] = (uint8_t)(crc >> 8);
    *ret_stamp = io_request_sent(io);
    return io_send(io, frame, size + 3, err);
}

/* Receives one RTU frame: unit and PDU into modbus->frame. The PDU's size; ERR_TIMEOUT when
 * nothing came, ERR_FRAME when it is damaged. */
static int receive_rtu(struct driver_io *io, struct modbus_private *modbus, struct err *err) {
    uint8_t *frame = modbus->frame;
    int result = io_receive(io, frame, 3, err); // Unit, function, and length, code or echo.
    if (result < 0) {
        return result;
    }
    uint8_t function = frame[1];
    size_t size = 5; // An exception: unit, function, code, CRC.
    if (function >= 1 && function <= 4) {
        size = 5 + (size_t)frame[2];
    } else if (function == 5 || function == 6 || function == 15 || function == 16) {
        size = 8;
    } else if ((function & EXCEPTION_BIT) == 0) {
        return err_set(err, ERR_FRAME, MSG_MODBUS_WRONG_FUNCTION, ARGS(A_INT(3), A_INT(function)));
    }
    result = io_receive(io, frame + 3, size - 3, err);
    if (result == -ERR_TIMEOUT) {
        return err_set(err, ERR_FRAME, MSG_MODBUS_CUT, ARGS(A_INT(3), A_INT(size)));
    }
    if (result < 0) {
        return result;
    }
    uint16_t crc = modbus_crc(frame, size - 2);
    if (frame[size - 2] != (uint8_t)crc || frame[size - 1] != (uint8_t)(crc >> 8)) {
        return err_set(err, ERR_FRAME, MSG_MODBUS_CRC, NO_ARGS);
    }
    return (int)size - 3;
}

/* Asks for one group. 1: the unit is silent, 0: done, negative: the session is lost. */
static int read_rtu_group(struct driver_io *io, const struct point_group *group,
    struct point_sink *sink, struct err *err) {
    struct modbus_private *modbus = io_private(io);
    uint8_t pdu[5];
    int64_t stamp = 0;
    put_read(group, pdu);
    int result = send_rtu(io, group->unit, pdu, sizeof pdu, &stamp, err);
    if (result < 0) {
        return result;
    }
    for (;;) {
        int size = receive_rtu(io, modbus, err);
        if (size == -ERR_TIMEOUT) {
            sink_unit_silent(sink, STATUS_BAD_TIMEOUT, err);
            return 1;
        }
        if (size == -ERR_FRAME) {
            sink_group_failed(sink, group, STATUS_BAD_COMMUNICATION, err);
            return 0;
        }
        if (size < 0) {
            return size;
        }
        int code = modbus->frame[0] == group->unit
                       ? check_answer(group, modbus->frame + 1, (size_t)size, err)
                       : -ERR_FRAME;
        if (code < 0) {
            continue; // A whole frame, but for an older request.
        }
        err_clear(err);
        io_request_answered(io, stamp);
        if (code > 0) {
            return take_exception(group, (uint8_t)code, sink) ? 1 : 0;
        }
        take_data(group, modbus->frame + 3, sink);
        return 0;
    }
}

static int read_rtu(struct driver_io *io, const struct point_group *groups, uint32_t count,
    struct point_sink *sink, struct err *err) {
    int result = 0;
    for (uint32_t i = 0; i < count && result == 0; i++) {
        result = read_rtu_group(io, &groups[i], sink, err);
    }
    return result < 0 ? result : 0;
}

static int modbus_read_groups(struct driver_io *io, const struct point_group *groups,
    uint32_t count, struct point_sink *sink, struct err *err) {
    return uses_rtu(io) ? read_rtu(io, groups, count, sink, err)
                        : read_tcp(io, groups, count, sink, err);
}

/* --- writing --- */

/* Functions 5, 6, 15 and 16 (clauses 6.5, 6.6, 6.11, 6.12) for one value; the PDU's size. */
static size_t put_write(const struct driver_io *io, const struct point *point, const uint8_t *data,
    int bytes, uint8_t *pdu) {
    bool multiple = io_settings(io)->values[OPTION_WRITE] == 1;
    bool on = data[0] != 0 || data[1] != 0;
    put_word(pdu + 1, point->start);
    if (point->space == MODBUS_COILS) {
        pdu[0] = multiple ? 15 : 5;
        put_word(pdu + 3, multiple ? 1 : on ? 0xFF00u : 0u);
        pdu[5] = 1;
        pdu[6] = on;
        return multiple ? 7 : 5;
    }
    if (bytes == 2 && !multiple) {
        pdu[0] = 6;
        memcpy(pdu + 3, data, 2);
        return 5;
    }
    pdu[0] = 16;
    put_word(pdu + 3, (uint32_t)bytes / 2);
    pdu[5] = (uint8_t)bytes;
    memcpy(pdu + 6, data, (size_t)bytes);
    return 6 + (size_t)bytes;
}

/* Sends a PDU and receives the PDU that answers it: a pointer into the frame, and its size. */
static int exchange(struct driver_io *io, uint32_t unit, const uint8_t *pdu, size_t size,
    const uint8_t **ret_pdu, struct err *err) {
    struct modbus_private *modbus = io_private(io);
    int64_t stamp = 0;
    int got = 0;
    if (uses_rtu(io)) {
        got = send_rtu(io, unit, pdu, size, &stamp, err);
        while (got == 0) {
            got = receive_rtu(io, modbus, err);
            bool ours = got > 0 && modbus->frame[0] == unit &&
                        (modbus->frame[1] & ~EXCEPTION_BIT) == pdu[0];
            got = got > 0 && !ours ? 0 : got; // Late: wait on.
        }
        *ret_pdu = modbus->frame + 1;
    } else {
        uint8_t frame[FRAME_MAX];
        struct flight flight = {0};
        put_mbap(modbus, frame, unit, size);
        memcpy(frame + MBAP_BYTES, pdu, size);
        modbus->flights[0] =
            (struct flight){.transaction = modbus->next_transaction, .stamp = io_request_sent(io)};
        modbus->flight_count = 1;
        stamp = modbus->flights[0].stamp;
        got = io_send(io, frame, MBAP_BYTES + size, err);
        got = got < 0 ? got : receive_answer(io, modbus, &flight, err);
        *ret_pdu = modbus->frame + MBAP_BYTES;
        if (got > 0 && modbus->frame[6] != unit) {
            return err_set(
                err, ERR_FRAME, MSG_MODBUS_WRONG_UNIT, ARGS(A_INT(unit), A_INT(modbus->frame[6])));
        }
    }
    if (got > 0) {
        io_request_answered(io, stamp);
    }
    return got;
}

static int modbus_write(
    struct driver_io *io, const struct point *point, const struct sample *value, struct err *err) {
    uint8_t data[8] = {0};
    uint8_t pdu[MODBUS_PDU_MAX] = {0};
    const uint8_t *answer = NULL;
    int bytes = modbus_encode(point, value, data, err);
    if (bytes < 0) {
        return bytes;
    }
    size_t size = put_write(io, point, data, bytes, pdu);
    int got = exchange(io, point->unit, pdu, size, &answer, err);
    if (got < 0) {
        return got;
    }
    if (answer[0] == (pdu[0] | EXCEPTION_BIT) && got == 2) {
        return exception_words(answer[1], point->unit, pdu[0],
            &(struct point_group){.start = point->start, .length = point->length}, err);
    }
    /* The answer repeats function, address, and value or count. */
    if (got != 5 || memcmp(answer, pdu, 5) != 0) {
        return err_set(err, ERR_FRAME, MSG_MODBUS_ECHO, NO_ARGS);
    }
    return 0;
}

/* --- for the connection doctor --- */

/* Asks one cell; true when the unit said anything, also an exception. *ret_code: the exception, 0
 * for data. */
static bool probe(
    struct driver_io *io, uint32_t unit, uint8_t function, uint32_t start, uint8_t *ret_code) {
    uint8_t pdu[5] = {function};
    put_word(pdu + 1, start);
    put_word(pdu + 3, 1);
    const uint8_t *answer = NULL;
    struct err err = ERR_INIT;
    int got = exchange(io, unit, pdu, sizeof pdu, &answer, &err);
    *ret_code = got == 2 && answer[0] == (function | EXCEPTION_BIT) ? answer[1] : 0;
    return got > 0 && *ret_code != 10 && *ret_code != 11; // Those are the gateway's own.
}

/* Units that answer, of those that shops use. */
static void find_units(struct driver_io *io, uint32_t wanted, struct diagnosis *diagnosis) {
    static const uint8_t UNITS[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 247, 255, 0};
    AUTO_BUF struct buf found;
    AUTO_BUF struct buf tried;
    buf_init(&found, 128);
    buf_init(&tried, 128);
    for (size_t i = 0; i < sizeof UNITS; i++) {
        uint8_t code = 0;
        if (UNITS[i] == wanted) {
            continue;
        }
        buf_printf(&tried, "%s%u", tried.size > 0 ? " " : "", UNITS[i]);
        if (probe(io, UNITS[i], 3, 0, &code)) {
            buf_printf(&found, "%s%u", found.size > 0 ? " " : "", UNITS[i]);
        }
    }
    struct err words = ERR_INIT;
    if (found.size > 0) {
        (void)err_set(&words, ERR_INVALID, MSG_MODBUS_UNIT_FOUND,
            ARGS(A_INT(wanted), A_STR(buf_str(&found))));
    } else {
        (void)err_set(&words, ERR_INVALID, MSG_MODBUS_UNIT_NONE, ARGS(A_STR(buf_str(&tried))));
    }
    diagnosis_add(diagnosis, VERDICT_BAD, &words);
}

/* An address that its table does not have may stand in the neighbouring one. */
static void find_table(
    struct driver_io *io, const struct point *point, struct diagnosis *diagnosis) {
    static const enum modbus_space OTHERS[] = {
        MODBUS_DISCRETE, MODBUS_COILS, MODBUS_INPUT, MODBUS_HOLDING};
    static const char *const NAMES[] = {"coil", "discrete", "holding", "input"};
    enum modbus_space other = OTHERS[point->space];
    uint8_t code = 0;
    if (probe(io, point->unit, read_functions[point->space], point->start, &code) && code == 2 &&
        probe(io, point->unit, read_functions[other], point->start, &code) && code == 0) {
        AUTO_BUF struct buf source;
        buf_init(&source, 64);
        buf_printf(&source, "%s:%u", NAMES[other], point->start);
        struct err words = ERR_INIT;
        (void)err_set(&words, ERR_INVALID, MSG_MODBUS_TABLE_OTHER,
            ARGS(A_INT(point->unit), A_CSTR(NAMES[other]), A_STR(buf_str(&source))));
        diagnosis_add(diagnosis, VERDICT_NOTE, &words);
    }
}

/* The same registers as other types and orders. */
static void offer_forms(const struct point *point, struct diagnosis *diagnosis) {
    static const char *const FORMS[] = {"i16", "u16", "f32 ABCD", "f32 CDAB", "f32 BADC",
        "f32 DCBA", "i32 ABCD", "i32 CDAB", "u32 ABCD", "u32 CDAB"};
    static const char *const NAMES[] = {"coil", "discrete", "holding", "input"};
    if (is_bits(point->space)) {
        return;
    }
    for (size_t i = 0; i < sizeof FORMS / sizeof FORMS[0]; i++) {
        AUTO_BUF struct buf source;
        buf_init(&source, 64);
        buf_printf(
            &source, "%s:%u %s unit %u", NAMES[point->space], point->start, FORMS[i], point->unit);
        diagnosis_candidate(diagnosis, buf_str(&source), str_of(FORMS[i]), STR_NONE);
    }
}

static int modbus_diagnose(
    struct driver_io *io, const struct point *point, struct diagnosis *diagnosis, struct err *err) {
    (void)err;
    uint32_t unit = point != NULL ? point->unit : (uint32_t)io_settings(io)->values[OPTION_UNIT];
    uint8_t function = point != NULL ? read_functions[point->space] : 3;
    uint8_t code = 0;
    if (!probe(io, unit, function, point != NULL ? point->start : 0, &code)) {
        find_units(io, unit, diagnosis);
        return 0;
    }
    struct err words = ERR_INIT;
    (void)err_set(&words, ERR_INVALID, MSG_MODBUS_UNIT_GOOD, ARGS(A_INT(unit)));
    diagnosis_add(diagnosis, VERDICT_GOOD, &words);
    if (point != NULL) {
        find_table(io, point, diagnosis);
        offer_forms(point, diagnosis);
    }
    return 0;
}

/* --- the table --- */

static int modbus_open(struct driver_io *io, struct err *err) {
    (void)err; // Modbus has no handshake.
    struct modbus_private *modbus = io_private(io);
    modbus->sent_in_session = 0;
    modbus->flight_count = 0;
    return 0;
}

static struct driver_span modbus_span(const struct driver_settings *settings, uint32_t space) {
    bool bits = is_bits(space);
    int64_t max = settings->values[bits ? OPTION_MAX_BITS : OPTION_MAX_REGISTERS];
    int64_t gap = settings->values[OPTION_MAX_GAP];
    if (gap < 0) {
        int64_t serial_gap = bits ? GAP_SERIAL_BITS : GAP_SERIAL_REGISTERS;
        gap = settings->serial ? serial_gap : max;
    }
    return (struct driver_span){.max_length = (uint32_t)max, .max_gap = (uint32_t)gap};
}

static const struct driver_option modbus_options[] = {
    [OPTION_UNIT] = {.name = "unit",
        .help_en = "Unit (station) number; a tag may name its own with `unit n`.",
        .help_ko = "국번입니다. 태그마다 `unit n`으로 따로 지정할 수 있습니다.",
        .fallback = 1,
        .min = 0,
        .max = 255},
    [OPTION_MAX_REGISTERS] = {.name = "max_registers",
        .help_en = "Most registers the device gives in one answer.",
        .help_ko = "한 번에 읽을 수 있는 최대 레지스터 수입니다.",
        .fallback = MODBUS_REGISTERS_MAX,
        .min = 1,
        .max = MODBUS_REGISTERS_MAX},
    [OPTION_MAX_BITS] = {.name = "max_bits",
        .help_en = "Most coils or inputs the device gives in one answer.",
        .help_ko = "한 번에 읽을 수 있는 최대 비트 수입니다.",
        .fallback = MODBUS_BITS_MAX,
        .min = 1,
        .max = MODBUS_BITS_MAX},
    [OPTION_MAX_GAP] = {.name = "max_gap",
        .help_en = "Unused cells read along to save a request; -1: as many as pay.",
        .help_ko = "요청 수를 줄이기 위해 함께 읽는 빈 주소 수입니다. -1이면 자동입니다.",
        .fallback = -1,
        .min = -1,
        .max = MODBUS_BITS_MAX},
    [OPTION_PIPELINE] = {.name = "pipeline",
        .help_en = "Requests under way at once (TCP); 0: find out what the device stands.",
        .help_ko = "동시에 보내는 요청 수입니다(TCP). 0이면 장치가 견디는 만큼 자동으로 늘립니다.",
        .fallback = 1,
        .min = 0,
        .max = MODBUS_PIPELINE_MAX},
    [OPTION_WORD_ORDER] = {.name = "word_order",
        .help_en = "Byte order of values in several registers, unless the tag names one.",
        .help_ko = "여러 레지스터에 걸친 값의 바이트 순서입니다. 태그에 적으면 그것이 우선합니다.",
        .fallback = ORDER_ABCD,
        .words = "ABCD,CDAB,BADC,DCBA"},
    [OPTION_FRAMING] = {.name = "framing",
        .help_en = "auto: RTU on serial lines, else TCP; rtu: RTU through a network converter.",
        .help_ko = "auto는 직렬이면 RTU, 아니면 TCP입니다. rtu는 변환기를 거친 RTU입니다.",
        .fallback = FRAMING_AUTO,
        .words = "auto,tcp,rtu"},
    [OPTION_WRITE] = {.name = "write",
        .help_en = "single: functions 5 and 6 where they fit; multiple: always 15 and 16.",
        .help_ko = "single은 가능하면 기능 5, 6을, multiple은 항상 15, 16을 씁니다.",
        .fallback = 0,
        .words = "single,multiple"},
    [OPTION_COUNT] = {.name = NULL},
};
_Static_assert((int)OPTION_COUNT <= (int)DRIVER_OPTIONS_MAX, "options fit");

const struct driver driver_modbus;
const struct driver driver_modbus = {
    .name = "modbus",
    .help_en =
        "Modbus TCP (host:port, usually 502) and Modbus RTU (/dev/ttyS0, or framing=rtu over "
        "TCP). Addresses: holding:0 f32 CDAB, input:3 u16, coil:5, discrete:7, holding:10.3 "
        "for a bit, 40001 as in old manuals; numbers count from 0, classic ones from 1.",
    .help_ko =
        "Modbus TCP(호스트:포트, 보통 502)와 Modbus RTU(/dev/ttyS0 또는 TCP에서 framing=rtu)를 "
        "지원합니다. 주소 예: holding:0 f32 CDAB, input:3 u16, coil:5, discrete:7, 비트는 "
        "holding:10.3, 매뉴얼 번호는 40001. 번호는 0부터, 매뉴얼 번호는 1부터 셉니다.",
    .options = modbus_options,
    .private_bytes = sizeof(struct modbus_private),
    .parse_address = modbus_parse_address,
    .span = modbus_span,
    .open = modbus_open,
    .read_groups = modbus_read_groups,
    .write = modbus_write,
    .diagnose = modbus_diagnose,
};
