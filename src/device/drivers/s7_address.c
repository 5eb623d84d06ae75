/*
 * S7 addresses as people write them, in German and in international mnemonics (IEC 61131-3 prefixes
 * X B W D, Siemens areas E/I, A/Q, M, Z/C, T and data blocks).
 *
 *     DBn.DBXbyte.bit  DBn.DBBbyte  DBn.DBWbyte  DBn.DBDbyte  [type]    DB1.DBD8 real
 *     DBn.byte[.bit]   [type]                                           DB1.20 string(16)
 *     DBn,TYPEbyte                       as Node-RED users write it     DB1,REAL8  DB1,X6.1
 *     M I E Q A  with X B W D or nothing                                MW10 int  M0.1  EW64  A0.0
 *     Tn  Cn  Zn                         timer (ms left) and counter
 *
 * A leading % (TIA Portal) is passed over. Without a type X is bool, B byte, W word, D dword: all
 * unsigned; a plain byte number needs a type, as nothing else says what lies there. A width that
 * contradicts the type (DBW4 real) is refused, because one of the two is a slip. Symbolic names do
 * not exist on this wire.
 */
#include "device/drivers/s7.h"

static const struct {
    const char *name;
    enum s7_format format;
    uint32_t bytes; // 0: by its length.
    enum value_type type;
} types[] = {
    {"bool", S7_BOOL, 1, TYPE_BOOL},
    {"byte", S7_BYTE, 1, TYPE_I64},
    {"usint", S7_BYTE, 1, TYPE_I64},
    {"sint", S7_SINT, 1, TYPE_I64},
    {"word", S7_WORD, 2, TYPE_I64},
    {"uint", S7_WORD, 2, TYPE_I64},
    {"int", S7_INT, 2, TYPE_I64},
    {"dword", S7_DWORD, 4, TYPE_I64},
    {"udint", S7_DWORD, 4, TYPE_I64},
    {"dint", S7_DINT, 4, TYPE_I64},
    {"lword", S7_LWORD, 8, TYPE_I64},
    {"ulint", S7_LWORD, 8, TYPE_I64},
    {"lint", S7_LINT, 8, TYPE_I64},
    {"real", S7_REAL, 4, TYPE_F64},
    {"lreal", S7_LREAL, 8, TYPE_F64},
    {"s5time", S7_S5TIME, 2, TYPE_I64},
    {"time", S7_TIME, 4, TYPE_I64},
    {"ltime", S7_LTIME, 8, TYPE_I64},
    {"date", S7_DATE, 2, TYPE_TEXT},
    {"tod", S7_TOD, 4, TYPE_TEXT},
    {"dt", S7_DT, 8, TYPE_TEXT},
    {"dtl", S7_DTL, 12, TYPE_TEXT},
    {"char", S7_CHAR, 0, TYPE_TEXT},
    {"string", S7_STRING, 0, TYPE_TEXT},
    {"wstring", S7_WSTRING, 0, TYPE_TEXT},
};

enum { TYPE_COUNT = sizeof types / sizeof types[0], NOT_SAID = -1, DB_MAX = 65535 };

/* What the source said; NOT_SAID where nothing. */
struct parts {
    enum s7_area area;
    int64_t block;
    int64_t start;
    int64_t bit;
    int64_t type;       // Index into `types`.
    int64_t characters; // Of string(n), char(n).
    char width;         // 'X' 'B' 'W' 'D', 0: none.
};

static bool small_number(struct str text, int64_t max, int64_t *ret_number) {
    int64_t number = 0;
    if (text.size == 0 || text.size > 9 || text.data[0] == '-' || text.data[0] == '+' ||
        !str_to_i64(text, &number) || number > max) {
        return false;
    }
    *ret_number = number;
    return true;
}

static char upper(char c) {
    return c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c;
}

static bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

/* The letters at the front of the text. */
static struct str letters_of(struct str text) {
    size_t size = 0;
    while (size < text.size && upper(text.data[size]) >= 'A' && upper(text.data[size]) <= 'Z') {
        size++;
    }
    /* S5TIME is the one type with a digit inside. */
    if (size == 1 && text.size > 6 && str_eq_nocase(str_slice(text, 0, 6), STR("s5time"))) {
        size = 6;
    }
    return str_slice(text, 0, size);
}

/* "10" or "10.3" */
static int parse_byte(struct str text, struct parts *parts, struct err *err) {
    struct str rest = text;
    struct str number = str_cut(&rest, '.');
    if (!small_number(number, S7_CELLS - 1, &parts->start)) {
        return err_set(err, ERR_INVALID, MSG_S7_BYTE_RANGE, ARGS(A_STR(number)));
    }
    if (rest.data != NULL && !small_number(rest, 7, &parts->bit)) {
        return err_set(err, ERR_INVALID, MSG_S7_BIT_RANGE, ARGS(A_STR(rest)));
    }
    return 0;
}

/* "string", "string(20)", "string[20]" */
static int parse_type(struct str word, struct parts *parts, struct err *err) {
    size_t open = str_find(word, '(') < word.size ? str_find(word, '(') : str_find(word, '[');
    struct str name = str_slice(word, 0, open);
    if (parts->type != NOT_SAID) {
        return err_set(err, ERR_INVALID, MSG_S7_TYPE_TWICE, ARGS(A_STR(word)));
    }
    for (int64_t i = 0; i < TYPE_COUNT; i++) {
        parts->type = str_eq_nocase(name, str_of(types[i].name)) ? i : parts->type;
    }
    if (parts->type == NOT_SAID) {
        return err_set(err, ERR_INVALID, MSG_S7_TYPE_UNKNOWN, ARGS(A_STR(word)));
    }
    if (open == word.size) {
        return 0;
    }
    enum s7_format format = types[parts->type].format;
    int64_t max = format == S7_WSTRING ? S7_WSTRING_MAX : S7_STRING_MAX;
    char last = word.data[word.size - 1];
    struct str number = str_slice(word, open + 1, word.size - 1);
    if (types[parts->type].bytes != 0 || (last != ')' && last != ']')) {
        return err_set(err, ERR_INVALID, MSG_S7_TYPE_UNKNOWN, ARGS(A_STR(word)));
    }
    if (!small_number(number, max, &parts->characters) || parts->characters == 0) {
        return err_set(
            err, ERR_INVALID, MSG_S7_STRING_LENGTH, ARGS(A_STR(number), A_INT(max), A_STR(name)));
    }
    return 0;
}

/* What stands behind "DB1.": "DBX0.3", "10", "REAL8", "S20.10". */
static int parse_block_place(struct str text, struct parts *parts, struct err *err) {
    struct str word = letters_of(text);
    struct str place = str_slice(text, word.size, text.size);
    if (word.size == 0) {
        return parse_byte(place, parts, err);
    }
    char first = upper(word.data[0]);
    bool in_block = word.size == 3 && str_eq_nocase(str_slice(word, 0, 2), STR("DB"));
    char width = in_block ? upper(word.data[2]) : word.size == 1 ? first : 0;
    if (width == 'X' || width == 'B' || width == 'W' || width == 'D') {
        parts->width = width;
        return parse_byte(place, parts, err);
    }
    bool is_text = str_eq_nocase(word, STR("S")) || str_eq_nocase(word, STR("STRING"));
    int result = parse_type(is_text ? STR("string") : word, parts, err);
    if (result == 0 && is_text) { // STRING20.10: ten characters at byte 20.
        struct str characters = place;
        place = str_cut(&characters, '.');
        if (characters.data != NULL &&
            (!small_number(characters, S7_STRING_MAX, &parts->characters) ||
                parts->characters == 0)) {
            return err_set(err, ERR_INVALID, MSG_S7_STRING_LENGTH,
                ARGS(A_STR(characters), A_INT(S7_STRING_MAX), A_STR(word)));
        }
    }
    return result == 0 ? parse_byte(place, parts, err) : result;
}

static int parse_block(struct str source, struct parts *parts, struct err *err) {
    size_t end = 2;
    while (end < source.size && is_digit(source.data[end])) {
        end++;
    }
    struct str number = str_slice(source, 2, end);
    parts->area = S7_AREA_DB;
    if (!small_number(number, DB_MAX, &parts->block) || parts->block == 0) {
        return err_set(err, ERR_INVALID, MSG_S7_BLOCK_NUMBER, ARGS(A_STR(source)));
    }
    if (end + 1 >= source.size || (source.data[end] != '.' && source.data[end] != ',')) {
        return err_set(err, ERR_INVALID, MSG_S7_BLOCK_PLACE, ARGS(A_STR(source), A_STR(number)));
    }
    return parse_block_place(str_slice(source, end + 1, source.size), parts, err);
}

/* Counter or timer. */
static int parse_counted(
    struct str source, enum s7_area area, struct parts *parts, struct err *err) {
    struct str number = str_slice(source, 1, source.size);
    parts->area = area;
    if (!small_number(number, S7_CELLS - 1, &parts->start)) {
        return err_set(err, ERR_INVALID, MSG_S7_BYTE_RANGE, ARGS(A_STR(number)));
    }
    return 0;
}

static int parse_place(struct str source, struct parts *parts, struct err *err) {
    if (source.size > 0 && source.data[0] == '%') {
        source = str_slice(source, 1, source.size);
    }
    if (source.size >= 2 && str_eq_nocase(str_slice(source, 0, 2), STR("DB"))) {
        return parse_block(source, parts, err);
    }
    struct str word = letters_of(source);
    char width = word.size == 2 ? upper(word.data[1]) : 0;
    bool known = word.size == 1 ||
                 (word.size == 2 && (width == 'X' || width == 'B' || width == 'W' || width == 'D'));
    switch (known ? upper(source.data[0]) : 0) {
    case 'M': parts->area = S7_AREA_MEMORY; break;
    case 'I':
    case 'E': parts->area = S7_AREA_INPUT; break;
    case 'Q':
    case 'A': parts->area = S7_AREA_OUTPUT; break;
    case 'T': known = word.size == 1; break;
    case 'C':
    case 'Z': known = word.size == 1; break;
    default: known = false; break;
    }
    if (!known) {
        return err_set(err, ERR_INVALID, MSG_S7_AREA_UNKNOWN, ARGS(A_STR(source)));
    }
    char first = upper(source.data[0]);
    if (first == 'T' || first == 'C' || first == 'Z') {
        return parse_counted(source, first == 'T' ? S7_AREA_TIMER : S7_AREA_COUNTER, parts, err);
    }
    parts->width = width;
    return parse_byte(str_slice(source, word.size, source.size), parts, err);
}

static bool is_counted(const struct parts *parts) {
    return parts->area == S7_AREA_COUNTER || parts->area == S7_AREA_TIMER;
}

static int64_t type_named(const char *name) {
    for (int64_t i = 0; i < TYPE_COUNT; i++) {
        if (str_eq(str_of(name), str_of(types[i].name))) {
            return i;
        }
    }
    return NOT_SAID;
}

/* Fills the type that nobody said; refuses what contradicts itself. */
static int settle_type(struct parts *parts, struct str source, struct err *err) {
    if (parts->type == NOT_SAID) {
        const char *name = parts->bit != NOT_SAID ? "bool"
                           : parts->width == 'B'  ? "byte"
                           : parts->width == 'W'  ? "word"
                           : parts->width == 'D'  ? "dword"
                                                  : NULL;
        if (parts->width == 'X' && parts->bit == NOT_SAID) {
            return err_set(err, ERR_INVALID, MSG_S7_BIT_MISSING, ARGS(A_STR(source)));
        }
        if (name == NULL) {
            return err_set(err, ERR_INVALID, MSG_S7_TYPE_MISSING, ARGS(A_STR(source)));
        }
        parts->type = type_named(name);
    }
    uint32_t bytes = types[parts->type].bytes;
    struct str name = str_of(types[parts->type].name);
    bool is_bool = types[parts->type].format == S7_BOOL;
    if (is_bool && parts->bit == NOT_SAID) {
        return err_set(err, ERR_INVALID, MSG_S7_BIT_MISSING, ARGS(A_STR(source)));
    }
    bool pointer = parts->width == 'X' && parts->bit == 0; // P#DB1.DBX10.0, the start of anything.
    if (!is_bool && parts->bit != NOT_SAID && !pointer) {
        return err_set(err, ERR_INVALID, MSG_S7_BIT_TYPE, ARGS(A_STR(name)));
    }
    bool fits = !(parts->width == 'W' && bytes != 2) && !(parts->width == 'D' && bytes != 4) &&
                !(parts->width == 'B' && (bytes == 2 || bytes == 4));
    if (!fits || (is_bool && parts->width != 'X' && parts->width != 0)) {
        return err_set(err, ERR_INVALID, MSG_S7_WIDTH, ARGS(A_STR(source), A_STR(name)));
    }
    return 0;
}

static void fill_point(const struct parts *parts, struct point *point) {
    bool is_block = parts->area == S7_AREA_DB;
    *point = (struct point){.start = (uint32_t)parts->start,
        .space = (uint32_t)parts->area << 16 | (is_block ? (uint32_t)parts->block : 0)};
    if (is_counted(parts)) {
        point->length = 1;
        point->natural_type = TYPE_I64;
        point->detail[S7_DETAIL_FORMAT] = parts->area == S7_AREA_TIMER ? S7_TIMER : S7_COUNTER;
        return;
    }
    enum s7_format format = types[parts->type].format;
    int64_t fallback = format == S7_CHAR ? 1 : S7_STRING_MAX;
    uint32_t characters = (uint32_t)(parts->characters > 0 ? parts->characters : fallback);
    switch ((int)format) {
    case S7_CHAR: point->length = characters; break;
    case S7_STRING: point->length = 2 + characters; break;
    case S7_WSTRING: point->length = 4 + 2 * characters; break;
    default: point->length = types[parts->type].bytes; break;
    }
    point->natural_type = types[parts->type].type;
    point->writable = point->natural_type != TYPE_TEXT && parts->area != S7_AREA_INPUT;
    point->detail[S7_DETAIL_FORMAT] = format;
    point->detail[S7_DETAIL_BIT] = format == S7_BOOL ? (uint32_t)parts->bit : 0;
    point->detail[S7_DETAIL_CHARACTERS] = characters;
}

int s7_parse_address(struct str source, const struct driver_settings *settings,
    struct point *ret_point, struct err *err) {
    (void)settings;
    struct parts parts = {
        .bit = NOT_SAID, .type = NOT_SAID, .characters = NOT_SAID, .block = NOT_SAID};
    struct str rest = str_trim(source);
    struct str place = str_cut(&rest, ' ');
    struct str word = str_trim(rest);
    int result = parse_place(place, &parts, err);
    if (result == 0 && word.size > 0) {
        result = is_counted(&parts)
                     ? err_set(err, ERR_INVALID, MSG_S7_COUNTED_TYPE, ARGS(A_STR(word)))
                     : parse_type(word, &parts, err);
    }
    if (result == 0 && !is_counted(&parts)) {
        result = settle_type(&parts, place, err);
    }
    if (result < 0) {
        return result;
    }
    struct point point;
    fill_point(&parts, &point);
    if (point.start + point.length > S7_CELLS) {
        return err_set(err, ERR_INVALID, MSG_S7_END, ARGS(A_INT(point.start), A_INT(point.length)));
    }
    *ret_point = point;
    return 0;
}
