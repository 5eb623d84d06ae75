/*
 * What the connection doctor can learn from an S7 controller in an open session.
 *
 * The system status lists 0011 (order number) and 001C (names) are asked as the programming
 * software does; a controller that keeps them to itself is no fault. MB0 exists in every
 * controller, so a read of it tells a switched-off PUT/GET from a block that is missing or
 * optimized. Where a value lies beyond the end of its block, the length is found by halving:
 * sixteen reads of one byte. The same bytes in other types are offered, as the wire does not tell
 * the type.
 */
#include <string.h>

#include "core/buf.h"
#include "device/drivers/s7.h"

enum { NAME_BYTES = 34, ORDER_BYTES = 20, LIST_ORDER = 0x0011, LIST_NAMES = 0x001C, TYPE_NAME = 7 };
enum { GOOD = 0xFF, OUTSIDE = 0x05 };

/* The printable text at the front of a record's field. */
static struct str field(const uint8_t *from, size_t size) {
    struct str text = {.data = (const char *)from, .size = 0};
    while (text.size < size && from[text.size] >= ' ' && from[text.size] < 0x7F) {
        text.size++;
    }
    return str_trim(text);
}

/* The text of the record with that number in the list; false: none. */
static bool list_text(
    struct driver_io *io, uint32_t list, uint32_t number, size_t size, char *to, struct err *err) {
    uint8_t data[S7_PDU_MAX];
    uint32_t record = 0;
    int bytes = s7_read_list(io, list, data, &record, err);
    if (bytes <= 0 || record < 2 + size) {
        return false;
    }
    for (uint32_t at = 0; at + 2 + size <= (uint32_t)bytes; at += record) {
        struct str text = field(data + at + 2, size);
        if ((uint32_t)data[at] << 8 == (number & 0xFF00) && data[at + 1] == (number & 0xFF) &&
            text.size > 0) {
            (void)str_copy_z(text, to, NAME_BYTES + 1);
            return true;
        }
    }
    return false;
}

static void say(
    struct diagnosis *diagnosis, enum verdict verdict, enum msg_id id, const struct arg *args) {
    struct err words = ERR_INIT;
    (void)err_set(&words, ERR_DEVICE, id, args);
    diagnosis_add(diagnosis, verdict, &words);
}

/* Name and order number. Negative when the session was lost over it. */
static int tell_name(struct driver_io *io, struct diagnosis *diagnosis, struct err *err) {
    char name[NAME_BYTES + 1] = "";
    char order[NAME_BYTES + 1] = "?";
    bool named = list_text(io, LIST_NAMES, TYPE_NAME, NAME_BYTES - 2, name, err);
    if (err->code == ERR_OK) {
        (void)list_text(io, LIST_ORDER, 1, ORDER_BYTES, order, err);
    }
    if (err->code != ERR_OK && err->code != ERR_TIMEOUT) {
        return -(int)err->code;
    }
    err_clear(err);
    if (named) {
        say(diagnosis, VERDICT_GOOD, MSG_S7_FOUND,
            ARGS(A_CSTR(name), A_CSTR(order), A_INT(s7_agreed_pdu(io)), A_INT(s7_agreed_jobs(io))));
    } else {
        say(diagnosis, VERDICT_GOOD, MSG_S7_FOUND_PLAIN,
            ARGS(A_INT(s7_agreed_pdu(io)), A_INT(s7_agreed_jobs(io))));
    }
    return 0;
}

/* How many bytes the block has, by halving. Negative: no answer. */
static int block_bytes(struct driver_io *io, uint32_t space, struct err *err) {
    uint32_t low = 0; // So many bytes are there.
    uint32_t high = S7_CELLS;
    while (low < high) {
        uint32_t middle = (low + high + 1) / 2;
        int code = s7_probe(io, space, middle - 1, 1, err);
        if (code < 0) {
            return code;
        }
        if (code == GOOD) {
            low = middle;
        } else {
            high = middle - 1;
        }
    }
    return (int)low;
}

static int tell_block(
    struct driver_io *io, const struct point *point, struct diagnosis *diagnosis, struct err *err) {
    uint32_t most = s7_agreed_pdu(io) / 2; // A longer text shows its last byte below.
    uint32_t cells = point->length < most ? point->length : 1;
    uint32_t start = point->length < most ? point->start : point->start + point->length - 1;
    int code = s7_probe(io, point->space, start, cells, err);
    if (code != OUTSIDE || s7_is_counted(point->space)) {
        return code < 0 ? code : 0; // The reading itself tells.
    }
    int bytes = block_bytes(io, point->space, err);
    if (bytes > 0) {
        char name[16];
        say(diagnosis, VERDICT_BAD, MSG_S7_BLOCK_ENDS,
            ARGS(A_STR(s7_space_name(point->space, name)), A_INT(bytes), A_INT(bytes - 1),
                A_INT(point->start)));
    }
    return bytes < 0 ? bytes : 0;
}

/* The same place in other types. */
static void offer_types(const struct point *point, struct diagnosis *diagnosis) {
    static const char *const types[] = {"int", "word", "dint", "dword", "real"};
    if (s7_is_counted(point->space) || point->natural_type == TYPE_TEXT ||
        point->natural_type == TYPE_BOOL) {
        return;
    }
    char name[16];
    struct str space = s7_space_name(point->space, name);
    const char *dot = s7_area_of(point->space) == S7_AREA_DB ? "." : "";
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        AUTO_BUF struct buf source;
        buf_init(&source, 64);
        buf_printf(&source, "%.*s%s%u %s", STR_ARG(space), dot, point->start, types[i]);
        diagnosis_candidate(diagnosis, buf_str(&source), str_of(types[i]), STR_NONE);
    }
}

int s7_diagnose(
    struct driver_io *io, const struct point *point, struct diagnosis *diagnosis, struct err *err) {
    int result = tell_name(io, diagnosis, err);
    if (result < 0) {
        return result;
    }
    int code = s7_probe(io, (uint32_t)S7_AREA_MEMORY << 16, 0, 1, err);
    if (code < 0) {
        return code;
    }
    if (code > GOOD) {
        struct err words = ERR_INIT;
        (void)s7_error_words((uint32_t)code, &words);
        diagnosis_add(diagnosis, VERDICT_BAD, &words);
        return 0;
    }
    if (code == GOOD) {
        say(diagnosis, VERDICT_GOOD, MSG_S7_ACCESS_GOOD, NO_ARGS);
    }
    if (point == NULL) {
        return 0;
    }
    offer_types(point, diagnosis);
    return tell_block(io, point, diagnosis, err);
}
