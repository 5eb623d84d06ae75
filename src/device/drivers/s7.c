/*
 * Siemens S7 client: reading and writing in an open session (s7_session.c).
 *
 * Reading packs as much as fits: up to 20 items a job, 12 bytes each in the request, 4 + data
 * (even) each in the answer, and both must fit the PDU. An item is a run of a group's points; where
 * the room ends between two points the run is cut there. Only a value that is longer than a whole
 * PDU (a string in a controller with 240 bytes) is fetched in parts. Several jobs are under way,
 * sent in one write.
 *
 * An item's refusal (05 outside, 0A no such object, ...) concerns that item; an error word concerns
 * the whole job: its points are bad and the session goes on. An answer is checked as a whole before
 * the first value is taken from it.
 */
#include "device/drivers/s7_session.h"

#include <string.h>

enum { FUNCTION_READ = 0x04, FUNCTION_WRITE = 0x05 };
enum { ITEM_GOOD = 0xFF, ITEM_OUTSIDE = 0x05, ITEM_MISSING = 0x0A };
enum { TRANSPORT_BIT = 3, TRANSPORT_BITS = 4, TRANSPORT_INT = 5 };

/* Where the packing of a call stands. */
struct cursor {
    const struct point_group *groups;
    uint32_t count;
    uint32_t group;
    uint32_t point;
    uint32_t offset; // Into a long point, bytes.
};

/* --- packing --- */

static uint32_t cell_bytes(uint32_t space) {
    return s7_is_counted(space) ? 2 : 1;
}

static uint32_t even(uint32_t bytes) {
    return bytes + (bytes & 1);
}

/* The next run of at most `room` bytes; false when not even its first point fits. */
static bool next_run(const struct cursor *cursor, uint32_t room, struct s7_item *ret_item) {
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
    *ret_item = (struct s7_item){.group = cursor->group,
        .first = cursor->point,
        .count = next - cursor->point,
        .start = start,
        .cells = end - start,
        .bytes = (end - start) * size};
    return ret_item->count > 0;
}

/* The next part of a point that no answer can hold. */
static void next_part(
    struct s7_private *s7, const struct cursor *cursor, uint32_t room, struct s7_item *ret_item) {
    const struct point *point = &cursor->groups[cursor->group].points[cursor->point];
    uint32_t left = point->length - cursor->offset;
    uint32_t bytes = left < room ? left : room;
    if (cursor->offset == 0) {
        s7->part_left = point->length;
        s7->part_bad = false;
    }
    *ret_item = (struct s7_item){.group = cursor->group,
        .first = cursor->point,
        .count = 1,
        .start = point->start + cursor->offset,
        .cells = bytes,
        .bytes = bytes,
        .is_part = true,
        .part_offset = cursor->offset};
}

static void step_cursor(struct cursor *cursor, const struct s7_item *item) {
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
    struct s7_private *s7, const struct cursor *cursor, uint32_t room, struct s7_item *ret_item) {
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
static uint32_t fill_job(struct s7_private *s7, struct cursor *cursor, struct s7_job *job) {
    uint32_t request = JOB_HEADER + 2;
    uint32_t answer = ACK_HEADER + 2;
    job->item_count = 0;
    while (cursor->group < cursor->count && job->item_count < S7_ITEMS_MAX) {
        request += READ_ITEM;
        if (request > s7->pdu || answer + DATA_HEADER >= s7->pdu) {
            break;
        }
        struct s7_item *item = &job->items[job->item_count];
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
    s7_put_word(to + 4, count);
    s7_put_word(to + 6, space & 0xFFFF);
    to[8] = (uint8_t)s7_area_of(space);
    to[9] = (uint8_t)(at >> 16);
    s7_put_word(to + 10, at & 0xFFFF);
}

static size_t put_read(const struct s7_job *job, const struct point_group *groups, uint8_t *to) {
    size_t parameters = 2 + (size_t)job->item_count * READ_ITEM;
    s7_put_head(to, JOB_HEADER + parameters);
    s7_put_job(to + HEAD_BYTES, job->reference, parameters, 0);
    uint8_t *at = to + HEAD_BYTES + JOB_HEADER;
    *at++ = FUNCTION_READ;
    *at++ = (uint8_t)job->item_count;
    for (uint32_t i = 0; i < job->item_count; i++, at += READ_ITEM) {
        const struct s7_item *item = &job->items[i];
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
        struct s7_job *job = &s7->jobs[s7->job_count];
        if (fill_job(s7, cursor, job) == 0) {
            break;
        }
        job->reference = s7_take_reference(s7);
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
static int parse_answer(const struct s7_private *s7, size_t size, const struct s7_job *job,
    struct found found[S7_ITEMS_MAX], struct err *err) {
    const uint8_t *pdu = s7->pdu_in;
    size_t at = ACK_HEADER + s7_get_word(pdu + 6);
    if (s7_get_word(pdu + 6) != 2 || pdu[ACK_HEADER] != FUNCTION_READ ||
        pdu[ACK_HEADER + 1] != job->item_count) {
        return err_set(err, ERR_FRAME, MSG_S7_OTHER_ANSWER, NO_ARGS);
    }
    for (uint32_t i = 0; i < job->item_count; i++) {
        if (at + DATA_HEADER > size) {
            return err_set(err, ERR_FRAME, MSG_S7_ITEM_CUT, ARGS(A_INT(i + 1)));
        }
        const uint8_t *head = pdu + at;
        bool good = head[0] == ITEM_GOOD;
        uint32_t bytes = head[1] == 0 ? 0 : data_bytes(head[1], s7_get_word(head + 2));
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
static void item_failed(const struct point_group *group, const struct s7_item *item,
    enum status status, const struct err *what, struct point_sink *sink) {
    for (uint32_t i = 0; i < item->count; i++) {
        sink_bad(sink, &group->points[item->first + i], status, what);
    }
}

static void take_refusal(const struct point_group *group, const struct s7_item *item, uint8_t code,
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
    const struct s7_item *item, const struct found *found, struct point_sink *sink) {
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
    const struct s7_item *item, const struct found *found, struct point_sink *sink) {
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
static void take_error(struct s7_private *s7, const struct s7_job *job, uint32_t code,
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
    struct s7_job job;
    struct found found[S7_ITEMS_MAX];
    int size = s7_receive_answer(io, s7, &job, err);
    if (size == -ERR_TIMEOUT) {
        sink_unit_silent(sink, STATUS_BAD_TIMEOUT, err);
        return 1;
    }
    if (size < 0) {
        return size;
    }
    uint32_t code = s7_get_word(s7->pdu_in + 10);
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
    s7_put_word(data + 2, is_bit ? 1 : (uint32_t)size * 8);
    memcpy(data + DATA_HEADER, bytes, (size_t)size);
    int got =
        s7_exchange(io, s7, s7_take_reference(s7), 2 + READ_ITEM, DATA_HEADER + (size_t)size, err);
    if (got < 0) {
        return got;
    }
    uint32_t code = s7_get_word(s7->pdu_in + 10);
    if (code != 0) {
        return s7_error_words(code, err);
    }
    const uint8_t *answer = s7->pdu_in + ACK_HEADER;
    if (got != ACK_HEADER + 3 || s7_get_word(s7->pdu_in + 6) != 2 || answer[0] != FUNCTION_WRITE ||
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
    struct s7_job job = {.item_count = 1, .reference = s7_take_reference(s7)};
    job.items[0] =
        (struct s7_item){.start = start, .cells = cells, .bytes = cells * cell_bytes(space)};
    (void)put_read(&job, &group, s7->out);
    int got = s7_exchange(io, s7, job.reference, 2 + READ_ITEM, 0, err);
    if (got < 0) {
        return got;
    }
    uint32_t code = s7_get_word(s7->pdu_in + 10);
    if (code != 0) {
        return (int)code;
    }
    struct found found[S7_ITEMS_MAX];
    int parsed = parse_answer(s7, (size_t)got, &job, found, err);
    return parsed < 0 ? parsed : found[0].code;
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
        .max = 7,
        .of_session = true},
    [S7_OPTION_SLOT] = {.name = "slot",
        .help_en = "Slot of the CPU: 1 for S7-1200/1500, 2 for S7-300, as configured for S7-400.",
        .help_ko = "CPU의 슬롯 번호입니다. S7-1200/1500은 1, S7-300은 2, S7-400은 하드웨어 구성에 "
                   "따릅니다.",
        .fallback = 1,
        .min = 0,
        .max = 31,
        .of_session = true},
    [S7_OPTION_CONNECTION] = {.name = "connection",
        .help_en = "Which pool of connections is used: pg (programming), op (panels), basic.",
        .help_ko = "사용할 연결 종류입니다. pg(프로그래밍), op(터치패널), basic 중 하나입니다.",
        .fallback = 0,
        .words = "pg,op,basic",
        .of_session = true},
    [S7_OPTION_PDU] = {.name = "pdu",
        .help_en = "Longest message to ask for; the controller may give a smaller one.",
        .help_ko = "요청할 최대 메시지 길이입니다. 장치가 더 작게 정할 수 있습니다.",
        .fallback = S7_PDU_MAX,
        .min = S7_PDU_MIN,
        .max = S7_PDU_MAX,
        .of_session = true},
    [S7_OPTION_JOBS] = {.name = "jobs",
        .help_en = "Requests under way at once; the controller may allow fewer.",
        .help_ko = "동시에 보내는 요청 수입니다. 장치가 더 적게 허용할 수 있습니다.",
        .fallback = S7_JOBS_MAX,
        .min = 1,
        .max = S7_JOBS_MAX,
        .of_session = true},
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
        .max = 0xFFFF,
        .of_session = true},
    [S7_OPTION_REMOTE_TSAP] = {.name = "remote_tsap",
        .help_en = "The controller's TSAP; -1: made of connection, rack and slot.",
        .help_ko = "장치 쪽 TSAP입니다. -1이면 connection, rack, slot으로 만듭니다.",
        .fallback = -1,
        .min = -1,
        .max = 0xFFFF,
        .of_session = true},
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
