/*
 * The session with an S7 controller (S7-300/400/1200/1500) over ISO-on-TCP: connecting, jobs,
 * answers.
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
 * An answer counts for the job with its reference number; an older one is late and dropped; any
 * other means that the two sides have lost each other. The numbers go on over sessions.
 */
#include "device/drivers/s7_session.h"

#include <string.h>

enum {
    FRAME_MAX = S7_FRAME_MAX,
    TPDU_SIZE_CODE = 0x0A,  // 2^10 bytes.
    OUR_REFERENCE = 0x0002, // Of the COTP connection.
    SETUP_REFERENCE = 0,
    FRAGMENTS_MAX = 64,
    LIST_REQUEST = JOB_HEADER + 8 + 8,
    LIST_HEAD = 12,
};
enum { COTP_REQUEST = 0xE0, COTP_CONFIRM = 0xD0, COTP_DISCONNECT = 0x80, COTP_DATA = 0xF0 };
enum { S7_ID = 0x32, S7_JOB = 1, S7_ACK = 2, S7_ACK_DATA = 3, S7_USER = 7 };
enum { FUNCTION_SETUP = 0xF0, LIST_GOOD = 0xFF, LIST_BYTES = 9 };

/* --- frames --- */

/* TPKT and COTP in front of a PDU of that size. */
void s7_put_head(uint8_t *to, size_t pdu_bytes) {
    static const uint8_t cotp[COTP_DATA_BYTES] = {2, COTP_DATA, 0x80};
    to[0] = 3;
    to[1] = 0;
    s7_put_word(to + 2, (uint32_t)(HEAD_BYTES + pdu_bytes));
    memcpy(to + TPKT_BYTES, cotp, sizeof cotp);
}

/* The number of the next job. They go on over sessions, so that an answer of an older one shows. */
uint16_t s7_take_reference(struct s7_private *s7) {
    if (s7->sent_in_session < UINT16_MAX) {
        s7->sent_in_session++;
    }
    return ++s7->last_reference;
}

/* The ten bytes of a job. */
void s7_put_job(uint8_t *to, uint16_t reference, size_t parameters, size_t data) {
    to[0] = S7_ID;
    to[1] = S7_JOB;
    s7_put_word(to + 2, 0);
    s7_put_word(to + 4, reference);
    s7_put_word(to + 6, (uint32_t)parameters);
    s7_put_word(to + 8, (uint32_t)data);
}

/* Receives one TPKT frame into s7->frame; what follows the TPKT: its size, or negative. */
static int receive_frame(struct driver_io *io, struct s7_private *s7, struct err *err) {
    int result = io_receive(io, s7->frame, TPKT_BYTES, err);
    if (result < 0) {
        return result;
    }
    uint32_t length = s7_get_word(s7->frame + 2);
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
    if (!answer || ACK_HEADER + s7_get_word(pdu + 6) + s7_get_word(pdu + 8) != size) {
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
int s7_receive_answer(
    struct driver_io *io, struct s7_private *s7, struct s7_job *ret_job, struct err *err) {
    for (;;) {
        int size = receive_pdu(io, s7, err);
        if (size < 0) {
            return size;
        }
        int checked = check_head(s7->pdu_in, (size_t)size, err);
        if (checked < 0) {
            return checked;
        }
        uint32_t reference = s7_get_word(s7->pdu_in + 4);
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
int s7_exchange(struct driver_io *io, struct s7_private *s7, uint16_t reference, size_t parameters,
    size_t data, struct err *err) {
    struct s7_job job = {0};
    size_t size = JOB_HEADER + parameters + data;
    s7_put_head(s7->out, size);
    s7_put_job(s7->out + HEAD_BYTES, reference, parameters, data);
    s7->jobs[0] = (struct s7_job){.reference = reference, .stamp = io_request_sent(io)};
    s7->job_count = 1;
    int result = io_send(io, s7->out, HEAD_BYTES + size, err);
    int got = result < 0 ? result : s7_receive_answer(io, s7, &job, err);
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
    s7_put_word(to + 16, (uint32_t)settings->values[S7_OPTION_LOCAL_TSAP]);
    s7_put_word(to + 20, remote_tsap(settings));
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
    s7_put_word(parameters + 2, jobs);
    s7_put_word(parameters + 4, jobs);
    s7_put_word(parameters + 6, s7->pdu);
    int got = s7_exchange(io, s7, SETUP_REFERENCE, 8, 0, err);
    if (got < 0) {
        return connect_words(io, got, err);
    }
    uint32_t code = s7_get_word(s7->pdu_in + 10);
    if (code != 0) {
        return s7_error_words(code, err);
    }
    const uint8_t *answer = s7->pdu_in + ACK_HEADER;
    if (got != ACK_HEADER + 8 || answer[0] != FUNCTION_SETUP) {
        return err_set(err, ERR_FRAME, MSG_S7_HEAD, ARGS(A_INT(answer[0]), A_INT(got)));
    }
    uint32_t pdu = s7_get_word(answer + 6);
    if (pdu < S7_PDU_MIN) {
        return err_set(err, ERR_FRAME, MSG_S7_PDU_SMALL, ARGS(A_INT(pdu), A_INT(S7_PDU_MIN)));
    }
    s7->pdu = pdu < s7->pdu ? pdu : s7->pdu;
    uint32_t calling = s7_get_word(answer + 2);
    uint32_t called = s7_get_word(answer + 4);
    uint32_t allowed = calling < called ? calling : called;
    allowed = allowed < jobs ? allowed : jobs;
    s7->jobs_allowed = allowed > 0 ? allowed : 1;
    return 0;
}

int s7_open(struct driver_io *io, struct err *err) {
    struct s7_private *s7 = io_private(io);
    s7->sent_in_session = 0;
    s7->job_count = 0;
    s7->part_left = 0;
    int most = connect_transport(io, s7, err);
    return most < 0 ? most : setup(io, s7, (uint32_t)most, err);
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
                     JOB_HEADER + s7_get_word(pdu + 6) + s7_get_word(pdu + 8) == (uint32_t)size;
        if (whole && pdu[1] == S7_USER && s7_get_word(pdu + 4) == reference) {
            return size;
        }
        if (size >= ACK_HEADER && pdu[0] == S7_ID && s7_get_word(pdu + 4) == reference) {
            return 0; // Refused in the form of a job.
        }
        if (size < ACK_HEADER || !is_late(s7, s7_get_word(pdu + 4))) {
            return err_set(err, ERR_FRAME, MSG_S7_HEAD, ARGS(A_INT(pdu[1]), A_INT(size)));
        }
    }
}

int s7_read_list(struct driver_io *io, uint32_t list, uint8_t ret_data[S7_PDU_MAX],
    uint32_t *ret_record, struct err *err) {
    struct s7_private *s7 = io_private(io);
    static const uint8_t parameters[] = {0, 1, 0x12, 4, 0x11, 0x44, 1, 0};
    uint8_t *pdu = s7->out + HEAD_BYTES;
    uint16_t reference = s7_take_reference(s7);
    s7_put_head(s7->out, LIST_REQUEST);
    s7_put_job(pdu, reference, sizeof parameters, 8);
    pdu[1] = S7_USER;
    memcpy(pdu + JOB_HEADER, parameters, sizeof parameters);
    uint8_t *data = pdu + JOB_HEADER + sizeof parameters;
    data[0] = LIST_GOOD;
    data[1] = LIST_BYTES;
    s7_put_word(data + 2, 4);
    s7_put_word(data + 4, list);
    s7_put_word(data + 6, 0);
    int64_t stamp = io_request_sent(io);
    int size = io_send(io, s7->out, HEAD_BYTES + LIST_REQUEST, err);
    size = size < 0 ? size : receive_list(io, s7, reference, err);
    if (size < 0) {
        return size;
    }
    io_request_answered(io, stamp);
    /* Data: code, transport, length, list, index, bytes of a record, how many; records. */
    uint32_t at = JOB_HEADER + s7_get_word(s7->pdu_in + 6);
    if ((uint32_t)size < at + LIST_HEAD || s7->pdu_in[at] != LIST_GOOD) {
        return 0;
    }
    *ret_record = s7_get_word(s7->pdu_in + at + 8);
    memcpy(ret_data, s7->pdu_in + at + LIST_HEAD, (uint32_t)size - at - LIST_HEAD);
    return size - (int)(at + LIST_HEAD);
}
