/*
 * One connection of the simulated S7 controller as bytes in and bytes out.
 *
 * Written from recordings of other programs' frames, RFC 1006 and RFC 905, apart from the driver.
 * A frame is: 03 00, length; COTP (length, kind, ...); PDU: 32, kind, 00 00, number, length of
 * parameters, length of data. Jobs (kind 1) are answered with kind 3, which has two more bytes for
 * an error. System status lists are asked with kind 7. A request that would need a longer answer
 * than was agreed is refused with error 8500, as a client that does not split deserves.
 */
#include "sim/sim_s7.h"

#include <string.h>

enum {
    TPKT = 4,
    PDU_AT = 7, // Behind TPKT and the three bytes of COTP data.
    FRAME_MAX = 2048,
    ITEMS_MAX = 20,
    LIST_RECORD = 34,
};

static unsigned u16(const uint8_t *from) {
    return (unsigned)from[0] << 8 | from[1];
}

static void set16(uint8_t *to, unsigned value) {
    to[0] = (uint8_t)(value >> 8);
    to[1] = (uint8_t)value;
}

void sim_s7_session_init(struct sim_s7_session *session, const struct sim_s7_source *source,
    const struct sim_s7_manner *manner) {
    memset(session, 0, sizeof *session);
    session->source = source;
    if (manner != NULL) {
        session->manner = *manner;
    }
    session->manner.pdu = session->manner.pdu != 0 ? session->manner.pdu : 960;
    session->manner.jobs = session->manner.jobs != 0 ? session->manner.jobs : 8;
}

/* Sends a whole frame in the session's manner. */
static void give(struct sim_s7_session *session, size_t size, struct buf *answer) {
    uint8_t *out = session->out;
    set16(out + 2, (unsigned)size);
    switch ((int)session->fault) {
    case SIM_S7_SILENT: return;
    case SIM_S7_CUT: size /= 2; break;
    case SIM_S7_GARBAGE:
        for (size_t i = 0; i < size; i++) {
            out[i] = (uint8_t)(out[i] * 7 + i * 13 + 91);
        }
        break;
    case SIM_S7_OLD_REFERENCE:
        if (size > PDU_AT + 6) {
            uint16_t now = (uint16_t)u16(out + PDU_AT + 4);
            set16(out + PDU_AT + 4, session->old_reference);
            session->old_reference = now;
        }
        break;
    default: break;
    }
    buf_put(answer, out, size);
}

/* The head of an answer to the job `pdu`; where its parameters begin. */
static uint8_t *begin(struct sim_s7_session *session, const uint8_t *pdu, unsigned error) {
    uint8_t *out = session->out;
    memset(out, 0, PDU_AT + 12);
    out[0] = 3;
    out[4] = 2;
    out[5] = 0xF0;
    out[6] = 0x80;
    out[PDU_AT] = 0x32;
    out[PDU_AT + 1] = 3;
    memcpy(out + PDU_AT + 4, pdu + 4, 2);
    set16(out + PDU_AT + 10, error);
    return out + PDU_AT + 12;
}

/* Sends an answer with so many bytes of parameters and data. */
static void finish(
    struct sim_s7_session *session, size_t parameters, size_t data, struct buf *answer) {
    set16(session->out + PDU_AT + 6, (unsigned)parameters);
    set16(session->out + PDU_AT + 8, (unsigned)data);
    size_t size = 12 + parameters + data;
    session->most_bytes = size > session->most_bytes ? (uint32_t)size : session->most_bytes;
    give(session, PDU_AT + size, answer);
}

static void refuse(
    struct sim_s7_session *session, const uint8_t *pdu, unsigned error, struct buf *answer) {
    (void)begin(session, pdu, error);
    session->out[PDU_AT + 1] = 2;
    finish(session, 0, 0, answer);
}

/* What an item asks for. */
struct wish {
    uint8_t area;
    uint16_t block;
    uint32_t start;
    uint32_t bytes;
    int bit; // -1: bytes.
};

static bool read_wish(const uint8_t *item, struct wish *ret_wish) {
    if (item[0] != 0x12 || item[1] != 10 || item[2] != 0x10) {
        return false;
    }
    uint32_t at = (uint32_t)item[9] << 16 | u16(item + 10);
    unsigned count = u16(item + 4);
    struct wish wish = {
        .area = item[8], .block = (uint16_t)u16(item + 6), .start = at, .bytes = count, .bit = -1};
    bool counted = wish.area == SIM_S7_COUNTER || wish.area == SIM_S7_TIMER;
    /* Bytes a cell of each transport size: 1 bit, 2 byte, 3 char, 4 word, 5 int, 6 dword, 7 dint,
     * 8 real. */
    static const uint8_t widths[] = {0, 1, 1, 1, 2, 2, 4, 4, 4};
    if (counted) {
        wish.bytes = count * 2;
    } else if (item[3] >= sizeof widths || widths[item[3]] == 0) {
        return false;
    } else {
        wish.bytes = count * widths[item[3]];
        wish.start = at / 8;
        wish.bit = item[3] == 1 ? (int)(at % 8) : -1;
    }
    *ret_wish = wish;
    return wish.bytes > 0;
}

/* One item of a read at `to`; bytes of it, without filling. */
static size_t read_item(struct sim_s7_session *session, const uint8_t *item, uint8_t *to) {
    struct wish wish;
    memset(to, 0, 4);
    if (!read_wish(item, &wish)) {
        to[0] = 6;
        return 4;
    }
    int code = session->source->read(
        session->source->context, wish.area, wish.block, wish.start, wish.bytes, to + 4);
    to[0] = (uint8_t)code;
    if (code != SIM_S7_GOOD) {
        return 4;
    }
    if (wish.bit >= 0) {
        to[1] = 3;
        set16(to + 2, 1);
        to[4] = to[4] >> wish.bit & 1;
        return 5;
    }
    bool counted = wish.area == SIM_S7_COUNTER || wish.area == SIM_S7_TIMER;
    to[1] = counted ? 9 : 4;
    set16(to + 2, counted ? wish.bytes : wish.bytes * 8);
    return 4 + wish.bytes;
}

static void answer_read(
    struct sim_s7_session *session, const uint8_t *pdu, size_t size, struct buf *answer) {
    unsigned count = pdu[11];
    if (size != 12 + (size_t)count * 12 || count == 0 || count > ITEMS_MAX) {
        refuse(session, pdu, 0x8500, answer);
        return;
    }
    session->jobs++;
    session->most_items = count > session->most_items ? count : session->most_items;
    size_t wanted = 14;
    for (unsigned i = 0; i < count; i++) {
        struct wish wish = {.bytes = 0};
        (void)read_wish(pdu + 12 + (size_t)i * 12, &wish); // Bad ones are answered by read_item.
        wanted += 4 + wish.bytes + (i + 1 < count ? wish.bytes & 1 : 0);
    }
    if (wanted > session->pdu || size > session->pdu) {
        refuse(session, pdu, 0x8500, answer);
        return;
    }
    uint8_t *parameters = begin(session, pdu, 0);
    parameters[0] = 4;
    parameters[1] = (uint8_t)count;
    size_t data = 0;
    for (unsigned i = 0; i < count; i++) {
        data += read_item(session, pdu + 12 + (size_t)i * 12, parameters + 2 + data);
        if (data % 2 != 0 && i + 1 < count) {
            parameters[2 + data++] = 0;
        }
    }
    finish(session, 2, data, answer);
}

static void answer_write(
    struct sim_s7_session *session, const uint8_t *pdu, size_t size, struct buf *answer) {
    unsigned count = pdu[11];
    size_t at = 12 + (size_t)count * 12;
    if (count == 0 || count > ITEMS_MAX || at > size || size > session->pdu) {
        refuse(session, pdu, 0x8500, answer);
        return;
    }
    session->jobs++;
    uint8_t codes[ITEMS_MAX];
    for (unsigned i = 0; i < count; i++) {
        struct wish wish;
        if (at + 4 > size) {
            refuse(session, pdu, 0x8500, answer);
            return;
        }
        uint8_t transport = pdu[at + 1];
        size_t bytes = u16(pdu + at + 2);
        bytes = transport == 3 || transport == 4 || transport == 5 ? (bytes + 7) / 8 : bytes;
        bool good = read_wish(pdu + 12 + (size_t)i * 12, &wish) && wish.bytes == bytes;
        codes[i] = 7;
        if (good && at + 4 + bytes <= size) {
            codes[i] = session->source->write == NULL
                           ? SIM_S7_NO_ACCESS
                           : (uint8_t)session->source->write(session->source->context, wish.area,
                                 wish.block, wish.start, wish.bytes, wish.bit, pdu + at + 4);
        }
        at += 4 + bytes + (bytes & 1);
    }
    uint8_t *parameters = begin(session, pdu, 0);
    parameters[0] = 5;
    parameters[1] = (uint8_t)count;
    memcpy(parameters + 2, codes, count);
    finish(session, 2, count, answer);
}

static void answer_setup(
    struct sim_s7_session *session, const uint8_t *pdu, size_t size, struct buf *answer) {
    if (size != 18) {
        refuse(session, pdu, 0x8500, answer);
        return;
    }
    unsigned wished = u16(pdu + 16);
    unsigned most = session->manner.jobs;
    session->pdu = (uint16_t)(wished < session->manner.pdu ? wished : session->manner.pdu);
    uint8_t *parameters = begin(session, pdu, 0);
    parameters[0] = 0xF0;
    parameters[1] = 0;
    set16(parameters + 2, u16(pdu + 12) < most ? u16(pdu + 12) : most);
    set16(parameters + 4, u16(pdu + 14) < most ? u16(pdu + 14) : most);
    set16(parameters + 6, session->pdu);
    finish(session, 8, 0, answer);
}

/* A record of list 001C: its number, then text. */
static size_t put_component(uint8_t *to, unsigned number, const char *text) {
    size_t length = strlen(text);
    memset(to, 0, LIST_RECORD);
    set16(to, number);
    memcpy(to + 2, text, length < LIST_RECORD - 2 ? length : LIST_RECORD - 2);
    return LIST_RECORD;
}

/* Lists 0011 (order number) and 001C (names). The records' bytes; 0: no such list. */
static size_t put_list(
    const struct sim_s7_session *session, unsigned list, uint8_t *to, size_t *ret_record) {
    const char *cpu = session->manner.cpu != NULL ? session->manner.cpu : "CPU SIMULATED";
    size_t size = 0;
    if (list == 0x0011) {
        *ret_record = 28;
        memset(to, 0, 28);
        set16(to, 1);
        memcpy(to + 2, "6ES7 000-0MA00-0AB0 ", 20);
        to[24] = 'V';
        to[25] = 1;
        return 28;
    }
    if (list == 0x001C) {
        *ret_record = LIST_RECORD;
        size += put_component(to + size, 1, "MARU");
        size += put_component(to + size, 2, "PLC_1");
        size += put_component(to + size, 3, "");
        size += put_component(to + size, 4, "Simulated equipment");
        size += put_component(to + size, 5, "S C-0000000000");
        size += put_component(to + size, 7, cpu);
    }
    return size;
}

static void answer_list(
    struct sim_s7_session *session, const uint8_t *pdu, size_t size, struct buf *answer) {
    /* 8 bytes of parameters (00 01 12 04 11 44 01 number), data FF 09 00 04 list index. */
    if (size != 10 + 8 + 8 || pdu[10 + 5] != 0x44 || pdu[10 + 6] != 1) {
        return; // Other services are not there; a real one refuses them too.
    }
    uint8_t *out = session->out;
    (void)begin(session, pdu, 0);
    out[PDU_AT + 1] = 7;
    uint8_t *parameters = out + PDU_AT + 10; // Kind 7 has no error bytes in its head.
    static const uint8_t head[] = {0, 1, 0x12, 8, 0x12, 0x84, 1, 1, 0, 0, 0, 0};
    memcpy(parameters, head, sizeof head);
    uint8_t *data = parameters + sizeof head;
    size_t record = 0;
    size_t records = put_list(session, u16(pdu + 22), data + 12, &record);
    size_t data_bytes = 4;
    memset(data, 0, 12);
    if (records == 0) {
        set16(parameters + 10, 0xD401); // No such list.
        data[0] = SIM_S7_NO_OBJECT;
    } else {
        data_bytes = 12 + records;
        data[0] = SIM_S7_GOOD;
        data[1] = 9;
        set16(data + 2, (unsigned)(8 + records));
        memcpy(data + 4, pdu + 22, 4);
        set16(data + 8, (unsigned)record);
        set16(data + 10, (unsigned)(records / record));
    }
    set16(out + PDU_AT + 6, sizeof head);
    set16(out + PDU_AT + 8, (unsigned)data_bytes);
    give(session, PDU_AT + 10 + sizeof head + data_bytes, answer);
}

static bool answer_pdu(
    struct sim_s7_session *session, const uint8_t *pdu, size_t size, struct buf *answer) {
    bool whole = size >= 10 && pdu[0] == 0x32 && 10 + u16(pdu + 6) + u16(pdu + 8) == size;
    if (!whole) {
        return false;
    }
    if (pdu[1] == 7) {
        answer_list(session, pdu, size, answer);
        return true;
    }
    if (pdu[1] != 1 || size < 12) {
        return false;
    }
    if (pdu[10] == 0xF0) {
        answer_setup(session, pdu, size, answer);
    } else if (session->pdu == 0) {
        return false; // Nobody asks before the setup.
    } else if (session->fault == SIM_S7_DENY) {
        refuse(session, pdu, 0x8104, answer);
    } else if (pdu[10] == 4) {
        answer_read(session, pdu, size, answer);
    } else if (pdu[10] == 5) {
        answer_write(session, pdu, size, answer);
    } else {
        refuse(session, pdu, 0x8104, answer); // Function not implemented.
    }
    return true;
}

/* The connection request: E0, 00 00, their number, class, options. */
static bool answer_connect(
    struct sim_s7_session *session, const uint8_t *cotp, size_t size, struct buf *answer) {
    unsigned slot = 0;
    if (session->fault == SIM_S7_FULL || size < 7 || size > 64) {
        return false;
    }
    for (size_t at = 7; at + 4 <= size && at + 2 + cotp[at + 1] <= size; at += 2u + cotp[at + 1]) {
        if (cotp[at] == 0xC2 && cotp[at + 1] == 2) {
            slot = cotp[at + 3] & 31;
        }
    }
    if (session->manner.only_slot && slot != session->manner.slot) {
        return false; // As an S7-300 does for a slot without a CPU.
    }
    uint8_t *out = session->out;
    out[0] = 3;
    out[1] = 0;
    memcpy(out + TPKT, cotp, size);
    out[TPKT + 1] = session->fault == SIM_S7_DISCONNECT ? 0x80 : 0xD0;
    memcpy(out + TPKT + 2, cotp + 4, 2); // To their number, from ours.
    out[TPKT + 4] = 0;
    out[TPKT + 5] = 1;
    if (session->fault == SIM_S7_DISCONNECT) {
        out[TPKT] = 6;
        out[TPKT + 6] = 3; // Address unknown.
        size = 7;
    }
    session->connected = session->fault != SIM_S7_DISCONNECT;
    give(session, TPKT + size, answer);
    return true;
}

static bool answer_frame(
    struct sim_s7_session *session, const uint8_t *frame, size_t size, struct buf *answer) {
    const uint8_t *cotp = frame + TPKT;
    if (cotp[1] == 0xE0 && cotp[0] + 1u == size - TPKT && !session->connected) {
        return answer_connect(session, cotp, size - TPKT, answer);
    }
    if (!session->connected || cotp[0] != 2 || cotp[1] != 0xF0 || cotp[2] != 0x80) {
        return false;
    }
    return size == PDU_AT || answer_pdu(session, frame + PDU_AT, size - PDU_AT, answer);
}

bool sim_s7_session_feed(
    struct sim_s7_session *session, const uint8_t *data, size_t size, struct buf *answer) {
    if (size > sizeof session->in - session->in_size) {
        return false;
    }
    memcpy(session->in + session->in_size, data, size);
    session->in_size += size;
    size_t at = 0;
    while (session->in_size - at >= TPKT) {
        const uint8_t *frame = session->in + at;
        size_t length = u16(frame + 2);
        if (frame[0] != 3 || length < PDU_AT || length > FRAME_MAX) {
            return false;
        }
        if (session->in_size - at < length) {
            break;
        }
        if (!answer_frame(session, frame, length, answer)) {
            return false;
        }
        at += length;
    }
    memmove(session->in, session->in + at, session->in_size - at);
    session->in_size -= at;
    return true;
}
