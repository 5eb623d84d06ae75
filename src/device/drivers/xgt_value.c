/*
 * Words of an XGT controller to values and back. Words come low byte first (XGL-EFMT manual, data
 * part), and a 32-bit value has its low word first; HMIs and motion modules sometimes keep the high
 * word first, so the order is a setting of the device and of the tag. Text lies in ascending bytes;
 * with the high byte first in each word where the order is high-first.
 *
 * BCD: four or eight decimal digits, one in each nibble; a nibble above 9 is no number, and the
 * value is bad and not guessed.
 */
#include <math.h>
#include <string.h>

#include "device/drivers/xgt.h"

static uint64_t gather(const uint8_t *data, uint32_t bytes, uint32_t order) {
    uint64_t bits = 0;
    for (uint32_t i = 0; i < bytes; i++) {
        uint32_t place = i;
        if (order == XGT_HIGH_FIRST && bytes > 2) {
            place = bytes - 2 - (i & ~1u) + (i & 1u);
        }
        bits |= (uint64_t)data[place] << (8 * i);
    }
    return bits;
}

static void spread(uint64_t bits, uint8_t *data, uint32_t bytes, uint32_t order) {
    for (uint32_t i = 0; i < bytes; i++) {
        uint32_t place = i;
        if (order == XGT_HIGH_FIRST && bytes > 2) {
            place = bytes - 2 - (i & ~1u) + (i & 1u);
        }
        data[place] = (uint8_t)(bits >> (8 * i));
    }
}

static uint32_t format_bytes(enum xgt_format format) {
    switch (format) {
    case XGT_I8:
    case XGT_U8: return 1;
    case XGT_I32:
    case XGT_U32:
    case XGT_F32:
    case XGT_BCD32: return 4;
    case XGT_I64:
    case XGT_U64:
    case XGT_F64: return 8;
    case XGT_BIT:
    case XGT_WORD_BIT:
    case XGT_CONTACT:
    case XGT_I16:
    case XGT_U16:
    case XGT_BCD16:
    case XGT_TEXT:
    case XGT_PLC: break;
    }
    return 2;
}

static void decode_text(const struct point *point, const uint8_t *data, struct point_sink *sink) {
    char text[XGT_TEXT_MAX + 2];
    uint32_t size = point->detail[XGT_TEXT_BYTES];
    uint32_t sub = point->detail[XGT_SUB];
    bool swap = point->detail[XGT_ORDER] == XGT_HIGH_FIRST;
    for (uint32_t i = 0; i < size; i++) {
        uint32_t at = sub + i;
        text[i] = (char)data[swap ? at ^ 1u : at];
    }
    /* Ends at the first NUL; controllers pad with blanks or NULs. */
    struct str value = {.data = text, .size = size};
    value = str_slice(value, 0, str_find(value, '\0'));
    while (value.size > 0 && value.data[value.size - 1] == ' ') {
        value.size--;
    }
    sink_text(sink, point, value);
}

static void decode_bcd(
    const struct point *point, uint64_t bits, uint32_t bytes, struct point_sink *sink) {
    int64_t value = 0;
    for (uint32_t i = bytes * 2; i > 0; i--) {
        uint64_t digit = bits >> (4 * (i - 1)) & 15;
        if (digit > 9) {
            struct err err = ERR_INIT;
            (void)err_set(&err, ERR_FRAME, MSG_XGT_BCD, NO_ARGS);
            sink_bad(sink, point, STATUS_BAD_DATA_ENCODING, &err);
            return;
        }
        value = value * 10 + (int64_t)digit;
    }
    sink_i64(sink, point, value);
}

static void decode_number(const struct point *point, uint64_t bits, struct point_sink *sink) {
    uint32_t half = (uint32_t)bits;
    float f32 = 0;
    double f64 = 0;
    switch ((enum xgt_format)point->detail[XGT_FORMAT]) {
    case XGT_I8: sink_i64(sink, point, (int8_t)bits); break;
    case XGT_I16: sink_i64(sink, point, (int16_t)bits); break;
    case XGT_I32: sink_i64(sink, point, (int32_t)half); break;
    case XGT_F32:
        memcpy(&f32, &half, sizeof f32);
        sink_f64(sink, point, (double)f32);
        break;
    case XGT_F64:
        memcpy(&f64, &bits, sizeof f64);
        sink_f64(sink, point, f64);
        break;
    case XGT_U64:
        if (bits > INT64_MAX) {
            sink_bad(sink, point, STATUS_BAD_OUT_OF_RANGE, NULL);
            break;
        }
        sink_i64(sink, point, (int64_t)bits);
        break;
    case XGT_U8:
    case XGT_U16:
    case XGT_U32:
    case XGT_I64: sink_i64(sink, point, (int64_t)bits); break;
    case XGT_BIT: // These have paths of their own.
    case XGT_WORD_BIT:
    case XGT_CONTACT:
    case XGT_BCD16:
    case XGT_BCD32:
    case XGT_TEXT:
    case XGT_PLC: break;
    }
}

void xgt_decode(const struct point *point, const uint8_t *data, struct point_sink *sink) {
    enum xgt_format format = (enum xgt_format)point->detail[XGT_FORMAT];
    uint32_t sub = point->detail[XGT_SUB];
    if (format == XGT_TEXT) {
        decode_text(point, data, sink);
        return;
    }
    if (format == XGT_BIT || format == XGT_WORD_BIT) {
        sink_bool(sink, point, data[sub / 8] >> (sub % 8) & 1);
        return;
    }
    if (format == XGT_CONTACT) {
        sink_bool(sink, point, data[0] & 1);
        return;
    }
    uint32_t bytes = format_bytes(format);
    uint64_t bits = gather(data + sub, bytes, point->detail[XGT_ORDER]);
    if (format == XGT_BCD16 || format == XGT_BCD32) {
        decode_bcd(point, bits, bytes, sink);
        return;
    }
    decode_number(point, bits, sink);
}

static int out_of_range(double value, struct err *err) {
    return err_set(err, ERR_RANGE, MSG_XGT_VALUE_RANGE, ARGS(A_REAL(value)));
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
    for (uint32_t i = 0; i < 8; i++) {
        bits |= value % 10 << (4 * i);
        value /= 10;
    }
    return bits;
}

static int real_bits(enum xgt_format format, double number, uint64_t *ret_bits, struct err *err) {
    float f32 = (float)number;
    uint32_t half = 0;
    if (isnan(number) || (format == XGT_F32 && isinf(f32))) {
        return out_of_range(number, err);
    }
    memcpy(&half, &f32, sizeof half);
    memcpy(ret_bits, &number, sizeof *ret_bits);
    *ret_bits = format == XGT_F32 ? half : *ret_bits;
    return 0;
}

int xgt_encode(
    const struct point *point, const struct sample *value, uint8_t *ret_data, struct err *err) {
    enum xgt_format format = (enum xgt_format)point->detail[XGT_FORMAT];
    if (value->type == TYPE_TEXT || !point->writable) {
        return err_set(err, ERR_UNSUPPORTED, MSG_XGT_NOT_WRITABLE, NO_ARGS);
    }
    double number = value->type == TYPE_F64 ? value->value.f64 : (double)value->value.i64;
    uint64_t bits = 0;
    int result = 0;
    uint32_t bytes = format_bytes(format);
    switch (format) {
    case XGT_BIT:
    case XGT_CONTACT:
        result = whole(value, 0, 1, &bits, err);
        bytes = 1;
        break;
    case XGT_I8: result = whole(value, INT8_MIN, INT8_MAX, &bits, err); break;
    case XGT_U8: result = whole(value, 0, UINT8_MAX, &bits, err); break;
    case XGT_I16: result = whole(value, INT16_MIN, INT16_MAX, &bits, err); break;
    case XGT_U16: result = whole(value, 0, UINT16_MAX, &bits, err); break;
    case XGT_I32: result = whole(value, INT32_MIN, INT32_MAX, &bits, err); break;
    case XGT_U32: result = whole(value, 0, UINT32_MAX, &bits, err); break;
    case XGT_I64: result = whole(value, INT64_MIN, INT64_MAX, &bits, err); break;
    case XGT_U64: result = whole(value, 0, INT64_MAX, &bits, err); break;
    case XGT_BCD16: result = whole(value, 0, 9999, &bits, err); break;
    case XGT_BCD32: result = whole(value, 0, 99999999, &bits, err); break;
    case XGT_F32:
    case XGT_F64: result = real_bits(format, number, &bits, err); break;
    case XGT_WORD_BIT:
    case XGT_TEXT:
    case XGT_PLC: return err_set(err, ERR_UNSUPPORTED, MSG_XGT_NOT_WRITABLE, NO_ARGS);
    }
    if (result < 0) {
        return result;
    }
    if (format == XGT_BCD16 || format == XGT_BCD32) {
        bits = to_bcd(bits);
    }
    spread(bits, ret_data, bytes, point->detail[XGT_ORDER]);
    return (int)bytes;
}
