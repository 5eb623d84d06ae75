/*
 * Words of a PLC's memory to values and back.
 *
 * MELSEC and Omron controllers keep memory in 16-bit words and put the low word of a longer number
 * at the lower address (MELSEC: SH(NA)-080008 clause 5.2.1; Omron: W394 clause 3-1-2, two words
 * "rightmost first"). Programs made for other makes sometimes store it the other way, so the order
 * can be chosen for a device and for a tag. A text keeps the order of bytes in which the protocol
 * sends a word: MELSEC holds the first character in the low byte, Omron in the high byte, and both
 * send that one first.
 *
 * BCD: four bits a digit. Old programs and thumb-wheel switches use it; a digit above nine means
 * that the word is not BCD, and there is no value to invent.
 */
#include "device/drivers/plc_words.h"

#include <math.h>
#include <string.h>

#include "table/table.h"

static const struct {
    const char *name;
    enum plc_format format;
    uint32_t words;
    enum value_type type;
} formats[] = {
    {"i16", PLC_I16, 1, TYPE_I64},
    {"u16", PLC_U16, 1, TYPE_I64},
    {"i32", PLC_I32, 2, TYPE_I64},
    {"u32", PLC_U32, 2, TYPE_I64},
    {"i64", PLC_I64, 4, TYPE_I64},
    {"u64", PLC_U64, 4, TYPE_I64},
    {"f32", PLC_F32, 2, TYPE_F64},
    {"f64", PLC_F64, 4, TYPE_F64},
    {"bcd16", PLC_BCD16, 1, TYPE_I64},
    {"bcd32", PLC_BCD32, 2, TYPE_I64},
};
static const char *const orders[] = {"CDAB", "ABCD", "DCBA", "BADC"};
enum { FORMAT_COUNT = sizeof formats / sizeof formats[0], ORDER_COUNT = 4, WORDS_MAX = 4 };

struct str plc_next_word(struct str *rest) {
    struct str word = STR_NONE;
    while (word.size == 0 && rest->size > 0) {
        word = str_trim(str_cut(rest, ' '));
    }
    return word;
}

bool plc_number(struct str text, uint32_t base, uint32_t max, uint32_t *ret_value) {
    uint64_t value = 0;
    for (size_t i = 0; i < text.size; i++) {
        char c = text.data[i];
        uint32_t digit = c >= '0' && c <= '9'   ? (uint32_t)(c - '0')
                         : c >= 'A' && c <= 'F' ? (uint32_t)(c - 'A') + 10
                         : c >= 'a' && c <= 'f' ? (uint32_t)(c - 'a') + 10
                                                : 99;
        value = value * base + digit;
        if (digit >= base || value > max) {
            return false;
        }
    }
    *ret_value = (uint32_t)value;
    return text.size > 0;
}

/* `text:8` or `text(8)`: the length; empty when the word is none of them. */
static struct str text_length(struct str word) {
    struct str head = str_slice(word, 0, 5);
    if (str_eq_nocase(head, STR("text:"))) {
        return str_slice(word, 5, word.size);
    }
    if (str_eq_nocase(head, STR("text(")) && str_ends(word, STR(")"))) {
        return str_slice(word, 5, word.size - 1);
    }
    return STR_NONE;
}

static int find_name(struct str word, struct plc_type *type) {
    for (uint32_t i = 0; i < FORMAT_COUNT; i++) {
        if (str_eq_nocase(word, str_of(formats[i].name))) {
            type->format = formats[i].format;
            return 1;
        }
    }
    return 0;
}

static int parse_format(struct str word, struct plc_type *type, struct err *err) {
    struct str length = text_length(word);
    bool is_text = str_eq_nocase(str_slice(word, 0, 4), STR("text"));
    if (type->is_said) {
        return err_set(err, ERR_INVALID, MSG_PLC_WORD_TWICE, ARGS(A_STR(word)));
    }
    type->is_said = true;
    type->is_bool = str_eq_nocase(word, STR("bool"));
    if (is_text) {
        type->format = PLC_TEXT;
        if (!plc_number(length, 10, PLC_TEXT_MAX, &type->text_bytes) || type->text_bytes == 0) {
            return err_set(
                err, ERR_INVALID, MSG_PLC_TEXT_LENGTH, ARGS(A_STR(word), A_INT(PLC_TEXT_MAX)));
        }
    } else if (!type->is_bool && !find_name(word, type)) {
        return err_set(err, ERR_INVALID, MSG_PLC_WORD_UNKNOWN, ARGS(A_STR(word)));
    }
    return 0;
}

static void fill_size(struct plc_type *type) {
    type->words = 1;
    type->natural = TYPE_BOOL;
    if (type->format == PLC_TEXT) {
        type->words = (type->text_bytes + 1) / 2;
        type->natural = TYPE_TEXT;
    }
    for (uint32_t i = 0; i < FORMAT_COUNT; i++) {
        if (formats[i].format == type->format) {
            type->words = formats[i].words;
            type->natural = formats[i].type;
        }
    }
}

int plc_parse_type(struct str rest, enum plc_format fallback, uint32_t order,
    struct plc_type *ret_type, struct err *err) {
    struct plc_type type = {.format = fallback, .order = order};
    bool order_said = false;
    for (struct str word = plc_next_word(&rest); word.size > 0; word = plc_next_word(&rest)) {
        uint32_t named = 0;
        while (named < ORDER_COUNT && !str_eq_nocase(word, str_of(orders[named]))) {
            named++;
        }
        int result = 0;
        if (named == ORDER_COUNT) {
            result = parse_format(word, &type, err);
        } else if (order_said) {
            result = err_set(err, ERR_INVALID, MSG_PLC_WORD_TWICE, ARGS(A_STR(word)));
        } else {
            type.order = named;
            order_said = true;
        }
        if (result < 0) {
            return result;
        }
    }
    fill_size(&type);
    if (!order_said && type.words == 1 && type.format != PLC_TEXT) {
        type.order = PLC_CDAB; // The device's order is one of several words.
    }
    *ret_type = type;
    return 0;
}

static bool high_first(uint32_t order) {
    return order == PLC_ABCD || order == PLC_BADC;
}

static bool swaps_bytes(uint32_t order) {
    return order == PLC_BADC || order == PLC_DCBA;
}

/* The number in `count` words. */
static uint64_t gather(const uint8_t *data, uint32_t count, uint32_t order, bool little) {
    bool low_byte_first = little != swaps_bytes(order);
    uint64_t bits = 0;
    for (uint32_t i = 0; i < count; i++) {
        const uint8_t *word = data + (size_t)2 * (high_first(order) ? i : count - 1 - i);
        uint8_t high = word[low_byte_first ? 1 : 0];
        uint8_t low = word[low_byte_first ? 0 : 1];
        bits = bits << 16 | (uint64_t)high << 8 | low;
    }
    return bits;
}

static void spread(uint64_t bits, uint8_t *data, uint32_t count, uint32_t order, bool little) {
    bool low_byte_first = little != swaps_bytes(order);
    for (uint32_t i = 0; i < count; i++) {
        uint8_t *word = data + (size_t)2 * (high_first(order) ? i : count - 1 - i);
        uint64_t value = bits >> (16 * (count - 1 - i));
        word[low_byte_first ? 1 : 0] = (uint8_t)(value >> 8);
        word[low_byte_first ? 0 : 1] = (uint8_t)value;
    }
}

static void decode_text(const struct point *point, const uint8_t *data, struct point_sink *sink) {
    char text[PLC_TEXT_MAX + 2];
    uint32_t size = point->detail[PLC_DETAIL_TEXT_BYTES];
    bool swap = swaps_bytes(point->detail[PLC_DETAIL_ORDER]);
    for (uint32_t i = 0; i < size; i++) {
        text[i] = (char)data[swap ? i ^ 1u : i];
    }
    /* Ends at the first NUL; controllers pad with blanks or NULs. */
    struct str value = {.data = text, .size = size};
    value = str_slice(value, 0, str_find(value, '\0'));
    while (value.size > 0 && value.data[value.size - 1] == ' ') {
        value.size--;
    }
    char converted[2 * PLC_TEXT_MAX];
    struct str utf8 = value;
    bool is_good = true;
    if (point->detail[PLC_DETAIL_ENCODING] == PLC_CP949) {
        utf8 = (struct str){.data = converted};
        is_good = table_cp949_to_utf8(value, converted, sizeof converted, &utf8.size);
    }
    if (is_good && str_is_utf8(utf8, NULL)) {
        sink_text(sink, point, utf8);
        return;
    }
    struct err err = ERR_INIT;
    bool is_cp949 = point->detail[PLC_DETAIL_ENCODING] == PLC_CP949;
    (void)err_set(&err, ERR_DEVICE, MSG_PLC_ENCODING,
        ARGS(A_STR(point->source), A_CSTR(is_cp949 ? "CP949" : "UTF-8"),
            A_CSTR(is_cp949 ? "utf8" : "cp949")));
    sink_bad(sink, point, STATUS_BAD_DATA_ENCODING, &err);
}

static void decode_bcd(const struct point *point, uint64_t bits, struct point_sink *sink) {
    int64_t value = 0;
    for (int shift = 28; shift >= 0; shift -= 4) {
        uint64_t digit = bits >> shift & 15;
        if (digit > 9) {
            char hex[5];
            struct err err = ERR_INIT;
            (void)err_set(&err, ERR_DEVICE, MSG_PLC_NOT_BCD,
                ARGS(A_CSTR(plc_hex((uint32_t)bits & 0xFFFF, hex))));
            sink_bad(sink, point, STATUS_BAD_DATA_ENCODING, &err);
            return;
        }
        value = value * 10 + (int64_t)digit;
    }
    sink_i64(sink, point, value);
}

void plc_decode(
    const struct point *point, const uint8_t *data, bool little, struct point_sink *sink) {
    enum plc_format format = (enum plc_format)point->detail[PLC_DETAIL_FORMAT];
    if (format == PLC_TEXT) {
        decode_text(point, data, sink);
        return;
    }
    uint32_t words =
        format == PLC_I64 || format == PLC_U64 || format == PLC_F64                          ? 4
        : format == PLC_I32 || format == PLC_U32 || format == PLC_F32 || format == PLC_BCD32 ? 2
                                                                                             : 1;
    /* A bit is counted as the controller counts it, whatever the order of numbers: it is written
     * under that number too. */
    bool is_bit = format == PLC_CELL || format == PLC_WORD_BIT;
    uint32_t order = is_bit ? (uint32_t)PLC_CDAB : point->detail[PLC_DETAIL_ORDER];
    uint64_t bits = gather(data, words, order, little);
    uint32_t half = (uint32_t)bits;
    float f32 = 0;
    double f64 = 0;
    switch (format) {
    case PLC_CELL: sink_bool(sink, point, bits & 1); break;
    case PLC_WORD_BIT: sink_bool(sink, point, bits >> point->detail[PLC_DETAIL_BIT] & 1); break;
    case PLC_I16: sink_i64(sink, point, (int16_t)bits); break;
    case PLC_I32: sink_i64(sink, point, (int32_t)half); break;
    case PLC_U16:
    case PLC_U32:
    case PLC_I64: sink_i64(sink, point, (int64_t)bits); break;
    case PLC_U64:
        if (bits > INT64_MAX) {
            sink_bad(sink, point, STATUS_BAD_OUT_OF_RANGE, NULL);
        } else {
            sink_i64(sink, point, (int64_t)bits);
        }
        break;
    case PLC_F32:
        memcpy(&f32, &half, sizeof f32);
        sink_f64(sink, point, (double)f32);
        break;
    case PLC_F64:
        memcpy(&f64, &bits, sizeof f64);
        sink_f64(sink, point, f64);
        break;
    case PLC_BCD16:
    case PLC_BCD32: decode_bcd(point, bits, sink); break;
    case PLC_TEXT: break; // Above.
    }
}

static int out_of_range(double value, struct err *err) {
    return err_set(err, ERR_RANGE, MSG_PLC_VALUE_RANGE, ARGS(A_REAL(value)));
}

/* A value as a whole number between the limits. */
static int whole(
    const struct sample *value, int64_t min, int64_t max, uint64_t *ret_bits, struct err *err) {
    double number = value->type == TYPE_F64 ? value->value.f64 : (double)value->value.i64;
    int64_t rounded = value->value.i64;
    if (value->type == TYPE_F64) {
        /* Limits as doubles: 2^63 itself is out of range. */
        if (isnan(number) || number < -9223372036854775808.0 || number >= 9223372036854775808.0) {
            return out_of_range(number, err);
        }
        rounded = (int64_t)nearbyint(number);
    }
    if (rounded < min || rounded > max) {
        return out_of_range(number, err);
    }
    *ret_bits = (uint64_t)rounded;
    return 0;
}

static uint64_t to_bcd(uint64_t value) {
    uint64_t bits = 0;
    for (int shift = 0; shift < 32; shift += 4) {
        bits |= value % 10 << shift;
        value /= 10;
    }
    return bits;
}

static int encode_float(
    enum plc_format format, double number, uint64_t *ret_bits, struct err *err) {
    float f32 = (float)number;
    uint32_t half = 0;
    if (format == PLC_F64) {
        memcpy(ret_bits, &number, sizeof number);
        return 0;
    }
    if (isinf(f32) && !isinf(number)) {
        return out_of_range(number, err);
    }
    memcpy(&half, &f32, sizeof half);
    *ret_bits = half;
    return 0;
}

int plc_encode_bit(const struct sample *value, bool *ret_on, struct err *err) {
    uint64_t bits = 0;
    int result = value->type == TYPE_TEXT
                     ? err_set(err, ERR_UNSUPPORTED, MSG_PLC_NOT_WRITABLE, NO_ARGS)
                     : whole(value, 0, 1, &bits, err);
    if (result == 0) {
        *ret_on = bits != 0;
    }
    return result;
}

int plc_encode(const struct point *point, const struct sample *value, bool little,
    uint8_t *ret_data, struct err *err) {
    enum plc_format format = (enum plc_format)point->detail[PLC_DETAIL_FORMAT];
    if (value->type == TYPE_TEXT || !point->writable) {
        return err_set(err, ERR_UNSUPPORTED, MSG_PLC_NOT_WRITABLE, NO_ARGS);
    }
    double number = value->type == TYPE_F64 ? value->value.f64 : (double)value->value.i64;
    uint64_t bits = 0;
    uint32_t words = 1;
    int result = 0;
    switch (format) {
    case PLC_I16: result = whole(value, INT16_MIN, INT16_MAX, &bits, err); break;
    case PLC_U16: result = whole(value, 0, UINT16_MAX, &bits, err); break;
    case PLC_I32: result = whole(value, INT32_MIN, INT32_MAX, &bits, err); break;
    case PLC_U32: result = whole(value, 0, UINT32_MAX, &bits, err); break;
    case PLC_I64: result = whole(value, INT64_MIN, INT64_MAX, &bits, err); break;
    case PLC_U64: result = whole(value, 0, INT64_MAX, &bits, err); break;
    case PLC_F32:
    case PLC_F64: result = encode_float(format, number, &bits, err); break;
    case PLC_BCD16: result = whole(value, 0, 9999, &bits, err); break;
    case PLC_BCD32: result = whole(value, 0, 99999999, &bits, err); break;
    case PLC_CELL:
    case PLC_WORD_BIT:
    case PLC_TEXT: return err_set(err, ERR_UNSUPPORTED, MSG_PLC_NOT_WRITABLE, NO_ARGS);
    }
    if (result < 0) {
        return result;
    }
    if (format == PLC_BCD16 || format == PLC_BCD32) {
        bits = to_bcd(bits);
    }
    for (uint32_t i = 0; i < FORMAT_COUNT; i++) {
        words = formats[i].format == format ? formats[i].words : words;
    }
    spread(bits, ret_data, words, point->detail[PLC_DETAIL_ORDER], little);
    return (int)words * 2;
}

void plc_walk_group(struct plc_walk *walk, uint32_t width) {
    *walk = (struct plc_walk){.width = width, .used = walk->used, .run_base = walk->used};
}

uint32_t plc_walk_step(struct plc_walk *walk, const struct point *point) {
    if (point->start >= walk->covered) {
        walk->run_base = walk->used;
        walk->run_start = point->start - point->start % walk->width;
        walk->covered = walk->run_start;
    }
    uint32_t end = point->start + point->length;
    if (end > walk->covered) {
        uint32_t words = (end - walk->covered + walk->width - 1) / walk->width;
        walk->used += words;
        walk->covered += words * walk->width;
    }
    return point->start - walk->run_start;
}

uint32_t plc_walk_cell(const struct plc_walk *walk, uint32_t word) {
    return walk->run_start + (word - walk->run_base) * walk->width;
}

uint32_t plc_walk_words(const struct point_group *group, uint32_t width) {
    struct plc_walk walk = {0};
    plc_walk_group(&walk, width);
    for (uint32_t i = 0; i < group->count; i++) {
        (void)plc_walk_step(&walk, &group->points[i]);
    }
    return walk.used;
}

void plc_offer_forms(const struct point *point, struct str place, struct diagnosis *diagnosis) {
    static const char *const forms[] = {"i16", "u16", "bcd16", "f32 CDAB", "f32 ABCD", "i32 CDAB",
        "i32 ABCD", "u32 CDAB", "u32 ABCD", "bcd32 CDAB"};
    if (point->natural_type == TYPE_BOOL || point->natural_type == TYPE_TEXT) {
        return;
    }
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        AUTO_BUF struct buf source;
        buf_init(&source, 64);
        buf_printf(&source, "%.*s %s", STR_ARG(place), forms[i]);
        diagnosis_candidate(diagnosis, buf_str(&source), str_of(forms[i]), STR_NONE);
    }
}

const char *plc_hex(uint32_t value, char *to) {
    static const char digits[] = "0123456789ABCDEF";
    for (int i = 0; i < 4; i++) {
        to[i] = digits[value >> (12 - 4 * i) & 15];
    }
    to[4] = '\0';
    return to;
}
