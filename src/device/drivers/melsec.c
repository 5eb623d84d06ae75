/*
 * Mitsubishi MELSEC: MC protocol (SLMP), binary code, frames 3E and 4E, over TCP and UDP.
 *
 * Standards: SH(NA)-080956 (SLMP reference: frames clause 4, commands clause 5) and SH(NA)-080008
 * (MC protocol). All numbers are little-endian. A request is subheader, route (network, PC, module
 * I/O, station), length, monitoring timer (250 ms), command, subcommand, data; an answer is
 * subheader, the same route, length, end code, data.
 *
 * 3E has no transaction number: after a time-out nobody can tell a late answer from the next one.
 * So the session is given up at the first time-out, and the late answer dies with its connection.
 * 4E carries a serial number; there a late answer is recognised and dropped, and the session lives
 * on. The monitoring timer is set to three quarters of our own time-out, so that a PLC that waits
 * for another one in vain says so before we hang up. One request is under way at a time, as these
 * PLCs serve one per connection and scan.
 *
 * Groups of few words are read together: Random Read (0403) names each word, whatever device it is
 * of. A refused random read is asked again group by group, so that the wrong address is found; when
 * every group alone is good, the PLC does not take random reads, and none is sent in this session.
 *
 * A port set to ASCII code mostly keeps silent when binary comes. After two sessions without any
 * answer one request in ASCII is sent: an answer to that settles it, in words.
 */
#include "device/drivers/melsec.h"

#include <string.h>

enum {
    HEAD_3E = 9, // Subheader, route, length: up to where the length counts from.
    HEAD_4E = 13,
    REPEAT_BYTES = 9, // Route, command and subcommand behind an end code that is an error.
    FRAME_BYTES = HEAD_4E + 2 + MELSEC_BITS_MAX / 2,
    OUT_BYTES = 1024,
    RANDOM_GROUP_MAX = 16, // Words of a group that is worth naming one by one.
    DATA_MAX = MELSEC_BITS_MAX / 2,
    SILENT_SESSIONS = 2, // Then ASCII is tried.
};

enum {
    COMMAND_MODEL = 0x0101,
    COMMAND_READ = 0x0401,
    COMMAND_RANDOM_READ = 0x0403,
    COMMAND_WRITE = 0x1401,
    COMMAND_RANDOM_WRITE = 0x1402
};

struct melsec_private {
    uint16_t serial;
    uint32_t sent_in_session; // Saturates at 65,535: older serial numbers are unknown.
    uint32_t silent_sessions; // In a row without a single answer.
    bool random_off;          // In this session.
    uint16_t command;         // Of the request under way, and its subcommand.
    uint16_t subcommand;
    size_t out_size;
    uint32_t picks[MELSEC_RANDOM_WORDS]; // Groups of the random read under way.
    uint32_t pick_count;
    uint8_t out[OUT_BYTES];
    uint8_t frame[FRAME_BYTES];
};

/* --- frames --- */

static void put_word(uint8_t *to, uint32_t value) {
    to[0] = (uint8_t)value;
    to[1] = (uint8_t)(value >> 8);
}

static uint32_t get_word(const uint8_t *from) {
    return from[0] | (uint32_t)from[1] << 8;
}

static int64_t option(const struct driver_io *io, enum melsec_option which) {
    return io_settings(io)->values[which];
}

static bool is_4e(const struct driver_io *io) {
    return option(io, MELSEC_FRAME) == FRAME_4E;
}

static size_t head_bytes(const struct driver_io *io) {
    return is_4e(io) ? HEAD_4E : HEAD_3E;
}

static bool is_iqr(const struct driver_io *io) {
    return option(io, MELSEC_SERIES) == SERIES_IQR;
}

static void add_byte(struct melsec_private *melsec, uint32_t value) {
    melsec->out[melsec->out_size++] = (uint8_t)value;
}

static void add_word(struct melsec_private *melsec, uint32_t value) {
    put_word(melsec->out + melsec->out_size, value);
    melsec->out_size += 2;
}

/* Number and code of a device: 3 and 1 bytes, on iQ-R 4 and 2 (clause 5.1). */
static void add_device(struct driver_io *io, uint32_t space, uint32_t number) {
    struct melsec_private *melsec = io_private(io);
    add_word(melsec, number);
    add_byte(melsec, number >> 16);
    if (is_iqr(io)) {
        add_byte(melsec, number >> 24);
        add_word(melsec, melsec_device_of(space)->code);
    } else {
        add_byte(melsec, melsec_device_of(space)->code);
    }
}

static uint32_t monitor_timer(const struct driver_io *io) {
    int64_t ms = option(io, MELSEC_MONITOR_MS);
    if (ms == 0) {
        ms = io_settings(io)->link[LINK_TIMEOUT_MS] * 3 / 4;
    }
    return ms < 250 ? 1 : (uint32_t)(ms / 250);
}

/* Begins a request; subcommand 0 for words and 1 for bits, with 2 added on iQ-R. */
static void begin(struct driver_io *io, uint16_t command, bool bits) {
    struct melsec_private *melsec = io_private(io);
    melsec->out_size = 0;
    melsec->command = command;
    melsec->subcommand = (uint16_t)((bits ? 1 : 0) + (is_iqr(io) ? 2 : 0));
    if (is_4e(io)) {
        melsec->serial++;
        add_word(melsec, 0x0054);
        add_word(melsec, melsec->serial);
        add_word(melsec, 0);
    } else {
        add_word(melsec, 0x0050);
    }
    add_byte(melsec, (uint32_t)option(io, MELSEC_NETWORK));
    add_byte(melsec, (uint32_t)option(io, MELSEC_PC));
    add_word(melsec, (uint32_t)option(io, MELSEC_MODULE_IO));
    add_byte(melsec, (uint32_t)option(io, MELSEC_STATION));
    add_word(melsec, 0); // The length, known at the end.
    add_word(melsec, monitor_timer(io));
    add_word(melsec, melsec->command);
    add_word(melsec, melsec->subcommand);
}

/* With 3E whatever is here before we asked would pass for the answer. */
static int nothing_waits(struct driver_io *io, struct err *err) {
    uint8_t byte = 0;
    if (is_4e(io)) {
        return 0;
    }
    if (io_is_datagram(io)) {
        return io_drain(io, 0, err); // A datagram that came twice.
    }
    int got = io_receive_ready(io, &byte, 1, err);
    return got > 0 ? err_set(err, ERR_FRAME, MSG_MELSEC_UNASKED, NO_ARGS) : got;
}

static int finish(struct driver_io *io, int64_t *ret_stamp, struct err *err) {
    struct melsec_private *melsec = io_private(io);
    size_t head = head_bytes(io);
    put_word(melsec->out + head - 2, (uint32_t)(melsec->out_size - head));
    int waiting = nothing_waits(io, err);
    if (waiting < 0) {
        return waiting;
    }
    if (melsec->sent_in_session < UINT16_MAX) {
        melsec->sent_in_session++;
    }
    *ret_stamp = io_request_sent(io);
    return io_send(io, melsec->out, melsec->out_size, err);
}

/* What answers with another subheader; the first bytes tell. */
static int wrong_head(const struct driver_io *io, const uint8_t *head, struct err *err) {
    char hex[5];
    if (head[0] == 'D' && (head[1] == '0' || head[1] == '4') && head[2] == '0') {
        return err_set(err, ERR_FRAME, MSG_MELSEC_ASCII, NO_ARGS);
    }
    if (head[0] == (is_4e(io) ? 0xD0 : 0xD4) && head[1] == 0) {
        return err_set(err, ERR_FRAME, MSG_MELSEC_OTHER_FRAME,
            ARGS(A_CSTR(is_4e(io) ? "3E" : "4E"), A_CSTR(is_4e(io) ? "3e" : "4e")));
    }
    return err_set(err, ERR_FRAME, MSG_MELSEC_SUBHEADER,
        ARGS(A_CSTR(plc_hex((uint32_t)head[0] << 8 | head[1], hex))));
}

/* Receives one frame; the bytes behind the length, which begin with the end code, or negative. */
static int receive_frame(struct driver_io *io, struct err *err) {
    struct melsec_private *melsec = io_private(io);
    size_t head = head_bytes(io);
    int result = io_receive(io, melsec->frame, 4, err);
    if (result < 0) {
        return result;
    }
    if (melsec->frame[0] != (is_4e(io) ? 0xD4 : 0xD0) || melsec->frame[1] != 0) {
        return wrong_head(io, melsec->frame, err);
    }
    result = io_receive(io, melsec->frame + 4, head - 4, err);
    uint32_t length = result == 0 ? get_word(melsec->frame + head - 2) : 0;
    if (result == 0 && (length < 2 || length > 2 + DATA_MAX)) {
        return err_set(err, ERR_FRAME, MSG_MELSEC_LENGTH, ARGS(A_INT(length)));
    }
    if (result == 0) {
        result = io_receive(io, melsec->frame + head, length, err);
    }
    if (result == -ERR_TIMEOUT) {
        return err_set(err, ERR_FRAME, MSG_MELSEC_CUT, NO_ARGS);
    }
    return result < 0 ? result : (int)length;
}

/* True when the serial number was given to a request of this session that is no longer waited
 * for. */
static bool is_late(const struct melsec_private *melsec, uint32_t serial) {
    uint16_t age = (uint16_t)(melsec->serial - serial);
    return age != 0 && age < melsec->sent_in_session;
}

/* Checks a frame against the request: 0 and more: the end code, negative: it cannot be the answer.
 */
static int check_frame(struct driver_io *io, size_t length, size_t expected, struct err *err) {
    struct melsec_private *melsec = io_private(io);
    size_t head = head_bytes(io);
    const uint8_t *body = melsec->frame + head;
    uint32_t code = get_word(body);
    if (memcmp(melsec->frame + head - 7, melsec->out + head - 7, 5) != 0) {
        return err_set(err, ERR_FRAME, MSG_MELSEC_ROUTE,
            ARGS(A_INT(melsec->frame[head - 7]), A_INT(melsec->frame[head - 6]),
                A_INT(melsec->frame[head - 3])));
    }
    if (code == 0) {
        return length == 2 + expected ? 0
                                      : err_set(err, ERR_FRAME, MSG_MELSEC_DATA_BYTES,
                                            ARGS(A_INT(expected), A_INT(length - 2)));
    }
    if (length != 2 && length != 2 + REPEAT_BYTES) {
        return err_set(
            err, ERR_FRAME, MSG_MELSEC_DATA_BYTES, ARGS(A_INT(REPEAT_BYTES), A_INT(length - 2)));
    }
    if (length == 2 + REPEAT_BYTES &&
        (get_word(body + 7) != melsec->command || get_word(body + 9) != melsec->subcommand)) {
        char hex[5];
        return err_set(
            err, ERR_FRAME, MSG_MELSEC_COMMAND, ARGS(A_CSTR(plc_hex(get_word(body + 7), hex))));
    }
    return (int)code;
}

/* --- silence --- */

/* Asks for the model name in ASCII code. 0: silence again; negative with words for what came. */
static int try_ascii(struct driver_io *io, struct err *err) {
    static const char request[] = "500000FF03FF00000C001001010000";
    uint8_t head[4];
    struct err dropped = ERR_INIT;
    (void)io_request_sent(io);
    if (io_send(io, request, sizeof request - 1, &dropped) < 0 ||
        io_receive(io, head, sizeof head, &dropped) < 0) {
        return 0; // It is as silent as before.
    }
    if (head[0] == (is_4e(io) ? 0xD4 : 0xD0) && head[1] == 0) {
        return err_set(
            err, ERR_TIMEOUT, MSG_MELSEC_SLOW, ARGS(A_INT(io_settings(io)->link[LINK_TIMEOUT_MS])));
    }
    return wrong_head(io, head, err);
}

/* Nothing came. 1: the unit is silent (4E), negative: the session is given up, with words. */
static int take_silence(struct driver_io *io, struct point_sink *sink, struct err *err) {
    struct melsec_private *melsec = io_private(io);
    int64_t timeout_ms = io_settings(io)->link[LINK_TIMEOUT_MS];
    bool answered = melsec->silent_sessions == 0;
    if (!answered && melsec->silent_sessions == SILENT_SESSIONS) {
        melsec->silent_sessions++; // Once is enough.
        int found = try_ascii(io, err);
        if (found < 0) {
            return found;
        }
    }
    if (is_4e(io) && sink != NULL) {
        if (!answered) {
            (void)err_set(err, ERR_TIMEOUT, MSG_MELSEC_SILENT, ARGS(A_INT(timeout_ms)));
        }
        sink_unit_silent(sink, STATUS_BAD_TIMEOUT, err);
        return 1;
    }
    return err_set(err, ERR_TIMEOUT, answered ? MSG_MELSEC_GIVEN_UP : MSG_MELSEC_SILENT,
        ARGS(A_INT(timeout_ms)));
}

/* Sends what was begun and waits for its answer with `expected` bytes of data. 0: *ret_data is
 * there; positive: the end code; negative. */
static int exchange(
    struct driver_io *io, size_t expected, const uint8_t **ret_data, struct err *err) {
    struct melsec_private *melsec = io_private(io);
    int64_t stamp = 0;
    int result = finish(io, &stamp, err);
    if (result < 0) {
        return result;
    }
    for (;;) {
        int length = receive_frame(io, err);
        if (length < 0) {
            return length;
        }
        uint32_t serial = is_4e(io) ? get_word(melsec->frame + 2) : melsec->serial;
        if (serial != melsec->serial) {
            if (is_late(melsec, serial)) {
                continue;
            }
            return err_set(err, ERR_FRAME, MSG_MELSEC_SERIAL, ARGS(A_INT(serial)));
        }
        int code = check_frame(io, (size_t)length, expected, err);
        if (code < 0) {
            return code;
        }
        melsec->silent_sessions = 0;
        io_request_answered(io, stamp);
        *ret_data = melsec->frame + head_bytes(io) + 2;
        return code;
    }
}

/* --- reading --- */

/* "D100" for words; `to` takes 32 bytes. */
static struct str name_of(const struct driver_io *io, uint32_t space, uint32_t number, char *to) {
    const struct melsec_device *device = melsec_device_of(space);
    uint32_t base = melsec_base(device, (enum melsec_series)option(io, MELSEC_SERIES));
    char digits[12];
    size_t count = 0;
    do {
        digits[count++] = "0123456789ABCDEF"[number % base];
        number /= base;
    } while (number > 0);
    size_t size = strlen(device->name);
    memcpy(to, device->name, size);
    while (count > 0) {
        to[size++] = digits[--count];
    }
    return (struct str){.data = to, .size = size};
}

/* What an end code means for a group. */
static void take_end_code(const struct driver_io *io, struct point_sink *sink,
    const struct point_group *group, uint32_t code) {
    struct err words = ERR_INIT;
    char name[32];
    switch (melsec_end_code(code, name_of(io, group->space, group->start, name), &words)) {
    case MELSEC_REFUSED: sink_group_refused(sink, group, &words); break;
    case MELSEC_SETTING: sink_group_failed(sink, group, STATUS_BAD_CONFIGURATION, &words); break;
    case MELSEC_BUSY: sink_group_failed(sink, group, STATUS_BAD_NO_DATA, &words); break;
    }
}

/* A point whose first cell is `offset` cells behind the first bit or word of `data`. */
static void take_point(
    const struct point *point, const uint8_t *data, uint32_t offset, struct point_sink *sink) {
    if (melsec_width(point->space) == 1) {
        plc_decode(point, data + (size_t)offset * 2, true, sink);
        return;
    }
    uint8_t bytes[PLC_TEXT_MAX + 2] = {0};
    for (uint32_t i = 0; i < point->length; i++) {
        uint32_t bit = offset + i;
        bytes[i / 8] |= (uint8_t)((data[bit / 8] >> (bit % 8) & 1) << (i % 8));
    }
    plc_decode(point, bytes, true, sink);
}

static void take_batch(
    const struct point_group *group, const uint8_t *data, struct point_sink *sink) {
    for (uint32_t i = 0; i < group->count; i++) {
        const struct point *point = &group->points[i];
        uint32_t offset = point->start - group->start;
        if (melsec_is_bits(group->space)) { // Two to a byte, the first in the high half.
            sink_bool(sink, point, data[offset / 2] >> (offset % 2 == 0 ? 4 : 0) & 1);
        } else {
            take_point(point, data, offset, sink);
        }
    }
}

/* Batch Read, clause 5.2. 0: go on, 1: the unit is silent, negative: the session is lost;
 * *ret_good: there were values. */
static int read_batch(struct driver_io *io, const struct point_group *group,
    struct point_sink *sink, bool *ret_good, struct err *err) {
    struct melsec_private *melsec = io_private(io);
    bool bits = melsec_is_bits(group->space);
    uint32_t width = melsec_width(group->space);
    uint32_t count = bits ? group->length : (group->length + width - 1) / width;
    const uint8_t *data = NULL;
    begin(io, COMMAND_READ, bits);
    add_device(io, group->space, group->start);
    add_word(melsec, count);
    *ret_good = false;
    int result = exchange(io, bits ? (count + 1) / 2 : (size_t)count * 2, &data, err);
    if (result == -ERR_TIMEOUT) {
        return take_silence(io, sink, err);
    }
    if (result < 0) {
        return result;
    }
    *ret_good = result == 0;
    if (result > 0) {
        take_end_code(io, sink, group, (uint32_t)result);
    } else {
        take_batch(group, data, sink);
    }
    return 0;
}

/* Names every word of the picked groups; the number of words. */
static uint32_t add_picks(struct driver_io *io, const struct point_group *groups) {
    struct melsec_private *melsec = io_private(io);
    struct plc_walk walk = {0};
    for (uint32_t i = 0; i < melsec->pick_count; i++) {
        const struct point_group *group = &groups[melsec->picks[i]];
        plc_walk_group(&walk, melsec_width(group->space));
        for (uint32_t j = 0; j < group->count; j++) {
            uint32_t word = walk.used;
            (void)plc_walk_step(&walk, &group->points[j]);
            for (; word < walk.used; word++) {
                add_device(io, group->space, plc_walk_cell(&walk, word));
            }
        }
    }
    return walk.used;
}

static void take_picks(struct driver_io *io, const struct point_group *groups, const uint8_t *data,
    struct point_sink *sink) {
    struct melsec_private *melsec = io_private(io);
    struct plc_walk walk = {0};
    for (uint32_t i = 0; i < melsec->pick_count; i++) {
        const struct point_group *group = &groups[melsec->picks[i]];
        plc_walk_group(&walk, melsec_width(group->space));
        for (uint32_t j = 0; j < group->count; j++) {
            uint32_t offset = plc_walk_step(&walk, &group->points[j]);
            take_point(&group->points[j], data + (size_t)walk.run_base * 2, offset, sink);
        }
    }
}

/* Random Read, clause 5.2, of the picked groups. */
static int read_picks(struct driver_io *io, const struct point_group *groups,
    struct point_sink *sink, struct err *err) {
    struct melsec_private *melsec = io_private(io);
    const uint8_t *data = NULL;
    int result = 1;
    if (melsec->pick_count > 1 && !melsec->random_off) {
        begin(io, COMMAND_RANDOM_READ, false);
        size_t counts = melsec->out_size;
        add_word(melsec, 0); // Words and double words, one byte each.
        uint32_t words = add_picks(io, groups);
        melsec->out[counts] = (uint8_t)words;
        result = exchange(io, (size_t)words * 2, &data, err);
        if (result == -ERR_TIMEOUT) {
            return take_silence(io, sink, err);
        }
        if (result <= 0) {
            if (result == 0) {
                take_picks(io, groups, data, sink);
            }
            return result;
        }
    }
    bool all_good = melsec->pick_count > 1;
    result = 0;
    for (uint32_t i = 0; i < melsec->pick_count && result == 0; i++) {
        bool good = false;
        result = read_batch(io, &groups[melsec->picks[i]], sink, &good, err);
        all_good = all_good && good;
    }
    melsec->random_off = melsec->random_off || (result == 0 && all_good);
    return result;
}

static bool is_small(const struct driver_io *io, const struct point_group *group) {
    return option(io, MELSEC_RANDOM) == 1 &&
           plc_walk_words(group, melsec_width(group->space)) <= RANDOM_GROUP_MAX;
}

static int melsec_read_groups(struct driver_io *io, const struct point_group *groups,
    uint32_t count, struct point_sink *sink, struct err *err) {
    struct melsec_private *melsec = io_private(io);
    uint32_t words = 0;
    int result = 0;
    melsec->pick_count = 0;
    for (uint32_t i = 0; i < count && result == 0; i++) {
        bool good = false;
        if (!is_small(io, &groups[i])) {
            result = read_batch(io, &groups[i], sink, &good, err);
            continue;
        }
        uint32_t more = plc_walk_words(&groups[i], melsec_width(groups[i].space));
        if (words + more > MELSEC_RANDOM_WORDS) {
            result = read_picks(io, groups, sink, err);
            melsec->pick_count = 0;
            words = 0;
        }
        melsec->picks[melsec->pick_count++] = i;
        words += more;
    }
    if (result == 0 && melsec->pick_count > 0) {
        result = read_picks(io, groups, sink, err);
    }
    return result < 0 ? result : 0;
}

/* --- writing --- */

/* Random Write of one bit (1402), Batch Write of words (1401), clause 5.2. */
static int melsec_write(
    struct driver_io *io, const struct point *point, const struct sample *value, struct err *err) {
    struct melsec_private *melsec = io_private(io);
    uint8_t data[8] = {0};
    const uint8_t *answer = NULL;
    if (point->detail[PLC_DETAIL_FORMAT] == PLC_CELL) {
        bool on = false;
        int wrong = plc_encode_bit(value, &on, err);
        if (wrong < 0) {
            return wrong;
        }
        begin(io, COMMAND_RANDOM_WRITE, true);
        add_byte(melsec, 1);
        add_device(io, point->space, point->start);
        add_byte(melsec, on);
        if (is_iqr(io)) {
            add_byte(melsec, 0);
        }
    } else {
        int bytes = plc_encode(point, value, true, data, err);
        if (bytes < 0) {
            return bytes;
        }
        begin(io, COMMAND_WRITE, false);
        add_device(io, point->space, point->start);
        add_word(melsec, (uint32_t)bytes / 2);
        memcpy(melsec->out + melsec->out_size, data, (size_t)bytes);
        melsec->out_size += (size_t)bytes;
    }
    int result = exchange(io, 0, &answer, err);
    if (result == -ERR_TIMEOUT) {
        return take_silence(io, NULL, err);
    }
    if (result > 0) {
        char name[32];
        (void)melsec_end_code((uint32_t)result, name_of(io, point->space, point->start, name), err);
        return -ERR_DEVICE;
    }
    return result;
}

/* --- for the connection doctor --- */

static void say(
    struct diagnosis *diagnosis, enum verdict verdict, enum msg_id id, const struct arg *args) {
    struct err words = ERR_INIT;
    (void)err_set(&words, ERR_INVALID, id, args);
    diagnosis_add(diagnosis, verdict, &words);
}

/* Nothing came to our frame: asks in ASCII, then in the other frame. What comes says what is set.
 */
static int find_out_silence(struct driver_io *io, struct err *err) {
    static const uint8_t in_3e[] = {0x50, 0, 0, 0xFF, 0xFF, 3, 0, 6, 0, 1, 0, 1, 1, 0, 0};
    static const uint8_t in_4e[] = {
        0x54, 0, 1, 0, 0, 0, 0, 0xFF, 0xFF, 3, 0, 6, 0, 1, 0, 1, 1, 0, 0};
    uint8_t head[4];
    struct err dropped = ERR_INIT;
    int result = try_ascii(io, err);
    if (result < 0) {
        return result;
    }
    (void)io_request_sent(io);
    bool sent = (is_4e(io) ? io_send(io, in_3e, sizeof in_3e, &dropped)
                           : io_send(io, in_4e, sizeof in_4e, &dropped)) == 0;
    if (sent && io_receive(io, head, sizeof head, &dropped) == 0) {
        return wrong_head(io, head, err);
    }
    return err_set(
        err, ERR_TIMEOUT, MSG_MELSEC_SILENT, ARGS(A_INT(io_settings(io)->link[LINK_TIMEOUT_MS])));
}

/* The series that the CPU's name tells, against the option. */
static void judge_series(struct driver_io *io, struct str model, struct diagnosis *diagnosis) {
    enum melsec_series set = (enum melsec_series)option(io, MELSEC_SERIES);
    enum melsec_series is = str_starts(model, STR("FX"))  ? SERIES_FX
                            : str_starts(model, STR("R")) ? SERIES_IQR
                                                          : SERIES_Q;
    static const char *const names[] = {"q", "iqr", "fx"};
    if (is == set) {
        say(diagnosis, VERDICT_GOOD, MSG_MELSEC_MODEL, ARGS(A_STR(model)));
    } else if (is == SERIES_IQR && set == SERIES_Q) {
        /* It understands the older form too, up to its smaller numbers. */
        say(diagnosis, VERDICT_NOTE, MSG_MELSEC_SERIES_BETTER,
            ARGS(A_STR(model), A_CSTR(names[is])));
    } else {
        say(diagnosis, VERDICT_BAD, MSG_MELSEC_SERIES,
            ARGS(A_STR(model), A_CSTR(names[is]), A_CSTR(names[set])));
    }
}

/* Read Type Name (0101), clause 5.6: sixteen characters and a code. */
static int tell_model(struct driver_io *io, struct diagnosis *diagnosis, struct err *err) {
    enum { MODEL_BYTES = 16 };
    const uint8_t *data = NULL;
    begin(io, COMMAND_MODEL, false);
    put_word(((struct melsec_private *)io_private(io))->out + head_bytes(io) + 4, 0);
    ((struct melsec_private *)io_private(io))->subcommand = 0; // The same for every series.
    int result = exchange(io, MODEL_BYTES + 2, &data, err);
    if (result == -ERR_TIMEOUT) {
        return find_out_silence(io, err);
    }
    if (result < 0) {
        return result;
    }
    if (result > 0) {
        struct err words = ERR_INIT;
        (void)melsec_end_code((uint32_t)result, STR("0101"), &words);
        diagnosis_add(diagnosis, VERDICT_NOTE, &words);
        return 0;
    }
    char model[MODEL_BYTES];
    for (size_t i = 0; i < MODEL_BYTES; i++) {
        model[i] = data[i] >= ' ' && data[i] < 0x7F ? (char)data[i] : ' ';
    }
    judge_series(io, str_trim((struct str){.data = model, .size = MODEL_BYTES}), diagnosis);
    return 0;
}

static int melsec_diagnose(
    struct driver_io *io, const struct point *point, struct diagnosis *diagnosis, struct err *err) {
    int result = tell_model(io, diagnosis, err);
    if (result < 0 || point == NULL) {
        return result;
    }
    char name[32];
    struct str place = name_of(io, point->space, point->start, name);
    uint32_t base =
        melsec_base(melsec_device_of(point->space), (enum melsec_series)option(io, MELSEC_SERIES));
    if (base != 10) {
        say(diagnosis, VERDICT_NOTE, base == 8 ? MSG_MELSEC_IS_OCTAL : MSG_MELSEC_IS_HEX,
            ARGS(A_STR(place), A_INT(point->start)));
    }
    plc_offer_forms(point, place, diagnosis);
    return 0;
}

/* --- the table --- */

static int melsec_open(struct driver_io *io, struct err *err) {
    (void)err; // There is no handshake.
    struct melsec_private *melsec = io_private(io);
    melsec->sent_in_session = 0;
    melsec->random_off = false;
    if (melsec->silent_sessions < UINT32_MAX) {
        melsec->silent_sessions++; // Until something answers.
    }
    return 0;
}

static struct driver_span melsec_span(const struct driver_settings *settings, uint32_t space) {
    bool bits = melsec_is_bits(space);
    int64_t max = bits ? settings->values[MELSEC_MAX_BITS]
                       : settings->values[MELSEC_MAX_WORDS] * melsec_width(space);
    int64_t gap = settings->values[MELSEC_MAX_GAP];
    gap = gap < 0 ? max : gap; // A request costs a scan of the PLC, words cost next to nothing.
    return (struct driver_span){.max_length = (uint32_t)max, .max_gap = (uint32_t)gap};
}

static const struct driver_option melsec_options[] = {
    [MELSEC_SERIES] = {.name = "series",
        .help_en = "q: Q and L; iqr: iQ-R; fx: iQ-F (FX5), where X and Y are octal.",
        .help_ko = "q는 Q, L 시리즈, iqr은 iQ-R, fx는 iQ-F(FX5)입니다. fx의 X, Y는 8진수입니다.",
        .fallback = SERIES_Q,
        .words = "q,iqr,fx"},
    [MELSEC_FRAME] = {.name = "frame",
        .help_en = "3e: every PLC; 4e: with serial numbers, which survive a late answer.",
        .help_ko = "3e는 모든 PLC, 4e는 요청 번호가 있어 늦은 응답을 가려냅니다.",
        .fallback = FRAME_3E,
        .words = "3e,4e"},
    [MELSEC_NETWORK] = {.name = "network",
        .help_en = "Network number; 0: the PLC that is connected.",
        .help_ko = "네트워크 번호입니다. 0이면 연결된 PLC입니다.",
        .fallback = 0,
        .min = 0,
        .max = 255},
    [MELSEC_PC] = {.name = "pc",
        .help_en = "PC (station) number in the network; 255: the PLC that is connected.",
        .help_ko = "네트워크 안의 PC(국) 번호입니다. 255이면 연결된 PLC입니다.",
        .fallback = 255,
        .min = 0,
        .max = 255},
    [MELSEC_MODULE_IO] = {.name = "module_io",
        .help_en = "Module I/O number; 1023 (3FFh): the CPU itself.",
        .help_ko = "모듈 I/O 번호입니다. 1023(3FFh)이면 CPU입니다.",
        .fallback = 0x3FF,
        .min = 0,
        .max = 65535},
    [MELSEC_STATION] = {.name = "station",
        .help_en = "Station number on a multidrop line behind the module; usually 0.",
        .help_ko = "모듈 뒤 멀티드롭 국번입니다. 보통 0입니다.",
        .fallback = 0,
        .min = 0,
        .max = 255},
    [MELSEC_MONITOR_MS] = {.name = "monitor_ms",
        .help_en = "How long the PLC may work on a request; 0: three quarters of timeout_ms.",
        .help_ko = "PLC가 요청을 처리할 수 있는 시간입니다. 0이면 timeout_ms의 3/4입니다.",
        .fallback = 0,
        .min = 0,
        .max = 60000},
    [MELSEC_WORD_ORDER] = {.name = "word_order",
        .help_en = "Order of values in several words, unless the tag names one; CDAB: low first.",
        .help_ko =
            "여러 워드 값의 순서입니다. 태그에 적으면 우선합니다. CDAB는 하위 워드가 먼저입니다.",
        .fallback = PLC_CDAB,
        .words = PLC_ORDER_WORDS},
    [MELSEC_ENCODING] = {.name = "encoding",
        .help_en = "How texts are encoded; cp949: Korean Windows and panels.",
        .help_ko = "텍스트 인코딩입니다. 한글 윈도우나 터치 패널이 쓴 글자는 cp949입니다.",
        .fallback = PLC_UTF8,
        .words = PLC_ENCODING_WORDS},
    [MELSEC_MAX_WORDS] = {.name = "max_words",
        .help_en = "Most words asked at once.",
        .help_ko = "한 번에 읽는 최대 워드 수입니다.",
        .fallback = MELSEC_WORDS_MAX,
        .min = 1,
        .max = MELSEC_WORDS_MAX},
    [MELSEC_MAX_BITS] = {.name = "max_bits",
        .help_en = "Most bits asked at once.",
        .help_ko = "한 번에 읽는 최대 비트 수입니다.",
        .fallback = MELSEC_BITS_SAFE,
        .min = 1,
        .max = MELSEC_BITS_MAX},
    [MELSEC_MAX_GAP] = {.name = "max_gap",
        .help_en = "Unused words or bits read along to save a request; -1: as many as fit.",
        .help_ko = "요청 수를 줄이기 위해 함께 읽는 빈 주소 수입니다. -1이면 자동입니다.",
        .fallback = -1,
        .min = -1,
        .max = MELSEC_BITS_MAX},
    [MELSEC_RANDOM] = {.name = "random",
        .help_en = "on: scattered words are asked together (command 0403).",
        .help_ko = "on이면 흩어진 주소를 한 번에 읽습니다(명령 0403).",
        .fallback = 1,
        .words = "off,on"},
    [MELSEC_OPTION_COUNT] = {.name = NULL},
};
_Static_assert((int)MELSEC_OPTION_COUNT <= (int)DRIVER_OPTIONS_MAX, "options fit");

const struct driver driver_melsec;
const struct driver driver_melsec = {
    .name = "melsec",
    .help_en =
        "Mitsubishi MELSEC Q, L, iQ-R and iQ-F (FX5) with the MC protocol (SLMP), binary code: "
        "host:port or udp:host:port, the port as set in GX Works. Addresses as in GX Works: D100, "
        "D100 f32, D100.A for a bit, W1F, X1F, M10, TN5, D200 text:16; M0 u16 takes 16 bits.",
    .help_ko = "미쓰비시 MELSEC Q, L, iQ-R, iQ-F(FX5)를 MC 프로토콜(SLMP) 바이너리 코드로 "
               "읽습니다. 주소는 "
               "호스트:포트 또는 udp:호스트:포트이며 포트는 GX Works에서 정한 값입니다. 태그 주소 "
               "예: D100, "
               "D100 f32, 비트는 D100.A, W1F, X1F, M10, TN5, D200 text:16. M0 u16은 16비트를 묶어 "
               "읽습니다.",
    .options = melsec_options,
    .private_bytes = sizeof(struct melsec_private),
    .parse_address = melsec_parse_address,
    .span = melsec_span,
    .open = melsec_open,
    .read_groups = melsec_read_groups,
    .write = melsec_write,
    .diagnose = melsec_diagnose,
};
