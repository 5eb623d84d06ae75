/*
 * Cells are people's and machines' texts. What can be read in one way only is read; what could mean
 * two things (31/01/2026, 1.234) is not guessed: days come after months after years, and a dot is a
 * decimal point.
 */
#include "device/cell.h"

#include <math.h>

#include "core/clock.h"

enum { DIGITS_MAX = 32, TIME_TEXT_BYTES = 64 };

int cell_source_parse(struct str source, struct cell_source *ret_source, struct err *err) {
    struct str rest = str_trim(source);
    struct cell_source parsed = {.type = TYPE_F64};
    bool quoted = rest.size > 0 && rest.data[0] == '"';
    if (quoted) {
        rest = str_slice(rest, 1, rest.size);
        size_t end = str_find(rest, '"');
        bool closed = end < rest.size;
        parsed.column = str_slice(rest, 0, end);
        rest = str_trim(str_slice(rest, closed ? end + 1 : end, rest.size));
        if (!closed) {
            return err_set(err, ERR_INVALID, MSG_CELL_QUOTE, ARGS(A_STR(source)));
        }
    } else {
        parsed.column = str_cut(&rest, ' ');
        rest = str_trim(rest);
    }
    if (parsed.column.size == 0) {
        return err_set(err, ERR_INVALID, MSG_CELL_COLUMN, NO_ARGS);
    }
    if (rest.size > 0 && !value_type_of_name(rest, &parsed.type)) {
        return err_set(err, ERR_INVALID, MSG_CELL_TYPE, ARGS(A_STR(rest)));
    }
    uint64_t number = 0;
    if (!quoted && parsed.column.data[0] == '#') {
        struct str digits = str_slice(parsed.column, 1, parsed.column.size);
        if (!str_to_u64(digits, &number) || number == 0 || number > 16384) {
            return err_set(err, ERR_INVALID, MSG_CELL_NUMBER, ARGS(A_STR(parsed.column)));
        }
        parsed.number = (uint32_t)number;
    }
    *ret_source = parsed;
    return 0;
}

/* ---- Times ---- */

static bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

/* Takes up to `max` digits. False: none. */
static bool take_number(struct str *rest, size_t max, int *ret_number) {
    size_t n = 0;
    int number = 0;
    while (n < rest->size && n < max && is_digit(rest->data[n])) {
        number = number * 10 + (rest->data[n++] - '0');
    }
    *rest = str_slice(*rest, n, rest->size);
    *ret_number = number;
    return n > 0;
}

static bool take_char(struct str *rest, const char *set) {
    for (const char *c = set; rest->size > 0 && *c != '\0'; c++) {
        if (rest->data[0] == *c) {
            *rest = str_slice(*rest, 1, rest->size);
            return true;
        }
    }
    return false;
}

/* 12 hours to add, 0, or -1 where nothing is said. */
static int take_half(struct str *rest) {
    static const struct {
        const char *word;
        int half;
    } HALVES[] = {{"오전", 0}, {"오후", 1}, {"AM", 0}, {"PM", 1}, {"am", 0}, {"pm", 1}};
    *rest = str_trim(*rest);
    for (size_t i = 0; i < sizeof HALVES / sizeof HALVES[0]; i++) {
        struct str word = str_of(HALVES[i].word);
        if (str_starts(*rest, word)) {
            *rest = str_trim(str_slice(*rest, word.size, rest->size));
            return HALVES[i].half;
        }
    }
    return -1;
}

struct clock_parts {
    int year, month, day, hour, minute, second;
    struct str fraction; // Digits, and what follows (an offset).
};

static bool take_time(struct str rest, struct clock_parts *parts) {
    int half = take_half(&rest);
    if (rest.size == 0) {
        return half < 0;
    }
    if (!take_number(&rest, 2, &parts->hour) || !take_char(&rest, ":") ||
        !take_number(&rest, 2, &parts->minute)) {
        return false;
    }
    if (take_char(&rest, ":") && !take_number(&rest, 2, &parts->second)) {
        return false;
    }
    if (take_char(&rest, ".,")) {
        size_t n = 0;
        while (n < rest.size && n < 9 && is_digit(rest.data[n])) {
            n++;
        }
        parts->fraction = str_slice(rest, 0, n);
        rest = str_slice(rest, n, rest.size);
    }
    int behind = take_half(&rest);
    half = behind >= 0 ? behind : half;
    if (half >= 0) {
        if (parts->hour < 1 || parts->hour > 12) {
            return false;
        }
        parts->hour = parts->hour % 12 + 12 * half;
    }
    return rest.size == 0;
}

/* Puts the parts together as RFC 3339 without an offset and lets the one parser judge them. */
static bool finish(const struct clock_parts *parts, const struct zone *zone, int64_t *ret_time_ns) {
    AUTO_BUF struct buf text;
    buf_init(&text, TIME_TEXT_BYTES);
    buf_printf(&text, "%04d-%02d-%02dT%02d:%02d:%02d", parts->year, parts->month, parts->day,
        parts->hour, parts->minute, parts->second);
    if (parts->fraction.size > 0) {
        buf_put_char(&text, '.');
        buf_put_str(&text, parts->fraction);
    }
    return !text.overflow && time_parse(buf_str(&text), zone, ret_time_ns);
}

static bool packed_time(struct str text, const struct zone *zone, int64_t *ret_time_ns) {
    struct clock_parts parts = {.fraction = STR_NONE};
    struct str rest = text;
    bool good = take_number(&rest, 4, &parts.year) && take_number(&rest, 2, &parts.month) &&
                take_number(&rest, 2, &parts.day) && take_number(&rest, 2, &parts.hour) &&
                take_number(&rest, 2, &parts.minute) && take_number(&rest, 2, &parts.second);
    parts.fraction = rest;
    return good && finish(&parts, zone, ret_time_ns);
}

static bool number_time(struct str text, int64_t unit_ns, int64_t *ret_time_ns) {
    int64_t whole = 0;
    double number = 0;
    if (str_to_i64(text, &whole)) {
        if (unit_ns == 0) { // 1e11: the year 5138 in s, 1973 in ms.
            unit_ns = whole < 100000000000LL       ? NS_PER_S
                      : whole < 100000000000000LL  ? NS_PER_MS
                      : whole < 100000000000000000 ? NS_PER_US
                                                   : 1;
        }
        return whole > 0 && !__builtin_mul_overflow(whole, unit_ns, ret_time_ns);
    }
    if (!str_to_f64(text, &number) || !(number > 0) || number > 1e10) {
        return false;
    }
    unit_ns = unit_ns == 0 ? NS_PER_S : unit_ns;
    *ret_time_ns = (int64_t)(number * (double)unit_ns);
    return true;
}

bool cell_time(struct str text, const struct zone *zone, int64_t unit_ns, int64_t *ret_time_ns) {
    text = str_trim(text);
    if (time_parse(text, zone, ret_time_ns)) {
        return true;
    }
    bool all_digits = text.size > 0;
    for (size_t i = 0; i < text.size; i++) {
        all_digits = all_digits && is_digit(text.data[i]);
    }
    if (unit_ns == 0 && all_digits && (text.size == 14 || text.size == 17) &&
        (text.data[0] == '1' || text.data[0] == '2') && packed_time(text, zone, ret_time_ns)) {
        return true;
    }
    struct clock_parts parts = {.fraction = STR_NONE};
    struct str rest = text;
    if (take_number(&rest, 4, &parts.year) && parts.year >= 1000 && take_char(&rest, "-/.") &&
        take_number(&rest, 2, &parts.month) && take_char(&rest, "-/.") &&
        take_number(&rest, 2, &parts.day) &&
        (rest.size == 0 || take_char(&rest, " T.,"))) { // "2026. 1. 31." ends with a dot.
        return take_time(rest, &parts) && finish(&parts, zone, ret_time_ns);
    }
    return number_time(text, unit_ns, ret_time_ns);
}

/* ---- Values ---- */

/* "1,234,567.5": separators between groups of three before the point. */
static bool grouped_number(struct str text, double *ret_number) {
    char digits[DIGITS_MAX];
    size_t n = 0;
    size_t since = 0;
    bool grouped = false;
    bool fraction = false;
    for (size_t i = 0; i < text.size; i++) {
        char c = text.data[i];
        if (c == ',') {
            if (fraction || n == 0 || (grouped ? since != 3 : since > 3)) {
                return false;
            }
            grouped = true;
            since = 0;
            continue;
        }
        fraction = fraction || c == '.';
        if (c == '.' && grouped && since != 3) {
            return false;
        }
        since += is_digit(c);
        if (n >= sizeof digits) {
            return false;
        }
        digits[n++] = c;
    }
    bool whole = fraction || since == 3;
    return grouped && whole && str_to_f64((struct str){digits, n}, ret_number);
}

static bool as_bool(struct str text, bool *ret_value) {
    static const char *const WORDS[2][9] = {
        {"0", "false", "off", "no", "n", "ng", "fail", "불량", "x"},
        {"1", "true", "on", "yes", "y", "ok", "pass", "양품", "o"}};
    for (int value = 0; value < 2; value++) {
        for (size_t i = 0; i < 9; i++) {
            if (str_eq_nocase(text, str_of(WORDS[value][i]))) {
                *ret_value = value == 1;
                return true;
            }
        }
    }
    return false;
}

bool cell_give(struct point_sink *sink, const struct point *point, enum value_type type,
    struct str text, const struct err *words) {
    struct str bare = str_trim(text);
    double number = 0;
    int64_t whole = 0;
    bool on = false;
    if (bare.size == 0) {
        return true;
    }
    if (type == TYPE_TEXT) {
        sink_text(sink, point, text);
    } else if (type == TYPE_BOOL && as_bool(bare, &on)) {
        sink_bool(sink, point, on);
    } else if (type == TYPE_I64 && str_to_i64(bare, &whole)) {
        sink_i64(sink, point, whole);
    } else if (type == TYPE_I64 && (str_to_f64(bare, &number) || grouped_number(bare, &number)) &&
               number == floor(number) && fabs(number) < 9e15) {
        sink_i64(sink, point, (int64_t)number);
    } else if (type == TYPE_F64 && (str_to_f64(bare, &number) || grouped_number(bare, &number))) {
        sink_f64(sink, point, number);
    } else {
        sink_bad(sink, point, STATUS_BAD_DATA_ENCODING, words);
        return false;
    }
    return true;
}
