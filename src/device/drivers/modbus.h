#ifndef DEVICE_DRIVERS_MODBUS_H
#define DEVICE_DRIVERS_MODBUS_H
/* Private to drivers/modbus*.c: what address, value and frame have to agree on. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "device/driver.h"

/* Spaces: the four tables, Application Protocol V1.1b3 clause 4.3. */
enum modbus_space { MODBUS_COILS = 0, MODBUS_DISCRETE, MODBUS_HOLDING, MODBUS_INPUT };

enum modbus_format {
    FORMAT_CELL = 0, // The bit of a coil or discrete input.
    FORMAT_WORD_BIT,
    FORMAT_I16,
    FORMAT_U16,
    FORMAT_I32,
    FORMAT_U32,
    FORMAT_I64,
    FORMAT_U64,
    FORMAT_F32,
    FORMAT_F64,
    FORMAT_TEXT
};

/* The bytes of 0xAABBCCDD as they come over the wire. */
enum modbus_order { ORDER_ABCD = 0, ORDER_CDAB, ORDER_BADC, ORDER_DCBA };

/* point.detail[] */
enum modbus_detail { DETAIL_FORMAT = 0, DETAIL_ORDER, DETAIL_BIT, DETAIL_TEXT_BYTES };

/* settings.values[], in the order of the option table. */
enum modbus_option {
    OPTION_UNIT = 0,
    OPTION_MAX_REGISTERS,
    OPTION_MAX_BITS,
    OPTION_MAX_GAP,
    OPTION_PIPELINE,
    OPTION_WORD_ORDER,
    OPTION_FRAMING,
    OPTION_WRITE,
    OPTION_COUNT
};
enum { FRAMING_AUTO = 0, FRAMING_TCP, FRAMING_RTU };

enum {
    MODBUS_REGISTERS_MAX = 125,   // One read, clause 6.3.
    MODBUS_BITS_MAX = 2000,       // Clause 6.1.
    MODBUS_TEXT_MAX = 250,        // What fits into one read.
    MODBUS_PDU_MAX = 253,         // Clause 4.1.
    MODBUS_WRITE_WORDS_MAX = 123, // Clause 6.12.
    MODBUS_PIPELINE_MAX = 16,     // NumberMaxOfClientTransaction, TCP guide clause 4.3.2.
};

/* modbus_address.c: `holding:0 f32 CDAB unit 5`, `40001`. */
int modbus_parse_address(struct str source, const struct driver_settings *settings,
    struct point *ret_point, struct err *err);

/* modbus_value.c: `data` are the point's own registers as they came. */
void modbus_decode(const struct point *point, const uint8_t *data, struct point_sink *sink);
/* The registers of a value to be written; the number of bytes, or negative with words. */
int modbus_encode(
    const struct point *point, const struct sample *value, uint8_t *ret_data, struct err *err);
uint16_t modbus_crc(const uint8_t *data, size_t size);

#endif
