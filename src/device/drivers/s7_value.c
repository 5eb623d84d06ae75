/*
 * S7 bytes to values and back. Everything is big-endian.
 *
 * Formats (SIMATIC STEP 7 manuals, chapter on data types): S5TIME is a two-bit time base (10 ms,
 * 100 ms, 1 s, 10 s) and three BCD digits; S5 timers and counters are read in the same BCD. TIME is
 * milliseconds and LTIME nanoseconds, signed. DATE counts days since 1990-01-01, TIME_OF_DAY
 * milliseconds since midnight. DATE_AND_TIME is eight BCD bytes: year (90..99 are 1990s, 00..89
 * 2000s), month, day, hour, minute, second, then three digits of milliseconds and the weekday. DTL
 * is year (16 bits), month, day, weekday, hour, minute, second, nanoseconds (32 bits). STRING is
 * its longest and its present length in a byte each, then the characters; WSTRING the same with
 * 16-bit numbers and UTF-16 characters.
 *
 * Dates become text without a zone, since the controller's clock names none. What the bytes cannot
 * mean (a digit above 9, a 13th month, a length above the longest) is a bad value with words, never
 * a guess: it is what an address one byte off looks like.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "device/drivers/s7.h"
#include "table/table.h"

enum {
    TEXT_BYTES = 3 * S7_WSTRING_MAX,
    MS_PER_DAY = 86400000,
    DAYS_1970_TO_1990 = 7305,
    COUNTER_MAX = 999,
    S5TIME_MAX_MS = 9990000,
};
_Static_assert(TEXT_BYTES <= 4096, "a decoded text is a text value");

static uint64_t gather(const uint8_t *data, uint32_t count) {
    uint64_t bits = 0;
    for (uint32_t i = 0; i < count; i++) {
        bits = bits << 8 | data[i];
    }
    return bits;
}

static void spread(uint64_t bits, uint8_t *data, uint32_t count) {
    for (uint32_t i = 0; i < count; i++) {
        data[i] = (uint8_t)(bits >> (8 * (count - 1 - i)));
    }
}

/* Three BCD digits; -1 when one is none. */
static int bcd3(uint32_t word) {
    uint32_t high = word >> 8 & 15;
    uint32_t middle = word >> 4 & 15;
    uint32_t low = word & 15;
    return high > 9 || middle > 9 || low > 9 ? -1 : (int)(high * 100 + middle * 10 + low);
}

static int bcd2(uint8_t byte) {
    return byte >> 4 > 9 || (byte & 15) > 9 ? -1 : (byte >> 4) * 10 + (byte & 15);
}

/* Not what this type can hold: most often an address that is off by some bytes. */
static void strange(const struct point *point, struct point_sink *sink, const char *type) {
    struct err err = ERR_INIT;
    (void)err_set(&err, ERR_DEVICE, MSG_S7_STRANGE, ARGS(A_INT(point->start), A_CSTR(type)));
    sink_bad(sink, point, STATUS_BAD_DATA_ENCODING, &err);
}

static void decode_s5time(const struct point *point, uint32_t word, struct point_sink *sink) {
    static const int base_ms[] = {10, 100, 1000, 10000};
    int count = bcd3(word);
    if (count < 0) {
        strange(point, sink, "S5TIME");
        return;
    }
    sink_i64(sink, point, (int64_t)count * base_ms[word >> 12 & 3]);
}

static void decode_counter(const struct point *point, uint32_t word, struct point_sink *sink) {
    int count = bcd3(word);
    if (count < 0) {
        strange(point, sink, "COUNTER");
        return;
    }
    sink_i64(sink, point, count);
}

/* Days since 1970-01-01 to year, month, day (Gregorian; era arithmetic of 400 years). */
static void civil(int64_t days, int *ret_year, int *ret_month, int *ret_day) {
    int64_t shifted = days + 719468; // From 0000-03-01.
    int64_t era = shifted / 146097;
    int64_t of_era = shifted % 146097;
    int64_t year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    int64_t of_year = of_era - (365 * year + year / 4 - year / 100);
    int64_t month = (5 * of_year + 2) / 153;
    *ret_day = (int)(of_year - (153 * month + 2) / 5 + 1);
    *ret_month = (int)(month < 10 ? month + 3 : month - 9);
    *ret_year = (int)(year + era * 400 + (*ret_month <= 2));
}

static void decode_date(const struct point *point, uint32_t days, struct point_sink *sink) {
    int year = 0;
    int month = 0;
    int day = 0;
    char text[24];
    civil((int64_t)days + DAYS_1970_TO_1990, &year, &month, &day);
    (void)snprintf(text, sizeof text, "%04d-%02d-%02d", year, month, day);
    sink_text(sink, point, str_of(text));
}

static void decode_tod(const struct point *point, uint32_t ms, struct point_sink *sink) {
    char text[24];
    if (ms >= MS_PER_DAY) {
        strange(point, sink, "TIME_OF_DAY");
        return;
    }
    (void)snprintf(text, sizeof text, "%02u:%02u:%02u.%03u", (unsigned)(ms / 3600000),
        (unsigned)(ms / 60000 % 60), (unsigned)(ms / 1000 % 60), (unsigned)(ms % 1000));
    sink_text(sink, point, str_of(text));
}

static int days_of(int year, int month) {
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return days[month - 1] + (month == 2 && leap);
}

static bool is_moment(int year, int month, int day, int hour, int minute, int second) {
    return month >= 1 && month <= 12 && day >= 1 && day <= days_of(year, month) && hour >= 0 &&
           hour < 24 && minute >= 0 && minute < 60 && second >= 0 && second < 60;
}

static void decode_dt(const struct point *point, const uint8_t *data, struct point_sink *sink) {
    int parts[6];
    for (int i = 0; i < 6; i++) {
        parts[i] = bcd2(data[i]);
    }
    int ms = bcd3((uint32_t)data[6] << 4 | data[7] >> 4);
    int year = parts[0] < 90 ? 2000 + parts[0] : 1900 + parts[0];
    if (parts[0] < 0 || ms < 0 ||
        !is_moment(year, parts[1], parts[2], parts[3], parts[4], parts[5])) {
        strange(point, sink, "DATE_AND_TIME");
        return;
    }
    char text[40];
    (void)snprintf(text, sizeof text, "%04d-%02d-%02dT%02d:%02d:%02d.%03d", year, parts[1],
        parts[2], parts[3], parts[4], parts[5], ms);
    sink_text(sink, point, str_of(text));
}

static void decode_dtl(const struct point *point, const uint8_t *data, struct point_sink *sink) {
    unsigned year = (unsigned)gather(data, 2);
    unsigned ns = (unsigned)gather(data + 8, 4);
    if (year < 1970 || year > 2554 || ns > 999999999u ||
        !is_moment((int)year, data[2], data[3], data[5], data[6], data[7])) {
        strange(point, sink, "DTL");
        return;
    }
    char text[48];
    (void)snprintf(text, sizeof text, "%04u-%02u-%02uT%02u:%02u:%02u.%09u", year, data[2], data[3],
        data[5], data[6], data[7], ns);
    sink_text(sink, point, str_of(text));
}

/* The character in UTF-8; how many bytes. */
static uint32_t put_utf8(char *to, uint32_t c) {
    if (c < 0x80) {
        to[0] = (char)c;
        return 1;
    }
    uint32_t more = c < 0x800 ? 1 : c < 0x10000 ? 2 : 3; // Bytes behind the first.
    static const uint8_t heads[] = {0, 0xC0, 0xE0, 0xF0};
    to[0] = (char)(heads[more] | c >> (6 * more));
    for (uint32_t i = 1; i <= more; i++) {
        to[i] = (char)(0x80 | (c >> (6 * (more - i)) & 0x3F));
    }
    return more + 1;
}

static void wrong_text(const struct point *point, struct point_sink *sink, const char *encoding) {
    struct err err = ERR_INIT;
    (void)err_set(&err, ERR_DEVICE, MSG_S7_ENCODING, ARGS(A_INT(point->start), A_CSTR(encoding)));
    sink_bad(sink, point, STATUS_BAD_DATA_ENCODING, &err);
}

/* Characters of one byte; trailing blanks and NULs of CHAR arrays are filling. */
static void decode_characters(const struct point *point, const struct driver_settings *settings,
    const uint8_t *data, uint32_t count, struct point_sink *sink) {
    char room[2 * S7_STRING_MAX];
    struct str text = {.data = room};
    enum s7_encoding encoding = (enum s7_encoding)settings->values[S7_OPTION_ENCODING];
    if (encoding == S7_CP949) {
        struct str bytes = {.data = (const char *)data, .size = count};
        if (!table_cp949_to_utf8(bytes, room, sizeof room, &text.size)) {
            wrong_text(point, sink, "cp949");
            return;
        }
        sink_text(sink, point, text);
        return;
    }
    for (uint32_t i = 0; i < count; i++) {
        if (encoding == S7_ASCII && data[i] >= 0x80) {
            wrong_text(point, sink, "ascii");
            return;
        }
        if (encoding == S7_UTF8) {
            room[text.size++] = (char)data[i];
        } else {
            text.size += put_utf8(room + text.size, data[i]);
        }
    }
    if (!str_is_utf8(text, NULL)) {
        wrong_text(point, sink, "utf8");
        return;
    }
    sink_text(sink, point, text);
}

static void decode_char(const struct point *point, const struct driver_settings *settings,
    const uint8_t *data, struct point_sink *sink) {
    uint32_t count = point->length;
    while (count > 0 && (data[count - 1] == 0 || data[count - 1] == ' ')) {
        count--;
    }
    decode_characters(point, settings, data, count, sink);
}

/* The lengths at the head of a string: longest as declared in the block, and present. False: bad,
 * and told. */
static bool check_lengths(
    const struct point *point, uint32_t longest, uint32_t present, struct point_sink *sink) {
    uint32_t asked = point->detail[S7_DETAIL_CHARACTERS];
    if (present > longest) {
        strange(point, sink, "STRING");
        return false;
    }
    if (present > asked) {
        struct err err = ERR_INIT;
        (void)err_set(&err, ERR_DEVICE, MSG_S7_STRING_LONGER,
            ARGS(A_INT(point->start), A_INT(present), A_INT(asked)));
        sink_bad(sink, point, STATUS_BAD_CONFIGURATION, &err);
        return false;
    }
    return true;
}

/* UTF-16, big-endian. */
static void decode_wstring(
    const struct point *point, const uint8_t *data, struct point_sink *sink) {
    uint32_t present = (uint32_t)gather(data + 2, 2);
    if (!check_lengths(point, (uint32_t)gather(data, 2), present, sink)) {
        return;
    }
    char room[TEXT_BYTES];
    struct str text = {.data = room};
    for (uint32_t i = 0; i < present; i++) {
        uint32_t c = (uint32_t)gather(data + 4 + (size_t)2 * i, 2);
        if (c >= 0xD800 && c < 0xDC00 && i + 1 < present) {
            uint32_t low = (uint32_t)gather(data + 4 + (size_t)2 * ++i, 2);
            c = low >= 0xDC00 && low < 0xE000 ? 0x10000 + (c - 0xD800) * 0x400 + (low - 0xDC00) : c;
        }
        if (c >= 0xD800 && c < 0xE000) {
            wrong_text(point, sink, "UTF-16");
            return;
        }
        text.size += put_utf8(room + text.size, c);
    }
    sink_text(sink, point, text);
}

static void decode_text(const struct point *point, const struct driver_settings *settings,
    const uint8_t *data, struct point_sink *sink) {
    switch (point->detail[S7_DETAIL_FORMAT]) {
    case S7_CHAR: decode_char(point, settings, data, sink); break;
    case S7_STRING:
        if (check_lengths(point, data[0], data[1], sink)) {
            decode_characters(point, settings, data + 2, data[1], sink);
        }
        break;
    case S7_WSTRING: decode_wstring(point, data, sink); break;
    case S7_DATE: decode_date(point, (uint32_t)gather(data, 2), sink); break;
    case S7_TOD: decode_tod(point, (uint32_t)gather(data, 4), sink); break;
    case S7_DT: decode_dt(point, data, sink); break;
    case S7_DTL: decode_dtl(point, data, sink); break;
    default: break; // Numbers have their own path.
    }
}

void s7_decode(const struct point *point, const struct driver_settings *settings,
    const uint8_t *data, struct point_sink *sink) {
    if (point->natural_type == TYPE_TEXT) {
        decode_text(point, settings, data, sink);
        return;
    }
    uint32_t bytes = s7_is_counted(point->space) ? 2 : point->length;
    uint64_t bits = gather(data, bytes);
    uint32_t half = (uint32_t)bits;
    float f32 = 0;
    double f64 = 0;
    switch (point->detail[S7_DETAIL_FORMAT]) {
    case S7_BOOL: sink_bool(sink, point, data[0] >> point->detail[S7_DETAIL_BIT] & 1); break;
    case S7_BYTE:
    case S7_WORD:
    case S7_DWORD:
    case S7_LINT:
    case S7_LTIME: sink_i64(sink, point, (int64_t)bits); break;
    case S7_SINT: sink_i64(sink, point, (int8_t)bits); break;
    case S7_INT: sink_i64(sink, point, (int16_t)bits); break;
    case S7_DINT:
    case S7_TIME: sink_i64(sink, point, (int32_t)half); break;
    case S7_LWORD:
        if (bits > INT64_MAX) {
            sink_bad(sink, point, STATUS_BAD_OUT_OF_RANGE, NULL);
        } else {
            sink_i64(sink, point, (int64_t)bits);
        }
        break;
    case S7_REAL:
        memcpy(&f32, &half, sizeof f32);
        sink_f64(sink, point, (double)f32);
        break;
    case S7_LREAL:
        memcpy(&f64, &bits, sizeof f64);
        sink_f64(sink, point, f64);
        break;
    case S7_S5TIME:
    case S7_TIMER: decode_s5time(point, half, sink); break;
    case S7_COUNTER: decode_counter(point, half, sink); break;
    default: break; // Texts have their own path.
    }
}

static int out_of_range(double value, struct err *err) {
    return err_set(err, ERR_RANGE, MSG_S7_VALUE_RANGE, ARGS(A_REAL(value)));
}

/* A value as a whole number between the limits. */
static int whole(
    const struct sample *value, int64_t min, int64_t max, uint64_t *ret_bits, struct err *err) {
    int64_t number = value->value.i64;
    if (value->type == TYPE_F64) {
        double real = value->value.f64;
        /* Limits as doubles: 2^63 itself is out of range. */
        if (isnan(real) || real < -9223372036854775808.0 || real >= 9223372036854775808.0) {
            return out_of_range(real, err);
        }
        number = (int64_t)nearbyint(real);
    }
    if (number < min || number > max) {
        return out_of_range((double)number, err);
    }
    *ret_bits = (uint64_t)number;
    return 0;
}

/* The finest time base that holds the time; what it cannot show is cut, as the controller does. */
static int encode_s5time(const struct sample *value, uint64_t *ret_bits, struct err *err) {
    uint64_t ms = 0;
    int result = whole(value, 0, S5TIME_MAX_MS, &ms, err);
    if (result < 0) {
        return result;
    }
    uint32_t base = 0;
    uint32_t count = (uint32_t)ms / 10;
    while (count > COUNTER_MAX) {
        count /= 10;
        base++;
    }
    *ret_bits = base << 12 | (count / 100) << 8 | (count / 10 % 10) << 4 | count % 10;
    return 0;
}

int s7_encode(const struct point *point, const struct sample *value,
    uint8_t ret_data[S7_VALUE_BYTES], struct err *err) {
    if (value->type == TYPE_TEXT || !point->writable) {
        return err_set(err, ERR_UNSUPPORTED, MSG_S7_NOT_WRITABLE, NO_ARGS);
    }
    double number = value->type == TYPE_F64 ? value->value.f64 : (double)value->value.i64;
    float f32 = (float)number;
    uint32_t half = 0;
    uint64_t bits = 0;
    int result = 0;
    switch (point->detail[S7_DETAIL_FORMAT]) {
    case S7_BOOL: result = whole(value, 0, 1, &bits, err); break;
    case S7_BYTE: result = whole(value, 0, UINT8_MAX, &bits, err); break;
    case S7_SINT: result = whole(value, INT8_MIN, INT8_MAX, &bits, err); break;
    case S7_WORD: result = whole(value, 0, UINT16_MAX, &bits, err); break;
    case S7_INT: result = whole(value, INT16_MIN, INT16_MAX, &bits, err); break;
    case S7_DWORD: result = whole(value, 0, UINT32_MAX, &bits, err); break;
    case S7_DINT:
    case S7_TIME: result = whole(value, INT32_MIN, INT32_MAX, &bits, err); break;
    case S7_LWORD: result = whole(value, 0, INT64_MAX, &bits, err); break;
    case S7_LINT:
    case S7_LTIME: result = whole(value, INT64_MIN, INT64_MAX, &bits, err); break;
    case S7_S5TIME: result = encode_s5time(value, &bits, err); break;
    case S7_REAL:
        if (isinf(f32) && !isinf(number)) {
            return out_of_range(number, err);
        }
        memcpy(&half, &f32, sizeof half);
        bits = half;
        break;
    case S7_LREAL: memcpy(&bits, &number, sizeof bits); break;
    default: return err_set(err, ERR_UNSUPPORTED, MSG_S7_NOT_WRITABLE, NO_ARGS);
    }
    if (result < 0) {
        return result;
    }
    spread(bits, ret_data, point->length);
    return (int)point->length;
}
