/*
 * Siemens S7 client: S7-300/400/1200/1500 over ISO-on-TCP.
 *
 * Layers: TPKT (RFC 1006: 03 00, length of the frame), COTP class 0 (RFC 905 / ISO 8073: connection
 * request E0, confirm D0, disconnect 80, data F0 with the end mark 80), then the S7 PDU: 32, kind
 * (01 job, 02 and 03 answers with an error word, 07 others), a reference number, the lengths of
 * parameters and data. The protocol is published by nobody; facts come from recordings of other
 * programs and the public descriptions of libnodave and Wireshark.
 *
 * A session is: COTP connect (the far TSAP names kind of connection, rack and slot), then "setup
 * communication" in which both sides name the PDU size (240, 480 or 960 are usual) and how many
 * jobs may be under way; the smaller numbers hold.
 *
 * Reading packs as much as fits: up to 20 items a job, 12 bytes each in the request, 4 + data
 * (even) each in the answer, and both must fit the PDU. An item is a run of a group's points; where
 * the room ends between two points the run is cut there. Only a value that is longer than a whole
 * PDU (a string in a controller with 240 bytes) is fetched in parts. Several jobs are under way,
 * sent in one write; an answer counts for the job with its reference number, an older one is late
 * and dropped, any other means that the two sides have lost each other.
 *
 * An item's refusal (05 outside, 0A no such object, ...) concerns that item; an error word concerns
 * the whole job: its points are bad and the session goes on. An answer is checked as a whole before
 * the first value is taken from it.
 */
#include "device/drivers/s7.h"

#include <string.h>

#include "core/check.h"

enum {
    TPKT_BYTES = 4,
    COTP_DATA_BYTES = 3, // 02 F0 80
    HEAD_BYTES = TPKT_BYTES + COTP_DATA_BYTES,
    JOB_HEADER = 10,
    ACK_HEADER = 12,
    READ_ITEM = 12,
    DATA_HEADER = 4,
    FRAME_MAX = HEAD_BYTES + S7_PDU_MAX,
    COTP_MAX = 128,         // Of a frame that is no data.
    TPDU_SIZE_CODE = 0x0A,  // 2^10 bytes.
    OUR_REFERENCE = 0x0002, // Of the COTP connection.
    SETUP_REFERENCE = 0,
    FRAGMENTS_MAX = 64,
    LIST_REQUEST = JOB_HEADER + 8 + 8,
    LIST_HEAD = 12,
};
enum { COTP_REQUEST = 0xE0, COTP_CONFIRM = 0xD0, COTP_DISCONNECT = 0x80, COTP_DATA = 0xF0 };
enum { S7_ID = 0x32, S7_JOB = 1, S7_ACK = 2, S7_ACK_DATA = 3, S7_USER = 7 };
enum { FUNCTION_READ = 0x04, FUNCTION_WRITE = 0x05, FUNCTION_SETUP = 0xF0 };
enum { ITEM_GOOD = 0xFF, ITEM_OUTSIDE = 0x05, ITEM_MISSING = 0x0A };
enum { TRANSPORT_BIT = 3, TRANSPORT_BITS = 4, TRANSPORT_INT = 5, TRANSPORT_BYTES = 9 };

/* A run of points, or a part of one long point. */
struct item {
    uint32_t group;
    uint32_t first; // Point of the group.
    uint32_t count;
    uint32_t start; // Cell.
    uint32_t cells;
    uint32_t bytes;
    bool is_part;
    uint32_t part_offset; // Byte of the point.
};

struct job {
    uint16_t reference;
    int64_t stamp;
    uint32_t item_count;
    struct item items[S7_ITEMS_MAX];
};

struct s7_private {
    uint32_t pdu;
    uint32_t jobs_allowed;
    uint16_t last_reference;
    uint32_t sent_in_session; // Saturates at 65,535: older numbers are unknown.
    uint32_t job_count;
    struct job jobs[S7_JOBS_MAX];
    uint32_t part_left; // Bytes of the long point that are still to come; 0: none is fetched.
    bool part_bad;
    uint8_t part[S7_POINT_BYTES];
    uint8_t out[S7_JOBS_MAX * (HEAD_BYTES + JOB_HEADER + 2 + S7_ITEMS_MAX * READ_ITEM)];
    uint8_t frame[FRAME_MAX];
    uint8_t pdu_in[S7_PDU_MAX];
};

/* Where the packing of a call stands. */
struct cursor {
    const struct point_group *groups;
    uint32_t count;
    uint32_t group;
    uint32_t point;
    uint32_t offset; // Into a long point, bytes.
};

static void put_word(uint8_t *to, uint32_t value) {
    to[0] = (uint8_t)(value >> 8);
    to[1] = (uint8_t)value;
}

static uint32_t get_word(const uint8_t *from) {
    return (uint32_t)from[0] << 8 | from[1];
}

/* --- frames --- */

/* TPKT and COTP in front of a PDU of that size. */
static void put_head(uint8_t *to, size_t pdu_bytes) {
    static const uint8_t cotp[COTP_DATA_BYTES] = {2, COTP_DATA, 0x80};
    to[0] = 3;
    to[1] = 0;
    put_word(to + 2, (uint32_t)(HEAD_BYTES + pdu_bytes));
    memcpy(to + TPKT_BYTES, cotp, sizeof cotp);
}

/* The number of the next job. They go on over sessions, so that an answer of an older one shows. */
static uint16_t take_reference(struct s7_private *s7) {
    if (s7->sent_in_session < UINT16_MAX) {
        s7->sent_in_session++;
    }
    return ++s7->last_reference;
}

/* The ten bytes of a job. */
static void put_job(uint8_t *to, uint16_t reference, size_t parameters, size_t data) {
    to[0] = S7_ID;
    to[1] = S7_JOB;
    put_word(to + 2, 0);
    put_word(to + 4, reference);
    put_word(to + 6, (uint32_t)parameters);
    put_word(to + 8, (uint32_t)data);
}

/* Receives one TPKT frame into s7->frame; what follows the TPKT: its size, or negative. */
static int receive_frame(struct driver_io *io, struct s7_private *s7, struct err *err) {
    int result = io_receive(io, s7->frame, TPKT_BYTES, err);
    if (result < 0) {
        return result;
    }
    uint32_t length = get_word(s7->frame + 2);
    if (s7->frame[0] != 3 || s7->frame[1] != 0) {
        return err_set(err, ERR_FRAME, MSG_S7_NOT_ISO, ARGS(A_INT(s7->frame[0])));
    }
    if (length < HEAD_BYTES || length > FRAME_MAX) {
        return err_set(err, ERR_FRAME, MSG_S7_LENGTH, ARGS(A_INT(length), A_INT(FRAME_MAX)));
    }
    result = io_receive(io, s7->frame + TPKT_BYTES, length - TPKT_BYTES, err);
    if (result == -ERR_TIMEOUT) {
        return err_set(err, ERR_FRAME, MSG_S7_CUT, ARGS(A_INT(TPKT_BYTES), A_INT(length)));
    }
    return result < 0 ? result : (int)length - TPKT_BYTES;
}

/* Receives one S7 PDU, put together from its pieces, into s7->pdu_in; its size, or negative. */
static int receive_pdu(struct driver_io *io, struct s7_private *s7, struct err *err) {
    size_t size = 0;
    for (int i = 0; i < FRAGMENTS_MAX; i++) {
        int got = receive_frame(io, s7, err);
        if (got == -ERR_TIMEOUT && size > 0) {
            return err_set(err, ERR_FRAME, MSG_S7_CUT, ARGS(A_INT(size), A_INT(s7->pdu)));
        }
        if (got < 0) {
            return got;
        }
        const uint8_t *cotp = s7->frame + TPKT_BYTES;
        if (cotp[0] != 2 || cotp[1] != COTP_DATA) {
            return cotp[1] == COTP_DISCONNECT
                       ? err_set(err, ERR_CLOSED, MSG_S7_DISCONNECTED, NO_ARGS)
                       : err_set(err, ERR_FRAME, MSG_S7_COTP_KIND, ARGS(A_INT(cotp[1])));
        }
        size_t piece = (size_t)got - COTP_DATA_BYTES;
        if (size + piece > sizeof s7->pdu_in) {
            return err_set(
                err, ERR_FRAME, MSG_S7_LENGTH, ARGS(A_INT(size + piece), A_INT(S7_PDU_MAX)));
        }
        memcpy(s7->pdu_in + size, cotp + COTP_DATA_BYTES, piece);
        size += piece;
        if ((cotp[2] & 0x80) != 0 && size > 0) { // An empty one only shows that the other lives.
            return (int)size;
        }
    }
    return err_set(err, ERR_FRAME, MSG_S7_CUT, ARGS(A_INT(size), A_INT(s7->pdu)));
}

/* Checks the head of an answer: lengths that add up. */
static int check_head(const uint8_t *pdu, size_t size, struct err *err) {
    if (pdu[0] != S7_ID) {
        return err_set(err, ERR_FRAME, MSG_S7_PROTOCOL, ARGS(A_INT(pdu[0])));
    }
    bool answer = size >= ACK_HEADER && (pdu[1] == S7_ACK || pdu[1] == S7_ACK_DATA);
    if (!answer || ACK_HEADER + get_word(pdu + 6) + get_word(pdu + 8) != size) {
        return err_set(err, ERR_FRAME, MSG_S7_HEAD, ARGS(A_INT(pdu[1]), A_INT(size)));
    }
    return 0;
}

/* True when the number was given to a job of this session that is no longer waited for. */
static bool is_late(const struct s7_private *s7, uint32_t reference) {
    uint16_t age = (uint16_t)(s7->last_reference - reference);
    return age < s7->sent_in_session;
}

/* Receives until the answer to one of the jobs under way is in s7->pdu_in, and takes the job out.
 * The PDU's size, or negative. */
static int receive_answer(
    struct driver_io *io, struct s7_private *s7, struct job *ret_job, struct err *err) {
    for (;;) {
        int size = receive_pdu(io, s7, err);
        if (size < 0) {
            return size;
        }
        int checked = check_head(s7->pdu_in, (size_t)size, err);
        if (checked < 0) {
            return checked;
        }
        uint32_t reference = get_word(s7->pdu_in + 4);
        for (uint32_t i = 0; i < s7->job_count; i++) {
            if (s7->jobs[i].reference == reference) {
                *ret_job = s7->jobs[i];
                s7->job_count--;
                memmove(&s7->jobs[i], &s7->jobs[i + 1], (s7->job_count - i) * sizeof s7->jobs[0]);
                return size;
            }
        }
        if (!is_late(s7, reference)) {
            return err_set(err, ERR_FRAME, MSG_S7_REFERENCE, ARGS(A_INT(reference)));
        }
    }
}

/* Sends the parameters and data in s7->out as the only job, and waits for its answer. */
static int exchange(struct driver_io *io, struct s7_private *s7, uint16_t reference,
    size_t parameters, size_t data, struct err *err) {
    struct job job = {0};
    size_t size = JOB_HEADER + parameters + data;
    put_head(s7->out, size);
    put_job(s7->out + HEAD_BYTES, reference, parameters, data);
    s7->jobs[0] = (struct job){.reference = reference, .stamp = io_request_sent(io)};
    s7->job_count = 1;
    int result = io_send(io, s7->out, HEAD_BYTES + size, err);
    int got = result < 0 ? result : receive_answer(io, s7, &job, err);
    s7->job_count = 0;
    if (got > 0) {
        io_request_answered(io, job.stamp);
    }
    return got;
}

/* --- the session --- */

/* The address of the far end: kind of connection, rack and slot, unless one is given. */
static uint32_t remote_tsap(const struct driver_settings *settings) {
    if (settings->values[S7_OPTION_REMOTE_TSAP] >= 0) {
        return (uint32_t)settings->values[S7_OPTION_REMOTE_TSAP];
    }
    return (uint32_t)(settings->values[S7_OPTION_CONNECTION] + 1) << 8 |
           (uint32_t)settings->values[S7_OPTION_RACK] << 5 |
           (uint32_t)settings->values[S7_OPTION_SLOT];
}

static size_t put_connect(const struct driver_settings *settings, uint8_t *to) {
    static const uint8_t frame[] = {3, 0, 0, 22, 17, COTP_REQUEST, 0, 0, 0, OUR_REFERENCE, 0, 0xC0,
        1, TPDU_SIZE_CODE, 0xC1, 2, 1, 0, 0xC2, 2, 1, 1};
    memcpy(to, frame, sizeof frame);
    put_word(to + 16, (uint32_t)settings->values[S7_OPTION_LOCAL_TSAP]);
    put_word(to + 20, remote_tsap(settings));
    return sizeof frame;
}

/* The most bytes of S7 in one TPDU, from the options of the confirm. */
static uint32_t confirmed_bytes(const uint8_t *cotp, size_t size) {
    uint32_t code = TPDU_SIZE_CODE;
    for (size_t at = 7; at + 2 < size && at + 2 + cotp[at + 1] <= size; at += 2 + cotp[at + 1]) {
        if (cotp[at] == 0xC0 && cotp[at + 1] == 1) {
            code = cotp[at + 2];
        }
    }
    code = code >= 7 && code <= TPDU_SIZE_CODE ? code : TPDU_SIZE_CODE;
    return (1u << code) - COTP_DATA_BYTES;
}

/* A connection that ends here ends for one of two reasons, and the engineer has to know both. */
static int connect_words(const struct driver_io *io, int result, struct err *err) {
    if (result == -ERR_CLOSED) {
        err_clear(err);
        return err_set(err, ERR_CLOSED, MSG_S7_CLOSED_AT_CONNECT,
            ARGS(A_INT(io_settings(io)->values[S7_OPTION_RACK]),
                A_INT(io_settings(io)->values[S7_OPTION_SLOT])));
    }
    return result;
}

/* COTP connect; the most bytes of a PDU, or negative. */
static int connect_transport(struct driver_io *io, struct s7_private *s7, struct err *err) {
    const struct driver_settings *settings = io_settings(io);
    size_t size = put_connect(settings, s7->out);
    int64_t stamp = io_request_sent(io);
    int result = io_send(io, s7->out, size, err);
    result = result < 0 ? result : receive_frame(io, s7, err);
    if (result < 0) {
        return connect_words(io, result, err);
    }
    io_request_answered(io, stamp);
    const uint8_t *cotp = s7->frame + TPKT_BYTES;
    uint32_t length = (uint32_t)cotp[0] + 1;
    if ((cotp[1] & 0xF0) == COTP_DISCONNECT) {
        return s7_refused_words(settings, result > 6 ? cotp[6] : 0, err);
    }
    if ((cotp[1] & 0xF0) != COTP_CONFIRM || length < 7 || length > (uint32_t)result) {
        return err_set(err, ERR_FRAME, MSG_S7_COTP_KIND, ARGS(A_INT(cotp[1])));
    }
    return (int)confirmed_bytes(cotp, length);
}

static int setup(struct driver_io *io, struct s7_private *s7, uint32_t most, struct err *err) {
    const struct driver_settings *settings = io_settings(io);
    uint32_t wished = (uint32_t)settings->values[S7_OPTION_PDU];
    uint32_t jobs = (uint32_t)settings->values[S7_OPTION_JOBS];
    s7->pdu = wished < most ? wished : most;
    uint8_t *parameters = s7->out + HEAD_BYTES + JOB_HEADER;
    parameters[0] = FUNCTION_SETUP;
    parameters[1] = 0;
    put_word(parameters + 2, jobs);
    put_word(parameters + 4, jobs);
    put_word(parameters + 6, s7->pdu);
    int got = exchange(io, s7, SETUP_REFERENCE, 8, 0, err);
    if (got < 0) {
        return connect_words(io, got, err);
    }
    uint32_t code = get_word(s7->pdu_in + 10);
    if (code != 0) {
        return s7_error_words(code, err);
    }
    const uint8_t *answer = s7->pdu_in + ACK_HEADER;
    if (got != ACK_HEADER + 8 || answer[0] != FUNCTION_SETUP) {
        return err_set(err, ERR_FRAME, MSG_S7_HEAD, ARGS(A_INT(answer[0]), A_INT(got)));
    }
    uint32_t pdu = get_word(answer + 6);
    if (pdu < S7_PDU_MIN) {
        return err_set(err, ERR_FRAME, MSG_S7_PDU_SMALL, ARGS(A_INT(pdu), A_INT(S7_PDU_MIN)));
    }
    s7->pdu = pdu < s7->pdu ? pdu : s7->pdu;
    uint32_t calling = get_word(answer + 2);
    uint32_t called = get_word(answer + 4);
    uint32_t allowed = calling < called ? calling : called;
    allowed = allowed < jobs ? allowed : jobs;
    s7->jobs_allowed = allowed > 0 ? allowed : 1;
    return 0;
}

static int s7_open(struct driver_io *io, struct err *err) {
    struct s7_private *s7 = io_private(io);
    s7->sent_in_session = 0;
    s7->job_count = 0;
    s7->part_left = 0;
    int most = connect_transport(io, s7, err);
    return most < 0 ? most : setup(io, s7, (uint32_t)most, err);
}

/* --- packing --- */

static uint32_t cell_bytes(uint32_t space) {
    return s7_is_counted(space) ? 2 : 1;
}

static uint32_t even(uint32_t bytes) {
    return bytes + (bytes & 1);
}

/* The next run of at most `room` bytes; false when not even its first point fits. */
static bool next_run(const struct cursor *cursor, uint32_t room, struct item *ret_item) {
    const struct point_group *group = &cursor->groups[cursor->group];
    const struct point *points = group->points;
    uint32_t start = points[cursor->point].start;
    uint32_t end = start;
    uint32_t next = cursor->point;
    uint32_t size = cell_bytes(group->space);
    while (next < group->count) {
        uint32_t last = points[next].start + points[next].length;
        uint32_t wanted = last > end ? last : end;
        if ((wanted - start) * size > room) {
            break;
        }
        end = wanted;
        next++;
    }
    *ret_item = (struct item){.group = cursor->group,
        .first = cursor->point,
        .count = next - cursor->point,
        .start = start,
        .cells = end - start,
        .bytes = (end - start) * size};
    return ret_item->count > 0;
}

/* The next part of a point that no answer can hold. */
static void next_part(
    struct s7_private *s7, const struct cursor *cursor, uint32_t room, struct item *ret_item) {
    const struct point *point = &cursor->groups[cursor->group].points[cursor->point];
    uint32_t left = point->length - cursor->offset;
    uint32_t bytes = left < room ? left : room;
    if (cursor->offset == 0) {
        s7->part_left = point->length;
        s7->part_bad = false;
    }
    *ret_item = (struct item){.group = cursor->group,
        .first = cursor->point,
        .count = 1,
        .start = point->start + cursor->offset,
        .cells = bytes,
        .bytes = bytes,
        .is_part = true,
        .part_offset = cursor->offset};
}

static void step_cursor(struct cursor *cursor, const struct item *item) {
    const struct point_group *group = &cursor->groups[cursor->group];
    if (item->is_part) {
        cursor->offset += item->bytes;
        if (cursor->offset < group->points[cursor->point].length) {
            return;
        }
    }
    cursor->offset = 0;
    cursor->point += item->count;
    if (cursor->point == group->count) {
        cursor->point = 0;
        cursor->group++;
    }
}

/* The next item for a job that has `room` bytes of answer left. False: none fits. */
static bool next_item(
    struct s7_private *s7, const struct cursor *cursor, uint32_t room, struct item *ret_item) {
    uint32_t most = s7->pdu - ACK_HEADER - 2 - DATA_HEADER;
    const struct point_group *group = &cursor->groups[cursor->group];
    bool is_long = group->points[cursor->point].length * cell_bytes(group->space) > most;
    if (!is_long) {
        return next_run(cursor, room, ret_item);
    }
    /* One long point at a time: the next one waits until this is whole. */
    if ((cursor->offset == 0 && s7->part_left > 0) || room < most / 4) {
        return false;
    }
    next_part(s7, cursor, room, ret_item);
    return true;
}

/* Fills a job from the cursor on. Its items' count: 0 when nothing can be asked now. */
static uint32_t fill_job(struct s7_private *s7, struct cursor *cursor, struct job *job) {
    uint32_t request = JOB_HEADER + 2;
    uint32_t answer = ACK_HEADER + 2;
    job->item_count = 0;
    while (cursor->group < cursor->count && job->item_count < S7_ITEMS_MAX) {
        request += READ_ITEM;
        if (request > s7->pdu || answer + DATA_HEADER >= s7->pdu) {
            break;
        }
        struct item *item = &job->items[job->item_count];
        if (!next_item(s7, cursor, s7->pdu - answer - DATA_HEADER, item)) {
            break;
        }
        answer += DATA_HEADER + even(item->bytes);
        step_cursor(cursor, item);
        job->item_count++;
    }
    return job->item_count;
}

/* The twelve bytes of an item. */
static void put_item(uint8_t *to, uint32_t space, uint32_t transport, uint32_t count, uint32_t at) {
    to[0] = 0x12;
    to[1] = 10;
    to[2] = 0x10; // Any pointer.
    to[3] = (uint8_t)transport;
    put_word(to + 4, count);
    put_word(to + 6, space & 0xFFFF);
    to[8] = (uint8_t)s7_area_of(space);
    to[9] = (uint8_t)(at >> 16);
    put_word(to + 10, at & 0xFFFF);
}

static size_t put_read(const struct job *job, const struct point_group *groups, uint8_t *to) {
    size_t parameters = 2 + (size_t)job->item_count * READ_ITEM;
    put_head(to, JOB_HEADER + parameters);
    put_job(to + HEAD_BYTES, job->reference, parameters, 0);
    uint8_t *at = to + HEAD_BYTES + JOB_HEADER;
    *at++ = FUNCTION_READ;
    *at++ = (uint8_t)job->item_count;
    for (uint32_t i = 0; i < job->item_count; i++, at += READ_ITEM) {
        const struct item *item = &job->items[i];
        uint32_t space = groups[item->group].space;
        if (s7_is_counted(space)) {
            put_item(at, space, s7_area_of(space), item->cells, item->start);
        } else {
            put_item(at, space, 2, item->cells, item->start * 8);
        }
    }
    return HEAD_BYTES + JOB_HEADER + parameters;
}

/* Sends jobs until as many as allowed are under way, in one write. */
static int send_ahead(
    struct driver_io *io, struct s7_private *s7, struct cursor *cursor, struct err *err) {
    size_t size = 0;
    while (cursor->group < cursor->count && s7->job_count < s7->jobs_allowed) {
        struct job *job = &s7->jobs[s7->job_count];
        if (fill_job(s7, cursor, job) == 0) {
            break;
        }
        job->reference = take_reference(s7);
        job->stamp = io_request_sent(io);
        s7->job_count++;
        size += put_read(job, cursor->groups, s7->out + size);
    }
    return size > 0 ? io_send(io, s7->out, size, err) : 0;
}

/* --- answers --- */

/* An item of an answer. */
struct found {
    uint8_t code;
    const uint8_t *data;
    uint32_t bytes;
};

/* Bytes of an item's data, from its transport code and length. */
static uint32_t data_bytes(uint8_t transport, uint32_t length) {
    bool in_bits = transport >= TRANSPORT_BIT && transport <= TRANSPORT_INT;
    return in_bits ? (length + 7) / 8 : length;
}

/* Takes an answer apart; every item must be there and be as long as it was asked. */
static int parse_answer(const struct s7_private *s7, size_t size, const struct job *job,
    struct found found[S7_ITEMS_MAX], struct err *err) {
    const uint8_t *pdu = s7->pdu_in;
    size_t at = ACK_HEADER + get_word(pdu + 6);
    if (get_word(pdu + 6) != 2 || pdu[ACK_HEADER] != FUNCTION_READ ||
        pdu[ACK_HEADER + 1] != job->item_count) {
        return err_set(err, ERR_FRAME, MSG_S7_OTHER_ANSWER, NO_ARGS);
    }
    for (uint32_t i = 0; i < job->item_count; i++) {
        if (at + DATA_HEADER > size) {
            return err_set(err, ERR_FRAME, MSG_S7_ITEM_CUT, ARGS(A_INT(i + 1)));
        }
        const uint8_t *head = pdu + at;
        bool good = head[0] == ITEM_GOOD;
        uint32_t bytes = head[1] == 0 ? 0 : data_bytes(head[1], get_word(head + 2));
        if ((good && bytes != job->items[i].bytes) || at + DATA_HEADER + bytes > size) {
            return err_set(err, ERR_FRAME, MSG_S7_ITEM_LENGTH,
                ARGS(A_INT(i + 1), A_INT(job->items[i].bytes), A_INT(bytes)));
        }
        found[i] = (struct found){.code = head[0], .data = head + DATA_HEADER, .bytes = bytes};
        at += DATA_HEADER + bytes;
        at += (at & 1) != 0 && at < size; // Filled to even, except behind the last.
    }
    if (at != size) {
        return err_set(err, ERR_FRAME, MSG_S7_ITEM_CUT, ARGS(A_INT(job->item_count)));
    }
    return 0;
}

/* These points cannot be read this time. */
static void item_failed(const struct point_group *group, const struct item *item,
    enum status status, const struct err *what, struct point_sink *sink) {
    for (uint32_t i = 0; i < item->count; i++) {
        sink_bad(sink, &group->points[item->first + i], status, what);
    }
}

static void take_refusal(const struct point_group *group, const struct item *item, uint8_t code,
    struct point_sink *sink) {
    struct err err = ERR_INIT;
    (void)s7_item_words(code, group->space, item->start, item->cells, &err);
    switch (code) {
    case ITEM_OUTSIDE:
    case ITEM_MISSING: sink_group_refused(sink, group, &err); break;
    case 0x01: item_failed(group, item, STATUS_BAD_DEVICE_FAILURE, &err, sink); break;
    default: item_failed(group, item, STATUS_BAD_CONFIGURATION, &err, sink); break;
    }
}

/* A part of a long point; the last one decodes it. */
static void take_part(struct driver_io *io, struct s7_private *s7, const struct point_group *group,
    const struct item *item, const struct found *found, struct point_sink *sink) {
    s7->part_left -= item->bytes;
    if (found->code != ITEM_GOOD) {
        if (!s7->part_bad) {
            take_refusal(group, item, found->code, sink);
        }
        s7->part_bad = true;
    } else {
        memcpy(s7->part + item->part_offset, found->data, item->bytes);
    }
    if (s7->part_left == 0 && !s7->part_bad) {
        s7_decode(&group->points[item->first], io_settings(io), s7->part, sink);
    }
}

static void take_item(struct driver_io *io, struct s7_private *s7, const struct point_group *group,
    const struct item *item, const struct found *found, struct point_sink *sink) {
    if (item->is_part) {
        take_part(io, s7, group, item, found, sink);
        return;
    }
    if (found->code != ITEM_GOOD) {
        take_refusal(group, item, found->code, sink);
        return;
    }
    uint32_t size = cell_bytes(group->space);
    for (uint32_t i = 0; i < item->count; i++) {
        const struct point *point = &group->points[item->first + i];
        s7_decode(point, io_settings(io), found->data + (size_t)(point->start - item->start) * size,
            sink);
    }
}

/* The whole job was refused. */
static void take_error(struct s7_private *s7, const struct job *job, uint32_t code,
    const struct point_group *groups, struct point_sink *sink) {
    struct err err = ERR_INIT;
    (void)s7_error_words(code, &err);
    bool ours = code == 0x8104 || code >> 8 == 0x87 || code >> 8 == 0xD2 || code >> 8 == 0xD6;
    for (uint32_t i = 0; i < job->item_count; i++) {
        if (job->items[i].is_part) {
            s7->part_left -= job->items[i].bytes;
            s7->part_bad = true;
        }
        item_failed(&groups[job->items[i].group], &job->items[i],
            ours ? STATUS_BAD_CONFIGURATION : STATUS_BAD_NO_DATA, &err, sink);
    }
}

/* Takes one answer. 1: nothing came, 0: go on, negative: the session is lost. */
static int take_answer(struct driver_io *io, struct s7_private *s7,
    const struct point_group *groups, struct point_sink *sink, struct err *err) {
    struct job job;
    struct found found[S7_ITEMS_MAX];
    int size = receive_answer(io, s7, &job, err);
    if (size == -ERR_TIMEOUT) {
        sink_unit_silent(sink, STATUS_BAD_TIMEOUT, err);
        return 1;
    }
    if (size < 0) {
        return size;
    }
    uint32_t code = get_word(s7->pdu_in + 10);
    if (code == 0) {
        int parsed = parse_answer(s7, (size_t)size, &job, found, err);
        if (parsed < 0) {
            return parsed;
        }
    }
    io_request_answered(io, job.stamp);
    if (code != 0) {
        take_error(s7, &job, code, groups, sink);
        return 0;
    }
    for (uint32_t i = 0; i < job.item_count; i++) {
        take_item(io, s7, &groups[job.items[i].group], &job.items[i], &found[i], sink);
    }
    return 0;
}

static int s7_read_groups(struct driver_io *io, const struct point_group *groups, uint32_t count,
    struct point_sink *sink, struct err *err) {
    struct s7_private *s7 = io_private(io);
    struct cursor cursor = {.groups = groups, .count = count};
    s7->job_count = 0; // What an earlier call gave up is late now.
    s7->part_left = 0;
    int result = send_ahead(io, s7, &cursor, err);
    while (result == 0 && s7->job_count > 0) {
        result = take_answer(io, s7, groups, sink, err);
        if (result == 0) {
            result = send_ahead(io, s7, &cursor, err);
        }
    }
    return result < 0 ? result : 0;
}

/* --- writing --- */

static int s7_write(
    struct driver_io *io, const struct point *point, const struct sample *value, struct err *err) {
    struct s7_private *s7 = io_private(io);
    uint8_t bytes[S7_VALUE_BYTES] = {0};
    int size = s7_encode(point, value, bytes, err);
    if (size < 0) {
        return size;
    }
    bool is_bit = point->detail[S7_DETAIL_FORMAT] == S7_BOOL;
    uint8_t *parameters = s7->out + HEAD_BYTES + JOB_HEADER;
    parameters[0] = FUNCTION_WRITE;
    parameters[1] = 1;
    /* A bit is written as a bit: its neighbours may change meanwhile. */
    put_item(parameters + 2, point->space, is_bit ? 1 : 2, is_bit ? 1 : (uint32_t)size,
        point->start * 8 + point->detail[S7_DETAIL_BIT]);
    uint8_t *data = parameters + 2 + READ_ITEM;
    data[0] = 0;
    data[1] = is_bit ? TRANSPORT_BIT : TRANSPORT_BITS;
    put_word(data + 2, is_bit ? 1 : (uint32_t)size * 8);
    memcpy(data + DATA_HEADER, bytes, (size_t)size);
    int got = exchange(io, s7, take_reference(s7), 2 + READ_ITEM, DATA_HEADER + (size_t)size, err);
    if (got < 0) {
        return got;
    }
    uint32_t code = get_word(s7->pdu_in + 10);
    if (code != 0) {
        return s7_error_words(code, err);
    }
    const uint8_t *answer = s7->pdu_in + ACK_HEADER;
    if (got != ACK_HEADER + 3 || get_word(s7->pdu_in + 6) != 2 || answer[0] != FUNCTION_WRITE ||
        answer[1] != 1) {
        return err_set(err, ERR_FRAME, MSG_S7_OTHER_ANSWER, NO_ARGS);
    }
    return answer[2] == ITEM_GOOD
               ? 0
               : s7_item_words(answer[2], point->space, point->start, point->length, err);
}

/* --- for the doctor --- */

int s7_probe(
    struct driver_io *io, uint32_t space, uint32_t start, uint32_t cells, struct err *err) {
    struct s7_private *s7 = io_private(io);
    struct point_group group = {.space = space};
    struct job job = {.item_count = 1, .reference = take_reference(s7)};
    job.items[0] =
        (struct item){.start = start, .cells = cells, .bytes = cells * cell_bytes(space)};
    (void)put_read(&job, &group, s7->out);
    int got = exchange(io, s7, job.reference, 2 + READ_ITEM, 0, err);
    if (got < 0) {
        return got;
    }
    uint32_t code = get_word(s7->pdu_in + 10);
    if (code != 0) {
        return (int)code;
    }
    struct found found[S7_ITEMS_MAX];
    int parsed = parse_answer(s7, (size_t)got, &job, found, err);
    return parsed < 0 ? parsed : found[0].code;
}

/* Waits for the answer to a list (kind 7); its size, or negative. */
static int receive_list(
    struct driver_io *io, struct s7_private *s7, uint16_t reference, struct err *err) {
    for (;;) {
        int size = receive_pdu(io, s7, err);
        if (size < 0) {
            return size;
        }
        const uint8_t *pdu = s7->pdu_in;
        bool whole = size >= JOB_HEADER && pdu[0] == S7_ID &&
                     JOB_HEADER + get_word(pdu + 6) + get_word(pdu + 8) == (uint32_t)size;
        if (whole && pdu[1] == S7_USER && get_word(pdu + 4) == reference) {
            return size;
        }
        if (size >= ACK_HEADER && pdu[0] == S7_ID && get_word(pdu + 4) == reference) {
            return 0; // Refused in the form of a job.
        }
        if (size < ACK_HEADER || !is_late(s7, get_word(pdu + 4))) {
            return err_set(err, ERR_FRAME, MSG_S7_HEAD, ARGS(A_INT(pdu[1]), A_INT(size)));
        }
    }
}

int s7_read_list(struct driver_io *io, uint32_t list, uint8_t ret_data[S7_PDU_MAX],
    uint32_t *ret_record, struct err *err) {
    struct s7_private *s7 = io_private(io);
    static const uint8_t parameters[] = {0, 1, 0x12, 4, 0x11, 0x44, 1, 0};
    uint8_t *pdu = s7->out + HEAD_BYTES;
    uint16_t reference = take_reference(s7);
    put_head(s7->out, LIST_REQUEST);
    put_job(pdu, reference, sizeof parameters, 8);
    pdu[1] = S7_USER;
    memcpy(pdu + JOB_HEADER, parameters, sizeof parameters);
    uint8_t *data = pdu + JOB_HEADER + sizeof parameters;
    data[0] = ITEM_GOOD;
    data[1] = TRANSPORT_BYTES;
    put_word(data + 2, 4);
    put_word(data + 4, list);
    put_word(data + 6, 0);
    int64_t stamp = io_request_sent(io);
    int size = io_send(io, s7->out, HEAD_BYTES + LIST_REQUEST, err);
    size = size < 0 ? size : receive_list(io, s7, reference, err);
    if (size < 0) {
        return size;
    }
    io_request_answered(io, stamp);
    /* Data: code, transport, length, list, index, bytes of a record, how many; records. */
    uint32_t at = JOB_HEADER + get_word(s7->pdu_in + 6);
    if ((uint32_t)size < at + LIST_HEAD || s7->pdu_in[at] != ITEM_GOOD) {
        return 0;
    }
    *ret_record = get_word(s7->pdu_in + at + 8);
    memcpy(ret_data, s7->pdu_in + at + LIST_HEAD, (uint32_t)size - at - LIST_HEAD);
    return size - (int)(at + LIST_HEAD);
}

uint32_t s7_agreed_pdu(struct driver_io *io) {
    return ((struct s7_private *)io_private(io))->pdu;
}

uint32_t s7_agreed_jobs(struct driver_io *io) {
    return ((struct s7_private *)io_private(io))->jobs_allowed;
}

/* --- the table --- */

static struct driver_span s7_span(const struct driver_settings *settings, uint32_t space) {
    uint32_t gap = (uint32_t)settings->values[S7_OPTION_GAP];
    if (s7_is_counted(space)) {
        return (struct driver_span){.max_length = 64, .max_gap = gap / 2};
    }
    /* Groups are cut again to what the controller gives; a long string is one group. */
    return (struct driver_span){.max_length = S7_POINT_BYTES, .max_gap = gap};
}

/* The CPU's slot is what is set wrong most: 1 and 2 are usual, 0 stands in old projects. */
static const struct driver_guess s7_guess = {
    .option = S7_OPTION_SLOT, .count = 4, .values = {1, 2, 0, 3}};

static const struct driver_option s7_options[] = {
    [S7_OPTION_RACK] = {.name = "rack",
        .help_en = "Rack of the CPU, nearly always 0.",
        .help_ko = "CPU가 있는 랙 번호입니다. 대부분 0입니다.",
        .fallback = 0,
        .min = 0,
        .max = 7},
    [S7_OPTION_SLOT] = {.name = "slot",
        .help_en = "Slot of the CPU: 1 for S7-1200/1500, 2 for S7-300, as configured for S7-400.",
        .help_ko = "CPU의 슬롯 번호입니다. S7-1200/1500은 1, S7-300은 2, S7-400은 하드웨어 구성에 "
                   "따릅니다.",
        .fallback = 1,
        .min = 0,
        .max = 31},
    [S7_OPTION_CONNECTION] = {.name = "connection",
        .help_en = "Which pool of connections is used: pg (programming), op (panels), basic.",
        .help_ko = "사용할 연결 종류입니다. pg(프로그래밍), op(터치패널), basic 중 하나입니다.",
        .fallback = 0,
        .words = "pg,op,basic"},
    [S7_OPTION_PDU] = {.name = "pdu",
        .help_en = "Longest message to ask for; the controller may give a smaller one.",
        .help_ko = "요청할 최대 메시지 길이입니다. 장치가 더 작게 정할 수 있습니다.",
        .fallback = S7_PDU_MAX,
        .min = S7_PDU_MIN,
        .max = S7_PDU_MAX},
    [S7_OPTION_JOBS] = {.name = "jobs",
        .help_en = "Requests under way at once; the controller may allow fewer.",
        .help_ko = "동시에 보내는 요청 수입니다. 장치가 더 적게 허용할 수 있습니다.",
        .fallback = S7_JOBS_MAX,
        .min = 1,
        .max = S7_JOBS_MAX},
    [S7_OPTION_GAP] = {.name = "max_gap",
        .help_en = "Unused bytes read along to save an item of a request.",
        .help_ko = "요청 항목을 줄이기 위해 함께 읽는 빈 바이트 수입니다.",
        .fallback = 32,
        .min = 0,
        .max = S7_PDU_MAX},
    [S7_OPTION_ENCODING] = {.name = "encoding",
        .help_en = "How CHAR and STRING are encoded in the controller.",
        .help_ko = "장치 안의 CHAR, STRING 문자 인코딩입니다.",
        .fallback = S7_LATIN1,
        .words = "latin1,ascii,utf8,cp949"},
    [S7_OPTION_LOCAL_TSAP] = {.name = "local_tsap",
        .help_en = "Our TSAP as a decimal number (256 is 01.00); LOGO and S7-200 want their own.",
        .help_ko = "이쪽 TSAP의 십진수 값입니다(256은 01.00). LOGO, S7-200에서 바꿉니다.",
        .fallback = 0x0100,
        .min = 0,
        .max = 0xFFFF},
    [S7_OPTION_REMOTE_TSAP] = {.name = "remote_tsap",
        .help_en = "The controller's TSAP; -1: made of connection, rack and slot.",
        .help_ko = "장치 쪽 TSAP입니다. -1이면 connection, rack, slot으로 만듭니다.",
        .fallback = -1,
        .min = -1,
        .max = 0xFFFF},
    [S7_OPTION_COUNT] = {.name = NULL},
};
_Static_assert((int)S7_OPTION_COUNT <= (int)DRIVER_OPTIONS_MAX, "options fit");

const struct driver driver_s7;
const struct driver driver_s7 = {
    .name = "s7",
    .help_en =
        "Siemens S7-300/400/1200/1500 (host:102). Addresses: DB1.DBX0.3, DB1.DBW4 int, DB1.DBD8 "
        "real, DB1.20 string(16), MW10, M0.1, IW64 or EW64, Q0.0 or A0.0, T5, C3 or Z3. S7-1200 "
        "and S7-1500 need PUT/GET allowed and data blocks without optimized access.",
    .help_ko =
        "지멘스 S7-300/400/1200/1500을 지원합니다(호스트:102). 주소 예: DB1.DBX0.3, DB1.DBW4 int, "
        "DB1.DBD8 real, DB1.20 string(16), MW10, M0.1, IW64(EW64), Q0.0(A0.0), T5, C3(Z3). "
        "S7-1200/1500은 PUT/GET 허용과 최적화하지 않은 데이터 블록이 필요합니다.",
    .options = s7_options,
    .private_bytes = sizeof(struct s7_private),
    .parse_address = s7_parse_address,
    .span = s7_span,
    .open = s7_open,
    .read_groups = s7_read_groups,
    .write = s7_write,
    .diagnose = s7_diagnose,
    .guess = &s7_guess,
};
