/*
 * Omron FINS over TCP and UDP.
 *
 * Standards: W342 (CS/CJ/CP communications commands: frame clause 3, commands and areas clause 5),
 * W421 (Ethernet units: FINS/UDP clause 6, FINS/TCP clause 7). All numbers are big-endian.
 *
 * A FINS frame is ten bytes of addresses (network, node and unit of both sides, and the service
 * number SID), command, data. Over TCP it is wrapped in "FINS", length, command, error, and each
 * connection begins with one handshake that gives both node numbers; a second one on the same
 * connection is an error. Over UDP the nodes are, by Omron's default, the last bytes of the two IP
 * addresses.
 *
 * An answer counts for our request only when SID, nodes and command are ours. The SID changes with
 * every request, so a late answer is recognised and dropped and the session lives on; anything
 * else strange means that the two sides have lost each other.
 *
 * Groups of few words are read together by Multiple Memory Area Read (0104), which names each word.
 * A refused one is asked again group by group, so that the wrong address is found; when every group
 * alone is good, the controller does not take it, and none is sent in this session.
 */
#include "device/drivers/fins.h"

#include <string.h>

#define ANY_BYTES SIZE_MAX // Answers whose length depends on the model.

enum {
    TCP_HEAD = 16,    // "FINS", length, command, error.
    FINS_HEAD = 10,   // ICF to SID.
    FRAME_MAX = 2012, // FINS head and command, W342 clause 3-3.
    ANSWER_MIN = 14,  // Head, command, end code.
    NODE_BYTES = 8,   // Client and server node of a handshake.
    OUT_BYTES = 640,
    GROUP_SMALL = 16, // Words of a group that is worth naming one by one.
};

/* Commands of the FINS/TCP header, W421 clause 7-4. */
enum {
    TCP_CLIENT_NODE = 0,
    TCP_SERVER_NODE = 1,
    TCP_FRAME = 2,
    TCP_REFUSED = 3,
    TCP_ALIVE = 6 // The controller asks whether we still live; being there is the answer.
};

enum {
    COMMAND_READ = 0x0101,
    COMMAND_WRITE = 0x0102,
    COMMAND_MULTIPLE = 0x0104,
    COMMAND_MODEL = 0x0501,
    COMMAND_STATUS = 0x0601
};

struct fins_private {
    uint8_t node;     // Ours, and that of the controller at the other end of the link.
    uint8_t plc_node; // 0: not known.
    uint8_t sid;
    uint32_t sent_in_session; // Saturates at 255.
    bool multiple_off;        // In this session.
    size_t out_size;
    size_t data_bytes;                 // Of the last answer.
    uint32_t picks[FINS_MULTIPLE_MAX]; // Groups of the multiple read under way.
    uint32_t pick_count;
    uint8_t out[OUT_BYTES];
    uint8_t frame[IO_BUFFER_BYTES];
};

/* --- frames --- */

static void put_word(uint8_t *to, uint32_t value) {
    to[0] = (uint8_t)(value >> 8);
    to[1] = (uint8_t)value;
}

static uint32_t get_word(const uint8_t *from) {
    return (uint32_t)from[0] << 8 | from[1];
}

static uint32_t get_long(const uint8_t *from) {
    return get_word(from) << 16 | get_word(from + 2);
}

static int64_t option(const struct driver_io *io, enum fins_option which) {
    return io_settings(io)->values[which];
}

static bool uses_tcp(const struct driver_io *io) {
    int64_t framing = option(io, FINS_FRAMING);
    return framing == FINS_FRAMING_TCP || (framing == FINS_FRAMING_AUTO && !io_is_datagram(io));
}

/* The node that is asked. Devices that share the link may name others, behind its other end. */
static uint8_t destination(struct driver_io *io) {
    const struct fins_private *fins = io_private(io);
    int64_t named = option(io, FINS_PLC_NODE);
    return named != 0 ? (uint8_t)named : fins->plc_node;
}

static void add_byte(struct fins_private *fins, uint32_t value) {
    fins->out[fins->out_size++] = (uint8_t)value;
}

static void add_word(struct fins_private *fins, uint32_t value) {
    put_word(fins->out + fins->out_size, value);
    fins->out_size += 2;
}

static void put_tcp_head(uint8_t *to, uint32_t command, size_t behind) {
    memcpy(to, "FINS", 4);
    put_word(to + 4, 0);
    put_word(to + 6, (uint32_t)behind + 8); // From the command on.
    put_word(to + 8, 0);
    put_word(to + 10, command);
    memset(to + 12, 0, 4);
}

/* Begins a command; room for the TCP head is left in front. */
static void begin(struct driver_io *io, uint32_t command) {
    struct fins_private *fins = io_private(io);
    fins->out_size = TCP_HEAD;
    fins->sid++;
    add_byte(fins, 0x80); // ICF: a command that wants an answer.
    add_byte(fins, 0);
    add_byte(fins, 2); // Gateways it may pass.
    add_byte(fins, (uint32_t)option(io, FINS_NETWORK));
    add_byte(fins, destination(io));
    add_byte(fins, (uint32_t)option(io, FINS_UNIT));
    add_byte(fins, 0);
    add_byte(fins, fins->node);
    add_byte(fins, 0);
    add_byte(fins, fins->sid);
    add_word(fins, command);
}

/* Area, number and bit (W342 clause 5-2-1). */
static void add_place(struct fins_private *fins, uint32_t area, uint32_t start, uint32_t bit) {
    add_byte(fins, area);
    add_word(fins, start);
    add_byte(fins, bit);
}

static int finish(struct driver_io *io, int64_t *ret_stamp, struct err *err) {
    struct fins_private *fins = io_private(io);
    const uint8_t *from = fins->out;
    size_t size = fins->out_size;
    if (uses_tcp(io)) {
        put_tcp_head(fins->out, TCP_FRAME, size - TCP_HEAD);
    } else {
        from += TCP_HEAD;
        size -= TCP_HEAD;
    }
    if (fins->sent_in_session < UINT8_MAX) {
        fins->sent_in_session++;
    }
    *ret_stamp = io_request_sent(io);
    return io_send(io, from, size, err);
}

/* Receives what stands behind a FINS/TCP head into fins->frame: its size and *ret_command. */
static int receive_tcp(struct driver_io *io, uint32_t *ret_command, struct err *err) {
    struct fins_private *fins = io_private(io);
    uint8_t head[TCP_HEAD];
    int result = io_receive(io, head, sizeof head, err);
    if (result < 0) {
        return result;
    }
    if (memcmp(head, "FINS", 4) != 0) {
        return err_set(err, ERR_FRAME, MSG_FINS_NOT_FINS, NO_ARGS);
    }
    uint32_t length = get_long(head + 4);
    if (length < 8 || length > 8 + FRAME_MAX + 2) {
        return err_set(err, ERR_FRAME, MSG_FINS_LENGTH, ARGS(A_INT(length)));
    }
    result = io_receive(io, fins->frame, length - 8, err);
    if (result == -ERR_TIMEOUT) {
        return err_set(err, ERR_FRAME, MSG_FINS_CUT, NO_ARGS);
    }
    if (result < 0) {
        return result;
    }
    *ret_command = get_long(head + 8);
    uint32_t error = get_long(head + 12);
    if (error != 0 || *ret_command == TCP_REFUSED) {
        return fins_tcp_error(error, err);
    }
    return (int)length - 8;
}

/* Receives one FINS frame into fins->frame; its size, or negative. */
static int receive_frame(struct driver_io *io, struct err *err) {
    struct fins_private *fins = io_private(io);
    int size = 0;
    if (!uses_tcp(io)) {
        size = io_receive_some(io, fins->frame, sizeof fins->frame, err);
    }
    while (uses_tcp(io)) {
        uint32_t command = 0;
        size = receive_tcp(io, &command, err);
        if (size < 0 || command == TCP_FRAME) {
            break;
        }
        if (command != TCP_ALIVE) {
            return err_set(err, ERR_FRAME, MSG_FINS_TCP_COMMAND, ARGS(A_INT(command)));
        }
    }
    if (size >= 0 && (size < ANSWER_MIN || (fins->frame[0] & 0x40) == 0)) {
        return err_set(err, ERR_FRAME, MSG_FINS_HEAD, ARGS(A_INT(size)));
    }
    return size;
}

/* True when the SID was given to a request of this session that is no longer waited for. */
static bool is_late(const struct fins_private *fins, uint8_t sid) {
    uint8_t age = (uint8_t)(fins->sid - sid);
    return age != 0 && age < fins->sent_in_session;
}

/* Checks a frame against the request: the end code without its flags, or negative. */
static int check_frame(struct driver_io *io, size_t size, size_t expected, struct err *err) {
    struct fins_private *fins = io_private(io);
    const uint8_t *frame = fins->frame;
    const uint8_t *asked = fins->out + TCP_HEAD;
    bool from_plc = asked[4] == 0 || frame[7] == asked[4]; // An unknown node: any is taken.
    if (frame[4] != fins->node || !from_plc || frame[6] != asked[3] || frame[8] != asked[5]) {
        return err_set(err, ERR_FRAME, MSG_FINS_NODE,
            ARGS(A_INT(frame[7]), A_INT(frame[4]), A_INT(asked[4]), A_INT(fins->node)));
    }
    if (memcmp(frame + FINS_HEAD, asked + FINS_HEAD, 2) != 0) {
        char hex[5];
        return err_set(err, ERR_FRAME, MSG_FINS_COMMAND,
            ARGS(A_CSTR(plc_hex(get_word(frame + FINS_HEAD), hex))));
    }
    uint32_t code = get_word(frame + FINS_HEAD + 2);
    bool relayed = (code & 0x8000) != 0; // A node on the way failed; two bytes say which.
    code &= 0x7F3F;
    fins->data_bytes = size - ANSWER_MIN;
    if (code == 0 && !relayed && expected != ANY_BYTES && size != ANSWER_MIN + expected) {
        return err_set(
            err, ERR_FRAME, MSG_FINS_DATA_BYTES, ARGS(A_INT(expected), A_INT(size - ANSWER_MIN)));
    }
    return code == 0 && relayed ? 0x0202 : (int)code;
}

/* Sends what was begun and waits for its answer with `expected` bytes of data. 0: *ret_data is
 * there; positive: the end code; negative. */
static int exchange(
    struct driver_io *io, size_t expected, const uint8_t **ret_data, struct err *err) {
    struct fins_private *fins = io_private(io);
    int64_t stamp = 0;
    int result = finish(io, &stamp, err);
    if (result < 0) {
        return result;
    }
    for (;;) {
        int size = receive_frame(io, err);
        if (size < 0) {
            return size;
        }
        if (fins->frame[9] != fins->sid) {
            if (is_late(fins, fins->frame[9])) {
                continue;
            }
            return err_set(err, ERR_FRAME, MSG_FINS_SID, ARGS(A_INT(fins->frame[9])));
        }
        int code = check_frame(io, (size_t)size, expected, err);
        if (code < 0) {
            return code;
        }
        io_request_answered(io, stamp);
        *ret_data = fins->frame + ANSWER_MIN;
        return code;
    }
}

/* --- reading --- */

/* A time-out: the unit is silent, the session lives on. */
static int take_silence(struct driver_io *io, struct point_sink *sink, struct err *err) {
    if (!uses_tcp(io)) {
        const struct fins_private *fins = io_private(io);
        (void)err_set(err, ERR_TIMEOUT, MSG_FINS_SILENT_UDP,
            ARGS(A_INT(io_settings(io)->link[LINK_TIMEOUT_MS]), A_INT(fins->node),
                A_INT(destination(io))));
    }
    sink_unit_silent(sink, STATUS_BAD_TIMEOUT, err);
    return 1;
}

/* What an end code means for a group. */
static void take_end_code(struct point_sink *sink, const struct point_group *group, uint32_t code) {
    struct err words = ERR_INIT;
    char name[32];
    switch (fins_end_code(code, fins_name(group->space, group->start, name), &words)) {
    case FINS_REFUSED: sink_group_refused(sink, group, &words); break;
    case FINS_SETTING: sink_group_failed(sink, group, STATUS_BAD_CONFIGURATION, &words); break;
    case FINS_BUSY: sink_group_failed(sink, group, STATUS_BAD_NO_DATA, &words); break;
    }
}

static void take_point(const struct point *point, const uint8_t *data, struct point_sink *sink) {
    if (point->space == FINS_FLAGS) {
        sink_bool(sink, point, data[0] & 1);
    } else {
        plc_decode(point, data, false, sink);
    }
}

/* Memory Area Read, W342 clause 5-3-2. 0: go on, 1: the unit is silent, negative: the session is
 * lost; *ret_good: there were values. */
static int read_batch(struct driver_io *io, const struct point_group *group,
    struct point_sink *sink, bool *ret_good, struct err *err) {
    struct fins_private *fins = io_private(io);
    uint32_t bytes = fins_cell_bytes(group->space);
    const uint8_t *data = NULL;
    begin(io, COMMAND_READ);
    add_place(fins, group->space, group->start, 0);
    add_word(fins, group->length);
    *ret_good = false;
    int result = exchange(io, (size_t)group->length * bytes, &data, err);
    if (result == -ERR_TIMEOUT) {
        return take_silence(io, sink, err);
    }
    if (result < 0) {
        return result;
    }
    *ret_good = result == 0;
    if (result > 0) {
        take_end_code(sink, group, (uint32_t)result);
        return 0;
    }
    for (uint32_t i = 0; i < group->count; i++) {
        const struct point *point = &group->points[i];
        take_point(point, data + (size_t)(point->start - group->start) * bytes, sink);
    }
    return 0;
}

/* Names every word of the picked groups; the bytes of data that must come. */
static size_t add_picks(struct driver_io *io, const struct point_group *groups) {
    struct fins_private *fins = io_private(io);
    struct plc_walk walk = {0};
    size_t bytes = 0;
    for (uint32_t i = 0; i < fins->pick_count; i++) {
        const struct point_group *group = &groups[fins->picks[i]];
        plc_walk_group(&walk, 1);
        for (uint32_t j = 0; j < group->count; j++) {
            uint32_t word = walk.used;
            (void)plc_walk_step(&walk, &group->points[j]);
            for (; word < walk.used; word++) {
                add_place(fins, group->space, plc_walk_cell(&walk, word), 0);
                bytes += 1 + fins_cell_bytes(group->space);
            }
        }
    }
    return bytes;
}

/* The answer repeats each area before its word. Takes the areas out, so that a group's words lie
 * together; false: other areas came back than were asked. */
static bool pack_picks(struct driver_io *io, const struct point_group *groups) {
    struct fins_private *fins = io_private(io);
    const uint8_t *from = fins->frame + ANSWER_MIN;
    uint8_t *to = fins->frame + ANSWER_MIN;
    for (uint32_t i = 0; i < fins->pick_count; i++) {
        const struct point_group *group = &groups[fins->picks[i]];
        uint32_t bytes = fins_cell_bytes(group->space);
        for (uint32_t word = plc_walk_words(group, 1); word > 0; word--) {
            if (from[0] != group->space) {
                return false;
            }
            memmove(to, from + 1, bytes);
            from += 1 + bytes;
            to += bytes;
        }
    }
    return true;
}

static void take_picks(
    struct driver_io *io, const struct point_group *groups, struct point_sink *sink) {
    struct fins_private *fins = io_private(io);
    const uint8_t *data = fins->frame + ANSWER_MIN;
    for (uint32_t i = 0; i < fins->pick_count; i++) {
        const struct point_group *group = &groups[fins->picks[i]];
        uint32_t bytes = fins_cell_bytes(group->space);
        struct plc_walk walk = {0};
        plc_walk_group(&walk, 1);
        for (uint32_t j = 0; j < group->count; j++) {
            uint32_t offset = plc_walk_step(&walk, &group->points[j]);
            take_point(&group->points[j], data + (size_t)(walk.run_base + offset) * bytes, sink);
        }
        data += (size_t)walk.used * bytes;
    }
}

/* Each picked group by itself. */
static int read_singly(struct driver_io *io, const struct point_group *groups,
    struct point_sink *sink, struct err *err) {
    struct fins_private *fins = io_private(io);
    bool all_good = fins->pick_count > 1;
    int result = 0;
    for (uint32_t i = 0; i < fins->pick_count && result == 0; i++) {
        bool good = false;
        result = read_batch(io, &groups[fins->picks[i]], sink, &good, err);
        all_good = all_good && good;
    }
    fins->multiple_off = fins->multiple_off || (result == 0 && all_good);
    return result;
}

/* Multiple Memory Area Read, W342 clause 5-3-5, of the picked groups. */
static int read_picks(struct driver_io *io, const struct point_group *groups,
    struct point_sink *sink, struct err *err) {
    struct fins_private *fins = io_private(io);
    const uint8_t *data = NULL;
    if (fins->pick_count < 2 || fins->multiple_off) {
        return read_singly(io, groups, sink, err);
    }
    begin(io, COMMAND_MULTIPLE);
    size_t bytes = add_picks(io, groups);
    int result = exchange(io, bytes, &data, err);
    if (result == -ERR_TIMEOUT) {
        return take_silence(io, sink, err);
    }
    if (result > 0) {
        return read_singly(io, groups, sink, err);
    }
    if (result == 0 && !pack_picks(io, groups)) {
        return err_set(err, ERR_FRAME, MSG_FINS_AREAS, NO_ARGS);
    }
    if (result == 0) {
        take_picks(io, groups, sink);
    }
    return result;
}

static int fins_read_groups(struct driver_io *io, const struct point_group *groups, uint32_t count,
    struct point_sink *sink, struct err *err) {
    struct fins_private *fins = io_private(io);
    bool multiple = option(io, FINS_MULTIPLE) == 1;
    uint32_t words = 0;
    int result = 0;
    fins->pick_count = 0;
    for (uint32_t i = 0; i < count && result == 0; i++) {
        uint32_t more = plc_walk_words(&groups[i], 1);
        if (!multiple || more > GROUP_SMALL) {
            bool good = false;
            result = read_batch(io, &groups[i], sink, &good, err);
            continue;
        }
        if (words + more > FINS_MULTIPLE_MAX) {
            result = read_picks(io, groups, sink, err);
            fins->pick_count = 0;
            words = 0;
        }
        fins->picks[fins->pick_count++] = i;
        words += more;
    }
    if (result == 0 && fins->pick_count > 0) {
        result = read_picks(io, groups, sink, err);
    }
    return result < 0 ? result : 0;
}

/* --- writing --- */

/* Memory Area Write, W342 clause 5-3-3. */
static int fins_write(
    struct driver_io *io, const struct point *point, const struct sample *value, struct err *err) {
    struct fins_private *fins = io_private(io);
    const uint8_t *answer = NULL;
    uint8_t data[8] = {0};
    bool on = false;
    bool is_bit = point->writable && point->detail[PLC_DETAIL_FORMAT] == PLC_WORD_BIT;
    int bytes =
        is_bit ? plc_encode_bit(value, &on, err) : plc_encode(point, value, false, data, err);
    if (bytes < 0) {
        return bytes;
    }
    begin(io, COMMAND_WRITE);
    if (is_bit) {
        add_place(fins, fins_bit_area(point->space), point->start, point->detail[PLC_DETAIL_BIT]);
        add_word(fins, 1);
        add_byte(fins, on);
    } else {
        add_place(fins, point->space, point->start, 0);
        add_word(fins, (uint32_t)bytes / 2);
        memcpy(fins->out + fins->out_size, data, (size_t)bytes);
        fins->out_size += (size_t)bytes;
    }
    int result = exchange(io, 0, &answer, err);
    if (result > 0) {
        char name[32];
        (void)fins_end_code((uint32_t)result, fins_name(point->space, point->start, name), err);
        return -ERR_DEVICE;
    }
    return result;
}

/* --- the session --- */

/* Asks for node numbers, W421 clause 7-4-2. Once for each connection. */
static int shake_hands(struct driver_io *io, struct err *err) {
    struct fins_private *fins = io_private(io);
    uint8_t request[TCP_HEAD + 4] = {0};
    uint32_t command = 0;
    put_tcp_head(request, TCP_CLIENT_NODE, 4);
    request[TCP_HEAD + 3] = (uint8_t)option(io, FINS_NODE);
    int64_t stamp = io_request_sent(io);
    int result = io_send(io, request, sizeof request, err);
    result = result < 0 ? result : receive_tcp(io, &command, err);
    if (result == -ERR_TIMEOUT) {
        return err_set(err, ERR_TIMEOUT, MSG_FINS_NO_HANDSHAKE,
            ARGS(A_INT(io_settings(io)->link[LINK_TIMEOUT_MS])));
    }
    if (result < 0) {
        return result;
    }
    if (command != TCP_SERVER_NODE || result != NODE_BYTES || get_long(fins->frame) > UINT8_MAX ||
        get_long(fins->frame + 4) > UINT8_MAX) {
        return err_set(err, ERR_FRAME, MSG_FINS_HANDSHAKE, NO_ARGS);
    }
    io_request_answered(io, stamp);
    fins->node = fins->frame[3];
    fins->plc_node = fins->frame[7];
    return 0;
}

static int fins_open(struct driver_io *io, struct err *err) {
    struct fins_private *fins = io_private(io);
    fins->sent_in_session = 0;
    fins->multiple_off = false;
    if (uses_tcp(io)) {
        return shake_hands(io, err);
    }
    uint8_t ours = 0;
    uint8_t theirs = 0;
    io_ip4_tails(io, &ours, &theirs);
    fins->node = option(io, FINS_NODE) != 0 ? (uint8_t)option(io, FINS_NODE) : ours;
    fins->plc_node = theirs;
    return 0;
}

/* --- for the connection doctor --- */

static void say(
    struct diagnosis *diagnosis, enum verdict verdict, enum msg_id id, const struct arg *args) {
    struct err words = ERR_INIT;
    (void)err_set(&words, ERR_INVALID, id, args);
    diagnosis_add(diagnosis, verdict, &words);
}

/* Printable characters alone, without the blanks behind. `to` takes `size` bytes. */
static struct str printable(const uint8_t *from, size_t size, char *to) {
    for (size_t i = 0; i < size; i++) {
        to[i] = from[i] >= ' ' && from[i] < 0x7F ? (char)from[i] : ' ';
    }
    return str_trim((struct str){.data = to, .size = size});
}

/* Controller Data Read (0501), W342 clause 5-3-16: model and version of twenty characters each. */
static int tell_model(struct driver_io *io, struct diagnosis *diagnosis, struct err *err) {
    enum { NAME_BYTES = 20 };
    struct fins_private *fins = io_private(io);
    char model[NAME_BYTES];
    char version[NAME_BYTES];
    const uint8_t *data = NULL;
    begin(io, COMMAND_MODEL);
    add_byte(fins, 0);
    int result = exchange(io, ANY_BYTES, &data, err);
    if (result == -ERR_TIMEOUT && !uses_tcp(io)) {
        return err_set(err, ERR_TIMEOUT, MSG_FINS_SILENT_UDP,
            ARGS(A_INT(io_settings(io)->link[LINK_TIMEOUT_MS]), A_INT(fins->node),
                A_INT(destination(io))));
    }
    if (result < 0) {
        return result;
    }
    if (result > 0 || fins->data_bytes < (size_t)2 * NAME_BYTES) {
        say(diagnosis, VERDICT_GOOD, MSG_FINS_NODES,
            ARGS(A_INT(fins->node), A_INT(destination(io))));
        return 0;
    }
    say(diagnosis, VERDICT_GOOD, MSG_FINS_MODEL,
        ARGS(A_STR(printable(data, NAME_BYTES, model)),
            A_STR(printable(data + NAME_BYTES, NAME_BYTES, version)), A_INT(fins->node),
            A_INT(destination(io))));
    return 0;
}

/* Controller Status Read (0601), W342 clause 5-3-18: running, mode, fatal errors. */
static int tell_status(struct driver_io *io, struct diagnosis *diagnosis, struct err *err) {
    struct fins_private *fins = io_private(io);
    const uint8_t *data = NULL;
    begin(io, COMMAND_STATUS);
    int result = exchange(io, ANY_BYTES, &data, err);
    if (result != 0 || fins->data_bytes < 4) {
        return result < 0 ? result : 0; // Not every model tells.
    }
    const char *mode = data[1] == 4 ? "RUN" : data[1] == 2 ? "MONITOR" : "PROGRAM";
    uint32_t fatal = get_word(data + 2);
    if (fatal != 0) {
        char hex[5];
        say(diagnosis, VERDICT_NOTE, MSG_FINS_FATAL,
            ARGS(A_CSTR(mode), A_CSTR(plc_hex(fatal, hex))));
    } else {
        say(diagnosis, data[1] == 0 ? VERDICT_NOTE : VERDICT_GOOD, MSG_FINS_MODE,
            ARGS(A_CSTR(mode)));
    }
    return 0;
}

static int fins_diagnose(
    struct driver_io *io, const struct point *point, struct diagnosis *diagnosis, struct err *err) {
    int result = tell_model(io, diagnosis, err);
    result = result < 0 ? result : tell_status(io, diagnosis, err);
    if (result < 0 || point == NULL) {
        return result;
    }
    char name[32];
    plc_offer_forms(point, fins_name(point->space, point->start, name), diagnosis);
    return 0;
}

/* --- the table --- */

static struct driver_span fins_span(const struct driver_settings *settings, uint32_t space) {
    (void)space;
    int64_t max = settings->values[FINS_MAX_WORDS];
    int64_t gap = settings->values[FINS_MAX_GAP];
    gap = gap < 0 ? max : gap; // A request costs a cycle of the controller, words next to nothing.
    return (struct driver_span){.max_length = (uint32_t)max, .max_gap = (uint32_t)gap};
}

static const struct driver_option fins_options[] = {
    [FINS_FRAMING] = {.name = "framing",
        .help_en = "auto: FINS/UDP for udp: addresses, else FINS/TCP; or one of them by force.",
        .help_ko = "auto는 udp: 주소이면 FINS/UDP, 아니면 FINS/TCP입니다. 직접 정할 수도 있습니다.",
        .fallback = FINS_FRAMING_AUTO,
        .words = "auto,tcp,udp",
        .of_session = true},
    [FINS_NODE] = {.name = "node",
        .help_en = "Our FINS node; 0: given by the PLC (TCP), the last byte of our IP (UDP).",
        .help_ko = "이 PC의 FINS 노드 번호입니다. 0이면 TCP는 PLC가 주고 UDP는 IP의 끝 숫자입니다.",
        .fallback = 0,
        .min = 0,
        .max = 254,
        .of_session = true},
    [FINS_PLC_NODE] = {.name = "plc_node",
        .help_en = "The PLC's FINS node; 0: as it says (TCP), the last byte of its IP (UDP).",
        .help_ko =
            "PLC의 FINS 노드 번호입니다. 0이면 TCP는 PLC가 알려 주고 UDP는 IP의 끝 숫자입니다.",
        .fallback = 0,
        .min = 0,
        .max = 254},
    [FINS_NETWORK] = {.name = "network",
        .help_en = "FINS network number; 0: the own one.",
        .help_ko = "FINS 네트워크 번호입니다. 0이면 같은 네트워크입니다.",
        .fallback = 0,
        .min = 0,
        .max = 127},
    [FINS_UNIT] = {.name = "unit",
        .help_en = "FINS unit; 0: the CPU unit.",
        .help_ko = "FINS 유닛 번호입니다. 0이면 CPU 유닛입니다.",
        .fallback = 0,
        .min = 0,
        .max = 255},
    [FINS_WORD_ORDER] = {.name = "word_order",
        .help_en = "Order of values in several words, unless the tag names one; CDAB: low first.",
        .help_ko =
            "여러 워드 값의 순서입니다. 태그에 적으면 우선합니다. CDAB는 하위 워드가 먼저입니다.",
        .fallback = PLC_CDAB,
        .words = PLC_ORDER_WORDS},
    [FINS_ENCODING] = {.name = "encoding",
        .help_en = "How texts are encoded; cp949: Korean Windows and panels.",
        .help_ko = "텍스트 인코딩입니다. 한글 윈도우나 터치 패널이 쓴 글자는 cp949입니다.",
        .fallback = PLC_UTF8,
        .words = PLC_ENCODING_WORDS},
    [FINS_MAX_WORDS] = {.name = "max_words",
        .help_en = "Most words asked at once; less where gateways stand between (Controller Link).",
        .help_ko = "한 번에 읽는 최대 워드 수입니다. 중간에 게이트웨이가 있으면 줄입니다.",
        .fallback = FINS_WORDS_MAX,
        .min = 1,
        .max = FINS_WORDS_MAX},
    [FINS_MAX_GAP] = {.name = "max_gap",
        .help_en = "Unused words read along to save a request; -1: as many as fit.",
        .help_ko = "요청 수를 줄이기 위해 함께 읽는 빈 워드 수입니다. -1이면 자동입니다.",
        .fallback = -1,
        .min = -1,
        .max = FINS_WORDS_MAX},
    [FINS_MULTIPLE] = {.name = "multiple",
        .help_en = "on: scattered words are asked together (command 0104).",
        .help_ko = "on이면 흩어진 주소를 한 번에 읽습니다(명령 0104).",
        .fallback = 1,
        .words = "off,on"},
    [FINS_OPTION_COUNT] = {.name = NULL},
};
_Static_assert((int)FINS_OPTION_COUNT <= (int)DRIVER_OPTIONS_MAX, "options fit");

const struct driver driver_fins;
const struct driver driver_fins = {
    .name = "fins",
    .help_en =
        "Omron CS, CJ, CP and NJ/NX (CJ areas) with FINS: host:port for FINS/TCP, udp:host:port "
        "for "
        "FINS/UDP, usually port 9600. Addresses as in CX-Programmer: D100, D100 f32, CIO100.05 for "
        "a bit, W10, H5, A400, E0_100, T5, C5, T5 bool for the completion flag.",
    .help_ko =
        "옴론 CS, CJ, CP, NJ/NX(CJ 영역)를 FINS로 읽습니다. FINS/TCP는 호스트:포트, FINS/UDP는 "
        "udp:호스트:포트이며 포트는 보통 9600입니다. 태그 주소 예: D100, D100 f32, 비트는 "
        "CIO100.05, "
        "W10, H5, A400, E0_100, T5, C5, 완료 플래그는 T5 bool.",
    .options = fins_options,
    .private_bytes = sizeof(struct fins_private),
    .parse_address = fins_parse_address,
    .span = fins_span,
    .open = fins_open,
    .read_groups = fins_read_groups,
    .write = fins_write,
    .diagnose = fins_diagnose,
};
