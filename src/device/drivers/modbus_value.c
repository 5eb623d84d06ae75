/*
 * Registers to values and back, and the checksum of RTU frames.
 *
 * A register is two bytes, high byte first (Application Protocol V1.1b3 clause 4.2). How 32 and 64
 * bits lie in several registers is nobody's standard; four orders are in use. With the bytes of a
 * number named A (most significant) to D: ABCD is the order of the standard, CDAB has the words
 * swapped, BADC the bytes in each word, DCBA both. For 64 bits the same two rules are applied:
 * words in reverse, bytes swapped in each word. 16-bit values and text know only the byte swap.
 *
 * The CRC is Serial Line V1.02 clause 6.2.2: polynomial A001h reflected, start FFFFh, low byte
 * first on the wire; a table of 16 entries (two look-ups a byte) is quick enough for serial lines.
 */
#include <math.h>
#include <string.h>

#include "device/drivers/modbus.h"

static bool swaps_words(uint32_t order) {
    return order == ORDER_CDAB || order == ORDER_DCBA;
}

static bool swaps_bytes(uint32_t order) {
    return order == ORDER_BADC || order == ORDER_DCBA;
}

/* The number in `count` registers. */
static uint64_t gather(const uint8_t *data, uint32_t count, uint32_t order) {
    if (order == ORDER_ABCD) { // Nearly every value: without looking at the order each time.
        uint64_t plain = 0;
        for (uint32_t i = 0; i < 2 * count; i++) {
            plain = plain << 8 | data[i];
        }
        return plain;
    }
    uint64_t bits = 0;
    for (uint32_t i = 0; i < count; i++) {
        const uint8_t *word = data + (size_t)2 * (swaps_words(order) ? count - 1 - i : i);
        uint8_t high = word[swaps_bytes(order) ? 1 : 0];
        uint8_t low = word[swaps_bytes(order) ? 0 : 1];
        bits = bits << 16 | (uint64_t)high << 8 | low;
    }
    return bits;
}

static void spread(uint64_t bits, uint8_t *data, uint32_t count, uint32_t order) {
    for (uint32_t i = 0; i < count; i++) {
        uint8_t *word = data + (size_t)2 * (swaps_words(order) ? count - 1 - i : i);
        uint64_t value = bits >> (16 * (count - 1 - i));
        word[swaps_bytes(order) ? 1 : 0] = (uint8_t)(value >> 8);
        word[swaps_bytes(order) ? 0 : 1] = (uint8_t)value;
    }
}

static void decode_text(const struct point *point, const uint8_t *data, struct point_sink *sink) {
    char text[MODBUS_TEXT_MAX + 2];
    uint32_t size = point->detail[DETAIL_TEXT_BYTES];
    bool swap = swaps_bytes(point->detail[DETAIL_ORDER]);
    for (uint32_t i = 0; i < size; i++) {
        text[i] = (char)data[swap ? i ^ 1u : i];
    }
    /* Ends at the first NUL; devices pad with blanks or NULs. */
    struct str value = {.data = text, .size = size};
    value = str_slice(value, 0, str_find(value, '\0'));
    while (value.size > 0 && value.data[value.size - 1] == ' ') {
        value.size--;
    }
    sink_text(sink, point, value);
}

void modbus_decode(const struct point *point, const uint8_t *data, struct point_sink *sink) {
    uint32_t order = point->detail[DETAIL_ORDER];
    enum modbus_format format = (enum modbus_format)point->detail[DETAIL_FORMAT];
    if (format == FORMAT_TEXT) {
        decode_text(point, data, sink);
        return;
    }
    uint64_t bits = gather(data, point->length, order);
    uint32_t half = (uint32_t)bits;
    float f32 = 0;
    double f64 = 0;
    switch (format) {
    case FORMAT_WORD_BIT: sink_bool(sink, point, bits >> point->detail[DETAIL_BIT] & 1); break;
    case FORMAT_I16: sink_i64(sink, point, (int16_t)bits); break;
    case FORMAT_U16:
    case FORMAT_U32: sink_i64(sink, point, (int64_t)bits); break;
    case FORMAT_I32: sink_i64(sink, point, (int32_t)half); break;
    case FORMAT_I64: sink_i64(sink, point, (int64_t)bits); break;
    case FORMAT_U64:
        if (bits > INT64_MAX) {
            sink_bad(sink, point, STATUS_BAD_OUT_OF_RANGE, NULL);
        } else {
            sink_i64(sink, point, (int64_t)bits);
        }
        break;
    case FORMAT_F32:
        memcpy(&f32, &half, sizeof f32);
        sink_f64(sink, point, (double)f32);
        break;
    case FORMAT_F64:
        memcpy(&f64, &bits, sizeof f64);
        sink_f64(sink, point, f64);
        break;
    case FORMAT_CELL: // Bits have their own path.
    case FORMAT_TEXT: break;
    }
}

static int out_of_range(double value, struct err *err) {
    return err_set(err, ERR_RANGE, MSG_MODBUS_VALUE_RANGE, ARGS(A_REAL(value)));
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

int modbus_encode(
    const struct point *point, const struct sample *value, uint8_t *ret_data, struct err *err) {
    if (value->type == TYPE_TEXT || !point->writable) {
        return err_set(err, ERR_UNSUPPORTED, MSG_MODBUS_NOT_WRITABLE, NO_ARGS);
    }
    double number = value->type == TYPE_F64 ? value->value.f64 : (double)value->value.i64;
    float f32 = (float)number;
    uint32_t half = 0;
    uint64_t bits = 0;
    int result = 0;
    switch ((enum modbus_format)point->detail[DETAIL_FORMAT]) {
    case FORMAT_CELL: result = whole(value, 0, 1, &bits, err); break;
    case FORMAT_I16: result = whole(value, INT16_MIN, INT16_MAX, &bits, err); break;
    case FORMAT_U16: result = whole(value, 0, UINT16_MAX, &bits, err); break;
    case FORMAT_I32: result = whole(value, INT32_MIN, INT32_MAX, &bits, err); break;
    case FORMAT_U32: result = whole(value, 0, UINT32_MAX, &bits, err); break;
    case FORMAT_I64: result = whole(value, INT64_MIN, INT64_MAX, &bits, err); break;
    case FORMAT_U64: result = whole(value, 0, INT64_MAX, &bits, err); break;
    case FORMAT_F32:
        if (isinf(f32) && !isinf(number)) {
            return out_of_range(number, err);
        }
        memcpy(&half, &f32, sizeof half);
        bits = half;
        break;
    case FORMAT_F64: memcpy(&bits, &number, sizeof bits); break;
    case FORMAT_WORD_BIT:
    case FORMAT_TEXT: return err_set(err, ERR_UNSUPPORTED, MSG_MODBUS_NOT_WRITABLE, NO_ARGS);
    }
    if (result < 0) {
        return result;
    }
    spread(bits, ret_data, point->length, point->detail[DETAIL_ORDER]);
    return (int)point->length * 2;
}

uint16_t modbus_crc(const uint8_t *data, size_t size) {
    static const uint16_t table[16] = {0x0000, 0xCC01, 0xD801, 0x1400, 0xF001, 0x3C00, 0x2800,
        0xE401, 0xA001, 0x6C00, 0x7800, 0xB401, 0x5000, 0x9C01, 0x8801, 0x4400};
    uint16_t crc = 0xFFFF;
    for (size_t i = 0; i < size; i++) {
        crc = (uint16_t)(crc >> 4 ^ table[(crc ^ data[i]) & 15]);
        crc = (uint16_t)(crc >> 4 ^ table[(crc ^ data[i] >> 4) & 15]);
    }
    return crc;
}
