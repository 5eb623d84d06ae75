/*
 * LS ELECTRIC XGT controllers (XGK, XGB, XGI, XGR), the "XGT dedicated protocol": LSIS frames over
 * TCP (port 2004) and UDP (port 2005), ASCII frames on serial lines. The frames are in xgt_fenet.c
 * and xgt_cnet.c, the addresses in xgt_address.c, the values in xgt_value.c.
 *
 * What is read together. Neighbours are read as a run of bytes (700 words on Ethernet, 60 on serial
 * lines). Lone values of at most four words are collected from all areas into requests of up to 16
 * words each, so a sparse tag list costs few round trips. If such a request is refused, each of its
 * values is asked alone, so one wrong address never costs the others; the framework then asks the
 * wrong one rarely. Bits are taken out of their words; only contacts of timers and counters, which
 * are part of no word, are asked as bits.
 *
 * Matching. On Ethernet every request has an invoke id that is not used again within 65,536
 * requests. An older id of this session is a late answer: dropped, and ours is waited for. An id
 * never given means that the two sides have lost each other. A datagram that is no answer is
 * dropped, since it cannot shift anything. On serial lines there is no id (see xgt_cnet.c): a
 * station that left a request unanswered is first asked for some words of M in a form that no
 * answer still owed can have, and only what it answers behind that is believed.
 *
 * Each answer's header tells the state of the controller (run, stop, error, debug), published as
 * plc:state and its like; where only those are wanted, one word of M is read for its header.
 */
#include "device/drivers/xgt.h"

#include <stdio.h>
#include <string.h>

enum {
    SMALL_WORDS = 4,         // A group up to this size may join others.
    GAP_NETWORK_WORDS = 100, // About what a round trip through the scan of a CPU costs.
    GAP_SERIAL_WORDS = 8,
    STATIONS = 256,
    LATE_MAX = 64, // Frames that are not ours before we give up; bounds a chattering peer.
    SKIPPED_BYTES_MAX = 1024,
    SILENCE_CHARACTERS_X10 = 35,
    SILENCE_MIN_US = 2000,
    SILENCE_AFTER_FAULT_US = 50000,
    ACK = 6,
    NAK = 0x15,
    ETX = 3,
};

enum { STATE_RUN = 1, STATE_STOP = 2, STATE_ERROR = 4, STATE_DEBUG = 8 };

struct xgt_private {
    uint16_t next_invoke;
    uint32_t sent_in_session; // Saturates at 65,535: older ids are unknown.
    bool unquiet;             // The last serial answer was missing or damaged.
    uint16_t owed[STATIONS];  // Serial answers that may still come, by their form; see form_of.
    bool has_head;            // An answer came in this call.
    struct xgt_head head;     // Of the newest answer.
    uint8_t frame[IO_BUFFER_BYTES];
    uint8_t data[XGT_RUN_BYTES_MAX + 8];
};
_Static_assert((int)XGT_FRAME_MAX <= (int)IO_BUFFER_BYTES, "frames fit");

/* --- One request and its answer --- */

static bool is_late(const struct xgt_private *xgt, uint32_t invoke) {
    uint16_t age = (uint16_t)(xgt->next_invoke - invoke);
    return age < xgt->sent_in_session;
}

/* Receives frames from a stream until ours is there; the body's size, or negative. */
static int receive_stream(struct driver_io *io, const struct driver_settings *settings,
    struct xgt_private *xgt, struct err *err) {
    for (int i = 0; i < LATE_MAX; i++) {
        int result = io_receive(io, xgt->frame, XGT_HEAD_BYTES, err);
        struct xgt_head head = {0};
        if (result == 0) {
            result = xgt_fenet_take_head(settings, xgt->frame, &head, err);
        }
        if (result < 0) {
            return result;
        }
        result = io_receive(io, xgt->frame + XGT_HEAD_BYTES, head.length, err);
        if (result == -ERR_TIMEOUT) {
            return err_set(err, ERR_FRAME, MSG_XGT_CUT, ARGS(A_INT(head.length)));
        }
        if (result < 0) {
            return result;
        }
        if (head.invoke == xgt->next_invoke) {
            xgt->head = head;
            return (int)head.length;
        }
        if (!is_late(xgt, head.invoke)) {
            return err_set(err, ERR_FRAME, MSG_XGT_INVOKE, ARGS(A_INT(head.invoke)));
        }
    }
    return err_set(err, ERR_FRAME, MSG_XGT_INVOKE, ARGS(A_INT(0)));
}

/* The same from datagrams: what is no answer is dropped, and its fault is told if none comes. */
static int receive_datagram(struct driver_io *io, const struct driver_settings *settings,
    struct xgt_private *xgt, struct err *err) {
    struct err fault = ERR_INIT;
    for (int i = 0; i < LATE_MAX; i++) {
        int got = io_receive_some(io, xgt->frame, sizeof xgt->frame, err);
        if (got < 0) {
            if (got == -ERR_TIMEOUT && fault.code != ERR_OK && err != NULL) {
                *err = fault;
                return -ERR_TIMEOUT;
            }
            return got;
        }
        struct xgt_head head = {0};
        if (got < XGT_HEAD_BYTES) {
            (void)err_set(&fault, ERR_FRAME, MSG_XGT_NO_XGT, NO_ARGS);
        } else if (xgt_fenet_take_head(settings, xgt->frame, &head, &fault) == 0) {
            if (head.length + XGT_HEAD_BYTES != (uint32_t)got) {
                (void)err_set(&fault, ERR_FRAME, MSG_XGT_LENGTH, ARGS(A_INT(head.length)));
            } else if (head.invoke == xgt->next_invoke) {
                xgt->head = head;
                return (int)head.length;
            }
        }
    }
    return err_set(err, ERR_FRAME, MSG_XGT_INVOKE, ARGS(A_INT(0)));
}

static int exchange_fenet(struct driver_io *io, const struct driver_settings *settings,
    const struct xgt_request *request, struct err *err) {
    struct xgt_private *xgt = io_private(io);
    xgt->next_invoke++;
    if (xgt->sent_in_session < UINT16_MAX) {
        xgt->sent_in_session++;
    }
    size_t size = xgt_fenet_put(settings, request, xgt->next_invoke, xgt->frame);
    int64_t stamp = io_request_sent(io);
    int result = io_send(io, xgt->frame, size, err);
    if (result < 0) {
        return result;
    }
    result = io_is_datagram(io) ? receive_datagram(io, settings, xgt, err)
                                : receive_stream(io, settings, xgt, err);
    if (result < 0) {
        return result;
    }
    result =
        xgt_fenet_take_body(request, xgt->frame + XGT_HEAD_BYTES, (size_t)result, xgt->data, err);
    if (result >= 0) {
        xgt->has_head = true;
        io_request_answered(io, stamp);
    }
    return result;
}

static uint32_t silence_us(const struct driver_io *io, const struct xgt_private *xgt) {
    if (xgt->unquiet) {
        return SILENCE_AFTER_FAULT_US;
    }
    uint32_t us = io_characters_us(io, SILENCE_CHARACTERS_X10);
    return !io_is_serial(io) ? 0 : us > SILENCE_MIN_US ? us : SILENCE_MIN_US;
}

/* One ASCII frame from ACK or NAK to the check; its size. ERR_TIMEOUT when nothing came, ERR_FRAME
 * when it is cut or has no end. */
static int receive_ascii(struct driver_io *io, struct xgt_private *xgt, struct err *err) {
    uint8_t *frame = xgt->frame;
    int result = io_receive(io, frame, 1, err);
    for (int i = 0; i < SKIPPED_BYTES_MAX && result == 0 && frame[0] != ACK && frame[0] != NAK;
         i++) {
        result = io_receive(io, frame, 1, err);
    }
    if (result < 0) {
        return result;
    }
    size_t size = 1;
    size_t end = XGT_CNET_FRAME_MAX;
    while (result == 0 && size < end) {
        result = io_receive(io, frame + size, 1, err);
        if (result == 0 && frame[size++] == ETX && end == XGT_CNET_FRAME_MAX) {
            end = size + (io_settings(io)->values[XGT_OPTION_BCC] != 0 ? 2 : 0);
        }
    }
    if (result == -ERR_TIMEOUT || (result == 0 && end == XGT_CNET_FRAME_MAX)) {
        return err_set(err, ERR_FRAME, MSG_XGT_CNET_FORM, NO_ARGS);
    }
    return result < 0 ? result : (int)size;
}

/* How an answer looks to xgt_cnet_take: a bit for each number of words by name, and the lowest for
 * all other answers. */
static uint16_t form_of(const struct xgt_request *request) {
    bool words = request->kind == XGT_READ_BLOCKS && request->width == XGT_WIDTH_WORD;
    return (uint16_t)(words ? 1u << (request->count - 1) : 1u);
}

static uint16_t *owed_by(struct xgt_private *xgt, const struct driver_settings *settings) {
    return &xgt->owed[settings->values[XGT_OPTION_STATION] & (STATIONS - 1)];
}

/* One request on a serial line. A fence passes over whole answers that are not its own. */
static int converse_cnet(struct driver_io *io, const struct driver_settings *settings,
    const struct xgt_request *request, bool is_fence, struct err *err) {
    struct xgt_private *xgt = io_private(io);
    int result = io_drain(io, silence_us(io, xgt), err);
    if (result < 0) {
        return result;
    }
    size_t size = xgt_cnet_put(settings, request, xgt->frame);
    int64_t stamp = io_request_sent(io);
    result = io_send(io, xgt->frame, size, err);
    if (result < 0) {
        return result;
    }
    xgt->unquiet = true;
    *owed_by(xgt, settings) |= form_of(request);
    result = XGT_CNET_FOREIGN;
    for (int i = 0;
         i < LATE_MAX && (result == XGT_CNET_FOREIGN || (is_fence && result == -ERR_FRAME)); i++) {
        result = receive_ascii(io, xgt, err);
        if (result >= 0) {
            result = xgt_cnet_take(settings, request, xgt->frame, (size_t)result, xgt->data, err);
        }
    }
    if (result == XGT_CNET_FOREIGN) {
        return err_set(err, ERR_FRAME, MSG_XGT_CNET_FORM, NO_ARGS);
    }
    if (result >= 0) {
        xgt->unquiet = false;
        *owed_by(xgt, settings) = 0; // A station answers in the order in which it was asked.
        io_request_answered(io, stamp);
    }
    return result;
}

/* Asks for words in a form that is not owed: behind their answer nothing older can come. A refusal
 * will do, too. */
static int pass_fence(
    struct driver_io *io, const struct driver_settings *settings, struct err *err) {
    uint16_t *owed = owed_by(io_private(io), settings);
    uint32_t count = 2;
    while (count <= XGT_BLOCKS_MAX && (*owed >> (count - 1) & 1) != 0) {
        count++;
    }
    if (count > XGT_BLOCKS_MAX) { // The oldest of so many is not owed any more.
        *owed = 1;
        count = 2;
    }
    struct xgt_request request = {.kind = XGT_READ_BLOCKS, .width = XGT_WIDTH_WORD, .count = count};
    for (uint32_t i = 0; i < count; i++) {
        request.blocks[i] = (struct xgt_block){.area = xgt_probe.blocks[0].area, .word = i};
    }
    struct err words = ERR_INIT;
    int result = converse_cnet(io, settings, &request, true, &words);
    if (result < 0 && err != NULL) {
        *err = words;
    }
    return result < 0 ? result : 0;
}

static int exchange_cnet(struct driver_io *io, const struct driver_settings *settings,
    const struct xgt_request *request, struct err *err) {
    int result = *owed_by(io_private(io), settings) != 0 ? pass_fence(io, settings, err) : 0;
    return result < 0 ? result : converse_cnet(io, settings, request, false, err);
}

int xgt_exchange(struct driver_io *io, const struct driver_settings *settings,
    const struct xgt_request *request, struct err *err) {
    return xgt_is_cnet(settings) ? exchange_cnet(io, settings, request, err)
                                 : exchange_fenet(io, settings, request, err);
}

const uint8_t *xgt_data(struct driver_io *io) {
    return ((struct xgt_private *)io_private(io))->data;
}

const struct xgt_head *xgt_last_head(struct driver_io *io) {
    return &((struct xgt_private *)io_private(io))->head;
}

/* --- Refusals --- */

/* The first name of a request, for words. */
static void name_of(const struct driver_settings *settings, const struct xgt_request *request,
    char name[XGT_NAME_MAX + 1]) {
    bool run = request->kind == XGT_READ_RUN || request->kind == XGT_WRITE_RUN;
    enum xgt_width width = run ? XGT_WIDTH_WORD : request->width;
    name[xgt_put_name(settings, &request->blocks[0], width, name)] = '\0';
}

static int refusal_words(const struct driver_settings *settings, const struct xgt_request *request,
    int code, struct err *err) {
    char name[XGT_NAME_MAX + 1];
    name_of(settings, request, name);
    return xgt_is_cnet(settings) ? xgt_cnet_words(code, name, err)
                                 : xgt_fenet_words(code, name, err);
}

/* True when the code says that this place or this length does not exist there. */
static bool is_about_place(const struct driver_settings *settings, int code) {
    if (xgt_is_cnet(settings)) {
        return code == 0x1132 || code == 0x7132 || code == 0x1232;
    }
    return code >= 3 && code <= 6;
}

/* --- Reading --- */

/* Lone values on their way into one request. */
struct bundle {
    struct xgt_request request;
    uint32_t groups[XGT_BLOCKS_MAX];
    uint32_t group_count;
};

/* What the reading of one call has in hand. */
struct reading {
    struct driver_io *io;
    const struct point_group *groups;
    struct point_sink *sink;
    struct bundle words;
    struct bundle contacts;
    struct err *err;
};

enum { GO_ON = 0, UNIT_SILENT = 1 };

static void give_points(
    const struct point_group *group, const uint8_t *data, struct point_sink *sink) {
    for (uint32_t i = 0; i < group->count; i++) {
        const struct point *point = &group->points[i];
        xgt_decode(point, data + (size_t)(point->start - group->start) * 2, sink);
    }
}

/* On Ethernet there is no unit number to check; what else it can be is said instead. */
static void tell_silence(struct reading *reading) {
    const struct driver_settings *settings = io_settings(reading->io);
    struct err words = ERR_INIT;
    (void)err_set(
        &words, ERR_TIMEOUT, MSG_DEVICE_NO_ANSWER, ARGS(A_INT(settings->link[LINK_TIMEOUT_MS])));
    if (reading->err != NULL) {
        words = *reading->err;
    }
    if (!xgt_is_cnet(settings) && words.notes[0].msg == MSG_DEVICE_NO_ANSWER) {
        words = ERR_INIT;
        (void)err_set(
            &words, ERR_TIMEOUT, MSG_XGT_NO_ANSWER, ARGS(A_INT(settings->link[LINK_TIMEOUT_MS])));
    }
    sink_unit_silent(reading->sink, STATUS_BAD_TIMEOUT, &words);
}

/* Sends a request for `count` groups. GO_ON with the code of a refusal or 0, UNIT_SILENT, or
 * negative when the session is lost. What fails is told to the sink. */
static int ask(struct reading *reading, const struct xgt_request *request, const uint32_t *indexes,
    uint32_t count, int *ret_code) {
    int result = xgt_exchange(reading->io, io_settings(reading->io), request, reading->err);
    *ret_code = result > 0 ? result : 0;
    if (result == -ERR_TIMEOUT) {
        tell_silence(reading);
        return UNIT_SILENT;
    }
    if (result == -ERR_FRAME && xgt_is_cnet(io_settings(reading->io))) {
        for (uint32_t i = 0; i < count; i++) {
            sink_group_failed(reading->sink, &reading->groups[indexes[i]], STATUS_BAD_COMMUNICATION,
                reading->err);
        }
        *ret_code = -ERR_FRAME;
        return GO_ON;
    }
    return result < 0 ? result : GO_ON;
}

static void refuse(
    struct reading *reading, const struct xgt_request *request, uint32_t index, int code) {
    const struct driver_settings *settings = io_settings(reading->io);
    struct err err = ERR_INIT;
    (void)refusal_words(settings, request, code, &err);
    const struct point_group *group = &reading->groups[index];
    if (is_about_place(settings, code)) {
        sink_group_refused(reading->sink, group, &err);
    } else {
        sink_group_failed(reading->sink, group, STATUS_BAD_CONFIGURATION, &err);
    }
}

/* One group as a run of bytes, or as one contact. */
static int ask_group(struct reading *reading, uint32_t index) {
    const struct point_group *group = &reading->groups[index];
    bool contact = group->space >= XGT_BITS;
    struct xgt_request request = {.kind = contact ? XGT_READ_BLOCKS : XGT_READ_RUN,
        .width = XGT_WIDTH_BIT,
        .count = 1,
        .blocks = {{.area = contact ? group->space - XGT_BITS : group->space,
            .word = group->start}},
        .bytes = contact ? 0 : group->length * 2};
    int code = 0;
    int result = ask(reading, &request, &index, 1, &code);
    if (result != GO_ON || code < 0) {
        return result;
    }
    if (code > 0) {
        refuse(reading, &request, index, code);
        return GO_ON;
    }
    struct xgt_private *xgt = io_private(reading->io);
    give_points(group, xgt->data, reading->sink);
    return GO_ON;
}

/* Sends what a bundle has gathered. */
static int flush(struct reading *reading, struct bundle *bundle) {
    struct bundle full = *bundle;
    *bundle = (struct bundle){0};
    if (full.group_count == 0) {
        return GO_ON;
    }
    if (full.group_count == 1) {
        return ask_group(reading, full.groups[0]);
    }
    int code = 0;
    int result = ask(reading, &full.request, full.groups, full.group_count, &code);
    if (result != GO_ON || code < 0) {
        return result;
    }
    for (uint32_t i = 0; i < full.group_count && code > 0 && result == GO_ON; i++) {
        result = ask_group(reading, full.groups[i]); // To find which of them is wrong.
    }
    struct xgt_private *xgt = io_private(reading->io);
    const uint8_t *data = xgt->data;
    for (uint32_t i = 0; i < full.group_count && code == 0; i++) {
        const struct point_group *group = &reading->groups[full.groups[i]];
        give_points(group, data, reading->sink);
        data += full.request.width == XGT_WIDTH_BIT ? 1 : group->length * 2;
    }
    return result;
}

/* Adds a group to its bundle, after sending a full one. */
static int gather(struct reading *reading, uint32_t index) {
    const struct point_group *group = &reading->groups[index];
    bool contact = group->space >= XGT_BITS;
    struct bundle *bundle = contact ? &reading->contacts : &reading->words;
    if (bundle->request.count + group->length > XGT_BLOCKS_MAX) {
        int result = flush(reading, bundle);
        if (result != GO_ON) {
            return result;
        }
    }
    bundle->request.width = contact ? XGT_WIDTH_BIT : XGT_WIDTH_WORD;
    bundle->groups[bundle->group_count++] = index;
    for (uint32_t i = 0; i < group->length; i++) {
        bundle->request.blocks[bundle->request.count++] = (struct xgt_block){
            .area = contact ? group->space - XGT_BITS : group->space, .word = group->start + i};
    }
    return GO_ON;
}

/* --- The controller's own state --- */

const char *xgt_state_name(uint32_t info) {
    switch (info >> XGT_INFO_STATE_SHIFT & XGT_INFO_STATE_MASK) {
    case STATE_RUN: return "run";
    case STATE_STOP: return "stop";
    case STATE_ERROR: return "error";
    case STATE_DEBUG: return "debug";
    default: return "unknown";
    }
}

void xgt_cpu_name(uint32_t cpu, char name[8]) {
    switch (cpu) {
    case 0xA0: (void)snprintf(name, 8, "XGK"); break;
    case 0xA4: (void)snprintf(name, 8, "XGI"); break;
    case 0xA8: (void)snprintf(name, 8, "XGR"); break;
    case 0xB0: (void)snprintf(name, 8, "XGB"); break;
    case 0xB4: (void)snprintf(name, 8, "XGB-IEC"); break;
    default: (void)snprintf(name, 8, "0x%02X", (unsigned)(cpu & 0xFF)); break;
    }
}

static void give_state(
    const struct point_group *group, const struct xgt_head *head, struct point_sink *sink) {
    char cpu[8];
    xgt_cpu_name(head->cpu, cpu);
    for (uint32_t i = 0; i < group->count; i++) {
        const struct point *point = &group->points[i];
        uint32_t info = head->info;
        uint32_t state = info >> XGT_INFO_STATE_SHIFT & XGT_INFO_STATE_MASK;
        switch ((enum xgt_plc)point->detail[XGT_SUB]) {
        case XGT_PLC_STATE: sink_text(sink, point, str_of(xgt_state_name(info))); break;
        case XGT_PLC_RUN: sink_bool(sink, point, state == STATE_RUN); break;
        case XGT_PLC_ERROR:
            sink_bool(sink, point, (info & XGT_INFO_ERROR) != 0 || state == STATE_ERROR);
            break;
        case XGT_PLC_STANDBY: sink_bool(sink, point, (info & XGT_INFO_STANDBY) != 0); break;
        case XGT_PLC_CPU: sink_text(sink, point, str_of(cpu)); break;
        }
    }
}

const struct xgt_request xgt_probe = {
    .kind = XGT_READ_RUN, .count = 1, .blocks = {{.area = 1}}, .bytes = 2}; // %MB0

static int ask_state(struct reading *reading, uint32_t index) {
    struct xgt_private *xgt = io_private(reading->io);
    if (!xgt->has_head) {
        int code = 0;
        int result = ask(reading, &xgt_probe, &index, 1, &code);
        if (result != GO_ON || !xgt->has_head) {
            return result;
        }
    }
    give_state(&reading->groups[index], &xgt->head, reading->sink);
    return GO_ON;
}

static int read_all(struct reading *reading, uint32_t count) {
    int result = GO_ON;
    for (uint32_t i = 0; i < count && result == GO_ON; i++) {
        const struct point_group *group = &reading->groups[i];
        if (group->space == XGT_STATE) {
            continue;
        }
        result = group->length <= SMALL_WORDS ? gather(reading, i) : ask_group(reading, i);
    }
    if (result == GO_ON) {
        result = flush(reading, &reading->words);
    }
    if (result == GO_ON) {
        result = flush(reading, &reading->contacts);
    }
    for (uint32_t i = 0; i < count && result == GO_ON; i++) {
        if (reading->groups[i].space == XGT_STATE) {
            result = ask_state(reading, i);
        }
    }
    return result;
}

static int xgt_read_groups(struct driver_io *io, const struct point_group *groups, uint32_t count,
    struct point_sink *sink, struct err *err) {
    struct reading reading = {.io = io, .groups = groups, .sink = sink, .err = err};
    struct xgt_private *xgt = io_private(io);
    xgt->has_head = false;
    int result = read_all(&reading, count);
    return result < 0 ? result : 0;
}

static struct driver_span xgt_span(const struct driver_settings *settings, uint32_t space) {
    if (space >= XGT_BITS) {
        return (struct driver_span){.max_length = 1, .max_gap = 0};
    }
    bool cnet = xgt_is_cnet(settings);
    uint32_t words = (uint32_t)settings->values[XGT_OPTION_MAX_BYTES] / 2;
    int64_t gap = settings->values[XGT_OPTION_MAX_GAP];
    if (gap < 0) {
        gap = cnet ? GAP_SERIAL_WORDS : GAP_NETWORK_WORDS;
    }
    return (struct driver_span){
        .max_length = cnet && words > XGT_CNET_WORDS_MAX ? XGT_CNET_WORDS_MAX : words,
        .max_gap = (uint32_t)gap};
}

/* --- Writing --- */

static int xgt_write(
    struct driver_io *io, const struct point *point, const struct sample *value, struct err *err) {
    uint8_t data[8];
    int bytes = xgt_encode(point, value, data, err);
    if (bytes < 0) {
        return bytes;
    }
    bool contact = point->space >= XGT_BITS;
    uint32_t sub = point->detail[XGT_SUB];
    enum xgt_format format = (enum xgt_format)point->detail[XGT_FORMAT];
    struct xgt_request request = {.kind = XGT_WRITE_BLOCK,
        .count = 1,
        .blocks = {{.area = contact ? point->space - XGT_BITS : point->space,
            .word = point->start,
            .sub = sub}},
        .bytes = (uint32_t)bytes,
        .data = data};
    if (format == XGT_BIT || format == XGT_CONTACT) {
        request.width = XGT_WIDTH_BIT;
    } else if (bytes == 1) {
        request.width = XGT_WIDTH_BYTE;
    } else if (bytes == 2 && sub == 0) {
        request.width = XGT_WIDTH_WORD;
    } else {
        request.kind = XGT_WRITE_RUN;
        if (sub != 0 && xgt_is_cnet(io_settings(io))) {
            return err_set(err, ERR_UNSUPPORTED, MSG_XGT_NOT_WRITABLE, NO_ARGS);
        }
    }
    int code = xgt_exchange(io, io_settings(io), &request, err);
    return code > 0 ? refusal_words(io_settings(io), &request, code, err) : code;
}

static int xgt_open(struct driver_io *io, struct err *err) {
    (void)err;
    struct xgt_private *xgt = io_private(io);
    xgt->sent_in_session = 0;
    xgt->unquiet = true; // Nobody knows what the line was doing.
    return 0;
}

static const struct driver_option xgt_options[] = {
    [XGT_OPTION_CPU] = {.name = "cpu",
        .help_en = "Series of the CPU; decides how bits are numbered (option bits).",
        .help_ko = "CPU 계열입니다. 비트 번호 표기(bits 옵션)가 이에 따라 정해집니다.",
        .fallback = XGT_CPU_XGK,
        .words = "xgk,xgb,xgi,xgr,xgb-iec"},
    [XGT_OPTION_BITS] = {.name = "bits",
        .help_en = "Number of %MX1A: hex is word and one hexadecimal digit (XGK, XGB), flat is "
                   "counted through (XGI, XGR); auto follows cpu.",
        .help_ko =
            "%MX1A의 번호 표기입니다. hex는 워드와 16진수 한 자리(XGK, XGB), flat은 처음부터 "
            "센 10진수(XGI, XGR)이며 auto는 cpu를 따릅니다.",
        .fallback = XGT_BITS_AUTO,
        .words = "auto,hex,flat"},
    [XGT_OPTION_COMPANY] = {.name = "company",
        .help_en = "Company id in the header: xgt (LSIS-XGT), or glofa (LGIS-GLOFA) for GM and MK.",
        .help_ko = "헤더의 회사 ID입니다. xgt는 LSIS-XGT, glofa는 GM·MK용 LGIS-GLOFA입니다.",
        .fallback = XGT_COMPANY_XGT,
        .words = "xgt,glofa"},
    [XGT_OPTION_FRAMING] = {.name = "framing",
        .help_en =
            "auto: Cnet on serial lines, else FEnet; cnet: Cnet through a network converter.",
        .help_ko = "auto는 직렬이면 Cnet, 아니면 FEnet입니다. cnet은 변환기를 거친 Cnet입니다.",
        .fallback = XGT_FRAMING_AUTO,
        .words = "auto,fenet,cnet"},
    [XGT_OPTION_STATION] = {.name = "station",
        .help_en = "Station number on a serial line.",
        .help_ko = "직렬 회선의 국번입니다.",
        .fallback = 0,
        .min = 0,
        .max = 255},
    [XGT_OPTION_BASE] = {.name = "base",
        .help_en = "Base of the Ethernet module; 0 for a built-in port.",
        .help_ko = "이더넷 모듈의 베이스 번호입니다. 내장 포트는 0입니다.",
        .fallback = 0,
        .min = 0,
        .max = 15},
    [XGT_OPTION_SLOT] = {.name = "slot",
        .help_en = "Slot of the Ethernet module; 0 for a built-in port.",
        .help_ko = "이더넷 모듈의 슬롯 번호입니다. 내장 포트는 0입니다.",
        .fallback = 0,
        .min = 0,
        .max = 15},
    [XGT_OPTION_MAX_BYTES] = {.name = "max_bytes",
        .help_en = "Most bytes of one continuous read (on serial lines 120 at most).",
        .help_ko = "한 번의 연속 읽기로 받는 최대 바이트 수입니다(직렬은 최대 120).",
        .fallback = XGT_RUN_BYTES_MAX,
        .min = 8,
        .max = XGT_RUN_BYTES_MAX},
    [XGT_OPTION_MAX_GAP] = {.name = "max_gap",
        .help_en = "Unused words read along to save a request; -1: as many as pay.",
        .help_ko = "요청 수를 줄이기 위해 함께 읽는 빈 워드 수입니다. -1이면 자동입니다.",
        .fallback = -1,
        .min = -1,
        .max = XGT_RUN_BYTES_MAX / 2},
    [XGT_OPTION_WORD_ORDER] = {.name = "word_order",
        .help_en = "Which word of a 32- or 64-bit value comes first, unless the tag says.",
        .help_ko = "32·64비트 값에서 앞에 오는 워드입니다. 태그에 적으면 그것이 우선합니다.",
        .fallback = XGT_LOW_FIRST,
        .words = "low-first,high-first"},
    [XGT_OPTION_IO_NAMES] = {.name = "io_names",
        .help_en = "Names of I and Q on the wire: flat (%IB12) or slot (%IB0.1.4).",
        .help_ko = "I, Q 영역의 통신 이름입니다. flat은 %IB12, slot은 %IB0.1.4 형식입니다.",
        .fallback = XGT_IO_FLAT,
        .words = "flat,slot"},
    [XGT_OPTION_BCC] = {.name = "bcc",
        .help_en = "1: frames on a serial line carry a check (BCC), 0: none.",
        .help_ko = "직렬 프레임에 검사값(BCC)을 붙이면 1, 붙이지 않으면 0입니다.",
        .fallback = 1,
        .min = 0,
        .max = 1},
    [XGT_OPTION_COUNT] = {.name = NULL},
};
_Static_assert((int)XGT_OPTION_COUNT <= (int)DRIVER_OPTIONS_MAX, "options fit");

const struct driver driver_xgt;
const struct driver driver_xgt = {
    .name = "xgt",
    .help_en =
        "LS ELECTRIC XGK, XGB, XGI, XGR: FEnet (host:port, usually 2004; udp:host:port, usually "
        "2005) and Cnet on a serial line. Addresses: D100, %DW100 i16, %DD50 f32, %MX1A, D100.3 "
        "for a bit, %DB200 text:16, bcd16; plc:state, plc:error tell how the controller is.",
    .help_ko =
        "LS ELECTRIC XGK, XGB, XGI, XGR을 지원합니다. FEnet(호스트:포트, 보통 2004. UDP는 "
        "udp:호스트:포트, 보통 2005)과 직렬 Cnet을 씁니다. 주소 예: D100, %DW100 i16, %DD50 f32, "
        "%MX1A, 비트는 D100.3, %DB200 text:16, bcd16. plc:state, plc:error는 PLC 상태입니다.",
    .options = xgt_options,
    .private_bytes = sizeof(struct xgt_private),
    .parse_address = xgt_parse_address,
    .span = xgt_span,
    .open = xgt_open,
    .read_groups = xgt_read_groups,
    .write = xgt_write,
    .diagnose = xgt_diagnose,
};
