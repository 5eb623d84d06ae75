/*
 * Numbers of workbooks. A date is a count of days: serial 1 is 1900-01-01, and 1900-02-29, which
 * never was, is serial 60, so real days from 1900-03-01 count from 1899-12-30; with the 1904 system
 * serial 0 is 1904-01-01. Times are fractions of a day; they are rounded to the millisecond, for a
 * double holds a present-day serial to about a microsecond.
 *
 * Which numbers are dates stands only in the number format. Format codes are read as far as needed:
 * the first section, without quoted and escaped text, brackets and AM/PM; y and d make a date, h
 * and s a time, a lone m a month; [h] [m] [s] an elapsed time. A code of nothing but zeros pads.
 */
#include "table/xlsx_cell.h"

#include <math.h>
#include <string.h>

#include "core/clock.h"
#include "core/time.h"

enum {
    DAY_MS = 86400000,
    HOUR_MS = 3600000,
    EPOCH_1900 = -25569, // 1899-12-30 in days from 1970.
    EPOCH_1904 = -24107,
    LEAP_SERIAL = 60,
    SERIAL_MAX = 2958466, // 10000-01-01: refused from here.
    ZEROS_MAX = 32,
};
static const double WHOLE_MAX = 1e18; // Whole numbers below are written digit by digit.

struct cell_format cell_format_of_id(uint32_t id) {
    enum cell_kind kind = CELL_NUMBER;
    if ((id >= 14 && id <= 17) || (id >= 27 && id <= 31) || (id >= 34 && id <= 36) ||
        (id >= 50 && id <= 58)) {
        kind = CELL_DATE;
    } else if ((id >= 18 && id <= 21) || id == 32 || id == 33 || id == 45 || id == 47) {
        kind = CELL_TIME;
    } else if (id == 22) {
        kind = CELL_DATE_TIME;
    } else if (id == 46) {
        kind = CELL_ELAPSED;
    }
    return (struct cell_format){.kind = (uint8_t)kind};
}

static char lower(char c) {
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

/* What a format code asks for. */
struct code_census {
    bool date;
    bool time;
    bool month_or_minute;
    bool elapsed;
};

/* [h] [mm] [ss] are elapsed times; other brackets are colours, conditions and languages. */
static void take_bracket(struct str inside, struct code_census *census) {
    bool all = inside.size > 0;
    for (size_t i = 0; i < inside.size; i++) {
        char c = lower(inside.data[i]);
        all = all && (c == 'h' || c == 'm' || c == 's') && c == lower(inside.data[0]);
    }
    census->elapsed = census->elapsed || all;
}

static bool is_zeros(struct str code) {
    for (size_t i = 0; i < code.size; i++) {
        if (code.data[i] != '0') {
            return false;
        }
    }
    return code.size >= 2 && code.size <= ZEROS_MAX;
}

struct cell_format cell_format_of_code(struct str code) {
    if (is_zeros(code)) {
        return (struct cell_format){.kind = CELL_ZEROS, .digits = (uint8_t)code.size};
    }
    struct code_census census = {0};
    size_t i = 0;
    while (i < code.size && code.data[i] != ';') {
        struct str rest = str_slice(code, i + 1, code.size);
        char c = lower(code.data[i]);
        if (c == '"') {
            i += str_find(rest, '"') + 2;
            continue;
        }
        if (c == '[') {
            size_t size = str_find(rest, ']');
            take_bracket(str_slice(rest, 0, size), &census);
            i += size + 2;
            continue;
        }
        if (c == '\\' || c == '_' || c == '*') {
            i += 2;
            continue;
        }
        if (str_eq_nocase(str_slice(rest, 0, 4), STR("M/PM"))) {
            i += 5;
            continue;
        }
        census.date = census.date || c == 'y' || c == 'd';
        census.time = census.time || c == 'h' || c == 's';
        census.month_or_minute = census.month_or_minute || c == 'm';
        i++;
    }
    enum cell_kind kind = census.elapsed               ? CELL_ELAPSED
                          : census.date && census.time ? CELL_DATE_TIME
                          : census.date                ? CELL_DATE
                          : census.time                ? CELL_TIME
                          : census.month_or_minute     ? CELL_DATE
                                                       : CELL_NUMBER;
    return (struct cell_format){.kind = (uint8_t)kind};
}

/* ---- Writing ---- */

static void put_clock(struct buf *out, int64_t ms) {
    buf_printf(out, "%02lld:%02lld:%02lld", (long long)(ms / HOUR_MS), (long long)(ms / 60000 % 60),
        (long long)(ms / 1000 % 60));
    if (ms % 1000 != 0) {
        buf_printf(out, ".%03lld", (long long)(ms % 1000));
    }
}

static void put_date(struct buf *out, int64_t days_from_1970) {
    char text[TIME_TEXT_MAX];
    size_t size = time_format(days_from_1970 * DAY_MS * NS_PER_MS, NULL, text);
    buf_put_str(out, str_slice((struct str){text, size}, 0, sizeof "2026-01-31" - 1));
}

/* A serial as date, time or both; false when it can be none. */
static bool put_serial(struct buf *out, double serial, enum cell_kind kind, bool from_1904) {
    if (!(serial >= 0) || serial >= SERIAL_MAX) {
        return false;
    }
    int64_t total_ms = llround(serial * DAY_MS);
    int64_t days = total_ms / DAY_MS;
    int64_t ms = total_ms % DAY_MS;
    if (kind == CELL_ELAPSED) {
        put_clock(out, total_ms);
        return true;
    }
    if (days == 0 && (kind == CELL_TIME || (ms > 0 && !from_1904))) {
        put_clock(out, ms);
        return true;
    }
    int64_t epoch = from_1904 ? EPOCH_1904 : days < LEAP_SERIAL ? EPOCH_1900 + 1 : EPOCH_1900;
    put_date(out, epoch + days);
    if (kind != CELL_DATE || ms > 0) {
        buf_put_char(out, 'T');
        put_clock(out, ms);
    }
    return true;
}

static bool is_whole(struct str text) {
    size_t from = text.size > 0 && text.data[0] == '-';
    for (size_t i = from; i < text.size; i++) {
        if (text.data[i] < '0' || text.data[i] > '9') {
            return false;
        }
    }
    return text.size > from;
}

static void put_padded(struct buf *out, struct str whole, uint32_t digits) {
    if (whole.size > 0 && whole.data[0] == '-') {
        buf_put_char(out, '-');
        whole = str_slice(whole, 1, whole.size);
    }
    for (size_t i = whole.size; i < digits; i++) {
        buf_put_char(out, '0');
    }
    buf_put_str(out, whole);
}

void cell_put_number(struct buf *out, struct str text, struct cell_format format, bool from_1904) {
    double value = 0;
    text = str_trim(text);
    if (!str_to_f64(text, &value) || !isfinite(value)) {
        buf_put_str(out, text);
        return;
    }
    bool is_time = format.kind != CELL_NUMBER && format.kind != CELL_ZEROS;
    if (is_time && put_serial(out, value, (enum cell_kind)format.kind, from_1904)) {
        return;
    }
    char digits[32];
    struct str shortest = text;
    if (!is_whole(text) || (text.size == 2 && text.data[0] == '-' && text.data[1] == '0')) {
        bool whole = value == rint(value) && fabs(value) < WHOLE_MAX;
        bool minus_zero = value == 0 && signbit(value) != 0;
        size_t size =
            whole && !minus_zero ? i64_to_text((int64_t)value, digits) : f64_to_text(value, digits);
        shortest = (struct str){digits, size};
    }
    put_padded(out, shortest, format.kind == CELL_ZEROS && is_whole(shortest) ? format.digits : 0);
}

static int hex_digit(char c) {
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
                                  : -1;
}

/* "_xHHHH_" at the start; -1 when it is not. */
static int escape_at(struct str text) {
    if (text.size < 7 || text.data[0] != '_' || text.data[1] != 'x' || text.data[6] != '_') {
        return -1;
    }
    int value = 0;
    for (size_t i = 2; i < 6; i++) {
        int digit = hex_digit(text.data[i]);
        if (digit < 0) {
            return -1;
        }
        value = value * 16 + digit;
    }
    return value > 0 && value < 0x80 ? value : -1; // Others need no escape and are left.
}

void cell_put_text(struct buf *out, struct str text) {
    while (text.size > 0) {
        size_t plain = str_find(text, '_');
        buf_put_str(out, str_slice(text, 0, plain));
        text = str_slice(text, plain, text.size);
        int value = escape_at(text);
        if (value >= 0) {
            buf_put_char(out, (char)value);
            text = str_slice(text, 7, text.size);
        } else if (text.size > 0) {
            buf_put_char(out, '_');
            text = str_slice(text, 1, text.size);
        }
    }
}

bool cell_column(struct str reference, uint32_t *ret_column) {
    uint32_t column = 0;
    size_t i = 0;
    while (i < reference.size && i < 3 && reference.data[i] >= 'A' && reference.data[i] <= 'Z') {
        column = column * 26 + (uint32_t)(reference.data[i] - 'A') + 1;
        i++;
    }
    if (i == 0 || i == reference.size || reference.data[i] < '0' || reference.data[i] > '9') {
        return false;
    }
    *ret_column = column - 1;
    return true;
}
