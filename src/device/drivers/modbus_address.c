/*
 * Modbus addresses as people write them.
 *
 *     table:number[.bit] [type] [order] [bit n] [unit n]      holding:0 f32 CDAB unit 5
 *     classic number     [type] ...                           40001  400001 f32  30011.3
 *
 * table is holding (hr), input (ir), coil (co), discrete (di); numbers count from 0 as on the wire.
 * Classic numbers are the five or six digits of old manuals: the first digit names the table (0
 * coils, 1 discrete inputs, 3 input and 4 holding registers), the rest counts from 1. Words behind
 * the address may stand in any order and letter case; each kind may stand once. Without a type a
 * register is u16 and a coil bool.
 */
#include "device/drivers/modbus.h"

enum { WORDS_MAX_CELLS = 65536, CLASSIC_SHORT = 5, CLASSIC_LONG = 6 };

static const struct {
    const char *name;
    enum modbus_space space;
} tables[] = {
    {"holding", MODBUS_HOLDING},
    {"hr", MODBUS_HOLDING},
    {"input", MODBUS_INPUT},
    {"ir", MODBUS_INPUT},
    {"coil", MODBUS_COILS},
    {"co", MODBUS_COILS},
    {"discrete", MODBUS_DISCRETE},
    {"di", MODBUS_DISCRETE},
};

static const struct {
    const char *name;
    enum modbus_format format;
    uint32_t registers;
    enum value_type type;
} types[] = {
    {"i16", FORMAT_I16, 1, TYPE_I64},
    {"u16", FORMAT_U16, 1, TYPE_I64},
    {"i32", FORMAT_I32, 2, TYPE_I64},
    {"u32", FORMAT_U32, 2, TYPE_I64},
    {"i64", FORMAT_I64, 4, TYPE_I64},
    {"u64", FORMAT_U64, 4, TYPE_I64},
    {"f32", FORMAT_F32, 2, TYPE_F64},
    {"f64", FORMAT_F64, 4, TYPE_F64},
};

static const char *const orders[] = {"ABCD", "CDAB", "BADC", "DCBA"};
enum { TYPE_COUNT = sizeof types / sizeof types[0], ORDER_COUNT = 4, NOT_SAID = -1 };

/* What the words said; NOT_SAID where nothing. */
struct parts {
    enum modbus_space space;
    int64_t start;
    int64_t bit;
    int64_t unit;
    int64_t order;
    int64_t type; // Index into `types`.
    bool is_bool;
    int64_t text_bytes;
};

static bool is_register(enum modbus_space space) {
    return space == MODBUS_HOLDING || space == MODBUS_INPUT;
}

static bool all_digits(struct str text) {
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] < '0' || text.data[i] > '9') {
            return false;
        }
    }
    return text.size > 0;
}

/* A number of up to 18 digits; false for anything else. */
static bool small_number(struct str text, int64_t max, int64_t *ret_value) {
    int64_t value = 0;
    if (!all_digits(text) || text.size > 18 || !str_to_i64(text, &value) || value > max) {
        return false;
    }
    *ret_value = value;
    return true;
}

static int parse_classic(struct str text, struct parts *parts, struct err *err) {
    int64_t number = 0;
    struct str behind = str_slice(text, 1, text.size);
    if ((text.size != CLASSIC_SHORT && text.size != CLASSIC_LONG) ||
        !small_number(behind, WORDS_MAX_CELLS, &number) || number == 0) {
        return err_set(err, ERR_INVALID, MSG_MODBUS_TABLE_UNKNOWN, ARGS(A_STR(text)));
    }
    switch (text.data[0]) {
    case '0': parts->space = MODBUS_COILS; break;
    case '1': parts->space = MODBUS_DISCRETE; break;
    case '3': parts->space = MODBUS_INPUT; break;
    case '4': parts->space = MODBUS_HOLDING; break;
    default: return err_set(err, ERR_INVALID, MSG_MODBUS_TABLE_UNKNOWN, ARGS(A_STR(text)));
    }
    parts->start = number - 1;
    return 0;
}

static int set_bit(struct parts *parts, struct str text, struct err *err) {
    if (parts->bit != NOT_SAID) {
        return err_set(err, ERR_INVALID, MSG_MODBUS_WORD_TWICE, ARGS(A_STR(text)));
    }
    if (!is_register(parts->space)) {
        return err_set(err, ERR_INVALID, MSG_MODBUS_BIT_TABLE, NO_ARGS);
    }
    if (!small_number(text, 15, &parts->bit)) {
        return err_set(err, ERR_INVALID, MSG_MODBUS_BIT_RANGE, ARGS(A_STR(text)));
    }
    return 0;
}

/* "holding:10.3", "40001.3" */
static int parse_place(struct str text, struct parts *parts, struct err *err) {
    struct str rest = text;
    struct str place = str_cut(&rest, '.');
    size_t colon = str_find(place, ':');
    int result = 0;
    if (colon == place.size) {
        result = parse_classic(place, parts, err);
    } else {
        struct str name = str_slice(place, 0, colon);
        struct str number = str_slice(place, colon + 1, place.size);
        size_t i = 0;
        while (
            i < sizeof tables / sizeof tables[0] && !str_eq_nocase(name, str_of(tables[i].name))) {
            i++;
        }
        if (i == sizeof tables / sizeof tables[0]) {
            return err_set(err, ERR_INVALID, MSG_MODBUS_TABLE_UNKNOWN, ARGS(A_STR(name)));
        }
        parts->space = tables[i].space;
        if (!small_number(number, WORDS_MAX_CELLS - 1, &parts->start)) {
            return err_set(err, ERR_INVALID, MSG_MODBUS_ADDRESS_RANGE, ARGS(A_STR(number)));
        }
    }
    if (result == 0 && rest.data != NULL) {
        result = set_bit(parts, rest, err);
    }
    return result;
}

static int parse_text_type(struct parts *parts, struct str word, struct err *err) {
    struct str number = str_slice(word, 5, word.size - 1);
    if (!small_number(number, MODBUS_TEXT_MAX, &parts->text_bytes) || parts->text_bytes == 0) {
        return err_set(
            err, ERR_INVALID, MSG_MODBUS_TEXT_LENGTH, ARGS(A_STR(number), A_INT(MODBUS_TEXT_MAX)));
    }
    return 0;
}

static bool has_type(const struct parts *parts) {
    return parts->type != NOT_SAID || parts->is_bool || parts->text_bytes != NOT_SAID;
}

/* A type or an order; both may stand once. */
static int parse_word(struct parts *parts, struct str word, struct err *err) {
    for (int64_t i = 0; i < ORDER_COUNT; i++) {
        if (str_eq_nocase(word, str_of(orders[i]))) {
            if (parts->order != NOT_SAID) {
                return err_set(err, ERR_INVALID, MSG_MODBUS_WORD_TWICE, ARGS(A_STR(word)));
            }
            parts->order = i;
            return 0;
        }
    }
    bool is_text = word.size > 5 && str_eq_nocase(str_slice(word, 0, 5), STR("text(")) &&
                   word.data[word.size - 1] == ')';
    bool is_bool = str_eq_nocase(word, STR("bool"));
    int64_t type = NOT_SAID;
    for (int64_t i = 0; i < TYPE_COUNT; i++) {
        type = str_eq_nocase(word, str_of(types[i].name)) ? i : type;
    }
    if (!is_text && !is_bool && type == NOT_SAID) {
        return err_set(err, ERR_INVALID, MSG_MODBUS_WORD_UNKNOWN, ARGS(A_STR(word)));
    }
    if (has_type(parts)) {
        return err_set(err, ERR_INVALID, MSG_MODBUS_WORD_TWICE, ARGS(A_STR(word)));
    }
    if (!is_register(parts->space) && !is_bool) {
        return err_set(err, ERR_INVALID, MSG_MODBUS_TYPE_TABLE, ARGS(A_STR(word)));
    }
    parts->type = type;
    parts->is_bool = is_bool;
    return is_text ? parse_text_type(parts, word, err) : 0;
}

/* The next word of the source; empty at the end. */
static struct str next_word(struct str *rest) {
    struct str word = STR_NONE;
    while (word.size == 0 && rest->size > 0) {
        word = str_trim(str_cut(rest, ' '));
    }
    return word;
}

static int parse_words(struct str rest, struct parts *parts, struct err *err) {
    for (struct str word = next_word(&rest); word.size > 0; word = next_word(&rest)) {
        int result = 0;
        if (str_eq_nocase(word, STR("bit"))) {
            result = set_bit(parts, next_word(&rest), err);
        } else if (str_eq_nocase(word, STR("unit"))) {
            struct str number = next_word(&rest);
            if (parts->unit != NOT_SAID) {
                return err_set(err, ERR_INVALID, MSG_MODBUS_WORD_TWICE, ARGS(A_STR(word)));
            }
            if (!small_number(number, 255, &parts->unit)) {
                return err_set(err, ERR_INVALID, MSG_MODBUS_UNIT_RANGE, ARGS(A_STR(number)));
            }
        } else {
            result = parse_word(parts, word, err);
        }
        if (result < 0) {
            return result;
        }
    }
    if (parts->bit != NOT_SAID && (parts->type != NOT_SAID || parts->text_bytes != NOT_SAID)) {
        return err_set(err, ERR_INVALID, MSG_MODBUS_BIT_TYPE, NO_ARGS);
    }
    return 0;
}

static void fill_format(const struct parts *parts, struct point *point) {
    point->length = 1;
    point->natural_type = TYPE_BOOL;
    point->writable = parts->space == MODBUS_COILS || parts->space == MODBUS_HOLDING;
    if (!is_register(parts->space)) {
        point->detail[DETAIL_FORMAT] = FORMAT_CELL;
    } else if (parts->bit != NOT_SAID || parts->is_bool) {
        /* A bool register without a bit is bit 0. A bit cannot be written without its word. */
        point->detail[DETAIL_FORMAT] = FORMAT_WORD_BIT;
        point->detail[DETAIL_BIT] = parts->bit != NOT_SAID ? (uint32_t)parts->bit : 0;
        point->writable = false;
    } else if (parts->text_bytes != NOT_SAID) {
        point->detail[DETAIL_FORMAT] = FORMAT_TEXT;
        point->detail[DETAIL_TEXT_BYTES] = (uint32_t)parts->text_bytes;
        point->length = (uint32_t)(parts->text_bytes + 1) / 2;
        point->natural_type = TYPE_TEXT;
    } else {
        size_t type = parts->type != NOT_SAID ? (size_t)parts->type : 1; // u16
        point->detail[DETAIL_FORMAT] = types[type].format;
        point->length = types[type].registers;
        point->natural_type = types[type].type;
    }
}

int modbus_parse_address(struct str source, const struct driver_settings *settings,
    struct point *ret_point, struct err *err) {
    struct parts parts = {.bit = NOT_SAID,
        .unit = NOT_SAID,
        .order = NOT_SAID,
        .type = NOT_SAID,
        .text_bytes = NOT_SAID};
    struct str rest = source;
    int result = parse_place(next_word(&rest), &parts, err);
    if (result == 0) {
        result = parse_words(rest, &parts, err);
    }
    if (result < 0) {
        return result;
    }
    struct point point = {.space = (uint32_t)parts.space, .start = (uint32_t)parts.start};
    fill_format(&parts, &point);
    point.unit = (uint32_t)(parts.unit != NOT_SAID ? parts.unit : settings->values[OPTION_UNIT]);
    point.detail[DETAIL_ORDER] =
        (uint32_t)(parts.order != NOT_SAID ? parts.order : settings->values[OPTION_WORD_ORDER]);
    if (point.start + point.length > WORDS_MAX_CELLS) {
        return err_set(err, ERR_INVALID, MSG_MODBUS_ADDRESS_END,
            ARGS(A_INT(point.start), A_INT(point.length)));
    }
    int64_t max = settings->values[OPTION_MAX_REGISTERS];
    if (is_register(parts.space) && (int64_t)point.length > max) {
        return err_set(
            err, ERR_INVALID, MSG_MODBUS_TOO_WIDE, ARGS(A_INT(point.length), A_INT(max)));
    }
    *ret_point = point;
    return 0;
}
