/*
 * XGT addresses as people write them, and as they go over the wire.
 *
 *     [%]area[type]number[.bit] [format] [order]      %DW100  D100.3  %MX1A  %DD50 f32  %QX0.1.12
 *     plc:state  plc:run  plc:error  plc:standby  plc:cpu
 *
 * area is a letter of XGT_AREAS; type X bit, B byte, W word (also when left out), D two words, L
 * four words. The number counts in units of the type, so %DB200, %DW100 and %DD50 begin at the same
 * place (XGL-EFMT manual, direct variables). The bit behind a dot is one hexadecimal digit or 0 to
 * 15 (0 to 7 of a byte).
 *
 * A setting, not documented alike for all models: the number of a type X. On XGK and XGB the last
 * digit is hexadecimal and names the bit of the word before it, so %MX1A is bit A of M0001; on XGI
 * and XGR bits are counted through. Option `bits` decides, by default from option `cpu`. It matters
 * for what is typed and for writing; reading always takes whole words, so a wrong setting cannot
 * turn one bit into another unnoticed on one side only.
 *
 * I and Q of XGI may be written as base.slot.number; a slot has 64 points, a base 16 slots. Whether
 * their names go out flat (%IB12) or as base.slot.number is option `io_names`.
 *
 * Contacts of timers and counters (%TX5) are numbered in decimal everywhere.
 */
#include <string.h>

#include "device/drivers/xgt.h"

enum { SLOT_BITS = 64, BASE_SLOTS = 16, BASES_MAX = 128, NUMBERS_MAX = 4 };

static const struct {
    const char *name;
    enum xgt_format format;
    uint32_t bytes;
    enum value_type type;
} formats[] = {
    {"i8", XGT_I8, 1, TYPE_I64},
    {"u8", XGT_U8, 1, TYPE_I64},
    {"i16", XGT_I16, 2, TYPE_I64},
    {"u16", XGT_U16, 2, TYPE_I64},
    {"i32", XGT_I32, 4, TYPE_I64},
    {"u32", XGT_U32, 4, TYPE_I64},
    {"i64", XGT_I64, 8, TYPE_I64},
    {"u64", XGT_U64, 8, TYPE_I64},
    {"f32", XGT_F32, 4, TYPE_F64},
    {"f64", XGT_F64, 8, TYPE_F64},
    {"bcd16", XGT_BCD16, 2, TYPE_I64},
    {"bcd32", XGT_BCD32, 4, TYPE_I64},
};
enum { FORMAT_COUNT = sizeof formats / sizeof formats[0], TEXT_PREFIX = 5 };

static const struct {
    const char *name;
    enum xgt_plc what;
    enum value_type type;
} plc_points[] = {
    {"plc:state", XGT_PLC_STATE, TYPE_TEXT},
    {"plc:run", XGT_PLC_RUN, TYPE_BOOL},
    {"plc:error", XGT_PLC_ERROR, TYPE_BOOL},
    {"plc:standby", XGT_PLC_STANDBY, TYPE_BOOL},
    {"plc:cpu", XGT_PLC_CPU, TYPE_TEXT},
};
enum { PLC_COUNT = sizeof plc_points / sizeof plc_points[0] };

/* What the words said. */
struct parts {
    char area; // Upper case.
    uint32_t area_index;
    char type;                       // X B W D L.
    struct str numbers[NUMBERS_MAX]; // Between the dots.
    uint32_t number_count;
    bool has_bit;
    uint32_t bit;
    uint64_t bits; // Place in the area, counted in bits; of a contact its number.
    bool has_format;
    bool is_text;
    uint32_t format; // Index into `formats`.
    uint32_t text_bytes;
    bool has_order;
    enum xgt_order order;
};

static char upper(char c) {
    return c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c;
}

static bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

static int hex_digit(char c) {
    c = upper(c);
    return is_digit(c) ? c - '0' : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

bool xgt_is_cnet(const struct driver_settings *settings) {
    int64_t framing = settings->values[XGT_OPTION_FRAMING];
    return framing == XGT_FRAMING_CNET || (framing == XGT_FRAMING_AUTO && settings->serial);
}

static bool is_io(char area) {
    return area == 'I' || area == 'Q';
}

static bool is_counter(char area) {
    return area == 'T' || area == 'C';
}

bool xgt_bits_are_flat(const struct driver_settings *settings, uint32_t area) {
    int64_t cpu = settings->values[XGT_OPTION_CPU];
    int64_t bits = settings->values[XGT_OPTION_BITS];
    bool iec = cpu == XGT_CPU_XGI || cpu == XGT_CPU_XGR || cpu == XGT_CPU_XGB_IEC;
    return is_io(XGT_AREAS[area]) || is_counter(XGT_AREAS[area]) || bits == XGT_BITS_FLAT ||
           (bits == XGT_BITS_AUTO && iec);
}

/* --- Names on the wire --- */

static size_t put_decimal(uint64_t value, char *to) {
    char digits[20];
    size_t count = 0;
    do {
        digits[count++] = (char)('0' + value % 10);
        value /= 10;
    } while (value > 0);
    for (size_t i = 0; i < count; i++) {
        to[i] = digits[count - 1 - i];
    }
    return count;
}

size_t xgt_put_name(const struct driver_settings *settings, const struct xgt_block *block,
    enum xgt_width width, char *to) {
    static const char letters[] = {'X', 'B', 'W'};
    static const uint32_t slot_units[] = {SLOT_BITS, SLOT_BITS / 8, SLOT_BITS / 16};
    char area = XGT_AREAS[block->area];
    uint64_t number = block->word;
    if (width == XGT_WIDTH_BYTE) {
        number = (uint64_t)block->word * 2 + block->sub;
    } else if (width == XGT_WIDTH_BIT && !is_counter(area)) {
        number = (uint64_t)block->word * 16 + block->sub;
    }
    size_t size = 0;
    to[size++] = '%';
    to[size++] = area;
    to[size++] = letters[width];
    if (is_io(area) && settings->values[XGT_OPTION_IO_NAMES] == XGT_IO_SLOT) {
        uint32_t unit = slot_units[width];
        size += put_decimal(number / unit / BASE_SLOTS, to + size);
        to[size++] = '.';
        size += put_decimal(number / unit % BASE_SLOTS, to + size);
        to[size++] = '.';
        return size + put_decimal(number % unit, to + size);
    }
    if (width == XGT_WIDTH_BIT && !xgt_bits_are_flat(settings, block->area)) {
        size += put_decimal(block->word, to + size);
        to[size++] = "0123456789ABCDEF"[block->sub & 15];
        return size;
    }
    return size + put_decimal(number, to + size);
}

/* --- What people write --- */

static bool decimal(struct str text, uint64_t max, uint64_t *ret_value) {
    return text.size > 0 && is_digit(text.data[0]) && str_to_u64(text, ret_value) &&
           *ret_value <= max;
}

/* Area and type; the rest of `text` is the number. */
static int take_letters(struct str *text, struct parts *parts, struct err *err) {
    struct str rest = *text;
    if (rest.size > 0 && rest.data[0] == '%') {
        rest = str_slice(rest, 1, rest.size);
    }
    const char *found = rest.size > 0 ? strchr(XGT_AREAS, upper(rest.data[0])) : NULL;
    if (found == NULL || *found == '\0') {
        return err_set(err, ERR_INVALID, MSG_XGT_AREA_UNKNOWN, ARGS(A_STR(*text)));
    }
    parts->area = *found;
    parts->area_index = (uint32_t)(found - XGT_AREAS);
    parts->type = 'W';
    size_t at = 1;
    if (rest.size > 1 && !is_digit(rest.data[1])) {
        const char *type = strchr("XBWDL", upper(rest.data[1]));
        if (type == NULL || *type == '\0') {
            return err_set(
                err, ERR_INVALID, MSG_XGT_TYPE_UNKNOWN, ARGS(A_STR(str_slice(rest, 1, 2))));
        }
        parts->type = *type;
        at = 2;
    }
    *text = str_slice(rest, at, rest.size);
    return 0;
}

/* The bit behind the last dot: a hexadecimal digit, or 10 to 15. */
static int take_bit(struct str text, struct parts *parts, struct err *err) {
    uint64_t value = 0;
    uint32_t max = parts->type == 'B' ? 7 : 15;
    if (parts->type != 'W' && parts->type != 'B') {
        return err_set(err, ERR_INVALID, MSG_XGT_BIT_TYPE, NO_ARGS);
    }
    if (text.size == 1 && hex_digit(text.data[0]) >= 0) {
        value = (uint64_t)hex_digit(text.data[0]);
    } else if (!decimal(text, 15, &value)) {
        value = UINT64_MAX;
    }
    if (value > max) {
        return err_set(err, ERR_INVALID, MSG_XGT_BIT_RANGE, ARGS(A_STR(text), A_INT(max)));
    }
    parts->has_bit = true;
    parts->bit = (uint32_t)value;
    return 0;
}

/* "1A": word in decimal, bit in hexadecimal. */
static int take_hex_bit(struct str text, struct parts *parts, struct err *err) {
    uint64_t word = 0;
    struct str before = text.size > 0 ? str_slice(text, 0, text.size - 1) : text;
    int bit = text.size > 0 ? hex_digit(text.data[text.size - 1]) : -1;
    if (bit < 0 || (before.size > 0 && !decimal(before, XGT_WORDS_MAX - 1, &word))) {
        return err_set(err, ERR_INVALID, MSG_XGT_BIT_HEX, ARGS(A_STR(text)));
    }
    parts->bits = word * 16 + (uint64_t)bit;
    return 0;
}

static uint32_t type_bits(char type) {
    switch (type) {
    case 'X': return 1;
    case 'B': return 8;
    case 'D': return 32;
    case 'L': return 64;
    default: return 16;
    }
}

/* The numbers between the dots become a place in the area. */
static int take_numbers(
    const struct driver_settings *settings, struct parts *parts, struct err *err) {
    uint32_t unit = is_counter(parts->area) && parts->type == 'X' ? 1 : type_bits(parts->type);
    uint64_t most = (uint64_t)XGT_WORDS_MAX * 16 / unit;
    uint64_t number = 0;
    uint32_t count = parts->number_count;
    bool slotted = is_io(parts->area) && count >= 3;
    if (count > (slotted ? 4u : 2u)) {
        return err_set(err, ERR_INVALID, MSG_XGT_NUMBER, ARGS(A_STR(parts->numbers[1])));
    }
    if (count == (slotted ? 4u : 2u)) {
        int result = take_bit(parts->numbers[count - 1], parts, err);
        if (result < 0) {
            return result;
        }
    }
    if (slotted) {
        uint64_t base = 0;
        uint64_t slot = 0;
        if (!decimal(parts->numbers[0], BASES_MAX - 1, &base) ||
            !decimal(parts->numbers[1], BASE_SLOTS - 1, &slot) ||
            !decimal(parts->numbers[2], SLOT_BITS / unit - 1, &number)) {
            return err_set(err, ERR_INVALID, MSG_XGT_SLOT, ARGS(A_INT(SLOT_BITS / unit - 1)));
        }
        parts->bits = (base * BASE_SLOTS + slot) * SLOT_BITS + number * unit;
        return 0;
    }
    if (parts->type == 'X' && !xgt_bits_are_flat(settings, parts->area_index)) {
        return take_hex_bit(parts->numbers[0], parts, err);
    }
    if (!decimal(parts->numbers[0], most - 1, &number)) {
        return parts->type == 'X'
                   ? err_set(err, ERR_INVALID, MSG_XGT_BIT_FLAT, ARGS(A_STR(parts->numbers[0])))
                   : err_set(err, ERR_INVALID, MSG_XGT_NUMBER, ARGS(A_STR(parts->numbers[0])));
    }
    parts->bits = number * unit;
    return 0;
}

static int take_place(
    struct str text, const struct driver_settings *settings, struct parts *parts, struct err *err) {
    struct str rest = text;
    int result = take_letters(&rest, parts, err);
    if (result < 0) {
        return result;
    }
    bool more = true;
    while (more && parts->number_count < NUMBERS_MAX) {
        more = str_find(rest, '.') < rest.size;
        parts->numbers[parts->number_count++] = str_cut(&rest, '.');
    }
    if (more) {
        return err_set(err, ERR_INVALID, MSG_XGT_NUMBER, ARGS(A_STR(text)));
    }
    return take_numbers(settings, parts, err);
}

static int take_text(struct str word, struct parts *parts, struct err *err) {
    uint64_t bytes = 0;
    struct str number = str_slice(word, TEXT_PREFIX, word.size);
    if (!decimal(number, XGT_TEXT_MAX, &bytes) || bytes == 0) {
        return err_set(
            err, ERR_INVALID, MSG_XGT_TEXT_LENGTH, ARGS(A_STR(number), A_INT(XGT_TEXT_MAX)));
    }
    parts->is_text = true;
    parts->text_bytes = (uint32_t)bytes;
    return 0;
}

/* A format or an order; each may stand once. */
static int take_word(struct str word, struct parts *parts, struct err *err) {
    bool low = str_eq_nocase(word, STR("low-first"));
    if (low || str_eq_nocase(word, STR("high-first"))) {
        if (parts->has_order) {
            return err_set(err, ERR_INVALID, MSG_XGT_WORD_TWICE, ARGS(A_STR(word)));
        }
        parts->has_order = true;
        parts->order = low ? XGT_LOW_FIRST : XGT_HIGH_FIRST;
        return 0;
    }
    uint32_t format = 0;
    while (format < FORMAT_COUNT && !str_eq_nocase(word, str_of(formats[format].name))) {
        format++;
    }
    bool text =
        word.size >= TEXT_PREFIX && str_eq_nocase(str_slice(word, 0, TEXT_PREFIX), STR("text:"));
    if (format == FORMAT_COUNT && !text) {
        return err_set(err, ERR_INVALID, MSG_XGT_WORD_UNKNOWN, ARGS(A_STR(word)));
    }
    if (parts->has_format || parts->is_text) {
        return err_set(err, ERR_INVALID, MSG_XGT_WORD_TWICE, ARGS(A_STR(word)));
    }
    if (parts->type == 'X' || parts->has_bit) {
        return err_set(err, ERR_INVALID, MSG_XGT_BIT_FORMAT, ARGS(A_STR(word)));
    }
    if (text) {
        return take_text(word, parts, err);
    }
    parts->has_format = true;
    parts->format = format;
    return 0;
}

/* What a type gives when no format is named. */
static uint32_t default_format(char type) {
    enum xgt_format wanted = type == 'B'   ? XGT_U8
                             : type == 'D' ? XGT_U32
                             : type == 'L' ? XGT_I64
                                           : XGT_U16;
    uint32_t i = 0;
    while (formats[i].format != wanted) {
        i++;
    }
    return i;
}

static void fill_bit(const struct parts *parts, struct point *point) {
    uint64_t bits = parts->bits + (parts->has_bit ? parts->bit : 0);
    point->natural_type = TYPE_BOOL;
    point->length = 1;
    if (is_counter(parts->area) && parts->type == 'X') {
        point->space += XGT_BITS;
        point->start = (uint32_t)parts->bits;
        point->detail[XGT_FORMAT] = XGT_CONTACT;
        return;
    }
    point->start = (uint32_t)(bits / 16);
    point->detail[XGT_SUB] = (uint32_t)(bits % 16);
    point->detail[XGT_FORMAT] = parts->has_bit ? XGT_WORD_BIT : XGT_BIT;
    if (parts->has_bit) {
        point->writable = false; // Its word could change between our reading and writing.
    }
}

static void fill_value(const struct parts *parts, struct point *point) {
    uint32_t format = parts->has_format ? parts->format : default_format(parts->type);
    uint32_t bytes = parts->is_text ? parts->text_bytes : formats[format].bytes;
    uint32_t sub = (uint32_t)(parts->bits % 16 / 8);
    point->start = (uint32_t)(parts->bits / 16);
    point->length = (sub + bytes + 1) / 2;
    point->detail[XGT_SUB] = sub;
    point->detail[XGT_FORMAT] = (uint32_t)(parts->is_text ? XGT_TEXT : formats[format].format);
    point->detail[XGT_TEXT_BYTES] = parts->is_text ? bytes : 0;
    point->natural_type = parts->is_text ? TYPE_TEXT : formats[format].type;
    if (parts->is_text) {
        point->writable = false;
    }
}

static int parse_plc(struct str source, const struct driver_settings *settings,
    struct point *ret_point, struct err *err) {
    if (xgt_is_cnet(settings)) {
        return err_set(err, ERR_INVALID, MSG_XGT_PLC_SERIAL, ARGS(A_STR(source)));
    }
    for (uint32_t i = 0; i < PLC_COUNT; i++) {
        if (str_eq_nocase(source, str_of(plc_points[i].name))) {
            *ret_point = (struct point){.space = XGT_STATE,
                .length = 1,
                .detail = {[XGT_FORMAT] = XGT_PLC, [XGT_SUB] = plc_points[i].what},
                .natural_type = plc_points[i].type};
            return 0;
        }
    }
    return err_set(err, ERR_INVALID, MSG_XGT_PLC_UNKNOWN, ARGS(A_STR(source)));
}

/* The next word of the source; empty at the end. */
static struct str next_word(struct str *rest) {
    struct str word = STR_NONE;
    while (word.size == 0 && rest->size > 0) {
        word = str_trim(str_cut(rest, ' '));
    }
    return word;
}

int xgt_parse_address(struct str source, const struct driver_settings *settings,
    struct point *ret_point, struct err *err) {
    struct str rest = str_trim(source);
    if (rest.size >= 4 && str_eq_nocase(str_slice(rest, 0, 4), STR("plc:"))) {
        return parse_plc(rest, settings, ret_point, err);
    }
    struct parts parts = {.area = 0};
    int result = take_place(next_word(&rest), settings, &parts, err);
    struct str word = STR_NONE;
    while (result == 0 && (word = next_word(&rest)).size > 0) {
        result = take_word(word, &parts, err);
    }
    if (result < 0) {
        return result;
    }
    struct point point = {.space = parts.area_index,
        .unit = xgt_is_cnet(settings) ? (uint32_t)settings->values[XGT_OPTION_STATION] : 0,
        .writable = parts.area != 'F' && parts.area != 'I'};
    int64_t order =
        parts.has_order ? (int64_t)parts.order : settings->values[XGT_OPTION_WORD_ORDER];
    point.detail[XGT_ORDER] = (uint32_t)order;
    if (parts.type == 'X' || parts.has_bit) {
        fill_bit(&parts, &point);
    } else {
        fill_value(&parts, &point);
    }
    int64_t max_words = settings->values[XGT_OPTION_MAX_BYTES] / 2;
    if (xgt_is_cnet(settings) && max_words > XGT_CNET_WORDS_MAX) {
        max_words = XGT_CNET_WORDS_MAX;
    }
    if ((int64_t)point.length > max_words) {
        return err_set(err, ERR_INVALID, MSG_XGT_TOO_WIDE,
            ARGS(A_INT(point.length * 2), A_INT(max_words * 2)));
    }
    *ret_point = point;
    return 0;
}
